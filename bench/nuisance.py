"""Honest differences between shots: the light of a place, small changes from shot to shot, framing.

The relight is deliberately not what the checker assumes (research note 3.4): a 3x3 Bradford
adaptation, which is not diagonal in the checker's space, a gradient from the side, on half of the
strongly lit scenes a second light of another colour, then gamma, saturation, clipping and JPEG.
Everything is linear light until `finish`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Level = Literal["none", "mild", "strong"]
LEVELS: Final[tuple[Level, ...]] = ("none", "mild", "strong")

SIZE: Final = (480, 360)
"""Width and height of the planted frames, pixels."""
JPEG_QUALITY: Final = 82
D65_MIRED: Final = 1e6 / 6504

_RGB_TO_XYZ: Final = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
     [0.0193339, 0.1191920, 0.9503041]]
)  # fmt: skip
_BRADFORD: Final = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_LUMA: Final = np.array([0.2126, 0.7152, 0.0722])
_STEPS: Final = 4096
_CODES = np.arange(256) / 255.0
TO_LINEAR: F32 = np.where(
    _CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4
).astype(np.float32)
"""Linear light of an 8-bit sRGB code."""


@dataclass(frozen=True, slots=True)
class Light:
    """Light of one shot.

    Attributes:
        mired: of the light, where 153.75 (6504 K) changes nothing.
        stops: exposure. slope: stops from the picture's middle to its right edge (key side).
        second: strength of a second light from the other side, relative to the key; its `mired`.
        gamma: exponent on display values. saturation: on display values, about luma.
    """

    mired: float = D65_MIRED
    stops: float = 0.0
    slope: float = 0.0
    second: float = 0.0
    second_mired: float = D65_MIRED
    gamma: float = 1.0
    saturation: float = 1.0

    def flipped(self) -> Light:
        """The key from the other side; where there was none it now comes from one side."""
        return replace(self, slope=-self.slope if abs(self.slope) >= 0.1 else 0.6)


@dataclass(frozen=True, slots=True)
class Framing:
    """Window of the source picture: centre (0 to 1), width relative to the source's, roll."""

    x: float = 0.5
    y: float = 0.5
    width: float = 1.0
    roll_deg: float = 0.0


def draw_light(level: Level, rng: np.random.Generator) -> Light:
    """The light of one place and time. mild: 4800-7500 K, 0.3 stop; strong: 3000-9500 K, 0.8."""
    if level == "none":
        return Light()
    strong = level == "strong"
    low_k, high_k = (3000, 9500) if strong else (4800, 7500)
    mired = float(rng.uniform(1e6 / high_k, 1e6 / low_k))
    reach = 0.8 if strong else 0.3
    slope = float(rng.uniform(0.3, 0.75) if strong else rng.uniform(0.15, 0.35))
    side = slope * (1.0 if rng.random() < 0.5 else -1.0)
    second = float(rng.uniform(0.15, 0.45)) if strong and rng.random() < 0.5 else 0.0
    shape = 0.12 if strong else 0.05
    return Light(
        mired=mired, stops=float(rng.uniform(-reach, reach)), slope=side, second=second,
        second_mired=float(rng.uniform(1e6 / 9500, 1e6 / 2800)),
        gamma=float(np.exp(rng.uniform(-shape, shape))),
        saturation=float(np.exp(rng.uniform(-1.5 * shape, 1.5 * shape))),
    )  # fmt: skip


def jitter(light: Light, rng: np.random.Generator) -> Light:
    """The same light as another shot of the scene has it: honest small differences (1 s.d.)."""
    return replace(
        light,
        mired=light.mired + float(rng.normal(0, 3.0)),
        stops=light.stops + float(rng.normal(0, 0.05)),
        slope=light.slope + float(rng.normal(0, 0.03)),
        second=light.second * float(np.exp(rng.normal(0, 0.08))),
        gamma=light.gamma * float(np.exp(rng.normal(0, 0.012))),
        saturation=light.saturation * float(np.exp(rng.normal(0, 0.02))),
    )


def reframe(framing: Framing, rng: np.random.Generator) -> Framing:
    """The same set-up a little differently framed: 1 % sideways, 1.5 % of the size, 0.25 deg."""
    width = framing.width * float(np.exp(rng.normal(0, 0.015)))
    return Framing(
        framing.x + float(rng.normal(0, 0.01)), framing.y + float(rng.normal(0, 0.008)),
        width, framing.roll_deg + float(rng.normal(0, 0.25)),
    )  # fmt: skip


def white_xyz(mired: float) -> F64:
    """XYZ (Y = 1) of daylight, below 4000 K of a black body (CIE 015; Kim et al. 2002)."""
    kelvin = 1e6 / mired
    inverse = 1e3 / kelvin
    if kelvin >= 4000:
        terms = (0.24406, 0.09911, 2.9678, -4.6070) if kelvin <= 7000 else (
            0.23704, 0.24748, 1.9018, -2.0064)  # fmt: skip
        x = float(np.polyval(terms[::-1], inverse))
        y = -3.0 * x * x + 2.870 * x - 0.275
    else:
        x = float(np.polyval((-0.2661239, -0.2343589, 0.8776956, 0.179910), inverse))
        y = float(np.polyval((-0.9549476, -1.37418593, 2.09137015, -0.16748867), x))
    return np.array([x / y, 1.0, (1 - x - y) / y])


@lru_cache(maxsize=512)
def light_matrix(mired: float) -> F64:
    """3x3 Bradford matrix on linear BT.709: how things look under that light; white keeps luma."""
    cone = (_BRADFORD @ white_xyz(mired)) / (_BRADFORD @ white_xyz(D65_MIRED))
    adapt = np.linalg.inv(_BRADFORD) @ np.diag(cone) @ _BRADFORD
    matrix = np.linalg.inv(_RGB_TO_XYZ) @ adapt @ _RGB_TO_XYZ
    return np.asarray(matrix / float(_LUMA @ matrix @ np.ones(3)))


def saturation_matrix(saturation: float) -> F64:
    """3x3 matrix on display values that scales the distance from Rec.709 luma."""
    grey = np.tile(_LUMA, (3, 1))
    return np.asarray(grey + saturation * (np.eye(3) - grey), dtype=np.float64)


def window(rgb: U8, framing: Framing, size: tuple[int, int] = SIZE) -> U8:
    """The framed part of a picture (or mask), at `size`; the edge is repeated beyond it."""
    height, width = rgb.shape[:2]
    scale = size[0] / (framing.width * width)
    centre = (framing.x * width, framing.y * height)
    matrix = cv2.getRotationMatrix2D(centre, framing.roll_deg, scale)
    matrix[:, 2] += np.array(size) / 2 - np.array(centre)
    # Shrinking without a blur would alias; 640 to 480 needs little.
    if scale < 0.8:
        rgb = np.asarray(cv2.blur(rgb, (2, 2)), dtype=np.uint8)
    return np.asarray(
        cv2.warpAffine(rgb, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )


def linear_of(rgb: U8) -> F32:
    """Linear light of display RGB."""
    return np.asarray(cv2.LUT(rgb, TO_LINEAR), dtype=np.float32)


def shine(linear: F32, light: Light) -> F32:
    """Linear picture under `light`; values may exceed 1."""
    across = np.linspace(-1, 1, linear.shape[1], dtype=np.float32)[None, :, None]
    key = cv2.transform(linear, light_matrix(light.mired).astype(np.float32))
    out = key * np.exp2(light.stops + light.slope * across)
    if light.second > 0:
        side = -np.sign(light.slope) or 1.0
        ramp = light.second * 2.0**light.stops * np.clip(0.5 + 0.5 * side * across, 0, 1) ** 1.5
        other = cv2.transform(linear, light_matrix(light.second_mired).astype(np.float32))
        out = out + other * ramp.astype(np.float32)
    return np.asarray(out, dtype=np.float32)


@lru_cache(maxsize=64)
def _codes(gamma: float) -> U8:
    """Display code of each of `_STEPS` square-root-spaced linear values, gamma applied."""
    linear = (np.arange(_STEPS) / (_STEPS - 1)) ** 2
    display = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(255 * np.clip(display, 0, 1) ** gamma).astype(np.uint8)


def display(linear: F32, gamma: float = 1.0, saturation: float = 1.0) -> U8:
    """8-bit display RGB of linear light, clipped; then gamma and saturation."""
    clipped = np.clip(linear, 0, 1)
    spots = (cv2.sqrt(clipped) * (_STEPS - 1) + 0.5).astype(np.uint16)
    rgb = _codes(round(gamma, 4))[spots]
    if saturation == 1.0:
        return rgb
    return np.asarray(cv2.transform(rgb, saturation_matrix(saturation)), dtype=np.uint8)


def finish(rgb: U8) -> U8:
    """Through JPEG and back, as every planted frame goes, clean or not."""
    _, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    back = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert back is not None
    return np.ascontiguousarray(back[..., ::-1], dtype=np.uint8)
