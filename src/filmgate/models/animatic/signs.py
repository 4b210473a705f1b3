"""Pictures of what hangs in an office: fire doors, lifts, exit signs, machines, notices, lights.

Painters as in `decal`: they draw on a ``uint8`` sRGB canvas whose proportions follow the face.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from filmgate.models.animatic.colour import Bytes
from filmgate.models.animatic.texture import Skin, hue, levels

Painter = Callable[[Bytes, Skin, np.random.Generator], None]


def _leaf(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A flush door in its frame, a kick plate, a lever, a number beside the eye."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels((0.30, 0.28, 0.25))
    frame = max(4, wide // 14)
    first, last = (frame, frame), (wide - frame, high)
    cv2.rectangle(canvas, first, last, levels(skin.rgb), -1)
    for x in range(first[0], last[0], 3):
        if rng.uniform() < 0.4:
            cv2.line(canvas, (x, frame), (x, high), levels(skin.rgb, float(rng.uniform(0.9, 1))), 1)
    cv2.rectangle(canvas, (frame, int(high * 0.9)), last, levels((0.55, 0.55, 0.54)), -1)
    side = wide - frame - wide // 9 if skin.seed % 2 else frame + wide // 9
    way = -1 if skin.seed % 2 else 1
    cv2.line(canvas, (side, high // 2), (side + way * wide // 7, high // 2), (190, 190, 188), 5,
             cv2.LINE_AA)  # fmt: skip
    plate = (wide // 2 - 16, int(high * 0.24)), (wide // 2 + 16, int(high * 0.24) + 15)
    cv2.rectangle(canvas, *plate, (222, 220, 210), -1)
    cv2.putText(canvas, str(100 + skin.seed % 300), (plate[0][0] + 3, plate[1][1] - 4),
                cv2.FONT_HERSHEY_SIMPLEX, 0.35, (40, 40, 44), 1, cv2.LINE_AA)  # fmt: skip


def _fire_door(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """Two leaves with a wired window and a push bar each."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels((0.26, 0.27, 0.28))
    frame = max(4, wide // 26)
    for leaf in (0, 1):
        x0 = frame + leaf * (wide // 2 - frame // 2)
        x1 = x0 + wide // 2 - frame - frame // 2
        cv2.rectangle(canvas, (x0, frame), (x1, high), levels(skin.rgb), -1)
        glass = (x0 + (x1 - x0) // 3, int(high * 0.16)), (x1 - (x1 - x0) // 3, int(high * 0.46))
        cv2.rectangle(canvas, *glass, (96, 108, 106), -1)
        for y in range(glass[0][1], glass[1][1], 8):
            cv2.line(canvas, (glass[0][0], y), (glass[1][0], y), (70, 80, 80), 1)
        cv2.rectangle(canvas, *glass, levels(skin.rgb, 0.6), 3)
        bar = int(high * 0.53)
        cv2.line(canvas, (x0 + 6, bar), (x1 - 6, bar), (186, 186, 184), 6, cv2.LINE_AA)
    cv2.rectangle(canvas, (0, int(high * 0.92)), (wide, high), levels((0.5, 0.5, 0.5)), -1)


def _lift(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """Brushed lift doors."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels((0.34, 0.34, 0.35))
    frame = max(5, wide // 16)
    body = canvas[frame:, frame : wide - frame]
    body[:] = levels(skin.rgb)
    streak = rng.normal(1, 0.03, (body.shape[0], 1, 1))
    body[:] = np.clip(body * streak, 0, 255).astype(np.uint8)
    cv2.line(canvas, (wide // 2, frame), (wide // 2, high), (40, 40, 42), 3)
    cv2.rectangle(canvas, (wide // 2 - 14, 1), (wide // 2 + 14, frame - 1), (60, 16, 10), -1)


def _exit(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A lit way-out sign: a running figure and an arrow."""
    high, wide = canvas.shape[:2]
    canvas[:] = (28, 150, 84)
    white = (232, 250, 238)
    x, y, size = wide // 4, high // 2, high // 3
    cv2.circle(canvas, (x + size // 4, y - size), max(2, size // 3), white, -1, cv2.LINE_AA)
    for a, b in (((0, -0.6), (-0.1, 0.3)), ((-0.1, 0.3), (0.5, 0.9)), ((-0.1, 0.3), (-0.7, 0.8)),
                 ((0, -0.5), (0.7, -0.2)), ((0, -0.5), (-0.6, -0.1))):  # fmt: skip
        first = (int(x + a[0] * size), int(y + a[1] * size))
        last = (int(x + b[0] * size), int(y + b[1] * size))
        cv2.line(canvas, first, last, white, max(3, size // 4), cv2.LINE_AA)
    way = 1 if skin.seed % 2 else -1
    middle, reach = int(wide * 0.68), wide // 6
    cv2.arrowedLine(canvas, (middle - way * reach, y), (middle + way * reach, y), white,
                    max(3, high // 9), cv2.LINE_AA, tipLength=0.45)  # fmt: skip
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), (18, 96, 52), 4)


def _vending(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A drinks machine: rows of tins behind glass, a slot, a lit header."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels(skin.rgb)
    glass = canvas[int(high * 0.12) : int(high * 0.72), int(wide * 0.06) : int(wide * 0.74)]
    glass[:] = (30, 32, 36)
    rows = 5
    for row in range(rows):
        top, bottom = glass.shape[0] * row // rows + 6, glass.shape[0] * (row + 1) // rows - 5
        tone = levels(hue(rng, (0.5, 0.9), (0.5, 0.95)))
        for x in range(6, glass.shape[1] - 12, 16):
            tin = tone if rng.uniform() < 0.85 else levels(hue(rng, (0.4, 0.9), (0.4, 0.9)))
            cv2.rectangle(glass, (x, top + 4), (x + 10, bottom), tin, -1)
            cv2.line(glass, (x + 2, top + 6), (x + 2, bottom - 2), (235, 235, 235), 1)
        cv2.line(glass, (0, bottom + 2), (glass.shape[1], bottom + 2), (120, 120, 122), 2)
    cv2.rectangle(canvas, (int(wide * 0.8), int(high * 0.3)), (int(wide * 0.93), int(high * 0.5)),
                  (40, 44, 48), -1)  # fmt: skip
    cv2.rectangle(canvas, (int(wide * 0.12), int(high * 0.8)), (int(wide * 0.68), int(high * 0.9)),
                  (22, 22, 24), -1)  # fmt: skip
    cv2.rectangle(canvas, (6, 6), (wide - 6, int(high * 0.1)), levels(skin.rgb, 1.6), -1)


def _notice(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A printed sheet: a coloured head, lines of text, a stamp."""
    high, wide = canvas.shape[:2]
    canvas[:] = (232, 228, 216)
    cv2.rectangle(canvas, (0, 0), (wide, high // 6), levels(skin.rgb), -1)
    for y in range(high // 4, high - 14, 12):
        end = int(wide * rng.uniform(0.5, 0.92))
        cv2.line(canvas, (wide // 12, y), (end, y), (96, 96, 100), 3)
    if skin.seed % 2:
        cv2.circle(canvas, (int(wide * 0.75), int(high * 0.8)), wide // 8, levels(skin.rgb), 4,
                   cv2.LINE_AA)  # fmt: skip
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), (150, 146, 138), 3)


def _grille(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """An air grille: slats."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels(skin.rgb)
    for y in range(8, high - 6, 10):
        cv2.line(canvas, (8, y), (wide - 8, y), levels(skin.rgb, 0.35), 4)
        cv2.line(canvas, (8, y + 3), (wide - 8, y + 3), levels(skin.rgb, 1.15), 1)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), levels(skin.rgb, 0.8), 5)


def _troffer(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A fluorescent light seen from below: two tubes behind a prismatic sheet."""
    high, wide = canvas.shape[:2]
    long_down = high >= wide
    across = np.linspace(0, 1, wide if long_down else high)
    tubes = np.exp(-(((across - 0.3) / 0.13) ** 2)) + np.exp(-(((across - 0.7) / 0.13) ** 2))
    glow = 0.80 + 0.20 * np.clip(tubes, 0, 1)
    plane = np.broadcast_to(glow[None, :] if long_down else glow[:, None], (high, wide))
    canvas[:] = np.clip(plane[..., None] * np.asarray(skin.rgb) * 255, 0, 255).astype(np.uint8)
    if skin.seed % 5 == 0:  # a tube near its end is dark at one side
        fade = np.linspace(0.55, 1, high)[:, None, None]
        canvas[:] = (canvas * fade).astype(np.uint8)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), levels(skin.rgb, 0.7), 7)


def _extinguisher(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A red cylinder on a board."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels((0.8, 0.78, 0.7))
    body = (int(wide * 0.25), int(high * 0.28)), (int(wide * 0.75), int(high * 0.95))
    cv2.rectangle(canvas, *body, (168, 30, 24), -1)
    cv2.rectangle(canvas, (body[0][0] + wide // 14, body[0][1]),
                  (body[0][0] + wide // 7, body[1][1]), (216, 90, 80), -1)  # fmt: skip
    cv2.rectangle(canvas, (int(wide * 0.4), int(high * 0.14)), (int(wide * 0.6), body[0][1]),
                  (30, 30, 32), -1)  # fmt: skip
    cv2.rectangle(canvas, (body[0][0], int(high * 0.5)), (body[1][0], int(high * 0.68)),
                  (228, 222, 206), -1)  # fmt: skip


def _storey(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A big number on a wall: the storey, or the wing."""
    high, wide = canvas.shape[:2]
    canvas[:] = levels(skin.rgb)
    text = "ABCDEFGH"[skin.seed % 8] + str(1 + skin.seed % 9)
    scale = high / 46
    (w, h), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_DUPLEX, scale, max(3, int(scale * 3)))
    cv2.putText(canvas, text, ((wide - w) // 2, (high + h) // 2), cv2.FONT_HERSHEY_DUPLEX, scale,
                levels(skin.rgb, 0.32), max(3, int(scale * 3)), cv2.LINE_AA)  # fmt: skip


PAINTERS: dict[str, Painter] = {
    "leaf": _leaf, "fire door": _fire_door, "lift": _lift, "exit": _exit, "vending": _vending,
    "notice": _notice, "grille": _grille, "troffer": _troffer, "extinguisher": _extinguisher,
    "storey": _storey,
}  # fmt: skip
