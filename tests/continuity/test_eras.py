"""Declared changes divide what is compared: nothing is held against the time before a change."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from filmgate import registry
from filmgate.continuity import cdl
from filmgate.continuity.world import World
from filmgate.schema.look import Change, Look, Scope
from filmgate.schema.signature import Signature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

LATE = (5, 6, 7)


def declared(path: str) -> Look:
    return Look(changes=(Change(path, Scope("shot_5", None)),))


def one_group(world: World) -> World:
    """All shots in one group, as where the change is too small or too new to divide them."""
    world.group = np.zeros(world.count, np.int64)
    return world


def worlds(drift: staged.Drift, path: str) -> tuple[World, World]:
    """The same shots, of which the last three differ, without and with the declared change."""
    shots = staged.with_drift(drift, *LATE)
    return one_group(staged.world(shots)), one_group(staged.world(shots, declared(path)))


def magnitude(world: World, check: str, attribute: str) -> np.ndarray:
    made = registry.load("continuity.checks", check, "CHECK").compare(world)
    return next(b.magnitude for b in made if b.attribute == attribute and b.against == "consensus")


@pytest.mark.parametrize(
    ("drift", "check", "attribute", "large"),
    [
        (("horizon", 6.0, "deg"), "geometry", "geometry/horizon", 3.0),
        (("lighting_level", 1.0, "stops"), "lighting", "lighting/level", 0.6),
    ],
)
def test_the_consensus_is_that_of_the_era(
    drift: staged.Drift, check: str, attribute: str, large: float
) -> None:
    blind, told = worlds(drift, attribute)
    assert (magnitude(blind, check, attribute)[list(LATE)] > large).all()
    assert (magnitude(told, check, attribute) < 0.4 * large).all()


def test_a_declared_change_of_something_else_divides_nothing() -> None:
    _, told = worlds(("lighting_level", 1.0, "stops"), "wardrobe/*")
    assert told.relights_of("lighting/level") is told.relights


def test_the_grade_fix_aims_at_the_shots_of_its_era() -> None:
    blind, told = worlds(("grade", 1.5, "step"), "grade/*")
    back, same = cdl.towards(blind, 6, -1), cdl.towards(told, 6, -1)
    assert back is not None
    assert same is not None

    def away(found: object) -> float:
        values = np.array([*found.slope, *found.power, found.saturation])  # type: ignore[attr-defined]
        return float(np.abs(values - 1).max())

    assert away(same) < 0.05 < away(back)


def with_hair(signature: Signature | str, shift: float) -> Signature:
    """Another head of hair on the one person."""
    assert isinstance(signature, Signature)
    (who, *others) = signature.people
    hair = (np.zeros(3) if who.hair is None else who.hair) + shift
    changed = dataclasses.replace(who, hair=hair.astype(np.float32))
    return dataclasses.replace(signature, people=(changed, *others))


def test_a_declared_change_of_a_person_divides_their_sightings() -> None:
    """Dyed hair in shot 5 and on: its own era has the same hair."""
    shots = [with_hair(s, 2.0 if i in LATE else 0.0) for i, s in enumerate(staged.clean(8))]
    blind = one_group(staged.world(list(shots)))
    told = one_group(staged.world(list(shots), declared("identity/*")))
    assert len(blind.labels) == 1, "else nobody is compared"
    path = f"identity/{blind.labels[0]}"
    before, after = magnitude(blind, "identity", path), magnitude(told, "identity", path)
    assert (after[list(LATE)] < before[list(LATE)] - 0.05).all()


def test_the_person_is_anchored_on_a_sighting_with_a_face() -> None:
    shots = list(staged.clean(8))
    assert isinstance(shots[0], Signature)
    back = dataclasses.replace(shots[0].people[0], face_patch=None, embedding=None)
    shots[0] = dataclasses.replace(shots[0], people=(back,))
    world = staged.world(shots)
    made = registry.load("continuity.checks", "identity", "CHECK").compare(world)
    anchored = next(b for b in made if b.against == "anchor")
    assert anchored.other[1] == -1
    assert set(anchored.other[2:].tolist()) == {1}


def test_a_change_no_neighbour_is_compared_on_is_still_demanded() -> None:
    """The horizon is compared with the set-up's first shot alone."""
    report = staged.compared(staged.clean(8), declared("geometry/horizon"))
    assert "change_missing" in staged.statuses(report.shots[5], "geometry/horizon")
    happened = staged.with_drift(("horizon", 6.0, "deg"), *LATE)
    report = staged.compared(happened, declared("geometry/horizon"))
    found = {s for shot in report.shots for s in staged.statuses(shot, "geometry/horizon")}
    assert "change_missing" not in found


def test_of_two_mirror_images_the_later_is_blamed() -> None:
    shots: list[Signature | str] = [
        staged.signature(0),
        staged.signature(1, ("mirror", 1.0, "flip")),
    ]
    shots += [staged.signature(i, None, 2) for i in range(2, 8)]
    world = staged.world(shots)
    assert world.setups.twin[:2].tolist() == [1, 0]
    made = registry.load("continuity.checks", "geometry", "CHECK").compare(world)
    mirrored = next(b for b in made if b.attribute == "geometry/mirrored")
    assert mirrored.magnitude[0] > 0
    assert mirrored.magnitude[1] > 0
    assert mirrored.votes[:2].tolist() == [False, True]
