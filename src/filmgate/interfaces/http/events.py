"""Server-sent events: every new fact, as it is written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Header, Query, Response
from starlette.responses import StreamingResponse

from filmgate.interfaces.http.answers import says
from filmgate.interfaces.http.room import InRoom, Room, Viewer

router = APIRouter(tags=["events"])
_STREAM: dict[int | str, dict[str, Any]] = {
    **says(None),
    200: {"description": "A stream that does not end.",
          "content": {"text/event-stream": {"schema": {"type": "string"}}}},
}  # fmt: skip


@router.get("/api/events", responses=_STREAM, response_class=StreamingResponse)
async def events(
    room: InRoom, session: Viewer,
    after: Annotated[int | None, Query(ge=0, le=2**53)] = None,
    last_event_id: Annotated[str | None, Header(max_length=40)] = None,
) -> Response:  # fmt: skip
    """New facts as they are written, from `Last-Event-ID` or `after` on."""
    told = last_event_id if last_event_id and last_event_id.isdigit() else None
    known = int(told) if told is not None else after
    return StreamingResponse(
        _stream(room, known), media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )  # fmt: skip


async def _stream(room: Room, after: int | None) -> AsyncIterator[bytes]:
    yield b"retry: 1000\n\n"
    async for event in room.news.listen(after):
        if event is None:
            # So that neither end takes silence for a broken line.
            yield b": still here\n\n"
        elif "reset" in event:
            yield b"event: reset\ndata: {}\n\n"
        else:
            # JSON has no raw line ends, so one data line is always the whole of it.
            yield b"id: %d\nevent: fact\ndata: %s\n\n" % (event["id"], orjson.dumps(event))
