"""Bad input: one clear sentence, exit 2, nothing half written; good shots are still checked."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange

from filmgate.interfaces import cli

sys.path.insert(0, str(Path(__file__).parents[1] / "measure"))  # the helper there
import media

Capture = pytest.CaptureFixture[str]
SHOTS = 150
"""Enough that Ctrl-C comes while most of them are still to be measured."""


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FILMGATE_WORKERS", "1")  # starting a process costs more than these shots


def refused(arguments: list[str], capsys: Capture, *parts: str) -> None:
    """Exit code 2, one sentence on stderr with `parts`, nothing on stdout, no file written."""
    before = everything()
    assert cli.main(["check", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("filmgate: ")
    assert "Traceback" not in said.err
    for part in parts:
        assert part in said.err
    assert everything() == before


def everything() -> set[str]:
    """Files in the working directory; the store is not a result and may grow."""
    return {str(p) for p in Path().rglob("*") if p.is_file() and p.parts[0] != ".filmgate"}


def checked(*arguments: str) -> dict[str, Any]:
    """The shots of a run that must succeed, by id."""
    assert cli.main(["check", *arguments, "--quiet", "--json", "out.json"]) == 0
    report = json.loads(Path("out.json").read_text())
    return {s["shot"]: s for q in report["sequences"] for s in q["shots"]}


def why_not(shot: dict[str, Any]) -> str | None:
    """The reason when the file could not be measured, else None (there is then a frame rate)."""
    if shot["rate"] is not None:
        return None
    assert all(f["status"] == "not_measured" for f in shot["findings"])
    return " ".join({str(f["reason"]) for f in shot["findings"]})


# ---------------------------------------------------------------------- nothing to check


def test_no_such_path(capsys: Capture) -> None:
    refused(["shots", "--json", "out.json"], capsys, "'shots'")


def test_an_empty_folder(capsys: Capture) -> None:
    Path("shots").mkdir()
    refused(["shots", "--json", "out.json"], capsys, "'shots' is empty")


def test_a_folder_with_no_media(capsys: Capture) -> None:
    Path("shots").mkdir()
    Path("shots/a.txt").write_text("x")
    refused(["shots", "--json", "out.json"], capsys, "'shots' holds no footage")


@pytest.mark.parametrize("content", [b"", b"this is no video\n" * 100])
def test_a_single_file_that_is_no_video(content: bytes, capsys: Capture) -> None:
    Path("reel.mp4").write_bytes(content)
    refused(["reel.mp4", "--json", "out.json"], capsys, "reel.mp4")


# ---------------------------------------------------------------------- among good shots


def test_a_broken_file_is_not_measured_and_the_rest_is(good_shots: Path) -> None:
    shutil.copytree(good_shots, "shots")
    whole = (good_shots / "shot_1.mp4").read_bytes()
    Path("shots/empty.mp4").write_bytes(b"")
    Path("shots/text.mp4").write_text("this is no video")
    Path("shots/truncated.mp4").write_bytes(whole[: len(whole) // 3])
    shots = checked("shots")
    assert len(shots) == 6
    for name in ("empty", "text", "truncated"):
        assert why_not(shots[name]), name
        assert shots[name]["verdict"] != "circle"
    for name in ("shot_1", "shot_2", "shot_3"):
        assert why_not(shots[name]) is None, name


def odd_media(folder: Path, clip: Callable[..., Path]) -> None:
    clip(folder / "one_frame.mp4", frames=1, sound=False)
    clip(folder / "no_sound.mp4", sound=False)
    clip(folder / "odd_size.mkv", size=(161, 91), codec="ffv1", pix_fmt="yuv444p")
    clip(folder / "ten_bit.mp4", pix_fmt="yuv420p10le")
    clip(folder / "alpha.mkv", codec="ffv1", pix_fmt="yuva420p")
    clip(folder / "only_a_name.mp4")
    with av.open(str(folder / "sound_only.mp4"), "w") as out:
        audio = out.add_stream("aac", rate=48000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 24000), np.float32), "fltp", "mono")
        block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(audio.encode(block))
        out.mux(audio.encode())
    with av.open(str(folder / "variable_rate.mp4"), "w") as out:
        video = out.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        for n in range(12):
            image = np.full((90, 160, 3), 100 + n, np.uint8)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = n * n, Fraction(1, 48)
            out.mux(video.encode(frame))
        out.mux(video.encode())


def test_odd_media_is_measured_or_says_why_not(good_shots: Path, clip: Callable[..., Path]) -> None:
    shutil.copytree(good_shots, "shots")
    odd_media(Path("shots"), clip)
    shots = checked("shots")
    assert why_not(shots.pop("sound_only"))
    for name, shot in shots.items():
        assert why_not(shot) is None, (name, why_not(shot))
        assert [f for f in shot["findings"] if f["check"] == "grade"], name
    silent = [f for f in shots["no_sound"]["findings"] if f["check"] == "sound"]
    assert {f["status"] for f in silent} == {"not_measured"}
    assert all(f["reason"] for f in silent)


def test_what_decoding_had_to_settle_is_said(good_shots: Path) -> None:
    """Rotation, HDR, interlace, transparency: measured by a stated rule, named in the report."""
    shutil.copytree(good_shots, "shots")
    still = media.picture()
    media.write(Path("shots/turned.mp4"), [still] * 8, rotation=90)
    deep = media.from_planes(media.coded(still, 9, False, 10), "yuv444p10le")
    for name, transfer in (("pq", 16), ("hlg", 18)):
        path = Path(f"shots/{name}.mp4")
        media.write(path, [deep] * 8, pix_fmt="yuv444p10le", tags=(9, 9, transfer, 1))
    laced = media.moving(8, 320, 192)
    media.write(Path("shots/laced.mp4"), laced, options={"x264-params": "interlaced=1"})
    shots = checked("shots")
    for name, words in (("pq", "HDR (PQ)"), ("hlg", "HDR (HLG)"), ("laced", "interlaced")):
        assert why_not(shots[name]) is None, name
        assert any(words in note for note in shots[name]["notes"]), (name, shots[name]["notes"])
    assert why_not(shots["turned"]) is None
    assert not any("HDR" in note for note in shots["shot_1"]["notes"])


def test_a_store_that_cannot_be_written_is_a_note(good_shots: Path) -> None:
    """The check itself needs no store; only the next run is slower."""
    arguments = ["check", str(good_shots), "--store", "/proc/no/store", "-q", "--json", "out.json"]
    assert cli.main(arguments) == 0
    report = json.loads(Path("out.json").read_text())
    assert any("/proc/no/store" in note for note in report["notes"])
    assert all(why_not(s) is None for s in report["sequences"][0]["shots"])


def test_a_still_image_is_a_shot_of_one_frame() -> None:
    Path("stills").mkdir()
    for n in range(3):
        image = np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8)
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        with av.open(f"stills/still_{n}.png", "w", format="image2") as out:
            video = out.add_stream("png", rate=1)
            video.width, video.height, video.pix_fmt = 160, 90, "rgb24"
            out.mux(video.encode(frame))
            out.mux(video.encode())
    assert len(checked("stills")) == 3
    assert len(checked("stills/still_0.png")) == 1


def test_any_name_works(clip: Callable[..., Path]) -> None:
    Path("shots").mkdir()
    for name in ("with space", "-dash", "ünï漢字", "50%", "a:b", "[red]x", "<img src=x onerror=a>"):
        clip(Path("shots") / f"{name}.mp4")
    clip(Path("shots/twice.mp4"))
    clip(Path("shots/twice.mov"))
    shots = checked("shots")
    assert len(shots) == 9
    assert {"twice.mp4", "twice.mov", "-dash"} <= set(shots)
    for name, shot in shots.items():
        assert why_not(shot) is None, (name, why_not(shot))


def test_a_path_that_begins_with_a_dash(clip: Callable[..., Path]) -> None:
    Path("-shots").mkdir()
    clip(Path("-shots/a.mp4"))
    clip(Path("-shots/b.mp4"))
    assert cli.main(["check", "-q", "--json", "out.json", "--", "-shots"]) == 0


def test_footage_is_never_written_to(good_shots: Path) -> None:
    shutil.copytree(good_shots, "shots")
    before = {p.name: p.stat().st_mtime_ns for p in Path("shots").iterdir()}
    Path("shots").chmod(0o555)
    checked("shots")
    assert {p.name: p.stat().st_mtime_ns for p in Path("shots").iterdir()} == before


def test_a_malicious_name_is_only_text_in_the_report(clip: Callable[..., Path]) -> None:
    Path("shots").mkdir()
    name = "<img src=x onerror=alert(1)>"
    for n in range(3):
        clip(Path("shots") / f"{n} {name}.mp4")
    assert cli.main(["check", "shots", "-q", "--report", "out.html"]) == 0
    page = Path("out.html").read_text()
    assert name not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page


def test_malicious_words_are_only_text_in_the_report(good_shots: Path) -> None:
    """Metadata, a sidecar and a look are written by others too."""
    evil = "<script>alert(1)</script>"
    shutil.copytree(good_shots, "shots")
    with av.open("shots/titled.mp4", "w") as out:
        out.metadata["title"] = out.metadata["comment"] = evil
        video = out.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 160, 90, "yuv420p"
        frame = av.VideoFrame.from_ndarray(media.picture(160, 90), format="rgb24")
        out.mux(video.encode(frame))
        out.mux(video.encode())
    for n, value in ((1, "full"), (2, evil)):
        sidecar = {"filmgate_sidecar": 1, "attributes": [{"path": "world/cup", "value": value}]}
        Path(f"shots/shot_{n}.mp4.filmgate.json").write_text(json.dumps(sidecar))
    Path("look.toml").write_text(f"[scenes]\n'{evil}' = {{ from = 'shot_1' }}\n")
    arguments = ["check", "shots", "--look", "look.toml", "-q", "--report", "out.html"]
    assert cli.main([*arguments, "--json", "out.json"]) == 0
    told = json.loads(Path("out.json").read_text())["sequences"][0]["shots"]
    assert {s["scene"] for s in told} == {evil}
    assert any(f["status"] == "drift" and evil in f["remedy"] for f in told[1]["findings"])
    page = Path("out.html").read_text()
    assert evil not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


# ---------------------------------------------------------------------- results


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_a_read_only_folder_is_found_out_before_measuring(
    good_shots: Path, option: str, capsys: Capture
) -> None:
    refused([str(good_shots), option, "/proc/out"], capsys, "'/proc/out' cannot be written")
    refused([str(good_shots), option, "no/such/out"], capsys, "no folder 'no/such'")
    assert not Path(".filmgate").exists()


@pytest.mark.parametrize("option", ["--json", "--report"])
def test_a_full_disk_leaves_nothing_half_written(
    good_shots: Path, option: str, capsys: Capture
) -> None:
    Path("out").write_text("the result of last time")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, hard))  # no file can grow beyond 200 bytes
    try:
        refused([str(good_shots), option, "out"], capsys, "out", "could not be written")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Path("out").read_text() == "the result of last time"
    assert [p for p in Path(".filmgate").rglob("*") if p.stat().st_size > 200 and p.is_file()] == []


@pytest.mark.usefixtures("interruptible")
def test_after_ctrl_c_the_next_run_goes_on(good_shots: Path) -> None:
    Path("shots").mkdir()
    whole = (good_shots / "shot_1.mp4").read_bytes()
    for n in range(SHOTS):
        Path(f"shots/s_{n:03}.mp4").write_bytes(whole + n.to_bytes(4, "big"))
    command = [sys.executable, "-m", "filmgate", "check", "shots", "--json", "out.json"]
    run = subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    kept = Path(".filmgate/measurements")
    while run.poll() is None and len(list(kept.rglob("?" * 64))) < 5:
        time.sleep(0.02)
    os.killpg(run.pid, signal.SIGINT)
    out, err = run.communicate(timeout=60)
    assert run.returncode == 130
    assert err == "filmgate: Stopped: what was measured is kept; run again to go on.\n"
    assert out == ""
    assert everything() == {f"shots/s_{n:03}.mp4" for n in range(SHOTS)}
    first = {p: p.stat().st_mtime_ns for p in kept.rglob("?" * 64)}
    assert 5 <= len(first) < SHOTS
    assert subprocess.run(command, capture_output=True, check=True).stderr == b""
    assert all(p.stat().st_mtime_ns == then for p, then in first.items())
    assert len(json.loads(Path("out.json").read_text())["sequences"][0]["shots"]) == SHOTS


# ---------------------------------------------------------------------- declared files


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("\nexpct = 1", ("line 2", "'expct'", "Did you mean 'expect'?")),
        ('[expect]\n"wardrobe/maya/jacket" = "nvy"', ("line 2", "not a colour", "navy")),
        ('[[change]]\npath = "grade"\nfrom = "shot_7"', ("line 3", "no shot 'shot_7'", "shot_")),
    ],
)
def test_a_look_that_cannot_be_right(
    good_shots: Path, text: str, parts: tuple[str, ...], capsys: Capture
) -> None:
    Path("look.toml").write_text(text)
    arguments = [str(good_shots), "--look", "look.toml", "--json", "out.json"]
    refused(arguments, capsys, "look.toml", *parts)


def timeline(*urls: str) -> None:
    made = otio.schema.Timeline("edit")
    track = otio.schema.Track(kind="Video")
    made.tracks.append(track)
    for n, url in enumerate(urls):
        span = TimeRange(RationalTime(0, 24), RationalTime(8, 24))
        track.append(otio.schema.Clip(f"e{n}", otio.schema.ExternalReference(url), span))
    otio.adapters.write_to_file(made, "edit.otio")


def test_a_timeline_with_missing_media(clip: Callable[..., Path]) -> None:
    clip(Path("a.mp4"))
    timeline("a.mp4", "a.mp4", "lost.mp4")
    shots = checked("edit.otio")
    assert "is missing" in (why_not(shots["e2"]) or "")
    assert why_not(shots["e0"]) is None


def test_a_timeline_that_is_none(capsys: Capture) -> None:
    Path("edit.otio").write_text("{}")
    refused(["edit.otio", "--json", "out.json"], capsys, "edit.otio")


def test_a_thousand_event_timeline(clip: Callable[..., Path]) -> None:
    clip(Path("a.mp4"))
    timeline(*["a.mp4"] * 1000)
    assert len(checked("edit.otio")) == 1000
