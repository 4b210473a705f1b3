"""What every test may rely on: no network, no ERROR in the log, tiny footage, no user settings."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in LOOPBACK:
            raise AssertionError(f"a test reached for the network: {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _no_error_logs(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    yield
    errors = [r.getMessage() for r in caplog.get_records("call") if r.levelno >= logging.ERROR]
    assert not errors, errors


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's environment must not decide a test."""
    for name in [n for n in os.environ if n.startswith("FILMGATE_") and n != "FILMGATE_REQUIRE"]:
        monkeypatch.delenv(name)


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Ctrl-C arrives, here and in child processes, even where the suite runs in the background
    (a shell starts background jobs with SIGINT ignored)."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def require(component: str) -> str:
    """Path of an optional program; without it the test is skipped, or fails where it is required.

    ``FILMGATE_REQUIRE=chromium,postgres`` names what must be there, so that a machine that should
    test everything cannot pass by testing less.
    """
    programs = {
        "chromium": ("chromium", "chromium-browser", "google-chrome"),
        "postgres": ("postgres", "pg_ctl"),
    }
    found = next((p for n in programs[component] if (p := shutil.which(n))), None)
    if found is None:
        needed = component in os.environ.get("FILMGATE_REQUIRE", "").split(",")
        (pytest.fail if needed else pytest.skip)(f"{component} is not installed")
    assert found is not None
    return found


@pytest.fixture(name="require")
def _require() -> Callable[[str], str]:
    return require


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real footage, weights and timelines beside the repository; the test is skipped without."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs ../shared")
    return folder


Clip = Callable[..., Path]


def write_clip(
    path: Path,
    frames: int = 12,
    colour: tuple[int, int, int] = (90, 110, 130),
    size: tuple[int, int] = (160, 90),
    rate: int = 24,
    sound: bool = True,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
) -> Path:
    """A tiny moving picture with a tone: enough to be decoded, of no interest otherwise."""
    import av
    import numpy as np

    width, height = size
    ramp = np.linspace(-40, 40, width)[None, :, None]
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = width, height, pix_fmt
        audio = out.add_stream("aac", rate=48000, layout="mono") if sound else None
        for n in range(frames):
            image = np.clip(np.array(colour)[None, None, :] + np.roll(ramp, n, 1), 0, 255)
            image = np.broadcast_to(image, (height, width, 3)).astype(np.uint8)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            picture.pts, picture.time_base = n, Fraction(1, rate)
            out.mux(video.encode(picture))
        out.mux(video.encode())
        if audio is not None:
            count = 48000 * frames // rate
            tone = 0.1 * np.sin(np.arange(count) * 2 * np.pi * 220 / 48000)
            block = av.AudioFrame.from_ndarray(tone.astype(np.float32)[None], "fltp", "mono")
            block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
            out.mux(audio.encode(block))
            out.mux(audio.encode())
    return path


@pytest.fixture
def clip() -> Clip:
    return write_clip


@pytest.fixture(scope="session")
def good_shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three tiny good shots; not to be written to."""
    folder = tmp_path_factory.mktemp("good") / "shots"
    folder.mkdir()
    for n in range(3):
        write_clip(folder / f"shot_{n + 1}.mp4", colour=(90 + n, 110, 130))
    return folder


@pytest.fixture
def thin_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison that reports every measured shot as within tolerance, and nothing else.

    For tests of what surrounds the comparison; the comparison has its own.
    """
    import sys
    import types

    from filmgate.schema.report import Finding, SequenceReport, ShotReport, Threshold

    def one(shot: Any, found: Any) -> ShotReport:
        why = found if isinstance(found, str) else None
        finding = Finding(
            "grade", "grade", "consensus", None, "not_measured" if why else "within", why,
            None if why else 0.5, None if why else "de00", None if why else 4.0,
        )  # fmt: skip
        return ShotReport(
            shot.id, shot.file, shot.in_frame, shot.out_frame, None if why else "24",
            "scene_1", None, (), 0.0,
            None, "escalate" if why else "circle", (finding,),
        )  # fmt: skip

    def compare(sequence: Any, signatures: Any, *_: Any) -> SequenceReport:
        pairs = zip(sequence.shots, signatures, strict=True)
        return SequenceReport(sequence.id, tuple(one(*pair) for pair in pairs), "budget")

    class Calibration:
        def table(self) -> dict[str, Threshold]:
            return {"grade": Threshold(4.0, "de00", 400, "thin")}

        def guarantee(self) -> str:
            return "no guarantee"

        def suited(self, networks: bool) -> Calibration:
            return self

    engine, calibration = types.ModuleType("engine"), types.ModuleType("calibration")
    engine.compare = compare  # type: ignore[attr-defined]
    calibration.shipped = Calibration  # type: ignore[attr-defined]
    for name, module in (("engine", engine), ("calibration", calibration)):
        monkeypatch.setitem(sys.modules, f"filmgate.continuity.{name}", module)
        monkeypatch.setattr(f"filmgate.continuity.{name}", module, raising=False)
