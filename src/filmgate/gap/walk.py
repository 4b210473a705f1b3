"""What a chain does with given nodes: one exact pass, O(n)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import ABORT, PASS, Nodes, Option, Pipeline, Step


@dataclass(frozen=True, slots=True)
class Handoff:
    """What happens at the handoff behind one step, per item that enters the pipeline.

    Attributes:
        step: its name.
        node: what stands there.
        before, after: P(good) of the items that are still alive, as the step leaves them at the
            first attempt and as they go on.
        runs: runs of the step.
        checks: checks at the node.
        people: visits to a person because of the node.
    """

    step: str
    node: Option | None
    before: float
    after: float
    runs: float
    checks: float = 0.0
    people: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of an item, and what it costs.

    Attributes:
        good, bad, aborted: shares of the items that enter; they sum to 1.
        cost: expected per item, without what escaped and aborted items cost afterwards.
        people: person -> expected visits per item.
        handoffs: in the order of the steps.
    """

    good: float
    bad: float
    aborted: float
    cost: float
    people: Mapping[str, float] = field(default_factory=dict)
    handoffs: tuple[Handoff, ...] = ()

    @property
    def human(self) -> float:
        """Visits to any person per item."""
        return sum(self.people.values())

    @property
    def escaped(self) -> float:
        """Escape rate: share of bad items among those that come out; 0 when none does."""
        out = self.good + self.bad
        return self.bad / out if out > 0 else 0.0

    @property
    def cost_per_good(self) -> float | None:
        """Expected cost per good item; None when there is none."""
        return self.cost / self.good if self.good > 0 else None

    def total(self, pipeline: Pipeline, escape_cost: float | None = None) -> float:
        """Cost with what escaped and aborted items cost afterwards, per item."""
        price = (pipeline.escape_cost or 0.0) if escape_cost is None else escape_cost
        return self.cost + price * self.bad + pipeline.abort_cost * self.aborted


def walk(pipeline: Pipeline, nodes: Nodes) -> Outcome:
    """The exact outcome of a chain with `nodes` behind its steps."""
    item = _Item(pipeline)
    menus = {node: Menu(pipeline, (node,)) for node in set(nodes) if node is not None}
    for step, node in zip(pipeline.steps, nodes, strict=True):
        if node is None:
            item.work(step)
        elif node.lead:
            item.vote(step, node, menus[node])
        else:
            item.check(step, node, menus[node])
    item.arrive()
    return Outcome(
        item.good, item.bad, item.aborted, item.cost, item.people, tuple(item.handoffs)
    )  # fmt: skip


@dataclass(slots=True)
class _Item:
    """An item on its way: its state at the last checkpoint, and the segment since then.

    Attributes:
        good, bad, aborted: shares at the last checkpoint.
        start, spent: the segment's first step, and what one run of it costs so far.
        clean, dirty: P(good now) if it was good or bad at the checkpoint.
    """

    pipeline: Pipeline
    good: float = 1.0
    bad: float = 0.0
    aborted: float = 0.0
    cost: float = 0.0
    start: int = 0
    spent: float = 0.0
    clean: float = 1.0
    dirty: float = 0.0
    people: dict[str, float] = field(default_factory=dict)
    handoffs: list[Handoff] = field(default_factory=list)

    @property
    def alive(self) -> float:
        return self.good + self.bad

    def now(self) -> float:
        """P(good) of a living item at this point of the segment."""
        return share(self.good * self.clean + self.bad * self.dirty, self.alive)

    def passes(self, right: float, after_bad: float, cost: float) -> None:
        self.clean = self.clean * right + (1 - self.clean) * after_bad
        self.dirty = self.dirty * right + (1 - self.dirty) * after_bad
        self.spent += cost

    def arrive(self) -> None:
        """Make this point a checkpoint, with nothing judged."""
        alive = self.alive
        self.cost += alive * self.spent
        self.good = self.good * self.clean + self.bad * self.dirty
        self.bad = alive - self.good
        self.begin()

    def begin(self) -> None:
        self.start, self.spent, self.clean, self.dirty = len(self.handoffs), 0.0, 1.0, 0.0

    def work(self, step: Step) -> None:
        self.passes(step.p, step.repair, step.cost)
        self.handoffs.append(Handoff(step.name, None, self.now(), self.now(), self.alive))

    def vote(self, step: Step, node: Option, menu: Menu) -> None:
        right, after_bad, samples = (float(v[0]) for v in menu.voted(step))
        single = self.now() * step.p + (1 - self.now()) * step.repair
        self.passes(right, after_bad, step.cost * samples)
        seen = Handoff(step.name, node, single, self.now(), self.alive * samples)
        self.handoffs.append(seen)
        self.arrive()

    def check(self, step: Step, node: Option, menu: Menu) -> None:
        self.passes(step.p, step.repair, step.cost)
        before, entered = self.now(), self.alive
        rows = menu.judged(np.array([self.clean, self.dirty]), np.array(self.spent))
        good, bad, aborted, cost, attempts, exhausted = (
            self.good * float(part[0, 0]) + self.bad * float(part[1, 0]) for part in rows
        )
        self.good, self.bad = good, bad
        self.aborted += aborted
        self.cost += cost
        load = visits(self.pipeline, node, attempts, exhausted)
        for name, count in load.items():
            self.people[name] = self.people.get(name, 0.0) + count
        for i in range(self.start, len(self.handoffs)):
            again = self.handoffs[i].runs + attempts - entered
            self.handoffs[i] = replace(self.handoffs[i], runs=again)
        after, people = share(good, self.alive), sum(load.values())
        seen = Handoff(step.name, node, before, after, attempts, attempts, people)
        self.handoffs.append(seen)
        self.begin()


def share(part: float, whole: float) -> float:
    """`part` of `whole`; 0 of nothing."""
    return part / whole if whole > 0 else 0.0


def visits(pipeline: Pipeline, node: Option, attempts: float, exhausted: float) -> dict[str, float]:
    """Visits to people by one node: who checks sees every attempt, who repairs the exhausted."""
    by = pipeline.verifier(node.verifier).by
    load = {by: attempts} if by is not None else {}
    if node.fallback not in (PASS, ABORT) and node.fallback != by:
        load[node.fallback] = load.get(node.fallback, 0.0) + exhausted
    return load
