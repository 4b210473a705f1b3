from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filmgate.errors import BadSetting
from filmgate.story import breakdown, script
from filmgate.story.breakdown import Cut

PLAY = """INT. HALL - NIGHT

A long hall.

MAYA walks in and stops.

TOM stands at a door. MAYA sees him.

A phone rings.

MAYA
Who is it?

TOM
Nobody.

MAYA (O.S.)
Tom?

She runs to the door, and he follows her down the hall that does not end.

INT. HALL - CONTINUOUS

MAYA waits.

EXT. YARD - DAY

"""


def cuts(tmp_path: Path, text: str = PLAY, **options: Any) -> list[Cut]:
    (tmp_path / "a.fountain").write_text(text)
    return breakdown.by_rules(script.read(tmp_path / "a.fountain"), **options)


def test_every_rule_once(tmp_path: Path) -> None:
    found = [(c.scene, c.line, c.framing, c.people, c.move) for c in cuts(tmp_path)]
    assert found == [
        ("1", 3, "establishing", (), "static"),
        ("1", 5, "full", ("MAYA",), "track"),
        ("1", 7, "wide", ("TOM", "MAYA"), "static"),
        ("1", 9, "insert", (), "static"),
        ("1", 11, "medium", ("MAYA",), "static"),
        ("1", 14, "close", ("TOM",), "static"),
        ("1", 17, "medium", ("TOM",), "static"),
        ("1", 20, "medium", ("TOM",), "track"),
        ("2", 24, "full", ("MAYA",), "static"),
        ("3", 26, "establishing", (), "static"),
    ]


def test_each_shot_says_which_rule_made_it(tmp_path: Path) -> None:
    found = cuts(tmp_path)
    assert [c.because for c in found[:7]] == [
        "the scene opens on its place", "one person, first seen in the scene",
        "2 people, first seen in the scene", "a few words about nobody",
        "first speech of an exchange", "a later speech of an exchange", "a voice off screen",
    ]  # fmt: skip
    assert found[6].action == 'MAYA, off screen: "Tom?"'
    assert found[9].action == "YARD, day."


def test_the_same_framing_and_people_share_a_set_up(tmp_path: Path) -> None:
    found = cuts(tmp_path)
    assert found[6].setup == found[7].setup == "1-medium-tom"
    assert found[1].setup == "1-full-maya"


def test_a_scene_in_the_same_place_does_not_open_on_it_again(tmp_path: Path) -> None:
    assert [c.framing for c in cuts(tmp_path) if c.scene == "2"] == ["full"]


def test_what_is_longer_than_a_take_is_cut_at_a_sentence(tmp_path: Path) -> None:
    words = "one two three four five six seven eight nine ten."
    text = f"INT. A - DAY\n\nBOB\n{words} {words} {words} {words}\n"
    whole = cuts(tmp_path, text, longest_s=60)
    assert [c.duration_s for c in whole[1:]] == [16.5]
    parts = cuts(tmp_path, text, longest_s=9)
    assert [c.duration_s for c in parts[1:]] == [8.5, 8.5]
    assert parts[1].action == f'BOB says: "{words} {words}"'
    assert {c.setup for c in parts[1:]} == {"1-medium-bob"}
    assert "because no take is longer than 9 s" in parts[2].because


def test_one_endless_sentence_is_as_long_as_a_take_may_be(tmp_path: Path) -> None:
    found = cuts(tmp_path, f"INT. A - DAY\n\nBOB\n{'word ' * 200}\n", longest_s=8)
    assert [c.duration_s for c in found[1:]] == [8]


@pytest.mark.parametrize(
    ("text", "speech", "seconds"),
    [("Hello?", True, 2.0), ("w " * 10, True, 4.5), ("x" * 300, False, 5.5), ("x", False, 2.0)],
)
def test_lengths(text: str, speech: bool, seconds: float) -> None:
    assert breakdown.length_s(text, speech=speech) == seconds


def test_scenes_of_the_brief_become_shots_with_people_and_places(opened: Any) -> None:
    project = opened(
        """
        [[people]]
        name = "Maya Reyes"
        description = "forty"
        [[places]]
        name = "hall"
        seed = 4
        [[sequence]]
        id = "all"
        scenes = "all"
        light = { key_side = "left" }
        sound = { tone = "vent" }
        """,
        PLAY,
    )
    shots = list(project.plan.shots())
    assert [s.slate for s in shots] == ["1A", "1B", "1C", "1D", "1E", "1F", "1G", "1H", "2A", "3A"]
    assert shots[1].people == ("Maya Reyes",)  # MAYA is a word of one person's name
    assert shots[2].people == ("TOM", "Maya Reyes")
    assert {s.place for s in shots} == {"hall", "YARD"}
    assert shots[1].source == "script.fountain line 5"
    assert (shots[1].lens_mm, shots[1].time_of_day) == (35, "night")
    assert {(s.light.key_side, s.sound.tone) for s in shots} == {("left", "vent")}
    # Nobody described Tom: he is added, for the lint to say so.
    tom = next(p for p in project.plan.people if p.name == "TOM")
    assert tom.description == ""
    assert project.brief.where["people/TOM"] == "script.fountain line 7"


def test_a_script_without_a_sequence_is_broken_down_whole(opened: Any) -> None:
    (sequence,) = opened("", PLAY).plan.sequences
    assert (sequence.id, len(sequence.shots)) == ("script", 10)


def test_a_scene_that_the_script_does_not_have(opened: Any) -> None:
    with pytest.raises(BadSetting, match=r"line 5: the script has no scene '9'\. It has 1, 2, 3\."):
        opened('[[sequence]]\nid = "a"\nscenes = [9]', PLAY)


def test_a_script_that_shows_nothing(opened: Any) -> None:
    with pytest.raises(BadSetting, match=r"line 2: .*'script.fountain' no scene"):
        opened("", "# Act one\n")


def test_a_reader_that_is_not_there(opened: Any) -> None:
    text = '[[sequence]]\nid = "a"\nscenes = [1]\nbreakdown = "reader"'
    with pytest.raises(BadSetting, match="line 6: there is no reader to break the scenes down"):
        opened(text, PLAY)


def test_the_shared_scripts_break_down(shared: Path) -> None:
    for path in sorted((shared / "scripts").rglob("*.f*")):
        if path.suffix in (".fountain", ".fdx"):
            found = script.read(path)
            for cut in breakdown.by_rules(found):
                assert 2 <= cut.duration_s <= 8
                assert cut.action
                assert cut.because
                assert found.scene(cut.scene)
