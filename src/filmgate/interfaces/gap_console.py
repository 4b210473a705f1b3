"""What a person at the terminal sees of a gap report: the numbers, steps, sentences."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from filmgate.gap.problems import sentence
from filmgate.interfaces.console import console, printable
from filmgate.schema.gap import Difference, GapReport, PowerReport, Rate, StepReport

__all__ = ["console", "show", "show_power", "written"]

PROBLEMS_SHOWN = 12
"""More than this is in the machine report."""
UNKNOWN = "not measured"


def show(report: GapReport, to: Console) -> None:
    """Print the report: numbers and steps as tables, the rest as sentences."""
    to.print(Text(printable(_header(report)), style="bold"))
    to.print()
    to.print(_numbers(report))
    to.print()
    if report.steps:
        to.print(_steps(report))
        to.print()
    if any(edge.efficiency.value is not None for edge in report.handoffs):
        to.print(_handoffs(report))
        to.print()
    if report.verifiers:
        to.print(_verifiers(report))
        to.print()
    _sentences(to, "What holds", report.told)
    _sentences(to, "What cannot be told yet", report.refused)
    for problem in report.problems[:PROBLEMS_SHOWN]:
        to.print(Text(f"Input: {printable(sentence(problem))}", style="dim"))
    if len(report.problems) > PROBLEMS_SHOWN:
        more = len(report.problems) - PROBLEMS_SHOWN
        to.print(Text(f"Input: {more} more kinds of trouble (--json has them all).", style="dim"))
    for note in report.notes:
        to.print(Text(f"Note: {printable(note)}", style="dim"))


def _header(report: GapReport) -> str:
    """What was read: "300 runs of 50 items, 9 steps, read as otlp from runs.json"."""
    runs = f"{report.traces:,} run{'s' * (report.traces != 1)}"
    if report.items != report.traces:
        runs += f" of {report.items:,} item{'s' * (report.items != 1)}"
    names = [Path(file).name for file in report.files]
    files = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    steps = f"{len(report.steps)} step{'s' * (len(report.steps) != 1)}"
    return f"{runs}, {steps}, read as {', '.join(report.formats)} from {files}"


def _table(*titles: str) -> Table:
    table = Table(show_edge=False, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    return table


def _row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(printable(cell)) for cell in cells))


def _numbers(report: GapReport) -> Table:
    table = _table("", "share", "95 % interval", "n")
    three = report.numbers
    for name, rate in (
        ("component mean", three.component_mean),
        ("product of solo yields", three.solo_product),
        ("product of yields inside", report.in_pipeline_product),
        ("observed end to end", three.end_to_end),
    ):
        alone = sum(step.kind == "work" for step in report.steps) < 2
        if rate is report.in_pipeline_product and (alone or rate.value is None):
            continue  # why it is not known is told at the steps
        count = f"{rate.n:,}" if rate.n else ""
        _row(table, name, _share(rate.value), _limits(rate) or rate.reason, count)
    for name, part in (
        ("compounding", report.parts.compounding),
        ("coordination", report.parts.coordination),
    ):
        _row(table, name, _points(part), _point_limits(part), "")
    return table


def _steps(report: GapReport) -> Table:
    """The steps; columns of which nothing is known are left out."""
    titles = ("step", "does", "runs", "visits", "yield inside", "alone", "cost, time")
    rows = [
        (
            step.step,
            step.kind,
            f"{step.traces:,}",
            f"{step.visits:,}",
            _rate(step.in_pipeline) if step.kind != "verify" else "",
            _rate(step.solo) if step.solo.value is not None else "",
            _price(step),
        )
        for step in report.steps
    ]
    filled = [i for i in range(len(titles)) if any(row[i] for row in rows)]
    table = _table(*(titles[i] for i in filled))
    for row in rows:
        _row(table, *(row[i] for i in filled))
    return table


def _handoffs(report: GapReport) -> Table:
    """Yield behind the handoff over yield alone; handoffs that are not measured are left out."""
    table = _table("handoff", "crossings", "efficiency h", "")
    for edge in report.handoffs:
        found = edge.efficiency
        if found.value is None or found.low is None:
            continue
        high = "" if found.high is None else f" to {found.high:.3f}"
        _row(
            table,
            f"{edge.source} → {edge.target}",
            f"{edge.crossings:,}",
            f"{found.value:.3f} ({found.low:.3f}{high})",
            edge.word,
        )
    return table


def _verifiers(report: GapReport) -> Table:
    table = _table(
        "verifier", "flagged", "sensitivity r", "false alarms f", "audited of passed", ""
    )
    for found in report.verifiers:
        _row(
            table,
            found.step,
            f"{found.flagged:,} of {found.visits:,}",
            _rate(found.sensitivity),
            _rate(found.false_alarms),
            f"{found.audited_passed:,}",
            found.word,
        )
    return table


def _sentences(to: Console, title: str, lines: tuple[str, ...]) -> None:
    if not lines:
        return
    to.print(Text(title, style="bold"))
    for line in lines:
        to.print(Padding(Text(printable(line)), (0, 0, 0, 2), expand=False))
    to.print()


def _share(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.4f}"


def _limits(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return ""
    return f"{rate.low:.4f} to {rate.high:.4f}"


def _points(part: Difference) -> str:
    return UNKNOWN if part.value is None else f"{100 * part.value:+.1f} points"


def _point_limits(part: Difference) -> str:
    if part.value is None:
        return part.reason
    if part.low is None or part.high is None:
        return ""
    return f"{100 * part.low:+.1f} to {100 * part.high:+.1f}"


def _rate(rate: Rate) -> str:
    if rate.value is None or rate.low is None or rate.high is None:
        return UNKNOWN
    count = f", n {rate.n:,}" if rate.n else ""
    return f"{rate.value:.3f} ({rate.low:.3f} to {rate.high:.3f}{count})"


def _price(step: StepReport) -> str:
    cost = "" if step.cost_usd is None else f"${step.cost_usd:.3g}"
    time = "" if step.time_s is None else f"{step.time_s:.3g} s"
    return ", ".join(part for part in (cost, time) if part)


def show_power(found: PowerReport, to: Console) -> None:
    """Print how many traces are needed."""
    to.print(
        Text(
            f"To see a loss of {100 * found.loss:g} points below {found.baseline:.3f} "
            f"({len(found.step_yields)} steps) with {100 * found.power:g} % power at "
            f"{100 * found.significance:g} %: {found.traces_same:,} traces with as many solo runs "
            f"of each step; {found.traces_known:,} if the solo yields were known exactly."
        )
    )


def written(path: Path, to: Console) -> None:
    """Say where a file was written."""
    to.print(f"Written: {printable(str(path))}", markup=False, soft_wrap=True)
