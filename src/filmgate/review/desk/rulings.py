"""Writing down what people say: each thing once, and never over somebody else's word.

Every request carries a key that the page made up. What it asks for and the key are written in one
transaction, so after a crash, a lost answer or a double click the key is either there, with all
that belongs to it, or nothing is. Rulings on one take are numbered; the ledger takes each number
once, so of two people who rule at once the second is told (`Taken`).
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from filmgate.assets.ledger import New, Row
from filmgate.assets.store import Store
from filmgate.assets.vault import PREFIX
from filmgate.errors import Conflict, UsageError
from filmgate.review.desk import facts
from filmgate.review.desk.facts import Judgement
from filmgate.review.desk.index import Entry, Made, NotThere, Ruled, View
from filmgate.schema.decision import RULINGS, Decision, Note, Preference, Ruling, VerdictFact
from filmgate.schema.report import Box
from filmgate.schema.value import canonical

WITHOUT_TAKE: tuple[Ruling, ...] = ("retake", "hold", "ng")
"""What can be ruled on a shot that has no take."""
UNDONE = "Undone."
_WRITING = threading.Lock()
"""Writers of one process wait in line here. In the database they would sleep and try again, up to
0.1 s at a time, and whoever came last may come first."""


class Taken(Conflict):
    """Somebody has ruled on the take since the page was shown.

    Attributes:
        take: slate of the take. decision: id of the newest ruling on it.
        rulings: how many there are now.
    """

    def __init__(self, text: str, take: str, decision: int, rulings: int) -> None:
        super().__init__(text)
        self.take, self.decision, self.rulings = take, decision, rulings


class Forbidden(UsageError):
    """The reviewer's role does not reach so far."""


@dataclass(frozen=True)
class Ask:
    """A ruling as the page asks for it.

    Attributes:
        key: made by the page, the same whenever it sends this again.
        take: slate of a take, or of a shot without one.
        expects: rulings on the take that the page showed.
        saw: id of the verdict that it showed.
    """

    key: str
    take: str
    ruling: Ruling
    expects: int
    reasons: tuple[str, ...] = ()
    note: str = ""
    scores: Mapping[str, int] = field(default_factory=dict)
    disagrees: tuple[str, ...] = ()
    person_s: float = 0.0
    saw: int | None = None

    def form(self, reviewer: str) -> str:
        """What is asked for, in one number; the time spent is left out, since it goes on."""
        plain = {
            "take": self.take, "ruling": self.ruling, "expects": self.expects, "note": self.note,
            "reasons": list(self.reasons), "scores": dict(self.scores),
            "disagrees": list(self.disagrees), "saw": self.saw, "reviewer": reviewer,
        }  # fmt: skip
        return hashlib.sha256(canonical(plain)).hexdigest()


@dataclass(frozen=True)
class Written:
    """What was written, or had been: id of the decision, its take, and whether it was a replay."""

    decision: int
    take: str
    ruling: Ruling
    replayed: bool


def decide(store: Store, view: View, ask: Ask, reviewer: str) -> Written:
    """Write a ruling down.

    Raises:
        Taken: somebody has ruled on the take meanwhile; nothing was written.
        UsageError: it cannot be ruled so.
    """
    form = ask.form(reviewer)
    if (known := _replay(store, ask.key, form)) is not None:
        return known
    entry, made = view.take(ask.take)
    _check(ask, entry, made)
    about = made.slate if made is not None else entry.shot
    rows = store.ledger.all(subject=entry.shot)
    seen = _verdict(rows, about, ask.saw)
    verdict = None if seen is None else seen.value(VerdictFact)
    judgement = Judgement(
        take=about, decision=ask.expects + 1, form=form, scores=dict(ask.scores),
        disagrees=ask.disagrees, audit=entry.audit and made == entry.take,
        raised_by={} if verdict is None else {
            str(f["check"]): verdict.calibration for f in verdict.findings
        },
    )  # fmt: skip
    decision = Decision(
        take=about, ruling=ask.ruling, number=ask.expects + 1, reviewer=reviewer,
        reasons=ask.reasons, note=ask.note, evidence=_evidence(made, verdict),
        saw=seen.id if seen is not None else None, person_s=ask.person_s,
    )  # fmt: skip
    return _append(store, entry.shot, decision, judgement, ask.key)


def _check(ask: Ask, entry: Entry, made: Made | None) -> None:
    if ask.ruling not in RULINGS:
        raise UsageError(f"'{ask.ruling}' is no ruling: say {', '.join(RULINGS)}.")
    if made is None and ask.ruling not in WITHOUT_TAKE:
        raise UsageError(f"Shot {entry.shot} has no take that could be ruled '{ask.ruling}'.")
    if ask.ruling == "retake" and not ask.note.strip() and not ask.reasons:
        raise UsageError("A retake needs a word on what to change: give a reason or a note.")
    about = made.slate if made is not None else entry.shot
    there_are = entry.rulings.get(about, 0)
    if ask.expects > there_are:
        raise UsageError(f"There are {there_are} rulings on {about}, not {ask.expects}.")


def _verdict(rows: Iterable[Row], take: str, saw: int | None) -> Row | None:
    """The verdict that the page showed, else the newest on the take.

    Raises:
        UsageError: `saw` is no verdict on the take.
    """
    mine = [r for r in rows if r.kind == "verdict" and r.body["take"] == take]
    if saw is None:
        return mine[-1] if mine else None
    shown = [r for r in mine if r.id == saw]
    if not shown:
        raise UsageError(f"Fact {saw} is no verdict on {take}.")
    return shown[0]


def _evidence(made: Made | None, verdict: VerdictFact | None) -> tuple[str, ...]:
    """Digests of what the ruling was made on, this take first."""
    mine = [] if made is None else [PREFIX + made.media]
    others = [] if verdict is None else verdict.compared.values()
    return tuple(dict.fromkeys([*mine, *others]))


def _replay(store: Store, key: str, form: str) -> Written | None:
    """What was written under `key`; None when nothing was.

    Raises:
        UsageError: something else was.
    """
    row = store.ledger.get(facts.KIND, key)
    if row is None:
        return None
    if row.body["form"] != form:
        raise UsageError(f"The key '{key}' was used for another decision: make a new one.")
    take, number = str(row.body["take"]), int(row.body["decision"])
    decision = store.ledger.get("decision", f"{take}/{number}")
    assert decision is not None, f"judgement {key} has no decision {take}/{number}"
    return Written(decision.id, take, decision.body["ruling"], True)


def _append(store: Store, shot: str, decision: Decision, judgement: Judgement, key: str) -> Written:
    """Write both or none.

    Raises:
        Taken: the number was taken.
    """
    who, take = decision.reviewer, decision.take
    new = New(
        "decision", f"{take}/{decision.number}", decision, who, shot, decision.note,
        decision.evidence,
    )  # fmt: skip
    try:
        with _WRITING:
            ids = store.ledger.append(new, New(facts.KIND, key, judgement, who, shot))
    except Conflict:
        # The same request may have come twice at once; then the other one wrote it.
        if (known := _replay(store, key, judgement.form)) is not None:
            return known
        raise _taken(store, shot, take) from None
    return Written(ids[0], take, decision.ruling, False)


def _taken(store: Store, shot: str, take: str) -> Taken:
    rows = [r for r in store.ledger.all("decision", subject=shot) if r.body["take"] == take]
    last = rows[-1]
    return Taken(
        f"{last.body['reviewer']} has ruled '{last.body['ruling']}' on {take} meanwhile: "
        "look at it again, then decide.",
        take, last.id, len(rows),
    )  # fmt: skip


def undo(
    store: Store, view: View, key: str, decision: int, reviewer: str, any_reviewer: bool
) -> Written:
    """Take the newest ruling on a take back, by a new one that says what was ruled before it.

    Where nothing was ruled before, the shot goes back to where the machine had left it: a take that
    waited waits again (a `hold` that reopens), a circled one is circled.

    Args:
        decision: id of the ruling.
        any_reviewer: whether those of others may be undone.

    Raises:
        Taken: it is not the newest one any more.
        Forbidden: it is somebody else's.
        UsageError: there is no such ruling, or what it asked for is being made already.
    """
    plain = {"undo": decision, "reviewer": reviewer}
    form = hashlib.sha256(canonical(plain)).hexdigest()
    if (known := _replay(store, key, form)) is not None:
        return known
    entry, ruled = _ruled(view, decision)
    if ruled.reviewer != reviewer and not any_reviewer:
        raise Forbidden(f"{ruled.reviewer} ruled that: only they, or a lead, can undo it.")
    if ruled != entry.last:
        assert entry.last is not None
        raise _taken(store, entry.shot, entry.last.take)
    if ruled.ruling == "retake" and ruled.applied:
        raise UsageError("The retake is on its way already: rule on the new take when it is here.")
    rows = store.ledger.all(subject=entry.shot)
    said = next(r for r in rows if r.id == decision).value(Decision)
    now = _before(rows, entry)
    value = (now or said).replaced(
        ruling=now.ruling if now is not None else _untouched(rows), reviewer=reviewer,
        number=entry.rulings[(now or said).take] + 1, person_s=0.0,
        reasons=now.reasons if now is not None else (), note=(now and now.note) or UNDONE,
    )  # fmt: skip
    judgement = Judgement(
        take=value.take, decision=value.number, form=form, undoes=decision,
        reopens=now is None and value.ruling == "hold",
    )  # fmt: skip
    return _append(store, entry.shot, value, judgement, key)


def _ruled(view: View, decision: int) -> tuple[Entry, Ruled]:
    for entry in view.entries.values():
        for ruled in entry.decisions:
            if ruled.id == decision:
                return entry, ruled
    raise NotThere(f"There is no decision {decision}.")


def _before(rows: Sequence[Row], entry: Entry) -> Decision | None:
    """The ruling on the shot that held before the newest one; None when none did."""
    if len(entry.decisions) < 2:
        return None
    earlier = entry.decisions[-2]
    # A retake that was made already has been answered: saying it again would buy another.
    if earlier.reopens or (earlier.ruling == "retake" and earlier.applied):
        return None
    return next(r for r in rows if r.id == earlier.id).value(Decision)


def _untouched(rows: Sequence[Row]) -> Ruling:
    """The ruling that leaves a shot as the machine had it: circled, or waiting (a `hold`)."""
    machine = [r for r in rows if r.kind == "standing" and r.body["by"] == "machine"]
    circled = bool(machine) and machine[-1].body["state"] == "circled"
    audit = any(r.kind == facts.KIND and r.body["audit"] for r in rows)
    return "circle" if circled and not audit else "hold"


def note(
    store: Store, view: View, key: str, value: Note, strokes: Sequence[Any]
) -> tuple[Row, bool]:  # fmt: skip
    """Write a note down; the fact, and whether it was there already.

    Raises:
        UsageError: no such take, nothing said, or the key was used for another note.
    """
    entry, made = view.take(value.take)
    if not value.text.strip() and value.box is None and not strokes:
        raise UsageError("The note is empty: write something, or mark a region.")
    first, last = value.first_frame, value.last_frame
    if last is not None and (first is None or last < first):
        raise UsageError(f"Frames {first} to {last} are not a range.")
    drawing = json.dumps(strokes, separators=(",", ":")) if strokes else ""
    about = made.slate if made is not None else entry.shot
    value = value.replaced(take=about, drawing=drawing)
    name = f"{entry.shot}/{key}"
    new = New("note", name, value, value.reviewer, entry.shot, value.text)
    rows, replayed = _once(store, [new])
    return rows[0], replayed


def prefer(
    store: Store, view: View, key: str, shot: str, best: str, over: Sequence[str], reason: str,
    reviewer: str,
) -> tuple[list[Row], bool]:  # fmt: skip
    """Write down that one take is better than others of its shot, one fact for each of them.

    Returns:
        The facts, and whether they were there already.

    Raises:
        UsageError: they are not takes of the shot, or the key was used for something else.
    """
    entry = view.entry(shot)
    known = {made.slate for made in entry.takes}
    strangers = [slate for slate in (best, *over) if slate not in known]
    if strangers or entry.shot != shot:
        raise NotThere(f"Shot {shot} has no take '{(strangers or [shot])[0]}'.")
    if best in over or len(set(over)) != len(over) or not over:
        raise UsageError("Name one take as the best, and each of the others once.")
    values = [
        Preference(shot=shot, better=best, worse=worse, reviewer=reviewer, reason=reason)
        for worse in over
    ]
    return _once(
        store,
        [
            New("preference", f"{shot}/{key}/{n}", value, reviewer, shot, reason)
            for n, value in enumerate(values, 1)
        ],
    )


def _once(store: Store, new: Sequence[New]) -> tuple[list[Row], bool]:
    """The facts, and whether an earlier sending of the same request had written them.

    Raises:
        UsageError: the key was used for something else.
    """
    replayed = False
    try:
        with _WRITING:
            store.ledger.append(*new)
    except Conflict:
        replayed = True
    rows = [store.ledger.get(fact.kind, fact.key) for fact in new]
    for fact, row in zip(new, rows, strict=True):
        if row is None or row.body != fact.value.plain():
            raise UsageError("The key was used for something else: make a new one.")
    return [row for row in rows if row is not None], replayed


def boxed(values: Sequence[float] | None) -> Box | None:
    """Four numbers as a region inside of the picture.

    Raises:
        UsageError: it lies outside.
    """
    if values is None:
        return None
    x, y, w, h = values
    slack = 1e-6
    inside = min(x, y) >= 0 and w > 0 and h > 0 and x + w <= 1 + slack and y + h <= 1 + slack
    if not inside:
        raise UsageError("The region lies outside of the picture: x, y, w, h are shares of it.")
    return x, y, w, h
