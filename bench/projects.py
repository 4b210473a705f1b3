"""Projects: 400 shots in edit order of which 12 drift, drawn from a seed.

People: 20 scenes of 20 shots; each scene is one time of day with its own honest light, one or two
people of the project intercut, one or two camera set-ups a person, takes reused with other
sub-ranges and framings. Empty: 100 set-ups of 4 shots without people.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench import footage, nuisance
from bench.nuisance import Framing, Level
from bench.plant import Drift, Kind
from bench.shots import FILM, FILM_SOUND, FRAMES, Bed, Shot
from filmgate.models.animatic.spec import TONES
from filmgate.schema import look
from filmgate.schema import shot as schema

SCENES, PER_SCENE = 20, 20
KINDS: Final[tuple[Kind, ...]] = (
    "wardrobe", "wardrobe", "wardrobe", "grade", "grade", "key_side", "key_side", "mirror",
    "mirror", "in_shot_wardrobe", "in_shot_grade", "loudness",
)  # fmt: skip
"""The 12 drifts of a project with people; odd seeds ramp the light and swap the room tone."""
EMPTY_KINDS: Final[tuple[Kind, ...]] = (
    "grade", "grade", "grade", "level", "level", "cct", "cct", "key_side", "mirror", "horizon",
    "camera_height", "set_layout",
)  # fmt: skip
SIZES: Final[dict[str, float]] = {
    "wardrobe": 20.0, "grade": 1.0, "key_side": 1.0, "mirror": 1.0, "in_shot_wardrobe": 20.0,
    "in_shot_grade": 1.0, "in_shot_light": 0.7, "loudness": 6.0, "room_tone": 1.0, "level": 0.7,
    "cct": 45.0, "horizon": 3.0, "camera_height": 0.3, "set_layout": 0.6,
}  # fmt: skip
"""Size of each kind at the headline; see `plant.UNITS`."""
SIGNED: Final = ("grade", "in_shot_grade", "in_shot_light", "loudness", "level", "cct", "horizon")


@dataclass(frozen=True, slots=True)
class Project:
    """Shots without drift, in edit order, and what drifts in which of them."""

    id: str
    seed: int
    shots: tuple[Shot, ...]
    drifts: dict[int, Drift]

    def drifting(self, sizes: dict[str, float] | None = None) -> dict[int, Shot]:
        """Position -> the drifting shot; `sizes` replaces the size of some kinds (ΔE00 sweep)."""
        sizes = sizes or {}
        out = {}
        for at, drift in self.drifts.items():
            size = sizes.get(drift.kind, abs(drift.size)) * (1 if drift.size >= 0 else -1)
            out[at] = dataclasses.replace(
                self.shots[at], drift=dataclasses.replace(drift, size=size)
            )
        return out

    def sequence(self) -> schema.Sequence:
        """The project as the checker gets it: names say nothing of what was planted."""
        made = tuple(
            schema.Shot(f"shot_{i + 1:04}", self.id, f"shot_{i + 1:04}.mp4")
            for i in range(len(self.shots))
        )
        return schema.Sequence(self.id, made)

    def look(self, declared: bool) -> look.Look:
        """Nothing declared, or the scenes named as a script would."""
        sequence = self.sequence()
        if not declared:
            return look.Look().bind(sequence)
        scenes: dict[int, list[look.Scope]] = {}
        for shot, made in zip(self.shots, sequence.shots, strict=True):
            scenes.setdefault(shot.scene, []).append(look.Scope(made.id, made.id))
        named = tuple(look.Scene(f"scene_{s}", tuple(r)) for s, r in scenes.items())
        return look.Look(scenes=named).bind(sequence)


def _setups(person: str, rng: np.random.Generator) -> list[tuple[str, Framing]]:
    """One or two framings of a person: wide, and nearer."""
    wide = float(rng.uniform(0.88, 0.97))
    found = [("wide", Framing(0.5 + float(rng.uniform(-0.5, 0.5)) * (1 - wide), 0.5, wide))]
    if rng.random() < 0.6:
        clip = footage.CLIPS[footage.takes((person,))[person][0]]
        near = float(rng.uniform(0.6, 0.76))
        top = max(0.0, clip.face[1] / 480 - float(rng.uniform(0.06, 0.12)))
        x = (clip.face[0] + clip.face[2] / 2) / 640 + float(rng.uniform(-0.08, 0.08))
        x = float(np.clip(x, near / 2, 1 - near / 2))
        found.append(("near", Framing(x, min(top + near / 2, 1 - near / 2), near)))
        if rng.random() < 0.4:
            found = found[1:]
    return found


def picks(count: int, rng: np.random.Generator) -> tuple[int, ...]:
    """Six frames of a random part, at least half, of a take of `count` kept frames."""
    length = int(rng.integers(max(FRAMES, count // 2), count + 1))
    start = int(rng.integers(0, count - length + 1))
    end = start + length - 1
    middle = [start + round((length - 1) * part) for part in (0.4, 0.6)]
    return (start, start + 1, *middle, end - 1, end)


def _bed(rng: np.random.Generator, seed: int) -> Bed | None:
    """The sound of a scene: none, a room tone, or a stretch of a film's sound."""
    draw = rng.random()
    if draw < 0.35:
        return None
    if draw < 0.85:
        return Bed(f"previz:{TONES[int(rng.integers(len(TONES)))]}:{seed}")
    names = list(FILM_SOUND)
    return Bed(names[int(rng.integers(len(names)))], start_s=float(rng.uniform(1, 8)))


def bed_of_shot(bed: Bed | None, rng: np.random.Generator) -> Bed | None:
    """The scene's sound as another shot has it: other noise, 0.7 dB, a start within 0.4 s."""
    if bed is None:
        return None
    return dataclasses.replace(
        bed, seed=int(rng.integers(1 << 30)), gain_db=bed.gain_db + float(rng.normal(0, 0.7)),
        start_s=bed.start_s + float(rng.uniform(-0.4, 0.4)),
    )  # fmt: skip


def scene(
    people: Sequence[str], level: Level, count: int, number: int, rng: np.random.Generator
) -> list[Shot]:
    """`count` clean shots of one place and time with `people` intercut."""
    light = nuisance.draw_light(level, rng)
    bed = _bed(rng, int(rng.integers(1 << 20)))
    setups = [(p, *s) for p in people for s in _setups(p, rng)]
    now = int(rng.integers(len(setups)))
    made = []
    for _ in range(count):
        person, name, framing = setups[now]
        takes = footage.takes((person,))[person]
        take = takes[int(rng.integers(len(takes)))]
        made.append(Shot(
            f"intel:{take}", picks(len(footage.frames(take)), rng),
            nuisance.reframe(framing, rng), nuisance.jitter(light, rng), None,
            bed_of_shot(bed, rng), level, number, f"{number}/{person}/{name}", person,
        ))  # fmt: skip
        if len(setups) > 1 and rng.random() < 0.75:
            now = (now + 1 + int(rng.integers(len(setups) - 1))) % len(setups)
    return made


def with_people(
    seed: int, people: Sequence[str], level: Level, scenes: int = SCENES, shots: int = PER_SCENE
) -> Project:
    """A project of `scenes` x `shots` shots; 3 % of them drift."""
    rng = np.random.default_rng([seed, {"none": 0, "mild": 1, "strong": 2}[level]])
    made: list[Shot] = []
    for number in range(scenes):
        cast = rng.permutation(np.array(people))[: int(rng.integers(1, 3))]
        made += scene([str(p) for p in cast], level, shots, number, rng)
    kinds = list(KINDS)
    if seed % 2:
        kinds[-2:] = ["in_shot_light", "room_tone"]
    count = round(0.03 * len(made))
    if count < len(kinds):
        kinds = [kinds[(i * 5) % len(kinds)] for i in range(count)]
    return Project(f"{level}-{seed}", seed, tuple(made), _drifts(made, kinds, rng))


def _drifts(
    made: Sequence[Shot], kinds: Sequence[Kind], rng: np.random.Generator
) -> dict[int, Drift]:
    """Which shots drift: at random, at most two a scene, sound only where there is sound."""
    out: dict[int, Drift] = {}
    load: dict[int, int] = {}
    for kind in kinds:
        for at in rng.permutation(len(made)):
            shot = made[int(at)]
            film = not shot.source.startswith("previz:")
            if int(at) in out or load.get(shot.scene, 0) >= (2 if film else 99):
                continue
            if kind in ("loudness", "room_tone") and film and shot.bed is None:
                continue
            if kind in ("camera_height", "set_layout") and film:
                continue
            sign = -1.0 if kind in SIGNED and rng.random() < 0.5 else 1.0
            drift = Drift(kind, sign * SIZES[kind], int(rng.integers(1 << 30)))
            if not _possible(shot, drift):
                continue
            out[int(at)] = drift
            load[shot.scene] = load.get(shot.scene, 0) + 1
            break
    return dict(sorted(out.items()))


def _possible(shot: Shot, drift: Drift) -> bool:
    if not shot.source.startswith("previz:"):
        return True
    from bench.shots import previz_spec
    from filmgate.errors import FilmgateError

    try:
        previz_spec(dataclasses.replace(shot, drift=drift))
    except FilmgateError:
        return False
    return True


def empty(seed: int, setups: int = 80, film_setups: int = 20, each: int = 4) -> Project:
    """Shots without people: previz set-ups of one place, and person-free film under other light.

    Without the shared footage all set-ups are previz.
    """
    from filmgate.models.generators import previz

    rng = np.random.default_rng([seed, 9])
    if footage.shared() is None:
        setups, film_setups = setups + film_setups, 0
    specs, truth = previz.sequence(
        setups * each, 0, setups=setups, scenes=1, seed=seed, frames=FRAMES, rate=3
    )
    made = [
        Shot(f"previz:{s.to_json()}", tuple(range(FRAMES)), Framing(), nuisance.Light(), None, None,
             "none", 0, f"previz/{fact.setup}")
        for s, fact in zip(specs, truth.shots, strict=True)
    ]  # fmt: skip
    made += _film(film_setups, each, rng)
    return Project(f"empty-{seed}", seed, tuple(made), _drifts(made, EMPTY_KINDS, rng))


def _film(setups: int, each: int, rng: np.random.Generator) -> list[Shot]:
    """Person-free film: per source one scene under its own strong light, several windows."""
    from bench.shots import FILM_SIZE, film_frames

    made: list[Shot] = []
    for number, name in enumerate(FILM):
        count = setups // len(FILM) + (number < setups % len(FILM))
        stack = film_frames(name)
        light = nuisance.draw_light("strong", rng)
        aspect = (FILM_SIZE[0] / FILM_SIZE[1]) / (stack.shape[2] / stack.shape[1])
        frames: list[tuple[str, Framing]] = []
        for k in range(count):
            width = min(1.0, aspect) * float(rng.uniform(0.62, 0.97))
            high = width / aspect
            x = float(rng.uniform(width / 2, 1 - width / 2))
            frames.append(
                (f"{name}/{k}", Framing(x, float(rng.uniform(high / 2, 1 - high / 2)), width))
            )
        order = [k for _ in range(each) for k in rng.permutation(count)]
        made += [
            Shot(f"film:{name}", picks(len(stack), rng), nuisance.reframe(frames[k][1], rng),
                 nuisance.jitter(light, rng), None, None, "strong", number + 1, frames[k][0])
            for k in order
        ]  # fmt: skip
    return made
