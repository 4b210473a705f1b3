from __future__ import annotations

import os
from pathlib import Path

import pytest

from filmgate.errors import BadFootage, MeasurementError
from filmgate.interfaces.footage import discover, natural


def no_cuts(file: str) -> list[tuple[int, int]]:
    raise AssertionError(f"cuts were looked for in {file}")


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_shots_are_in_natural_name_order(tmp_path: Path) -> None:
    touch(tmp_path, "shot_10.mp4", "Shot_2.mov", "shot_1.webm", "shot_2b.mp4")
    (sequence,) = discover(tmp_path, no_cuts).sequences
    assert [s.id for s in sequence.shots] == ["shot_1", "Shot_2", "shot_2b", "shot_10"]
    assert sequence.id == tmp_path.name
    assert {s.sequence for s in sequence.shots} == {sequence.id}


def test_natural_order_copes_with_any_name() -> None:
    names = ["", "1", "a", "é2", "e\u03012", "10", "2", "a1b", "a10", "²"]
    assert sorted(sorted(names), key=natural) == sorted(names, key=natural)


def test_sub_folders_are_sequences_and_hidden_files_are_not(tmp_path: Path) -> None:
    touch(tmp_path, "b/x.mp4", "a/deep/y.mp4", "a/z.mp4", ".hidden/h.mp4", "a/.h.mp4")
    footage = discover(tmp_path, no_cuts)
    assert [(q.id, [s.id for s in q.shots]) for q in footage.sequences] == [
        ("a", ["z"]), ("a/deep", ["y"]), ("b", ["x"]),
    ]  # fmt: skip
    assert footage.notes == ()


def test_other_files_are_passed_over_and_counted(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "notes.txt", "a.json", "poster.png")
    footage = discover(tmp_path, no_cuts)
    assert [s.id for s in footage.sequences[0].shots] == ["a"]
    assert "3 files that are not footage" in footage.notes[0]


def test_stills_are_shots_where_there_is_no_video(tmp_path: Path) -> None:
    touch(tmp_path, "frame_1.png", "frame_2.png")
    assert len(discover(tmp_path, no_cuts).sequences[0].shots) == 2


def test_two_files_of_one_name_stay_apart(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.mov", "b.mp4")
    (sequence,) = discover(tmp_path, no_cuts).sequences
    assert sorted(s.id for s in sequence.shots) == ["a.mov", "a.mp4", "b"]


@pytest.mark.parametrize(
    "name", ["with space.mp4", "-dash.mp4", "ünï漢字.mp4", "50%.mp4", "a:b.mp4"]
)
def test_any_name_works(tmp_path: Path, name: str) -> None:
    touch(tmp_path, name)
    (shot,) = discover(tmp_path, no_cuts).sequences[0].shots
    assert shot.file == str(tmp_path / name)


def test_a_link_back_to_the_parent_ends(tmp_path: Path) -> None:
    touch(tmp_path, "a/x.mp4")
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert [q.id for q in discover(tmp_path, no_cuts).sequences] == ["a"]


def test_a_file_is_cut_into_shots(tmp_path: Path) -> None:
    touch(tmp_path, "reel.mp4")
    (sequence,) = discover(tmp_path / "reel.mp4", lambda _: [(0, 24), (24, 100)]).sequences
    assert [(s.id, s.in_frame, s.out_frame) for s in sequence.shots] == [
        ("shot_01", 0, 24), ("shot_02", 24, 100),
    ]  # fmt: skip
    assert sequence.id == "reel"


def test_the_path_is_reported_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "shots/a.mp4")
    monkeypatch.chdir(tmp_path)
    (sequence,) = discover(Path("shots"), no_cuts).sequences
    assert sequence.shots[0].file == os.path.join("shots", "a.mp4")  # noqa: PTH118


def test_nothing_to_check_is_said(tmp_path: Path) -> None:
    empty, texts = tmp_path / "empty", tmp_path / "texts"
    empty.mkdir()
    touch(texts, "a.txt")

    def unreadable(file: str) -> list[tuple[int, int]]:
        raise MeasurementError(f"'{file}' is not a video.")

    for path, part in (
        (tmp_path / "nope", "no file or folder"),
        (empty, "is empty"),
        (texts, "holds no footage"),
        (texts / "a.txt", "is not a video"),
    ):
        with pytest.raises(BadFootage, match=part):
            discover(path, unreadable)
