from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "filmgate"
MODULES = sorted(SOURCE.rglob("*.py"))


def test_imports_point_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def test_only_studio_and_orchestration_load_plugins() -> None:
    callers = {
        path.relative_to(SOURCE).parts[0]
        for path in MODULES
        if re.search(
            r"\bregistry\.load\(|from filmgate\.registry import .*\bload\b", path.read_text()
        )
    }
    assert callers <= {"studio.py", "orchestration", "registry.py"}


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
