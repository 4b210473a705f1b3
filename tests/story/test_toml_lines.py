from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.story.toml_lines import Key, lines_of

DOCUMENT = '''# a comment with [brackets] and "quotes"
title = "a # b"
"quoted key" = 1
a.b."c d" = 2
long = """
first = 'no key'
second ""\\""" """""
raw = \'\'\'
[neither]
\'\'\'

[table]  # comment
date = 1979-05-27 07:32:00Z
list = [ 1, # one
  "]",
  [2, 3], { x = 4, y.z = [5] },
]
inline = { a = 1, "b" = "}" }

[[shot]]
name = 'one'
[[shot]]
[shot.light]
side = "left"
[[shot.take]]
n = 1
[[shot.take]]
n = 2
[table.below]
deep = true
'''


def paths(value: Any, key: Key = ()) -> set[Key]:
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    found = {key} if key else set()
    for name, item in items:
        found |= paths(item, (*key, name))
    return found


def test_every_value_has_a_line_and_nothing_else_has() -> None:
    assert set(lines_of(DOCUMENT)) == paths(tomllib.loads(DOCUMENT))


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("title",), 2),
        (("quoted key",), 3),
        (("a", "b", "c d"), 4),
        (("long",), 5),
        (("table",), 12),
        (("table", "list"), 14),
        (("table", "list", 1), 15),
        (("table", "list", 3, "y", "z", 0), 16),
        (("table", "inline", "b"), 18),
        (("shot", 0), 20),
        (("shot", 0, "name"), 21),
        (("shot", 1, "light", "side"), 24),
        (("shot", 1, "take", 1, "n"), 28),
        (("table", "below", "deep"), 30),
    ],
)
def test_the_line_is_the_one_where_it_stands(key: Key, line: int) -> None:
    assert lines_of(DOCUMENT)[key] == line


def test_the_thousandth_of_a_thousand_equal_tables_has_its_own_line() -> None:
    text = "[[shot]]\nplace = 'x'\n" * 1000
    assert lines_of(text)[("shot", 999, "place")] == 2000


def literal(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{k}" = {literal(v)}' for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[\n" + ",\n".join(literal(v) for v in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}'" if isinstance(value, str) else str(value)


WORDS = st.text(st.characters(codec="ascii", categories=("L", "N", "P", "Zs")), max_size=8).filter(
    lambda s: "'" not in s and '"' not in s and "\\" not in s
)
VALUES = st.recursive(
    st.integers() | st.booleans() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(WORDS, VALUES, max_size=4))
def test_any_document(values: dict[str, Any]) -> None:
    text = "\n".join(f'"{key}" = {literal(value)} # end' for key, value in values.items())
    assert set(lines_of(text)) == paths(tomllib.loads(text))
