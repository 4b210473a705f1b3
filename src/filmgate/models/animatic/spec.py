"""What a shot is, as plain values: every dataclass here goes to JSON and comes back equal."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, cast

from filmgate.errors import UsageError
from filmgate.models.animatic.colour import NAMED, parse_colour

PlaceKind = Literal["office", "flat", "workshop", "liminal", "cyclorama"]
MoveKind = Literal["static", "push", "pan", "handheld", "pull", "tilt", "track"]
ToneKind = Literal["hush", "vent", "hum", "street", "rain"]

# A cyclorama is the plain backdrop of a character sheet: no place of a story.
PLACES: tuple[PlaceKind, ...] = ("office", "flat", "workshop", "liminal")
MOVES: tuple[MoveKind, ...] = ("static", "push", "pan", "handheld", "pull", "tilt", "track")
TONES: tuple[ToneKind, ...] = ("hush", "vent", "hum", "street", "rain")
PARTS: tuple[str, ...] = ("jacket", "shirt", "trousers", "shoes")

_T = TypeVar("_T")


def _finite(owner: str, name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside ``low..high`` (or not a number) in one sentence."""
    if not math.isfinite(value) or not low <= value <= high:
        raise UsageError(f"{owner}.{name} is {value!r}, but must lie between {low} and {high}.")


def _one_of(owner: str, name: str, value: str, allowed: tuple[str, ...]) -> None:
    """Refuse a word that is not in ``allowed``."""
    if value not in allowed:
        raise UsageError(f"{owner}.{name} is {value!r}, but must be one of {', '.join(allowed)}.")


@dataclass(frozen=True, slots=True)
class Change:
    """One named object of the set moved by (dx_m, dy_m) on the floor, or taken away."""

    name: str
    dx_m: float = 0.0
    dy_m: float = 0.0
    removed: bool = False


@dataclass(frozen=True, slots=True)
class PlaceSpec:
    """A set: the same kind and seed is always the same room; ``changes`` are breaks in it."""

    kind: PlaceKind = "flat"
    seed: int = 0
    changes: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        _one_of("place", "kind", self.kind, (*PLACES, "cyclorama"))


@dataclass(frozen=True, slots=True)
class CameraSpec:
    """A camera set-up.

    Attributes:
        x_m: Position across the room, metres.
        y_m: Position into the room, metres.
        height_m: Lens height above the floor, metres, 0.05..6.
        pan_deg: Direction of view, 0 looks along +y, positive turns right.
        tilt_deg: Positive looks up, -60..60.
        roll_deg: Positive turns the horizon clockwise in the picture, -20..20.
        lens_mm: Focal length on a 36 mm wide gate, 12..200.
        move: What the camera does during the shot.
        amount: How much of the move, 0 none, 1 the usual gentle one, at most 3.
        focus_m: Distance of sharp focus in metres; 0 keeps everything sharp.
    """

    x_m: float = 0.0
    y_m: float = 0.6
    height_m: float = 1.5
    pan_deg: float = 0.0
    tilt_deg: float = 0.0
    roll_deg: float = 0.0
    lens_mm: float = 32.0
    move: MoveKind = "static"
    amount: float = 1.0
    focus_m: float = 0.0

    def __post_init__(self) -> None:
        _one_of("camera", "move", self.move, MOVES)
        _finite("camera", "x_m", self.x_m, -100, 100)
        _finite("camera", "y_m", self.y_m, -100, 100)
        _finite("camera", "height_m", self.height_m, 0.05, 6)
        _finite("camera", "pan_deg", self.pan_deg, -720, 720)
        _finite("camera", "tilt_deg", self.tilt_deg, -60, 60)
        _finite("camera", "roll_deg", self.roll_deg, -20, 20)
        _finite("camera", "lens_mm", self.lens_mm, 12, 200)
        _finite("camera", "amount", self.amount, 0, 3)
        _finite("camera", "focus_m", self.focus_m, 0, 100)


@dataclass(frozen=True, slots=True)
class LightSpec:
    """The light of a scene.

    Attributes:
        azimuth_deg: World direction the key comes FROM, seen from the stage: 0 from +y (behind
            the stage as the default camera sees it), 180 from the default camera, 90 from +x.
        elevation_deg: Height of the key above the horizontal, 5..85.
        distance_m: Distance of the key from the stage, metres; sets the fall-off.
        cct_k: Correlated colour temperature of key and fill, kelvin, 1800..15000.
        level_stops: Key and fill together against nominal exposure, stops, -5..5.
        fill: Fill over key, 0..2.
        lamps_stops: Practical lamps and what windows show, stops, -8..4.
        balance_k: What the camera takes for white, kelvin.
    """

    azimuth_deg: float = 220.0
    elevation_deg: float = 38.0
    distance_m: float = 4.0
    cct_k: float = 5000.0
    level_stops: float = 0.0
    fill: float = 0.45
    lamps_stops: float = 0.0
    balance_k: float = 5000.0

    def __post_init__(self) -> None:
        _finite("light", "azimuth_deg", self.azimuth_deg, -720, 720)
        _finite("light", "elevation_deg", self.elevation_deg, 5, 85)
        _finite("light", "distance_m", self.distance_m, 1, 50)
        _finite("light", "cct_k", self.cct_k, 1800, 15000)
        _finite("light", "level_stops", self.level_stops, -5, 5)
        _finite("light", "fill", self.fill, 0, 2)
        _finite("light", "lamps_stops", self.lamps_stops, -8, 4)
        _finite("light", "balance_k", self.balance_k, 1800, 15000)


@dataclass(frozen=True, slots=True)
class PersonSpec:
    """One person.

    Attributes:
        name: Who it is in the story; stays the same when the look drifts.
        seed: Face, skin, hair and build; 0.. any integer.
        wardrobe: Part (jacket, shirt, trousers, shoes) to colour: ``#rrggbb``,
            ``#rrrrggggbbbb`` or one of the names in :data:`colour.NAMED`. Without a jacket the
            shirt has the sleeves.
        x_m: Where they stand, across the room.
        y_m: Where they stand, into the room.
        facing_deg: World direction they face, 0 along +y, 180 towards the default camera.
        size: Scale of the whole person, 0.5..1.5.
        gesture: How much the arm moves, 0..1.
        talking: Whether the mouth moves.
    """

    name: str
    seed: int = 0
    wardrobe: dict[str, str] = field(default_factory=dict, hash=False)
    x_m: float = 0.0
    y_m: float = 4.0
    facing_deg: float = 180.0
    size: float = 1.0
    gesture: float = 0.4
    talking: bool = True

    def __post_init__(self) -> None:
        if not self.name:
            raise UsageError("A person needs a name.")
        _finite("person", "size", self.size, 0.5, 1.5)
        _finite("person", "gesture", self.gesture, 0, 1)
        _finite("person", "x_m", self.x_m, -100, 100)
        _finite("person", "y_m", self.y_m, -100, 100)
        _finite("person", "facing_deg", self.facing_deg, -720, 720)
        for part, colour in self.wardrobe.items():
            _one_of("person", "wardrobe part", part, PARTS)
            if parse_colour(colour) is None:
                raise UsageError(
                    f"The {part} of {self.name} has colour {colour!r}, but must be #rrggbb, "
                    f"#rrrrggggbbbb or one of {', '.join(sorted(NAMED))}."
                )


@dataclass(frozen=True, slots=True)
class GradeSpec:
    """An ASC CDL-like grade on the sRGB picture: (in * slope + offset) ** power, saturation."""

    slope: tuple[float, float, float] = (1.0, 1.0, 1.0)
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    power: tuple[float, float, float] = (1.0, 1.0, 1.0)
    saturation: float = 1.0

    def __post_init__(self) -> None:
        for name, low, high in (("slope", 0.05, 8.0), ("offset", -1.0, 1.0), ("power", 0.1, 8.0)):
            values = getattr(self, name)
            if len(values) != 3:
                raise UsageError(f"grade.{name} has {len(values)} numbers, but must have three.")
            for value in values:
                _finite("grade", name, value, low, high)
        _finite("grade", "saturation", self.saturation, 0, 4)


@dataclass(frozen=True, slots=True)
class SoundSpec:
    """The sound: a room tone, its place seed, its loudness in LUFS, footsteps, a voice-like hum."""

    kind: ToneKind = "hush"
    seed: int = 0
    level_lufs: float = -38.0
    footsteps: bool = False
    voice: bool = False

    def __post_init__(self) -> None:
        _one_of("sound", "kind", self.kind, TONES)
        _finite("sound", "level_lufs", self.level_lufs, -70, -10)


@dataclass(frozen=True, slots=True)
class Ramp:
    """A drift that grows from nothing to ``size`` while the shot runs.

    ``until``: first frame that is without it again (a pickup), None for to the end.
    """

    kind: str
    size: float
    unit: str
    person: str | None = None
    until: int | None = None


@dataclass(frozen=True, slots=True)
class ShotSpec:
    """Everything that decides the frames and the sound of one shot."""

    place: PlaceSpec = PlaceSpec()
    camera: CameraSpec = CameraSpec()
    light: LightSpec = LightSpec()
    people: tuple[PersonSpec, ...] = ()
    grade: GradeSpec = GradeSpec()
    sound: SoundSpec = SoundSpec()
    frames: int = 48
    rate: int = 24
    size: tuple[int, int] = (640, 360)
    seed: int = 0
    grain: float = 1.0
    mirror: bool = False
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.frames <= 100_000:
            raise UsageError(f"shot.frames is {self.frames}, but must lie between 1 and 100000.")
        if not 1 <= self.rate <= 120:
            raise UsageError(f"shot.rate is {self.rate}, but must lie between 1 and 120.")
        if len(self.size) != 2:
            raise UsageError("shot.size must be a width and a height in pixels.")
        width_px, height_px = self.size
        if width_px % 2 or height_px % 2:
            raise UsageError(f"shot.size is {width_px}x{height_px}, but both must be even.")
        if not (64 <= width_px <= 1920 and 64 <= height_px <= 1088):
            raise UsageError(
                f"shot.size is {width_px}x{height_px}, but must lie between 64x64 and 1920x1088."
            )
        _finite("shot", "grain", self.grain, 0, 5)
        names = [person.name for person in self.people]
        if len(set(names)) != len(names):
            raise UsageError("Two people of a shot have the same name.")

    def to_json(self) -> str:
        """This shot as one line of JSON with sorted keys."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> ShotSpec:
        """The shot that :meth:`to_json` wrote.

        Raises:
            UsageError: The text is not JSON, or names a field that a shot does not have.
        """
        try:
            return from_plain(cls, json.loads(text))
        except json.JSONDecodeError as problem:
            raise UsageError(f"The shot is not JSON: {problem}.") from problem


def from_plain(kind: type[_T], data: object) -> _T:
    """Rebuild the dataclass ``kind`` from what ``dataclasses.asdict`` made of it."""
    if not isinstance(data, dict):
        raise UsageError(f"{kind.__name__} must be a JSON object, not {type(data).__name__}.")
    hints = typing.get_type_hints(kind)
    names = {item.name for item in dataclasses.fields(cast(Any, kind))}
    unknown = sorted(str(key) for key in set(data) - names)
    if unknown:
        raise UsageError(f"{kind.__name__} has no field {', '.join(unknown)}.")
    try:
        return kind(**{key: _value(hints[key], value) for key, value in data.items()})
    except (TypeError, ValueError) as problem:
        raise UsageError(f"{kind.__name__} cannot be read: {problem}.") from problem


def _value(hint: Any, value: Any) -> Any:
    """One field's JSON value turned into what its type hint asks for."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        return from_plain(hint, value)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise TypeError(f"expected a list, not {value!r}")
        kinds = [args[0]] * len(value) if len(args) == 2 and args[1] is Ellipsis else list(args)
        if len(kinds) != len(value):
            raise ValueError(f"expected {len(kinds)} values, not {len(value)}")
        return tuple(_value(kind, item) for kind, item in zip(kinds, value, strict=True))
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return _value(next(arg for arg in args if arg is not type(None)), value)
    if hint in (int, float, str, bool):
        return _scalar(hint, value)
    return value


def _scalar(hint: type, value: Any) -> Any:
    """A JSON scalar, refused when it is of another kind (JSON writes 1.0 as 1 at times)."""
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is int and isinstance(value, bool)):
        raise TypeError(f"expected {hint.__name__}, not {value!r}")
    return value
