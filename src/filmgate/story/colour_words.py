"""Colours of garments as sentences name them, and whether two colours can be the same one.

A word such as "blue" stands for a great many colours, so words are compared by the basic colour
terms that may be said of them (Berlin and Kay's eleven); only what no term can be said of both is
another colour.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from filmgate.schema import colour
from filmgate.schema.colour import Triple
from filmgate.schema.look import GARMENTS

TERMS = (
    "black", "white", "grey", "red", "orange", "yellow", "green", "blue", "purple", "pink", "brown",
)  # fmt: skip
FAR_L = 40.0
"""Two shades of one term that differ by more L* than this are told apart by anybody: navy (13) and
sky blue (79) are, navy and royal blue (48) are not."""
_SPELLED = {"gray": "grey", "violet": "purple", "scarlet": "red", "cream": "ivory"}
_FABRICS = {"linen", "snow", "peru", "bisque"}
"""CSS names that in a sentence about clothes are something else, or that nobody says."""
_SHADES = {"dark", "light", "pale", "deep", "bright", "faded", "washed", "medium"}
_BACK = 3
"""How many words before a garment its colour may stand: "a navy, old, woollen jacket"."""
_STOPS = {*GARMENTS, "with", "over", "under", "in", "on", "her", "his", "their", "wearing", "wears"}
_WORD = re.compile(r"[a-z]+(?:-[a-z]+)*|[.;:!?()\"]")


@dataclass(frozen=True, slots=True)
class Named:
    """A garment of a sentence and the colour it has there, as written."""

    garment: str
    words: str
    term: str


def garments(text: str) -> Iterator[Named]:
    """Every garment of `text` that has a colour in front of it, or after "is"."""
    tokens = _WORD.findall(text.lower())
    for position, token in enumerate(tokens):
        forms = (token, token.removesuffix("s"), token.removesuffix("es"))
        garment = next((form for form in forms if form in GARMENTS), None)
        if garment is None:
            continue
        found = _before(tokens, position) or _after(tokens, position)
        if found:
            yield Named(garment, *found)


def _before(tokens: list[str], position: int) -> tuple[str, str] | None:
    for back in range(position - 1, max(-1, position - 1 - _BACK), -1):
        if tokens[back] in _STOPS or not tokens[back][0].isalpha():
            return None
        if found := _colour(tokens, back):
            return found
    return None


def _after(tokens: list[str], position: int) -> tuple[str, str] | None:
    rest = tokens[position + 1 : position + 4]
    if len(rest) < 2 or rest[0] not in {"is", "was", "turns", "are"}:
        return None
    last = 2 if rest[1] in _SHADES and len(rest) > 2 else 1
    return _colour(rest, last)


def _colour(tokens: list[str], at: int) -> tuple[str, str] | None:
    """The colour that ends at a word, as written and as `colour.parse` knows it."""
    word = _SPELLED.get(tokens[at], tokens[at])
    before = tokens[at - 1] if at else ""
    if before.isalpha() and colour.parse(f"{before} {word}"):  # "sky blue", "dark green"
        return f"{before} {tokens[at]}", f"{before}{word}"
    shade = before if before in _SHADES else ""
    if word in _FABRICS or colour.parse(word) is None:
        return None
    return f"{shade} {tokens[at]}".strip(), word


def differ(word: str, declared: str | float | None, lab: Triple | None) -> bool:
    """Whether a colour word of a sentence cannot be the declared colour.

    Args:
        word: as `Named.term`.
        declared: the value as declared; `lab`: CIE L*a*b* (D65) of it, None when it is no colour.
    """
    said = colour.parse(word)
    if said is None or lab is None:
        return False
    spelled = str(declared).strip().lower()
    wanted = {_SPELLED.get(spelled, spelled)} & set(TERMS) or terms(lab)
    mine = {word} & set(TERMS) or terms(said.lab)
    if not mine & wanted:
        return True
    vague = word in TERMS or spelled in TERMS
    return not vague and abs(said.lab[0] - lab[0]) > FAR_L


def terms(lab: Triple) -> set[str]:
    """The basic colour terms that may be said of a CIE L*a*b* (D65) colour; one or more.

    Borders overlap on purpose: teal is green to one and blue to another. They were drawn so that
    the CSS colours that have a term in their name get it (a test counts).
    """
    lightness, a, b = lab
    chroma, hue = math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360
    found = set()
    if lightness < 25 and chroma < 30:
        found.add("black")
    if lightness > 84 and chroma < 22:
        found.add("white")
    if chroma < 16:
        found.add("grey")
    if chroma >= 5:
        found |= {
            term
            for term, first, last, low, high, strong in _HUES
            if (first <= hue <= last or first <= hue + 360 <= last)
            and low <= lightness <= high
            and chroma <= strong
        }
    return found or {"grey"}


_HUES = (
    ("red", 345, 412, 0, 68, 200), ("pink", 315, 405, 45, 100, 200),
    ("orange", 45, 86, 50, 100, 200), ("brown", 15, 105, 0, 80, 70),
    ("yellow", 70, 118, 55, 100, 200), ("green", 95, 205, 0, 100, 200),
    ("blue", 185, 312, 0, 100, 200), ("purple", 307, 356, 0, 90, 200),
)  # fmt: skip
"""Term, first and last hue angle (degrees, may pass 360), lowest and highest L*, highest chroma."""
