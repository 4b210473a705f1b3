from __future__ import annotations

import numpy as np
import pytest

from bench import metrics
from bench.metrics import Rows


def rows(score: list[float], drift: list[int], projects: int = 1) -> Rows:
    n = len(score)
    return Rows(
        np.array(score, float), np.array(drift, bool),
        np.repeat(np.arange(projects), n // projects),
        np.array(["a", "b"] * (n // 2)), np.where(np.array(drift) > 0, "grade", ""),
        np.ones(n, bool), np.ones(n, bool),
    )  # fmt: skip


def test_auroc_counts_ties_half() -> None:
    drift = np.array([True, True, False, False])
    assert metrics.auroc(np.array([2.0, 3.0, 0.0, 1.0]), drift) == 1
    assert metrics.auroc(np.array([1.0, 1.0, 1.0, 1.0]), drift) == 0.5
    assert metrics.auroc(np.array([0.0, 2.0, 1.0, 1.0]), drift) == 0.5
    assert np.isnan(metrics.auroc(np.ones(3), np.zeros(3, bool)))


def test_weights_count_as_repeats() -> None:
    rng = np.random.default_rng(0)
    score, drift = rng.normal(size=40).round(1), rng.random(40) < 0.3
    weight = rng.integers(0, 4, 40)
    again = np.repeat(np.arange(40), weight)
    assert metrics.auroc(score, drift, weight.astype(float)) == pytest.approx(
        metrics.auroc(score[again], drift[again])
    )
    assert metrics.clean_flagged(score, drift, 0.9, weight.astype(float)) == pytest.approx(
        metrics.clean_flagged(score[again], drift[again], 0.9)
    )


def test_budget_breaks_ties_at_random() -> None:
    assert metrics.flagged_share(np.array([3.0, 1.0, 1.0, 0.0]), 2) == pytest.approx(
        [1, 0.5, 0.5, 0]
    )
    assert metrics.flagged_share(np.zeros(4), 1) == pytest.approx([0.25] * 4)


def test_recall_at_a_budget_is_per_project() -> None:
    made = rows([9, 0, 0, 0, 8, 7, 6, 5], [1, 0, 0, 0, 0, 0, 0, 1], projects=2)
    assert metrics.recall_at(0.25)(made, np.ones(8)) == 0.5


def test_blind_shots_can_count_as_missed() -> None:
    made = rows([9, 8, 0, 0], [1, 1, 0, 0])
    blind = Rows(made.score, made.drift, made.project, made.person, made.kind, made.right,
                 np.array([False, True, True, True]))  # fmt: skip
    assert metrics.recall_at(0.5)(blind, np.ones(4)) == 1
    assert metrics.recall_at(0.5, need_seen=True)(blind, np.ones(4)) == 0.5


def test_clean_flagged_at_recall() -> None:
    score = np.array([9.0, 5.0, 7.0, 1.0, 0.0, 0.0])
    drift = np.array([True, True, False, False, False, False])
    assert metrics.clean_flagged(score, drift, 0.5) == 0
    assert metrics.clean_flagged(score, drift, 1.0) == 0.25


def test_interval_holds_the_value_and_is_the_same_again() -> None:
    rng = np.random.default_rng(2)
    drift = (rng.random(400) < 0.1).astype(int)
    made = rows(list(rng.normal(size=400) + 1.5 * drift), list(drift), projects=4)
    one = metrics.bootstrap(made, metrics.mean_auroc, 60)
    assert one.low <= one.value <= one.high
    assert str(one) == str(metrics.bootstrap(made, metrics.mean_auroc, 60))


def test_one_kind_leaves_the_others_their_places() -> None:
    made = rows([9, 8, 7, 0], [1, 1, 0, 0])
    kinds = np.array(["grade", "mirror", "", ""])
    both = Rows(made.score, made.drift, made.project, made.person, kinds, made.right, made.seen)
    assert metrics.of_kind("mirror", metrics.recall_at(0.25))(both, np.ones(4)) == 0
    assert metrics.of_kind("mirror", metrics.recall_at(0.5))(both, np.ones(4)) == 1
    assert metrics.alone("mirror", metrics.recall_at(0.25))(both, np.ones(4)) == 1
    assert metrics.alone("grade", metrics.mean_auroc)(both, np.array([1, 9, 1, 1])) == 1


def test_sequences_are_drawn_whole() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2])
    drawn = metrics.resampled(groups, np.random.default_rng(1))
    for group in (0, 1, 2):
        assert (groups[drawn] == group).sum() % (groups == group).sum() == 0
