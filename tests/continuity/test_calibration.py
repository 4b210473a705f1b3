"""Calibration: p-values that mean what they say, and honest refusals."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.continuity import calibration as cal
from filmgate.continuity import engine, verdict
from filmgate.continuity.check import Batch
from filmgate.schema.report import Finding

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged


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


def batch_of(ratios: np.ndarray) -> Batch:
    n = len(ratios)
    every = np.ones(n, bool)
    return Batch("grade", "grade/x", "grade/x", "consensus", "de00", ratios, np.ones(n),
                 np.full(n, -1), every, every)  # fmt: skip


def test_a_busier_sequence_is_not_a_drifting_one() -> None:
    """What nearly all of its shots do is its own; what three of them do is not."""
    rng = np.random.default_rng(8)
    null = cal.Null.of(np.abs(rng.normal(size=2000)), "de00", "stated")
    made = cal.Calibration({"grade/x:consensus": null})
    calm, busy = np.abs(rng.normal(size=(2, 100))) * np.array([[1.0], [3.0]])
    assert engine.restlessness(batch_of(calm), made) == pytest.approx(1.0, abs=0.3)
    assert engine.restlessness(batch_of(busy), made) == pytest.approx(3.0, abs=0.7)
    calm[:3] = 40.0
    assert engine.restlessness(batch_of(calm), made) == pytest.approx(1.0, abs=0.3)
    assert engine.restlessness(batch_of(busy[:20]), made) is None, "too few to tell"


def test_the_tolerance_of_a_busy_sequence_is_the_one_it_is_judged_by() -> None:
    null = cal.Null.of(np.abs(np.random.default_rng(8).normal(size=2000)), "de00", "stated")
    made = cal.Calibration({"grade/x:consensus": null})
    busy = batch_of(np.linspace(0.1, 20.0, 400))

    class Asked:
        name = "grade"

        def compare(self, world: object) -> list[Batch]:
            del world
            return [busy]

    ((told, _, evidence),) = engine.judge(object(), made, [Asked()])  # type: ignore[arg-type, list-item]
    for level in (1.0, 1.5, 2.0):
        tolerance = null.ratio_at(10.0**-level) * told.scale
        apart = (told.magnitude > tolerance) != (evidence > level)
        assert apart.sum() <= 1  # between two clean comparisons both are interpolated
    assert (told.scale > busy.scale).all()


def test_few_comparisons_are_as_restless_as_the_same_attribute_compared_another_way() -> None:
    """Pairs of takes are few in a long film: its consensus says how much its people move."""
    null = cal.Null.of(np.abs(np.random.default_rng(8).normal(size=2000)), "de00", "stated")
    made = cal.Calibration({"grade/x:consensus": null, "grade/x:anchor": null})
    busy = 3.0 * np.abs(np.random.default_rng(9).normal(size=100))
    many, few = batch_of(busy), batch_of(np.where(np.arange(100) < 20, busy, np.nan))
    few.against = "anchor"

    class Asked:
        name = "grade"

        def __init__(self, *batches: Batch) -> None:
            self._batches = list(batches)

        def compare(self, world: object) -> list[Batch]:
            del world
            return self._batches

    world = object()
    (_, _, alone), *_ = engine.judge(world, made, [Asked(few)])  # type: ignore[arg-type, list-item]
    *_, (_, _, beside) = engine.judge(world, made, [Asked(many, few)])  # type: ignore[arg-type, list-item]
    assert np.nanmax(beside) < np.nanmax(alone) - 0.5
    few.attribute = few.kind = "grade/y"
    made.nulls["grade/y:anchor"] = null
    *_, (_, _, other) = engine.judge(world, made, [Asked(many, few)])  # type: ignore[arg-type, list-item]
    assert np.nanmax(other) == np.nanmax(alone), "another attribute says nothing"


def test_comparisons_that_do_not_vote_say_what_is_usual_too() -> None:
    """What calibration read a kind's spread on, a sequence's own is read on."""
    null = cal.Null.of(np.abs(np.random.default_rng(8).normal(size=2000)), "de00", "stated")
    made = cal.Calibration({"grade/x:consensus": null})
    busy = batch_of(3.0 * np.abs(np.random.default_rng(9).normal(size=100)))
    busy.votes = np.arange(100) < 5
    assert engine.restlessness(busy, made) is None
    busy.usual = np.ones(100, bool)
    assert engine.restlessness(busy, made) == pytest.approx(3.0, abs=0.7)


def test_only_a_distance_itself_is_bounded() -> None:
    """Divided by what is usual a distance may be any number, and its tail is as heavy as others."""
    ratios = np.random.default_rng(3).uniform(0, 0.5, 2000).tolist()
    made = cal.of_ratios(
        {f"x/y:{how}": ("distance", ratios) for how in ("anchor", "consensus")}, "stated"
    )
    assert made["x/y:anchor"].slope > made["x/y:consensus"].slope


def test_shots_measured_twice_count_once() -> None:
    """Two arms that both had no networks are one set of clean shots."""
    runs = [(staged.shots(8, "one"), staged.clean(8)), (staged.shots(8, "two"), staged.clean(8))]
    once = engine.fit(runs, "stated", staged.CHECKS)  # type: ignore[arg-type]
    twice = engine.fit([*runs, *runs], "stated", staged.CHECKS)  # type: ignore[arg-type]
    assert twice.n_shots == once.n_shots <= 16


def test_a_tail_that_nobody_was_seen_in_is_not_taken_for_impossible() -> None:
    none = cal.Null.of(np.zeros(2000), "match", "stated")
    assert none.share == pytest.approx(0.01)
    assert none.p_value(np.array([0.6]))[0] > 1e-4
