"""Scripts: scenes, characters, times of day, interior or exterior, and notes that declare.

`read` takes Fountain (``.fountain``, ``.spmd``, ``.txt``) and Final Draft (``.fdx``). A note such
as ``[[wardrobe: MAYA jacket=navy]]`` is a declaration; any other note is a remark and is not read.
What is understood, and how, is told in ``docs/script.md``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from filmgate.errors import BadSetting
from filmgate.schema import colour
from filmgate.settings import nearest
from filmgate.story import elements, fdx, fountain
from filmgate.story.elements import Element, Inside

FOUNTAIN = (".fountain", ".spmd", ".txt")
MAX_BYTES = 20_000_000
HEADS = ("wardrobe", "lighting", "sound", "world")
_SPOKEN = {"light": "lighting", "costume": "wardrobe"}
NUMERIC = ("_k", "_lufs", "_db", "_deg", "_stops", "_percent")
_DECLARES = re.compile(r"^\s*(?P<head>[A-Za-z]+)\s*:\s*(?P<rest>.*)$", re.DOTALL)
_PAIR = re.compile(r"([\w-]+)\s*=\s*(\"[^\"]*\"|[^,=]*?)\s*(?=,|[\w-]+\s*=|$)")


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a note declares from its line on: `path` ("wardrobe/maya/jacket") has `value`.

    `name` is whose wardrobe it is, as the note spells it, else "".
    """

    path: str
    value: str | float
    line: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class Scene:
    """One scene.

    Attributes:
        number: as the script numbers it, else counted; unique in the script.
        heading: as written.
        inside, place, time_of_day: what the heading says; "continuous" is the time before.
        line: line of its heading; of its first element when it has none.
        blocks: action, dialogue, transitions and titles, in order.
        characters: who speaks or is named, in order of appearance, as their cues spell them.
    """

    number: str
    heading: str
    inside: Inside
    place: str
    time_of_day: str
    line: int
    blocks: tuple[Element, ...]
    characters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A script.

    Attributes:
        file: name of the file, as messages cite it.
        lines: line number to the words on it, for citing.
        declared: what notes declare, in order.
        unread: notes that begin like a declaration and declare nothing, with their lines.
    """

    file: str
    title: str
    scenes: tuple[Scene, ...]
    declared: tuple[Declaration, ...]
    unread: tuple[tuple[int, str], ...]
    lines: Mapping[int, str]

    def scene(self, number: str) -> Scene | None:
        """The scene with that number, or None."""
        return next((s for s in self.scenes if s.number == number), None)

    def where(self, line: int) -> str:
        """The line as messages cite it: ``script.fountain line 12``."""
        return f"{self.file} line {line}"


def read(path: Path, known: Iterable[str] = ()) -> Script:
    """The script in the file `path`.

    Args:
        known: names of people to look for in the action, besides those who speak.

    Raises:
        BadSetting: no such file, an unknown kind of file, not readable as what it says it is, or a
            note that declares something in a way that cannot be understood.
    """
    suffix = path.suffix.lower()
    if suffix != ".fdx" and suffix not in FOUNTAIN:
        raise BadSetting(f"{path}: is not a script: write Fountain (.fountain) or .fdx.")
    data = _bytes(path)
    if suffix == ".fdx":
        title, found = fdx.parse(data, path)
        lines = {e.line: e.text for e in found if e.kind != "note"}
    else:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise BadSetting(f"{path}: is not a text file in UTF-8.") from None
        title, found = fountain.parse(text)
        lines = dict(enumerate(re.split(r"\r\n|\n|\r", text), 1))
    notes = [e for e in found if e.kind == "note"]
    if suffix == ".fdx":
        notes += [note for e in found if e.kind != "note" for note in _inline(e)]
    notes.sort(key=lambda n: n.line)
    declared = [d for note in notes for d in _declared(note, path)]
    unread = [(n.line, n.text) for n in notes if _head(n.text)[0] in HEADS and "=" not in n.text]
    body = [e for e in found if e.kind not in ("note", "section")]
    if suffix == ".fdx":
        body = [replace(e, text=re.sub(r"\[\[.*?\]\]", "", e.text).strip()) for e in body]
    scenes = _scenes(body, [*known, *(d.name for d in declared if d.name)])
    return Script(path.name, title, tuple(scenes), tuple(declared), tuple(unread), lines)


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise BadSetting(f"{path}: is larger than 20 MB, which is not a script.")
        return path.read_bytes()
    except FileNotFoundError:
        raise BadSetting(f"{path}: there is no such file.") from None
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read ({error.strerror}).") from None


def _inline(element: Element) -> list[Element]:
    """Notes in double brackets inside a Final Draft paragraph."""
    return [
        Element("note", text, element.line, element.last_line)
        for text in re.findall(r"\[\[(.*?)\]\]", element.text)
    ]


def _scenes(body: list[Element], known: list[str]) -> list[Scene]:
    """Scenes; what stands before the first heading is one too if it shows anything."""
    groups: list[tuple[Element | None, list[Element]]] = [(None, [])]
    for element in body:
        if element.kind == "heading":
            groups.append((element, []))
        elif element.text:
            groups[-1][1].append(element)
    if not any(e.kind in ("action", "dialogue") for e in groups[0][1]):
        del groups[0]
    spoken = [e.character for e in body if e.kind == "dialogue"]
    names = unique([*spoken, *known])
    numbers = _numbers([head.number if head else "" for head, _ in groups])
    scenes: list[Scene] = []
    for (head, blocks), number in zip(groups, numbers, strict=True):
        parts = elements.heading(head.text if head else "")
        time = parts.time_of_day
        if elements.carries_on(time):
            time = scenes[-1].time_of_day if scenes else ""
        line = head.line if head else blocks[0].line
        scenes.append(
            Scene(
                number, head.text if head else "", parts.inside, parts.place, time, line,
                tuple(blocks), _characters(blocks, names),
            )
        )  # fmt: skip
    return scenes


def _numbers(written: list[str]) -> list[str]:
    """Scene numbers: as written, else counted; 3.1 follows 3 where only some are numbered."""
    found: dict[str, None] = {}
    numbered, last = any(written), "0"
    for position, number in enumerate(written, 1):
        last = number or last
        start = number or (f"{last}.1" if numbered else str(position))
        stem, count = last if numbered else start, 1
        while start in found:
            count += 1
            start = f"{stem}.{count}"
        found[start] = None
    return list(found)


def _characters(blocks: list[Element], names: list[str]) -> tuple[str, ...]:
    found: list[str] = []
    for block in blocks:
        if block.kind == "dialogue":
            found.append(block.character)
        elif block.kind == "action":
            found += named(block.text, names)
    return tuple(unique(found))


def named(text: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that `text` names, in the order in which it does.

    A name counts as a whole word with a capital ("Maya", "MAYA", not "maya" nor "Mayan"), and not
    as a part of a longer one ("Maya" where "Maya Reyes" is known and said).
    """
    found: list[tuple[int, int, str]] = []
    for name in names:
        spellings = "|".join(re.escape(s) for s in {name, name.title(), name.upper()})
        if name and (match := re.search(rf"(?<!\w)(?:{spellings})(?!\w)", text)):
            found.append((match.start(), match.end(), name))
    return [
        name
        for start, end, name in sorted(found)
        if not any(a <= start and end <= b and b - a > end - start for a, b, _ in found)
    ]


def unique(names: Iterable[str]) -> list[str]:
    """The names without those that differ from an earlier one by letter case alone."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.casefold(), name)
    return list(found.values())


def slug(name: str) -> str:
    """A person's name as attribute paths write it: "maya", "brick braddock"."""
    return " ".join(name.lower().replace("/", " ").split())


def _head(note: str) -> tuple[str, str]:
    """The word before a note's colon, as attribute paths write it, and what follows."""
    found = _DECLARES.match(note)
    head = found["head"].lower() if found else ""
    return _SPOKEN.get(head, head), found["rest"].strip() if found else ""


def _declared(note: Element, path: Path) -> list[Declaration]:
    """What one note declares: nothing unless it begins with a known head and a colon."""
    head, rest = _head(note.text)
    if not head or "=" not in rest:
        return []
    where = f"{path} line {note.line}"
    if head not in HEADS:
        if close := nearest(head, HEADS):
            raise BadSetting(f"{where}: the note '{head}:' declares nothing.{close}")
        return []
    prefix, whose = head, ""
    if head == "wardrobe":
        name = re.match(r"(?P<name>[^=,]*?)\s+(?=[\w-]+\s*=)", rest)
        if not name or not name["name"].strip():
            raise BadSetting(f"{where}: write whose wardrobe: [[wardrobe: MAYA jacket=navy]].")
        whose, rest = name["name"].strip(), rest[name.end() :]
        prefix = f"wardrobe/{slug(whose)}"
    pairs = _PAIR.findall(rest)
    left = re.sub(r"[\s,]", "", _PAIR.sub("", rest))
    if not pairs or left or not all(value.strip('" ') for _, value in pairs):
        raise BadSetting(f"{where}: a note '{head}:' is written as name=value, not '{note.text}'.")
    return [
        Declaration(
            f"{prefix}/{key.lower()}", _value(f"{prefix}/{key}", value, where), note.line, whose
        )
        for key, value in pairs
    ]  # fmt: skip


def _value(path: str, text: str, where: str) -> str | float:
    text = text.strip().strip('"').strip()
    if path.startswith("wardrobe/") and colour.parse(text) is None:
        hint = nearest(text.lower(), colour.NAMES)
        raise BadSetting(
            f"{where}: '{text}' is not a colour (write #1b2a4a or a name such as navy).{hint}"
        )
    if path.lower().endswith(NUMERIC):
        try:
            return float(text)
        except ValueError:
            raise BadSetting(f"{where}: '{path}' must be a number, not '{text}'.") from None
    return text
