from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "filmgate"
MODULES = sorted(SOURCE.rglob("*.py"))


def test_imports_point_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


PLANTED = {
    "measure/sample.py": ("from filmgate.models import generator", "Imports point down"),
    "continuity/pairs.py": ("import sqlite3", "SQL only in assets"),
    "review/report/words.py": ("import langgraph", "LangGraph only in orchestration"),
    "errors.py": ("from filmgate import settings", "Imports point down"),
    "measure/probe.py": ("import openai", "Provider SDKs only in models"),
}
"""File -> an import it must not have, and the contract that says so."""


def test_planted_violations_are_found(tmp_path: Path) -> None:
    """The linter is not asleep: in a copy of the source, every planted import is named."""
    shutil.copytree(SOURCE, tmp_path / "filmgate", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "filmgate" / "stray.py").write_text("")
    for name, (line, _) in PLANTED.items():
        path = tmp_path / "filmgate" / name
        path.write_text(path.read_text() + f"\n{line}\n")
    program = (
        "from importlinter.cli import lint_imports as go; raise SystemExit(go({!r}, no_cache=1))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program.format(str(ROOT / "pyproject.toml"))],
        cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "COLUMNS": "200"},
    )  # fmt: skip
    assert done.returncode == 1
    said = done.stdout
    for name, (line, contract) in PLANTED.items():
        module = "filmgate." + name.removesuffix(".py").replace("/", ".")
        target = line.split()[-1] if line.startswith("import") else line.split()[1]
        assert f"{contract} BROKEN" in said
        assert re.search(rf"{re.escape(module)} -> {target}", said), (module, said)
    assert "filmgate.stray" in said, "a module of no layer is found too"


def test_only_what_puts_things_together_loads_plugins() -> None:
    """`gap` is a library of its own, used without a studio, and loads its own importers."""
    callers = {
        path.relative_to(SOURCE).parts[0]
        for path in MODULES
        if re.search(
            r"\bregistry\.load\(|from filmgate\.registry import .*\bload\b", path.read_text()
        )
    }
    assert callers <= {"studio.py", "loop", "gap", "registry.py"}


def test_modules_are_named_after_things() -> None:
    vague = {"utils", "util", "helpers", "helper", "manager", "common", "base", "misc"}
    assert [p for p in MODULES if p.stem in vague] == []


@pytest.mark.parametrize("folder", ["src", "tests", "bench", "examples"])
def test_files_and_functions_are_short(folder: str) -> None:
    long: list[str] = []
    for path in (ROOT / folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        name = str(path.relative_to(ROOT))
        if (lines := len(text.splitlines())) > 500:
            long.append(f"{name}: {lines} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                assert node.end_lineno is not None
                length = node.end_lineno - node.lineno + 1
                if length > 60:
                    long.append(f"{name}: {node.name} has {length} lines")
    assert long == []
