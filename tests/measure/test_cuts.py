"""Finding cuts: weak ones found, flashes not, frames counted rather than timed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from filmgate.measure.cuts import cuts_in, find_cuts

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import media


def pan(count: int, seed: int) -> list[media.U8]:
    """Frames of one slow pan."""
    return [media.picture(seed=seed, shift=index) for index in range(count)]


def test_cuts_are_found_and_cover_the_file(tmp_path: Path) -> None:
    path = media.write(tmp_path / "reel.mp4", pan(20, 1) + pan(25, 2) + pan(15, 3))
    heard: list[tuple[int, int]] = []
    shots = find_cuts(path, lambda done, total: heard.append((done, total)))
    assert shots == [(0, 20), (20, 45), (45, 60)]
    assert heard[-1] == (60, 60)


def test_a_flash_is_not_a_cut(tmp_path: Path) -> None:
    frames = pan(40, 1)
    for index in (15, 16, 17):
        frames[index] = np.clip(frames[index].astype(int) + 130, 0, 255).astype(np.uint8)
    frames[30] = np.full_like(frames[30], 250)
    assert find_cuts(media.write(tmp_path / "flash.mp4", frames)) == [(0, 40)]


def test_one_shot_is_one_shot(tmp_path: Path) -> None:
    assert find_cuts(media.write(tmp_path / "one.mp4", pan(30, 1))) == [(0, 30)]
    assert find_cuts(media.write(tmp_path / "frame.mp4", pan(1, 1))) == [(0, 1)]


def test_a_variable_rate_does_not_move_cuts(tmp_path: Path) -> None:
    times = [index if index < 10 else index * 5 for index in range(40)]
    path = media.write(tmp_path / "vfr.mkv", pan(20, 1) + pan(20, 2), times=times)
    assert find_cuts(path) == [(0, 20), (20, 40)]


def test_a_weak_change_in_a_quiet_picture_is_a_cut_and_action_is_not() -> None:
    thumbs = np.zeros((40, 18, 32, 3), np.uint8)
    thumbs[20:] = 60
    quiet = np.full(40, 0.5)
    quiet[20] = 17.0
    assert cuts_in(quiet, thumbs, 24.0) == [20]
    action = np.full(40, 30.0)
    action[20] = 45.0
    assert cuts_in(action, thumbs, 24.0) == []
