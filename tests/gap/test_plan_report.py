"""The plan report: frontier, prices, rules, other worlds, sentences, and what traces feed it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from filmgate.errors import UsageError
from filmgate.gap import measured, people, pipeline_file
from filmgate.gap.frontier import frontier, price_list
from filmgate.gap.pipeline import Option, Person, Pipeline, Step, Verifier, chain
from filmgate.gap.placement import evaluate
from filmgate.gap.placement.chain import solve
from filmgate.gap.planning import plan_report
from filmgate.schema.gap import (
    Difference,
    GapReport,
    HandoffReport,
    Load,
    Parts,
    Rate,
    Segment,
    StepReport,
    ThreeNumbers,
    VerifierReport,
)

ROOT = Path(__file__).parents[2]
JUDGE = Verifier("judge", 0.8, 0.05, 0.05, fallback=("pass", "editor"))
PANEL = Verifier("panel", 0.95, 0.03, 0.2, fallback=("pass", "editor"))
EDITOR = Person("editor", 0.98, 40.0, count=1, minutes=10)


def six(**changes: Any) -> Pipeline:
    given: dict[str, Any] = {
        "steps": chain([0.97] * 6), "verifiers": (JUDGE, PANEL), "people": (EDITOR,),
        "escape_cost": 5000.0, "items_per_hour": 60.0, "unit": "usd", "beta": 0.1, "delta": 0.8,
    }  # fmt: skip
    return Pipeline(**{**given, **changes})


def diamond() -> Pipeline:
    steps = (
        Step("plan", 0.9, 1), Step("left", 0.8, 1, after=("plan",)),
        Step("right", 0.95, 2, after=("plan",)),
        Step("join", 0.97, 1, after=("left", "right"), needs=2, verifiers=("judge",)),
    )  # fmt: skip
    return six(steps=steps, delta=1.0)


@pytest.mark.parametrize("pipeline", [six(), diamond()], ids=["chain", "graph"])
def test_the_frontier_rises_and_holds_the_plan_of_every_price(pipeline: Pipeline) -> None:
    points = frontier(pipeline)
    outcomes = [p.outcome for p in points]
    assert len(points) >= 3
    assert all(a.cost < b.cost and a.good < b.good for a, b in itertools.pairwise(outcomes))
    assert outcomes[0] == evaluate(pipeline, points[0].nodes)
    if pipeline.is_chain:
        for price in (30.0, 300.0, 3000.0):
            best = min(o.cost + price * (1 - o.good) for o in outcomes)
            assert best == pytest.approx(solve(pipeline, price).value, rel=0.03)


@pytest.mark.parametrize("pipeline", [six(), diamond()], ids=["chain", "graph"])
def test_at_its_break_even_price_a_node_neither_pays_nor_costs(pipeline: Pipeline) -> None:
    judge = Option("judge", 2, "editor")
    nodes = (judge, None, None, Option("judge", 1, "pass"), *([None] * 2))[: len(pipeline.steps)]
    listed = price_list(pipeline, nodes, 5000.0, 0.0)
    for i, price in enumerate(listed):
        assert price is not None
        assert price.break_even is not None
        assert price.stands == (nodes[i] is not None)
        there = (*nodes[:i], price.option, *nodes[i + 1 :])
        without = (*nodes[:i], None, *nodes[i + 1 :])
        total = evaluate(pipeline, there).total(pipeline)
        bare = evaluate(pipeline, without).total(pipeline)
        assert price.saves == pytest.approx(bare - total, abs=1e-9)
        assert price.checks == pytest.approx(evaluate(pipeline, there).handoffs[i].checks)
        # Only this node's checks at the break-even price: the two plans cost the same.
        extra = (price.break_even - price.asked) * price.checks
        assert total + extra == pytest.approx(bare, abs=1e-9)


def test_where_nothing_may_stand_there_is_no_price() -> None:
    steps = tuple(replace(s, verifiers=()) for s in chain([0.9] * 3))
    assert price_list(six(steps=steps), (None,) * 3, 100.0, 0.0) == (None,) * 3
    report = plan_report(six(steps=steps))
    assert [s.node for s in report.steps] == ["", "", ""]
    assert all(s.break_even is None for s in report.steps)


def test_a_plan_shows_what_it_rests_on_and_what_being_wrong_costs() -> None:
    report = plan_report(six())
    worlds = {s.world: s for s in report.scenarios}
    assert {"β = 0", "β = 0.3", "δ = 1", "δ = 0.5", "δ = 0"} <= set(worlds)
    assert any("rests on β = 0.1 and δ = 0.8" in line for line in report.told)
    for s in report.scenarios:
        assert s.planned == pytest.approx(report.plan.total)
        assert s.replanned <= s.total + 1e-9
    assert worlds["every verifier sees 30 % less"].total > 2 * (report.plan.total or 0)
    truth = replace(six(), delta=0.5)
    nodes = tuple(
        None if not s.node else _option(s.node) for s in report.steps
    )  # fmt: skip
    assert worlds["δ = 0.5"].total == pytest.approx(evaluate(truth, nodes).total(truth))


def _option(name: str) -> Option:
    return pipeline_file.option(name, (JUDGE, PANEL), ["editor"])


def test_proof_and_lack_of_it_are_said() -> None:
    assert any(line.startswith("Proven:") for line in plan_report(six()).told)
    assert plan_report(diamond()).proven, "48 plans are simply tried"


def test_a_target_out_of_reach_is_said_to_be() -> None:
    report = plan_report(six(), target=0.99999)
    assert not report.met
    assert "99.999 % cannot be reached" in report.told[0]
    assert report.price is None
    assert report.bad_price > 0
    poor = plan_report(six(), budget=1.0)
    assert not poor.met
    assert "is not enough" in poor.told[0]


def test_a_harmful_verifier_is_called_harmful_and_left_out() -> None:
    noise = Verifier("noise", 0.03, 0.05, 0.0)
    report = plan_report(six(verifiers=(JUDGE, noise)))
    assert any("'noise' is harmful" in note and "r <= f" in note for note in report.notes)
    assert not any("noise" in s.node for s in report.steps)
    blind = plan_report(six(verifiers=(JUDGE,), delta=0.0))
    assert any("does not tell inherited defects" in note for note in blind.notes)


def test_people_who_cannot_keep_up_are_counted() -> None:
    slow = plan_report(six(items_per_hour=100_000.0))
    assert any("queue grows without end" in line for line in slow.told)
    load = slow.plan.people[0]
    assert load.wait_min is None
    assert load.needed is not None
    assert people.queue(load.per_hour or 0, 10, load.needed).wait_min is not None
    calm = plan_report(six())
    assert calm.plan.people[0].wait_min is not None
    assert any("mean wait" in line for line in calm.told)


def test_escalating_alone_has_a_ceiling() -> None:
    report = plan_report(six())
    assert 0 < report.plan.human < 1 - report.bare.good
    ceiling = 100 * report.plan.human / (1 - report.bare.good)
    assert any(f"at most {ceiling:.1f} %" in line for line in report.told)


def test_rules_of_thumb_stand_beside_the_plan() -> None:
    report = plan_report(six())
    assert [r.rule for r in report.rules] == [
        "at every handoff", "only before the output", "behind the three weakest steps"
    ]  # fmt: skip
    assert all((r.total or 0) >= (report.plan.total or 0) - 1e-9 for r in report.rules)
    only = tuple(replace(s, verifiers=("judge",) if s.name == "2" else ()) for s in six().steps)
    tied = plan_report(six(steps=only))
    assert tied.rules[0].rule == "wherever it may stand"


def rate(value: float | None, n: int = 100, **other: Any) -> Rate:
    spread = {} if value is None else {"low": value - 0.02, "high": min(1.0, value + 0.02)}
    return Rate(value, n=n, **{**spread, **other})


NO = Rate(None, reason="no labels")


def traced(**changes: Any) -> GapReport:
    """Three steps with a verifier behind the second, as a measure report says it."""
    steps = tuple(
        StepReport(
            name, "work", 100, 120, 100, 0, rate(p), rate(0.98), rate(0.1, 3), rate(0.3, 40), cost
        )
        for name, p, cost in (("a", 0.95, 0.1), ("b", 0.9, 0.2), ("c", 0.97, 0.1))
    )
    judge = StepReport("judge", "verify", 100, 120, 0, 0, NO, NO, NO, NO, 0.01)
    found = VerifierReport(
        "judge", ("a", "b"), 120, 20, 20, 50, rate(0.8, 15), rate(0.04, 50), rate(0.97),
        Difference(0.5), 3, "pass", "helps", "",
    )  # fmt: skip
    none = Difference(None)
    given: dict[str, Any] = {
        "filmgate": "0", "schema_version": 1, "formats": ("table",), "files": ("t.csv",),
        "traces": 100, "items": 100, "first": "", "last": "", "blind": "",
        "numbers": ThreeNumbers(rate(0.94), rate(0.83), rate(0.9)),
        "in_pipeline_product": rate(0.83),
        "parts": Parts(none, none, none, none, none), "steps": (*steps, judge), "segments": (),
        "handoffs": (HandoffReport("a", "b", 100, none, "cannot tell"),
                     HandoffReport("b", "c", 100, none, "cannot tell")),
        "verifiers": (found,), "load": Load(rate(0.0), 3.0),
    }  # fmt: skip
    return GapReport(**{**given, **changes})


def test_a_measure_report_becomes_a_pipeline() -> None:
    pipeline = measured.pipeline_of(traced())
    assert [(s.name, s.p, s.cost) for s in pipeline.steps] == [
        ("a", 0.95, 0.1), ("b", 0.9, 0.2), ("c", 0.97, 0.1)
    ]  # fmt: skip
    assert pipeline.is_chain
    assert pipeline.unit == "usd"
    assert [s.repair for s in pipeline.steps] == [0.0] * 3, "three bad inputs are too few"
    assert pipeline.steps[1].node == Option("judge", 3, "pass")
    assert pipeline.steps[1].verifiers == ("judge",)
    assert pipeline.steps[0].verifiers == ()
    judge = pipeline.verifiers[0]
    assert (judge.sensitivity, judge.false_alarm, judge.delta) == (0.8, 0.04, 0.5)
    assert judge.least == pytest.approx(0.78)
    assert 0 < pipeline.beta < 0.3
    report = plan_report(pipeline, target=0.9)
    assert any(s.world.startswith("every verifier at the worse end") for s in report.scenarios)


def test_beta_is_the_one_that_makes_failures_repeat_as_seen() -> None:
    """P(the next attempt fails too) of the model at the estimated β is the share that was seen."""
    beta = measured.pipeline_of(traced()).beta
    again = []
    for s in (0.95, 0.9, 0.97):
        again.append(1 - (1 - beta) * s / (1 - beta * (1 - s)))
    assert sum(again) / 3 == pytest.approx(0.3, abs=0.005)


def test_prices_come_from_a_file_and_rates_from_the_report() -> None:
    declared = Pipeline(
        chain([0.5] * 3), (JUDGE, PANEL), (EDITOR,), escape_cost=100.0, unit="usd", beta=0.2
    )
    names = tuple(
        replace(s, name=n, after=(m,) if m else ())
        for s, n, m in zip(declared.steps, "abc", ("", "a", "b"), strict=True)
    )
    joined = measured.pipeline_of(traced(), replace(declared, steps=names))
    assert [s.p for s in joined.steps] == [0.95, 0.9, 0.97]
    assert joined.verifiers[0].sensitivity == 0.8
    assert joined.verifiers[0].cost == 0.05
    assert joined.verifiers[1].sensitivity == 0.95
    assert any("'panel' are declared" in line for line in joined.assumed)
    assert joined.beta == 0.2
    with pytest.raises(UsageError, match="has no step 'a'"):
        measured.pipeline_of(traced(), declared)


def test_what_is_not_measured_is_refused_or_said() -> None:
    with pytest.raises(UsageError, match="blind"):
        measured.pipeline_of(traced(blind="every status is OK"))
    with pytest.raises(UsageError, match="no step that does work"):
        measured.pipeline_of(traced(steps=()))
    dark = replace(traced().steps[0], in_pipeline=NO, solo=NO)
    with pytest.raises(UsageError, match=r"'a' is not measured \(no labels\)"):
        measured.pipeline_of(traced(steps=(dark, *traced().steps[1:])))
    alone = replace(dark, solo=rate(0.99))
    pipeline = measured.pipeline_of(traced(steps=(alone, *traced().steps[1:])))
    assert pipeline.steps[0].p == 0.99
    assert any("alone, not in the pipeline" in line for line in pipeline.assumed)
    product = (Segment(("a", "b"), rate(0.81)),)
    both = tuple(replace(s, in_pipeline=NO) for s in traced().steps[:2])
    pipeline = measured.pipeline_of(traced(steps=(*both, traced().steps[2]), segments=product))
    assert [s.p for s in pipeline.steps[:2]] == pytest.approx([0.9, 0.9])
    assert any("only the product" in line.lower() for line in pipeline.assumed)
    unaudited = replace(traced().verifiers[0], sensitivity=Rate(None, reason="no audits"))
    pipeline = measured.pipeline_of(traced(verifiers=(unaudited,)))
    assert pipeline.verifiers == ()
    assert any("'judge' was left out: no audits" in line for line in pipeline.assumed)


@pytest.mark.parametrize("name", ["six_steps", "thirty_handoffs"])
def test_shipped_pipelines_are_planned(name: str) -> None:
    report = plan_report(pipeline_file.read(ROOT / "examples" / "pipelines" / f"{name}.toml"))
    assert report.proven
    assert report.plan.total is not None
    assert report.today.total is not None
    assert report.plan.total < 0.5 * report.today.total
