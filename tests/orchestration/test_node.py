from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from filmgate.assets.store import Store
from filmgate.errors import BadSetting
from filmgate.orchestration import route_on_verdict, verification_node, verified
from filmgate.orchestration.node import Word

EXAMPLES = Path(__file__).parents[2] / "examples"


def compared(a: dict[str, Any], b: dict[str, Any], **more: Any) -> dict[str, Any]:
    return verification_node(**more)({"shot_a": a, "shot_b": b})


def test_navy_against_black_is_drift_in_words() -> None:
    done = compared({"wardrobe_color": "navy"}, {"wardrobe_color": "black"})
    assert done["continuity_ok"] is False
    assert done["notes"] == ["Wardrobe drift: navy vs black"]
    assert done["findings"][0]["unit"] == "de00"
    assert route_on_verdict(done) == "human_review"


def test_two_shades_of_one_colour_pass() -> None:
    done = compared({"wardrobe_color": "#000080"}, {"wardrobe_color": "#020285"})
    assert done["continuity_ok"] is True
    assert route_on_verdict(done) == "__end__"


def test_numbers_have_tolerances_and_words_must_be_equal() -> None:
    a, b = {"cct_k": 5200, "key_side": "left"}, {"cct_k": 5300, "key_side": "right"}
    done = compared(a, b, tolerances={"cct_k": 150})
    assert done["notes"] == ["Key side drift: left vs right"]


def test_what_one_shot_does_not_say_is_not_compared_and_said() -> None:
    done = compared({"wardrobe_color": "navy", "id": 1}, {"id": 2}, ignore=("id",))
    assert done["continuity_ok"] is True
    assert done["findings"][0]["status"] == "not_measured"
    assert "one shot only" in done["notes"][0]


def test_a_state_without_shots_or_verdict_is_refused() -> None:
    with pytest.raises(BadSetting, match="shot_b"):
        verification_node()({"shot_a": {}})
    with pytest.raises(BadSetting, match="verification_node"):
        route_on_verdict({})


def test_a_handoff_is_made_again_with_what_was_wrong_and_written_down(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def node(state: dict[str, Any]) -> dict[str, Any]:
        seen.append(list(state.get("notes", [])))
        return {"value": len(seen)}

    def check(state: dict[str, Any]) -> Word:
        return Word(state["value"] >= 3, f"{state['value']} is too small")

    wrapped = verified(node, check, name="count", to="end", attempts=5, store=tmp_path)
    done = asyncio.run(wrapped({"item": "x"}))
    assert (done["handoff_ok"], done["handoff_attempts"], done["value"]) == (True, 3, 3)
    assert seen == [[], ["1 is too small"], ["1 is too small", "2 is too small"]]
    with Store(tmp_path) as store:
        words = [row.body["verifier"] for row in store.ledger.all("handoff", subject="x")]
    assert words == ["retake", "retake", "circle"]


def test_what_is_never_good_is_passed_on_marked() -> None:
    async def node(state: dict[str, Any]) -> dict[str, Any]:
        return {"value": 0}

    done = asyncio.run(verified(node, lambda state: False, name="n")({}))
    assert done["handoff_ok"] is False
    assert done["handoff_attempts"] == 2


def test_the_example_of_the_mission_prints_the_drift(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, EXAMPLES / "langgraph_verifier.py"], cwd=tmp_path, text=True,
        capture_output=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "Wardrobe drift: navy vs black"
