"""Has it become worse? Tests that may be looked at after every item."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

Decision = Literal["held", "lost", "undecided"]


class Sprt(NamedTuple):
    """Wald's (1945) sequential probability ratio test of a yield p0 against a lower one p1.

    Attributes:
        per_failure, per_success: what one outcome adds to the log-likelihood ratio.
        lost_at, held_at: the bounds: above the first p1 is taken, below the second p0.
        items_if_held, items_if_lost: expected items until it decides (Wald's approximation).
    """

    per_failure: float
    per_success: float
    lost_at: float
    held_at: float
    items_if_held: float
    items_if_lost: float

    def run(self, outcomes: Iterable[bool]) -> tuple[Decision, int | None]:
        """The decision, and after how many outcomes it fell."""
        total = 0.0
        for count, good in enumerate(outcomes, 1):
            total += self.per_success if good else self.per_failure
            if total >= self.lost_at:
                return "lost", count
            if total <= self.held_at:
                return "held", count
        return "undecided", None


def sprt(p0: float, p1: float, alpha: float = 0.05, beta: float = 0.05) -> Sprt:
    """The test of "still p0" against "down to p1" (0 < p1 < p0 < 1).

    Args:
        alpha, beta: chance of calling a held yield lost, and a lost one held.
    """
    if not 0 < p1 < p0 < 1:
        raise ValueError(f"needs 0 < p1 < p0 < 1, not p0 = {p0} and p1 = {p1}")
    failure, success = math.log((1 - p1) / (1 - p0)), math.log(p1 / p0)
    lost, held = math.log((1 - beta) / alpha), math.log(beta / (1 - alpha))
    drift0 = (1 - p0) * failure + p0 * success
    drift1 = (1 - p1) * failure + p1 * success
    return Sprt(
        failure,
        success,
        lost,
        held,
        ((1 - alpha) * held + alpha * lost) / drift0,
        (beta * held + (1 - beta) * lost) / drift1,
    )


class Change(NamedTuple):
    """Evidence that the share of good changed somewhere in a sequence.

    Attributes:
        e_value: P(e >= 1/a) <= a without a change, at any time one looks (Ville).
        at: outcomes before the likeliest change.
    """

    e_value: float
    at: int


_PRIOR = 2.11
"""Not less than the sum over m >= 2 of 1/(m ln² m): the prior over change points sums to 1 or
less."""
_GRID = 1.2
"""Change points are tried at rising powers of this: every one costs evidence, near ones say the
same."""


def change(outcomes: Sequence[bool]) -> Change:
    """The e-value of one change at an unknown time against no change, and the likeliest time.

    Universal inference (Wasserman, Ramdas, Balakrishnan 2020): the probability that a mixture over
    change points gives the sequence (before and after it a Krichevsky-Trofimov mixture each, i.e.
    Beta(½, ½)), divided by the largest one that any constant share gives. The prior over change
    points, 1 / (2.11 m ln² m) for the m-th of the grid, does not depend on the length: the test may
    be read at any time. It is careful: of 3,000 traces at .957 the second half must fall to .90
    for it to speak in half of the cases.
    """
    import numpy as np
    from scipy.special import betaln, logsumexp, xlogy

    good = np.cumsum(np.asarray(outcomes, dtype=np.float64))
    n = len(good)
    if n < 2:
        return Change(1.0, 0)
    total = good[-1]
    before = np.arange(1, n)
    rest, kept = n - before, good[:-1]
    likelihood = (
        betaln(kept + 0.5, before - kept + 0.5)
        + betaln(total - kept + 0.5, rest - total + kept + 0.5)
        - 2 * betaln(0.5, 0.5)
    )
    steps = math.ceil(math.log(n) / math.log(_GRID)) + 1
    grid = np.unique(np.ceil(_GRID ** np.arange(steps)).astype(int))
    grid = grid[grid < n]
    m = np.arange(len(grid)) + 2.0
    weight = -np.log(_PRIOR) - np.log(m) - 2 * np.log(np.log(m))
    constant = xlogy(total, total / n) + xlogy(n - total, 1 - total / n)
    log_e = float(logsumexp(likelihood[grid - 1] + weight) - constant)
    return Change(math.exp(min(log_e, 700.0)), int(before[int(np.argmax(likelihood))]))
