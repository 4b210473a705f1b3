"""A folder that a person or another tool drops takes into, for what has no API.

    <folder>/inbox/<job>.txt      what is asked, to be read
    <folder>/inbox/<job>.json     the same for a tool
    <folder>/inbox/<job>_*        the reference pictures
    <folder>/outbox/<job>.mp4     the take: any film (or still) under the job's name
    <folder>/outbox/<job>.refused, .failed    instead of it: why there will be none

The job's name is the slate and a part of the request's hash, so the same request is the same job,
however often it is asked. Everything is a file: a run may stop and go on weeks later.

Options of ``[generators.folder]``: ``folder`` (default: a folder of the project's store),
``settle_s`` (how long a file must keep its size), ``prices``. ``Request.parameters["kind"]`` is
"image" where a still is wanted.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filmgate.errors import CannotExpress, Refused, StoreError, TakeLost, Unavailable
from filmgate.models import catalog, delivery, http
from filmgate.models.generator import (
    Capability,
    JobState,
    Request,
    Result,
    Status,
    Surroundings,
)

NAME = "folder"
MODEL = "folder"
PROVIDER = http.Provider("The folder", "")
INBOX, OUTBOX = "inbox", "outbox"
ENDS = {".refused": JobState.REFUSED, ".failed": JobState.FAILED}
CANCELLED = ".cancelled"
UNFINISHED = {".part", ".tmp", ".temp", ".crdownload", ".download", ".filepart"}
"""Suffixes under which programs keep what they still write."""
SETTLE_S = 2.0
PICTURE_BYTES = 200_000_000
_CHUNK = 1 << 20
_JOB = re.compile(r"[A-Za-z0-9_-]{1,100}")


class Folder:
    """See the module; nothing here costs money, and nothing leaves the machine."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._root = Path(str(surroundings.options.get("folder") or surroundings.folder))
        self._lock = threading.Lock()
        self._seen: dict[Path, tuple[tuple[int, int], float]] = {}

    def capabilities(self) -> tuple[Capability, ...]:
        """One model: whoever makes the take."""
        return (catalog.capability(catalog.find(MODEL, NAME), finds=True),)

    def check(self, request: Request) -> None:
        """Refuse what nobody could make, and pictures that cannot be copied."""
        catalog.check(catalog.find(request.model, NAME), request)
        _kind(request.parameters.get("kind"))
        for picture in request.pictures:
            http.read_picture(picture, PICTURE_BYTES)

    def price_usd(self, request: Request) -> float:
        """0, or ``prices`` in the options."""
        return catalog.price_usd(catalog.find(request.model, NAME), request, self._around.options)

    def submit(self, request: Request) -> str:
        """Write the task; the file for tools comes last, and makes the job."""
        self.check(request)
        job = _name(request)
        inbox, outbox = self._root / INBOX, self._root / OUTBOX
        if (inbox / f"{job}.json").exists():
            return job
        try:
            for folder in (inbox, outbox):
                folder.mkdir(parents=True, exist_ok=True)
            pictures = []
            for number, picture in enumerate(request.pictures, 1):
                data, kind = http.read_picture(picture, PICTURE_BYTES)
                name = f"{job}_{number}_{picture.tag or picture.role}{delivery.SUFFIXES[kind]}"
                _write(inbox / name, data)
                pictures.append({"file": name, "role": picture.role, "tag": picture.tag,
                                 "digest": picture.digest})  # fmt: skip
            plain = {"job": job, "drop": f"{OUTBOX}/{job}", **request.plain(), "pictures": pictures}
            _write(inbox / f"{job}.txt", self._letter(job, request, pictures).encode())
            text = json.dumps(plain, indent=1, ensure_ascii=False, sort_keys=True)
            _write(inbox / f"{job}.json", text.encode())
        except OSError as error:
            raise StoreError(f"{self._root} cannot be written: {error.strerror}.") from None
        return job

    def poll(self, job: str) -> Status:
        """Look into the outbox; what is wrong there is said in the status: it can be mended."""
        state, reason, _ = self._look(job)
        settle_s = http.option(self._around.options, NAME, "settle_s", SETTLE_S)
        return Status(state, reason, poll_after_s=settle_s)

    def fetch(self, job: str, path: Path) -> Result:
        """Copy the take; the file in the outbox stays."""
        state, reason, take = self._look(job)
        if state is JobState.CANCELLED:
            raise TakeLost(f"The task {job} was cancelled.")
        if state in (JobState.REFUSED, JobState.FAILED):
            raise Refused(f"The task {job} ended without a take: {reason}")
        if take is None:
            raise Unavailable(f"The task {job} is not done yet: {reason}.")
        before = _signature(take)
        mime = http.kept(_chunks(take), path, PROVIDER)
        if before != _signature(take):
            path.unlink(missing_ok=True)
            raise Unavailable(f"{take} changed while it was copied: ask again later.")
        return Result(path, MODEL, None, mime)

    def cancel(self, job: str) -> None:
        """Mark the task as not wanted any more, unless its take is there."""
        if self._look(job)[0] in (JobState.QUEUED, JobState.RUNNING):
            try:
                _write(self._root / INBOX / f"{job}{CANCELLED}", b"not wanted any more\n")
            except OSError as error:
                raise StoreError(f"{self._root} cannot be written: {error.strerror}.") from None

    def find(self, request: Request, since: str) -> str | None:
        """The job of an equal request, which is the same job."""
        job = _name(request)
        return job if (self._root / INBOX / f"{job}.json").is_file() else None

    def _look(self, job: str) -> tuple[JobState, str, Path | None]:
        """State of `job`, why, and its take where there is a good one."""
        asked = self._asked(job)
        if (self._root / INBOX / f"{job}{CANCELLED}").exists():
            return JobState.CANCELLED, "", None
        outbox = self._root / OUTBOX
        found = sorted(p for p in outbox.glob(f"{job}.*") if p.suffix.lower() not in UNFINISHED)
        ends = [p for p in found if p.suffix in ENDS]
        takes = [p for p in found if p.suffix not in ENDS]
        if takes and ends:
            return (
                JobState.RUNNING,
                f"{takes[0].name} and {ends[0].name} contradict each other",
                None,
            )
        if ends:
            why = http.sentence(ends[0].read_text(encoding="utf-8", errors="replace"))
            return ENDS[ends[0].suffix], why or "no reason given", None
        if not takes:
            unfinished = any(outbox.glob(f"{job}.*"))
            return (
                JobState.RUNNING if unfinished else JobState.QUEUED,
                f"waiting for {OUTBOX}/{job}.mp4", None,
            )  # fmt: skip
        if len(takes) > 1:
            names = " and ".join(p.name for p in takes)
            return JobState.RUNNING, f"{names} are both there: leave the one that is the take", None
        return self._judged(takes[0], _kind(asked.get("parameters", {}).get("kind")))

    def _judged(self, take: Path, kind: str) -> tuple[JobState, str, Path | None]:
        """Whether the file dropped is whole and what was asked for."""
        try:
            if not self._settled(take):
                return JobState.RUNNING, f"{take.name} is still being written", None
            mime = delivery.examined(take)
        except delivery.BrokeOff:
            return JobState.RUNNING, f"{take.name} ends early: drop the whole file", None
        except delivery.NotMedia as wrong:
            return JobState.RUNNING, f"{take.name} is {wrong}: drop a film or a picture", None
        except OSError as error:
            return JobState.RUNNING, f"{take.name} cannot be read ({error.strerror})", None
        is_picture = mime.startswith("image/")
        if mime.startswith("audio/") or is_picture != (kind == "image"):
            wanted = "a picture" if kind == "image" else "a film"
            return JobState.RUNNING, f"{take.name} is not {wanted}: drop {wanted}", None
        return JobState.DONE, "", take

    def _settled(self, take: Path) -> bool:
        """Whether a file has kept its size and time since it was first seen so, long enough.

        Its age says nothing: copying programs keep the time of the original.
        """
        settle_s = http.option(self._around.options, NAME, "settle_s", SETTLE_S)
        signature, now = _signature(take), time.monotonic()
        with self._lock:
            before = self._seen.get(take)
            if before is None or before[0] != signature:
                self._seen[take] = before = (signature, now)
            return now - before[1] >= settle_s

    def _asked(self, job: str) -> dict[str, Any]:
        """The task as it was written.

        Raises:
            TakeLost: there is no such task.
        """
        path = self._root / INBOX / f"{job}.json"
        try:
            if not _JOB.fullmatch(job):
                raise FileNotFoundError
            plain = json.loads(path.read_text(encoding="utf-8"))
            return plain if isinstance(plain, dict) else {}
        except FileNotFoundError:
            raise TakeLost(f"There is no task '{job}' in {self._root / INBOX}.") from None
        except (OSError, ValueError):
            raise Unavailable(f"The task {path} cannot be read.") from None

    def _letter(self, job: str, request: Request, pictures: list[dict[str, str]]) -> str:
        """The task for a person."""
        width, height = request.size
        what = _kind(request.parameters.get("kind"))
        kind, suffix = ("picture", "png") if what == "image" else ("film", "mp4")
        length = "" if what == "image" else f"{request.duration_s:g} s, {request.rate} frames/s, "
        sound = "" if what == "image" else ("with sound" if request.sound else "without sound")
        lines = [
            f"Task {job}", "",
            f"Wanted: one {kind}, {length}{width}x{height}, {sound}".rstrip(", "),
            f"Drop it as: {(self._root / OUTBOX / f'{job}.{suffix}').absolute()}",
            f"If it cannot be made: write why into {job}.refused in the same folder.", "",
            "Prompt:", request.prompt or "(none)", "",
        ]  # fmt: skip
        if request.negative:
            lines += ["Must not be seen:", request.negative, ""]
        if request.seed is not None:
            lines += [f"Seed: {request.seed}", ""]
        if pictures:
            lines += ["Pictures (beside this file):"]
            lines += [f"  {p['file']}  {p['role']}" + (f"  @{p['tag']}" if p["tag"] else "")
                      for p in pictures]  # fmt: skip
        return "\n".join(lines).rstrip() + "\n"


def _name(request: Request) -> str:
    """Name of the job: what a person knows it by, and what tells it from any other."""
    slug = re.sub(r"[^A-Za-z0-9]+", "-", request.nonce).strip("-")[:40]
    digest = request.hash(NAME)[:12]
    return f"{slug}-{digest}" if slug else digest


def _kind(value: Any) -> str:
    if value not in (None, "video", "image"):
        raise CannotExpress(
            f"folder takes 'video' or 'image' as the parameter 'kind', not '{value}'."
        )
    return str(value or "video")


def _signature(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all: a tool may be watching."""
    part = path.with_name(f".{path.name}.part")
    part.write_bytes(data)
    part.replace(path)


GENERATOR = Folder
