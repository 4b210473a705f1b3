"""What the routes of one server share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any

from fastapi import Depends, Request

from filmgate.assets.store import Store
from filmgate.interfaces.http.applying import Applier
from filmgate.interfaces.http.comparing import Comparisons
from filmgate.interfaces.http.errors import Problem
from filmgate.interfaces.http.guard import SESSION
from filmgate.interfaces.http.news import News
from filmgate.loop import project
from filmgate.loop.running import Checker
from filmgate.review.auth import Door, Role, Session
from filmgate.review.desk.index import AUDIT_RATE, Index, View
from filmgate.review.desk.stills import Stills
from filmgate.settings import Settings


@dataclass(frozen=True)
class Told:
    """How a server is to run.

    Attributes:
        local: name of the person at the keyboard; None where everybody signs in.
        hosts: names by which it may be asked for.
        audit_rate: share of machine-circled takes put into the queue, 0 to 1.
        resume: goes on with the run when there is something decided; None: only settles.
        secure: whether it is served over TLS.
        checker: makes what measures and compares; None for the project's own `Studio`.
    """

    settings: Settings
    local: str | None = None
    hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    audit_rate: float = AUDIT_RATE
    resume: Callable[[], object] | None = None
    secure: bool = False
    checker: Callable[[], Checker] | None = None


@dataclass
class Room:
    """One project, open for review."""

    told: Told
    store: Store
    index: Index
    door: Door
    stills: Stills
    comparisons: Comparisons
    applier: Applier
    news: News = field(init=False)

    def __post_init__(self) -> None:
        self.news = News(self.store, self.index, self.applier)

    @property
    def view(self) -> View:
        """Every shot as the newest fact has it."""
        return self.index.view()


def open_room(told: Told) -> Room:
    """Open a project.

    Raises:
        UsageError: there is none, or nothing was run in it.
        StoreError: it cannot be read.
    """
    root = told.settings.store
    if not (root / "ledger.sqlite").exists():
        from filmgate.errors import UsageError

        raise UsageError(
            f"There is no project in '{root}': start one with 'filmgate run brief.toml', or name "
            "it with --store."
        )

    def own() -> Any:
        from filmgate.studio import Studio

        return Studio(told.settings)

    checker = told.checker or own
    store = Store(root)
    with _closing_on_error(store):
        index = Index(store, project.status_of, told.audit_rate)
        _ = index.view().facets  # counted before the first page asks
        return Room(
            told, store, index, Door(root, told.local), Stills(), Comparisons(store, checker),
            Applier(store, index, checker, told.resume),
        )  # fmt: skip


@contextlib.contextmanager
def _closing_on_error(store: Store) -> Iterator[None]:
    try:
        yield
    except BaseException:
        store.close()
        raise


def _room(request: Request) -> Room:
    room: Room = request.app.state.room
    return room


def _session(request: Request) -> Session:
    session: Session | None = request.scope.get(SESSION)
    if session is None:
        raise Problem(401, "Sign in first.")
    return session


def _needs(role: Role) -> Callable[[Session], Session]:
    def check(session: Annotated[Session, Depends(_session)]) -> Session:
        if not session.may(role):
            raise Problem(403, f"This needs the role '{role}'; yours is '{session.role}'.")
        return session

    return check


InRoom = Annotated[Room, Depends(_room)]
Viewer = Annotated[Session, Depends(_session)]
Reviewer = Annotated[Session, Depends(_needs("reviewer"))]
