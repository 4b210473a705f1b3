"""LangGraph histories: from a real graph, and broken ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, interrupt

from filmgate import gap
from filmgate.gap import importer
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace


class State(TypedDict, total=False):
    good: bool
    verdict: str
    approved: bool


def dumped(graph: Any, thread: str) -> list[dict[str, Any]]:
    """The history as users write it: `get_state_history`, field by field."""
    config = {"configurable": {"thread_id": thread}}
    return [
        {
            "values": s.values, "next": list(s.next), "config": s.config, "metadata": s.metadata,
            "created_at": s.created_at, "parent_config": s.parent_config,
            "tasks": [
                {"id": t.id, "name": t.name, "path": list(t.path), "result": t.result,
                 "error": None if t.error is None else repr(t.error),
                 "interrupts": [{"value": i.value} for i in t.interrupts]}
                for t in s.tasks
            ],
            "interrupts": [],
        }
        for s in graph.get_state_history(config)
    ]  # fmt: skip


def read(tmp_path: Path, value: Any) -> tuple[list[Trace], Problems]:
    path = tmp_path / "history.json"
    path.write_text(json.dumps(value, default=str))
    problems = Problems()
    source = importer.source([path], "auto", problems)
    assert source.format == "langgraph"
    return list(source.traces(Mapping(), problems)), problems


def built(nodes: dict[str, Any], retry: dict[str, int] | None = None) -> Any:
    graph = StateGraph(State)
    names = list(nodes)
    for name, node in nodes.items():
        tries = (retry or {}).get(name, 1)
        policy = RetryPolicy(max_attempts=tries, initial_interval=0.001, retry_on=RuntimeError)
        graph.add_node(name, node, retry_policy=policy)
    for a, b in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(a, b)
    return graph.compile(checkpointer=InMemorySaver())


def vector(shared: Path) -> dict[str, Any]:
    data = json.loads((shared / "vectors" / "gap_vectors.json").read_text())
    found: dict[str, Any] = data["vectors"]["langgraph_retry"]
    return found


def test_retries_inside_a_node_leave_no_trace(shared: Path, tmp_path: Path) -> None:
    calls = 0

    def flaky(state: State) -> State:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise RuntimeError("again")
        return {"good": True}

    graph = built({"flaky": flaky}, {"flaky": 3})
    graph.invoke({"good": False}, {"configurable": {"thread_id": "a"}})
    history = dumped(graph, "a")
    wanted = vector(shared)["ok_after_retries"]
    assert (calls, len(history)) == (wanted["calls"], wanted["snapshots"])
    (trace,), problems = read(tmp_path, history)
    assert [v.step for v in trace.visits] == ["flaky"]
    assert sum(v.error for v in trace.visits) == wanted["task_errors"]
    assert trace.outcome is True
    assert any("lower bound" in note for note in problems.notes())


def test_an_exhausted_retry_is_a_crash(shared: Path, tmp_path: Path) -> None:
    def dead(state: State) -> State:
        raise RuntimeError("dead")

    graph = built({"dead": dead}, {"dead": 2})
    with pytest.raises(RuntimeError):
        graph.invoke({"good": True}, {"configurable": {"thread_id": "a"}})
    history = dumped(graph, "a")
    wanted = vector(shared)["exhausted"]
    assert len(history) == wanted["snapshots"]
    assert history[0]["next"] == wanted["next"]
    (trace,), _ = read(tmp_path, history)
    assert trace.crashed
    assert [(v.step, v.error) for v in trace.visits] == [("dead", True)]
    found = gap.measure([tmp_path / "history.json"])
    assert found.numbers.end_to_end.value == 0.0


def test_an_interrupt_is_a_person(tmp_path: Path) -> None:
    def ask(state: State) -> State:
        return {"good": bool(interrupt("is it right?"))}

    graph = built({"draw": lambda state: {"good": False}, "ask": ask})
    config = {"configurable": {"thread_id": "a"}}
    graph.invoke({}, config)
    (waiting,), problems = read(tmp_path, dumped(graph, "a"))
    assert [v.step for v in waiting.visits] == ["draw"]
    assert waiting.outcome is None
    assert any("not ended" in p.text for p in problems.found())
    graph.invoke(Command(resume=True), config)
    (done,), _ = read(tmp_path, dumped(graph, "a"))
    assert [(v.step, v.kind, v.outcome) for v in done.visits] == [
        ("draw", "work", False), ("ask", "human", True),
    ]  # fmt: skip
    assert done.outcome is True


def test_an_edited_state_is_a_person_and_a_fork_is_left_out(tmp_path: Path) -> None:
    graph = built({"draw": lambda state: {"good": False}, "end_it": lambda state: {}})
    config = {"configurable": {"thread_id": "a"}}
    graph.invoke({}, config)
    before = next(s for s in graph.get_state_history(config) if s.next == ("end_it",))
    edited = graph.update_state(before.config, {"good": True}, as_node="draw")
    graph.invoke(None, edited)
    (trace,), problems = read(tmp_path, dumped(graph, "a"))
    assert [(v.step, v.kind) for v in trace.visits] == [
        ("draw", "work"), ("update_state", "human"), ("end_it", "work"),
    ]  # fmt: skip
    assert trace.outcome is True
    assert any("abandoned forks" in p.text for p in problems.found())


def snapshot(at: int, parent: int | None, node: str = "a", **more: Any) -> dict[str, Any]:
    def config(n: int | None) -> dict[str, Any] | None:
        return None if n is None else {"configurable": {"thread_id": "t", "checkpoint_id": str(n)}}

    return {
        "values": {"good": True}, "next": [node], "config": config(at), "metadata": {"step": at},
        "created_at": f"2026-01-01T00:00:{at:02d}+00:00", "parent_config": config(parent),
        "tasks": [{"name": node, "error": None, "interrupts": [], "result": {"good": True}}],
        **more,
    }  # fmt: skip


LAST = {"next": [], "tasks": []}


@pytest.mark.parametrize(
    ("history", "told"),
    [
        ([snapshot(2, 1, **LAST), snapshot(1, 9, "b"), snapshot(0, None)], "parents are missing"),
        ([snapshot(2, 1, **LAST), snapshot(1, 2, "b"), snapshot(0, None)], "run in a circle"),
        ([snapshot(2, 1, **LAST), snapshot(1, 0, "b"), snapshot(1, 0, "b"), snapshot(0, None)],
         "twice"),
        ([snapshot(2, 1, **LAST), "x", snapshot(1, 0, "b"), snapshot(0, None)], "no LangGraph"),
    ],
)  # fmt: skip
def test_broken_histories(tmp_path: Path, history: list[Any], told: str) -> None:
    (trace,), problems = read(tmp_path, history)
    assert [v.step for v in trace.visits] == ["a", "b"]
    assert trace.outcome is True
    assert any(told in p.text for p in problems.found()), problems.found()


def test_clocks_that_run_backwards(tmp_path: Path) -> None:
    history = [snapshot(2, 1, **LAST), snapshot(1, 0, "b"), snapshot(0, None)]
    history[1]["created_at"], history[2]["created_at"] = (
        history[2]["created_at"], history[1]["created_at"],
    )  # fmt: skip
    (trace,), problems = read(tmp_path, history)
    assert [v.step for v in trace.visits] == ["a", "b"]
    assert [v.time_s for v in trace.visits] == [None, 2.0]
    assert any("older than their parents" in p.text for p in problems.found())


def test_threads_in_any_wrapping(tmp_path: Path) -> None:
    one = [snapshot(1, 0, **LAST), snapshot(0, None)]
    for value in (one, [one], {"t": one}):
        (trace,), _ = read(tmp_path, value)
        assert [v.step for v in trace.visits] == ["a"]
