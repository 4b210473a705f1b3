"""Sets: a room and the things in it, as axis-aligned boxes with skins.

The same :class:`PlaceSpec` always gives the same set, so every set-up sees one world.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from filmgate.errors import UsageError
from filmgate.models.animatic.spec import PlaceSpec
from filmgate.models.animatic.texture import Rgb, Skin, hue

Point = tuple[float, float, float]
# Faces of a box, by index: -x, +x, -y, +y, -z, +z.
LEFT, RIGHT, FRONT, BACK, BOTTOM, TOP = range(6)


@dataclass(frozen=True, slots=True)
class Box:
    """One axis-aligned box from ``low`` to ``high`` (metres).

    ``emit`` is light it gives off itself (1 = white paper under the nominal key); ``plant``
    boxes are drawn as leaves facing the camera; ``solid`` boxes cast shadows.
    """

    name: str
    low: Point
    high: Point
    skin: Skin
    faces: dict[int, Skin] = field(default_factory=dict)
    emit: float = 0.0
    plant: bool = False
    solid: bool = True
    movable: bool = False


class Spot(NamedTuple):
    """Where a camera may stand, and what it would look at: the word of the view."""

    view: str
    x_m: float
    y_m: float
    height_m: float
    pan_deg: float
    tilt_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """A furnished room: 0 <= y <= depth_m, -width_m / 2 <= x <= width_m / 2.

    An ``endless`` place has no room around it: walls, floors and ceilings are boxes like all else,
    its lights follow the scene's level and colour, and its key is a wash from one side of the
    picture. ``spots`` are places to try for a camera.
    """

    width_m: float
    depth_m: float
    height_m: float
    floor: Skin
    ceiling: Skin
    walls: tuple[Skin, Skin, Skin, Skin]
    boxes: tuple[Box, ...]
    lamps: tuple[Point, ...]
    lamp_power: float
    stage: tuple[float, float]
    spots: tuple[Spot, ...] = ()
    endless: bool = False


class Furnisher:
    """Collects boxes while a place is built; a piece is several boxes under one name."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.boxes: list[Box] = []
        self.lamps: list[Point] = []

    def box(self, name: str, x: float, y: float, z: float, size: Point, skin: Skin,
            **extra: object) -> None:  # fmt: skip
        """Add a box standing at the middle (x, y) from height z, ``size`` (dx, dy, dz)."""
        dx, dy, dz = size
        low, high = (x - dx / 2, y - dy / 2, z), (x + dx / 2, y + dy / 2, z + dz)
        self.boxes.append(Box(name, low, high, skin, **extra))  # type: ignore[arg-type]

    def seed(self) -> int:
        """A fresh seed for a texture."""
        return int(self.rng.integers(1 << 30))

    def wood(self, low: float = 0.3, high: float = 0.6) -> Skin:
        """Some wood."""
        value = float(self.rng.uniform(low, high))
        return Skin("wood", (value, value * 0.74, value * 0.50), self.seed())

    def table(self, name: str, x: float, y: float, size: Point, skin: Skin) -> None:
        """A table: a top and four legs."""
        dx, dy, dz = size
        self.box(name, x, y, dz - 0.04, (dx, dy, 0.04), skin, movable=True)
        for sx in (-1, 1):
            for sy in (-1, 1):
                self.box(name, x + sx * (dx / 2 - 0.05), y + sy * (dy / 2 - 0.05), 0,
                         (0.05, 0.05, dz - 0.04), skin, movable=True)  # fmt: skip

    def chair(self, name: str, x: float, y: float, back: int, skin: Skin) -> None:
        """A chair whose back is on the side of face index ``back``."""
        self.box(name, x, y, 0.42, (0.42, 0.42, 0.05), skin, movable=True)
        for sx in (-1, 1):
            for sy in (-1, 1):
                self.box(name, x + sx * 0.18, y + sy * 0.18, 0, (0.04, 0.04, 0.42), skin,
                         movable=True)  # fmt: skip
        dx, dy = ((-0.19, 0), (0.19, 0), (0, -0.19), (0, 0.19))[back]
        size = (0.04, 0.42, 0.45) if dx else (0.42, 0.04, 0.45)
        self.box(name, x + dx, y + dy, 0.47, size, skin, movable=True)

    def plant(self, name: str, x: float, y: float, tall: float) -> None:
        """A pot with leaves."""
        pot = Skin("plaster", hue(self.rng, (0.1, 0.5), (0.35, 0.8)), self.seed())
        self.box(name, x, y, 0, (0.3, 0.3, 0.32), pot, movable=True)
        green = (0.22, float(self.rng.uniform(0.36, 0.5)), 0.2)
        self.box(name, x, y, 0.3, (0.75, 0.75, tall - 0.3), Skin("leaves", green, self.seed()),
                 plant=True, solid=False, movable=True)  # fmt: skip

    def floor_lamp(self, name: str, x: float, y: float) -> None:
        """A standing lamp that is switched on."""
        metal = Skin("metal", (0.2, 0.2, 0.21), 1)
        self.box(name, x, y, 0, (0.26, 0.26, 0.03), metal, movable=True)
        self.box(name, x, y, 0.03, (0.03, 0.03, 1.3), metal, movable=True, solid=False)
        self.box(name, x, y, 1.3, (0.34, 0.34, 0.28), Skin("glow", (0.98, 0.86, 0.62), 1),
                 emit=1.5, movable=True, solid=False)  # fmt: skip
        self.lamps.append((x, y, 1.45))

    def on_wall(self, name: str, side: int, along: float, z: float, wide: float, high: float,
                skin: Skin, room: Point, **extra: object) -> None:  # fmt: skip
        """Hang a thin thing on wall ``side`` (face index of the room), its middle at ``along``."""
        thick, (width, depth, _) = 0.05, room
        faces = {{LEFT: RIGHT, RIGHT: LEFT, FRONT: BACK, BACK: FRONT}[side]: skin}
        edge = Skin("wood", tuple(v * 0.8 for v in skin.rgb), 3)  # type: ignore[arg-type]
        if side in (LEFT, RIGHT):
            x = (-width / 2 + thick / 2) if side == LEFT else (width / 2 - thick / 2)
            self.box(name, x, along, z, (thick, wide, high), edge, faces=faces, **extra)
        else:
            y = thick / 2 if side == FRONT else depth - thick / 2
            self.box(name, along, y, z, (wide, thick, high), edge, faces=faces, **extra)

    def skirting(self, room: Point, rgb: Rgb) -> None:
        """Skirting boards along the four walls."""
        skin, (width, depth, _) = Skin("plaster", rgb, 7), room
        for x in (-width / 2 + 0.01, width / 2 - 0.01):
            self.box("skirting", x, depth / 2, 0, (0.02, depth, 0.1), skin, solid=False)
        for y in (0.01, depth - 0.01):
            self.box("skirting", 0, y, 0, (width, 0.02, 0.1), skin, solid=False)


@lru_cache(maxsize=8)
def build(spec: PlaceSpec) -> Place:
    """The furnished place of ``spec``, with its changes made.

    Raises:
        UsageError: A change names an object that this place does not have.
    """
    # Imported here: the sets are furnished with the tools of this module.
    from filmgate.models.animatic.sets import FURNISH

    # Keyed by kind as well, or two kinds with one seed would share their colours.
    rng = np.random.default_rng([spec.seed, sum(spec.kind.encode())])
    place = FURNISH[spec.kind](Furnisher(rng))
    boxes = list(place.boxes)
    for change in spec.changes:
        if not any(box.name == change.name for box in boxes):
            raise UsageError(f"The {spec.kind} has no object named {change.name!r} to change.")
        moved = []
        for box in boxes:
            if box.name != change.name:
                moved.append(box)
            elif not change.removed:
                shift = (change.dx_m, change.dy_m, 0.0)
                low = tuple(a + b for a, b in zip(box.low, shift, strict=True))
                high = tuple(a + b for a, b in zip(box.high, shift, strict=True))
                moved.append(Box(box.name, low, high, box.skin, box.faces, box.emit,  # type: ignore[arg-type]
                                 box.plant, box.solid, box.movable))  # fmt: skip
        boxes = moved
    return replace(place, boxes=tuple(boxes))
