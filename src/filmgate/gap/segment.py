"""One verified segment: the steps since the last checkpoint, judged, tried again, given up.

An item is good or bad. With s = P(segment ends good), a verifier that flags bad items with
sensitivity r and good ones with false-alarm rate f, and at most m attempts:

    φ = s f + (1-s) r            an attempt is flagged
    S = (1-φ^m) / (1-φ)          expected attempts
    accepted good = s (1-f) S    accepted bad = (1-s)(1-r) S    exhausted = φ^m

A flag runs the whole segment again. After the last attempt the item passes as it is, goes to a
person (who makes it good with their accuracy, whatever its state), or is aborted.

Two things are not known from success rates and decide what a plan is worth:

* β, the share of a segment's failures that are sticky: every attempt fails and the verdict repeats.
  The class has weight w = β(1-s); the rest succeeds with s/(1-w), so that s stays what it was.
* δ, the detectability of inherited defects: a verifier sees a defect from before its segment with
  sensitivity δ r. Running the segment again does not repair it (but for `repair` of the steps).

Derived and checked against brute force and event simulation; the vectors of the tests are an
independent implementation's.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]


class Verified(NamedTuple):
    """What becomes of an item at one verified segment; probabilities sum to 1.

    Attributes:
        accept_good, accept_bad: accepted by the verifier, in truth good or bad.
        last_good, last_bad: flagged at every attempt; the state of the last one.
        attempts: expected attempts, 1..m.
    """

    accept_good: Array
    accept_bad: Array
    last_good: Array
    last_bad: Array
    attempts: Array

    @property
    def exhausted(self) -> Array:
        """Probability that all attempts are used up."""
        return self.last_good + self.last_bad

    @property
    def ppv(self) -> Array:
        """P(good | accepted): without sticky failures it does not depend on the attempts."""
        with np.errstate(invalid="ignore", divide="ignore"):
            return self.accept_good / (self.accept_good + self.accept_bad)


def verified(
    s: ArrayLike, r: ArrayLike, f: ArrayLike, attempts: ArrayLike, beta: float = 0.0
) -> Verified:
    """The outcome of a verified segment; the arguments broadcast.

    Args:
        s: P(an attempt ends good), 0..1.
        r: sensitivity P(flag | bad), 0..1.
        f: false-alarm rate P(flag | good), 0..1.
        attempts: at most so many, from 1.
        beta: share of the failures that are sticky, 0..1.
    """
    s, r, f = (np.asarray(v, dtype=np.float64) for v in (s, r, f))
    m = np.asarray(attempts, dtype=np.float64)
    sticky = beta * (1.0 - s)
    free = 1.0 - sticky
    if beta > 0:  # the rest succeeds more often, so that s stays what it was
        s = np.minimum(np.divide(s, free, out=np.zeros_like(free), where=free > 0), 1.0)
    good_flagged, bad_flagged = s * f, (1.0 - s) * r
    good_accepted, bad_accepted = s - good_flagged, (1.0 - s) - bad_flagged
    accepted = np.minimum(good_accepted + bad_accepted, 1.0)
    before_last = (good_flagged + bad_flagged) ** (m - 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        # (1-φ^m)/(1-φ) without cancellation where hardly anything is accepted.
        tries = np.where(accepted > 0, -np.expm1(m * np.log1p(-accepted)) / accepted, m)
    if beta == 0:
        return Verified(
            good_accepted * tries,
            bad_accepted * tries,
            good_flagged * before_last,
            bad_flagged * before_last,
            tries,
        )
    return Verified(
        free * good_accepted * tries,
        free * bad_accepted * tries + sticky * (1.0 - r),
        free * good_flagged * before_last,
        free * bad_flagged * before_last + sticky * r,
        free * tries + sticky * (1.0 - r + r * m),
    )


def ceiling(s: float, r: float, f: float) -> float:
    """P(good | accepted), which no number of attempts raises (arXiv 2411.17501): its PPV."""
    good, bad = s * (1 - f), (1 - s) * (1 - r)
    return good / (good + bad) if good + bad > 0 else 0.0


def helps(r: float, f: float) -> bool:
    """Whether a verifier's word is worth anything: r > f. At r = f it tells nothing."""
    return r > f


def reward(s: float, r: float, f: float, attempts: int, wrong_cost: float) -> float:
    """Expected reward of resampling: 1 for an accepted good item, -`wrong_cost` for a bad one.

    Nothing for an item that was never accepted. Negative where the first attempt's is: more
    attempts multiply a loss (arXiv 2411.17501, "false positives").
    """
    out = verified(s, r, f, attempts)
    return float(out.accept_good - wrong_cost * out.accept_bad)


def break_even_price(s: float, r: float, f: float, escape_cost: float, rework_cost: float) -> float:
    """The price above which one check of one attempt does not pay; negative: not even for nothing.

    v = (1-s) r (C_escape - C_rework) - s f C_rework.
    """
    return (1 - s) * r * (escape_cost - rework_cost) - s * f * rework_cost


class Spacing(NamedTuple):
    """How far apart perfect checks of equal steps should stand.

    Attributes:
        steps: the best real-valued distance L*.
        rule_of_thumb: sqrt(v/(c a)), Young's approximation.
        whole_steps: the best whole number.
        cost_per_step, cost_every: at that number, and with a check at every handoff.
    """

    steps: float
    rule_of_thumb: float
    whole_steps: int
    cost_per_step: float
    cost_every: float


def spacing(p: float, step_cost: float, check_cost: float) -> Spacing:
    """The best distance between perfect checks in a long row of equal steps.

    Minimises (cL + v)/(L p^L): L* = (-va + sqrt((va)² + 4cva))/(2ca), a = -ln p.

    Args:
        p: yield of a step, above 0 and below 1.
        step_cost, check_cost: c and v, above 0.
    """
    a = -math.log(p)
    v, c = check_cost, step_cost
    best = (-v * a + math.sqrt((v * a) ** 2 + 4 * c * v * a)) / (2 * c * a)

    def cost(length: int) -> float:
        return (c * length + v) / (length * p**length)

    whole = min((max(1, math.floor(best)), max(1, math.ceil(best))), key=cost)
    return Spacing(best, math.sqrt(v / (c * a)), whole, cost(whole), cost(1))


def retry_succeeds(mean: float, icc: float, attempts: int) -> float:
    """P(at least one of `attempts` succeeds) when items differ as Beta with this mean and ICC.

    1 - E[(1-p)^K]: on items that differ, retries help less than 1 - (1-p)^K says.
    """
    if icc in (0.0, 1.0):
        return float(1 - (1 - mean) ** (1 if icc else attempts))
    size = (1 - icc) / icc
    b = (1 - mean) * size
    return 1 - math.prod((b + i) / (size + i) for i in range(attempts))


def verified_mixed(alpha: float, beta: float, r: float, f: float, attempts: int) -> Verified:
    """`verified` for items whose s is Beta(alpha, beta) and the same at every attempt.

    φ is linear in s, so that E[s^i φ^j] is a sum of moments of the Beta: by Gauss-Jacobi
    quadrature, exact for polynomials of this degree.
    """
    from scipy.special import roots_sh_jacobi

    nodes, weights = roots_sh_jacobi(attempts + 2, alpha + beta - 1, alpha)
    weights = weights / weights.sum()
    return Verified(*(np.dot(weights, part) for part in verified(nodes, r, f, attempts)))
