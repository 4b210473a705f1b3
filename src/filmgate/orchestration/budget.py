"""What has been spent and promised, read from the ledger: the only place where it is known."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from filmgate.assets.ledger import Ledger, Row
from filmgate.orchestration.policy import Money
from filmgate.schema.brief import Budget, Rates
from filmgate.schema.decision import Decision, VerdictFact
from filmgate.schema.purchase import Asked, Settled
from filmgate.schema.take import Take

_COSTLY = ("asked", "settled", "take", "verdict", "decision")


class Bill(NamedTuple):
    """The whole cost of a shot or a project.

    Attributes:
        provider_usd: paid to providers, or promised to them.
        machine_s, person_s: seconds of machines and people.
        takes: takes made; `asked`: takes asked for.
    """

    provider_usd: float = 0.0
    machine_s: float = 0.0
    person_s: float = 0.0
    takes: int = 0
    asked: int = 0
    footage_s: float = 0.0

    def usd(self, rates: Rates) -> float:
        """All of it in US dollars."""
        hour_s = 3600.0
        return (
            self.provider_usd
            + self.machine_s / hour_s * rates.machine_usd_per_h
            + self.person_s / hour_s * rates.person_usd_per_h
        )


def bill(ledger: Ledger, shot: str | None = None) -> Bill:
    """What `shot` (all shots, when None) has cost so far, requests in flight at their price."""
    return bill_of(ledger.all(*_COSTLY, subject=shot))


def bill_of(rows: Iterable[Row]) -> Bill:
    """What the takes and decisions among `rows` have cost."""
    usd = footage_s = machine_s = person_s = 0.0
    takes = asked = 0
    owed: dict[str, Asked] = {}
    for row in (row for row in rows if row.kind in _COSTLY):
        if row.kind == "asked":
            owed[row.key] = row.value(Asked)
        elif row.kind == "settled":
            settled, request = row.value(Settled), owed.pop(row.key, None)
            usd += settled.cost_usd
            if request is not None and settled.end != "not_accepted":
                asked += 1
                footage_s += request.footage_s
        elif row.kind == "take":
            cost = row.value(Take).cost
            takes += 1
            machine_s += cost.machine_s
            person_s += cost.person_s
        elif row.kind == "verdict":
            machine_s += row.value(VerdictFact).machine_s
        else:
            person_s += row.value(Decision).person_s
    for request in owed.values():
        usd += request.price_usd
        footage_s += request.footage_s
        asked += 1
    return Bill(usd, machine_s, person_s, takes, asked, footage_s)


def money(ledger: Ledger, limits: Budget) -> Money:
    """What is spent and promised against what may be."""
    so_far = bill(ledger)
    return Money(
        so_far.provider_usd, so_far.asked, so_far.footage_s,
        limits.usd, limits.takes, limits.seconds,
    )  # fmt: skip
