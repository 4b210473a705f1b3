"""Lighting: level, contrast, colour temperature and the side of the key.

Against the set-up's consensus the light is what a lamp can change: a constant (level), a constant
per channel (colour temperature) and a slope across the picture (key side) of log light. Without a
consensus the tonal balance is compared with the scene's first shot.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus, pairs, picture
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.world import World
from filmgate.schema.report import Measured, Unit

F64 = NDArray[np.float64]

FLOOR_STOPS = 0.08
"""A twelfth of a stop: what a stills meter resolves."""
FLOOR_MIRED = 6.0
"""One just noticeable step of colour temperature is about 5.5 mired (Judd 1932)."""
FLOOR_CONTRAST_STOPS = 0.25
LEVEL_IS_OFF_STOPS = 1 / 3
"""Below a third of a stop, the step of a lens, another level would not bring the balance back."""
_NO_GROUP = "fewer than two other shots of this set-up and light"


class Lighting:
    """Stops and mired against the consensus; tonal balance against anchor and neighbour."""

    name = "lighting"

    def compare(self, world: World) -> list[Batch]:
        light = ~world.bent
        level = pairs.least(*(np.abs(z.level_stops) for z in world.relights_of("lighting/level")))
        mired = pairs.least(
            *(
                np.hypot(z.mired, z.tint * picture.MIRED_PER_LOG)
                for z in world.relights_of("lighting/colour_temperature")
            )
        )
        key = pairs.least(
            *(np.abs(z.key_stops[:, 0]) for z in world.relights_of("lighting/key_side"))
        )
        contrast = self._contrast(world)
        made = [
            ("level", "stops", level, FLOOR_STOPS, light),
            ("colour_temperature", "mired", mired, FLOOR_MIRED, light),
            ("key_side", "stops", key, FLOOR_STOPS, np.ones(world.count, bool)),
            ("contrast", "stops", contrast, FLOOR_CONTRAST_STOPS, light),
        ]
        busy = {"key_side": self._busy(world)}
        wider = {"colour_temperature": pairs.of_cast(world)}
        out = [
            batch(
                world, f"lighting/{name}", "consensus", "stops" if unit == "stops" else "mired",
                magnitude,
                np.hypot(
                    consensus.scale(magnitude, world.eras(f"lighting/{name}", world.group), floor)
                    * busy.get(name, 1.0),
                    wider.get(name, 0.0),
                ),
                votes=votes, default_reason=_NO_GROUP,
            )
            for name, unit, magnitude, floor, votes in made
        ]  # fmt: skip
        bands = world.bands[:, :, 0]
        return [
            *out,
            *self._with_mate(world),
            *self._nearby(world),
            pairs.one_shot(world, "lighting/balance", "anchor", bands, pairs.band_distance),
            pairs.one_shot(world, "lighting/balance", "neighbour", bands, pairs.band_distance),
        ]

    def _busy(self, world: World) -> F64:
        """(N,) at least 1: how much less of the picture a slope of light explains than is usual.

        A lamp that moves leaves the set where it was. Someone who walks through the picture makes
        a slope too, and leaves most of the difference unexplained: more than clean shots leave, and
        more than the slope is itself, for a lamp that moved far is no perfect slope either.
        """
        whole = world.relights_of("lighting/key_side")[0]
        left = whole.residual
        usual = float(np.nanmedian(left)) if np.isfinite(left).any() else 1.0
        # Rms over the picture of a slope from one side to the other, in natural log.
        explained = np.abs(whole.key_stops[:, 0]) * picture.STOP / np.sqrt(12.0)
        share: F64 = left / np.maximum(np.hypot(usual, explained), 1e-6)
        return np.asarray(np.nan_to_num(np.maximum(share, 1.0), nan=1.0))

    def _with_mate(self, world: World) -> list[Batch]:
        pair, light = world.mate_relight, ~world.bent_from_mate & ~world.seen_nearby
        mired = np.hypot(pair.mired, pair.tint * picture.MIRED_PER_LOG)
        return [
            pairs.with_mate(world, "lighting/level", "stops", np.abs(pair.level_stops), light),
            pairs.with_mate(world, "lighting/colour_temperature", "mired", mired, light),
            pairs.with_mate(
                world,
                "lighting/key_side",
                "stops",
                np.abs(pair.key_stops[:, 0]),
                ~world.seen_nearby,
            ),
        ]

    def _nearby(self, world: World) -> list[Batch]:
        """Shots without a consensus against the shots of their scene that look most like them."""
        near = world.nearby
        made: list[tuple[str, Unit, F64, float]] = [
            ("level", "stops", np.abs(near.level_stops), FLOOR_STOPS),
            (
                "colour_temperature",
                "mired",
                np.hypot(near.mired, near.tint * picture.MIRED_PER_LOG),
                FLOOR_MIRED,
            ),
            ("key_side", "stops", np.abs(near.key_stops), 2 * FLOOR_STOPS),
        ]
        return [
            batch(
                world, f"lighting/{name}", "consensus", unit, magnitude,
                np.hypot(near.spread[:, column], floor), kind=f"lighting/{name}_nearby",
                votes=world.seen_nearby, applies=world.seen_nearby,
                usual=np.ones(world.count, bool),
            )
            for column, (name, unit, magnitude, floor) in enumerate(made)
        ]  # fmt: skip

    def _contrast(self, world: World) -> F64:
        values = world.light[:, 0, 3:4].astype(np.float64)
        group = world.eras("lighting/contrast", world.group)
        return np.abs(values - consensus.medians(values, group))[:, 0]

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """The light in words, and what to ask for."""
        part = batch.attribute.split("/")[1]
        if part == "balance":
            other = int(batch.other[shot])
            this, reference = _exposure(world, shot), _exposure(world, other)
            return Explanation(
                this=Measured(f"mean level {this:+.2f} stops"),
                reference=Measured(f"mean level {reference:+.2f} stops"),
                remedy=f"Relight, or grade the light by {reference - this:+.1f} stops, to match."
                if abs(reference - this) >= LEVEL_IS_OFF_STOPS
                else "Relight to match: the level is nearly right; shadows, lights or colour are "
                "not.",
            )
        if part == "contrast":
            contrast = float(world.light[shot, 0, 3])
            return Explanation(
                this=Measured(f"{contrast:.2f} stops between shadows and lights"),
                remedy="Match the fill: the ratio of shadows to lights differs from the set-up.",
            )
        stops, mired, tint, slope, usual = _light(world, batch, shot)
        if part == "key_side":
            brighter = "right" if slope > 0 else "left"
            return Explanation(
                this=Measured(f"{abs(slope):.2f} stops more light towards the {brighter}"),
                reference=Measured(f"{usual} key"),
                remedy=f"Move the key: this shot is lit {abs(slope):.1f} stops more from the "
                f"{brighter} than {usual} light.",
            )
        if part == "colour_temperature":
            if abs(tint) * picture.MIRED_PER_LOG > abs(mired):
                cast, away = ("green", "minus") if tint > 0 else ("magenta", "plus")
                return Explanation(
                    this=Measured(f"{abs(tint) / picture.STOP:.2f} stops more {cast}"),
                    reference=Measured(f"{usual} light"),
                    remedy=f"Take the {cast} out of the light ({away} green).",
                )
            word = "colder" if mired > 0 else "warmer"
            return Explanation(
                this=Measured(f"{abs(mired):.0f} mired {word}"),
                reference=Measured(f"{usual} light"),
                remedy=f"Warm the light by {mired:.0f} mired."
                if mired > 0
                else f"Cool the light by {-mired:.0f} mired.",
            )
        return Explanation(
            this=Measured(f"{stops:+.2f} stops"), reference=Measured(f"{usual} level"),
            remedy=f"Change the level by {-stops:+.1f} stops.",
        )  # fmt: skip


def _light(world: World, batch: Batch, shot: int) -> tuple[float, float, float, float, str]:
    """Level (stops), mired, tint and slope of light (stops) against whom `batch` compares with, and
    whose light that is.
    """
    if batch.kind.endswith("_nearby"):
        near = world.nearby
        values = (near.level_stops[shot], near.mired[shot], near.tint[shot], near.key_stops[shot])
        return *(float(v) for v in values), "the scene's"  # type: ignore[return-value]
    agreed = batch.against == "consensus"
    whole = world.relights_of(batch.attribute)[0] if agreed else world.mate_relight
    return (
        float(whole.level_stops[shot]), float(whole.mired[shot]), float(whole.tint[shot]),
        float(whole.key_stops[shot, 0]), "the set-up's" if agreed else "the set-up's first shot's",
    )  # fmt: skip


def _exposure(world: World, shot: int) -> float:
    """Mean light of the frame in stops below display white."""
    lightness = float(world.bands[shot, 0, 0, :, 0].mean())
    return float(np.log2(max(((lightness + 16) / 116) ** 3, 1e-4)))


CHECK = Lighting()
