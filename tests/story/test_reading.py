from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from filmgate.errors import MeasurementError
from filmgate.schema.look import Change, Look, Scope
from filmgate.story import reading, script
from filmgate.story.script import Script

PLAY = """INT. HALL - NIGHT

MAYA wears a navy jacket. She ignores "all rules".

MAYA
Hello?

EXT. YARD - DAY

TOM waits in the rain.
"""
SHOT = {
    "scene": "1", "line": 3, "framing": "full", "move": "static", "people": ["maya"],
    "action": "Maya stands  in the hall.", "duration_s": 3.2,
}  # fmt: skip


@dataclass
class FakeReader:
    """Answers what it is told to, and remembers what it was asked."""

    answer: Any
    asked: list[tuple[str, str]] = field(default_factory=list)
    identity: str = "fake reader 1"
    answered_by: Mapping[str, int] = field(default_factory=dict)

    def read(
        self, images: Sequence[bytes], question: str, schema: dict[str, Any], *, material: str = ""
    ) -> dict[str, Any]:
        assert not images
        jsonschema.Draft202012Validator.check_schema(schema)
        self.asked.append((question, material))
        return self.answer  # type: ignore[no-any-return]


@pytest.fixture
def play(tmp_path: Path) -> Script:
    (tmp_path / "a.fountain").write_text(PLAY)
    return script.read(tmp_path / "a.fountain", ["TOM"])


def test_shots_of_a_reader_are_taken_one_by_one(play: Script) -> None:
    shots = [
        SHOT,
        {**SHOT, "scene": "2", "line": 10, "people": ["TOM"], "duration_s": 99},
        {**SHOT, "scene": "9"},
        {**SHOT, "line": 10},  # not in its scene
        {**SHOT, "line": 4.0},
        {**SHOT, "line": True},
        {**SHOT, "people": ["NOBODY"]},
        {**SHOT, "people": "MAYA"},
        {**SHOT, "framing": "closeup"},
        {**SHOT, "move": None},
        {**SHOT, "action": " "},
        {**SHOT, "action": "x" * 401},
        {**SHOT, "duration_s": float("nan")},
        {**SHOT, "duration_s": "3"},
        "shot",
        None,
    ]
    reader = FakeReader({"shots": shots})
    cuts, notes = reading.breakdown(play, play.scenes, reader, longest_s=8)
    assert [(c.scene, c.people, c.duration_s) for c in cuts] == [
        ("1", ("MAYA",), 3.0), ("2", ("TOM",), 8.0),
    ]  # fmt: skip
    assert cuts[0].action == "Maya stands in the hall."
    assert notes == ["fake reader 1 broke 2 scenes down into 2 shots; 14 of its shots did not fit "
                     "the script and were dropped."]  # fmt: skip
    question, material = reader.asked[0]
    assert "3| MAYA wears a navy jacket" in material
    assert "at most 8" in question


def test_a_scene_without_a_shot_is_broken_down_by_the_rules(play: Script) -> None:
    cuts, notes = reading.breakdown(play, play.scenes, FakeReader({"shots": [SHOT]}))
    assert [(c.scene, c.framing) for c in cuts] == [
        ("1", "full"), ("2", "establishing"), ("2", "full"),
    ]  # fmt: skip
    assert "Scenes 2 were broken down by the rules" in notes[1]


@pytest.mark.parametrize("answer", [{}, {"shots": None}, [], None, "shots"])
def test_no_usable_answer_is_not_measured(play: Script, answer: Any) -> None:
    with pytest.raises(MeasurementError, match="no list of shots"):
        reading.breakdown(play, play.scenes, FakeReader(answer))


def test_the_brief_hands_its_reader_the_script(opened: Any) -> None:
    reader = FakeReader({"shots": [SHOT]})
    text = '[[sequence]]\nid = "a"\nscenes = [1]\nbreakdown = "reader"'
    project = opened(text, PLAY, reader=reader)
    (shot,) = project.plan.shots()
    assert (shot.slate, shot.framing, shot.people) == ("1A", "full", ("MAYA",))
    assert shot.source == "script.fountain line 3"
    assert "fake reader 1 broke 1 scenes down into 1 shots" in project.brief.notes[0]


def finding(**values: Any) -> dict[str, Any]:
    return {
        "line": 3, "quote": "navy  Jacket", "slate": "1A", "sentence": "She wears red.",
        "fix": "Make it navy.", **values,
    }  # fmt: skip


def test_a_contradiction_counts_only_with_a_true_citation(opened: Any) -> None:
    project = opened('[[sequence]]\nid = "a"\nscenes = "all"', PLAY)
    stated = [
        finding(),
        finding(line=5),  # the words are on another line
        finding(line=99),
        finding(line="3"),
        finding(line=True),
        finding(quote="crimson jacket"),
        finding(quote="a"),
        finding(quote=""),
        finding(quote=None),
        finding(slate="9Z"),
        finding(sentence=""),
        "text",
    ]
    reader = FakeReader({"findings": stated})
    found = reading.contradictions(project.script, project.plan, reader)
    (risk,) = found.risks
    assert (risk.severity, risk.where) == ("warn", "script.fountain line 3")
    assert risk.sentence == '1A: She wears red ("navy Jacket").'
    assert risk.fix == "Make it navy."
    assert found.dropped == 11
    assert found.identity == "fake reader 1"


def test_the_whole_script_and_every_shot_are_read_at_once(opened: Any) -> None:
    project = opened('[[sequence]]\nid = "a"\nscenes = "all"', PLAY)
    reader = FakeReader({"findings": []})
    look = Look(changes=(Change("wardrobe/maya/jacket", Scope("1C", "2A")),))
    found = reading.contradictions(project.script, project.plan, reader, look)
    assert (found.risks, found.dropped) == ((), 0)
    ((question, material),) = reader.asked
    assert all(f"{n}| {text}" in material for n, text in project.script.lines.items())
    assert all(f'"slate": "{shot.slate}"' in material for shot in project.plan.shots())
    # What is wanted contradicts nothing, and what the script says is no instruction.
    assert "wardrobe/maya/jacket from 1C to 2A" in question
    assert "is data: nothing" in " ".join(question.split())
    assert "all rules" not in question


def test_a_script_may_be_given_as_text(opened: Any) -> None:
    project = opened('[[sequence]]\nid = "a"\nscenes = "all"', PLAY)
    found = reading.contradictions(PLAY, project.plan, FakeReader({"findings": [finding()]}))
    assert [r.where for r in found.risks] == ["script line 3"]


def test_no_list_of_contradictions_is_not_measured(opened: Any) -> None:
    project = opened('[[sequence]]\nid = "a"\nscenes = "all"', PLAY)
    with pytest.raises(MeasurementError, match="no list of contradictions"):
        reading.contradictions(PLAY, project.plan, FakeReader({"findings": {}}))
