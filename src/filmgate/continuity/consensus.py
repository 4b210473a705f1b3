"""What the others agree on: leave-one-out medians of a group, and what scatter is usual in it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
Number = TypeVar("Number", np.float32, np.float64)
I64 = NDArray[np.int64]

MIN_GROUP = 3
"""A shot needs two others before a consensus can speak. Of exactly two, the nearer one counts: if
they disagree, one of them is the odd one out and must not pull the other's reference away."""
_SMALL = 8
_TOGETHER = 250
"""Shots whose groups are ordered at once."""
_PRIOR = 6.0
"""A group's own scatter counts as many shots as it has, the pooled scatter as this many."""


def parts(group: I64) -> list[I64]:
    """Positions of each group of at least `MIN_GROUP` shots."""
    order = np.argsort(group, kind="stable")
    values = group[order]
    cuts = np.flatnonzero(np.diff(values)) + 1
    return [p for p in np.split(order, cuts) if group[p[0]] >= 0 and len(p) >= MIN_GROUP]


def _nearer(three: F64) -> F64:
    """(G, 3, D) for each row the nearer of the two other rows of its group."""
    others = three[:, _others(MIN_GROUP)]
    distance = np.abs(others - three[:, :, None]).sum(axis=3)
    nearest = distance.argmin(axis=2)[:, :, None, None]
    return np.asarray(np.take_along_axis(others, nearest, axis=2)[:, :, 0])


@lru_cache(maxsize=16)
def _others(size: int) -> I64:
    """(size, size - 1) row i: every index but i."""
    rows = np.arange(size)
    return np.array([np.delete(rows, i) for i in rows])


def medians(values: F64, group: I64) -> F64:
    """(N, D) median of the *other* members of each shot's group; NaN where there is none.

    Args:
        values: (N, D), rows with a NaN do not take part. In groups above eight the median of all
            members stands in for the leave-one-out one: one shot hardly moves it.
    """
    out = np.full(values.shape, np.nan)
    seen = np.isfinite(values).all(axis=1)
    by_size: dict[int, list[I64]] = {}
    for members in parts(np.where(seen, group, -1)):
        if len(members) > _SMALL:
            out[members] = median(values[members])
        else:
            by_size.setdefault(len(members), []).append(members)
    for size, groups in by_size.items():
        # Groups of one size together, so few that they stay in the cache.
        for rows in np.array_split(np.stack(groups), -(-len(groups) * size // _TOGETHER)):
            out[rows] = (_nearer if size == MIN_GROUP else _without_each)(values[rows])
    return out


def median(values: NDArray[Number]) -> NDArray[Number]:
    """(D,) median over the rows of (n, D): `np.median` to the bit, several times as fast."""
    ordered = np.sort(np.ascontiguousarray(values.T), axis=1)
    half = len(values) // 2
    if len(values) % 2:
        return ordered[:, half]
    return np.asarray((ordered[:, half - 1] + ordered[:, half]) / 2, values.dtype)


def _without_each(values: F64) -> F64:
    """(G, n, D) for each row the median of the other rows of its group.

    The others of the row of rank r are the ordered values without the r-th, so that one ordering
    serves all rows.
    """
    ordered = np.sort(values, axis=1)
    n = values.shape[1]
    low, high = (n - 2) // 2, (n - 1) // 2  # of the n - 1 others; the same where these are odd

    def without(k: int) -> F64:
        here, next_one = ordered[:, k, None], ordered[:, k + 1, None]
        return np.where(values <= here, next_one, here)

    return np.asarray((without(low) + without(high)) / 2)


def scale(magnitude: F64, group: I64, floor: float) -> F64:
    """(N,) what magnitude is usual: the group's median, shrunk to the sequence's, above `floor`.

    A median of magnitudes ignores up to half of the group drifting; the floor keeps a group that
    agrees to the last digit from calling an invisible difference a drift.
    """
    out = np.full(len(magnitude), np.nan)
    seen = np.isfinite(magnitude)
    groups = [m[seen[m]] for m in parts(group)]
    middles = [float(np.median(magnitude[m])) if len(m) else np.nan for m in groups]
    sizes = [len(m) for m in groups]
    known = [(m, s) for m, s in zip(middles, sizes, strict=True) if s]
    pooled = _weighted_median(known) if known else 0.0
    for members, middle, size in zip(groups, middles, sizes, strict=True):
        if size:
            usual = (size * middle + _PRIOR * pooled) / (size + _PRIOR)
            out[members] = float(np.hypot(usual, floor))
    return out


def _weighted_median(pairs: Sequence[tuple[float, int]]) -> float:
    ordered = sorted(pairs)
    half, total = sum(s for _, s in ordered) / 2, 0
    for value, size in ordered:
        total += size
        if total >= half:
            return value
    return ordered[-1][0]
