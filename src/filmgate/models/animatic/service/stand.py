"""Where the camera stands: the same set-up of the same place is the same view, always.

Nothing is kept: everything follows from the seed of the place and the name of the set-up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from filmgate.errors import CannotExpress
from filmgate.models.animatic import sight
from filmgate.models.animatic.place import Spot, build
from filmgate.models.animatic.service.words import chance, number_of, pick
from filmgate.models.animatic.spec import CameraSpec, PersonSpec, PlaceSpec

VIEWS = ("corridor", "cubicles", "pillars", "doors", "stairwell", "break_room")
_VIEW_WORDS = (
    ("break_room", ("break", "kitchen", "canteen", "lunch")),
    ("stairwell", ("stair", "steps", "landing")),
    ("corridor", ("corridor", "hallway", "passage", "aisle")),
    ("cubicles", ("cubicle", "desk", "workstation", "bullpen")),
    ("doors", ("door", "lift", "elevator")),
    ("pillars", ("pillar", "hall", "lobby", "empty", "floor")),
)
_SUBJECTS: dict[str, tuple[tuple[str, ...], int, float]] = {
    "corridor": ((), 0, 0.0), "cubicles": (("partition", "screen"), 4, 14.0),
    "pillars": (("pillar", "lift"), 2, 12.0), "doors": (("door", "lift"), 2, 15.0),
    "stairwell": (("stairs",), 4, 9.0), "break_room": (("table", "machine", "counter"), 2, 9.0),
}  # fmt: skip
"""What a view must show: names of things, how many, within how many metres."""
_ROUNDS = 4  # how often the spots of a place are tried, from the second time on a step aside
_NAMED = re.compile(r"(.*?)[-_ ]*(\d{1,6})$")
# What a framing takes in, as height of the frame at the person (metres), where it aims, its lens.
_FRAMES: dict[str, tuple[float, float, float]] = {
    "establishing": (4.2, 1.20, 22), "wide": (3.0, 1.12, 28), "full": (2.15, 0.98, 35),
    "medium": (1.15, 1.36, 50), "close": (0.62, 1.57, 75), "insert": (0.45, 1.02, 85),
}  # fmt: skip
_EMPTY_LENS = {
    "establishing": 20.0, "wide": 24.0, "full": 28.0, "medium": 40.0, "close": 65.0, "insert": 85.0,
}  # fmt: skip
_MARKS = ((-0.47, 0.0), (0.47, 0.22), (-1.38, 0.12), (1.38, 0.30))
_MOST_TURN_DEG = 26.0


class Wanted(NamedTuple):
    """A set-up as asked for: `lens` in millimetres or None, `aspect` width over height."""

    place: PlaceSpec
    place_name: str
    setup: str
    framing: str
    lens: float | None
    aspect: float


class Stage(NamedTuple):
    """Where people stand, and the direction in which cameras look at them (degrees)."""

    x_m: float
    y_m: float
    axis_deg: float


def camera(wanted: Wanted, people: Sequence[PersonSpec]) -> CameraSpec:
    """The camera of a set-up.

    Raises:
        CannotExpress: the place has no room for the framing on this lens.
    """
    if people:
        return _on_people(wanted, people)
    if build(wanted.place).endless:
        return _vista(wanted)
    return _on_room(wanted)


def _along(deg: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The unit vector on the floor that a direction of view means."""
    return np.array([math.sin(math.radians(deg)), math.cos(math.radians(deg)), 0.0])


# --- views of an empty endless place ------------------------------------------------------------


class _Vistas:
    """The views of one word in one place, found one after another, each unlike those before."""

    def __init__(self, place: PlaceSpec, view: str) -> None:
        self.place, self.view = place, view
        rng = np.random.default_rng([place.seed, number_of(view) % 2**31])
        spots = [spot for spot in build(place).spots if spot.view == view]
        self.waiting: list[Spot] = []
        for round_ in range(_ROUNDS):
            near = [_beside(spot, rng) if round_ else spot for spot in spots]
            self.waiting += [near[int(i)] for i in rng.permutation(len(near))]
        self.waiting.reverse()
        self.found: list[Spot] = []
        self.least_m = 2.6 if view in ("stairwell", "break_room", "doors") else 5.0
        self.subject = _SUBJECTS[view]

    def at(self, number: int) -> Spot:
        """View `number`; beyond the last the first ones again, from somewhere near."""
        while len(self.found) <= number and self.waiting:
            spot = self.waiting.pop()
            if self._worth(spot) and all(unlike(spot, other) for other in self.found):
                self.found.append(spot)
        if not self.found:
            raise CannotExpress("This place has no view of that kind: use another seed.")
        round_, index = divmod(number, len(self.found))
        spot = self.found[index]
        return self._aside(spot, round_) if round_ else spot

    def _aside(self, spot: Spot, round_: int) -> Spot:
        """A view once more, turned and a step aside: `round_` counts how often it was given."""
        rng = np.random.default_rng([self.place.seed, round_, number_of(*spot) % 2**31])
        tries = []
        for _ in range(24):
            x, y, up = (float(v) for v in rng.uniform(-1, 1, 3))
            turn = float(rng.choice([-1, 1])) * float(rng.uniform(17, 40))
            one = spot._replace(x_m=spot.x_m + 1.4 * x, y_m=spot.y_m + 1.4 * y,
                                pan_deg=spot.pan_deg + turn,
                                height_m=spot.height_m + 0.2 * up)  # fmt: skip
            if all(unlike(one, other) for other in self.found):
                tries.append(one)
        return next((one for one in tries if self._worth(one)), tries[0] if tries else spot)

    def _worth(self, spot: Spot) -> bool:
        """Whether the view is open, has depth, and shows no gap in the world."""
        if not self._shows(spot, through=True):
            return False
        if sight.room_around(self.place, spot.x_m, spot.y_m, spot.height_m) < 0.32:
            return False
        depths = sight.frame_depths(self.place, camera_at(spot, 20.0), 16 / 9)
        middle = depths[1:4, 2:7]
        return bool(
            np.isfinite(depths).all()
            and depths.min() > 0.42
            and (depths < 1.2).mean() <= 0.16
            and np.median(depths) > 1.8
            and middle.max() > self.least_m
            and np.median(middle) > 0.5 * self.least_m
            and (depths < 2.0).mean() <= (0.55 if self.view == "doors" else 0.34)
            and self._shows(spot)
        )

    def _shows(self, spot: Spot, through: bool = False) -> bool:
        """Whether enough of what the view is called after is in it, some on a longer lens too."""
        names, least, within_m = self.subject
        if not least:
            return True
        for lens, enough in ((24.0, least), (36.0, max(1, least // 2))):
            there = sight.shown(
                self.place, camera_at(spot, lens), 16 / 9, names, within_m, enough, through
            )
            if there < enough:
                return False
        return True


def _beside(spot: Spot, rng: np.random.Generator) -> Spot:
    """Another place to try, some steps from one."""
    x, y, turn, up = (float(v) for v in rng.uniform(-1, 1, 4))
    return spot._replace(x_m=spot.x_m + 1.6 * x, y_m=spot.y_m + 1.6 * y,
                         pan_deg=spot.pan_deg + 8 * turn,
                         height_m=spot.height_m + 0.15 * up)  # fmt: skip


def unlike(one: Spot, two: Spot) -> bool:
    """Whether two views would not be taken for one another."""
    turn = abs((one.pan_deg - two.pan_deg + 180) % 360 - 180)
    moved = math.dist(one[1:4], two[1:4])
    return turn > 24 or moved > 1.1


def camera_at(spot: Spot, lens_mm: float) -> CameraSpec:
    """The camera of a view."""
    return CameraSpec(spot.x_m, spot.y_m, spot.height_m, spot.pan_deg, spot.tilt_deg,
                      lens_mm=lens_mm)  # fmt: skip


@lru_cache(maxsize=64)
def _vistas(place: PlaceSpec, view: str) -> _Vistas:
    return _Vistas(place, view)


def view_of(setup: str, place_name: str) -> tuple[str, int]:
    """The view that a set-up's name means, and which one: "corridor-07" is corridor number 7."""
    found = _NAMED.match(setup)
    word, number = (found.group(1), int(found.group(2))) if found else (setup, -1)
    word = word.strip().lower().replace("-", "_").replace(" ", "_")
    if number < 0:
        number = number_of("setup", setup.lower()) % 60
    if word in VIEWS:
        return word, number
    # Of words that name no view: what they speak of, else the place, else any.
    for text in (word, place_name.lower()):
        for view, words in _VIEW_WORDS:
            if any(w in text for w in words):
                return view, number + (number_of("view", word) % 40 if word else 0)
    return VIEWS[number_of("view", word, place_name) % len(VIEWS)], number


def _vista(wanted: Wanted) -> CameraSpec:
    view, number = view_of(wanted.setup, wanted.place_name)
    spot = _vistas(_bare(wanted.place), view).at(number)
    return camera_at(spot, wanted.lens or _EMPTY_LENS[wanted.framing])


def _bare(place: PlaceSpec) -> PlaceSpec:
    """The place without changes: a moved thing does not move the camera."""
    return PlaceSpec(place.kind, place.seed)


# --- views of an empty room ---------------------------------------------------------------------


def _on_room(wanted: Wanted) -> CameraSpec:
    """A view of a room with nobody in it: the most open of a few drawn from the set-up's name."""
    place, room = wanted.place, build(wanted.place)
    lens = wanted.lens or _EMPTY_LENS[wanted.framing]
    rng = np.random.default_rng([place.seed, number_of("setup", wanted.setup.lower()) % 2**31])
    half = room.width_m / 2
    best: tuple[float, CameraSpec] | None = None
    for number in range(60):
        x, y = rng.uniform(-half + 0.4, half - 0.4), rng.uniform(0.4, room.depth_m - 0.4)
        at_x, at_y = rng.uniform(-half, half), rng.uniform(0.3, room.depth_m - 0.3)
        height = float(rng.choice([1.1, 1.3, 1.5, 1.7]))
        apart = math.hypot(at_x - x, at_y - y)
        if apart < 2.2 or sight.room_around(place, x, y, height) < 0.3:
            continue
        tilt = math.degrees(math.atan2(rng.uniform(0.8, 1.5) - height, apart))
        pan = math.degrees(math.atan2(at_x - x, at_y - y))
        one = CameraSpec(float(x), float(y), height, pan, tilt, lens_mm=lens)
        depths = sight.frame_depths(place, one, wanted.aspect)
        score = float(np.median(depths)) - 6 * float((depths < 1.1).mean())
        if best is None or score > best[0]:
            best = (score, one)
        if number >= 12 and score > 3.0:
            break
    if best is None:
        raise CannotExpress("This place has no free view: use another seed.")
    return best[1]


# --- people -------------------------------------------------------------------------------------


@lru_cache(maxsize=64)
def stage(place: PlaceSpec, place_name: str) -> Stage:
    """Where the people of a place stand."""
    room = build(place)
    if not room.endless:
        return Stage(*room.stage, 0.0)
    view, _ = view_of("", place_name)
    start = number_of("stage", place_name.lower()) % 12
    best: tuple[float, Stage] | None = None
    for number in range(start, start + 24):
        spot = _vistas(place, view).at(number)
        if spot.height_m > 2.5:
            continue  # on a landing
        ahead = _along(spot.pan_deg)
        eye = np.array([spot.x_m, spot.y_m, 1.3])
        far = float(sight.far(place, eye, ahead[None])[0])
        at = eye + ahead * min(3.4, far * 0.55)
        wide = min(sight.room_around(place, float(at[0]), float(at[1]), z) for z in (0.3, 1.4))
        right = np.array([ahead[1], -ahead[0], 0.0])
        stands = [at + right * across + ahead * back for across, back in _MARKS[:2]]
        seen = [sight.clear(place, at - ahead * off, mark) for off in (2.0, 3.2) for mark in stands]
        score = min(wide, 1.9) + min(far, 8.0) / 8 + sum(seen)
        if best is None or score > best[0] + 0.05:
            best = (score, Stage(float(at[0]), float(at[1]), spot.pan_deg))
    if best is None:
        raise CannotExpress(f"'{place_name}' has no floor for people to stand on.")
    return best[1]


def marks(place: PlaceSpec, place_name: str,
          names: Sequence[str]) -> dict[str, tuple[float, float, float]]:  # fmt: skip
    """Where each person stands (x, y, metres) and the direction they face (degrees).

    A mark goes with a name, so that people stay where they are from shot to shot; who comes later
    in the alphabet makes room.
    """
    if not names:
        return {}
    where = stage(_bare(place), place_name)
    taken: dict[int, str] = {}
    for name in sorted(names, key=str.lower):
        first = number_of("mark", name.lower()) % 2
        slot = next(slot for slot in (first, 1 - first, 2, 3) if slot not in taken)
        taken[slot] = name
    ahead, out = _along(where.axis_deg), {}
    right = np.array([ahead[1], -ahead[0], 0.0])
    for slot, name in taken.items():
        across, back = _MARKS[slot]
        at = np.array([where.x_m, where.y_m, 0.0]) + right * across + ahead * back
        inward = math.copysign(22.0, across) if len(names) > 1 else pick(-12, 12, "face", name)
        out[name] = (float(at[0]), float(at[1]), (where.axis_deg + 180.0 + inward) % 360)
    return out


def _on_people(wanted: Wanted, people: Sequence[PersonSpec]) -> CameraSpec:
    """A camera on the people's side of the axis, as far off as the framing needs on its lens."""
    place = wanted.place
    where = stage(_bare(place), wanted.place_name)
    who = people if wanted.framing not in ("close", "insert") else people[:1]
    x, y = (sum(values) / len(who) for values in ([p.x_m for p in who], [p.y_m for p in who]))
    high, aim_m, usual = _FRAMES[wanted.framing]
    apart = max((math.dist((p.x_m, p.y_m), (x, y)) for p in who), default=0.0)
    high = max(high, (2 * apart + 0.9) / wanted.aspect)
    lens = wanted.lens or usual
    want_m = high * lens * wanted.aspect / 36.0
    key = (place.seed, wanted.setup.lower())
    best: tuple[float, float, float, float] | None = None
    tries = 16
    for number in range(tries + 1):
        # Ever closer to the axis, and the last one on it.
        turn = _MOST_TURN_DEG * (2 * chance("turn", *key, number) - 1) * (1 - number / tries)
        way = -_along(where.axis_deg + turn)
        middle = np.array([x, y, aim_m])
        # From just before the people back to the camera.
        free = 0.45 + float(sight.far(place, middle + way * 0.45, way[None])[0]) - 0.35
        eye = middle + way * min(want_m, max(free, 0.6))
        seen = sum(sight.clear(place, eye, np.array([p.x_m, p.y_m, 1.35])) for p in who)
        one = (seen, min(free, want_m), free, turn)
        if best is None or one[:2] > (best[0], best[1] + 0.02):
            best = one
        if seen == len(who) and free >= want_m:
            break
    assert best is not None
    *_, free, turn = best
    off = min(want_m, max(free, 0.6))
    if wanted.lens is None and off < want_m:
        lens = max(14.0, lens * off / want_m)
    elif off < 0.55 * want_m:
        wide = max(12.0, lens * off / want_m)
        raise CannotExpress(
            f"A {wanted.framing} shot on {lens:g} mm needs {want_m:.1f} m and "
            f"'{wanted.place_name}' has {off:.1f} m: use {wide:.0f} mm or shorter."
        )
    spot = np.array([x, y, 0.0]) - _along(where.axis_deg + turn) * off
    height = max(0.4, aim_m + pick(-0.05, 0.28, "height", *key))
    tilt = math.degrees(math.atan2(aim_m - height, off))
    return CameraSpec(
        x_m=float(spot[0]), y_m=float(spot[1]), height_m=height, pan_deg=where.axis_deg + turn,
        tilt_deg=tilt, lens_mm=lens, focus_m=off if wanted.framing not in (
            "wide", "establishing") else 0.0,
    )  # fmt: skip
