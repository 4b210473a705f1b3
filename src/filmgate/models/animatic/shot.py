"""One shot from its spec: frames, sound, file."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from filmgate.models.animatic import camera as cameras
from filmgate.models.animatic import encode, figure, soundtrack
from filmgate.models.animatic.camera import Motion
from filmgate.models.animatic.colour import Bytes, Developer, Doubles, Floats
from filmgate.models.animatic.light import key_point, rig
from filmgate.models.animatic.plate import paint, stage_set
from filmgate.models.animatic.spec import PersonSpec, ShotSpec

_OVERSAMPLE = 1.5
_GRAIN_TILES = 5
_GRAIN_LEVELS = 1.5


class Sprite:
    """A developed layer: premultiplied picture and what shows through, both (h, w, 3) bytes."""

    def __init__(self, layer: figure.Layer, hide: Bytes | None, develop: Developer) -> None:
        cover = layer.cover
        if hide is not None:
            cover = cover * (1 - _crop(hide, layer))
        bare = layer.linear / np.maximum(layer.cover, 1e-3)[..., None]
        picture = develop(bare).astype(np.float32) * cover[..., None]
        self.picture: Bytes = np.asarray(np.round(picture), np.uint8)
        through = np.asarray(np.round((1 - cover) * 255), np.uint8)
        self.through: Bytes = np.repeat(through[..., None], 3, axis=2)
        self.left, self.top = layer.left_px, layer.top_px

    def over(self, frame: Bytes, to_frame: Doubles) -> None:
        """Lay this sprite over ``frame``; ``to_frame`` maps plate to frame pixels."""
        high, wide = self.picture.shape[:2]
        corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float64)
        corners += [self.left, self.top]
        seen = corners @ to_frame[:, :2].T + to_frame[:, 2]
        x0, y0 = (max(0, math.floor(v) - 1) for v in seen.min(axis=0))
        x1 = min(frame.shape[1], math.ceil(float(seen[:, 0].max())) + 1)
        y1 = min(frame.shape[0], math.ceil(float(seen[:, 1].max())) + 1)
        if x1 <= x0 or y1 <= y0:
            return
        move = to_frame.copy()
        move[:, 2] += to_frame[:, :2] @ [self.left, self.top] - [x0, y0]
        size = (x1 - x0, y1 - y0)
        picture = cv2.warpAffine(self.picture, move, size, flags=cv2.INTER_LINEAR)
        through = cv2.warpAffine(
            self.through, move, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT,
            borderValue=(255, 255, 255),
        )  # fmt: skip
        behind = frame[y0:y1, x0:x1]
        behind[:] = cv2.add(cv2.multiply(behind, through, scale=1 / 255), picture)


def _crop(hide: Bytes, layer: figure.Layer) -> Floats:
    """The part of the plate mask ``hide`` under ``layer``, 0..1, 0 outside the plate."""
    high, wide = layer.cover.shape
    out = np.zeros((high, wide), np.float32)
    x0, y0 = max(layer.left_px, 0), max(layer.top_px, 0)
    x1, y1 = min(layer.left_px + wide, hide.shape[1]), min(layer.top_px + high, hide.shape[0])
    if x1 > x0 and y1 > y0:
        out[y0 - layer.top_px : y1 - layer.top_px, x0 - layer.left_px : x1 - layer.left_px] = (
            hide[y0:y1, x0:x1].astype(np.float32) / 255
        )
    return out


class Actor:
    """One person in one shot: sprites and their motion."""

    def __init__(self, person: PersonSpec, drawn: figure.Figure, hide: Bytes | None,
                 develop: Developer, nearness: float, seed: int, rate: int) -> None:  # fmt: skip
        self.person, self.drawn, self.nearness, self.rate = person, drawn, nearness, rate
        self.body = Sprite(drawn.body, hide, develop)
        self.heads = [Sprite(head, hide, develop) for head in drawn.heads]
        self.arm = None if drawn.arm is None else Sprite(drawn.arm, hide, develop)
        rng = np.random.default_rng([seed, sum(person.name.encode()), 41])
        self.phase = rng.uniform(0, 2 * math.pi, 6)
        self.blinks = np.cumsum(rng.uniform(1.6, 4.2, 64)) - rng.uniform(0, 1.5)

    def over(self, frame: Bytes, to_frame: Doubles, index: int) -> None:
        """Lay this person over ``frame`` number ``index``."""
        time_s, drawn = index / self.rate, self.drawn
        sway = 0.35 * math.sin(2 * math.pi * 0.23 * time_s + self.phase[0])
        stand = _about(drawn.foot_px, sway, 1 + 0.0012 * math.sin(1.6 * time_s + self.phase[1]))
        nod = 1.3 * math.sin(2 * math.pi * 0.4 * time_s + self.phase[2])
        nod += 0.7 * math.sin(2 * math.pi * 1.1 * time_s + self.phase[3])
        body = _chain(to_frame, stand)
        self.body.over(frame, body)
        head = _chain(body, _about(drawn.neck_px, nod * (1.0 if self.person.talking else 0.5), 1.0))
        self.heads[self._expression(time_s)].over(frame, head)
        if self.arm is not None:
            swing = 9 * math.sin(2 * math.pi * 0.55 * time_s + self.phase[4])
            swing += 4 * math.sin(2 * math.pi * 1.3 * time_s + self.phase[5])
            turned = _about(drawn.elbow_px, swing * self.person.gesture, 1.0)
            self.arm.over(frame, _chain(body, turned))

    def _expression(self, time_s: float) -> int:
        """0 at rest, 1 eyes shut, 2 mouth open."""
        if bool(np.any((time_s >= self.blinks) & (time_s < self.blinks + 0.14))):
            return 1
        # Two speeds against each other: syllables that do not tick like a clock.
        chatter = math.sin(2 * math.pi * 2.9 * time_s + self.phase[3])
        chatter += 0.8 * math.sin(2 * math.pi * 1.1 * time_s + self.phase[4])
        return 2 if self.person.talking and chatter > 0.55 else 0


def _about(pivot: tuple[float, float], turn_deg: float, zoom: float) -> Doubles:
    """A 2 x 3 turn and zoom about ``pivot``."""
    return np.asarray(cv2.getRotationMatrix2D(pivot, turn_deg, zoom), dtype=np.float64)


def _chain(outer: Doubles, inner: Doubles) -> Doubles:
    """First ``inner``, then ``outer``."""
    return np.column_stack([outer[:, :2] @ inner[:, :2], outer[:, :2] @ inner[:, 2] + outer[:, 2]])


class Scene:
    """Everything of a shot that is made once: plate, actors, motion; then frame by frame."""

    def __init__(self, spec: ShotSpec) -> None:
        self.spec = spec
        scene = stage_set(spec.place)
        self.place = scene.place
        key = key_point(scene.place, spec.light, spec.camera)
        self.view = cameras.plate_view(spec, 1.0)
        large = cameras.plate_view(spec, _OVERSAMPLE)
        out_px = (self.view.wide_px, self.view.high_px)
        people = sorted(spec.people, key=lambda p: -self._depth(p))
        people = [person for person in people if self._depth(person) > 0.45]
        feet = [(person.x_m, person.y_m) for person in people]
        plate = paint(scene, large, key, rig(spec.light, scene.place), feet, out_px)
        linear = self._soften(plate.linear)
        if scene.place.endless:
            linear = _bloomed(linear)
        for person in people:
            self._contact(linear, person, np.array(key.position))
        develop = Developer(spec.grade.slope, spec.grade.offset, spec.grade.power,
                            spec.grade.saturation)  # fmt: skip
        self.background = develop(linear)
        lamps = scene.lamps_of(key)
        self.actors = []
        for person, hide in zip(people, plate.hides, strict=True):
            drawn = self._figure(person, lamps.key_strength(person.x_m, person.y_m, 1.4),
                                 lamps.lamp_strength(person.x_m, person.y_m, 1.4),
                                 np.array(key.position))  # fmt: skip
            nearness = max(1.0, min(2.0, (self._depth(person) + 2.5) / (self._depth(person) + 0.5)))
            self.actors.append(Actor(person, drawn, hide, develop, nearness, spec.seed, spec.rate))
        self.motion = Motion(spec, *out_px)
        self.still: Bytes | None = None

    def _depth(self, person: PersonSpec) -> float:
        """Distance of a person along the view, metres."""
        foot = np.array([person.x_m, person.y_m, 1.2])
        return float(self.view.to_camera(foot)[2])

    def _soften(self, linear: Floats) -> Floats:
        """Depth of field: a long lens focused near softens the set behind."""
        camera = self.spec.camera
        if camera.focus_m <= 0:
            return linear
        # Blur disc of a far background at f/4, in frame pixels; held back to stay readable.
        blur_mm = camera.lens_mm**2 / 4 / (camera.focus_m * 1000)
        sigma_px = 0.35 * blur_mm / 36 * self.spec.size[0] * 0.5
        if sigma_px < 0.35:
            return linear
        return np.asarray(cv2.GaussianBlur(linear, (0, 0), min(sigma_px, 6.0)), np.float32)

    def _contact(self, linear: Floats, person: PersonSpec, key: Doubles) -> None:
        """Soft shadows of a person on the floor: one underfoot, one away from the key."""
        away = np.array([person.x_m, person.y_m]) - key[:2]
        away = away / max(float(np.linalg.norm(away)), 1e-6)
        side = np.array([-away[1], away[0]])
        long_m = min(1.7, 1.5 * float(np.hypot(*(key[:2] - [person.x_m, person.y_m]))) / key[2])
        foot = np.array([person.x_m, person.y_m])
        turns = np.linspace(0, 2 * math.pi, 20, endpoint=False)
        disc = np.stack([np.cos(turns) * 0.28, np.sin(turns) * 0.2], axis=1)
        reach = np.array([foot + side * 0.16, foot + away * long_m + side * 0.24,
                          foot + away * (long_m + 0.25), foot + away * long_m - side * 0.24,
                          foot - side * 0.16])  # fmt: skip
        for outline, dark, soft_m in ((reach, 0.38, 0.16), (foot + disc, 0.5, 0.1)):
            points = np.column_stack([outline, np.full(len(outline), 0.01)])
            if self.view.to_camera(points)[:, 2].min() < 0.3:
                continue
            flat = self.view.project(points)
            scale = self.view.focal_px / self._depth(person)
            mask = np.zeros(linear.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.round(np.clip(flat, -3000, 6000)).astype(np.int32)], 255)
            x, y, wide, high = cv2.boundingRect(mask)
            if wide == 0:
                continue
            pad = math.ceil(soft_m * scale * 2) + 2
            y0, y1 = max(0, y - pad), y + high + pad
            x0, x1 = max(0, x - pad), x + wide + pad
            piece = cv2.GaussianBlur(mask[y0:y1, x0:x1], (0, 0), max(0.8, soft_m * scale * 0.7),
                                     sigmaY=max(0.8, soft_m * scale * 0.25))  # fmt: skip
            linear[y0:y1, x0:x1] *= 1 - (piece.astype(np.float32) / 255 * dark)[..., None]

    def _figure(self, person: PersonSpec, key_gain: float, lamp_gain: float,
                key: Doubles) -> figure.Figure:  # fmt: skip
        view, light = self.view, self.spec.light
        depth = self._depth(person)
        # The billboard stands upright at the depth of the person's middle.
        middle = view.to_camera(np.array([person.x_m, person.y_m, 1.2]))
        scale = view.focal_px / depth
        anchor = (view.wide_px / 2 + middle[0] * scale,
                  view.high_px / 2 + middle[1] * scale + 1.2 * scale)  # fmt: skip
        pan = math.degrees(math.atan2(*(view.position[:2] - [person.x_m, person.y_m])))
        yaw = (pan - person.facing_deg + 180) % 360 - 180
        way = view.turn @ (key - np.array([person.x_m, person.y_m, 1.45]))
        way = way / np.linalg.norm(way)
        matrix = rig(light, self.place)
        glow = figure.Glow(np.array([way[0], way[1], -way[2]]), matrix[:, 0] * key_gain,
                           matrix[:, 1], matrix[:, 2] * min(lamp_gain, 0.5) * 0.8)  # fmt: skip
        rising = person.gesture > 0.05 and abs(yaw) < 100
        return figure.draw(person, yaw, scale, anchor, (view.wide_px, view.high_px), glow, rising)

    def frame(self, index: int) -> Bytes:
        """Frame ``index`` before mirror and grain."""
        size = self.spec.size
        to_frame = self.motion.matrix(index)
        if self.still is None or not self.motion.static:
            self.still = np.asarray(
                cv2.warpAffine(self.background, to_frame, size, flags=cv2.INTER_LINEAR,
                               borderMode=cv2.BORDER_REPLICATE), np.uint8)  # fmt: skip
        out = self.still.copy() if self.motion.static else self.still
        for actor in self.actors:
            actor.over(out, self.motion.matrix(index, actor.nearness), index)
        return cv2.multiply(out, _vignette(*size), scale=1 / 255).astype(np.uint8, copy=False)


def _bloomed(linear: Floats) -> Floats:
    """Bright panels bleed a little into what is around them, as through an old lens."""
    small = cv2.resize(linear, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    bright = cv2.GaussianBlur(np.maximum(small - 0.9, 0), (0, 0), max(1.0, small.shape[1] / 70))
    back = cv2.resize(bright, linear.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(linear + 0.22 * back, np.float32)


@lru_cache(maxsize=4)
def _vignette(wide: int, high: int) -> Bytes:
    """Fall-off of the lens towards the corners, as bytes to multiply with."""
    y, x = np.mgrid[0:high, 0:wide].astype(np.float32)
    radius = ((x - wide / 2) ** 2 + (y - high / 2) ** 2) / ((wide / 2) ** 2 + (high / 2) ** 2)
    gain = np.round(255 * (1 - 0.20 * radius**1.4))
    return np.repeat(gain.astype(np.uint8)[..., None], 3, axis=2)


@lru_cache(maxsize=2)
def _grain(wide: int, high: int, strength: float) -> tuple[tuple[Bytes, Bytes], ...]:
    """Tiles of film grain with a margin of 64 px, each as what to add and what to take away."""
    tiles = []
    for number in range(_GRAIN_TILES):
        rng = np.random.default_rng([number, 51])
        raw = rng.normal(0, 1, (high + 64, wide + 64)).astype(np.float32)
        soft = cv2.GaussianBlur(raw, (0, 0), 0.75)
        level = np.round(soft / soft.std() * _GRAIN_LEVELS * strength)
        plus = np.clip(level, 0, 40).astype(np.uint8)
        minus = np.clip(-level, 0, 40).astype(np.uint8)
        tiles.append((cv2.merge([plus] * 3), cv2.merge([minus] * 3)))
    return tuple((np.asarray(a, np.uint8), np.asarray(b, np.uint8)) for a, b in tiles)


def clean_frames(spec: ShotSpec) -> Iterator[Bytes]:
    """Frames of ``spec`` with mirror, without grain: (height, width, 3) sRGB bytes."""
    # Imported here: a drift makes a new spec, and this module draws what specs say.
    from filmgate.models.animatic.drift import ramped

    start = Scene(dataclasses.replace(spec, ramp=None))
    end = None if spec.ramp is None else Scene(ramped(spec))
    until = None if spec.ramp is None else spec.ramp.until
    for index in range(spec.frames):
        out = start.frame(index)
        if end is not None and not (until is not None and index >= until):
            part = index / max(spec.frames - 1, 1)
            out = np.asarray(cv2.addWeighted(out, 1 - part, end.frame(index), part, 0), np.uint8)
        yield np.asarray(cv2.flip(out, 1), np.uint8) if spec.mirror else out


def frames(spec: ShotSpec) -> Iterator[Bytes]:
    """Frames of ``spec`` as they are encoded: (height, width, 3) sRGB bytes."""
    if spec.grain == 0:
        yield from clean_frames(spec)
        return
    wide, high = spec.size
    tiles = _grain(wide, high, spec.grain)
    rng = np.random.default_rng([spec.seed, 61])
    for picture in clean_frames(spec):
        plus, minus = tiles[int(rng.integers(_GRAIN_TILES))]
        x, y = (int(v) for v in rng.integers(0, 64, 2))
        box = (slice(y, y + high), slice(x, x + wide))
        yield np.asarray(cv2.subtract(cv2.add(picture, plus[box]), minus[box]), np.uint8)


def audio(spec: ShotSpec) -> Floats:
    """The sound of ``spec``: float32 (n,), 48 kHz mono."""
    return soundtrack.soundtrack(spec)


def render(spec: ShotSpec, path: Path | str, *, crf: float | None = None,
           bit_rate: int | None = None, gop: int = 24, preset: str = "ultrafast",
           rate: Fraction | None = None, sound: bool = True) -> None:  # fmt: skip
    """Render ``spec`` into the MP4 file ``path``: the same spec gives the same bytes.

    Args:
        spec: The shot.
        path: File to write; its folder must exist.
        crf: x264 constant quality, 20 when neither this nor ``bit_rate`` is given.
        bit_rate: Average bit rate in bit/s instead of ``crf``.
        gop: Longest distance between key frames, frames.
        preset: x264 preset; slower ones pack better.
        rate: Frames per second as written to the file where they are no whole number (24000/1001);
            ``spec.rate`` by default.
        sound: Whether the file has a sound track.
    """
    encode.write(Path(path), frames(spec), audio(spec) if sound else None, size=spec.size,
                 rate=rate or spec.rate, crf=crf, bit_rate=bit_rate, gop=gop,
                 preset=preset)  # fmt: skip
