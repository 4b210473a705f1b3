"""What people say and rule, and what passes from one stage to the next."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from filmgate.schema.report import Box, VerdictWord
from filmgate.schema.value import Fact

Ruling = Literal["circle", "retake", "hold", "ng", "intended"]
"""What a person can rule. intended: the deviation is wanted; the acceptance names what it was
seen on, and expires when one of the two shots changes."""
RULINGS: tuple[Ruling, ...] = ("circle", "retake", "hold", "ng", "intended")


class VerdictFact(Fact):
    """The system's word on a take.

    Attributes:
        take: slate of the take.
        word: circle, retake or escalate.
        findings: those findings of the report that are not within tolerance, as published.
        score, p_value: as in the report.
        calibration: version and source of the calibration that it rests on.
        compared: digest of the media of every take it was compared with, by shot.
        round: number of the comparison of its sequence.
        machine_s: its share of the seconds that measuring and comparing took.
    """

    take: str
    word: VerdictWord
    findings: tuple[dict[str, object], ...] = ()
    score: float = 0.0
    p_value: float | None = None
    calibration: str = ""
    compared: dict[str, str] = Field(default_factory=dict)
    round: int = 0
    machine_s: float = Field(default=0.0, ge=0)


class Decision(Fact):
    """A person's ruling on a take.

    Attributes:
        take: slate of the take.
        ruling: what was ruled.
        number: how many rulings there are on this take with this one; the ledger takes each number
            once, so of two people who rule at once the second is told.
        reviewer: who.
        reasons: attribute paths or reason codes.
        note: in words.
        evidence: digests of the media it was seen on, this take first.
        saw: the verdict fact that was shown, by its id in the ledger.
        person_s: seconds spent on it.
    """

    take: str
    ruling: Ruling
    number: int = Field(default=1, ge=1)
    reviewer: str
    reasons: tuple[str, ...] = ()
    note: str = ""
    evidence: tuple[str, ...] = ()
    saw: int | None = None
    person_s: float = Field(default=0.0, ge=0)


class Judgement(Fact):
    """What a person says in the review room with one decision, besides the ruling.

    Attributes:
        take: slate of the take (or of the shot, where there is none).
        decision: number of the decision on that take.
        form: SHA-256 of what was asked for, so that one key cannot mean two things.
        scores: what was scored, to its value; the scale is the review room's.
        disagrees: attribute paths of findings that the person holds to be wrong.
        raised_by: check to the version that its finding rested on, of every finding shown.
        audit: whether the take was shown by chance (an audit sample), not because it was escalated.
        undoes: id of the decision that this one takes back.
        reopens: whether the take waits for a person again, as if nobody had ruled.
    """

    take: str
    decision: int = Field(ge=1)
    form: str
    scores: dict[str, int] = Field(default_factory=dict)
    disagrees: tuple[str, ...] = ()
    raised_by: dict[str, str] = Field(default_factory=dict)
    audit: bool = False
    undoes: int | None = None
    reopens: bool = False


class Note(Fact):
    """What a reviewer says about a take, on frames or a region of them (media frames, 0-based)."""

    take: str
    reviewer: str
    text: str
    first_frame: int | None = Field(default=None, ge=0)
    last_frame: int | None = Field(default=None, ge=0)
    box: Box | None = None
    drawing: str = ""


class Preference(Fact):
    """Of two takes of a shot, the one that a person likes better, and why."""

    shot: str
    better: str
    worse: str
    reviewer: str
    reason: str = ""


class Handoff(Fact):
    """One item passing from one stage to the next: what the coordination gap is measured from.

    Attributes:
        item: the shot's slate.
        run: which of the item's ways through the pipeline this belongs to; the same from its first
            handoff to its last, whatever process writes them.
        source, target: stages ("generate", "verify", "review").
        attempt: attempt at the stage, from 1.
        verifier: the machine's word on what was handed over; None where nothing looked.
        person: a person's word on it; None where nobody looked.
        audit: whether a person looked by chance (an audit sample), not because it was escalated.
        cost_usd, time_s: of the stage that handed over.
        started, ended: ISO 8601 times, UTC.
    """

    item: str
    run: str
    source: str
    target: str
    attempt: int = Field(ge=1)
    verifier: str | None = None
    person: str | None = None
    audit: bool = False
    cost_usd: float = Field(default=0.0, ge=0)
    time_s: float = Field(default=0.0, ge=0)
    started: str = ""
    ended: str = ""
