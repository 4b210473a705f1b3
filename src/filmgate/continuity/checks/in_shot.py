"""Drift inside a shot: does the light, the grade, a garment or the level move from head to tail?

Any of the other checks' attributes over the shot's own frames: the last two sampled frames against
the first two. What every shot of the set-up does (a cloud passes in each take) is taken away where
there is a consensus.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import cloth, consensus, pairs, picture, setups
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.checks import wardrobe
from filmgate.continuity.world import World, lab_of_log, once
from filmgate.schema.report import Measured, Unit

F64 = NDArray[np.float64]

FLOOR_DE00 = 1.0
FLOOR_STOPS = 0.08
FLOOR_KEY_STOPS = 0.2
"""A moving camera alone changes the slope of light by about this much."""
STILL = 0.5
"""Correlation of the layouts of head and tail below which the picture itself has changed (a pan,
a person walking through), so that a change of light cannot be told from a change of view."""
ANOTHER = 0.8
"""`cloth.changed` (natural log) beyond which what is seen in a garment's place is less and less the
garment. The nine clean shots of the calibration whose garment changed most, networks looking, lie
at 1.2 to 2.0, drifts planted on people in print at .2 to .6."""
QUIET = 0.06
"""Natural-log rms from head to tail that no light explains, up to which a picture is still: eight
in ten clean shots of the calibration, every light and grade ramped on development projects."""
LEFT_BY_LIGHT = 0.25
"""Share of a large change of light that its simple form does not describe."""
_SHORT = "fewer than four frames were sampled"
_MOVED = "the camera or the action changes the picture too much from head to tail"


class InShot:
    """Change from head to tail per attribute, in that attribute's unit."""

    name = "in_shot"

    def compare(self, world: World) -> list[Batch]:
        long = np.array([s is not None and len(s.frames) >= 4 for s in world.signatures])
        reasons = {int(i): _SHORT for i in np.flatnonzero(world.measured & ~long)}
        still = _still(world)
        reasons |= {int(i): _MOVED for i in np.flatnonzero(long & ~still)}
        long &= still
        (last, there), (first, here) = world.behind(pairs.TAIL), world.behind(pairs.HEAD)
        motion = picture.relight_pairs(last, first, there * here * long[:, None])
        region = pairs.region_of(world)
        rows = np.arange(world.count)
        bands = world.bands[rows, :, region].astype(np.float64)
        change = (bands[:, pairs.TAIL] - bands[:, pairs.HEAD]).reshape(world.count, -1)
        change[~long] = np.nan
        usual = np.nan_to_num(consensus.medians(change, world.group))
        moved = bands[:, pairs.HEAD] + (change - usual).reshape(-1, 5, 3)
        grade = pairs.band_distance(moved, bands[:, pairs.HEAD])
        steady = _steady(world)
        made: list[tuple[str, Unit, F64, float]] = [
            ("grade", "de00", grade * steady, FLOOR_DE00),
            ("light", "stops", np.abs(_free(motion.level_stops, world)) * steady, FLOOR_STOPS),
            ("key_side", "stops", np.abs(_free(motion.key_stops[:, 0], world)) * steady,
             FLOOR_KEY_STOPS),
        ]  # fmt: skip
        busy = _busy(motion)
        out = [
            self._batch(world, name, unit, magnitude, floor, busy, reasons)
            for name, unit, magnitude, floor in made
        ]
        return out + [self._wardrobe(world, label) for label in world.labels]

    def _batch(
        self, world: World, name: str, unit: Unit, magnitude: F64, floor: float, busy: F64,
        reasons: dict[int, str],
    ) -> Batch:  # fmt: skip
        grouped = consensus.scale(magnitude, world.group, floor)
        usual = float(np.nanmedian(magnitude)) if np.isfinite(magnitude).any() else floor
        scale = np.where(np.isfinite(grouped), grouped, np.hypot(max(usual, floor), 2 * floor))
        return batch(
            world, f"in_shot/{name}", "itself", unit, magnitude, scale * busy, reasons=reasons,
            zone="ends", other_zone="ends",
            default_reason="too little of the background is seen at both ends",
        )  # fmt: skip

    def _wardrobe(self, world: World, label: str) -> Batch:
        seen = world.sightings(label)
        garment, skin = wardrobe.colours_of(world, seen, "upper")
        head, tail = pairs.HEAD, pairs.TAIL
        nothing = np.zeros_like(skin[head])
        middle = pairs.least(
            wardrobe.difference(garment[tail], garment[head], nothing),
            wardrobe.difference(garment[tail], garment[head], skin[tail] - skin[head]),
        )
        light = _brighter(world)
        first, last = (cloth.garments(world, seen, zone) for zone in (head, tail))
        cells = pairs.least(
            cloth.difference(last, first, nothing), cloth.difference(last, first, light)
        )
        magnitude = cloth.agreed(middle, cells)
        # A hand or a cup before the garment is another picture, not the garment in another colour.
        wider = np.fmax(1.0, (cloth.changed(last, first) / ANOTHER) ** 2)
        # Someone who turns or walks shows another side of the garment: without the skin at both
        # ends as a grey card, in a picture that stays, a change of the garment cannot be told.
        lit = np.isfinite(skin[[head, tail]]).all(axis=(0, 2))
        magnitude[~(lit & _still(world))] = np.nan
        applies = np.zeros(world.count, bool)
        applies[list(seen)] = True
        group = np.where(applies, 0, -1)
        scale = consensus.scale(magnitude / wider, group, wardrobe.FLOOR_DE00)
        return batch(
            world, f"in_shot/wardrobe/{label}", "itself", "de00", magnitude,
            np.where(np.isfinite(scale), scale, 2.5) * wider * wardrobe.smallness(world, seen),
            kind="in_shot/wardrobe", applies=applies,
            zone="ends", other_zone="ends",
            default_reason="garment and skin are not both seen at both ends of a still picture",
        )  # fmt: skip

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """How much, over how many frames, and the smallest fix."""
        signature = world.signatures[shot]
        assert signature is not None
        size, unit = batch.magnitude[shot], batch.unit
        frames = signature.out_frame - signature.in_frame
        words = {"de00": "ΔE00", "stops": "stops"}.get(unit, unit)
        box = None
        this, reference = (
            Measured(f"{size:.1f} {words} over {frames} frames"),
            Measured("its start"),
        )
        if batch.kind == "in_shot/wardrobe":
            seen = world.sightings(batch.attribute.split("/")[2])
            box = seen[shot].garment_box
            garment, _ = wardrobe.colours_of(world, seen, "upper")
            this = wardrobe.swatch(lab_of_log(garment[pairs.TAIL, shot]), "at the end")
            reference = wardrobe.swatch(lab_of_log(garment[pairs.HEAD, shot]), "at the start")
        elif batch.attribute == "in_shot/grade":
            bands = world.bands[shot, :, int(pairs.region_of(world)[shot])].astype(np.float64)
            this = wardrobe.swatch(bands[pairs.TAIL, 2], "mids at the end")
            reference = wardrobe.swatch(bands[pairs.HEAD, 2], "mids at the start")
        return Explanation(
            this=this, reference=reference, box=box, other_box=box,
            remedy="Retake, or cut before it shows; a ramp over the shot can also be keyed in "
            "the grade.",
        )  # fmt: skip


@once
def _still(world: World) -> NDArray[np.bool_]:
    """(N,) whether head and tail show the same picture."""
    head = setups.units(world.layout[:, pairs.HEAD])
    tail = setups.units(world.layout[:, pairs.TAIL])
    return np.asarray((head * tail).sum(axis=1) >= STILL)


def _busy(motion: picture.Relight) -> F64:
    """(N,) at least 1: how much more of the picture changes from head to tail than light explains.

    A lamp that fades leaves the picture where it is. Someone who crosses it, or a camera that moves
    on, makes it brighter or darker too, and leaves most of the difference unexplained.
    """
    explained = np.hypot(motion.gain_rms, motion.bend_rms)
    share = motion.residual / np.hypot(QUIET, LEFT_BY_LIGHT * explained)
    return np.asarray(np.nan_to_num(np.maximum(share, 1.0), nan=1.0))


@once
def _brighter(world: World) -> F64:
    """(N, 3) log RGB by which the middle of the picture's cells is brighter at the tail."""
    return cloth.middle(world.behind(pairs.TAIL)[0] - world.behind(pairs.HEAD)[0])


def _free(values: F64, world: World) -> F64:
    """`values` without what the rest of the group does as well."""
    usual = consensus.medians(values[:, None], world.group)[:, 0]
    return values - np.nan_to_num(usual)


def _steady(world: World) -> F64:
    """(N,) 0.3 to 1: how much of the shot's change of light goes one way (a ramp, not a flicker).

    Kendall's tau of the strongest of exposure, R/G and B/G against time, from five frames on.
    """
    by_length: dict[int, list[int]] = {}
    rows: dict[int, F64] = {}
    for i, signature in enumerate(world.signatures):
        if signature is None or len(signature.frames) < 5:
            continue
        series = signature.series[:, :3].astype(np.float64)
        rows[i] = series[np.isfinite(series).all(axis=1)]
        by_length.setdefault(len(rows[i]), []).append(i)
    out = np.ones(world.count)
    for length, shots in by_length.items():
        if length >= 5:
            first, second = np.triu_indices(length, 1)
            series = np.stack([rows[i] for i in shots])
            signs = np.sign(series[:, second] - series[:, first])
            out[shots] = 0.3 + 0.7 * np.abs(signs.mean(axis=1)).max(axis=1)
    return out


CHECK = InShot()
