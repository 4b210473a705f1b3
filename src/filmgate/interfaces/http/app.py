"""The application: routes, guard, and what lives as long as the server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator

import uvicorn
from fastapi import FastAPI

import filmgate
from filmgate.interfaces.http import (
    deciding,
    errors,
    events,
    looking,
    media,
    pages,
    session,
)
from filmgate.interfaces.http.guard import Guard
from filmgate.interfaces.http.room import Room, Told, open_room

TITLE = "filmgate review"


def create(told: Told) -> FastAPI:
    """The application over one project; the project is open from here until it shuts down.

    Raises:
        UsageError: there is no project, or nothing was run in it.
    """
    return application(open_room(told))


def application(room: Room) -> FastAPI:
    """The application over an open room."""
    app = FastAPI(
        title=TITLE, version=filmgate.__version__, openapi_url="/api/openapi.json",
        docs_url=None, redoc_url=None, redirect_slashes=False, lifespan=_life,
        description="What the review room is made of; docs/review_api.md says more.",
    )  # fmt: skip
    app.state.room = room
    errors.register(app)
    for part in (session, looking, media, deciding, events):
        app.include_router(part.router)
    app.include_router(pages.router(pages.Pages()))
    app.add_middleware(
        Guard, door=room.door, hosts=room.told.hosts, secure=room.told.secure
    )  # fmt: skip
    return app


class Server(uvicorn.Server):
    """Serves the room, and ends when told to although pages listen for events."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let the listeners go first: streams end only when they are ended."""
        assert isinstance(self.config.app, FastAPI)
        self.config.app.state.room.news.close()
        await super().shutdown(sockets)


@contextlib.asynccontextmanager
async def _life(app: FastAPI) -> AsyncIterator[None]:
    room: Room = app.state.room
    listening = asyncio.create_task(room.news.run())
    room.applier.start()
    try:
        yield
    finally:
        room.news.close()
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening
        await asyncio.to_thread(room.applier.stop)
        room.store.close()
