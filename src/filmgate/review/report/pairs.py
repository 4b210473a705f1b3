"""Which two frames show a finding: this shot's, and that of what it was compared with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from filmgate.review.report import words
from filmgate.schema.report import Box, Finding, SequenceReport, ShotReport


@dataclass(frozen=True, slots=True)
class Side:
    """One half of a pair: a frame with the measured region, or why there is none to show.

    Attributes:
        title: which shot this is, in its role.
        shot: the shot's id, None for a side that is no shot (a declared look).
        file, frame: what to fetch; frame is None where there is nothing to fetch.
        box: the measured region, None for the whole frame.
        empty: what to say where there is no frame.
    """

    title: str
    shot: str | None
    file: str | None = None
    frame: int | None = None
    box: Box | None = None
    empty: str = ""


Kind = tuple[str, str, str | None, str | None]
"""Check, attribute, scene, set-up (None for the whole scene)."""


class Lookup:
    """Finds shots of one sequence by id, and the most typical shot of an attribute."""

    def __init__(self, sequence: SequenceReport) -> None:
        self.position: Mapping[str, int] = {s.shot: i for i, s in enumerate(sequence.shots)}
        self._shots = sequence.shots
        self._typical: dict[Kind, tuple[float, ShotReport, Finding]] = {}
        for shot in sequence.shots:
            for finding in shot.findings:
                self._offer(shot, finding)

    def _offer(self, shot: ShotReport, finding: Finding) -> None:
        size = words.finite(finding.magnitude)
        if finding.against != "consensus" or finding.status != "within":
            return
        if size is None or not finding.frames:
            return
        for key in _kinds(shot, finding):
            best = self._typical.get(key)
            if best is None or abs(size) < best[0]:
                self._typical[key] = (abs(size), shot, finding)

    def shot(self, name: str | None) -> ShotReport | None:
        """The shot of that id, None if this sequence has none."""
        index = None if name is None else self.position.get(name)
        return None if index is None else self._shots[index]

    def typical(self, shot: ShotReport, finding: Finding) -> tuple[ShotReport, Finding] | None:
        """The shot that agrees best with the consensus on this attribute: of the same set-up, whose
        picture can be compared place by place, else of the same scene.
        """
        for key in _kinds(shot, finding):
            best = self._typical.get(key)
            if best is not None and best[1].shot != shot.shot:
                return best[1], best[2]
        return None


def _kinds(shot: ShotReport, finding: Finding) -> list[Kind]:
    """What is asked of whom, the nearest first."""
    whole = (finding.check, finding.attribute, shot.scene, None)
    return [(*whole[:3], shot.setup), whole] if shot.setup is not None else [whole]


def pair(shot: ShotReport, finding: Finding, lookup: Lookup) -> tuple[Side, Side]:
    """The two sides of a finding, left this shot and right its counterpart."""
    if finding.against == "itself":
        return _itself(shot, finding)
    before = _is_before(finding.other, shot, lookup)
    # Across a cut the frames next to the cut were compared; elsewhere a middle frame is typical.
    near_cut = finding.against == "neighbour"
    here = _pick(finding.frames, ("first" if before else "last") if near_cut else "middle")
    this = Side(shot.shot, shot.shot, shot.file, here, finding.box, _no_frame(finding))
    if finding.against == "look":
        return this, Side("The declared look", None, empty="Declared, not a picture.")
    if finding.other is None:
        return this, _consensus(shot, finding, lookup)
    other = lookup.shot(finding.other)
    if other is None:
        missing = f"Shot {finding.other} is not part of this sequence's report."
        return this, Side(finding.other, finding.other, empty=missing)
    there = _pick(finding.other_frames, ("last" if before else "first") if near_cut else "middle")
    return this, Side(
        other.shot, other.shot, other.file, there, finding.other_box, _no_frame(finding)
    )


def against(shot: ShotReport, finding: Finding, lookup: Lookup) -> str:
    """What a finding was compared with, in words."""
    other = finding.other
    if finding.against == "neighbour":
        where = "shot before" if _is_before(other, shot, lookup) else "shot after"
        return f"the {where}, {other}" if other else "the neighbouring shot"
    if finding.against == "anchor":
        return f"the scene's anchor, {other}" if other else "the scene's anchor"
    if finding.against == "consensus":
        return f"the scene's consensus, {other}" if other else "the scene's consensus"
    return "the declared look" if finding.against == "look" else "itself, from start to end"


def _itself(shot: ShotReport, finding: Finding) -> tuple[Side, Side]:
    first, last = _pick(finding.frames, "first"), _pick(finding.frames, "last")
    if finding.other_frames:
        last = _pick(finding.other_frames, "last")
    empty = _no_frame(finding)
    late_box = finding.other_box or finding.box
    return (
        Side(f"{shot.shot}, start", shot.shot, shot.file, first, finding.box, empty),
        Side(f"{shot.shot}, end", shot.shot, shot.file, last, late_box, empty),
    )


def _consensus(shot: ShotReport, finding: Finding, lookup: Lookup) -> Side:
    found = lookup.typical(shot, finding)
    if found is None:
        return Side("The scene's consensus", None, empty="An agreement of shots, not one frame.")
    other, match = found
    title = f"{other.shot}, closest to the scene's consensus"
    # A place in this picture is the same place in another only where the camera stands the same.
    box = (finding.other_box if other.setup == shot.setup else None) or match.box
    return Side(title, other.shot, other.file, _pick(match.frames, "middle"), box)


def _is_before(other: str | None, shot: ShotReport, lookup: Lookup) -> bool:
    here, there = lookup.position.get(shot.shot, 0), lookup.position.get(other or "", -1)
    return there < here


def _pick(frames: Iterable[int], which: str) -> int | None:
    ordered = sorted(frames)
    if not ordered:
        return None
    return ordered[{"first": 0, "last": -1}.get(which, len(ordered) // 2)]


def _no_frame(finding: Finding) -> str:
    heard = finding.unit in ("lu", "db")
    return "Measured on the sound: no frame to show." if heard else "The finding names no frame."
