"""Who is who across shots, on people made of numbers: each rule of evidence alone."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from filmgate.continuity import identities
from filmgate.schema.look import Look, NamedPerson
from filmgate.schema.signature import PersonSignature, Signature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

LONG = 8  # shots; above camera.SHORT_SEQUENCE, so that nobody stands in for anybody


def person(seed: int, side: float = 0.3, scale: float = 0.2, **parts: object) -> PersonSignature:
    """Someone with a face, hair, skin, jacket and palette of their own."""
    rng = np.random.default_rng(seed)
    nobody = staged.signature(0).people[0]
    palette = rng.dirichlet(np.full(256, 0.05)).astype(np.float32).reshape(4, 8, 8)
    made = dataclasses.replace(
        nobody, key="", embedding=None, side=side, scale=scale,
        face_patch=rng.integers(0, 256, (24, 24), dtype=np.uint8),
        skin=np.array([-1.0, -1.6, -2.0], np.float32),
        hair=rng.uniform(-5, -1.5, 3).astype(np.float32),
        upper_median=rng.uniform(-5, -0.5, 3).astype(np.float32), palette=palette,
    )  # fmt: skip
    return dataclasses.replace(made, **parts)  # type: ignore[arg-type]


def grainy(who: PersonSignature, seed: int) -> PersonSignature:
    """The same person in another take: a little grain on everything."""
    rng = np.random.default_rng(seed)
    assert who.face_patch is not None
    face = np.clip(who.face_patch + rng.normal(0, 12, (24, 24)), 0, 255).astype(np.uint8)
    assert who.upper_median is not None
    upper = (who.upper_median + rng.normal(0, 0.03, 3)).astype(np.float32)
    return dataclasses.replace(who, face_patch=face, upper_median=upper)


def relit(who: PersonSignature, stops: float) -> PersonSignature:
    """In more or warmer light: everything moves together, in log light."""
    shift = np.array([1.1, 1.0, 0.8], np.float32) * np.float32(stops * np.log(2))
    assert who.skin is not None
    assert who.hair is not None
    assert who.upper_median is not None
    return dataclasses.replace(
        who, skin=who.skin + shift, hair=who.hair + shift, upper_median=who.upper_median + shift
    )


def labels(
    shots: Sequence[Sequence[PersonSignature] | None],
    look: Look | None = None,
    setups: Sequence[int] | None = None,
) -> list[tuple[str | None, ...]]:
    base = staged.signature(0)
    signatures: list[Signature | None] = [
        None if p is None else dataclasses.replace(base, people=tuple(p)) for p in shots
    ]
    names = [f"shot_{i}" for i in range(len(shots))]
    where = np.array(setups if setups is not None else range(len(shots)))
    return identities.identify(signatures, where, look or Look(), names)


ANA, BEN = person(1, side=0.3), person(2, side=0.7)


def test_two_people_are_told_apart_and_known_again() -> None:
    shots = [[grainy(ANA, i), grainy(BEN, 50 + i)] if i % 2 else [grainy(BEN, i), grainy(ANA, i)]
             for i in range(LONG)]  # fmt: skip
    found = labels(shots)
    assert found == [("person_1", "person_2"), ("person_2", "person_1")] * (LONG // 2)


def test_the_light_does_not_make_another_person() -> None:
    shots = [[relit(grainy(ANA, i), stops), relit(grainy(BEN, i), stops)]
             for i, stops in enumerate((0, 1, -1, 1.5, 0, -1.5, 1, 0))]  # fmt: skip
    assert set(labels(shots)) == {("person_1", "person_2")}


def test_a_changed_jacket_does_not_make_another_person() -> None:
    """Else wardrobe drift would hide itself."""
    red = np.array([-0.7, -4.0, -4.5], np.float32)
    shots = [[grainy(ANA, i)] for i in range(LONG)]
    shots[5] = [dataclasses.replace(shots[5][0], upper_median=red)]
    assert set(labels(shots)) == {("person_1",)}


def face_distance(a: PersonSignature, b: PersonSignature) -> float:
    return float(identities.face_distances([a, b], np.array([0]), np.array([1]))[0])


def test_a_flopped_face_is_the_same_face() -> None:
    assert ANA.face_patch is not None
    turned = dataclasses.replace(ANA, face_patch=np.ascontiguousarray(ANA.face_patch[:, ::-1]))
    assert face_distance(ANA, turned) == pytest.approx(0, abs=1e-5)
    assert face_distance(ANA, BEN) > 0.7


def test_embeddings_count_where_both_have_one() -> None:
    unit = np.eye(4, dtype=np.float32)
    a, b = person(1, embedding=unit[0]), person(2, embedding=unit[0])
    assert face_distance(a, b) == pytest.approx(0)
    assert face_distance(a, person(1, embedding=unit[1])) == pytest.approx(1)
    same_face = face_distance(a, person(1))
    assert same_face == pytest.approx(0, abs=1e-5), "falls back on the faces"
    assert np.isnan(face_distance(person(1, face_patch=None), person(2)))


def test_names_an_extractor_knew_decide() -> None:
    twin, other = person(1, key="ana"), person(1, key="bea")
    assert identities.cost(twin, other, True) > identities.STAND_IN
    assert identities.cost(twin, person(9, key="ana"), False) == 0
    found = labels([[twin], [other], [person(9, key="ana")]])
    assert found == [("ana",), ("bea",), ("ana",)]


def test_in_a_short_sequence_a_changed_person_stands_in() -> None:
    """There a changed person is likelier than a new one, and must not escape by being new."""
    half = person(1, hair=person(2).hair, face_patch=person(2).face_patch)
    assert identities.SAME_PERSON <= identities.cost(ANA, half, False) < identities.STAND_IN
    assert labels([[ANA], [half], [ANA]]) == [("person_1",)] * 3
    long = labels([[grainy(ANA, i)] for i in range(LONG - 1)] + [[half]])
    assert long[-1] == ("person_2",), "in a longer one they may be somebody else"


def test_who_stands_where_somebody_stood_is_held_to_be_them() -> None:
    half = person(1, hair=person(2).hair, face_patch=person(2).face_patch)
    shots = [[grainy(ANA, i)] for i in range(LONG - 1)] + [[half]]
    assert labels(shots, setups=[0] * LONG)[-1] == ("person_1",)
    moved = dataclasses.replace(half, side=0.8)
    assert labels([*shots[:-1], [moved]], setups=[0] * LONG)[-1] == ("person_2",)


def test_the_same_face_in_the_same_set_up_beats_two_faint_likenesses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Sightings 0 and 2 are Ana's, 1 and 3 Ben's; 4 is Ana as in 0, and a little like both Bens."""
    faint = {0: 0.05, 2: 0.7, 1: 0.6, 3: 0.65}

    def costs(_: object, one: int, others: Sequence[int]) -> NDArray[np.float64]:
        told = faint if one == 4 else {k: 0.1 if k % 2 == one % 2 else 2.0 for k in range(9)}
        return np.array([told.get(k, 0.1) for k in others])

    monkeypatch.setattr(identities._Sightings, "costs", costs)
    shots: list[list[PersonSignature] | None] = [[ANA], [BEN], [ANA], [BEN], [ANA], [BEN]]
    assert labels(shots)[4] == ("person_1",)
    few = labels([*shots[:4], [ANA]])
    assert few[4] == ("person_2",), "where no set-up comes back, two witnesses decide"


def test_nobody_is_twice_in_a_shot() -> None:
    found = labels([[ANA], [grainy(ANA, 1), grainy(ANA, 2)], [ANA], [ANA], [ANA], [ANA]])
    assert found[1] in {("person_1", "person_2"), ("person_2", "person_1")}


def test_a_back_without_anything_to_know_it_by_has_no_label() -> None:
    back = person(3, face_patch=None, upper_median=None, hair=None, palette=None)
    assert labels([[back], [ANA]]) == [(None,), ("person_1",)]


def test_shots_that_were_not_measured_hold_nobody() -> None:
    assert labels([[ANA], None, [grainy(ANA, 1)]]) == [("person_1",), (), ("person_1",)]


def test_people_are_named_by_label_and_by_box() -> None:
    shots = [[grainy(ANA, i), grainy(BEN, i)] for i in range(3)]
    by_label = Look(people=(NamedPerson("maya", label="person_2"),))
    assert labels(shots, by_label)[0] == ("person_1", "maya")
    box = (0.6, 0.0, 0.2, 1.0)
    by_box = Look(people=(NamedPerson("ben", shot="shot_1", box=box),))
    assert labels(shots, by_box) == [("person_1", "ben")] * 3
    empty = Look(people=(NamedPerson("ghost", shot="shot_1", box=(0.0, 0.0, 0.1, 1.0)),))
    assert labels(shots, empty) == [("person_1", "person_2")] * 3
    alone = Look(people=(NamedPerson("ana", shot="shot_0"),))
    assert labels([[ANA], [grainy(ANA, 1)]], alone) == [("ana",), ("ana",)]
    elsewhere = Look(people=(NamedPerson("ana", shot="other_7"),))
    assert labels([[ANA]], elsewhere) == [("person_1",)]


def test_the_person_of_the_rendered_shots_is_one_person() -> None:
    world = staged.world(staged.with_drift(("wardrobe", 25.0, "de00"), 5))
    assert world.labels == ("person_1",)
    assert sorted(world.sightings("person_1")) == list(range(8))
