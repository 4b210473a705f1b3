"""What a person at the terminal sees: a progress bar, the drifting shots, one line for the rest."""

from __future__ import annotations

import contextlib
import sys
from collections import Counter
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from filmgate.schema.report import CheckReport, Finding, SequenceReport, ShotReport

NO_GUARANTEE = "no guarantee"
DRIFTING = ("drift", "change_missing")
ROWS_PER_SHOT = 3
"""More findings of one shot follow from the strongest ones as a rule; the report has them all."""
UNITS = {
    "de00": "ΔE00", "stops": "stops", "mired": "mired", "deg": "°", "percent_height": "% of height",
    "percent_width": "% of width", "lu": "LU", "db": "dB", "ratio": "", "distance": "", "match": "",
}  # fmt: skip
AGAINST = {
    "neighbour": "the shot before", "anchor": "the scene's anchor",
    "consensus": "the scene's consensus", "look": "the declared look",
    "itself": "itself, from start to end",
}  # fmt: skip
"""As the report page says it."""
WIDTH_WITHOUT_TERMINAL = 200


def console(stderr: bool = False) -> Console:
    """A console that does not fold lines to 80 columns when it is not a terminal."""
    made = Console(stderr=stderr, highlight=False)
    return made if made.is_terminal else Console(
        stderr=stderr, highlight=False, width=WIDTH_WITHOUT_TERMINAL
    )  # fmt: skip


@contextlib.contextmanager
def progress_bar(what: str, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """A callback (done, total) that moves a bar on stderr; silent where nobody looks."""
    screen = Console(stderr=True)
    if quiet or not screen.is_terminal:
        yield lambda done, total: None
        return
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
    )
    with bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def show(report: CheckReport, to: Console) -> None:
    """Print the drifting shots, then the rest in one line, then the notes."""
    rows = [
        (sequence, shot, finding, more)
        for sequence in report.sequences
        for shot in sequence.shots
        for finding, more in strongest(shot)
    ]
    if rows:
        table = Table(show_edge=False, pad_edge=False)
        for title in ("shot", "attribute", "magnitude", "against", "remedy"):
            table.add_column(title, overflow="fold")
        many = len(report.sequences) > 1
        for sequence, shot, finding, more in rows:
            table.add_row(*(Text(cell) for cell in _cells(sequence, shot, finding, more, many)))
        to.print(table)
        to.print()
    to.print(Text(summary(report)))
    for note in (*promises(report), *report.notes):
        to.print(Text(f"Note: {printable(note)}", style="dim"))


def promises(report: CheckReport) -> list[str]:
    """What the flags promise: of the whole report, and of sequences that it does not hold for."""
    told = [report.guarantee]
    if not report.guarantee.startswith(NO_GUARANTEE):
        told += [
            f"In {sequence.id or 'this sequence'} there is {sequence.decision}"
            for sequence in report.sequences
            if sequence.decision.startswith(NO_GUARANTEE)
        ]
    return [f"{text[:1].upper()}{text[1:].rstrip('.')}." for text in told]


def strongest(shot: ShotReport) -> list[tuple[Finding, int]]:
    """The findings to show for a drifting shot, and after the last one how many are not shown."""
    if shot.verdict == "circle":
        return []
    best: dict[str, Finding] = {}
    for finding in sorted((f for f in shot.findings if f.status in DRIFTING), key=_weakness):
        best.setdefault(finding.attribute, finding)
    shown = list(best.values())[:ROWS_PER_SHOT]
    left = len(best) - len(shown)
    return [(f, left if f is shown[-1] else 0) for f in shown]


def _weakness(finding: Finding) -> tuple[float, float]:
    excess = (finding.magnitude or 0.0) / (finding.tolerance or 1.0)
    return (1.0 if finding.p_value is None else finding.p_value, -excess)


def _cells(
    sequence: SequenceReport, shot: ShotReport, finding: Finding, more: int, many: bool
) -> tuple[str, ...]:
    name = f"{sequence.id}/{shot.shot}" if many and sequence.id else shot.shot
    against = AGAINST[finding.against] + (f", {finding.other}" if finding.other else "")
    attribute = finding.attribute + (f" (+{more} more)" if more else "")
    remedy = finding.remedy or finding.reason or ""
    return tuple(printable(cell) for cell in (name, attribute, magnitude(finding), against, remedy))


def magnitude(finding: Finding) -> str:
    """The size of the difference with its unit against the tolerance."""
    if finding.status == "change_missing":
        return "declared change missing"
    if finding.magnitude is None:
        return ""
    unit = UNITS[finding.unit] if finding.unit else ""
    text = f"{_number(finding.magnitude)} {unit}".strip()
    return text if finding.tolerance is None else f"{text} (tolerance {_number(finding.tolerance)})"


def _number(value: float) -> str:
    return (
        f"{value:.0f}"
        if abs(value) >= 100
        else f"{value:.1f}"
        if abs(value) >= 1
        else f"{value:.2f}"
    )


def unmeasured(shot: ShotReport) -> str | None:
    """Why nothing of the shot could be measured, or None when something was."""
    if not shot.findings:
        return shot.notes[0] if shot.notes else "nothing to compare it with"
    if any(finding.status != "not_measured" for finding in shot.findings):
        return None
    return Counter(f.reason or "no reason given" for f in shot.findings).most_common(1)[0][0]


def summary(report: CheckReport) -> str:
    """How many drift, how many passed, how many could not be measured and why."""
    passed = 0
    drifting: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for shot in (s for sequence in report.sequences for s in sequence.shots):
        why = unmeasured(shot)
        if why is not None:
            reasons[why.rstrip(".")] += 1
        elif strongest(shot):
            drifting[shot.verdict] += 1
        elif shot.verdict == "circle":
            passed += 1
        else:
            reasons["escalated: not enough could be measured"] += 1
    verdicts = ", ".join(f"{count} to {word}" for word, count in sorted(drifting.items()))
    told = f" ({verdicts})" if verdicts else ""
    parts = [f"{_shots(drifting.total())} drifting{told}", f"{passed} passed"]
    if reasons:
        why = "; ".join(f"{reason} ({count})" for reason, count in reasons.most_common(4))
        parts.append(f"{reasons.total()} not measured: {why}")
    else:
        parts.append("none left unmeasured")
    return printable(", ".join(parts) + ".")


def _shots(count: int) -> str:
    return "1 shot" if count == 1 else f"{count} shots"


def printable(text: str) -> str:
    """`text` without control characters: a file name must not steer the terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def sentence(text: str) -> None:
    """One sentence on stderr."""
    line = printable(" ".join(text.split()))
    sys.stderr.write(line.encode(sys.stderr.encoding or "utf-8", "replace").decode(
        sys.stderr.encoding or "utf-8", "replace") + "\n")  # fmt: skip
