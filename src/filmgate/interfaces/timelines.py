"""OpenTimelineIO timelines: the shots of an edit, in edit order, with their handles left out.

What the viewer sees counts: a clip covered by one on a higher video track is left out, a partly
covered one is trimmed. Transitions change no source range and are passed over; gaps, titles and
disabled items show nothing of a shot.
"""

from __future__ import annotations

import itertools
import urllib.parse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from filmgate.errors import BadSetting
from filmgate.schema.shot import Sequence, Shot

MAX_DENOMINATOR = 1_000_000
"""Rates arrive as floats (23.976...); this recovers the fraction they were written from."""


class _Span(NamedTuple):
    """[start, end) in seconds."""

    start: Fraction
    end: Fraction


@dataclass(frozen=True)
class _Event:
    """A clip on the timeline: where it is seen, on which layer, and its own time there."""

    clip: Any
    seen: _Span
    layer: int
    media_start: Fraction
    speed: Fraction


def read(path: Path) -> tuple[tuple[Sequence, ...], tuple[str, ...]]:
    """The sequences of the timeline file `path` (one per timeline in it), and notes.

    Raises:
        BadSetting: it is not a timeline, or there is no shot in it.
    """
    import opentimelineio as otio

    try:
        root = otio.adapters.read_from_file(str(path), adapter_name="otio_json")
    except OSError as error:
        raise BadSetting(f"'{path}' cannot be read ({error.strerror}).") from None
    except Exception as error:  # the library raises many kinds, some of them plain Exception
        first = str(error).strip().split("\n")[0].rstrip(".")
        raise BadSetting(f"'{path}' is not an OpenTimelineIO timeline ({first}).") from None
    found = [root] if isinstance(root, otio.schema.Timeline) else _timelines(root, otio)
    notes: Counter[str] = Counter()
    sequences = []
    for number, timeline in enumerate(found, 1):
        name = timeline.name or (path.stem if len(found) == 1 else f"{path.stem}_{number}")
        shots = _shots(timeline, name, path.parent, notes)
        if shots:
            sequences.append(Sequence(name, tuple(shots)))
    if not sequences:
        raise BadSetting(f"The timeline '{path}' holds no shot on a video track.")
    return tuple(sequences), tuple(f"{text}: {count}." for text, count in sorted(notes.items()))


def _timelines(root: Any, otio: Any) -> list[Any]:
    if isinstance(root, otio.schema.SerializableCollection):
        return [item for item in root if isinstance(item, otio.schema.Timeline)]
    if isinstance(root, otio.schema.Track | otio.schema.Stack):
        timeline = otio.schema.Timeline(name=root.name)
        timeline.tracks.append(root)
        return [timeline]
    return []


def _shots(timeline: Any, name: str, folder: Path, notes: Counter[str]) -> list[Shot]:
    events = sorted(_events(timeline.tracks), key=lambda e: (e.seen.start, e.layer))
    above = {layer: [e for e in events if e.layer > layer] for layer in {e.layer for e in events}}
    pieces = []
    for event in events:
        visible = _uncovered(event, above[event.layer])
        if not visible:
            notes["Clips covered by a higher track and left out"] += 1
        pieces += [(span, event) for span in visible]
    pieces.sort(key=lambda p: (p[0].start, p[1].layer))
    used: set[str] = set()
    return [
        _shot(_unique(event.clip.name or f"event_{number:03}", used), name, folder, span, event)
        for number, (span, event) in enumerate(pieces, 1)
    ]


def _unique(name: str, used: set[str]) -> str:
    """`name`, or with "-2", "-3"... when it is taken; takes it."""
    candidates = itertools.chain([name], (f"{name}-{n}" for n in itertools.count(2)))
    label = next(c for c in candidates if c not in used)
    used.add(label)
    return label


def _events(stack: Any) -> Iterator[_Event]:
    import opentimelineio as otio

    layer = 0
    for track in stack:
        if isinstance(track, otio.schema.Track) and track.kind != otio.schema.TrackKind.Video:
            continue
        layer += 1000
        window = _span(track.trimmed_range())
        yield from _walk(track, window, Fraction(0), layer, Fraction(1))


def _walk(item: Any, window: _Span, at: Fraction, layer: int, speed: Fraction) -> Iterator[_Event]:
    """Clips of `item` inside `window` (its own time), which is seen from `at` on the timeline."""
    import opentimelineio as otio

    if not getattr(item, "enabled", True):
        return
    if isinstance(item, otio.schema.Clip):
        if not isinstance(item.media_reference, otio.schema.GeneratorReference):
            seen = _Span(at, at + window.end - window.start)
            yield _Event(item, seen, layer, window.start, speed * _speed(item))
        return
    if not isinstance(item, otio.core.Composition):
        return
    position = Fraction(0)
    for number, child in enumerate(item):
        if isinstance(child, otio.schema.Transition):
            continue
        own = _span(child.trimmed_range())
        start = Fraction(0) if isinstance(item, otio.schema.Stack) else position
        position += own.end - own.start
        first = max(start, window.start)
        last = min(start + own.end - own.start, window.end)
        if first < last:
            inner = _Span(own.start + first - start, own.start + last - start)
            above = number if isinstance(item, otio.schema.Stack) else 0
            yield from _walk(child, inner, at + first - window.start, layer + above, speed)


def _speed(clip: Any) -> Fraction:
    """Media seconds per timeline second; 0 for a freeze frame."""
    import opentimelineio as otio

    speed = Fraction(1)
    for effect in clip.effects:
        if isinstance(effect, otio.schema.LinearTimeWarp):
            speed *= Fraction(effect.time_scalar).limit_denominator(MAX_DENOMINATOR)
    return speed


def _seconds(time: Any) -> Fraction:
    rate = _exact(time.rate)
    return Fraction(time.value).limit_denominator(MAX_DENOMINATOR) / rate


@lru_cache(maxsize=64)
def _exact(rate: float) -> Fraction:
    """23.976 and 23.976023976 are 24000/1001; whole rates stay whole."""
    for base in (24, 25, 30, 48, 50, 60, 120):
        if abs(rate - base / 1.001) < 0.002:
            return Fraction(base * 1000, 1001)
    return Fraction(rate).limit_denominator(1001) if rate > 0 else Fraction(24)


def _span(time_range: Any) -> _Span:
    start = _seconds(time_range.start_time)
    return _Span(start, start + _seconds(time_range.duration))


def _uncovered(event: _Event, above: list[_Event]) -> list[_Span]:
    """The parts of `event` that none of the events `above` it, in time order, covers."""
    parts = [event.seen]
    for other in above:
        if other.seen.start >= event.seen.end:
            break
        if other.seen.end <= event.seen.start:
            continue
        parts = [
            piece
            for part in parts
            for piece in (
                _Span(part.start, min(part.end, other.seen.start)),
                _Span(max(part.start, other.seen.end), part.end),
            )
            if piece.start < piece.end
        ]
    return parts


def _shot(label: str, sequence: str, folder: Path, span: _Span, event: _Event) -> Shot:
    clip = event.clip
    file, problem = _media(clip, folder)
    if problem is not None:
        return Shot(label, sequence, file, problem=problem)
    available = clip.media_reference.available_range
    declared = available or clip.source_range
    rate = rate_of(file) or (_exact(declared.start_time.rate) if declared else Fraction(24))
    zero = _seconds(available.start_time) if available is not None else Fraction(0)
    # A warp keeps the clip's length on the timeline and changes how much media passes under it.
    own = _seconds(clip.source_range.start_time) if clip.source_range else zero
    start = own + (event.media_start - own + span.start - event.seen.start) * abs(event.speed)
    length = (span.end - span.start) * abs(event.speed)
    in_frame = round((start - zero) * rate)
    out_frame = max(in_frame + 1, round((start - zero + length) * rate))
    if in_frame < 0:
        return Shot(label, sequence, file, problem="Its source range starts before its media.")
    return Shot(label, sequence, file, in_frame, out_frame)


def _media(clip: Any, folder: Path) -> tuple[str, str | None]:
    """Path of the clip's media as text, and why it cannot be used, if so."""
    import opentimelineio as otio

    reference = clip.media_reference
    if not isinstance(reference, otio.schema.ExternalReference) or not reference.target_url:
        kind = "an image sequence, which is not read" if isinstance(
            reference, otio.schema.ImageSequenceReference
        ) else "no media"  # fmt: skip
        return clip.name or "", f"The timeline gives it {kind}."
    url = reference.target_url
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "file":
        path = Path(urllib.parse.unquote(parts.path))
    elif parts.scheme and parts.netloc:
        return url, f"Its media '{url}' is not a local file."
    else:
        path = Path(url)
        if not (folder / path).exists():
            path = Path(urllib.parse.unquote(url))
    file = folder / path
    return str(file), None if file.is_file() else f"Its media '{file}' is missing."


@lru_cache(maxsize=4096)
def rate_of(file: str) -> Fraction | None:
    """Average frame rate of the file's picture, None when it cannot be read."""
    import av

    try:
        with av.open(f"file:{file}") as container:
            rate = container.streams.video[0].average_rate
            return Fraction(rate) if rate else None
    except (OSError, ValueError, IndexError):
        return None
