"""Distances between shots that several checks share; vectorised over pairs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.check import Batch, batch
from filmgate.continuity.world import World
from filmgate.measure.colour import delta_e_2000, srgb_to_lab
from filmgate.schema.report import Unit

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

HEAD, TAIL = 1, 2
MIN_REGION = 0.03
"""A region of less than this share of the frame is not compared."""
CAST_SHARE = 0.05
"""Of the colour of a whole set-up: what its clean takes differ by, in the development projects
without people (.03 and .08 rank as well or slightly worse)."""


def region_of(world: World) -> NDArray[np.int64]:
    """(N,) 1 (background) where people were cut out and enough of it is left, else 0 (frame)."""
    masked = np.array([bool(s and s.masked) for s in world.signatures], dtype=bool)
    enough = world.region_weight[:, :, 1].min(axis=1) > 0.15
    return np.where(masked & enough, 1, 0)


def band_distance(one: F64, two: F64) -> F64:
    """(N,) mean CIEDE2000 over the five tonal bands of (N, 5, 3) Lab pairs."""
    return np.asarray(np.mean(delta_e_2000(one, two), axis=-1), dtype=np.float64)


def tone_distance(one: F64, two: F64) -> F64:
    """(N,) mean CIEDE2000 between tone curves: 19 quantiles of display RGB, (N, 19, 3)."""
    apart = delta_e_2000(srgb_to_lab(one), srgb_to_lab(two))
    return np.asarray(np.mean(apart, axis=-1), dtype=np.float64)


def palette_distance(one: F64, two: F64) -> F64:
    """(N,) Hellinger distance (0 to 1) between Lab palettes (N, 4, 8, 8); NaN when one is empty."""
    cells = int(np.prod(one.shape[1:]))
    a, b = one.reshape(len(one), cells), two.reshape(len(two), cells)
    overlap = np.sqrt(np.maximum(a * b, 0)).sum(axis=1)
    empty = (a.sum(axis=1) == 0) | (b.sum(axis=1) == 0)
    return np.where(empty, np.nan, np.sqrt(np.clip(1 - overlap, 0, 1)))


def one_shot(
    world: World, attribute: str, against: Literal["anchor", "neighbour"],
    values: NDArray[np.floating], distance: Callable[[F64, F64], F64],
) -> Batch:  # fmt: skip
    """Each shot against one other, in ΔE00: its scene's anchor, whole against whole; or the shot
    before it, head against tail. The anchor votes where no closer comparison (consensus, or a mate
    of the same set-up) can; the neighbour never.

    Args:
        values: (N, 3 zones, ...) what is compared; distance: (M, ...) pairs -> (M,).
    """
    first = against == "anchor"
    other = world.anchor if first else world.previous
    near, far = (0, 0) if first else (HEAD, TAIL)
    here = other >= 0
    magnitude = np.full(world.count, np.nan)
    magnitude[here] = distance(
        values[here, near].astype(np.float64), values[other[here], far].astype(np.float64)
    )
    return batch(
        world, attribute, against, "de00", magnitude, 1.0, other=other,
        votes=alone(world) & ~world.seen_nearby if first else np.zeros(world.count, bool),
        applies=here | ~world.has_consensus if first else here,
        zone="whole" if first else "head", other_zone="whole" if first else "tail",
        default_reason="the first shot of its scene: later shots are compared with it",
    )  # fmt: skip


def alone(world: World) -> NDArray[np.bool_]:
    """(N,) shots with neither a consensus nor a mate of their set-up."""
    return ~world.has_consensus & (world.mate < 0)


def with_mate(
    world: World, attribute: str, unit: Unit, magnitude: F64, votes: NDArray[np.bool_]
) -> Batch:
    """A batch against the `mate`, which votes where there is no consensus.

    Args:
        votes: (N,) further condition. All measured pairs say what is usual.
    """
    told = np.isfinite(magnitude) | ~world.has_consensus
    return batch(
        world, attribute, "anchor", unit, magnitude, 1.0, other=world.mate,
        votes=votes & ~world.has_consensus, applies=(world.mate >= 0) & told,
        usual=np.ones(world.count, bool),
        default_reason="too little of the set is seen in both shots",
    )  # fmt: skip


def of_cast(world: World) -> F64:
    """(N,) mired by which takes of one light differ because their set-up is strongly coloured.

    Takes differ by a few percent of saturation. About grey that shifts nothing; of a picture that
    is orange throughout it shifts the mean as another colour of light would.
    """
    cast = world.relights_of("lighting/colour_temperature")[0].cast_mired
    return np.asarray(CAST_SHARE * np.nan_to_num(cast), dtype=np.float64)


def gather(values: NDArray[np.floating], other: I64) -> F64:
    """Row other[i] for each i; NaN where there is no other."""
    out = np.full(values.shape, np.nan)
    here = other >= 0
    out[here] = values[other[here]]
    return out


def least(*magnitudes: F64) -> F64:
    """Element-wise minimum that ignores NaN: a shot whose head or tail agrees with the others
    drifts inside itself, which is the in-shot check's to say.
    """
    stacked = np.stack(magnitudes)
    seen = np.isfinite(stacked)
    filled = np.where(seen, stacked, np.inf).min(axis=0)
    return np.where(seen.any(axis=0), filled, np.nan)
