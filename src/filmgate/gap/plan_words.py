"""What a plan says in sentences, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Iterator

from filmgate.gap.pipeline import Pipeline
from filmgate.schema.gap_plan import OutcomeReport, PlanReport, ScenarioReport

SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£"}


def money(value: float, unit: str) -> str:
    """A cost with its unit: "$1,234", "$0.28", "8.58 units"."""
    size = abs(value)
    if size >= 1000:
        text = f"{size:,.0f}"
    elif size >= 0.1 or size == 0:
        text = f"{size:,.2f}"
    else:
        text = f"{size:.3g}"
    sign = "−" if value < 0 and float(text.replace(",", "")) != 0 else ""
    symbol = SYMBOLS.get(unit.lower())
    return f"{sign}{symbol}{text}" if symbol else f"{sign}{text} {unit}"


def percent(share: float) -> str:
    """A share: "99.1 %", with as many digits as tell it from 0 and from 100."""
    digits = 1
    while digits < 6 and 0 < min(share, 1 - share) < 0.5 * 10.0 ** (-digits - 1):
        digits += 1
    text = f"{100 * share:.{digits}f}".rstrip("0")
    return f"{text}0 %" if text.endswith(".") else f"{text} %"


def count(n: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 node", "7 nodes"."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def told(report: PlanReport) -> Iterator[str]:
    """What follows from a plan."""
    yield _answer(report)
    yield _certainty(report)
    yield from _saving(report)
    yield _rests(report)
    yield from _people(report.plan, report.bare)


def _answer(report: PlanReport) -> str:
    unit, plan = report.unit, report.plan
    nodes = sum(bool(step.node) for step in report.steps)
    share = f"{percent(plan.good)} good at {money(plan.cost, unit)} an item"
    if plan.human > 0:
        share += f", {100 * plan.human:.1f} visits to people per 100 items"
    where = f"{count(nodes, 'node')} at {count(len(report.steps), 'handoff')}"
    if report.aim == "target" and not report.met:
        return (
            f"{percent(report.asked)} cannot be reached with these verifiers and people: the most "
            f"reliable plan has {share} ({where})."
        )
    if report.aim == "budget" and not report.met:
        return (
            f"{money(report.asked, unit)} an item is not enough: the bare run costs "
            f"{money(plan.cost, unit)}."
        )
    asked = {
        "target": f"The cheapest plan for {percent(report.asked)}",
        "budget": f"The most reliable plan within {money(report.asked, unit)} an item",
        "total": f"The plan with the least total at {money(report.asked, unit)} per escaped defect",
    }[report.aim]
    return f"{asked}: {share} ({where})."


def _certainty(report: PlanReport) -> str:
    if report.proven:
        return f"Proven: no plan of this menu does better under this model ({report.how})."
    if report.bound is None:
        return f"Not proven: {report.how}."
    bound = percent(report.bound) if report.aim == "budget" else money(report.bound, report.unit)
    return f"Not proven: {report.how}; no plan beats {bound}."


def _saving(report: PlanReport) -> Iterator[str]:
    today, plan, unit = report.today, report.plan, report.unit
    if all(step.node == step.today for step in report.steps):
        yield "That is what stands there today."
        return
    line = f"Today: {percent(today.good)} good at {money(today.cost, unit)} an item"
    if today.total is not None and plan.total is not None:
        line += (
            f"; with what escapes {money(today.total, unit)} an item, and "
            f"{money(plan.total, unit)} with the plan"
        )
    yield line + "."
    for rule in report.rules[:1]:
        yield (
            f"{rule.option} {rule.rule} would give {percent(rule.good)} at "
            f"{money(rule.cost, unit)}."
        )


def _rests(report: PlanReport) -> str:
    """β and δ, always, with the dearest way of being wrong about each."""
    base = f"The plan rests on β = {report.beta:g} and δ = {report.delta:g}"
    if not any(step.node for step in report.steps):
        return f"{base}; it has no node that could suffer from them."
    wrong = [_worst(report, start) for start in ("β", "δ", "every verifier at")]
    said = [
        f"with {w.world} it gives {percent(w.good)} at {money(w.cost, report.unit)}"
        for w in wrong
        if w is not None
    ]
    return f"{base}: {'; '.join(said)}." if said else f"{base}."


def _worst(report: PlanReport, letter: str) -> ScenarioReport | None:
    """The dearest world of those that begin with `letter`; of equally dear ones the furthest."""
    these = [s for s in report.scenarios if s.world.startswith(letter)]
    return max(reversed(these), key=lambda s: s.total, default=None)


def _people(plan: OutcomeReport, bare: OutcomeReport) -> Iterator[str]:
    for load in plan.people:
        if load.busy is None:
            continue
        if load.wait_min is None:
            yield (
                f"{load.person}: {load.per_hour:.3g} items an hour are more than {load.count} can "
                f"do, the queue grows without end; {load.needed} are needed."
            )
        else:
            yield (
                f"{load.person}: {load.per_hour:.3g} items an hour, {percent(load.busy)} busy, "
                f"mean wait {load.wait_min:.1f} min (95 % below {load.wait_p95_min:.1f})."
            )
    lost = 1 - bare.good
    if 0 < plan.human < lost:
        yield (
            f"Escalation alone, of {percent(plan.human)} of the items, could catch "
            f"at most {percent(plan.human / lost)} of the {percent(lost)} that go wrong unverified."
        )


def notes(pipeline: Pipeline) -> Iterator[str]:
    """What to keep in mind about the pipeline itself."""
    for v in pipeline.harmful:
        word = "harmful" if v.sensitivity < v.false_alarm else "worth nothing"
        yield (
            f"Verifier '{v.name}' is {word}: it flags {percent(v.sensitivity)} of bad and "
            f"{percent(v.false_alarm)} of good output (r <= f). It is in no plan."
        )
    for v in pipeline.verifiers:
        delta = pipeline.delta if v.delta is None else v.delta
        if not v.harmful and delta * v.sensitivity <= v.false_alarm:
            yield (
                f"Verifier '{v.name}' does not tell inherited defects from good output (δ r = "
                f"{delta * v.sensitivity:.3g}, f = {v.false_alarm:.3g}): it protects only what "
                "was made since the last checkpoint."
            )
    if not pipeline.is_chain:
        yield (
            "This is a graph: a flag runs one step again, not the segment since the last "
            "checkpoint as on a chain."
        )
