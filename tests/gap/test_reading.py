from __future__ import annotations

import json
from pathlib import Path

import pytest

from filmgate.errors import UsageError
from filmgate.gap import reading
from filmgate.gap.problems import Problems
from filmgate.gap.reading import Record


def read(
    path: Path, text: str | bytes, arrays: tuple[str, ...] = ()
) -> tuple[list[Record], Problems]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    problems = Problems()
    return list(reading.records(path, problems, arrays)), problems


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "file.json"


def values(found: list[Record]) -> list[object]:
    return [r.value for r in found]


def test_lines(path: Path) -> None:
    found, problems = read(path, '{"a": 1}\n\n{"a": 2}\n')
    assert found == [Record({"a": 1}, 1), Record({"a": 2}, 3)]
    assert problems.found() == ()


def test_a_broken_line_is_left_out_and_told_with_its_number(path: Path) -> None:
    found, problems = read(path, '{"a": 1}\n{"a": \n{"a": 3}\n{"a": 4')
    assert values(found) == [{"a": 1}, {"a": 3}]
    assert [(p.line, p.text.split(";")[0]) for p in problems.found()] == [(2, "is cut off")]
    assert problems.found()[0].count == 2


def test_the_first_line_may_be_the_broken_one(path: Path) -> None:
    found, problems = read(path, 'nonsense}\n{"a": 2}\n{"a": 3}\n')
    assert values(found) == [{"a": 2}, {"a": 3}]
    assert problems.found()[0].line == 1


def test_an_array_with_one_element_to_a_line_is_one_document(path: Path) -> None:
    for text in ('[\n{"a": 1}\n]\n', '[\n{"a": 1},\n{"a": 2}\n]', "[\n {}\n]"):
        found, problems = read(path, text)
        assert values(found) == json.loads(text)
        assert problems.found() == ()


def test_what_follows_a_document_is_told(path: Path) -> None:
    found, problems = read(path, '[\n{"a": 1}\n]\nmore')
    assert values(found) == [{"a": 1}]
    assert [(p.line, p.text.split(";")[0]) for p in problems.found()] == [
        (3, "goes on behind its end")
    ]


@pytest.mark.parametrize("indent", [None, 2])
def test_one_document(path: Path, indent: int | None) -> None:
    found, _ = read(path, json.dumps([{"a": 1}, {"a": [2]}], indent=indent))
    assert values(found) == [{"a": 1}, {"a": [2]}]
    found, _ = read(path, json.dumps({"a": 1, "b": [1]}, indent=indent))
    assert values(found) == [{"a": 1, "b": [1]}]


def test_not_a_number_is_read_as_python_writes_it(path: Path) -> None:
    found, problems = read(path, '{"a": NaN}\n{"a": 1}\n')
    assert len(found) == 2
    assert problems.found() == ()


def test_a_byte_order_mark_is_no_trouble(path: Path) -> None:
    found, _ = read(path, b'\xef\xbb\xbf{"a": 1}\n{"a": 2}\n')
    assert values(found) == [{"a": 1}, {"a": 2}]
    found, _ = read(path, b'\xef\xbb\xbf[\n{"a": 1}]')
    assert values(found) == [{"a": 1}]


DOCUMENT = {
    "resourceSpans": [
        {"scopeSpans": [{"spans": [{"id": i, "text": 'a "quoted" ]}[{ \\'} for i in range(5)]}]}
    ]
}


@pytest.mark.parametrize("indent", [None, 2])
def test_what_stands_before_a_cut_is_used(path: Path, indent: int | None) -> None:
    whole = json.dumps(DOCUMENT, indent=indent)
    cut = whole.index('"id": 3') + 4
    found, problems = read(path, whole[:cut], ("spans",))
    assert [r.value["id"] for r in found] == [0, 1, 2]
    assert {r.array for r in found} == {"spans"}
    (told,) = problems.found()
    assert "cut off" in told.text
    assert told.line == whole[:cut].count("\n") + 1


@pytest.mark.parametrize("place", range(0, 200, 7))
def test_a_cut_anywhere_never_raises(path: Path, place: int) -> None:
    text = json.dumps([{"a": [1, {"b": "x]"}]}, {"a": 2}, {"c": "\u00e9\\"}] * 3)
    found, problems = read(path, text[:place])
    whole = [{"a": [1, {"b": "x]"}]}, {"a": 2}, {"c": "\u00e9\\"}] * 3
    assert values(found) == whole[: len(found)]
    assert bool(problems.found()) == (0 < place < len(text))


def test_a_document_too_large_to_parse_at_once_is_scanned(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "WHOLE_BYTES", 64)
    found, problems = read(path, json.dumps(DOCUMENT, indent=1), ("spans",))
    assert [r.value["id"] for r in found] == [0, 1, 2, 3, 4]
    assert [r.line for r in found] == [7, 11, 15, 19, 23]
    assert problems.found() == ()
    found, _ = read(path, json.dumps([{"a": i} for i in range(50)]))
    assert len(found) == 50


def test_nothing_and_no_file(path: Path, tmp_path: Path) -> None:
    assert read(path, "")[0] == []
    with pytest.raises(UsageError, match="there is no such file"):
        reading.head(tmp_path / "gone")


def test_deep_nesting_is_refused_not_crashed(path: Path) -> None:
    found, problems = read(path, "[" * 100_000)
    assert found == []
    assert "cut off" in problems.found()[0].text
