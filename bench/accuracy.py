"""How well drift is found: planted on real footage, on shots without people, and hand labels.

    python -m bench.accuracy                     everything (hours the first time; kept after)
    python -m bench.accuracy --quick             two projects a cell, to see that it runs
    python -m bench.accuracy --only planted      one part: planted, empty, encode, labels

Headline: strong honest light between scenes, held-out people (`footage.HELD_OUT`) and seeds
(from 1000), 20 projects of 400 shots of which 12 drift. Two arms: without and with weights. What
was measured is kept under ``bench/out/cache``; only a change of the comparison is then paid for.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from bench import (
    baselines,
    calibrate,
    footage,
    labels,
    measuring,
    metrics,
    nuisance,
    projects,
    tables,
)
from bench.judge import Judgement, judge
from bench.measuring import Bench, Measured
from bench.metrics import Rows
from bench.nuisance import Level
from bench.plant import CHECKS
from bench.projects import Project
from filmgate.continuity import calibration as calibrations
from filmgate.continuity.calibration import Calibration

MAGNITUDES: Final = (5.0, 8.0, 12.0, 16.0, 20.0, 30.0)
HEADLINE: Final = (12.0, 20.0)
PARTS: Final = ("planted", "grades", "empty", "encode", "labels")
GRADE_SIZES: Final = (0.25, 0.5, 0.7, 1.0)
"""Of the planted grade, which 1 is."""


def sizes(magnitude: float) -> dict[str, float]:
    """Garment colours, whole shot and ramp, by `magnitude` ΔE00; the other kinds as they are."""
    return {"wardrobe": magnitude, "in_shot_wardrobe": magnitude}


COVERED_EMPTY: Final = ("lighting or grade", "geometry")
"""What coverage without people is told of. Light and grade are one comparison, named after what its
difference looks like: only the check it is named for may then change the verdict."""


@dataclass
class Scored:
    """Scores of several projects under one name ("product", or a baseline)."""

    rows: list[Rows] = field(default_factory=list)

    def all(self) -> Rows:
        return Rows.join(self.rows)


@dataclass
class Cell:
    """One arm at one nuisance level and magnitude."""

    by: dict[str, Scored] = field(default_factory=dict)
    covered: dict[str, list[float]] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    flagged: list[tuple[float, float]] = field(default_factory=list)

    def rows(self, name: str = "product") -> Rows:
        return self.by[name].all()


def rows_of(project: Project, score: np.ndarray, answer: Judgement | None) -> Rows:
    """A project's shots as `Rows`."""
    count = len(project.shots)
    drift = np.zeros(count, bool)
    kind = np.full(count, "", dtype="<U24")
    right, seen = np.zeros(count, bool), np.ones(count, bool)
    for at, planted in project.drifts.items():
        drift[at], kind[at] = True, planted.family
        if answer is not None:
            right[at] = answer.blame[at] in CHECKS[planted.kind]
            seen[at] = bool(answer.covered(CHECKS[planted.kind])[at])
    person = np.array([s.person or s.source.split(":")[0] for s in project.shots])
    return Rows(np.asarray(score, float), drift, np.full(count, project.seed), person, kind,
                right, seen)  # fmt: skip


def judged(
    project: Project, measured: Sequence[Measured], arm: str, made: Calibration, declared: bool
) -> tuple[Judgement, float]:
    """The product's answer and the seconds of comparing."""
    signatures = [m.signatures[arm] for m in measured]
    begin = time.process_time()
    answer = judge(project.sequence(), signatures, project.look(declared), made)
    return answer, time.process_time() - begin


def add(
    cell: Cell, project: Project, measured: Sequence[Measured], arm: str, made: Calibration,
    rivals: bool, declared: bool = False,
) -> None:  # fmt: skip
    """Judge one project and put the result into `cell`."""
    answer, seconds = judged(project, measured, arm, made, declared)
    cell.seconds.append(seconds)
    cell.by.setdefault("product", Scored()).rows.append(rows_of(project, answer.score, answer))
    people = np.array([bool(s.person) for s in project.shots])
    for name in ("wardrobe",) if people.any() else COVERED_EMPTY:
        seen = answer.covered(name.split(" or "))
        cell.covered.setdefault(name, []).append(float(seen[people | ~people.any()].mean()))
    drift = np.isin(np.arange(len(project.shots)), list(project.drifts))
    cell.flagged.append((float(answer.flagged[drift].mean()), float(answer.flagged[~drift].mean())))
    if not rivals:
        return
    names = [f"{s.scene}/{s.person or s.setup}" for s in project.shots]
    _, groups = np.unique(names, return_inverse=True)
    features = [m.features for m in measured]
    signatures = [m.signatures[arm] for m in measured]
    for told, name in baselines.NAMES_OF.items():
        score = baselines.group_scores(name, features, signatures, groups)
        cell.by.setdefault(told, Scored()).rows.append(rows_of(project, score, None))


def variants(
    bench: Bench, project: Project, asked: Mapping[float, dict[str, float]]
) -> Iterator[tuple[float, list[Measured]]]:
    """The project measured with its drifts at each of the sizes asked for."""
    drifting = {name: project.drifting(sizes_of) for name, sizes_of in asked.items()}
    wanted = [*project.shots, *(s for v in drifting.values() for s in v.values())]
    bench.measure({s.digest(): s for s in wanted}.values(), project.id)
    clean = [bench.load(s) for s in project.shots]
    for name, shots in drifting.items():
        measured = list(clean)
        for at, shot in shots.items():
            measured[at] = bench.load(shot)
        yield name, measured


def run_project(
    cells: dict[tuple[str, float], Cell], project: Project, bench: Bench, made: Calibration,
    magnitudes: Sequence[float],
) -> None:  # fmt: skip
    """Measure a project once, judge it at every magnitude and in every arm."""
    for magnitude, measured in variants(bench, project, {m: sizes(m) for m in magnitudes}):
        for arm in bench.arms:
            cell = cells.setdefault((arm.name, magnitude), Cell())
            add(cell, project, measured, arm.name, made, magnitude in HEADLINE)
            if magnitude in HEADLINE:
                named = cells.setdefault((f"{arm.name}, scenes declared", magnitude), Cell())
                add(named, project, measured, arm.name, made, False, declared=True)


HEAD: Final = ["", "drifts", "AUROC", "recall@3 %", "recall@6 %", "clean flagged at 95 % recall",
               "blame", "recall@3 %, blind = miss"]  # fmt: skip


def figures(name: str, rows: Rows, repeats: int) -> list[object]:
    """One table row: every headline figure with its interval."""
    whats = (
        metrics.mean_auroc, metrics.recall_at(0.03), metrics.recall_at(0.06),
        metrics.flagged_at_recall(0.95), metrics.blame_at(0.06), metrics.recall_at(0.03, True),
    )  # fmt: skip
    made = [metrics.bootstrap(rows, w, repeats) for w in whats]
    if not rows.right.any():
        made[4] = metrics.Figure(float("nan"), 0, 0, 0)
    return [name, made[0].n, *map(str, made)]


def by_kind(cell: Cell) -> str:
    """Recall at 3 % of each fault class, the product and every baseline side by side.

    Twice: with all classes drifting at once, where a drift of one class takes a place from another
    (a baseline that is blind to most classes keeps all its places for the rest), and each class
    alone, the other classes' drifts left out.
    """
    product = cell.rows()
    kinds = sorted({str(k) for k in product.kind if k})
    heads = [f"{kind} ({int((product.kind == kind).sum())})" for kind in kinds]
    recall = metrics.recall_at(0.03)
    together = {
        "product, AUROC": [_of(product, metrics.of_kind(k, metrics.mean_auroc)) for k in kinds],
        "product, blame": [_of(product, metrics.of_kind(k, metrics.blame_at(0.06))) for k in kinds],
    }
    ways = {"recall@3 %": metrics.of_kind, "recall@3 %, each class alone": metrics.alone}
    made = []
    for told, way in ways.items():
        rows: list[list[object]] = []
        for name, scored in cell.by.items():
            found = scored.all()
            rows.append([name, *(f"{_of(found, way(k, recall)):.2f}" for k in kinds)])
        if way is metrics.of_kind:
            rows += [[name, *(f"{v:.3f}" for v in row)] for name, row in together.items()]
        made.append(tables.table([told, *heads], rows))
    return "\n".join(made)


def _of(rows: Rows, what: Callable[[Rows, metrics.F64], float]) -> float:
    return what(rows, np.ones(len(rows.score)))


def planted(
    bench: Bench, made: Calibration, level: Level, count: int, magnitudes: Sequence[float],
    repeats: int,
) -> str:  # fmt: skip
    """Drift planted on people, at one nuisance level."""
    cells: dict[tuple[str, float], Cell] = {}
    first = footage.HELD_OUT_SEEDS
    for seed in range(first, first + count):
        project = projects.with_people(seed, footage.HELD_OUT, level)
        run_project(cells, project, bench, made, magnitudes)
    lines = [
        figures(f"{arm}, ΔE00 {magnitude:g}", cell.rows(), repeats)
        for (arm, magnitude), cell in cells.items()
    ]
    parts = [f"## Planted on people, relighting: {level} ({count} projects)\n",
             tables.table(HEAD, lines)]  # fmt: skip
    for arm in bench.arms:
        for magnitude in (m for m in HEADLINE if m in magnitudes):
            cell = cells[arm.name, magnitude]
            # Most baselines are told the scenes: so is the product, in a line of its own.
            told = cells[f"{arm.name}, scenes declared", magnitude].by["product"]
            cell.by = {"product": cell.by["product"], "product, scenes declared": told, **cell.by}
            parts += [f"### {arm.name}, ΔE00 {magnitude:g}: baselines and fault classes\n",
                      _rivals(cell), by_kind(cell), _notes(cell)]  # fmt: skip
    return "\n".join(parts)


def _rivals(cell: Cell) -> str:
    rows = []
    for name, scored in cell.by.items():
        found, ones = scored.all(), np.ones(sum(len(r.score) for r in scored.rows))
        rows.append([
            name, metrics.mean_auroc(found, ones), metrics.recall_at(0.03)(found, ones),
            metrics.recall_at(0.06)(found, ones), metrics.flagged_at_recall(0.95)(found, ones),
        ])  # fmt: skip
    return tables.table(
        ["", "AUROC", "recall@3 %", "recall@6 %", "clean flagged at 95 % recall"], rows
    )


def _notes(cell: Cell) -> str:
    recall, false = np.mean(cell.flagged, axis=0)
    told = ", ".join(
        f"{name} {np.mean(v):.3f} (lowest project {np.min(v):.3f})"
        for name, v in cell.covered.items()
    )
    return (
        f"Coverage (measurements that can change the verdict): {told}. At the default verdict "
        f"{recall:.2f} of the drifts and {false:.4f} of the clean shots are flagged. Comparing 400 "
        f"shots: {np.mean(cell.seconds):.2f} s (with a second pass for coverage).\n"
    )


def grades(bench: Bench, made: Calibration, count: int, repeats: int) -> str:
    """Grades of several sizes, nothing else drifting, and the best baseline, told the scenes."""
    cells: dict[float, dict[str, Cell]] = {}
    arm = bench.arms[0].name
    for seed in range(footage.HELD_OUT_SEEDS, footage.HELD_OUT_SEEDS + count):
        whole = projects.with_people(seed, footage.HELD_OUT, "strong")
        kept = {at: drift for at, drift in whole.drifts.items() if drift.kind == "grade"}
        project = dataclasses.replace(whole, drifts=kept)
        for size, measured in variants(bench, project, {s: {"grade": s} for s in GRADE_SIZES}):
            of = cells.setdefault(size, {"found": Cell(), "declared": Cell()})
            add(of["found"], project, measured, arm, made, True)
            add(of["declared"], project, measured, arm, made, False, declared=True)
    lines: list[list[object]] = []
    for size, of in cells.items():
        rivals = {n: s.all() for n, s in of["found"].by.items() if n != "product"}
        best = max(rivals, key=lambda n: _of(rivals[n], metrics.mean_auroc))
        named = {"filmgate": of["found"].rows(), "filmgate, scenes declared":
                 of["declared"].rows(), f"{best}, told the scenes": rivals[best]}  # fmt: skip
        lines += [[f"{size:g}", *figures(n, rows, repeats)[:5]] for n, rows in named.items()]
    return (
        f"## Grades alone, by size ({count} projects, {arm}; 1 is the planted grade of the tables "
        f"above)\n\n{tables.table(['size', *HEAD[:5]], lines)}"
    )


def empty(bench: Bench, made: Calibration, count: int, repeats: int) -> str:
    """Shots without people."""
    cells: dict[str, Cell] = {}
    first = footage.HELD_OUT_SEEDS
    for seed in range(first, first + count):
        project = projects.empty(seed)
        drifting = project.drifting()
        bench.measure([*project.shots, *drifting.values()], project.id)
        measured = [bench.load(s) for s in project.shots]
        for at, shot in drifting.items():
            measured[at] = bench.load(shot)
        for arm in bench.arms:
            add(cells.setdefault(arm.name, Cell()), project, measured, arm.name, made, True)
    parts = [
        f"## Shots without people: 400 shots, 100 set-ups ({count} projects)\n",
        tables.table(HEAD, [figures(a, c.rows(), repeats) for a, c in cells.items()]),
    ]
    for named, cell in cells.items():
        parts += [f"### {named}\n", _rivals(cell), by_kind(cell),
                  _notes(cell)]  # fmt: skip
    return "\n".join(parts)


def encode(bench: Bench, made: Calibration, shots: int) -> str:
    """One project through a real H.264 encode and the product's decoder, beside JPEG frames."""
    scenes = max(1, shots // projects.PER_SCENE)
    project = projects.with_people(footage.HELD_OUT_SEEDS, footage.HELD_OUT, "strong", scenes)
    rows = []
    for name, video in (("JPEG frames", False), ("H.264 files", True)):
        drifting = project.drifting(sizes(20.0))
        chosen = [drifting.get(i, s) for i, s in enumerate(project.shots)]
        chosen = [dataclasses.replace(s, video=video) for s in chosen]
        bench.measure(chosen, f"{project.id} {name}")
        measured = [bench.load(s) for s in chosen]
        for arm in bench.arms:
            cell = Cell()
            add(cell, project, measured, arm.name, made, False)
            found, ones = cell.rows(), np.ones(len(chosen))
            rows.append([
                f"{name}, {arm.name}", int(found.drift.sum()), metrics.mean_auroc(found, ones),
                metrics.recall_at(0.03)(found, ones), metrics.recall_at(0.06)(found, ones),
                float(np.mean(cell.covered["wardrobe"])),
            ])  # fmt: skip
    head = ["", "drifts", "AUROC", "recall@3 %", "recall@6 %", "wardrobe coverage"]
    return f"## One project through a real encode\n\n{tables.table(head, rows)}"


def calibration_of(path: str | None) -> Calibration:
    """The calibration to use: a file, else the shipped one."""
    if path is None:
        return calibrations.shipped()
    import json

    return calibrations.of_json(json.loads(Path(path).read_text(encoding="utf-8")))


def run(asked: argparse.Namespace) -> None:
    """Every part asked for; each writes its table as soon as it is done."""
    made = calibration_of(asked.calibration)
    if not made.nulls:
        print("There is no calibration yet: run python -m bench.calibrate first.")
    count = 2 if asked.quick else asked.projects
    repeats = 100 if asked.quick else metrics.REPEATS
    parts = PARTS if asked.only is None else (asked.only,)
    here = footage.shared() is not None
    if not here:
        print(footage.missing())
    with Bench(measuring.arms(not asked.plain), asked.workers) as bench:
        for level in [lv for lv in asked.levels if "planted" in parts and here]:
            some = count if level == "strong" else min(count, asked.others)
            wanted = HEADLINE if asked.quick else MAGNITUDES
            text = planted(bench, made, level, some, wanted, repeats)
            tables.write(f"accuracy-planted-{level}", text)
        if "grades" in parts and here:
            tables.write("accuracy-grades", grades(bench, made, count, repeats))
        if "empty" in parts:
            tables.write("accuracy-empty", empty(bench, made, min(count, asked.others), repeats))
        if "encode" in parts and here:
            tables.write("accuracy-encode", encode(bench, made, 80 if asked.quick else 400))
        if "labels" in parts and here:
            strict = None
            if not asked.quick:
                strict = calibrate.fit(calibrate.all_runs(with_labels=False), bench)
            tables.write("accuracy-labels", labels.report(bench, made, strict))
        print(f"{bench.measured} shots measured, {bench.cpu_s:.0f} s of CPU; {tables.machine()}")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.accuracy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two projects a cell")
    parser.add_argument("--only", choices=PARTS)
    parser.add_argument("--projects", type=int, default=20, help="projects behind a headline")
    parser.add_argument("--others", type=int, default=6, help="projects of every other cell")
    parser.add_argument(
        "--levels", nargs="*", choices=nuisance.LEVELS, default=list(nuisance.LEVELS)
    )
    parser.add_argument("--plain", action="store_true", help="only the arm without weights")
    parser.add_argument("--calibration", help="a calibration file instead of the shipped one")
    parser.add_argument("--fresh", action="store_true", help="measure everything anew")
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args(arguments)
    if asked.fresh:
        measuring.forget()
    run(asked)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
