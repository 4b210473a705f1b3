"""Where in a file something stands that turns out to be wrong long after its line was read."""

from __future__ import annotations

import mmap
import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import orjson

SEARCHED_BYTES = 64 << 20
"""Larger files are not searched: it would take longer than reading them did."""


HEAD_BYTES = 1 << 10
_PARQUET = b"PAR1"


class Place(NamedTuple):
    """A line of a file, from 1; None where it is not known."""

    file: Path
    line: int | None


def holding(keys: str, value: str) -> bytes:
    """A pattern for a JSON key (of several, joined by "|") that has the text `value`."""
    return rb'"(?:' + keys.encode() + rb')"\s*:\s*' + re.escape(orjson.dumps(value))


def word(text: str) -> bytes:
    """A pattern for `text` that is not part of a longer word."""
    return rb"(?<![\w-])" + re.escape(text.encode()) + rb"(?![\w-])"


def find(files: Sequence[Path], pattern: bytes, nth: int = 1) -> Place | None:
    """Where `pattern` stands for the `nth` time in `files` one after another; None: nowhere."""
    mark = re.compile(pattern)
    for path in files:
        if not path.is_file() or not 0 < path.stat().st_size <= SEARCHED_BYTES:
            continue
        with (
            path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data,
        ):
            if data[:4] == _PARQUET or b"\0" in data[:HEAD_BYTES]:
                continue  # no lines
            at, line = 0, 1
            for found in mark.finditer(data):
                line, at = line + data[at : found.start()].count(b"\n"), found.start()
                nth -= 1
                if nth == 0:
                    return Place(path, line)
    return None
