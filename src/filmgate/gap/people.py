"""People in the chain: how long an item waits for one of them.

Whom to send to them, and what a budget of escalations can catch, is in `estimate.escalation`.
"""

from __future__ import annotations

import math
from typing import NamedTuple


class Queue(NamedTuple):
    """People who take items in the order of arrival.

    Attributes:
        busy: share of the time each is at work; from 1 on the queue grows without end.
        waits: probability that an arriving item has to wait; 1 where the queue grows.
        wait_min: mean minutes until somebody starts on it; None where the queue grows.
        wait_p95_min: minutes that 95 % of the items stay below; None where the queue grows.
    """

    busy: float
    waits: float
    wait_min: float | None
    wait_p95_min: float | None


def queue(items_per_hour: float, minutes: float, people: int) -> Queue:
    """Waiting for one of `people` when items arrive at random (M/M/c, Erlang C).

    Args:
        items_per_hour: items that need a person, per hour, at least 0.
        minutes: mean time a person needs for one, above 0.
        people: how many work in parallel, at least 1.
    """
    offered = items_per_hour * minutes / 60
    if offered >= people:
        return Queue(offered / people, 1.0, None, None)
    blocked = 1.0  # Erlang B by its recursion: stable where factorials are not
    for n in range(1, people + 1):
        blocked = offered * blocked / (n + offered * blocked)
    waits = people * blocked / (people - offered * (1 - blocked))
    pace = (people - offered) / minutes  # how many of the waiting start, per minute
    p95 = math.log(waits / 0.05) / pace if waits > 0.05 else 0.0
    return Queue(offered / people, waits, waits / pace, p95)


def people_needed(items_per_hour: float, minutes: float, wait_min: float) -> int:
    """The fewest people with which the mean wait is at most `wait_min` minutes (above 0)."""
    people = max(1, math.floor(items_per_hour * minutes / 60))
    while True:
        wait = queue(items_per_hour, minutes, people).wait_min
        if wait is not None and wait <= wait_min:
            return people
        people += 1
