"""One suite over every format in `gap/importers`: a new file is tested without an edit here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from filmgate import registry
from filmgate.errors import UsageError
from filmgate.gap import importer
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace
from filmgate.schema.gap import Kind

FORMATS = registry.names("gap.importers")
SPAN = {"traceId": "t", "spanId": "a", "name": "invoke_agent write",
        "startTimeUnixNano": "1", "endTimeUnixNano": "2"}  # fmt: skip
SNAPSHOT = {
    "values": {"good": True}, "next": [], "metadata": {"step": 0}, "tasks": [],
    "config": {"configurable": {"thread_id": "t", "checkpoint_id": "1"}}, "parent_config": None,
}  # fmt: skip
RUN = {"id": "r", "trace_id": "r", "name": "job", "run_type": "chain", "dotted_order": "x",
       "start_time": "2026-01-01T00:00:00", "parent_run_id": None}  # fmt: skip
HANDOFF = {"item": "1A", "run": "r", "source": "generate", "target": "verify", "attempt": 1,
           "verifier": "circle"}  # fmt: skip
SAMPLES: dict[str, Any] = {
    "otlp": {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]},
    "langgraph": [SNAPSHOT],
    "langsmith": RUN,
    "ledger": HANDOFF,
    "table": {"item": "1", "step": "write", "outcome": 1},
    "taubench": [{"task_id": 1, "trial": 0, "reward": 1.0, "traj": []}],
}
"""The smallest file of each shipped format. A format that is not named here (third parties bring
their own) is held to the other promises alone."""


def written(tmp_path: Path, value: Any) -> Path:
    path = tmp_path / "traces.json"
    path.write_text(json.dumps(value) + "\n")
    return path


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_recognised_by_its_importer_alone(tmp_path: Path, name: str) -> None:
    head = written(tmp_path, SAMPLES[name]).read_bytes()
    assert [n for n in FORMATS if importer.importer(n).recognises(head)] == [name]


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_is_one_trace(tmp_path: Path, name: str) -> None:
    problems = Problems()
    source = importer.source([written(tmp_path, SAMPLES[name])], "auto", problems)
    (trace,) = source.traces(Mapping(), problems)
    assert isinstance(trace, Trace)
    assert trace.item
    assert problems.found() == ()
    for visit in trace.visits:
        assert visit.step
        assert visit.kind in get_args(Kind)
        assert visit.time_s is None or visit.time_s >= 0
        assert visit.cost_usd is None or visit.cost_usd >= 0


NOISE = [b"", b"\x00\xff\xfe", b"[[[[", b"{}", b"null", b'"text"', b"hello, world\n1,2\n",
         b'{"a": {"b": [1, {"c": null}]}}\n[]\n']  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("noise", NOISE)
def test_noise_is_not_recognised(name: str, noise: bytes) -> None:
    assert not importer.importer(name).recognises(noise)


JUNK = [None, 1, "x", [], {}, {"resourceSpans": 1}, {"resourceSpans": [{"scopeSpans": [{"spans":
        [{"traceId": "t"}]}]}]}, {"config": {}}, {"run_type": "chain"}, {"run_id": 1, "key": 2},
        {"task_id": None}, {"item": 1}, {"source": 1, "target": [], "item": {}, "run": 0},
        {**RUN, "start_time": "yesterday"}, {**SNAPSHOT, "tasks": [3]}]  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_junk_is_told_and_never_raises(tmp_path: Path, name: str) -> None:
    path = tmp_path / "junk.jsonl"
    path.write_text("\n".join(map(json.dumps, JUNK)) + "\n")
    problems = Problems()
    try:
        found = list(importer.importer(name).read([path], Mapping(), problems))
    except UsageError as error:
        told, found = str(error), []
    else:
        told = " ".join(p.file for p in problems.found())
    assert str(path) in told
    assert all(isinstance(trace, Trace) for trace in found)
