"""The prompt of a shot, and what a retake asks for differently: one rule per kind of finding.

A prompt is composed from the shot's description and from what the look declares of it; a revision
says what is wanted, never what went wrong ("navy jacket", not "not black"): prohibitions prime the
fault they name. Every clause knows where it came from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from filmgate.schema import colour
from filmgate.schema.look import Look, canonical
from filmgate.schema.plan import Plan, PlannedShot
from filmgate.schema.take import Revision

Finding = Mapping[str, Any]
"""A finding as published (`schema.report.Finding` as plain JSON)."""

_FRAMINGS = {
    "wide": "Wide shot", "full": "Full shot", "medium": "Medium shot", "close": "Close-up",
    "insert": "Insert", "establishing": "Establishing shot",
}  # fmt: skip
_MOVES = {
    "static": "static camera", "push": "slow push in", "pull": "slow pull back", "pan": "slow pan",
    "tilt": "slow tilt", "track": "tracking camera", "handheld": "handheld camera",
}  # fmt: skip


class Clause(NamedTuple):
    """One sentence of a prompt and where it came from."""

    text: str
    source: str


def expected(look: Look, shot: PlannedShot, plan: Plan) -> dict[str, str | float]:
    """What is declared of `shot`: attribute path to value.

    The plan's wardrobe is what people wear where the look (bound to the shot's sequence) is silent.
    """
    cast = {person.name: person for person in plan.people}
    paths = {
        f"wardrobe/{name.lower()}/{garment}": value
        for name in shot.people
        if name in cast
        for garment, value in cast[name].wardrobe.items()
    }
    out: dict[str, str | float] = dict(paths)
    declared = {e.path for e in look.expectations} | {c.to.path for c in look.changes if c.to}
    for path in sorted({*declared, *paths}):
        if any(sign in path for sign in "*?["):
            continue
        found = look.expectation_for(path, shot.slate)
        if found is not None and found.value is not None:
            same = [known for known in out if canonical(known) == canonical(path)]
            for known in same:
                del out[known]
            out[path.lower()] = found.value
    present = {name.lower() for name in shot.people}
    return {
        path: value
        for path, value in out.items()
        if not path.startswith("wardrobe/") or path.split("/")[1] in present
    }


def clauses(
    plan: Plan,
    shot: PlannedShot,
    expect: Mapping[str, str | float],
    revisions: Sequence[Revision] = (),
) -> list[Clause]:
    """The sentences of the prompt, in the order in which they are sent, each with its source."""
    out = [Clause(_opening(shot), shot.source or "plan")]
    place = next((p for p in plan.places if p.name == shot.place), None)
    if place is not None:
        words = " ".join(filter(None, (place.description or place.name, shot.time_of_day)))
        out.append(Clause(f"Set: {words}", f"place {place.name}"))
    people = {person.name: person for person in plan.people}
    for name in shot.people:
        person = people.get(name)
        if person is not None and person.description:
            out.append(Clause(f"{name}: {person.description}", f"person {name}"))
    revised = {canonical(revision.path) for revision in revisions}
    out += [
        Clause(text, f"look {path}")
        for path, value in expect.items()
        if canonical(path) not in revised and (text := _declared(path, value))
    ]
    if shot.light.description:
        out.append(Clause(f"Light: {shot.light.description}", shot.source or "plan"))
    if shot.sound.description:
        out.append(Clause(f"Sound: {shot.sound.description}", shot.source or "plan"))
    if plan.style:
        out.append(Clause(plan.style, "style"))
    out += [Clause(r.clause, f"{r.author}: {r.because}") for r in revisions if r.clause]
    return out


def compose(
    plan: Plan,
    shot: PlannedShot,
    expect: Mapping[str, str | float],
    revisions: Sequence[Revision] = (),
) -> str:
    """The prompt of `shot` as one text; a prompt given in the brief replaces all but revisions."""
    if shot.prompt is not None:
        texts = [shot.prompt, *(r.clause for r in revisions if r.clause)]
    else:
        texts = [clause.text for clause in clauses(plan, shot, expect, revisions)]
    return " ".join(_sentence(text) for text in texts if text.strip())


def _opening(shot: PlannedShot) -> str:
    camera = [_MOVES[shot.move]]
    if shot.lens_mm is not None:
        camera.insert(0, f"{shot.lens_mm:g} mm lens")
    return f"{_FRAMINGS[shot.framing]}, {', '.join(camera)}. {shot.action}".strip()


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    return text if text.endswith((".", "!", "?", '"')) else f"{text}."


def _declared(path: str, value: str | float) -> str:
    head, *rest = path.split("/")
    if head == "wardrobe" and len(rest) == 2:
        return f"{rest[0].upper()} wears a {_colour(str(value))} {rest[1]}"
    if path == "lighting/key_side":
        return "Even light from all sides" if value == "even" else f"Key light from the {value}"
    if path == "lighting/cct_k" or path.endswith("colour_temperature_k"):
        return f"Light of {value:g} K" if isinstance(value, float | int) else ""
    return ""


def _colour(text: str) -> str:
    """A colour as a model understands it: a word, with the exact value where it was given so."""
    parsed = colour.parse(text)
    if parsed is None or not text.startswith(("#", "lab(")):
        return text
    return f"{colour.nearest_name(parsed.lab)} ({parsed.hex})"


def revise(finding: Finding, expect: Mapping[str, str | float]) -> Revision:
    """What a retake asks for so that `finding` goes away.

    Args:
        finding: a finding that drifts, as published.
        expect: what is declared of the shot; where the attribute is declared, that is asked for,
            else the value that the finding was compared with.
    """
    rule = _RULES.get(finding["check"], _anything)
    value, clause = rule(finding, expect)
    return Revision(
        path=finding["attribute"], clause=clause, value=value,
        because=finding.get("reason") or finding.get("remedy") or "",
        author=f"check {finding['check']}",
    )  # fmt: skip


def added(known: Iterable[Revision], new: Iterable[Revision]) -> tuple[Revision, ...]:
    """Revisions after a further round: a later one replaces an earlier one of the same path."""
    by_path = {canonical(revision.path): revision for revision in known}
    for revision in new:
        by_path.pop(canonical(revision.path), None)
        by_path[canonical(revision.path)] = revision
    return tuple(by_path.values())


Rule = Callable[[Finding, Mapping[str, str | float]], tuple[str, str]]


def _wanted_hex(finding: Finding) -> str:
    reference = finding.get("reference") or {}
    return str(reference.get("hex") or "")


def _wardrobe(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    parts = finding["attribute"].split("/")
    declared = next(
        (str(v) for path, v in expect.items() if canonical(path) == canonical("/".join(parts))), ""
    )
    value = declared or _wanted_hex(finding)
    who = parts[1].upper() if len(parts) > 1 and not parts[1].startswith("person") else "The person"
    garment = next(
        (path.split("/")[-1] for path in expect if canonical(path) == canonical("/".join(parts))),
        {"upper": "top", "lower": "trousers"}.get(parts[-1], parts[-1]),
    )
    wears = f"{who} wears the same {garment} throughout the film"
    return value, f"{wears}: {_colour(value)}" if value else wears


def _lighting(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    part = finding["attribute"].split("/")[-1]
    wanted = str((finding.get("reference") or {}).get("text") or "")
    if part == "key_side":
        side = str(expect.get("lighting/key_side", ""))
        return side, f"Key light from the {side}" if side else "Key light as in the other shots"
    if part == "colour_temperature":
        return wanted, f"Light of the same colour as in the scene{f', {wanted}' if wanted else ''}"
    return wanted, "Exposure and contrast exactly as in the other shots of the scene"


def _grade(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    return _wanted_hex(finding), (
        "Colour grade exactly as in the scene's other shots: same contrast, saturation and tint"
    )


def _geometry(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    part = finding["attribute"].split("/")[-1]
    return "", {
        "mirrored": "Screen direction as in the reference: left stays left, right stays right",
        "horizon": "Camera level, horizon straight",
        "camera_height": "Camera at the same height as in the reference frame of this set-up",
    }.get(part, "Furniture, doors and walls exactly where they stand in the reference of this set")


def _identity(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    who = finding["attribute"].split("/")[-1]
    name = "the person" if who.startswith("person") else who.upper()
    return "", f"Same face, hair and build of {name} as in the reference picture"


def _sound(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    wanted = str((finding.get("reference") or {}).get("text") or "")
    if finding["attribute"].endswith("loudness"):
        return wanted, f"Sound at the scene's level{f', {wanted}' if wanted else ''}"
    return wanted, "The same room tone as in the rest of the scene"


def _in_shot(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    return "", "Light, colours and clothes stay exactly the same from the first frame to the last"


def _anything(finding: Finding, expect: Mapping[str, str | float]) -> tuple[str, str]:
    return _wanted_hex(finding), str(finding.get("remedy") or "As in the other shots of the scene")


_RULES: dict[str, Rule] = {
    "wardrobe": _wardrobe, "lighting": _lighting, "grade": _grade, "geometry": _geometry,
    "identity": _identity, "sound": _sound, "in_shot": _in_shot,
}  # fmt: skip


def from_note(
    note: str, reasons: Sequence[str], reviewer: str, findings: Iterable[Finding] = (),
    expect: Mapping[str, str | float] | None = None,
) -> tuple[Revision, ...]:  # fmt: skip
    """What a reviewer's retake asks for: what each reason wants, and the note, once.

    Args:
        reasons: attribute paths of findings, or words. Without a note each must say by itself what
            is wanted: by its finding, by its kind of finding, else as it is.
        findings: that the reviewer was shown, as published.
        expect: what is declared of the shot.
    """
    text = " ".join(note.split())
    shown = {str(finding["attribute"]): finding for finding in findings}
    out = []
    for index, path in enumerate(list(reasons) or ["note"]):
        check, _, rest = path.partition("/")
        kind = {"check": check, "attribute": path} if rest and check in _RULES else None
        finding = shown.get(path, None if text else kind)
        made = revise(finding, expect or {}) if finding is not None else None
        words = made.clause if made is not None else "" if text or not reasons else path
        clause = ". ".join(filter(None, (words, text if index == 0 else "")))
        out.append(
            Revision(
                path=path, clause=clause, value=made.value if made is not None else "",
                because=text or (made.because if made is not None else "") or path,
                author=f"reviewer {reviewer}",
            )
        )  # fmt: skip
    return tuple(out)
