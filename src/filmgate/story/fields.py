"""Typed reading of a TOML file's tables; every refusal is one sentence with file and line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmgate.errors import BadSetting
from filmgate.settings import nearest, read_toml
from filmgate.story.toml_lines import Key, lines_of

MAX_BYTES = 20_000_000
"""A brief of 1,000 shots has some 300 kB; a file above this is something else."""


@dataclass(frozen=True, slots=True)
class Document:
    """A TOML file and where everything in it stands."""

    path: Path
    lines: dict[Key, int]

    def where(self, key: Key) -> str:
        """Name of the file and line of `key`, or of what holds it: ``brief.toml line 12``."""
        return f"{self.path.name}{self._line(key)}"

    def fail(self, key: Key, sentence: str) -> BadSetting:
        """The error that says what is wrong at `key`."""
        return BadSetting(f"{self.path}{self._line(key)}: {sentence}")

    def _line(self, key: Key) -> str:
        while key and key not in self.lines:
            key = key[:-1]
        return f" line {self.lines[key]}" if key else ""


def open_document(path: Path) -> Table:
    """The top table of the TOML file `path`.

    Raises:
        BadSetting: it cannot be read, is not TOML, or is far too large.
    """
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # read_toml says what is wrong
    if size > MAX_BYTES:
        raise BadSetting(f"{path}: has {size / 1e6:.0f} MB, which is not a brief.")
    values, text = read_toml(path)
    return Table(values, (), Document(path, lines_of(text)))


@dataclass(frozen=True, slots=True)
class Table:
    """One table: getters check type and range, and refuse in one sentence."""

    values: dict[str, Any]
    key: Key
    document: Document

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def where(self, name: str | None = None) -> str:
        """File and line of `name`, or of the table itself."""
        return self.document.where((*self.key, name) if name else self.key)

    def fail(self, name: str | None, sentence: str) -> BadSetting:
        """The error that says what is wrong with `name`, or with the table itself."""
        return self.document.fail((*self.key, name) if name else self.key, sentence)

    def only(self, known: Iterable[str]) -> Table:
        """This table, after refusing keys that are not `known`."""
        known = list(known)
        for name in self.values:
            if name not in known:
                inside = next((str(k) for k in reversed(self.key) if isinstance(k, str)), "")
                hint = nearest(name, known) or f" Known are {', '.join(known)}."
                within = f" in '{inside}'" if inside else ""
                raise self.fail(name, f"unknown key '{name}'{within}.{hint}")
        return self

    def text(self, name: str, default: str = "", *, needed: bool = False) -> str:
        """Words; with `needed` there must be some."""
        value = self.values.get(name, default)
        if not isinstance(value, str):
            raise self.fail(name, f"'{name}' must be text, not {said(value)}.")
        if needed and not value.strip():
            problem = "must not be empty" if name in self.values else "is missing"
            raise self.fail(name if name in self.values else None, f"'{name}' {problem}.")
        return value

    def label(self, name: str) -> str:
        """A name that may be written as a whole number (scene = 12), "" when it is not there."""
        value = self.values.get(name, "")
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return self.text(name)

    def choice(self, name: str, known: Sequence[str], default: str) -> str:
        """One of the words `known`."""
        value = self.values.get(name, default)
        if value not in known:
            hint = nearest(value, known) if isinstance(value, str) else ""
            raise self.fail(
                name, f"'{name}' must be one of {', '.join(known)}, not {said(value)}.{hint}"
            )
        return str(value)

    def number(self, name: str, low: float, high: float, unit: str = "") -> float | None:
        """A number from `low` to `high`, or None when it is not there."""
        value = self.values.get(name)
        return None if value is None else self.checked(name, value, low, high, unit)

    def checked(self, name: str, value: Any, low: float, high: float, unit: str = "") -> float:
        """`value` as a number, refused outside `low` to `high`."""
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not math.isfinite(value) or not low <= value <= high:
            of = f" {unit}" if unit else ""
            raise self.fail(
                name, f"'{name}' must be a number from {low:g} to {high:g}{of}, not {said(value)}."
            )
        return float(value)

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, or None when it is not there."""
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise self.fail(
                name, f"'{name}' must be a whole number from {low} to {high}, not {said(value)}."
            )
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.values.get(name, default)
        if not isinstance(value, bool):
            raise self.fail(name, f"'{name}' must be true or false, not {said(value)}.")
        return value

    def array(self, name: str) -> list[Any]:
        """A list, empty when it is not there."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise self.fail(name, f"'{name}' must be a list, [...], not {said(value)}.")
        return value

    def words(self, name: str) -> tuple[str, ...]:
        """A list of texts; a single text is a list of one."""
        value = self.values.get(name, [])
        found = [value] if isinstance(value, str) else self.array(name)
        for number, item in enumerate(found):
            if not isinstance(item, str) or not item:
                raise self.document.fail(
                    (*self.key, name, number), f"'{name}' must hold texts, not {said(item)}."
                )
        return tuple(found)

    def numbers(self, name: str, low: float, high: float, unit: str = "") -> tuple[float, ...]:
        """A list of numbers from `low` to `high`; a single number is a list of one."""
        value = self.values.get(name, [])
        found = value if isinstance(value, list) else [value]
        return tuple(self.checked(name, item, low, high, unit) for item in found)

    def table(self, name: str) -> Table:
        """The table `name`, empty when it is not there."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise self.fail(name, f"'{name}' must be a table, not {said(value)}.")
        return Table(value, (*self.key, name), self.document)

    def tables(self, name: str) -> Iterator[Table]:
        """The tables of the list `name`."""
        value = self.values.get(name, [])
        whole: Key = (*self.key, name)
        if not isinstance(value, list):
            raise self.fail(name, f"'{name}' must be written as [[{dotted(whole)}]].")
        for number, item in enumerate(value):
            if not isinstance(item, dict):
                raise self.document.fail(
                    (*whole, number), f"'{name}' must hold tables, not {said(item)}."
                )
            yield Table(item, (*whole, number), self.document)


def dotted(key: Key) -> str:
    """The key as a TOML header writes it, without positions."""
    return ".".join(part for part in key if isinstance(part, str))


def said(value: Any) -> str:
    """A value as a message shows it, cut to a readable length."""
    shown = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else None
    shown = shown or (f"'{value}'" if isinstance(value, str) else str(value))
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
