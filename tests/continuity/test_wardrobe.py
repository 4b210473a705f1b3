"""How much a garment may differ before it counts: the smaller its wearer, the more."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from filmgate.continuity import cloth
from filmgate.continuity.check import Batch
from filmgate.continuity.checks import in_shot, wardrobe
from filmgate.schema.signature import Signature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged


def at_scale(scale: float) -> list[Signature | str]:
    made = []
    for one in staged.clean(8):
        assert isinstance(one, Signature)
        people = tuple(dataclasses.replace(p, scale=scale) for p in one.people)
        made.append(dataclasses.replace(one, people=people))
    return list(made)


@pytest.mark.parametrize(
    ("scale", "wider"), [(0.30, 1.0), (0.15, 1.0), (0.10, 1.5), (0.05, 3.0)]
)  # fmt: skip
def test_a_small_garment_may_differ_more(scale: float, wider: float) -> None:
    small, large = staged.world(at_scale(scale)), staged.world(at_scale(0.3))
    assert small.labels == large.labels
    for check in (wardrobe.CHECK, in_shot.CHECK):
        told = 0
        for one, two in zip(check.compare(small), check.compare(large), strict=True):
            if "wardrobe" not in one.kind or one.against not in ("consensus", "itself"):
                continue
            seen = np.isfinite(two.scale) & np.isfinite(two.magnitude)
            np.testing.assert_allclose(one.scale[seen], wider * two.scale[seen])
            told += int(seen.sum())
        assert told


def test_what_comes_before_a_garment_widens_its_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    def judged(unlike: float) -> Batch:
        there = np.where(np.arange(8) == 3, unlike, 0.0)
        monkeypatch.setattr(cloth, "changed", lambda one, two: there[: len(one)])
        made = in_shot.CHECK.compare(staged.world(staged.clean(8)))
        return next(b for b in made if b.kind == "in_shot/wardrobe")

    plain, edge, beyond = (judged(v * in_shot.ANOTHER) for v in (0.0, 1.0, 2.0))
    assert np.isfinite(plain.magnitude[3])
    for found in (edge, beyond):
        np.testing.assert_allclose(found.magnitude, plain.magnitude, err_msg="as it is measured")
    np.testing.assert_allclose(edge.scale, plain.scale)
    assert beyond.scale[3] == pytest.approx(4 * beyond.scale[2])


def test_what_is_behind_people_follows_a_flop() -> None:
    made = staged.clean(6)
    one = made[2]
    assert isinstance(one, Signature)
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32)[:, None], (3, 24, 32, 3)).copy()
    left = np.zeros((3, 24, 32), np.float32)
    left[:, :, :16] = 1.0
    made[2] = dataclasses.replace(one, background=ramp, background_weight=left)
    world = staged.world(made)
    light, share = world.behind(0)
    assert share[2].reshape(12, 16)[0].tolist() == [1.0] * 8 + [0.0] * 8
    assert light[2].reshape(12, 16, 3)[0, :8, 0] == pytest.approx(np.arange(8) * 2 + 0.5)
    flopped = world.setups.flopped.copy()
    flopped[2] = True
    world.setups = world.setups._replace(flopped=flopped)
    world.answers.clear()
    turned, kept = world.behind(0)
    assert kept[2].reshape(12, 16)[0].tolist() == [0.0] * 8 + [1.0] * 8
    assert turned[2].reshape(12, 16, 3)[0, 8:, 0] == pytest.approx(np.arange(8)[::-1] * 2 + 0.5)
