"""The light of a shot without a consensus, against the shots of its scene most like it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.continuity import nearby, picture

CELLS = int(np.prod(picture.GRID))
F64 = NDArray[np.float64]


def unit(*angles: float) -> NDArray[np.float32]:
    """(N, 2) vectors whose correlation is the cosine between them (degrees)."""
    turn = np.radians(angles)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)


def test_the_most_alike_of_the_same_chapter_are_found() -> None:
    vectors = unit(0, 40, 10, 20, 90, 5)
    chapter = np.array([0, 0, 0, 0, 0, 1])
    wanted = np.array([True, False, False, False, True, False])
    mates = nearby.nearest(vectors, chapter, wanted, np.full(6, -1))
    assert mates[0, :3].tolist() == [2, 3, 1], "not 5: another chapter; not 4: another view"
    assert (mates[0, 3:] == -1).all()
    assert (mates[1:4] == -1).all(), "nobody asked"
    assert (mates[4] == -1).all() or mates[4, 0] == 1


def test_the_own_group_is_left_out_where_it_is_named() -> None:
    vectors, chapter = unit(0, 1, 2, 3, 4), np.zeros(5, np.int64)
    apart = np.array([7, 7, -1, -1, -1])
    mates = nearby.nearest(vectors, chapter, np.ones(5, bool), apart)
    assert 1 not in mates[0]
    assert {2, 3, 4} <= set(mates[0].tolist())


def places(count: int) -> F64:
    """(N, 192, 3) takes of one place in one light."""
    rng = np.random.default_rng(2)
    set_ = rng.uniform(-3, -0.5, (CELLS, 3))
    return np.asarray(set_ + rng.normal(0, 0.02, (count, CELLS, 3)))


def test_what_the_light_did_is_read_and_what_moved_is_not() -> None:
    cells = places(4)
    cells[0] += np.array([0.2, 0.0, -0.2]) + 0.5 * picture.STOP
    cells[0, :30] -= 2.0  # somebody walks in
    mates = np.full((4, nearby.MOST), -1)
    mates[0, :3] = [1, 2, 3]
    near = nearby.compare(cells, mates)
    assert near.level_stops[0] == pytest.approx(0.5, abs=0.12)
    assert near.mired[0] == pytest.approx(-0.4 * picture.MIRED_PER_LOG, abs=6)
    assert abs(near.key_stops[0]) < 0.2
    assert np.isnan(near.level_stops[1:]).all()


def test_the_middle_of_the_mates_counts() -> None:
    """One of three mates drifts itself: the shot is not blamed for it."""
    cells = places(4)
    cells[3] += 1.5
    mates = np.full((4, nearby.MOST), -1)
    mates[0, :3] = [1, 2, 3]
    assert abs(nearby.compare(cells, mates).level_stops[0]) < 0.1


def test_one_mate_is_not_enough() -> None:
    cells = places(3)
    mates = np.full((3, nearby.MOST), -1)
    mates[0, 0] = 1
    assert np.isnan(nearby.compare(cells, mates).level_stops).all()
