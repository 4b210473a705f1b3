"""How much a garment may differ before it counts: the smaller its wearer, the more."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

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
