"""The kinds of set: an office, a flat with a kitchen, a workshop, and the endless office."""

from __future__ import annotations

from collections.abc import Callable

from filmgate.models.animatic.liminal import liminal
from filmgate.models.animatic.place import BACK, FRONT, LEFT, RIGHT, TOP, Furnisher, Place, Point
from filmgate.models.animatic.texture import Skin, hue

_WHITE = (0.86, 0.85, 0.82)


def _flat(f: Furnisher) -> Place:
    """One room: kitchen line on the left, table and sofa, windows right, books at the back."""
    rng = f.rng
    room: Point = (float(rng.uniform(5.8, 6.6)), float(rng.uniform(7.0, 7.6)), 2.7)
    width, depth, height = room
    tone = hue(rng, (0.08, 0.28), (0.66, 0.82))
    wall = Skin("plaster", tone, f.seed())
    accent = Skin("paper", hue(rng, (0.12, 0.35), (0.5, 0.72)), f.seed())
    floor_value = float(rng.uniform(0.45, 0.62))
    floor = Skin("boards", (floor_value, floor_value * 0.72, floor_value * 0.5), f.seed())
    f.skirting(room, _WHITE)
    _kitchen(f, room)
    x_shelf = width * 0.22
    f.box("bookcase", x_shelf, depth - 0.17, 0, (1.5, 0.32, 2.05), f.wood(),
          faces={FRONT: Skin("books", (0.42, 0.30, 0.20), f.seed())}, movable=True)  # fmt: skip
    frame = _WHITE
    for index, y in enumerate((depth * 0.30, depth * 0.66)):
        f.on_wall(f"window {index + 1}", RIGHT, y, 0.85, 1.5, 1.4, Skin("window", frame, f.seed()),
                  room, emit=1.1, solid=False)  # fmt: skip
    f.on_wall("door", BACK, -width * 0.16, 0, 0.92, 2.06, Skin("door", _WHITE, f.seed()), room)
    f.on_wall("front door", FRONT, width * 0.25, 0, 0.92, 2.06,
              Skin("door", (0.45, 0.30, 0.22), f.seed()), room)  # fmt: skip
    f.on_wall("painting", BACK, -width * 0.37, 1.25, 0.8, 0.62,
              Skin("painting", (0.2, 0.16, 0.12), f.seed()), room, movable=True)  # fmt: skip
    f.on_wall("poster", FRONT, -width * 0.2, 1.15, 0.9, 1.2,
              Skin("painting", (0.1, 0.1, 0.1), f.seed()), room, movable=True)  # fmt: skip
    f.on_wall("picture", RIGHT, depth * 0.48, 1.35, 0.5, 0.64,
              Skin("painting", (0.6, 0.48, 0.3), f.seed()), room, movable=True)  # fmt: skip
    sofa = Skin("cloth", hue(rng, (0.25, 0.6), (0.3, 0.6)), f.seed())
    x, y = width / 2 - 0.55, depth * 0.60
    f.box("sofa", x, y, 0.08, (0.85, 1.9, 0.36), sofa, movable=True)
    f.box("sofa", x + 0.34, y, 0.44, (0.2, 1.9, 0.42), sofa, movable=True)
    for end in (-0.86, 0.86):
        f.box("sofa", x, y + end, 0.44, (0.85, 0.18, 0.2), sofa, movable=True)
    pillow = Skin("cloth", hue(rng, (0.4, 0.8), (0.5, 0.85)), f.seed())
    f.box("pillow", x + 0.15, y - 0.5, 0.44, (0.18, 0.42, 0.36), pillow, movable=True)
    f.table("table", -0.2, depth * 0.82, (1.5, 0.8, 0.74), f.wood())
    chair = f.wood(0.25, 0.5)
    f.chair("chair 1", -0.65, depth * 0.82 - 0.62, FRONT, chair)
    f.chair("chair 2", 0.3, depth * 0.82 - 0.62, FRONT, chair)
    f.box("bowl", -0.1, depth * 0.82, 0.74, (0.3, 0.3, 0.1),
          Skin("plaster", hue(rng, (0.4, 0.8), (0.4, 0.8)), 2), movable=True)  # fmt: skip
    f.plant("plant", width / 2 - 0.5, depth - 0.5, 1.6)
    f.floor_lamp("lamp", width / 2 - 0.4, depth * 0.42)
    f.box("sideboard", -0.9, 0.24, 0, (1.6, 0.42, 0.8), f.wood(),
          faces={BACK: Skin("drawers", (0.5, 0.38, 0.26), f.seed())}, movable=True)  # fmt: skip
    f.plant("little plant", -1.9, 0.45, 1.1)
    rug = Skin("cloth", hue(rng, (0.3, 0.6), (0.35, 0.6)), f.seed())
    f.box("rug", 0.3, depth * 0.48, 0, (2.3, 1.6, 0.012), rug, solid=False, movable=True)
    return Place(width, depth, height, floor, Skin("plaster", _WHITE, f.seed()),
                 (wall, wall, wall, accent), tuple(f.boxes), tuple(f.lamps), 0.6,
                 (0.0, depth * 0.56))  # fmt: skip


def _kitchen(f: Furnisher, room: Point) -> None:
    """Counter, wall cupboards and a tall fridge along the left wall."""
    width, depth, _ = room
    front = hue(f.rng, (0.1, 0.5), (0.4, 0.75))
    base, x = Skin("plaster", front, f.seed()), -width / 2 + 0.31
    long_m, middle = depth * 0.46, depth * 0.52
    f.box("counter", x, middle, 0, (0.6, long_m, 0.86), base,
          faces={RIGHT: Skin("drawers", front, f.seed() * 3 + 1)})  # fmt: skip
    f.box("worktop", x + 0.01, middle, 0.86, (0.64, long_m, 0.04), f.wood(0.5, 0.7))
    f.box("cupboards", x - 0.12, middle, 1.45, (0.34, long_m, 0.66), base,
          faces={RIGHT: Skin("drawers", front, f.seed() * 3)})  # fmt: skip
    f.box("splash", -width / 2 + 0.01, middle, 0.9, (0.02, long_m, 0.55),
          Skin("tiles", (0.8, 0.82, 0.8), f.seed() * 2), solid=False)  # fmt: skip
    f.box("fridge", -width / 2 + 0.35, depth * 0.84, 0, (0.66, 0.66, 1.8),
          Skin("metal", (0.72, 0.73, 0.75), f.seed()),
          faces={RIGHT: Skin("drawers", (0.74, 0.75, 0.77), 1)}, movable=True)  # fmt: skip
    for index in range(4):
        size = float(f.rng.uniform(0.1, 0.24))
        skin = Skin("metal", hue(f.rng, (0.2, 0.8), (0.3, 0.8)), f.seed())
        f.box(f"pot {index + 1}", x + 0.05, middle - long_m * 0.4 + index * long_m * 0.25, 0.9,
              (size, size, size * 1.1), skin, movable=True)  # fmt: skip


def _office(f: Furnisher) -> Place:
    """Carpet, panel ceiling, rows of cubicles, columns, doors that all look alike."""
    rng = f.rng
    room: Point = (14.0, 18.0, 2.75)
    width, depth, height = room
    tone = (0.80, 0.77, float(rng.uniform(0.55, 0.7)))
    wall = Skin("paper" if rng.uniform() < 0.5 else "plaster", tone, f.seed())
    carpet = Skin("carpet", hue(rng, (0.15, 0.4), (0.36, 0.5)), f.seed())
    f.skirting(room, (0.5, 0.48, 0.42))
    cloth = hue(rng, (0.1, 0.3), (0.45, 0.62))
    index = 0
    for side in (-1, 1):
        for row in range(4):
            index += 1
            _cubicle(f, index, side * (3.6 + 0.0 * row), 3.4 + row * 3.7, side, cloth)
    column = Skin("plaster", (0.74, 0.72, 0.66), f.seed())
    for number, (x, y) in enumerate(((-1.75, 9.0), (1.75, 9.0), (-1.75, 14.6), (1.75, 14.6))):
        f.box(f"column {number + 1}", x, y, 0, (0.45, 0.45, height), column)
    for number, along in enumerate((-5.0, -1.2, 2.6, 5.6)):
        f.on_wall(f"door {number + 1}", BACK, along, 0, 0.95, 2.1,
                  Skin("door", (0.46, 0.36, 0.27), f.seed()), room, movable=True)  # fmt: skip
    for number, y in enumerate((2.5, 6.4, 10.2, 14.0)):
        f.on_wall(f"window {number + 1}", RIGHT, y, 0.9, 2.2, 1.45,
                  Skin("window", (0.7, 0.7, 0.7), f.seed()), room, emit=1.0,
                  solid=False)  # fmt: skip
        f.on_wall(f"picture {number + 1}", LEFT, y + 1, 1.2, 1.1, 0.8,
                  Skin("painting", (0.15, 0.15, 0.16), f.seed()), room, movable=True)  # fmt: skip
    f.on_wall("clock", BACK, 0.7, 2.15, 0.42, 0.42, Skin("clock", tone, f.seed()), room)
    f.on_wall("notice board", FRONT, -2.5, 1.0, 2.2, 1.2, Skin("board", (0.85, 0.85, 0.84),
              f.seed()), room, movable=True)  # fmt: skip
    f.on_wall("way out", FRONT, 2.6, 0, 1.7, 2.1, Skin("door", (0.4, 0.42, 0.45), f.seed()), room)
    f.plant("plant 1", 1.75, 8.3, 1.5)
    f.plant("plant 2", -1.7, 13.7, 1.7)
    f.plant("plant 3", -6.5, 0.6, 1.6)
    f.box("cooler", -1.75, 8.45, 0, (0.34, 0.34, 1.0), Skin("metal", (0.8, 0.81, 0.82), 3),
          movable=True)  # fmt: skip
    f.box("cooler", -1.75, 8.45, 1.0, (0.28, 0.28, 0.4), Skin("metal", (0.55, 0.7, 0.85), 4),
          movable=True)  # fmt: skip
    f.box("copier", 6.3, 0.9, 0, (1.1, 0.7, 1.05), Skin("plaster", (0.75, 0.75, 0.73), f.seed()),
          faces={BACK: Skin("drawers", (0.7, 0.7, 0.69), 1)}, movable=True)  # fmt: skip
    glow = Skin("glow", (0.98, 0.97, 0.92), 5)
    for x in (-5.25, -1.75, 1.75, 5.25):
        for y in (1.75, 5.25, 8.75, 12.25, 15.75):
            f.box("panel light", x, y, height - 0.012, (0.5, 1.0, 0.012), glow, emit=2.2,
                  solid=False)  # fmt: skip
            f.lamps.append((x, y, height - 0.05))
    return Place(width, depth, height, carpet, Skin("panels", (0.83, 0.82, 0.78), f.seed()),
                 (wall, wall, wall, wall), tuple(f.boxes), tuple(f.lamps), 0.33,
                 (0.0, 5.2))  # fmt: skip


def _cubicle(f: Furnisher, index: int, x: float, y: float, side: int,
             cloth: tuple[float, float, float]) -> None:  # fmt: skip
    """Half-high partitions around a desk with a screen; open towards the middle aisle."""
    panel, name = Skin("cloth", cloth, f.seed()), f"cubicle {index}"
    f.box(name, x, y + 1.3, 0, (3.0, 0.06, 1.35), panel)
    f.box(name, x + side * 1.5, y, 0, (0.06, 2.66, 1.35), panel)
    top = Skin("wood", (0.62, 0.52, 0.4), f.seed())
    f.table(f"desk {index}", x + side * 0.3, y + 0.88, (2.1, 0.72, 0.73), top)
    shift = float(f.rng.uniform(-0.4, 0.4))
    tone = hue(f.rng, (0.3, 0.7), (0.2, 0.55))
    f.box(f"screen {index}", x + side * 0.3 + shift, y + 0.98, 0.80, (0.56, 0.05, 0.34),
          Skin("metal", (0.12, 0.12, 0.13), 1),
          faces={FRONT: Skin("screen", tone, f.seed())}, emit=0.0, movable=True)  # fmt: skip
    f.box(f"screen {index}", x + side * 0.3 + shift, y + 0.98, 0.73, (0.2, 0.14, 0.07),
          Skin("metal", (0.12, 0.12, 0.13), 1), movable=True)  # fmt: skip
    paper = Skin("board", (0.9, 0.9, 0.88), f.seed())
    f.box(f"papers {index}", x + side * 0.3 - shift, y + 0.7, 0.73, (0.3, 0.24, 0.02),
          Skin("plaster", (0.9, 0.9, 0.88), 2), faces={TOP: paper}, movable=True)  # fmt: skip
    seat = Skin("cloth", hue(f.rng, (0.2, 0.6), (0.2, 0.45)), f.seed())
    f.chair(f"chair {index}", x + side * 0.3, y + float(f.rng.uniform(0.0, 0.3)), FRONT, seat)
    if f.rng.uniform() < 0.6:
        f.box(f"cabinet {index}", x + side * 1.15, y - 0.6, 0, (0.5, 0.6, 0.72),
              Skin("metal", (0.5, 0.52, 0.54), f.seed()),
              faces={FRONT: Skin("drawers", (0.5, 0.52, 0.54), 2)}, movable=True)  # fmt: skip


def _workshop(f: Furnisher) -> Place:
    """Brick and concrete, benches along the walls, racks, a big table, high windows."""
    rng = f.rng
    room: Point = (float(rng.uniform(8.6, 9.6)), float(rng.uniform(10.0, 11.0)), 3.7)
    width, depth, height = room
    brick = Skin("brick", (0.55, float(rng.uniform(0.30, 0.4)), 0.27), f.seed())
    grey = Skin("plaster", hue(rng, (0.03, 0.15), (0.55, 0.7)), f.seed())
    f.skirting(room, (0.3, 0.3, 0.3))
    for index, along in enumerate((-0.3, 0.0, 0.3)):
        f.on_wall(f"window {index + 1}", BACK, width * along, 1.9, 1.7, 1.3,
                  Skin("window", (0.25, 0.27, 0.28), f.seed()), room, emit=1.2,
                  solid=False)  # fmt: skip
    bench = f.wood(0.4, 0.6)
    f.table("bench", 0.2, depth - 0.45, (width * 0.72, 0.7, 0.9), bench)
    f.on_wall("pegboard", LEFT, depth * 0.55, 1.15, 2.6, 1.2,
              Skin("tools", (0.68, 0.56, 0.4), f.seed()), room, movable=True)  # fmt: skip
    f.table("side bench", -width / 2 + 0.42, depth * 0.55, (0.7, 2.8, 0.9), bench)
    f.on_wall("pegboard 2", FRONT, -width * 0.2, 1.15, 2.4, 1.2,
              Skin("tools", (0.5, 0.52, 0.55), f.seed()), room, movable=True)  # fmt: skip
    f.on_wall("big door", RIGHT, depth * 0.3, 0, 2.4, 2.6,
              Skin("door", (0.36, 0.42, 0.40), f.seed()), room)  # fmt: skip
    f.on_wall("poster", RIGHT, depth * 0.53, 1.3, 0.8, 1.1,
              Skin("painting", (0.1, 0.1, 0.1), f.seed()), room, movable=True)  # fmt: skip
    for index, y in enumerate((depth * 0.68, depth * 0.84)):
        f.box(f"rack {index + 1}", width / 2 - 0.3, y, 0, (0.5, 1.4, 2.1), f.wood(),
              faces={LEFT: Skin("books", (0.4, 0.33, 0.27), f.seed())}, movable=True)  # fmt: skip
    red = Skin("metal", hue(rng, (0.6, 0.85), (0.45, 0.7)), f.seed())
    f.box("tool chest", -width * 0.36, depth * 0.83, 0.1, (0.7, 0.5, 1.0), red,
          faces={FRONT: Skin("drawers", red.rgb, 2)}, movable=True)  # fmt: skip
    f.table("work table", width * 0.22, depth * 0.66, (1.7, 0.9, 0.88), f.wood(0.45, 0.65))
    for index in range(5):
        size = float(rng.uniform(0.12, 0.38))
        f.box(f"crate {index + 1}", -width * 0.25 + index * width * 0.13, depth - 0.45, 0.9,
              (size * 1.3, size, size), f.wood(0.4, 0.7), movable=True)  # fmt: skip
    f.box("vice", width * 0.22 - 0.5, depth * 0.66, 0.88, (0.25, 0.2, 0.2),
          Skin("metal", (0.25, 0.35, 0.5), 2), movable=True)  # fmt: skip
    f.box("drum", width * 0.34, depth * 0.13, 0, (0.6, 0.6, 0.9),
          Skin("metal", hue(rng, (0.6, 0.9), (0.4, 0.6)), f.seed()), movable=True)  # fmt: skip
    f.box("pallet", -width * 0.36, 0.9, 0, (1.2, 1.0, 0.15), f.wood(), movable=True)
    f.box("pallet", -width * 0.38, 0.8, 0.15, (0.8, 0.7, 0.6), f.wood(0.5, 0.65), movable=True)
    steel = Skin("metal", (0.3, 0.31, 0.33), 9)
    for y in (depth * 0.25, depth * 0.5, depth * 0.75):
        f.box("beam", 0, y, height - 0.35, (width, 0.18, 0.22), steel, solid=False)
    shade = Skin("metal", (0.18, 0.24, 0.22), 4)
    for index, x in enumerate((-1.6, 1.6)):
        y, name = depth * 0.6, f"pendant {index + 1}"
        f.box(name, x, y, 2.75, (0.02, 0.02, height - 2.75), steel, solid=False)
        f.box(name, x, y, 2.58, (0.42, 0.42, 0.18), shade, solid=False)
        f.box(name, x, y, 2.55, (0.34, 0.34, 0.03), Skin("glow", (1.0, 0.9, 0.7), 6), emit=2.4,
              solid=False)  # fmt: skip
        f.lamps.append((x, y, 2.5))
    f.plant("plant", width * 0.42, depth * 0.45, 1.4)
    return Place(width, depth, height, Skin("concrete", (0.52, 0.51, 0.49), f.seed()),
                 Skin("concrete", (0.5, 0.5, 0.5), f.seed()), (grey, grey, grey, brick),
                 tuple(f.boxes), tuple(f.lamps), 0.8, (0.0, depth * 0.42))  # fmt: skip


def _cyclorama(f: Furnisher) -> Place:
    """Plain grey before and below: where somebody is shown alone."""
    grey = Skin("plain", (0.60, 0.60, 0.60), 1)
    return Place(14.0, 11.0, 5.0, grey, grey, (grey,) * 4, (), (), 0.0, (0.0, 8.2))


FURNISH: dict[str, Callable[[Furnisher], Place]] = {
    "flat": _flat, "office": _office, "workshop": _workshop, "liminal": liminal,
    "cyclorama": _cyclorama,
}  # fmt: skip
