"""What a person at the terminal sees of a plan and of a simulation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from filmgate.gap.plan_words import money, percent
from filmgate.interfaces.console import console, printable
from filmgate.schema.gap_plan import (
    Counted,
    NodeReport,
    OutcomeReport,
    PlanReport,
    SimulationReport,
)

__all__ = ["console", "show", "show_simulation", "written"]

STEPS_SHOWN = 40
"""Handoffs without a node beyond so many steps are told in one line: --json has them all."""


def show(report: PlanReport, to: Console) -> None:
    """Print a plan: outcomes, nodes, rules, being wrong; the rest as sentences."""
    to.print(_outcomes(report))
    to.print()
    to.print(_nodes(report))
    to.print()
    if report.frontier:
        to.print(_frontier(report))
        to.print()
    if report.scenarios:
        to.print(_scenarios(report))
        to.print()
    _sentences(to, "What follows", report.told)
    _sentences(to, "Assumed", report.assumed)
    for note in report.notes:
        to.print(Text(f"Note: {printable(note)}", style="dim"))


def show_simulation(report: SimulationReport, to: Console) -> None:
    """Print what was counted, beside what the formulas say."""
    shares = (("good", report.good), ("bad", report.bad), ("aborted", report.aborted))
    rows = [
        (name, *_counted(share, percent))
        for name, share in shares
        if share.value > 0 or name != "aborted"
    ]
    rows.append(("cost of an item", *_counted(report.cost, lambda v: money(v, report.unit))))
    for name, visits in report.people.items():
        if visits.value > 0:
            rows.append((f"visits to {name} per 100", *_counted(visits, _per_hundred)))
    to.print(_table(("", "simulated", "95 % interval", "exact", "apart"), rows))
    to.print()
    _sentences(to, "What follows", report.told)
    _sentences(to, "Assumed", report.assumed)


def written(path: Path, to: Console) -> None:
    """Say where a file was written."""
    to.print(f"Written: {printable(str(path))}", markup=False, soft_wrap=True)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table without the columns that say nothing in any row."""
    table = Table(show_edge=False, pad_edge=False)
    kept = [i for i in range(len(titles)) if i == 0 or any(row[i] for row in rows)]
    for i in kept:
        table.add_column(titles[i], overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(row[i])) for i in kept))
    return table


def _per_hundred(visits: float) -> str:
    """People's load: visits per 100 items; one item may visit more than once."""
    return f"{100 * visits:.1f}" if visits else ""


def _outcomes(report: PlanReport) -> Table:
    titles = (
        "", "good", "escape rate", "aborted", "people per 100", "cost", "per good item", "total"
    )  # fmt: skip
    unit = report.unit
    rules = [
        (
            f"{rule.option} {rule.rule}",
            percent(rule.good),
            percent(rule.escaped),
            "",
            _per_hundred(rule.human),
            money(rule.cost, unit),
            money(rule.cost / rule.good, unit) if rule.good > 0 else "",
            "" if rule.total is None else money(rule.total, unit),
        )
        for rule in report.rules
    ]
    rows = [_outcome("nothing anywhere", report.bare, unit)]
    if any(step.today for step in report.steps):
        rows.append(_outcome("today", report.today, unit))
    rows += [*rules, _outcome("the plan", report.plan, unit)]
    return _table(titles, rows)


def _outcome(name: str, outcome: OutcomeReport, unit: str) -> tuple[str, ...]:
    return (
        name,
        percent(outcome.good),
        percent(outcome.escaped),
        percent(outcome.aborted) if outcome.aborted else "",
        _per_hundred(outcome.human),
        money(outcome.cost, unit),
        "" if outcome.cost_per_good is None else money(outcome.cost_per_good, unit),
        "" if outcome.total is None else money(outcome.total, unit),
    )


def _nodes(report: PlanReport) -> Table:
    titles = (
        "behind", "yield", "today", "plan", "before", "after", "runs", "check pays up to", "asked",
        "people per 100",
    )  # fmt: skip
    every = len(report.steps) <= STEPS_SHOWN
    shown = [s for s in report.steps if every or s.node or s.today]
    rows = [_node(report, step) for step in shown]
    if left := len(report.steps) - len(shown):
        rows.append((f"… {left} more without a node", *[""] * 9))
    return _table(titles, rows)


def _node(report: PlanReport, step: NodeReport) -> tuple[str, ...]:
    asked = "" if step.asked is None else money(step.asked, report.unit)
    return (
        step.step,
        f"{step.step_yield:.4f}",
        step.today,
        step.node or "—",
        percent(step.before),
        percent(step.after),
        f"{step.runs:.3f}",
        "" if step.break_even is None else money(step.break_even, report.unit),
        asked if step.node or not asked else f"{asked} ({step.priced})",
        _per_hundred(step.people),
    )


def _frontier(report: PlanReport) -> Table:
    titles = (
        "frontier: good", "cost", "people per 100", "nodes", "best at this price of a bad item"
    )  # fmt: skip
    last = report.frontier[-1]
    rows = [
        (
            percent(point.good),
            money(point.cost, report.unit),
            _per_hundred(point.human),
            str(point.nodes),
            "any" if point is last else money(point.price, report.unit),
        )
        for point in report.frontier
    ]
    return _table(titles, rows)


def _scenarios(report: PlanReport) -> Table:
    titles = (
        "if in truth", "good", "cost", "people per 100",
        f"total, {money(report.bad_price, report.unit)} a bad item", "planned", "best there is",
    )  # fmt: skip
    rows = [
        (
            s.world,
            percent(s.good),
            money(s.cost, report.unit),
            _per_hundred(s.human),
            money(s.total, report.unit),
            money(s.planned, report.unit),
            money(s.replanned, report.unit),
        )
        for s in report.scenarios
    ]
    return _table(titles, rows)


def _counted(value: Counted, write: Callable[[float], str]) -> tuple[str, ...]:
    return (
        write(value.value),
        f"{write(value.low)} to {write(value.high)}",
        "" if value.exact is None else write(value.exact),
        "" if value.sigma is None else f"{value.sigma:+.1f} σ",
    )


def _sentences(to: Console, title: str, lines: Iterable[str]) -> None:
    lines = list(lines)
    if not lines:
        return
    to.print(Text(title, style="bold"))
    for line in lines:
        to.print(Padding(Text(printable(line)), (0, 0, 0, 2), expand=False))
    to.print()
