"""The pipeline behind the traces: which steps there are, in which order, who hands over to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from filmgate.gap import mapping as mappings
from filmgate.gap import places
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.tally import Pattern, Seen
from filmgate.schema.gap import Kind

MINORITY = 0.05
"""Two steps that run in the other order in more than this share of traces have no order."""
LOOKED_AT = 500
"""Patterns, the most frequent first, that decide the order of steps."""


class Shape(NamedTuple):
    """The pipeline.

    Attributes:
        steps: all of them, in order.
        rank: step -> position.
        kinds: step -> what it does.
        declared: edges of the mapping file; empty where the traces decide.
        paths: sets of work steps that traces went through -> share of the traces.
    """

    steps: tuple[str, ...]
    rank: dict[str, int]
    kinds: dict[str, Kind]
    declared: dict[str, tuple[str, ...]]
    paths: dict[tuple[str, ...], float]

    def of(self, kind: Kind) -> list[str]:
        """Steps of one kind, in order."""
        return [step for step in self.steps if self.kinds[step] == kind]


def shape(
    patterns: Sequence[Pattern], counts: Sequence[int], mapping: Mapping, problems: Problems
) -> Shape:
    """The steps in order: as declared, else each after those that it mostly comes after."""
    kinds: dict[str, Kind] = {}
    for pattern in patterns:
        for visit in pattern.visits:
            # A node that asked a person once is a person wherever it ran.
            if visit.step not in kinds or visit.kind == "human":
                kinds[visit.step] = visit.kind
    ranked = sorted(zip(counts, patterns, strict=True), key=lambda pair: -pair[0])
    firsts = [(count, _firsts(pattern)) for count, pattern in ranked[:LOOKED_AT]]
    steps = _ordered(kinds, firsts, mapping, problems)
    rank = {step: i for i, step in enumerate(steps)}
    declared = {step: mapping.sources(step) for step in steps} if mapping.edges else {}
    return Shape(tuple(steps), rank, kinds, declared, _paths(patterns, counts, kinds, rank))


def _firsts(pattern: Pattern) -> dict[str, int]:
    """Step -> position of its first visit."""
    first: dict[str, int] = {}
    for i, visit in enumerate(pattern.visits):
        first.setdefault(visit.step, i)
    return first


def _ordered(
    kinds: dict[str, Kind],
    firsts: list[tuple[int, dict[str, int]]],
    mapping: Mapping,
    problems: Problems,
) -> list[str]:
    steps = list(kinds)
    before: Counter[tuple[str, str]] = Counter()
    weight: Counter[str] = Counter()
    place: Counter[str] = Counter()
    for count, first in firsts:
        along = sorted(first, key=first.__getitem__)
        for i, step in enumerate(along):
            weight[step] += count
            place[step] += count * i
            for later in along[i + 1 :]:
                before[step, later] += count
    # A step comes after all that mostly ran before it; those that never met go by mean position.
    ahead = {s: sum(before[o, s] > before[s, o] for o in steps) for s in steps}
    mean = {s: place[s] / weight[s] if weight[s] else len(steps) for s in steps}
    found = sorted(steps, key=lambda s: (ahead[s], mean[s], s))
    if not mapping.edges:
        _tell_unordered([s for s in found if kinds[s] == "work"], before, problems)
        return found
    declared = mappings.order(mapping.edges)
    for step in declared:
        if step not in steps:
            problems.locate(
                [Path(mapping.file or "edges")],
                f"step '{step}' of the edges is in no trace",
                places.word(step),
            )
    return _merged([s for s in declared if s in steps], found)


def _merged(declared: list[str], found: list[str]) -> list[str]:
    """The declared order, with every other step right after the one it follows in the traces."""
    out = list(declared)
    for i, step in enumerate(found):
        if step not in declared:
            previous = next((s for s in reversed(found[:i]) if s in out), None)
            out.insert(0 if previous is None else out.index(previous) + 1, step)
    return out


def _tell_unordered(steps: list[str], before: Counter[tuple[str, str]], problems: Problems) -> None:
    for i, step in enumerate(steps):
        for later in steps[i + 1 :]:
            with_order, against = before[step, later], before[later, step]
            if against > MINORITY * (with_order + against):
                problems.note(
                    f"'{step}' and '{later}' run in either order: if neither needs the other, "
                    f"declare the edges in a mapping file."
                )
                return


def _paths(
    patterns: Iterable[Pattern], counts: Iterable[int], kinds: dict[str, Kind], rank: dict[str, int]
) -> dict[tuple[str, ...], float]:
    """Work steps of the traces that came to an end, with how often."""
    found: Counter[tuple[str, ...]] = Counter()
    for pattern, count in zip(patterns, counts, strict=True):
        if pattern.visits and not pattern.crashed:
            gone = {v.step for v in pattern.visits if kinds[v.step] == "work"}
            found[tuple(sorted(gone, key=rank.__getitem__))] += count
    total = found.total()
    return {path: count / total for path, count in found.items()}


def sources(shape: Shape, visits: Sequence[Seen], at: int) -> list[int]:
    """The visits that handed over to visit `at`, as indices; empty: it took the run's own input.

    Declared: the latest visit of each declared source. Else the visit before it among work and
    people. After a flag or an error that sends the item back it is the latest one of an earlier
    step, or of a person: the state at the checkpoint.
    """
    visit = visits[at]
    kinds, rank = shape.kinds, shape.rank
    given = shape.declared.get(visit.step)
    if given:
        latest = {visits[i].step: i for i in range(at)}
        return [latest[s] for s in _workers(shape, given) if s in latest]
    previous = next((i for i in range(at - 1, -1, -1) if kinds[visits[i].step] != "verify"), None)
    if previous is None:
        return []
    back = rank[visits[previous].step] >= rank[visit.step]
    if back and kinds[visits[previous].step] != "human" and _sent_back(visits[previous:at]):
        for i in range(previous, -1, -1):
            kind = kinds[visits[i].step]
            if kind == "human" or (kind == "work" and rank[visits[i].step] < rank[visit.step]):
                return [i]
        return []
    return [previous]


def _workers(shape: Shape, steps: Iterable[str]) -> list[str]:
    """The steps themselves, and for a verifier those it stands behind."""
    out: list[str] = []
    for step in steps:
        if shape.kinds.get(step) == "verify":
            out += _workers(shape, shape.declared.get(step, ()))
        else:
            out.append(step)
    return out


def _sent_back(between: Sequence[Seen]) -> bool:
    """Whether an error or a flag stands between the work before and this visit."""
    return any(v.error or (v.kind == "verify" and v.flagged is not False) for v in between)
