"""Finding the cuts of one file that holds a whole reel.

The per-frame change is PySceneDetect's content score (mean HSV difference). What counts as a cut is
decided here, from three things a person would name:

* it changes a lot, and more than its own surroundings change: action is not a cut;
* or it changes less, but at once, in an otherwise quiet picture: a cut within one camera position;
* and the picture before does not come back: flashes and muzzle fire are not cuts.

Dissolves are not found: they have no frame to cut at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.measure.probe import Probe, open_media, scan
from filmgate.measure.sample import U8

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

STRONG_CHANGE: Final = 27.0
"""Content score of a plain cut, levels of 255; PySceneDetect's own default."""

STRONG_CONTRAST: Final = 1.9
"""A plain cut changes this many times more than the frames around it."""

WEAK_CHANGE: Final = 12.0
"""Content score below which nothing is a cut, levels."""

WEAK_CONTRAST: Final = 4.0
"""A weak change is a cut when it stands this many times above the frames around it."""

RETURN_SHARE: Final = 0.6
"""A change is a flash if the picture comes back to within this share of it."""

RETURN_S: Final = 0.35
"""How long a flash may last, seconds."""

SHORTEST_FRAMES: Final = 4
"""Two cuts nearer than this are one (a blended frame lies between the shots)."""

_AROUND: Final = 4
_SCORE_WIDTH_PX: Final = 256
_THUMB: Final = (32, 18)


def find_cuts(
    path: str | Path, progress: Callable[[int, int], None] | None = None
) -> list[tuple[int, int]]:
    """Split one file into shots.

    Args:
        path: a video file.
        progress: called now and then with frames done and frames in all.

    Returns:
        (in, out) of every shot in order, media frames, 0-based, out exclusive; together they cover
        the file. Frames are counted, not timed, so a variable frame rate does not matter.

    Raises:
        MeasurementError: one sentence on why the file cannot be read.
    """
    file = Path(path)
    with open_media(file) as (container, stream):
        found, _ = scan(file, container, stream)
    change, thumbs = _changes(file, found, progress)
    cuts = cuts_in(change, thumbs, float(found.rate))
    edges = [0, *cuts, found.frame_count]
    return list(pairwise(edges))


def cuts_in(change: NDArray[np.float64], thumbs: U8, rate: float) -> list[int]:
    """Pick the cuts from per-frame change.

    Args:
        change: (n,) content score of each frame against the one before; the first is 0.
        thumbs: uint8 (n, h, w, 3) HSV thumbnails, to see whether a picture comes back.
        rate: frames per second.

    Returns:
        First frame of every shot but the first, ascending.
    """
    length = len(change)
    cuts: list[int] = []
    for index in range(1, length):
        size = float(change[index])
        near = change[max(1, index - 2) : index + 3]
        if size < WEAK_CHANGE or size < near.max():
            continue
        contrast = size / (_surroundings(change, index) + 1.0)
        if contrast < (STRONG_CONTRAST if size >= STRONG_CHANGE else WEAK_CONTRAST):
            continue
        if _comes_back(thumbs, index, max(2, round(RETURN_S * rate))):
            continue
        if cuts and index - cuts[-1] < SHORTEST_FRAMES:
            if size > change[cuts[-1]]:
                cuts[-1] = index
        elif index >= SHORTEST_FRAMES // 2 and length - index >= SHORTEST_FRAMES // 2:
            cuts.append(index)
    return cuts


def _surroundings(change: NDArray[np.float64], index: int) -> float:
    """Mean change around a frame, without the frame and without its largest neighbour.

    The largest is left out because a blended or duplicated frame beside a cut is part of the cut.
    """
    around = np.concatenate(
        [change[max(1, index - _AROUND) : index], change[index + 1 : index + 1 + _AROUND]]
    )
    return float(np.sort(around)[:-1].mean()) if len(around) > 1 else 0.0


def _comes_back(thumbs: U8, index: int, within: int) -> bool:
    """Tell whether the change at `index` is one edge of a flash: its other side is near in time.

    At the start of a flash the picture before it is seen again soon; at its end the picture after
    it was seen just before.
    """
    before, after = thumbs[index - 1].astype(np.int16), thumbs[index].astype(np.int16)
    limit = RETURN_SHARE * float(np.abs(after - before).mean())
    later = thumbs[index + 1 : index + within + 1]
    earlier = thumbs[max(0, index - 1 - within) : index - 1]
    return any(
        len(others) > 0 and np.abs(others - picture).mean(axis=(1, 2, 3)).min() < limit
        for picture, others in ((before, later), (after, earlier))
    )


def _changes(
    file: Path, found: Probe, progress: Callable[[int, int], None] | None
) -> tuple[NDArray[np.float64], U8]:
    """Decode every frame once and score its change.

    Returns:
        Content scores (n,) and HSV thumbnails uint8 (n, 18, 32, 3) by media frame. A frame that
        cannot be decoded counts as a repeat of the one before.
    """
    # imported here: only a reel needs it, and it takes longer to import than to start everything
    from scenedetect import FrameTimecode, StatsManager
    from scenedetect.detectors import ContentDetector

    detector: Any = ContentDetector()
    detector.stats_manager = StatsManager()
    total = found.frame_count
    change = np.zeros(total)
    thumbs = np.zeros((total, _THUMB[1], _THUMB[0], 3), np.uint8)
    seen = np.zeros(total, bool)
    with open_media(file) as (container, stream):
        for number, picture in enumerate(_every_picture(container, stream)):
            timed = found.timed and picture.pts is not None
            index = found.index_of(picture.pts or 0) if timed else number
            if index >= total or seen[index]:
                continue
            tall = max(2, round(picture.height * _SCORE_WIDTH_PX / picture.width))
            small = picture.reformat(_SCORE_WIDTH_PX, tall, "bgr24", interpolation="AREA")
            pixels = small.to_ndarray()
            # an even clock of one tick per frame: the detector then counts and never times
            moment = FrameTimecode(number, fps=25.0)
            detector.process_frame(moment, pixels)
            if number:
                change[index] = detector.stats_manager.get_metrics(moment, ["content_val"])[0]
            shrunk = cv2.resize(pixels, _THUMB, interpolation=cv2.INTER_AREA)
            thumbs[index] = cv2.cvtColor(shrunk, cv2.COLOR_BGR2HSV)
            seen[index] = True
            if progress is not None and number % 48 == 0:
                progress(number, total)
    for index in np.flatnonzero(~seen).tolist():
        thumbs[index] = thumbs[max(0, index - 1)]
    if progress is not None:
        progress(total, total)
    return change, thumbs


def _every_picture(container: Any, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decode a stream in order, stepping over what is damaged."""
    stream.codec_context.thread_count = 1
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets)
        except (StopIteration, av.FFmpegError):
            return
        try:
            yield from packet.decode()
        except av.FFmpegError:
            continue
