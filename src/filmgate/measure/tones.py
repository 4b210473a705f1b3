"""Tone of regions: quantiles, tonal bands and Lab palettes, from histograms that add up.

Frames add into a histogram per zone and region, so that the cost does not grow with what is asked
of it and a zone is simply the sum of its frames.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.schema.signature import BANDS, PALETTE_SHAPE, QUANTILES

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

SMALL_WIDTH_PX = 160
"""Tone is read at this width: area-averaging removes grain, and 14,400 pixels a frame are ample."""

_A_EDGES = np.array([-40, -20, -8, 0, 8, 20, 40], dtype=np.float32)
_L_EDGES = np.array([25, 50, 75], dtype=np.float32)
_PALETTE_SIZE = int(np.prod(PALETTE_SHAPE))
_UNIT = np.arange(256, dtype=np.float32) / np.float32(255.0)


def small(rgb: U8) -> U8:
    """`rgb` area-averaged to `SMALL_WIDTH_PX` wide (never enlarged)."""
    height, width = rgb.shape[:2]
    if width <= SMALL_WIDTH_PX:
        return rgb
    size = (SMALL_WIDTH_PX, max(1, round(height * SMALL_WIDTH_PX / width)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def lab_of(rgb: U8) -> F32:
    """Lab (D65) of display RGB, float32 (h, w, 3), by OpenCV's float path."""
    lab = cv2.cvtColor(cv2.LUT(rgb, _UNIT), cv2.COLOR_RGB2Lab)
    return np.asarray(lab, dtype=np.float32)


@dataclass(slots=True)
class Tones:
    """Histograms of one region; `add` frames, then read."""

    codes: F64 = field(default_factory=lambda: np.zeros((3, 256)))
    lightness: F64 = field(default_factory=lambda: np.zeros((4, 256)))
    bins: F64 = field(default_factory=lambda: np.zeros(_PALETTE_SIZE))
    offered: int = 0

    def add(self, rgb: U8, lab: F32, palette_bin: NDArray[np.int64], select: U8 | None) -> None:
        """Add the pixels of one frame where `select` is non-zero (all of them when None).

        Args:
            rgb: (h, w, 3) display RGB; lab: its Lab; palette_bin: (h, w) from `palette_bins`.
            select: (h, w) or None.
        """
        self.offered += rgb.shape[0] * rgb.shape[1]
        keep = slice(None) if select is None else np.flatnonzero(select)
        values = lab.reshape(-1, 3)[keep]
        if not len(values):
            return
        for channel in range(3):
            counts = cv2.calcHist([rgb], [channel], select, [256], [0, 256])
            self.codes[channel] += counts.reshape(-1)
        level = np.clip(values[:, 0] * 2.55, 0, 255).astype(np.int64)
        self.lightness[0] += np.bincount(level, minlength=256)
        for channel in range(3):
            self.lightness[channel + 1] += np.bincount(level, values[:, channel], minlength=256)
        self.bins += np.bincount(palette_bin.reshape(-1)[keep], minlength=_PALETTE_SIZE)

    def __iadd__(self, other: Tones) -> Tones:
        self.codes += other.codes
        self.lightness += other.lightness
        self.bins += other.bins
        self.offered += other.offered
        return self

    @property
    def weight(self) -> float:
        """Share of the offered pixels that were selected, 0 to 1."""
        return float(self.codes[0].sum() / self.offered) if self.offered else 0.0

    def quantiles(self) -> F32:
        """(19, 3) display-encoded quantiles per channel, 0 to 1; zeros when empty."""
        out = np.zeros((len(QUANTILES), 3), np.float32)
        for channel in range(3):
            total = self.codes[channel].sum()
            if total:
                # Mid-bin cumulative, so that a flat patch of one code reads as that code.
                middle = (np.cumsum(self.codes[channel]) - self.codes[channel] / 2) / total
                occupied = self.codes[channel] > 0
                out[:, channel] = np.interp(
                    QUANTILES, middle[occupied], np.flatnonzero(occupied) / 255.0
                )
        return out

    def band_means(self) -> F32:
        """(5, 3) mean Lab of five equal slices of the pixels by lightness; zeros when empty."""
        count, sums = self.lightness[0], self.lightness[1:]
        total = count.sum()
        if not total:
            return np.zeros((len(BANDS), 3), np.float32)
        edges = np.linspace(0, total, len(BANDS) + 1)
        upto = np.concatenate([[0.0], np.cumsum(count)])
        cumulative = np.concatenate([np.zeros((3, 1)), np.cumsum(sums, axis=1)], axis=1)
        # A bin that straddles two slices is shared between them in proportion.
        at_edges = np.stack([np.interp(edges, upto, cumulative[c]) for c in range(3)])
        means = np.diff(at_edges, axis=1) / np.diff(edges)
        return np.asarray(means.T, dtype=np.float32)

    def palette(self) -> F32:
        """PALETTE_SHAPE Lab histogram, sums to 1 (0 when empty)."""
        total = self.bins.sum()
        share = self.bins / total if total else self.bins
        return share.reshape(PALETTE_SHAPE).astype(np.float32)


def palette_bins(lab: F32) -> NDArray[np.int64]:
    """(h, w) index into the flattened PALETTE_SHAPE histogram for each pixel."""
    lightness, green_red, blue_yellow = cv2.split(lab)
    out = _above(lightness, _L_EDGES)
    for values in (green_red, blue_yellow):
        out = out * 8 + _above(values, _A_EDGES)
    return out.astype(np.int64)


def _above(values: Any, edges: F32) -> NDArray[np.int16]:
    """How many of the few `edges` lie below each value: faster than a search for each."""
    out = np.zeros(values.shape, np.int16)
    for edge in edges:
        out += values > edge
    return out
