"""Heads: a painted face laid on a curved head, turned to any angle, lit from its surface.

The face is painted once from the front (x: -1..1 of the half width, y: 0 crown .. 1 chin) and
projected onto the head, so a turned head shows the same face.
"""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.models.animatic.colour import SRGB_TO_LINEAR, Floats

FACE_PX = (360, 440)
_SPAN = 1.2  # half widths from the middle to the edge of the painted picture
HAIR_STYLES = ("short", "crop", "side", "bob", "long", "bun", "bald")


@dataclass(frozen=True, slots=True)
class Looks:
    """Everything about a person that does not change with clothes; colours are sRGB 0..1."""

    skin: tuple[float, float, float]
    hair: tuple[float, float, float]
    eyes: tuple[float, float, float]
    style: str
    tall_m: float
    build: float
    jaw: float
    eye_gap: float
    eye_size: float
    brow: float
    nose: float
    lips: float
    beard: float
    seed: int


@lru_cache(maxsize=256)
def looks_of(seed: int) -> Looks:
    """The looks that belong to ``seed``: skin from very light to very dark, hair to suit."""
    rng = np.random.default_rng([seed, 77])
    # Skin runs along one path through Lab-like space: lighter is pinker, darker is browner.
    depth = float(rng.uniform(0, 1))
    light, dark = np.array([0.925, 0.755, 0.665]), np.array([0.385, 0.255, 0.195])
    skin = light * (1 - depth) + dark * depth + rng.normal(0, 0.012, 3)
    hair_hue, hair_dark = float(rng.uniform(0.04, 0.1)), float(rng.uniform())
    value = 0.10 + (0.55 * hair_dark**1.6) * (1 - depth) + 0.05 * hair_dark
    if rng.uniform() < 0.12:
        hair = (0.62, 0.61, 0.60)
    else:
        hair = colorsys.hsv_to_rgb(hair_hue, 0.35 + 0.25 * (1 - abs(2 * hair_dark - 1)), value)
    iris = ((0.22, 0.13, 0.07), (0.30, 0.42, 0.55), (0.30, 0.38, 0.24), (0.36, 0.24, 0.12))
    woman = bool(rng.uniform() < 0.5)
    styles = ("bob", "long", "bun", "side") if woman else ("short", "crop", "side", "short", "bald")
    tall = rng.normal(1.67, 0.05) if woman else rng.normal(1.78, 0.06)
    return Looks(
        skin=(float(skin[0]), float(skin[1]), float(skin[2])), hair=hair,
        eyes=iris[int(rng.integers(4)) if depth < 0.4 else 0],
        style=styles[int(rng.integers(len(styles)))], tall_m=float(np.clip(tall, 1.55, 1.92)),
        build=float(rng.uniform(0.92, 1.12)) * (0.93 if woman else 1.04),
        jaw=float(rng.uniform(0.62, 0.74) if woman else rng.uniform(0.72, 0.86)),
        eye_gap=float(rng.uniform(0.40, 0.45)), eye_size=float(rng.uniform(0.95, 1.15)),
        brow=float(rng.uniform(0.7, 1.0) if woman else rng.uniform(1.0, 1.4)),
        nose=float(rng.uniform(0.85, 1.15)), lips=float(rng.uniform(0.85, 1.25)),
        beard=0.0 if woman or rng.uniform() < 0.55 else float(rng.uniform(0.25, 0.9)), seed=seed,
    )  # fmt: skip


def _spot(x: float, y: float, wide: float, high: float) -> Floats:
    """A soft spot on the painted face, 0..1; centre and deviations in face units."""
    columns, rows = FACE_PX
    xs = (np.linspace(-_SPAN, _SPAN, columns, dtype=np.float32) - x) / wide
    ys = (np.linspace(0, 1, rows, dtype=np.float32) - y) / high
    return np.asarray(np.exp(-0.5 * ys**2)[:, None] * np.exp(-0.5 * xs**2)[None], np.float32)


def relief(looks: Looks) -> Floats:
    """Height of the face over the smooth head, in half widths."""
    out = 0.20 * looks.nose * _spot(0, 0.655, 0.085, 0.040)
    out += 0.12 * looks.nose * _spot(0, 0.58, 0.065, 0.07)
    for side in (-1, 1):
        out -= 0.085 * _spot(side * looks.eye_gap, 0.505, 0.17, 0.035)
        out += 0.045 * _spot(side * looks.eye_gap, 0.432, 0.22, 0.025)
        out += 0.04 * _spot(side * 0.5, 0.62, 0.17, 0.06)
        out += 0.06 * looks.nose * _spot(side * 0.12, 0.672, 0.05, 0.022)
    out += 0.05 * _spot(0, 0.80, 0.2, 0.035) - 0.03 * _spot(0, 0.865, 0.14, 0.018)
    out += 0.05 * _spot(0, 0.935, 0.16, 0.04)
    return np.asarray(out, np.float32)


class _Easel:
    """Draws anti-aliased shapes in face units on the painted face (linear R, G, B)."""

    def __init__(self, base: Floats) -> None:
        self.picture = base

    @staticmethod
    def pixels(points: list[tuple[float, float]]) -> NDArray[np.int32]:
        """Face units to fixed-point pixels (4 fractional bits)."""
        columns, rows = FACE_PX
        array = np.array(points, np.float64)
        flat = np.stack([(array[:, 0] + _SPAN) / (2 * _SPAN) * columns, array[:, 1] * rows], 1)
        return np.round(flat * 16).astype(np.int32)

    def mask(self, points: list[tuple[float, float]], soft_px: float = 0.8) -> Floats:
        """Coverage 0..1 of a polygon."""
        cover = np.zeros((FACE_PX[1], FACE_PX[0]), np.uint8)
        cv2.fillPoly(cover, [self.pixels(points)], 255, cv2.LINE_AA, 4)
        return np.asarray(cv2.GaussianBlur(cover, (0, 0), soft_px) / np.float32(255), np.float32)

    def blend(self, mask: Floats, rgb: tuple[float, float, float], strength: float = 1.0) -> None:
        """Lay linear ``rgb`` over the picture where ``mask`` is."""
        cover = (mask * strength)[..., None]
        self.picture += (np.array(rgb, np.float32) - self.picture) * cover


def smoothed(points: list[tuple[float, float]], rounds: int = 3) -> list[tuple[float, float]]:
    """A closed polygon with its corners cut round (Chaikin)."""
    array = np.array(points, np.float64)
    for _ in range(rounds):
        after = np.roll(array, -1, axis=0)
        array = np.stack([0.75 * array + 0.25 * after, 0.25 * array + 0.75 * after], 1)
        array = array.reshape(-1, 2)
    return [(float(x), float(y)) for x, y in array]


def _linear(rgb: tuple[float, float, float], gain: float = 1.0) -> tuple[float, float, float]:
    values = [float(SRGB_TO_LINEAR[min(255, max(0, round(v * 255)))]) * gain for v in rgb]
    return values[0], values[1], values[2]


def _eyes(easel: _Easel, looks: Looks, shut: bool) -> None:
    size, dark = looks.eye_size, _linear(looks.hair, 0.35)
    for side in (-1, 1):
        x, y = side * looks.eye_gap, 0.508
        easel.blend(_spot(x, y - 0.012, 0.2, 0.032), _linear(looks.skin, 0.42), 0.55)
        wide, high = 0.165 * size, 0.0245 * size
        lid = [(x - wide, y + 0.006), (x - wide * 0.4, y - high), (x + wide * 0.4, y - high),
               (x + wide, y + 0.002), (x + wide * 0.4, y + high * 0.8),
               (x - wide * 0.4, y + high * 0.8)]  # fmt: skip
        shape = smoothed(lid)
        if shut:
            line = [(px, max(py, y) + 0.012 * (1 - abs(px - x) / wide)) for px, py in shape]
            easel.blend(easel.mask(line, 1.0), (0.02, 0.015, 0.012), 0.7)
        else:
            inside = easel.mask(shape)
            easel.blend(inside, (0.62, 0.60, 0.57))
            iris = easel.mask(_disc(x, y - 0.003, 0.088 * size)) * inside
            easel.blend(iris, _linear(looks.eyes, 0.8))
            easel.blend(easel.mask(_disc(x, y - 0.003, 0.040 * size)) * inside, (0.01, 0.01, 0.01))
            top = [(px, py - 0.007) for px, py in shape]
            rim = np.clip(easel.mask(top, 1.2) - easel.mask([(a, b + 0.011) for a, b in top]), 0, 1)
            easel.blend(rim, (0.02, 0.015, 0.012), 0.9)
            glint = _disc(x - 0.022, y - 0.012, 0.016)
            easel.blend(easel.mask(glint, 0.5), (0.9, 0.9, 0.9), 0.85)
        high = 0.012 * looks.brow
        brow = [(x - side * 0.19, 0.438), (x - side * 0.02, 0.418), (x + side * 0.15, 0.420),
                (x + side * 0.21, 0.438), (x + side * 0.13, 0.420 + high * 1.5),
                (x - side * 0.02, 0.420 + high * 2),
                (x - side * 0.18, 0.440 + high * 1.6)]  # fmt: skip
        easel.blend(easel.mask(smoothed(brow), 1.6), dark, 0.85)


def _disc(x: float, y: float, radius: float) -> list[tuple[float, float]]:
    """A circle; heights are scaled because a face is higher than its half width."""
    turns = np.linspace(0, 2 * math.pi, 24, endpoint=False)
    squash = 0.335
    return [(x + radius * math.cos(t), y + radius * squash * math.sin(t)) for t in turns]


def _mouth(easel: _Easel, looks: Looks, wide_open: bool) -> None:
    y, half, full = 0.800, 0.255, 0.017 * looks.lips
    red = np.array(_linear(looks.skin)) * [0.78, 0.42, 0.42]
    lip = (float(red[0]), float(red[1]), float(red[2]))
    gap = 0.026 if wide_open else 0.0
    upper = [(-half, y), (-0.1, y - full * 1.3), (0, y - full), (0.1, y - full * 1.3), (half, y),
             (0.1, y + 0.004), (-0.1, y + 0.004)]  # fmt: skip
    lower = [(-half, y + gap * 0.3), (-0.12, y + gap), (0.12, y + gap), (half, y + gap * 0.3),
             (0.11, y + gap + full * 1.9), (-0.11, y + gap + full * 1.9)]  # fmt: skip
    if wide_open:
        hole = [(-half * 0.9, y), (half * 0.9, y), (0.13, y + gap * 1.5), (-0.13, y + gap * 1.5)]
        easel.blend(easel.mask(smoothed(hole)), (0.035, 0.012, 0.012))
        teeth = [(-0.15, y + 0.002), (0.15, y + 0.002), (0.12, y + 0.012), (-0.12, y + 0.012)]
        easel.blend(easel.mask(teeth, 1.0), (0.55, 0.53, 0.48), 0.8)
    easel.blend(easel.mask(smoothed(upper), 1.2), lip, 0.85)
    easel.blend(easel.mask(smoothed(lower), 1.4), (lip[0] * 1.12, lip[1] * 1.12, lip[2] * 1.1), 0.8)
    if not wide_open:
        line = [(-half, y), (0, y + 0.003), (half, y), (0, y + 0.009)]
        dark = (lip[0] * 0.2, lip[1] * 0.2, lip[2] * 0.2)
        easel.blend(easel.mask(smoothed(line, 1), 1.0), dark, 0.9)
    easel.blend(_spot(0, y + gap + full * 2 + 0.02, 0.14, 0.010), _linear(looks.skin, 0.6), 0.5)


@lru_cache(maxsize=48)
def paint_face(looks: Looks, shut: bool, wide_open: bool) -> Floats:
    """The face from the front in linear R, G, B, shape (440, 360, 3)."""
    rng = np.random.default_rng([looks.seed, 5])
    base = np.empty((FACE_PX[1], FACE_PX[0], 3), np.float32)
    base[:] = _linear(looks.skin)
    rough = cv2.GaussianBlur(rng.normal(0, 1, base.shape[:2]).astype(np.float32), (0, 0), 5)
    base *= 1 + 0.022 * (rough / rough.std())[..., None]
    easel = _Easel(base)
    warm = np.array(_linear(looks.skin)) * [1.02, 0.80, 0.78]
    for side in (-1, 1):
        flush = (float(warm[0]), float(warm[1]), float(warm[2]))
        easel.blend(_spot(side * 0.52, 0.66, 0.2, 0.06), flush, 0.55)
        easel.blend(_spot(side * 0.155, 0.712, 0.045, 0.009), _linear(looks.skin, 0.12), 0.75)
        easel.blend(_spot(side * 0.19, 0.61, 0.05, 0.07), _linear(looks.skin, 0.7), 0.4)
    easel.blend(_spot(0, 0.725, 0.16, 0.012), _linear(looks.skin, 0.45), 0.5)
    if looks.beard:
        shade = np.maximum(_spot(0, 0.93, 0.55, 0.07), 0.9 * _spot(0, 0.755, 0.24, 0.014))
        for side in (-1, 1):
            shade = np.maximum(shade, _spot(side * 0.85, 0.80, 0.16, 0.12))
        easel.blend(np.asarray(shade, np.float32), _linear(looks.hair, 0.7), looks.beard)
    _eyes(easel, looks, shut)
    _mouth(easel, looks, wide_open)
    return easel.picture


@dataclass(frozen=True, slots=True)
class Head:
    """A head from one angle: surface colour (linear) by expression, normals, cover 0..1."""

    colours: tuple[Floats, Floats, Floats]
    normal: Floats
    cover: Floats
    # Where the middle of the crown lies in the picture, and how high crown to chin is.
    crown_px: tuple[float, float]
    high_px: float


def _half_width(y: Floats, looks: Looks) -> Floats:
    """Half width of the head at height ``y`` (0 crown .. 1 chin), 1 at its widest."""
    top = np.sqrt(np.clip(1 - np.abs((0.42 - y) / 0.42) ** 2.3, 0, 1))
    t = np.clip((y - 0.42) / 0.58, 0, 1)
    jaw = (1 - (1 - looks.jaw) * t**1.3) * np.clip(1 - t**7.5, 0, 1) ** 0.5
    return np.asarray(np.where(y < 0.42, top, jaw), np.float32)


def _hairline(x: Floats, y: Floats, z: Floats, style: str) -> Floats:
    """Cover of hair 0..1 on the head at side ``x``, height ``y`` and towards the face ``z``."""
    if style == "bald":
        return np.zeros_like(x)
    front = {"short": 0.20, "crop": 0.19, "side": 0.17, "bob": 0.20, "long": 0.18, "bun": 0.18}[
        style
    ]
    edge = front + 0.10 * np.clip(np.abs(x), 0, 1) ** 3
    if style in ("side", "bob", "long"):
        edge = edge + 0.10 * np.clip(x * 0.8 - 0.1, -0.4, 1)
    side = {"short": 0.50, "crop": 0.44, "side": 0.56, "bob": 0.86, "long": 1.2, "bun": 0.48}[style]
    back = {"short": 0.80, "crop": 0.76, "side": 0.84, "bob": 1.0, "long": 1.2, "bun": 0.80}[style]
    reach = 0.72 if style in ("bob", "long") else 0.88
    # Temples are rounded, not cut with a ruler.
    t = np.clip((np.abs(x) - reach + 0.14) / 0.2, 0, 1)
    around = np.where(z > 0, edge + (side - edge) * t * t * (3 - 2 * t), back)
    return np.asarray(np.clip((around - y) / 0.02 + 0.5, 0, 1), np.float32)


def draw_head(looks: Looks, yaw_deg: float, high_px: float) -> Head:
    """The head seen ``yaw_deg`` from its front, crown to chin ``high_px`` high."""
    half_px = high_px * 0.335
    volume = 0.0 if looks.style == "bald" else 0.085
    wide, high = math.ceil(half_px * 2.6) + 4, math.ceil(high_px * 1.2) + 4
    top = high_px * 0.12
    columns = (np.arange(wide, dtype=np.float32) + 0.5 - wide / 2) / half_px
    rows = (np.arange(high, dtype=np.float32) + 0.5 - top) / high_px
    turn = math.radians(yaw_deg)
    skin, skin_z, x0, z0 = _shell(columns, rows, looks, turn, 0.0, half_px)
    if looks.style not in ("bob", "long"):
        skin = np.maximum(skin, _ears(columns, rows, turn))
    hair, hair_z, x1, z1 = _shell(columns, rows * (1 - volume) + 0.8 * volume * 0.5, looks, turn,
                                  volume, half_px)  # fmt: skip
    hair = hair * _hairline(x1, np.broadcast_to(rows[:, None], x1.shape).astype(np.float32), z1,
                            looks.style)  # fmt: skip
    map_x = ((x0 + _SPAN) / (2 * _SPAN) * FACE_PX[0] - 0.5).astype(np.float32)
    map_y = np.broadcast_to(rows[:, None] * FACE_PX[1] - 0.5, x0.shape).astype(np.float32)
    front = np.clip(z0 / 0.25, 0, 1)
    bump = cv2.remap(relief(looks), map_x, map_y, cv2.INTER_LINEAR) * front
    surface = skin_z + bump * half_px
    rng = np.random.default_rng([looks.seed, 9])
    strands = rng.normal(0, 1, (high, wide)).astype(np.float32)
    smooth = cv2.GaussianBlur(strands, (0, 0), max(0.6, high_px / 150), sigmaY=high_px / 16)
    strands = np.asarray(smooth / max(float(smooth.std()), 1e-6), np.float32)
    surface = surface * (1 - hair) + (hair_z + strands * high_px * 0.006) * hair
    cover = np.maximum(skin, hair)
    plain = np.array(_linear(looks.skin), np.float32)
    lock = np.array(_linear(looks.hair), np.float32) * (1 + 0.16 * strands)[..., None]
    pictures = []
    for shut, wide_open in ((False, False), (True, False), (False, True)):
        face = cv2.remap(paint_face(looks, shut, wide_open), map_x, map_y, cv2.INTER_LINEAR,
                         borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
        face = plain + (face - plain) * front[..., None]
        pictures.append(np.asarray(face + (lock - face) * hair[..., None], np.float32))
    soft = max(0.5, high_px / 220)
    return Head((pictures[0], pictures[1], pictures[2]), normals(surface, soft), cover,
                (wide / 2, top), high_px)  # fmt: skip


def _ears(columns: Floats, rows: Floats, turn: float) -> Floats:
    """Cover of the ears, standing out at the sides of the head."""
    out = np.zeros((len(rows), len(columns)), np.float32)
    for side in (-1, 1):
        x = (columns[None] - side * 0.99 * math.cos(turn)) / (0.10 + 0.1 * abs(math.sin(turn)))
        y = (rows[:, None] - 0.555 - 0.01 * x) / 0.075
        out = np.maximum(out, np.clip((1 - np.hypot(x, y)) * 6, 0, 1))
    return np.asarray(out, np.float32)


def _shell(columns: Floats, rows: Floats, looks: Looks, turn: float, grow: float,
           half_px: float) -> tuple[Floats, Floats, Floats, Floats]:  # fmt: skip
    """Cover, depth (px), and head-space side and front (-1..1) of a head grown by ``grow``."""
    half = _half_width(rows, looks)[:, None] * (1 + grow)
    inside = (half - np.abs(columns)[None]) * half_px
    cover = np.clip(inside + 0.5, 0, 1) * (half > 0.02)
    part = np.clip(columns[None] / np.maximum(half, 1e-3), -1, 1)
    # 1.15: a head is deeper than it is wide.
    depth = half * 1.15 * np.sqrt(np.clip(1 - part**2, 0, 1))
    x = columns[None] * math.cos(turn) - depth * math.sin(turn)
    z = columns[None] * math.sin(turn) + depth * math.cos(turn)
    as_floats = [np.asarray(v, np.float32) for v in (cover, depth * half_px, x, z)]
    return as_floats[0], as_floats[1], as_floats[2], as_floats[3]


def normals(surface: Floats, soft_px: float) -> Floats:
    """Unit normals (right, down, towards the camera) of a height field in pixels."""
    smooth = cv2.GaussianBlur(surface, (0, 0), soft_px)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, ksize=3, scale=0.125)
    dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, ksize=3, scale=0.125)
    dx, dy = np.clip(dx, -3, 3), np.clip(dy, -3, 3)
    size = 1 / np.sqrt(dx * dx + dy * dy + 1)
    return np.asarray(np.stack([-dx * size, -dy * size, size], axis=-1), np.float32)
