"""Contract of an extractor: who and what is where in the sampled frames.

An extractor answers in regions and attributes and knows nothing of right or wrong. Several may
answer for one shot; `signature.measure` merges them, the later ones filling what the earlier left
open, so a stronger extractor plugs in without touching a check. Add one by adding one file with an
`EXTRACTOR` in ``measure/extractors/`` (or an entry point of the group
``filmgate.measure.extractors``); ``tests/conformance/test_extractors.py`` then tests it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from filmgate.measure.sample import U8, Sample
from filmgate.schema.report import Box


@dataclass(frozen=True, slots=True)
class Person:
    """One person in one frame.

    Attributes:
        face: face box relative to the frame, or None when the face was not found.
        mask: uint8 (h, w) person mask at the frame's own size, 0 to 255; None when unknown.
            With several people in a frame each has its own part of the mask.
        body: box of the person relative to the frame; None when unknown.
        confidence: 0 to 1, of the detection.
        frontal: whether the face looks towards the camera.
        name: who it is, when the extractor knows (sidecar, vision-language); else None.
        embedding: unit-length identity vector when the extractor has one; else None.
    """

    face: Box | None
    mask: U8 | None
    body: Box | None
    confidence: float
    frontal: bool = True
    name: str | None = None
    embedding: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that arrives as an answer rather than as pixels.

    Attributes:
        path: attribute path ("wardrobe/maya/jacket").
        value: a colour "#rrggbb", a number, or a word.
        unit: of a number; None for colours and words.
        confidence: 0 to 1.
        frames: media frames (0-based) it was seen in.
        box: where, relative to the displayed frame.
    """

    path: str
    value: str | float
    unit: str | None = None
    confidence: float = 1.0
    frames: tuple[int, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """What one extractor saw.

    Attributes:
        people: frame index -> the people in it. A frame that was looked at and is empty maps to
            (); a frame that was not looked at is absent.
        masked: whether, in every frame where somebody has a mask, everybody seen is covered by
            one, so that the remaining pixels of those frames may be called background. Frames
            where people have no mask say nothing about background.
        attributes: answers that are not pixels.
        view: unit-length description of the kind of place shown, when the extractor has one; views
            are compared only between extractions of one identity.
        notes: what a reader of the report must know.
    """

    people: Mapping[int, tuple[Person, ...]] = field(default_factory=dict)
    masked: bool = False
    attributes: tuple[Attribute, ...] = ()
    view: tuple[float, ...] | None = None
    notes: tuple[str, ...] = ()


class Extractor(Protocol):
    """One way of seeing. `identity` changes whenever its answers may change: it keys the cache."""

    @property
    def identity(self) -> str:
        """Name and version, with the digest of any weights ("onnx 1 face=0a1b… person=2c3d…")."""
        ...

    def extract(self, sample: Sample, media: str) -> Extraction:
        """Look at the frames of `sample` (file `media`, for sidecars).

        Raises:
            MeasurementError: this shot cannot be looked at; the others go on.
        """
        ...


class ReadsBeside(Protocol):
    """What an extractor has besides when it reads more than the media (a sidecar)."""

    def beside(self, media: str) -> str:
        """Digest of what it reads besides `media`, "" for nothing; part of the cache's key."""
        ...


def pick(indices: Sequence[int], count: int) -> list[int]:
    """At most `count` of `indices`, spread evenly, first and last included."""
    if count >= len(indices):
        return list(indices)
    if count == 1:
        return [indices[len(indices) // 2]]
    step = (len(indices) - 1) / (count - 1)
    return [indices[round(i * step)] for i in range(count)]
