"""LangGraph state history (`get_state_history`): the snapshots of one thread or of many.

A snapshot's tasks are the nodes that ran from it. Histories do not know retries inside a node
(`RetryPolicy`): three calls leave one task. What was right comes from a key of the state; which one
is told in the report, and chosen under [labels] of a mapping file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from filmgate.gap import labels, places
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.reading import records
from filmgate.gap.trace import Trace, Visit
from filmgate.schema.gap import Kind

_MARK = re.compile(rb'"checkpoint_id"\s*:|"parent_config"\s*:')
_EDITS = ("update", "fork")
_HIDDEN = ("__start__", "__end__")
RETRIES = (
    "LangGraph history does not keep retries inside a node (RetryPolicy): the attempts counted are "
    "a lower bound."
)
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError)


class Langgraph:
    """The importer."""

    def recognises(self, head: bytes) -> bool:
        """Snapshots name their checkpoint and its parent."""
        return _MARK.search(head) is not None

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """One trace per thread."""
        problems.note(RETRIES)
        reader = _Reader(mapping, problems, files)
        for file in files:
            reader.file(file)
        for thread, snapshots in reader.threads.items():
            yield reader.trace(thread, snapshots)


class _Task(NamedTuple):
    step: str
    error: bool
    asked: bool
    done: bool
    outcome: bool | None
    flagged: bool | None


class _Snapshot(NamedTuple):
    id: str
    parent: str
    step: int
    source: str
    at_s: float | None
    tasks: tuple[_Task, ...]
    ended: bool
    outcome: bool | None


class _Reader:
    def __init__(self, mapping: Mapping, problems: Problems, files: Sequence[Path]) -> None:
        self.mapping, self.problems, self.files = mapping, problems, files
        self.threads: dict[str, list[_Snapshot]] = {}
        self.thread = ""

    def file(self, path: Path) -> None:
        for value, line, _ in records(path, self.problems):
            for snapshot in _flat(value):
                try:
                    self.snapshot(snapshot)
                except _UNUSABLE:
                    self.problems.add(path, line, "is no LangGraph snapshot; it is left out")

    def snapshot(self, value: dict[str, Any]) -> None:
        own = value["config"]["configurable"]
        if own.get("checkpoint_ns"):
            self.problems.note("Subgraphs are parts of their node: their own history is left out.")
            return
        metadata = value.get("metadata") or {}
        above = (value.get("parent_config") or {}).get("configurable") or {}
        wanted = self.mapping.final or labels.OUTCOME_KEYS
        made = _Snapshot(
            str(own["checkpoint_id"]),
            str(above.get("checkpoint_id") or ""),
            int(metadata.get("step", 0)),
            str(metadata.get("source") or "loop"),
            _seconds(value.get("created_at")),
            tuple(self.task(t) for t in value.get("tasks") or () if t["name"] not in _HIDDEN),
            not value.get("next"),
            self.outcome(value.get("values"), wanted),
        )
        thread = str(own.get(self.mapping.item_key or "thread_id") or own.get("thread_id") or "")
        self.threads.setdefault(thread, []).append(made)

    def task(self, task: dict[str, Any]) -> _Task:
        name, result = self.mapping.named(str(task["name"])), task.get("result")
        asked = bool(task.get("interrupts"))
        verifies = self.mapping.kind(name) == "verify"
        wanted = self.mapping.step or labels.OUTCOME_KEYS
        return _Task(
            name,
            bool(task.get("error")),
            asked,
            result is not None,
            None if verifies else self.outcome(result, wanted),
            labels.verdict_in(result, self.mapping.verdict) if verifies else None,
        )

    def outcome(self, values: Any, keys: Sequence[str]) -> bool | None:
        """Whether the state says right, by the first of `keys` that says anything."""
        if not isinstance(values, dict):
            return None
        for key in keys:
            found = self.mapping.good(values.get(key))
            if found is not None:
                self.problems.note(f"Outcomes are read from the state key '{key}'.")
                return found
        return None

    def trace(self, thread: str, snapshots: list[_Snapshot]) -> Trace:
        self.thread = thread
        path = self.path_of(snapshots)
        visits: list[Visit] = []
        for i, snapshot in enumerate(path):
            last = i + 1 == len(path)
            after = None if last else path[i + 1].at_s
            time_s = None
            if after is not None and snapshot.at_s is not None:
                time_s = after - snapshot.at_s
                if time_s < 0:
                    text = "snapshots that are older than their parents; time is not counted"
                    self.told(text, path[i + 1].id)
                    time_s = None
            if snapshot.source in _EDITS and i > 0:
                visits.append(Visit("update_state", "human", snapshot.outcome))
            # What ran from a state that was then edited belongs to the fork that was left.
            if last or path[i + 1].source not in _EDITS:
                visits += self.visits(snapshot, last, time_s)
        tip = path[-1]
        crashed = bool(tip.tasks) and any(t.error for t in tip.tasks)
        if not tip.ended and not crashed:
            self.told("threads that have not ended; their outcome is not counted", tip.id)
        start, end = path[0].at_s, tip.at_s
        length = end - start if start is not None and end is not None and end >= start else None
        outcome = tip.outcome if tip.ended else None
        return Trace(thread, thread, tuple(visits), outcome, None, crashed, start, length)

    def visits(self, snapshot: _Snapshot, last: bool, time_s: float | None) -> list[Visit]:
        out = []
        for task in snapshot.tasks:
            if task.step in self.mapping.ignore or (last and not task.done and not task.error):
                continue
            kind: Kind = self.mapping.kind(task.step)
            if task.asked and task.step not in self.mapping.kinds:
                kind = "human"
            out.append(Visit(task.step, kind, task.outcome, task.flagged, task.error, None, time_s))
        return out

    def path_of(self, snapshots: list[_Snapshot]) -> list[_Snapshot]:
        """From the input to the newest snapshot along the parents, without abandoned forks."""
        known = {s.id: s for s in snapshots}
        if len(known) < len(snapshots):
            ids = [s.id for s in snapshots]
            again = next(own for i, own in enumerate(ids) if own in ids[:i])
            self.told("snapshots that are there twice; each is counted once", again, nth=2)
        # Histories list the newest first; times and steps decide where they say otherwise.
        tip = max(known.values(), key=lambda s: (s.at_s or 0.0, s.step))
        path, seen = [tip], {tip.id}
        while (parent := path[-1].parent) in known and parent not in seen:
            seen.add(parent)
            path.append(known[parent])
        if parent in seen or (parent and path[-1].source != "input"):
            lost = "run in a circle" if parent in seen else "are missing"
            text = f"threads whose parents {lost}; the order of steps is used"
            self.told(text, path[-1].id)
            return sorted(known.values(), key=lambda s: (s.step, s.at_s or 0.0))
        if len(path) < len(known):
            left = next(own for own in known if own not in seen)
            text = "snapshots on abandoned forks; they are left out"
            self.told(text, left, len(known) - len(path))
        return path[::-1]

    def told(self, text: str, snapshot: str, count: int = 1, nth: int = 1) -> None:
        """A problem of the thread at hand, with the `nth` snapshot of this id."""
        own = rb'"config"\s*:\s*\{[^{}]*\{[^{}]*' + places.holding("checkpoint_id", snapshot)
        self.problems.locate(self.files, text, own, nth, count, self.thread)


def _flat(value: Any) -> Iterator[dict[str, Any]]:
    """Snapshots in any wrapping: a list per thread, or a table from thread to list."""
    if isinstance(value, list):
        for inner in value:
            yield from _flat(inner)
    elif isinstance(value, dict) and "config" not in value and "values" not in value:
        for inner in value.values():
            if isinstance(inner, list):
                yield from _flat(inner)
    else:
        yield value


def _seconds(text: Any) -> float | None:
    if not isinstance(text, str):
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return None


IMPORTER = Langgraph()
