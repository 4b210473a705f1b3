from __future__ import annotations

import pytest

from filmgate.schema import colour
from filmgate.story import colour_words
from filmgate.story.colour_words import TERMS, differ, garments, terms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("MAYA in a red jacket.", [("jacket", "red")]),
        ("a dark green, woollen coat over a white shirt", [("coat", "darkgreen"),
                                                          ("shirt", "white")]),
        ("her jacket is pale blue", [("jacket", "blue")]),
        ("her navy blue jacket", [("jacket", "blue")]),
        ("sky blue dresses", [("dress", "skyblue")]),
        ("the gray hoodie", [("hoodie", "grey")]),
        ("a red car; her jacket", []),
        ("red light on her jacket", []),
        ("a linen jacket", []),
        ("the jacket is wet", []),
        ("black t-shirt and jeans", [("t-shirt", "black")]),
        ("no clothes, red sky", []),
        ("", []),
    ],
)  # fmt: skip
def test_garments_and_their_colours(text: str, found: list[tuple[str, str]]) -> None:
    assert [(n.garment, n.term) for n in garments(text)] == found


def test_a_colour_gets_the_term_of_its_own_name() -> None:
    """Of the 81 CSS names that hold a basic term, 77 and more get it."""
    own = {
        name: {t for t in TERMS if t in name.replace("gray", "grey").replace("violet", "purple")}
        for name in colour.NAMES
    }
    named = {name: words for name, words in own.items() if words}
    missed = [n for n, words in named.items() if not words & terms(lab(n))]
    assert len(named) == 81
    assert len(missed) <= 4, missed
    assert all(1 <= len(terms(lab(name))) <= 5 for name in colour.NAMES)


def lab(value: str) -> colour.Triple:
    found = colour.parse(value)
    assert found is not None
    return found.lab


@pytest.mark.parametrize(
    ("word", "declared", "other"),
    [
        ("blue", "navy", False), ("navy", "#1b2a4a", False), ("black", "#1b2a4a", False),
        ("crimson", "navy", True), ("red", "navy", True), ("skyblue", "navy", True),
        ("royalblue", "navy", False), ("grey", "#3b3b42", False), ("black", "#3b3b42", True),
        ("red", "crimson", False), ("brown", "red", True), ("grey", "gray", False),
        ("green", "teal", False), ("blue", "teal", False), ("purple", "teal", True),
        ("white", "black", True), ("pink", "red", True), ("maroon", "red", False),
    ],
)  # fmt: skip
def test_only_what_no_word_can_be_said_of_both_is_another_colour(
    word: str, declared: str, other: bool
) -> None:
    assert differ(word, declared, lab(declared)) is other


def test_what_is_no_colour_contradicts_nothing() -> None:
    assert not differ("red", "left", None)
    assert not differ("nonsense", "navy", lab("navy"))


def test_navy_and_sky_blue_are_parted_by_the_stated_lightness() -> None:
    far = lab("skyblue")[0] - lab("navy")[0]
    near = lab("royalblue")[0] - lab("navy")[0]
    assert near + 4 < colour_words.FAR_L < far - 20
