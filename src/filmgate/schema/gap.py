"""The published result of ``filmgate gap measure``: what a pipeline's traces say, and what they do
not. The JSON Schema in ``schemas/gap_report.schema.json`` is generated from these values.

A share is never a bare number: it comes with its interval and what it was counted from, or with the
reason why it is not measured. Probabilities and shares are 0 to 1, money is USD, time is seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

SCHEMA_VERSION = 1
LEVEL = 0.95
"""Of every interval in a report, two-sided."""

Kind = Literal["work", "verify", "human"]
"""What a step does: makes or changes the item; passes or flags it; is a person."""

Holding = Literal["loses", "holds", "repairs", "cannot tell", "not measured"]
"""A handoff: its step does worse behind it than alone (at 5 % over all handoffs, Holm); its 95 %
interval lies above .98; better; the traces do not decide; nothing to compare with."""

VerifierWord = Literal["helps", "harmful", "cannot tell", "not measured"]
"""harmful: it flags good work at least as often as bad (r <= f)."""

Fallback = Literal["pass", "human", "abort", "unknown"]
"""What was seen to happen to an item that used up its attempts."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its interval, or why there is none.

    Attributes:
        value: the estimate; None when not measured.
        low, high: 95 % interval.
        n, good: observations behind it, and those that count for it; n is 0 where it is put
            together from other rates.
        effective_n: what n is worth once repeats of one item count as the cluster that they are.
        method: how value and interval were reached.
        reason: why it is not measured; or what to keep in mind.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0
    good: int = 0
    effective_n: float | None = None
    method: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Difference:
    """One share less another, or a ratio of two; `reason` when it is not measured.

    Attributes:
        value, low, high: the estimate and its 95 % interval.
        p_value: two-sided, of no difference (of a ratio of 1); None where it was not tested.
        needed: traces (with as many solo runs per step) that would show a loss of this size with
            80 % power at 5 %; None where there is no loss to show.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    needed: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step.

    Attributes:
        step, kind: its name, and what it does.
        traces, visits: traces that reached it; times it ran, retries included.
        labelled: visits whose output somebody judged.
        errors: visits that ended in an error.
        in_pipeline: share of good output among visits with good input, in the traces.
        solo: the same when run alone on clean input (`--solo`).
        repaired: share of good output among visits with bad input.
        sticky: share of failures that fail again at the next attempt.
        cost_usd, time_s: mean per visit; None where the traces do not say.
    """

    step: str
    kind: Kind
    traces: int
    visits: int
    labelled: int
    errors: int
    in_pipeline: Rate
    solo: Rate
    repaired: Rate
    sticky: Rate
    cost_usd: float | None = None
    time_s: float | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """Neighbouring steps of which only the product of yields is identified."""

    steps: tuple[str, ...]
    rate: Rate


@dataclass(frozen=True, slots=True)
class VerifierReport:
    """One verification node.

    Attributes:
        step: its name.
        checks: the steps whose output it vouches for: those since the verifier before it.
        visits, flagged: times it ran, times it flagged.
        audited_flagged, audited_passed: of those it flagged and passed, how many were judged.
        sensitivity: r, P(flag | bad). Needs audits of what passed.
        false_alarms: f, P(flag | good). Needs audits of what passed.
        passed_good: share good among what it passed.
        detectability: δ, sensitivity to defects inherited from before its segment, divided by the
            sensitivity to those made in it.
        attempts_max: the most attempts at one item that were seen.
        fallback: what was seen to happen after the last of them.
        word: whether it helps.
        reason: the sentence behind the word.
    """

    step: str
    checks: tuple[str, ...]
    visits: int
    flagged: int
    audited_flagged: int
    audited_passed: int
    sensitivity: Rate
    false_alarms: Rate
    passed_good: Rate
    detectability: Difference
    attempts_max: int
    fallback: Fallback
    word: VerifierWord
    reason: str


@dataclass(frozen=True, slots=True)
class HandoffReport:
    """One edge: `source` hands over to `target`, `crossings` times.

    `efficiency` is h = P(target good | good input, in the pipeline) / P(target good, alone).
    """

    source: str
    target: str
    crossings: int
    efficiency: Difference
    word: Holding


@dataclass(frozen=True, slots=True)
class ThreeNumbers:
    """The three that must never be one.

    Attributes:
        component_mean: mean of the steps' solo yields.
        solo_product: their product, the chain's baseline if nothing else went wrong.
        end_to_end: the observed share of good items at the end.
        solo_guarantee: lower one-sided 95 % bound of the product (Lindström-Madden).
    """

    component_mean: Rate
    solo_product: Rate
    end_to_end: Rate
    solo_guarantee: float | None = None


@dataclass(frozen=True, slots=True)
class Parts:
    """Where the gap between the parts' promise and the outcome comes from.

    Attributes:
        total: component mean less end to end.
        compounding: component mean less product of solo yields: what a chain costs in any case.
        coordination: product of solo yields less end to end; below 0 when verification and repair
            bring back more than handoffs lose.
        handoff_loss: product of solo yields less product of in-pipeline yields: what handing over
            costs before anything is verified.
        recovered: end to end less product of in-pipeline yields: what verification, retries and
            people bring back.
        log_share: the part of ln(end to end) that handoffs explain, sum ln h / ln R; None where
            verification or people come between, which the logarithm cannot part from it.
    """

    total: Difference
    compounding: Difference
    coordination: Difference
    handoff_loss: Difference
    recovered: Difference
    log_share: float | None = None


@dataclass(frozen=True, slots=True)
class Repeats:
    """What repeated runs of the same item say.

    Attributes:
        items, traces: items with repeats, and their traces.
        trials: runs per item that pass^k is computed from; items with fewer are left out.
        successes: items by number of successes in their first `trials` runs, from 0.
        pass_hat, pass_at: pass^k (all of k runs good) and pass@k (one of k good), k from 1.
        independent_pass_hat: what pass^k would be if runs were independent.
        alpha, beta: beta-binomial maximum likelihood; None when runs look independent.
        icc, icc_anova: intraclass correlation 1/(α+β+1), and by analysis of variance.
        likelihood_ratio, p_value: of clustering against independence (half of chi-square 1).
        design_effect: cluster-robust variance over the naive one.
        cluster_se, naive_se: standard errors of the end-to-end share.
    """

    items: int
    traces: int
    trials: int
    successes: tuple[int, ...]
    pass_hat: tuple[Rate, ...]
    pass_at: tuple[Rate, ...]
    independent_pass_hat: tuple[float, ...]
    alpha: float | None
    beta: float | None
    icc: float | None
    icc_anova: float | None
    likelihood_ratio: float | None
    p_value: float | None
    design_effect: float | None
    cluster_se: float | None
    naive_se: float | None


@dataclass(frozen=True, slots=True)
class JudgeReport:
    """Labels that a model gave, held against those that people gave to the same items.

    Attributes:
        judged, both: items the judge labelled; of those, items a person labelled too.
        raw: the judge's share of good, as it stands.
        says_good_of_good, says_good_of_bad: the judge against people, on `both`.
        corrected: Rogan-Gladen from those two.
        prediction_powered: judge on all, corrected by the people's labels on `both`.
    """

    judged: int
    both: int
    raw: Rate
    says_good_of_good: Rate
    says_good_of_bad: Rate
    corrected: Rate
    prediction_powered: Rate


@dataclass(frozen=True, slots=True)
class DriftReport:
    """Whether the end-to-end share moved over time.

    Attributes:
        traces: labelled traces with a start time, in the order of time.
        evidence: e-value against "no change" (20 and more: p <= .05 whenever one looks); None
            where there is too little.
        changed_at: ISO 8601 time of the trace at the likeliest change, when there is one.
        before, after: the shares on both sides of it.
        alarm: of the sequential probability ratio test against a rate given (`--was`): "lost",
            "held", "undecided", or "" where none was given.
        alarm_after: traces after which it decided.
    """

    traces: int
    evidence: float | None
    changed_at: str = ""
    before: Rate | None = None
    after: Rate | None = None
    alarm: Literal["", "lost", "held", "undecided"] = ""
    alarm_after: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What the pipeline costs. None where the traces do not say.

    Attributes:
        cost_per_item_usd, cost_per_good_usd: mean per item; divided by the end-to-end share.
        time_per_item_s: mean, from start to end of an item.
        human: share of items that a person had to handle.
        visits_per_item: steps executed per item, retries included.
    """

    human: Rate
    visits_per_item: float
    cost_per_item_usd: float | None = None
    cost_per_good_usd: float | None = None
    time_per_item_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stratum:
    """End-to-end share of the traces that have one value of one trait."""

    trait: str
    value: str
    rate: Rate


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the input that could not be used, or was read in a way to be told.

    `line` counts from 1; None where the trouble is not in one line. `count` of the same kind;
    `first` names the trace or item in which it was met first.
    """

    file: str
    line: int | None
    text: str
    count: int = 1
    first: str = ""


@dataclass(frozen=True, slots=True)
class GapReport:
    """The whole of ``filmgate gap measure --json``.

    Attributes:
        filmgate, schema_version: who wrote it, in which version of this shape.
        formats, files: what was read.
        traces, items: runs; different items among them.
        first, last: ISO 8601 times of the first and last trace, "" where there are no clocks.
        blind: why outcomes cannot be seen at all, or "".
        steps: in the order of the pipeline.
        told: what holds, in sentences.
        refused: what cannot be told yet, and what it would take.
        notes: how things were read.
    """

    filmgate: str
    schema_version: int
    formats: tuple[str, ...]
    files: tuple[str, ...]
    traces: int
    items: int
    first: str
    last: str
    blind: str
    numbers: ThreeNumbers
    in_pipeline_product: Rate
    parts: Parts
    steps: tuple[StepReport, ...]
    segments: tuple[Segment, ...]
    handoffs: tuple[HandoffReport, ...]
    verifiers: tuple[VerifierReport, ...]
    load: Load
    repeats: Repeats | None = None
    judge: JudgeReport | None = None
    drift: DriftReport | None = None
    strata: tuple[Stratum, ...] = ()
    told: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class PowerReport:
    """The whole of ``filmgate gap power --json``.

    Attributes:
        loss: the handoff loss to be seen, 0 to 1 (.03 is three points).
        baseline: product of the solo yields it is taken from.
        step_yields: the solo yields.
        power, significance: chance to see it; chance of seeing one that is not there.
        traces_same: traces needed with as many solo runs of every step.
        traces_known: traces needed if the solo yields were known exactly.
    """

    filmgate: str
    schema_version: int
    loss: float
    baseline: float
    step_yields: tuple[float, ...]
    power: float
    significance: float
    traces_same: int
    traces_known: int
