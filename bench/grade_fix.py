"""Does the CDL that a grade finding carries bring the shot back? Measured on pixels.

    python -m bench.grade_fix          the grade drifts of the headline projects

Each planted grade drift (strong relighting between scenes, held-out people) is measured with its
sequence, the CDL towards its consensus is fitted from signatures alone, applied to the drifting
frames, and the frames are compared with what they were before the drift was planted.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

import numpy as np

from bench import footage, measuring, projects, tables
from bench.measuring import Bench
from bench.shots import Shot, render
from filmgate.continuity import cdl
from filmgate.continuity.world import World
from filmgate.measure.colour import delta_e_2000, srgb_to_lab
from filmgate.schema.look import Look


def apart(one: Shot, two: Shot, fix: object = None) -> float:
    """Mean ΔE00 over the frames of two renders, the first after the CDL `fix`."""
    misses = []
    for a, b in zip(render(one).frames, render(two).frames, strict=True):
        left = a.rgb[::4, ::4].astype(np.float64) / 255
        if fix is not None:
            left = cdl.apply(fix, left)  # type: ignore[arg-type]
        right = b.rgb[::4, ::4].astype(np.float64) / 255
        misses.append(float(delta_e_2000(srgb_to_lab(left), srgb_to_lab(right)).mean()))
    return float(np.mean(misses))


def main(arguments: Sequence[str] | None = None) -> int:
    """Print and write the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.grade_fix", description=__doc__)
    parser.add_argument("--projects", type=int, default=10)
    asked = parser.parse_args(arguments)
    if footage.shared() is None:
        print(footage.missing())
        return 0
    before, after, jitter = [], [], []
    arm = measuring.arms(False)
    with Bench(arm) as bench:
        for seed in range(footage.HELD_OUT_SEEDS, footage.HELD_OUT_SEEDS + asked.projects):
            project = projects.with_people(seed, footage.HELD_OUT, "strong")
            planted = project.drifting({})
            shots = [planted.get(i, shot) for i, shot in enumerate(project.shots)]
            bench.measure({s.digest(): s for s in shots}.values(), project.id)
            world = World(
                project.sequence(), [bench.load(s).signatures[arm[0].name] for s in shots], Look()
            )
            for at, drift in project.drifts.items():
                if drift.kind != "grade":
                    continue
                clean = dataclasses.replace(shots[at], drift=None)
                fix = cdl.towards(world, at, int(world.anchor[at]))
                before.append(apart(shots[at], clean))
                after.append(before[-1] if fix is None else apart(shots[at], clean, fix))
                usual = cdl.towards(world, at - 1, int(world.anchor[at - 1])) if at else None
                if usual is not None and at - 1 not in project.drifts:
                    other = shots[at - 1]
                    jitter.append(apart(other, other, usual))
    rows = [
        ("planted grade drift", len(before), _mean(before)),
        ("after the CDL", len(after), _mean(after)),
        ("what the CDL does to a clean shot", len(jitter), _mean(jitter)),
    ]
    better = sum(a < b for a, b in zip(after, before, strict=True))
    text = tables.table(["", "shots", "mean ΔE00 to the shot before the drift"], rows)
    tables.write("grade-fix", f"# Grade fix\n\n{text}\nBetter in {better} of {len(before)}.\n")
    return 0


def _mean(values: Sequence[float]) -> str:
    spread = 1.96 * float(np.std(values)) / max(len(values), 1) ** 0.5
    return f"{np.mean(values):.2f} ± {spread:.2f}"


if __name__ == "__main__":
    raise SystemExit(main())
