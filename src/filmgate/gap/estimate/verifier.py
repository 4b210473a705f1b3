"""How well a verification node tells bad from good. Without audits of what it passed: unknown.

What it flagged is looked at anyway, so its precision is cheap. Its sensitivity is not: the bad
items it passed are seen by nobody, and without a sample of them any verifier looks perfect.
"""

from __future__ import annotations

from typing import NamedTuple

from filmgate.gap.estimate.binomial import modified_jeffreys
from filmgate.schema.gap import Rate

DRAWS = 20_000
"""Posterior draws behind the intervals; the seed is fixed, so a report repeats to the digit."""


class Audit(NamedTuple):
    """What a verifier did, and what people found when they looked.

    Attributes:
        flagged, passed: times it flagged and passed.
        flagged_bad, flagged_good, passed_bad, passed_good: of those, what was judged, and how.
    """

    flagged: int
    passed: int
    flagged_bad: int
    flagged_good: int
    passed_bad: int
    passed_good: int


class Operating(NamedTuple):
    """r = P(flag | bad), f = P(flag | good), and the share good among what passed."""

    sensitivity: Rate
    false_alarms: Rate
    passed_good: Rate


NO_AUDIT = "nothing that it passed was audited"
NO_FLAG_JUDGED = "nothing that it flagged was judged"


def operating(audit: Audit) -> Operating:
    """Sensitivity and false-alarm rate by strata: what was flagged, and what passed.

    With π = share bad among the judged of each stratum, r = F π_F / (F π_F + P π_P) and
    f = F (1-π_F) / (F (1-π_F) + P (1-π_P)) for F flagged and P passed (Begg and Greenes 1983).
    Rests on audits that are random within each stratum.
    """
    judged_flagged = audit.flagged_bad + audit.flagged_good
    judged_passed = audit.passed_bad + audit.passed_good
    if judged_passed == 0:
        return _unknown(NO_AUDIT)
    passed_good = _plain(audit.passed_good, judged_passed)
    if judged_flagged == 0 and audit.flagged > 0:
        return _unknown(NO_FLAG_JUDGED)._replace(passed_good=passed_good)
    bad_flagged = audit.flagged * (audit.flagged_bad / judged_flagged) if judged_flagged else 0.0
    bad_passed = audit.passed * (audit.passed_bad / judged_passed)
    bad, good = bad_flagged + bad_passed, audit.flagged + audit.passed - bad_flagged - bad_passed
    low_r, high_r, low_f, high_f = _limits(audit)
    method = "strata of flagged and passed, Jeffreys"
    bads, goods = audit.flagged_bad + audit.passed_bad, audit.flagged_good + audit.passed_good
    sensitivity = (
        Rate(bad_flagged / bad, low_r, 1.0 if audit.passed_bad == 0 else high_r, bads,
             audit.flagged_bad, method=method)
        if bad > 0
        else Rate(None, reason="no bad item was seen")
    )  # fmt: skip
    false_alarms = (
        Rate((audit.flagged - bad_flagged) / good, 0.0 if audit.flagged_good == 0 else low_f,
             high_f, goods, audit.flagged_good, method=method)
        if good > 0
        else Rate(None, reason="no good item was seen")
    )  # fmt: skip
    return Operating(sensitivity, false_alarms, passed_good)


def _plain(good: int, n: int) -> Rate:
    low, high = modified_jeffreys(good, n)
    return Rate(good / n, low, high, n, good, method="Jeffreys (modified at the ends)")


def _unknown(reason: str) -> Operating:
    return Operating(
        Rate(None, reason=reason), Rate(None, reason=reason), Rate(None, reason=reason)
    )


def _limits(audit: Audit) -> tuple[float, float, float, float]:
    """95 % limits of r and of f, from the posteriors of the three shares behind them."""
    import numpy as np

    draw = np.random.default_rng(0)
    flagged = draw.beta(audit.flagged + 0.5, audit.passed + 0.5, DRAWS)
    bad_flagged = draw.beta(audit.flagged_bad + 0.5, audit.flagged_good + 0.5, DRAWS)
    bad_passed = draw.beta(audit.passed_bad + 0.5, audit.passed_good + 0.5, DRAWS)
    found, missed = flagged * bad_flagged, (1 - flagged) * bad_passed
    alarm, calm = flagged * (1 - bad_flagged), (1 - flagged) * (1 - bad_passed)
    r = np.quantile(found / (found + missed), [0.025, 0.975])
    f = np.quantile(alarm / (alarm + calm), [0.025, 0.975])
    return float(r[0]), float(r[1]), float(f[0]), float(f[1])


class Recapture(NamedTuple):
    """Two reviewers without a gold standard.

    Attributes:
        total: Lincoln and Petersen's a b / both; `chapman`: the same, nearly unbiased.
        first, second: the share of all defects that each one found.
        found: by either; escaped: by neither.
    """

    total: float
    chapman: float
    first: float
    second: float
    found: int
    escaped: float


def recapture(first: int, second: int, both: int) -> Recapture:
    """How many defects there are, when two independent reviewers found these and `both` in common.

    Independence is an assumption: two models share blind spots (when both err they give the same
    wrong answer 60 % of the time), and then `escaped` is too small.
    """
    if both <= 0:
        raise ValueError("two reviewers who found nothing in common say nothing of the total")
    total = first * second / both
    chapman = (first + 1) * (second + 1) / (both + 1) - 1
    found = first + second - both
    return Recapture(total, chapman, both / second, both / first, found, total - found)
