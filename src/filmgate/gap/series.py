"""A row of steps without verification: what the product of yields says, and what it leaves out.

The product is a baseline, not a measurement (see `docs/gap_plan.md`): it assumes that steps fail
independently of one another and of the item.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Series(NamedTuple):
    """Steps in a row, all needed.

    Attributes:
        good: probability that all succeed, R = prod p_i (rolled throughput yield).
        lost: p̄ - R, what compounding takes from the mean step, 0..1.
        defects_per_unit: -ln R, the expected defects of one item if they are Poisson.
        normalised: R^(1/n), the yield of the mean step (geometric mean).
        sigma_long, sigma_short: Φ⁻¹(R) and the same plus the conventional shift of 1.5.
    """

    good: float
    lost: float
    defects_per_unit: float
    normalised: float
    sigma_long: float
    sigma_short: float


def series(yields: Sequence[float]) -> Series:
    """What the product says of steps with these yields (each in 0..1, at least one)."""
    from scipy.special import ndtri

    good = math.prod(yields)
    sigma = float(ndtri(good))
    return Series(
        good,
        math.fsum(yields) / len(yields) - good,
        -math.log(good) if good > 0 else math.inf,
        good ** (1 / len(yields)),
        sigma,
        sigma + 1.5,
    )


def yield_needed(target: float, steps: int) -> float:
    """The yield every one of `steps` equal steps needs for `target` at the end: target^(1/n)."""
    return math.exp(math.log(target) / steps)


def importance(yields: Sequence[float]) -> list[float]:
    """dR/dp_i of each step (Birnbaum 1969): the gain at the end per gain at the step."""
    return [math.prod(p for j, p in enumerate(yields) if j != i) for i in range(len(yields))]


def share_of_loss(yields: Sequence[float]) -> list[float]:
    """The part of the (log) loss each step is to blame for, ln p_i / ln R; sums to 1.

    Steps that lose nothing have no share; where nothing is lost all shares are 0.
    """
    logs = [math.log(p) for p in yields]
    total = math.fsum(logs)
    return [0.0 if total == 0 else value / total for value in logs]


def shared_difficulty(mean: float, icc: float, steps: int) -> float:
    """P(all of `steps` succeed) when an item's difficulty is common to its steps.

    Yields vary between items as Beta(α, β) with the given mean and intraclass correlation
    icc = 1/(α+β+1); R = E[p^n] = prod (α+i)/(α+β+i). icc = 0 is the product.
    """
    if icc == 0:
        return math.pow(mean, steps)
    if icc == 1:
        return mean
    size = (1 - icc) / icc
    a = mean * size
    return math.prod((a + i) / (size + i) for i in range(steps))


def horizon(half_life: float, reliability: float) -> float:
    """How long a task may be for `reliability`, at a constant hazard with this half-life.

    T_p = T_50 ln(1/p) / ln 2 (Ord, "half-life" reading of METR's horizons); any unit of time.
    """
    return half_life * math.log(1 / reliability) / math.log(2)
