"""The bench's own traces: as many spans as asked for, and what was planted is found again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import gap as bench
from bench import gap_reach as reach
from filmgate import gap
from filmgate.gap.reading import loads


def test_the_bench_plants_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "spans.jsonl"
    path.write_bytes(b"".join(request + b"\n" for request in bench.requests(12_000)))
    spans = [
        s for line in path.read_bytes().splitlines()
        for resource in loads(line)["resourceSpans"]
        for scope in resource["scopeSpans"] for s in scope["spans"]
    ]  # fmt: skip
    assert len(spans) == 12_000
    assert 1800 <= path.stat().st_size / len(spans) <= 2400  # bytes per span
    found = gap.measure([path])
    steps = {s.step: s for s in found.steps}
    assert tuple(steps) == bench.STEPS
    for step, real in bench.YIELDS.items():
        rate = steps[step].in_pipeline
        assert rate.low is not None
        assert rate.high is not None
        assert rate.low - 0.01 <= real <= rate.high + 0.01, step
    assert all(v.word == "helps" for v in found.verifiers)
    # The last request cuts a few runs off, as a file that is still being written does.
    assert [p.text.split(";")[0] for p in found.problems] == [
        "traces with spans whose parent is missing"
    ]


def test_what_must_be_reached_is_counted_from_the_shared_files(shared: Path) -> None:
    folder = shared / "traces"
    found = [reach.taubench(folder), *reach.planted(folder), reach.blind(folder)]
    assert [line.holds for line in found] == [True] * 6, found
    assert found[0].found.startswith("0.42000, 0.27333, 0.22000, 0.20000; ICC 0.40")
    assert found[1].n == "60 runs"


def test_a_test_that_fails_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "test_one.py"
    path.write_text("def test_a():\n    pass\n\ndef test_b():\n    assert 1 > 2\n")
    line = reach.tested("one of two", str(path), "-p", "no:cacheprovider")
    assert (line.holds, line.found) == (False, "1 held, 1 failed")


def test_costs_are_those_of_a_process_of_its_own() -> None:
    found = bench.cost("total = sum(range(10_000_000)); print('done')")
    assert found.told == "done"
    assert found.wall_s > 0.05
    assert found.peak_mb > 5
    with pytest.raises(Exception, match="exit status"):
        bench.cost("raise SystemExit(3)")
