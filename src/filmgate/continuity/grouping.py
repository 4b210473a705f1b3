"""Which shots may be compared: stretches of one light in a set-up, chapters and scenes of the edit.

Inside a set-up a lasting change of light starts a new stretch; a single odd shot does not, or drift
would excuse itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity.setups import SHORT_SEQUENCE

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_LASTING = 3
_CONSENSUS = 4
_LIGHT_FLOOR = 0.12
"""Smallest change of light (natural log) that can start a new stretch: a sixth of a stop."""
_REACH = 40
_BLUR = 6
_NEARLY_ALL = 0.75
_NEAR = 10
_GOING_ON = 0.25
_APART = 2
_CANDIDATES = 20
_SAME_PLACE = 0.45
"""Palette distance (Hellinger) under which two shots may be one place."""


def stretches(label: I64, light: F64) -> I64:
    """(N,) groups: set-ups divided where their light changes for good; -1 stays -1.

    Args:
        label: set-up per shot; light: (N, D) log light of the background, NaN where unseen.
    """
    out = np.full(len(label), -1)
    next_group = 0
    cuts = boundaries(label, light)
    for setup in range(int(label.max(initial=-1)) + 1):
        members = np.flatnonzero(label == setup)
        for chapter in np.split(members, np.searchsorted(members, cuts)):
            for part in _divide(chapter, light):
                out[part] = next_group
                next_group += 1
    return _straightened(out, label, light, cuts)


def _straightened(group: I64, label: I64, light: F64, cuts: I64) -> I64:
    """Move shots near a boundary to the side whose light they have: where a scene begins is only
    known to a few shots, and a good shot on the wrong side would look like a drift.
    """
    out = group.copy()
    for cut in cuts.tolist():
        for at in range(max(0, cut - _BLUR), min(len(group), cut + _BLUR)):
            same = np.flatnonzero(
                (label == label[at]) & (np.abs(np.arange(len(label)) - at) <= _REACH)
            )
            own = same[(out[same] == out[at]) & (same != at)]
            there = same[(same >= cut) != (at >= cut)]
            if label[at] < 0 or not len(own) or not len(there):
                continue
            gap = float(np.abs(light[at] - _middle(light[own])).max())
            far = float(np.abs(light[at] - _middle(light[there])).max())
            if gap > 2 * _LIGHT_FLOOR and far < 0.3 * gap:
                out[at] = out[there[np.abs(there - at).argmin()]]
    return out


def divided(members: I64, values: F64) -> list[I64]:
    """`members` (in edit order) split where `values` (N, D) change for good.

    Values are in natural logarithms; 8 dB are about one.
    """
    parts = _divide(members, values)
    for k in range(len(parts) - 1):
        # The step is only known to a shot or two: one beside it may belong to the other side.
        left, right = parts[k], parts[k + 1]
        while len(right) > 2 and _nearer_to(values, int(right[0]), left, right[1:]):
            left, right = np.append(left, right[0]), right[1:]
        while len(left) > 2 and _nearer_to(values, int(left[-1]), right, left[:-1]):
            left, right = left[:-1], np.insert(right, 0, left[-1])
        parts[k], parts[k + 1] = left, right
    return parts


def _nearer_to(values: F64, at: int, there: I64, here: I64) -> bool:
    """Whether shot `at` is clearly more like the shots `there` than those `here`."""
    near = float(np.abs(values[at] - _middle(values[there])).mean())
    own = float(np.abs(values[at] - _middle(values[here])).mean())
    return near < 0.5 * own


def boundaries(label: I64, light: F64) -> I64:
    """Positions at which the light changes in all set-ups at once: where a scene begins.

    Between two takes of one set-up the light jumps when one of them drifts, and when the scene
    changes. A drifting shot makes its own set-up jump; a new scene all that are in use. So a
    position is a boundary when at least two set-ups have takes on both sides of it and nearly all
    of those jump, however few takes of each the scene has.
    """
    n = len(label)
    last: dict[int, int] = {}
    spans: list[tuple[int, int]] = []
    seen = np.isfinite(light).all(axis=1) & (label >= 0)
    for at in np.flatnonzero(seen):
        before = last.get(int(label[at]))
        if before is not None and at - before <= _REACH:
            spans.append((before, int(at)))
        last[int(label[at])] = int(at)
    if not spans:
        return np.zeros(0, np.int64)
    pairs = np.array(spans)
    steps = np.abs(light[pairs[:, 1]] - light[pairs[:, 0]])
    noise = np.maximum(1.05 * np.median(steps, axis=0), 0.4 * _LIGHT_FLOOR)
    jumps = ((steps / noise > 5.0) & (steps > _LIGHT_FLOOR)).any(axis=1)
    across, jumping = np.zeros(n + 1, np.int64), np.zeros(n + 1, np.int64)
    for (first, second), jump in zip(spans, jumps.tolist(), strict=True):
        across[first + 1 : second + 1] += 1
        jumping[first + 1 : second + 1] += jump
    likely = (jumping >= 2) & (jumping >= _NEARLY_ALL * across)
    out = []
    for run in np.split(
        np.flatnonzero(likely), np.flatnonzero(np.diff(np.flatnonzero(likely)) > 1) + 1
    ):
        if len(run):
            best = run[jumping[run] == jumping[run].max()]
            # A take or two may be on either side of it: it is where the light itself changes.
            out.append(int(best[int(np.argmax([_step(light, int(at)) for at in best]))]))
    return np.array(out, dtype=np.int64)


def _divide(members: I64, light: F64) -> list[I64]:
    """Split the members (in edit order) at lasting jumps of light, recursively."""
    if len(members) < 2 * _LASTING:
        return [members]
    values = light[members]
    seen = np.asarray(np.isfinite(values).all(axis=1), dtype=bool)
    if seen.sum() < 2 * _LASTING:
        return [members]
    steps = np.abs(np.diff(values[seen], axis=0))
    noise = np.maximum(1.05 * np.median(steps, axis=0), 0.4 * _LIGHT_FLOOR)
    sizes: dict[int, float] = {}
    for cut in range(_LASTING, len(members) - _LASTING + 1):
        left, right = values[max(0, cut - 5) : cut], values[cut : cut + 5]
        left, right = left[seen[max(0, cut - 5) : cut]], right[seen[cut : cut + 5]]
        if len(left) < _LASTING or len(right) < _LASTING:
            continue
        jump = np.abs(np.median(left, axis=0) - np.median(right, axis=0))
        if (jump > _LIGHT_FLOOR).any():
            sizes[cut] = float((jump / noise).max())
    if not sizes or max(sizes.values()) < 5.0:
        return [members]
    # Medians hardly say at which of several cuts the step is: where both sides are tightest.
    likely = [cut for cut, size in sizes.items() if size > 0.7 * max(sizes.values())]
    best = min(likely, key=lambda cut: _looseness(values[:cut]) + _looseness(values[cut:]))
    return _divide(members[:best], light) + _divide(members[best:], light)


def _looseness(values: F64) -> float:
    """Sum of the distances from the median, over the rows that were seen."""
    seen = values[np.isfinite(values).all(axis=1)]
    return float(np.abs(seen - np.median(seen, axis=0)).sum()) if len(seen) else 0.0


def by_chapter(group: I64, chapter: I64, light: F64) -> I64:
    """`group` divided where it reaches into a chapter of another light, and has that light."""
    out = group.copy()
    fresh = int(group.max(initial=-1)) + 1
    for g in range(fresh):
        members = np.flatnonzero(group == g)
        places = np.unique(chapter[members])
        if len(places) < 2:
            continue
        home = _middle(light[members[chapter[members] == np.bincount(chapter[members]).argmax()]])
        for place in places:
            part = members[chapter[members] == place]
            whole = np.flatnonzero(chapter == place)
            here = _middle(light[part])
            gap, own = np.abs(here - home).max(), np.abs(here - _middle(light[whole])).max()
            # A drifting shot has neither the light of its group nor that of its chapter.
            if gap > 2 * _LIGHT_FLOOR and own < 0.5 * gap and len(whole) >= _LASTING + len(part):
                out[part] = fresh
                fresh += 1
    return out


class Places(NamedTuple):
    """Attributes: scene: (N,) one place and light, wherever it is cut to; chapter: (N,) its
    unbroken stretches in the edit. -1 where not measured.
    """

    scene: I64
    chapter: I64


def scenes(group: I64, palettes: F32, light: F64, cuts: Sequence[int] = ()) -> Places:
    """Scenes: chapters of the edit in which set-ups recur, joined if place and light are one.

    Short sequences are one scene. In longer ones a shot that matches nothing is a scene of its
    own: with nothing to compare it is not measured, which is said. `cuts` are `boundaries`.
    """
    n = len(group)
    measured = np.flatnonzero(group >= 0)
    out = np.full(n, -1)
    if not len(measured):
        return Places(out, out)
    if n <= SHORT_SEQUENCE:
        out[measured] = 0
        return Places(out, out)
    spans = _chapters(group, measured, cuts, light)
    chapter = out.copy()
    for number, span in enumerate(spans):
        chapter[span] = number
    roots = np.sqrt(np.maximum(palettes, 0)).astype(np.float64)
    means = np.stack([roots[s].mean(axis=0) for s in spans])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
    alike = means @ means.T
    lights = np.stack([_middle(light[s]) for s in spans])
    gap = np.zeros(alike.shape)
    for channel in lights.T:
        np.maximum(gap, np.abs(channel[:, None] - channel[None]), out=gap)
    close = (np.sqrt(np.maximum(1 - alike, 0)) < _SAME_PLACE) & ~(gap > 0.6)
    return Places(_join(spans, close, alike, out), chapter)


def _middle(values: F64) -> F64:
    """Median over rows that were seen, zeros when none was."""
    seen = values[np.isfinite(values).all(axis=1)]
    return np.median(seen, axis=0) if len(seen) else np.zeros(values.shape[1])


def _chapters(group: I64, measured: I64, known: Sequence[int], light: F64) -> list[I64]:
    """Cut the edit where hardly any set-up that is in use goes on on the other side."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    labels = group[measured]
    for at, g in enumerate(labels):
        first.setdefault(int(g), at)
        last[int(g)] = at
    cuts: list[int] = np.searchsorted(measured, known).tolist()
    ratios = np.ones(len(measured) + 1)
    for at in range(1, len(measured)):
        near = labels[max(0, at - _NEAR) : at + _NEAR]
        used = {int(g) for g in near if last[int(g)] > first[int(g)]}
        going_on = sum(first[g] < at <= last[g] for g in used)
        alone = labels[at] not in used and labels[at - 1] not in used
        ratios[at] = going_on / len(used) if used else float(not alone)
    low = np.flatnonzero(ratios < _GOING_ON)
    for run in np.split(low, np.flatnonzero(np.diff(low) > _APART) + 1):
        if not len(run):
            continue
        if ratios[run].max() == 0.0 and len(set(labels[run[0] - 1 : run[-1] + 1])) == len(run) + 1:
            cuts += run.tolist()  # shots that match nothing: each is a place of its own
            continue
        # Around one change of scene several positions look alike: it is where the light changes.
        best = run[ratios[run] == ratios[run].min()]
        for alike in np.split(best, np.flatnonzero(np.diff(best) > 1) + 1):
            steps = [_step(light[measured], int(at)) for at in alike]
            cuts.append(int(alike[int(np.argmax(steps))]))
    return [part for part in np.split(measured, sorted(set(cuts))) if len(part)]


def _step(light: F64, at: int) -> float:
    """How much the light differs between the three shots before `at` and the three from it on."""
    return float(np.abs(_middle(light[max(0, at - 3) : at]) - _middle(light[at : at + 3])).max())


def _join(spans: list[I64], close: NDArray[np.bool_], alike: F64, out: I64) -> I64:
    """Join spans of one place and light, most alike first, while every pair in a scene is close.

    Only each span's `_CANDIDATES` most alike are tried: a montage of a thousand places must not
    cost a million comparisons.
    """
    count = len(spans)
    scene = np.arange(count)
    fits = close.copy()
    for a, b in _candidates(close, alike):
        one, two = int(scene[a]), int(scene[b])
        if one == two or not fits[one, two]:
            continue
        keep, gone = min(one, two), max(one, two)
        scene[scene == gone] = keep
        fits[keep] &= fits[gone]
        fits[:, keep] &= fits[:, gone]
    for rank, name in enumerate(np.unique(scene)):
        for member in np.flatnonzero(scene == name):
            out[spans[member]] = rank
    return out


def _candidates(close: NDArray[np.bool_], alike: F64) -> list[tuple[int, int]]:
    """Close pairs (a < b) among each span's most alike, most alike first."""
    worth = np.where(close, alike, -np.inf)
    np.fill_diagonal(worth, -np.inf)
    most = min(_CANDIDATES, len(worth))
    best = np.argpartition(-worth, most - 1, axis=1)[:, :most]
    rows = np.repeat(np.arange(len(worth)), most)
    values = worth[rows, best.reshape(-1)]
    pairs: dict[tuple[int, int], float] = {}
    for a, b, value in zip(rows.tolist(), best.reshape(-1).tolist(), values.tolist(), strict=True):
        if np.isfinite(value):
            pairs[min(a, b), max(a, b)] = value
    return sorted(pairs, key=lambda pair: (-pairs[pair], pair))
