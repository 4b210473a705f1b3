"""Calibration: p-values that mean what they say, and honest refusals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.continuity import calibration as cal
from filmgate.continuity import verdict
from filmgate.schema.report import Finding


def _null(n: int = 1000, seed: int = 0) -> cal.Null:
    return cal.Null.of(np.random.default_rng(seed).lognormal(0, 0.5, n), "de00", "test")


def test_p_values_of_fresh_clean_ratios_are_uniform_enough() -> None:
    null = _null(2000)
    fresh = np.random.default_rng(1).lognormal(0, 0.5, 4000)
    p = null.p_value(fresh)
    for level in (0.5, 0.1, 0.05, 0.01):
        share, allowed = float((p <= level).mean()), 3 * np.sqrt(level * (1 - level) / 2000)
        assert abs(share - level) < allowed + 0.005, level


@given(st.lists(st.floats(0, 50), min_size=2, max_size=30))
@settings(max_examples=60, deadline=None)
def test_a_larger_ratio_never_has_a_larger_p(ratios: list[float]) -> None:
    p = _null().p_value(np.sort(np.array(ratios)))
    assert np.all(np.diff(p) <= 1e-12)
    assert np.all((p > 0) & (p <= 1))


def test_the_tolerance_inverts_the_p_value() -> None:
    null = _null(3000)
    for p in (0.2, 0.05, 0.01, 0.001, 1e-5):
        assert null.p_value(np.array([null.ratio_at(p)]))[0] == pytest.approx(p, rel=0.15)


def test_not_measured_stays_not_measured() -> None:
    assert np.isnan(_null().p_value(np.array([np.nan]))[0])
    assert np.isnan(cal.Calibration().evidence("no/such:kind", np.array([3.0]))[0])


def test_saved_and_read_back_is_the_same(tmp_path: Path) -> None:
    evidence = np.sort(np.random.default_rng(2).random(50))
    made = cal.Calibration({"grade/x:anchor": _null()}, evidence, 50, "test")
    made.save(tmp_path / "c.json")
    import json

    back = cal.of_json(json.loads((tmp_path / "c.json").read_text()))
    ratios = np.linspace(0, 9, 40)
    assert back.evidence("grade/x:anchor", ratios) == pytest.approx(
        made.evidence("grade/x:anchor", ratios), abs=1e-3
    )
    assert back.n_shots == 50


def test_a_small_calibration_promises_nothing() -> None:
    small = cal.Calibration({}, np.sort(np.random.default_rng(3).random(399)), 399, "test")
    assert not small.can_promise(10)
    assert small.guarantee().startswith("no guarantee")
    decision = verdict.decide(5 * np.random.default_rng(4).random(100), small)
    assert decision.words.startswith("no guarantee")
    assert int(decision.flagged.sum()) == 3


def test_a_large_sequence_needs_a_large_calibration() -> None:
    made = cal.Calibration({}, np.sort(np.random.default_rng(3).random(400)), 400, "test")
    assert made.can_promise(400)
    assert cal.Calibration({}, made.shot_evidence, 200, "test").can_promise(3) is False


def test_clean_shots_are_rarely_flagged_and_drifting_ones_are() -> None:
    """200 sequences: of what is flagged at most a fifth is clean, as Benjamini-Hochberg says."""
    rng = np.random.default_rng(5)
    made = cal.Calibration({}, np.sort(rng.exponential(1, 2000)), 2000, "test")
    shares, found = [], []
    for _ in range(200):
        evidence = rng.exponential(1, 100)
        evidence[:3] += 9
        flagged = verdict.decide(evidence, made).flagged
        shares.append(flagged[3:].sum() / max(flagged.sum(), 1))
        found.append(flagged[:3].mean())
    assert np.mean(shares) < 0.20 + 3 * np.std(shares) / np.sqrt(200)
    assert np.mean(found) > 0.95


def test_without_evidence_nothing_is_flagged() -> None:
    made = cal.Calibration({}, np.sort(np.random.default_rng(5).random(900)), 900, "test")
    decision = verdict.decide(np.full(7, np.nan), made)
    assert not decision.flagged.any()
    assert not verdict.decide(np.zeros(0), made).flagged.any()


def _finding(check: str, status: str, remedy: str | None = "Do it.") -> Finding:
    return Finding(check, f"{check}/x", "anchor", None, status, remedy=remedy)  # type: ignore[arg-type]


def test_verdict_words() -> None:
    drift, other = _finding("grade", "drift"), _finding("sound", "drift")
    assert verdict.word(False, [_finding("grade", "within")], True) == "circle"
    assert verdict.word(True, [drift], True) == "retake"
    assert verdict.word(True, [drift, other], True) == "escalate"
    assert verdict.word(True, [_finding("grade", "drift", None)], True) == "escalate"
    assert verdict.word(False, [_finding("wardrobe", "change_missing")], True) == "escalate"
    assert verdict.word(False, [], False) == "escalate", "an unreadable shot may not pass unseen"


def test_the_shipped_calibration_is_large_enough_and_says_where_it_is_from() -> None:
    shipped = cal.shipped()
    assert shipped.n_shots >= cal.MIN_SHOTS
    for key, threshold in shipped.table().items():
        assert threshold.n >= cal.MIN_COMPARISONS, key
        assert threshold.source.strip()
