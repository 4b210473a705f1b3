"""What the coordination gap must reach, counted again: vectors, planted truth, tau-bench, coverage.

    python -m bench.gap_reach                    all of it (a few minutes)
    python -m bench.gap_reach --quick            without the coverage of intervals
    python -m bench.gap_reach --store .filmgate  with the ledger of a run of `make demo`

Speed and memory are `bench.gap` and `bench.gap_plan`. The tests decide what holds; here it stands
in one table, with how many cases each line rests on.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree

from bench import footage, tables
from filmgate import gap
from filmgate.gap import importer
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace
from filmgate.schema.gap import GapReport

PASS_HAT = (0.42, 0.27333, 0.22, 0.20)
END_TO_END = 0.957
FILES = {
    "LangGraph": ("langgraph_state_history_60.json",),
    "LangSmith": ("langsmith_runs_300.jsonl", "langsmith_feedback_300.jsonl"),
    "OTLP": ("otlp_genai_300.json",),
}


class Line(NamedTuple):
    """One requirement: what was found, on how many cases, and whether it holds."""

    name: str
    found: str
    n: str
    holds: bool


class Tests(NamedTuple):
    """What a run of tests came to."""

    passed: int
    failed: int
    skipped: int


def tests(*arguments: str) -> Tests:
    """Run tests in a process of their own and count."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *arguments, f"--junitxml={report}"],
            cwd=footage.REPOSITORY, capture_output=True, check=False,
        )  # fmt: skip
        if not report.exists():
            return Tests(0, 1, 0)
        suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    told = [{k: int(s.get(k, 0)) for k in ("tests", "failures", "errors", "skipped")}
            for s in suites]  # fmt: skip
    failed = sum(t["failures"] + t["errors"] for t in told)
    skipped = sum(t["skipped"] for t in told)
    return Tests(sum(t["tests"] for t in told) - failed - skipped, failed, skipped)


def tested(name: str, *arguments: str) -> Line:
    """A requirement that is a set of tests."""
    found = tests(*arguments)
    said = f"{found.passed} held, {found.failed} failed"
    if found.skipped:
        said += f", {found.skipped} not run (no shared data)"
    return Line(name, said, f"{found.passed + found.failed}", found.failed == 0 < found.passed)


def taubench(folder: Path) -> Line:
    """Repeats of a task, from the real file."""
    report = gap.measure([folder / "taubench" / "gpt-4o-airline.json"])
    found = report.repeats
    assert found is not None
    values = [rate.value or 0.0 for rate in found.pass_hat]
    holds = all(abs(a - b) < 5e-6 for a, b in zip(values, PASS_HAT, strict=True))
    holds &= round(found.icc or 0.0, 2) == 0.40
    said = ", ".join(f"{v:.5f}" for v in values)
    return Line(
        "tau-bench: pass^1 to pass^4, ICC", f"{said}; ICC {found.icc:.2f}",
        f"{report.traces} runs of {report.items} tasks", holds,
    )  # fmt: skip


def planted(folder: Path) -> Iterator[Line]:
    """The planted pipeline in its three formats."""
    folder = folder / "planted"
    paths = {name: [folder / f for f in files] for name, files in FILES.items()}
    both = {t.item for t in _traces(paths["LangGraph"])}
    counts = {name: _counts(files, both) for name, files in paths.items()}
    alike = len({json.dumps(c, sort_keys=True) for c in counts.values()}) == 1
    yield Line(
        "planted: outcomes and visits of the shared runs alike in three formats",
        "alike" if alike else "they differ", f"{len(both)} runs", alike,
    )  # fmt: skip
    truth = json.loads((folder / "ledger_truth.json").read_text())
    for name, files in paths.items():
        report = gap.measure(files)
        end = report.numbers.end_to_end
        inside, steps = _inside(report, truth)
        wanted = name == "LangGraph" or round(end.value or 0.0, 3) == END_TO_END
        yield Line(
            f"planted, {name}: end to end; steps whose interval holds the truth",
            f"{end.value:.4f} [{end.low:.3f}, {end.high:.3f}]; {inside} of {steps}",
            f"{end.n} runs", wanted and inside == steps > 0,
        )  # fmt: skip


def _traces(files: Sequence[Path]) -> list[Trace]:
    problems = Problems()
    return list(importer.source(list(files), "auto", problems).traces(Mapping(), problems))


def _counts(files: Sequence[Path], items: set[str]) -> dict[str, Any]:
    """Good runs, visits and flags of the runs of `items`; people are named in one format only."""
    runs = [trace for trace in _traces(files) if trace.item in items]
    visits = [
        ("person" if v.kind == "human" else v.step, v.flagged) for t in runs for v in t.visits
    ]
    return {
        "runs": len(runs),
        "good": sorted(t.item for t in runs if t.outcome),
        "visits": sorted(Counter(step for step, _ in visits).items()),
        "flags": sorted(Counter(step for step, flagged in visits if flagged).items()),
    }


def _inside(report: GapReport, truth: dict[str, Any]) -> tuple[int, int]:
    """How many steps' intervals hold the planted yield behind a handoff, and of how many."""
    real = {step: truth["solo"][step] * truth["handoff"].get(step, 1.0) for step in truth["steps"]}
    rates = {s.step: s.in_pipeline for s in report.steps if s.step in real}
    known = {k: r for k, r in rates.items() if r.low is not None and r.high is not None}
    inside = sum((r.low or 0.0) <= real[k] <= (r.high or 1.0) for k, r in known.items())
    return inside, len(real)


def blind(folder: Path) -> Line:
    """Spans of the planted file without their labels."""
    data = json.loads((folder / "planted" / "otlp_genai_300.json").read_text())
    spans = [s for r in data["resourceSpans"] for c in r["scopeSpans"] for s in c["spans"]]
    for span in spans:
        span["events"] = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "status_only.json"
        path.write_text(json.dumps(data))
        report = gap.measure([path])
    return Line(
        "status-only traces are called blind", "called blind" if report.blind else "missed",
        f"{report.traces} runs", bool(report.blind) and report.numbers.end_to_end.value is None,
    )  # fmt: skip


def ledger(store: Path) -> Line:
    """The loop's own ledger."""
    report = gap.measure([store], "ledger")
    end = report.numbers.end_to_end
    said = f"end to end not measured: {end.reason}"
    if end.value is not None:
        said = f"end to end {end.value:.3f} [{end.low:.3f}, {end.high:.3f}]"
    steps = ", ".join(s.step for s in report.steps)
    return Line("the loop's own ledger", f"{said}; steps: {steps}", f"{report.traces} runs", True)


def lines(quick: bool, store: Path | None) -> Iterator[Line]:
    """Everything, in the order in which it is asked for."""
    yield tested(
        "1. vectors, to their tolerance",
        "tests/gap/test_vectors_measure.py", "tests/gap/test_vectors_plan.py",
    )  # fmt: skip
    yield tested(
        "1. simulator within 4 sigma of the exact model", "tests/gap/test_plan_simulate.py"
    )
    yield tested("2. placement against brute force", "tests/gap/test_plan_placement.py")
    shared = footage.shared()
    if shared is not None:
        folder = shared / "traces"
        for line in (taubench(folder), *planted(folder), blind(folder)):
            yield line._replace(name=f"3. {line.name}")
    if not quick:
        yield tested("4. coverage of intervals", "-m", "slow", "tests/gap/test_coverage.py")
    if store is not None:
        line = ledger(store)
        yield line._replace(name=f"6. {line.name}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the bench; 1 where anything does not hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="without the coverage of intervals")
    parser.add_argument("--store", type=Path, help="a project's state, for the loop's own ledger")
    given = parser.parse_args(arguments)
    found = list(lines(given.quick, given.store))
    rows = [[x.name, x.found, x.n, "holds" if x.holds else "MISSED"] for x in found]
    left = [] if footage.shared() is not None else ["Without the shared data: 3 was not counted."]
    text = tables.table(["must reach", "found", "n", ""], rows)
    tables.write("gap_reach", "\n".join(["# What must be reached", "", text, *left]))
    return 0 if all(x.holds for x in found) else 1


if __name__ == "__main__":
    raise SystemExit(main())
