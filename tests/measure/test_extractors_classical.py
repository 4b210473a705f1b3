"""Haar faces: a photographed face is found, what cannot be skin is not."""

from __future__ import annotations

from fractions import Fraction

import cv2
import numpy as np
import pytest

from filmgate.measure.extractors import classical
from filmgate.measure.sample import U8, Frame, Sample

data = pytest.importorskip("skimage.data")


def _sample(*pictures: U8) -> Sample:
    frames = tuple(Frame(i, i / 24, p) for i, p in enumerate(pictures))
    return Sample(frames, None, "", Fraction(24), 0, len(frames))


@pytest.fixture(scope="module")
def portrait() -> U8:
    """Eileen Collins (NASA, public domain) in a 640x360 frame; her face is at (0.31..0.41, 0.2)."""
    head = data.astronaut()[:360]
    return np.asarray(np.pad(head, ((0, 0), (64, 64), (0, 0)), mode="edge"), dtype=np.uint8)


def test_a_face_is_found_and_the_body_lies_below_it(portrait: U8) -> None:
    seen = classical.EXTRACTOR().extract(_sample(portrait, portrait, portrait), "a.mp4")
    assert not seen.masked
    assert list(seen.people) == [0, 1, 2]
    (person,) = seen.people[0]
    assert person.face is not None
    assert person.body is not None
    assert person.mask is None
    x, y, w, h = person.face
    assert 0.35 < x + w / 2 < 0.55
    assert 0.2 < y + h / 2 < 0.5
    assert person.body[1] <= y
    assert person.body[1] + person.body[3] > y + h
    assert person.frontal
    assert 0.4 < person.confidence <= 0.95


def test_a_blue_face_is_no_face(portrait: U8) -> None:
    blue = np.ascontiguousarray(portrait[:, :, ::-1])
    seen = classical.EXTRACTOR().extract(_sample(blue, blue, blue), "a.mp4")
    assert not any(p.frontal for found in seen.people.values() for p in found)


def test_black_and_white_is_seen_too(portrait: U8) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(portrait, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    picture = np.asarray(grey, dtype=np.uint8)
    seen = classical.EXTRACTOR().extract(_sample(picture, picture), "a.mp4")
    assert len(seen.people[0]) == 1


def test_nobody_found_is_said() -> None:
    empty = np.full((90, 160, 3), 90, np.uint8)
    seen = classical.EXTRACTOR().extract(_sample(empty), "a.mp4")
    assert seen.people == {0: ()}
    assert "may be unseen" in seen.notes[0]


@pytest.mark.parametrize(
    ("colour", "low", "high"),
    [((224, 172, 140), 1, 1), ((85, 52, 38), 1, 1), ((40, 90, 200), 0, 0), ((30, 200, 40), 0, 0)],
)
def test_skin_of_any_tone(colour: tuple[int, int, int], low: float, high: float) -> None:
    patch = np.full((8, 8, 3), colour, np.uint8)
    assert low <= classical.skin_share(patch) <= high
