"""``pipeline.toml``: reading it, and refusing what cannot be right with file and line.

Published as ``schemas/pipeline.schema.json``, told in ``docs/gap_plan.md``.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from filmgate.errors import BadSetting
from filmgate.gap.pipeline import (
    ABORT,
    ATTEMPTS,
    PASS,
    RESERVED,
    VOTE,
    Option,
    Person,
    Pipeline,
    Step,
    Verifier,
)
from filmgate.settings import nearest, read_toml

MAX_ATTEMPTS = 100
MAX_STEPS = 20_000
LARGEST = 1e12
"""Of any number: far beyond what a pipeline costs, and far from where doubles lose cents."""
TOP = (
    "name", "unit", "beta", "delta", "escape_cost", "abort_cost", "items_per_hour", "vote",
    "step", "verifier", "person",
)  # fmt: skip
STEP = (
    "name", "yield", "cost", "repair", "repeat", "after", "join", "verifiers", "vote", "node",
    "interval", "n", "solo",
)  # fmt: skip
VERIFIER = (
    "name", "sensitivity", "false_alarm", "cost", "attempts", "fallback", "delta", "by",
    "sensitivity_interval", "false_alarm_interval",
)  # fmt: skip
PERSON = ("name", "accuracy", "cost", "count", "minutes")
JOINS = ("all", "any")


def read(path: Path) -> Pipeline:
    """The pipeline declared in the file `path`.

    Raises:
        BadSetting: with the file, the line where known, and what to change.
    """
    values, text = read_toml(path)
    return _Reader(path, Lines(text)).pipeline(values)


class Lines:
    """Where in a TOML file a key of a table stands; tomllib does not say.

    Headers and `key =` at the start of a line are found exactly; within inline tables the line that
    holds the entry's name is taken.
    """

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._keys: dict[tuple[str, int, str], int] = {}
        table, seen = "", dict[str, int]()
        for number, line in enumerate(self._lines, 1):
            header = re.match(r"\s*\[\[?\s*[\"']?([\w-]+)[\"']?\s*\]\]?\s*(#|$)", line)
            if header:
                table = header[1]
                seen[table] = seen.get(table, -1) + 1
                self._keys[table, seen[table], ""] = number
            elif found := re.match(r"\s*[\"']?([\w-]+)[\"']?\s*=", line):
                self._keys.setdefault((table, seen.get(table, 0), found[1]), number)

    def of(self, table: str, index: int, key: str, *near: str) -> str:
        """The text " line N" for `key` in the `index`-th `table`, else for a line with `near`."""
        for wanted in ((table, index, key), (table, index, "")):
            if wanted in self._keys and wanted[0]:
                return f" line {self._keys[wanted]}"
        if not table and ("", 0, key) in self._keys:
            return f" line {self._keys['', 0, key]}"
        for count in range(len(near), 0, -1):
            for number, line in enumerate(self._lines, 1):
                if all(word in line for word in near[:count]):
                    return f" line {number}"
        return ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """One table of the file, with what its messages need."""

    reader: _Reader
    table: str
    index: int
    values: Mapping[str, Any]
    known: Sequence[str]

    def __post_init__(self) -> None:
        for key in self.values:
            if key not in self.known:
                hint = nearest(key, self.known) or f" Known are {', '.join(self.known)}."
                inside = f" in '{self.table}'" if self.table else ""
                raise self.fail(key, f"unknown key '{key}'{inside}.{hint}")

    @property
    def name(self) -> str:
        return str(self.values.get("name", ""))

    def fail(self, key: str, message: str) -> BadSetting:
        near = [f'"{self.name}"', key] if self.name else [key]
        where = self.reader.lines.of(self.table, self.index, key, *near)
        return BadSetting(f"{self.reader.path}{where}: {message}")

    def of(self) -> str:
        return f" of {self.table} '{self.name}'" if self.table else ""

    def number(
        self, key: str, default: float | None = None, low: float = 0.0, high: float = math.inf
    ) -> float:
        value = self.values.get(key, default)
        if value is None:
            raise self.fail(key, f"'{key}'{self.of()} is missing.")
        wanted = "from 0 to 1" if high == 1.0 else f"of at least {low:g}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.fail(key, f"'{key}'{self.of()} must be a number {wanted}, not '{value}'.")
        if not low <= value <= min(high, LARGEST):  # NaN and infinity are refused here as well
            raise self.fail(key, f"'{key}'{self.of()} must be {wanted}, not {str(value)[:20]}.")
        return float(value)

    def share(self, key: str, default: float | None = None) -> float:
        return self.number(key, default, 0.0, 1.0)

    def maybe(self, key: str, high: float = math.inf) -> float | None:
        return self.number(key, high=high) if key in self.values else None

    def whole(self, key: str, default: int, most: int = 1_000_000) -> int:
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise self.fail(
                key, f"'{key}'{self.of()} must be a whole number from 1 to {most}, not '{value}'."
            )
        return value

    def word(self, key: str, default: str | None = None) -> str:
        value = self.values.get(key, default)
        if value is None:
            raise self.fail(key, f"a {self.table} has no '{key}'.")
        if not isinstance(value, str) or not value.strip():
            raise self.fail(key, f"'{key}'{self.of()} must be text, not '{value}'.")
        return value

    def words(self, key: str) -> list[str]:
        value = self.values[key]
        words = [value] if isinstance(value, str) else value
        if not isinstance(words, list) or not all(isinstance(w, str) for w in words):
            raise self.fail(key, f"'{key}'{self.of()} must be a list of names, not '{value}'.")
        return words

    def wholes(self, key: str, default: Sequence[int], most: int) -> tuple[int, ...]:
        value = self.values.get(key, list(default))
        given = value if isinstance(value, list) else [value]
        for one in given:
            if isinstance(one, bool) or not isinstance(one, int) or not 1 <= one <= most:
                raise self.fail(
                    key,
                    f"'{key}'{self.of()} must hold whole numbers from 1 to {most}, not '{one}'.",
                )
        if self.table and not given:
            raise self.fail(key, f"'{key}'{self.of()} is empty.")
        return tuple(dict.fromkeys(given))

    def pick(self, key: str, word: str, known: Iterable[str], what: str) -> str:
        known = list(known)
        if word not in known:
            hint = nearest(word, known) or f" Known are {', '.join(known) or 'none'}."
            raise self.fail(key, f"'{key}'{self.of()}: there is no {what} '{word}'.{hint}")
        return word


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    lines: Lines
    entries: dict[str, _Entry] = field(default_factory=dict)
    """Of every step by its name, for messages about how steps connect."""

    def pipeline(self, values: dict[str, Any]) -> Pipeline:
        top = _Entry(self, "", 0, values, TOP)
        people = tuple(self.person(e) for e in self.tables(top, "person", PERSON))
        self.unique(top, "person", [p.name for p in people])
        names = [p.name for p in people]
        verifiers = tuple(self.verifier(e, names) for e in self.tables(top, "verifier", VERIFIER))
        self.unique(top, "verifier", [v.name for v in verifiers])
        entries = self.tables(top, "step", STEP)
        if not entries:
            raise BadSetting(f"{self.path}: there is no step: write [[step]] with name and yield.")
        return Pipeline(
            self.steps(entries, verifiers, names),
            verifiers,
            people,
            top.wholes("vote", (), MAX_ATTEMPTS),
            top.share("beta", 0.0),
            top.share("delta", 1.0),
            top.maybe("escape_cost"),
            top.number("abort_cost", 0.0),
            top.maybe("items_per_hour"),
            top.word("unit", "units"),
            top.word("name", self.path.stem),
            tuple(_assumed(values)),
        )

    def tables(self, top: _Entry, key: str, known: Sequence[str]) -> list[_Entry]:
        given = top.values.get(key, [])
        if not isinstance(given, list) or not all(isinstance(v, dict) for v in given):
            raise top.fail(key, f"'{key}' must be written as [[{key}]].")
        return [_Entry(self, key, i, values, known) for i, values in enumerate(given)]

    def unique(self, top: _Entry, what: str, names: Sequence[str]) -> None:
        for i, name in enumerate(names):
            if name in names[:i]:
                where = self.lines.of(what, i, "name", f'"{name}"')
                raise BadSetting(f"{self.path}{where}: there are two {what}s named '{name}'.")

    def named(self, entry: _Entry) -> str:
        name = entry.word("name")
        if "/" in name or name in RESERVED:
            raise entry.fail("name", f"'{name}' cannot be the name of a {entry.table}.")
        return name

    def person(self, entry: _Entry) -> Person:
        return Person(
            self.named(entry),
            entry.share("accuracy"),
            entry.number("cost"),
            entry.whole("count", 1),
            entry.maybe("minutes"),
        )

    def verifier(self, entry: _Entry, people: Sequence[str]) -> Verifier:
        ends = (PASS, ABORT, *people)
        fallback = entry.words("fallback") if "fallback" in entry.values else [PASS, *people]
        for word in fallback:
            entry.pick("fallback", word, ends, "person")
        if not fallback:
            raise entry.fail("fallback", f"'fallback'{entry.of()} is empty.")
        by = entry.word("by") if "by" in entry.values else None
        if by is not None:
            entry.pick("by", by, people, "person")
        return Verifier(
            self.named(entry),
            entry.share("sensitivity"),
            entry.share("false_alarm"),
            entry.number("cost", 0.0),
            entry.wholes("attempts", ATTEMPTS, MAX_ATTEMPTS),
            tuple(dict.fromkeys(fallback)),
            entry.maybe("delta", 1.0),
            by,
            self.interval(entry, "sensitivity_interval")[0],
            self.interval(entry, "false_alarm_interval")[1],
        )

    def steps(
        self, entries: Sequence[_Entry], verifiers: Sequence[Verifier], people: Sequence[str]
    ) -> tuple[Step, ...]:
        named = [(entry, self.names(entry)) for entry in entries]
        ends = {entry.name: names[-1] for entry, names in named}
        known = {name: name for name in self.entries} | ends
        made: list[Step] = []
        for entry, names in named:
            step = self.step(entry, verifiers, people)
            before = [made[-1].name] if made else []
            given = entry.words("after") if "after" in entry.values else before
            for name in given:
                entry.pick("after", name, known, "step")
            after = tuple(dict.fromkeys(known[name] for name in given))
            made.append(replace(step, name=names[0], after=after, needs=self.needs(entry, after)))
            made += [
                replace(step, name=name, after=(names[i],)) for i, name in enumerate(names[1:])
            ]
        return self.connected(made)

    def names(self, entry: _Entry) -> list[str]:
        """The names of the steps an entry stands for: its own, or numbered where it repeats."""
        name, repeat = entry.word("name"), entry.whole("repeat", 1, MAX_STEPS)
        names = [name] if repeat == 1 else [f"{name} {i}" for i in range(1, repeat + 1)]
        for one in names:
            if one in self.entries:
                raise entry.fail("name", f"there are two steps named '{one}'.")
            self.entries[one] = entry
        if len(self.entries) > MAX_STEPS:
            raise entry.fail("repeat", f"there are more than {MAX_STEPS} steps.")
        return names

    def needs(self, entry: _Entry, after: Sequence[str]) -> int:
        """How many of the inputs must be good."""
        join, inputs = entry.values.get("join", "all"), max(1, len(after))
        count = {"all": inputs, "any": 1}.get(join) if isinstance(join, str) else join
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= inputs:
            raise entry.fail(
                "join",
                f"'join'{entry.of()} must be all, any, or how many of its {len(after)} inputs "
                f"must be good, not '{join}'.",
            )
        return count

    def step(self, entry: _Entry, verifiers: Sequence[Verifier], people: Sequence[str]) -> Step:
        known = [v.name for v in verifiers]
        only = None
        if "verifiers" in entry.values:
            only = tuple(
                entry.pick("verifiers", w, known, "verifier") for w in entry.words("verifiers")
            )
        votes = entry.values.get("vote", True)
        if not isinstance(votes, bool):
            raise entry.fail("vote", f"'vote'{entry.of()} must be true or false, not '{votes}'.")
        low, high = self.interval(entry, "interval")
        made = Step(
            entry.name,
            entry.share("yield"),
            entry.number("cost", 0.0),
            entry.share("repair", 0.0),
            verifiers=only,
            votes=votes,
            low=low,
            high=high,
            n=entry.whole("n", 1, 10**12) if "n" in entry.values else None,
            solo=entry.maybe("solo", 1.0),
        )
        return replace(made, node=self.node(entry, made, verifiers, people))

    def interval(self, entry: _Entry, key: str) -> tuple[float | None, float | None]:
        if key not in entry.values:
            return None, None
        given = entry.values[key]
        ends = given if isinstance(given, list) else []
        numbers = [float(v) for v in ends if isinstance(v, int | float) and 0 <= v <= 1]
        if len(ends) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:
            raise entry.fail(key, f"'{key}'{entry.of()} must be [low, high] within 0 to 1.")
        return numbers[0], numbers[1]

    def node(
        self, entry: _Entry, step: Step, verifiers: Sequence[Verifier], people: Sequence[str]
    ) -> Option | None:
        """What stands behind the step today; it must be allowed there."""
        if "node" not in entry.values:
            return None
        text = entry.word("node")
        try:
            found = option(text, verifiers, people)
        except ValueError as error:
            raise entry.fail("node", f"'node'{entry.of()}: {error}") from None
        if not Pipeline((step,)).allows(step, found):
            raise entry.fail(
                "node",
                f"'node'{entry.of()}: '{text}' may not stand there by 'verifiers' or 'vote'.",
            )
        return found

    def connected(self, steps: Sequence[Step]) -> tuple[Step, ...]:
        """The steps, each after its inputs, else in the order of the file; one end, no circle."""
        place = {step.name: i for i, step in enumerate(steps)}
        takers: list[list[int]] = [[] for _ in steps]
        for i, step in enumerate(steps):
            for name in step.after:
                takers[place[name]].append(i)
        missing = [len(step.after) for step in steps]
        ready = [i for i, count in enumerate(missing) if count == 0]
        order: list[Step] = []
        while ready:
            i = heapq.heappop(ready)
            order.append(steps[i])
            for taker in takers[i]:
                missing[taker] -= 1
                if missing[taker] == 0:
                    heapq.heappush(ready, taker)
        if len(order) < len(steps):
            raise self.circle([steps[i] for i, count in enumerate(missing) if count])
        ends = [step.name for step, taken in zip(steps, takers, strict=True) if not taken]
        if len(ends) > 1:
            raise self.entries[ends[0]].fail(
                "name",
                f"the steps do not connect: nothing takes the output of '{ends[0]}', and the "
                f"pipeline ends at '{ends[-1]}'; name it in an 'after', or remove it.",
            )
        return tuple(order)

    def circle(self, waiting: Sequence[Step]) -> BadSetting:
        """The error for steps that wait for one another; those behind a circle wait too."""
        by_name = {step.name: step for step in waiting}
        path = [waiting[0].name]
        while path.count(path[-1]) == 1:
            path.append(next(n for n in by_name[path[-1]].after if n in by_name))
        turn = path[path.index(path[-1]) :]
        told = " → ".join(f"'{name}'" for name in reversed(turn))
        return self.entries[turn[0]].fail("after", f"the steps go in a circle: {told}.")


def option(text: str, verifiers: Iterable[Verifier], people: Sequence[str]) -> Option:
    """The node written as "judge/3/editor", "judge/1/pass" or "vote/2".

    Raises:
        ValueError: a sentence about what is wrong with it.
    """
    parts = text.split("/")
    count = parts[1] if len(parts) > 1 else ""
    if not re.fullmatch(r"[1-9][0-9]{0,2}", count) or int(count) > MAX_ATTEMPTS:
        raise ValueError(
            f"'{text}' must be written as verifier/attempts/fallback or vote/lead, "
            f"with a number from 1 to {MAX_ATTEMPTS}."
        )
    if parts[0] == VOTE and len(parts) == 2:
        return Option(lead=int(count))
    known = [v.name for v in verifiers]
    if len(parts) != 3 or parts[0] not in known:
        raise ValueError(f"there is no verifier '{parts[0]}'.{nearest(parts[0], known)}")
    if parts[2] not in (ends := (PASS, ABORT, *people)):
        raise ValueError(f"'{parts[2]}' is none of {', '.join(ends)}.{nearest(parts[2], ends)}")
    return Option(parts[0], int(count), parts[2])


def _assumed(values: Mapping[str, Any]) -> Iterable[str]:
    if "beta" not in values:
        yield "β = 0 was assumed, not declared: every retry is taken as a fresh chance."
    if "delta" not in values:
        yield "δ = 1 was assumed, not declared: later verifiers are taken to see inherited defects."
