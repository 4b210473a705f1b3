"""The set as the camera sees it: thumbnail of light, layout, texture, and the light on it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.schema.signature import LAYOUT_SHAPE, LOG_FLOOR, THUMB_SHAPE

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

_CODES = np.arange(256, dtype=np.float64) / 255.0
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4)
LOG_LINEAR_OF_CODE: F32 = np.log(_LINEAR + LOG_FLOOR).astype(np.float32)
"""Log-linear light of each 8-bit sRGB code value."""
LUMA: F32 = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)

_MIN_BACKGROUND = 0.25
"""A thumbnail cell with less background than this says nothing about the set."""


def log_linear(rgb: U8) -> F32:
    """Log-linear light of display RGB (h, w, 3), float32, same shape."""
    # OpenCV's table look-up takes a third of the time of numpy's.
    return np.asarray(cv2.LUT(rgb, LOG_LINEAR_OF_CODE), dtype=np.float32)


def thumbnail(rgb: U8, background: U8 | None) -> tuple[F32, F32, F32]:
    """Log-linear thumbnail (24, 32, 3) of the picture, of its background, and each cell's
    background share.

    Args:
        rgb: (h, w, 3) display RGB; background: (h, w) 0 or 255, None when all of it is.
    """
    height, width = THUMB_SHAPE
    logs = log_linear(rgb)
    thumb = np.asarray(cv2.resize(logs, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    if background is None:
        return thumb, thumb, np.ones(THUMB_SHAPE, np.float32)
    keep = (background > 127).astype(np.float32)
    share = cv2.resize(keep, (width, height), interpolation=cv2.INTER_AREA)
    light = cv2.resize(logs * keep[..., None], (width, height), interpolation=cv2.INTER_AREA)
    behind = light / np.maximum(share, 1e-3)[..., None]
    return thumb, np.asarray(behind, np.float32), np.asarray(share, np.float32)


def layout(rgb: U8) -> U8:
    """Light-normalised grey picture, uint8 (48, 64): local contrast, so that light cancels."""
    height, width = LAYOUT_SHAPE
    grey = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    luminance = log_linear(np.asarray(grey, np.uint8)) @ LUMA
    local = luminance - cv2.GaussianBlur(luminance, (0, 0), 8.0)
    spread = np.sqrt(cv2.GaussianBlur(local * local, (0, 0), 8.0)) + 0.08
    return np.asarray(np.clip(128 + 48 * local / spread, 0, 255), dtype=np.uint8)


def texture(rgb: U8) -> F32:
    """(128,) histogram of gradient directions in a 4 x 4 grid of 8 unsigned directions."""
    grey = (log_linear(rgb) @ LUMA).astype(np.float32)
    dx = cv2.Sobel(grey, cv2.CV_32F, 1, 0)
    dy = cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    size = np.sqrt(dx * dx + dy * dy)
    direction = (np.arctan2(dy, dx) * (8 / np.pi)).astype(np.int64) % 8
    rows = (np.arange(grey.shape[0]) * 4 // grey.shape[0])[:, None]
    columns = (np.arange(grey.shape[1]) * 4 // grey.shape[1])[None, :]
    cell = (rows * 4 + columns) * 8 + direction
    counts = np.bincount(cell.reshape(-1), np.sqrt(size).reshape(-1), minlength=128)
    norm = float(np.linalg.norm(counts))
    return np.asarray(counts / norm if norm else counts, dtype=np.float32)


def sharpness(rgb: U8) -> float:
    """Log of the mean absolute Laplacian of the grey picture."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_16S)
    return float(np.log(cv2.norm(edges, cv2.NORM_L1) / edges.size + 0.1))


def _design() -> F32:
    height, width = THUMB_SHAPE
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y]
    return np.stack([t.reshape(-1) for t in terms], axis=1).astype(np.float32)


_FIELD = _design()


def light_of(thumb: F32, weight: F32) -> F32:
    """(11,) description of the light on what of one thumbnail has weight; see Signature.light.

    NaN where less than a twentieth of the thumbnail has.
    """
    keep = (weight > _MIN_BACKGROUND).reshape(-1)
    if keep.mean() < 0.05:
        return np.full(11, np.nan, np.float32)
    logs = thumb.reshape(-1, 3)[keep]
    luminance = logs @ LUMA
    light = np.exp(logs) - LOG_FLOOR
    mean = np.maximum(light.mean(axis=0), 1e-4)
    low, high = np.percentile(luminance, (10, 90))
    chroma = np.abs(logs - logs.mean(axis=1, keepdims=True)).mean()
    field, *_ = np.linalg.lstsq(_FIELD[keep], luminance, rcond=None)
    head = [
        float(np.log(mean @ LUMA)), float(np.log(mean[0] / mean[1])),
        float(np.log(mean[2] / mean[1])), float((high - low) / np.log(2)), float(chroma),
    ]  # fmt: skip
    return np.concatenate([np.array(head, np.float32), field.astype(np.float32)])
