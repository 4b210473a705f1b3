"""The folder that people and other tools drop takes into."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from bench.loopback import media
from filmgate.errors import CannotExpress, Refused, StoreError, TakeLost, Unavailable
from filmgate.models.generator import JobState, Picture, Request, Surroundings
from filmgate.models.generators.folder import Folder

Told = Callable[..., AbstractContextManager[None]]
ASKED = Request("folder", "A long office corridor.", "people", 7, 2.5, (640, 360), nonce="12B-3")


def maker(tmp_path: Path, settle_s: float = 0.0) -> Folder:
    return Folder(Surroundings(tmp_path / "own", options={"settle_s": settle_s}))


def drop(tmp_path: Path, name: str, data: bytes | None = None) -> Path:
    path = tmp_path / "own" / "outbox" / name
    path.write_bytes(media.movie() if data is None else data)
    return path


def test_a_task_is_written_and_its_take_fetched(tmp_path: Path) -> None:
    picture = tmp_path / "maya.png"
    picture.write_bytes(media.still())
    folder = maker(tmp_path)
    job = folder.submit(replace(ASKED, pictures=(Picture(picture, "sha256:1", tag="maya"),)))
    assert job.startswith("12B-3-")
    inbox = tmp_path / "own" / "inbox"
    letter = (inbox / f"{job}.txt").read_text()
    for part in ("2.5 s, 24 frames/s, 640x360, with sound", "A long office corridor.", "people",
                 "Seed: 7", "@maya", str(tmp_path / "own" / "outbox" / f"{job}.mp4")):  # fmt: skip
        assert part in letter
    task = json.loads((inbox / f"{job}.json").read_text())
    assert task["prompt"] == ASKED.prompt
    assert (inbox / task["pictures"][0]["file"]).read_bytes() == media.still()
    assert folder.poll(job).state is JobState.QUEUED
    with pytest.raises(Unavailable, match="not done yet: waiting for outbox"):
        folder.fetch(job, tmp_path / "take.mp4")
    drop(tmp_path, f"{job}.mp4")
    assert folder.poll(job).state is JobState.DONE
    result = folder.fetch(job, tmp_path / "take.mp4")
    assert result.path.read_bytes() == media.movie()
    assert (result.model, result.mime) == ("folder", "video/mp4")
    assert folder.price_usd(ASKED) == 0


def test_the_same_request_is_the_same_job(tmp_path: Path) -> None:
    folder = maker(tmp_path)
    assert folder.find(ASKED, "2026-11-22T10:00:00Z") is None
    job = folder.submit(ASKED)
    written = (tmp_path / "own" / "inbox" / f"{job}.txt").stat().st_mtime_ns
    assert folder.submit(ASKED) == job == folder.find(ASKED, "2026-11-22T10:00:00Z")
    assert (tmp_path / "own" / "inbox" / f"{job}.txt").stat().st_mtime_ns == written
    assert folder.submit(replace(ASKED, nonce="12B-4")) != job


def test_a_file_must_keep_its_size(tmp_path: Path) -> None:
    folder = maker(tmp_path, settle_s=0.3)
    job = folder.submit(ASKED)
    film = media.movie()
    drop(tmp_path, f"{job}.mp4.part", film[:50])
    assert folder.poll(job).state is JobState.RUNNING
    drop(tmp_path, f"{job}.mp4", film[:2000])
    first = folder.poll(job)
    assert (first.state, first.poll_after_s) == (JobState.RUNNING, 0.3)
    assert "still being written" in first.reason
    time.sleep(0.35)
    assert "ends early" in folder.poll(job).reason
    drop(tmp_path, f"{job}.mp4", film)
    assert "still being written" in folder.poll(job).reason, "it grew, so the wait begins again"
    with pytest.raises(Unavailable, match="still being written"):
        folder.fetch(job, tmp_path / "t.mp4")
    time.sleep(0.35)
    assert folder.poll(job).state is JobState.DONE
    assert folder.fetch(job, tmp_path / "t.mp4").path.read_bytes() == film


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("mp4", b"<!DOCTYPE html><html>", "is an HTML page: drop a film"),
        ("mp4", b'{"error": 1}', "is JSON"),
        ("mp4", b"", "is an empty file"),
        ("txt", b"sorry, not today", "is something that is no film"),
        ("png", None, "is not a film: drop a film"),
        ("mp4", "half", "ends early"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(
    tmp_path: Path, name: str, data: bytes | str | None, reason: str
) -> None:
    folder = maker(tmp_path)
    job = folder.submit(ASKED)
    content = media.still() if data is None else media.movie()[:-99] if data == "half" else data
    assert isinstance(content, bytes)
    wrong = drop(tmp_path, f"{job}.{name}", content)
    status = folder.poll(job)
    assert status.state is JobState.RUNNING, "it can be mended"
    assert status.reason.startswith(wrong.name)
    assert reason in status.reason
    with pytest.raises(Unavailable):
        folder.fetch(job, tmp_path / "t.mp4")
    assert not (tmp_path / "t.mp4").exists()
    wrong.unlink()
    drop(tmp_path, f"{job}.mov")
    assert folder.poll(job).state is JobState.DONE


def test_two_files_are_one_too_many(tmp_path: Path) -> None:
    folder = maker(tmp_path)
    job = folder.submit(ASKED)
    second = drop(tmp_path, f"{job}.mov")
    drop(tmp_path, f"{job}.mp4")
    assert "leave the one that is the take" in folder.poll(job).reason
    second.unlink()
    assert folder.poll(job).state is JobState.DONE
    drop(tmp_path, f"{job}.refused", b"no")
    assert "contradict each other" in folder.poll(job).reason


def test_a_still_where_one_is_wanted(tmp_path: Path) -> None:
    folder = maker(tmp_path)
    job = folder.submit(replace(ASKED, parameters={"kind": "image"}))
    film = drop(tmp_path, f"{job}.mp4")
    assert "is not a picture" in folder.poll(job).reason
    film.unlink()
    drop(tmp_path, f"{job}.png", media.still())
    assert folder.fetch(job, tmp_path / "t.png").mime == "image/png"
    with pytest.raises(CannotExpress, match="'kind'"):
        folder.submit(replace(ASKED, parameters={"kind": "opera"}))


def test_refused_failed_and_cancelled(tmp_path: Path) -> None:
    folder = maker(tmp_path)
    for suffix, state in ((".refused", JobState.REFUSED), (".failed", JobState.FAILED)):
        job = folder.submit(replace(ASKED, nonce=suffix))
        drop(tmp_path, f"{job}{suffix}", b"The set has burned down. Really.\nSorry.\n")
        status = folder.poll(job)
        assert (status.state, status.reason) == (state, "The set has burned down.")
        with pytest.raises(Refused, match="burned down"):
            folder.fetch(job, tmp_path / "t.mp4")
    job = folder.submit(ASKED)
    folder.cancel(job)
    folder.cancel(job)
    drop(tmp_path, f"{job}.mp4")
    assert folder.poll(job).state is JobState.CANCELLED
    with pytest.raises(TakeLost):
        folder.fetch(job, tmp_path / "t.mp4")
    done = folder.submit(replace(ASKED, nonce="done"))
    drop(tmp_path, f"{done}.mp4")
    folder.cancel(done)
    assert folder.poll(done).state is JobState.DONE


def test_unknown_jobs(tmp_path: Path, told: Told) -> None:
    folder = maker(tmp_path)
    for job in ("12B-3-000000000000", "../../etc/passwd", "", "*"):
        for call in (folder.poll, folder.cancel):
            with told(TakeLost, "There is no task"):
                call(job)
        with told(TakeLost, "There is no task"):
            folder.fetch(job, tmp_path / "t.mp4")


CHILD = """
import sys, pathlib
from filmgate.models.generator import Surroundings
from filmgate.models.generators.folder import Folder
folder = Folder(Surroundings(pathlib.Path(sys.argv[1]), options={"settle_s": 0}))
print(folder.poll(sys.argv[2]).state, folder.fetch(sys.argv[2], pathlib.Path(sys.argv[3])).mime)
"""


def test_another_process_goes_on(tmp_path: Path) -> None:
    job = maker(tmp_path).submit(ASKED)
    drop(tmp_path, f"{job}.mp4")
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "own"), job, str(tmp_path / "t.mp4")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["done", "video/mp4"]


def test_a_folder_elsewhere_and_one_that_cannot_be_written(tmp_path: Path, told: Told) -> None:
    other = Folder(Surroundings(tmp_path / "own", options={"folder": str(tmp_path / "shared")}))
    job = other.submit(ASKED)
    assert (tmp_path / "shared" / "inbox" / f"{job}.json").is_file()
    assert not (tmp_path / "own").exists()
    (tmp_path / "file").write_text("")
    blocked = Folder(Surroundings(tmp_path / "file" / "below"))
    with told(StoreError, "cannot be written"):
        blocked.submit(ASKED)
    missing = replace(ASKED, pictures=(Picture(tmp_path / "none.png", "sha256:1"),))
    with told(CannotExpress, "none.png cannot be read"):
        other.submit(missing)
