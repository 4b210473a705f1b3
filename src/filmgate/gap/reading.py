"""JSON of any size and in any state: lines, one document, an array, or the part before the cut.

JSON Lines are read line by line. One document of up to `WHOLE_BYTES` is parsed at once; a larger or
broken one is scanned for the elements of its outer array (or of the arrays an importer names), so
that it need not fit into memory and what stands before a cut is still used.
"""

from __future__ import annotations

import json
import mmap
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from filmgate.errors import UsageError
from filmgate.gap.problems import Problems

WHOLE_BYTES = 64 << 20
HEAD_BYTES = 64 << 10
_LINES_TRIED = 8
_BOM = b"\xef\xbb\xbf"
_TO_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\]++|\\.)*+")*+[\[\]{}]', re.S)
_KEY = re.compile(rb'"(\w+)"\s*:\s*\[$')
_OPEN, _CLOSE = b"[{", b"]}"


class Record(NamedTuple):
    """One JSON value.

    Attributes:
        value: the parsed value.
        line: where it begins, from 1; None inside a document of many that was parsed at once.
        array: name of the inner array it is an element of, "" for a line, a document or an element
            of the outer array.
    """

    value: Any
    line: int | None
    array: str = ""


def head(path: Path) -> bytes:
    """The first bytes of a file, without a byte order mark.

    Raises:
        UsageError: it is not there or cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(HEAD_BYTES).removeprefix(_BOM).lstrip()
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from None


def records(path: Path, problems: Problems, arrays: Collection[str] = ()) -> Iterator[Record]:
    """Every JSON value of a file; an outer array's elements one by one.

    Args:
        arrays: names of arrays whose elements can be used alone when the document around them is
            too large or broken.
    """
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if _is_lines(data):
            yield from _lines(file, path, problems)
        else:
            yield from _document(data, path, problems, arrays)


def loads(text: bytes) -> Any:
    """A JSON value; NaN and infinities, which Python writes, are read too.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        try:
            return json.loads(text)
        except RecursionError:
            raise ValueError("nested too deeply") from None


def _is_lines(data: mmap.mmap) -> bool:
    """Whether each line is a value of its own: one of the first few is, and none is a lone bracket.

    A document over several lines begins with its bracket, and its lines end in commas.
    """
    start = 3 if data[:3] == _BOM else 0
    for _ in range(_LINES_TRIED):
        end = data.find(b"\n", start, start + WHOLE_BYTES)
        if end < 0:
            end = len(data)
        if end - start > WHOLE_BYTES:
            return False
        line = data[start:end].strip()
        if line in (b"{", b"["):
            return False
        if line[:1] in (b"{", b"["):
            try:
                loads(line)
            except ValueError:
                pass
            else:
                return True
        start = end + 1
        if start >= len(data):
            break
    return False


def _lines(file: Any, path: Path, problems: Problems) -> Iterator[Record]:
    for number, text in enumerate(file, 1):
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError:
            text = text.removeprefix(_BOM).strip()
            if not text:
                continue
            try:
                value = loads(text)
            except ValueError:
                cut = not text.endswith((b"}", b"]"))
                problems.add(
                    path, number, f"is {'cut off' if cut else 'not JSON'}; this line is left out"
                )
                continue
        if isinstance(value, list):
            for element in value:
                yield Record(element, number)
        else:
            yield Record(value, number)


def _document(
    data: mmap.mmap, path: Path, problems: Problems, arrays: Collection[str]
) -> Iterator[Record]:
    if len(data) <= WHOLE_BYTES:
        try:
            value = loads(data[:].removeprefix(_BOM))
        except ValueError:
            pass
        else:
            # Where it is all in one line, that is the line.
            line = 1 if data.find(b"\n", 0, len(data) - 1) < 0 else None
            yield from (Record(v, line) for v in (value if isinstance(value, list) else [value]))
            return
    yield from _elements(data, path, problems, {a.encode() for a in arrays})


def _elements(
    data: mmap.mmap, path: Path, problems: Problems, arrays: Collection[bytes]
) -> Iterator[Record]:
    """Elements of the outer array and of those named, by counting brackets."""
    position, line, counted = 0, 1, 0
    depth: list[str | None] = []  # the name of each open array that is collected, else None
    while found := _TO_BRACKET.match(data, position):
        bracket, begin = found.group()[-1:], found.end() - 1
        if bracket in _OPEN and depth and depth[-1] is not None:
            end = _end(data, begin)
            if end is None:
                break
            line, counted = line + data[counted:begin].count(b"\n"), begin
            try:
                yield Record(loads(data[begin:end]), line, depth[-1])
            except ValueError:
                problems.add(path, line, "is not JSON; this element is left out")
            position = end
            continue
        if bracket in _OPEN:
            depth.append(_collected(found.group(), not depth, arrays))
        elif depth:
            depth.pop()
        position = found.end()
        if not depth:
            line += data[counted:position].count(b"\n")
            if data[position:].strip():
                problems.add(path, line, "goes on behind its end; what follows is left out")
            return
    line += data[counted:].count(b"\n")
    problems.add(path, line, "is cut off or stops being JSON; what stands before is used")


def _collected(text: bytes, outermost: bool, arrays: Collection[bytes]) -> str | None:
    if not text.endswith(b"["):
        return None
    if outermost:
        return ""
    key = _KEY.search(text[-80:])
    return key[1].decode() if key and key[1] in arrays else None


def _end(data: mmap.mmap, begin: int) -> int | None:
    """Where the value that opens at `begin` has closed; None when it never does."""
    depth, position = 0, begin
    while found := _TO_BRACKET.match(data, position):
        position = found.end()
        depth += 1 if data[position - 1 : position] in _OPEN else -1
        if depth == 0:
            return position
    return None
