"""The pages of the review room on real Chromium: how soon a person can work, and go on working.

    python -m bench.review_pages                 5,000 takes; 9 openings, 50 decisions
    python -m bench.review_pages --takes 300
    python -m bench.review_pages --store FOLDER  a project that `bench.review --keep` made

Everything is real but the project (see ``bench.review``). Milliseconds are the browser's own clock,
from the start of the navigation, or from the key that decides. `moving`: a picture of the take
came on screen while it played. `ready`: evidence is drawn, both players stand on their first frame
and playing was begun. The curve over the sequence is not asked for: this project was
never measured, and comparing a hundred shots for the first time would be what is timed.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import tables
from bench.review import milliseconds, server, write_project

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

FIRST_LIMIT_S, NEXT_LIMIT_S = 1.5, 0.3
SIZE: Final = {"width": 1280, "height": 720}
MOVING: Final = "performance.getEntriesByName('filmgate:playing')"
LOOK_MS: Final = 700
"""How long the person looks at a take before deciding, ms: less than anybody needs."""


def visit(browser: Browser) -> Page:
    """A page of a fresh browser."""
    page = browser.new_context(viewport=SIZE).new_page()  # type: ignore[arg-type]
    page.route("**/api/series/**", lambda route: route.abort())
    return page


def opened(browser: Browser, address: str, path: str) -> float:
    """Seconds from opening the page in a fresh browser until the first take moves."""
    page = visit(browser)
    page.goto(address + path)
    if path == "/":
        page.wait_for_selector("[role=option]")
        page.keyboard.press("Enter")
    page.wait_for_function(f"() => {MOVING}.length > 0")
    took_ms = float(page.evaluate(f"() => {MOVING}[0].startTime"))
    page.context.close()
    return took_ms / 1e3


def listed(browser: Browser, address: str) -> float:
    """Seconds from opening the page until the first rows of the queue are drawn."""
    page = visit(browser)
    page.goto(address)
    page.wait_for_selector("[role=option]")
    took_ms = float(page.evaluate("() => performance.now()"))
    page.context.close()
    return took_ms / 1e3


def decided(page: Page, count: int) -> tuple[list[float], list[float]]:
    """Seconds from the key until the next take is ready, and until it moves."""
    for n in range(count):
        slate = page.inner_text("#name-take b")
        page.keyboard.press("chni"[n % 4])
        page.wait_for_function(
            "s => document.querySelector('#name-take b').textContent !== s", arg=slate
        )
        page.wait_for_timeout(LOOK_MS)
    told = page.evaluate(f"""() => {{
      const moving = {MOVING};
      return performance.getEntriesByName('filmgate:next').map((next) => [next.duration,
        (moving.find((m) => m.startTime > next.startTime && m.detail.startsWith(next.detail))
          ?.startTime ?? NaN) - next.startTime]); }}""")
    return [row[0] / 1e3 for row in told], [row[1] / 1e3 for row in told if row[1] == row[1]]


def run(root: Path, openings: int, decisions: int) -> int:
    """Measure; 1 when a limit is not kept."""
    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        print("chromium is not installed: nothing was measured.")
        return 1
    with server(root) as (port, _), sync_playwright() as driver:
        address = f"http://127.0.0.1:{port}"
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        rows = [listed(browser, address) for _ in range(openings)]
        by_queue = [opened(browser, address, "/") for _ in range(openings)]
        at_once = [opened(browser, address, "/take") for _ in range(openings)]
        page = visit(browser)
        page.goto(f"{address}/take")
        page.wait_for_function(f"() => {MOVING}.length > 0")
        page.wait_for_timeout(2 * LOOK_MS)
        ready, moving = decided(page, decisions)
        page.wait_for_selector('#server[data-state="up"]')
        browser.close()
    return told(rows, by_queue, at_once, ready, moving)


def told(
    rows: Sequence[float], by_queue: Sequence[float], at_once: Sequence[float],
    ready: Sequence[float], moving: Sequence[float],
) -> int:  # fmt: skip
    """Print the table; 1 when a limit is not kept."""
    lines = [
        ["queue drawn", *milliseconds(rows)],
        ["first take moving, by way of the queue", *milliseconds(by_queue)],
        ["first take moving, opened at once", *milliseconds(at_once)],
        ["decision to next take ready", *milliseconds(ready)],
        ["decision to next take moving", *milliseconds(moving)],
    ]
    table = tables.table(["page", "n", "median ms", "p95 ms", "worst ms"], lines)
    tables.write(
        "review_pages", f"# The pages of the review room\n\n{tables.machine()}.\n\n{table}"
    )
    middle = sorted(ready)[len(ready) // 2]
    first = sorted(at_once)[len(at_once) // 2]
    return 1 if first > FIRST_LIMIT_S or middle > NEXT_LIMIT_S else 0


def main() -> int:
    """Run it; exit code 1 when a limit is not kept."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--takes", type=int, default=5000)
    parser.add_argument("--openings", type=int, default=9)
    parser.add_argument("--decisions", type=int, default=50)
    parser.add_argument("--store", type=Path)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-review-pages-"))
    try:
        root = asked.store or folder / ".filmgate"
        if asked.store is None:
            write_project(root, asked.takes)
        return run(root, asked.openings, asked.decisions)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit(main())
