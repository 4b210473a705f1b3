"""`solo.csv`: how each step does alone, on clean input. Without it the gap cannot be split."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from filmgate.errors import BadSetting
from filmgate.gap import labels
from filmgate.settings import nearest

_COLUMNS = ("step", "good", "n", "rate", "outcome")


class Solo(NamedTuple):
    """Runs of one step alone: `good` of `n`; n is None where the rate was given as known."""

    good: float
    n: float | None

    @property
    def rate(self) -> float:
        """Share of good; `good` itself where it is known."""
        return self.good if self.n is None else self.good / self.n


def read(path: Path) -> dict[str, Solo]:
    """The solo yields in a CSV file.

    One row per step with `step,good,n` or `step,rate` (and `n` where it was counted), or one row
    per run with `step,outcome`.

    Raises:
        BadSetting: with the file and the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            head = [c.strip() for c in rows.fieldnames or ()]
            rows.fieldnames = head
            _check(head, path)
            found: dict[str, Solo] = {}
            for row in rows:
                _row(found, row, f"{path} line {rows.line_num}")
    except FileNotFoundError:
        raise BadSetting(f"{path}: there is no such file.") from None
    except UnicodeDecodeError:
        raise BadSetting(f"{path}: is not a text file in UTF-8.") from None
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read ({error.strerror}).") from None
    except csv.Error as error:
        raise BadSetting(f"{path}: is not CSV ({error}).") from None
    if not found:
        raise BadSetting(f"{path}: holds no solo runs.")
    return found


def _check(head: list[str], path: Path) -> None:
    for column in head:
        if column not in _COLUMNS:
            hint = nearest(column, _COLUMNS) or f" Known are {', '.join(_COLUMNS)}."
            raise BadSetting(f"{path} line 1: unknown column '{column}'.{hint}")
    forms = ({"step", "good", "n"}, {"step", "rate"}, {"step", "rate", "n"}, {"step", "outcome"})
    if set(head) not in forms:
        raise BadSetting(
            f"{path} line 1: needs the columns step,good,n or step,rate or step,outcome."
        )


def _row(found: dict[str, Solo], row: dict[str, str | None], where: str) -> None:
    cells = {
        k: (v or "").strip() for k, v in row.items() if k is not None and not isinstance(v, list)
    }
    step = cells["step"]
    if not step:
        raise BadSetting(f"{where}: a row without a step.")
    if "outcome" in cells:
        said = labels.good(cells["outcome"])
        if said is None:
            raise BadSetting(f"{where}: outcome '{cells['outcome']}' is neither right nor wrong.")
        before = found.get(step, Solo(0, 0))
        found[step] = Solo(before.good + said, (before.n or 0) + 1)
        return
    if step in found:
        raise BadSetting(f"{where}: step '{step}' is there twice.")
    n = _number(cells["n"], "n", where) if "n" in cells else None
    if n is not None and (n < 1 or n != int(n)):
        raise BadSetting(f"{where}: n must be a whole number from 1, not {cells['n']}.")
    if "rate" in cells:
        rate = _number(cells["rate"], "rate", where)
        if not 0 < rate <= 1:
            raise BadSetting(f"{where}: rate must be above 0 and at most 1, not {cells['rate']}.")
        found[step] = Solo(rate if n is None else rate * n, n)
        return
    good = _number(cells["good"], "good", where)
    if n is None or not 0 <= good <= n:
        raise BadSetting(f"{where}: good must lie between 0 and n, not {cells['good']}.")
    found[step] = Solo(good, n)


def _number(text: str, name: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise BadSetting(f"{where}: {name} '{text}' is not a number.") from None


def check_steps(solo: Iterable[str], steps: Iterable[str], path: Path) -> None:
    """Refuse solo runs of a step that is in no trace.

    Raises:
        BadSetting: names the step, and the nearest one there is.
    """
    known = list(steps)
    for step in solo:
        if step not in known:
            hint = nearest(step, known) or f" The traces have {', '.join(known)}."
            raise BadSetting(f"{path}: step '{step}' is in no trace.{hint}")
