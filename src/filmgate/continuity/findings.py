"""From comparisons to findings: status, tolerance, evidence and remedy in the published shape.

Written in bulk per batch: a sequence of 6,000 shots has some 150,000 findings.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import repeat

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.calibration import Calibration
from filmgate.continuity.changes import changing_within
from filmgate.continuity.check import Batch, Check, Explanation, Zone
from filmgate.continuity.verdict import Decision
from filmgate.continuity.world import World, once
from filmgate.schema.report import Finding, Status
from filmgate.schema.shot import Against

F64 = NDArray[np.float64]
Frames = tuple[tuple[int, ...], ...]

DIGITS = 4
UNCALIBRATED = "measured, but too few clean comparisons of this kind to say what is usual"
_NOTHING = Explanation()


def of_batch(
    world: World,
    batch: Batch,
    check: Check,
    evidence: F64,
    decision: Decision,
    calibration: Calibration,
) -> Iterator[tuple[int, Finding]]:
    """(shot, finding) for every shot that `batch` applies to."""
    shots = np.flatnonzero(batch.applies)
    null = calibration.nulls.get(batch.key)
    limit = float("nan")
    if null is not None and np.isfinite(decision.level):
        limit = null.ratio_at(10.0**-decision.level)
    size_of = np.round(batch.magnitude, DIGITS)[shots].tolist()
    tolerance = np.round(limit * batch.scale, DIGITS)[shots].tolist()
    p_values = (10.0 ** -evidence[shots]).tolist()
    large = evidence >= decision.level
    closer = batch.votes & decision.flagged & (evidence > 1.3)
    notable = (large | closer)[shots].tolist()
    here, there = frames(world, batch.zone), frames(world, batch.other_zone)
    rows = list(
        zip(
            shots.tolist(), batch.other[shots].tolist(), size_of, tolerance, p_values, notable,
            strict=True,
        )
    )  # fmt: skip
    plain = []
    for row in rows:
        i, other, size, limited, p_value, noted = row
        if size != size or p_value != p_value:
            yield i, _unmeasured(world, batch, i, size)
            continue
        if not noted:
            plain.append(row)
            continue
        status: Status = "within"
        reason, told = None, _NOTHING
        if large[i]:
            status, reason = _status(world, batch, i, decision)
        if status != "within" or closer[i]:
            told = check.explain(world, batch, i)
        yield (
            i,
            Finding(
                batch.check, batch.attribute, batch.against,
                world.ids[other] if other >= 0 else None, status, reason, size, batch.unit,
                limited if limited == limited else None, float(f"{p_value:.3g}"), here[i],
                told.box, there[other] if other >= 0 else (), told.other_box,
                told.remedy if status != "within" else None, told.this, told.reference, told.cdl,
            ),
        )  # fmt: skip
    yield from _within(world, batch, plain, here, there)


Row = tuple[int, int, float, float, float, bool]
"""Shot, other shot or -1, magnitude, tolerance or NaN, p value, whether there is more to say."""


def _within(
    world: World, batch: Batch, rows: list[Row], here: Frames, there: Frames
) -> Iterator[tuple[int, Finding]]:
    """What lies within tolerance, nine in ten of all: made in one go, without a turn of the
    interpreter for each.
    """
    if not rows:
        return iter(())
    shots, others, sizes, limits, p_values, _ = zip(*rows, strict=True)
    made = map(
        Finding, repeat(batch.check), repeat(batch.attribute), repeat(batch.against),
        [world.ids[o] if o >= 0 else None for o in others], repeat("within"), repeat(None),
        sizes, repeat(batch.unit), [t if t == t else None for t in limits],
        [float(f"{p:.3g}") for p in p_values], [here[i] for i in shots], repeat(None),
        [there[o] if o >= 0 else () for o in others],
    )  # fmt: skip
    return zip(shots, made, strict=False)


def _unmeasured(world: World, batch: Batch, i: int, size: float) -> Finding:
    other = int(batch.other[i])
    there = world.ids[other] if other >= 0 else None
    kind = (batch.check, batch.attribute, batch.against)
    if not world.measured[i]:
        return _blind(*kind, None, world.reasons[i] or "not measured")
    if size != size:
        return _blind(*kind, there, batch.reasons.get(i, batch.default_reason))
    return Finding(*kind, there, "not_measured", UNCALIBRATED, size, batch.unit)


@lru_cache(maxsize=512)
def _blind(check: str, attribute: str, against: Against, other: str | None, why: str) -> Finding:
    """A finding that many shots share: nothing of it is their own."""
    return Finding(check, attribute, against, other, "not_measured", why)


def _status(world: World, batch: Batch, i: int, decision: Decision) -> tuple[Status, str | None]:
    """Of a comparison larger than the tolerance."""
    other = int(batch.other[i])
    if batch.against == "itself" and world.look.changes and changing_within(world, batch, i):
        return "declared_change", f"declared in {world.look.file or 'the look'}"
    if other >= 0 and world.look.change_for(batch.attribute, world.ids[other], world.ids[i]):
        return "declared_change", f"declared in {world.look.file or 'the look'}"
    if batch.votes[i]:
        return "drift", None
    if other >= 0 and decision.flagged[other]:
        return "within", f"{world.ids[other]} is the one that drifts"
    return "within", "for information: a closer comparison of this shot decides"


@once
def frames(world: World, zone: Zone) -> Frames:
    """Per shot the media frames (0-based) of `zone`; () where not measured."""
    out = []
    for signature in world.signatures:
        sampled = signature.frames.tolist() if signature is not None else []
        if zone == "head":
            sampled = sampled[:2]
        elif zone == "tail":
            sampled = sampled[-2:]
        elif zone == "ends":
            sampled = list(dict.fromkeys(sampled[:2] + sampled[-2:]))
        out.append(tuple(sampled))
    return tuple(out)
