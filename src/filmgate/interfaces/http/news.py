"""New facts, told to everybody who listens, out of one look at the ledger."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from filmgate.assets.ledger import Row
from filmgate.assets.store import Store
from filmgate.errors import FilmgateError
from filmgate.interfaces.http.applying import Applier
from filmgate.review.desk.index import Index, View

LOOK_S = 0.3
"""How often the ledger is asked for its newest id; well below what a person notices."""
MOST_WAITING = 1000
"""Events kept for a listener that is slow; one that falls further behind loads anew."""
MOST_MISSED = 2000

Event = dict[str, Any]
RESET: Event = {"reset": True}
END: Event = {"end": True}
QUIET_S = 15.0
"""When nothing was told for so long, listeners are told that."""


class News:
    """Looks at the ledger and tells what is new."""

    def __init__(self, store: Store, index: Index, applier: Applier) -> None:
        self._store, self._index, self._applier = store, index, applier
        self._listeners: set[asyncio.Queue[Event]] = set()
        self._wake = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._seen = 0
        self._closed = False

    def wake(self) -> None:
        """Look now; may be called from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._wake.set)

    def close(self) -> None:
        """End what listens, so that the server can end."""
        self._closed = True
        for waiting in self._listeners:
            _put(waiting, END)

    async def run(self) -> None:
        """Look for news until cancelled."""
        self._loop = asyncio.get_running_loop()
        self._seen = await asyncio.to_thread(self._store.ledger.last_id)
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)
            self._wake.clear()
            # A ledger that cannot be read for a moment is asked again.
            with contextlib.suppress(FilmgateError):
                for event in await asyncio.to_thread(self._since_seen):
                    self._tell(event)

    def _since_seen(self) -> list[Event]:
        if self._store.ledger.last_id() == self._seen:
            return []
        rows = self._store.ledger.all(after=self._seen)
        if not rows:
            return []
        self._seen = rows[-1].id
        if any(row.kind in ("decision", "applied", "verdict", "standing") for row in rows):
            self._applier.notify()
        return events(rows, self._index.view())

    def _tell(self, event: Event) -> None:
        for waiting in self._listeners:
            _put(waiting, event)

    async def listen(self, after: int | None) -> AsyncIterator[Event | None]:
        """Events from now on, and those since `after`; None when nothing came for a while.

        Args:
            after: id of the last fact that the listener knows; None for none.
        """
        waiting: asyncio.Queue[Event] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(waiting)
        try:
            last = 0
            for event in await asyncio.to_thread(self._missed, after):
                last = event.get("id", last)
                yield event
            while not self._closed:
                try:
                    event = await asyncio.wait_for(waiting.get(), QUIET_S)
                except TimeoutError:
                    yield None
                    continue
                if event is END:
                    return
                if event.get("id", last + 1) > last:
                    yield event
        finally:
            self._listeners.discard(waiting)

    def _missed(self, after: int | None) -> list[Event]:
        if after is None:
            return []
        newest = self._store.ledger.last_id()
        if after > newest or newest - after > MOST_MISSED:
            return [RESET]
        rows = self._store.ledger.all(after=after)
        return events(rows, self._index.view())


def _put(waiting: asyncio.Queue[Event], event: Event) -> None:
    """Tell one listener; one that has fallen too far behind is told to load anew instead."""
    if waiting.full():
        while not waiting.empty():
            waiting.get_nowait()
        waiting.put_nowait(RESET)
        if event is not END:
            return
    waiting.put_nowait(event)


def events(rows: list[Row], view: View) -> list[Event]:
    """One event per fact; only the newest fact about a shot carries its row."""
    newest = {row.subject: row.id for row in rows}
    out: list[Event] = []
    for row in rows:
        entry = view.entries.get(row.subject)
        last = entry is not None and newest[row.subject] == row.id
        out.append(
            {
                "id": row.id, "kind": row.kind, "shot": row.subject,
                "take": row.body.get("take") or row.body.get("slate") or "",
                "by": row.author,
                "row": entry.row if entry is not None and last else None,
            }
        )  # fmt: skip
    return out
