"""A plain table, one row per step and attempt: CSV, JSON Lines or Parquet.

Columns `item` and `step` are needed; `attempt`, `outcome`, `cost_usd`, `time_s`, `run`, `kind`,
`label_by` and `start` may be there. The outcome of a verifier's row is its word; the row of the
step `end` is the item's final outcome. The format is published as
``schemas/gap_table.schema.json`` and told in ``docs/gap.md``.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Row
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, get_args

from filmgate.errors import MissingExtra, UsageError
from filmgate.gap.mapping import Mapping
from filmgate.gap.places import Place
from filmgate.gap.problems import Problems
from filmgate.gap.reading import records
from filmgate.gap.trace import Trace, Visit
from filmgate.schema.gap import Kind

END = "end"
"""The step whose row says how the item came out."""
COLUMNS = (
    "item", "step", "attempt", "outcome", "cost_usd", "time_s", "run", "kind", "label_by", "start",
)  # fmt: skip
_OTHER_NAMES = {"cost": "cost_usd", "time": "time_s"}
_MODELS = ("judge", "model", "llm")
_HEADER = re.compile(rb"(?![\[{])(?=[^\n]*\bitem\b)(?=[^\n]*\bstep\b)")
_FIRST_ROW = re.compile(rb'\[?\s*\{(?=[^{}]*"item"\s*:)(?=[^{}]*"step"\s*:)')
_PARQUET = b"PAR1"


class _Row(NamedTuple):
    place: Place
    step: str
    kind: Kind
    attempt: int | None
    good: bool | None
    judge: bool
    cost_usd: float | None
    time_s: float | None
    start_s: float | None


class Table:
    """The importer."""

    def recognises(self, head: bytes) -> bool:
        """Parquet, or a header or a first row that has both columns."""
        fits = _HEADER.match(head) or _FIRST_ROW.match(head)
        return head.startswith(_PARQUET) or fits is not None

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """One trace per item and run, in the order of the file."""
        reader = _Reader(mapping, problems)
        for file in files:
            reader.file(file)
        for (item, run), rows in reader.rows.items():
            yield reader.trace(item, run, rows)


class _Reader:
    def __init__(self, mapping: Mapping, problems: Problems) -> None:
        self.mapping, self.problems, self.path = mapping, problems, Path()
        self.rows: dict[tuple[str, str], list[_Row]] = {}

    def file(self, path: Path) -> None:
        self.path = path
        for line, row in _rows(path, self.problems):
            item, step = _text(row.get("item")), _text(row.get("step"))
            if not item or not step:
                self.problems.add(path, line, "a row without item or step; it is left out")
                continue
            made = self.row(row, self.mapping.named(step), line)
            if made.step not in self.mapping.ignore:
                self.rows.setdefault((item, _text(row.get("run"))), []).append(made)

    def row(self, row: Row[str, Any], step: str, line: int | None) -> _Row:
        said = row.get("outcome")
        good = None
        if said is not None and said != "":
            good = self.mapping.good(_score(said))
            if good is None:
                self.told(
                    line,
                    f"outcome '{said}' is neither right nor wrong (pass, fail, 1, 0, or a score "
                    f"from 0 to 1); taken for unknown",
                )
        attempt = self.number(row, "attempt", line)
        if attempt is not None and (attempt < 1 or attempt != int(attempt)):
            self.told(line, f"attempt '{row['attempt']}' is no whole number from 1; left out")
            attempt = None
        return _Row(
            Place(self.path, line),
            step,
            self.kind(row, step, line),
            None if attempt is None else int(attempt),
            good,
            _text(row.get("label_by")).lower() in _MODELS,
            self.number(row, "cost_usd", line),
            self.number(row, "time_s", line),
            self.start(row.get("start"), line),
        )

    def kind(self, row: Row[str, Any], step: str, line: int | None) -> Kind:
        said = _text(row.get("kind"))
        for kind in get_args(Kind):
            if said == kind:
                found: Kind = kind
                return found
        if said:
            self.told(
                line, f"kind '{said}' is none of {', '.join(get_args(Kind))}; told by the name"
            )
        return self.mapping.kind(step)

    def number(self, row: Row[str, Any], key: str, line: int | None) -> float | None:
        """A number from 0 on; None where there is none."""
        said = row.get(key)
        if said is None or said == "":
            return None
        try:
            found = float(said)
        except (TypeError, ValueError):
            found = math.nan
        if not math.isfinite(found) or found < 0:
            self.told(line, f"{key} '{said}' is no number from 0 on; left out")
            return None
        return found

    def start(self, said: Any, line: int | None) -> float | None:
        if said is None or said == "":
            return None
        if isinstance(said, datetime):
            return (said if said.tzinfo else said.replace(tzinfo=UTC)).timestamp()
        try:
            return float(said)
        except (TypeError, ValueError):
            pass
        try:
            moment = datetime.fromisoformat(str(said))
        except ValueError:
            self.told(
                line, f"start '{said}' is no time (ISO 8601, or seconds since 1970); left out"
            )
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    def told(self, line: int | None, text: str) -> None:
        self.problems.add(self.path, line, text)

    def trace(self, item: str, run: str, rows: list[_Row]) -> Trace:
        visits: list[Visit] = []
        final: list[_Row] = []
        for row in self.once(item, rows):
            if row.step == END:
                final.append(row)
                continue
            verifies = row.kind == "verify"
            outcome = None if verifies or row.judge else row.good
            flagged = None if row.good is None or not verifies else not row.good
            visits.append(
                Visit(row.step, row.kind, outcome, flagged, False, row.cost_usd, row.time_s)
            )
        if len({(r.good, r.judge) for r in final if r.good is not None}) > len(
            {r.judge for r in final if r.good is not None}
        ):
            text = f"rows of the step '{END}' that contradict one another; the outcome is unknown"
            self.problems.add(*final[-1].place, text, first=item)
        costs = [r.cost_usd for r in rows if r.cost_usd is not None]
        times = [r.time_s for r in rows if r.time_s is not None]
        starts = [r.start_s for r in rows if r.start_s is not None]
        return Trace(
            item,
            run,
            tuple(visits),
            _agreed([r.good for r in final if not r.judge]),
            _agreed([r.good for r in final if r.judge]),
            start_s=min(starts) if starts else None,
            time_s=math.fsum(times) if times else None,
            cost_usd=math.fsum(costs) if costs else None,
        )

    def once(self, item: str, rows: list[_Row]) -> list[_Row]:
        """Rows without repeats of the same step and attempt."""
        seen: dict[tuple[str, int, bool], int] = {}
        out: list[_Row] = []
        for row in rows:
            if row.attempt is None:
                out.append(row)
                continue
            key = (row.step, row.attempt, row.judge)
            if key not in seen:
                seen[key] = len(out)
                out.append(row)
            elif out[seen[key]].good == row.good:
                text = "rows of the same item, step and attempt; counted once"
                self.problems.add(*row.place, text, first=item)
            else:
                out[seen[key]] = out[seen[key]]._replace(good=None)
                text = (
                    "rows of the same item, step and attempt that contradict one another; their "
                    "outcome is not used"
                )
                self.problems.add(*row.place, text, first=item)
        return out


def _agreed(said: list[bool | None]) -> bool | None:
    known = {s for s in said if s is not None}
    return known.pop() if len(known) == 1 else None


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _score(said: Any) -> Any:
    """A number where the text is one."""
    if isinstance(said, str):
        try:
            return float(said)
        except ValueError:
            return said
    return said


def _rows(path: Path, problems: Problems) -> Iterator[tuple[int | None, Row[str, Any]]]:
    with path.open("rb") as file:
        start = file.read(4)
    if start == _PARQUET:
        yield from ((None, row) for row in _parquet(path))
    elif path.suffix == ".csv" or start[:1] not in (b"{", b"["):
        yield from _csv(path, problems)
    else:
        for value, line, _ in records(path, problems):
            if isinstance(value, dict):
                yield line, {_OTHER_NAMES.get(str(k), str(k)): v for k, v in value.items()}
            else:
                problems.add(path, line, "is no row (an object with item and step)")


def _csv(path: Path, problems: Problems) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file)
            head = [_OTHER_NAMES.get(c.strip(), c.strip()) for c in next(lines, [])]
            missing = [c for c in ("item", "step") if c not in head]
            if missing:
                raise UsageError(f"{path} line 1: there is no column '{missing[0]}'.")
            unused = [c for c in head if c not in COLUMNS]
            if unused:
                problems.note(f"Columns that are not used: {', '.join(unused)}.")
            for cells in lines:
                if len(cells) == len(head):
                    yield lines.line_num, dict(zip(head, cells, strict=True))
                elif cells:
                    problems.add(
                        path, lines.line_num,
                        f"has {len(cells)} cells where the header has {len(head)}; it is left out",
                    )  # fmt: skip
    except UnicodeDecodeError:
        raise UsageError(f"{path}: is not a text file in UTF-8.") from None
    except csv.Error as error:
        raise UsageError(f"{path} line {lines.line_num}: is not CSV ({error}).") from None


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    try:
        from pyarrow import ArrowInvalid, parquet  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        raise MissingExtra(
            f"{path}: Parquet needs the package 'pyarrow': install filmgate with the extra "
            f"'parquet'."
        ) from None
    try:
        file = parquet.ParquetFile(path)
    except (ArrowInvalid, OSError) as error:
        raise UsageError(f"{path}: is not Parquet ({error}).") from None
    with file:
        present = {_OTHER_NAMES.get(name, name): name for name in file.schema_arrow.names}
        missing = [c for c in ("item", "step") if c not in present]
        if missing:
            raise UsageError(f"{path}: there is no column '{missing[0]}'.")
        columns = [present[c] for c in COLUMNS if c in present]
        for batch in file.iter_batches(columns=columns):
            for row in batch.to_pylist():
                yield {_OTHER_NAMES.get(k, k): v for k, v in row.items()}


IMPORTER = Table()
