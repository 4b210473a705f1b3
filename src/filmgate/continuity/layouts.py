"""Layouts of the set registered onto each other: how the camera moved, and where the set changed.

Layouts are light-normalised grey pictures (`Signature.layout`). Everything here works on them at
half size, (24, 32), many shots at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import consensus

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

SHAPE = (24, 32)
CONTRAST = 48.0
"""Codes of a layout in one spread of local contrast; see `measure.scenery.layout`."""
_SMOOTH_CELLS = 0.75
_PATCH_CELLS = 1.25
"""Blur of what differs: a piece of furniture counts, an edge that is half a cell off does not."""
_STEPS = 3
_CHUNK = 250
"""Pictures at once: what they take stays in the cache."""
_DOUBT = 40.0
"""Difference in codes at which a cell counts half for the motion."""
_STIFF = np.array([50.0, 50.0, 5e3, 5e3], np.float32)
_KNOWN = 0.5
"""Share of a cell that must be seen in both pictures."""
_MOST = 0.6
"""Share of a group's shots that must show a cell: of the others nothing is known there."""
_PATCH_SEEN = 0.3
"""Share of a patch that must be seen."""
_LEAST = 6.0 / CONTRAST
"""Local contrasts by which two takes of one set-up differ anywhere: grain and rounding."""


class Motion(NamedTuple):
    """How pictures lie against their references.

    Attributes:
        values: (N, 4) dx, dy (share of width and height, + is right and down), roll (degrees,
            + is clockwise) and zoom (natural log).
        matrix: (N, 2, 3) which undoes it, in cells.
    """

    values: F64
    matrix: F64


class Change(NamedTuple):
    """What is left of the difference once the camera's own motion is taken out.

    Attributes:
        size: (N,) the strongest difference in local contrasts; usual: (N,) how much the other
            shots of the group differ there; place: (N,) cell of it, row x 32 + column.
    """

    size: F64
    usual: F64
    place: I64


def halved(layouts: U8) -> F32:
    """(N, 24, 32) of (N, 48, 64) layouts."""
    out = np.empty((len(layouts), *SHAPE), np.float32)
    for first in range(0, len(layouts), _CHUNK):
        part = slice(first, first + _CHUNK)
        pooled = np.add(layouts[part, ::2], layouts[part, 1::2], dtype=np.uint16)
        np.multiply(pooled[:, :, ::2] + pooled[:, :, 1::2], np.float32(0.25), out=out[part])
    return out


@lru_cache(maxsize=8)
def _blur(size: int, sigma: float) -> F32:
    """(size, size) matrix of a Gaussian blur with reflected borders."""
    kernel = cv2.getGaussianKernel(2 * int(np.ceil(4 * sigma)) + 1, sigma, cv2.CV_32F)
    unit = np.eye(size, dtype=np.float32)
    return np.asarray(cv2.sepFilter2D(unit, -1, np.ones(1, np.float32), kernel), np.float32)


@lru_cache(maxsize=2)
def _slope(size: int) -> F32:
    """(size, size) matrix of central differences, 0 at the borders."""
    out = np.zeros((size, size), np.float32)
    inner = np.arange(1, size - 1)
    out[inner, inner + 1], out[inner, inner - 1] = 0.5, -0.5
    return out


def blurred(values: F32, sigma: float) -> F32:
    """(N, 24, 32) blurred by `sigma` cells."""
    return np.asarray(_blur(SHAPE[0], sigma) @ values @ _blur(SHAPE[1], sigma).T, np.float32)


def register(layout: F32, reference: F32, weight: F32, aspect: F64) -> Motion:
    """Motion of each layout against its reference.

    Three linearised least-squares steps on blurred layouts (Lucas and Kanade 1981), cells that do
    not fit held back.

    Args:
        layout, reference: (N, 24, 32), finite; weight: (N, 24, 32) 0 to 1;
            aspect: (N,) width / height of the displayed frame.
    """
    n, (height, width) = len(layout), SHAPE
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2)[:, None]
    x = np.arange(width, dtype=np.float32) - np.float32((width - 1) / 2)
    squeeze = (aspect * height / width).astype(np.float32)[:, None, None]
    target, source = blurred(reference, _SMOOTH_CELLS), blurred(layout, _SMOOTH_CELLS)
    gx, gy = target @ _slope(width).T, _slope(height) @ target
    # Layout cells are not square in the picture: a roll turns square pixels.
    terms = np.stack([gx, gy, gy * x * squeeze - gx * y / squeeze, gx * x + gy * y], axis=1)
    terms = terms.reshape(n, 4, -1)
    total, matrix, moved = np.zeros((n, 4)), np.tile(np.eye(2, 3), (n, 1, 1)), source
    flat = weight.reshape(n, -1)
    for _ in range(_STEPS):
        left = (target - moved).reshape(n, -1)
        trusted = terms * (flat / (1 + (left / np.float32(_DOUBT)) ** 2))[:, None]
        normal = trusted @ terms.swapaxes(1, 2) + np.diag(_STIFF)
        total += np.linalg.solve(normal, trusted @ left[..., None])[..., 0]
        matrix = _matrix(total, squeeze[:, 0, 0])
        moved = moved_by(source, matrix)
    values = np.stack(
        [total[:, 0] / width, total[:, 1] / height, np.degrees(total[:, 2]), total[:, 3]], axis=1
    )
    return Motion(values, matrix)


def _matrix(motion: F64, squeeze: F32) -> F64:
    """(N, 2, 3): output cell p is read at p + motion(p), which undoes the motion."""
    height, width = SHAPE
    cos = (1 + motion[:, 3]) * np.cos(motion[:, 2])
    sin = (1 + motion[:, 3]) * np.sin(motion[:, 2])
    cx, cy = (width - 1) / 2, (height - 1) / 2
    out = np.empty((len(motion), 2, 3))
    out[:, 0, 0], out[:, 0, 1] = cos, -sin / squeeze
    out[:, 1, 0], out[:, 1, 1] = sin * squeeze, cos
    out[:, 0, 2] = cx - cos * cx + sin / squeeze * cy + motion[:, 0]
    out[:, 1, 2] = cy - sin * squeeze * cx - cos * cy + motion[:, 1]
    return out


def moved_by(pictures: F32, matrix: F64, border: int = cv2.BORDER_REPLICATE) -> F32:
    """(N, 24, 32) each moved by its matrix; beyond the border 0 with BORDER_CONSTANT."""
    height, width = SHAPE
    out = np.empty_like(pictures)
    for i, picture in enumerate(pictures):
        cv2.warpAffine(
            picture, matrix[i], (width, height), dst=out[i], borderMode=border,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )  # fmt: skip
    return out


def box_of(place: int) -> tuple[float, float, float, float]:
    """(x, y, w, h), relative: the patch around a cell, within the frame."""
    height, width = SHAPE
    row, column = divmod(place, width)
    reach = 2 * _PATCH_CELLS
    left, right = max(column + 0.5 - reach, 0.0), min(column + 0.5 + reach, float(width))
    top, bottom = max(row + 0.5 - reach, 0.0), min(row + 0.5 + reach, float(height))
    return left / width, top / height, (right - left) / width, (bottom - top) / height


def changes(parts: Sequence[tuple[F32, F32, F64]], group: I64) -> Change:
    """Where each shot's set differs most from what the others of its group agree on.

    The measure is the difference of registered layouts over patches, against the mean difference
    of the group's other shots at the same place: what always moves there (a crowd, leaves, a
    screen) is not the set. Nor is what differs in one part of the shot alone.

    Args:
        parts: of each part of the shots (head, tail) layout and weight (N, 24, 32) and matrix
            (N, 2, 3) from `register`; group: (N,) from 0 up, every one of three shots or more.
    """
    count = np.bincount(group).astype(np.float32)[group][:, None, None]
    maps = []
    for layout, weight, matrix in parts:
        still, seen = moved_by(layout, matrix), _seen(weight, matrix)
        agreed = consensus.medians(still.reshape(len(still), -1), group).reshape(still.shape)
        seen *= _sums(seen, group) >= _MOST * count
        off = _off(still, agreed, seen)
        usual = (_sums(off, group) - off) / (count - 1) + np.float32(_LEAST)
        maps.append((off, usual))
    return _strongest(maps)


def changes_between(parts: Sequence[tuple[F32, F32, F64]], references: Sequence[F32]) -> Change:
    """The same for pairs, row by row: nobody says what is usual at a place."""
    maps = []
    for (layout, weight, matrix), reference in zip(parts, references, strict=True):
        off = _off(moved_by(layout, matrix), reference, _seen(weight, matrix))
        maps.append((off, np.ones_like(off)))
    return _strongest(maps)


def _seen(weight: F32, matrix: F64) -> F32:
    """(N, 24, 32) 1 where the moved picture shows the set, else 0."""
    return (moved_by(weight, matrix, cv2.BORDER_CONSTANT) > _KNOWN).astype(np.float32)


def _off(still: F32, agreed: F32, seen: F32) -> F32:
    """(N, 24, 32) mean difference over patches, in local contrasts; 0 where too little is seen."""
    share = blurred(seen, _PATCH_CELLS)
    off = blurred(np.abs(still - agreed) * seen, _PATCH_CELLS)
    off /= np.maximum(share, _PATCH_SEEN) * np.float32(CONTRAST)
    off[share < _PATCH_SEEN] = 0.0
    return off


def _strongest(maps: Sequence[tuple[F32, F32]]) -> Change:
    """The place where the least of the parts is off by most, for what is usual there."""
    ratio = np.stack([off / usual for off, usual in maps])
    rows, n = np.arange(ratio.shape[1]), ratio.shape[1]
    place = ratio.min(axis=0).reshape(n, -1).argmax(axis=1)
    part = ratio.reshape(len(maps), n, -1)[:, rows, place].argmin(axis=0)
    size, there = (
        np.stack([m[k].reshape(n, -1)[rows, place] for m in maps])[part, rows].astype(np.float64)
        for k in (0, 1)
    )
    return Change(size, there, place)


def _sums(values: F32, group: I64) -> F32:
    """(N, ...) the sum over each row's group."""
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-2))
    sums = np.add.reduceat(values[order], first)
    out = np.empty_like(values)
    out[order] = np.repeat(sums, np.diff(first, append=len(order)), axis=0)
    return out
