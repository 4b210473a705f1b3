from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from filmgate.continuity import look_file
from filmgate.schema.look import Change, Expectation, Look, NamedPerson, Scene, Scope
from filmgate.schema.plan import Plan
from filmgate.schema.shot import Sequence, Shot
from filmgate.story.first_look import first_look, merged, same, to_toml

ROOT = Path(__file__).parents[2]
PLAY = """INT. HALL - DAY

[[wardrobe: MAYA jacket=navy]]

MAYA waits.

INT. YARD - DAY

MAYA runs.

[[wardrobe: MAYA jacket=crimson]]

MAYA stops.

INT. ROOF - DAY

MAYA sits.

INT. HALL - NIGHT

[[wardrobe: MAYA jacket=#000080]]

MAYA waits again.
"""
ALL = '[[sequence]]\nid = "all"\nscenes = "all"\n'


def reels(plan: Plan) -> list[Sequence]:
    return [
        Sequence(s.id, tuple(Shot(shot.slate, s.id, "") for shot in s.shots))
        for s in plan.sequences
    ]


def worn(look: Look, plan: Plan) -> list[str]:
    """What the look expects of Maya's jacket, shot by shot; "-" for nothing."""
    found = []
    for sequence in reels(plan):
        bound = look.bind(sequence)
        for shot in sequence.shots:
            entry = bound.expectation_for("wardrobe/maya/upper", shot.id)
            found.append(str(entry.value) if entry else "-")
    return found


def test_the_first_note_is_expected_and_later_ones_are_declared_changes(opened: Any) -> None:
    project = opened(ALL, PLAY)
    found = first_look(project.plan, project.script, project.brief.where)
    assert [s.slate for s in project.plan.shots()] == [
        "1A", "1B", "2A", "2B", "2C", "3A", "3B", "4A", "4B",
    ]  # fmt: skip
    assert worn(found.look, project.plan) == ["navy"] * 4 + ["crimson"] * 3 + ["navy"] * 2
    (change,) = found.look.changes
    assert change.scope == Scope("2C", "3B", "all")
    assert change.source == "script.fountain line 11"
    assert found.risks == ()
    # What happens between the two is no drift, and back again is none either.
    bound = found.look.bind(reels(project.plan)[0])
    assert bound.change_for("wardrobe/maya/upper", "2B", "2C")
    assert bound.change_for("wardrobe/maya/upper", "3B", "4A")
    assert not bound.change_for("wardrobe/maya/upper", "1B", "4A")


def test_what_the_brief_says_comes_before_the_first_note(opened: Any) -> None:
    brief = '[[people]]\nname = "Maya"\nwardrobe = { coat = "teal", shirt = "white" }\n'
    project = opened(brief + ALL, PLAY.replace("jacket=navy", "trousers=black"))
    found = first_look(project.plan, project.script, project.brief.where)
    # The coat is worn over the shirt: only what is seen outermost is expected.
    assert worn(found.look, project.plan) == ["teal"] * 4 + ["crimson"] * 3 + ["#000080"] * 2
    assert [e.path for e in found.look.expectations] == [
        "wardrobe/maya/coat", "wardrobe/maya/trousers",
    ]  # fmt: skip
    assert found.look.expectations[0].source == "brief.toml line 4"
    assert [c.to.path for c in found.look.changes if c.to] == ["wardrobe/maya/jacket"] * 2


def test_each_sequence_gets_a_range_of_its_own(opened: Any) -> None:
    text = (
        '[[sequence]]\nid = "a"\nscenes = [2, 1]\n'
        '[[sequence]]\nid = "b"\nscenes = [3, 4]\n'
        '[[sequence]]\nid = "empty"\nshot = [{ scene = "9" }]\n'
    )
    project = opened(text, PLAY)
    found = first_look(project.plan, project.script)
    assert {c.scope for c in found.look.changes} == {
        Scope("2C", "2C", "a"), Scope("3A", "3B", "b"),
    }  # fmt: skip
    # Nobody wears anything where nobody is: every shot would say that it was not measured.
    assert worn(found.look, project.plan)[-1] == "-"
    assert {e.scope.sequence for e in found.look.expectations} == {"a", "b"}


def test_people_are_named_by_the_tightest_shot_of_them_alone(opened: Any) -> None:
    project = opened(
        """
        [[people]]
        name = "Maya"
        wardrobe = { jacket = "navy" }
        [[people]]
        name = "Tom"
        wardrobe = { coat = "black" }
        [[sequence]]
        id = "a"
        shot = [{ people = ["Maya"], framing = "wide" }, { people = ["Maya"], framing = "close" },
                { people = ["Maya", "Tom"], framing = "close" }]
        """
    )
    found = first_look(project.plan)
    assert found.look.people == (NamedPerson("maya", shot="a/a.B"),)


def test_a_change_inside_a_scene_that_the_brief_lists_is_told(opened: Any) -> None:
    text = (
        '[[people]]\nname = "Maya"\n[[sequence]]\nid = "a"\npeople = ["Maya"]\n'
        "shot = [{ scene = 1 }, { scene = 2 }, { scene = 2 }, { scene = 3 }]\n"
    )
    project = opened(text, PLAY)
    found = first_look(project.plan, project.script)
    assert worn(found.look, project.plan) == ["navy", "navy", "navy", "crimson"]
    (risk,) = found.risks
    assert (risk.code, risk.where) == ("change_inside_scene", "script.fountain line 11")
    assert "a slate of 2A to 2B" in risk.fix


def test_a_note_between_two_scenes_holds_for_the_second(opened: Any) -> None:
    text = '[[people]]\nname = "Maya"\n[[sequence]]\nid = "a"\npeople = ["Maya"]\n'
    play = "INT. A - DAY\n\nMAYA sits.\n\n[[wardrobe: MAYA hat=red]]\n\nINT. B - DAY\n\nMAYA.\n"
    project = opened(text + "shot = [{ scene = 1 }, { scene = 2 }]\n", play)
    assert first_look(project.plan, project.script).risks == ()


def test_brief_and_script_that_never_agree_stop(opened: Any) -> None:
    brief = '[[people]]\nname = "Maya"\nwardrobe = { jacket = "teal" }\n'
    play = "INT. A - DAY\n\n[[wardrobe: MAYA jacket=navy]]\n\nMAYA sits.\n"
    project = opened(brief + '[[sequence]]\nid = "a"\nscenes = [1]', play)
    (risk,) = first_look(project.plan, project.script, project.brief.where).risks
    assert (risk.code, risk.severity) == ("look_contradicts", "stop")
    assert "teal by brief.toml line 4 and navy by script.fountain line 3" in risk.sentence


def test_a_note_about_nobody_is_told(opened: Any) -> None:
    play = "INT. A - DAY\n\n[[wardrobe: MAIA jacket=navy]]\n\nMAYA sits.\n\nMAYA\nHm.\n"
    project = opened('[[sequence]]\nid = "a"\nscenes = [1]', play)
    found = first_look(project.plan, project.script)
    assert [(r.code, r.where) for r in found.risks] == [
        ("note_of_nobody", "script.fountain line 3")
    ]
    assert found.look.expectations == ()


def test_look_toml_wins_over_words(opened: Any) -> None:
    project = opened(ALL, PLAY.replace("trousers", "x"))
    first = first_look(project.plan, project.script).look
    teal = Expectation("wardrobe/maya/coat", "teal")
    assert merged(first, None) is first
    whole = merged(first, Look((teal,), people=(NamedPerson("Maya", label="person_1"),)))
    assert worn(whole, project.plan) == ["teal"] * 9
    assert whole.changes == ()
    assert [p.label for p in whole.people] == ["person_1"]
    other = merged(first, Look((Expectation("lighting/key_side", "left"),)))
    assert worn(other, project.plan) == worn(first, project.plan)
    assert merged(first, Look(changes=(Change("wardrobe/*", Scope("2A")),))).expectations == ()


def test_the_look_as_a_file_reads_back_as_it_was(opened: Any, tmp_path: Path) -> None:
    project = opened(ALL, PLAY)
    first = first_look(project.plan, project.script).look
    odd = 'a "quoted"\\ word\n#1'
    whole = Look(
        (*first.expectations,
         Expectation("lighting/key_side", "left", scope=Scope("1A", "1B"), author=odd),
         Expectation("lighting/key_side", "right", scope=Scope("2A")),
         Expectation("sound/loudness_lufs", -23.0), Expectation("grade", like="1A")),
        (*first.changes, Change("lighting", Scope("3A"), gradual=True, source="a sunset")),
        (Scene("the hall", (Scope("1A", "1B"), Scope("4A", None))),),
        (NamedPerson("maya", shot="all/1B", box=(0.1, 0.2, 0.3, 0.4)),
         NamedPerson("tom b", label="person_2")),
    )  # fmt: skip
    text = to_toml(whole)
    path = tmp_path / "made.toml"
    path.write_text(text, encoding="utf-8")
    schema = json.loads((ROOT / "schemas" / "look.schema.json").read_text())
    jsonschema.validate(tomllib.loads(text), schema)
    read = look_file.read(path, reels(project.plan))
    key = [(e.path, e.value, e.like, e.scope, e.author) for e in whole.expectations]
    assert [(e.path, e.value, e.like, e.scope, e.author) for e in read.expectations] == key
    assert [(c.path, c.scope, c.gradual, c.source) for c in read.changes] == [
        (c.path, c.scope, c.gradual, c.source) for c in whole.changes
    ]
    assert [c.to.hex for c in read.changes if c.to] == [c.to.hex for c in whole.changes if c.to]
    assert (read.scenes, read.people) == (whole.scenes, whole.people)


@pytest.mark.parametrize(
    ("one", "two", "equal"),
    [("navy", "#000080", True), ("Navy", "navy", True), (3.0, 3.0, True), ("left", "right", False),
     ("navy", "teal", False), (None, None, True)],
)  # fmt: skip
def test_values_that_mean_the_same(one: Any, two: Any, equal: bool) -> None:
    assert same(one, two) is equal
