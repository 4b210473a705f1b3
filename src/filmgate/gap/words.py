"""What a report says in sentences: what holds, what cannot be told, and what it would take."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from filmgate.gap.estimate import binomial
from filmgate.gap.observe import Observed
from filmgate.gap.problems import Problems
from filmgate.gap.sections import EVIDENCE
from filmgate.gap.shape import Shape
from filmgate.gap.tally import Tally
from filmgate.schema.gap import Difference, GapReport, Rate, VerifierReport

SIGNIFICANCE = 0.05
WIDE = 0.1
"""An end-to-end share known to no better than this on either side is told as such."""
LABEL = "Label outcomes of some runs."
LABEL_OWN = "Judge some takes in 'filmgate review', also of those that passed."
TINY = 1e-9
"""Below this a difference is rounding."""


def share(value: float) -> str:
    """A share as a percentage: "95.7 %"."""
    return f"{100 * value:.1f} %"


def points(value: float) -> str:
    """A difference of shares: "3.3 points"."""
    return f"{100 * value:.1f} points"


def interval(rate: Rate) -> str:
    """The interval in percent: "92.7 to 97.6 %"."""
    if rate.low is None or rate.high is None:
        return "no interval"
    return f"{100 * rate.low:.1f} to {100 * rate.high:.1f} %"


def short(value: float) -> str:
    """A number below 1 as statisticians write it: ".40"."""
    text = f"{value:.2f}"
    return text[1:] if text.startswith("0.") else text


def blind(seen: Observed, tally: Tally, known: Shape, own: bool = False) -> str:
    """Why outcomes cannot be seen in these traces, "" where they can; `own`: filmgate's ledger."""
    labelled = seen.labelled + sum(c.labelled for c in seen.steps.values())
    if labelled or any(p.judged is not None for p in tally.patterns):
        return ""
    errors = sum(c.errors for c in seen.steps.values())
    ok = 1 - seen.crashes / tally.traces
    status = (
        "every status is OK"
        if not errors and not seen.crashes
        else f"{errors} steps ended in errors"
    )
    verdicts = any(a.flagged + a.passed for a in seen.audits.values())
    more = " Verifiers spoke, but nobody checked them." if verdicts else ""
    return (
        f"Blind: {status} and nothing says whether any output was right. A status would report "
        f"{share(ok)}; that is no measurement.{more} {LABEL_OWN if own else LABEL}"
    )


def told(report: GapReport, problems: Problems, repaired_runs: int) -> GapReport:
    """The report with its sentences, problems and notes."""
    holds = tuple(_holds(report))
    refused = tuple(_refused(report))
    if repaired_runs:
        problems.note(
            f"{repaired_runs:,} runs were labelled good behind a step labelled bad: repaired "
            f"downstream, or mislabelled. They are left out of the first-failure estimate."
        )
    return replace(
        report, told=holds, refused=refused, problems=problems.found(), notes=problems.notes()
    )


def _holds(report: GapReport) -> Iterator[str]:
    if report.blind:
        yield report.blind
    end = report.numbers.end_to_end
    if end.value is not None:
        yield (
            f"End to end {share(end.value)} of {report.traces:,} runs came out right "
            f"({interval(end)}, {end.n:,} labelled)."
        )
    yield from _gap(report)
    yield from _brought_back(report)
    weakest = _weakest(report)
    if weakest and weakest[1]:
        yield weakest[0]
    yield from _handoffs(report)
    yield from _never_failing(report)
    yield from (_verifier(v) for v in report.verifiers if v.word != "not measured")
    yield from _repeats(report)
    yield from _judge(report)
    yield from _drift(report)
    yield from _load(report)


def _gap(report: GapReport) -> Iterator[str]:
    three, parts = report.numbers, report.parts
    mean, product, end = three.component_mean, three.solo_product, three.end_to_end
    if mean.value is None or product.value is None or end.value is None:
        return
    yield (
        f"Alone the parts average {share(mean.value)}; their product is {share(product.value)}; "
        f"the outcome is {share(end.value)}."
    )
    if parts.compounding.value is not None:
        yield f"Compounding: {points(parts.compounding.value)}, the price of a chain in any case."
    gap = parts.coordination
    if gap.value is not None and gap.p_value is not None and _significant(gap):
        if gap.value > 0:
            yield f"Coordination loses {points(gap.value)} more (p = {gap.p_value:.2g})."
        else:
            yield (
                f"The chain does {points(-gap.value)} better than the product of its parts "
                f"(p = {gap.p_value:.2g}): verification, retries and people bring back more than "
                f"handoffs lose."
            )


def _brought_back(report: GapReport) -> Iterator[str]:
    """What handoffs lose before anything repairs it, and what comes back."""
    loss, back = report.parts.handoff_loss, report.parts.recovered
    if not report.verifiers and not report.load.human.good:
        return
    if _significant(loss) and (loss.value or 0.0) > 0:
        yield (
            f"Before verification the handoffs lose {points(loss.value or 0.0)} "
            f"(p = {loss.p_value:.2g})."
        )
    if back.value is not None and back.low is not None and back.low > 0:
        yield (
            f"Verification, retries and people bring back {points(back.value)} "
            f"({100 * back.low:.1f} to {100 * (back.high or 1.0):.1f})."
        )


def _weakest(report: GapReport) -> tuple[str, bool] | None:
    """Which step loses most inside the pipeline, and whether that can be told at all."""
    known = [
        s for s in report.steps if s.kind == "work" and s.in_pipeline.n and s.in_pipeline.value
    ]
    if len(known) < 2:
        return None
    first, *others = sorted(known, key=lambda s: s.in_pipeline.value or 0.0)
    found, most = first.in_pipeline, first.in_pipeline.high
    if found.value == 1 or most is None:
        return None
    seen = f"'{first.step}', {share(found.value or 0.0)} ({interval(found)}, n {found.n:,})"
    alike = [f"'{s.step}'" for s in others if (s.in_pipeline.low or 0.0) <= most]
    if len(alike) == len(others):
        return (
            f"Cannot tell yet which step loses most: the lowest yield is that of {seen}, and every "
            f"other step may have the same.",
            False,
        )
    some = " and ".join(alike) if len(alike) < 3 else f"{len(alike)} other steps"
    return (
        f"Weakest step inside the pipeline: {seen}" + (f"; so may be {some}." if alike else "."),
        True,
    )


def _significant(found: Difference) -> bool:
    return found.p_value is not None and found.p_value < SIGNIFICANCE


def _handoffs(report: GapReport) -> Iterator[str]:
    for edge in report.handoffs:
        if edge.word in ("loses", "repairs") and edge.efficiency.value is not None:
            low, high = edge.efficiency.low or 0.0, edge.efficiency.high
            upto = "" if high is None else f" to {short(high)}"
            verb = "loses" if edge.word == "loses" else "repairs"
            yield (
                f"'{edge.source}' to '{edge.target}' {verb}: efficiency "
                f"{short(edge.efficiency.value)} ({short(low)}{upto})."
            )


def _never_failing(report: GapReport) -> Iterator[str]:
    three = report.numbers
    if three.solo_product.value == 1 and three.solo_guarantee is not None:
        yield (
            f"No step failed alone: their product is at least {share(three.solo_guarantee)} "
            f"(Lindström-Madden, one-sided 95 %)."
        )


def _verifier(found: VerifierReport) -> str:
    r, f = found.sensitivity, found.false_alarms
    numbers = ""
    if r.value is not None and f.value is not None:
        numbers = (
            f" (r {_limits(r)}; f {_limits(f)}; {found.audited_passed} of what it passed audited)"
        )
    return f"Verifier '{found.step}': {found.word}, {found.reason}{numbers}."


def _limits(rate: Rate) -> str:
    """As ".85 (.47 to .98)"."""
    return (
        f"{short(rate.value or 0.0)} ({short(rate.low or 0.0)} to "
        f"{short(1.0 if rate.high is None else rate.high)})"
    )


def _repeats(report: GapReport) -> Iterator[str]:
    found = report.repeats
    if found is None:
        return
    row = ", ".join(_pass(rate) for rate in found.pass_hat)
    yield f"pass^1 to pass^{found.trials} over {found.items} items: {row}."
    if found.icc is not None and found.p_value is not None and found.p_value < SIGNIFICANCE:
        independent = found.independent_pass_hat[-1]
        yield (
            f"Failures cluster by task, ICC {short(found.icc)}: independent runs would give "
            f"pass^{found.trials} {short(independent)}; one run in a cluster is worth less "
            f"(design effect {found.design_effect or 1.0:.2f})."
        )


def _pass(rate: Rate) -> str:
    text = f"{rate.value or 0.0:.5f}".rstrip("0")
    text = text if len(text) >= 4 else f"{rate.value or 0.0:.2f}"
    return text[1:] if text.startswith("0.") else text


def _judge(report: GapReport) -> Iterator[str]:
    found = report.judge
    if found is None or found.raw.value is None:
        return
    line = f"A model calls {share(found.raw.value)} of {found.judged:,} runs good"
    for name, rate in (
        ("Rogan-Gladen", found.corrected), ("prediction-powered", found.prediction_powered),
    ):  # fmt: skip
        if rate.value is not None:
            line += f"; {name} {share(rate.value)} ({interval(rate)})"
    yield f"{line}; {found.both:,} of them were labelled by people too."


def _drift(report: GapReport) -> Iterator[str]:
    found = report.drift
    if found is None:
        return
    if found.evidence is not None and found.evidence >= EVIDENCE and found.before and found.after:
        before, after = found.before.value or 0.0, found.after.value or 0.0
        yield (
            f"It changed, most likely around {found.changed_at}: {share(before)} before, "
            f"{share(after)} after (e-value {found.evidence:.3g})."
        )
    if found.alarm == "lost":
        yield f"The sequential test says it got worse, after {found.alarm_after:,} runs."
    if found.alarm == "held":
        yield f"The sequential test says it held, after {found.alarm_after:,} runs."


def _load(report: GapReport) -> Iterator[str]:
    human = report.load.human
    if human.value:
        yield f"A person handled {share(human.value)} of the runs ({interval(human)})."
    cost = report.load.cost_per_good_usd
    if cost is not None and report.load.cost_per_item_usd is not None:
        yield (f"A run costs ${report.load.cost_per_item_usd:.4g}, a good output ${cost:.4g}.")


def _refused(report: GapReport) -> Iterator[str]:
    end = report.numbers.end_to_end
    if end.value is None and not report.blind:
        only = " Labels are a model's alone; its errors are unknown." if report.judge else ""
        yield f"End to end is not measured: {end.reason}.{only}"
    elif end.value is not None and end.low is not None and end.high is not None:
        yield from _too_wide(end)
    yield from _no_gap(report)
    weakest = _weakest(report)
    if weakest and not weakest[1]:
        yield weakest[0]
    for segment in report.segments:
        names = ", ".join(f"'{s}'" for s in segment.steps)
        yield (
            f"Not identified: {names}. Only their product is "
            f"({share(segment.rate.value or 0.0)}, {interval(segment.rate)}); label what passes "
            f"between them on some runs."
        )
    for found in report.verifiers:
        if found.word == "not measured":
            unseen = "flagged" if found.audited_passed else "passed"
            yield (
                f"Verifier '{found.step}' is not measured: {found.reason}. Audit some of what it "
                f"{unseen}."
            )
    drift = report.drift
    if drift is not None and drift.alarm == "undecided":
        yield f"The sequential test has not decided after {drift.traces:,} runs."


def _too_wide(end: Rate) -> Iterator[str]:
    value, low, high = end.value or 0.0, end.low or 0.0, end.high or 1.0
    if max(high - value, value - low) > WIDE:
        middle = min(max(value, 0.1), 0.9)
        effect = end.n / end.effective_n if end.effective_n else 1.0
        needed = binomial.runs_for_half_width(middle, 0.05) * effect
        runs = "1 labelled run leaves" if end.n == 1 else f"{end.n:,} labelled runs leave"
        yield (
            f"Cannot tell yet: {runs} the outcome between {100 * low:.1f} and {100 * high:.1f} %; "
            f"± 5 points need about {round(needed, -1):,.0f}."
        )


def _no_gap(report: GapReport) -> Iterator[str]:
    three, gap = report.numbers, report.parts.coordination
    work = [step for step in report.steps if step.kind == "work"]
    if not work and not report.blind:
        yield "Steps are unknown: the files hold outcomes, but not the runs that led to them."
        return
    if three.solo_product.value is None:
        if len(work) > 1 and not report.blind:
            yield (
                f"The gap cannot be split into compounding and coordination: "
                f"{three.solo_product.reason}. Run each step alone on clean input and give --solo."
            )
        return
    n = three.end_to_end.n
    loss = report.parts.handoff_loss
    if gap.value is not None and not _significant(gap) and abs(gap.value) > TINY:
        yield _noise("gap", gap, f"{n:,} traces")
    elif loss.value is not None and not _significant(loss) and loss.value > TINY:
        fewest = min((s.in_pipeline.n for s in work if s.in_pipeline.n), default=n)
        yield _noise("handoff loss before verification", loss, f"{fewest:,} labelled passes")
    for edge in report.handoffs:
        found = edge.efficiency
        if edge.word == "cannot tell" and found.value is not None and found.needed is not None:
            yield (
                f"Cannot tell yet whether '{edge.source}' to '{edge.target}' loses (efficiency "
                f"{short(found.value)}): about {_rounded(found.needed):,} labelled crossings and "
                f"solo runs would show it."
            )


def _noise(what: str, found: Difference, on: str) -> str:
    p = "" if found.p_value is None else f" (p = {found.p_value:.2f})"
    value = found.value or 0.0
    if value > 0 and found.needed is not None:
        return (
            f"Cannot tell yet: a {100 * value:.1f}-point {what} on {on} is noise{p}, about "
            f"{_rounded(found.needed):,} are needed, with as many solo runs of each step."
        )
    return f"Cannot tell yet whether handing over costs anything: on {on} it does not show{p}."


def _rounded(count: int) -> int:
    """Two leading digits: a planning figure, not a measurement."""
    digits = len(str(count))
    return round(count, 2 - digits) if digits > 2 else count
