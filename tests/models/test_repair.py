"""Repairs on pixels and samples: what changes, what does not, and what cannot be repaired."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from filmgate.continuity import cdl as fits
from filmgate.errors import CannotExpress
from filmgate.models import repair
from filmgate.schema.report import CDL

SIZE, FRAMES, RATE = (96, 64), 12, 24
BT709 = repair.Coding(1, False)


def clip(path: Path, sound: float | None = 0.1, pix_fmt: str = "yuv420p") -> Path:
    """A clip with a bright left third and a dark red rest; `sound`: amplitude of a tone."""
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    picture[:] = (120, 60, 50)
    picture[:, : SIZE[0] // 3] = (220, 210, 190)
    with av.open(str(path), "w") as box:
        video = box.add_stream("libx264", rate=RATE, options={"crf": "8"})
        video.width, video.height, video.pix_fmt = *SIZE, pix_fmt
        context = video.codec_context
        context.color_primaries = context.color_trc = context.colorspace = 1
        context.color_range = 1
        audio = box.add_stream("aac", rate=48000, layout="mono") if sound is not None else None
        for index in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            new = frame.reformat(format=pix_fmt, dst_colorspace=1, dst_color_range=1)
            new.pts = index
            box.mux(video.encode(new))
        box.mux(video.encode(None))
        if audio is not None:
            time = np.arange(24000) / 48000
            tone = (np.sin(2 * np.pi * 440 * time) * sound).astype(np.float32)
            for start in range(0, len(tone), 1024):
                piece = av.AudioFrame.from_ndarray(
                    tone[None, start : start + 1024], format="fltp", layout="mono"
                )
                piece.sample_rate, piece.pts = 48000, start
                box.mux(audio.encode(piece))
            box.mux(audio.encode(None))
    return path


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as box:
        frames = [
            f.to_ndarray(format="rgb24", src_colorspace=1, src_color_range=1)
            for f in box.decode(video=0)
        ]
    return np.array(frames).astype(float)


def sound(path: Path) -> np.ndarray:
    with av.open(str(path)) as box:
        return np.concatenate([f.to_ndarray().reshape(-1) for f in box.decode(audio=0)])


def test_a_grade_moves_every_picture_as_the_cdl_says(tmp_path: Path) -> None:
    source, target = clip(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    cdl = CDL((0.8, 0.9, 1.1), (0.02, 0.0, -0.01), (1.0, 1.1, 0.9), 0.8)
    repair.grade(source, target, cdl, BT709)
    wanted = fits.apply(cdl, pictures(source)[0] / 255) * 255
    got = pictures(target)
    assert len(got) == FRAMES
    inside = np.r_[4:28, 40:92]  # away from the edge, where chroma is shared
    assert np.abs(got[5][:, inside] - wanted[:, inside]).mean() < 2.0
    assert np.allclose(sound(source), sound(target))


def test_a_grade_and_its_inverse_bring_the_picture_back(tmp_path: Path) -> None:
    source, there, back = clip(tmp_path / "a.mp4"), tmp_path / "b.mp4", tmp_path / "c.mp4"
    repair.grade(source, there, CDL((0.8,) * 3, (0.0,) * 3, (1.0,) * 3), BT709)
    repair.grade(there, back, CDL((1.25,) * 3, (0.0,) * 3, (1.0,) * 3), BT709)
    assert np.abs(pictures(back) - pictures(source)).mean() < 4.0  # two generations of H.264


def test_a_flop_mirrors_and_a_second_one_undoes_it(tmp_path: Path) -> None:
    source, once, twice = clip(tmp_path / "a.mp4"), tmp_path / "b.mp4", tmp_path / "c.mp4"
    repair.flop(source, once)
    repair.flop(once, twice)
    assert np.abs(pictures(once)[:, :, ::-1] - pictures(source)).mean() < 2.0
    assert np.abs(pictures(twice) - pictures(source)).mean() < 2.0
    assert len(sound(once)) == len(sound(source))


def test_a_gain_changes_the_sound_and_copies_the_picture(tmp_path: Path) -> None:
    source, target = clip(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    repair.gain(source, target, 6.0)
    ratio = np.sqrt(
        (sound(target)[4000:20000] ** 2).mean() / (sound(source)[4000:20000] ** 2).mean()
    )
    assert 20 * np.log10(ratio) == pytest.approx(6.0, abs=0.3)
    assert np.array_equal(pictures(target), pictures(source))


def test_the_source_is_never_touched(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4")
    before = source.read_bytes()
    repair.flop(source, tmp_path / "b.mp4")
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda a, b: repair.gain(clip(a, sound=None), b, 3.0), "no sound"),
        (lambda a, b: repair.gain(clip(a, sound=0.8), b, 12.0), "would clip"),
        (lambda a, b: repair.flop(clip(a, pix_fmt="yuv420p10le"), b), "8-bit"),
        (lambda a, b: repair.grade(clip(a, pix_fmt="yuv420p10le"), b,
                                   CDL((1.0,) * 3, (0.0,) * 3, (1.0,) * 3), BT709), "8-bit"),
    ],
)  # fmt: skip
def test_what_cannot_be_repaired_says_so_and_leaves_nothing(
    tmp_path: Path, make: object, sentence: str
) -> None:
    target = tmp_path / "b.mp4"
    with pytest.raises(CannotExpress, match=sentence):
        make(tmp_path / "a.mp4", target)  # type: ignore[operator]
    assert not target.exists()


def test_a_text_is_no_take(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_text("no film")
    with pytest.raises(CannotExpress, match="cannot be repaired"):
        repair.flop(path, tmp_path / "b.mp4")
