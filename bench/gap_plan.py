"""How fast `filmgate gap plan` places verifiers.

    python -m bench.gap_plan            30, 100, 300 and 1,000 handoffs with 18 options
    python -m bench.gap_plan --quick    30 and 100

Must: 1,000 handoffs with 18 options in under 2 s on one core, 30 in under 50 ms (the reference in
plain Python took 6.2 s and .2 s). The chains and the menu are the reference's (`placement_scale` of
the vectors), so that the values can be compared. CPU seconds decide: they stay true on a busy
machine, and one core is all that is used. Beside it: a target on 30 handoffs, exact evaluation of a
graph of 1,000 steps, and the import.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from bench import tables
from filmgate.gap.pipeline import Option, Person, Pipeline, Step, Verifier, chain
from filmgate.gap.placement import evaluate
from filmgate.gap.placement.bounded import cheapest
from filmgate.gap.placement.chain import solve

ESCAPE: Final = 5000.0
VALUES: Final = {30: 61.450763185592685, 100: 186.36278257017224, 300: 532.4028122488552}
"""The reference's optimum; at 1,000 it limits segments to 12 steps and is .83 dearer than ours."""
LIMITS_S: Final = {30: 0.05, 1000: 2.0}
REPEATS: Final = {30: 15, 100: 9, 300: 5, 1000: 3}


class Took(NamedTuple):
    """Medians of some runs, in seconds."""

    wall_s: float
    cpu_s: float


def menu() -> tuple[tuple[Verifier, ...], tuple[Person, ...]]:
    """Three verifiers, three numbers of attempts, two fallbacks: 18 options."""
    rows = {"schema": (0.4, 0.002, 0.01), "judge": (0.9, 0.05, 0.3), "panel": (0.97, 0.03, 1.0)}
    verifiers = tuple(
        Verifier(name, *row, attempts=(1, 2, 3), fallback=("pass", "human"))
        for name, row in rows.items()
    )
    return verifiers, (Person("human", 0.99, 250.0),)


def reference_chain(n: int) -> Pipeline:
    """The reference's chain of `n` steps."""
    draw = random.Random(7)
    verifiers, people = menu()
    return Pipeline(chain([draw.uniform(0.95, 0.999) for _ in range(n)]), verifiers, people)


def graph(n: int, window: int = 6) -> tuple[Pipeline, tuple[Option | None, ...]]:
    """A random graph whose steps take from the last few, with a judge behind every third."""
    draw = random.Random(11)
    verifiers, people = menu()
    steps: list[Step] = []
    for i in range(n):
        before = range(max(0, i - window), i)
        # The step before is always one of the inputs: everything leads to the last step.
        chosen = sorted({i - 1, *draw.sample(before, min(len(before), draw.randint(0, 2)))})
        after = tuple(str(k) for k in chosen if k >= 0)
        steps.append(
            Step(
                str(i),
                draw.uniform(0.98, 0.9999),
                1.0,
                0.0,
                after,
                draw.randint(1, len(after) or 1),
            )
        )
    judge = Option("judge", 3, "human")
    nodes = tuple(judge if i % 3 == 2 else None for i in range(n))
    return Pipeline(tuple(steps), verifiers, people), nodes


def timed(work: Callable[[], object], repeats: int) -> Took:
    """Run `work` once to warm up, then `repeats` times."""
    work()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Took(statistics.median(walls), statistics.median(cpus))


def import_s() -> float:
    """Seconds from an interpreter's start to the plan being importable, less the bare start."""

    def start(program: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        return time.perf_counter() - begin

    work = "import filmgate.gap.placement"
    return min(start(work) for _ in range(3)) - min(start("pass") for _ in range(3))


def placement(sizes: Sequence[int]) -> tuple[str, bool]:
    """The table of exact placement, and whether the limits were kept."""
    rows: list[Sequence[object]] = []
    kept = True
    for n in sizes:
        pipeline = reference_chain(n)
        took = timed(lambda given=pipeline: solve(given, ESCAPE), REPEATS[n])  # type: ignore[misc]
        found = solve(pipeline, ESCAPE)
        apart = f"{found.value - VALUES[n]:+.1e}" if n in VALUES else "–"
        limit = LIMITS_S.get(n)
        kept &= limit is None or took.cpu_s < limit
        rows.append(
            (
                f"{n:,} handoffs", len(pipeline.options()), f"{1000 * took.wall_s:.0f}",
                f"{1000 * took.cpu_s:.0f}", "" if limit is None else f"{1000 * limit:.0f}",
                found.lines, f"{found.value:.6f}", apart,
            )
        )  # fmt: skip
    head = ("exact placement", "options", "wall ms", "CPU ms", "must, ms", "lines",
            "value", "from the reference")  # fmt: skip
    return tables.table(head, rows), kept


def others() -> str:
    """What stands beside placement."""
    thirty = reference_chain(30)
    pipeline, nodes = graph(1000)
    rows: list[Sequence[object]] = []
    for name, work in (
        ("30 handoffs, cheapest plan for 99 %", lambda: cheapest(thirty, 0.99)),
        ("graph of 1,000 steps, exact evaluation", lambda: evaluate(pipeline, nodes)),
    ):
        took = timed(work, 3)
        rows.append((name, f"{1000 * took.wall_s:.0f}", f"{1000 * took.cpu_s:.0f}"))
    rows.append(("import filmgate.gap.placement", f"{1000 * import_s():.0f}", ""))
    return tables.table(("beside it", "wall ms", "CPU ms"), rows)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--quick", action="store_true", help="30 and 100 handoffs only")
    options = parser.parse_args(arguments)
    table, kept = placement((30, 100) if options.quick else (30, 100, 300, 1000))
    load = os.getloadavg()[0]
    told = "kept" if kept else "MISSED"
    tables.write(
        "gap_plan",
        f"# Placement\n\n{tables.machine()}, load {load:.1f}. Limits {told} "
        f"(CPU time).\n\n{table}\n{others()}",
    )
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
