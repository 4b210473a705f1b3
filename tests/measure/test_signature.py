"""From pixels and sound to numbers: against numpy, pyloudnorm and EBU, and through the store."""

from __future__ import annotations

import dataclasses
import json
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from filmgate.errors import MeasurementError
from filmgate.measure import sound as sound_of
from filmgate.measure import tones
from filmgate.measure.colour import srgb_to_lab
from filmgate.measure.decode import sample as decoded
from filmgate.measure.extractor import Extraction, Person
from filmgate.measure.sample import Frame, Sample, Sound
from filmgate.measure.signature import measure
from filmgate.schema.signature import QUANTILES, Signature, SoundSignature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import media

U8 = NDArray[np.uint8]
RATE = 48_000


class Seen:
    """An extractor with a fixed answer."""

    identity = "test eyes"

    def __init__(self, *people: Person, masked: bool = False, frames: int | None = None) -> None:
        self._people, self._masked, self._frames = people, masked, frames

    def extract(self, sample: Sample, media: str) -> Extraction:
        del media
        looked = sample.frames[: self._frames]
        return Extraction(people={f.index: self._people for f in looked}, masked=self._masked)


def sample(*pictures: U8, sound: Sound | None = None, note: str | None = "no sound") -> Sample:
    frames = tuple(Frame(10 + i, i / 24, p) for i, p in enumerate(pictures))
    return Sample(frames, sound, note, Fraction(24), 10, 10 + len(frames))


def tone(seconds: float, dbfs: float, hz: float = 1000, channels: int = 2) -> Sound:
    """A sine whose peak is at `dbfs`, the same in all channels."""
    wave = 10 ** (dbfs / 20) * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)
    return Sound(np.repeat(wave[:, None], channels, axis=1).astype(np.float32))


def equal(one: Any, two: Any, rtol: float) -> None:
    """Field by field, arrays within `rtol`, everything else the same."""
    assert type(one) is type(two)
    if dataclasses.is_dataclass(one):
        for item in dataclasses.fields(one):
            equal(getattr(one, item.name), getattr(two, item.name), rtol)
    elif isinstance(one, np.ndarray):
        assert one.dtype == two.dtype
        assert one.shape == two.shape
        np.testing.assert_allclose(one, two, rtol=rtol, atol=1e-4)
    elif isinstance(one, tuple):
        assert len(one) == len(two)
        for a, b in zip(one, two, strict=True):
            equal(a, b, rtol)
    else:
        assert one == two


def someone(box: tuple[float, float, float, float], mask: U8 | None = None) -> Person:
    x, y, w, h = box
    face = (x + 0.3 * w, y, 0.4 * w, 0.25 * h)
    return Person(face=face, body=box, mask=mask, confidence=0.9)


def rich() -> Signature:
    pictures = media.moving(5)
    mask = np.zeros(pictures[0].shape[:2], np.uint8)
    mask[40:, 100:200] = 255
    person = someone((100 / 320, 40 / 180, 100 / 320, 140 / 180), mask)
    taken = sample(*pictures, sound=tone(1.0, -20), note=None)
    return measure(taken, "a.mp4", [Seen(person, masked=True)])


# ---------------------------------------------------------------------- through the store


def test_packed_and_unpacked_it_is_the_same() -> None:
    made = dataclasses.replace(rich(), attributes=(("world/cup", "red", None, 0.5),), notes=("n",))
    assert made.people
    assert made.sound is not None
    back = Signature.from_bytes(made.to_bytes())
    equal(back, made, rtol=2**-10)
    assert back.to_bytes() == made.to_bytes(), "a second trip changes nothing"
    assert len(made.to_bytes()) < 100_000


def test_a_damaged_block_is_a_value_error() -> None:
    packed = rich().to_bytes()
    for size in [*range(200), *range(200, len(packed), 997), len(packed) - 1]:
        with pytest.raises(ValueError):
            Signature.from_bytes(packed[:size])
    for body in (b"[1]", b'{"c": "Other", "v": {}}', b'{"c": "Signature", "v": {}}', b'{"t": []}'):
        with pytest.raises(ValueError, match="damaged"):
            Signature.from_bytes(len(body).to_bytes(4, "little") + body)


def test_the_header_is_json_that_says_what_it_holds() -> None:
    packed = rich().to_bytes()
    size = int.from_bytes(packed[:4], "little")
    header = json.loads(packed[4 : 4 + size])
    assert set(header["v"]) == {f.name for f in dataclasses.fields(Signature)}


# ---------------------------------------------------------------------- pictures


def test_quantiles_are_those_of_numpy() -> None:
    rng = np.random.default_rng(4)
    picture = np.clip(rng.normal(120, 40, (90, 160, 3)), 0, 255).astype(np.uint8)
    made = measure(sample(picture), "a.mp4", [])
    expected = np.quantile(picture.reshape(-1, 3), QUANTILES, axis=0) / 255
    # One code value: counting in 256 bins cannot be finer.
    np.testing.assert_allclose(made.tone[0, 0], expected, atol=1 / 255)


def test_tonal_bands_are_means_of_fifths_by_lightness() -> None:
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (90, 160, 3), dtype=np.uint8)
    made = measure(sample(picture), "a.mp4", [])
    lab = srgb_to_lab(picture.reshape(-1, 3) / 255.0)
    fifths = np.array_split(lab[np.argsort(lab[:, 0])], 5)
    expected = np.stack([part.mean(axis=0) for part in fifths])
    np.testing.assert_allclose(made.bands[0, 0], expected, atol=0.5)


def test_a_flat_patch_reads_as_itself() -> None:
    made = measure(sample(np.full((90, 160, 3), (200, 100, 50), np.uint8)), "a.mp4", [])
    flat = np.broadcast_to(np.array((200, 100, 50)) / 255, (19, 3))
    np.testing.assert_allclose(made.tone[0, 0], flat, atol=1e-6)
    assert made.palette[0].sum() == pytest.approx(1)
    assert (made.palette[0] > 0).sum() == 1


def test_large_pictures_are_averaged_first() -> None:
    """Grain must not widen the quantiles."""
    rng = np.random.default_rng(6)
    grainy = np.clip(rng.normal(128, 30, (360, 640, 3)), 0, 255).astype(np.uint8)
    assert tones.small(grainy).shape == (90, 160, 3)
    spread = np.ptp(measure(sample(grainy), "a.mp4", []).tone[0, 0], axis=0)
    assert (spread < 0.45 * np.ptp(np.quantile(grainy, QUANTILES) / 255)).all()


def test_zones_are_the_first_and_the_last_two_frames() -> None:
    levels = (10, 20, 100, 100, 200, 210)
    pictures = [np.full((90, 160, 3), v, np.uint8) for v in levels]
    tone_of = measure(sample(*pictures), "a.mp4", []).tone[:, 0, :, 0] * 255
    assert (tone_of[1].min(), tone_of[1].max()) == pytest.approx((10, 20), abs=0.5)
    assert (tone_of[2].min(), tone_of[2].max()) == pytest.approx((200, 210), abs=0.5)
    assert tone_of[0].min() < 20 < 200 < tone_of[0].max()


def test_one_frame_is_enough() -> None:
    made = measure(sample(media.picture()), "a.mp4", [])
    assert made.frames.tolist() == [10]
    assert made.series.shape == (1, 7)
    for zone in (1, 2):
        np.testing.assert_array_equal(made.tone[zone], made.tone[0])
        np.testing.assert_array_equal(made.thumb[zone], made.thumb[0])
    assert np.isfinite(made.light).all()


def test_no_frame_is_an_error() -> None:
    with pytest.raises(MeasurementError, match=r"a\.mp4"):
        measure(sample(), "a.mp4", [])


# ---------------------------------------------------------------------- people


def test_without_a_person_the_background_is_the_frame() -> None:
    made = measure(sample(media.picture()), "a.mp4", [Seen()])
    assert made.people == ()
    assert made.looked
    assert not made.masked
    np.testing.assert_array_equal(made.tone[:, 1], made.tone[:, 0])
    assert made.region_weight[0].tolist() == [1, 1, 0]
    assert made.background is None
    assert made.background_weight is None
    assert not made.tone[:, 2].any()
    assert not measure(sample(media.picture()), "a.mp4", []).looked


def test_a_mask_parts_the_person_from_the_background() -> None:
    picture = np.full((180, 320, 3), (40, 90, 60), np.uint8)
    picture[:, 160:] = (220, 40, 40)
    mask = np.zeros((180, 320), np.uint8)
    mask[:, 160:] = 255
    person = someone((0.5, 0.0, 0.5, 1.0), mask)
    made = measure(sample(picture), "a.mp4", [Seen(person, masked=True)])
    assert made.masked
    middle = made.tone[0, :, 9] * 255
    assert middle[1] == pytest.approx((40, 90, 60), abs=1)
    assert middle[2] == pytest.approx((220, 40, 40), abs=1)
    assert made.region_weight[0] == pytest.approx((1, 0.5, 0.5), abs=0.02)
    assert made.background is not None
    assert made.background_weight is not None
    assert made.background_weight[0, :, 2].min() == pytest.approx(1)
    assert made.background_weight[0, :, -2].max() == pytest.approx(0)
    # Where the person hides the set, nothing of the person's colour may leak into the set.
    seen = made.background[0][made.background_weight[0] > 0.5]
    # The thumbnail shows the picture as it is, whoever was found in it.
    unseen = measure(sample(picture), "a.mp4", [])
    np.testing.assert_array_equal(made.thumb, unseen.thumb)
    np.testing.assert_array_equal(made.light, unseen.light)
    assert made.thumb[0, 12, 2].argmax() == 1
    assert made.thumb[0, 12, -2].argmax() == 0
    np.testing.assert_allclose(seen, np.broadcast_to(seen[0], seen.shape), atol=1e-3)


def test_a_frame_nobody_looked_at_counts_less_for_the_background() -> None:
    mask = np.zeros((180, 320), np.uint8)
    mask[:, 160:] = 255
    person = someone((0.5, 0.0, 0.5, 1.0), mask)
    eyes = Seen(person, masked=True, frames=1)
    made = measure(sample(*[media.picture()] * 2), "a.mp4", [eyes])
    assert made.background_weight is not None
    left, right = made.background_weight[0, :, 2], made.background_weight[0, :, -2]
    assert left == pytest.approx((1 + 0.2) / 2, abs=0.01)
    assert right == pytest.approx(0.2 / 2, abs=0.01)


def test_an_extractor_that_cannot_read_is_a_note() -> None:
    class Blind:
        identity = "blind"

        def extract(self, sample: Sample, media: str) -> Extraction:
            raise MeasurementError(f"'{media}' has a broken sidecar.")

    made = measure(sample(media.picture()), "a.mp4", [Blind()])
    assert made.notes == ("'a.mp4' has a broken sidecar.",)


def test_remuxing_changes_no_number(tmp_path: Path) -> None:
    first = media.write(tmp_path / "a.mp4", media.moving(30), tags=(1, 1, 1, 1), sound_s=1.25)
    one = measure(decoded(str(first)), str(first), [])
    copy = media.remux(first, tmp_path / "b.mkv")
    two = measure(decoded(str(copy)), str(copy), [])
    for name in ("tone", "bands", "palette", "thumb", "layout", "texture", "light"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name), err_msg=name)
    np.testing.assert_array_equal(one.frames, two.frames)


# ---------------------------------------------------------------------- sound


def measured(sound: Sound) -> SoundSignature:
    found = sound_of.measure(sound)
    assert not isinstance(found, str), found
    return found


@pytest.mark.parametrize("level_lufs", [-23.0, -33.0])
def test_the_reference_tone_of_ebu(level_lufs: float) -> None:
    """EBU Tech 3341, test signals 1 and 2: 1 kHz in both channels at x dBFS is x LUFS, ±0.1."""
    found = measured(tone(20, level_lufs))
    assert found.integrated_lufs == pytest.approx(level_lufs, abs=0.1)
    assert found.momentary_lufs == pytest.approx(level_lufs, abs=0.1)
    assert found.true_peak_dbtp == pytest.approx(level_lufs, abs=0.2)
    assert found.duration_s == 20


def test_quiet_passages_are_gated() -> None:
    """EBU Tech 3341, test signal 3: -36, -23 and -36 LUFS is -23, since the quiet is gated."""
    parts = [tone(s, level).samples for s, level in ((10, -36), (60, -23), (10, -36))]
    found = measured(Sound(np.concatenate(parts)))
    assert found.integrated_lufs == pytest.approx(-23, abs=0.1)


def test_loudness_is_that_of_pyloudnorm() -> None:
    rng = np.random.default_rng(8)
    noise = (0.05 * rng.normal(size=(4 * RATE, 2))).astype(np.float32)
    expected = pyloudnorm.Meter(RATE).integrated_loudness(noise.astype(np.float64))
    assert measured(Sound(noise)).integrated_lufs == pytest.approx(expected, abs=1e-6)


def test_a_peak_between_samples_is_found() -> None:
    """A sine at a quarter of the rate, 45 degrees off: its samples stay 3 dB under its peak."""
    n = np.arange(RATE)
    wave = 0.5 * np.sin(np.pi / 2 * n + np.pi / 4)
    found = measured(Sound(wave[:, None].astype(np.float32)))
    assert 20 * np.log10(np.abs(wave).max()) < -8.9
    assert found.true_peak_dbtp == pytest.approx(20 * np.log10(0.5), abs=0.2)


def test_the_room_tone_is_what_lies_under_the_noise() -> None:
    """Hum at 200 Hz under loud bursts at 4 kHz: the room tone is the hum."""
    n = np.arange(4 * RATE)
    hum = 0.01 * np.sin(2 * np.pi * 200 * n / RATE)
    burst = 0.3 * np.sin(2 * np.pi * 4000 * n / RATE) * ((n // (RATE // 2)) % 2)
    hiss = 1e-5 * np.random.default_rng(9).normal(size=len(n))
    found = measured(Sound((hum + burst + hiss)[:, None].astype(np.float32)))
    assert found.room_tone_db is not None
    assert found.room_level_db == pytest.approx(20 * np.log10(0.01 / np.sqrt(2)), abs=0.5)
    centres = 50 * 2 ** (np.arange(25) / 3)
    assert centres[int(np.argmax(found.room_tone_db))] == pytest.approx(200, rel=0.13)
    assert found.room_tone_db.mean() == pytest.approx(0, abs=1e-4)


def test_the_room_tone_does_not_depend_on_its_level() -> None:
    rng = np.random.default_rng(10)
    noise = rng.normal(size=(2 * RATE, 1)).astype(np.float32)
    one, two = measured(Sound(noise * 0.01)), measured(Sound(noise * 0.04))
    assert one.room_tone_db is not None
    assert two.room_tone_db is not None
    assert one.room_level_db is not None
    assert two.room_level_db is not None
    np.testing.assert_allclose(one.room_tone_db, two.room_tone_db, atol=0.01)
    assert two.room_level_db - one.room_level_db == pytest.approx(12.04, abs=0.01)


def test_a_room_is_like_itself_and_music_is_not() -> None:
    n, rng = np.arange(8 * RATE), np.random.default_rng(12)
    room = 0.01 * rng.normal(size=len(n))
    notes = np.array([220.0, 330.0, 262.0, 494.0, 392.0, 587.0, 740.0, 880.0])
    music = 0.05 * np.sin(2 * np.pi * np.cumsum(notes[n // RATE]) / RATE)
    heard, played = (
        measured(Sound(s[:, None].astype(np.float32))) for s in (room, 0.01 * room + music)
    )
    assert heard.room_spread_db is not None
    assert played.room_spread_db is not None
    assert heard.room_spread_db < 2.0
    assert played.room_spread_db > 4.0


def test_a_moment_of_sound_does_not_tell_how_like_itself_it_is() -> None:
    noise = 0.01 * np.random.default_rng(13).normal(size=(int(0.55 * RATE), 1))
    found = measured(Sound(noise.astype(np.float32)))
    assert found.room_tone_db is not None
    assert found.room_spread_db is None


@pytest.mark.parametrize(
    ("sound", "words"),
    [(tone(0.3, -20), "0.30 s of sound"), (Sound(np.zeros((RATE, 2), np.float32)), "silent")],
)
def test_too_little_sound_says_so(sound: Sound, words: str) -> None:
    made = measure(sample(media.picture(), sound=sound, note=None), "a.mp4", [])
    assert made.sound is None
    assert words in (made.sound_note or "")


def test_no_sound_says_why() -> None:
    made = measure(sample(media.picture(), note="the file has no sound"), "a.mp4", [])
    assert (made.sound, made.sound_note) == (None, "the file has no sound")
