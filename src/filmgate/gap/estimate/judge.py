"""A model's labels, corrected by people's labels on some of the same items."""

from __future__ import annotations

import math
from typing import NamedTuple

from filmgate.gap.estimate.binomial import Interval, Z


def rogan_gladen(observed: float, says_good_of_good: float, says_good_of_bad: float) -> float:
    """The true share of good behind a judge's `observed` share (Rogan and Gladen 1978), in 0..1.

    (observed - fpr) / (tpr - fpr).

    Raises:
        ValueError: the judge does not tell good from bad (tpr <= fpr).
    """
    if says_good_of_good <= says_good_of_bad:
        raise ValueError("a judge that calls bad items good as often as good ones says nothing")
    share = (observed - says_good_of_bad) / (says_good_of_good - says_good_of_bad)
    return min(max(share, 0.0), 1.0)


class Agreement(NamedTuple):
    """Items that a judge and a person labelled: counts by (judge, person)."""

    good_good: int
    good_bad: int
    bad_good: int
    bad_bad: int

    @property
    def n(self) -> int:
        """Items."""
        return self.good_good + self.good_bad + self.bad_good + self.bad_bad


def rogan_gladen_interval(observed_good: int, observed: int, both: Agreement) -> Interval | None:
    """95 % interval of `rogan_gladen`, delta method over the three shares (Lang, Reiczigel 2014).

    Shares are taken half an observation away from 0 and 1. None where the judge's two rates are too
    close to tell them apart at all.
    """
    good, bad = both.good_good + both.bad_good, both.good_bad + both.bad_bad
    tpr, fpr = (both.good_good + 0.5) / (good + 1), (both.good_bad + 0.5) / (bad + 1)
    spread = tpr - fpr
    noise = tpr * (1 - tpr) / (good + 1) + fpr * (1 - fpr) / (bad + 1)
    if spread <= Z * math.sqrt(noise):
        return None
    share = (observed_good + 0.5) / (observed + 1)
    true = min(max((share - fpr) / spread, 0.0), 1.0)
    variance = (
        share * (1 - share) / (observed + 1)
        + true**2 * tpr * (1 - tpr) / (good + 1)
        + (1 - true) ** 2 * fpr * (1 - fpr) / (bad + 1)
    ) / spread**2
    half = Z * math.sqrt(variance)
    return Interval(max(true - half, 0.0), min(true + half, 1.0))


class Powered(NamedTuple):
    """A prediction-powered share: estimate, standard error, 95 % interval."""

    value: float
    se: float
    low: float
    high: float


def prediction_powered(judged_good: int, judged: int, both: Agreement) -> Powered:
    """The judge's share on items that only it saw, plus its mean error on those that people saw.

    Angelopoulos et al. (2023), for a mean: f̄_N + mean(y - f), with variance var(f)/N +
    var(y - f)/n.

    Args:
        judged_good, judged: items with the judge's label alone.
    """
    n = both.n
    error = (both.bad_good - both.good_bad) / n
    scatter = (both.bad_good + both.good_bad) / n - error**2
    if judged == 0:
        value = (both.good_good + both.bad_good) / n
        variance = value * (1 - value) / n
    else:
        share = judged_good / judged
        value, variance = share + error, share * (1 - share) / judged + scatter / n
    se = math.sqrt(max(variance, 0.0))
    value = min(max(value, 0.0), 1.0)
    return Powered(value, se, max(value - Z * se, 0.0), min(value + Z * se, 1.0))
