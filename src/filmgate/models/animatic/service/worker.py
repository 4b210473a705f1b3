"""One rendering process: `python -m filmgate.models.animatic.service.worker`.

It reads one JSON line per job from its standard input and answers with one on its standard output,
until the input ends: that is how it notices that who started it is gone.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path
from typing import TextIO

READY = "ready"


def main() -> int:
    """Serve until the input ends."""
    # The parent decides when to stop, also on Ctrl-C.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # A library that prints must not garble the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    try:
        _serve(sys.stdin, answers)
    except BrokenPipeError:
        # Nobody listens any more; flushing at the end would only complain of it again.
        os._exit(0)
    return 0


def _serve(tasks: TextIO, answers: TextIO) -> None:
    import cv2

    cv2.setNumThreads(1)
    _say(answers, {"state": READY})
    for line in tasks:
        task = json.loads(line)
        _say(answers, answer(Path(task["folder"]), task["job"]))


def _say(answers: TextIO, plain: dict[str, str]) -> None:
    answers.write(json.dumps(plain) + "\n")
    answers.flush()


def answer(folder: Path, job: str) -> dict[str, str]:
    """Render one job and say how it went."""
    from filmgate.errors import FilmgateError, StoreError, TakeLost
    from filmgate.models.animatic.service.jobs import JobFolder
    from filmgate.models.animatic.service.rendering import make

    jobs = JobFolder(folder)
    try:
        make(jobs, jobs.read(job))
    except (StoreError, TakeLost) as problem:
        return {"state": "later", "reason": str(problem)}
    except FilmgateError as problem:
        return {"state": "failed", "reason": str(problem)}
    except Exception as problem:  # a defect must be told, not end the process
        return {"state": "failed", "reason": f"the renderer failed: {problem!r}"}
    return {"state": "done"}


if __name__ == "__main__":
    sys.exit(main())
