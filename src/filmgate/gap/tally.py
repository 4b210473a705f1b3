"""Traces counted as they stream by: a million of them come down to the few ways they can go."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from filmgate.gap.trace import Trace
from filmgate.schema.gap import Kind

LARGEST = 1e15
"""No cost in USD and no time in seconds is this large; sums of what is below stay finite."""
FIELDS = 5
"""Of a visit, those that make a pattern: step, kind, outcome, flagged, error."""


class Seen(NamedTuple):
    """A visit as it counts in a pattern; see `trace.Visit`."""

    step: str
    kind: Kind
    outcome: bool | None
    flagged: bool | None
    error: bool


class Pattern(NamedTuple):
    """One way a run went, whoever went it."""

    visits: tuple[Seen, ...]
    outcome: bool | None
    judged: bool | None
    crashed: bool


class Mean:
    """A running mean of what is known; what no cost or time can be (NaN, below 0) is left out."""

    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.count, self.total = 0, 0.0

    def add(self, value: float | None) -> None:
        """Count `value` if it is known."""
        if value is not None and 0 <= value < LARGEST:
            self.count += 1
            self.total += value

    @property
    def value(self) -> float | None:
        """The mean; None of nothing."""
        return self.total / self.count if self.count else None


class Tally:
    """What is kept of all traces.

    Attributes:
        patterns: how often each way was gone; first_item: who went it first.
        items: of each item, the patterns of its runs, in order.
        moments: (start, outcome) of labelled traces with a start.
        costs, times: per step.
    """

    def __init__(self) -> None:
        self.traces = 0
        self.patterns: list[Pattern] = []
        self.counts: list[int] = []
        self.first_item: list[str] = []
        self._known: dict[tuple[object, ...], int] = {}
        self.items: dict[str, list[int]] = {}
        self.moments: list[tuple[float, bool]] = []
        self.first: float | None = None
        self.last: float | None = None
        self.costs: dict[str, Mean] = {}
        self.times: dict[str, Mean] = {}
        self.item_cost, self.item_time = Mean(), Mean()
        self.strata: dict[tuple[str, str], list[int]] = {}

    def extend(self, traces: Iterable[Trace]) -> Tally:
        """Count all `traces`."""
        for trace in traces:
            self.add(trace)
        return self

    def add(self, trace: Trace) -> None:
        """Count one trace."""
        self.traces += 1
        key = (
            tuple([v[:FIELDS] for v in trace.visits]),
            trace.outcome,
            trace.judged,
            trace.crashed,
        )
        number = self._known.get(key)
        if number is None:
            number = self._known[key] = len(self.patterns)
            seen = tuple(Seen._make(visit) for visit in key[0])
            self.patterns.append(Pattern(seen, trace.outcome, trace.judged, trace.crashed))
            self.counts.append(0)
            self.first_item.append(trace.item)
        self.counts[number] += 1
        self.items.setdefault(trace.item, []).append(number)
        self._measure(trace)

    def _measure(self, trace: Trace) -> None:
        for visit in trace.visits:
            if visit.cost_usd is not None:
                self.costs.setdefault(visit.step, Mean()).add(visit.cost_usd)
            if visit.time_s is not None:
                self.times.setdefault(visit.step, Mean()).add(visit.time_s)
        self.item_cost.add(trace.cost_usd)
        self.item_time.add(trace.time_s)
        start = trace.start_s
        if start is not None and math.isfinite(start):
            self.first = start if self.first is None else min(start, self.first)
            self.last = start if self.last is None else max(start, self.last)
            if trace.outcome is not None or trace.crashed:
                self.moments.append((start, bool(trace.outcome) and not trace.crashed))
        if trace.outcome is not None:
            for trait in trace.traits:
                counted = self.strata.setdefault(trait, [0, 0])
                counted[0] += trace.outcome
                counted[1] += 1
