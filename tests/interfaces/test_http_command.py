"""``filmgate review``: whom it lets in, where it listens, and how it starts and ends."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import typer

from filmgate.errors import UsageError
from filmgate.interfaces import review
from filmgate.interfaces.http.room import Told
from filmgate.review import auth
from filmgate.review.desk.index import AUDIT_RATE
from tests.review.room import stage

PROGRAM = "from filmgate.interfaces.review import review_app; review_app()"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    stage(tmp_path / ".filmgate", monkeypatch, 2, {"1A"}, clips=False).made.store.close()
    return tmp_path / ".filmgate"


def run(*words: str) -> Any:
    app = typer.Typer()
    review.register(app)
    return app(["review", *words], standalone_mode=False)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What a server would have been started with."""
    seen: dict[str, Any] = {}

    def serve(told: Told, host: str, port: int, browse: bool, tls: Any) -> None:
        seen.update(told=told, host=host, port=port, browse=browse, tls=tls)

    monkeypatch.setattr(review, "_serve", serve)
    return seen


def test_by_itself_it_is_for_the_person_at_the_keyboard(
    root: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FILMGATE_REVIEWER", "ana")
    run()
    made: Told = told["told"]
    assert (told["host"], told["port"], told["browse"]) == ("127.0.0.1", review.PORT, False)
    assert (made.local, made.resume, made.secure) == ("ana", None, False)
    assert made.hosts == ("127.0.0.1", "localhost", "[::1]")
    assert made.audit_rate == AUDIT_RATE


def test_options_reach_the_server(
    root: Path, told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("--sign-in", "--resume", "--audit-rate", "0.25", "--open", "--port", "0", "--name", "room")
    made: Told = told["told"]
    assert made.local is None
    assert made.resume is not None
    assert (made.audit_rate, told["browse"], told["port"]) == (0.25, True, 0)
    assert "room" in made.hosts
    monkeypatch.setenv("FILMGATE_AUDIT_RATE", "0.5")
    run()
    assert told["told"].audit_rate == 0.5


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.7.7", "::", "review.example"])
def test_letting_others_in_needs_named_reviewers(
    root: Path, told: dict[str, Any], host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UsageError, match="add-reviewer"):
        run("--host", host)
    assert told == {}
    auth.add_reviewer(root, "ana", "lead")
    run("--host", host)
    made: Told = told["told"]
    assert made.local is None, "nobody is let in without a token"
    assert "127.0.0.1" not in made.hosts
    assert "0.0.0.0" not in made.hosts
    assert "can be read on the way" in capsys.readouterr().err


def test_tls_needs_both_files(root: Path, told: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="together"):
        run("--cert", "a.pem")
    run("--cert", "a.pem", "--key", "b.pem")
    assert told["told"].secure is True
    assert told["tls"] == (Path("a.pem"), Path("b.pem"))


def test_reviewers_are_added_listed_and_removed(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("add-reviewer", "Ana", "--role", "lead")
    token = capsys.readouterr().out.splitlines()[-1]
    assert auth.Door(root, None).sign_in(token, "x")[1].role == "lead"
    run("reviewers")
    assert capsys.readouterr().out == "lead      Ana\n"
    assert token not in (root / auth.FILE).read_text()
    run("remove-reviewer", "Ana")
    with pytest.raises(auth.SignIn):
        auth.Door(root, None).sign_in(token, "x")


def test_an_address_that_is_taken_is_one_sentence(root: Path) -> None:
    with contextlib.closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port} .*another --port"):
            review._bound("127.0.0.1", port)
    with pytest.raises(UsageError, match="Cannot listen on"):
        review._bound("203.0.113.7", 0)


def test_without_a_project_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no project"):
        run("--port", "0")
    assert list(tmp_path.iterdir()) == [], "and makes none"


@contextlib.contextmanager
def started(root: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "--port", "0", "--store", str(root), *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    found = re.search(r"https?://\S+", process.stdout.readline())
    try:
        yield process, found[0] if found else ""
    finally:
        process.kill()
        process.communicate()


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_starts_serves_and_ends(root: Path, how: signal.Signals) -> None:
    with started(root) as (process, address):
        with httpx2.Client(base_url=address) as client:
            session = client.get("/api/session").json()
            assert session["project"]["title"] == "Staged"
            assert client.get("/api/queue").json()["total"] == 1
            assert "server" not in client.get("/").headers, "what serves it is nobody's business"
            # A page that listens must not keep the server from ending.
            with client.stream("GET", "/api/events") as stream:
                next(stream.iter_lines())
                process.send_signal(how)
                _, said = process.communicate(timeout=20)
        assert "Traceback" not in said
