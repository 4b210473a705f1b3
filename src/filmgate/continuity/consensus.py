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


def _nearer(three: NDArray[Number]) -> NDArray[Number]:
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


def medians(values: NDArray[Number], group: I64) -> NDArray[Number]:
    """(N, D) median of the *other* members of each shot's group; NaN where there is none.

    Args:
        values: (N, D), rows with a NaN do not take part. In groups above eight the median of all
            members stands in for the leave-one-out one: one shot hardly moves it.
    """
    out = np.full(values.shape, np.nan, values.dtype)
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


def _without_each(values: NDArray[Number]) -> NDArray[Number]:
    """(G, n, D) for each row the median of the other rows of its group.

    The others of the row of rank r are the ordered values without the r-th, so that one ordering
    serves all rows.
    """
    ordered, n = list(values.swapaxes(0, 1)), values.shape[1]
    for last in range(n - 1, 0, -1):
        for k in range(last):  # whole rows are exchanged at once: for so few it beats a sort
            one, two = ordered[k], ordered[k + 1]
            ordered[k], ordered[k + 1] = np.minimum(one, two), np.maximum(one, two)
    low, high = (n - 2) // 2, (n - 1) // 2  # of the n - 1 others; the same where these are odd

    def without(k: int) -> NDArray[Number]:
        here, next_one = ordered[k][:, None], ordered[k + 1][:, None]
        return np.asarray(np.where(values <= here, next_one, here), values.dtype)

    return np.asarray((without(low) + without(high)) / 2, values.dtype)


def scale(magnitude: F64, group: I64, floor: float) -> F64:
    """(N,) what magnitude is usual: the group's median, shrunk to the sequence's, above `floor`.

    A median of magnitudes ignores up to half of the group drifting; the floor keeps a group that
    agrees to the last digit from calling an invisible difference a drift.
    """
    seen = np.isfinite(magnitude)
    order = np.lexsort((np.where(seen, magnitude, np.nan), group))  # NaN comes last in its group
    first = np.flatnonzero(np.diff(group[order], prepend=-2))
    members = np.diff(first, append=len(order))
    size = np.add.reduceat(seen[order], first, dtype=np.int64) if len(first) else members
    ordered = magnitude[order]
    middle = (ordered[first + np.maximum(size - 1, 0) // 2] + ordered[first + size // 2]) / 2
    known = (group[order][first] >= 0) & (members >= MIN_GROUP) & (size > 0)
    pairs = zip(middle[known].tolist(), size[known].tolist(), strict=True)
    pooled = _weighted_median(list(pairs)) if known.any() else 0.0
    usual = (size * middle + _PRIOR * pooled) / (size + _PRIOR)
    out = np.empty(len(magnitude))
    out[order] = np.repeat(np.where(known, np.hypot(usual, floor), np.nan), members)
    return out


def _weighted_median(pairs: Sequence[tuple[float, int]]) -> float:
    ordered = sorted(pairs)
    half, total = sum(s for _, s in ordered) / 2, 0
    for value, size in ordered:
        total += size
        if total >= half:
            return value
    return ordered[-1][0]
