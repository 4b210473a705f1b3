from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.errors import StoreError
from filmgate.interfaces import outputs
from filmgate.schema.report import CDL, CheckReport, Finding, SequenceReport, ShotReport

UNITY = (1.0, 1.0, 1.0)


def cdl(red: float) -> CDL:
    return CDL((red, 1.0, 1.0), (0.0, 0.0, 0.0), UNITY)


def shot(name: str, *sizes: float) -> ShotReport:
    found = tuple(
        Finding("grade", "grade", "anchor", None, "drift", magnitude=size, cdl=cdl(size))
        for size in sizes
    )
    return ShotReport(name, "f", 0, None, None, None, None, (), 0.0, None, "retake", found)


def test_the_largest_grade_drift_is_corrected() -> None:
    assert outputs.correction(shot("a", 5.0, 9.0, 7.0)) == cdl(9.0)
    assert outputs.correction(shot("a")) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "..", "", "a\x00b", "-dash", "漢字"])
def test_a_shot_name_cannot_leave_the_folder(name: str) -> None:
    safe = outputs.file_name(name)
    assert safe
    assert "/" not in safe
    assert "\x00" not in safe
    assert safe not in (".", "..")


def test_file_names_stay_apart() -> None:
    sequence = SequenceReport("q", (shot("a:b", 1.0), shot("a/b", 1.0), shot("A_B", 1.0)), "d")
    names = [name for name, _ in outputs._corrections(sequence, many=False)]
    assert len({n.casefold() for n in names}) == 3


def test_a_name_that_is_no_text_is_written_as_an_escape(tmp_path: Path) -> None:
    report = CheckReport("0", 1, {}, (), (SequenceReport("q\udc80", (), "d"),))
    outputs.write_json(report, tmp_path / "out.json")
    assert b"q\\udc80" in (tmp_path / "out.json").read_bytes()


def test_a_target_that_cannot_be_written_is_found_out_first(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for files, folders in (
        ([tmp_path / "no" / "x.json"], []),
        ([tmp_path], []),
        ([tmp_path / "file" / "x.json"], []),
        ([], [tmp_path / "file"]),
    ):
        with pytest.raises(StoreError):
            outputs.check_writable(files, folders)
    outputs.check_writable([tmp_path / "x.json", Path("-"), None], [tmp_path / "new" / "deep"])
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
