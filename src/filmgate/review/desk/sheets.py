"""Sequences as a whole: the list of them, the contact sheet, and what a printed report holds."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

from filmgate.assets.store import Store
from filmgate.review.desk import takes
from filmgate.review.desk.evidence import verdict_of
from filmgate.review.desk.index import Entry, NotThere, View
from filmgate.review.desk.said import DRIFTS, ordered, text_of
from filmgate.review.report import words


def sequences(view: View) -> list[dict[str, Any]]:
    """Every sequence of the plan, in order."""
    out = []
    for sequence in view.plan.sequences:
        states = Counter(e.state for e in view.reel(sequence.id))
        out.append(
            {
                "id": sequence.id, "shots": len(sequence.shots), "waiting": states["waiting"],
                "circled": states["circled"],
            }
        )  # fmt: skip
    return out


def sheet(view: View, sequence: str) -> dict[str, Any]:
    """The contact sheet: a row per shot in edit order.

    Raises:
        NotThere: there is no such sequence.
    """
    return {"id": sequence, "rows": [e.row for e in _reel(view, sequence)]}


def _reel(view: View, sequence: str) -> list[Entry]:
    reel = view.reel(sequence)
    if not reel:
        known = ", ".join(f"'{s.id}'" for s in view.plan.sequences)
        raise NotThere(f"There is no sequence '{sequence}': there are {known}.")
    return reel


def report(store: Store, view: View, sequence: str) -> dict[str, Any]:
    """Where a sequence stands, with everything that was said about each shot.

    Raises:
        NotThere: there is no such sequence.
    """
    reel = _reel(view, sequence)
    shots = [_shot(store, view, entry) for entry in reel]
    named = {d["reviewer"] for shot in shots for d in shot["decisions"]}
    named |= {n["reviewer"] for shot in shots for n in shot["notes"]}
    return {
        "id": sequence, "title": view.plan.title, "version": view.version,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "counts": dict(Counter(entry.state for entry in reel)), "reviewers": sorted(named),
        "shots": shots,
    }  # fmt: skip


def _shot(store: Store, view: View, entry: Entry) -> dict[str, Any]:
    rows = store.ledger.all(subject=entry.shot)
    said = takes.people(view, rows)
    verdict = verdict_of(entry.take, rows) if entry.take and not entry.withheld else None
    machine = None
    if verdict is not None:
        drifts = [f for f in ordered(verdict.body["findings"]) if f.status in DRIFTS]
        machine = {
            "word": verdict.body["word"], "score": verdict.body["score"],
            "findings": [f"{words.attribute(f.attribute)}: {text_of(f)}" for f in drifts],
        }  # fmt: skip
    return {
        "row": entry.row, "decisions": said["decisions"], "notes": said["notes"],
        "machine": machine, "withheld": entry.withheld,
    }  # fmt: skip
