"""Frames for people to look at: the right ones, upright, small, and never a crash."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from filmgate.errors import MeasurementError
from filmgate.measure import stills
from filmgate.measure.sample import WORK_HEIGHT_PX

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import media


def test_the_frames_asked_for(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(40))
    found = stills.frames(str(path), [0, 7, 39], 1000)
    assert sorted(found) == [0, 7, 39]
    for index, picture in found.items():
        assert picture.shape == (180, 320, 3)
        assert picture.dtype == np.uint8
        assert media.bar(picture) == index


def test_they_are_made_smaller_and_never_larger(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", [media.picture(1280, 720)] * 2)
    assert stills.frames(str(path), [0], 90)[0].shape == (90, 160, 3)
    assert stills.frames(str(path), [0], 2000)[0].shape[0] == WORK_HEIGHT_PX


def test_they_are_upright(tmp_path: Path) -> None:
    picture = media.picture()
    picture[:, :40] = 255
    path = media.write(tmp_path / "a.mp4", [picture] * 3, rotation=90)
    turned = stills.frames(str(path), [1], 1000)[1]
    assert turned.shape == (320, 180, 3)
    top, bottom = turned[:36].mean(), turned[-36:].mean()
    assert max(top, bottom) > 230, "the white side is now at the top or the bottom"
    assert min(top, bottom) < 210


def test_a_frame_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(5))
    assert sorted(stills.frames(str(path), [2, 5000], 100)) == [2]


def test_a_file_that_is_no_video_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("this is no video")
    with pytest.raises(MeasurementError, match=r"a\.mp4"):
        stills.frames(str(path), [0], 100)


def test_a_poster_is_a_small_jpeg_of_the_picture() -> None:
    picture = media.picture(640, 360)
    coded = stills.poster(picture, 90)
    assert coded.dtype == np.uint8
    assert bytes(coded[:3]) == b"\xff\xd8\xff"
    opened = stills.opened(coded)
    assert opened.shape == (90, 160, 3)
    small = picture.reshape(90, 4, 160, 4, 3).mean(axis=(1, 3))
    assert np.abs(opened - small).mean() < 4


def test_a_damaged_poster_is_an_error() -> None:
    with pytest.raises(MeasurementError, match="JPEG"):
        stills.opened(np.zeros(40, np.uint8))
