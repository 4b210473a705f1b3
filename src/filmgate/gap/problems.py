"""What could not be used of the input, collected while the rest is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from filmgate.gap import places
from filmgate.gap.places import Place
from filmgate.schema.gap import Problem


class Problems:
    """A list of problems in which the same trouble of one file is one entry with a count."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Problem] = {}
        self._notes: dict[str, None] = {}
        self._places: dict[str, Place] = {}

    def add(
        self, file: Path | str, line: int | None, text: str, count: int = 1, first: str = ""
    ) -> None:
        """Something at `line` (from 1, None where it is not in one line) could not be used.

        Args:
            first: the trace or item it was met in.
        """
        key = (str(file), text)
        known = self._found.get(key)
        if known is None:
            self._found[key] = Problem(str(file), line, text, count, first)
        else:
            self._found[key] = replace(known, count=known.count + count)

    def locate(
        self,
        files: Sequence[Path],
        text: str,
        mark: bytes,
        nth: int = 1,
        count: int = 1,
        first: str = "",
        otherwise: Place | None = None,
    ) -> None:
        """`add` for what is met when its line is long gone: the files are searched, once a trouble.

        Args:
            mark: what to search for, as a pattern; its `nth` occurrence is the trouble.
            otherwise: the place told where the files are too large to be searched.
        """
        place = self._places.get(text)
        if place is None:
            place = places.find(files, mark, nth) or otherwise or Place(files[0], None)
            self._places[text] = place
        self.add(place.file, place.line, text, count, first)

    def note(self, text: str) -> None:
        """How something was read; the same note is kept once."""
        self._notes[text] = None

    def found(self) -> tuple[Problem, ...]:
        """All problems, in the order in which they were first met."""
        return tuple(self._found.values())

    def notes(self) -> tuple[str, ...]:
        """All notes, in the same order."""
        return tuple(self._notes)


def sentence(problem: Problem) -> str:
    """The problem for people: file, line, what, and how often."""
    where = problem.file + ("" if problem.line is None else f" line {problem.line}")
    told = [f"first in '{problem.first}'"] if problem.first else []
    told += [f"and {problem.count - 1:,} more like it"] if problem.count > 1 else []
    more = f" ({', '.join(told)})" if told else ""
    return f"{where}: {problem.text}{more}."
