"""Fetching the frames a page shows and packing them into it, within a size limit.

The page must stay openable with 1,600 shots, so the number of evidence frames, their height and
the bytes of each are bounded together: the worst drift keeps its frames, later ones say why not.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.errors import FilmgateError

MAX_FRAMES = 480
"""Evidence frames in one page; each is at most `BUDGET / frames planned` characters long."""
BUDGET = 9_000_000
"""Characters of base64 that all evidence frames together may take."""
HEIGHTS = ((60, 450), (200, 360), (MAX_FRAMES, 270))
"""Evidence height in pixels by the number of frames planned: few frames may be large."""
MANY_SHOTS = 120
"""Sequences longer than this get the small thumbnails."""
THUMB, THUMB_DENSE = (240, 135), (80, 60)
"""Largest thumbnail (width, height) in pixels, and in a long sequence."""
_PER_CALL = 48  # frames asked for at once: 48 frames of 450 lines are 100 MB at most

FrameKey = tuple[str, int]
Image = NDArray[np.uint8]


class FrameSource(Protocol):
    """Decodes frames for the page."""

    def __call__(
        self, file: str, frames: Sequence[int], max_height_px: int, /
    ) -> dict[int, NDArray[np.uint8]]:
        """Upright sRGB frames (h, w, 3) of a file by 0-based media frame, at most so high.

        Frames that cannot be had are left out. A `FilmgateError` or `OSError` stands for all of
        them; its text is shown where the frames would be.
        """
        ...


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame as the page holds it: its place in the page, its size, its bytes."""

    dom_id: str
    width: int
    height: int
    uri: str


@dataclass(slots=True)
class Plan:
    """What the page wants to show, in order of importance."""

    evidence: dict[FrameKey, None] = field(default_factory=dict)
    thumbs: dict[FrameKey, tuple[int, int]] = field(default_factory=dict)
    left_out: set[FrameKey] = field(default_factory=set)

    def want(self, file: str | None, frame: int | None) -> None:
        """Ask for an evidence frame; beyond the limit it is noted as left out."""
        if file is None or frame is None or (file, frame) in self.evidence:
            return
        if len(self.evidence) < MAX_FRAMES:
            self.evidence[file, frame] = None
        else:
            self.left_out.add((file, frame))

    def want_thumb(self, file: str, frame: int, dense: bool) -> None:
        """Ask for a thumbnail; a frame used in two sequences gets the larger of its sizes."""
        size = THUMB_DENSE if dense else THUMB
        self.thumbs[file, frame] = max(size, self.thumbs.get((file, frame), size))

    @property
    def height(self) -> int:
        """Lines per evidence frame."""
        return next((h for n, h in HEIGHTS if len(self.evidence) <= n), HEIGHTS[-1][1])


@dataclass(slots=True)
class Gallery:
    """The frames that were found, and why the others were not."""

    evidence: dict[FrameKey, Picture] = field(default_factory=dict)
    thumbs: dict[FrameKey, Picture] = field(default_factory=dict)
    trouble: dict[str, str] = field(default_factory=dict)
    left_out: set[FrameKey] = field(default_factory=set)

    def absence(self, file: str, frame: int) -> str:
        """Why a frame is not in the page."""
        if (file, frame) in self.left_out:
            return "Frame left out: the page is at its size limit and shows the worst drift first."
        if file in self.trouble:
            return f"Frame {frame} is not available: {self.trouble[file]}"
        return f"Frame {frame} is not available: the file could not be decoded there."


def gather(plan: Plan, source: FrameSource) -> Gallery:
    """Fetch and encode everything a plan asks for, a file at a time."""
    gallery = Gallery(left_out=plan.left_out)
    files: dict[str, set[int]] = {}
    for file, frame in (*plan.evidence, *plan.thumbs):
        files.setdefault(file, set()).add(frame)
    for file, frames in files.items():
        ordered = sorted(frames)
        for start in range(0, len(ordered), _PER_CALL):
            _fetch(file, ordered[start : start + _PER_CALL], plan, source, gallery)
    return gallery


def _fetch(
    file: str, frames: Sequence[int], plan: Plan, source: FrameSource, gallery: Gallery
) -> None:
    large = any((file, frame) in plan.evidence for frame in frames)
    height = plan.height if large else max(plan.thumbs[file, frame][1] for frame in frames)
    try:
        images = source(file, frames, height)
    except (FilmgateError, OSError) as error:
        gallery.trouble[file] = _sentence(error)
        return
    room = BUDGET // max(1, len(plan.evidence))
    for frame in frames:
        image = images.get(frame)
        if image is None or image.size == 0:
            continue
        key = (file, frame)
        if key in plan.evidence:
            name = f"p{len(gallery.evidence)}"
            gallery.evidence[key] = _picture(name, _fit(image, 10 * height, height), 82, room)
        if key in plan.thumbs:
            small = _fit(image, *plan.thumbs[key])
            gallery.thumbs[key] = _picture("", small, 72, room)


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}."
    return str(error) or type(error).__name__


def _fit(image: Image, width: int, height: int) -> Image:
    """Shrink to fit, never enlarge; averaging, so that the colours stay what they were."""
    h, w = image.shape[:2]
    scale = min(width / w, height / h)
    if scale >= 1:
        return image
    size = (max(1, round(w * scale)), max(1, round(h * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _picture(dom_id: str, image: Image, quality: int, room: int) -> Picture:
    """Encode as WebP: coarser, then smaller, until the picture fits its share of the page."""
    h, w = image.shape[:2]
    uri = _encode(image, quality)
    small = image
    while len(uri) > room and min(small.shape[:2]) > 32:
        if quality > 55:
            quality = 55
        else:  # bytes go with the area; a little less than that, so that one step is enough
            scale = min(0.9, 0.95 * (room / len(uri)) ** 0.5)
            small = _fit(small, max(1, int(small.shape[1] * scale)), small.shape[0])
        uri = _encode(small, quality)
    return Picture(dom_id, w, h, uri)


def _encode(image: Image, quality: int) -> str:
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
    if not done:  # only for a picture without pixels, which `_fetch` has sorted out
        raise ValueError("the frame could not be encoded")
    return "data:image/webp;base64," + base64.b64encode(data.tobytes()).decode("ascii")
