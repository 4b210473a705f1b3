"""The four known networks: preparing pixels for them, and reading their answers.

Sessions are kept per process and run on one thread: shots are spread over processes, and two
threads per process would only contend. See `weights.toml` for the layouts.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.errors import MissingExtra, UsageError
from filmgate.measure.extractors._people import clipped, suppressed
from filmgate.measure.sample import F32, U8
from filmgate.schema.report import Box

FACE_MIN_SCORE = 0.5
PERSON_MIN_SCORE = 0.35
_ONLY_ERRORS = 3  # onnxruntime's severity: these exports draw a warning per initialiser
ANIMAL_MIN_SCORE = 0.6  # below it backs of heads and dark figures pass for animals
_COCO_PERSON = 0
_COCO_ANIMALS = slice(14, 24)  # bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe


VIEW_TAP = "input.504"
"""Last stage of FastestDet's backbone (192 x 11 x 11): what kind of place the frame shows."""
_TAPS = {"objects_fastestdet.onnx": VIEW_TAP}


def _tapped(model: bytes, name: str) -> bytes:
    """`model` with the inner value `name` as one more output.

    An ONNX file is a protobuf message, and a field that comes twice is merged: appending a graph
    (field 7) that holds one output (field 12) with a name (field 1) adds it to the outputs.
    """
    value = b"\x0a" + bytes([len(name)]) + name.encode()
    output = b"\x62" + bytes([len(value)]) + value
    return model + b"\x3a" + bytes([len(output)]) + output


@lru_cache(maxsize=16)
def _session(path: str, mtime_ns: int) -> Any:
    """One network, loaded once per process; the time is in the key so that a new file is read."""
    try:
        import onnxruntime
    except ModuleNotFoundError as error:
        raise MissingExtra(
            "Looking with networks needs the package 'onnxruntime': install filmgate[vision]."
        ) from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _ONLY_ERRORS
    try:
        tap = _TAPS.get(Path(path).name)
        model = path if tap is None else _tapped(Path(path).read_bytes(), tap)
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UsageError(f"onnxruntime cannot load the weights {path}: {error}.") from error


def session(path: Path) -> Any:
    """The running network of a verified file.

    Raises:
        MissingExtra: onnxruntime is not installed.
        UsageError: it does not accept the file.
    """
    return _session(str(path.absolute()), path.stat().st_mtime_ns)


def _run(net: Any, picture: F32) -> list[F32]:
    """Feed (h, w, 3) float32 as 1x3xhxw and return every output."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1)[None])
    answers: list[F32] = net.run(None, {net.get_inputs()[0].name: planes})
    return answers


def _resized(rgb: U8, width: int, height: int) -> F32:
    # The aspect is not kept: all four were trained on squeezed pictures.
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.float32)


def _corners(rows: F32 | NDArray[np.float64], scores: F32) -> list[tuple[Box, float]]:
    boxes = []
    for (x1, y1, x2, y2), score in zip(rows.tolist(), scores.tolist(), strict=True):
        box = clipped(x1, y1, x2, y2)
        if box is not None:
            boxes.append((box, float(score)))
    return boxes


def faces(net: Any, rgb: U8) -> list[tuple[Box, float]]:
    """Face boxes and scores (0 to 1) in an RGB frame, best first; `face_rfb320`."""
    scores, boxes = _run(net, (_resized(rgb, 320, 240) - 127.0) / 128.0)
    sure = scores[0, :, 1] >= FACE_MIN_SCORE
    return suppressed(_corners(boxes[0][sure], scores[0, sure, 1]), iou=0.35, contained=0.6)


def bodies(net: Any, rgb: U8) -> tuple[list[tuple[Box, float]], list[Box], F32]:
    """Person boxes with scores (0 to 1), best first, animal boxes, and the frame's view (384,);
    `objects_fastestdet`.

    A cell of the 22x22 grid answers objectness, the offset of the centre in cells (tanh), the size
    in frames (sigmoid) and 80 class probabilities; the score is objectness^0.6 class^0.4, as the
    source weighs them. Cells where another class is likelier (a dog) are not people; animals are
    told because the face and mask networks take them for people.
    """
    bgr = _resized(rgb, 352, 352)[:, :, ::-1] / np.float32(255)
    answers = _run(net, bgr)
    grid = answers[0][0].astype(np.float64)
    rows, columns = grid.shape[1:]
    cell_y, cell_x = np.mgrid[0:rows, 0:columns]
    x = (cell_x + np.tanh(grid[1])) / columns
    y = (cell_y + np.tanh(grid[2])) / rows
    half_w, half_h = 0.5 / (1 + np.exp(-grid[3])), 0.5 / (1 + np.exp(-grid[4]))
    corners = np.stack([x - half_w, y - half_h, x + half_w, y + half_h], axis=-1)
    present = np.clip(grid[0], 0.0, 1.0) ** 0.6
    chance = np.clip(grid[5:], 0.0, 1.0)
    person = present * chance[_COCO_PERSON] ** 0.4
    sure = (person >= PERSON_MIN_SCORE) & (chance.argmax(axis=0) == _COCO_PERSON)
    people = suppressed(_corners(corners[sure], person[sure]), iou=0.45, contained=0.75)
    animal = present * chance[_COCO_ANIMALS].max(axis=0) ** 0.4
    tame = (animal >= ANIMAL_MIN_SCORE) & (chance[_COCO_ANIMALS].max(axis=0) > chance[_COCO_PERSON])
    beasts = suppressed(_corners(corners[tame], animal[tame]), iou=0.45, contained=0.75)
    return people, [box for box, _ in beasts], _pooled(answers[1][0])


def _pooled(features: F32) -> F32:
    """(384,) mean and spread over the frame of (192, 11, 11) features."""
    flat = features.reshape(features.shape[0], -1)
    return np.concatenate([flat.mean(axis=1), flat.std(axis=1)]).astype(np.float32)


@lru_cache(maxsize=1)
def _view_stats() -> tuple[F32, F32]:
    """Usual mean and spread of each number of a view over unrelated footage; without them the few
    largest features of the network drown the others (`bench/view_stats.py` makes the file).
    """
    file = resources.files("filmgate.measure.extractors") / "view_stats.json"
    body = json.loads(file.read_text(encoding="utf-8"))
    return np.array(body["mean"], np.float32), np.array(body["sd"], np.float32)


def view(pooled: list[F32]) -> tuple[float, ...]:
    """Unit-length view of a shot from the pooled features of its frames."""
    mean, spread = _view_stats()
    standard = (np.mean(pooled, axis=0) - mean) / spread
    unit = standard / max(float(np.linalg.norm(standard)), 1e-6)
    return tuple(round(float(v), 5) for v in unit)


def person_mask(net: Any, rgb: U8) -> U8:
    """Mask of all people, uint8 (h, w), 255 certain; `person_deeplab513`."""
    logits = _run(net, _resized(rgb, 513, 513) / np.float32(255))[0][0]
    chance = 1.0 / (1.0 + np.exp(np.clip(logits[0] - logits[1], -30.0, 30.0)))
    height, width = rgb.shape[:2]
    full = cv2.resize(chance, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.round(full * 255.0), dtype=np.uint8)
