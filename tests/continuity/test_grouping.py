"""Which shots may be compared: on synthetic layouts and light, so that each rule is seen alone."""

from __future__ import annotations

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.continuity import edges, grouping
from filmgate.continuity import layouts as layouts_of
from filmgate.continuity import setups as camera
from filmgate.schema.look import Look, Scene, Scope

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

U8 = NDArray[np.uint8]
NONE = np.zeros(0, np.int64)


def place(seed: int) -> U8:
    """A layout (48, 64) of its own: smooth random shapes, not symmetrical."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (6, 8)).astype(np.float32)
    full = cv2.resize(coarse, (64, 48), interpolation=cv2.INTER_CUBIC)
    return np.clip(full, 0, 255).astype(np.uint8)


def takes(*seeds: int, noise: float = 12.0) -> U8:
    """(N, 48, 64): a shot of place `seed` each, with grain."""
    rng = np.random.default_rng(99)
    pictures = [place(s) + rng.normal(0, noise, (48, 64)) for s in seeds]
    return np.clip(np.stack(pictures), 0, 255).astype(np.uint8)


def halved(layouts: U8) -> NDArray[np.float32]:
    """As a `World` keeps them."""
    return layouts_of.halved(layouts)


def setups(layouts: U8, *unmeasured: int) -> camera.Setups:
    measured = np.ones(len(layouts), bool)
    measured[list(unmeasured)] = False
    return camera.find_setups(halved(layouts), measured)


def same(labels: NDArray[np.int64]) -> list[list[int]]:
    """Positions that share a label, in order of first appearance; -1 left out."""
    order = dict.fromkeys(int(x) for x in labels if x >= 0)
    return [np.flatnonzero(labels == x).tolist() for x in order]


# ---------------------------------------------------------------------- set-ups


def test_shots_of_one_camera_position_are_one_setup() -> None:
    found = setups(takes(1, 2, 1, 3, 2, 1))
    assert same(found.label) == [[0, 2, 5], [1, 4], [3]]
    assert not found.flopped.any()


def test_light_does_not_make_a_setup() -> None:
    """Layouts are correlated: brighter and flatter is the same place."""
    layouts = takes(1, 1, 1, 2).astype(np.float64)
    layouts[1] = 40 + 0.5 * layouts[1]
    layouts[2] = 0.7 * layouts[2]
    assert same(setups(layouts.astype(np.uint8)).label) == [[0, 1, 2], [3]]


def test_what_was_not_measured_has_no_setup() -> None:
    found = setups(takes(1, 1, 1), 1)
    assert found.label.tolist() == [0, -1, 0]
    assert np.isnan(found.direct[1])


def test_a_flopped_shot_is_given_back_to_its_setup() -> None:
    layouts = takes(1, 1, 2, 1, 2)
    layouts[3] = layouts[3][:, ::-1]
    found = setups(layouts)
    assert found.flopped.tolist() == [False, False, False, True, False]
    assert same(found.label) == [[0, 1, 3], [2, 4]]
    assert found.mirrored[3] > found.direct[3] + camera.MIRROR_MARGIN


def test_two_flopped_shots_do_not_vouch_for_each_other() -> None:
    """Each is given back to the large set-up that it mirrors; a pair beside few shots is not."""
    # Half symmetrical, so that the flopped shots still resemble the others as they are.
    half = place(1).astype(np.float64)
    layout = 0.5 * half + 0.5 * (half + half[:, ::-1]) / 2
    for others in (camera.PAIR_BESIDE, camera.PAIR_BESIDE - 1):
        layouts = np.stack([layout] * (others + 2))
        layouts[-2:] = layout[:, ::-1]
        layouts += np.random.default_rng(5).normal(0, 4, layouts.shape)
        found = setups(np.clip(layouts, 0, 255).astype(np.uint8))
        expected = [others, others + 1] if others == camera.PAIR_BESIDE else []
        assert np.flatnonzero(found.flopped).tolist() == expected


def test_a_symmetrical_place_is_not_flopped() -> None:
    layouts = takes(1, 1, 1, noise=0)
    layouts[:, :, 32:] = layouts[:, :, :32][:, :, ::-1]
    layouts[2] = layouts[2][:, ::-1]
    assert not setups(layouts).flopped.any()


def test_those_who_stand_together_are_not_the_mirror_of_one_alone() -> None:
    """The lone one is flopped: of the others one may fit it better than it fits its own set-up."""

    def take(own: int) -> NDArray[np.float32]:
        return 0.8 * place(1).astype(np.float32) + 0.45 * place(own).astype(np.float32)

    kept = [take(own) for own in (21, 22, 23)]
    lone = kept[0][:, ::-1]
    found = setups(np.clip(np.stack([*kept, lone]), 0, 255).astype(np.uint8))
    assert same(found.label)[0][:3] == [0, 1, 2]
    assert (found.twin[:3] == -1).all()
    assert (found.mirrored[:3] <= found.direct[:3]).all()
    assert found.flopped[3] or found.mirrored[3] > found.direct[3]


def test_one_shot_is_its_own_setup() -> None:
    found = setups(takes(1))
    assert found.label.tolist() == [0]
    assert np.isnan(found.direct[0])


@pytest.mark.parametrize("tilt_deg", [8.0, 9.0])
def test_a_tilted_shot_is_adopted_by_its_setup(tilt_deg: float) -> None:
    """A tilt that breaks the correlation must not excuse the shot by making it a set-up."""
    rng = np.random.default_rng(7)
    sharp = rng.uniform(0, 255, (14, 18)).astype(np.float32)
    still = np.clip(cv2.resize(sharp, (64, 48), interpolation=cv2.INTER_LINEAR), 0, 255)
    turn = cv2.getRotationMatrix2D((31.5, 23.5), tilt_deg, 1.0)
    tilted = cv2.warpAffine(still, turn, (64, 48), borderMode=cv2.BORDER_REPLICATE)
    shots = [still + rng.normal(0, 3, still.shape) for _ in range(7)] + [tilted]
    layouts = np.clip(np.stack(shots), 0, 255).astype(np.uint8)
    found = setups(layouts)
    assert found.label[7] != found.label[0], "else there is nothing to adopt"
    adopted = camera.adopt(found, halved(layouts), np.full(8, 16 / 9))
    assert set(adopted.label.tolist()) == {int(found.label[0])}


def test_another_place_is_not_adopted() -> None:
    layouts = takes(1, 1, 1, 1, 1, 1, 1, 4)
    found = setups(layouts)
    adopted = camera.adopt(found, halved(layouts), np.full(8, 16 / 9))
    assert same(adopted.label) == [[0, 1, 2, 3, 4, 5, 6], [7]]


# ---------------------------------------------------------------------- stretches of one light


def light(*levels: float) -> NDArray[np.float64]:
    """(N, 3) log light with a little scatter."""
    scatter = np.random.default_rng(3).normal(0, 0.01, (len(levels), 3))
    return np.array(levels)[:, None] + scatter


def test_a_lasting_change_of_light_starts_a_new_stretch() -> None:
    one = np.zeros(10, np.int64)
    found = grouping.stretches(one, light(*[0.0] * 5, *[0.8] * 5), NONE)
    assert same(found) == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


@pytest.mark.parametrize("odd", [[4], [4, 5]])
def test_a_passing_change_of_light_does_not(odd: list[int]) -> None:
    """Or drift would excuse itself."""
    levels = np.zeros(12)
    levels[odd] = 0.8
    assert same(grouping.stretches(np.zeros(12, np.int64), light(*levels), NONE)) == [
        list(range(12))
    ]


def test_a_change_too_small_to_see_does_not() -> None:
    steady = light(*[0.0] * 5, *[0.06] * 5)
    assert len(same(grouping.stretches(np.zeros(10, np.int64), steady, NONE))) == 1


def test_every_setup_has_stretches_of_its_own() -> None:
    label = np.array([0, 1] * 6 + [-1])
    levels = [0.0] * 6 + [0.8] * 6 + [0.0]
    found = grouping.stretches(label, light(*levels), NONE)
    assert found[-1] == -1
    assert same(found) == [[0, 2, 4], [1, 3, 5], [6, 8, 10], [7, 9, 11]]


def test_unseen_light_divides_nothing() -> None:
    blind = light(*[0.0] * 10)
    blind[3:8] = np.nan
    assert len(same(grouping.stretches(np.zeros(10, np.int64), blind, NONE))) == 1


# ---------------------------------------------------------------------- scenes


def palettes(*kinds: int) -> NDArray[np.float32]:
    """(N, 256) Lab histograms; another kind shares no colour with the first."""
    out = np.zeros((len(kinds), 256), np.float32)
    for i, kind in enumerate(kinds):
        out[i, 40 * kind : 40 * kind + 20] = 0.05
    return out


def scenes(
    group: NDArray[np.int64], colours: NDArray[np.float32], values: NDArray[np.float64]
) -> grouping.Places:
    """Scenes of an edit whose edges are found from `values` alone."""
    found = edges.scene_edges(group, values, np.full(values.shape[1], 0.05))
    return grouping.scenes(group, colours, values, found)


def test_a_short_sequence_is_one_scene() -> None:
    count = camera.SHORT_SEQUENCE
    group = np.arange(count)
    found = scenes(group, palettes(*range(count)), light(*range(count))).scene
    assert found.tolist() == [0] * count
    group[2] = -1
    found = scenes(group, palettes(*range(count)), light(*range(count))).scene
    assert found.tolist() == [0, 0, -1, 0, 0]


def test_a_new_place_is_a_new_scene() -> None:
    group = np.array([0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3])
    found = scenes(group, palettes(*[0] * 6, *[1] * 6), light(*[0.0] * 12)).scene
    assert same(found) == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]


def test_a_scene_that_is_returned_to_is_one_scene() -> None:
    group = np.array([0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5])
    kinds = [0] * 4 + [1] * 4 + [0] * 4
    found = scenes(group, palettes(*kinds), light(*[0.0] * 12)).scene
    assert same(found) == [[0, 1, 2, 3, 8, 9, 10, 11], [4, 5, 6, 7]]


def test_one_place_at_night_is_another_scene() -> None:
    group = np.array([0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3])
    found = scenes(group, palettes(*[0] * 12), light(*[0.0] * 6, *[-2.0] * 6)).scene
    assert len(same(found)) == 2


def test_nothing_measured_has_no_scene() -> None:
    none = np.full(8, -1)
    assert scenes(none, palettes(*[0] * 8), light(*[0.0] * 8)).scene.tolist() == [-1] * 8


# ---------------------------------------------------------------------- on rendered shots


def test_rendered_setups_are_told_apart_and_a_flopped_shot_is_named() -> None:
    order = [0, 2, 0, 2, 0, 2, 0, 2]
    shots = [staged.signature(i, None, k) for i, k in enumerate(order)]
    shots[4] = staged.signature(4, ("mirror", 1.0, "flip"))
    world = staged.world(shots)
    assert same(world.setup) == [[0, 2, 4, 6], [1, 3, 5, 7]]
    assert np.flatnonzero(world.setups.flopped).tolist() == [4]
    assert [world.setup_name(i) for i in range(3)] == ["A", "B", "A"]
    assert {world.scene_name(i) for i in range(8)} == {"scene 1"}


def test_declared_scenes_win() -> None:
    look = Look(scenes=(Scene("breakfast", (Scope("shot_0", "shot_3"),)),
                        Scene("evening", (Scope("shot_4", None),))))  # fmt: skip
    world = staged.world(staged.clean(8), look)
    names = [world.scene_name(i) for i in range(8)]
    assert names == ["breakfast"] * 4 + ["evening"] * 4
    assert len(set(world.group.tolist())) == 2, "no comparison reaches over a declared border"
    assert world.anchor.tolist() == [-1, 0, 0, 0, -1, 4, 4, 4]


def unit(*angles: float) -> NDArray[np.float32]:
    """(N, 2) vectors whose correlation is the cosine between them (degrees)."""
    turn = np.radians(angles)
    return np.stack([np.cos(turn), np.sin(turn)], axis=1).astype(np.float32)


def test_a_stray_take_joins_the_group_of_its_scene_that_it_fits() -> None:
    group = np.array([0, 0, 0, 1, 2, 3])
    chapter = np.array([0, 0, 0, 0, 0, 1])
    found = grouping.gathered(group, chapter, unit(0, 4, 8, 20, 70, 5))
    assert found.tolist() == [0, 0, 0, 0, 2, 3], "3 fits; 4 is another view, 5 another scene"


def test_two_strays_make_no_group() -> None:
    group = np.array([0, 0, 1])
    found = grouping.gathered(group, np.zeros(3, np.int64), unit(0, 4, 8))
    assert found.tolist() == [0, 0, 1]
