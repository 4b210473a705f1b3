"""What the cut needs: the production, its people and places, and every shot in edit order.

A plan is made once from a brief (`story/`), and is all that generation needs to know. What must
hold in it is declared in the look (`schema/look.py`); the two meet in `refinement/prompts.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Literal

from pydantic import Field

from filmgate.schema.value import Fact, Value

Role = Literal["asset", "style", "first_frame", "last_frame"]
"""What a reference picture is for. asset: the person, thing or set in it must be in the shot.
style: only its look is wanted. first_frame, last_frame: the shot starts or ends with it."""

Framing = Literal["wide", "full", "medium", "close", "insert", "establishing"]
Move = Literal["static", "push", "pull", "pan", "tilt", "track", "handheld"]
KeySide = Literal["left", "right", "even"]


class Reference(Value):
    """A picture that generation is bound to.

    Attributes:
        role: what it is for.
        file: path as written in the brief, relative to the brief.
        of: whom or what it shows: a person's or a place's name.
        tag: word by which the prompt speaks of it ("maya" for "@maya"), 3 to 16 letters or digits.
        digest: "sha256:..." of its bytes once it is in the vault, else "".
    """

    role: Role = "asset"
    file: str
    of: str = ""
    tag: str = ""
    digest: str = ""


class Person(Value):
    """Somebody in the story. `wardrobe`: garment word ("jacket") to colour, as in a look."""

    name: str
    description: str = ""
    wardrobe: dict[str, str] = Field(default_factory=dict)
    references: tuple[Reference, ...] = ()


class Place(Value):
    """Where shots happen.

    Attributes:
        kind: what sort of place it is, for renderers that build one ("office", "flat").
        seed: which one of that kind.
    """

    name: str
    kind: str = ""
    description: str = ""
    seed: int = 0
    references: tuple[Reference, ...] = ()


class Light(Value):
    """How a shot is lit.

    Attributes:
        key_side: side of the picture that the key comes from.
        cct_k: correlated colour temperature of the light, kelvin.
        level_stops: level against the production's usual exposure, stops.
        description: in words, for prompts.
    """

    key_side: KeySide | None = None
    cct_k: float | None = Field(default=None, ge=1800, le=15000)
    level_stops: float = Field(default=0.0, ge=-5, le=5)
    description: str = ""


class Sound(Value):
    """What is heard. `tone`: kind of room tone; `level_lufs`: its loudness (EBU R128)."""

    tone: str = ""
    level_lufs: float | None = Field(default=None, ge=-70, le=0)
    description: str = ""


class PlannedShot(Value):
    """One shot that the cut needs.

    Attributes:
        slate: scene number and setup letters, "12B" (I and O skipped); unique in the production.
            Takes add a number: "12B-3".
        sequence: id of the sequence; shots of one sequence must match one another.
        scene: scene number or name as in the script.
        setup: camera arrangement; shots with the same one are framed alike. "" when free.
        place: name of a `Place`, or "".
        people: names of the `Person`s seen.
        action: what happens, in words.
        duration_s: length, seconds.
        lens_mm: focal length on a 36 mm wide gate, millimetres.
        prompt: prompt as the brief gives it, instead of one composed from the rest.
        source: where it was asked for, "brief.toml line 31" or "script.fountain line 12".
    """

    slate: str = Field(pattern=r"^[0-9A-Za-z_.]+$")
    sequence: str
    scene: str = ""
    setup: str = ""
    place: str = ""
    people: tuple[str, ...] = ()
    action: str = ""
    time_of_day: str = ""
    framing: Framing = "wide"
    lens_mm: float | None = Field(default=None, ge=8, le=400)
    move: Move = "static"
    duration_s: float = Field(default=4.0, gt=0, le=600)
    light: Light = Light()
    sound: Sound = Sound()
    references: tuple[Reference, ...] = ()
    prompt: str | None = None
    source: str = ""


class PlannedSequence(Value):
    """Shots that must match one another, in edit order."""

    id: str
    shots: tuple[PlannedShot, ...]


class Plan(Fact):
    """The whole production as it is to be made.

    Attributes:
        size: picture width and height, px.
        rate: frames per second as a fraction, "24" or "24000/1001".
        style: words that every prompt carries.
        look: path of the look as written in the brief, relative to it; "" for none.
    """

    title: str
    size: tuple[int, int] = (640, 360)
    rate: str = "24"
    style: str = ""
    people: tuple[Person, ...] = ()
    places: tuple[Place, ...] = ()
    sequences: tuple[PlannedSequence, ...] = ()
    look: str = ""

    def shots(self) -> Iterator[PlannedShot]:
        """Every shot in edit order."""
        for sequence in self.sequences:
            yield from sequence.shots

    def frames_per_s(self) -> Fraction:
        """The rate as a number."""
        return Fraction(self.rate)


def letters(number: int) -> str:
    """Setup letters of the `number`-th setup of a scene, from 0: A, B … Z, AA; I and O are skipped.

    I and O are read as 1 and 0 on a slate.
    """
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ"
    text = ""
    number += 1
    while number > 0:
        number, rest = divmod(number - 1, len(alphabet))
        text = alphabet[rest] + text
    return text
