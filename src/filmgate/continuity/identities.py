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
from filmgate.schema.signature import PersonSignature, Signature

F32 = NDArray[np.float32]

SAME_PERSON = 0.8
"""Cost under which a sighting joins a person: between .7 and .9 nobody of the development people is
taken for another, at 1.0 some are."""
STAND_IN = 1.9
"""Cost under which a sighting that nobody claimed is taken for someone known who is missing from
the shot, in a short sequence or in the place where that person stands in this set-up: there a
changed person is likelier than a new one, and a changed person must not escape by becoming new."""
_MEMORY = 8


@dataclass(slots=True)
class _Known:
    label: str
    seen: list[tuple[int, PersonSignature]] = field(default_factory=list)
    slots: list[int] = field(default_factory=list)


def face_distance(a: PersonSignature, b: PersonSignature) -> float | None:
    """1 minus the correlation of the grey faces (the better of direct and flopped), 0 to 2; by
    embedding (1 - cosine) where both have one. None when a face is missing.
    """
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


class _Memory:
    """Sightings that are remembered, as arrays: one person is compared with all of them at once."""

    def __init__(self) -> None:
        self.size = 0
        self.owner = np.zeros(64, np.int64)
        self.setup = np.zeros(64, np.int64)
        self.key: list[str] = [""] * 64
        self.values = {name: np.full((64, width), np.nan, np.float32) for name, width in _WIDTHS}
        self.embeddings: list[F32 | None] = [None] * 64

    def put(self, slot: int, owner: int, setup: int, person: PersonSignature) -> None:
        """Write `person` into `slot` (the next free one, or one to be forgotten)."""
        while slot >= len(self.owner):
            self.owner, self.setup = np.tile(self.owner, 2), np.tile(self.setup, 2)
            self.key, self.embeddings = self.key * 2, self.embeddings * 2
            self.values = {n: np.concatenate([v, np.full_like(v, np.nan)])
                           for n, v in self.values.items()}  # fmt: skip
        self.size = max(self.size, slot + 1)
        self.owner[slot], self.setup[slot], self.key[slot] = owner, setup, person.key
        self.embeddings[slot] = person.embedding
        for name, value in _features(person).items():
            self.values[name][slot] = value

    def costs(self, person: PersonSignature, setup: int) -> NDArray[np.float64]:
        """(size,) how unlike `person` each remembered sighting is; see `cost`."""
        mine, n = _features(person), self.size
        value = {name: array[:n] for name, array in self.values.items()}
        turned = _face(person, flopped=True)
        face = 1.0 - np.fmax(value["face"] @ mine["face"], value["face"] @ turned)
        if person.embedding is not None:
            for at, known in enumerate(self.embeddings[:n]):
                if known is not None and len(known) == len(person.embedding):
                    face[at] = 1.0 - float(known @ person.embedding)
        place = np.abs(value["side"] - mine["side"]) / 0.25 + np.abs(value["size"] - mine["size"])
        place[(self.setup[:n] != setup) | (setup < 0)] = np.nan
        terms = np.stack([
            face / 0.45,
            np.abs(value["hair"] - mine["hair"]).mean(axis=1) / 0.55,
            np.abs(value["upper"] - mine["upper"]).mean(axis=1) / 0.6,
            place[:, 0],
            (1.0 - value["palette"] @ mine["palette"]) / 0.35,
        ], axis=1).astype(np.float64)  # fmt: skip
        out = _middle(np.minimum(terms, 2.5), np.array([1.2, 1.0, 1.0, 1.0, 0.7]))
        for at in range(n) if person.key else ():
            if self.key[at]:
                out[at] = 0.0 if self.key[at] == person.key else 9.0
        return out


_WIDTHS = (("face", 576), ("hair", 3), ("upper", 3), ("palette", 256), ("side", 1), ("size", 1))


def _face(person: PersonSignature, flopped: bool = False) -> F32:
    if person.face_patch is None:
        return np.full(576, np.nan, np.float32)
    patch = person.face_patch[:, ::-1] if flopped else person.face_patch
    flat = patch.astype(np.float32).reshape(-1) - 128
    return np.asarray(flat / max(float(np.linalg.norm(flat)), 1e-6), dtype=np.float32)


def _features(person: PersonSignature) -> dict[str, F32]:
    blank = np.full(3, np.nan, np.float32)
    hair, upper = relative(person.hair, person.skin), relative(person.upper_median, person.skin)
    palette = np.full(256, np.nan, np.float32)
    if person.palette is not None:
        palette = np.sqrt(np.maximum(person.palette, 0)).reshape(-1)
    return {
        "face": _face(person), "hair": blank if hair is None else hair,
        "upper": blank if upper is None else upper, "palette": palette,
        "side": np.array([person.side], np.float32),
        "size": np.array([np.log(max(person.scale, 0.01))], np.float32),
    }  # fmt: skip


def _middle(terms: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) 0.6 of the weighted median and 0.4 of the weighted mean of each row; 9 for empty rows.

    The middle of the evidence, so that one changed garment or a turned head does not decide.
    """
    seen = np.isfinite(terms)
    weight = np.where(seen, weights, 0.0)
    order = np.argsort(np.where(seen, terms, np.inf), axis=1)
    sorted_terms = np.take_along_axis(np.where(seen, terms, 0.0), order, axis=1)
    sorted_weight = np.take_along_axis(weight, order, axis=1)
    total = sorted_weight.sum(axis=1)
    reached = np.cumsum(sorted_weight, axis=1) >= total[:, None] / 2
    middle = np.take_along_axis(sorted_terms, reached.argmax(axis=1)[:, None], axis=1)[:, 0]
    mean = (sorted_terms * sorted_weight).sum(axis=1) / np.maximum(total, 1e-9)
    return np.where(total > 0, 0.6 * middle + 0.4 * mean, 9.0)


def cost(a: PersonSignature, b: PersonSignature, same_setup: bool) -> float:
    """How unlike two sightings are: about 0.3 for one person, above 1 for two.

    Units were set on the development takes: the median over pairs of different people is 1.6.
    """
    memory = _Memory()
    memory.put(0, 0, 0, b)
    return float(memory.costs(a, 0 if same_setup else -1)[0])


def identify(
    signatures: Sequence[Signature | None],
    setups: NDArray[np.int64],
    look: Look,
    shots: Sequence[str],
) -> list[tuple[str | None, ...]]:
    """For each shot the label of each of its people ("person_1", or the declared name).

    Labels are given in order of first appearance, at most one sighting per person and shot.
    """
    known: list[_Known] = []
    memory = _Memory()
    out: list[tuple[str | None, ...]] = []
    for position, signature in enumerate(signatures):
        people = signature.people if signature is not None else ()
        setup = int(setups[position])
        pairs = sorted(
            (value, row, column)
            for row, person in enumerate(people)
            for column, value in enumerate(_best_costs(memory, known, person, setup))
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
                _remember(memory, known[column], column, setup, position, people[row])
        for row, person in enumerate(people):
            if labels[row] is None and _tells(person):
                fresh = _Known(person.key or f"person_{len(known) + 1}")
                _remember(memory, fresh, len(known), setup, position, person)
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


def _best_costs(
    memory: _Memory, known: list[_Known], person: PersonSignature, setup: int
) -> list[float]:
    """Per known person the second-lowest cost: one lucky match is not a person."""
    if not known:
        return []
    costs = memory.costs(person, setup)
    return [float(np.sort(costs[k.slots])[min(1, len(k.slots) - 1)]) for k in known]


def _remember(
    memory: _Memory, known: _Known, owner: int, setup: int, position: int, person: PersonSignature
) -> None:
    """The first sighting stays as anchor, the rest follows the edit."""
    known.seen.append((position, person))
    if len(known.slots) < _MEMORY:
        known.slots.append(memory.size)
        memory.put(memory.size, owner, setup, person)
        return
    known.seen.pop(1)
    slot = known.slots.pop(1)
    known.slots.append(slot)
    memory.put(slot, owner, setup, person)


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
