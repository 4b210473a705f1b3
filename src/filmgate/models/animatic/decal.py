"""Pictures stretched over one face of a thing: windows, doors, paintings, books, screens, leaves.

Every painter draws on a ``uint8`` sRGB canvas whose proportions follow the face.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import cv2
import numpy as np

from filmgate.models.animatic import signs
from filmgate.models.animatic.colour import Bytes
from filmgate.models.animatic.texture import Skin, hue, noise
from filmgate.models.animatic.texture import levels as _colour

_LONG_PX = 320


def _window(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    ramp = np.linspace(0, 1, high)[:, None, None]
    sky = np.array([196, 222, 255]) * (1 - ramp) + np.array([236, 240, 248]) * ramp
    cloud = noise(skin.seed, 4, 512, 4)[:high, :wide, None] * 12
    canvas[:] = np.clip(sky + cloud, 0, 255).astype(np.uint8)
    x = 0
    while x < wide:
        step, top = int(rng.integers(18, 60)), float(rng.uniform(0.45, 0.8))
        tone = _colour((0.50, 0.56, 0.64), float(rng.uniform(0.8, 1.2)))
        cv2.rectangle(canvas, (x, int(high * top)), (x + step, high), tone, -1)
        for wy in range(int(high * top) + 8, high, 14):
            for wx in range(x + 5, x + step - 5, 10):
                if rng.uniform() < 0.6:
                    cv2.rectangle(canvas, (wx, wy), (wx + 4, wy + 6), _colour(skin.rgb, 0.65), -1)
        x += step
    canvas[:] = cv2.GaussianBlur(canvas, (0, 0), 1.2)
    frame = _colour(skin.rgb)
    bar = max(5, wide // 26)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), frame, bar * 2)
    for part in range(1, 2 if wide < high else 3):
        at = wide * part // (2 if wide < high else 3)
        cv2.rectangle(canvas, (at - bar // 2, 0), (at + bar // 2, high), frame, -1)
    cv2.rectangle(canvas, (0, int(high * 0.3)), (wide, int(high * 0.3) + bar), frame, -1)


def _door(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    canvas[:] = _colour(skin.rgb)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), _colour(skin.rgb, 0.75), wide // 14)
    inset = wide // 6
    for top, bottom in ((0.08, 0.44), (0.52, 0.93)):
        first, last = (inset, int(high * top)), (wide - inset, int(high * bottom))
        cv2.rectangle(canvas, first, last, _colour(skin.rgb, 0.92), -1)
        cv2.rectangle(canvas, first, last, _colour(skin.rgb, 0.62), 3, cv2.LINE_AA)
        cv2.line(canvas, (first[0], last[1]), last, _colour(skin.rgb, 1.2), 2)
    side = inset // 2 if skin.seed % 2 else wide - inset // 2
    cv2.circle(canvas, (side, high // 2), wide // 28, (196, 170, 110), -1, cv2.LINE_AA)
    cv2.circle(canvas, (side - 1, high // 2 - 2), max(2, wide // 70), (250, 236, 200), -1)


def _painting(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    canvas[:] = _colour(hue(rng, (0.05, 0.3), (0.6, 0.9)))
    if skin.seed % 3 == 0:
        for level in range(4):
            top = high * (0.35 + 0.16 * level)
            xs = np.linspace(0, wide, 24)
            ys = top + rng.normal(0, high * 0.03, 24).cumsum() * 0.7
            edge = np.stack([xs, ys], 1)
            shape = np.vstack([edge, [[wide, high], [0, high]]]).astype(np.int32)
            cv2.fillPoly(canvas, [shape], _colour(hue(rng, (0.2, 0.6), (0.3, 0.7))), cv2.LINE_AA)
        cv2.circle(canvas, (int(wide * rng.uniform(0.2, 0.8)), high // 4), high // 10,
                   (244, 214, 150), -1, cv2.LINE_AA)  # fmt: skip
    else:
        for _ in range(14):
            centre = (int(rng.integers(0, wide)), int(rng.integers(0, high)))
            axes = (int(rng.integers(6, wide // 3)), int(rng.integers(6, high // 3)))
            tone = _colour(hue(rng, (0.2, 0.8), (0.25, 0.9)))
            if skin.seed % 3 == 1:
                cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, tone, -1,
                            cv2.LINE_AA)  # fmt: skip
            else:
                cv2.rectangle(canvas, centre, (centre[0] + axes[0], centre[1] + axes[1]), tone, -1)
    border = max(5, min(high, wide) // 14)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), (226, 222, 210), border * 3)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), _colour(skin.rgb), border * 2)


def _books(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    canvas[:] = _colour(skin.rgb, 0.35)
    rows = max(1, round(high / max(wide, 1) * 2.2))
    for row in range(rows):
        top, bottom = high * row // rows, high * (row + 1) // rows
        board = max(3, (bottom - top) // 14)
        x = board
        while x < wide - board * 2:
            thick = int(rng.integers(wide // 50 + 2, wide // 22 + 4))
            if rng.uniform() < 0.08:
                x += thick * 3
                continue
            tall = int((bottom - top - board) * rng.uniform(0.62, 0.94))
            tone = hue(rng, (0.1, 0.65), (0.2, 0.8))
            edge = min(x + thick, wide - board)
            cv2.rectangle(canvas, (x, bottom - tall), (edge, bottom), _colour(tone), -1)
            cv2.line(canvas, (x, bottom - tall), (x, bottom), _colour(tone, 0.55), 1)
            band = bottom - tall + tall // 5
            cv2.rectangle(canvas, (x, band), (edge, band + 3), _colour(tone, 1.7), -1)
            x += thick
        cv2.rectangle(canvas, (0, bottom - board), (wide, bottom), _colour(skin.rgb), -1)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), _colour(skin.rgb), max(4, wide // 30))


def _drawers(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    canvas[:] = _colour(skin.rgb)
    across, down = max(1, round(wide / 130)), 1 + skin.seed % 3
    for i in range(across):
        for j in range(down):
            first = (wide * i // across + 5, high * j // down + 5)
            last = (wide * (i + 1) // across - 5, high * (j + 1) // down - 5)
            cv2.rectangle(canvas, first, last, _colour(skin.rgb, 1.06), -1)
            cv2.rectangle(canvas, first, last, _colour(skin.rgb, 0.55), 2, cv2.LINE_AA)
            middle = (first[0] + last[0]) // 2
            grip = first[1] + max(8, (last[1] - first[1]) // 8)
            cv2.line(canvas, (middle - 14, grip), (middle + 14, grip), (60, 58, 56), 4, cv2.LINE_AA)


def _screen(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    canvas[:] = (26, 28, 32)
    inner = canvas[high // 16 : -high // 12, wide // 24 : -wide // 24]
    inner[:] = _colour(skin.rgb)
    for row in range(10, inner.shape[0] - 8, 11):
        x = 12 + 14 * int(rng.integers(0, 3))
        while x < inner.shape[1] * rng.uniform(0.4, 0.95):
            step = int(rng.integers(8, 30))
            cv2.line(inner, (x, row), (x + step, row), _colour(hue(rng, (0, 0.4), (0.6, 1.0))), 3)
            x += step + 6


def _board(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A pin board or white board: papers, notes, a scribbled curve."""
    high, wide = canvas.shape[:2]
    canvas[:] = _colour(skin.rgb)
    for _ in range(16):
        x, y = int(rng.integers(8, wide - 40)), int(rng.integers(8, max(9, high - 40)))
        w, h = (int(v) for v in rng.integers(18, 44, 2))
        cv2.rectangle(canvas, (x + 2, y + 3), (x + w + 2, y + h + 3), _colour(skin.rgb, 0.7), -1)
        cv2.rectangle(canvas, (x, y), (x + w, y + h), _colour(hue(rng, (0, 0.45), (0.75, 1))), -1)
        for line in range(y + 6, y + h - 4, 6):
            cv2.line(canvas, (x + 4, line), (x + w - 5, line), (90, 92, 100), 1, cv2.LINE_AA)
    curve = np.stack([np.linspace(10, wide - 10, 40), high / 2 + rng.normal(0, 6, 40).cumsum()], 1)
    cv2.polylines(canvas, [curve.astype(np.int32)], False, (40, 70, 150), 2, cv2.LINE_AA)
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), (150, 150, 152), 8)


def _clock(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    centre, radius = (wide // 2, high // 2), min(high, wide) // 2 - 4
    canvas[:] = _colour(skin.rgb)
    cv2.circle(canvas, centre, radius, (240, 238, 230), -1, cv2.LINE_AA)
    cv2.circle(canvas, centre, radius, (40, 40, 44), radius // 8, cv2.LINE_AA)
    for tick in range(12):
        way = np.array([np.sin(tick * np.pi / 6), -np.cos(tick * np.pi / 6)])
        first = (np.array(centre) + way * radius * 0.72).astype(int)
        last = (np.array(centre) + way * radius * 0.85).astype(int)
        cv2.line(canvas, tuple(first), tuple(last), (30, 30, 34), 4, cv2.LINE_AA)
    for turn, reach in ((skin.seed % 12 / 12, 0.45), (skin.seed % 7 / 7, 0.66)):
        way = np.array([np.sin(turn * 2 * np.pi), -np.cos(turn * 2 * np.pi)])
        last = (np.array(centre) + way * radius * reach).astype(int)
        cv2.line(canvas, centre, tuple(last), (30, 30, 34), 7, cv2.LINE_AA)


def _tools(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    """A pegboard with tools hung on it."""
    high, wide = canvas.shape[:2]
    canvas[:] = _colour(skin.rgb)
    for y in range(6, high, 12):
        for x in range(6, wide, 12):
            cv2.circle(canvas, (x, y), 1, _colour(skin.rgb, 0.5), -1)
    for x in range(24, wide - 16, 34):
        top, long = int(rng.integers(14, max(15, high // 4))), int(rng.integers(40, high // 2 + 41))
        grip = _colour(hue(rng, (0.5, 0.9), (0.4, 0.85)))
        cv2.line(canvas, (x + 3, top + 3), (x + 3, top + long), _colour(skin.rgb, 0.6), 7)
        cv2.line(canvas, (x, top), (x, top + long), (168, 172, 178), 5, cv2.LINE_AA)
        cv2.line(canvas, (x, top + long // 2), (x, top + long), grip, 9, cv2.LINE_AA)
        if rng.uniform() < 0.5:
            cv2.rectangle(canvas, (x - 12, top - 6), (x + 12, top + 6), (120, 124, 130), -1)


def _glow(canvas: Bytes, skin: Skin, rng: np.random.Generator) -> None:
    high, wide = canvas.shape[:2]
    y, x = np.mgrid[0:high, 0:wide]
    fall = ((x / wide - 0.5) ** 2 + (y / high - 0.5) ** 2) * 0.5
    base = np.asarray(skin.rgb) * 255
    canvas[:] = np.clip(base * (1 - fall)[..., None], 0, 255).astype(np.uint8)
    edge = (int(base[0] * 0.6), int(base[1] * 0.6), int(base[2] * 0.6))
    cv2.rectangle(canvas, (0, 0), (wide - 1, high - 1), edge, 6)


_PAINTERS: dict[str, Callable[[Bytes, Skin, np.random.Generator], None]] = {
    "window": _window, "door": _door, "painting": _painting, "books": _books,
    "drawers": _drawers, "screen": _screen, "board": _board, "clock": _clock,
    "tools": _tools, "glow": _glow, **signs.PAINTERS,
}  # fmt: skip


@lru_cache(maxsize=512)
def decal(skin: Skin, wide_m: float, high_m: float) -> tuple[Bytes, ...]:
    """Pyramid of the picture for a face of ``wide_m`` x ``high_m``."""
    scale = _LONG_PX / max(wide_m, high_m)
    shape = (max(24, round(high_m * scale)), max(24, round(wide_m * scale)), 3)
    canvas = np.empty(shape, np.uint8)
    _PAINTERS[skin.kind](canvas, skin, np.random.default_rng(skin.seed))
    levels: list[Bytes] = [canvas]
    for _ in range(4):
        if min(levels[-1].shape[:2]) < 8:
            break
        half = cv2.resize(levels[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        levels.append(np.asarray(half, np.uint8))
    return tuple(levels)


@lru_cache(maxsize=64)
def leaves(skin: Skin) -> tuple[Bytes, Bytes]:
    """A plant seen from the side: (256, 256, 3) picture and (256, 256) coverage 0 or 255."""
    rng = np.random.default_rng(skin.seed)
    picture = np.empty((256, 256, 3), np.uint8)
    picture[:] = _colour(skin.rgb, 0.8)
    cover = np.zeros((256, 256), np.uint8)
    for index in range(46):
        lean = rng.normal(0, 0.55)
        reach = rng.uniform(70, 225) * np.cos(lean * 0.7)
        tip = np.array([128 + np.sin(lean) * reach, 254 - np.cos(lean) * reach])
        root = np.array([128 + rng.normal(0, 8), 254.0])
        bend = (root + tip) / 2 + np.array([np.sign(lean) * -12, -10])
        along = np.linspace(0, 1, 14)[:, None]
        spine = (1 - along) ** 2 * root + 2 * along * (1 - along) * bend + along**2 * tip
        side = np.stack([-(tip - root)[1:], (tip - root)[:1]], 1) / np.linalg.norm(tip - root)
        width = 11 * np.sin(np.pi * along**0.8) + 1
        shape = np.vstack([spine + side * width, (spine - side * width)[::-1]]).astype(np.int32)
        tone = _colour(skin.rgb, float(rng.uniform(0.55, 1.25)) * (0.7 + 0.3 * index / 46))
        cv2.fillPoly(picture, [shape], tone, cv2.LINE_AA)
        cv2.polylines(picture, [spine.astype(np.int32)], False, _colour(skin.rgb, 0.5), 1)
        cv2.fillPoly(cover, [shape], 255)
    return picture, cover
