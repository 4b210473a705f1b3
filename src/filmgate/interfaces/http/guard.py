"""What every request passes before a route sees it, and what every answer carries.

One place, and closed unless opened: everything under `PROTECTED` needs a session, whatever route
is added there later.
"""

from __future__ import annotations

from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from filmgate.interfaces.http.errors import Problem, told
from filmgate.review.auth import Door, Session

MOST_BODY_BYTES = 256 * 1024
SESSION_PATH = "/api/session"
PROTECTED = ("/api/", "/media/", "/frames/", "/scopes/")
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = "; ".join(
    (
        "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:",
        "media-src 'self' blob:", "connect-src 'self'", "font-src 'self'", "worker-src 'self'",
        "manifest-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
    )
)  # fmt: skip
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), usb=(), payment=()",
}
SESSION = "filmgate.session"


class Guard:
    """Wraps the application.

    Args:
        door: opens and checks sessions.
        hosts: names by which this server may be asked for; any other is a page that has got its
            name to point here (DNS rebinding).
        secure: whether it is served over TLS.
    """

    def __init__(self, app: ASGIApp, door: Door, hosts: Iterable[str], secure: bool) -> None:
        self._app, self._door = app, door
        self._hosts = frozenset(host.lower() for host in hosts)
        self._scheme = "https" if secure else "http"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer why not."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if self._scheme == "https":
                    headers.setdefault("strict-transport-security", "max-age=31536000")
            await send(message)

        try:
            replay = await self._checked(scope, receive)
        except Problem as problem:
            await problem.answer()(scope, receive, sending)
            return
        try:
            await self._app(scope, replay, sending)
        except Exception:
            if not begun:
                text = "Something went wrong in the server; its terminal says what."
                await told(500, text)(scope, receive, sending)
            raise

    async def _checked(self, scope: Scope, receive: Receive) -> Receive:
        """The request's body to be read, when the request may pass.

        Raises:
            Problem: it may not.
        """
        headers = Headers(scope=scope)
        self._host(headers)
        session = self._door.session(_cookie(headers, self._door.cookie))
        scope[SESSION] = session
        path, unsafe = scope["path"], scope["method"] not in SAFE
        if unsafe:
            self._same_origin(headers)
        if path.startswith(PROTECTED) and path != SESSION_PATH and session is None:
            raise Problem(401, "Sign in first.")
        if not unsafe:
            return receive
        body = await _body(headers, receive)
        opening = path == SESSION_PATH and scope["method"] == "POST"
        if not opening:
            self._not_forged(headers, session)
        return _replayed(body, receive)

    def _host(self, headers: Headers) -> None:
        said = headers.get("host", "").lower()
        name = said.rsplit(":", 1)[0] if not said.endswith("]") else said
        if name not in self._hosts:
            raise Problem(403, "This server is not known by that name.", "host")

    def _same_origin(self, headers: Headers) -> None:
        """An unsafe request comes from a page of this very server, or from no page."""
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        own = f"{self._scheme}://{headers.get('host', '').lower()}"
        if (origin is not None and origin.lower() != own) or site not in (
            None, "same-origin", "none",
        ):  # fmt: skip
            raise Problem(403, "This request does not come from a page of this server.", "csrf")

    def _not_forged(self, headers: Headers, session: Session | None) -> None:
        import hmac

        said = headers.get("x-filmgate-csrf", "")
        known = "" if session is None else self._door.csrf(session)
        if not known or not hmac.compare_digest(said.encode(), known.encode()):
            raise Problem(403, "The session's token is missing: load the page again.", "csrf")


def _cookie(headers: Headers, name: str) -> str | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(headers.get("cookie", ""))
    except CookieError:
        return None
    return jar[name].value if name in jar else None


async def _body(headers: Headers, receive: Receive) -> bytes:
    """The whole body, JSON and not too large.

    Raises:
        Problem: it is too large, or something else.
    """
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    length = headers.get("content-length", "0")
    if length.isdigit() and int(length) > MOST_BODY_BYTES:
        raise Problem(413, f"A body has at most {MOST_BODY_BYTES // 1024} KiB.")
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        if len(body) > MOST_BODY_BYTES:
            raise Problem(413, f"A body has at most {MOST_BODY_BYTES // 1024} KiB.")
        if not message.get("more_body", False):
            break
    if body and kind != "application/json":
        raise Problem(415, "The body must be application/json.")
    return body


def _replayed(body: bytes, receive: Receive) -> Receive:
    """`receive`, giving the body that was read already first."""
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again
