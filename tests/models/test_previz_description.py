"""What previz makes of a description: every word honoured, the same names the same things."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from filmgate.errors import CannotExpress
from filmgate.models.animatic import drift
from filmgate.models.animatic.drift import Drift
from filmgate.models.animatic.service.description import described
from filmgate.models.animatic.spec import ShotSpec
from filmgate.models.generator import Request
from filmgate.models.generators import previz
from filmgate.models.generators.previz import Previz, truths
from tests.models.previz_stage import (
    MAYA,
    ROOM,
    SMALL,
    around,
    clean,
    request,
    shot,
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Previz]:
    """A generator that renders when a take is fetched."""
    one = previz.GENERATOR(around(tmp_path / "own"))
    yield one
    one.close()


def test_nothing_said_is_something_sensible() -> None:
    """An empty description is a shot; the same names are the same things."""
    empty = described({}, ShotSpec(frames=2, size=SMALL), "1A")
    assert empty.people == ()
    one, two = clean(), clean(slate="13C", scene="13")
    assert one.people[0].seed == two.people[0].seed
    assert one.people[0].wardrobe == two.people[0].wardrobe
    assert described(shot(people=[{"name": "Maya"}]), ShotSpec(), "x").people[0].seed == (
        described(shot(people=["MAYA"]), ShotSpec(), "y").people[0].seed
    )


def test_a_set_up_is_the_same_framing_up_to_honest_jitter() -> None:
    """Same name, same camera to some centimetres; another name, another camera."""
    first = described(shot(), ShotSpec(), "12B").camera
    again = described(shot(), ShotSpec(), "12F").camera
    assert first != again
    for name, most in (("x_m", 0.05), ("y_m", 0.05), ("height_m", 0.03), ("pan_deg", 1.0),
                       ("tilt_deg", 0.6), ("lens_mm", 1e-9)):  # fmt: skip
        assert abs(getattr(first, name) - getattr(again, name)) <= most
    other = described(shot(setup="C"), ShotSpec(), "12B").camera
    assert abs(other.x_m - first.x_m) + abs(other.height_m - first.height_m) > 0.05


def test_what_is_declared_wins_over_what_people_wear_and_a_revision_over_both() -> None:
    def jacket(**more: object) -> str:
        return clean(**more).people[0].wardrobe["jacket"]

    navy, red = jacket(), jacket(expect={"wardrobe/maya/jacket": "red"})
    assert navy != red
    assert red == jacket(people=[{"name": "maya", "wardrobe": {"coat": "#ff0000"}}])
    asked = [{"path": "wardrobe/maya/upper", "value": "red", "clause": "MAYA wears red"}]
    assert jacket(expect={"wardrobe/maya/jacket": "green"}, revisions=asked) == red
    assert clean(expect={"wardrobe/jonas/jacket": "red"}).people == clean().people
    # As a check measures it, under the light: a wish for what was there before.
    measured = [{"path": "wardrobe/person_1/upper", "value": "#2b3340", "clause": ""}]
    assert clean(revisions=measured) == clean()
    bare = [{"path": "wardrobe/maya/lower", "value": "#2b3340", "clause": ""}]
    assert clean(revisions=bare) == clean()


def test_light_and_sound_are_as_declared() -> None:
    spec = clean(expect={"lighting/key_side": "right", "lighting/cct_k": 3200,
                         "sound/loudness_lufs": -30})  # fmt: skip
    assert spec.light.cct_k == pytest.approx(3200, rel=0.01)
    assert spec.sound.level_lufs == pytest.approx(-30, abs=0.5)
    side = np.sin(np.radians(spec.light.azimuth_deg))  # seen along +y: east is right
    assert side > 0.5
    assert np.sin(np.radians(clean().light.azimuth_deg)) < -0.5
    assert clean(sound={"tone": "fluorescent hum"}).sound.kind == "hum"
    # What only words for people say is no value.
    words = [{"path": "lighting/level", "value": "1.2 stops under key", "clause": "brighter"}]
    assert clean(revisions=words) == clean()


def test_rates_that_are_no_whole_numbers_and_takes_without_sound(
    made: Previz, tmp_path: Path
) -> None:
    asked = dataclasses.replace(request(), rate="24000/1001", sound=False)
    path = made.fetch(made.submit(asked), tmp_path / "a.mp4").path
    with av.open(str(path)) as box:
        assert str(box.streams.video[0].average_rate) == "24000/1001"
        assert not box.streams.audio


def test_a_whole_spec_is_rendered_as_it_is(made: Previz, tmp_path: Path) -> None:
    """What benches ask for: a `ShotSpec`, drifts to plant in it, how to encode it."""
    spec = ShotSpec(frames=5, size=SMALL, seed=3)
    lean = {"kind": "horizon", "size": 2.0, "unit": "deg"}
    asked = Request("previz-1", nonce="7A-1", parameters={
        "spec": dataclasses.asdict(spec), "drifts": [lean], "crf": 30, "gop": 2})  # fmt: skip
    job = made.submit(asked)
    made.fetch(job, tmp_path / "a.mp4")
    previz.render(previz.apply(spec, Drift("horizon", 2.0, "deg")), tmp_path / "b.mp4", crf=30,
                  gop=2)  # fmt: skip
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    (row,) = truths(tmp_path / "own")
    assert (row.slate, row.take, row.kind, row.size) == ("7A", 1, "horizon", 2.0)


@pytest.mark.parametrize(
    ("of", "still"),
    [({"people": [MAYA]}, ""), ({"place": ROOM}, ""), (shot(), ""), (shot(), "character")],
)
def test_stills(made: Previz, tmp_path: Path, of: dict[str, object], still: str) -> None:
    """A character sheet, a set, a frame of a storyboard: pictures with something on them."""
    import cv2

    asked = Request("previz-still-1", shot=of, size=(320, 180), nonce="board-1",
                    parameters={"still": still} if still else {})  # fmt: skip
    result = made.fetch(made.submit(asked), tmp_path / "a.png")
    assert result.mime == "image/png"
    picture = cv2.imread(str(result.path))
    assert picture.shape == (180, 320, 3)
    assert picture.std() > 15
    with pytest.raises(CannotExpress, match="fresco"):
        made.check(dataclasses.replace(asked, parameters={"still": "fresco"}))


@pytest.mark.parametrize("move", ["push", "pull", "pan", "tilt", "track", "handheld"])
def test_every_move_moves_and_stays_on_the_plate(move: str) -> None:
    """The picture changes from first to last frame, and no border is ever smeared in."""
    from filmgate.models.animatic.camera import Motion, plate_view

    spec = dataclasses.replace(clean(), frames=24, size=(320, 180))
    spec = dataclasses.replace(spec, camera=dataclasses.replace(spec.camera, move=move))
    view = plate_view(spec, 1.0)
    motion = Motion(spec, view.wide_px, view.high_px)
    corners = np.array([[0, 0], [319, 0], [319, 179], [0, 179]], float)
    for frame in (0, 12, 23):
        to_frame = motion.matrix(frame)
        back = np.linalg.inv(np.vstack([to_frame, [0, 0, 1]]))
        plate = (back @ np.column_stack([corners, np.ones(4)]).T)[:2].T
        assert plate.min() >= -0.6
        assert (plate <= [view.wide_px, view.high_px]).all()
    first, *_, last = previz.clean_frames(spec)
    assert np.abs(first.astype(int) - last).mean() > 0.5
    assert drift.apply(spec, Drift("mirror", 1, "flip")).mirror
