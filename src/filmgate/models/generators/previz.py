"""Previz: the project's own generator, an animatic renderer that needs no network.

It renders rooms in perspective with people, light, grade, camera and sound, the same for the same
seed, and plants drift of known kind and size. Sequences for tests and demos:

    python -m filmgate.models.generators.previz --out shots --truth truth.json --shots 24 --drifts 3
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from filmgate.errors import FilmgateError, UsageError
from filmgate.models.animatic.drift import UNITS, Drift, DriftKind, apply
from filmgate.models.animatic.sequence import (
    SIZES,
    ShotFact,
    Truth,
    sequence,
    write_sequence,
    write_truth,
)
from filmgate.models.animatic.shot import audio, clean_frames, frames, render
from filmgate.models.animatic.spec import (
    CameraSpec,
    Change,
    GradeSpec,
    LightSpec,
    PersonSpec,
    PlaceSpec,
    ShotSpec,
    SoundSpec,
    from_plain,
)
from filmgate.models.generator import Capability, JobState, Request, Result

__all__ = [
    "GENERATOR", "SIZES", "UNITS", "CameraSpec", "Change", "Drift", "DriftKind", "GradeSpec",
    "LightSpec", "PersonSpec", "PlaceSpec", "Previz", "ShotFact", "ShotSpec", "SoundSpec", "Truth",
    "apply", "audio", "clean_frames", "frames", "main", "render", "sequence", "write_sequence",
    "write_truth",
]  # fmt: skip

MODEL = "previz-1"
_EXTRAS = ("drifts", "crf", "bit_rate", "gop")


@dataclasses.dataclass(frozen=True, slots=True)
class _Job:
    spec: ShotSpec
    crf: float | None
    bit_rate: int | None
    gop: int


class Previz:
    """Renders on ``fetch``; a job is done as soon as it is submitted.

    ``Request.parameters``: the fields of :class:`ShotSpec` as plain JSON values, besides ``drifts``
    (a list of :class:`Drift` fields), ``crf``, ``bit_rate`` and ``gop``. The prompt is not read.
    Jobs live in this process only: a request renders the same take again at no cost.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, _Job] = {}
        self._ended: set[str] = set()

    def capabilities(self) -> tuple[Capability, ...]:
        """One model, offline, seeded, with sound."""
        return (Capability(MODEL, ("video",), longest_s=600.0, sound=True, seeded=True,
                           offline=True),)  # fmt: skip

    def submit(self, request: Request) -> str:
        """Check ``request`` and keep it; the id follows from its content."""
        if request.model != MODEL:
            raise UsageError(f"Previz has no model {request.model!r}, only {MODEL}.")
        plain = {key: value for key, value in request.parameters.items() if key not in _EXTRAS}
        spec = from_plain(ShotSpec, {"seed": request.seed, **plain})
        drifts = request.parameters.get("drifts", [])
        if not isinstance(drifts, Sequence):
            raise UsageError("drifts must be a list.")
        for drift in drifts:
            spec = apply(spec, from_plain(Drift, drift))
        crf = _number(request, "crf")
        bit_rate, gop = _number(request, "bit_rate"), _number(request, "gop")
        made = _Job(spec, crf, None if bit_rate is None else int(bit_rate),
                    24 if gop is None else int(gop))  # fmt: skip
        text = json.dumps([spec.to_json(), made.crf, made.bit_rate, made.gop])
        job = "previz-" + hashlib.sha256(text.encode()).hexdigest()[:24]
        self._jobs[job] = made
        self._ended.discard(job)
        return job

    def poll(self, job: str) -> JobState:
        """Done, unless it was cancelled."""
        self._job(job)
        return JobState.CANCELLED if job in self._ended else JobState.DONE

    def fetch(self, job: str, path: Path) -> Result:
        """Render the take of ``job`` into ``path``."""
        made = self._job(job)
        if job in self._ended:
            raise UsageError(f"The job {job} was cancelled and has no take.")
        render(made.spec, path, crf=made.crf, bit_rate=made.bit_rate, gop=made.gop)
        return Result(path, MODEL)

    def cancel(self, job: str) -> None:
        """Forget about rendering ``job``."""
        self._job(job)
        self._ended.add(job)

    def _job(self, job: str) -> _Job:
        if job not in self._jobs:
            raise UsageError(f"Previz has no job {job!r}.")
        return self._jobs[job]


def _number(request: Request, name: str) -> float | None:
    """A number among the extras of a request."""
    value = request.parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise UsageError(f"{name} is {value!r}, but must be a number.")
    return float(value)


GENERATOR = Previz


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m filmgate.models.generators.previz",
        description="Render a sequence of shots with planted drift; the truth goes elsewhere.",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for shot_001.mp4 and on")
    parser.add_argument("--truth", type=Path, help="file for what was planted, outside --out")
    parser.add_argument("--shots", type=int, default=24)
    parser.add_argument("--people", type=int, default=2, help="0 for views of an empty place")
    parser.add_argument("--setups", type=int, default=6, help="camera set-ups per scene")
    parser.add_argument("--scenes", type=int, default=2)
    parser.add_argument("--drifts", type=int, default=3)
    parser.add_argument("--kinds", nargs="*", choices=sorted(UNITS), help="kinds to choose from")
    parser.add_argument("--frames", type=int, default=48, help="frames per shot")
    parser.add_argument("--size", default="640x360", help="width x height in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    return parser


def _size(text: str) -> tuple[int, int]:
    wide, cross, high = text.partition("x")
    if not (cross and wide.isdigit() and high.isdigit()):
        raise UsageError(f"The size is {text!r}, but must look like 640x360.")
    return int(wide), int(high)


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line entry; returns the exit status."""
    asked = _parser().parse_args(arguments)
    try:
        out, truth_at = cast(Path, asked.out), cast(Path | None, asked.truth)
        if truth_at is not None and out.resolve() in truth_at.resolve().parents:
            raise UsageError("The truth must not lie beside the shots, so give --truth elsewhere.")
        specs, truth = sequence(
            asked.shots, asked.people, setups=asked.setups, scenes=asked.scenes,
            drifts=asked.drifts, kinds=asked.kinds, seed=asked.seed, frames=asked.frames,
            size=_size(asked.size),
        )  # fmt: skip
        paths = write_sequence(specs, out, workers=asked.workers)
        if truth_at is not None:
            write_truth(truth, truth_at)
    except FilmgateError as problem:
        print(problem, file=sys.stderr)
        return 2
    print(f"{len(paths)} shots in {out}, {len(truth.drifts)} drifts planted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
