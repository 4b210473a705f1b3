"""Long work behind an id: started, asked after, and still known after the server was restarted.

A task is a thread of this process and a small file in the project. What it works on (a run) is kept
by the ledger itself, so a task that died with its server is told as lost, and `resume` goes on.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field

from filmgate.assets.files import write_atomic
from filmgate.errors import FilmgateError, UsageError

State = Literal["working", "completed", "failed", "lost"]


class Task(BaseModel):
    """How a task stands.

    Attributes:
        task: its id.
        state: working, completed, failed (see `said`), lost (its server ended before it did).
        kind: what it does.
        said: what went wrong, or how far it is, one sentence.
        result: what came out, when completed.
    """

    task: str
    kind: str
    state: State
    said: str = ""
    started: str = ""
    result: dict[str, Any] = Field(default_factory=dict)


class Tasks:
    """The tasks of one project."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mine: dict[str, Task] = {}
        self._ended: dict[str, threading.Event] = {}
        self._lock = threading.Lock()

    def start(
        self, kind: str, work: Callable[[Callable[[str], None]], dict[str, Any]], wait_s: float
    ) -> Task:  # fmt: skip
        """Start `work`, which is given a function to say how far it is, and wait at most `wait_s`.

        Raises:
            FilmgateError: the one that `work` raised while it was waited for.
        """
        task = Task(
            task=uuid.uuid4().hex[:12], kind=kind, state="working",
            started=datetime.now(UTC).isoformat(timespec="seconds"),
        )  # fmt: skip
        self._mine[task.task] = task
        self._ended[task.task] = threading.Event()
        self._keep(task)
        raised: list[FilmgateError] = []
        thread = threading.Thread(target=self._work, args=(task, work, raised), daemon=True)
        thread.start()
        self._ended[task.task].wait(wait_s)
        if raised:
            raise raised[0]
        return self.get(task.task)

    def get(self, task: str) -> Task:
        """How a task stands.

        Raises:
            UsageError: there is no such task.
        """
        with self._lock:
            if task in self._mine:
                return self._mine[task].model_copy(deep=True)
        if not task.isalnum() or not (path := self._folder / f"{task}.json").is_file():
            raise UsageError(f"There is no task '{task}'.")
        kept = Task.model_validate_json(path.read_text(encoding="utf-8"))
        if kept.state != "working":
            return kept
        said = "The server that worked on it has ended; 'resume' goes on where a run stopped."
        return kept.model_copy(update={"state": "lost", "said": said})

    def _work(
        self, task: Task, work: Callable[[Callable[[str], None]], dict[str, Any]],
        raised: list[FilmgateError],
    ) -> None:  # fmt: skip
        def say(text: str) -> None:
            self._change(task, said=text)

        try:
            result = work(say)
            self._change(task, state="completed", said="", result=result)
        except FilmgateError as error:
            raised.append(error)
            self._change(task, state="failed", said=str(error))
        except Exception as error:  # a defect must reach whoever polls, not only the log
            self._change(task, state="failed", said=f"{type(error).__name__}: {error}")
        self._keep(self._mine[task.task])
        self._ended[task.task].set()

    def _change(self, task: Task, **values: Any) -> None:
        with self._lock:
            self._mine[task.task] = self._mine[task.task].model_copy(update=values)

    def _keep(self, task: Task) -> None:
        # A project that cannot be written to still answers while the server lives.
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._folder / f"{task.task}.json", json.dumps(task.model_dump()).encode())
