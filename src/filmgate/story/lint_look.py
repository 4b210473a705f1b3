"""The look against itself, and against what brief and shots say of the same things."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from filmgate.schema import colour
from filmgate.schema.brief import Brief
from filmgate.schema.look import GARMENTS, Expectation, Look, canonical, matches
from filmgate.schema.plan import Plan, PlannedSequence, PlannedShot
from filmgate.schema.shot import Sequence as Edit
from filmgate.schema.shot import Shot
from filmgate.story import colour_words
from filmgate.story.first_look import same
from filmgate.story.risk import Risk
from filmgate.story.script import named, slug


def risks(plan: Plan, brief: Brief, look: Look | None) -> Iterable[Risk]:
    """What in the look contradicts itself, the people of the brief, or the words of a shot."""
    cited = _Lines(brief, look)
    for sequence in plan.sequences:
        bound = (look or Look()).bind(_edit(sequence))
        yield from _itself(bound, sequence, cited)
        yield from _idle(bound, sequence, cited)
        yield from _people(bound, sequence, plan, cited)
        for shot in sequence.shots:
            yield from _words(bound, shot, plan, cited)


class _Lines:
    """Where the look says something: read from its file once."""

    def __init__(self, brief: Brief, look: Look | None) -> None:
        self._brief = brief
        self._name, self._text = "", ""
        if look is not None and look.file is not None and Path(look.file).is_file():
            self._name = Path(look.file).name
            self._text = Path(look.file).read_text(encoding="utf-8", errors="replace")

    def of(self, path: str, value: object = "", source: str | None = None) -> str:
        """File and line of an entry; its stated source when it is not from look.toml."""
        lines = [
            (number, text)
            for number, text in enumerate(self._text.splitlines(), 1)
            if f'"{path}"' in text
        ]
        if lines:
            both = [number for number, text in lines if f"{value}" in text]
            return f"{self._name} line {both[0] if both else lines[0][0]}"
        return source or self._name or self._brief.where.get("look", Path(self._brief.file).name)

    def person(self, name: str) -> str:
        return self._brief.where.get(f"people/{name}", Path(self._brief.file).name)


def _edit(sequence: PlannedSequence) -> Edit:
    return Edit(sequence.id, tuple(Shot(s.slate, sequence.id, "") for s in sequence.shots))


def _is_glob(path: str) -> bool:
    return any(sign in path for sign in "*?[")


def _said(entry: Expectation) -> str:
    return f"as in {entry.like}" if entry.like else f"{entry.value}"


def _itself(bound: Look, sequence: PlannedSequence, cited: _Lines) -> Iterable[Risk]:
    """Two values of one attribute for the same shots, without a declared change between them."""
    entries = [e for e in bound.expectations if not _is_glob(e.path)]
    slates = [shot.slate for shot in sequence.shots]
    held = [{s for s in slates if bound.covers(e.scope, s)} for e in entries]
    for (one, ours), (two, theirs) in itertools.combinations(zip(entries, held, strict=True), 2):
        both = ours & theirs
        if not both or canonical(one.path) != canonical(two.path):
            continue
        if one.like == two.like and same(one.value, two.value):
            continue
        changed = any(
            matches(c.path, one.path) and both <= {s for s in slates if bound.covers(c.scope, s)}
            for c in bound.changes
        )
        if changed:
            continue
        first = next(s for s in slates if s in both)
        where = cited.of(two.path, _said(two), two.source)
        if one.path.lower() != two.path.lower():
            yield Risk(
                "look_contradicts", "warn", where,
                f"'{one.path}' and '{two.path}' are one thing to the wardrobe check, and from "
                f"{first} on they are {_said(one)} and {_said(two)}: the later line wins.",
                "Declare the garment that is seen outermost.",
            )  # fmt: skip
        else:
            yield Risk(
                "look_contradicts", "stop" if ours == theirs else "warn", where,
                f"'{two.path}' is declared {_said(one)} and {_said(two)} for the same shots from "
                f"{first} on, and no change is declared between them.",
                f'Declare [[change]] path = "{two.path}", from = "{first}", or take one out.',
            )  # fmt: skip


def _idle(bound: Look, sequence: PlannedSequence, cited: _Lines) -> Iterable[Risk]:
    """A declared change to what holds already would be reported as missing in every run."""
    slates = [shot.slate for shot in sequence.shots]
    for change in bound.changes:
        inside = [n for n, slate in enumerate(slates) if bound.covers(change.scope, slate)]
        if change.to is None or _is_glob(change.path) or not inside or inside[0] == 0:
            continue
        before = bound.expectation_for(change.path, slates[inside[0] - 1])
        if before is not None and before.like is None and same(before.value, change.to.value):
            where = cited.of(change.path, change.scope.first, change.source)
            yield Risk(
                "change_of_nothing", "warn", where,
                f"'{change.path}' is declared to change to {change.to.value} in "
                f"{slates[inside[0]]}, and is {before.value} before it already.",
                "Take the change out, or say what it was before.",
            )  # fmt: skip


def _people(bound: Look, sequence: PlannedSequence, plan: Plan, cited: _Lines) -> Iterable[Risk]:
    """Clothes that brief and look tell differently, or are expected where nobody wears them."""
    present = {slug(name): name for shot in sequence.shots for name in shot.people}
    worn: dict[str, Expectation] = {}
    for entry in bound.expectations:
        head, name, *_ = [*canonical(entry.path).split("/"), ""]
        if head == "wardrobe" and name and not _is_glob(name):
            worn.setdefault(name, entry)
    for name, entry in worn.items():
        if name not in present:
            yield Risk(
                "nobody_there", "warn", cited.of(entry.path, _said(entry), entry.source),
                f"'{entry.path}' is expected in the sequence '{sequence.id}', and no shot of it "
                f"shows '{name}': each would say that it was not measured.",
                'Add sequence = "..." to the entry: the sequence that shows them.',
            )  # fmt: skip
    for person in plan.people:
        shots = [shot.slate for shot in sequence.shots if person.name in shot.people]
        for garment, shade in person.wardrobe.items():
            path = f"wardrobe/{slug(person.name)}/{garment}"
            told = [bound.expectation_for(path, slate) for slate in shots]
            others = [e for e in told if e is not None and e.path.lower() == path]
            # A change names both states; only what never is as the brief says contradicts it.
            if others and len(others) == len(shots) and not any(
                same(e.value, shade) or e.like for e in others
            ):  # fmt: skip
                yield Risk(
                    "look_contradicts", "warn", cited.of(path, others[0].value, others[0].source),
                    f"the {garment} of '{person.name}' is {shade} by {cited.person(person.name)} "
                    f"and {others[0].value} in every shot of '{sequence.id}' by the look, which "
                    f"wins.",
                    "Write the same colour in both, or in the look alone.",
                )  # fmt: skip


def _words(bound: Look, shot: PlannedShot, plan: Plan, cited: _Lines) -> Iterable[Risk]:
    """A garment that the action or the prompt names in another colour than is declared."""
    for kind, text in (("action", shot.action), ("prompt", shot.prompt or "")):
        for sentence in _sentences(text):
            for found in colour_words.garments(sentence):
                worn = _worn(bound, shot, plan, sentence, found.garment)
                if not worn or not all(
                    colour_words.differ(found.term, e.value, e.lab) for _, e in worn
                ):
                    continue
                name, entry = worn[0]
                origin = cited.of(entry.path, _said(entry), entry.source)
                yield Risk(
                    "other_colour", "stop", shot.source,
                    f"{shot.slate}: the {kind} says '{found.words} {found.garment}', and {name}'s "
                    f"{found.garment} is {entry.value} ({origin}).",
                    f"Leave the colour out of the {kind}, or declare the change in look.toml.",
                )  # fmt: skip


def seen(text: str) -> str:
    """What of an action or prompt is seen: all but what somebody says in quotation marks."""
    return re.sub(r"\"[^\"]*\"|“[^”]*”", " ", text)


def _sentences(text: str) -> Sequence[str]:
    return [part for part in re.split(r"[.!?…]", seen(text)) if part.strip()]


def _worn(
    bound: Look, shot: PlannedShot, plan: Plan, sentence: str, garment: str
) -> list[tuple[str, Expectation]]:
    """Who of the shot has a declared colour for `garment`: whom the sentence names, else all."""
    cast = {person.name: person for person in plan.people}
    found = []
    for name in named(sentence, shot.people) or shot.people:
        path = f"wardrobe/{slug(name)}/{garment}"
        entry = bound.expectation_for(path, shot.slate)
        last = entry.path.lower().split("/")[-1] if entry else ""
        # A white shirt under a navy jacket is no contradiction: only the garment that was declared
        # is compared, or any where the look says no more than "upper".
        if entry is None or last not in (garment, GARMENTS.get(garment), "*"):
            shade = cast[name].wardrobe.get(garment, "") if name in cast else ""
            known = colour.parse(shade)
            entry = (
                Expectation(path, shade, known.lab, known.hex, source=cited_person(name))
                if known
                else None
            )
        if entry is not None and entry.lab is not None:
            found.append((name, entry))
    return found


def cited_person(name: str) -> str:
    """What the brief says of somebody, as a message cites it."""
    return f"[[people]] {name}"
