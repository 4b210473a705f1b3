"""What an adapter remembers of its jobs in its own folder, for providers that tell too little.

One line of JSON per fact, appended in one write: threads and processes may share the file, and a
crash leaves at most half a line, which is skipped. The ledger, not this, is the memory of the run.
"""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

FILE = "jobs.jsonl"


@dataclass(frozen=True, slots=True)
class Entry:
    """One job: the model asked, the hash of its request, whether it was cancelled here."""

    job: str
    model: str = ""
    request: str = ""
    cancelled: bool = False


class JobBook:
    """The jobs of one adapter in one project's folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def note(self, entry: Entry) -> None:
        """Remember `entry`; a later one for the same job adds to it.

        A full disk is no reason to lose the id of a job that was paid for, so it is not told here:
        who calls writes the id into the ledger, and is told there.
        """
        line = json.dumps(
            {"job": entry.job, "model": entry.model, "request": entry.request,
             "cancelled": entry.cancelled}
        )  # fmt: skip
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                # A line break first: what a crash left of the line before must not spoil this one.
                os.write(handle, f"\n{line}\n".encode())
            finally:
                os.close(handle)

    def entries(self) -> dict[str, Entry]:
        """Every job by its id."""
        try:
            text = self._path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return {}
        found: dict[str, Entry] = {}
        for line in text.splitlines():
            try:
                plain = json.loads(line)
                job = str(plain["job"])
            except (ValueError, KeyError, TypeError):
                continue
            before = found.get(job, Entry(job))
            found[job] = Entry(
                job, str(plain.get("model") or before.model),
                str(plain.get("request") or before.request),
                bool(plain.get("cancelled")) or before.cancelled,
            )  # fmt: skip
        return found

    def get(self, job: str) -> Entry:
        """What is known of `job`; an empty entry when nothing is."""
        return self.entries().get(job, Entry(job))
