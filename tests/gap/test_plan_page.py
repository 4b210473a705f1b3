"""The gap page in a real browser: no request, no script, nothing cut off, hostile names as text."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from filmgate import gap
from filmgate.errors import StoreError
from filmgate.gap.page import write_page
from filmgate.gap.pipeline import Option, Person, Pipeline, Step, Verifier, chain
from filmgate.gap.planning import plan_report
from filmgate.schema.gap import (
    Difference,
    GapReport,
    HandoffReport,
    Load,
    Parts,
    Problem,
    Rate,
    StepReport,
    ThreeNumbers,
    VerifierReport,
)
from filmgate.schema.gap_plan import PlanReport

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = ((1280, 720), (1920, 1080), (390, 844))
HOSTILE = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
LONG = "a_very_long_name_without_any_place_to_break_" * 5
# Contrast of every text against what is painted behind it, by the formula of WCAG 2.
CONTRAST = """() => {
  const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) {
    const c = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$|transparent/.test(c)) return c; } };
  const bad = [];
  for (const e of document.querySelectorAll('body *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('.skip, style, title') || !e.checkVisibility()) continue;
    const svg = e instanceof SVGElement;
    const back = behind(svg ? e.ownerSVGElement : e); if (!back) continue;
    const ink = svg ? getComputedStyle(e).fill : getComputedStyle(e).color;
    const [a, b] = [lum(ink), lum(back)].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) bad.push(e.tagName + ': ' + e.textContent.slice(0, 40));
  }
  return bad; }"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = Path("/usr/bin/chromium")
    if not path.exists():
        needed = "chromium" in os.environ.get("FILMGATE_REQUIRE", "")
        (pytest.fail if needed else pytest.skip)("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        yield chromium
        chromium.close()


def planned() -> PlanReport:
    judge = Verifier("judge", 0.8, 0.05, 0.05, fallback=("pass", "editor"), least=0.6, most=0.1)
    panel = Verifier(HOSTILE.replace("/", ""), 0.95, 0.03, 0.2)
    noise = Verifier("noise", 0.01, 0.05)
    steps = chain([0.97, 0.9, 0.95, 0.99, 0.97, 0.92], 1.0)
    names = ("brief", HOSTILE, LONG, "board", "render", "end")
    named = tuple(
        replace(
            s, name=n, after=(m,) if m else (), low=s.p - 0.02, high=min(1.0, s.p + 0.02), n=300
        )
        for s, n, m in zip(steps, names, ("", *names), strict=False)
    )
    today = (*named[:4], replace(named[4], node=Option("judge", 3, "editor")), named[5])
    editor = Person("editor", 0.98, 40.0, 2, 10.0)
    return plan_report(
        Pipeline(
            today, (judge, panel, noise), (editor,), (2,), 0.1, 0.8, 5000.0, 0.0, 60.0, "usd",
            HOSTILE, ("Assumed: " + HOSTILE,),
        )
    )  # fmt: skip


def traced() -> GapReport:
    def rate(value: float | None, n: int = 300) -> Rate:
        if value is None:
            return Rate(None, reason=HOSTILE)
        return Rate(value, max(0.0, value - 0.03), min(1.0, value + 0.02), n)

    def step(name: str, p: float | None, solo: float | None) -> StepReport:
        return StepReport(
            name, "work", 300, 350, 300, 0, rate(p), rate(solo), rate(None), rate(None)
        )

    def loss(value: float) -> Difference:
        return Difference(value, value - 0.02, value + 0.02, 0.01)

    steps = (
        step("brief", 0.97, 0.98), step(HOSTILE, 0.9, 0.96), step(LONG, None, 0.97),
        step("board", 0.99, None), step("render", 0.97, 0.97), step("end", 0.92, 0.95),
    )  # fmt: skip
    edges: tuple[tuple[str, str, Any], ...] = (
        ("brief", HOSTILE, "loses"), (HOSTILE, LONG, "not measured"), (LONG, "board", "cannot tell")
    )  # fmt: skip
    verifier = VerifierReport(
        HOSTILE, ("brief",), 300, 40, 40, 60, rate(0.8), rate(None), rate(0.97), Difference(None),
        3, "human", "helps", "",
    )  # fmt: skip
    return GapReport(
        "0.1.0", 1, ("otlp", HOSTILE), (HOSTILE,), 300, 290, "2026-09-01", "2026-09-02", "",
        ThreeNumbers(rate(0.968), rate(0.83), rate(0.78)), rate(0.7),
        Parts(loss(0.19), loss(0.14), loss(0.05), loss(0.13), loss(0.08)), steps, (),
        tuple(HandoffReport(a, b, 300, loss(0.93), word) for a, b, word in edges), (verifier,),
        Load(rate(0.02), 7.0), told=("What holds: " + HOSTILE,),
        refused=("Cannot tell yet: a 3-point gap on 200 traces is noise.", HOSTILE),
        problems=(Problem(HOSTILE, 3, "is cut off"),), notes=(HOSTILE,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("gap") / "gap.html"
    write_page(path, traced(), planned())
    return path


Opened = tuple["Page", list[str], list[str]]


@pytest.fixture
def opened(browser: Browser, page_file: Path) -> Iterator[Opened]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    trouble: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    yield page, trouble, asked
    page.close()


def test_it_opens_without_an_error_a_request_or_a_script(opened: Opened, page_file: Path) -> None:
    page, trouble, asked = opened
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(100)
    assert trouble == []
    assert asked == [page_file.as_uri()]
    assert page.evaluate("window.hacked") is None
    assert page.locator("h3", has_text="<script>").count() == 1, "shown, as text"
    assert "<script" not in re.sub(r"&lt;script", "", page_file.read_text())


def test_everything_asked_of_the_page_is_on_it(opened: Opened) -> None:
    page, _, _ = opened
    said = page.inner_text("body")
    for words in (
        "component mean", "product of solo yields", "observed end to end", "96.8 %", "Compounding",
        "What cannot be told yet", "a 3-point gap on 200 traces is noise", "loses at this handoff",
        "Price list", "Pays up to", "The frontier", "Rests on", "β = 0.1 and δ = 0.8",
        "every verifier at the worse end of its interval", "'noise' is harmful", "not measured",
        "today: judge/3/editor", "n = 300",
    ):  # fmt: skip
        assert words in said, words
    assert page.locator(".step").count() == 6
    assert page.locator(".node").count() >= 1
    for drawing in ("waterfall", "dumbbells", "frontier"):
        box = page.locator(f"svg.{drawing}").bounding_box()
        assert box is not None
        assert box["width"] > 500
        assert box["height"] > 120
    assert page.locator("svg.interval .whisker").count() >= 10
    assert page.locator("svg.frontier .corner").count() >= 3
    assert page.locator("svg.dumbbells .hollow").count() == 5


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_overflows(opened: Opened, width: int, height: int) -> None:
    page, _, _ = opened
    page.set_viewport_size({"width": width, "height": height})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = page.evaluate(
        "[...document.querySelectorAll('.card, .node, .numbers li, .missing, .lines li, h1, h3')]"
        ".filter(e => e.scrollWidth > e.clientWidth + 1).map(e => e.className + e.tagName)"
    )
    assert cut == []
    over = page.evaluate(
        "[...document.querySelectorAll('svg text')].filter(t => { const a = "
        "t.getBoundingClientRect(), b = t.ownerSVGElement.getBoundingClientRect(); return "
        "a.left < b.left - 1 || a.right > b.right + 1; }).map(t => t.textContent)"
    )
    assert over == []


def test_texts_can_be_read(opened: Opened) -> None:
    page, _, _ = opened
    assert page.evaluate(CONTRAST) == []
    page.emulate_media(media="print")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: (None, planned(), ""), "Nothing here was measured"),
        (lambda: (traced(), None, "No plan was asked for."), "No plan was asked for."),
        (
            lambda: (replace(traced(), blind="all OK", told=(), steps=()), None, "x"),
            "are blind: all OK",
        ),
        (lambda: (None, None, "Nothing."), "Nothing."),
    ],
    ids=["plan only", "traces only", "blind", "nothing"],
)
def test_half_of_it_is_a_page_too(
    tmp_path: Path, make: Callable[[], tuple[Any, Any, str]], told: str
) -> None:
    write_page(tmp_path / "gap.html", *make())
    assert told in (tmp_path / "gap.html").read_text()


def test_many_steps_are_a_page_of_reasonable_size(tmp_path: Path) -> None:
    judge = (Verifier("judge", 0.9, 0.05, 0.3),)
    many = plan_report(Pipeline(chain([0.99] * 90), judge, escape_cost=900.0))
    write_page(tmp_path / "gap.html", None, many)
    text = (tmp_path / "gap.html").read_text()
    assert len(text) < 400_000
    assert "30 more steps in the machine report." in text


def test_a_graph_and_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    steps = (
        Step("a", 0.9, 1),
        Step("b", 0.9, 1, after=("a",)),
        Step("c", 0.9, 1, after=("a", "b")),
    )
    report = plan_report(Pipeline(steps, (Verifier("judge", 0.9, 0.05, 0.1),), escape_cost=9))
    write_page(tmp_path / "gap.html", None, report)
    assert "This is a graph" in (tmp_path / "gap.html").read_text()
    with pytest.raises(StoreError, match="could not be written"):
        write_page(tmp_path / "none" / "gap.html", None, report)


def test_a_page_of_blind_traces_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "runs.csv").write_text("item,step,outcome\n1,write,\n1,edit,\n2,write,\n2,edit,\n")
    write_page(tmp_path / "gap.html", gap.measure([tmp_path / "runs.csv"]), None)
    text = (tmp_path / "gap.html").read_text()
    assert "These traces are blind: every status is OK" in text
    assert "verify here" not in text
    assert "The efficiency of 1 handoff is not measured: " in text
