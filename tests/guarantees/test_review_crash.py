"""A server that is killed in the middle of decisions loses none and doubles none.

The page's part is what it does in life: it sends a decision with a key of its own, and sends the
same again until the server says that it is stored.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from filmgate.assets.store import Store
from filmgate.loop import project
from filmgate.review.desk import facts
from tests.review.room import stage, until

KILLS = 10
AT_ONCE = 4
"""Decisions on their way when the server is killed."""
SHOTS = KILLS * AT_ONCE
LONGEST_S = 0.12
"""A kill comes up to this long after the requests were sent; four take about half of it."""
PROGRAM = "from filmgate.interfaces.review import review_app; review_app()"
ENDS = {"circle": "circled", "hold": "hold", "ng": "ng", "intended": "circled"}


class Server:
    """The room in a process of its own."""

    def __init__(self, root: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "--port", "0", "--store", str(root)],
            stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stdout is not None
        said = self.process.stdout.readline()
        self.port = int(said.split("127.0.0.1:")[1].split("/")[0])
        self.headers: dict[str, str] = {}
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        line.request("GET", "/api/session")
        answer = line.getresponse()
        session = json.loads(answer.read())
        cookie = str(answer.getheader("set-cookie")).split(";")[0]
        self.headers = {
            "Cookie": cookie, "X-Filmgate-CSRF": session["csrf"],
            "Content-Type": "application/json",
        }  # fmt: skip
        line.close()

    def decide(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send one decision; raises when the answer is lost."""
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(line):
            line.request("POST", "/api/decide", json.dumps(body).encode(), self.headers)
            answer = line.getresponse()
            return answer.status, json.loads(answer.read())

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def running(root: Path) -> Iterator[Server]:
    server = Server(root)
    try:
        yield server
    finally:
        server.kill()


def sent(server: Server, body: dict[str, Any], answers: dict[str, int]) -> None:
    with contextlib.suppress(OSError, http.client.HTTPException, ValueError):
        answers[body["key"]] = server.decide(body)[0]


def stored_one(root: Path, batch: list[dict[str, Any]]) -> None:
    """Wait until the first of the decisions is in the ledger; its answer is on its way then."""
    with Store(root) as store:
        after = store.ledger.last_id()
        keys = {f"{body['take']}/1" for body in batch}
        until(
            lambda: (
                any(store.ledger.get("decision", key) for key in keys)
                or store.ledger.last_id() > after + 2 * len(batch)
            )
        )


def fates(root: Path, batch: list[dict[str, Any]], answers: dict[str, int]) -> Counter[str]:
    """What became of each decision that was on its way."""
    out: Counter[str] = Counter()
    with Store(root) as store:
        for body in batch:
            stored = store.ledger.get("decision", f"{body['take']}/1") is not None
            judged = store.ledger.get(facts.KIND, body["key"]) is not None
            told = body["key"] in answers
            assert stored == judged, "both or none"
            assert stored or not told, "what was said to be stored is stored"
            out[f"{'stored' if stored else 'not stored'}, {'told' if told else 'lost'}"] += 1
    return out


def killed(
    root: Path, before: list[dict[str, Any]], batch: list[dict[str, Any]], wait_s: float | None
) -> Counter[str]:
    """A server that is killed while `batch` is on its way.

    Args:
        before: what an earlier server may have lost; sent again first, as a page does.
        wait_s: when; None for the moment the first of the batch is in the ledger.
    """
    answers: dict[str, int] = {}
    with running(root) as server:
        for body in before:
            status, said = server.decide(body)
            assert status in (200, 201), said
            assert said["decision"]["ruling"] == body["ruling"]
        threads = [threading.Thread(target=sent, args=(server, one, answers)) for one in batch]
        for thread in threads:
            thread.start()
        if wait_s is None:
            stored_one(root, batch)
        else:
            time.sleep(wait_s)
        server.kill()
        for thread in threads:
            thread.join()
    return fates(root, batch, answers)


def test_ten_kills_in_the_middle_of_decisions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, rng = tmp_path / ".filmgate", random.Random(4)
    stage(root, monkeypatch, SHOTS, clips=False).made.store.close()
    with Store(root) as store:
        shots = [s.shot for s in project.queue(store)]
    assert len(shots) == SHOTS
    wanted = {
        shot: {
            "key": f"key-of-{shot}", "take": f"{shot}-1", "expects": 0,
            "ruling": rng.choice(list(ENDS)), "note": f"about {shot}", "scores": {"taste": 3},
        }
        for shot in shots
    }  # fmt: skip
    fate, bodies = Counter[str](), list(wanted.values())
    for kill in range(0, SHOTS, AT_ONCE):
        wait_s = rng.uniform(0, LONGEST_S) if kill // AT_ONCE % 2 else None
        fate += killed(root, bodies[:kill], bodies[kill : kill + AT_ONCE], wait_s)
    # Today 25 and 12 of 40; without both no kill came in the middle.
    assert min(fate["not stored, lost"], fate["stored, lost"]) > 0, fate
    with running(root) as server, Store(root) as store:
        for body in bodies:
            assert server.decide(body)[0] in (200, 201)
        until(lambda: len(store.ledger.all("applied")) == SHOTS, 120)
        until(lambda: _settled(store) == SHOTS, 60)
    with Store(root) as store:
        rows = store.ledger.all("decision")
        assert Counter(row.key for row in rows) == {f"{shot}-1/1": 1 for shot in shots}
        assert {r.subject: r.body["ruling"] for r in rows} == {
            shot: body["ruling"] for shot, body in wanted.items()
        }
        assert len(store.ledger.all(facts.KIND)) == SHOTS
        states = {s.shot: s.state for s in project.status(store).shots}
        assert states == {shot: ENDS[str(body["ruling"])] for shot, body in wanted.items()}
        assert store.ledger.damage() == []


def _settled(store: Store) -> int:
    return sum(row.body["by"] != "machine" for row in store.ledger.all("standing"))
