"""Frame numbers of a media file: media frame, display frame, timecode, time.

A media frame counts from 0 in the order frames are shown; the display frame is that plus 1001, as
studios count; timecode is what SMPTE ST 12-1 says, with dropped numbers at 29.97 and 59.94.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

from filmgate.errors import MeasurementError

DISPLAY_START = 1001
CONSTANT_S = 0.0015
"""Times that differ from n / rate by less than this are a constant rate whose times were rounded
to milliseconds, as Matroska does."""
_PLAYABLE = frozenset({"h264", "vp8", "vp9", "av1"})
"""Video that every current browser plays (the rest depends on the system it runs on)."""
_PLAYABLE_PIXELS = ("yuv420p", "yuvj420p", "yuv420p10le")
_TIMECODE = re.compile(r"(\d\d):(\d\d):(\d\d)([:;.])(\d\d)")


@dataclass(frozen=True, slots=True)
class Count:
    """How frames of one rate are counted.

    Attributes:
        rate: frames per second.
        drop: whether timecode leaves numbers out to keep up with the clock.
        start: frames that timecode stands at on media frame 0.
    """

    rate: Fraction
    drop: bool
    start: int = 0

    @property
    def nominal(self) -> int:
        """Frames that timecode counts per second."""
        return max(1, round(self.rate))

    def timecode(self, frame: int) -> str:
        """Timecode of a media frame, "00:01:00;02"."""
        number, per_s = self.start + frame, self.nominal
        if self.drop:
            number += _dropped(number, per_s)
        seconds, frames = divmod(number, per_s)
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        mark = ";" if self.drop else ":"
        digits = 3 if per_s > 100 else 2
        return f"{hours % 24:02}:{minutes:02}:{seconds:02}{mark}{frames:0{digits}}"

    def row(self, frame: int) -> dict[str, Any]:
        """One frame in all its numbers."""
        return {
            "frame": frame, "display": frame + DISPLAY_START, "timecode": self.timecode(frame),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clip:
    """The frame table of a media file.

    Attributes:
        frames: how many there are.
        count: how they are numbered.
        start_s: when a player that starts at zero shows the first, seconds.
        times_s: time of each from the first, seconds; None where n / rate says it.
        width, height: displayed, px.
    """

    frames: int
    count: Count
    start_s: float
    times_s: tuple[float, ...] | None
    width: int
    height: int
    duration_s: float
    has_sound: bool
    playable: bool
    notes: tuple[str, ...]

    def time_s(self, frame: int) -> float:
        """When a frame comes on screen, seconds from the first."""
        if self.times_s is not None:
            return self.times_s[frame]
        return float(frame / self.count.rate)

    def plain(self, digest: str) -> dict[str, Any]:
        """As the API gives it."""
        rate = self.count.rate
        return {
            "digest": digest, "frames": self.frames, "rate": str(rate),
            "fps": round(float(rate), 9), "nominal": self.count.nominal, "drop": self.count.drop,
            "width": self.width, "height": self.height, "duration_s": self.duration_s,
            "start_s": self.start_s, "constant": self.times_s is None,
            "times_s": None if self.times_s is None else list(self.times_s),
            "timecode": self.count.timecode(0), "display_start": DISPLAY_START,
            "has_sound": self.has_sound, "playable": self.playable, "notes": list(self.notes),
            "reason": None,
        }  # fmt: skip

    def table(self, first: int, last: int) -> list[dict[str, Any]]:
        """Frames `first` to `last`, as far as there are."""
        wanted: Iterable[int] = range(max(0, first), min(last, self.frames - 1) + 1)
        return [{**self.count.row(n), "time_s": round(self.time_s(n), 6)} for n in wanted]


def unreadable(digest: str, reason: str) -> dict[str, Any]:
    """What the API says of a file that cannot be read."""
    return {
        "digest": digest, "frames": 0, "rate": None, "fps": None, "nominal": None, "drop": False,
        "width": None, "height": None, "duration_s": None, "start_s": None, "constant": True,
        "times_s": None, "timecode": None, "display_start": DISPLAY_START, "has_sound": False,
        "playable": False, "notes": [], "reason": reason,
    }  # fmt: skip


def _dropped(number: int, per_s: int) -> int:
    """Numbers that drop-frame timecode has left out before its `number`-th frame.

    Two numbers per 30 are left out at the start of each minute but every tenth (ST 12-1, 5.2.2).
    """
    leaves = 2 * per_s // 30
    minute = per_s * 60 - leaves
    ten = minute * 10 + leaves
    tens, rest = divmod(number, ten)
    more = max(0, (rest - leaves) // minute) if rest >= leaves else 0
    return tens * leaves * 9 + more * leaves


def count_of(rate: Fraction, tagged: str | None = None) -> Count:
    """How frames at `rate` are counted.

    Args:
        tagged: the timecode that the file says it starts at. Its mark decides whether numbers are
            dropped; without one they are at 29.97 and 59.94, as broadcasters deliver.
    """
    droppable = rate in (Fraction(30000, 1001), Fraction(60000, 1001))
    found = _TIMECODE.fullmatch(tagged or "")
    if found is None:
        return Count(rate, droppable)
    drop = droppable and found[4] != ":"
    per_s = max(1, round(rate))
    hours, minutes, seconds, frames = (int(found[n]) for n in (1, 2, 3, 5))
    total_minutes = hours * 60 + minutes
    start = (total_minutes * 60 + seconds) * per_s + frames
    if drop:
        start -= (2 * per_s // 30) * (total_minutes - total_minutes // 10)
    return Count(rate, drop, start)


def steady(rate: Fraction) -> Fraction:
    """The broadcast rate that `rate` is meant to be, where it is within 1 in 20,000 of one.

    An average over a short file whose times are whole milliseconds comes out as 29.9708.
    """
    for known in _KNOWN:
        if abs(rate / known - 1) < Fraction(1, 20_000):
            return known
    return rate


_KNOWN = tuple(
    Fraction(n * f, d)
    for n in (24, 25, 30, 48, 50, 60, 120)
    for f, d in ((1, 1), (1000, 1001))
    if (n, f) not in ((25, 1000), (50, 1000))
)


@lru_cache(maxsize=4096)
def clip(path: Path) -> Clip:
    """The frame table of the file `path`, whose bytes never change (a file of the vault).

    Raises:
        MeasurementError: it cannot be read.
    """
    from filmgate.measure.probe import probe

    found = probe(path)
    if found.frame_count < 1:
        raise MeasurementError("It holds no frame.")
    rate = steady(found.rate)
    times = [found.time_of(n) for n in range(found.frame_count)]
    even = all(abs(t - float(n / rate)) < CONSTANT_S for n, t in enumerate(times))
    times_s = None if even else tuple(round(t, 6) for t in times)
    tagged, earliest_s = _opened(path)
    start_s = max(0.0, float(found.pts[0] * found.time_base) - earliest_s) if found.timed else 0.0
    pixels = not found.still and found.codec in _PLAYABLE and found.pix_fmt in _PLAYABLE_PIXELS
    return Clip(
        frames=found.frame_count, count=count_of(rate, tagged), start_s=round(start_s, 6),
        times_s=times_s, width=found.width, height=found.height,
        duration_s=round(found.duration_s, 6), has_sound=found.has_sound, playable=pixels,
        notes=found.notes,
    )  # fmt: skip


def _opened(path: Path) -> tuple[str | None, float]:
    """The timecode that a file says it starts at, and the earliest time in it, seconds.

    Players put the earliest time of all streams at zero, so a picture that starts after its sound
    is that much later.
    """
    from filmgate.measure.probe import open_media

    with open_media(path) as (container, stream):
        said: list[dict[str, str]] = [dict(stream.metadata), dict(container.metadata)]
        said += [dict(other.metadata) for other in container.streams]
        starts = [
            float(other.start_time * other.time_base)
            for other in (*container.streams.video, *container.streams.audio)
            if other.start_time is not None and other.time_base is not None
        ]
    return next((m["timecode"] for m in said if "timecode" in m), None), min(starts, default=0.0)
