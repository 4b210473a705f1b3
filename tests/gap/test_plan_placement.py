"""Placement against brute force, by an evaluation that shares no code with the product's."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from filmgate.errors import UsageError
from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import Nodes, Option, Person, Pipeline, Step, Verifier, chain
from filmgate.gap.placement import bounded, evaluate, graph, plan
from filmgate.gap.placement.chain import Chain, solve
from filmgate.gap.walk import walk

CALM = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
PLANS = 500
"""At most so many per example: what plain Python tries in a fraction of a second."""


class Result(NamedTuple):
    good: float
    bad: float
    aborted: float
    cost: float

    def total(self, bad_price: float, abort_price: float) -> float:
        return self.cost + bad_price * self.bad + abort_price * self.aborted


def attempts(
    s: float, r: float, f: float, m: int, beta: float
) -> tuple[float, float, float, float, float]:
    """Attempt by attempt: accepted good and bad, last good and bad, expected attempts."""
    sticky = beta * (1 - s)
    good = min(1.0, s / (1 - sticky)) if sticky < 1 else 0.0
    out = [0.0] * 5
    open_ = 1 - sticky
    for i in range(m):
        out[4] += open_
        out[0] += open_ * good * (1 - f)
        out[1] += open_ * (1 - good) * (1 - r)
        if i == m - 1:
            out[2] += open_ * good * f
            out[3] += open_ * (1 - good) * r
        open_ *= good * f + (1 - good) * r
    out[1] += sticky * (1 - r)
    out[3] += sticky * r
    out[4] += sticky * ((1 - r) + r * m)
    return out[0], out[1], out[2], out[3], out[4]


@functools.cache
def vote(p: float, lead: int, beta: float) -> tuple[float, float]:
    """P(right) and samples of first to be ahead by `lead`, by the equations of a random walk."""
    sticky = beta * (1 - p)
    if sticky >= 1:
        return 0.0, float(lead)
    p = min(1.0, p / (1 - sticky))
    size = 2 * lead - 1
    step = np.eye(size) - p * np.eye(size, k=1) - (1 - p) * np.eye(size, k=-1)
    wins, once = np.zeros(size), np.ones(size)
    wins[-1] = p
    right, wait = (float(np.linalg.solve(step, side)[lead - 1]) for side in (wins, once))
    return (1 - sticky) * right, (1 - sticky) * wait + sticky * lead


def plain(pipeline: Pipeline, nodes: Nodes) -> Result:
    """A chain with given nodes, segment by segment, in plain Python."""
    good, bad, aborted, cost = 1.0, 0.0, 0.0, 0.0
    clean, dirty, spent = 1.0, 0.0, 0.0
    for step, node in zip(pipeline.steps, nodes, strict=True):
        p, q, price = step.p, step.repair, step.cost
        if node is not None and node.lead:
            p, samples = vote(p, node.lead, pipeline.beta)
            q, price = vote(q, node.lead, pipeline.beta)[0], price * samples
        clean, dirty = clean * p + (1 - clean) * q, dirty * p + (1 - dirty) * q
        spent += price
        if node is None:
            continue
        if node.lead:
            cost += (good + bad) * spent
            good, bad = good * clean + bad * dirty, good * (1 - clean) + bad * (1 - dirty)
        else:
            v = pipeline.verifier(node.verifier)
            delta = pipeline.delta if v.delta is None else v.delta
            after_good = after_bad = 0.0
            for mass, s, r in (
                (good, clean, v.sensitivity), (bad, dirty, delta * v.sensitivity)
            ):  # fmt: skip
                row = attempts(s, r, v.false_alarm, node.attempts, pipeline.beta)
                left = row[2] + row[3]
                cost += mass * row[4] * (spent + v.cost)
                after_good += mass * row[0]
                after_bad += mass * row[1]
                if node.fallback == "pass":
                    after_good, after_bad = after_good + mass * row[2], after_bad + mass * row[3]
                elif node.fallback == "abort":
                    aborted += mass * left
                else:
                    who = pipeline.person(node.fallback)
                    after_good += mass * left * who.accuracy
                    after_bad += mass * left * (1 - who.accuracy)
                    cost += 0.0 if v.by == who.name else mass * left * who.cost
            good, bad = after_good, after_bad
        clean, dirty, spent = 1.0, 0.0, 0.0
    cost += (good + bad) * spent
    return Result(good * clean + bad * dirty, good * (1 - clean) + bad * (1 - dirty), aborted, cost)


def every(pipeline: Pipeline) -> Iterator[Nodes]:
    """All plans."""
    options = pipeline.options()
    return itertools.product(
        *[[None, *(o for o in options if pipeline.allows(s, o))] for s in pipeline.steps]
    )


shares = some.one_of(some.floats(0, 1), some.sampled_from([0.0, 1.0]), some.floats(0.9, 1))
prices = some.one_of(some.just(0.0), some.floats(0, 3))


@some.composite
def verifiers(draw: some.DrawFn, name: str, ends: Sequence[str]) -> Verifier:
    few = some.lists(some.integers(1, 4), min_size=1, max_size=2, unique=True)
    return Verifier(
        name,
        draw(some.floats(0.2, 1)),
        draw(some.one_of(some.just(0.0), some.floats(0, 0.19))),
        draw(prices),
        tuple(draw(few)),
        tuple(draw(some.lists(some.sampled_from(ends), min_size=1, max_size=2, unique=True))),
        draw(some.one_of(some.none(), some.floats(0, 1))),
        draw(some.sampled_from([None, None, "editor"])),
    )


@some.composite
def chains(draw: some.DrawFn, longest: int = 8, aborts: bool = True) -> Pipeline:
    """Chains of up to `longest` stages with everything the model knows."""
    n = draw(some.integers(1, longest))
    ends = ["pass", "editor", "abort"] if aborts else ["pass", "editor"]
    judges = [draw(verifiers("judge", ends))]
    if draw(some.booleans()):
        judges.append(draw(verifiers("panel", ends)))
    steps = chain([draw(shares) for _ in range(n)], [draw(prices) for _ in range(n)])
    made = Pipeline(
        tuple(
            replace(
                s,
                repair=draw(some.one_of(some.just(0.0), some.floats(0, 1))),
                verifiers=draw(some.sampled_from([None, None, None, ("judge",), ()])),
                votes=draw(some.booleans()),
            )
            for s in steps
        ),
        tuple(judges),
        (Person("editor", draw(some.floats(0.5, 1)), draw(some.floats(0, 30))),),
        votes=draw(some.sampled_from([(), (), (2,)])),
        beta=draw(some.sampled_from([0.0, 0.1, 0.5, 1.0])),
        delta=draw(some.sampled_from([1.0, 0.5, 0.0])),
        abort_cost=draw(some.floats(0, 30)),
    )
    while math.prod(len(list(_at(made, s))) for s in made.steps) > PLANS:
        made = replace(made, steps=made.steps[:-1])
    return made


def _at(pipeline: Pipeline, step: Step) -> Iterator[Option | None]:
    yield None
    yield from (o for o in pipeline.options() if pipeline.allows(step, o))


@CALM
@given(chains(), some.one_of(some.just(0.0), some.floats(0, 20), some.floats(0, 2000)))
def test_exact_placement_is_brute_force(pipeline: Pipeline, bad_price: float) -> None:
    found = solve(pipeline, bad_price)
    best = min(plain(pipeline, p).total(bad_price, pipeline.abort_cost) for p in every(pipeline))
    own = plain(pipeline, found.nodes).total(bad_price, pipeline.abort_cost)
    assert found.value == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert own == pytest.approx(best, rel=1e-9, abs=1e-9)
    assert found.nodes in set(every(pipeline)), "only what is allowed stands anywhere"


@CALM
@given(chains(), some.one_of(some.just(0.0), some.floats(0, 20), some.floats(0, 2000)))
def test_what_the_bounds_leave_out_is_never_needed(pipeline: Pipeline, bad_price: float) -> None:
    """Short chains are looked at whole; here the bounds that long ones need decide everything."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"NEAR": 1, "BLOCK": 1, "LITTLE": 0, "COARSE": (2, 3)}.items():
            patch.setattr(f"filmgate.gap.placement.chain.{name}", value)
        found = solve(pipeline, bad_price)
    best = min(plain(pipeline, p).total(bad_price, pipeline.abort_cost) for p in every(pipeline))
    assert found.value == pytest.approx(best, rel=1e-9, abs=1e-9)


@CALM
@given(chains(aborts=False), some.data())
def test_no_plan_leads_below_the_least_belief(pipeline: Pipeline, data: some.DataObject) -> None:
    low = Chain(pipeline, Menu.of(pipeline)).low
    nodes = tuple(data.draw(some.sampled_from(list(_at(pipeline, s)))) for s in pipeline.steps)
    assert low[0] == pytest.approx(1)
    for i in range(1, len(nodes) + 1):
        part = replace(pipeline, steps=pipeline.steps[:i])
        assert plain(part, nodes[:i]).good >= low[i]


def test_the_least_belief_is_worth_having() -> None:
    judge = Verifier("judge", 0.9, 0.05, 0.3, fallback=("pass", "editor"))
    low = Chain(made := Pipeline(chain([0.999] * 100), (judge,), (Person("editor", 0.99, 250.0),)),
                Menu.of(made)).low  # fmt: skip
    assert 0.8 < low[-1] < 0.999**100
    aborts = replace(made, verifiers=(replace(judge, fallback=("abort",)),))
    assert Chain(aborts, Menu.of(aborts)).low[-1] == 0


def test_a_yield_next_to_nothing_is_no_overflow() -> None:
    judge = Verifier("judge", 0.9, 0.05, 0.3, (2,), ("pass",))
    pipeline = Pipeline(chain([1e-310, *[0.9] * 12], 3.0), (judge,))
    assert solve(pipeline, 1000.0).value == pytest.approx(1000 + 3 * 13)
    assert not bounded.cheapest(pipeline, 0.5).met


@pytest.mark.parametrize("beta", [0.0, 0.2])
def test_eight_stages_with_two_verifiers_are_brute_force(beta: float) -> None:
    judge = Verifier("judge", 0.9, 0.05, 0.3, (3,), ("editor",))
    check = Verifier("check", 0.5, 0.01, 0.02, (2,), ("pass",))
    yields = (0.99, 0.93, 0.98, 0.96, 0.995, 0.97, 0.9, 0.99)
    pipeline = Pipeline(
        chain(yields, (1, 3, 0.5, 2, 1, 1, 0.1, 2)), (judge, check),
        (Person("editor", 0.98, 100),), beta=beta, delta=0.7,
    )  # fmt: skip
    best = min(plain(pipeline, nodes).total(200, 0) for nodes in every(pipeline))  # 3^8 plans
    assert solve(pipeline, 200).value == pytest.approx(best, rel=1e-12)


@CALM
@given(chains(), some.data())
def test_the_walk_is_the_model(pipeline: Pipeline, data: some.DataObject) -> None:
    nodes = tuple(data.draw(some.sampled_from(list(_at(pipeline, s)))) for s in pipeline.steps)
    found, wanted = walk(pipeline, nodes), plain(pipeline, nodes)
    assert (found.good, found.bad, found.aborted) == pytest.approx(wanted[:3], abs=1e-9)
    assert found.cost == pytest.approx(wanted.cost, rel=1e-9, abs=1e-9)
    assert found.good + found.bad + found.aborted == pytest.approx(1)


@settings(CALM, max_examples=30)
@given(chains(longest=6), some.floats(0, 1))
def test_the_cheapest_plan_for_a_target_is_brute_force(pipeline: Pipeline, at: float) -> None:
    tried = [plain(pipeline, nodes) for nodes in every(pipeline)]
    most, least = max(r.good for r in tried), min(r.good for r in tried)
    target = least + at * (most - least) * 1.05 + 1e-9
    found = bounded.cheapest(pipeline, target)
    enough = [r.cost for r in tried if r.good >= target]
    near = any(abs(r.good - target) < 1e-8 for r in tried)
    assert found.proven
    if near:
        return  # a plan exactly at the target is a matter of rounding
    assert found.met == bool(enough)
    if enough:
        assert found.outcome.good >= target - 1e-9
        assert found.outcome.cost == pytest.approx(min(enough), rel=1e-8, abs=1e-8)
    else:
        assert found.outcome.good == pytest.approx(most, abs=1e-7)


@settings(CALM, max_examples=30)
@given(chains(longest=6), some.floats(0, 1))
def test_the_best_plan_within_a_budget_is_brute_force(pipeline: Pipeline, at: float) -> None:
    tried = [plain(pipeline, nodes) for nodes in every(pipeline)]
    least, most = min(r.cost for r in tried), max(r.cost for r in tried)
    budget = least * 0.98 + at * (most - least * 0.98)
    found = bounded.best_within(pipeline, budget)
    fits = [r.good for r in tried if r.cost <= budget]
    if any(abs(r.cost - budget) < 1e-7 * (1 + budget) for r in tried):
        return
    assert found.met == bool(fits)
    if fits:
        assert found.outcome.cost <= budget * (1 + 1e-9)
        assert found.outcome.good == pytest.approx(max(fits), abs=1e-7)


def test_a_search_that_is_cut_short_says_so_and_by_how_much(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge = Verifier("judge", 0.9, 0.05, 0.3, (1, 2, 3), ("pass",))
    pipeline = Pipeline(chain([0.99] * 40), (judge,))
    whole = bounded.best_within(pipeline, 43.0)
    assert whole.proven
    assert whole.bound == whole.outcome.good
    monkeypatch.setattr(bounded, "LABELS", 0)
    monkeypatch.setattr(bounded, "LEAST", 3)
    short = bounded.best_within(pipeline, 43.0)
    assert not short.proven
    assert short.outcome.cost <= 43.0 * (1 + 1e-9)
    assert short.outcome.good <= whole.outcome.good
    assert short.bound is not None
    assert short.bound >= whole.outcome.good - 1e-12
    monkeypatch.setattr(bounded, "LONG", 10)
    assert not bounded.cheapest(pipeline, 0.75).proven


def test_a_limit_on_how_far_a_flag_sends_back_is_kept() -> None:
    judge = Verifier("judge", 0.9, 0.05, 5.0, (2,), ("pass",))
    pipeline = Pipeline(chain([0.97] * 12), (judge,))
    free, tied = solve(pipeline, 300), solve(pipeline, 300, longest=3)
    assert tied.value > free.value
    places = [-1, *(i for i, node in enumerate(tied.nodes) if node is not None)]
    assert all(b - a <= 3 for a, b in itertools.pairwise(places))


def diamond(**changes: object) -> Pipeline:
    steps = (
        Step("plan", 0.9, 1), Step("left", 0.8, 1, after=("plan",)),
        Step("right", 0.95, 2, 0.1, after=("plan",)),
        Step("join", 0.97, 1, after=("left", "right"), needs=2),
    )  # fmt: skip
    judge = Verifier("judge", 0.9, 0.05, 0.1, (1, 3), ("pass", "editor", "abort"))
    made = Pipeline(steps, (judge,), (Person("editor", 0.98, 5),), escape_cost=40)
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_graph_is_evaluated_exactly() -> None:
    """Against a sum over all states of all steps, written out."""
    pipeline = diamond()
    total = 0.0
    for states in itertools.product((0, 1), repeat=4):
        plan_, left, right, join = states
        ok = {"plan": 1, "left": plan_, "right": plan_, "join": int(left and right)}
        chance = 1.0
        for step, state in zip(pipeline.steps, states, strict=True):
            p = step.p if ok[step.name] else step.repair
            chance *= p if state else 1 - p
        total += chance * join
    assert evaluate(pipeline, (None,) * 4).good == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize("beta", [0.0, 0.3])
def test_a_small_graph_is_enumerated_and_the_search_comes_close(beta: float) -> None:
    pipeline = diamond(beta=beta, delta=0.6, votes=(2,))
    exact = graph.Graph(pipeline)
    totals = [c + 40 * b for _, c, _, b in exact.every()]
    found = plan(pipeline)
    assert found.proven
    assert found.outcome.total(pipeline) == pytest.approx(min(totals), rel=1e-12)
    assert exact.search(40, 0)[0] <= 1.001 * min(totals)
    base = [exact.none] * 4
    _, changed = exact.changes(base, 40, 0)
    for step, options in enumerate(exact.allowed):
        for option in options:
            other = [*base[:step], option, *base[step + 1 :]]
            wanted = exact.outcome(other).total(pipeline)
            assert changed[step][option] == pytest.approx(wanted, rel=1e-12)


def test_a_large_graph_is_said_to_be_unproven(monkeypatch: pytest.MonkeyPatch) -> None:
    small = plan(diamond(), target=0.97)
    monkeypatch.setattr("filmgate.gap.placement.ENUMERATE", 1)
    found = plan(diamond(), target=0.97)
    assert not found.proven
    assert found.bound is None
    assert "not proven" in found.how
    assert found.met
    assert found.outcome.cost <= small.outcome.cost * 1.05
    assert plan(diamond(), budget=7.0).outcome.cost <= 7.0


def test_a_frontier_that_is_too_wide_is_refused_in_a_sentence() -> None:
    wide = tuple(Step(f"s{i}", 0.99) for i in range(20))
    last = Step("end", 0.99, after=tuple(s.name for s in wide), needs=20)
    with pytest.raises(UsageError, match="simulate"):
        evaluate(Pipeline((*wide, last)), (None,) * 21)


def test_two_last_steps_do_not_connect() -> None:
    with pytest.raises(UsageError, match="do not connect"):
        evaluate(Pipeline((Step("a", 0.9), Step("b", 0.9))), (None, None))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({}, "nothing to plan for"),
        ({"target": 0.9, "budget": 3.0}, "one of them"),
        ({"target": 1.2}, "between 0 and 1"),
        ({"target": math.nan}, "between 0 and 1"),
        ({"budget": -1.0}, "at least 0"),
        ({"budget": math.inf}, "at least 0"),
    ],
)
def test_a_question_that_makes_no_sense_is_refused(asked: dict[str, float], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        plan(Pipeline(chain([0.9])), **asked)


def test_a_harmful_verifier_is_in_no_plan() -> None:
    """r <= f: its word makes things worse, or no better."""
    bad = Verifier("noise", 0.05, 0.05, 0.0, (1, 2, 3), ("pass", "abort"))
    pipeline = Pipeline(chain([0.9] * 4), (bad,), escape_cost=1000, abort_cost=0)
    assert pipeline.harmful == (bad,)
    assert pipeline.options() == ()
    assert plan(pipeline).nodes == (None,) * 4
    accepted = walk(pipeline, (None, None, None, Option("noise", 3, "pass")))
    assert accepted.good == pytest.approx(0.9**4)
    worse = replace(bad, sensitivity=0.03)
    harmed = walk(
        replace(pipeline, verifiers=(worse,)), (None,) * 3 + (Option("noise", 1, "abort"),)
    )
    assert 1 - harmed.escaped < 0.9**4
