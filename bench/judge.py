"""Asking the product: from measured shots to a report, its scores, blame and coverage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmgate import registry
from filmgate.continuity import engine
from filmgate.continuity.calibration import Calibration
from filmgate.continuity.world import World
from filmgate.schema.look import Look
from filmgate.schema.report import SequenceReport
from filmgate.schema.shot import Sequence as ShotSequence
from filmgate.schema.signature import Signature

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]


@lru_cache(maxsize=1)
def checks() -> tuple[Any, ...]:
    """Every check there is."""
    return tuple(
        registry.load("continuity.checks", name, "CHECK")
        for name in registry.names("continuity.checks")
    )


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the product says about one sequence.

    Attributes:
        score: (N,) 0 to 1. flagged: (N,) whether it is not a circle take.
        blame: (N,) check with the strongest evidence, None where there is none.
        evidence: check -> (N,) strongest evidence that may change the verdict, NaN without.
        report: the report itself.
    """

    score: F64
    flagged: Bool
    blame: tuple[str | None, ...]
    evidence: dict[str, F64]
    report: SequenceReport

    def covered(self, names: Sequence[str]) -> Bool:
        """(N,) whether any of the checks has a measurement that can change the verdict."""
        seen = [np.isfinite(self.evidence[n]) for n in names if n in self.evidence]
        return np.any(seen, axis=0) if seen else np.zeros(len(self.score), bool)


def judge(
    sequence: ShotSequence, signatures: Sequence[Signature | str], look: Look,
    calibration: Calibration,
) -> Judgement:  # fmt: skip
    """The product's report on a sequence, and the evidence behind it."""
    report = engine.compare(sequence, signatures, look, calibration, checks())
    world = World(sequence, signatures, look)
    evidence: dict[str, F64] = {}
    for batch, _, strength in engine.judge(world, calibration, checks()):
        counts = batch.votes & batch.applies & np.isfinite(strength)
        before = evidence.setdefault(batch.check, np.full(world.count, np.nan))
        evidence[batch.check] = np.where(counts, np.fmax(before, strength), before)
    shots = report.shots
    return Judgement(
        np.array([s.score for s in shots]), np.array([s.verdict != "circle" for s in shots]),
        tuple(engine.blame(s) for s in shots), evidence, report,
    )  # fmt: skip
