"""Colour arithmetic of the renderer: sRGB, CIE Lab (D65), CIEDE2000, Planckian tints, grades."""

from __future__ import annotations

import math
import re
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Doubles = NDArray[np.float64]

NAMED: dict[str, str] = {
    "black": "#1d1d20", "white": "#e6e4de", "grey": "#77787a", "charcoal": "#38393d",
    "navy": "#222f52", "blue": "#3b5f9c", "sky": "#8fb2d3", "teal": "#2f7277",
    "green": "#3f6f45", "olive": "#6b6a3a", "mustard": "#c2952f", "sand": "#c8b48e",
    "brown": "#6a4a32", "rust": "#a2512c", "red": "#a9312f", "burgundy": "#6b2334",
    "pink": "#cf93a0", "purple": "#5d4274", "cream": "#dfd3b8", "denim": "#45587c",
}  # fmt: skip

_HEX = re.compile(r"#(?:[0-9a-fA-F]{6}|[0-9a-fA-F]{12})")
_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
_WHITE = _TO_XYZ.sum(axis=1)
# Linear light is kept as the square root of v / RANGE in tables: fine steps in the shadows.
RANGE = 4.0


def parse_colour(text: str) -> Doubles | None:
    """Parse to sRGB 0..1: ``#rrggbb``, ``#rrrrggggbbbb`` or a name of :data:`NAMED`, else None."""
    text = NAMED.get(text, text)
    if not _HEX.fullmatch(text):
        return None
    digits = (len(text) - 1) // 3
    parts = [int(text[1 + i * digits : 1 + (i + 1) * digits], 16) for i in range(3)]
    return np.asarray(np.array(parts, dtype=np.float64) / (16**digits - 1), dtype=np.float64)


def colour_of(text: str) -> Doubles:
    """As :func:`parse_colour`, for text that was checked before."""
    parsed = parse_colour(text)
    assert parsed is not None, text
    return parsed


def hex48(srgb: Doubles) -> str:
    """Write sRGB 0..1 as ``#rrrrggggbbbb``: fine enough for a colour difference to be exact."""
    return "#" + "".join(f"{round(float(v) * 65535):04x}" for v in np.clip(srgb, 0, 1))


def to_linear(srgb: Doubles) -> Doubles:
    """Turn sRGB 0..1 into linear light."""
    low = srgb <= 0.04045
    return np.where(low, srgb / 12.92, ((np.maximum(srgb, 0) + 0.055) / 1.055) ** 2.4)


def from_linear(linear: Doubles) -> Doubles:
    """Linear light to sRGB, unclipped above 1."""
    safe = np.maximum(linear, 0)
    return np.where(safe <= 0.0031308, safe * 12.92, 1.055 * safe ** (1 / 2.4) - 0.055)


def to_lab(srgb: Doubles) -> Doubles:
    """Turn sRGB 0..1, shape (..., 3), into CIE Lab under D65."""
    ratio = to_linear(srgb) @ _TO_XYZ.T / _WHITE
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio * (29 / 6) ** 2 / 3 + 4 / 29)
    return np.stack(
        [116 * f[..., 1] - 16, 500 * (f[..., 0] - f[..., 1]), 200 * (f[..., 1] - f[..., 2])], -1
    )


def from_lab(lab: Doubles) -> Doubles:
    """CIE Lab to sRGB, unclipped: values outside 0..1 are outside the gamut."""
    fy = (lab[..., 0] + 16) / 116
    f = np.stack([fy + lab[..., 1] / 500, fy, fy - lab[..., 2] / 200], -1)
    ratio = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29))
    linear = (ratio * _WHITE) @ np.linalg.inv(_TO_XYZ).T
    # Negative light must stay visible to the caller's gamut test.
    return np.where(linear < 0, linear * 12.92, from_linear(linear))


def _hue_deg(a: float, b: float) -> float:
    """Hue angle 0..360 in degrees, 0 for a neutral."""
    return math.degrees(math.atan2(b, a)) % 360 if (a or b) else 0.0


def de00(first: Doubles, second: Doubles) -> float:
    """CIEDE2000 between two Lab triples (Sharma, Wu and Dalal 2005)."""
    l1, a1, b1 = (float(v) for v in first)
    l2, a2, b2 = (float(v) for v in second)
    c7 = ((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - math.sqrt(c7 / (c7 + 25.0**7)))
    a1, a2 = a1 * (1 + g), a2 * (1 + g)
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = _hue_deg(a1, b1), _hue_deg(a2, b2)
    turn, mean_h = h2 - h1, (h1 + h2) / 2
    if c1 * c2 == 0:
        turn, mean_h = 0.0, h1 + h2
    elif abs(turn) > 180:
        turn -= math.copysign(360, turn)
        mean_h += 180 if h1 + h2 < 360 else -180
    dl, dc = l2 - l1, c2 - c1
    dh = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn) / 2)
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    t = (1 - 0.17 * math.cos(math.radians(mean_h - 30)) + 0.24 * math.cos(math.radians(2 * mean_h))
         + 0.32 * math.cos(math.radians(3 * mean_h + 6))
         - 0.20 * math.cos(math.radians(4 * mean_h - 63)))  # fmt: skip
    sl = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    sc, sh = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    rc = 2 * math.sqrt(mean_c**7 / (mean_c**7 + 25.0**7))
    rt = -rc * math.sin(math.radians(60 * math.exp(-(((mean_h - 275) / 25) ** 2))))
    return math.sqrt((dl / sl) ** 2 + (dc / sc) ** 2 + (dh / sh) ** 2 + rt * dc / sc * dh / sh)


def planck(cct_k: float) -> Doubles:
    """Linear sRGB of a black body at luminance 1 (chromaticities: Kim et al. 2002)."""
    t = 1000.0 / cct_k
    if cct_k < 4000:
        x = -0.2661239 * t**3 - 0.2343589 * t**2 + 0.8776956 * t + 0.179910
        y = -0.9549476 * x**3 - 1.37418593 * x**2 + 2.09137015 * x - 0.16748867
    else:
        x = -3.0258469 * t**3 + 2.1070379 * t**2 + 0.2226347 * t + 0.240390
        y = 3.0817580 * x**3 - 5.87338670 * x**2 + 3.75112997 * x - 0.37001483
    linear = np.linalg.inv(_TO_XYZ) @ np.array([x / y, 1.0, (1 - x - y) / y])
    return np.asarray(np.maximum(linear, 0.02), dtype=np.float64)


def tint(cct_k: float, balance_k: float) -> Doubles:
    """Linear RGB gain of light of ``cct_k`` seen by a camera balanced for ``balance_k``."""
    gain = planck(cct_k) / planck(balance_k)
    return np.asarray(gain / float(gain @ _TO_XYZ[1]), dtype=np.float64)


def shift_mired(cct_k: float, mired: float) -> float:
    """The colour temperature ``mired`` away, positive is warmer; held to 1800..15000 K."""
    return min(15000.0, max(1800.0, 1e6 / (1e6 / cct_k + mired)))


def move_by_de00(srgb: Doubles, size_de00: float, seed: int) -> Doubles:
    """The colour ``size_de00`` away from ``srgb`` in CIEDE2000, inside the gamut.

    Directions in Lab are tried in an order given by ``seed``; along one the size is found by
    bisection, so that the difference of the stored 16-bit colours is exact to 0.01.

    Raises:
        ValueError: No direction reaches that far inside the gamut.
    """
    start = to_lab(srgb)
    rng = np.random.default_rng(seed)
    for turn in rng.permutation(12):
        angle = 2 * math.pi * float(turn) / 12
        way = np.array([rng.uniform(-0.5, 0.5), math.cos(angle), math.sin(angle)])
        low, high = 0.0, 4.0
        while de00(start, start + way * high) < size_de00 and high < 500:
            high *= 2
        for _ in range(60):
            middle = (low + high) / 2
            if de00(start, start + way * middle) < size_de00:
                low = middle
            else:
                high = middle
        found = from_lab(start + way * high)
        if found.min() >= 0.02 and found.max() <= 0.98:
            return found
    raise ValueError(f"no colour of the gamut lies {size_de00} dE00 away")


class Developer:
    """Linear light to the graded sRGB picture: soft shoulder, transfer, CDL, saturation."""

    def __init__(
        self,
        slope: tuple[float, float, float] = (1.0, 1.0, 1.0),
        offset: tuple[float, float, float] = (0.0, 0.0, 0.0),
        power: tuple[float, float, float] = (1.0, 1.0, 1.0),
        saturation: float = 1.0,
    ) -> None:
        code = (np.arange(4096) / 4095) ** 2 * RANGE
        # Straight up to 0.7; above it an exponential shoulder with the same slope, to 1.
        knee = 0.7
        soft = np.where(code < knee, code, 1 - (1 - knee) * np.exp(-(code - knee) / (1 - knee)))
        srgb = from_linear(soft)
        table = [np.clip(srgb * slope[i] + offset[i], 0, 1) ** power[i] * 255 for i in range(3)]
        self._table = np.stack(table, axis=-1).astype(np.float32)
        self._flat = saturation == 1.0
        luma = np.array([0.2126, 0.7152, 0.0722])
        self._matrix = saturation * np.eye(3) + (1 - saturation) * np.tile(luma, (3, 1))

    def __call__(self, linear: NDArray[Any]) -> Bytes:
        """Develop ``linear`` (h, w, 3), 0..RANGE, to ``uint8`` sRGB."""
        code = np.sqrt(np.clip(linear, 0, RANGE)) * np.float32(4095 / math.sqrt(RANGE))
        index = code.astype(np.uint16)
        out = np.empty(linear.shape, dtype=np.float32)
        for i in range(3):
            out[..., i] = self._table[:, i][index[..., i]]
        if not self._flat:
            out = np.asarray(cv2.transform(out, self._matrix), dtype=np.float32)
        return cv2.convertScaleAbs(np.clip(out, 0, 255)).astype(np.uint8, copy=False)


SRGB_TO_LINEAR = to_linear(np.arange(256) / 255.0).astype(np.float32)
