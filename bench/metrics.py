"""Figures and their intervals: how well scores put the drifting shots first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

REPEATS: Final = 400


def auroc(score: F64, drift: Bool, weight: F64 | None = None) -> float:
    """Chance that a drifting shot scores above a clean one, ties counting half; NaN when one of
    the two is missing. `weight` counts shots as many times."""
    weight = np.ones(len(score)) if weight is None else weight
    up, down = weight * drift, weight * ~drift
    if up.sum() == 0 or down.sum() == 0:
        return float("nan")
    values, place = np.unique(score, return_inverse=True)
    high = np.bincount(place, up, minlength=len(values))
    low = np.bincount(place, down, minlength=len(values))
    below = np.cumsum(low) - low
    return float((high * (below + 0.5 * low)).sum() / (high.sum() * low.sum()))


def flagged_share(score: F64, count: int) -> F64:
    """(N,) chance of each shot to be among the `count` highest, ties broken at random."""
    count = min(count, len(score))
    if count == 0:
        return np.zeros(len(score))
    edge = np.sort(score)[::-1][count - 1]
    above, level = score > edge, score == edge
    out: F64 = above.astype(np.float64)
    out[level] = (count - above.sum()) / level.sum()
    return out


def clean_flagged(score: F64, drift: Bool, recall: float, weight: F64 | None = None) -> float:
    """Share of clean shots at or above the score that reaches `recall` of the drifting ones."""
    weight = np.ones(len(score)) if weight is None else weight
    order = np.argsort(-score[drift], kind="stable")
    have = np.cumsum(weight[drift][order])
    if not len(have) or have[-1] == 0 or weight[~drift].sum() == 0:
        return float("nan")
    at = min(int(np.searchsorted(have, recall * have[-1] - 1e-9)), len(have) - 1)
    edge = score[drift][order][at]
    return float((weight * (~drift & (score >= edge))).sum() / weight[~drift].sum())


@dataclass(frozen=True, slots=True)
class Rows:
    """Shots of several projects side by side.

    Attributes:
        score, drift: per shot; project: its project's number; person: who it shows.
        kind: family of the planted drift, "" for clean ones.
        right: whether the right check is blamed; seen: whether the right check measured the shot.
    """

    score: F64
    drift: Bool
    project: I64
    person: NDArray[np.str_]
    kind: NDArray[np.str_]
    right: Bool
    seen: Bool

    def take(self, keep: Bool) -> Rows:
        return Rows(*(getattr(self, n)[keep] for n in Rows.__slots__))

    @staticmethod
    def join(parts: Sequence[Rows]) -> Rows:
        return Rows(*(np.concatenate([getattr(p, n) for p in parts]) for n in Rows.__slots__))


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval and the number of drifting shots behind it."""

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        if not np.isfinite(self.value):
            return "–"
        return f"{self.value:.3f} [{self.low:.2f}, {self.high:.2f}]"


def per_project(rows: Rows, weight: F64, what: Callable[[Rows, F64], float]) -> float:
    """Mean over projects of `what`, each counted by its drifting weight."""
    values, counts = [], []
    for project in np.unique(rows.project):
        here = rows.project == project
        value = what(rows.take(here), weight[here])
        if np.isfinite(value):
            values.append(value)
            counts.append(float((weight[here] * rows.drift[here]).sum()))
    total = sum(counts)
    if not total:
        return float("nan")
    return float(np.dot(values, counts) / total)


def mean_auroc(rows: Rows, weight: F64) -> float:
    """AUROC within each project, averaged."""
    return per_project(rows, weight, lambda r, w: auroc(r.score, r.drift, w))


def recall_at(share: float, need_seen: bool = False) -> Callable[[Rows, F64], float]:
    """Recall when the highest `share` of each project's shots is escalated.

    With `need_seen` a drifting shot whose own check could not measure it counts as missed.
    """

    def figure(rows: Rows, weight: F64) -> float:
        got = np.zeros(len(rows.score))
        for project in np.unique(rows.project):
            here = np.flatnonzero(rows.project == project)
            got[here] = flagged_share(rows.score[here], int(np.ceil(share * len(here))))
        if need_seen:
            got = got * rows.seen
        total = (weight * rows.drift).sum()
        return float((weight * rows.drift * got).sum() / total) if total else float("nan")

    return figure


def blame_at(share: float) -> Callable[[Rows, F64], float]:
    """Of the drifting shots escalated at `share`, how many have the right check blamed."""

    def figure(rows: Rows, weight: F64) -> float:
        got = np.zeros(len(rows.score))
        for project in np.unique(rows.project):
            here = np.flatnonzero(rows.project == project)
            got[here] = flagged_share(rows.score[here], int(np.ceil(share * len(here))))
        base = weight * rows.drift * got
        return float((base * rows.right).sum() / base.sum()) if base.sum() else float("nan")

    return figure


def flagged_at_recall(recall: float) -> Callable[[Rows, F64], float]:
    """Share of clean shots flagged, one threshold for all projects, at `recall`."""
    return lambda rows, weight: clean_flagged(rows.score, rows.drift, recall, weight)


def of_kind(kind: str, what: Callable[[Rows, F64], float]) -> Callable[[Rows, F64], float]:
    """`what`, counting the drifts of one kind alone; the others still take their places."""
    return lambda rows, weight: what(rows, weight * ((rows.kind == kind) | ~rows.drift))


def alone(kind: str, what: Callable[[Rows, F64], float]) -> Callable[[Rows, F64], float]:
    """`what` of projects in which only one kind drifts: drifts of other kinds are left out."""

    def figure(rows: Rows, weight: F64) -> float:
        keep = (rows.kind == kind) | ~rows.drift
        return what(rows.take(keep), weight[keep])

    return figure


def bootstrap(
    rows: Rows, what: Callable[[Rows, F64], float], repeats: int = REPEATS, seed: int = 1
) -> Figure:
    """95 % percentile interval over people x projects: both are drawn anew with replacement, and
    a shot counts as often as its project was drawn times as often as its person was."""
    rng = np.random.default_rng(seed)
    projects, project = np.unique(rows.project, return_inverse=True)
    people, person = np.unique(rows.person, return_inverse=True)
    value = what(rows, np.ones(len(rows.score)))
    draws = []
    for _ in range(repeats):
        by_project = np.bincount(
            rng.integers(len(projects), size=len(projects)), minlength=len(projects)
        )
        by_person = np.bincount(rng.integers(len(people), size=len(people)), minlength=len(people))
        weight = by_project[project].astype(np.float64) * by_person[person]
        drawn = what(rows, weight)
        if np.isfinite(drawn):
            draws.append(drawn)
    low, high = np.percentile(draws, (2.5, 97.5)) if draws else (np.nan, np.nan)
    return Figure(value, float(low), float(high), int(rows.drift.sum()))


def resampled(groups: I64, rng: np.random.Generator) -> I64:
    """Rows of groups (sequences) drawn with replacement."""
    members = [np.flatnonzero(groups == g) for g in np.unique(groups)]
    drawn = rng.integers(len(members), size=len(members))
    return np.concatenate([members[d] for d in drawn])


def cluster_interval(
    values: Callable[[I64], float], groups: I64, repeats: int = 2000, seed: int = 1
) -> tuple[float, float, float]:
    """`values(all rows)` with its 95 % interval by bootstrap over groups, without NaN draws."""
    rng = np.random.default_rng(seed)
    draws = [values(resampled(groups, rng)) for _ in range(repeats)]
    kept = [d for d in draws if np.isfinite(d)]
    low, high = np.percentile(kept, (2.5, 97.5)) if kept else (np.nan, np.nan)
    return values(np.arange(len(groups))), float(low), float(high)
