"""Processes that render while the caller does something else.

Each is a process of its own with its own pipes and one job at a time: one that dies costs one job,
which another does again. They are started when there is work, end when this process is gone (their
input ends), and hold nobody up: the threads that feed them are daemons.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from filmgate.models.animatic.service.worker import READY

_SINGLE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_TRIES = 2  # a job that ended two processes is not given to a third
_END_S = 5.0


class Workers:
    """Renders the jobs of `folder` with up to `size` processes.

    Attributes:
        broken: no process can be started here: whoever wants a take renders it himself.
    """

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, max(0, size)
        self.broken = size < 1
        self._changed = threading.Condition()
        self._waiting: deque[str] = deque()
        self._held: set[str] = set()  # waiting or being rendered
        self._failed: dict[str, str] = {}
        self._later: dict[str, str] = {}
        self._tries: dict[str, int] = {}
        self._threads = 0
        self._idle = 0
        self._processes: set[subprocess.Popen[str]] = set()
        self._closed = False

    def want(self, job: str) -> None:
        """See to it that `job` is rendered; nothing happens if it is waiting already."""
        with self._changed:
            if self._closed or self.broken or job in self._held:
                return
            self._held.add(job)
            self._waiting.append(job)
            if self._idle < len(self._waiting) and self._threads < self.size:
                self._threads += 1
                threading.Thread(target=self._feed, name="previz", daemon=True).start()
            self._changed.notify()

    def excuse(self, job: str) -> None:
        """Forget that `job` failed: it may be tried again."""
        with self._changed:
            self._failed.pop(job, None)
            self._tries.pop(job, None)

    def forget(self, job: str) -> None:
        """`job` need not be rendered any more."""
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._held.discard(job)

    def holds(self, job: str) -> bool:
        """Whether `job` is waiting or being rendered here."""
        with self._changed:
            return job in self._held and not self._closed and not self.broken

    def ahead(self) -> int:
        """How many jobs are waiting."""
        return len(self._waiting)

    def failure(self, job: str) -> str | None:
        """Why `job` cannot be rendered at all, or None."""
        return self._failed.get(job)

    def trouble(self, job: str) -> str | None:
        """Why `job` could not be rendered this time (a full disk), once; or None."""
        return self._later.pop(job, None)

    def wait(self, job: str, timeout_s: float) -> None:
        """Return when `job` is no longer held here, or after `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: job not in self._held or self._closed, timeout_s)

    def close(self) -> None:
        """End every process now; what was finished stays."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._held.clear()
            processes = list(self._processes)
            self._changed.notify_all()
        for process in processes:
            _ended(process)

    def _feed(self) -> None:
        """Life of one thread: give one process job after job, a new process when it dies."""
        process: subprocess.Popen[str] | None = None
        try:
            while (job := self._next()) is not None:
                if process is None or process.poll() is not None:
                    process = self._started()
                    if process is None:
                        self._give_up(job)
                        return
                said = _asked(process, {"folder": str(self.folder), "job": job})
                if said is None:
                    self._drop(process)
                    process = None
                    self._died(job)
                else:
                    self._done(job, said)
        finally:
            if process is not None:
                self._drop(process)
            with self._changed:
                self._threads -= 1

    def _next(self) -> str | None:
        with self._changed:
            self._idle += 1
            try:
                self._changed.wait_for(lambda: self._waiting or self._closed)
            finally:
                self._idle -= 1
            return None if self._closed else self._waiting.popleft()

    def _started(self) -> subprocess.Popen[str] | None:
        """A process that has said it is ready, or None where none can be started."""
        try:
            process = subprocess.Popen(
                command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                encoding="utf-8", env={**os.environ, **_SINGLE},
                # Ctrl-C at a terminal reaches a whole session; this process decides for them.
                start_new_session=True,
            )  # fmt: skip
        except OSError:
            return None
        with self._changed:
            if self._closed:
                _ended(process)
                return None
            self._processes.add(process)
        said = _heard(process)
        if said is None or said.get("state") != READY:
            self._drop(process)
            return None
        return process

    def _drop(self, process: subprocess.Popen[str]) -> None:
        _ended(process)
        with self._changed:
            self._processes.discard(process)

    def _give_up(self, job: str) -> None:
        with self._changed:
            self.broken = True
            self._held.discard(job)
            self._held.difference_update(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()

    def _died(self, job: str) -> None:
        """The process ended with `job` in its hands: once more, then it has failed."""
        with self._changed:
            self._tries[job] = self._tries.get(job, 0) + 1
            if self._closed:
                return
            if self._tries[job] < _TRIES:
                self._waiting.append(job)
            else:
                self._held.discard(job)
                self._failed[job] = "rendering it ended the process twice"
            self._changed.notify_all()

    def _done(self, job: str, said: dict[str, str]) -> None:
        with self._changed:
            self._held.discard(job)
            if said.get("state") == "failed":
                self._failed[job] = said.get("reason", "")
            elif said.get("state") == "later":
                self._later[job] = said.get("reason", "")
            self._changed.notify_all()


def command() -> list[str]:
    """How a rendering process is started."""
    return [sys.executable or "python3", "-m", f"{__package__}.worker"]


def _heard(process: subprocess.Popen[str]) -> dict[str, str] | None:
    """The next answer of a process, None when it has ended."""
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        return None if not line else dict(json.loads(line))
    except (OSError, ValueError):
        return None


def _asked(process: subprocess.Popen[str], task: dict[str, str]) -> dict[str, str] | None:
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
    except (OSError, ValueError):
        return None
    return _heard(process)


def _ended(process: subprocess.Popen[str]) -> None:
    """End a process and take its leave."""
    with contextlib.suppress(OSError):
        process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=_END_S)
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError, ValueError):
                pipe.close()
