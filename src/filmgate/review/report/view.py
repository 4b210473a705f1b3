"""One page, sequence, shot or finding as the templates want it: chosen, sorted, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup

from filmgate.review.report import pairs, words
from filmgate.review.report.evidence import MANY_SHOTS, FrameSource, Gallery, Picture, Plan, gather
from filmgate.review.report.plots import Plot, bar, draw
from filmgate.schema.report import (
    VERDICTS,
    CheckReport,
    Finding,
    Measured,
    SequenceReport,
    ShotReport,
)

State = Literal["drift", "escalated", "unmeasured", "within"]

MAX_CARDS = 240
"""Shots with a card of their own; beyond these the least drift is listed in rows."""
FULL = 3
"""Findings of a card that are shown with frames."""
_OPEN_PLOTS = 12
_DRIFT = ("drift", "change_missing")
_CROP_WIDTH, _CROP_HEIGHT = 168.0, 92.0
_CROP_BELOW = 0.5  # regions larger than this share of the frame need no enlargement


@dataclass(frozen=True, slots=True)
class SideView:
    """One half of a pair of frames."""

    side: pairs.Side
    picture: Picture | None
    empty: str
    caption: str

    @property
    def rect(self) -> tuple[float, float, float, float] | None:
        """The measured region in pixels of the picture, kept inside of it."""
        if self.picture is None or self.side.box is None:
            return None
        x, y, w, h = (words.finite(v) or 0.0 for v in self.side.box)
        left, top = min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
        right, bottom = min(max(x + w, left), 1.0), min(max(y + h, top), 1.0)
        wide, high = self.picture.width, self.picture.height
        return left * wide, top * high, (right - left) * wide, (bottom - top) * high

    @property
    def crop(self) -> tuple[float, float] | None:
        """Displayed size of the enlarged region; None where the frame shows it well enough."""
        rect, picture = self.rect, self.picture
        if rect is None or picture is None or min(rect[2:]) < 1:
            return None
        if rect[2] * rect[3] > _CROP_BELOW * picture.width * picture.height:
            return None
        scale = min(_CROP_WIDTH / rect[2], _CROP_HEIGHT / rect[3])
        return rect[2] * scale, rect[3] * scale


@dataclass(frozen=True, slots=True)
class ValueView:
    """One of the two values compared."""

    role: str
    text: str
    hex: str | None
    lab: str | None
    side: SideView | None


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding in words; `sides` only for those that are shown in full."""

    finding: Finding
    title: str
    against: str
    magnitude: str | None
    tolerance: str | None
    times: float | None
    bar: Markup
    share: str | None
    sides: tuple[SideView, SideView] | None = None
    values: tuple[ValueView, ...] = ()

    @property
    def shape(self) -> str:
        """Aspect ratio of the frames, for what stands in a frame's place."""
        found = [side.picture for side in self.sides or () if side.picture is not None]
        return f"{found[0].width}/{found[0].height}" if found else "16/9"


@dataclass(frozen=True, slots=True)
class ShotView:
    """One shot: a tile of the strip, and a card where it drifts."""

    shot: ShotReport
    dom_id: str
    state: State
    thumb: Picture | None
    where: str
    scene_starts: bool
    worst: FindingView | None
    full: tuple[FindingView, ...]
    rows: tuple[FindingView, ...]
    unmeasured: tuple[tuple[str, str], ...]
    measured: int
    has_card: bool

    @property
    def mark(self) -> str:
        """The symbol of the strip: the verdict, or that nothing could be measured."""
        return "unmeasured" if self.state == "unmeasured" else self.shot.verdict


@dataclass(frozen=True, slots=True)
class ReasonView:
    """A reason for not measuring, and what it concerns."""

    reason: str
    comparisons: int
    shots: tuple[str, ...]
    attributes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SequenceView:
    """One sequence of the page."""

    dom_id: str
    title: str
    decision: str
    shots: tuple[ShotView, ...]
    dense: bool
    cards: tuple[ShotView, ...]
    listed: tuple[ShotView, ...]
    plots: tuple[Plot, ...]
    calm_plots: tuple[Plot, ...]
    declared: tuple[tuple[str, FindingView], ...]
    reasons: tuple[ReasonView, ...]

    @property
    def within(self) -> tuple[ShotView, ...]:
        """The shots that need no attention."""
        return tuple(shot for shot in self.shots if shot.state == "within")

    def number_of(self, state: State) -> int:
        """How many shots are in a state."""
        return sum(shot.state == state for shot in self.shots)


@dataclass(frozen=True, slots=True)
class PageView:
    """The whole page."""

    report: CheckReport
    sequences: tuple[SequenceView, ...]
    reasons: tuple[ReasonView, ...]
    pictures: tuple[Picture, ...]

    @property
    def shots(self) -> int:
        """Shots checked."""
        return sum(len(sequence.shots) for sequence in self.sequences)

    def number_of(self, state: State) -> int:
        """How many shots are in a state."""
        return sum(sequence.number_of(state) for sequence in self.sequences)

    @property
    def drift_marks(self) -> list[str]:
        """The symbols that stand for drift in this report's strips."""
        drifting = {s.mark for q in self.sequences for s in q.shots if s.state == "drift"}
        return [word for word in VERDICTS if word in drifting]

    @property
    def verdicts(self) -> list[tuple[str, int]]:
        """Shots per verdict, from the mildest."""
        said = [shot.shot.verdict for sequence in self.sequences for shot in sequence.shots]
        return [(word, said.count(word)) for word in VERDICTS]


def build(report: CheckReport, source: FrameSource) -> PageView:
    """Choose what the page shows, fetch its frames, and put everything into words."""
    lookups = [pairs.Lookup(sequence) for sequence in report.sequences]
    cards = _choose_cards(report)
    plan = Plan()
    for s, t in cards:
        shot = report.sequences[s].shots[t]
        for finding in _split(shot)[0]:
            for side in pairs.pair(shot, finding, lookups[s]):
                plan.want(side.file, side.frame)
    for sequence in report.sequences:
        for shot in sequence.shots:
            plan.want_thumb(shot.file, _thumb_frame(shot), len(sequence.shots) > MANY_SHOTS)
    gallery = gather(plan, source)
    chosen = frozenset(cards)
    return PageView(
        report=report,
        sequences=tuple(
            _sequence(i, sequence, lookups[i], gallery, chosen)
            for i, sequence in enumerate(report.sequences)
        ),
        reasons=_reasons(_named(report)),
        pictures=tuple(gallery.evidence.values()),
    )


def state(shot: ShotReport) -> State:
    """What the strip says of a shot: a drift outweighs everything, a pass must be measured."""
    said = {finding.status for finding in shot.findings}
    if said.intersection(_DRIFT):
        return "drift"
    if not said - {"not_measured"}:
        return "unmeasured"
    return "within" if shot.verdict == "circle" else "escalated"


def _choose_cards(report: CheckReport) -> list[tuple[int, int]]:
    """Shots that get a card, worst first: they take their frames in this order."""
    ranked = [
        (-_rank(shot), s, t)
        for s, sequence in enumerate(report.sequences)
        for t, shot in enumerate(sequence.shots)
        if state(shot) != "within"
    ]
    return [(s, t) for _, s, t in sorted(ranked)[:MAX_CARDS]]


def _rank(shot: ShotReport) -> float:
    drifts = [f for f in shot.findings if f.status in _DRIFT]
    return max((_weight(f) for f in drifts), default=0.0)


def _weight(finding: Finding) -> float:
    """Tolerances; a declared change that is missing is small by nature, yet comes first."""
    if finding.status == "change_missing":
        return 1e6
    return words.multiple(finding) or 0.0


def _split(shot: ShotReport) -> tuple[list[Finding], list[Finding]]:
    """The drifts shown in full and those shown as rows, both worst first.

    The full ones are of different attributes while there are any: the same jacket against three
    other shots says less than a jacket, a lamp and a cup.
    """
    ordered = sorted((f for f in shot.findings if f.status in _DRIFT), key=_weight, reverse=True)
    firsts: dict[str, Finding] = {}
    for finding in ordered:
        firsts.setdefault(finding.attribute, finding)
    chosen = {id(f) for f in list(firsts.values())[:FULL]}
    for finding in ordered:
        if len(chosen) < FULL:
            chosen.add(id(finding))
    full = [f for f in ordered if id(f) in chosen]
    return full, [f for f in ordered if id(f) not in chosen]


def _thumb_frame(shot: ShotReport) -> int:
    seen = sorted({frame for finding in shot.findings for frame in finding.frames})
    return seen[len(seen) // 2] if seen else shot.in_frame


def _sequence(
    index: int,
    sequence: SequenceReport,
    lookup: pairs.Lookup,
    gallery: Gallery,
    chosen: frozenset[tuple[int, int]],
) -> SequenceView:
    scenes = [shot.scene for shot in sequence.shots]
    starts = [bool(s) and (i == 0 or s != scenes[i - 1]) for i, s in enumerate(scenes)]
    # Intercut scenes change at every shot: a label each time would be noise, the tiles say it.
    labelled = sum(starts) <= max(1, len(scenes) // 3)
    shots = tuple(
        _shot(f"s{index}-t{t}", shot, lookup, gallery, starts[t] and labelled, (index, t) in chosen)
        for t, shot in enumerate(sequence.shots)
    )
    drawn = _plots(sequence)
    loud = [p for p in drawn if p.worst is not None and p.worst > 1][:_OPEN_PLOTS]
    return SequenceView(
        dom_id=f"s{index}",
        title=sequence.id or "Unnamed sequence",
        decision=sequence.decision,
        shots=shots,
        dense=len(shots) > MANY_SHOTS,
        cards=tuple(shot for shot in shots if shot.has_card),
        listed=tuple(s for s in shots if not s.has_card and s.state != "within"),
        plots=tuple(loud),
        calm_plots=tuple(p for p in drawn if p not in loud),
        declared=tuple(
            (shot.shot, _finding(shot, finding, lookup))
            for shot in sequence.shots
            for finding in shot.findings
            if finding.status == "declared_change"
        ),
        reasons=_reasons((shot.shot, shot) for shot in sequence.shots),
    )


def _plots(sequence: SequenceReport) -> list[Plot]:
    scenes = {shot.shot: shot.scene for shot in sequence.shots}
    drawn = [draw(series, scenes) for series in sequence.series if series.shots]
    return sorted(drawn, key=lambda plot: -(plot.worst or 0.0))


def _shot(
    dom_id: str,
    shot: ShotReport,
    lookup: pairs.Lookup,
    gallery: Gallery,
    scene_starts: bool,
    has_card: bool,
) -> ShotView:
    full, rows = _split(shot)
    compared = [f for f in shot.findings if f.status in ("within", *_DRIFT)]
    worst = max(compared, key=_weight, default=None)
    return ShotView(
        shot=shot,
        dom_id=dom_id,
        state=state(shot),
        thumb=gallery.thumbs.get((shot.file, _thumb_frame(shot))),
        where=words.frame_range(shot),
        scene_starts=scene_starts,
        worst=None if worst is None else _finding(shot, worst, lookup),
        full=tuple(_finding(shot, f, lookup, gallery) for f in full) if has_card else (),
        rows=tuple(_finding(shot, f, lookup) for f in rows) if has_card else (),
        unmeasured=tuple(
            (words.attribute(f.attribute), f.reason or "no reason was given")
            for f in shot.findings
            if f.status == "not_measured"
        ),
        measured=len({f.attribute for f in shot.findings if f.status != "not_measured"}),
        has_card=has_card,
    )


def _finding(
    shot: ShotReport, finding: Finding, lookup: pairs.Lookup, gallery: Gallery | None = None
) -> FindingView:
    times = words.multiple(finding)
    sides: tuple[SideView, SideView] | None = None
    if gallery is not None:
        this, other = pairs.pair(shot, finding, lookup)
        sides = (_side(this, gallery), _side(other, gallery))
    return FindingView(
        finding=finding,
        title=words.attribute(finding.attribute),
        against=pairs.against(shot, finding, lookup),
        magnitude=words.quantity(finding.magnitude, finding.unit),
        tolerance=words.quantity(finding.tolerance, finding.unit),
        times=times,
        bar=bar(times),
        share=words.share(finding.p_value),
        sides=sides,
        values=_values(finding, sides),
    )


def _side(side: pairs.Side, gallery: Gallery) -> SideView:
    if side.file is None or side.frame is None:
        return SideView(side, None, side.empty, "")
    picture = gallery.evidence.get((side.file, side.frame))
    if picture is None:
        return SideView(side, None, gallery.absence(side.file, side.frame), f"frame {side.frame}")
    what = "measured region outlined" if side.box else "whole frame measured"
    return SideView(side, picture, "", f"frame {side.frame}, {what}")


def _values(finding: Finding, sides: tuple[SideView, SideView] | None) -> tuple[ValueView, ...]:
    roles = ("At the start", "At the end") if finding.against == "itself" else _roles(finding)
    both: Sequence[Measured | None] = (finding.this, finding.reference)
    if finding.against == "itself":
        both = (finding.reference, finding.this)  # in the order of the frames above them
    return tuple(
        ValueView(
            role=role,
            text=value.text,
            hex=words.swatch(value),
            lab=words.lab(value),
            side=sides[i] if sides is not None else None,
        )
        for i, (role, value) in enumerate(zip(roles, both, strict=True))
        if value is not None
    )


def _roles(finding: Finding) -> tuple[str, str]:
    if finding.against == "look":
        return "This shot", "Declared"
    return "This shot", finding.other or "The scene's consensus"


def _named(report: CheckReport) -> Iterator[tuple[str, ShotReport]]:
    """Every shot with a name of its own: in many sequences there is a shot_01."""
    for sequence in report.sequences:
        for shot in sequence.shots:
            alone = len(report.sequences) == 1
            yield shot.shot if alone else f"{sequence.id}/{shot.shot}", shot


def _reasons(shots: Iterable[tuple[str, ShotReport]]) -> tuple[ReasonView, ...]:
    """Why something was not measured, the reason that concerns most comparisons first.

    Args:
        shots: each with the name to call it by.
    """
    found: dict[str, tuple[list[str], dict[str, None], dict[str, None]]] = {}
    for name, shot in shots:
        for finding in shot.findings:
            if finding.status == "not_measured":
                reason = finding.reason or "no reason was given"
                hits, names, paths = found.setdefault(reason, ([], {}, {}))
                hits.append(name)
                names[name] = None
                paths[words.attribute(finding.attribute)] = None
        if not shot.findings:
            text = shot.notes[0] if shot.notes else "nothing was measured in this shot"
            hits, names, paths = found.setdefault(text, ([], {}, {}))
            hits.append(name)
            names[name] = None
    views = [ReasonView(r, len(h), tuple(n), tuple(p)) for r, (h, n, p) in found.items()]
    return tuple(sorted(views, key=lambda view: -view.comparisons))
