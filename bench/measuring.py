"""Measure bench shots in processes, and keep what was measured, so that a change of the comparison
costs nothing.

Kept under ``bench/out/cache``, by the shot's digest, the signature's version and the extractor's
identity. An edit of ``filmgate/measure`` that does not raise `signature.VERSION` is not seen: a
warning is printed, ``--fresh`` measures anew.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import time
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

from bench import baselines, footage
from bench.baselines import Features
from bench.shots import Shot, render
from filmgate import registry
from filmgate.measure import signature as signatures
from filmgate.schema.signature import Signature

CLASSICAL, NETWORKS = "without weights", "with weights"
CACHE: Final = footage.OUT / "cache"


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of seeing: extractors by name, as the product picks them."""

    name: str
    weights: str | None = None

    def extractors(self) -> tuple[Any, ...]:
        return _extractors(self.weights)

    def identity(self) -> str:
        return " + ".join([signatures.VERSION, *(e.identity for e in self.extractors())])


@lru_cache(maxsize=2)
def _extractors(weights: str | None) -> tuple[Any, ...]:
    if weights is None:
        return (registry.load("measure.extractors", "classical", "EXTRACTOR")(),)
    return (registry.load("measure.extractors", "onnx", "EXTRACTOR")(Path(weights)),)


def arms(with_weights: bool = True) -> tuple[Arm, ...]:
    """Without weights, and with the shared ones where they are."""
    folder = footage.weights() if with_weights else None
    plain = Arm(CLASSICAL)
    return (plain, Arm(NETWORKS, str(folder))) if folder else (plain,)


@dataclass(frozen=True, slots=True)
class Measured:
    """A shot as measured: a signature per arm, and what the baselines keep."""

    signatures: dict[str, Signature]
    features: Features
    seconds: float


def _spot(key: str) -> Path:
    return CACHE / "shots" / key[:2] / key


def _key(shot: Shot, what: str) -> str:
    return hashlib.sha256(f"{shot.digest()}\0{what}".encode()).hexdigest()


def _load(key: str) -> bytes | None:
    try:
        return zlib.decompress(_spot(key).read_bytes())
    except (OSError, zlib.error):
        return None


def _save(key: str, data: bytes) -> None:
    path = _spot(key)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}")
    part.write_bytes(zlib.compress(data, 1))
    part.replace(path)


@dataclass(frozen=True, slots=True)
class Task:
    """One shot to measure, with the arms asked for."""

    shot: Shot
    arms: tuple[Arm, ...]


def work(task: Task) -> float:
    """Measure what is missing of one shot; CPU seconds spent. In a worker."""
    begin = time.process_time()
    wanted = {arm.name: _key(task.shot, arm.identity()) for arm in task.arms}
    base = _key(task.shot, baselines.VERSION)
    missing = [arm for arm in task.arms if not _spot(wanted[arm.name]).is_file()]
    if not missing and _spot(base).is_file():
        return 0.0
    folder = CACHE / "video"
    folder.mkdir(parents=True, exist_ok=True)
    sample = render(task.shot, folder)
    for arm in missing:
        made = signatures.measure(sample, "shot.mp4", arm.extractors())
        _save(wanted[arm.name], made.to_bytes())
    if not _spot(base).is_file():
        _save(base, baselines.features(sample).to_bytes())
    return time.process_time() - begin


def _begin() -> None:
    import cv2

    cv2.setNumThreads(1)
    os.nice(5)


class Bench:
    """Measures shots in `workers` processes.

    Attributes:
        cpu_s: CPU seconds spent so far on measuring; measured: how many shots were new.
    """

    def __init__(self, arms: Sequence[Arm], workers: int | None = None) -> None:
        self.arms = tuple(arms)
        self.cpu_s, self.measured = 0.0, 0
        os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
        self._workers = workers or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None
        _check_sources()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()

    def measure(self, shots: Iterable[Shot], label: str = "") -> None:
        """Make sure that all of `shots` are measured."""
        tasks = [Task(s, self.arms) for s in shots]
        tasks = [t for t in tasks if not self._known(t)]
        if not tasks:
            return
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._workers, get_context("spawn"), _begin)
        begin = time.monotonic()
        for done, spent in enumerate(self._pool.map(work, tasks, chunksize=4), 1):
            self.cpu_s += spent
            self.measured += 1
            if done % 50 == 0 or done == len(tasks):
                rate = (time.monotonic() - begin) / done
                left = rate * (len(tasks) - done)
                print(
                    f"\r{label} {done}/{len(tasks)}, {left:.0f} s left   ", end="", file=sys.stderr
                )
        print(file=sys.stderr)

    def _known(self, task: Task) -> bool:
        whats = [*(arm.identity() for arm in task.arms), baselines.VERSION]
        return all(_spot(_key(task.shot, what)).is_file() for what in whats)

    def load(self, shot: Shot) -> Measured:
        """What was measured of `shot`; measures it here if it is not there yet."""
        found: dict[str, Signature] = {}
        for arm in self.arms:
            key = _key(shot, arm.identity())
            data = _load(key)
            if data is None:
                work(Task(shot, self.arms))
                data = _load(key)
            assert data is not None
            found[arm.name] = Signature.from_bytes(data)
        kept = _load(_key(shot, baselines.VERSION))
        assert kept is not None
        return Measured(found, Features.from_bytes(kept), 0.0)


def forget() -> None:
    """Throw away everything measured (the decoded takes stay)."""
    shutil.rmtree(CACHE / "shots", ignore_errors=True)


def _check_sources() -> None:
    """Say so when the measuring code changed under the same version."""
    folder = footage.REPOSITORY / "src" / "filmgate" / "measure"
    text = b"\0".join(p.read_bytes() for p in sorted(folder.rglob("*.py")))
    now = f"{signatures.VERSION} {hashlib.sha256(text).hexdigest()[:16]}"
    path = CACHE / "sources.txt"
    before = path.read_text() if path.is_file() else now
    if before != now and before.split()[:-1] == now.split()[:-1]:
        print(
            "Note: src/filmgate/measure changed since shots were measured and signature.VERSION "
            "did not; kept measurements are used. --fresh measures anew.", file=sys.stderr,
        )  # fmt: skip
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(now)
