"""Statistics that no vector pins down: limits, what is identified, tests that may be looked at."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate.gap.estimate import (
    binomial,
    chain,
    clusters,
    drift,
    escalation,
    first_failure,
    judge,
    power,
    repeats,
    verifier,
)
from filmgate.gap.estimate.chain import Estimate
from filmgate.gap.estimate.first_failure import Observation
from filmgate.gap.estimate.judge import Agreement

settings.register_profile("unhurried", deadline=None)  # the first call imports scipy
settings.load_profile("unhurried")

rates = st.tuples(st.integers(1, 400), st.integers(0, 400)).map(lambda x: (min(x), max(x)))


@given(rates)
def test_intervals_hold_their_estimate_and_are_ordered(pair: tuple[int, int]) -> None:
    good, n = pair
    for name in ("wilson", "jeffreys", "clopper_pearson", "modified_jeffreys"):
        low, high = getattr(binomial, name)(good, n)
        assert 0 <= low <= good / n + 1e-12
        assert good / n - 1e-12 <= high <= 1


@given(rates, st.floats(0.1, 1.0))
def test_clusters_never_make_an_interval_narrower(pair: tuple[int, int], share: float) -> None:
    good, n = pair
    plain, less = binomial.rate(good, n), binomial.rate(good, n, n * share)
    assert plain.low is not None
    assert plain.high is not None
    assert less.low is not None
    assert less.high is not None
    assert less.low <= plain.low + 1e-9
    assert less.high >= plain.high - 1e-9


def test_nothing_observed_is_not_measured() -> None:
    assert binomial.rate(0, 0).value is None
    assert binomial.rate(0, 0, reason="why").reason == "why"


def test_mover_against_draws() -> None:
    """Ratio and difference of 190/200 and 97/100: limits within .004 of posterior quantiles."""
    draw = np.random.default_rng(1)
    a, b = (190, 200), (97, 100)
    of, to = (Estimate(s / n, *binomial.modified_jeffreys(s, n)) for s, n in (a, b))
    x = draw.beta(a[0] + 0.5, a[1] - a[0] + 0.5, 400_000)
    y = draw.beta(b[0] + 0.5, b[1] - b[0] + 0.5, 400_000)
    for found, values in ((chain.ratio(of, to), x / y), (chain.difference(of, to), x - y)):
        low, high = np.quantile(values, [0.025, 0.975])
        assert found.low == pytest.approx(low, abs=0.004)
        assert found.high == pytest.approx(high, abs=0.004)
    nothing = Estimate(0.5, 0.0, 0.9)
    assert chain.ratio(of, nothing).high == math.inf
    with pytest.raises(ValueError):
        chain.ratio(of, Estimate(0.0, 0.0, 0.1))


def test_a_gap_without_any_failure_has_no_test() -> None:
    assert chain.gap_test(100, 100, [50], [50]) is None
    assert chain.gap_test(0, 100, [50], [50]) is None
    assert chain.gap_test(90, 100, [0], [50]) is None


def full(outcomes: list[tuple[int, int]], steps: int) -> list[Observation]:
    return [Observation(at - 1, at, n) for at, n in outcomes]


def test_complete_labels_give_the_conditional_yields() -> None:
    found = first_failure.segments(full([(1, 10), (2, 20), (3, 7), (4, 63)], 3), 3)
    assert [s.value for s in found] == pytest.approx([0.9, 70 / 90, 0.9])
    assert [s.at_risk for s in found] == pytest.approx([100, 90, 70])
    # Nothing is missing: every run is worth itself (hazards are taken half a failure inside).
    assert [s.effective_n for s in found] == pytest.approx([100, 90, 70], rel=0.02)


@pytest.mark.parametrize(
    ("observations", "cuts"),
    [
        ([(3, 4, 80), (0, 3, 20)], [0, 3]),
        ([(3, 4, 80), (0, 2, 10), (2, 3, 5)], [0, 2, 3]),
        ([(3, 4, 80), (0, 1, 5), (0, 3, 10)], [0, 1, 3]),
        # Overlapping intervals alone: only sums of cells are known.
        ([(3, 4, 80), (0, 2, 10), (1, 3, 10)], [0, 1, 2, 3]),
        ([(0, 4, 100)], [0]),
        ([(1, 4, 50), (0, 1, 50)], [0, 1]),
    ],
)
def test_what_is_identified(observations: list[tuple[int, int, int]], cuts: list[int]) -> None:
    assert first_failure.boundaries([Observation(*o) for o in observations], 3) == cuts


def test_unidentified_steps_share_their_mass_evenly_and_are_one_segment() -> None:
    observations = [Observation(3, 4, 90), Observation(0, 2, 8), Observation(2, 3, 2)]
    fitted = first_failure.fit(observations, 3)
    assert fitted.pmf == pytest.approx([0.04, 0.04, 0.02, 0.9])
    two = first_failure.segments(observations, 3)
    assert [(s.first, s.last, round(s.value, 9)) for s in two] == [
        (1, 2, 0.92), (3, 3, round(0.9 / 0.92, 9)),
    ]  # fmt: skip


def test_the_rest_of_a_chain_without_labels_is_in_no_segment() -> None:
    found = first_failure.segments([Observation(1, 4, 50), Observation(0, 1, 50)], 3)
    assert [(s.first, s.last) for s in found] == [(1, 1)]
    with pytest.raises(ValueError):
        first_failure.fit([Observation(2, 2, 1)], 3)


def test_the_likelihood_is_never_below_any_other_distribution() -> None:
    draw = np.random.default_rng(2)
    observations = [Observation(3, 4, 40), Observation(0, 2, 9), Observation(1, 3, 7),
                    Observation(0, 3, 5), Observation(2, 3, 3)]  # fmt: skip
    best = first_failure.fit(observations, 3)
    for pmf in draw.dirichlet([1] * 4, 500):
        other = sum(c * math.log(pmf[low:high].sum()) for low, high, c in observations)
        assert other <= best.log_likelihood + 1e-9


def test_clusters() -> None:
    alone = clusters.clustered([1, 0, 1, 1], [1, 1, 1, 1])
    assert alone.design_effect == pytest.approx(4 / 3)
    assert alone.effective_n == 4
    same = clusters.clustered([4, 0, 4, 0], [4, 4, 4, 4])
    assert same.effective_n == 4
    never = clusters.clustered([4, 4], [4, 4])
    assert (never.design_effect, never.effective_n) == (None, 2)
    weighted = clusters.clustered([4, 0], [4, 4], [2, 2])
    assert weighted == same
    assert clusters.correlation([4, 0], [4, 4]) == pytest.approx(1.0)
    assert clusters.correlation([1, 0], [1, 1]) is None


@given(st.integers(1, 8), st.integers(0, 8), st.integers(1, 8))
def test_pass_k_by_enumeration(n: int, good: int, k: int) -> None:
    good, k = min(good, n), min(k, n)
    runs = [True] * good + [False] * (n - good)
    draws = list(itertools.combinations(runs, k))
    assert repeats.pass_hat(good, n, k) == pytest.approx(sum(map(all, draws)) / len(draws))
    assert repeats.pass_at(good, n, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_beta_binomial_finds_what_was_planted_and_says_when_there_is_none() -> None:
    draw = np.random.default_rng(4)
    p = draw.beta(2.0, 1.0, 4000)
    found = repeats.beta_binomial(draw.binomial(6, p).tolist(), [6] * 4000)
    assert found is not None
    assert found.alpha == pytest.approx(2.0, rel=0.1)
    assert found.icc == pytest.approx(0.25, abs=0.015)
    assert found.p_value < 1e-9
    assert repeats.beta_binomial([2, 2, 2, 2], [4, 4, 4, 4]) is None
    assert repeats.beta_binomial([4, 4], [4, 4]) is None
    assert repeats.beta_binomial([1, 0], [1, 1]) is None


def test_reliability_per_unit_of_length() -> None:
    draw = np.random.default_rng(5)
    lengths = draw.integers(1, 40, 4000)
    good = draw.random(4000) < 0.96**lengths
    assert repeats.per_unit(lengths.tolist(), good.tolist()) == pytest.approx(0.96, abs=0.002)
    assert repeats.per_unit([3, 4], [True, True]) == 1.0
    assert repeats.per_unit([3, 0], [False, True]) == 0.0


def test_a_verifier_that_saw_no_bad_item_has_no_sensitivity() -> None:
    found = verifier.operating(verifier.Audit(0, 50, 0, 0, 0, 50))
    assert found.sensitivity.value is None
    assert found.false_alarms.value == 0.0
    nothing = verifier.operating(verifier.Audit(5, 50, 0, 0, 1, 9))
    assert nothing.sensitivity.reason == verifier.NO_FLAG_JUDGED
    assert nothing.passed_good.value == 0.9
    with pytest.raises(ValueError):
        verifier.recapture(3, 4, 0)


def test_intervals_of_r_and_f_against_simulation(monkeypatch: pytest.MonkeyPatch) -> None:
    """r = .8, f = .05, 15 % bad, 60 % of flags and 20 % of passes audited, 1,000 times."""
    monkeypatch.setattr(verifier, "DRAWS", 2000)
    draw, runs = np.random.default_rng(6), 1000
    inside = [0, 0]
    for _ in range(runs):
        bad = draw.random(600) < 0.15
        flag = draw.random(600) < np.where(bad, 0.8, 0.05)
        seen = draw.random(600) < np.where(flag, 0.6, 0.2)
        cells = [int(np.sum(seen & f & b)) for f in (flag, ~flag) for b in (bad, ~bad)]
        found = verifier.operating(verifier.Audit(int(flag.sum()), int((~flag).sum()), *cells))
        for i, (rate, real) in enumerate(((found.sensitivity, 0.8), (found.false_alarms, 0.05))):
            assert rate.low is not None
            assert rate.high is not None
            inside[i] += rate.low <= real <= rate.high
    assert all(0.925 <= n / runs <= 0.975 for n in inside), inside  # .956 and .942 by 20,000 draws


def test_sequential_test_of_the_research_note() -> None:
    found = drift.sprt(0.97, 0.94)
    assert found.per_failure == pytest.approx(0.6931, abs=1e-4)
    assert found.per_success == pytest.approx(-0.0314, abs=1e-4)
    assert found.lost_at == pytest.approx(2.944, abs=1e-3)
    assert found.items_if_held == pytest.approx(274, abs=1)
    assert found.items_if_lost == pytest.approx(220, abs=1)
    assert found.run([False] * 10) == ("lost", 5)
    assert found.run([True] * 200) == ("held", 94)
    assert found.run([True] * 10) == ("undecided", None)
    with pytest.raises(ValueError):
        drift.sprt(0.9, 0.95)


def test_no_change_is_called_one_in_twenty_times_at_most_however_often_one_looks() -> None:
    draw = np.random.default_rng(7)
    alarms = 0
    for _ in range(200):
        outcomes = draw.random(300) < 0.9
        alarms += any(
            drift.change(outcomes[:n].tolist()).e_value >= 20 for n in (50, 100, 200, 300)
        )
    assert alarms <= 10  # 0 today
    assert drift.change([True]).e_value == 1.0


def test_judges() -> None:
    with pytest.raises(ValueError):
        judge.rogan_gladen(0.9, 0.4, 0.6)
    assert judge.rogan_gladen(0.99, 0.95, 0.2) == 1.0
    useless = judge.rogan_gladen_interval(50, 100, Agreement(10, 9, 10, 11))
    assert useless is None
    both = judge.prediction_powered(0, 0, Agreement(80, 5, 5, 10))
    assert both.value == pytest.approx(0.85)


def test_rogan_gladen_and_prediction_powered_cover() -> None:
    """Share .85, judge .95/.2, 200 of 1,000 labelled by people: 95 % intervals in 400 runs."""
    draw = np.random.default_rng(8)
    inside = [0, 0]
    for _ in range(400):
        good = draw.random(1000) < 0.85
        said = draw.random(1000) < np.where(good, 0.95, 0.2)
        g, s = good[:200], said[:200]
        both = Agreement(*(int(np.sum((s == a) & (g == b)))
                           for a in (True, False) for b in (True, False)))  # fmt: skip
        limits = judge.rogan_gladen_interval(int(said.sum()), 1000, both)
        powered = judge.prediction_powered(int(said[200:].sum()), 800, both)
        assert limits is not None
        inside[0] += limits.low <= 0.85 <= limits.high
        inside[1] += powered.low <= 0.85 <= powered.high
    assert all(0.92 <= n / 400 <= 0.99 for n in inside), inside


def test_power_is_what_the_test_has() -> None:
    """2,514 traces show a loss of three points in 80 % of 400 simulated studies."""
    needed = power.traces_needed(0.03, [0.97] * 6).solo_same
    draw, seen = np.random.default_rng(9), 0
    end = 0.97**6 - 0.03
    for _ in range(400):
        solo = draw.binomial(needed, 0.97, 6).tolist()
        found = chain.gap_test(int(draw.binomial(needed, end)), needed, solo, [needed] * 6)
        assert found is not None
        seen += found.p < 0.05
    assert 0.74 <= seen / 400 <= 0.86
    for loss, yields in ((0.0, [0.9]), (0.95, [0.9]), (0.1, []), (0.1, [1.2])):
        with pytest.raises(ValueError):
            power.traces_needed(loss, yields)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=40),
       st.floats(0.01, 0.5))  # fmt: skip
def test_conformal_threshold_is_the_lowest_that_keeps_the_bound(
    items: list[tuple[float, bool]], risk: float
) -> None:
    scores, wrong = [s for s, _ in items], [w for _, w in items]
    found = escalation.conformal(scores, wrong, risk)

    def kept(threshold: float) -> bool:
        errors = sum(w for s, w in items if s >= threshold)
        return (errors + 1) / (len(items) + 1) <= risk + 1e-12

    if math.isfinite(found.score):
        assert kept(found.score)
    assert not any(kept(s) for s in scores if s < found.score)


def test_learn_then_test_keeps_its_promise() -> None:
    """Wrong among accepted above 20 % in at most 10 % of calibrations; says so when none fits."""
    draw, broken = np.random.default_rng(10), 0
    for _ in range(300):
        score = draw.random(150)
        wrong = draw.random(150) < 0.5 * (1 - score)
        found = escalation.tested(score.tolist(), wrong.tolist(), 0.2, 0.1)
        if found is not None:
            broken += 0.5 * (1 - found.score) / 2 > 0.2
    assert broken / 300 <= 0.1
    assert escalation.tested([0.9, 0.8], [False, False], 0.2, 0.1) is None


def test_three_percent_escalated_cannot_close_a_gap_of_sixteen_points() -> None:
    best = escalation.budget(0.167, 0.999999, 0.03)
    assert best.caught <= 3 / 16.7 + 1e-6
    assert best.residual > 0.13
