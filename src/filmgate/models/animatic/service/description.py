"""A shot's description (plain JSON) as a `ShotSpec`: every word honoured, the rest filled in.

What is missing follows from names: the same place, person or set-up is the same everywhere. The
small differences that honest work has from shot to shot follow from the slate.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from filmgate.errors import CannotExpress
from filmgate.models.animatic.colour import NAMED, colour_of, de00, to_lab
from filmgate.models.animatic.face import looks_of
from filmgate.models.animatic.service import stand
from filmgate.models.animatic.service.words import (
    chance,
    cloth,
    number_of,
    parts_of,
    pick,
    place_kind,
    real,
    tone_kind,
)
from filmgate.models.animatic.spec import (
    MOVES,
    CameraSpec,
    LightSpec,
    MoveKind,
    PersonSpec,
    PlaceSpec,
    ShotSpec,
    SoundSpec,
)
from filmgate.schema.look import canonical

FRAMINGS = ("wide", "full", "medium", "close", "insert", "establishing")
MOST_PEOPLE = 4
_SIDES = ("left", "right", "even")
_CCT_K = ("lighting/cct_k", "lighting/colour_temperature_k", "lighting/colour_temperature")
_LEVEL = ("lighting/level", "lighting/level_stops")
_KEY_DEG = 56.0  # from the axis of the camera: the classical place of a key
_LOWER = ("charcoal", "denim", "brown", "black", "sand")
_COLLAR = ("white", "cream", "sky", "grey")
# Light of a time of day where nothing else is said: kelvin, stops.
_TIMES: tuple[tuple[str, float, float], ...] = (
    ("night", 3700, -0.7), ("dusk", 3900, -0.35), ("sunset", 3800, -0.2), ("evening", 4000, -0.35),
    ("dawn", 4300, -0.3), ("sunrise", 4200, -0.2), ("morning", 4900, 0.0), ("day", 5200, 0.0),
)  # fmt: skip
_WOMAN = frozenset(("woman", "she", "her", "girl", "female", "mother", "sister", "daughter"))
_MAN = frozenset(("man", "he", "his", "boy", "male", "father", "brother", "son"))
Table = Mapping[str, Any]


def table(shot: Table, name: str) -> Table:
    """A table inside a shot's description; empty where there is none."""
    value = shot.get(name) or {}
    if not isinstance(value, Mapping):
        raise CannotExpress(f"'{name}' must be a table of names and values, not {value!r}.")
    return value


def word(shot: Table, name: str, usual: str = "") -> str:
    """A word inside a table; `usual` where there is none."""
    value = shot.get(name)
    if value is None or value == "":
        return usual
    if not isinstance(value, str):
        raise CannotExpress(f"'{name}' must be words, not {value!r}.")
    return value


def one_of(shot: Table, name: str, known: Sequence[str], usual: str) -> str:
    """One of the `known` words."""
    value = word(shot, name, usual)
    if value not in known:
        raise CannotExpress(
            f"Previz knows no {name.replace('_', ' ')} '{value}': it has {', '.join(known)}."
        )
    return value


def rows(shot: Table, name: str) -> list[Table]:
    """A list of tables in a description; empty where there is none."""
    value = shot.get(name) or []
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise CannotExpress(f"'{name}' must be a list, not {value!r}.")
    return [table({name: row}, name) for row in value]


def described(shot: Table, base: ShotSpec, slate: str) -> ShotSpec:
    """The clean shot that `shot` describes.

    Args:
        shot: the description; see ``docs/previz.md``.
        base: size, frames, rate and seed.
        slate: what the shot's own small differences follow from.

    Raises:
        CannotExpress: something in it cannot be honoured.
    """
    declared = _declared(shot)
    place, name = place_of(shot)
    people = people_of(shot, place, name, declared)
    framing = one_of(shot, "framing", FRAMINGS, "wide")
    lens = shot.get("lens_mm")
    camera = stand.camera(
        stand.Wanted(
            place, name, word(shot, "setup") or slate, framing,
            None if lens is None else real(lens, "lens", 12, 200, " mm"),
            base.size[0] / base.size[1],
        ),
        people,
    )  # fmt: skip
    move = one_of(shot, "move", MOVES, "static")
    camera = dataclasses.replace(camera, move=cast(MoveKind, move))
    light = _light(shot, place, camera, bool(people), declared)
    sound = _sound(shot, place, name, bool(people), declared)
    return _honest(
        dataclasses.replace(
            base, place=place, camera=camera, people=people, light=light, sound=sound
        ),
        slate,
    )


def place_of(shot: Table) -> tuple[PlaceSpec, str]:
    """The set and its name; the same name, kind and seed are the same set."""
    said = table(shot, "place")
    name = word(said, "name", "somewhere")
    kind = place_kind(word(said, "kind"), name, word(said, "description"))
    seed = said.get("seed", 0)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise CannotExpress(f"The seed of the place '{name}' must be a whole number, not {seed!r}.")
    # In an endless place several names are parts of one world; elsewhere each name is a room.
    part = 0 if kind == "liminal" else number_of("place", name.lower()) % 997
    return PlaceSpec(kind, abs(seed) * 1000 + part), name


def _declared(shot: Table) -> dict[str, object]:
    """Attribute path to value: what is declared, then what a retake asks for instead.

    A check's revision may carry a colour as it was *measured* under the set's light ("#2b3340"). It
    is taken for a dye only where a colour was declared; elsewhere it asks for what was there
    before, and previz knows what that was.
    """
    out: dict[str, object] = {}
    for path, value in table(shot, "expect").items():
        out[str(path).strip("/").lower()] = value
    known = {canonical(path) for path in out}
    for person in _people(shot):
        who = word(person, "name").lower()
        known |= {canonical(f"wardrobe/{who}/{part}") for part in table(person, "wardrobe")}
    for row in rows(shot, "revisions"):
        path, value = str(row.get("path", "")).strip("/").lower(), row.get("value")
        measured = isinstance(value, str) and value.startswith(("#", "lab("))
        if value in (None, "") or (measured and canonical(path) not in known):
            continue
        if not path.startswith("wardrobe/") and not _sensible(path, value):
            continue  # words for people, such as what was measured elsewhere
        for old in [old for old in out if canonical(old) == canonical(path)]:
            del out[old]
        out[path] = value
    return out


def _sensible(path: str, value: object) -> bool:
    """Whether a revision's value outside the wardrobe is one that can be set."""
    if path == "lighting/key_side":
        return value in _SIDES
    try:
        float(cast(float, value))
    except (TypeError, ValueError):
        return False
    return path in (*_CCT_K, *_LEVEL, "sound/loudness_lufs")


def _people(shot: Table) -> list[Table]:
    value = shot.get("people") or []
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise CannotExpress(f"'people' must be a list, not {value!r}.")
    return [{"name": row} if isinstance(row, str) else table({"person": row}, "person")
            for row in value]  # fmt: skip


def face_seed(name: str, description: str = "") -> int:
    """The face, hair and build that belong to a name, whichever way it is written.

    Where the description says that somebody is a woman or a man, the name's first face of that kind
    is taken.
    """
    said = set(re.findall(r"[a-z]+", description.lower()))
    woman, man = bool(said & _WOMAN), bool(said & _MAN)
    seeds = [number_of("born", name.strip().lower(), i or "") % 2**31 for i in range(16)]
    if woman == man:
        return seeds[0]
    # `looks_of` draws women's brows from below 1, men's from above.
    return next((seed for seed in seeds if (looks_of(seed).brow < 1.0) == woman), seeds[0])


def people_of(shot: Table, place: PlaceSpec, place_name: str,
              declared: Table) -> tuple[PersonSpec, ...]:  # fmt: skip
    """Everybody in the shot, dressed and on their marks."""
    said = _people(shot)
    names = [word(row, "name") for row in said]
    if len(names) > MOST_PEOPLE:
        raise CannotExpress(f"Previz shows up to {MOST_PEOPLE} people in a shot, not {len(names)}.")
    if not all(names) or len({name.lower() for name in names}) != len(names):
        raise CannotExpress("Every person of a shot needs a name of their own.")
    marks = stand.marks(place, place_name, names)
    out = []
    for row, name in zip(said, names, strict=True):
        x, y, facing = marks[name]
        gesture = pick(0.2, 0.7, "gesture", name.lower())
        out.append(PersonSpec(
            name=name, seed=face_seed(name, word(row, "description")),
            wardrobe=_dressed(row, name, declared),
            x_m=x, y_m=y, facing_deg=facing,
            gesture=gesture if chance("gestures", name.lower()) < 0.6 else 0.0,
        ))  # fmt: skip
    return tuple(out)


def _dressed(row: Table, name: str, declared: Table) -> dict[str, str]:
    """What somebody wears: what is declared over what they are given over what suits their name."""
    worn = _usual_clothes(name)
    given: dict[str, str] = {}
    for garment, value in table(row, "wardrobe").items():
        for part in parts_of(str(garment), name, {**worn, **given}):
            given[part] = cloth(value, name, str(garment))
    for path, value in declared.items():
        head, *rest = path.split("/")
        if head == "wardrobe" and len(rest) == 2 and rest[0] in (name.lower(), "*"):
            for part in parts_of(rest[1], name, {**worn, **given}):
                given[part] = cloth(value, name, rest[1])
    if "shirt" in given and "jacket" not in given:
        worn.pop("jacket", None)  # a declared shirt must be seen
    return {**worn, **given}


def _usual_clothes(name: str) -> dict[str, str]:
    """Clothes for somebody of whom nothing is said, the same wherever the name is seen."""
    who = ("clothes", name.strip().lower())
    colours = [c for c in sorted(NAMED) if c not in ("black", "white")]
    main = colours[number_of(*who, "main") % len(colours)]
    far = [c for c in _LOWER if de00(to_lab(colour_of(c)), to_lab(colour_of(main))) > 12]
    lower = {"trousers": far[number_of(*who, "lower") % len(far)],
             "shoes": ("black", "brown")[number_of(*who, "shoes") % 2]}  # fmt: skip
    if chance(*who, "jacket") < 0.55:
        return {"jacket": main, "shirt": _COLLAR[number_of(*who, "collar") % 4], **lower}
    return {"shirt": main, **lower}


def _number(said: Table, name: str, declared: Table, paths: Sequence[str], unit: str,
            low: float, high: float) -> float | None:  # fmt: skip
    """A number that is declared, else given, else None."""
    value = next((declared[path] for path in paths if path in declared), said.get(name))
    return None if value is None else real(value, name.replace("_", " "), low, high, unit)


def _light(shot: Table, place: PlaceSpec, camera: CameraSpec, story: bool,
           declared: Table) -> LightSpec:  # fmt: skip
    """The light of the scene, its key on the side that is asked for."""
    said = table(shot, "light")
    scene = (place.kind, place.seed, word(shot, "sequence"), word(shot, "scene"))
    time = word(shot, "time_of_day").lower()
    usual_k, usual_stops = 5000.0, 0.0
    if place.kind != "liminal":  # no window lets the hour in
        usual_k, usual_stops = next(
            ((k, stops) for name, k, stops in _TIMES if name in time), (5000.0, 0.0)
        )
    side = str(declared.get("lighting/key_side") or word(said, "key_side")).lower()
    if side and side not in _SIDES:
        raise CannotExpress(f"The key comes from left, right or is even, not from '{side}'.")
    cct_k = _number(said, "cct_k", declared, _CCT_K, " K", 1800, 15000)
    stops = _number(said, "level_stops", declared, _LEVEL, " stops", -5, 5) or 0.0
    if not side:
        side = "even" if place.kind == "liminal" else ("left", "right")[number_of(*scene) % 2]
    # Declared for the picture, so it turns with the camera; people are always seen from one side
    # of the room, and their key stays where it hangs.
    axis = 180.0 if story and place.kind != "liminal" else camera.pan_deg + 180.0
    turn = {"left": _KEY_DEG, "right": -_KEY_DEG, "even": 0.0}[side]
    even = side == "even"
    return LightSpec(
        azimuth_deg=(axis + turn) % 360, elevation_deg=58.0 if even else pick(30, 44, *scene, "up"),
        distance_m=pick(3.6, 4.8, *scene, "far"), cct_k=usual_k if cct_k is None else cct_k,
        level_stops=stops + usual_stops, fill=0.8 if even else pick(0.36, 0.56, *scene, "fill"),
        lamps_stops=pick(-0.3, 0.15, *scene, "lamps"),
    )  # fmt: skip


def _sound(shot: Table, place: PlaceSpec, name: str, story: bool, declared: Table) -> SoundSpec:
    said = table(shot, "sound")
    kind = tone_kind(str(declared.get("sound/room_tone") or word(said, "tone")), place.kind)
    level = _number(said, "level_lufs", declared, ("sound/loudness_lufs",), " LUFS", -70, -10)
    usual = pick(-40, -34, "level", place.kind, name.lower())
    return SoundSpec(kind, number_of("tone", name.lower(), place.seed) % 2**20,
                     usual if level is None else level, voice=story)  # fmt: skip


def _honest(spec: ShotSpec, slate: str) -> ShotSpec:
    """The small differences of honest work, from shot to shot: they follow from the slate."""

    def jitter(size: float, *what: str) -> float:
        # Three even draws add up to nearly a bell of deviation 1/2 within +-1.5.
        draws = [chance("jitter", slate, *what, i) - 0.5 for i in range(3)]
        return 2 * sum(draws) * size

    camera, light = spec.camera, spec.light
    camera = dataclasses.replace(
        camera, x_m=camera.x_m + jitter(0.015, "x"), y_m=camera.y_m + jitter(0.015, "y"),
        height_m=camera.height_m + jitter(0.008, "z"),
        pan_deg=camera.pan_deg + jitter(0.25, "pan"),
        tilt_deg=camera.tilt_deg + jitter(0.15, "tilt"), roll_deg=jitter(0.1, "roll"),
    )  # fmt: skip
    light = dataclasses.replace(
        light, level_stops=light.level_stops + jitter(0.02, "level"),
        cct_k=min(15000.0, max(1800.0, light.cct_k * (1 + jitter(0.004, "cct")))),
    )  # fmt: skip
    people = tuple(
        dataclasses.replace(
            person, x_m=person.x_m + jitter(0.02, person.name, "x"),
            y_m=person.y_m + jitter(0.02, person.name, "y"),
            facing_deg=person.facing_deg + jitter(2.0, person.name, "turn"),
            talking=chance("talks", slate, person.name) < 0.6,
        )
        for person in spec.people
    )  # fmt: skip
    level = max(-70.0, min(-10.0, spec.sound.level_lufs + jitter(0.3, "lufs")))
    sound = dataclasses.replace(spec.sound, level_lufs=level)
    return dataclasses.replace(spec, camera=camera, light=light, people=people, sound=sound)
