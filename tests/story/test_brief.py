from __future__ import annotations

import copy
import json
import re
import time
import tomllib
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest

from filmgate import registry
from filmgate.errors import BadSetting
from filmgate.schema.brief import Brief, Budget, GeneratorChoice, Rates
from filmgate.schema.plan import Framing, KeySide, Move, Plan, Role
from filmgate.story import brief, cast, sequences

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "brief.schema.json").read_text(encoding="utf-8"))
BASE = """
[[people]]
name = "MAYA"
[[people]]
name = "Tom Reyes"
[[places]]
name = "kitchen"
[[sequence]]
id = "one"
"""


def example() -> str:
    text = (ROOT / "docs" / "brief.md").read_text(encoding="utf-8")
    return text.split("```toml\n")[1].split("```")[0]


def test_the_documented_example_is_ten_lines_and_works(opened: Any) -> None:
    text = example()
    assert len(text.strip().splitlines()) == 10
    jsonschema.validate(tomllib.loads(text), SCHEMA)
    project = opened(text)
    shots = list(project.plan.shots())
    assert [s.slate for s in shots] == ["breakfast.A", "breakfast.B"]
    assert [s.people for s in shots] == [(), ("MAYA",)]
    assert {s.light.cct_k for s in shots} == {3200}
    assert shots[1].source == "brief.toml line 10"
    assert project.brief.budget == Budget(usd=20, takes_per_shot=3)


def test_defaults(opened: Any) -> None:
    project = opened('[[sequence]]\nid = "a"\nshot = [{}]')
    plan, told = project.plan, project.brief
    assert (plan.size, plan.rate, plan.look) == ((640, 360), "24", "")
    assert told.takes == 1
    assert told.budget == Budget()
    assert told.rates == Rates()
    assert told.generators == (GeneratorChoice(name="previz"),)
    shot = next(plan.shots())
    assert (shot.framing, shot.move, shot.duration_s, shot.lens_mm) == ("wide", "static", 4.0, None)
    assert Brief.model_validate_json(told.model_dump_json()) == told
    assert Plan.model_validate_json(plan.model_dump_json()) == plan


def test_a_shot_wins_over_its_sequence_and_light_is_joined_key_by_key(opened: Any) -> None:
    project = opened(
        BASE
        + """
        place = "kitchen"
        people = ["MAYA"]
        framing = "full"
        duration_s = 3
        light = { key_side = "left", cct_k = 3200 }
        [[sequence.shot]]
        [[sequence.shot]]
        people = []
        framing = "close"
        light = { cct_k = 5600 }
        """
    )
    one, two = project.plan.shots()
    assert (one.place, one.people, one.framing, one.duration_s) == ("kitchen", ("MAYA",), "full", 3)
    assert (two.people, two.framing, two.duration_s) == ((), "close", 3)
    assert (two.light.key_side, two.light.cct_k) == ("left", 5600)


def test_slates_count_per_scene_through_sequences_and_leave_written_ones_alone(opened: Any) -> None:
    project = opened(
        """
        [[sequence]]
        id = "a"
        scene = 12
        shot = [{}, { slate = "12C" }, {}, { scene = "7a" }]
        [[sequence]]
        id = "b"
        scene = "12"
        shot = [{}, { slate = "12A_pickup" }, { scene = "7-a" }]
        """
    )
    slates = [s.slate for s in project.plan.shots()]
    assert slates == ["12A", "12C", "12B", "7a.A", "12D", "12A_pickup", "7_a.A"]


def test_letters_skip_i_and_o_and_go_on_after_z(opened: Any) -> None:
    project = opened('[[sequence]]\nid = "a"\nscene = "1"\nshot = [' + "{}," * 26 + "]")
    slates = [s.slate for s in project.plan.shots()]
    assert slates[7:9] == ["1H", "1J"]
    assert slates[12:14] == ["1N", "1P"]
    assert slates[23:] == ["1Z", "1AA", "1AB"]


@pytest.mark.parametrize(
    ("written", "rate"),
    [("24", "24"), ("25.0", "25"), ("23.976", "24000/1001"), ("29.97", "30000/1001"),
     ('"24000/1001"', "24000/1001"), ("12.5", "25/2"), ('"60"', "60")],
)  # fmt: skip
def test_a_rate_may_be_written_in_several_ways(opened: Any, written: str, rate: str) -> None:
    plan = opened(f'rate = {written}\n[[sequence]]\nid = "a"\nshot = [{{}}]').plan
    assert plan.rate == rate
    assert plan.frames_per_s() > 0


def test_generators_models_and_options(opened: Any) -> None:
    told = opened(
        """
        [generators.previz]
        drift_rate = 0.03
        nested = { a = [1, "b"] }
        [generators.runway]
        model = ["gen4.5", "veo3.1"]
        [generators.openai_videos]
        use = false
        model = "m"
        [[sequence]]
        id = "a"
        shot = [{}]
        """
    ).brief
    assert told.generators == (
        GeneratorChoice(name="previz", options={"drift_rate": 0.03, "nested": {"a": [1, "b"]}}),
        GeneratorChoice(name="runway", models=("gen4.5", "veo3.1")),
    )
    assert told.spare == (GeneratorChoice(name="openai_videos", models=("m",)),)
    assert told.where["generators/runway"] == "brief.toml line 6"


def test_readers_are_known_before_the_brief_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = registry.names
    monkeypatch.setattr(registry, "names",
                        lambda f: ["acme"] if f == "models.readers" else names(f))  # fmt: skip
    path = tmp_path / "brief.toml"
    path.write_text('[readers.acme]\nmodel = "m"\nmode = "slow"\n')  # the rest is not there yet
    (reader,) = brief.readers(path)
    assert (reader.name, reader.model, reader.options) == ("acme", "m", {"mode": "slow"})


def test_references_get_tags_and_are_found(opened: Any, picture: Any) -> None:
    for name in ("a.png", "b.png", "c.png"):
        picture(f"references/{name}")
    project = opened(
        """
        [[people]]
        name = "Jo"
        references = ["references/a.png", { file = "references/b.png", role = "style" }]
        [[places]]
        name = "kitchen"
        references = ["references/c.png"]
        [[sequence]]
        id = "a"
        [[sequence.shot]]
        references = [{ file = "references/b.png", role = "first_frame" },
                      { file = "references/a.png", of = "Jo" }]
        """
    )
    (jo,), (kitchen,) = project.plan.people, project.plan.places
    assert [(r.tag, r.role, r.of) for r in jo.references] == [
        ("joref", "asset", "Jo"), ("", "style", "Jo"),
    ]  # fmt: skip
    assert kitchen.references[0].tag == "kitchen"
    shot = next(project.plan.shots())
    assert [(r.role, r.of, r.tag) for r in shot.references] == [
        ("first_frame", "", ""), ("asset", "Jo", "joref2"),
    ]  # fmt: skip
    assert project.brief.where["references/references/c.png"] == "brief.toml line 8"


BAD = [
    ('[[sequnce]]\nid = "a"', 2, "unknown key 'sequnce'. Did you mean 'sequence'?"),
    ("size = '640x361'", 2, "two even numbers from 64 to 8192, not 640x361"),
    ("size = [32, 32]", 2, "not 32x32"),
    ("size = 640", 2, "is written as \"1280x720\", not 640"),
    ("rate = 0", 2, "from 1 to 240"),
    ('rate = "24/0"', 2, "from 1 to 240"),
    ("rate = true", 2, "from 1 to 240"),
    ("look = 'lok.toml'", 2, "there is no file 'lok.toml'. Did you mean 'look.toml'?"),
    ("script = ''", 2, "'script' must not be empty"),
    ("script = 'brief.toml'", None, "is not a script"),
    ("takes = 4", 2, "asks for 4 takes of each shot, but the budget allows 3"),
    ("[budget]\nusd = -1", 3, "'usd' must be a number from 0"),
    ("[budget]\nusd = nan", 3, "'usd' must be a number"),
    ("[budget]\ntake = 1", 3, "unknown key 'take' in 'budget'. Did you mean 'takes'?"),
    ("[budget]\ntakes_per_shot = 0", 3, "whole number from 1 to 100, not 0"),
    ("budget = 3", 2, "'budget' must be a table, not 3"),
    ("[rates]\nperson_usd_per_h = '60'", 3, "not '60'"),
    ("[generators.previs]", 2, "there is no generator 'previs'. Did you mean 'previz'?"),
    ("[generators.previz]\nuse = 1", 3, "true or false, not 1"),
    ("[generators.previz]\napi_key = 'x'", 3, "keys come from the environment only"),
    ("[generators.previz]\nday = 2026-01-01", 3, "must be text or a finite number"),
    ("[[people]]\nname = ''", 3, "'name' must not be empty"),
    ("[[people]]\ndescription = 'x'", 2, "'name' is missing"),
    ("people = ['MAYA']", 2, "'people' must hold tables, not 'MAYA'"),
    ("[people]\nname = 'x'", 2, "must be written as [[people]]"),
    (BASE + "[[people]]\nname = 'maya'", 12, "named before, on brief.toml line 4"),
    ("[[people]]\nname = 'a/b'", 3, "may not hold a '/'"),
    ("[[people]]\nname = 'A'\nwardrobe = { hat = 'nvy' }", 4, "the hat of A has no colour 'nvy'"),
    ("[[people]]\nname = 'A'\nreferences = ['no.png']", 4, "there is no file 'no.png'"),
    ("[[people]]\nname = 'A'\nreferences = [{ file = 'look.toml', role = 'x' }]", 4, "not 'x'"),
    ("[[people]]\nname = 'A'\nreferences = [{ file = 'look.toml', tag = 'ab' }]", 4, "3 to 16"),
    ("[[people]]\nname = 'A'\nreferences = [3]", 4, "a reference is a file, not 3"),
    ("[[places]]\nname = 'p'\nseed = -1", 4, "'seed' must be a whole number"),
    ("[[places]]\nname = 'p'\nsead = 1", 4, "Did you mean 'seed'?"),
    (BASE, 9, "the sequence 'one' needs one of"),
    (BASE + "scenes = 'all'", 11, "'scenes' are those of a script"),
    (BASE + "scenes = 'all'\nshot = []", 12, "'scenes'"),
    ("[[sequence]]\nshot = [{}]", 2, "a sequence needs an 'id'"),
    (BASE + "shot = [{}]\n[[sequence]]\nid = 'one'\nshot=[{}]", 13, "there before, on"),
    (BASE + "shot = [{ place = 'kitchn' }]", 11, "there is no place 'kitchn'. Did you mean"),
    (BASE + "shot = [{ place = 'KITCHEN' }]", 11, "Did you mean 'kitchen'?"),
    (BASE + "shot = [{ people = ['MYA'] }]", 11, "nobody called 'MYA'. Did you mean 'MAYA'?"),
    (BASE + "shot = [{ people = ['MAYA', 'MAYA'] }]", 11, "in the shot twice"),
    (BASE + "shot = [{ framing = 'closeup' }]", 11, "not 'closeup'. Did you mean 'close'?"),
    (BASE + "shot = [{ framing = ['close'] }]", 11, "must be one of"),
    (BASE + "shot = [{ lens_mm = 4 }]", 11, "from 8 to 400 mm, not 4"),
    (BASE + "shot = [{ duration_s = 0 }]", 11, "'duration_s' must be a number from 0.0416667"),
    (BASE + "shot = [{ duration_s = 601 }]", 11, "to 600 s, not 601"),
    (BASE + "shot = [{ duration_s = inf }]", 11, "not inf"),
    (BASE + "shot = [{ light = { cct_k = 300 } }]", 11, "1800 to 15000 kelvin"),
    (BASE + "shot = [{ light = { side = 'left' } }]", 11, "unknown key 'side' in 'light'"),
    (BASE + "shot = [{ sound = { level_lufs = 3 } }]", 11, "-70 to 0 LUFS"),
    (BASE + "shot = [{ slate = '1-A' }]", 11, "a slate has letters"),
    (BASE + "[[sequence.shot]]\nslate = '1A'\n[[sequence.shot]]\nslate = '1A'", 14,
     "the slate '1A' is there before, on brief.toml line 12"),
    (BASE + "shot = [{ size = '1x1' }]", 11, "holds for the whole production"),
    (BASE + "rate = 25\nshot = [{}]", 11, "holds for the whole production"),
    (BASE + "shot = [{ action = 3 }]", 11, "'action' must be text, not 3"),
    (BASE + "shot = [{ references = ['gone.png'] }]", 11, "there is no file 'gone.png'"),
    (BASE + "[sequence.establishing]\nshots = 3", 11, "needs a 'place'"),
    (BASE + "place = 'kitchen'\n[sequence.establishing]\nsetups = 3", 12, "needs 'shots'"),
    (BASE + "place = 'kitchen'\n[sequence.establishing]\nshots = 3\nsetups = 4", 14,
     "4 set-ups but only 3 shots"),
    (BASE + "place = 'kitchen'\n[sequence.establishing]\nshots = 3\nmoves = ['pan', 'jib']", 14,
     "'moves' cannot hold 'jib'"),
    (BASE + "place = 'kitchen'\n[sequence.establishing]\nshots = 3\nviews = ['a b']", 14,
     "a view is a word"),
    (BASE + "place = 'kitchen'\n[sequence.establishing]\nshots = 3\nactions = { dors = 'x' }", 14,
     "there is no view 'dors'. Did you mean 'doors'?"),
    (BASE + "place = 'kitchen'\nsetup = 'x'\n[sequence.establishing]\nshots = 3", 12,
     "'setup' is decided by 'establishing'"),
    ("", None, "has no shot"),
    ('title2 = "x', 2, "is not TOML"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "line", "part"), BAD, ids=range(len(BAD)))
def test_what_cannot_be_right_is_one_sentence_with_the_line(
    opened: Any, tmp_path: Path, text: str, line: int | None, part: str
) -> None:
    (tmp_path / "look.toml").write_text("")
    with pytest.raises(BadSetting) as caught:
        opened(f'title = "T"\n{text}')
    said = str(caught.value)
    assert part in said
    assert "\n" not in said
    assert said.startswith(str(tmp_path / "brief.toml"))
    if line is not None and "is not TOML" not in said:
        assert said.startswith(f"{tmp_path / 'brief.toml'} line {line}: "), said


@pytest.mark.parametrize("form", ["tables", "inline"])
@pytest.mark.parametrize(
    ("wrong", "part"),
    [
        ('framng = "close"', "unknown key 'framng' in 'shot'. Did you mean 'framing'?"),
        ('place = "kitchn"', "there is no place 'kitchn'. Did you mean 'kitchen'?"),
        ("duration_s = 0", "'duration_s'"),
        # Words that stand rightly in every other shot: searching for them finds the wrong line.
        ('people = ["kitchen"]', "nobody called 'kitchen'"),
        ("lens_mm = true", "not true"),
    ],
)
def test_a_thousand_shots_and_one_typo(opened: Any, form: str, wrong: str, part: str) -> None:
    good = 'place = "kitchen", people = ["MAYA"], framing = "close", duration_s = 2, lens_mm = 50'
    keep = ", ".join(p for p in good.split(", ") if p.split()[0] != wrong.split()[0])
    shots = [good] * 1000
    shots[733] = f"{keep}, {wrong}"
    if form == "inline":
        text = BASE + "shot = [\n" + "\n".join(f"{{ {s} }}," for s in shots) + "\n]"
        line = text.splitlines().index(f"{{ {shots[733]} }},") + 2  # the title stands before
    else:
        lines = [f"[[sequence.shot]]\n{s.replace(', ', chr(10))}" for s in shots]
        text = BASE + "\n".join(lines)
        line = text.splitlines().index(wrong, 733 * 6) + 2
    start = time.perf_counter()
    with pytest.raises(BadSetting) as caught:
        opened('title = "T"\n' + text)
    assert time.perf_counter() - start < 5
    said = str(caught.value)
    assert f"brief.toml line {line}: " in said
    assert part in said
    assert "\n" not in said


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"brief\.toml: there is no such file"):
        brief.read(tmp_path / "brief.toml")
    (tmp_path / "brief.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(BadSetting, match="not a text file in UTF-8"):
        brief.read(tmp_path / "brief.toml")
    with (tmp_path / "brief.toml").open("wb") as file:
        file.truncate(30_000_000)
    with pytest.raises(BadSetting, match="30 MB"):
        brief.read(tmp_path / "brief.toml")


# ------------------------------------------------------------------ the published schema


def test_the_schema_knows_the_keys_that_the_reader_knows() -> None:
    defs = SCHEMA["$defs"]
    told = {
        brief.TOP: SCHEMA,
        brief.BUDGET: SCHEMA["properties"]["budget"],
        brief.RATES: SCHEMA["properties"]["rates"],
        brief.GENERATOR: SCHEMA["properties"]["generators"]["additionalProperties"],
        brief.READER: SCHEMA["properties"]["readers"]["additionalProperties"],
        cast.PERSON: defs["person"],
        cast.PLACE: defs["place"],
        cast.REFERENCE: defs["reference"]["anyOf"][1],
        sequences.SHOT: defs["shot"],
        sequences.SEQUENCE: defs["sequence"],
        sequences.ESTABLISHING: defs["establishing"],
        sequences.LIGHT: defs["light"],
        sequences.SOUND: defs["sound"],
    }
    for known, part in told.items():
        assert set(part["properties"]) == set(known)


def test_every_key_is_told_in_the_document() -> None:
    text = (ROOT / "docs" / "brief.md").read_text(encoding="utf-8")
    groups = (
        brief.TOP, brief.BUDGET, brief.RATES, brief.GENERATOR, cast.PERSON, cast.PLACE,
        cast.REFERENCE, sequences.SHOT, sequences.SEQUENCE, sequences.ESTABLISHING,
        sequences.LIGHT, sequences.SOUND,
    )  # fmt: skip
    words = {*re.findall(r"[a-z_]+", " ".join(re.findall(r"`[^`]*`", text)))}
    assert {key for group in groups for key in group} <= words


def test_the_schema_knows_the_words_that_the_plan_knows() -> None:
    defs = SCHEMA["$defs"]
    assert defs["framing"]["enum"] == list(get_args(Framing))
    assert defs["move"]["enum"] == list(get_args(Move))
    assert defs["light"]["properties"]["key_side"]["enum"] == list(get_args(KeySide))
    roles = defs["reference"]["anyOf"][1]["properties"]["role"]["enum"]
    assert roles == list(get_args(Role))
    breakdown = defs["sequence"]["properties"]["breakdown"]["enum"]
    assert breakdown == list(sequences.BREAKDOWNS)


FULL: dict[str, Any] = {
    "title": "T", "style": "s", "size": "640x360", "rate": 24, "takes": 1,
    "budget": {"usd": 1, "seconds": 1, "takes": 1, "takes_per_shot": 100},
    "rates": {"machine_usd_per_h": 1, "person_usd_per_h": 1},
    "people": [{"name": "MAYA", "wardrobe": {"jacket": "navy"}}],
    "places": [{"name": "p", "kind": "liminal", "seed": 1}],
    "sequence": [
        {"id": "a", "shot": [{
            "slate": "9A", "scene": 9, "setup": "x", "place": "p", "people": ["MAYA"],
            "time_of_day": "day", "framing": "wide", "lens_mm": 35, "move": "static",
            "duration_s": 2, "action": "a", "prompt": "b", "references": [],
            "light": {"key_side": "left", "cct_k": 5000, "level_stops": 0, "description": ""},
            "sound": {"tone": "hum", "level_lufs": -30, "description": ""}}]},
        {"id": "b", "place": "p", "establishing": {
            "shots": 4, "setups": 2, "views": ["doors"], "framings": ["wide"], "lenses_mm": [18],
            "moves": ["pan"], "durations_s": [2], "actions": {"doors": "d"}, "seed": 1}},
    ],
}  # fmt: skip
NUMBERS = (-(10**12), -71, -6, -1, 0, 0.5, 2, 7, 101, 401, 601, 15001, 10**12)
OTHERS = ("x", "", True, [], ["x"], {"x": 1})


def leaves(value: Any, key: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    found = [key] if key else []
    for name, item in items:
        found += leaves(item, (*key, name))
    return found


def replaced(key: tuple[Any, ...], value: Any) -> dict[str, Any]:
    made = copy.deepcopy(FULL)
    holder: Any = made
    for part in key[:-1]:
        holder = holder[part]
    holder[key[-1]] = value
    return made


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {toml(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return json.dumps(value)


def read_error(tmp_path: Path, values: dict[str, Any]) -> str | None:
    path = tmp_path / "brief.toml"
    path.write_text("\n".join(f"{k} = {toml(v)}" for k, v in values.items()), encoding="utf-8")
    try:
        brief.read(path)
    except BadSetting as error:
        return str(error)
    return None


ONLY_READ = (
    "there is no", "nobody", "no colour", "sequence 'b'", "set-ups but only", "takes of each",
    "is there before", "a sequence needs", "a slate has", "needs a 'place'",
    "a view is", "is empty", "must not be empty", "has no shot",
)  # fmt: skip
"""What only the reader can know: names that must exist, and words of a form of their own."""


def test_the_full_brief_is_right(tmp_path: Path) -> None:
    assert read_error(tmp_path, FULL) is None
    jsonschema.validate(FULL, SCHEMA)


VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


@pytest.mark.parametrize("key", leaves(FULL), ids=lambda k: ".".join(map(str, k)))
def test_reader_and_schema_agree_on_every_value(tmp_path: Path, key: tuple[Any, ...]) -> None:
    """Each value of a full brief replaced by 19 others: refused by both, or taken by both."""
    for other in (*NUMBERS, *OTHERS):
        values = replaced(key, other)
        refused = read_error(tmp_path, values)
        valid = VALIDATOR.is_valid(values)
        if refused is not None and any(part in refused for part in ONLY_READ):
            continue
        assert (refused is None) == valid, (other, refused)
