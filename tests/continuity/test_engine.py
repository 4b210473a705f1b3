"""From signatures to a report: what is blamed, what is excused, what is said to be missing."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from filmgate.continuity import engine
from filmgate.schema.look import Change, Expectation, Look, NamedPerson, Scope
from filmgate.schema.publish import to_json
from filmgate.schema.report import SCHEMA_VERSION, CheckReport, Finding, SequenceReport, ShotReport
from filmgate.schema.shot import Sequence, Shot
from filmgate.schema.signature import Signature

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file
import staged

SCHEMA = json.loads(
    (Path(__file__).parents[2] / "schemas" / "check_report.schema.json").read_text()
)
RED, JACKET = ("wardrobe", 25.0, "de00"), "wardrobe/person_1/upper"


def change(path: str, first: str, last: str | None = None, **parts: object) -> Look:
    return Look(changes=(Change(path, Scope(first, last), **parts),))  # type: ignore[arg-type]


def expected(path: str, **parts: object) -> Look:
    people = (NamedPerson("maya", label="person_1"),)
    return Look(expectations=(Expectation(path, **parts),), people=people)  # type: ignore[arg-type]


def only(shot: ShotReport, attribute: str, against: str) -> Finding:
    """The one finding of an attribute compared one way."""
    found = [f for f in shot.findings if f.attribute == attribute and f.against == against]
    assert len(found) == 1, [(f.attribute, f.against) for f in shot.findings]
    return found[0]


def words(report: SequenceReport) -> list[str]:
    return [s.verdict for s in report.shots]


# ---------------------------------------------------------------------- drift and verdicts


def test_clean_shots_pass() -> None:
    report = staged.compared(staged.clean(8))
    assert words(report) == ["circle"] * 8
    assert max(s.score for s in report.shots) < 0.5
    assert {f.status for s in report.shots for f in s.findings} <= {"within", "not_measured"}


@pytest.mark.parametrize(
    ("drift", "check"),
    [
        (RED, "wardrobe"),
        (("lighting_level", 1.2, "stops"), "lighting"),
        (("loudness", 9.0, "lu"), "sound"),
        (("horizon", 6.0, "deg"), "geometry"),
        (("mirror", 1.0, "flip"), "geometry"),
        (("in_shot", 1.5, "stops"), "in_shot"),
    ],
)
def test_the_drifting_shot_is_flagged_for_the_right_reason(drift: staged.Drift, check: str) -> None:
    report = staged.compared(staged.with_drift(drift, 5))
    assert [i for i, w in enumerate(words(report)) if w != "circle"] == [5]
    shot = report.shots[5]
    assert shot.verdict == "retake"
    assert shot.score == max(s.score for s in report.shots)
    assert shot.score > 0.55
    assert engine.blame(shot) == check
    drifting = [f for f in shot.findings if f.status == "drift"]
    assert {f.check for f in drifting} == {check}
    for finding in drifting:
        assert finding.remedy
        assert finding.remedy.endswith(".")
        assert finding.magnitude is not None
        assert finding.tolerance is not None
        assert finding.magnitude > 1.1 * finding.tolerance, "the tolerance is no copy of the size"


def test_two_causes_go_to_a_person() -> None:
    signatures = staged.with_drift(RED, 5)
    loud = staged.signature(5, ("loudness", 9.0, "lu"))
    both = staged.signature(5, RED)
    signatures[5] = dataclasses.replace(both, sound=loud.sound)
    shot = staged.compared(signatures).shots[5]
    assert {f.check for f in shot.findings if f.status == "drift"} == {"wardrobe", "sound"}
    assert shot.verdict == "escalate"


def test_the_good_shot_after_a_bad_one_is_never_blamed() -> None:
    report = staged.compared(staged.with_drift(RED, 5))
    after = report.shots[6]
    step = only(after, JACKET, "neighbour")
    assert step.other == "shot_5"
    assert step.magnitude is not None
    assert step.magnitude > 10, "the cut is seen"
    assert step.status == "within"
    assert step.reason == "shot_5 is the one that drifts"
    assert after.verdict == "circle"


def test_what_could_not_be_measured_goes_to_a_person() -> None:
    signatures = staged.clean(6)
    signatures[2] = "shot_2.mp4 is empty."
    report = staged.compared(signatures)
    assert words(report) == ["circle", "circle", "escalate", "circle", "circle", "circle"]
    blind = report.shots[2]
    assert blind.rate is None
    assert blind.scene is None
    assert blind.score == 0
    assert {f.status for f in blind.findings} == {"not_measured"}
    assert {f.reason for f in blind.findings} == {"shot_2.mp4 is empty."}


def test_no_calibration_means_not_measured_and_says_so() -> None:
    report = engine.compare(
        staged.shots(8), staged.with_drift(RED, 5), Look(),
        type(staged.calibration())(), staged.CHECKS,
    )  # fmt: skip
    assert report.decision.startswith("no guarantee")
    said = {f.reason for s in report.shots for f in s.findings if f.magnitude is not None}
    assert said == {"measured, but too few clean comparisons of this kind to say what is usual"}
    assert words(report) == ["circle"] * 8


def test_an_empty_sequence_and_one_shot_alone() -> None:
    empty = engine.compare(Sequence("e", ()), [], Look(), staged.calibration(), staged.CHECKS)
    assert empty.shots == ()
    assert empty.decision == "no shots"
    alone = staged.compared(staged.clean(1))
    assert len(alone.shots) == 1
    assert {f.against for f in alone.shots[0].findings if f.status == "within"} <= {"itself"}


def test_the_series_keep_step_and_accumulated_apart() -> None:
    """A slow fade of the light: every step is small, the sum is not."""
    fade = [staged.signature(i, ("lighting_level", -0.15 * i, "stops")) if i else
            staged.signature(0) for i in range(8)]  # fmt: skip
    report = staged.compared(fade)
    series = next(s for s in report.series if s.attribute == "lighting/balance")
    assert series.step[0] is None
    assert series.accumulated[0] is None
    steps = [v for v in series.step if v is not None]
    sums = [v for v in series.accumulated if v is not None]
    assert len(steps) == len(sums) == 7
    assert sums == sorted(sums)
    assert sums[-1] > 3 * max(steps)


# ---------------------------------------------------------------------- declared changes


def test_a_declared_change_is_not_drift() -> None:
    look = change("wardrobe/*/jacket", "shot_5", "shot_5")
    report = staged.compared(staged.with_drift(RED, 5), look)
    assert words(report) == ["circle"] * 8
    shot = report.shots[5]
    assert "drift" not in staged.statuses(shot, "wardrobe")
    assert only(shot, JACKET, "anchor").status == "declared_change"
    # Where the change ends the jacket must change back, and does: no finding but the fact.
    assert only(report.shots[6], JACKET, "neighbour").status == "declared_change"


def test_a_change_of_something_else_excuses_nothing() -> None:
    look = change("lighting/*", "shot_5", "shot_5", gradual=True)
    report = staged.compared(staged.with_drift(RED, 5), look)
    assert only(report.shots[5], JACKET, "consensus").status == "drift"
    assert report.shots[5].verdict == "retake"


def test_a_changed_wardrobe_may_last() -> None:
    look = change("wardrobe/*/jacket", "shot_4")
    report = staged.compared(staged.with_drift(RED, 4, 5, 6, 7), look)
    assert words(report) == ["circle"] * 8
    odd = staged.with_drift(RED, 4, 5, 7)
    assert staged.compared(odd, look).shots[6].verdict != "circle", "shot 6 fell back"


def test_a_declared_change_that_did_not_happen_is_a_finding() -> None:
    report = staged.compared(staged.clean(8), change("wardrobe/*/jacket", "shot_4"))
    found = [(s.shot, f) for s in report.shots for f in s.findings if f.status == "change_missing"]
    assert [name for name, _ in found] == ["shot_4"]
    finding = found[0][1]
    assert finding.attribute == JACKET
    assert finding.other == "shot_3"
    assert finding.magnitude is not None
    assert finding.tolerance is not None
    assert finding.magnitude < finding.tolerance, "the least that would count as a change"
    assert "Retake" in (finding.remedy or "")
    assert [i for i, w in enumerate(words(report)) if w != "circle"] == [4]
    assert report.shots[4].verdict == "escalate"


def test_a_change_that_happened_is_not_missed() -> None:
    report = staged.compared(
        staged.with_drift(RED, 4, 5, 6, 7), change("wardrobe/*/jacket", "shot_4")
    )
    assert not any(f.status == "change_missing" for s in report.shots for f in s.findings)


def test_a_change_that_was_not_undone_is_a_finding() -> None:
    """Declared for two shots, the jacket stays changed for good."""
    look = change("wardrobe/*/jacket", "shot_4", "shot_5")
    report = staged.compared(staged.with_drift(RED, 4, 5, 6, 7), look)
    lacking = [s.shot for s in report.shots if "change_missing" in staged.statuses(s, "wardrobe")]
    assert lacking == ["shot_6"]


def test_a_gradual_change_is_not_demanded() -> None:
    report = staged.compared(staged.clean(8), change("wardrobe/*/jacket", "shot_4", gradual=True))
    assert not any(f.status == "change_missing" for s in report.shots for f in s.findings)


def test_a_change_nothing_can_see_is_not_measured() -> None:
    report = staged.compared(staged.clean(8), change("wardrobe/noah/jacket", "shot_4"))
    finding = only(report.shots[4], "wardrobe/noah/jacket", "neighbour")
    assert finding.status == "not_measured"
    assert "whether it happened cannot be said" in (finding.reason or "")


# ---------------------------------------------------------------------- the declared look


def test_a_garment_of_another_colour_than_declared_drifts() -> None:
    report = staged.compared(staged.clean(6), expected("wardrobe/maya/jacket", lab=(45, 60, 40)))
    finding = only(report.shots[3], "wardrobe/maya/jacket", "look")
    assert finding.status == "drift"
    assert finding.unit == "de00"
    assert finding.magnitude is not None
    assert finding.magnitude > 20
    assert finding.this is not None
    assert finding.reference is not None
    assert finding.this.lab is not None
    declared = expected("wardrobe/maya/jacket", lab=finding.this.lab)
    again = staged.compared(staged.clean(6), declared)
    assert only(again.shots[3], "wardrobe/maya/jacket", "look").status == "within"
    assert again.shots[3].people == ("maya",)


def test_a_garment_like_another_shots() -> None:
    look = expected("wardrobe/maya/jacket", like="shot_0")
    report = staged.compared(staged.with_drift(RED, 5, count=6), look)
    assert only(report.shots[4], "wardrobe/maya/jacket", "look").status == "within"
    assert only(report.shots[5], "wardrobe/maya/jacket", "look").status == "drift"


def test_the_declared_key_side() -> None:
    slope = float(staged.signature(0).light[0, 6])
    assert abs(slope) > 0.1, "the set must have a side"
    right, wrong = ("right", "left") if slope > 0 else ("left", "right")
    for side, status in ((right, "within"), (wrong, "drift")):
        report = staged.compared(staged.clean(4), expected("lighting/key_side", value=side))
        finding = only(report.shots[2], "lighting/key_side", "look")
        assert finding.status == status
        assert finding.remedy == (None if status == "within" else f"Move the key to the {side}.")


def test_a_light_declared_even() -> None:
    flat = staged.clean(4)
    report = staged.compared(flat, expected("lighting/key_side", value="even"))
    finding = only(report.shots[2], "lighting/key_side", "look")
    slope = abs(float(flat[2].light[0, 6])) * 2 / np.log(2)  # type: ignore[union-attr]
    assert finding.status == ("drift" if slope > 0.25 else "within")
    assert finding.magnitude == pytest.approx(slope, abs=1e-3)


def test_the_declared_loudness() -> None:
    sound = staged.signature(2).sound
    assert sound is not None
    assert sound.integrated_lufs is not None
    for off, status in ((0.5, "within"), (6.0, "drift")):
        look = expected("sound/loudness_lufs", value=sound.integrated_lufs + off)
        finding = only(
            staged.compared(staged.clean(4), look).shots[2], "sound/loudness_lufs", "look"
        )
        assert finding.status == status
        assert finding.magnitude == pytest.approx(off, abs=1e-3)
        if status == "drift":
            assert finding.remedy == "Change the level by +6.0 dB."


def test_an_attribute_nobody_measures_is_said() -> None:
    report = staged.compared(staged.clean(2), expected("world/cup", value="red"))
    finding = only(report.shots[0], "world/cup", "look")
    assert finding.status == "not_measured"
    assert finding.reason


# ---------------------------------------------------------------------- answers from outside


def answered(*values: str | float) -> list[Signature | str]:
    return [
        dataclasses.replace(staged.signature(i), attributes=(("world/cup", v, None, 1.0),))
        for i, v in enumerate(values)
    ]


@pytest.mark.parametrize(
    ("values", "unit"),
    [(("red", "red", "blue"), "de00"), (("full", "Full ", "empty"), "distance"),
     ((3.0, 3.0, 5.0), "ratio")],
)  # fmt: skip
def test_answers_that_disagree_between_shots(values: tuple[str | float, ...], unit: str) -> None:
    report = staged.compared(answered(*values))
    same, other = (only(report.shots[i], "world/cup", "anchor") for i in (1, 2))
    assert same.status == "within"
    assert other.status == "drift"
    assert other.unit == unit
    assert other.other == "shot_0"
    assert report.shots[2].verdict != "circle"


def test_answers_follow_declared_changes() -> None:
    look = change("world/cup", "shot_2")
    happened = staged.compared(answered("red", "red", "blue", "blue"), look)
    assert only(happened.shots[2], "world/cup", "anchor").status == "declared_change"
    missing = staged.compared(answered("red", "red", "red", "red"), look)
    found = [only(s, "world/cup", "anchor").status for s in missing.shots[1:]]
    assert found == ["within", "change_missing", "within"]


def test_answers_against_the_look() -> None:
    report = staged.compared(answered("red", "blue"), expected("world/cup", value="red"))
    found = [only(s, "world/cup", "look").status for s in report.shots]
    assert found == ["within", "drift"]


# ---------------------------------------------------------------------- the report


def test_names_do_not_matter() -> None:
    """The same numbers under other names: a checker that reads file names would differ."""
    signatures = staged.with_drift(RED, 5)
    plain = staged.compared(signatures)
    other = Sequence("x", tuple(Shot(f"z{9 - i}", "x", f"/else/{i}.mov") for i in range(8)))
    renamed = staged.compared(signatures, sequence=other)

    def told(report: SequenceReport) -> list[tuple[object, ...]]:
        return [
            (s.score, s.verdict, s.p_value, [(f.attribute, f.against, f.status, f.magnitude,
             f.tolerance, f.p_value, f.box) for f in s.findings])
            for s in report.shots
        ]  # fmt: skip

    assert told(plain) == told(renamed)


def test_every_kind_of_finding_is_as_published() -> None:
    signatures = staged.with_drift(RED, 5)
    signatures[2] = "unreadable"
    signatures[3] = dataclasses.replace(
        staged.signature(3), sound=None, sound_note="the file has no sound"
    )
    looks = [
        Look(),
        change("wardrobe/*/jacket", "shot_5", "shot_5"),
        change("wardrobe/*/jacket", "shot_4"),
        expected("sound/loudness_lufs", value=-23.0),
    ]
    reports = tuple(staged.compared(signatures, look) for look in looks)
    seen = {f.status for r in reports for s in r.shots for f in s.findings}
    assert seen == {"within", "drift", "declared_change", "change_missing", "not_measured"}
    body = to_json(
        CheckReport("0.1.0", SCHEMA_VERSION, staged.calibration().table(), ("test faces",), reports)
    )
    plain = json.loads(body)
    jsonschema.validate(plain, SCHEMA)
    plain["sequences"][0]["shots"][0]["verdict"] = "fine"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(plain, SCHEMA)


def test_the_score_orders_shots_by_their_evidence() -> None:
    sizes = (0.0, 8.0, 25.0)
    scores = []
    for size in sizes:
        drift = ("wardrobe", size, "de00") if size else None
        signatures = [staged.signature(i, drift if i == 5 else None) for i in range(8)]
        scores.append(staged.compared(signatures).shots[5].score)
    assert scores == sorted(scores)
    assert scores[0] < 0.4
    assert scores[2] > 0.6
    assert np.isfinite(scores).all()
