"""Every vector of the planning side, to its stated tolerance.

The vectors are an independent implementation's. Where a row is that implementation's search and
not a formula (`strategies_*`), its plan is evaluated to the tolerance, and ours must be at least as
good; equal, but where ours is better by itself.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from filmgate.gap import people, segment, series, voting
from filmgate.gap.pipeline import Option, Person, Pipeline, Step, Verifier, chain
from filmgate.gap.placement.bounded import cheapest
from filmgate.gap.placement.chain import solve
from filmgate.gap.placement.graph import Graph
from filmgate.gap.simulate import simulate
from filmgate.gap.walk import Outcome, walk

FILE = Path(__file__).parents[3] / "shared" / "vectors" / "gap_vectors.json"
DATA: dict[str, Any] = json.loads(FILE.read_text()) if FILE.is_file() else {}
EXACT = 1e-9
ROUNDED = 5e-7
"""Absolute: the reference rounded `chain_eval` to six places."""
BEST = (1, 2, 3, 4)
"""Attempts the reference's searches chose from."""


def same(found: Any, wanted: float, relative: float = EXACT, absolute: float = 1e-12) -> None:
    assert math.isclose(float(found), wanted, rel_tol=relative, abs_tol=absolute), (found, wanted)


def three(scale: float = 1.0, attempts: tuple[int, ...] = BEST, ends: str = "pass human") -> Any:
    """The menu of the reference, its prices in steps: schema, judge, panel."""
    rows = {"schema": (0.4, 0.002, 0.01), "judge": (0.9, 0.05, 0.3), "panel": (0.97, 0.03, 1.0)}
    return tuple(
        Verifier(name, r, f, price * scale, attempts, tuple(ends.split()))
        for name, (r, f, price) in rows.items()
    )


def steps(n: int, **changes: Any) -> Pipeline:
    """n x 97 %, every step costs 1, a person who costs 250 and is right 99 times in 100."""
    given: dict[str, Any] = {"verifiers": three(), "people": (Person("human", 0.99, 250),)}
    return Pipeline(chain([0.97] * n), **{**given, **changes})


def node(text: str | None) -> Option | None:
    """The reference's spelling: "judge/m3/human", "vote3"."""
    if text is None:
        return None
    if text.startswith("vote"):
        return Option(lead=int(text[4:]))
    verifier, attempts, fallback = text.split("/")
    return Option(verifier, int(attempts[1:]), fallback)


def plan_of(row: dict[str, Any]) -> tuple[Option | None, ...]:
    return tuple(node(text) for text in row["plan"])


def matches(found: Outcome, row: dict[str, Any], cost: str = "cost") -> None:
    same(found.good, row["R"])
    same(found.cost, row[cost])
    if row.get("human") is not None:
        same(found.human, row["human"])


def series_(v: dict[str, Any]) -> None:
    found = series.series([v["p"]] * v["n"])
    names = ("R", "tdpu", "rty_norm", "z_lt", "sigma_st")
    values = (found.good, *found[2:])
    for value, name in zip(values, names, strict=True):
        same(value, v[name])
    same(100 * found.lost, v["gap_pp"])
    same(series.yield_needed(0.99, v["n"]), v["step_needed_99"])
    same(series.yield_needed(0.999, v["n"]), v["step_needed_999"])


def series_het(v: dict[str, Any]) -> None:
    same(series.series(v["p"]).good, v["R"])
    for value, wanted in zip(series.importance(v["p"]), v["birnbaum"], strict=True):
        same(value, wanted)
    for value, wanted in zip(series.share_of_loss(v["p"]), v["share_of_log_loss"], strict=True):
        same(value, wanted)


def maker(v: dict[str, Any]) -> None:
    found = voting.project(v["p"], v["t"], v["s"])
    assert found.lead == v["kmin"]
    for value, name in zip(
        found[1:], ("R", "votes_per_step", "votes_total", "paper_upper"), strict=True
    ):
        same(value, v[name])


def vote_ahead_k(v: dict[str, Any]) -> None:
    same(voting.ahead(v["p"], v["k"]).good, v["P"])
    same(voting.ahead(v["p"], v["k"]).samples, v["EN"])


def vote_mc(v: dict[str, Any]) -> None:
    """200,000 draws: both within 4 sigma of the formulas (lead 2: pairs until two agree)."""
    found, n, agree = voting.ahead(v["p"], v["k"]), 200_000, v["p"] ** 2 + (1 - v["p"]) ** 2
    assert v["k"] == 2
    assert abs(v["P_mc"] - found.good) < 4 * math.sqrt(found.good * (1 - found.good) / n)
    assert abs(v["EN_mc"] - found.samples) < 4 * math.sqrt(4 * (1 - agree) / agree**2 / n)


def vote_common_cause(v: dict[str, Any]) -> None:
    found = voting.with_common_cause(0.97, v["k"], v["beta"]).good
    same(found, v["step"])
    for n in (6, 30):
        same(found**n, v[f"R{n}"])
        same((1 - v["beta"] * 0.03) ** n, v[f"cap{n}"])


def majority(v: dict[str, Any]) -> None:
    same(voting.majority(v["p"], v["n"]), v["P"])


def verified_step(v: dict[str, Any]) -> None:
    found = segment.verified(v["s"], v["r"], v["f"], v["attempts"])
    for name in ("accept_good", "accept_bad", "exhausted", "ppv"):
        same(getattr(found, name), v[name])
    same(found.attempts, v["E_attempts"])


def resampling_ceiling(v: dict[str, Any]) -> None:
    same(segment.ceiling(v["p"], v["r"], v["f"]), v["ppv"])
    same(segment.ceiling(v["p"], v["r"], v["f"]) - v["p"], v["lift_vs_p"])


def fp_cost_reward(v: dict[str, Any]) -> None:
    same(segment.reward(v["p"], v["r"], 0.0, v["K"], v["C"]), v["reward"])


def breakeven_verifier_price(v: dict[str, Any]) -> None:
    given = (v["s"], v["r"], v["f"], v["C_escape"], v["C_rework"])
    same(segment.break_even_price(*given), v["v_max"])


def verify_spacing(v: dict[str, Any]) -> None:
    found = segment.spacing(v["p"], v["c"], v["v"])
    names = ("L_star", "young_sqrt", "L_int", "cost_per_step_at_int", "cost_every")
    for value, name in zip(found, names, strict=True):
        same(value, v[name])


def retry_under_heterogeneity(v: dict[str, Any]) -> None:
    same(segment.retry_succeeds(v["mean"], v["icc"], v["K"]), v["betabin"])
    same(segment.retry_succeeds(v["mean"], 0.0, v["K"]), v["iid"])


def taubench_retry_with_judge(v: dict[str, Any]) -> None:
    fit = DATA["reference_data"]["taubench_airline_gpt4o"]["betabin_mle"]
    judge = (v["r"], v["f"], v["attempts"])
    mixed = segment.verified_mixed(fit["alpha"], fit["beta"], *judge)
    for found, wanted in (
        (mixed, v["hetero"]), (segment.verified(0.42, *judge), v["iid"])
    ):  # fmt: skip
        for name in ("accept_good", "accept_bad", "ppv", "attempts"):
            same(getattr(found, name), wanted[name])
        same(found.exhausted, wanted["escalate"])


def shared_difficulty(v: dict[str, Any]) -> None:
    for n in (6, 30):
        same(series.shared_difficulty(0.97, v["icc"], n), v[f"R{n}"])


def half_life(v: dict[str, Any]) -> None:
    same(series.horizon(v["h50"], v["p"]), v["horizon"])


def erlang(v: dict[str, Any]) -> None:
    found = people.queue(v["items_per_hour"] * v["esc"], v["minutes"], v["reviewers"])
    same(found.waits, v["p_wait"])
    assert found.wait_min is not None
    same(found.wait_min, v["wait_min"])


def chain_eval(v: dict[str, Any]) -> None:
    verifiers = tuple(Verifier(str(i), o["r"], o["f"], o["v"]) for i, o in enumerate(v["opts"]))
    nodes = tuple(
        None if i is None else Option(str(i), v["opts"][i]["m"], v["opts"][i]["fb"])
        for i in v["plan"]
    )
    human = (Person("human", v["a"], v["H"]),)
    pipeline = Pipeline(chain([0.97] * 6), verifiers, human, beta=v["beta"])
    found = walk(pipeline, nodes)
    exact = {
        "good": found.good, "bad": found.bad, "abort": found.aborted, "cost": found.cost,
        "human": found.human,
    }  # fmt: skip
    for name, value in exact.items():
        if name in v:
            same(value, v[name], 0.0, ROUNDED)
    for wanted, value in ((v["mc"]["good"], found.good), (v["mc"]["human"], found.human)):
        assert abs(wanted - value) < 4 * math.sqrt(value * (1 - value) / v["mc"]["N"])
    seen = simulate(pipeline, nodes, 50_000, seed=7)
    assert abs(seen.good - found.good * 5e4) < 4 * math.sqrt(found.good * (1 - found.good) * 5e4)
    assert abs(seen.cost - found.cost) < 4 * seen.cost_se
    assert abs(v["mc"]["cost"] - found.cost) < 4 * seen.cost_se / 2  # four times the runs


def placement_small(v: dict[str, Any]) -> None:
    verifiers = tuple(
        Verifier(str(i), o["r"], o["f"], o["v"], (o["m"],), (o["fb"],))
        for i, o in enumerate(v["opts"])
    )
    pipeline = Pipeline(chain(v["p"], v["c"]), verifiers, (Person("human", v["a"], v["H"]),))
    found = solve(pipeline, v["D"])
    same(found.value, v["best"])
    assert [None if o is None else int(o.verifier) for o in found.nodes] == v["plan"]
    outcome = walk(pipeline, found.nodes)
    for value, name in ((outcome.good, "good"), (outcome.cost, "cost"), (outcome.human, "human")):
        same(value, v[name])


def placement_scale(v: dict[str, Any]) -> None:
    draw = random.Random(7)
    for row in v["rows"]:
        draw.seed(7)
        yields = [draw.uniform(0.95, 0.999) for _ in range(row["n"])]
        human = (Person("human", 0.99, 250),)
        pipeline = Pipeline(chain(yields), three(attempts=(1, 2, 3)), human)
        assert len(pipeline.options()) == 18
        found = solve(pipeline, 5000, longest=row["Lmax"])
        same(found.value, row["value"])
        same(walk(pipeline, found.nodes).total(pipeline, 5000), row["value"])
        if "nodes" in row:
            assert sum(o is not None for o in found.nodes) == row["nodes"]
    # The reference sends back 12 steps at most; without that limit the best of 1,000 is cheaper.
    assert solve(pipeline, 5000).value < row["value"] - 0.8


def strategies_6_and_30(v: dict[str, Any]) -> None:
    n, name = v["n"], v["strategy"]
    if name.startswith("optimal"):
        searched(v, delta=1.0)
    elif name == "none":
        matches(walk(steps(n), (None,) * n), v)
    elif name.startswith("MAKER"):
        votes = voting.project(0.97, v["target"], n)
        same(votes.good, v["R"])
        same(votes.samples, v["cost"])
    elif name.startswith("human review"):
        reader = (Verifier("reader", 0.98, 0.01, 250, by="human"),)
        last = (None,) * (n - 1) + (Option("reader", 1, "human"),)
        matches(walk(steps(n, verifiers=reader), last), v)
    else:
        verifier, fallback = name.split()[0], name.split()[-1]
        matches(walk(steps(n), (Option(verifier, 3, fallback),) * n), v)


def searched(v: dict[str, Any], delta: float) -> None:
    """A row of the reference's search for the cheapest plan that reaches a target."""
    ends = "pass" if "no human" in v["strategy"] else "pass human"
    votes = (3,) if "vot" in v["strategy"] else ()
    pipeline = steps(v["n"], verifiers=three(ends=ends), votes=votes, delta=delta)
    found = cheapest(pipeline, v["target"])
    assert found.proven
    if "unreachable" in v.get("note", ""):
        assert not found.met
        assert found.outcome.good >= v["R"] - EXACT  # the reference stopped at a smaller price
        if v["n"] == 6 and "cost_at_best" in v:
            matches(found.outcome, v, "cost_at_best")
        return
    theirs = walk(pipeline, plan_of(v)) if "plan" in v else None
    if theirs is not None:
        matches(theirs, v)
        assert theirs.good >= v["target"]
    assert found.met
    assert found.outcome.good >= v["target"] - 1e-12
    assert found.outcome.cost <= v["cost"] * (1 + EXACT)
    if (v["n"], delta, v["target"]) != (30, 0.5, 0.99):  # there ours is cheaper by .007
        matches(found.outcome, {**v, "human": None})


def strategies_sticky(v: dict[str, Any]) -> None:
    verifier, fallback = v["strategy"].split()[0], v["strategy"].split()[-1]
    nodes = (Option(verifier, 3, fallback),) * v["n"]
    matches(walk(steps(v["n"], beta=v["beta"]), nodes), v)


def strategies_blind(v: dict[str, Any]) -> None:
    """A verifier that shares a part of the generator's blind spots sees that much less."""
    blind = steps(v["n"]).worse(sensitivity=1 - v["blind"])
    matches(walk(blind, (Option("judge", 3, "human"),) * v["n"]), v)


def strategies_delta(v: dict[str, Any]) -> None:
    if v["strategy"].startswith("optimal"):
        searched(v, v["delta"])
        return
    verifier, _, _, fallback = v["strategy"].split()
    nodes = (Option(verifier, 3, fallback),) * v["n"]
    matches(walk(steps(v["n"], delta=v["delta"]), nodes), v)


def heuristics_vs_optimum(v: dict[str, Any]) -> None:
    """The reference's 200 chains are not given: ours show the same order, about the same size."""
    draw = random.Random(12)
    ratios: dict[str, list[float]] = {name: [] for name in v}
    for _ in range(12):
        yields = [draw.uniform(0.9, 0.999) for _ in range(12)]
        costs = [draw.uniform(0.5, 3) for _ in range(12)]
        human = (Person("human", 0.98, 100.0),)
        pipeline = Pipeline(
            chain(yields, costs), three(attempts=(3,), ends="human")[1:2], human
        )  # fmt: skip
        best = solve(pipeline, 2000).value
        judge = pipeline.options()[0]
        weakest = sorted(range(12), key=yields.__getitem__)[:3]
        plans = {
            "none": (None,) * 12, "every": (judge,) * 12, "last": (None,) * 11 + (judge,),
            "weakest3": tuple(judge if i in weakest else None for i in range(12)),
            "greedy": greedy(pipeline, judge),
        }  # fmt: skip
        for name, nodes in plans.items():
            ratio = walk(pipeline, nodes).total(pipeline, 2000) / best
            assert ratio >= 1 - EXACT
            ratios[name].append(ratio)
    mean = {name: sum(r) / len(r) for name, r in ratios.items()}
    assert 1 <= mean["greedy"] <= 1.01
    assert mean["greedy"] < mean["every"] < 1.3
    assert mean["every"] < mean["last"] < mean["none"]
    assert mean["every"] < mean["weakest3"] < mean["none"]
    assert all(abs(math.log(mean[name] / v[name]["mean"])) < math.log(3) for name in v)


def greedy(pipeline: Pipeline, judge: Option) -> tuple[Option | None, ...]:
    """One node at a time, the one that saves most."""
    nodes: tuple[Option | None, ...] = (None,) * len(pipeline.steps)
    while True:
        tried = [
            (*nodes[:i], judge, *nodes[i + 1 :]) for i, node in enumerate(nodes) if node is None
        ]
        best = min([nodes, *tried], key=lambda each: walk(pipeline, each).total(pipeline, 2000))
        if best == nodes:
            return nodes
        nodes = best


def scenario(v: dict[str, Any]) -> Pipeline:
    """Text operations with the prices of `three` in steps of $.02; a video shot.

    The note does not print the shot's verifiers and person: found by matching every figure of its
    row, and confirmed by those of 30 steps in the note (105.9, 48.0, yield .9981).
    """
    if v.get("scenario", "text").startswith("text"):
        return replace(
            steps(v["n"], verifiers=three(0.02), people=(Person("human", 0.99, 5),)),
            steps=chain([0.97] * v["n"], 0.02),
            escape_cost=50,
        )
    rows = {"schema": (0.4, 0.002, 0.01), "judge": (0.8, 0.05, 0.05), "panel": (0.95, 0.03, 0.2)}
    verifiers = tuple(Verifier(k, *row, BEST, ("pass", "human")) for k, row in rows.items())
    human = (Person("human", 0.98, 40),)
    return steps(v["n"], verifiers=verifiers, people=human, escape_cost=5000)


def money(v: dict[str, Any]) -> None:
    pipeline, n = scenario(v), v["n"]
    same(walk(pipeline, (None,) * n).total(pipeline), v["no_verify_total"])
    every = (Option("judge", 3, "human"),) * n
    same(walk(pipeline, every).total(pipeline), v["every_judge_total"])
    assert pipeline.escape_cost is not None
    found = solve(pipeline, pipeline.escape_cost)
    same(found.value, v["opt_total"])
    assert found.nodes == plan_of(v)
    outcome = walk(pipeline, found.nodes)
    same(outcome.good, v["opt_R"])
    same(outcome.cost, v["opt_run_cost"])
    same(outcome.human, v["human"])
    same(sum(step.cost for step in pipeline.steps) / outcome.cost, v["model_share"])


def misestimation(v: dict[str, Any]) -> None:
    believed = scenario(v)
    truth = replace(believed.worse(sensitivity=v["truth_r_scale"]), delta=v["truth_delta"])
    plan = solve(believed, 50)
    same(plan.value, v["believed_total"])
    actual = walk(truth, plan.nodes)
    same(actual.total(truth), v["actual_total"])
    same(actual.good, v["actual_R"])
    again = solve(truth, 50)
    same(again.value, v["reoptimised_total"])
    same(walk(truth, again.nodes).good, v["reopt_R"])
    same(actual.total(truth) / again.value - 1, v["regret"], absolute=1e-9)
    same(actual.total(truth) / plan.value, v["blindness"])


def dag(v: dict[str, Any]) -> None:
    graph = (
        Step("A", 0.97, 1), Step("B", 0.95, 1, after=("A",)), Step("C", 0.90, 2, after=("A",)),
        Step("D", 0.98, 1, after=("B", "C"), needs=2), Step("E", 0.96, 1, after=("C",)),
        Step("F", 0.97, 1, after=("D", "E"), needs=1),
    )  # fmt: skip
    judge = (Verifier("judge", 0.9, 0.05, 0.3, (3,), ("human",)),)
    pipeline = Pipeline(graph, judge, (Person("human", 0.98, 50),))
    exact, option = Graph(pipeline), pipeline.options()[0]

    def nodes(names: str) -> tuple[Option | None, ...]:
        return tuple(option if step.name in names else None for step in graph)

    for row in v["rows"]:
        found = exact.outcome(exact.plan(nodes(row["verifiers"])))
        wanted = row["exact"]
        for value, name in ((found.good, "good"), (found.cost, "cost"), (found.human, "human")):
            same(value, wanted[name])
        assert max(move.size for move in exact.moves) == wanted["max_states"]
        assert abs(row["mc"]["good"] - found.good) < 4 * math.sqrt(0.25 / 200_000)
        seen = simulate(pipeline, nodes(row["verifiers"]), 20_000, seed=3)
        spread = math.sqrt(found.good * (1 - found.good) / 20_000)
        assert abs(seen.good / 20_000 - found.good) < 4 * spread
        assert abs(seen.cost - found.cost) <= 4 * seen.cost_se + 1e-9
    same(exact.outcome(exact.plan(nodes(""))).good, v["hand_no_verifier"])
    for price, wanted in ((v["placement"]["D"], v["placement"]["best"]),):
        best = min((c + price * b, list(plan)) for plan, c, _, b in exact.every())
        same(best[0], wanted[0])
        assert exact.nodes(best[1]) == nodes(wanted[1])
        assert exact.search(price, 0.0)[1] == best[1]  # as the reference's greedy does


TESTS: dict[str, Callable[[dict[str, Any]], None]] = {
    test.__name__.rstrip("_"): test
    for test in (
        series_, series_het, maker, vote_ahead_k, vote_mc, vote_common_cause, majority,
        verified_step, resampling_ceiling, fp_cost_reward, breakeven_verifier_price, verify_spacing,
        retry_under_heterogeneity, taubench_retry_with_judge, shared_difficulty, half_life, erlang,
        chain_eval, placement_small, placement_scale, strategies_6_and_30, strategies_sticky,
        strategies_blind, strategies_delta, heuristics_vs_optimum, money, misestimation, dag,
    )
}  # fmt: skip
MEASURED = {
    "gap_decomposition", "binomial_intervals", "success_run", "series_intervals",
    "lower95_coverage_sim", "gap_test", "gap_power", "n_for_halfwidth", "em_first_failure",
    "rogan_gladen", "lincoln_petersen", "pass_hat_k", "crc", "ltt", "escalation_budget",
    "langgraph_retry", "chain_eval_tolerance",
}  # fmt: skip
"""Families of the measuring side (`test_vectors_measure.py`), and a line of text."""


def cases() -> list[Any]:
    out = []
    for name in TESTS:
        given = DATA.get("vectors", {}).get(name, [])
        for i, one in enumerate(given if isinstance(given, list) else [given]):
            out.append(pytest.param(name, one, id=f"{name}-{i}"))
    return out


@pytest.mark.skipif(not DATA, reason="needs ../shared")
@pytest.mark.parametrize(("family", "vector"), cases())
def test_vector(family: str, vector: dict[str, Any]) -> None:
    TESTS[family](vector)


@pytest.mark.skipif(not DATA, reason="needs ../shared")
def test_no_family_is_forgotten() -> None:
    assert set(DATA["vectors"]) == set(TESTS) | MEASURED


def test_figures_of_the_research_note_that_have_no_vector() -> None:
    """With an abort; 30 steps in money; break-even before publish; a harmful verifier."""
    judge = (Verifier("judge", 0.9, 0.05, 0.3),)
    pipeline = steps(6, verifiers=judge)
    abort = Option("judge", 2, "abort")
    found = walk(pipeline, (None, None, abort, None, None, abort))
    for value, wanted in (
        (found.good, 0.950137), (found.bad, 0.011435), (found.aborted, 0.038428),
        (1 - found.escaped, 0.988108), (found.cost_per_good, 7.7755),
    ):  # fmt: skip
        assert value == pytest.approx(wanted, abs=5e-5)
    text, video = ({"n": 30, "scenario": name} for name in ("text", "video"))
    for row, wanted_total in ((text, 1.115), (video, 48.0)):
        assert solve(scenario(row), scenario(row).escape_cost or 0).value == pytest.approx(
            wanted_total, abs=0.05
        )
    assert segment.break_even_price(0.833, 0.8, 0.05, 5000, 40) == pytest.approx(661, abs=0.5)
    assert segment.break_even_price(0.999, 0.8, 0.05, 50, 5) == pytest.approx(-0.21, abs=0.005)
    assert not segment.helps(0.03, 0.05)
    harmed = segment.verified(0.97, 0.03, 0.05, 1)
    assert float(harmed.accept_good + harmed.last_good) == pytest.approx(0.97)
    assert float(harmed.ppv) < 0.97
