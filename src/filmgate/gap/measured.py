"""A pipeline for the planner out of a report of ``filmgate gap measure``.

Rates come from the report, prices from a ``pipeline.toml`` where there is one. What neither says is
assumed in a sentence that is printed with every plan, or left out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from filmgate.errors import UsageError
from filmgate.gap.pipeline import (
    ABORT,
    ATTEMPTS,
    PASS,
    Nodes,
    Option,
    Person,
    Pipeline,
    Step,
    Verifier,
)
from filmgate.schema.gap import GapReport, Rate, StepReport, VerifierReport


def pipeline_of(report: GapReport, declared: Pipeline | None = None) -> Pipeline:
    """The pipeline that a report measured.

    Args:
        report: of traces that are not blind.
        declared: prices and options; its steps and verifiers take their rates from the report by
            their names.

    Raises:
        UsageError: the yield of a step is neither measured nor declared, or there is no step.
    """
    if report.blind:
        raise UsageError(f"there is nothing to plan from: the report is blind ({report.blind}).")
    measured = {step.step: step for step in report.steps if step.kind == "work"}
    if not measured:
        raise UsageError("there is nothing to plan from: the report has no step that does work.")
    if declared is not None:
        return _filled(report, declared, measured)
    assumed: list[str] = []
    people = tuple(_people(report, assumed))
    verifiers = tuple(_verifiers(report, people, assumed))
    beta = _beta(report)
    if beta is None:
        assumed.append("β = 0 was assumed: too few failures were seen twice to measure it.")
    if not any(v.delta is not None for v in verifiers):
        assumed.append("δ = 1 was assumed: no inherited defect was audited.")
    priced = any(step.cost_usd is not None for step in measured.values())
    if not priced:
        assumed.append("The traces carry no costs: every run of a step was taken to cost 1.")
    if verifiers:
        assumed.append("A verifier is offered only behind the step where it was measured.")
    steps = _steps(report, measured, 0.0 if priced else 1.0, assumed)
    nodes = _today(report, steps, verifiers, people)
    return Pipeline(
        tuple(
            replace(s, node=node, verifiers=(node.verifier,) if node is not None else ())
            for s, node in zip(steps, nodes, strict=True)
        ),
        verifiers,
        people,
        beta=beta or 0.0,
        unit="usd" if priced else "runs",
        name="measured pipeline",
        assumed=tuple(assumed),
    )


def _steps(
    report: GapReport, measured: dict[str, StepReport], price: float, assumed: list[str]
) -> list[Step]:
    """The work steps with what they take from; verifiers and people stand at handoffs."""
    after: dict[str, list[str]] = {name: [] for name in measured}
    for edge in report.handoffs:
        if edge.source in after and edge.target in after:
            after[edge.target].append(edge.source)
    if not report.handoffs:
        names = list(measured)
        after.update((name, [names[i]]) for i, name in enumerate(names[1:]))
    made = []
    for name, step in measured.items():
        rate = _yield(report, step, assumed)
        cost = step.cost_usd if step.cost_usd is not None else price
        repair = step.repaired.value if step.repaired.n >= ENOUGH else None
        made.append(
            Step(
                name, _known(rate), cost, repair or 0.0, tuple(after[name]),
                max(1, len(after[name])), low=rate.low, high=rate.high, n=rate.n or None,
                solo=step.solo.value,
            )
        )  # fmt: skip
    return made


ENOUGH = 20
"""Bad inputs, or failures seen again, below which their rate is not used."""


def _known(rate: Rate) -> float:
    assert rate.value is not None
    return rate.value


def _yield(report: GapReport, step: StepReport, assumed: list[str]) -> Rate:
    """The step's yield in the pipeline, else its part of what is identified, else alone."""
    if step.in_pipeline.value is not None:
        return step.in_pipeline
    for segment in report.segments:
        if step.step in segment.steps and segment.rate.value is not None:
            told = f"Only the product of {', '.join(segment.steps)} is identified: split evenly."
            if told not in assumed:
                assumed.append(told)
            return Rate(segment.rate.value ** (1 / len(segment.steps)))
    if step.solo.value is not None:
        assumed.append(f"The yield of '{step.step}' is the one it has alone, not in the pipeline.")
        return step.solo
    raise UsageError(
        f"there is nothing to plan from: the yield of step '{step.step}' is not measured "
        f"({step.in_pipeline.reason or 'no labels'}); declare it in a pipeline.toml."
    )


def _verifiers(
    report: GapReport, people: Sequence[Person], assumed: list[str]
) -> Sequence[Verifier]:
    costs = {step.step: step.cost_usd for step in report.steps}
    made = []
    for found in report.verifiers:
        r, f = found.sensitivity.value, found.false_alarms.value
        if r is None or f is None:
            why = found.sensitivity.reason or found.false_alarms.reason
            assumed.append(f"Verifier '{found.step}' was left out: {why or 'not measured'}.")
            continue
        if costs.get(found.step) is None:
            assumed.append(f"The traces do not say what '{found.step}' costs: taken as 0.")
        most = max(*ATTEMPTS, found.attempts_max)
        made.append(
            Verifier(
                found.step, r, f, costs.get(found.step) or 0.0, tuple(range(1, most + 1)),
                (PASS, *(person.name for person in people)), found.detectability.value,
                least=found.sensitivity.low, most=found.false_alarms.high,
            )
        )  # fmt: skip
    return made


def _people(report: GapReport, assumed: list[str]) -> Sequence[Person]:
    made = []
    for step in report.steps:
        if step.kind != "human":
            continue
        if step.in_pipeline.value is None or step.cost_usd is None:
            what = "accuracy" if step.in_pipeline.value is None else "cost"
            assumed.append(
                f"People ('{step.step}') were left out: their {what} is not measured; "
                "declare them in a pipeline.toml."
            )
            continue
        made.append(Person(step.step, step.in_pipeline.value, step.cost_usd))
    return made


def _beta(report: GapReport) -> float | None:
    """The share of sticky failures, from how often a failure is followed by another.

    With x = P(the next attempt fails too), 1-x = (1-β) s/(1-β(1-s)), so that
    β = (s-1+x)/(s-(1-x)(1-s)). Weighted by the failures each step was seen to repeat or not.
    """
    total = weight = 0.0
    for step in report.steps:
        s, again = step.in_pipeline.value, step.sticky.value
        if s is None or again is None or step.kind != "work":
            continue
        below = s - (1 - again) * (1 - s)
        if below > 0:
            total += step.sticky.n * min(1.0, max(0.0, (s - 1 + again) / below))
            weight += step.sticky.n
    return total / weight if weight >= ENOUGH else None


def _today(
    report: GapReport,
    steps: Sequence[Step],
    verifiers: Sequence[Verifier],
    people: Sequence[Person],
) -> Nodes:
    """What stands behind each step: the verifier whose checks end with it."""
    known = {v.name for v in verifiers}
    ends: dict[str, VerifierReport] = {
        found.checks[-1]: found
        for found in report.verifiers
        if found.checks and found.step in known
    }
    nodes: list[Option | None] = []
    for step in steps:
        found = ends.get(step.name)
        if found is None:
            nodes.append(None)
            continue
        fallback = {"human": people[0].name if people else PASS, "abort": ABORT}
        last = fallback.get(found.fallback, PASS)
        nodes.append(Option(found.step, max(1, found.attempts_max), last))
    return tuple(nodes)


def _filled(report: GapReport, declared: Pipeline, measured: dict[str, StepReport]) -> Pipeline:
    """`declared` with the rates of the report in place, by name."""
    assumed = list(declared.assumed)
    steps = []
    for step in declared.steps:
        found = measured.get(step.name)
        rate = found.in_pipeline if found is not None else None
        if found is None or rate is None or rate.value is None:
            assumed.append(f"The yield of '{step.name}' is the declared one, not measured.")
            steps.append(step)
            continue
        steps.append(
            replace(
                step, p=rate.value, low=rate.low, high=rate.high, n=rate.n or None,
                solo=found.solo.value,
            )
        )  # fmt: skip
    unknown = [name for name in measured if name not in {step.name for step in declared.steps}]
    if unknown:
        raise UsageError(
            f"the report and the pipeline do not fit: the pipeline has no step '{unknown[0]}'."
        )
    words = {found.step: found for found in report.verifiers}
    verifiers = []
    for verifier in declared.verifiers:
        word = words.get(verifier.name)
        r = word.sensitivity.value if word is not None else None
        f = word.false_alarms.value if word is not None else None
        if word is None or r is None or f is None:
            assumed.append(f"The rates of verifier '{verifier.name}' are declared, not measured.")
            verifiers.append(verifier)
            continue
        delta = word.detectability.value if verifier.delta is None else verifier.delta
        verifiers.append(
            replace(
                verifier, sensitivity=r, false_alarm=f, delta=delta,
                least=word.sensitivity.low, most=word.false_alarms.high,
            )
        )  # fmt: skip
    return replace(declared, steps=tuple(steps), verifiers=tuple(verifiers), assumed=tuple(assumed))
