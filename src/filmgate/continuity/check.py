"""Contract of a check: one question about a sequence, answered for every shot at once.

A check measures; it does not judge. It returns `Batch`es of magnitudes with the scale that makes
them comparable, and calibration turns those into p-values and tolerances. Add a check by adding
one file with a `CHECK` in ``continuity/checks/`` (or an entry point of the group
``filmgate.continuity.checks``); ``tests/conformance/test_checks.py`` then tests it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from filmgate.schema.report import CDL, Box, Measured, Unit
from filmgate.schema.shot import Against

if TYPE_CHECKING:
    from filmgate.continuity.world import World

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Zone = Literal["whole", "head", "tail", "ends"]


@dataclass(slots=True)
class Batch:
    """One attribute compared one way, over all N shots of a sequence.

    Attributes:
        check, attribute, against: as in `Finding`; `kind` is the attribute without people's names
            ("wardrobe/upper"), which with the way of comparing keys the calibration.
        magnitude: (N,) float, NaN where there is no measurement.
        scale: (N,) what is usual for this comparison, same unit; evidence is magnitude / scale.
        other: (N,) position of the shot compared with, -1 for none.
        votes: (N,) whether this comparison may change the verdict. A neighbour comparison never
            votes where a consensus exists, because it blames the good shot after a bad one.
        usual: (N,) which comparisons of clean footage say what is usual, whether or not they
            apply; None: those that vote.
        applies: (N,) False where the question makes no sense (that person is not in the shot).
        reasons: position -> why not measured, for applying shots without a magnitude.
        default_reason: the reason where `reasons` has none.
        zone: which frames of the shot were compared ("ends": the first against the last).
        other_zone: which frames of the other shot.
    """

    check: str
    attribute: str
    kind: str
    against: Against
    unit: Unit
    magnitude: F64
    scale: F64
    other: I64
    votes: Bool
    applies: Bool
    reasons: Mapping[int, str] = field(default_factory=dict)
    default_reason: str = "no reference to compare with"
    zone: Zone = "whole"
    other_zone: Zone = "whole"
    usual: Bool | None = None

    @property
    def key(self) -> str:
        """Calibration key: kind of attribute and way of comparing."""
        return f"{self.kind}:{self.against}"

    @property
    def counted(self) -> Bool:
        """(N,) the comparisons that say what is usual: of clean footage, and of this sequence."""
        return self.votes & self.applies if self.usual is None else self.usual


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a person needs to see and do about one comparison."""

    this: Measured | None = None
    reference: Measured | None = None
    remedy: str | None = None
    box: Box | None = None
    other_box: Box | None = None
    cdl: CDL | None = None


class Check(Protocol):
    """One question."""

    @property
    def name(self) -> str:
        """The file's name."""
        ...

    def compare(self, world: World) -> list[Batch]:
        """All comparisons of this check over the sequence; never raises for a blind shot."""
        ...

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """Evidence and the smallest fix for one shot of one of this check's batches."""
        ...


def batch(
    world: World, attribute: str, against: Against, unit: Unit, magnitude: F64, scale: F64 | float,
    *, kind: str | None = None, other: I64 | None = None, votes: Bool | None = None,
    applies: Bool | None = None, reasons: Mapping[int, str] | None = None,
    default_reason: str = "no reference to compare with",
    zone: Zone = "whole", other_zone: Zone = "whole", usual: Bool | None = None,
) -> Batch:  # fmt: skip
    """A `Batch` with the usual defaults; `attribute` starts with the check's name."""
    n = world.count
    magnitude = np.where(world.measured, magnitude, np.nan)
    if against == "neighbour" and usual is None:
        # It never votes, and still wants a tolerance to be shown against.
        usual = np.ones(n, bool)
    return Batch(
        check=attribute.split("/")[0], attribute=attribute, kind=kind or attribute,
        against=against, unit=unit, magnitude=magnitude,
        scale=np.broadcast_to(np.asarray(scale, dtype=np.float64), (n,)).copy(),
        other=np.full(n, -1) if other is None else other,
        votes=np.ones(n, bool) if votes is None else votes,
        applies=np.ones(n, bool) if applies is None else applies,
        reasons=reasons or {}, default_reason=default_reason, zone=zone, other_zone=other_zone,
        usual=usual,
    )  # fmt: skip
