"""Who is asking: signing in and out."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from filmgate.interfaces.http.answers import Json, says
from filmgate.interfaces.http.errors import Problem
from filmgate.interfaces.http.guard import SESSION, SESSION_PATH
from filmgate.interfaces.http.room import InRoom, Room, Viewer
from filmgate.interfaces.http.shapes import SessionAnswer, SignedOut, TokenBody
from filmgate.review.auth import SESSION_S, Session
from filmgate.review.desk import facts
from filmgate.review.desk.clips import DISPLAY_START
from filmgate.schema.decision import RULINGS

router = APIRouter(tags=["session"])


@router.get(SESSION_PATH, response_model=SessionAnswer, responses=says(SessionAnswer))
def who(request: Request, room: InRoom) -> Response:
    """Who is asking; on loopback this opens the session."""
    session: Session | None = request.scope.get(SESSION)
    if session is not None:
        return Json(_told(room, session))
    opened = room.door.open_local()
    if opened is None:
        raise Problem(401, "Sign in with your token.")
    return _with_cookie(room, *opened)


@router.post(SESSION_PATH, response_model=SessionAnswer,
             responses=says(SessionAnswer, 429, writes=True))  # fmt: skip
def sign_in(request: Request, room: InRoom, body: TokenBody) -> Response:
    """Open a session with a reviewer's token."""
    address = request.client.host if request.client is not None else ""
    opened = room.door.open_local() or room.door.sign_in(body.token, address)
    return _with_cookie(room, *opened)


@router.delete(SESSION_PATH, response_model=SignedOut, responses=says(SignedOut))
def sign_out(room: InRoom, session: Viewer) -> Response:
    """End the session."""
    room.door.end(session)
    answer = Json({"signed_out": True})
    answer.delete_cookie(room.door.cookie, path="/", httponly=True, samesite="strict",
                         secure=room.told.secure)  # fmt: skip
    return answer


def _with_cookie(room: Room, cookie: str, session: Session) -> Response:
    answer = Json(_told(room, session))
    answer.set_cookie(
        room.door.cookie, cookie, max_age=SESSION_S, path="/", httponly=True, samesite="strict",
        secure=room.told.secure,
    )  # fmt: skip
    return answer


def _told(room: Room, session: Session) -> dict[str, Any]:
    view = room.view
    return {
        "reviewer": session.name, "role": session.role, "csrf": room.door.csrf(session),
        "mode": room.door.mode,
        "project": {
            "id": view.project, "title": view.plan.title, "shots": len(view.entries),
            "sequences": [s.id for s in view.plan.sequences],
        },
        "scale": facts.scale(), "rulings": list(RULINGS), "display_start": DISPLAY_START,
        "version": view.version,
    }  # fmt: skip
