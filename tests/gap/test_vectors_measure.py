"""Every vector of the measuring side, to its stated tolerance.

Model, placement, voting, retries and queueing are in `test_vectors_plan.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from filmgate.gap.estimate import (
    binomial,
    chain,
    clusters,
    escalation,
    first_failure,
    judge,
    power,
    repeats,
    verifier,
)
from filmgate.gap.estimate.first_failure import Observation

FILE = Path(__file__).parents[3] / "shared" / "vectors" / "gap_vectors.json"
DATA: dict[str, Any] = json.loads(FILE.read_text()) if FILE.exists() else {}
EXACT, DRAWN = 1e-9, 2e-3
"""Relative; absolute for quantiles that the reference drew (200,000 draws)."""
FITTED = 1e-6
"""Relative, for the arguments of a maximum: the reference stopped its search there."""


def same(found: float, wanted: float, relative: float = EXACT, absolute: float = 0.0) -> None:
    assert math.isclose(found, wanted, rel_tol=relative, abs_tol=absolute), (found, wanted)


def many(text: Any) -> list[float]:
    """ "97 x6" is six times 97."""
    if isinstance(text, list):
        return [float(v) for v in text]
    value, times = str(text).split(" x")
    return [float(value)] * int(times)


def binomial_intervals(v: dict[str, Any]) -> None:
    for name in ("wilson", "jeffreys", "clopper_pearson"):
        for found, wanted in zip(getattr(binomial, name)(v["s"], v["n"]), v[name], strict=True):
            same(found, wanted)


def success_run(v: dict[str, Any]) -> None:
    assert binomial.runs_without_failure(v["R"], v["conf"]) == v["n"]


def n_for_halfwidth(v: dict[str, Any]) -> None:
    assert binomial.runs_for_half_width(v["p"], v["hw"]) == v["n"]


def series_intervals(v: dict[str, Any]) -> None:
    n = many(v["n"])
    good = many(v["s"])
    n = n * (len(good) // len(n)) if len(n) == 1 else n
    same(chain.lindstrom_madden(good, n), v["LM_lower95"])
    for key, shared in (("jeffreys_each", False), ("shared_jeffreys", True)):
        wanted = v[key]
        found = chain.product(good, n, shared=shared)
        same(found.value, v["Rhat"])
        same(found.mean, wanted["mean"], absolute=DRAWN)
        same(found.low, wanted["lo2"], absolute=DRAWN)
        same(found.high, wanted["hi2"], absolute=DRAWN)
        same(chain.product(good, n, shared, level=0.9).low, wanted["lower95"], absolute=DRAWN)
    low, high = chain.delta_method(good, n)
    same(low, v["delta"]["lo2"])
    same(high, v["delta"]["hi2"])
    same(chain.delta_method(good, n, level=0.9).low, v["delta"]["lower95"])


def lower95_coverage_sim(v: dict[str, Any]) -> None:
    """The reference's simulation once more: coverage within 4 sigma of both, means within .004."""
    runs, draw = 1500, np.random.default_rng(5)
    bounds: dict[str, list[float]] = {k: [] for k in ("LM", "jeff_each", "shared_jeff", "delta")}
    for good in draw.binomial(v["n"], v["p"], (runs, v["k"])).astype(float).tolist():
        n = [float(v["n"])] * v["k"]
        bounds["LM"].append(chain.lindstrom_madden(good, n))
        bounds["jeff_each"].append(chain.product(good, n, shared=False, level=0.9).low)
        bounds["shared_jeff"].append(chain.product(good, n, level=0.9).low)
        bounds["delta"].append(chain.delta_method(good, n, level=0.9).low)
    for name, low in bounds.items():
        share, wanted = np.mean(np.array(low) <= v["R"]), v[name]["coverage"]
        spread = math.sqrt(max(wanted * (1 - wanted), 1 / runs) * (1 / runs + 1 / 800))
        assert abs(share - wanted) < 4 * spread, (name, share, wanted)
        same(float(np.mean(low)), v[name]["mean_lower"], absolute=0.004)


def gap_test(v: dict[str, Any]) -> None:
    found = chain.gap_test(v["S"], v["N"], v["s"], v["n"])
    assert found is not None
    wanted = (v["log_gap"], v["se"], v["z"], v["p_two_sided"], v["ratio"], *v["ratio_ci"])
    for a, b in zip(found, wanted, strict=True):
        same(a, b)


def gap_decomposition(v: dict[str, Any]) -> None:
    found = chain.decompose(v["solo"], v["insitu"])
    names = ("component_mean", "solo_product", "e2e", "total_gap", "compounding", "handoff")
    for value, name in zip(found[:6], names, strict=True):
        same(value, v[name])
    for value, wanted in zip(found.efficiency, v["handoff_eff"], strict=True):
        same(value, wanted)
    same(found.log_share, v["log_share_handoff"])


def gap_power(v: dict[str, Any]) -> None:
    found = power.traces_needed(v["loss_pp"] / 100, [0.97] * 6)
    assert (found.solo_known, found.solo_same) == (v["N_solo_known"], v["N_solo_same_n"])


def em_first_failure(v: dict[str, Any]) -> None:
    found = first_failure.fit([Observation(*o) for o in v["obs"]], v["n"])
    for value, wanted in zip(found.pmf, v["pmf"], strict=True):
        same(float(value), wanted)
    for value, wanted in zip(found.yields, v["p"], strict=True):
        same(float(value), wanted)
    same(found.good, v["R"])
    same(found.log_likelihood, v["loglik"])


def rogan_gladen(v: dict[str, Any]) -> None:
    same(judge.rogan_gladen(v["obs"], v["tpr"], v["fpr"]), v["true"])


def lincoln_petersen(v: dict[str, Any]) -> None:
    found = verifier.recapture(v["a"], v["b"], v["both"])
    wanted = (v["N"], v["chapman"], v["r_a"], v["r_b"], v["union"], v["escaped"])
    for a, b in zip(found, wanted, strict=True):
        same(a, b, absolute=0.005 if b == v["chapman"] else 0)  # the reference rounds this one


def pass_hat_k(v: dict[str, Any]) -> None:
    same(repeats.pass_hat(v["c"], v["n"], v["k"]), v["pass_hat"])
    same(repeats.pass_at(v["c"], v["n"], v["k"]), v["pass_at"])


def crc(v: dict[str, Any]) -> None:
    for wanted in v["results"]:
        found = escalation.conformal(v["scores"], v["err"], wanted["alpha"])
        same(found.score, wanted["lambda"])
        same(found.accepted_wrong, wanted["emp_risk"])
        same(found.escalated, wanted["escalation_rate"])


def ltt(v: dict[str, Any]) -> None:
    scores = DATA["vectors"]["crc"]
    found = escalation.tested(scores["scores"], scores["err"], v["alpha"], v["delta"])
    assert found is not None
    for a, b in zip(found, v["result"], strict=True):
        same(a, b)


def escalation_budget(v: dict[str, Any]) -> None:
    found = escalation.budget(v["base_error"], v["auc"], v["escalate"])
    names = ("caught", "residual_overall", "residual_among_auto", "precision")
    for value, name in zip(found, names, strict=True):
        same(value, v[name])


def taubench_airline_gpt4o(v: dict[str, Any]) -> None:
    """The statistics of the counts; the file itself is measured in `test_taubench.py`."""
    good = [int(c) for c, items in v["success_hist"].items() for _ in range(items)]
    n = [v["trials"]] * len(good)
    for k in range(1, 5):
        each = [repeats.pass_hat(s, 4, k) for s in good], [repeats.pass_at(s, 4, k) for s in good]
        same(float(np.mean(each[0])), v["pass_hat"][k - 1])
        same(float(np.mean(each[1])), v["pass_at"][k - 1])
        same((sum(good) / sum(n)) ** k, v["iid_pass_hat"][k - 1])
        same(1 - (1 - sum(good) / sum(n)) ** k, v["iid_pass_at"][k - 1])
    found = repeats.beta_binomial(good, n)
    assert found is not None
    same(found.alpha, v["betabin_mle"]["alpha"], FITTED)
    same(found.beta, v["betabin_mle"]["beta"], FITTED)
    same(found.icc, v["betabin_mle"]["icc"], FITTED)
    same(found.log_likelihood, v["betabin_mle"]["loglik"])
    same(found.independent, v["binom_loglik"])
    same(found.likelihood_ratio, v["LR"])
    for k, wanted in enumerate(v["betabin_pass_hat"], 1):
        same(found.pass_hat(k), wanted, FITTED)
    whole = clusters.clustered(good, n)
    same(whole.cluster_se, v["cluster_se"])
    same(whole.naive_se, v["naive_se"])
    same(whole.design_effect or 0.0, v["design_effect"])
    same(clusters.correlation(good, n) or 0.0, v["icc_anova"])
    for a, b in zip(binomial.jeffreys(sum(good), sum(n)), v["jeffreys_naive"], strict=True):
        same(a, b)


TESTS: dict[str, Callable[[dict[str, Any]], None]] = {
    test.__name__: test
    for test in (
        binomial_intervals, success_run, n_for_halfwidth, series_intervals, lower95_coverage_sim,
        gap_test, gap_decomposition, gap_power, em_first_failure, rogan_gladen, lincoln_petersen,
        pass_hat_k, crc, ltt, escalation_budget, taubench_airline_gpt4o,
    )
}  # fmt: skip
ELSEWHERE = {"planted": "test_planted.py", "langgraph_retry": "test_langgraph.py"}


def cases() -> list[Any]:
    everything = {**DATA.get("vectors", {}), **DATA.get("reference_data", {})}
    out = []
    for name in TESTS:
        given = everything.get(name, [])
        for i, one in enumerate(given if isinstance(given, list) else [given]):
            out.append(pytest.param(name, one, id=f"{name}-{i}"))
    return out


@pytest.mark.skipif(not DATA, reason="needs ../shared")
@pytest.mark.parametrize(("family", "vector"), cases())
def test_vector(family: str, vector: dict[str, Any]) -> None:
    TESTS[family](vector)


@pytest.mark.skipif(not DATA, reason="needs ../shared")
def test_every_family_of_this_side_is_there() -> None:
    everything = {**DATA["vectors"], **DATA["reference_data"]}
    assert set(TESTS) | set(ELSEWHERE) <= set(everything)
    assert all(everything[name] for name in TESTS)


def test_figures_of_the_research_note_that_have_no_vector() -> None:
    """Interval EM, audits, sequential test, and what 200 traces can show."""
    found = verifier.operating(verifier.Audit(60, 940, 45, 15, 3, 91))
    same(found.sensitivity.value or 0, 0.60)
    same(found.false_alarms.value or 0, 0.0162, absolute=5e-5)
    unaudited = verifier.operating(verifier.Audit(60, 940, 45, 15, 0, 0))
    assert unaudited.sensitivity.value is None
    same(chain.lindstrom_madden([100] * 30, [100] * 30), 0.970, absolute=5e-4)
    never = chain.product([100] * 30, [100] * 30, level=0.9)
    same(never.low, 0.981, absolute=5e-4)
    same(chain.product([100] * 30, [100] * 30, shared=False, level=0.9).low, 0.804, absolute=1e-3)
