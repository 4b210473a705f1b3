"""``filmgate gap plan``, ``simulate`` and ``report``; `gap` mounts them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from filmgate.settings import Settings

if TYPE_CHECKING:
    from filmgate.gap.pipeline import Nodes, Pipeline
    from filmgate.schema.gap import GapReport
    from filmgate.schema.gap_plan import PlanReport, SimulationReport

OK = 0
PAGE = Path("gap.html")

Declared = Annotated[Path | None, typer.Argument(help="A pipeline.toml.")]
From = Annotated[
    Path | None, typer.Option("--from", help="Take the rates from a report of 'gap measure'.")
]
Target = Annotated[float | None, typer.Option(help="Share of good items to reach: 0.99.")]
Budget = Annotated[
    float | None, typer.Option(help="Cost of an item not to exceed, escapes not counted.")
]
Json = Annotated[Path | None, typer.Option(help="Write the machine report here; '-' for stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


def register(app: typer.Typer) -> None:
    """Add the three commands to `app`."""
    app.command()(plan)
    app.command()(simulate)
    app.command()(report)


def plan(
    pipeline: Declared = None,
    measured: From = None,
    target: Target = None,
    budget: Budget = None,
    json: Json = None,
    quiet: Quiet = False,
) -> int:
    """Say where verifiers, retries, votes and people pay, and what the plan rests on."""
    from filmgate.gap.planning import plan_report
    from filmgate.interfaces import gap_plan_console, outputs

    outputs.check_writable([json], [])
    found = plan_report(_pipeline(pipeline, measured), target, budget)
    _write(found, json)
    if not quiet:
        gap_plan_console.show(found, gap_plan_console.console(stderr=json == outputs.STDOUT))
    return OK


def simulate(
    pipeline: Declared = None,
    measured: From = None,
    plan: Annotated[
        Path | None,
        typer.Option(help="Nodes of a report of 'gap plan'; without it those that stand today."),
    ] = None,
    runs: Annotated[int, typer.Option(help="Items to send through.")] = 100_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same result.")] = 1,
    icc: Annotated[
        float, typer.Option(help="How much items differ in difficulty (intraclass correlation).")
    ] = 0.0,
    json: Json = None,
    quiet: Quiet = False,
) -> int:
    """Send items through the model one by one: the spread of the cost, and what has no formula."""
    from filmgate.gap.simulating import simulation_report
    from filmgate.interfaces import gap_plan_console, outputs

    outputs.check_writable([json], [])
    model = _pipeline(pipeline, measured)
    nodes = model.nodes if plan is None else _nodes(plan, model)
    found = simulation_report(model, nodes, runs, seed, icc)
    _write(found, json)
    if not quiet:
        screen = gap_plan_console.console(stderr=json == outputs.STDOUT)
        gap_plan_console.show_simulation(found, screen)
    return OK


def report(
    pipeline: Declared = None,
    measured: From = None,
    target: Target = None,
    budget: Budget = None,
    out: Annotated[Path, typer.Option(help="The page to write.")] = PAGE,
    store: Annotated[
        Path | None, typer.Option(help="Folder of the project's state.", show_default=".filmgate")
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Write one self-contained page: the chain, where the loss is, what a node is worth.

    Without a pipeline and without a report it is about filmgate's own ledger.
    """
    from filmgate.gap.page import write_page
    from filmgate.gap.planning import plan_report
    from filmgate.interfaces import gap_plan_console, outputs

    outputs.check_writable([out], [])
    found = _measured(measured)
    if found is None and pipeline is None:
        found = _ledger(store)
    planned: PlanReport | None = None
    why = ""
    if pipeline is not None or target is not None or budget is not None:
        planned = plan_report(_joined(pipeline, found), target, budget)
    else:
        why = "No plan was asked for: give --target, --budget, or a pipeline.toml with prices."
    write_page(out, found, planned, why)
    if not quiet:
        gap_plan_console.written(out, gap_plan_console.console())
    return OK


def _pipeline(path: Path | None, measured: Path | None) -> Pipeline:
    """The pipeline of a file, of a report, or of both."""
    from filmgate.errors import UsageError

    found = _measured(measured)
    if found is None and path is None:
        raise UsageError("name a pipeline.toml, or a report of 'gap measure' with --from.")
    return _joined(path, found)


def _joined(path: Path | None, found: GapReport | None) -> Pipeline:
    from filmgate.gap import measured, pipeline_file

    declared = None if path is None else pipeline_file.read(path)
    if found is None:
        assert declared is not None
        return declared
    return measured.pipeline_of(found, declared)


def _measured(path: Path | None) -> GapReport | None:
    if path is None:
        return None
    from filmgate.gap.measuring import read_report

    return read_report(path)


def _ledger(store: Path | None) -> GapReport:
    from filmgate import gap

    return gap.measure([Settings.read().given(store=store).store], "ledger")


def _nodes(path: Path, pipeline: Pipeline) -> Nodes:
    """The nodes of a plan report, which must be of this pipeline.

    Raises:
        UsageError: it cannot be read, is no plan, or is one of other steps.
    """
    from filmgate.gap.plan_file import read_nodes

    return read_nodes(path, pipeline)


def _write(found: PlanReport | SimulationReport, path: Path | None) -> None:
    """Write the machine report to `path`, or to stdout for "-".

    Raises:
        StoreError: it cannot be written; nothing is left behind.
    """
    if path is None:
        return
    from filmgate.assets.files import write_atomic
    from filmgate.errors import StoreError
    from filmgate.interfaces import outputs
    from filmgate.schema.publish import gap_json

    shape: Any = found
    data = gap_json(shape)
    if path == outputs.STDOUT:
        sys.stdout.write(data.decode())
        return
    try:
        write_atomic(path, data)
    except OSError as error:
        raise StoreError(f"'{path}' could not be written ({error.strerror}).") from None
