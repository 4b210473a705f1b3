from __future__ import annotations

import numpy as np
import pytest

from filmgate.measure import soundtrack


@pytest.mark.parametrize("offset", [-40, -7, 0, 5, 29, 30, 90])
@pytest.mark.parametrize("length", [1, 8, 30, 60])
def test_a_cut_is_in_step_and_ends_with_the_sound(offset: int, length: int) -> None:
    """Against the plain way: join the blocks, put silence before late sound, cut."""
    wave = np.arange(1, 61, dtype=np.float32).reshape(30, 2)
    blocks = [[part[:, 0], part[:, 1]] for part in np.split(wave, [4, 5, 21])]
    late = np.zeros((max(0, -offset), 2), np.float32)
    whole = np.concatenate([late, wave])
    start = max(0, offset)
    np.testing.assert_array_equal(
        soundtrack._cut(blocks, offset, length), whole[start : start + length]
    )
