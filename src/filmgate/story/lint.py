"""What will drift, said before a cent is spent.

`lint` looks at words alone: the plan, the look, the brief, the script and what the models can do.
It opens reference pictures to see their size, and asks nobody.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from filmgate.models.generator import Capability
from filmgate.schema.brief import Brief
from filmgate.schema.look import Look
from filmgate.schema.plan import Person, Plan, PlannedShot, Reference
from filmgate.story import lint_look
from filmgate.story.risk import Risk
from filmgate.story.script import Script, named

SAME_SHAPE = 0.02
"""Two pictures have one shape when width over height differ by less than this share: 1366x768
passes for 16:9, as it does for the models' catalog."""
LEAST_SHARE = 0.5
"""Shortest side of a reference against that of the picture asked for: below half, three of four
pixels of what it shows have to be invented, and are so anew in every take."""
_PAIR = re.compile(r"\s*(\d+(?:\.\d+)?)\s*[:x×/]\s*(\d+(?:\.\d+)?)\s*")
_SHAPES = ("size", "ratio", "aspect", "aspect_ratio", "resolution")
_RATES = ("rate", "fps", "frame_rate")


@dataclass(frozen=True, slots=True)
class _Case:
    """What is looked at."""

    plan: Plan
    brief: Brief
    folder: Path
    models: tuple[Capability, ...]
    sizes: dict[str, tuple[int, int] | None] = field(default_factory=dict)

    def where(self, key: str) -> str:
        """File and line of something that the brief says, else the brief."""
        return self.brief.where.get(key, Path(self.brief.file).name)

    def size(self, file: str) -> tuple[int, int] | None:
        """Width and height of a reference, px; None when it is no picture."""
        if file not in self.sizes:
            self.sizes[file] = picture_size(self.folder / file)
        return self.sizes[file]


def lint(
    plan: Plan,
    brief: Brief,
    look: Look | None = None,
    script: Script | None = None,
    folder: Path | None = None,
    capabilities: Iterable[Capability] = (),
) -> list[Risk]:
    """Every risk, what stops first, then in the order of the plan.

    Args:
        look: what is declared, unbound (`first_look.merged`).
        folder: what the brief's files are relative to; default: where the brief is.
        capabilities: of the models that will be asked; without any, nothing is said of them.
    """
    models = tuple(c for c in capabilities if "video" in c.kinds)
    case = _Case(plan, brief, Path(brief.file).parent if folder is None else folder, models)
    found = [
        *_people(case),
        *_references(case),
        *_shapes(case),
        *_lengths(case),
        *lint_look.risks(plan, brief, look),
        *(_unread(script) if script else ()),
    ]
    return sorted(dict.fromkeys(found), key=lambda risk: risk.severity != "stop")


def _people(case: _Case) -> Iterable[Risk]:
    """Who is in a shot: described, bound to pictures, and named where the action names them."""
    cast = {person.name: person for person in case.plan.people}
    seen: dict[str, PlannedShot] = {}
    for shot in case.plan.shots():
        for name in shot.people:
            seen.setdefault(name, shot)
        yield from _unlisted(shot, cast)
    for name, shot in seen.items():
        person = cast.get(name)
        if person is None:
            yield Risk(
                "nobody", "stop", shot.source,
                f"'{name}' is in {shot.slate} and nowhere described.",
                f'Add [[people]] name = "{name}" to the brief.',
            )  # fmt: skip
        elif not (person.description or person.references or person.wardrobe):
            yield Risk(
                "undescribed", "warn", case.where(f"people/{name}"),
                f"'{name}' is in {shot.slate} and nothing is said of them: every take will invent "
                f"somebody.",
                f'Describe them in [[people]] name = "{name}", or give a reference.',
            )  # fmt: skip
        elif not _references_of(case.plan, person) and _needs_pictures(case):
            yield Risk(
                "no_reference", "warn", case.where(f"people/{name}"),
                f"'{name}' has no reference picture: faces and clothes hold only as far as words "
                f"do.",
                f"Add references to '{name}', such as a character sheet.",
            )  # fmt: skip


def _needs_pictures(case: _Case) -> bool:
    """Whether words alone leave the model free: not where it renders the description as it is."""
    return not case.models or any(not (m.offline and m.seeded) for m in case.models)


def _references_of(plan: Plan, person: Person) -> bool:
    if person.references:
        return True
    return any(r.of == person.name for shot in plan.shots() for r in shot.references)


def _unlisted(shot: PlannedShot, cast: dict[str, Person]) -> Iterable[Risk]:
    for name in named(lint_look.seen(shot.action), [n for n in cast if n not in shot.people]):
        # "MAYA, off screen:" and "MAYA says" are written by the breakdown, which knows who is seen.
        if not shot.action.startswith(f"{name}, off screen:"):
            yield Risk(
                "unlisted", "warn", shot.source,
                f"{shot.slate}: the action names '{name}', who is not among its people, so neither "
                f"references nor look are sent for them.",
                f"Add '{name}' to the shot's people, or leave the name out.",
            )  # fmt: skip


def _references(case: _Case) -> Iterable[Risk]:
    """Every reference: is it there, is it a picture, is it large enough, will it be sent."""
    plan = case.plan
    owners: list[tuple[str, Sequence[Reference]]] = [
        *((case.where(f"people/{p.name}"), p.references) for p in plan.people),
        *((case.where(f"places/{p.name}"), p.references) for p in plan.places),
        *((s.source, s.references) for s in plan.shots()),
    ]
    for origin, references in owners:
        for reference in references:
            where = case.brief.where.get(f"references/{reference.file}", origin)
            yield from _reference(case, where, reference)
    roles = {r.role for _, references in owners for r in references}
    for model in case.models:
        if roles & {"asset", "style"} and not model.references and not _described(model):
            yield Risk(
                "reference_unused", "warn", case.where("generators"),
                f"{model.model} takes no reference pictures: those of the brief will not bind it.",
                "Choose a model that takes references, or describe in words what they show.",
            )  # fmt: skip
        for role, takes in (("first_frame", model.first_frame), ("last_frame", model.last_frame)):
            if role in roles and not takes:
                yield Risk(
                    "reference_unused", "warn", case.where("generators"),
                    f"{model.model} cannot be told the {role.replace('_', ' ')} of a take.",
                    "Choose a model that can, or leave the picture out.",
                )  # fmt: skip


def _described(model: Capability) -> bool:
    return model.offline and model.seeded


def _reference(case: _Case, where: str, reference: Reference) -> Iterable[Risk]:
    if not (case.folder / reference.file).is_file():
        yield Risk(
            "reference_missing", "stop", where, f"the reference '{reference.file}' is not there.",
            "Put the file there, or take the reference out.",
        )  # fmt: skip
        return
    size = case.size(reference.file)
    if size is None:
        yield Risk(
            "reference_unreadable", "stop", where,
            f"the reference '{reference.file}' cannot be read as a picture.",
            "Give a PNG, JPEG or WebP file.",
        )  # fmt: skip
        return
    wanted = case.plan.size
    is_frame = reference.role in ("first_frame", "last_frame")
    least = min(wanted) if is_frame else math.ceil(min(wanted) * LEAST_SHARE)
    if min(size) < least:
        yield Risk(
            "reference_small", "warn", where,
            f"the reference '{reference.file}' has {size[0]}x{size[1]} px, too few for pictures of "
            f"{wanted[0]}x{wanted[1]}.",
            f"Give one whose shorter side has at least {least} px.",
        )  # fmt: skip
    if is_frame and _other_shape(size, wanted):
        yield Risk(
            "shape_changes", "warn", where,
            f"the {reference.role.replace('_', ' ')} '{reference.file}' has {size[0]}x{size[1]} "
            f"px, another shape than the production's {wanted[0]}x{wanted[1]}.",
            "Crop it: stretched or padded, it would not cut with its neighbours.",
        )  # fmt: skip


def _shapes(case: _Case) -> Iterable[Risk]:
    """Size, aspect and rate must be one throughout: what would make some takes different."""
    width, height = case.plan.size
    for model in case.models:
        # A larger picture of the same shape is asked for where the size itself is not made.
        if model.sizes and all(_other_shape(size, (width, height)) for size in model.sizes):
            closest = min(model.sizes, key=lambda s: abs(s[0] * s[1] - width * height))
            listed = ", ".join(f"{w}x{h}" for w, h in model.sizes[:8])
            yield Risk(
                "size", "stop", case.where("size"),
                f"{model.model} makes {listed}, not {width}x{height}.",
                f'Write size = "{closest[0]}x{closest[1]}".',
            )  # fmt: skip
    for choice in case.brief.generators:
        where = case.where(f"generators/{choice.name}")
        for key, value in choice.options.items():
            found = _PAIR.fullmatch(str(value)) if key in _SHAPES else None
            if found and _other_shape((float(found[1]), float(found[2])), case.plan.size):
                yield Risk(
                    "shape_changes", "stop", where,
                    f"'{choice.name}' is told {key} = {value}, and the production is "
                    f"{width}x{height}: its takes would not cut with the others.",
                    f"Leave '{key}' out: the production's size is sent.",
                )  # fmt: skip
            if key in _RATES and str(value) not in (case.plan.rate, _number(case.plan.rate)):
                yield Risk(
                    "rate_changes", "stop", where,
                    f"'{choice.name}' is told {key} = {value}, and the production has "
                    f"{case.plan.rate} frames per second.",
                    f"Leave '{key}' out: the production's rate is sent.",
                )  # fmt: skip


def _other_shape(one: tuple[float, float], two: tuple[float, float]) -> bool:
    return abs(math.log(one[0] / one[1] * two[1] / two[0])) > SAME_SHAPE


def _number(rate: str) -> str:
    return str(float(Fraction(rate)))


def _lengths(case: _Case) -> Iterable[Risk]:
    """Shots that are longer than a model's longest take; those of one line in one sentence."""
    for model in case.models:
        long: dict[str, list[PlannedShot]] = {}
        for shot in case.plan.shots():
            if shot.duration_s > model.longest_s:
                long.setdefault(shot.source, []).append(shot)
        for where, shots in long.items():
            first = max(shots, key=lambda shot: shot.duration_s)
            others = f" (and {len(shots) - 1} more from here)" if len(shots) > 1 else ""
            yield Risk(
                "too_long", "stop", where,
                f"{first.slate} lasts {first.duration_s:g} s{others}, and the longest take of "
                f"{model.model} {model.longest_s:g} s.",
                "Cut the shot in two, or shorten it.",
            )  # fmt: skip


def _unread(script: Script) -> Iterable[Risk]:
    for line, text in script.unread:
        yield Risk(
            "note_unread", "warn", script.where(line),
            f"the note '{text[:60]}' begins like a declaration and declares nothing.",
            "Write name=value, such as [[wardrobe: MAYA jacket=navy]].",
        )  # fmt: skip


def picture_size(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture file, px; None when it cannot be read as one."""
    import cv2

    try:
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None
    return None if picture is None else (int(picture.shape[1]), int(picture.shape[0]))
