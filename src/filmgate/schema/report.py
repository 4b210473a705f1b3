"""The published result of a check: the shape behind ``filmgate check --json``.

These are the values; the JSON Schema in ``schemas/check_report.schema.json`` is generated from
them and a test compares the two.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from filmgate.schema.shot import Against

SCHEMA_VERSION = 1

Unit = Literal[
    "de00", "stops", "mired", "deg", "percent_height", "percent_width", "lu", "db", "ratio",
    "distance", "match",
]  # fmt: skip
"""Closed list. de00: CIEDE2000. stops: log2 of light. mired: reciprocal megakelvin. percent_*: of
the picture's height or width. lu: loudness units. db: decibel. ratio: dimensionless log-ratio.
distance: dimensionless feature distance (0 equal, 1 unrelated). match: correlation advantage of
another reading of the frame, such as its mirror image (-2 to 2)."""

Status = Literal["within", "drift", "declared_change", "change_missing", "not_measured"]
VerdictWord = Literal["circle", "retake", "escalate"]
VERDICTS: tuple[VerdictWord, ...] = ("circle", "retake", "escalate")
Box = tuple[float, float, float, float]
"""[x, y, w, h], each 0 to 1, relative to the displayed frame (after rotation and pixel aspect)."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One side of a comparison, as it was measured.

    Attributes:
        text: the value in words, with its unit ("5200 K", "-23.1 LUFS", "ΔL* 4.2").
        hex: display colour (sRGB "#rrggbb") where the value is a colour, else None.
        lab: CIE L*a*b* (D65) of that colour, else None.
    """

    text: str
    hex: str | None = None
    lab: tuple[float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class CDL:
    """ASC colour decision list: out = clamp(in * slope + offset) ** power, then saturation.

    Working space: display-encoded BT.709/sRGB code values, full range 0 to 1. Saturation on
    Rec.709 luma, as the ASC CDL v1.2 says.
    """

    slope: tuple[float, float, float]
    offset: tuple[float, float, float]
    power: tuple[float, float, float]
    saturation: float = 1.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One comparison of one attribute of one shot; or why it could not be made.

    Attributes:
        check: name of the check's file in ``continuity/checks``.
        attribute: attribute path ("wardrobe/person_1/upper", "lighting/colour_temperature").
        against: what it was compared with.
        other: id of the shot it was compared with, None for a consensus, a look or itself.
        status: within tolerance, drift, declared change, declared change missing, not measured.
        reason: why not measured; or the sentence that explains the finding.
        magnitude: size of the difference in `unit`; None when not measured.
        tolerance: largest magnitude that passes, in `unit`.
        p_value: share of clean comparisons at least this large (conformal, (1+k)/(n+1)).
        frames: media frames (0-based) of this shot that were measured.
        box: the region measured in those frames; None means the whole frame.
        other_frames, other_box: the same in the other shot.
        remedy: the smallest fix, one imperative sentence.
        this, reference: the two values compared, for people.
        cdl: for a grade finding, the correction that brings the shot to its reference.
    """

    check: str
    attribute: str
    against: Against
    other: str | None
    status: Status
    reason: str | None = None
    magnitude: float | None = None
    unit: Unit | None = None
    tolerance: float | None = None
    p_value: float | None = None
    frames: tuple[int, ...] = ()
    box: Box | None = None
    other_frames: tuple[int, ...] = ()
    other_box: Box | None = None
    remedy: str | None = None
    this: Measured | None = None
    reference: Measured | None = None
    cdl: CDL | None = None


@dataclass(frozen=True, slots=True)
class ShotReport:
    """Everything said about one shot. `score` is 0 (no evidence of drift) to 1."""

    shot: str
    file: str
    in_frame: int
    out_frame: int | None
    rate: str | None
    scene: str | None
    setup: str | None
    people: tuple[str, ...]
    score: float
    p_value: float | None
    verdict: VerdictWord
    findings: tuple[Finding, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """One measured curve over a sequence, for plots; None where not measured.

    `step` is the difference from the previous shot of the scene, `accumulated` from its anchor.
    """

    check: str
    attribute: str
    unit: Unit
    tolerance: float | None
    shots: tuple[str, ...]
    step: tuple[float | None, ...]
    accumulated: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class SequenceReport:
    """The shots of one sequence in edit order, and how the drifting ones were chosen."""

    id: str
    shots: tuple[ShotReport, ...]
    decision: str
    series: tuple[Series, ...] = ()


@dataclass(frozen=True, slots=True)
class Threshold:
    """Where a tolerance comes from: its value, the clean comparisons behind it, their source."""

    threshold: float | None
    unit: Unit
    n: int
    source: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The whole of ``--json``."""

    filmgate: str
    schema_version: int
    calibration: dict[str, Threshold]
    extractors: tuple[str, ...]
    sequences: tuple[SequenceReport, ...]
    guarantee: str = "no guarantee"
    notes: tuple[str, ...] = field(default=())
