"""A reader whose answers are kept, without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from filmgate.assets.cache import MeasurementStore
from filmgate.errors import MeasurementError, Unavailable
from filmgate.loop.reading import Kept

SHAPE = {"type": "object"}


class Reader:
    """Answers with what it was told to, or fails."""

    identity = "fake 1"
    answered_by: Mapping[str, int] = {}

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked = list(answers), 0

    def read(
        self, images: Sequence[bytes], question: str, schema: dict[str, Any], *, material: str = ""
    ) -> dict[str, Any]:
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise MeasurementError(f"no answer: {answer}") from answer
        return dict(answer)


def test_an_answer_is_asked_for_once(tmp_path: Path) -> None:
    reader = Reader({"a": 1}, {"a": 2}, {"a": 3})
    for _ in range(2):
        kept = Kept(reader, MeasurementStore(tmp_path))
        assert kept.read([b"x"], "Which?", SHAPE) == {"a": 1}
        assert kept.read([b"y"], "Which?", SHAPE) == {"a": 2}
        assert kept.read([b"x"], "Which?", SHAPE, material="m") == {"a": 3}
    assert reader.asked == 3


def test_what_was_refused_is_asked_again_and_the_next_question_too(tmp_path: Path) -> None:
    reader = Reader(ValueError("blocked"), {"a": 1}, {"a": 2})
    kept = Kept(reader, MeasurementStore(tmp_path))
    with pytest.raises(MeasurementError, match="blocked"):
        kept.read([b"x"], "Which?", SHAPE)
    assert kept.failed == 1
    assert kept.read([b"y"], "Which?", SHAPE) == {"a": 1}
    assert kept.read([b"x"], "Which?", SHAPE) == {"a": 2}


def test_a_provider_that_is_down_is_waited_for_once(tmp_path: Path) -> None:
    reader = Reader(Unavailable("down"))
    kept = Kept(reader, MeasurementStore(tmp_path))
    for image in (b"x", b"y", b"z"):
        with pytest.raises(MeasurementError, match="down"):
            kept.read([image], "Which?", SHAPE)
    assert (reader.asked, kept.failed) == (1, 3)
