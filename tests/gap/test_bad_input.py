"""What is wrong with the input is one sentence with file and line, and the rest is used.

Every kind of trouble that the issue of the coordination gap lists, through the command.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from filmgate import gap
from filmgate.gap import places
from filmgate.interfaces import cli

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


def span(
    trace: int, own: str, parent: str = "", at: int = 0, label: str = "", name: str = "ok"
) -> dict[str, Any]:
    """A span of one second; the run's own where it has no parent, else an agent."""
    operation = "invoke_agent" if parent else "invoke_workflow"
    told = {"gen_ai.operation.name": operation, "gen_ai.agent.name": own[:1]}
    event = {"gen_ai.evaluation.name": name, "gen_ai.evaluation.score.label": label}
    return {
        "traceId": f"t{trace}", "spanId": f"{own}{trace}",
        "parentSpanId": f"{parent}{trace}" if parent else "",
        "name": operation, "startTimeUnixNano": str(START + at * SECOND),
        "endTimeUnixNano": str(START + (at + 1) * SECOND),
        "attributes": pairs(told),
        "events": [{"name": "gen_ai.evaluation.result", "attributes": pairs(event)}] * bool(label),
    }  # fmt: skip


def pairs(values: dict[str, str]) -> list[dict[str, Any]]:
    return [{"key": k, "value": {"stringValue": v}} for k, v in values.items()]


def run(trace: int) -> list[dict[str, Any]]:
    """A run in order: its own span, then two agents."""
    return [span(trace, "r", label="pass"), span(trace, "a", "r", 1), span(trace, "b", "r", 2)]


def changed(at: int, **values: Any) -> list[dict[str, Any]]:
    """A run with one span changed."""
    spans = run(2)
    spans[at] = {**spans[at], **values}
    return spans


CIRCLE = [span(2, "a", "b", 1), span(2, "b", "a", 2)]
NOT_TWICE = {**span(2, "a", "r", 3), "name": "another"}
CONTRADICTING = [
    *run(2)[:2],
    {**run(2)[2], "events": span(2, "b", label="pass")["events"] + span(2, "b", label="fail")[
        "events"]},
]  # fmt: skip
OTLP: dict[str, tuple[list[dict[str, Any]], int, str]] = {
    "missing parents": (changed(1, parentSpanId="gone"), 1, "whose parent is missing"),
    "cyclic parents": (CIRCLE, 0, "parents run in a circle"),
    "a clock that runs backwards": (changed(1, endTimeUnixNano=str(START)), 1, "end before they"),
    "clocks that disagree": (
        changed(2, startTimeUnixNano=str(START - SECOND)), 2, "start before their parent",
    ),
    "sent twice": ([*run(2), run(2)[1]], 3, "sent twice"),
    "duplicate ids": ([*run(2), NOT_TWICE], 3, "different spans with the same id"),
    "labels that contradict": (CONTRADICTING, 2, "contradict one another"),
    "no ids": ([run(2)[0], {"name": "x"}, *run(2)[1:]], 1, "a span without ids"),
}  # fmt: skip


def measured(path: Path, capsys: pytest.CaptureFixture[str], told: str) -> int | None:
    """The line told with the trouble `told`, from the report and from the screen alike."""
    out = path.parent / "report.json"
    assert cli.main(["gap", "measure", str(path), "--json", str(out)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    report = json.loads(out.read_text())
    (found,) = [p for p in report["problems"] if told in p["text"]]
    assert found["file"] == str(path)
    line: int | None = found["line"]
    where = f" line {line}" if line else ""
    assert f"{path.name}{where}: {found['text'].split(';')[0]}".replace(" ", "") in said.replace(
        " ", ""
    )
    assert report["traces"] >= 2, "the rest is used"
    return line


@pytest.mark.parametrize("name", OTLP)
def test_spans_one_to_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    spans, at, told = OTLP[name]
    path = tmp_path / "t.jsonl"
    every = [*run(1), *spans, *run(3)]
    lines = [{"resourceSpans": [{"scopeSpans": [{"spans": [s]}]}]} for s in every]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert measured(path, capsys, told) == 3 + at + 1


@pytest.mark.parametrize("name", [name for name in OTLP if name != "no ids"])
def test_spans_of_one_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    spans, at, told = OTLP[name]
    path = tmp_path / "t.json"
    every = [*run(1), *spans, *run(3)]
    document = {"resourceSpans": [{"scopeSpans": [{"spans": every}]}]}
    path.write_text(json.dumps(document, indent=1))
    lines = path.read_text().splitlines()
    starts = [i for i, line in enumerate(lines, 1) if '"spanId"' in line]
    assert measured(path, capsys, told) == starts[3 + at]


def test_in_files_too_large_to_search_the_trace_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "SEARCHED_BYTES", 10)
    path = tmp_path / "t.jsonl"
    spans = [*run(1), *OTLP["sent twice"][0], *run(3)]
    lines = [{"resourceSpans": [{"scopeSpans": [{"spans": [s]}]}]} for s in spans]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert measured(path, capsys, "sent twice") == 4  # where trace t2 begins


def smith(trace: int, own: str, parent: str | None = None, at: int = 0) -> dict[str, Any]:
    return {
        "id": f"{own}{trace}", "trace_id": f"r{trace}", "name": own, "run_type": "chain",
        "parent_run_id": f"{parent}{trace}" if parent else None,
        "start_time": f"2026-01-01T00:00:{10 + at}+00:00",
        "end_time": f"2026-01-01T00:00:{11 + at}+00:00", "status": "success",
    }  # fmt: skip


def feedback(number: int, run: str, score: float) -> dict[str, Any]:
    return {"id": f"f{number}", "run_id": run, "trace_id": run, "key": "correct", "score": score}


RUNS = [s for n in (1, 2, 3) for s in (smith(n, "r"), smith(n, "a", "r", 1))]
LANGSMITH: dict[str, tuple[list[dict[str, Any]], int, str]] = {
    "missing parents": ([*RUNS, smith(4, "r"), smith(4, "a", "gone")], 8, "parent is missing"),
    "duplicate ids": ([*RUNS, RUNS[3]], 7, "sent twice"),
    "a clock that runs backwards": (
        [*RUNS[:5], {**RUNS[5], "end_time": "2026-01-01T00:00:00+00:00"}], 6, "end before they",
    ),
    "labels that contradict": (
        [*RUNS, feedback(1, "r1", 1), feedback(2, "r2", 1), feedback(3, "r2", 0)], 8,
        "contradict one another",
    ),
    "feedback twice": ([*RUNS, feedback(1, "r1", 1), feedback(1, "r1", 1)], 8, "sent twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", LANGSMITH)
def test_langsmith(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    records, line, told = LANGSMITH[name]
    path = tmp_path / "t.jsonl"
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    assert measured(path, capsys, told) == line


def snapshot(thread: int, step: int, above: int | None, **more: Any) -> dict[str, Any]:
    def config(own: int) -> dict[str, Any]:
        names = {"thread_id": f"x{thread}", "checkpoint_ns": "", "checkpoint_id": f"{thread}-{own}"}
        return {"configurable": names}

    return {
        "config": config(step), "parent_config": None if above is None else config(above),
        "metadata": {"step": step, "source": "loop" if step else "input"},
        "created_at": f"2026-01-01T00:00:{10 + step}+00:00", "values": {"good": True},
        "next": [] if step == 2 else ["n"],
        "tasks": [] if step == 2 else [{"name": f"n{step}", "result": {"x": 1}}], **more,
    }  # fmt: skip


def history(thread: int) -> list[dict[str, Any]]:
    return [snapshot(thread, 2, 1), snapshot(thread, 1, 0), snapshot(thread, 0, None)]


LANGGRAPH: dict[str, tuple[list[dict[str, Any]], int, str]] = {
    "missing parents": ([snapshot(2, 2, 1), snapshot(2, 1, 9)], 1, "parents are missing"),
    "cyclic parents": (
        [snapshot(2, 2, 1), snapshot(2, 1, 2), snapshot(2, 0, None)], 1, "run in a circle",
    ),
    "duplicate ids": ([*history(2)[:2], *history(2)[1:]], 2, "there twice"),
    "a clock that runs backwards": (
        [*history(2)[:1], snapshot(2, 1, 0, created_at="2026-01-01T00:00:01+00:00"), history(2)[2]],
        1, "older than their parents",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LANGGRAPH)
@pytest.mark.parametrize("pretty", [False, True])
def test_langgraph(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, pretty: bool
) -> None:
    records, at, told = LANGGRAPH[name]
    path = tmp_path / "t.json"
    every = [*history(1), *records, *history(3)]
    if pretty:
        path.write_text(json.dumps(every, indent=1))
        starts = [i for i, line in enumerate(path.read_text().splitlines(), 1)
                  if line.startswith('  "config"')]  # fmt: skip
        begin, end = starts[3 + at], [*starts, 10**9][3 + at + 1]
        assert begin <= (measured(path, capsys, told) or 0) < end
    else:
        path.write_text("".join(json.dumps(r) + "\n" for r in every))
        assert measured(path, capsys, told) == 3 + at + 1


TABLE = "item,step,attempt,outcome\n1,a,1,1\n1,end,,pass\n2,a,1,0\n2,end,,fail\n"
TABLES: dict[str, tuple[str, int, str]] = {
    "a share outside 0 to 1": (TABLE + "3,a,1,1.7\n", 6, "outcome '1.7' is neither"),
    "duplicate ids": (TABLE + "2,a,1,0\n", 6, "counted once"),
    "labels that contradict": (TABLE + "2,a,1,1\n", 6, "contradict one another"),
    "outcomes that contradict": (TABLE + "2,end,,pass\n", 6, "contradict one another"),
    "an outcome against its last step": (TABLE + "3,a,1,1\n3,end,,fail\n", 6, "contradicts the"),
    "cut off": (TABLE + "3,a", 6, "has 2 cells where the header has 4"),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    text, line, told = TABLES[name]
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert measured(path, capsys, told) == line


def otlp(path: Path, *lines: Any) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def requests() -> list[dict[str, Any]]:
    return [{"resourceSpans": [{"scopeSpans": [{"spans": run(n)}]}]} for n in (1, 2, 3)]


def truncated(path: Path) -> None:
    otlp(path, *requests())
    path.write_text(path.read_text()[:-200])


def future(path: Path) -> None:
    first, second, third = requests()
    second["resourceSpans"][0]["schemaUrl"] = "https://opentelemetry.io/schemas/9.0.0"
    otlp(path, first, second, third)


@pytest.mark.parametrize(
    ("make", "line", "told"),
    [(truncated, 3, "is cut off"), (future, 2, "schemas/9.0.0' is not known")],
)
def test_truncated_and_of_an_unknown_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str],
    make: Callable[[Path], None], line: int, told: str,
) -> None:  # fmt: skip
    make(tmp_path / "t.jsonl")
    assert measured(tmp_path / "t.jsonl", capsys, told) == line


REFUSED: dict[str, tuple[list[str], str, str]] = {
    "zero traces": (["measure", "{file}"], "item,step,outcome\n", "{file}: holds no traces"),
    "an empty file": (["measure", "{file}"], "", "{file}: is empty"),
    "a yield above 1": (
        ["plan", "{file}"], '[[step]]\nname = "a"\nyield = 1.2\n', "{file} line 3: 'yield'",
    ),
    "a verifier below 0": (
        ["plan", "{file}"],
        '[[step]]\nname = "a"\nyield = 0.9\n[[verifier]]\nname = "v"\nsensitivity = 0.9\n'
        "false_alarm = -0.1\n",
        "{file} line 7: 'false_alarm'",
    ),
    "steps that do not connect": (
        ["plan", "{file}"],
        '[[step]]\nname = "a"\nyield = 0.9\n\n[[step]]\nname = "b"\nyield = 0.9\nafter = []\n',
        "{file} line 2: the steps do not connect",
    ),
    "steps in a circle": (
        ["plan", "{file}"],
        '[[step]]\nname = "a"\nyield = 0.9\nafter = ["b"]\n[[step]]\nname = "b"\nyield = 0.9\n',
        "{file} line 4: the steps go in a circle",
    ),
    "a target above 1": (
        ["plan", "{file}", "--target", "1.5"], '[[step]]\nname = "a"\nyield = 0.9\n',
        "between 0 and 1",
    ),
    "a report of a later version": (
        ["plan", "--from", "{file}"], '{"schema_version": 99}', "{file}: is not a report",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_used_at_all_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    words, text, told = REFUSED[name]
    path = tmp_path / "input.csv"
    path.write_text(text)
    assert cli.main(["gap", *(w.format(file=path) for w in words)]) == 2
    said = capsys.readouterr()
    assert told.format(file=path) in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert "Traceback" not in said.err


def test_one_trace_and_a_step_that_never_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("item,step,outcome\n1,a,1\n1,end,pass\n")
    assert cli.main(["gap", "measure", str(path)]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "Cannot tell yet: 1 labelled run leaves the outcome between" in said
    assert "nan" not in said.lower()


def test_a_file_without_lines_is_named_without_a_line(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    columns = {"item": ["1", "1", "2", "2"], "step": ["a", "end"] * 2, "outcome": [1, 0, 1, 1]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    found = gap.measure([tmp_path / "t.parquet"])
    (problem,) = found.problems
    assert "contradicts the label of their last step" in problem.text
    assert (problem.file, problem.line) == (str(tmp_path / "t.parquet"), None)
    assert problem.first == "1"
