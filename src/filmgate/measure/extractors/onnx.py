"""People seen by small networks on the CPU (extra ``vision``; weights are the user's).

Faces and person boxes are found in up to `LOOKED` frames (about 11 ms a frame), the person mask in
up to `MASKED` of them (about 160 ms each), chosen where there is most to see, one in each half of
the shot so that both its ends are covered. The three kinds of evidence check one another: a mask
is kept only where a face or a person box says that a person is, because alone it marks dogs and
table edges; a doubtful face or box needs another witness. Drawn people often have a face or a box
and no mask: they keep face and body, `mask` is None.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from filmgate.errors import UsageError
from filmgate.measure import weights
from filmgate.measure.extractor import Extraction, Person, pick
from filmgate.measure.extractors import _nets
from filmgate.measure.extractors._people import (
    body_from_face,
    clipped,
    holds_head,
    overlap,
    split,
)
from filmgate.measure.sample import F32, U8, Frame, Sample
from filmgate.schema.report import Box

VERSION = 2
LOOKED = 6
MASKED = 2
FACE_ALONE = 0.8
"""A face with no other witness: the pictures on a wall and patterns in leaves score less."""
FACE_MIN_HEIGHT = 0.035
PERSON_ALONE = 0.5
"""A person box with no other witness, in a frame without a face."""
PERSON_BESIDE = 0.72
"""The same beside a person with a face: below it the box is mostly an arm, a guitar, a coat rack.
Being seen again in another frame is no witness: coat racks are."""
PERSON_MIN_HEIGHT = 0.12
TOGETHER = 0.7
"""Chance that at least one is right, for a faint face on a faint body."""
REACH_SEEN, REACH_GUESSED = 0.08, 0.35
"""How far a mask may extend beyond a body box the network saw, or one guessed from the face; in
units of the box. More would take in the table."""
COVERED = 0.25
"""Share of a body box that its mask must cover to be kept; people fill about half of theirs."""
WELL_COVERED = 0.35
"""Share above which nothing of the person can be in what is called background."""
STRAY = 0.08
"""Share of the frame that may be masked without a person and still count as fully masked."""
PROFILE_ASPECT, PROFILE_OFFSET = 0.6, 0.3
"""Width to height of a face box, and its offset from the head's middle in face widths."""
NEARLY = 0.8
MASK_ON = 128
_FACE, _PERSON, _OBJECTS = "face_rfb320", "person_deeplab513", "objects_fastestdet"


@dataclass(frozen=True, slots=True)
class _Seen:
    """One person before the mask: where, and how sure each witness is (0: did not see)."""

    face: Box | None
    body: Box
    face_score: float
    person_score: float

    @property
    def confidence(self) -> float:
        return max(self.face_score, self.person_score)

    @property
    def sure(self) -> bool:
        """Enough without the mask."""
        if self.face is None:
            return self.person_score >= PERSON_ALONE
        if self.face_score >= FACE_ALONE or self.person_score >= PERSON_ALONE:
            return True
        # Two faint but independent witnesses that agree on the place.
        return (1 - self.face_score) * (1 - self.person_score) <= 1 - TOGETHER

    @property
    def reach(self) -> float:
        return REACH_SEEN if self.person_score > 0 else REACH_GUESSED


def _plausible(seen: list[_Seen]) -> list[_Seen]:
    """Without the doubtful ones, where somebody is beyond doubt: they would take their pixels."""
    if any(s.face is not None and s.sure for s in seen):
        return [s for s in seen if (s.sure if s.face else s.person_score >= PERSON_BESIDE)]
    sure = [s for s in seen if s.sure]
    return sure or seen


def _joined(
    faces: Sequence[tuple[Box, float]], boxes: Sequence[tuple[Box, float]], aspect: float
) -> list[_Seen]:
    """Pair each face with the best person box that may be its body; the rest stand alone."""
    seen: list[_Seen] = []
    free = list(boxes)
    taken: list[Box] = []
    for face, score in faces:
        if face[3] < FACE_MIN_HEIGHT:
            continue
        fitting = [b for b in free if holds_head(b[0], face)]
        if fitting:
            best = max(fitting, key=lambda b: b[1])
            free.remove(best)
            taken.append(best[0])
            seen.append(_Seen(face, best[0], score, best[1]))
        elif score >= FACE_ALONE or not any(overlap(b, face)[1] > 0.9 for b in taken):
            # A faint second face within one body is a pattern on the clothes or in the hands.
            seen.append(_Seen(face, body_from_face(face, aspect), score, 0.0))
    for box, score in free:
        # A loose box around people already found is not one more person.
        if box[3] >= PERSON_MIN_HEIGHT and all(overlap(box, s.body)[1] <= 0.6 for s in seen):
            seen.append(_Seen(None, box, 0.0, score))
    return seen


def _masks(seen: Sequence[_Seen], mask: U8) -> tuple[list[U8 | None], list[float], float]:
    """Part of the mask of each person, the share of the body box it covers, and the stray share."""
    inside: NDArray[np.bool_] = mask >= MASK_ON
    height, width = mask.shape
    parts: list[U8 | None] = []
    covers: list[float] = []
    kept = 0
    owned = split(inside, [s.body for s in seen], [s.reach for s in seen])
    for person, own in zip(seen, owned, strict=True):
        x, y, w, h = person.body
        rows = slice(int(y * height), max(int((y + h) * height), int(y * height) + 1))
        columns = slice(int(x * width), max(int((x + w) * width), int(x * width) + 1))
        cover = float(own[rows, columns].mean())
        covers.append(cover)
        part: U8 = np.where(own, mask, 0).astype(np.uint8)
        parts.append(part if cover >= COVERED else None)
        kept += int(own.sum()) if cover >= COVERED else 0
    return parts, covers, (int(inside.sum()) - kept) / inside.size


def _frontal(face: Box | None, mask: U8 | None, aspect: float) -> bool:
    """Whether a face looks towards the camera, as far as boxes and masks can tell.

    A face in profile is narrow and lies to one side of the head that the mask shows.
    """
    if face is None or face[2] / face[3] * aspect < PROFILE_ASPECT:
        return False
    if mask is None:
        return True
    height, width = mask.shape
    rows = mask[int(face[1] * height) : int((face[1] + face[3] / 2) * height) + 1]
    columns = np.flatnonzero((rows >= MASK_ON).mean(axis=0) >= 0.5) / width
    near = columns[np.abs(columns - (face[0] + face[2] / 2)) <= 1.5 * face[2]]
    if near.size == 0:
        return True
    head = float(near[0] + near[-1]) / 2
    return abs(face[0] + face[2] / 2 - head) <= PROFILE_OFFSET * face[2]


def _body_of(person: _Seen, mask: U8 | None) -> Box:
    """The person's box; a body guessed from the face is replaced by what the mask shows."""
    if mask is None or person.person_score > 0:
        return person.body
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    box = clipped(
        columns[0] / width, rows[0] / height, (columns[-1] + 1) / width, (rows[-1] + 1) / height
    )
    return box or person.body


class OnnxExtractor:
    """Faces, bodies and masks of people; `folder` holds the weights.

    Raises:
        UsageError: the folder or its files are wrong (see `weights.located`), or neither the face
            nor the object network is among them.
    """

    def __init__(self, folder: Path) -> None:
        self._files = weights.located(folder)
        if not {_FACE, _OBJECTS} & set(self._files):
            raise UsageError(
                f"The weights folder {folder} holds neither {_FACE} nor {_OBJECTS}: "
                f"bring one with 'filmgate weights get {_FACE}'."
            )
        digests = weights.digests(folder)
        used = [n for n in (_FACE, _OBJECTS, _PERSON) if n in digests]
        self._identity = " ".join([f"onnx {VERSION}", *(f"{n}={digests[n][:12]}" for n in used)])

    @property
    def identity(self) -> str:
        """Name, version and the digests of the networks used."""
        return self._identity

    def extract(self, sample: Sample, media: str) -> Extraction:
        """People in up to `LOOKED` frames; `media` is not read.

        Raises:
            MissingExtra: onnxruntime is not installed.
        """
        frames = {f.index: f for f in sample.frames}
        looked = pick(list(frames), LOOKED)
        seen, views = self._look(frames, looked)
        masked = self._to_mask(seen, looked)
        people: dict[int, tuple[Person, ...]] = {}
        whole = _PERSON in self._files
        for i in looked:
            people[i], covered = self._people(frames[i], seen[i], i in masked)
            whole = whole and covered
        notes = () if _PERSON in self._files else (f"No person mask: {_PERSON} is not installed.",)
        view = _nets.view(views) if views else None
        return Extraction(people=people, masked=whole, view=view, notes=notes)

    def _look(
        self, frames: dict[int, Frame], looked: Sequence[int]
    ) -> tuple[dict[int, list[_Seen]], list[F32]]:
        """Everybody the two detectors suspect, by frame; and the view of each frame."""
        views: list[F32] = []
        faces: dict[int, list[tuple[Box, float]]] = {i: [] for i in looked}
        boxes: dict[int, list[tuple[Box, float]]] = {i: [] for i in looked}
        animals: dict[int, list[Box]] = {i: [] for i in looked}
        for i in looked:
            if _FACE in self._files:
                faces[i] = _nets.faces(_nets.session(self._files[_FACE]), frames[i].rgb)
            if _OBJECTS in self._files:
                net = _nets.session(self._files[_OBJECTS])
                boxes[i], animals[i], pooled = _nets.bodies(net, frames[i].rgb)
                views.append(pooled)
        # A dog is missed in one frame and a person there; seen twice it counts for the whole shot,
        # seen once it may be the mistake.
        herd = [a for found in animals.values() for a in found]
        beasts = herd if sum(bool(found) for found in animals.values()) >= 2 else []
        seen = {}
        for i in looked:
            height, width = frames[i].rgb.shape[:2]
            joined = _joined(
                [f for f in faces[i] if all(overlap(f[0], a)[1] < 0.8 for a in beasts)],
                [b for b in boxes[i] if all(overlap(b[0], a)[0] < 0.5 for a in beasts)],
                width / height,
            )
            seen[i] = _plausible(joined)
        return seen, views

    def _to_mask(self, seen: dict[int, list[_Seen]], looked: Sequence[int]) -> list[int]:
        """The frames worth a mask: one in each half, near the cut, where there is much to see."""
        if _PERSON not in self._files:
            return []
        middle = (len(looked) + 1) // 2
        chosen = []
        for half in (looked[:middle], looked[: middle - 1 : -1]):
            evidence = {i: sum(s.confidence for s in seen[i]) for i in half}
            most = max(evidence.values(), default=0.0)
            # Both halves start at a cut, and shots are compared across cuts.
            chosen += [i for i in half if seen[i] and evidence[i] >= NEARLY * most][:1]
        return chosen[:MASKED]

    def _people(
        self, frame: Frame, seen: list[_Seen], masked: bool
    ) -> tuple[tuple[Person, ...], bool]:
        """The people of one frame, and whether no mask made here leaves one of them uncovered."""
        if not seen:
            return (), True
        parts: list[U8 | None] = [None] * len(seen)
        covers, stray = [0.0] * len(seen), 0.0
        if masked:
            mask = _nets.person_mask(_nets.session(self._files[_PERSON]), frame.rgb)
            parts, covers, stray = _masks(seen, mask)
        people, covered = [], stray <= STRAY
        for person, part, cover in zip(seen, parts, covers, strict=True):
            if not (person.sure or part is not None):
                continue
            body = _body_of(person, part)
            frontal = _frontal(person.face, part, frame.rgb.shape[1] / frame.rgb.shape[0])
            people.append(
                Person(person.face, part, body, min(person.confidence, 1.0), frontal=frontal)
            )
            covered = covered and cover >= WELL_COVERED
        people.sort(key=lambda p: (p.body or (0.0,) * 4)[0])
        return tuple(people), covered or not masked


EXTRACTOR = OnnxExtractor
