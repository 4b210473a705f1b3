"""``filmgate gap measure`` and ``power`` as a user runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from filmgate import registry
from filmgate.interfaces import cli

ROOT = Path(__file__).parents[2]
PLANTED = ("otlp_genai_300.json", "langsmith_runs_300.jsonl", "langsmith_feedback_300.jsonl",
           "langgraph_state_history_60.json")  # fmt: skip


def schema(name: str) -> Any:
    return json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"{i},{step},{int(i % 10 > 0)}" for i in range(100) for step in ("write", "edit")]
    path = tmp_path / "runs.csv"
    path.write_text("\n".join(["item,step,outcome", *rows]) + "\n")
    return path


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_file(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out = tmp_path / "report.json"
    path = shared / "traces" / "planted" / name
    assert cli.main(["gap", "measure", str(path), "--json", str(out)]) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert "observed end to end" in said.out
    assert "What cannot be told yet" in said.out
    report = json.loads(out.read_text())
    jsonschema.validate(report, schema("gap_report"))
    assert round(report["numbers"]["end_to_end"]["value"], 3) in (0.957, 0.967)


def test_the_truth_is_not_an_input(shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = shared / "traces" / "planted" / "ledger_truth.json"
    assert cli.main(["gap", "measure", str(truth)]) == 2
    assert "no traces of a known format" in capsys.readouterr().err


def test_json_to_stdout_is_nothing_but_json(
    table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["gap", "measure", str(table), "--json", "-", "--quiet"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["schema_version"] == 1
    assert report["traces"] == 100
    assert cli.main(["gap", "measure", str(table), "--json", "-"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["traces"] == 100
    assert "observed end to end" in said.err


def test_hostile_names_do_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "runs.csv"
    path.write_text("item,step,outcome\n1,\x1b[31mred [bold]x[/bold],1\n1,b,maybe\x1b[2J\n")
    assert cli.main(["gap", "measure", str(path)]) == 0
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "[bold]x[/bold]" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["measure", "gone.json"], "gone.json: there is no such file."),
        (["measure"], "there is no project here"),
        (["measure", "{table}", "--format", "otpl"], "no trace format 'otpl'. Did you mean 'otlp'"),
        (["measure", "{table}", "--map", "gone.toml"], "gone.toml: there is no such file."),
        (["measure", "{table}", "--solo", "gone.csv"], "gone.csv: there is no such file."),
        (["measure", "{table}", "--was", "1.5"], "must lie between 0 and 1"),
        (["measure", "{table}", "--was", "0.9", "--loss", "0.95"], "must lie between 0 and"),
        (["measure", "{table}", "--json", "no/where.json"], "there is no folder"),
        (["power", "--loss", "0"], "The loss must lie between 0 and"),
        (["power", "--loss", "0.9"], "The loss must lie between 0 and"),
        (["power", "--step-yield", "1.2"], "Yields must be above 0 and at most 1"),
        (["power", "--power", "1"], "The power must lie between 0 and 1"),
        (["power", "--from", "gone.json"], "gone.json: there is no such file."),
        (["power", "--from", "{table}"], "is not a report of 'filmgate gap measure --json'"),
    ],
)
def test_mistakes_are_one_sentence(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], words: list[str], told: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.main(["gap", *(w.format(table=table) for w in words)]) == 2
    said = capsys.readouterr()
    assert told in said.err
    assert len(said.err.strip().splitlines()) == 1
    assert said.err.startswith("filmgate: ")


def test_power_of_the_default_and_of_a_report(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["gap", "power", "--loss", "0.03", "--json", str(tmp_path / "p.json")]) == 0
    assert "2,514 traces with as many solo runs" in capsys.readouterr().out
    found = json.loads((tmp_path / "p.json").read_text())
    jsonschema.validate(found, schema("gap_power"))
    assert (found["traces_same"], found["traces_known"]) == (2514, 1432)
    report = tmp_path / "report.json"
    assert cli.main(["gap", "measure", str(table), "-q", "--json", str(report)]) == 0
    assert cli.main(["gap", "power", "--loss", "0.1", "--from", str(report)]) == 0
    assert "(2 steps)" in capsys.readouterr().out


def test_a_report_of_another_version_is_refused(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.json"
    assert cli.main(["gap", "measure", str(table), "-q", "--json", str(report)]) == 0
    later = {**json.loads(report.read_text()), "schema_version": 7}
    report.write_text(json.dumps(later))
    assert cli.main(["gap", "power", "--from", str(report)]) == 2
    assert "schema version 7 is not known" in capsys.readouterr().err


def test_the_published_schemas_are_those_of_the_code() -> None:
    from filmgate.schema.publish import gap_schemas

    for name, shape in gap_schemas().items():
        assert schema(name) == shape, "run 'make schemas'"


def test_the_library_imports_little_and_quickly() -> None:
    program = (
        "import sys, time; start = time.process_time(); import filmgate.gap;"
        "spent = time.process_time() - start;"
        "heavy = {'cv2', 'av', 'langgraph', 'numpy', 'scipy', 'pandas'} & set(sys.modules);"
        "from filmgate.gap import measure;"
        "later = {'cv2', 'av', 'langgraph', 'scipy.stats', 'pandas'} & set(sys.modules);"
        "print(spent, sorted(heavy), sorted(later))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    spent, rest = done.stdout.split(" ", 1)
    assert rest.strip() == "[] []"
    assert float(spent) < 0.3  # 0.02 s today


def test_the_help_names_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["gap", "measure", "--help"]) == 0
    page = " ".join(capsys.readouterr().out.split())
    assert all(name in page for name in registry.names("gap.importers"))


def test_public_names_are_there() -> None:
    import filmgate.gap as library

    for name in library.__all__:
        assert getattr(library, name) is not None
    with pytest.raises(AttributeError):
        _ = library.nothing
