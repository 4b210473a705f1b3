"""Signatures of a small previz set for tests of what is done with them: rendered once, fast.

One place, set-ups by number, one person whose face is always found, as any detector would: these
tests are of comparing and not of detecting.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np

from filmgate import registry
from filmgate.continuity import engine
from filmgate.continuity.calibration import Calibration, Null, sketch
from filmgate.continuity.world import World
from filmgate.measure.extractor import Extraction, Person
from filmgate.measure.sample import Frame, Sample, Sound
from filmgate.measure.signature import measure
from filmgate.models.generators import previz
from filmgate.schema.look import Look
from filmgate.schema.report import SequenceReport, ShotReport
from filmgate.schema.shot import Sequence as ShotSequence
from filmgate.schema.shot import Shot
from filmgate.schema.signature import Signature

FRAMES, SIZE = 6, (480, 270)
CHECKS = [
    registry.load("continuity.checks", n, "CHECK") for n in registry.names("continuity.checks")
]
Drift = tuple[str, float, str]


class FaceKnown:
    """An extractor that knows where the one person's face is."""

    identity = "test faces"

    def __init__(self, people: tuple[Person, ...]) -> None:
        self._people = people

    def extract(self, sample: Sample, media: str) -> Extraction:
        del media
        return Extraction(people={f.index: self._people for f in sample.frames})


@lru_cache(maxsize=1)
def setups() -> tuple[previz.ShotSpec, ...]:
    """Set-ups of one place: 0 shows the person from near, the others are other camera positions."""
    specs, _ = previz.sequence(
        shots=8, people=1, setups=4, scenes=1, seed=11, frames=FRAMES, size=SIZE
    )
    with_people = sorted((s for s in specs if s.people), key=lambda s: -s.camera.lens_mm)
    chosen = {s.camera: s for s in reversed([*with_people, *specs])}
    rest = [s for camera, s in chosen.items() if camera != with_people[0].camera]
    return (with_people[0], *rest)


def sample(spec: previz.ShotSpec) -> Sample:
    frames = tuple(Frame(i, i / 24, rgb) for i, rgb in enumerate(previz.frames(spec)))
    heard = previz.audio(dataclasses.replace(spec, frames=80))
    sound = Sound(np.ascontiguousarray(heard[:, None]))
    return Sample(frames, sound, None, Fraction(24), 0, len(frames))


@lru_cache(maxsize=1)
def _faces() -> tuple[Person, ...]:
    classical = registry.load("measure.extractors", "classical", "EXTRACTOR")()
    best = max(classical.extract(sample(setups()[0]), "").people.values(), key=len)
    assert best, "the classical detector must see previz's frontal face"
    return tuple(best)


@lru_cache(maxsize=128)
def signature(seed: int, drift: Drift | None = None, setup: int = 0) -> Signature:
    """One shot of a set-up with its own grain, and with `drift` (kind, size, unit) planted."""
    spec = dataclasses.replace(setups()[setup], seed=seed)
    if drift is not None:
        kind, size, unit = drift
        person = spec.people[0].name if kind in ("wardrobe", "identity") else None
        spec = previz.apply(spec, previz.Drift(kind, size, unit, person=person))  # type: ignore[arg-type]
    extractors = [FaceKnown(_faces())] if setup == 0 else []
    return measure(sample(spec), "shot.mp4", extractors)


def clean(count: int, setup: int = 0) -> list[Signature | str]:
    return [signature(i, None, setup) for i in range(count)]


def with_drift(drift: Drift, *at: int, count: int = 8) -> list[Signature | str]:
    """`count` shots of set-up 0, drifting at the positions `at`."""
    return [signature(i, drift if i in at else None) for i in range(count)]


def shots(count: int, sequence: str = "test", name: str = "shot_{}") -> ShotSequence:
    names = [name.format(i) for i in range(count)]
    return ShotSequence(sequence, tuple(Shot(n, sequence, f"{n}.mp4") for n in names))


def world(signatures: Sequence[Signature | str], look: Look | None = None) -> World:
    return World(shots(len(signatures)), list(signatures), look or Look())


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """Clean comparisons that differ by |N(0, 1)| of what is usual, clean shots by the largest of
    six such: stated, so that these tests do not move when the shipped calibration does."""
    rng = np.random.default_rng(0)
    null = Null.of(np.abs(rng.normal(size=4000)), "de00", "stated")
    strongest = np.abs(rng.normal(size=(2000, 6))).max(axis=1)
    evidence = -np.log10(null.p_value(strongest))

    class Every(dict[str, Null]):
        """The same null for whatever a check compares."""

        def get(self, key: str, default: Any = None) -> Null:
            del key, default
            return null

        def __missing__(self, key: str) -> Null:
            return null

    return Calibration(Every(), sketch(evidence), len(evidence), "stated")


def compared(
    signatures: Sequence[Signature | str],
    look: Look | None = None,
    sequence: ShotSequence | None = None,
) -> SequenceReport:
    sequence = sequence or shots(len(signatures))
    return engine.compare(sequence, signatures, look or Look(), calibration(), CHECKS)


def statuses(shot: ShotReport, attribute: str) -> set[str]:
    """What was found of `attribute` (a prefix), any way it was compared."""
    return {f.status for f in shot.findings if f.attribute.startswith(attribute)}
