"""`brief.toml`: what is to be made, with whom, how often, and for how much.

`read` gives a `Plan`, which generation needs, and a `Brief`, which the run needs. Whatever cannot
be right is refused in one sentence with file and line. The format is published as
``schemas/brief.schema.json`` and told in ``docs/brief.md``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

from filmgate import registry
from filmgate.models.reader import Reader
from filmgate.schema.brief import Brief, Budget, GeneratorChoice, Rates, ReaderChoice
from filmgate.schema.plan import Plan
from filmgate.settings import SECRET, nearest
from filmgate.story import script as scripts
from filmgate.story.cast import Cast, check_file
from filmgate.story.fields import Table, open_document, said
from filmgate.story.sequences import Sequences

TOP = (
    "title", "style", "size", "rate", "look", "script", "takes", "budget", "rates", "generators",
    "readers", "people", "places", "sequence",
)  # fmt: skip
BUDGET = ("usd", "seconds", "takes", "takes_per_shot")
RATES = ("machine_usd_per_h", "person_usd_per_h")
GENERATOR = ("use", "model")
READER = ("model",)
LEAST_PX, MOST_PX = 64, 8192
MOST_RATE = 240
_NTSC = (24, 30, 48, 60, 120)


@dataclass(frozen=True, slots=True)
class Project:
    """Everything that a brief leads to.

    Attributes:
        plan, brief: as `read` gives them.
        script: the script that it names, or None.
        folder: what the brief's paths are relative to.
    """

    plan: Plan
    brief: Brief
    script: scripts.Script | None
    folder: Path


def read(path: Path, reader: Reader | None = None) -> tuple[Plan, Brief]:
    """The plan and the brief in the file `path`.

    Args:
        reader: who breaks scenes down where the brief says ``breakdown = "reader"``.

    Raises:
        BadSetting: something in it, or in its script, cannot be right.
        MeasurementError: the reader gave no usable answer.
    """
    project = open_project(path, reader)
    return project.plan, project.brief


def open_project(path: Path, reader: Reader | None = None) -> Project:
    """As `read`, with the script and the folder."""
    return _Reading(open_document(path).only(TOP), path).project(reader)


def readers(path: Path) -> tuple[ReaderChoice, ...]:
    """The readers that the brief `path` names: who makes one needs them before `read`.

    Raises:
        BadSetting: the file, or their tables, cannot be right.
    """
    return _Reading(open_document(path).only(TOP), path).readers()


@dataclass(slots=True)
class _Reading:
    top: Table
    path: Path
    where: dict[str, str] = field(default_factory=dict)

    def project(self, reader: Reader | None) -> Project:
        top, folder = self.top, self.path.parent
        title = top.text("title", needed=True)
        size, rate = self.size(), self.rate()
        budget, rates, (used, spare), readers = (
            self.budget(), self.rates(), self.generators(), self.readers(),
        )  # fmt: skip
        takes = self.takes(budget)
        cast = Cast(folder, where=self.where)
        cast.read(top)
        look = self.file("look", folder)
        script = None
        if name := self.file("script", folder):
            script = scripts.read(folder / name, list(cast.people))
        sequences = Sequences(cast, script, rate, reader)
        planned = sequences.read(top)
        plan = Plan(
            title=title, size=size, rate=str(rate), style=top.text("style"), look=look,
            people=tuple(cast.people.values()), places=tuple(cast.places.values()),
            sequences=planned,
        )  # fmt: skip
        brief = Brief(
            file=str(self.path), script=name, takes=takes,
            budget=budget, rates=rates, generators=used, spare=spare, readers=readers,
            where=self.where, notes=tuple(sequences.notes),
        )  # fmt: skip
        return Project(plan, brief, script, folder)

    def takes(self, budget: Budget) -> int:
        """Takes wanted of each shot at the start; the budget must allow them."""
        takes = self.top.whole("takes", 1, 100) or 1
        if takes > budget.takes_per_shot:
            raise self.top.fail(
                "takes",
                f"'takes' asks for {takes} takes of each shot, but the budget allows "
                f"{budget.takes_per_shot} (takes_per_shot).",
            )
        return takes

    def size(self) -> tuple[int, int]:
        """Width and height, px: "1280x720" or [1280, 720]."""
        value = self.top.values.get("size", "640x360")
        self.where["size"] = self.top.where("size")
        if isinstance(value, str) and (found := re.fullmatch(r"(\d+)\s*[x×]\s*(\d+)", value)):
            value = [int(found[1]), int(found[2])]
        numbers = value if isinstance(value, list) else []
        if len(numbers) != 2 or not all(type(n) is int for n in numbers):
            raise self.top.fail("size", f"'size' is written as \"1280x720\", not {said(value)}.")
        width, height = numbers
        if width % 2 or height % 2 or not all(LEAST_PX <= n <= MOST_PX for n in numbers):
            raise self.top.fail(
                "size",
                f"'size' must be two even numbers from {LEAST_PX} to {MOST_PX}, not "
                f"{width}x{height}.",
            )
        return width, height

    def rate(self) -> Fraction:
        """Frames per second: 24, "24000/1001", or 23.976 for the same."""
        value = self.top.values.get("rate", 24)
        self.where["rate"] = self.top.where("rate")
        try:
            rate = Fraction(str(value)) if not isinstance(value, bool) else Fraction(0)
        except (ValueError, ZeroDivisionError):
            rate = Fraction(0)
        if not 1 <= rate <= MOST_RATE:
            raise self.top.fail(
                "rate",
                f"'rate' must be frames per second from 1 to {MOST_RATE}, such as 24 or "
                f'"24000/1001", not {said(value)}.',
            )
        for whole in _NTSC:
            exact = Fraction(whole * 1000, 1001)
            if rate.denominator != 1 and abs(rate - exact) < Fraction(1, 200):
                return exact
        return rate

    def file(self, name: str, folder: Path) -> str:
        """A file that the brief names and that exists, or ""."""
        file = self.top.text(name, needed=name in self.top)
        if file:
            check_file(self.top, name, folder, file)
            self.where[name] = self.top.where(name)
        return file

    def budget(self) -> Budget:
        table = self.top.table("budget").only(BUDGET)
        return Budget(
            usd=table.number("usd", 0, 1e9, "dollars"),
            seconds=table.number("seconds", 0, 1e9, "s"),
            takes=table.whole("takes", 0, 10**9),
            takes_per_shot=table.whole("takes_per_shot", 1, 100) or Budget().takes_per_shot,
        )

    def rates(self) -> Rates:
        table = self.top.table("rates").only(RATES)
        return Rates(**{name: table.number(name, 0, 1e6, "dollars") or 0.0 for name in RATES})

    def generators(self) -> tuple[tuple[GeneratorChoice, ...], tuple[GeneratorChoice, ...]]:
        """Those to use, previz when the brief names none, and those that it only describes."""
        found: dict[bool, list[GeneratorChoice]] = {True: [], False: []}
        for name, table in self.plugins("generators"):
            options = {k: v for k, v in table.values.items() if k not in GENERATOR}
            choice = GeneratorChoice(name=name, models=table.words("model"), options=options)
            found[table.flag("use", True)].append(choice)
        return tuple(found[True]) or (GeneratorChoice(name="previz"),), tuple(found[False])

    def readers(self) -> tuple[ReaderChoice, ...]:
        return tuple(
            ReaderChoice(
                name=name, model=table.text("model"),
                options={k: v for k, v in table.values.items() if k not in READER},
            )
            for name, table in self.plugins("readers")
        )  # fmt: skip

    def plugins(self, kind: str) -> list[tuple[str, Table]]:
        """The tables [generators.NAME] or [readers.NAME], each name one that there is."""
        tables = self.top.table(kind)
        known = registry.names(f"models.{kind}") if tables.values else []
        found = []
        for name in tables.values:
            if name not in known:
                hint = nearest(name, known) or f" There are {', '.join(known) or 'none'}."
                raise tables.fail(name, f"there is no {kind[:-1]} '{name}'.{hint}")
            table = tables.table(name)
            if secret := next((k for k in table.values if SECRET.search(k)), None):
                raise table.fail(
                    secret,
                    f"'{secret}' does not belong into a file: keys come from the environment only.",
                )
            _refuse_dates(table)
            self.where[f"{kind}/{name}"] = table.where()
            found.append((name, table))
        return found


def _refuse_dates(table: Table) -> None:
    """Options are handed on as JSON, which knows no dates, nor numbers that are none."""

    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(plain(v) for v in value.values())
        if isinstance(value, list):
            return all(plain(v) for v in value)
        if isinstance(value, float):
            return abs(value) < float("inf")
        return isinstance(value, str | int)

    for name, value in table.values.items():
        if not plain(value):
            raise table.fail(name, f"'{name}' must be text or a finite number, not {said(value)}.")
