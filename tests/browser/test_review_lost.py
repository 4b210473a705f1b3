"""What a person ruled is never lost: not with the server, with the page, or to somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from filmgate.review import auth
from tests.browser import accessible
from tests.browser import axe as axe_core
from tests.browser.reviewing import Production, Server, Visit, rulings, serving, stage
from tests.review.room import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

KEPT = "Object.keys(localStorage).filter(k => k.startsWith('filmgate.outbox')).length"


def test_a_decision_outlives_its_server(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=4)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        page.wait_for_timeout(500)  # the next take is made ready
        server.stop()
        page.keyboard.press("c")
        page.wait_for_selector("#banner:not([hidden])")
        assert "1 entry is kept in this browser" in page.inner_text("#banner")
        assert page.get_attribute("#server", "data-state") == "down"
        assert page.evaluate(KEPT) == 1
        assert axe_core.violations(page, axe_core.program(browser)) == []
        assert accessible.broken(page) == []
        second = visit.another(first)  # it was ready: the work goes on
        page.keyboard.press("h")
        page.wait_for_function(f"() => {KEPT} === 2")
        assert "2 entries are kept" in page.inner_text("#banner")
        assert made.facts("decision") == []
        server.start()
        visit.stored()
        page.wait_for_selector("#banner", state="hidden")
        assert page.evaluate(KEPT) == 0
        assert rulings(made.facts("decision")) == {first: ["circle"], second: ["hold"]}


def test_a_decision_outlives_its_page(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=2)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        server.stop()
        page.keyboard.press("n")
        page.wait_for_function(f"() => {KEPT} === 1")
        page.close()
        server.start()
        page = visit.new_page()
        # What another page kept is sent once it is old enough to be nobody's.
        page.add_init_script("const now = Date.now; Date.now = () => now() + 60_000;")
        visit.open()
        visit.stored()
        page.wait_for_function(f"() => {KEPT} === 0")
        assert rulings(made.facts("decision")) == {first: ["ng"]}


def test_an_answer_that_was_lost_is_one_decision(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=2)
    with serving(made.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        first = visit.begin()
        lost = 0

        def swallow(route: object) -> None:
            """The server gets it, the page hears nothing; three times."""
            nonlocal lost
            lost += 1
            if lost <= 3:
                route.fetch()  # type: ignore[attr-defined]
                route.abort()  # type: ignore[attr-defined]
            else:
                route.continue_()  # type: ignore[attr-defined]

        page.route("**/api/decide", swallow)
        page.keyboard.press("i")
        page.wait_for_function(f"() => {KEPT} === 1")  # else nothing kept means nothing ruled yet
        page.wait_for_function(f"() => {KEPT} === 0")
        assert lost == 4
        assert rulings(made.facts("decision")) == {first: ["intended"]}


def test_nothing_is_sent_to_another_project(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = stage(tmp_path / "one", monkeypatch, shots=2)
    two = stage(tmp_path / "two", monkeypatch, shots=2)
    with serving(one.told) as server, Visit(browser, server) as visit:
        page = visit.open()
        visit.begin()
        server.stop()
        page.keyboard.press("n")
        page.wait_for_function(f"() => {KEPT} === 1")
        page.close()
        server.told = two.told
        server.start()
        page = visit.new_page()
        page.add_init_script("const now = Date.now; Date.now = () => now() + 60_000;")
        visit.open()
        page.wait_for_timeout(800)
        assert two.facts("decision") == []
        assert page.evaluate(KEPT) == 1  # it waits for its own project


def signed_in(browser: Browser, server: Server, token: str) -> Visit:
    visit = Visit(browser, server)
    page: Page = visit.page
    page.goto(server.url)
    page.fill("#token", token)
    page.click("#sign-in-form button")
    page.wait_for_selector("[role=option]")
    return visit


@pytest.fixture
def two_of_them(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Production, Visit, Visit]]:
    made = stage(tmp_path / "store", monkeypatch, shots=3, local=None)
    tokens = {name: auth.add_reviewer(made.root, name, "reviewer") for name in ("ana", "ben")}
    with (
        serving(made.told) as server,
        signed_in(browser, server, tokens["ana"]) as ana,
        signed_in(browser, server, tokens["ben"]) as ben,
    ):
        yield made, ana, ben


@pytest.mark.parametrize(
    ("key", "after"), [("k", ["circle"]), ("o", ["circle", "ng"])], ids=["keeps", "overrules"]
)
def test_the_second_of_two_sees_the_first_and_is_asked(
    browser: Browser, two_of_them: tuple[Production, Visit, Visit], key: str, after: list[str]
) -> None:
    made, ana, ben = two_of_them
    slate = ana.begin()
    assert ben.begin() == slate
    ana.page.keyboard.press("c")
    ana.stored()
    # Ben hears of it while he looks, and rules all the same.
    ben.page.wait_for_selector("#notice:not([hidden])")
    assert "ana" in ben.page.inner_text("#notice")
    ben.page.keyboard.press("n")
    dialog = ben.page.locator("dialog.conflict")
    dialog.wait_for()
    assert axe_core.violations(ben.page, axe_core.program(browser)) == []
    assert "ana ruled on" in dialog.inner_text()
    assert slate in dialog.inner_text()
    assert rulings(made.facts("decision")) == {slate: ["circle"]}
    ben.page.keyboard.press(key)
    dialog.wait_for(state="hidden")
    # A dialog is gone before its answer is acted on, and the ledger knows before the page does.
    until(lambda: rulings(made.facts("decision")) == {slate: after})
    ben.page.wait_for_function(f"() => {KEPT} === 0")
    ben.stored()


def test_a_question_that_was_not_answered_is_asked_again(
    two_of_them: tuple[Production, Visit, Visit],
) -> None:
    made, ana, ben = two_of_them
    slate = ana.begin()
    ben.begin()
    ana.page.keyboard.press("c")
    ana.stored()
    ben.page.keyboard.press("r")
    ben.page.keyboard.press("r")
    ben.page.locator("dialog.conflict").wait_for()
    ben.page.reload()
    dialog = ben.page.locator("dialog.conflict")
    dialog.wait_for()
    assert "retake" in dialog.inner_text()
    ben.page.keyboard.press("k")
    dialog.wait_for(state="hidden")
    assert rulings(made.facts("decision")) == {slate: ["circle"]}


def test_a_viewer_looks_and_cannot_rule(
    browser: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = stage(tmp_path / "store", monkeypatch, shots=2, local=None)
    token = auth.add_reviewer(made.root, "vera", "viewer")
    with serving(made.told) as server, Visit(browser, server) as wrong:
        wrong.page.goto(server.url)
        wrong.page.fill("#token", "fg_nobody")
        wrong.page.click("#sign-in-form button")
        wrong.page.wait_for_function("() => document.querySelector('#sign-in-said').textContent")
        assert axe_core.violations(wrong.page, axe_core.program(browser)) == []
        assert accessible.broken(wrong.page) == []
        with signed_in(browser, server, token) as visit:
            visit.begin()
            assert visit.page.locator("#rulings button:disabled").count() == 5
            visit.page.keyboard.press("c")
            visit.page.wait_for_timeout(300)
            assert visit.page.evaluate(KEPT) == 0
            assert made.facts("decision") == []
