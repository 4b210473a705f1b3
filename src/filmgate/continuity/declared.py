"""What was declared or answered, against what was measured: looks, sidecars, readers.

These comparisons have no clean sample to be calibrated on, so their tolerances are stated here
with their sources and are printed with every finding.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from filmgate.continuity import pairs
from filmgate.continuity.world import World, lab_of_log
from filmgate.measure.colour import delta_e_2000, hex_of, lab_to_srgb
from filmgate.schema.colour import parse
from filmgate.schema.look import Change, Expectation, canonical
from filmgate.schema.report import Finding, Measured, Unit
from filmgate.schema.signature import PersonSignature

TOLERANCE_GARMENT_DE00 = 12.0
"""95 % of clean shots under strong relighting stay below 8 to 12 (research note 3.4)."""
TOLERANCE_LOUDNESS_LU = 1.0
"""EBU R128 s1 allows 1 LU for short-form programmes."""
TOLERANCE_GRADE_DE00 = 5.0
"""Twice what is just visible in pictures (2.5, Song and Luo 2001)."""
TOLERANCE_ANSWER_DE00 = 10.0
"""Two readings of one garment by an outside tool; about the clean spread of research note 3.4."""
MIN_KEY_STOPS = 0.25
"""Less light than this from one side has no side."""


def findings(world: World, shot: int) -> list[Finding]:
    """Findings of `shot` against the look, and of outside answers against the scene's first."""
    out = [
        _expected(world, shot, path, expectation)
        for path in dict.fromkeys(e.path for e in world.look.expectations)
        if (expectation := world.look.expectation_for(path, world.ids[shot])) is not None
    ]
    return [f for f in out if f is not None] + _answers(world, shot)


def _blank(path: str) -> Finding:
    return Finding(path.split("/")[0], path, "look", None, "not_measured")


def _expected(world: World, shot: int, path: str, expected: Expectation) -> Finding | None:
    answered = _answer_for(world, shot, path)
    if answered is not None:
        return _compare_answer(_blank(path), answered, expected)
    head = path.split("/")[0]
    if head == "wardrobe":
        return _garment(world, shot, path, expected)
    if path == "sound/loudness_lufs":
        return _loudness(world, shot, path, expected)
    if path == "lighting/key_side" and isinstance(expected.value, str):
        return _key(world, shot, path, expected.value.lower())
    if expected.like is not None and head in ("grade", "lighting"):
        return _like(world, shot, path, expected.like)
    return replace(_blank(path), reason="no extractor measures this attribute absolutely; declare "
                   "it with `like = \"shot\"`, or bring it in a sidecar")  # fmt: skip


def _judged(
    finding: Finding, magnitude: float, unit: Unit, tolerance: float, remedy: str
) -> Finding:
    drifts = magnitude > tolerance
    return replace(
        finding, status="drift" if drifts else "within", magnitude=round(magnitude, 4), unit=unit,
        tolerance=tolerance, remedy=remedy if drifts else None,
        reason="fixed tolerance, not calibrated (docs/look.md)",
    )  # fmt: skip


def _garment(world: World, shot: int, path: str, expected: Expectation) -> Finding | None:
    parts = path.split("/")
    label = parts[1] if len(parts) > 1 else ""
    part = canonical(path).split("/")[-1] if len(parts) > 2 else "upper"
    if part not in ("upper", "lower"):
        return replace(_blank(path), reason=f"no extractor measures '{part}'; declare a garment of "
                       "the upper or the lower body, or bring it in a sidecar")  # fmt: skip
    person = world.sightings(label).get(shot)
    if person is None:
        if label in world.labels:
            return None
        return replace(_blank(path), reason=f"'{label}' was not recognised in any shot; name them "
                       "in [people]")  # fmt: skip
    colour = _colour(person, part)
    wanted = expected.lab
    if expected.like is not None:
        wanted = _garment_of(world, label, part, expected.like)
    if colour is None or wanted is None:
        return replace(_blank(path), reason="the garment is out of the picture, hidden or too dark")
    lab = lab_of_log(colour)
    # Exposure is the light's, not the garment's: the level is matched before comparing.
    level = np.array([wanted[0], lab[1], lab[2]])
    distance = min(float(delta_e_2000(lab, wanted)), float(delta_e_2000(level, wanted)))
    target = hex_of(lab_to_srgb(np.array(wanted)))
    return replace(
        _judged(_blank(path), distance, "de00", TOLERANCE_GARMENT_DE00,
                f"Retake with {label}'s {parts[-1]} at {target} as declared."),
        this=_swatch(lab, "as shot"), reference=_swatch(np.array(wanted), "declared"),
        box=person.garment_box, frames=tuple(int(f) for f in person.frames),
    )  # fmt: skip


def _garment_of(
    world: World, label: str, part: str, shot: str
) -> tuple[float, float, float] | None:
    local = world.look.local(shot)
    person = world.sightings(label).get(world.ids.index(local)) if local else None
    colour = None if person is None else _colour(person, part)
    if colour is None:
        return None
    lab = lab_of_log(colour)
    return (float(lab[0]), float(lab[1]), float(lab[2]))


def _colour(person: PersonSignature, part: str) -> NDArray[np.float32] | None:
    """Log-linear RGB (3,) of a garment, None where it is not seen."""
    if part == "upper":
        return person.upper_median
    return None if person.lower is None else person.lower[0, :3]


def _swatch(lab: np.ndarray, what: str) -> Measured:
    text = f"{what}: L* {lab[0]:.1f} a* {lab[1]:.1f} b* {lab[2]:.1f}"
    return Measured(text, hex_of(lab_to_srgb(lab)), (float(lab[0]), float(lab[1]), float(lab[2])))


def _loudness(world: World, shot: int, path: str, expected: Expectation) -> Finding:
    signature = world.signatures[shot]
    assert signature is not None
    sound = signature.sound
    if sound is None or sound.integrated_lufs is None:
        return replace(_blank(path), reason=signature.sound_note or "the sound is silent")
    if not isinstance(expected.value, (int, float)):
        return replace(_blank(path), reason="the declared loudness is not a number")
    gain = float(expected.value) - sound.integrated_lufs
    return replace(
        _judged(_blank(path), abs(gain), "lu", TOLERANCE_LOUDNESS_LU,
                f"Change the level by {gain:+.1f} dB."),
        this=Measured(f"{sound.integrated_lufs:.1f} LUFS"),
        reference=Measured(f"{float(expected.value):.1f} LUFS"),
    )  # fmt: skip


def _key(world: World, shot: int, path: str, side: str) -> Finding:
    slope = float(world.light[shot, 0, 6]) * 2 / float(np.log(2))
    side = side.strip()
    if side not in ("left", "right", "even"):
        return replace(
            _blank(path), reason=f"a key side is 'left', 'right' or 'even', not '{side}'"
        )
    if not np.isfinite(slope):
        return replace(_blank(path), reason="too little of the background is seen")
    found = "right" if slope > 0 else "left"
    if side == "even":
        wrong, remedy = abs(slope), f"Even out the light: less from the {found}."
    elif abs(slope) < MIN_KEY_STOPS:
        return replace(_blank(path), reason="no side of the picture is clearly brighter")
    else:
        wrong, remedy = 0.0 if found == side else abs(slope), f"Move the key to the {side}."
    return replace(
        _judged(_blank(path), wrong, "stops", MIN_KEY_STOPS, remedy),
        this=Measured(f"{abs(slope):.1f} stops brighter on the {found}"),
        reference=Measured(f"key declared {side if side == 'even' else 'on the ' + side}"),
    )  # fmt: skip


def _like(world: World, shot: int, path: str, name: str) -> Finding | None:
    local = world.look.local(name)
    if local is None:
        return replace(_blank(path), reason=f"'{name}' is not in this sequence")
    other = world.ids.index(local)
    if other == shot:
        return None
    if not world.measured[other]:
        return replace(_blank(path), reason=f"'{name}' could not be measured")
    distance = float(pairs.band_distance(
        world.bands[[shot], 0, 0].astype(np.float64), world.bands[[other], 0, 0].astype(np.float64)
    )[0])  # fmt: skip
    return replace(
        _judged(_blank(path), distance, "de00", TOLERANCE_GRADE_DE00,
                f"Match the grade and light of {name}."), other=local,
    )  # fmt: skip


Answer = tuple[str | float, str | None, float]


def _answer_for(world: World, shot: int, path: str) -> Answer | None:
    signature = world.signatures[shot]
    for name, value, unit, confidence in signature.attributes if signature else ():
        if name == path:
            return value, unit, confidence
    return None


def _lab(value: str | float) -> np.ndarray | None:
    if not isinstance(value, str):
        return None
    colour = parse(value)
    return np.asarray(colour.lab) if colour is not None else None


def _compare_answer(finding: Finding, answer: Answer, expected: Expectation) -> Finding:
    value, unit, _ = answer
    wanted: str | float | None = expected.hex or expected.value
    if wanted is None:
        return replace(finding, reason="the look declares no value for this attribute")
    return _difference(finding, value, wanted, unit, "the look")


def _difference(
    finding: Finding, value: str | float, wanted: str | float, unit: str | None, whose: str
) -> Finding:
    one, two = _lab(value), _lab(wanted)
    remedy = f"Retake: {finding.attribute} is {value}, {whose} has {wanted}."
    if one is not None and two is not None:
        distance = float(delta_e_2000(one, two))
        return replace(
            _judged(finding, distance, "de00", TOLERANCE_ANSWER_DE00, remedy),
            this=_swatch(one, "answered"), reference=_swatch(two, whose),
        )  # fmt: skip
    if isinstance(value, float | int) and isinstance(wanted, float | int):
        off = abs(float(value) - float(wanted)) / max(abs(float(wanted)), 1e-6)
        judged = _judged(finding, off, "ratio", 0.1, remedy)
    else:
        same = str(value).strip().lower() == str(wanted).strip().lower()
        judged = _judged(finding, 0.0 if same else 1.0, "distance", 0.5, remedy)
    label = f" {unit}" if unit else ""
    return replace(judged, this=Measured(f"{value}{label}"), reference=Measured(f"{wanted}{label}"))


def _answers(world: World, shot: int) -> list[Finding]:
    """Each answered attribute against the first shot of the scene that answers it."""
    signature = world.signatures[shot]
    out: list[Finding] = []
    for path, value, unit, _ in signature.attributes if signature else ():
        first = _first_answer(world, shot, path)
        if first is None or first == shot:
            continue
        there = _answer_for(world, first, path)
        if there is None:
            continue
        change = world.look.change_for(path, world.ids[first], world.ids[shot])
        finding = replace(_blank(path), against="anchor", other=world.ids[first])
        judged = _difference(finding, value, there[0], unit, world.ids[first])
        if change is not None and judged.status == "drift":
            judged = replace(judged, status="declared_change", remedy=None)
        elif change is not None and not change.gradual and _is_first(world, shot, path, change):
            judged = replace(
                judged, status="change_missing",
                reason=f"the declared change of '{change.path}' is not in the answers",
                remedy=f"Retake with {path} changed, or take the change out of the look.",
            )  # fmt: skip
        out.append(judged)
    return out


def _is_first(world: World, shot: int, path: str, change: Change) -> bool:
    """Whether no earlier shot inside the change answers: one finding per missing change."""
    return not any(
        world.look.covers(change.scope, world.ids[i]) and _answer_for(world, i, path) is not None
        for i in range(shot)
    )


def _first_answer(world: World, shot: int, path: str) -> int | None:
    for i in np.flatnonzero(world.scene == world.scene[shot]):
        if _answer_for(world, int(i), path) is not None:
            return int(i)
    return None
