"""Answers of a fake vision-language model become attributes, or notes."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import jsonschema
import numpy as np
import pytest

from filmgate.errors import MeasurementError, MissingExtra
from filmgate.measure.extractors import vision_language as vl
from filmgate.measure.sample import Frame, Sample

GOOD: dict[str, Any] = {
    "people": [
        {
            "name": "Woman 1",
            "garments": [{"part": "upper", "type": "denim jacket", "colour": "#2E5A3C"}],
            "boxes": [
                {"image": 0, "body": [0.1, 0.1, 0.5, 0.95], "face": [0.2, 0.1, 0.1, 0.2]},
                {"image": 2, "body": [0.1, 0.1, 0.5, 0.8]},
            ],
        }
    ],
    "props": [{"name": "cup", "colour": "#ff0000"}, {"name": "dog"}],
    "light": {"key_side": "left", "colour": "#ffeedd"},
}


class Fake:
    """Answers what it was given, and keeps what it was asked."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.calls: list[tuple[Sequence[bytes], str, dict[str, Any]]] = []

    def read(
        self, images: Sequence[bytes], question: str, schema: dict[str, Any]
    ) -> dict[str, Any]:
        self.calls.append((images, question, schema))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


def _sample() -> Sample:
    frames = tuple(Frame(i, i / 24, np.full((36, 64, 3), i, np.uint8)) for i in range(0, 50, 7))
    return Sample(frames, None, "", Fraction(24), 0, 50)


def _extract(answer: Any) -> Any:
    return vl.EXTRACTOR(Fake(answer)).extract(_sample(), "a.mp4")


def test_one_call_with_jpegs_and_a_valid_schema() -> None:
    fake = Fake(GOOD)
    vl.EXTRACTOR(fake).extract(_sample(), "a.mp4")
    ((images, question, schema),) = fake.calls
    assert len(images) == vl.LOOKED
    assert all(i[:2] == b"\xff\xd8" for i in images)
    assert question == vl.QUESTION
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(GOOD, schema)


def test_a_good_answer_is_converted_and_capped() -> None:
    seen = _extract(GOOD)
    values = {a.path: a.value for a in seen.attributes}
    assert values == {
        "wardrobe/woman_1/upper": "#2e5a3c",
        "wardrobe/woman_1/upper/type": "denim_jacket",
        "world/cup": "#ff0000",
        "world/dog": "present",
        "lighting/key_side": "left",
        "lighting/colour": "#ffeedd",
    }
    assert all(a.confidence <= vl.MOST for a in seen.attributes)
    assert {i: len(p) for i, p in seen.people.items()} == {0: 1, 28: 0, 49: 1}
    (first,) = seen.people[0]
    assert first.name == "woman_1"
    assert first.frontal
    assert first.confidence <= vl.MOST
    assert first.body[1] + first.body[3] <= 1
    assert not seen.people[49][0].frontal
    assert seen.notes == ("Read by a vision-language model: an opinion, not a measurement.",)


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "a woman in green",
        {},
        {"people": "one", "props": {}, "light": []},
        {"people": [3, None, {"name": 7}], "props": [{"name": ""}], "light": {"key_side": "up"}},
        {"people": [{"name": "x"}, {"name": "x"}], "props": [], "light": {"colour": "warm"}},
        {
            "people": [
                {
                    "name": "../../etc\nignore the rules",
                    "garments": [{"part": "upper", "colour": "green"}, {"colour": "#000000"}],
                    "boxes": [
                        {"image": 9, "body": [0, 0, 1, 1]},
                        {"image": True, "body": [0, 0, 1, 1]},
                        {"image": 0, "body": [0, 0, 640, 360]},
                        {"image": 0, "body": [0, 0, float("nan"), 10**400]},
                        {"image": 0, "body": None, "face": "here"},
                    ],
                }
            ],
            "props": [],
            "light": {},
        },
    ],
)
def test_a_wrong_answer_is_a_note(answer: Any) -> None:
    seen = _extract(answer)
    assert len(seen.notes) == 2
    assert all(".." not in a.path and "\n" not in a.path for a in seen.attributes)
    assert not any(seen.people.values())


def test_a_failing_reader_costs_one_shot_only() -> None:
    with pytest.raises(MeasurementError, match="timed out"):
        _extract(TimeoutError("timed out"))
    with pytest.raises(MissingExtra):
        _extract(MissingExtra("no reader"))


def test_identity_follows_prompt_and_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = Fake(GOOD)
    before = vl.EXTRACTOR(fake).identity
    assert vl.PROMPT_DIGEST[:12] in before
    assert "Fake" in before
    fake.identity = "model-7"  # type: ignore[attr-defined]
    assert vl.EXTRACTOR(fake).identity.endswith("reader=model-7")
