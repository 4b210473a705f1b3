"""Which shots may be compared: stretches of one light in a set-up, chapters and scenes of the edit.

Inside a set-up a lasting change of light starts a new stretch; a single odd shot does not, or drift
would excuse itself.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from filmgate.continuity import consensus
from filmgate.continuity.edges import Edges
from filmgate.continuity.setups import SHORT_SEQUENCE

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

_LASTING = 3
_WINDOW = 5
_CONSENSUS = 4
_LIGHT_FLOOR = 0.12
"""Smallest change of light (natural log) that can start a new stretch: a sixth of a stop."""
_REACH = 40
_BLUR = 6
_NEARLY_ALL = 0.75
_NEAR = 10
_GOING_ON = 0.25
_APART = 2
_GOES_ON = 0.4
"""Vote (`edges.scene_edges`) up to which light and sound go on as before."""
_CANDIDATES = 20
_FITS = 0.75
"""Correlation of a layout with the mean of its set-up that 97 of 100 takes exceed; on the
development projects 99 of 100 stray shots that fit so well are of that set-up."""
_SAME_PLACE = 0.45
"""Palette distance (Hellinger) under which two shots may be one place."""


def stretches(label: I64, light: F64, cuts: I64) -> I64:
    """(N,) groups: set-ups divided where their light changes for good; -1 stays -1.

    Args:
        label: set-up per shot; light: (N, D) log light of the background, NaN where unseen;
            cuts: where scenes begin (`edges.scene_edges`).
    """
    out = np.full(len(label), -1)
    next_group = 0
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
    middle = _window_medians(np.where(seen[:, None], values, np.nan))
    with np.errstate(invalid="ignore"):
        # Before a cut and from it on; NaN, which is never larger, where too few were seen.
        jump = np.abs(middle[:-_WINDOW] - middle[_WINDOW:])
        sizes = np.where((jump > _LIGHT_FLOOR).any(axis=1), (jump / noise).max(axis=1), 0.0)
    if sizes.max() < 5.0:
        return [members]
    # Medians hardly say at which of several cuts the step is: where both sides are tightest.
    likely = np.flatnonzero(sizes > 0.7 * sizes.max()).tolist()
    best = min(likely, key=lambda cut: _looseness(values[:cut]) + _looseness(values[cut:]))
    return _divide(members[:best], light) + _divide(members[best:], light)


def _window_medians(values: F64) -> F64:
    """(n + 1 + _WINDOW, D) row k: the median of the seen rows k - _WINDOW to k - 1 of (n, D), NaN
    where fewer than `_LASTING` were seen.
    """
    blank = np.full((_WINDOW, values.shape[1]), np.nan)
    padded = np.concatenate([blank, values, blank])
    windows = np.sort(sliding_window_view(padded, _WINDOW, axis=0), axis=2)  # NaN comes last
    seen = np.isfinite(windows[:, 0]).sum(axis=1)
    rows = np.arange(len(windows))
    low, high = windows[rows, :, (seen - 1) // 2], windows[rows, :, seen // 2]
    return np.where((seen >= _LASTING)[:, None], (low + high) / 2, np.nan)


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


def gathered(group: I64, chapter: I64, vectors: F32) -> I64:
    """`group`, with shots that are too few for a consensus given to the group of their chapter that
    their picture fits: over a whole film a set-up's takes may fall into several parts, and in its
    own scene a take that fits is better company than its like elsewhere.

    Args:
        vectors: (N, D) unit layouts.
    """
    out = group.copy()
    parts = consensus.parts(group)
    at_home: dict[int, list[int]] = {}
    for number, members in enumerate(parts):
        at_home.setdefault(int(chapter[members[0]]), []).append(number)
    few = np.ones(len(group), bool)
    for members in parts:
        few[members] = False
    if not parts:
        return out
    means = np.stack([vectors[members].sum(axis=0) for members in parts])
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-6)
    for i in np.flatnonzero(few & (group >= 0)).tolist():
        homes = at_home.get(int(chapter[i]), [])
        if not homes:
            continue
        fits = means[homes] @ vectors[i]
        best = int(fits.argmax())
        if fits[best] >= _FITS:
            out[i] = group[parts[homes[best]][0]]
    return out


class Places(NamedTuple):
    """Attributes: scene: (N,) one place and light, wherever it is cut to; chapter: (N,) its
    unbroken stretches in the edit. -1 where not measured.
    """

    scene: I64
    chapter: I64


def scenes(group: I64, palettes: F32, light: F64, edges: Edges) -> Places:
    """Scenes: chapters of the edit in which set-ups recur, joined if place and light are one.

    Short sequences are one scene. In longer ones a shot that matches nothing is a scene of its
    own: with nothing to compare it is not measured, which is said.
    """
    n = len(group)
    measured = np.flatnonzero(group >= 0)
    out = np.full(n, -1)
    if not len(measured):
        return Places(out, out)
    if n <= SHORT_SEQUENCE:
        out[measured] = 0
        return Places(out, out)
    spans = _chapters(group, measured, edges, light)
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


def _chapters(group: I64, measured: I64, edges: Edges, light: F64) -> list[I64]:
    """Cut the edit at its edges, and where hardly any set-up that is in use goes on on the other
    side, unless light and sound go on there.
    """
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    labels = group[measured]
    for at, g in enumerate(labels):
        first.setdefault(int(g), at)
        last[int(g)] = at
    known = np.searchsorted(measured, edges.cuts)
    cuts: list[int] = known.tolist()
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
        if ((known >= run[0] - _APART) & (known <= run[-1] + _APART)).any():
            continue
        # Around one change of scene several positions look alike: it is where the light changes.
        best = run[ratios[run] == ratios[run].min()]
        for alike in np.split(best, np.flatnonzero(np.diff(best) > 1) + 1):
            steps = [_step(light[measured], int(at)) for at in alike]
            at = int(alike[int(np.argmax(steps))])
            if not edges.votes[measured[at]] <= _GOES_ON:
                cuts.append(at)
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
