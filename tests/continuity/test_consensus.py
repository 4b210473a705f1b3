"""Medians of a group without each of its members."""

from __future__ import annotations

import numpy as np
import pytest

from filmgate.continuity import consensus


@pytest.mark.parametrize("n", [4, 5, 6, 7, 8, 9, 12, 13])
def test_medians_are_numpys_to_the_bit(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(n, 40)).round(1)  # with ties
    assert np.array_equal(consensus.median(values), np.median(values, axis=0))
    single = values.astype(np.float32)
    assert np.array_equal(consensus.median(single), np.median(single, axis=0))
    made = consensus.medians(values, np.zeros(n, np.int64))
    others = [np.median(np.delete(values, i, axis=0), axis=0) for i in range(n)]
    wanted = np.array(others) if n <= 8 else np.tile(np.median(values, axis=0), (n, 1))
    assert np.array_equal(made, wanted)
