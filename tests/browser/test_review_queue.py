"""Clearing the queue from the keyboard, and what a long queue does to the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.reviewing import Visit, rulings, serving, stage
from tests.review.room import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

KEYS = {"circle": "c", "hold": "h", "ng": "n", "intended": "i", "retake": "r"}
RULED = ("circle", "intended", "retake", "hold", "circle", "ng")
LONG = 5000


def test_fifty_takes_are_cleared_from_the_keyboard(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=50)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        assert page.inner_text("#queue-count") == "50 takes waiting"
        expected: dict[str, list[str]] = {}
        visit.begin()
        for n in range(50):
            slate, ruling = visit.slate, RULED[n % len(RULED)]
            assert slate not in expected
            expected[slate] = [ruling]
            page.keyboard.press(KEYS[ruling])
            if ruling == "retake":
                page.keyboard.press("r")  # for the worst finding
            if n < 49:
                visit.another(slate)
        page.wait_for_selector("#empty:not([hidden])")
        assert "The queue is clear" in page.inner_text("#empty")
        visit.stored()
        assert page.evaluate("Object.keys(localStorage).filter(k => k.includes('outbox'))") == []
        assert visit.trouble == []

        decisions = made.facts("decision")
        assert rulings(decisions) == expected
        assert {fact.body["reviewer"] for fact in decisions} == {"ana"}
        assert all(fact.body["evidence"] and fact.body["saw"] for fact in decisions)
        assert all(
            fact.body["reasons"] == ["grade/tonal_bands"]
            for fact in decisions if fact.body["ruling"] == "retake"
        )  # fmt: skip
        # The server tells the graphs of what ends a shot; retakes wait for a resume.
        settled = {f.key for f in decisions if f.body["ruling"] != "retake"}
        until(lambda: {f.key for f in made.facts("applied")} >= settled, 60)
        page.locator("#empty", has_text="8 shots decided and not applied yet").wait_for()
    made.resume()
    assert {fact.key for fact in made.facts("applied")} == {fact.key for fact in decisions}


def test_undo_brings_the_take_back(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=3)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        page.keyboard.press("n")
        visit.another(first)
        visit.stored()
        page.keyboard.press("u")
        page.wait_for_function(
            "s => document.querySelector('#name-take b').textContent === s", arg=first
        )
        visit.stored()
        said = page.locator("#said .saying")
        said.nth(1).wait_for()
        assert "took the ruling back" in said.nth(0).inner_text()
        assert "undone" in (said.nth(1).get_attribute("class") or "")
        page.keyboard.press("Escape")
        visit.counts("3 takes waiting")
        [ruled, back] = made.facts("decision")
        assert ruled.body["ruling"] == "ng"
        assert back.body["take"] == first


def test_a_ruling_of_yesterday_can_be_undone_at_its_take(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=2)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        page.keyboard.press("h")
        visit.another(first)
        visit.stored()
        visit.open(f"/take/{first}")  # another page: it has ruled nothing itself
        page.wait_for_selector("#undo:enabled")
        page.keyboard.press("u")
        page.locator("#said .saying", has_text="took the ruling back").wait_for()
        assert len(made.facts("decision")) == 2


def test_what_is_being_written_stays_with_its_take(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=3)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        page.keyboard.press("m")
        page.keyboard.type("half a thought")
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        second = visit.another(first)
        assert page.input_value("#note") == ""
        page.keyboard.press("k")
        assert visit.another(second) == first
        assert page.input_value("#note") == "half a thought"
        page.keyboard.press("c")  # a ruling takes along what was written
        visit.another(first)
        visit.stored()
        [note] = made.facts("note")
        assert (note.body["take"], note.body["text"]) == (first, "half a thought")


def test_reasons_scores_and_disagreement_go_into_the_decision(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=3)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        for key in ("2", "Shift+Digit1", "t", "4", "s", "2"):
            page.keyboard.press(key)
        assert page.locator("#findings .finding.denied").count() == 1
        assert page.locator("#scores [aria-pressed=true]").all_inner_texts() == ["4", "2"]
        page.keyboard.press("c")
        visit.another(first)
        # The next one begins with nothing chosen; a retake is asked for in words here.
        assert (
            page.locator("#scores [aria-pressed=true], #reasons [aria-pressed=true]").count() == 0
        )
        second = visit.slate
        page.keyboard.press("r")
        page.keyboard.type("make it colder")
        page.keyboard.press("Enter")
        visit.another(second)
        visit.stored()
        [circled] = visit.people(first)["decisions"]
        [retake] = visit.people(second)["decisions"]
        assert circled["reasons"] == ["wardrobe/maya/jacket"]
        assert circled["scores"] == {"taste": 4, "narrative": 2}
        assert circled["disagrees"] == ["grade/tonal_bands"]
        assert 0 < circled["person_s"] < 60
        assert (retake["ruling"], retake["note"]) == ("retake", "make it colder")


def test_an_audit_sample_is_not_known_by_sight(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=4, drifting={"1A", "1B"}, audit_rate=1.0)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        assert page.inner_text("#queue-count") == "4 takes waiting"
        audited = page.locator("[role=option]", has_text="1C-1")
        assert audited.get_attribute("data-state") == "waiting"
        assert "circle" not in audited.inner_text()
        visit.open("/take/1C-1")
        assert page.inner_text("#verdict") == "word withheld"
        assert page.locator("#findings").inner_text() == "No finding to show."
        page.keyboard.press("c")
        visit.another("1C-1")
        visit.stored()
        visit.open("/take/1C-1")  # ruled: now it may be told
        assert page.inner_text("#verdict") == "circle"


def test_the_best_of_three_is_a_preference(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=2, takes=3)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        visit.begin()
        page.keyboard.press("b")
        page.wait_for_selector("dialog.best .choice video")
        assert page.locator("dialog.best .choice").count() == 3
        page.keyboard.press("c")  # nothing was picked yet: nothing happens
        page.keyboard.press("2")
        better = page.get_attribute("dialog.best [aria-pressed=true]", "data-slate")
        page.keyboard.press("Enter")
        page.wait_for_selector("dialog.best", state="hidden")
        until(lambda: len(made.facts("preference")) == 2)
        found = [fact.body for fact in made.facts("preference")]
        assert {fact["better"] for fact in found} == {better}
        assert better not in {fact["worse"] for fact in found}
        assert made.facts("decision") == []


def test_five_thousand_rows_scroll_without_a_hitch(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=2)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.page
        page.route("**/api/queue?*", _long_queue)
        page.route("**/frames/**", lambda route: route.fulfill(status=404, json={}))
        visit.open()
        page.wait_for_function(f"() => document.querySelector('#list').scrollHeight > {LONG} * 60")
        # What the page itself needs for each turn of the wheel, CPU time; a picture on screen has
        # 16.7 ms. The quickest round counts: whatever else the machine does only adds to it.
        rounds = [scrolled(page, 60) for _ in range(4)]
        assert max(most for most, _ in rounds) < 60
        assert min(worked_s for _, worked_s in rounds) / 60 < 0.0167, rounds
        page.focus("#list")
        page.keyboard.press("End")
        last = page.locator("[role=option][aria-selected=true]")
        assert last.get_attribute("aria-posinset") == str(LONG)
        assert last.get_attribute("aria-setsize") == str(LONG)
        assert f"S{LONG - 1}-1" in last.inner_text()


def scrolled(page: Page, turns: int) -> tuple[int, float]:
    """Turn the wheel: most rows at once, and CPU seconds that script, style and layout took."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def worked_s() -> float:
        told = session.send("Performance.getMetrics")["metrics"]
        wanted = ("ScriptDuration", "RecalcStyleDuration", "LayoutDuration")
        return sum(float(m["value"]) for m in told if m["name"] in wanted)

    page.evaluate("() => { document.querySelector('#list').scrollTop = 0; }")
    before = worked_s()
    most = page.evaluate(
        """async (turns) => {
          const list = document.querySelector('#list');
          let most = 0;
          for (let i = 0; i < turns; i++) {
            list.scrollTop += 2500;
            await new Promise(requestAnimationFrame); await new Promise(requestAnimationFrame);
            most = Math.max(most, list.querySelectorAll('[role=option]').length);
          }
          return most; }""",
        turns,
    )
    after = worked_s()
    assert page.evaluate("() => document.querySelector('#list').scrollTop") == 2500 * turns
    session.detach()
    return most, after - before


def _long_queue(route: Any) -> None:
    from urllib.parse import parse_qs, urlparse

    asked = parse_qs(urlparse(route.request.url).query)
    offset, limit = int(asked["offset"][0]), int(asked["limit"][0])
    worst = {"check": "grade", "attribute": "grade", "title": "Grade", "times": 2.0, "text": "6"}
    rows = [
        {
            "slate": f"S{n}-1", "shot": f"S{n}", "sequence": "one", "scene": "1", "takes": 1,
            "state": "waiting", "rulings": 0, "notes": 0, "score": 1 - n / LONG,
            "checks": ["grade"], "worst": worst, "reason": "The mids are warmer.", "by": "",
            "waits_for": "", "media": "0" * 64, "frame": 0, "at": "2026-11-22T10:00:00.000+00:00",
        }
        for n in range(offset, min(LONG, offset + limit))
    ]  # fmt: skip
    facets: dict[str, list[Any]] = {"sequences": [], "checks": [], "reviewers": [], "states": []}
    body = {"version": 1, "total": LONG, "offset": offset, "rows": rows, "facets": facets}
    route.fulfill(status=200, content_type="application/json", body=json.dumps(body))


def test_news_of_a_run_come_by_themselves(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=4)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        from filmgate.loop import project

        project.decide(made.made.store, "1B-1", "ng", "ben")
        visit.counts("3 takes waiting")
        assert page.locator("[role=option]", has_text="1B-1").count() == 0
