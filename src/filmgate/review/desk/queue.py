"""The queue: which takes wait for whom, in which order, and everything else as rows.

A row is made of what is known already (`index.Entry`); nothing is read from disk for it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Literal

from filmgate.review.desk.index import WAITING, Entry, View

Order = Literal["worst", "edit"]
ALL = "all"


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows, in which order; "" for any.

    Attributes:
        check: a drift of that check was found.
        reviewer: waits for that person.
        state: one state, or `ALL`.
    """

    sequence: str = ""
    shot: str = ""
    check: str = ""
    reviewer: str = ""
    state: str = WAITING
    order: Order = "worst"

    def fits(self, entry: Entry) -> bool:
        """Whether an entry is asked for."""
        return (
            (not self.sequence or entry.planned.sequence == self.sequence)
            and (not self.shot or entry.shot == self.shot)
            and (not self.check or self.check in entry.checks)
            and (not self.reviewer or entry.waits_for == self.reviewer)
            and (self.state == ALL or entry.state == self.state)
        )

    @property
    def any(self) -> bool:
        """Whether everything that waits is asked for."""
        return self.state == WAITING and not (
            self.sequence or self.shot or self.check or self.reviewer
        )


def listed(view: View, chosen: Filter) -> Sequence[Entry]:
    """The entries that are asked for, in order: what waits first, the rest in edit order."""
    if chosen.order == "edit":
        return [entry for entry in view.entries.values() if chosen.fits(entry)]
    waiting = view.waiting if chosen.any else [e for e in view.waiting if chosen.fits(e)]
    if chosen.state == WAITING:
        return waiting
    rest = [e for e in view.entries.values() if not e.waits and chosen.fits(e)]
    return [*waiting, *rest]


def following(view: View, chosen: Filter, after: str) -> tuple[Entry | None, int]:
    """The entry to judge after the shot `after`, and how many are left besides `after`.

    Args:
        after: a shot of the plan; it may have been judged meanwhile, and so have left the queue.
    """
    here = view.entries[after]
    queue = listed(view, chosen)
    left = len(queue) - chosen.fits(here)
    if left == 0:
        return None, 0
    if chosen.order == "edit":
        start = bisect_right(queue, here.place, key=attrgetter("place"))
    elif here.waits:
        start = bisect_right(queue, here.order, hi=_waiting(queue), key=attrgetter("order"))
    else:
        # It was judged: the worst that is left comes next.
        start = 0
    found = queue[start % len(queue)]
    return (queue[(start + 1) % len(queue)] if found is here else found), left


def _waiting(queue: Sequence[Entry]) -> int:
    """How many of a queue wait; they stand first."""
    return bisect_right(queue, 0, key=lambda entry: 0 if entry.waits else 1)
