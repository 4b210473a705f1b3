"""Frame n shown is frame n of the file; numbers of frames as the trade counts them."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from filmgate.errors import MeasurementError, UsageError
from filmgate.review.desk import clips, scopes, stills
from filmgate.review.desk.clips import Count, clip, count_of, steady
from filmgate.review.desk.stills import Stills
from tests.measure import media
from tests.review import numbered

FRAMES = 220


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("numbered")
    for name, rate in numbered.RATES.items():
        numbered.write(made / f"{name}.mp4", rate, FRAMES)
    return made


@pytest.mark.parametrize("rate", numbered.RATES)
def test_a_hundred_frames_at_random_are_the_frames_asked_for(folder: Path, rate: str) -> None:
    """25 of each of four rates, one long group of pictures with B-frames: the hardest to seek."""
    file, found = folder / f"{rate}.mp4", Stills()
    rng = random.Random(rate)
    wanted = [0, FRAMES - 1, *(rng.randrange(FRAMES) for _ in range(23))]
    assert [numbered.read(found.frame(file, n)) for n in wanted] == wanted


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("short_gop.mp4", {"gop": 12}),
        ("keys.mp4", {"gop": 1}),
        ("open_gop.mp4", {"gop": 24, "options": {"x264-params": "open-gop=1:bframes=3"}}),
        ("pyramid.mkv", {"options": {"x264-params": "b-pyramid=strict:bframes=5"}}),
        ("plain.avi", {"codec": "mpeg4"}),
        ("vp9.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}}),
        ("stutter.mkv", {"times": [2 * n + (n % 5 == 0) for n in range(60)]}),
    ],
)
def test_in_other_files_too(tmp_path: Path, name: str, more: dict[str, object]) -> None:
    file = numbered.write(tmp_path / name, Fraction(24), 60, **more)
    found = Stills()
    order = [*range(0, 60, 7), 59, 1, 58, 30]
    assert [numbered.read(found.frame(file, n)) for n in order] == order


def test_stepping_decodes_once_for_several_frames(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    decoded = stills.decoded
    monkeypatch.setattr(stills, "decoded", lambda *a: calls.append(a) or decoded(*a))
    found = Stills()
    for n in range(40, 40 + stills.WINDOW):
        found.frame(folder / "24.mp4", n)
    assert len(calls) == 1


def test_what_is_kept_has_a_limit(folder: Path) -> None:
    one = numbered.WIDTH * numbered.HEIGHT * 3
    found = Stills(kept_bytes=one * 10)
    for n in range(0, 160, 8):
        assert numbered.read(found.frame(folder / "24.mp4", n)) == n
    assert len(found._kept) <= 10
    assert found._held == sum(p.nbytes for p in found._kept.values())


@pytest.mark.parametrize("number", [-1, FRAMES, 10**9])
def test_a_frame_that_is_not_there_is_told(folder: Path, number: int) -> None:
    with pytest.raises(MeasurementError, match="no frame"):
        Stills().frame(folder / "24.mp4", number)


def test_colours_are_those_that_are_measured(tmp_path: Path) -> None:
    """A frame for the eye and one for measuring come from two decoders of ours; they agree."""
    from filmgate.measure import stills as measured

    for tags in ((1, 1, 1, 1), (5, 6, 6, 1), (1, 1, 1, 2)):
        file = media.write(
            tmp_path / f"{tags[0]}{tags[3]}.mp4", [media.picture(320, 180)] * 3, tags=tags
        )
        seen = Stills().frame(file, 1).astype(float)
        expected = measured.frames(str(file), [1], 360)[1].astype(float)
        assert seen.shape == expected.shape
        # Both are within 1 level today; chroma is enlarged by another filter.
        assert np.abs(seen - expected).mean() < 1.5


def test_a_turned_picture_stands_upright(tmp_path: Path) -> None:
    frames = media.moving(3, 160, 90)
    file = media.write(tmp_path / "turned.mp4", frames, rotation=90)
    assert Stills().frame(file, 0).shape == (160, 90, 3)
    assert (clip(file).width, clip(file).height) == (90, 160)


def test_wide_pixels_are_shown_square(tmp_path: Path) -> None:
    file = media.write(tmp_path / "wide.mp4", media.moving(3, 160, 90), pixel_aspect=Fraction(4, 3))
    assert Stills().frame(file, 0).shape == (90, 213, 3)
    assert Stills().frame(file, 0, height_px=45).shape == (45, 106, 3)


# --- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", numbered.RATES)
def test_the_frame_table_of_each_rate(folder: Path, rate: str) -> None:
    found = clip(folder / f"{rate}.mp4")
    plain = found.plain("d")
    assert (plain["frames"], plain["rate"]) == (FRAMES, str(numbered.RATES[rate]))
    assert (plain["constant"], plain["times_s"], plain["start_s"]) == (True, None, 0.0)
    assert plain["drop"] is (rate == "29.97")
    rows = found.table(0, 10**9)
    assert [row["frame"] for row in rows] == list(range(FRAMES))
    assert rows[100]["display"] == 1101
    assert rows[100]["time_s"] == pytest.approx(float(100 / numbered.RATES[rate]), abs=1e-6)


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        # Computed by hand from ST 12-1: 00 and 01 of each minute but every tenth are left out.
        (0, "00:00:00;00"), (1799, "00:00:59;29"), (1800, "00:01:00;02"), (3597, "00:01:59;29"),
        (3598, "00:02:00;02"), (17981, "00:09:59;29"), (17982, "00:10:00;00"),
        (17983, "00:10:00;01"), (19781, "00:10:59;29"), (19782, "00:11:00;02"),
        (107892, "01:00:00;00"), (2589408, "00:00:00;00"),
    ],
)  # fmt: skip
def test_drop_frame_timecode(frame: int, expected: str) -> None:
    assert Count(Fraction(30000, 1001), True).timecode(frame) == expected


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(60000, 1001)])
def test_drop_frame_keeps_up_with_the_clock_and_skips_only_what_it_may(rate: Fraction) -> None:
    count = Count(rate, True)
    per_s, leaves = count.nominal, 2 * count.nominal // 30
    seen: list[tuple[int, int, int]] = []
    for frame in range(12 * 60 * per_s):
        hours, minutes, rest = count.timecode(frame).split(":")
        seconds, number = (int(v) for v in rest.split(";"))
        seen.append((int(hours) * 60 + int(minutes), seconds, number))
    assert seen == sorted(set(seen)), "it runs forward and says nothing twice"
    every = {
        (m, s, f) for m in range(13) for s in range(60) for f in range(per_s)
        if not (s == 0 and f < leaves and m % 10)
    }  # fmt: skip
    assert {t for t in every if t <= seen[-1]} == set(seen)
    ten = 10 * 60 * rate
    assert count.timecode(round(ten)).startswith("00:10:00;0")


@pytest.mark.parametrize(
    ("rate", "tagged", "drop", "first"),
    [
        (Fraction(24), None, False, "00:00:00:00"),
        (Fraction(24000, 1001), None, False, "00:00:00:00"),
        (Fraction(30000, 1001), None, True, "00:00:00;00"),
        (Fraction(60000, 1001), None, True, "00:00:00;00"),
        (Fraction(30000, 1001), "01:00:00:00", False, "01:00:00:00"),
        (Fraction(30000, 1001), "01:00:00;00", True, "01:00:00;00"),
        (Fraction(30000, 1001), "00:01:00;02", True, "00:01:00;02"),
        (Fraction(25), "10:00:00:12", False, "10:00:00:12"),
        (Fraction(24), "23:59:59:23", False, "23:59:59:23"),
        (Fraction(24), "rubbish", False, "00:00:00:00"),
    ],
)
def test_where_timecode_starts(rate: Fraction, tagged: str | None, drop: bool, first: str) -> None:
    count = count_of(rate, tagged)
    assert (count.drop, count.timecode(0)) == (drop, first)


def test_timecode_of_the_file_itself(tmp_path: Path) -> None:
    rate = Fraction(30000, 1001)
    file = numbered.write(tmp_path / "tc.mov", rate, 8, timecode="01:00:59;28")
    rows = clip(file).table(0, 3)
    assert [r["timecode"] for r in rows] == [
        "01:00:59;28", "01:00:59;29", "01:01:00;02", "01:01:00;03",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("measured", "meant"),
    [
        (Fraction(24000, 1001), Fraction(24000, 1001)),
        (Fraction(2997, 100), Fraction(30000, 1001)),
        (Fraction(23976, 1000), Fraction(24000, 1001)), (Fraction(24), Fraction(24)),
        (Fraction(25), Fraction(25)), (Fraction(15), Fraction(15)),
        (Fraction(23990, 1000), Fraction(23990, 1000)),
    ],
)  # fmt: skip
def test_a_rounded_rate_is_the_one_that_is_meant(measured: Fraction, meant: Fraction) -> None:
    assert steady(measured) == meant


def test_uneven_times_are_told_one_by_one(tmp_path: Path) -> None:
    times = [2 * n + (n % 5 == 0) for n in range(30)]
    found = clip(numbered.write(tmp_path / "uneven.mkv", Fraction(24), 30, times=times))
    assert found.times_s is not None
    assert found.time_s(7) == pytest.approx((times[7] - times[0]) / 24, abs=0.002)


def test_sound_that_starts_first_moves_the_picture(tmp_path: Path) -> None:
    import av

    file = tmp_path / "late.mkv"
    with av.open(str(file), "w") as out:
        video = out.add_stream("libx264", rate=24)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        video.codec_context.options = {"bf": "0"}
        audio = out.add_stream("pcm_s16le", rate=48000, layout="mono")
        block = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), "s16", "mono")
        block.sample_rate, block.pts, block.time_base = 48000, 0, Fraction(1, 48000)
        out.mux(audio.encode(block))
        for n in range(24):
            frame = av.VideoFrame.from_ndarray(numbered.picture(n), format="rgb24")
            frame.pts, frame.time_base = n + 12, Fraction(1, 24)
            out.mux(video.encode(frame))
        out.mux(video.encode())
        out.mux(audio.encode())
    assert clip(file).start_s == pytest.approx(0.5, abs=0.002)
    assert numbered.read(Stills().frame(file, 5)) == 5


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    (tmp_path / "x.mp4").write_bytes(b"not a film")
    with pytest.raises(MeasurementError):
        clip(tmp_path / "x.mp4")
    plain = clips.unreadable("d", "why")
    assert (plain["frames"], plain["reason"]) == (0, "why")


# --- scopes --------------------------------------------------------------------------------------


def test_a_histogram_counts_every_pixel_once() -> None:
    image = np.random.default_rng(1).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    found = scopes.histogram(image)
    for channel, name in enumerate(("red", "green", "blue")):
        assert sum(found[name]) == found["pixels"] == 2400
        value = int(image[3, 4, channel])
        assert found[name][value] == (image[:, :, channel] == value).sum()
    assert found["mean"][0] == pytest.approx(image[:, :, 0].mean() / 255, abs=1e-6)
    assert found["clipped"]["high"] == pytest.approx((image == 255).any(2).mean(), abs=1e-6)


@pytest.mark.parametrize("width", [100, 512, 1920])
def test_a_waveform_has_each_column_at_its_level(width: int) -> None:
    image = np.zeros((20, width, 3), np.uint8)
    image[:, : width // 2], image[:, width // 2 :] = 60, 200
    trace = scopes.trace(scopes.luma(image), scopes.WIDTH)
    assert trace.shape == (256, 512)
    np.testing.assert_allclose(trace.sum(axis=0), 20.0)
    assert (trace[255 - 60, :250] > 0).all()
    assert (trace[255 - 200, 262:] > 0).all()
    assert trace[255 - 60, 262:].sum() == 0


def test_a_vectorscope_puts_bars_into_their_boxes() -> None:
    for colour in scopes.TARGETS.values():
        image = np.full((10, 10, 3), colour, np.uint8)
        cb, cr = scopes.chroma(image)
        drawn = scopes.vectorscope(image)
        assert drawn[127 - cr[0], cb[0] + 128].max() == 255
        assert drawn.shape == (256, 256, 3)
    grey_cb, grey_cr = scopes.chroma(np.full((1, 1, 3), 128, np.uint8))
    assert (grey_cb[0], grey_cr[0]) == (0, 0)
    red_cb, red_cr = scopes.chroma(np.array([[[255, 0, 0]]], np.uint8))
    assert (red_cb[0], red_cr[0]) == (-29, 127), "BT.709: Cb -0.1146, Cr 0.5"


def test_every_scope_can_be_drawn_of_every_region() -> None:
    image = media.picture(320, 180)
    for kind in scopes.DRAWN:
        for box in (None, (0.1, 0.2, 0.3, 0.4), (0.99, 0.99, 0.01, 0.01), (0.0, 0.0, 1.0, 1.0)):
            drawn = scopes.draw(kind, scopes.cut(image, box))
            assert drawn.shape == (256, 256 if kind == "vectorscope" else 512, 3)
            assert drawn.max() > 100
    with pytest.raises(UsageError, match="no scope"):
        scopes.draw("nonsense", image)


def test_a_region_is_what_its_box_says() -> None:
    image = media.picture(200, 100)
    part = scopes.cut(image, (0.25, 0.5, 0.5, 0.25))
    np.testing.assert_array_equal(part, image[50:75, 50:150])
    assert scopes.cut(image, (1.0, 1.0, 0.0, 0.0)).shape == (1, 1, 3)
