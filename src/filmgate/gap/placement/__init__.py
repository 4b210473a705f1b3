"""Where verification pays: exact on chains, searched on graphs.

`plan` answers three questions: the least total cost when the price of an escaped defect is known,
the cheapest way to a target, the best use of a budget.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from filmgate.errors import UsageError
from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import Nodes, Pipeline
from filmgate.gap.placement.bounded import Bounded, best_within, cheapest
from filmgate.gap.placement.chain import solve
from filmgate.gap.placement.graph import ENUMERATE, WIDEST_SEARCHED, Graph
from filmgate.gap.placement.on_graph import searched, tried
from filmgate.gap.walk import Outcome, walk

Aim = Literal["total", "target", "budget"]
"""total: least cost with what escapes; target: least cost for a share of good items; budget: most
good items for a cost."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What should stand where.

    Attributes:
        aim: the question; `asked` its number (price of an escape, target, budget).
        nodes, outcome: the answer; where it cannot be had, the nearest to it there is.
        met: whether the target or budget is met.
        proven: whether no plan does better.
        bound: what no plan beats: a total cost, a cost for the target, a share for the budget; None
            where nothing is known.
        price: of a bad item, at which this plan is about worth its cost; None where it is the most
            reliable one, whatever the price.
        how: how it was found, in a sentence.
    """

    aim: Aim
    asked: float
    nodes: Nodes
    outcome: Outcome
    met: bool
    proven: bool
    bound: float | None
    price: float | None
    how: str


def plan(pipeline: Pipeline, target: float | None = None, budget: float | None = None) -> Plan:
    """The best nodes for `pipeline`.

    Args:
        pipeline: what there is, and what may be put there.
        target: share of good items at the end, above 0 and below 1.
        budget: expected cost per item, escapes not counted.

    Raises:
        UsageError: target and budget together, or neither and no price of an escape; a target
            outside 0..1; a graph whose frontier is too wide.
    """
    if target is not None and budget is not None:
        raise UsageError("a target and a budget cannot be asked for together: give one of them.")
    if target is not None and not 0 < target < 1:
        raise UsageError(f"a target must lie between 0 and 1, not {target:g}.")
    if budget is not None and not (budget >= 0 and math.isfinite(budget)):
        raise UsageError(f"a budget must be a cost of at least 0, not {budget:g}.")
    if target is None and budget is None and pipeline.escape_cost is None:
        raise UsageError(
            "there is nothing to plan for: give --target or --budget, or say in the pipeline what "
            "an escaped defect costs (escape_cost)."
        )
    if pipeline.is_chain:
        return _on_chain(pipeline, target, budget)
    return _on_graph(pipeline, target, budget)


def evaluate(pipeline: Pipeline, nodes: Nodes) -> Outcome:
    """The exact outcome of given nodes.

    Raises:
        UsageError: a graph whose frontier is too wide.
    """
    if pipeline.is_chain:
        return walk(pipeline, nodes)
    used = tuple(dict.fromkeys(node for node in nodes if node is not None))
    graph = Graph(pipeline, Menu(pipeline, tuple(sorted(used, key=lambda o: o.lead > 0))))
    return graph.outcome(graph.plan(nodes))


def _on_chain(pipeline: Pipeline, target: float | None, budget: float | None) -> Plan:
    if target is None and budget is None:
        price = pipeline.escape_cost or 0.0
        best = solve(pipeline, price)
        outcome = walk(pipeline, best.nodes)
        how = "exact, by dynamic programming over all chains of segments"
        return Plan("total", price, best.nodes, outcome, True, True, best.value, price, how)
    found = (
        cheapest(pipeline, target) if target is not None else best_within(pipeline, budget or 0.0)
    )
    how = (
        "exact, by dynamic programming and a search of what lies between its plans"
        if found.proven
        else "the search was cut short; the bound says how far from the best it can be"
    )
    return _bounded(pipeline, target, budget, found, how)


def _bounded(
    pipeline: Pipeline, target: float | None, budget: float | None, found: Bounded, how: str
) -> Plan:
    return Plan(
        "budget" if target is None else "target",
        (budget or 0.0) if target is None else target,
        found.nodes,
        found.outcome,
        found.met,
        found.proven,
        found.bound,
        found.price,
        how,
    )


def _on_graph(pipeline: Pipeline, target: float | None, budget: float | None) -> Plan:
    graph = Graph(pipeline, widest=WIDEST_SEARCHED)
    proven = graph.count <= ENUMERATE
    how = (
        f"all {graph.count:,} plans were tried"
        if proven
        else "greedy with swaps on a graph: not proven to be the best"
    )
    if target is not None or budget is not None:
        found = searched(graph, target, budget) if not proven else tried(graph, target, budget)
        return _bounded(pipeline, target, budget, found, how)
    price = pipeline.escape_cost or 0.0
    abort = pipeline.abort_cost
    if proven:
        best = min(
            (cost + price * bad + abort * (1 - good - bad), plan.copy())
            for plan, cost, good, bad in graph.every()
        )
    else:
        best = graph.search(price, abort)
    outcome = graph.outcome(best[1])
    bound = best[0] if proven else None
    return Plan(
        "total", price, graph.nodes(best[1]), outcome, True, proven, bound, price, how
    )  # fmt: skip
