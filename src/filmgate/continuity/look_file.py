"""`look.toml`: reading what is declared of the world, and refusing what cannot be right.

The file format is published as ``schemas/look.schema.json`` and told in ``docs/look.md``.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence as Many
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filmgate import registry
from filmgate.errors import BadSetting
from filmgate.schema import colour
from filmgate.schema.look import Change, Expectation, Look, NamedPerson, Scene, Scope, canonical
from filmgate.schema.shot import Sequence
from filmgate.settings import check_keys, line_of, nearest, read_toml

HEADS = ("wardrobe", "lighting", "grade", "geometry", "identity", "sound", "world")
NUMERIC = ("_k", "_lufs", "_db", "_deg", "_stops", "_percent")
KEY_SIDES = ("left", "right", "even")
_TOP = ("author", "source", "expect", "change", "scenes", "people")
_SCOPE = ("from", "to", "sequence")
_ENTRY = ("value", "like", *_SCOPE, "author", "source")
_CHANGE = ("path", *_SCOPE, "value", "gradual", "author", "source")


def read(path: Path, sequences: Iterable[Sequence] | None = None) -> Look:
    """The look declared in the file `path`.

    Args:
        sequences: what is to be checked; when given, every shot the file names must exist there.

    Raises:
        BadSetting: with the file, the line where known, and the key.
    """
    values, text = read_toml(path)
    look = _Reader(path, text, values.get("author"), values.get("source")).look(values)
    if sequences is not None:
        _check_shots(look, list(sequences), path, text)
    return look


@dataclass(frozen=True, slots=True)
class _Reader:
    path: Path
    text: str
    author: str | None
    source: str | None

    def fail(self, message: str, *near: str) -> BadSetting:
        return BadSetting(f"{self.path}{line_of(self.text, *near)}: {message}")

    def keys(self, values: Any, known: Iterable[str], where: str) -> dict[str, Any]:
        if not isinstance(values, dict):
            key = where.split(".", 1)[-1]
            raise self.fail(f"'{where}' must be a table, not '{values}'.", key)
        check_keys(values, known, self.path, self.text, where)
        return values

    def look(self, values: dict[str, Any]) -> Look:
        self.keys(values, _TOP, "")
        for key in ("author", "source"):
            self.word(values, key, key)
        expectations = [
            self.expectation(path, entry)
            for path, given in self.keys_of(values, "expect").items()
            for entry in (given if isinstance(given, list) else [given])
        ]
        changes = values.get("change", [])
        if not isinstance(changes, list):
            raise self.fail("'change' must be written as [[change]].", "[change]")
        scenes = self.keys_of(values, "scenes")
        people = self.keys_of(values, "people")
        return Look(
            expectations=tuple(expectations),
            changes=tuple(self.change(entry) for entry in changes),
            scenes=tuple(self.scene(name, entry) for name, entry in scenes.items()),
            people=tuple(self.person(name, entry) for name, entry in people.items()),
            file=str(self.path),
        )

    def keys_of(self, values: dict[str, Any], key: str) -> dict[str, Any]:
        table = values.get(key, {})
        if not isinstance(table, dict):
            raise self.fail(f"'{key}' must be a table: write [{key}].", key)
        return table

    def word(self, values: dict[str, Any], key: str, where: str) -> str | None:
        value = values.get(key)
        if value is not None and (not isinstance(value, str) or not value):
            raise self.fail(f"'{key}' of '{where}' must be text, not '{value}'.", where, key)
        return value

    def scope(self, values: dict[str, Any], where: str) -> Scope:
        first, last, sequence = (self.word(values, key, where) for key in _SCOPE)
        return Scope(first, last, sequence)

    def attribute(self, path: Any) -> str:
        if not isinstance(path, str) or not path:
            raise self.fail("'path' must be an attribute path such as 'lighting/key_side'.", "path")
        known = {*HEADS, *registry.names("continuity.checks")}
        head = path.strip("/").split("/")[0].lower()
        if head not in known and not any(c in head for c in "*?["):
            raise self.fail(
                f"'{path}' is not an attribute: unknown check '{head}'."
                + (nearest(head, known) or f" Known are {', '.join(sorted(known))}."),
                path,
            )
        return path

    def expectation(self, path: str, entry: Any) -> Expectation:
        self.attribute(path)
        values = entry if isinstance(entry, dict) else {"value": entry}
        self.keys(values, _ENTRY, f"expect.{path}")
        like = self.word(values, "like", path)
        if (like is None) == (values.get("value") is None):
            raise self.fail(f"'expect.{path}' needs either 'value' or 'like'.", path)
        if like is None:
            return self.valued(path, values, f"expect.{path}")
        return self.made(path, values, like=like)

    def valued(self, path: str, values: dict[str, Any], where: str) -> Expectation:
        value = values["value"]
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise self.fail(f"'{where}' must be a colour, a number or a word.", path)
        if isinstance(value, int | float):
            if canonical(path).startswith("wardrobe/"):
                raise self.fail(f"'{where}': {value} is not a colour.", path, str(value))
            return self.made(path, values, value=float(value))
        if path.endswith(NUMERIC):
            raise self.fail(f"'{where}' must be a number, not '{value}'.", path, value)
        if canonical(path) == "lighting/key_side" and value.strip().lower() not in KEY_SIDES:
            raise self.fail(
                f"'{where}': a key side is 'left', 'right' or 'even', not '{value}'."
                + nearest(value.lower(), KEY_SIDES), path, value,
            )  # fmt: skip
        found = colour.parse(value)
        looks_like_one = value.strip().startswith(("#", "lab("))
        if found is None and (canonical(path).startswith("wardrobe/") or looks_like_one):
            raise self.fail(
                f"'{where}': '{value}' is not a colour (write \"#1b2a4a\", a CSS name such as "
                f'"navy", or "lab(30 5 -20)").' + nearest(value.lower(), colour.NAMES),
                path,
                value,
            )
        if found is None:
            return self.made(path, values, value=value)
        return self.made(path, values, value=value, lab=found.lab, hex=found.hex)

    def made(self, path: str, values: dict[str, Any], **parts: Any) -> Expectation:
        author, source = self.signed(values, path)
        return Expectation(
            path, scope=self.scope(values, path), author=author, source=source, **parts
        )

    def signed(self, values: dict[str, Any], where: str) -> tuple[str | None, str | None]:
        author, source = (self.word(values, key, where) for key in ("author", "source"))
        return author or self.author, source or self.source

    def change(self, entry: Any) -> Change:
        values = self.keys(entry, _CHANGE, "change")
        path = self.attribute(values.get("path"))
        if values.get("from") is None:
            raise self.fail(f"the change of '{path}' needs 'from', its first shot.", path)
        if not isinstance(gradual := values.get("gradual", False), bool):
            raise self.fail(f"'gradual' of the change of '{path}' must be true or false.", path)
        author, source = self.signed(values, path)
        to = self.valued(path, values, f"change of {path}") if "value" in values else None
        return Change(path, self.scope(values, path), to, gradual, author, source)

    def scene(self, name: str, entry: Any) -> Scene:
        where = f"scenes.{name}"
        ranges = entry if isinstance(entry, list) else [entry]
        return Scene(name, tuple(self.scope(self.keys(r, _SCOPE, where), name) for r in ranges))

    def person(self, name: str, entry: Any) -> NamedPerson:
        where = f"people.{name}"
        values = {"label": entry} if isinstance(entry, str) else entry
        self.keys(values, ("label", "shot", "box"), where)
        label, shot = (self.word(values, key, name) for key in ("label", "shot"))
        if (label is None) == (shot is None):
            raise self.fail(f"'{where}' needs either 'shot' or 'label'.", name)
        box = values.get("box")
        if box is None:
            return NamedPerson(name, label, shot)
        parts = box if isinstance(box, list) else []
        numbers = [float(v) for v in parts if isinstance(v, int | float) and 0 <= v <= 1]
        if len(numbers) != 4 or len(parts) != 4:
            raise self.fail(f"'{where}.box' must be [x, y, w, h], each from 0 to 1.", name, "box")
        x, y, w, h = numbers
        return NamedPerson(name, label, shot, (x, y, w, h))


def _check_shots(look: Look, sequences: Many[Sequence], path: Path, text: str) -> None:
    """Every shot and sequence named must exist, and no range may run backwards."""
    short = {shot.id for sequence in sequences for shot in sequence.shots}
    known = short | {f"{q.id}/{shot.id}" for q in sequences for shot in q.shots}
    scopes = [e.scope for e in look.expectations] + [c.scope for c in look.changes]
    scopes += [scope for scene in look.scenes for scope in scene.scopes]
    named = [end for scope in scopes for end in (scope.first, scope.last) if end is not None]
    named += [person.shot for person in look.people if person.shot is not None]
    named += [e.like for e in look.expectations if e.like is not None]
    for shot in named:
        if shot not in known:
            hint = nearest(shot, short) or nearest(shot, known)
            raise BadSetting(f"{path}{line_of(text, shot)}: there is no shot '{shot}'.{hint}")
    ids = [sequence.id for sequence in sequences]
    for scope in scopes:
        if scope.sequence is not None and scope.sequence not in ids:
            raise BadSetting(
                f"{path}{line_of(text, scope.sequence)}: there is no sequence "
                f"'{scope.sequence}'.{nearest(scope.sequence, ids)}"
            )
        _check_range(scope, sequences, path, text)


def _check_range(scope: Scope, sequences: Many[Sequence], path: Path, text: str) -> None:
    if scope.first is None and scope.last is None:
        return
    if not any(Look(changes=(Change("*", scope),)).bind(q).changes for q in sequences):
        raise BadSetting(
            f"{path}{line_of(text, scope.first or '', scope.last or '')}: the range from "
            f"'{scope.first or 'the first shot'}' to '{scope.last or 'the last shot'}' holds no "
            f"shot: it runs backwards, or its ends lie in different sequences."
        )
