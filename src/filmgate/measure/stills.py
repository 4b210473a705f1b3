"""Single frames of a file for people to look at: evidence in reports."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.errors import MeasurementError
from filmgate.measure import decode
from filmgate.measure.probe import probe

U8 = NDArray[np.uint8]


def frames(file: str, wanted: Sequence[int], max_height_px: int, /) -> dict[int, U8]:
    """Frames (0-based) of `file`: index -> upright sRGB (h, w, 3), at most `max_height_px` high
    and never higher than frames are measured at. Those that cannot be decoded are left out.

    Raises:
        MeasurementError: the file cannot be read at all.
    """
    known = probe(file)
    out: dict[int, U8] = {}
    for index in wanted:
        with contextlib.suppress(MeasurementError):
            picture = decode.sample(file, index, index + 1, count=1, known=known).frames[0].rgb
            out[index] = _fit(picture, max_height_px)
    return out


def _fit(picture: U8, max_height_px: int) -> U8:
    height, width = picture.shape[:2]
    if height <= max_height_px:
        return picture
    size = (max(1, round(width * max_height_px / height)), max_height_px)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def poster(picture: U8, height_px: int) -> U8:
    """JPEG bytes of a small picture, as a (n,) uint8 array."""
    small = _fit(picture, height_px)
    done, coded = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    if not done:
        raise MeasurementError("a frame could not be coded as JPEG")
    return np.asarray(coded, dtype=np.uint8).reshape(-1)


def opened(poster_jpeg: U8) -> U8:
    """The picture of a `poster`, sRGB (h, w, 3)."""
    decoded = cv2.imdecode(poster_jpeg, cv2.IMREAD_COLOR)
    if decoded is None:
        raise MeasurementError("a kept picture is no JPEG")
    return np.ascontiguousarray(decoded[:, :, ::-1], dtype=np.uint8)
