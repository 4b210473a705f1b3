"""People: body and clothes as shaded layers, lit by the key of the scene.

A figure is drawn once per shot in two layers (body with head in three expressions, gesturing
forearm); per frame they are only moved. Lengths in metres, y up from the floor, x to picture right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from filmgate.models.animatic.colour import Doubles, Floats, colour_of, to_linear
from filmgate.models.animatic.face import Looks, draw_head, looks_of, normals, smoothed
from filmgate.models.animatic.spec import PersonSpec

DEFAULT_WARDROBE = {"shirt": "white", "trousers": "charcoal", "shoes": "black"}
Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Glow:
    """Light on a person: unit vector to the key (right, down, towards camera), linear colours."""

    towards: Doubles
    key: Doubles
    fill: Doubles
    lamps: Doubles


@dataclass(frozen=True, slots=True)
class Layer:
    """A lit picture: linear premultiplied (h, w, 3), cover (h, w), and its top left on canvas."""

    linear: Floats
    cover: Floats
    left_px: int
    top_px: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A person ready to be composed; pixels of the canvas start at the given plate pixel."""

    body: Layer
    heads: tuple[Layer, Layer, Layer]
    arm: Layer | None
    elbow_px: tuple[float, float]
    neck_px: tuple[float, float]
    foot_px: tuple[float, float]
    px_per_m: float


class Canvas:
    """The part of the plate a person may cover; parts are painted back to front onto it."""

    def __init__(self, wide_px: int, high_px: int, foot_px: tuple[float, float],
                 px_per_m: float, glow: Glow, seed: int) -> None:  # fmt: skip
        self.wide, self.high, self.foot, self.scale = wide_px, high_px, foot_px, px_per_m
        self.glow = glow
        self.rng = np.random.default_rng([seed, 21])
        self.linear: Floats = np.zeros((high_px, wide_px, 3), np.float32)
        self.cover: Floats = np.zeros((high_px, wide_px), np.float32)

    def flat(self, points: Points) -> Doubles:
        """Metres on the person to canvas pixels."""
        array = np.array(points, np.float64)
        return np.stack(
            [self.foot[0] + array[:, 0] * self.scale, self.foot[1] - array[:, 1] * self.scale], 1
        )

    def part(self, points: Points, rgb: Doubles, *, round_m: float = 0.1, folds: float = 0.0,
             lean: float = 0.0, gain: float = 1.0, smooth: int = 3) -> None:  # fmt: skip
        """Paint one closed shape: swollen by ``round_m``, with ``folds`` of cloth."""
        shape = self.flat(smoothed(points, smooth))
        pad = 3
        x0, y0 = (max(0, math.floor(v) - pad) for v in shape.min(axis=0))
        x1 = min(self.wide, math.ceil(float(shape[:, 0].max())) + pad)
        y1 = min(self.high, math.ceil(float(shape[:, 1].max())) + pad)
        if x1 - x0 < 2 or y1 - y0 < 2:
            return
        # Border of one part below the canvas: the shape goes on there and must not be rounded off.
        extra = min(60, math.ceil(round_m * self.scale)) if y1 == self.high else 0
        mask = np.zeros((y1 - y0 + extra, x1 - x0), np.uint8)
        fixed = np.round((shape - [x0, y0]) * 16).astype(np.int32)
        cv2.fillPoly(mask, [fixed], 255, cv2.LINE_AA, 4)
        height = self._swell(mask, round_m, folds, lean)
        normal = normals(height, max(0.6, 0.006 * self.scale))[: y1 - y0]
        cover = np.asarray(mask[: y1 - y0].astype(np.float32) / 255, np.float32)
        lit: Floats = shade(normal, np.asarray(rgb * gain, np.float32)[None, None], self.glow)
        if folds:
            lit *= self._weave(cover.shape)[..., None]
        self._lay(lit, cover, x0, y0)

    def _swell(self, mask: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], round_m: float,
               folds: float, lean: float) -> Floats:  # fmt: skip
        """A height field over ``mask``: rounded edges, and folds hanging along ``lean``."""
        reach = max(1.5, round_m * self.scale)
        inside = cv2.distanceTransform((mask > 127).astype(np.uint8), cv2.DIST_L2, 3)
        t = np.clip(inside / reach, 0, 1)
        height = np.asarray(reach * 0.8 * np.sqrt(t * (2 - t)), np.float32)
        if folds:
            grid = (max(3, round(mask.shape[0] / (0.16 * self.scale) + 2)),
                    max(3, round(mask.shape[1] / (0.05 * self.scale) + 2)))  # fmt: skip
            waves = self.rng.normal(0, 1, grid).astype(np.float32)
            soft = cv2.resize(waves, mask.shape[::-1], interpolation=cv2.INTER_CUBIC)
            slope = np.array([[1, lean, -lean * mask.shape[0] / 2], [0, 1, 0]], np.float64)
            soft = cv2.warpAffine(soft, slope, mask.shape[::-1], borderMode=cv2.BORDER_REFLECT)
            height = height + soft * np.float32(folds * 0.012 * self.scale)
        return np.asarray(height, np.float32)

    def _weave(self, shape: tuple[int, ...]) -> Floats:
        """Fine texture of cloth, mean 1."""
        fine = self.rng.normal(0, 0.02, (max(2, shape[0]), max(2, shape[1]))).astype(np.float32)
        return np.asarray(1 + cv2.GaussianBlur(fine, (0, 0), 0.7), np.float32)

    def line(self, points: Points, wide_m: float, dark: float) -> None:
        """Darken along an open line: a seam, a lapel, an edge."""
        mask = np.zeros((self.high, self.wide), np.uint8)
        shape = np.round(np.clip(self.flat(points), -2000, 4000) * 16).astype(np.int32)
        thick = max(1, round(wide_m * self.scale))
        cv2.polylines(mask, [shape], False, 255, thick, cv2.LINE_AA, 4)
        x, y, w, h = cv2.boundingRect(mask)
        if w == 0:
            return
        box = (slice(y, y + h), slice(x, x + w))
        self.linear[box] *= 1 - (mask[box].astype(np.float32) / 255 * dark)[..., None]

    def shadow(self, points: Points, soft_m: float, dark: float) -> None:
        """A soft dark patch on what is painted so far, such as under the chin."""
        mask = np.zeros((self.high, self.wide), np.float32)
        shape = np.round(np.clip(self.flat(points), -2000, 4000)).astype(np.int32)
        cv2.fillPoly(mask, [shape], 1.0)
        soft = cv2.blur(mask, (max(3, round(soft_m * self.scale)),) * 2)
        self.linear *= 1 - (soft * dark)[..., None]

    def _lay(self, lit: Floats, cover: Floats, x0: int, y0: int) -> None:
        high, wide = cover.shape
        box = (slice(y0, y0 + high), slice(x0, x0 + wide))
        self.linear[box] = self.linear[box] * (1 - cover[..., None]) + lit * cover[..., None]
        self.cover[box] = self.cover[box] * (1 - cover) + cover

    def layer(self) -> Layer:
        """What was painted, cut to its bounds."""
        x, y, wide, high = cv2.boundingRect((self.cover > 0.002).astype(np.uint8))
        wide, high = max(wide, 1), max(high, 1)
        box = (slice(y, y + high), slice(x, x + wide))
        return Layer(self.linear[box].copy(), self.cover[box].copy(), x, y)


def shade(normal: Floats, colour: Floats, glow: Glow) -> Floats:
    """Surface ``colour`` (linear) under ``glow``: wrapped key, fill from above, lamps."""
    towards = glow.towards.astype(np.float32)
    facing = normal @ towards
    key = np.clip(0.88 * facing + 0.12, 0, None)[..., None]
    sky = 0.82 - 0.22 * normal[..., 1:2] + 0.04 * normal[..., 2:]
    light = key * glow.key.astype(np.float32) + sky * glow.fill.astype(np.float32)
    return np.asarray(colour * (light + glow.lamps.astype(np.float32)), np.float32)


def _limb(joints: Points, widths: list[float]) -> Points:
    """An outline around a bent limb, half ``widths`` at each joint."""
    array = np.array(joints, np.float64)
    ahead = np.gradient(array, axis=0)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-6)
    side = np.stack([-ahead[:, 1], ahead[:, 0]], 1) * np.array(widths)[:, None]
    return [(float(x), float(y)) for x, y in np.vstack([array + side, (array - side)[::-1]])]


def wardrobe_of(person: PersonSpec) -> dict[str, Doubles]:
    """Linear colours of what ``person`` wears."""
    worn = DEFAULT_WARDROBE | person.wardrobe
    return {part: to_linear(colour_of(text)) for part, text in worn.items()}


def draw(person: PersonSpec, yaw_deg: float, px_per_m: float, foot_px: tuple[float, float],
         size_px: tuple[int, int], glow: Glow, rising: bool) -> Figure:  # fmt: skip
    """Draw ``person`` seen ``yaw_deg`` from their front, standing at ``foot_px`` of the plate.

    ``rising``: whether the near arm is raised in a gesture (it is a layer of its own).
    """
    looks = looks_of(person.seed)
    scale = px_per_m * person.size
    canvas = Canvas(size_px[0], size_px[1], foot_px, scale, glow, person.seed)
    worn = wardrobe_of(person)
    back = abs((yaw_deg + 180) % 360 - 180) > 100
    turn = math.radians(yaw_deg)
    narrow = 0.62 + 0.38 * abs(math.cos(turn))
    shift = 0.10 * math.sin(turn)
    tall = looks.tall_m
    skin = to_linear(np.array(looks.skin))
    if looks.style == "long":
        _long_hair(canvas, looks, tall, narrow)
    _legs(canvas, worn, tall, narrow)
    _torso(canvas, worn, skin, looks, narrow, shift, back)
    sleeve = worn.get("jacket", worn["shirt"])
    free = 1 if shift >= 0 else -1
    _arm(canvas, -free if rising else free, sleeve, skin, looks, narrow)
    if not rising:
        _arm(canvas, -free, sleeve, skin, looks, narrow)
    arm, elbow = None, (0.0, 0.0)
    if rising:
        arm, elbow = _gesture(canvas, person, free, sleeve, skin, looks, narrow)
    heads = _heads(canvas, looks, yaw_deg, glow, shift)
    neck = canvas.flat([(shift * 0.3, tall - 0.26)])[0]
    return Figure(canvas.layer(), heads, arm, elbow, (float(neck[0]), float(neck[1])),
                  foot_px, scale)  # fmt: skip


def _long_hair(canvas: Canvas, looks: Looks, tall: float, narrow: float) -> None:
    lock = to_linear(np.array(looks.hair))
    half = 0.115 * narrow + 0.01
    canvas.part([(-half * 0.8, tall - 0.03), (half * 0.8, tall - 0.03), (half, tall - 0.2),
                 (half * 1.12, tall - 0.4), (-half * 1.12, tall - 0.4), (-half, tall - 0.2)],
                lock, round_m=0.06, folds=0.8)  # fmt: skip


def _legs(canvas: Canvas, worn: dict[str, Doubles], tall: float, narrow: float) -> None:
    hip = tall * 0.50
    for side in (-1, 1):
        x = side * 0.088 * narrow
        canvas.part([(x * 1.1 - 0.05, 0.075), (x * 1.1 + 0.05, 0.075), (x * 1.25 + 0.05, 0.02),
                     (x * 1.25 + 0.045, 0), (x * 1.25 - 0.045, 0), (x * 1.25 - 0.05, 0.02)],
                    worn["shoes"], round_m=0.03)  # fmt: skip
        canvas.part(_limb([(x * 0.95, hip + 0.06), (x * 1.05, hip * 0.55), (x * 1.1, 0.05)],
                          [0.098, 0.075, 0.062]), worn["trousers"], round_m=0.07, folds=0.7,
                    lean=0.1 * side, smooth=2)  # fmt: skip


def _torso(canvas: Canvas, worn: dict[str, Doubles], skin: Doubles, looks: Looks, narrow: float,
           shift: float, back: bool) -> None:  # fmt: skip
    tall, build = looks.tall_m, looks.build * narrow
    jacket = "jacket" in worn
    outer = worn["jacket"] if jacket else worn["shirt"]
    hem = tall * (0.47 if jacket else 0.52)
    sw = 0.205 * build
    body: Points = [
        (-0.065 * narrow, tall - 0.262), (-sw * 0.78, tall - 0.305), (-sw, tall - 0.35),
        (-sw * 0.95, tall - 0.48), (-sw * 0.82, tall - 0.66), (-sw * 0.92, hem),
        (sw * 0.92, hem), (sw * 0.82, tall - 0.66), (sw * 0.95, tall - 0.48), (sw, tall - 0.35),
        (sw * 0.78, tall - 0.305), (0.065 * narrow, tall - 0.262),
    ]  # fmt: skip
    canvas.part(body, outer, round_m=0.12, folds=0.9, lean=0.25, smooth=2)
    neck: Points = [(-0.051, tall - 0.15), (0.051, tall - 0.15), (0.058, tall - 0.29),
                    (0.0, tall - 0.335), (-0.058, tall - 0.29)]  # fmt: skip
    neck = [(x + shift * 0.35, y) for x, y in neck]
    if back:
        canvas.part([(x, min(y + 0.06, tall - 0.1)) for x, y in neck], skin, round_m=0.05)
        canvas.part([(-0.075, tall - 0.245), (0.075, tall - 0.245), (0.1, tall - 0.285),
                     (-0.1, tall - 0.285)], outer, round_m=0.02, gain=0.92)  # fmt: skip
        canvas.line([(0, tall - 0.30), (0, hem)], 0.004, 0.35)
        return
    if jacket:
        _opening(canvas, worn["shirt"], tall, shift, hem, narrow)
    canvas.part(neck, skin, round_m=0.05)
    canvas.shadow([(x, y - 0.035) for x, y in neck[:2]] + [(0.06 + shift, tall - 0.26),
                  (-0.06 + shift, tall - 0.26)], 0.05, 0.45)  # fmt: skip
    collar = worn["shirt"]
    for side in (-1, 1):
        x = shift * 0.4
        canvas.part([(x + side * 0.056, tall - 0.238), (x + side * 0.070, tall - 0.262),
                     (x + side * 0.066, tall - 0.318), (x + side * 0.040, tall - 0.338),
                     (x + side * 0.002, tall - 0.318), (x + side * 0.042, tall - 0.278)],
                    collar, round_m=0.02, gain=1.04, smooth=1)  # fmt: skip
    canvas.line([(shift * 0.7, tall - 0.335), (shift, tall - 0.6), (shift, hem + 0.01)], 0.004, 0.4)
    for step in range(5):
        y = tall - 0.40 - 0.10 * step
        canvas.line([(shift * 0.85 + 0.012, y), (shift * 0.85 + 0.016, y)], 0.011, 0.55)


def _opening(canvas: Canvas, shirt: Doubles, tall: float, shift: float, hem: float,
             narrow: float) -> None:  # fmt: skip
    """The shirt in the opening of a jacket, and the lapels."""
    x, wide = shift * 0.5, 0.075 * narrow
    canvas.part([(x - wide * 0.9, tall - 0.265), (x + wide * 0.9, tall - 0.265),
                 (shift * 0.8 + wide * 0.75, tall - 0.42), (shift + wide * 0.35, hem + 0.02),
                 (shift - wide * 0.35, hem + 0.02), (shift * 0.8 - wide * 0.75, tall - 0.42)],
                shirt, round_m=0.06, folds=0.5, smooth=1)  # fmt: skip
    for side in (-1, 1):
        edge = shift * 0.8 + side * wide * 0.72
        canvas.line([(x + side * wide * 0.9, tall - 0.265), (edge, tall - 0.42),
                     (shift + side * wide * 0.35, hem + 0.02)], 0.008, 0.45)  # fmt: skip
        canvas.line([(x + side * wide * 1.15, tall - 0.275), (edge + side * 0.05, tall - 0.40),
                     (edge + side * 0.012, tall - 0.50)], 0.005, 0.35)  # fmt: skip
        pocket = shift * 0.4 + side * 0.125 * narrow
        canvas.line([(pocket - 0.05, tall - 0.72), (pocket + 0.05, tall - 0.72)], 0.006, 0.4)


def _arm(canvas: Canvas, side: int, sleeve: Doubles, skin: Doubles, looks: Looks,
         narrow: float) -> None:  # fmt: skip
    tall, sw = looks.tall_m, 0.205 * looks.build * narrow
    wrist = (side * (sw + 0.028), tall - 0.865)
    _hand(canvas, wrist, -math.pi / 2 - side * 0.1, skin)
    canvas.part(_limb([*_shoulder(side, sw, tall), (side * (sw + 0.028), tall - 0.62),
                       (side * (sw + 0.034), tall - 0.76), wrist],
                      [0.004, 0.034, 0.052, 0.050, 0.044, 0.040, 0.036]), sleeve, round_m=0.06,
                folds=0.8, lean=-0.6 * side, smooth=2)  # fmt: skip


def _shoulder(side: int, sw: float, tall: float) -> Points:
    """Joints from the slope of the shoulder down the upper arm."""
    return [(side * (sw - 0.085), tall - 0.303), (side * (sw - 0.035), tall - 0.335),
            (side * (sw - 0.008), tall - 0.39), (side * (sw + 0.010), tall - 0.50)]  # fmt: skip


def _hand(canvas: Canvas, wrist: tuple[float, float], angle: float, skin: Doubles) -> None:
    """A relaxed hand from ``wrist`` along ``angle``."""
    way = np.array([math.cos(angle), math.sin(angle)])
    side = np.array([-way[1], way[0]])
    start = np.array(wrist) - way * 0.03
    palm = [start + side * 0.026, start + way * 0.07 + side * 0.040,
            start + way * 0.15 + side * 0.034,
            start + way * 0.19 + side * 0.008, start + way * 0.18 - side * 0.018,
            start + way * 0.10 - side * 0.036, start - side * 0.026]  # fmt: skip
    canvas.part([(float(x), float(y)) for x, y in palm], skin, round_m=0.025, smooth=2)
    thumb = [start + way * 0.05 + side * 0.03, start + way * 0.1 + side * 0.058,
             start + way * 0.125 + side * 0.05, start + way * 0.1 + side * 0.03]  # fmt: skip
    canvas.part([(float(x), float(y)) for x, y in thumb], skin, round_m=0.012, smooth=2)
    for offset in (-0.012, 0.006, 0.022):
        first, last = start + way * 0.12 + side * offset, start + way * 0.18 + side * offset * 0.8
        canvas.line([(float(first[0]), float(first[1])), (float(last[0]), float(last[1]))],
                    0.003, 0.3)  # fmt: skip


def _gesture(canvas: Canvas, person: PersonSpec, side: int, sleeve: Doubles, skin: Doubles,
             looks: Looks, narrow: float) -> tuple[Layer, tuple[float, float]]:  # fmt: skip
    """The upper arm on the body, and the raised forearm as a layer that turns at the elbow."""
    tall, sw = looks.tall_m, 0.205 * looks.build * narrow
    elbow = (side * (sw + 0.045), tall - 0.625)
    canvas.part(_limb([*_shoulder(side, sw, tall), (elbow[0] - side * 0.008, elbow[1]),
                       (elbow[0], elbow[1] - 0.04)],
                      [0.004, 0.034, 0.052, 0.050, 0.044, 0.040]), sleeve, round_m=0.06,
                folds=0.8, lean=-0.6 * side, smooth=2)  # fmt: skip
    above = Canvas(canvas.wide, canvas.high, canvas.foot, canvas.scale, canvas.glow,
                   person.seed + 1)  # fmt: skip
    wrist = (side * (sw - 0.085), tall - 0.665)
    _hand(above, wrist, math.atan2(0.18, -side * 0.95), skin)
    above.part(_limb([(elbow[0] + side * 0.006, elbow[1] - 0.045),
                      (side * (sw - 0.005), tall - 0.675), wrist], [0.046, 0.046, 0.037]),
               sleeve, round_m=0.05, folds=0.7, lean=0.5 * side, smooth=2)  # fmt: skip
    pivot = canvas.flat([elbow])[0]
    return above.layer(), (float(pivot[0]), float(pivot[1]))


def _heads(canvas: Canvas, looks: Looks, yaw_deg: float, glow: Glow,
           shift: float) -> tuple[Layer, Layer, Layer]:  # fmt: skip
    """The head in its three expressions: at rest, eyes shut, mouth open."""
    head = draw_head(looks, yaw_deg, 0.228 * canvas.scale)
    crown = canvas.flat([(shift * 0.45, looks.tall_m)])[0]
    left, top = round(crown[0] - head.crown_px[0]), round(crown[1] - head.crown_px[1])
    layers = []
    for colour in head.colours:
        lit = shade(head.normal, colour, glow) * head.cover[..., None]
        layers.append(Layer(np.asarray(lit, np.float32), head.cover, left, top))
    return layers[0], layers[1], layers[2]
