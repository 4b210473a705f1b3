"""Declared changes that did not happen: the jacket that should have been swapped and was not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.calibration import Calibration
from filmgate.continuity.check import Batch
from filmgate.continuity.world import World
from filmgate.schema.look import Change, matches
from filmgate.schema.report import Finding

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

UNCHANGED_P = 0.2
"""A declared change has not been seen when every fifth pair of clean shots, in which nothing
changed, differs as much: of changes that did not happen four in five are told, and one that did is
hardly ever this small."""


_INSIDE = {
    "in_shot/light": ("lighting/level", "lighting/colour_temperature"),
    "in_shot/key_side": ("lighting/key_side",),
    "in_shot/grade": ("grade/tonal_bands", "lighting/level", "lighting/colour_temperature"),
}
"""What a change inside a shot is a change of."""


def changing_within(world: World, batch: Batch, shot: int) -> bool:
    """Whether a declared gradual change covers what moves inside `shot`: a sunset is not drift."""
    paths = _INSIDE.get(batch.attribute)
    if paths is None:
        paths = (f"wardrobe/{batch.attribute.split('/')[-1]}/upper",)
    return any(
        change.gradual
        and world.look.covers(change.scope, world.ids[shot])
        and any(matches(change.path, path) for path in paths)
        for change in world.look.changes
    )


class _Crossing(NamedTuple):
    """One comparison of shot `at` with an earlier one on the other side of the change."""

    at: int
    batch: Batch
    evidence: float


def missing(
    world: World, judged: Iterable[tuple[Batch, F64]], calibration: Calibration
) -> dict[int, list[Finding]]:
    """Findings by position: on the first shot that could show the change, and does not.

    Args:
        judged: comparisons with their evidence (N,), -log10 p.
    """
    out: dict[int, list[Finding]] = {}
    judged = list(judged)
    for change in world.look.changes:
        if change.gradual:
            continue
        inside = np.array([world.look.covers(change.scope, i) for i in world.ids], dtype=bool)
        for entering in (True, False):
            seen = list(_crossings(judged, change, inside, entering))
            if any(c.evidence > -np.log10(UNCHANGED_P) for c in seen):
                continue
            if seen:
                first = min(seen, key=lambda c: (c.at, -c.evidence))
                out.setdefault(first.at, []).append(_finding(world, change, first, calibration))
            elif entering and (at := _first_shown(world, inside)) is not None:
                out.setdefault(at, []).append(_unseen(change))
    return out


def _crossings(
    judged: Sequence[tuple[Batch, F64]], change: Change, inside: Bool, entering: bool
) -> Iterable[_Crossing]:
    """Per attribute the first comparison that reaches over the change's edge: with the neighbour,
    or with the anchor for what no neighbour is compared on.
    """
    told: set[str] = set()
    for against in ("neighbour", "anchor"):
        for batch, evidence in judged:
            if batch.against != against or not matches(change.path, batch.attribute):
                continue
            known = batch.applies & (batch.other >= 0) & np.isfinite(evidence)
            across = known & (inside == entering) & (inside[batch.other] != entering)
            if across.any() and not (against == "anchor" and batch.attribute in told):
                told.add(batch.attribute)
                at = int(np.argmax(across))
                yield _Crossing(at, batch, float(evidence[at]))


def _first_shown(world: World, inside: Bool) -> int | None:
    """The first measured shot inside the change, if shots lie before it."""
    shown = np.flatnonzero(inside & world.measured)
    return int(shown[0]) if len(shown) and not inside[: int(shown[0])].all() else None


def _finding(world: World, change: Change, seen: _Crossing, calibration: Calibration) -> Finding:
    batch, at = seen.batch, seen.at
    there = world.ids[int(batch.other[at])]
    where = world.look.file or "the look"
    least = calibration.nulls[batch.key].ratio_at(UNCHANGED_P) * float(batch.scale[at])
    wanted = change.to.value if change.to is not None else None
    return Finding(
        check=batch.check, attribute=batch.attribute, against=batch.against, other=there,
        status="change_missing",
        reason=f"{where} declares a change of '{change.path}' between {there} and this shot",
        magnitude=round(float(batch.magnitude[at]), 4), unit=batch.unit,
        tolerance=round(least, 4), p_value=float(f"{10.0**-seen.evidence:.3g}"),
        remedy=f"Retake with {batch.attribute} changed from {there}"
        + (f" to {wanted}" if wanted is not None else "")
        + ", or take the change out of the look.",
    )  # fmt: skip


def _unseen(change: Change) -> Finding:
    return Finding(
        check=change.path.split("/")[0], attribute=change.path, against="neighbour", other=None,
        status="not_measured",
        reason="no comparison of this attribute reaches over the declared change, so whether it "
        "happened cannot be said",
    )  # fmt: skip
