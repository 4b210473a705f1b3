"""The board: which pictures bind a shot best.

Every picture of a library is a card: whom or what it shows, words about it, and, where it was
measured, a vector. Search is exact: all cards are scored, so no index can return a wrong neighbour
(how long that takes: ``docs/decisions/0010``).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

WIDTH = 512
"""Buckets that words are hashed into."""
OWN, NAMED, WORDS, LIKENESS = 8.0, 4.0, 1.0, 1.0
"""What counts: a picture given for the very shot, one of somebody or something in it, shared words
(cosine, 0 to 1), likeness to the pictures bound by name (cosine of measured vectors, -1 to 1). The
steps between them are larger than all that comes after can add up to."""


class Card(NamedTuple):
    """One picture.

    Attributes:
        digest: of its bytes.
        of: whom or what it shows.
        words: text about it.
        own: whether it was given for the very shot that is searched for.
        vector: measured signature (any length, the same for all cards that have one), or None.
    """

    digest: str
    of: str
    words: str = ""
    own: bool = False
    vector: tuple[float, ...] | None = None


class Board:
    """A library of cards."""

    def __init__(self, cards: Sequence[Card]) -> None:
        self._cards = list(cards)
        self._words = np.array([embedded(f"{c.of} {c.words}") for c in cards], np.float32)
        self._measured = np.array([c.vector is not None for c in cards], bool)
        vectors = np.array([c.vector for c in cards if c.vector is not None], np.float32)
        lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
        self._vectors = vectors / np.maximum(lengths, 1e-9)

    def best(self, names: Sequence[str], words: str, most: int) -> list[Card]:
        """At most `most` cards, best first; cards that nothing speaks for are left out.

        The people and things in `names` take turns, so that the second person of a shot gets a
        picture before the first one gets a second.

        Args:
            names: people and places of the shot, the most important first.
            words: what the shot is about.
        """
        if most <= 0 or not self._cards:
            return []
        scores = self._scores(names, words)
        order = np.argsort(-scores, kind="stable")
        ranked = [int(i) for i in order if self._cards[i].own or self._cards[i].of in names]
        turn: dict[str, int] = {}
        keyed = []
        for place, index in enumerate(ranked):
            card = self._cards[index]
            count = turn.get(card.of, 0)
            turn[card.of] = count + 1
            keyed.append((0 if card.own else count, place, card))
        return [card for _, _, card in sorted(keyed, key=lambda item: item[:2])][:most]

    def _scores(self, names: Sequence[str], words: str) -> F32:
        rank = {name: 1.0 - index / (2 * len(names) or 1) for index, name in enumerate(names)}
        named = np.array([rank.get(card.of, 0.0) for card in self._cards], np.float32)
        own = np.array([card.own for card in self._cards], np.float32)
        text = self._words @ embedded(words)
        scores = OWN * own + NAMED * named + WORDS * text + LIKENESS * self._likeness(named)
        return np.asarray(scores, np.float32)

    def _likeness(self, named: F32) -> F32:
        """(N,) cosine to the mean of the cards that are bound by name; 0 where not measured."""
        out = np.zeros(len(self._cards), np.float32)
        bound = named[self._measured] > 0
        if not bound.any():
            return out
        mean = self._vectors[bound].mean(axis=0)
        out[self._measured] = self._vectors @ (mean / max(float(np.linalg.norm(mean)), 1e-9))
        return out


def embedded(text: str) -> F32:
    """(WIDTH,) unit vector of the words of `text` (signed feature hashing, Weinberger 2009)."""
    out = np.zeros(WIDTH, np.float32)
    for word in re.findall(r"[^\W_]+", text.lower()):
        bits = zlib.crc32(word.encode())
        out[bits % WIDTH] += 1.0 if bits & 0x80000000 else -1.0
    length = float(np.linalg.norm(out))
    return out / np.float32(length) if length else out
