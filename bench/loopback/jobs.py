"""What a provider's fake keeps: jobs, how often each was asked about, what was paid for."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

State = Literal["running", "done", "refused", "failed", "empty", "cancelled"]


@dataclass(frozen=True, slots=True)
class Job:
    """One accepted submission. `asked`: polls so far; `ends`: how it ends; `made`: its request."""

    id: str
    made: dict[str, Any] = field(default_factory=dict)
    asked: int = 0
    ends: State = "done"
    after: int = 0
    why: str = ""

    @property
    def state(self) -> State:
        """Where it is: running until it was asked about `after` times."""
        return self.ends if self.asked > self.after or self.ends == "cancelled" else "running"


class Jobs:
    """Thread-safe; each accepted submission is one line of `ledger`, where there is one.

    The lines outlive the process that serves and can be counted by another (`paid`). How the
    following jobs go is set by `plan`.
    """

    def __init__(self, prefix: str, ledger: Path | None = None) -> None:
        self.prefix, self.ledger = prefix, ledger
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._plan = Job("")
        self._number = 0

    def plan(self, ends: State = "done", after: int = 0, why: str = "") -> None:
        """How jobs go from now on: they are running for `after` polls and end as said."""
        with self._lock:
            self._plan = Job("", ends=ends, after=after, why=why)

    def accept(self, made: dict[str, Any], id: str | None = None) -> Job:
        """Take a submission, and charge for it."""
        with self._lock:
            self._number += 1
            digest = hashlib.sha256(json.dumps(made, sort_keys=True, default=str).encode())
            name = id or f"{self.prefix}{self._number:04d}{digest.hexdigest()[:8]}"
            job = replace(self._plan, id=name, made=made)
            self._jobs[name] = job
            if self.ledger is not None:
                line = json.dumps({"job": name, "request": digest.hexdigest()}) + "\n"
                handle = os.open(self.ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
                try:
                    os.write(handle, line.encode())
                finally:
                    os.close(handle)
            return job

    def ask(self, name: str) -> Job | None:
        """The job as it stands, one poll older; None when it is not known."""
        with self._lock:
            job = self._jobs.get(name)
            if job is not None:
                job = self._jobs[name] = replace(job, asked=job.asked + 1)
            return job

    def get(self, name: str) -> Job | None:
        """The job without asking about it."""
        with self._lock:
            return self._jobs.get(name)

    def end(self, name: str) -> bool:
        """Cancel a job that still runs; whether there was such a job."""
        with self._lock:
            job = self._jobs.get(name)
            if job is not None and job.state == "running":
                self._jobs[name] = replace(job, ends="cancelled")
            return job is not None

    def forget(self, name: str) -> None:
        """Lose a job, as providers do after some days."""
        with self._lock:
            self._jobs.pop(name, None)

    def all(self) -> list[Job]:
        """Every job, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    @property
    def paid(self) -> int:
        """Submissions accepted by this server since it was made."""
        with self._lock:
            return self._number


def paid(ledger: Path) -> list[dict[str, str]]:
    """The submissions that `ledger` holds, each ``{"job", "request"}``, oldest first."""
    if not ledger.is_file():
        return []
    return [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()]
