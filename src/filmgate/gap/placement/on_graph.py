"""Targets and budgets on graphs: every plan where they are few, else a search by price."""

from __future__ import annotations

import math
from typing import NamedTuple

from filmgate.gap.placement.bounded import EXACT, Bounded
from filmgate.gap.placement.graph import Graph

HALVINGS = 24
"""Of the range of prices, by powers of ten from 1e-3 to 1e9 of the bare cost."""


def tried(graph: Graph, target: float | None, budget: float | None) -> Bounded:
    """The best of all plans under a target or a budget; the nearest to it where none fits."""
    rows = [(plan.copy(), cost, good) for plan, cost, good, _ in graph.every()]
    ranks = [_rank(cost, good, target, budget) for _, cost, good in rows]
    at = min(range(len(rows)), key=ranks.__getitem__)
    plan, cost, good = rows[at]
    # The price of a bad item from which this plan is worth more than every cheaper one.
    price = max(((cost - c) / (good - g) for _, c, g in rows if c < cost and g < good), default=0.0)
    bound = good if target is None else cost
    nodes, outcome = graph.nodes(plan), graph.outcome(plan)
    return Bounded(nodes, outcome, not ranks[at].missed, True, bound, price)


def searched(graph: Graph, target: float | None, budget: float | None) -> Bounded:
    """A plan under a target or a budget: by halving the price of a bad item, then by changes.

    A price reaches only plans on the hull of the frontier; single changes of the plans on the way
    find some of those between.
    """
    bare = [graph.none] * len(graph.allowed)
    scale = math.log10(graph.outcome(bare).cost or 1.0)
    low, high = scale - 3, scale + 9
    plan, best = bare, (_Rank(True, math.inf, math.inf), bare, 0.0)
    for turn in range(HALVINGS + 2):
        at = (high, low)[turn] if turn < 2 else (low + high) / 2
        price = 10.0**at
        # The plan of the price before is a good start; the first and the last get the full search.
        full = turn in (0, HALVINGS + 1)
        _, plan = graph.search(price, price, [plan]) if full else graph.greedy(plan, price, price)
        outcome = graph.outcome(plan)
        best = min(best, (*_changed(graph, plan, target, budget), price))
        if turn >= 2:
            enough = outcome.good >= target if target is not None else outcome.cost > (budget or 0)
            low, high = (low, at) if enough else (at, high)
    rank, plan, price = best
    return Bounded(graph.nodes(plan), graph.outcome(plan), not rank.missed, False, None, price)


def _changed(
    graph: Graph, plan: list[int], target: float | None, budget: float | None
) -> tuple[_Rank, list[int]]:
    """The best single changes of a plan until none is better under the constraint."""
    plan = plan.copy()
    rank: _Rank | None = None
    while True:
        own, costs = graph.changes(plan, 0.0, 0.0)
        own_priced, priced = graph.changes(plan, 1.0, 1.0)
        if rank is None:
            rank = _rank(own, 1 - (own_priced - own), target, budget)
        least = (rank, -1, -1)
        for step, options in enumerate(graph.allowed):
            for option in options:
                cost = float(costs[step][option])
                good = 1 - (float(priced[step][option]) - cost)
                least = min(least, (_rank(cost, good, target, budget), step, option))
        if least[1] < 0 or not least[0].beats(rank):
            return rank, plan
        rank, plan[least[1]] = least[0], least[2]


class _Rank(NamedTuple):
    """Smaller is better: whether the constraint is missed, what is asked for, the cost."""

    missed: bool
    wanted: float
    cost: float

    def beats(self, other: _Rank) -> bool:
        """Whether it is smaller by more than rounding."""
        if self.missed != other.missed:
            return other.missed
        return self.wanted < other.wanted - 1e-9 * (abs(other.wanted) + 1e-3)


def _rank(cost: float, good: float, target: float | None, budget: float | None) -> _Rank:
    if target is not None:
        missed = good < target - EXACT
        return _Rank(missed, -good if missed else cost, cost)
    missed = cost > (budget or 0.0) * (1 + EXACT)
    return _Rank(missed, cost if missed else -good, cost)
