"""On which line each value of a TOML file stands, which `tomllib` does not say.

A brief may hold a thousand shots that look alike, so a message must not find its line by searching
for words. The text has been read by `tomllib` before: only correct TOML comes here.
"""

from __future__ import annotations

import re
import tomllib

Key = tuple[str | int, ...]
"""Path of a value: keys, and positions in arrays: ("sequence", 0, "shot", 733, "place")."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SCALAR = re.compile(r"[^,\]}#\n]+")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}', re.DOTALL),
    re.compile(r"'''.*?'{3,5}", re.DOTALL),
    re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    re.compile(r"'[^'\n]*'"),
)


def lines_of(text: str) -> dict[Key, int]:
    """Line number, from 1, of every table and value of the TOML document `text`."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Key, int] = {}
        self._tables: dict[Key, int] = {}  # arrays of tables, and how many each has so far
        self._counted = (0, 1)  # a place in the text and its line

    def line(self) -> int:
        place, number = self._counted
        number += self.text.count("\n", place, self.at)
        self._counted = (self.at, number)
        return number

    def document(self) -> None:
        table: Key = ()
        while self.skip(_GAP) < len(self.text):
            if self.text[self.at] == "[":
                table = self.header()
            else:
                self.pair(table)

    def skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()
        return self.at

    def header(self) -> Key:
        line = self.line()
        array = self.text.startswith("[[", self.at)
        self.at += 2 if array else 1
        parts = self.key()
        self.at += 2 if array else 1
        path: Key = ()
        for number, part in enumerate(parts, 1):
            path += (part,)
            if array and number == len(parts):
                self.lines.setdefault(path, line)
                count = self._tables[path] = self._tables.get(path, 0) + 1
                path += (count - 1,)
            elif path in self._tables:
                path += (self._tables[path] - 1,)
            self.lines.setdefault(path, line)
        return path

    def key(self) -> list[str]:
        parts = []
        while True:
            self.skip(_SPACE)
            start = self.at
            if self.text[start] in "\"'":
                self.string()
                parts.append(tomllib.loads(f"k = {self.text[start : self.at]}")["k"])
            else:
                self.skip(_BARE)
                parts.append(self.text[start : self.at])
            self.skip(_SPACE)
            if self.text[self.at] != ".":
                return parts
            self.at += 1

    def pair(self, table: Key) -> None:
        line = self.line()
        path = table
        for part in self.key():
            path += (part,)
            self.lines.setdefault(path, line)
        self.at += 1  # the "="
        self.skip(_SPACE)
        self.value(path)

    def value(self, path: Key) -> None:
        self.lines.setdefault(path, self.line())
        opening = self.text[self.at]
        if opening in "\"'":
            self.string()
        elif opening in "[{":
            self.collection(path, "]" if opening == "[" else "}")
        else:
            self.skip(_SCALAR)

    def collection(self, path: Key, closing: str) -> None:
        self.at += 1
        count = 0
        while self.text[self.skip(_GAP)] != closing:
            if self.text[self.at] == ",":
                self.at += 1
            elif closing == "]":
                self.value((*path, count))
                count += 1
            else:
                self.pair(path)
        self.at += 1

    def string(self) -> None:
        for pattern in _STRINGS:
            if found := pattern.match(self.text, self.at):
                self.at = found.end()
                return
