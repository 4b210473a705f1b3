from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime, TimeRange

from filmgate.errors import BadSetting
from filmgate.interfaces import timelines
from filmgate.schema.shot import Shot


def span(start: float, duration: float, rate: float = 24) -> TimeRange:
    return TimeRange(RationalTime(start, rate), RationalTime(duration, rate))


def event(
    name: str,
    url: str = "a.mp4",
    source: TimeRange | None = None,
    available: TimeRange | None = None,
) -> Any:
    reference = otio.schema.ExternalReference(url, available)
    return otio.schema.Clip(name, reference, source or span(0, 24))


def gap(duration: float) -> Any:
    return otio.schema.Gap(source_range=span(0, duration))


def written(tmp_path: Path, *tracks: Any, name: str = "edit") -> Path:
    timeline = otio.schema.Timeline(name)
    for items in tracks:
        track = items
        if isinstance(items, list):
            track = otio.schema.Track(kind="Video")
            track.extend(items)
        timeline.tracks.append(track)
    path = tmp_path / "edit.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def shots(path: Path) -> tuple[Shot, ...]:
    sequences, _ = timelines.read(path)
    return sequences[0].shots


def ranges(path: Path) -> list[tuple[str, int, int | None]]:
    return [(s.id, s.in_frame, s.out_frame) for s in shots(path)]


@pytest.fixture
def media(tmp_path: Path, clip: Callable[..., Path]) -> Path:
    clip(tmp_path / "a.mp4", frames=60)
    return tmp_path


def test_shots_are_in_edit_order_and_handles_are_left_out(media: Path) -> None:
    path = written(media, [
        event("one", source=span(10, 20)), gap(5),
        event("two", source=span(0, 12)),
    ])  # fmt: skip
    assert ranges(path) == [("one", 10, 30), ("two", 0, 12)]
    assert shots(path)[0].file == str(media / "a.mp4")
    assert all(s.problem is None for s in shots(path))


def test_a_start_timecode_is_taken_off(media: Path) -> None:
    available = span(86400, 60)
    path = written(media, [event("one", source=span(86410, 20), available=available)])
    assert ranges(path) == [("one", 10, 30)]


def test_rates_are_converted_to_the_rate_of_the_media(media: Path) -> None:
    path = written(media, [event("one", source=span(25, 25, rate=25))])
    assert ranges(path) == [("one", 24, 48)]


def test_without_a_source_range_it_is_the_whole_media(media: Path) -> None:
    clip = otio.schema.Clip("one", otio.schema.ExternalReference("a.mp4", span(100, 60)))
    assert ranges(written(media, [clip])) == [("one", 0, 60)]


def test_a_transition_changes_nothing(media: Path) -> None:
    dissolve = otio.schema.Transition(
        "d", "SMPTE_Dissolve", RationalTime(4, 24), RationalTime(4, 24)
    )
    path = written(media, [event("one"), dissolve, event("two")])
    assert ranges(path) == [("one", 0, 24), ("two", 0, 24)]


def test_a_nested_stack_is_trimmed_by_its_parent(media: Path) -> None:
    inner = otio.schema.Track(kind="Video")
    inner.extend([event("in_1", source=span(0, 24)), event("in_2", source=span(10, 24))])
    stack = otio.schema.Stack("nested")
    stack.append(inner)
    stack.source_range = span(12, 24)
    path = written(media, [event("first", source=span(0, 6)), stack, event("last")])
    assert ranges(path) == [("first", 0, 6), ("in_1", 12, 24), ("in_2", 10, 22), ("last", 0, 24)]


def test_what_a_higher_track_covers_is_not_seen(media: Path) -> None:
    path = written(
        media,
        [event("under", source=span(0, 40)), event("hidden", source=span(0, 10))],
        [gap(10), event("over", source=span(0, 20)),
         gap(10), event("top", source=span(0, 10))],
    )  # fmt: skip
    assert ranges(path) == [
        ("under", 0, 10), ("over", 0, 20), ("under-2", 30, 40), ("top", 0, 10),
    ]  # fmt: skip
    _, notes = timelines.read(path)
    assert notes == ("Clips covered by a higher track and left out: 1.",)


def test_sound_tracks_disabled_clips_and_titles_are_no_shots(media: Path) -> None:
    sound = otio.schema.Track(kind="Audio")
    sound.append(event("music"))
    off = event("off")
    off.enabled = False
    title = otio.schema.Clip("t", otio.schema.GeneratorReference("bars", "SMPTE"), span(0, 24))
    assert [s.id for s in shots(written(media, [event("one"), off, title], sound))] == ["one"]


def test_a_speed_change_shows_more_of_the_media(media: Path) -> None:
    fast = event("fast", source=span(4, 20))
    fast.effects.append(otio.schema.LinearTimeWarp(time_scalar=2))
    frozen = event("frozen", source=span(4, 20))
    frozen.effects.append(otio.schema.FreezeFrame())
    assert ranges(written(media, [fast, frozen])) == [("fast", 4, 44), ("frozen", 4, 5)]


@pytest.mark.parametrize("name", ["a b.mp4", "ü.mp4", "-x.mp4", "50%.mp4"])
def test_paths_may_be_relative_or_urls(
    tmp_path: Path, clip: Callable[..., Path], name: str
) -> None:
    (tmp_path / "media").mkdir()
    file = clip(tmp_path / "media" / name)
    path = written(tmp_path, [event("one", f"media/{name}"), event("two", file.as_uri())])
    assert [Path(s.file) for s in shots(path)] == [file, file]
    assert [s.problem for s in shots(path)] == [None, None]


def test_missing_media_is_a_problem_of_that_shot(media: Path) -> None:
    gone = otio.schema.Clip("gone", otio.schema.MissingReference(), span(0, 24))
    images = otio.schema.ImageSequenceReference("file:///x/", "i.", ".exr", 1, 1, 24)
    path = written(media, [
        event("here"), event("lost", "lost.mp4"), gone, event("far", "https://example.com/a.mp4"),
        otio.schema.Clip("images", images, span(0, 24)),
    ])  # fmt: skip
    problems = [s.problem or "" for s in shots(path)]
    assert problems[0] == ""
    for problem, part in zip(
        problems[1:], ["is missing", "no media", "not a local file", "image sequence"], strict=True
    ):
        assert part in problem


def test_a_repeated_name_is_made_unique(media: Path) -> None:
    path = written(media, [event("a"), event("a-2"), event("a"), event("a"), event("")])
    assert [s.id for s in shots(path)] == ["a", "a-2", "a-3", "a-4", "event_005"]


def test_a_thousand_events_are_read_within_a_second(media: Path) -> None:
    events = [event(f"e{n}", source=span(n % 30, 12)) for n in range(1000)]
    path = written(media, events)
    timelines.read(path)
    start = time.perf_counter()
    assert len(shots(path)) == 1000
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("text", ["", "not json", "{}", '{"OTIO_SCHEMA": "Clip.2"}', "[1]"])
def test_what_is_no_timeline_is_told_in_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "edit.otio"
    path.write_text(text)
    with pytest.raises(BadSetting) as caught:
        timelines.read(path)
    assert "edit.otio" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_library_s_own_samples_are_read(shared: Path) -> None:
    read = 0
    for path in sorted((shared / "timelines").rglob("*.otio")):
        try:
            read += bool(timelines.read(path)[0])
        except BadSetting as error:
            assert "holds no shot" in str(error)  # noqa: PT017
    assert read >= 10
