"""Previz under the contract: jobs that survive whatever happens, refusals in one sentence."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import pytest

from filmgate.errors import CannotExpress, Refused, StoreError, TakeLost
from filmgate.models.animatic.service import workers
from filmgate.models.animatic.service.jobs import JobFolder
from filmgate.models.animatic.service.worker import answer
from filmgate.models.animatic.spec import ShotSpec
from filmgate.models.generator import Generator, JobState, Picture, Surroundings
from filmgate.models.generators import previz
from filmgate.models.generators.previz import Previz
from tests.models.previz_stage import (
    around,
    request,
    shot,
    wait_for,
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Previz]:
    """A generator that renders when a take is fetched."""
    one = previz.GENERATOR(around(tmp_path / "own"))
    yield one
    one.close()


def test_a_take_from_submit_to_fetch(tmp_path: Path) -> None:
    """Rendered by a process of its own; moved to where it is wanted; nothing half-written stays."""
    one = previz.GENERATOR(Surroundings(tmp_path / "own", workers=1))
    try:
        assert isinstance(one, Generator)
        asked = request()
        one.check(asked)
        assert one.price_usd(asked) == 0.0
        assert not (tmp_path / "own").exists()
        assert one.find(asked, "2026-11-22T10:00:00Z") is None
        job = one.submit(asked)
        assert one.submit(asked) == job == one.find(asked, "2026-11-22T10:00:00Z")
        assert wait_for(one, job) is JobState.DONE
        assert len(list((tmp_path / "own" / "renders").glob("*.mp4"))) == 1
        result = one.fetch(job, tmp_path / "take.mp4")
        assert (result.model, result.mime, result.cost_usd) == ("previz-1", "video/mp4", 0.0)
        assert result.machine_s is not None
        assert result.machine_s > 0
        with av.open(str(result.path)) as box:
            assert sum(1 for _ in box.decode(video=0)) == 3
        assert list((tmp_path / "own" / "renders").iterdir()) == []
        assert one.poll(job).state is JobState.DONE
        before = (tmp_path / "take.mp4").read_bytes()
        one.fetch(job, tmp_path / "again.mp4")
        assert (tmp_path / "again.mp4").read_bytes() == before
    finally:
        one.close()


def test_takes_differ_and_the_same_take_does_not(made: Previz, tmp_path: Path) -> None:
    """Another take is another performance of the same shot; the same request is the same bytes."""
    first, second = made.submit(request()), made.submit(request(take=2))
    assert first != second
    one = made.fetch(first, tmp_path / "1.mp4").path.read_bytes()
    assert made.fetch(second, tmp_path / "2.mp4").path.read_bytes() != one
    other = previz.GENERATOR(around(tmp_path / "elsewhere"))
    assert other.submit(request()) == first
    assert other.fetch(first, tmp_path / "3.mp4").path.read_bytes() == one


def test_a_cancelled_job_has_no_take_until_it_is_asked_for_again(
    made: Previz, tmp_path: Path
) -> None:
    job = made.submit(request())
    made.cancel(job)
    assert made.poll(job).state is JobState.CANCELLED
    with pytest.raises(TakeLost, match="cancelled"):
        made.fetch(job, tmp_path / "a.mp4")
    assert made.submit(request()) == job
    made.fetch(job, tmp_path / "a.mp4")
    made.cancel(job)
    assert made.poll(job).state is JobState.DONE


@pytest.mark.parametrize("job", ["previz-1", "../../etc/passwd", "", "previz-../x"])
def test_an_unknown_job_is_lost(made: Previz, job: str, tmp_path: Path) -> None:
    for call in (made.poll, made.cancel, lambda name: made.fetch(name, tmp_path / "a.mp4")):
        with pytest.raises(TakeLost):
            call(job)


def test_a_job_file_that_was_spoilt_is_lost_in_one_sentence(made: Previz) -> None:
    job = made.submit(request())
    path = made._jobs.folder / "jobs" / f"{job}.json"
    path.write_text(path.read_text()[:40])
    with pytest.raises(TakeLost, match="cannot be read") as caught:
        made.poll(job)
    assert "\n" not in str(caught.value)


def test_a_take_can_be_moved_to_a_place_that_exists_only(made: Previz, tmp_path: Path) -> None:
    job = made.submit(request())
    with pytest.raises(StoreError, match="nowhere"):
        made.fetch(job, tmp_path / "nowhere" / "a.mp4")
    assert made.fetch(job, tmp_path / "a.mp4").path.stat().st_size > 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place": {"kind": "castle"}}, "castle"),
        ({"place": {"kind": "flat", "seed": "x"}}, "seed"),
        ({"people": [{"name": "MAYA", "wardrobe": {"hat": "red"}}]}, "hat"),
        ({"people": [{"name": "MAYA", "wardrobe": {"jacket": "mauvish"}}]}, "mauvish"),
        ({"people": [{"name": "A"}, {"name": "a"}]}, "name of their own"),
        ({"people": [{"name": n} for n in "ABCDE"]}, "4 people"),
        ({"framing": "dutch"}, "dutch"),
        ({"move": "orbit"}, "orbit"),
        ({"lens_mm": 2}, "lens"),
        ({"lens_mm": 180, "framing": "wide"}, "mm or shorter"),
        ({"light": {"key_side": "behind"}}, "behind"),
        ({"light": {"cct_k": 900}}, "1800"),
        ({"light": "soft"}, "light"),
        ({"sound": {"tone": "whalesong"}}, "whalesong"),
        ({"sound": {"level_lufs": -2}}, "-10"),
        ({"expect": {"wardrobe/maya/cape": "red"}}, "cape"),
        ({"expect": {"lighting/key_side": "up"}}, "up"),
        ({"revisions": "all"}, "revisions"),
    ],
)
def test_what_cannot_be_honoured_is_refused(
    made: Previz, change: dict[str, object], words: str
) -> None:
    for call in (made.check, made.submit):
        with pytest.raises(CannotExpress) as caught:
            call(request(shot(**change)))
        assert words in str(caught.value)
        assert "12B" in str(caught.value)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": "sora-2"}, "sora-2"), ({"size": (161, 90)}, "even"), ({"rate": "fast"}, "rate"),
        ({"rate": "0"}, "frames a second"), ({"duration_s": 900.0}, "600"),
        ({"pictures": (Picture(Path("a.png"), "sha256:1"),)}, "reference"),
        ({"parameters": {"style": "noir"}}, "style"), ({"parameters": {"crf": "low"}}, "crf"),
        ({"parameters": {"crf": 20, "bit_rate": 9}}, "either"), ({"parameters": {"gop": 0}}, "gop"),
        ({"parameters": {"spec": {"fps": 3}}}, "fps"), ({"parameters": {"drifts": "all"}}, "list"),
        ({"parameters": {"previz": {"drift_rat": 0.1}}}, "drift_rate"),
        ({"parameters": {"previz": {"drift_rate": 2}}}, "drift_rate"),
        ({"parameters": {"previz": {"kinds": ["weather"]}}}, "weather"),
        ({"parameters": {"previz": {"drifting": 12}}}, "both"),
        ({"parameters": {"previz": {"drifting": 1, "of": 2, "index": 5}}}, "too small"),
        ({"parameters": {"pickup": {"from_frame": 1}}}, "earlier take"),
        ({"parameters": {"pickup": {"frame": 1}}}, "from_frame"),
    ],
)  # fmt: skip
def test_requests_that_make_no_sense_are_refused(
    made: Previz, change: dict[str, Any], words: str
) -> None:
    with pytest.raises(CannotExpress, match=words) as caught:
        made.submit(dataclasses.replace(request(), **change))
    assert "\n" not in str(caught.value)


def program(folder: Path, tail: str) -> list[str]:
    """A process that submits the usual shot, says its job, and goes on as `tail` says."""
    plain = json.dumps(request().plain())
    return [sys.executable, "-c", (
        "import json, os, sys, time\n"
        "from pathlib import Path\n"
        "from filmgate.models.generator import Request, Surroundings\n"
        "from filmgate.models.generators.previz import GENERATOR\n"
        f"plain = json.loads({plain!r})\n"
        "plain.pop('pictures'); plain['size'] = tuple(plain['size'])\n"
        f"one = GENERATOR(Surroundings(Path({str(folder)!r}), workers=1))\n"
        "print(one.submit(Request(**plain)), flush=True)\n" + tail
    )]  # fmt: skip


def children(process: int) -> list[int]:
    """Processes that a process started and that still live."""
    out = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True,
                         text=True, check=False)  # fmt: skip
    return [int(word) for word in out.stdout.split()]


def lives(process: int) -> bool:
    """Whether a process is there and no zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True,
                           text=True, check=False).stdout.strip()  # fmt: skip
    return bool(state) and not state.startswith("Z")


def test_a_job_outlives_the_process_that_submitted_it(tmp_path: Path) -> None:
    """Killed outright: another process polls, fetches, and gets the very bytes."""
    folder = tmp_path / "own"
    with subprocess.Popen(program(folder, "time.sleep(60)"), stdout=subprocess.PIPE,
                          text=True) as dying:  # fmt: skip
        assert dying.stdout is not None
        job = dying.stdout.readline().strip()
        end = time.monotonic() + 20
        while not (workers := children(dying.pid)) and time.monotonic() < end:
            time.sleep(0.02)
        assert workers
        os.kill(dying.pid, signal.SIGKILL)
    end = time.monotonic() + 30
    while any(lives(w) for w in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(lives(w) for w in workers), "workers end when their parent is gone"
    after = previz.GENERATOR(Surroundings(folder, workers=1))
    alone = previz.GENERATOR(around(tmp_path / "alone"))
    try:
        assert wait_for(after, job) is JobState.DONE
        found = after.fetch(job, tmp_path / "a.mp4").path.read_bytes()
        assert alone.fetch(alone.submit(request()), tmp_path / "b.mp4").path.read_bytes() == found
    finally:
        after.close()


@pytest.mark.parametrize("tail", ["", "raise SystemExit(0)", "one.poll('previz-x-1-0')"])
def test_forgetting_to_close_holds_nobody_up(tmp_path: Path, tail: str) -> None:
    """The interpreter ends at once, whatever is being rendered."""
    start = time.monotonic()
    done = subprocess.run(program(tmp_path / "own", tail), capture_output=True, text=True,
                          timeout=60, check=False)  # fmt: skip
    assert done.returncode == (1 if tail.startswith("one.") else 0), done.stderr
    assert time.monotonic() - start < 40
    assert "previz-12B-1-" in done.stdout


def test_a_worker_that_dies_costs_nothing(tmp_path: Path) -> None:
    """Killed in the middle of its work, it is replaced, and the take is made."""
    one = previz.GENERATOR(Surroundings(tmp_path / "own", workers=1))
    try:
        long = dataclasses.replace(request(), duration_s=20.0)
        job = one.submit(long)
        end = time.monotonic() + 30
        while not list((tmp_path / "own").glob("renders/.previz*")) and time.monotonic() < end:
            time.sleep(0.02)
        (process,) = one._workers._processes
        os.kill(process.pid, signal.SIGKILL)
        assert wait_for(one, job) is JobState.DONE
        one.fetch(job, tmp_path / "a.mp4")
        assert one._workers._processes != {process}
        # What the dead one left half-written goes with the next start.
        again = previz.GENERATOR(around(tmp_path / "own"))
        again.submit(request(take=2))
        assert list((tmp_path / "own").glob("renders/.previz*")) == []
    finally:
        one.close()


DIES = """
import os, sys
print('{"state": "ready"}', flush=True)
sys.stdin.readline()
os._exit(9)
"""


@pytest.mark.parametrize(
    ("command", "state"),
    [
        ([sys.executable, "-c", DIES], JobState.FAILED),
        ([sys.executable, "-c", "raise SystemExit(1)"], JobState.DONE),
        (["/no/such/program"], JobState.DONE),
    ],
)
def test_processes_that_die_or_never_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], state: JobState
) -> None:
    """A job that ended two processes has failed; without processes whoever fetches renders."""
    monkeypatch.setattr(workers, "command", lambda: command)
    one = previz.GENERATOR(Surroundings(tmp_path / "own", workers=1))
    try:
        job = one.submit(request())
        assert wait_for(one, job) is state
        if state is JobState.DONE:
            assert one.fetch(job, tmp_path / "a.mp4").path.stat().st_size > 1000
        else:
            assert "twice" in one.poll(job).reason
            with pytest.raises(Refused, match="twice"):
                one.fetch(job, tmp_path / "a.mp4")
            # Submitting it again is another try.
            monkeypatch.undo()
            assert one.submit(request()) == job
            assert wait_for(one, job) is JobState.DONE
    finally:
        one.close()


def test_a_full_disk_is_asked_again_and_a_defect_is_told(tmp_path: Path) -> None:
    """A worker says what can be tried again, and what cannot."""
    one = previz.GENERATOR(around(tmp_path / "own"))
    job = one.submit(request())
    renders = tmp_path / "own" / "renders"
    renders.write_text("in the way")
    assert answer(tmp_path / "own", job)["state"] == "later"
    renders.unlink()
    jobs = JobFolder(tmp_path / "own")
    jobs.write(dataclasses.replace(jobs.read(job), spec={"fps": 3}))
    said = answer(tmp_path / "own", job)
    assert said["state"] == "failed"
    assert "fps" in said["reason"]
    jobs.write(dataclasses.replace(jobs.read(job), spec=dataclasses.asdict(ShotSpec()), still="x"))
    assert answer(tmp_path / "own", "previz-nobody-1-0")["state"] == "later"
