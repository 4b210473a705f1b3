from __future__ import annotations

import io

from rich.console import Console

from filmgate.interfaces import console
from filmgate.schema.report import CheckReport, Finding, SequenceReport, ShotReport, VerdictWord


def shot(name: str, verdict: VerdictWord, *findings: Finding) -> ShotReport:
    return ShotReport(
        name, f"{name}.mp4", 0, None, "24", "scene_1", None, (), 0.5, None, verdict, findings
    )


def drift(attribute: str, p_value: float = 0.01, magnitude: float = 7.234) -> Finding:
    return Finding(
        "grade", attribute, "anchor", "shot_01", "drift", magnitude=magnitude, unit="de00",
        tolerance=4.0, p_value=p_value, remedy="Apply the CDL.",
    )  # fmt: skip


WITHIN = Finding("grade", "grade", "anchor", None, "within", magnitude=1.0, unit="de00")
BLIND = Finding("grade", "grade", "anchor", None, "not_measured", reason="The file is truncated.")


def shown(*shots: ShotReport, sequences: int = 1) -> str:
    parts = tuple(SequenceReport(f"q{n}", shots, "budget") for n in range(sequences))
    report = CheckReport("0.1.0", 1, {}, (), parts, notes=("About [bold]this[/bold] run.",))
    out = io.StringIO()
    console.show(report, Console(file=out, width=160))
    return out.getvalue()


def test_only_drifting_shots_are_in_the_table() -> None:
    text = shown(
        shot("shot_01", "circle", WITHIN), shot("shot_02", "retake", drift("grade/mids")),
        shot("shot_03", "escalate", BLIND),
    )  # fmt: skip
    row = next(line for line in text.splitlines() if "shot_02" in line)
    for part in ("grade/mids", "7.2 ΔE00 (tolerance 4.0)", "anchor, shot_01", "Apply the CDL."):
        assert part in row
    assert (
        "1 shot drifting (1 to retake), 1 passed, 1 not measured: The file is truncated (1)."
        in text
    )


def test_the_strongest_findings_come_first_and_are_counted() -> None:
    found = [drift(f"grade/{n}", p_value=n / 100) for n in range(5, 0, -1)]
    rows = console.strongest(shot("a", "retake", *found))
    assert [(f.attribute, more) for f, more in rows] == [
        ("grade/1", 0), ("grade/2", 0), ("grade/3", 2),
    ]  # fmt: skip


def test_one_attribute_is_one_row() -> None:
    rows = console.strongest(shot("a", "retake", drift("grade", 0.2), drift("grade", 0.1)))
    assert [f.p_value for f, _ in rows] == [0.1]


def test_markup_and_control_characters_are_only_text() -> None:
    text = shown(shot("[red]x\x1b[2J", "retake", drift("grade")))
    assert "[red]x" in text
    assert "\x1b" not in text
    assert "[bold]this[/bold]" in text


def test_the_sequence_is_named_where_there_are_several() -> None:
    assert "q1/a" in shown(shot("a", "retake", drift("grade")), sequences=2)


def test_what_the_flags_promise_is_said() -> None:
    """The report's own promise, and the sequences it does not hold for."""
    parts = (SequenceReport("q0", (), "Benjamini-Hochberg"),
             SequenceReport("q1", (), "no guarantee: the worst 3% of 900 shots"))  # fmt: skip
    promised = CheckReport("0.1.0", 1, {}, (), parts, guarantee="at most 10% are clean")
    assert console.promises(promised) == [
        "At most 10% are clean.", "In q1 there is no guarantee: the worst 3% of 900 shots.",
    ]  # fmt: skip
    assert console.promises(CheckReport("0.1.0", 1, {}, (), parts)) == ["No guarantee."]


def test_nothing_drifts() -> None:
    assert shown(shot("a", "circle", WITHIN)).startswith("0 shots drifting, 1 passed")
