"""Sound: loudness by EBU R128 and the room tone, against the scene.

Loudness differences of 1 LU are the tolerance of programme delivery (EBU R128 s1); what a scene
itself varies by is measured. Room tone is the third-octave spectrum of the quietest windows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus, grouping, pairs
from filmgate.continuity.check import Batch, Explanation, batch
from filmgate.continuity.world import World, once
from filmgate.schema.report import Measured

F64 = NDArray[np.float64]

FLOOR_LU = 0.5
FLOOR_TONE_DB = 1.0
STEADY_DB = 2.0
"""Nine in ten room tones without music or speech differ less than this between the two halves of a
shot (1.9 dB at 4 s); the sound of two films differs by 4 to 19."""
_DB_PER_LOG = 8.7


class Sound:
    """LU of loudness and dB (rms over third octaves) of room tone."""

    name = "sound"

    def compare(self, world: World) -> list[Batch]:
        loudness, tone, reasons = world.heard
        places = _places(world)
        scene = world.eras("sound/loudness", places)
        ground = world.eras("sound/room_tone", places)
        level = np.abs(loudness - consensus.medians(loudness, scene))[:, 0]
        middle = consensus.medians(tone, ground)
        colour = np.sqrt(np.mean((tone - middle) ** 2, axis=1))
        out = []
        for name, unit, magnitude, floor, values in (
            ("loudness", "lu", level, FLOOR_LU, loudness),
            ("room_tone", "db", colour, FLOOR_TONE_DB, tone),
        ):
            silent = {i: r for i, r in reasons.items() if not np.isfinite(values[i]).all()}
            out.append(
                batch(
                    world, f"sound/{name}", "consensus", "lu" if unit == "lu" else "db", magnitude,
                    consensus.scale(magnitude, scene if name == "loudness" else ground, floor),
                    reasons=silent,
                    default_reason="fewer than two other shots of the scene have sound",
                )
            )  # fmt: skip
            for against in ("anchor", "neighbour"):
                out.append(self._pair(world, name, unit, values, against, magnitude, silent))
        return out

    def _pair(
        self, world: World, name: str, unit: str, values: F64, against: str, agreed: F64,
        reasons: dict[int, str],
    ) -> Batch:  # fmt: skip
        other = _opening(world, values) if against == "anchor" else world.previous
        difference = values - pairs.gather(values, other)
        magnitude = np.sqrt(np.mean(difference**2, axis=1))
        scale = np.ones(world.count)
        if name == "room_tone":
            unlike = _unlike_itself(world)
            scale = np.fmax(unlike, np.where(other >= 0, unlike[other], 1.0))
        return batch(
            world, f"sound/{name}", "anchor" if against == "anchor" else "neighbour",
            "lu" if unit == "lu" else "db", magnitude, scale, other=other, reasons=reasons,
            votes=(~np.isfinite(agreed) if against == "anchor" else np.zeros(world.count, bool)),
            applies=other >= 0, default_reason="the other shot has no sound",
        )  # fmt: skip

    def explain(self, world: World, batch: Batch, shot: int) -> Explanation:
        """Level and gain to apply, or which third octave stands out."""
        loudness, tone, _ = world.heard
        other = int(batch.other[shot])
        places = world.eras(batch.attribute, _places(world))
        scene = places == places[shot]
        scene[shot] = False
        values = loudness if batch.attribute.endswith("loudness") else tone
        reference = values[other] if other >= 0 else np.nanmedian(values[scene], axis=0)
        if batch.attribute.endswith("loudness"):
            gain = float(reference[0] - values[shot, 0])
            return Explanation(
                this=Measured(f"{values[shot, 0]:.1f} LUFS"),
                reference=Measured(f"{reference[0]:.1f} LUFS"),
                remedy=f"Change the level by {gain:+.1f} dB.",
            )
        off = tone[shot] - reference
        worst = int(np.argmax(np.abs(off)))
        centre = 50.0 * 2 ** (worst / 3)
        return Explanation(
            this=Measured(f"{off[worst]:+.1f} dB at {centre:.0f} Hz"),
            reference=Measured("the scene's room tone"),
            remedy="Lay the scene's room tone under this shot, or equalise around "
            f"{centre:.0f} Hz.",
        )


def _opening(world: World, values: F64) -> NDArray[np.int64]:
    """(N,) the first shot of the chapter that can be heard; -1 for that shot and those before."""
    out = np.full(world.count, -1)
    first: dict[int, int] = {}
    for i in np.flatnonzero(world.measured):
        chapter = int(world.chapter[i])
        if chapter in first:
            out[i] = first[chapter]
        elif np.isfinite(values[i]).all():
            first[chapter] = int(i)
    return out


@once
def _unlike_itself(world: World) -> F64:
    """(N,) at least 1: how much less like itself the quiet of a shot is than a room's.

    Where music or speech never pauses, the quietest windows are not the room: they differ between
    the shot's own halves as much as from another shot.
    """
    spread = np.full(world.count, 2 * STEADY_DB)
    for i, signature in enumerate(world.signatures):
        sound = signature.sound if signature is not None else None
        if sound is not None and sound.room_spread_db is not None:
            spread[i] = sound.room_spread_db
    return np.asarray(np.maximum(spread / STEADY_DB, 1.0))


@once
def _places(world: World) -> NDArray[np.int64]:
    """(N,) chapters, divided where the sound changes for good: a new place that looks like the old
    one. A single odd shot does not divide.
    """
    out = np.full(world.count, -1)
    loudness, tone, _ = world.heard
    values = np.concatenate([loudness, tone], axis=1) / _DB_PER_LOG
    number = 0
    for chapter in range(int(world.chapter.max(initial=-1)) + 1):
        for part in grouping.divided(np.flatnonzero(world.chapter == chapter), values):
            out[part] = number
            number += 1
    return out


CHECK = Sound()
