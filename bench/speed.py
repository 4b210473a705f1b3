"""How fast, against one full decode of the same files by PyAV, with the same workers.

    python -m bench.speed                 400 shots in both keyframe forms, 50 and 1,600 in one
    python -m bench.speed --shots 100     a quarter of all that
    python -m bench.speed --quick         24 shots
    python -m bench.speed --no-1600       without the largest (6.5 GB of disk)
    python -m bench.speed --minutes 90    time for everything together (default 45)

Arms are measured in turns (decode, check, check again, keyframes), so that a busy machine slows all
of them. A short turn of each form goes first and tells what the rest will take; what does not fit
into the time left is done on fewer shots, or left out, and every table says how many it ran. Each
table is printed, and ``bench/out/speed.md`` written, as soon as it is known.

Files are dropped from the page cache before each arm, the project's own store is new for a first
run. The reference is kind to itself: its workers have started before its clock does, while filmgate
pays for starting, hashing, comparing and writing the report. Wall seconds decide; CPU seconds stand
beside them because they stay true on a shared machine.
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
from typing import Any, Final

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
_PILOT: Final = 12
_FEW: Final = 100
"""Shots of the turns after the first one, and of the arm with weights."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Wall and CPU seconds of the processes started, and the peak memory of all of them."""

    wall_s: float
    cpu_s: float
    peak_mib: float = float("nan")
    largest_mib: float = float("nan")


def decode_all(file: str, keys_only: bool) -> float:
    """Decode one file whole, or its keyframes; CPU seconds spent. In a worker."""
    begin = time.process_time()
    with av.open(file) as box:
        stream = box.streams.video[0]
        stream.codec_context.thread_count = 1
        stream.thread_type = "NONE"
        if keys_only:
            stream.codec_context.skip_frame = "NONKEY"
        for _ in box.decode(stream):
            pass
    return time.process_time() - begin


def _meet(barrier: Any) -> None:
    """Wait until every worker has started."""
    barrier.wait()


def _nothing() -> None:
    """A task that makes a worker start."""


def decoding(files: Sequence[Path], workers: int, keys_only: bool) -> Cost:
    """One decode of `files` by PyAV in `workers` processes that have started already."""
    reels.uncached(list(files))
    spawn = get_context("spawn")
    barrier = spawn.Barrier(workers + 1)
    with ProcessPoolExecutor(workers, spawn, _meet, (barrier,)) as pool:
        for _ in range(workers):
            pool.submit(_nothing)
        barrier.wait()
        begin = time.monotonic()
        spent = sum(pool.map(decode_all, [str(f) for f in files], [keys_only] * len(files)))
        return Cost(time.monotonic() - begin, spent)


def _cpu_s() -> float:
    """CPU seconds of all processes below this one that have been waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _tree(root: int) -> list[int]:
    """`root` and all processes below it. Asks only about them: looking must cost nothing."""
    found, at = [root], 0
    while at < len(found):
        with contextlib.suppress(OSError, ValueError):
            for task in Path(f"/proc/{found[at]}/task").iterdir():
                found += [int(child) for child in (task / "children").read_text().split()]
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
class Turn:
    """Every arm measured once on the same files.

    Attributes:
        form: keyframe form; shots: number of files.
        load: load average of the machine over the last minute, before and after.
    """

    form: str
    shots: int
    full: Cost
    first: Cost
    second: Cost
    keys: Cost
    weights: Cost | None
    load: tuple[float, float]

    @property
    def light_s(self) -> float:
        """Seconds of all arms but the one with weights."""
        return sum(arm.wall_s for arm in (self.full, self.first, self.second, self.keys))


def turn(
    form: str, folder: Path, files: Sequence[Path], workers: int, weights: Path | None
) -> Turn:
    """All arms one after another on the same files."""
    store = folder.parent / f"{folder.name}-store"
    before = os.getloadavg()[0]
    full = decoding(files, workers, keys_only=False)
    first = checking(folder, store, workers, None, fresh=True)
    second = checking(folder, store, workers, None, fresh=False)
    keys = decoding(files, workers, keys_only=True)
    heavy = None
    if weights is not None:
        heavy = checking(folder, store, workers, weights, fresh=True)
    shutil.rmtree(store, ignore_errors=True)
    after = os.getloadavg()[0]
    return Turn(form, len(files), full, first, second, keys, heavy, (before, after))


ARMS: Final = (
    ("one full decode (PyAV)", "full"), ("keyframes only (PyAV)", "keys"),
    ("filmgate check, first run", "first"), ("filmgate check, second run", "second"),
    ("filmgate check, with weights", "weights"),
)  # fmt: skip


def turns_table(turns: Sequence[Turn]) -> str:
    """One keyframe form on one number of shots: medians over the turns."""
    rows = []
    for told, what in ARMS:
        pairs = [(getattr(t, what), t.full) for t in turns if getattr(t, what) is not None]
        if not pairs:
            continue
        wall, cpu = ([getattr(arm, part) for arm, _ in pairs] for part in ("wall_s", "cpu_s"))
        ratio = [arm.wall_s / full.wall_s for arm, full in pairs]
        worked = [arm.cpu_s / full.cpu_s for arm, full in pairs]
        peak = float(np.median([arm.peak_mib for arm, _ in pairs]))
        rows.append([
            told, len(pairs), _middle(wall), _middle(ratio), _middle(cpu), _middle(worked),
            "–" if np.isnan(peak) else round(peak),
        ])  # fmt: skip
    head = ["", "turns", "wall s", "÷ full decode", "CPU s", "÷ full decode (CPU)",
            "peak MiB, all processes"]  # fmt: skip
    loads = ", ".join(f"{t.load[0]:.1f} to {t.load[1]:.1f}" for t in turns)
    return (
        f"## {turns[0].shots} shots, {turns[0].form}\n\n{tables.table(head, rows)}\n"
        f"Medians over turns; load average before and after each: {loads}.\n"
    )


def _middle(values: Sequence[float]) -> float:
    return float(np.median(values))


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
    return f"## Growth, first run without weights, {reels.GOPS[0]}\n\n{tables.table(head, lines)}"


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


def comparison(counts: Sequence[int], budget_s: float) -> str:
    """Seconds of comparing alone, everything measured; larger counts only while time allows."""
    sequence, signatures = synthetic(max(counts))
    made = calibrations.shipped()
    rows: list[list[object]] = []
    ends, last = time.monotonic() + budget_s, (0, 0.0)
    for count in counts:
        # Comparing grows with the count at least, with its square at worst.
        if last[0] and 2 * last[1] * (count / last[0]) ** 2 > ends - time.monotonic():
            rows.append([count, "left out: no time", "–"])
            continue
        part = schema.Sequence("many", sequence.shots[:count])
        best, cpu = np.inf, np.inf
        for _ in range(2):
            wall, used = time.monotonic(), time.process_time()
            engine.compare(part, signatures[:count], Look().bind(part), made, checks())
            best = min(best, time.monotonic() - wall)
            cpu = min(cpu, time.process_time() - used)
        last = (count, best)
        rows.append([count, best, cpu])
    return "## Comparing alone (one process)\n\n" + tables.table(["shots", "wall s", "CPU s"], rows)


class Report:
    """The tables so far: printed as they come, and kept in ``bench/out/speed.md``."""

    def __init__(self, begin: str) -> None:
        self._parts: list[tuple[str, str]] = []
        self.put("begin", begin)

    def put(self, key: str, part: str) -> None:
        """Add a part, or put it in the place of the one of the same key."""
        places = [i for i, (known, _) in enumerate(self._parts) if known == key]
        if places:
            self._parts[places[0]] = (key, part)
        else:
            self._parts.append((key, part))
        footage.OUT.mkdir(parents=True, exist_ok=True)
        text = "\n".join(told for _, told in self._parts)
        (footage.OUT / "speed.md").write_text(text, encoding="utf-8")
        print(part, flush=True)


class Speed:
    """One run of the bench: what is asked for, in the time there is."""

    def __init__(self, asked: argparse.Namespace, base: Path) -> None:
        self._base = base
        self._workers: int = asked.workers or tables.footage_cores()
        self._ends = time.monotonic() + 60 * float(asked.minutes)
        self._weights = None if asked.plain else footage.weights()
        self._sources = reels.distinct(6 if asked.quick else 50, self._workers)
        self._turns: list[Turn] = []
        self.report = Report(self._begin())

    def _begin(self) -> str:
        some = self._sources[reels.GOPS[0]]
        size = np.mean([p.stat().st_size for p in some]) * 8 / reels.SECONDS / 1e6
        return (
            f"# Speed\n\n{tables.machine()}, {self._workers} workers; {reels.SECONDS} s shots, "
            f"720p24, {size:.1f} Mb/s with sound, {len(some)} distinct renders remuxed to distinct "
            "bytes.\n"
        )

    def left_s(self) -> float:
        return self._ends - time.monotonic()

    def _per_shot_s(self, form: str, heavy: bool) -> float:
        """Seconds per shot of a turn, by the longest one so far."""
        done = max((t for t in self._turns if t.form == form), key=lambda t: t.shots)
        tried = [(t.weights.wall_s, t.shots) for t in self._turns if t.form == form and t.weights]
        extra = tried[-1][0] / tried[-1][1] if heavy and tried else 0.0
        return done.light_s / done.shots + extra

    def fitting(self, form: str, shots: int, share: float, *, heavy: bool = False) -> int:
        """As many of `shots` as a share of the time left allows, at least `_PILOT`."""
        room = self.left_s() * share / self._per_shot_s(form, heavy)
        return max(_PILOT, min(shots, int(room)))

    def turn(self, form: str, shots: int, *, heavy: bool) -> Turn:
        """Measure one turn and show what all turns on as many shots say."""
        folder = self._base / f"turn-{reels.GOPS.index(form)}-{shots}"
        files = reels.remuxed(self._sources[form], folder, shots)
        done = turn(form, folder, files, self._workers, self._weights if heavy else None)
        shutil.rmtree(folder)
        self._turns.append(done)
        alike = [t for t in self._turns if (t.form, t.shots) == (form, shots)]
        self.report.put(f"{form} {shots}", turns_table(alike))
        return done

    def grow(self, first: Turn, counts: Sequence[int]) -> None:
        """First runs on other numbers of shots, as far as time allows."""
        rows = [(first.shots, first.first)]
        for count in counts:
            expected_s = 1.2 * count * first.first.wall_s / first.shots
            if expected_s > self.left_s():
                self.report.put(
                    f"grow {count}",
                    f"{count} shots: left out, they would take about {expected_s / 60:.0f} min; "
                    "--minutes gives more time.\n",
                )
                continue
            folder = self._base / f"grow{count}"
            reels.remuxed(self._sources[reels.GOPS[0]], folder, count)
            store = self._base / f"store{count}"
            rows.append((count, checking(folder, store, self._workers, None, fresh=True)))
            shutil.rmtree(folder)
            shutil.rmtree(store, ignore_errors=True)
            self.report.put("growth", growth(rows))


def run(asked: argparse.Namespace, base: Path) -> None:
    """Every part, the ones that matter most first."""
    shots = 24 if asked.quick else asked.shots
    speed = Speed(asked, base)
    for form in reels.GOPS:
        speed.turn(form, _PILOT, heavy=True)
    first = {}
    for number, form in enumerate(reels.GOPS[:2]):
        count = speed.fitting(form, shots, 0.5 if number else 0.3)
        first[form] = speed.turn(form, count, heavy=False)
        if count < shots:
            told = f"{count} of the {shots} shots asked for fitted: --minutes gives more time.\n"
            speed.report.put(f"short {form}", told)
    few = min(_FEW, shots)
    for form in reels.GOPS:
        speed.turn(form, speed.fitting(form, few, 0.3, heavy=True), heavy=True)
    counts = [200, 800] if asked.quick else [400, 1500, 6000]
    speed.report.put("comparing", comparison(counts, 0.2 * speed.left_s()))
    most = first[reels.GOPS[0]]
    speed.grow(most, [max(2, shots // 8), *([] if asked.no_1600 else [4 * shots])])
    for _ in range(asked.repeats - 1):
        for form in reels.GOPS:
            if speed.fitting(form, few, 1.0) == few:
                speed.turn(form, few, heavy=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.speed", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--shots", type=int, default=400, help="shots of the largest turns")
    parser.add_argument("--quick", action="store_true", help="24 shots instead of 400")
    parser.add_argument("--plain", action="store_true", help="without the arm with weights")
    parser.add_argument("--no-1600", action="store_true", help="leave four times the shots out")
    parser.add_argument("--repeats", type=int, default=3, help="turns on at most 100 shots")
    parser.add_argument("--minutes", type=float, default=45.0, help="time for everything")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--tmp", type=Path, help="where the remuxed files go (6.5 GB for 1,600)")
    asked = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="filmgate-speed-", dir=asked.tmp) as temporary:
        run(asked, Path(temporary))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
