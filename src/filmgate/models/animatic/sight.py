"""How far one sees in a place: rays against everything that stands there."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from filmgate.models.animatic.camera import View
from filmgate.models.animatic.colour import Doubles
from filmgate.models.animatic.cull import corners_of, in_frame
from filmgate.models.animatic.place import build
from filmgate.models.animatic.spec import CameraSpec, PlaceSpec


class Standing(NamedTuple):
    """What stands in a place: boxes (n, 3), and the room around them where there is one."""

    low: Doubles
    high: Doubles
    room_low: Doubles | None
    room_high: Doubles | None


@lru_cache(maxsize=8)
def standing(spec: PlaceSpec) -> Standing:
    """Everything in the place of `spec` that stops a look; legs and rails do not."""
    place = build(spec)
    boxes = [
        box for box in place.boxes
        if box.name != "skirting" and sorted(np.subtract(box.high, box.low))[1] >= 0.15
    ]  # fmt: skip
    low = np.array([box.low for box in boxes], np.float64).reshape(-1, 3)
    high = np.array([box.high for box in boxes], np.float64).reshape(-1, 3)
    if place.endless:
        return Standing(low, high, None, None)
    half = place.width_m / 2
    return Standing(low, high, np.array([-half, 0.0, 0.0]),
                    np.array([half, place.depth_m, place.height_m]))  # fmt: skip


def far(spec: PlaceSpec, eye: Doubles, ways: Doubles, reach_m: float = 70.0,
        there: Standing | None = None) -> Doubles:  # fmt: skip
    """Distance to the first thing from `eye` along unit vectors (n, 3), metres.

    Nothing within `reach_m` is told by inf. `there`: what may stop the rays, everything by default.
    """
    there = there or standing(spec)
    safe = np.where(np.abs(ways) < 1e-9, 1e-9, ways)
    ends = eye + ways * reach_m
    near = np.all(
        (there.low <= np.maximum(ends.max(axis=0), eye)) &
        (there.high >= np.minimum(ends.min(axis=0), eye)), axis=1
    )  # fmt: skip
    low, high = there.low[near], there.high[near]
    first = (low[None] - eye) / safe[:, None]
    last = (high[None] - eye) / safe[:, None]
    enter = np.minimum(first, last).max(axis=2)
    leave = np.maximum(first, last).min(axis=2)
    hit = (leave > np.maximum(enter, 0)) & (leave > 0) & (enter <= reach_m)
    out = np.where(hit, np.maximum(enter, 0), math.inf).min(axis=1, initial=math.inf)
    if there.room_low is not None and there.room_high is not None:
        walls = np.maximum((there.room_low - eye) / safe, (there.room_high - eye) / safe)
        out = np.minimum(out, walls.min(axis=1))
    return np.asarray(out, dtype=np.float64)


@lru_cache(maxsize=8)
def _corners(spec: PlaceSpec) -> Doubles:
    there = standing(spec)
    return corners_of(there.low, there.high)


def frame_depths(spec: PlaceSpec, camera: CameraSpec, aspect: float, columns: int = 9,
                 rows: int = 5) -> Doubles:  # fmt: skip
    """Distances seen over the frame, shape (rows, columns), metres."""
    view = View(camera, 360, round(360 / aspect), 360 * camera.lens_mm / 36)
    x, y = np.meshgrid(np.linspace(-0.5, 0.5, columns) * view.wide_px * 0.98,
                       np.linspace(-0.5, 0.5, rows) * view.high_px * 0.98)  # fmt: skip
    ways = np.stack([x, y, np.full_like(x, view.focal_px)], axis=-1).reshape(-1, 3)
    ways /= np.linalg.norm(ways, axis=1, keepdims=True)
    there = standing(spec)
    seen = in_frame(_corners(spec), view)
    there = there._replace(low=there.low[seen], high=there.high[seen])
    return far(spec, view.position, ways @ view.turn, there=there).reshape(rows, columns)


def clear(spec: PlaceSpec, eye: Doubles, at: Doubles) -> bool:
    """Whether nothing stands between two points."""
    way = at - eye
    apart = float(np.linalg.norm(way))
    return bool(far(spec, eye, (way / max(apart, 1e-6))[None], apart)[0] >= apart - 0.05)


def uncovered(spec: PlaceSpec, eye: Doubles, low: Doubles, high: Doubles) -> float:
    """The share of a thing between two corners that nothing else hides from `eye`, 0..1."""
    there = standing(spec)
    own = np.all((there.low >= low - 1e-6) & (there.high <= high + 1e-6), axis=1)
    there = there._replace(low=there.low[~own], high=there.high[~own])
    part = np.array([0.15, 0.5, 0.85])
    grid = np.stack(np.meshgrid(part, part, part), axis=-1).reshape(-1, 3)
    ways = low + grid * (high - low) - eye
    far_m = np.linalg.norm(ways, axis=1)
    ways /= far_m[:, None]
    free = far(spec, eye, ways, float(far_m.max()) + 0.1, there)
    return float((free >= far_m).mean())


def room_around(spec: PlaceSpec, x: float, y: float, z: float) -> float:
    """Free distance around a point on its own height, metres, at most 2.5."""
    turns = np.linspace(0, 2 * math.pi, 16, endpoint=False)
    ways = np.stack([np.sin(turns), np.cos(turns), np.zeros(16)], axis=1)
    return float(np.minimum(far(spec, np.array([x, y, z]), ways, 2.5), 2.5).min())


@lru_cache(maxsize=64)
def _things(spec: PlaceSpec, names: tuple[str, ...]) -> tuple[list[str], Doubles, Doubles]:
    """Boxes whose name starts with one of `names`: names, middles, half of their longest side."""
    boxes = [box for box in build(spec).boxes if box.name.startswith(names)]
    low = np.array([box.low for box in boxes], np.float64).reshape(-1, 3)
    high = np.array([box.high for box in boxes], np.float64).reshape(-1, 3)
    return [box.name for box in boxes], (low + high) / 2, (high - low).max(axis=1) / 2


def shown(spec: PlaceSpec, camera: CameraSpec, aspect: float, names: tuple[str, ...],
          within_m: float, enough: int, through: bool = False) -> int:  # fmt: skip
    """How many things whose name starts with one of `names` are seen, at most `within_m` off.

    Counting stops at `enough`. `through`: also those behind others; a quick upper bound.
    """
    called, middle, half_m = _things(spec, names)
    if not called:
        return 0
    view = View(camera, 360, round(360 / aspect), 360 * camera.lens_mm / 36)
    seen = view.to_camera(middle)
    inside = (seen[:, 2] > 0.8) & (seen[:, 2] < within_m)
    for axis, half in ((0, view.wide_px / 2), (1, view.high_px / 2)):
        inside &= np.abs(seen[:, axis]) * view.focal_px < half * seen[:, 2]
    if through:
        return int(inside.sum())
    found: set[tuple[str, int]] = set()
    for index in np.flatnonzero(inside):
        if len(found) >= enough:
            break
        way = middle[index] - view.position
        apart = float(np.linalg.norm(way))
        if far(spec, view.position, (way / apart)[None], apart)[0] >= apart - half_m[index] - 0.1:
            # Pieces of one thing share a name; things without a number are one box each.
            name = called[index]
            found.add((name, 0 if " " in name else int(index)))
    return len(found)
