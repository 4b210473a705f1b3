from __future__ import annotations

from pathlib import Path

import pytest

from filmgate.errors import BadSetting
from filmgate.settings import Settings


def test_command_line_over_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "filmgate.toml").write_text('store = "a"\nworkers = 2\nweights = "w"\n')
    read = Settings.read({"FILMGATE_STORE": "b", "FILMGATE_WORKERS": "3"}, tmp_path)
    assert read == Settings(Path("b"), "w", 3)
    assert read.given(workers=4, store=None) == Settings(Path("b"), "w", 4)


def test_a_reader_and_its_options(tmp_path: Path) -> None:
    (tmp_path / "filmgate.toml").write_text('[readers.google]\nversions = ["v-1"]\n')
    read = Settings.read({"FILMGATE_READER": "google/gemini-9", "FILMGATE_READERS": "x"}, tmp_path)
    assert (read.reader, read.readers) == ("google/gemini-9", {"google": {"versions": ["v-1"]}})


def test_defaults(tmp_path: Path) -> None:
    assert Settings.read({}, tmp_path) == Settings()
    assert Settings().worker_count() >= 1


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("\nworker = 2", "line 2: unknown key 'worker'. Did you mean 'workers'?"),
        ("workers = 0", "whole number"),
        ("workers = true", "whole number"),
        ("workers = 1.5", "whole number"),
        ("store = 1", "must be text"),
        ("store =", "is not TOML"),
        ("reader = 3", "must be text"),
        ("readers = 3", "line 1: write a table [readers.NAME]"),
        ('[readers.google]\napi_key = "x"', "line 2: 'api_key' does not belong into a file"),
    ],
)
def test_a_wrong_file_is_told_in_one_sentence(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "filmgate.toml").write_text(text)
    with pytest.raises(BadSetting) as caught:
        Settings.read({}, tmp_path)
    assert part in str(caught.value)
    assert "filmgate.toml" in str(caught.value)


def test_a_wrong_environment_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="FILMGATE_WORKERS"):
        Settings.read({"FILMGATE_WORKERS": "many"}, tmp_path)
