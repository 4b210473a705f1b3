"""The stage for tests of Google's adapter: a fake, generators that share a folder, requests."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from bench.loopback.google import Google
from filmgate.models.generator import Request, Surroundings
from filmgate.models.generators import google

TIMEOUT_S = 0.5
WORDS = {
    "veo": Request("veo-3.1-generate-001", "A long office.", duration_s=8, size=(1280, 720)),
    "omni": Request("gemini-omni-1.2-flash", "A long office.", duration_s=8, size=(1280, 720)),
    "still": Request("gemini-3.1-flash-image", "A long office.", size=(1920, 1080)),
}
ROUTES = {"veo": "veo", "omni": "omni", "still": "content"}
POLLS = {"veo": "veo_poll", "omni": "omni_poll"}
SERVICES = sorted(WORDS)
FILMS = sorted(POLLS)
_nonces = itertools.count()


def request(service: str, **changes: Any) -> Request:
    """A request of its own for one of the services."""
    return replace(WORDS[service], nonce=str(next(_nonces)), **changes)


@dataclass
class Stage:
    """The fake, and a patient and a hasty generator that share their folder."""

    fake: Google
    maker: google.Google
    hasty: google.Google
    folder: Path

    def sent(self, route: str) -> dict[str, Any]:
        """The body of the last request to `route`."""
        return dict(self.fake.calls(route)[-1].json())

    def fresh(self, **options: Any) -> google.Google:
        """A generator as another process would make it."""
        return google.Google(Surroundings(self.folder, timeout_s=10.0, options=options))

    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Point the SDK to the fake."""
        for name in ("GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI"):
            monkeypatch.delenv(name, raising=False)
        for name, value in self.fake.environment(self.folder).items():
            monkeypatch.setenv(name, value)

    def calm(self) -> None:
        """All is well again."""
        fake = self.fake
        for route in (*ROUTES.values(), *POLLS.values(), "omni_cancel", "file", "bucket", "token"):
            fake.script(route)
        fake.jobs.plan()
        fake.says, fake.finish, fake.blocked, fake.answered_by = {"ok": True}, "STOP", "", ""
        fake.pictures = 1


@contextmanager
def opened(folder: Path) -> Iterator[Stage]:
    """One stage for many tests: a client of the SDK takes a fifth of a second to make."""
    with Google() as fake:
        patient = google.Google(Surroundings(folder, timeout_s=10.0))
        yield Stage(fake, patient, google.Google(Surroundings(folder, timeout_s=TIMEOUT_S)), folder)


class Counted:
    """How many requests came to a route since, and how many were charged for."""

    def __init__(self, fake: Google, route: str) -> None:
        self._fake, self._route = fake, route
        self._before = fake.count(route), fake.jobs.paid

    @property
    def asked(self) -> int:
        return self._fake.count(self._route) - self._before[0]

    @property
    def paid(self) -> int:
        return self._fake.jobs.paid - self._before[1]
