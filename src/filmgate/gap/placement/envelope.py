"""The lower envelope of lines over b in 0..1, where b is P(good) and a line is (value at 1, at 0).

Decisions cannot see whether an item is good, so that the best cost to go is such an envelope of the
costs of all ways on (alpha-vectors of a two-state problem): concave, and exact with finitely many
lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.gap.segment import Array

TOLERANCE = 1e-14
"""Relative: a line that lowers the envelope by less is the same line, rounded otherwise."""

Index = NDArray[np.intp]


def envelope(values: Array, low: float = 0.0) -> Index:
    """Which lines form the lower envelope over `low`..1, ordered by their value at b = 1.

    Args:
        values: (2, n) at b = 1 and at b = 0; a few dozen lines, not thousands.
    """
    ends = _ends(values, low)
    points = sorted(zip(*ends.tolist(), range(values.shape[1]), strict=True))
    hull: list[tuple[float, float, int]] = []
    for point in points:
        if hull and point[1] >= hull[-1][1] - TOLERANCE * abs(point[1]):
            continue
        while len(hull) > 1 and _above(hull[-2], hull[-1], point):
            hull.pop()
        hull.append(point)
    return np.array([index for _, _, index in hull], dtype=np.intp)


def _above(left: tuple[float, ...], middle: tuple[float, ...], right: tuple[float, ...]) -> bool:
    """Whether `middle` is nowhere the lowest of the three."""
    fall, rise = middle[1] - right[1], right[0] - middle[0]
    return fall * (middle[0] - left[0]) >= (left[1] - middle[1]) * rise * (1 - TOLERANCE)


def _ends(values: Array, low: float) -> Array:
    """(2, n) the lines at b = 1 and at b = `low`."""
    return np.stack((values[0], low * values[0] + (1 - low) * values[1]))


def breaks(values: Array, low: float = 0.0) -> Array:
    """(m, 2) the beliefs (b, 1-b) at 1, at `low` and where neighbouring lines of an envelope meet.

    The envelope is linear between them.
    """
    ends = _ends(values, low)
    fall, rise = ends[1, :-1] - ends[1, 1:], ends[0, 1:] - ends[0, :-1]
    share = np.concatenate(([1.0], fall / (fall + rise), [0.0]))
    rest = (1 - low) * (1 - share)
    return np.stack((1 - rest, rest), axis=1)


def heights(beliefs: Array, values: Array) -> Array:
    """(m, n) the value of n lines (2, n) at m beliefs (m, 2).

    By hand and not by `@`: a matrix library that starts threads for so little is far slower on a
    busy machine.
    """
    made: Array = np.multiply.outer(beliefs[:, 0], values[0])
    made += np.multiply.outer(beliefs[:, 1], values[1])
    return made
