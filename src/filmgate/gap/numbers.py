"""The three numbers and what lies between them: compounding, coordination, each handoff."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from filmgate.gap import yields
from filmgate.gap.estimate import chain, power
from filmgate.gap.estimate.binomial import Z
from filmgate.gap.estimate.chain import Estimate
from filmgate.gap.observe import Observed
from filmgate.gap.shape import Shape
from filmgate.gap.solo import Solo
from filmgate.schema.gap import (
    Difference,
    HandoffReport,
    Holding,
    Parts,
    Rate,
    ThreeNumbers,
)

HOLDS_FROM = 0.98
"""A handoff holds when the whole interval of its efficiency lies from here on."""
SIGNIFICANCE = 0.05
NO_SOLO = "no solo runs of the steps (--solo)"


class Numbers(NamedTuple):
    """The three numbers and their parts."""

    three: ThreeNumbers
    parts: Parts


def end_to_end(observed: Observed, traces: int) -> Rate:
    """The observed share of runs that came out right; a crash is no good output.

    Where not all runs are labelled, those that a person handled are a stratum of their own: people
    see what was flagged, so labels of theirs say nothing of the runs that nobody looked at.
    """
    if observed.labelled == 0 and observed.crashes < traces:
        return Rate(None, reason="no run has an outcome label")
    if observed.crashes + observed.labelled == traces:
        return yields.clustered(observed.with_crashes, "")
    parts: list[tuple[float, Rate]] = [(observed.crashes / traces, Rate(0.0, 0.0, 0.0))]
    for helped, runs in observed.runs.items():
        found = yields.clustered(observed.ends.get(helped, Counter()), "")
        if found.value is None and runs:
            who = "a person handled" if helped else "no person handled"
            return Rate(None, reason=f"none of the {runs:,} runs that {who} has an outcome label")
        if runs:
            parts.append((runs / traces, found))
    if len(parts) == 2 and observed.crashes == 0:
        return parts[1][1]
    return yields.stratified(parts, "strata: crashed, handled by a person, neither")


def numbers(
    steps: Sequence[str], solo: Mapping[str, Solo], shape: Shape, end: Rate, inside: Rate
) -> Numbers:
    """The three numbers, and the gap between them in parts.

    Args:
        steps: work steps of the chain.
        end, inside: end to end; product of the in-pipeline yields.
    """
    rates = {step: yields.solo_rate(step, solo) for step in steps}
    missing = [step for step in steps if rates[step].value is None]
    if not steps or missing:
        some = f"no solo runs of {', '.join(missing)}" if solo else NO_SOLO
        unknown = Rate(None, reason=some if steps else "no step was seen")
        nothing = Difference(None, reason=unknown.reason)
        parts = Parts(nothing, nothing, nothing, nothing, recovered(end, inside))
        return Numbers(ThreeNumbers(unknown, unknown, end), parts)
    mean, product = component_mean(list(rates.values())), yields.product_of(rates, shape)
    counted = [solo[s] for s in steps if solo[s].n is not None]
    guarantee = (
        chain.lindstrom_madden([s.good for s in counted], [s.n or 0.0 for s in counted])
        * math.prod(solo[s].good for s in steps if solo[s].n is None)
        if counted
        else None
    )
    three = ThreeNumbers(mean, product, end, guarantee)
    promise = [rates[s].value or 0.0 for s in steps]
    pure = not shape.of("verify") and not shape.of("human")
    return Numbers(three, _parts(three, inside, rates, promise, pure))


def component_mean(rates: Sequence[Rate]) -> Rate:
    """The mean of independent rates."""
    return yields.stratified([(1.0, rate) for rate in rates], "mean over steps, MOVER")


def _estimate(rate: Rate) -> Estimate:
    if rate.value is None or rate.low is None or rate.high is None:
        raise ValueError("a rate that is not measured")
    return Estimate(rate.value, rate.low, rate.high)


def _parts(
    three: ThreeNumbers,
    inside: Rate,
    rates: Mapping[str, Rate],
    promise: list[float],
    pure: bool,
) -> Parts:
    end, product = three.end_to_end, three.solo_product
    log_share = None
    if pure and end.value and inside.value and product.value and end.value < 1:
        log_share = math.log(inside.value / product.value) / math.log(end.value)
    return Parts(
        _less(three.component_mean, end),
        _compounding(list(rates.values()), three),
        _tested(product, end, list(rates.values()), promise),
        _tested(product, inside, list(rates.values()), promise),
        recovered(end, inside),
        log_share,
    )


def recovered(end: Rate, inside: Rate) -> Difference:
    """What comes back between the product of in-pipeline yields and the end.

    Both come from the same traces, so the interval, which takes them for independent, is wide.
    """
    return _less(end, inside)


def _less(of: Rate, less: Rate) -> Difference:
    for rate in (of, less):
        if rate.value is None:
            return Difference(None, reason=rate.reason)
    return Difference(*chain.difference(_estimate(of), _estimate(less)))


def _compounding(rates: list[Rate], three: ThreeNumbers) -> Difference:
    """Component mean less product, both of the same solo runs: delta method on their difference."""
    if three.component_mean.value is None or three.solo_product.value is None:
        return Difference(None, reason=three.solo_product.reason)
    k, product = len(rates), three.solo_product.value
    variance = 0.0
    for rate in rates:
        if rate.n == 0 or rate.value is None:
            continue
        worth = rate.effective_n or rate.n
        p = (rate.value * worth + 0.5) / (worth + 1)
        variance += (1 / k - product / p) ** 2 * p * (1 - p) / (worth + 1)
    value = three.component_mean.value - product
    half = Z * math.sqrt(variance)
    return Difference(value, value - half, value + half)


def _tested(product: Rate, against: Rate, solo: list[Rate], promise: list[float]) -> Difference:
    """Product of solo yields less another share, with a test and the traces it would take."""
    found = _less(product, against)
    if found.value is None:
        return found
    p_value = None
    test = _log_gap(against, solo)
    if test is not None:
        p_value = chain.two_sided(test)
    needed = None
    if 0 < found.value < math.prod(promise) and found.value > 1e-9:
        effect = against.n / against.effective_n if against.effective_n else 1.0
        needed = power.traces_needed(found.value, promise, design_effect=max(effect, 1.0)).solo_same
    return Difference(found.value, found.low, found.high, p_value, needed)


def _log_gap(against: Rate, solo: list[Rate]) -> float | None:
    """Z of the log-ratio test, on shares half an observation away from 1."""
    if against.value is None or against.value == 0:
        return None
    if against.n:
        variance = _log_variance(against)
        value = against.value
    elif against.low and against.high:
        # A product of rates: its own interval says how sure it is.
        variance = ((math.log(against.high) - math.log(against.low)) / (2 * Z)) ** 2
        value = against.value
    else:
        return None
    counted = [r for r in solo if r.n]
    variance += math.fsum(_log_variance(r) for r in counted)
    promise = math.prod(r.value or 0.0 for r in solo)
    if variance <= 0 or promise <= 0:
        return None
    return math.log(value / promise) / math.sqrt(variance)


def _log_variance(rate: Rate) -> float:
    worth = rate.effective_n or rate.n
    p = ((rate.value or 0.0) * worth + 0.5) / (worth + 1) if rate.good == rate.n else rate.value
    return (1 - (p or 0.0)) / ((p or 1.0) * worth) if p else 0.0


def handoffs(
    observed: Observed, shape: Shape, solo: Mapping[str, Solo], inside: Mapping[str, Rate]
) -> tuple[HandoffReport, ...]:
    """Every edge with its efficiency; which ones lose is decided over all of them (Holm 1979).

    Args:
        inside: in-pipeline yields by step: that of an edge where it is the only one to its target.
    """
    edges = sorted(
        observed.crossings, key=lambda e: (shape.rank[e[0]], shape.rank[e[1]], e)
    )  # fmt: skip
    targets = Counter(target for _, target in edges)
    found = []
    for source, target in edges:
        tries = observed.handoffs.get((source, target), Counter())
        rate = yields.clustered(tries, "no crossing has good input and a labelled output")
        if targets[target] == 1 and shape.kinds[target] == "work":
            rate = inside[target]
        found.append(efficiency(rate, yields.solo_rate(target, solo)))
    lost = holm([d.p_value for d in found])
    return tuple(
        HandoffReport(source, target, observed.crossings[source, target], each, _word(each, sure))
        for (source, target), each, sure in zip(edges, found, lost, strict=True)
    )


def efficiency(inside: Rate, solo: Rate) -> Difference:
    """H = yield behind the handoff / yield alone, with its interval and test."""
    for rate in (inside, solo):
        if rate.value is None:
            return Difference(None, reason=rate.reason)
    if not solo.value:
        return Difference(None, reason="it never succeeds alone")
    value, low, high = chain.ratio(_estimate(inside), _estimate(solo))
    z = _log_gap(inside, [solo])
    needed = None
    loss = (solo.value or 0.0) - (inside.value or 0.0)
    if 0 < loss < solo.value:
        needed = power.traces_needed(loss, [solo.value]).solo_same
    return Difference(
        value, low, high if math.isfinite(high) else None,
        None if z is None else chain.two_sided(z), needed,
    )  # fmt: skip


def holm(p_values: Sequence[float | None], significance: float = SIGNIFICANCE) -> list[bool]:
    """Which of several tests hold at `significance` over all of them (Holm 1979)."""
    known = sorted((p, i) for i, p in enumerate(p_values) if p is not None)
    out = [False] * len(p_values)
    for rank, (p, i) in enumerate(known):
        if p > significance / (len(known) - rank):
            break
        out[i] = True
    return out


def _word(found: Difference, sure: bool) -> Holding:
    if found.value is None or found.low is None:
        return "not measured"
    if sure:
        return "loses" if found.value < 1 else "repairs"
    return "holds" if found.low >= HOLDS_FROM else "cannot tell"
