"""Light in a place: per-surface maps of key, ambient and lamp light, with soft cast shadows.

A map keeps three numbers per texel, free of colour and level, so that a light change that moves
nothing (level, colour temperature, fill) costs no new map: key visibility times cosine times
fall-off, ambient with corner darkening, and lamps plus own emission. Each lies in 0..RANGE.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from filmgate.models.animatic.colour import Doubles, Floats, tint
from filmgate.models.animatic.place import Place
from filmgate.models.animatic.spec import LightSpec

# Shadow rays end at these places around the key, in metres: a lamp of about half a metre.
_SPREAD = np.array(
    [[0.0, 0.0, 0.0], [0.32, 0.1, 0.12], [-0.28, 0.2, -0.1], [0.08, -0.3, 0.2], [-0.1, 0.05, -0.3]]
)
_LAMP_COLOUR = np.array([1.0, 0.86, 0.68])


class KeyPoint(NamedTuple):
    """Where the key hangs, and at which distance it has its nominal strength (metres)."""

    position: tuple[float, float, float]
    reach_m: float


def key_point(place: Place, light: LightSpec) -> KeyPoint:
    """The key of ``light``, aimed at the stage of ``place``."""
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


def rig(light: LightSpec) -> Doubles:
    """3 x 3 matrix from (key, ambient, lamps) to linear RGB."""
    gain = 2.0**light.level_stops
    colour = tint(light.cct_k, light.balance_k)
    lamps = _LAMP_COLOUR * 2.0**light.lamps_stops
    return np.stack([colour * gain * 0.95, colour * gain * light.fill * 0.8, lamps], axis=1)


class Lamps:
    """The light of one key in one place, asked point by point."""

    def __init__(self, place: Place, key: KeyPoint) -> None:
        self.place = place
        self.key = np.array(key.position, np.float32)
        self.reach_m = key.reach_m
        solid = [box for box in place.boxes if box.solid]
        self.low = np.array([box.low for box in solid], np.float32)
        self.high = np.array([box.high for box in solid], np.float32)
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
