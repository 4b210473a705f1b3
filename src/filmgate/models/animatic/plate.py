"""The static plate of a shot: the lit set in perspective, and what of it hides each person."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.models.animatic import cull
from filmgate.models.animatic.camera import NEAR_M, View
from filmgate.models.animatic.colour import RANGE, SRGB_TO_LINEAR, Bytes, Doubles, Floats
from filmgate.models.animatic.decal import decal, leaves
from filmgate.models.animatic.light import KeyPoint, Lamps, Panels
from filmgate.models.animatic.place import Box, Place, build
from filmgate.models.animatic.spec import PlaceSpec
from filmgate.models.animatic.texture import PX_PER_M, SIDE_M, Skin, is_material, material

_TEXELS_PER_M = 7.0
_SMALL_PX = 80.0  # on the plate, below which a rectangle of an endless place is one colour
_CODE_TO_LINEAR = ((np.arange(256) / 255.0) ** 2 * RANGE).astype(np.float32)
Bounds = tuple[int, int, int, int]
# Per box face: axis of the normal, its sign, and the axes that run along the texture.
_FACES = ((0, -1, 1, 2), (0, 1, 1, 2), (1, -1, 0, 2), (1, 1, 0, 2), (2, -1, 0, 1), (2, 1, 0, 1))


@dataclass(frozen=True, slots=True)
class Quad:
    """A rectangle in the world: corner, two edges (metres), its skin and where that starts."""

    corner: tuple[float, float, float]
    along: tuple[float, float, float]
    down: tuple[float, float, float]
    normal: tuple[float, float, float]
    skin: Skin
    start_m: tuple[float, float] = (0.0, 0.0)
    emit: float = 0.0
    key: int = 0

    def points(self) -> Doubles:
        """The four corners, in order around, shape (4, 3)."""
        corner, along, down = (np.array(v) for v in (self.corner, self.along, self.down))
        return np.stack([corner, corner + along, corner + along + down, corner + down])


def _span(first: float, last: float, step: float) -> list[tuple[float, float]]:
    """``first..last`` cut into equal pieces of at most ``step``."""
    count = max(1, math.ceil((last - first) / step - 1e-9))
    edges = np.linspace(first, last, count + 1)
    return [(float(a), float(b)) for a, b in itertools.pairwise(edges)]


def _face_quads(low: Doubles, high: Doubles, face: int, skin: Skin, emit: float, inward: bool,
                step_m: float) -> list[Quad]:  # fmt: skip
    """The rectangles of one face of a box, or of a room seen from inside."""
    axis, sign, u, v = _FACES[face]
    normal = [0.0, 0.0, 0.0]
    normal[axis] = float(-sign if inward else sign)
    fixed = float(high[axis] if sign > 0 else low[axis])
    # Seen from the side the normal points to, the texture must not run backwards.
    flip = (face in (0, 3)) != inward
    fitted = not is_material(skin.kind)
    step = 100.0 if fitted else step_m
    quads = []
    for u0, u1 in _span(float(low[u]), float(high[u]), step):
        for v0, v1 in _span(float(low[v]), float(high[v]), step):
            corner, along, down = [0.0] * 3, [0.0] * 3, [0.0] * 3
            corner[axis] = fixed
            corner[u] = u1 if flip else u0
            along[u] = (u0 - u1) if flip else (u1 - u0)
            corner[v], down[v] = v1, v0 - v1
            # Textures run down and, when flipped, backwards: this keeps pieces in register.
            start = ((-u1 if flip else u0) % SIDE_M, -v1 % SIDE_M)
            quads.append(Quad(tuple(corner), tuple(along), tuple(down), tuple(normal),  # type: ignore[arg-type]
                              skin, start, emit))  # fmt: skip
    return quads


class Set:
    """A place ready to be drawn: rectangles of the shell and of every box, light on demand."""

    def __init__(self, spec: PlaceSpec) -> None:
        self.place: Place = build(spec)
        place = self.place
        half = place.width_m / 2
        low = np.array([-half, 0.0, 0.0])
        high = np.array([half, place.depth_m, place.height_m])
        skins = (*place.walls, place.floor, place.ceiling)
        self.shell: list[Quad] = []
        for face, skin in enumerate(skins if not place.endless else ()):
            self.shell += _face_quads(low, high, face, skin, 0.0, True, 2.0)
        self.low = np.array([box.low for box in place.boxes], np.float64).reshape(-1, 3)
        self.high = np.array([box.high for box in place.boxes], np.float64).reshape(-1, 3)
        full = (self.low[:, 2] <= 0.01) & (self.high[:, 2] >= place.height_m - 0.01)
        solid = np.array([box.solid and not box.plant for box in place.boxes], bool)
        self.walls = np.flatnonzero(full & solid)
        self.maps: dict[tuple[KeyPoint, Quad], Bytes] = {}
        self.lamps: dict[KeyPoint, Lamps] = {}
        self.panels = Panels(place) if place.endless else None
        self._quads: dict[int, list[Quad]] = {}
        self._bases: dict[Quad, tuple[int, int, Floats, Floats]] = {}
        self._spots: dict[Quad, tuple[Floats, Floats]] = {}

    def quads(self, index: int) -> list[Quad]:
        """The rectangles of box ``index``; made when first seen."""
        found = self._quads.get(index)
        if found is not None:
            return found
        box = self.place.boxes[index]
        quads: list[Quad] = []
        if not box.plant:
            for face in range(6):
                skin = box.faces.get(face, box.skin)
                glow = box.emit if (face in box.faces or not box.faces) else 0.0
                quads += _face_quads(np.array(box.low), np.array(box.high), face, skin, glow,
                                     False, SIDE_M)  # fmt: skip
        self._quads[index] = quads
        return quads

    def lamps_of(self, key: KeyPoint) -> Lamps:
        """The light of ``key`` in this place."""
        if self.panels is not None:
            return self.panels
        if key not in self.lamps:
            self.lamps[key] = Lamps(self.place, key)
        return self.lamps[key]

    def light_map(self, quad: Quad, key: KeyPoint) -> Bytes:
        """Coded light over ``quad``, (rows, columns, 3); its outer texels lie on the edges."""
        if self.panels is not None:
            return self._washed(self.panels, quad, key)
        found = self.maps.get((key, quad))
        if found is not None:
            return found
        rows, columns, points = _texels(quad)
        light = self.lamps_of(key).at(points, quad.normal, quad.emit)
        coded = _coded(light).reshape(rows, columns, 3)
        if len(self.maps) > 20_000:
            self.maps.clear()
        self.maps[(key, quad)] = coded
        return coded

    def _washed(self, panels: Panels, quad: Quad, key: KeyPoint) -> Bytes:
        """As `light_map` in an endless place: what no camera changes is kept."""
        found = self._bases.get(quad)
        if found is None:
            rows, columns, points = _texels(quad)
            found = (rows, columns, points, panels.base(points, quad.normal))
            if len(self._bases) > 20_000:
                self._bases.clear()
            self._bases[quad] = found
        rows, columns, points, base = found
        light = panels.washed(key, points, quad.normal, base, quad.emit)
        return _coded(light).reshape(rows, columns, 3)

    def light_in_middle(self, quad: Quad, key: KeyPoint) -> list[int]:
        """Coded light in the middle of ``quad``, of an endless place, for one too small for more.

        Raises:
            ValueError: The place has a key of its own.
        """
        if self.panels is None:
            raise ValueError("only endless places have light without a key")
        found = self._spots.get(quad)
        if found is None:
            middle = np.add(quad.corner, np.add(quad.along, quad.down) / 2)
            point = np.asarray(middle, np.float32)[None]
            found = (point, self.panels.base(point, quad.normal))
            self._spots[quad] = found
        light = self.panels.washed(key, found[0], quad.normal, found[1], quad.emit)
        return [int(v) for v in _coded(light)[0]]


def _texels(quad: Quad) -> tuple[int, int, Floats]:
    """Rows and columns of the light map of ``quad``, and where its texels lie (n, 3)."""
    wide_m, high_m = (float(np.linalg.norm(v)) for v in (quad.along, quad.down))
    columns = max(2, min(24, round(wide_m * _TEXELS_PER_M) + 1))
    rows = max(2, min(24, round(high_m * _TEXELS_PER_M) + 1))
    u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    points = (
        np.array(quad.corner)
        + u.reshape(-1, 1) * np.array(quad.along)
        + v.reshape(-1, 1) * np.array(quad.down)
    ).astype(np.float32)
    return rows, columns, points


def _coded(light: Floats) -> Bytes:
    """Light 0..RANGE as bytes: fine steps in the shadows."""
    code = np.sqrt(np.clip(light, 0, RANGE) / RANGE) * 255
    return np.asarray(np.round(code), np.uint8)


@lru_cache(maxsize=4)
def stage_set(spec: PlaceSpec) -> Set:
    """The set of ``spec``; kept, because the shots of a scene share it."""
    return Set(spec)


def draw_order(low: Doubles, high: Doubles, eye: Doubles) -> list[int]:
    """Indices of boxes from far to near: no box is drawn before one it hides."""
    count = len(low)
    # apart[a, b, axis]: a lies wholly below b on that axis.
    apart = high[:, None] <= low[None] + 1e-6
    below, above = eye[None, None] <= low[None], eye[None, None] >= high[:, None]
    # A plane between them with the eye on a's side: b cannot hide a, and the other way round.
    b_never = (apart & below).any(axis=2) | (apart.transpose(1, 0, 2) & (
        eye[None, None] >= high[None])).any(axis=2)  # fmt: skip
    a_never = (apart & above).any(axis=2) | (apart.transpose(1, 0, 2) & (
        eye[None, None] <= low[:, None])).any(axis=2)  # fmt: skip
    # a must be drawn before b
    first: NDArray[np.bool_] = np.asarray(a_never & ~b_never, np.bool_)
    np.fill_diagonal(first, False)
    far = np.linalg.norm(np.clip(eye, low, high) - eye, axis=1)
    waiting = first.sum(axis=0)
    order: list[int] = []
    left = np.ones(count, bool)
    for _ in range(count):
        ready = np.flatnonzero(left & (waiting == 0))
        pool = ready if len(ready) else np.flatnonzero(left)
        pick = int(pool[np.argmax(far[pool])])
        order.append(pick)
        left[pick] = False
        waiting = waiting - first[pick]
    return order


class Painter:
    """Draws rectangles far to near on two planes: surface colour and coded light."""

    def __init__(self, scene: Set, view: View, key: KeyPoint) -> None:
        self.scene, self.view, self.key = scene, view, key
        shape = (view.high_px, view.wide_px, 3)
        self.colour: Bytes = np.full(shape, 40, np.uint8)
        self.light: Bytes = np.full(shape, 60, np.uint8)

    def outline(self, points: Doubles) -> tuple[NDArray[np.int32], Bounds] | None:
        """Fixed-point polygon on the plate and its bounds, or None when out of view."""
        seen = _clip(self.view.to_camera(points))
        if len(seen) < 3:
            return None
        if self.scene.panels is not None:
            # Walls that pass close by would leave the raster's range of numbers.
            seen = _clip_sides(seen, self.view)
            if len(seen) < 3:
                return None
        flat = seen @ self.view.lens.T
        flat = flat[:, :2] / flat[:, 2:]
        x0, y0 = np.floor(flat.min(axis=0)).astype(int) - 1
        x1, y1 = np.ceil(flat.max(axis=0)).astype(int) + 2
        x0, y0 = max(int(x0), 0), max(int(y0), 0)
        x1, y1 = min(int(x1), self.view.wide_px), min(int(y1), self.view.high_px)
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        # Pixel centres at whole numbers in the raster; the world puts them at halves.
        shape = np.round((np.clip(flat, -4000, 8000) - 0.5 - [x0, y0]) * 16).astype(np.int32)
        return shape, (x0, y0, x1, y1)

    def quad(self, quad: Quad) -> None:
        """Draw one rectangle if it faces the camera."""
        towards = self.view.position - np.array(quad.corner)
        if float(towards @ np.array(quad.normal)) <= 0:
            return
        found = self.outline(quad.points())
        if found is None:
            return
        shape, bounds = found
        x0, y0, x1, y1 = bounds
        area = max(1.0, cv2.contourArea(shape.astype(np.float32)) / 256)
        if area < _SMALL_PX and self.scene.panels is not None:
            self._dab(quad, shape, bounds)
            return
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        cv2.fillPoly(mask, [shape], 255, cv2.LINE_8, 4)
        plane = self._plane(quad)
        texture = _cut(quad, area)
        self._warp(texture, plane, False, mask, bounds, self.colour)
        self._warp(self.scene.light_map(quad, self.key), plane, True, mask, bounds, self.light)

    def _dab(self, quad: Quad, shape: NDArray[np.int32], bounds: Bounds) -> None:
        """Draw a rectangle so small that one colour and one light do."""
        x0, y0, x1, y1 = bounds
        flat = [int(v) for v in _cut(quad, 1.0).reshape(-1, 3).mean(axis=0)]
        cv2.fillPoly(self.colour[y0:y1, x0:x1], [shape], flat, cv2.LINE_8, 4)
        light = self.scene.light_in_middle(quad, self.key)
        cv2.fillPoly(self.light[y0:y1, x0:x1], [shape], light, cv2.LINE_8, 4)

    def _plane(self, quad: Quad) -> Doubles:
        """Map from (u, v, 1) in 0..1 on the rectangle to homogeneous plate pixels."""
        turn = self.view.turn
        columns = [turn @ np.array(quad.along), turn @ np.array(quad.down),
                   turn @ (np.array(quad.corner) - self.view.position)]  # fmt: skip
        return np.asarray(self.view.lens @ np.stack(columns, axis=1), dtype=np.float64)

    def _warp(self, source: Bytes, plane: Doubles, edges: bool, mask: Bytes,
              bounds: Bounds, target: Bytes) -> None:  # fmt: skip
        """Warp ``source`` into ``target`` under ``mask``; ``edges``: outer texels on the edge."""
        x0, y0, x1, y1 = bounds
        high, wide = source.shape[:2]
        if edges:
            texel = np.diag([1 / (wide - 1), 1 / (high - 1), 1.0])
        else:
            texel = np.array([[1 / wide, 0, 0.5 / wide], [0, 1 / high, 0.5 / high], [0, 0, 1]])
        move = np.array([[1, 0, -x0 - 0.5], [0, 1, -y0 - 0.5], [0, 0, 1.0]])
        drawn = cv2.warpPerspective(
            source, move @ plane @ texel, (x1 - x0, y1 - y0), flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        cv2.copyTo(drawn, mask, target[y0:y1, x0:x1])

    def plant(self, box: Box) -> Bytes | None:
        """Draw leaves facing the camera; returns their coverage on the whole plate."""
        low, high = np.array(box.low), np.array(box.high)
        centre = (low + high) / 2
        half = (high[0] - low[0]) / 2
        right = self.view.turn[0] * half
        top, bottom = np.array([*centre[:2], high[2]]), np.array([*centre[:2], low[2]])
        corners = np.stack([top - right, top + right, bottom + right, bottom - right])
        seen = self.view.to_camera(corners)
        if seen[:, 2].min() < NEAR_M * 3:
            return None
        flat = self.view.project(corners).astype(np.float32)
        x0, y0 = (max(0, math.floor(v) - 1) for v in flat.min(axis=0))
        x1 = min(self.view.wide_px, math.ceil(float(flat[:, 0].max())) + 1)
        y1 = min(self.view.high_px, math.ceil(float(flat[:, 1].max())) + 1)
        if x1 - x0 < 1 or y1 - y0 < 1:
            return None
        picture, cover = leaves(box.skin)
        source = np.array([[0, 0], [256, 0], [256, 256], [0, 256]], np.float32)
        corner = np.array([x0, y0], np.float32)
        turn = cv2.getPerspectiveTransform(source, flat - corner)
        size, piece = (x1 - x0, y1 - y0), (slice(y0, y1), slice(x0, x1))
        mask = cv2.warpPerspective(cover, turn, size, flags=cv2.INTER_LINEAR)
        hard = np.asarray(cv2.threshold(mask, 127, 255, cv2.THRESH_BINARY)[1], np.uint8)
        cv2.copyTo(cv2.warpPerspective(picture, turn, size), hard, self.colour[piece])
        lit = self._leaf_light(low, high)
        cv2.copyTo(cv2.warpPerspective(lit, turn, size), hard, self.light[piece])
        whole = np.zeros((self.view.high_px, self.view.wide_px), np.uint8)
        whole[piece] = hard
        return whole

    def _leaf_light(self, low: Doubles, high: Doubles) -> Bytes:
        """Coded light on leaves between two corners, from top to bottom, (256, 256, 3)."""
        centre = (low + high) / 2
        points = np.array([[*centre[:2], z] for z in np.linspace(high[2], low[2], 6)], np.float32)
        lamps = self.scene.lamps_of(self.key)
        towards = lamps.key - points[0]
        way = towards / np.linalg.norm(towards)
        # Leaves face every way; on the whole they take the light as if turned to the key.
        facing = (float(way[0]), float(way[1]), float(way[2]))
        if isinstance(lamps, Panels):
            found = lamps.washed(self.key, points, facing, lamps.base(points, facing), 0.0)
            light = np.asarray(found, np.float64)
        else:
            light = lamps.at(points, facing, 0.0) * np.array([0.7, 1, 1])
        code = np.round(np.sqrt(np.clip(light, 0, RANGE) / RANGE) * 255).astype(np.uint8)
        return np.asarray(cv2.resize(np.repeat(code[:, None], 2, axis=1), (256, 256)), np.uint8)


def _clip(seen: Doubles) -> Doubles:
    """A polygon in camera space cut at the near plane."""
    if seen[:, 2].min() >= NEAR_M:
        return seen
    out: list[Doubles] = []
    for index in range(len(seen)):
        here, after = seen[index], seen[(index + 1) % len(seen)]
        if here[2] >= NEAR_M:
            out.append(here)
        if (here[2] >= NEAR_M) != (after[2] >= NEAR_M):
            part = (NEAR_M - here[2]) / (after[2] - here[2])
            out.append(here + part * (after - here))
    return np.array(out) if out else np.empty((0, 3))


def _clip_sides(seen: Doubles, view: View) -> Doubles:
    """A polygon in front of the camera cut at twice the width and height of the plate."""
    for axis, half_px in ((0, view.wide_px), (1, view.high_px)):
        edge = half_px / view.focal_px
        for sign in (1.0, -1.0):
            inside = edge * seen[:, 2] - sign * seen[:, axis]
            if inside.min() >= 0:
                continue
            out: list[Doubles] = []
            for index in range(len(seen)):
                after = (index + 1) % len(seen)
                if inside[index] >= 0:
                    out.append(seen[index])
                if (inside[index] >= 0) != (inside[after] >= 0):
                    part = inside[index] / (inside[index] - inside[after])
                    out.append(seen[index] + part * (seen[after] - seen[index]))
            if len(out) < 3:
                return np.empty((0, 3))
            seen = np.array(out)
    return seen


def _cut(quad: Quad, area_px: float) -> Bytes:
    """The texture of ``quad`` at the pyramid level that suits ``area_px`` on the plate."""
    wide_m, high_m = (float(np.linalg.norm(v)) for v in (quad.along, quad.down))
    fitted = not is_material(quad.skin.kind)
    levels = decal(quad.skin, round(wide_m, 3), round(high_m, 3)) if fitted else material(quad.skin)
    if fitted:
        full = float(levels[0].shape[0] * levels[0].shape[1])
    else:
        full = wide_m * high_m * PX_PER_M**2
    # A little sharper than one texel a pixel: the plate is averaged down afterwards.
    level = min(len(levels) - 1, max(0, round(0.5 * math.log2(max(full / area_px, 1e-6)) - 0.3)))
    picture = levels[level]
    if fitted:
        return picture
    scale = PX_PER_M / 2**level
    x, y = (round(v * scale) for v in quad.start_m)
    wide, high = max(2, round(wide_m * scale)), max(2, round(high_m * scale))
    return picture[y : y + high, x : x + wide]


@dataclass(frozen=True, slots=True)
class Plate:
    """The lit set: linear light (h, w, 3), and for each person the share that hides them."""

    linear: Floats
    hides: tuple[Bytes | None, ...]


def paint(scene: Set, view: View, key: KeyPoint, rig: Doubles, feet: list[tuple[float, float]],
          out_px: tuple[int, int]) -> Plate:  # fmt: skip
    """Draw the set through ``view``; ``feet`` (x, y) are people things may stand in front of."""
    painter = Painter(scene, view, key)
    for quad in scene.shell:
        painter.quad(quad)
    shown = np.arange(len(scene.low))
    if scene.place.endless:
        shown = cull.seen(scene.low, scene.high, scene.walls, view)
    count = len(shown)
    low, high = scene.low[shown], scene.high[shown]
    if feet:
        low = np.vstack([low, [[x - 0.2, y - 0.2, 0.02] for x, y in feet]])
        high = np.vstack([high, [[x + 0.2, y + 0.2, 1.9] for x, y in feet]])
    hides: list[Bytes | None] = [None] * len(feet)
    passed: list[int] = []
    for index in draw_order(low, high, view.position):
        if index >= count:
            passed.append(index - count)
            continue
        box, quads = scene.place.boxes[shown[index]], scene.quads(int(shown[index]))
        cover = painter.plant(box) if box.plant else None
        for quad in quads:
            painter.quad(quad)
        for person in passed:
            hides[person] = _cover(painter, hides[person], quads, cover)
    colour = np.asarray(cv2.LUT(painter.colour, SRGB_TO_LINEAR), np.float32)
    light = np.asarray(cv2.LUT(painter.light, _CODE_TO_LINEAR), np.float32)
    lit = np.asarray(cv2.transform(light, rig), np.float32)
    linear = cv2.resize(cv2.multiply(colour, lit), out_px, interpolation=cv2.INTER_AREA)
    small = [
        None if mask is None else
        np.asarray(cv2.resize(mask, out_px, interpolation=cv2.INTER_AREA), np.uint8)
        for mask in hides
    ]  # fmt: skip
    return Plate(np.asarray(linear, np.float32), tuple(small))


def _cover(painter: Painter, mask: Bytes | None, quads: list[Quad],
           leaf: Bytes | None) -> Bytes | None:  # fmt: skip
    """``mask`` with one more thing in front of a person added."""
    for quad in quads:
        found = painter.outline(quad.points())
        if found is None:
            continue
        if mask is None:
            mask = np.zeros((painter.view.high_px, painter.view.wide_px), np.uint8)
        shape, (x0, y0, x1, y1) = found
        cv2.fillPoly(mask[y0:y1, x0:x1], [shape], 255, cv2.LINE_8, 4)
    if leaf is not None:
        mask = leaf.copy() if mask is None else cv2.bitwise_or(mask, leaf).astype(np.uint8)
    return mask
