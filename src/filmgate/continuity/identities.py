"""Who is who across shots: face, hair, skin against the light, garments, and place in the frame.

Garments help to tell people apart, but a changed jacket must not make a new person: a garment
alone can neither join nor part two people whose faces say otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.grouping import SHORT_SEQUENCE
from filmgate.schema.look import Look
from filmgate.schema.report import Box
from filmgate.schema.signature import PersonSignature, Signature

F32 = NDArray[np.float32]

SAME_PERSON = 1.0
"""Cost under which a sighting joins a person."""
STAND_IN = 1.9
"""Cost under which a sighting that nobody claimed is taken for someone known who is missing from
the shot, in a short sequence or in the place where that person stands in this set-up: there a
changed person is likelier than a new one, and a changed person must not escape by becoming new."""
_MEMORY = 8


@dataclass(slots=True)
class _Known:
    label: str
    seen: list[tuple[int, PersonSignature]] = field(default_factory=list)


def face_distance(a: PersonSignature, b: PersonSignature) -> float | None:
    """1 minus the correlation of the grey faces (the better of direct and flopped), 0 to 2; by
    embedding (1 - cosine) where both have one. None when a face is missing."""
    if a.embedding is not None and b.embedding is not None and len(a.embedding) == len(b.embedding):
        return 1.0 - float(a.embedding @ b.embedding)
    if a.face_patch is None or b.face_patch is None:
        return None
    one = a.face_patch.astype(np.float32).reshape(-1) - 128
    two = b.face_patch.astype(np.float32) - 128
    norm = float(np.linalg.norm(one) * np.linalg.norm(two)) + 1e-6
    direct, turned = two.reshape(-1) @ one, two[:, ::-1].reshape(-1) @ one
    return 1.0 - max(float(direct), float(turned)) / norm


def relative(part: F32 | None, skin: F32 | None) -> F32 | None:
    """`part` against the wearer's skin, log-linear RGB (3,): free of light and exposure."""
    if part is None or skin is None:
        return None
    return part - skin


def _apart(a: F32 | None, b: F32 | None, unit: float) -> float | None:
    if a is None or b is None:
        return None
    return min(float(np.abs(a - b).mean()) / unit, 2.5)


def cost(a: PersonSignature, b: PersonSignature, same_setup: bool) -> float:
    """How unlike two sightings are: about 0.3 for one person, above 1 for two.

    Units were set on the development takes: the median over pairs of different people is 1.6.
    """
    if a.key and b.key:
        return 0.0 if a.key == b.key else 9.0
    face = face_distance(a, b)
    terms = [
        (1.2, None if face is None else min(face / 0.45, 2.5)),
        (1.0, _apart(relative(a.hair, a.skin), relative(b.hair, b.skin), 0.55)),
        (1.0, _apart(relative(a.upper_median, a.skin), relative(b.upper_median, b.skin), 0.6)),
    ]
    if same_setup:
        place = abs(a.side - b.side) / 0.25 + abs(float(np.log(max(a.scale, 0.01) / max(b.scale, 0.01))))
        terms.append((1.0, min(place, 2.5)))
    if a.palette is not None and b.palette is not None:
        alike = float(np.sqrt(a.palette * b.palette).sum())
        terms.append((0.7, min((1 - alike) / 0.35, 2.5)))
    known = [(w, v) for w, v in terms if v is not None]
    if not known:
        return 9.0
    # The middle of the evidence, so that one changed garment or a turned head does not decide.
    values = sorted(known, key=lambda t: t[1])
    half, total = sum(w for w, _ in known) / 2, 0.0
    middle = values[-1][1]
    for weight, value in values:
        total += weight
        if total >= half:
            middle = value
            break
    mean = sum(w * v for w, v in known) / sum(w for w, _ in known)
    return 0.6 * middle + 0.4 * mean


def identify(
    signatures: Sequence[Signature | None], setups: NDArray[np.int64], look: Look,
    shots: Sequence[str],
) -> list[tuple[str | None, ...]]:
    """For each shot the label of each of its people ("person_1", or the declared name).

    Labels are given in order of first appearance, at most one sighting per person and shot.
    """
    known: list[_Known] = []
    out: list[tuple[str | None, ...]] = []
    for position, signature in enumerate(signatures):
        people = signature.people if signature is not None else ()
        pairs = sorted(
            (_best_cost(k, p, position, setups), row, column)
            for row, p in enumerate(people)
            for column, k in enumerate(known)
        )
        labels: list[str | None] = [None] * len(people)
        taken: set[int] = set()
        for limit in (SAME_PERSON, STAND_IN):
            for value, row, column in pairs:
                if labels[row] is not None or column in taken or value >= limit:
                    continue
                if limit == STAND_IN and not (
                    len(signatures) <= SHORT_SEQUENCE
                    or _stands_there(known[column], people[row], position, setups)
                ):
                    continue
                labels[row] = known[column].label
                taken.add(column)
                _remember(known[column], position, people[row])
        for row, person in enumerate(people):
            if labels[row] is None and _tells(person):
                fresh = _Known(person.key or f"person_{len(known) + 1}")
                _remember(fresh, position, person)
                known.append(fresh)
                labels[row] = fresh.label
        out.append(tuple(labels))
    return _named(out, signatures, look, shots)


def _tells(person: PersonSignature) -> bool:
    """Whether there is enough of the person to know them again."""
    return bool(person.key) or person.upper_median is not None or person.face_patch is not None


def _stands_there(
    known: _Known, person: PersonSignature, position: int, setups: NDArray[np.int64]
) -> bool:
    """Whether the known person was seen at this place and size in this set-up."""
    return any(
        setups[at] == setups[position] >= 0
        and abs(seen.side - person.side) < 0.12
        and abs(float(np.log(max(seen.scale, 0.01) / max(person.scale, 0.01)))) < 0.3
        for at, seen in known.seen
    )


def _best_cost(
    known: _Known, person: PersonSignature, position: int, setups: NDArray[np.int64]
) -> float:
    costs = sorted(
        cost(seen, person, bool(setups[at] == setups[position] and setups[at] >= 0))
        for at, seen in known.seen
    )
    # The second-best of several sightings: one lucky match is not a person.
    return costs[min(1, len(costs) - 1)]


def _remember(known: _Known, position: int, person: PersonSignature) -> None:
    known.seen.append((position, person))
    if len(known.seen) > _MEMORY:
        # The first sighting stays as anchor, the rest follows the edit.
        known.seen.pop(1)


def _named(
    labels: list[tuple[str | None, ...]], signatures: Sequence[Signature | None], look: Look,
    shots: Sequence[str],
) -> list[tuple[str | None, ...]]:
    names: dict[str, str] = {}
    for person in look.people:
        if person.label:
            names[person.label] = person.name
        elif person.shot in shots:
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
    inside = [
        row for row, p in enumerate(signature.people) if box[0] <= p.side <= box[0] + box[2]
    ]
    return inside[0] if inside else None
