"""Jobs as files: what was submitted outlives the process that submitted it.

``jobs/<job>.json`` holds what is to be rendered and how the job stands, ``renders/<job>.mp4`` the
take until it is fetched. Every write is whole or not at all, so that any number of processes may
look at once.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filmgate.errors import StoreError, TakeLost

_ID = re.compile(r"previz-[0-9A-Za-z_.-]{1,120}")


def slug(text: str) -> str:
    """`text` as part of a file name."""
    return re.sub(r"[^0-9A-Za-z_.]+", "_", text)[:60] or "_"


def replaced(path: Path, text: str) -> None:
    """Write `text` to `path`: a reader sees the old text or the new one.

    Raises:
        StoreError: it cannot be written.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(text, encoding="utf-8")
        part.replace(path)
    except OSError as problem:
        with contextlib.suppress(OSError):
            part.unlink()
        raise StoreError(f"'{path}' cannot be written ({problem.strerror}).") from None


@dataclass(frozen=True, slots=True)
class Job:
    """A job.

    Attributes:
        id: file name and job id.
        model: model that was asked for.
        spec: the shot as plain values (`ShotSpec`).
        rate: frames per second as written ("24000/1001").
        sound: whether the file has a sound track.
        crf, bit_rate, gop: as in `shot.render`.
        still: "" for a take, else the kind of picture (see `stills`).
        state: "open", "fetched", "cancelled" or "failed".
        reason: why it failed, one sentence.
    """

    id: str
    model: str
    spec: dict[str, Any]
    rate: str = "24"
    sound: bool = True
    crf: float | None = None
    bit_rate: int | None = None
    gop: int = 24
    still: str = ""
    state: str = "open"
    reason: str = ""

    @property
    def suffix(self) -> str:
        """How the name of the finished file ends."""
        return ".png" if self.still else ".mp4"


class JobFolder:
    """The jobs of one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _file(self, job: str) -> Path:
        return self.folder / "jobs" / f"{job}.json"

    def known(self, job: str) -> bool:
        """Whether there is such a job."""
        return bool(_ID.fullmatch(job)) and self._file(job).is_file()

    def read(self, job: str) -> Job:
        """The job `job`.

        Raises:
            TakeLost: there is none, or its file cannot be read.
        """
        if not _ID.fullmatch(job):
            raise TakeLost(f"Previz has no job '{job[:80]}'.")
        try:
            return Job(**json.loads(self._file(job).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise TakeLost(f"Previz has no job '{job}' in '{self.folder}'.") from None
        except (OSError, ValueError, TypeError) as problem:
            raise TakeLost(f"'{self._file(job)}' cannot be read ({problem}).") from None

    def write(self, job: Job) -> None:
        """Keep `job`.

        Raises:
            StoreError: the folder cannot be written to.
        """
        replaced(self._file(job.id), json.dumps(asdict(job), sort_keys=True))

    def mark(self, job: str, state: str, reason: str = "") -> None:
        """Keep how `job` stands now."""
        self.write(replace(self.read(job), state=state, reason=reason))

    def render(self, job: Job) -> Path:
        """Where the finished file of `job` lies until it is fetched."""
        return self.folder / "renders" / f"{job.id}{job.suffix}"

    def part(self, job: Job) -> Path:
        """Where this thread writes the file of `job` before it is finished."""
        name = f".{job.id}.{os.getpid()}.{threading.get_ident()}{job.suffix}"
        return self.folder / "renders" / name
