"""Identity: is it the same person? Face, hair and skin against the light, and build of colours.

With an identity embedding (an extractor that has one) the cosine decides. Without, this is a weak
witness, and calibration gives it the weight of one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.identities import face_distances, relative, stacked
from filmgate.continuity.world import World
from filmgate.schema.report import Measured
from filmgate.schema.signature import PALETTE_SHAPE, PersonSignature

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FLOOR = 0.12
_MOST = 6
"""Compared with at most this many other sightings, spread over the sequence."""
_TOGETHER = 1000
"""Pairs at once: what they take stays in the cache."""


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
        positions = np.array(sorted(seen))
        people = [seen[i] for i in positions.tolist()]
        applies = np.zeros(world.count, bool)
        applies[positions] = True
        path = f"identity/{label}"
        group = np.where(applies, world.eras(path, np.zeros(world.count, np.int64)), -1)
        first = next((k for k, person in enumerate(people) if _known(person)), 0)
        mates = np.full((len(people), _MOST + 1), -1)
        mates[:, _MOST] = first
        for era in np.unique(group[positions]) if not world.short else ():
            members = np.flatnonzero(group[positions] == era)
            near = members[_spread(len(members))]
            mates[members, : near.shape[1]] = near
        row, column = np.nonzero(mates >= 0)
        apart = np.full(mates.shape, np.nan)
        apart[row, column] = distances(people, row, mates[row, column])
        apart[first, _MOST] = np.nan
        magnitude, paired = np.full(world.count, np.nan), np.full(world.count, np.nan)
        magnitude[positions], paired[positions] = _middles(apart[:, :_MOST]), apart[:, _MOST]
        anchor = int(positions[first])
        other = np.where(applies & (np.arange(world.count) != anchor), anchor, -1)
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


def _spread(count: int) -> I64:
    """(count, at most `_MOST`) for each of `count` sightings the others it is compared with."""
    picks = np.arange(count - 1)
    if count - 1 > _MOST:
        picks = np.linspace(0, count - 2, _MOST).round().astype(np.int64)
    return picks + (picks >= np.arange(count)[:, None])


def _middles(values: F64) -> F64:
    """(n,) median of what is known in each row of (n, m); NaN where that is too little."""
    ordered, known = np.sort(values, axis=1), np.isfinite(values).sum(axis=1)
    rows = np.arange(len(values))
    middle = (ordered[rows, (known - 1) // 2] + ordered[rows, known // 2]) / 2
    return np.where(known >= consensus.MIN_GROUP - 1, middle, np.nan)


def distances(people: Sequence[PersonSignature], one: I64, two: I64) -> F64:
    """(M,) how unlike the sightings `people[one]` and `people[two]` are (0 same, about 1 someone
    else); NaN when they share nothing.

    Weights of face, hair and whole-body palette are fixed, not fitted: with the few labelled
    drifts there are, fitting would be tuning.
    """
    face = face_distances(people, one, two)
    hair = stacked([relative(p.hair, p.skin) for p in people], (3,))
    tuft = np.abs(hair[one] - hair[two]).mean(axis=1).astype(np.float64)
    palette = stacked([p.palette for p in people], PALETTE_SHAPE)
    overlap = np.empty(len(one))
    for first in range(0, len(one), _TOGETHER):
        part = slice(first, first + _TOGETHER)
        both = np.sqrt(palette[one[part]] * palette[two[part]])
        overlap[part] = both.reshape(len(both), -1).sum(axis=1)
    terms = np.stack([
        np.minimum(face / 0.8, 1.5), np.minimum(tuft, 1.5), np.sqrt(np.maximum(0, 1 - overlap)),
    ])  # fmt: skip
    weight = np.where(np.isfinite(terms), np.array([[1.0], [0.5], [1.0]]), 0.0)
    total = weight.sum(axis=0)
    with np.errstate(invalid="ignore"):
        mixed = (weight * np.nan_to_num(terms)).sum(axis=0) / total
    embedded = np.array([p.embedding is not None for p in people])
    return np.where(embedded[one] & embedded[two] & np.isfinite(face), face, mixed)


CHECK = Identity()
