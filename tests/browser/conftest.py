"""One Chromium per module of browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import require


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser, or a skipped test where there is none."""
    path = require("chromium")
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()
