"""The parts of a report beside its numbers: verifiers, repeats, judges, drift, load."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from filmgate.gap import yields
from filmgate.gap.estimate import binomial, chain, clusters, drift, judge, repeats, verifier
from filmgate.gap.estimate.chain import Estimate
from filmgate.gap.observe import Observed
from filmgate.gap.shape import Shape
from filmgate.gap.tally import Pattern, Tally
from filmgate.schema.gap import (
    Difference,
    DriftReport,
    Fallback,
    JudgeReport,
    Load,
    Rate,
    Repeats,
    Stratum,
    VerifierReport,
    VerifierWord,
)

EVIDENCE = 20.0
"""An e-value from here on is told: P(e >= 20) <= .05 without a change."""
FEWEST_FOR_DRIFT = 20
FEWEST_REPEATED = 2
"""Items with repeats, below which nothing is said of clusters."""


def verifiers(observed: Observed, shape: Shape) -> tuple[VerifierReport, ...]:
    """Every verification node, measured where audits allow."""
    out = []
    previous = -1
    for step in shape.of("verify"):
        rank = shape.rank[step]
        checks = tuple(s for s in shape.of("work") if previous < shape.rank[s] < rank)
        previous = rank
        out.append(_verifier(step, checks, observed))
    return tuple(out)


def _verifier(step: str, checks: tuple[str, ...], observed: Observed) -> VerifierReport:
    audit = observed.audits.get(step, verifier.Audit(0, 0, 0, 0, 0, 0))
    visits = observed.steps[step].visits
    if audit.flagged + audit.passed == 0:
        unknown = Rate(None, reason="the traces do not say what it flagged")
        found = verifier.Operating(unknown, unknown, unknown)
    else:
        found = verifier.operating(audit)
    word, reason = _helps(found)
    return VerifierReport(
        step,
        checks,
        visits,
        audit.flagged,
        audit.flagged_bad + audit.flagged_good,
        audit.passed_bad + audit.passed_good,
        found.sensitivity,
        found.false_alarms,
        found.passed_good,
        _detectability(step, observed),
        observed.attempts.get(step, 0),
        _fallback(observed.fallbacks.get(step, Counter())),
        word,
        reason,
    )


def _helps(found: verifier.Operating) -> tuple[VerifierWord, str]:
    r, f = found.sensitivity, found.false_alarms
    if r.value is None or f.value is None:
        return "not measured", f"{r.reason or f.reason}: it may catch everything or nothing"
    if r.low is None or r.high is None or f.low is None or f.high is None:
        return "not measured", "no interval"
    if r.value <= f.value:
        sure = "" if r.high <= f.low else ", though the intervals overlap"
        return "harmful", f"it flags good work at least as often as bad (r <= f){sure}"
    if r.low > f.high:
        return "helps", "it flags bad work more often than good"
    return "cannot tell", "the intervals of r and f overlap"


def _detectability(step: str, observed: Observed) -> Difference:
    """δ = r(inherited defects) / r(own defects)."""
    own = yields.clustered(observed.own.get(step, Counter()), "no defect of its own was audited")
    old = yields.clustered(
        observed.inherited.get(step, Counter()), "no inherited defect was audited"
    )
    for rate in (own, old):
        if rate.value is None or rate.low is None or rate.high is None:
            return Difference(None, reason=rate.reason)
    assert old.value is not None
    assert own.value is not None
    if own.value == 0:
        return Difference(None, reason="it caught no defect of its own")
    value, low, high = chain.ratio(
        Estimate(old.value, old.low or 0.0, old.high or 1.0),
        Estimate(own.value, own.low or 0.0, own.high or 1.0),
    )
    return Difference(value, low, high if math.isfinite(high) else None)


def _fallback(seen: Counter[str]) -> Fallback:
    found: dict[str, Fallback] = {"pass": "pass", "human": "human", "abort": "abort"}
    return found[seen.most_common(1)[0][0]] if seen else "unknown"


def repeated(tally: Tally, patterns: Sequence[Pattern]) -> Repeats | None:
    """What items with several labelled runs say; None where there are too few of them.

    Args:
        patterns: as settled by `observe.settled`, in the tally's order.
    """
    runs = [
        [outcome for n in numbers if (outcome := _outcome(patterns[n])) is not None]
        for numbers in tally.items.values()
    ]
    several = sorted(len(r) for r in runs if len(r) > 1)
    if len(several) < FEWEST_REPEATED:
        return None
    trials = several[(len(several) - 1) // 2]
    full = [r for r in runs if len(r) >= trials]
    good, n = [sum(r) for r in full], [len(r) for r in full]
    histogram = Counter(sum(r[:trials]) for r in full)
    labelled = [r for r in runs if r]
    whole = clusters.clustered([sum(r) for r in labelled], [len(r) for r in labelled])
    model = repeats.beta_binomial(good, n)
    share = sum(good) / sum(n)
    return Repeats(
        len(full),
        sum(n),
        trials,
        tuple(histogram[c] for c in range(trials + 1)),
        tuple(_over_items([repeats.pass_hat(s, m, k) for s, m in zip(good, n, strict=True)], n)
              for k in range(1, trials + 1)),
        tuple(_over_items([repeats.pass_at(s, m, k) for s, m in zip(good, n, strict=True)], n)
              for k in range(1, trials + 1)),
        tuple(share**k for k in range(1, trials + 1)),
        model.alpha if model else None,
        model.beta if model else None,
        model.icc if model else None,
        clusters.correlation(good, n),
        model.likelihood_ratio if model else None,
        model.p_value if model else None,
        whole.design_effect,
        whole.cluster_se,
        whole.naive_se,
    )  # fmt: skip


def _outcome(pattern: Pattern) -> bool | None:
    return False if pattern.crashed else pattern.outcome


def _over_items(values: list[float], n: list[int]) -> Rate:
    """The mean over items, with items as the units."""
    count = len(values)
    value = math.fsum(values) / count
    spread = math.fsum((v - value) ** 2 for v in values) / (count - 1) / count
    worth = value * (1 - value) / spread if spread > 0 else count
    worth = min(max(worth, 1.0), float(sum(n)))
    low, high = binomial.modified_jeffreys(value * worth, worth)
    return Rate(value, low, high, count, effective_n=worth, method="items as units, Jeffreys")


def judged(patterns: Sequence[Pattern], counts: Sequence[int]) -> JudgeReport | None:
    """A model's labels against people's; None where no model gave any."""
    both: Counter[tuple[bool, bool]] = Counter()
    alone: Counter[bool] = Counter()
    for pattern, count in zip(patterns, counts, strict=True):
        if pattern.judged is None:
            continue
        if pattern.outcome is None:
            alone[pattern.judged] += count
        else:
            both[pattern.judged, pattern.outcome] += count
    total = alone.total() + both.total()
    if total == 0:
        return None
    table = judge.Agreement(
        both[True, True], both[True, False], both[False, True], both[False, False]
    )
    says_good = alone[True] + table.good_good + table.good_bad
    good, bad = table.good_good + table.bad_good, table.good_bad + table.bad_bad
    nobody = "nobody labelled items that the judge labelled"
    tpr = binomial.rate(table.good_good, good, reason=nobody if good == 0 else "")
    fpr = binomial.rate(
        table.good_bad, bad, reason="no bad item is among those that people labelled"
    )
    raw = binomial.rate(says_good, total)
    corrected = _corrected(says_good, total, table, tpr, fpr)
    powered = Rate(None, reason=nobody)
    if table.n:
        found = judge.prediction_powered(alone[True], alone.total(), table)
        powered = Rate(found.value, found.low, found.high, total, method="prediction-powered")
    return JudgeReport(total, table.n, raw, tpr, fpr, corrected, powered)


def _corrected(says_good: int, total: int, table: judge.Agreement, tpr: Rate, fpr: Rate) -> Rate:
    if tpr.value is None or fpr.value is None:
        return Rate(None, reason=tpr.reason if tpr.value is None else fpr.reason)
    limits = judge.rogan_gladen_interval(says_good, total, table)
    if limits is None or tpr.value <= fpr.value:
        return Rate(None, reason="the judge is not known to tell good from bad")
    value = judge.rogan_gladen(says_good / total, tpr.value, fpr.value)
    return Rate(value, limits.low, limits.high, total, says_good, method="Rogan-Gladen")


def drifting(tally: Tally, was: float | None, loss: float) -> DriftReport | None:
    """Whether the end-to-end share moved; None where no labelled run has a start time.

    Args:
        was: the share it used to have, to be tested against `was` - `loss`.
    """
    moments = sorted(tally.moments)
    if not moments:
        return None
    outcomes = [good for _, good in moments]
    report = DriftReport(len(moments), None)
    if len(outcomes) >= FEWEST_FOR_DRIFT:
        found = drift.change(outcomes)
        report = DriftReport(len(moments), found.e_value)
        if found.e_value >= EVIDENCE:
            before, after = outcomes[: found.at], outcomes[found.at :]
            report = DriftReport(
                len(moments), found.e_value, iso(moments[found.at][0]),
                binomial.rate(sum(before), len(before)), binomial.rate(sum(after), len(after)),
            )  # fmt: skip
    if was is None:
        return report
    word, after_n = drift.sprt(was, was - loss).run(outcomes)
    return DriftReport(
        report.traces,
        report.evidence,
        report.changed_at,
        report.before,
        report.after,
        word,
        after_n,
    )


def iso(seconds: float | None) -> str:
    """The time in ISO 8601, UTC; "" of none."""
    if seconds is None:
        return ""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (ValueError, OverflowError, OSError):
        return ""


def load(tally: Tally, observed: Observed, end: Rate) -> Load:
    """What a run costs, and how often a person had to help."""
    visits = sum(c.visits for c in observed.steps.values())
    cost = tally.item_cost.value
    return Load(
        binomial.rate(observed.people, tally.traces),
        visits / tally.traces,
        cost,
        cost / end.value if cost is not None and end.value else None,
        tally.item_time.value,
    )


def strata(counted: Mapping[tuple[str, str], list[int]]) -> tuple[Stratum, ...]:
    """End to end by the traits of runs, numbers in their order."""

    def place(key: tuple[str, str]) -> tuple[str, float, str]:
        trait, value = key
        return trait, float(value) if value.isdecimal() else math.inf, value

    return tuple(
        Stratum(trait, value, binomial.rate(counted[trait, value][0], counted[trait, value][1]))
        for trait, value in sorted(counted, key=place)
    )
