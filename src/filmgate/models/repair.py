"""Repairs that are smaller than a retake: a grade, a flop, a level of sound.

Each writes a new file and leaves the source as it is: a file that a provider signed is never
rewritten. What a repair does not concern is copied packet by packet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from filmgate.errors import CannotExpress
from filmgate.models.animatic.encode import to_yuv420
from filmgate.schema.report import CDL

U8 = NDArray[np.uint8]
_BT709, _LIMITED = 1, 1
_EIGHT_BIT = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p")
_QUALITY = {"crf": "15", "preset": "medium"}
"""x264 quality of a repaired picture: close to transparent, since it is one generation further."""
_CEILING = 10 ** (-1 / 20)
"""-1 dBFS: peaks above it are clipped by common decoders (EBU R128, s. 4)."""
_LUMA = np.array([0.2126, 0.7152, 0.0722])


class Coding(NamedTuple):
    """How the pictures are coded, as measured: H.273 matrix number, and range."""

    matrix: int
    full_range: bool


def grade(source: Path, target: Path, cdl: CDL, coding: Coding) -> None:
    """Write `source` with `cdl` applied to `target`, coded as BT.709 limited range 4:2:0.

    Raises:
        CannotExpress: it is not 8-bit standard range video.
    """
    table = lut(cdl)

    def picture(frame: av.VideoFrame) -> av.VideoFrame:
        rgb: Any = frame.to_ndarray(
            format="rgb24",
            src_colorspace=_swscale(coding.matrix),
            src_color_range=2 if coding.full_range else 1,
        )
        return av.VideoFrame.from_ndarray(to_yuv420(graded(rgb, table, cdl)), format="yuv420p")

    with _rewriting(source, target) as work:
        _eight_bit(work.video)
        work.pictures(picture, {"color_primaries": _BT709, "color_trc": _BT709,
                                "colorspace": _BT709, "color_range": _LIMITED})  # fmt: skip


def flop(source: Path, target: Path) -> None:
    """Write `source` mirrored left to right to `target`; colours are not touched.

    Raises:
        CannotExpress: it is not 8-bit planar video.
    """

    def picture(frame: av.VideoFrame) -> av.VideoFrame:
        planes = frame.to_ndarray()
        height, width = frame.height, frame.width
        if planes.ndim == 3:
            return av.VideoFrame.from_ndarray(_mirrored(planes), format=frame.format.name)
        out = planes.copy()
        out[:height] = planes[:height, ::-1]
        rest = planes[height:].reshape(-1, width // 2)
        out[height:] = _mirrored(rest).reshape(out[height:].shape)
        return av.VideoFrame.from_ndarray(out, format=frame.format.name)

    with _rewriting(source, target) as work:
        _eight_bit(work.video)
        if work.video.format.name.replace("j", "") != "yuv420p":
            raise CannotExpress(f"'{source}' is not 4:2:0 video: it has to be made again.")
        context = work.video.codec_context
        tags = ("color_primaries", "color_trc", "colorspace", "color_range")
        work.pictures(picture, {tag: getattr(context, tag) for tag in tags})


def gain(source: Path, target: Path, gain_db: float) -> None:
    """Write `source` with its sound `gain_db` louder to `target`; pictures are copied.

    Raises:
        CannotExpress: it has no sound, or would clip.
    """
    factor = 10 ** (gain_db / 20)
    with _rewriting(source, target) as work:
        work.sound(factor)


def graded(rgb: U8, table: U8, cdl: CDL) -> U8:
    """(h, w, 3) sRGB after slope, offset and power out of `table`, then saturation."""
    out = np.stack([table[channel][rgb[..., channel]] for channel in range(3)], axis=-1)
    if cdl.saturation == 1.0:
        return out
    luma = (out @ _LUMA)[..., None]
    mixed: U8 = np.clip(luma + cdl.saturation * (out - luma), 0, 255).round().astype(np.uint8)
    return mixed


def lut(cdl: CDL) -> U8:
    """(3, 256) slope, offset and power of `cdl` for every code value (ASC CDL v1.2)."""
    code = np.arange(256) / 255
    rows = [
        np.clip(code * slope + offset, 0, 1) ** power
        for slope, offset, power in zip(cdl.slope, cdl.offset, cdl.power, strict=True)
    ]
    table: U8 = (np.array(rows) * 255).round().astype(np.uint8)
    return table


class _Work:
    """One source being rewritten."""

    def __init__(self, source: Path, given: Any, made: Any) -> None:
        self._source, self._given, self._made = source, given, made
        self.video: Any = given.streams.video[0]
        self._audio: Any = given.streams.audio[0] if given.streams.audio else None

    def pictures(
        self, change: Callable[[av.VideoFrame], av.VideoFrame], tags: dict[str, Any]
    ) -> None:  # fmt: skip
        """Every picture through `change`; sound is copied."""
        video = self.video
        out = self._made.add_stream("libx264", rate=video.average_rate, options=dict(_QUALITY))
        out.width, out.height, out.pix_fmt = video.width, video.height, "yuv420p"
        context = out.codec_context
        context.time_base = video.time_base
        if video.sample_aspect_ratio:
            context.sample_aspect_ratio = video.sample_aspect_ratio
        for tag, value in tags.items():
            setattr(context, tag, value)
        sound = self._copied(self._audio)
        for packet in self._given.demux([s for s in (video, self._audio) if s is not None]):
            if packet.stream is self._audio:
                self._pass_on(packet, sound)
                continue
            for frame in packet.decode():
                new = change(frame)
                new.pts, new.time_base = frame.pts, frame.time_base
                self._made.mux(out.encode(new))
        self._made.mux(out.encode(None))

    def sound(self, factor: float) -> None:
        """Every sample times `factor`; pictures are copied."""
        audio = self._audio
        if audio is None:
            raise CannotExpress(f"'{self._source}' has no sound to change.")
        video = self._copied(self.video)
        out = self._made.add_stream("aac", rate=audio.rate, layout=audio.layout.name)
        flat = av.AudioResampler(format="fltp", layout=audio.layout.name, rate=audio.rate)
        for packet in self._given.demux([self.video, audio]):
            if packet.stream is self.video:
                self._pass_on(packet, video)
                continue
            for frame in packet.decode():
                for piece in flat.resample(frame):
                    self._made.mux(out.encode(self._louder(piece, factor)))
        for piece in flat.resample(None):
            self._made.mux(out.encode(self._louder(piece, factor)))
        self._made.mux(out.encode(None))

    def _louder(self, frame: av.AudioFrame, factor: float) -> av.AudioFrame:
        samples = frame.to_ndarray() * np.float32(factor)
        if float(np.abs(samples).max(initial=0.0)) > _CEILING and factor > 1:
            raise CannotExpress(f"'{self._source}' would clip: its sound has to be made again.")
        new = av.AudioFrame.from_ndarray(samples, format="fltp", layout=frame.layout.name)
        new.sample_rate, new.pts, new.time_base = frame.sample_rate, frame.pts, frame.time_base
        return new

    def _copied(self, stream: Any) -> Any:
        return None if stream is None else self._made.add_stream_from_template(stream)

    def _pass_on(self, packet: Any, stream: Any) -> None:
        # The packet that ends a stream has no time and nothing in it.
        if stream is not None and packet.dts is not None:
            packet.stream = stream
            self._made.mux(packet)


@contextmanager
def _rewriting(source: Path, target: Path) -> Iterator[_Work]:
    """`source` open for reading and `target` for writing; `target` is removed when it fails."""
    try:
        with ExitStack() as stack:
            given = stack.enter_context(av.open(str(source)))
            if not given.streams.video:
                raise CannotExpress(f"'{source}' has no picture to repair.")
            made = stack.enter_context(av.open(str(target), "w", format="mp4"))
            yield _Work(source, given, made)
    except av.FFmpegError as error:
        target.unlink(missing_ok=True)
        raise CannotExpress(f"'{source}' cannot be repaired ({error}).") from None
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def _eight_bit(video: Any) -> None:
    context = video.codec_context
    if video.format.name not in _EIGHT_BIT or context.color_trc in (16, 18):
        raise CannotExpress("Only 8-bit standard-range video is repaired: it has to be made again.")


def _swscale(matrix: int) -> int:
    """H.273 matrix number as swscale counts it (it knows 709, FCC, 601, 240M, 2020)."""
    return {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}.get(matrix, 1)


def _mirrored(planes: Any) -> Any:
    return np.ascontiguousarray(planes[:, ::-1])
