"""The cheapest nodes on a chain: exact, by dynamic programming from the end.

The cost to go from a checkpoint, as a function of b = P(good) there, is the lower envelope of the
costs of all ways on. A way on is: run on to some handoff, put an option there, and go on in one of
the ways known from there. All lengths are considered; those that cannot be on the envelope are left
out by lower bounds that hold for every plan, so that nothing is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from filmgate.gap.menu import Menu
from filmgate.gap.pipeline import Nodes, Pipeline
from filmgate.gap.placement.envelope import Index, breaks, envelope, heights
from filmgate.gap.segment import Array

Mask = NDArray[np.bool_]
NEAR, BLOCK = 8, 256
"""Handoffs ahead that are looked at in any case, and in one go when the bounds leave more."""
COARSE, LITTLE = (3, 12), 300_000
"""Numbers of beliefs at which arcs are looked at before all their lines are, where these are more
than a little work: arcs x lines x breaks."""
ROUNDING, SMALLEST = 1e-12, 1e-300
"""Relative error that bounds allow for; a probability below this share of a cost is none."""
FORBIDDEN = 1e150
"""Added to the cost of an option that may not stand at a handoff; a number, as 0 x inf is none."""


class Arcs(NamedTuple):
    """Ways from one checkpoint to the next: to handoff `to` with option `option`.

    The four others are (2, n): what happens to an item that starts good (0) or bad (1).
    """

    to: Index
    option: Index
    good: Array
    bad: Array
    aborted: Array
    cost: Array

    def take(self, which: Index) -> Arcs:
        """Those of an index."""
        return Arcs(
            self.to[which],
            self.option[which],
            self.good[:, which],
            self.bad[:, which],
            self.aborted[:, which],
            self.cost[:, which],
        )


@dataclass(frozen=True, slots=True)
class Stage:
    """The envelope at one checkpoint, over the beliefs that a plan can lead to.

    Attributes:
        values: (2, n) cost to go of each line for a good and for a bad item, prices included.
        to, option, line: (n,) its first arc and the line that goes on from there; option -1 ends
            the chain without another node.
    """

    values: Array
    to: Index
    option: Index
    line: Index


@dataclass(frozen=True, slots=True)
class Solution:
    """The cheapest plan at given prices of a bad and of an aborted item.

    Attributes:
        value: cost + bad_price P(bad) + abort_price P(aborted), the least of all plans.
        nodes: the plan.
        stages: one per checkpoint, from the start of the chain to its end.
        lines: the most lines that any stage needed.
    """

    value: float
    nodes: Nodes
    stages: tuple[Stage, ...]
    lines: int


def solve(
    pipeline: Pipeline,
    bad_price: float,
    abort_price: float | None = None,
    menu: Menu | None = None,
    longest: int | None = None,
) -> Solution:
    """The plan with the least cost + `bad_price` P(bad) + `abort_price` P(aborted).

    Args:
        pipeline: a chain.
        bad_price: of an item that comes out bad, at least 0.
        abort_price: of an aborted item; the pipeline's `abort_cost` when not given.
        menu: the options to choose from; all of the pipeline's when not given.
        longest: how many steps a verifier may send back at most; any number when not given.
    """
    return Chain(pipeline, menu or Menu.of(pipeline), longest).solve(
        bad_price, pipeline.abort_cost if abort_price is None else abort_price
    )


class Chain:
    """A chain with its menu, for solving at several prices."""

    def __init__(self, pipeline: Pipeline, menu: Menu, longest: int | None = None) -> None:
        self.pipeline, self.menu = pipeline, menu
        self.n = len(pipeline.steps)
        self.longest = self.n if longest is None else longest
        forbidden = np.array([menu.forbidden(s) for s in pipeline.steps])
        self._extra = FORBIDDEN * forbidden if forbidden.any() else None
        self.vote = np.array([menu.voted(s) for s in pipeline.steps]).reshape(
            self.n, 3, len(menu.leads)
        )
        self.p = np.array([s.p for s in pipeline.steps])
        self.q = np.array([s.repair for s in pipeline.steps])
        self.c = np.array([s.cost for s in pipeline.steps])
        self.low = self._least_good()

    def _least_good(self) -> Array:
        """(n+1,) what P(good) is at least at each checkpoint, whatever the plan; 0 if unknown.

        A good item is good behind a segment with at least κ s^(1+ρ) (`Menu.keeps`), s being the
        product of its yields. Cost-to-go matters only from there up, which is what keeps long rows
        of reliable steps fast: for an item almost surely bad, thousands of plans are about equal.
        """
        kept, power = self.menu.keeps
        worst = np.minimum(self.p, self.vote[:, 0].min(axis=1, initial=1.0)) ** power
        # A little less: what is computed may lie below the bound by rounding.
        made: Array = np.concatenate(([1.0], np.cumprod(worst * kept))) * (1 - ROUNDING)
        return made

    def solve(self, bad_price: float, abort_price: float) -> Solution:
        """The cheapest plan at these prices."""
        ahead = Ahead(self.n, bad_price, abort_price if self.menu.aborts else None)
        run = Runs(self)
        last = Lines(0.0, float(bad_price), -1, self.low[-1])
        stages = [last.stage()]
        for j in range(self.n - 1, -1, -1):
            run.back()
            last = self._lines(j, run, ahead, last)
            stages.append(last.stage())
            ahead.put(j, stages[-1])
        stages.reverse()
        first, most = stages[0], max(stage.to.size for stage in stages)
        return Solution(float(first.values[0, 0]), self.follow(stages, 0), tuple(stages), most)

    def follow(self, stages: Sequence[Stage], line: int, at: int = 0) -> Nodes:
        """The nodes behind the steps from checkpoint `at` on, along `line` of its stage."""
        nodes: list[int] = [-1] * (self.n - at)
        here = at
        while here < self.n:
            stage = stages[here]
            to, option = int(stage.to[line]), int(stage.option[line])
            nodes[to - 1 - at] = option
            line, here = int(stage.line[line]), to
        return tuple(None if i < 0 else self.menu.options[i] for i in nodes)

    def ending(self, run: Runs, bad_price: float) -> tuple[float, float]:
        """The line that puts no node before the end of the chain."""
        cost = float(run.cost[-1])
        return (
            cost + bad_price * (1 - float(run.success[0, -1])),
            cost + bad_price * (1 - float(run.success[1, -1])),
        )

    def _lines(self, j: int, run: Runs, ahead: Ahead, last: Lines) -> Lines:
        """The envelope at checkpoint `j`, given that at the next one."""
        lines = Lines(*self.ending(run, ahead.bad_price), self.n, self.low[j])
        options = len(self.menu.options)
        if not options:
            return lines
        size = min(run.cost.size, self.longest)
        # Near handoffs, and the arcs of the next checkpoint (to the same handoff, and of the same
        # length): most of the new envelope.
        unseen = np.ones(size, dtype=bool)
        going = last.option >= 0
        kept = np.concatenate((last.to[going] - j - 1, last.to[going] - j - 2))
        same = np.tile(last.option[going], 2)[kept < size]
        kept = kept[kept < size]
        unseen[:NEAR] = unseen[kept] = False
        close = np.flatnonzero(~unseen)
        near = self.arcs(j, close, run)
        known = np.zeros(near.to.size, dtype=bool)
        known[:options] = True
        known[np.searchsorted(close, kept) * options + same] = True
        lines.start(near.take(np.flatnonzero(known)), ahead, last.breaks)
        lines.add(near.take(np.flatnonzero(self.worth(near, lines, ahead) & ~known)), ahead)
        while (beyond := np.flatnonzero(unseen)).size:
            alive = beyond[self.hopeful(beyond, j, run, ahead, lines)][:BLOCK]
            if not alive.size:
                break
            far = self.arcs(j, alive, run)
            lines.add(far.take(np.flatnonzero(self.worth(far, lines, ahead))), ahead)
            unseen[: alive[-1] + 1] = False
        return lines

    def worth(self, arcs: Arcs, lines: Lines, ahead: Ahead, slack: float = 0.0) -> Mask:
        """Whether the best imaginable line of each arc reaches below the envelope plus `slack`."""
        x, y = ahead.least[:, arcs.to]
        return lines.below(arcs.cost + arcs.good * x + arcs.bad * y + ahead.priced(arcs), slack)

    def arcs(self, j: int, ahead: Index, run: Runs) -> Arcs:
        """All arcs from checkpoint `j` to the handoffs j + 1 + `ahead`, options innermost."""
        success, cost = run.success[:, ahead], run.cost[ahead]
        parts: list[Array] = list(self.menu.judged(success, cost)[:4])
        if self.menu.leads:
            parts = [
                np.concatenate(pair, axis=2)
                for pair in zip(parts, self._votes(j, ahead, run), strict=True)
            ]
        if self._extra is not None:
            parts[3] = parts[3] + self._extra[j + ahead]
        options = len(self.menu.options)
        to = np.repeat(j + 1 + ahead, options)
        option = np.tile(np.arange(options), ahead.size)
        return Arcs(to, option, *(part.reshape(2, -1) for part in parts))

    def _votes(self, j: int, ahead: Index, run: Runs) -> list[Array]:
        """The same four parts for votes: the steps before run once, the last one is voted on."""
        success, cost = run.before()
        before = success[:, ahead, None]
        right, after_bad, samples = (self.vote[j + ahead, i] for i in range(3))
        good = before * right + (1 - before) * after_bad
        spent = cost[ahead, None] + self.c[j + ahead, None] * samples
        return [good, 1 - good, np.zeros_like(good), np.broadcast_to(spent, good.shape)]

    def hopeful(
        self, beyond: Index, j: int, run: Runs, ahead: Ahead, lines: Lines, slack: float = 0.0
    ) -> Mask:
        """Which handoffs may be worth going to, whatever stands there.

        Of an attempt, the good outcome leads to at least m, the least cost to go there; the bad one
        to at least the least of: it passes (the least for a bad item), a person (who costs at least
        so much, then m), an abort, or attempts until one succeeds ((c+v)/s, then m).
        """
        least_good, least_bad = ahead.least[:, j + 1 + beyond]
        least = np.minimum(least_good, least_bad)
        given_up = np.minimum(least_bad, least + self.menu.cheapest_visit)
        if ahead.abort_price is not None:
            least = np.minimum(least, ahead.abort_price)
            given_up = np.minimum(given_up, ahead.abort_price)
        cost = run.cost[beyond]
        success = run.success[:, beyond]
        if self.menu.leads:  # a vote makes the last step better than a single run, and is no check
            before = run.before()[0][:, beyond]
            after_bad = self.vote[j + beyond, 1].max(axis=1)
            success = np.maximum(success, before + (1 - before) * after_bad)
        else:
            cost = cost + self.menu.cheapest_check
        never = np.full_like(success, np.inf)
        possible = success > cost * SMALLEST  # else the quotient is beyond the largest number
        again = least + np.divide(cost, success, out=never, where=possible)
        bad = np.minimum(given_up, again)
        return lines.below(cost + success * least + (1 - success) * bad, slack)


class Runs:
    """From the present checkpoint to every handoff ahead.

    Attributes:
        success: (2, ahead) P(good) there if the item is good, and if it is bad, here.
        cost: (ahead) of running the steps once.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain, self._j = chain, chain.n
        self.success, self.cost = np.empty((2, 0)), np.empty(0)

    def back(self) -> None:
        """Move the checkpoint one step towards the start."""
        self._j -= 1
        p, q, c = (float(part[self._j]) for part in (self._chain.p, self._chain.q, self._chain.c))
        (clean, dirty), cost = self.before_all()
        self.success = np.stack((p * clean + (1 - p) * dirty, q * clean + (1 - q) * dirty))
        self.cost = c + cost

    def before_all(self) -> tuple[Array, Array]:
        """`success` and `cost` with the checkpoint itself in front."""
        here = np.array([[1.0], [0.0]])
        return np.concatenate((here, self.success), axis=1), np.concatenate(([0.0], self.cost))

    def before(self) -> tuple[Array, Array]:
        """`success` and `cost` as they are before the last step to each handoff."""
        success, cost = self.before_all()
        return success[:, :-1], cost[:-1]


class Ahead:
    """What is known of the checkpoints ahead: their lines, padded to one width, and their least."""

    def __init__(self, n: int, bad_price: float, abort_price: float | None) -> None:
        self.bad_price, self.abort_price = float(bad_price), abort_price
        self.values = np.zeros((2, n + 1, 8))
        self.values[1] = self.bad_price
        self.least = self.values[:, :, 0].copy()
        self.count = np.ones(n + 1, dtype=np.intp)

    def put(self, j: int, stage: Stage) -> None:
        """Remember the stage at checkpoint `j`."""
        size = stage.to.size
        if size > self.values.shape[2]:
            wider = ((0, 0), (0, 0), (0, size + 8 - self.values.shape[2]))
            self.values = np.pad(self.values, wider, "edge")
        self.values[:, j, :size] = stage.values
        self.values[:, j, size:] = stage.values[:, -1:]
        self.count[j] = size
        self.least[:, j] = stage.values[0, 0], stage.values[1, -1]

    def priced(self, arcs: Arcs) -> Array | float:
        """What aborted items cost, per arc."""
        return 0.0 if self.abort_price is None else arcs.aborted * self.abort_price

    def along(self, arcs: Arcs, beliefs: Array) -> Array:
        """(beliefs, arcs) the cost to go along each arc, with the best way on."""
        width = int(self.count[arcs.to].max())
        b, rest = beliefs[:, :1], beliefs[:, 1:]
        good, bad, cost = (
            b * part[0] + rest * part[1]
            for part in (arcs.good, arcs.bad, arcs.cost + self.priced(arcs))
        )
        made = np.empty_like(good)
        x, y = self.values[:, arcs.to, :width]
        for i in range(beliefs.shape[0]):
            made[i] = (good[i, :, None] * x + bad[i, :, None] * y).min(axis=1)
        total: Array = made + cost
        return total

    def lines(self, arcs: Arcs) -> tuple[Array, int]:
        """All lines that begin with `arcs`: (2, arcs x width), and the width."""
        width = int(self.count[arcs.to].max())
        x, y = self.values[:, arcs.to, :width]
        cost = arcs.cost + self.priced(arcs)
        made = cost[:, :, None] + arcs.good[:, :, None] * x + arcs.bad[:, :, None] * y
        return made.reshape(2, -1), width


class Lines:
    """The envelope of one checkpoint while it grows.

    Attributes:
        values, to, option, line: as in `Stage`.
        low: the least P(good) that matters.
        breaks, height: where its lines meet, with both ends, and the envelope there.
    """

    def __init__(self, x: float, y: float, to: int, low: float) -> None:
        self.low = float(low)
        self.values = np.array([[x], [y]])
        self.to, self.option, self.line = (np.array([i], dtype=np.intp) for i in (to, -1, -1))
        self._update()

    @classmethod
    def of(cls, stage: Stage, low: float) -> Lines:
        """A finished envelope again."""
        lines = cls(0.0, 0.0, -1, low)
        lines.values, lines.to, lines.option, lines.line = (
            stage.values,
            stage.to,
            stage.option,
            stage.line,
        )
        lines._update()
        return lines

    def _update(self) -> None:
        self.breaks = breaks(self.values, self.low)
        self.height = heights(self.breaks, self.values).min(axis=1)

    def below(self, values: Array, slack: float = 0.0) -> Mask:
        """Which lines are somewhere below the envelope, or within `slack` above it.

        A line less a concave function is convex: its least is at one of the breaks.
        """
        limit = self.height + slack
        low: Mask = (heights(self.breaks, values) < limit[:, None]).any(axis=0)
        return low

    def over(self, values: Array) -> Array:
        """How far above the envelope each line stays where it comes closest to it."""
        least: Array = (heights(self.breaks, values) - self.height[:, None]).min(axis=0)
        return least

    def start(self, arcs: Arcs, ahead: Ahead, beliefs: Array) -> None:
        """Take in the lines that begin with `arcs`, looking first where it is likely to matter."""
        values, width = ahead.lines(arcs)
        self._join(arcs, np.unique(heights(beliefs, values).argmin(axis=1)), values, width)
        self._join(arcs, np.flatnonzero(self.below(values)), values, width)

    def promising(self, arcs: Arcs, ahead: Ahead, slack: float = 0.0) -> Arcs:
        """The arcs whose best way on may be below the envelope somewhere, or within `slack`.

        The cost to go along an arc is concave in b: between two beliefs it is above its chord. A
        few beliefs rule out most arcs. What is within rounding of the limit is kept.
        """
        b = self.breaks[:, 0]
        for count in COARSE:
            width = int(ahead.count[arcs.to].max(initial=0))
            if arcs.to.size * width * b.size <= LITTLE:
                break
            at = np.unique(np.linspace(0, b.size - 1, count).astype(np.intp))
            values = ahead.along(arcs, self.breaks[at])
            right = np.clip(np.searchsorted(at, np.arange(b.size)), 1, at.size - 1)
            left = right - 1
            span = b[at[left]] - b[at[right]]
            share = np.divide(b - b[at[right]], span, out=np.zeros_like(b), where=span > 0)[:, None]
            chord = share * values[left] + (1 - share) * values[right]
            limit = self.height + slack + ROUNDING * np.abs(self.height)
            arcs = arcs.take(np.flatnonzero((chord < limit[:, None]).any(axis=0)))
        return arcs

    def add(self, arcs: Arcs, ahead: Ahead) -> None:
        """Take in the lines that begin with `arcs`."""
        arcs = self.promising(arcs, ahead)
        if arcs.to.size:
            values, width = ahead.lines(arcs)
            self._join(arcs, np.flatnonzero(self.below(values)), values, width)

    def _join(self, arcs: Arcs, which: Index, values: Array, width: int) -> None:
        if not which.size:
            return
        row, line = np.divmod(which, width)
        every = np.concatenate((self.values, values[:, which]), axis=1)
        kept = envelope(every, self.low)
        self.values = every[:, kept]
        self.to = np.concatenate((self.to, arcs.to[row]))[kept]
        self.option = np.concatenate((self.option, arcs.option[row]))[kept]
        self.line = np.concatenate((self.line, line))[kept]
        self._update()

    def stage(self) -> Stage:
        """The envelope as it is."""
        return Stage(self.values, self.to, self.option, self.line)
