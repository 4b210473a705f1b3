"""Colour maths against colour-science and the published CIEDE2000 pairs; coded video both ways."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from filmgate.errors import MeasurementError
from filmgate.measure import colour
from filmgate.measure.colour import ColourTags
from filmgate.measure.decode import sample

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import media

# Sharma, Wu, Dalal (2005), table 1: L a b, L a b, difference
SHARMA = np.loadtxt(
    """
50 2.6772 -79.7751 50 0 -82.7485 2.0425
50 3.1571 -77.2803 50 0 -82.7485 2.8615
50 2.8361 -74.0200 50 0 -82.7485 3.4412
50 -1.3802 -84.2814 50 0 -82.7485 1.0000
50 -1.1848 -84.8006 50 0 -82.7485 1.0000
50 -0.9009 -85.5211 50 0 -82.7485 1.0000
50 0 0 50 -1 2 2.3669
50 -1 2 50 0 0 2.3669
50 2.49 -0.001 50 -2.49 0.0009 7.1792
50 2.49 -0.001 50 -2.49 0.001 7.1792
50 2.49 -0.001 50 -2.49 0.0011 7.2195
50 2.49 -0.001 50 -2.49 0.0012 7.2195
50 -0.001 2.49 50 0.0009 -2.49 4.8045
50 -0.001 2.49 50 0.001 -2.49 4.8045
50 -0.001 2.49 50 0.0011 -2.49 4.7461
50 2.5 0 50 0 -2.5 4.3065
50 2.5 0 73 25 -18 27.1492
50 2.5 0 61 -5 29 22.8977
50 2.5 0 56 -27 -3 31.9030
50 2.5 0 58 24 15 19.4535
50 2.5 0 50 3.1736 0.5854 1.0000
50 2.5 0 50 3.2972 0 1.0000
50 2.5 0 50 1.8634 0.5757 1.0000
50 2.5 0 50 3.2592 0.3350 1.0000
60.2574 -34.0099 36.2677 60.4626 -34.1751 39.4387 1.2644
63.0109 -31.0961 -5.8663 62.8187 -29.7946 -4.0864 1.2630
61.2901 3.7196 -5.3901 61.4292 2.2480 -4.9620 1.8731
35.0831 -44.1164 3.7933 35.0232 -40.0716 1.5901 1.8645
22.7233 20.0904 -46.6940 23.0331 14.9730 -42.5619 2.0373
36.4612 47.8580 18.3852 36.2715 50.5065 21.2231 1.4146
90.8027 -2.0831 1.4410 91.1528 -1.6435 0.0447 1.4441
90.9257 -0.5406 -0.9208 88.6381 -0.8985 -0.7239 1.5381
6.7747 -0.2908 -2.4247 5.8714 -0.0985 -2.2286 0.6377
2.0776 0.0795 -1.1350 0.9033 -0.0636 -0.5514 0.9082
""".splitlines()
)


def test_ciede2000_gives_the_34_published_differences() -> None:
    got = colour.delta_e_2000(SHARMA[:, :3], SHARMA[:, 3:6])
    np.testing.assert_allclose(got, SHARMA[:, 6], atol=1e-4)
    np.testing.assert_allclose(colour.delta_e_2000(SHARMA[:, 3:6], SHARMA[:, :3]), got, atol=1e-9)
    single = colour.delta_e_2000(SHARMA[:, :3].astype("f4"), SHARMA[:, 3:6].astype("f4"))
    assert single.dtype == np.float32
    # pairs 9-16 sit on a hue discontinuity that float32 falls on either side of
    steady = np.r_[0:8, 16:34]
    np.testing.assert_allclose(single[steady], SHARMA[steady, 6], atol=2e-3)


def test_lab_and_light_agree_with_colour_science() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour as science
    rgb = np.random.default_rng(0).random((500, 3))
    white = science.CCS_ILLUMINANTS["CIE 1931 2 Degree Standard Observer"]["D65"]
    expected = science.XYZ_to_Lab(science.sRGB_to_XYZ(rgb), illuminant=white)
    np.testing.assert_allclose(colour.srgb_to_lab(rgb), expected, atol=0.03)
    np.testing.assert_allclose(colour.lab_to_srgb(colour.srgb_to_lab(rgb)), rgb, atol=1e-9)
    linear = science.models.eotf_sRGB(rgb)
    np.testing.assert_allclose(colour.srgb_to_linear(rgb), linear, atol=1e-6)
    np.testing.assert_allclose(colour.linear_to_srgb(linear), rgb, atol=1e-5)
    near = expected + np.random.default_rng(1).normal(0, 5, expected.shape)
    np.testing.assert_allclose(
        colour.delta_e_2000(expected, near),
        science.delta_E(expected, near, method="CIE 2000"),
        atol=1e-9,
    )
    for kelvin in (2500, 3200, 5000, 6504, 9000):
        xy = science.temperature.CCT_to_xy_Kang2002(kelvin)
        light = science.XYZ_to_sRGB(science.xy_to_XYZ(xy), apply_cctf_encoding=False)
        assert colour.cct(light) == pytest.approx(kelvin, rel=0.01)
        assert colour.mired_from_rgb(light) == pytest.approx(1e6 / kelvin, rel=0.01)


def test_small_helpers() -> None:
    assert colour.hex_of([1.0, 0.5, 0.0]) == "#ff8000"
    assert colour.hex_of(np.array([1, 2, 255], np.uint8)) == "#0102ff"
    assert np.isnan(colour.cct([0.0, 0.0, 0.0]))
    bytes_ = np.arange(256, dtype=np.uint8)
    np.testing.assert_allclose(
        colour.srgb_to_linear(bytes_), colour.srgb_to_linear(bytes_ / 255), atol=1e-6
    )


def difference(one: media.U8, other: media.U8) -> float:
    """Mean CIEDE2000 of two pictures."""
    return float(colour.delta_e_2000(colour.srgb_to_lab(one), colour.srgb_to_lab(other)).mean())


@pytest.mark.parametrize("container", ["mp4", "mkv"])
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("matrix", [1, 5, 6, 9])
def test_the_same_pixels_agree_whatever_the_coding(
    tmp_path: Path, matrix: int, full: bool, container: str
) -> None:
    rgb = media.picture()
    frame = media.from_planes(media.coded(rgb, matrix, full))
    tags = (matrix, 1, 1, 2 if full else 1)
    path = media.write(
        tmp_path / f"a.{container}", [frame] * 3, pix_fmt="yuv444p", tags=tags, options={"bf": "0"}
    )
    got = sample(path)
    assert difference(got.frames[0].rgb, rgb) < 0.6
    assert not [note for note in got.notes if "assumed" in note]
    other = media.remux(path, tmp_path / ("b.mkv" if container == "mp4" else "b.mp4"))
    again = sample(other)
    np.testing.assert_array_equal(again.frames[0].rgb, got.frames[0].rgb)


def test_untagged_video_follows_the_stated_rule_and_survives_a_remux(tmp_path: Path) -> None:
    for width, height, matrix in ((320, 180, 5), (1280, 720, 1), (720, 576, 5)):
        rgb = media.picture(width, height)
        frame = media.from_planes(media.coded(rgb, matrix, False))
        path = media.write(
            tmp_path / f"{width}.mp4", [frame], pix_fmt="yuv444p", options={"preset": "ultrafast"}
        )
        got = sample(path)
        small = sample_size(rgb, got.frames[0].rgb)
        assert difference(got.frames[0].rgb, small) < 0.6
        assert any("no colour matrix tag" in note for note in got.notes)
        again = sample(media.remux(path, tmp_path / f"{width}.mkv"))
        np.testing.assert_array_equal(again.frames[0].rgb, got.frames[0].rgb)
        assert again.notes == got.notes


def sample_size(rgb: media.U8, like: media.U8) -> media.U8:
    """Shrink a picture to the size of another."""
    import cv2

    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def test_ten_bits_agree_with_eight(tmp_path: Path) -> None:
    rgb = media.picture()
    frame = media.from_planes(media.coded(rgb, 1, False, depth=10), "yuv444p10le")
    path = media.write(tmp_path / "ten.mp4", [frame], pix_fmt="yuv444p10le", tags=(1, 1, 1, 1))
    assert difference(sample(path).frames[0].rgb, rgb) < 0.6


def test_wide_gamut_is_brought_home() -> None:
    white = np.ones((1, 1, 3), np.float32)
    for primaries in (9, 12):
        tags = ColourTags(9, primaries, 1, False)
        assert colour.display_rgb(white, tags).tolist() == [[[255, 255, 255]]]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import colour as science
    rgb = np.float32([[[0.6, 0.5, 0.4]]])
    expected = science.RGB_to_RGB(
        colour.srgb_to_linear(rgb),
        "ITU-R BT.2020",
        "ITU-R BT.709",
        chromatic_adaptation_transform=None,
    )
    got = colour.display_rgb(rgb, ColourTags(9, 9, 1, False)) / 255
    np.testing.assert_allclose(got, colour.linear_to_srgb(expected), atol=0.005)


def test_hdr_reference_white_is_white() -> None:
    # BT.2408: 203 cd/m2 is PQ 58 %, HLG 75 %
    for transfer, code in ((colour.PQ, 0.5807), (colour.HLG, 0.75)):
        tags = ColourTags(9, 9, transfer, False)
        got = colour.display_rgb(np.full((1, 1, 3), code, np.float32), tags)
        assert 252 <= got.min() <= got.max() <= 255
        assert colour.display_rgb(np.zeros((1, 1, 3), np.float32), tags).max() == 0
        assert any("HDR" in note for note in colour.tone_notes(tags))


def test_a_matrix_that_cannot_be_undone_is_refused() -> None:
    with pytest.raises(MeasurementError, match="matrix"):
        colour.settle_tags(ColourTags(14, 9, 16, False), 1920, 1080, yuv=True, jpeg=False)
