"""A garment by the cells under it: what counts is that nearly all of them change together."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.continuity import cloth

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

F64 = NDArray[np.float64]
NOTHING = np.zeros((1, 3))


def jumper() -> F64:
    """(1, 36, 3) log-linear RGB of a garment with folds."""
    folds = np.random.default_rng(3).normal(0, 0.1, (1, cloth.SIDE**2, 1))
    return np.log(np.array([0.10, 0.16, 0.30])) + folds


def dyed(cells: F64, share: float) -> F64:
    """The first `share` of the cells in another colour."""
    out = cells.copy()
    count = round(share * cells.shape[1])
    out[:, :count] += np.array([0.9, 0.0, -0.5])
    return out


def test_a_garment_of_another_colour_differs() -> None:
    worn = jumper()
    assert cloth.difference(worn, worn, NOTHING)[0] == pytest.approx(0.0, abs=1e-6)
    assert cloth.difference(dyed(worn, 1.0), worn, NOTHING)[0] > 15
    assert cloth.difference(dyed(worn, 0.9), worn, NOTHING)[0] > 15, "a hand in front of it"


def test_an_arm_across_the_body_does_not() -> None:
    assert cloth.difference(dyed(jumper(), 0.4), jumper(), NOTHING)[0] < 1


def test_what_goes_in_all_directions_is_movement() -> None:
    """Folds and prints that move change every cell, and the garment not at all."""
    worn = jumper()
    moved = worn + np.random.default_rng(4).normal(0, 0.6, worn.shape)
    assert cloth.difference(moved, worn, NOTHING)[0] < 6
    assert cloth.difference(dyed(worn, 1.0), worn, NOTHING)[0] > 15


def test_the_light_is_taken_away() -> None:
    shift = np.array([[0.4, 0.1, -0.2]])
    lit = jumper() + shift[:, None]
    assert cloth.difference(lit, jumper(), NOTHING)[0] > 3
    assert cloth.difference(lit, jumper(), shift)[0] == pytest.approx(0.0, abs=1e-6)


def test_cells_that_are_not_seen_say_nothing() -> None:
    seen, blind = jumper(), np.full((1, 36, 3), np.nan)
    assert np.isnan(cloth.difference(blind, seen, NOTHING)).all()
    assert np.isnan(cloth.difference(seen, seen, np.full((1, 3), np.nan))).all()


def test_a_garment_in_another_colour_keeps_its_folds() -> None:
    """What comes before it, a hand or a cup, brings a picture of its own."""
    seen = jumper()
    recoloured = seen + np.array([0.6, -0.3, 0.1])
    covered = seen.copy()
    covered[:, ::3] += 2.0
    covered[:, 1::3] -= 1.5
    assert cloth.changed(recoloured, seen) == pytest.approx([0.0], abs=1e-6)
    assert cloth.changed(covered, seen)[0] > 0.8
    assert np.isnan(cloth.changed(np.full_like(seen, np.nan), seen)).all()


def test_witnesses_must_agree() -> None:
    """One that sees a change where the other sees none counts for little; alone it counts."""
    one, two = np.array([16.0, 16.0, 16.0]), np.array([16.0, 1.0, np.nan])
    assert cloth.agreed(one, two).tolist() == [16.0, 4.0, 16.0]


def test_cells_are_read_under_the_garment_and_follow_a_flop() -> None:
    world = staged.world(staged.clean(6))
    seen = world.sightings(world.labels[0])
    at = next(iter(seen))
    left, _, wide, _ = seen[at].garment_box or pytest.fail("no garment box")
    columns = world.thumb.shape[3]
    world.thumb[at, 0] = np.linspace(-3, 0, columns)[None, :, None]
    read = cloth.garments(world, seen, 0)[at].reshape(cloth.SIDE, cloth.SIDE, 3)
    expected = -3 + 3 * (left + wide * np.array([0.1, 0.9]))
    assert read[0, [0, -1], 0] == pytest.approx(expected, abs=0.15)
    world.thumb[at] = world.thumb[at][:, :, ::-1]
    flopped = world.setups.flopped.copy()
    flopped[at] = True
    world.setups = world.setups._replace(flopped=flopped)
    turned = cloth.garments(world, seen, 0)[at].reshape(cloth.SIDE, cloth.SIDE, 3)
    assert turned[:, ::-1] == pytest.approx(read, abs=0.15)


def test_a_sighting_without_a_box_has_no_cells() -> None:
    world = staged.world(staged.clean(4))
    seen = world.sightings(world.labels[0])
    bare = {i: dataclasses.replace(p, garment_box=None) for i, p in seen.items()}
    assert np.isnan(cloth.garments(world, bare, 0)).all()
