from __future__ import annotations

import os
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.errors import MeasurementError, StoreError
from filmgate.review.report import evidence, pairs, plots, view, words, write_report
from filmgate.schema.report import (
    CDL,
    CheckReport,
    Finding,
    Measured,
    SequenceReport,
    Series,
    ShotReport,
    Threshold,
    Unit,
)

GREEN = Measured("green vest", "#4a6b3a", (42.0, -20.0, 24.0))
BLUE = Measured("blue shirt", "#3a4a6b", (31.0, 2.0, -21.0))
HOSTILE = ("<img src=x onerror=window.hacked=1>", '"><script>window.hacked=1</script>')


def drift(attribute: str = "wardrobe/maya/upper", **changes: Any) -> Finding:
    made = Finding(
        "wardrobe", attribute, "neighbour", "a", "drift", "The vest became a shirt.",
        12.0, "de00", 3.0, 0.004, (0, 5, 9), (0.2, 0.3, 0.4, 0.5), (20, 24), (0.1, 0.1, 0.3, 0.6),
        "Retake with the vest as reference.", BLUE, GREEN,
    )  # fmt: skip
    return replace(made, **changes)


def within(**changes: Any) -> Finding:
    facts: dict[str, Any] = {"status": "within", "magnitude": 1.0, "reason": None}
    return drift(**(facts | changes))


def unmeasured(reason: str = "no audio track", attribute: str = "sound/loudness") -> Finding:
    return Finding("sound", attribute, "anchor", None, "not_measured", reason)


def shot(name: str, *findings: Finding, **changes: Any) -> ShotReport:
    bad = any(f.status in ("drift", "change_missing") for f in findings)
    made = ShotReport(
        name, f"shots/{name}.mp4", 0, 25, "25", "kitchen", None, ("maya",), 0.9 if bad else 0.1,
        0.01, "retake" if bad else "circle", findings,
    )  # fmt: skip
    return replace(made, **changes)


def report(*sequences: SequenceReport, **changes: Any) -> CheckReport:
    calibration = {"wardrobe": Threshold(3.0, "de00", 412, "shipped films")}
    made = CheckReport("0.1.0", 1, calibration, ("classical 1",), sequences, "at most 10% escape")
    return replace(made, **changes)


def one(*shots: ShotReport, series: tuple[Series, ...] = ()) -> CheckReport:
    return report(SequenceReport("sc_01", shots, "worst 3%", series))


class Frames:
    """A frame source that remembers what it was asked for."""

    def __init__(self, noise: bool = False, gone: tuple[str, ...] = ()) -> None:
        self.noise, self.gone = noise, gone
        self.calls: list[tuple[str, tuple[int, ...], int]] = []

    def __call__(
        self, file: str, frames: Sequence[int], max_height_px: int
    ) -> dict[int, NDArray[np.uint8]]:
        self.calls.append((file, tuple(frames), max_height_px))
        if file in self.gone:
            raise MeasurementError("the file is gone.")
        size = (max_height_px, max_height_px * 16 // 9, 3)
        if self.noise:
            grain = np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)
            return {n: np.roll(grain, n + len(self.calls), 0) for n in frames}
        return {n: np.full(size, (n * 9 + 40) % 256, np.uint8) for n in frames}


class Page(HTMLParser):
    """What a browser would make of the page: elements, attributes, visible text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = ""
        self.feed(html)
        self.text = re.sub(r"\s+", " ", self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag if tag in ("style", "script") else ""

    def handle_endtag(self, tag: str) -> None:
        self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data

    def having(self, css: str) -> list[dict[str, str | None]]:
        return [a for _, a in self.tags if css in (a.get("class") or "").split()]


def render(checked: CheckReport, tmp_path: Path, frames: Frames | None = None) -> Page:
    path = tmp_path / "report.html"
    write_report(checked, path, frames or Frames())
    return Page(path.read_text("utf-8"))


def test_the_head_says_what_was_checked_and_what_was_not(tmp_path: Path) -> None:
    forest = SequenceReport("forest", (shot("a", within()), shot("b", drift())), "worst 3%")
    boat = SequenceReport("boat", (shot("c", unmeasured("5 frames, 8 are needed")),), "all")
    text = render(report(forest, boat, notes=("No colour tags.",)), tmp_path).text
    assert "3 shots in 2 sequences checked: 1 drifts, 1 could not be measured." in text
    assert "5 frames, 8 are needed 1 comparison in 1 shot: boat/c (Sound › loudness)" in text
    for said in ("at most 10% escape", "classical 1", "412", "shipped films", "No colour tags."):
        assert said in text


def test_reasons_are_grouped_and_none_is_lost(tmp_path: Path) -> None:
    shots = [shot(f"s{i}", within(), unmeasured("no audio track")) for i in range(9)]
    shots += [shot(f"r{i}", within(), unmeasured(f"reason number {i}")) for i in range(8)]
    text = render(one(*shots), tmp_path).text
    assert "no audio track 9 comparisons in 9 shots: s0, s1, s2, s3, s4, s5 and 3 more" in text
    assert all(f"reason number {i}" in text for i in range(8))


def test_shots_of_one_name_in_two_sequences_are_two(tmp_path: Path) -> None:
    unheard = (shot("shot_01", unmeasured("no audio track")),)
    both = (SequenceReport(name, unheard, "all") for name in ("forest", "boat"))
    text = render(report(*both), tmp_path).text
    assert "no audio track 2 comparisons in 2 shots: forest/shot_01, boat/shot_01" in text


def test_a_shot_without_any_finding_counts_as_not_measured(tmp_path: Path) -> None:
    text = render(one(shot("a", notes=("The file is missing.",))), tmp_path).text
    assert "1 could not be measured" in text
    assert "The file is missing. 1 comparison in 1 shot: a" in text


def test_a_card_shows_both_frames_their_regions_and_their_colours(tmp_path: Path) -> None:
    frames = Frames()
    cdl = CDL((1.1, 1.0, 0.9), (0.01, 0.0, -0.01), (1.0, 1.0, 1.0), 0.95)
    page = render(one(shot("a", within()), shot("b", drift(cdl=cdl))), tmp_path, frames)
    asked = {(file, n) for file, numbers, _ in frames.calls for n in numbers}
    # The cut lies between the other shot's last measured frame and this shot's first.
    assert {("shots/b.mp4", 0), ("shots/a.mp4", 24)} <= asked
    assert len([a for a in page.having("region") if "under" not in (a["class"] or "")]) == 2
    styles = [a["style"] for a in page.having("swatch")]
    assert styles == ["background-color:#3a4a6b", "background-color:#4a6b3a"]
    for said in ("12 ΔE00", "tolerance 3 ΔE00", "4× tolerance", "The vest became a shirt.",
                 "Retake with the vest as reference.", "L* 31 a* 2 b* −21", "1.1000", "-0.0100",
                 "0.4% of clean comparisons"):  # fmt: skip
        assert said in page.text


def test_images_are_in_the_page_once_each(tmp_path: Path) -> None:
    shots = [shot("a", within())] + [shot(f"b{i}", drift(against="anchor")) for i in range(6)]
    page = render(one(*shots), tmp_path)
    stored = [a["href"] for tag, a in page.tags if tag == "image"]
    assert len(stored) == 7  # the anchor's frame is shared by six cards
    assert all(href is not None and href.startswith("data:image/webp") for href in stored)


@pytest.mark.parametrize(
    ("finding", "left", "right"),
    [
        (drift(other="z"), ("b", 9), ("z", 20)),
        (drift(against="anchor"), ("b", 5), ("a", 24)),
        (drift(against="itself", other=None, other_frames=()), ("b", 0), ("b", 9)),
        (drift(against="look", other=None), ("b", 5), (None, None)),
        (drift(against="consensus", other=None), ("b", 5), ("c", 7)),
        (drift(other="elsewhere"), ("b", 0), ("elsewhere", None)),
    ],
)
def test_the_counterpart_of_a_finding(
    finding: Finding, left: tuple[str, int], right: tuple[str | None, int | None]
) -> None:
    agreeing = within(against="consensus", other=None, frames=(7,))
    less = within(against="consensus", other=None, frames=(8,), magnitude=2.0)
    here = shot("b", finding)
    shots = (shot("a", within()), here, shot("c", agreeing), shot("d", less), shot("z"))
    sides = pairs.pair(here, finding, pairs.Lookup(SequenceReport("s", shots, "")))
    assert [(side.shot, side.frame) for side in sides] == [left, right]
    assert all(side.frame is not None or side.empty for side in sides)


def test_the_counterpart_is_of_the_same_setup_where_one_agrees() -> None:
    """Only its picture can be compared place by place, at the place that is outlined."""
    finding = drift(against="consensus", other=None, other_box=(0.1, 0.2, 0.3, 0.4))
    agreeing = within(against="consensus", other=None, frames=(7,))
    less = within(against="consensus", other=None, frames=(8,), magnitude=2.0)
    here = replace(shot("b", finding), setup="1")
    other_setup = replace(shot("c", agreeing), setup="2")
    mate = replace(shot("d", less), setup="1")
    _, side = pairs.pair(
        here, finding, pairs.Lookup(SequenceReport("s", (here, other_setup, mate), ""))
    )
    assert (side.shot, side.frame, side.box) == ("d", 8, (0.1, 0.2, 0.3, 0.4))
    _, side = pairs.pair(here, finding, pairs.Lookup(SequenceReport("s", (here, other_setup), "")))
    assert (side.shot, side.box) == ("c", agreeing.box), "to look at; the place is not there"


def test_the_worst_three_are_shown_in_full_and_of_different_attributes(tmp_path: Path) -> None:
    findings = (
        drift(magnitude=30.0), drift(magnitude=29.0, against="anchor"),
        drift("light/key", magnitude=9.0), drift("grade/tint", magnitude=6.0),
        drift("set/wall", magnitude=4.0), drift("set/cup", magnitude=0.2, status="change_missing"),
    )  # fmt: skip
    page = view.build(one(shot("a", within()), shot("b", *findings)), Frames())
    card = page.sequences[0].cards[0]
    assert [f.title for f in card.full] == ["Set › cup", "Wardrobe › maya › upper", "Light › key"]
    assert [f.times for f in card.rows] == pytest.approx([29 / 3, 2.0, 4 / 3])
    assert "The declared change did not happen" in render(one(shot("b", *findings)), tmp_path).text


def test_declared_changes_are_listed_and_are_no_drift(tmp_path: Path) -> None:
    changed = drift(status="declared_change", reason="Declared in look.toml.")
    text = render(one(shot("a", within()), shot("b", changed, verdict="circle")), tmp_path).text
    assert "no drift was found" in text
    assert "green vest → blue shirt" in text
    assert "Declared in look.toml." in text


def test_a_shot_sent_to_a_person_without_drift_has_a_card(tmp_path: Path) -> None:
    page = render(one(shot("a", within(), verdict="escalate")), tmp_path)
    assert len(page.having("card")) == 1
    assert "sent to a person without drift" in page.text


def test_missing_frames_are_said_and_the_card_stays(tmp_path: Path) -> None:
    frames = Frames(gone=("shots/b.mp4",))
    page = render(one(shot("a", within()), shot("b", drift())), tmp_path, frames)
    assert "Frame 0 is not available: the file is gone." in page.text
    assert len(page.having("card")) == 1
    assert "12 ΔE00" in page.text


def test_sound_has_no_frame_and_says_so(tmp_path: Path) -> None:
    heard = drift("sound/loudness", unit="lu", frames=(), other_frames=(), box=None)
    text = render(one(shot("a", within()), shot("b", heard)), tmp_path).text
    assert "Measured on the sound: no frame to show." in text
    assert "12 LU" in text


def test_slow_drift_is_told_apart_from_steps() -> None:
    names = ("s1", "s2", "s3", "s4")
    slow = Series("g", "grade/tint", "de00", 3.0, names, (None, 2.0, 2.0, None), (0, 2, 4, None))
    plot = plots.draw(slow, dict.fromkeys(names, "1"))
    assert plot.slow
    assert plot.step.count('class="over"') == 0
    assert plot.accumulated.count('class="over"') == 1
    assert plot.step.count('class="gap"') == 1  # s4: not measured; s1 only has nothing before it
    assert plot.step.count('class="hollow"') == 1
    assert "largest 4 ΔE00 at s3; 1 of 3 over the tolerance of 3 ΔE00" in plot.accumulated_text


def test_curves_break_between_scenes() -> None:
    flat = Series("g", "grade", "de00", None, ("a", "b", "c", "d"), (1.0,) * 4, (1.0,) * 4)
    drawn = plots.draw(flat, {"a": "1", "b": "1", "c": "2", "d": "2"})
    line = re.search(r'class="line" d="([^"]*)"', drawn.accumulated)
    assert line is not None
    assert line.group(1).count("M") == 2
    assert not drawn.slow
    assert drawn.worst is None


@pytest.mark.parametrize(
    "values", [(), (None,), (0.0,), (float("nan"), float("inf")), (-5.0, 5.0), (1e-9, 1e9)]
)
def test_any_curve_can_be_drawn(values: tuple[float | None, ...], tmp_path: Path) -> None:
    names = tuple(f"s{i}" for i in range(len(values)))
    series = Series("g", "grade", "deg", 3.0, names, values, values)
    page = render(one(*(shot(n, within()) for n in names), series=(series,)), tmp_path)
    assert not re.search(r"\b(nan|inf)\b", page.text)


def test_every_unit_has_a_word_for_people() -> None:
    assert set(words.UNITS) == set(get_args(Unit))
    assert words.quantity(4.125, "de00") == "4.12 ΔE00"
    assert words.quantity(12.0, "deg") == "12°"
    assert words.quantity(-3.0, "mired") == "−3 mired"
    assert words.quantity(7.5, "percent_height") == "7.5% of height"
    assert words.quantity(float("nan"), "db") is None


def test_axis_labels_drop_what_all_of_them_share() -> None:
    assert words.short_labels(["shot_01", "shot_02", "shot_10"]) == ["01", "02", "10"]
    assert words.short_labels(["12A", "12B"]) == ["12A", "12B"]
    assert words.short_labels(["x_" + "y" * 20, "x_z"]) == ["yyyyyyy…", "z"]


def test_hostile_text_stays_text(tmp_path: Path) -> None:
    for bad in (*HOSTILE, "javascript:alert(1)", "' onmouseover='x", "{{ 7*7 }}", "\ud800\x00"):
        value = Measured(bad, bad)
        nasty = drift(bad, reason=bad, remedy=bad, other=bad, this=value, reference=value)
        item = shot(bad, nasty, unmeasured(bad, bad), file=bad, scene=bad, setup=bad,
                    people=(bad,), notes=(bad,), rate=bad)  # fmt: skip
        series = Series(bad, bad, "de00", 1.0, (bad, "b"), (2.0, 3.0), (2.0, 3.0))
        quiet = shot("b", within(other=bad), replace(nasty, status="declared_change"))
        sequence = SequenceReport(bad, (item, quiet), bad, (series,))
        threshold = {bad: Threshold(1.0, "de00", 3, bad)}
        page = render(
            report(sequence, sequence, filmgate=bad, calibration=threshold, extractors=(bad,),
                   guarantee=bad, notes=(bad,)), tmp_path,
        )  # fmt: skip
        assert [tag for tag, _ in page.tags].count("script") == 1
        for tag, attributes in page.tags:
            assert not any(name.startswith("on") for name in attributes), (tag, attributes)
            assert "javascript" not in (attributes.get("href") or "")
            assert "url(" not in (attributes.get("style") or "")
            assert (attributes.get("src") or "data:").startswith("data:")
            if tag == "a":
                assert (attributes["href"] or "").startswith("#")


def test_only_a_colour_may_become_a_style() -> None:
    for bad in ("red", "#fff", "#1234567", "#12345g", "#123456;background:url(//x)", "#123456\n"):
        assert words.swatch(Measured("x", bad)) is None
    assert words.swatch(Measured("x", "#ABCDEF")) == "#abcdef"


def test_the_page_forbids_itself_everything_but_its_own_parts(tmp_path: Path) -> None:
    page = render(one(shot("a", within())), tmp_path)
    policy = next(a["content"] for t, a in page.tags if a.get("http-equiv")) or ""
    assert policy.startswith("default-src 'none'; img-src data:;")
    assert "unsafe-inline" not in policy.split("script-src")[1]


@pytest.mark.parametrize("noise", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_long_sequence_stays_small_and_fast(tmp_path: Path, noise: bool) -> None:
    """400 shots, every one of them drifting and full of noise, is the worst a page can get."""
    shots = [
        shot(f"{i:04d}", *(drift(f"a/{k}", frames=(k,), other=f"{i - 1:04d}") for k in range(4)))
        if noise or i % 30 == 7
        else shot(f"{i:04d}", within())
        for i in range(400)
    ]
    names = tuple(s.shot for s in shots)
    curves = tuple(float(i % 5) for i in range(400))
    series = tuple(Series("a", f"a/{k}", "de00", 3.0, names, curves, curves) for k in range(12))
    started = time.monotonic()
    page = render(one(*shots, series=series), tmp_path, Frames(noise))
    assert time.monotonic() - started < (240 if noise else 30)
    size = (tmp_path / "report.html").stat().st_size
    assert size < (15_000_000 if noise else 4_000_000)
    assert len(page.having("tile")) == 400
    thumbs = [a for tag, a in page.tags if tag == "img"]
    assert all(int(a["width"] or 0) <= 80 for a in thumbs)
    if noise:  # what had to be left out is said
        assert len(page.having("card")) == view.MAX_CARDS
        assert "at its size limit" in page.text
        assert "More shots that need attention" in page.text


def test_frames_that_do_not_compress_are_made_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evidence, "BUDGET", 60_000)
    plan = evidence.Plan()
    for n in range(4):
        plan.want("noise.mp4", n)
    gallery = evidence.gather(plan, Frames(noise=True))
    assert len(gallery.evidence) == 4
    assert sum(len(picture.uri) for picture in gallery.evidence.values()) <= 60_000
    assert {picture.height for picture in gallery.evidence.values()} == {450}  # shown as large


def test_frames_are_fetched_a_file_at_a_time_and_no_larger_than_shown() -> None:
    shots = [shot(f"s{i}", within(), file="reel.mov", in_frame=i) for i in range(200)]
    frames = Frames()
    view.build(one(*shots), frames)
    assert {height for _, _, height in frames.calls} == {evidence.THUMB_DENSE[1]}
    assert len(frames.calls) == 1  # every shot was measured on the same frames of the same file


def test_an_unchanged_result_makes_an_unchanged_page(tmp_path: Path) -> None:
    checked = one(shot("a", within()), shot("b", drift()))
    pages = []
    for name in ("1.html", "2.html"):
        write_report(checked, tmp_path / name, Frames())
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


@pytest.mark.parametrize("step", ["fdopen", "fsync", "replace"])
def test_a_failed_write_leaves_the_old_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    if step == "replace":
        monkeypatch.setattr(Path, "replace", full)
    else:
        monkeypatch.setattr(os, step, full)
    with pytest.raises(StoreError, match=r"report\.html could not be written: No space left"):
        write_report(one(shot("a", within())), path, Frames())
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert path.read_text() == "old"


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="could not be written: No such file or directory"):
        write_report(one(shot("a", within())), tmp_path / "no" / "r.html", Frames())


def test_an_empty_report_is_a_page(tmp_path: Path) -> None:
    assert "There was nothing to check." in render(report(), tmp_path).text
