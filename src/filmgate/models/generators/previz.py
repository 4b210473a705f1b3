"""Previz: the project's own generator, an animatic renderer that needs no network.

It renders places in perspective with people, light, grade, camera and sound from a shot's
description, the same for the same request, and fails on purpose as a real model does: drifts of
known kind and size at a stated rate, told only afterwards by `truths`. Sequences for tests and
demos, without the loop around them:

    python -m filmgate.models.generators.previz --out shots --truth truth.json --shots 24 --drifts 3
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import errno
import hashlib
import os
import shutil
import sys
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from filmgate.errors import (
    FilmgateError,
    Refused,
    StoreError,
    TakeLost,
    Unavailable,
    UsageError,
)
from filmgate.models import catalog
from filmgate.models.animatic.drift import UNITS, Drift, DriftKind, apply
from filmgate.models.animatic.sequence import (
    SIZES,
    ShotFact,
    Truth,
    sequence,
    write_sequence,
    write_truth,
)
from filmgate.models.animatic.service import truth
from filmgate.models.animatic.service.fault import drift_of
from filmgate.models.animatic.service.jobs import Job, JobFolder, slug
from filmgate.models.animatic.service.rendering import effort, make, tidy
from filmgate.models.animatic.service.truth import Planted, truths
from filmgate.models.animatic.service.wish import Wish, made, read
from filmgate.models.animatic.service.workers import Workers
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
)
from filmgate.models.generator import Capability, JobState, Request, Result, Status, Surroundings
from filmgate.schema.value import canonical

__all__ = [
    "GENERATOR", "SIZES", "UNITS", "CameraSpec", "Change", "Drift", "DriftKind", "GradeSpec",
    "LightSpec", "PersonSpec", "PlaceSpec", "Planted", "Previz", "ShotFact", "ShotSpec",
    "SoundSpec", "Truth", "apply", "audio", "clean_frames", "frames", "main", "render", "sequence",
    "truths", "write_sequence", "write_truth",
]  # fmt: skip

MODEL = "previz-1"
STILL = "previz-still-1"
_POLL_S = (0.1, 2.0)
_SHOT_S = 0.4  # about what one shot takes to render, for telling when to ask again


class Previz:
    """An animatic of the shot that a request describes, rendered in processes of its own.

    What it reads of a request, what it makes of it and how it fails is told in ``docs/previz.md``:
    `Request.shot` is the description, ``parameters`` may hold ``previz`` (the failing model, see
    `animatic.service.fault`; the generator's options are its defaults), ``spec`` (a whole
    `ShotSpec` as plain values instead of a description) with ``drifts`` (to be planted in it),
    ``crf``, ``bit_rate``, ``gop``, ``pickup`` and ``still``. The prompt is not read.

    Rendering starts on `submit` and is free. Jobs lie in `Surroundings.folder` and outlive the
    process; a take that was lost with its process is rendered again, to the same bytes.

    Two submits of an equal request are one job, so that `find` always knows.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._jobs = JobFolder(surroundings.folder)
        self._workers = Workers(surroundings.folder, surroundings.workers)
        self._tidy = False
        # Nobody who forgets to close may be held up at the end, or leave processes behind.
        self._end = weakref.finalize(self, self._workers.close)

    def capabilities(self) -> tuple[Capability, ...]:
        """One model for takes, one for pictures; offline, free, the same again every time."""
        return tuple(
            dataclasses.replace(catalog.capability(row, finds=True), pickups="video" in row.kinds)
            for row in catalog.alive("previz")
        )

    def check(self, request: Request) -> None:
        """Refuse what cannot be rendered: see `Generator.check`."""
        self._wish(request)

    def price_usd(self, request: Request) -> float:
        """Rendering is free."""
        return 0.0

    def submit(self, request: Request) -> str:
        """Start rendering; see `Generator.submit`.

        Raises:
            CannotExpress: as `check`.
            StoreError: the job cannot be written down.
        """
        wish = self._wish(request)
        job = self._id(request, wish)
        folder = self._surroundings.folder
        if not self._tidy:
            tidy(self._jobs)
            self._tidy = True
        if not self._jobs.known(job):
            spec, planted = self._made(wish)
            # The truth first: a job that is rendered has one.
            truth.write(folder, job, wish.slate, wish.take, planted, wish.faults.fingerprint())
            self._jobs.write(Job(
                job, request.model, dataclasses.asdict(spec), request.rate, request.sound, wish.crf,
                wish.bit_rate, wish.gop, wish.still,
            ))  # fmt: skip
        elif self._jobs.read(job).state in ("cancelled", "failed"):
            self._jobs.mark(job, "open")
            self._workers.excuse(job)
        self._workers.want(job)
        return job

    def poll(self, job: str) -> Status:
        """How `job` stands; a job of a process that is gone is taken up again."""
        kept = self._jobs.read(job)
        if kept.state == "cancelled":
            return Status(JobState.CANCELLED)
        if kept.state == "failed":
            return Status(JobState.FAILED, kept.reason, cost_usd=0.0)
        if kept.state == "fetched" or self._jobs.render(kept).is_file():
            return Status(JobState.DONE, progress=1.0, cost_usd=0.0)
        reason = self._workers.failure(job)
        if reason is not None:
            self._jobs.mark(job, "failed", reason)
            return Status(JobState.FAILED, reason, cost_usd=0.0)
        trouble = self._workers.trouble(job)
        if trouble is not None:
            raise Unavailable(trouble)
        self._workers.want(job)
        if not self._workers.holds(job) and not self._jobs.render(kept).is_file():
            # No process can be had: whoever fetches renders.
            return Status(JobState.DONE, cost_usd=0.0)
        after_s = _SHOT_S * (1 + self._workers.ahead()) / max(1, self._workers.size)
        return Status(JobState.RUNNING, poll_after_s=min(max(after_s, _POLL_S[0]), _POLL_S[1]))

    def fetch(self, job: str, path: Path) -> Result:
        """Move the take of `job` to `path`; one that is not there (any more) is rendered now.

        Raises:
            TakeLost: there is no such job, or it was cancelled.
            Refused: it failed.
            StoreError: `path` cannot be written.
        """
        kept = self._jobs.read(job)
        if kept.state == "cancelled":
            raise TakeLost(f"The job {job} was cancelled and has no take.")
        if kept.state == "failed":
            raise Refused(f"The job {job} made no take: {kept.reason}.")
        if self._workers.holds(job):
            self._workers.wait(job, self._surroundings.timeout_s)
        try:
            # Another process may fetch the same take at the same moment: then once more.
            if not any(_moved(make(self._jobs, kept), path) for _ in range(3)):
                raise Unavailable(f"The take of {job} is being fetched by others.")
        except UsageError as problem:
            raise Refused(f"The job {job} made no take: {problem}") from None
        if kept.state != "fetched":
            self._jobs.mark(job, "fetched")
        mime = "image/png" if kept.still else "video/mp4"
        return Result(path, kept.model, cost_usd=0.0, mime=mime, machine_s=self._effort_s(kept))

    def _effort_s(self, job: Job) -> float | None:
        """Seconds of processor time that the take took; None when another process has told them."""
        note = effort(self._jobs.render(job))
        with contextlib.suppress(OSError, ValueError):
            seconds = float(note.read_text(encoding="ascii"))
            note.unlink()
            return seconds
        return None

    def cancel(self, job: str) -> None:
        """Do not render `job`; a take that is there stays."""
        kept = self._jobs.read(job)
        if kept.state == "open" and not self._jobs.render(kept).is_file():
            self._workers.forget(job)
            self._jobs.mark(job, "cancelled")

    def find(self, request: Request, since: str) -> str | None:
        """The job of an equal request, or None when none was submitted."""
        job = self._id(request, self._wish(request))
        return job if self._jobs.known(job) else None

    def close(self) -> None:
        """End the rendering processes; what they were at is rendered again when it is wanted."""
        self._end()

    def _wish(self, request: Request) -> Wish:
        catalog.find(request.model, "previz")
        return read(request, self._surroundings.options, request.model == STILL)

    def _id(self, request: Request, wish: Wish) -> str:
        """The job's id: it follows from the request and the settings."""
        whole = {**request.plain(), "faults": wish.faults.plain()}
        digest = hashlib.sha256(canonical(whole)).hexdigest()[:20]
        return f"previz-{slug(wish.slate)}-{wish.take}-{digest}"

    def _made(self, wish: Wish) -> tuple[ShotSpec, tuple[Drift, ...]]:
        """What is rendered, with what was planted in it."""
        model = wish.faults.fingerprint()

        def record(take: int) -> Drift | None:
            rows = truth.of_take(self._surroundings.folder, wish.slate, take, model)
            if rows is None:
                raise KeyError(take)
            return rows[-1].drift()

        def drift_at(take: int, revised: tuple[str, ...]) -> Drift | None:
            return drift_of(wish.faults, wish.spec, wish.slate, take, revised, record)

        if wish.still:
            return wish.spec, ()
        if wish.pickup is not None:
            return made(self._cutting_in(wish, model), drift_at(wish.take - 1, ()), None)
        return made(wish, None, drift_at(wish.take, wish.revised))

    def _cutting_in(self, wish: Wish, model: str) -> Wish:
        """A pickup with the motion and the grain of the take it mends, so that the two cut."""
        rows = truth.of_take(self._surroundings.folder, wish.slate, wish.take - 1, model)
        if rows is None:
            return wish
        seed = int(self._jobs.read(rows[0].job).spec["seed"])
        return dataclasses.replace(wish, spec=dataclasses.replace(wish.spec, seed=seed))


def _moved(source: Path, path: Path) -> bool:
    """Move a finished file to `path`, also onto another disk; whole or not at all.

    Returns:
        Whether it was still there.

    Raises:
        StoreError: `path` cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        try:
            source.replace(path)
        except OSError as problem:
            if problem.errno != errno.EXDEV:
                raise
            shutil.copyfile(source, part)
            part.replace(path)
            source.unlink(missing_ok=True)
    except OSError as problem:
        with contextlib.suppress(OSError):
            part.unlink()
        if not source.exists():
            return False
        raise StoreError(f"'{path}' cannot be written ({problem.strerror}).") from None
    return True


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
