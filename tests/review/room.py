"""A project with escalated takes, and the review room over it: for tests of desk, HTTP and pages.

Takes are tiny clips (or texts, where nobody looks at pictures), drifts are planted by shot, and
everything between is real: ledger, vault, graph, server.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from filmgate.interfaces.http.app import Server, create
from filmgate.interfaces.http.room import Told
from filmgate.models.generator import Result
from filmgate.schema.plan import Plan, PlannedSequence, PlannedShot, letters
from filmgate.schema.report import (
    CDL,
    CheckReport,
    Finding,
    Measured,
    SequenceReport,
    Series,
    ShotReport,
)
from filmgate.settings import Settings
from tests.conftest import write_clip
from tests.orchestration.staged import FakeGenerator, no_tell, production

BASE = "http://127.0.0.1"


@dataclass
class ClipGenerator(FakeGenerator):
    """As `FakeGenerator`; what it makes can be played. `bad`: digests of takes that drift."""

    clips: bool = True
    frames: int = 12
    bad: set[str] = field(default_factory=set)

    def fetch(self, job: str, path: Path) -> Result:
        result = super().fetch(job, path)
        said = json.loads(path.read_text())
        if self.clips:
            mark = int(hashlib.sha256(said["take"].encode()).hexdigest()[:4], 16)
            colour = (60 + mark % 120, 60 + mark // 7 % 120, 60 + mark // 53 % 120)
            clip = path.with_suffix(".mp4")
            write_clip(clip, self.frames, colour, sound=False)
            clip.replace(path)
        if said["drift"]:
            self.bad.add(hashlib.sha256(path.read_bytes()).hexdigest())
        return result


class RoomStudio:
    """Finds drifts in the takes that are known to drift."""

    def __init__(self, settings: Settings, bad: set[str], word: str = "escalate") -> None:
        self.settings, self.bad, self.word = settings, bad, word
        self.checks = 0

    def check(self, sequences: Any, look: Any = None) -> CheckReport:
        self.checks += 1
        return CheckReport("0", 1, {}, (), tuple(self._sequence(s) for s in sequences))

    def _sequence(self, sequence: Any) -> SequenceReport:
        ids = [shot.id for shot in sequence.shots]
        shots = tuple(
            self._shot(shot, ids[n - 1] if n else None) for n, shot in enumerate(sequence.shots)
        )
        step = tuple(f.magnitude for s in shots for f in s.findings[:1])
        curve = Series(
            "grade", "grade/tonal_bands", "de00", 3.0, tuple(ids), (None, *step[1:]), step
        )
        return SequenceReport(sequence.id, shots, "", (curve,))

    def _shot(self, shot: Any, before: str | None) -> ShotReport:
        drifts = Path(shot.file).name in self.bad
        findings = drift(before) if drifts else (
            replace(drift(before)[0], status="within", magnitude=0.5, p_value=0.6),
            Finding("sound", "sound/loudness", "anchor", None, "not_measured", "No sound."),
        )  # fmt: skip
        return ShotReport(
            shot.id, shot.file, 0, None, "24", "1", None, (),
            0.5 + int(Path(shot.file).name[:4], 16) / 2**17 if drifts else 0.1, 0.01,
            self.word if drifts else "circle", findings,
        )  # type: ignore[arg-type]  # fmt: skip


def drift(before: str | None) -> tuple[Finding, ...]:
    """What is found on a take that drifts."""
    return (
        Finding(
            "grade", "grade/tonal_bands", "neighbour" if before else "consensus", before, "drift",
            "The mids are warmer.", 9.0, "de00", 3.0, 0.001, (0, 3), (0.1, 0.2, 0.3, 0.4),
            (11,), (0.1, 0.2, 0.3, 0.4), "Regrade the shot to its scene.",
            Measured("L* 52", "#8a7f70", (52.1, 3.2, 8.0)), Measured("L* 48", "#7a7f80"),
            CDL((1.1, 1.0, 0.9), (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        ),
        Finding(
            "wardrobe", "wardrobe/maya/jacket", "look", None, "drift", "The jacket is blue.", 20.0,
            "de00", 8.0, 0.004, (5,), (0.4, 0.3, 0.2, 0.3), this=Measured("blue", "#2040a0"),
            reference=Measured("red", "#a02020"),
        ),
    )  # fmt: skip


@dataclass
class Staged:
    """A project that was run once."""

    root: Path
    generator: ClipGenerator
    told: Told
    made: Any

    def run(self) -> Any:
        """Go on as `filmgate resume` does."""
        return self.made.run(no_tell)


def planned(shots: int, sequences: int = 1, **more: Any) -> Plan:
    """A plan of `shots` shots, spread over `sequences` in order."""
    each = -(-shots // sequences)
    made = []
    for s in range(sequences):
        name = ("one", "two", "three", "four")[s] if s < 4 else f"q{s}"
        numbers = range(s * each, min((s + 1) * each, shots))
        made.append(
            PlannedSequence(
                id=name,
                shots=tuple(
                    PlannedShot(
                        slate=f"{s + 1}{letters(n - s * each)}",
                        sequence=name,
                        scene=str(s + 1),
                        action="A corridor",
                    )
                    for n in numbers
                ),
            )
        )
    return Plan(title="Staged", sequences=tuple(made), **more)


def stage(
    root: Path, monkeypatch: pytest.MonkeyPatch, shots: int = 4, drifting: set[str] | None = None,
    sequences: int = 1, clips: bool = True, **told: Any,
) -> Staged:  # fmt: skip
    """Run a project whose `drifting` shots (all, when None) wait for a person."""
    plan = planned(shots, sequences)
    stubborn = {s.slate for s in plan.shots()} if drifting is None else drifting
    generator = ClipGenerator(stubborn=stubborn, clips=clips)
    settings = Settings(store=root, workers=1)
    studio = RoomStudio(settings, generator.bad)
    made = production(root, monkeypatch, plan, generator, studio=studio)  # type: ignore[arg-type]
    made.run(no_tell)
    usual = {"local": "ana", "audit_rate": 0.0, "checker": lambda: studio}
    return Staged(root, generator, Told(settings, **{**usual, **told}), made)


class Page:
    """A client with a session, as a page has one."""

    def __init__(self, client: TestClient, token: str | None = None) -> None:
        self.client = client
        if token is None:
            answer = client.get("/api/session")
        else:
            answer = client.post("/api/session", json={"token": token})
        assert answer.status_code == 200, answer.text
        self.session = answer.json()
        self.headers = {"X-Filmgate-CSRF": self.session["csrf"]}

    def get(self, path: str, status: int = 200, **more: Any) -> Any:
        answer = self.client.get(path, **more)
        assert answer.status_code == status, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int | None = None) -> Any:
        answer = self.client.post(path, json=body, headers=self.headers)
        assert status is None or answer.status_code == status, answer.text
        return answer.json()


def ruling(key: str = "key-00001", take: str = "1B-1", **more: Any) -> dict[str, Any]:
    return {"key": key, "take": take, "ruling": "circle", "expects": 0, **more}


def state(page: Page, shot: str) -> str:
    return str(page.get(f"/api/queue?state=all&shot={shot}")["rows"][0]["state"])


@contextlib.contextmanager
def opened(told: Told) -> Iterator[TestClient]:
    """The application in this process, its background work included."""
    with TestClient(create(told), base_url=BASE) as client:
        yield client


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application behind a real socket on loopback; its address."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_level="error", access_log=False, ws="none", timeout_graceful_shutdown=1
    )
    server = Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    until(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        bound.close()


def until(true: Any, patience_s: float = 15.0) -> None:
    """Wait for something."""
    end = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.01)
