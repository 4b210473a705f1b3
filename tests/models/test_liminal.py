"""The endless office: hundreds of views, none black, none into nothing, the same every time."""

from __future__ import annotations

import dataclasses
import math
import time

import numpy as np
import pytest

from filmgate.models.animatic import cull, sight
from filmgate.models.animatic.camera import plate_view
from filmgate.models.animatic.drift import Drift, apply, prominent
from filmgate.models.animatic.place import build
from filmgate.models.animatic.plate import stage_set
from filmgate.models.animatic.service import stand
from filmgate.models.animatic.service.description import described
from filmgate.models.animatic.shot import clean_frames, render
from filmgate.models.animatic.spec import PlaceSpec, ShotSpec

OFFICE = {"name": "office", "kind": "liminal", "seed": 7}
PLACE = PlaceSpec("liminal", 7000)
SIZE = (320, 180)


def shot(setup: str, slate: str = "1A", **more: object) -> ShotSpec:
    """A view of the office."""
    plain = {"place": OFFICE, "setup": setup, "framing": "wide", "lens_mm": 24.0, **more}
    return described(plain, ShotSpec(frames=2, size=SIZE), slate)


def first(spec: ShotSpec) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return next(iter(clean_frames(spec)))


def test_a_hundred_set_ups_of_one_place_are_distinct() -> None:
    """As a brief names them: view and number; no two would be taken for one another."""
    spots = []
    for number in range(1, 103):
        view = stand.VIEWS[(number - 1) % len(stand.VIEWS)]
        camera = stand.camera(
            stand.Wanted(PLACE, "office", f"{view}-{number:02d}", "wide", 24.0, 16 / 9), []
        )
        spots.append(camera)
    for i, one in enumerate(spots):
        for two in spots[:i]:
            turn = abs((one.pan_deg - two.pan_deg + 180) % 360 - 180)
            moved = math.dist((one.x_m, one.y_m, one.height_m), (two.x_m, two.y_m, two.height_m))
            assert turn > 15 or moved > 0.8, (one, two)
    again = stand.camera(stand.Wanted(PLACE, "office", "doors-04", "wide", 24.0, 16 / 9), [])
    assert again == spots[3]


def test_no_view_looks_into_nothing() -> None:
    """Every ray of every view ends on something, and most end far off."""
    for number in range(1, 25):
        view = stand.VIEWS[(number - 1) % len(stand.VIEWS)]
        spec = shot(f"{view}-{number:02d}")
        depths = sight.frame_depths(PLACE, dataclasses.replace(spec.camera, lens_mm=20), 16 / 9)
        assert np.isfinite(depths).all()
        assert np.median(depths) > 1.5


@pytest.mark.parametrize("view", stand.VIEWS)
def test_views_are_lit_and_have_detail(view: str) -> None:
    """Not black, not blown out, with edges all over the frame."""
    import cv2

    for number in (2, 9):
        picture = first(shot(f"{view}-{number:02d}"))
        assert 60 < picture.mean() < 200
        assert (picture.max(axis=2) < 16).mean() < 0.03
        assert (picture.min(axis=2) > 250).mean() < 0.12
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        assert (cv2.Canny(grey, 60, 120) > 0).mean() > 0.01


def test_what_is_culled_has_no_pixel() -> None:
    """Drawn with everything or with what may be seen: the same picture."""
    scene = stage_set(PLACE)
    spec = shot("cubicles-02")
    view = plate_view(spec, 1.5)
    kept = cull.seen(scene.low, scene.high, scene.walls, view)
    assert 20 < len(kept) < 0.6 * len(scene.low)
    everything = np.arange(len(scene.low))
    before = first(spec)
    seen = cull.seen
    try:
        cull.seen = lambda *_: everything  # type: ignore[assignment]
        after = first(dataclasses.replace(spec, seed=spec.seed))
    finally:
        cull.seen = seen
    # Painter's order among far, nearly hidden things may differ by a pixel here and there.
    assert (np.abs(before.astype(int) - after).max(axis=2) > 8).mean() < 0.004


def test_the_light_follows_level_colour_and_side() -> None:
    """The panels are the scene's light: a stop is a stop; the key's side is the brighter one."""
    base = shot("pillars-03", light={"key_side": "even"})
    dark = apply(base, Drift("lighting_level", -0.7, "stops"))

    def linear(spec: ShotSpec) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        return ((first(spec) / 255.0 + 0.055) / 1.055) ** 2.4

    one, two = linear(base), linear(dark)
    middle = (one.max(axis=2) < 0.6) & (two.min(axis=2) > 0.02)
    assert np.median(two[middle] / one[middle]) == pytest.approx(2**-0.7, rel=0.06)
    left, right = (
        linear(shot("pillars-03", light={"key_side": side})) for side in ("left", "right")
    )
    both = (np.maximum(left, right).max(axis=2) < 0.6) & (
        np.minimum(left, right).min(axis=2) > 0.02
    )
    ratio, edge = np.where(both[..., None], left / np.maximum(right, 1e-6), np.nan), SIZE[0] // 4
    assert np.nanmedian(ratio[:, :edge]) > 1.4
    assert np.nanmedian(ratio[:, -edge:]) < 1 / 1.4


def test_things_that_move_are_seen_to_move() -> None:
    """A drift of the layout takes something in sight, not behind a wall."""
    found = 0
    for number in range(1, 30):
        view = stand.VIEWS[(number - 1) % len(stand.VIEWS)]
        spec = shot(f"{view}-{number:02d}")
        things = [share for _, share in prominent(spec) if share < 0.35]
        if not things or things[0] < 0.02 or found >= 4:
            continue
        moved = apply(spec, Drift("set_layout", 0.8, "m"))
        assert (np.abs(first(spec).astype(int) - first(moved)).max(axis=2) > 12).mean() > 0.003
        found += 1
    assert found >= 3


def test_people_stand_in_the_open_and_are_seen() -> None:
    """In every kind of place they stay on their marks, and no wall is between them and us."""
    people = [{"name": "MAYA"}, {"name": "Jonas"}]
    for name in ("Break room", "Pillar hall", "Corridor", "Cubicles", "office"):
        place = {**OFFICE, "name": name}
        specs = [
            shot("2-wide-maya", place=place, people=people, framing=framing, lens_mm=None)
            for framing in ("wide", "medium", "close")
        ]
        for spec in specs[:2]:
            eye = np.array([spec.camera.x_m, spec.camera.y_m, spec.camera.height_m])
            for person in spec.people:
                at = np.array([person.x_m, person.y_m, 1.35])
                assert sight.clear(PLACE, eye, at), (name, spec.camera)
        marks = {(round(p.x_m, 0), round(p.y_m, 0)) for s in specs for p in s.people
                 if p.name == "MAYA"}  # fmt: skip
        assert len(marks) <= 2


def test_another_seed_is_another_office() -> None:
    one, two = build(PlaceSpec("liminal", 1)), build(PlaceSpec("liminal", 2))
    assert one.boxes != two.boxes
    assert build(PlaceSpec("liminal", 1)).boxes == one.boxes
    names = {box.name for box in one.boxes if box.movable}
    for name in list(names)[:5]:
        parts = [b for b in one.boxes if b.name == name]
        middle = np.mean([np.add(b.low, b.high) / 2 for b in parts], axis=0)
        assert max(math.dist(np.add(b.low, b.high) / 2, middle) for b in parts) < 2.5


def test_speed_is_printed(tmp_path: object) -> None:
    """Not asserted: machines differ."""
    specs = [
        dataclasses.replace(shot(f"{view}-05"), frames=96, size=(640, 360)) for view in stand.VIEWS
    ]
    for spec in specs:
        first(spec)
    start = time.process_time()
    for spec in specs:
        render(spec, f"{tmp_path}/x.mp4")
    spent_s = time.process_time() - start
    print(f"{96 * len(specs) / spent_s:.0f} frames a second of processor time")
