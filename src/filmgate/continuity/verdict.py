"""From evidence to verdicts: which shots are flagged, and who should look at them.

Guarantee: Benjamini and Hochberg (1995) over the shots' conformal p-values. Budget: the worst 3 %,
where the calibration is too small to promise anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.calibration import FALSE_DISCOVERY_RATE, Calibration
from filmgate.schema.report import Finding, VerdictWord

F64 = NDArray[np.float64]
Bool = NDArray[np.bool_]

BUDGET = 0.03
_LEAST_EVIDENCE = 1.3
"""-log10 p under which nothing is called a drift in budget mode (p = .05)."""


class Decision(NamedTuple):
    """Attributes: flagged: (N,); level: evidence a comparison needs to count as drift;
    p: (N,) conformal p-values; words: how it was decided, for people.
    """

    flagged: Bool
    level: float
    p: F64
    words: str


def decide(evidence: F64, calibration: Calibration) -> Decision:
    """Choose the shots to flag from their strongest evidence (N,), NaN where there is none."""
    known = np.isfinite(evidence)
    strength = np.where(known, evidence, 0.0)
    p = np.where(known, calibration.shot_p(strength), 1.0)
    count = int(known.sum())
    if calibration.can_promise(count):
        flagged = benjamini_hochberg(p, known)
        most = max(int(flagged.sum()), 1)
        limit = calibration.evidence_at(FALSE_DISCOVERY_RATE * most / max(count, 1))
        level = _level(strength, flagged, limit)
        words = (
            f"Benjamini-Hochberg at a false discovery rate of {FALSE_DISCOVERY_RATE:.0%} over "
            f"{count} shots"
        )
        return Decision(flagged, level, p, words)
    budget = int(np.ceil(BUDGET * count)) if count else 0
    order = np.argsort(-strength, kind="stable")[:budget]
    flagged = np.zeros(len(evidence), bool)
    flagged[[i for i in order if known[i] and strength[i] >= _LEAST_EVIDENCE]] = True
    level = _level(strength, flagged, _LEAST_EVIDENCE) if flagged.any() else float("inf")
    return Decision(flagged, level, p, f"no guarantee: the worst {BUDGET:.0%} of {count} shots")


def _level(strength: F64, flagged: Bool, limit: float) -> float:
    """`limit`, moved to where it parts the flagged shots from the others: what every shot that
    passes stays below, and every flagged one reaches.
    """
    passing = float(strength[~flagged].max(initial=0.0))
    weakest = float(strength[flagged].min(initial=np.inf))
    return min(max(limit, passing + 1e-6), weakest)


def benjamini_hochberg(p: F64, known: Bool) -> Bool:
    """(N,) rejected at FALSE_DISCOVERY_RATE among the `known`."""
    values = np.sort(p[known])
    ranks = np.arange(1, len(values) + 1) / max(len(values), 1) * FALSE_DISCOVERY_RATE
    passing = np.flatnonzero(values <= ranks)
    if not len(passing):
        return np.zeros(len(p), bool)
    return np.asarray(known & (p <= values[passing[-1]]), dtype=bool)


def word(flagged: bool, findings: Sequence[Finding], measured: bool) -> VerdictWord:
    """circle, retake or escalate.

    Retake: exactly one check drifts, and its finding carries a remedy a machine can apply.
    Escalate: anything else that drifts, a declared change that is missing, and a shot that could
    not be measured at all, which may not pass unseen.
    """
    if not measured:
        return "escalate"
    if any(f.status == "change_missing" for f in findings):
        return "escalate"
    drifting = [f for f in findings if f.status == "drift"]
    if not flagged and not drifting:
        return "circle"
    causes = {f.check for f in drifting}
    return "retake" if len(causes) == 1 and all(f.remedy for f in drifting) else "escalate"
