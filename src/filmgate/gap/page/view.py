"""The page as the template wants it: numbers in words, drawings made, everything in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

import filmgate
from filmgate.gap.page import drawings
from filmgate.gap.plan_words import count, money, percent
from filmgate.gap.problems import sentence
from filmgate.schema.gap import Difference, GapReport, HandoffReport, Rate, StepReport
from filmgate.schema.gap_plan import NodeReport, PlanReport

DRAWN = 60
"""Steps drawn as cards; of longer pipelines those with a node, and the weakest of the rest."""
ROUNDING = 1e-9
"""Of what a check costs: a saving below that is none."""
LISTED = 200
"""Rows of a table."""


@dataclass(frozen=True, slots=True)
class Number:
    """One of the numbers at the head: what it is, its value, its interval or why there is none."""

    name: str
    value: str
    detail: str
    known: bool = True


@dataclass(frozen=True, slots=True)
class Card:
    """One step and the handoff behind it.

    Attributes:
        name, kind: the step, and what it does ("work" is not said).
        value, detail: its yield, and what that rests on.
        bar: the interval drawn.
        inputs: what it takes from, where that is not simply the step before.
        node: what stands behind it in the plan; today: what stands there now.
        loses: whether traces show that it does worse behind the handoff than alone.
    """

    name: str
    value: str
    detail: str
    bar: Markup
    inputs: str
    node: str
    today: str
    loses: bool


@dataclass(frozen=True, slots=True)
class Edge:
    """One handoff of the traces, in words."""

    source: str
    target: str
    crossings: str
    efficiency: str
    interval: str
    word: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the price list."""

    step: str
    node: str
    stands: bool
    break_even: str
    asked: str
    pays: str
    saves: str
    bar: Markup


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    version: str
    title: str
    lead: str
    numbers: tuple[Number, ...]
    facts: tuple[tuple[str, str], ...]
    told: tuple[str, ...]
    refused: tuple[str, ...]
    waterfall: Markup | None
    cards: tuple[Card, ...]
    cards_left: str
    dumbbells: Markup | None
    solo_missing: str
    edges: tuple[Edge, ...]
    edges_missing: str
    verifiers: tuple[tuple[str, ...], ...]
    plan: PlanReport | None
    plan_told: tuple[str, ...]
    outcomes: tuple[tuple[str, ...], ...]
    prices: tuple[Row, ...]
    prices_left: str
    frontier: Markup | None
    points: tuple[tuple[str, ...], ...]
    scenarios: tuple[tuple[str, ...], ...]
    why_no_plan: str
    assumed: tuple[str, ...]
    notes: tuple[str, ...]
    problems: tuple[str, ...]


def build(measured: GapReport | None, planned: PlanReport | None, why_no_plan: str) -> Page:
    """Everything the page shows."""
    cards, left = _cards(measured, planned)
    prices, more = _prices(planned)
    edges, no_edges = _edges(measured)
    solo = () if measured is None else [s for s in measured.steps if s.solo.value is not None]
    return Page(
        version=filmgate.__version__,
        title=planned.pipeline if planned is not None else "traces",
        lead=_lead(measured, planned),
        numbers=tuple(_numbers(measured, planned)),
        facts=tuple(_facts(measured, planned)),
        told=() if measured is None else measured.told,
        refused=tuple(_refused(measured)),
        waterfall=None if measured is None else drawings.waterfall(measured),
        cards=cards,
        cards_left=left,
        dumbbells=drawings.dumbbells(solo[:DRAWN]) if solo else None,
        solo_missing=_solo_missing(measured, bool(solo)),
        edges=edges,
        edges_missing=no_edges,
        verifiers=() if measured is None else tuple(_verifiers(measured)),
        plan=planned,
        plan_told=() if planned is None else planned.told,
        outcomes=() if planned is None else tuple(_outcomes(planned)),
        prices=prices,
        prices_left=more,
        frontier=drawings.frontier(planned) if planned is not None else None,
        points=() if planned is None else tuple(_points(planned)),
        scenarios=() if planned is None else tuple(_scenarios(planned)),
        why_no_plan=why_no_plan,
        assumed=() if planned is None else planned.assumed,
        notes=_notes(measured, planned),
        problems=() if measured is None else tuple(sentence(p) for p in measured.problems),
    )


def _lead(measured: GapReport | None, planned: PlanReport | None) -> str:
    if measured is not None:
        if measured.blind:
            return f"These traces are blind: {measured.blind.removeprefix('Blind: ')}"
        if measured.told:
            return measured.told[0]
        return "Nothing can be said of these traces yet."
    if planned is not None and planned.told:
        return planned.told[0]
    return ""


def _numbers(measured: GapReport | None, planned: PlanReport | None) -> Iterator[Number]:
    if measured is not None:
        three = measured.numbers
        yield _number("component mean", three.component_mean)
        yield _number("product of solo yields", three.solo_product)
        yield _number("observed end to end", three.end_to_end)
    if planned is not None:
        unit = planned.unit
        today, plan = planned.today, planned.plan
        if measured is None:
            yield Number("good today", percent(today.good), f"{money(today.cost, unit)} an item")
        told = f"{money(plan.cost, unit)} an item"
        if plan.human:
            told += f", {100 * plan.human:.1f} visits to people per 100"
        if measured is not None:  # what the model leaves out, traces hold: people above all
            told += f"; today by the same model: {percent(today.good)}"
        yield Number("good with the plan", percent(plan.good), told)


def _number(name: str, rate: Rate) -> Number:
    if rate.value is None:
        return Number(name, "not measured", rate.reason, known=False)
    detail = _interval(rate)
    if rate.n:
        detail += f"; n = {rate.n:,}"
    return Number(name, percent(rate.value), detail)


def _interval(rate: Rate) -> str:
    if rate.low is None or rate.high is None:
        return rate.reason
    return f"{percent(rate.low)} to {percent(rate.high)}"


def _facts(measured: GapReport | None, planned: PlanReport | None) -> Iterator[tuple[str, str]]:
    if measured is not None:
        moments = dict.fromkeys((_moment(measured.first), _moment(measured.last)))
        when = f", {' to '.join(moments)}" if measured.first else ""
        traces, items = count(measured.traces, "trace"), count(measured.items, "item")
        yield "Traces", f"{traces} of {items} ({', '.join(measured.formats)}){when}"
        for name, part in (
            ("Compounding", measured.parts.compounding),
            ("Coordination", measured.parts.coordination),
        ):
            yield name, _points_of(part)
    if planned is not None:
        yield "Rests on", f"β = {planned.beta:g} and δ = {planned.delta:g}"
        yield "Found", _found(planned)


def _moment(text: str) -> str:
    """A moment as people write it: "2026-09-01 09:00 UTC"."""
    return f"{text[:16].replace('T', ' ')} UTC" if text.endswith("+00:00") else text


def _found(planned: PlanReport) -> str:
    word = "proven" if planned.proven else "not proven"
    return f"{word}: {planned.how}"


def _points_of(part: Difference) -> str:
    if part.value is None:
        return f"not measured: {part.reason}"
    text = f"{_signed(100 * part.value)} points"
    if part.low is not None and part.high is not None:
        text += f" ({_signed(100 * part.low)} to {_signed(100 * part.high)})"
    return text


def _signed(value: float) -> str:
    return f"{value:+.1f}".replace("-", "−")


def _refused(measured: GapReport | None) -> Iterator[str]:
    if measured is None:
        yield (
            "Nothing here was measured: the yields are declared. 'filmgate gap measure' says what "
            "they are, with intervals."
        )
        return
    yield from measured.refused


def _cards(measured: GapReport | None, planned: PlanReport | None) -> tuple[tuple[Card, ...], str]:
    """The chain, step by step."""
    if measured is None:
        if planned is None:
            return (), ""
        low = min((s.step_yield if s.low is None else s.low for s in planned.steps), default=0.0)
        shown = _chosen(planned.steps)
        cards = tuple(_planned_card(s, low) for s in shown)
        return cards, _left(len(planned.steps) - len(shown), "step")
    plans = {} if planned is None else {s.step: s for s in planned.steps}
    loses = {e.target for e in measured.handoffs if e.word == "loses"}
    work = [s for s in measured.steps if s.kind == "work"]
    ends = [s.in_pipeline.low for s in work] + [s.solo.low for s in work]
    low = min((v for v in ends if v is not None), default=0.0)
    names = {s.step for s in work}
    before = _before([e for e in measured.handoffs if e.source in names])
    cards = tuple(
        _measured_card(s, plans.get(s.step), low, before.get(s.step, ""), s.step in loses)
        for s in work[:DRAWN]
    )
    return cards, _left(len(work) - len(cards), "step")


def _chosen(steps: Sequence[NodeReport]) -> Sequence[NodeReport]:
    if len(steps) <= DRAWN:
        return steps
    ranked = sorted(range(len(steps)), key=lambda i: (not steps[i].node, steps[i].step_yield))
    return [steps[i] for i in sorted(ranked[:DRAWN])]


def _before(handoffs: Sequence[HandoffReport]) -> dict[str, str]:
    """What steps with several inputs take from."""
    sources: dict[str, list[str]] = {}
    for edge in handoffs:
        sources.setdefault(edge.target, []).append(edge.source)
    return {target: ", ".join(names) for target, names in sources.items() if len(names) > 1}


def _planned_card(step: NodeReport, low: float) -> Card:
    rate = Rate(step.step_yield, step.low, step.high, step.n or 0)
    detail = _interval(rate) if step.low is not None else "declared"
    bar = drawings.interval(rate, None, low)
    return Card(
        step.step, percent(step.step_yield), detail, bar, "", step.node, step.today, False
    )  # fmt: skip


def _measured_card(
    step: StepReport, planned: NodeReport | None, low: float, inputs: str, loses: bool
) -> Card:
    rate = step.in_pipeline
    solo = step.solo if step.solo.value is not None else None
    value = percent(rate.value) if rate.value is not None else "not measured"
    detail = _interval(rate) + (f"; n = {rate.n:,}" if rate.value is not None and rate.n else "")
    return Card(
        step.step, value, detail, drawings.interval(rate, solo, low), inputs,
        planned.node if planned is not None else "",
        planned.today if planned is not None else "",
        loses,
    )  # fmt: skip


def _left(number: int, what: str) -> str:
    return (
        f"{count(number, f'more {what}', f'more {what}s')} in the machine report." if number else ""
    )


def _solo_missing(measured: GapReport | None, known: bool) -> str:
    if known:
        return ""
    if measured is None:
        return "Yields were declared, not measured."
    return "No step was run alone on clean input: give --solo to 'filmgate gap measure'."


def _edges(measured: GapReport | None) -> tuple[tuple[Edge, ...], str]:
    """The handoffs, or why none of them is measured."""
    if measured is None or not measured.handoffs:
        return (), ""
    if all(e.efficiency.value is None for e in measured.handoffs):
        reasons = dict.fromkeys(e.efficiency.reason for e in measured.handoffs)
        number = count(len(measured.handoffs), "handoff")
        return (), f"The efficiency of {number} is not measured: {'; '.join(reasons)}."
    return tuple(_edge(e) for e in measured.handoffs[:LISTED]), ""


def _edge(edge: HandoffReport) -> Edge:
    e = edge.efficiency
    interval = ""
    if e.low is not None and e.high is not None:
        interval = f"{e.low:.3f} to {e.high:.3f}"
    return Edge(
        edge.source, edge.target, f"{edge.crossings:,}",
        "not measured" if e.value is None else f"{e.value:.3f}",
        interval or e.reason, edge.word,
    )  # fmt: skip


def _verifiers(measured: GapReport) -> Iterator[tuple[str, ...]]:
    for v in measured.verifiers:
        yield (
            v.step,
            f"{v.flagged:,} of {v.visits:,}",
            _rate(v.sensitivity),
            _rate(v.false_alarms),
            f"{v.audited_passed:,}",
            v.word,
        )


def _rate(rate: Rate) -> str:
    if rate.value is None:
        return f"not measured: {rate.reason}"
    return f"{percent(rate.value)} ({_interval(rate)})"


def _outcomes(planned: PlanReport) -> Iterator[tuple[str, ...]]:
    unit = planned.unit
    named = {"nothing anywhere": planned.bare, "today": planned.today, "the plan": planned.plan}
    for name, o in named.items():
        yield (
            name, percent(o.good), percent(o.escaped), f"{100 * o.human:.1f}", money(o.cost, unit),
            "" if o.cost_per_good is None else money(o.cost_per_good, unit),
            "" if o.total is None else money(o.total, unit),
        )  # fmt: skip
    for rule in planned.rules:
        yield (
            f"{rule.option} {rule.rule}", percent(rule.good),
            percent(rule.escaped), f"{100 * rule.human:.1f}", money(rule.cost, unit),
            money(rule.cost / rule.good, unit) if rule.good > 0 else "",
            "" if rule.total is None else money(rule.total, unit),
        )  # fmt: skip


def _prices(planned: PlanReport | None) -> tuple[tuple[Row, ...], str]:
    """The price list, what saves most first."""
    if planned is None:
        return (), ""
    priced = [s for s in planned.steps if s.saves is not None]
    priced.sort(key=lambda s: (-(s.saves or 0.0), -(s.break_even or 0.0)))
    most = max((s.break_even or 0.0 for s in priced), default=0.0)
    rows = tuple(_price(s, planned.unit, most) for s in priced[:LISTED])
    return rows, _left(len(priced) - len(rows), "handoff")


def _price(step: NodeReport, unit: str, most: float) -> Row:
    saves = step.saves or 0.0
    if step.asked is not None and abs(saves) < ROUNDING * abs(step.asked):
        saves = 0.0
    word = "pays" if saves > 0 else "does not pay" if saves < 0 else "breaks even"
    if step.break_even is None or step.asked is None:  # a vote is paid by its samples
        return Row(
            step.step, step.priced, bool(step.node), "", "", word, money(saves, unit), Markup("")
        )  # fmt: skip
    worth = step.break_even
    return Row(
        step.step,
        step.priced,
        bool(step.node),
        money(worth, unit) if worth > 0 else "not even for nothing",
        money(step.asked, unit),
        word,
        money(saves, unit),
        drawings.price(worth, step.asked, most),
    )


def _points(planned: PlanReport) -> Iterator[tuple[str, ...]]:
    for point in planned.frontier:
        last = point is planned.frontier[-1]
        yield (
            percent(point.good), money(point.cost, planned.unit), f"{100 * point.human:.1f}",
            str(point.nodes), "any" if last else money(point.price, planned.unit),
        )  # fmt: skip


def _scenarios(planned: PlanReport) -> Iterator[tuple[str, ...]]:
    unit = planned.unit
    for s in planned.scenarios:
        yield (
            s.world, percent(s.good), money(s.cost, unit), f"{100 * s.human:.1f}",
            money(s.total, unit), money(s.planned, unit), money(s.replanned, unit),
        )  # fmt: skip


def _notes(measured: GapReport | None, planned: PlanReport | None) -> tuple[str, ...]:
    both = (*(() if measured is None else measured.notes), *(planned.notes if planned else ()))
    return tuple(dict.fromkeys(both))
