"""Frame n on the page is frame n of the file: read from the picture itself."""

from __future__ import annotations

import random
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.reviewing import (
    READ_FRAME,
    NumberedGenerator,
    Production,
    Server,
    Visit,
    serving,
    stage,
)

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

RATES = {
    "1A": Fraction(24), "1B": Fraction(25), "1C": Fraction(24000, 1001),
    "1D": Fraction(30000, 1001), "1E": Fraction(24), "1F": Fraction(24),
}  # fmt: skip
STILLS = "1E"
"""A shot whose takes no browser plays: the page shows stills of the server instead."""
UNEVEN = "1F"
"""A shot whose frames do not come at a constant rate."""
FRAMES = 150
SEEKS = 100


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    generator = NumberedGenerator(
        frames=FRAMES, rates=RATES, codecs={STILLS: "mpeg4"}, uneven={UNEVEN}
    )
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("frames") / "store"
        made: Production = stage(root, patch, shots=6, generator=generator)
    with serving(made.told) as running:
        yield running


def seek(page: Page, n: int) -> tuple[int, int]:
    """Go to frame n as a person does; the number shown, and the number burnt into the picture."""
    page.keyboard.press("g")
    page.fill("#goto", str(n))
    page.keyboard.press("Enter")
    shown = "n => document.querySelector('#count-take b')?.dataset.frame === String(n)"
    page.wait_for_function(shown, arg=n)
    picture = page.locator("#pane-take :is(video, img)")
    return int(page.inner_text("#count-take b")) - 1001, picture.evaluate(READ_FRAME)


@pytest.mark.parametrize("shot", RATES)
def test_a_hundred_random_seeks_land_on_the_frame(
    browser: Browser, server: Server, shot: str
) -> None:
    chance = random.Random(shot)
    with Visit(browser, server) as visit:
        page = visit.open(f"/take/{shot}-1")
        visit.pause()
        assert page.locator("#pane-take video").count() == (0 if shot == STILLS else 1)
        for _ in range(SEEKS if shot != STILLS else 20):
            n = chance.randrange(FRAMES)
            assert seek(page, n) == (n, n)


@pytest.mark.parametrize("shot", ["1B", "1C"])
def test_steps_keep_both_pictures_in_step(browser: Browser, server: Server, shot: str) -> None:
    with Visit(browser, server) as visit:
        page = visit.open(f"/take/{shot}-1")
        visit.pause()
        seek(page, 40)
        apart = page.evaluate("""() => {
          const frame = (id) => Number(document.querySelector(`#count-${id} b`).dataset.frame);
          return [frame('take'), frame('other')]; }""")
        for key, by in (("ArrowRight", 1), ("Shift+ArrowRight", 10), ("ArrowLeft", -1)):
            here = page.locator("#pane-take video").evaluate(READ_FRAME)
            page.keyboard.press(key)
            page.wait_for_function(
                "n => document.querySelector('#count-take b').dataset.frame === String(n)",
                arg=here + by,
            )
            assert page.locator("#pane-take video").evaluate(READ_FRAME) == here + by
            page.wait_for_timeout(300)
            there = int(page.get_attribute("#count-other b", "data-frame") or -1)
            assert page.locator("#pane-other video").evaluate(READ_FRAME) == there
        assert apart[0] == 40
        seek(page, 60)
        for _ in range(9):
            page.keyboard.press("ArrowRight")  # quicker than pictures come: none is lost
        page.wait_for_selector("#count-take b[data-frame='69']")
        assert page.locator("#pane-take video").evaluate(READ_FRAME) == 69


@pytest.mark.parametrize("shot", ["1A", "1B", "1C", "1D", "1F"])
def test_numbers_and_timecode_are_those_of_the_server(
    browser: Browser, server: Server, shot: str
) -> None:
    with Visit(browser, server) as visit:
        page = visit.open(f"/take/{shot}-1")
        rows = page.evaluate(
            """async (slate) => {
          const take = await (await fetch(`/api/takes/${slate}`)).json();
          const { Clip } = await import('/static/frames.js');
          const clip = new Clip(take.clip);
          const table = await (await fetch(
            `/api/clips/${clip.digest}/table?first=0&last=${clip.last}`)).json();
          return table.rows.map((row) => ({ ...row, mine: [clip.display(row.frame),
            clip.timecode(row.frame)], during: clip.frameDuring(clip.middleOf(row.frame)),
            at: clip.frameAt(row.time_s) })); }""",
            f"{shot}-1",
        )
        assert len(rows) == FRAMES
        for row in rows:
            assert row["mine"] == [row["display"], row["timecode"]]
            assert row["during"] == row["at"] == row["frame"]


def test_drop_frame_timecode_leaves_out_what_it_must(browser: Browser, server: Server) -> None:
    """SMPTE 12M: no minute but each tenth has the numbers 00 and 01 (00 to 03 at 59.94)."""
    with Visit(browser, server) as visit:
        page = visit.open("/sheet")
        said: Any = page.evaluate("""async () => {
          const { timecode, framesOf } = await import('/static/frames.js');
          const at = (n, nominal) => timecode(n, nominal, true);
          let back = true;
          for (let n = 0; n < 2_589_408; n += 997) {
            for (const nominal of [30, 60]) {
              back = back && framesOf(at(n, nominal), nominal, true) === n;
            }
          }
          return [at(1799, 30), at(1800, 30), at(17981, 30), at(17982, 30), at(107892, 30),
            at(3600, 60), timecode(1800, 30, false), back]; }""")
        assert said == [
            "00:00:59;29", "00:01:00;02", "00:09:59;29", "00:10:00;00", "01:00:00;00",
            "00:01:00;04", "00:01:00:00", True,
        ]  # fmt: skip


def test_playing_together_stays_together(browser: Browser, server: Server) -> None:
    """24 frames a second beside 25: each in its own time, and both in step."""
    with Visit(browser, server) as visit:
        page = visit.open("/take/1B-1")
        page.wait_for_selector('#play[aria-label="Pause"]')
        gaps = page.evaluate("""async () => {
          const frame = (id) => Number(document.querySelector(`#count-${id} b`)?.dataset.frame);
          const rows = [];
          for (let i = 0; i < 60; i++) {
            await new Promise(requestAnimationFrame);
            rows.push([frame('take'), frame('other')]);
          }
          return rows; }""")
        moving = [(a, b) for a, b in gaps if a is not None and b is not None]
        assert len({a for a, _ in moving}) > 5
        offset = moving[0][1] - moving[0][0]
        assert max(abs(b - a * 24 / 25 - offset) for a, b in moving) <= 6
