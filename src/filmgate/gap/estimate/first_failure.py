"""Where chains first break, when traces are labelled only in part.

Every trace says between which steps its first failure lies: a step labelled good bounds it from
below, one labelled bad from above, the final label closes or opens the end. Turnbull's (1976)
self-consistent estimate of such interval-censored data is the expectation-maximisation below. It
rests on labels that are missing at random.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    F64 = NDArray[np.float64]

_TOLERANCE = 1e-13
_ITERATIONS = 50_000
_RANK = 1e-9


class Observation(NamedTuple):
    """`traces` traces of which the first failing step is in low + 1 .. high (steps count from 1).

    high = n + 1 is "no failure": a good trace of n steps is (n, n + 1), an unknown one (0, n + 1).
    """

    low: int
    high: int
    traces: float


class Fit(NamedTuple):
    """Maximum likelihood.

    Attributes:
        pmf: (n + 1,) probability that the first failure is at step 1..n, and that there is none.
        yields: (n,) P(step good | all before it good).
        log_likelihood: of the observations.
    """

    pmf: F64
    yields: F64
    log_likelihood: float

    @property
    def good(self) -> float:
        """P(no failure)."""
        return float(self.pmf[-1])


class Segment(NamedTuple):
    """Steps first..last (from 1) of which only the product of yields is identified.

    Attributes:
        value: the product of their yields.
        at_risk: expected traces that reached them in good order.
        effective_n: what the observations are worth, in traces that are labelled in full.
    """

    first: int
    last: int
    value: float
    at_risk: float
    effective_n: float


def fit(observations: Iterable[Observation], steps: int) -> Fit:
    """The first-failure distribution of a chain of `steps` steps.

    Where observations cannot tell cells apart their mass is split evenly: `identified` says which
    yields may be printed.
    """
    import numpy as np

    rows = _grouped(observations, steps)
    inside, counts = _matrix(rows, steps), np.array([r.traces for r in rows])
    pmf = np.full(steps + 1, 1 / (steps + 1))
    for _ in range(_ITERATIONS):
        expected = (counts / (inside @ pmf)) @ inside
        following = pmf * expected / counts.sum()
        moved = float(np.abs(following - pmf).max())
        pmf = following
        if moved < _TOLERANCE:
            break
    tail = np.cumsum(pmf[::-1])[::-1]
    with np.errstate(invalid="ignore", divide="ignore"):
        yields = np.where(tail[:-1] > 0, tail[1:] / tail[:-1], 1.0)
    return Fit(pmf, yields, float(counts @ np.log(inside @ pmf)))


def _grouped(observations: Iterable[Observation], steps: int) -> list[Observation]:
    counts: dict[tuple[int, int], float] = {}
    for low, high, count in observations:
        if not 0 <= low < high <= steps + 1:
            raise ValueError(f"({low}, {high}] is no interval of {steps} steps")
        counts[low, high] = counts.get((low, high), 0) + count
    return [Observation(low, high, count) for (low, high), count in counts.items() if count]


def _matrix(rows: list[Observation], steps: int) -> F64:
    """(observations, steps + 1): 1 where the first failure may be."""
    import numpy as np

    cells = np.arange(1, steps + 2)
    low = np.array([r.low for r in rows])[:, None]
    high = np.array([r.high for r in rows])[:, None]
    return ((cells > low) & (cells <= high)).astype(np.float64)


def boundaries(observations: Iterable[Observation], steps: int) -> list[int]:
    """The points 0..n after which "still good" is identified, by the number of steps before them.

    The shares of the observed intervals are linear in the pmf; P(first failure > b) is identified
    where its indicator is in the row space of what was observed.
    """
    import numpy as np

    rows = _matrix(_grouped(observations, steps), steps)
    known = np.vstack([rows, np.ones(steps + 1)])
    found = [0]
    for b in range(1, steps + 1):
        tail = (np.arange(1, steps + 2) > b).astype(np.float64)
        weights = np.linalg.lstsq(known.T, tail, rcond=None)[0]
        if np.abs(known.T @ weights - tail).max() < _RANK:
            found.append(b)
    return found


def segments(observations: Iterable[Observation], steps: int) -> list[Segment]:
    """The chain cut where the traces can tell: one segment per identified product of yields.

    Steps after the last identified boundary are in no segment.
    """
    rows = _grouped(observations, steps)
    cuts = boundaries(rows, steps)
    if len(cuts) < 2:
        return []
    merged = _merged(rows, cuts, steps)
    found = fit(merged, len(cuts) - 1)
    worth, reached = _effective(merged, found)
    return [
        Segment(
            cuts[i] + 1, cuts[i + 1], float(found.yields[i]), float(reached[i]), float(worth[i])
        )
        for i in range(len(cuts) - 1)
    ]


def whole(observations: Iterable[Observation], steps: int) -> Segment | None:
    """The chain as one: P(no failure), and what the observations are worth for that alone.

    None where the end of the chain is not identified. What steps' labels add to it beyond the
    outcomes is left out, so that `effective_n` errs to the low side.
    """
    rows = _grouped(observations, steps)
    if steps not in boundaries(rows, steps):
        return None
    single = _merged(rows, [0, steps], steps)
    worth, reached = _effective(single, fit(single, 1))
    return Segment(1, steps, fit(rows, steps).good, float(reached[0]), float(worth[0]))


def _merged(rows: list[Observation], cuts: list[int], steps: int) -> list[Observation]:
    """The same observations of the chain whose steps are the segments between `cuts`.

    What follows the last cut is one cell more: it is never told apart from "no failure".
    """
    last = len(cuts) - 1
    out = []
    for low, high, count in rows:
        below = max(i for i, cut in enumerate(cuts) if cut <= low)
        above = next((i for i, cut in enumerate(cuts) if cut >= high), last + 1)
        out.append(Observation(below, above, count))
    return out


def _effective(rows: list[Observation], found: Fit) -> tuple[F64, F64]:
    """(worth, reached) per step: effective observations, and expected traces at risk.

    Louis (1982): information observed = complete - missing, the missing part being the variance of
    the complete score given what was seen. n is chosen so that h (1 - h) / n is the variance of the
    hazard h. Both are taken at hazards half a failure away from 0 and 1, where the information is
    finite.
    """
    import numpy as np

    steps = len(found.yields)
    inside, counts = _matrix(rows, steps), np.array([r.traces for r in rows])
    reached = _reached(inside, counts, found.pmf)
    hazard = ((1 - found.yields) * reached + 0.5) / (reached + 1)
    pmf = np.append(hazard, 1.0) * np.concatenate([[1.0], np.cumprod(1 - hazard)])
    reached_here = _reached(inside, counts, pmf)
    score = np.where(np.eye(steps, dtype=bool), 1 / hazard, 0.0)
    score = np.vstack([score, np.zeros(steps)])
    survived = np.arange(steps + 1)[:, None] > np.arange(steps)[None, :]
    score = np.where(survived, -1 / (1 - hazard), score)
    missing = np.zeros((steps, steps))
    for row, count in zip(inside, counts, strict=True):
        weight = row * pmf / float(row @ pmf)
        mean = weight @ score
        missing += count * ((score * weight[:, None]).T @ score - np.outer(mean, mean))
    complete = np.diag(reached_here / (hazard * (1 - hazard)))
    variance = np.diag(np.linalg.pinv(complete - missing))
    with np.errstate(divide="ignore"):
        worth = np.where(variance > 0, hazard * (1 - hazard) / variance, 0.0)
    return np.clip(worth, 0.0, reached), reached


def _reached(inside: F64, counts: F64, pmf: F64) -> F64:
    """(steps,) expected traces that are good before each step."""
    import numpy as np

    weights = inside * pmf
    weights = weights / weights.sum(axis=1, keepdims=True)
    cells = counts @ weights
    return np.asarray(np.cumsum(cells[::-1])[::-1][:-1], dtype=np.float64)
