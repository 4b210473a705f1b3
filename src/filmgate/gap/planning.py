"""The plan report: a plan with everything a person needs to believe it, or not to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import filmgate
from filmgate.gap import plan_words
from filmgate.gap.frontier import LARGE, Point, frontier, price_list
from filmgate.gap.menu import Menu
from filmgate.gap.people import people_needed, queue
from filmgate.gap.pipeline import Nodes, Option, Pipeline
from filmgate.gap.placement import Plan, evaluate, plan
from filmgate.gap.placement.chain import solve
from filmgate.gap.placement.graph import WIDEST_SEARCHED, Graph
from filmgate.gap.walk import Outcome
from filmgate.schema.gap_plan import (
    PLAN_VERSION,
    NodeReport,
    OutcomeReport,
    PersonLoad,
    PlanReport,
    PointReport,
    RuleReport,
    ScenarioReport,
)

BETAS, DELTAS = (0.0, 0.1, 0.3), (1.0, 0.5, 0.0)
"""Shown beside every plan, with what it costs if they are the truth."""
WORSE = (0.9, 0.7)
"""Factors of every verifier's sensitivity. At 0.7 the real bill was 6 to 8 times the planned one in
the cases of `docs/gap_plan.md`."""
EVERYWHERE, WHEREVER = "at every handoff", "wherever it may stand"
WORSE_END = " at the worse end of its interval"
QUICK = 60.0
"""Minutes of mean wait that "the queue does not grow" is taken to allow."""


def plan_report(
    pipeline: Pipeline, target: float | None = None, budget: float | None = None
) -> PlanReport:
    """The best nodes for a pipeline, and what surrounds them.

    Raises:
        UsageError: as `placement.plan`.
    """
    found = plan(pipeline, target, budget)
    points = frontier(pipeline)
    price = found.price if found.price is not None else _last_price(points)
    abort = pipeline.abort_cost if found.aim == "total" else price
    nothing = evaluate(pipeline, (None,) * len(pipeline.steps))
    today = evaluate(pipeline, pipeline.nodes)
    scenarios = tuple(_scenarios(pipeline, found, price, abort))
    rules = tuple(_rules(pipeline, found, price, abort))
    report = PlanReport(
        filmgate=filmgate.__version__,
        schema_version=PLAN_VERSION,
        pipeline=pipeline.name,
        unit=pipeline.unit,
        chain=pipeline.is_chain,
        aim=found.aim,
        asked=found.asked,
        met=found.met,
        proven=found.proven,
        how=found.how,
        bound=found.bound,
        price=found.price,
        bad_price=price,
        beta=pipeline.beta,
        delta=pipeline.delta,
        bare=outcome_report(pipeline, nothing),
        today=outcome_report(pipeline, today),
        plan=outcome_report(pipeline, found.outcome),
        steps=_steps(pipeline, found, price, abort),
        frontier=tuple(_drawn(point) for point in points),
        rules=rules,
        scenarios=scenarios,
        assumed=pipeline.assumed,
        notes=tuple(plan_words.notes(pipeline)),
    )
    return replace(report, told=tuple(plan_words.told(report)))


def outcome_report(pipeline: Pipeline, outcome: Outcome) -> OutcomeReport:
    """An outcome as it is published, with the waiting of its people."""
    return OutcomeReport(
        outcome.good,
        outcome.bad,
        outcome.aborted,
        outcome.escaped,
        outcome.cost,
        outcome.total(pipeline) if pipeline.escape_cost is not None else None,
        outcome.cost_per_good,
        outcome.human,
        tuple(_load(pipeline, name, visits) for name, visits in outcome.people.items()),
    )


def _load(pipeline: Pipeline, name: str, visits: float) -> PersonLoad:
    person = pipeline.person(name)
    if pipeline.items_per_hour is None:
        return PersonLoad(name, visits, count=person.count)
    per_hour = visits * pipeline.items_per_hour
    if person.minutes is None or person.minutes == 0:
        return PersonLoad(name, visits, per_hour, person.count)
    wait = queue(per_hour, person.minutes, person.count)
    needed = people_needed(per_hour, person.minutes, QUICK)
    return PersonLoad(
        name, visits, per_hour, person.count, wait.busy, wait.wait_min, wait.wait_p95_min, needed
    )


def _last_price(points: tuple[Point, ...]) -> float:
    """What the last good items of the frontier cost each: the least price that wants them."""
    if len(points) < 2:
        return 0.0
    low, high = points[-2].outcome, points[-1].outcome
    return (high.cost - low.cost) / (high.good - low.good)


def _drawn(point: Point) -> PointReport:
    outcome = point.outcome
    count = sum(node is not None for node in point.nodes)
    return PointReport(point.price, outcome.cost, outcome.good, outcome.human, count)


def _steps(pipeline: Pipeline, found: Plan, price: float, abort: float) -> tuple[NodeReport, ...]:
    priced = price_list(pipeline, found.nodes, price, abort)
    return tuple(
        NodeReport(
            step.name, step.p, step.low, step.high, step.n,
            node.name if node is not None else "",
            step.node.name if step.node is not None else "",
            seen.before, seen.after, seen.runs, seen.checks, seen.people,
            worth.option.name if worth is not None else "",
            worth.break_even if worth is not None else None,
            worth.asked if worth is not None and not worth.option.lead else None,
            worth.saves if worth is not None else None,
        )
        for step, node, seen, worth in zip(
            pipeline.steps, found.nodes, found.outcome.handoffs, priced, strict=True
        )
    )  # fmt: skip


def _total(outcome: Outcome, price: float, abort: float) -> float:
    return outcome.cost + price * outcome.bad + abort * outcome.aborted


def _scenarios(
    pipeline: Pipeline, found: Plan, price: float, abort: float
) -> Iterator[ScenarioReport]:
    """The plan in other worlds; fewer of them where each takes seconds."""
    planned = _total(found.outcome, price, abort)
    for world, other in (*_worlds(pipeline), *_ends(pipeline)):
        if len(pipeline.steps) > LARGE and not world.startswith(("β = 0.1", "δ = 0.5", "every")):
            continue
        seen = evaluate(other, found.nodes)
        yield ScenarioReport(
            world, other.beta, other.delta, seen.good, seen.cost, seen.human,
            _total(seen, price, abort), planned, _least(other, found.nodes, price, abort),
        )  # fmt: skip


def _worlds(pipeline: Pipeline) -> Iterator[tuple[str, Pipeline]]:
    for beta in BETAS:
        if beta != pipeline.beta:
            yield f"β = {beta:g}", replace(pipeline, beta=beta)
    for delta in DELTAS:
        same = tuple(replace(v, delta=None) for v in pipeline.verifiers)
        if delta != pipeline.delta or same != pipeline.verifiers:
            yield f"δ = {delta:g}", replace(pipeline, delta=delta, verifiers=same)
    if not pipeline.verifiers:
        return
    for factor in WORSE:
        less = f"{100 * (1 - factor):.0f} %"
        yield f"every verifier sees {less} less", pipeline.worse(sensitivity=factor)
    yield "twice the false alarms", pipeline.worse(false_alarm=2.0)


def _ends(pipeline: Pipeline) -> Iterator[tuple[str, Pipeline]]:
    """The worse ends of what was measured."""
    steps = tuple(replace(s, p=s.p if s.low is None else s.low) for s in pipeline.steps)
    verifiers = tuple(
        replace(
            v,
            sensitivity=v.sensitivity if v.least is None else v.least,
            false_alarm=v.false_alarm if v.most is None else v.most,
        )
        for v in pipeline.verifiers
    )
    if verifiers != pipeline.verifiers:
        yield f"every verifier{WORSE_END}", replace(pipeline, verifiers=verifiers)
    if steps != pipeline.steps:
        yield f"every yield{WORSE_END}", replace(pipeline, steps=steps)


def _least(pipeline: Pipeline, nodes: Nodes, price: float, abort: float) -> float:
    """The least total there is in that world; on a graph, the least that is found from the plan."""
    if pipeline.is_chain:
        return solve(pipeline, price, abort).value
    menu = Menu.of(pipeline)
    graph = Graph(pipeline, menu, WIDEST_SEARCHED)
    start = tuple(node if node in menu.options else None for node in nodes)
    return graph.search(price, abort, [graph.plan(start)])[0]


def _rules(pipeline: Pipeline, found: Plan, price: float, abort: float) -> Iterator[RuleReport]:
    """Rules of thumb, each with the option that answers the plan's question best."""
    steps, options = pipeline.steps, pipeline.options()
    if not options or len(steps) > LARGE:
        return
    weakest = sorted(range(len(steps)), key=lambda i: steps[i].p)[:3]
    places: dict[str, Callable[[int], bool]] = {
        EVERYWHERE: lambda _: True,
        "only before the output": lambda i: i == len(steps) - 1,
        "behind the three weakest steps": lambda i: i in weakest,
    }

    def rank(outcome: Outcome) -> tuple[bool, float]:
        if found.aim == "target":
            missed = outcome.good < found.asked
            return missed, -outcome.good if missed else outcome.cost
        if found.aim == "budget":
            missed = outcome.cost > found.asked
            return missed, outcome.cost if missed else -outcome.good
        return False, _total(outcome, price, abort)

    for rule, at in places.items():
        tried: list[tuple[tuple[bool, float], Option, Outcome]] = []
        for option in options:
            nodes = tuple(
                option if at(i) and pipeline.allows(step, option) else None
                for i, step in enumerate(steps)
            )
            if any(nodes):
                outcome = evaluate(pipeline, nodes)
                tried.append((rank(outcome), option, outcome))
        if tried:
            _, option, o = min(tried, key=lambda each: each[0])
            total = o.total(pipeline) if pipeline.escape_cost is not None else None
            if rule == EVERYWHERE and not all(pipeline.allows(step, option) for step in steps):
                rule = WHEREVER
            yield RuleReport(rule, option.name, o.good, o.escaped, o.cost, o.human, total)
