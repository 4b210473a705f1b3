"""What was planted: one file per job beside it, never in the media, the status or the result."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from filmgate.models.animatic.drift import Drift
from filmgate.models.animatic.service.jobs import replaced, slug


@dataclass(frozen=True, slots=True)
class Planted:
    """One drift of one take, or (`kind` None) that nothing was planted in it.

    Attributes:
        slate: slate of the shot.
        take: number of the take, from 1.
        job: the job that makes it.
        kind, size, unit, person: as in `Drift`; `size` is 0 where nothing was planted.
        detail: what is known besides, such as the object that moved.
        model: fingerprint of the failing model, so that takes of one model follow one another.
    """

    slate: str
    take: int
    job: str
    kind: str | None = None
    size: float = 0.0
    unit: str = ""
    person: str | None = None
    detail: str = ""
    model: str = ""

    def drift(self) -> Drift | None:
        """What was planted, to be planted again."""
        if self.kind is None:
            return None
        return Drift(self.kind, self.size, self.unit, 0, self.person, self.detail)  # type: ignore[arg-type]


def write(folder: Path, job: str, slate: str, take: int, drifts: Sequence[Drift],
          model: str) -> None:  # fmt: skip
    """Keep what was planted in the take of `job`, under ``folder/truth``."""
    rows = [
        Planted(slate, take, job, d.kind, d.size, d.unit, d.person, d.detail, model) for d in drifts
    ] or [Planted(slate, take, job, model=model)]
    replaced(folder / "truth" / f"{job}.json", json.dumps([asdict(row) for row in rows], indent=1))


def _read(path: Path) -> list[Planted]:
    return [Planted(**row) for row in json.loads(path.read_text(encoding="utf-8"))]


def truths(folder: Path | str, clean: bool = False) -> tuple[Planted, ...]:
    """Everything that was planted by the jobs of `folder`, by slate and take.

    Args:
        folder: the generator's folder (`Surroundings.folder`).
        clean: also takes in which nothing was planted, with `kind` None.
    """
    rows = [row for path in sorted(Path(folder, "truth").glob("*.json")) for row in _read(path)]
    rows = [row for row in rows if clean or row.kind is not None]
    return tuple(sorted(rows, key=lambda row: (row.slate, row.take, row.job, row.kind or "")))


def of_take(folder: Path, slate: str, take: int, model: str) -> tuple[Planted, ...] | None:
    """What was planted in take `take` of `slate` by the same failing model; None when unknown."""
    found: tuple[float, tuple[Planted, ...]] | None = None
    for path in (folder / "truth").glob(f"previz-{slug(slate)}-{take}-*.json"):
        rows = tuple(_read(path))
        fits = all((r.slate, r.take, r.model) == (slate, take, model) for r in rows)
        when = path.stat().st_mtime
        if fits and (found is None or when > found[0]):
            found = (when, rows)
    return None if found is None else found[1]
