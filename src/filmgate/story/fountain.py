"""Fountain (fountain.io/syntax) through screenplain, with the line of every paragraph.

screenplain reads paragraphs but does not say where they stand, so the text is cut into its blocks
here and handed over one block at a time. Notes and the boneyard are taken out before, as blanks of
equal height, because screenplain forgets what they said and on which line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from filmgate.story.elements import Element, Kind, cue, is_heading, is_transition

_BONEYARD = re.compile(r"/\*.*?\*/", re.DOTALL)
_NOTE = re.compile(r"\[\[((?:(?!\]\]|\n[ \t]?\n).)*)\]\]", re.DOTALL)
"""A note may span lines; a blank line ends it unless the line holds two spaces."""
_OURS = re.compile("[\ue700-\ue707]")
"""Characters that screenplain uses for emphasis inside: in a script they would confuse it."""
_GONE = "\ue707"
_BREAK = re.compile(r"\s*={3,}\s*")
_NUMBER = re.compile(r"#([\w.-]+)#\s*$")


def parse(text: str) -> tuple[str, list[Element]]:
    """Title and elements of the Fountain source `text`, in order."""
    from screenplain.parsers import fountain  # type: ignore[import-untyped, unused-ignore]

    text = _OURS.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    text = _BONEYARD.sub(lambda m: "\n" * m[0].count("\n"), text)
    notes = [
        Element("note", " ".join(m[1].split()), _line(text, m.start()), _line(text, m.end()))
        for m in _NOTE.finditer(text)
    ]
    text = _NOTE.sub(lambda m: _GONE + f"\n{_GONE}" * m[0].count("\n"), text)
    lines = text.split("\n")
    title, body = _title_page(lines, fountain)
    found: list[Element] = []
    for number, block in _blocks(lines, body):
        found += _elements(number, block, fountain)
    return title, sorted([*found, *notes], key=lambda e: e.line)


def _line(text: str, place: int) -> int:
    return text.count("\n", 0, place) + 1


def _title_page(lines: list[str], fountain: Any) -> tuple[str, int]:
    """The title, and the index of the first line that is not on the title page."""
    end = next((n for n, line in enumerate(lines) if not line.strip()), len(lines))
    head = [line.expandtabs(4).replace(_GONE, "").rstrip() for line in lines[:end]]
    # "INT. HOUSE: KITCHEN" has a colon too, and is no key of a title page.
    bare = not head or is_heading(head[0].strip()) or head[0].startswith(".")
    page = None if bare else fountain.parse_title_page(head)
    if not page:
        return "", 0
    return " ".join(_plain(line) for line in page.get("Title", [])), end


def _plain(line: str) -> str:
    from screenplain.richstring import parse_emphasis  # type: ignore[import-untyped, unused-ignore]

    return str(parse_emphasis(line)).strip()


def _blocks(lines: list[str], start: int) -> Iterator[tuple[list[int], list[str]]]:
    """Runs of lines between blank ones, with the number of each line."""
    numbers: list[int] = []
    block: list[str] = []
    for number, raw in enumerate(lines[start:], start + 1):
        line = raw.replace(_GONE, "").expandtabs(4)
        if _GONE in raw and not line.strip():
            continue  # it held nothing but a note, which does not end a paragraph
        if _BREAK.fullmatch(line):
            line = ""
        # A heading that runs into other text is still one: without this, screenplain takes it for
        # the cue of a dialogue.
        cut = (is_heading(line) and line.isupper() and block) or (
            len(block) == 1 and is_heading(block[0]) and block[0].isupper()
        )
        if (line in ("", " ") or cut) and block:
            yield numbers, block
            numbers, block = [], []
        if line not in ("", " "):
            numbers.append(number)
            block.append(line)
    if block:
        yield numbers, block


def _elements(numbers: list[int], block: list[str], fountain: Any) -> list[Element]:
    """The elements of one block, by screenplain."""
    from screenplain import types  # type: ignore[import-untyped, unused-ignore]

    line, last = numbers[0], numbers[-1]
    paragraphs: list[Any] = []
    fountain.InputParagraph(_put_right(block)).update_list(paragraphs)
    found = []
    for paragraph in paragraphs:
        if isinstance(paragraph, types.Slug):
            number = _NUMBER.search(block[0])
            words = _words([paragraph.line])
            found.append(Element("heading", words, line, last, number=number[1] if number else ""))
        elif isinstance(paragraph, types.Dialog):
            found.append(_dialogue(paragraph, line, last))
        elif isinstance(paragraph, types.Transition):
            found.append(Element("transition", _words([paragraph.line]), line, last))
        elif isinstance(paragraph, types.Section):
            found.append(Element("section", _words([paragraph.text]), line, last))
        elif isinstance(paragraph, types.Action):
            words = _words(paragraph.lines)
            title, fade = paragraph.centered, is_transition(words)
            kind: Kind = "title" if title else "transition" if fade else "action"
            found.append(Element(kind, words, line, last))
    return found


def _put_right(block: list[str]) -> list[str]:
    """The block with what screenplain reads otherwise than the format says spelled out for it."""
    first = block[0].strip()
    if len(block) == 1 and is_heading(first):
        return [f".{first}"]  # it knows only some of the ways to write INT./EXT.
    if first.startswith(".") and not first[1:2].isalnum():
        return [f"!{block[0]}", *block[1:]]  # a heading is forced by a dot before a letter
    if first.startswith("=") and len(block) == 1:
        return [f"# {first.lstrip('= ')}"]  # a synopsis without a section before it
    return block


def _words(parts: Iterable[Any]) -> str:
    """Text on one line, without emphasis."""
    return " ".join(" ".join(str(part) for part in parts).split())


def _dialogue(paragraph: Any, line: int, last: int) -> Element:
    name, seen = cue(str(paragraph.character))
    said = _words(str(text).lstrip("~") for aside, text in paragraph.blocks if not aside)
    return Element("dialogue", said, line, last, character=name, seen=seen)
