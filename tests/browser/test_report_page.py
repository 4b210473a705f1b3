from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.review.report import write_report
from filmgate.schema.report import (
    CDL,
    CheckReport,
    Finding,
    Measured,
    SequenceReport,
    Series,
    ShotReport,
    Threshold,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

SIZES = ((1280, 720), (1920, 1080), (820, 1180))
HOSTILE = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
LONG = "a_very_long_name_without_any_place_to_break_" * 6
# Contrast of every text against what is painted behind it, by the formula of WCAG 2.
CONTRAST = """() => {
  const lum = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(v => v / 255)
    .map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b; };
  const behind = e => { for (; e; e = e.parentElement) { const c = getComputedStyle(e);
    if (c.backgroundImage !== 'none') return null;
    if (!/, 0\\)$|transparent/.test(c.backgroundColor)) return c.backgroundColor; } };
  const bad = [];
  for (const e of document.querySelectorAll('body *:not(svg *)')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())) continue;
    if (e.closest('.skip, script, style') || !e.checkVisibility()) continue;
    const back = behind(e); if (!back) continue;
    const [a, b] = [lum(getComputedStyle(e).color), lum(back)].sort((x, y) => y - x);
    if ((a + .05) / (b + .05) < 4.5) bad.push(e.className + ': ' + e.textContent.slice(0, 40));
  }
  return bad; }"""


def frames(file: str, wanted: Sequence[int], height: int) -> dict[int, NDArray[np.uint8]]:
    if file == "gone.mp4":
        raise FileNotFoundError(2, "No such file or directory")
    ramp = np.linspace(0, 255, height * 2, dtype=np.uint8)
    return {n: np.tile(ramp[None, :, None], (height, 1, 3)) for n in wanted}


def sample() -> CheckReport:
    def finding(attribute: str, **changes: Any) -> Finding:
        facts: dict[str, Any] = {
            "against": "neighbour", "other": "shot_01", "status": "drift", "reason": "It changed.",
            "magnitude": 9.0, "unit": "de00", "tolerance": 3.0, "p_value": 0.01, "frames": (0, 4),
            "box": (0.2, 0.2, 0.3, 0.4), "other_frames": (8,), "other_box": (0.3, 0.1, 0.2, 0.4),
            "remedy": "Retake it.", "this": Measured("blue", "#3a4a6b", (31, 2, -21)),
            "reference": Measured("green", "#4a6b3a", (42, -20, 24)),
            "cdl": CDL((1, 1, 1), (0, 0, 0), (1, 1, 1)),
        }  # fmt: skip
        return Finding("wardrobe", attribute, **(facts | changes))

    def shot(
        name: str, *found: Finding, verdict: Any = "circle", file: str = "x.mp4"
    ) -> ShotReport:
        return ShotReport(
            name, file, 0, 24, "24", "kitchen", "A", ("maya",), 0.5, 0.1, verdict, found
        )

    silent = Finding("sound", "sound/loudness", "anchor", None, "not_measured", "no audio track")
    look = finding("wardrobe/june/upper", against="look", other=None)
    rows = (finding(f"set/{LONG}{i}") for i in range(3))
    shots = (
        shot("shot_01", finding("wardrobe/maya/upper", status="within", magnitude=1.0), silent),
        shot("shot_02", finding("wardrobe/maya/upper"), look, *rows, verdict="retake"),
        shot(HOSTILE, finding(HOSTILE, reason=HOSTILE), verdict="escalate", file=HOSTILE),
        shot(LONG, finding("grade", reason=LONG, remedy=LONG), verdict="retake", file=LONG),
        shot("gone", finding("grade", other=HOSTILE), verdict="retake", file="gone.mp4"),
        shot("silent", silent, verdict="escalate"),
        shot("changed", finding("wardrobe/maya/upper", status="declared_change")),
    )
    names = tuple(item.shot for item in shots)
    steps = (None, 9.0, 1.0, 2.0, None, 1.0, 2.0)
    series = (Series("wardrobe", "wardrobe/maya/upper", "de00", 3.0, names, steps, steps),)
    many = tuple(shot(f"{i:03d}", finding("grade", status="within")) for i in range(150))
    return CheckReport(
        "0.1.0", 1, {"wardrobe": Threshold(3.0, "de00", 412, "shipped")}, ("classical 1",),
        (SequenceReport("kitchen", shots, "all", series), SequenceReport(HOSTILE, many, HOSTILE)),
        notes=(HOSTILE,),
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(sample(), path, frames)
    return path


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[tuple[Page, list[str], list[str]]]:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    trouble: list[str] = []
    asked: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    yield page, trouble, asked
    page.close()


def test_opens_without_an_error_a_request_or_a_foreign_script(
    opened: tuple[Page, list[str], list[str]], report: Path
) -> None:
    page, trouble, asked = opened
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.mouse.wheel(0, 100_000)
    page.wait_for_timeout(200)
    assert trouble == []
    assert [url for url in asked if not url.startswith("data:")] == [report.as_uri()]
    assert page.evaluate("window.hacked") is None
    assert page.locator("h4", has_text="<script>").count() > 0  # shown, as text


def test_swatches_frames_and_regions_are_painted(
    opened: tuple[Page, list[str], list[str]],
) -> None:
    page, _, _ = opened
    card = page.locator(".card").first
    colours = card.locator(".swatch").evaluate_all(
        "all => all.slice(0, 2).map(e => getComputedStyle(e).backgroundColor)"
    )
    assert colours == ["rgb(58, 74, 107)", "rgb(74, 107, 58)"]
    assert card.locator(".frame svg").first.evaluate("e => e.getBoundingClientRect().width") > 200
    assert card.locator("rect.region").first.evaluate("e => e.getBoundingClientRect().width") > 40
    assert page.evaluate(
        "Promise.all([...document.images].slice(0, 5).map(i => i.decode())).then(() => true)"
    )


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_nothing_overflows(
    opened: tuple[Page, list[str], list[str]], width: int, height: int
) -> None:
    page, _, _ = opened
    page.set_viewport_size({"width": width, "height": height})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate(
        "[...document.querySelectorAll('.card, .card .finding > *, .strip, .curves')]"
        ".filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className)"
    )
    assert wide == []


def test_texts_can_be_read(opened: tuple[Page, list[str], list[str]]) -> None:
    page, _, _ = opened
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(CONTRAST) == []
    page.emulate_media(media="print")
    assert page.evaluate(CONTRAST) == []


def test_a_tile_leads_to_its_card(opened: tuple[Page, list[str], list[str]]) -> None:
    page, _, _ = opened
    page.locator(".tile.drift a").nth(1).click()
    page.wait_for_timeout(200)
    assert page.locator(".card:target").evaluate("e => e.getBoundingClientRect().top") < 720


def test_the_filter_hides_what_passed(opened: tuple[Page, list[str], list[str]]) -> None:
    page, _, _ = opened
    assert page.locator("#s1 .tile:visible").count() == 150
    page.locator("#s1 .filter input").check()
    assert page.locator("#s1 .tile:visible").count() == 0


def test_paper_shows_the_fold_outs_that_matter(
    opened: tuple[Page, list[str], list[str]],
) -> None:
    page, _, _ = opened
    assert not page.get_by_text("412", exact=True).is_visible()
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.get_by_text("412", exact=True).is_visible()
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == "rgb(255, 255, 255)"
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_works_without_scripts(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    assert page.locator(".card").count() == 5
    page.locator("summary", has_text="Where the tolerances come from").click()
    assert page.get_by_text("412", exact=True).is_visible()
    context.close()
