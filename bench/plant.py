"""Drift of known kind and size, planted on clean frames where it would arise.

A garment is recoloured before the scene's light falls on it; the light's key side is flipped in the
light; a grade is changed on the finished picture; a mirrored shot is flopped last. Clean and
drifting shots then go through the identical encode (`nuisance.finish`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np

from bench import nuisance
from bench.nuisance import F32, F64, U8
from filmgate.measure.colour import delta_e_2000, lab_to_linear

Kind = Literal["wardrobe", "grade", "key_side", "mirror", "in_shot_wardrobe", "in_shot_grade",
               "in_shot_light", "loudness", "room_tone", "level", "cct", "horizon",
               "camera_height", "set_layout"]  # fmt: skip
UNITS: Final[dict[str, str]] = {
    "wardrobe": "ΔE00", "grade": "× (45 mired, gamma .18, sat .12)", "key_side": "flip",
    "mirror": "flip", "in_shot_wardrobe": "ΔE00", "in_shot_grade": "×", "in_shot_light": "stops",
    "loudness": "LU", "room_tone": "swap", "level": "stops", "cct": "mired", "horizon": "deg",
    "camera_height": "m", "set_layout": "m",
}  # fmt: skip
CHECKS: Final[dict[str, tuple[str, ...]]] = {
    "wardrobe": ("wardrobe",), "grade": ("grade", "lighting"), "key_side": ("lighting",),
    "mirror": ("geometry",), "in_shot_wardrobe": ("in_shot", "wardrobe"),
    "in_shot_grade": ("in_shot", "grade", "lighting"),
    "in_shot_light": ("in_shot", "lighting", "grade"), "loudness": ("sound",),
    "room_tone": ("sound",), "level": ("lighting", "grade"), "cct": ("lighting", "grade"),
    "horizon": ("geometry",), "camera_height": ("geometry",), "set_layout": ("geometry",),
}  # fmt: skip
"""Checks that blame a planted kind rightly. A change of the whole picture cannot be told to be
the light's or the grade's by pixels alone: there either is right; `strict_check` is the first."""
FAMILY: Final[dict[str, str]] = {
    "in_shot_wardrobe": "in_shot", "in_shot_grade": "in_shot", "in_shot_light": "in_shot",
    "loudness": "sound", "room_tone": "sound", "level": "light", "cct": "light",
    "horizon": "geometry", "camera_height": "geometry", "set_layout": "geometry",
}  # fmt: skip
GRADE_MIRED, GRADE_GAMMA, GRADE_SATURATION = 45.0, 0.18, 0.12


@dataclass(frozen=True, slots=True)
class Drift:
    """One planted drift: its kind, its size in `UNITS`, and the seed of its direction."""

    kind: Kind
    size: float
    seed: int = 0

    @property
    def family(self) -> str:
        return FAMILY.get(self.kind, self.kind)


def garment_lab(rgb: U8, mask: U8) -> F64:
    """Median Lab of the masked garment in one display picture."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.asarray(np.median(lab[mask > 200], axis=0), dtype=np.float64)


def recolour_vector(base: F64, drift: Drift) -> F64:
    """Lab offset that moves colour `base` by the drift's ΔE00 and stays inside the sRGB gamut.

    The direction is random: hue, chroma or lightness. Of 32 directions the first that can be
    reached is taken; where none can, the one that comes nearest.
    """
    rng = np.random.default_rng([drift.seed, 11])
    best, best_miss = np.zeros(3), np.inf
    for _ in range(32):
        direction = rng.normal(0, 1, 3) * np.array([0.7, 1.0, 1.0])
        direction /= np.linalg.norm(direction)
        length = _length(base, direction, drift.size)
        moved = base + length * direction
        linear = np.asarray(lab_to_linear(moved))
        outside = float(np.maximum(linear - 1, 0).max() + np.maximum(0.0005 - linear, 0).max())
        miss = outside if 3 < moved[0] < 97 else outside + 1
        if miss < best_miss:
            best, best_miss = length * direction, miss
        if miss < 1e-3:
            break
    return best


def _length(base: F64, direction: F64, size: float) -> float:
    low, high = 0.0, 140.0
    for _ in range(28):
        middle = (low + high) / 2
        if float(delta_e_2000(base, base + middle * direction)) < size:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def recoloured(rgb: U8, mask: U8, offset: F64, share: float) -> F32:
    """Linear picture with the masked garment moved in Lab by `share` of `offset`."""
    linear = nuisance.linear_of(rgb)
    rows = np.flatnonzero(mask.any(axis=1))
    if not len(rows):
        return linear
    part = slice(rows[0], rows[-1] + 1)
    lab = cv2.cvtColor(rgb[part].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lab += (offset * share).astype(np.float32)
    lab[..., 0] = np.clip(lab[..., 0], 0, 100)
    moved = np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2LRGB), 0, 1)
    alpha = (mask[part].astype(np.float32) / 255)[..., None]
    linear[part] += alpha * (moved - linear[part])
    return linear


def regraded(rgb: U8, size: float) -> U8:
    """The finished picture under another grade; a negative size goes the other way.

    One step: 45 mired (Bradford, linear light), gamma 1.18, saturation 0.88.
    """
    matrix = nuisance.light_matrix(round(nuisance.D65_MIRED + GRADE_MIRED * size, 3))
    linear = cv2.transform(nuisance.linear_of(rgb), matrix.astype(np.float32))
    return nuisance.display(
        np.asarray(linear, np.float32),
        float(np.exp(np.log1p(GRADE_GAMMA) * size)),
        1.0 - GRADE_SATURATION * size,
    )
