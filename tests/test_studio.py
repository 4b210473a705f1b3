from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import pytest

import filmgate
from filmgate.errors import BadSetting
from filmgate.measure.crew import Crew, Died
from filmgate.schema.look import Expectation, Look
from filmgate.schema.report import CheckReport, ShotReport
from filmgate.schema.shot import Sequence, Shot
from filmgate.settings import Settings
from filmgate.studio import Studio, _Measured

pytestmark = pytest.mark.usefixtures("thin_engine")


@pytest.fixture
def footage(good_shots: Path, tmp_path: Path) -> Path:
    """A copy that may be changed, written long ago."""
    folder = tmp_path / "shots"
    shutil.copytree(good_shots, folder)
    for file in folder.iterdir():
        os.utime(file, (time.time() - 60, time.time() - 60))
    return folder


def sequence(folder: Path) -> Sequence:
    files = sorted(folder.glob("*.mp4"))
    return Sequence("q", tuple(Shot(f.stem, "q", str(f)) for f in files))


class Counted(Studio):
    """Counts the shots that went to a worker and the ones it measured anew."""

    def check(self, *args: object, **kwargs: object) -> CheckReport:  # type: ignore[override]
        self.sent = self.fresh = 0
        return super().check(*args, **kwargs)  # type: ignore[arg-type]

    def _learn(self, task: object, answer: _Measured) -> object:  # type: ignore[override]
        self.sent += 1
        self.fresh += answer.key is not None
        return super()._learn(task, answer)  # type: ignore[arg-type]


def studio(tmp_path: Path, workers: int = 1) -> Counted:
    return Counted(Settings(store=tmp_path / "store", workers=workers))


def shots(report: CheckReport) -> tuple[ShotReport, ...]:
    return report.sequences[0].shots


def test_public_names_are_there() -> None:
    assert all(getattr(filmgate, name) is not None for name in filmgate.__all__)
    with pytest.raises(AttributeError):
        _ = filmgate.nothing_of_the_kind


def test_a_second_run_measures_only_what_changed(footage: Path, tmp_path: Path) -> None:
    first = studio(tmp_path)
    report = first.check([sequence(footage)])
    assert (first.sent, first.fresh) == (3, 3)
    assert [s.verdict for s in shots(report)] == ["circle"] * 3
    again = studio(tmp_path)
    assert again.check([sequence(footage)]) == report
    assert again.sent == 0
    (footage / "shot_1.mp4").rename(footage / "shot_9.mp4")
    renamed = studio(tmp_path)
    renamed.check([sequence(footage)])
    assert (renamed.sent, renamed.fresh) == (1, 0)
    shutil.copy(footage / "shot_2.mp4", footage / "shot_3.mp4")
    (footage / "shot_2.mp4").write_bytes((footage / "shot_9.mp4").read_bytes() + b"tail")
    changed = studio(tmp_path)
    changed.check([sequence(footage)])
    assert (changed.sent, changed.fresh) == (2, 1)


def test_rehash_reads_every_file(footage: Path, tmp_path: Path) -> None:
    studio(tmp_path).check([sequence(footage)])
    again = studio(tmp_path)
    again.check([sequence(footage)], rehash=True)
    assert (again.sent, again.fresh) == (3, 0)


def test_a_damaged_measurement_is_made_again(footage: Path, tmp_path: Path) -> None:
    studio(tmp_path).check([sequence(footage)])
    kept = [p for p in (tmp_path / "store" / "measurements").rglob("*") if p.is_file()]
    kept[0].write_bytes(kept[0].read_bytes()[:100])
    again = studio(tmp_path)
    report = again.check([sequence(footage)])
    assert again.fresh == 1
    assert [s.verdict for s in shots(report)] == ["circle"] * 3


def test_a_sidecar_is_part_of_what_was_measured(footage: Path, tmp_path: Path) -> None:
    studio(tmp_path).check([sequence(footage)])
    sidecar = footage / "shot_1.mp4.filmgate.json"
    sidecar.write_text('{"filmgate_sidecar": 1}')
    again = studio(tmp_path)
    again.check([sequence(footage)])
    assert again.fresh == 1
    sidecar.write_text('{"filmgate_sidecar": 1, "nonsense": 1}')
    with pytest.raises(BadSetting, match="nonsense"):
        studio(tmp_path).check([sequence(footage)])


def test_a_store_that_cannot_be_written_costs_only_the_saving(
    footage: Path, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "measurements").write_text("in the way")
    report = studio(tmp_path).check([sequence(footage)])
    assert [s.verdict for s in shots(report)] == ["circle"] * 3
    assert sum("could not be kept" in note for note in report.notes) == 1


def test_a_problem_of_a_shot_is_the_reason(footage: Path, tmp_path: Path) -> None:
    parts = (*sequence(footage).shots, Shot("x", "q", "x.mp4", problem="Its media is missing."))
    report = studio(tmp_path).check([Sequence("q", parts)])
    assert shots(report)[3].findings[0].reason == "Its media is missing."


def test_progress_counts_every_shot(footage: Path, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    studio(tmp_path).check([sequence(footage)], progress=lambda d, t: seen.append((d, t)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_what_was_declared_and_not_compared_is_noted(footage: Path, tmp_path: Path) -> None:
    look = Look(expectations=(Expectation("wardrobe/maya/upper", "navy"),))
    report = studio(tmp_path).check([sequence(footage)], look)
    assert "Declared but compared with nothing: 'wardrobe/maya/upper'." in report.notes


def test_a_named_weights_folder_that_is_wrong_is_said(footage: Path, tmp_path: Path) -> None:
    settings = Settings(store=tmp_path / "store", weights=str(tmp_path / "none"))
    with pytest.raises(filmgate.FilmgateError, match="does not exist"):
        Studio(settings).check([sequence(footage)])


def _crash_on_three(task: int) -> int:
    if task == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return task * 2


def _sleep(task: int) -> int:
    time.sleep(task)
    return task


def test_a_task_that_kills_its_worker_fails_alone() -> None:
    answers = dict(Crew(_crash_on_three, 2).run(range(6)))
    assert isinstance(answers.pop(3), Died)
    assert answers == {0: 0, 1: 2, 2: 4, 4: 8, 5: 10}


@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_the_workers() -> None:
    def interrupt() -> None:
        time.sleep(3)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        list(Crew(_sleep, 2).run([60, 60]))
    assert multiprocessing.active_children() == []
