from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filmgate.continuity import look_file
from filmgate.models.generator import Capability
from filmgate.schema.plan import Plan
from filmgate.schema.shot import Sequence, Shot
from filmgate.story import first_look, lint
from filmgate.story.risk import Risk

VEO = Capability("veo", ("video",), 8.0, ((1280, 720), (1920, 1080)), references=3)
PREVIZ = Capability("previz-1", ("video",), 600.0, seeded=True, offline=True)
PEOPLE = """
[[people]]
name = "MAYA"
description = "forty"
wardrobe = { jacket = "navy" }
[[sequence]]
id = "a"
"""


def reels(plan: Plan) -> list[Sequence]:
    return [
        Sequence(s.id, tuple(Shot(shot.slate, s.id, "") for shot in s.shots))
        for s in plan.sequences
    ]


@pytest.fixture
def linted(opened: Any, tmp_path: Path) -> Any:
    """Lints a brief, with a look and a script where they are given."""

    def run(
        text: str, look: str = "", script: str | None = None, *models: Capability
    ) -> list[Risk]:
        project = opened(text, script)
        declared = None
        if look:
            (tmp_path / "look.toml").write_text(look)
            declared = look_file.read(tmp_path / "look.toml", reels(project.plan))
        first = first_look.first_look(project.plan, project.script, project.brief.where)
        whole = first_look.merged(first.look, declared)
        return lint.lint(project.plan, project.brief, whole, project.script, None, models)

    return run


def one(risks: list[Risk]) -> Risk:
    assert len(risks) == 1, risks
    risk = risks[0]
    assert risk.where
    assert risk.sentence.endswith(".")
    assert risk.fix.endswith(".")
    return risk


def test_a_brief_in_order_has_no_risk(linted: Any) -> None:
    text = PEOPLE + 'shot = [{ people = ["MAYA"], action = "MAYA in her navy jacket waits." }]'
    assert linted(text, "", None, PREVIZ) == []


def test_somebody_without_a_reference_where_words_are_all_there_is(linted: Any) -> None:
    risk = one(linted(PEOPLE + 'shot = [{ people = ["MAYA"] }]'))
    assert (risk.code, risk.severity, risk.where) == ("no_reference", "warn", "brief.toml line 4")


def test_a_reference_of_the_shot_counts(linted: Any, picture: Any) -> None:
    picture("m.png")
    shot = 'shot = [{ people = ["MAYA"], references = [{ file = "m.png", of = "MAYA" }] }]'
    assert linted(PEOPLE + shot) == []


def test_somebody_nobody_described(linted: Any) -> None:
    play = "INT. A - DAY\n\nTOM waits.\n\nTOM\nHm.\n"
    risk = one(linted('[[sequence]]\nid = "a"\nscenes = [1]', "", play, PREVIZ))
    assert (risk.code, risk.where) == ("undescribed", "script.fountain line 3")


def test_somebody_who_is_not_in_the_plan_at_all(opened: Any) -> None:
    project = opened(PEOPLE + 'shot = [{ people = ["MAYA"] }]')
    plan = project.plan.replaced(people=())
    risk = one(lint.lint(plan, project.brief, capabilities=[PREVIZ]))
    assert (risk.code, risk.severity, risk.where) == ("nobody", "stop", "brief.toml line 9")


def test_somebody_the_action_names_and_the_shot_does_not_list(linted: Any) -> None:
    risk = one(linted(PEOPLE + 'shot = [{ action = "Maya waits." }]', "", None, PREVIZ))
    assert (risk.code, risk.where) == ("unlisted", "brief.toml line 9")
    assert linted(PEOPLE + 'shot = [{ action = "A mayan temple." }]', "", None, PREVIZ) == []


def test_a_voice_off_screen_is_not_unlisted(linted: Any) -> None:
    play = "INT. A - DAY\n\nRain.\n\nMAYA (V.O.)\nHm.\n\nTOM\nMAYA? Here?\n"
    text = (
        '[[people]]\nname = "TOM"\ndescription = "x"\n'
        '[[people]]\nname = "MAYA"\ndescription = "x"\n[[sequence]]\nid = "a"\nscenes = [1]'
    )
    assert linted(text, "", play, PREVIZ) == []


def test_references_small_broken_and_of_another_shape(linted: Any, picture: Any) -> None:
    picture("small.png", 300, 170)
    picture("tall.png", 400, 600)
    picture("good.png", 320, 180)
    picture("broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and then nothing")
    risks = linted(
        """
        [[sequence]]
        id = "a"
        shot = [{ references = [
          "good.png",
          "small.png",
          "broken.png",
          { file = "tall.png", role = "last_frame" },
        ] }]
        """
    )
    assert [(r.code, r.severity, r.where) for r in risks] == [
        ("reference_unreadable", "stop", "brief.toml line 8"),
        ("reference_small", "warn", "brief.toml line 7"),
        ("shape_changes", "warn", "brief.toml line 9"),
    ]
    assert "at least 180 px" in risks[1].fix


def test_a_reference_that_went_missing_meanwhile(opened: Any, picture: Any) -> None:
    path = picture("m.png")
    project = opened('[[sequence]]\nid = "a"\nshot = [{ references = ["m.png"] }]')
    path.unlink()
    risk = one(lint.lint(project.plan, project.brief))
    assert (risk.code, risk.severity) == ("reference_missing", "stop")


def test_references_that_a_model_does_not_take(linted: Any, picture: Any) -> None:
    picture("m.png", 1280, 720)
    text = ('size = "1280x720"\n[[sequence]]\nid = "a"\nshot = [{ references = ["m.png", '
            '{ file = "m.png", role = "first_frame" }] }]')  # fmt: skip
    blind = Capability("blind", ("video",), 8.0)
    assert [r.code for r in linted(text, "", None, blind)] == ["reference_unused"] * 2
    assert [r.sentence for r in linted(text, "", None, VEO)] == [
        "veo cannot be told the first frame of a take."
    ]


def test_a_size_and_a_length_that_the_model_does_not_make(linted: Any) -> None:
    text = (
        'size = "640x640"\n[[sequence]]\nid = "a"\nshot = [{ duration_s = 12 }, { duration_s = 8 }]'
    )
    size, length = linted(text, "", None, VEO)
    assert (size.code, size.severity) == ("size", "stop")
    assert size.fix == 'Write size = "1280x720".'
    assert (length.code, length.severity, length.where) == ("too_long", "stop", "brief.toml line 5")
    assert "a.A lasts 12 s, and the longest take of veo 8 s" in length.sentence


def test_four_hundred_shots_that_are_too_long_are_one_sentence(linted: Any) -> None:
    text = (
        'size = "1280x720"\n[[places]]\nname = "o"\n[[sequence]]\nid = "a"\nplace = "o"\n'
        "[sequence.establishing]\nshots = 400\ndurations_s = [2, 9]"
    )
    risk = one(linted(text, "", None, VEO))
    assert "(and 199 more from here)" in risk.sentence


def test_stills_models_are_not_asked_for_films(linted: Any) -> None:
    still = Capability("still", ("image",), 0.0, ((64, 64),))
    assert linted('[[sequence]]\nid = "a"\nshot = [{}]', "", None, still) == []


@pytest.mark.parametrize(
    ("option", "code"),
    [('ratio = "1:1"', "shape_changes"), ('size = "1920x1080"', None), ("fps = 25", "rate_changes"),
     ("fps = 24", None), ('rate = "24"', None), ('resolution = "720p"', None),
     ('aspect_ratio = "9:16"', "shape_changes")],
)  # fmt: skip
def test_options_that_change_shape_or_rate(linted: Any, option: str, code: str | None) -> None:
    risks = linted(f'[generators.previz]\n{option}\n[[sequence]]\nid = "a"\nshot = [{{}}]')
    assert [(r.code, r.severity, r.where) for r in risks] == (
        [(code, "stop", "brief.toml line 2")] if code else []
    )


TWO = PEOPLE + 'people = ["MAYA"]\nshot = [{}, {}, {}, {}]'


def test_a_look_that_says_two_things_of_the_same_shots(linted: Any) -> None:
    both = '[expect]\n"lighting/key_side" = [{ value = "left" }, { value = "right" }]'
    risk = one(linted(TWO, both, None, PREVIZ))
    assert (risk.code, risk.severity, risk.where) == (
        "look_contradicts",
        "stop",
        "look.toml line 2",
    )
    part = both.replace('"right"', '"right", from = "a.C"')
    risk = one(linted(TWO, part, None, PREVIZ))
    assert risk.severity == "warn"
    assert 'from = "a.C"' in risk.fix


def test_a_change_between_them_makes_it_right(linted: Any) -> None:
    look = (
        '[[change]]\npath = "lighting/key_side"\nfrom = "a.C"\n[expect]\n'
        '"lighting/key_side" = [{ value = "left" }, { value = "right", from = "a.C" }]'
    )
    assert linted(TWO, look, None, PREVIZ) == []


@pytest.mark.parametrize(
    "look",
    [
        '"wardrobe/maya/jacket" = [{ value = "navy" }, { value = "#000080" }]',
        '"wardrobe/maya/jacket" = [{ value = "navy", to = "a.B" }, '
        '{ value = "teal", from = "a.C" }]',
        '"wardrobe/*/jacket" = "teal"\n"wardrobe/maya/jacket" = "navy"',
    ],
)
def test_a_look_that_does_not_contradict_itself(linted: Any, look: str) -> None:
    assert linted(TWO, f"[expect]\n{look}", None, PREVIZ) == []


def test_two_garments_that_are_measured_as_one(linted: Any) -> None:
    look = '[expect]\n"wardrobe/maya/jacket" = "navy"\n"wardrobe/maya/shirt" = "white"'
    risk = one(linted(TWO, look, None, PREVIZ))
    assert (risk.severity, risk.where) == ("warn", "look.toml line 3")
    assert "one thing to the wardrobe check" in risk.sentence


def test_brief_and_look_that_tell_clothes_differently(linted: Any) -> None:
    risk = one(linted(TWO, '[expect]\n"wardrobe/maya/jacket" = "teal"', None, PREVIZ))
    assert (risk.code, risk.where) == ("look_contradicts", "look.toml line 2")
    assert "navy by brief.toml line 4 and teal in every shot of 'a'" in risk.sentence


def test_a_declared_change_to_what_is_so_already(linted: Any) -> None:
    look = '[[change]]\npath = "wardrobe/maya/jacket"\nfrom = "a.C"\nvalue = "navy"\n' \
           '[expect]\n"wardrobe/maya/jacket" = "#000080"'  # fmt: skip
    risk = one(linted(TWO, look, None, PREVIZ))
    assert (risk.code, risk.where) == ("change_of_nothing", "look.toml line 2")


def test_clothes_that_are_expected_where_nobody_is(linted: Any) -> None:
    text = TWO + '\n[[sequence]]\nid = "empty"\nshot = [{}]'
    risk = one(linted(text, '[expect]\n"wardrobe/maya/jacket" = "navy"', None, PREVIZ))
    assert (risk.code, risk.where) == ("nobody_there", "look.toml line 2")
    scoped = '[expect]\n"wardrobe/maya/jacket" = { value = "navy", sequence = "a" }'
    assert linted(text, scoped, None, PREVIZ) == []


@pytest.mark.parametrize("path", ["wardrobe/tom", "/Wardrobe/Tom/hat", "wardrobe/tom/*"])
def test_however_the_path_is_written(linted: Any, path: str) -> None:
    risk = one(linted(TWO, f'[expect]\n"{path}" = "teal"', None, PREVIZ))
    assert (risk.code, risk.where) == ("nobody_there", "look.toml line 2")


@pytest.mark.parametrize("path", ["wardrobe", "wardrobe/*/jacket", "wardrobe/*", "*"])
def test_a_path_of_everybody_is_nobody_in_particular(linted: Any, path: str) -> None:
    risks = linted(TWO, f'[expect]\n"{path}" = "navy"', None, PREVIZ)
    assert risks == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('action = "MAYA in a crimson jacket."', "the action says 'crimson jacket'"),
        ('prompt = "Her red jacket glows."', "the prompt says 'red jacket'"),
        ('action = "Her jacket is pale green."', "the action says 'pale green jacket'"),
        ('action = "MAYA in a blue jacket and a white shirt."', None),
        ('action = "A red car. The jacket is wet."', None),
        ("action = 'MAYA says: \"A red jacket?\"'", None),
        ('action = "TOM in a crimson jacket and MAYA wait."', None),
    ],
)
def test_another_colour_than_the_look(linted: Any, words: str, said: str | None) -> None:
    text = (
        '[[people]]\nname = "TOM"\nwardrobe = { jacket = "#cc1030" }\n'
        + PEOPLE + f'shot = [{{ people = ["MAYA", "TOM"], {words} }}]'
        if "TOM" in words
        else PEOPLE + f'shot = [{{ people = ["MAYA"], {words} }}]'
    )  # fmt: skip
    risks = linted(text, "", None, PREVIZ)
    if said is None:
        assert risks == []
    else:
        risk = one(risks)
        assert (risk.code, risk.severity, risk.where) == (
            "other_colour",
            "stop",
            "brief.toml line 9",
        )
        assert said in risk.sentence
        assert "MAYA's jacket is navy (brief.toml line 4)" in risk.sentence


def test_a_declared_change_is_what_the_words_are_held_against(linted: Any) -> None:
    look = '[[change]]\npath = "wardrobe/maya/jacket"\nfrom = "a.B"\nvalue = "crimson"\n' \
           '[expect]\n"wardrobe/maya/jacket" = "navy"'  # fmt: skip
    action = 'action = "MAYA in a red jacket."'
    text = PEOPLE + f'people = ["MAYA"]\nshot = [{{ {action} }}, {{ {action} }}]'
    assert one(linted(text, look, None, PREVIZ)).sentence.startswith("a.A: ")


def test_a_note_that_declares_nothing(linted: Any) -> None:
    play = "INT. A - DAY\n\nRain.\n\n[[wardrobe: ask Ana]]\n"
    risk = one(linted('[[sequence]]\nid = "a"\nscenes = [1]', "", play, PREVIZ))
    assert (risk.code, risk.where) == ("note_unread", "script.fountain line 5")


def test_what_stops_comes_first(linted: Any) -> None:
    text = PEOPLE + 'shot = [{ people = ["MAYA"], action = "A red jacket.", duration_s = 9 }]'
    risks = linted(text, "", None, VEO)
    assert [r.severity for r in risks] == ["stop", "stop", "warn"]
