"""What every importer turns its format into: one run of one item through the pipeline."""

from __future__ import annotations

from typing import NamedTuple

from filmgate.schema.gap import Kind


class Visit(NamedTuple):
    """One step's one go at the item.

    Attributes:
        step, kind: which, and what it does.
        outcome: whether the item was right after it, as somebody labelled it; None: nobody did.
        flagged: what a verifier said; None where it said nothing, and for other kinds.
        error: it ended in an error.
        cost_usd, time_s: None where the trace does not say.
    """

    step: str
    kind: Kind
    outcome: bool | None = None
    flagged: bool | None = None
    error: bool = False
    cost_usd: float | None = None
    time_s: float | None = None


class Trace(NamedTuple):
    """One run.

    Attributes:
        item: what went through; runs of the same item are repeats of one another.
        run: this run of it.
        visits: in the order in which they began.
        outcome: whether the item came out right, by a person's or a test's word.
        judged: the same by a model's word.
        crashed: the run ended in an error; it has no good output.
        start_s: seconds since 1970; time_s: from start to end; cost_usd: of the whole run.
        traits: (name, value) pairs to break the outcome down by.
    """

    item: str
    run: str
    visits: tuple[Visit, ...]
    outcome: bool | None = None
    judged: bool | None = None
    crashed: bool = False
    start_s: float | None = None
    time_s: float | None = None
    cost_usd: float | None = None
    traits: tuple[tuple[str, str], ...] = ()
