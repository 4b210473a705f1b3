from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from bench import footage, measuring, projects, shots
from bench.nuisance import Framing, Light
from bench.plant import Drift
from bench.projects import Project

needs_footage = pytest.mark.skipif(footage.shared() is None, reason="no shared footage")


@pytest.fixture(scope="module")
def empty() -> Project:
    return projects.empty(1003, 6, 0, 4)


def test_people_are_split_and_every_take_has_one() -> None:
    assert not set(footage.DEVELOPMENT) & set(footage.HELD_OUT)
    assert {c.person for c in footage.CLIPS.values()} == set(footage.PEOPLE)
    assert {*footage.DEVELOPMENT, *footage.HELD_OUT} == set(footage.PEOPLE)


def test_without_footage_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FILMGATE_SHARED", str(tmp_path))
    assert footage.shared() is None
    assert footage.weights() is None
    assert "FILMGATE_SHARED" in footage.missing()
    assert [a.name for a in measuring.arms()] == [measuring.CLASSICAL]


def test_an_empty_project_has_its_set_ups_and_twelve_drifts(empty: Project) -> None:
    assert len({s.setup for s in empty.shots}) >= 6
    assert len(empty.drifts) == 12
    assert empty.shots == projects.empty(1003, 6, 0, 4).shots or footage.shared() is None


def test_clean_shots_are_shared_between_magnitudes(empty: Project) -> None:
    keys = {s.digest() for s in empty.shots}
    for drifting in (empty.drifting(), empty.drifting({"grade": 0.5})):
        assert not {s.digest() for s in drifting.values()} & keys


def test_size_changes_only_the_kinds_named(empty: Project) -> None:
    one, two = empty.drifting(), empty.drifting({"grade": 0.5})
    for at, drift in empty.drifts.items():
        same = one[at].digest() == two[at].digest()
        assert same == (drift.kind != "grade")


def test_names_of_shots_tell_nothing(empty: Project) -> None:
    ids = [s.id for s in empty.sequence().shots]
    assert ids == sorted(ids)
    assert all(s.file == f"{s.id}.mp4" for s in empty.sequence().shots)


def test_declared_scenes_cover_every_shot(empty: Project) -> None:
    look = empty.look(declared=True)
    assert all(look.scene_of(s.id) for s in empty.sequence().shots)
    assert empty.look(declared=False).scenes == ()


def test_what_groups_results_is_not_part_of_a_shots_digest() -> None:
    shot = shots.Shot("intel:again", (0, 1), Framing(), Light(), None, None)
    assert shot.digest() == dataclasses.replace(shot, scene=4, person="x", level="mild").digest()
    assert shot.digest() != dataclasses.replace(shot, light=Light(stops=0.1)).digest()
    assert shot.digest() != dataclasses.replace(shot, drift=Drift("mirror", 1.0)).digest()


def test_picks_are_ends_and_middle() -> None:
    for seed in range(30):
        found = projects.picks(20, np.random.default_rng(seed))
        assert len(found) == shots.FRAMES
        assert list(found) == sorted(found)
        assert found[0] >= 0
        assert found[-1] < 20
        assert found[1] == found[0] + 1
        assert found[-1] == found[-2] + 1


@needs_footage
@pytest.mark.slow
def test_a_project_with_people() -> None:
    project = projects.with_people(1001, footage.HELD_OUT, "strong")
    assert len(project.shots) == 400
    assert len(project.drifts) == 12
    assert {s.person for s in project.shots} <= set(footage.HELD_OUT)
    kinds = [d.kind for d in project.drifts.values()]
    assert kinds.count("wardrobe") == 3
    at = next(i for i, d in project.drifts.items() if d.kind == "mirror")
    clean, drifting = (
        shots.render(s).frames[2].rgb for s in (project.shots[at], project.drifting()[at])
    )
    assert np.abs(clean[:, ::-1].astype(int) - drifting.astype(int)).mean() < 4
    assert shots.render(project.shots[at]).frames[2].rgb.shape == (360, 480, 3)


@needs_footage
@pytest.mark.slow
def test_a_garment_mask_lies_on_the_garment() -> None:
    for take in ("book", "again"):
        mask, clip = footage.masks(take)[0], footage.CLIPS[take]
        x, y, w, h = clip.face
        assert mask[y : y + h, x : x + w].mean() < 10
        assert mask[y + 2 * h : y + 3 * h, x : x + w].mean() > 150
        assert 0.05 < (mask > 127).mean() < 0.4
