"""The files a user writes for ``filmgate gap``: the mapping file, and the table of traces.

Only their published schemas come from here; `gap/mapping.py` and `gap/importers/table.py` read
them, since their messages name the line.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from filmgate.schema.gap import Kind
from filmgate.schema.value import Value

Names = str | tuple[str, ...]
Share = Annotated[float, Field(ge=0, le=1)]


class LabelNames(Value):
    """Which labels count.

    Attributes:
        final: evaluations, feedback keys or state keys that say how the item came out.
        step: those that say whether a step's output is right.
        verdict: those that are a verifier's word.
        judge: those whose labels are a model's.
        threshold: scores from here on are good.
    """

    final: Names = ()
    step: Names = ()
    verdict: Names = ()
    judge: Names = ()
    threshold: float = 0.5


class IdKeys(Value):
    """Attributes (or metadata keys) that name the item, and the step."""

    item: str = ""
    step: str = ""


class EdgesFile(Value):
    """The mapping file, `edges.toml`.

    Attributes:
        edges: pairs of steps, source and target; no circles.
        ignore: steps to leave out.
        kinds: what a step does, where its name does not say.
        rename: step as traced, and as it is to be called.
    """

    edges: tuple[tuple[str, str], ...] = ()
    ignore: Names = ()
    kinds: dict[str, Kind] = Field(default_factory=dict)
    rename: dict[str, str] = Field(default_factory=dict)
    labels: LabelNames = LabelNames()
    ids: IdKeys = IdKeys()


class TableRow(Value):
    """One row of a table of traces; further columns may be there and are not used.

    Attributes:
        item: what goes through the pipeline.
        step: where it was; "end": how the item came out.
        attempt: which go at this step, from 1; without it every row is the next one.
        outcome: right or wrong, as a word, 1 or 0, or a score from 0 to 1; empty: not known. Of a
            verifier: its word.
        cost_usd, time_s: of this attempt.
        run: which run of the item; without it all rows of an item are one run.
        kind: what the step does, where its name does not say.
        label_by: "judge" when a model gave the outcome.
        start: ISO 8601, or seconds since 1970.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    item: str | int
    step: str
    attempt: Annotated[int, Field(ge=1)] | None = None
    outcome: bool | Share | str | None = None
    cost_usd: Annotated[float, Field(ge=0)] | None = None
    time_s: Annotated[float, Field(ge=0)] | None = None
    run: str | int | None = None
    kind: Kind | None = None
    label_by: str | None = None
    start: str | float | None = None
