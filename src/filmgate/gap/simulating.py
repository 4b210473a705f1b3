"""The simulation report: what was counted, beside what the formulas say where they say anything."""

from __future__ import annotations

from collections.abc import Iterator

import filmgate
from filmgate.errors import UsageError
from filmgate.gap.estimate.binomial import wilson
from filmgate.gap.pipeline import Nodes, Pipeline
from filmgate.gap.placement import evaluate
from filmgate.gap.plan_words import money, percent
from filmgate.gap.simulate import Simulation, simulate
from filmgate.gap.walk import Outcome
from filmgate.schema.gap_plan import PLAN_VERSION, Counted, SimulationReport

Z95 = 1.959963984540054
"""Φ⁻¹(.975)."""


def simulation_report(
    pipeline: Pipeline, nodes: Nodes, runs: int = 100_000, seed: int = 1, icc: float = 0.0
) -> SimulationReport:
    """Simulate, and compare with the exact outcome where items are alike and it can be had.

    Raises:
        UsageError: `runs` or `icc` out of range.
    """
    found = simulate(pipeline, nodes, runs, seed, icc)
    exact = _exact(pipeline, nodes)
    compared = exact if icc == 0 else None
    known = (None,) * 3 if compared is None else (compared.good, compared.bad, compared.aborted)
    counts = (found.good, found.bad, found.aborted)
    shares = [_share(n, found.runs, is_) for n, is_ in zip(counts, known, strict=True)]
    return SimulationReport(
        filmgate=filmgate.__version__,
        schema_version=PLAN_VERSION,
        pipeline=pipeline.name,
        unit=pipeline.unit,
        runs=found.runs,
        seed=seed,
        icc=icc,
        beta=pipeline.beta,
        delta=pipeline.delta,
        nodes=tuple("" if node is None else node.name for node in nodes),
        good=shares[0],
        bad=shares[1],
        aborted=shares[2],
        cost=_mean(found.cost, found.cost_se, None if compared is None else compared.cost),
        cost_quantiles=tuple(found.quantiles.items()),
        people={
            name: _mean(
                mean, found.people_se[name],
                None if compared is None else compared.people.get(name, 0.0),
            )
            for name, mean in found.people.items()
        },
        told=tuple(_told(pipeline, found, exact, compared is not None)),
        assumed=pipeline.assumed,
    )  # fmt: skip


def _exact(pipeline: Pipeline, nodes: Nodes) -> Outcome | None:
    try:
        return evaluate(pipeline, nodes)
    except UsageError:  # a graph that only simulation can do
        return None


def _share(count: int, runs: int, exact: float | None) -> Counted:
    low, high = wilson(count, runs)
    value = count / runs
    if exact is None:
        return Counted(value, low, high)
    spread = (exact * (1 - exact) / runs) ** 0.5
    sigma = (value - exact) / spread if spread > 0 else 0.0
    return Counted(value, low, high, exact, sigma)


def _mean(value: float, se: float, exact: float | None) -> Counted:
    low, high = value - Z95 * se, value + Z95 * se
    if exact is None:
        return Counted(value, low, high)
    return Counted(value, low, high, exact, (value - exact) / se if se > 0 else 0.0)


def _told(
    pipeline: Pipeline, found: Simulation, exact: Outcome | None, compared: bool
) -> Iterator[str]:
    share = found.good / found.runs
    yield (
        f"{percent(share)} of {found.runs:,} items came out good, at a mean of "
        f"{money(found.cost, pipeline.unit)}; one in twenty cost more than "
        f"{money(found.quantiles[0.95], pipeline.unit)}."
    )
    if compared:
        yield "The exact values of the model are beside the counts."
    elif exact is not None:
        yield (
            f"Were all items alike, {percent(exact.good)} would come out good at "
            f"{money(exact.cost, pipeline.unit)}: that is what a plan calculates with."
        )
    else:
        yield "There are no exact values: this graph is too wide for them."
    yield f"It rests on β = {pipeline.beta:g} and δ = {pipeline.delta:g}."
