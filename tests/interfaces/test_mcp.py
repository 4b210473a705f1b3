"""The protocol over a staged project: tools, errors a model can act on, resources, both wires."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from filmgate.interfaces.mcp import server
from filmgate.settings import Settings
from tests.orchestration.staged import FakeGenerator, no_tell, plan, production


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = production(tmp_path / "store", monkeypatch, plan(3), FakeGenerator(stubborn={"1B"}))
    made.run(no_tell)
    made.store.close()
    return tmp_path / "store"


def asked(store: Path, question: Callable[[Client], Awaitable[Any]]) -> Any:
    async def ask() -> Any:
        async with Client(server(Settings(store=store, workers=1))) as client:
            return await question(client)

    return asyncio.run(ask())


def called(store: Path, tool: str, **arguments: Any) -> Any:
    return asked(store, lambda client: client.call_tool(tool, arguments))


def test_every_tool_has_a_schema_for_what_goes_in_and_out(project: Path) -> None:
    tools = asked(project, lambda client: client.list_tools()).tools
    names = {tool.name for tool in tools}
    assert names >= {"check", "explain", "queue", "decide", "run", "status", "trace", "resume"}
    for tool in tools:
        assert tool.description
        assert tool.output_schema, tool.name


def test_the_queue_is_explained_and_decided(project: Path) -> None:
    queue = called(project, "queue").structured_content
    assert queue["total"] == 1
    slate = queue["shots"][0]["take"]
    explained = called(project, "explain", slate="1B").structured_content
    assert explained["take"] == slate
    assert explained["findings"][0]["attribute"] == "grade/tonal_bands"
    ruled = called(project, "decide", slate=slate, ruling="circle", reviewer="ana", seen=0)
    assert ruled.structured_content["number"] == 1
    again = called(project, "decide", slate=slate, ruling="ng", reviewer="ben", seen=0)
    assert again.is_error
    assert "circle, by ana" in again.content[0].text


@pytest.mark.parametrize(
    ("tool", "arguments", "sentence"),
    [
        ("trace", {"slate": "9Z"}, "No shot has the slate '9Z'"),
        ("explain", {"slate": "1A-9"}, "no verdict"),
        ("task", {"task": "nonsense"}, "no task"),
        ("run", {"brief": "nowhere.toml"}, "nowhere.toml"),
        ("check", {"path": "nowhere"}, "nowhere"),
    ],
)
def test_mistakes_are_told_in_one_sentence(
    project: Path, tool: str, arguments: dict[str, Any], sentence: str
) -> None:
    answer = called(project, tool, **arguments)
    assert answer.is_error
    assert sentence in answer.content[0].text
    assert "Traceback" not in answer.content[0].text


def test_status_and_trace_are_structured(project: Path) -> None:
    status = called(project, "status").structured_content
    assert status["counts"] == {"escalated": 1, "circled": 2}
    trace = called(project, "trace", slate="1A").structured_content
    assert trace["takes"][0]["take"]["slate"] == "1A-1"


@pytest.mark.parametrize(
    "uri",
    ["filmgate://look", "filmgate://shots", "filmgate://takes/1A", "filmgate://findings/1B",
     "filmgate://schemas/take", "filmgate://schemas/check_report"],
)  # fmt: skip
def test_resources_are_json(project: Path, uri: str) -> None:
    read = asked(project, lambda client: client.read_resource(uri))
    assert json.loads(read.contents[0].text)


def test_a_task_outlives_its_answer(tmp_path: Path) -> None:
    from filmgate.interfaces.tasks import Tasks

    tasks = Tasks(tmp_path)
    done = tasks.start("quick", lambda say: {"answer": 42}, wait_s=5)
    assert (done.state, done.result) == ("completed", {"answer": 42})
    assert Tasks(tmp_path).get(done.task).result == {"answer": 42}
    lost = done.model_copy(update={"task": "abc", "state": "working"})
    (tmp_path / "abc.json").write_text(lost.model_dump_json())
    assert Tasks(tmp_path).get("abc").state == "lost"


def test_it_speaks_over_stdio(project: Path) -> None:
    async def ask() -> Any:
        told = StdioServerParameters(
            command=sys.executable, args=["-m", "filmgate", "mcp", "--store", str(project)],
            env={**os.environ},
        )  # fmt: skip
        async with Client(told) as client:
            return await client.call_tool("status", {})

    assert asyncio.run(ask()).structured_content["shots"] == 3


def test_it_speaks_over_http(project: Path) -> None:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "filmgate", "mcp", "--http", str(port), "--store", project]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(100):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                asyncio.run(asyncio.sleep(0.2))

            async def ask() -> Any:
                async with Client(f"http://127.0.0.1:{port}/mcp") as client:
                    return await client.call_tool("status", {})

            assert asyncio.run(ask()).structured_content["shots"] == 3
        finally:
            process.terminate()
