"""`edges.toml`: what a trace cannot say of itself: the order of steps, what they do, which label
counts. The format is published as ``schemas/gap_edges.schema.json`` and told in ``docs/gap.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any, get_args

from filmgate.errors import BadSetting
from filmgate.gap import labels
from filmgate.schema.gap import Kind
from filmgate.settings import check_keys, line_of, read_toml

_TOP = ("edges", "ignore", "kinds", "rename", "labels", "ids")
_LABELS = ("final", "step", "verdict", "judge", "threshold")
_IDS = ("item", "step")


@dataclass(frozen=True, slots=True)
class Mapping:
    """How to read traces.

    Attributes:
        edges: (source, target) pairs; empty: the order of the traces decides.
        ignore: steps that are left out.
        kinds: what steps do, where their name does not say.
        rename: step as traced -> step as reported.
        final, step, verdict: names of the evaluations, feedback keys or state keys that say whether
            the item, a step's output, or a verifier says right; empty: told by their names.
        judge: those whose labels are a model's.
        threshold: scores from here on are good; None: from .5 on a scale of 0 to 1.
        item_key, step_key: attribute (or metadata key) that names the item, and the step.
        file: where it was read, for messages.
    """

    edges: tuple[tuple[str, str], ...] = ()
    ignore: frozenset[str] = frozenset()
    kinds: dict[str, Kind] = field(default_factory=dict)
    rename: dict[str, str] = field(default_factory=dict)
    final: tuple[str, ...] = ()
    step: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    judge: frozenset[str] = frozenset()
    threshold: float | None = None
    item_key: str = ""
    step_key: str = ""
    file: str = ""

    def named(self, step: str) -> str:
        """The name to report."""
        return self.rename.get(step, step)

    def kind(self, step: str) -> Kind:
        """What the step of that (reported) name does."""
        known = self.kinds.get(step)
        return labels.kind_of(step) if known is None else known

    def good(self, value: Any) -> bool | None:
        """Whether a label or score means right."""
        return labels.good(value, self.threshold)

    def is_judge(self, name: str) -> bool:
        """Whether labels of that name are a model's."""
        return name in self.judge

    def sources(self, step: str) -> tuple[str, ...]:
        """The steps that hand over to `step`, as declared."""
        return tuple(a for a, b in self.edges if b == step)


def read(path: Path) -> Mapping:
    """The mapping in the file `path`.

    Raises:
        BadSetting: with the file, the line where known, and the key.
    """
    values, text = read_toml(path)
    return _Reader(path, text).mapping(values)


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    text: str

    def fail(self, message: str, *near: str) -> BadSetting:
        return BadSetting(f"{self.path}{line_of(self.text, *near)}: {message}")

    def mapping(self, values: dict[str, Any]) -> Mapping:
        check_keys(values, _TOP, self.path, self.text)
        named = self.table(values, "labels", _LABELS)
        ids = self.table(values, "ids", _IDS)
        return Mapping(
            edges=self.edges(values.get("edges", [])),
            ignore=frozenset(self.words(values, "ignore")),
            kinds={step: self.kind(step, word) for step, word in self.pairs(values, "kinds")},
            rename=dict(self.pairs(values, "rename")),
            final=self.words(named, "final"),
            step=self.words(named, "step"),
            verdict=self.words(named, "verdict"),
            judge=frozenset(self.words(named, "judge")),
            threshold=self.number(named, "threshold"),
            item_key=self.word(ids, "item"),
            step_key=self.word(ids, "step"),
            file=str(self.path),
        )

    def table(self, values: dict[str, Any], key: str, known: Iterable[str]) -> dict[str, Any]:
        found = values.get(key, {})
        if not isinstance(found, dict):
            raise self.fail(f"'{key}' must be a table: write [{key}].", key)
        check_keys(found, known, self.path, self.text, key)
        return found

    def pairs(self, values: dict[str, Any], key: str) -> list[tuple[str, str]]:
        found = values.get(key, {})
        if not isinstance(found, dict):
            raise self.fail(f"'{key}' must be a table: write [{key}].", key)
        for name, word in found.items():
            if not isinstance(word, str) or not word:
                raise self.fail(f"'{key}.{name}' must be text, not '{word}'.", name)
        return list(found.items())

    def words(self, values: dict[str, Any], key: str) -> tuple[str, ...]:
        found = values.get(key, [])
        listed = [found] if isinstance(found, str) else found
        if not isinstance(listed, list) or not all(isinstance(w, str) and w for w in listed):
            raise self.fail(f"'{key}' must be a name or a list of names.", key)
        return tuple(listed)

    def word(self, values: dict[str, Any], key: str) -> str:
        found = values.get(key, "")
        if not isinstance(found, str):
            raise self.fail(f"'{key}' must be text, not '{found}'.", key)
        return found

    def number(self, values: dict[str, Any], key: str) -> float | None:
        found = values.get(key)
        if found is None:
            return None
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.fail(f"'{key}' must be a number, not '{found}'.", key)
        return float(found)

    def kind(self, step: str, word: str) -> Kind:
        kinds: dict[str, Kind] = {k: k for k in get_args(Kind)}
        if word not in kinds:
            raise self.fail(
                f"'{step}' cannot be '{word}': a step is one of {', '.join(kinds)}.", step
            )
        return kinds[word]

    def edges(self, given: Any) -> tuple[tuple[str, str], ...]:
        if not isinstance(given, list):
            raise self.fail(
                '\'edges\' must be a list of pairs such as ["script", "render"].', "edges"
            )
        for pair in given:
            fits = isinstance(pair, list) and len(pair) == 2
            if not fits or not all(isinstance(end, str) and end for end in pair):
                raise self.fail(f"an edge is a pair of step names, not {pair}.", "edges")
        found = tuple((str(a), str(b)) for a, b in given)
        circle = cycle(found)
        if circle:
            raise self.fail(
                f"the edges run in a circle: {' → '.join(circle)}.", circle[0], circle[1]
            )
        return found


def cycle(edges: Iterable[tuple[str, str]]) -> list[str]:
    """The steps of one circle, first one repeated at the end; empty where there is none."""
    try:
        order(edges)
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def order(edges: Iterable[tuple[str, str]]) -> list[str]:
    """The steps of a graph, every one after those that hand over to it.

    Raises:
        graphlib.CycleError: it has a circle.
    """
    graph: TopologicalSorter[str] = TopologicalSorter()
    for source, target in edges:
        graph.add(source)
        graph.add(target, source)
    return list(graph.static_order())
