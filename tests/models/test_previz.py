"""Previz: same seed same shot, every drift does what it says and only that, truth stays apart."""

from __future__ import annotations

import dataclasses
import itertools
import time
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.video.frame import PictureType
from numpy.typing import NDArray

from filmgate.errors import UsageError
from filmgate.models.animatic import colour, drift, soundtrack
from filmgate.models.animatic.camera import plate_view
from filmgate.models.animatic.encode import to_yuv420
from filmgate.models.animatic.place import build
from filmgate.models.animatic.plate import draw_order
from filmgate.models.animatic.shot import Scene
from filmgate.models.generators import previz
from filmgate.models.generators.previz import (
    UNITS,
    CameraSpec,
    Drift,
    GradeSpec,
    LightSpec,
    PersonSpec,
    PlaceSpec,
    ShotSpec,
    SoundSpec,
    apply,
    audio,
    clean_frames,
    frames,
    render,
    sequence,
    write_sequence,
    write_truth,
)

Picture = NDArray[np.uint8]
SMALL = (320, 180)


def shot(**changes: object) -> ShotSpec:
    """A medium shot of one person in the flat, small and short."""
    place = PlaceSpec("flat", 3)
    x, y = build(place).stage
    maya = PersonSpec("Maya", seed=4, wardrobe={"jacket": "navy", "shirt": "cream"}, x_m=x, y_m=y,
                      gesture=0.0)  # fmt: skip
    camera = CameraSpec(x, y - 2.4, 1.45, 0.0, -2.0, lens_mm=40)
    base = ShotSpec(place, camera, LightSpec(), (maya,), frames=4, size=SMALL, seed=5)
    return dataclasses.replace(base, **changes)  # type: ignore[arg-type]


def first(spec: ShotSpec) -> Picture:
    """The first frame before grain."""
    return next(iter(clean_frames(spec)))


def planted(kind: str, size: float, unit: str | None = None, **changes: object) -> ShotSpec:
    """The usual shot with one drift in it."""
    return apply(shot(**changes), Drift(kind, size, unit or UNITS[kind]))  # type: ignore[arg-type]


def decoded(path: Path) -> list[bytes]:
    """The luma planes of a file, packed."""
    with av.open(str(path)) as box:
        return [frame.to_ndarray().tobytes() for frame in box.decode(video=0)]


def linear(picture: Picture) -> NDArray[np.float64]:
    """Linear light of a picture."""
    return colour.to_linear(picture / 255.0)


def test_same_spec_same_file_and_another_seed_another(tmp_path: Path) -> None:
    """Bytes repeat; a seed changes grain and motion."""
    for name in ("a.mp4", "b.mp4"):
        render(shot(), tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    render(shot(seed=6), tmp_path / "c.mp4")
    assert decoded(tmp_path / "a.mp4") != decoded(tmp_path / "c.mp4")


def test_file_is_tagged_and_shaped(tmp_path: Path) -> None:
    """BT.709 limited range, size, rate, key frames every GOP, B-frames, sound."""
    path = tmp_path / "a.mp4"
    render(shot(frames=30), path, gop=10)
    with av.open(str(path)) as box:
        video = box.streams.video[0]
        context = video.codec_context
        assert (context.width, context.height, context.pix_fmt) == (*SMALL, "yuv420p")
        tags = (context.color_primaries, context.color_trc, context.colorspace, context.color_range)
        assert [int(tag) for tag in tags] == [1, 1, 1, 1]
        assert video.average_rate == 24
        kinds = [PictureType(frame.pict_type).name for frame in box.decode(video=0)]
    assert len(kinds) == 30
    assert [i for i, kind in enumerate(kinds) if kind == "I"] == [0, 10, 20]
    assert "B" in kinds
    with av.open(str(path)) as box:
        stream = box.streams.audio[0]
        assert (stream.codec_context.name, stream.codec_context.sample_rate) == ("aac", 48_000)


def test_colour_survives_the_conversion_to_yuv() -> None:
    """A flat colour comes back from BT.709 limited planes within two levels."""
    for rgb in ((200, 60, 30), (16, 128, 240), (255, 255, 255), (0, 0, 0)):
        flat = np.full((16, 16, 3), rgb, np.uint8)
        planes = to_yuv420(flat).astype(np.float64)
        y, u, v = planes[0, 0], planes[16].flat[0], planes[20].flat[0]
        luma, cb, cr = (y - 16) / 219, (u - 128) / 224, (v - 128) / 224
        red, blue = luma + 1.5748 * cr, luma + 1.8556 * cb
        back = np.array([red, (luma - 0.2126 * red - 0.0722 * blue) / 0.7152, blue]) * 255
        assert np.abs(back - rgb).max() < 3.0


def test_truth_is_not_in_the_files(tmp_path: Path) -> None:
    """Neither beside the shots nor inside them; it goes where the caller says."""
    kinds = ["wardrobe", "mirror", "in_shot"]
    specs, truth = sequence(5, 2, scenes=1, drifts=kinds, seed=2, frames=3, size=SMALL)
    files = write_sequence(specs, tmp_path / "shots")
    assert sorted(p.name for p in (tmp_path / "shots").iterdir()) == [p.name for p in files]
    assert files[0].name == "shot_001.mp4"
    for path in files:
        content = path.read_bytes()
        for word in (*kinds, "drift", "previz", "Maya", "de00", "truth"):
            assert word.encode() not in content
        with av.open(str(path)) as box:
            tags = dict(box.metadata) | dict(box.streams.video[0].metadata)
            assert not any("time" in key or "date" in key for key in tags)
    write_truth(truth, tmp_path / "truth.json")
    assert '"wardrobe"' in (tmp_path / "truth.json").read_text(encoding="utf-8")


def test_workers_give_the_same_files(tmp_path: Path) -> None:
    """Two processes write what one writes."""
    specs, _ = sequence(3, 1, scenes=1, frames=2, size=(160, 90))
    alone = write_sequence(specs, tmp_path / "one", workers=1)
    shared = write_sequence(specs, tmp_path / "two", workers=2)
    assert [p.read_bytes() for p in alone] == [p.read_bytes() for p in shared]


@pytest.mark.parametrize("size", [3.0, 8.0, 15.0])
def test_wardrobe_moves_the_garment_by_what_was_asked(size: float) -> None:
    """Exact on the base colour, within 1 dE00 on lit pixels, and nothing else changes."""
    before = shot(light=LightSpec(fill=1.0))
    after = apply(before, Drift("wardrobe", size, "de00", person="Maya"))
    old, new = (colour.to_lab(colour.colour_of(s.people[0].wardrobe["jacket"]))
                for s in (before, after))  # fmt: skip
    assert colour.de00(old, new) == pytest.approx(size, abs=0.01)
    one, two = first(before), first(after)
    touched = np.abs(one.astype(int) - two).max(axis=2) > 0
    assert 0.02 < touched.mean() < 0.6
    for view in (before, after):
        assert dataclasses.replace(view, people=()) == dataclasses.replace(before, people=())
    # A garment reflects its colour times the light: the ratio of the two pictures is that of the
    # two colours, so the lit difference is the asked one once the light is divided out.
    base, moved = (colour.to_linear(colour.colour_of(s.people[0].wardrobe["jacket"]))
                   for s in (before, after))  # fmt: skip
    core = cv2.erode(touched.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    lit_one = np.median(linear(one)[core], axis=0)
    lit_two = np.median(linear(two)[core], axis=0)
    seen = colour.from_linear(base * lit_two / lit_one)
    assert colour.de00(colour.to_lab(colour.from_linear(base)), colour.to_lab(seen)) == (
        pytest.approx(size, abs=1.0)
    )
    assert colour.de00(new, colour.to_lab(colour.from_linear(moved))) < 0.01


def test_mirror_is_the_flipped_frame() -> None:
    """Before grain, a flopped shot is the shot flipped."""
    assert np.array_equal(first(planted("mirror", 1)), first(shot())[:, ::-1])


def test_level_is_given_in_stops() -> None:
    """Half a stop down is 0.707 times the light on the key side."""
    dark = LightSpec(lamps_stops=-8, level_stops=-1)
    one, two = first(shot(light=dark)), first(planted("lighting_level", -0.5, light=dark))
    both = (one.min(axis=2) > 40) & (one.max(axis=2) < 200)
    ratio = np.median(linear(two)[both] / linear(one)[both])
    assert ratio == pytest.approx(2**-0.5, rel=0.03)


def test_colour_temperature_warms_and_keeps_level() -> None:
    """More mired is redder; luminance of a neutral stays."""
    warm, cold = first(planted("lighting_cct", 60)), first(planted("lighting_cct", -60))
    assert warm[..., 0].mean() > cold[..., 0].mean() + 8
    assert warm[..., 2].mean() < cold[..., 2].mean() - 8
    tinted = colour.tint(colour.shift_mired(5000, 60), 5000)
    assert float(tinted @ [0.2126729, 0.7151522, 0.0721750]) == pytest.approx(1.0)


def test_key_side_flips_on_the_face() -> None:
    """What was the bright half of the head becomes the dark one."""

    def tilt(spec: ShotSpec) -> float:
        scene = Scene(spec)
        head = scene.actors[0].heads[0]
        luma = head.picture.mean(axis=2)
        half = luma.shape[1] // 2
        return float(luma[:, :half].sum() - luma[:, half:].sum())

    base = shot()
    assert tilt(base) * tilt(apply(base, Drift("key_side", 1, "flip"))) < 0


def test_horizon_rolls_and_height_shifts() -> None:
    """A roll is a turn of the whole picture; height changes only the camera."""
    base = shot(people=())
    rolled = apply(base, Drift("horizon", 3.0, "deg"))
    assert dataclasses.replace(rolled, camera=base.camera) == base
    assert rolled.camera.roll_deg == 3.0
    turn = cv2.getRotationMatrix2D((SMALL[0] / 2 - 0.5, SMALL[1] / 2 - 0.5), -3.0, 1.0)
    turned = cv2.warpAffine(first(base), turn, SMALL)
    middle = (slice(40, 140), slice(60, 260))
    off = np.abs(turned[middle].astype(int) - first(rolled)[middle]).mean()
    assert off < 3.0
    higher = apply(base, Drift("camera_height", 0.3, "m"))
    assert higher.camera.height_m == pytest.approx(base.camera.height_m + 0.3)
    assert dataclasses.replace(higher, camera=base.camera) == base


def test_set_layout_moves_the_most_prominent_thing() -> None:
    """One named thing moved by the asked distance, or gone; the picture shows it."""
    base = shot(people=())
    name = next(n for n, share in drift.prominent(base) if share < 0.35)
    moved = apply(base, Drift("set_layout", 0.6, "m"))
    (change,) = moved.place.changes
    assert change.name == name
    assert np.hypot(change.dx_m, change.dy_m) == pytest.approx(0.6, abs=1e-3)
    assert np.abs(first(base).astype(int) - first(moved)).max() > 20
    gone = apply(base, Drift("set_layout", 0.0, "m"))
    assert all(box.name != name for box in build(gone.place).boxes)
    assert len(build(moved.place).boxes) == len(build(base.place).boxes)


def test_identity_keeps_name_and_clothes() -> None:
    """Another face under the same name."""
    base = shot()
    other = apply(base, Drift("identity", 1, "person")).people[0]
    assert (other.name, other.wardrobe) == ("Maya", base.people[0].wardrobe)
    assert other.seed != base.people[0].seed


def test_grade_moves_the_whole_picture_and_nothing_in_the_world() -> None:
    """One step: warmer, denser, less saturated; zero steps: the same."""
    base = shot()
    assert dataclasses.replace(planted("grade", 1.0), grade=GradeSpec()) == base
    assert np.array_equal(first(planted("grade", 0.0)), first(base))
    moved = np.abs(first(planted("grade", 1.0)).astype(int) - first(base)).max(axis=2)
    assert (moved > 1).mean() > 0.9


@pytest.mark.parametrize("size", [-9.0, 6.0])
def test_loudness_moves_by_the_asked_lu_and_nothing_else(size: float) -> None:
    """The same sound, louder or softer."""
    base = shot(frames=24, sound=SoundSpec("vent", 2, -36, voice=True, footsteps=True))
    one, two = audio(base), audio(apply(base, Drift("loudness", size, "lu")))
    assert soundtrack.loudness(two) - soundtrack.loudness(one) == pytest.approx(size, abs=0.1)
    assert np.corrcoef(one, two)[0, 1] > 0.999
    assert soundtrack.loudness(one) == pytest.approx(-36, abs=0.1)
    assert np.array_equal(first(base), first(apply(base, Drift("loudness", size, "lu"))))


def test_room_tone_changes_the_spectrum_at_the_same_loudness() -> None:
    """Another tone, as loud as before."""

    def bands(sound: NDArray[np.float32]) -> NDArray[np.float64]:
        power = np.abs(np.fft.rfft(sound)) ** 2
        hertz = np.fft.rfftfreq(len(sound), 1 / 48_000)
        edges = [30, 120, 500, 2000, 8000]
        return np.array([10 * np.log10(power[(hertz >= a) & (hertz < b)].mean())
                         for a, b in itertools.pairwise(edges)])  # fmt: skip

    base = shot(frames=24)
    one, two = audio(base), audio(apply(base, Drift("room_tone", 1, "kind")))
    assert soundtrack.loudness(one) == pytest.approx(soundtrack.loudness(two), abs=0.1)
    change = bands(one) - bands(two)
    assert np.ptp(change) > 6
    again = audio(dataclasses.replace(base, seed=99))
    assert np.ptp(bands(one) - bands(again)) < 3


@pytest.mark.parametrize(
    ("unit", "size"), [("de00", 12.0), ("stops", -0.8), ("mired", 50.0), ("step", 1.5)]
)
def test_in_shot_starts_clean_and_ends_drifted(unit: str, size: float) -> None:
    """The first frame is the clean shot, the last the drifted one."""
    base = shot()
    ramp = apply(base, Drift("in_shot", size, unit))
    pictures, clean = list(clean_frames(ramp)), list(clean_frames(base))
    end = list(clean_frames(drift.ramped(ramp)))
    assert np.array_equal(pictures[0], clean[0])
    assert np.array_equal(pictures[-1], end[-1])
    assert not np.array_equal(pictures[-1], clean[-1])


def test_specs_go_to_json_and_back() -> None:
    """Every spec of a sequence with all drifts comes back equal and draws the same."""
    specs, truth = sequence(20, 2, drifts=list(UNITS), seed=3, frames=2, size=SMALL)
    assert {d.kind for d in truth.drifts} == set(UNITS)
    assert len({d.shot for d in truth.drifts}) == len(UNITS)
    for spec in specs:
        assert ShotSpec.from_json(spec.to_json()) == spec
    again, _ = sequence(20, 2, drifts=list(UNITS), seed=3, frames=2, size=SMALL)
    assert again == specs
    clean, _ = sequence(20, 2, seed=3, frames=2, size=SMALL)
    changed = [i for i in range(20) if clean[i] != specs[i]]
    assert changed == [d.shot for d in truth.drifts]


def test_a_hundred_views_of_one_empty_place() -> None:
    """400 shots over 100 set-ups, each recurring, none looking at a wall from close by."""
    specs, truth = sequence(400, 0, setups=100, scenes=1, seed=1, frames=2)
    counts = np.bincount([fact.setup for fact in truth.shots])
    assert len(counts) == 100
    assert counts.min() == counts.max() == 4
    assert len({spec.place for spec in specs}) == 1
    by_setup = {fact.setup: specs[fact.shot].camera for fact in truth.shots}
    places = {(round(c.x_m, 1), round(c.y_m, 1), round(c.pan_deg)) for c in by_setup.values()}
    assert len(places) > 95


def test_scenes_without_people_share_the_place_and_its_views() -> None:
    """Several times of day in one place: the light changes, the place does not."""
    specs, _ = sequence(8, 0, setups=4, scenes=2, seed=1, frames=2)
    assert len({spec.place for spec in specs}) == 1
    assert len({round(spec.light.azimuth_deg, 3) for spec in specs}) == 2


def test_near_boxes_are_drawn_after_the_boxes_they_hide() -> None:
    """A box between the eye and another comes later."""
    low = np.array([[0, 1, 0], [0, 3, 0], [0, 5, 0]], float)
    high = low + 1
    assert draw_order(low, high, np.array([0.5, -2, 0.5])) == [2, 1, 0]
    assert draw_order(low, high, np.array([0.5, 9, 0.5])) == [0, 1, 2]


def test_the_camera_sees_the_world_the_right_way_round() -> None:
    """Right is right, up is up, and a pan to the right moves things left."""
    view = plate_view(shot(), 1.0)
    x, y = build(shot().place).stage
    points = np.array([[x, y, 1.4], [x + 0.5, y, 1.4], [x, y, 1.9]])
    middle, right, up = view.project(points)
    assert right[0] > middle[0]
    assert up[1] < middle[1]
    turned = plate_view(shot(camera=dataclasses.replace(shot().camera, pan_deg=5.0)), 1.0)
    assert turned.project(points)[0][0] < middle[0]


def test_a_face_detector_finds_a_frontal_face() -> None:
    """OpenCV's own cascade fires on most frontal faces of 70 px."""
    # Seeds are fixed: the share is what the renderer gives, not luck.
    folder = Path(cv2.__file__).parent / "data"
    cascade = cv2.CascadeClassifier(str(folder / "haarcascade_frontalface_alt2.xml"))
    found = 0
    for seed in range(8):
        person = dataclasses.replace(shot().people[0], seed=seed)
        spec = shot(people=(person,), size=(640, 360), frames=1,
                    camera=dataclasses.replace(shot().camera, lens_mm=50))  # fmt: skip
        grey = cv2.cvtColor(next(iter(frames(spec))), cv2.COLOR_RGB2GRAY)
        found += len(cascade.detectMultiScale(grey, 1.1, 3)) > 0
    assert found >= 6


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: ShotSpec(frames=0), "frames"),
        (lambda: ShotSpec(size=(641, 360)), "even"),
        (lambda: ShotSpec(size=(4000, 2000)), "1920"),
        (lambda: CameraSpec(lens_mm=3), "lens_mm"),
        (lambda: CameraSpec(move="dolly"), "static"),  # type: ignore[arg-type]
        (lambda: LightSpec(cct_k=float("nan")), "cct_k"),
        (lambda: PersonSpec("Maya", wardrobe={"jacket": "mauvish"}), "mauvish"),
        (lambda: PersonSpec("Maya", wardrobe={"cape": "red"}), "jacket"),
        (lambda: PersonSpec(""), "name"),
        (lambda: ShotSpec(people=(PersonSpec("A"), PersonSpec("A"))), "same name"),
        (lambda: GradeSpec(slope=(1.0, 1.0)), "three"),  # type: ignore[arg-type]
        (lambda: Drift("weather", 1, "mm"), "wardrobe"),  # type: ignore[arg-type]
        (lambda: Drift("wardrobe", 1, "stops"), "de00"),
        (lambda: apply(ShotSpec(), Drift("wardrobe", 5, "de00")), "does not show"),
        (lambda: planted("wardrobe", 300.0), "gamut"),
        (lambda: ShotSpec.from_json('{"fps": 3}'), "fps"),
        (lambda: ShotSpec.from_json("{"), "JSON"),
        (lambda: ShotSpec.from_json('{"frames": "many"}'), "int"),
        (lambda: sequence(0), "shots"),
        (lambda: sequence(3, drifts=["weather"]), "weather"),
        (lambda: sequence(2, drifts=5), "No shot is left"),
        (lambda: render(shot(), "x.mp4", crf=20, bit_rate=9), "either"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_sentence(make: object, word: str) -> None:
    """The message names what is wrong."""
    with pytest.raises(UsageError) as caught:
        make()  # type: ignore[operator]
    text = str(caught.value)
    assert word in text
    assert "\n" not in text


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Shots in one place, truth in another, and not inside."""
    common = ["--out", str(tmp_path / "out"), "--shots", "3", "--scenes", "1", "--drifts", "1",
              "--frames", "2", "--size", "160x90"]  # fmt: skip
    assert previz.main([*common, "--truth", str(tmp_path / "truth.json")]) == 0
    assert len(list((tmp_path / "out").iterdir())) == 3
    assert previz.main([*common, "--truth", str(tmp_path / "out" / "truth.json")]) == 2
    assert "beside" in capsys.readouterr().err


def test_speed_is_printed(tmp_path: Path) -> None:
    """Not asserted: machines differ."""
    specs, _ = sequence(3, 2, scenes=1, seed=4)
    render(specs[0], tmp_path / "warm.mp4")
    start = time.process_time()
    for spec in specs[1:]:
        render(spec, tmp_path / "x.mp4")
    spent_s = time.process_time() - start
    print(f"{sum(s.frames for s in specs[1:]) / spent_s:.0f} frames a second of processor time")
