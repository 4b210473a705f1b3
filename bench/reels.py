"""Footage for the speed bench: 8 s of 720p24 at about 4 Mb/s with B-frames and AAC.

About 50 distinct shots are rendered by previz once (in ``bench/out/cache/speed``), in three forms:
a keyframe every 1 or 2 s (odd and even shots) and one keyframe per shot, where P-pictures have one
reference (x264 "veryfast"), and one keyframe per shot with three (x264 "medium", its default),
where more has to be decoded. From these any number of files with distinct bytes is remuxed: packets
copied, another title written.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench import footage
from bench.nuisance import U8

SECONDS, RATE, SIZE, BIT_RATE = 8, 24, (1280, 720), 4_000_000
GOPS: Final = (
    "keyframe every 1 or 2 s",
    "one keyframe per shot",
    "one keyframe per shot, three references",
)
_PRESETS: Final = ("veryfast", "veryfast", "medium")
VERSION: Final = "reels 1"


def folder() -> Path:
    return footage.OUT / "cache" / "speed"


def distinct(count: int, workers: int) -> dict[str, list[Path]]:
    """The rendered shots in both forms; renders what is missing."""
    folder().mkdir(parents=True, exist_ok=True)
    out = {gop: [folder() / f"{VERSION} {i:02} {g}.mp4" for i in range(count)]
           for g, gop in enumerate(GOPS)}  # fmt: skip
    wanted = {i: [str(out[gop][i]) for gop in GOPS] for i in range(count)}
    missing = {i: paths for i, paths in wanted.items() if not all(map(os.path.isfile, paths))}
    if missing:
        print(f"Rendering {len(missing)} shots of {SECONDS} s for the speed bench, once.")
        with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
            list(pool.map(_render, missing, missing.values()))
    return out


def _render(number: int, paths: list[str]) -> None:
    """One shot in those of its forms that are not there yet, from the same frames."""
    from filmgate.models.animatic.encode import write
    from filmgate.models.generators import previz

    # Sequences of six, so that people, places and set-ups recur as they do in an edit.
    specs, _ = previz.sequence(
        6, 1 + (number // 6) % 2, setups=4, scenes=1, seed=2000 + number // 6,
        frames=SECONDS * RATE, size=SIZE, rate=RATE,
    )  # fmt: skip
    spec = specs[number % 6]
    sound = np.asarray(previz.audio(spec), dtype=np.float32)
    made: list[U8] = [np.asarray(f, dtype=np.uint8) for f in previz.frames(spec)]
    gops = (24 if number % 2 else 48, 250, 250)
    for path, gop, preset in zip(map(Path, paths), gops, _PRESETS, strict=True):
        if path.is_file():
            continue
        part = path.with_suffix(f".{os.getpid()}.mp4")
        write(part, iter(made), sound, size=SIZE, rate=RATE, crf=None, bit_rate=BIT_RATE, gop=gop,
              preset=preset)  # fmt: skip
        part.replace(path)


def remuxed(sources: list[Path], into: Path, count: int) -> list[Path]:
    """`count` files of distinct bytes in `into`, the sources in turn."""
    into.mkdir(parents=True, exist_ok=True)
    out = []
    for number in range(count):
        path = into / f"shot_{number + 1:04}.mp4"
        if not path.is_file():
            _remux(sources[number % len(sources)], path, f"take {number + 1}")
        out.append(path)
    return out


def _remux(source: Path, path: Path, title: str) -> None:
    with av.open(str(source)) as box, av.open(str(path), "w") as made:
        made.metadata["title"] = title
        streams: dict[int, Any] = {s.index: made.add_stream_from_template(s) for s in box.streams}
        for packet in box.demux():
            if packet.dts is None:
                continue
            packet.stream = streams[packet.stream.index]
            made.mux(packet)


def uncached(files: list[Path]) -> None:
    """Ask the system to forget the files' pages, so that reading them is reading a disk."""
    for file in files:
        handle = os.open(file, os.O_RDONLY)
        try:
            os.fdatasync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)
