"""OpenTelemetry spans of generative AI, as OTLP/JSON: one export request a line, or one document.

Steps are agent and node spans: `invoke_agent` (GenAI conventions), `graph.node.id` and AGENT spans
(OpenInference), task and agent spans (OpenLLMetry), `gen_ai.step.name`; a person is a tool or agent
span named so. An agent span with agent spans inside is their container, not a step. Labels are
`gen_ai.evaluation.result` events on spans or log records. There is no convention for handoffs:
edges come from the order of the steps, or from a mapping file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import orjson

from filmgate.gap import labels, places
from filmgate.gap.importers._spans import INNER, PLAIN, ROOT, STEP, Source, Span, Spans
from filmgate.gap.labels import Word
from filmgate.gap.mapping import Mapping
from filmgate.gap.places import Place
from filmgate.gap.problems import Problems
from filmgate.gap.reading import records
from filmgate.gap.trace import Trace

_MARK = re.compile(rb'"(?:resourceSpans|resourceLogs|scopeSpans)"')
_ARRAYS = ("spans", "logRecords")
_EVALUATION = "gen_ai.evaluation"
_NAMES: Final = ("gen_ai.agent.name", "agent.name", "traceloop.entity.name", "gen_ai.agent.id")
_EVALUATES: Final = {
    "gen_ai.evaluation.name": "name",
    "gen_ai.evaluation.score.label": "label",
    "gen_ai.evaluation.score.value": "score",
    "gen_ai.evaluation.label": "label",
    "gen_ai.evaluation.score": "score",
    "gen_ai.evaluation.evaluator.type": "kind",
    "annotator_kind": "kind",
}
"""Attributes of an evaluation, as they are called now and were called before."""
_COSTS: Final = ("gen_ai.usage.cost", "llm.cost.total", "gen_ai.usage.total_cost")
_ITEMS: Final = ("gen_ai.conversation.id", "session.id")
_TELLING: Final = (
    "gen_ai.operation.name", "openinference.span.kind", "traceloop.span.kind", "gen_ai.step.name",
    "graph.node.id", "gen_ai.tool.name", "tool.name", "gen_ai.guardrail.name",
    "gen_ai.workflow.name", *_NAMES,
)  # fmt: skip
"""What decides whether a span is a step."""
_TELLS, _NAMES_ITEM, _PRICES, _HOLDS_NODE = range(4)
_KINDS = 100_000
"""Combinations of names that are remembered; names with ids in them must not fill the memory."""
_MODELS = ("llm", "model", "judge")
_CALLS = frozenset(("chat", "text_completion", "generate_content", "embeddings", "retrieval"))
_CALL_KINDS = frozenset(("LLM", "EMBEDDING", "RETRIEVER", "RERANKER"))
"""Spans that are part of a step and never one; half of all spans, so they are kept smaller."""
_ERROR = (2, "STATUS_CODE_ERROR")
_SCHEMAS = ("https://opentelemetry.io/schemas/0.", "https://opentelemetry.io/schemas/1.")
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError)


class _Kind(NamedTuple):
    level: int
    step: str


class Otlp:
    """The importer."""

    def recognises(self, head: bytes) -> bool:
        """Export requests name their resource arrays."""
        return _MARK.search(head) is not None

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """Spans of all files are put together by trace, labels of all files to their spans."""
        batch = _Batch(mapping, problems, files)
        for file in files:
            batch.file(file)
        if batch.by_response:
            for file in files:
                batch.find_responses(file)
        yield from batch.traces()


class _Batch:
    """Everything read so far, kept small: a tuple per span, an entry per call inside a step."""

    def __init__(self, mapping: Mapping, problems: Problems, files: Sequence[Path]) -> None:
        self.mapping, self.problems, self.files = mapping, problems, files
        self.spans: dict[str, list[Span]] = {}
        self.begins: dict[str, Place] = {}
        self.inner: dict[str, dict[str, str]] = {}
        self.items: dict[str, str] = {}
        self.late: dict[tuple[str, str], list[Word]] = {}
        self.by_response: dict[str, list[Word]] = {}
        self.kinds: dict[tuple[str, ...], _Kind] = {}
        self.words: dict[tuple[Any, ...], Word] = {}
        self.wanted = {
            **dict.fromkeys(_TELLING, _TELLS),
            **dict.fromkeys(("langgraph_node", "metadata.langgraph_node", "metadata"), _HOLDS_NODE),
            **dict.fromkeys((mapping.item_key,) if mapping.item_key else _ITEMS, _NAMES_ITEM),
            **dict.fromkeys(_COSTS, _PRICES),
            **({mapping.step_key: _TELLS} if mapping.step_key else {}),
        }
        self.here = Place(Path(), None)

    def file(self, path: Path) -> None:
        for value, line, array in records(path, self.problems, _ARRAYS):
            self.here = Place(path, line)
            try:
                if array == "spans":
                    self.span(value)
                elif array == "logRecords":
                    self.log(value)
                else:
                    self.request(value)
            except _UNUSABLE:
                self.problems.add(path, line, "is no OTLP span or log record; it is left out")

    def request(self, value: dict[str, Any]) -> None:
        """One export request; a span that makes no sense costs itself, not the request."""
        for url in _urls(value):
            if not url.startswith(_SCHEMAS):
                self.problems.locate(
                    self.files,
                    f"schema '{url}' is not known; attributes that are known by name are used",
                    places.holding("schemaUrl", url),
                    otherwise=self.here,
                )
        for span in _spans_of(value):
            try:
                self.span(span)
            except _UNUSABLE:
                self.problems.add(*self.here, "a span without ids or times; it is left out")
        for resource in value.get("resourceLogs") or ():
            for scope in resource.get("scopeLogs") or ():
                for record in scope.get("logRecords") or ():
                    try:
                        self.log(record)
                    except _UNUSABLE:
                        self.problems.add(
                            *self.here, "a log record that makes no sense; it is left out"
                        )

    def span(self, span: dict[str, Any]) -> None:
        """Keep what matters of a span; it runs a million times, so it looks at everything once."""
        trace, own, wanted = span["traceId"], span["spanId"], self.wanted
        told: list[str] = []
        cost = None
        for attribute in span.get("attributes") or ():
            key = attribute["key"]
            use = wanted.get(key)
            if use is None:
                continue
            value = attribute["value"]
            if use == _TELLS:
                told += (key, value.get("stringValue", ""))
            elif use == _NAMES_ITEM:
                if trace not in self.items:
                    self.items[trace] = str(_plain(value))
            elif use == _PRICES:
                cost = _number(value)
            elif node := _langgraph(value):
                told += ("langgraph_node", node)
        words: tuple[Word, ...] | None = None
        for event in span.get("events") or ():
            if event.get("name", "").startswith(_EVALUATION):
                word = self.word(event["name"], event.get("attributes") or ())
                words = (word,) if words is None else (*words, word)
        level, step = self.kind(span.get("name", ""), told)
        if level == INNER:
            if words is None and cost is None:
                inner = self.inner.get(trace)
                if inner is None:
                    inner = self.inner[trace] = {}
                inner[own] = span.get("parentSpanId") or ""
                return
            level = PLAIN
        status = span.get("status")
        # What `Span(...)` does, without its detour through keyword arguments.
        made = tuple.__new__(Span, (
            own,
            span.get("parentSpanId") or "",
            int(span["startTimeUnixNano"]),
            int(span["endTimeUnixNano"]),
            level,
            step,
            words,
            status is not None and status.get("code") in _ERROR,
            cost,
        ))  # fmt: skip
        known = self.spans.get(trace)
        if known is None:
            self.spans[trace] = [made]
            self.begins[trace] = self.here
        else:
            known.append(made)

    def kind(self, name: str, told: list[str]) -> _Kind:
        """Whether a span is a step, and which; worked out once per combination of names."""
        key = (name, *told)
        known = self.kinds.get(key)
        if known is None:
            facts = dict(zip(told[::2], told[1::2], strict=True))
            known = _classified(name, facts.get(self.mapping.step_key, ""), facts)
            if len(self.kinds) < _KINDS:
                self.kinds[key] = known
        return known

    def word(self, event: str, given: Sequence[dict[str, Any]]) -> Word:
        """An evaluation event's label, new names and old; the same label is the same object."""
        found: dict[str, Any] = {}
        for attribute in given:
            part = _EVALUATES.get(attribute["key"])
            if part is not None:
                found.setdefault(part, _plain(attribute["value"]))
        name = found.get("name") or event.removeprefix(_EVALUATION + ".")
        label, score, kind = found.get("label"), found.get("score"), found.get("kind")
        key = (name, label, score, kind)
        known = self.words.get(key)
        if known is None:
            said = self.mapping.good(label)
            judge = self.mapping.is_judge(str(name)) or str(kind).lower() in _MODELS
            known = Word(str(name), self.mapping.good(score) if said is None else said, judge)
            if len(self.words) < _KINDS:
                self.words[key] = known
        return known

    def log(self, record: dict[str, Any]) -> None:
        given = record.get("attributes") or ()
        name = record.get("eventName") or ""
        if not name:
            name = next((_plain(a["value"]) for a in given if a["key"] == "event.name"), "")
        if not str(name).startswith(_EVALUATION):
            return
        word = self.word(str(name), given)
        trace, span = record.get("traceId") or "", record.get("spanId") or ""
        if trace and span:
            self.late.setdefault((trace, span), []).append(word)
            return
        response = next((_plain(a["value"]) for a in given if a["key"] == "gen_ai.response.id"), "")
        if response:
            self.by_response.setdefault(str(response), []).append(word)
        else:
            self.problems.add(*self.here, "evaluations that name no span; they are left out")

    def find_responses(self, path: Path) -> None:
        """Read a file once more, for the spans whose responses are labelled by id alone."""
        for value, _, array in records(path, Problems(), _ARRAYS):
            spans = [value] if array == "spans" else _spans_of(value) if not array else []
            for span in spans:
                for attribute in span.get("attributes") or ():
                    if attribute.get("key") == "gen_ai.response.id":
                        words = self.by_response.pop(attribute["value"].get("stringValue"), None)
                        if words is not None:
                            key = (span["traceId"], span["spanId"])
                            self.late.setdefault(key, []).extend(words)

    def traces(self) -> Iterator[Trace]:
        if self.by_response:
            self.problems.locate(
                self.files,
                "evaluations of responses that no span has; they are left out",
                places.word(next(iter(self.by_response))),
                count=len(self.by_response),
            )
        late: dict[str, dict[str, list[Word]]] = {}
        for (trace, span), words in self.late.items():
            late.setdefault(trace, {})[span] = words
        source = Source(self.files, self.begins, "spanId", "spanId")
        together = Spans(self.mapping, self.problems, source)
        for trace in list(self.spans):
            item = self.items.get(trace, trace)
            inner = self.inner.pop(trace, _NO_CALLS)
            yield together.trace(item, trace, self.spans.pop(trace), inner, late.pop(trace, None))
        if late:
            self.problems.locate(
                self.files,
                "evaluations of traces that are in no file; they are left out",
                places.holding("traceId", next(iter(late))),
                count=len(late),
            )


def _classified(name: str, mine: str, told: dict[str, str]) -> _Kind:
    """What a span is, from its name and what its attributes tell; `mine`: the step key's value."""

    def first(*keys: str) -> str:
        return next((told[k] for k in keys if told.get(k)), "")

    operation = first("gen_ai.operation.name") or name.partition(" ")[0]
    form = first("openinference.span.kind", "traceloop.span.kind").upper()
    if operation in _CALLS or form in _CALL_KINDS:
        return _Kind(INNER, name)
    called = first(*_NAMES) or name.partition(" ")[2] or name
    node = mine or first("gen_ai.step.name", "graph.node.id", "langgraph_node")
    if node and node not in ("__start__", "__end__"):
        return _Kind(STEP, node)
    if operation == "invoke_workflow" or form == "WORKFLOW":
        return _Kind(ROOT, first("gen_ai.workflow.name") or called)
    if operation == "invoke_agent" or form in ("AGENT", "TASK"):
        return _Kind(STEP, called)
    if operation == "apply_guardrail" or form in ("GUARDRAIL", "EVALUATOR"):
        return _Kind(STEP, first("gen_ai.guardrail.name") or called)
    if operation == "execute_tool" or form == "TOOL":
        tool = first("gen_ai.tool.name", "tool.name") or called
        return _Kind(STEP if labels.kind_of(tool) == "human" else PLAIN, tool)
    return _Kind(PLAIN, name)


_NO_CALLS: Final[dict[str, str]] = {}


def _urls(request: Any) -> Iterator[str]:
    """The schema URLs that an export request names."""
    for resource in request.get("resourceSpans") or ():
        for part in (resource, *(resource.get("scopeSpans") or ())):
            url = part.get("schemaUrl")
            if url:
                yield url


def _spans_of(request: Any) -> Iterator[dict[str, Any]]:
    """The spans of an export request."""
    for resource in request.get("resourceSpans") or ():
        for scope in resource.get("scopeSpans") or ():
            yield from scope.get("spans") or ()


def _langgraph(value: dict[str, Any]) -> str:
    """The node's name, directly or inside the metadata that LangGraph's instrumentation writes."""
    text = value.get("stringValue", "")
    if not text.startswith("{"):
        return str(text)
    if "langgraph_node" not in text:
        return ""
    try:
        return str(orjson.loads(text).get("langgraph_node") or "")
    except (ValueError, AttributeError):
        return ""


def _plain(value: dict[str, Any]) -> Any:
    """An attribute's value; int64 arrive as text."""
    if "stringValue" in value:
        return value["stringValue"]
    if "intValue" in value:
        return int(value["intValue"])
    return next(iter(value.values()), None)


def _number(value: dict[str, Any]) -> float | None:
    found = _plain(value)
    return float(found) if isinstance(found, int | float) and found >= 0 else None


IMPORTER = Otlp()
