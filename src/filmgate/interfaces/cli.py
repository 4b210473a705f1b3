"""The command ``filmgate``: thin, and quick to answer ``--help`` (heavy imports are in functions).

Exit codes: 0 done; 1 with ``--fail-on`` when a shot reaches that verdict; 2 the user can fix it
(one sentence on stderr); 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

import filmgate
from filmgate.errors import FilmgateError
from filmgate.interfaces import gap, loop, review
from filmgate.settings import NO_WEIGHTS, Settings

if TYPE_CHECKING:
    from filmgate.interfaces.footage import Footage
    from filmgate.schema.look import Look
    from filmgate.schema.report import CheckReport
    from filmgate.studio import Studio

OK, REACHED, MISTAKE, STOPPED = 0, 1, 2, 130
STOPPED_TEXT = "Stopped: what was measured is kept; run again to go on."
CONTEXT = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(
    help="Check the gate for generated film: which shots drift, on what, and the smallest fix.",
    no_args_is_help=True,
    add_completion=False,
    context_settings=CONTEXT,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # drawing help with rich takes longer than everything else of it
)
weights_app = typer.Typer(
    help="The small networks that see people better.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(weights_app, name="weights")
app.add_typer(gap.app, name="gap")
loop.register(app)
review.register(app)

Store = Annotated[
    Path | None, typer.Option(help="Folder of the project's state.", show_default=".filmgate")
]
Verdict = Literal["circle", "retake", "escalate"]


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"filmgate {filmgate.__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    pass


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A folder of shots, one video file, or an .otio.")],
    look: Annotated[Path | None, typer.Option(help="The declared world, a look.toml.")] = None,
    json: Annotated[
        Path | None, typer.Option(help="Write the machine report here; '-' for stdout.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report page (HTML) here.")] = None,
    cdl: Annotated[
        Path | None, typer.Option(help="Write one grade correction (.cc) per drifting shot here.")
    ] = None,
    fail_on: Annotated[
        Verdict | None, typer.Option(help="Exit with 1 when a shot reaches this verdict.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes that measure.", show_default="cores")
    ] = None,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Read every file anew to see whether it changed.")
    ] = False,
    store: Store = None,
    weights: Annotated[
        str | None, typer.Option(help="Folder of networks to see people with.")
    ] = None,
    no_weights: Annotated[
        bool, typer.Option("--no-weights", help="Do without networks even where there are some.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
) -> int:
    """Say which shots drift, on what, by how much, against which shot, and the smallest fix."""
    from filmgate.interfaces import console, outputs
    from filmgate.studio import Studio

    settings = Settings.read().given(
        store=store, workers=workers, weights=NO_WEIGHTS if no_weights else weights
    )
    outputs.check_writable([json, report], [cdl])
    studio = Studio(settings)
    footage = _discover(studio, path, quiet, rehash)
    found = _checked(studio, footage, look, rehash, quiet)
    written: list[str] = []
    if json is not None:
        outputs.write_json(found, json)
        written.append(str(json))
    if report is not None:
        studio.write_page(found, report)
        written.append(str(report))
    if cdl is not None:
        count = outputs.write_cdls(found, cdl)
        written.append(f"{cdl} ({count} {'correction' if count == 1 else 'corrections'})")
    if not quiet:
        screen = console.console(stderr=json == outputs.STDOUT)
        console.show(found, screen)
        for target in (w for w in written if w != str(outputs.STDOUT)):
            screen.print(f"Written: {console.printable(target)}", markup=False, soft_wrap=True)
    return REACHED if fail_on is not None and _reached(found, fail_on) else OK


def _discover(studio: Studio, path: Path, quiet: bool, rehash: bool) -> Footage:
    from filmgate.interfaces import console, footage

    with console.progress_bar("Finding cuts", quiet) as progress:
        return footage.discover(path, lambda file: studio.cuts(file, progress, rehash))


def _checked(
    studio: Studio, footage: Footage, look: Path | None, rehash: bool, quiet: bool
) -> CheckReport:
    from filmgate.interfaces import console

    declared = _look(look, footage)
    with console.progress_bar("Shots", quiet) as progress:
        return studio.check(
            footage.sequences, declared, progress=progress, rehash=rehash, notes=footage.notes
        )


def _look(path: Path | None, footage: Footage) -> Look | None:
    if path is None:
        return None
    from filmgate.continuity import look_file

    return look_file.read(path, footage.sequences)


def _reached(report: CheckReport, verdict: Verdict) -> bool:
    from filmgate.schema.report import VERDICTS

    limit = VERDICTS.index(verdict)
    return any(
        VERDICTS.index(shot.verdict) >= limit
        for sequence in report.sequences
        for shot in sequence.shots
    )


@app.command()
def schema() -> int:
    """Print the JSON Schema of the machine report."""
    import json

    from filmgate.schema.publish import report_schema

    typer.echo(json.dumps(report_schema(), indent=2, ensure_ascii=False))
    return OK


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="Where to put footage and report.")] = Path("demo"),
    footage: Annotated[
        Path | None, typer.Option(help="Check this folder instead of rendered shots.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Which shots drift, and in what.")] = 1,
    shots: Annotated[int, typer.Option(help="Shots of the sequence; about 1 in 33 drifts.")] = 100,
) -> int:
    """Run the loop over one endless office in which some shots drift; compare with the truth."""
    from filmgate.interfaces import demo as demonstration

    return demonstration.run(folder, footage, seed, shots)


@weights_app.command("list")
def weights_list(store: Store = None) -> int:
    """Show the networks filmgate knows, and which of them are here."""
    from filmgate.interfaces import console
    from filmgate.measure import weights
    from filmgate.studio import Studio

    folder = Studio(Settings.read().given(store=store)).weights_folder()
    screen = console.console()
    for row in weights.list_rows(folder):
        size = f"{row.weight.bytes / 1e6:.1f} MB"
        line = f"{row.weight.name:<22} {row.status:<13} {size:>7}  {row.weight.licence}"
        screen.print(f"{line}  {row.weight.url()}", markup=False, soft_wrap=True)
    screen.print(f"Folder: {folder or 'none chosen'}", markup=False, soft_wrap=True)
    return OK


@weights_app.command("get")
def weights_get(
    name: Annotated[str, typer.Argument(help="A name from the list, or 'all'.")] = "all",
    folder: Annotated[
        Path | None, typer.Option(help="Where to put them.", show_default="<store>/weights")
    ] = None,
    store: Store = None,
) -> int:
    """Download networks, verify them, and use them from now on."""
    from filmgate.measure import weights

    settings = Settings.read().given(store=store)
    target = folder or settings.store / "weights"
    for path in weights.get(name, target):
        typer.echo(f"Here: {path}")
    weights.use(target, settings.store)
    return OK


@weights_app.command("use")
def weights_use(
    folder: Annotated[Path, typer.Argument(help="A folder that holds the networks.")],
    store: Store = None,
) -> int:
    """Use the networks in a folder from now on."""
    from filmgate.measure import weights

    found = weights.use(folder, Settings.read().given(store=store).store)
    typer.echo(f"In use: {', '.join(found)}.")
    return OK


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    return _guarded(lambda: app(args=arguments, prog_name="filmgate", standalone_mode=False))


def _guarded(run: Callable[[], Any]) -> int:
    """`run`, with everything a user can cause told in one sentence and an exit code."""
    try:
        code = run()
    except FilmgateError as error:
        return _said(str(error), MISTAKE)
    except (KeyboardInterrupt, typer.Abort):
        return _said(STOPPED_TEXT, STOPPED)
    except BrokenPipeError:
        # The reader of our output went away ("| head"): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except OSError as error:
        named = f"'{error.filename}': " if error.filename else ""
        return _said(f"{named}{error.strerror or error}.", MISTAKE)
    except Exception as error:
        # Wrong use of options: typer raises its own kind, which knows its text and its code.
        if not hasattr(error, "format_message"):
            raise
        if type(error).__name__ == "NoArgsIsHelpError":
            typer.echo(error.format_message(), err=True)
            return MISTAKE
        said = error.format_message().rstrip(".").replace("Value error, ", "")
        asked = getattr(getattr(error, "ctx", None), "command_path", None) or "filmgate"
        return _said(f"{said}; see '{asked} --help'.", MISTAKE)
    if code == STOPPED:
        return _said(STOPPED_TEXT, STOPPED)
    return code if isinstance(code, int) else OK


def _said(text: str, code: int) -> int:
    from filmgate.interfaces import console

    console.sentence(f"filmgate: {text}")
    return code
