"""Worker processes that survive what one broken file can do to them.

A pool that is lost with one of its processes would lose a run to one file that crashes a decoder.
Here each worker has one task at a time and its own pipe: when a worker dies, its task has failed,
another worker takes its place, and the run goes on. Workers ignore Ctrl-C (the parent ends them)
and end by themselves when the parent is gone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NamedTuple, TypeVar

from filmgate.errors import FilmgateError, UsageError

Task = TypeVar("Task")
Result = TypeVar("Result")

_SINGLE = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}
_READY = "ready"


class Died(NamedTuple):
    """What stands for a result when the worker did not live to give one."""

    reason: str


class _Worker(NamedTuple):
    process: Any
    pipe: Connection


class Crew(Generic[Task, Result]):
    """Runs `work` on tasks in `size` processes; each process measures with one thread.

    Args:
        work: a function at the top of a module, importable by the workers.
        size: number of processes.
    """

    def __init__(self, work: Callable[[Task], Result], size: int) -> None:
        self._work = work
        self._size = size
        self._context = multiprocessing.get_context("spawn")

    def run(self, tasks: Iterable[Task]) -> Generator[tuple[Task, Result | Died], None, None]:
        """Each task with its result, in the order they finish.

        Raises:
            UsageError: the workers cannot start at all.
            FilmgateError: the one that `work` raised; it ends the run.
        """
        waiting = list(tasks)[::-1]
        busy: dict[Connection, tuple[_Worker, Task | None]] = {}
        try:
            for _ in range(min(self._size, len(waiting))):
                worker = self._start()
                busy[worker.pipe] = (worker, None)
            while busy:
                for ready in wait(list(busy)):
                    pipe: Any = ready
                    worker, task = busy.pop(pipe)
                    answer = _received(worker)
                    if task is None and answer != _READY:
                        raise UsageError(
                            "The measuring processes could not start: if a script calls "
                            "Studio.check, do it under 'if __name__ == \"__main__\":'."
                        )
                    if isinstance(answer, FilmgateError):
                        _end(worker)
                        raise answer
                    if waiting:
                        if isinstance(answer, Died):
                            _end(worker)
                            worker = self._start()
                            busy[worker.pipe] = (worker, None)
                        else:
                            busy[worker.pipe] = (worker, waiting.pop())
                            # A worker that died meanwhile is noticed by the next wait.
                            with contextlib.suppress(OSError):
                                worker.pipe.send(busy[worker.pipe][1])
                    else:
                        _end(worker)
                    if task is not None:
                        yield task, answer
        finally:
            for worker, _ in busy.values():
                _end(worker, now=True)

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, self._work), daemon=True)
        with _environment(_SINGLE):
            process.start()
        theirs.close()
        return _Worker(process, ours)


def _received(worker: _Worker) -> Any:
    try:
        return worker.pipe.recv()
    except (EOFError, OSError):
        worker.process.join(timeout=5)
        code = worker.process.exitcode
        return Died(f"reading it ended the measuring process (exit code {code})")


def _end(worker: _Worker, now: bool = False) -> None:
    worker.pipe.close()
    if now:
        worker.process.terminate()
    worker.process.join(timeout=5)
    if worker.process.is_alive():
        worker.process.kill()
        worker.process.join()


def _serve(pipe: Connection, work: Callable[[Any], Any]) -> None:
    """A worker's life: say ready, then answer one task after another until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _one_thread()
    with contextlib.suppress(EOFError, OSError):
        pipe.send(_READY)
        while True:
            task = pipe.recv()
            try:
                answer = work(task)
            except FilmgateError as error:
                answer = error
            pipe.send(answer)


def _one_thread() -> None:
    with contextlib.suppress(ImportError):
        import cv2

        cv2.setNumThreads(1)


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
