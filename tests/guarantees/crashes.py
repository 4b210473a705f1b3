"""Kill a run again and again, and look at what is left: shared by the quick and the slow test."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filmgate.assets.store import Store
from filmgate.loop import project

SHOTS = 4
RUN = ("run", "brief.toml", "--quiet", "--workers", "1")
RESUME = ("resume", "--quiet", "--workers", "1")
PATIENCE_S = 120


@dataclass
class Arm:
    """One way of generating.

    Attributes:
        options: of the command line.
        generator: table of the brief, TOML.
        size: picture size.
        environment: what the provider's client needs.
        accepted: is set when the provider has taken a request and not yet answered.
        jobs: what the provider's console shows a person: prompt and seed to job id.
        paid: hashes of the requests that the provider charged for.
    """

    options: tuple[str, ...]
    generator: str
    size: str = "160x90"
    duration_s: float = 1.0
    environment: dict[str, str] = field(default_factory=dict)
    accepted: threading.Event | None = None
    jobs: Callable[[str, int], str | None] = lambda prompt, seed: None
    paid: Callable[[], list[str]] = list


@dataclass
class Score:
    """What happened: kills, those between acceptance and answer, settled by a person."""

    kills: int = 0
    at_acceptance: int = 0
    settled: int = 0
    projects: int = 0


def brief(folder: Path, arm: Arm) -> None:
    folder.mkdir(parents=True)
    shots = "\n".join(
        f'[[sequence.shot]]\naction = "Corridor {n}"\nplace = "office"\n'
        f"duration_s = {arm.duration_s:g}"
        for n in range(SHOTS)
    )
    (folder / "brief.toml").write_text(
        f'title = "Crash"\nstyle = "{folder.name}"\nsize = "{arm.size}"\n{arm.generator}\n'
        f'[[places]]\nname = "office"\nkind = "office"\n'
        f'[[sequence]]\nid = "one"\nscene = "1"\n{shots}\n'
    )


def command(folder: Path, arm: Arm, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "filmgate", *words], cwd=folder, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env={**os.environ, **arm.environment},
    )  # fmt: skip


def finished(process: subprocess.Popen[str]) -> str:
    """The stderr of a process that must end well."""
    _, said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, said
    return said


def shots(folder: Path) -> dict[str, tuple[str, int]]:
    """Shot -> where it stands, and takes made."""
    with Store(folder / ".filmgate") as store:
        return {s.shot: (s.state, s.takes) for s in project.status(store).shots}


def killed(process: subprocess.Popen[str], arm: Arm, rng: random.Random, score: Score) -> bool:
    """Kill `process` at a random moment, or at the provider's acceptance; whether it lived so long.

    Half of the kills wait for an acceptance where the provider can tell of one.
    """
    waits = arm.accepted is not None and rng.random() < 0.5
    until = time.monotonic() + (20 if waits else rng.uniform(0.2, 4.0))
    while process.poll() is None and time.monotonic() < until:
        if waits and arm.accepted is not None and arm.accepted.is_set():
            break
        time.sleep(0.01)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE_S)
    score.kills += 1
    return True


def settle(folder: Path, arm: Arm, score: Score) -> bool:
    """Do what a person does with answers that were lost; whether there were any."""
    with Store(folder / ".filmgate") as store:
        unknown = [s.shot for s in project.status(store).shots if s.state == project.UNKNOWN]
        for shot in unknown:
            take = store.ledger.all("sent", subject=shot)[-1].body["take"]
            asked = store.ledger.get("asked", take)
            assert asked is not None
            request = asked.body["request"]
            project.settle(store, take, arm.jobs(request["prompt"], request["seed"]), "ana")
            score.settled += 1
    return bool(unknown)


def torture(root: Path, arm: Arm, kills: int, seed: int) -> Score:
    """Runs that are killed `kills` times in all; every one must end as one that is not."""
    whole = root / "whole"
    brief(whole, arm)
    finished(command(whole, arm, *RUN, *arm.options))
    expected = shots(whole)
    paid_before = len(arm.paid())
    rng, score = random.Random(seed), Score()
    while score.kills < kills:
        score.projects += 1
        folder = root / f"run{score.projects}"
        brief(folder, arm)
        words = (*RUN, *arm.options)
        while True:
            if arm.accepted is not None:
                arm.accepted.clear()
            process = command(folder, arm, *words)
            if score.kills < kills and killed(process, arm, rng, score):
                # Killed before anything was written down, there is nothing to resume.
                known = (folder / ".filmgate" / "ledger.sqlite").exists() and runs(folder)
                words = RESUME if known else (*RUN, *arm.options)
                score.at_acceptance += known and accepted_unseen(folder, arm)
                continue
            finished(process)
            words = RESUME
            if not settle(folder, arm, score):
                break
        assert shots(folder) == expected
        with Store(folder / ".filmgate") as store:
            health = store.verify()
        assert health.problems == ()
    # Every project asks in words of its own, so that each request must be paid exactly once.
    counts = Counter(arm.paid())
    assert set(counts.values()) <= {1}, [r for r, n in counts.items() if n > 1]
    assert len(counts) == paid_before * (score.projects + 1)
    return score


def accepted_unseen(folder: Path, arm: Arm) -> bool:
    """Whether the provider took a request whose answer was not written down before the kill."""
    with Store(folder / ".filmgate") as store:
        answered = {r.key for r in store.ledger.all("accepted")}
        for row in store.ledger.all("sent"):
            asked = store.ledger.get("asked", row.body["take"])
            assert asked is not None
            request = asked.body["request"]
            if asked.key not in answered and arm.jobs(request["prompt"], request["seed"]):
                return True
    return False


def runs(folder: Path) -> bool:
    with Store(folder / ".filmgate") as store:
        return bool(store.ledger.all("run"))


def told(score: Score, arm: str) -> str:
    return json.dumps({"arm": arm, **score.__dict__})
