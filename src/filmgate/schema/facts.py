"""Kinds of facts in the ledger, and the value each one holds."""

from __future__ import annotations

from filmgate.schema.decision import (
    Decision,
    Handoff,
    Judgement,
    Note,
    Preference,
    VerdictFact,
)
from filmgate.schema.plan import Plan
from filmgate.schema.purchase import (
    Accepted,
    Applied,
    Asked,
    Declined,
    RunFact,
    Sent,
    Settled,
    Standing,
)
from filmgate.schema.take import Take
from filmgate.schema.value import Fact

KINDS: dict[str, type[Fact]] = {
    "plan": Plan,
    "run": RunFact,
    "asked": Asked,
    "sent": Sent,
    "declined": Declined,
    "accepted": Accepted,
    "settled": Settled,
    "take": Take,
    "verdict": VerdictFact,
    "decision": Decision,
    "judgement": Judgement,
    "applied": Applied,
    "note": Note,
    "preference": Preference,
    "handoff": Handoff,
    "standing": Standing,
}
