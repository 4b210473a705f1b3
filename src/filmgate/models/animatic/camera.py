"""The camera: projection of the world onto a plate, and the frame cut out of it over time.

The plate is a little larger than the frame, without roll; roll and the move of the shot are one
affine map per frame from plate to frame.
"""

from __future__ import annotations

import math

import numpy as np

from filmgate.models.animatic.colour import Doubles
from filmgate.models.animatic.spec import CameraSpec, ShotSpec

NEAR_M = 0.08


class View:
    """A camera looking at the world, drawing on a plate of ``wide_px`` x ``high_px``."""

    def __init__(self, camera: CameraSpec, wide_px: int, high_px: int, focal_px: float) -> None:
        pan, tilt = math.radians(camera.pan_deg), math.radians(camera.tilt_deg)
        self.position = np.array([camera.x_m, camera.y_m, camera.height_m])
        right = np.array([math.cos(pan), -math.sin(pan), 0.0])
        ahead = np.array(
            [math.sin(pan) * math.cos(tilt), math.cos(pan) * math.cos(tilt), math.sin(tilt)]
        )
        # Rows: picture right, picture down, depth.
        self.turn = np.stack([right, -np.cross(right, ahead), ahead])
        self.wide_px, self.high_px, self.focal_px = wide_px, high_px, focal_px
        self.lens = np.array([[focal_px, 0, wide_px / 2], [0, focal_px, high_px / 2], [0, 0, 1.0]])

    def to_camera(self, points: Doubles) -> Doubles:
        """World points (..., 3) as right, down, depth in metres."""
        return np.asarray((points - self.position) @ self.turn.T, dtype=np.float64)

    def project(self, points: Doubles) -> Doubles:
        """World points (n, 3) in front of the camera to plate pixels (n, 2)."""
        seen = self.to_camera(points) @ self.lens.T
        return np.asarray(seen[:, :2] / seen[:, 2:], dtype=np.float64)


def margin(spec: ShotSpec) -> float:
    """Plate size over frame size: room for roll and for the move."""
    wide, high = spec.size
    camera = spec.camera
    roll = abs(math.sin(math.radians(camera.roll_deg))) * max(wide / high, high / wide)
    drift = {"static": 0.0, "push": 0.0, "pull": 0.0, "pan": 0.05, "tilt": 0.05, "track": 0.05,
             "handheld": 0.02}[camera.move]  # fmt: skip
    return 1.02 + 1.05 * roll + drift * camera.amount


def plate_view(spec: ShotSpec, oversample: float) -> View:
    """The view that draws the plate of ``spec``, ``oversample`` pixels per frame pixel."""
    scale = margin(spec) * oversample
    wide, high = math.ceil(spec.size[0] * scale), math.ceil(spec.size[1] * scale)
    focal_px = spec.size[0] * oversample * spec.camera.lens_mm / 36.0
    return View(spec.camera, wide, high, focal_px)


class Motion:
    """Where the frame lies on the plate at every frame of the shot."""

    def __init__(self, spec: ShotSpec, wide_px: int, high_px: int) -> None:
        self.spec = spec
        self.centre = (wide_px / 2, high_px / 2)
        rng = np.random.default_rng([spec.seed, 11])
        self.phase = rng.uniform(0, 2 * math.pi, 6)
        self.way = 1.0 if rng.uniform() < 0.5 else -1.0

    @property
    def static(self) -> bool:
        """Whether every frame sees the plate in the same place."""
        return self.spec.camera.move == "static" or self.spec.camera.amount == 0

    def at(self, frame: int) -> tuple[float, float, float]:
        """Zoom and shift (x, y) in frame pixels at ``frame``."""
        spec, amount = self.spec, self.spec.camera.amount
        time_s = frame / spec.rate
        part = frame / max(spec.frames - 1, 1)
        # Ease in and out: a head of a tripod does not start at full speed.
        ease = part * part * (3 - 2 * part)
        wide = spec.size[0]
        if spec.camera.move == "push":
            return 1.0 + 0.06 * amount * ease, 0.0, 0.0
        if spec.camera.move == "pull":
            return 1.0 + 0.06 * amount * (1 - ease), 0.0, 0.0
        if spec.camera.move == "tilt":
            return 1.0, 0.0, self.way * spec.size[1] * 0.045 * amount * (ease - 0.5)
        if spec.camera.move == "track":
            # A dolly keeps its speed; near things pass faster (see `matrix`).
            return 1.01, self.way * wide * 0.04 * amount * (part - 0.5), 0.0
        if spec.camera.move == "pan":
            return 1.0, self.way * wide * 0.045 * amount * (ease - 0.5), 0.0
        if spec.camera.move == "handheld":
            sway = [math.sin(time_s * speed * 2 * math.pi + phase) for speed, phase in
                    zip((0.35, 0.8, 0.5, 1.1, 0.3, 0.7), self.phase, strict=True)]  # fmt: skip
            x = wide * 0.003 * amount * (sway[0] + 0.4 * sway[1])
            y = wide * 0.0025 * amount * (sway[2] + 0.4 * sway[3])
            return 1.004, x, y
        return 1.0, 0.0, 0.0

    def matrix(self, frame: int, nearness: float = 1.0) -> Doubles:
        """2 x 3 map from plate to frame pixels; things ``nearness`` times as near move more."""
        zoom, x, y = self.at(frame)
        zoom = 1 + (zoom - 1) * nearness
        roll = math.radians(self.spec.camera.roll_deg)
        cosine, sine = zoom * math.cos(roll), zoom * math.sin(roll)
        linear = np.array([[cosine, -sine], [sine, cosine]])
        wide, high = self.spec.size
        # Pixel centres lie at whole numbers, hence the halves.
        middle = np.array([self.centre[0] - 0.5, self.centre[1] - 0.5])
        target = np.array([wide / 2 - 0.5 + x * nearness, high / 2 - 0.5 + y * nearness])
        return np.column_stack([linear, target - linear @ middle])
