"""What a brief says besides the plan: what may be spent, at which rates, and who generates.

`story.brief.read` makes a `Plan` (`schema/plan.py`) and a `Brief` out of one ``brief.toml``.
"""

from __future__ import annotations

from pydantic import Field, JsonValue

from filmgate.schema.value import Fact, Value


class Budget(Value):
    """What a run may use; None where nothing limits it.

    Attributes:
        usd: what providers may be paid, US dollars.
        seconds: footage that may be asked for, seconds, over all takes.
        takes: takes that may be asked for, over all shots.
        takes_per_shot: attempts at one shot with one model, the first included.
    """

    usd: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)
    takes: int | None = Field(default=None, ge=0)
    takes_per_shot: int = Field(default=3, ge=1, le=100)


class Rates(Value):
    """What an hour costs, US dollars: of our own machines, and of a person's time."""

    machine_usd_per_h: float = Field(default=0.0, ge=0)
    person_usd_per_h: float = Field(default=0.0, ge=0)


class GeneratorChoice(Value):
    """A generator that shall make takes.

    Attributes:
        name: file name in ``models/generators``.
        models: model ids out of the catalog; empty for the generator's own first.
        options: everything else in its table, handed to it as `Surroundings.options`.
    """

    name: str
    models: tuple[str, ...] = ()
    options: dict[str, JsonValue] = Field(default_factory=dict)


class ReaderChoice(Value):
    """A reader that may be asked about words and pictures.

    Attributes:
        name: file name in ``models/readers``.
        model: model id, or "" for the reader's own choice.
        options: everything else in its table, handed to it as `Terms.options`.
    """

    name: str
    model: str = ""
    options: dict[str, JsonValue] = Field(default_factory=dict)


class Brief(Fact):
    """One brief, without what its plan holds.

    Attributes:
        file: the brief as the user named it; paths in brief and plan are relative to its folder.
        script: path of the script as written, or "".
        takes: takes wanted of each shot from each model at the start, to choose from.
        generators: those to use, in order; a shot is made by each of them.
        spare: those that it describes and does not use (``use = false``), for the command line.
        readers: those that may be asked, in order.
        where: what stands on which line: "people/MAYA", "places/office", "references/FILE",
            "generators/previz", "size", "look", ... to "brief.toml line 12".
        notes: what was decided while reading that the user should know, one sentence each.
    """

    file: str
    script: str = ""
    takes: int = Field(default=1, ge=1, le=100)
    budget: Budget = Budget()
    rates: Rates = Rates()
    generators: tuple[GeneratorChoice, ...] = (GeneratorChoice(name="previz"),)
    spare: tuple[GeneratorChoice, ...] = ()
    readers: tuple[ReaderChoice, ...] = ()
    where: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
