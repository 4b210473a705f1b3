"""`bench`, where the providers' fakes are, lies beside `src` and is not installed."""

from __future__ import annotations

import io
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

_SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL|_proxy$|_BASE_URL$", re.I)


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, address or proxy of the user's reaches a test."""
    for name in [n for n in os.environ if _SECRET.search(n)]:
        monkeypatch.delenv(name)


@pytest.fixture
def keeps_secret() -> Iterator[Callable[[str], None]]:
    """Fails the test when a secret given to it was logged, at whatever level."""
    secrets: list[str] = []
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield secrets.append
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
    assert secrets
    for secret in secrets:
        assert secret not in stream.getvalue()


Told = Callable[..., AbstractContextManager[None]]


@pytest.fixture
def told() -> Told:
    """An error of exactly this class, in one line, with none of the secrets in any of its forms."""

    @contextmanager
    def telling(error: type[Exception], match: str, *secrets: str) -> Iterator[None]:
        with pytest.raises(error, match=match) as caught:
            yield
        assert type(caught.value) is error
        text = str(caught.value)
        assert text
        assert "\n" not in text
        forms = [text, repr(caught.value), "".join(traceback.format_exception(caught.value))]
        for secret in secrets:
            assert not any(secret in form for form in forms)

    return telling
