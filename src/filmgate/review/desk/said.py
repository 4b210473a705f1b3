"""What the machine said of a take: its newest verdict, with findings in words and worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from filmgate.assets.ledger import Row
from filmgate.review.report import words
from filmgate.schema.report import Finding

DRIFTS = ("drift", "change_missing")
_FINDING: TypeAdapter[Finding] = TypeAdapter(Finding)


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict in short.

    Attributes:
        id: of the fact.
        worst: the strongest drift as the queue shows it; None when nothing drifts.
        checks: checks that found a drift, strongest first.
    """

    id: int
    word: str
    score: float
    worst: dict[str, Any] | None
    checks: tuple[str, ...]


def said_of(verdicts: Iterable[Row]) -> Said | None:
    """The newest verdict on a take, out of all of them in order; None when there is none."""
    rows = list(verdicts)
    if not rows:
        return None
    body = rows[-1].body
    drifts = [f for f in ordered(body["findings"]) if f.status in DRIFTS]
    return Said(
        rows[-1].id, body["word"], float(body["score"]), _short(drifts[0]) if drifts else None,
        tuple(dict.fromkeys(f.check for f in drifts)),
    )  # fmt: skip


def ordered(plain: Iterable[dict[str, Any]]) -> list[Finding]:
    """Findings as values, worst first: missing changes, then by tolerances, then what is no drift.

    A declared change that did not happen is small by nature, yet nothing is more certain.
    """
    found = [_FINDING.validate_python(one) for one in plain]

    def weight(one: Finding) -> tuple[int, float]:
        rank = {"change_missing": 0, "drift": 1}.get(one.status, 2)
        return rank, -(words.multiple(one) or 0.0)

    return sorted(found, key=weight)


def text_of(finding: Finding) -> str:
    """Size of a finding in words: "9 ΔE00, 3 times the tolerance"."""
    size = words.quantity(finding.magnitude, finding.unit)
    times = words.multiple(finding)
    if size is None:
        return finding.reason or ""
    if times is None:
        return size
    return f"{size}, {words.number(times)} times the tolerance"


def _short(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check, "attribute": finding.attribute,
        "title": words.attribute(finding.attribute), "text": text_of(finding),
        "times": words.multiple(finding), "frame": finding.frames[0] if finding.frames else None,
    }  # fmt: skip
