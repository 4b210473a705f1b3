"""filmgate's own handoffs, from a project store and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filmgate import gap
from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.errors import UsageError
from filmgate.gap.importers.ledger import from_handoffs
from filmgate.gap.problems import Problems
from filmgate.schema.decision import Handoff


class Loop:
    """Handoffs as the loop writes them."""

    def __init__(self) -> None:
        self.rows: list[Handoff] = []

    def add(self, item: str, source: str, target: str, attempt: int, word: str | None,
            person: str | None = None, **more: Any) -> None:  # fmt: skip
        at = f"2026-11-22T10:{len(self.rows) // 60:02d}:{len(self.rows) % 60:02d}+00:00"
        self.rows.append(Handoff(
            item=item, run="r1", source=source, target=target, attempt=attempt, verifier=word,
            person=person, started=at, ended=at, **more,
        ))  # fmt: skip

    def made(self, item: str, attempt: int, word: str) -> None:
        self.add(item, "plan", "generate", attempt, "taken", time_s=40.0)
        self.add(item, "generate", "verify", attempt, word, cost_usd=0.4, time_s=2.0)


@pytest.fixture
def loop() -> Loop:
    made = Loop()
    for i in range(20):
        item = f"1A-{i}"
        if i % 5 == 0:
            made.made(item, 1, "retake")
            made.made(item, 2, "escalate")
            ruling = "circle" if i % 10 == 0 else "ng"
            made.add(item, "verify", "review", 2, "escalate", ruling, time_s=30.0)
        else:
            made.made(item, 1, "circle")
    made.add("2B", "plan", "generate", 1, "failed")
    return made


@pytest.fixture
def store(tmp_path: Path, loop: Loop) -> Path:
    root = tmp_path / ".filmgate"
    with Store(root) as opened:
        opened.ledger.append(*(
            New("handoff", str(n), row, "filmgate", row.item) for n, row in enumerate(loop.rows)
        ))  # fmt: skip
    return root


def test_the_loop_as_a_pipeline(store: Path) -> None:
    found = gap.measure([store], format="ledger")
    assert [(s.step, s.kind) for s in found.steps] == [
        ("generate", "work"), ("verify", "verify"), ("review", "human"),
    ]  # fmt: skip
    assert found.traces == 21
    generate, verify, review = found.steps
    assert (generate.visits, generate.errors, verify.visits, review.visits) == (25, 1, 24, 4)
    assert generate.cost_usd == pytest.approx(0.4)
    (verifier,) = found.verifiers
    assert (verifier.flagged, verifier.attempts_max, verifier.fallback) == (8, 2, "human")
    assert found.load.human.good == 4
    assert found.load.cost_per_item_usd == pytest.approx(24 * 0.4 / 21)


def test_rulings_on_what_was_escalated_say_nothing_of_what_was_not(store: Path) -> None:
    found = gap.measure([store], format="ledger")
    assert found.numbers.end_to_end.value is None
    assert "no person handled" in found.numbers.end_to_end.reason
    assert found.verifiers[0].word == "not measured"
    assert next(s for s in found.steps if s.step == "generate").in_pipeline.value is None


def test_audits_of_circled_takes_make_it_measurable(loop: Loop) -> None:
    for i in (1, 2, 3, 4, 6, 7, 8, 9):
        loop.add(f"1A-{i}", "verify", "review", 1, "circle", "circle" if i != 4 else "retake",
                 audit=True)  # fmt: skip
    found = gap.measure_traces(from_handoffs(r.plain() for r in loop.rows))
    (verifier,) = found.verifiers
    assert (verifier.audited_passed, verifier.audited_flagged) == (8, 4)
    assert verifier.sensitivity.value is not None
    assert verifier.word in ("helps", "cannot tell")
    # Of 16 circled takes 1 of 8 audited was bad, of 4 escalated 2; and one was never made.
    assert found.numbers.end_to_end.value == pytest.approx((16 * 7 / 8 + 4 / 2) / 21)
    assert found.load.human.good == 4  # an audit is no part of the pipeline


def test_what_follows_a_rejecting_audit_is_another_way_through(loop: Loop) -> None:
    loop.add("1A-4", "verify", "review", 1, "circle", "retake", audit=True)
    loop.made("1A-4", 2, "circle")
    loop.add("1A-6", "verify", "review", 1, "circle", "circle", audit=True)
    ways = [t for t in from_handoffs(r.plain() for r in loop.rows) if t.item == "1A-4"]
    assert [(t.run, [(v.step, v.outcome, v.flagged) for v in t.visits]) for t in ways] == [
        ("r1", [("generate", False, None), ("verify", None, False)]),
        ("r1 (2)", [("generate", None, None), ("verify", None, False)]),
    ]


def test_a_ruling_that_nobody_asked_for_is_no_audit(loop: Loop) -> None:
    loop.add("1A-4", "verify", "review", 1, "circle", "ng")
    found = gap.measure_traces(from_handoffs(r.plain() for r in loop.rows))
    (verifier,) = found.verifiers
    assert (verifier.audited_passed, verifier.sensitivity.value) == (0, None)
    assert found.load.human.good == 5


def test_wrapped_nodes_of_other_graphs() -> None:
    made = Loop()
    for i in range(10):
        made.add(str(i), "write", "edit", 1, "retake" if i < 3 else "circle", cost_usd=0.1)
        if i < 3:
            made.add(str(i), "write", "edit", 2, "circle", cost_usd=0.1)
    found = gap.measure_traces(from_handoffs(r.plain() for r in made.rows))
    assert [(s.step, s.kind, s.visits) for s in found.steps] == [
        ("write", "work", 13), ("write to edit", "verify", 13),
    ]  # fmt: skip
    assert found.verifiers[0].flagged == 3


def test_a_loop_that_nobody_judged_is_blind_and_says_where_to_judge(tmp_path: Path) -> None:
    made = Loop()
    for i in range(10):
        made.add(str(i), "write", "edit", 1, "circle", cost_usd=0.1)
    path = tmp_path / "handoffs.jsonl"
    path.write_text("\n".join(json.dumps(r.plain()) for r in made.rows))
    assert gap.measure([path]).blind.endswith(
        "Judge some takes in 'filmgate review', also of those that passed."
    )
    other = gap.measure_traces(from_handoffs(r.plain() for r in made.rows))
    assert other.blind.endswith("Label outcomes of some runs.")


def test_handoffs_as_json_are_read_and_unknown_versions_are_told(
    tmp_path: Path, loop: Loop
) -> None:
    rows = [r.plain() for r in loop.rows]
    rows += [{**rows[0], "schema_version": 99}, {"source": "a", "target": "b"}]
    path = tmp_path / "handoffs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    found = gap.measure([path])
    assert found.formats == ("ledger",)
    assert found.traces == 21
    assert [p.text.split(";")[0] for p in found.problems] == [
        "handoffs of schema version 99 are not known", "rows that are no handoffs",
    ]  # fmt: skip


def test_a_store_is_recognised_and_none_is_told(store: Path, tmp_path: Path) -> None:
    assert gap.measure([store]).formats == ("ledger",)
    assert gap.measure([store / "ledger.sqlite"]).formats == ("ledger",)
    with pytest.raises(UsageError, match="there is no project here"):
        gap.measure([tmp_path / "gone"], format="ledger")
    assert not (tmp_path / "gone").exists()
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no ledger"):
        gap.measure([tmp_path / "empty"], format="ledger")


def test_nothing_is_invented_of_rows_without_words() -> None:
    problems = Problems()
    made = Loop()
    made.add("1A", "generate", "verify", 1, None)
    (trace,) = from_handoffs([r.plain() for r in made.rows], problems=problems)
    assert [(v.step, v.flagged, v.outcome) for v in trace.visits] == [
        ("generate", None, None), ("verify", None, None),
    ]  # fmt: skip
    assert trace.outcome is None
