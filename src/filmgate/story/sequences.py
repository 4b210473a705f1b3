"""Sequences of a brief: shots that are listed, made by rule, or broken down from the script."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, cast, get_args

from filmgate.models.reader import Reader
from filmgate.schema.plan import Framing, KeySide, Move, PlannedSequence, PlannedShot
from filmgate.settings import nearest
from filmgate.story import breakdown, establishing, reading, slates
from filmgate.story.cast import MAX_SEED, Cast
from filmgate.story.fields import Table
from filmgate.story.script import Scene, Script

FRAMINGS: tuple[str, ...] = get_args(Framing)
MOVES: tuple[str, ...] = get_args(Move)
SIDES: tuple[str, ...] = get_args(KeySide)
LIGHT = ("key_side", "cct_k", "level_stops", "description")
SOUND = ("tone", "level_lufs", "description")
COMMON = (
    "scene", "setup", "place", "people", "time_of_day", "framing", "lens_mm", "move", "duration_s",
    "light", "sound", "references",
)  # fmt: skip
"""Keys of a shot that its sequence may say for all of its shots."""
SHOT = ("slate", "action", "prompt", *COMMON)
SOURCES = ("shot", "establishing", "scenes")
SEQUENCE = ("id", *COMMON, *SOURCES, "breakdown", "longest_s")
ESTABLISHING = (
    "shots", "setups", "views", "framings", "lenses_mm", "moves", "durations_s", "actions", "seed",
)  # fmt: skip
BREAKDOWNS = ("rules", "reader")
MAX_SHOTS = 20_000
_WHOLE = ("size", "rate", "aspect", "fps", "resolution")
_WHOLE_SAID = "holds for the whole production: shots of another size or rate do not cut together"


@dataclass(slots=True)
class Draft:
    """A shot before it has a slate."""

    slate: str
    values: dict[str, Any]
    source: str
    table: Table


@dataclass(slots=True)
class Sequences:
    """Reads every [[sequence]] of a brief; `notes` is what the user should know of it."""

    cast: Cast
    script: Script | None
    rate: Fraction
    reader: Reader | None
    notes: list[str] = field(default_factory=list)

    def read(self, top: Table) -> tuple[PlannedSequence, ...]:
        """The sequences, with a slate for every shot.

        Raises:
            BadSetting: one sentence with file and line.
        """
        found: dict[str, list[Draft]] = {}
        for table in top.tables("sequence"):
            self._refuse_size(table)
            name = table.only(SEQUENCE).label("id")
            if not name or "/" in name:
                raise table.fail("id", "a sequence needs an 'id', a word without '/'.")
            if name in found:
                before = self.cast.where[f"sequences/{name}"]
                raise table.fail("id", f"the sequence '{name}' is there before, on {before}.")
            self.cast.where[f"sequences/{name}"] = table.where("id")
            found[name] = list(self._drafts(table, name))
        if not found and self.script is not None:
            cuts = self._scenes(self.script.scenes, {}, top, breakdown.LONGEST_S, "rules")
            found["script"] = list(cuts)
        if not any(found.values()):
            name = top.document.path.name
            why = f"{name} has no shot: write a [[sequence]] or name a 'script'."
            if self.script is not None:
                why = f"{name} has no shot, and '{self.script.file}' no scene to make one of."
            raise top.fail("script" if "script" in top else None, why)
        return self._slated(found)

    def _refuse_size(self, table: Table) -> None:
        if name := next((name for name in _WHOLE if name in table), None):
            raise table.fail(name, f"'{name}' {_WHOLE_SAID}.")

    def _drafts(self, table: Table, name: str) -> Iterator[Draft]:
        given = [source for source in SOURCES if source in table]
        if len(given) != 1:
            what = " and ".join(f"'{g}'" for g in given) or "nothing"
            given.sort(key=lambda source: table.document.lines.get((*table.key, source), 0))
            raise table.fail(
                given[-1] if given else None,
                f"the sequence '{name}' needs one of [[sequence.shot]], [sequence.establishing] "
                f"or 'scenes', and has {what}.",
            )
        values = {"scene": name, **self._common(table)}
        made = {"establishing": ("setup",), "scenes": ("setup", "people", "framing", "lens_mm")}
        if key := next((k for k in made.get(given[0], ()) if k in table), None):
            raise table.fail(key, f"'{key}' is decided by '{given[0]}': leave it out here.")
        if given == ["establishing"]:
            yield from self._establishing(table.table("establishing"), values)
        elif given == ["scenes"]:
            longest_s = table.number("longest_s", breakdown.SHORTEST_S, 600, "s")
            kind = table.choice("breakdown", BREAKDOWNS, "rules")
            scenes = self._chosen(table)
            values = {k: v for k, v in values.items() if k != "scene" or "scene" in table}
            yield from self._scenes(
                scenes, values, table, longest_s or breakdown.LONGEST_S, kind
            )  # fmt: skip
        else:
            for shot in table.tables("shot"):
                yield self._shot(shot, values)

    def _shot(self, table: Table, values: dict[str, Any]) -> Draft:
        self._refuse_size(table)
        own = self._common(table.only(SHOT))
        for part in ("light", "sound"):
            own[part] = {**values.get(part, {}), **own.get(part, {})}
        own["action"] = table.text("action")
        own["prompt"] = table.text("prompt", needed=True) if "prompt" in table else None
        slate = table.label("slate")
        if slate and not _is_slate(slate):
            raise table.fail(
                "slate", f"a slate has letters, digits, '_' and '.' alone, not '{slate}'."
            )
        return Draft(slate, {**values, **own}, table.where(), table)

    def _common(self, table: Table) -> dict[str, Any]:
        """The values among `COMMON` that the table has, checked."""
        found: dict[str, Any] = {}
        for name in ("scene", "setup", "time_of_day"):
            if name in table:
                found[name] = table.label(name)
        if "place" in table:
            found["place"] = self._known(table, "place", self.cast.places)
        if "people" in table:
            found["people"] = self._people(table)
        if "framing" in table:
            found["framing"] = table.choice("framing", FRAMINGS, "wide")
        if "move" in table:
            found["move"] = table.choice("move", MOVES, "static")
        if "lens_mm" in table:
            found["lens_mm"] = table.number("lens_mm", 8, 400, "mm")
        if "duration_s" in table:
            found["duration_s"] = table.number("duration_s", self._frame_s(), 600, "s")
        if "light" in table:
            found["light"] = self._light(table.table("light").only(LIGHT))
        if "sound" in table:
            found["sound"] = self._sound(table.table("sound").only(SOUND))
        if "references" in table:
            found["references"] = self.cast.references(table)
        return found

    def _frame_s(self) -> float:
        """A shot has at least one frame."""
        return float(1 / self.rate)

    def _known(self, table: Table, name: str, known: dict[str, Any]) -> str:
        word = table.text(name)
        if word and word not in known:
            raise table.fail(name, f"there is no {name} '{word}'.{_near(word, known)}")
        return word

    def _people(self, table: Table) -> tuple[str, ...]:
        names = table.words("people")
        for number, name in enumerate(names):
            key = (*table.key, "people", number)
            if name not in self.cast.people:
                hint = _near(name, self.cast.people)
                raise table.document.fail(key, f"there is nobody called '{name}'.{hint}")
            if name in names[:number]:
                raise table.document.fail(key, f"'{name}' is in the shot twice.")
        return names

    def _light(self, table: Table) -> dict[str, Any]:
        found: dict[str, Any] = {}
        if "key_side" in table:
            found["key_side"] = table.choice("key_side", SIDES, "even")
        if "cct_k" in table:
            found["cct_k"] = table.number("cct_k", 1800, 15000, "kelvin")
        if "level_stops" in table:
            found["level_stops"] = table.number("level_stops", -5, 5, "stops")
        if "description" in table:
            found["description"] = table.text("description")
        return found

    def _sound(self, table: Table) -> dict[str, Any]:
        found: dict[str, Any] = {k: table.text(k) for k in ("tone", "description") if k in table}
        if "level_lufs" in table:
            found["level_lufs"] = table.number("level_lufs", -70, 0, "LUFS")
        return found

    def _establishing(self, table: Table, values: dict[str, Any]) -> Iterator[Draft]:
        rule = _rule(table.only(ESTABLISHING), self._frame_s(), values)
        if not values.get("place"):
            raise table.fail(None, "an establishing sequence needs a 'place' to show.")
        for view in establishing.expand(rule):
            made = {
                "setup": view.setup, "framing": view.framing, "lens_mm": view.lens_mm,
                "move": view.move, "duration_s": view.duration_s, "action": view.action,
            }  # fmt: skip
            yield Draft("", {**values, **made}, table.where("shots"), table)

    def _chosen(self, table: Table) -> list[Scene]:
        """The scenes of the script that the sequence names."""
        if self.script is None:
            raise table.fail("scenes", "'scenes' are those of a script: name it, script = \"...\".")
        if table.values["scenes"] == "all":
            return list(self.script.scenes)
        found = []
        for position, value in enumerate(table.array("scenes")):
            scene = self.script.scene(str(value))
            if scene is None:
                known = [s.number for s in self.script.scenes]
                hint = nearest(str(value), known) or f" It has {', '.join(known[:12])}."
                key = (*table.key, "scenes", position)
                raise table.document.fail(key, f"the script has no scene '{value}'.{hint}")
            found.append(scene)
        if not found:
            raise table.fail("scenes", "'scenes' is empty: write numbers of scenes, or \"all\".")
        return found

    def _scenes(
        self, scenes: Any, values: dict[str, Any], table: Table, longest_s: float, kind: str
    ) -> Iterator[Draft]:
        script = cast(Script, self.script)
        cuts = breakdown.by_rules(script, scenes, longest_s)
        if kind == "reader":
            if self.reader is None:
                raise table.fail(
                    "breakdown",
                    'there is no reader to break the scenes down: give a key, or write "rules".',
                )
            cuts, notes = reading.breakdown(script, list(scenes), self.reader, longest_s)
            self.notes += notes
        places = {scene.number: scene for scene in scenes}
        for cut in cuts:
            where = script.where(cut.line)
            scene = places[cut.scene]
            made = {
                "scene": cut.scene, "setup": cut.setup, "framing": cut.framing, "move": cut.move,
                "people": tuple(
                    dict.fromkeys(self.cast.person_for(name, where) for name in cut.people)
                ),
                "action": cut.action, "duration_s": cut.duration_s,
                "time_of_day": cut.time_of_day, "lens_mm": breakdown.LENSES_MM[cut.framing],
            }  # fmt: skip
            if "place" not in values:
                made["place"] = self.cast.place_for(scene.place, script.where(scene.line))
            yield Draft("", {**made, **values}, where, table)

    def _slated(self, found: dict[str, list[Draft]]) -> tuple[PlannedSequence, ...]:
        drafts = [draft for shots in found.values() for draft in shots]
        given: dict[str, Draft] = {}
        for draft in drafts:
            if draft.slate in given:
                before = given[draft.slate].table.where("slate")
                raise draft.table.fail(
                    "slate", f"the slate '{draft.slate}' is there before, on {before}."
                )
            if draft.slate:
                given[draft.slate] = draft
        numbers = iter(slates.assign([(d.values["scene"], d.slate) for d in drafts]))
        return tuple(
            PlannedSequence(
                id=name,
                shots=tuple(
                    PlannedShot.model_validate(
                        {"slate": next(numbers), "sequence": name, "source": d.source, **d.values}
                    )
                    for d in shots
                ),
            )
            for name, shots in found.items()
        )


def _is_slate(text: str) -> bool:
    return text.isascii() and text.replace("_", "a").replace(".", "a").isalnum()


def _near(word: str, known: dict[str, Any]) -> str:
    """The nearest known word, else all of them where they are few."""
    folded = next((k for k in known if k.casefold() == word.casefold()), None)
    if folded:
        return f" Did you mean '{folded}'?"
    if hint := nearest(word, known):
        return hint
    return f" Known are {', '.join(known)}." if 0 < len(known) <= 12 else ""


def _rule(table: Table, frame_s: float, values: dict[str, Any]) -> establishing.Rule:
    """The rule that [sequence.establishing] writes.

    Args:
        values: what its sequence says of all shots; the rule's lists come before them.
    """
    shots = table.whole("shots", 1, MAX_SHOTS)
    if shots is None:
        raise table.fail(None, "an establishing sequence needs 'shots', how many there are.")
    setups = table.whole("setups", 1, MAX_SHOTS) or establishing.default_setups(shots)
    if setups > shots:
        raise table.fail("setups", f"there are {setups} set-ups but only {shots} shots.")
    actions = table.table("actions")
    views = table.words("views") or tuple(establishing.VIEWS)

    def several(found: tuple[Any, ...], key: str, default: tuple[Any, ...]) -> tuple[Any, ...]:
        return found or ((values[key],) if key in values else default)

    rule = establishing.Rule(
        shots, setups, views,
        framings=several(_choices(table, "framings", FRAMINGS), "framing", establishing.FRAMINGS),
        lenses_mm=several(
            table.numbers("lenses_mm", 8, 400, "mm"), "lens_mm", establishing.LENSES_MM
        ),
        moves=several(_choices(table, "moves", MOVES), "move", establishing.MOVES),
        durations_s=several(
            table.numbers("durations_s", frame_s, 600, "s"), "duration_s",
            (establishing.DURATION_S,),
        ),
        actions={name: actions.text(name, needed=True) for name in actions.values},
        seed=table.whole("seed", 0, MAX_SEED) or 0,
    )  # fmt: skip
    for number, view in enumerate(views):
        if not view.replace("_", "a").isalnum():
            key = (*table.key, "views", number)
            raise table.document.fail(key, f"a view is a word of letters and '_', not '{view}'.")
    for name in rule.actions:
        if name not in views:
            raise actions.fail(name, f"there is no view '{name}'.{nearest(name, views)}")
    return rule


def _choices(table: Table, name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    for number, word in enumerate(words := table.words(name)):
        if word not in known:
            key = (*table.key, name, number)
            hint = nearest(word, known) or f" Known are {', '.join(known)}."
            raise table.document.fail(key, f"'{name}' cannot hold '{word}'.{hint}")
    return words
