"""Compare the shots of one sequence and say which drift: world, checks, evidence, verdicts."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import changes, declared, findings, verdict
from filmgate.continuity.calibration import Calibration, Null, of_ratios, sketch
from filmgate.continuity.check import Batch, Check
from filmgate.continuity.world import World
from filmgate.schema.look import Look
from filmgate.schema.report import Finding, SequenceReport, Series, ShotReport, Unit
from filmgate.schema.shot import Sequence as ShotSequence
from filmgate.schema.signature import Signature

F64 = NDArray[np.float64]
Judged = tuple[Batch, Check, F64]

SCORE_HALF = 2.0
"""A score of one half is evidence of p = .01."""
FOLDS = 3
RESTLESS_FROM = 40
RESTLESS_AT = 0.95
RESTLESS_MOST = 4.0


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of reference cycles: a report is hundreds of thousands of objects and
    no cycle, and walking over them again and again takes as long as making them.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


@_uncollected()
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
    calibration = calibration.suited(world.networks)
    judged = judge(world, calibration, checks)
    strongest = shot_evidence(world, judged)
    decision = verdict.decide(strongest, calibration)
    lacking = changes.missing(world, ((b, e) for b, _, e in judged), calibration)
    written: list[list[Finding]] = [list(lacking.get(i, [])) for i in range(world.count)]
    for batch, check, evidence in judged:
        for i, finding in findings.of_batch(world, batch, check, evidence, decision, calibration):
            written[i].append(finding)
    reports = [_shot(world, i, written[i], strongest, decision) for i in range(world.count)]
    return SequenceReport(
        id=sequence.id, shots=tuple(reports), decision=decision.words,
        series=tuple(_series(world, judged, calibration, decision.level)),
    )  # fmt: skip


def judge(world: World, calibration: Calibration, checks: Sequence[Check]) -> list[Judged]:
    """Every comparison of every check, with its evidence (N,), -log10 p."""
    asked = [(batch, check) for check in checks for batch in check.compare(world)]
    wider = [restlessness(batch, calibration) for batch, _ in asked]
    out: list[Judged] = []
    for (batch, check), own in zip(asked, wider, strict=True):
        if own is None:
            # Too few to tell: as restless as the same attribute is, compared another way.
            own = max(
                (w for (b, _), w in zip(asked, wider, strict=True) if w and _akin(b, batch)),
                default=1.0,
            )
        # In the scale, not in the evidence alone: the tolerance that is told must be the one used.
        wide = replace(batch, scale=batch.scale * own)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = wide.magnitude / wide.scale
        out.append((wide, check, calibration.evidence(batch.key, ratio)))
    return out


def _akin(one: Batch, two: Batch) -> bool:
    return one.attribute == two.attribute or one.kind == two.kind


def restlessness(batch: Batch, calibration: Calibration) -> float | None:
    """How much wider this sequence's own comparisons spread than clean ones do, at least 1; None
    where there are too few to say.

    Someone who gestures more, a set that is busier: what nearly all shots of a sequence do is not
    drift, however calm the calibration's footage was. Read at the 95th percentile, which the few
    drifting shots of a sequence hardly reach; from `RESTLESS_FROM` comparisons on.
    """
    null = calibration.nulls.get(batch.key)
    counts = batch.counted & np.isfinite(batch.magnitude)
    n = int(counts.sum())
    if null is None or n < RESTLESS_FROM:
        return None
    own = float(np.quantile(batch.magnitude[counts] / batch.scale[counts], RESTLESS_AT))
    wider = own / max(null.ratio_at(1 - RESTLESS_AT), null.knee)
    return float(np.clip(wider, 1.0, RESTLESS_MOST))


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
    if batch.against == "itself":
        return np.array([changes.changing_within(world, batch, i) for i in range(world.count)])
    return np.array([
        batch.other[i] >= 0
        and world.look.change_for(batch.attribute, world.ids[batch.other[i]], shot) is not None
        for i, shot in enumerate(world.ids)
    ])  # fmt: skip


def _shot(
    world: World, i: int, found: list[Finding], strongest: F64, decision: verdict.Decision
) -> ShotReport:
    shot, signature = world.sequence.shots[i], world.signatures[i]
    if signature is not None:
        found = found + declared.findings(world, i)
    score = float(strongest[i] / (strongest[i] + SCORE_HALF)) if np.isfinite(strongest[i]) else 0.0
    beyond = [
        f.magnitude / f.tolerance
        for f in found
        if f.status == "drift" and f.p_value is None and f.magnitude and f.tolerance
    ]
    score = max([score, *(excess / (1.0 + excess) for excess in beyond)])
    return ShotReport(
        shot=shot.id, file=shot.file, in_frame=shot.in_frame,
        out_frame=signature.out_frame if signature else shot.out_frame,
        rate=signature.rate if signature else None,
        scene=world.scene_name(i), setup=world.setup_name(i),
        people=tuple(label for label, _ in world.people[i]),
        score=round(score, 6), p_value=round(float(decision.p[i]), 6) if signature else None,
        verdict=verdict.word(bool(decision.flagged[i]), found, signature is not None),
        findings=tuple(found), notes=signature.notes if signature else (),
    )  # fmt: skip


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
                tolerance=None if limit is None else round(limit, findings.DIGITS), shots=world.ids,
                step=_values(step), accumulated=_values(total),
            )
        )  # fmt: skip
    return out


def _values(batch: Batch) -> tuple[float | None, ...]:
    known = np.where(batch.applies & np.isfinite(batch.magnitude), batch.magnitude, np.nan)
    return tuple(None if m != m else round(m, findings.DIGITS) for m in known.tolist())


def blame(report: ShotReport) -> str | None:
    """The check with the strongest evidence against the shot, or None when nothing was found."""
    counted = [f for f in report.findings if f.p_value is not None and f.status != "not_measured"]
    drifting = [f for f in counted if f.status == "drift"] or counted
    if not drifting:
        return None
    return min(
        drifting, key=lambda f: (f.p_value or 0.0, -(f.magnitude or 0) / (f.tolerance or 1))
    ).check


def fit(
    runs: Sequence[tuple[ShotSequence, Sequence[Signature]]], source: str,
    checks: Sequence[Check],
) -> Calibration:  # fmt: skip
    """A calibration from clean runs; runs that networks looked at make one of their own.

    Cross-conformal in three folds (Vovk 2015): the evidence of each clean shot is weighed by nulls
    that have not seen its run; the nulls that ship are made from all of them.
    """
    worlds = [World(s, list(m), Look()) for s, m in runs]
    plain = [w for w in worlds if not w.networks]
    looked = [w for w in worlds if w.networks]
    if not plain or not looked:
        return _fitted(worlds, source, checks)
    networks = _fitted(looked, source, checks)
    return replace(_fitted(plain, source, checks), networks=networks)


def _fitted(worlds: Sequence[World], source: str, checks: Sequence[Check]) -> Calibration:
    batches = [[b for check in checks for b in check.compare(world)] for world in worlds]
    strengths: list[float] = []
    shots: set[tuple[str, str]] = set()
    for fold in range(FOLDS):
        others = [b for k, b in enumerate(batches) if k % FOLDS != fold or len(worlds) < FOLDS]
        made = Calibration(_nulls(others, source))
        for world in worlds[fold::FOLDS]:
            strongest = shot_evidence(world, judge(world, made, checks))
            known = np.flatnonzero(np.isfinite(strongest))
            strengths += strongest[known].tolist()
            shots |= {(world.sequence.id, world.ids[i]) for i in known}
    evidence = np.asarray(strengths, dtype=np.float64)
    return Calibration(_nulls(batches, source), sketch(evidence), len(shots), source)


def _nulls(batches: Sequence[Sequence[Batch]], source: str) -> dict[str, Null]:
    ratios: dict[str, tuple[Unit, list[float]]] = {}
    for batch in (b for run in batches for b in run):
        counts = batch.counted & np.isfinite(batch.magnitude)
        values = (batch.magnitude / batch.scale)[counts]
        ratios.setdefault(batch.key, (batch.unit, []))[1].extend(values.tolist())
    return of_ratios(ratios, source)
