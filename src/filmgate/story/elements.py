"""What a screenplay consists of, whichever file it came in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["heading", "action", "dialogue", "transition", "title", "section", "note"]
"""What a paragraph is. title: words shown on the screen; section: an outline, which nobody sees."""
Inside = Literal["", "int", "ext", "int/ext"]


@dataclass(frozen=True, slots=True)
class Element:
    """One paragraph of a screenplay.

    Attributes:
        kind: what it is; a dialogue is a cue with all that is said under it.
        text: its words, without emphasis marks and notes; a heading without its number.
        line, last_line: where it stands in the file, from 1.
        character: cue of a dialogue without its extension ("MOM"), else "".
        seen: False when the speaker is off screen or a voice over.
        number: scene number of a heading as written, else "".
    """

    kind: Kind
    text: str
    line: int
    last_line: int
    character: str = ""
    seen: bool = True
    number: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A scene heading taken apart: "INT. HOUSE - KITCHEN - NIGHT (1979)"."""

    inside: Inside
    place: str
    time_of_day: str


_INSIDE = re.compile(
    r"^(?P<both>INT\.?\s*/\s*EXT|EXT\.?\s*/\s*INT|I\.?\s*/\s*E)[. ]\s*"
    r"|^(?P<int>INT)[. ]\s*|^(?P<ext>EXT|EST)[. ]\s*",
    re.IGNORECASE,
)
_TIMES = (
    "DAY", "NIGHT", "MORNING", "AFTERNOON", "EVENING", "DUSK", "DAWN", "SUNSET", "SUNRISE", "NOON",
    "MIDNIGHT", "TWILIGHT", "MAGIC HOUR", "GOLDEN HOUR",
)  # fmt: skip
_SAME = ("MOMENTS LATER", "CONTINUOUS", "SAME TIME", "LATER", "SAME")
"""Words in a time's place which say that the time is the scene's before."""
_TIME = re.compile(rf"\b({'|'.join((*_TIMES, *_SAME))})\b", re.IGNORECASE)
_FADES = re.compile(
    r"(FADE|IRIS) (IN|OUT|UP)[.:]?|(FADE|CUT|SMASH CUT|DISSOLVE) TO [A-Z ]+[.:]?|[A-Z ]*\bTO:"
)
_CUE = re.compile(r"\s*\((?P<extension>[^)]*)\)?")
_UNSEEN = re.compile(r"^(V\.?\s*O|O\.?\s*[SC])\b", re.IGNORECASE)


def is_heading(line: str) -> bool:
    """Whether a line reads as a scene heading by its first word."""
    return _INSIDE.match(line) is not None


def heading(text: str) -> Heading:
    """The parts of a scene heading; what it does not say is ""."""
    found = _INSIDE.match(text)
    inside: Inside = ""
    if found:
        inside = "int/ext" if found["both"] else "int" if found["int"] else "ext"
        text = text[found.end() :]
    parts = [p.strip() for p in re.split(r"\s[-–—]+\s|\s--\s|^[-–—]+\s", text) if p.strip()]
    time = ""
    for number in range(len(parts) - 1, 0, -1):
        if found := _TIME.search(parts[number]):
            time, parts = found[1], parts[:number]
            break
    if not time and len(parts) == 1:
        # "INT HOUSE DAY": the last word, unless it is all there is.
        place, _, last = parts[0].rpartition(" ")
        if place and _TIME.fullmatch(last):
            time, parts = last, [place]
    return Heading(inside, " - ".join(parts), time.lower())


def is_transition(text: str) -> bool:
    """Whether a line in capitals is a transition ("FADE IN:", "CUT TO:")."""
    return text.isupper() and _FADES.fullmatch(text.strip()) is not None


def carries_on(time_of_day: str) -> bool:
    """Whether a heading's time ("continuous") means that of the scene before."""
    return time_of_day.upper() in _SAME


def cue(text: str) -> tuple[str, bool]:
    """Name of a character cue without extensions, and whether the speaker is in the picture."""
    extensions = [m["extension"] for m in _CUE.finditer(text)]
    name = _CUE.sub("", text).strip().rstrip("^").strip().lstrip("@")
    return name, not any(_UNSEEN.match(e.strip()) for e in extensions)
