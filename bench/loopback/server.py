"""A threaded HTTP server on the loopback address that a provider's fake is built on.

A fake names its routes; every request is logged whole; the next requests of a route can be told to
fail in the ways that real services do, each with or without the provider having accepted them:

    class Fake(Loopback):
        def __init__(self) -> None:
            super().__init__()
            self.on("submit", "POST", r"/v1/jobs", self._submit)
            self.on("poll", "GET", r"/v1/jobs/(?P<job>[^/]+)", self._poll)

    with Fake() as fake:
        fake.script("submit", throttle(2.5), dropped(accepted=True))
        ... requests to fake.url ...
        assert fake.count("submit") == 2
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import socketserver
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

JSON = "application/json"
HTML = "text/html; charset=utf-8"

Trick = Literal["answer", "malformed", "html", "truncated", "stalled", "hang", "dropped"]


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it came in; header names in lower case, `route` "" when no route matched."""

    route: str
    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    groups: Mapping[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back."""

    status: int = 200
    body: bytes = b""
    type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, plain: Any, status: int = 200, **headers: str) -> Answer:
        """`plain` as JSON; header names with "_" for "-"."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return cls(status, json.dumps(plain).encode(), JSON, named)


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True)
class Fault:
    """How one request goes.

    Attributes:
        trick: what is done to the answer.
        status: the answer's status where `trick` is "answer"; None for the route's own answer.
        headers: sent with it.
        accepted: whether the route does its work (and charges) before things go wrong.
        text: message in the provider's error body, or the whole body where `raw`.
    """

    trick: Trick = "answer"
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    accepted: bool = False
    text: str = "planned by the test"
    raw: bool = False


OK = Fault()


def throttle(retry_after: float | str | None = None, status: int = 429) -> Fault:
    """Told to wait; `retry_after` in seconds, as an HTTP date, or not said."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return Fault(status=status, headers=headers, text="too many requests")


def refused(status: int = 400, text: str = "planned by the test") -> Fault:
    """An error answer in the provider's own form."""
    return Fault(status=status, text=text)


def broken(status: int = 500, accepted: bool = False, json_body: bool = True) -> Fault:
    """A server error, in the provider's own form or as a proxy's page."""
    text = "overloaded" if json_body else f"<html><body>{status}</body></html>"
    return Fault(status=status, accepted=accepted, text=text, raw=not json_body)


def malformed(accepted: bool = True) -> Fault:
    """A 200 whose JSON breaks off."""
    return Fault("malformed", accepted=accepted)


def html(accepted: bool = True) -> Fault:
    """A 200 with a page of somebody else's, as a captive portal or a proxy answers."""
    return Fault("html", accepted=accepted)


def truncated() -> Fault:
    """Half of the body under the Content-Length of all of it, then the end."""
    return Fault("truncated", accepted=True)


def stalled() -> Fault:
    """Half of the body, then nothing until the server closes."""
    return Fault("stalled", accepted=True)


def hang(accepted: bool = True) -> Fault:
    """No answer until the server closes."""
    return Fault("hang", accepted=accepted)


def dropped(accepted: bool = True) -> Fault:
    """The connection ends after the request was read."""
    return Fault("dropped", accepted=accepted)


def expired(status: int = 404) -> Fault:
    """A link or a job that is no more: 403, 404 or 410."""
    return Fault(status=status, text="not found or expired")


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # clients open a connection for every request

    def server_bind(self) -> None:
        """As the base does, but without asking a name server for the machine's name."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "loopback", self.server_address[1]


class Loopback:
    """The server; a context manager. `url` is its origin, known from construction on."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._routes: list[tuple[str, str, re.Pattern[str], Handler]] = []
        self._next: dict[str, deque[Fault]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}
        self._calls: list[Call] = []
        self._open: set[socket.socket] = set()
        self.closing = threading.Event()
        self._http = _Http(("127.0.0.1", 0), type("Handler", (_Handler,), {"loopback": self}))
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    def on(self, route: str, method: str, path: str, handler: Handler) -> None:
        """Add a route; `path` is a regular expression for the whole path without the query."""
        self._routes.append((route, method, re.compile(path), handler))

    def script(self, route: str, *faults: Fault, forever: bool = False) -> None:
        """How the next requests to `route` go, one each, before all is well again.

        With `forever` the last of them is how it goes from then on; without faults, all is well.
        """
        if route not in {name for name, *_ in self._routes}:
            raise KeyError(f"no route {route!r}")
        with self.lock:
            self._next[route] = deque(faults)
            self._always.pop(route, None)
            if forever:
                self._always[route] = self._next[route].pop()

    def calls(self, route: str | None = None) -> list[Call]:
        """Requests so far, of one route or of all."""
        with self.lock:
            return [c for c in self._calls if route in (None, c.route)]

    def count(self, route: str) -> int:
        """Requests to `route` so far, answered or not."""
        return len(self.calls(route))

    def error_body(self, status: int, text: str) -> bytes:
        """An error in the provider's own form; fakes override it."""
        return json.dumps({"error": {"code": status, "message": text}}).encode()

    def start(self) -> Self:
        """Begin to serve."""
        self._thread.start()
        return self

    def close(self) -> None:
        """End every connection, also those that hang, and free the port."""
        self.closing.set()
        if self._thread.is_alive():
            self._http.shutdown()
            self._thread.join()
        self._http.server_close()
        with self.lock:
            still = list(self._open)
        for connection in still:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _take(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> _Turn:
        """Log a request and say how it goes."""
        split = urlsplit(target)
        route, groups = "", {}
        handler: Handler = _unknown
        for name, verb, pattern, offered in self._routes:
            found = pattern.fullmatch(split.path) if verb == method else None
            if found is not None:
                route, groups, handler = name, found.groupdict(), offered
                break
        call = Call(route, method, split.path, parse_qs(split.query), headers, body, groups)
        with self.lock:
            self._calls.append(call)
            waiting = self._next[route]
            fault = waiting.popleft() if waiting else self._always.get(route, OK)
        return _Turn(call, handler, fault)

    def _answer(self, turn: _Turn) -> Answer:
        """What the route, or what stands in its way, answers."""
        fault = turn.fault
        own = turn.handler(turn.call) if fault == OK or fault.accepted else Answer()
        if fault.status is not None:
            body = fault.text.encode() if fault.raw else self.error_body(fault.status, fault.text)
            return Answer(fault.status, body, HTML if fault.raw else JSON, fault.headers)
        if fault.trick == "malformed":
            return Answer(200, b'{"id": "half of an ans')
        if fault.trick == "html":
            return Answer(200, b"<!DOCTYPE html><html><body>Sign in</body></html>", HTML)
        return own


@dataclass(frozen=True, slots=True)
class _Turn:
    call: Call
    handler: Handler
    fault: Fault


def _unknown(call: Call) -> Answer:
    return Answer.of({"error": {"message": f"no route {call.method} {call.path}"}}, 404)


class _Handler(BaseHTTPRequestHandler):
    """Answers as `loopback` says; every server has a class of its own."""

    loopback: Loopback
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.loopback.lock:
            self.loopback._open.add(self.connection)

    def finish(self) -> None:
        with self.loopback.lock:
            self.loopback._open.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def handle(self) -> None:
        # A client that gives up is what half of the tests are about.
        with contextlib.suppress(ConnectionError, TimeoutError):
            super().handle()

    def _serve(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        turn = self.loopback._take(self.command, self.path, headers, self._body())
        answer = self.loopback._answer(turn)
        trick = turn.fault.trick
        if trick == "hang":
            self.loopback.closing.wait()
        if trick in ("hang", "dropped"):
            self.close_connection = True
            return
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.type)
        self.send_header("Content-Length", str(len(answer.body)))
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        cut = len(answer.body) // 2 if trick in ("truncated", "stalled") else None
        self.wfile.write(answer.body[:cut])
        if trick == "stalled":
            self.wfile.flush()
            self.loopback.closing.wait()
        if cut is not None:
            self.close_connection = True

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve  # noqa: N815

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) < length:
                raise ConnectionError("the client was gone before it had said everything")
            return body
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def log_message(self, format: str, *args: object) -> None:
        """Silence; `Loopback.calls` is the log."""


def unreachable() -> str:
    """An origin on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"http://127.0.0.1:{probe.getsockname()[1]}"
