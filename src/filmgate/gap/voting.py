"""Asking several times and taking what wins: ahead by k, and majority of n."""

from __future__ import annotations

import math
from typing import NamedTuple


class Vote(NamedTuple):
    """One voted step: probability of the right answer, and the expected number of samples."""

    good: float
    samples: float


class Project(NamedTuple):
    """Every step voted with the smallest lead that reaches the target (MAKER's setting)."""

    lead: int
    good: float
    samples_per_step: float
    samples: float
    samples_at_most: float


def ahead(p: float, lead: int) -> Vote:
    """First to be ahead by `lead` votes: P = 1/(1+((1-p)/p)^k), E[N] = k(2P-1)/(2p-1).

    The gambler's ruin between two answers: wrong votes agree with one another, which is the worst
    case. p = 1/2 gives k² samples. Source: arXiv 2511.09030 (MAKER), checked by simulation.
    """
    if p in (0.0, 1.0):
        return Vote(p, float(lead))
    odds = (lead * (math.log1p(-p) - math.log(p))) if p != 0.5 else 0.0
    # Of the two forms of the logistic function the one whose exponential cannot overflow.
    good = 1 / (1 + math.exp(odds)) if odds < 0 else math.exp(-odds) / (1 + math.exp(-odds))
    # tanh keeps (2P-1)/(2p-1) exact where both are near 0.
    excess = -math.tanh(odds / 2)
    samples = float(lead * lead) if p == 0.5 else lead * excess / (2 * p - 1)
    return Vote(good, samples)


def majority(p: float, voters: int) -> float:
    """P(more than half of `voters`, an odd number, are right), each right with p."""
    needed = voters // 2 + 1
    return math.fsum(
        math.comb(voters, i) * p**i * (1 - p) ** (voters - i) for i in range(needed, voters + 1)
    )


def with_common_cause(p: float, lead: int, beta: float) -> Vote:
    """`ahead` when a share `beta` of the failures is sticky: then every sample fails alike.

    P = (1-w) P_k(p/(1-w)) with w = β(1-p), so that voting cannot pass the ceiling 1-w.
    """
    sticky = beta * (1 - p)
    if sticky >= 1:
        return Vote(0.0, float(lead))
    free = ahead(min(1.0, p / (1 - sticky)), lead)
    return Vote((1 - sticky) * free.good, (1 - sticky) * free.samples + sticky * lead)


def lead_needed(p: float, target: float, steps: int) -> int:
    """The smallest lead with which `steps` voted steps all succeed with probability `target`.

    k = ceil(ln(t^(-1/s) - 1) / ln((1-p)/p)). t^(-1/s) - 1 is taken by expm1, because it cancels
    to nothing for a million steps.

    Raises:
        ValueError: p <= 1/2, where voting never helps, or a target outside 0..1.
    """
    if not 0.5 < p <= 1 or not 0 < target < 1:
        raise ValueError("voting needs a yield above one half and a target between 0 and 1")
    if p == 1:
        return 1
    wanted = math.log(math.expm1(-math.log(target) / steps))
    return max(1, math.ceil(wanted / (math.log1p(-p) - math.log(p))))


def project(p: float, target: float, steps: int) -> Project:
    """`steps` equal steps, each voted with the smallest sufficient lead."""
    lead = lead_needed(p, target, steps)
    samples = ahead(p, lead).samples
    wrong = math.exp(lead * (math.log1p(-p) - math.log(p))) if p < 1 else 0.0
    return Project(
        lead,
        math.exp(-steps * math.log1p(wrong)),
        samples,
        samples * steps,
        steps * lead / (2 * p - 1),
    )
