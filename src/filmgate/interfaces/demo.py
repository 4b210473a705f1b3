"""``filmgate demo``: the loop over one endless office in which a dozen shots drift.

Previz renders, and makes a stated number of first takes drift; the checks do not know which. The
loop verifies, retakes and escalates, and in the end what it surfaced is compared with the truth.
"""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from filmgate.errors import StoreError, UsageError
from filmgate.interfaces import console, footage, loop_console, outputs
from filmgate.settings import Settings
from filmgate.studio import Studio

if TYPE_CHECKING:
    from filmgate.loop.project import Trace
    from filmgate.models.generators.previz import Planted

SHOTS, OFFICE = 100, "office"
PER_DRIFT = 33
"""A dozen drifts of 400 shots, and as large a share of fewer."""
WATCH_S = 12.0
"""What a person spends on looking at one shot beside its neighbours, seconds: stated, not measured;
the demo says what it saves in shots and multiplies by this."""
CHECK_OF = {
    "lighting_level": ("lighting", "grade"), "lighting_cct": ("lighting", "grade"),
    "key_side": ("lighting",), "grade": ("grade", "lighting"), "mirror": ("geometry",),
    "set_layout": ("geometry",), "horizon": ("geometry",), "camera_height": ("geometry",),
    "loudness": ("sound",), "room_tone": ("sound",),
}  # fmt: skip
"""Kind of planted drift -> checks that see it; light and grade cannot be told apart in pixels
where the whole picture moves alike."""


class Surfaced(NamedTuple):
    """One planted drift, or one shot that was surfaced without one.

    Attributes:
        take: slate. word: verdict on it. check: what was blamed first, or "".
    """

    take: str
    word: str
    check: str


def run(folder: Path, own: Path | None, seed: int, shots: int) -> int:
    """Run the loop in `folder` (or check the footage `own`), compare with the truth.

    Raises:
        StoreError: `folder` cannot be written to.
    """
    screen = console.console()
    if own is not None:
        return _checked(folder, own, screen)
    if shots < 2 * PER_DRIFT:
        raise UsageError(f"A demo needs at least {2 * PER_DRIFT} shots, so that two can drift.")
    drifting = max(2, round(shots / PER_DRIFT))
    _fresh(folder)
    project = _written(folder, shots, drifting, seed)
    studio = Studio(Settings.read().given(store=folder / ".filmgate"))
    prepared = studio.prepare(project)
    loop_console.show_prepared(prepared, screen)
    start = time.perf_counter()
    total = sum(1 for _ in prepared.plan.shots())
    with loop_console.progress(total, quiet=False) as tell:
        ended = studio.run(prepared, tell)
    screen.print(f"The loop took {time.perf_counter() - start:.0f} s.\n", markup=False)
    loop_console.show_status(studio.status(), screen)
    screen.print()
    _compare(studio, folder, total, screen)
    if ended.last is not None:
        studio.write_page(ended.last, folder / "report.html")
        where = folder / "report.html"
        screen.print(f"\nThe last comparison, for a browser: {where}", markup=False)
    _next(studio, folder, screen)
    return 0


def _fresh(folder: Path) -> None:
    """Remove what an earlier demo left; a folder that is not a demo's is refused."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / ".filmgate").is_dir() or not (folder / "brief.toml").is_file():
            raise UsageError(f"'{folder}' holds something else: choose another --folder.")
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise StoreError(f"'{folder}' cannot be removed ({error.strerror}).") from None


def _written(folder: Path, shots: int, drifting: int, seed: int) -> Path:
    """The shipped project with `drifting` of its establishing shots told to drift; its brief."""
    from filmgate.story import template

    template.write(folder, shots=shots)
    brief = folder / "brief.toml"
    text = brief.read_text(encoding="utf-8")
    # One sequence is the case; the template's second one is left out.
    text = text.split("# Scene 2 of the script")[0]
    told = (
        f"[generators.previz]\nseed = {seed}\ndrifting = {drifting}\nof = {shots}\n"
        f'sequence = "{OFFICE}"\ndrift_rate = {drifting / shots:.4f}\n'
    )
    text = re.sub(r"\[generators\.previz\][^\n]*\n", lambda _: told, text, count=1)
    brief.write_text(text, encoding="utf-8")
    look = folder / "look.toml"
    look.write_text("# Nothing is declared: the shots are compared with one another.\n")
    return brief


def _compare(studio: Studio, folder: Path, total: int, screen: Console) -> None:
    """What was planted and whether it was surfaced, what was surfaced without, what it spared."""
    from filmgate.models.generators import previz

    planted = {
        f"{truth.slate}-{truth.take}": truth
        for truth in previz.truths(folder / ".filmgate" / "generators" / "previz")
    }
    traces = [studio.trace(shot.shot) for shot in studio.status().shots]
    seen = [surfaced for trace in traces for surfaced in _words(trace)]
    _table(planted, {s.take: s for s in seen}, screen)
    first = {take for take in planted if take.endswith("-1")}
    flagged = {s.take for s in seen if s.word != "circle"}
    found = first & flagged
    false = {t for t in flagged if t.endswith("-1")} - set(planted)
    standing = {trace.status.take for trace in traces if trace.status.state == "circled"}
    # What a pickup leaves of a drift is half of the tolerance at most: no drift any more.
    whole = {take for take, truth in planted.items() if not truth.detail.startswith("up to frame")}
    escaped = sorted(standing & whole)
    people = sum(trace.status.state == "escalated" for trace in traces)
    screen.print(Text(
        f"Recall: {len(found)} of {len(first)} first takes that drift were surfaced. "
        f"False retakes or escalations: {len(false)} of {total - len(first)} clean first takes. "
        f"Escaped into the cut: {len(escaped)} of {len(standing)} circled takes"
        f"{' (' + ', '.join(escaped) + ')' if escaped else ''}."
    ))  # fmt: skip
    minutes = (total - people) * WATCH_S / 60
    screen.print(Text(
        f"Spared: a person looks at {people} shots instead of {total}; at {WATCH_S:g} s a shot "
        f"that is {minutes:.0f} minutes."
    ))  # fmt: skip


def _words(trace: Trace) -> list[Surfaced]:
    """The first verdict on every take of a shot that a generator made."""
    out = []
    for one in trace.takes:
        if one.take.recipe.repair is not None or not one.verdicts:
            continue
        _, verdict = one.verdicts[0]
        drifting = [f for f in verdict.findings if f["status"] == "drift"]
        drifting.sort(key=lambda f: float(str(f.get("p_value") or 1)))
        check = str(drifting[0]["check"]) if drifting else ""
        out.append(Surfaced(one.take.slate, verdict.word, check))
    return out


def _table(planted: dict[str, Planted], seen: dict[str, Surfaced], screen: Console) -> None:
    table = Table(title="Planted", title_justify="left", show_edge=False, pad_edge=False)
    for column in ("take", "drift", "size", "verdict", "blamed"):
        table.add_column(column)
    for take, truth in sorted(planted.items()):
        word = seen.get(take, Surfaced(take, "not compared", ""))
        kind = truth.kind or ""
        right = word.check in CHECK_OF.get(kind, (kind,))
        blamed = "" if not word.check else word.check + ("" if right else " (wrong)")
        cells = (take, kind.replace("_", " "), f"{truth.size:.3g} {truth.unit}",
                 word.word, blamed)  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells))
    screen.print(table)


def _next(studio: Studio, folder: Path, screen: Console) -> None:
    store = f"--store {folder / '.filmgate'}"
    waiting = studio.queue()
    lines = {f"filmgate review --open {store}": "judge what waits, and a sample of what passed"}
    if waiting:
        lines[f"filmgate trace {waiting[0].shot} {store}"] = "all that is known of one shot"
    lines[f"filmgate gap measure {store}"] = "how reliable the loop is, as far as people judged"
    screen.print("Next:", markup=False)
    for line, why in lines.items():
        screen.print(f"  {line}    # {why}", markup=False, soft_wrap=True)


def _checked(folder: Path, own: Path, screen: Console) -> int:
    """Check a folder of one's own, as the demo used to do with its own shots."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"'{folder}' cannot be written ({error.strerror}).") from None
    outputs.check_writable([folder / "report.html"], [])
    studio = Studio(Settings.read().given(store=folder / ".filmgate"))
    found = footage.discover(own, studio.cuts)
    with console.progress_bar("Shots", quiet=False) as progress:
        report = studio.check(found.sequences, progress=progress, notes=found.notes)
    console.show(report, screen)
    outputs.write_json(report, folder / "report.json")
    studio.write_page(report, folder / "report.html")
    screen.print(f"\nThe report, to be opened in a browser: {folder / 'report.html'}", markup=False)
    return 0
