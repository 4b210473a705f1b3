"""Everything that is written: rulings, undo, notes, preferences."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Response

from filmgate.errors import UsageError
from filmgate.interfaces.http import shapes
from filmgate.interfaces.http.answers import Json, says
from filmgate.interfaces.http.errors import told
from filmgate.interfaces.http.room import InRoom, Reviewer, Room
from filmgate.review.desk import queue, rulings, takes
from filmgate.review.desk.index import View
from filmgate.schema.decision import Note

router = APIRouter(tags=["deciding"])
_RULED = {**says(shapes.DecidedAnswer, 404, writes=True, status=201)}
_RULED[200] = {"model": shapes.DecidedAnswer, "description": "It had been written already."}


@router.post("/api/decide", status_code=201, response_model=shapes.DecidedAnswer, responses=_RULED)
def decide(room: InRoom, session: Reviewer, body: shapes.DecideBody) -> Response:
    """Rule on a take."""
    scores = body.scores.model_dump(exclude_none=True)
    ask = rulings.Ask(
        key=body.key, take=body.take, ruling=body.ruling, expects=body.expects,
        reasons=tuple(body.reasons), note=body.note, scores=scores,
        disagrees=tuple(body.disagrees), person_s=body.person_s, saw=body.saw,
    )  # fmt: skip
    try:
        written = rulings.decide(room.store, room.view, ask, session.name)
    except rulings.Taken as taken:
        return _conflict(room, taken)
    return _ruled(room, written)


@router.post("/api/undo", status_code=201, response_model=shapes.DecidedAnswer, responses=_RULED)
def undo(room: InRoom, session: Reviewer, body: shapes.UndoBody) -> Response:
    """Take the newest ruling on a take back, by a new one."""
    try:
        written = rulings.undo(
            room.store, room.view, body.key, body.decision, session.name, session.may("lead")
        )
    except rulings.Taken as taken:
        return _conflict(room, taken)
    return _ruled(room, written)


_NOTED = says(shapes.NoteAnswer, 404, writes=True)


@router.post("/api/notes", response_model=shapes.NoteAnswer, responses=_NOTED)
def note(room: InRoom, session: Reviewer, body: shapes.NoteBody) -> Response:
    """Write a note on a take, on frames or on a region."""
    if sum(len(stroke) for stroke in body.drawing) > shapes.MOST_POINTS:
        raise UsageError(f"A drawing has at most {shapes.MOST_POINTS} points.")
    value = Note(
        take=body.take, reviewer=session.name, text=body.text, first_frame=body.first_frame,
        last_frame=body.last_frame, box=rulings.boxed(body.box),
    )  # fmt: skip
    row, replayed = rulings.note(room.store, room.view, body.key, value, body.drawing)
    room.news.wake()
    return Json({"note": takes.note(row), "replayed": replayed})


_PREFERRED = says(shapes.PreferencesAnswer, 404, writes=True)


@router.post("/api/preferences", response_model=shapes.PreferencesAnswer, responses=_PREFERRED)
def prefer(room: InRoom, session: Reviewer, body: shapes.PreferenceBody) -> Response:
    """Say which of several takes of a shot is the best."""
    rows, replayed = rulings.prefer(
        room.store, room.view, body.key, body.shot, body.best, body.over, body.reason,
        session.name,
    )  # fmt: skip
    room.news.wake()
    return Json({"preferences": [takes.preference(r) for r in rows], "replayed": replayed})


def _ruled(room: Room, written: rulings.Written) -> Response:
    room.applier.notify()
    room.news.wake()
    view = room.view
    entry = view.entry(written.take)
    after, left = queue.following(view, queue.Filter(), entry.shot)
    answer = {
        "decision": _decision(room, view, entry.shot, written.decision),
        "replayed": written.replayed,
        "next": after.key if after else None, "left": left,
        "applies": room.applier.applies(written.ruling),
    }  # fmt: skip
    return Json(answer, 200 if written.replayed else 201)


def _decision(room: Room, view: View, shot: str, number: int) -> dict[str, Any]:
    rows = room.store.ledger.all(subject=shot)
    return next(d for d in takes.decisions(view, rows) if d["id"] == number)


def _conflict(room: Room, taken: rulings.Taken) -> Response:
    """Who was first, and what they ruled."""
    view = room.view
    shot = view.entry(taken.take).shot
    details = {
        "rulings": taken.rulings, "decision": _decision(room, view, shot, taken.decision),
    }  # fmt: skip
    return told(409, str(taken), details=details)
