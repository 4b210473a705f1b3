from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from filmgate.interfaces import cli


@pytest.fixture(autouse=True)
def _one_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a process costs more than these shots."""
    monkeypatch.setenv("FILMGATE_WORKERS", "1")


HEAVY = ("numpy", "cv2", "av", "scipy", "onnxruntime", "opentimelineio", "pydantic", "jinja2")


def seconds(*command: str) -> float:
    """Best of five: the machine may be busy, the program is as quick as its quickest run."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run([sys.executable, *command], check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return min(times)


def test_help_is_quick() -> None:
    least = seconds("-c", "import typer, rich")
    assert seconds("-m", "filmgate", "--help") < max(2.5 * least, 0.5)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from filmgate.interfaces import cli; cli.main(['--help']); "
        f"print([m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("arguments", [["--help"], ["check", "-h"], ["weights", "--help"]])
def test_help_is_there(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    assert "Usage: filmgate" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == "filmgate 0.1.0\n"


@pytest.mark.parametrize(
    "arguments",
    [["chek"], ["check"], ["check", "x", "--nope"], ["check", "x", "--workers", "0"],
     ["check", "x", "--fail-on", "never"], ["weights", "use", "/nowhere/at/all"],
     ["weights", "get", "nobody"]],
)  # fmt: skip
def test_wrong_use_is_told_in_one_sentence(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("filmgate: ")
    assert said.err.count("\n") == 1


@pytest.mark.usefixtures("thin_engine")
def test_a_check_says_what_passed(
    good_shots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert cli.main(["check", str(good_shots), "--json", "out.json"]) == 0
    said = capsys.readouterr()
    assert "3 passed" in said.out
    assert "Written: out.json" in said.out
    assert len(json.loads(Path("out.json").read_text())["sequences"][0]["shots"]) == 3
    assert Path(".filmgate/measurements").is_dir()


@pytest.mark.usefixtures("thin_engine")
def test_json_goes_to_stdout_and_the_rest_to_stderr(
    good_shots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["check", str(good_shots), "--json", "-", "--store", str(tmp_path / "s")]
    assert cli.main(arguments) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["filmgate"] == "0.1.0"
    assert "3 passed" in said.err


@pytest.mark.usefixtures("thin_engine")
@pytest.mark.parametrize(("verdict", "code"), [("circle", 1), ("retake", 0), ("escalate", 0)])
def test_fail_on_a_verdict(good_shots: Path, tmp_path: Path, verdict: str, code: int) -> None:
    arguments = ["check", str(good_shots), "-q", "--fail-on", verdict]
    assert cli.main([*arguments, "--store", str(tmp_path / "s")]) == code


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "filmgate check --json"


def test_weights_are_listed_and_chosen(
    shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "store")]
    assert cli.main(["weights", "list", *store]) == 0
    assert "absent" in capsys.readouterr().out
    assert cli.main(["weights", "use", str(shared / "weights"), *store]) == 0
    assert cli.main(["weights", "list", *store]) == 0
    assert "here" in capsys.readouterr().out
