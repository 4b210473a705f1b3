"""How the networks' answers are read and weighed, with fake networks; real ones if present."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.errors import UsageError
from filmgate.measure import weights
from filmgate.measure.extractors import _nets, onnx
from filmgate.measure.extractors._people import body_from_face, clipped, overlap, split, suppressed
from filmgate.measure.sample import U8, Frame, Sample
from filmgate.schema.report import Box

REAL = Path(
    os.environ.get("FILMGATE_WEIGHTS")
    or Path(__file__).resolve().parents[2].parent / "shared" / "weights"
)
CATALOG = weights.catalog()
HEIGHT, WIDTH = 180, 320


class Net:
    """Answers the same arrays whatever it is fed."""

    def __init__(self, *answers: NDArray[np.float32]) -> None:
        self.answers = [np.asarray(a, dtype=np.float32) for a in answers]
        self.fed: list[NDArray[np.float32]] = []

    def get_inputs(self) -> list[Any]:
        return [type("Input", (), {"name": "x"})]

    def run(self, names: None, feed: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
        self.fed.append(feed["x"])
        return self.answers


def _face_net(*faces: tuple[Box, float]) -> Net:
    scores, boxes = np.zeros((1, 4420, 2)), np.zeros((1, 4420, 4))
    for i, ((x, y, w, h), score) in enumerate(faces):
        scores[0, i] = (1 - score, score)
        boxes[0, i] = (x, y, x + w, y + h)
    return Net(scores, boxes)


def _body_net(*found: tuple[Box, float, int]) -> Net:
    """Cells with box, score and COCO class; and the features the view is pooled from."""
    grid = np.zeros((1, 85, 22, 22))
    for (x, y, w, h), score, kind in found:
        centre_x, centre_y = (x + w / 2) * 22, (y + h / 2) * 22
        column, row = int(centre_x), int(centre_y)
        grid[0, 0, row, column] = grid[0, 5 + kind, row, column] = score
        grid[0, 1, row, column] = np.arctanh(centre_x - column)
        grid[0, 2, row, column] = np.arctanh(centre_y - row)
        grid[0, 3, row, column] = np.log(w / (1 - w))
        grid[0, 4, row, column] = np.log(h / (1 - h))
    return Net(grid, np.zeros((1, 192, 11, 11)))


def _mask_net(*boxes: Box) -> Net:
    logits = np.zeros((1, 2, 513, 513))
    logits[0, 0] = 20
    for x, y, w, h in boxes:
        logits[0, 1, int(y * 513) : int((y + h) * 513), int(x * 513) : int((x + w) * 513)] = 40
    return Net(logits)


@pytest.fixture
def see(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Builds the extractor on fake networks and looks at `count` frames."""

    def look(faces: Net, bodies: Net, mask: Net, count: int = 1) -> Any:
        nets = {"face_rfb320": faces, "objects_fastestdet": bodies, "person_deeplab513": mask}
        digest = hashlib.sha256(b"x").hexdigest()
        rows = [replace(w, sha256=digest, bytes=1) for w in CATALOG if w.name in nets]
        monkeypatch.setattr(weights, "catalog", lambda: tuple(rows))
        for name in nets:
            (tmp_path / f"{name}.onnx").write_bytes(b"x")
        monkeypatch.setattr(_nets, "session", lambda path: nets[path.stem])
        picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        frames = tuple(Frame(10 * i, i / 24, picture) for i in range(count))
        sample = Sample(frames, None, "", Fraction(24), 0, 10 * count)
        return onnx.EXTRACTOR(tmp_path).extract(sample, "a.mp4")

    return look


FACE: Box = (0.4, 0.2, 0.1, 0.2)
BODY: Box = (0.3, 0.1, 0.3, 0.9)
OTHER: Box = (0.7, 0.1, 0.25, 0.9)
NOBODY = (_face_net(), _body_net(), _mask_net())


def test_decoding_is_exact() -> None:
    picture: U8 = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    ((face, score),) = _nets.faces(_face_net((FACE, 0.9)), picture)
    assert face == pytest.approx(FACE, abs=1e-6)
    assert score == pytest.approx(0.9)
    people, animals, view = _nets.bodies(_body_net((BODY, 0.8, 0), (OTHER, 0.9, 16)), picture)
    assert people[0][0] == pytest.approx(BODY, abs=1e-5)
    assert people[0][1] == pytest.approx(0.8)
    assert len(people) == 1
    assert animals[0] == pytest.approx(OTHER, abs=1e-5)
    assert view.shape == (384,)
    mask = _nets.person_mask(_mask_net(BODY), picture)
    assert mask.shape == (HEIGHT, WIDTH)
    assert mask.max() == 255
    assert np.mean(mask > 127) == pytest.approx(0.27, abs=0.02)


def test_each_network_is_fed_in_its_own_form() -> None:
    picture: U8 = np.full((HEIGHT, WIDTH, 3), (255, 0, 0), np.uint8)
    face, body, mask = _face_net(), _body_net(), _mask_net()
    _nets.faces(face, picture), _nets.bodies(body, picture), _nets.person_mask(mask, picture)
    assert face.fed[0].shape == (1, 3, 240, 320)
    assert face.fed[0][0, 0].max() == 1.0
    assert body.fed[0].shape == (1, 3, 352, 352)
    assert body.fed[0][0, 2].min() == 1.0
    assert mask.fed[0].shape == (1, 3, 513, 513)
    assert mask.fed[0][0, 0].min() == 1.0


def test_face_body_and_mask_make_one_person(see: Any) -> None:
    seen = see(_face_net((FACE, 0.9)), _body_net((BODY, 0.8, 0)), _mask_net(BODY))
    (person,) = seen.people[0]
    assert person.face == pytest.approx(FACE, abs=1e-5)
    assert person.body == pytest.approx(BODY, abs=1e-5)
    assert person.mask is not None
    assert seen.masked


def test_two_people_share_the_mask_without_overlap(see: Any) -> None:
    seen = see(
        _face_net((FACE, 0.9)), _body_net((BODY, 0.8, 0), (OTHER, 0.8, 0)),
        _mask_net((0.3, 0.1, 0.65, 0.9)),
    )  # fmt: skip
    left, right = seen.people[0]
    assert left.mask is not None
    assert right.mask is not None
    assert right.face is None
    assert not np.any((left.mask > 0) & (right.mask > 0))
    assert np.flatnonzero(left.mask.any(axis=0)).max() < np.flatnonzero(right.mask.any(axis=0))[-1]


def test_a_mask_without_a_witness_is_nobody(see: Any) -> None:
    seen = see(_face_net(), _body_net(), _mask_net(BODY))
    assert seen.people == {0: ()}


def test_a_drawn_face_without_mask_keeps_a_guessed_body(see: Any) -> None:
    seen = see(_face_net((FACE, 0.95)), _body_net(), _mask_net())
    (person,) = seen.people[0]
    assert person.mask is None
    assert not seen.masked
    assert person.body == pytest.approx(body_from_face(FACE, WIDTH / HEIGHT), abs=1e-5)


def test_faint_witnesses_need_one_another(see: Any) -> None:
    assert see(_face_net((FACE, 0.6)), *NOBODY[1:]).people == {0: ()}
    assert see(_face_net(), _body_net((BODY, 0.4, 0)), _mask_net()).people == {0: ()}
    together = see(_face_net((FACE, 0.6)), _body_net((BODY, 0.4, 0)), _mask_net())
    assert len(together.people[0]) == 1
    masked = see(_face_net(), _body_net((BODY, 0.4, 0)), _mask_net(BODY))
    assert len(masked.people[0]) == 1


def test_an_arm_beside_a_face_is_not_a_second_person(see: Any) -> None:
    seen = see(_face_net((FACE, 0.9)), _body_net((BODY, 0.8, 0), (OTHER, 0.6, 0)), _mask_net(BODY))
    assert len(seen.people[0]) == 1


def test_a_dog_with_a_face_is_nobody(see: Any) -> None:
    dog = (_face_net((FACE, 0.9)), _body_net((BODY, 0.8, 16)), _mask_net(BODY))
    assert not any(see(*dog, count=3).people.values())


def test_the_mask_is_made_at_both_ends_and_only_there(see: Any) -> None:
    mask = _mask_net(BODY)
    seen = see(_face_net((FACE, 0.9)), _body_net((BODY, 0.8, 0)), mask, count=9)
    assert len(mask.fed) == onnx.MASKED
    assert len(seen.people) == onnx.LOOKED
    assert [i for i, found in seen.people.items() if found[0].mask is not None] == [0, 80]
    empty = _mask_net(BODY)
    see(_face_net(), _body_net(), empty, count=9)
    assert empty.fed == []


def test_profile_faces_are_not_frontal(see: Any) -> None:
    narrow: Box = (0.4, 0.2, 0.05, 0.2)
    seen = see(_face_net((narrow, 0.9)), _body_net((BODY, 0.8, 0)), _mask_net())
    assert not seen.people[0][0].frontal
    aside = see(
        _face_net((FACE, 0.9)), _body_net((BODY, 0.8, 0)), _mask_net((0.41, 0.1, 0.25, 0.9))
    )
    assert not aside.people[0][0].frontal


def test_boxes() -> None:
    assert clipped(-1, -1, 2, 2) == (0, 0, 1, 1)
    assert clipped(1.2, 0, 2, 1) is None
    assert clipped(0.5, 0.5, 0.5, 0.6) is None
    assert overlap((0, 0, 0.5, 1), (0.25, 0, 0.5, 1)) == pytest.approx((1 / 3, 0.5))
    kept = suppressed([((0, 0, 1, 1), 0.5), ((0.1, 0.1, 0.2, 0.2), 0.9)], iou=0.9, contained=0.5)
    assert kept == [((0.1, 0.1, 0.2, 0.2), 0.9)]
    assert (
        split(np.ones((4, 8), bool), [(0, 0, 0.5, 1), (0.5, 0, 0.5, 1)], [0.1, 0.1])[0].sum() == 16
    )


def test_a_folder_without_a_detector_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "person_deeplab513.onnx"
    monkeypatch.setattr(weights, "located", lambda folder: {"person_deeplab513": path})
    with pytest.raises(UsageError, match="neither"):
        onnx.EXTRACTOR(tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="no weights here")
def test_real_networks_see_a_real_person() -> None:
    pytest.importorskip("onnxruntime")
    data = pytest.importorskip("skimage.data")
    picture = np.asarray(data.astronaut()[::2, ::2], dtype=np.uint8)
    sample = Sample((Frame(0, 0.0, picture),), None, "", Fraction(24), 0, 1)
    extractor = onnx.EXTRACTOR(REAL)
    seen = extractor.extract(sample, "a.mp4")
    best = max(seen.people[0], key=lambda p: p.confidence)
    assert best.face is not None
    assert 0.35 < best.face[0] + best.face[2] / 2 < 0.55
    assert best.mask is not None
    assert np.mean(best.mask > 127) > 0.2
    assert "face_rfb320=34cd7e60aeff" in extractor.identity
