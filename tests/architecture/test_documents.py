from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from filmgate import registry
from filmgate.interfaces import cli
from filmgate.schema.publish import report_schema

ROOT = Path(__file__).parents[2]
MAKEFILE = (ROOT / "Makefile").read_text()
TEXTS = [ROOT / f"{n}.md" for n in ("README", "ARCHITECTURE", "CONTRIBUTING", "CHANGELOG")]
TEXTS += sorted((ROOT / "docs").rglob("*.md"))


def committed() -> list[Path]:
    """Files that are or would be committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False, text=True,
    )  # fmt: skip
    if listing.returncode != 0:
        pytest.skip("not a git checkout")
    return [p for name in listing.stdout.split("\0") if name and (p := ROOT / name).is_file()]


def test_the_published_schema_is_the_one_of_the_code() -> None:
    written = json.loads((ROOT / "schemas" / "check_report.schema.json").read_text())
    assert written == report_schema(), "run 'make schemas'"


def commands(text: str) -> list[list[str]]:
    """The filmgate commands in code blocks and inline code."""
    blocks = re.findall(r"^(?:filmgate) .*$", text, re.M) + re.findall(r"`(filmgate [^`]*)`", text)
    return [shlex.split(re.split(r"\s{2,}|#", b)[0], posix=True)[1:] for b in blocks]


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_commands_in_the_documents_exist(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for words in commands(path.read_text()):
        names = [w for w in words[:2] if re.fullmatch(r"[a-z]+", w)][
            : 2 if {"weights", "gap", "models"} & set(words) else 1
        ]
        assert cli.main([*names, "--help"]) == 0, words
        page = capsys.readouterr().out
        for option in (w for w in words if w.startswith("--")):
            assert option in page, words


def test_options_in_the_readme_exist(capsys: pytest.CaptureFixture[str]) -> None:
    block = (ROOT / "README.md").read_text().split("```")[1]
    assert cli.main(["check", "--help"]) == 0
    page = capsys.readouterr().out
    for option in re.findall(r"^\s+(--[a-z-]+)", block, re.M):
        assert option in page


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_make_targets_in_the_documents_exist(path: Path) -> None:
    for target in re.findall(r"(?:^|`)make ([a-z-]+)", path.read_text(), re.M):
        assert re.search(rf"^{target}:", MAKEFILE, re.M), target


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
def test_links_in_the_documents_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", path.read_text()):
        if "://" not in link:
            assert (path.parent / link).exists(), link


def test_the_readme_lists_every_check() -> None:
    rows = re.findall(r"^\| ([a-z_]+) \|", (ROOT / "README.md").read_text(), re.M)
    assert sorted(r for r in rows if r != "check") == registry.names("continuity.checks")


def test_nothing_of_one_machine_is_committed() -> None:
    # Written in pieces, so that this file does not find itself.
    local = ["/" + "work/", "/" + "root/", "/" + "home/", "local" + "host:", "10" + ".0."]
    index = ["index" + "-url", "extra-" + "index", "trusted-" + "host"]
    found = []
    for path in committed():
        if path.suffix in {".mp4", ".png", ".jpg", ".npz"} or path.stat().st_size > 5_000_000:
            continue
        if path.name == "uv.lock":  # versions look like addresses; the next test reads its hosts
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {word}" for word in local + index if word in text]
    assert found == []


def test_the_lock_names_only_the_public_index() -> None:
    hosts = set(re.findall(r"https?://([^/\"]+)", (ROOT / "uv.lock").read_text()))
    assert hosts <= {"pypi.org", "files.pythonhosted.org"}


def test_no_media_and_no_weights_are_committed() -> None:
    foreign = {".mp4", ".mov", ".webm", ".mkv", ".onnx", ".pt", ".safetensors", ".wav"}
    assert [p for p in committed() if p.suffix in foreign] == []


def test_open_ends_have_an_issue() -> None:
    mark = re.compile("TO" + r"DO(?!\(#\d+\))|FIX" + "ME|X" + "XX")
    assert [p for p in committed() if p.suffix == ".py" and mark.search(p.read_text())] == []


def test_python_dash_m_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "filmgate", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("filmgate ")
