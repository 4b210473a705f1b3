"""Seeded event simulation of the model: item by item, attempt by attempt.

It shares no formula with the exact evaluation, and says what has no closed form: the spread of the
cost, graphs too wide for exact evaluation, and items that differ in difficulty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from filmgate.errors import UsageError
from filmgate.gap.pipeline import ABORT, PASS, Nodes, Option, Pipeline, Step
from filmgate.gap.segment import Array

BATCH = 100_000
MOST = 50_000_000
CLASSES = 1000
"""Of difficulty, when items differ: equal shares of the items."""
QUANTILES = (0.5, 0.9, 0.95, 0.99)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Simulation:
    """What was counted.

    Attributes:
        runs, seed: how many items, and the seed that gives the same again.
        good, bad, aborted: items that came out so; they sum to `runs`.
        cost, cost_se: mean per item, and its standard error.
        quantiles: share -> cost that so many items stay at or below.
        people, people_se: mean visits per item, by person, and their standard errors.
    """

    runs: int
    seed: int
    good: int
    bad: int
    aborted: int
    cost: float
    cost_se: float
    quantiles: dict[float, float]
    people: dict[str, float]
    people_se: dict[str, float]


def simulate(
    pipeline: Pipeline, nodes: Nodes, runs: int = 100_000, seed: int = 1, icc: float = 0.0
) -> Simulation:
    """Send `runs` items through the pipeline with these nodes.

    Args:
        pipeline: a chain or a graph, however wide.
        nodes: what stands behind each step.
        runs: items, 1 to 50 million.
        seed: the same seed gives the same result.
        icc: how much items differ: intraclass correlation of a step's outcome over runs of the
            same item, 0 to below 1. An item is as hard at one step as at another: the yield of
            every step is a Beta with the step's mean, taken at the item's quantile.

    Raises:
        UsageError: `runs` or `icc` out of range.
    """
    if not 1 <= runs <= MOST:
        raise UsageError(f"the number of runs must be from 1 to {MOST:,}, not {runs:,}.")
    if not 0 <= icc < 1:
        raise UsageError(f"the ICC must be from 0 to below 1, not {icc:g}.")
    rng = np.random.default_rng(seed)
    yields = [_yields(step.p, icc) for step in pipeline.steps]
    costs: list[Array] = []
    counts = np.zeros(3, dtype=np.int64)
    people: dict[str, list[Array]] = {}
    for start in range(0, runs, BATCH):
        items = _Items(pipeline, rng, min(BATCH, runs - start), yields)
        items.run(nodes)
        costs.append(items.cost)
        good = int((items.good & items.alive).sum())
        alive = int(items.alive.sum())
        counts += good, alive - good, items.alive.size - alive
        for name, visits in items.people.items():
            people.setdefault(name, []).append(visits)
    cost = np.concatenate(costs)
    visited = {name: np.concatenate(parts) for name, parts in people.items()}
    return Simulation(
        runs, seed, int(counts[0]), int(counts[1]), int(counts[2]),
        float(cost.mean()), _se(cost),
        {q: float(np.quantile(cost, q)) for q in QUANTILES},
        {name: float(v.mean()) for name, v in visited.items()},
        {name: _se(v) for name, v in visited.items()},
    )  # fmt: skip


def _se(values: Array) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else 0.0


def _yields(p: float, icc: float) -> Array:
    """(classes) the step's yield by difficulty, from the hardest items to the easiest; mean p."""
    if icc == 0 or p in (0.0, 1.0):
        return np.full(1, p)
    from scipy.special import betaincinv

    size = (1 - icc) / icc
    middle = (np.arange(CLASSES) + 0.5) / CLASSES
    values = betaincinv(p * size, (1 - p) * size, middle)
    # Midpoints of the classes miss a little of the tails: brought back to the mean.
    lost = p - values.mean()
    room = 1 - values if lost > 0 else values
    brought: Array = np.clip(values + room * (lost / room.mean()), 0.0, 1.0)
    return brought


@dataclass
class _Items:
    """A batch of items on their way.

    Attributes:
        alive, good: per item; `good` of the output they stand at.
        cost: spent so far.
        people: person -> visits so far.
        hardness: class of difficulty.
    """

    pipeline: Pipeline
    rng: np.random.Generator
    count: int
    yields: Sequence[Array]

    def __post_init__(self) -> None:
        self.people = {person.name: np.zeros(self.count) for person in self.pipeline.people}
        self.alive = np.ones(self.count, dtype=bool)
        self.good = np.ones(self.count, dtype=bool)
        self.cost = np.zeros(self.count)
        classes = max(part.size for part in self.yields)
        self.hardness = self.rng.integers(classes, size=self.count)

    def run(self, nodes: Nodes) -> None:
        """Send all of them through."""
        if self.pipeline.is_chain:
            segment: list[int] = []
            for i, node in enumerate(nodes):
                segment.append(i)
                if node is not None:
                    self.segment(segment, node)
                    segment = []
            self.segment(segment, None)
            return
        place = {step.name: i for i, step in enumerate(self.pipeline.steps)}
        outputs: list[Mask] = []
        for i, (step, node) in enumerate(zip(self.pipeline.steps, nodes, strict=True)):
            inputs = [outputs[place[name]] for name in step.after]
            self.good = (
                np.sum(inputs, axis=0) >= step.needs if inputs else np.ones(self.count, dtype=bool)
            )
            self.segment([i], node)
            outputs.append(self.good)

    def p(self, step: int, who: NDArray[np.intp]) -> Array | float:
        """The yield of a step, for some of the items."""
        table = self.yields[step]
        return float(table[0]) if table.size == 1 else table[self.hardness[who]]

    def once(self, segment: Sequence[int], who: NDArray[np.intp], good: Mask) -> Mask:
        """Run the steps of a segment once on some of the items; what comes out good."""
        for i in segment:
            step = self.pipeline.steps[i]
            good = self.rng.random(who.size) < np.where(good, self.p(i, who), step.repair)
            self.cost[who] += step.cost
        return good

    def success(self, segment: Sequence[int], who: NDArray[np.intp], good: Mask) -> Array:
        """P(good) of one run of a segment for each of the items."""
        chance = good.astype(np.float64)
        for i in segment:
            repair = self.pipeline.steps[i].repair
            chance = chance * self.p(i, who) + (1 - chance) * repair
        return chance

    def segment(self, segment: Sequence[int], node: Option | None) -> None:
        """One segment with what stands behind it; all living items."""
        who = np.flatnonzero(self.alive)
        if node is None:
            self.good[who] = self.once(segment, who, self.good[who])
        elif node.lead:
            self.good[who] = self.once(segment[:-1], who, self.good[who])
            self.vote(segment[-1], node.lead, who)
        else:
            self.check(segment, node, who)

    def vote(self, index: int, lead: int, who: NDArray[np.intp]) -> None:
        """First to be ahead by `lead`; on a bad input the candidates split as on a good one."""
        step: Step = self.pipeline.steps[index]
        beta = self.pipeline.beta
        good = self.good[who]
        right = np.zeros(who.size, dtype=bool)
        for came_in, p in ((True, self.p(index, who)), (False, np.full(who.size, step.repair))):
            chance = np.broadcast_to(np.asarray(p, dtype=np.float64), who.shape)
            sticky = self.rng.random(who.size) < beta * (1 - chance)
            free = np.where(sticky, 0.0, _without(chance, beta))
            won, samples = self.race(free, lead)
            right = np.where(good == came_in, won, right)
            if came_in:  # the number of samples is the good input's in either case
                self.cost[who] += step.cost * samples
        self.good[who] = right

    def race(self, p: Array, lead: int) -> tuple[Mask, Array]:
        """Samples until one answer is ahead: whether the right one won, and how many."""
        ahead = np.zeros(p.size, dtype=np.int64)
        samples = np.zeros(p.size)
        open_ = np.arange(p.size)
        while open_.size:
            ahead[open_] += np.where(self.rng.random(open_.size) < p[open_], 1, -1)
            samples[open_] += 1
            open_ = open_[np.abs(ahead[open_]) < lead]
        return ahead > 0, samples

    def check(self, segment: Sequence[int], node: Option, who: NDArray[np.intp]) -> None:
        """Attempts until the verifier accepts, then what is left to the fallback."""
        verifier = self.pipeline.verifier(node.verifier)
        beta = self.pipeline.beta
        delta = self.pipeline.delta if verifier.delta is None else verifier.delta
        came_in = self.good[who]
        seen = verifier.sensitivity * np.where(came_in, 1.0, delta)
        chance = self.success(segment, who, came_in)
        # Later attempts of an item whose failure is not sticky succeed more often than s.
        more = _without(chance, beta) - chance
        rescue = np.divide(more, 1 - chance, out=np.zeros_like(more), where=chance < 1)
        sticky = np.zeros(who.size, dtype=bool)
        open_ = np.arange(who.size)
        for attempt in range(1, node.attempts + 1):
            out = self.once(segment, who[open_], came_in[open_])
            if attempt == 1:
                sticky = ~out & (self.rng.random(open_.size) < beta)
            else:
                out = (out | (self.rng.random(open_.size) < rescue[open_])) & ~sticky[open_]
            self.good[who[open_]] = out
            self.cost[who[open_]] += verifier.cost
            if verifier.by is not None:
                self.visit(verifier.by, who[open_])
            flag = self.rng.random(open_.size) < np.where(out, verifier.false_alarm, seen[open_])
            if attempt > 1:
                flag |= sticky[open_]  # the verdict on a sticky failure repeats
            open_ = open_[flag]
        self.give_up(node, who[open_], verifier.by)

    def give_up(self, node: Option, who: NDArray[np.intp], by: str | None) -> None:
        """What becomes of items whose attempts are used up."""
        if node.fallback == ABORT:
            self.alive[who] = False
        elif node.fallback != PASS:
            person = self.pipeline.person(node.fallback)
            self.good[who] = self.rng.random(who.size) < person.accuracy
            if by != person.name:
                self.cost[who] += person.cost
                self.visit(person.name, who)

    def visit(self, name: str, who: NDArray[np.intp]) -> None:
        """One more visit to a person for some of the items."""
        self.people[name][who] += 1


def _without(chance: Array, beta: float) -> Array:
    """s/(1-w): the success of what is not sticky."""
    free = 1 - beta * (1 - chance)
    none = np.zeros_like(chance)
    return np.minimum(np.divide(chance, free, out=none, where=free > 0), 1.0)
