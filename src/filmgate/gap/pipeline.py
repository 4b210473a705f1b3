"""A pipeline as the planner knows it: steps, and what may stand at the handoffs behind them.

Read from ``pipeline.toml`` by `pipeline_file`, from a measure report by `measured`, or made in
Python. Probabilities are 0..1, every cost is in the pipeline's `unit` and per item.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

PASS, ABORT, VOTE = "pass", "abort", "vote"
RESERVED = (PASS, ABORT, VOTE)
"""Names that no verifier and no person may have: they mean something in a node's name."""
ATTEMPTS = (1, 2, 3)
"""Tried by the planner where a verifier does not say how many attempts there may be."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step and the handoff behind it.

    Attributes:
        name: unique.
        p: P(good output | good input), in the pipeline.
        cost: of one run.
        repair: P(good output | bad input).
        after: the steps whose outputs it takes; none for a first step.
        needs: how many of those must be good for its input to be good (all, any: 1, or k).
        verifiers: the only ones that may stand behind it; None for all of the pipeline's.
        votes: whether its output can be voted on (the same output can be produced again).
        node: what stands behind it today.
        low, high, n: interval of `p` and the runs it was measured on, where known.
        solo: its yield alone on clean input, where known.
    """

    name: str
    p: float
    cost: float = 0.0
    repair: float = 0.0
    after: tuple[str, ...] = ()
    needs: int = 1
    verifiers: tuple[str, ...] | None = None
    votes: bool = True
    node: Option | None = None
    low: float | None = None
    high: float | None = None
    n: int | None = None
    solo: float | None = None


@dataclass(frozen=True, slots=True)
class Verifier:
    """What flags or passes an output.

    Attributes:
        name: unique among verifiers.
        sensitivity: r, P(flag | bad).
        false_alarm: f, P(flag | good).
        cost: of one check.
        attempts: numbers of attempts the planner may choose from.
        fallback: what may happen after the last attempt: "pass", "abort", or a person.
        delta: its own detectability of inherited defects; None for the pipeline's.
        least, most: low end of the interval of `sensitivity` and high end of that of
            `false_alarm`, where known.
        by: the person who does the checking; their time is counted, `cost` is what a look costs,
            and giving up to the same person costs nothing more.
    """

    name: str
    sensitivity: float
    false_alarm: float
    cost: float = 0.0
    attempts: tuple[int, ...] = ATTEMPTS
    fallback: tuple[str, ...] = (PASS,)
    delta: float | None = None
    by: str | None = None
    least: float | None = None
    most: float | None = None

    @property
    def harmful(self) -> bool:
        """Whether it flags good output at least as often as bad: r <= f."""
        return self.sensitivity <= self.false_alarm


@dataclass(frozen=True, slots=True)
class Person:
    """A kind of person.

    Attributes:
        accuracy: P(the item is good afterwards), whatever came in.
        cost: of one item.
        count: how many work in parallel.
        minutes: per item; None when waiting is of no interest.
    """

    name: str
    accuracy: float
    cost: float
    count: int = 1
    minutes: float | None = None


@dataclass(frozen=True, slots=True)
class Option:
    """What may stand at a handoff: a verifier with its attempts and fallback, or a vote.

    `lead` > 0 makes it a vote on the step before it: first to be ahead by `lead`.
    """

    verifier: str = ""
    attempts: int = 1
    fallback: str = PASS
    lead: int = 0

    @property
    def name(self) -> str:
        """As it is written in files: "judge/3/editor", "vote/2"."""
        if self.lead:
            return f"{VOTE}/{self.lead}"
        return f"{self.verifier}/{self.attempts}/{self.fallback}"


Nodes = tuple[Option | None, ...]
"""What stands behind each step, in the order of the steps."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Everything the model needs.

    Attributes:
        steps: in an order in which every step comes after those it takes from.
        votes: leads the planner may choose from; none: no voting.
        beta: share of failures that are sticky.
        delta: detectability of inherited defects.
        escape_cost: what a bad item costs that gets out; None when nobody said.
        abort_cost: what an aborted item costs.
        items_per_hour: that enter the pipeline; None when waiting is of no interest.
        unit: of every cost, "usd" or any word.
        assumed: what was not declared or measured but assumed, in sentences.
    """

    steps: tuple[Step, ...]
    verifiers: tuple[Verifier, ...] = ()
    people: tuple[Person, ...] = ()
    votes: tuple[int, ...] = ()
    beta: float = 0.0
    delta: float = 1.0
    escape_cost: float | None = None
    abort_cost: float = 0.0
    items_per_hour: float | None = None
    unit: str = "units"
    name: str = "pipeline"
    assumed: tuple[str, ...] = ()

    @property
    def is_chain(self) -> bool:
        """Whether every step takes from the one before it and from no other."""
        before = [(), *((step.name,) for step in self.steps[:-1])]
        return all(step.after == told for step, told in zip(self.steps, before, strict=True))

    @property
    def nodes(self) -> Nodes:
        """What stands at the handoffs today."""
        return tuple(step.node for step in self.steps)

    @property
    def harmful(self) -> tuple[Verifier, ...]:
        """Verifiers that are left out of every plan, because they do harm."""
        return tuple(v for v in self.verifiers if v.harmful)

    def options(self) -> tuple[Option, ...]:
        """All that may stand at a handoff somewhere; harmful verifiers are not offered."""
        checks = [
            Option(v.name, attempts, fallback)
            for v in self.verifiers
            if not v.harmful
            for attempts in v.attempts
            for fallback in v.fallback
        ]
        return (*checks, *(Option(lead=lead) for lead in self.votes))

    def allows(self, step: Step, option: Option) -> bool:
        """Whether `option` may stand behind `step`."""
        if option.lead:
            return step.votes
        return step.verifiers is None or option.verifier in step.verifiers

    def verifier(self, name: str) -> Verifier:
        """The verifier of that name."""
        return next(v for v in self.verifiers if v.name == name)

    def person(self, name: str) -> Person:
        """The person of that name."""
        return next(p for p in self.people if p.name == name)

    def worse(self, sensitivity: float = 1.0, false_alarm: float = 1.0) -> Pipeline:
        """This pipeline with every verifier's rates multiplied; no rate leaves 0..1."""
        changed = tuple(
            replace(
                v,
                sensitivity=min(1.0, v.sensitivity * sensitivity),
                false_alarm=min(1.0, v.false_alarm * false_alarm),
            )
            for v in self.verifiers
        )
        return replace(self, verifiers=changed)


def chain(
    yields: Sequence[float], costs: Sequence[float] | float = 1.0, repair: float = 0.0
) -> tuple[Step, ...]:
    """Steps in a row, named by their numbers from 1."""
    priced = [costs] * len(yields) if isinstance(costs, int | float) else list(costs)
    return tuple(
        Step(str(i), p, float(cost), repair, (str(i - 1),) if i > 1 else ())
        for i, (p, cost) in enumerate(zip(yields, priced, strict=True), 1)
    )
