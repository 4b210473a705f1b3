"""The loop measures itself: audits of circled takes become the gap report of the loop."""

from __future__ import annotations

from pathlib import Path

import pytest

from filmgate import gap
from filmgate.loop import project
from filmgate.review.desk import rulings
from filmgate.review.desk.index import Index
from filmgate.review.desk.rulings import Ask
from filmgate.schema.decision import Handoff
from tests.orchestration.staged import FakeGenerator, no_tell, plan, production


def test_audits_tell_how_often_the_check_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = production(tmp_path, monkeypatch, plan(24), FakeGenerator(stubborn={"1A", "1B"}))
    made.run(no_tell)
    store = made.store
    blind = gap.measure([tmp_path])
    assert blind.verifiers[0].sensitivity.value is None
    assert blind.numbers.end_to_end.value is None

    desk = Index(store, project.status_of, 0.5)
    drawn = [e.shot for e in desk.view().entries.values() if e.audit]
    assert 4 < len(drawn) < 20
    for shot in drawn:  # one of them turns out to be bad: it had escaped the check
        word = "ng" if shot == drawn[0] else "circle"
        rulings.decide(store, desk.view(), Ask(f"audit-{shot}", f"{shot}-1", word, 0), "ana")
    for shot, word in (("1A", "ng"), ("1B", "circle")):
        project.decide(store, shot, word, "ana")  # type: ignore[arg-type]
    circled = next(s for s in ("1E", "1F", "1G", "1H", "1J", "1K") if s not in drawn)
    project.decide(store, circled, "ng", "ana", "stumbled upon, not drawn")
    made.run(no_tell)

    handoffs = [row.value(Handoff) for row in store.ledger.all("handoff")]
    reviewed = {h.item: h for h in handoffs if h.target == "review"}
    assert {shot for shot, h in reviewed.items() if h.audit} == set(drawn)
    assert {h.verifier for h in reviewed.values() if h.audit} == {"circle"}
    assert {reviewed[s].audit for s in ("1A", "1B", circled)} == {False}
    assert {len({h.run for h in handoffs if h.item == shot}) for shot in reviewed} == {1}

    found = gap.measure([tmp_path])
    (check,) = found.verifiers
    assert (check.audited_passed, check.audited_flagged) == (len(drawn), 2)
    assert check.sensitivity.value is not None
    assert 0 < check.sensitivity.value < 1
    passed = 1 - 1 / len(drawn)
    # Strata: 3 of 24 that a person handled (1 good), 21 that nobody did.
    assert found.numbers.end_to_end.value == pytest.approx((1 + 21 * passed) / 24)
