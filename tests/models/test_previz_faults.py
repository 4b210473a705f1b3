"""How previz fails: at a stated rate, reproducibly, and with the truth kept apart."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from scipy.stats import binom

from filmgate.models.animatic.drift import UNITS, Drift
from filmgate.models.animatic.service import fault
from filmgate.models.generators import previz
from filmgate.models.generators.previz import Previz, truths
from tests.models.previz_stage import (
    around,
    certainly,
    clean,
    packets,
    request,
    shot,
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Previz]:
    """A generator that renders when a take is fetched."""
    one = previz.GENERATOR(around(tmp_path / "own"))
    yield one
    one.close()


def test_takes_drift_at_the_stated_rate() -> None:
    """2,000 draws lie in the interval that 99.9 % of binomial samples lie in; kinds are even."""
    spec, rate, count = clean(), 0.03, 2000
    model = fault.Faults(drift_rate=rate, seed=7)
    found = [fault.drift_of(model, spec, f"{i}A", 1) for i in range(count)]
    drifted = [one for one in found if one is not None]
    low, high = binom.interval(0.999, count, rate)
    assert low <= len(drifted) <= high
    assert found == [fault.drift_of(model, spec, f"{i}A", 1) for i in range(count)]
    assert [fault.drift_of(fault.Faults(drift_rate=rate, seed=8), spec, f"{i}A", 1)
            for i in range(count)] != found  # fmt: skip
    sure = fault.Faults(drift_rate=1.0, seed=7)
    kinds = [one.kind for i in range(600) if (one := fault.drift_of(sure, spec, f"{i}A", 1))]
    low, high = binom.interval(0.9999, 600, 1 / len(UNITS))
    assert set(kinds) == set(UNITS)
    assert all(low <= kinds.count(kind) <= high for kind in UNITS)


def retakes(kind: str, path: str, count: int = 1000) -> tuple[int, int]:
    """How many second takes, asking for `path`, keep the drift or have another."""
    spec = clean()
    model = fault.Faults(drift_rate=1.0, kinds=(kind,), seed=7)
    calm = dataclasses.replace(model, drift_rate=0.0)
    same = other = 0
    for i in range(count):
        first = fault.drift_of(model, spec, f"{i}A", 1)

        def record(take: int, was: Drift | None = first) -> Drift | None:
            return was

        after = fault.drift_of(calm, spec, f"{i}A", 2, [path] if path else [], record)
        same, other = same + (after == first), other + (after is not None and after != first)
    return same, other


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("wardrobe", "wardrobe/maya/upper"), ("wardrobe", "wardrobe/person_1/upper"),
        ("lighting_level", "lighting"), ("key_side", "lighting/key_side"),
        ("grade", "grade/tonal_bands"), ("mirror", "geometry/mirrored"),
        ("loudness", "sound/loudness"), ("identity", "note"),
    ],
)  # fmt: skip
def test_a_revision_of_what_drifted_is_mostly_honoured(kind: str, path: str) -> None:
    same, other = retakes(kind, path)
    low, high = binom.interval(0.9999, 1000, 0.1)
    assert low <= same <= high
    assert other == 0


@pytest.mark.parametrize(
    ("kind", "path"),
    [("wardrobe", ""), ("wardrobe", "lighting/level"), ("wardrobe", "wardrobe/jonas/upper"),
     ("loudness", "sound/room_tone"), ("horizon", "geometry/mirrored")],
)  # fmt: skip
def test_what_nobody_named_stays_half_of_the_time(kind: str, path: str) -> None:
    same, other = retakes(kind, path)
    low, high = binom.interval(0.9999, 1000, 0.5)
    assert low <= same <= high
    assert other == 0


def test_exactly_a_dozen_of_four_hundred() -> None:
    """By the letters of the slate, or by number; shots of other sequences are not counted."""
    from filmgate.schema.plan import letters

    spec = clean()
    told = {"drifting": 12, "of": 400, "seed": 7, "sequence": "home"}
    found = [
        fault.drift_of(fault.read(told, f"1{letters(i)}", "home"), spec, f"1{letters(i)}", 1)
        for i in range(400)
    ]
    assert sum(one is not None for one in found) == 12
    numbered = [
        fault.drift_of(fault.read({**told, "index": i}, "x", "home"), spec, f"1{letters(i)}", 1)
        for i in range(400)
    ]
    assert numbered == found
    elsewhere = [fault.drift_of(fault.read(told, f"2{letters(i)}", "away"), spec, "2A", 1)
                 for i in range(20)]  # fmt: skip
    assert elsewhere == [None] * 20


def test_only_what_a_shot_can_show_drifts() -> None:
    """Nobody there: no wardrobe; even light: no side to change."""
    empty = clean(people=[], light={"key_side": "even"})
    model = fault.Faults(drift_rate=1.0)
    kinds = {one.kind for i in range(300) if (one := fault.drift_of(model, empty, f"{i}", 1))}
    assert not kinds & {"wardrobe", "identity", "in_shot", "key_side"}
    assert len(kinds) >= 8
    asked = fault.Faults(drift_rate=1.0, kinds=("wardrobe",))
    assert fault.drift_of(asked, empty, "1A", 1) is None


def test_what_the_take_before_had_is_read_from_its_truth(made: Previz, tmp_path: Path) -> None:
    """A revision that is not obeyed leaves the very drift; one that is leaves none."""
    told = certainly("wardrobe", obeys=0.0)
    made.submit(request(previz=told))
    asked = [{"path": "wardrobe/maya/jacket", "value": "navy", "clause": "MAYA wears navy"}]
    made.submit(request(shot(revisions=asked), take=2, previz=told))
    first, second = truths(tmp_path / "own")
    assert (first.take, second.take) == (1, 2)
    assert (first.kind, first.size, first.person) == ("wardrobe", second.size, "MAYA")
    # Another history: the drift was honoured in take 2, and take 3 asks for nothing.
    calm = certainly("wardrobe", obeys=1.0, drift_rate=0.0)
    made.submit(request(take=1, previz=calm, drifts=[]))
    made.submit(request(shot(revisions=asked), take=2, previz=calm))
    assert [r for r in truths(tmp_path / "own", clean=True) if r.kind is None]


@pytest.mark.parametrize("kind", ["loudness", "room_tone"])
def test_a_drift_of_the_sound_leaves_the_pictures_alone(tmp_path: Path, kind: str) -> None:
    """Byte for byte the same but for what drifts, and nothing says that it does."""
    takes = {}
    for name, told in (("clean", {}), ("drifted", certainly(kind))):
        one = previz.GENERATOR(around(tmp_path / name, **told))
        job = one.submit(request())
        status = one.poll(job)
        result = one.fetch(job, tmp_path / f"{name}.mp4")
        # Neither where it is nor how long it took says that it drifts.
        plain = dataclasses.replace(result, path=Path(), machine_s=0.0)
        takes[name] = (status, plain, result.path)
        planted = truths(tmp_path / name)
        assert [row.kind for row in planted] == ([] if name == "clean" else [kind])
    assert takes["clean"][:2] == takes["drifted"][:2]
    assert packets(takes["clean"][2], "video") == packets(takes["drifted"][2], "video")
    assert packets(takes["clean"][2], "audio") != packets(takes["drifted"][2], "audio")


def test_nothing_but_the_truth_tells_the_truth(tmp_path: Path) -> None:
    """No word of it in the media, the status, the result or the job's file."""
    one = previz.GENERATOR(around(tmp_path / "own", **certainly("wardrobe", seed=5)))
    job = one.submit(request())
    result = dataclasses.replace(one.fetch(job, tmp_path / "a.mp4"), path=Path())
    said = repr(one.poll(job)) + repr(result)
    said += (tmp_path / "own" / "jobs" / f"{job}.json").read_text()
    media = (tmp_path / "a.mp4").read_bytes()
    with av.open(str(tmp_path / "a.mp4")) as box:
        said += repr(box.metadata) + repr([s.metadata for s in box.streams])
    (row,) = truths(tmp_path / "own")
    for word in ("drift", "planted", "truth", "MAYA", "navy", "de00", row.model):
        assert word.encode() not in media
        if word not in ("MAYA", "navy"):
            assert word not in said
    assert row.kind == "wardrobe"
    names = {path.name for path in (tmp_path / "own").iterdir()}
    assert names <= {"jobs", "renders", "truth"}
    # A clean twin has the same kind of name: an id tells nothing either.
    other = previz.GENERATOR(around(tmp_path / "other"))
    assert len(other.submit(request())) == len(job)


def test_a_pickup_is_the_take_without_its_ramp_from_a_frame_on(
    made: Previz, tmp_path: Path
) -> None:
    """Up to the frame as it was, from there on as the clean shot moves; the truth says so."""
    told = certainly("in_shot", sizes={"in_shot": 14.0})
    long = dataclasses.replace(request(previz=told), duration_s=0.5, seed=11)
    parent = made.submit(long)
    mended = dataclasses.replace(
        long, nonce="12B-2", seed=12, parameters={**long.parameters, "pickup": {"from_frame": 6}}
    )
    job = made.submit(mended)
    was = previz.ShotSpec.from_json(json.dumps(made._jobs.read(parent).spec))
    now = previz.ShotSpec.from_json(json.dumps(made._jobs.read(job).spec))
    assert was.ramp is not None
    assert now.seed == was.seed
    before, after = list(previz.clean_frames(was)), list(previz.clean_frames(now))
    calm = list(previz.clean_frames(dataclasses.replace(was, ramp=None)))
    assert all(np.array_equal(a, b) for a, b in zip(before[:6], after[:6], strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(calm[6:], after[6:], strict=True))
    assert not np.array_equal(before[-1], after[-1])
    rows = {row.take: row for row in truths(tmp_path / "own")}
    assert rows[2].size == pytest.approx(rows[1].size * 6 / 11)
    whole = dataclasses.replace(mended, parameters={**long.parameters, "pickup": {"from_frame": 0}})
    made.submit(whole)
    assert any(r.take == 2 and r.kind is None for r in truths(tmp_path / "own", clean=True))
