"""A vision-language reader in the check: asked once a shot, over HTTP, answers kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench.loopback.google import KEY, TOKEN, Google
from filmgate.errors import BadSetting, WrongKey
from filmgate.schema import signature
from filmgate.schema.look import Expectation, Look
from filmgate.schema.report import CheckReport
from filmgate.schema.shot import Sequence, Shot
from filmgate.settings import Settings
from filmgate.studio import Studio

pytest.importorskip("google.genai")
SEEN = {
    "people": [],
    "props": [{"name": "cup", "colour": "#cc2211"}],
    "light": {"key_side": "left"},
}


@pytest.fixture
def fake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keeps_secret: Callable[[str], None]
) -> Iterator[Google]:
    for secret in (KEY, TOKEN):
        keeps_secret(secret)
    with Google() as made:
        for name, value in made.environment(tmp_path).items():
            monkeypatch.setenv(name, value)
        made.says = SEEN
        yield made


@pytest.fixture
def footage(good_shots: Path, tmp_path: Path) -> Sequence:
    shutil.copytree(good_shots, tmp_path / "shots")
    files = sorted((tmp_path / "shots").glob("*.mp4"))
    return Sequence("q", tuple(Shot(f.stem, "q", str(f)) for f in files))


def check(tmp_path: Path, footage: Sequence, reader: str = "google") -> CheckReport:
    settings = Settings(store=tmp_path / "store", workers=1, reader=reader,
                        readers={"google": {"versions": []}})  # fmt: skip
    expected = (Expectation("world/cup", "#cc2211"),)
    return Studio(settings).check([footage], Look(expectations=expected))


def cups(report: CheckReport) -> list[str]:
    return [
        f.status for s in report.sequences[0].shots for f in s.findings
        if f.attribute == "world/cup" and f.against == "look"
    ]  # fmt: skip


def test_each_shot_is_shown_once_and_the_report_says_so(
    fake: Google, footage: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = check(tmp_path, footage)
    assert fake.count("content") == len(footage.shots) == 3
    assert any(e.startswith("vision_language") and "google gemini" in e for e in report.extractors)
    assert any("shown to google" in note for note in report.notes)
    assert cups(report) == ["within"] * 3
    assert cups(check(tmp_path, footage)) == ["within"] * 3
    assert fake.count("content") == 3
    # Measured by other code, the same frames are not shown, and paid for, again.
    monkeypatch.setattr(signature, "VERSION", "another")
    assert cups(check(tmp_path, footage)) == ["within"] * 3
    assert fake.count("content") == 3


def test_another_model_is_another_opinion(fake: Google, footage: Sequence, tmp_path: Path) -> None:
    check(tmp_path, footage)
    check(tmp_path, footage, "google/gemini-9")
    assert fake.count("content") == 6
    assert "gemini-9" in fake.calls("content")[-1].path


def test_what_is_not_answered_is_not_measured_and_asked_again(
    fake: Google, footage: Sequence, tmp_path: Path
) -> None:
    fake.blocked = "SAFETY"
    report = check(tmp_path, footage)
    assert cups(report) == ["not_measured"] * 3
    grades = [f for s in report.sequences[0].shots for f in s.findings if f.check == "grade"]
    assert any(f.status == "within" for f in grades)  # the pixels were measured all the same
    fake.blocked = ""
    assert cups(check(tmp_path, footage)) == ["within"] * 3


def test_a_wrong_key_ends_the_check_with_one_sentence(
    fake: Google, footage: Sequence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in fake.environment(tmp_path):
        if name.endswith("_KEY"):
            monkeypatch.delenv(name)
    with pytest.raises(WrongKey, match="KEY"):
        check(tmp_path, footage)


def test_a_reader_that_does_not_exist_is_told(footage: Sequence, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"no reader 'gogle'\. Did you mean 'google'"):
        check(tmp_path, footage, "gogle")
