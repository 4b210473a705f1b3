"""The pictures that a production can bind a shot to: what the brief gives, and its circled takes.

A circled take stands for its people and its place better than any picture from before the shoot:
its middle frame joins the library. Each picture is measured once (mean colours of a coarse grid),
so that among several of one thing the most typical one is sent.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, NamedTuple

import cv2
import numpy as np

from filmgate.assets.board import Card
from filmgate.assets.ledger import Row
from filmgate.assets.store import Store
from filmgate.errors import MeasurementError, StoreError
from filmgate.measure import stills
from filmgate.measure.colour import srgb_to_lab
from filmgate.measure.probe import probe
from filmgate.schema.plan import Plan, PlannedShot, Reference
from filmgate.schema.take import Take

GRID = 4
STILL_HEIGHT_PX = 720
TAKES = 24
"""Circled takes looked at, the latest first: decoding one frame of each takes a second or two."""


class Picture(NamedTuple):
    """A picture of the library, whom and what it shows, and words about it."""

    reference: Reference
    words: str


class Library:
    """Reference pictures of one production."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self._store, self._plan = store, plan
        self._shots = {shot.slate: shot for shot in plan.shots()}
        self._vectors: dict[str, tuple[float, ...] | None] = {}
        self._stills: dict[str, str | None] = {}

    def given(self) -> list[Picture]:
        """The pictures that the brief gives for people and places."""
        things: list[Any] = [*self._plan.people, *self._plan.places]
        return [
            Picture(reference, f"{thing.name} {thing.description} {reference.tag}")
            for thing in things
            for reference in thing.references
        ]

    def circled(self, shot: PlannedShot) -> list[Picture]:
        """Middle frames of circled takes that show a person or the place of `shot`."""
        out: list[Picture] = []
        for row in reversed(self._standing()):
            other = self._shots.get(row.subject)
            if other is None or other.slate == shot.slate or len(out) >= TAKES:
                continue
            shared = [name for name in shot.people if name in other.people]
            alone = shared[0] if len(other.people) == 1 and shared else ""
            of = alone or (shot.place if not other.people and shot.place == other.place else "")
            digest = self._still(row.body["take"]) if of else None
            if digest is not None:
                words = f"{of} {other.action} {other.setup} {other.place}"
                file = f"take {row.body['take']}"
                out.append(Picture(Reference(file=file, of=of, digest=digest), words))
        return out

    def cards(self, pictures: Iterable[Picture], own: Iterable[Reference]) -> list[Card]:
        """Cards of `pictures`; `own` are those given for the very shot."""
        first = {reference.digest for reference in own}
        return [
            Card(p.reference.digest, p.reference.of, p.words, p.reference.digest in first,
                 self._vector(p.reference.digest))
            for p in pictures
        ]  # fmt: skip

    def _standing(self) -> list[Row]:
        """The last standing of every shot that stands circled."""
        last = {row.subject: row for row in self._store.ledger.all("standing")}
        return [row for row in last.values() if row.body["state"] == "circled"]

    def _still(self, slate: str) -> str | None:
        """Digest of the middle frame of a take, kept in the vault; None when it has none."""
        if slate not in self._stills:
            self._stills[slate] = None
            row = self._store.ledger.get("take", slate)
            with contextlib.suppress(MeasurementError, StoreError):
                if row is not None:
                    path = str(self._store.vault.path(row.value(Take).media))
                    middle = len(probe(path).pts) // 2
                    frame = stills.frames(path, [middle], STILL_HEIGHT_PX).get(middle)
                    if frame is not None:
                        done, coded = cv2.imencode(".png", frame[:, :, ::-1])
                        self._stills[slate] = (
                            self._store.vault.put(coded.tobytes()) if done else None
                        )
        return self._stills[slate]

    def _vector(self, digest: str) -> tuple[float, ...] | None:
        """Mean Lab of a GRID x GRID grid; None for what is no picture."""
        if digest not in self._vectors:
            raw = np.frombuffer(self._store.vault.read(digest), np.uint8)
            picture = cv2.imdecode(raw, cv2.IMREAD_COLOR)
            if picture is None:
                self._vectors[digest] = None
            else:
                small = cv2.resize(picture, (GRID, GRID), interpolation=cv2.INTER_AREA)
                lab = srgb_to_lab(small[:, :, ::-1].astype(np.float64) / 255).reshape(-1)
                self._vectors[digest] = tuple(float(v) for v in lab)
        return self._vectors[digest]
