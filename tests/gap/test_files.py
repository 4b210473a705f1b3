"""What a user writes by hand: the table of traces, the mapping file, the solo runs."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from filmgate import gap
from filmgate.errors import BadSetting, UsageError
from filmgate.gap import importer, mapping, solo
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "gap.md").read_text(encoding="utf-8")


def schema(name: str) -> Any:
    return json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


def read(
    tmp_path: Path, text: str, name: str = "t.csv", **how: Any
) -> tuple[list[Trace], Problems]:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    problems = Problems()
    source = importer.source([path], "auto", problems)
    assert source.format == "table"
    return list(source.traces(Mapping(**how), problems)), problems


def example(language: str) -> str:
    return DOC.split(f"```{language}\n")[1].split("```")[0]


def test_the_documented_table_is_ten_lines_and_works(tmp_path: Path) -> None:
    text = example("csv")
    assert len(text.strip().splitlines()) == 10
    found, problems = read(tmp_path, text)
    assert problems.found() == ()
    assert [(t.item, t.outcome) for t in found] == [("shot_1", True), ("shot_2", False)]
    assert [(v.step, v.kind, v.outcome, v.flagged) for v in found[0].visits] == [
        ("script", "work", True, None), ("render", "work", None, None),
        ("verify_render", "verify", None, True), ("render", "work", True, None),
        ("verify_render", "verify", None, False),
    ]  # fmt: skip
    assert found[0].cost_usd == pytest.approx(1.22)
    head, *lines = text.strip().splitlines()
    for line in lines:
        row: dict[str, Any] = {
            k: v for k, v in zip(head.split(","), line.split(","), strict=True) if v
        }
        for key in ("attempt", "cost_usd", "time_s"):
            if key in row:
                row[key] = json.loads(row[key])
        jsonschema.validate(row, schema("gap_table"))


def test_the_documented_mapping_is_ten_lines_and_works(tmp_path: Path) -> None:
    text = example("toml")
    assert len(text.strip().splitlines()) == 10
    jsonschema.validate(tomllib.loads(text), schema("gap_edges"))
    path = tmp_path / "edges.toml"
    path.write_text(text)
    found = mapping.read(path)
    assert found.edges == (("script", "render"), ("script", "sound"), ("render", "mix"),
                           ("sound", "mix"))  # fmt: skip
    assert found.kind("qa_bot") == "verify"
    assert found.named("invoke_agent Writer") == "script"
    assert (found.final, found.step, found.threshold) == (
        ("final_correct",),
        ("step_correct",),
        0.7,
    )
    assert found.is_judge("llm_quality")


def test_the_documented_solo_file_works(tmp_path: Path) -> None:
    path = tmp_path / "solo.csv"
    path.write_text(DOC.split("```csv\n")[2].split("```")[0])
    assert solo.read(path) == {"script": solo.Solo(194, 200), "render": solo.Solo(188, 200)}


def test_rows_of_an_item_need_not_stand_together(tmp_path: Path) -> None:
    found, _ = read(tmp_path, "item,step,outcome\n1,a,1\n2,a,0\n1,b,pass\n2,b,fail\n")
    assert [[(v.step, v.outcome) for v in t.visits] for t in found] == [
        [("a", True), ("b", True)], [("a", False), ("b", False)],
    ]  # fmt: skip


def test_json_lines_and_parquet_say_the_same_as_csv(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [
        {"item": "1", "step": "a", "attempt": 1, "outcome": True, "cost": 0.5, "time": 2.0},
        {"item": "1", "step": "verify", "attempt": 1, "outcome": False, "cost": None, "time": 1.0},
        {"item": "1", "step": "end", "attempt": 1, "outcome": True, "cost": None, "time": None},
    ]
    wanted, _ = read(
        tmp_path,
        "item,step,attempt,outcome,cost,time\n1,a,1,1,0.5,2\n1,verify,1,flag,,1\n1,end,1,pass,,\n",
    )
    lines, _ = read(tmp_path, "\n".join(map(json.dumps, rows)), "t.jsonl")
    assert lines == wanted
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "t.parquet")
    problems = Problems()
    source = importer.source([tmp_path / "t.parquet"], "auto", problems)
    assert list(source.traces(Mapping(), problems)) == wanted


def test_runs_of_one_item_are_repeats(tmp_path: Path) -> None:
    text = "item,step,run,outcome\n" + "".join(
        f"i{i},end,{k},{int(i % 2 == 0)}\n" for i in range(10) for k in range(3)
    )
    (tmp_path / "t.csv").write_text(text)
    found = gap.measure([tmp_path / "t.csv"])
    assert found.repeats is not None
    assert found.repeats.trials == 3
    assert found.repeats.pass_hat[2].value == 0.5


def test_a_judges_rows_are_kept_apart(tmp_path: Path) -> None:
    found, _ = read(
        tmp_path, "item,step,outcome,label_by\n1,a,1,judge\n1,end,1,judge\n1,end,0,person\n"
    )
    assert (found[0].outcome, found[0].judged) == (False, True)
    assert found[0].visits[0].outcome is None


@pytest.mark.parametrize(
    ("row", "line", "told"),
    [
        ("1,a,1,1.7,,", 3, "outcome '1.7' is neither right nor wrong"),
        ("1,a,1,maybe,,", 3, "outcome 'maybe' is neither right nor wrong"),
        ("1,a,0,1,,", 3, "attempt '0' is no whole number from 1"),
        ("1,a,1,1,-4,", 3, "cost_usd '-4' is no number from 0 on"),
        ("1,a,1,1,,nan", 3, "time_s 'nan' is no number from 0 on"),
        (",a,1,1,,", 3, "a row without item or step"),
        ("1,a,1", 3, "has 3 cells where the header has 6"),
        ("0,a,1,0,,", 3, "contradict one another"),
        ("0,a,1,1,,", 3, "counted once"),
    ],
)
def test_bad_rows_are_told_and_the_rest_is_used(
    tmp_path: Path, row: str, line: int, told: str
) -> None:
    text = f"item,step,attempt,outcome,cost_usd,time_s\n0,a,1,1,,\n{row}\n2,a,1,1,,\n"
    found, problems = read(tmp_path, text)
    (problem,) = problems.found()
    assert told in problem.text
    assert problem.line == line
    assert [t.item for t in found if t.item in ("0", "2")] == ["0", "2"]


def test_scores_have_a_threshold(tmp_path: Path) -> None:
    text = "item,step,outcome\n1,end,0.6\n2,end,0.4\n"
    assert [t.outcome for t in read(tmp_path, text)[0]] == [True, False]
    assert [t.outcome for t in read(tmp_path, text, threshold=0.7)[0]] == [False, False]
    text = "item,step,outcome\n1,end,4\n2,end,2\n"
    assert [t.outcome for t in read(tmp_path, text, threshold=3.0)[0]] == [True, False]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("item,outcome,step_name\n1,1,a\n", "no traces of a known format"),
        ("", "is empty"),
        ("item,step\n", "holds no traces"),
    ],
)
def test_tables_that_cannot_be_used(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(UsageError, match=told):
        gap.measure([tmp_path / "t.csv"])


def test_a_table_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"item,step\n1,\xff\xfe\n")
    with pytest.raises(UsageError, match="not a text file"):
        gap.measure([tmp_path / "t.csv"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('edge = [["a", "b"]]', r"line 1: unknown key 'edge'. Did you mean 'edges'"),
        ('edges = [["a"]]', r"line 1: an edge is a pair"),
        ('edges = "a"', r"line 1: 'edges' must be a list of pairs"),
        ('edges = [["a", "b"], ["b", "c"], ["c", "a"]]', r"line 1: the edges run in a circle"),
        ('[kinds]\na = "robot"', r"line 2: 'a' cannot be 'robot'"),
        ("[kinds]\na = 1", r"line 2: 'kinds.a' must be text"),
        ("kinds = 1", r"line 1: 'kinds' must be a table"),
        ('[labels]\nthreshold = "high"', r"line 2: 'threshold' must be a number"),
        ("[labels]\nfinal = 3", r"line 2: 'final' must be a name"),
        ("[labels]\nfinale = 'x'", r"line 2: unknown key 'finale' in 'labels'"),
        ("[ids]\nitem = 3", r"line 2: 'item' must be text"),
        ("edges = [", "is not TOML"),
    ],
)
def test_mappings_that_cannot_be_right(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "edges.toml"
    path.write_text(text)
    with pytest.raises(BadSetting, match=told) as error:
        mapping.read(path)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value).removeprefix(str(path))


def test_a_mapping_names_ignores_and_orders_steps(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "item,step,outcome\n1,log,1\n1,Writer,1\n1,qa_bot,fail\n1,lost,1\n1,end,1\n"
    )
    (tmp_path / "edges.toml").write_text(
        'edges = [["script", "lost"], ["script", "gone"]]\nignore = ["log"]\n'
        '[rename]\nWriter = "script"\n[kinds]\nqa_bot = "verify"\n'
    )
    found = gap.measure([tmp_path / "t.csv"], mapping=tmp_path / "edges.toml")
    assert [(s.step, s.kind) for s in found.steps] == [
        ("script", "work"), ("qa_bot", "verify"), ("lost", "work"),
    ]  # fmt: skip
    assert [p.text for p in found.problems] == ["step 'gone' of the edges is in no trace"]
    assert found.problems[0].file == str(tmp_path / "edges.toml")
    assert found.problems[0].line == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("step,good,n\na,11,10\n", "line 2: good must lie between 0 and n"),
        ("step,good,n\na,1,0\n", "line 2: n must be a whole number"),
        ("step,good,n\na,1,10\na,1,10\n", "line 3: step 'a' is there twice"),
        ("step,rate\na,1.2\n", "line 2: rate must be above 0 and at most 1, not 1.2"),
        ("step,rate\na,-0.1\n", "line 2: rate must be above 0"),
        ("step,rate\na,x\n", "line 2: rate 'x' is not a number"),
        ("step,outcome\na,perhaps\n", "line 2: outcome 'perhaps' is neither"),
        ("step,goodness\na,1\n", "line 1: unknown column 'goodness'. Did you mean 'good'"),
        ("step,good\na,1\n", "line 1: needs the columns"),
        ("step,good,n\n", "holds no solo runs"),
        ("step,good,n\n,1,2\n", "line 2: a row without a step"),
    ],
)
def test_solo_files_that_cannot_be_right(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "solo.csv"
    path.write_text(text)
    with pytest.raises(BadSetting) as error:
        solo.read(path)
    assert told in str(error.value)
    assert str(error.value).startswith(str(path))


def test_solo_in_its_three_forms(tmp_path: Path) -> None:
    path = tmp_path / "solo.csv"
    path.write_text("step,rate,n\na,0.95,200\n")
    assert solo.read(path) == {"a": solo.Solo(190, 200)}
    path.write_text("step,rate\na,0.95\n")
    assert solo.read(path) == {"a": solo.Solo(0.95, None)}
    path.write_text("step,outcome\na,1\na,0\na,pass\n")
    assert solo.read(path) == {"a": solo.Solo(2, 3)}


def test_solo_runs_of_a_step_that_is_in_no_trace(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("item,step,outcome\n1,script,1\n")
    (tmp_path / "solo.csv").write_text("step,good,n\nscripts,9,10\n")
    with pytest.raises(BadSetting, match=r"step 'scripts' is in no trace. Did you mean 'script'"):
        gap.measure([tmp_path / "t.csv"], solo=tmp_path / "solo.csv")


def test_formats_are_not_mixed_and_folders_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("item,step,outcome\n1,a,1\n")
    (tmp_path / "b.csv").write_text("item,step,outcome\n2,a,1\n")
    (tmp_path / "notes.txt").write_text("nothing")
    assert gap.measure([tmp_path]).traces == 2
    (tmp_path / "c.json").write_text('{"strange": 1}')
    found = gap.measure([tmp_path])
    assert [p.text for p in found.problems] == ["is of no known format; it is left out"]
    (tmp_path / "d.json").write_text('[{"task_id": 1, "trial": 0, "reward": 1.0, "traj": []}]')
    with pytest.raises(UsageError, match="several formats"):
        gap.measure([tmp_path])
    chosen = gap.measure([tmp_path], format="taubench")
    assert (chosen.traces, chosen.formats) == (1, ("taubench",))
    with pytest.raises(UsageError, match=r"no trace format 'tabel'. Did you mean 'table'"):
        gap.measure([tmp_path], format="tabel")
    with pytest.raises(UsageError, match="there is no such file"):
        gap.measure([tmp_path / "gone.csv"])
