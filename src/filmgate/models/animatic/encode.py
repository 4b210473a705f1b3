"""Frames and sound to an MP4 file: H.264 with BT.709 tags, AAC, no dates and no encoder notes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from filmgate.errors import UsageError
from filmgate.models.animatic.colour import Bytes, Floats
from filmgate.models.animatic.soundtrack import SOUND_RATE

_BT709 = 1
_LIMITED = 1
_RED, _GREEN, _BLUE = 0.2126, 0.7152, 0.0722
# Limited range; cv2.transform rounds.
_LUMA = np.array([[_RED, _GREEN, _BLUE, 16 * 255 / 219]]) * (219 / 255)
_CHROMA = np.array([
    [-_RED / 1.8556, -_GREEN / 1.8556, 0.5, 128 * 255 / 224],
    [0.5, -_GREEN / 1.5748, -_BLUE / 1.5748, 128 * 255 / 224],
]) * (224 / 255)  # fmt: skip


def write(path: Path, pictures: Iterator[Bytes], sound: Floats | None, *, size: tuple[int, int],
          rate: int | Fraction, crf: float | None, bit_rate: int | None, gop: int,
          preset: str) -> None:  # fmt: skip
    """Encode ``pictures`` (sRGB) and mono ``sound`` (48 kHz, None for none) into ``path``.

    Either ``crf`` (quality) or ``bit_rate`` (bit/s) steers the size; with neither, crf 20. One
    encoder thread, so the same input gives the same bytes.
    """
    if crf is not None and bit_rate is not None:
        raise UsageError("Give either crf or bit_rate, not both.")
    if gop < 1:
        raise UsageError(f"gop is {gop}, but must be at least 1 frame.")
    options = {"fflags": "+bitexact", "movflags": "+faststart"}
    with av.open(str(path), "w", format="mp4", options=options) as box:
        video = box.add_stream("libx264", rate=rate, options=_options(crf, bit_rate, gop, preset))
        video.width, video.height = size
        video.pix_fmt = "yuv420p"
        video.time_base = 1 / Fraction(rate)
        context = video.codec_context
        context.thread_count = 1
        context.gop_size = gop
        context.max_b_frames = 2
        if bit_rate is not None:
            context.bit_rate = bit_rate
        context.color_primaries = context.color_trc = context.colorspace = _BT709
        context.color_range = _LIMITED
        audio = None
        if sound is not None:
            audio = box.add_stream("aac", rate=SOUND_RATE, layout="mono")
            audio.codec_context.bit_rate = 96_000
            # The default search takes longer than the pictures do.
            audio.codec_context.options = {"aac_coder": "fast"}
        _picture_packets(box, video, pictures, 1 / Fraction(rate))
        if audio is not None and sound is not None:
            _sound_packets(box, audio, sound)


def to_yuv420(picture: Bytes) -> Bytes:
    """BT.709 limited range 4:2:0 planes below one another, shape (1.5 * height, width).

    Done here and not by swscale, which takes ten times as long for this matrix.
    """
    high, wide = picture.shape[:2]
    out = np.empty((high * 3 // 2, wide), np.uint8)
    cv2.transform(picture, _LUMA, dst=out[:high])
    small = cv2.resize(picture, (wide // 2, high // 2), interpolation=cv2.INTER_AREA)
    chroma = cv2.transform(small, _CHROMA)
    quarter = high * wide // 4
    flat = out[high:].reshape(-1)
    flat[:quarter] = chroma[..., 0].reshape(-1)
    flat[quarter:] = chroma[..., 1].reshape(-1)
    return out


def _options(crf: float | None, bit_rate: int | None, gop: int, preset: str) -> dict[str, str]:
    """x264 options; scene cuts are off so that ``gop`` means what it says."""
    options = {"preset": preset, "bf": "2", "flags": "+bitexact", "threads": "1",
               "x264-params": f"keyint={gop}:scenecut=0:threads=1:b-adapt=0:cabac=1"}  # fmt: skip
    if bit_rate is None:
        options["crf"] = str(20 if crf is None else crf)
    return options


def _picture_packets(box: av.container.OutputContainer, video: av.VideoStream,
                     pictures: Iterator[Bytes], step: Fraction) -> None:  # fmt: skip
    for index, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(to_yuv420(picture), format="yuv420p")
        frame.pts, frame.time_base = index, step
        for packet in video.encode(frame):
            box.mux(packet)
    for packet in video.encode(None):
        box.mux(packet)


def _sound_packets(box: av.container.OutputContainer, audio: av.AudioStream,
                   sound: Floats) -> None:  # fmt: skip
    block = 1024
    for start in range(0, len(sound), block):
        piece = np.ascontiguousarray(sound[None, start : start + block], dtype=np.float32)
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = SOUND_RATE, start
        frame.time_base = Fraction(1, SOUND_RATE)
        for packet in audio.encode(frame):
            box.mux(packet)
    for packet in audio.encode(None):
        box.mux(packet)
