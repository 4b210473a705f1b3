"""Who may do what in the review room: named reviewers with tokens, and sessions.

On loopback the person at the keyboard is the reviewer and nobody signs in. On any other address
everybody signs in with a token of their own, which `filmgate review add-reviewer` prints once.

```
.filmgate/reviewers.toml   name, role, and scrypt hash of each token; never a token
.filmgate/review.key       secret that session cookies are sealed with; readable by the owner only
```
A session is a cookie that holds who, when and a nonce, sealed with HMAC-SHA-256, so it survives a
restart of the server without a list. It names the hash of the token that it was opened with: a new
token, or taking the reviewer out of the file, ends it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import json
import os
import secrets
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from filmgate.assets.files import write_atomic
from filmgate.errors import BadSetting, StoreError, UsageError
from filmgate.settings import read_toml

Role = Literal["viewer", "reviewer", "lead"]
ROLES: tuple[Role, ...] = get_args(Role)
"""In rising order of what they may do."""
FILE, KEY_FILE = "reviewers.toml", "review.key"
SCRYPT = {"n": 2**14, "r": 8, "p": 1}
"""Cost of hashing a token: 16 MiB and some 50 ms (RFC 7914, section 2: the interactive setting).
Tokens are 256 random bits, so this only has to make a stolen file useless for longer than they."""
KEY_BYTES = 32
SESSION_S = 7 * 24 * 3600
MOST_WRONG, WRONG_WINDOW_S = 5, 60.0
"""Wrong tokens from one address before it has to wait, and for how long."""
_NAME_LENGTH = 64


@dataclass(frozen=True)
class Reviewer:
    """One row of the file. `mark`: public part of the token, by which its row is found."""

    name: str
    role: Role
    mark: str
    salt: str
    hash: str


@dataclass(frozen=True)
class Session:
    """Who is asking, for the length of one request."""

    name: str
    role: Role
    nonce: str

    def may(self, role: Role) -> bool:
        """Whether this role reaches as far as `role`."""
        return ROLES.index(self.role) >= ROLES.index(role)


class SignIn(UsageError):
    """Nobody is signed in, or the token is wrong."""


class TooMany(UsageError):
    """Too many wrong tokens from one address."""


def is_loopback(host: str) -> bool:
    """Whether an address to listen on can only be reached from this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def reviewers(store: Path) -> dict[str, Reviewer]:
    """The reviewers of a project by name; none without a file.

    Raises:
        BadSetting: the file says something that cannot be right.
    """
    path = store / FILE
    if not path.exists():
        return {}
    values, _ = read_toml(path)
    out: dict[str, Reviewer] = {}
    rows = values.get("reviewers", {})
    for name, row in rows.items() if isinstance(rows, dict) else ():
        try:
            found = Reviewer(name, row["role"], row["mark"], row["salt"], row["hash"])
            known = found.role in ROLES and all(
                isinstance(v, str) for v in (found.mark, found.salt, found.hash)
            )
            bytes.fromhex(found.salt + found.hash)
        except (KeyError, TypeError, ValueError):
            known = False
        if not known:
            raise BadSetting(
                f"{path}: the row of '{name}' is damaged: add the reviewer again with "
                "'filmgate review add-reviewer'."
            )
        out[name] = found
    return out


def add_reviewer(store: Path, name: str, role: Role) -> str:
    """Add a reviewer, or give one a new token and role; returns the token, kept nowhere.

    Raises:
        UsageError: the name or the role cannot be used.
        StoreError: the file cannot be written.
    """
    if not name.strip() or len(name) > _NAME_LENGTH or not name.isprintable():
        raise UsageError(f"A reviewer's name has 1 to {_NAME_LENGTH} letters that can be printed.")
    if role not in ROLES:
        raise UsageError(f"'{role}' is no role: say {', '.join(ROLES)}.")
    known = reviewers(store)
    mark, secret, salt = secrets.token_hex(4), secrets.token_urlsafe(32), secrets.token_hex(16)
    known[name] = Reviewer(name, role, mark, salt, _hashed(secret, salt))
    _write(store, known)
    return f"{mark}.{secret}"


def remove_reviewer(store: Path, name: str) -> None:
    """Take a reviewer out; sessions that are open end with it. What was decided stays.

    Raises:
        UsageError: there is no such reviewer.
    """
    known = reviewers(store)
    if name not in known:
        raise UsageError(f"There is no reviewer '{name}': there are {', '.join(known) or 'none'}.")
    del known[name]
    _write(store, known)


def _write(store: Path, rows: dict[str, Reviewer]) -> None:
    lines = ["# Reviewers of this project. Tokens are not kept: what is here cannot open anything."]
    for row in rows.values():
        # A JSON string of printable letters is a TOML string, too.
        lines += ["", f"[reviewers.{json.dumps(row.name, ensure_ascii=False)}]"]
        lines += [f'role = "{row.role}"', f'mark = "{row.mark}"']
        lines += [f'salt = "{row.salt}"', f'hash = "{row.hash}"']
    try:
        store.mkdir(parents=True, exist_ok=True)
        write_atomic(store / FILE, "\n".join([*lines, ""]).encode())
        (store / FILE).chmod(0o600)
    except OSError as error:
        raise StoreError(f"'{store / FILE}' cannot be written ({error.strerror}).") from None


def _hashed(secret: str, salt: str) -> str:
    return hashlib.scrypt(secret.encode(), salt=bytes.fromhex(salt), dklen=32, **SCRYPT).hex()


class Door:
    """Opens and checks sessions of one server.

    Args:
        store: folder of the project.
        local: name of the person at the keyboard, where nobody signs in; None where all do.
    """

    def __init__(self, store: Path, local: str | None) -> None:
        self._store, self._local = store, local
        self._key = _key(store)
        self._wrong: dict[str, list[float]] = {}
        self._ended: dict[str, float] = {}
        self._known: tuple[int, dict[str, Reviewer]] | None = None
        self._lock = threading.Lock()
        self.cookie = "filmgate_" + self._seal("cookie name")[:8].lower()
        """Cookies do not know ports: of two projects served by one machine each has its own."""

    @property
    def mode(self) -> Literal["local", "tokens"]:
        """How one gets in."""
        return "tokens" if self._local is None else "local"

    def open_local(self) -> tuple[str, Session] | None:
        """A session for the person at the keyboard; None where everybody signs in."""
        return None if self._local is None else self._opened(self._local, "lead", "local")

    def sign_in(self, token: str, address: str) -> tuple[str, Session]:
        """The cookie and the session for a token.

        Raises:
            SignIn: the token is wrong.
            TooMany: this address tried too many wrong ones.
        """
        self._wait(address)
        mark, _, secret = token.partition(".")
        rows = list(self._rows().values())
        row = next((r for r in rows if hmac.compare_digest(r.mark.encode(), mark.encode())), None)
        # An unknown mark takes as long as a wrong secret, so that time tells nothing.
        found = _hashed(secret, row.salt if row is not None else "00" * 16)
        if row is None or not hmac.compare_digest(found, row.hash):
            with self._lock:
                self._wrong.setdefault(address, []).append(time.monotonic())
            raise SignIn("That token opens nothing here.")
        return self._opened(row.name, row.role, row.hash[:16])

    def session(self, cookie: str | None) -> Session | None:
        """Whose session a cookie is; None when it is not one of ours, or has ended."""
        said, _, seal = (cookie or "").partition(".")
        if not seal or not hmac.compare_digest(self._seal("session " + said), seal):
            return None
        try:
            name, since, nonce, mark = json.loads(base64.urlsafe_b64decode(said))
        except (ValueError, TypeError):
            return None
        if time.time() - since > SESSION_S or nonce in self._ended:
            return None
        if mark == "local":
            return Session(name, "lead", nonce) if name == self._local else None
        row = self._rows().get(name)
        if self._local is not None or row is None or row.hash[:16] != mark:
            return None
        return Session(name, row.role, nonce)

    def end(self, session: Session) -> None:
        """Sign out: the cookie opens nothing any more, whoever has a copy of it."""
        with self._lock:
            self._ended = {n: t for n, t in self._ended.items() if time.time() - t < SESSION_S}
            self._ended[session.nonce] = time.time()

    def csrf(self, session: Session) -> str:
        """What only a page of ours can know of this session."""
        return self._seal("csrf " + session.nonce)

    def _opened(self, name: str, role: Role, mark: str) -> tuple[str, Session]:
        nonce = secrets.token_urlsafe(18)
        plain = json.dumps([name, int(time.time()), nonce, mark]).encode()
        said = base64.urlsafe_b64encode(plain).decode()
        return f"{said}.{self._seal('session ' + said)}", Session(name, role, nonce)

    def _seal(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()

    def _wait(self, address: str) -> None:
        now = time.monotonic()
        with self._lock:
            self._wrong = {
                a: recent for a, tries in self._wrong.items()
                if (recent := [t for t in tries if now - t < WRONG_WINDOW_S])
            }  # fmt: skip
            if len(self._wrong.get(address, [])) >= MOST_WRONG:
                raise TooMany("Too many wrong tokens: wait a minute, then try again.")

    def _rows(self) -> dict[str, Reviewer]:
        """The reviewers as the file has them now; read again only when it changed."""
        try:
            stamp = (self._store / FILE).stat().st_mtime_ns
        except OSError:
            return {}
        with self._lock:
            if self._known is None or self._known[0] != stamp:
                self._known = stamp, reviewers(self._store)
            return self._known[1]


def _key(store: Path) -> bytes:
    """The project's secret, made when first needed.

    Raises:
        StoreError: it cannot be read or written.
    """
    path = store / KEY_FILE
    try:
        store.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Linked into place whole: of two servers that start at once both read the same one.
            handle, part = tempfile.mkstemp(dir=store, prefix=f".{KEY_FILE}.")
            with os.fdopen(handle, "wb") as stream:
                stream.write(secrets.token_bytes(KEY_BYTES))
            with contextlib.suppress(FileExistsError):
                os.link(part, path)
            os.unlink(part)  # noqa: PTH108
        found = path.read_bytes()
    except OSError as error:
        raise StoreError(f"'{path}' cannot be read or written ({error.strerror}).") from None
    if len(found) != KEY_BYTES:
        raise StoreError(f"'{path}' is damaged: delete it; everybody signs in again.")
    return found
