from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from filmgate import gap
from filmgate.gap.estimate import repeats
from filmgate.gap.importers.taubench import Trajectory, trajectory
from filmgate.schema.gap import GapReport


@pytest.fixture(scope="module")
def path(shared: Path) -> Path:
    return shared / "traces" / "taubench" / "gpt-4o-airline.json"


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    data = json.loads((shared / "vectors" / "gap_vectors.json").read_text())
    found: dict[str, Any] = data["reference_data"]["taubench_airline_gpt4o"]
    return found


@pytest.fixture(scope="module")
def report(path: Path) -> GapReport:
    return gap.measure([path])


@pytest.fixture(scope="module")
def rows(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())
    return found


@pytest.fixture(scope="module")
def did(rows: list[dict[str, Any]]) -> list[Trajectory]:
    return [trajectory(row) for row in rows]


def test_pass_k_and_clusters(report: GapReport, reference: dict[str, Any]) -> None:
    found = report.repeats
    assert found is not None
    assert report.formats == ("taubench",)
    assert (report.traces, found.items, found.trials) == (200, 50, 4)
    assert found.successes == tuple(reference["success_hist"].values())
    assert [r.value for r in found.pass_hat] == pytest.approx(reference["pass_hat"], rel=1e-12)
    assert [r.value for r in found.pass_at] == pytest.approx(reference["pass_at"], rel=1e-12)
    assert found.independent_pass_hat == pytest.approx(reference["iid_pass_hat"], rel=1e-12)
    assert found.icc == pytest.approx(reference["betabin_mle"]["icc"], rel=1e-6)
    assert found.icc_anova == pytest.approx(reference["icc_anova"], rel=1e-9)
    assert found.likelihood_ratio == pytest.approx(reference["LR"], rel=1e-9)
    assert found.design_effect == pytest.approx(reference["design_effect"], rel=1e-9)
    assert found.cluster_se == pytest.approx(reference["cluster_se"], rel=1e-9)
    assert found.naive_se == pytest.approx(reference["naive_se"], rel=1e-9)
    for rate in (*found.pass_hat, *found.pass_at):
        assert rate.value is not None
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low < rate.value < rate.high


def test_the_sentences(report: GapReport) -> None:
    assert "pass^1 to pass^4 over 50 items: .42, .27333, .22, .20." in report.told
    assert any(line.startswith("Failures cluster by task, ICC .40") for line in report.told)


def test_repeats_make_the_interval_wider(report: GapReport, reference: dict[str, Any]) -> None:
    end = report.numbers.end_to_end
    assert end.low is not None
    assert end.high is not None
    naive = reference["jeffreys_naive"]
    assert end.high - end.low > 1.4 * (naive[1] - naive[0])
    assert end.effective_n == pytest.approx(200 / reference["design_effect"], rel=1e-9)


def test_what_trajectories_did(
    did: list[Trajectory], rows: list[dict[str, Any]], reference: dict[str, Any]
) -> None:
    count = len(did)
    assert sum(t.tool_calls for t in did) / count == pytest.approx(reference["mean_tool_calls"])
    turns = sum(t.assistant_turns for t in did) / count
    assert turns == pytest.approx(reference["mean_assistant_turns"])
    assert sum(t.messages for t in did) / count == pytest.approx(reference["mean_messages"])
    assert sum(t.tool_errors for t in did) == reference["tool_error_responses"]
    assert sum(t.tool_errors > 0 for t in did) == reference["traces_with_tool_error"]
    assert sum(t.user_cost_usd for t in did) == pytest.approx(reference["cost_user_total"])
    keys = Counter(k for row in rows for k in (row["info"].get("reward_info") or {}))
    assert keys == reference["reward_info_keys"]
    good = [row["reward"] == 1 for row in rows]
    by_turn = repeats.per_unit([t.assistant_turns for t in did], good)
    assert by_turn == pytest.approx(reference["per_turns_reliability"], rel=1e-7)
    by_call = repeats.per_unit([t.tool_calls for t in did], good)
    assert by_call == pytest.approx(reference["per_ncalls_reliability"], rel=1e-7)


@pytest.mark.parametrize(
    ("trait", "key"),
    [
        ("tool_error", "by_tool_error"),
        ("transfer", "by_transfer"),
        ("gold_actions", "by_gold_actions"),
        ("gold_writes", "by_gold_writes"),
    ],
)
def test_outcomes_by_trait(
    report: GapReport, reference: dict[str, Any], trait: str, key: str
) -> None:
    found = {s.value: (s.rate.n, s.rate.good) for s in report.strata if s.trait == trait}
    assert found == {k: (v["n"], v["success"]) for k, v in reference[key].items()}


def test_tau2_results_are_read_too(tmp_path: Path) -> None:
    runs = [
        {"id": f"{t}-{k}", "task_id": t, "trial": k, "duration": 12.5, "agent_cost": 0.25,
         "reward_info": {"reward": float((t + k) % 2)}, "messages": [{"role": "assistant"}]}
        for t in range(3) for k in range(2)
    ]  # fmt: skip
    (tmp_path / "run.json").write_text(json.dumps({"info": {}, "tasks": [], "simulations": runs}))
    found = gap.measure([tmp_path / "run.json"])
    assert (found.traces, found.items) == (6, 3)
    assert found.numbers.end_to_end.value == 0.5
    assert found.load.cost_per_good_usd == pytest.approx(0.5)


def test_a_trial_without_reward_or_twice(tmp_path: Path) -> None:
    rows = [
        {"task_id": 1, "trial": 0, "reward": 1.0, "traj": []},
        {"task_id": 1, "trial": 0, "reward": 0.0, "traj": []},
        {"task_id": 1, "trial": 1, "traj": []},
        {"trial": 1, "reward": 1.0, "traj": []},
    ]
    (tmp_path / "run.json").write_text(json.dumps(rows))
    found = gap.measure([tmp_path / "run.json"])
    assert found.traces == 2
    assert found.numbers.end_to_end.value == 1.0
    assert [p.text.split(";")[0] for p in found.problems] == [
        "a trial that is there twice", "a trial without a reward", "is no tau-bench result",
    ]  # fmt: skip
