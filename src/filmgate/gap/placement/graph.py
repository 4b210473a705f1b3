"""Graphs: exact evaluation by the states of their frontier, and a search for nodes.

A step of a graph is run again by itself, on the inputs it has. What is good at a step depends on
what was good upstream, and two paths that share a step fail together: the joint distribution of all
steps whose output is still needed (the frontier) is carried along, 2^width states. That is exact,
and cheap while the frontier is narrow.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from filmgate.errors import UsageError
from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import Nodes, Pipeline
from filmgate.gap.placement.envelope import Index
from filmgate.gap.segment import Array
from filmgate.gap.walk import Handoff, Outcome, share, visits

WIDEST = 18
"""Steps of a frontier at most: 2^18 states are evaluated in a fraction of a second a step."""
WIDEST_SEARCHED = 12
"""The same where many plans are looked at."""
ENUMERATE = 20_000
"""Plans that are simply all tried."""
WORTH = 1e-12
"""Relative: a change that saves less is none."""


class Kernel(NamedTuple):
    """One step with every option behind it, the last being none.

    All are (2, options + 1): for a good and for a bad input.
    """

    good: Array
    bad: Array
    aborted: Array
    cost: Array
    attempts: Array
    exhausted: Array


@dataclass(frozen=True, slots=True)
class _Move:
    """One step on the way of the frontier through the graph.

    Attributes:
        step: its index in the pipeline.
        good_input: (states) whether the step's input is good.
        onto: (2 states) the state of the frontier afterwards, for each state before and a bad or a
            good output.
        size: states afterwards.
    """

    step: int
    good_input: Index
    onto: Index
    size: int


class Graph:
    """A graph with its menu, ready to be evaluated with many plans."""

    def __init__(self, pipeline: Pipeline, menu: Menu | None = None, widest: int = WIDEST) -> None:
        """Prepare it.

        Raises:
            UsageError: there is no single last step, or the frontier is wider than `widest`.
        """
        self.pipeline, self.menu = pipeline, menu or Menu.of(pipeline)
        self.none = len(self.menu.options)
        self.moves = _moves(pipeline, widest)

    @cached_property
    def kernels(self) -> list[Kernel]:
        """Per step of the pipeline."""
        return [self._kernel(i) for i in range(len(self.pipeline.steps))]

    @cached_property
    def allowed(self) -> list[list[int]]:
        """Per step of the pipeline: the options that may stand there, and none."""
        return [
            [o for o, no in enumerate(self.menu.forbidden(s)) if not no] + [self.none]
            for s in self.pipeline.steps
        ]

    def _kernel(self, index: int) -> Kernel:
        step = self.pipeline.steps[index]
        success = np.array([step.p, step.repair])
        cost = np.array(step.cost)
        columns = [[part[:, None] for part in _alone(success, step.cost)]]
        if self.menu.checks:
            columns.insert(0, list(self.menu.judged(success, cost)))
        if self.menu.leads:
            right, after_bad, samples = self.menu.voted(step)
            good = np.stack((right, after_bad))
            runs = np.broadcast_to(samples, good.shape)
            none = np.zeros_like(good)
            columns.insert(-1, [good, 1 - good, none, step.cost * runs, runs, none])
        return Kernel(*(np.concatenate(parts, axis=1) for parts in zip(*columns, strict=True)))

    def plan(self, nodes: Nodes) -> list[int]:
        """`nodes` as option numbers."""
        place = {option: i for i, option in enumerate(self.menu.options)}
        return [self.none if node is None else place[node] for node in nodes]

    def nodes(self, plan: Sequence[int]) -> Nodes:
        """Option numbers as nodes."""
        return tuple(None if o == self.none else self.menu.options[o] for o in plan)

    def outcome(self, plan: Sequence[int]) -> Outcome:
        """The exact outcome with these options behind the steps."""
        pipeline, states = self.pipeline, np.ones(1)
        cost = aborted = 0.0
        people: dict[str, float] = {}
        handoffs: dict[int, Handoff] = {}
        for move in self.moves:
            kernel, option = self.kernels[move.step], plan[move.step]
            alive = float(states.sum())
            into = np.bincount(move.good_input, weights=states, minlength=2)[::-1]
            step, node = pipeline.steps[move.step], self.nodes([option])[0]
            attempts, exhausted, good, gone, spent = (
                float(into @ part[:, option])
                for part in (
                    kernel.attempts, kernel.exhausted, kernel.good, kernel.aborted, kernel.cost
                )
            )  # fmt: skip
            cost, aborted = cost + spent, aborted + gone
            load = {} if node is None or node.lead else visits(pipeline, node, attempts, exhausted)
            for name, count in load.items():
                people[name] = people.get(name, 0.0) + count
            handoffs[move.step] = Handoff(
                step.name,
                node,
                share(float(into @ np.array([step.p, step.repair])), alive),
                share(good, alive - gone),
                attempts,
                attempts if load or (node is not None and not node.lead) else 0.0,
                sum(load.values()),
            )
            states = self._forward(states, move, option)
        good, bad = float(states[1]), float(states[0])
        order = tuple(handoffs[i] for i in range(len(pipeline.steps)))
        return Outcome(good, bad, aborted, cost, people, order)

    def _forward(self, states: Array, move: _Move, option: int) -> Array:
        """The frontier's states after one step."""
        kernel = self.kernels[move.step]
        row = 1 - move.good_input  # of the kernel: a good input is row 0
        after = np.concatenate(
            (states * kernel.bad[row, option], states * kernel.good[row, option])
        )
        return np.asarray(np.bincount(move.onto, weights=after, minlength=move.size), np.float64)

    def _behind(self, ahead: Array, move: _Move, abort_price: float) -> Array:
        """(states, options + 1) the cost to go from each state, per option behind this step."""
        kernel = self.kernels[move.step]
        row = 1 - move.good_input
        bad, good = ahead[move.onto].reshape(2, -1, 1)
        made: Array = (
            kernel.cost[row]
            + kernel.good[row] * good
            + kernel.bad[row] * bad
            + kernel.aborted[row] * abort_price
        )
        return made

    def changes(
        self, plan: Sequence[int], bad_price: float, abort_price: float
    ) -> tuple[float, list[Array]]:
        """The cost of a plan, and what it would be after each single change.

        Returns:
            The cost, prices included, and per step of the pipeline (options + 1) costs.
        """
        forward = [np.ones(1)]
        for move in self.moves:
            forward.append(self._forward(forward[-1], move, plan[move.step]))
        ahead = np.array([bad_price, 0.0])
        changed: list[Array] = [np.empty(0)] * len(plan)
        for states, move in zip(reversed(forward[:-1]), reversed(self.moves), strict=True):
            table = self._behind(ahead, move, abort_price)
            changed[move.step] = states @ table
            ahead = table[:, plan[move.step]]
        before = float(ahead[0])
        spent = 0.0  # what the steps before cost is common to all changes of a step
        for states, move in zip(forward[:-1], self.moves, strict=True):
            kernel, option = self.kernels[move.step], plan[move.step]
            row = 1 - move.good_input
            changed[move.step] = changed[move.step] + spent
            spent += float(states @ kernel.cost[row, option])
            spent += abort_price * float(states @ kernel.aborted[row, option])
        return before, changed

    @cached_property
    def count(self) -> int:
        """How many plans there are."""
        return math.prod(len(options) for options in self.allowed)

    def every(self) -> Iterator[tuple[list[int], float, float, float]]:
        """Every plan with its cost, P(good) and P(bad); the list is changed by the next one.

        Depth first, so that what plans have in common is computed once.
        """
        plan = [self.none] * len(self.allowed)

        def go(at: int, states: Array, spent: float) -> Iterator[tuple[float, float, float]]:
            if at == len(self.moves):
                yield spent, float(states[1]), float(states[0])
                return
            move = self.moves[at]
            kernel, row = self.kernels[move.step], 1 - move.good_input
            for option in self.allowed[move.step]:
                plan[move.step] = option
                cost = spent + float(states @ kernel.cost[row, option])
                yield from go(at + 1, self._forward(states, move, option), cost)

        for found in go(0, np.ones(1), 0.0):
            yield plan, *found

    def search(
        self, bad_price: float, abort_price: float, starts: Sequence[Sequence[int]] = ()
    ) -> tuple[float, list[int]]:
        """A plan with low cost, prices included: greedy from several starts, then swaps."""
        bare = [self.none] * len(self.allowed)
        begin = [*starts, bare, self._everywhere(bad_price, abort_price)]
        greedy = [self.greedy(start, bad_price, abort_price) for start in begin]
        return self._swapped(*min(greedy, key=lambda each: each[0]), bad_price, abort_price)

    def _everywhere(self, bad_price: float, abort_price: float) -> list[int]:
        """The one option that is cheapest when it stands wherever it may."""
        plans = [[self.none] * len(self.allowed)] + [
            [o if o in options else self.none for options in self.allowed] for o in range(self.none)
        ]
        return min(plans, key=lambda plan: self.changes(plan, bad_price, abort_price)[0])

    def _swapped(
        self, cost: float, plan: list[int], bad_price: float, abort_price: float
    ) -> tuple[float, list[int]]:
        """Take a node away and let the best single changes follow, while that helps."""
        improved = True
        while improved:
            improved = False
            for step in [i for i, o in enumerate(plan) if o != self.none]:
                without = plan.copy()
                without[step] = self.none
                other, changed = self.greedy(without, bad_price, abort_price)
                if other < cost - WORTH * abs(cost):
                    cost, plan, improved = other, changed, True
                    break
        return cost, plan

    def greedy(
        self, plan: Sequence[int], bad_price: float, abort_price: float
    ) -> tuple[float, list[int]]:
        """Take the best single change until none helps."""
        plan = list(plan)
        while True:
            cost, changed = self.changes(plan, bad_price, abort_price)
            best = [
                (float(costs[options].min()), step, options[int(costs[options].argmin())])
                for step, (costs, options) in enumerate(zip(changed, self.allowed, strict=True))
            ]
            least, step, option = min(best)
            if least >= cost - WORTH * abs(cost):
                return cost, plan
            plan[step] = option


def _alone(success: Array, cost: float) -> list[Array]:
    """A step with nothing behind it."""
    one, none = np.ones(2), np.zeros(2)
    return [success, 1 - success, none, one * cost, one, none]


def _moves(pipeline: Pipeline, widest: int) -> list[_Move]:
    """An order of the steps that keeps the frontier narrow, and how its states change."""
    place = {step.name: i for i, step in enumerate(pipeline.steps)}
    inputs = [[place[name] for name in step.after] for step in pipeline.steps]
    takers: list[list[int]] = [[] for _ in inputs]
    for i, names in enumerate(inputs):
        for k in names:
            takers[k].append(i)
    left = [len(some) for some in takers]  # steps that still need the output
    missing = [len(names) for names in inputs]
    ready = [i for i, count in enumerate(missing) if count == 0]
    frontier: list[int] = []
    moves: list[_Move] = []
    while ready:
        # The one after which the frontier is narrowest, of several the first in the file.
        step = min(ready, key=lambda i: (-sum(left[k] == 1 for k in inputs[i]), i))
        ready.remove(step)
        if len(frontier) + 1 > widest:
            raise UsageError(
                f"{len(frontier) + 1} outputs are needed at the same time, too many for an exact "
                f"answer (at most {widest} here): 'filmgate gap simulate' says what given nodes do."
            )
        moves.append(_move(step, inputs[step], pipeline.steps[step].needs, frontier, left))
        for i in takers[step]:
            missing[i] -= 1
            if missing[i] == 0:
                ready.append(i)
    if len(moves) < len(inputs) or sum(not some for some in takers) != 1:
        raise UsageError("the steps do not connect: there must be one last step, and no circle.")
    return moves


def _move(
    step: int, inputs: Sequence[int], needs: int, frontier: list[int], left: list[int]
) -> _Move:
    """Take one step; `frontier` (the last is the lowest bit) and `left` are brought up to date."""
    width = len(frontier)
    states = np.arange(2**width)
    bits = {k: states >> (width - 1 - i) & 1 for i, k in enumerate(frontier)}
    counted = sum((bits[k] for k in inputs), start=np.zeros_like(states))
    good_input = (counted >= needs).astype(np.intp) if inputs else np.ones_like(states)
    for k in inputs:
        left[k] -= 1
    kept = [k for k in frontier if left[k] > 0]
    onto = np.zeros(2 * states.size, dtype=np.intp)
    for k in kept:
        onto = onto * 2 + np.tile(bits[k], 2)
    frontier[:] = [*kept, step]
    onto = onto * 2 + np.repeat([0, 1], states.size)
    return _Move(step, good_input, onto, 2 ** len(frontier))
