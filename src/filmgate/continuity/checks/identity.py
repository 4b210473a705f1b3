"""Identity: is it the same person? Face, hair and skin against the light, and build of colours.

With an identity embedding (an extractor that has one) the cosine decides. Without, this is a weak
witness, and calibration gives it the weight of one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.identities import face_distance, relative
from filmgate.continuity.world import World
from filmgate.schema.report import Measured
from filmgate.schema.signature import PersonSignature

F64 = NDArray[np.float64]

FLOOR = 0.12
_MOST = 6
"""Compared with at most this many other sightings, spread over the sequence."""


class Identity:
    """Feature distance (0 same, about 1 someone else) to the person's other sightings."""

    name = "identity"

    def compare(self, world: World) -> list[Batch]:
        out: list[Batch] = []
        for label in world.labels:
            out += self._person(world, label, world.sightings(label))
        if not world.labels:
            looked = any(s is not None and s.looked for s in world.signatures)
            out.append(
                batch(
                    world, "identity/person", "consensus", "distance",
                    np.full(world.count, np.nan), 1.0, kind="identity/face",
                    default_reason="no person was found" if looked
                    else "no extractor looked for people",
                )
            )  # fmt: skip
        return out

    def _person(self, world: World, label: str, seen: dict[int, PersonSignature]) -> list[Batch]:
        positions = sorted(seen)
        applies = np.zeros(world.count, bool)
        applies[positions] = True
        magnitude = np.full(world.count, np.nan)
        path = f"identity/{label}"
        group = np.where(applies, world.eras(path, np.zeros(world.count, np.int64)), -1)
        eras: dict[int, list[int]] = {}
        for i in positions:
            eras.setdefault(int(group[i]), []).append(i)
        for k, i in ((k, i) for era in eras.values() for k, i in enumerate(era)):
            era = eras[int(group[i])]
            mates = _spread(era[:k] + era[k + 1 :])
            values = [d for j in mates if (d := distance(seen[i], seen[j])) is not None]
            if len(values) >= consensus.MIN_GROUP - 1 and not world.short:
                magnitude[i] = float(np.median(values))
        first = next((i for i in positions if _known(seen[i])), positions[0])
        other = np.where(applies & (np.arange(world.count) != first), first, -1)
        paired = np.full(world.count, np.nan)
        for i in positions:
            if i == first:
                continue
            value = distance(seen[i], seen[first])
            paired[i] = np.nan if value is None else value
        return [
            batch(
                world, path, "consensus", "distance", magnitude,
                consensus.scale(magnitude, group, FLOOR), kind="identity/face", applies=applies,
                default_reason="fewer than two other shots show this person well enough",
            ),
            batch(
                world, path, "anchor", "distance", paired, 1.0, kind="identity/face", other=other,
                votes=~np.isfinite(magnitude), applies=applies & (other >= 0),
                default_reason="the face is hidden, turned away or too small",
            ),
        ]  # fmt: skip

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """The face here and there."""
        label = batch.attribute.split("/")[1]
        seen = world.sightings(label)
        other = int(batch.other[shot])
        if other < 0:
            other = next((i for i in sorted(seen) if i != shot), -1)
        there = seen.get(other)
        return Explanation(
            this=Measured(f"{label} in {world.ids[shot]}"),
            reference=Measured(f"{label} in {world.ids[other]}") if other >= 0 else None,
            box=seen[shot].face or seen[shot].body,
            other_box=(there.face or there.body) if there else None,
            remedy=f"Retake with {label}'s reference stills: face, hair or skin differ.",
        )  # fmt: skip


def _known(person: PersonSignature) -> bool:
    """Whether there is a face to compare with: a back of a head is no reference."""
    return person.embedding is not None or person.face_patch is not None


def _spread(positions: list[int]) -> list[int]:
    if len(positions) <= _MOST:
        return positions
    picks = np.linspace(0, len(positions) - 1, _MOST).round().astype(int)
    return [positions[p] for p in picks]


def distance(a: PersonSignature, b: PersonSignature) -> float | None:
    """How unlike two sightings are (0 same, about 1 someone else); None when they share nothing.

    Weights of face, hair and whole-body palette are fixed, not fitted: with the few labelled
    drifts there are, fitting would be tuning.
    """
    face = face_distance(a, b)
    if a.embedding is not None and b.embedding is not None and face is not None:
        return face
    terms: list[tuple[float, float]] = []
    if face is not None:
        terms.append((1.0, min(face / 0.8, 1.5)))
    hair_a, hair_b = relative(a.hair, a.skin), relative(b.hair, b.skin)
    if hair_a is not None and hair_b is not None:
        terms.append((0.5, min(float(np.abs(hair_a - hair_b).mean()) / 1.0, 1.5)))
    if a.palette is not None and b.palette is not None:
        overlap = float(np.sqrt(a.palette * b.palette).sum())
        terms.append((1.0, float(np.sqrt(max(0.0, 1 - overlap)))))
    if not terms or (face is None and len(terms) < 1):
        return None
    return sum(w * v for w, v in terms) / sum(w for w, _ in terms)


CHECK = Identity()
