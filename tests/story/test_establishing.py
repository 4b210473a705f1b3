from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from filmgate.story import establishing
from filmgate.story.establishing import Rule, default_setups, expand


def test_four_hundred_shots_of_forty_nine_set_ups() -> None:
    views = list(expand(Rule(400, 49)))
    counts = Counter(view.setup for view in views)
    assert len(views) == 400
    assert len(counts) == 49
    assert set(counts.values()) <= {8, 9}
    assert all(a.setup != b.setup for a, b in pairwise(views))
    assert all(len({v.setup for v in views[n : n + 49]}) == 49 for n in range(0, 343, 49))


def test_a_set_up_is_the_same_wherever_it_recurs() -> None:
    fixed = {(v.setup, v.framing, v.lens_mm, v.move, v.action) for v in expand(Rule(400, 49))}
    assert len(fixed) == 49


def test_a_view_is_seen_through_every_lens_and_then_with_the_next_move() -> None:
    doors = sorted({(v.setup, v.lens_mm, v.move) for v in expand(Rule(400, 49))
                    if v.setup.startswith("doors-")})  # fmt: skip
    assert len(doors) == 8
    assert {lens for _, lens, _ in doors[:3]} == {18, 24, 35}
    assert len({(lens, move) for _, lens, move in doors}) == 8


def test_the_same_rule_gives_the_same_cut_on_every_machine() -> None:
    """Written down: a change of the order would remake every shot of a project."""
    assert [v.setup for v in expand(Rule(8, 6))] == PINNED
    assert [v.setup for v in expand(Rule(8, 6, seed=1))] != PINNED


PINNED = [
    "stairwell-05", "pillars-03", "corridor-01", "break_room-06", "cubicles-02", "doors-04",
    "cubicles-02", "doors-04",
]  # fmt: skip


@pytest.mark.parametrize(("shots", "setups"), [(1, 1), (2, 2), (9, 2), (60, 7), (400, 49)])
def test_how_many_set_ups_there_are_when_nobody_says(shots: int, setups: int) -> None:
    assert default_setups(shots) == setups


def test_one_set_up_may_follow_itself() -> None:
    assert {v.setup for v in expand(Rule(3, 1))} == {"corridor-01"}


def test_lists_of_the_brief_and_of_its_sequence(opened: Any) -> None:
    project = opened(
        """
        [[places]]
        name = "office"
        kind = "liminal"
        seed = 7
        [[sequence]]
        id = "office"
        scene = 1
        place = "office"
        move = "pull"
        light = { cct_k = 4300 }
        sound = { tone = "hum", level_lufs = -38 }
        [sequence.establishing]
        shots = 30
        setups = 4
        views = ["doors", "lift"]
        durations_s = [2, 3.5]
        actions = { lift = "A lift opens on nobody." }
        """
    )
    shots = list(project.plan.shots())
    assert [s.slate for s in shots[:3]] == ["1A", "1B", "1C"]
    assert {s.move for s in shots} == {"pull"}
    assert {s.setup for s in shots} == {"doors-01", "lift-02", "doors-03", "lift-04"}
    assert [s.duration_s for s in shots[:4]] == [2, 3.5, 2, 3.5]
    assert {s.action for s in shots if s.setup.startswith("lift")} == {"A lift opens on nobody."}
    assert {s.action for s in shots if s.setup.startswith("doors")} == {establishing.VIEWS["doors"]}
    assert all((s.light.cct_k, s.sound.tone, s.place) == (4300, "hum", "office") for s in shots)
    assert all(s.people == () and s.framing in ("wide", "establishing") for s in shots)
    assert {s.source for s in shots} == {"brief.toml line 15"}
