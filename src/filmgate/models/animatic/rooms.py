"""What the blocks of the endless office are used for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filmgate.models.animatic.liminal import (
    DOOR_M,
    HIGH_M,
    STAIRS_HIGH_M,
    WALL_M,
    Architect,
    Opening,
    Rect,
    Style,
    block_walls,
    stairs,
)
from filmgate.models.animatic.place import BACK, FRONT, LEFT, RIGHT, TOP
from filmgate.models.animatic.texture import Skin, hue

Sides = tuple[bool, bool, bool, bool]
Room = Callable[[Architect, Rect, Sides, Style], None]


def _gaps(a: Architect, rect: Rect, open_to: Sides, wide: tuple[float, float],
          full: float = 0.3) -> list[list[Opening]]:  # fmt: skip
    """One or two openings in every wall that faces a corridor."""
    out: list[list[Opening]] = []
    for side, is_open in enumerate(open_to):
        start, end = (rect.y0, rect.y1) if side < 2 else (rect.x0, rect.x1)
        found: list[Opening] = []
        if is_open:
            for part in (0.28, 0.72) if a.chance(0.6) else (a.between(0.35, 0.65),):
                head = HIGH_M if a.chance(full) else 2.2
                found.append(Opening(start + (end - start) * part, a.between(*wide), head))
        out.append(found)
    return out


def _cubicles(a: Architect, rect: Rect, open_to: Sides, halls: Style) -> None:
    """Rows of half-high cubicles with an aisle between each pair of rows."""
    style = a.style()
    block_walls(a, rect, open_to, style.wall, halls.wall, _gaps(a, rect, open_to, (1.6, 2.8)))
    a.slab(rect, style)
    a.lights(rect, 2.9, long_x=a.chance(0.5), dead=a.failing() / 2)
    cloth = Skin("cloth", hue(a.rng, (0.1, 0.3), (0.40, 0.58)), a.f.seed())
    cell_x, cell_y, pairs = 2.5, 1.9, 2
    aisle = (rect.y1 - rect.y0 - WALL_M - 2 * pairs * cell_y) / (pairs + 1)
    across = int((rect.x1 - rect.x0 - 2 * 1.4) / cell_x)
    start_x = rect.x0 + (rect.x1 - rect.x0 - across * cell_x) / 2
    rows: list[float] = []
    for pair in range(pairs + 1):
        y = rect.y0 + WALL_M / 2 + aisle + pair * (2 * cell_y + aisle)
        rows.append(y - aisle / 2)
        for i in range(across if pair < pairs else 0):
            for back in (False, True):
                _cell(a, start_x + cell_x * (i + 0.5), y + cell_y * (1.5 if back else 0.5),
                      (cell_x, cell_y), back, cloth)  # fmt: skip
    for row in rows:
        lane = Rect(rect.x0 + 0.3, row - 0.5, rect.x1 - 0.3, row + 0.5)
        a.stand("cubicles", lane, 36, (90, 270, 60, 120, 240, 300), 14, 0.1, (1.5, 1.7, 1.9, 2.2))
    for x in (rect.x0 + 0.75, rect.x1 - 0.75):
        lane = Rect(x - 0.4, rect.y0 + 0.5, x + 0.4, rect.y1 - 0.5)
        a.stand("cubicles", lane, 36, (0, 180, 40, 140, 220, 320), 16, 0.1, (1.5, 1.7, 2.0, 2.3))


def _cell(a: Architect, x: float, y: float, size: tuple[float, float], back: bool,
          cloth: Skin) -> None:  # fmt: skip
    """One cubicle, open towards its aisle; `back`: the aisle lies at greater y."""
    f, (wide, deep) = a.f, size
    sign = 1 if back else -1
    if not back:
        f.box("partition", x, y + deep / 2, 0, (wide, 0.06, 1.35), cloth)
    f.box("partition", x - wide / 2, y, 0, (0.06, deep - 0.06, 1.35), cloth)
    wood = Skin("wood", (0.58, 0.50, 0.40), 21)
    desk = y - sign * (deep / 2 - 0.42)
    f.box("desk", x, desk, 0.70, (wide - 0.3, 0.7, 0.04), wood)
    f.box("desk", x - wide / 2 + 0.4, desk, 0, (0.42, 0.6, 0.70),
          Skin("metal", (0.46, 0.47, 0.48), 6))  # fmt: skip
    dark = Skin("metal", (0.13, 0.13, 0.14), 1)
    if a.chance(0.75):
        name, at = a.name("screen"), x + a.between(-0.35, 0.35)
        face = {BACK if back else FRONT: Skin("screen", (0.10, 0.12, 0.14), a.f.seed())}
        f.box(name, at, desk - sign * 0.12, 0.82, (0.5, 0.05, 0.32), dark, faces=face, movable=True)
        f.box(name, at, desk - sign * 0.12, 0.74, (0.2, 0.14, 0.08), dark, movable=True)
    if a.chance(0.5):
        sheet = Skin("board", (0.88, 0.88, 0.85), a.f.seed())
        f.box(a.name("papers"), x + a.between(0.5, 0.8), desk + sign * 0.1, 0.74,
              (0.3, 0.24, 0.02), Skin("plaster", (0.88, 0.88, 0.85), 2), faces={TOP: sheet},
              movable=True)  # fmt: skip
    if a.chance(0.7):
        seat = Skin("cloth", (0.22, 0.24, 0.28) if a.chance(0.7) else (0.42, 0.20, 0.18), 8)
        f.chair(a.name("chair"), x + a.between(-0.3, 0.3), desk + sign * a.between(0.6, 1.0),
                BACK if back else FRONT, seat)  # fmt: skip


def _pillars(a: Architect, rect: Rect, open_to: Sides, halls: Style) -> None:
    """A hall of nothing but pillars."""
    style = a.style(corridor=a.chance(0.5))
    block_walls(a, rect, open_to, style.wall, halls.wall,
                _gaps(a, rect, open_to, (2.0, 4.0), 0.6))  # fmt: skip
    a.slab(rect, style)
    a.lights(rect, 3.0, long_x=a.chance(0.5), dead=a.failing())
    _columns(a, rect, style.wall)
    a.stand("pillars", rect, 180, heights=(1.0, 1.3, 1.5, 1.8))
    for _ in range(3):
        a.clutter(a.between(rect.x0 + 0.5, rect.x1 - 0.5), rect.y1 - 0.5)


def _columns(a: Architect, rect: Rect, skin: Skin) -> None:
    step, side = a.between(3.0, 3.8), a.between(0.4, 0.6)
    across, down = int((rect.x1 - rect.x0) / step), int((rect.y1 - rect.y0) / step)
    for i in range(1, across):
        for j in range(1, down):
            x = rect.x0 + (rect.x1 - rect.x0) * i / across
            y = rect.y0 + (rect.y1 - rect.y0) * j / down
            a.f.box("pillar", x, y, 0, (side, side, HIGH_M), skin)


def _rooms(a: Architect, rect: Rect, open_to: Sides, halls: Style) -> None:
    """Small offices on both sides of a passage; some doors stand open, some lights are out."""
    style = a.style()
    door = hue(a.rng, (0.2, 0.5), (0.32, 0.5))
    middle, half = (rect.y0 + rect.y1) / 2, 0.95
    ends = [[Opening(middle, 1.5, 2.2)] if is_open else [] for is_open in open_to[:2]]
    if not any(ends):
        ends[0] = ends[1] = []
    count = int((rect.x1 - rect.x0) / 3.2)
    wide = (rect.x1 - rect.x0) / count
    outer: list[list[Opening]] = [[], []]
    for side in (0, 1):  # towards the corridors in front and behind
        if open_to[2 + side]:
            xs = [rect.x0 + wide * (i + 0.5) for i in range(count) if a.chance(0.3)]
            outer[side] = [Opening(x, DOOR_M) for x in xs]
    block_walls(a, rect, open_to, style.wall, halls.wall, [*ends, *outer])
    passage = Rect(rect.x0, middle - half, rect.x1, middle + half)
    a.slab(passage, style)
    a.lights(passage, 2.8, long_x=True)
    for row, (y0, y1) in enumerate(((rect.y0, middle - half), (middle + half, rect.y1))):
        inner = middle - half if row == 0 else middle + half
        _row(a, Rect(rect.x0, y0, rect.x1, y1), inner, row, count, style, door)
    a.stand("doors", passage, 60, (52, 128, 232, 308), 14, 0.4)
    a.stand("corridor", passage, 30, (90, 270), 6, 0.4)


def _row(a: Architect, rect: Rect, inner: float, row: int, count: int, style: Style,
         door: tuple[float, float, float]) -> None:  # fmt: skip
    """A row of offices whose doors lie at y = `inner`."""
    wide = (rect.x1 - rect.x0) / count
    gaps: list[Opening] = []
    face, sign = (BACK, 1) if row == 0 else (FRONT, -1)
    for i in range(count):
        x = rect.x0 + wide * (i + 0.5)
        room = Rect(x - wide / 2, rect.y0, x + wide / 2, rect.y1)
        a.slab(room, style)
        a.lights(room, 3.2, long_x=False, dead=0.4)
        at = x + a.between(-0.5, 0.5)
        if a.chance(0.42):
            gaps.append(Opening(at, DOOR_M))
            outwards = (0, 180)[row == 0]  # towards the passage is +y from the front row
            a.stand("doors", room, 6, ((outwards + 180) % 360,), 22, 0.6)
        else:
            leaf = Skin("leaf", door, a.f.seed())
            a.plate(a.name("door"), face, inner + sign * WALL_M / 2, at, 0, 0.95, 2.08, leaf,
                    movable=False, thick=0.03)  # fmt: skip
        if i:
            a.wall(1, room.x0, rect.y0 + WALL_M / 2, rect.y1 - WALL_M / 2, (), style.wall,
                   style.wall)  # fmt: skip
        far = rect.y0 if row == 0 else rect.y1
        _office(a, x, far + sign * 0.9, row)
    skins = (style.wall, style.wall)
    a.wall(0, inner, rect.x0 + WALL_M / 2, rect.x1 - WALL_M / 2, gaps, *skins)


def _office(a: Architect, x: float, y: float, row: int) -> None:
    """A desk at the far wall, a chair, a plant or a cabinet."""
    f = a.f
    f.table(a.name("desk"), x, y, (1.4, 0.7, 0.74), f.wood(0.35, 0.6))
    f.chair(a.name("chair"), x + 0.2, y + (0.65 if row == 0 else -0.65),
            BACK if row == 0 else FRONT, Skin("cloth", (0.25, 0.27, 0.3), 9))  # fmt: skip
    if a.chance(0.5):
        a.clutter(x + 1.0, y)


def _break_room(a: Architect, rect: Rect, open_to: Sides, halls: Style) -> None:
    """Two kitchens side by side: counter, machines, tables nobody sits at."""
    style = a.style()
    floor = Skin("tiles", (0.66, 0.66, 0.60), a.f.seed() * 2 + 1)
    style = Style(Skin("painted", (0.66, 0.70, 0.64), a.f.seed()), floor, style.ceiling)
    block_walls(a, rect, open_to, style.wall, halls.wall, _gaps(a, rect, open_to, (1.2, 2.0)))
    a.slab(rect, style)
    middle = (rect.x0 + rect.x1) / 2
    opening = Opening((rect.y0 + rect.y1) / 2, 1.8, 2.3)
    a.wall(1, middle, rect.y0 + WALL_M / 2, rect.y1 - WALL_M / 2, (opening,), style.wall,
           style.wall)  # fmt: skip
    for x0, x1 in ((rect.x0, middle), (middle, rect.x1)):
        room = Rect(x0, rect.y0, x1, rect.y1)
        a.lights(room, 2.8, long_x=True, dead=0.1)
        _kitchen(a, room, style)
        a.stand("break_room", room, 90, heights=(1.1, 1.4, 1.6, 1.9))


def _kitchen(a: Architect, room: Rect, style: Style) -> None:
    f, back = a.f, room.y1 - WALL_M / 2
    front = hue(a.rng, (0.15, 0.45), (0.4, 0.66))
    long_m = min(3.4, room.x1 - room.x0 - 2.6)
    x = room.x0 + WALL_M + long_m / 2 + 0.2
    drawers = Skin("drawers", front, f.seed() * 3 + 1)
    f.box("counter", x, back - 0.3, 0, (long_m, 0.6, 0.86), Skin("plaster", front, 3),
          faces={FRONT: drawers})  # fmt: skip
    f.box("worktop", x, back - 0.31, 0.86, (long_m, 0.64, 0.04), Skin("concrete", (0.5,) * 3, 4))
    f.box("cupboards", x, back - 0.18, 1.45, (long_m, 0.34, 0.7), Skin("plaster", front, 5),
          faces={FRONT: drawers})  # fmt: skip
    f.box(a.name("kettle"), x - 0.6, back - 0.3, 0.9, (0.18, 0.18, 0.24),
          Skin("plaster", (0.62, 0.63, 0.65), 5), movable=True)  # fmt: skip
    f.box(a.name("microwave"), x + 0.6, back - 0.28, 0.9, (0.5, 0.36, 0.28),
          Skin("plaster", (0.8, 0.8, 0.78), 5), faces={FRONT: Skin("screen", (0.08,) * 3, 5)},
          movable=True)  # fmt: skip
    tint = hue(a.rng, (0.6, 0.85), (0.45, 0.7))
    f.box(a.name("machine"), room.x1 - 0.75, back - 0.42, 0, (0.95, 0.78, 1.83),
          Skin("metal", tint, 3), faces={FRONT: Skin("vending", tint, f.seed())},
          movable=True)  # fmt: skip
    top = Skin("plaster", (0.82, 0.80, 0.74), 6)
    seats = hue(a.rng, (0.25, 0.5), (0.3, 0.55))
    for i in range(2):
        for j in range(2):
            cx = room.x0 + (room.x1 - room.x0) * (0.32 + 0.38 * i)
            cy = room.y0 + 1.9 + j * 2.6
            if cy > back - 2.2:
                continue
            f.table(a.name("table"), cx, cy, (0.9, 0.9, 0.74), top)
            for side, (dx, dy) in ((FRONT, (0, -0.62)), (BACK, (0, 0.62)), (LEFT, (-0.62, 0)),
                                   (RIGHT, (0.62, 0))):  # fmt: skip
                if a.chance(0.7):
                    tone = Skin("cloth", seats, 7)
                    f.chair(a.name("chair"), cx + dx, cy + dy, side, tone)
    if a.chance(0.6):
        a.clutter(room.x1 - 0.5, room.y0 + 0.5)


def _stairwell(a: Architect, rect: Rect, open_to: Sides, halls: Style) -> None:
    """Stairwells in a row behind a lobby, two storeys high."""
    style = a.style()
    bare = Skin("plaster", hue(a.rng, (0.05, 0.15), (0.6, 0.7)), a.f.seed())
    deep = 5.7
    split = rect.y1 - deep
    gaps = _gaps(a, rect, open_to, (1.8, 3.0), 0.5)
    gaps = [[g for g in gap if side > 1 or g.along < split - 1.8] for side, gap in enumerate(gaps)]
    block_walls(a, rect, (*open_to[:3], False), style.wall, halls.wall, [*gaps[:3], []])
    lobby = Rect(rect.x0, rect.y0, rect.x1, split)
    a.slab(lobby, style)
    a.lights(lobby, 2.9, long_x=True)
    count = max(2, int((rect.x1 - rect.x0) / 3.5))
    wide = (rect.x1 - rect.x0) / count
    xs = [rect.x0 + wide * (i + 0.5) for i in range(count)]
    a.wall(0, split, rect.x0 + WALL_M / 2, rect.x1 - WALL_M / 2,
           [Opening(x, 1.7, 2.25) for x in xs], style.wall, bare)  # fmt: skip
    _shaft(a, Rect(rect.x0, split, rect.x1, rect.y1), xs, wide, bare)
    for x in xs:
        well = Rect(x - wide / 2 + WALL_M / 2, split + WALL_M / 2, x + wide / 2 - WALL_M / 2,
                    rect.y1 - WALL_M / 2)  # fmt: skip
        a.f.box("floor", x, (well.y0 + well.y1) / 2, -0.05,
                (well.x1 - well.x0, well.y1 - well.y0, 0.05),
                Skin("concrete", (0.46, 0.46, 0.45), 17), solid=False)  # fmt: skip
        stairs(a, well, Style(bare, style.floor, style.ceiling))
        _stair_views(a, well)
        a.stand("stairwell", Rect(x - 1.2, lobby.y0 + 0.5, x + 1.2, split - 0.6), 16, (0,), 14, 0.1)
    a.stand("stairwell", lobby, 40, (0, 30, 330), 20, 0.6)


def _shaft(a: Architect, rect: Rect, xs: Sequence[float], wide: float, bare: Skin) -> None:
    """The walls of the wells above and between."""
    for x in [xs[0] - wide / 2, *(x + wide / 2 for x in xs)]:
        a.wall(1, x, rect.y0 + WALL_M / 2, rect.y1 - WALL_M / 2, (), bare, bare, STAIRS_HIGH_M)
    for y in (rect.y0, rect.y1):
        a.f.box("wall", (rect.x0 + rect.x1) / 2, y, HIGH_M + 0.05,
                (rect.x1 - rect.x0, WALL_M, STAIRS_HIGH_M - HIGH_M - 0.05), bare)  # fmt: skip


def _stair_views(a: Architect, well: Rect) -> None:
    """Cameras in a well: at the foot, on the landing, on the steps."""
    middle = (well.x0 + well.x1) / 2
    for _ in range(10):
        foot = Rect(well.x0 + 0.3, well.y0 + 0.2, well.x1 - 0.3, well.y0 + 0.8)
        a.stand("stairwell", foot, 1, (0,), 24, 0.05, (1.0, 1.4, 1.7))
        spot = a.spots[-1]
        a.spots[-1] = spot._replace(tilt_deg=a.between(4, 20))
        land = Rect(well.x0 + 0.3, well.y1 - 0.9, well.x1 - 0.3, well.y1 - 0.3)
        a.stand("stairwell", land, 1, (180,), 26, 0.05, (2.9, 3.2, 3.4))
        spot = a.spots[-1]
        # Down the flight it stands over.
        turn = 178 if spot.x_m < middle else 182
        a.spots[-1] = spot._replace(tilt_deg=a.between(-24, -6), pan_deg=turn + a.between(-14, 14))


def _bare(a: Architect, rect: Rect, open_to: Sides, halls: Style) -> None:
    """A hall that was cleared, but for one thing that was forgotten, and a lift lobby."""
    style = a.style(corridor=True)
    block_walls(a, rect, open_to, style.wall, halls.wall,
                _gaps(a, rect, open_to, (2.0, 3.4), 0.5))  # fmt: skip
    a.slab(rect, style)
    a.lights(rect, 3.1, long_x=True, dead=a.failing())
    x, y = rect.middle
    a.clutter(x + a.between(-2, 2), y + a.between(-1, 1))
    wide = 4.2
    lift = Skin("metal", (0.62, 0.62, 0.63), 3)
    a.f.box("lift core", x, y + 2.6, 0, (wide, 2.2, HIGH_M), style.wall)
    for dx in (-1.2, 1.2):
        for face, at in ((FRONT, y + 1.5), (BACK, y + 3.7)):
            a.plate(a.name("lift"), face, at, x + dx, 0, 1.3, 2.15, Skin("lift", lift.rgb, 3),
                    movable=False, thick=0.03)  # fmt: skip
    a.stand("pillars", rect, 90, heights=(1.1, 1.5, 1.8))


ROOMS: dict[str, Room] = {
    "cubicles": _cubicles, "pillars": _pillars, "rooms": _rooms, "break_room": _break_room,
    "stairwell": _stairwell, "bare": _bare,
}  # fmt: skip
