"""LangSmith exports: runs and feedback, as JSON Lines or arrays, in one file or in two.

Steps are the runs of LangGraph nodes (`extra.metadata.langgraph_node`), else what hangs directly
below the root run. Labels are feedback; of models those whose source says so. A verifier's word is
its output (`verdict` and the like) or feedback on its run. Repeats are runs of the same example.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filmgate.gap import labels, places
from filmgate.gap.importers._spans import PLAIN, ROOT, STEP, Source, Span, Spans
from filmgate.gap.labels import Word
from filmgate.gap.mapping import Mapping
from filmgate.gap.places import Place
from filmgate.gap.problems import Problems
from filmgate.gap.reading import records
from filmgate.gap.trace import Trace

_RUN = re.compile(rb'"(?:dotted_order|run_type)"\s*:')
_FEEDBACK = re.compile(rb'"feedback_source"\s*:|"run_id"\s*:.{0,400}?"score"\s*:', re.S)
_ARRAYS = ("runs", "feedback")
_ITEMS = ("thread_id", "session_id", "conversation_id")
_MODELS = ("model", "auto_eval")
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError)


class Langsmith:
    """The importer."""

    def recognises(self, head: bytes) -> bool:
        """Runs have a dotted order, feedback names a run and its source."""
        return _RUN.search(head) is not None or _FEEDBACK.search(head) is not None

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """Runs of all files are put together by trace, feedback of all files to its runs."""
        batch = _Batch(mapping, problems, files)
        for file in files:
            batch.file(file)
        yield from batch.traces()


class _Batch:
    def __init__(self, mapping: Mapping, problems: Problems, files: Sequence[Path]) -> None:
        self.mapping, self.problems, self.files = mapping, problems, files
        self.runs: dict[str, list[Span]] = {}
        self.nodes: dict[str, tuple[str, Any]] = {}
        self.items: dict[str, str] = {}
        self.feedback: dict[str, dict[str, list[Word]]] = {}
        self.seen: set[str] = set()
        self.begins: dict[str, Place] = {}
        self.here = Place(Path(), None)

    def file(self, path: Path) -> None:
        for value, line, _ in records(path, self.problems, _ARRAYS):
            self.here = Place(path, line)
            inner = [value]
            if isinstance(value, dict) and not {"run_type", "run_id"} & value.keys():
                inner = [v for key in _ARRAYS for v in value.get(key) or ()] or [value]
            for one in inner:
                try:
                    self.record(one)
                except _UNUSABLE:
                    self.problems.add(path, line, "is no LangSmith run or feedback; it is left out")

    def record(self, value: dict[str, Any]) -> None:
        if "run_type" in value:
            self.run(value)
            for child in value.get("child_runs") or ():
                self.run(child)
        else:
            self.label(value)

    def run(self, run: dict[str, Any]) -> None:
        trace, own, parent = run["trace_id"], run["id"], run.get("parent_run_id") or ""
        metadata = (run.get("extra") or {}).get("metadata") or {}
        node = metadata.get(self.mapping.step_key or "langgraph_node")
        if node in ("__start__", "__end__"):
            node = None
        if node:
            self.nodes[own] = (str(node), metadata.get("langgraph_step"))
        if not parent:
            self.items[trace] = self.item(run, metadata, trace)
        step = str(node or run.get("name") or "run")
        start = _nanoseconds(run["start_time"])
        ended = run.get("end_time")
        cost = run.get("total_cost")
        words = self.own_words(run, step, not parent)
        self.begins.setdefault(trace, self.here)
        self.runs.setdefault(trace, []).append(
            Span(
                own,
                parent,
                start,
                _nanoseconds(ended) if ended else start,
                STEP if node else PLAIN if parent else ROOT,
                step,
                words,
                bool(run.get("error")) or run.get("status") == "error",
                None if cost is None else float(cost),
            )
        )

    def item(self, run: dict[str, Any], metadata: dict[str, Any], trace: str) -> str:
        """What went through: the example, else the thread, else the trace itself."""
        if self.mapping.item_key:
            return str(metadata.get(self.mapping.item_key) or trace)
        threads = (metadata[key] for key in _ITEMS if metadata.get(key))
        return str(run.get("reference_example_id") or next(threads, trace))

    def own_words(self, run: dict[str, Any], step: str, root: bool) -> tuple[Word, ...] | None:
        """What the run says of itself: a verifier's output, the feedback counted at the root."""
        if self.mapping.kind(self.mapping.named(step)) == "verify":
            flagged = labels.verdict_in(run.get("outputs"), self.mapping.verdict)
            return None if flagged is None else (Word("verdict", not flagged),)
        counted = run.get("feedback_stats") or {}
        if not root or not isinstance(counted, dict):
            return None
        sure = {k: v.get("avg") for k, v in counted.items() if isinstance(v, dict)}
        found = [Word(k, self.mapping.good(v)) for k, v in sure.items() if v in (0, 1)]
        return tuple(found) or None

    def label(self, feedback: dict[str, Any]) -> None:
        run, name = feedback["run_id"], str(feedback["key"])
        if (own := feedback.get("id")) is not None:
            if own in self.seen:
                text, mark = "feedback that was sent twice; counted once", str(own)
                self.problems.locate(self.files, text, places.holding("id", mark), 2)
                return
            self.seen.add(own)
        said = self.mapping.good(feedback.get("score"))
        if said is None:
            said = self.mapping.good(feedback.get("value"))
        source = (feedback.get("feedback_source") or {}).get("type")
        judge = self.mapping.is_judge(name) or source in _MODELS
        trace = feedback.get("trace_id") or run
        self.feedback.setdefault(trace, {}).setdefault(run, []).append(Word(name, said, judge))

    def traces(self) -> Iterator[Trace]:
        source = Source(self.files, self.begins, "id", "run_id")
        together = Spans(self.mapping, self.problems, source, inclusive=True)
        for trace, runs in self.runs.items():
            late = self.feedback.pop(trace, None)
            spans = [self.placed(span, late or {}) for span in runs]
            yield together.trace(self.items.get(trace, trace), trace, spans, {}, late)
        yield from self.without_runs(together)

    def placed(self, span: Span, late: dict[str, list[Word]]) -> Span:
        """A run inside a node's run is part of it; counted feedback yields to feedback records."""
        if span.level == STEP and self.nodes.get(span.parent) == self.nodes[span.id]:
            span = span._replace(level=PLAIN)
        if span.level == ROOT and span.id in late:
            span = span._replace(words=None)
        return span

    def without_runs(self, together: Spans) -> Iterator[Trace]:
        """Traces of which only feedback is here: the outcome is known, the steps are not."""
        for trace, words in self.feedback.items():
            final = words.pop(trace, [])
            if words:
                self.problems.locate(
                    self.files,
                    "feedback on runs that are in no file; it is left out",
                    places.holding("run_id", next(iter(words))),
                    count=sum(map(len, words.values())),
                    first=trace,
                )
            together.run = trace
            said = together.settled(final, self.mapping.final, trace)
            if final:
                yield Trace(trace, trace, (), said.people, said.judge)


def _nanoseconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1e6) * 1000


IMPORTER = Langsmith()
