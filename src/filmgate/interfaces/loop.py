"""The loop's commands: new, run, resume, status, queue, decide, trace, models, the store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from filmgate.settings import Settings

if TYPE_CHECKING:
    from filmgate.loop.running import Ended
    from filmgate.studio import Studio

OK, MISTAKE = 0, 2
Store = Annotated[
    Path | None, typer.Option(help="Folder of the project's state.", show_default=".filmgate")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
Ruling = Literal["circle", "retake", "hold", "ng", "intended"]

models_app = typer.Typer(
    help="The catalog of models: what each can do, costs, and when it ends.",
    no_args_is_help=True, rich_markup_mode=None,
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Put the loop's commands into the command line `app`."""
    for command in (new, run, resume, status, queue, decide, settle, trace):
        app.command()(command)
    app.command("verify-store")(verify_store)
    app.command("collect")(collect)
    app.command("export")(export)
    app.command("import")(restore)
    app.command()(mcp)
    app.add_typer(models_app, name="models")


def _studio(store: Path | None, workers: int | None = None) -> Studio:
    from filmgate.studio import Studio

    return Studio(Settings.read().given(store=store, workers=workers))


def new(
    name: Annotated[Path, typer.Argument(help="Folder to make.")],
    shots: Annotated[int, typer.Option(min=2, help="Shots of the establishing sequence.")] = 60,
) -> int:
    """Make a project folder: brief, look and script, commented and runnable as they stand."""
    from filmgate.story import template

    for path in template.write(name, shots=shots):
        typer.echo(f"Written: {path}")
    typer.echo(f"Next: cd {name} && filmgate run brief.toml")
    return OK


def run(
    brief: Annotated[Path, typer.Argument(help="What is to be made, a brief.toml.")],
    generator: Annotated[
        str | None, typer.Option(help="Who makes the takes; several with commas, to compare.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="Model id; one per generator, or several of one.")
    ] = None,
    takes: Annotated[
        int | None, typer.Option(min=1, help="Takes of each shot by each generator at the start.")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option(min=0, help="Most that providers may be paid.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done and cost; send nothing.")
    ] = False,
    in_flight: Annotated[int, typer.Option(min=1, help="Takes in the making at once.")] = 8,
    report: Annotated[
        Path | None, typer.Option(help="Write the report page of the last comparison here.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that render and measure.",
                                 show_default="cores")
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
) -> int:  # fmt: skip
    """Generate, verify, retake and escalate every shot of a brief; runs on after a crash."""
    from filmgate.interfaces import console, loop_console, outputs
    from filmgate.loop.facade import Orders

    studio = _studio(store, workers)
    outputs.check_writable([report], [])
    names = tuple(n.strip() for n in (generator or "").split(",") if n.strip())
    orders = Orders(names, tuple(model or ()), takes, budget_usd, in_flight)
    prepared = studio.prepare(brief, orders)
    screen = console.console()
    if not quiet:
        loop_console.show_prepared(prepared, screen)
        loop_console.show_risks(prepared, screen)
    if dry_run:
        return MISTAKE if any(risk.severity == "stop" for risk in prepared.risks) else OK
    total = sum(1 for _ in prepared.plan.shots())
    with loop_console.progress(total, quiet) as tell:
        ended = studio.run(prepared, tell, in_flight)
    return _after(studio, ended, report, quiet)


def resume(
    in_flight: Annotated[int, typer.Option(min=1, help="Takes in the making at once.")] = 8,
    report: Annotated[
        Path | None, typer.Option(help="Write the report page of the last comparison here.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that render and measure.",
                                 show_default="cores")
    ] = None,
    store: Store = None,
    quiet: Quiet = False,
) -> int:  # fmt: skip
    """Go on with the last run: what was cut off or paused, and what people have decided."""
    from filmgate.interfaces import loop_console, outputs

    studio = _studio(store, workers)
    outputs.check_writable([report], [])
    total = len(studio.status().shots)
    with loop_console.progress(total, quiet) as tell:
        ended = studio.resume(tell, in_flight)
    return _after(studio, ended, report, quiet)


def _after(studio: Studio, ended: Ended, report: Path | None, quiet: bool) -> int:
    from filmgate.interfaces import console, loop_console

    screen = console.console()
    if report is not None and ended.last is not None:
        studio.write_page(ended.last, report)
    if quiet:
        return OK
    loop_console.show_status(studio.status(), screen)
    loop_console.show_ended(ended, screen)
    if report is not None:
        said = f"Written: {report}" if ended.last is not None else (
            "No report was written: nothing had to be compared."
        )  # fmt: skip
        screen.print(console.printable(said), markup=False, soft_wrap=True)
    return OK


def status(
    every: Annotated[bool, typer.Option("--all", help="List every shot.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    store: Store = None,
) -> int:
    """Say where the shots stand and what they have cost."""
    from filmgate.interfaces import console, loop_console

    found = _studio(store).status()
    if json:
        _json(found)
    else:
        loop_console.show_status(found, console.console(), every)
    return OK


def queue(
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False, store: Store = None
) -> int:
    """List the shots that wait for a person, worst first."""
    from filmgate.interfaces import console, loop_console

    found = _studio(store).queue()
    if json:
        _json(found)
    else:
        loop_console.show_queue(found, console.console())
    return OK


def decide(
    slate: Annotated[str, typer.Argument(help="A take (12B-3), or a shot for the take it has.")],
    ruling: Annotated[Ruling, typer.Argument(help="What you rule.")],
    note: Annotated[str, typer.Option(help="Why, or what to do differently.")] = "",
    reason: Annotated[
        list[str] | None, typer.Option(help="Attribute it is about (wardrobe/maya/jacket).")
    ] = None,
    reviewer: Annotated[
        str | None, typer.Option(help="Who rules.", show_default="FILMGATE_REVIEWER, or the user")
    ] = None,
    minutes: Annotated[float, typer.Option(min=0, help="Minutes you spent on it.")] = 0.0,
    store: Store = None,
) -> int:  # fmt: skip
    """Rule on a take; the run that is on, or the next resume, applies it."""
    made = _studio(store).decide(
        slate, ruling, reviewer, note, tuple(reason or ()), person_s=minutes * 60
    )
    typer.echo(f"{made.take}: {made.ruling}, by {made.reviewer}. 'filmgate resume' applies it.")
    return OK


def settle(
    slate: Annotated[str, typer.Argument(help="The take whose answer was lost.")],
    job: Annotated[str | None, typer.Option(help="The provider's job id.")] = None,
    never_accepted: Annotated[
        bool, typer.Option("--never-accepted", help="The provider does not have it.")
    ] = False,
    store: Store = None,
) -> int:
    """Say what became of a request whose answer was lost."""
    from filmgate.errors import UsageError

    if (job is None) != never_accepted:
        raise UsageError("Say either --job ID or --never-accepted.")
    typer.echo(_studio(store).settle(slate, job))
    return OK


def trace(
    slate: Annotated[str, typer.Argument(help="A shot (12B) or one of its takes (12B-3).")],
    json: Annotated[bool, typer.Option("--json", help="Every fact, as JSON.")] = False,
    store: Store = None,
) -> int:
    """Tell a shot's story: every take with recipe, findings, verdicts, decisions and cost."""
    from filmgate.interfaces import console, loop_console

    found = _studio(store).trace(slate)
    if json:
        _json(found)
    else:
        loop_console.show_trace(found, console.console())
    return OK


def verify_store(store: Store = None) -> int:
    """Walk every reference in the store: everything named is there and whole."""
    health = _studio(store).verify_store()
    for problem in health.problems:
        typer.echo(problem, err=True)
    state = "all is well" if not health.problems else f"{len(health.problems)} problems"
    typer.echo(f"{health.facts} facts, {health.named} files named, {health.kept} kept: {state}.")
    return 1 if health.problems else OK


def collect(store: Store = None) -> int:
    """Remove kept files that no fact names."""
    typer.echo(f"Removed: {len(_studio(store).collect())}.")
    return OK


def export(
    path: Annotated[Path, typer.Argument(help="File to write (.zip).")], store: Store = None
) -> int:
    """Write the whole project, facts and media, to one file."""
    typer.echo(f"Written: {path} ({_studio(store).export(path)} facts).")
    return OK


def restore(
    path: Annotated[Path, typer.Argument(help="File that 'filmgate export' wrote.")],
    store: Store = None,
) -> int:
    """Take in an exported project, into an empty store."""
    typer.echo(f"{_studio(store).restore(path)} facts taken in.")
    return OK


def mcp(
    http: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Serve HTTP on this loopback port.",
                                 show_default="stdio")
    ] = None,
    store: Store = None,
) -> int:  # fmt: skip
    """Serve the Model Context Protocol: the same doors, for models and their hosts."""
    from filmgate.interfaces import mcp as protocol

    protocol.serve(Settings.read().given(store=store), http)
    return OK


@models_app.command("list")
def models_list(
    retired: Annotated[bool, typer.Option("--retired", help="Those that are off, too.")] = False,
) -> int:
    """Show every model: generator, capabilities, price, and until when it runs."""
    from filmgate.interfaces import console, loop_console
    from filmgate.models import catalog

    rows = [row for row in catalog.rows() if retired or row.retired is None]
    loop_console.show_models(rows, console.console())
    return OK


@models_app.command("check")
def models_check(
    within: Annotated[int, typer.Option(min=0, help="Days to look ahead.")] = 180,
    store: Store = None,
) -> int:
    """Say which models will end soon, and whether the project uses one; exit 1 when it does."""
    import datetime

    from filmgate.interfaces import console
    from filmgate.models import catalog

    today = datetime.date.today()
    used = _studio(store).models_used()
    ending = {row.model: row for row in catalog.dying(today, within)}
    gone = {row.model: row for row in catalog.rows() if row.retired is not None}
    screen = console.console()
    for model, row in ending.items():
        mark = " (used here)" if model in used else ""
        instead = f"; then use '{row.replaced_by}'" if row.replaced_by else ""
        screen.print(f"{model}{mark} ends {row.retires_on} or later{instead}.", markup=False)
    for model in sorted(used & set(gone)):
        screen.print(f"Used here: {catalog.retirement(gone[model])}", markup=False)
    bad = used & (set(ending) | set(gone))
    if not ending and not bad:
        screen.print(f"No model in the catalog is announced to end within {within} days.")
    return 1 if bad else OK


def _json(value: object) -> None:
    import json

    from pydantic import TypeAdapter

    plain = TypeAdapter(type(value)).dump_python(value, mode="json")
    typer.echo(json.dumps(plain, indent=2, ensure_ascii=False))
