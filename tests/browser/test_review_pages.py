"""The pages as people find them: at every size, for every hand and eye, whatever is written in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from filmgate.schema.decision import Note
from filmgate.schema.plan import Plan, PlannedSequence, PlannedShot
from tests.browser import accessible
from tests.browser.reviewing import SIZES, Production, Server, Visit, chromium, serving, stage
from tests.review.room import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOSTILE = '"><script>window.hacked=1</script><img src=x onerror="window.hacked=1">'
LONG = "a_very_long_name_without_any_place_to_break_" * 4
PAGES = {"queue": "/", "take": "/take/1A-1", "sheet": "/sheet", "report": "/report"}
WIDE = r"""() => { const clipped = (e) => { for (e = e.parentElement; e; e = e.parentElement) {
    if (getComputedStyle(e).overflowX !== 'visible' && e.tagName !== 'BODY') return true; } };
  return [...document.querySelectorAll('body *')].filter((e) => e.checkVisibility()
  && !e.closest('.unseen, .defs, .skip, svg') && !clipped(e)
  && e.getBoundingClientRect().right > innerWidth + 1)
  .map((e) => `${e.tagName} #${e.id} .${e.className} ${e.getBoundingClientRect().right}`) }"""
"""What sticks out of the window, unless something above it cuts it off on purpose."""


def hostile_plan() -> Plan:
    """Every text that a project may bring along tries to be a program."""
    people = {"action": HOSTILE, "scene": HOSTILE, "prompt": HOSTILE}
    shots = tuple(
        PlannedShot(slate=f"1{letter}", sequence=HOSTILE, **people) for letter in "ABC"
    )  # fmt: skip
    long = (PlannedShot(slate="Z" * 60, sequence=LONG, action=LONG, scene="2"),)
    return Plan(
        title=HOSTILE,
        sequences=(PlannedSequence(id=HOSTILE, shots=shots), PlannedSequence(id=LONG, shots=long)),
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from tests.conftest import require

    with chromium(require) as found:
        yield found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Production:
    from filmgate.loop import project

    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("pages") / "store"
        made = stage(root, patch, plan=hostile_plan(), takes=2)
    store = made.made.store
    note = {"reviewer": HOSTILE, "text": HOSTILE, "first_frame": 2, "last_frame": 9}
    project.note(store, Note(take="1A-1", box=(0.2, 0.2, 0.3, 0.3), **note))
    project.decide(store, "1C-1", "hold", HOSTILE, note=HOSTILE, reasons=(HOSTILE,))
    return made


@pytest.fixture(scope="module")
def server(made: Production) -> Iterator[Server]:
    with serving(made.told) as running:
        yield running


def settled(visit: Visit, name: str) -> Page:
    """Open a page and wait until it has everything."""
    page = visit.open(PAGES[name])
    if name == "take":
        visit.pause()
        if page.locator("#instruments").is_visible():
            page.wait_for_selector("#plot svg")
            page.wait_for_selector("#scope-take[src]")
    elif name in ("sheet", "report"):
        page.wait_for_selector("#sheet li, #report section")
    page.evaluate("() => document.fonts.ready")
    return page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_overflows(browser: Browser, server: Server, name: str, size: str) -> None:
    with Visit(browser, server, SIZES[size]) as visit:
        page = settled(visit, name)
        width, height = SIZES[size]
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        assert page.evaluate(WIDE) == []
        if name == "take":
            desk = page.locator("#rulings").bounding_box()
            assert desk is not None
            assert desk["y"] + desk["height"] <= height  # deciding is always in sight
            picture = page.locator("#pane-take .picture").bounding_box()
            assert picture is not None
            assert picture["width"] >= 0.28 * width


@pytest.mark.parametrize("name", PAGES)
def test_everybody_can_use_it(browser: Browser, server: Server, name: str) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, name)
        assert accessible.broken(page) == []
        round_trip = accessible.walk(page)
        assert len(round_trip) > 8


@pytest.mark.parametrize(
    ("keys", "ready"),
    [
        (["?"], "dialog.keys[open]"), (["b"], "dialog.best[open] video"),
        (["r"], "#ask:not([hidden])"), (["Shift+P"], "#any-take"),
        (["w"], "#wipe:not([hidden])"), (["d"], ".mix:not([hidden])"),
    ],
    ids=["keys", "best", "retake", "any take", "wipe", "difference"],
)  # fmt: skip
def test_everybody_can_use_what_opens(
    browser: Browser, server: Server, keys: list[str], ready: str
) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, "take")
        for key in keys:
            page.keyboard.press(key)
        page.wait_for_selector(ready)
        page.wait_for_timeout(200)
        assert accessible.broken(page) == []
        if page.locator("dialog[open]").count():
            page.keyboard.press("Escape")
            page.wait_for_selector("dialog[open]", state="hidden")


FAULTS = {
    "has no name": "const b = document.createElement('button'); document.body.append(b);",
    "contrast": "document.querySelector('#machine-title').style.color = '#333';",
    "two elements are": "document.querySelector('#undo').id = 'play';",
    "aria-pressed": "document.querySelector('#loop').setAttribute('aria-pressed', '');",
    "has no alt": "document.querySelector('#scope-take').removeAttribute('alt');",
    "too small": "document.querySelector('#back').style.cssText = 'width:9px; min-height:0';",
    "another control": "document.querySelector('#back').append(document.createElement('input'));",
    "not one h1": "document.querySelector('#take-title').remove();",
}


def test_the_rules_are_not_asleep(browser: Browser, server: Server) -> None:
    for said, fault in FAULTS.items():
        with Visit(browser, server) as visit:
            page = settled(visit, "take")
            page.evaluate(f"() => {{ {fault} }}")
            found = accessible.broken(page)
            assert any(said in text for text in found), (said, found)


def test_it_is_dark_and_grey_around_the_picture(browser: Browser, server: Server) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, "take")
        around = page.evaluate("""() => ['body', '#panes', '.work', '.top', '.desk'].map((s) =>
          getComputedStyle(document.querySelector(s)).backgroundColor.match(/\\d+/g).map(Number))""")
        for red, green, blue, *_ in around:
            assert red == green == blue  # neutral: the eye adapts to nothing but the picture
            assert red <= 48


@pytest.mark.parametrize("name", PAGES)
def test_what_is_written_cannot_run(browser: Browser, server: Server, name: str) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, name)
        assert HOSTILE[:20] in page.locator("main").inner_text() + page.inner_text("header")
        assert page.evaluate("() => window.hacked") is None
        assert page.locator("main script, main [onerror]").count() == 0
        foreign = [u for u in visit.asked if not u.startswith((server.url, "blob:", "data:"))]
        assert foreign == []
        assert visit.trouble == []


def test_a_note_is_kept_where_it_was_made(
    browser: Browser, server: Server, made: Production
) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, "take")
        page.keyboard.press("g")
        page.fill("#goto", "1006")  # a display frame
        page.keyboard.press("Enter")
        page.wait_for_selector("#count-take b[data-frame='5']")
        page.keyboard.press("Shift+M")
        for key in ("ArrowRight", "ArrowRight", "ArrowDown", "Shift+ArrowRight"):
            page.keyboard.press(key)
        page.keyboard.press("m")
        page.keyboard.type("The cup <b>moved</b>, and c is no key here")
        page.keyboard.press("Enter")
        page.locator("#said .words", has_text="The cup <b>moved</b>").wait_for()
        visit.stored()
        [note] = [n for n in visit.people("1A-1")["notes"] if n["reviewer"] == "ana"]
        assert (note["first_frame"], note["last_frame"]) == (5, 5)
        assert note["box"] == pytest.approx([0.39, 0.37, 0.32, 0.3])
        assert made.facts("decision")[-1].body["take"] == "1C-1"  # typing has ruled nothing


def test_a_drawing_is_kept_as_it_was_drawn(browser: Browser, server: Server) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, "take")
        box = page.locator("#pane-take .picture").bounding_box()
        assert box is not None
        page.click("#tool-pen")
        page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.down()
        for step in range(1, 6):
            x = 0.25 + 0.1 * step
            page.mouse.move(box["x"] + x * box["width"], box["y"] + 0.5 * box["height"])
        page.mouse.up()
        assert page.locator("#pane-take polyline.new").count() == 2  # the line and its dark edge
        before = len(visit.people("1A-1")["notes"])
        page.click("#note-keep")
        until_more = "n => document.querySelectorAll('#said .saying:not(.unsent)').length > n"
        page.wait_for_function(until_more, arg=before)
        visit.stored()
        note = visit.people("1A-1")["notes"][-1]
        [stroke] = note["drawing"]
        assert stroke[0] == pytest.approx([0.25, 0.5], abs=0.01)
        assert stroke[-1] == pytest.approx([0.75, 0.5], abs=0.01)


def test_compare_views_show_both_pictures(browser: Browser, server: Server) -> None:
    with Visit(browser, server) as visit:
        page = visit.open("/take/1B-1")
        visit.pause()
        left, right = (page.locator(f"#pane-{side}").bounding_box() for side in ("take", "other"))
        assert left is not None
        assert right is not None
        assert left["x"] + left["width"] <= right["x"]
        for key, rule in (
            ("w", "clipPath"), ("o", "opacity"), ("d", "mixBlendMode"), ("f", "opacity"),
        ):  # fmt: skip
            page.keyboard.press(key)
            stacked = [page.locator(f"#pane-{side}").bounding_box() for side in ("take", "other")]
            assert stacked[0] == stacked[1]
            where = "#pane-other .picture" if key == "w" else "#pane-other"
            value = page.locator(where).evaluate(f"e => getComputedStyle(e).{rule}")
            assert value not in ("none", "1", "normal"), key
        page.keyboard.press("f")  # and back and forth
        assert page.locator("#pane-other").evaluate("e => getComputedStyle(e).opacity") == "1"
        page.keyboard.press("e")
        assert page.locator("#panes").get_attribute("data-mode") == "side"


def test_the_finding_is_seen_on_both(browser: Browser, server: Server) -> None:
    with Visit(browser, server) as visit:
        page = visit.open("/take/1B-1")
        visit.pause()
        for side in ("take", "other"):
            box = page.locator(f"#pane-{side} rect.region.machine").first.get_attribute("width")
            assert box == "0.3"
        swatch = page.locator(".finding.open .swatch").evaluate_all(
            "all => all.map((e) => getComputedStyle(e).backgroundColor)"
        )
        assert swatch == ["rgb(138, 127, 112)", "rgb(122, 127, 128)"]
        page.keyboard.press("l")
        page.wait_for_selector("#loop[aria-pressed=true]")
        frames: list[Any] = page.evaluate("""async () => {
          const seen = new Set();
          for (let i = 0; i < 90; i++) {
            await new Promise(requestAnimationFrame);
            seen.add(Number(document.querySelector('#count-take b').dataset.frame));
          }
          return [...seen]; }""")
        late = page.evaluate("""async () => {
          const seen = new Set();
          for (let i = 0; i < 90; i++) {
            await new Promise(requestAnimationFrame);
            seen.add(Number(document.querySelector('#count-take b').dataset.frame));
          }
          return [...seen]; }""")
        assert len(frames) > 1
        assert max(late) <= 5  # the loop is frames 0 to 3; a frame may slip through at its end


def test_the_cut_is_played_with_its_neighbours(browser: Browser, server: Server) -> None:
    with Visit(browser, server) as visit:
        page = visit.open("/take/1B-1")
        visit.pause()
        page.keyboard.press("x")
        label = page.locator(".cut-label")
        for role in ("the shot before", "this take", "the shot after"):
            label.filter(has_text=role).wait_for()
        page.keyboard.press("Escape")
        page.wait_for_selector("#cut", state="hidden")
        assert page.locator("#take").is_visible()


@pytest.mark.parametrize("name", ["sheet", "report"])
def test_it_can_be_printed(browser: Browser, server: Server, name: str) -> None:
    with Visit(browser, server) as visit:
        page = settled(visit, name)
        page.emulate_media(media="print")
        page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
        paper = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        assert paper == "rgb(255, 255, 255)"
        assert page.evaluate(accessible.CONTRAST) == []
        assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_a_keyboard_without_single_keys(browser: Browser, server: Server) -> None:
    """Who dictates would rule by accident: the keys can be turned off."""
    with Visit(browser, server) as visit:
        page = settled(visit, "take")
        page.keyboard.press("?")
        page.uncheck("#keys-on")
        page.keyboard.press("Escape")
        slate = visit.slate
        page.keyboard.press("c")
        page.wait_for_timeout(300)
        assert visit.slate == slate
        page.keyboard.press("?")
        page.check("#keys-on")
        page.keyboard.press("Escape")
        until(lambda: page.locator("dialog[open]").count() == 0)
