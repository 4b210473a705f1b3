"""The declared world: what a person said must hold, where, and where it changes on purpose.

A `Look` as read from `look.toml` speaks of shots by name. `Look.bind(sequence)` gives the part
that concerns one sequence, with the names put in edit order; the questions checks ask
(`expectation_for`, `change_for`, `scene_of`) are answered by a bound look.

Attribute paths are "check/subject/part" ("wardrobe/maya/jacket", "lighting/key_side"). A declared
path may be a glob ("wardrobe/maya/*", "lighting/*"), and garment words are understood
("jacket" is the upper garment).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from filmgate.schema.report import Box
from filmgate.schema.shot import Sequence

GARMENTS = {
    **dict.fromkeys(
        ("jacket", "coat", "shirt", "blouse", "sweater", "jumper", "hoodie", "top", "vest",
         "dress", "t-shirt", "tshirt", "blazer", "cardigan", "robe", "uniform"),
        "upper",
    ),
    **dict.fromkeys(("trousers", "pants", "jeans", "skirt", "shorts", "leggings"), "lower"),
}  # fmt: skip
"""Garment words and the part of the body that the wardrobe check measures for them."""


def canonical(path: str) -> str:
    """`path` in lower case with garment words replaced by the measured part."""
    parts = path.strip("/").lower().split("/")
    if parts[0] == "wardrobe" and len(parts) > 1:
        parts[-1] = GARMENTS.get(parts[-1], parts[-1])
    return "/".join(parts)


def matches(declared: str, path: str) -> bool:
    """Whether the declared path (may be a glob) covers the measured `path`.

    A declared path also covers everything below it: "lighting" covers "lighting/key_side".
    """
    glob, measured = canonical(declared), canonical(path)
    return glob == measured or fnmatchcase(measured, glob) or fnmatchcase(measured, f"{glob}/*")


@dataclass(frozen=True, slots=True)
class Scope:
    """A range of shots, both ends included; None means from the first, or to the last.

    Attributes:
        first, last: shot ids, or "sequence/shot" where two sequences share an id.
        sequence: limits the range to one sequence; None means wherever the shots are found.
    """

    first: str | None = None
    last: str | None = None
    sequence: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """One declared value.

    Attributes:
        path: attribute path or glob, as written.
        value: a number, or a word or colour as written.
        lab: CIE L*a*b* (D65) when the value is a colour, else None.
        hex: "#rrggbb" when the value is a colour (clipped to sRGB), else None.
        like: shot whose measured value is the expectation, instead of a value; else None.
        scope: where it holds.
        author, source: who declared it and on what ground ("fitting, 12 May").
    """

    path: str
    value: str | float | None = None
    lab: tuple[float, float, float] | None = None
    hex: str | None = None
    like: str | None = None
    scope: Scope = Scope()
    author: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One declared change: the attribute differs inside the range from outside it.

    Attributes:
        path: attribute path or glob, as written.
        scope: the shots in which the new value holds; without an end it holds to the last shot.
        to: the new value where one was declared, else None.
        gradual: it changes step by step throughout the range (a sunset): any two shots with part
            of the range between them may differ, and none has to.
        author, source: who declared it and on what ground.
    """

    path: str
    scope: Scope
    to: Expectation | None = None
    gradual: bool = False
    author: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """A named run of shots; a scene that is cut away from and returned to has several scopes."""

    name: str
    scopes: tuple[Scope, ...]


@dataclass(frozen=True, slots=True)
class NamedPerson:
    """Who somebody is: by a shot (and a box in it), or by a label an earlier report used.

    Attributes:
        name: what the report shall call them.
        label: generated label ("person_1"), else None.
        shot: shot they are seen in, else None.
        box: where in that shot's frames, relative to the displayed frame; None when alone there.
    """

    name: str
    label: str | None = None
    shot: str | None = None
    box: Box | None = None


@dataclass(frozen=True)
class Look:
    """Everything declared. `order` is empty until bound to a sequence.

    Attributes:
        expectations, changes: in the order declared; a later one wins over an earlier one.
        scenes, people: names for what is otherwise found automatically.
        order: shot id -> position in the bound sequence.
        bound_to: id of that sequence.
        file: where it was read from, for messages.
    """

    expectations: tuple[Expectation, ...] = ()
    changes: tuple[Change, ...] = ()
    scenes: tuple[Scene, ...] = ()
    people: tuple[NamedPerson, ...] = ()
    order: dict[str, int] = field(default_factory=dict)
    bound_to: str | None = None
    file: str | None = None

    def bind(self, sequence: Sequence) -> Look:
        """The part of this look that concerns `sequence`, able to answer for its shots."""
        bound = replace(
            self,
            order={shot.id: i for i, shot in enumerate(sequence.shots)},
            bound_to=sequence.id,
        )
        people = []
        for person in self.people:
            local = bound.local(person.shot) if person.shot is not None else None
            if person.shot is None or local is not None:
                people.append(replace(person, shot=local))
        return replace(
            bound,
            expectations=tuple(e for e in self.expectations if bound._span(e.scope)),
            changes=tuple(c for c in self.changes if bound._span(c.scope)),
            scenes=tuple(
                Scene(s.name, kept)
                for s in self.scenes
                if (kept := tuple(r for r in s.scopes if bound._span(r)))
            ),
            people=tuple(people),
        )

    def local(self, reference: str) -> str | None:
        """The bound sequence's own id of the shot `reference` names, or None if it has none."""
        if reference in self.order:
            return reference
        prefix = f"{self.bound_to}/"
        short = reference.removeprefix(prefix)
        return short if reference.startswith(prefix) and short in self.order else None

    def _span(self, scope: Scope) -> tuple[int, int] | None:
        """First and last position of `scope` in the bound sequence, or None if it is elsewhere."""
        if not self.order or scope.sequence not in (None, self.bound_to):
            return None
        ends = []
        for reference, default in ((scope.first, 0), (scope.last, len(self.order) - 1)):
            local = reference if reference is None else self.local(reference)
            if reference is not None and local is None:
                return None
            ends.append(default if local is None else self.order[local])
        return (ends[0], ends[1]) if ends[0] <= ends[1] else None

    def covers(self, scope: Scope, shot: str) -> bool:
        """Whether `shot` (an id of the bound sequence) lies in `scope`."""
        span = self._span(scope)
        return span is not None and shot in self.order and span[0] <= self.order[shot] <= span[1]

    def expectation_for(self, path: str, shot: str) -> Expectation | None:
        """What is declared of attribute `path` in `shot`, or None.

        Inside a declared change its new value holds; where it has none, only what was declared
        for shots inside the change still holds. Then a path written out wins over a glob, and
        the later of two over the earlier.
        """
        found = [
            e for e in self.expectations if matches(e.path, path) and self.covers(e.scope, shot)
        ]
        for change in reversed(self.changes):
            if matches(change.path, path) and self.covers(change.scope, shot):
                if change.to:
                    return change.to
                found = [e for e in found if self._within(e.scope, change.scope)]
                break
        exact = [e for e in found if canonical(e.path) == canonical(path)]
        chosen = exact or found
        return chosen[-1] if chosen else None

    def _within(self, inner: Scope, outer: Scope) -> bool:
        a, b = self._span(inner), self._span(outer)
        return a is not None and b is not None and b[0] <= a[0] and a[1] <= b[1]

    def change_for(self, path: str, earlier: str, later: str) -> Change | None:
        """The declared change of attribute `path` between two shots, in either order, or None.

        A change lies between them when exactly one is in its range (or, for a gradual one, when
        part of the range lies after the first of them and up to the second).
        """
        if earlier not in self.order or later not in self.order:
            return None
        a, b = sorted((self.order[earlier], self.order[later]))
        for change in reversed(self.changes):
            span = self._span(change.scope)
            if span is None or not matches(change.path, path):
                continue
            if change.gradual:
                between = a < b and a < span[1] and b >= span[0]
            else:
                between = (span[0] <= a <= span[1]) != (span[0] <= b <= span[1])
            if between:
                return change
        return None

    def changes_at(self, shot: str) -> tuple[Change, ...]:
        """Declared changes that must be seen on the cut into `shot` (gradual ones are not)."""
        position = self.order.get(shot)
        if not position:
            return ()
        spans = [(c, self._span(c.scope)) for c in self.changes if not c.gradual]
        return tuple(
            c for c, span in spans if span and (position == span[0] or position == span[1] + 1)
        )

    def scene_of(self, shot: str) -> str | None:
        """The declared scene of `shot`, or None when none was declared for it."""
        for scene in reversed(self.scenes):
            if any(self.covers(scope, shot) for scope in scene.scopes):
                return scene.name
        return None

    def person_named(self, label: str) -> str | None:
        """The declared name of the person a report would otherwise call `label`, or None."""
        return next((p.name for p in self.people if p.label == label), None)
