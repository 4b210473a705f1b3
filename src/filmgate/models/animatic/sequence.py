"""A plausible edited sequence of shots, with drift planted where the truth says."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from filmgate.errors import UsageError
from filmgate.models.animatic.colour import NAMED, colour_of, de00, to_lab
from filmgate.models.animatic.drift import PERSON_KINDS, UNITS, Drift, apply, prominent
from filmgate.models.animatic.place import Place, build
from filmgate.models.animatic.shot import render
from filmgate.models.animatic.spec import (
    TONES,
    CameraSpec,
    LightSpec,
    PersonSpec,
    PlaceKind,
    PlaceSpec,
    ShotSpec,
    SoundSpec,
)

# Kinds of set that sequence() takes in turn.
ROOMS: tuple[PlaceKind, ...] = ("office", "flat", "workshop")
NAMES = ("Maya", "Jonas", "Ines", "Tariq", "Odile", "Bela", "Ruth", "Kenji")
# What sequence() plants unless told otherwise: plainly visible, not crude.
SIZES: dict[str, tuple[float, float]] = {
    "wardrobe": (8.0, 16.0), "grade": (1.0, 2.0), "lighting_level": (0.5, 1.0),
    "lighting_cct": (35.0, 70.0), "key_side": (1.0, 1.0), "mirror": (1.0, 1.0),
    "set_layout": (0.5, 0.9), "horizon": (2.0, 4.0), "camera_height": (0.25, 0.45),
    "identity": (1.0, 1.0), "loudness": (5.0, 10.0), "room_tone": (1.0, 3.0),
    "in_shot": (10.0, 16.0),
}  # fmt: skip
SIGNED = ("grade", "lighting_level", "lighting_cct", "horizon", "loudness")


@dataclass(frozen=True, slots=True)
class ShotFact:
    """What a shot shows: scene and set-up (from 0) and who is in it."""

    shot: int
    scene: int
    setup: int
    people: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What was planted where; kept apart from the shots."""

    seed: int
    drifts: tuple[Drift, ...]
    shots: tuple[ShotFact, ...]

    def to_json(self) -> str:
        """The truth as indented JSON."""
        return json.dumps(dataclasses.asdict(self), indent=1, sort_keys=True)


@dataclass(frozen=True, slots=True)
class _Setup:
    """A camera and who it shows."""

    camera: CameraSpec
    cast: tuple[int, ...]


def sequence(
    shots: int = 24, people: int = 2, *, setups: int = 6, scenes: int = 2,
    drifts: int | Sequence[str] = 0, kinds: Sequence[str] | None = None,
    sizes: Mapping[str, float] | None = None, seed: int = 0, frames: int = 48,
    size: tuple[int, int] = (640, 360), rate: int = 24,
) -> tuple[list[ShotSpec], Truth]:  # fmt: skip
    """Make a sequence and its truth.

    Args:
        shots: Number of shots.
        people: People in the story, 0..4; with 0 the shots are views of one place.
        setups: Camera set-ups per scene; they recur through the scene.
        scenes: Contiguous runs with a light, place and wardrobe of their own; with no people
            all scenes are in one place at different times of day.
        drifts: How many to plant (kinds taken in turn from ``kinds``), or their kinds.
        kinds: Kinds to choose from when ``drifts`` is a number; all that fit by default.
        sizes: Kind to size, instead of one drawn from :data:`SIZES`.
        seed: Same seed, same sequence.
        frames: Frames per shot.
        size: Width and height, px.
        rate: Frames per second.

    Returns:
        The shots in order, and what was planted.

    Raises:
        UsageError: A count or a kind makes no sense.
    """
    _check(shots, people, setups, scenes)
    rng = np.random.default_rng([seed, 71])
    clean: list[ShotSpec] = []
    facts: list[ShotFact] = []
    lengths = [len(part) for part in np.array_split(np.arange(shots), scenes)]
    first_place = int(rng.integers(len(ROOMS)))
    for scene, length in enumerate(lengths):
        kind = ROOMS[(first_place + (scene if people else 0)) % len(ROOMS)]
        place = PlaceSpec(kind, seed * 31 + (scene if people else 0))
        base = ShotSpec(place=place, light=_scene_light(rng, scene), frames=frames, rate=rate,
                        size=size, sound=_scene_sound(rng, place, people))  # fmt: skip
        cast = _cast(rng, build(place), people, seed)
        stands = (
            _story_setups(build(place), cast, setups)
            if people
            else _views(
                np.random.default_rng([seed, scene if people else 0, 73]), build(place), setups
            )
        )
        for index, setup in enumerate(_edit(rng, length, len(stands), bool(people))):
            shot = _shoot(rng, base, stands[setup], cast, part=index / max(length - 1, 1))
            number = len(clean)
            names = tuple(person.name for person in shot.people)
            facts.append(ShotFact(number, scene, setup, names))
            clean.append(dataclasses.replace(shot, seed=seed * 100_003 + number))
    planted = _plant(rng, clean, facts, drifts, kinds, sizes or {})
    for drift in planted:
        clean[drift.shot] = apply(clean[drift.shot], drift)
    return clean, Truth(seed, tuple(planted), tuple(facts))


def _check(shots: int, people: int, setups: int, scenes: int) -> None:
    limits = (("shots", shots, 1, 100_000), ("people", people, 0, 4), ("setups", setups, 1, 1000),
              ("scenes", scenes, 1, 100))  # fmt: skip
    for name, value, low, high in limits:
        if not low <= value <= high:
            raise UsageError(f"{name} is {value}, but must lie between {low} and {high}.")
    if scenes > shots:
        raise UsageError(f"{scenes} scenes need at least as many shots, not {shots}.")


def _scene_light(rng: np.random.Generator, scene: int) -> LightSpec:
    """A time of day; the key stays on one side of the axis for all usual set-ups."""
    side = 1 if rng.uniform() < 0.5 else -1
    return LightSpec(
        azimuth_deg=(180 + side * float(rng.uniform(48, 64))) % 360,
        elevation_deg=float(rng.uniform(28, 48)), distance_m=float(rng.uniform(3.6, 4.8)),
        cct_k=float(rng.uniform(4200, 6200)) * (0.8 if scene % 3 == 2 else 1.0),
        level_stops=float(rng.uniform(-0.25, 0.25)), fill=float(rng.uniform(0.35, 0.6)),
        lamps_stops=float(rng.uniform(-0.4, 0.2)),
    )  # fmt: skip


def _scene_sound(rng: np.random.Generator, place: PlaceSpec, people: int) -> SoundSpec:
    kind = TONES[int(rng.integers(len(TONES)))]
    level = float(rng.uniform(-40, -34))
    return SoundSpec(kind, place.seed, level, footsteps=False, voice=people > 0)


def _outfit(rng: np.random.Generator, taken: list[str]) -> dict[str, str]:
    """Clothes whose main colour is far from every one already worn in the scene."""
    names = [name for name in sorted(NAMED) if name not in ("black", "white")]
    far = [
        name for name in names
        if all(de00(to_lab(colour_of(name)), to_lab(colour_of(other))) > 18 for other in taken)
    ] or names  # fmt: skip
    main = far[int(rng.integers(len(far)))]
    taken.append(main)
    lower = ("charcoal", "denim", "navy", "brown", "black", "sand")[int(rng.integers(6))]
    outfit = {"trousers": lower, "shoes": ("black", "brown")[int(rng.integers(2))]}
    if rng.uniform() < 0.55:
        light = ("white", "cream", "sky", "grey")[int(rng.integers(4))]
        return {"jacket": main, "shirt": light, **outfit}
    return {"shirt": main, **outfit}


def _cast(rng: np.random.Generator, place: Place, count: int, seed: int) -> list[PersonSpec]:
    """The people of a scene on their marks, half turned to one another."""
    x, y = place.stage
    gap = 0.95
    taken: list[str] = []
    cast = []
    for index in range(count):
        offset = (index - (count - 1) / 2) * gap
        inward = math.copysign(22, offset) if offset else float(rng.uniform(-10, 10))
        cast.append(PersonSpec(
            name=NAMES[index], seed=seed * 17 + index * 5 + 1, wardrobe=_outfit(rng, taken),
            x_m=x + offset, y_m=y + (0.25 if index % 2 else 0.0),
            # Seen from the camera, who stands on the left looks to the right.
            facing_deg=180 + inward,
            gesture=float(rng.uniform(0.2, 0.7)) if index % 2 == 0 else 0.0,
        ))  # fmt: skip
    return cast


def _aim(x: float, y: float, at: tuple[float, float, float], height: float,
         lens: float, focus: bool = True) -> CameraSpec:  # fmt: skip
    """A camera at (x, y) that looks at the point ``at``."""
    far = math.hypot(at[0] - x, at[1] - y)
    return CameraSpec(
        x_m=x, y_m=y, height_m=height, pan_deg=math.degrees(math.atan2(at[0] - x, at[1] - y)),
        tilt_deg=math.degrees(math.atan2(at[2] - height, far)), lens_mm=lens,
        focus_m=far if focus else 0.0,
    )  # fmt: skip


def _story_setups(place: Place, cast: list[PersonSpec], count: int) -> list[_Setup]:
    """Wide, two-shot, mediums, closes, angles; more are variations of these."""
    x, y = place.stage
    everyone = tuple(range(len(cast)))
    out = [
        _Setup(_aim(x, y - 3.7, (x, y, 1.15), 1.5, 28, False), everyone),
        _Setup(_aim(x + 0.1, y - 2.5, (x, y, 1.4), 1.5, 36), everyone),
    ]
    for lens, far, at_z in ((50, 2.1, 1.48), (70, 2.0, 1.58)):
        for index, person in enumerate(cast):
            # From the far side of the axis, so that the half-turned face is seen from its front.
            side = math.copysign(0.55, x - person.x_m) if person.x_m != x else 0.3
            spot = _aim(person.x_m + side, person.y_m - far, (person.x_m, person.y_m, at_z), 1.55,
                        lens)  # fmt: skip
            out.append(_Setup(spot, (index,) if lens > 60 else everyone))
    for turn, lens, height in ((24, 30, 1.3), (-24, 30, 1.7), (14, 42, 1.2), (-16, 40, 1.75)):
        radius = 3.1
        across, back = radius * math.sin(math.radians(turn)), radius * math.cos(math.radians(turn))
        spot = _aim(x + across, y - back, (x, y, 1.3), height, lens)
        out.append(_Setup(spot, everyone))
    base = len(out)
    while len(out) < count:
        old = out[len(out) % base]
        step = len(out) // base
        camera = dataclasses.replace(old.camera, height_m=old.camera.height_m - 0.12 * step,
                                     lens_mm=old.camera.lens_mm * (1 + 0.13 * step))  # fmt: skip
        if camera.height_m < 0.4 or camera.lens_mm > 190:
            raise UsageError(f"A scene with people has fewer than {count} camera set-ups.")
        out.append(_Setup(camera, old.cast))
    return out[:count]


def _views(rng: np.random.Generator, place: Place, count: int) -> list[_Setup]:
    """``count`` different views of an empty place, none inside or right against a thing."""
    out: list[_Setup] = []
    low = np.array([box.low for box in place.boxes])
    high = np.array([box.high for box in place.boxes])
    half = place.width_m / 2
    apart_m, tries = 0.9, 0
    while len(out) < count:
        tries += 1
        # When the place gets crowded with cameras, let them stand closer.
        apart_m *= 0.999 if tries % 10 == 0 else 1.0
        if tries > 60 * count + 5000:
            raise UsageError(f"This place has fewer than {count} distinct camera set-ups.")
        eye = np.array([rng.uniform(-half + 0.5, half - 0.5), rng.uniform(0.5, place.depth_m - 0.5),
                        rng.choice([0.9, 1.2, 1.5, 1.7, 2.1])])  # fmt: skip
        at = np.array([rng.uniform(-half, half), rng.uniform(0, place.depth_m),
                       rng.uniform(0.7, 1.6)])  # fmt: skip
        lens = float(rng.choice([20, 24, 28, 35, 45]))
        if np.linalg.norm(at - eye) < 2.6 or not _free(low, high, eye, at):
            continue
        camera = _aim(float(eye[0]), float(eye[1]), (float(at[0]), float(at[1]), float(at[2])),
                      float(eye[2]), lens, False)  # fmt: skip
        if all(_differ(camera, other.camera, apart_m) for other in out):
            out.append(_Setup(camera, ()))
    return out


def _differ(one: CameraSpec, two: CameraSpec, apart_m: float) -> bool:
    """Whether two set-ups would not be taken for one another."""
    turn = abs((one.pan_deg - two.pan_deg + 180) % 360 - 180)
    moved = math.dist((one.x_m, one.y_m, one.height_m), (two.x_m, two.y_m, two.height_m))
    return turn > 22 or moved > apart_m or max(one.lens_mm, two.lens_mm) > 1.5 * min(
        one.lens_mm, two.lens_mm)  # fmt: skip


def _free(low: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
          high: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
          eye: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
          at: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> bool:  # fmt: skip
    """Whether nothing stands around the camera or in the first metre and a half of its view."""
    way = (at - eye) / np.linalg.norm(at - eye)
    for far in (0.0, 0.5, 1.0, 1.5):
        spot = eye + way * far
        room = 0.35 + 0.15 * far
        if bool(np.any(np.all((low - room < spot) & (high + room > spot), axis=1))):
            return False
    return True


def _edit(rng: np.random.Generator, length: int, setups: int, story: bool) -> list[int]:
    """The set-up of every shot of a scene: never the same twice in a row, all recurring."""
    if not story:
        # Rounds over all set-ups in a new order each time.
        rounds = [rng.permutation(setups) for _ in range(math.ceil(length / setups))]
        return [int(v) for v in np.concatenate(rounds)[:length]]
    order = [0]
    counts = np.zeros(setups)
    counts[0] = 1
    while len(order) < length:
        weight = 1.0 / (1 + counts) ** 2
        weight[order[-1]] = 0 if setups > 1 else 1
        pick = int(rng.choice(setups, p=weight / weight.sum()))
        counts[pick] += 1
        order.append(pick)
    return order[:length]


def _shoot(rng: np.random.Generator, base: ShotSpec, setup: _Setup, cast: list[PersonSpec],
           part: float) -> ShotSpec:  # fmt: skip
    """One shot from a set-up, with the small differences that honest work has."""

    def jitter(size: float) -> float:
        return float(np.clip(rng.normal(0, 1), -2, 2)) * size

    camera = dataclasses.replace(
        setup.camera, x_m=setup.camera.x_m + jitter(0.015), y_m=setup.camera.y_m + jitter(0.015),
        height_m=setup.camera.height_m + jitter(0.008), pan_deg=setup.camera.pan_deg + jitter(0.25),
        tilt_deg=setup.camera.tilt_deg + jitter(0.15), roll_deg=jitter(0.1),
        move=("static", "static", "push", "handheld", "pan")[int(rng.integers(5))],
    )  # fmt: skip
    drift_k = base.light.cct_k * (1 + 0.02 * (part - 0.5))
    light = dataclasses.replace(base.light, level_stops=base.light.level_stops + jitter(0.02),
                                cct_k=drift_k * (1 + jitter(0.004)))  # fmt: skip
    people = tuple(
        dataclasses.replace(cast[index], x_m=cast[index].x_m + jitter(0.02),
                            y_m=cast[index].y_m + jitter(0.02),
                            facing_deg=cast[index].facing_deg + jitter(2.0),
                            talking=bool(rng.uniform() < 0.6))
        for index in setup.cast
    )  # fmt: skip
    sound = dataclasses.replace(base.sound, level_lufs=base.sound.level_lufs + jitter(0.3))
    return dataclasses.replace(base, camera=camera, light=light, people=people, sound=sound)


def _plant(rng: np.random.Generator, clean: list[ShotSpec], facts: list[ShotFact],
           drifts: int | Sequence[str], kinds: Sequence[str] | None,
           sizes: Mapping[str, float]) -> list[Drift]:  # fmt: skip
    """Choose shots for the drifts: one each, never the first shot of a scene."""
    if isinstance(drifts, int):
        story = any(fact.people for fact in facts)
        pool = (
            list(kinds)
            if kinds is not None
            else [kind for kind in UNITS if story or kind not in (*PERSON_KINDS, "in_shot")]
        )
        if drifts and not pool:
            raise UsageError("There are drifts to plant, but no kinds to choose from.")
        start = int(rng.integers(max(len(pool), 1)))
        wanted = [pool[(start + i) % len(pool)] for i in range(drifts)]
    else:
        wanted = list(drifts)
    firsts = {min(f.shot for f in facts if f.scene == scene) for scene in {f.scene for f in facts}}
    free = [fact.shot for fact in facts if fact.shot not in firsts]
    planted = []
    for kind in wanted:
        if kind not in UNITS:
            raise UsageError(f"No drift is called {kind!r}; there are {', '.join(UNITS)}.")
        drift = _place_drift(rng, kind, clean, free, sizes)
        free.remove(drift.shot)
        planted.append(drift)
    return sorted(planted, key=lambda drift: drift.shot)


def _place_drift(rng: np.random.Generator, kind: str, clean: list[ShotSpec], free: list[int],
                 sizes: Mapping[str, float]) -> Drift:  # fmt: skip
    """A drift of ``kind`` on one of the ``free`` shots that can take it."""
    size = sizes.get(kind)
    if size is None:
        size = float(rng.uniform(*SIZES[kind]))
        size = -size if kind in SIGNED and rng.uniform() < 0.5 else size
    for shot in (int(v) for v in rng.permutation(free)):
        spec, person, detail = clean[shot], None, ""
        if kind in (*PERSON_KINDS, "in_shot"):
            if not spec.people:
                continue
            person = central(spec).name
        if kind == "set_layout":
            things = [item for item in prominent(spec) if item[1] < 0.35]
            if not things or things[0][1] < 0.02:
                continue
            detail = things[0][0]
        drift = Drift(kind, size, UNITS[kind], shot, person, detail)  # type: ignore[arg-type]
        try:
            apply(spec, drift)
        except UsageError:
            continue
        return drift
    raise UsageError(f"No shot is left that a {kind} drift could be planted in.")


def central(spec: ShotSpec) -> PersonSpec:
    """Who is in the middle of the picture, so that a drift of theirs is there to be seen."""
    return min(spec.people, key=lambda person: abs(_across(spec, person)))


def _across(spec: ShotSpec, person: PersonSpec) -> float:
    """How far from the middle of the picture a person stands, degrees."""
    camera = spec.camera
    seen = math.degrees(math.atan2(person.x_m - camera.x_m, person.y_m - camera.y_m))
    return (seen - camera.pan_deg + 180) % 360 - 180


def _render_some(jobs: list[tuple[ShotSpec, str]], crf: float | None, bit_rate: int | None,
                 gop: int) -> None:  # fmt: skip
    cv2.setNumThreads(1)
    for spec, path in jobs:
        render(spec, path, crf=crf, bit_rate=bit_rate, gop=gop)


def write_sequence(specs: Sequence[ShotSpec], folder: Path | str, *, workers: int = 1,
                   crf: float | None = None, bit_rate: int | None = None,
                   gop: int = 24) -> list[Path]:  # fmt: skip
    """Render every shot to ``folder/shot_001.mp4`` and on; the folder is made if missing.

    Nothing but the shots is written: the truth goes where :func:`write_truth` is told.

    Args:
        specs: The shots in order.
        folder: Where the files go.
        workers: Processes to share the work; each takes a run of neighbouring shots, because
            they share a set.
        crf: See :func:`shot.render`.
        bit_rate: See :func:`shot.render`.
        gop: See :func:`shot.render`.

    Returns:
        The files in order.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    paths = [target / f"shot_{index + 1:03d}.mp4" for index in range(len(specs))]
    jobs = [(spec, str(path)) for spec, path in zip(specs, paths, strict=True)]
    if workers <= 1 or len(jobs) < 2:
        for spec, path in jobs:
            render(spec, path, crf=crf, bit_rate=bit_rate, gop=gop)
        return paths
    chunk = max(1, math.ceil(len(jobs) / (workers * 3)))
    # Spawned, not forked: OpenCV's threads do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        parts = [jobs[start : start + chunk] for start in range(0, len(jobs), chunk)]
        for done in [pool.submit(_render_some, part, crf, bit_rate, gop) for part in parts]:
            done.result()
    return paths


def write_truth(truth: Truth, path: Path | str) -> None:
    """Write ``truth`` as JSON to ``path``, a place of the caller's choice."""
    Path(path).write_text(truth.to_json() + "\n", encoding="utf-8")
