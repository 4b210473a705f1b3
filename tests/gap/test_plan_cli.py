"""``filmgate gap plan``, ``simulate``, ``report`` as a user runs them; the bench, the example."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter

from bench import gap_plan as bench
from filmgate.gap.placement import evaluate
from filmgate.gap.placement.chain import solve
from filmgate.interfaces import cli
from filmgate.schema.gap_plan import PlanReport, SimulationReport

ROOT = Path(__file__).parents[2]
SIX = ROOT / "examples" / "pipelines" / "six_steps.toml"


def run(capsys: pytest.CaptureFixture[str], *words: str | Path, code: int = 0) -> str:
    assert cli.main(["gap", *map(str, words)]) == code
    said = capsys.readouterr()
    assert said.err == "" if code == 0 else said.out == ""
    return said.out if code == 0 else said.err


def test_a_plan_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan.json"
    said = run(capsys, "plan", SIX, "--json", out)
    for words in (
        "the plan",
        "verify_render/3/editor",
        "Proven",
        "β = 0.1 and δ = 0.8",
        "if in truth",
    ):
        assert words in said
    report = json.loads(out.read_text())
    jsonschema.validate(report, TypeAdapter(PlanReport).json_schema(mode="serialization"))
    assert report["proven"]
    assert report["aim"] == "total"
    assert [step["step"] for step in report["steps"]][:2] == ["brief", "research"]


def test_a_target_and_a_budget_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plans: dict[str, Any] = {}
    for name, value in (("target", "0.97"), ("budget", "0.30")):
        out = tmp_path / f"{name}.json"
        run(capsys, "plan", SIX, f"--{name}", value, "--json", out, "--quiet")
        plans[name] = json.loads(out.read_text())
    assert plans["target"]["plan"]["good"] >= 0.97
    assert plans["budget"]["plan"]["cost"] <= 0.30
    assert "cannot be reached" in run(capsys, "plan", SIX, "--target", "0.999999")


def test_json_to_stdout_is_nothing_but_json(capsys: pytest.CaptureFixture[str]) -> None:
    plan = json.loads(run(capsys, "plan", SIX, "--json", "-", "--quiet"))
    assert plan["pipeline"] == "brief to package"
    seen = json.loads(run(capsys, "simulate", SIX, "--runs", "2000", "--json", "-", "--quiet"))
    jsonschema.validate(seen, TypeAdapter(SimulationReport).json_schema(mode="serialization"))


def test_a_plan_is_simulated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "plan.json"
    run(capsys, "plan", SIX, "--json", out, "--quiet")
    plan = json.loads(out.read_text())
    again = tmp_path / "simulation.json"
    said = run(capsys, "simulate", SIX, "--plan", out, "--runs", "20000", "--json", again)
    assert "σ" in said
    seen = json.loads(again.read_text())
    assert seen["nodes"] == [step["node"] for step in plan["steps"]]
    assert seen["good"]["exact"] == pytest.approx(plan["plan"]["good"])
    today = json.loads(run(capsys, "simulate", SIX, "--runs", "9", "--json", "-", "--quiet"))
    assert today["nodes"][2] == "verify_script/3/editor"


def test_mistakes_are_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "bad.toml"
    bad.write_text('[[step]]\nname = "a"\nyield = 2\n')
    other = tmp_path / "other.json"
    other.write_text('{"schema_version": 1, "steps": [{"step": "a", "node": ""}]}')
    junk = tmp_path / "junk.json"
    junk.write_text("[]")
    for words, told in (
        (("plan",), "name a pipeline.toml"),
        (("plan", bad), "bad.toml line 3: 'yield' of step 'a' must be from 0 to 1"),
        (("plan", tmp_path / "none.toml"), "there is no such file"),
        (("plan", SIX, "--target", "1.5"), "between 0 and 1"),
        (("plan", SIX, "--target", "0.9", "--budget", "1"), "one of them"),
        (("plan", "--from", tmp_path / "none.json", "--target", "0.9"), "there is no such file"),
        (("simulate", SIX, "--plan", other), "is a plan for other steps"),
        (("simulate", SIX, "--plan", junk), "is not a report of 'filmgate gap plan"),
        (("simulate", SIX, "--plan", tmp_path / "none.json"), "there is no such file"),
        (("simulate", SIX, "--runs", "0"), "from 1 to"),
        (("report", SIX, "--out", tmp_path / "no" / "gap.html"), "cannot be written"),
    ):
        said = run(capsys, *words, code=2)
        assert told in said
        assert len(said.strip().splitlines()) == 1


def test_from_traces_to_a_plan(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Measure, plan from the report alone, plan with prices from a file."""
    report = tmp_path / "report.json"
    traces = shared / "traces" / "planted" / "otlp_genai_300.json"
    run(capsys, "measure", traces, "--json", report, "--quiet")
    said = run(capsys, "plan", "--from", report, "--target", "0.9")
    assert "Assumed" in said
    assert "were left out: their accuracy is not measured" in said
    assert "worse end of its interval" in said
    priced = run(capsys, "plan", SIX, "--from", report)
    assert "'judge' are declared, not measured" in priced
    page = tmp_path / "gap.html"
    run(capsys, "report", SIX, "--from", report, "--out", page)
    assert "What cannot be told yet" in page.read_text()


def test_the_package_is_light() -> None:
    """numpy, but neither OpenCV, PyAV, LangGraph nor pandas; scipy only when it is needed."""
    program = (
        "import sys, filmgate.gap.placement, filmgate.gap.simulate, filmgate.gap.pipeline_file\n"
        "heavy = {'cv2', 'av', 'langgraph', 'pandas', 'scipy', 'jinja2', 'pydantic'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_bench_measures_the_references_chains() -> None:
    pipeline = bench.reference_chain(30)
    assert len(pipeline.options()) == 18
    assert solve(pipeline, bench.ESCAPE).value == pytest.approx(bench.VALUES[30], rel=1e-12)
    graph, nodes = bench.graph(300)
    assert not graph.is_chain
    assert 0 < evaluate(graph, nodes).good < 1
    took = bench.timed(lambda: time.sleep(0.01), 3)
    assert took.wall_s > 0.009
    assert took.cpu_s < took.wall_s


def test_the_example_says_what_cannot_be_had() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "gap_thirty_handoffs.py")],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    said = done.stdout
    assert done.stderr == ""
    assert "catches at most 18% of it" in said
    assert "3 % escalated cannot close a 16.7-point gap" in said
    assert "99.55 % good, 3.4 visits" in said
    for price in ("$3,000", "$5,000", "$10,000"):
        assert price in said
    assert "declared, not measured" in said
