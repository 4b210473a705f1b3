"""A garment as the cells of the picture that it covers: a second witness beside its median colour.

The median colour of a garment errs when a hand or a print comes in; the cells of the thumbnail
under the same box err when the wearer moves. The two rarely err together, so their geometric mean
parts changed garments from moved ones far better than either (``docs/decisions/0011``).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus
from filmgate.continuity.world import World, lab_of_log
from filmgate.measure.colour import delta_e_2000
from filmgate.schema.report import Box
from filmgate.schema.signature import THUMB_SHAPE, PersonSignature

F64 = NDArray[np.float64]

SIDE = 6
"""Points a side at which a garment is read."""
INSET = 0.08
"""Share of a box at each edge that is left out: it is half background."""
LEAST_SHARE = 0.25
"""Of the cells at least three in four have to differ as much: an arm across the body moves many."""
_LEAST_BOX = 0.02
"""A box narrower or lower than this share of the picture is less than one cell."""


def garments(world: World, seen: dict[int, PersonSignature], zone: int) -> F64:
    """(N, 36, 3) log-linear RGB under each sighting's garment box; NaN where there is none:
    then the median colour is alone.

    Args:
        zone: 0 the whole shot, 1 its head, 2 its tail.
    """
    return _read(world, {i: p.garment_box for i, p in seen.items()}, zone)


def _read(world: World, boxes: dict[int, Box | None], zone: int) -> F64:
    """The cells nearest to a grid of `SIDE` x `SIDE` points inside each box."""
    out = np.full((world.count, SIDE * SIDE, 3), np.nan)
    known = {i: b for i, b in boxes.items() if b is not None and min(b[2:]) >= _LEAST_BOX}
    if not known:
        return out
    at = np.array(list(known))
    left, top, wide, high = np.array(list(known.values()), dtype=np.float64).T
    # The thumbnails of flopped shots were turned back, the boxes were not.
    left = np.where(world.setups.flopped[at], 1 - left - wide, left)
    inside = INSET + (1 - 2 * INSET) * (np.arange(SIDE) + 0.5) / SIDE
    rows, columns = THUMB_SHAPE
    column = ((left[:, None] + wide[:, None] * inside) * columns).astype(int).clip(0, columns - 1)
    row = ((top[:, None] + high[:, None] * inside) * rows).astype(int).clip(0, rows - 1)
    place = (at[:, None, None], zone, row[:, :, None], column[:, None, :])
    out[at] = world.thumb[place].reshape(len(at), -1, 3)
    return out


def difference(cells: F64, reference: F64, shift: F64) -> F64:
    """(N,) ΔE00 by which nearly all cells (N, K, 3) differ in one direction from their reference,
    moved by the light's shift (N, 3); NaN where one is not seen.

    The smaller of two: what the middle of all cells moved by, and what three in four exceed.
    """
    expected = reference + shift[:, None]
    ok = np.isfinite(cells).all(axis=(1, 2)) & np.isfinite(expected).all(axis=(1, 2))
    out = np.full(len(cells), np.nan)
    if not ok.any():
        return out
    one, two = cells[ok], expected[ok]
    base, step = middle(two), middle(one - two)
    together = delta_e_2000(lab_of_log(base + step), lab_of_log(base))
    each = delta_e_2000(lab_of_log(one), lab_of_log(two))
    out[ok] = np.minimum(together, np.quantile(each, LEAST_SHARE, axis=1))
    return out


def changed(cells: F64, reference: F64) -> F64:
    """(N,) natural-log distance by which the middle one of the cells (N, K, 3) differs from its
    reference beyond what all cells moved by: a garment in another colour keeps its folds, a hand or
    a cup that comes before it brings a picture of its own. NaN where one is not seen.
    """
    moved = cells - reference
    return np.asarray(np.median(np.linalg.norm(moved - middle(moved)[:, None], axis=2), axis=1))


def middle(cells: F64) -> F64:
    """(N, 3) median over the cells of (N, K, 3)."""
    columns = cells.swapaxes(0, 1).reshape(cells.shape[1], -1)
    return consensus.median(columns).reshape(-1, 3)


def agreed(one: F64, two: F64) -> F64:
    """(N,) geometric mean of what two witnesses say; what the first says where it is alone."""
    return np.where(np.isfinite(two), np.sqrt(one * two), one)
