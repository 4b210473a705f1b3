from __future__ import annotations

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from filmgate.errors import BadSetting
from filmgate.gap import pipeline_file
from filmgate.gap.pipeline import Option, Pipeline
from filmgate.gap.placement import plan

ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "schemas" / "pipeline.schema.json").read_text())
EXAMPLES = sorted((ROOT / "examples" / "pipelines").glob("*.toml"))


def read(tmp_path: Path, text: str) -> Pipeline:
    path = tmp_path / "pipeline.toml"
    path.write_text(text, encoding="utf-8")
    return pipeline_file.read(path)


def example() -> str:
    text = (ROOT / "docs" / "gap_plan.md").read_text(encoding="utf-8")
    return text.split("```toml\n")[1].split("```")[0]


def test_the_documented_example_is_ten_lines_and_works(tmp_path: Path) -> None:
    text = example()
    assert len(text.strip().splitlines()) == 10
    jsonschema.validate(tomllib.loads(text), SCHEMA)
    pipeline = read(tmp_path, text)
    assert len(pipeline.steps) == 30
    assert pipeline.is_chain
    assert (pipeline.beta, pipeline.delta, pipeline.escape_cost) == (0.1, 0.8, 5000)
    assert pipeline.verifiers[0].fallback == ("pass", "editor")
    assert pipeline.assumed == ()
    assert plan(pipeline).outcome.good > 0.97


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_shipped_pipelines_follow_the_schema(path: Path) -> None:
    jsonschema.validate(tomllib.loads(path.read_text()), SCHEMA)
    assert pipeline_file.read(path).steps


def test_the_schema_and_the_reader_know_the_same_keys() -> None:
    assert set(SCHEMA["properties"]) == set(pipeline_file.TOP)
    for table, keys in (
        ("step", pipeline_file.STEP),
        ("verifier", pipeline_file.VERIFIER),
        ("person", pipeline_file.PERSON),
    ):
        assert set(SCHEMA["$defs"][table]["properties"]) == set(keys)


def test_what_is_not_declared_is_said_to_be_assumed(tmp_path: Path) -> None:
    pipeline = read(tmp_path, '[[step]]\nname = "a"\nyield = 0.9')
    assert [line[0] for line in pipeline.assumed] == ["β", "δ"]
    assert (pipeline.beta, pipeline.delta) == (0.0, 1.0)


def test_steps_connect_in_the_order_of_the_file_or_by_name(tmp_path: Path) -> None:
    pipeline = read(
        tmp_path,
        """
        vote = [2]
        [[step]]
        name = "end"
        yield = 0.9
        after = ["left", "right"]
        join = 1
        [[step]]
        name = "start"
        yield = 0.8
        repeat = 3
        after = []
        [[step]]
        name = "left"
        yield = 0.7
        node = "vote/2"
        [[step]]
        name = "right"
        yield = 0.6
        after = "start"
        """,
    )
    assert [s.name for s in pipeline.steps] == [
        "start 1", "start 2", "start 3", "left", "right", "end"
    ]  # fmt: skip
    assert [s.after for s in pipeline.steps][1:5] == [
        ("start 1",), ("start 2",), ("start 3",), ("start 3",)
    ]  # fmt: skip
    assert pipeline.steps[5].needs == 1
    assert pipeline.steps[3].node == Option(lead=2)
    assert not pipeline.is_chain


STEP = '[[step]]\nname = "a"\nyield = 0.9\n'
JUDGE = '[[verifier]]\nname = "judge"\nsensitivity = 0.9\nfalse_alarm = 0.05\n'
BAD = {
    "nothing": ("", "there is no step"),
    "not TOML": ("[[step]\nname = 1", "is not TOML: .*line 1"),
    "yield above 1": (STEP.replace("0.9", "1.2"), "line 3: 'yield' of step 'a' .*0 to 1, not 1.2"),
    "yield below 0": (STEP.replace("0.9", "-0.1"), "line 3: .* not -0.1"),
    "yield nan": (STEP.replace("0.9", "nan"), "line 3: .* not nan"),
    "yield as text": (STEP.replace("0.9", '"high"'), "line 3: .* must be a number"),
    "yield as truth": (STEP.replace("0.9", "true"), "line 3: .* must be a number"),
    "no yield": ('[[step]]\nname = "a"', "line 1: 'yield' of step 'a' is missing"),
    "no name": ("[[step]]\nyield = 0.5", "line 1: a step has no 'name'"),
    "blank name": ('[[step]]\nname = " "\nyield = 0.5', "line 2: .* must be text"),
    "unknown key": (STEP + "yeild = 1", "line 4: unknown key 'yeild' .* mean 'yield'"),
    "unknown key at the top": ("betta = 1\n" + STEP, "line 1: unknown key 'betta'.* 'beta'"),
    "beta above 1": ("beta = 1.5\n" + STEP, "line 1: 'beta' must be from 0 to 1, not 1.5"),
    "infinite cost": (STEP + "cost = inf", "line 4: 'cost' of step 'a' .* not inf"),
    "endless cost": (STEP + "cost = 1" + "0" * 400, "line 4: 'cost' of step 'a'"),
    "negative price": ("escape_cost = -1\n" + STEP, "line 1: 'escape_cost' must be of at least 0"),
    "table for a list": ('[step]\nname = "a"\nyield = 1', r"line 1: .* written as \[\[step\]\]"),
    "two of one name": (STEP + STEP, "line 5: there are two steps named 'a'"),
    "a repeat of one name": (
        STEP + "repeat = 2\n" + STEP.replace('"a"', '"a 2"'), "line 6: .* named 'a 2'"
    ),
    "no such step": (
        STEP + STEP.replace('"a"', '"b"') + 'after = ["aa"]', "line 7: .* no step 'aa'.* mean 'a'"
    ),
    "a circle": (
        STEP + 'after = ["c"]\n' + STEP.replace('"a"', '"b"') + STEP.replace('"a"', '"c"'),
        "line 4: the steps go in a circle: 'a' → 'b' → 'c' → 'a'",
    ),
    "itself": (STEP + 'after = ["a"]', "line 4: the steps go in a circle: 'a' → 'a'"),
    "two ends": (
        STEP + STEP.replace('"a"', '"b"') + "after = []",
        "line 2: the steps do not connect.*'a'.*'b'",
    ),
    "a join of too many": (STEP + "join = 2", "line 4: 'join' of step 'a'"),
    "an unknown join": (STEP + 'join = "most"', "line 4: 'join' of step 'a' .* not 'most'"),
    "repeat of none": (STEP + "repeat = 0", "line 4: 'repeat' of step 'a' .* not '0'"),
    "a bad interval": (STEP + "interval = [0.9, 0.8]", r"line 4: .* must be \[low, high\]"),
    "unknown verifier": (STEP + 'verifiers = ["jugde"]\n' + JUDGE, "line 4: .* mean 'judge'"),
    "unknown node": (STEP + 'node = "judge/3/pass"', "line 4: .* there is no verifier 'judge'"),
    "a node misspelt": (STEP + 'node = "judge"\n' + JUDGE, "line 4: .* verifier/attempts/fallback"),
    "a node that may not be": (
        STEP + 'verifiers = []\nnode = "judge/1/pass"\n' + JUDGE, "line 5: .* may not stand there"
    ),
    "sensitivity above 1": (STEP + JUDGE.replace("0.9", "9"), "line 6: .* 'judge' .* not 9"),
    "no false alarms": (STEP + JUDGE.rsplit("f", 1)[0], "line 4: 'false_alarm' .* is missing"),
    "unknown person": (STEP + JUDGE + 'fallback = "bob"', "line 8: .* no person 'bob'"),
    "unknown reader": (STEP + JUDGE + 'by = "bob"', "line 8: .* no person 'bob'"),
    "attempts of none": (STEP + JUDGE + "attempts = [0]", "line 8: .* from 1 to 100, not '0'"),
    "no attempts": (STEP + JUDGE + "attempts = []", "line 8: .* is empty"),
    "a reserved name": (STEP + JUDGE.replace("judge", "pass"), "line 5: 'pass' cannot be the name"),
    "a person without price": (
        STEP + '[[person]]\nname = "bob"\naccuracy = 0.9', "line 4: 'cost' of .* 'bob' is missing"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD, ids=lambda c: c)
def test_what_cannot_be_right_is_one_sentence_with_file_and_line(tmp_path: Path, case: str) -> None:
    text, told = BAD[case]
    with pytest.raises(BadSetting, match=told) as caught:
        read(tmp_path, text)
    sentence = str(caught.value)
    assert sentence.startswith(str(tmp_path / "pipeline.toml"))
    assert "\n" not in sentence
    assert len(sentence) < 600


def test_a_line_is_found_in_inline_tables_too(tmp_path: Path) -> None:
    text = 'step = [\n  { name = "a", yield = 0.9 },\n  { name = "b", yield = 7 },\n]\n'
    with pytest.raises(BadSetting, match=r"line 3: 'yield' of step 'b'"):
        read(tmp_path, text)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="there is no such file"):
        pipeline_file.read(tmp_path / "none.toml")
