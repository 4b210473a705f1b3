"""Surfaces: seamless materials of 4 m x 4 m, and pictures stretched over one face.

A material is ``uint8`` sRGB at 128 px per metre; the same skin always gives the same pixels.
"""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np

from filmgate.models.animatic.colour import Bytes, Floats

SIDE_PX = 512
SIDE_M = 4.0
PX_PER_M = SIDE_PX / SIDE_M
Rgb = tuple[float, float, float]


class Skin(NamedTuple):
    """What a face is covered with: a painter's name, a base sRGB colour 0..1, a seed."""

    kind: str
    rgb: Rgb
    seed: int = 0


def levels(rgb: Rgb, gain: float = 1.0) -> tuple[int, int, int]:
    """A colour 0..1 as bytes, brightened by ``gain``."""
    red, green, blue = (min(255, max(0, round(v * gain * 255))) for v in rgb)
    return red, green, blue


def noise(seed: int, cells: int, side_px: int = SIDE_PX, octaves: int = 1) -> Floats:
    """Seamless value noise, mean 0 and about -1..1, ``cells`` bumps across ``side_px``."""
    rng = np.random.default_rng(seed)
    total = np.zeros((side_px, side_px), np.float32)
    for octave in range(octaves):
        count = cells * 2**octave
        grid = rng.uniform(-1, 1, (count, count)).astype(np.float32)
        # Padding by wrapping, then cutting the middle: opposite edges meet.
        wide = np.pad(grid, 2, mode="wrap")
        step = side_px / count
        big = cv2.resize(wide, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
        start = round(2 * step)
        total += big[start : start + side_px, start : start + side_px] / 2**octave
    return total


def _plain(rgb: Rgb) -> Floats:
    return np.full((SIDE_PX, SIDE_PX, 3), np.asarray(rgb, np.float32), np.float32)


def _gain(picture: Floats, gain: Floats) -> Floats:
    return np.asarray(picture * (1 + gain)[..., None], np.float32)


def _streaks(rng: np.random.Generator, across_px: float, down_px: float) -> Floats:
    """Seamless noise drawn out along one axis, mean 0, deviation 1."""
    pad = round(3 * max(across_px, down_px))
    raw = np.pad(rng.normal(0, 1, (SIDE_PX, SIDE_PX)).astype(np.float32), pad, mode="wrap")
    soft = cv2.GaussianBlur(raw, (0, 0), across_px, sigmaY=down_px)[pad:-pad, pad:-pad]
    return np.asarray(soft / float(soft.std()), np.float32)


def _plaster(skin: Skin) -> Floats:
    out = _gain(_plain(skin.rgb), 0.035 * noise(skin.seed, 6, octaves=4))
    rng = np.random.default_rng(skin.seed)
    marks = np.zeros((SIDE_PX, SIDE_PX), np.float32)
    for _ in range(70):
        x, y = (int(v) for v in rng.integers(0, SIDE_PX, 2))
        cv2.circle(marks, (x, y), int(rng.integers(1, 4)), float(rng.uniform(-0.1, 0.06)), -1)
    return _gain(out, cv2.GaussianBlur(marks, (0, 0), 0.8) + 0.018 * noise(skin.seed + 1, 128))


def _concrete(skin: Skin) -> Floats:
    out = _gain(_plaster(skin), 0.10 * noise(skin.seed + 5, 5, octaves=4))
    out[::128, :] *= 0.86
    out[:, ::256] *= 0.86
    return out


def _boards(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    out = _plain(skin.rgb)
    grain = _streaks(rng, 0.7, 14)
    wide_px = 16
    for column in range(0, SIDE_PX, wide_px):
        start = int(rng.integers(0, SIDE_PX))
        for length in range(2):
            rows = (np.arange(SIDE_PX // 2) + start + length * SIDE_PX // 2) % SIDE_PX
            tone = rng.normal(0, 0.09)
            block = out[rows, column : column + wide_px]
            shade = (
                1
                + tone
                + 0.05
                * np.roll(grain, int(rng.integers(SIDE_PX)), 0)[
                    rows, column : column + wide_px, None
                ]
            )
            out[rows, column : column + wide_px] = block * shade
            out[rows[0], column : column + wide_px] *= 0.55
        out[:, column] *= 0.62
        out[:, column + 1] *= 0.9
    return out


def _wood(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    grain = _streaks(rng, 30, 1.1)
    return _gain(_plain(skin.rgb), 0.06 * grain + 0.04 * noise(skin.seed + 1, 4, octaves=3))


def _carpet(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    fuzz = cv2.GaussianBlur(rng.normal(0, 1, (SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), 0.8)
    out = _gain(_plain(skin.rgb), 0.14 * fuzz + 0.09 * noise(skin.seed + 2, 7, octaves=4))
    # Carpet squares of half a metre, laid quarter-turned, so every other one is a shade off.
    rows, columns = np.indices((SIDE_PX, SIDE_PX)) // 64
    tone = rng.normal(0, 0.035, (8, 8)) + 0.03 * ((np.indices((8, 8)).sum(0) % 2) - 0.5)
    return _gain(out, tone[rows, columns].astype(np.float32))


def _tiles(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    side_px = 32
    out = _gain(_plain(skin.rgb), 0.03 * noise(skin.seed, 16, octaves=3))
    rows, columns = np.indices((SIDE_PX, SIDE_PX)) // side_px
    count = SIDE_PX // side_px
    tone = rng.normal(0, 0.03, (count, count))
    if skin.seed % 2:
        tone -= 0.45 * (np.indices((count, count)).sum(0) % 2)
    out = _gain(out, tone[rows, columns].astype(np.float32))
    for edge in (0, 1):
        out[edge::side_px, :] *= 0.72
        out[:, edge::side_px] *= 0.72
    return out


def _brick(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    out = _plain((0.62, 0.59, 0.55))
    high_px, wide_px = 16, 32
    for row in range(SIDE_PX // high_px):
        shift = (row % 2) * wide_px // 2
        for column in range(SIDE_PX // wide_px):
            tone = np.asarray(skin.rgb) * (1 + rng.normal(0, 0.12))
            xs = (np.arange(2, wide_px) + column * wide_px + shift) % SIDE_PX
            out[row * high_px + 2 : (row + 1) * high_px, xs] = tone
    return _gain(out, 0.10 * noise(skin.seed, 64, octaves=2) + 0.05 * noise(skin.seed + 1, 4))


def _paper(skin: Skin) -> Floats:
    """Wallpaper: stripes or a small motif."""
    out = _plain(skin.rgb)
    light = np.asarray(skin.rgb) * 1.09
    if skin.seed % 2:
        for x in range(0, SIDE_PX, 32):
            out[:, x : x + 12] = light
    else:
        layer = np.zeros((SIDE_PX, SIDE_PX), np.float32)
        for i, y in enumerate(range(0, SIDE_PX, 32)):
            for x in range(16 * (i % 2), SIDE_PX, 32):
                cv2.ellipse(layer, (x, y), (4, 9), 25 * (i % 2 * 2 - 1), 0, 360, 1.0, -1,
                            cv2.LINE_AA)  # fmt: skip
        out = _gain(out, 0.13 * layer)
    return _gain(out, 0.03 * noise(skin.seed + 3, 5, octaves=4))


def _panels(skin: Skin) -> Floats:
    """Suspended ceiling: half-metre panels, pin holes, a light rail between."""
    rng = np.random.default_rng(skin.seed)
    out = _gain(_plain(skin.rgb), 0.02 * noise(skin.seed, 32, octaves=2))
    for _ in range(5000):
        x, y = rng.integers(0, SIDE_PX, 2)
        out[y, x] *= 0.8
    rows, columns = np.indices((SIDE_PX, SIDE_PX)) // 64
    out = _gain(out, rng.normal(0, 0.018, (8, 8))[rows, columns].astype(np.float32))
    out[::64] *= 0.8
    out[:, ::64] *= 0.8
    return out


def _cloth(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    weave = cv2.GaussianBlur(rng.normal(0, 1, (SIDE_PX, SIDE_PX)).astype(np.float32), (0, 0), 0.6)
    return _gain(_plain(skin.rgb), 0.07 * weave + 0.05 * noise(skin.seed, 10, octaves=3))


def _metal(skin: Skin) -> Floats:
    rng = np.random.default_rng(skin.seed)
    lines = rng.normal(0, 0.03, (SIDE_PX, 1)).astype(np.float32) * np.ones((1, SIDE_PX), np.float32)
    return _gain(_plain(skin.rgb), lines + 0.04 * noise(skin.seed, 5, octaves=2))


def _stains(skin: Skin, count: int, depth: float) -> Floats:
    """Old damp: soft blots with a darker rim, as a gain around 0."""
    rng = np.random.default_rng([skin.seed, 3])
    side = SIDE_PX // 4
    out = np.zeros((side, side), np.float32)
    y, x = np.mgrid[0:side, 0:side].astype(np.float32)
    edge = 6.5 * noise(skin.seed + 9, 4, side, octaves=3)
    for _ in range(count):
        cx, cy = rng.uniform(0, side, 2)
        radius = rng.uniform(4, 15)
        # The nearest copy of the blot: it goes on over the edge of the tile.
        dx = (x - cx + side / 2) % side - side / 2
        dy = (y - cy + side / 2) % side - side / 2
        apart = np.hypot(dx, dy * rng.uniform(0.7, 1.3)) + edge
        inside = 1 / (1 + np.exp((apart - radius) / 1.2))
        rim = np.exp(-(((apart - radius) / 1.5) ** 2))
        out -= depth * rng.uniform(0.4, 1.0) * (0.6 * inside + 0.7 * rim)
    wide = np.pad(out, 2, mode="wrap")
    big = cv2.resize(wide, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    return np.asarray(big[8:-8, 8:-8], np.float32)


def _skirted(picture: Floats, rgb: tuple[float, float, float]) -> Floats:
    """A skirting board along the foot of a wall: its lower edge lies on the tile's."""
    foot = round(0.11 * PX_PER_M)
    picture[-foot:] = np.asarray(rgb, np.float32)
    picture[-foot] *= 1.25
    picture[-foot - 2 : -foot] *= 0.72
    picture[-2:] *= 0.6
    return picture


def _papered(skin: Skin) -> Floats:
    """Old wallpaper down to a skirting board: narrow stripes and chevrons, stained."""
    out = _plain(skin.rgb)
    x = np.arange(SIDE_PX)
    stripe = 0.035 * np.sign(np.sin(2 * np.pi * x / 32))[None] * np.ones((SIDE_PX, 1))
    y = np.arange(SIDE_PX)[:, None]
    chevron = 0.03 * (((y + np.abs((x[None] % 32) - 16)) % 32) < 3)
    out = _gain(out, (stripe + chevron).astype(np.float32))
    out = _gain(out, 0.03 * noise(skin.seed, 5, octaves=4) + _stains(skin, 5, 0.13))
    return _skirted(out, (0.40, 0.37, 0.28))


def _painted(skin: Skin) -> Floats:
    """A painted wall down to a skirting board, a darker dado on some."""
    out = _plaster(skin)
    if skin.seed % 3 == 0:
        dado = round(1.05 * PX_PER_M)
        out[-dado:] *= np.array([0.80, 0.86, 0.84], np.float32)
        out[-dado : -dado + 3] *= 0.75
    return _skirted(_gain(out, _stains(skin, 2, 0.08)), (0.35, 0.34, 0.31))


def _worn(skin: Skin) -> Floats:
    """Office carpet that was walked on for thirty years: squares, trodden paths, stains."""
    tread = 0.10 * noise(skin.seed + 5, 3, octaves=2) + _stains(skin, 6, 0.16)
    return _gain(_carpet(skin), tread)


def _soffit(skin: Skin) -> Floats:
    """Suspended ceiling of 0.6 m panels on a rail, pin holes, here and there a water mark."""
    rng = np.random.default_rng(skin.seed)
    out = _gain(_plain(skin.rgb), 0.02 * noise(skin.seed, 32, octaves=2) + _stains(skin, 3, 0.16))
    holes = rng.integers(0, SIDE_PX, (7000, 2))
    out[holes[:, 0], holes[:, 1]] *= 0.84
    side = SIDE_PX // 8  # half a metre, so that the tiles meet
    rows, columns = np.indices((SIDE_PX, SIDE_PX)) // side
    out = _gain(out, rng.normal(0, 0.02, (8, 8))[rows, columns].astype(np.float32))
    for edge, tone in ((0, 0.66), (1, 0.9), (2, 1.05)):
        out[edge::side] *= tone
        out[:, edge::side] *= tone
    return out


_MATERIALS: dict[str, Callable[[Skin], Floats]] = {
    "plaster": _plaster, "concrete": _concrete, "boards": _boards, "wood": _wood,
    "carpet": _carpet, "tiles": _tiles, "brick": _brick, "paper": _paper, "panels": _panels,
    "cloth": _cloth, "metal": _metal, "papered": _papered, "painted": _painted, "worn": _worn,
    "soffit": _soffit, "plain": lambda skin: _plain(skin.rgb),
}  # fmt: skip


def is_material(kind: str) -> bool:
    """Whether ``kind`` is laid at its true scale; otherwise it is stretched over its face."""
    return kind in _MATERIALS


@lru_cache(maxsize=256)
def material(skin: Skin) -> tuple[Bytes, ...]:
    """Pyramid of a material, each level half the one before.

    A level is laid out twice in both directions, so that any piece of up to 4 m can be cut
    without wrapping.
    """
    out = cv2.convertScaleAbs(np.clip(_MATERIALS[skin.kind](skin), 0, 1) * 255)
    levels: list[Bytes] = []
    for _ in range(5):
        levels.append(np.tile(np.asarray(out, np.uint8), (2, 2, 1)))
        out = cv2.resize(out, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return tuple(levels)


def hue(rng: np.random.Generator, saturation: tuple[float, float],
        value: tuple[float, float]) -> Rgb:  # fmt: skip
    """A random sRGB colour with saturation and value inside the given ranges.

    Purples and poisonous greens are rare in rooms, so their share of the circle is squeezed.
    """
    turn = float(np.interp(rng.uniform(), (0.0, 0.42, 0.55, 0.92, 1.0),
                           (-0.03, 0.15, 0.42, 0.66, 0.97)))  # fmt: skip
    return colorsys.hsv_to_rgb(
        turn % 1.0, 0.85 * float(rng.uniform(*saturation)), float(rng.uniform(*value))
    )
