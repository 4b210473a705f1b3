"""From counts to rates: each step's yield in the pipeline and alone, and the chain's."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from filmgate.gap.estimate import binomial, chain, clusters, first_failure
from filmgate.gap.estimate.first_failure import Observation
from filmgate.gap.observe import Observed, StepCount, Tries
from filmgate.gap.shape import Shape
from filmgate.gap.solo import Solo
from filmgate.schema.gap import Rate, Segment

RARE = 0.01
"""Ways through the pipeline that fewer traces than this went are left out of products."""
DRAWS = 4000
SELECTED = 0.01
"""Labels depend on the verdict when chance would do as much with this probability only."""
IGNORED = 0.02
"""Visits with a verdict that is rarer than this cannot move a yield by more; no label is asked of
them."""


def clustered(tries: Tries, reason: str) -> Rate:
    """The share of good in clusters, with an interval that knows of them."""
    pairs = list(tries)
    good = sum(s * tries[s, n] for s, n in pairs)
    total = sum(n * tries[s, n] for s, n in pairs)
    if total == 0 or max(n for _, n in pairs) == 1:
        return binomial.rate(good, total, reason=reason if total == 0 else "")
    found = clusters.clustered(
        [s for s, _ in pairs], [n for _, n in pairs], [tries[p] for p in pairs]
    )
    return binomial.rate(good, total, found.effective_n)


def split(tries: Tries, errors: int, tried: int, reason: str) -> Rate:
    """A share of good when `errors` of `tried` ended in an error and only some others are labelled.

    P(no error) P(good | no error). Errors are always known, labels are not: to pool them would
    count failures that were looked for by nobody.
    """
    without = clustered(tries, reason)
    if errors == 0 or without.value is None:
        if without.value is None and errors == tried and tried > 0:
            return binomial.rate(0, tried)
        return without
    worth = without.n if without.effective_n is None else without.effective_n
    found = chain.product([tried - errors, without.value * worth], [float(tried), float(worth)])
    return Rate(
        found.value, found.low, found.high, without.n + errors, without.good,
        method="share without error, times share good of those",
    )  # fmt: skip


def step_rate(step: str, observed: Observed) -> Rate:
    """The share of good output behind good input, from labelled visits.

    Labels must not depend on the verdict that followed: where they visibly do, visits that were
    flagged and visits that were passed are strata, and a stratum without labels is told.
    """
    counted = observed.steps.get(step, StepCount())
    reason = (
        "its input was never labelled good where its output was labelled"
        if counted.labelled
        else "no output of it was labelled"
    )
    strata = _looked(step, observed)
    tries = {v: observed.yields.get((step, v), Counter()) for v in strata}
    pooled = observed.pooled.get(step, Counter())
    total = sum(n for _, n in strata.values())
    if pooled and _selected(strata):
        rate = _over_strata(strata, tries, total)
        if rate.value is None or not counted.errors:
            return rate
    return split(pooled, counted.errors, counted.visits, reason)


def _looked(step: str, observed: Observed) -> dict[bool | None, tuple[int, int]]:
    """(labelled, all) visits by what the next verifier said."""
    return {v: _sum(observed.looked.get((step, v), Counter())) for v in (True, False, None)}


def _sum(tries: Tries) -> tuple[int, int]:
    """(labelled, all) over clusters."""
    return (
        sum(s * times for (s, _), times in tries.items()),
        sum(n * times for (_, n), times in tries.items()),
    )


def _selected(strata: Mapping[bool | None, tuple[int, int]]) -> bool:
    """Whether labels depend on the verdict: chi-square of labelled shares, p < .01."""
    from scipy.special import chdtrc

    total = sum(n for _, n in strata.values())
    kept = [(s, n) for s, n in strata.values() if n > IGNORED * total]
    labelled, seen = sum(s for s, _ in kept), sum(n for _, n in kept)
    if len(kept) < 2 or labelled in (0, seen):
        return False
    if any(s == 0 for s, _ in kept):
        return True
    share = labelled / seen
    distance = math.fsum((s - n * share) ** 2 / (n * share * (1 - share)) for s, n in kept)
    return float(chdtrc(len(kept) - 1, distance)) < SELECTED


def _over_strata(
    strata: Mapping[bool | None, tuple[int, int]], tries: Mapping[bool | None, Tries], total: int
) -> Rate:
    """Flagged and passed visits weighted as they occurred."""
    parts: list[tuple[float, Rate]] = []
    for verdict, (_, n) in strata.items():
        if n <= IGNORED * total:
            continue
        rate = clustered(tries[verdict], "")
        if rate.value is None:
            said = {True: "flagged", False: "passed", None: "said nothing of"}[verdict]
            return Rate(
                None, reason=f"labels depend on the verdict: none of the {n:,} visits that a "
                f"verifier {said} is labelled",
            )  # fmt: skip
        parts.append((n, rate))
    return stratified(parts, "strata of flagged and passed")


def stratified(parts: Sequence[tuple[float, Rate]], method: str) -> Rate:
    """A weighted mean of independent rates; half-lengths add in squares (Zou and Donner 2008)."""
    whole = math.fsum(w for w, _ in parts)
    value = below = above = 0.0
    for weight, rate in parts:
        if rate.value is None or rate.low is None or rate.high is None:
            raise ValueError("a rate that is not measured")
        w = weight / whole
        value += w * rate.value
        below += (w * (rate.value - rate.low)) ** 2
        above += (w * (rate.high - rate.value)) ** 2
    return Rate(
        value, max(value - math.sqrt(below), 0.0), min(value + math.sqrt(above), 1.0),
        sum(r.n for _, r in parts), sum(r.good for _, r in parts), method=method,
    )  # fmt: skip


def solo_rate(step: str, solo: Mapping[str, Solo]) -> Rate:
    """The share of good output of a step alone."""
    found = solo.get(step)
    if found is None:
        return Rate(None, reason="no solo runs")
    if found.n is None:
        return Rate(found.good, found.good, found.good, method="given as known")
    low, high = binomial.modified_jeffreys(found.good, found.n)
    return Rate(
        found.rate, low, high, round(found.n), round(found.good),
        method="Jeffreys (modified at the ends)",
    )  # fmt: skip


class Chain(NamedTuple):
    """In-pipeline yields: per step, per unidentified segment, and their product."""

    steps: dict[str, Rate]
    segments: tuple[Segment, ...]
    product: Rate
    repaired_runs: int


def in_pipeline(
    observed: Observed,
    shape: Shape,
    failures: tuple[list[Observation], int] | None,
    design_effect: float,
) -> Chain:
    """Yields of all work steps in the pipeline.

    A pure chain with partial labels is estimated by first failures; everything else from the visits
    whose input and output are both labelled.
    """
    work = shape.of("work")
    direct = {step: step_rate(step, observed) for step in shape.steps if step not in
              shape.of("verify")}  # fmt: skip
    # Labels that follow verdicts are not missing at random, as first failures need them to be.
    selected = any(_selected(_looked(step, observed)) for step in work)
    if failures is not None and not selected and _informative(failures[0], work):
        steps, segments, product = _by_first_failure(work, failures[0], design_effect)
        return Chain({**direct, **steps}, segments, product, failures[1])
    return Chain(direct, (), product_of(direct, shape), 0)


def _informative(observations: Sequence[Observation], work: Sequence[str]) -> bool:
    """Whether some run leaves open where it first broke, some run says anything at all, and the
    chain is long enough for the question.
    """
    lengths = {high - low for low, high, _ in observations}
    return len(work) > 1 and max(lengths, default=1) > 1 and min(lengths) <= len(work)


def _by_first_failure(
    work: list[str], observations: list[Observation], design_effect: float
) -> tuple[dict[str, Rate], tuple[Segment, ...], Rate]:
    found = first_failure.segments(observations, len(work))
    rates: dict[str, Rate] = {}
    segments: list[Segment] = []
    for segment in found:
        rate = _segment_rate(segment, design_effect)
        names = tuple(work[segment.first - 1 : segment.last])
        if len(names) == 1:
            rates[names[0]] = rate
        else:
            segments.append(Segment(names, rate))
            for name in names:
                rates[name] = Rate(None, reason=f"not identified: only the product of "
                                   f"{names[0]} to {names[-1]} is")  # fmt: skip
    rest = work[found[-1].last if found else 0 :]
    for name in rest:
        rates[name] = Rate(None, reason="not identified: no label says whether it was still good")
    chained = first_failure.whole(observations, len(work))
    if chained is None:
        reason = f"the end of the chain ({', '.join(rest)}) is not identified"
        return rates, tuple(segments), Rate(None, reason=reason)
    return rates, tuple(segments), _segment_rate(chained, design_effect)


def _segment_rate(segment: first_failure.Segment, design_effect: float) -> Rate:
    worth = max(segment.effective_n / design_effect, 1e-9)
    low, high = binomial.modified_jeffreys(segment.value * worth, worth)
    n = round(segment.at_risk)
    good = round(segment.at_risk * segment.value)
    return Rate(
        segment.value, low, 1.0 if n - good <= 1 else high, n, good, worth,
        "first-failure EM; counts are expected ones",
    )  # fmt: skip


def main_paths(shape: Shape) -> dict[tuple[str, ...], float]:
    """The ways through that are not rare, with their shares made to sum to 1."""
    kept = {path: share for path, share in shape.paths.items() if share >= RARE and path}
    total = math.fsum(kept.values())
    return {path: share / total for path, share in kept.items()}


def chain_steps(shape: Shape) -> list[str]:
    """Work steps on a way that is not rare, in order."""
    on_path = {step for path in main_paths(shape) for step in path}
    return [step for step in shape.of("work") if step in on_path]


def product_of(rates: Mapping[str, Rate], shape: Shape) -> Rate:
    """The product of the yields along each way through, weighted by how often it is gone."""
    steps = chain_steps(shape)
    if not steps:
        return Rate(None, reason="no step was seen")
    missing = [step for step in steps if rates[step].value is None]
    if missing:
        return Rate(None, reason=f"no yield of {_listed(missing)}")
    counted = {s: _worth(rates[s]) for s in steps}
    paths = main_paths(shape)
    failures = sum(rates[s].n - rates[s].good for s in steps if rates[s].n)
    if len(paths) > 1:
        return _over_paths(counted, paths)
    known = [s for s in steps if counted[s][1] == math.inf]
    fixed = math.prod(counted[s][0] for s in known)
    free = [counted[s] for s in steps if s not in known]
    if not free:
        return Rate(fixed, fixed, fixed, method="yields given as known")
    found = chain.product([p * n for p, n in free], [n for _, n in free])
    found = chain.closed(found, failures, min(n for _, n in free))
    scaled = found._replace(
        value=found.value * fixed, low=found.low * fixed, high=found.high * fixed
    )
    return _rate_of(scaled, "shared Jeffreys")


def _worth(rate: Rate) -> tuple[float, float]:
    """(value, observations it is worth); infinitely many of a rate that is known."""
    if rate.value is None:
        raise ValueError("a rate that is not measured")
    if rate.n == 0:
        return rate.value, math.inf
    return rate.value, rate.n if rate.effective_n is None else rate.effective_n


def _over_paths(
    counted: Mapping[str, tuple[float, float]], paths: Mapping[tuple[str, ...], float]
) -> Rate:
    import numpy as np

    draw = np.random.default_rng(0)
    half = 0.5 / len(counted)
    drawn = {
        step: np.full(DRAWS, p) if n == math.inf
        else draw.beta(p * n + 0.5, (1 - p) * n + half, DRAWS)
        for step, (p, n) in counted.items()
    }  # fmt: skip
    value = math.fsum(
        share * math.prod(counted[s][0] for s in path) for path, share in paths.items()
    )
    total = np.zeros(DRAWS)
    for path, share in paths.items():
        total += share * np.prod([drawn[s] for s in path], axis=0)
    low, high = np.quantile(total, [0.025, 0.975])
    return Rate(value, float(low), float(high), method=f"shared Jeffreys over {len(paths)} ways")


def _rate_of(product: chain.Product, method: str) -> Rate:
    return Rate(product.value, product.low, product.high, method=method)


def _listed(names: Sequence[str]) -> str:
    quoted = [f"'{n}'" for n in names]
    if len(quoted) > 4:
        return f"{', '.join(quoted[:3])} and {len(quoted) - 3} more"
    return " and ".join(quoted) if len(quoted) < 3 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"
