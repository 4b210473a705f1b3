"""A bench shot: everything that decides its frames and sound, and the frames and sound themselves.

A `Shot` is plain values, so its digest keys what was measured from it. `render` makes its `Sample`,
as decoding would: six frames of which the first and last two are the shot's ends.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import av
import numpy as np

from bench import footage, nuisance, plant
from bench.nuisance import F32, F64, U8, Framing, Light
from bench.plant import Drift
from filmgate.measure.sample import Frame, Sample, Sound

VERSION: Final = "shots 1"
"""Raise it when the same `Shot` gives other frames or sound."""
FRAMES: Final = 6
RATE: Final = 30
SOUND_S: Final = 4.0
"""Sound per shot, seconds; the takes themselves are silent, so it does not follow their length."""


@dataclass(frozen=True, slots=True)
class Bed:
    """The sound of a shot.

    Attributes:
        source: "previz:<kind>:<seed>" (room tone), or the name of a film's sound (`FILM_SOUND`).
        seed: of the noise; start_s: where in a film's sound; gain_db: loudness against the bed's.
    """

    source: str
    seed: int = 0
    start_s: float = 0.0
    gain_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Shot:
    """One shot.

    Attributes:
        source: "intel:<take>", "film:<name>", "previz:<ShotSpec as JSON>", or "file:<path in the
            footage>", which the product decodes itself.
        picks: positions of its frames among the kept frames of the source.
        framing, light, drift, bed: what is done to it; None means nothing and no sound.
        level: nuisance level; scene, setup, person: whose it is, for grouping results.
        video: whether it goes through a real H.264 encode instead of JPEG.
    """

    source: str
    picks: tuple[int, ...]
    framing: Framing
    light: Light
    drift: Drift | None
    bed: Bed | None
    level: str = "strong"
    scene: int = 0
    setup: str = ""
    person: str = ""
    video: bool = False

    def digest(self) -> str:
        """Hex digest of all that decides frames and sound."""
        told = dataclasses.asdict(self)
        for name in ("scene", "setup", "person", "level"):
            told.pop(name)
        text = json.dumps([VERSION, footage.VERSION, told], sort_keys=True)
        if self.source.startswith("previz:"):
            text += renderer_digest("*.py")
        elif self.bed and self.bed.source.startswith("previz:"):
            text += renderer_digest("soundtrack.py")
        return hashlib.sha256(text.encode()).hexdigest()


FILM: Final = {
    "city": ("shots/tos_battle/shot_14.mp4", 0.0, 9.0),
    "tower": ("shots/tos_battle/shot_04.mp4", 0.0, 1.2),
    "door": ("shots/sa_dog/shot_01.mp4", 0.0, 9.0),
    "rug": ("shots/sa_dog/shot_03.mp4", 0.0, 9.0),
    "meadow": ("originals/moviepy_media/big_buck_bunny_0_30.webm", 8.0, 10.0),
    "stream": ("originals/moviepy_media/big_buck_bunny_0_30.webm", 12.0, 15.0),
}
"""Real shots that show no person: file in the footage, seconds. A dog is in two of them. Tears of
Steel's nave is left out: it explodes."""
FILM_SOUND: Final = {
    "battle": "originals/mdn_assets/videos/tears-of-steel-battle-clip-medium.webm",
    "bunny": "originals/moviepy_media/big_buck_bunny_0_30.webm",
    "nasa": "originals/torchcodec/test/resources/nasa_13013.mp4",
}
FILM_SIZE: Final = (640, 360)


@lru_cache(maxsize=2)
def renderer_digest(which: str) -> str:
    """Digest of the previz renderer's source: its pictures and sounds change with it."""
    folder = footage.REPOSITORY / "src" / "filmgate" / "models" / "animatic"
    texts = [p.read_bytes() for p in sorted(folder.glob(which))]
    return hashlib.sha256(b"\0".join(texts)).hexdigest()[:16]


def film_frames(name: str) -> U8:
    """Kept frames of a person-free film shot, every second one."""
    relative, start_s, end_s = FILM[name]
    folder = footage.shared()
    assert folder is not None
    path = folder / "footage" / relative
    found: U8 = footage.kept(f"film-{name}", lambda: footage.decoded(path, start_s, end_s, 2))
    return found


@lru_cache(maxsize=64)
def base_colour(take: str) -> tuple[float, ...]:
    """Lab of the garment in a clean take: the median over five of its frames."""
    frames, masks = footage.frames(take), footage.masks(take)
    spots = np.linspace(0, len(frames) - 1, 5).astype(int)
    return tuple(np.median([plant.garment_lab(frames[i], masks[i]) for i in spots], axis=0))


def pictures(shot: Shot) -> list[U8]:
    """The shot's frames before any encode."""
    kind, _, name = shot.source.partition(":")
    if kind == "previz":
        return _previz_pictures(shot, name)
    stack = footage.frames(name) if kind == "intel" else film_frames(name)
    size = nuisance.SIZE if kind == "intel" else FILM_SIZE
    count = len(shot.picks)
    return [
        _picture(shot, name, np.asarray(stack[pick]), pick, size, i / max(count - 1, 1))
        for i, pick in enumerate(shot.picks)
    ]


def _picture(shot: Shot, take: str, rgb: U8, pick: int, size: tuple[int, int], part: float) -> U8:
    drift, light, framing = shot.drift, shot.light, shot.framing
    kind = drift.kind if drift else ""
    size_now = (drift.size if drift else 0.0) * (part if kind.startswith("in_shot") else 1.0)
    if kind == "horizon":
        framing = dataclasses.replace(framing, roll_deg=framing.roll_deg + size_now)
    if kind == "key_side":
        light = light.flipped()
    if kind in ("level", "in_shot_light"):
        light = dataclasses.replace(light, stops=light.stops + size_now)
    if kind == "cct":
        light = dataclasses.replace(light, mired=light.mired + size_now)
    cut = nuisance.window(rgb, framing, size)
    if kind in ("wardrobe", "in_shot_wardrobe"):
        assert drift is not None
        mask = nuisance.window(np.asarray(footage.masks(take)[pick]), framing, size)
        offset = _offset(take, drift)
        linear = plant.recoloured(cut, mask, offset, part if kind != "wardrobe" else 1.0)
    else:
        linear = nuisance.linear_of(cut)
    out = nuisance.display(nuisance.shine(linear, light), light.gamma, light.saturation)
    if kind in ("grade", "in_shot_grade"):
        out = plant.regraded(out, size_now)
    return np.ascontiguousarray(out[:, ::-1]) if kind == "mirror" else out


@lru_cache(maxsize=4096)
def _offset(take: str, drift: Drift) -> F64:
    return plant.recolour_vector(np.array(base_colour(take)), drift)


PREVIZ_KINDS: Final = {
    "level": ("lighting_level", "stops"), "cct": ("lighting_cct", "mired"),
    "key_side": ("key_side", "flip"), "mirror": ("mirror", "flip"), "horizon": ("horizon", "deg"),
    "camera_height": ("camera_height", "m"), "set_layout": ("set_layout", "m"),
    "loudness": ("loudness", "lu"), "room_tone": ("room_tone", "kind"),
    "wardrobe": ("wardrobe", "de00"), "in_shot_wardrobe": ("in_shot", "de00"),
    "in_shot_light": ("in_shot", "stops"),
}  # fmt: skip


def previz_spec(shot: Shot) -> Any:
    """The previz shot with its drift planted where the renderer plants it."""
    from filmgate.models.generators import previz

    spec = previz.ShotSpec.from_json(shot.source.partition(":")[2])
    if shot.drift and shot.drift.kind in PREVIZ_KINDS:
        kind, unit = PREVIZ_KINDS[shot.drift.kind]
        spec = previz.apply(spec, previz.Drift(kind, shot.drift.size, unit))  # type: ignore[arg-type]
    return spec


def _previz_pictures(shot: Shot, _: str) -> list[U8]:
    from filmgate.models.generators import previz

    out = [np.asarray(p, dtype=np.uint8) for p in previz.frames(previz_spec(shot))]
    if shot.drift and shot.drift.kind == "grade":
        out = [plant.regraded(p, shot.drift.size) for p in out]
    return out


def render(shot: Shot, folder: Path | None = None) -> Sample:
    """The sampled shot. `folder` is where a shot with `video` puts its file for a moment."""
    if shot.video:
        assert folder is not None
        return _through_video(shot, folder)
    if shot.source.startswith("file:"):
        return _of_file(shot)
    made = pictures(shot)
    previz = shot.source.startswith("previz:")
    step = 8 if previz else footage.EVERY
    frames = tuple(
        Frame(p * step, p * step / RATE, rgb if previz else nuisance.finish(rgb))
        for p, rgb in zip(shot.picks, made, strict=True)
    )
    sound = sound_of(shot)
    return Sample(
        frames=frames, sound=sound, sound_note=None if sound else "no sound track",
        rate=Fraction(RATE), in_frame=frames[0].index, out_frame=frames[-1].index + 1,
    )  # fmt: skip


def _of_file(shot: Shot) -> Sample:
    """A whole file as the product samples it; relit and encoded again where the shot says so."""
    from filmgate.measure import decode

    folder = footage.shared()
    assert folder is not None
    sample = decode.sample(folder / "footage" / shot.source.partition(":")[2])
    if shot.light == Light() and shot.framing == Framing():
        return sample
    frames = []
    for frame in sample.frames:
        height, width = frame.rgb.shape[:2]
        cut = nuisance.window(frame.rgb, shot.framing, (width, height))
        lit = nuisance.shine(nuisance.linear_of(cut), shot.light)
        made = nuisance.display(lit, shot.light.gamma, shot.light.saturation)
        frames.append(dataclasses.replace(frame, rgb=nuisance.finish(made)))
    return dataclasses.replace(sample, frames=tuple(frames))


def _through_video(shot: Shot, folder: Path) -> Sample:
    """The same through x264 (crf 21) and the product's own decoder."""
    from filmgate.measure import decode

    first, last = shot.picks[0], shot.picks[-1]
    whole = dataclasses.replace(shot, picks=tuple(range(first, last + 1)))
    path = folder / f"{shot.digest()[:24]}.mp4"
    try:
        write_video(path, pictures(whole), RATE // footage.EVERY, sound_of(shot))
        return decode.sample(path, count=FRAMES)
    finally:
        path.unlink(missing_ok=True)


def write_video(path: Path, made: list[U8], rate: int, sound: Sound | None) -> None:
    """H.264 with BT.709 tags and AAC, by the project's own writer."""
    from filmgate.models.animatic.encode import write

    mono = sound.samples.mean(axis=1) if sound else np.zeros(0, np.float32)
    height, width = made[0].shape[:2]
    write(path, iter(made), mono.astype(np.float32), size=(width, height), rate=rate, crf=21.0,
          bit_rate=None, gop=24, preset="veryfast")  # fmt: skip


def sound_of(shot: Shot) -> Sound | None:
    """Sound of the shot with its drift planted: a change of level, or another room tone."""
    if shot.source.startswith("previz:"):
        from filmgate.models.generators import previz

        return Sound(np.asarray(previz.audio(previz_spec(shot)), dtype=np.float32)[:, None])
    if shot.bed is None:
        return None
    drift, bed = shot.drift, shot.bed
    if drift and drift.kind == "room_tone":
        bed = dataclasses.replace(bed, source=_other_bed(bed.source))
    gain = bed.gain_db + (drift.size if drift and drift.kind == "loudness" else 0.0)
    made = _bed_sound(bed)
    return Sound(np.clip(made * 10 ** (gain / 20), -1, 1).astype(np.float32))


def _other_bed(source: str) -> str:
    if not source.startswith("previz:"):
        names = list(FILM_SOUND)
        return names[(names.index(source) + 1) % len(names)]
    from filmgate.models.animatic.spec import TONES

    _, kind, seed = source.split(":")
    return f"previz:{TONES[(TONES.index(kind) + 1) % len(TONES)]}:{int(seed) + 1}"


def _bed_sound(bed: Bed) -> F32:
    """(n, channels) float32 at 48 kHz; beds are brought to one loudness so a swap changes the
    tone, not the level."""
    count = int(SOUND_S * 48_000)
    if bed.source.startswith("previz:"):
        from filmgate.models.generators import previz

        _, kind, seed = bed.source.split(":")
        tone = previz.SoundSpec(kind, int(seed), -34.0)  # type: ignore[arg-type]
        spec = previz.ShotSpec(sound=tone, frames=int(SOUND_S * 24), rate=24, seed=bed.seed)
        return np.asarray(previz.audio(spec), dtype=np.float32)[:, None]
    whole = film_sound(bed.source)
    start = int(bed.start_s * 48_000) % max(1, len(whole) - count)
    return np.asarray(whole[start : start + count], dtype=np.float32)


def film_sound(name: str) -> F32:
    """(n, 2) the sound of a film at 48 kHz."""
    folder = footage.shared()
    assert folder is not None
    path = folder / "footage" / FILM_SOUND[name]
    return np.asarray(footage.kept(f"sound-{name}", lambda: _decoded_sound(path)))


def _decoded_sound(path: Path) -> F32:
    resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48_000)
    blocks: list[F32] = []
    with av.open(str(path)) as box:
        for frame in box.decode(audio=0):
            blocks += [np.asarray(f.to_ndarray(), np.float32) for f in resampler.resample(frame)]
    return np.concatenate(blocks, axis=1).T
