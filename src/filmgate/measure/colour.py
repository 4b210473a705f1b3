"""Colour: the maths every measurement shares, and the rules that turn coded video into display RGB.

Display RGB means: BT.709 primaries, D65 white, full range. Between display RGB and light the sRGB
curve (IEC 61966-2-1) is used for everything; the BT.709 camera curve is never undone, because a
file shows what its monitor showed, not what its camera saw.

Floating arrays keep their precision (float32 in, float32 out); anything else becomes float64.
`uint8` display RGB (0-255) is accepted wherever display RGB is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from filmgate.errors import MeasurementError

Floats = NDArray[np.floating[Any]]

D65_XYZ: Final = np.array([0.95047, 1.0, 1.08883])
"""White of sRGB, Y = 1 (IEC 61966-2-1)."""

RGB_TO_XYZ: Final = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)
"""Linear BT.709 RGB to XYZ (rows X, Y, Z), from the primaries and D65."""

XYZ_TO_RGB: Final = np.linalg.inv(RGB_TO_XYZ)

LUMA_709: Final = RGB_TO_XYZ[1]

_LAB_EPSILON: Final = 216 / 24389
_LAB_KAPPA: Final = 24389 / 27


def _floating(values: ArrayLike) -> Floats:
    """Return `values` as a floating array, keeping float32 and float64."""
    array = np.asarray(values)
    if array.dtype in (np.float32, np.float64):
        return array
    return array.astype(np.float64)


def _matmul(values: Floats, matrix: NDArray[np.float64]) -> Floats:
    """Multiply colours (..., 3) by a 3x3 row matrix in the precision of `values`."""
    product: Floats = values @ matrix.T.astype(values.dtype)
    return product


def _curve_to_linear(display: Floats) -> Floats:
    """Undo the sRGB curve, odd-symmetric so that values slightly out of range survive."""
    size = np.abs(display)
    light = np.where(size <= 0.04045, size / 12.92, ((size + 0.055) / 1.055) ** 2.4)
    return np.copysign(light, display).astype(display.dtype)


_LINEAR_OF_BYTE: Final = _curve_to_linear(np.arange(256) / 255.0).astype(np.float32)


def srgb_to_linear(rgb: ArrayLike) -> Floats:
    """Turn display RGB into linear light.

    Args:
        rgb: (..., 3) or any shape; floats 0-1, or uint8 0-255 (by table, giving float32).

    Returns:
        Linear light 0-1, same shape.
    """
    array = np.asarray(rgb)
    if array.dtype == np.uint8:
        light: Floats = _LINEAR_OF_BYTE[array]
        return light
    return _curve_to_linear(_floating(array))


def linear_to_srgb(linear: ArrayLike) -> Floats:
    """Turn linear light 0-1 into display RGB 0-1 (any shape; not clipped)."""
    array = _floating(linear)
    size = np.abs(array)
    display = np.where(size <= 0.0031308, size * 12.92, 1.055 * size ** (1 / 2.4) - 0.055)
    return np.copysign(display, array).astype(array.dtype)


def linear_to_lab(linear: ArrayLike) -> Floats:
    """Turn linear BT.709 RGB (..., 3) into CIE 1976 L*a*b*, white D65, 2° observer.

    Source: CIE 15:2004, with the exact rational constants (Lindbloom) at the linear toe.
    """
    rgb = _floating(linear)
    to_white = RGB_TO_XYZ / RGB_TO_XYZ.sum(axis=1, keepdims=True)
    ratio = _matmul(rgb, to_white)
    root = np.where(
        ratio > _LAB_EPSILON,
        np.cbrt(np.maximum(ratio, 0)),
        (_LAB_KAPPA * ratio + 16) / 116,
    )
    lab = np.empty_like(rgb)
    lab[..., 0] = 116 * root[..., 1] - 16
    lab[..., 1] = 500 * (root[..., 0] - root[..., 1])
    lab[..., 2] = 200 * (root[..., 1] - root[..., 2])
    return lab


def lab_to_linear(lab: ArrayLike) -> Floats:
    """Turn L*a*b* D65 (..., 3) into linear BT.709 RGB; not clipped to the gamut."""
    values = _floating(lab)
    root_y = (values[..., 0] + 16) / 116
    root = np.stack([root_y + values[..., 1] / 500, root_y, root_y - values[..., 2] / 200], axis=-1)
    cube = root**3
    ratio = np.where(cube > _LAB_EPSILON, cube, (116 * root - 16) / _LAB_KAPPA)
    from_white = XYZ_TO_RGB * RGB_TO_XYZ.sum(axis=1)[np.newaxis, :]
    return _matmul(ratio.astype(values.dtype), from_white)


def srgb_to_lab(rgb: ArrayLike) -> Floats:
    """Turn display RGB (..., 3), floats 0-1 or uint8, into L*a*b* D65."""
    return linear_to_lab(srgb_to_linear(rgb))


def lab_to_srgb(lab: ArrayLike) -> Floats:
    """Turn L*a*b* D65 (..., 3) into display RGB, clipped to 0-1."""
    return linear_to_srgb(np.clip(lab_to_linear(lab), 0.0, 1.0))


def delta_e_2000(lab1: ArrayLike, lab2: ArrayLike) -> Floats:
    """Colour difference CIEDE2000, kL = kC = kH = 1.

    Source: Sharma, Wu, Dalal (2005), "The CIEDE2000 Color-Difference Formula"; tested on their 34
    pairs.

    Args:
        lab1: L*a*b* (..., 3); the two broadcast.
        lab2: L*a*b* (..., 3).

    Returns:
        Differences, shape of the broadcast without its last axis; about 1 is just noticeable.
    """
    first, second = _floating(lab1), _floating(lab2)
    c_mean7 = (
        (np.hypot(first[..., 1], first[..., 2]) + np.hypot(second[..., 1], second[..., 2])) / 2
    ) ** 7
    stretch = 1 + 0.5 * (1 - np.sqrt(c_mean7 / (c_mean7 + 25.0**7)))
    a1, a2 = stretch * first[..., 1], stretch * second[..., 1]
    c1, c2 = np.hypot(a1, first[..., 2]), np.hypot(a2, second[..., 2])
    h1 = np.degrees(np.arctan2(first[..., 2], a1)) % 360
    h2 = np.degrees(np.arctan2(second[..., 2], a2)) % 360
    grey = c1 * c2 == 0

    turn = h2 - h1
    turn = np.where(turn > 180, turn - 360, np.where(turn < -180, turn + 360, turn))
    turn = np.where(grey, 0.0, turn)
    d_hue = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn) / 2)
    d_light, d_chroma = second[..., 0] - first[..., 0], c2 - c1

    total = h1 + h2
    near = np.abs(h1 - h2) <= 180
    mean = np.where(near, total / 2, np.where(total < 360, total / 2 + 180, total / 2 - 180))
    mean = np.where(grey, total, mean)
    weight = (
        1
        - 0.17 * np.cos(np.radians(mean - 30))
        + 0.24 * np.cos(np.radians(2 * mean))
        + 0.32 * np.cos(np.radians(3 * mean + 6))
        - 0.20 * np.cos(np.radians(4 * mean - 63))
    )
    light50 = ((first[..., 0] + second[..., 0]) / 2 - 50) ** 2
    c_mean = (c1 + c2) / 2
    s_light = 1 + 0.015 * light50 / np.sqrt(20 + light50)
    s_chroma, s_hue = 1 + 0.045 * c_mean, 1 + 0.015 * c_mean * weight
    rotation = np.sin(np.radians(60 * np.exp(-(((mean - 275) / 25) ** 2))))
    rotation = -rotation * 2 * np.sqrt(c_mean**7 / (c_mean**7 + 25.0**7))
    part_c, part_h = d_chroma / s_chroma, d_hue / s_hue
    squared = (d_light / s_light) ** 2 + part_c**2 + part_h**2 + rotation * part_c * part_h
    difference: Floats = np.sqrt(np.maximum(squared, 0))
    return difference


def cct(linear: ArrayLike) -> Floats:
    """Correlated colour temperature of a light or a neutral surface, kelvin.

    Source: McCamy (1992), "Correlated color temperature as an explicit function of chromaticity
    coordinates"; within about 2 K of the exact value for daylight. NaN where the answer would mean
    nothing: black, or outside 1,600-25,000 K.

    Args:
        linear: linear BT.709 RGB (..., 3), any positive scale.

    Returns:
        Kelvin, shape without the last axis.
    """
    xyz = _matmul(_floating(linear), RGB_TO_XYZ)
    with np.errstate(divide="ignore", invalid="ignore"):
        xy = xyz[..., :2] / xyz.sum(axis=-1, keepdims=True)
        n = (xy[..., 0] - 0.3320) / (0.1858 - xy[..., 1])
        kelvin = ((449 * n + 3525) * n + 6823.3) * n + 5520.33
        sound = (kelvin >= 1600) & (kelvin <= 25_000) & (xy[..., 1] > 0.1858)
    return np.where(sound, kelvin, np.nan)


def mired_from_rgb(linear: ArrayLike) -> Floats:
    """Colour temperature of linear RGB (..., 3) in mired (10^6 / K): equal steps look equal."""
    mired: Floats = 1e6 / cct(linear)
    return mired


def hex_of(rgb: ArrayLike) -> str:
    """Write one display colour, shape (3,), floats 0-1 or uint8, as `#rrggbb`."""
    array = np.asarray(rgb)
    if array.dtype != np.uint8:
        array = np.rint(np.clip(array.astype(np.float64), 0, 1) * 255).astype(np.uint8)
    red, green, blue = (int(value) for value in array.reshape(3))
    return f"#{red:02x}{green:02x}{blue:02x}"


# --- from coded video to display RGB -------------------------------------------------------------

UNTAGGED: Final = 2
"""ISO/IEC 23091-2 code for "unspecified" matrix, primaries or transfer."""

PQ, HLG, _LINEAR = 16, 18, 8
_LUMA_WEIGHTS: Final = {  # (Kr, Kb) by matrix code, ITU-T H.273 table 4
    1: (0.2126, 0.0722),
    4: (0.30, 0.11),
    5: (0.299, 0.114),
    6: (0.299, 0.114),
    7: (0.212, 0.087),
    9: (0.2627, 0.0593),
    10: (0.2627, 0.0593),
}
_WIDE_PRIMARIES: Final = {  # xy of red, green, blue, ITU-T H.273 table 2; white is D65
    9: ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    12: ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
_REFERENCE_WHITE_NITS: Final = 203.0


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How a stream says its numbers become colour (ITU-T H.273 / ISO/IEC 23091-2 codes).

    Attributes:
        matrix: 1 BT.709, 5 and 6 BT.601, 9 BT.2020; 2 says nothing.
        primaries: 1 BT.709, 9 BT.2020, 12 Display P3; 2 says nothing.
        transfer: 1 BT.709, 13 sRGB, 16 PQ, 18 HLG; 2 says nothing.
        full_range: True for 0-255, False for 16-235, None where the stream says nothing.
    """

    matrix: int
    primaries: int
    transfer: int
    full_range: bool | None


def settle_tags(
    tags: ColourTags, width: int, height: int, *, yuv: bool, jpeg: bool
) -> tuple[ColourTags, tuple[str, ...]]:
    """Fill in what a stream leaves unsaid, with the rule players use, and say so.

    Untagged YUV is BT.709 when wider than 1279 or taller than 576 coded pixels and BT.601
    otherwise (the rule of mpv; browsers differ only between 577 and 719 lines), limited range
    except for JPEG-style formats. SD primaries count as BT.709: tools that tag a file BT.601
    hardly ever convert the primaries, and mixing the two readings would look like drift.

    Args:
        tags: as read from the bitstream or the container.
        width: coded width, pixels.
        height: coded height, pixels.
        yuv: False for RGB and paletted pictures, which have neither matrix nor limited range.
        jpeg: the pixel format is full range by definition.

    Returns:
        Complete tags and the notes a reader must see.

    Raises:
        MeasurementError: the matrix is one this reader cannot undo.
    """
    if not yuv:
        return replace(tags, matrix=0, full_range=True), ()
    notes = []
    matrix, full = tags.matrix, tags.full_range
    if matrix in (0, UNTAGGED):
        high = width >= 1280 or height > 576
        matrix = 5 if jpeg or not high else 1
        if not jpeg:
            notes.append(f"no colour matrix tag: {'BT.709' if high else 'BT.601'} assumed")
    if matrix not in _LUMA_WEIGHTS:
        raise MeasurementError(f"its colour matrix (code {matrix}) is not one filmgate can read")
    if full is None:
        full = jpeg
        if not jpeg:
            notes.append("no colour range tag: limited range assumed")
    return replace(tags, matrix=matrix, full_range=full), tuple(notes)


def tone_notes(tags: ColourTags) -> tuple[str, ...]:
    """Name the conversions beyond matrix and range that `display_rgb` applies for these tags."""
    notes = []
    if tags.transfer in (PQ, HLG):
        name = "PQ" if tags.transfer == PQ else "HLG"
        notes.append(
            f"HDR ({name}) shown as SDR: {_REFERENCE_WHITE_NITS:.0f} cd/m² is white (BT.2408), "
            "brighter is clipped"
        )
    if tags.primaries in _WIDE_PRIMARIES:
        notes.append("wide-gamut colour converted to BT.709 in linear light, clipped")
    return tuple(notes)


@lru_cache(maxsize=64)
def yuv_matrix(matrix: int, full_range: bool, depth: int) -> NDArray[np.float64]:
    """3x4 affine matrix from coded Y'CbCr (integers of `depth` bits) to display RGB 0-1 (H.273)."""
    kr, kb = _LUMA_WEIGHTS[matrix]
    kg = 1 - kr - kb
    to_rgb = np.array(
        [
            [1, 0, 2 * (1 - kr)],
            [1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg],
            [1, 2 * (1 - kb), 0],
        ]
    )
    unit, peak = 2.0 ** (depth - 8), 2.0**depth - 1
    black, luma, chroma = (0.0, peak, peak) if full_range else (16 * unit, 219 * unit, 224 * unit)
    scaled = to_rgb / np.array([luma, chroma, chroma])
    offset = -scaled @ np.array([black, 128 * unit, 128 * unit])
    return np.column_stack([scaled, offset])


@lru_cache(maxsize=8)
def _to_709(primaries: int) -> NDArray[np.float64]:
    """3x3 matrix from linear RGB of wide primaries to linear BT.709 RGB, both white D65."""
    xyz = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in _WIDE_PRIMARIES[primaries]]).T
    white = RGB_TO_XYZ.sum(axis=1)
    matrix: NDArray[np.float64] = XYZ_TO_RGB @ (xyz * np.linalg.solve(xyz, white))
    return matrix


def _pq_to_light(code: Floats) -> Floats:
    """SMPTE ST 2084 code values 0-1 to light, 1 = reference white."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    root = np.clip(code, 0, 1) ** (1 / m2)
    light = (np.maximum(root - c1, 0) / (c2 - c3 * root)) ** (1 / m1)
    scaled: Floats = (light * (10_000 / _REFERENCE_WHITE_NITS)).astype(code.dtype)
    return scaled


def _hlg_to_light(code: Floats) -> Floats:
    """BT.2100 HLG code values 0-1 to light on a 1,000 cd/m² display, 1 = reference white."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    signal = np.clip(code, 0, 1)
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    luma = scene @ np.array([0.2627, 0.6780, 0.0593], dtype=code.dtype)
    gain = np.maximum(luma, 1e-6) ** 0.2  # system gamma 1.2 on luminance
    scaled: Floats = (scene * gain[..., None] * (1000 / _REFERENCE_WHITE_NITS)).astype(code.dtype)
    return scaled


def display_rgb(coded: NDArray[np.float32], tags: ColourTags) -> NDArray[np.uint8]:
    """Finish coded RGB: undo HDR and wide gamut where tagged, and round to 8 bits.

    Args:
        coded: float32 (h, w, 3), the stream's own RGB signal, 0-1, full range.
        tags: complete tags (see `settle_tags`).

    Returns:
        uint8 (h, w, 3) display RGB.
    """
    rgb: Floats = coded
    if needs_light(tags):
        if tags.transfer == PQ:
            light = _pq_to_light(rgb)
        elif tags.transfer == HLG:
            light = _hlg_to_light(rgb)
        else:
            light = rgb if tags.transfer == _LINEAR else srgb_to_linear(np.clip(rgb, 0, 1))
        if tags.primaries in _WIDE_PRIMARIES:
            light = _matmul(light, _to_709(tags.primaries))
        rgb = linear_to_srgb(np.clip(light, 0, 1))
    return np.rint(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def needs_light(tags: ColourTags) -> bool:
    """Tell whether `display_rgb` has more to do than rounding."""
    return tags.transfer in (PQ, HLG, _LINEAR) or tags.primaries in _WIDE_PRIMARIES
