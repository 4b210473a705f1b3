"""filmgate's own ledger: its handoffs, from the project store or as exported JSON.

A handoff says what a stage handed over, the machine's word on it, and a person's. Stages become
steps: `generate` works, `verify` flags what it does not circle, `review` is a person, whose word
labels the take. A stage wrapped by `orchestration.node` works, and the check on its handoff is a
verifier named after both ends.

An audit is no step: it labels what the pipeline delivered, chosen by chance. What is made because
an audit rejected it is another way through. A ruling on a circled take that was no audit was not
chosen by chance: it says what came out of this run, and nothing of how often the check is right.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Mapping as Row
from datetime import datetime
from itertools import chain, repeat
from pathlib import Path
from typing import Any

from filmgate.assets import ledger as ledgers
from filmgate.errors import UsageError
from filmgate.gap.mapping import Mapping
from filmgate.gap.places import Place
from filmgate.gap.problems import Problems
from filmgate.gap.reading import records
from filmgate.gap.trace import Trace, Visit
from filmgate.schema.value import SCHEMA_VERSION

KIND = "handoff"
_SQLITE = b"SQLite format 3\x00"
_MARK = re.compile(
    rb'"source"\s*:\s*"[^"]*"\s*,\s*"target"\s*:|"target"\s*:.{0,200}?"verifier"', re.S
)
_MADE = {"taken": False, "failed": True}
"""The machine's word when media was made: whether that was an error."""
_PERSON = {"circle": True, "intended": True, "retake": False, "ng": False, "hold": False}
"""What a person's ruling says of the take. A hold might be used one day; it is not in the cut."""
_UNUSABLE = (AttributeError, KeyError, TypeError, ValueError)
_NOWHERE = Place(Path("handoffs"), None)


class Ledger:
    """The importer."""

    def recognises(self, head: bytes) -> bool:
        """An SQLite file, or handoffs as JSON."""
        return head.startswith(_SQLITE) or _MARK.search(head) is not None

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """One trace per shot and run."""
        rows: list[Row[str, Any]] = []
        places: list[Place] = []
        for file in files:
            for row, line in self.rows(file, problems):
                rows.append(row)
                places.append(Place(file, line))
        yield from from_handoffs(rows, mapping, problems, places)

    def rows(self, path: Path, problems: Problems) -> list[tuple[Row[str, Any], int | None]]:
        """The handoffs in a store, or in a file of them.

        Raises:
            UsageError: there is no ledger.
        """
        root = path.parent if path.name == ledgers.FILE else path
        if root.is_dir():
            if not (root / ledgers.FILE).exists():
                raise UsageError(
                    f"{root}: holds no ledger: run filmgate here first, or name trace files."
                )
            opened = ledgers.Ledger(root)
            try:
                return [(row.body, None) for row in opened.all(KIND)]
            finally:
                opened.close()
        if not path.exists():
            raise UsageError(
                f"{path}: there is no project here: run filmgate first, or name trace files."
            )
        found = records(path, problems)
        return [(value, line) for value, line, _ in found if isinstance(value, dict)]


def from_handoffs(
    rows: Iterable[Row[str, Any]],
    mapping: Mapping | None = None,
    problems: Problems | None = None,
    places: Iterable[Place] = (),
) -> Iterator[Trace]:
    """Traces of handoffs (plain `schema.decision.Handoff`), in the order of their shots.

    Rows that make no sense, or are of a later version, are added to `problems` and left out.
    """
    mapping, problems = mapping or Mapping(), problems or Problems()
    runs: dict[tuple[str, str], list[Row[str, Any]]] = {}
    for row, place in zip(rows, chain(places, repeat(_NOWHERE)), strict=False):
        version = row.get("schema_version", SCHEMA_VERSION)
        if not isinstance(version, int) or version > SCHEMA_VERSION:
            problems.add(
                *place, f"handoffs of schema version {version} are not known; they are left out"
            )
            continue
        try:
            key = (str(row["item"]), str(row["run"]))
            str(row["source"]), str(row["target"])
        except _UNUSABLE:
            problems.add(*place, "rows that are no handoffs; they are left out")
            continue
        runs.setdefault(key, []).append(row)
    for (item, run), made in runs.items():
        for n, way in enumerate(_ways(made), 1):
            yield _trace(item, run if n == 1 else f"{run} ({n})", way, mapping)


def _ways(rows: list[Row[str, Any]]) -> Iterator[list[Row[str, Any]]]:
    """Handoffs in order of time, apart where an audit rejected what had been delivered."""
    way: list[Row[str, Any]] = []
    for row in sorted(rows, key=lambda r: str(r.get("ended") or "")):
        way.append(row)
        if row.get("audit") and _PERSON.get(str(row.get("person"))) is False:
            yield way
            way = []
    if way:
        yield way


def _trace(item: str, run: str, rows: list[Row[str, Any]], mapping: Mapping) -> Trace:
    visits: list[Visit] = []
    for row in rows:
        _add(visits, row, mapping)
    starts = [s for r in rows if (s := _seconds(r.get("started"))) is not None]
    ends = [s for r in rows if (s := _seconds(r.get("ended"))) is not None]
    cost = sum(float(r.get("cost_usd") or 0.0) for r in rows)
    visits = [v for v in visits if v.step not in mapping.ignore]
    return Trace(
        item,
        run,
        tuple(visits),
        crashed=bool(visits) and visits[-1].error,  # nothing was made, and nobody went on
        start_s=min(starts) if starts else None,
        time_s=max(ends) - min(starts) if starts and ends and max(ends) >= min(starts) else None,
        cost_usd=cost,
    )


def _add(visits: list[Visit], row: Row[str, Any], mapping: Mapping) -> None:
    """What one handoff adds: the work handed over, the machine's word, the person's."""
    source, target = mapping.named(str(row["source"])), mapping.named(str(row["target"]))
    word, person = row.get("verifier"), row.get("person")
    time_s, cost = row.get("time_s"), row.get("cost_usd")
    if word in _MADE:
        visits.append(Visit(target, mapping.kind(target), None, None, _MADE[word], None, time_s))
        return
    seen = None if person is None else _PERSON.get(str(person))
    if seen is not None:
        audit = bool(row.get("audit"))
        if audit or word != "circle":
            _label(visits, seen)
        if not audit:
            visits.append(Visit(target, "human", seen, None, False, None, time_s))
        return
    if mapping.kind(source) == "verify":
        return  # the verdict was counted when it was given
    if mapping.kind(target) != "verify":
        visits.append(Visit(source, mapping.kind(source), None, None, False, cost, time_s))
        target = f"{source} to {target}"
        time_s = None
    else:
        _price(visits, source, cost)
    flagged = None if word is None else word != "circle"
    visits.append(Visit(target, "verify", None, flagged, False, None, time_s))


def _label(visits: list[Visit], good: bool) -> None:
    """A person's word is on the take that was last made."""
    for i in range(len(visits) - 1, -1, -1):
        if visits[i].kind == "work":
            visits[i] = visits[i]._replace(outcome=good)
            return


def _price(visits: list[Visit], step: str, cost: Any) -> None:
    """What was handed over cost this much; it was made earlier, unless the ledger begins here."""
    for i in range(len(visits) - 1, -1, -1):
        if visits[i].step == step and visits[i].cost_usd is None:
            visits[i] = visits[i]._replace(cost_usd=cost)
            return
    visits.append(Visit(step, "work", None, None, False, cost))


def _seconds(text: Any) -> float | None:
    try:
        return datetime.fromisoformat(str(text)).timestamp() if text else None
    except ValueError:
        return None


IMPORTER = Ledger()
