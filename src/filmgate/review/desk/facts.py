"""What a person says with a ruling besides the ruling: scores, disagreement, what it undoes.

One `Judgement` is written together with each `Decision` of the review room, in one transaction. Its
key in the ledger is the key that the page made up for the request: a request that is sent again,
because its answer was lost, finds its judgement there and writes nothing.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from filmgate.schema.value import Fact

KIND = "judgement"
LOW, HIGH = 1, 5
WORDS = ("unusable", "weak", "fair", "good", "excellent")
"""The scale of a score, worst first: five steps, the fewest that raters use in full (ITU-R
BT.500-14, the five-grade quality scale)."""
SCORED = ("taste", "narrative")
"""What is scored. taste: is it what the film shall look like. narrative: does it tell what the
scene needs here."""


class Judgement(Fact):
    """What came with one decision.

    Attributes:
        take: slate of the take (or of the shot, where there is none).
        decision: number of the decision on that take.
        form: SHA-256 of what was asked for, so that one key cannot mean two things.
        scores: `SCORED` to `LOW`..`HIGH`; what was not scored is left out.
        disagrees: attribute paths of findings that the person holds to be wrong.
        raised_by: check to the calibration that its finding rested on, of every finding shown.
        audit: whether the take was shown by chance (an audit sample), not because it was escalated.
        undoes: id of the decision that this one takes back.
        reopens: whether the take waits for a person again, as if nobody had ruled.
    """

    take: str
    decision: int = Field(ge=1)
    form: str
    scores: dict[str, int] = Field(default_factory=dict)
    disagrees: tuple[str, ...] = ()
    raised_by: dict[str, str] = Field(default_factory=dict)
    audit: bool = False
    undoes: int | None = None
    reopens: bool = False


def scale() -> dict[str, Any]:
    """The declared scale as plain JSON."""
    return {"low": LOW, "high": HIGH, "words": list(WORDS), "of": list(SCORED)}
