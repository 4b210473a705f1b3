"""What the loop promises whatever happens, with real processes: one run, one ruling."""

from __future__ import annotations

import gc
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bench.loopback import runway, server
from filmgate.assets.store import Store
from filmgate.errors import Throttled
from filmgate.loop import project
from tests.orchestration.staged import FakeGenerator, brief, no_tell, plan, production

BRIEF = """title = "T"
size = "1280x720"
[generators.runway]
model = "gen4.5"
poll_s = 0.05
[[places]]
name = "office"
[[sequence]]
id = "one"
scene = "1"
place = "office"
[[sequence.shot]]
action = "A corridor"
duration_s = 5
[[sequence.shot]]
action = "A stairwell"
duration_s = 5
"""


def filmgate(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "filmgate", *words], cwd=folder, text=True, capture_output=True,
        env={**os.environ, **environment}, timeout=120, check=False,
    )  # fmt: skip


def one_sentence(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for part in parts:
        assert part in done.stderr


def written(folder: Path, text: str = BRIEF) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "brief.toml").write_text(text)
    return folder


def test_a_second_run_is_told_in_one_sentence(tmp_path: Path) -> None:
    folder = written(tmp_path / "p")
    with runway.Runway() as fake:
        fake.jobs.plan(after=10_000)  # never done
        told = fake.environment()
        first = subprocess.Popen(
            [sys.executable, "-m", "filmgate", "run", "brief.toml", "-q"], cwd=folder,
            env={**os.environ, **told}, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            until = time.monotonic() + 60
            while fake.jobs.paid < 2 and time.monotonic() < until:
                time.sleep(0.1)
            one_sentence(
                filmgate(folder, "resume", **told), "in use by another filmgate (run, proc"
            )
            assert fake.jobs.paid == 2
        finally:
            first.kill()
            first.wait()
        # The lock dies with its holder.
        fake.jobs.plan()
        for job in fake.jobs.all():
            fake.jobs.end(job.id)
        assert filmgate(folder, "resume", "-q", **told).returncode == 0


def test_of_two_rulings_at_once_one_wins_and_the_other_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = production(tmp_path / ".filmgate", monkeypatch, plan(2), FakeGenerator(stubborn={"1A"}))
    made.run(no_tell)
    made.store.close()
    program = (
        "import sys; from pathlib import Path; from filmgate.assets.store import Store;"
        "from filmgate.loop import project; from filmgate.errors import Conflict\n"
        "store = Store(Path('.filmgate')); print('ready', flush=True); sys.stdin.readline()\n"
        "try:\n project.decide(store, '1A', sys.argv[1], sys.argv[2], 'n', expects=0)\n"
        " print('won')\n"
        "except Conflict as error:\n print(error)"
    )
    both = [
        subprocess.Popen([sys.executable, "-c", program, ruling, who], cwd=tmp_path, text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for ruling, who in (("circle", "ana"), ("ng", "ben"))
    ]  # fmt: skip
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    said = sorted(one.communicate("\n")[0].strip() for one in both)
    assert said[1] == "won"
    assert said[0].startswith("Somebody else has ruled on 1A-3 meanwhile")
    with Store(tmp_path / ".filmgate") as store:
        assert len(store.ledger.all("decision")) == 1


def test_four_hundred_shots_stay_within_memory_and_in_flight(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    throttled: dict[str, list[Exception]] = {
        f"1{letter}-1": [Throttled("slow down", 0.02)] for letter in "ABCDEFGH"
    }
    generator = FakeGenerator(polls=2, trouble=throttled)
    made = production(tmp_path, monkeypatch, plan(400), generator, brief())
    gc.collect()
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    made.run(no_tell)
    grown_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before_mb
    assert project.status(made.store).counts == {"circled": 400}
    assert generator.most_in_flight <= 8
    assert grown_mb < 300


def test_a_key_never_shows(tmp_path: Path) -> None:
    """Neither in what is printed nor in what is kept, when all is well and when all is refused."""
    folder = written(tmp_path / "p")
    with runway.Runway() as fake:
        told = fake.environment()
        good = filmgate(folder, "run", "brief.toml", **told)
        assert good.returncode == 0, good.stderr
        bad = filmgate(folder, "trace", "1A", "--json", **told)
        wrong = {**told, "RUNWAYML_API_SECRET": "key_of_somebody_else_0123456789"}
        other = written(tmp_path / "q")
        refused = filmgate(other, "run", "brief.toml", **wrong)
    one_sentence(refused, "RUNWAYML_API_SECRET")
    keys = re.compile(rb"key_loopback|key_of_somebody")
    for done in (good, bad, refused):
        assert not keys.search((done.stdout + done.stderr).encode())
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert not keys.search(path.read_bytes()), path


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (("gen4.5", "gen3a_turbo"), ("gen3a_turbo", "retired")),
        (("gen4.5", "gen4.6"), ("gen4.6",)),
        (("runway", "sora"), ("sora",)),
        (("place = \"office\"", "place = \"offise\""), ("brief.toml line", "offise")),
        (("duration_s = 5\n[[", "duration_s = 50\n[["), ("10 s",)),
        (("title", "titel"), ("brief.toml line 1", "titel")),
    ],
)  # fmt: skip
def test_a_brief_that_cannot_be_is_one_sentence(
    tmp_path: Path, change: tuple[str, str], parts: tuple[str, ...]
) -> None:
    folder = written(tmp_path / "p", BRIEF.replace(*change))
    one_sentence(filmgate(folder, "run", "brief.toml", RUNWAYML_API_SECRET="key_x"), *parts)
    assert not (folder / ".filmgate" / "ledger.sqlite").exists()


def test_a_provider_that_answers_with_a_page_pauses_and_says_so(tmp_path: Path) -> None:
    folder = written(tmp_path / "p")
    with runway.Runway() as fake:
        fake.script("submit", server.html(accepted=False), forever=True)
        done = filmgate(folder, "run", "brief.toml", **fake.environment())
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert "answer unknown" in done.stdout
    assert fake.count("submit") == 2


@pytest.mark.parametrize(
    "words",
    [("status",), ("queue",), ("resume",), ("trace", "1A"), ("decide", "1A", "circle"),
     ("verify-store",), ("export", "x.zip")],
)  # fmt: skip
def test_without_a_project_every_question_says_how_to_start(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    one_sentence(filmgate(tmp_path, *words), "There is no project", "filmgate run brief.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_shot_can_be_followed_from_the_command_line(tmp_path: Path) -> None:
    folder = written(tmp_path / "p")
    with runway.Runway() as fake:
        told = fake.environment()
        assert filmgate(folder, "run", "brief.toml", "--budget-usd", "0.7", **told).returncode == 0
    queue = filmgate(folder, "queue")
    assert "budget of $0.70" in queue.stdout
    waiting = re.search(r"\b(1[AB])\b", queue.stdout)
    assert waiting is not None
    assert filmgate(folder, "decide", waiting[1], "hold", "--note", "later").returncode == 0
    assert filmgate(folder, "resume", "-q", **told).returncode == 0
    said = filmgate(folder, "status", "--all").stdout
    assert "hold" in said
    assert "$0.60 of $0.70" in said
    assert (
        "prompt: Wide shot"
        in filmgate(folder, "trace", "1A").stdout + filmgate(folder, "trace", "1B").stdout
    )
    assert filmgate(folder, "verify-store").returncode == 0
    assert filmgate(folder, "export", "all.zip").returncode == 0
    assert filmgate(folder, "import", "all.zip", "--store", "copy").returncode == 0
    again: Any = filmgate(folder, "status", "--store", "copy", "--all").stdout
    assert again == said
