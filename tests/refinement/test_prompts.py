from __future__ import annotations

import pytest

from filmgate import registry
from filmgate.refinement import prompts
from filmgate.schema.look import Change, Expectation, Look, Scope
from filmgate.schema.plan import Person, Place, Plan, PlannedSequence, PlannedShot
from filmgate.schema.shot import Sequence, Shot
from filmgate.schema.take import Revision

MAYA = Person(name="MAYA", description="about forty", wardrobe={"jacket": "navy"})
SHOTS = tuple(
    PlannedShot(slate=s, sequence="one", place="office", people=("MAYA",), action="She waits")
    for s in ("1A", "1B", "1C")
)
PLAN = Plan(
    title="T", style="16 mm", people=(MAYA,), places=(Place(name="office", description="cold"),),
    sequences=(PlannedSequence(id="one", shots=SHOTS),),
)  # fmt: skip


def bound(look: Look) -> Look:
    return look.bind(Sequence("one", tuple(Shot(s.slate, "one", "") for s in SHOTS)))


def finding(check: str, attribute: str, **more: object) -> dict[str, object]:
    return {"check": check, "attribute": attribute, "status": "drift", "remedy": "Fix it.", **more}


def test_a_prompt_says_shot_place_people_and_look() -> None:
    expect = prompts.expected(bound(Look()), SHOTS[0], PLAN)
    text = prompts.compose(PLAN, SHOTS[0], expect)
    for part in ("Wide shot", "She waits", "cold", "about forty", "MAYA wears a navy jacket", "16"):
        assert part in text


def test_the_look_wins_over_the_plan_and_changes_where_declared() -> None:
    crimson = Expectation("wardrobe/maya/jacket", "crimson")
    look = bound(Look(changes=(Change("wardrobe/maya/jacket", Scope("1C"), crimson),)))
    before = prompts.expected(look, SHOTS[0], PLAN)
    after = prompts.expected(look, SHOTS[2], PLAN)
    assert before == {"wardrobe/maya/jacket": "navy"}
    assert after == {"wardrobe/maya/jacket": "crimson"}


def test_clothes_of_people_who_are_not_there_are_not_asked_for() -> None:
    empty = SHOTS[0].model_copy(update={"people": ()})
    look = bound(Look(expectations=(Expectation("wardrobe/maya/jacket", "navy"),)))
    assert prompts.expected(look, empty, PLAN) == {}


def test_a_prompt_of_the_brief_is_kept_and_revisions_are_added() -> None:
    own = SHOTS[0].model_copy(update={"prompt": "As I say."})
    revision = Revision(path="grade", clause="Cooler")
    assert prompts.compose(PLAN, own, {}, [revision]) == "As I say. Cooler."


def test_a_revision_takes_the_place_of_what_the_look_says() -> None:
    revision = Revision(path="wardrobe/maya/upper", clause="MAYA wears the navy jacket of 1A")
    text = prompts.compose(PLAN, SHOTS[0], {"wardrobe/maya/jacket": "navy"}, [revision])
    assert text.count("navy") == 1


def test_every_clause_knows_its_source() -> None:
    made = prompts.clauses(PLAN, SHOTS[0], {"wardrobe/maya/jacket": "navy"})
    assert {c.source for c in made} >= {"place office", "person MAYA", "style"}


def test_what_is_wanted_is_said_and_never_what_went_wrong() -> None:
    made = prompts.revise(
        finding("wardrobe", "wardrobe/maya/upper", this={"text": "black", "hex": "#000000"},
                reference={"text": "navy", "hex": "#000080"}),
        {"wardrobe/maya/jacket": "navy"},
    )  # fmt: skip
    assert made.value == "navy"
    assert "MAYA wears the same jacket" in made.clause
    assert "black" not in made.clause


def test_without_a_declaration_the_measured_reference_is_asked_for() -> None:
    made = prompts.revise(
        finding("wardrobe", "wardrobe/person_1/upper", reference={"hex": "#000084"}), {}
    )
    assert made.value == "#000084"
    assert "navy (#000084)" in made.clause


@pytest.mark.parametrize("check", registry.names("continuity.checks"))
def test_there_is_a_rule_for_every_check(check: str) -> None:
    assert check in prompts._RULES
    made = prompts.revise(finding(check, f"{check}/part"), {})
    assert made.clause
    assert made.author == f"check {check}"


def test_a_later_revision_replaces_an_earlier_one_of_the_same_path() -> None:
    old = Revision(path="wardrobe/maya/jacket", clause="one")
    new = Revision(path="wardrobe/maya/upper", clause="two")
    other = Revision(path="grade/x", clause="three")
    assert prompts.added([old, other], [new]) == (other, new)


def test_a_note_is_asked_for_once() -> None:
    made = prompts.from_note("  warmer,\n please ", ["grade", "lighting"], "ana")
    assert [r.clause for r in made] == ["warmer, please", ""]
    assert made[0].author == "reviewer ana"


def test_a_reason_says_what_its_finding_wants() -> None:
    finding = {
        "check": "wardrobe", "attribute": "wardrobe/maya/jacket", "reference": {"hex": "#1f2a44"},
        "reason": "The jacket is teal.",
    }  # fmt: skip
    (made,) = prompts.from_note("", [finding["attribute"]], "ana", [finding])
    assert made.clause.startswith("MAYA wears the same jacket throughout the film: ")
    assert (made.value, made.because) == ("#1f2a44", "The jacket is teal.")
    (both,) = prompts.from_note("as in 1A", [finding["attribute"]], "ana", [finding])
    assert both.clause == f"{made.clause}. as in 1A"
    (kind, words) = prompts.from_note("", ["geometry/horizon", "boom in shot"], "ana")
    assert kind.clause == "Camera level, horizon straight"
    assert words.clause == "boom in shot"
    (note,) = prompts.from_note("warmer", [], "ana")
    assert (note.path, note.clause) == ("note", "warmer")
