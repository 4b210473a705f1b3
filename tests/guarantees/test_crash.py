"""A run that is killed at any moment ends, after resume, as one that was not; nothing paid twice.

`make test` kills each arm 20 times, `make test-slow` 200 times, half of them (where the provider is
paid) between the provider's acceptance and its answer.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bench.loopback import openai_videos, runway
from tests.guarantees.crashes import Arm, Score, told, torture

QUICK, SLOW = 20, 200
FAST = "poll_s = 0.05\nlisting_s = 0.5\n"
HOLD_S = 0.15
"""How long a provider holds back its answer after taking a request: room for a kill between."""


def held_back(fake: Any) -> threading.Event:
    """`fake`, telling when it took a request, and answering a little later."""
    accepted = threading.Event()
    accept = fake.jobs.accept

    def slowly(*args: Any) -> Any:
        job = accept(*args)
        accepted.set()
        time.sleep(HOLD_S)
        return job

    fake.jobs.accept = slowly
    return accepted


def requests(fake: Any) -> list[str]:
    return [json.dumps(job.made, sort_keys=True, default=str) for job in fake.jobs.all()]


@contextmanager
def with_runway() -> Iterator[Arm]:
    """A provider that cannot be asked what it has: a person looks at its console."""
    with runway.Runway() as fake:

        def console(prompt: str, seed: int) -> str | None:
            same = [j.id for j in fake.jobs.all()
                    if (j.made["promptText"], j.made["seed"]) == (prompt, seed)]  # fmt: skip
            return same[0] if same else None

        yield Arm(
            ("--generator", "runway", "--model", "gen4.5"), f"[generators.runway]\n{FAST}",
            "1280x720", 5.0, fake.environment(), held_back(fake), console, lambda: requests(fake),
        )  # fmt: skip


@contextmanager
def with_openai_videos() -> Iterator[Arm]:
    """A provider that can be asked what it has."""
    with openai_videos.OpenAIVideos() as fake:
        fake.tells_prompt = True

        def console(prompt: str, seed: int) -> str | None:
            return next((j.id for j in fake.jobs.all() if j.made["prompt"] == prompt), None)

        yield Arm(
            ("--generator", "openai_videos", "--model", openai_videos.MODEL),
            f'[generators.openai_videos]\n{FAST}models = {{ "{openai_videos.MODEL}" = {{}} }}\n',
            "1280x720", 4.0, fake.environment(), held_back(fake), console, lambda: requests(fake),
        )  # fmt: skip


@contextmanager
def with_previz() -> Iterator[Arm]:
    yield Arm(("--generator", "previz"), f"[generators.previz]\n{FAST}")


ARMS = {"previz": with_previz, "runway": with_runway, "openai_videos": with_openai_videos}


def played(name: str, root: Path, kills: int, seed: int) -> Score:
    with ARMS[name]() as arm:
        score = torture(root, arm, kills, seed)
    print(told(score, name))
    assert score.kills == kills
    if arm.accepted is not None:
        assert score.at_acceptance >= kills / 10
    return score


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["previz", "runway"])
def test_killed_at_any_moment(name: str, tmp_path: Path) -> None:
    played(name, tmp_path, QUICK, seed=1)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", sorted(ARMS))
def test_killed_at_any_moment_for_long(name: str, tmp_path: Path) -> None:
    played(name, tmp_path, SLOW, seed=2)
