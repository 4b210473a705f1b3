"""The grade fix: a CDL that reduces the measured drift, and a file other tools read."""

from __future__ import annotations

import dataclasses
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from filmgate.continuity import cdl
from filmgate.errors import StoreError
from filmgate.measure.colour import delta_e_2000, srgb_to_lab
from filmgate.models.generators import previz
from filmgate.schema.report import CDL

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged


def test_it_finds_a_grade_that_is_a_cdl() -> None:
    rng = np.random.default_rng(0)
    source = rng.uniform(0.05, 0.9, (300, 3))
    true = CDL((1.12, 0.96, 0.9), (0.01, 0.0, -0.01), (0.92, 1.0, 1.08), 0.85)
    target = cdl.apply(true, source)
    left = delta_e_2000(
        srgb_to_lab(cdl.apply(cdl.fit(source, target), source)), srgb_to_lab(target)
    )
    assert float(left.mean()) < 0.5


def test_alone_in_its_set_up_a_shot_goes_to_those_most_like_it() -> None:
    """Not to the first shot of what was taken for its scene, when its own scene shows the same."""
    world = staged.world(staged.clean(8))
    world.group = np.where(np.arange(8) == 3, 99, world.group)
    world.setup = np.where(np.arange(8) == 3, 99, world.setup)
    world.tone[0] *= 0.5
    fix = cdl.towards(world, 3, 0)
    assert fix is not None
    colours = np.random.default_rng(4).uniform(0.1, 0.9, (100, 3))
    moved = delta_e_2000(srgb_to_lab(cdl.apply(fix, colours)), srgb_to_lab(colours))
    assert float(moved.mean()) < 1.5
    world.chapter = np.where(np.arange(8) == 3, 99, world.chapter)
    world.answers.clear()
    dark = cdl.towards(world, 3, 0)
    assert dark is not None
    assert max(dark.slope) < 0.9, "nobody of its scene is like it: then to the first"


def test_equal_colours_need_no_correction() -> None:
    source = np.random.default_rng(1).uniform(0.1, 0.9, (100, 3))
    found = cdl.fit(source, source)
    assert found.slope == pytest.approx((1, 1, 1), abs=0.01)
    assert found.power == pytest.approx((1, 1, 1), abs=0.01)
    assert found.saturation == pytest.approx(1, abs=0.01)


def test_a_few_wrong_places_do_not_bend_it() -> None:
    """A tenth of the set has changed: the fix still undoes the grade of the rest."""
    rng = np.random.default_rng(2)
    source = rng.uniform(0.05, 0.9, (300, 3))
    target = cdl.apply(CDL((1.1, 1, 0.92), (0, 0, 0), (0.95, 1, 1.05), 0.9), source)
    target[:30] = rng.uniform(0, 1, (30, 3))
    graded = cdl.apply(cdl.fit(source, target), source)
    left = delta_e_2000(srgb_to_lab(graded[30:]), srgb_to_lab(target[30:]))
    assert float(left.mean()) < 1.5


def test_applying_it_to_previz_reduces_the_drift() -> None:
    specs, _ = previz.sequence(shots=2, people=0, setups=1, scenes=1, seed=3, frames=1,
                               size=(320, 180))  # fmt: skip
    clean = next(previz.clean_frames(specs[0])) / 255.0
    drifted_spec = previz.apply(specs[0], previz.Drift("grade", 3.0, "step"))
    drifted = next(previz.clean_frames(drifted_spec)) / 255.0
    found = cdl.fit(drifted[::6, ::6].reshape(-1, 3), clean[::6, ::6].reshape(-1, 3))
    fixed = cdl.apply(found, drifted)

    def apart(picture: np.ndarray) -> float:
        return float(delta_e_2000(srgb_to_lab(picture), srgb_to_lab(clean)).mean())

    assert apart(drifted) > 3.0
    assert apart(fixed) < 0.4 * apart(drifted)


def test_the_file_is_an_asc_colour_correction(tmp_path: Path) -> None:
    value = CDL((1.1, 1.0, 0.9), (0.01, 0.0, -0.01), (1.0, 1.0, 1.0), 0.95)
    name = 'shot "3" <&>'
    cdl.write_cc(value, tmp_path / "shot.cc", name)
    root = ET.parse(tmp_path / "shot.cc").getroot()
    space = {"a": "urn:ASC:CDL:v1.2"}
    assert root.tag == "{urn:ASC:CDL:v1.2}ColorCorrection"
    assert root.get("id") == name
    slope = root.findtext("a:SOPNode/a:Slope", namespaces=space)
    assert slope is not None
    assert [float(v) for v in slope.split()] == list(value.slope)
    assert float(root.findtext("a:SatNode/a:Saturation", namespaces=space) or 0) == 0.95


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    value = CDL((1, 1, 1), (0, 0, 0), (1, 1, 1))
    with pytest.raises(StoreError, match="Cannot write"):
        cdl.write_cc(value, tmp_path / "no" / "shot.cc", "x")
    assert dataclasses.replace(value).saturation == 1.0
