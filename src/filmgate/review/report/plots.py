"""Drift over a sequence as inline SVG, and the bar that compares a magnitude with its tolerance.

Drawn by hand: the page needs two kinds of picture, both of them small, printable and coloured by
the page's own style sheet. Everything that comes from outside passes through `escape`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import Markup, escape

from filmgate.review.report import words
from filmgate.schema.report import Series, Unit

WIDTH, HEIGHT = 600, 168
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 12, 22, 30
_MANY = 150  # above this a point is too narrow to be pointed at: only those that drift are marked
_BAR_TOLERANCES = 5.0  # the bar is full at this many tolerances

Kind = Literal["step", "accumulated"]
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Plot:
    """Both small multiples of one attribute.

    Attributes:
        title: the attribute in words.
        path: the attribute as it is written in files.
        step, accumulated: the two drawings.
        step_text, accumulated_text: what they show, in a sentence.
        worst: the largest value in tolerances, None without a tolerance.
        slow: every step passes but the distance from the anchor does not.
    """

    title: str
    path: str
    step: Markup
    accumulated: Markup
    step_text: str
    accumulated_text: str
    worst: float | None
    slow: bool


@dataclass(frozen=True, slots=True)
class _Frame:
    """The axes that both drawings of a series share, so that they can be compared by eye."""

    shots: Sequence[str]
    unit: Unit
    tolerance: float | None
    low: float
    high: float
    breaks: frozenset[int]

    def x(self, index: float) -> float:
        return _LEFT + (WIDTH - _LEFT - _RIGHT) * (index + 0.5) / max(1, len(self.shots))

    def y(self, value: float) -> float:
        room = HEIGHT - _TOP - _BOTTOM
        return _TOP + room * (self.high - value) / (self.high - self.low)

    def over(self, value: float) -> bool:
        return self.tolerance is not None and abs(value) > self.tolerance

    def say(self, index: int, value: float) -> str:
        return f"{self.shots[index]}: {words.quantity(value, self.unit)}"


def draw(series: Series, scenes: Mapping[str, str | None]) -> Plot:
    """Draw one series; `scenes` says which scene a shot belongs to: each has its anchor."""
    step = [words.finite(v) for v in series.step]
    summed = [words.finite(v) for v in series.accumulated]
    frame = _frame(series, [v for v in (*step, *summed) if v is not None], scenes)
    starts = {0, *frame.breaks}
    # The first shot of a scene has nothing before it: that is no gap in the measurement.
    gaps = [
        a is None and b is None and i not in starts
        for i, (a, b) in enumerate(zip(step, summed, strict=True))
    ]
    title = words.attribute(series.attribute)
    known = [abs(v) for v in (*step, *summed) if v is not None]
    tolerance = frame.tolerance
    return Plot(
        title=title,
        path=series.attribute,
        step=_drawing(frame, step, gaps, "step", title),
        accumulated=_drawing(frame, summed, gaps, "accumulated", title),
        step_text=_sentence(frame, step, gaps),
        accumulated_text=_sentence(frame, summed, gaps),
        worst=max(known) / tolerance if known and tolerance else None,
        slow=not _any_over(frame, step) and _any_over(frame, summed),
    )


def _any_over(frame: _Frame, values: Values) -> bool:
    return any(v is not None and frame.over(v) for v in values)


def _frame(series: Series, known: list[float], scenes: Mapping[str, str | None]) -> _Frame:
    tolerance = words.finite(series.tolerance)
    tolerance = tolerance if tolerance is not None and tolerance > 0 else None
    high, low = max([0.0, *known]), min([0.0, *known])
    if tolerance is not None:
        high = max(high, tolerance)
        # The lower limit is of interest only where the curve goes anywhere near it.
        low = min(low, -tolerance) if low < -0.3 * tolerance else low
    if high == low:
        high = 1.0
    margin = 0.1 * (high - low)
    order = [scenes.get(shot) for shot in series.shots]
    breaks = frozenset(i for i in range(1, len(order)) if order[i] != order[i - 1])
    return _Frame(
        series.shots,
        series.unit,
        tolerance,
        low - margin if low < 0 else 0.0,
        high + margin,
        breaks,
    )


def _drawing(frame: _Frame, values: Values, gaps: Sequence[bool], kind: Kind, title: str) -> Markup:
    name = f"{title}, {kind} drift: {_sentence(frame, values, gaps)}"
    parts = [
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(name)}" xmlns="http://www.w3.org/2000/svg">',
        _missing(frame, values, gaps),
        _axes(frame),
        _line(frame, values) if kind == "accumulated" else _stems(frame, values),
        _points(frame, values),
        _labels(frame, values),
        "</svg>",
    ]
    return Markup("".join(parts))  # every outside string above went through escape()


def _axes(frame: _Frame) -> str:
    right = WIDTH - _RIGHT
    parts = [f'<text class="unit" x="{_LEFT}" y="12">{escape(words.unit_word(frame.unit))}</text>']
    for tick in _ticks(frame.low, frame.high):
        y = frame.y(tick)
        css = "zero" if tick == 0 else "grid"
        parts.append(f'<path class="{css}" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(
            f'<text x="{_LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end">'
            f"{escape(words.number(tick))}</text>"
        )
    if len(frame.breaks) <= 24:
        edges = "".join(
            f"M{frame.x(i - 0.5):.1f} {_TOP}V{HEIGHT - _BOTTOM}" for i in sorted(frame.breaks)
        )
        parts.append(f'<path class="scene" d="{edges}"/>' if edges else "")
    if frame.tolerance is not None:
        for limit in (frame.tolerance, -frame.tolerance):
            if frame.low <= limit <= frame.high:
                parts.append(f'<path class="tol" d="M{_LEFT} {frame.y(limit):.1f}H{right}"/>')
        text = f"tolerance {words.number(frame.tolerance)}"
        parts.append(
            f'<text class="toltext" x="{right}" y="12" text-anchor="end">– – {escape(text)}</text>'
        )
    return "".join(parts)


def _ticks(low: float, high: float) -> list[float]:
    span = high - low
    size = 10.0 ** math.floor(math.log10(span / 3))
    step = next(size * m for m in (1, 2, 5, 10) if span / (size * m) <= 4)
    first = math.ceil(low / step)
    return [n * step for n in range(first, math.floor(high / step) + 1)]


def _missing(frame: _Frame, values: Values, gaps: Sequence[bool]) -> str:
    """Hatch what was not measured; a hollow tick where there is only nothing to compare with."""
    half = (frame.x(1) - frame.x(0)) / 2
    base = HEIGHT - _BOTTOM
    parts: list[str] = []
    index = 0
    while index < len(values):
        end = index
        while end < len(values) and gaps[end]:
            end += 1
        if end > index:
            left, right = frame.x(index) - half, frame.x(end - 1) + half
            parts.append(
                f'<rect class="gap" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" '
                f'height="{base - _TOP}"><title>not measured</title></rect>'
            )
            index = end
            continue
        if values[index] is None and len(values) <= _MANY:
            x = frame.x(index)
            parts.append(f'<circle class="hollow" cx="{x:.1f}" cy="{frame.y(0):.1f}" r="3"/>')
        index += 1
    return "".join(parts)


def _stems(frame: _Frame, values: Values) -> str:
    zero = frame.y(0)
    path = "".join(
        f"M{frame.x(i):.1f} {zero:.1f}V{frame.y(v):.1f}"
        for i, v in enumerate(values)
        if v is not None
    )
    width = max(1.0, min(7.0, 0.45 * (frame.x(1) - frame.x(0))))
    return f'<path class="stem" style="stroke-width:{width:.1f}" d="{path}"/>' if path else ""


def _line(frame: _Frame, values: Values) -> str:
    zero = frame.y(0)
    lines: list[str] = []
    areas: list[str] = []
    run: list[tuple[float, float]] = []
    for i, value in enumerate((*values, None)):
        if run and (value is None or i in frame.breaks):
            points = " ".join(f"{x:.1f} {y:.1f}" for x, y in run)
            lines.append(f"M{points}")
            areas.append(f"M{run[0][0]:.1f} {zero:.1f}L{points}V{zero:.1f}Z")
            run = []
        if value is not None:
            run.append((frame.x(i), frame.y(value)))
    if not lines:
        return ""
    return f'<path class="area" d="{"".join(areas)}"/><path class="line" d="{"".join(lines)}"/>'


def _points(frame: _Frame, values: Values) -> str:
    """Points over tolerance are triangles, the others dots: the shape says it without colour."""
    few = len(values) <= _MANY
    size = 5.5 if few else 4.0
    parts: list[str] = []
    for i, value in enumerate(values):
        if value is None:
            continue
        x, y = frame.x(i), frame.y(value)
        title = f"<title>{escape(frame.say(i, value))}</title>"
        if frame.over(value):
            parts.append(
                f'<path class="over" d="M{x:.1f} {y - size:.1f}'
                f'l{size} {1.7 * size:.1f}h-{2 * size}z">{title}</path>'
            )
        elif few:
            parts.append(f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.6">{title}</circle>')
    return "".join(parts)


def _labels(frame: _Frame, values: Values) -> str:
    """Shot names under the axis: first those that drift, then as many others as there is room."""
    names = words.short_labels(frame.shots)
    drifting = [i for i, v in enumerate(values) if v is not None and frame.over(v)]
    drifting.sort(key=lambda i: -abs(values[i] or 0.0))
    stride = max(1, math.ceil(len(names) / 12))
    taken: list[tuple[float, float]] = []
    parts: list[str] = []
    base = HEIGHT - _BOTTOM
    for i in (*drifting, 0, len(names) - 1, *range(0, len(names), stride)):
        if not 0 <= i < len(names):
            continue
        x, half = frame.x(i), 3.2 * len(names[i]) + 3
        if any(abs(x - other) < half + room for other, room in taken):
            continue
        taken.append((x, half))
        value = values[i]
        css = "shot over" if value is not None and frame.over(value) else "shot"
        anchor, at = ("end", WIDTH - 2.0) if x + half > WIDTH else ("middle", x)
        parts.append(
            f'<path class="tick" d="M{x:.1f} {base}v4"/><text class="{css}" x="{at:.1f}" '
            f'y="{base + 16}" text-anchor="{anchor}">{escape(names[i])}</text>'
        )
    return "".join(parts)


def _sentence(frame: _Frame, values: Values, gaps: Sequence[bool]) -> str:
    known = [(abs(v), i, v) for i, v in enumerate(values) if v is not None]
    if not known:
        return "nothing was measured."
    _, where, worst = max(known)
    text = f"largest {words.quantity(worst, frame.unit)} at {frame.shots[where]}"
    if frame.tolerance is not None:
        over = sum(frame.over(v) for _, _, v in known)
        text += f"; {over} of {len(known)} over the tolerance of "
        text += f"{words.quantity(frame.tolerance, frame.unit)}"
    return f"{text}; {sum(gaps)} not measured." if any(gaps) else f"{text}."


def bar(times: float | None) -> Markup:
    """A bar of a magnitude in tolerances: the mark is the tolerance, the end five of them."""
    if times is None:
        return Markup("")
    full = _BAR_TOLERANCES
    width = 100 * min(times, full) / full
    css = "over" if times > 1 else "under"
    more = '<path class="more" d="M96 1l3 4-3 4"/>' if times > full else ""
    return Markup(
        '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="100" height="10"/>'
        f'<rect class="{css}" width="{width:.1f}" height="10"/>{more}'
        f'<path class="mark" d="M{100 / full:.1f} 0v10"/></svg>'
    )
