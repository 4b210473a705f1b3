"""What decoding hands to measuring: a few exact frames and the sound of one shot."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]

WORK_HEIGHT_PX = 360
"""Frames are measured at this height (never enlarged); widths keep the displayed aspect."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: media frame, 0-based.
        time_s: presentation time, seconds from the first frame of the file.
        rgb: uint8 (h, w, 3), display-encoded sRGB/BT.709, full range, upright, square pixels.
    """

    index: int
    time_s: float
    rgb: U8


@dataclass(frozen=True, slots=True)
class Sound:
    """Decoded sound of the shot: float32 (n, channels), 48 kHz, full scale ±1."""

    samples: F32
    rate_hz: int = 48_000


@dataclass(frozen=True, slots=True)
class Sample:
    """The sampled shot.

    Attributes:
        frames: in time order; the first is the shot's first frame, the last its last readable one.
        sound: None when there is none; `sound_note` then says why.
        rate: average frame rate of the stream, frames per second.
        out_frame: one past the last frame of the shot in the media.
        notes: rules applied that a reader must know ("no colour tags: BT.709 limited assumed").
    """

    frames: tuple[Frame, ...]
    sound: Sound | None
    sound_note: str | None
    rate: Fraction
    in_frame: int
    out_frame: int
    notes: tuple[str, ...] = ()
