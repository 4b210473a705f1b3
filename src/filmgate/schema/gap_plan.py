"""The published results of ``filmgate gap plan`` and ``filmgate gap simulate``.

Generated JSON Schemas: ``gap_plan.schema.json``, ``gap_simulation.schema.json``. Shares are 0 to 1
and of the items that enter the pipeline unless said otherwise; every cost is per item and in the
pipeline's `unit`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PLAN_VERSION = 1

Aim = Literal["total", "target", "budget"]
"""total: least cost with what escapes counted in; target: least cost for a share of good items;
budget: most good items for a cost."""


@dataclass(frozen=True, slots=True)
class PersonLoad:
    """What one kind of person has to do.

    Attributes:
        person: the name.
        visits: per item.
        per_hour: visits per hour; None without `items_per_hour`.
        count: how many work in parallel.
        busy: share of their time; from 1 on the queue grows without end. None without `minutes`.
        wait_min, wait_p95_min: mean wait, and what 95 % stay below, in minutes; None where the
            queue grows or nothing is known.
        needed: the fewest people with whom the queue does not grow; None where nothing is known.
    """

    person: str
    visits: float
    per_hour: float | None = None
    count: int = 1
    busy: float | None = None
    wait_min: float | None = None
    wait_p95_min: float | None = None
    needed: int | None = None


@dataclass(frozen=True, slots=True)
class OutcomeReport:
    """What becomes of an item with some nodes.

    Attributes:
        good, bad, aborted: shares; they sum to 1.
        escaped: share of bad items among those that come out.
        cost: without what escaped and aborted items cost afterwards; `total` with it, None where
            no price of an escape is known.
        cost_per_good: cost divided by the share of good items; None without any.
        human: visits to people per item; `people` tells them apart.
    """

    good: float
    bad: float
    aborted: float
    escaped: float
    cost: float
    total: float | None
    cost_per_good: float | None
    human: float
    people: tuple[PersonLoad, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeReport:
    """One handoff: the step before it, what is to stand there, and what a node there is worth.

    Attributes:
        step: its name; step_yield: P(good | good input) of one run.
        low, high, n: interval and runs of that, where known.
        node: what is to stand behind it ("judge/3/editor", "vote/2"), or "".
        today: what stands there today, or "".
        before, after: share of good items as they come to the handoff and as they go on, of those
            still alive.
        runs: expected runs of the step.
        checks, people: expected checks and visits to people at this handoff.
        priced: the option that `break_even` is about: the node, or the best that could be added.
        break_even: price of one check up to which it pays, all else left as it is; below 0: not
            even for nothing. None where nothing may stand, or for a vote.
        asked: what one such check costs.
        saves: what it saves per item; below 0: what it would cost more than it brings.
    """

    step: str
    step_yield: float
    low: float | None
    high: float | None
    n: int | None
    node: str
    today: str
    before: float
    after: float
    runs: float
    checks: float
    people: float
    priced: str = ""
    break_even: float | None = None
    asked: float | None = None
    saves: float | None = None


@dataclass(frozen=True, slots=True)
class PointReport:
    """One plan of the frontier.

    `price` of a bad item makes it the best plan there is; `nodes` is how many nodes it has.
    """

    price: float
    cost: float
    good: float
    human: float
    nodes: int


@dataclass(frozen=True, slots=True)
class RuleReport:
    """A rule of thumb with the option that answers the plan's question best.

    `escaped` is the share of bad items among those that come out; `total` is with what escaped and
    aborted items cost, None where no price of an escape is known.
    """

    rule: str
    option: str
    good: float
    escaped: float
    cost: float
    human: float
    total: float | None


@dataclass(frozen=True, slots=True)
class ScenarioReport:
    """The plan in a world other than the one it was made for.

    Attributes:
        world: what is different.
        beta, delta: in that world.
        good, cost, human: of the plan there.
        total: of the plan there, bad items counted at `bad_price`; `planned` what it was thought to
            be.
        replanned: the least there is in that world, for somebody who knows it.
    """

    world: str
    beta: float
    delta: float
    good: float
    cost: float
    human: float
    total: float
    planned: float
    replanned: float


@dataclass(frozen=True, slots=True)
class PlanReport:
    """The whole of ``filmgate gap plan --json``.

    Attributes:
        filmgate, schema_version: who wrote it, in which version of this shape.
        pipeline, unit, chain: its name, the unit of every cost, whether it is a chain.
        aim, asked: the question and its number (price of an escape, target, budget).
        met: whether target or budget is met; if not, the plan is the nearest to it.
        proven, how, bound: whether no plan does better, how it was found, and what none can beat.
        price: of a bad item at which the plan is about worth its cost; None: at any price.
        bad_price: of a bad item in the worth of nodes and in `scenarios`: that price, or the least
            that wants the most reliable plan.
        beta, delta: that the plan rests on.
        bare, today, plan: outcomes with nothing at any handoff, with what stands there today, and
            of the plan.
        steps: one per handoff.
        frontier, rules, scenarios: what surrounds the plan.
        told: what follows, in sentences.
        assumed: what was neither declared nor measured.
        notes: what else to keep in mind.
    """

    filmgate: str
    schema_version: int
    pipeline: str
    unit: str
    chain: bool
    aim: Aim
    asked: float
    met: bool
    proven: bool
    how: str
    bound: float | None
    price: float | None
    bad_price: float
    beta: float
    delta: float
    bare: OutcomeReport
    today: OutcomeReport
    plan: OutcomeReport
    steps: tuple[NodeReport, ...]
    frontier: tuple[PointReport, ...]
    rules: tuple[RuleReport, ...]
    scenarios: tuple[ScenarioReport, ...]
    told: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """A simulated quantity: its value with a 95 % interval, and the exact one where there is one.

    `sigma` is how many standard errors they are apart.
    """

    value: float
    low: float
    high: float
    exact: float | None = None
    sigma: float | None = None


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """The whole of ``filmgate gap simulate --json``.

    Attributes:
        runs, seed, icc: items, seed, and how much items differ in difficulty.
        nodes: what stands behind each step, "" where nothing does.
        good, bad, aborted: shares.
        cost: per item; `cost_quantiles` are (share, cost that so many items stay at or below).
        people: visits per item.
        told, assumed: as in a plan.
    """

    filmgate: str
    schema_version: int
    pipeline: str
    unit: str
    runs: int
    seed: int
    icc: float
    beta: float
    delta: float
    nodes: tuple[str, ...]
    good: Counted
    bad: Counted
    aborted: Counted
    cost: Counted
    cost_quantiles: tuple[tuple[float, float], ...]
    people: dict[str, Counted]
    told: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
