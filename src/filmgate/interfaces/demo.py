"""``filmgate demo``: render a sequence with planted drifts, check it, compare with the truth."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from filmgate.errors import StoreError
from filmgate.interfaces import console, footage, outputs
from filmgate.schema.report import CheckReport, ShotReport
from filmgate.settings import Settings
from filmgate.studio import Studio

if TYPE_CHECKING:
    from filmgate.models.animatic.drift import Drift
    from filmgate.models.generators.previz import Truth

SHOTS, SETUPS, SCENES, PEOPLE, DRIFTS = 40, 4, 2, 2, 5
CHECK_OF = {
    "lighting_level": "lighting", "lighting_cct": "lighting", "key_side": "lighting",
    "mirror": "geometry", "set_layout": "geometry", "horizon": "geometry",
    "camera_height": "geometry", "loudness": "sound", "room_tone": "sound",
}  # fmt: skip
"""Kind of planted drift -> the check that should find it, where the names differ."""


def run(folder: Path, own: Path | None, seed: int) -> int:
    """Render into `folder` (or take the footage `own`), check, compare, say where the report is.

    Raises:
        StoreError: `folder` cannot be written to.
    """
    screen = console.console()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"'{folder}' cannot be written ({error.strerror}).") from None
    outputs.check_writable([folder / "report.html"], [])
    settings = Settings.read().given(store=folder / ".filmgate")
    truth = None
    if own is None:
        truth = _rendered(folder, seed, settings.worker_count(), screen)
    studio = Studio(settings)
    start = time.perf_counter()
    found = footage.discover(own or folder / "shots", studio.cuts)
    with console.progress_bar("Shots", quiet=False) as progress:
        report = studio.check(found.sequences, progress=progress, notes=found.notes)
    seconds = time.perf_counter() - start
    count = sum(len(sequence.shots) for sequence in found.sequences)
    screen.print(f"Checked {count} shots in {seconds:.1f} s.\n", markup=False)
    console.show(report, screen)
    if truth is not None:
        screen.print()
        _compare(report, truth, screen)
    outputs.write_json(report, folder / "report.json")
    studio.write_page(report, folder / "report.html")
    screen.print(f"\nThe report, to be opened in a browser: {folder / 'report.html'}", markup=False)
    return 0


def _rendered(folder: Path, seed: int, workers: int, screen: Console) -> Truth:
    from filmgate.models.generators import previz

    start = time.perf_counter()
    specs, truth = previz.sequence(
        SHOTS, PEOPLE, setups=SETUPS, scenes=SCENES, drifts=DRIFTS, seed=seed
    )
    previz.write_sequence(specs, folder / "shots", workers=workers)
    # The truth is not where the checker looks, and nothing but this demo reads it.
    previz.write_truth(truth, folder / "truth.json")
    frames = sum(spec.frames for spec in specs)
    seconds = time.perf_counter() - start
    screen.print(f"Rendered {SHOTS} shots ({frames} frames) in {seconds:.1f} s.", markup=False)
    return truth


def _compare(report: CheckReport, truth: Truth, screen: Console) -> None:
    """Print what was planted and whether it was found, then what was flagged and not planted."""
    shots = [shot for sequence in report.sequences for shot in sequence.shots]
    table = Table(title="Planted", title_justify="left", show_edge=False, pad_edge=False)
    for column in ("shot", "drift", "size", "found", "blamed"):
        table.add_column(column)
    for drift in truth.drifts:
        row = _row(shots[drift.shot], drift)
        table.add_row(*(Text(cell) for cell in row))
    screen.print(table)
    planted = {drift.shot for drift in truth.drifts}
    flagged = {i for i, shot in enumerate(shots) if console.strongest(shot)}
    screen.print(
        f"{len(planted & flagged)} of {len(planted)} planted drifts found; "
        f"{len(flagged - planted)} of {len(shots) - len(planted)} clean shots flagged.",
        markup=False,
    )


def _row(shot: ShotReport, drift: Drift) -> tuple[str, ...]:
    blamed = [finding.check for finding, _ in console.strongest(shot)]
    right = CHECK_OF.get(drift.kind, drift.kind)
    verdict = "" if not blamed else "rightly" if right in blamed[:1] else f"as {blamed[0]}"
    size = f"{drift.size:g} {drift.unit}"
    return (shot.shot, drift.kind.replace("_", " "), size, "yes" if blamed else "no", verdict)
