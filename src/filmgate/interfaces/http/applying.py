"""Telling the graph what people decided, while no run is on.

A run that is on hears of decisions by itself. Without one this server tells the graph of every
decision that ends a shot, and makes nothing: a retake waits for `filmgate resume`, since it may
cost money that nobody at this page agreed to, unless the server was started with ``--resume``.
"""

from __future__ import annotations

import contextlib
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

from filmgate.assets import lock
from filmgate.assets.store import Store
from filmgate.errors import Conflict, FilmgateError
from filmgate.loop import project
from filmgate.loop.running import Checker, Production
from filmgate.loop.workshop import Workshop
from filmgate.models.generator import Generator
from filmgate.orchestration.gate import SequenceGate
from filmgate.orchestration.policy import Money
from filmgate.orchestration.purchase import Buyer, Paused, Purse
from filmgate.orchestration.roles import Crew, Tell
from filmgate.orchestration.state import ShotState
from filmgate.review.desk.index import Index, View

SETTLES = ("circle", "intended", "hold", "ng")
"""Rulings that end a shot without making anything."""
BUSY_S = 2.0
"""How long to wait before looking again whether another filmgate still holds the project."""
MOST = 20
"""Decisions told at once: a batch keeps the project locked for a second or two."""
MOST_PAUSE_S = 5.0
Applies = Literal["now", "run", "resume"]
LATER = "It waits for 'filmgate resume': the review room makes no takes."


class _Settler(Crew):
    """A crew that can apply a ruling and settle a shot, and nothing else.

    A thread that was cut off before is not carried on by accident: whatever would make, compare or
    repair a take leaves it where it is.
    """

    async def plan(self, state: ShotState) -> dict[str, Any]:
        """Leave it."""
        raise Paused(LATER)

    async def generate(self, state: ShotState) -> dict[str, Any]:
        """Leave it."""
        raise Paused(LATER)

    async def verify(self, state: ShotState) -> dict[str, Any]:
        """Leave it."""
        raise Paused(LATER)

    async def repair(self, state: ShotState) -> dict[str, Any]:
        """Leave it."""
        raise Paused(LATER)

    async def refine(self, state: ShotState) -> dict[str, Any]:
        """Leave it."""
        raise Paused(LATER)


class Settling(Production):
    """A production without generators."""

    @contextlib.contextmanager
    def _generators(self) -> Iterator[dict[str, Generator]]:
        yield {}

    def _crew(
        self, tell: Tell, generators: Mapping[str, Generator], threads: ThreadPoolExecutor,
        comparing: ThreadPoolExecutor,
    ) -> Crew:  # fmt: skip
        def never(*_: Any) -> Any:
            raise Paused(LATER)

        gates = {
            s.id: SequenceGate(s.id, [shot.slate for shot in s.shots], never, never)
            for s in self.plan.sequences
        }
        return _Settler(
            store=self.store, shots={s.slate: s for s in self.plan.shots()}, makers=(), takes=0,
            attempts=0, gates=gates, buyer=Buyer(self.store, {}, Purse(Money()), threads),
            workshop=Workshop(self.store, self.plan, {}, {}, {}), run=never,
            calibration="", tell=tell,
        )  # fmt: skip


class Applier:
    """One thread that tells the graph of decisions.

    Args:
        checker: needed by a production; nothing is compared with it.
        resume: goes on with the whole run, retakes included; None when the server may not.
    """

    def __init__(
        self, store: Store, index: Index, checker: Callable[[], Checker],
        resume: Callable[[], object] | None,
    ) -> None:  # fmt: skip
        self._store, self._index, self._checker, self._resume = store, index, checker, resume
        self._news = threading.Event()
        self._stop = threading.Event()
        self._elsewhere = False
        self._tried: dict[str, int] = {}
        self._thread = threading.Thread(target=self._work, daemon=True, name="filmgate-apply")
        self.said = ""
        """Why the last attempt failed, one sentence; "" when it did not."""

    def start(self) -> None:
        """Begin; what was decided while no server ran comes first."""
        self._thread.start()
        self.notify()

    def stop(self, patience_s: float = 5.0) -> None:
        """End after the batch in hand."""
        self._stop.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(patience_s)

    def notify(self) -> None:
        """There may be something to tell."""
        self._news.set()

    def applies(self, ruling: str) -> Applies:
        """When a ruling that was written down just now will be applied, as far as is known."""
        if self._elsewhere:
            return "run"
        return "now" if ruling in SETTLES or self._resume is not None else "resume"

    def _work(self) -> None:
        wait_s: float | None = None
        while not self._stop.is_set():
            self._news.wait(wait_s)
            self._news.clear()
            if self._stop.is_set():
                return
            try:
                began = time.monotonic()
                left = self._apply()
                self._elsewhere, self.said = False, ""
                # Twenty people at work must not wait for their graphs: half of the time is theirs.
                if left and self._stop.wait(min(time.monotonic() - began, MOST_PAUSE_S)):
                    return
                wait_s = 0.0 if left else None
            except Conflict:
                self._elsewhere, wait_s = True, BUSY_S
            except FilmgateError as error:
                self._failed(str(error))
                wait_s = None
            except Exception as error:
                # A defect here must not end the telling of everything that comes after.
                traceback.print_exc()
                self._failed(f"{type(error).__name__}: {error}")
                wait_s = None

    def _failed(self, why: str) -> None:
        """Say it at the terminal.

        Nothing is lost: the decision is in the ledger, and the next one, or a resume, tries again.
        """
        self.said = why
        print(f"filmgate: decisions could not be told to their graphs yet ({why})", file=sys.stderr)

    def _apply(self) -> bool:
        """Tell a batch; whether there are more."""
        view = self._index.view()
        shots = self._untried(view)
        if self._resume is not None:
            if shots or retakes(view):
                self._tried.update(_newest(view, shots))
                self._resume()
            return False
        if not shots:
            return False
        batch = shots[:MOST]
        with lock.held(self._store.root, "review"):
            told = project.latest(self._store)
            made = Settling(self._store, told.plan, told.brief, told.look, self._checker())
            made.run(lambda shot, what, detail: None, batch)
        self._tried.update(_newest(view, batch))
        return bool(self._untried(self._index.view()))

    def _untried(self, view: View) -> list[str]:
        """What is to be told and was not tried.

        A decision that its graph could not take (it has takes in the making) is left for a resume,
        so that it does not stand in the way of the others.
        """
        newest = _newest(view, pending(view))
        return [shot for shot, decision in newest.items() if self._tried.get(shot) != decision]


def _newest(view: View, shots: Iterable[str]) -> dict[str, int]:
    """Shot to the id of its newest decision."""
    return {shot: last.id for shot in shots if (last := view.entries[shot].last) is not None}


def pending(view: View) -> list[str]:
    """Shots whose newest decision ends them and has not been told to their graph.

    An undo that puts a take back into the queue is told only where there is something to take back:
    while the graph still waits for a person, it may as well go on waiting.
    """
    out = []
    for entry in view.entries.values():
        last = entry.last
        if last is None or last.applied or last.ruling not in SETTLES:
            continue
        if last.reopens and not any(d.applied for d in entry.decisions if d.take == last.take):
            continue
        out.append(entry.shot)
    return out


def retakes(view: View) -> list[str]:
    """Shots whose newest decision is a retake that has not been told to their graph."""
    return [
        entry.shot for entry in view.entries.values()
        if entry.last is not None and entry.last.ruling == "retake" and not entry.last.applied
    ]  # fmt: skip
