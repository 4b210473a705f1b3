"""How much a comparison may differ by where what is compared is less certain."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import numpy as np
import pytest

from filmgate.continuity import picture
from filmgate.continuity.check import Batch
from filmgate.continuity.checks import in_shot, sound
from filmgate.schema.signature import Signature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged


def room_tone(*spread_db: float | None) -> Batch:
    """Room tone against the first shot, of shots whose two halves differ by so much."""
    made = []
    for one, spread in zip(staged.clean(len(spread_db)), spread_db, strict=True):
        assert isinstance(one, Signature)
        assert one.sound is not None
        heard = dataclasses.replace(one.sound, room_spread_db=spread)
        made.append(dataclasses.replace(one, sound=heard))
    return next(
        b for b in sound.CHECK.compare(staged.world(list(made)))
        if b.kind == "sound/room_tone" and b.against == "anchor"
    )  # fmt: skip


def test_where_music_never_pauses_the_room_tone_may_differ() -> None:
    usual = sound.STEADY_DB
    found = room_tone(usual, usual / 2, 3 * usual, usual)
    assert found.other[1:].tolist() == [0, 0, 0]
    np.testing.assert_allclose(found.scale[1:], [1.0, 3.0, 1.0])


def test_the_shot_compared_with_counts_as_well() -> None:
    usual = sound.STEADY_DB
    np.testing.assert_allclose(room_tone(4 * usual, usual, usual).scale[1:], [4.0, 4.0])


def test_too_short_to_tell_is_not_taken_for_certain() -> None:
    assert room_tone(sound.STEADY_DB, None, None).scale[1] == pytest.approx(2.0)


def light_inside(*residual: float) -> Batch:
    """The change of light inside shots of whose picture so much is left unexplained."""
    n, zero = len(residual), np.zeros(len(residual))
    told = picture.Relight(
        level_stops=np.full(n, 0.1), mired=zero, tint=zero, cast_mired=zero,
        key_stops=np.zeros((n, 2)), gamma=zero, saturation=zero, gain_rms=np.full(n, 0.07),
        bend_rms=zero, residual=np.array(residual),
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(picture, "relight_pairs", lambda *_: told)
        made = in_shot.CHECK.compare(staged.world(staged.clean(n)))
    return next(b for b in made if b.attribute == "in_shot/light")


def test_a_picture_that_moves_may_change_more_in_light() -> None:
    quiet = in_shot.QUIET
    scale = light_inside(0.0, quiet / 2, quiet, 2 * quiet, 6 * quiet, 0.0).scale
    np.testing.assert_allclose(scale[:3], scale[0])
    assert 1.5 < scale[3] / scale[0] < 2.0, "twice, less what so much light leaves itself"
    assert scale[4] / scale[3] == pytest.approx(3.0)
