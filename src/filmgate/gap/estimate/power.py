"""How many traces it takes before a loss at the handoffs can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

POWER = 0.8
SIGNIFICANCE = 0.05


class Needed(NamedTuple):
    """Traces needed: solo yields known exactly; as many solo runs of each step."""

    solo_known: int
    solo_same: int


def traces_needed(
    loss: float,
    yields: Sequence[float],
    power: float = POWER,
    significance: float = SIGNIFICANCE,
    design_effect: float = 1.0,
) -> Needed:
    """Traces that show, with `power`, that the end is `loss` below the product of `yields`.

    N = (z_{1-a/2} + z_power)² V / ln(R/(R - loss))², the log-ratio test of `chain.gap_test`:
    V = (1 - R1)/R1 for the traces, plus sum (1 - p_i)/p_i when each step's solo yield is estimated
    from N runs as well.

    Raises:
        ValueError: a yield outside 0..1, or a loss that leaves nothing.
    """
    from scipy.special import ndtri

    if not yields or any(not 0 < p <= 1 for p in yields):
        raise ValueError("solo yields must be above 0 and at most 1")
    promise = math.prod(yields)
    if not 0 < loss < promise:
        raise ValueError(f"a loss must be above 0 and below the solo product {promise:.3f}")
    outcome = promise - loss
    z = float(ndtri(1 - significance / 2) + ndtri(power))
    scale = z * z / math.log(promise / outcome) ** 2
    known = (1 - outcome) / outcome * design_effect
    same = known + math.fsum((1 - p) / p for p in yields)
    return Needed(math.ceil(scale * known), math.ceil(scale * same))
