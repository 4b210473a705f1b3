"""Server-sent events: every new fact, whoever wrote it, in order, none missed."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from filmgate.assets.store import Store
from filmgate.interfaces.http.app import create
from filmgate.loop import project
from filmgate.review.desk import facts
from tests.review.room import Page, Staged, ruling, served, stage, state, until


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    return stage(tmp_path, monkeypatch, 6, {"1B", "1D"}, clips=False)


def heard(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    """The next `count` facts of a stream."""
    out: list[dict[str, Any]] = []
    while len(out) < count:
        line = next(lines)
        if line.startswith("data: {"):
            out.append(json.loads(line.removeprefix("data: ")))
    return out


def test_events_tell_of_every_fact_in_order_and_miss_none(staged: Staged) -> None:
    with served(create(staged.told)) as address, httpx2.Client(base_url=address) as client:
        page = Page(client)  # type: ignore[arg-type]
        newest = page.session["version"]
        with client.stream("GET", "/api/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            poster = threading.Thread(target=page.post, args=("/api/decide", ruling()))
            poster.start()
            found = heard(lines, 3)
            poster.join()
        assert [e["kind"] for e in found[:2]] == ["decision", facts.KIND]
        assert found[0]["id"] == newest + 1
        assert found[1]["row"]["state"] in ("decided", "circled")
        assert (found[0]["shot"], found[0]["take"], found[0]["by"]) == ("1B", "1B-1", "ana")
        until(lambda: state(page, "1B") == "circled")
        for known in ({"Last-Event-ID": str(newest)}, {}):
            path = "/api/events" if known else f"/api/events?after={newest}"
            with client.stream("GET", path, headers=known) as stream:
                missed = heard(stream.iter_lines(), 4)
            assert [e["id"] for e in missed] == list(range(newest + 1, newest + 5))
            assert missed[0]["row"] is None, "only the newest fact of a shot carries its row"


def test_a_listener_that_knows_too_little_is_told_to_load_anew(staged: Staged) -> None:
    with served(create(staged.told)) as address, httpx2.Client(base_url=address) as client:
        Page(client)  # type: ignore[arg-type]
        with client.stream("GET", "/api/events?after=999999999") as stream:
            lines = stream.iter_lines()
            assert [next(lines) for _ in range(3)][2] == "event: reset"


def test_events_of_another_process_are_heard(staged: Staged) -> None:
    with served(create(staged.told)) as address, httpx2.Client(base_url=address) as client:
        Page(client)  # type: ignore[arg-type]
        with client.stream("GET", "/api/events") as stream:
            lines = stream.iter_lines()
            next(lines)
            with Store(staged.root) as store:
                project.decide(store, "1D", "ng", "from the shell")
            (event,) = heard(lines, 1)
            assert (event["kind"], event["by"]) == ("decision", "from the shell")
