"""Whom to ask: thresholds on a score that bound what is accepted and wrong.

A budget ("people see 3 %") and a guarantee are different things: 3 % of the items can hold at most
3/16.7 = 18 % of the errors of a chain that loses 16.7 points, and a real score finds fewer.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


class Threshold(NamedTuple):
    """Accept what scores at least `score`; infinite where nothing may be accepted.

    Attributes:
        accepted_wrong: share of all calibration items that are accepted and wrong.
        escalated: share of them that a person would see.
    """

    score: float
    accepted_wrong: float
    escalated: float


def conformal(scores: Sequence[float], wrong: Sequence[bool], risk: float) -> Threshold:
    """The lowest threshold whose *mean* P(accepted and wrong) is at most `risk`.

    Conformal risk control (Angelopoulos et al. 2024): (wrong accepted + 1) / (n + 1) <= risk. The
    bound holds on average over calibrations: a single one exceeds it about one time in three
    (37.5 % of calibrations of 500 in simulation). Where every calibration must hold, use `tested`.
    """
    n = len(scores)
    best = Threshold(math.inf, 0.0, 1.0)
    for accepted, errors, score in _from_the_top(scores, wrong):
        if (errors + 1) / (n + 1) > risk + 1e-12:
            break
        best = Threshold(score, errors / n, 1 - accepted / n)
    return best


class Tested(NamedTuple):
    """A threshold whose share wrong among the accepted is at most the risk, with confidence.

    Attributes:
        score: accept from here; accepted, wrong: calibration items it lets through; p: of the test.
    """

    score: float
    accepted: int
    wrong: int
    p: float


def tested(
    scores: Sequence[float], wrong: Sequence[bool], risk: float, error: float
) -> Tested | None:
    """The lowest threshold with P(wrong | accepted) <= `risk`, but for a chance of `error`.

    Learn then test (Angelopoulos et al. 2021): exact binomial tests in the fixed order of falling
    thresholds, from the first that could pass at all (n0 with (1 - risk)^n0 <= error) until one
    fails. None where the first one fails: nothing meets the target.
    """
    least = math.ceil(math.log(error) / math.log1p(-risk) - 1e-9)
    best = None
    for accepted, errors, score in _from_the_top(scores, wrong):
        if accepted < least:
            continue
        p = _at_most(errors, accepted, risk)
        if p > error:
            break
        best = Tested(score, accepted, errors, p)
    return best


def _from_the_top(scores: Sequence[float], wrong: Sequence[bool]) -> list[tuple[int, int, float]]:
    """(accepted, wrong among them, score) of every threshold, highest first; ties pass together."""
    pairs = sorted(zip(scores, wrong, strict=True), key=lambda pair: -pair[0])
    rows: list[tuple[int, int, float]] = []
    errors = 0
    for position, (score, bad) in enumerate(pairs, 1):
        errors += bool(bad)
        if position == len(pairs) or pairs[position][0] != score:
            rows.append((position, errors, score))
    return rows


def _at_most(count: int, n: int, p: float) -> float:
    """P(Binomial(n, p) <= count)."""
    return math.fsum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(count + 1))


class Budget(NamedTuple):
    """What escalating a share of the items can do.

    Attributes:
        caught: share of the errors among what is escalated.
        residual: wrong and not escalated, of all items.
        residual_accepted: wrong among what is not escalated.
        precision: wrong among what is escalated.
    """

    caught: float
    residual: float
    residual_accepted: float
    precision: float


def budget(base_error: float, auc: float, escalated: float) -> Budget:
    """Escalating the worst `escalated` share by a score with this AUC (binormal, equal spread).

    The scores of wrong items are Normal(√2 Φ⁻¹(AUC), 1) against Normal(0, 1) of good ones.
    """
    from scipy.special import ndtr, ndtri

    apart = math.sqrt(2) * float(ndtri(auc))

    def above(threshold: float) -> float:
        wrong, good = float(ndtr(apart - threshold)), float(ndtr(-threshold))
        return base_error * wrong + (1 - base_error) * good

    low, high = -40.0, 40.0 + apart
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if above(middle) > escalated else (low, middle)
    caught = float(ndtr(apart - (low + high) / 2))
    left = base_error * (1 - caught)
    return Budget(caught, left, left / (1 - escalated), base_error * caught / escalated)
