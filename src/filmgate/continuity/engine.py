"""Compare the shots of one sequence and say which drift: world, checks, evidence, verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import declared, verdict
from filmgate.continuity.calibration import Calibration, of_ratios, sketch
from filmgate.continuity.check import Batch, Check, Explanation
from filmgate.continuity.world import World
from filmgate.schema.look import Look
from filmgate.schema.report import Finding, SequenceReport, Series, ShotReport, Status, Unit
from filmgate.schema.shot import Sequence as ShotSequence
from filmgate.schema.signature import Signature

F64 = NDArray[np.float64]
Judged = tuple[Batch, Check, F64]

_DIGITS = 4
SCORE_HALF = 2.0
"""A score of one half is evidence of p = .01."""


def compare(
    sequence: ShotSequence,
    signatures: Sequence[Signature | str],
    look: Look,
    calibration: Calibration,
    checks: Sequence[Check],
) -> SequenceReport:
    """The report of one sequence.

    Args:
        sequence: the shots in edit order; signatures: one per shot, or why it was not measured.
        look: what is declared; calibration: what clean footage looks like; checks: to be asked.
    """
    if not sequence.shots:
        return SequenceReport(id=sequence.id, shots=(), decision="no shots")
    world = World(sequence, signatures, look)
    judged = judge(world, calibration, checks)
    strongest = shot_evidence(world, judged)
    decision = verdict.decide(strongest, calibration)
    reports = [
        _shot(world, i, judged, strongest, decision, calibration) for i in range(world.count)
    ]
    return SequenceReport(
        id=sequence.id, shots=tuple(reports), decision=decision.words,
        series=tuple(_series(world, judged, calibration, decision.level)),
    )  # fmt: skip


def judge(world: World, calibration: Calibration, checks: Sequence[Check]) -> list[Judged]:
    """Every comparison of every check, with its evidence (N,), -log10 p."""
    out: list[Judged] = []
    for check in checks:
        for batch in check.compare(world):
            with np.errstate(invalid="ignore", divide="ignore"):
                ratio = batch.magnitude / batch.scale
            out.append((batch, check, calibration.evidence(batch.key, ratio)))
    return out


def shot_evidence(world: World, judged: Sequence[Judged]) -> F64:
    """(N,) strongest voting evidence per shot; NaN where nothing may vote."""
    best = np.full(world.count, np.nan)
    for batch, _, evidence in judged:
        counts = batch.votes & batch.applies & np.isfinite(evidence)
        if world.look.changes:
            counts &= ~_excused(world, batch)
        best = np.where(counts, np.fmax(best, evidence), best)
    return best


def _excused(world: World, batch: Batch) -> NDArray[np.bool_]:
    """(N,) comparisons that a declared change explains."""
    return np.array([
        batch.other[i] >= 0
        and world.look.change_for(batch.attribute, world.ids[batch.other[i]], shot) is not None
        for i, shot in enumerate(world.ids)
    ])  # fmt: skip


def _shot(
    world: World, i: int, judged: Sequence[Judged], strongest: F64,
    decision: verdict.Decision, calibration: Calibration,
) -> ShotReport:  # fmt: skip
    shot, signature = world.sequence.shots[i], world.signatures[i]
    findings = [
        found
        for batch, check, evidence in judged
        if batch.applies[i] and (found := _finding(world, batch, check, evidence, i, decision,
                                                   calibration)) is not None
    ]  # fmt: skip
    if signature is not None:
        findings += declared.findings(world, i)
    score = float(strongest[i] / (strongest[i] + SCORE_HALF)) if np.isfinite(strongest[i]) else 0.0
    flagged = bool(decision.flagged[i])
    return ShotReport(
        shot=shot.id, file=shot.file, in_frame=shot.in_frame,
        out_frame=signature.out_frame if signature else shot.out_frame,
        rate=signature.rate if signature else None,
        scene=world.scene_name(i), setup=world.setup_name(i),
        people=tuple(label for label, _ in world.people[i]),
        score=round(score, 6), p_value=round(float(decision.p[i]), 6) if signature else None,
        verdict=verdict.word(flagged, findings, signature is not None),
        findings=tuple(findings), notes=signature.notes if signature else (),
    )  # fmt: skip


def _finding(
    world: World, batch: Batch, check: Check, evidence: F64, i: int,
    decision: verdict.Decision, calibration: Calibration,
) -> Finding | None:  # fmt: skip
    other = int(batch.other[i])
    there = world.ids[other] if other >= 0 else None
    blank = Finding(batch.check, batch.attribute, batch.against, there, "not_measured")
    if not world.measured[i]:
        return replace(blank, other=None, reason=world.reasons[i] or "not measured")
    magnitude = float(batch.magnitude[i])
    if not np.isfinite(magnitude):
        return replace(blank, reason=batch.reasons.get(i, batch.default_reason))
    if not np.isfinite(evidence[i]):
        reason = "measured, but too few clean comparisons of this kind to say what is usual"
        return replace(blank, reason=reason, magnitude=round(magnitude, _DIGITS), unit=batch.unit)
    strength = float(evidence[i])
    status, reason = _status(world, batch, i, strength, decision)
    null = calibration.nulls[batch.key]
    limit = null.ratio_at(10.0**-decision.level) if np.isfinite(decision.level) else None
    explained = (
        check.explain(world, batch, i)
        if status != "within" or (batch.votes[i] and strength > 1.3 and decision.flagged[i])
        else Explanation()
    )
    return Finding(
        check=batch.check, attribute=batch.attribute, against=batch.against, other=there,
        status=status, reason=reason, magnitude=round(magnitude, _DIGITS), unit=batch.unit,
        tolerance=None if limit is None else round(limit * float(batch.scale[i]), _DIGITS),
        p_value=float(f"{10.0**-strength:.3g}"),
        frames=_frames(world, i, batch.zone), box=explained.box,
        other_frames=_frames(world, other, batch.other_zone) if other >= 0 else (),
        other_box=explained.other_box, remedy=explained.remedy if status != "within" else None,
        this=explained.this, reference=explained.reference, cdl=explained.cdl,
    )  # fmt: skip


def _status(
    world: World, batch: Batch, i: int, strength: float, decision: verdict.Decision
) -> tuple[Status, str | None]:
    large = strength >= decision.level
    other = int(batch.other[i])
    if other >= 0 and large:
        change = world.look.change_for(batch.attribute, world.ids[other], world.ids[i])
        if change is not None:
            return "declared_change", f"declared in {world.look.file or 'the look'}"
    if not large:
        return "within", None
    if batch.votes[i]:
        return "drift", None
    if other >= 0 and decision.flagged[other]:
        return "within", f"{world.ids[other]} is the one that drifts"
    return "within", "for information: a closer comparison of this shot decides"


def _frames(world: World, i: int, zone: str) -> tuple[int, ...]:
    signature = world.signatures[i]
    if signature is None:
        return ()
    frames = [int(f) for f in signature.frames]
    if zone == "head":
        return tuple(frames[:2])
    if zone == "tail":
        return tuple(frames[-2:])
    if zone == "ends":
        return tuple(dict.fromkeys(frames[:2] + frames[-2:]))
    return tuple(frames)


def _series(
    world: World, judged: Sequence[Judged], calibration: Calibration, level: float
) -> list[Series]:
    """Step (against the neighbour) and accumulated (against the anchor) drift per attribute."""
    pairs: dict[str, dict[str, Batch]] = {}
    for batch, _, _ in judged:
        if batch.against in ("neighbour", "anchor"):
            pairs.setdefault(batch.attribute, {})[batch.against] = batch
    out = []
    for attribute, both in pairs.items():
        if len(both) < 2:
            continue
        step, total = both["neighbour"], both["anchor"]
        if not (np.isfinite(step.magnitude).any() or np.isfinite(total.magnitude).any()):
            continue
        null = calibration.nulls.get(total.key)
        limit = null.ratio_at(10.0**-level) if null and np.isfinite(level) else None
        out.append(
            Series(
                check=step.check, attribute=attribute, unit=step.unit,
                tolerance=None if limit is None else round(limit, _DIGITS), shots=world.ids,
                step=_values(step), accumulated=_values(total),
            )
        )  # fmt: skip
    return out


def _values(batch: Batch) -> tuple[float | None, ...]:
    return tuple(
        round(float(m), _DIGITS) if ok and np.isfinite(m) else None
        for m, ok in zip(batch.magnitude, batch.applies, strict=True)
    )


def blame(report: ShotReport) -> str | None:
    """The check with the strongest evidence against the shot, or None when nothing was found."""
    counted = [f for f in report.findings if f.p_value is not None and f.status != "not_measured"]
    drifting = [f for f in counted if f.status == "drift"] or counted
    if not drifting:
        return None
    return min(drifting, key=lambda f: (f.p_value or 0.0, -(f.magnitude or 0) / (f.tolerance or 1))).check


def fit(
    runs: Sequence[tuple[ShotSequence, Sequence[Signature]]], source: str,
    checks: Sequence[Check],
) -> Calibration:  # fmt: skip
    """A calibration from clean runs.

    Two thirds of the runs give the nulls of each kind of comparison; the last third, which the
    nulls have not seen, gives the evidence of clean shots (split conformal).
    """
    ratios: dict[str, tuple[Unit, list[float]]] = {}
    worlds = [World(s, list(m), Look()) for s, m in runs]
    for k, world in enumerate(worlds):
        if k % 3 == 2 and len(worlds) >= 3:
            continue
        for check in checks:
            for batch in check.compare(world):
                votes = batch.votes if batch.usual is None else batch.usual
                counts = votes & batch.applies & np.isfinite(batch.magnitude)
                values = (batch.magnitude / batch.scale)[counts]
                ratios.setdefault(batch.key, (batch.unit, []))[1].extend(values.tolist())
    first = Calibration(of_ratios(ratios, source))
    strengths: list[float] = []
    for k, world in enumerate(worlds):
        if k % 3 == 2 or len(worlds) < 3:
            strongest = shot_evidence(world, judge(world, first, checks))
            strengths += strongest[np.isfinite(strongest)].tolist()
    evidence = np.asarray(strengths, dtype=np.float64)
    return Calibration(first.nulls, sketch(evidence), len(evidence), source)
