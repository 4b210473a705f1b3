"""The pages as files: small, without anything that the content policy forbids, and documented."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2
import pytest

import filmgate

ROOT = Path(__file__).parents[2]
WEB = Path(filmgate.__file__).parent / "review" / "web"
SCRIPTS = sorted((WEB / "static").glob("*.js"))
STYLES = sorted((WEB / "static").glob("*.css"))
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
MOST_LINES = 500


def imported(name: str, seen: set[str] | None = None) -> set[str]:
    """Every module that one module needs."""
    seen = set() if seen is None else seen
    text = (WEB / "static" / name).read_text(encoding="utf-8")
    for found in re.findall(r'from "\./([\w.]+)"', text):
        if found not in seen:
            seen.add(found)
            imported(found, seen)
    return seen


@pytest.mark.parametrize("path", [*SCRIPTS, *STYLES, *TEMPLATES], ids=lambda p: p.name)
def test_files_are_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < MOST_LINES


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.name)
def test_scripts_never_make_programs_of_text(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser"
        r"|setAttribute\(\s*[\"']style|\bset(?:Timeout|Interval)\(\s*[\"'`]|https?://(?!www\.w3\.org)"
    )
    assert re.findall(forbidden, text) == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: p.name)
def test_templates_hold_nothing_inline_and_nothing_foreign(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(
        r"<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)|https?://|\|\s*safe", text
    )


@pytest.mark.parametrize("path", STYLES, ids=lambda p: p.name)
def test_styles_ask_for_nothing(path: Path) -> None:
    assert not re.search(r"@import|url\(", path.read_text(encoding="utf-8"))


def test_every_script_and_style_is_used() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    entries = set(re.findall(r"asset\('([\w.]+\.js)'\)", templates))
    used = entries | {name for entry in entries for name in imported(entry)}
    assert {path.name for path in SCRIPTS} == used
    assert {path.name for path in STYLES} == set(re.findall(r"asset\('([\w.]+\.css)'\)", templates))


def test_the_room_asks_for_its_modules_at_once() -> None:
    room = (WEB / "templates" / "_room.html").read_text(encoding="utf-8")
    listed = re.search(r"for name in \[([^\]]*)\]", room)
    assert listed is not None
    named = re.findall(r'"(\w+)"', listed.group(1))
    assert sorted(f"{name}.js" for name in named) == sorted(imported("app.js"))


def test_ids_that_scripts_need_are_in_the_templates() -> None:
    templates = "".join(path.read_text(encoding="utf-8") for path in TEMPLATES)
    scripts = "".join(path.read_text(encoding="utf-8") for path in SCRIPTS)
    needed = set(re.findall(r'\bone\("([\w-]+)"\)', scripts))
    there = set(re.findall(r'\bid="([\w-]+)"', templates))
    assert needed - there == set()


def test_every_page_renders_with_what_the_server_gives() -> None:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB / "templates"), autoescape=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    hostile = "<script>1</script>"
    for path in TEMPLATES:
        if path.name.startswith("_"):
            continue
        text = environment.get_template(path.name).render(
            version="0", title=hostile, mode="local", rest=hostile, asset=lambda name: f"/s/{name}"
        )
        assert hostile not in text
        assert text.count("<main") == 1


def test_the_keys_in_the_documents_are_those_of_the_page() -> None:
    table = (WEB / "static" / "keys.js").read_text(encoding="utf-8")
    rows = re.findall(r'\["([^"]+)",\s*"([^"]+)"\]', table)
    assert len(rows) > 30
    document = (ROOT / "docs" / "review.md").read_text(encoding="utf-8")
    for keys, does in rows:
        assert f"| `{keys}` | {does} |" in document, (keys, does)
