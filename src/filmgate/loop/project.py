"""What a project knows about itself: where its shots stand, what waits, what a take came from.

Everything here is read from the ledger, and every ruling is written to it first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

from pydantic import TypeAdapter

from filmgate.assets.ledger import New, Row
from filmgate.assets.store import Store
from filmgate.errors import Conflict, UsageError
from filmgate.orchestration import budget
from filmgate.schema.brief import Brief, Rates
from filmgate.schema.decision import Decision, Note, Ruling, VerdictFact
from filmgate.schema.look import Look
from filmgate.schema.plan import Plan
from filmgate.schema.purchase import Accepted, Declined, RunFact, Standing
from filmgate.schema.take import Take, shot_of
from filmgate.settings import nearest

PLANNED, MAKING, UNKNOWN = "planned", "in the making", "answer unknown"
STATES = (
    PLANNED, MAKING, UNKNOWN, "measured", "escalated", "decided", "circled", "hold", "ng",
    "stopped",
)  # fmt: skip


@dataclass(frozen=True)
class ShotStatus:
    """Where one shot stands.

    Attributes:
        state: one of `STATES`. decided: a person has ruled and the run has not been told yet.
        take: the take that stands for it, or "".
        takes: takes made.
        reason: why it stands there.
        by: "machine" or the reviewer.
        score: of the last verdict; None when there is none.
        cost: the whole cost.
    """

    shot: str
    state: str
    take: str
    takes: int
    reason: str
    by: str
    score: float | None
    cost: budget.Bill


@dataclass(frozen=True)
class Status:
    """Where a project stands.

    Attributes:
        bill: the whole cost so far; `usd`: it in money at the brief's rates.
        usd_per_circled: that over the number of circled shots; None when there is none.
    """

    title: str
    shots: tuple[ShotStatus, ...]
    bill: budget.Bill
    rates: Rates
    budget_usd: float | None

    @property
    def counts(self) -> dict[str, int]:
        """State -> number of shots, in the order of a shot's life."""
        found = Counter(shot.state for shot in self.shots)
        return {state: found[state] for state in STATES if found[state]}

    @property
    def usd(self) -> float:
        """The whole cost in US dollars."""
        return self.bill.usd(self.rates)

    @property
    def usd_per_circled(self) -> float | None:
        """The whole cost per circled shot, US dollars."""
        circled = self.counts.get("circled", 0)
        return self.usd / circled if circled else None


@dataclass(frozen=True)
class TakeTrace:
    """One take with all that is known about it."""

    take: Take
    at: str
    verdicts: tuple[tuple[str, VerdictFact], ...]
    decisions: tuple[tuple[str, Decision], ...]
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Trace:
    """Everything about one shot; `facts` are all of them, in order."""

    shot: str
    status: ShotStatus
    takes: tuple[TakeTrace, ...]
    facts: tuple[Row, ...]


class Latest(NamedTuple):
    """The last run: what it was told, and the plan, brief and look that it ran with."""

    told: RunFact
    plan: Plan
    brief: Brief
    look: Look


def latest(store: Store) -> Latest:
    """The last run.

    Raises:
        UsageError: nothing was ever run here.
    """
    runs = store.ledger.all("run")
    if not runs:
        raise UsageError(
            f"Nothing was run in '{store.root}' yet: start with 'filmgate run brief.toml'."
        )
    told = runs[-1].value(RunFact)
    plan = Plan.model_validate_json(store.vault.read(told.plan))
    brief = Brief.model_validate(told.told)
    look = TypeAdapter(Look).validate_json(store.vault.read(told.look)) if told.look else Look()
    return Latest(told, plan, brief, look)


def status(store: Store) -> Status:
    """Where every shot of the last run's plan stands."""
    told = latest(store)
    plan, brief = told.plan, told.brief
    by_shot: dict[str, list[Row]] = {}
    for row in store.ledger.all():
        by_shot.setdefault(row.subject, []).append(row)
    shots = tuple(_status(shot.slate, by_shot.get(shot.slate, [])) for shot in plan.shots())
    return Status(
        plan.title, shots, _total(s.cost for s in shots), brief.rates, brief.budget.usd
    )  # fmt: skip


def status_of(shot: str, rows: Sequence[Row]) -> ShotStatus:
    """Where one shot stands, out of all facts about it in order."""
    return _status(shot, rows)


def _status(shot: str, rows: Sequence[Row]) -> ShotStatus:
    takes = [row.body for row in rows if row.kind == "take"]
    verdicts = [row for row in rows if row.kind == "verdict"]
    standing = next((r for r in reversed(rows) if r.kind == "standing"), None)
    state, reason, by, take = PLANNED, "", "machine", takes[-1]["slate"] if takes else ""
    if verdicts:
        state, take = "measured", verdicts[-1].body["take"]
    elif takes:
        state = MAKING
    if standing is not None and standing.id > (verdicts[-1].id if verdicts else 0):
        value = standing.value(Standing)
        state, reason, by, take = value.state, value.reason, value.by, value.take or take
    pending = _pending(rows)
    if pending is not None:
        state = pending
    decision = next((r for r in reversed(rows) if r.kind == "decision"), None)
    applied = {row.key for row in rows if row.kind == "applied"}
    if decision is not None and decision.key not in applied:
        ruled = decision.value(Decision)
        state, reason, by, take = "decided", f"{ruled.ruling}: {ruled.note}", ruled.reviewer, take
        take = ruled.take if "-" in ruled.take else take
    score = float(verdicts[-1].body["score"]) if verdicts else None
    return ShotStatus(
        shot, state, take, len(takes), reason.strip(": "), by, score, budget.bill_of(rows)
    )  # fmt: skip


def _pending(rows: Sequence[Row]) -> str | None:
    """Whether a take is in the making, or a request's answer is unknown."""
    settled = {row.key for row in rows if row.kind == "settled"}
    accepted = {row.key for row in rows if row.kind == "accepted"}
    for asked in (r for r in rows if r.kind == "asked" and r.key not in settled):
        if asked.key in accepted:
            return MAKING
        sent = [r for r in rows if r.kind in ("sent", "declined") and r.body["take"] == asked.key]
        unknown = bool(sent) and sent[-1].kind == "sent" and asked.body["paid"]
        return UNKNOWN if unknown else MAKING
    return None


def _total(bills: Iterable[budget.Bill]) -> budget.Bill:
    columns = list(zip(*bills, strict=True))
    return budget.Bill(*(sum(column) for column in columns)) if columns else budget.Bill()


def queue(store: Store) -> tuple[ShotStatus, ...]:
    """Shots that wait for a person, worst first."""
    waiting = [s for s in status(store).shots if s.state in ("escalated", UNKNOWN)]
    return tuple(sorted(waiting, key=lambda s: -(s.score or 0.0)))


def trace(store: Store, slate: str) -> Trace:
    """Everything about the shot that `slate` (of the shot or of a take) names.

    Raises:
        UsageError: there is no such shot.
    """
    shot = known_shot(store, slate)
    rows = store.ledger.all(subject=shot)
    takes = []
    for row in rows:
        if row.kind != "take":
            continue
        take = row.value(Take)
        takes.append(
            TakeTrace(
                take, row.at,
                tuple((r.at, r.value(VerdictFact)) for r in rows
                      if r.kind == "verdict" and r.body["take"] == take.slate),
                tuple((r.at, r.value(Decision)) for r in rows
                      if r.kind == "decision" and r.body["take"] == take.slate),
                tuple(r.value(Note) for r in rows
                      if r.kind == "note" and r.body["take"] == take.slate),
            )
        )  # fmt: skip
    return Trace(shot, _status(shot, rows), tuple(takes), tuple(rows))


def known_shot(store: Store, slate: str) -> str:
    """The shot that a slate names.

    Raises:
        UsageError: there is none; the nearest is suggested.
    """
    shots = {shot.slate for shot in latest(store).plan.shots()}
    shot = shot_of(slate)
    if shot not in shots:
        raise UsageError(
            f"No shot has the slate '{slate}'.{nearest(shot, shots)} "
            "'filmgate status --all' lists them."
        )
    return shot


def decide(
    store: Store,
    slate: str,
    ruling: Ruling,
    reviewer: str,
    note: str = "",
    reasons: Sequence[str] = (),
    expects: int | None = None,
    person_s: float = 0.0,
) -> Decision:
    """Write a person's ruling down; the next resume (or the run that is on) applies it.

    Args:
        slate: of a take, or of a shot for the take that stands for it.
        expects: how many rulings the reviewer has seen on the take; None for as many as there are.
        person_s: seconds that the person spent.

    Raises:
        UsageError: no such shot, take or ruling, or a retake without a word on what to change.
        Conflict: somebody has ruled on this take meanwhile.
    """
    if ruling not in get_args(Ruling):
        raise UsageError(f"'{ruling}' is no ruling: say circle, retake, hold, ng or intended.")
    shot = known_shot(store, slate)
    rows = store.ledger.all(subject=shot)
    take = _take_of(shot, slate, rows)
    if take is None and ruling not in ("retake", "ng", "hold"):
        raise UsageError(f"Shot {shot} has no take that could be ruled '{ruling}'.")
    key = take.slate if take is not None else shot
    earlier = [row for row in rows if row.kind == "decision" and row.body["take"] == key]
    number = (len(earlier) if expects is None else expects) + 1
    verdicts = [row for row in rows if row.kind == "verdict" and row.body["take"] == key]
    evidence: list[str] = [take.media] if take is not None else []
    if verdicts:
        evidence += verdicts[-1].value(VerdictFact).compared.values()
    decision = Decision(
        take=key, ruling=ruling, number=number, reviewer=reviewer, reasons=tuple(reasons),
        note=note, evidence=tuple(evidence), saw=verdicts[-1].id if verdicts else None,
        person_s=person_s,
    )  # fmt: skip
    new = New("decision", f"{key}/{number}", decision, reviewer, shot, note, tuple(evidence))
    try:
        store.ledger.append(new)
    except Conflict:
        other = store.ledger.get("decision", f"{key}/{number}")
        said = "" if other is None else f" ({other.body['ruling']}, by {other.body['reviewer']})"
        raise Conflict(
            f"Somebody else has ruled on {key} meanwhile{said}: look at it again, then decide."
        ) from None
    return decision


def _take_of(shot: str, slate: str, rows: Sequence[Row]) -> Take | None:
    takes = {row.key: row for row in rows if row.kind == "take"}
    if slate != shot:
        if slate not in takes:
            raise UsageError(f"Shot {shot} has no take '{slate}': it has {', '.join(takes) or 0}.")
        return takes[slate].value(Take)
    stands = _status(shot, rows).take
    return takes[stands].value(Take) if stands in takes else None


def take(store: Store, slate: str) -> Take:
    """The take that a slate names; a shot's own slate names the take that stands for it.

    Raises:
        UsageError: there is no such shot or take.
    """
    shot = known_shot(store, slate)
    found = _take_of(shot, slate, store.ledger.all(subject=shot))
    if found is None:
        raise UsageError(f"Shot {shot} has no take yet.")
    return found


def settle(store: Store, slate: str, job: str | None, author: str) -> str:
    """Say what became of a request whose answer was lost.

    Args:
        slate: of the take.
        job: the provider's job id, or None when the provider never accepted it.

    Returns:
        One sentence on what happens next.

    Raises:
        UsageError: there is no such open request.
    """
    shot = known_shot(store, slate)
    rows = store.ledger.all("sent", "declined", "accepted", "settled", subject=shot)
    mine = [r for r in rows if r.body["take"] == slate]
    if not mine or mine[-1].kind != "sent":
        raise UsageError(f"No request of '{slate}' waits for an answer.")
    if job is None:
        number = int(mine[-1].body["number"])
        fact = Declined(take=slate, number=number, why=f"said by {author}")
        store.ledger.append(New("declined", f"{slate}/{number}", fact, author, shot))
        return f"{slate} will be asked for again by 'filmgate resume'."
    value = Accepted(take=slate, job=job)
    store.ledger.append(New("accepted", slate, value, author, shot))
    return f"{slate} will be fetched as job {job} by 'filmgate resume'."


def note(store: Store, value: Note) -> int:
    """Write a note down; returns the fact's id.

    Raises:
        UsageError: no such shot.
    """
    shot = known_shot(store, value.take)
    count = len(store.ledger.all("note", subject=shot))
    key = f"{shot}/{count + 1}"
    return store.ledger.append(New("note", key, value, value.reviewer, shot, value.text))[0]


def facts(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Facts as plain JSON."""
    return [row._asdict() for row in rows]
