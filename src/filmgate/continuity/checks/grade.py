"""Colour grade: do the tonal bands sit where the rest of the set-up has them?

Within a set-up the five tonal bands of the background are compared with the consensus. A
difference that a lamp could make (a constant per channel in log light) belongs to the lighting
check; one that bends the tones is a grade. Without a consensus the tone curve of the frame is
compared with the scene's first shot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import cdl, consensus, pairs, picture
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.world import World
from filmgate.measure.colour import hex_of, lab_to_srgb
from filmgate.schema.report import Measured, Unit
from filmgate.schema.signature import BANDS

F64 = NDArray[np.float64]

FLOOR_DE00 = 1.0
"""Perceptual floor: half of what is just visible in pictures (ΔE 2.5, Song and Luo 2001)."""


FLOOR_MIRED, FLOOR_STOPS = 6.0, 0.08
"""As for the lighting check, whose calibration these share."""
_NO_GROUP = "fewer than two other shots of this set-up and light"


class Grade:
    """ΔE00 per tonal band against consensus, anchor and neighbour; with the CDL that undoes it."""

    name = "grade"

    def compare(self, world: World) -> list[Batch]:
        tone = world.tone[:, :, 0]
        return [
            self._consensus(world),
            *self._balance(world),
            self._with_mate(world),
            pairs.one_shot(world, "grade/tonal_bands", "anchor", tone, pairs.tone_distance),
            pairs.one_shot(world, "grade/tonal_bands", "neighbour", tone, pairs.tone_distance),
        ]

    def _balance(self, world: World) -> list[Batch]:
        """Level and colour balance of a difference that bends the tones: then it is the grade's."""
        mired = pairs.least(
            *(
                np.hypot(z.mired, z.tint * picture.MIRED_PER_LOG)
                for z in world.relights_of("grade/colour_balance")
            )
        )
        level = pairs.least(*(np.abs(z.level_stops) for z in world.relights_of("grade/exposure")))
        cast, none = pairs.of_cast(world), np.zeros(world.count)
        made: list[tuple[str, Unit, F64, float, F64, str]] = [
            ("colour_balance", "mired", mired, FLOOR_MIRED, cast, "lighting/colour_temperature"),
            ("exposure", "stops", level, FLOOR_STOPS, none, "lighting/level"),
        ]
        return [
            batch(
                world, f"grade/{name}", "consensus", unit, magnitude,
                np.hypot(
                    consensus.scale(magnitude, world.eras(f"grade/{name}", world.group), floor),
                    wider,
                ),
                kind=kind, votes=world.bent, applies=world.bent,
                usual=np.zeros(world.count, bool), default_reason=_NO_GROUP,
            )
            for name, unit, magnitude, floor, wider, kind in made
        ]  # fmt: skip

    def _with_mate(self, world: World) -> Batch:
        region = pairs.region_of(world)
        bands = world.bands[np.arange(world.count), 0, region].astype(np.float64)
        magnitude = pairs.band_distance(bands, pairs.gather(bands, world.mate))
        return pairs.with_mate(
            world, "grade/setup_bands", "de00", magnitude,
            world.bent_from_mate & ~world.seen_nearby,
        )  # fmt: skip

    def _consensus(self, world: World) -> Batch:
        group = world.eras("grade/tonal_bands", world.group)
        region = pairs.region_of(world)
        rows = np.arange(world.count)
        shift = []
        for zone in range(3):
            values = world.bands[rows, zone, region].reshape(world.count, -1).astype(np.float64)
            values[~world.measured] = np.nan
            reference = consensus.medians(values, group)
            if zone == 0:
                middle = reference
            shift.append(pairs.band_distance(values.reshape(-1, 5, 3), middle.reshape(-1, 5, 3)))
        magnitude = pairs.least(*shift)
        return batch(
            world, "grade/tonal_bands", "consensus", "de00", magnitude,
            consensus.scale(magnitude, group, FLOOR_DE00), votes=world.bent,
            # Clean shots hardly ever bend: all of them say what is usual, which errs towards calm.
            usual=np.ones(world.count, bool),
            default_reason=_NO_GROUP,
        )  # fmt: skip

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """The worst tonal band as swatches, and the CDL towards the reference."""
        this, reference = _bands(world, batch, shot)
        worst = int(np.argmax([_de(t, r) for t, r in zip(this, reference, strict=True)]))
        fitted = cdl.towards(world, shot, int(batch.other[shot]))
        remedy = "Apply the CDL given with this finding; it brings the shot to its scene."
        return Explanation(
            this=_swatch(this[worst], BANDS[worst]),
            reference=_swatch(reference[worst], BANDS[worst]),
            remedy=remedy if fitted else "Regrade the shot to its scene.", cdl=fitted,
        )  # fmt: skip


def _de(one: np.ndarray, two: np.ndarray) -> float:
    return float(pairs.band_distance(one[None, None], two[None, None])[0])


def _bands(world: World, batch: Batch, shot: int) -> tuple[np.ndarray, np.ndarray]:
    region = int(pairs.region_of(world)[shot]) if batch.against == "consensus" else 0
    this = world.bands[shot, 0, region].astype(np.float64)
    if batch.against != "consensus":
        return this, world.bands[int(batch.other[shot]), 0, region].astype(np.float64)
    group = world.eras("grade/tonal_bands", world.group)
    members = np.flatnonzero((group == group[shot]) & (np.arange(world.count) != shot))
    return this, np.median(world.bands[members, 0, region], axis=0).astype(np.float64)


def _swatch(lab: np.ndarray, band: str) -> Measured:
    colour = (float(lab[0]), float(lab[1]), float(lab[2]))
    text = f"{band}: L* {lab[0]:.1f} a* {lab[1]:.1f} b* {lab[2]:.1f}"
    return Measured(text=text, hex=hex_of(lab_to_srgb(lab)), lab=colour)


CHECK = Grade()
