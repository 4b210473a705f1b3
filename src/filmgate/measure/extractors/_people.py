"""Boxes and proportions of people, shared by the extractors. Boxes are x, y, w, h, relative."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from filmgate.schema.report import Box

F64 = NDArray[np.float64]

# Proportions in heights of the face box (hairline to chin, about 18 cm of an adult). Breadth over
# the shoulders about 45 cm; chin to crotch about 70 cm; crown to hairline about 4.5 cm (rounded
# from the seven-and-a-half-heads canon of figure drawing; drawn people have larger heads, so a
# body derived from a face is never sharper than a guess).
SHOULDERS = 2.5
CROWN = 0.25
TORSO = 3.75


def clipped(x1: float, y1: float, x2: float, y2: float) -> Box | None:
    """Corners -> box inside the frame; None when nothing of it is."""
    x1, y1 = max(0.0, min(1.0, x1)), max(0.0, min(1.0, y1))
    x2, y2 = max(0.0, min(1.0, x2)), max(0.0, min(1.0, y2))
    if x2 - x1 < 1e-4 or y2 - y1 < 1e-4:
        return None
    # The subtraction may leave x + w a rounding step beyond 1.
    return (x1, y1, min(x2 - x1, 1.0 - x1), min(y2 - y1, 1.0 - y1))


def body_from_face(face: Box, aspect: float) -> Box:
    """Head and torso below a face, by the proportions above.

    Args:
        face: face box, relative.
        aspect: width of the frame divided by its height.
    """
    x, y, w, h = face
    half = SHOULDERS * h / aspect / 2
    centre = x + w / 2
    box = clipped(centre - half, y - CROWN * h, centre + half, y + h + TORSO * h)
    return box or face


def overlap(a: Box, b: Box) -> tuple[float, float]:
    """Intersection over union, and intersection over the smaller of two boxes."""
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0, 0.0
    both = width * height
    area_a, area_b = a[2] * a[3], b[2] * b[3]
    return both / (area_a + area_b - both), both / max(min(area_a, area_b), 1e-12)


def suppressed(
    boxes: Sequence[tuple[Box, float]], iou: float, contained: float
) -> list[tuple[Box, float]]:
    """Greedy non-maximum suppression, best score first.

    Args:
        boxes: box and score.
        iou: a box overlapping a better one by more is dropped.
        contained: so is one of which more than this share lies within a better one (or which
            holds that share of it).
    """
    kept: list[tuple[Box, float]] = []
    for box, score in sorted(boxes, key=lambda b: (-b[1], b[0])):
        overlaps = [overlap(box, other) for other, _ in kept]
        if all(o[0] <= iou and o[1] <= contained for o in overlaps):
            kept.append((box, score))
    return kept


def holds_head(body: Box, face: Box) -> bool:
    """Whether a face may be the head of a body: centred in the upper part of it."""
    x, y = face[0] + face[2] / 2, face[1] + face[3] / 2
    return body[0] <= x <= body[0] + body[2] and body[1] <= y <= body[1] + 0.6 * body[3]


def split(
    inside: NDArray[np.bool_], bodies: Sequence[Box], reaches: Sequence[float]
) -> list[NDArray[np.bool_]]:
    """Give each pixel of a mask to the nearest body.

    Distance is measured from the body's box in units of the box's own size, so that a small person
    beside a large one keeps their pixels; inside several boxes the nearest vertical axis wins.
    Pixels farther from every box than its reach belong to nobody: tables, dogs.

    Args:
        inside: (h, w) whether the pixel belongs to a person.
        bodies: boxes, relative.
        reaches: how far beyond each box, in units of the box, a pixel may still be that person's.

    Returns:
        One (h, w) mask per body, without overlap.
    """
    height, width = inside.shape
    xs: F64 = (np.arange(width) + 0.5) / width
    ys: F64 = (np.arange(height) + 0.5) / height
    far, axis = [], []
    for (x, y, w, h), reach in zip(bodies, reaches, strict=True):
        dx = np.maximum(np.abs(xs - (x + w / 2)) - w / 2, 0) / w
        dy = np.maximum(np.abs(ys - (y + h / 2)) - h / 2, 0) / h
        far.append(np.hypot(dx[None, :], dy[:, None]) / reach)
        axis.append(np.broadcast_to(np.abs(xs - (x + w / 2)) / w, inside.shape))
    outside = np.stack(far)
    nearest = np.argmin(outside + 1e-3 * np.stack(axis), axis=0)
    reached = inside & (outside.min(axis=0) <= 1.0)
    return [reached & (nearest == i) for i in range(len(bodies))]
