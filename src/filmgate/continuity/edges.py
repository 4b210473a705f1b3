"""Where a scene begins: the positions of the edit at which light and sound change for every shot.

A drifting shot differs from the shots before it and from those after it. A new scene parts the
shots: each is more like those on its own side than like those on the other. So every shot near a
position votes with that difference, one shot never decides, and where nearly all vote for it a
scene begins.
Shots of one set-up are compared closely; shots of different set-ups by how much neighbouring
set-ups usually differ in this sequence, which in a film of one room is little and elsewhere much.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

REACH = 10
"""Shots on either side of a position that vote on it."""
LASTING = 3
"""Shots on either side that it takes: a look that lasts shorter is a drift, not a scene."""
VOTE = 1.5
"""Mean vote that makes an edge, in usual differences. On 14 development projects .1 to .2 is usual
inside scenes; from 1.2 to 2.0 the edges found are the same but for one in fifty."""
_CAP = 5.0
"""A difference counts as at most this many usual ones: a gross one is no more telling."""
_NEARLY_ALL = 0.7
_OTHER_SETUP = 0.3
"""Weight of a pair from different set-ups against a pair of one."""
_STRANGE = 1.0
"""What it costs a shot to lie on the side where its set-up is not used: too little to make an edge
by itself, enough to say on which side of one a shot lies."""
_STRAYS = 1.5
"""A shot that is so many times as unlike its scene as the scene's other shots fits badly."""
_RECENT = 40
_NUDGE = 3


class Edges(NamedTuple):
    """Attributes: cuts: positions at which a scene begins, ascending, without 0;
    votes: (N,) how much the shots around each position speak for an edge there; NaN where fewer
        than `LASTING` shots lie between it and the next edge.
    """

    cuts: I64
    votes: F64


def scene_edges(label: I64, values: F64, floor: F64) -> Edges:
    """The edges of an edit.

    Args:
        label: (N,) set-up per shot, -1 where not measured.
        values: (N, F) what a scene has in common (log light, sound), NaN where unknown.
        floor: (F,) smallest difference that is one.
    """
    n = len(label)
    votes = np.full(n, -np.inf)
    if n < 2 * LASTING:
        return Edges(np.zeros(0, np.int64), np.full(n, np.nan))
    pairs = _Pairs.of(label, values, floor)
    cuts = np.array([0, n])
    votes[1:] = pairs.votes(np.arange(1, n), cuts)
    spoken = votes.copy()
    while votes.max() >= VOTE:
        at = pairs.settled(int(votes.argmax()), cuts)
        cuts = np.insert(cuts, np.searchsorted(cuts, at), at)
        near = np.arange(max(1, at - REACH - _NUDGE), min(n, at + REACH + _NUDGE + 1))
        votes[near] = pairs.votes(near, cuts)
        votes[cuts[:-1]] = -np.inf
        spoken[near] = votes[near]
    for k in range(1, len(cuts) - 1):
        # Found before its neighbours were, an edge heard shots of other scenes.
        cuts[k] = pairs.settled(int(cuts[k]), np.delete(cuts, k))
    cuts = np.array(
        sorted({0, n, *(_by_setup(label, pairs, cuts, k) for k in range(1, len(cuts) - 1))})
    )
    spoken[cuts[1:-1]] = VOTE
    return Edges(cuts[1:-1], np.where(np.isfinite(spoken), spoken, np.nan))


def _by_setup(label: I64, pairs: _Pairs, cuts: I64, k: int) -> int:
    """Edge `k`, moved past shots beside it that fit neither scene, and whose set-up only the other
    one uses: light cannot say where a drifting shot belongs, the camera's place can.
    """
    at, far = int(cuts[k]), 2 * REACH - LASTING
    low, high = max(int(cuts[k - 1]), at - far), min(int(cuts[k + 1]), at + far)
    for step in (-1, 1):
        for _ in range(LASTING - 1):
            shot = at - 1 if step < 0 else at
            own = np.arange(low, at) if step < 0 else np.arange(at, high)
            there = np.arange(at, high) if step < 0 else np.arange(low, at)
            own = own[own != shot]
            if (
                len(own) < LASTING
                or label[shot] in label[own]
                or (label[there] == label[shot]).sum() < 2
            ):
                break
            usual = np.median([pairs.mean(int(i), own[own != i]) for i in own])
            if pairs.mean(shot, own) < _STRAYS * usual:
                break
            at += step
        if at != cuts[k]:
            break
    return at


class _Pairs(NamedTuple):
    """How unlike shots i and i + 1 + k are: cost (N, 2 REACH) and its weight."""

    cost: F64
    weight: F64

    @staticmethod
    def of(label: I64, values: F64, floor: F64) -> _Pairs:
        close, far = _usual(label, values, floor)
        n, reach = len(label), 2 * REACH
        cost, weight = np.zeros((n, reach)), np.zeros((n, reach))
        for k in range(min(reach, n - 1)):
            one, two = slice(0, n - 1 - k), slice(1 + k, n)
            same = label[one] == label[two]
            apart = np.abs(values[one] - values[two]) / np.where(same[:, None], close, far)
            cost[one, k] = np.nansum(np.minimum(apart, _CAP), axis=1)
            seen = (label[one] >= 0) & (label[two] >= 0)
            weight[one, k] = np.where(same, 1.0, _OTHER_SETUP) * seen
        return _Pairs(cost, weight)

    def mean(self, shot: int, others: I64) -> float:
        """How unlike `shot` is to `others`, on average."""
        first, step = np.minimum(others, shot), np.abs(others - shot) - 1
        weight = self.weight[first, step]
        return float((self.cost[first, step] * weight).sum() / max(float(weight.sum()), 1e-9))

    def votes(self, at: I64, cuts: I64) -> F64:
        """(M,) mean vote at positions `at`, the shots beyond the nearest `cuts` left out."""
        place = np.searchsorted(cuts, at, side="right")
        first = np.maximum(cuts[place - 1], at - REACH)
        last = np.minimum(cuts[np.minimum(place, len(cuts) - 1)], at + REACH)
        vote, seats = self._window(at, first, last)
        left, right = vote[:, :REACH], vote[:, REACH:]
        counts = seats[:, :REACH].sum(axis=1), seats[:, REACH:].sum(axis=1)
        sides = [
            v.sum(axis=1) / np.maximum(c, 1) for v, c in zip((left, right), counts, strict=True)
        ]
        mean = vote.sum(axis=1) / np.maximum(counts[0] + counts[1], 1)
        out = 0.5 * np.minimum(*sides) + 0.5 * mean
        agree = (vote > 0.5).sum(axis=1) >= _NEARLY_ALL * (counts[0] + counts[1])
        firm = np.minimum(*((v > VOTE / 2).sum(axis=1) for v in (left, right))) >= LASTING
        out = np.where(agree & firm, out, np.minimum(out, VOTE - 0.01))
        return np.where(np.minimum(*counts) >= LASTING, out, -np.inf)

    def settled(self, at: int, cuts: I64) -> int:
        """The position next to `at` that parts the shots best: the edge itself."""
        place = int(np.searchsorted(cuts, at, side="right"))
        low, high = int(cuts[place - 1]), int(cuts[place])
        tried = np.arange(max(low + LASTING, at - _NUDGE), min(high - LASTING, at + _NUDGE) + 1)
        first = np.full(len(tried), max(low, at - REACH + _NUDGE))
        last = np.full(len(tried), min(high, at + REACH - _NUDGE))
        vote, _ = self._window(tried, first, last)
        return int(tried[vote.sum(axis=1).argmax()])

    def _window(self, at: I64, first: I64, last: I64) -> tuple[F64, NDArray[np.bool_]]:
        """(M, 2 REACH) vote of each shot from at - REACH on, and whether it takes part."""
        n, width = len(self.cost), 2 * REACH
        u, v = np.meshgrid(np.arange(width), np.arange(width), indexing="ij")
        step = np.abs(u - v) - 1
        shots = at[:, None] - REACH + np.arange(width)
        seats = (shots >= first[:, None]) & (shots < last[:, None])
        start = np.clip(at[:, None, None] - REACH + np.minimum(u, v), 0, n - 1)
        weight = np.where(step >= 0, self.weight[start, step], 0.0)
        weight *= seats[:, :, None] & seats[:, None, :]
        product = weight * self.cost[start, step]

        def mean(side: slice) -> tuple[F64, F64]:
            total = weight[:, :, side].sum(axis=2)
            strange = (weight[:, :, side] < 1.0).all(axis=2)
            return product[:, :, side].sum(axis=2) / np.maximum(
                total, 1e-9
            ) + strange * _STRANGE, total

        (left, some), (right, others) = mean(slice(0, REACH)), mean(slice(REACH, width))
        sign = np.where(np.arange(width) < REACH, 1.0, -1.0)
        return np.where((some > 0) & (others > 0), sign * (right - left), 0.0), seats


def _usual(label: I64, values: F64, floor: F64) -> tuple[F64, F64]:
    """(F,) usual difference of two takes of one set-up, and of neighbours of different ones."""
    takes: list[tuple[int, int]] = []
    last: dict[int, int] = {}
    for at in np.flatnonzero(label >= 0).tolist():
        before = last.get(int(label[at]))
        if before is not None and at - before <= _RECENT:
            takes.append((before, at))
        last[int(label[at])] = at
    joins = np.flatnonzero((label[1:] != label[:-1]) & (label[1:] >= 0) & (label[:-1] >= 0)) + 1
    close = _typical(values, np.array(takes, dtype=np.int64).reshape(-1, 2), floor)
    return close, _typical(values, np.stack([joins - 1, joins], axis=1), close)


def _typical(values: F64, pairs: I64, floor: F64) -> F64:
    apart = np.abs(values[pairs[:, 0]] - values[pairs[:, 1]])
    out = floor.copy()
    for column, steps in enumerate(apart.T):
        known = steps[np.isfinite(steps)]
        if len(known):
            out[column] = max(1.5 * float(np.median(known)), float(floor[column]))
    return out
