"""Clips whose frames carry their number, in all the rates that film and broadcast use."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
RATES: dict[str, Fraction] = {
    "24": Fraction(24), "25": Fraction(25), "23.976": Fraction(24000, 1001),
    "29.97": Fraction(30000, 1001),
}  # fmt: skip
WIDTH, HEIGHT = 320, 180
BITS = 12
_CELL = WIDTH // (BITS + 4)


def picture(number: int) -> U8:
    """A frame that says which one it is: to people in digits, to tests in black and white cells.

    Two more cells, always white and always black, show that the row is where it is looked for.
    """
    image = np.full((HEIGHT, WIDTH, 3), (70, 90, 110), np.uint8)
    image[40:, :, 0] = (np.arange(WIDTH) + number * 3) % 160
    cv2.putText(image, f"{number:05}", (30, 140), cv2.FONT_HERSHEY_SIMPLEX, 2.4, (240,) * 3, 5)
    marks = [1, *((number >> bit) & 1 for bit in range(BITS)), 0]
    for place, mark in enumerate(marks):
        left = place * _CELL
        image[4:28, left + 2 : left + _CELL - 2] = 235 if mark else 16
    return image


def read(image: U8) -> int:
    """The number in a frame, whatever size it is shown at."""
    height, width = image.shape[:2]
    row = image[int(16 * height / HEIGHT), :, 1].astype(int)
    cells = [int(row[int((p + 0.5) * _CELL * width / WIDTH)]) for p in range(BITS + 2)]
    assert cells[0] > 180, cells
    assert cells[-1] < 80, cells
    return sum((cell > 128) << bit for bit, cell in enumerate(cells[1:-1]))


def write(path: Path, rate: Fraction, frames: int, **more: Any) -> Path:
    """A clip of numbered frames.

    Args:
        more: `gop` (longest distance of keyframes), `codec`, `options`, `times` (presentation
            times in units of 1 / rate), `timecode`.
    """
    codec, times = more.get("codec", "libx264"), more.get("times")
    options = {"crf": "20", "preset": "veryfast", "bf": "3"} if codec == "libx264" else {}
    with av.open(str(path), "w") as out:
        stream: Any = out.add_stream(codec, rate=rate)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size = more.get("gop", 250)
        stream.codec_context.options = {**options, **more.get("options", {})}
        if "timecode" in more:
            stream.metadata["timecode"] = more["timecode"]
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            frame.pts = number if times is None else times[number]
            frame.time_base = 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path
