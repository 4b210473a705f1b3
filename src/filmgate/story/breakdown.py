"""Breaking scenes down into shots by rules that a person can follow.

The rules, in the order in which they are asked; each shot carries the one that made it:

1. A scene opens with an establishing shot when the scene before was elsewhere. A first paragraph
   that names nobody is that shot; otherwise the heading is.
2. Action that names nobody is seen wide; when it has at most 8 words, as an insert.
3. Action of one person is seen full when the person is first seen in the scene, then medium; action
   of several is seen wide, then full. A paragraph that only says "he", "she" or "they" shows whom
   the shot before showed.
4. Who speaks is seen medium, and close from the second speech of an exchange on. A voice off screen
   shows whom the shot before showed.
5. A paragraph longer than the longest take is cut at the ends of its sentences; its parts keep the
   set-up.

Shots of one scene with the same framing and people share a set-up: "2-close-maya".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from filmgate.schema.plan import Framing, Move
from filmgate.story.elements import Element
from filmgate.story.script import Scene, Script, named, slug, unique

LENSES_MM: dict[Framing, float] = {
    "establishing": 18.0, "wide": 24.0, "full": 35.0, "medium": 50.0, "close": 85.0, "insert": 85.0,
}  # fmt: skip
"""Focal lengths by framing on a 36 mm wide gate: the usual still lenses from wide to portrait."""
WORDS_PER_S = 2.5
"""Speech: 150 words a minute, the usual figure for English conversation and audio books."""
LINE_S, LINE_LETTERS = 60 / 55, 60
"""Action: a page of 55 lines of some 60 letters is taken for a minute of film."""
SHORTEST_S, LONGEST_S, ESTABLISHING_S = 2.0, 8.0, 3.0
INSERT_WORDS = 8

_PRONOUN = re.compile(r"\b(he|she|they|him|her|them|his|their)\b", re.IGNORECASE)
_MOVING = re.compile(
    r"\b(walks?|runs?|cross(es)?|enters?|follows?|strides?|hurr(y|ies)|rush(es)?|paces?|leaves?"
    r"|marches)\b",
    re.IGNORECASE,
)
_SAID = re.compile(r"(.*?: \")(.*)\"", re.DOTALL)
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


@dataclass(frozen=True, slots=True)
class Cut:
    """One shot of a breakdown, before it has a slate.

    Attributes:
        scene: number of its scene; `line`: the script's line that it shows.
        people: names as the script spells them.
        because: the rule that made it, in words.
    """

    scene: str
    line: int
    framing: Framing
    people: tuple[str, ...]
    action: str
    duration_s: float
    time_of_day: str
    because: str
    move: Move = "static"

    @property
    def setup(self) -> str:
        """Name of its set-up: "2-close-maya"."""
        people = [re.sub(r"\W+", "_", slug(name)) for name in self.people]
        return "-".join([self.scene, self.framing, *people])


def by_rules(
    script: Script, scenes: Iterable[Scene] | None = None, longest_s: float = LONGEST_S
) -> list[Cut]:
    """The shots of `scenes` (default: all of the script), in order.

    Args:
        longest_s: no shot is longer than this, seconds.
    """
    every = [c for scene in script.scenes for c in scene.characters]
    names = unique(every)
    found: list[Cut] = []
    before: Scene | None = None
    for scene in script.scenes if scenes is None else scenes:
        elsewhere = before is None or (before.inside, before.place) != (scene.inside, scene.place)
        broken = _Breaker(scene, names).cuts(elsewhere)
        found += [part for cut in broken for part in _parted(cut, longest_s)]
        before = scene
    return found


@dataclass(slots=True)
class _Breaker:
    """Walks through one scene and remembers who was seen."""

    scene: Scene
    names: list[str]
    seen: set[str] = field(default_factory=set)
    last: tuple[str, ...] = ()
    spoken: int = 0

    def cuts(self, elsewhere: bool) -> Iterator[Cut]:
        blocks = [b for b in self.scene.blocks if b.kind in ("action", "dialogue")]
        opening = elsewhere or not blocks
        if opening and blocks and blocks[0].kind == "action" and not self.people(blocks[0]):
            yield self.cut("establishing", (), blocks[0], "the scene opens on its place")
            blocks = blocks[1:]
        elif opening:
            where = ", ".join(p for p in (self.scene.place, self.scene.time_of_day) if p)
            heading = Element("heading", f"{where}.", self.scene.line, self.scene.line)
            yield replace(
                self.cut("establishing", (), heading, "the scene is somewhere else than before"),
                duration_s=ESTABLISHING_S,
            )
        for block in blocks:
            yield self.action(block) if block.kind == "action" else self.speech(block)

    def people(self, block: Element) -> tuple[str, ...]:
        found = tuple(named(block.text, self.names))
        return self.last if not found and _PRONOUN.search(block.text) else found

    def action(self, block: Element) -> Cut:
        people = self.people(block)
        self.spoken = 0
        if not people:
            short = len(block.text.split()) <= INSERT_WORDS
            kind: Framing = "insert" if short else "wide"
            because = "a few words about nobody" if short else "action that names nobody"
            return self.cut(kind, (), block, because)
        new = not self.seen.issuperset(people)
        first: Framing = "full" if len(people) == 1 else "wide"
        later: Framing = "medium" if len(people) == 1 else "full"
        who = "one person" if len(people) == 1 else f"{len(people)} people"
        because = f"{who}, {'first seen in the scene' if new else 'seen before in the scene'}"
        return self.cut(first if new else later, people, block, because)

    def speech(self, block: Element) -> Cut:
        self.spoken += 1
        if not block.seen:
            kind: Framing = "medium" if self.last else "wide"
            voice = f'{block.character}, off screen: "{block.text}"'
            return replace(self.cut(kind, self.last, block, "a voice off screen"), action=voice)
        kind = "medium" if self.spoken == 1 else "close"
        number = "first speech" if self.spoken == 1 else "a later speech"
        cut = self.cut(kind, (block.character,), block, f"{number} of an exchange")
        return replace(cut, action=f'{block.character} says: "{block.text}"')

    def cut(self, framing: Framing, people: tuple[str, ...], block: Element, because: str) -> Cut:
        if people:
            self.last = people
        self.seen.update(people)
        moving = block.kind == "action" and people and _MOVING.search(block.text)
        return Cut(
            self.scene.number, block.line, framing, people, block.text,
            length_s(block.text, speech=block.kind == "dialogue"), self.scene.time_of_day, because,
            "track" if moving else "static",
        )  # fmt: skip


def length_s(text: str, *, speech: bool) -> float:
    """How long `text` takes on the screen, seconds, in halves; at least `SHORTEST_S`."""
    spoken_s = len(text.split()) / WORDS_PER_S + 0.5
    seconds = spoken_s if speech else len(text) / LINE_LETTERS * LINE_S
    return max(SHORTEST_S, round(seconds * 2) / 2)


def _parted(cut: Cut, longest_s: float) -> list[Cut]:
    """The cut, or several with the same set-up where it would be longer than `longest_s`."""
    if cut.duration_s <= longest_s:
        return [cut]
    # What somebody says stays in its quotation marks in every part.
    said = _SAID.fullmatch(cut.action)
    before, text, after = (said[1], said[2], '"') if said else ("", cut.action, "")
    speech = said is not None
    parts: list[str] = []
    for sentence in _SENTENCE.split(text):
        joined = f"{parts[-1]} {sentence}" if parts else sentence
        if parts and length_s(joined, speech=speech) <= longest_s:
            parts[-1] = joined
        else:
            parts.append(sentence)
    why = f"; cut at a sentence, because no take is longer than {longest_s:g} s"
    return [
        replace(
            cut, action=f"{before}{part}{after}", because=cut.because + (why if parts[1:] else ""),
            duration_s=min(longest_s, length_s(part, speech=speech)),
        )
        for part in parts
    ]  # fmt: skip
