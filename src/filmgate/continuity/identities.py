"""Who is who across shots: face, hair, skin against the light, garments, and place in the frame.

Garments help to tell people apart, but a changed jacket must not make a new person: a garment
alone can neither join nor part two people whose faces say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.setups import SHORT_SEQUENCE
from filmgate.schema.look import Look
from filmgate.schema.report import Box
from filmgate.schema.signature import PALETTE_SHAPE, PersonSignature, Signature

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SAME_PERSON = 0.8
"""Cost under which a sighting joins a person: between .7 and .9 nobody of the development people is
taken for another, at 1.0 some are."""
STAND_IN = 1.9
"""Cost under which a sighting that nobody claimed is taken for someone known who is missing from
the shot, in a short sequence or in the place where that person stands in this set-up: there a
changed person is likelier than a new one, and a changed person must not escape by becoming new."""
_MEMORY = 8
_TOGETHER = 1000


@dataclass(slots=True)
class _Known:
    """Attributes: seen: sightings that are remembered; slots: where in the memory."""

    label: str
    seen: list[int] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)


def face_distances(people: Sequence[PersonSignature], one: I64, two: I64) -> F64:
    """(M,) 1 minus the correlation of the grey faces of `people[one]` and `people[two]` (the better
    of direct and flopped), 0 to 2; by embedding (1 - cosine) where both have one. NaN when a face
    is missing.
    """
    faces = _grey_faces(people)
    flat, turned = faces.reshape(len(people), -1), faces[:, :, ::-1].reshape(len(people), -1)
    size = np.sqrt(np.vecdot(flat, flat))
    norm = (size[one] * size[two]).astype(np.float64) + 1e-6
    alike = np.fmax(_dots(flat, flat, one, two), _dots(flat, turned, one, two))
    out: F64 = 1.0 - alike / norm
    length = np.array([0 if p.embedding is None else len(p.embedding) for p in people])
    for known in set(length.tolist()) - {0}:
        views = stacked(
            [p.embedding if n == known else None for n, p in zip(length, people, strict=True)],
            (known,),
        )
        seen = (length[one] == known) & (length[two] == known)
        out[seen] = 1.0 - _dots(views, views, one[seen], two[seen])
    return out


def _dots(a: F32, b: F32, one: I64, two: I64) -> F64:
    """(M,) a[one] times b[two], a few at a time: the pairs are many more than the rows."""
    out = np.empty(len(one))
    for first in range(0, len(one), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        out[part] = np.vecdot(a[one[part]], b[two[part]])
    return out


def stacked(parts: Sequence[NDArray[np.generic] | None], shape: tuple[int, ...]) -> F32:
    """(K, *shape), NaN for the parts that are missing."""
    out = np.full((len(parts), *shape), np.nan, np.float32)
    for row, part in zip(out, parts, strict=True):
        if part is not None:
            row[:] = part
    return out


def relative(part: F32 | None, skin: F32 | None) -> F32 | None:
    """`part` against the wearer's skin, log-linear RGB (3,): free of light and exposure."""
    if part is None or skin is None:
        return None
    return part - skin


class _Sightings:
    """Everyone seen in any shot, as arrays: one sighting is compared with many others at once."""

    def __init__(self, people: Sequence[PersonSignature], setup: Sequence[int]) -> None:
        self.people, self.setup = people, np.array(setup, np.int64)
        self.face, self.turned = _unit_faces(people), _unit_faces(people, flopped=True)
        blank = np.full(3, np.nan, np.float32)
        self.worn = np.array([
            [blank if part is None else part
             for part in (relative(p.hair, p.skin), relative(p.upper_median, p.skin))]
            for p in people
        ], np.float32).reshape(-1, 2, 3)  # fmt: skip
        palette = stacked([p.palette for p in people], PALETTE_SHAPE).reshape(len(people), -1)
        self.palette = np.sqrt(np.maximum(palette, 0))
        self.side = np.array([p.side for p in people], np.float32)
        self.size = np.log(np.maximum([p.scale for p in people], 0.01)).astype(np.float32)

    def costs(self, one: int, others: Sequence[int]) -> F64:
        """How unlike sighting `one` each of the `others` is; see `cost`."""
        person, known = self.people[one], np.array(others)
        faces = self.face[known]
        face = 1.0 - np.fmax(faces @ self.face[one], faces @ self.turned[one])
        if person.embedding is not None:
            for at, other in enumerate(others):
                embedding = self.people[other].embedding
                if embedding is not None and len(embedding) == len(person.embedding):
                    face[at] = 1.0 - float(embedding @ person.embedding)
        place = np.abs(self.side[known] - self.side[one]) / 0.25
        place += np.abs(self.size[known] - self.size[one])
        place[(self.setup[known] != self.setup[one]) | (self.setup[one] < 0)] = np.nan
        worn = np.abs(self.worn[known] - self.worn[one]).mean(axis=2)
        terms = np.empty((len(known), len(_WEIGHTS)))
        terms[:, 0], terms[:, 1], terms[:, 2] = face / 0.45, worn[:, 0] / 0.55, worn[:, 1] / 0.6
        terms[:, 3], terms[:, 4] = place, (1.0 - self.palette[known] @ self.palette[one]) / 0.35
        out = _middle(np.minimum(terms, 2.5), _WEIGHTS)
        for at, other in enumerate(others) if person.key else ():
            if self.people[other].key:
                out[at] = 0.0 if self.people[other].key == person.key else 9.0
        return out


_WEIGHTS: F64 = np.array([1.2, 1.0, 1.0, 1.0, 0.7])
"""Of face, hair, garment, place in the frame and palette."""


def _unit_faces(people: Sequence[PersonSignature], flopped: bool = False) -> F32:
    """(K, 576) grey faces of zero middle and unit length; NaN rows without a face."""
    grey = _grey_faces(people)
    flat = (grey[:, :, ::-1] if flopped else grey).reshape(len(people), -1)
    length = np.maximum(np.sqrt(np.vecdot(flat, flat)), 1e-6)
    return np.asarray(flat / length[:, None], dtype=np.float32)


def _grey_faces(people: Sequence[PersonSignature]) -> F32:
    """(K, 24, 24), -128 to 127; NaN without a face."""
    return stacked([p.face_patch for p in people], (24, 24)) - 128


def _middle(terms: F64, weights: F64) -> F64:
    """(n,) 0.6 of the weighted median and 0.4 of the weighted mean of each row; 9 for empty rows.

    The middle of the evidence, so that one changed garment or a turned head does not decide.
    """
    seen, rows = np.isfinite(terms), np.arange(len(terms))[:, None]
    order = np.argsort(np.where(seen, terms, np.inf), axis=1)
    sorted_terms = np.where(seen, terms, 0.0)[rows, order]
    sorted_weight = np.where(seen, weights, 0.0)[rows, order]
    total = sorted_weight.sum(axis=1)
    reached = np.cumsum(sorted_weight, axis=1) >= total[:, None] / 2
    middle = sorted_terms[rows[:, 0], reached.argmax(axis=1)]
    mean = (sorted_terms * sorted_weight).sum(axis=1) / np.maximum(total, 1e-9)
    return np.where(total > 0, 0.6 * middle + 0.4 * mean, 9.0)


def cost(a: PersonSignature, b: PersonSignature, same_setup: bool) -> float:
    """How unlike two sightings are: about 0.3 for one person, above 1 for two.

    Units were set on the development takes: the median over pairs of different people is 1.6.
    """
    return float(_Sightings([a, b], [0 if same_setup else -1, 0]).costs(0, [1])[0])


def identify(
    signatures: Sequence[Signature | None],
    setups: I64,
    look: Look,
    shots: Sequence[str],
) -> list[tuple[str | None, ...]]:
    """For each shot the label of each of its people ("person_1", or the declared name).

    Labels are given in order of first appearance, at most one sighting per person and shot.
    """
    seen_in = [
        (person, setup)
        for signature, setup in zip(signatures, setups.tolist(), strict=True)
        for person in (signature.people if signature is not None else ())
    ]
    if not seen_in:
        return [()] * len(signatures)
    sightings = _Sightings([p for p, _ in seen_in], [s for _, s in seen_in])
    few = len(signatures) <= SHORT_SEQUENCE
    known: list[_Known] = []
    memory: list[int] = []
    out: list[tuple[str | None, ...]] = []
    first = 0
    for signature in signatures:
        here = range(first, first + (len(signature.people) if signature is not None else 0))
        first = here.stop
        pairs = sorted(
            (value if few else near, one, column, value)
            for one in here
            for column, (near, value) in enumerate(_best_costs(sightings, memory, known, one))
        )
        labels: dict[int, str] = {}
        taken: set[int] = set()
        for limit in (SAME_PERSON, STAND_IN):
            for _, one, column, value in pairs:
                if one in labels or column in taken or value >= limit:
                    continue
                if limit == STAND_IN and not (few or _stands_there(sightings, known[column], one)):
                    continue
                labels[one] = known[column].label
                taken.add(column)
                _remember(memory, known[column], one)
        for one in here:
            if one not in labels and _tells(sightings.people[one]):
                key = sightings.people[one].key
                known.append(_Known(key or f"person_{len(known) + 1}"))
                _remember(memory, known[-1], one)
                labels[one] = known[-1].label
        out.append(tuple(labels.get(one) for one in here))
    return _named(out, signatures, look, shots)


def _tells(person: PersonSignature) -> bool:
    """Whether there is enough of the person to know them again."""
    return bool(person.key) or person.upper_median is not None or person.face_patch is not None


def _stands_there(sightings: _Sightings, known: _Known, one: int) -> bool:
    """Whether the known person was seen at this place and size in this set-up."""
    person, setup = sightings.people[one], sightings.setup[one]
    return any(
        sightings.setup[at] == setup >= 0
        and abs(seen.side - person.side) < 0.12
        and abs(float(np.log(max(seen.scale, 0.01) / max(person.scale, 0.01)))) < 0.3
        for at, seen in ((at, sightings.people[at]) for at in known.seen)
    )


def _best_costs(
    sightings: _Sightings, memory: list[int], known: list[_Known], one: int
) -> list[tuple[float, float]]:
    """Per known person the mean of the two lowest costs, and the second-lowest.

    The second-lowest says whether it may be that person (one lucky match is not a person). Which of
    several it is the mean says: the same face in the same set-up must not lose to two faint
    likenesses. Where shots are so few that no set-up comes back, the second-lowest says that too.
    """
    if not known:
        return []
    costs = sightings.costs(one, memory).tolist()
    lowest = [sorted(costs[slot] for slot in k.slots)[:2] for k in known]
    return [(sum(two) / len(two), two[-1]) for two in lowest]


def _remember(memory: list[int], known: _Known, one: int) -> None:
    """The first sighting stays as anchor, the rest follows the edit."""
    known.seen.append(one)
    if len(known.slots) < _MEMORY:
        known.slots.append(len(memory))
        memory.append(one)
        return
    known.seen.pop(1)
    slot = known.slots.pop(1)
    known.slots.append(slot)
    memory[slot] = one


def _named(
    labels: list[tuple[str | None, ...]],
    signatures: Sequence[Signature | None],
    look: Look,
    shots: Sequence[str],
) -> list[tuple[str | None, ...]]:
    names: dict[str, str] = {}
    for person in look.people:
        if person.label:
            names[person.label] = person.name
        elif person.shot is not None and person.shot in shots:
            at = list(shots).index(person.shot)
            row = _in_box(signatures[at], person.box)
            label = labels[at][row] if row is not None else None
            if label is not None:
                names[label] = person.name
    return [tuple(names.get(x, x) if x else None for x in row) for row in labels]


def _in_box(signature: Signature | None, box: Box | None) -> int | None:
    """The person of the shot whose centre lies in `box`; the largest when there is no box."""
    if signature is None or not signature.people:
        return None
    if box is None:
        return 0
    inside = [row for row, p in enumerate(signature.people) if box[0] <= p.side <= box[0] + box[2]]
    return inside[0] if inside else None
