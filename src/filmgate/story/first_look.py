"""A first look from what brief and script already say: wardrobe, and where it changes on purpose.

What somebody wears in the brief, or where the brief is silent the first note of the script, is
expected in every sequence that shows them; where a later note says otherwise, the shots from there
on are a declared change, until a note says what held before. `look.toml` wins over all of it: an
attribute that it mentions is left to it.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from filmgate.schema import colour
from filmgate.schema.look import (
    Change,
    Expectation,
    Look,
    NamedPerson,
    Scope,
    canonical,
    matches,
)
from filmgate.schema.plan import Plan, PlannedShot
from filmgate.story.risk import Risk
from filmgate.story.script import Declaration, Scene, Script, slug

OUTER = (
    "coat", "robe", "uniform", "jacket", "blazer", "cardigan", "hoodie", "vest", "sweater",
    "jumper", "dress", "top", "blouse", "shirt", "t-shirt", "tshirt",
)  # fmt: skip
"""Upper garments from the outside in: what is seen, and so measured, is the outermost."""
_TIGHT = {"close": 0, "medium": 1, "full": 2, "wide": 3, "establishing": 4, "insert": 5}
_PLAIN = re.compile(r"[A-Za-z0-9_-]+")

Value = str | float


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What words say of the look.

    Attributes:
        look: expectations, declared changes and who is who, with slates of the plan.
        risks: what in the notes could not be honoured, or contradicts the brief.
    """

    look: Look
    risks: tuple[Risk, ...] = ()


@dataclass(frozen=True, slots=True)
class _Said:
    """One value of an attribute: from `position` (a line of the script) on; 0 is the brief's.

    `path` is as it was written: a coat may follow a jacket as the upper garment.
    """

    position: int
    path: str
    value: Value
    where: str


def first_look(
    plan: Plan, script: Script | None = None, where: Mapping[str, str] | None = None
) -> FirstLook:
    """The look that follows from the people of `plan` and the notes of `script`.

    Args:
        where: as in `Brief.where`, for messages.
    """
    where = where or {}
    said: dict[str, list[_Said]] = {}
    for path, value, origin in _worn(plan, where):
        said.setdefault(canonical(path), []).append(_Said(0, path, value, origin))
    risks: list[Risk] = []
    positions = _Positions(plan, script)
    for declared in script.declared if script else ():
        path, origin = _whose(declared, plan), positions.where(declared.line)
        risks += positions.lost(declared, path, origin)
        risks += _unknown(plan, path, origin)
        noted = _Said(positions.effective(declared.line), path, declared.value, origin)
        said.setdefault(canonical(path), []).append(noted)
    expectations: list[Expectation] = []
    changes: list[Change] = []
    for values in said.values():
        runs = list(_runs(plan, positions, values))
        risks += _never_seen(plan, values[0], runs)
        expectations += [_expectation(values[0], scope) for scope in _shown(plan, values[0].path)]
        changes += [
            Change(value.path, scope, _expectation(value, scope), source=value.where)
            for scope, value in runs
        ]
    people = tuple(_recognised(plan))
    return FirstLook(Look(tuple(expectations), tuple(changes), people=people), tuple(risks))


def merged(first: Look, declared: Look | None) -> Look:
    """`declared` (look.toml), and what `first` says of attributes and people it is silent on."""
    if declared is None:
        return first
    paths = [e.path for e in declared.expectations] + [c.path for c in declared.changes]

    def silent(path: str) -> bool:
        return not any(matches(p, path) or matches(path, p) for p in paths)

    named = {person.name.casefold() for person in declared.people}
    return replace(
        declared,
        expectations=tuple(e for e in first.expectations if silent(e.path)) + declared.expectations,
        changes=tuple(c for c in first.changes if silent(c.path)) + declared.changes,
        people=tuple(p for p in first.people if p.name.casefold() not in named) + declared.people,
    )


def _unknown(plan: Plan, path: str, origin: str) -> list[Risk]:
    """A note about the clothes of somebody who is in no shot."""
    head, name, *_ = [*path.split("/"), ""]
    if head != "wardrobe" or _shown(plan, path):
        return []
    return [
        Risk(
            "note_of_nobody", "warn", origin,
            f"a note declares what '{name}' wears, and no shot shows anybody of that name.",
            "Write the name as the script's cues or the brief do.",
        )
    ]  # fmt: skip


def _shown(plan: Plan, path: str) -> list[Scope]:
    """Where an attribute is expected: somebody's clothes only in sequences that show them.

    Elsewhere nobody could be recognised, and every shot would say *not measured*.
    """
    if not path.startswith("wardrobe/"):
        return [Scope()]
    name = path.split("/")[1]
    found = [
        sequence.id
        for sequence in plan.sequences
        if any(slug(person) == name for shot in sequence.shots for person in shot.people)
    ]
    everywhere = found and len(found) == len(plan.sequences)
    return [Scope()] if everywhere else [Scope(sequence=name) for name in found]


def _worn(plan: Plan, where: Mapping[str, str]) -> Iterable[tuple[str, Value, str]]:
    """Path, colour and origin of what the brief says that people wear, the outermost garments."""
    for person in plan.people:
        worn: dict[str, str] = {}
        for garment in sorted(person.wardrobe, key=_depth):
            worn.setdefault(canonical(f"wardrobe/x/{garment}"), garment)
        for garment in worn.values():
            path = f"wardrobe/{slug(person.name)}/{garment}"
            yield path, person.wardrobe[garment], where.get(f"people/{person.name}", "the brief")


def _depth(garment: str) -> int:
    return OUTER.index(garment) if garment in OUTER else len(OUTER)


def _whose(declared: Declaration, plan: Plan) -> str:
    """The declared path with the brief's name of the person where a note uses one word of it."""
    parts = declared.path.split("/")
    if parts[0] == "wardrobe":
        found = [p.name for p in plan.people if slug(p.name) == parts[1]] or [
            p.name for p in plan.people if parts[1] in slug(p.name).split()
        ]
        if len(found) == 1:
            parts[1] = slug(found[0])
    return "/".join(parts)


class _Positions:
    """Where in the script each shot stands, by line."""

    def __init__(self, plan: Plan, script: Script | None) -> None:
        self._plan, self._script = plan, script
        self._scenes = {s.number: s for s in script.scenes} if script else {}
        self._of = {shot.slate: self._position(shot) for shot in plan.shots()}

    def of(self, shot: PlannedShot) -> int | None:
        """The line of the script that `shot` shows; None when it is not from the script."""
        return self._of[shot.slate]

    def where(self, line: int) -> str:
        """File and line of the script."""
        return self._script.where(line) if self._script else ""

    def _position(self, shot: PlannedShot) -> int | None:
        if self._script is None:
            return None
        found = re.fullmatch(rf"{re.escape(self._script.file)} line (\d+)", shot.source)
        if found:
            return int(found[1])
        scene = self._scenes.get(shot.scene)
        return scene.line if scene else None

    def effective(self, line: int) -> int:
        """The line from which a note on `line` holds: all of its scene when it stands before
        anything that is seen there, or right above the heading.
        """
        scene = self._scene(line)
        if scene is None:
            return line
        first = min((b.line for b in scene.blocks), default=scene.line + 1)
        return scene.line if line <= first else line

    def _scene(self, line: int) -> Scene | None:
        scenes = sorted(self._scenes.values(), key=lambda s: s.line)
        return next((s for s in reversed(scenes) if s.line <= line), None)

    def lost(self, declared: Declaration, path: str, origin: str) -> list[Risk]:
        """A note inside a scene whose shots the brief lists: from which shot on is not known."""
        scene = self._scene(declared.line)
        if scene is None or self.effective(declared.line) == scene.line:
            return []
        if declared.line > max(block.last_line for block in scene.blocks):
            return []  # between two scenes
        listed = [
            shot.slate
            for shot in self._plan.shots()
            if shot.scene == scene.number and self.of(shot) == scene.line
            and shot.source != self.where(scene.line)
        ]  # fmt: skip
        if not listed:
            return []
        return [
            Risk(
                "change_inside_scene", "warn", origin,
                f"'{path}' changes inside scene {scene.number}, whose shots the brief lists, so it "
                f"is not known from which shot on; it is taken to change after the scene.",
                f'Declare it in look.toml: [[change]] path = "{path}", from = a slate of '
                f"{listed[0]} to {listed[-1]}.",
            )
        ]  # fmt: skip


def _runs(
    plan: Plan, positions: _Positions, values: Sequence[_Said]
) -> Iterable[tuple[Scope, _Said]]:
    """Longest runs of shots, in edit order, in which another value than the first holds."""
    for sequence in plan.sequences:
        held = [(shot.slate, _holding(values, positions.of(shot))) for shot in sequence.shots]
        for _, group in itertools.groupby(held, key=lambda item: _meaning(item[1].value)):
            run = list(group)
            now = run[0][1]
            if not same(now.value, values[0].value):
                last = None if run[-1] is held[-1] else run[-1][0]
                yield Scope(run[0][0], last, sequence.id), now


def _holding(values: Sequence[_Said], position: int | None) -> _Said:
    if position is None:
        return values[0]
    held = [v for v in values if v.position <= position]
    return max(held, key=lambda v: v.position) if held else values[0]


def same(one: Value | None, two: Value | None) -> bool:
    """Whether two declared values mean the same: "navy" is "#000080"."""
    return _meaning(one) == _meaning(two)


def _meaning(value: Value | None) -> Value | None:
    found = colour.parse(value) if isinstance(value, str) else None
    return found.hex if found else value


def _never_seen(plan: Plan, base: _Said, runs: Sequence[tuple[Scope, _Said]]) -> list[Risk]:
    """The brief says one thing of somebody, and the script another before they are ever seen."""
    path = base.path
    if base.position or not path.startswith("wardrobe/") or not runs:
        return []
    changed: set[str] = set()
    for sequence in plan.sequences:
        ids = [shot.slate for shot in sequence.shots]
        for scope, _ in runs:
            if scope.sequence == sequence.id and scope.first in ids:
                last = ids.index(scope.last) if scope.last in ids else len(ids) - 1
                changed.update(ids[ids.index(scope.first) : last + 1])
    name = path.split("/")[1]
    seen = [s.slate for s in plan.shots() if name in map(slug, s.people)]
    if not seen or not changed.issuperset(seen):
        return []
    other = runs[0][1]
    return [
        Risk(
            "look_contradicts", "stop", other.where,
            f"'{path}' is {base.value} by {base.where} and {other.value} by {other.where}, and no "
            f"shot shows it as {base.value}.",
            f"Write {other.value} in the brief, or take the note out.",
        )
    ]  # fmt: skip


def _expectation(said: _Said, scope: Scope | None = None) -> Expectation:
    found = colour.parse(said.value) if isinstance(said.value, str) else None
    return Expectation(
        said.path, said.value, found.lab if found else None, found.hex if found else None,
        scope=scope or Scope(), source=said.where,
    )  # fmt: skip


def _recognised(plan: Plan) -> Iterable[NamedPerson]:
    """For everybody whose clothes are declared, in each sequence, the tightest shot of them alone.

    Where no shot shows them alone nobody is named: which of two people it is, a machine would
    have to guess.
    """
    for person in plan.people:
        for sequence in plan.sequences:
            alone = [shot for shot in sequence.shots if shot.people == (person.name,)]
            if alone and person.wardrobe:
                best = min(alone, key=lambda shot: _TIGHT[shot.framing])
                yield NamedPerson(slug(person.name), shot=f"{sequence.id}/{best.slate}")


def to_toml(look: Look) -> str:
    """`look` as a look.toml, for a person to go on from.

    The file names each person by one shot: of several, the first is written.
    """
    lines = ["# The look, as brief and script declare it. Told in docs/look.md.", ""]
    if look.expectations:
        lines.append("[expect]")
        grouped: dict[str, list[Expectation]] = {}
        for e in look.expectations:
            grouped.setdefault(e.path, []).append(e)
        for path, group in grouped.items():
            entries = [_table(_expected(e)) for e in group]
            text = entries[0] if len(entries) == 1 else "[" + ", ".join(entries) + "]"
            lines.append(f"{_text(path)} = {text}")
        lines.append("")
    for change in look.changes:
        plain: dict[str, object] = {"path": change.path, **_scope(change.scope)}
        if change.to:
            plain["value"] = change.to.value
        if change.gradual:
            plain["gradual"] = True
        plain |= _signed(change)
        lines += ["[[change]]", *(f"{k} = {_text(v)}" for k, v in plain.items()), ""]
    for head, rows in (("scenes", _scenes(look)), ("people", _people(look))):
        if rows:
            lines += [f"[{head}]", *rows, ""]
    return "\n".join(lines)


def _expected(entry: Expectation) -> dict[str, object]:
    told: dict[str, object] = {"like": entry.like} if entry.like else {"value": entry.value}
    return {**told, **_scope(entry.scope), **_signed(entry)}


def _scenes(look: Look) -> list[str]:
    return [
        f"{_key(scene.name)} = [{', '.join(_table(_scope(s)) for s in scene.scopes)}]"
        for scene in look.scenes
    ]


def _people(look: Look) -> list[str]:
    rows = []
    first: dict[str, NamedPerson] = {}
    for person in look.people:
        first.setdefault(person.name, person)
    for person in first.values():
        told: dict[str, object] = {"shot": person.shot} if person.shot else {"label": person.label}
        if person.box:
            told["box"] = list(person.box)
        rows.append(f"{_key(person.name)} = {_table(told)}")
    return rows


def _scope(scope: Scope) -> dict[str, object]:
    plain = {"from": scope.first, "to": scope.last, "sequence": scope.sequence}
    return {k: v for k, v in plain.items() if v is not None}


def _signed(entry: Expectation | Change) -> dict[str, object]:
    return {k: v for k, v in (("author", entry.author), ("source", entry.source)) if v}


def _table(plain: Mapping[str, object]) -> str:
    return "{ " + ", ".join(f"{_key(k)} = {_text(v)}" for k, v in plain.items()) + " }"


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else _text(name)


def _text(value: object) -> str:
    """A TOML value; strings in the basic form, whose escapes are those of JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_text(v) for v in value) + "]"
    if isinstance(value, float | int):
        return repr(value)
    return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
