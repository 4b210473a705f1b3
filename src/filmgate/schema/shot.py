"""What is to be checked: shots in edit order, and which part of which file each one is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Against = Literal["neighbour", "anchor", "consensus", "look", "itself"]


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot of a sequence: a frame range of a media file.

    Attributes:
        id: unique within the sequence, shown to people ("shot_03", "12B").
        sequence: id of the sequence that it belongs to; "" for an unnamed one.
        file: path of the media as the user gave it (never resolved, so that reports travel).
        in_frame: first media frame, 0-based.
        out_frame: one past the last media frame; None means "to the end of the file".
        problem: why the shot cannot be measured at all (missing media, not a video), else None.
    """

    id: str
    sequence: str
    file: str
    in_frame: int = 0
    out_frame: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Sequence:
    """Shots that must match one another, in edit order."""

    id: str
    shots: tuple[Shot, ...]
