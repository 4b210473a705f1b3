"""``filmgate review``: serve the review room, and say who may come in."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from filmgate.settings import Settings

if TYPE_CHECKING:
    from filmgate.interfaces.http.room import Told

OK = 0
PORT = 8777
Store = Annotated[
    Path | None, typer.Option(help="Folder of the project's state.", show_default=".filmgate")
]

review_app = typer.Typer(
    help="The review room: judge what the machine could not, in the browser.",
    invoke_without_command=True, rich_markup_mode=None,
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Put the review room's commands into the command line `app`."""
    app.add_typer(review_app, name="review")


@review_app.callback()
def review(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 for any.")] = PORT,
    host: Annotated[
        str, typer.Option(help="Address to listen on; any but this machine's own needs reviewers.")
    ] = "127.0.0.1",
    name: Annotated[
        list[str] | None, typer.Option(help="Another name that browsers ask for it by.")
    ] = None,
    open: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    sign_in: Annotated[
        bool, typer.Option("--sign-in", help="Ask for tokens even on this machine.")
    ] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make the retakes that are asked for: may cost money.")
    ] = False,
    audit_rate: Annotated[
        float | None,
        typer.Option(min=0, max=1, envvar="FILMGATE_AUDIT_RATE", show_default="0.05",
                     help="Share of circled takes that are put into the queue by chance."),
    ] = None,
    cert: Annotated[Path | None, typer.Option(help="Certificate (PEM), to serve https.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key (PEM).")] = None,
    store: Store = None,
) -> int:  # fmt: skip
    """Open the review room."""
    if context.invoked_subcommand is not None:
        return OK
    from filmgate.errors import UsageError
    from filmgate.interfaces.http.room import Told
    from filmgate.loop.facade import whoami
    from filmgate.review import auth
    from filmgate.review.desk.index import AUDIT_RATE

    settings = Settings.read().given(store=store)
    own = auth.is_loopback(host)
    if (cert is None) != (key is None):
        raise UsageError("Give --cert and --key together.")
    if not own and not auth.reviewers(settings.store):
        raise UsageError(
            f"Listening on {host} lets others in, and nobody is named yet: add reviewers with "
            "'filmgate review add-reviewer NAME'."
        )
    if not own and cert is None:
        typer.echo(
            "Without --cert and --key, tokens and pictures can be read on the way.", err=True
        )
    told = Told(
        settings, local=whoami() if own and not sign_in else None,
        hosts=_names(host, name or []), resume=_resumer(settings) if resume else None,
        audit_rate=AUDIT_RATE if audit_rate is None else audit_rate, secure=cert is not None,
    )  # fmt: skip
    _serve(told, host, port, open, (cert, key))
    return OK


def _names(host: str, more: list[str]) -> tuple[str, ...]:
    """The names in a Host header that mean this server."""
    from filmgate.review import auth

    def spelled(one: str) -> str:
        return f"[{one}]" if ":" in one and not one.startswith("[") else one

    own = ["127.0.0.1", "localhost", "[::1]"] if auth.is_loopback(host) else []
    anybody = host in ("0.0.0.0", "::")
    return tuple(dict.fromkeys([*own, *([] if anybody else [spelled(host)]),
                                *([socket.gethostname()] if anybody else []),
                                *map(spelled, more)]))  # fmt: skip


def _resumer(settings: Settings) -> Callable[[], object]:
    def go_on() -> object:
        from filmgate.studio import Studio

        return Studio(settings).resume(lambda shot, what, detail: None)

    return go_on


def _serve(
    told: Told, host: str, port: int, browse: bool, tls: tuple[Path | None, Path | None]
) -> None:  # fmt: skip
    import uvicorn

    from filmgate.interfaces.http.app import Server, create

    app = create(told)
    bound = _bound(host, port)
    scheme = "https" if told.secure else "http"
    name = f"[{host}]" if ":" in host else host
    address = f"{scheme}://{name}:{bound.getsockname()[1]}/"
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        ws="none", lifespan="on", timeout_graceful_shutdown=2,
        ssl_certfile=str(tls[0]) if tls[0] else None, ssl_keyfile=str(tls[1]) if tls[1] else None,
    )  # fmt: skip
    typer.echo(f"The review room is open at {address} (Ctrl-C closes it).")
    if browse:
        import webbrowser

        webbrowser.open(address)
    with bound, contextlib.suppress(KeyboardInterrupt):
        Server(config).run(sockets=[bound])


def _bound(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Raises:
        UsageError: the address is taken, or is none of this machine.
    """
    from filmgate.errors import UsageError

    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small answers at once (it sets TCP_NODELAY by it).
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        said = error.strerror or str(error)
        raise UsageError(
            f"Cannot listen on {host}, port {port} ({said}): choose another --port or --host."
        ) from None
    return made


@review_app.command("add-reviewer")
def add_reviewer(
    name: Annotated[str, typer.Argument(help="As they shall be named in decisions.")],
    role: Annotated[
        Literal["viewer", "reviewer", "lead"],
        typer.Option(help="viewer looks; reviewer decides; lead undoes others' decisions, too."),
    ] = "reviewer",
    store: Store = None,
) -> int:  # fmt: skip
    """Name a reviewer and print their token, once; again for a new one."""
    from filmgate.review import auth

    token = auth.add_reviewer(Settings.read().given(store=store).store, name, role)
    typer.echo(f"Token of {name} ({role}); it is shown only now, and the one before ends:")
    typer.echo(token)
    return OK


@review_app.command("remove-reviewer")
def remove_reviewer(
    name: Annotated[str, typer.Argument(help="Whose token shall open nothing.")],
    store: Store = None,
) -> int:
    """Take a reviewer's token away; what they decided stays."""
    from filmgate.review import auth

    auth.remove_reviewer(Settings.read().given(store=store).store, name)
    typer.echo(f"{name} cannot come in any more.")
    return OK


@review_app.command("reviewers")
def list_reviewers(store: Store = None) -> int:
    """List who may come in, and as what."""
    from filmgate.review import auth

    for row in auth.reviewers(Settings.read().given(store=store).store).values():
        typer.echo(f"{row.role:<9} {row.name}")
    return OK
