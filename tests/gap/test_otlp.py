"""OTLP/JSON: attribute names old and new, labels on spans and in logs, containers, broken trees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filmgate.gap import importer
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace

SECOND = 1_000_000_000


def attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    def plain(v: Any) -> dict[str, Any]:
        if isinstance(v, str):
            return {"stringValue": v}
        return {"intValue": str(v)} if isinstance(v, int) else {"doubleValue": v}

    return [{"key": k, "value": plain(v)} for k, v in values.items()]


def label(name: str, word: str, **more: Any) -> dict[str, Any]:
    values = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.label": word, **more}
    return {"name": "gen_ai.evaluation.result", "attributes": attributes(values)}


def span(
    own: str, parent: str = "", at: float = 0.0, seconds: float = 1.0, trace: str = "t1",
    events: tuple[dict[str, Any], ...] = (), code: int = 1, name: str = "", **values: Any,
) -> dict[str, Any]:  # fmt: skip
    start = 1_700_000_000 * SECOND + int(at * SECOND)
    return {
        "traceId": trace, "spanId": own, "parentSpanId": parent,
        "name": name or str(values.get("gen_ai.operation.name", "span")),
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + int(seconds * SECOND)),
        "attributes": attributes(values), "events": list(events), "status": {"code": code},
    }  # fmt: skip


def agent(own: str, step: str, parent: str = "root", **more: Any) -> dict[str, Any]:
    return span(
        own, parent, **{"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": step, **more}
    )


def root(**more: Any) -> dict[str, Any]:
    return span("root", **{"gen_ai.operation.name": "invoke_workflow", "seconds": 9.0, **more})


def request(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans)}]}]}


def logs(*records: dict[str, Any]) -> dict[str, Any]:
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": list(records)}]}]}


def read(
    tmp_path: Path, *requests: dict[str, Any], mapping: Mapping | None = None
) -> tuple[list[Trace], Problems]:
    path = tmp_path / "traces.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in requests))
    problems = Problems()
    source = importer.source([path], "auto", problems)
    assert source.format == "otlp"
    return list(source.traces(mapping or Mapping(), problems)), problems


def steps(trace: Trace) -> list[str]:
    return [v.step for v in trace.visits]


def test_spans_of_a_trace_may_come_in_any_order_and_request(tmp_path: Path) -> None:
    found, problems = read(
        tmp_path,
        request(agent("b", "second", at=2)),
        request(span("x", trace="t2", name="other")),
        request(root(events=(label("final", "pass"),)), agent("a", "first", at=1)),
    )
    assert [steps(t) for t in found] == [["first", "second"], ["other"]]
    assert found[0].outcome is True
    assert found[0].time_s == pytest.approx(9.0)
    assert problems.found() == ()


@pytest.mark.parametrize(
    "event",
    [
        label("step_correct", "fail"),
        label("step_correct", "incorrect"),
        {"name": "gen_ai.evaluation.result", "attributes": attributes(
            {"gen_ai.evaluation.name": "step_correct", "gen_ai.evaluation.score.value": 0.2})},
        {"name": "gen_ai.evaluation.correctness", "attributes": attributes(
            {"gen_ai.evaluation.score": 0.0})},
        {"name": "gen_ai.evaluation.result", "attributes": attributes(
            {"gen_ai.evaluation.name": "step_correct", "gen_ai.evaluation.label": "fail"})},
    ],
)  # fmt: skip
def test_labels_in_new_names_and_old(tmp_path: Path, event: dict[str, Any]) -> None:
    (trace,), problems = read(tmp_path, request(root(), agent("a", "write", events=(event,))))
    assert [v.outcome for v in trace.visits] == [False]
    assert problems.found() == ()


def test_labels_that_arrive_as_log_records(tmp_path: Path) -> None:
    new = {**label("final", "pass"), "traceId": "t1", "spanId": "root"}
    new["eventName"] = new.pop("name")
    old = {"traceId": "t1", "spanId": "a", "attributes": [
        *attributes({"event.name": "gen_ai.evaluation.result"}),
        *label("step_correct", "fail")["attributes"],
    ]}  # fmt: skip
    by_response = {"eventName": "gen_ai.evaluation.result", "attributes": [
        *attributes({"gen_ai.response.id": "r-7"}), *label("step_correct", "pass")["attributes"],
    ]}  # fmt: skip
    other = {"eventName": "app.started", "attributes": []}
    spans = request(
        root(), agent("a", "write", at=1), agent("b", "edit", at=2),
        span("c", "b", at=2, **{"gen_ai.operation.name": "chat", "gen_ai.response.id": "r-7"}),
    )  # fmt: skip
    for order in (
        (spans, logs(new, old, by_response, other)),
        (logs(new, old, by_response), spans),
    ):
        (trace,), problems = read(tmp_path, *order)
        assert trace.outcome is True
        assert [v.outcome for v in trace.visits] == [False, True]
        assert problems.found() == ()


def test_labels_of_spans_that_are_not_there_are_told(tmp_path: Path) -> None:
    lost = {**label("step", "pass"), "traceId": "t1", "spanId": "gone"}
    nowhere = {**label("step", "pass"), "traceId": "t9", "spanId": "gone"}
    nameless = label("step", "pass")
    for record in (lost, nowhere, nameless):
        record["eventName"] = record.pop("name")
    _, problems = read(
        tmp_path, request(root(), agent("a", "write")), logs(lost, nowhere, nameless)
    )
    assert len(problems.found()) == 3


def test_a_verifier_gives_verdicts_a_person_is_a_person(tmp_path: Path) -> None:
    (trace,), _ = read(
        tmp_path,
        request(
            root(),
            agent("a", "write", at=1),
            agent("b", "verify_text", at=2, events=(label("verify", "fail"),)),
            span("c", "root", at=3, **{"gen_ai.operation.name": "execute_tool",
                                       "gen_ai.tool.name": "human_review"}),
            span("d", "root", at=4, **{"gen_ai.operation.name": "apply_guardrail",
                                       "gen_ai.guardrail.name": "policy_guard"}),
            span("e", "root", at=5, **{"gen_ai.operation.name": "execute_tool",
                                       "gen_ai.tool.name": "search"}),
        ),
    )  # fmt: skip
    assert [(v.step, v.kind, v.flagged) for v in trace.visits] == [
        ("write", "work", None), ("verify_text", "verify", True), ("human_review", "human", None),
        ("policy_guard", "verify", None),
    ]  # fmt: skip


def test_an_agent_with_agents_inside_is_a_container(tmp_path: Path) -> None:
    (trace,), _ = read(
        tmp_path,
        request(
            root(),
            agent("boss", "supervisor", seconds=5.0),
            agent("a", "write", "boss", at=1),
            span("tool", "a", at=1, **{"gen_ai.operation.name": "execute_tool",
                                       "gen_ai.tool.name": "call"}),
            agent("b", "edit", "tool2", at=2),
            span("tool2", "boss", at=2, **{"gen_ai.operation.name": "execute_tool"}),
            span("human", "b", at=2.5, **{"gen_ai.operation.name": "execute_tool",
                                          "gen_ai.tool.name": "ask_human"}),
        ),
    )  # fmt: skip
    # The person inside the editor's span looks at the editor's work; the editor stays a step.
    assert steps(trace) == ["write", "edit", "ask_human"]


@pytest.mark.parametrize(
    ("values", "step"),
    [
        ({"openinference.span.kind": "AGENT", "agent.name": "planner"}, "planner"),
        ({"openinference.span.kind": "CHAIN", "graph.node.id": "planner"}, "planner"),
        ({"traceloop.span.kind": "task", "traceloop.entity.name": "planner"}, "planner"),
        ({"metadata": json.dumps({"langgraph_node": "planner", "langgraph_step": 1})}, "planner"),
        ({"gen_ai.step.name": "planner"}, "planner"),
        ({"name": "invoke_agent planner"}, "planner"),
    ],
)
def test_frameworks_name_their_steps_in_many_ways(
    tmp_path: Path, values: dict[str, Any], step: str
) -> None:
    (trace,), _ = read(
        tmp_path, request(root(), span("a", "root", at=1, **values), span("b", "a", at=1))
    )
    assert steps(trace) == [step]


def test_what_runs_inside_a_node_carries_its_name_and_is_no_visit_of_its_own(
    tmp_path: Path,
) -> None:
    node = {"metadata": json.dumps({"langgraph_node": "planner"})}
    (trace,), _ = read(
        tmp_path,
        request(
            root(),
            span("a", "root", at=1, **{"openinference.span.kind": "CHAIN", **node}),
            span("a1", "a", at=1, **{"openinference.span.kind": "CHAIN", **node}),
            span("a2", "a1", at=1, **{"openinference.span.kind": "LLM", **node}),
            span("b", "root", at=3, **{"openinference.span.kind": "CHAIN", **node}),
        ),
    )
    assert steps(trace) == ["planner", "planner"]


def test_a_label_on_a_call_is_its_steps(tmp_path: Path) -> None:
    call = {"gen_ai.operation.name": "chat"}
    late = {**label("step_correct", "fail"), "traceId": "t1", "spanId": "b1"}
    late["eventName"] = late.pop("name")
    (trace,), problems = read(
        tmp_path,
        request(
            root(), agent("a", "write", at=1), agent("b", "edit", at=2),
            span("a1", "a", at=1, events=(label("step_correct", "pass"),), **call),
            span("b1", "b", at=2, **call),
        ),
        logs(late),
    )  # fmt: skip
    assert [v.outcome for v in trace.visits] == [True, False]
    assert problems.found() == ()


def test_a_tool_below_a_call_finds_its_step(tmp_path: Path) -> None:
    (trace,), problems = read(
        tmp_path,
        request(
            root(), agent("a", "write", at=1),
            span("a1", "a", at=1, **{"gen_ai.operation.name": "chat"}),
            span("a2", "a1", at=1, **{"gen_ai.operation.name": "execute_tool",
                                      "gen_ai.tool.name": "search", "gen_ai.usage.cost": 0.5}),
        ),
    )  # fmt: skip
    assert [(v.step, v.cost_usd) for v in trace.visits] == [("write", 0.5)]
    assert problems.found() == ()


def test_without_any_name_the_children_of_the_root_are_the_steps(tmp_path: Path) -> None:
    (trace,), _ = read(
        tmp_path,
        request(
            span("root", seconds=9.0, name="job"),
            span("a", "root", at=1, name="fetch"),
            span("b", "root", at=2, name="write"),
            span("c", "b", at=2, name="inner"),
        ),
    )
    assert steps(trace) == ["fetch", "write"]


def test_costs_go_to_their_step(tmp_path: Path) -> None:
    chat = {"gen_ai.operation.name": "chat"}
    (trace,), _ = read(
        tmp_path,
        request(
            root(),
            agent("a", "write", at=1, **{"gen_ai.usage.cost": 0.5}),
            span("a1", "a", at=1, **{**chat, "llm.cost.total": 0.25}),
            agent("b", "edit", at=2),
        ),
    )
    assert [v.cost_usd for v in trace.visits] == [0.75, None]
    assert trace.cost_usd == 0.75


def test_conversations_with_several_traces_are_repeats_of_one_item(tmp_path: Path) -> None:
    ids = {"gen_ai.conversation.id": "talk-1"}
    found, _ = read(tmp_path, request(root(**ids), span("root2", trace="t2", name="job", **ids)))
    assert {t.item for t in found} == {"talk-1"}
    assert len({t.run for t in found}) == 2
    mapping = Mapping(item_key="my.ticket", step_key="my.stage")
    own = {"my.ticket": "T-9", "my.stage": "triage"}
    (trace,), _ = read(
        tmp_path, request(root(**ids), span("a", "root", at=1, **own)), mapping=mapping
    )
    assert (trace.item, steps(trace)) == ("T-9", ["triage"])


def test_a_model_that_judges_is_not_a_person(tmp_path: Path) -> None:
    judged = label("quality", "pass", annotator_kind="LLM")
    (trace,), problems = read(
        tmp_path,
        request(root(events=(judged,)), agent("a", "write", events=(judged,))),
    )
    assert (trace.outcome, trace.judged) == (None, True)
    assert [v.outcome for v in trace.visits] == [None]
    assert any("set no yield" in note for note in problems.notes())
    named = Mapping(judge=frozenset({"quality"}))
    (trace,), _ = read(tmp_path, request(root(events=(label("quality", "pass"),))), mapping=named)
    assert (trace.outcome, trace.judged) == (None, True)


def test_several_evaluations_of_one_span(tmp_path: Path) -> None:
    both = (label("relevance", "fail"), label("correctness", "pass"))
    (trace,), _ = read(tmp_path, request(root(), agent("a", "write", events=both)))
    assert trace.visits[0].outcome is True
    unclear = (label("tone", "fail"), label("relevance", "pass"))
    (trace,), problems = read(tmp_path, request(root(), agent("a", "write", events=unclear)))
    assert trace.visits[0].outcome is None
    assert "'relevance', 'tone' differ" in problems.found()[0].text
    spans = request(root(), agent("a", "write", events=unclear))
    (trace,), _ = read(tmp_path, spans, mapping=Mapping(step=("tone",)))
    assert trace.visits[0].outcome is False


BROKEN = {
    "labels that contradict": (
        [root(), agent("a", "write", at=1, events=(label("ok", "pass"), label("ok", "fail")))],
        "contradict one another", ["write"],
    ),
    "missing parents": (
        [agent("a", "write", "gone", at=1), agent("b", "edit", "gone", at=2)],
        "parent is missing", ["write", "edit"],
    ),
    "parents in a circle": (
        [agent("a", "write", "b", at=1), agent("b", "edit", "a", at=2)],
        "run in a circle", ["write", "edit"],
    ),
    "a circle below the root": (
        [root(), agent("a", "write", "b", at=1), agent("b", "edit", "a", at=2)],
        "run in a circle", ["write", "edit"],
    ),
    "sent twice": (
        [root(), agent("a", "write", at=1), agent("a", "write", at=1)], "sent twice", ["write"],
    ),
    "one id for two spans": (
        [root(), agent("a", "write", at=1), agent("a", "edit", at=2)],
        "different spans with the same id", ["write"],
    ),
    "ends before it starts": (
        [root(), agent("a", "write", at=1, seconds=-3.0)], "end before they start", ["write"],
    ),
    "starts before its parent": (
        [root(at=5.0), agent("a", "write", at=1)], "start before their parent", ["write"],
    ),
    "a span without ids": (
        [root(), {"name": "x"}, agent("a", "write", at=1)], "a span without ids", ["write"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_broken_traces_are_told_and_the_rest_is_used(tmp_path: Path, name: str) -> None:
    spans, told, wanted = BROKEN[name]
    (trace,), problems = read(tmp_path, request(*spans))
    assert steps(trace) == wanted
    assert any(told in p.text for p in problems.found()), problems.found()
    assert problems.found()[0].file.endswith("traces.jsonl")
    if name == "ends before it starts":
        assert trace.visits[0].time_s is None


def test_an_unknown_schema_version_is_told_and_known_names_are_used(tmp_path: Path) -> None:
    spans = request(root(), agent("a", "write", at=1))
    for url, told in (
        ("https://opentelemetry.io/schemas/1.41.0", []),
        ("https://opentelemetry.io/schemas/2.0.0", [1]),
        ("https://example.com/mine/7", [1]),
    ):
        spans["resourceSpans"][0]["scopeSpans"][0]["schemaUrl"] = url
        (trace,), problems = read(tmp_path, spans)
        assert steps(trace) == ["write"]
        assert [p.line for p in problems.found()] == told


def test_problems_name_the_first_trace(tmp_path: Path) -> None:
    from filmgate.gap.problems import sentence

    _, problems = read(
        tmp_path, request(agent("a", "x", "gone"), agent("b", "x", "gone", trace="t2"))
    )
    (found,) = problems.found()
    assert (found.first, found.count) == ("t1", 2)
    assert sentence(found).endswith("(first in 't1', and 1 more like it).")


def test_a_failed_root_is_a_crash(tmp_path: Path) -> None:
    (trace,), _ = read(tmp_path, request(root(code=2), agent("a", "write", at=1, code=2)))
    assert trace.crashed
    assert trace.visits[0].error
