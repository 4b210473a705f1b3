"""Final Draft (.fdx): the paragraphs of its content, with their lines.

The file comes from elsewhere and is read with expat directly: no entity may be declared in it, so
that neither an expansion bomb nor a reference to another file or host can do anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from filmgate.errors import BadSetting
from filmgate.story.elements import Element, Kind, cue

_KINDS: dict[str, Kind] = {
    "Scene Heading": "heading", "Transition": "transition", "Action": "action",
    "Cast List": "section", "New Act": "section", "End of Act": "section", "Act Break": "section",
}  # fmt: skip
"""Kinds of paragraph; any other is action, because people make kinds of their own."""
_MOST_DEPTH = 64


def parse(data: bytes, path: Path) -> tuple[str, list[Element]]:
    """Title (always "": Final Draft keeps a page, no field) and elements, in order.

    Raises:
        BadSetting: it is no XML, no Final Draft document, or declares entities.
    """
    reader = _Reader(path)
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        reason = expat.errors.messages.get(error.code, str(error))
        raise BadSetting(f"{path} line {error.lineno}: is not XML: {reason}.") from None
    if reader.root != "FinalDraft":
        raise BadSetting(
            f"{path}: is not a Final Draft document: its outermost element is <{reader.root}>."
        )
    return "", _elements(reader.paragraphs)


@dataclass(slots=True)
class _Paragraph:
    """One <Paragraph> of <Content>, or of a <ScriptNote>."""

    kind: str
    number: str
    line: int
    last_line: int
    text: list[str] = field(default_factory=list)


class _Reader:
    """Collects paragraphs while expat reads; only text inside <Text> counts."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = ""
        self.paragraphs: list[_Paragraph] = []
        self._open: list[str] = []
        self._current: list[_Paragraph | None] = []
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._words
        parser.EntityDeclHandler = self._entity
        parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)

    def _entity(self, name: str, *_: object) -> None:
        raise BadSetting(
            f"{self.path} line {self.parser.CurrentLineNumber}: declares the XML entity '{name}', "
            f"which no script needs; it was not read."
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self.root = self.root or name
        self._open.append(name)
        if len(self._open) > _MOST_DEPTH:
            raise BadSetting(
                f"{self.path} line {self.parser.CurrentLineNumber}: is nested more than "
                f"{_MOST_DEPTH} deep, which no script is."
            )
        if name != "Paragraph":
            return
        line = self.parser.CurrentLineNumber
        if "ScriptNote" in self._open:
            made = _Paragraph("note", "", line, line)
        elif self._open[:2] == ["FinalDraft", "Content"] and not any(
            part in self._open for part in ("SceneProperties", "TitlePage", "HeaderAndFooter")
        ):
            number = attributes.get("Number", "")
            made = _Paragraph(attributes.get("Type", "Action"), number, line, line)
        else:
            self._current.append(None)
            return
        self._current.append(made)
        self.paragraphs.append(made)

    def _end(self, name: str) -> None:
        self._open.pop()
        if name == "Paragraph":
            self._current.pop()

    def _words(self, text: str) -> None:
        if self._open and self._open[-1] == "Text" and self._current and self._current[-1]:
            paragraph = self._current[-1]
            if not paragraph.text:
                paragraph.line = self.parser.CurrentLineNumber
            paragraph.text.append(text)
            paragraph.last_line = self.parser.CurrentLineNumber


def _elements(paragraphs: list[_Paragraph]) -> list[Element]:
    """Paragraphs as elements; a cue takes the dialogue paragraphs that follow it."""
    found: list[Element] = []
    name, seen, line, said, last = "", True, 0, list[str](), 0

    def close() -> None:
        nonlocal name, said
        if name and said:
            found.append(Element("dialogue", " ".join(said), line, last, character=name, seen=seen))
        name, said = "", []

    for paragraph in paragraphs:
        text = " ".join("".join(paragraph.text).split())
        if not text:
            continue
        if paragraph.kind == "note":
            found.append(Element("note", text, paragraph.line, paragraph.last_line))
        elif paragraph.kind == "Character":
            close()
            (name, seen), line = cue(text), paragraph.line
        elif paragraph.kind in ("Dialogue", "Lyrics", "Singing"):
            said.append(text)
            last = paragraph.last_line
        elif paragraph.kind != "Parenthetical":
            close()
            kind = _KINDS.get(paragraph.kind, "action")
            found.append(
                Element(kind, text, paragraph.line, paragraph.last_line, number=paragraph.number)
            )
    close()
    return sorted(found, key=lambda e: e.line)
