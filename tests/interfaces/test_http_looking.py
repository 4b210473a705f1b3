"""Looking over HTTP: every answer has the published shape, every error the one shape."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pydantic import TypeAdapter

from filmgate.assets.store import Store
from filmgate.interfaces.http import comparing, shapes
from filmgate.loop import project, running
from filmgate.schema.plan import Person, Place, PlannedSequence, Reference
from tests.review.room import Page, opened, stage


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Takes that can be looked at; only read."""
    with pytest.MonkeyPatch.context() as patch:
        made = stage(tmp_path_factory.mktemp("filmed"), patch, 6, {"1B", "1D"}, sequences=2)
        with opened(made.told) as client:
            yield Page(client)


ANSWERS = {
    "/api/session": shapes.SessionAnswer,
    "/api/queue": shapes.QueueAnswer,
    "/api/queue?state=all&order=edit&limit=3&offset=2": shapes.QueueAnswer,
    "/api/queue/next?after=1B": shapes.NextAnswer,
    "/api/takes/1B": shapes.TakeAnswer,
    "/api/takes/1A-1": shapes.TakeAnswer,
    "/api/evidence/1B": shapes.EvidenceAnswer,
    "/api/series/1B": shapes.SeriesAnswer,
    "/api/pairs/1B?other=2A": shapes.PairsAnswer,
    "/api/cut/1B?handles=5": shapes.CutAnswer,
    "/api/sequences": shapes.SequencesAnswer,
    "/api/sequences/one/sheet": shapes.SheetAnswer,
    "/api/sequences/two/report": shapes.ReportAnswer,
    "/api/clips/{}": shapes.ClipAnswer,
    "/api/clips/{}/table?first=2&last=5": shapes.TableAnswer,
    "/api/scopes/{}/3": shapes.ScopeAnswer,
}


@pytest.mark.parametrize("path", ANSWERS)
def test_answers_have_the_shape_that_is_published(filmed: Page, path: str) -> None:
    digest = filmed.get("/api/takes/1B")["media"]["digest"]
    answer = filmed.client.get(path.replace("{}", digest))
    assert answer.status_code == 200, answer.text
    plain = answer.json()
    shape = ANSWERS[path]
    found = TypeAdapter(shape).validate_python(plain)
    # Nothing is sent that the shape does not tell of.
    again = json.loads(found.model_dump_json())
    assert set(again) == set(plain)
    for part in ("rows", "findings", "decisions", "pairs", "parts"):
        if isinstance(plain.get(part), list) and plain[part]:
            assert set(again[part][0]) == set(plain[part][0])


def test_the_document_names_every_route(filmed: Page) -> None:
    text = (Path(__file__).parents[2] / "docs" / "review_api.md").read_text()
    spec = filmed.get("/api/openapi.json")
    for path in spec["paths"]:
        said = path.replace("{number}", "{n}").replace("{sequence}", "{id}")
        said = said.replace("/frames/{digest}/{n}.{kind}", "/frames/{digest}/{n}.png")
        assert said in text, f"{path} is not in docs/review_api.md"
    routes = re.findall(r"^### (GET|POST|DELETE) (\S+)", text, re.M)
    assert len(routes) > 18
    for method, path in routes:
        bare = path.split("?")[0].rstrip(",").replace("{n}", "{number}")
        bare = bare.replace("{id}", "{sequence}")
        bare = bare.replace("/frames/{digest}/{number}.png", "/frames/{digest}/{number}.{kind}")
        assert method.lower() in spec["paths"].get(bare, {}), f"{method} {path} is not served"


def test_the_documents_examples_hold_the_keys_that_are_sent(filmed: Page) -> None:
    text = (Path(__file__).parents[2] / "docs" / "review_api.md").read_text()
    for shape in (
        shapes.SessionAnswer, shapes.RowAnswer, shapes.TakeAnswer, shapes.EvidenceAnswer,
        shapes.FindingAnswer, shapes.ClipAnswer, shapes.SeriesAnswer, shapes.Curve, shapes.Pair,
        shapes.DecisionAnswer, shapes.NotePlain, shapes.PreferencePlain, shapes.ScopeAnswer,
        shapes.DecidedAnswer, shapes.ReportAnswer, shapes.CutAnswer, shapes.DecideBody,
        shapes.NoteBody, shapes.PreferenceBody, shapes.UndoBody,
    ):  # fmt: skip
        missing = [name for name in shape.model_fields if f'"{name}"' not in text]
        assert missing == [], shape.__name__


def test_the_queue_in_parts(filmed: Page) -> None:
    whole = filmed.get("/api/queue?state=all&order=edit")["rows"]
    parts = [
        filmed.get(f"/api/queue?state=all&order=edit&limit=2&offset={n}") for n in (0, 2, 4, 6)
    ]
    assert [row for part in parts for row in part["rows"]] == whole
    assert {part["total"] for part in parts} == {6}


def test_the_queue_is_not_sent_again_when_nothing_is_new(filmed: Page) -> None:
    answer = filmed.client.get("/api/queue")
    again = filmed.client.get("/api/queue", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_finding_is_shown_beside_what_it_was_compared_with(filmed: Page) -> None:
    take = filmed.get("/api/takes/1B")
    first, second = take["machine"]["findings"]
    assert first["other"]["slate"] == "1A-1"
    assert first["other"]["exact"] is True
    assert first["other"]["frames"] == [
        {"frame": 11, "display": 1012, "timecode": "00:00:00:11"}
    ]  # fmt: skip
    assert first["loop"] == {"first": 0, "last": 3}
    assert (first["this"]["hex"], first["reference"]["hex"]) == ("#8a7f70", "#7a7f80")
    assert [r["key"] for r in take["machine"]["reasons"]] == ["1", "2"]
    assert second["against_text"] == "the declared look"
    assert first["against_text"] == "the shot before, 1A"
    pairs = {p["role"]: p for p in take["pairs"]}
    assert (pairs["finding"]["slate"], pairs["finding"]["at"]) == ("1A-1", 11)
    assert (pairs["after"]["slate"], pairs["after"]["here"]) == ("1C-1", 11)
    chosen = filmed.get("/api/pairs/1B?other=2A")["pairs"][0]
    assert (chosen["role"], chosen["slate"]) == ("chosen", "2A-1")


def test_the_cut_has_handles_of_the_neighbours(filmed: Page) -> None:
    cut = filmed.get("/api/cut/1B?handles=5")
    spans = [(p["slate"], p["role"], p["first"], p["last"], p["at"]) for p in cut["parts"]]
    assert spans == [
        ("1A-1", "before", 7, 11, 0), ("1B-1", "this", 0, 11, 5), ("1C-1", "after", 0, 4, 17),
    ]  # fmt: skip
    assert cut["total"] == 22
    assert [p["role"] for p in filmed.get("/api/cut/1A")["parts"]] == ["this", "after"]
    assert [p["role"] for p in filmed.get("/api/cut/1C")["parts"]] == ["before", "this"]
    assert [p["role"] for p in filmed.get("/api/cut/1B?handles=0")["parts"]] == ["this"]


def test_the_curves_mark_the_shot_and_are_measured_once(filmed: Page) -> None:
    checker = filmed.client.app.state.room.told.checker()  # type: ignore[attr-defined]
    before = checker.checks
    first = filmed.get("/api/series/1B")
    assert (first["shots"], first["mark"]) == (["1A", "1B", "1C"], 1)
    assert first["series"][0]["step"] == [None, 9.0, 0.5]
    filmed.get("/api/series/1C")
    assert checker.checks <= before + 1, "another shot of the same line-up costs nothing"
    assert filmed.get("/api/series/1C")["not_measured"] == [
        {"attribute": "sound/loudness", "reason": "No sound."}
    ]


def test_too_many_comparisons_do_not_keep_takes_waiting(filmed: Page) -> None:
    places = filmed.client.app.state.room.comparisons._places  # type: ignore[attr-defined]
    held = [places.acquire(blocking=False) for _ in range(comparing.MOST_WAITING)]
    assert all(held)
    try:
        answer = filmed.client.get("/api/series/1B")
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "busy")
        assert answer.headers["retry-after"] == "3"
        assert filmed.client.get("/api/takes/1B").status_code == 200
    finally:
        for _ in held:
            places.release()
    assert filmed.client.get("/api/series/1B").status_code == 200


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/takes/9Z", 404, "not_found"), ("/api/takes/1B-9", 404, "not_found"),
        ("/api/takes/a%20b", 422, "invalid"), ("/api/evidence/9Z", 404, "not_found"),
        ("/api/queue?limit=0", 422, "invalid"), ("/api/queue?limit=x", 422, "invalid"),
        ("/api/queue?order=best", 422, "invalid"), ("/api/queue/next?after=9Z", 404, "not_found"),
        ("/api/queue/next", 422, "invalid"), ("/api/cut/1B?handles=9999", 422, "invalid"),
        ("/api/sequences/none/report", 404, "not_found"), ("/api/none", 404, "not_found"),
        ("/none", 404, "not_found"), ("/static/none.js", 404, "not_found"),
        ("/_page", 404, "not_found"), ("/_page.html", 404, "not_found"),
        ("/api/decide", 405, "method"), ("/api/pairs/1B?other=9Z", 404, "not_found"),
    ],
)  # fmt: skip
def test_every_error_has_one_shape(filmed: Page, path: str, status: int, code: str) -> None:
    answer = filmed.client.get(path)
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert answer.json()["error"]["code"] == code
    assert re.search(r"\w.*[.:]", answer.json()["error"]["message"])


def test_a_take_can_be_seen_beside_what_was_declared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = stage(tmp_path / "store", monkeypatch, 3, {"1A", "1B"})
    with Store(staged.root) as store:
        pictures = {}
        for name, grey in (("maya", 60), ("corridor", 160), ("ben", 220)):
            file = tmp_path / f"{name}.png"
            cv2.imwrite(str(file), np.full((90, 160, 3), grey, np.uint8))
            pictures[name] = Reference(file=file.name, digest=store.vault.put(file.read_bytes()))
        told = project.latest(store)
        there = {"people": ("Maya",), "place": "corridor"}
        shots = [
            shot.model_copy(update={"setup": "a", **(there if shot.slate != "1C" else {})})
            for shot in told.plan.shots()
        ]
        plan = told.plan.replaced(
            sequences=(PlannedSequence(id="one", shots=tuple(shots)),),
            people=(Person(name="Maya", references=(pictures["maya"],)),
                    Person(name="Ben", references=(pictures["ben"],))),
            places=(Place(name="corridor", references=(pictures["corridor"],)),),
        )  # fmt: skip
        running.write_run(store, plan, told.brief, told.look)
    with opened(staged.told) as client:
        page = Page(client)
        pairs = page.get("/api/takes/1B")["pairs"]
        looks = [pair for pair in pairs if pair["role"] == "look"]
        assert [pair["shot"] for pair in looks] == ["Maya", "corridor"], "Ben is not in the shot"
        assert looks[0]["label"] == "Maya, as declared (maya.png)"
        assert pairs[0]["role"] == "finding"
        TypeAdapter(list[shapes.Pair]).validate_python(pairs, strict=True)
        clip = page.get(f"/api/clips/{looks[0]['media']}")
        assert (clip["frames"], clip["playable"]) == (1, False)
        picture = client.get(f"/frames/{looks[0]['media']}/0.png").content
        decoded = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)
        assert decoded is not None
        assert abs(int(decoded.mean()) - 60) <= 1
        assert [p["role"] for p in page.get("/api/takes/1C")["pairs"]].count("look") == 0
        # The first shot's finding is against what all have in common: beside one framed alike.
        first = page.get("/api/takes/1A")["pairs"][0]
        assert (first["role"], first["label"]) == ("setup", "1B, the same set-up")
