"""Camera set-ups: shots taken from one place, found by a layout that light does not change."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import layouts as layouts_of

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SAME_SETUP = 0.55
"""Correlation of layouts above which two shots are one set-up. Measured on the shared footage: one
room with other people in it .57 to .98, two places .37 at the 99.9th percentile."""
CLOSE_SETUP = 0.80
"""Correlation of layouts of one camera position with the same people in it: a large set-up is
divided where this leaves every part a consensus of its own (one room, framed for another actor)."""
MAYBE_SETUP = 0.25
"""Correlation from which a shot that fits nowhere is tried again with the motion taken out."""
LIKELY_SETUP = 0.38
"""Fit that will do, once registered, where nearly every other shot belongs to a set-up: there a
changed set is likelier than a camera position that is used once."""
MOSTLY = 0.7
MIRROR_MARGIN = 0.12
BETTER = 0.05
"""By how much better a shot must fit another set-up to be given to it."""
PAIR_BESIDE = 8
"""Two shots flopped out of a set-up of at least this many agree with each other: neither may speak
for the other."""
SHORT_SEQUENCE = 5
"""A sequence of up to this many shots is one scene unless the look says otherwise."""
_CONSENSUS = 4
_PASSES = 2
_DIVIDE_UP_TO = 1500


class Setups(NamedTuple):
    """Set-ups of a sequence.

    Attributes:
        label: (N,) set-up of each shot, -1 where not measured.
        direct, mirrored: (N,) best layout correlation with another shot's set-up, as it is and
            flopped; NaN when there is no other shot.
        flopped: (N,) whether the shot was assigned by its mirror image.
        twin: (N,) the one shot whose mirror image fits best, where that shot is all there is of
            its set-up; else -1.
    """

    label: I64
    direct: F64
    mirrored: F64
    flopped: NDArray[np.bool_]
    twin: I64


def units(layouts: F32) -> F32:
    """(N, 768) zero-mean unit vectors of (N, 24, 32) layouts."""
    flat = layouts.reshape(len(layouts), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norm = np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    return np.asarray(flat / norm, dtype=np.float32)


def find_setups(layouts: F32, measured: NDArray[np.bool_]) -> Setups:
    """Leader clustering of layouts, O(shots x set-ups), one re-assignment to the cluster means.

    A shot that founds a set-up alone but whose mirror image belongs to a set-up of two or more is
    given to that set-up and marked as flopped.
    """
    n = len(layouts)
    vectors = units(layouts)
    flops = vectors.reshape(layouts.shape)[:, :, ::-1].reshape(n, -1)
    label = np.full(n, -1)
    leaders = np.zeros((16, vectors.shape[1]), np.float32)
    found = 0
    for i in np.flatnonzero(measured):
        scores = leaders[:found] @ vectors[i]
        best = int(np.argmax(scores)) if found else -1
        if found and scores[best] >= SAME_SETUP:
            label[i] = best
        else:
            if found == len(leaders):
                leaders = np.concatenate([leaders, np.zeros_like(leaders)])
            leaders[found], label[i] = vectors[i], found
            found += 1
    label = _divided(vectors, _settled(vectors, label, measured))
    found = int(label.max(initial=-1)) + 1
    sums = np.zeros((found, vectors.shape[1]), np.float32)
    np.add.at(sums, label[measured], vectors[measured])
    return _settle(vectors, flops, label, sums, measured)


def _settled(vectors: F32, label: I64, measured: NDArray[np.bool_]) -> I64:
    """Shots given to the set-up whose mean they fit clearly better than the rest of their own: the
    first shots of a sequence meet leaders before their own set-up has one.
    """
    out = label.copy()
    for _ in range(_PASSES if measured.any() else 0):
        found = int(out.max(initial=-1)) + 1
        sums = np.zeros((found, vectors.shape[1]), np.float32)
        np.add.at(sums, out[measured], vectors[measured])
        means = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-6)
        moved = False
        for chunk in np.array_split(np.flatnonzero(measured), max(1, int(measured.sum()) // 256)):
            rest = sums[out[chunk]] - vectors[chunk]
            size = np.maximum(np.sqrt(np.vecdot(rest, rest)), 1e-6)
            own = np.vecdot(rest, vectors[chunk]) / size
            scores = vectors[chunk] @ means.T
            scores[np.arange(len(chunk)), out[chunk]] = -1.0
            best = scores.argmax(axis=1)
            fits = scores.max(axis=1)
            better = (fits >= SAME_SETUP) & (fits > own + BETTER)
            out[chunk[better]] = best[better]
            moved = moved or bool(better.any())
        if not moved:
            break
    return np.unique(out, return_inverse=True)[1] - (1 if (out < 0).any() else 0)


def _divided(vectors: F32, label: I64) -> I64:
    """Set-ups divided into close ones of at least four shots; the rest joins the nearest one."""
    out = label.copy()
    fresh = int(label.max(initial=-1)) + 1
    for setup in range(fresh):
        members = np.flatnonzero(label == setup)
        if not 2 * _CONSENSUS <= len(members) <= _DIVIDE_UP_TO:
            continue
        alike = vectors[members] @ vectors[members].T
        cores: list[I64] = []
        free = np.ones(len(members), bool)
        while free.any():
            # The shot with the most close neighbours left is the core of the next part.
            near = (alike >= CLOSE_SETUP) & free[None, :] & free[:, None]
            core = int(near.sum(axis=1).argmax())
            if near[core].sum() < _CONSENSUS:
                break
            cores.append(np.flatnonzero(near[core]))
            free &= ~near[core]
        if len(cores) < 2:
            continue
        means = np.stack([vectors[members[c]].mean(axis=0) for c in cores])
        means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
        best = (vectors[members] @ means.T).argmax(axis=1)
        for part in range(1, len(cores)):
            out[members[best == part]] = fresh
            fresh += 1
    return out


def _settle(vectors: F32, flops: F32, label: I64, sums: F32, measured: NDArray[np.bool_]) -> Setups:
    """Leave-one-out correlations with each shot's own cluster and with its flopped best."""
    n, found = len(vectors), len(sums)
    count = np.bincount(label[measured], minlength=found)
    direct, mirrored = np.full(n, np.nan), np.full(n, np.nan)
    flopped = np.zeros(n, bool)
    target, twin = label.copy(), np.full(n, -1)
    if measured.sum() < 2:
        return Setups(label, direct, mirrored, flopped, twin)
    first = np.full(found, -1)
    first[label[measured]] = np.flatnonzero(measured)
    norms = np.maximum(np.linalg.norm(sums, axis=1), 1e-6)
    means = sums / norms[:, None]
    for chunk in np.array_split(np.flatnonzero(measured), max(1, int(measured.sum()) // 256)):
        own, column = label[chunk], np.arange(len(chunk))
        rest = sums[own] - vectors[chunk]
        size = np.maximum(np.sqrt(np.vecdot(rest, rest)), 1e-6)
        straight, turned = means @ vectors[chunk].T, means @ flops[chunk].T
        for scores, unit in ((straight, vectors[chunk]), (turned, flops[chunk])):
            scores[own, column] = np.where(count[own] > 1, np.vecdot(rest, unit) / size, -1.0)
        # The one that stands alone is the odd one out, not those who stand together.
        turned[np.ix_(count == 1, count[own] > 1)] = -1.0
        best = turned.argmax(axis=0)
        pair = (count[own] == 2) & (count[best] >= PAIR_BESIDE)
        straight[own[pair], column[pair]] = -1.0
        direct[chunk], mirrored[chunk] = straight.max(axis=0), turned[best, column]
        twin[chunk] = np.where((count[best] == 1) & (best != own), first[best], -1)
        # Symmetrical sets look alike both ways: only a clear advantage of the mirror counts.
        better = turned[best, column] > straight.max(axis=0) + MIRROR_MARGIN
        better &= turned[best, column] >= SAME_SETUP
        better &= (count[best] >= 2) & (count[own] < count[best])
        target[chunk[better]], flopped[chunk[better]] = best[better], True
    return Setups(target, direct, mirrored, flopped, twin)


def adopt(setups: Setups, layouts: F32, aspect: F64) -> Setups:
    """Give shots that are alone in their set-up to the set-up they fit once they are registered.

    A tilted horizon, a raised camera or a moved cupboard must not excuse a shot by making it a
    set-up of its own.

    Args:
        layouts: (N, 24, 32); aspect: (N,) width / height of the frames.
    """
    label = setups.label.copy()
    count = np.bincount(label[label >= 0], minlength=1)
    alone = [int(i) for i in np.flatnonzero(label >= 0) if count[label[i]] == 1]
    large = [s for s in range(len(count)) if count[s] >= 3]
    if not alone or not large:
        return setups
    grouped = count[count >= 3].sum() / max(int((label >= 0).sum()), 1)
    limit = LIKELY_SETUP if grouped >= MOSTLY and len(label) > SHORT_SEQUENCE else SAME_SETUP
    small, means = layouts[alone], np.stack([np.median(layouts[label == s], axis=0) for s in large])
    vectors, targets = units(small), units(means)
    for row, i in enumerate(alone):
        scores = targets @ vectors[row]
        for best in np.argsort(-scores)[:2]:
            if scores[best] < MAYBE_SETUP:
                break
            one, other = small[row : row + 1], means[best : best + 1]
            motion = layouts_of.register(one, other, np.ones_like(one), aspect[i : i + 1])
            moved = layouts_of.moved_by(one, motion.matrix)
            fit = float(units(moved)[0] @ targets[best])
            if fit >= limit:
                label[i] = large[best]
                break
    return setups._replace(label=label)
