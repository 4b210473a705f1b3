"""A job rendered: from its file to its take, whole or not at all."""

from __future__ import annotations

import contextlib
import os
import time
from fractions import Fraction
from pathlib import Path

from filmgate.errors import StoreError
from filmgate.models.animatic.service.jobs import Job, JobFolder
from filmgate.models.animatic.shot import render
from filmgate.models.animatic.spec import ShotSpec, from_plain


def make(folder: JobFolder, job: Job) -> Path:
    """Render `job` to where its take waits to be fetched; nothing is done if it is there already.

    The same job gives the same bytes, so that two processes may well do it at once.

    Raises:
        StoreError: the file cannot be written.
    """
    target = folder.render(job)
    if target.is_file():
        return target
    part = folder.part(job)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        begun_s = time.process_time()
        _write(job, part)
        effort(target).write_text(f"{time.process_time() - begun_s:.3f}", encoding="ascii")
        part.replace(target)
    except OSError as problem:
        raise StoreError(f"'{target}' cannot be written ({problem.strerror or problem}).") from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
    return target


def effort(target: Path) -> Path:
    """Where the seconds of processor time that the render `target` took are kept beside it."""
    return target.with_name(f"{target.name}.s")


def _write(job: Job, path: Path) -> None:
    spec = from_plain(ShotSpec, job.spec)
    if job.still:
        # Imported here: a take needs none of it.
        from filmgate.models.animatic.service import stills

        stills.write(spec, job.still, path)
        return
    render(spec, path, crf=job.crf, bit_rate=job.bit_rate, gop=job.gop, rate=Fraction(job.rate),
           sound=job.sound)  # fmt: skip


def tidy(folder: JobFolder) -> None:
    """Remove half-written files of processes that are gone."""
    for path in (folder.folder / "renders").glob(".previz-*"):
        parts = path.name.rsplit(".", 3)
        owner = int(parts[1]) if len(parts) == 4 and parts[1].isdigit() else 0
        if owner and not _lives(owner):
            with contextlib.suppress(OSError):
                path.unlink()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
