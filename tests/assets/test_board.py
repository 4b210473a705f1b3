from __future__ import annotations

from filmgate.assets.board import Board, Card

MAYA, TWO, OFFICE, BEN = (
    Card("sha256:m", "MAYA", "MAYA face front"), Card("sha256:n", "MAYA", "MAYA jacket navy"),
    Card("sha256:o", "office", "corridor"), Card("sha256:b", "BEN", "BEN face"),
)  # fmt: skip


def best(names: list[str], words: str, most: int, *cards: Card) -> list[str]:
    return [c.digest[-1] for c in Board(cards or (MAYA, TWO, OFFICE, BEN)).best(names, words, most)]


def test_nobody_who_is_not_in_the_shot_gets_a_picture() -> None:
    assert "b" not in best(["MAYA", "office"], "MAYA walks", 9)


def test_people_and_places_take_turns() -> None:
    assert best(["MAYA", "office"], "MAYA in a corridor", 2) in (["m", "o"], ["n", "o"])


def test_words_decide_between_two_of_one_person() -> None:
    assert best(["MAYA"], "her navy jacket", 1) == ["n"]
    assert best(["MAYA"], "her face from the front", 1) == ["m"]


def test_a_picture_given_for_the_shot_comes_first() -> None:
    own = Card("sha256:x", "", "storyboard", own=True)
    assert best(["MAYA"], "MAYA", 2, MAYA, own)[0] == "x"


def test_likeness_to_what_is_bound_decides_last() -> None:
    cards = [
        Card("sha256:1", "office", "", vector=(1.0, 0.0)),
        Card("sha256:2", "office", "", vector=(0.9, 0.1)),
        Card("sha256:3", "office", "", vector=(-1.0, 0.2)),
    ]
    assert best(["office"], "", 3, *cards)[-1] == "3"


def test_a_model_that_takes_none_gets_none() -> None:
    assert best(["MAYA"], "MAYA", 0) == []
    assert Board([]).best(["MAYA"], "MAYA", 3) == []
