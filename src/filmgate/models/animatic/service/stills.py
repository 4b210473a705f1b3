"""Pictures: a frame of a storyboard, a character sheet, a view of a set."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from filmgate.errors import CannotExpress
from filmgate.models.animatic.colour import Bytes
from filmgate.models.animatic.place import build
from filmgate.models.animatic.shot import clean_frames
from filmgate.models.animatic.spec import (
    CameraSpec,
    LightSpec,
    PersonSpec,
    PlaceSpec,
    ShotSpec,
)

KINDS = ("storyboard", "character", "set")
# Directions a character is shown from: front, three quarters, side, back.
_TURNS_DEG = (0.0, 40.0, 90.0, 180.0)


def kind_of(said: str, shot: Mapping[str, object]) -> str:
    """The kind of picture: as asked for, else by what the description speaks of.

    People and no place make a character sheet, a place and neither people nor a slate a view of the
    set, all else a frame of a storyboard.

    Raises:
        CannotExpress: a kind there is not, or a sheet of nobody.
    """
    people, place = bool(shot.get("people")), bool(shot.get("place"))
    if said and said not in KINDS:
        raise CannotExpress(f"Previz draws no '{said}': it has {', '.join(KINDS)}.")
    if said == "character" and not people:
        raise CannotExpress("A character sheet needs the person in 'people'.")
    if said:
        return said
    if people and not place:
        return "character"
    if place and not people and not (shot.get("slate") or shot.get("setup")):
        return "set"
    return "storyboard"


def write(spec: ShotSpec, kind: str, path: Path) -> None:
    """Draw `spec` as a picture of `kind` into the PNG file `path`.

    Raises:
        OSError: it cannot be written.
    """
    picture = _sheet(spec) if kind == "character" else _first(spec)
    done, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    assert done
    path.write_bytes(data.tobytes())


def _first(spec: ShotSpec) -> Bytes:
    """The first frame, without grain."""
    still = dataclasses.replace(spec, frames=1, grain=0.0)
    return next(iter(clean_frames(still)))


def _sheet(spec: ShotSpec) -> Bytes:
    """Somebody from four sides and their face, before plain grey under even light."""
    wide, high = spec.size
    body_px = max(64, round(wide * 0.68 / 2) * 2)
    person = spec.people[0]
    face_px = max(64, wide - body_px)
    bodies = _before_grey(person, (body_px, high), "bodies")
    face = _before_grey(person, (face_px, high), "face")
    out = np.hstack([bodies, face])[:, :wide]
    return np.asarray(out, np.uint8)


def _before_grey(person: PersonSpec, size: tuple[int, int], what: str) -> Bytes:
    place = PlaceSpec("cyclorama", 0)
    x, y = build(place).stage
    light = LightSpec(azimuth_deg=205, elevation_deg=42, distance_m=6.0, fill=0.7)
    aspect = size[0] / size[1]
    if what == "face":
        # Head and shoulders: 0.55 m high, or as wide as the picture asks for.
        off = 2.2
        lens = 36.0 * off / (0.55 * aspect)
        people: tuple[PersonSpec, ...] = (_posed(person, "face", x, y, 12.0),)
        camera = CameraSpec(x, y - off, 1.58, 0.0, 0.0, lens_mm=float(np.clip(lens, 12, 200)))
    else:
        gap = 0.92
        off = 6.4
        high_m = max(2.1, (len(_TURNS_DEG) * gap + 0.2) / aspect)
        lens = 36.0 * off / (high_m * aspect)
        people = tuple(
            _posed(person, f"{turn:g}", x + (i - 1.5) * gap, y, turn)
            for i, turn in enumerate(_TURNS_DEG)
        )
        camera = CameraSpec(x, y - off, 0.98, 0.0, 0.0, lens_mm=float(np.clip(lens, 12, 200)))
    shot = ShotSpec(place, camera, light, people, frames=1, size=size, grain=0.0)
    return _first(shot)


def _posed(person: PersonSpec, name: str, x: float, y: float, turn: float) -> PersonSpec:
    return dataclasses.replace(person, name=name, x_m=x, y_m=y, facing_deg=180.0 + turn,
                               gesture=0.0, talking=False)  # fmt: skip
