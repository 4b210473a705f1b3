"""What a run would do, before it does it: orders, prices, risks, and what a reader thinks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from filmgate import registry
from filmgate.errors import BadSetting, CannotExpress, MeasurementError, UnknownPlugin, UsageError
from filmgate.loop.facade import Orders
from filmgate.settings import Settings
from filmgate.story import template
from filmgate.studio import Studio


@pytest.fixture
def project(tmp_path: Path) -> Path:
    template.write(tmp_path / "p", shots=6)
    return tmp_path / "p" / "brief.toml"


def studio(brief: Path) -> Studio:
    return Studio(Settings(store=brief.parent / ".filmgate", workers=1))


def test_the_shipped_brief_would_run_as_it_stands(project: Path) -> None:
    prepared = studio(project).prepare(project)
    assert sum(1 for _ in prepared.plan.shots()) == 13
    assert prepared.makers == ("previz previz-1",)
    assert prepared.price_usd == 0.0
    assert not [risk for risk in prepared.risks if risk.severity == "stop"]
    assert not (project.parent / ".filmgate").exists()


def test_orders_of_the_command_line_win(project: Path) -> None:
    orders = Orders(("runway", "previz"), ("gen4.5", "previz-1"), takes=2, usd=9.0)
    prepared = studio(project).prepare(project, orders)
    assert prepared.makers == ("runway gen4.5", "previz previz-1")
    assert prepared.brief.takes == 2
    assert prepared.brief.budget.usd == 9.0
    # 2 s shots are asked for in whole seconds at $.12: a price per second and shot, twice.
    assert prepared.price_usd is not None
    assert prepared.price_usd > 6 * 2 * 0.12 * 2


def test_what_is_not_there_is_said(project: Path) -> None:
    with pytest.raises(UnknownPlugin, match="sora"):
        studio(project).prepare(project, Orders(("sora",)))
    with pytest.raises(CannotExpress, match=r"veo-3\.1-generate-001"):
        studio(project).prepare(project, Orders(("google",), ("veo-3.0-generate-001",)))
    with pytest.raises(BadSetting, match="one --model for each"):
        studio(project).prepare(project, Orders(("runway", "previz"), ("a", "b", "c")))


def test_a_budget_without_a_price_is_refused(project: Path) -> None:
    prepared = studio(project).prepare(project, Orders(("google",), ("gemini-omni-1.2-flash",)))
    assert prepared.price_usd is None
    with pytest.raises(UsageError, match="budget in dollars cannot be kept"):
        studio(project).run(prepared, lambda *_: None)


def test_what_stops_a_run_is_said_before_anything_is_made(project: Path) -> None:
    text = project.read_text().replace('size = "640x360"', 'size = "1000x400"')
    project.write_text(text)
    prepared = studio(project).prepare(project, Orders(("runway",), ("gen4.5",)))
    with pytest.raises(UsageError, match=r"brief.toml line \d+: .*gen4\.5"):
        studio(project).run(prepared, lambda *_: None)
    assert not (project.parent / ".filmgate").exists()


class FakeReader:
    identity = "fake reader"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.answered_by: dict[str, int] = {}

    def read(self, *_: Any, **__: Any) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def with_reader(project: Path, monkeypatch: pytest.MonkeyPatch, answer: Any) -> Any:
    project.write_text(project.read_text() + "\n[readers.google]\n")
    load = registry.load

    def loads(folder: str, name: str, attribute: str) -> Any:
        if folder == "models.readers":
            return lambda terms: FakeReader(answer)
        return load(folder, name, attribute)

    monkeypatch.setattr(registry, "load", loads)
    return studio(project).prepare(project)


def test_a_reader_that_is_named_reads_the_whole_script(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = with_reader(project, monkeypatch, {"findings": []})
    assert any("read as a whole by fake reader: 0" in note for note in prepared.brief.notes)


def test_a_reader_without_an_answer_stops_nothing(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = with_reader(project, monkeypatch, MeasurementError("It was blocked."))
    assert any("not read as a whole: It was blocked." in note for note in prepared.brief.notes)
