"""What is written down around a call that may cost money, in the order it is written.

`Asked` fixes the request and counts it against the budget; `Sent` is written right before each
sending, `Declined` when the provider certainly took nothing, `Accepted` when it gave a job id,
`Settled` when it is known how it ended. The last `Sent` without one of the other three, in no
running process, is *submitted, answer unknown*: it is never sent again by itself.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from filmgate.schema.plan import Reference
from filmgate.schema.take import Revision
from filmgate.schema.value import Fact

End = Literal["taken", "refused", "failed", "lost", "cancelled", "not_accepted"]
"""How a request ended. taken: there is a take. refused: the provider declined or made nothing.
failed: the provider tried and failed. lost: made, but it cannot be fetched. not_accepted: the
provider never had it, so nothing is owed."""


class Asked(Fact):
    """A request about to be sent; its key in the ledger is the slate of the take it is to become.

    Attributes:
        take: slate of the take ("12B-3").
        shot: slate of the shot.
        number: number of the take.
        generator: wire protocol.
        hash: hash of the whole request (`Request.hash`).
        request: the request as plain JSON, pictures by digest.
        references: what the pictures are, for the recipe.
        revisions: what is asked for differently than in the first take.
        parent: slate of the take that this one replaces, or "".
        price_usd: what it will cost by the catalog, counted against the budget until it is known.
        footage_s: seconds of footage ordered.
        paid: whether the provider may charge for it; what is free may be asked again.
    """

    take: str
    shot: str
    number: int = Field(ge=1)
    generator: str
    hash: str
    request: dict[str, Any]
    references: tuple[Reference, ...] = ()
    revisions: tuple[Revision, ...] = ()
    parent: str = ""
    price_usd: float = Field(default=0.0, ge=0)
    footage_s: float = Field(default=0.0, ge=0)
    paid: bool = True


class Sent(Fact):
    """The request of a take is about to leave, for the `number`-th time."""

    take: str
    number: int = Field(ge=1)


class Declined(Fact):
    """The `number`-th sending certainly came to nothing: it may be sent again."""

    take: str
    number: int = Field(ge=1)
    why: str = ""


class Accepted(Fact):
    """The provider took the request: its job id."""

    take: str
    job: str


class Settled(Fact):
    """How a request ended, and what is owed for it."""

    take: str
    end: End
    reason: str = ""
    cost_usd: float = Field(default=0.0, ge=0)


class RunFact(Fact):
    """One run: what it was told.

    Attributes:
        run: its id.
        plan: digest of the plan's canonical JSON in the vault.
        look: digest of the look's text in the vault, or "".
        told: options as plain JSON (generators, takes, attempts, budgets, rates).
    """

    run: str
    plan: str
    look: str = ""
    told: dict[str, object] = Field(default_factory=dict)


class Applied(Fact):
    """A decision that the graph of its shot has been told."""

    take: str
    number: int = Field(ge=1)


class Standing(Fact):
    """Where a shot came to stand: the end of its thread, or why it stopped.

    Attributes:
        shot: slate of the shot.
        state: circled, escalated, hold, ng, stopped, unknown.
        take: the take that stands for it, or "".
        reason: why, one sentence.
        by: "machine", or the reviewer.
    """

    shot: str
    state: str
    take: str = ""
    reason: str = ""
    by: str = "machine"
