"""The evidence of a take: what the machine found, where, beside what, and who disagrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from filmgate.assets.ledger import Row
from filmgate.assets.store import Store
from filmgate.errors import FilmgateError
from filmgate.review.desk import facts
from filmgate.review.desk.clips import Count
from filmgate.review.desk.index import EYE, Entry, Made, View, bare
from filmgate.review.desk.pairs import clip_of, compared
from filmgate.review.desk.said import DRIFTS, ordered, text_of
from filmgate.review.report import words
from filmgate.schema.decision import VerdictFact
from filmgate.schema.report import Finding, Measured

KEYS = "123456789"
"""Digits that name reasons on the keyboard, the worst finding first."""


def verdict_of(made: Made, rows: Sequence[Row]) -> Row | None:
    """The newest verdict on a take among the facts of its shot."""
    mine = [r for r in rows if r.kind == "verdict" and r.body["take"] == made.slate]
    return mine[-1] if mine else None


def withheld(entry: Entry, made: Made) -> bool:
    """Whether the machine's word on this take must not be shown yet."""
    return entry.withheld and entry.take is not None and entry.take.slate == made.slate


def evidence(
    store: Store, view: View, entry: Entry, made: Made, rows: Sequence[Row]
) -> dict[str, Any]:
    """What the machine said of a take, as plain JSON.

    Args:
        rows: every fact about its shot.
    """
    row = verdict_of(made, rows)
    hidden = withheld(entry, made)
    found: list[dict[str, Any]] = []
    reasons: list[dict[str, Any]] = []
    if row is not None:
        verdict = row.value(VerdictFact)
        told = _People(made, rows)
        for finding in ordered([dict(f) for f in verdict.findings]):
            if hidden and finding.status in DRIFTS:
                continue
            key = _key(finding.attribute, reasons) if finding.status in DRIFTS else None
            found.append(_finding(store, view, made, finding, verdict, len(found), key, told))
    why = EYE if hidden else ("" if row is not None else "The machine has not judged it.")
    return {
        "take": made.slate, "withheld": hidden,
        "verdict": None if hidden or row is None else _verdict(row), "reason": why,
        "findings": found, "reasons": reasons,
    }  # fmt: skip


def _verdict(row: Row) -> dict[str, Any]:
    body = row.body
    return {
        "id": row.id, "word": body["word"], "score": body["score"], "p_value": body["p_value"],
        "round": body["round"], "calibration": body["calibration"], "at": row.at,
    }  # fmt: skip


def _key(attribute: str, reasons: list[dict[str, Any]]) -> str | None:
    """The digit of a reason; the same attribute found twice has one."""
    for known in reasons:
        if known["code"] == attribute:
            return str(known["key"]) if known["key"] is not None else None
    key = KEYS[len(reasons)] if len(reasons) < len(KEYS) else None
    reasons.append({"key": key, "code": attribute, "text": words.attribute(attribute)})
    return key


class _People:
    """What people hold of the findings on one take."""

    def __init__(self, made: Made, rows: Sequence[Row]) -> None:
        decided = {
            (r.body["take"], r.body["number"]): r for r in rows if r.kind == "decision"
        }  # fmt: skip
        self.disagreed: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row.kind != facts.KIND or row.body["take"] != made.slate:
                continue
            decision = decided.get((row.body["take"], row.body["decision"]))
            for attribute in row.body["disagrees"]:
                self.disagreed.setdefault(attribute, []).append(
                    {
                        "reviewer": row.author, "at": row.at,
                        "decision": decision.id if decision is not None else None,
                    }
                )  # fmt: skip
        undone = {r.body["undoes"] for r in rows if r.kind == facts.KIND}
        self._intended = [
            r.body
            for r in decided.values()
            if r.body["ruling"] == "intended" and r.id not in undone
        ]

    def accepted(self, finding: Finding, media: str, other: str | None) -> bool:
        """Whether somebody ruled this deviation intended on the very media it is seen on."""
        seen = {media} if other is None else {media, other}
        return any(
            (not body["reasons"] or finding.attribute in body["reasons"])
            and seen <= {bare(digest) for digest in body["evidence"]}
            for body in self._intended
        )


def _finding(
    store: Store, view: View, made: Made, finding: Finding, verdict: VerdictFact, number: int,
    key: str | None, told: _People,
) -> dict[str, Any]:  # fmt: skip
    other, exact = compared(view, finding, verdict)
    count = _count(store, made)
    return {
        "number": number, "key": key, "check": finding.check, "attribute": finding.attribute,
        "title": words.attribute(finding.attribute), "status": finding.status,
        "against": finding.against, "against_text": _against(view, made, finding),
        "text": text_of(finding), "reason": finding.reason, "remedy": finding.remedy,
        "magnitude": finding.magnitude, "unit": finding.unit,
        "unit_text": words.unit_word(finding.unit), "tolerance": finding.tolerance,
        "times": words.multiple(finding), "p_value": finding.p_value,
        "p_text": words.share(finding.p_value), "box": _box(finding.box),
        "frames": [count.row(n) for n in finding.frames] if count else [],
        "loop": _loop(finding.frames),
        "other": None if other is None else {
            "shot": other.shot, "slate": other.slate, "media": other.media, "mime": other.mime,
            "exact": exact, "box": _box(finding.other_box),
            "frames": _rows(store, other, finding.other_frames),
        },
        "this": _measured(finding.this), "reference": _measured(finding.reference),
        "cdl": None if finding.cdl is None else {
            "slope": list(finding.cdl.slope), "offset": list(finding.cdl.offset),
            "power": list(finding.cdl.power), "saturation": finding.cdl.saturation,
        },
        "accepted": told.accepted(finding, made.media, other.media if other else None),
        "disagreed": told.disagreed.get(finding.attribute, []),
    }  # fmt: skip


def _count(store: Store, made: Made) -> Count | None:
    try:
        return clip_of(store, made.media).count
    except FilmgateError:
        return None


def _rows(store: Store, made: Made, frames: Sequence[int]) -> list[dict[str, Any]]:
    count = _count(store, made)
    return [count.row(n) for n in frames] if count else []


def _loop(frames: Sequence[int]) -> dict[str, int] | None:
    """First and last frame that the finding was seen on."""
    return {"first": min(frames), "last": max(frames)} if frames else None


def _box(box: Sequence[float] | None) -> list[float] | None:
    return None if box is None else [round(v, 6) for v in box]


def _measured(value: Measured | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "text": value.text, "hex": words.swatch(value),
        "lab": None if value.lab is None else [round(v, 3) for v in value.lab],
    }  # fmt: skip


def _against(view: View, made: Made, finding: Finding) -> str:
    """What a finding was compared with, in words."""
    other = finding.other
    if finding.against == "look":
        return "the declared look"
    if finding.against == "itself":
        return "itself, from start to end"
    if finding.against == "neighbour" and other and {other, made.shot} <= view.entries.keys():
        before = view.entries[other].place < view.entries[made.shot].place
        return f"the shot {'before' if before else 'after'}, {other}"
    name = {"anchor": "the scene's anchor", "consensus": "the scene's consensus"}.get(
        finding.against, "the neighbouring shot"
    )
    return f"{name}, {other}" if other else name
