"""Units, numbers and attribute paths as people read them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from fractions import Fraction

from filmgate.schema.report import Finding, Measured, ShotReport, Unit

UNITS: dict[Unit, str] = {
    "de00": "ΔE00",
    "stops": "stops",
    "mired": "mired",
    "deg": "°",
    "percent_height": "% of height",
    "percent_width": "% of width",
    "lu": "LU",
    "db": "dB",
    "ratio": "log ratio",
    "distance": "feature distance",
    "match": "match",
}
"""Every unit of the schema in words; a test compares the two lists."""

_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def finite(value: float | None) -> float | None:
    """The value, or None where there is none to show (missing, infinite or not a number)."""
    return value if value is not None and math.isfinite(value) else None


def number(value: float) -> str:
    """Three figures or so: what a person can compare by eye, with a real minus sign."""
    size = abs(value)
    digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 3
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text.replace("-", "\u2212")


def quantity(value: float | None, unit: Unit | None) -> str | None:
    """A value with its unit ("4.1 ΔE00", "12°"), or None where there is no finite value."""
    known = finite(value)
    if known is None:
        return None
    word = unit_word(unit)
    glue = "" if word.startswith(("°", "%")) or not word else " "
    return f"{number(known)}{glue}{word}"


def unit_word(unit: Unit | None) -> str:
    """The unit in words; one that is unknown here (a later schema) is shown as it is."""
    return "" if unit is None else UNITS.get(unit, unit)


def attribute(path: str) -> str:
    """An attribute path for people: "wardrobe/person_1/upper" → "Wardrobe › person 1 › upper"."""
    text = " › ".join(part.replace("_", " ").strip() for part in path.split("/") if part.strip())
    return text[:1].upper() + text[1:]


def multiple(finding: Finding) -> float | None:
    """How many tolerances the difference is worth; None where either is not known."""
    magnitude, tolerance = finite(finding.magnitude), finite(finding.tolerance)
    if magnitude is None or tolerance is None or tolerance <= 0:
        return None
    return abs(magnitude) / tolerance


def share(p_value: float | None) -> str | None:
    """A p-value as a sentence about clean comparisons."""
    known = finite(p_value)
    if known is None:
        return None
    percent = 100 * known
    text = "Under 0.1" if percent < 0.1 else number(percent)
    return f"{text}% of clean comparisons differ this much or more (p = {known:.2g})."


def swatch(value: Measured | None) -> str | None:
    """The display colour, only if it is one: it goes into a style, where text could do harm."""
    if value is None or value.hex is None or not _HEX.fullmatch(value.hex):
        return None
    return value.hex.lower()


def lab(value: Measured) -> str | None:
    """CIE L*a*b* as "L* 52.1  a* 3.2  b* 8.0"."""
    if value.lab is None:
        return None
    names = ("L*", "a*", "b*")
    return "  ".join(f"{n} {number(v)}" for n, v in zip(names, value.lab, strict=True))


def frame_range(shot: ShotReport) -> str:
    """Which frames of the file a shot is, 0-based and inclusive, with the frame rate."""
    if shot.out_frame is None:
        text = "the whole file" if shot.in_frame == 0 else f"from frame {shot.in_frame}"
    else:
        text = f"frames {shot.in_frame}–{max(shot.in_frame, shot.out_frame - 1)}"
    return f"{text}, {rate(shot.rate)}" if shot.rate else text


def rate(text: str) -> str:
    """A frame rate in frames per second: "24000/1001" → "23.976 fps"."""
    try:
        value = float(Fraction(text))
    except (ValueError, ZeroDivisionError, OverflowError):
        return text
    return f"{value:.3f}".rstrip("0").rstrip(".") + " fps"


def count(n: int, one: str, many: str | None = None) -> str:
    """A number with its noun ("1 shot", "1,600 shots")."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def short_labels(names: Sequence[str], longest: int = 8) -> list[str]:
    """Names for an axis: the prefix that all of them share is dropped, long ones are cut."""
    prefix = _shared_prefix(names) if len(names) > 1 else ""
    cut = [name[len(prefix) :] or name for name in names]
    return [name if len(name) <= longest else name[: longest - 1] + "…" for name in cut]


def _shared_prefix(names: Sequence[str]) -> str:
    """The shared start of the names up to a separator, so that numbers stay whole."""
    first, last = min(names), max(names)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    found = re.match(r".*[\W_]", first[:same], re.DOTALL)
    return found.group(0) if found else ""
