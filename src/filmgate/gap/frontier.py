"""What surrounds a plan: the frontier of cost against reliability, and what each node is worth."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import Nodes, Option, Pipeline
from filmgate.gap.placement import evaluate
from filmgate.gap.placement.bounded import all_out
from filmgate.gap.placement.chain import Arcs, Chain, Runs
from filmgate.gap.placement.graph import WIDEST_SEARCHED, Graph
from filmgate.gap.segment import Array
from filmgate.gap.walk import Outcome

POINTS = 16
"""Of the frontier: enough for its shape; one more costs one more solution."""
LARGE = 200
"""Steps from which fewer points are drawn and the simple rules are left out: seconds each."""


@dataclass(frozen=True, slots=True)
class Point:
    """One plan of the frontier; `price` of a bad item is where it is the best there is."""

    price: float
    nodes: Nodes
    outcome: Outcome


def frontier(pipeline: Pipeline, points: int = POINTS) -> tuple[Point, ...]:
    """Plans none of which is both cheaper and more reliable than another, cheapest first.

    On a chain these are the plans that are best at some price of a bad item, the most far apart
    first: the corners of the frontier's convex hull. On a graph they are what the search finds.
    """
    best = _solver(pipeline)
    points = points if len(pipeline.steps) <= LARGE else min(points, 7)
    found = [_point(pipeline, best, 0.0), _point(pipeline, best, all_out(pipeline))]
    open_ = {0: _apart(*found)}  # by the left one of each pair of neighbours
    while open_ and len(found) < points:
        left = max(open_, key=lambda i: open_[i])
        del open_[left]
        low, high = found[left].outcome, found[left + 1].outcome
        if high.good - low.good <= 1e-9 or high.cost <= low.cost:
            continue
        price = (high.cost - low.cost) / (high.good - low.good)
        middle = _point(pipeline, best, price)
        gain = low.cost + price * (1 - low.good) - middle.outcome.cost
        if gain - price * (1 - middle.outcome.good) <= 1e-9 * abs(low.cost):
            continue
        found.insert(left + 1, middle)
        open_ = {i + (i > left): size for i, size in open_.items()}
        open_[left], open_[left + 1] = (_apart(*found[i : i + 2]) for i in (left, left + 1))
    kept: list[Point] = []
    for point in sorted(found, key=lambda p: (p.outcome.cost, -p.outcome.good)):
        if not kept or point.outcome.good > kept[-1].outcome.good + 1e-12:
            kept.append(point)
    return tuple(kept)


def _apart(low: Point, high: Point) -> float:
    """By how much the failures differ: from 90 to 99 % good is as far as from 99 to 99.9 %."""
    return math.log((1 - low.outcome.good + 1e-9) / (1 - high.outcome.good + 1e-9))


def _point(pipeline: Pipeline, best: Callable[[float], Nodes], price: float) -> Point:
    nodes = best(price)
    return Point(price, nodes, evaluate(pipeline, nodes))


def _solver(pipeline: Pipeline) -> Callable[[float], Nodes]:
    """The best nodes there are, or that are found, at a price of every item that is not good."""
    if pipeline.is_chain:
        chain = Chain(pipeline, Menu.of(pipeline))
        return lambda price: chain.solve(price, price).nodes
    graph = Graph(pipeline, widest=WIDEST_SEARCHED)
    return lambda price: graph.nodes(graph.search(price, price)[1])


@dataclass(frozen=True, slots=True)
class Price:
    """What a check at one handoff is worth.

    Attributes:
        option: what stands there, or the best that could be added there.
        stands: whether it is in the plan.
        checks: expected checks per item.
        break_even: the price of one check up to which it pays, all else left as it is; below 0:
            not even for nothing. None for a vote, which is paid by its samples.
        asked: what one check costs.
        saves: what it saves per item at that price (below 0: what it would cost).
    """

    option: Option
    stands: bool
    checks: float
    break_even: float | None
    asked: float
    saves: float


def price_list(
    pipeline: Pipeline, nodes: Nodes, bad_price: float, abort_price: float
) -> tuple[Price | None, ...]:
    """The worth of a node at every handoff, the other nodes left as they are.

    Args:
        pipeline: a chain or a graph.
        nodes: the plan.
        bad_price, abort_price: of a bad and of an aborted item.

    Returns:
        One per step; None where nothing may stand.
    """
    menu = Menu.of(pipeline)
    today = tuple(n for n in dict.fromkeys(nodes) if n is not None and n not in menu.options)
    menu = Menu(pipeline, tuple(sorted((*menu.options, *today), key=lambda o: o.lead > 0)))
    if not menu.options:
        return (None,) * len(nodes)
    singles = _on_chain if pipeline.is_chain else _on_graph
    found = singles(pipeline, menu, nodes, bad_price, abort_price)
    for i, step in enumerate(pipeline.steps):
        found.totals[i, menu.forbidden(step)] = np.inf
    return tuple(_price(pipeline, menu, found, i, node) for i, node in enumerate(nodes))


@dataclass(frozen=True, slots=True)
class _Singles:
    """Plans that differ from one at a single handoff.

    Attributes:
        without: (steps) total cost with nothing there.
        totals: (steps, options) with each option there; infinite where it may not stand.
        checks: expected checks of an option at a step.
    """

    without: Array
    totals: Array
    checks: Callable[[int, int], float]


def _price(
    pipeline: Pipeline, menu: Menu, found: _Singles, step: int, node: Option | None
) -> Price | None:
    at = int(found.totals[step].argmin()) if node is None else menu.options.index(node)
    option, total = menu.options[at], float(found.totals[step, at])
    if not np.isfinite(total):
        return None
    saves = float(found.without[step]) - total
    if option.lead:
        return Price(option, node is not None, 0.0, None, 0.0, saves)
    asked, checks = pipeline.verifier(option.verifier).cost, found.checks(step, at)
    break_even = asked + saves / checks if checks > 0 else None
    return Price(option, node is not None, checks, break_even, asked, saves)


def _on_graph(
    pipeline: Pipeline, menu: Menu, nodes: Nodes, bad_price: float, abort_price: float
) -> _Singles:
    graph = Graph(pipeline, menu, WIDEST_SEARCHED)
    plan = graph.plan(nodes)
    table = np.array(graph.changes(plan, bad_price, abort_price)[1])

    def checks(step: int, option: int) -> float:
        return graph.outcome([*plan[:step], option, *plan[step + 1 :]]).handoffs[step].checks

    return _Singles(table[:, -1], table[:, :-1], checks)


def _on_chain(
    pipeline: Pipeline, menu: Menu, nodes: Nodes, bad_price: float, abort_price: float
) -> _Singles:
    """By what lies before each segment of the plan, and what lies behind every handoff."""
    chain, n = Chain(pipeline, menu), len(nodes)
    number = [-1 if node is None else menu.options.index(node) for node in nodes]
    run = Runs(chain)
    behind = np.zeros((n + 1, 2))  # total cost from a checkpoint there, for a good and a bad item
    behind[n, 1] = bad_price
    first, lines = np.zeros((n, 2)), np.zeros((2, n, len(menu.options)))
    attempts = np.zeros((2, n, len(menu.options)))
    steps: dict[int, Arcs] = {}

    def to(j: int, end: int) -> Array:
        """From checkpoint j to the node behind step `end` and on, or to the end of the chain."""
        if end == n:
            return np.array(chain.ending(run, bad_price))
        arc = chain.arcs(j, np.array([end - j]), run).take(np.array([number[end]]))
        steps[j] = arc
        return _through(arc, behind, abort_price)[:, 0]

    for j in range(n - 1, -1, -1):
        run.back()
        end = next((i for i in range(j, n) if number[i] >= 0), n)
        behind[j] = to(j, end)
        if j > 0 and number[j - 1] < 0:
            continue
        inside = np.arange(min(end + 1, n) - j)
        arcs = chain.arcs(j, inside, run)
        lines[:, j : j + inside.size] = _through(arcs, behind, abort_price).reshape(
            2, inside.size, -1
        )
        rows = menu.judged(run.success[:, inside], run.cost[inside])
        attempts[:, j : j + inside.size, : len(menu.checks)] = rows.attempts
        first[j : j + inside.size] = behind[j]
        if end < n:
            own = steps[j]
            first[end] = to(j, next((i for i in range(end + 1, n) if number[i] >= 0), n))
            steps[j] = own
    return _joined(chain, number, steps, first, lines, attempts, abort_price)


def _through(arcs: Arcs, behind: Array, abort_price: float) -> Array:
    """(2, arcs) the total cost along arcs and on, for a good and for a bad item."""
    x, y = behind[arcs.to].T
    made: Array = arcs.cost + arcs.good * x + arcs.bad * y + arcs.aborted * abort_price
    return made


def _joined(
    chain: Chain,
    number: list[int],
    steps: dict[int, Arcs],
    first: Array,
    lines: Array,
    attempts: Array,
    abort_price: float,
) -> _Singles:
    """The lines from each checkpoint of the plan, weighted with what arrives there."""
    states = np.zeros((chain.n, 2))
    spent = np.zeros(chain.n)
    state, cost, start = np.array([1.0, 0.0]), 0.0, 0
    for i, option in enumerate(number):
        states[i], spent[i] = state, cost
        if option >= 0:
            arc = steps[start]
            cost += float(state @ (arc.cost + abort_price * arc.aborted)[:, 0])
            state = np.array([state @ arc.good[:, 0], state @ arc.bad[:, 0]])
            start = i + 1
    totals = spent[:, None] + np.einsum("is,sio->io", states, lines)
    checks = np.einsum("is,sio->io", states, attempts)
    without = spent + (states * first).sum(axis=1)
    return _Singles(without, totals, lambda step, option: float(checks[step, option]))
