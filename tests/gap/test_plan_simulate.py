from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from filmgate.errors import UsageError
from filmgate.gap import segment, series
from filmgate.gap.pipeline import Option, Person, Pipeline, Step, Verifier, chain
from filmgate.gap.placement import evaluate
from filmgate.gap.simulate import simulate
from filmgate.gap.simulating import simulation_report

SIGMA = 4.0


def drawn(seed: int) -> Pipeline:
    """A chain or graph with everything the model knows, each step with a node or none."""
    draw = random.Random(seed)
    judges = (
        Verifier("judge", draw.uniform(0.6, 1), draw.uniform(0, 0.2), 0.3, delta=0.4),
        Verifier("reader", 0.95, 0.02, 3.0, by="editor"),
    )
    ends = ("pass", "abort", "editor")
    steps = tuple(
        replace(
            step,
            repair=draw.choice((0.0, 0.3)),
            node=draw.choice(
                (
                    None,
                    Option(lead=draw.choice((2, 3))),
                    Option("judge", draw.randint(1, 4), draw.choice(ends)),
                    Option("reader", draw.randint(1, 2), "editor"),
                )
            ),
        )
        for step in chain([draw.uniform(0.7, 1) for _ in range(6)], 1.0)
    )
    if seed % 3 == 0:  # a diamond instead of a chain
        steps = (
            *steps[:4],
            replace(steps[4], after=("2",)),
            replace(steps[5], after=("4", "5"), needs=1),
        )
    return Pipeline(
        steps, judges, (Person("editor", 0.9, 20.0),), beta=draw.choice((0.0, 0.3)),
        delta=draw.choice((1.0, 0.5)),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_counts_are_within_four_sigma_of_the_exact_outcome(seed: int) -> None:
    pipeline = drawn(seed)
    exact = evaluate(pipeline, pipeline.nodes)
    seen = simulate(pipeline, pipeline.nodes, 30_000, seed)
    assert seen.good + seen.bad + seen.aborted == seen.runs
    for count, share in ((seen.good, exact.good), (seen.bad, exact.bad)):
        spread = math.sqrt(share * (1 - share) * seen.runs)
        assert abs(count - share * seen.runs) <= SIGMA * spread
    assert abs(seen.cost - exact.cost) <= SIGMA * seen.cost_se + 1e-9
    assert abs(seen.people["editor"] - exact.human) <= SIGMA * seen.people_se["editor"] + 1e-9


def test_a_wrong_model_would_be_seen() -> None:
    """The bound is one that a small mistake breaks: 1 % less sensitivity is 15 sigma away."""
    judge = Verifier("judge", 0.5, 0.05, 0.3)
    pipeline = Pipeline(chain([0.6] * 4), (judge,))
    nodes = (Option("judge", 2, "pass"),) * 4
    seen = simulate(pipeline, nodes, 200_000)
    other = evaluate(pipeline.worse(sensitivity=0.97), nodes)
    spread = math.sqrt(other.good * (1 - other.good) * seen.runs)
    assert abs(seen.good - other.good * seen.runs) > SIGMA * spread


def test_the_same_seed_gives_the_same_and_another_one_does_not() -> None:
    pipeline = drawn(1)
    first, again, other = (simulate(pipeline, pipeline.nodes, 5000, seed) for seed in (5, 5, 6))
    assert first == again
    assert (first.good, first.cost) != (other.good, other.cost)


def test_batches_are_one_population(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("filmgate.gap.simulate.BATCH", 700)
    pipeline = drawn(2)
    exact, seen = evaluate(pipeline, pipeline.nodes), simulate(pipeline, pipeline.nodes, 20_001)
    assert seen.runs == 20_001
    assert seen.good + seen.bad + seen.aborted == 20_001
    assert abs(seen.cost - exact.cost) <= SIGMA * seen.cost_se


def test_items_of_differing_difficulty_fail_together() -> None:
    """E[p^n] of a Beta, and retries that help less than the formula for equal items says."""
    bare = Pipeline(chain([0.97] * 6))
    for icc in (0.05, 0.3):
        wanted = series.shared_difficulty(0.97, icc, 6)
        seen = simulate(bare, bare.nodes, 100_000, icc=icc).good / 1e5
        assert seen == pytest.approx(
            wanted, abs=SIGMA * math.sqrt(wanted * (1 - wanted) / 1e5) + 3e-4
        )
    judge = Verifier("judge", 0.9, 0.05, 0.0)
    one = Pipeline(chain([0.42]), (judge,))
    seen4 = simulate(one, (Option("judge", 4, "abort"),), 100_000, icc=0.4)
    mixed = segment.verified_mixed(0.42 * 1.5, 0.58 * 1.5, 0.9, 0.05, 4)
    assert seen4.good / 1e5 == pytest.approx(float(mixed.accept_good), abs=0.008)
    assert seen4.aborted / 1e5 == pytest.approx(float(mixed.exhausted), abs=0.008)


def test_a_graph_too_wide_for_formulas_is_simulated() -> None:
    wide = tuple(Step(f"s{i}", 0.9, 1.0) for i in range(25))
    pipeline = Pipeline((*wide, Step("end", 1.0, 0.0, after=tuple(s.name for s in wide), needs=20)))
    report = simulation_report(pipeline, pipeline.nodes, 20_000)
    wanted = sum(math.comb(25, k) * 0.9**k * 0.1 ** (25 - k) for k in range(20, 26))
    assert report.good.low <= wanted <= report.good.high
    assert report.good.exact is None
    assert any("no exact values" in line for line in report.told)


def test_the_report_puts_counts_beside_exact_values() -> None:
    pipeline = drawn(4)
    report = simulation_report(pipeline, pipeline.nodes, 20_000, 3)
    assert report.good.exact == pytest.approx(evaluate(pipeline, pipeline.nodes).good)
    assert report.good.sigma is not None
    assert abs(report.good.sigma) < SIGMA
    assert [q for q, _ in report.cost_quantiles] == [0.5, 0.9, 0.95, 0.99]
    assert any("β = " in line and "δ = " in line for line in report.told)
    mixed = simulation_report(pipeline, pipeline.nodes, 20_000, 3, icc=0.2)
    assert mixed.good.exact is None
    assert any("Were all items alike" in line for line in mixed.told)


@pytest.mark.parametrize(("runs", "icc"), [(0, 0.0), (10**9, 0.0), (10, 1.0), (10, -0.1)])
def test_a_simulation_that_makes_no_sense_is_refused(runs: int, icc: float) -> None:
    with pytest.raises(UsageError):
        simulate(Pipeline(chain([0.9])), (None,), runs, icc=icc)


def test_one_run_is_enough_to_say_something() -> None:
    report = simulation_report(Pipeline(chain([1.0])), (None,), 1)
    assert (report.good.value, report.bad.value, report.cost.value) == (1.0, 0.0, 1.0)
