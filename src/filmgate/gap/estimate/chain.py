"""Steps in a row: the product of their yields with an interval, and the gap to what was seen.

With complete labels of the same traces the product of conditional yields *is* the end-to-end share:
it brings no extra precision. Intervals per step must not be multiplied: for 30 steps that never
failed in 100 runs, independent Jeffreys priors give a lower bound of .80, the shared prior .98.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

from filmgate.gap.estimate.binomial import Interval, Z
from filmgate.schema.gap import LEVEL


class Product(NamedTuple):
    """A product of yields: as counted, its posterior mean, and an interval."""

    value: float
    mean: float
    low: float
    high: float


def product(
    good: Sequence[float], n: Sequence[float], shared: bool = True, level: float = LEVEL
) -> Product:
    """Product of independent yields good_i / n_i with an equal-tailed credible interval.

    The posterior of step i is Beta(good_i + ½, bad_i + ½ / k): one half of a failure is shared by
    all k steps ("shared Jeffreys"). With `shared` false every step gets its own half, which is far
    too pessimistic for long chains and is here only to be compared with.

    The product of Beta variables is matched to a Beta by its first two moments (Fan 1991); against
    200,000 draws the quantiles differ by less than .001. With no failure at all the lower bound is
    the exact one of the shortest step, and with at most one the upper bound is 1, as
    `binomial.modified_jeffreys` does it.
    """
    from scipy.special import betaincinv

    k = len(n)
    first = second = 1.0
    for successes, runs in zip(good, n, strict=True):
        a, b = successes + 0.5, runs - successes + (0.5 / k if shared else 0.5)
        first *= a / (a + b)
        second *= a * (a + 1) / ((a + b) * (a + b + 1))
    size = (first - second) / (second - first * first)
    tail = (1 - level) / 2
    low = float(betaincinv(first * size, (1 - first) * size, tail))
    high = float(betaincinv(first * size, (1 - first) * size, 1 - tail))
    value = math.prod(s / m for s, m in zip(good, n, strict=True))
    # At 0 and 1 the posterior leaves out the value that was seen; the interval does not.
    return Product(value, first, min(low, value), max(high, value))


def closed(found: Product, failures: int, shortest: float, level: float = LEVEL) -> Product:
    """`found` with its ends put right where hardly anything failed in the whole chain."""
    low, high = found.low, found.high
    if failures == 0:
        low = ((1 - level) / 2) ** (1 / shortest)
    if failures <= 1 and shortest > 2:
        high = 1.0
    return found._replace(low=low, high=high)


def lindstrom_madden(good: Sequence[float], n: Sequence[float], level: float = LEVEL) -> float:
    """One-sided lower bound of a series' reliability, conservative (Lindström and Madden 1962).

    The chain is taken for one binomial with n = min n_i and a fractional number n·R̂ of successes;
    the bound is Clopper and Pearson's. Covers .966 and more in simulation.
    """
    from scipy.special import betaincinv

    fewest = min(n)
    successes = fewest * math.prod(s / m for s, m in zip(good, n, strict=True))
    if successes == 0:
        return 0.0
    return float(betaincinv(successes, fewest - successes + 1, 1 - level))


def delta_method(good: Sequence[float], n: Sequence[float], level: float = LEVEL) -> Interval:
    """Interval of the product by the delta method on its logarithm.

    Covers as little as .44 near 1; here only to be compared with, and inside `gap_test`, where the
    end-to-end share keeps it away from 1.
    """
    from scipy.special import ndtri

    value = math.prod(s / m for s, m in zip(good, n, strict=True))
    step = float(ndtri((1 + level) / 2)) * math.sqrt(_log_variance(good, n))
    return Interval(value * math.exp(-step), value * math.exp(step))


def _log_variance(good: Sequence[float], n: Sequence[float]) -> float:
    return math.fsum((1 - s / m) / s for s, m in zip(good, n, strict=True))


class GapTest(NamedTuple):
    """End to end against the product of solo yields.

    Attributes:
        log_gap: ln(end to end / product), below 0 where handoffs lose.
        se: its standard error.
        z, p: of no gap, two-sided.
        ratio, low, high: end to end / product with its 95 % interval.
    """

    log_gap: float
    se: float
    z: float
    p: float
    ratio: float
    low: float
    high: float


def gap_test(
    good: float, n: float, solo_good: Sequence[float], solo_n: Sequence[float]
) -> GapTest | None:
    """Is the end-to-end share good / n less than the solo yields promise? Delta method on logs.

    None where nothing succeeded, or nothing failed anywhere: the method has no error to go by.
    """
    if good == 0 or min(solo_good) == 0:
        return None
    variance = (1 - good / n) / good + _log_variance(solo_good, solo_n)
    if variance <= 0:
        return None
    promise = math.prod(s / m for s, m in zip(solo_good, solo_n, strict=True))
    gap, se = math.log(good / n / promise), math.sqrt(variance)
    z = gap / se
    ratio = math.exp(gap)
    return GapTest(
        gap, se, z, two_sided(z), ratio, ratio * math.exp(-Z * se), ratio * math.exp(Z * se)
    )


def two_sided(z: float) -> float:
    """Two-sided p-value of a standard normal."""
    return math.erfc(abs(z) / math.sqrt(2))


class Estimate(NamedTuple):
    """A value with its limits."""

    value: float
    low: float
    high: float


def ratio(of: Estimate, to: Estimate) -> Estimate:
    """Of / to for independent estimates, by MOVER (Donner and Zou 2012): from limits to limits.

    Unlike the delta method it stays right when a share is 1. `high` is infinite where `to` may
    be 0.
    """
    if to.value <= 0:
        raise ValueError("the ratio to nothing")
    cross = of.value * to.value

    def root(limit: float, other: float) -> float:
        product = limit * other * (2 * of.value - limit) * (2 * to.value - other)
        return math.sqrt(max(cross * cross - product, 0.0))

    below, above = to.high * (2 * to.value - to.high), to.low * (2 * to.value - to.low)
    low = (cross - root(of.low, to.high)) / below if below > 0 else 0.0
    high = (cross + root(of.high, to.low)) / above if above > 0 else math.inf
    return Estimate(of.value / to.value, max(low, 0.0), high)


def difference(of: Estimate, less: Estimate) -> Estimate:
    """Of - less for independent estimates, by MOVER (Zou and Donner 2008)."""
    value = of.value - less.value
    low = value - math.hypot(of.value - of.low, less.high - less.value)
    high = value + math.hypot(of.high - of.value, less.value - less.low)
    return Estimate(value, low, high)


class Decomposition(NamedTuple):
    """A gap and its parts, as shares; and the handoffs' efficiencies.

    Attributes:
        component_mean, solo_product, end_to_end: the three numbers.
        total, compounding, handoff: mean - end, mean - product, product - end.
        efficiency: p_i in the pipeline / p_i alone.
        log_share: sum ln h_i / ln(end to end), 0 where nothing is lost.
    """

    component_mean: float
    solo_product: float
    end_to_end: float
    total: float
    compounding: float
    handoff: float
    efficiency: tuple[float, ...]
    log_share: float


def decompose(
    solo: Sequence[float], in_pipeline: Sequence[float], end_to_end: float | None = None
) -> Decomposition:
    """The three numbers and what lies between them.

    Args:
        end_to_end: as observed; the product of `in_pipeline` where it is not given.
    """
    mean = math.fsum(solo) / len(solo)
    promise = math.prod(solo)
    outcome = math.prod(in_pipeline) if end_to_end is None else end_to_end
    efficiency = tuple(p / q for p, q in zip(in_pipeline, solo, strict=True))
    lost = math.fsum(math.log(h) for h in efficiency) if min(efficiency) > 0 else -math.inf
    whole = math.log(outcome) if outcome > 0 else -math.inf
    share = lost / whole if math.isfinite(whole) and whole != 0 else 0.0
    return Decomposition(
        mean, promise, outcome, mean - outcome, mean - promise, promise - outcome, efficiency, share
    )
