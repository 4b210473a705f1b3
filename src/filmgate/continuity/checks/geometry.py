"""Geometry: flopped picture, horizon, camera height, and the layout of the set.

Inside a set-up the light-normalised layout is registered against the consensus: a roll is a tilted
horizon, a vertical shift a camera at another height, and what does not line up after that is a
changed set. Across set-ups only the set's palette can be compared, which says "another place",
not what moved.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus, pairs, picture
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.world import World, once
from filmgate.schema.report import Measured

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FLOOR_ROLL_DEG = 0.4
FLOOR_SHIFT_PERCENT = 1.0
FLOOR_LAYOUT = 0.02
MIRROR_MARGIN = 0.05
MIRROR_UNIT = 0.15
"""Nearly symmetrical sets fit their mirror image a few hundredths better now and then."""
_MANY = 1500
"""Above this many shots only the 15 % of each set-up that fit worst are registered: the others have
moved less than those."""
_TOGETHER = 200
"""Shots at once: what they take stays in the cache."""
_NO_GROUP = "fewer than two other shots of this set-up and light"


class Geometry:
    """Mirror, horizon, camera height and layout against the consensus; set palette elsewhere."""

    name = "geometry"

    def compare(self, world: World) -> list[Batch]:
        upright = ~world.setups.flopped
        out = [self._mirror(world)]
        for part, (name, unit, floor) in enumerate(
            (
                ("horizon", "deg", FLOOR_ROLL_DEG),
                ("camera_height", "percent_height", FLOOR_SHIFT_PERCENT),
                ("layout", "distance", FLOOR_LAYOUT),
            )
        ):
            path = f"geometry/{name}"
            magnitude = np.abs(_of(world, path)[part])
            out.append(
                batch(
                    world, f"geometry/{name}", "consensus",
                    "deg" if unit == "deg" else "distance" if unit == "distance"
                    else "percent_height",
                    magnitude, consensus.scale(magnitude, world.eras(path, world.group), floor),
                    votes=upright,
                    default_reason=_NO_GROUP,
                )
            )  # fmt: skip
        return [
            *out,
            *self._with_mate(world),
            self._set(world, "anchor"),
            self._set(world, "neighbour"),
        ]

    def _with_mate(self, world: World) -> list[Batch]:
        roll, height, layout = _registered_to_mate(world)
        upright = ~world.setups.flopped
        return [
            pairs.with_mate(world, "geometry/horizon", "deg", np.abs(roll), upright),
            pairs.with_mate(
                world, "geometry/camera_height", "percent_height", np.abs(height), upright
            ),
            pairs.with_mate(world, "geometry/layout", "distance", layout, upright),
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
        roll, height, layout = _of(world, batch.attribute) if agreed else _registered_to_mate(world)
        if part == "horizon":
            return Explanation(
                this=Measured(f"{roll[shot]:+.1f}°"), reference=Measured("level with its set-up"),
                remedy=f"Rotate {abs(roll[shot]):.1f}° "
                f"{'counter-clockwise' if roll[shot] > 0 else 'clockwise'}.",
            )  # fmt: skip
        if part == "camera_height":
            word = "lower" if height[shot] > 0 else "higher"
            return Explanation(
                this=Measured(f"{height[shot]:+.1f} % of the height"),
                reference=Measured("the set-up's framing"),
                remedy=f"Reframe: the picture sits {abs(height[shot]):.1f} % {word} than the "
                "set-up's, as from another camera height or tilt.",
            )  # fmt: skip
        return Explanation(
            this=Measured(f"{layout[shot]:.2f} of the set does not line up"),
            remedy="Compare furniture and doors with the set-up and retake what moved.",
        )


def _place(world: World, one: int, two: int) -> float:
    """0 to 1: how unlike two places are, by the extractor's view, else by texture."""
    a, b = world.signatures[one], world.signatures[two]
    assert a is not None
    assert b is not None
    if a.view is not None and b.view is not None and len(a.view) == len(b.view):
        return float(np.sqrt(max(0.0, 0.5 * (1.0 - float(a.view @ b.view)))))
    return float(np.sqrt(max(0.0, 1.0 - float(a.texture @ b.texture))))


def _of(world: World, path: str) -> tuple[F64, F64, F64]:
    """`_registered`, with groups divided where a declared change of `path` begins or ends."""
    group = world.eras(path, world.group)
    return _registered(world, group.tobytes())


@once
def _registered(world: World, groups: bytes) -> tuple[F64, F64, F64]:
    """(N,) roll in degrees (+ is clockwise), shift in % of height (+ is down), and the share of the
    layout that is off.
    """
    n = world.count
    motion, misfit = np.full((n, 4), np.nan), np.full(n, np.nan)
    group = np.frombuffer(groups, world.group.dtype)
    for some in _batches(consensus.parts(np.where(world.measured, group, -1))):
        members = np.concatenate(some)
        layout = world.layout[members, 0].astype(np.float32)
        weight = np.clip(_fine(world.uncovered(0)[members]), 0.02, 1.0)
        reference = consensus.medians(layout.reshape(len(layout), -1), group[members])
        reference = reference.reshape(layout.shape)
        misfit[members] = _misfit(layout, reference, weight)
        motion[members] = 0.0
        moved = np.ones(len(members), bool)
        if n > _MANY:
            moved = np.concatenate([misfit[p] >= np.quantile(misfit[p], 0.85) for p in some])
        rows = members[moved]
        aspect = np.array([_aspect(world, int(i)) for i in rows])
        motion[rows] = picture.register(
            world.layout[rows, 0], reference[moved].astype(np.float64),
            weight[moved].astype(np.float64), aspect,
        )  # fmt: skip
    return motion[:, 2], motion[:, 1] * 100, misfit


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


@once
def _registered_to_mate(world: World) -> tuple[F64, F64, F64]:
    """The same against the `mate`, where no consensus is there to ask (and everywhere in sequences
    small enough, so that calibration knows what is usual).
    """
    wanted = world.mate >= 0
    if not world.thorough:
        wanted &= ~world.has_consensus
    motion, misfit = np.full((world.count, 4), np.nan), np.full(world.count, np.nan)
    rows = np.flatnonzero(wanted)
    if len(rows):
        layout = world.layout[rows, 0].astype(np.float32)
        reference = world.layout[world.mate[rows], 0].astype(np.float32)
        left = world.uncovered(0)
        share = np.minimum(left[rows], left[world.mate[rows]])
        weight = np.clip(_fine(share), 0.02, 1.0)
        misfit[rows] = _misfit(layout, reference, weight)
        aspect = np.array([_aspect(world, int(i)) for i in rows])
        motion[rows] = picture.register(
            world.layout[rows, 0], reference.astype(np.float64), weight.astype(np.float64), aspect
        )
    return motion[:, 2], motion[:, 1] * 100, misfit


def _aspect(world: World, shot: int) -> float:
    signature = world.signatures[shot]
    assert signature is not None
    return signature.size_px[0] / signature.size_px[1]


def _fine(weight: F32) -> F32:
    """(n, 24, 32) thumbnail weights on the layout's (48, 64) cells."""
    return np.repeat(np.repeat(weight, 2, axis=1), 2, axis=2)


def _misfit(layout: F32, reference: F32, weight: F32) -> F64:
    """(n,) 1 minus the weighted correlation of layouts with their references."""
    total = weight.sum(axis=(1, 2), keepdims=True)

    def centred(values: F32) -> F32:
        return np.asarray(values - (values * weight).sum(axis=(1, 2), keepdims=True) / total)

    a, b = centred(layout), centred(reference)
    product = (a * b * weight).sum(axis=(1, 2))
    norm = np.sqrt((a * a * weight).sum(axis=(1, 2)) * (b * b * weight).sum(axis=(1, 2)))
    return np.asarray(1.0 - product / np.maximum(norm, 1e-9), dtype=np.float64)


CHECK = Geometry()
