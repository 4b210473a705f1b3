"""The queue: what waits, in which order, for whom, and which takes are there by chance."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.errors import Conflict, UsageError
from filmgate.loop import project
from filmgate.review.desk import facts, queue, rulings, takes
from filmgate.review.desk.index import EYE, Index, NotThere, audited, chance
from filmgate.review.desk.queue import Filter
from filmgate.review.desk.rulings import Ask
from filmgate.schema.decision import Decision
from filmgate.schema.purchase import Applied
from tests.review import room
from tests.review.room import Staged, stage


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    return stage(tmp_path, monkeypatch, 8, {"1B", "1D", "2A"}, sequences=2, clips=False)


def index(staged: Staged, rate: float = 0.0) -> Index:
    return Index(staged.made.store, project.status_of, rate)


def shots(entries: list[Any]) -> list[str]:
    return [entry.shot for entry in entries]


def test_what_waits_is_what_the_loop_says_waits(staged: Staged) -> None:
    view = index(staged).view()
    waiting = queue.listed(view, Filter())
    assert shots(waiting) == [s.shot for s in project.queue(staged.made.store)]
    ranks = [entry.rank for entry in waiting]
    assert ranks == sorted(ranks, reverse=True)
    assert len(set(ranks)) == 3, "the scores differ, or the order would say nothing"


def test_every_state_is_that_of_the_loop(staged: Staged) -> None:
    store, desk = staged.made.store, index(staged)
    project.decide(store, "1B", "circle", "ana")
    project.decide(store, "1A", "ng", "ana")
    states = {s.shot: s.state for s in project.status(store).shots}
    words = {"escalated": "waiting"}
    assert {e.shot: e.state for e in desk.view().all()} == {
        shot: words.get(state, state) for shot, state in states.items()
    }
    assert states["1B"] == "decided"


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(sequence="two", state="all"), ["2A", "2B", "2C", "2D"]),
        (Filter(state="circled", order="edit"), ["1A", "1C", "2B", "2C", "2D"]),
        (Filter(check="wardrobe", order="edit"), ["1B", "1D", "2A"]),
        (Filter(check="sound"), []),
        (Filter(shot="1D"), ["1D"]),
        (Filter(reviewer="ana"), []),
    ],
)
def test_rows_can_be_filtered(staged: Staged, chosen: Filter, expected: list[str]) -> None:
    assert shots(queue.listed(index(staged).view(), chosen)) == expected


def test_facets_count_what_a_filter_would_give(staged: Staged) -> None:
    view = index(staged).view()
    found = view.facets
    for row in found["sequences"]:
        assert row["waiting"] == len(queue.listed(view, Filter(sequence=row["name"])))
        assert row["all"] == len(queue.listed(view, Filter(sequence=row["name"], state="all")))
    for row in found["checks"]:
        assert row["waiting"] == len(queue.listed(view, Filter(check=row["name"])))
    for row in found["states"]:
        assert row["count"] == len(queue.listed(view, Filter(state=row["name"])))
    assert {row["name"] for row in found["checks"]} == {"grade", "wardrobe"}


def test_a_retake_that_was_made_waits_for_who_asked_for_it(staged: Staged) -> None:
    desk = index(staged)
    ask = Ask("key-retake", "1B-1", "retake", 0, note="warmer")
    rulings.decide(staged.made.store, desk.view(), ask, "ben")
    staged.run()
    entry = desk.view().entry("1B")
    assert (entry.state, entry.key, entry.waits_for) == ("waiting", "1B-2", "ben")
    assert shots(queue.listed(desk.view(), Filter(reviewer="ben"))) == ["1B"]
    assert desk.view().facets["reviewers"] == [{"name": "ben", "waiting": 1}]


def test_the_next_take_is_the_one_after(staged: Staged) -> None:
    desk = index(staged)
    order = shots(queue.listed(desk.view(), Filter()))
    found, left = queue.following(desk.view(), Filter(), order[0])
    assert (found and found.shot, left) == (order[1], 2)
    # The last one has the first one after it: nothing that waits is passed over.
    found, left = queue.following(desk.view(), Filter(), order[2])
    assert (found and found.shot, left) == (order[0], 2)
    rulings.decide(
        staged.made.store, desk.view(), Ask("key-00001", f"{order[0]}-1", "ng", 0), "ana"
    )
    found, left = queue.following(desk.view(), Filter(), order[0])
    assert (found and found.shot, left) == (order[1], 2)
    in_order = Filter(order="edit")
    found, _ = queue.following(desk.view(), in_order, "1B")
    assert found is not None
    assert found.shot == min(s for s in order if s > "1B" and s != order[0])


def test_nothing_is_next_when_nothing_waits(staged: Staged) -> None:
    view = index(staged).view()
    assert queue.following(view, Filter(check="sound"), "1A") == (None, 0)
    assert queue.following(view, Filter(shot="1B"), "1B") == (None, 0)
    assert queue.following(view, Filter(shot="1B"), "1A")[0] is view.entry("1B")


def test_the_index_follows_the_ledger(staged: Staged) -> None:
    store, desk = staged.made.store, index(staged)
    before = desk.view()
    assert desk.view() is before, "nothing new, nothing read"
    project.decide(store, "1B", "hold", "ana")
    after = desk.view()
    assert after.version > before.version
    assert (before.entry("1B").state, after.entry("1B").state) == ("waiting", "decided")
    assert after.entry("1D") is before.entry("1D"), "only what changed is read again"


def test_whoever_asks_gets_no_older_view_than_the_ledger_has(staged: Staged) -> None:
    store, desk = staged.made.store, index(staged)

    def ruled(n: int) -> bool:
        project.decide(store, "1B", "hold", f"reviewer {n}", str(n))
        newest = store.ledger.last_id()
        view = desk.view()
        mine = [d for d in view.entry("1B").decisions if d.reviewer == f"reviewer {n}"]
        return view.version >= newest and len(mine) == 1

    def told(n: int) -> bool:
        while True:
            try:
                return ruled(n)
            except Conflict:
                continue  # somebody else took the number

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(told, range(24)))
    assert desk.view().version == store.ledger.last_id()


@pytest.mark.parametrize(("shot", "ruling"), [("1B", "ng"), ("1B", "retake"), ("1A", "ng")])
def test_a_take_does_not_wait_again_while_the_graph_settles_it(
    staged: Staged, shot: str, ruling: Any
) -> None:
    """Between a graph's two facts, "applied" and where the shot came to stand, is a moment."""
    store, desk = staged.made.store, index(staged, rate=1.0)
    project.decide(store, shot, ruling, "ana", "why")
    store.ledger.append(
        New("applied", f"{shot}-1/1", Applied(take=f"{shot}-1", number=1), "filmgate", shot)
    )
    assert (desk.view().entry(shot).state, desk.view().entry(shot).waits) == ("decided", False)


def test_a_new_run_with_another_plan_is_followed(
    staged: Staged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = index(staged)
    assert len(desk.view().entries) == 8
    project_id = desk.view().project
    stage(tmp_path, monkeypatch, 3, set(), clips=False)
    assert list(desk.view().entries) == ["1A", "1B", "1C"]
    assert desk.view().project == project_id


def test_a_project_that_never_ran_is_no_queue(tmp_path: Path) -> None:
    with Store(tmp_path) as store, pytest.raises(UsageError, match="Nothing was run"):
        Index(store, project.status_of).view()


@pytest.mark.parametrize("slate", ["9Z", "1B-9", "../1B", "", "1B-1-1"])
def test_a_slate_that_is_none_is_named(staged: Staged, slate: str) -> None:
    with pytest.raises(NotThere, match="has"):
        index(staged).view().take(slate)


# --- the audit sample ----------------------------------------------------------------------------


def test_the_audit_sample_is_the_same_every_time_and_has_its_rate() -> None:
    media = [f"{n:064x}" for n in range(4000)]
    chosen = {m for m in media if audited(m, 0.05)}
    assert chosen == {m for m in media if audited(m, 0.05)}
    # 4,000 draws of 5%: 200 +- 14; five standard errors.
    assert abs(len(chosen) - 200) < 5 * 13.8
    assert chosen < {m for m in media if audited(m, 0.2)}, "a higher rate adds, it does not swap"
    assert not any(audited(m, 0.0) for m in media)
    assert all(audited(m, 1.0) for m in media)
    assert all(0 <= chance(m) < 1 for m in media)


def test_an_audited_take_waits_and_cannot_be_told(staged: Staged) -> None:
    view = index(staged, rate=1.0).view()
    waiting = queue.listed(view, Filter())
    assert len(waiting) == 8
    circled = view.entry("1A")
    row = circled.row
    assert (row["state"], row["score"], row["worst"], row["reason"]) == (
        "waiting", None, None, EYE,
    )  # fmt: skip
    assert row["checks"] == []
    payload = takes.payload(staged.made.store, view, "1A")
    assert payload["state"] == "waiting"
    assert payload["machine"]["verdict"] is None
    assert payload["machine"]["withheld"] is True
    assert payload["takes"][0]["word"] is None
    assert "circle" not in str(payload), "nothing in the whole answer says what the machine said"


def test_a_take_that_cannot_be_judged_looks_like_an_audited_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind = replace(room.drift(None)[0], status="not_measured")
    monkeypatch.setattr(room, "drift", lambda _: (blind,))
    staged = stage(tmp_path, monkeypatch, 4, {"1B"}, clips=False)
    view = index(staged, rate=1.0).view()
    assert view.entry("1B").said is not None
    assert view.entry("1B").said.word == "escalate"  # type: ignore[union-attr]
    shown = ("state", "score", "worst", "reason", "checks", "by", "waits_for", "rulings")
    rows = {e.shot: e.row for e in view.all()}
    assert {k: rows["1B"][k] for k in shown} == {k: rows["1A"][k] for k in shown}
    machine = {s: takes.payload(staged.made.store, view, s)["machine"] for s in ("1A", "1B")}
    assert {**machine["1A"], "take": ""} == {**machine["1B"], "take": ""}


def test_an_audited_take_has_no_place_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifts = {"1A", "1C", "1E", "1G", "1J", "1L", "1N", "1Q"}
    staged = stage(tmp_path, monkeypatch, 24, drifts, clips=False)
    waiting = queue.listed(index(staged, rate=1.0).view(), Filter())
    places = [n for n, entry in enumerate(waiting) if entry.audit]
    assert len(places) == 16
    assert places != list(range(8, 24)), "they are not simply at the end"
    assert places[0] < 16
    again = queue.listed(index(staged, rate=1.0).view(), Filter())
    assert shots(waiting) == shots(again)


def test_an_audited_take_is_done_once_it_is_ruled_on(staged: Staged) -> None:
    store, desk = staged.made.store, index(staged, rate=1.0)
    rulings.decide(store, desk.view(), Ask("key-audit-1", "1A-1", "ng", 0), "ana")
    assert not desk.view().entry("1A").waits
    judgement = store.ledger.get(facts.KIND, "key-audit-1")
    assert judgement is not None
    assert judgement.body["audit"] is True
    staged.run()
    assert desk.view().entry("1A").state == "ng"
    rulings.decide(store, desk.view(), Ask("key-audit-2", "1B-1", "ng", 0), "ana")
    escalated = store.ledger.get(facts.KIND, "key-audit-2")
    assert escalated is not None
    assert escalated.body["audit"] is False, "it was escalated, not drawn"


def test_what_a_person_circled_is_not_audited(staged: Staged) -> None:
    store = staged.made.store
    project.decide(store, "1A", "circle", "ana")
    staged.run()
    entry = index(staged, rate=1.0).view().entry("1A")
    assert (entry.state, entry.waits) == ("circled", False)
    row = store.ledger.all("decision", subject="1A")[-1]
    assert row.value(Decision).ruling == "circle"
