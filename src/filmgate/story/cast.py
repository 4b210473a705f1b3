"""People, places and reference pictures of a brief."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from filmgate.schema import colour
from filmgate.schema.plan import Person, Place, Reference, Role
from filmgate.settings import nearest
from filmgate.story.fields import Table, said

PERSON = ("name", "description", "wardrobe", "references")
PLACE = ("name", "kind", "seed", "description", "references")
REFERENCE = ("file", "role", "of", "tag")
ROLES: tuple[str, ...] = get_args(Role)
MAX_SEED = 2**31 - 1


@dataclass(slots=True)
class Cast:
    """Who and what there is, and where the brief says so.

    Attributes:
        folder: what files are relative to.
        where: "people/MAYA" and so on to file and line.
    """

    folder: Path
    people: dict[str, Person] = field(default_factory=dict)
    places: dict[str, Place] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    _tags: set[str] = field(default_factory=set)

    def read(self, top: Table) -> None:
        """Take in [[people]] and [[places]].

        Raises:
            BadSetting: one sentence with file and line.
        """
        for table in top.tables("people"):
            person = self._person(table.only(PERSON))
            self.people[person.name] = person
            self.where[f"people/{person.name}"] = table.where("name")
        for table in top.tables("places"):
            name = self._name(table.only(PLACE), self.places, "place")
            self.places[name] = Place(
                name=name, kind=table.text("kind"), description=table.text("description"),
                seed=table.whole("seed", 0, MAX_SEED) or 0,
                references=self.references(table, name),
            )  # fmt: skip
            self.where[f"places/{name}"] = table.where("name")

    def _name(self, table: Table, taken: Iterable[str], what: str) -> str:
        name = table.text("name", needed=True).strip()
        if "/" in name:
            raise table.fail("name", f"the name of a {what} may not hold a '/': '{name}'.")
        if other := next((t for t in taken if t.casefold() == name.casefold()), None):
            before = self.where[f"{'people' if what == 'person' else 'places'}/{other}"]
            raise table.fail("name", f"the {what} '{name}' was named before, on {before}.")
        return name

    def _person(self, table: Table) -> Person:
        name = self._name(table, self.people, "person")
        clothes = table.table("wardrobe")
        wardrobe = {}
        for garment in clothes.values:
            shade = clothes.text(garment, needed=True)
            if colour.parse(shade) is None:
                hint = nearest(shade.lower(), colour.NAMES)
                raise clothes.fail(
                    garment,
                    f"the {garment} of {name} has no colour '{shade}' (write #1b2a4a or a name "
                    f"such as navy).{hint}",
                )
            wardrobe[garment.lower()] = shade
        return Person(
            name=name, description=table.text("description"), wardrobe=wardrobe,
            references=self.references(table, name),
        )  # fmt: skip

    def references(self, table: Table, of: str = "") -> tuple[Reference, ...]:
        """Reference pictures under ``references`` of `table`, each a file that exists.

        Args:
            of: whom or what they show unless they say so themselves.
        """
        found = []
        for number, entry in enumerate(table.array("references")):
            key = (*table.key, "references", number)
            if isinstance(entry, str):
                entry = {"file": entry}
            if not isinstance(entry, dict):
                raise table.document.fail(key, f"a reference is a file, not {said(entry)}.")
            found.append(self._reference(Table(entry, key, table.document).only(REFERENCE), of))
        return tuple(found)

    def _reference(self, table: Table, of: str) -> Reference:
        file = table.text("file", needed=True)
        check_file(table, None, self.folder, file)
        shows = table.text("of", of)
        known = [*self.people, *self.places]
        if "of" in table and shows not in known:
            raise table.fail(
                "of", f"there is nobody and no place '{shows}'.{nearest(shows, known)}"
            )
        tag = table.text("tag")
        if tag and not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{2,15}", tag):
            raise table.fail(
                "tag", f"a tag has 3 to 16 letters and digits, a letter first, not '{tag}'."
            )
        if tag and tag in self._tags:
            raise table.fail("tag", f"the tag '{tag}' is used twice.")
        role = table.choice("role", ROLES, "asset")
        if not tag and role == "asset" and shows:
            tag = self._free_tag(shows)
        self._tags.add(tag)
        self.where.setdefault(f"references/{file}", table.where())
        return Reference.model_validate({"role": role, "file": file, "of": shows, "tag": tag})

    def _free_tag(self, shows: str) -> str:
        word = re.sub(r"[^A-Za-z0-9]", "", shows).lower().lstrip("0123456789")[:14]
        word = f"{word}ref" if len(word) < 3 else word
        number = 1
        while (tag := word if number == 1 else f"{word[:13]}{number}") in self._tags:
            number += 1
        return tag

    def person_for(self, cue: str, where: str) -> str:
        """The brief's name of whom a script calls `cue`; somebody new when the brief has nobody.

        A cue is somebody's whole name, or one word of one person's name only.
        """
        found = next((n for n in self.people if n.casefold() == cue.casefold()), None)
        parts = [n for n in self.people if cue.casefold() in n.casefold().split()]
        if found is None and len(parts) == 1:
            found = parts[0]
        if found is None:
            found = cue
            self.people[found] = Person(name=found)
            self.where[f"people/{found}"] = where
        return found

    def place_for(self, written: str, where: str) -> str:
        """The brief's name of the place that a heading writes; a new one when it has none."""
        if not written:
            return ""
        fold = written.casefold()
        found = next((n for n in self.places if n.casefold() == fold), None)
        parts = [n for n in self.places if re.search(rf"\b{re.escape(n.casefold())}\b", fold)]
        if found is None and len(parts) == 1:
            found = parts[0]
        if found is None:
            found = written.replace("/", " ")
            # A place of its own, the same one whenever the script is read.
            self.places[found] = Place(name=found, seed=zlib.crc32(fold.encode()) % MAX_SEED)
            self.where[f"places/{found}"] = where
        return found


def check_file(table: Table, name: str | None, folder: Path, file: str) -> Path:
    """The path of `file`, which must exist.

    Raises:
        BadSetting: it does not.
    """
    path = folder / file
    if not path.is_file():
        near = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        raise table.fail(name, f"there is no file '{file}'.{nearest(path.name, near)}")
    return path
