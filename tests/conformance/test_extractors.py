"""Every extractor in the folder keeps the contract of `measure/extractor.py`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from filmgate import registry
from filmgate.measure.extractor import Extraction, Extractor
from filmgate.measure.sample import U8, Frame, Sample

WEIGHTS = Path(
    os.environ.get("FILMGATE_WEIGHTS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "weights"
)
SIZES = [(1, 1), (2, 3), (17, 640), (360, 5), (123, 217), (360, 640)]
IDENTITY_WORD = 1


class _Reader:
    """Sees one person in the first image, whatever is in it."""

    def read(
        self, images: Sequence[bytes], question: str, schema: dict[str, Any]
    ) -> dict[str, Any]:
        return {"people": [], "props": [], "light": {}}


def _onnx(build: Callable[..., Extractor]) -> Extractor:
    pytest.importorskip("onnxruntime")
    if not WEIGHTS.is_dir():
        pytest.skip(f"no weights in {WEIGHTS}")
    return build(folder=WEIGHTS)


FACTORIES: dict[str, Callable[[Callable[..., Extractor]], Extractor]] = {
    "onnx": _onnx,
    "vision_language": lambda build: build(reader=_Reader()),
}
"""How to build those that take arguments; every other one is called without."""


@pytest.fixture(params=registry.names("measure.extractors"))
def extractor(request: pytest.FixtureRequest) -> Extractor:
    build = registry.load("measure.extractors", request.param, "EXTRACTOR")
    return FACTORIES.get(request.param, lambda b: b())(build)


def _sample(*pictures: U8) -> Sample:
    frames = tuple(Frame(100 + 24 * i, float(i), p) for i, p in enumerate(pictures))
    return Sample(frames, None, "no sound", Fraction(24), 100, 100 + 24 * len(frames))


def _noise(height: int, width: int, seed: int) -> U8:
    picture = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return np.asarray(picture, dtype=np.uint8)


def _check(extraction: Extraction, sample: Sample) -> None:
    sizes = {f.index: f.rgb.shape[:2] for f in sample.frames}
    assert set(extraction.people) <= set(sizes)
    for index, people in extraction.people.items():
        covered = np.zeros(sizes[index], dtype=int)
        for person in people:
            assert 0 <= person.confidence <= 1
            assert person.face or person.body or person.mask is not None
            for box in (person.face, person.body):
                if box is not None:
                    x, y, w, h = box
                    assert x >= 0
                    assert y >= 0
                    assert w > 0
                    assert h > 0
                    assert x + w <= 1 + 1e-6
                    assert y + h <= 1 + 1e-6
            if person.mask is not None:
                assert person.mask.shape == sizes[index]
                assert person.mask.dtype == np.uint8
                covered += person.mask > 0
            if person.embedding is not None:
                assert np.linalg.norm(person.embedding) == pytest.approx(1, abs=1e-3)
        assert covered.max() <= 1, "a pixel belongs to one person only"
    for attribute in extraction.attributes:
        assert "/" in attribute.path
        assert 0 <= attribute.confidence <= 1
        assert all(sample.in_frame <= f < sample.out_frame for f in attribute.frames)


def test_identity_is_named_and_stable(extractor: Extractor) -> None:
    assert extractor.identity == extractor.identity
    assert len(extractor.identity.split()) > IDENTITY_WORD


def test_blank_frames_show_nobody(extractor: Extractor, tmp_path: Path) -> None:
    for level in (0, 128, 255):
        sample = _sample(*[np.full((180, 320, 3), level, np.uint8)] * 2)
        extraction = extractor.extract(sample, str(tmp_path / "blank.mp4"))
        _check(extraction, sample)
        assert not any(extraction.people.values())


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_any_size_is_survived(
    extractor: Extractor, height: int, width: int, tmp_path: Path
) -> None:
    sample = _sample(_noise(height, width, 1), _noise(height, width, 2))
    _check(extractor.extract(sample, str(tmp_path / "odd.mp4")), sample)


@pytest.mark.parametrize("count", [0, 1, 9])
def test_any_number_of_frames(extractor: Extractor, count: int, tmp_path: Path) -> None:
    sample = _sample(*[_noise(90, 160, i) for i in range(count)])
    _check(extractor.extract(sample, str(tmp_path / "x.mp4")), sample)


def test_same_frames_same_answer(extractor: Extractor, tmp_path: Path) -> None:
    sample = _sample(_noise(180, 320, 5), _noise(180, 320, 6))
    first, second = (extractor.extract(sample, str(tmp_path / "x.mp4")) for _ in range(2))
    assert repr(first) == repr(second)


def test_frames_are_not_written_to(extractor: Extractor, tmp_path: Path) -> None:
    picture = _noise(90, 160, 7)
    before = picture.copy()
    picture.setflags(write=False)
    extractor.extract(_sample(picture), str(tmp_path / "x.mp4"))
    assert np.array_equal(picture, before)
