"""Light in a place: per-surface maps of key, ambient and lamp light, with soft cast shadows.

A map keeps three numbers per texel, free of colour and level, so that a light change that moves
nothing (level, colour temperature, fill) costs no new map: key visibility times cosine times
fall-off, ambient with corner darkening, and lamps plus own emission. Each lies in 0..RANGE.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.models.animatic.colour import Doubles, Floats, tint
from filmgate.models.animatic.place import Place
from filmgate.models.animatic.spec import CameraSpec, LightSpec

# Shadow rays end at these places around the key, in metres: a lamp of about half a metre.
_SPREAD = np.array(
    [[0.0, 0.0, 0.0], [0.32, 0.1, 0.12], [-0.28, 0.2, -0.1], [0.08, -0.3, 0.2], [-0.1, 0.05, -0.3]]
)
_LAMP_COLOUR = np.array([1.0, 0.86, 0.68])


# A fluorescent tube against the warm lamps of other places.
_TUBE_COLOUR = np.array([1.0, 0.985, 0.87])
# Stops from one edge of a usual frame to its middle that a wash from one side makes.
_WASH_STOPS = 1.5
_LAMP_REACH_M = 8.0
_RAYS = 180  # directions in which a panel's reach is kept: two degrees


class KeyPoint(NamedTuple):
    """Where the key hangs, and at which distance it has its nominal strength (metres).

    ``wash``: in an endless place the key is light from one side of the picture instead: position of
    the eye (x, y), direction of view (degrees) and side (-1 left .. 1 right).
    """

    position: tuple[float, float, float]
    reach_m: float
    wash: tuple[float, float, float, float] | None = None


def key_point(place: Place, light: LightSpec, camera: CameraSpec | None = None) -> KeyPoint:
    """The key of ``light``, aimed at the stage of ``place`` or, without one, before ``camera``."""
    if place.endless and camera is not None:
        return _washing(light, camera)
    azimuth, elevation = math.radians(light.azimuth_deg), math.radians(light.elevation_deg)
    flat = math.cos(elevation) * light.distance_m
    x, y = place.stage
    position = (
        round(x + math.sin(azimuth) * flat, 4),
        round(y + math.cos(azimuth) * flat, 4),
        # The ceiling is not in the way of the key, but light from far above would look outdoors.
        round(1.2 + math.sin(elevation) * light.distance_m, 4),
    )
    return KeyPoint(position, light.distance_m)


def _washing(light: LightSpec, camera: CameraSpec) -> KeyPoint:
    """A wide source on the key's side of the picture, three metres before the camera."""
    turn = math.radians(light.azimuth_deg - camera.pan_deg)
    side = math.sin(turn)
    pan = math.radians(camera.pan_deg)
    ahead, right = (math.sin(pan), math.cos(pan)), (math.cos(pan), -math.sin(pan))
    far = light.distance_m
    x = camera.x_m + ahead[0] * (3 + far * math.cos(turn)) + right[0] * far * side
    y = camera.y_m + ahead[1] * (3 + far * math.cos(turn)) + right[1] * far * side
    wash = (camera.x_m, camera.y_m, camera.pan_deg, side)
    return KeyPoint((round(x, 4), round(y, 4), 2.4), far, wash)


def rig(light: LightSpec, place: Place | None = None) -> Doubles:
    """3 x 3 matrix from (key, ambient, lamps) to linear RGB.

    In an endless ``place`` the lamps are the scene's light: they follow its level and colour.
    """
    gain = 2.0**light.level_stops
    colour = tint(light.cct_k, light.balance_k)
    lamps = _LAMP_COLOUR * 2.0**light.lamps_stops
    if place is not None and place.endless:
        lamps = _TUBE_COLOUR * colour * gain * 2.0**light.lamps_stops
    return np.stack([colour * gain * 0.95, colour * gain * light.fill * 0.8, lamps], axis=1)


class Lamps:
    """The light of one key in one place, asked point by point."""

    def __init__(self, place: Place, key: KeyPoint) -> None:
        self.place = place
        self.key = np.array(key.position, np.float32)
        self.reach_m = key.reach_m
        solid = [box for box in place.boxes if box.solid]
        self.low = np.array([box.low for box in solid], np.float32).reshape(-1, 3)
        self.high = np.array([box.high for box in solid], np.float32).reshape(-1, 3)
        self.bulbs = np.array(place.lamps, np.float32).reshape(-1, 3)

    def at(self, points: Floats, normal: tuple[float, float, float], emit: float) -> Floats:
        """Key, ambient and lamp light, shape (n, 3), at ``points`` (n, 3) facing ``normal``."""
        facing = np.array(normal, np.float32)
        key = self._key(points, facing) * self._clear(points, facing)
        out = np.stack([key, self._ambient(points, facing), self._bulbs(points, facing)], axis=1)
        if emit > 0:
            out *= 0.15
            out[:, 2] += emit
        return np.asarray(out, np.float32)

    def key_strength(self, x: float, y: float, z: float) -> float:
        """Fall-off of the key at a point, 1 at its nominal distance, shadows left out."""
        apart = float(np.linalg.norm(self.key - np.array([x, y, z], np.float32)))
        return float(self._fall(np.array([apart], np.float32))[0])

    def lamp_strength(self, x: float, y: float, z: float) -> float:
        """Lamp light at a point from all around."""
        return float(self._bulbs(np.array([[x, y, z]], np.float32), None)[0])

    def _fall(self, apart: Floats) -> Floats:
        # Softer than the inverse square: real sets are lit with big sources and bounces.
        soft = 1.2
        return np.asarray(((self.reach_m + soft) / (apart + soft)) ** 1.5, np.float32)

    def _key(self, points: Floats, facing: Floats) -> Floats:
        way = self.key - points
        apart = np.linalg.norm(way, axis=1)
        cosine = np.maximum((way @ facing) / np.maximum(apart, 1e-3), 0)
        # A little wrap keeps grazed walls from going flat black.
        return np.asarray((0.9 * cosine + 0.1) * np.minimum(self._fall(apart), 2.2), np.float32)

    def _clear(self, points: Floats, facing: Floats) -> Floats:
        """Share of the key that is seen from every point, 0..1."""
        start = points + facing * 0.03
        near = np.minimum(start.min(axis=0), self.key - 0.4)
        far = np.maximum(start.max(axis=0), self.key + 0.4)
        maybe = np.all((self.low < far) & (self.high > near), axis=1)
        low, high = self.low[maybe][None], self.high[maybe][None]
        seen = np.zeros(len(points), np.float32)
        if low.shape[1] == 0:
            return seen + 1
        for shift in _SPREAD.astype(np.float32):
            way = (self.key + shift) - start
            way = np.where(np.abs(way) < 1e-4, np.float32(1e-4), way)[:, None, :]
            first, last = (low - start[:, None]) / way, (high - start[:, None]) / way
            enter = np.minimum(first, last).max(axis=2)
            leave = np.maximum(first, last).min(axis=2)
            hit = (leave > np.maximum(enter, 0)) & (enter < 1) & (leave > 0.0)
            seen += ~hit.any(axis=1)
        return np.asarray(seen / len(_SPREAD), np.float32)

    def _ambient(self, points: Floats, facing: Floats) -> Floats:
        place = self.place
        base = 0.86 + 0.14 * float(facing[2])
        dark = np.ones(len(points), np.float32)
        half = place.width_m / 2
        gaps = (
            (points[:, 0] + half, 0), (half - points[:, 0], 0),
            (points[:, 1], 1), (place.depth_m - points[:, 1], 1),
            (points[:, 2], 2), (place.height_m - points[:, 2], 2),
        )  # fmt: skip
        for gap, axis in gaps:
            if abs(float(facing[axis])) < 0.5:
                dark *= 1 - 0.30 * np.exp(-np.maximum(gap, 0) / 0.28)
        return np.asarray(base * dark * self._contact(points, facing), np.float32)

    def _contact(self, points: Floats, facing: Floats) -> Floats:
        """Darkening close to furniture, 0..1."""
        start = points + facing * 0.04
        reach = 0.6
        maybe = np.all(
            (self.low < start.max(axis=0) + reach) & (self.high > start.min(axis=0) - reach), axis=1
        )
        low, high = self.low[maybe][None], self.high[maybe][None]
        if low.shape[1] == 0:
            return np.ones(len(points), np.float32)
        outside = np.maximum(np.maximum(low - start[:, None], start[:, None] - high), 0)
        apart = np.sqrt((outside**2).sum(axis=2))
        # A big piece darkens more than a table leg.
        size = np.sqrt(np.prod(np.sort(high[0] - low[0], axis=1)[:, 1:], axis=1))
        weight = np.minimum(0.5, 0.12 + 0.4 * size)
        return np.asarray(np.prod(1 - weight * np.exp(-apart / 0.16), axis=1), np.float32)

    def _bulbs(self, points: Floats, facing: Floats | None) -> Floats:
        if len(self.bulbs) == 0:
            return np.zeros(len(points), np.float32)
        way = self.bulbs[None] - points[:, None]
        apart = np.linalg.norm(way, axis=2)
        cosine = 0.5 if facing is None else np.maximum((way @ facing) / np.maximum(apart, 0.05), 0)
        glow = (cosine * 0.9 + 0.1) / (1 + (apart / 1.3) ** 2)
        return np.asarray(np.minimum(glow.sum(axis=1) * self.place.lamp_power, 2.0), np.float32)


class Panels(Lamps):
    """Light of an endless place: ceiling panels that walls stop, and a wash instead of a key.

    What does not follow the camera (``base``) is worked out once for all shots of the place.
    """

    def __init__(self, place: Place) -> None:
        super().__init__(place, KeyPoint((0.0, 0.0, 2.4), 4.0))
        full = [b for b in place.boxes if b.solid and b.low[2] < 0.05
                and b.high[2] >= place.height_m - 0.01]  # fmt: skip
        self.reach = self._reach(
            np.array([b.low for b in full], np.float32).reshape(-1, 3),
            np.array([b.high for b in full], np.float32).reshape(-1, 3),
        )

    def base(self, points: Floats, normal: tuple[float, float, float]) -> Floats:
        """Ambient and panel light, shape (n, 2)."""
        facing = np.array(normal, np.float32)
        return np.stack([self._ambient(points, facing), self._panels(points, facing)], axis=1)

    def washed(self, key: KeyPoint, points: Floats, normal: tuple[float, float, float],
               base: Floats, emit: float) -> Floats:  # fmt: skip
        """Key, ambient and lamp light, shape (n, 3), with the wash of ``key``."""
        out = np.empty((len(points), 3), np.float32)
        out[:, 0] = self._wash(key, points, np.array(normal, np.float32))
        out[:, 1:] = base
        if emit > 0:
            out *= 0.15
            out[:, 2] += emit
        return out

    def _wash(self, key: KeyPoint, points: Floats, facing: Floats) -> Floats:
        assert key.wash is not None
        x, y, pan_deg, side = key.wash
        pan = math.radians(pan_deg)
        ahead = np.array([math.sin(pan), math.cos(pan)], np.float32)
        right = np.array([math.cos(pan), -math.sin(pan)], np.float32)
        flat = points[:, :2] - np.array([x, y], np.float32)
        across = np.clip((flat @ right) / np.maximum(flat @ ahead, 0.6), -1.2, 1.2)
        way = np.array([*(right * side * 0.75 - ahead * 0.45), 0.4], np.float32)
        wrap = 0.62 + 0.38 * float(facing @ (way / np.linalg.norm(way)))
        return np.asarray(0.62 * wrap * 2.0 ** (_WASH_STOPS * side * across), np.float32)

    def _ambient(self, points: Floats, facing: Floats) -> Floats:
        base = 0.86 + 0.14 * float(facing[2])
        dark = np.ones(len(points), np.float32)
        if abs(float(facing[2])) < 0.5:
            for gap in (points[:, 2], self.place.height_m - points[:, 2]):
                dark *= 1 - 0.30 * np.exp(-np.abs(gap) / 0.25)
        return np.asarray(base * dark * self._near(points, facing), np.float32)

    def _near(self, points: Floats, facing: Floats) -> Floats:
        """Darkening in corners and close to furniture, 0..1."""
        reach = 0.7
        maybe = np.all(
            (self.low < points.max(axis=0) + reach) & (self.high > points.min(axis=0) - reach),
            axis=1,
        )
        # What lies wholly behind a surface takes no light from it.
        axis = int(np.argmax(np.abs(facing)))
        plane = float(points[0, axis])
        ahead = self.high[:, axis] > plane + 0.01
        if facing[axis] < 0:
            ahead = self.low[:, axis] < plane - 0.01
        low, high = self.low[maybe & ahead][None], self.high[maybe & ahead][None]
        if low.shape[1] == 0:
            return np.ones(len(points), np.float32)
        start = (points + facing * 0.03)[:, None]
        apart = np.sqrt((np.maximum(np.maximum(low - start, start - high), 0) ** 2).sum(axis=2))
        size = np.sqrt(np.prod(np.sort(high[0] - low[0], axis=1)[:, 1:], axis=1))
        weight = np.minimum(0.42, 0.10 + 0.3 * size)
        return np.asarray(np.prod(1 - weight * np.exp(-apart / 0.2), axis=1), np.float32)

    def _panels(self, points: Floats, facing: Floats | None) -> Floats:
        """Light of the panels within reach that no wall stands before."""
        low, high = points.min(axis=0), points.max(axis=0)
        apart = np.linalg.norm(
            np.maximum(np.maximum(low[:2] - self.bulbs[:, :2], self.bulbs[:, :2] - high[:2]), 0),
            axis=1,
        )
        near = np.flatnonzero(apart < _LAMP_REACH_M)
        bulbs = self.bulbs[near]
        if len(bulbs) == 0:
            return np.full(len(points), 0.02, np.float32)
        way = bulbs[None] - points[:, None]
        far = np.linalg.norm(way, axis=2)
        cosine = 0.5 if facing is None else np.maximum((way @ facing) / np.maximum(far, 0.05), 0)
        # Tubes are long: near them light falls off slower than from a point.
        glow = (cosine * 0.88 + 0.12) / (1 + (far / 1.45) ** 2) ** 1.25
        glow *= np.clip((_LAMP_REACH_M - far) / 2.0, 0, 1)
        glow *= self._open(-way[..., :2], near)
        return np.asarray(np.minimum(glow.sum(axis=1) * self.place.lamp_power, 2.2), np.float32)

    def _open(self, way: Floats, which: NDArray[np.int_]) -> Floats:
        """How much of the panels ``which`` is seen from points ``way`` (n, panels, 2) from them."""
        angle = np.arctan2(way[..., 1], way[..., 0]) / (2 * math.pi) % 1.0
        place = np.asarray(angle * _RAYS, np.int32) % _RAYS
        reach = self.reach[which][np.arange(len(which))[None], place]
        # A tube is long, so that the edge of a wall's shadow is soft.
        apart = np.hypot(way[..., 0], way[..., 1])
        return np.asarray(np.clip((reach - apart) / 0.3 + 0.8, 0, 1), np.float32)

    def _reach(self, low: Floats, high: Floats) -> Floats:
        """How far the light of each panel goes on the floor plan, by direction; metres."""
        out = np.full((len(self.bulbs), _RAYS), 2 * _LAMP_REACH_M, np.float32)
        angle = (np.arange(_RAYS) + 0.5) / _RAYS * 2 * math.pi
        way = np.stack([np.cos(angle), np.sin(angle)], axis=1).astype(np.float32)
        way = np.where(np.abs(way) < 1e-6, np.float32(1e-6), way)[:, None]
        for row, bulb in zip(out, self.bulbs[:, :2], strict=True):
            near = np.all(
                (low[:, :2] < bulb + _LAMP_REACH_M) & (high[:, :2] > bulb - _LAMP_REACH_M), axis=1
            )
            first, last = (low[near, :2] - bulb)[None] / way, (high[near, :2] - bulb)[None] / way
            enter = np.minimum(first, last).max(axis=2)
            leave = np.maximum(first, last).min(axis=2)
            hit = (leave > np.maximum(enter, 0)) & (leave > 0)
            meets = np.where(hit, np.maximum(enter, 0), 2 * _LAMP_REACH_M)
            row[:] = meets.min(axis=1, initial=2 * _LAMP_REACH_M)
        return out

    def key_strength(self, x: float, y: float, z: float) -> float:
        """The wash on a person: even."""
        return 0.75

    def lamp_strength(self, x: float, y: float, z: float) -> float:
        """Panel light at a point from all around."""
        return float(self._panels(np.array([[x, y, z]], np.float32), None)[0])
