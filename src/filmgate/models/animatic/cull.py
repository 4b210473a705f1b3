"""Which boxes a camera can see at all: in the frame, not behind full walls, not too small.

Every answer errs on the side of drawing: what is left out has no pixel in the picture.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from filmgate.models.animatic.camera import View
from filmgate.models.animatic.colour import Doubles

_RAYS = 384
_LEAST_PX = 0.9
_SLACK_M = 0.4
Bools = NDArray[np.bool_]


def corners_of(low: Doubles, high: Doubles) -> Doubles:
    """The eight corners of boxes (n, 3), shape (n, 8, 3)."""
    ends = np.stack([low, high], axis=1)
    picks = np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
    return np.stack([ends[:, picks[:, axis], axis] for axis in range(3)], axis=2)


def in_frame(corners: Doubles, view: View) -> Bools:
    """Whether boxes with these corners (n, 8, 3) reach into the frame of `view`."""
    seen = view.to_camera(corners)
    x, y, depth = seen[..., 0], seen[..., 1], seen[..., 2]
    wide, high = view.wide_px / 2 / view.focal_px, view.high_px / 2 / view.focal_px
    out = (depth < 0.05).all(axis=1)
    # Outside when all corners lie beyond one side of the pyramid of sight.
    for across, edge in ((x, wide), (-x, wide), (y, high), (-y, high)):
        out |= (across > edge * np.maximum(depth, 0) + 0.02 * np.abs(depth) + 0.02).all(axis=1)
    return np.asarray(~out, np.bool_)


def seen(low: Doubles, high: Doubles, walls: NDArray[np.int_], view: View) -> NDArray[np.int_]:
    """Indices of boxes (n, 3) that may show in the picture.

    Args:
        low: lowest corners.
        high: highest corners.
        walls: indices of boxes from floor to ceiling: what lies behind them is hidden.
        view: the camera.
    """
    corners = corners_of(low, high)
    eye = view.position
    near = np.clip(eye, low, high)
    apart = np.linalg.norm(near[:, :2] - eye[:2], axis=1)
    size_px = (high - low).max(axis=1) / np.maximum(np.linalg.norm(near - eye, axis=1), 0.1)
    some = in_frame(corners, view) & (size_px * view.focal_px >= _LEAST_PX)
    reach = _reach(low[walls], high[walls], view)
    kept = np.flatnonzero(some)
    first, last = _columns(corners[kept], view)
    out = [
        index for index, a, b in zip(kept, first, last, strict=True)
        if apart[index] <= reach[a : b + 1].max() + _SLACK_M
    ]  # fmt: skip
    return np.asarray(out, dtype=np.int_)


def _reach(low: Doubles, high: Doubles, view: View) -> Doubles:
    """How far rays over the width of the picture go on the floor plan until a wall, metres."""
    eye = view.position[:2]
    edge = view.wide_px / 2 / view.focal_px
    across = np.linspace(-edge, edge, _RAYS)
    right, ahead = view.turn[0, :2], view.turn[2, :2]
    ahead = ahead / max(float(np.linalg.norm(ahead)), 1e-6)
    way = ahead[None] + across[:, None] * right[None]
    way = way / np.linalg.norm(way, axis=1, keepdims=True)
    way = np.where(np.abs(way) < 1e-9, 1e-9, way)[:, None]
    first, last = (low[None, :, :2] - eye) / way, (high[None, :, :2] - eye) / way
    enter = np.minimum(first, last).max(axis=2)
    leave = np.maximum(first, last).min(axis=2)
    hit = (leave > np.maximum(enter, 0)) & (leave > 0)
    return np.asarray(np.where(hit, np.maximum(enter, 0), math.inf).min(axis=1, initial=math.inf))


def _columns(corners: Doubles, view: View) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First and last ray that may meet each box, by where its corners lie on the floor plan."""
    flat = corners[..., :2] - view.position[:2]
    ahead = view.turn[2, :2] / max(float(np.linalg.norm(view.turn[2, :2])), 1e-6)
    depth = flat @ ahead
    across = (flat @ view.turn[0, :2]) / np.maximum(depth, 1e-6)
    edge = view.wide_px / 2 / view.focal_px
    place = (across / edge + 1) / 2 * (_RAYS - 1)
    behind = (depth < 0.05).any(axis=1)
    first = np.where(behind, 0, np.floor(place.min(axis=1)) - 1)
    last = np.where(behind, _RAYS - 1, np.ceil(place.max(axis=1)) + 1)
    clipped = [np.clip(v, 0, _RAYS - 1).astype(np.int_) for v in (first, last)]
    return clipped[0], clipped[1]
