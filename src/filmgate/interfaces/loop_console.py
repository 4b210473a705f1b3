"""What a person at the terminal sees of the loop: progress, status, queue, trace, risks."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from filmgate.interfaces.console import printable

if TYPE_CHECKING:
    from filmgate.loop.facade import Prepared
    from filmgate.loop.project import ShotStatus, Status, Trace
    from filmgate.loop.running import Ended
    from filmgate.models.catalog import Row

DONE = ("circle", "escalated", "stopped", "paused", "circled", "hold", "ng", "intended")
"""What a shot says when nothing more happens to it for now."""
ROWS = 20
"""Shots listed before the rest is only counted."""
Tell = Callable[[str, str, str], None]


@contextlib.contextmanager
def progress(total: int, quiet: bool) -> Iterator[Tell]:
    """Hears a run and shows a bar on stderr: shots settled, cost so far, shots by state."""
    screen = Console(stderr=True)
    if quiet or not screen.is_terminal:
        yield lambda shot, what, detail: None
        return
    bar = Progress(
        TextColumn("Shots"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("{task.description}"), console=screen, transient=True,
    )  # fmt: skip
    states: dict[str, str] = {}
    spent_usd = 0.0
    with bar:
        task = bar.add_task("", total=total)

        def tell(shot: str, what: str, detail: str) -> None:
            nonlocal spent_usd
            if what == "taken":
                spent_usd += float(detail)
            else:
                states[shot] = what
            counts = Counter(states.values())
            done = sum(count for state, count in counts.items() if state in DONE)
            told = ", ".join(f"{count} {state}" for state, count in counts.most_common(4))
            bar.update(task, completed=done, description=f"${spent_usd:.2f}  {told}")

        yield tell


def show_risks(prepared: Prepared, to: Console) -> None:
    """What will cost takes, what stops first."""
    for risk in prepared.risks[:ROWS]:
        word = "Stop" if risk.severity == "stop" else "Risk"
        where = f"{risk.where}: " if risk.where else ""
        style = "bold" if risk.severity == "stop" else ""
        to.print(Text(printable(f"{word}: {where}{risk.sentence} {risk.fix}"), style=style))
    if len(prepared.risks) > ROWS:
        to.print(Text(f"... and {len(prepared.risks) - ROWS} more.", style="dim"))
    for note in prepared.brief.notes:
        to.print(Text(f"Note: {printable(note)}", style="dim"))


def show_prepared(prepared: Prepared, to: Console) -> None:
    """What a run would do, in three lines."""
    shots = list(prepared.plan.shots())
    takes = len(shots) * len(prepared.makers) * prepared.brief.takes
    told = (
        f"{prepared.plan.title}: {len(shots)} shots in "
        f"{_count(len(prepared.plan.sequences), 'sequence')}, {takes} takes in the first round, "
        f"{prepared.footage_s:g} s of footage, by {', '.join(prepared.makers)}."
    )
    to.print(Text(printable(told)))
    if prepared.price_usd is None:
        to.print(Text(f"Cost of the first round: not known. {printable(prepared.unpriced)}"))
    else:
        to.print(Text(f"Cost of the first round by the catalog: ${prepared.price_usd:.2f}."))


def _count(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


def show_status(status: Status, to: Console, every: bool = False) -> None:
    """Where the shots stand, what it cost, and the shots that need somebody."""
    total = len(status.shots)
    counts = ", ".join(f"{count} {state}" for state, count in status.counts.items())
    to.print(Text(printable(f"{status.title}: {total} shots: {counts}.")))
    rows = [s for s in status.shots if every or s.state not in ("circled", "planned")]
    _table(rows, to, len(rows) if every else ROWS)
    bill = status.bill
    limit = "" if status.budget_usd is None else f" of ${status.budget_usd:.2f}"
    per = status.usd_per_circled
    to.print(
        Text(
            f"Cost: ${status.usd:.2f} (providers ${bill.provider_usd:.2f}{limit}, machines "
            f"{bill.machine_s / 60:.1f} min, people {bill.person_s / 60:.1f} min), "
            f"{bill.takes} takes" + ("." if per is None else f", ${per:.3f} per circled shot.")
        )
    )


def show_queue(waiting: Sequence[ShotStatus], to: Console) -> None:
    """Shots that wait for a person."""
    if not waiting:
        to.print("Nothing waits for a person.")
        return
    _table(list(waiting), to, len(waiting))
    shown = waiting[0].take or waiting[0].shot
    to.print(Text(f"Decide with: filmgate decide {shown} circle, or look: filmgate review --open"))


def _table(rows: Sequence[ShotStatus], to: Console, most: int) -> None:
    if not rows:
        return
    table = Table(show_edge=False, pad_edge=False)
    for title in ("shot", "state", "take", "takes", "why"):
        table.add_column(title, overflow="fold")
    for shot in rows[:most]:
        by = "" if shot.by == "machine" else f" ({shot.by})"
        cells = (shot.shot, shot.state + by, shot.take, str(shot.takes), shot.reason)
        table.add_row(*(Text(printable(cell)) for cell in cells))
    to.print(table)
    if len(rows) > most:
        to.print(Text(f"... and {len(rows) - most} more; 'filmgate status --all' lists them."))


def show_ended(ended: Ended, to: Console) -> None:
    """What a run leaves to do."""
    reasons = Counter(ended.paused.values())
    for why, count in reasons.most_common(5):
        shots = [shot for shot, reason in ended.paused.items() if reason == why]
        named = ", ".join(shots[:3]) + (" ..." if count > 3 else "")
        to.print(Text(printable(f"Paused ({count}: {named}): {why}")))
    if ended.paused:
        to.print("'filmgate resume' tries these again.")
    if ended.waiting:
        to.print(
            f"{len(ended.waiting)} shots wait for a person: 'filmgate queue' lists them, "
            "'filmgate decide SLATE circle' (retake, hold, ng, intended) decides, "
            "'filmgate resume' goes on."
        )


def show_trace(trace: Trace, to: Console) -> None:
    """Every take of a shot, from the first."""
    status = trace.status
    to.print(Text(printable(f"Shot {trace.shot}: {status.state}. {status.reason}"), style="bold"))
    for one in trace.takes:
        take, recipe = one.take, one.take.recipe
        mended = recipe.repair not in (None, "pickup")
        made = f"repaired ({recipe.repair}) from {take.parent}" if mended else (
            f"{recipe.generator} {recipe.returned_model or recipe.model}"
            + (f", {'a pickup of' if recipe.repair else 'after'} {take.parent}"
               if take.parent else "")
        )  # fmt: skip
        to.print()
        to.print(Text(printable(f"{take.slate}  {one.at[:19]}  {made}"), style="bold"))
        to.print(Text(f"  media {take.media[:19]}…, ${take.cost.provider_usd:.2f}, "
                      f"{take.cost.machine_s:.1f} s of machines"))  # fmt: skip
        if not mended:
            to.print(Text(printable(f"  prompt: {recipe.prompt}")))
        for revision in recipe.revisions:
            to.print(Text(printable(f"  asked for: {revision.clause} ({revision.author}: "
                                    f"{revision.because})")))  # fmt: skip
        for at, verdict in one.verdicts:
            to.print(Text(f"  {at[:19]}  verdict {verdict.word}, score {verdict.score:.2f}"))
            for finding in verdict.findings:
                to.print(Text(printable(f"    {_finding(finding)}")))
        for at, decision in one.decisions:
            words = f"  {at[:19]}  {decision.reviewer}: {decision.ruling}. {decision.note}"
            to.print(Text(printable(words)))
        for note in one.notes:
            to.print(Text(printable(f"  note by {note.reviewer}: {note.text}")))
    if not trace.takes:
        to.print("No take yet.")


def _finding(finding: dict[str, object]) -> str:
    size = ""
    magnitude, tolerance = finding.get("magnitude"), finding.get("tolerance")
    if isinstance(magnitude, int | float):
        size = f" {magnitude:.2g} {finding.get('unit') or ''}"
        if isinstance(tolerance, int | float):
            size += f" (tolerance {tolerance:.2g})"
    other = f" {finding['other']}" if finding.get("other") else ""
    return (
        f"{finding['attribute']}: {finding['status']}{size} against {finding['against']}{other}. "
        f"{finding.get('remedy') or finding.get('reason') or ''}"
    )


def show_models(rows: Sequence[Row], to: Console) -> None:
    """The catalog: what each model makes, for how much, and until when."""
    table = Table(show_edge=False, pad_edge=False)
    for title in ("model", "generator", "makes", "price", "until", "replaced by"):
        table.add_column(title, overflow="fold")
    for row in rows:
        cells = (row.model, row.protocol, _makes(row), _price(row), _until(row), row.replaced_by)
        style = "dim" if row.retired is not None else ""
        table.add_row(*(Text(printable(cell), style=style) for cell in cells))
    to.print(table)


def _makes(row: Row) -> str:
    parts = [" and ".join(row.kinds)]
    if row.takes_s:
        longest = "any length" if row.takes_s > 3600 else f"to {row.takes_s:g} s"
        parts.append(longest)
    parts += ["with sound"] if row.audio != "none" else []
    parts += [f"{row.references} references"] if row.references else []
    parts += ["first frame"] if row.first_frame else []
    parts += ["last frame"] if row.last_frame else []
    return ", ".join(parts)


def _price(row: Row) -> str:
    if row.offline:
        return "free"
    if not row.price:
        return "not known"
    first = row.price[0]
    if first.usd_per_s is not None:
        return f"${first.usd_per_s:g}/s"
    return f"${first.usd_each:g} each"


def _until(row: Row) -> str:
    if row.retired is not None:
        return f"off since {row.retired}"
    return f"not before {row.retires_on}" if row.retires_on is not None else ""
