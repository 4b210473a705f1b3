"""One attempt at a shot, and everything needed to explain it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from filmgate.schema.plan import Reference
from filmgate.schema.report import CDL
from filmgate.schema.value import Fact, Value

Repair = Literal["cdl", "flop", "gain", "pickup"]
"""Repairs smaller than a retake. cdl: grade correction; flop: mirrored back; gain: level of the
sound; pickup: only the drifting part is made again."""


class Revision(Value):
    """What a retake asks for differently, and why.

    Attributes:
        path: attribute path that drifted ("wardrobe/maya/upper").
        clause: the words added to the prompt.
        value: what is wanted there, as in a look; "" when only words can say.
        because: the finding or note that it answers, one sentence.
        author: who asked: a check's name, or a reviewer.
    """

    path: str
    clause: str
    value: str = ""
    because: str = ""
    author: str = ""


class Cost(Value):
    """What a take cost, all of it.

    Attributes:
        provider_usd: what the provider charges; the catalog's price where it does not say.
        machine_s: seconds of our own machines (render, fetch, measure).
        person_s: seconds of people's time spent on it.
    """

    provider_usd: float = Field(default=0.0, ge=0)
    machine_s: float = Field(default=0.0, ge=0)
    person_s: float = Field(default=0.0, ge=0)


class Recipe(Value):
    """Everything that went into a take: a seed does not reproduce one, so all of it is kept.

    Attributes:
        generator: name of the wire protocol's file in ``models/generators``.
        model: model id asked for; `returned_model`: id and version that the provider says made it.
        prompt, negative: as sent.
        seed: as sent; None when none was.
        references: pictures as sent, by digest.
        shot: the structured description as sent, for renderers that read one.
        parameters: whatever else was sent.
        request: hash of the whole request, as in the ledger.
        job: the provider's job id.
        repair, cdl, gain_db: how the parent take was repaired, where this one is not made anew.
        revisions: what was asked for differently, first to last.
    """

    generator: str
    model: str = ""
    returned_model: str = ""
    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    references: tuple[Reference, ...] = ()
    shot: dict[str, object] = Field(default_factory=dict)
    parameters: dict[str, object] = Field(default_factory=dict)
    request: str = ""
    job: str = ""
    repair: Repair | None = None
    cdl: CDL | None = None
    gain_db: float | None = None
    revisions: tuple[Revision, ...] = ()


class Take(Fact):
    """One immutable attempt.

    Attributes:
        slate: "12B-3": the shot's slate and the number of the take, from 1.
        shot: the shot's slate.
        number: number of the take within its shot, from 1, over all generators.
        media: "sha256:..." of the bytes as the provider gave them; never rewritten.
        mime: media type.
        parent: slate of the take it was made from (a repair, a revised retake), or "".
    """

    slate: str
    shot: str
    number: int = Field(ge=1)
    media: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    mime: str = "video/mp4"
    parent: str = ""
    recipe: Recipe
    cost: Cost = Cost()


def slate_of(shot: str, number: int) -> str:
    """Slate of a take: "12B-3"."""
    return f"{shot}-{number}"


def shot_of(slate: str) -> str:
    """Slate of the shot that a take's (or a shot's own) slate names."""
    shot, dash, number = slate.rpartition("-")
    return shot if dash and number.isdigit() else slate
