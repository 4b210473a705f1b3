"""How fast, against one full decode of the same files by PyAV, with the same workers.

    python -m bench.speed            400 shots in both keyframe forms, then 50 and 1,600
    python -m bench.speed --quick    24 shots, 12 and 48
    python -m bench.speed --no-1600  without the largest (6.5 GB of disk)

Every repeat measures the arms in turn (decode, check, keyframes, check with weights), so that a
busy machine slows all of them. Files are dropped from the page cache before each, the project's own
store is new for a first run. Wall seconds decide; CPU seconds stand beside them because they stay
true on a shared machine.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import av
import numpy as np

from bench import footage, reels, tables
from bench.judge import checks
from filmgate.continuity import calibration as calibrations
from filmgate.continuity import engine
from filmgate.schema import shot as schema
from filmgate.schema.look import Look
from filmgate.schema.signature import Signature

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds of the processes started, and the peak memory of all of them."""

    wall_s: float
    cpu_s: float
    peak_mib: float = 0.0
    largest_mib: float = 0.0


def decode_all(file: str, keys_only: bool) -> int:
    """Decode one file whole, or its keyframes; how many frames came out. In a worker."""
    with av.open(file) as box:
        stream = box.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.thread_type = "NONE"
        if keys_only:
            stream.codec_context.skip_frame = "NONKEY"
        return sum(1 for _ in box.decode(stream))


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def decoding(files: Sequence[Path], workers: int, keys_only: bool) -> Cost:
    """One decode of `files` by PyAV in `workers` processes."""
    reels.uncached(list(files))
    wall, cpu = time.monotonic(), _cpu_s()
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        jobs = [str(f) for f in files], [keys_only] * len(files)
        list(pool.map(decode_all, *jobs, chunksize=2))
    return Cost(time.monotonic() - wall, _cpu_s() - cpu)


def _tree(root: int) -> list[int]:
    """`root` and all processes below it."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(entry.name))
    found, at = [root], 0
    while at < len(found):
        found += parents.get(found[at], [])
        at += 1
    return found


def _resident_mib(pid: int) -> float:
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
    return 0.0


@contextlib.contextmanager
def watched(process: subprocess.Popen[bytes]) -> Iterator[list[float]]:
    """Peak resident memory of a process and all below it: [sum, largest single], MiB."""
    peak = [0.0, 0.0]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.2):
            each = [_resident_mib(p) for p in _tree(process.pid)]
            peak[0], peak[1] = max(peak[0], sum(each)), max(peak[1], *each, 0.0)

    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield peak
    finally:
        done.set()
        watcher.join()


def checking(folder: Path, store: Path, workers: int, weights: Path | None, fresh: bool) -> Cost:
    """``filmgate check`` on a folder; `fresh` throws the store away first."""
    if fresh:
        shutil.rmtree(store, ignore_errors=True)
        reels.uncached(sorted(folder.glob("*.mp4")))
    command = [sys.executable, "-m", "filmgate", "check", str(folder), "-q"]
    command += ["--store", str(store), "--workers", str(workers)]
    command += ["--json", str(store.with_suffix(".json"))]
    command += ["--weights", str(weights)] if weights else ["--no-weights"]
    wall, cpu = time.monotonic(), _cpu_s()
    with subprocess.Popen(command) as process, watched(process) as peak:
        status = process.wait()
    if status:
        raise SystemExit(f"filmgate check ended with {status}")
    return Cost(time.monotonic() - wall, _cpu_s() - cpu, *peak)


@dataclass(frozen=True, slots=True)
class Repeat:
    """Everything measured once on one folder."""

    full: Cost
    keys: Cost
    first: Cost
    second: Cost
    weights: Cost | None


def repeat(folder: Path, files: Sequence[Path], workers: int, weights: Path | None) -> Repeat:
    """All arms one after another on the same files."""
    store = folder.parent / f"{folder.name}-store"
    full = decoding(files, workers, keys_only=False)
    first = checking(folder, store, workers, None, fresh=True)
    second = checking(folder, store, workers, None, fresh=False)
    keys = decoding(files, workers, keys_only=True)
    heavy = None
    if weights is not None:
        heavy = checking(folder, store, workers, weights, fresh=True)
    return Repeat(full, keys, first, second, heavy)


def _middle(repeats: Sequence[Repeat], what: str, part: str = "wall_s") -> float:
    values = [getattr(getattr(r, what), part) for r in repeats if getattr(r, what) is not None]
    return float(np.median(values)) if values else float("nan")


def _ratio(repeats: Sequence[Repeat], what: str, part: str = "wall_s") -> float:
    """Median over repeats of an arm's seconds over the full decode's of the same repeat."""
    pairs = [(getattr(r, what), r.full) for r in repeats if getattr(r, what) is not None]
    ratios = [getattr(a, part) / getattr(b, part) for a, b in pairs]
    return float(np.median(ratios)) if ratios else float("nan")


def arms_table(name: str, count: int, repeats: Sequence[Repeat]) -> str:
    """One keyframe form: seconds, ratios, memory."""
    rows = []
    for told, what in (
        ("one full decode (PyAV)", "full"), ("keyframes only (PyAV)", "keys"),
        ("filmgate check, first run", "first"), ("filmgate check, second run", "second"),
        ("filmgate check, with weights", "weights"),
    ):  # fmt: skip
        rows.append([
            told, _middle(repeats, what), _ratio(repeats, what), _middle(repeats, what, "cpu_s"),
            _ratio(repeats, what, "cpu_s"), round(_middle(repeats, what, "peak_mib"))
            if np.isfinite(_middle(repeats, what)) else "–",
        ])  # fmt: skip
    head = [
        "",
        "wall s",
        "÷ full decode",
        "CPU s",
        "÷ full decode (CPU)",
        "peak MiB, all processes",
    ]
    return (
        f"## {count} shots, {name}, {len(repeats)} repeats (medians)\n\n{tables.table(head, rows)}"
    )


def growth(rows: Sequence[tuple[int, Cost]]) -> str:
    """How cost grows with the number of shots."""
    base = dict(rows)
    middle = sorted(base)[len(base) // 2]
    lines = [
        [n, c.wall_s, c.wall_s / base[middle].wall_s, c.cpu_s, c.cpu_s / base[middle].cpu_s,
         round(c.peak_mib), round(c.largest_mib)]
        for n, c in sorted(base.items())
    ]  # fmt: skip
    head = ["shots", "wall s", f"÷ {middle} shots", "CPU s", f"÷ {middle} shots (CPU)",
            "peak MiB, all processes", "largest process"]  # fmt: skip
    return f"## Growth, first run without weights\n\n{tables.table(head, lines)}"


def synthetic(count: int) -> tuple[schema.Sequence, list[Signature]]:
    """`count` shots by slightly changing a few dozen measured ones; set-ups of about 20 shots."""
    from bench.measuring import Arm
    from bench.nuisance import Framing, Light
    from bench.shots import FRAMES, Shot, render
    from filmgate.measure import signature
    from filmgate.models.generators import previz

    specs, _ = previz.sequence(48, 2, setups=6, scenes=4, seed=77, frames=FRAMES, rate=3)
    seen = Arm("").extractors()
    made = []
    for spec in specs:
        shot = Shot(
            f"previz:{spec.to_json()}", tuple(range(FRAMES)), Framing(), Light(), None, None
        )
        made.append(signature.measure(render(shot), "shot.mp4", seen))
    rng = np.random.default_rng(5)
    out = []
    for number in range(count):
        one = made[(number * len(made)) // count if number % 3 else number % len(made)]
        out.append(_varied(one, rng))
    shots = tuple(schema.Shot(f"shot_{i:05}", "many", f"shot_{i:05}.mp4") for i in range(count))
    return schema.Sequence("many", shots), out


def _varied(one: Signature, rng: np.random.Generator) -> Signature:
    people = tuple(
        dataclasses.replace(
            p, upper_median=None if p.upper_median is None
            else (p.upper_median + rng.normal(0, 0.03, 3)).astype(np.float32),
        )
        for p in one.people
    )  # fmt: skip
    shift = rng.normal(0, 0.02, 3).astype(np.float32)
    return dataclasses.replace(
        one,
        people=people,
        tone=np.clip(one.tone + 0.2 * shift, 0, 1).astype(np.float32),
        thumb=(one.thumb + shift).astype(np.float32),
        light=(one.light + 0.3 * shift[0]).astype(np.float32),
    )


def comparison(counts: Sequence[int]) -> str:
    """Seconds of comparing alone, everything measured."""
    sequence, signatures = synthetic(max(counts))
    made = calibrations.shipped()
    rows = []
    for count in counts:
        part = schema.Sequence("many", sequence.shots[:count])
        best, cpu = np.inf, np.inf
        for _ in range(2):
            wall, used = time.monotonic(), time.process_time()
            engine.compare(part, signatures[:count], Look().bind(part), made, checks())
            best = min(best, time.monotonic() - wall)
            cpu = min(cpu, time.process_time() - used)
        rows.append([count, best, cpu])
    return "## Comparing alone (one process)\n\n" + tables.table(["shots", "wall s", "CPU s"], rows)


def run(asked: argparse.Namespace) -> None:
    """Every part; the table is written at the end."""
    workers = asked.workers or tables.footage_cores()
    main_count, few, many = (24, 12, 48) if asked.quick else (400, 50, 1600)
    distinct = reels.distinct(6 if asked.quick else 50, workers)
    size = np.mean([p.stat().st_size for p in distinct[reels.GOPS[0]]]) * 8 / reels.SECONDS / 1e6
    weights = footage.weights() if not asked.plain else None
    parts = ["# Speed\n", f"{tables.machine()}, {workers} workers; {reels.SECONDS} s shots, "
             f"720p24, {size:.1f} Mb/s with sound, {len(distinct[reels.GOPS[0]])} distinct "
             "renders remuxed to distinct bytes.\n"]  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="filmgate-speed-", dir=asked.tmp) as temporary:
        base = Path(temporary)
        grown: list[tuple[int, Cost]] = []
        for number, gop in enumerate(reels.GOPS):
            folder = base / f"form{number}"
            files = reels.remuxed(distinct[gop], folder, main_count)
            done = []
            for turn in range(asked.repeats):
                done.append(repeat(folder, files, workers, weights if turn == 0 else None))
                print(f"{gop}: repeat {turn + 1} of {asked.repeats} done", file=sys.stderr)
            parts.append(arms_table(gop, main_count, done))
            if number == 0:
                grown.append((main_count, min((r.first for r in done), key=lambda c: c.wall_s)))
            shutil.rmtree(folder)
        for count in [few, many] if not asked.no_1600 else [few]:
            folder = base / f"grow{count}"
            reels.remuxed(distinct[reels.GOPS[0]], folder, count)
            cost = checking(folder, base / f"store{count}", workers, None, fresh=True)
            grown.append((count, cost))
            shutil.rmtree(folder)
        parts.append(growth(grown))
    parts.append(comparison([400, 1500, 6000] if not asked.quick else [200, 800]))
    tables.write("speed", "\n".join(parts))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.speed", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="24 shots instead of 400")
    parser.add_argument("--plain", action="store_true", help="without the arm with weights")
    parser.add_argument("--no-1600", action="store_true", help="leave the largest folder out")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int)
    parser.add_argument("--tmp", type=Path, help="where the remuxed files go (6.5 GB for 1,600)")
    run(parser.parse_args(arguments))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
