"""Words of a shot's description turned into what the renderer knows, or refused in one sentence."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Mapping
from typing import cast

import numpy as np

from filmgate.errors import CannotExpress
from filmgate.models.animatic.colour import NAMED, hex48, parse_colour
from filmgate.models.animatic.spec import PLACES, TONES, PlaceKind, ToneKind
from filmgate.schema.colour import parse

GARMENT_PARTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("jacket", "coat", "blazer", "vest", "cardigan", "robe", "uniform", "hoodie"),
                    ("jacket",)),
    **dict.fromkeys(("shirt", "blouse", "sweater", "jumper", "top", "t-shirt", "tshirt"),
                    ("shirt",)),
    **dict.fromkeys(("trousers", "pants", "jeans", "skirt", "shorts", "leggings", "lower"),
                    ("trousers",)),
    **dict.fromkeys(("shoes", "boots", "trainers", "sneakers", "heels"), ("shoes",)),
    "dress": ("shirt", "trousers"),
}  # fmt: skip
"""Garment word -> the parts of the figure it colours. "upper" is the jacket where there is one."""

# A cloth that reflects nothing or everything does not exist, and could not drift every way.
_DARKEST, _LIGHTEST = 0.035, 0.955
_PLACE_WORDS: tuple[tuple[PlaceKind, tuple[str, ...]], ...] = (
    ("workshop", ("workshop", "garage", "factory", "studio", "shed", "warehouse")),
    ("flat", ("flat", "apartment", "kitchen", "living", "bedroom", "home", "house", "loft")),
    ("liminal", ("liminal", "endless", "corridor", "backrooms", "stairwell", "hallway")),
    ("office", ("office", "cubicle", "desk", "meeting", "newsroom")),
)
_TONE_WORDS: tuple[tuple[ToneKind, tuple[str, ...]], ...] = (
    ("rain", ("rain", "storm", "drizzle")),
    ("street", ("street", "traffic", "city", "road")),
    ("vent", ("vent", "air", "conditioning", "fan", "duct")),
    ("hum", ("hum", "buzz", "fluorescent", "transformer", "machine", "fridge", "drone")),
    ("hush", ("hush", "quiet", "silence", "silent", "room", "still", "nothing")),
)
_USUAL_TONE: dict[str, ToneKind] = {
    "liminal": "hum", "office": "vent", "flat": "hush", "workshop": "street",
}  # fmt: skip


def number_of(*parts: object) -> int:
    """A number of 63 bits that follows from `parts`, the same on every machine."""
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def chance(*parts: object) -> float:
    """A number 0 <= p < 1 that follows from `parts`, evenly spread over different ones."""
    return number_of(*parts) / 2.0**63


def pick(low: float, high: float, *parts: object) -> float:
    """A number between `low` and `high` that follows from `parts`."""
    return low + (high - low) * chance(*parts)


def _holds(text: str, words: tuple[str, ...]) -> bool:
    return any(re.search(rf"\b{word}", text) for word in words)


def place_kind(kind: str, name: str, description: str) -> PlaceKind:
    """The kind of set to build: as named, else guessed from name and description, else by chance.

    Raises:
        CannotExpress: a kind that previz does not build.
    """
    if kind:
        if kind not in PLACES:
            raise CannotExpress(
                f"Previz builds no place of kind '{kind}': it has {', '.join(sorted(PLACES))}."
            )
        return kind
    text = f"{name} {description}".lower()
    for found, words in _PLACE_WORDS:
        if found in PLACES and _holds(text, words):
            return found
    return ("office", "flat", "workshop")[number_of("place", name.lower()) % 3]


def tone_kind(tone: str, place: str) -> ToneKind:
    """The room tone that `tone` describes; the usual one of the `place` when it says nothing.

    Raises:
        CannotExpress: words that name no tone previz can make.
    """
    text = tone.strip().lower()
    if not text:
        return _USUAL_TONE.get(place, "hush")
    if text in TONES:
        return text
    for found, words in _TONE_WORDS:
        if _holds(text, words):
            return found
    raise CannotExpress(
        f"Previz cannot make the room tone '{tone}': it has {', '.join(sorted(TONES))}."
    )


def cloth(value: object, who: str, garment: str) -> str:
    """A colour as a look writes it, as the renderer's own "#rrrrggggbbbb".

    A word means what it means in a look (CSS); the renderer's own names ("mustard") come after.

    Raises:
        CannotExpress: no colour.
    """
    text = str(value).strip()
    found = parse(text)
    srgb = parse_colour(NAMED.get(text.lower(), text)) if found is None else parse_colour(found.hex)
    if srgb is None:
        raise CannotExpress(
            f"Previz cannot dye the {garment} of {who} '{value}': write \"#1b2a4a\", a CSS name "
            f'such as "navy", or "lab(30 5 -20)".'
        )
    return hex48(np.clip(srgb, _DARKEST, _LIGHTEST))


def parts_of(garment: str, who: str, worn: Mapping[str, str]) -> tuple[str, ...]:
    """The parts of the figure that a garment word colours.

    Raises:
        CannotExpress: a garment the figure cannot wear.
    """
    word = garment.strip().lower()
    if word == "upper":
        return ("jacket",) if "jacket" in worn else ("shirt",)
    if word not in GARMENT_PARTS:
        raise CannotExpress(
            f"Previz cannot dress {who} in a '{garment}': it draws jacket, shirt, trousers, "
            f"shoes, dress and words for them."
        )
    return GARMENT_PARTS[word]


def real(value: object, name: str, low: float, high: float, unit: str) -> float:
    """`value` as a number between `low` and `high`.

    Raises:
        CannotExpress: it is none, or lies outside.
    """
    try:
        number = float(cast(float, value)) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not low <= number <= high:
        raise CannotExpress(
            f"Previz makes a {name} between {low:g} and {high:g}{unit}, not {value!r}."
        )
    return number


def whole(value: object, name: str) -> int:
    """`value` as a whole number.

    Raises:
        CannotExpress: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise CannotExpress(f"The {name} must be a whole number, not {value!r}.")
    return value
