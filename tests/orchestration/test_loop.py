"""The loop over staged takes: where shots end, what is written down, what is paid."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from filmgate.errors import AnswerUnknown, Conflict, Throttled, Unavailable, WrongKey
from filmgate.loop import project
from filmgate.models.generator import JobState
from filmgate.schema.brief import Budget
from filmgate.schema.plan import PlannedSequence, PlannedShot
from tests.orchestration import staged
from tests.orchestration.staged import FakeGenerator, FakeStudio, brief, no_tell, plan, production


def states(made: staged.running.Production) -> dict[str, str]:
    return {shot.shot: shot.state for shot in project.status(made.store).shots}


def test_clean_shots_are_circled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = production(tmp_path, monkeypatch, plan(5), FakeGenerator())
    ended = made.run(no_tell)
    assert set(states(made).values()) == {"circled"}
    assert not ended.paused
    assert not ended.waiting
    assert made.store.verify().problems == ()


def test_a_drift_is_retaken_with_a_revision(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = FakeGenerator(drifts={"1B"})
    made = production(tmp_path, monkeypatch, plan(5), generator)
    made.run(no_tell)
    trace = project.trace(made.store, "1B")
    assert [t.take.slate for t in trace.takes] == ["1B-1", "1B-2"]
    assert trace.status.state == "circled"
    assert trace.status.take == "1B-2"
    (revision,) = trace.takes[1].take.recipe.revisions
    assert revision.path == "grade/tonal_bands"
    assert trace.takes[1].take.parent == "1B-1"
    assert "Colour grade exactly as" in trace.takes[1].take.recipe.prompt
    assert generator.submitted["1A-1"] == 1


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_take_that_drifts_from_its_start_is_picked_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stubborn: bool
) -> None:
    inside = replace(
        staged.FINDING, check="in_shot", attribute="in_shot/grade", against="itself",
        magnitude=8.0, tolerance=4.0, frames=(0, 96),
    )  # fmt: skip
    monkeypatch.setattr(staged, "FINDING", inside)
    which = "stubborn" if stubborn else "drifts"
    generator = FakeGenerator(pickups=True, **{which: {"1B"}})  # type: ignore[arg-type]
    made = production(tmp_path, monkeypatch, plan(5), generator)
    made.run(no_tell)
    takes = [t.take for t in project.trace(made.store, "1B").takes]
    asked = [generator.jobs[t.recipe.job] for t in takes]
    assert [request.parameters.get("pickup") for request in asked] == (
        [None, {"from_frame": 24}, None] if stubborn else [None, {"from_frame": 24}]
    )
    assert takes[1].recipe.repair == "pickup"
    assert takes[1].parent == "1B-1"
    assert takes[1].recipe.prompt == takes[0].recipe.prompt  # the part must match the rest
    assert states(made)["1B"] == ("escalated" if stubborn else "circled")
    if stubborn:
        assert takes[2].recipe.repair is None
        assert takes[2].recipe.revisions


def test_what_keeps_drifting_waits_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = FakeGenerator(stubborn={"1C"})
    made = production(tmp_path, monkeypatch, plan(4), generator)
    assert made.run(no_tell).waiting == ("1C",)
    (waiting,) = project.queue(made.store)
    assert waiting.takes == 3
    assert "after 3 takes" in waiting.reason
    project.decide(made.store, "1C", "circle", "ana", "fine as it is")
    assert states(made)["1C"] == "decided"
    assert made.run(no_tell).waiting == ()
    shot = project.trace(made.store, "1C").status
    assert (shot.state, shot.take, shot.by) == ("circled", "1C-3", "ana")


def test_a_person_can_circle_an_earlier_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = production(tmp_path, monkeypatch, plan(3), FakeGenerator(stubborn={"1A"}))
    made.run(no_tell)
    project.decide(made.store, "1A-1", "circle", "ana")
    made.run(no_tell)
    assert project.trace(made.store, "1A").status.take == "1A-1"


def test_a_persons_retake_carries_the_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = FakeGenerator()
    made = production(tmp_path, monkeypatch, plan(3), generator)
    made.run(no_tell)
    project.decide(made.store, "1B", "retake", "ana", "warmer, as if late", ["lighting/level"])
    made.run(no_tell)
    takes = project.trace(made.store, "1B").takes
    assert len(takes) == 2
    assert "warmer, as if late" in takes[1].take.recipe.prompt
    assert project.trace(made.store, "1B").status.state == "circled"
    assert generator.submitted["1A-1"] == generator.submitted["1C-1"] == 1


def test_of_two_who_rule_at_once_the_second_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = production(tmp_path, monkeypatch, plan(2), FakeGenerator(stubborn={"1A"}))
    made.run(no_tell)
    project.decide(made.store, "1A", "circle", "ana", expects=0)
    with pytest.raises(Conflict, match=r"circle, by ana"):
        project.decide(made.store, "1A", "ng", "ben", expects=0)


def test_running_again_asks_for_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = FakeGenerator(drifts={"1A"})
    made = production(tmp_path, monkeypatch, plan(6), generator)
    made.run(no_tell)
    before = sum(generator.submitted.values())
    made.run(no_tell)
    assert sum(generator.submitted.values()) == before == 7


def test_a_shot_that_is_described_anew_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = FakeGenerator()
    first = plan(3)
    made = production(tmp_path, monkeypatch, first, generator)
    made.run(no_tell)
    shots = list(first.sequences[0].shots)
    shots[1] = shots[1].model_copy(update={"action": "A stairwell"})
    changed = first.model_copy(
        update={"sequences": (first.sequences[0].model_copy(update={"shots": tuple(shots)}),)}
    )
    again = production(tmp_path, monkeypatch, changed, generator, store=made.store)
    again.run(no_tell)
    assert dict(generator.submitted) == {"1A-1": 1, "1B-1": 1, "1C-1": 1, "1B-2": 1}


def test_the_budget_is_never_exceeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = FakeGenerator(price=0.30, offline=False, polls=3)
    told = brief(budget=Budget(usd=1.00))
    made = production(tmp_path, monkeypatch, plan(6), generator, told)
    made.run(no_tell)
    assert sum(generator.submitted.values()) == 3
    status = project.status(made.store)
    assert status.bill.provider_usd == pytest.approx(0.90)
    assert status.counts == {"circled": 3, "escalated": 3}
    assert "budget of $1.00" in project.queue(made.store)[0].reason


def test_takes_in_flight_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = FakeGenerator(polls=4)
    made = production(tmp_path, monkeypatch, plan(30), generator)
    made.in_flight = 4
    made.run(no_tell)
    assert 2 <= generator.most_in_flight <= 4


def test_throttling_slows_and_fails_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble: dict[str, list[Exception]] = {
        "1A-1": [Throttled("slow down", 0.01), Throttled("slow down", 0.01)],
        "1B-1": [Unavailable("down")],
    }
    monkeypatch.setattr("filmgate.orchestration.purchase._FIRST_WAIT_S", 0.01)
    generator = FakeGenerator(trouble=trouble)
    made = production(tmp_path, monkeypatch, plan(3), generator)
    made.run(no_tell)
    assert set(states(made).values()) == {"circled"}
    assert generator.submitted["1A-1"] == 3


def test_a_lost_answer_is_never_sent_again_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = FakeGenerator(offline=False, trouble={"1B-1": [AnswerUnknown("connection lost")]})
    made = production(tmp_path, monkeypatch, plan(3), generator)
    ended = made.run(no_tell)
    assert "answer unknown" in ended.paused["1B"]
    assert states(made) == {"1A": "circled", "1B": "answer unknown", "1C": "circled"}
    ended = made.run(no_tell)
    assert generator.submitted["1B-1"] == 1
    assert "filmgate settle 1B-1" in ended.paused["1B"]
    project.settle(made.store, "1B-1", None, "ana")
    made.run(no_tell)
    assert generator.submitted["1B-1"] == 2
    assert states(made)["1B"] == "circled"


def test_a_lost_answer_is_found_by_asking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = FakeGenerator(offline=False, trouble={"1A-1": [AnswerUnknown("connection lost")]})

    def finds(request: staged.Request) -> str:
        generator.jobs["found"] = request
        generator._waits["found"] = 0
        return "found"

    made = production(tmp_path, monkeypatch, plan(2), generator)
    made.run(no_tell)
    generator.finds = finds
    made.run(no_tell)
    assert generator.submitted["1A-1"] == 1
    assert project.trace(made.store, "1A").takes[0].take.recipe.job == "found"


def test_a_refused_take_goes_to_a_person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = FakeGenerator(offline=False, states={"1A-1": JobState.REFUSED})
    made = production(tmp_path, monkeypatch, plan(2), generator)
    assert made.run(no_tell).waiting == ("1A",)
    assert generator.submitted["1A-1"] == 1
    assert "declined" in project.queue(made.store)[0].reason


def test_a_failed_take_is_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = FakeGenerator(states={"1A-1": JobState.FAILED})
    made = production(tmp_path, monkeypatch, plan(2), generator)
    made.run(no_tell)
    assert project.trace(made.store, "1A").status.take == "1A-2"


def test_a_refused_key_ends_the_run_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trouble: dict[str, list[Exception]] = {"1A-1": [WrongKey("FAKE_KEY is refused.")]}
    made = production(tmp_path, monkeypatch, plan(3), FakeGenerator(trouble=trouble))
    with pytest.raises(WrongKey, match="FAKE_KEY"):
        made.run(no_tell)
    made.run(no_tell)
    assert set(states(made).values()) == {"circled"}


def test_what_cannot_be_expressed_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_plan = plan(2)
    long = made_plan.sequences[0].shots[0].model_copy(update={"duration_s": 90.0})
    shots = (long, made_plan.sequences[0].shots[1])
    made_plan = made_plan.model_copy(
        update={"sequences": (made_plan.sequences[0].model_copy(update={"shots": shots}),)}
    )
    generator = FakeGenerator()
    made = production(tmp_path, monkeypatch, made_plan, generator)
    made.run(no_tell)
    assert generator.submitted["1A-1"] == 0
    assert "at most 60 s" in project.queue(made.store)[0].reason


def test_several_takes_and_generators_compete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = FakeStudio(tmp_path)
    made = production(
        tmp_path, monkeypatch, plan(3), FakeGenerator(), brief(takes=2), studio
    )  # fmt: skip
    made.run(no_tell)
    assert len(project.trace(made.store, "1A").takes) == 2
    assert len(studio.rounds) >= 2


def test_an_accepted_deviation_expires_with_the_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = production(tmp_path, monkeypatch, plan(2), FakeGenerator(stubborn={"1A"}))
    made.run(no_tell)
    project.decide(made.store, "1A", "intended", "ana", "a dream", ["grade/tonal_bands"])
    made.run(no_tell)
    assert states(made)["1A"] == "circled"
    project.decide(made.store, "1A", "retake", "ana", "again please")
    made.run(no_tell)
    assert states(made)["1A"] == "escalated"


def test_a_decision_made_during_the_run_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from filmgate.assets.store import Store

    generator = FakeGenerator(stubborn={"1A"}, polls=2)
    told = brief(budget=Budget(takes_per_shot=1))
    made = production(tmp_path, monkeypatch, plan(2), generator, told)
    monkeypatch.setattr("filmgate.orchestration.run.LISTEN_S", 0.02)
    # Another sequence is still at work when the person decides.
    slow = PlannedSequence(id="two", shots=(PlannedShot(slate="2A", sequence="two"),))
    made.plan = made.plan.model_copy(update={"sequences": (*made.plan.sequences, slow)})
    made.__post_init__()
    generator.slow["2A-1"] = 60

    def tell(shot: str, what: str, detail: str) -> None:
        if shot == "1A" and what == "retake":
            asyncio.get_running_loop().call_later(0.1, rule)

    def rule() -> None:
        with Store(tmp_path) as other:
            project.decide(other, "1A-1", "circle", "ana")

    ended = made.run(tell)
    assert ended.waiting == ()
    assert project.trace(made.store, "1A").status.state == "circled"
