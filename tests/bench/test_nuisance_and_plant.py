from __future__ import annotations

import numpy as np
import pytest

from bench import nuisance, plant
from bench.plant import Drift
from filmgate.measure.colour import delta_e_2000, srgb_to_lab


def picture(seed: int = 0) -> nuisance.U8:
    rng = np.random.default_rng(seed)
    small = rng.integers(30, 220, (12, 16, 3), dtype=np.uint8)
    return np.repeat(np.repeat(small, 30, axis=0), 30, axis=1)


def test_no_light_changes_nothing() -> None:
    rgb = picture()
    lit = nuisance.shine(nuisance.linear_of(rgb), nuisance.Light())
    back = nuisance.display(lit)
    assert np.abs(back.astype(int) - rgb.astype(int)).max() <= 1


def test_daylight_of_6504_kelvin_is_d65() -> None:
    assert nuisance.white_xyz(nuisance.D65_MIRED) == pytest.approx([0.9505, 1, 1.089], abs=0.002)


@pytest.mark.parametrize(("kelvin", "warm"), [(3000, True), (4800, True), (9500, False)])
def test_light_of_a_temperature_is_warm_or_cool_and_keeps_the_luma_of_white(
    kelvin: float, warm: bool
) -> None:
    white = nuisance.light_matrix(1e6 / kelvin) @ np.ones(3)
    assert (white[0] > white[2]) == warm
    assert white @ [0.2126, 0.7152, 0.0722] == pytest.approx(1.0)


def test_the_light_is_not_diagonal() -> None:
    matrix = nuisance.light_matrix(1e6 / 3500)
    assert np.abs(matrix - np.diag(np.diag(matrix))).max() > 0.02


def test_flipping_the_key_mirrors_the_light() -> None:
    flat = np.full((40, 60, 3), 0.2, np.float32)
    light = nuisance.Light(slope=0.5, second=0.3, second_mired=300)
    one = nuisance.shine(flat, light)
    other = nuisance.shine(flat, light.flipped())
    assert other == pytest.approx(one[:, ::-1], rel=1e-4)


def test_flipping_no_key_makes_one() -> None:
    assert abs(nuisance.Light().flipped().slope) > 0.3


@pytest.mark.parametrize("level", nuisance.LEVELS)
def test_light_is_drawn_within_its_level(level: nuisance.Level) -> None:
    for seed in range(40):
        light = nuisance.draw_light(level, np.random.default_rng(seed))
        reach = {"none": 0.0, "mild": 0.3, "strong": 0.8}[level]
        assert abs(light.stops) <= reach
        assert level == "strong" or light.second == 0


def test_shots_of_one_scene_differ_by_about_one_and_a_half_delta_e() -> None:
    rgb, rng = picture(), np.random.default_rng(3)
    light = nuisance.Light(slope=0.4)
    shots = [
        nuisance.display(nuisance.shine(nuisance.linear_of(rgb), j), j.gamma, j.saturation)
        for j in (nuisance.jitter(light, rng) for _ in range(12))
    ]
    labs = [srgb_to_lab(s[::15, ::15]) for s in shots]
    apart = [float(delta_e_2000(labs[0], lab).mean()) for lab in labs[1:]]
    assert 0.5 < float(np.mean(apart)) < 2.5


@pytest.mark.parametrize("size", [5, 8, 12, 20, 30])
@pytest.mark.parametrize("base", [(18.0, 1.0, -2.0), (65.0, 20.0, 60.0), (45.0, -3.0, -2.0)])
def test_a_garment_moves_by_the_size_asked(size: float, base: tuple[float, float, float]) -> None:
    for seed in range(5):
        offset = plant.recolour_vector(np.array(base), Drift("wardrobe", size, seed))
        assert float(delta_e_2000(np.array(base), np.array(base) + offset)) == pytest.approx(
            size, abs=0.05
        )


def test_only_the_masked_garment_changes() -> None:
    rgb = np.full((60, 80, 3), 110, np.uint8)
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 20:60] = 255
    out = nuisance.display(plant.recoloured(rgb, mask, np.array([0.0, 25.0, 10.0]), 1.0))
    changed = np.abs(out.astype(int) - 110).max(axis=2) > 2
    assert (changed == (mask > 0)).all()
    before, after = srgb_to_lab(rgb[30, 30]), srgb_to_lab(out[30, 30])
    assert after - before == pytest.approx([0, 25, 10], abs=0.8)


def test_a_grade_moves_the_picture_by_about_the_size_of_the_research_note() -> None:
    # Research note, 3.5: planted grade drift is a mean of 7.66 ΔE00 on its footage.
    rgb = picture(4)
    apart = delta_e_2000(srgb_to_lab(rgb), srgb_to_lab(plant.regraded(rgb, 1.0)))
    assert 5 < float(apart.mean()) < 11


def test_grade_of_size_nothing_is_the_picture() -> None:
    rgb = picture(5)
    assert np.abs(plant.regraded(rgb, 0.0).astype(int) - rgb.astype(int)).max() <= 1


def test_every_kind_has_a_unit_and_a_check_to_blame() -> None:
    assert set(plant.UNITS) == set(plant.CHECKS)


def test_window_of_the_whole_is_the_picture() -> None:
    rgb = picture()
    same = nuisance.window(rgb, nuisance.Framing(), (480, 360))
    assert np.abs(same.astype(int) - rgb.astype(int)).mean() < 3
