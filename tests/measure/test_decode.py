"""Sampling a shot: the right frames, exactly; every odd file in one sentence."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from filmgate.errors import MeasurementError
from filmgate.measure.decode import sample
from filmgate.measure.probe import probe

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import media


@pytest.mark.parametrize("gop", [6, 12, 250])
@pytest.mark.parametrize("preset", ["ultrafast", "medium"])
def test_frames_are_exact_and_reach_both_ends(tmp_path: Path, gop: int, preset: str) -> None:
    path = media.write(
        tmp_path / "a.mp4", media.moving(60), gop=gop, options={"preset": preset}, sound_s=2.5
    )
    got = sample(path)
    numbers = [frame.index for frame in got.frames]
    assert numbers[0] == 0
    assert numbers[-1] == 59
    assert numbers[1] <= 6
    assert numbers[-2] >= 54
    assert 6 <= len(numbers) <= 9
    assert [media.bar(frame.rgb) for frame in got.frames] == numbers
    assert got.frames[-1].time_s == pytest.approx(59 / 24)
    assert got.rate == 24
    assert got.sound is not None
    assert got.sound.samples.shape == (120_000, 2)
    everything = sample(path, count=60)
    assert [frame.index for frame in everything.frames] == list(range(60))
    whole = {frame.index: frame.rgb for frame in everything.frames}
    for frame in got.frames:  # skipping pictures must not change the ones kept
        np.testing.assert_array_equal(frame.rgb, whole[frame.index])


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(("start", "stop"), [(0, 5), (17, 44), (31, 60), (59, 60)])
def test_a_range_of_a_reel(tmp_path: Path, start: int, stop: int, known: bool) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(60), gop=10, sound_s=2.5)
    got = sample(path, start, stop, known=probe(path) if known else None)
    numbers = [frame.index for frame in got.frames]
    assert (numbers[0], numbers[-1]) == (start, stop - 1)
    assert [media.bar(frame.rgb) for frame in got.frames] == numbers
    assert got.sound is not None
    assert len(got.sound.samples) == (stop - start) * 2000


def test_sound_is_aligned_to_the_range(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(48), sound_s=2.0)
    whole, part = sample(path).sound, sample(path, 24, 48).sound
    assert whole is not None
    assert part is not None
    mid = slice(4_000, 40_000)
    np.testing.assert_allclose(part.samples[mid], whole.samples[48_000:][mid], atol=0.02)


def test_bad_ranges_are_told(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(12))
    with pytest.raises(MeasurementError, match="holds 12 frames"):
        sample(path, 0, 13)
    with pytest.raises(MeasurementError, match="not a range"):
        sample(path, 5, 5)


def test_one_frame_and_no_sound(tmp_path: Path) -> None:
    got = sample(media.write(tmp_path / "a.mp4", media.moving(1)))
    assert [frame.index for frame in got.frames] == [0]
    assert (got.sound, got.sound_note) == (None, "no sound")


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_a_still_is_a_shot_of_one_frame(tmp_path: Path, ending: str) -> None:
    rgb = media.picture(321, 181)
    path = tmp_path / f"still.{ending}"
    cv2.imwrite(str(path), rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
    got = sample(path)
    assert (len(got.frames), got.out_frame, got.sound) == (1, 1, None)
    assert np.abs(got.frames[0].rgb.astype(int) - rgb).mean() < 2
    assert probe(path).still


def test_transparency_lies_over_black(tmp_path: Path) -> None:
    rgba = np.dstack([media.picture(64, 36), np.full((36, 64), 128, np.uint8)])
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), rgba[..., [2, 1, 0, 3]])
    got = sample(path)
    assert "transparency shown over black" in got.notes
    assert np.abs(got.frames[0].rgb - rgba[..., :3] * (128 / 255)).max() <= 1


def test_odd_sizes_turned_and_stretched(tmp_path: Path) -> None:
    odd = media.write(tmp_path / "odd.mkv", [media.picture(323, 181)], pix_fmt="yuv444p")
    assert sample(odd).frames[0].rgb.shape == (181, 323, 3)
    frame = media.picture(1280, 720)
    frame[:90, :90] = 255  # a mark in the top left corner
    turned = media.write(tmp_path / "turned.mp4", [frame], rotation=90)
    shape = sample(turned).frames[0].rgb
    found = probe(turned)
    assert (found.width, found.height, found.rotation) == (720, 1280, 90)
    assert shape.shape[:2] == (360, 202)
    corners = [shape[2, 2], shape[2, -3], shape[-3, 2], shape[-3, -3]]
    assert np.argmax([corner.min() for corner in corners]) == 2  # counter-clockwise: bottom left
    wide = media.write(tmp_path / "wide.mp4", [frame], pixel_aspect=Fraction(2))
    assert sample(wide).frames[0].rgb.shape[:2] == (360, 1280)
    assert probe(wide).width == 2560


def test_a_variable_rate_keeps_frame_numbers(tmp_path: Path) -> None:
    times = [index * 2 if index < 20 else 40 + (index - 20) * 7 for index in range(40)]
    path = media.write(tmp_path / "vfr.mkv", media.moving(40), fps=48, times=times, gop=8)
    got = sample(path, 3, 37)
    assert [media.bar(frame.rgb) for frame in got.frames] == [f.index for f in got.frames]
    assert got.frames[-1].time_s == pytest.approx(times[36] / 48, abs=0.002)


def test_hdr_and_interlace_are_noted(tmp_path: Path) -> None:
    frame = media.from_planes(media.coded(media.picture(), 9, False, 10), "yuv444p10le")
    hdr = media.write(tmp_path / "h.mp4", [frame], pix_fmt="yuv444p10le", tags=(9, 9, 16, 1))
    assert any("HDR (PQ)" in note for note in sample(hdr).notes)
    assert sample(hdr).frames[0].rgb.shape == (180, 320, 3)
    deep = np.dstack([media.picture(64, 36), np.full((36, 64), 255, np.uint8)])
    cv2.imwrite(str(tmp_path / "deep.png"), deep[..., [2, 1, 0, 3]].astype(np.uint16) * 257)
    np.testing.assert_array_equal(sample(tmp_path / "deep.png").frames[0].rgb, deep[..., :3])
    laced = media.write(
        tmp_path / "i.mp4", media.moving(12, 320, 192), options={"x264-params": "interlaced=1"}
    )
    got = sample(laced)
    assert any("interlaced" in note for note in got.notes)
    assert got.frames[0].rgb.shape == (192, 320, 3)


def test_a_file_cut_short_gives_what_it_has(tmp_path: Path) -> None:
    whole = media.write(
        tmp_path / "a.mp4", media.moving(60), gop=10, options={"crf": "4"}, sound_s=2.5
    )
    fast = tmp_path / "fast.mkv"
    media.remux(whole, fast)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(fast.read_bytes()[: fast.stat().st_size // 2])
    got = sample(cut)
    assert 10 < got.out_frame < 60
    assert [media.bar(frame.rgb) for frame in got.frames] == [f.index for f in got.frames]


def test_damage_in_the_middle_is_survived(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mkv", media.moving(60), gop=10, options={"crf": "4"})
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 3000] = bytes(3000)
    path.write_bytes(data)
    got = sample(path)
    assert len(got.frames) >= 2
    assert got.frames[0].index == 0


def broken_files(folder: Path) -> dict[str, Path]:
    """One file per way of not being a video, by what the message must say."""
    text = folder / "text.mp4"
    text.write_text("this is not a video\n" * 50)
    (folder / "notes.txt").write_text("scene one\n" * 50)
    (folder / "zero.mp4").touch()
    whole = media.write(folder / "whole.mp4", media.moving(12))
    cut = folder / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (folder / "noise.mkv").write_bytes(b"\x1aE\xdf\xa3" + bytes(range(256)) * 20)
    return {
        "does not exist": folder / "none.mp4",
        "is a folder": folder,
        "is empty": folder / "zero.mp4",
        "is cut short": cut,
        "is not a video or image file that": text,
        "is not a video or image file": folder / "notes.txt",
        "is damaged": folder / "noise.mkv",
        "has sound but no picture": media.tone_only(folder / "tone.m4a"),
    }


def test_every_broken_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    for words, path in broken_files(tmp_path).items():
        for read in (probe, sample):
            with pytest.raises(MeasurementError) as caught:
                read(path)
            message = str(caught.value)
            assert words in message
            assert "\n" not in message
            assert message.endswith(".")


def test_probe_says_what_is_there(tmp_path: Path) -> None:
    path = media.write(tmp_path / "a.mp4", media.moving(30), gop=10, tags=(1, 1, 1, 1), sound_s=1.0)
    found = probe(path)
    assert (found.codec, found.pix_fmt, found.bits) == ("h264", "yuv420p", 8)
    assert (found.width, found.height, found.frame_count) == (320, 180, 30)
    assert found.keyframes == (0, 10, 20)
    assert found.rate == 24
    assert found.has_sound
    assert found.duration_s == pytest.approx(30 / 24)
    assert (found.tags.matrix, found.tags.full_range) == (1, False)
    assert (found.interlaced, found.alpha, found.still, found.notes) == (False,) * 3 + ((),)


@pytest.mark.parametrize("codec", ["libvpx", "libvpx-vp9", "mpeg4", "mjpeg", "libsvtav1"])
def test_other_codecs(tmp_path: Path, codec: str) -> None:
    ending = "webm" if "vp" in codec else "mkv"
    pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    rate = {"b": "2000000"}
    path = media.write(
        tmp_path / f"a.{ending}",
        media.moving(30),
        codec=codec,
        pix_fmt=pix_fmt,
        options=rate,
        gop=8,
    )
    got = sample(path)
    assert (got.frames[0].index, got.frames[-1].index, got.out_frame) == (0, 29, 30)
    assert all(abs(media.bar(frame.rgb) - frame.index) <= 1 for frame in got.frames)
