"""The planted pipeline: 3,000 runs of known truth, read back from three formats.

`ledger_truth.json` is the truth to compare with, never an input; only the last tests turn it into
traces, to check the counting itself.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from filmgate import gap
from filmgate.gap import importer
from filmgate.gap.estimate import chain
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace, Visit
from filmgate.schema.gap import GapReport

FILES = {
    "otlp": ["otlp_genai_300.json"],
    "langsmith": ["langsmith_runs_300.jsonl", "langsmith_feedback_300.jsonl"],
    "langgraph": ["langgraph_state_history_60.json"],
}
HUMAN = "person"


@pytest.fixture(scope="module")
def planted(shared: Path) -> Path:
    return shared / "traces" / "planted"


@pytest.fixture(scope="module")
def truth(planted: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((planted / "ledger_truth.json").read_text())
    return found


@pytest.fixture(scope="module")
def reference(shared: Path) -> dict[str, Any]:
    data = json.loads((shared / "vectors" / "gap_vectors.json").read_text())
    found: dict[str, Any] = data["reference_data"]["planted"]
    return found


def traces(planted: Path, name: str) -> list[Trace]:
    problems = Problems()
    found = importer.source([planted / f for f in FILES[name]], "auto", problems)
    assert found.format == name
    out = list(found.traces(Mapping(), problems))
    assert problems.found() == ()
    return out


def report(planted: Path, name: str, **options: Any) -> GapReport:
    return gap.measure([planted / f for f in FILES[name]], **options)


def counted(runs: list[Trace]) -> dict[str, Any]:
    """Visits, flags and outcomes; people are one step in one format and two in another."""
    visits: Counter[str] = Counter()
    flags: Counter[str] = Counter()
    for run in runs:
        for visit in run.visits:
            visits[HUMAN if visit.kind == "human" else visit.step] += 1
            flags[visit.step] += visit.flagged is True
    return {
        "visits": visits,
        "flags": +flags,
        "good": sorted(run.item for run in runs if run.outcome),
        "bad": sorted(run.item for run in runs if run.outcome is False),
    }


def test_the_three_formats_hold_the_same_60_runs(planted: Path) -> None:
    found = {
        name: counted([t for t in traces(planted, name) if t.item < "item-00060"]) for name in FILES
    }
    assert found["otlp"] == found["langsmith"] == found["langgraph"]
    assert len(found["otlp"]["good"]) + len(found["otlp"]["bad"]) == 60
    assert found["otlp"]["flags"] == {"verify_script": 10, "verify_render": 7}


def test_labels_of_the_three_formats_never_contradict(planted: Path) -> None:
    """The history knows every label, the audits of the other two only some: those must agree."""
    whole = {t.item: t for t in traces(planted, "langgraph")}
    seen = 0
    for name in ("otlp", "langsmith"):
        for run in traces(planted, name):
            if run.item not in whole:
                continue
            for here, there in zip(run.visits, whole[run.item].visits, strict=True):
                assert here.step == there.step
                if here.outcome is not None:
                    assert here.outcome == there.outcome
                    seen += 1
    assert seen > 100


@pytest.mark.parametrize("name", ["otlp", "langsmith"])
def test_the_300_runs(planted: Path, reference: dict[str, Any], name: str) -> None:
    found, wanted = report(planted, name), reference["subset_300"]
    end = found.numbers.end_to_end
    assert (end.good, end.n) == (wanted["final_good"], wanted["items"])
    assert end.value is not None
    assert round(end.value, 3) == 0.957
    for verifier in found.verifiers:
        assert [verifier.flagged, verifier.visits] == wanted["flags"][verifier.step]
    assert found.load.human.good == wanted["human"]
    runs = traces(planted, name)
    assert sum(v.outcome is not None for t in runs for v in t.visits) == wanted["step_labels"]
    audited = {t.item for t in runs if any(v.outcome is not None for v in t.visits)}
    assert len(audited) == wanted["audited"]
    steps = {s.step: s for s in found.steps}
    for step, (_, n) in wanted["hidden_step_truth"].items():
        # The truth counts visits with good input; the traces have those behind bad input too.
        assert steps[step].visits >= n
    assert found.problems == ()


@pytest.mark.parametrize("name", FILES)
def test_every_truth_lies_in_its_interval(planted: Path, truth: dict[str, Any], name: str) -> None:
    found = report(planted, name)
    steps = {s.step: s.in_pipeline for s in found.steps}
    for step in truth["steps"]:
        rate, real = steps[step], truth["solo"][step] * truth["handoff"].get(step, 1.0)
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low <= real <= rate.high, step
    for verifier in found.verifiers:
        real = truth["verifiers"][verifier.step.removeprefix("verify_")]
        for rate, key in ((verifier.sensitivity, "r"), (verifier.false_alarms, "f")):
            assert rate.low is not None
            assert rate.high is not None
            assert rate.low <= real[key] <= rate.high, (verifier.step, key)
        assert verifier.word == "helps"
        assert verifier.attempts_max <= real["m"]


def test_order_edges_and_segments_are_found(planted: Path, truth: dict[str, Any]) -> None:
    found = report(planted, "otlp")
    assert [s.step for s in found.steps if s.kind == "work"] == truth["steps"]
    checks = {v.step: list(v.checks) for v in found.verifiers}
    assert checks == {f"verify_{k}": v for k, v in truth["segments"].items()}
    assert {v.fallback for v in found.verifiers} == {"human"}
    work = set(truth["steps"])
    edges = [(h.source, h.target) for h in found.handoffs if {h.source, h.target} <= work]
    assert edges == list(zip(truth["steps"], truth["steps"][1:], strict=False))


def stripped(value: Any) -> Any:
    """A trace as a tool without evaluations would have it."""
    if isinstance(value, dict):
        return {k: stripped(v) for k, v in value.items() if k not in ("events", "feedback_stats")}
    return [stripped(v) for v in value] if isinstance(value, list) else value


def test_status_only_traces_are_called_blind(planted: Path, tmp_path: Path) -> None:
    spans = json.loads((planted / "otlp_genai_300.json").read_text())
    (tmp_path / "spans.json").write_text(json.dumps(stripped(spans)))
    lines = (planted / "langsmith_runs_300.jsonl").read_text().splitlines()
    runs = [stripped(json.loads(line)) for line in lines]
    for run in runs:
        run["outputs"] = {}
    (tmp_path / "runs.jsonl").write_text("\n".join(map(json.dumps, runs)))
    for name in ("spans.json", "runs.jsonl"):
        found = gap.measure([tmp_path / name])
        assert found.blind.startswith("Blind: every status is OK")
        assert "100.0 %" in found.blind
        assert found.told[0] == found.blind
        assert found.numbers.end_to_end.value is None
        assert all(s.in_pipeline.value is None for s in found.steps)
        assert all(v.word == "not measured" for v in found.verifiers)


def test_verdicts_without_labels_are_blind_too(planted: Path, tmp_path: Path) -> None:
    runs = [json.loads(x) for x in (planted / "langsmith_runs_300.jsonl").read_text().splitlines()]
    (tmp_path / "runs.jsonl").write_text("\n".join(json.dumps(stripped(r)) for r in runs))
    found = gap.measure([tmp_path / "runs.jsonl"])
    assert "nobody checked them" in found.blind
    assert {v.flagged for v in found.verifiers} == {56, 66}


def test_runs_without_their_feedback_and_feedback_without_its_runs(planted: Path) -> None:
    runs = gap.measure([planted / "langsmith_runs_300.jsonl"])
    assert round(runs.numbers.end_to_end.value or 0, 3) == 0.957
    assert all(v.word == "not measured" for v in runs.verifiers)
    assert any("audit" in line.lower() for line in runs.refused)
    feedback = gap.measure([planted / "langsmith_feedback_300.jsonl"])
    assert round(feedback.numbers.end_to_end.value or 0, 3) == 0.957
    assert feedback.steps == ()
    assert [(p.text, p.count, p.line) for p in feedback.problems] == [
        ("feedback on runs that are in no file; it is left out", 394, 1)
    ]


@pytest.mark.parametrize("name", ["otlp_genai_300.json", "langgraph_state_history_60.json",
                                  "langsmith_runs_300.jsonl"])  # fmt: skip
def test_a_file_that_is_cut_off_is_used_up_to_the_cut(
    planted: Path, tmp_path: Path, name: str
) -> None:
    whole = (planted / name).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(len(whole) * 0.6)])
    full, found = gap.measure([planted / name]), gap.measure([path])
    assert 0.5 * full.traces < found.traces < 0.7 * full.traces
    told = [p for p in found.problems if "cut off" in p.text]
    assert [(p.file, p.line is not None) for p in told] == [(str(path), True)]
    assert [s.step for s in found.steps if s.kind == "work"] == [
        s.step for s in full.steps if s.kind == "work"
    ]


@pytest.fixture(scope="module")
def solo(tmp_path_factory: pytest.TempPathFactory, truth: dict[str, Any]) -> Path:
    path = tmp_path_factory.mktemp("solo") / "solo.csv"
    rows = [f"{s},{round(5000 * p)},5000" for s, p in truth["solo"].items()]
    path.write_text("\n".join(["step,good,n", *rows]))
    return path


def test_three_numbers_and_their_parts(
    planted: Path, solo: Path, reference: dict[str, Any]
) -> None:
    found = report(planted, "langsmith", solo=solo)
    exact = reference["exact"]
    three = found.numbers
    assert three.solo_product.value == pytest.approx(exact["solo_product"])
    assert three.component_mean.value == pytest.approx(0.97)
    assert found.parts.compounding.value == pytest.approx(0.97 - exact["solo_product"])
    # Verification brings back more than the handoffs lose: the sign is told, not hidden.
    assert found.parts.coordination.value is not None
    assert found.parts.coordination.value < 0
    assert any("better than the product of its parts" in line for line in found.told)
    inside = found.in_pipeline_product
    assert inside.low is not None
    assert inside.high is not None
    assert inside.low < exact["in_pipeline_product_no_verify"] < inside.high


def told(row: dict[str, Any]) -> Trace:
    """A row of the truth as a trace with every label."""
    visits = [
        Visit(e["step"], "verify", None, e["flag"]) if e["kind"] == "verify"
        else Visit(e["step"], e["kind"], e["out"])
        for e in row["log"]
    ]  # fmt: skip
    return Trace(str(row["item"]), "", tuple(visits), row["final_good"])


def test_all_3000_runs_with_every_label(truth: dict[str, Any], reference: dict[str, Any]) -> None:
    found = gap.measure_traces(told(row) for row in truth["rows"])
    wanted = reference["realised_3000"]
    end = found.numbers.end_to_end
    assert (end.good, end.n, end.value) == (wanted["e2e_good"], wanted["N"], wanted["e2e"])
    steps = {s.step: s for s in found.steps}
    for step, (good, n, share) in wanted["step_success"].items():
        rate = steps[step].in_pipeline
        assert (rate.good, rate.n, rate.value) == (good, n, share)
        real = truth["solo"][step] * truth["handoff"].get(step, 1.0)
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low <= real <= rate.high, step
    for verifier in found.verifiers:
        cells = wanted["verifier"][verifier.step]
        r, f = verifier.sensitivity, verifier.false_alarms
        assert (r.good, r.n) == (cells["tp"], cells["tp"] + cells["fn"])
        assert (f.good, f.n) == (cells["fp"], cells["fp"] + cells["tn"])
        assert r.value == pytest.approx(cells["r"], rel=1e-12)
        assert f.value == pytest.approx(cells["f"], rel=1e-12)
    people = [s for s in found.steps if s.kind == "human"]
    assert sum(s.visits for s in people) == wanted["human"]
    work = sum(steps[s].visits for s in truth["steps"])
    assert work == wanted["work_calls"]
    assert work / wanted["N"] == pytest.approx(wanted["calls_per_item"])


def test_handoff_losses_of_3000_runs_are_found(
    truth: dict[str, Any], reference: dict[str, Any], solo: Path
) -> None:
    from filmgate.gap import solo as solos

    known = solos.read(solo)
    found = gap.measure_traces((told(row) for row in truth["rows"]), solo=known)
    words = {(h.source, h.target): h for h in found.handoffs}
    for edge in (("research", "script"), ("storyboard", "render")):
        efficiency = words[edge].efficiency
        assert words[edge].word == "loses"
        assert efficiency.low is not None
        assert efficiency.high is not None
        assert efficiency.low < truth["handoff"][edge[1]] < efficiency.high
    for edge in (("brief", "research"), ("script", "storyboard"), ("render", "package")):
        assert words[edge].word in ("holds", "cannot tell")
    exact = reference["exact"]
    inside = [truth["solo"][s] * truth["handoff"].get(s, 1.0) for s in truth["steps"]]
    parts = chain.decompose(list(truth["solo"].values()), inside)
    assert parts.component_mean == pytest.approx(0.97)
    assert parts.solo_product == pytest.approx(exact["solo_product"], rel=1e-9)
    assert math.prod(inside) == pytest.approx(exact["in_pipeline_product_no_verify"], rel=1e-9)
    loss = found.parts.handoff_loss
    assert loss.low is not None
    assert loss.high is not None
    assert loss.low < parts.handoff < loss.high
    assert loss.p_value is not None
    assert loss.p_value < 1e-6
