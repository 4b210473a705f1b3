"""Where every shot stands for the people at the desk, kept up with the ledger by fact ids.

Reading all facts of 5,000 takes takes seconds, so it is done once; afterwards only shots that new
facts speak of are read again. Every answer first asks the ledger for its newest id (well under a
millisecond), so an answer is never older than the ledger.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter
from typing import Any, Protocol

from filmgate.assets.ledger import Row
from filmgate.assets.store import Store
from filmgate.assets.vault import PREFIX
from filmgate.errors import UsageError
from filmgate.review.desk import facts
from filmgate.review.desk.said import Said, said_of
from filmgate.schema.plan import Person, Place, Plan, PlannedShot
from filmgate.schema.purchase import RunFact
from filmgate.schema.take import shot_of
from filmgate.settings import nearest

AUDIT_RATE = 0.05
"""Share of machine-circled takes that a person sees by chance, where nobody set one: 50 of 1,000.
One break among 50 bounds the escape rate at 11% (Clopper-Pearson, 95%)."""
EYE = "Needs a person's eye."
"""Why a take waits whose verdict is withheld."""
WAITING, DECIDED = "waiting", "decided"


class NotThere(UsageError):
    """No shot, take or sequence of that name is in the plan."""


class Stands(Protocol):
    """Where a shot stands: `loop.project.ShotStatus`."""

    @property
    def state(self) -> str: ...  # noqa: D102
    @property
    def take(self) -> str: ...  # noqa: D102
    @property
    def reason(self) -> str: ...  # noqa: D102
    @property
    def by(self) -> str: ...  # noqa: D102


Stand = Callable[[str, Sequence[Row]], Stands]
"""(shot, its facts) -> where it stands."""


@dataclass(frozen=True, slots=True)
class Made:
    """One take in short. `media` is a digest without its prefix."""

    slate: str
    shot: str
    number: int
    media: str
    mime: str
    parent: str
    repair: str | None
    word: str | None


@dataclass(frozen=True, slots=True)
class Ruled:
    """One decision in short.

    Attributes:
        undone: a later one took it back. reopens: it puts the take back into the queue.
    """

    id: int
    take: str
    number: int
    ruling: str
    reviewer: str
    at: str
    applied: bool
    undone: bool
    reopens: bool


@dataclass(frozen=True)
class Entry:
    """One shot at the desk.

    Attributes:
        place: of the shot in edit order, from 0.
        state: as the API names it.
        waits: whether a person shall judge it.
        audit: whether it waits by chance only.
        withheld: whether the machine's word must not be shown yet.
        take: the one that stands for the shot.
        rulings: take (or shot) to the number of rulings on it.
        rank: what the queue is sorted by, highest first.
        at: time of the newest fact.
    """

    planned: PlannedShot
    place: int
    state: str
    waits: bool
    audit: bool
    withheld: bool
    take: Made | None
    takes: tuple[Made, ...]
    rulings: Mapping[str, int]
    decisions: tuple[Ruled, ...]
    said: Said | None
    reason: str
    waits_for: str
    notes: int
    rank: float
    at: str

    @property
    def shot(self) -> str:
        """Slate of the shot."""
        return self.planned.slate

    @property
    def last(self) -> Ruled | None:
        """The newest decision on the shot."""
        return self.decisions[-1] if self.decisions else None

    @property
    def key(self) -> str:
        """What a ruling is about: the take that stands, or the shot where there is none."""
        return self.take.slate if self.take is not None else self.shot

    @cached_property
    def order(self) -> tuple[float, int]:
        """Place in the queue: worst first, then in edit order."""
        return -self.rank, self.place

    @property
    def checks(self) -> list[str]:
        """Checks that found a drift, as far as that may be shown."""
        return [] if self.said is None or self.withheld else list(self.said.checks)

    @cached_property
    def row(self) -> dict[str, Any]:
        """This shot as a row of the queue, plain JSON."""
        said = None if self.withheld else self.said
        worst = dict(said.worst) if said is not None and said.worst is not None else None
        frame = worst.pop("frame") if worst is not None else None
        last = self.last
        return {
            "slate": self.key, "shot": self.shot, "sequence": self.planned.sequence,
            "scene": self.planned.scene, "state": self.state, "takes": len(self.takes),
            "rulings": self.rulings.get(self.key, 0), "notes": self.notes,
            "score": said.score if said is not None else None, "worst": worst,
            "checks": self.checks, "reason": self.reason,
            "by": last.reviewer if last is not None and not last.reopens else "",
            "waits_for": self.waits_for if self.waits else "",
            "media": self.take.media if self.take is not None else None,
            "frame": (frame or 0) if self.take is not None else None, "at": self.at,
        }  # fmt: skip


class View:
    """Every shot of the last run's plan, as one moment's facts have it; never changed.

    Attributes:
        version: id of the newest fact.
        project: stays the same as long as the project does (the id of its first run).
        entries: shot to entry, in edit order.
        waiting: those that wait for a person, worst first.
    """

    def __init__(
        self, version: int, project: str, plan: Plan, entries: Mapping[str, Entry],
        waiting: Sequence[Entry], media: Mapping[str, Made], references: Mapping[str, str],
    ) -> None:  # fmt: skip
        self.version, self.project, self.plan = version, project, plan
        self.entries, self.waiting = entries, waiting
        self._media, self._references = media, references

    @cached_property
    def facets(self) -> dict[str, Any]:
        """What the queue can be filtered by, and how many rows that would give."""
        every = Counter([entry.planned.sequence for entry in self.entries.values()])
        states = Counter([entry.state for entry in self.entries.values()])
        sequences = Counter([entry.planned.sequence for entry in self.waiting])
        checks = Counter([check for entry in self.waiting for check in entry.checks])
        people = Counter([entry.waits_for for entry in self.waiting if entry.waits_for])
        return {
            "sequences": [
                {"name": name, "waiting": sequences[name], "all": count}
                for name, count in every.items()
            ],
            "checks": [{"name": name, "waiting": n} for name, n in checks.most_common()],
            "reviewers": [{"name": name, "waiting": n} for name, n in sorted(people.items())],
            "states": [{"name": name, "count": n} for name, n in states.most_common()],
        }  # fmt: skip

    def all(self) -> list[Entry]:
        """Every shot in edit order."""
        return list(self.entries.values())

    def reel(self, sequence: str) -> list[Entry]:
        """The shots of one sequence in edit order."""
        return [e for e in self.entries.values() if e.planned.sequence == sequence]

    def entry(self, slate: str) -> Entry:
        """The shot that a slate (its own, or of one of its takes) names.

        Raises:
            NotThere: there is none; the nearest is suggested.
        """
        found = self.entries.get(slate) or self.entries.get(shot_of(slate))
        if found is None:
            raise NotThere(f"No shot has the slate '{slate}'.{nearest(slate, self.entries)}")
        return found

    def take(self, slate: str) -> tuple[Entry, Made | None]:
        """The shot and the take that a slate names; of a shot the one that stands for it.

        Raises:
            NotThere: there is no such shot or take.
        """
        entry = self.entry(slate)
        if slate == entry.shot:
            return entry, entry.take
        made = next((m for m in entry.takes if m.slate == slate), None)
        if made is None:
            raise NotThere(f"Shot {entry.shot} has no take '{slate}'.")
        return entry, made

    def of_media(self, digest: str) -> Made | None:
        """The take whose media has this digest (without prefix)."""
        return self._media.get(digest)

    def of_reference(self, digest: str) -> str | None:
        """File name of the plan's reference picture that has this digest (without prefix)."""
        return self._references.get(digest)


class Index:
    """Keeps the view up with the ledger.

    Args:
        stand: says where a shot stands.
        audit_rate: share of machine-circled takes to show, 0 to 1.
    """

    def __init__(self, store: Store, stand: Stand, audit_rate: float = AUDIT_RATE) -> None:
        self._store, self._stand, self._rate = store, stand, audit_rate
        self._lock = threading.Lock()
        self._view = View(0, "", Plan(title=""), {}, (), {}, {})
        self._planned: dict[str, tuple[int, PlannedShot]] = {}
        self._ranks: list[float] = []

    def view(self) -> View:
        """Every shot as the newest fact has it.

        Raises:
            UsageError: nothing was ever run in this project.
        """
        view, newest = self._view, self._store.ledger.last_id()
        if view.version and view.version >= newest:
            return view
        with self._lock:
            known = self._view.version
            if known and known >= newest:
                return self._view  # brought up by whoever had the lock
            rows = self._store.ledger.all(after=known)
            if any(row.kind == "run" for row in rows):
                self._view = self._loaded(rows if known == 0 else self._store.ledger.all())
            elif known == 0:
                raise UsageError(
                    f"Nothing was run in '{self._store.root}' yet: start with "
                    "'filmgate run brief.toml'."
                )
            elif rows:
                self._view = self._changed(rows)
            return self._view

    def _loaded(self, rows: Iterable[Row]) -> View:
        """Everything read anew: a run may have another plan."""
        by_shot: dict[str, list[Row]] = {}
        told: RunFact | None = None
        project, newest = "", 0
        for row in rows:
            newest = row.id
            by_shot.setdefault(row.subject, []).append(row)
            if row.kind == "run":
                told = row.value(RunFact)
                project = project or told.run
        assert told is not None
        plan = Plan.model_validate_json(self._store.vault.read(told.plan))
        self._planned = {s.slate: (n, s) for n, s in enumerate(plan.shots())}
        entries = {shot: self._entry(shot, by_shot.pop(shot, [])) for shot in self._planned}
        self._ranks = sorted(e.rank for e in entries.values() if e.waits and not e.audit)
        entries = {shot: _placed(entry, self._ranks) for shot, entry in entries.items()}
        waiting = sorted((e for e in entries.values() if e.waits), key=_ORDER)
        media = {made.media: made for entry in entries.values() for made in entry.takes}
        return View(newest, project, plan, entries, waiting, media, _references(plan))

    def _changed(self, rows: Sequence[Row]) -> View:
        """The shots that `rows` speak of read again, all else as it was."""
        before = self._view
        entries, media = dict(before.entries), before._media
        changed = {row.subject for row in rows} & self._planned.keys()
        # 5,000 shots are copied, but only those that changed are looked at.
        waiting = list(before.waiting)
        for shot in changed:
            old, new = before.entries[shot], self._entry(shot, self._store.ledger.all(subject=shot))
            entries[shot] = new = _placed(new, self._ranks)
            if old.waits:
                del waiting[bisect_left(waiting, old.order, key=_ORDER)]
            if new.waits:
                insort(waiting, new, key=_ORDER)
            if len(new.takes) != len(old.takes):
                media = {**media, **{made.media: made for made in new.takes}}
        return View(
            rows[-1].id, before.project, before.plan, entries, waiting, media, before._references
        )

    def _entry(self, shot: str, rows: Sequence[Row]) -> Entry:
        place, planned = self._planned[shot]
        return entry_of(planned, place, rows, self._stand, self._rate)


_ORDER = attrgetter("order")


def _placed(entry: Entry, ranks: Sequence[float]) -> Entry:
    """A place in the queue for a take of the audit sample.

    It has none of its own among drifting ones. It gets the rank of one of them, chosen by its
    digest, so that its place does not give it away.

    Args:
        ranks: of what waits because it was escalated, ascending.
    """
    if not entry.audit or entry.take is None or not ranks:
        return entry
    return replace(entry, rank=ranks[int(chance(f"place {entry.take.media}") * len(ranks))])


def _references(plan: Plan) -> dict[str, str]:
    things: list[Person | Place | PlannedShot] = [*plan.people, *plan.places, *plan.shots()]
    return {
        bare(r.digest): r.file for thing in things for r in thing.references if r.digest
    }  # fmt: skip


def bare(digest: str) -> str:
    """A digest without its prefix."""
    return digest.removeprefix(PREFIX)


def entry_of(
    planned: PlannedShot, place: int, rows: Sequence[Row], stand: Stand, rate: float
) -> Entry:
    """One shot as the desk shows it.

    Args:
        rows: every fact about it, in order.
        stand: says where it stands.
        rate: of the audit sample.
    """
    decisions = rulings_of(rows)
    last = decisions[-1] if decisions else None
    # A take put back into the queue stands where the machine had left it.
    untouched = _machine_only(rows) if last is not None and last.reopens else rows
    status = stand(planned.slate, untouched)
    state, stands = status.state, status.take
    if last is not None and _under_way(last, rows) and state in ("escalated", "circled"):
        state, stands = DECIDED, last.take
    takes = tuple(_made(row, rows) for row in rows if row.kind == "take")
    take = next((m for m in takes if m.slate == stands), None)
    said = None if take is None else said_of(
        r for r in rows if r.kind == "verdict" and r.body["take"] == take.slate
    )  # fmt: skip
    by_machine = state == "circled" and status.by == "machine"
    audit = by_machine and take is not None and audited(take.media, rate)
    waits = state == "escalated" or audit
    # An audited take has no finding, so no waiting take without one may show what was said of it.
    withheld = waits and said is not None and said.worst is None and said.word != "retake"
    reason = EYE if withheld else _in_words(status.reason, said)
    counts: dict[str, int] = {}
    for one in decisions:
        counts[one.take] = counts.get(one.take, 0) + 1
    return Entry(
        planned=planned, place=place, state=WAITING if waits else state, waits=waits,
        audit=audit, withheld=withheld, take=take, takes=takes, rulings=counts,
        decisions=decisions, said=said, reason=reason,
        waits_for=last.reviewer if last and (last.reopens or last.ruling == "retake") else "",
        notes=sum(row.kind == "note" for row in rows),
        rank=said.score if said is not None else 0.0,
        at=rows[-1].at if rows else "",
    )  # fmt: skip


def _in_words(reason: str, said: Said | None) -> str:
    """A reason that names the worst finding as people do, not by its path."""
    if said is None or said.worst is None:
        return reason
    return reason.replace(str(said.worst["attribute"]), str(said.worst["title"]))


def _under_way(last: Ruled, rows: Sequence[Row]) -> bool:
    """Whether the graph was told of the newest ruling and has not said yet what came of it."""
    newest = next((row.id for row in reversed(rows) if row.kind == "standing"), 0)
    return last.applied and not last.reopens and last.id > newest


def rulings_of(rows: Sequence[Row]) -> tuple[Ruled, ...]:
    """Every decision among the facts of a shot, in order, with what became of it."""
    applied = {row.key for row in rows if row.kind == "applied"}
    judged = {
        (row.body["take"], row.body["decision"]): row.body
        for row in rows if row.kind == facts.KIND
    }  # fmt: skip
    undone = {body["undoes"] for body in judged.values() if body["undoes"] is not None}
    return tuple(
        Ruled(
            row.id, row.body["take"], row.body["number"], row.body["ruling"], row.body["reviewer"],
            row.at, row.key in applied, row.id in undone,
            bool(judged.get((row.body["take"], row.body["number"]), {}).get("reopens", False)),
        )
        for row in rows if row.kind == "decision"
    )  # fmt: skip


def _machine_only(rows: Sequence[Row]) -> list[Row]:
    """The facts without what people ruled and what came of it."""
    return [
        row for row in rows
        if row.kind not in ("decision", "applied", facts.KIND)
        and not (row.kind == "standing" and row.body["by"] != "machine")
    ]  # fmt: skip


def _made(row: Row, rows: Sequence[Row]) -> Made:
    body = row.body
    words = [
        r.body["word"] for r in rows if r.kind == "verdict" and r.body["take"] == body["slate"]
    ]
    return Made(
        body["slate"], body["shot"], int(body["number"]), bare(body["media"]), body["mime"],
        body["parent"], body["recipe"].get("repair"), words[-1] if words else None,
    )  # fmt: skip


def audited(media: str, rate: float) -> bool:
    """Whether a circled take is in the audit sample: by its digest, so the same one every time."""
    return chance(media) < rate


def chance(media: str) -> float:
    """A number in [0, 1) that follows from a digest and from nothing that is known of the take."""
    mark = hashlib.sha256(b"audit sample:" + media.encode()).digest()
    return int.from_bytes(mark[:8], "big") / 2**64
