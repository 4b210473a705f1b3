"""Layouts registered onto each other: the camera's own motion, and where the set changed."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate import registry
from filmgate.continuity import layouts, pairs, picture, setups
from filmgate.continuity.check import Batch
from filmgate.schema.signature import Signature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

F32 = NDArray[np.float32]
ASPECT = 16 / 9


def place(seed: int = 3) -> F32:
    """A set, larger than the frame: (96, 128) codes of soft forms."""
    rng = np.random.default_rng(seed)
    forms = cv2.GaussianBlur(rng.normal(0, 1, (96, 128)).astype(np.float32), (0, 0), 4.0)
    return np.asarray(128 + 48 * forms / forms.std(), np.float32)


def take(set_: F32, *, right: float = 0.0, down: float = 0.0, roll_deg: float = 0.0) -> F32:
    """(24, 32) what a camera sees of the middle of a set whose picture moved: in cells; degrees
    clockwise in square pixels.
    """
    squeeze = ASPECT * 24 / 32
    turn = np.radians(roll_deg)
    rows, columns = np.mgrid[:24, :32].astype(np.float32)
    x, y = columns - 15.5 - right, rows - 11.5 - down
    # Where each cell was before the turn, a cell being `squeeze` times as wide as high.
    back_x = np.cos(turn) * x + np.sin(turn) * y / squeeze
    back_y = -np.sin(turn) * x * squeeze + np.cos(turn) * y
    at_x, at_y = 2 * back_x + 63.5, 2 * back_y + 47.5
    return np.asarray(
        cv2.remap(set_, at_x.astype(np.float32), at_y.astype(np.float32), cv2.INTER_LINEAR),
        np.float32,
    )


def everything(count: int) -> F32:
    return np.ones((count, *layouts.SHAPE), np.float32)


@pytest.mark.parametrize(
    ("right", "down", "roll_deg"),
    [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, -1.0, 0.0), (0.0, 0.0, 3.0), (0.5, 0.7, -4.0)],
)
def test_the_motion_of_the_camera_is_found(right: float, down: float, roll_deg: float) -> None:
    seen = take(place(), right=right, down=down, roll_deg=roll_deg)[None]
    motion = layouts.register(seen, take(place())[None], everything(1), np.array([ASPECT]))
    dx, dy, roll, zoom = motion.values[0]
    assert dx * 32 == pytest.approx(right, abs=0.2)
    assert dy * 24 == pytest.approx(down, abs=0.2)
    assert roll == pytest.approx(roll_deg, abs=0.4)
    assert zoom == pytest.approx(0.0, abs=0.02)


def test_a_picture_moved_back_lies_on_its_reference() -> None:
    seen, reference = take(place(), right=1.0, roll_deg=3.0)[None], take(place())[None]
    motion = layouts.register(seen, reference, everything(1), np.array([ASPECT]))
    back = layouts.moved_by(seen, motion.matrix)
    inner = np.s_[:, 3:-3, 3:-3]
    before = np.abs(seen - reference)[inner].mean()
    assert np.abs(back - reference)[inner].mean() < 0.25 * before


def group(*changed: tuple[int, int]) -> F32:
    """Five takes, each framed a little differently; in the last one what is at (row, column) of
    `changed` stands elsewhere.
    """
    shifts = [(0.0, 0.0), (0.6, 0.2), (-0.5, 0.3), (0.3, -0.6), (-0.2, 0.4)]
    made = [take(place(), right=r, down=d) for r, d in shifts]
    for row, column in changed:
        made[-1][row - 2 : row + 3, column - 2 : column + 3] += 70.0
    rng = np.random.default_rng(1)
    return np.asarray(np.stack(made) + rng.normal(0, 2, (5, 24, 32)), np.float32)


def change(pictures: F32, weight: F32 | None = None) -> layouts.Change:
    n = len(pictures)
    weight = everything(n) if weight is None else weight
    reference = np.median(pictures, axis=0)[None].repeat(n, axis=0).astype(np.float32)
    motion = layouts.register(pictures, reference, weight, np.full(n, ASPECT))
    return layouts.changes([(pictures, weight, motion.matrix)], np.zeros(n, np.int64))


def test_furniture_that_moved_is_found_where_it_stands() -> None:
    found = change(group((15, 8)))
    worse = found.size / found.usual
    assert worse[4] > 3 * worse[:4].max()
    row, column = divmod(int(found.place[4]), 32)
    assert abs(row - 15) <= 3
    assert abs(column - 8) <= 3
    x, y, w, h = layouts.box_of(int(found.place[4]))
    assert x <= 8.5 / 32 <= x + w
    assert y <= 15.5 / 24 <= y + h


def test_reframing_alone_is_no_change_of_the_set() -> None:
    found = change(group())
    assert (found.size < 0.3).all(), "local contrasts"


def test_what_always_moves_at_a_place_is_not_the_set() -> None:
    pictures = group((15, 8))
    rng = np.random.default_rng(5)
    for one in pictures[:4]:
        one[11:20, 4:13] += rng.normal(0, 70, (9, 9)).astype(np.float32)
    busy, still = change(pictures), change(group((15, 8)))
    assert (busy.size / busy.usual)[4] < 0.5 * (still.size / still.usual)[4]


def test_what_people_hide_is_not_compared() -> None:
    weight = everything(5)
    weight[4, 10:21, 3:14] = 0.0
    found = change(group((15, 8)), weight)
    row, column = divmod(int(found.place[4]), 32)
    assert not (12 <= row <= 18 and 5 <= column <= 11)
    assert found.size[4] < 0.5


def test_a_box_at_the_border_stays_in_the_frame() -> None:
    for place_ in (0, 31, 23 * 32, 24 * 32 - 1):
        x, y, w, h = layouts.box_of(place_)
        assert min(x, y) >= 0
        assert x + w <= 1 + 1e-9
        assert y + h <= 1 + 1e-9
        assert min(w, h) > 0


def test_a_pair_is_compared_once_registered() -> None:
    pictures = group((15, 8))
    one, two = pictures[4:], pictures[:1]
    motion = layouts.register(one, two, everything(1), np.array([ASPECT]))
    found = layouts.changes_between([(one, everything(1), motion.matrix)], [two])
    assert found.size[0] > 0.8
    clean = layouts.register(pictures[1:2], two, everything(1), np.array([ASPECT]))
    part = (pictures[1:2], everything(1), clean.matrix)
    assert layouts.changes_between([part], [two]).size[0] < 0.3


def test_what_differs_in_one_part_of_the_shot_alone_is_not_the_set() -> None:
    changed, same, group_ = group((15, 8)), group(), np.zeros(5, np.int64)
    still = np.tile(np.eye(2, 3), (5, 1, 1))
    passing = layouts.changes(
        [(p, everything(5), still) for p in (changed, same)], group_
    )  # fmt: skip
    staying = layouts.changes([(p, everything(5), still) for p in (changed, changed)], group_)
    assert staying.size[4] > 2 * passing.size[4]


def test_the_place_told_is_one_that_both_ends_show() -> None:
    head, tail, still = group((15, 8)), group((15, 8)), np.tile(np.eye(2, 3), (5, 1, 1))
    head[4, 4:9, 20:25] += 120.0  # somebody walks through, and is gone at the end
    parts = [(p, everything(5), still) for p in (head, tail)]
    found = layouts.changes(parts, np.zeros(5, np.int64))
    row, column = divmod(int(found.place[4]), 32)
    assert abs(row - 15) <= 3
    assert abs(column - 8) <= 3


def test_a_shot_that_met_the_wrong_leader_finds_its_setup() -> None:
    """Leaders come in edit order: the first shot of a set-up may meet another one's leader."""
    wide, near = place(3), place(9)
    between = 0.75 * take(near) + 0.7 * take(wide)
    shots = [take(wide), between, *(take(near, right=r) for r in (0.0, 0.2, -0.2))]
    found = setups.find_setups(np.stack(shots), np.ones(5, bool))
    assert found.label[1] == found.label[2] == found.label[3] == found.label[4]
    assert found.label[0] != found.label[1]


def test_nothing_measured_makes_no_setups() -> None:
    found = setups.find_setups(np.zeros((3, 24, 32), np.float32), np.zeros(3, bool))
    assert found.label.tolist() == [-1, -1, -1]


def test_takes_of_a_strongly_coloured_place_may_differ_more_in_colour() -> None:
    lighting = registry.load("continuity.checks", "lighting", "CHECK")
    tolerated = []
    for blue in (0.0, -2.0):
        takes = [
            dataclasses.replace(s, thumb=s.thumb + np.array([0.0, 0.0, blue], np.float32))
            for s in staged.clean(8)
            if isinstance(s, Signature)
        ]
        world = staged.world(takes)
        made = lighting.compare(world)
        found = next(
            b for b in made
            if b.attribute == "lighting/colour_temperature" and b.against == "consensus"
        )  # fmt: skip
        tolerated.append(float(np.nanmedian(found.scale)))
    orange = pairs.CAST_SHARE * 2.0 * picture.MIRED_PER_LOG
    assert tolerated[1] > tolerated[0]
    assert tolerated[1] == pytest.approx(np.hypot(tolerated[0], orange), rel=0.3)


def test_moved_furniture_is_a_finding_with_its_place_outlined() -> None:
    shots = staged.with_drift(("set_layout", 0.6, "m"), 5)
    report = staged.compared(shots)
    found = [f for f in report.shots[5].findings if f.attribute == "geometry/layout"]
    worst = max(found, key=lambda f: f.magnitude or 0.0)
    assert worst.status == "drift"
    assert worst.box is not None
    assert worst.remedy is not None
    assert "furniture" in worst.remedy
    for shot in (*report.shots[:5], *report.shots[6:]):
        assert "drift" not in staged.statuses(shot, "geometry/layout")


def layout_batches(signatures: Sequence[Signature | str]) -> dict[str, Batch]:
    made = registry.load("continuity.checks", "geometry", "CHECK").compare(staged.world(signatures))
    return {
        b.kind: b for b in made
        if b.attribute == "geometry/layout" and b.against == "consensus"
    }  # fmt: skip


def test_a_set_with_people_needs_more_takes_before_it_may_blame() -> None:
    few = layout_batches([*staged.clean(4), *staged.clean(4, setup=1)])["geometry/layout"]
    many = layout_batches(staged.clean(8))["geometry/layout"]
    assert few.applies[:4].all()
    assert np.isfinite(few.magnitude[:4]).all(), "measured and shown"
    assert not few.votes[:4].any()
    assert many.votes.all()


def test_shots_that_cannot_be_read_are_no_takes() -> None:
    found = layout_batches([*staged.clean(5), *["the file is cut off"] * 3])["geometry/layout"]
    assert np.isfinite(found.magnitude[:5]).all()
    assert not found.votes.any(), "five takes, not eight"


def test_a_set_without_people_is_calibrated_apart() -> None:
    nobody = [
        dataclasses.replace(s, people=()) for s in staged.clean(8) if isinstance(s, Signature)
    ]
    made = layout_batches(nobody)
    assert not made["geometry/layout"].applies.any()
    empty = made["geometry/layout_empty"]
    assert (empty.applies & empty.votes).all()
