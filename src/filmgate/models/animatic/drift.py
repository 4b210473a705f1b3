"""Planted drift: one thing of one shot changed by a known amount, everything else untouched."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from filmgate.errors import UsageError
from filmgate.models.animatic import camera as cameras
from filmgate.models.animatic import colour
from filmgate.models.animatic.cull import corners_of
from filmgate.models.animatic.face import looks_of
from filmgate.models.animatic.figure import DEFAULT_WARDROBE
from filmgate.models.animatic.place import build
from filmgate.models.animatic.sight import uncovered
from filmgate.models.animatic.spec import (
    TONES,
    Change,
    GradeSpec,
    PersonSpec,
    PlaceSpec,
    Ramp,
    ShotSpec,
)

DriftKind = Literal[
    "wardrobe", "grade", "lighting_level", "lighting_cct", "key_side", "mirror", "set_layout",
    "horizon", "camera_height", "identity", "loudness", "room_tone", "in_shot",
]  # fmt: skip
# Kind -> the unit its size is given in.
UNITS: dict[str, str] = {
    "wardrobe": "de00", "grade": "step", "lighting_level": "stops", "lighting_cct": "mired",
    "key_side": "flip", "mirror": "flip", "set_layout": "m", "horizon": "deg",
    "camera_height": "m", "identity": "person", "loudness": "lu", "room_tone": "kind",
    "in_shot": "de00",
}  # fmt: skip
# Unit of an in_shot drift -> what ramps during the shot.
_RAMPS = {
    "de00": "wardrobe", "stops": "lighting_level", "mired": "lighting_cct", "step": "grade",
}  # fmt: skip
PERSON_KINDS = ("wardrobe", "identity")


@dataclass(frozen=True, slots=True)
class Drift:
    """What was done to a shot.

    Attributes:
        kind: What drifts.
        size: By how much, in ``unit``; a negative size goes the other way where there is one.
        unit: See :data:`UNITS`; an ``in_shot`` drift takes ``de00``, ``stops``, ``mired`` or
            ``step`` and ramps wardrobe, light level, colour temperature or grade.
        shot: Index of the shot in its sequence, from 0.
        person: Whose wardrobe or identity; the first person when None.
        detail: What :func:`sequence` found out about it, such as the object that moved.
    """

    kind: DriftKind
    size: float
    unit: str
    shot: int = 0
    person: str | None = None
    detail: str = ""

    def __post_init__(self) -> None:
        if self.kind not in UNITS:
            raise UsageError(f"No drift is called {self.kind!r}; there are {', '.join(UNITS)}.")
        allowed = tuple(_RAMPS) if self.kind == "in_shot" else (UNITS[self.kind],)
        if self.unit not in allowed:
            raise UsageError(
                f"A {self.kind} drift is given in {' or '.join(allowed)}, not {self.unit!r}."
            )


def apply(spec: ShotSpec, drift: Drift) -> ShotSpec:
    """``spec`` with ``drift`` planted.

    Raises:
        UsageError: The shot has nobody, or no such person, colour or object to drift.
    """
    if drift.kind == "wardrobe":
        return _wardrobe(spec, drift)
    if drift.kind == "identity":
        return _identity(spec, drift)
    if drift.kind == "grade":
        return dataclasses.replace(spec, grade=_grade(spec.grade, drift.size))
    if drift.kind in ("lighting_level", "lighting_cct", "key_side"):
        return _light(spec, drift)
    if drift.kind == "mirror":
        return dataclasses.replace(spec, mirror=not spec.mirror)
    if drift.kind == "set_layout":
        return _layout(spec, drift.size)
    if drift.kind in ("horizon", "camera_height"):
        return _camera(spec, drift)
    if drift.kind in ("loudness", "room_tone"):
        return _sound(spec, drift)
    ramp = Ramp(_RAMPS[drift.unit], drift.size, drift.unit, drift.person)
    done = dataclasses.replace(spec, ramp=ramp)
    ramped(done)  # A ramp that cannot be made is refused now, not at rendering.
    return done


def ramped(spec: ShotSpec) -> ShotSpec:
    """What a shot with a ramp looks like at its end."""
    ramp = spec.ramp
    if ramp is None:
        return spec
    kind = cast(DriftKind, ramp.kind)
    return apply(
        dataclasses.replace(spec, ramp=None), Drift(kind, ramp.size, ramp.unit, 0, ramp.person)
    )


def _who(spec: ShotSpec, drift: Drift) -> PersonSpec:
    for person in spec.people:
        if drift.person in (None, person.name):
            return person
    who = drift.person or "anybody"
    raise UsageError(f"The shot does not show {who}, so {drift.kind} cannot drift.")


def _swap(spec: ShotSpec, old: PersonSpec, new: PersonSpec) -> ShotSpec:
    people = tuple(new if person is old else person for person in spec.people)
    return dataclasses.replace(spec, people=people)


def garment(person: PersonSpec) -> str:
    """The part a wardrobe drift recolours: the jacket where there is one, else the shirt."""
    return "jacket" if "jacket" in person.wardrobe else "shirt"


def _wardrobe(spec: ShotSpec, drift: Drift) -> ShotSpec:
    person = _who(spec, drift)
    part = garment(person)
    base = colour.colour_of((DEFAULT_WARDROBE | person.wardrobe)[part])
    seed = person.seed + (0 if drift.size >= 0 else 1)
    try:
        moved = colour.move_by_de00(base, abs(drift.size), seed)
    except ValueError as problem:
        raise UsageError(f"The {part} of {person.name} cannot drift: {problem}.") from problem
    worn = person.wardrobe | {part: colour.hex48(moved)}
    return _swap(spec, person, dataclasses.replace(person, wardrobe=worn))


def _identity(spec: ShotSpec, drift: Drift) -> ShotSpec:
    """Another face under the same name and clothes: the most unlike of a few others."""
    person = _who(spec, drift)
    now = looks_of(person.seed)
    others = [person.seed + 7919 * step for step in range(1, 9)]
    unlike = [
        float(np.abs(np.subtract(looks_of(other).skin, now.skin)).sum())
        + float(np.abs(np.subtract(looks_of(other).hair, now.hair)).sum())
        + 0.5 * (looks_of(other).style != now.style)
        for other in others
    ]
    # Size keeps the person's own height: an identity break is about the face first.
    pick = others[int(np.argmax(unlike))]
    scale = now.tall_m / looks_of(pick).tall_m * person.size
    return _swap(spec, person, dataclasses.replace(person, seed=pick, size=min(1.5, scale)))


def _grade(grade: GradeSpec, size: float) -> GradeSpec:
    """One step: 22 mired on the picture, gamma 8 %, saturation 15 %."""
    warm = colour.tint(colour.shift_mired(5000, 22 * size), 5000) ** (1 / 2.2)
    slope = [a * float(b) for a, b in zip(grade.slope, warm, strict=True)]
    power = [value * 1.08**size for value in grade.power]
    return GradeSpec((slope[0], slope[1], slope[2]), grade.offset, (power[0], power[1], power[2]),
                     max(0.0, grade.saturation * (1 - 0.15 * size)))  # fmt: skip


def _light(spec: ShotSpec, drift: Drift) -> ShotSpec:
    light = spec.light
    if drift.kind == "lighting_level":
        light = dataclasses.replace(light, level_stops=light.level_stops + drift.size)
    elif drift.kind == "lighting_cct":
        light = dataclasses.replace(light, cct_k=colour.shift_mired(light.cct_k, drift.size))
    else:
        # Mirrored about the axis of the camera, so it changes sides in this picture.
        turned = (2 * spec.camera.pan_deg - light.azimuth_deg) % 360
        light = dataclasses.replace(light, azimuth_deg=turned)
    return dataclasses.replace(spec, light=light)


def _camera(spec: ShotSpec, drift: Drift) -> ShotSpec:
    camera = spec.camera
    if drift.kind == "horizon":
        camera = dataclasses.replace(camera, roll_deg=camera.roll_deg + drift.size)
    else:
        camera = dataclasses.replace(camera, height_m=camera.height_m + drift.size)
    return dataclasses.replace(spec, camera=camera)


def _sound(spec: ShotSpec, drift: Drift) -> ShotSpec:
    sound = spec.sound
    if drift.kind == "loudness":
        sound = dataclasses.replace(sound, level_lufs=sound.level_lufs + drift.size)
    else:
        step = max(1, round(abs(drift.size)))
        kind = TONES[(TONES.index(sound.kind) + step) % len(TONES)]
        kind = kind if kind != sound.kind else TONES[(TONES.index(kind) + 1) % len(TONES)]
        sound = dataclasses.replace(sound, kind=kind, seed=sound.seed + 1)
    return dataclasses.replace(spec, sound=sound)


def prominent(spec: ShotSpec) -> list[tuple[str, float]]:
    """Movable things by the share of the frame they cover, largest first."""
    place, view = build(spec.place), cameras.plate_view(spec, 1.0)
    area = float(view.wide_px * view.high_px)
    boxes = [box for box in place.boxes if box.movable]
    if not boxes:
        return []
    low, high = np.array([box.low for box in boxes]), np.array([box.high for box in boxes])
    corners = corners_of(low, high)
    depth = view.to_camera(corners)[..., 2].min(axis=1)
    things: dict[str, list[int]] = {}
    for index, box in enumerate(boxes):
        things.setdefault(box.name, []).append(index)
    found: dict[str, float] = {}
    for name, parts in things.items():
        if depth[parts].min() < 0.4:
            continue
        flat = view.project(corners[parts].reshape(-1, 3))
        first = np.maximum(flat.min(axis=0), 0)
        last = np.minimum(flat.max(axis=0), [view.wide_px, view.high_px])
        share = float(np.prod(np.maximum(last - first, 0))) / area
        if share > 0.002 and place.endless:
            eye = np.array([spec.camera.x_m, spec.camera.y_m, spec.camera.height_m])
            bare = PlaceSpec(spec.place.kind, spec.place.seed)
            share *= uncovered(bare, eye, low[parts].min(axis=0), high[parts].max(axis=0))
        if share > 0.002:
            found[name] = share
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))


def _layout(spec: ShotSpec, size_m: float) -> ShotSpec:
    """Move the most prominent thing in view sideways by ``size_m``; 0 takes it away."""
    things = [item for item in prominent(spec) if item[1] < 0.35]
    if not things:
        raise UsageError("No movable thing is in view, so the set cannot drift.")
    name = things[0][0]
    turn = np.radians(spec.camera.pan_deg)
    place = build(spec.place)
    boxes = [box for box in place.boxes if box.name == name]
    middle = np.mean([np.add(box.low, box.high)[:2] / 2 for box in boxes], axis=0)
    across = np.array([np.cos(turn), -np.sin(turn)])
    # Towards the middle of the room, so that it does not end up inside a wall; in an endless place
    # towards the middle of the picture.
    aim = np.array([0, place.depth_m / 2])
    if place.endless:
        aim = np.array([spec.camera.x_m, spec.camera.y_m]) + 4 * np.array(
            [np.sin(turn), np.cos(turn)]
        )
    if float(across @ (aim - middle)) < 0:
        across = -across
    # Things on a wall stay on it: they slide along the longer of their two sides.
    thin = [i for i in (0, 1) if all(box.high[i] - box.low[i] < 0.08 for box in boxes)]
    for axis in thin:
        across[axis] = 0.0
        across = across / max(float(np.linalg.norm(across)), 1e-6)
    if thin and not across.any():
        across[1 - thin[0]] = 1.0
    dx_m, dy_m = (round(float(v) * size_m, 4) for v in across)
    change = Change(name, dx_m, dy_m, removed=size_m == 0)
    changes = (*spec.place.changes, change)
    return dataclasses.replace(spec, place=dataclasses.replace(spec.place, changes=changes))
