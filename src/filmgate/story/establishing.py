"""An establishing sequence by rule: hundreds of views of one place out of a few set-ups.

Everything follows from the numbers of the rule, so that the same brief gives the same shots on any
machine and in any year:

- Set-up k (from 0) shows view v = k mod V. In round r = k div V its framing is the r-th of the
  list, its lens the (v + r)-th of L, its move the (v + r div L)-th, each list taken in a circle: a
  view is seen through every lens, then through every lens with the next move, and so on.
- The cut goes through all set-ups before it returns to one. Each pass is in an order of its own (by
  SHA-256 of seed, pass and set-up), and no two neighbours are the same set-up.
- Lengths run through their list in a circle, in edit order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from filmgate.schema.plan import Framing, Move

VIEWS: dict[str, str] = {
    "corridor": "A long corridor of identical doors runs away from us and does not end.",
    "cubicles": "Rows of empty cubicles, every one the same, to the far wall.",
    "pillars": "Square pillars stand in an open floor of worn carpet under ceiling panels.",
    "doors": "A wall of closed doors; the light behind one of them is on.",
    "stairwell": "Concrete stairs turn down past a landing with a number on the wall.",
    "break_room": "A break room: two tables, a counter, a machine that hums.",
}
"""The views of a liminal office that previz knows, and what is said of each when the brief does not
say anything else."""

FRAMINGS: tuple[Framing, ...] = ("wide", "establishing")
LENSES_MM = (18.0, 24.0, 35.0)
MOVES: tuple[Move, ...] = ("static", "push", "pan")
DURATION_S = 2.0


@dataclass(frozen=True, slots=True)
class Rule:
    """What an establishing sequence is made of; every list has at least one entry."""

    shots: int
    setups: int
    views: tuple[str, ...] = tuple(VIEWS)
    framings: tuple[Framing, ...] = FRAMINGS
    lenses_mm: tuple[float, ...] = LENSES_MM
    moves: tuple[Move, ...] = MOVES
    durations_s: tuple[float, ...] = (DURATION_S,)
    actions: Mapping[str, str] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class View:
    """One shot of the sequence, as far as the rule decides it."""

    setup: str
    framing: Framing
    lens_mm: float
    move: Move
    duration_s: float
    action: str


def default_setups(shots: int) -> int:
    """Set-ups for `shots` shots when the brief names no number: 49 for 400, each seen 8 times."""
    return max(min(shots, 2), round(shots * 49 / 400))


def expand(rule: Rule) -> Iterator[View]:
    """The shots of `rule` in edit order."""
    for position, number in zip(range(rule.shots), _order(rule), strict=False):
        round_, place = divmod(number, len(rule.views))
        view = rule.views[place]
        yield View(
            setup=f"{view}-{number + 1:02d}",
            framing=rule.framings[round_ % len(rule.framings)],
            lens_mm=rule.lenses_mm[(place + round_) % len(rule.lenses_mm)],
            move=rule.moves[(place + round_ // len(rule.lenses_mm)) % len(rule.moves)],
            duration_s=rule.durations_s[position % len(rule.durations_s)],
            action=rule.actions.get(view) or VIEWS.get(view) or f"{view.replace('_', ' ')}, empty.",
        )


def _order(rule: Rule) -> Iterator[int]:
    last = -1
    turn = 0
    while True:
        order = sorted(range(rule.setups), key=lambda k: _rank(f"{rule.seed}/{turn}/{k}"))
        if order[0] == last and len(order) > 1:
            order[0], order[1] = order[1], order[0]
        yield from order
        last = order[-1]
        turn += 1


def _rank(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
