"""The page's pictures as inline SVG: intervals, the waterfall of the loss, the frontier, prices.

Drawn by hand, in the page's own colours. A mark's meaning is never in its colour alone: solo is
hollow, in the pipeline is full, a loss is hatched. `Markup.format` escapes everything that
comes from outside.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from markupsafe import Markup

from filmgate.gap.plan_words import SYMBOLS, money, percent
from filmgate.schema.gap import GapReport, Rate, StepReport
from filmgate.schema.gap_plan import PlanReport, PointReport


def _svg(width: float, height: float, css: str, label: str, parts: Sequence[Markup]) -> Markup:
    body = Markup("").join(parts)
    return Markup(
        '<svg class="{}" viewBox="0 0 {:g} {:g}" role="img" aria-label="{}" '
        'xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(css, width, height, label, body)


def _text(x: float, y: float, text: str, css: str = "", anchor: str = "start") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" class="{}" text-anchor="{}">{}</text>').format(
        x, y, css, anchor, text
    )


def _line(x1: float, y1: float, x2: float, y2: float, css: str) -> Markup:
    return Markup('<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}" class="{}"/>').format(
        x1, y1, x2, y2, css
    )


def _rect(x: float, y: float, width: float, height: float, css: str) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" class="{}"/>').format(
        x, y, max(width, 0.0), height, css
    )


def _dot(x: float, y: float, css: str, title: str = "") -> Markup:
    told = Markup("<title>{}</title>").format(title) if title else Markup("")
    return Markup('<circle cx="{:.1f}" cy="{:.1f}" r="4.5" class="{}">{}</circle>').format(
        x, y, css, told
    )


def _diamond(x: float, y: float, css: str) -> Markup:
    return Markup('<path d="M{:.1f} {:.1f}l5 5-5 5-5-5z" class="{}"/>').format(x, y - 5, css)


def _floor(low: float) -> float:
    """Where an axis of shares begins: a round value below `low`."""
    for step in (0.99, 0.98, 0.95, 0.9, 0.8, 0.5):
        if low >= step:
            return step
    return 0.0


def interval(rate: Rate, solo: Rate | None, low: float) -> Markup:
    """One step's yield with its interval, and above it the same alone; the scale is shared."""
    width, height, left = 200.0, 34.0 if solo is not None else 22.0, 4.0
    start = _floor(low)

    def x(value: float) -> float:
        return left + (width - 2 * left) * (max(value, start) - start) / (1 - start)

    y = height - 11
    parts = [_line(left, y, width - left, y, "axis")]
    told = "not measured"
    if rate.value is not None:
        told = f"in the pipeline {percent(rate.value)}"
        if rate.low is not None and rate.high is not None:
            told += f", {percent(rate.low)} to {percent(rate.high)}"
            parts.append(_line(x(rate.low), y, x(rate.high), y, "whisker"))
        parts.append(_dot(x(rate.value), y, "full"))
    else:
        parts.append(_rect(left, y - 5, width - 2 * left, 10, "gap"))
    if solo is not None and solo.value is not None:
        above = y - 13
        told += f"; alone {percent(solo.value)}"
        if solo.low is not None and solo.high is not None:
            parts.append(_line(x(solo.low), above, x(solo.high), above, "whisker solo"))
        parts.append(_diamond(x(solo.value), above, "hollow"))
    return _svg(width, height, "interval", f"{told}; axis from {percent(start)} to 100 %", parts)


def waterfall(report: GapReport) -> Markup | None:
    """From what the parts promise to what comes out; None when the parts are not measured."""
    three, parts = report.numbers, report.parts
    mean, solo, end = three.component_mean.value, three.solo_product.value, three.end_to_end.value
    if mean is None or solo is None or end is None:
        return None
    pipeline = report.in_pipeline_product.value
    bars: list[tuple[str, float, float, str]] = [
        ("the parts, on average", 0.0, mean, "level"),
        ("compounding", solo, mean, "loss"),
        ("product of solo yields", 0.0, solo, "level"),
    ]
    if pipeline is not None and parts.handoff_loss.value is not None:
        bars.append(_change("handing over", solo, pipeline))
        bars.append(_change("verification, retries, people", pipeline, end))
    else:
        bars.append(_change("coordination", solo, end))
    bars.append(("observed end to end", 0.0, end, "level"))
    return _bars(bars)


def _change(name: str, before: float, after: float) -> tuple[str, float, float, str]:
    """A bar from one level to the next."""
    gained = after >= before
    return (name, min(before, after), max(before, after), "gain" if gained else "loss")


def _bars(bars: Sequence[tuple[str, float, float, str]]) -> Markup:
    width, row, left, right = 760.0, 34.0, 230.0, 90.0
    height = row * len(bars) + 26
    room = width - left - right
    parts = [
        Markup('<defs><pattern id="loss" width="6" height="6" patternUnits="userSpaceOnUse" '
               'patternTransform="rotate(45)"><rect width="6" height="6" class="lossback"/>'
               '<rect width="2.4" height="6" class="lossfront"/></pattern></defs>')
    ]  # fmt: skip
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + room * share
        parts.append(_line(x, 0, x, height - 20, "grid"))
        parts.append(_text(x, height - 5, f"{100 * share:.0f} %", "tick", "middle"))
    told = []
    for i, (name, low, high, kind) in enumerate(bars):
        y = i * row + 6
        level = kind == "level"
        sign = "" if level else "+" if kind == "gain" else "−"
        value = percent(high) if level else f"{sign}{100 * (high - low):.1f} points"
        parts.append(_text(left - 10, y + 15, name, "name" if level else "name change", "end"))
        parts.append(_rect(left + room * low, y, max(room * (high - low), 1.5), 22, kind))
        parts.append(_text(left + room * high + 8, y + 15, value, "value"))
        told.append(f"{name} {value}")
    return _svg(width, height, "waterfall", "; ".join(told), parts)


def dumbbells(steps: Sequence[StepReport]) -> Markup:
    """Every step alone and in the pipeline, with both intervals."""
    rows = [s for s in steps if s.solo.value is not None]
    ends = [v for s in rows for v in (s.in_pipeline.low, s.solo.low) if v is not None]
    start = _floor(min(ends, default=0.0))
    width, row, left, right = 760.0, 30.0, 190.0, 24.0
    height = row * len(rows) + 28
    room = width - left - right

    def x(value: float) -> float:
        return left + room * (max(value, start) - start) / (1 - start)

    parts: list[Markup] = []
    for i in range(5):
        share = start + (1 - start) * i / 4
        parts.append(_line(x(share), 0, x(share), height - 22, "grid"))
        parts.append(_text(x(share), height - 6, percent(share), "tick", "middle"))
    for i, step in enumerate(rows):
        y = i * row + 15
        parts.append(_text(left - 12, y + 4, _short(step.step), "name", "end"))
        for rate, above, css in ((step.solo, -6, "whisker solo"), (step.in_pipeline, 6, "whisker")):
            if rate.low is not None and rate.high is not None:
                parts.append(_line(x(rate.low), y + above, x(rate.high), y + above, css))
        if step.solo.value is not None:
            parts.append(_diamond(x(step.solo.value), y - 6, "hollow"))
        if step.in_pipeline.value is not None:
            told = f"{step.step}: {percent(step.in_pipeline.value)} in the pipeline"
            parts.append(_dot(x(step.in_pipeline.value), y + 6, "full", told))
    label = f"{len(rows)} steps, alone (hollow) and in the pipeline (full), 95 % intervals"
    return _svg(width, height, "dumbbells", label, parts)


def _short(name: str, longest: int = 24) -> str:
    return name if len(name) <= longest else name[: longest - 1] + "…"


def frontier(report: PlanReport) -> Markup | None:
    """Cost against failures, on a scale where 90, 99 and 99.9 % are equally far apart."""
    points = report.frontier
    if len(points) < 2:
        return None
    width, height, left, right, top, bottom = 760.0, 330.0, 64.0, 26.0, 16.0, 46.0
    marks = [(report.plan.cost, report.plan.good), (report.today.cost, report.today.good)]
    costs = [p.cost for p in points] + [cost for cost, _ in marks]
    most, least = max(costs), min(costs)
    pad = 0.04 * (most - least or 1.0)
    fails = [max(1e-6, 1 - p.good) for p in points] + [max(1e-6, 1 - good) for _, good in marks]
    low, high = math.log10(max(fails)), math.log10(min(fails))

    def x(cost: float) -> float:
        return left + (width - left - right) * (cost - least + pad) / (most - least + 2 * pad)

    def y(good: float) -> float:
        at = math.log10(max(1e-6, 1 - good))
        return top + (height - top - bottom) * (at - high) / (low - high or 1.0)

    parts = _scale_of_cost(report.unit, least, most, x, top, height - bottom)
    for share in GOOD:
        if high - 0.05 <= math.log10(1 - share) <= low + 0.05:
            parts.append(_line(left, y(share), width - right, y(share), "grid"))
            parts.append(_text(left - 8, y(share) + 4, percent(share), "tick", "end"))
    parts.append(
        _text(width / 2, height - 6, f"cost of an item, in {report.unit}", "name", "middle")
    )
    path = " ".join(
        f"{'L' if i else 'M'}{x(p.cost):.1f} {y(p.good):.1f}" for i, p in enumerate(points)
    )
    parts.append(Markup('<path d="{}" class="curve"/>').format(path))
    for p in points:
        parts.append(_dot(x(p.cost), y(p.good), "corner", _said(p, report.unit)))
    today, plan = report.today, report.plan
    parts.append(_diamond(x(today.cost), y(today.good), "hollow"))
    parts.append(_dot(x(plan.cost), y(plan.good), "full big"))
    for cost, good, name, css in (
        (today.cost, today.good, "today", "mark"),
        (plan.cost, plan.good, "plan", "mark strong"),
    ):
        side, shift = ("end", -9) if x(cost) > width - 110 else ("start", 9)
        parts.append(_text(x(cost) + shift, y(good) + 19, name, css, side))
    label = "; ".join(_said(p, report.unit) for p in points)
    return _svg(width, height, "frontier", f"cost against reliability: {label}", parts)


GOOD = (0.0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9995, 0.9999, 0.99999)
"""Shares that get a line of the grid, where they are in view."""


def _scale_of_cost(
    unit: str, least: float, most: float, x: Callable[[float], float], top: float, bottom: float
) -> list[Markup]:
    """Vertical lines at round costs."""
    step = 10.0 ** math.floor(math.log10((most - least) or 1.0))
    step = next(step * k for k in (0.2, 0.5, 1, 2, 5) if (most - least) / (step * k) <= 8)
    parts = []
    at = math.ceil(least / step) * step
    while at <= most * (1 + 1e-12):
        parts.append(_line(x(at), top, x(at), bottom, "grid"))
        parts.append(_text(x(at), bottom + 16, _round(at, step, unit), "tick", "middle"))
        at += step
    return parts


def _round(value: float, step: float, unit: str) -> str:
    """A cost on the axis with as many digits as the steps need."""
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    symbol = SYMBOLS.get(unit.lower(), "")
    return f"{symbol}{value:,.{digits}f}"


def _said(point: PointReport, unit: str) -> str:
    return f"{percent(point.good)} at {money(point.cost, unit)}"


def price(worth: float, asked: float, most: float) -> Markup:
    """What a check is worth as a bar, and what is asked for it as a mark; on a scale of roots,
    since the last check of a chain is worth a hundred times the first.
    """
    width, height = 180.0, 16.0

    def x(value: float) -> float:
        return 2 + (width - 4) * math.sqrt(max(value, 0.0) / most) if most > 0 else 2

    css = "gain" if worth > asked else "level"
    parts = [_rect(2, 3, max(x(worth) - 2, 0), 10, css)]
    parts.append(_line(x(min(asked, most)), 0, x(min(asked, most)), height, "asked"))
    told = "worth more than it costs" if worth > asked else "costs more than it is worth"
    return _svg(width, height, "price", told, parts)
