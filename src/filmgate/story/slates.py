"""Slates: scene and setup letters for every shot, unique in the production."""

from __future__ import annotations

import re
from collections.abc import Sequence

from filmgate.schema.plan import letters


def stem(scene: str) -> str:
    """The scene as a slate writes it: letters, digits, "_" and "." alone, and parted by a dot from
    the letters that follow where it does not end in a digit ("12" but "kitchen.").
    """
    word = re.sub(r"[^0-9A-Za-z_.]+", "_", scene).strip("_.") or "shot"
    return word if word[-1].isdigit() else f"{word}."


def assign(shots: Sequence[tuple[str, str]]) -> list[str]:
    """Slates of shots given as (scene, slate or "") in edit order.

    A slate that was written stays. The others get the next letters of their scene that nobody has:
    1A, 1B ... 1Z, 1AA. A slate written down is never given to another shot.
    """
    taken = {slate for _, slate in shots if slate}
    next_letters: dict[str, int] = {}
    found = []
    for scene, given in shots:
        slate = given
        start = stem(scene)
        while not slate:
            number = next_letters.get(start, 0)
            next_letters[start] = number + 1
            if (free := f"{start}{letters(number)}") not in taken:
                slate = free
                taken.add(free)
        found.append(slate)
    return found
