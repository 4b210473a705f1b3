"""What people say: written once, never over another's word, and taken back without deleting."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from filmgate.assets.store import Store
from filmgate.errors import UsageError
from filmgate.loop import project
from filmgate.review.desk import facts, rulings, takes
from filmgate.review.desk.index import Index, NotThere, View
from filmgate.review.desk.rulings import Ask, Forbidden, Taken
from filmgate.schema.decision import Decision, Note
from tests.review.room import Staged, stage


@pytest.fixture
def staged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    return stage(tmp_path, monkeypatch, 5, {"1B", "1D"}, clips=False)


@pytest.fixture
def store(staged: Staged) -> Store:
    made: Store = staged.made.store
    return made


def view(store: Store) -> View:
    return Index(store, project.status_of, 0.0).view()


def ask(key: str = "key-00001", take: str = "1B-1", **more: Any) -> Ask:
    return Ask(**{"key": key, "take": take, "ruling": "circle", "expects": 0, **more})


def count(store: Store, *kinds: str) -> int:
    return len(store.ledger.all(*(kinds or ("decision",))))


def test_a_ruling_carries_all_that_it_rests_on(store: Store) -> None:
    verdict = store.ledger.all("verdict", subject="1B")[-1]
    written = rulings.decide(
        store, view(store),
        ask(reasons=("grade/tonal_bands",), note="As lit.", scores={"taste": 4}, person_s=3.5,
            disagrees=("wardrobe/maya/jacket",), saw=verdict.id),
        "ana",
    )  # fmt: skip
    row = store.ledger.get("decision", "1B-1/1")
    assert row is not None
    assert (row.id, row.author, row.reason) == (written.decision, "ana", "As lit.")
    value = row.value(Decision)
    media = [r.body["media"] for r in store.ledger.all("take") if r.key in ("1B-1", "1A-1")]
    assert set(value.evidence) == set(media), "this take and the one it was compared with"
    assert (value.saw, value.person_s, value.number) == (verdict.id, 3.5, 1)
    judgement = store.ledger.get(facts.KIND, "key-00001")
    assert judgement is not None
    assert judgement.body["scores"] == {"taste": 4}
    assert judgement.body["disagrees"] == ["wardrobe/maya/jacket"]
    assert set(judgement.body["raised_by"]) == {"grade", "wardrobe"}
    assert store.ledger.names_of(row.id) == tuple(sorted(value.evidence))


def test_the_same_key_twice_is_one_decision(store: Store) -> None:
    first = rulings.decide(store, view(store), ask(), "ana")
    again = rulings.decide(store, view(store), ask(person_s=99.0), "ana")
    assert (first.replayed, again.replayed) == (False, True)
    assert again.decision == first.decision
    assert count(store) == count(store, facts.KIND) == 1


@pytest.mark.parametrize(
    "other",
    [{"ruling": "ng"}, {"note": "x"}, {"take": "1D-1"}, {"scores": {"taste": 1}}, {"expects": 1}],
)
def test_the_same_key_cannot_mean_two_things(store: Store, other: dict[str, Any]) -> None:
    rulings.decide(store, view(store), ask(), "ana")
    with pytest.raises(UsageError, match="make a new one"):
        rulings.decide(store, view(store), ask(**other), "ana")
    with pytest.raises(UsageError, match="make a new one"):
        rulings.decide(store, view(store), ask(), "ben")
    assert count(store) == 1


def test_of_two_who_rule_the_second_is_told(store: Store) -> None:
    shown = view(store)
    first = rulings.decide(store, shown, ask("key-of-ana"), "ana")
    with pytest.raises(Taken, match="ana has ruled 'circle'") as told:
        rulings.decide(store, shown, ask("key-of-ben", ruling="ng"), "ben")
    assert (told.value.decision, told.value.rulings, told.value.take) == (first.decision, 1, "1B-1")
    # The same person in another window is somebody else, too.
    with pytest.raises(Taken):
        rulings.decide(store, shown, ask("key-of-ana-2", ruling="ng"), "ana")
    over = rulings.decide(store, view(store), ask("key-of-ben-2", ruling="ng", expects=1), "ben")
    assert store.ledger.get("decision", "1B-1/2") is not None
    assert not over.replayed


def test_many_at_once_leave_one_decision_each_number(store: Store) -> None:
    shown, told, written = view(store), [], []

    def rule(n: int) -> None:
        try:
            written.append(rulings.decide(store, shown, ask(f"key-{n:05}"), f"r{n}"))
        except Taken as error:
            told.append(error)

    threads = [threading.Thread(target=rule, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(written), len(told)) == (1, 11)
    assert count(store) == count(store, facts.KIND) == 1


def test_one_request_that_comes_many_times_at_once_is_one(store: Store) -> None:
    shown, written = view(store), []
    threads = [
        threading.Thread(target=lambda: written.append(rulings.decide(store, shown, ask(), "ana")))
        for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({w.decision for w in written}) == 1
    assert sum(not w.replayed for w in written) == 1
    assert count(store) == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ruling": "retake"}, "what to change"),
        ({"ruling": "retake", "note": "  "}, "what to change"),
        ({"expects": 1}, "There are 0 rulings"),
        ({"saw": 1}, "no verdict"),
        ({"ruling": "approve"}, "no ruling"),
        ({"take": "1B-7"}, "has no take"),
        ({"take": "7B-1"}, "No shot"),
    ],
)
def test_what_cannot_be_ruled_is_refused(store: Store, wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        rulings.decide(store, view(store), ask(**wrong), "ana")
    assert count(store) == 0


# --- undo ----------------------------------------------------------------------------------------


def undo(store: Store, decision: int, key: str = "undo-0001", who: str = "ana") -> Any:
    return rulings.undo(store, view(store), key, decision, who, any_reviewer=who == "lead")


def test_undo_puts_the_take_back_and_deletes_nothing(staged: Staged, store: Store) -> None:
    written = rulings.decide(store, view(store), ask(), "ana")
    undone = undo(store, written.decision)
    entry = view(store).entry("1B")
    assert (entry.state, entry.key, entry.rulings["1B-1"]) == ("waiting", "1B-1", 2)
    assert entry.reason == "The mids are warmer."
    said = takes.decisions(view(store), store.ledger.all(subject="1B"))
    assert [(d["id"], d["undone"], d["undoes"]) for d in said] == [
        (written.decision, True, None), (undone.decision, False, written.decision),
    ]  # fmt: skip
    # A person rules anew, and the graph is told of that.
    rulings.decide(store, view(store), ask("key-00002", ruling="ng", expects=2), "ana")
    staged.run()
    assert view(store).entry("1B").state == "ng"


def test_undo_of_what_the_graph_was_told(staged: Staged, store: Store) -> None:
    written = rulings.decide(store, view(store), ask(), "ana")
    staged.run()
    assert view(store).entry("1B").state == "circled"
    undo(store, written.decision)
    assert view(store).entry("1B").state == "waiting"
    staged.run()
    assert project.trace(store, "1B").status.state == "hold", "it is not circled any more"
    assert view(store).entry("1B").state == "waiting"
    rulings.decide(store, view(store), ask("key-00002", expects=2), "ana")
    staged.run()
    assert view(store).entry("1B").state == "circled"


def test_undo_says_what_was_ruled_before(store: Store) -> None:
    rulings.decide(store, view(store), ask(ruling="intended", reasons=("grade",)), "ben")
    second = rulings.decide(store, view(store), ask("key-00002", ruling="ng", expects=1), "ana")
    undone = undo(store, second.decision)
    row = store.ledger.get("decision", "1B-1/3")
    assert row is not None
    first = store.ledger.get("decision", "1B-1/1")
    assert first is not None
    assert (row.body["ruling"], row.body["reviewer"]) == ("intended", "ana")
    assert row.body["evidence"] == first.body["evidence"]
    assert row.body["reasons"] == ["grade"]
    assert view(store).entry("1B").state == "decided"
    # And the undo can be undone.
    undo(store, undone.decision, "undo-0002")
    fourth = store.ledger.get("decision", "1B-1/4")
    assert fourth is not None
    assert fourth.body["ruling"] == "ng"


def test_undo_of_a_ruling_on_an_earlier_take_brings_the_later_one_back(
    staged: Staged, store: Store
) -> None:
    rulings.decide(store, view(store), ask(ruling="retake", note="warmer"), "ana")
    staged.run()
    assert view(store).entry("1B").key == "1B-2"
    written = rulings.decide(store, view(store), ask("key-00002", take="1B-1", expects=1), "ana")
    undo(store, written.decision)
    entry = view(store).entry("1B")
    assert (entry.state, entry.key) == ("waiting", "1B-2"), "and no second retake is bought"
    assert store.ledger.all("decision", subject="1B")[-1].body["ruling"] == "hold"


def test_undo_leaves_a_circled_shot_circled(staged: Staged, store: Store) -> None:
    written = rulings.decide(store, view(store), ask(take="1A-1", ruling="ng"), "ana")
    undo(store, written.decision)
    assert store.ledger.all("decision", subject="1A")[-1].body["ruling"] == "circle"
    staged.run()
    assert view(store).entry("1A").state == "circled"


def test_a_retake_that_is_being_made_cannot_be_undone(staged: Staged, store: Store) -> None:
    ruled = rulings.decide(store, view(store), ask(ruling="retake", note="warmer"), "ana")
    staged.run()
    with pytest.raises(UsageError, match="on its way"):
        undo(store, ruled.decision)


def test_only_the_newest_ruling_can_be_undone(store: Store) -> None:
    first = rulings.decide(store, view(store), ask(), "ana")
    rulings.decide(store, view(store), ask("key-00002", ruling="ng", expects=1), "ana")
    with pytest.raises(Taken, match="'ng'"):
        undo(store, first.decision)
    with pytest.raises(NotThere, match="no decision 999999"):
        undo(store, 999_999)


def test_whose_rulings_one_may_undo(store: Store) -> None:
    written = rulings.decide(store, view(store), ask(), "ben")
    with pytest.raises(Forbidden, match="ben ruled that"):
        undo(store, written.decision, who="ana")
    assert not undo(store, written.decision, who="lead").replayed


def test_undo_sent_twice_is_one(store: Store) -> None:
    written = rulings.decide(store, view(store), ask(), "ana")
    first, again = (undo(store, written.decision) for _ in range(2))
    assert (first.decision, first.replayed) == (again.decision, False)
    assert again.replayed
    assert count(store) == 2


def test_an_undone_intention_is_no_acceptance(store: Store) -> None:
    def accepted() -> list[bool]:
        found = takes.payload(store, view(store), "1B")["machine"]["findings"]
        return [f["accepted"] for f in found]

    ruled = ask(ruling="intended", reasons=("grade/tonal_bands",))
    written = rulings.decide(store, view(store), ruled, "ana")
    assert accepted() == [True, False]
    undo(store, written.decision)
    assert accepted() == [False, False]


# --- notes and preferences -----------------------------------------------------------------------


def note(store: Store, key: str = "note-0001", strokes: Any = (), **more: Any) -> Any:
    value = Note(**{"take": "1B-1", "reviewer": "ana", "text": "Cup.", **more})
    return rulings.note(store, view(store), key, value, strokes)


def test_a_note_is_kept_as_said(store: Store) -> None:
    row, replayed = note(
        store, first_frame=3, last_frame=5, box=(0.1, 0.2, 0.3, 0.4), strokes=[[(0.1, 0.2)]]
    )
    assert not replayed
    assert takes.note(row) == {
        "id": row.id, "take": "1B-1", "reviewer": "ana", "at": row.at, "text": "Cup.",
        "first_frame": 3, "last_frame": 5, "box": [0.1, 0.2, 0.3, 0.4], "drawing": [[[0.1, 0.2]]],
    }  # fmt: skip
    again, replayed = note(
        store, first_frame=3, last_frame=5, box=(0.1, 0.2, 0.3, 0.4), strokes=[[(0.1, 0.2)]]
    )
    assert (again.id, replayed) == (row.id, True)
    assert view(store).entry("1B").notes == 1


def test_notes_of_two_doors_do_not_meet(store: Store) -> None:
    """The command line numbers its notes; the room's keys are its own."""
    note(store)
    project.note(store, Note(take="1B-1", reviewer="ben", text="From the shell."))
    note(store, "note-0002", text="Another.")
    assert [r.body["text"] for r in store.ledger.all("note")] == [
        "Cup.", "From the shell.", "Another.",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"text": "  "}, "empty"),
        ({"first_frame": 5, "last_frame": 3}, "not a range"),
        ({"last_frame": 3}, "not a range"),
        ({"take": "9A-1"}, "No shot"),
    ],
)
def test_a_note_that_says_nothing_is_refused(
    store: Store, wrong: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        note(store, **wrong)


def test_a_notes_key_cannot_mean_two_things(store: Store) -> None:
    note(store)
    with pytest.raises(UsageError, match="make a new one"):
        note(store, text="Something else.")


@pytest.mark.parametrize(
    "box", [(0.9, 0.1, 0.2, 0.1), (-0.1, 0, 0.5, 0.5), (0, 0, 0, 0.5), (0, 0, 0.5, 1.2)]
)
def test_a_region_outside_of_the_picture_is_refused(box: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="outside"):
        rulings.boxed(box)
    assert rulings.boxed((0.1, 0.2, 0.9, 0.8)) == (0.1, 0.2, 0.9, 0.8)


def test_the_best_of_several_is_preferred_to_each_of_them(staged: Staged, store: Store) -> None:
    for number in (1, 2):
        ruled = ask(f"key-{number:05}", f"1B-{number}", ruling="retake", note="again")
        rulings.decide(store, view(store), ruled, "ana")
        staged.run()

    def prefer(key: str, best: str, over: list[str]) -> Any:
        return rulings.prefer(store, view(store), key, "1B", best, over, "eyes", "ana")

    rows, replayed = prefer("pick-0001", "1B-2", ["1B-1", "1B-3"])
    assert [(r.body["better"], r.body["worse"]) for r in rows] == [
        ("1B-2", "1B-1"), ("1B-2", "1B-3"),
    ]  # fmt: skip
    assert not replayed
    again, replayed = prefer("pick-0001", "1B-2", ["1B-1", "1B-3"])
    assert ([r.id for r in again], replayed) == ([r.id for r in rows], True)
    assert count(store, "preference") == 2
    for best, over in (("1B-2", ["1B-2"]), ("1B-1", ["1B-2", "1B-2"])):
        with pytest.raises(UsageError, match="each of the others once"):
            prefer("pick-0002", best, over)
    with pytest.raises(NotThere, match="no take '1A-1'"):
        prefer("pick-0003", "1B-1", ["1A-1"])
    assert takes.payload(store, view(store), "1B")["people"]["preferences"] == [
        takes.preference(r) for r in rows
    ]


def test_a_decision_on_what_has_changed_since_is_stale(staged: Staged, store: Store) -> None:
    rulings.decide(store, view(store), ask(), "ana")

    def stale() -> list[bool]:
        said = takes.payload(store, view(store), "1B-1")["people"]["decisions"]
        return [d["stale"] for d in said]

    assert stale() == [False]
    rulings.decide(
        store, view(store), ask("key-00002", "1A-1", ruling="retake", note="again"), "ana"
    )
    staged.run()
    assert stale() == [True], "1A, which it was compared with, has another take now"
