"""Single frames of a media file at full size, for the eye and for scopes.

`measure.stills` gives frames at the size they are measured at; here somebody looks at them. A few
frames around the one asked for are decoded with it and kept, since the next question is for the
next frame.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import Colorspace, VideoReformatter
from numpy.typing import NDArray

from filmgate.errors import MeasurementError
from filmgate.measure import colour
from filmgate.measure.probe import Probe, has_alpha, open_media, probe, with_picture

U8 = NDArray[np.uint8]

WINDOW: Final = 8
"""Frames decoded together: the one asked for and what stepping will ask for next."""
LINES: Final = 2160
"""Most lines of a frame that is handed out; larger ones are shown smaller."""
KEPT_BYTES: Final = 256 * 1024 * 1024


class Stills:
    """Frames of files that never change, the last ones kept."""

    def __init__(self, kept_bytes: int = KEPT_BYTES) -> None:
        self._most = kept_bytes
        self._held = 0
        self._kept: OrderedDict[tuple[Path, int], U8] = OrderedDict()
        self._lock = threading.Lock()
        self._decoding = threading.Semaphore(2)  # more at once only take turns on the cores

    def frame(self, path: Path, number: int, height_px: int | None = None) -> U8:
        """Frame `number` (0-based) of `path`: sRGB (h, w, 3), upright, square pixels.

        Args:
            height_px: at most this high; None for the file's own height, at most `LINES`.

        Raises:
            MeasurementError: there is no such frame, or it cannot be decoded.
        """
        found = self._get(path, number)
        if found is None:
            with self._decoding:
                found = self._get(path, number)
                if found is None:
                    found = self._decoded(path, number)
        return found if height_px is None else fitted(found, height_px)

    def _get(self, path: Path, number: int) -> U8 | None:
        with self._lock:
            if (path, number) not in self._kept:
                return None
            self._kept.move_to_end((path, number))
            return self._kept[(path, number)]

    def _decoded(self, path: Path, number: int) -> U8:
        pictures = decoded(path, number - number % WINDOW, WINDOW, number)
        if number not in pictures:
            raise MeasurementError(f"Frame {number} cannot be decoded.")
        with self._lock:
            for index, picture in pictures.items():
                old = self._kept.pop((path, index), None)
                self._held += picture.nbytes - (old.nbytes if old is not None else 0)
                self._kept[(path, index)] = picture
            while self._held > self._most and len(self._kept) > 1:
                self._held -= self._kept.popitem(last=False)[1].nbytes
        return pictures[number]


def fitted(picture: U8, height_px: int) -> U8:
    """`picture`, at most `height_px` high."""
    height, width = picture.shape[:2]
    if height <= height_px:
        return picture
    size = (max(1, round(width * height_px / height)), height_px)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def coded(picture: U8, kind: str) -> bytes:
    """The bytes of a picture as "png" or "jpg"."""
    options = {
        "png": [cv2.IMWRITE_PNG_COMPRESSION, 1], "jpg": [cv2.IMWRITE_JPEG_QUALITY, 92],
    }[kind]  # fmt: skip
    done, data = cv2.imencode(f".{kind}", picture[:, :, ::-1], options)
    if not done:
        raise MeasurementError("A frame could not be coded as a picture.")
    return data.tobytes()


@lru_cache(maxsize=1024)
def _probe(path: Path) -> Probe:
    return probe(path)


def decoded(path: Path, first: int, count: int, wanted: int) -> dict[int, U8]:
    """Frames of [first, first + count) by number, as far as the file holds them.

    Args:
        wanted: the one that must be among them; where a seek does not bring it, the file is
            decoded from its start.

    Raises:
        MeasurementError: the file cannot be read, or has no frame `wanted`.
    """
    known = _probe(path)
    if not 0 <= wanted < known.frame_count:
        raise MeasurementError(f"There is no frame {wanted}: there are {known.frame_count}.")
    last = min(first + count, known.frame_count) - 1
    pictures = _run(path, known, first, last, seeking=known.timed)
    if wanted not in pictures and known.timed:
        pictures = _run(path, known, first, last, seeking=False)
    if not pictures:
        return {}
    settled = with_picture(known, pictures[min(pictures)])
    scaler = VideoReformatter()
    return {n: _rgb(picture, settled, scaler) for n, picture in pictures.items()}


def _run(
    path: Path, known: Probe, first: int, last: int, *, seeking: bool
) -> dict[int, VideoFrame]:
    """Decode frames `first` to `last` in order, from the keyframe before them or the start."""
    key = max((k for k in known.keyframes if k <= first), default=0)
    out: dict[int, VideoFrame] = {}
    with open_media(path) as (container, stream):
        context = stream.codec_context
        context.skip_frame = "DEFAULT"
        context.thread_type, context.thread_count = "AUTO", 0
        try:
            if seeking and key > 0:
                container.seek(known.pts[key], stream=stream)
            counted = 0
            for packet in container.demux(stream):
                for picture in _pictures(packet):
                    number = counted
                    counted += 1
                    if known.timed:
                        number = known.index_of(picture.pts) if picture.pts is not None else -1
                    if first <= number <= last and not picture.is_corrupt:
                        out.setdefault(number, picture)
                    if number > last or len(out) == last - first + 1:
                        return out
        except av.FFmpegError:
            return out
    return out


def _pictures(packet: Any) -> list[VideoFrame]:
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []


def _rgb(picture: VideoFrame, known: Probe, scaler: VideoReformatter) -> U8:
    """A decoded picture as it is displayed.

    As in `measure.decode`, libswscale only brings the planes to one size; matrix and range are
    ours, so that what a person sees is what was measured.
    """
    layout = picture.format
    deep = layout.components[0].bits > 8
    packed = layout.is_rgb or layout.name == "pal8"
    alpha = has_alpha(layout.name)
    tags, _ = colour.settle_tags(
        known.tags, known.coded_width, known.coded_height, yuv=not packed,
        jpeg=layout.name.startswith("yuvj") or (known.still and not packed),
    )  # fmt: skip
    if packed:
        target = ("rgba64le" if deep else "rgba") if alpha else ("rgb48le" if deep else "rgb24")
    else:
        target = ("yuva444p" if alpha else "yuv444p") + ("16le" if deep else "")
    span = "JPEG" if tags.full_range else "MPEG"
    planes = _planes(
        scaler.reformat(
            picture, picture.width, picture.height, format=target, interpolation="BICUBIC",
            src_colorspace=Colorspace.ITU709, dst_colorspace=Colorspace.ITU709,
            src_color_range=span, dst_color_range=span,
        )
    )  # fmt: skip
    peak = 65535.0 if deep else 255.0
    signal = np.ascontiguousarray(planes[..., :3]).astype(np.float32)
    if packed:
        signal /= np.float32(peak)
    else:
        matrix: Any = colour.yuv_matrix(tags.matrix, bool(tags.full_range), 16 if deep else 8)
        signal = cv2.transform(signal, matrix).astype(np.float32, copy=False)
    rgb = colour.display_rgb(signal, tags)
    if alpha:
        rgb = np.rint(rgb * (planes[..., 3:].astype(np.float32) / peak)).astype(np.uint8)
    return _upright(rgb, known)


def _planes(picture: VideoFrame) -> Any:
    """Planes of equal size, or packed pixels, as (h, w, channels), uint8 or uint16."""
    kind = np.uint16 if picture.format.components[0].bits > 8 else np.uint8
    packed = 1 if picture.format.is_planar else len(picture.format.components)
    out: list[Any] = []
    for plane in picture.planes:
        rows = np.frombuffer(memoryview(plane), kind).reshape(plane.height, -1)
        out.append(rows[:, : picture.width * packed].reshape(plane.height, -1, packed))
    return out[0] if packed > 1 else cv2.merge(out)


def _upright(rgb: U8, known: Probe) -> U8:
    """Square pixels, turned upright, at most `LINES` high."""
    turned: Any = np.rot90(rgb, known.rotation // 90) if known.rotation else rgb
    shrink = min(1.0, LINES / known.height)
    size = (max(1, round(known.width * shrink)), max(1, round(known.height * shrink)))
    if (turned.shape[1], turned.shape[0]) != size:
        turned = cv2.resize(np.ascontiguousarray(turned), size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(turned, dtype=np.uint8)
