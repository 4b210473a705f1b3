"""Waveform, parade, vectorscope and histogram of one frame, from the decoded picture.

All speak of the displayed picture in sRGB code values 0 to 255; luma and chroma are those of
Rec. 709 (ITU-R BT.709-6, 3.2 and 3.3), full range.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.errors import UsageError
from filmgate.schema.report import Box

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

BINS = 256
WIDTH, HEIGHT = 512, 256
KR, KG, KB = 0.2126, 0.7152, 0.0722
"""Weights of luma, BT.709-6 table 3."""
_GRID = 46
_LOW, _HIGH = 0, 255
TARGETS = {
    "R": (191, 0, 0), "G": (0, 191, 0), "B": (0, 0, 191), "C": (0, 191, 191), "M": (191, 0, 191),
    "Y": (191, 191, 0),
}  # fmt: skip
"""Colour bars at 75%, where a vectorscope has its boxes."""


def cut(picture: U8, box: Box | None) -> U8:
    """The part of a picture that a box (relative, 0 to 1) covers; at least one pixel."""
    if box is None:
        return picture
    height, width = picture.shape[:2]
    left, top = int(box[0] * width), int(box[1] * height)
    right, bottom = round((box[0] + box[2]) * width), round((box[1] + box[3]) * height)
    left, top = min(max(left, 0), width - 1), min(max(top, 0), height - 1)
    return picture[top : max(bottom, top + 1), left : max(right, left + 1)]


def luma(picture: U8) -> U8:
    """Luma, (h, w)."""
    weights: Any = np.array([[KR, KG, KB]], np.float32)
    return np.asarray(cv2.transform(picture, weights), np.uint8).reshape(picture.shape[:2])


def histogram(picture: U8) -> dict[str, Any]:
    """Pixels per code value of luma and each channel; the means (0 to 1) and shares clipped."""
    channels = [picture[:, :, c] for c in range(3)]
    counts = [np.bincount(c.ravel(), minlength=BINS) for c in (luma(picture), *channels)]
    pixels = int(picture.shape[0] * picture.shape[1])
    low = (picture == _LOW).any(axis=2).sum() / pixels
    high = (picture == _HIGH).any(axis=2).sum() / pixels
    return {
        "pixels": pixels, "bins": BINS,
        **dict(zip(("luma", "red", "green", "blue"), (c.tolist() for c in counts), strict=True)),
        "mean": [round(float(c.mean()) / 255, 6) for c in channels],
        "clipped": {"low": round(float(low), 6), "high": round(float(high), 6)},
    }  # fmt: skip


def trace(values: U8, columns: int) -> F32:
    """How many pixels of each column of the picture have each code value: (256, columns).

    Row 0 is code value 255, as a waveform is drawn.
    """
    _, width = values.shape
    place = (np.arange(width) * columns // width).astype(np.int64)
    flat = place[None, :] * BINS + values
    counts = np.bincount(flat.ravel(), minlength=columns * BINS).reshape(columns, BINS)
    filled = np.bincount(place, minlength=columns)
    if width < columns:  # a narrow region: stretch what there is
        known = np.flatnonzero(filled)
        counts = counts[known[np.searchsorted(known, np.arange(columns), "right") - 1]]
        filled = np.ones(columns, np.int64)
    return np.asarray((counts / np.maximum(filled, 1)[:, None]).T[::-1], np.float32)


def chroma(picture: U8) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cb and Cr of every pixel, -128 to 127."""
    rgb = picture.reshape(-1, 3).astype(np.float32)
    y = rgb @ np.array([KR, KG, KB], np.float32)
    cb, cr = (rgb[:, 2] - y) / (2 * (1 - KB)), (rgb[:, 0] - y) / (2 * (1 - KR))
    return _whole(cb), _whole(cr)


def _whole(values: F32) -> NDArray[np.int64]:
    return np.clip(np.rint(values), -128, 127).astype(np.int64)


def waveform(picture: U8) -> U8:
    """Luma over the width of the picture, (256, 512, 3)."""
    glow = _glow(trace(luma(picture), WIDTH))
    return _ruled(np.repeat(glow[:, :, None], 3, axis=2))


def parade(picture: U8) -> U8:
    """Red, green and blue side by side, (256, 512, 3)."""
    out = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    third = WIDTH // 3
    for channel in range(3):
        glow = _glow(trace(np.ascontiguousarray(picture[:, :, channel]), third - 2))
        left = channel * third + 1
        out[:, left : left + third - 2, channel] = glow
        for other in {0, 1, 2} - {channel}:
            out[:, left : left + third - 2, other] = glow // 3
    return _ruled(out)


def vectorscope(picture: U8) -> U8:
    """Cb to the right, Cr upwards, (256, 256, 3), with the boxes of 75% bars."""
    cb, cr = chroma(picture)
    flat = (127 - cr) * BINS + cb + 128
    counts = np.bincount(flat, minlength=BINS * BINS).reshape(BINS, BINS).astype(np.float32)
    glow = _glow(counts / counts.sum() * BINS)
    out = np.repeat(glow[:, :, None], 3, axis=2)
    out[128, :] = np.maximum(out[128, :], _GRID)
    out[:, 128] = np.maximum(out[:, 128], _GRID)
    for colour in TARGETS.values():
        x, y = (int(v[0]) for v in chroma(np.array([[colour]], np.uint8)))
        cv2.rectangle(out, (x + 123, 122 - y), (x + 133, 132 - y), colour, 1)
    return np.ascontiguousarray(out)


def histogram_picture(picture: U8) -> U8:
    """The histogram of red, green and blue laid over one another, (256, 512, 3)."""
    found = histogram(picture)
    out = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    # The highest bar of a picture with a black border says nothing: the ends do not set the scale.
    inner = [found[name][1:-1] for name in ("red", "green", "blue")]
    most = max(1, *(max(counts) for counts in inner))
    rows = np.arange(HEIGHT)[::-1, None]
    for channel, name in enumerate(("red", "green", "blue")):
        bars = np.minimum(np.array(found[name]) * (HEIGHT - 1) // most, HEIGHT - 1)
        out[:, :, channel] = np.where(rows < np.repeat(bars, 2)[None, :], 210, 0)
    return out


DRAWN: dict[str, Callable[[U8], U8]] = {
    "waveform": waveform, "parade": parade, "vectorscope": vectorscope,
    "histogram": histogram_picture,
}  # fmt: skip


def draw(kind: str, picture: U8) -> U8:
    """One of `DRAWN` of a picture.

    Raises:
        UsageError: there is no such scope.
    """
    if kind not in DRAWN:
        raise UsageError(f"There is no scope '{kind}': there are {', '.join(DRAWN)}.")
    return DRAWN[kind](picture)


def _glow(share: F32) -> U8:
    """Brightness of a trace: faint parts are lifted, as a phosphor does."""
    most = float(share.max())
    if most <= 0:
        return np.zeros(share.shape, np.uint8)
    lifted = np.where(share > 0, 40 + 215 * np.sqrt(share / most), 0)
    return np.asarray(np.clip(lifted, 0, 255), np.uint8)


def _ruled(picture: U8) -> U8:
    """A line at every quarter of the range."""
    for quarter in range(5):
        row = min(HEIGHT - 1, round(quarter * (HEIGHT - 1) / 4))
        picture[row] = np.maximum(picture[row], _GRID)
    return picture
