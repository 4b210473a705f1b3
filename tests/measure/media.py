"""Writing small odd media files for tests, with PyAV only."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.measure.colour import yuv_matrix

U8 = NDArray[np.uint8]


def picture(width: int = 320, height: int = 180, seed: int = 1, shift: int = 0) -> U8:
    """Smooth, colourful, unsaturated RGB (h, w, 3): chroma subsampling hardly touches it."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(50, 205, (5, 8, 3)).astype(np.float32)
    full = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.clip(np.roll(full, shift, axis=1), 16, 239).astype(np.uint8)


def moving(count: int, width: int = 320, height: int = 180, seed: int = 1) -> list[U8]:
    """Frames of one pan; frame i has a white bar at column 4 i, so frames can be told apart."""
    frames = []
    for index in range(count):
        frame = picture(width, height, seed, shift=index)
        frame[:8, : 4 * index + 4] = 255
        frames.append(frame)
    return frames


def bar(frame: U8, scale: float = 1.0) -> int:
    """Read back the frame number that `moving` drew."""
    return round(float((frame[int(3 * scale), :, 1] > 235).sum()) / scale / 4) - 1


def coded(rgb: U8, matrix: int, full_range: bool, depth: int = 8) -> list[NDArray[Any]]:
    """Planes Y, Cb, Cr (4:4:4) of RGB, by the inverse of the ITU-T H.273 equations."""
    affine = yuv_matrix(matrix, full_range, depth)
    values = (rgb.reshape(-1, 3) / 255.0 - affine[:, 3]) @ np.linalg.inv(affine[:, :3]).T
    kind = np.uint8 if depth == 8 else np.uint16
    planes = np.clip(np.rint(values), 0, 2**depth - 1).astype(kind).reshape(rgb.shape)
    return [np.ascontiguousarray(planes[..., plane]) for plane in range(3)]


def from_planes(planes: Sequence[NDArray[Any]], pix_fmt: str = "yuv444p") -> av.VideoFrame:
    """Make a frame of raw planes, all at full size."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, pix_fmt)
    for plane, values in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        row_bytes = values.shape[1] * values.itemsize
        rows[:, :row_bytes] = values.view(np.uint8).reshape(values.shape[0], row_bytes)
    return frame


def write(
    path: Path,
    frames: Sequence[U8 | av.VideoFrame],
    *,
    fps: int = 24,
    gop: int = 250,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    tags: tuple[int, int, int, int] | None = None,
    sound_s: float = 0.0,
    times: Sequence[int] | None = None,
    rotation: float = 0,
    pixel_aspect: Fraction | None = None,
) -> Path:
    """Encode frames (RGB arrays or ready VideoFrames) into `path`.

    Args:
        path: where; its ending chooses the container. frames: the pictures.
        gop: longest distance of keyframes, frames; scene-cut keyframes are off.
        codec: FFmpeg encoder.
        pix_fmt: coded pixel format.
        options: encoder options added to the defaults.
        tags: matrix, primaries, transfer, range (1 limited, 2 full), H.273 codes.
        sound_s: seconds of a 440 Hz tone to add; 0 for no sound.
        times: presentation times in units of 1/fps, for variable rates.
        rotation: display rotation, degrees.
        pixel_aspect: pixel width over height.

    Returns:
        `path`.
    """
    height, width = _size(frames[0])
    defaults = {"crf": "12", "sc_threshold": "0"} if codec == "libx264" else {}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, pix_fmt, gop
        stream.codec_context.options = {**defaults, **(options or {})}
        stream.codec_context.thread_count = 1
        if pixel_aspect:
            stream.codec_context.sample_aspect_ratio = pixel_aspect
        if rotation:
            stream.set_display_rotation(rotation)
        if tags:
            context = stream.codec_context
            context.colorspace, context.color_primaries, context.color_trc = tags[:3]
            context.color_range = tags[3]
        audio = container.add_stream("aac", rate=48_000, layout="stereo") if sound_s else None
        for number, item in enumerate(frames):
            frame = _as_frame(item, pix_fmt)
            if tags:
                frame.colorspace, frame.color_primaries, frame.color_trc = tags[:3]
                frame.color_range = tags[3]
            frame.pts = times[number] if times else number
            frame.time_base = Fraction(1, fps)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio is not None:
            _add_tone(container, audio, sound_s, 0.5)
    return path


def _size(picture: U8 | av.VideoFrame) -> tuple[int, int]:
    if isinstance(picture, av.VideoFrame):
        return picture.height, picture.width
    height, width = picture.shape[:2]
    return height, width


def _as_frame(item: U8 | av.VideoFrame, pix_fmt: str) -> av.VideoFrame:
    if isinstance(item, av.VideoFrame):
        return item
    frame = av.VideoFrame.from_ndarray(item, format="rgb24")
    if pix_fmt in ("rgb24", "rgba"):
        return frame
    return frame.reformat(format=pix_fmt, dst_colorspace=5)


def _add_tone(container: Any, audio: Any, seconds: float, amplitude: float) -> None:
    """Encode a 440 Hz tone into the stream and end it."""
    layout = audio.layout.name
    channels = len(audio.layout.channels)
    for start in range(0, int(seconds * 48_000), 1024):
        wave = amplitude * np.sin(2 * np.pi * 440 * np.arange(start, start + 1024) / 48_000)
        samples = np.stack([wave] * channels).astype(np.float32)
        block = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        block.sample_rate, block.pts, block.time_base = 48_000, start, Fraction(1, 48_000)
        container.mux(audio.encode(block))
    container.mux(audio.encode(None))


def remux(source: Path, target: Path) -> Path:
    """Copy the packets of the picture into another container, which loses its own tags."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = old.streams.video[0]
        copy = new.add_stream_from_template(stream)
        for packet in old.demux(stream):
            if packet.dts is not None:
                packet.stream = copy
                new.mux(packet)
    return target


def tone_only(path: Path) -> Path:
    """Write a file with sound and no picture."""
    with av.open(str(path), "w") as container:
        _add_tone(container, container.add_stream("aac", rate=48_000, layout="mono"), 0.42, 0.0)
    return path
