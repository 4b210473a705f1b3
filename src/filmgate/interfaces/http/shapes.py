"""Requests and answers as OpenAPI tells them; ``docs/review_api.md`` says what they mean."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from filmgate.review.desk.facts import HIGH, LOW
from filmgate.schema.decision import Ruling

Key = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{8,64}$")]
Slate = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.-]{1,120}$")]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Words = Annotated[str, StringConstraints(max_length=200, min_length=1)]
Text = Annotated[str, StringConstraints(max_length=4000)]
Score = Annotated[int, Field(ge=LOW, le=HIGH, strict=True)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Fact = Annotated[int, Field(ge=1, le=2**53, strict=True)]
Frame = Annotated[int, Field(ge=0, le=10**8, strict=True)]
Boxed = tuple[Share, Share, Share, Share]
MOST_STROKES, MOST_POINTS = 64, 4000


class Body(BaseModel):
    """Base of what is sent: unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class Scores(Body):
    """What was scored; see `scale` of the session."""

    taste: Score | None = None
    narrative: Score | None = None


class TokenBody(Body):
    """Signing in."""

    token: Annotated[str, StringConstraints(max_length=200)]


class DecideBody(Body):
    """A ruling."""

    key: Key
    take: Slate
    ruling: Ruling
    expects: Annotated[int, Field(ge=0, le=100_000, strict=True)]
    reasons: Annotated[list[Words], Field(max_length=50)] = []
    note: Text = ""
    scores: Scores = Scores()
    disagrees: Annotated[list[Words], Field(max_length=50)] = []
    person_s: Annotated[float, Field(ge=0, le=86_400, allow_inf_nan=False)] = 0.0
    saw: Fact | None = None


class UndoBody(Body):
    """Taking a ruling back."""

    key: Key
    decision: Fact


class NoteBody(Body):
    """A note on a take, on frames or on a region."""

    key: Key
    take: Slate
    text: Text = ""
    first_frame: Frame | None = None
    last_frame: Frame | None = None
    box: Boxed | None = None
    drawing: Annotated[
        list[Annotated[list[tuple[Share, Share]], Field(min_length=1, max_length=MOST_POINTS)]],
        Field(max_length=MOST_STROKES),
    ] = []


class PreferenceBody(Body):
    """The best of several takes of a shot."""

    key: Key
    shot: Slate
    best: Slate
    over: Annotated[list[Slate], Field(min_length=1, max_length=100)]
    reason: Text = ""


class SessionAnswer(BaseModel):
    """Who is asking, and what the page needs to know once."""

    reviewer: str
    role: Literal["viewer", "reviewer", "lead"]
    csrf: str
    mode: Literal["local", "tokens"]
    project: dict[str, Any]
    scale: dict[str, Any]
    rulings: list[Ruling]
    display_start: int
    version: int


class SignedOut(BaseModel):
    """The session has ended."""

    signed_out: bool


class Worst(BaseModel):
    """The strongest finding in short."""

    check: str
    attribute: str
    title: str
    text: str
    times: float | None


class RowAnswer(BaseModel):
    """One shot with the take that stands for it."""

    slate: str
    shot: str
    sequence: str
    scene: str
    state: str
    takes: int
    rulings: int
    notes: int
    score: float | None
    worst: Worst | None
    checks: list[str]
    reason: str
    by: str
    waits_for: str
    media: str | None
    frame: int | None
    at: str


class QueueAnswer(BaseModel):
    """A part of the queue, and what it can be filtered by."""

    version: int
    total: int
    offset: int
    rows: list[RowAnswer]
    facets: dict[str, list[dict[str, Any]]]


class NextAnswer(BaseModel):
    """The take to judge next."""

    slate: str | None
    left: int


class DecisionAnswer(BaseModel):
    """A ruling with what became of it."""

    id: int
    take: str
    ruling: Ruling
    number: int
    reviewer: str
    at: str
    reasons: list[str]
    note: str
    person_s: float
    saw: int | None
    scores: dict[str, int]
    disagrees: list[str]
    undoes: int | None
    undone: bool
    applied: bool
    stale: bool


class NotePlain(BaseModel):
    """A note."""

    id: int
    take: str
    reviewer: str
    at: str
    text: str
    first_frame: int | None
    last_frame: int | None
    box: list[float] | None
    drawing: list[list[tuple[float, float]]]


class PreferencePlain(BaseModel):
    """A preference."""

    id: int
    shot: str
    better: str
    worse: str
    reviewer: str
    reason: str
    at: str


class Pair(BaseModel):
    """What to see a take beside: another take, or a picture that was declared (`look`)."""

    role: Literal["finding", "before", "after", "anchor", "previous", "setup", "look", "chosen"]
    label: str
    slate: str
    shot: str
    media: str
    mime: str
    rate: str | None
    frames: int
    at: int
    here: int
    exact: bool


class FrameRow(BaseModel):
    """One frame in all its numbers."""

    frame: int
    display: int
    timecode: str


class TimedRow(FrameRow):
    """With when it comes on screen, seconds from the first frame."""

    time_s: float


class OtherSide(BaseModel):
    """What a finding was compared with."""

    shot: str
    slate: str
    media: str
    mime: str
    exact: bool
    box: list[float] | None
    frames: list[FrameRow]


class FindingAnswer(BaseModel):
    """One finding."""

    number: int
    key: str | None
    check: str
    attribute: str
    title: str
    status: str
    against: str
    against_text: str
    text: str
    reason: str | None
    remedy: str | None
    magnitude: float | None
    unit: str | None
    unit_text: str
    tolerance: float | None
    times: float | None
    p_value: float | None
    p_text: str | None
    box: list[float] | None
    frames: list[FrameRow]
    loop: dict[str, int] | None
    other: OtherSide | None
    this: dict[str, Any] | None
    reference: dict[str, Any] | None
    cdl: dict[str, Any] | None
    accepted: bool
    disagreed: list[dict[str, Any]]


class VerdictAnswer(BaseModel):
    """The machine's word."""

    id: int
    word: Literal["circle", "retake", "escalate"]
    score: float
    p_value: float | None
    round: int
    calibration: str
    at: str


class Reason(BaseModel):
    """A reason code with its key."""

    key: str | None
    code: str
    text: str


class EvidenceAnswer(BaseModel):
    """What the machine said of a take."""

    take: str
    withheld: bool
    verdict: VerdictAnswer | None
    reason: str
    findings: list[FindingAnswer]
    reasons: list[Reason]


class ClipAnswer(BaseModel):
    """The frame table of a media file."""

    digest: str
    frames: int
    rate: str | None
    fps: float | None
    nominal: int | None
    drop: bool
    width: int | None
    height: int | None
    duration_s: float | None
    start_s: float | None
    constant: bool
    times_s: list[float] | None
    timecode: str | None
    display_start: int
    has_sound: bool
    playable: bool
    notes: list[str]
    reason: str | None


class TableAnswer(BaseModel):
    """Rows of the frame table."""

    rows: list[TimedRow]


class PeopleAnswer(BaseModel):
    """What people said about a shot."""

    decisions: list[DecisionAnswer]
    notes: list[NotePlain]
    preferences: list[PreferencePlain]


class TakeAnswer(BaseModel):
    """Everything about one take."""

    version: int
    slate: str
    shot: str
    sequence: str
    number: int
    state: str
    waits_for: str
    rulings: int
    made_at: str
    media: dict[str, Any]
    clip: ClipAnswer
    recipe: dict[str, Any]
    cost: dict[str, float]
    planned: dict[str, Any]
    machine: EvidenceAnswer
    people: PeopleAnswer
    takes: list[dict[str, Any]]
    pairs: list[Pair]
    next: str | None


class PairsAnswer(BaseModel):
    """What a take can be seen beside."""

    pairs: list[Pair]


class CutAnswer(BaseModel):
    """The cut around a take."""

    handles: int
    total: int
    parts: list[dict[str, Any]]


class Curve(BaseModel):
    """One measured curve over a sequence."""

    check: str
    attribute: str
    title: str
    unit: str
    unit_text: str
    tolerance: float | None
    step: list[float | None]
    accumulated: list[float | None]


class SeriesAnswer(BaseModel):
    """The curves of a sequence with one shot marked."""

    take: str
    sequence: str
    shots: list[str]
    mark: int
    series: list[Curve]
    not_measured: list[dict[str, str]]
    notes: list[str]


class ScopeAnswer(BaseModel):
    """Pixels per level."""

    frame: int
    pixels: int
    bins: int
    luma: list[int]
    red: list[int]
    green: list[int]
    blue: list[int]
    mean: list[float]
    clipped: dict[str, float]
    box: list[float] | None


class DecidedAnswer(BaseModel):
    """A ruling that was written down."""

    decision: DecisionAnswer
    replayed: bool
    next: str | None
    left: int
    applies: Literal["now", "run", "resume"]


class NoteAnswer(BaseModel):
    """A note that was written down."""

    note: NotePlain
    replayed: bool


class PreferencesAnswer(BaseModel):
    """Preferences that were written down."""

    preferences: list[PreferencePlain]
    replayed: bool


class SequencesAnswer(BaseModel):
    """Every sequence."""

    sequences: list[dict[str, Any]]


class SheetAnswer(BaseModel):
    """The contact sheet."""

    id: str
    rows: list[RowAnswer]


class ReportedShot(BaseModel):
    """One shot of a report."""

    row: RowAnswer
    decisions: list[DecisionAnswer]
    notes: list[NotePlain]
    machine: dict[str, Any] | None
    withheld: bool


class ReportAnswer(BaseModel):
    """A review report."""

    id: str
    title: str
    version: int
    at: str
    counts: dict[str, int]
    reviewers: list[str]
    shots: list[ReportedShot]
