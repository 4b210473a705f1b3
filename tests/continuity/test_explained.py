"""What explains a difference away: a costume that others wear, a lamp that moved, a passer-by."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.continuity.checks import lighting, wardrobe
from filmgate.continuity.picture import Relight
from filmgate.schema.signature import PersonSignature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

NAVY, WINE = np.log([0.03, 0.05, 0.15]), np.log([0.20, 0.03, 0.05])
SKIN = np.log([0.45, 0.30, 0.22])


def dressed(person: PersonSignature, colour: NDArray[np.float64]) -> PersonSignature:
    """In one colour, in one light, read by the median alone."""
    garment, skin = (np.tile(c, (3, 1)).astype(np.float32) for c in (colour, SKIN))
    return replace(person, upper_zone=garment, skin_zone=skin, garment_box=None)


def magnitudes(setup: list[int], wine: list[int]) -> list[float]:
    """Garment differences of eight sightings of one scene, of which those at `wine` wear wine."""
    world = staged.world(staged.clean(8))
    label = world.labels[0]
    world.setup = world.group = np.array(setup)
    world.chapter = np.zeros(8, np.int64)
    world.people = tuple(
        tuple((name, dressed(person, WINE if at in wine else NAVY)) for name, person in row)
        for at, row in enumerate(world.people)
    )
    world.answers.clear()
    batches = wardrobe.CHECK.compare(world)
    told = [b for b in batches if b.attribute == f"wardrobe/{label}/upper" and b.votes.any()]
    return [
        max((float(b.magnitude[i]) for b in told if b.votes[i]), default=float("nan"))
        for i in range(8)
    ]


def test_a_garment_that_two_others_of_the_scene_wear_is_no_drift() -> None:
    """Two people who pass for one: three wear wine, and one of them stands among navy."""
    setup = [0, 0, 0, 0, 0, 1, 1, 1]
    assert magnitudes(setup, [4])[4] > 10
    assert magnitudes(setup, [4, 6])[4] > 10, "one other is no costume"
    assert magnitudes(setup, [4, 6, 7])[4] == pytest.approx(0.0, abs=0.1)


def busy(key_stops: float, residual: float) -> float:
    """By how much a slope of `key_stops` counts less, beside shots that leave .04 unexplained."""
    world = staged.world(staged.clean(4))
    whole, head, tail = world.relights_of("lighting/key_side")
    slopes, left = np.zeros((4, 2)), np.full(4, 0.04)
    slopes[1, 0], left[1] = key_stops, residual
    made: Relight = replace(whole, key_stops=slopes, residual=left)
    for kept in world.answers.values():
        for given in kept:
            if isinstance(kept[given], tuple) and kept[given] and kept[given][0] is whole:
                kept[given] = (made, head, tail)
    assert world.relights_of("lighting/key_side")[0] is made
    return float(lighting.CHECK._busy(world)[1])


def test_a_lamp_that_moved_is_not_discounted_by_its_own_size() -> None:
    """One stop from side to side is .2 in natural log: a residue below that is the lamp's own."""
    assert busy(1.0, 0.18) == pytest.approx(1.0)
    assert busy(0.1, 0.18) > 4, "someone walked through"
    assert busy(0.1, 0.04) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("stops", "told"), [(0.2, "the level is nearly right"), (1.0, "grade the light by +1.0 stops")]
)
def test_a_balance_is_blamed_on_the_level_only_where_that_would_mend_it(
    stops: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = staged.world(staged.clean(4))
    balance = next(
        b for b in lighting.CHECK.compare(world)
        if b.attribute == "lighting/balance" and b.against == "neighbour"
    )  # fmt: skip
    other = int(balance.other[1])
    monkeypatch.setattr(lighting, "_exposure", lambda _, at: -2.0 + stops * (at == other))
    assert told in (lighting.CHECK.explain(world, balance, 1).remedy or "")
