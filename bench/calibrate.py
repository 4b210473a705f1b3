"""Make the calibration that ships: what the comparisons of clean footage look like.

Clean runs of three sizes, so that every way of comparing is calibrated at the group size it meets:
scenes of 20 shots, camera set-ups of 4 shots, sequences of 2 to 5 shots. Sources: the development
people (`footage.DEVELOPMENT`, seeds below 1000) relit none, mildly and strongly, reframed, JPEG or
H.264; previz without drift (seeds below 1000), with people and without; the shots labelled clean
(or reference) in the shared footage, as they are and relit as a whole and encoded again.

    python -m bench.calibrate            writes src/filmgate/continuity/calibration.json
    python -m bench.calibrate --quick    a tenth of it, to try; writes to bench/out
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from bench import footage, measuring, nuisance, projects, tables
from bench.judge import checks
from bench.measuring import Arm, Bench
from bench.nuisance import Framing, Level, Light
from bench.shots import FRAMES, Shot
from filmgate.continuity import engine
from filmgate.continuity.calibration import Calibration
from filmgate.schema import shot as schema
from filmgate.schema.signature import Signature

SHIPPED: Final = footage.REPOSITORY / "src" / "filmgate" / "continuity" / "calibration.json"
CLEAN: Final = ("clean", "reference")
Run = tuple[str, tuple[Shot, ...]]


def large(seeds: Sequence[int], level: Level, scenes: int = 4) -> list[Run]:
    """Sequences of `scenes` scenes of 20 shots, people intercut."""
    runs = []
    for seed in seeds:
        project = projects.with_people(seed, footage.DEVELOPMENT, level, scenes)
        runs.append((f"scenes of 20, {level}", project.shots))
    return runs


def small(seeds: Sequence[int], level: Level, scenes: int = 8) -> list[Run]:
    """Sequences of set-ups of 4 shots: one person, one set-up or two a scene."""
    runs = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 21])
        made: list[Shot] = []
        for number in range(scenes):
            person = str(rng.choice(footage.DEVELOPMENT))
            made += projects.scene([person], level, 4, number, rng)
        runs.append((f"set-ups of 4, {level}", tuple(made)))
    return runs


def short(seeds: Sequence[int], level: Level) -> list[Run]:
    """Sequences of 2 to 5 shots of one scene."""
    runs = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 22])
        people = [str(p) for p in rng.permutation(footage.DEVELOPMENT)[: 1 + seed % 2]]
        made = projects.scene(people, level, int(rng.integers(2, 6)), 0, rng)
        runs.append((f"2 to 5 shots, {level}", tuple(made)))
    return runs


def encoded(seeds: Sequence[int]) -> list[Run]:
    """Scenes of 20 through a real H.264 encode."""
    return [
        ("scenes of 20, H.264", tuple(dataclasses.replace(s, video=True) for s in shots))
        for _, shots in large(seeds, "mild", 1)
    ]


def rendered(seeds: Sequence[int]) -> list[Run]:
    """Previz without drift: with two people, and without people in set-ups of four."""
    from filmgate.models.generators import previz

    runs = []
    for seed in seeds:
        for people, shots, setups, scenes, name in (
            (2, 48, 5, 2, "previz, people"), (0, 80, 20, 1, "previz, empty"),
            (1 + seed % 2, 2 + seed % 4, 2, 1, "previz, 2 to 5 shots"),
        ):  # fmt: skip
            specs, _ = previz.sequence(
                shots, people, setups=setups, scenes=scenes, seed=seed, frames=FRAMES, rate=3
            )
            made = tuple(
                Shot(f"previz:{s.to_json()}", tuple(range(FRAMES)), Framing(), Light(), None, None)
                for s in specs
            )
            runs.append((name, made))
    return runs


def labelled(repeats: int) -> list[Run]:
    """Clean and reference shots of the labelled sequences, as they are and relit as a whole.

    A sequence gives one run per scene (`group`) with at least two such shots, and the whole
    sequence where all its shots are clean.
    """
    folder = footage.shared()
    if folder is None:
        return []
    lines = (folder / "footage" / "labels.jsonl").read_text().splitlines()
    groups: dict[tuple[str, str], list[str]] = {}
    for row in map(json.loads, lines):
        if row["overall"] in CLEAN:
            groups.setdefault((row["seq"], row["group"]), []).append(row["cut"])
    runs: list[Run] = []
    for number, files in enumerate(f for f in groups.values() if len(f) >= 2):
        for repeat in range(repeats):
            rng = np.random.default_rng([number, repeat, 23])
            level: Level = ("none", "mild", "strong")[repeat % 3]
            light = nuisance.draw_light(level, rng)
            made = tuple(
                Shot(f"file:{file}", (), *_augmented(light, level, rng), None, None)
                for file in files
            )
            runs.append((f"labelled clean, {level}", made))
    return runs


def _augmented(light: Light, level: Level, rng: np.random.Generator) -> tuple[Framing, Light]:
    if level == "none":
        return Framing(), Light()
    frame = nuisance.reframe(Framing(width=0.97), rng)
    return dataclasses.replace(frame, roll_deg=0.0), nuisance.jitter(light, rng)


def all_runs(quick: bool = False, with_labels: bool = True) -> list[Run]:
    """Every clean run, kinds interleaved, so that any third of them holds all kinds."""
    part = 1 if quick else 6
    runs: list[Run] = []
    if footage.shared() is not None:
        for at, level in enumerate(nuisance.LEVELS):
            first = 100 * at
            runs += large(range(first, first + (1 if quick else 2)), level)
            runs += small(range(first + 20, first + 20 + (1 if quick else 3)), level)
            runs += short(range(first + 40, first + 40 + 4 * part), level)
        runs += encoded(range(300, 301 if quick else 303))
        if with_labels:
            runs += labelled(1 if quick else 3)
    runs += rendered(range(500, 500 + part))
    order = np.random.default_rng(4).permutation(len(runs))
    return [runs[i] for i in order]


def fit(runs: Sequence[Run], bench: Bench) -> Calibration:
    """Measure the runs in every arm and fit."""
    bench.measure({s.digest(): s for _, shots in runs for s in shots}.values(), "clean shots")
    clean: list[tuple[schema.Sequence, list[Signature]]] = []
    for number, (_, shots) in enumerate(runs):
        ids = [schema.Shot(f"shot_{i:04}", f"run_{number}", f"shot_{i:04}.mp4")
               for i in range(len(shots))]  # fmt: skip
        measured = [bench.load(s) for s in shots]
        for arm in bench.arms:
            sequence = schema.Sequence(f"run_{number}", tuple(ids))
            clean.append((sequence, [m.signatures[arm.name] for m in measured]))
    return engine.fit(clean, source(runs, bench.arms), checks())


def source(runs: Sequence[Run], arms: Sequence[Arm]) -> str:
    """Where the clean comparisons come from, in one sentence."""
    kinds = sorted({name.split(",")[0] for name, _ in runs})
    shots = sum(len(s) for _, s in runs)
    seen = " and ".join(arm.name for arm in arms)
    return (
        f"{shots} clean shots in {len(runs)} sequences ({'; '.join(kinds)}), unlit, mildly and "
        f"strongly relit, reframed, re-encoded; measured {seen}; bench.calibrate"
    )


def report(runs: Sequence[Run], made: Calibration, bench: Bench) -> str:
    """What went in and what came out."""
    kinds: dict[str, list[int]] = {}
    for name, shots in runs:
        kinds.setdefault(name, []).append(len(shots))
    went = [(k, len(n), sum(n)) for k, n in sorted(kinds.items())]
    came = [(k, t.unit, t.n, t.threshold) for k, t in made.table().items()]
    few = [(k,) for k in sorted(_unseen(made))]
    return "\n".join([
        "# Calibration\n", f"{made.source}. {made.guarantee()}.\n",
        tables.table(["clean runs", "sequences", "shots"], went),
        tables.table(["comparison", "unit", "n", "times the scale at p = .01"], came),
        f"Shots behind the shot-level p-value: {made.n_shots}. "
        f"CPU: {bench.cpu_s:.0f} s for {bench.measured} newly measured shots.\n",
        tables.table(["kinds without a calibration"], few) if few else "",
    ])  # fmt: skip


def _unseen(made: Calibration) -> set[str]:
    return {c.name for c in checks()} - {k.split("/")[0].split(":")[0] for k in made.nulls}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.calibrate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the runs, to bench/out")
    parser.add_argument("--no-labels", action="store_true", help="leave the labelled footage out")
    parser.add_argument("--fresh", action="store_true", help="measure everything anew")
    parser.add_argument("--out", type=Path, help="where to write, instead of the shipped file")
    parser.add_argument("--workers", type=int)
    asked = parser.parse_args(arguments)
    if asked.fresh:
        measuring.forget()
    if footage.shared() is None:
        print(footage.missing())
    runs = all_runs(asked.quick, not asked.no_labels)
    with Bench(measuring.arms(), asked.workers) as bench:
        made = fit(runs, bench)
        path = asked.out or (footage.OUT / "calibration.json" if asked.quick else SHIPPED)
        path.parent.mkdir(parents=True, exist_ok=True)
        made.save(path)
        tables.write("calibration", report(runs, made, bench))
    print(f"Written: {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
