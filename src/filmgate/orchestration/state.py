"""What LangGraph carries for one shot: ids and digests as plain JSON, nothing else.

Values live in the ledger and bytes in the vault; a checkpoint that an older version wrote is read
by its `schema_version` (`upgraded`).
"""

from __future__ import annotations

import hashlib
from typing import Any, TypedDict

from filmgate.errors import StoreError
from filmgate.schema.plan import PlannedShot

STATE_VERSION = 1


class Order(TypedDict):
    """One take to make; `pickup`: from which frame the parent is made again, None for all of it."""

    take: str
    number: int
    generator: str
    model: str
    pickup: int | None


class ShotState(TypedDict, total=False):
    """The state of one shot's thread.

    Attributes:
        schema_version: of this shape.
        shot: slate of the shot.
        attempt: rounds of generation since the start, or since a person last asked for a retake.
        orders: takes to make in this round.
        candidates: slates of the takes that this round made.
        failures: why orders of this round made nothing, one sentence each.
        take: slate of the take that stands for the shot at the moment.
        verdict: id of the verdict fact on that take.
        word: circle, retake or escalate.
        step: what policy said to do next ("circle", "repair", "retake", "escalate", "stop").
        because: why, one sentence.
        repair: which repair, when the step is one.
        pickup: from which frame the retake makes `take` again, None for all of it.
        revisions: what retakes ask for differently (`Revision` as plain JSON).
        decision: number of the person's decision on `take` that was applied last.
        ruling: that ruling.
    """

    schema_version: int
    shot: str
    attempt: int
    orders: list[Order]
    candidates: list[str]
    failures: list[str]
    take: str
    verdict: int
    word: str
    step: str
    because: str
    repair: str
    pickup: int | None
    revisions: list[dict[str, Any]]
    decision: int
    ruling: str


def thread_of(shot: PlannedShot) -> str:
    """Name of a shot's thread: its slate and what is asked of it.

    A shot whose description changed gets a new thread, and so is made anew; the others are not.
    """
    told = shot.model_copy(update={"source": ""})
    return f"{shot.slate}@{hashlib.sha256(told.canonical()).hexdigest()[:12]}"


def new(shot: str) -> ShotState:
    """The state with which a shot's thread starts."""
    return {"schema_version": STATE_VERSION, "shot": shot, "attempt": 0, "revisions": []}


def readable(state: ShotState) -> None:
    """Refuse a state that a later version wrote.

    Raises:
        StoreError: it cannot be read by this version.
    """
    version = state.get("schema_version", STATE_VERSION)
    if version > STATE_VERSION:
        raise StoreError(
            f"The thread of shot {state.get('shot')} was written by a later filmgate: "
            "install the later one to resume it."
        )
