"""A production without pixels: takes are lines of text, and the check reads the text.

A take whose text says "drift" is found drifting; a revision takes the drift away. What is real is
everything between: ledger, vault, budget, graph, checkpoints.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filmgate.assets.store import Store
from filmgate.errors import CannotExpress, TakeLost
from filmgate.loop import running
from filmgate.models.generator import Capability, JobState, Request, Result, Status
from filmgate.schema.brief import Brief, Budget, GeneratorChoice
from filmgate.schema.look import Look
from filmgate.schema.plan import Plan, PlannedSequence, PlannedShot, letters
from filmgate.schema.report import CheckReport, Finding, SequenceReport, ShotReport
from filmgate.settings import Settings

FINDING = Finding(
    check="grade", attribute="grade/tonal_bands", against="consensus", other=None, status="drift",
    reason="The mids are warmer.", magnitude=9.0, unit="de00", tolerance=3.0, p_value=0.001,
    remedy="Regrade the shot to its scene.",
)  # fmt: skip


@dataclass
class FakeGenerator:
    """Makes texts at once. `drifts`: shots whose takes drift until a revision comes.

    Attributes:
        price: US dollars a take.
        trouble: take slate -> errors to raise on submit, one after another.
        states: take slate -> the state that poll gives instead of done.
    """

    drifts: set[str] = field(default_factory=set)
    stubborn: set[str] = field(default_factory=set)
    price: float = 0.0
    offline: bool = True
    trouble: dict[str, list[Exception]] = field(default_factory=dict)
    states: dict[str, JobState] = field(default_factory=dict)
    polls: int = 0
    slow: dict[str, int] = field(default_factory=dict)
    finds: Callable[[Request], str | None] | None = None
    pickups: bool = False
    jobs: dict[str, Request] = field(default_factory=dict)
    submitted: Counter[str] = field(default_factory=Counter)
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._waits: dict[str, int] = {}

    def capabilities(self) -> tuple[Capability, ...]:
        return (Capability("fake-1", ("video",), 60.0, sound=True, offline=self.offline,
                           pickups=self.pickups),)  # fmt: skip

    def check(self, request: Request) -> None:
        if request.duration_s > 60:
            raise CannotExpress("fake-1 makes at most 60 s.")

    def price_usd(self, request: Request) -> float:
        return self.price

    def submit(self, request: Request) -> str:
        with self._lock:
            self.submitted[request.nonce] += 1
            if self.trouble.get(request.nonce):
                raise self.trouble[request.nonce].pop(0)
            job = f"job-{request.nonce}"
            self.jobs[job] = request
            self._waits[job] = self.slow.get(request.nonce, self.polls)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        return job

    def poll(self, job: str) -> Status:
        if job not in self.jobs:
            raise TakeLost(f"There is no job {job}.")
        self._waits[job] -= 1
        if self._waits[job] > 0:
            return Status(JobState.RUNNING, poll_after_s=0.005)
        state = self.states.get(self.jobs[job].nonce, JobState.DONE)
        return Status(state, "" if state is JobState.DONE else "It was told to.")

    def fetch(self, job: str, path: Path) -> Result:
        request = self.jobs[job]
        with self._lock:
            self.in_flight -= 1
        slate = str(request.shot["slate"])
        revised = bool(request.shot["revisions"] or request.parameters.get("pickup"))
        bad = slate in self.stubborn or (slate in self.drifts and not revised)
        path.write_text(json.dumps({"take": request.nonce, "drift": bad}))
        return Result(path, "fake-1.0")

    def cancel(self, job: str) -> None:
        """Too quick to be cancelled."""

    def find(self, request: Request, since: str) -> str | None:
        if self.finds is None:
            raise CannotExpress("fake cannot be asked what it has.")
        return self.finds(request)


class FakeStudio:
    """Checks texts. `word`: the verdict on a drift."""

    def __init__(self, store: Path, word: str = "retake") -> None:
        self.settings = Settings(store=store, workers=1)
        self.word = word
        self.rounds: list[tuple[str, ...]] = []

    def check(self, sequences: Iterable[Any], look: Look | None = None) -> CheckReport:
        reports = []
        for sequence in sequences:
            self.rounds.append(tuple(shot.id for shot in sequence.shots))
            reports.append(SequenceReport(sequence.id, tuple(map(self._shot, sequence.shots)), ""))
        return CheckReport("0", 1, {}, (), tuple(reports))

    def _shot(self, shot: Any) -> ShotReport:
        drifts = json.loads(Path(shot.file).read_text())["drift"]
        clean = replace(FINDING, status="within", magnitude=0.5, p_value=0.6)
        return ShotReport(
            shot.id, shot.file, 0, None, "24", None, None, (), 0.9 if drifts else 0.1, 0.01,
            self.word if drifts else "circle", (FINDING if drifts else clean,),
        )  # type: ignore[arg-type]  # fmt: skip


def plan(count: int, **more: Any) -> Plan:
    shots = tuple(
        PlannedShot(slate=f"1{letters(i)}", sequence="one", setup=str(i % 3), action="A corridor")
        for i in range(count)
    )
    return Plan(title="Staged", sequences=(PlannedSequence(id="one", shots=shots),), **more)


def brief(**more: Any) -> Brief:
    fast = {"poll_s": 0.001, "patience_s": 20, "listing_s": 0}
    choices = (GeneratorChoice(name="fake", options=fast),)
    return Brief(file="brief.toml", **{"generators": choices, "budget": Budget(), **more})


def production(
    root: Path, monkeypatch: Any, made: Plan, generator: FakeGenerator, told: Brief | None = None,
    studio: FakeStudio | None = None, store: Store | None = None,
) -> running.Production:  # fmt: skip
    told = told or brief()
    monkeypatch.setattr(
        running, "generators", lambda *_: {c.name: generator for c in told.generators}
    )
    store = store or Store(root)
    running.write_run(store, made, told, Look())
    return running.Production(store, made, told, Look(), studio or FakeStudio(root))  # type: ignore[arg-type]


def no_tell(shot: str, what: str, detail: str) -> None:
    """Hear nothing."""
