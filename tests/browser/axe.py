"""axe-core, as the browser itself brings it along.

Chromium's developer tools carry Lighthouse, and Lighthouse carries axe-core as one text. The
installed browser is asked for it when a test needs it, so that none of it lies in this repository.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.review.room import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

BUNDLE = "devtools/third_party/lighthouse/lighthouse-dt-bundle.js"
_LITERAL = re.compile(r"`/\*! axe v.*?[^\\]`", re.DOTALL)


@cache
def literal(chromium: str) -> str | None:
    """axe-core as a JavaScript literal of text; None where this browser has none.

    Args:
        chromium: path of the browser.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        program = [
            chromium, "--headless", "--no-sandbox", "--remote-debugging-port=0",
            f"--user-data-dir={profile}", "about:blank",
        ]  # fmt: skip
        browser = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            told = Path(profile) / "DevToolsActivePort"
            until(lambda: told.exists() and "\n" in told.read_text(), 60)
            address = f"http://127.0.0.1:{told.read_text().split()[0]}/{BUNDLE}"
            with urllib.request.urlopen(address, timeout=30) as answer:
                found = _LITERAL.search(answer.read().decode())
        except urllib.error.HTTPError:
            return None
        finally:
            browser.terminate()
            browser.wait(20)
    return found[0] if found else None


def program(browser: Browser) -> str:
    """The program of axe-core; a skipped test where the browser has none.

    Where Chromium is required, axe-core is.
    """
    from tests.conftest import require

    found = literal(require("chromium"))
    if found is None:
        needed = "chromium" in os.environ.get("FILMGATE_REQUIRE", "").split(",")
        (pytest.fail if needed else pytest.skip)("this browser brings no axe-core along")
    page = browser.new_page()
    text: str = page.evaluate(f"() => {found}")
    page.close()
    return text


def violations(page: Page, axe: str) -> list[str]:
    """What axe-core holds to be wrong with the page as it is now; every rule is asked.

    Args:
        axe: its program.
    """
    page.evaluate(f"{axe}\n;undefined")
    told: dict[str, Any] = page.evaluate("() => axe.run(document)")
    looked = [rule["id"] for rule in told["passes"]]
    assert len(looked) > 5, f"axe-core has hardly looked: {looked}"
    return [
        f"{rule['id']} ({rule['impact']}): {node['html'][:160]}: {node['failureSummary'][:200]}"
        for rule in told["violations"] for node in rule["nodes"]
    ]  # fmt: skip
