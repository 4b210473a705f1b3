"""Faces by Haar cascades that OpenCV ships: no weights, always there, often blind.

It sees upright faces that look at the camera, photographed rather than drawn; backs, tilted heads
and small faces stay unseen, and the report must say so. There is no mask: head and torso below a
face are a guess by proportion. Frames are shrunk before looking because the search cost grows with
their area (about 10 ms a frame here; 45 ms at 640x360).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from filmgate.errors import MissingExtra
from filmgate.measure.extractor import Extraction, Person, pick
from filmgate.measure.extractors._people import body_from_face, clipped, overlap, suppressed
from filmgate.measure.sample import U8, Frame, Sample
from filmgate.schema.report import Box

VERSION = 2
LOOKED = 3
WIDTH_PX = 320
MIN_FACE = 0.12
"""Smallest face looked for, in heights of the frame: smaller ones have no torso worth measuring."""
MIN_FACE_PX = 18
SCALE_STEP = 1.25
FAINT_NEIGHBOURS, NEIGHBOURS = 1, 3
"""Agreeing windows: one is enough for a face that another frame shows at the same place."""
SURE_NEIGHBOURS = 12
SAME = 0.3
SKIN_SHARE = 0.25
_FRONTAL = "haarcascade_frontalface_alt2.xml"


@lru_cache(maxsize=4)
def _cascade(name: str) -> cv2.CascadeClassifier:
    path = Path(cv2.data.haarcascades) / name  # type: ignore[attr-defined]
    cascade = cv2.CascadeClassifier(str(path)) if path.is_file() else None
    if cascade is None or cascade.empty():
        raise MissingExtra(
            f"OpenCV was installed without {name}: install opencv-python-headless 4.10 to 4.x."
        )
    return cascade


def _small(rgb: U8, most: int) -> U8:
    """The frame at most `most` pixels wide."""
    height, width = rgb.shape[:2]
    if width <= most:
        return rgb
    size = (most, max(1, round(height * most / width)))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def skin_share(rgb: U8) -> float:
    """Share of pixels that could be skin, of any tone and under any usual light.

    Skin of every tone lies on one hue between red and yellow and differs in lightness and chroma
    (Chai and Ngan 1999 give Cr 133 to 173, Cb 77 to 127 under neutral light). The bounds are wider
    because scenes are graded; a face without colour, as in black and white, passes.
    """
    if rgb.size == 0:
        return 0.0
    ycc = cv2.cvtColor(rgb, cv2.COLOR_RGB2YCrCb).astype(np.int16)
    red, blue = ycc[..., 1] - 128, ycc[..., 2] - 128
    warm = (red >= 3) & (blue <= 6) & (red + blue >= -25)
    grey = (np.abs(red) <= 4) & (np.abs(blue) <= 4)
    return float(np.mean(warm | grey))


def _confidence(neighbours: int) -> float:
    """Certainty of a Haar detection from how many windows agree on it."""
    return float(min(0.95, 0.4 + 0.5 * min(neighbours, SURE_NEIGHBOURS) / SURE_NEIGHBOURS))


def _detect(name: str, grey: U8) -> list[tuple[Box, float]]:
    """Boxes (relative) and confidences of one cascade on a grey picture."""
    height, width = grey.shape
    least = max(MIN_FACE_PX, round(MIN_FACE * height))
    if min(height, width) <= least:
        return []
    boxes, counts = _cascade(name).detectMultiScale2(
        grey, scaleFactor=SCALE_STEP, minNeighbors=FAINT_NEIGHBOURS, minSize=(least, least)
    )
    found = []
    for (x, y, w, h), count in zip(boxes, counts, strict=True):
        box = clipped(x / width, y / height, (x + w) / width, (y + h) / height)
        if box is not None:
            found.append((box, _confidence(int(count))))
    return found


def _inner(rgb: U8, box: Box) -> U8:
    """The middle of a face box: hair and background lie at its edge."""
    height, width = rgb.shape[:2]
    x, y, w, h = box
    rows = slice(int((y + 0.25 * h) * height), int((y + 0.85 * h) * height) + 1)
    columns = slice(int((x + 0.25 * w) * width), int((x + 0.75 * w) * width) + 1)
    return rgb[rows, columns]


def _frontal(rgb: U8) -> list[tuple[Box, float]]:
    """Faces that look at the camera, faint ones included."""
    small = _small(rgb, WIDTH_PX)
    return _kept(_detect(_FRONTAL, _grey(small)), small)


def _grey(rgb: U8) -> U8:
    return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), dtype=np.uint8)


def _kept(found: list[tuple[Box, float]], small: U8) -> list[tuple[Box, float]]:
    """One box per face, and only where there may be skin."""
    best = suppressed(found, iou=0.3, contained=0.6)
    return [f for f in best if skin_share(_inner(small, f[0])) >= SKIN_SHARE]


def _agreed(
    found: dict[int, list[tuple[Box, float]]],
) -> dict[int, list[tuple[Box, float]]]:
    """Without the faint faces that no other frame shows at about the same place."""
    kept: dict[int, list[tuple[Box, float]]] = {}
    for i, faces in found.items():
        others = [box for j, more in found.items() if j != i for box, _ in more]
        kept[i] = [
            f
            for f in faces
            if f[1] >= _confidence(NEIGHBOURS) or any(overlap(f[0], o)[0] >= SAME for o in others)
        ]
    return kept


class ClassicalExtractor:
    """Frontal faces; needs nothing but OpenCV."""

    @property
    def identity(self) -> str:
        """Name and version, with OpenCV's, whose resizing and cascades it rests on."""
        return f"classical {VERSION} opencv {cv2.__version__}"

    def extract(self, sample: Sample, media: str) -> Extraction:
        """People by their faces in up to `LOOKED` frames; `media` is not read."""
        frames = {f.index: f for f in sample.frames}
        looked = pick(list(frames), LOOKED)
        found = _agreed({i: _frontal(frames[i].rgb) for i in looked})
        people = {i: _people(frames[i], found[i]) for i in looked}
        notes = () if any(people.values()) else ("No face was found; people may be unseen.",)
        return Extraction(people=people, masked=False, notes=notes)


def _people(frame: Frame, faces: list[tuple[Box, float]]) -> tuple[Person, ...]:
    height, width = frame.rgb.shape[:2]
    return tuple(
        Person(box, None, body_from_face(box, width / height), min(confidence, 1.0))
        for box, confidence in sorted(faces)
    )


EXTRACTOR = ClassicalExtractor
