"""Geometry: flopped picture, horizon, camera height, and the layout of the set.

Inside a set-up the light-normalised layout is registered against the consensus: a roll is a tilted
horizon, a vertical shift a camera at another height, and the place that fits worst after that is a
changed set: furniture that moved, or a shadow. Across set-ups only the set's palette can be
compared, which says "another place", not what moved.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus, layouts, pairs
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.world import World, once
from filmgate.schema.report import Measured, Unit

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FLOOR_ROLL_DEG = 0.4
FLOOR_SHIFT_PERCENT = 1.0
FLOOR_LAYOUT = 0.5
"""As a multiple of what is usual at a place in the set-up."""
ZONES = (0, pairs.HEAD, pairs.TAIL)
"""The whole shot, for the camera's motion; its head and tail, for the set: what is not at both ends
is not the set."""
MIRROR_MARGIN = 0.05
MIRROR_UNIT = 0.15
"""Nearly symmetrical sets fit their mirror image a few hundredths better now and then."""
_TOGETHER = 100
"""Shots at once: what they take stays in the cache."""
_NO_GROUP = "fewer than two other shots of this set-up and light"
PEOPLED = 6
"""Takes from which a set with people in it is told from the people: fewer do not show where they
usually move (of clean takes one in a thousand differs 2.7 times the usual from six on, 7.8 times
from three on)."""
_EMPTY = "geometry/layout_empty"
"""Calibrated apart: who moves changes the picture beyond the box that hides him."""


class Geometry:
    """Mirror, horizon, camera height and layout against the consensus; set palette elsewhere."""

    name = "geometry"

    def compare(self, world: World) -> list[Batch]:
        upright = ~world.setups.flopped
        out = [self._mirror(world)]
        made: list[tuple[str, Unit, float]] = [
            ("horizon", "deg", FLOOR_ROLL_DEG),
            ("camera_height", "percent_height", FLOOR_SHIFT_PERCENT),
        ]
        for name, unit, floor in made:
            path = f"geometry/{name}"
            found, group = _of(world, path), world.eras(path, world.group)
            magnitude = np.abs(found.roll_deg if name == "horizon" else found.height_percent)
            out.append(
                batch(
                    world, path, "consensus", unit, magnitude,
                    consensus.scale(magnitude, group, floor), votes=upright,
                    default_reason=_NO_GROUP,
                )
            )  # fmt: skip
        return [
            *out,
            *self._layout(world),
            *self._with_mate(world),
            self._set(world, "anchor"),
            self._set(world, "neighbour"),
        ]

    def _layout(self, world: World) -> list[Batch]:
        path = "geometry/layout"
        found, group = _of(world, path), world.eras(path, world.group)
        scale = found.usual * consensus.scale(found.change / found.usual, group, FLOOR_LAYOUT)
        empty = _empty(world, group)
        votes = ~world.setups.flopped & (empty | (_sizes(group) >= PEOPLED))
        return [
            batch(
                world, path, "consensus", "distance", found.change, scale, kind=kind,
                votes=votes, applies=here, default_reason=_NO_GROUP,
            )
            for kind, here in ((path, ~empty), (_EMPTY, empty & world.has_consensus))
        ]  # fmt: skip

    def _with_mate(self, world: World) -> list[Batch]:
        found, upright = _registered_to_mate(world), ~world.setups.flopped
        roll, height = np.abs(found.roll_deg), np.abs(found.height_percent)
        return [
            pairs.with_mate(world, "geometry/horizon", "deg", roll, upright),
            pairs.with_mate(world, "geometry/camera_height", "percent_height", height, upright),
            # No third take says what moves here, and a detector does not see everyone: calibrated
            # with people and without together.
            pairs.with_mate(world, "geometry/layout", "distance", found.change, upright),
        ]

    def _mirror(self, world: World) -> Batch:
        direct, mirrored = world.setups.direct, world.setups.mirrored
        like = np.maximum(direct, mirrored) > 0.8 * 0.55
        # Of a shot that fits as it is, a little better when flopped means a symmetrical set.
        advantage = np.maximum(mirrored - direct - MIRROR_MARGIN, 0.0) * (1.0 - direct) / 0.5
        advantage = np.where(like, advantage, np.nan)
        twin, here = world.setups.twin, np.arange(world.count)
        # Of two shots that are each other's mirror image the first one is the reference.
        first = (twin > here) & (twin[twin] == here)
        return batch(
            world, "geometry/mirrored", "consensus", "match", advantage, MIRROR_UNIT,
            votes=~first,
            default_reason="no other shot of this set-up, flopped or not",
        )  # fmt: skip

    def _set(self, world: World, against: str) -> Batch:
        other = world.anchor if against == "anchor" else world.previous
        here = other >= 0
        magnitude = np.full(world.count, np.nan)
        mates = other[here]
        frame = pairs.palette_distance(
            world.palette[here, 0].astype(np.float64), world.palette[mates, 0].astype(np.float64)
        )
        place = np.array([_place(world, int(i), int(other[i])) for i in np.flatnonzero(here)])
        magnitude[here] = 0.5 * frame + 0.5 * place
        return batch(
            world, "geometry/set", "anchor" if against == "anchor" else "neighbour", "distance",
            magnitude, 1.0, other=other,
            votes=(pairs.alone(world) if against == "anchor" else np.zeros(world.count, bool)),
            applies=here if against == "neighbour" else here | ~world.has_consensus,
            default_reason="the first shot of its scene: later shots are compared with it",
        )  # fmt: skip

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """What moved, and which way to move it back."""
        part = batch.attribute.split("/")[1]
        if part == "mirrored":
            return Explanation(
                this=Measured(f"fits its set-up {world.setups.mirrored[shot]:.2f} when flopped"),
                reference=Measured(f"{world.setups.direct[shot]:.2f} as it is"),
                remedy="Flop the picture back, or retake from the right side of the line.",
            )
        if part == "set":
            return Explanation(
                remedy="Retake with the set's reference stills: colours and forms of this set "
                "differ from the scene's.",
            )
        agreed = batch.against == "consensus"
        found = _of(world, batch.attribute) if agreed else _registered_to_mate(world)
        if part == "horizon":
            roll = float(found.roll_deg[shot])
            return Explanation(
                this=Measured(f"{roll:+.1f}°"), reference=Measured("level with its set-up"),
                remedy=f"Rotate {abs(roll):.1f}° "
                f"{'counter-clockwise' if roll > 0 else 'clockwise'}.",
            )  # fmt: skip
        if part == "camera_height":
            height = float(found.height_percent[shot])
            word = "lower" if height > 0 else "higher"
            return Explanation(
                this=Measured(f"{height:+.1f} % of the height"),
                reference=Measured("the set-up's framing"),
                remedy=f"Reframe: the picture sits {abs(height):.1f} % {word} than the "
                "set-up's, as from another camera height or tilt.",
            )  # fmt: skip
        other_box = layouts.box_of(int(found.place[shot]))
        x, y, w, h = other_box
        box = (1 - x - w, y, w, h) if world.setups.flopped[shot] else other_box
        return Explanation(
            this=Measured(f"{found.change[shot]:.1f} local contrasts off, once registered"),
            remedy="Compare the outlined part of the set with the set-up's other shots: retake if "
            "furniture moved, relight if it is a shadow.",
            box=box, other_box=other_box,
        )  # fmt: skip


def _place(world: World, one: int, two: int) -> float:
    """0 to 1: how unlike two places are, by the extractor's view, else by texture."""
    a, b = world.signatures[one], world.signatures[two]
    assert a is not None
    assert b is not None
    if a.view is not None and b.view is not None and len(a.view) == len(b.view):
        return float(np.sqrt(max(0.0, 0.5 * (1.0 - float(a.view @ b.view)))))
    return float(np.sqrt(max(0.0, 1.0 - float(a.texture @ b.texture))))


class Registered(NamedTuple):
    """Layouts against their references; every array is (N,), NaN where there is none.

    Attributes:
        roll_deg: + is clockwise; height_percent: shift in % of the height, + is down.
        change, usual: see `layouts.Change`, in local contrasts; place: its cell.
    """

    roll_deg: F64
    height_percent: F64
    change: F64
    usual: F64
    place: I64


def _nothing(count: int) -> Registered:
    roll, height, change, usual = np.full((4, count), np.nan)
    return Registered(roll, height, change, usual, np.zeros(count, np.int64))


def _of(world: World, path: str) -> Registered:
    """Against the consensus, groups divided where a declared change of `path` begins or ends."""
    group = world.eras(path, world.group)
    return _registered(world, group.tobytes())


@once
def _registered(world: World, groups: bytes) -> Registered:
    """Against the leave-one-out median of the group."""
    out = _nothing(world.count)
    group = np.frombuffer(groups, world.group.dtype)
    uncovered = {zone: world.uncovered(zone) for zone in ZONES}

    def work(some: list[I64]) -> None:
        rows = np.concatenate(some)
        number = np.repeat(np.arange(len(some)), [len(p) for p in some])
        parts, motions = [], []
        for zone in ZONES:
            layout, weight = _pictures(world, rows, zone, uncovered[zone])
            agreed = consensus.medians(layout.reshape(len(layout), -1), number)
            motion = layouts.register(
                layout, agreed.reshape(layout.shape), weight, _aspect(world, rows)
            )
            parts.append((layout, weight, motion.matrix))
            motions.append(motion)
        _fill(out, rows, motions[0], layouts.changes(parts[1:], number))

    # The arithmetic lets go of the interpreter, and no part needs another.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(work, _batches(consensus.parts(np.where(world.measured, group, -1)))))
    return out


@once
def _registered_to_mate(world: World) -> Registered:
    """Against the `mate`, where no consensus is there to ask (and everywhere in sequences
    small enough, so that calibration knows what is usual).
    """
    out, wanted = _nothing(world.count), world.mate >= 0
    if not world.thorough:
        wanted &= ~world.has_consensus
    rows = np.flatnonzero(wanted)
    if len(rows):
        parts, references, motions = [], [], []
        for zone in ZONES:
            layout, weight = _pictures(world, rows, zone)
            reference, left = _pictures(world, world.mate[rows], zone)
            weight = np.minimum(weight, left)
            motions.append(layouts.register(layout, reference, weight, _aspect(world, rows)))
            parts.append((layout, weight, motions[-1].matrix))
            references.append(reference)
        found = layouts.changes_between(parts[1:], references[1:])
        _fill(out, rows, motions[0], found)
    return out


def _fill(out: Registered, rows: I64, motion: layouts.Motion, found: layouts.Change) -> None:
    out.roll_deg[rows], out.height_percent[rows] = motion.values[:, 2], motion.values[:, 1] * 100
    out.change[rows], out.usual[rows], out.place[rows] = found


def _batches(parts: list[I64]) -> Iterator[list[I64]]:
    """Whole groups of together about `_TOGETHER` shots."""
    some: list[I64] = []
    for members in parts:
        some.append(members)
        if sum(map(len, some)) >= _TOGETHER:
            yield some
            some = []
    if some:
        yield some


def _pictures(world: World, rows: I64, zone: int, uncovered: F32 | None = None) -> tuple[F32, F32]:
    """(n, 24, 32) layouts, and the share of each cell that no person hides."""
    seen = world.uncovered(zone) if uncovered is None else uncovered
    return world.layout[rows, zone], np.maximum(seen[rows], 0.02)


def _sizes(group: I64) -> I64:
    """(N,) how many shots the group of each has; 0 where there is no group."""
    counts = np.bincount(group[group >= 0], minlength=int(group.max(initial=0)) + 1)
    return np.where(group >= 0, counts[np.maximum(group, 0)], 0)


def _empty(world: World, group: I64) -> NDArray[np.bool_]:
    """(N,) shots in whose group nobody is seen; False where there is no group."""
    seen = np.array([bool(s and s.people) for s in world.signatures], bool)
    peopled = np.bincount(group[seen & (group >= 0)], minlength=int(group.max(initial=0)) + 1) > 0
    return (group >= 0) & ~peopled[np.maximum(group, 0)]


def _aspect(world: World, rows: I64) -> F64:
    return np.array([s.size_px[0] / s.size_px[1] for i in rows if (s := world.signatures[i])])


CHECK = Geometry()
