"""Repeats of one item are not independent: cluster-robust errors, design effect, correlation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Clustered(NamedTuple):
    """A share over clusters.

    Attributes:
        value: good over all observations.
        naive_se: as if observations were independent; `cluster_se` with clusters as units.
        design_effect: their ratio squared; None where nothing varies.
        effective_n: n / design effect, at least the number of clusters and at most n. The number
            of clusters where nothing varies: the careful reading.
    """

    value: float
    naive_se: float
    cluster_se: float
    design_effect: float | None
    effective_n: float


def clustered(
    good: Sequence[float], n: Sequence[float], times: Sequence[int] | None = None
) -> Clustered:
    """The share of good over clusters of n_i observations, good_i of them good.

    The variance is that of a ratio, C/(C-1) sum (good_i - p n_i)² / (sum n_i)² (Cochran 1977).

    Args:
        times: how many clusters there are of each; one by default.
    """
    each = [1] * len(n) if times is None else times
    total, clusters = math.fsum(m * k for m, k in zip(n, each, strict=True)), sum(each)
    p = math.fsum(s * k for s, k in zip(good, each, strict=True)) / total
    naive = p * (1 - p) / total
    if clusters < 2 or naive == 0:
        return Clustered(p, math.sqrt(naive), math.sqrt(naive), None, min(float(clusters), total))
    spread = math.fsum(k * (s - p * m) ** 2 for s, m, k in zip(good, n, each, strict=True))
    robust = spread * clusters / (clusters - 1) / total**2
    effect = robust / naive
    worth = min(max(total / effect, float(clusters)), total) if effect > 0 else total
    return Clustered(p, math.sqrt(naive), math.sqrt(robust), effect, worth)


def correlation(good: Sequence[float], n: Sequence[float]) -> float | None:
    """Intraclass correlation by analysis of variance; None where it cannot be had.

    (MSB - MSW) / (MSB + (n0 - 1) MSW) with n0 the mean cluster size less its variance over it.
    """
    total, clusters = math.fsum(n), len(n)
    if clusters < 2 or total <= clusters:
        return None
    p = math.fsum(good) / total
    between = math.fsum(m * (s / m - p) ** 2 for s, m in zip(good, n, strict=True))
    within = math.fsum(s * (m - s) / m for s, m in zip(good, n, strict=True))
    size = (total - math.fsum(m * m for m in n) / total) / (clusters - 1)
    msb, msw = between / (clusters - 1), within / (total - clusters)
    bottom = msb + (size - 1) * msw
    return (msb - msw) / bottom if bottom > 0 else None
