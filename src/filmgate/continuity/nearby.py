"""The light of a shot whose set-up has too few takes for a consensus, against the shots beside it.

In one scene the light is one, wherever the camera stands. So such a shot is compared, place by
place, with the few shots of its scene whose picture is most like its own, and the middle of what
separates it from them is its light's. On the development projects that is three times as sharp as
carrying the light over from other scenes of the set-up, which has to guess what the light did.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import picture

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MOST = 5
LEAST = 2
ALIKE = 0.5
"""Correlation of layouts from which two pictures show enough of the same: a little less than makes
them one set-up."""
REACH = 40
"""Shots before and after it in the edit among which they are looked for."""


class Nearby(NamedTuple):
    """What separates each shot from the shots most like it; NaN where fewer than `LEAST` are.

    Attributes:
        level_stops, mired, tint, key_stops: (N,) middle of the differences, signed as in
            `picture.Relight`; key_stops from left to right only.
        spread: (N, 3) how much the shots it is compared with disagree on level (stops), colour
            (mired, with the tint) and key side (stops).
    """

    level_stops: F64
    mired: F64
    tint: F64
    key_stops: F64
    spread: F64


def nearest(vectors: F32, chapter: I64, wanted: NDArray[np.bool_], apart: I64) -> I64:
    """(N, MOST) the shots of the same chapter most like each wanted shot; -1 where there are fewer.

    Args:
        vectors: (N, D) unit layouts; apart: (N,) shots of the same label here (>= 0) are left out.
    """
    out = np.full((len(vectors), MOST), -1)
    for i in np.flatnonzero(wanted).tolist():
        low = max(0, i - REACH)
        around = np.arange(low, min(len(vectors), i + REACH + 1))
        fits = (chapter[around] == chapter[i]) & (around != i)
        if apart[i] >= 0:
            fits &= apart[around] != apart[i]
        around = around[fits]
        alike = vectors[around] @ vectors[i]
        best = np.argsort(-alike, kind="stable")[:MOST]
        best = best[alike[best] >= ALIKE]
        if len(best) >= LEAST:
            out[i, : len(best)] = around[best]
    return out


def compare(cells: F64, mates: I64) -> Nearby:
    """Each shot's coarse thumbnail (N, 192, 3) against those of its `mates` (N, MOST)."""
    n = len(cells)
    row, column = np.nonzero(mates >= 0)
    other = mates[row, column]
    values = np.full((n, MOST, 4), np.nan)
    for part in np.array_split(np.arange(len(row)), max(1, len(row) // 1000)):
        if not len(part):
            continue
        one, two = row[part], other[part]
        pair = picture.relight_pairs(cells[one], cells[two], np.ones(len(part), bool))
        values[one, column[part]] = np.stack(
            [pair.level_stops, pair.mired, pair.tint * picture.MIRED_PER_LOG, pair.key_stops[:, 0]],
            axis=1,
        )
    enough = np.isfinite(values).all(axis=2).sum(axis=1) >= LEAST
    middle = np.full((n, 4), np.nan)
    spread = np.full((n, 4), np.nan)
    middle[enough] = np.nanmedian(values[enough], axis=1)
    spread[enough] = np.nanmedian(np.abs(values[enough] - middle[enough, None]), axis=1)
    level, mired, tint, key = middle.T
    colour = np.hypot(spread[:, 1], spread[:, 2])
    return Nearby(
        level, mired, tint / picture.MIRED_PER_LOG, key,
        np.stack([spread[:, 0], colour, spread[:, 3]], axis=1),
    )  # fmt: skip
