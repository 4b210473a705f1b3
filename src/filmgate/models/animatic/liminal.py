"""One endless office: corridors, cubicle rows, pillars, doors, stairwells, break rooms.

Nine blocks of a floor between four corridors, each block of another use; what stands where follows
from the seed. Everything is boxes; walls, floors and ceilings too, so that rooms can differ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

from filmgate.models.animatic.place import (
    BACK,
    BOTTOM,
    FRONT,
    LEFT,
    RIGHT,
    Furnisher,
    Place,
    Spot,
)
from filmgate.models.animatic.texture import Rgb, Skin, hue

HIGH_M = 2.75
WALL_M = 0.14
DOOR_M, HEAD_M = 0.98, 2.12
STAIRS_HIGH_M = 5.6
_ACROSS, _DEEP = (13.0, 18.0), (11.8, 15.0)
_CORRIDOR = (2.1, 2.9)
_USES = ("cubicles", "pillars", "rooms", "cubicles", "break_room", "pillars", "rooms", "stairwell",
         "bare")  # fmt: skip
_WALLPAPER: tuple[Rgb, ...] = ((0.72, 0.66, 0.44), (0.75, 0.70, 0.53), (0.68, 0.66, 0.50))


# What hangs on walls: kind, height of its lower edge, width and height, metres.
_HUNG = (
    ("painting", 1.25, 0.95, 0.68), ("painting", 1.2, 0.62, 0.84), ("notice", 1.3, 0.42, 0.56),
    ("notice", 1.3, 0.6, 0.42), ("board", 1.05, 1.5, 0.95), ("clock", 2.1, 0.36, 0.36),
    ("extinguisher", 0.55, 0.34, 0.78), ("grille", 2.2, 0.7, 0.3), ("storey", 1.3, 0.9, 0.7),
    ("leaf", 0.0, 0.92, 2.06),
)  # fmt: skip


class Rect(NamedTuple):
    """A piece of floor, metres."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def middle(self) -> tuple[float, float]:
        """Its middle."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


class Opening(NamedTuple):
    """A gap in a wall: where its middle lies along it, its width and the height of its head."""

    along: float
    wide: float
    head: float = HEAD_M


class Style(NamedTuple):
    """What a part of the floor is finished with."""

    wall: Skin
    floor: Skin
    ceiling: Skin


class Architect:
    """Builds walls, floors, ceilings and lights; remembers where a camera may stand."""

    def __init__(self, f: Furnisher) -> None:
        self.f, self.rng = f, f.rng
        self.spots: list[Spot] = []
        self.count = 0
        self.lit = Skin("troffer", (0.98, 0.98, 0.90), 1)
        self.dead = Skin("troffer", (0.50, 0.50, 0.47), 1)

    def name(self, thing: str) -> str:
        """A name no other thing has."""
        self.count += 1
        return f"{thing} {self.count}"

    def chance(self, share: float) -> bool:
        """True in `share` of all cases."""
        return bool(self.rng.uniform() < share)

    def between(self, low: float, high: float) -> float:
        """A number between two."""
        return float(self.rng.uniform(low, high))

    def style(self, corridor: bool = False) -> Style:
        """Finishes that go together."""
        f, kind = self.f, int(self.rng.integers(3))
        if corridor or kind == 0:
            wall = Skin("papered", _WALLPAPER[int(self.rng.integers(3))], f.seed())
        else:
            wall = Skin("painted", hue(self.rng, (0.04, 0.16), (0.62, 0.74)), f.seed())
        floor = Skin("worn", hue(self.rng, (0.06, 0.24), (0.32, 0.46)), f.seed())
        if corridor:
            floor = Skin("worn", (0.47, 0.42, 0.28), f.seed())
        ceiling = Skin("soffit", (0.80, 0.79, 0.73), f.seed())
        return Style(wall, floor, ceiling)

    def slab(self, rect: Rect, style: Style, ceiling: bool = True) -> None:
        """Floor and ceiling of a piece of the storey."""
        (x, y), size = rect.middle, (rect.x1 - rect.x0, rect.y1 - rect.y0)
        self.f.box("floor", x, y, -0.05, (*size, 0.05), style.floor, solid=False)
        if ceiling:
            self.f.box("ceiling", x, y, HIGH_M, (*size, 0.05), style.ceiling, solid=False)

    def wall(self, axis: int, fixed: float, start: float, end: float,
             openings: Sequence[Opening], near: Skin, far: Skin,
             high: float = HIGH_M) -> None:  # fmt: skip
        """A wall along x (`axis` 0, at y = `fixed`) or y (1, at x = `fixed`) with gaps in it.

        `near` covers the side towards smaller coordinates, `far` the other.
        """
        edges = [start]
        for gap in sorted(openings):
            edges += [gap.along - gap.wide / 2, gap.along + gap.wide / 2]
            self._piece(axis, fixed, edges[-2], edges[-1], gap.head, near, far, high)
        edges.append(end)
        for first, last in zip(edges[::2], edges[1::2], strict=True):
            count = max(1, math.ceil((last - first) / 4.2))
            for i in range(count):
                a = first + (last - first) * i / count
                b = first + (last - first) * (i + 1) / count
                self._piece(axis, fixed, a, b, 0.0, near, far, high)

    def _piece(self, axis: int, fixed: float, first: float, last: float, z: float, near: Skin,
               far: Skin, high: float) -> None:  # fmt: skip
        if last - first < 0.02 or high - z < 0.02:
            return
        along, long_m = (first + last) / 2, last - first
        reveal = Skin("plaster", (0.58, 0.55, 0.47), 11)
        sides = (FRONT, BACK) if axis == 0 else (LEFT, RIGHT)
        x, y = (along, fixed) if axis == 0 else (fixed, along)
        size = (long_m, WALL_M, high - z) if axis == 0 else (WALL_M, long_m, high - z)
        self.f.box("wall", x, y, z, size, reveal, faces={sides[0]: near, sides[1]: far})

    def plate(self, name: str, face: int, fixed: float, along: float, z: float, wide: float,
              high: float, skin: Skin, movable: bool = True, emit: float = 0.0,
              thick: float = 0.04) -> None:  # fmt: skip
        """Something flat on the `face` side of the wall whose surface lies at `fixed`."""
        edge = Skin("plaster", (0.30, 0.29, 0.27), 12)
        sign = 1 if face in (BACK, RIGHT) else -1
        at = fixed + sign * thick / 2
        x, y = (along, at) if face in (FRONT, BACK) else (at, along)
        size = (wide, thick, high) if face in (FRONT, BACK) else (thick, wide, high)
        self.f.box(name, x, y, z, size, edge, faces={face: skin}, movable=movable, emit=emit,
                   solid=False)  # fmt: skip

    def lights(self, rect: Rect, step: float, long_x: bool, dead: float = 0.14) -> None:
        """A grid of ceiling lights about `step` apart; a share of them no longer works."""
        wide, deep = rect.x1 - rect.x0, rect.y1 - rect.y0
        across, down = max(1, round(wide / step)), max(1, round(deep / step))
        size = (1.2, 0.6, 0.012) if long_x else (0.6, 1.2, 0.012)
        for i in range(across):
            for j in range(down):
                x = rect.x0 + wide * (i + 0.5) / across
                y = rect.y0 + deep * (j + 0.5) / down
                works = not self.chance(dead)
                skin = (self.lit if works else self.dead)._replace(seed=self.f.seed())
                self.f.box("panel light", x, y, HIGH_M - 0.012, size, skin,
                           emit=2.1 if works else 0.0, solid=False)  # fmt: skip
                if works:
                    self.f.lamps.append((x, y, HIGH_M - 0.06))

    def failing(self) -> float:
        """The share of dead lights in one part of the storey."""
        return (0.06, 0.12, 0.2, 0.5)[int(self.rng.integers(4))]

    def stand(self, view: str, rect: Rect, count: int, pans: Sequence[float] = (),
              turn_deg: float = 8.0, inset: float = 0.5,
              heights: Sequence[float] = (1.2, 1.5, 1.7)) -> None:  # fmt: skip
        """Try `count` places in `rect` for a camera, looking along one of `pans` or anywhere."""
        for _ in range(count):
            x = self.between(rect.x0 + inset, max(rect.x0 + inset, rect.x1 - inset))
            y = self.between(rect.y0 + inset, max(rect.y0 + inset, rect.y1 - inset))
            if pans:
                pan = pans[int(self.rng.integers(len(pans)))] + self.between(-turn_deg, turn_deg)
            else:
                pan = self.between(-180, 180)
            height = heights[int(self.rng.integers(len(heights)))]
            self.spots.append(Spot(view, x, y, height, pan % 360, -(height - 1.35) * 4))

    def clutter(self, x: float, y: float) -> None:
        """Something left standing on the floor."""
        f, pick = self.f, int(self.rng.integers(6))
        if pick <= 1:
            f.plant(self.name("plant"), x, y, self.between(1.2, 1.7))
        elif pick == 2:
            f.chair(self.name("chair"), x, y, int(self.rng.integers(4)), self._seat())
        elif pick == 3:
            name, side = self.name("boxes"), self.between(0.34, 0.46)
            card = Skin("plaster", (0.62, 0.50, 0.36), f.seed())
            f.box(name, x, y, 0, (side, side, side * 0.8), card, movable=True)
            f.box(name, x + 0.03, y - 0.02, side * 0.8, (side * 0.9, side * 0.9, side * 0.7), card,
                  movable=True)  # fmt: skip
        elif pick == 4:
            name = self.name("cooler")
            f.box(name, x, y, 0, (0.32, 0.32, 0.98), Skin("metal", (0.80, 0.81, 0.82), 3),
                  movable=True)  # fmt: skip
            f.box(name, x, y, 0.98, (0.27, 0.27, 0.4), Skin("metal", (0.55, 0.70, 0.84), 4),
                  movable=True)  # fmt: skip
        else:
            grey = Skin("metal", (0.50, 0.52, 0.53), f.seed())
            drawers = Skin("drawers", (0.50, 0.52, 0.53), 2)
            f.box(self.name("cabinet"), x, y, 0, (0.46, 0.46, 1.3), grey,
                  faces=dict.fromkeys((LEFT, RIGHT, FRONT, BACK), drawers),
                  movable=True)  # fmt: skip

    def _seat(self) -> Skin:
        return Skin("cloth", hue(self.rng, (0.2, 0.65), (0.22, 0.5)), self.f.seed())

    def dress(self, face: int, fixed: float, start: float, end: float,
              gaps: Sequence[Opening], every: float = 3.4) -> None:  # fmt: skip
        """Hang notices, pictures, clocks and the like along a wall, clear of its openings."""
        along = start + self.between(0.8, every)
        while along < end - 0.7:
            clear = all(abs(along - gap.along) > gap.wide / 2 + 0.6 for gap in gaps)
            if clear and self.chance(0.72):
                self._hung(face, fixed, along)
            along += self.between(0.7, 1.3) * every

    def _hung(self, face: int, fixed: float, along: float) -> None:
        seed, pick = self.f.seed(), int(self.rng.integers(len(_HUNG)))
        tint = hue(self.rng, (0.35, 0.75), (0.35, 0.7))
        kind, z, wide, high = _HUNG[pick]
        if kind == "painting":
            tint = (0.16, 0.15, 0.14)
        elif kind in ("grille", "storey", "clock"):
            tint = (0.72, 0.70, 0.60)
        elif kind == "leaf":
            tint = hue(self.rng, (0.2, 0.5), (0.3, 0.55))
        thing = "door" if kind == "leaf" else kind
        self.plate(self.name(thing), face, fixed, along, z, wide, high, Skin(kind, tint, seed),
                   movable=kind != "leaf")  # fmt: skip

    def exit_sign(self, x: float, y: float, along_x: bool) -> None:
        """A lit sign that hangs from the ceiling; `along_x`: read by who walks along x."""
        skin = Skin("exit", (0.1, 0.6, 0.3), self.f.seed())
        size = (0.05, 0.46, 0.19) if along_x else (0.46, 0.05, 0.19)
        faces = (LEFT, RIGHT) if along_x else (FRONT, BACK)
        self.f.box(self.name("exit sign"), x, y, 2.36, size, Skin("plaster", (0.2, 0.2, 0.2), 5),
                   faces=dict.fromkeys(faces, skin), emit=1.0, solid=False)  # fmt: skip


def liminal(f: Furnisher) -> Place:
    """The whole storey."""
    # Imported here: the rooms are built with the tools of this module.
    from filmgate.models.animatic.rooms import ROOMS

    a = Architect(f)
    across = [a.between(*_ACROSS) for _ in range(3)]
    down = [a.between(*_DEEP) for _ in range(3)]
    lanes_x = [a.between(*_CORRIDOR) for _ in range(2)]
    lanes_y = [a.between(*_CORRIDOR) for _ in range(2)]
    width, depth = sum(across) + sum(lanes_x), sum(down) + sum(lanes_y)
    xs = _edges(-width / 2, across, lanes_x)
    ys = _edges(0.0, down, lanes_y)
    halls = a.style(corridor=True)
    _corridors(a, xs, ys, width, depth, halls)
    uses = [_USES[int(i)] for i in a.rng.permutation(len(_USES))]
    for number, use in enumerate(uses):
        i, j = number % 3, number // 3
        rect = Rect(xs[i][0], ys[j][0], xs[i][1], ys[j][1])
        # Sides that open to a corridor: left, right, front, back.
        open_to = (i > 0, i < 2, j > 0, j < 2)
        build: Callable[[Architect, Rect, tuple[bool, bool, bool, bool], Style], None] = ROOMS[use]
        build(a, rect, open_to, halls)
    plain = Skin("plaster", (0.6, 0.57, 0.48), 3)
    return Place(width, depth, HIGH_M, halls.floor, halls.ceiling, (plain,) * 4, tuple(f.boxes),
                 tuple(f.lamps), 0.95, (0.0, depth / 2), spots=tuple(a.spots),
                 endless=True)  # fmt: skip


def _edges(start: float, blocks: Sequence[float],
           lanes: Sequence[float]) -> list[tuple[float, float]]:  # fmt: skip
    """First and last coordinate of each block, with lanes between."""
    out, at = [], start
    for block, lane in zip(blocks, (*lanes, 0.0), strict=True):
        out.append((at, at + block))
        at += block + lane
    return out


def _corridors(a: Architect, xs: Sequence[tuple[float, float]],
               ys: Sequence[tuple[float, float]], width: float, depth: float,
               style: Style) -> None:  # fmt: skip
    """Two corridors along y, two along x; floor, ceiling, lights, frames, cameras."""
    lanes_x = [(xs[0][1], xs[1][0]), (xs[1][1], xs[2][0])]
    lanes_y = [(ys[0][1], ys[1][0]), (ys[1][1], ys[2][0])]
    half = width / 2
    for x0, x1 in lanes_x:
        a.slab(Rect(x0, 0, x1, depth), style)
        for y0, y1 in (*ys, *lanes_y):
            a.lights(Rect(x0, y0, x1, y1), 2.6, long_x=False, dead=a.failing())
        a.wall(0, -WALL_M / 2, x0, x1, (), style.wall, style.wall)
        a.wall(0, depth + WALL_M / 2, x0, x1, (), style.wall, style.wall)
        a.stand("corridor", Rect(x0, 0.6, x1, depth - 0.6), 70, (0, 180), 5)
        a.stand("doors", Rect(x0, 0.6, x1, depth - 0.6), 70, (38, -38, 142, -142), 14, 0.4)
        _frames(a, 1, (x0, x1), [(y0, y1) for y0, y1 in ys], style)
    for y0, y1 in lanes_y:
        for x0, x1 in xs:
            a.slab(Rect(x0, y0, x1, y1), style)
            a.lights(Rect(x0, y0, x1, y1), 2.6, long_x=True, dead=a.failing())
        a.wall(1, -half - WALL_M / 2, y0, y1, (), style.wall, style.wall)
        a.wall(1, half + WALL_M / 2, y0, y1, (), style.wall, style.wall)
        a.stand("corridor", Rect(-half + 0.6, y0, half - 0.6, y1), 70, (90, 270), 5)
        a.stand("doors", Rect(-half + 0.6, y0, half - 0.6, y1), 70, (52, 128, 232, 308), 14, 0.4)
        _frames(a, 0, (y0, y1), list(xs), style)


def _frames(a: Architect, axis: int, lane: tuple[float, float],
            blocks: Sequence[tuple[float, float]], style: Style) -> None:  # fmt: skip
    """Frames without doors that a corridor goes through, an exit sign on some, things left over.

    `axis` 1: the corridor runs along y between x of `lane`; 0: along x between y of `lane`.
    """
    for first, last in blocks:
        for part in (0.08, 0.92):
            if not a.chance(0.7):
                continue
            at = first + (last - first) * part
            gap = Opening((lane[0] + lane[1]) / 2, lane[1] - lane[0] - 0.5, 2.3)
            a.wall(1 - axis, at, lane[0] + WALL_M / 2, lane[1] - WALL_M / 2, (gap,), style.wall,
                   style.wall)  # fmt: skip
        middle, at = (lane[0] + lane[1]) / 2, first + (last - first) * a.between(0.3, 0.7)
        if a.chance(0.6):
            a.exit_sign(*((middle, at) if axis == 1 else (at, middle)), along_x=axis == 0)
        if a.chance(0.75):
            edge = lane[0] + 0.42 if a.chance(0.5) else lane[1] - 0.42
            at = first + (last - first) * a.between(0.15, 0.85)
            a.clutter(*((edge, at) if axis == 1 else (at, edge)))


def block_walls(a: Architect, rect: Rect, open_to: tuple[bool, bool, bool, bool], inside: Skin,
                outside: Skin, gaps: Sequence[Sequence[Opening]]) -> None:  # fmt: skip
    """The four walls of a block, papered as the corridor on the sides that face one, and dressed.

    `gaps`: openings of the left, right, front and back wall.
    """
    left, right, front, back = gaps
    plan = (
        (1, rect.x0, rect.y0, rect.y1, left, outside, inside, LEFT, RIGHT, open_to[0]),
        (1, rect.x1, rect.y0, rect.y1, right, inside, outside, RIGHT, LEFT, open_to[1]),
        (0, rect.y0, rect.x0, rect.x1, front, outside, inside, FRONT, BACK, open_to[2]),
        (0, rect.y1, rect.x0, rect.x1, back, inside, outside, BACK, FRONT, open_to[3]),
    )
    for axis, fixed, start, end, openings, near, far, out, into, faces_corridor in plan:
        inset = WALL_M / 2 if axis == 1 else -WALL_M / 2
        a.wall(axis, fixed, start + inset, end - inset, openings, near, far)
        half = WALL_M / 2
        if faces_corridor:
            sign = 1 if out in (BACK, RIGHT) else -1
            a.dress(out, fixed + sign * half, start, end, openings)
        sign = 1 if into in (BACK, RIGHT) else -1
        a.dress(into, fixed + sign * half, start + 0.5, end - 0.5, openings, 4.5)


def stairs(a: Architect, rect: Rect, style: Style) -> None:
    """A flight up to a landing and one back, in a shaft two storeys high; the way in is at y0."""
    f, wide = a.f, (rect.x1 - rect.x0) / 2
    steps, run, rise = 9, 0.28, 0.17
    start = rect.y0 + 1.35
    stone = Skin("concrete", (0.50, 0.50, 0.49), f.seed())
    nose = Skin("concrete", (0.62, 0.61, 0.57), f.seed())
    steel = Skin("metal", (0.26, 0.30, 0.32), 4)
    for i in range(steps):
        y, z = start + run * (i + 0.5), rise * (i + 1)
        f.box("stairs", rect.x0 + wide / 2, y, 0, (wide, run, z), stone, faces={5: nose})
        _rail(a, rect.x0 + wide - 0.05, y, z, steel)
    landing, turn = rise * (steps + 1), start + run * steps
    deep = rect.y1 - turn
    f.box("landing", (rect.x0 + rect.x1) / 2, turn + deep / 2, landing - 0.2,
          (wide * 2, deep, 0.2), stone, faces={5: nose})  # fmt: skip
    for i in range(steps):
        y, z = turn - run * (i + 0.5), landing + rise * (i + 1)
        f.box("stairs", rect.x1 - wide / 2, y, z - 0.24, (wide, run, 0.24), stone, faces={5: nose})
        _rail(a, rect.x1 - wide + 0.05, y, z, steel)
    middle = (rect.x0 + rect.x1) / 2
    top = landing + rise * (steps + 1)
    f.box("landing", middle, rect.y0 + 0.6, top - 0.25, (wide * 2, 1.2, 0.25), stone,
          faces={BOTTOM: style.ceiling})  # fmt: skip
    f.box("ceiling", middle, (rect.y0 + rect.y1) / 2, STAIRS_HIGH_M,
          (rect.x1 - rect.x0, rect.y1 - rect.y0, 0.05), stone, solid=False)  # fmt: skip
    number = Skin("storey", style.wall.rgb, f.seed())
    a.plate(a.name("storey"), FRONT, rect.y1 - WALL_M / 2, middle - wide / 2, landing + 1.1, 0.8,
            0.7, number, movable=False)  # fmt: skip
    for z in (landing + 2.3, 2.2):
        y, face = (rect.y1 - WALL_M / 2, FRONT) if z > 3 else (rect.y0 + WALL_M / 2, BACK)
        a.plate("panel light", face, y, middle, z, 1.1, 0.2, a.lit, movable=False, emit=2.0,
                thick=0.08)  # fmt: skip
        f.lamps.append((middle, y + (-0.2 if face == FRONT else 0.2), z))


def _rail(a: Architect, x: float, y: float, z: float, steel: Skin) -> None:
    a.f.box("rail", x, y, z, (0.025, 0.025, 0.86), steel, solid=False)
    a.f.box("rail", x, y, z + 0.80, (0.045, 0.28, 0.20), steel, solid=False)
