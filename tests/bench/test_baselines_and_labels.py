from __future__ import annotations

from fractions import Fraction
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from bench import baselines, labels, tables
from bench.baselines import Features
from filmgate.measure.sample import Frame, Sample


def features(rgb: np.ndarray) -> Features:
    frames = tuple(Frame(i, i / 24, np.asarray(rgb, np.uint8)) for i in range(3))
    return baselines.features(Sample(frames, None, "none", Fraction(24), 0, 3))


def noise(seed: int) -> np.ndarray:
    small = np.random.default_rng(seed).integers(0, 255, (9, 16, 3), dtype=np.uint8)
    return np.repeat(np.repeat(small, 20, axis=0), 20, axis=1)


@pytest.mark.parametrize("name", ["histogram", "phash", "ssim", "mean"])
def test_a_shot_is_like_itself_and_unlike_another(name: str) -> None:
    one, two = features(noise(1)), features(np.full((180, 320, 3), (200, 40, 40)))
    assert baselines.distance(name, one, one) == pytest.approx(0, abs=1e-3)
    assert baselines.distance(name, one, two) > 0.05


def test_features_come_back_from_bytes() -> None:
    one = features(noise(2))
    two = Features.from_bytes(one.to_bytes())
    assert np.array_equal(one.phash, two.phash)
    assert np.array_equal(one.grey, two.grey)
    assert two.histogram == pytest.approx(one.histogram)
    assert two.mean == pytest.approx(one.mean)


def test_perceptual_hash_survives_exposure_and_not_a_flop() -> None:
    grey = noise(3)[..., 0]
    base = baselines.phash(grey)
    assert np.mean(base != baselines.phash((grey * 0.7).astype(np.uint8))) < 0.1
    assert np.mean(base != baselines.phash(grey[:, ::-1].copy())) > 0.25


@pytest.mark.parametrize(
    ("lab", "name"), [((20, 0, 0), "black"), ((32, 60, -100), "blue"), ((97, 0, 0), "white")]
)
def test_basic_colour_names(lab: tuple[float, float, float], name: str) -> None:
    assert baselines.colour_name("names11", np.array(lab, float)) == name


def test_the_odd_shot_of_a_group_is_farthest_from_its_medoid() -> None:
    group = [features(np.full((90, 160, 3), (120, 110, 100 + i))) for i in range(4)]
    group.append(features(np.full((90, 160, 3), (40, 110, 200))))
    scores = baselines.group_scores("mean", group, [], np.zeros(5, int))
    assert int(np.argmax(scores)) == 4


def row(**changes: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "wardrobe": {"A": "ok"}, "identity": {"A": "ok"}, "lighting": "ok", "grade": "ok",
        "geometry": "ok", "style": "ok", "prop": {}, "intended": [], "overall": "clean",
    }  # fmt: skip
    return {**base, **changes}


def test_truth_takes_the_worst_character_and_leaves_doubt_out() -> None:
    assert labels.truth(row(wardrobe={"A": "ok", "B": "drift"}), "wardrobe") is True
    assert labels.truth(row(wardrobe={"A": "ok", "B": "ref"}), "wardrobe") is False
    assert labels.truth(row(wardrobe={"A": "ok", "B": "minor"}), "wardrobe") is None
    assert labels.truth(row(wardrobe={"A": "unsure"}), "wardrobe") is None
    assert labels.truth(row(wardrobe={"A": "na"}), "wardrobe") is None
    assert labels.truth(row(wardrobe={"A": "ref"}), "wardrobe") is None
    assert labels.truth(row(grade="drift"), "grade") is True
    assert labels.truth(row(grade="minor"), "grade") is None
    assert labels.truth(row(grade="drift", intended=["grade"]), "grade") is None


def test_truth_overall() -> None:
    assert labels.truth(row(), labels.OVERALL) is False
    assert labels.truth(row(overall="intended_change"), labels.OVERALL) is None
    prop = row(overall="drift", prop={"cup": "drift"})
    assert labels.truth(prop, labels.OVERALL) is True
    assert labels.truth(prop, labels.OVERALL_SEEN) is None
    assert labels.truth(row(overall="drift", grade="drift"), labels.OVERALL_SEEN) is True


def test_table_is_markdown() -> None:
    text = tables.table(["a", "b"], [["x", 0.5], ["y", float("nan")]])
    assert text.splitlines() == ["| a | b |", "|---|---:|", "| x | 0.500 |", "| y | – |"]


def test_overall_by_the_checks_with_labels_leaves_sound_and_in_shot_out() -> None:
    told = {"grade": 1.5, "wardrobe": float("nan"), "sound": 4.0, "in_shot": 3.0}
    report = SimpleNamespace(shots=[SimpleNamespace(score=0.6)])
    evidence = {check: np.array([value]) for check, value in told.items()}
    answer: Any = SimpleNamespace(evidence=evidence, report=report)
    assert labels._counted(answer, 0, labels.OVERALL) == 0.6
    assert labels._counted(answer, 0, labels.OVERALL_JUDGED) == 1.5
    assert labels._counted(answer, 0, "wardrobe") == 0.0, "not measured is no evidence"
    assert labels.truth(row(overall="drift", grade="drift"), labels.OVERALL_JUDGED) is True
