"""What may stand at a handoff, as arrays: one call gives the outcome of every option at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from filmgate.gap import voting
from filmgate.gap.pipeline import ABORT, PASS, Option, Pipeline, Step
from filmgate.gap.segment import Array, verified


class Rows(NamedTuple):
    """What one segment does to an item; the last axis is the options.

    Attributes:
        good, bad, aborted: probabilities of what comes out; they sum to 1.
        cost: expected, of steps, checks and people.
        attempts: expected runs of the segment.
        exhausted: probability that the last attempt was flagged as well.
    """

    good: Array
    bad: Array
    aborted: Array
    cost: Array
    attempts: Array
    exhausted: Array


@dataclass(frozen=True)
class Menu:
    """Options of a pipeline, verifiers first, then votes.

    A trial is what options with the same verifier and the same number of attempts share: it is
    computed once.
    """

    pipeline: Pipeline
    options: tuple[Option, ...]

    @classmethod
    def of(cls, pipeline: Pipeline) -> Menu:
        """All options the pipeline offers."""
        return cls(pipeline, pipeline.options())

    @cached_property
    def checks(self) -> tuple[Option, ...]:
        """The options that are verifiers."""
        return tuple(o for o in self.options if not o.lead)

    @cached_property
    def leads(self) -> tuple[int, ...]:
        """The leads of the options that are votes."""
        return tuple(o.lead for o in self.options if o.lead)

    @cached_property
    def _trials(self) -> tuple[tuple[str, int], ...]:
        return tuple(dict.fromkeys((o.verifier, o.attempts) for o in self.checks))

    @cached_property
    def _trial_of(self) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
        place = {trial: i for i, trial in enumerate(self._trials)}
        return np.array([place[o.verifier, o.attempts] for o in self.checks], dtype=np.intp)

    @cached_property
    def _rates(self) -> tuple[Array, Array, Array, Array]:
        """Per trial: (2, trials) sensitivity to own and to inherited defects, f, m, price."""
        rows = []
        for name, attempts in self._trials:
            v = self.pipeline.verifier(name)
            delta = self.pipeline.delta if v.delta is None else v.delta
            rows.append(
                (v.sensitivity, delta * v.sensitivity, v.false_alarm, float(attempts), v.cost)
            )
        table = np.array(rows, dtype=np.float64).reshape(-1, 5).T
        return table[:2], table[2], table[3], table[4]

    @cached_property
    def _ends(self) -> tuple[Array, Array, Array, Array]:
        """Per check: passes, aborts, accuracy of its person (0 without), what a visit costs."""
        rows = []
        for o in self.checks:
            accuracy = visit = 0.0
            if o.fallback not in (PASS, ABORT):
                person = self.pipeline.person(o.fallback)
                accuracy = person.accuracy
                visit = 0.0 if self.pipeline.verifier(o.verifier).by == person.name else person.cost
            rows.append((o.fallback == PASS, o.fallback == ABORT, accuracy, visit))
        table = np.array(rows, dtype=np.float64).reshape(-1, 4)
        return table[:, 0], table[:, 1], table[:, 2], table[:, 3]

    @cached_property
    def cheapest_check(self) -> float:
        """The least that any check costs."""
        return float(self._rates[3].min()) if self.checks else 0.0

    @cached_property
    def cheapest_visit(self) -> float:
        """The least that giving up to a person costs; infinite where nobody can."""
        passes, aborts, _, visit = self._ends
        people = (passes == 0) & (aborts == 0)
        return float(visit[people].min()) if people.any() else float("inf")

    @cached_property
    def aborts(self) -> bool:
        """Whether any option may abort an item."""
        return bool(self._ends[1].any()) if self.checks else False

    @cached_property
    def keeps(self) -> tuple[float, float]:
        """(κ, 1 + ρ): a good item is good behind a segment with at least κ s^(1+ρ).

        With r > f an accepted item is good with at least s. Giving up to a person, which happens
        with at most φ = f + (1-s)(r-f), loses at most 1-a of them: s (1 - φ(1-a)), and
        1 - ρ(1-s) >= s^ρ. κ = 0 where an item may be aborted, or where that does not hold.
        """
        if not self.checks:
            return 1.0, 1.0
        (r, _), f, _, _ = self._rates
        passes, _, accuracy, _ = self._ends
        lost = np.where(passes > 0, 0.0, 1.0 - accuracy)
        kept = float((1.0 - f[self._trial_of] * lost).min())
        if self.aborts or kept <= 0 or (r <= f).any():
            return 0.0, 1.0
        power = float((r[self._trial_of] * lost).max()) / kept
        return (kept, 1.0 + power) if power <= 1 else (0.0, 1.0)

    def forbidden(self, step: Step) -> list[bool]:
        """Which options may not stand behind `step`."""
        return [not self.pipeline.allows(step, o) for o in self.options]

    def judged(self, success: Array, segment_cost: Array) -> Rows:
        """The outcome of every check option for segments of given success and cost.

        Args:
            success: (2, ...) P(good) of one attempt, if the item came in good and if it came in
                bad. In the second case the defect may be inherited, and δ counts.
            segment_cost: (...) of one run of the segment.

        Returns:
            Rows of shape (2, ..., checks).
        """
        seen, f, attempts, price = self._rates
        r = seen.reshape(2, *(1,) * segment_cost.ndim, -1)
        out = verified(success[..., None], r, f, attempts, self.pipeline.beta)
        runs = out.attempts * (segment_cost[..., None] + price)
        of = self._trial_of
        passes, aborts, accuracy, visit = self._ends
        last_good, last_bad = out.last_good[..., of], out.last_bad[..., of]
        exhausted = last_good + last_bad
        repairs = 1.0 - passes - aborts
        return Rows(
            out.accept_good[..., of] + passes * last_good + accuracy * exhausted,
            out.accept_bad[..., of] + passes * last_bad + (repairs - accuracy) * exhausted,
            aborts * exhausted,
            runs[..., of] + visit * exhausted,
            out.attempts[..., of],
            exhausted,
        )

    def voted(self, step: Step) -> tuple[Array, Array, Array]:
        """Per vote option behind `step`: P(good | good input), P(good | bad input), samples.

        The number of samples is taken as the same for both: on a bad input the candidates agree
        with one another, wrong as they are, as often as on a good one.
        """
        beta = self.pipeline.beta
        right = [voting.with_common_cause(step.p, lead, beta) for lead in self.leads]
        after_bad = [voting.with_common_cause(step.repair, lead, beta).good for lead in self.leads]
        return (
            np.array([v.good for v in right]),
            np.array(after_bad),
            np.array([v.samples for v in right]),
        )
