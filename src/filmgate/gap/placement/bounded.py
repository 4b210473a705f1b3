"""The cheapest chain that reaches a target, and the best one within a budget: exact.

A price on every item that is not good turns the target into the question `chain.solve` answers; the
right price is found by bisecting between neighbouring plans of the frontier. Such prices reach only
plans on the frontier's convex hull. What lies between is searched from the start of the chain with
labels (cost so far, P(good), P(bad)), and only as far as it can matter: a label whose best
completion at that price is worse than the plan in hand is dropped, and so is one that another beats
whatever comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import Nodes, Pipeline
from filmgate.gap.placement.chain import Ahead, Arcs, Chain, Lines, Mask, Runs, Solution, Stage
from filmgate.gap.placement.envelope import Index, heights
from filmgate.gap.segment import Array
from filmgate.gap.walk import Outcome, walk

LABELS, LEAST = 20_000_000, 40
"""Labels kept at a checkpoint: so many divided by the square of the steps, and at least so many
(22,000 at 30 steps, 222 at 300). Where there are more, a choice of them is followed: not proven."""
LONG, ARCS = 400, 40
"""Steps from which only so many arcs, the closest to the best, are followed from a checkpoint: it
would take minutes otherwise."""
EXACT = 1e-12
"""Relative: smaller differences of cost and P(good) are rounding."""


@dataclass(frozen=True, slots=True)
class Bounded:
    """A plan under a constraint.

    Attributes:
        nodes, outcome: the plan; where the constraint cannot be met, the nearest to it there is.
        met: whether it meets the constraint.
        proven: whether no plan does better.
        bound: what no plan can beat: a cost below which the target is out of reach, or a share of
            good items beyond the budget; None where nothing is known.
        price: of an item that is not good, at which this plan is about worth its cost; None where
            it is the most reliable one, whatever the price.
    """

    nodes: Nodes
    outcome: Outcome
    met: bool
    proven: bool
    bound: float | None
    price: float | None


class _Point(NamedTuple):
    solution: Solution
    outcome: Outcome

    @property
    def cost(self) -> float:
        return self.outcome.cost

    @property
    def good(self) -> float:
        return self.outcome.good


def cheapest(pipeline: Pipeline, target: float, menu: Menu | None = None) -> Bounded:
    """The least costly plan (escapes not counted) with P(good) of at least `target`."""
    chain = Chain(pipeline, menu or Menu.of(pipeline))
    low, high = _at(chain, 0.0), _at(chain, all_out(pipeline))
    if low.good >= target - EXACT:
        return Bounded(low.solution.nodes, low.outcome, True, True, low.cost, 0.0)
    if high.good < target - EXACT:
        return Bounded(high.solution.nodes, high.outcome, False, True, high.good, None)
    low, high, price, at = _neighbours(chain, low, high, lambda p: p.good >= target - EXACT)
    bound = at.value - price * (1 - target)
    search = _Search(chain, at, price, target=target, best=(high.cost, high.good))
    search.run(high.cost - bound)
    return search.result(high, bound)


def best_within(pipeline: Pipeline, budget: float, menu: Menu | None = None) -> Bounded:
    """The plan with the largest P(good) whose expected cost (escapes not counted) fits `budget`."""
    chain = Chain(pipeline, menu or Menu.of(pipeline))
    low, high = _at(chain, 0.0), _at(chain, all_out(pipeline))
    room = budget + EXACT * abs(budget)
    if low.cost > room:
        return Bounded(low.solution.nodes, low.outcome, False, True, low.cost, 0.0)
    if high.cost <= room:
        return Bounded(high.solution.nodes, high.outcome, True, True, high.good, None)
    low, high, price, at = _neighbours(chain, low, high, lambda p: p.cost > room)
    bound = 1 - (at.value - budget) / price
    search = _Search(chain, at, price, budget=room, best=(low.cost, low.good))
    search.run(budget + price * (1 - low.good) - at.value)
    return search.result(low, bound)


def all_out(pipeline: Pipeline) -> float:
    """A price at which one good item in a billion is worth everything that can be spent."""
    spent = sum(step.cost for step in pipeline.steps)
    spent += sum(v.cost for v in pipeline.verifiers) + sum(p.cost for p in pipeline.people)
    return 1e9 * (spent or 1.0)


def _at(chain: Chain, price: float) -> _Point:
    solution = chain.solve(price, price)
    return _Point(solution, walk(chain.pipeline, solution.nodes))


def _neighbours(
    chain: Chain, low: _Point, high: _Point, beyond: Callable[[_Point], bool]
) -> tuple[_Point, _Point, float, Solution]:
    """The neighbours on the hull of the frontier between which `beyond` turns true, their price.

    The last is what is best at that price: the two of them, but for rounding.
    """
    while True:
        price = (high.cost - low.cost) / max(high.good - low.good, EXACT)
        middle = _at(chain, price)
        line = low.cost + price * (1 - low.good)
        better = middle.solution.value < line - EXACT * abs(line)
        if not (better and low.good < middle.good < high.good):
            return low, high, price, middle.solution
        low, high = (low, middle) if beyond(middle) else (middle, high)


@dataclass(frozen=True, slots=True)
class _Stop:
    """A checkpoint of the search: the arcs from it that may matter, and what lies beyond it.

    Attributes:
        values: (2, lines) as in `Stage`.
        arcs: from here, thinned out.
        cost, good: (2, lines) expected cost and P(good) at the end along each line, for an item
            that is good here and for one that is bad.
        rest_cost, rest_good: (2,) the same without another node.
        steeper: (least, most) that a good item costs more than a bad one from here on.
        ordered: whether a good item ends good at least as surely as a bad one, whatever is done.
    """

    values: Array
    arcs: Arcs
    cost: Array
    good: Array
    rest_cost: Array
    rest_good: Array
    steeper: tuple[float, float]
    ordered: bool


@dataclass(frozen=True, slots=True)
class _Labels:
    """Ways to one checkpoint; one entry each.

    Attributes:
        cost, good, bad: spent so far, and the shares of the items.
        origin, index, option: the checkpoint before, the label there, and the node taken.
    """

    cost: Array
    good: Array
    bad: Array
    origin: Index
    index: Index
    option: Index

    @classmethod
    def first(cls) -> _Labels:
        none = np.array([-1], dtype=np.intp)
        return cls(np.array([0.0]), np.array([1.0]), np.array([0.0]), none, none, none)

    @classmethod
    def joined(cls, parts: Sequence[_Labels]) -> _Labels:
        return cls(
            np.concatenate([p.cost for p in parts]),
            np.concatenate([p.good for p in parts]),
            np.concatenate([p.bad for p in parts]),
            np.concatenate([p.origin for p in parts]),
            np.concatenate([p.index for p in parts]),
            np.concatenate([p.option for p in parts]),
        )

    def take(self, which: Index | Mask) -> _Labels:
        return _Labels(
            self.cost[which],
            self.good[which],
            self.bad[which],
            self.origin[which],
            self.index[which],
            self.option[which],
        )


class _Search:
    """Labels from the start of the chain to its end, under a target or a budget."""

    def __init__(
        self,
        chain: Chain,
        at: Solution,
        price: float,
        best: tuple[float, float],
        target: float | None = None,
        budget: float | None = None,
    ) -> None:
        self.chain, self.at, self.price = chain, at, price
        self.target, self.budget = target, budget
        self.cost, self.good = best
        self.found: tuple[int, int, Nodes] | None = None
        self.whole = True
        self.labels: list[_Labels] = []

    @property
    def limit(self) -> float:
        """The largest cost + price x P(not good) that a plan better than the one in hand has."""
        if self.target is not None:
            value = self.cost + self.price * (1 - self.target)
        else:
            assert self.budget is not None
            value = self.budget + self.price * (1 - self.good)
        return value + EXACT * abs(value)

    def run(self, slack: float) -> None:
        """Search; `slack` is how far from the best value at this price a better plan can be."""
        if slack <= EXACT * abs(self.cost):
            return
        self.whole = self.chain.n <= LONG
        # Where items are aborted, few are left at the end and what they lose counts for little.
        self.stops = _stops(self.chain, self.at, np.inf if self.chain.menu.aborts else slack)
        waiting: list[list[_Labels]] = [[] for _ in self.stops]
        waiting[0].append(_Labels.first())
        room = max(LEAST, LABELS // self.chain.n**2)
        for j, stop in enumerate(self.stops):
            parts = waiting[j] or [_Labels.first().take(np.array([], dtype=np.intp))]
            labels = self._thinned(_Labels.joined(parts), stop)
            waiting[j] = []
            if labels.cost.size > room:
                self.whole = False
                some = np.linspace(0, labels.cost.size - 1, room).astype(np.intp)
                labels = labels.take(np.argsort(labels.good)[some])
            self.labels.append(labels)
            self._complete(labels, j, stop)
            for to, made in self._onward(labels, j, stop.arcs):
                waiting[to].append(made)

    def result(self, otherwise: _Point, bound: float) -> Bounded:
        """What was found, or the plan there was before."""
        if self.found is None:
            nodes, outcome = otherwise.solution.nodes, otherwise.outcome
        else:
            nodes = self._trace()
            outcome = walk(self.chain.pipeline, nodes)
        reached = outcome.cost if self.target is not None else outcome.good
        return Bounded(
            nodes, outcome, True, self.whole, reached if self.whole else bound, self.price
        )

    def _trace(self) -> Nodes:
        assert self.found is not None
        j, index, suffix = self.found
        nodes = list(suffix)
        while j > 0:
            label = self.labels[j].take(np.array([index]))
            origin = int(label.origin[0])
            nodes[:0] = [*[None] * (j - origin - 1), self.chain.menu.options[int(label.option[0])]]
            j, index = origin, int(label.index[0])
        return tuple(nodes)

    def _value(self, labels: _Labels, values: Array) -> Array:
        """The least cost + price x P(not good) any completion of each label has."""
        lost = 1.0 - labels.good - labels.bad
        ahead = heights(np.stack((labels.good, labels.bad), axis=1), values).min(axis=1)
        return np.asarray(labels.cost + ahead + self.price * lost)

    def _thinned(self, labels: _Labels, stop: _Stop) -> _Labels:
        """Without those that cannot win, and those another one beats in any case.

        With nothing aborted, a label's final cost is cost + good x (what a good item costs more
        from here) + what a bad one costs: another with no smaller P(good), and no larger cost where
        a good item costs the most more, is at least as good whatever follows.
        """
        labels = labels.take(self._value(labels, stop.values) <= self.limit)
        if labels.cost.size < 2 or self.chain.menu.aborts or not stop.ordered:
            return labels
        key = labels.cost + labels.good * stop.steeper[1]
        order = np.lexsort((key, -labels.good))
        least = np.minimum.accumulate(key[order])
        better = np.ones(order.size, dtype=bool)
        better[1:] = key[order][1:] < least[:-1] - 1e-13 * (1 + np.abs(least[:-1]))
        return labels.take(np.sort(order[better]))

    def _complete(self, labels: _Labels, j: int, stop: _Stop) -> None:
        """Every label finished along every known line, and without another node."""
        states = np.stack((labels.good, labels.bad), axis=1)
        cost = heights(states, np.column_stack((stop.cost, stop.rest_cost)))
        cost += labels.cost[:, None]
        good = heights(states, np.column_stack((stop.good, stop.rest_good)))
        if self.target is not None:
            fits = (good >= self.target - EXACT) & (cost < self.cost - EXACT * abs(self.cost))
            at = int(np.where(fits, cost, np.inf).argmin()) if fits.any() else -1
        else:
            assert self.budget is not None
            fits = (cost <= self.budget) & (good > self.good + EXACT)
            at = int(np.where(fits, good, -1.0).argmax()) if fits.any() else -1
        if at < 0:
            return
        index, line = divmod(at, cost.shape[1])
        self.cost, self.good = float(cost[index, line]), float(good[index, line])
        rest: Nodes = (None,) * (self.chain.n - j)
        suffix = rest if line == stop.cost.shape[1] else self.chain.follow(self.at.stages, line, j)
        self.found = (j, index, suffix)

    def _onward(self, labels: _Labels, j: int, arcs: Arcs) -> Iterator[tuple[int, _Labels]]:
        """The labels along every arc, by the checkpoint they lead to."""
        for to in np.unique(arcs.to) if labels.cost.size else ():
            some = arcs.take(np.flatnonzero(arcs.to == to))
            count = some.to.size
            g, b = labels.good[:, None], labels.bad[:, None]
            made = _Labels(
                (labels.cost[:, None] + g * some.cost[0] + b * some.cost[1]).ravel(),
                (g * some.good[0] + b * some.good[1]).ravel(),
                (g * some.bad[0] + b * some.bad[1]).ravel(),
                np.full(labels.cost.size * count, j),
                np.repeat(np.arange(labels.cost.size), count),
                np.tile(some.option, labels.cost.size),
            )
            yield int(to), made.take(self._value(made, self.stops[to].values) <= self.limit)


def _stops(chain: Chain, at: Solution, slack: float) -> list[_Stop]:
    """All checkpoints with the arcs that lie on a plan within `slack` of the best at this price."""
    price = float(at.stages[-1].values[1, 0])
    ahead = Ahead(chain.n, price, price if chain.menu.aborts else None)
    none = np.empty((2, 0))
    nowhere = Arcs(*(np.array([], dtype=np.intp),) * 2, none, none, none, none)
    arrived = np.array([1.0, 0.0])
    stops = [
        _Stop(
            at.stages[-1].values, nowhere, np.zeros((2, 1)), arrived[:, None], np.zeros(2), arrived,
            (0.0, 0.0), True,
        )
    ]  # fmt: skip
    run = Runs(chain)
    for j in range(chain.n - 1, -1, -1):
        run.back()
        stage, lines = at.stages[j], Lines.of(at.stages[j], chain.low[j])
        ahead.put(j, stage)
        near = np.arange(min(run.cost.size, chain.longest) if chain.menu.options else 0)
        near = near[chain.hopeful(near, j, run, ahead, lines, slack)]
        arcs = chain.arcs(j, near, run)
        arcs = arcs.take(np.flatnonzero(chain.worth(arcs, lines, ahead, slack)))
        arcs = lines.promising(arcs, ahead, slack)
        if arcs.to.size:
            values, width = ahead.lines(arcs)
            over = lines.over(values).reshape(-1, width).min(axis=1)
            close = np.flatnonzero(over < slack)
            if chain.n > LONG:
                close = close[np.argsort(over[close])[:ARCS]]
            arcs = arcs.take(close)
        stops.append(_stop(chain, j, run, stage, arcs, stops))
    stops.reverse()
    return stops


def _stop(
    chain: Chain, j: int, run: Runs, stage: Stage, arcs: Arcs, beyond: Sequence[_Stop]
) -> _Stop:
    """One checkpoint; `beyond` are those after it, the end of the chain first."""
    cost, good = np.empty((2, stage.to.size)), np.empty((2, stage.to.size))
    rest_cost, rest_good = np.repeat(run.cost[-1], 2), run.success[:, -1]
    for i, (to, option, line) in enumerate(zip(stage.to, stage.option, stage.line, strict=True)):
        if option < 0:
            cost[:, i], good[:, i] = rest_cost, rest_good
            continue
        first = chain.arcs(j, np.array([to - j - 1]), run).take(np.array([option]))
        then = beyond[chain.n - to]
        for told, part, own in ((cost, then.cost, first.cost[:, 0]), (good, then.good, 0.0)):
            told[:, i] = own + first.good[:, 0] * part[0, line] + first.bad[:, 0] * part[1, line]
    least, most, ordered = 0.0, 0.0, bool(rest_good[0] >= rest_good[1])
    for i, to in enumerate(arcs.to):
        then = beyond[chain.n - to]
        kept = arcs.good[0, i] - arcs.good[1, i]
        ends = [arcs.cost[0, i] - arcs.cost[1, i] + kept * d for d in then.steeper]
        least, most = min(least, *ends), max(most, *ends)
        ordered = ordered and then.ordered and kept >= 0
    return _Stop(
        stage.values, arcs, cost, good, rest_cost, rest_good, (least, most), ordered
    )  # fmt: skip
