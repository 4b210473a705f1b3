"""Deciding over HTTP: written once, told to the graph, and hostile words are only words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from filmgate.assets import lock
from filmgate.assets.store import Store
from filmgate.errors import StoreError
from filmgate.interfaces.http import applying, shapes
from filmgate.loop import project
from tests.orchestration.staged import FakeGenerator
from tests.review.room import Page, Staged, opened, ruling, stage, state, until

HOSTILE = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "javascript:alert(1)",
    "</textarea><svg/onload=alert(1)>", "'; DROP TABLE facts; --", "{{7*7}}{% for x in y %}",
    "\u202egnp.exe", "a\x00b", "\r\nSet-Cookie: x=y", "${jndi:ldap://x}", "=cmd|' /C calc'!A0",
    "😀" * 50, "\ufeffbom", "\\u003cscript\\u003e",
]  # fmt: skip


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    return stage(tmp_path, monkeypatch, 6, {"1B", "1D", "1F"}, clips=False)


@pytest.fixture
def page(staged: Staged) -> Iterator[Page]:
    with opened(staged.told) as client:
        yield Page(client)


def test_a_decision_is_written_and_the_graph_told(page: Page, staged: Staged) -> None:
    said = page.post(
        "/api/decide",
        ruling(scores={"taste": 4, "narrative": 2}, reasons=["grade/tonal_bands"],
               disagrees=["wardrobe/maya/jacket"], note="As lit.", person_s=2.5),
        201,
    )  # fmt: skip
    assert said["applies"] == "now"
    assert said["left"] == 2
    assert said["decision"]["scores"] == {"taste": 4, "narrative": 2}
    until(lambda: state(page, "1B") == "circled")
    with Store(staged.root) as store:
        assert store.ledger.get("applied", "1B-1/1") is not None
        standing = store.ledger.latest("standing", "1B")
        assert standing is not None
        assert (standing.body["state"], standing.body["by"]) == ("circled", "ana")
    machine = page.get("/api/takes/1B")["machine"]["findings"]
    assert [f["disagreed"] != [] for f in machine] == [False, True]


def test_the_store_is_whole_after_a_review(page: Page, staged: Staged) -> None:
    page.post("/api/decide", ruling(), 201)
    page.post("/api/notes", {"key": "note-0001", "take": "1B-1", "text": "x"}, 200)
    with Store(staged.root) as store:
        assert store.verify().problems == ()


@pytest.mark.parametrize(
    ("word", "ends"),
    [("circle", "circled"), ("intended", "circled"), ("hold", "hold"), ("ng", "ng")],
)
def test_every_ruling_that_ends_a_shot_is_applied_here(page: Page, word: str, ends: str) -> None:
    page.post("/api/decide", ruling(ruling=word), 201)
    until(lambda: state(page, "1B") == ends)


def test_a_retake_waits_for_a_resume(page: Page, staged: Staged) -> None:
    body = ruling(ruling="retake", note="warmer")
    assert page.post("/api/decide", body, 201)["applies"] == "resume"
    page.post("/api/decide", ruling("key-00002", "1D-1"), 201)
    until(lambda: state(page, "1D") == "circled")
    assert state(page, "1B") == "decided"
    assert staged.generator.submitted["1B-2"] == 0, "nothing was bought"
    staged.run()
    row = page.get("/api/queue?shot=1B")["rows"][0]
    assert (row["slate"], row["waits_for"], row["state"]) == ("1B-2", "ana", "waiting")
    recipe = page.get("/api/takes/1B-2")["recipe"]
    assert recipe["prompt"].endswith("warmer.")
    assert [r["author"] for r in recipe["revisions"]] == ["reviewer ana"]


def test_a_reason_without_a_word_is_in_the_next_takes_prompt(page: Page, staged: Staged) -> None:
    """One key says what is wrong; the finding says what is wanted instead."""
    page.post("/api/decide", ruling(ruling="retake", reasons=["grade/tonal_bands"]), 201)
    more = {"reasons": ["wardrobe/maya/jacket"], "note": "as in 1A"}
    page.post("/api/decide", ruling("key-00002", "1D-1", ruling="retake", **more), 201)
    staged.run()
    graded = page.get("/api/takes/1B-2")["recipe"]
    assert "Colour grade exactly as in the scene's other shots" in graded["prompt"]
    assert [(r["path"], r["author"]) for r in graded["revisions"]] == [
        ("grade/tonal_bands", "reviewer ana")
    ]
    worn = page.get("/api/takes/1D-2")["recipe"]["prompt"]
    assert "MAYA wears the same jacket throughout the film" in worn
    assert worn.endswith("as in 1A.")


def test_a_server_that_may_resume_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    staged = stage(tmp_path, monkeypatch, 3, {"1B"}, clips=False)
    with opened(replace(staged.told, resume=staged.run)) as client:
        page = Page(client)
        said = page.post("/api/decide", ruling(ruling="retake", note="warmer"), 201)
        assert said["applies"] == "now"
        until(lambda: [r["slate"] for r in page.get("/api/queue")["rows"]] == ["1B-2"])


def test_while_a_run_is_on_it_is_left_to_the_run(page: Page, staged: Staged) -> None:
    with lock.held(staged.root, "run"):
        page.post("/api/decide", ruling(), 201)
        until(lambda: page.client.app.state.room.applier._elsewhere)  # type: ignore[attr-defined]
        said = page.post("/api/decide", ruling("key-00002", "1D-1"), 201)
        assert said["applies"] == "run"
        assert state(page, "1B") == "decided"
    until(lambda: state(page, "1B") == state(page, "1D") == "circled")


def test_what_was_decided_while_no_server_ran_is_told_at_the_start(staged: Staged) -> None:
    with Store(staged.root) as store:
        project.decide(store, "1B", "ng", "ben")
    with opened(staged.told) as client:
        page = Page(client)
        until(lambda: state(page, "1B") == "ng")


def test_a_thread_that_was_cut_off_is_not_carried_on(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shot that has takes in the making stays there, whatever was ruled on an earlier take."""
    with Store(staged.root) as store:
        project.decide(store, "1B", "retake", "ana", "warmer")
        with monkeypatch.context() as patch:
            patch.setattr(FakeGenerator, "submit", _never)
            with pytest.raises(RuntimeError, match="bought"):
                staged.run()
        project.decide(store, "1B-1", "circle", "ana")
        project.decide(store, "1D", "circle", "ana")
        before = len(store.ledger.all("asked", "sent"))
        with opened(staged.told) as client:
            page = Page(client)
            until(lambda: state(page, "1D") == "circled")
            assert state(page, "1B") == "decided"
        assert len(store.ledger.all("asked", "sent")) == before
    staged.run()
    assert staged.generator.submitted["1B-2"] == 1, "a resume goes on where it was"


@pytest.mark.parametrize("trouble", [RuntimeError("a defect"), StoreError("the disk is full")])
def test_trouble_in_telling_is_said_and_tried_again(
    page: Page, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    trouble: Exception,
) -> None:  # fmt: skip
    applier = page.client.app.state.room.applier  # type: ignore[attr-defined]
    with monkeypatch.context() as patch:

        def broken(*_: Any) -> Any:
            raise trouble

        patch.setattr(applying.Settling, "run", broken)
        page.post("/api/decide", ruling(), 201)
        until(lambda: str(trouble) in applier.said)
        assert state(page, "1B") == "decided"
        assert page.get("/api/queue")["total"] == 2, "the room itself goes on"
    page.post("/api/decide", ruling("key-00002", "1D-1"), 201)
    until(lambda: state(page, "1B") == state(page, "1D") == "circled")
    until(lambda: applier.said == "")
    assert "could not be told to their graphs yet" in capfd.readouterr().err


def _never(*_: Any) -> str:
    raise RuntimeError("it was bought")


def test_the_same_key_twice_is_one_decision(page: Page, staged: Staged) -> None:
    first = page.client.post("/api/decide", json=ruling(), headers=page.headers)
    again = page.client.post("/api/decide", json=ruling(person_s=50), headers=page.headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["decision"]["id"] == again.json()["decision"]["id"]
    assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
    other = page.client.post("/api/decide", json=ruling(ruling="ng"), headers=page.headers)
    assert (other.status_code, other.json()["error"]["code"]) == (422, "invalid")
    with Store(staged.root) as store:
        assert len(store.ledger.all("decision")) == 1


def test_the_second_of_two_sees_the_first_ones_decision(page: Page) -> None:
    page.post("/api/decide", ruling(note="Good."), 201)
    answer = page.client.post(
        "/api/decide", json=ruling("key-of-ben", ruling="ng"), headers=page.headers
    )
    assert answer.status_code == 409
    error = answer.json()["error"]
    assert error["code"] == "conflict"
    assert error["details"]["rulings"] == 1
    assert error["details"]["decision"]["note"] == "Good."
    TypeAdapter(shapes.DecisionAnswer).validate_python(error["details"]["decision"])
    over = ruling("key-of-ben-2", ruling="ng", expects=1)
    assert page.post("/api/decide", over, 201)["decision"]["number"] == 2


def test_undo_over_http(page: Page) -> None:
    made = page.post("/api/decide", ruling(), 201)["decision"]
    until(lambda: state(page, "1B") == "circled")
    undo = {"key": "undo-0001", "decision": made["id"]}
    said = page.post("/api/undo", undo, 201)
    assert said["decision"]["undoes"] == made["id"]
    assert state(page, "1B") == "waiting"
    assert page.post("/api/undo", undo, 200)["replayed"] is True
    again = page.client.post(
        "/api/undo", json={**undo, "key": "undo-0002"}, headers=page.headers
    )  # fmt: skip
    assert (again.status_code, again.json()["error"]["code"]) == (409, "conflict")
    row = page.get("/api/queue?shot=1B")["rows"][0]
    assert (row["rulings"], row["waits_for"], row["by"]) == (2, "ana", "")


def test_undo_before_the_graph_was_told_leaves_it_waiting(page: Page, staged: Staged) -> None:
    with lock.held(staged.root, "run"):
        made = page.post("/api/decide", ruling(), 201)["decision"]
        page.post("/api/undo", {"key": "undo-0001", "decision": made["id"]}, 201)
    page.post("/api/decide", ruling("key-00002", "1D-1"), 201)
    until(lambda: state(page, "1D") == "circled")
    with Store(staged.root) as store:
        assert store.ledger.all("applied", subject="1B") == []
    page.post("/api/decide", ruling("key-00003", ruling="ng", expects=2), 201)
    until(lambda: state(page, "1B") == "ng")


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "short"}, {"key": "x" * 65}, {"key": "sp ace key"}, {"ruling": "approve"},
        {"expects": -1}, {"expects": "0"}, {"expects": True}, {"extra": 1}, {"take": "../x"},
        {"scores": {"taste": 6}}, {"scores": {"taste": 0}}, {"scores": {"beauty": 3}},
        {"scores": {"taste": 3.5}}, {"person_s": -1}, {"person_s": 1e300}, {"note": "x" * 4001},
        {"reasons": ["x"] * 51}, {"reasons": [""]}, {"saw": 0}, {"saw": 2**63}, {"note": None},
        {"ruling": "retake"},
    ],
)  # fmt: skip
def test_a_decision_that_cannot_be_right_is_refused(page: Page, wrong: dict[str, Any]) -> None:
    answer = page.client.post("/api/decide", json={**ruling(), **wrong}, headers=page.headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'{"key": NaN}', b'"x"', b"\xff\xfe", b'{"note":"\\ud800"}']
)
def test_a_body_that_is_no_decision_is_refused(page: Page, raw: bytes) -> None:
    headers = {**page.headers, "Content-Type": "application/json"}
    answer = page.client.post("/api/decide", content=raw, headers=headers)
    assert answer.status_code in (400, 422)
    assert set(answer.json()) == {"error"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_words_are_only_words(page: Page, staged: Staged, text: str) -> None:
    note = {"key": "hostile-1", "take": "1B-1", "text": text}
    made = page.post("/api/notes", note, 200)["note"]
    assert made["text"] == text
    page.post("/api/decide", ruling(note=text, reasons=[text[:200]], ruling="hold"), 201)
    for path in ("/api/takes/1B", "/api/sequences/one/report"):
        answer = page.client.get(path)
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert [n["text"] for n in _notes(answer.json())] == [text]
        assert "\n" not in answer.text, "nothing breaks out of the one line of JSON"
    assert "set-cookie" not in page.client.get("/api/takes/1B").headers
    with Store(staged.root) as store:
        assert store.ledger.damage() == []


def _notes(plain: dict[str, Any]) -> list[dict[str, Any]]:
    if "people" in plain:
        return list(plain["people"]["notes"])
    return [note for shot in plain["shots"] for note in shot["notes"]]


def test_a_hostile_title_and_name_are_escaped_in_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.review import room

    evil = '"><script>alert(1)</script>'
    planned = room.planned
    monkeypatch.setattr(room, "planned", lambda *a: planned(*a).model_copy(update={"title": evil}))
    staged = stage(tmp_path, monkeypatch, 1, set(), clips=False, local=evil)
    with opened(staged.told) as client:
        text = client.get("/").text
        assert "<script>alert" not in text
        assert client.get("/api/session").json()["reviewer"] == evil


def test_notes_with_regions_and_drawings(page: Page) -> None:
    note = {
        "key": "note-0001", "take": "1B-1", "text": "Cup.", "first_frame": 3, "last_frame": 5,
        "box": [0.1, 0.2, 0.3, 0.4], "drawing": [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.5]]],
    }  # fmt: skip
    made = page.post("/api/notes", note, 200)
    assert made["replayed"] is False
    assert {k: made["note"][k] for k in note if k != "key"} == {
        k: v for k, v in note.items() if k != "key"
    }
    assert page.post("/api/notes", note, 200)["replayed"] is True
    for wrong in (
        {"box": [0.9, 0, 0.2, 1]}, {"box": [0, 0, 1]}, {"drawing": [[]]}, {"first_frame": -1},
        {"drawing": [[[0.1, 1.2]]]}, {"drawing": [[[0.1]]]}, {"drawing": [[[0.5, 0.5]]] * 65},
        {"drawing": [[[0.5, 0.5]] * 3000] * 2}, {"take": "9Z-1"},
    ):  # fmt: skip
        answer = page.client.post(
            "/api/notes", json={**note, "key": "note-0002", **wrong}, headers=page.headers
        )
        assert answer.status_code in (404, 413, 422), wrong


def test_the_best_of_several(page: Page, staged: Staged) -> None:
    page.post("/api/decide", ruling(ruling="retake", note="again"), 201)
    staged.run()
    body = {"key": "pick-0001", "shot": "1B", "best": "1B-2", "over": ["1B-1"], "reason": "eyes"}
    said = page.post("/api/preferences", body, 200)
    assert [(p["better"], p["worse"]) for p in said["preferences"]] == [("1B-2", "1B-1")]
    assert page.post("/api/preferences", body, 200)["replayed"] is True
    assert page.get("/api/takes/1B")["people"]["preferences"] == said["preferences"]


def test_a_batch_is_told_and_a_decision_that_cannot_be_is_not_tried_again(
    page: Page, staged: Staged
) -> None:
    room = page.client.app.state.room  # type: ignore[attr-defined]
    for n, shot in enumerate(("1A", "1B", "1C", "1D", "1E", "1F")):
        page.post("/api/decide", ruling(f"batch-{n:05}", f"{shot}-1", ruling="hold"), 201)
    until(lambda: page.get("/api/queue?state=hold")["total"] == 6)
    assert applying.pending(room.view) == []
    assert room.applier.said == ""
