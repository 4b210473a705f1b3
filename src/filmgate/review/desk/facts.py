"""What a person says with a ruling besides the ruling: scores, disagreement, what it undoes.

One `schema.decision.Judgement` is written together with each `Decision` of the review room, in one
transaction. Its key in the ledger is the key that the page made up for the request: a request that
is sent again, because its answer was lost, finds its judgement there and writes nothing.
"""

from __future__ import annotations

from typing import Any

from filmgate.schema.decision import Judgement

__all__ = ["HIGH", "KIND", "LOW", "SCORED", "WORDS", "Judgement", "scale"]

KIND = "judgement"
LOW, HIGH = 1, 5
WORDS = ("unusable", "weak", "fair", "good", "excellent")
"""The scale of a score, worst first: five steps, the fewest that raters use in full (ITU-R
BT.500-14, the five-grade quality scale)."""
SCORED = ("taste", "narrative")
"""What is scored. taste: is it what the film shall look like. narrative: does it tell what the
scene needs here."""


def scale() -> dict[str, Any]:
    """The declared scale as plain JSON."""
    return {"low": LOW, "high": HIGH, "words": list(WORDS), "of": list(SCORED)}
