"""What each way a run went says: of steps, handoffs, verifiers, and where the chain first broke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from filmgate.gap.estimate.first_failure import Observation
from filmgate.gap.estimate.verifier import Audit
from filmgate.gap.shape import Shape, sources
from filmgate.gap.tally import Pattern, Seen

Tries = Counter[tuple[int, int]]
"""(good, n) of one cluster -> how many clusters had it."""
Judged = tuple[str, bool | None]
"""A step, and whether the next verifier flagged what came of the visit; None: it said nothing."""


class Facts(NamedTuple):
    """What one pattern holds: (good, n) per subject.

    `yields` and `looked` are apart by what the next verifier said of the pass: (step, flagged).
    `looked` counts (labelled, all) visits.
    """

    yields: dict[Judged, tuple[int, int]]
    looked: dict[Judged, tuple[int, int]]
    handoffs: dict[tuple[str, str], tuple[int, int]]
    crossings: dict[tuple[str, str], int]
    repaired: dict[str, tuple[int, int]]
    sticky: dict[str, tuple[int, int]]
    audits: dict[str, Audit]
    inherited: dict[str, tuple[int, int]]
    own: dict[str, tuple[int, int]]
    attempts: dict[str, int]
    fallbacks: dict[str, str]


@dataclass(slots=True)
class StepCount:
    """Visits of a step: all, labelled, ended in an error; traces that reached it."""

    visits: int = 0
    labelled: int = 0
    errors: int = 0
    traces: int = 0


@dataclass(slots=True)
class Observed:
    """Everything counted over all traces.

    Attributes:
        pooled: yields by step alone.
        ends: (good, n) of end-to-end outcomes per item, of runs that a person handled (True) and
            the others, without crashes; runs: how many of each there are, labelled or not.
        with_crashes: all outcomes per item, with crashes as bad ones.
        crashes: runs that ended in an error; labelled: runs with an outcome that did not.
        contradicting: runs whose labels do; first_contradicting: the first pattern of them.
        clusters: whether any item has more than one run.
    """

    steps: dict[str, StepCount] = field(default_factory=dict)
    yields: dict[Judged, Tries] = field(default_factory=dict)
    pooled: dict[str, Tries] = field(default_factory=dict)
    looked: dict[Judged, Tries] = field(default_factory=dict)
    handoffs: dict[tuple[str, str], Tries] = field(default_factory=dict)
    crossings: Counter[tuple[str, str]] = field(default_factory=Counter)
    repaired: dict[str, Tries] = field(default_factory=dict)
    sticky: dict[str, Tries] = field(default_factory=dict)
    audits: dict[str, Audit] = field(default_factory=dict)
    inherited: dict[str, Tries] = field(default_factory=dict)
    own: dict[str, Tries] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)
    fallbacks: dict[str, Counter[str]] = field(default_factory=dict)
    ends: dict[bool, Tries] = field(default_factory=dict)
    runs: Counter[bool] = field(default_factory=Counter)
    with_crashes: Tries = field(default_factory=Counter)
    crashes: int = 0
    labelled: int = 0
    people: int = 0
    from_last_step: int = 0
    contradicting: int = 0
    first_contradicting: int | None = None


def settled(pattern: Pattern, shape: Shape) -> tuple[Pattern, bool, bool]:
    """The pattern with its last label and its outcome made one; (pattern, filled, contradicted).

    What the last step left is what came out. Where only one of both is labelled it holds for the
    other; where they contradict neither is used.
    """
    at = next(
        (i for i in range(len(pattern.visits) - 1, -1, -1)
         if shape.kinds[pattern.visits[i].step] != "verify"),
        None,
    )  # fmt: skip
    if pattern.crashed:
        if pattern.outcome:
            return pattern._replace(outcome=None, crashed=False), False, True
        return pattern._replace(outcome=None), False, False
    if at is None:
        return pattern, False, False
    last = pattern.visits[at]
    if pattern.outcome is None:
        return pattern._replace(outcome=last.outcome), last.outcome is not None, False
    if last.outcome is None and not last.error:
        return _with(pattern, at, pattern.outcome), False, False
    if last.outcome is not None and last.outcome != pattern.outcome:
        return _with(pattern, at, None)._replace(outcome=None), False, True
    return pattern, False, False


def _with(pattern: Pattern, at: int, outcome: bool | None) -> Pattern:
    visits = list(pattern.visits)
    visits[at] = visits[at]._replace(outcome=outcome)
    return pattern._replace(visits=tuple(visits))


def facts(pattern: Pattern, shape: Shape) -> Facts:
    """What one way through says."""
    out = Facts({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})
    visits = pattern.visits
    failed: dict[str, bool] = {}
    for at, visit in enumerate(visits):
        kind = shape.kinds[visit.step]
        if kind == "verify":
            continue
        given = sources(shape, visits, at)
        for i in given:
            _count(out.crossings, (visits[i].step, visit.step))
        outcome, judged = visit.outcome, (visit.step, _flagged_later(visits, at))
        if visit.error:
            failed.pop(visit.step, None)
            continue
        _add(out.looked, judged, outcome is not None)
        if outcome is None:
            failed.pop(visit.step, None)
            continue
        clean = _all(visits[i].outcome for i in given)
        if clean or kind == "human":
            _add(out.yields, judged, outcome)
        if clean:
            for i in given:
                _add(out.handoffs, (visits[i].step, visit.step), outcome)
            if failed.get(visit.step):
                _add(out.sticky, visit.step, not outcome)
            failed[visit.step] = not outcome
        elif clean is False and kind == "work":
            _add(out.repaired, visit.step, outcome)
    _verifiers(pattern, shape, out)
    return out


def _all(values: Iterable[bool | None]) -> bool | None:
    """True when all are, False when one is not, None when that is not known; True of nothing."""
    known = list(values)
    if any(value is False for value in known):
        return False
    return True if all(value is True for value in known) else None


def _flagged_later(visits: Sequence[Seen], at: int) -> bool | None:
    """What the next verifier said of the pass that visit `at` belongs to."""
    for visit in visits[at + 1 :]:
        if visit.kind == "verify" and visit.flagged is not None:
            return visit.flagged
        if visit.step == visits[at].step:
            return None
    return None


K = TypeVar("K")


def _add(counts: dict[K, tuple[int, int]], key: K, good: bool) -> None:
    before = counts.get(key, (0, 0))
    counts[key] = (before[0] + good, before[1] + 1)


def _count(counts: dict[tuple[str, str], int], key: tuple[str, str]) -> None:
    counts[key] = counts.get(key, 0) + 1


def _verifiers(pattern: Pattern, shape: Shape, out: Facts) -> None:
    """What each verifier said of what, and what came of it."""
    visits = pattern.visits
    state: bool | None = True  # of the item, as labelled
    checkpoint: bool | None = True  # the same at the last verdict that let it on
    tries: Counter[str] = Counter()
    for at, visit in enumerate(visits):
        if shape.kinds[visit.step] != "verify":
            state = False if visit.error else visit.outcome
            continue
        tries[visit.step] += 1
        out.attempts[visit.step] = max(out.attempts.get(visit.step, 0), tries[visit.step])
        if visit.flagged is None:
            continue
        _audit(out, visit, state, checkpoint)
        if not visit.flagged:
            tries[visit.step], checkpoint = 0, state
            continue
        fallback = _after(pattern, shape, at)
        if fallback:
            out.fallbacks[visit.step] = fallback
            tries[visit.step], checkpoint = 0, state


def _audit(out: Facts, visit: Seen, state: bool | None, checkpoint: bool | None) -> None:
    flag = bool(visit.flagged)
    before = out.audits.get(visit.step, Audit(0, 0, 0, 0, 0, 0))
    out.audits[visit.step] = Audit(
        before.flagged + flag,
        before.passed + (not flag),
        before.flagged_bad + (flag and state is False),
        before.flagged_good + (flag and state is True),
        before.passed_bad + (not flag and state is False),
        before.passed_good + (not flag and state is True),
    )
    if state is False and checkpoint is not None:
        _add(out.own if checkpoint else out.inherited, visit.step, flag)


def _after(pattern: Pattern, shape: Shape, at: int) -> str:
    """What a flag led to that was not another attempt: "human", "pass", "abort"; "" for a retry."""
    following = next((v for v in pattern.visits[at + 1 :] if shape.kinds[v.step] != "verify"), None)
    if following is None:
        return "abort"
    if shape.kinds[following.step] == "human":
        return "human"
    return "pass" if shape.rank[following.step] > shape.rank[pattern.visits[at].step] else ""


def observe(patterns: Sequence[Pattern], items: Iterable[Sequence[int]], shape: Shape) -> Observed:
    """All traces, put together by item: repeats of one item are one cluster."""
    out = Observed()
    known = []
    for number, pattern in enumerate(patterns):
        made, filled, contradicted = settled(pattern, shape)
        if contradicted and out.first_contradicting is None:
            out.first_contradicting = number
        known.append((made, facts(made, shape), filled, contradicted))
    runs: Counter[tuple[int, ...]] = Counter(tuple(sorted(numbers)) for numbers in items)
    for numbers, times in runs.items():
        _cluster(out, [known[n] for n in numbers], shape, times)
    return out


def _cluster(
    out: Observed, members: list[tuple[Pattern, Facts, bool, bool]], shape: Shape, times: int
) -> None:
    """One item (or `times` alike): sums over its runs."""
    for name in ("yields", "looked", "handoffs", "repaired", "sticky", "inherited", "own"):
        sums: dict[object, tuple[int, int]] = {}
        for _, found, _, _ in members:
            for key, (good, n) in getattr(found, name).items():
                before = sums.get(key, (0, 0))
                sums[key] = (before[0] + good, before[1] + n)
        tries = getattr(out, name)
        if name == "yields":
            _pool(out, sums, times)
        for key, pair in sums.items():
            tries.setdefault(key, Counter())[pair] += times
    ends: dict[bool, tuple[int, int]] = {}
    crashed = 0
    for pattern, found, filled, contradicted in members:
        _single(out, pattern, found, shape, times)
        out.from_last_step += filled * times
        out.contradicting += contradicted * times
        crashed += pattern.crashed
        helped = any(shape.kinds[v.step] == "human" for v in pattern.visits)
        out.runs[helped] += (not pattern.crashed) * times
        if pattern.outcome is not None:
            good, n = ends.get(helped, (0, 0))
            ends[helped] = (good + pattern.outcome, n + 1)
    for helped, pair in ends.items():
        out.ends.setdefault(helped, Counter())[pair] += times
    total = sum(n for _, n in ends.values())
    out.labelled += total * times
    if total + crashed:
        out.with_crashes[sum(s for s, _ in ends.values()), total + crashed] += times


def _pool(out: Observed, sums: Mapping[Any, tuple[int, int]], times: int) -> None:
    """Attempts of one item are one cluster, whatever verdict each of them met."""
    total: dict[str, tuple[int, int]] = {}
    for (step, _), (good, n) in sums.items():
        before = total.get(step, (0, 0))
        total[step] = (before[0] + good, before[1] + n)
    for step, pair in total.items():
        out.pooled.setdefault(step, Counter())[pair] += times


def _single(out: Observed, pattern: Pattern, found: Facts, shape: Shape, times: int) -> None:
    """What is counted run by run."""
    out.crashes += pattern.crashed * times
    out.people += any(shape.kinds[v.step] == "human" for v in pattern.visits) * times
    for step in {v.step for v in pattern.visits}:
        out.steps.setdefault(step, StepCount()).traces += times
    for visit in pattern.visits:
        counted = out.steps[visit.step]
        counted.visits += times
        counted.labelled += (visit.outcome is not None) * times
        counted.errors += visit.error * times
    for edge, count in found.crossings.items():
        out.crossings[edge] += count * times
    for step, audit in found.audits.items():
        before = out.audits.get(step, Audit(0, 0, 0, 0, 0, 0))
        out.audits[step] = Audit(*(b + a * times for b, a in zip(before, audit, strict=True)))
    for step, tries in found.attempts.items():
        out.attempts[step] = max(out.attempts.get(step, 0), tries)
    for step, fallback in found.fallbacks.items():
        out.fallbacks.setdefault(step, Counter())[fallback] += times


def first_failures(
    patterns: Sequence[Pattern], counts: Sequence[int], shape: Shape
) -> tuple[list[Observation], int] | None:
    """Where each run of a pure chain first broke, and how many runs contradict that reading.

    None where the pipeline is no pure chain: a step ran twice, a person stepped in, or runs went
    different ways. Then a label that is missing is not missing at random.
    """
    chain = shape.of("work")
    if len(shape.paths) != 1 or shape.of("human") or not chain:
        return None
    place = {step: i for i, step in enumerate(chain, 1)}
    out: list[Observation] = []
    repaired = 0
    for pattern, count in zip(patterns, counts, strict=True):
        worked = [v for v in pattern.visits if v.step in place]
        if len({v.step for v in worked}) < len(worked):
            return None
        made, _, contradicted = settled(pattern, shape)
        low, high = 0, len(chain) + 1
        for visit in made.visits:
            at = place.get(visit.step)
            if at is None:
                continue
            if visit.error or visit.outcome is False:
                high = min(high, at)
            elif visit.outcome:
                low = max(low, at)
        if pattern.crashed:
            high = min(high, len(chain))
        if made.outcome is not None:
            low, high = (len(chain), high) if made.outcome else (low, min(high, len(chain)))
        if low >= high or contradicted:
            repaired += count
        else:
            out.append(Observation(low, high, count))
    return out, repaired
