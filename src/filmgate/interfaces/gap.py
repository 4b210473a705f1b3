"""``filmgate gap``: measure a pipeline's traces, and say how many it takes.

`plan`, `simulate` and `report` are mounted from `gap_plan`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from filmgate.interfaces import gap_plan
from filmgate.settings import Settings

if TYPE_CHECKING:
    from filmgate.schema.gap import GapReport, PowerReport

OK = 0
app = typer.Typer(
    help="The coordination gap: where reliability is lost, and where to verify next.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Json = Annotated[Path | None, typer.Option(help="Write the machine report here; '-' for stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")]


@app.command()
def measure(
    traces: Annotated[
        list[Path] | None,
        typer.Argument(help="Trace files or folders of them; none: filmgate's own ledger."),
    ] = None,
    format: Annotated[
        str, typer.Option(help="auto, langgraph, langsmith, ledger, otlp, table or taubench.")
    ] = "auto",
    mapping: Annotated[
        Path | None, typer.Option("--map", help="What traces cannot say, an edges.toml.")
    ] = None,
    solo: Annotated[
        Path | None, typer.Option(help="Each step alone on clean input, a solo.csv.")
    ] = None,
    was: Annotated[
        float | None, typer.Option(help="End-to-end share it used to have, to be tested against.")
    ] = None,
    loss: Annotated[float, typer.Option(help="What counts as worse, with --was.")] = 0.03,
    json: Json = None,
    store: Annotated[
        Path | None, typer.Option(help="Folder of the project's state.", show_default=".filmgate")
    ] = None,
    quiet: Quiet = False,
) -> int:
    """Say what the end-to-end reliability is, and why it is less than the parts promise."""
    from filmgate import gap
    from filmgate.interfaces import gap_console, outputs

    outputs.check_writable([json], [])
    asked = traces or [Settings.read().given(store=store).store]
    found = gap.measure(
        asked, format if traces else "ledger", mapping=mapping, solo=solo, was=was, loss=loss
    )
    _write(found, json)
    if not quiet:
        screen = gap_console.console(stderr=json == outputs.STDOUT)
        gap_console.show(found, screen)
        if json is not None and json != outputs.STDOUT:
            gap_console.written(json, screen)
    return OK


@app.command()
def power(
    loss: Annotated[float, typer.Option(help="The loss to be seen: 0.03 is three points.")] = 0.03,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the pipeline.")] = 6,
    step_yield: Annotated[float, typer.Option(help="Yield of each step alone.")] = 0.97,
    report: Annotated[
        Path | None,
        typer.Option("--from", help="Take steps and yields from a report of 'gap measure'."),
    ] = None,
    power: Annotated[float, typer.Option(help="Chance to see a loss that is there.")] = 0.8,
    significance: Annotated[
        float, typer.Option(help="Chance to see one that is not there.")
    ] = 0.05,
    json: Json = None,
    quiet: Quiet = False,
) -> int:
    """Say how many traces it takes before a loss at the handoffs can be seen."""
    from filmgate import gap
    from filmgate.interfaces import gap_console, outputs

    outputs.check_writable([json], [])
    yields, effect = ((step_yield,) * steps, 1.0) if report is None else _from(report)
    found = gap.power(loss, yields, power, significance, effect)
    _write(found, json)
    if not quiet:
        gap_console.show_power(found, gap_console.console(stderr=json == outputs.STDOUT))
    return OK


def _from(path: Path) -> tuple[tuple[float, ...], float]:
    """Solo yields and design effect of a report."""
    from filmgate.gap.measuring import read_report, yields_of

    found = read_report(path)
    effect = found.repeats.design_effect if found.repeats else None
    return yields_of(found), max(effect or 1.0, 1.0)


def _write(found: GapReport | PowerReport, path: Path | None) -> None:
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

    data = gap_json(found)
    if path == outputs.STDOUT:
        sys.stdout.write(data.decode())
        return
    try:
        write_atomic(path, data)
    except OSError as error:
        raise StoreError(f"'{path}' could not be written ({error.strerror}).") from None


gap_plan.register(app)
