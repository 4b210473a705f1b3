from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from filmgate.continuity import look_file
from filmgate.errors import BadSetting
from filmgate.schema.look import Look
from filmgate.schema.shot import Sequence, Shot

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "look.schema.json").read_text())
KITCHEN = Sequence("kitchen", tuple(Shot(f"shot_{n}", "kitchen", f"{n}.mp4") for n in range(1, 9)))
STREET = Sequence("street", tuple(Shot(f"ext_{n}", "street", f"e{n}.mp4") for n in range(1, 4)))


def read(tmp_path: Path, text: str) -> Look:
    path = tmp_path / "look.toml"
    path.write_text(text, encoding="utf-8")
    jsonschema.validate(tomllib.loads(text), SCHEMA)
    return look_file.read(path, [KITCHEN, STREET])


def example() -> str:
    text = (ROOT / "docs" / "look.md").read_text(encoding="utf-8")
    return text.split("```toml\n")[1].split("```")[0]


def test_the_documented_example_is_ten_lines_and_works(tmp_path: Path) -> None:
    text = example()
    assert len(text.strip().splitlines()) == 10
    look = read(tmp_path, text).bind(KITCHEN)
    before = look.expectation_for("wardrobe/maya/upper", "shot_2")
    after = look.expectation_for("wardrobe/maya/upper", "shot_6")
    assert before is not None
    assert before.hex == "#1b2a4a"
    assert before.author == "Ana Reyes"
    assert after is not None
    assert after.value == "crimson"
    assert look.scene_of("shot_3") == "breakfast"
    assert [p.name for p in look.people] == ["maya"]


@pytest.mark.parametrize("colour", ["#1b2a4a", "#abc", "navy", "Dark Green", "lab(30 5 -20)"])
def test_a_colour_may_be_written_in_three_ways(tmp_path: Path, colour: str) -> None:
    look = read(tmp_path, f'[expect]\n"wardrobe/maya/jacket" = "{colour}"')
    assert look.expectations[0].lab is not None


def test_numbers_words_and_other_shots_are_values_too(tmp_path: Path) -> None:
    look = read(
        tmp_path,
        """
        [expect]
        "sound/loudness_lufs" = -23
        "lighting/key_side" = "left"
        grade = { like = "shot_3", from = "shot_4" }
        """,
    )
    assert [e.value for e in look.expectations] == [-23.0, "left", None]
    assert look.expectations[2].like == "shot_3"


def test_a_scope_limits_an_expectation(tmp_path: Path) -> None:
    look = read(
        tmp_path,
        '[expect]\n"lighting/cct_k" = '
        '[{value = 5600, to = "shot_4"}, {value = 3200, from = "shot_5"}]',
    ).bind(KITCHEN)
    values = [look.expectation_for("lighting/cct_k", f"shot_{n}") for n in (1, 4, 5, 8)]
    assert [v.value for v in values if v] == [5600, 5600, 3200, 3200]


def test_a_change_lies_between_inside_and_outside_its_range(tmp_path: Path) -> None:
    text = '[[change]]\npath = "wardrobe/maya/*"\nfrom = "shot_3"\nto = "shot_5"'
    look = read(tmp_path, text).bind(KITCHEN)
    path = "wardrobe/maya/upper"
    assert look.change_for(path, "shot_2", "shot_3")
    assert look.change_for(path, "shot_1", "shot_5")
    assert look.change_for(path, "shot_6", "shot_5")
    assert not look.change_for(path, "shot_3", "shot_5")
    assert not look.change_for(path, "shot_1", "shot_8")
    assert not look.change_for("wardrobe/tom/upper", "shot_2", "shot_3")
    assert [bool(look.changes_at(f"shot_{n}")) for n in range(1, 9)] == [
        False, False, True, False, False, True, False, False,
    ]  # fmt: skip


def test_a_gradual_change_allows_every_step_and_demands_none(tmp_path: Path) -> None:
    text = '[[change]]\npath = "lighting"\nfrom = "shot_3"\nto = "shot_5"\ngradual = true'
    look = read(tmp_path, text).bind(KITCHEN)
    steps = [look.change_for("lighting/level", f"shot_{n}", f"shot_{n + 1}") for n in range(1, 8)]
    assert [bool(s) for s in steps] == [False, True, True, True, False, False, False]
    assert look.change_for("lighting/level", "shot_1", "shot_8")
    assert look.changes_at("shot_3") == ()


def test_a_change_without_a_value_suspends_what_was_expected(tmp_path: Path) -> None:
    text = """
        [expect]
        "wardrobe/maya/jacket" = "navy"
        [[change]]
        path = "wardrobe/maya/jacket"
        from = "shot_5"
        """
    look = read(tmp_path, text).bind(KITCHEN)
    assert look.expectation_for("wardrobe/maya/upper", "shot_4")
    assert look.expectation_for("wardrobe/maya/upper", "shot_5") is None


def test_a_look_speaks_of_the_sequences_its_shots_are_in(tmp_path: Path) -> None:
    look = read(tmp_path, '[scenes]\nmarket = { from = "street/ext_2", to = "ext_3" }')
    assert look.bind(STREET).scene_of("ext_2") == "market"
    assert look.bind(STREET).scene_of("ext_1") is None
    assert look.bind(KITCHEN).scenes == ()


BAD = {
    "unknown key": ("expct = 1", "line 1", "'expct'", "Did you mean 'expect'?"),
    "unknown key inside": (
        '[expect]\ngrade = { valu = "warm" }', "line 2", "'valu'", "Did you mean 'value'?",
    ),
    "unknown check": ('[expect]\n"wardrob/maya" = "navy"', "line 2", "Did you mean 'wardrobe'?"),
    "colour": (
        'author = "A"\n[expect]\n"wardrobe/maya/jacket" = "nvy"',
        "line 3", "wardrobe/maya/jacket", "'nvy' is not a colour", "Did you mean 'navy'?",
    ),
    "hex colour": ('[expect]\n"world/cup" = "#12345g"', "line 2", "'#12345g' is not a colour"),
    "number": ('[expect]\n"lighting/cct_k" = "warm"', "line 2", "must be a number"),
    "shot": (
        '[[change]]\npath = "grade"\nfrom = "shot_33"',
        "line 3", "no shot 'shot_33'", "Did you mean 'shot_3'?",
    ),
    "backwards": (
        '[scenes]\ndinner = { from = "shot_5", to = "shot_2" }', "line 2", "runs backwards",
    ),
    "sequence": (
        '[scenes]\nx = { from = "shot_1", sequence = "kitchn" }', "line 2", "'kitchn'", "'kitchen'",
    ),
    "no first shot": ('[[change]]\npath = "grade"', "line 2", "needs 'from'"),
    "box": ('[people]\nmaya = { shot = "shot_1", box = [0, 0, 2, 1] }', "line 2", "[x, y, w, h]"),
    "nobody": ("[people]\nmaya = { }", "line 2", "either 'shot' or 'label'"),
    "not toml": ("[expect", "is not TOML"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_right_is_told_in_one_sentence(tmp_path: Path, name: str) -> None:
    text, *parts = BAD[name]
    path = tmp_path / "look.toml"
    path.write_text(text)
    with pytest.raises(BadSetting) as caught:
        look_file.read(path, [KITCHEN, STREET])
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    "name", ["unknown key", "unknown key inside", "no first shot", "box", "nobody"]
)
def test_the_published_schema_refuses_the_same(name: str) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tomllib.loads(BAD[name][0]), SCHEMA)


@pytest.mark.parametrize("side", ["left", "Right", "even"])
def test_a_key_has_three_sides(tmp_path: Path, side: str) -> None:
    look = read(tmp_path, f'[expect]\n"lighting/key_side" = "{side}"').bind(KITCHEN)
    assert look.expectation_for("lighting/key_side", "shot_1") is not None


@pytest.mark.parametrize("side", ["above", "lft", "red"])
def test_another_side_is_refused(tmp_path: Path, side: str) -> None:
    with pytest.raises(BadSetting, match=r"look\.toml line 2.*'left', 'right' or 'even'"):
        read(tmp_path, f'[expect]\n"lighting/key_side" = "{side}"')
