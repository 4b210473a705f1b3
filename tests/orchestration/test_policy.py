from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmgate.orchestration import policy
from filmgate.orchestration.policy import Money, after_failure, after_verdict


def drift(check: str = "wardrobe", attribute: str = "wardrobe/maya/upper", **more: Any) -> Any:
    return {"check": check, "attribute": attribute, "status": "drift", "p_value": 0.01, **more}


def test_a_circle_is_accepted() -> None:
    assert after_verdict("circle", [], 1).word == "circle"


def test_one_cause_is_retaken_until_the_attempts_are_used() -> None:
    words = [after_verdict("retake", [drift()], n, attempts=3).word for n in (1, 2, 3)]
    assert words == ["retake", "retake", "escalate"]


def test_what_has_several_causes_goes_to_a_person() -> None:
    assert after_verdict("escalate", [drift(), drift("sound", "sound/loudness")], 1).word == (
        "escalate"
    )


@pytest.mark.parametrize(
    ("finding", "repair"),
    [
        (drift("grade", "grade/tonal_bands", cdl={"slope": [1, 1, 1]}), "cdl"),
        (drift("geometry", "geometry/mirrored"), "flop"),
        (drift("sound", "sound/loudness", this={"text": "-30.1 LUFS"},
               reference={"text": "-23.0 LUFS"}), "gain"),
        (drift("grade", "grade/tonal_bands"), None),
        (drift(), None),
    ],
)  # fmt: skip
def test_the_smallest_repair_comes_before_a_retake(finding: Any, repair: str | None) -> None:
    step = after_verdict("retake", [finding], 1)
    assert (step.word, step.repair) == (("repair", repair) if repair else ("retake", None))


def test_a_repair_that_did_not_help_is_followed_by_a_retake() -> None:
    finding = drift("geometry", "geometry/mirrored")
    assert after_verdict("retake", [finding], 1, repaired=True).word == "retake"


def test_the_gain_is_what_the_level_lacks() -> None:
    finding = drift("sound", "sound/loudness", this={"text": "-30.1 LUFS"},
                    reference={"text": "-23.0 LUFS"})  # fmt: skip
    assert policy.gain_db([finding]) == pytest.approx(7.1)


def test_a_declined_request_is_not_sent_again_as_it_is() -> None:
    assert after_failure(["The provider declined: no"], 1).word == "escalate"
    assert after_failure(["The provider failed: out of memory"], 1).word == "retake"
    assert after_failure(["The provider failed: out of memory"], 3).word == "escalate"


def test_an_acceptance_holds_only_for_what_was_seen() -> None:
    finding = drift(other="1A")
    seen = [(("wardrobe/maya/upper",), ("sha256:b", "sha256:a"))]
    assert policy.accepted([finding], seen, {"1A": "sha256:a"}, "sha256:b") == []
    assert policy.accepted([finding], seen, {"1A": "sha256:NEW"}, "sha256:b") == [finding]
    assert policy.accepted([finding], seen, {"1A": "sha256:a"}, "sha256:NEW") == [finding]
    assert policy.accepted([drift("grade", "grade/x", other="1A")], seen, {"1A": "sha256:a"},
                           "sha256:b") != []  # fmt: skip


@given(
    st.lists(st.floats(0, 5), max_size=40), st.floats(0, 20), st.integers(0, 20),
    st.floats(0, 100),
)  # fmt: skip
def test_no_limit_is_ever_passed(
    prices: list[float], usd: float, takes: int, footage_s: float
) -> None:
    money = Money(most_usd=usd, most_takes=takes, most_footage_s=footage_s)
    for price in prices:
        if money.refuses(price, 4.0) is None:
            money = money._replace(
                usd=money.usd + price, takes=money.takes + 1, footage_s=money.footage_s + 4.0
            )
    assert money.usd <= usd + 1e-5
    assert money.takes <= takes
    assert money.footage_s <= footage_s


def test_a_refusal_says_which_budget_and_what_is_left() -> None:
    said = Money(usd=0.9, most_usd=1.0).refuses(0.3, 4)
    assert said is not None
    assert "$1.00 has $0.10 left" in said


@pytest.mark.parametrize(
    ("one", "two", "is_better"),
    [
        (("circle", 0.9), ("retake", 0.1), True),
        (("retake", 0.2), ("retake", 0.3), True),
        (("escalate", 0.1), ("retake", 0.9), False),
    ],
)
def test_the_better_candidate(
    one: tuple[str, float], two: tuple[str, float], is_better: bool
) -> None:
    assert policy.better(one, two) is is_better


def test_what_drifts_only_from_its_own_start_is_picked_up_where_that_can_be_done() -> None:
    inside = drift("in_shot", "in_shot/grade", against="itself", magnitude=8.0, tolerance=4.0,
                   unit="de00", frames=[0, 96])  # fmt: skip
    faster = {**inside, "attribute": "in_shot/light", "magnitude": 20.0}

    def start(*findings: Any, **more: Any) -> int | None:
        step = after_verdict("retake", findings, 1, **more)
        assert step.word == "retake"
        return step.pickup

    assert start(inside, pickups=True) == 24  # a quarter of the drift is half of the tolerance
    assert start(inside, faster, pickups=True) == 9
    assert start(inside) is None  # the generator cannot
    assert start(inside, drift(against="consensus"), pickups=True) is None  # nor its start is good
    assert start(inside, pickups=True, repaired=True) is None  # it did not help before
    assert after_verdict("retake", [inside], 3, pickups=True).word == "escalate"
