"""k runs of the same item: pass^k (all good), pass@k (one good), and the beta-binomial behind them.

If runs were independent pass^4 of a 42 % agent would be 3 %; on real traces it is 20 %, since the
same items fail again and again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple


def pass_hat(good: int, n: int, k: int) -> float:
    """Unbiased P(k runs all good) from `good` of `n`: C(good, k) / C(n, k) (Yao et al. 2024)."""
    return math.comb(good, k) / math.comb(n, k)


def pass_at(good: int, n: int, k: int) -> float:
    """Unbiased P(at least one of k runs good): 1 - C(bad, k) / C(n, k) (Chen et al. 2021)."""
    return 1 - math.comb(n - good, k) / math.comb(n, k)


class BetaBinomial(NamedTuple):
    """Items whose success probability varies as Beta(alpha, beta).

    Attributes:
        icc: intraclass correlation, 1 / (alpha + beta + 1).
        log_likelihood: with binomial coefficients.
        independent: log-likelihood of one common probability.
        likelihood_ratio: twice the difference.
        p_value: of it; half of chi-square with one degree of freedom, since icc = 0 is an edge.
    """

    alpha: float
    beta: float
    icc: float
    log_likelihood: float
    independent: float
    likelihood_ratio: float
    p_value: float

    def pass_hat(self, k: int) -> float:
        """E[p^k]: all of k runs of an item good, for any k."""
        size = self.alpha + self.beta
        return math.prod((self.alpha + i) / (size + i) for i in range(k))


def beta_binomial(good: Sequence[int], n: Sequence[int]) -> BetaBinomial | None:
    """Maximum likelihood by Newton's method on (ln alpha, ln beta).

    None where the likelihood has no maximum inside: everything succeeded or failed, or runs of one
    item agree no more than runs of different items.
    """
    import numpy as np
    from scipy.special import betaln, gammaln

    s, m = np.asarray(good, float), np.asarray(n, float)
    share = s.sum() / m.sum()
    if share in (0.0, 1.0) or m.max() < 2:
        return None
    ways = float(np.sum(gammaln(m + 1) - gammaln(s + 1) - gammaln(m - s + 1)))
    independent = ways + float(s.sum() * np.log(share) + (m - s).sum() * np.log1p(-share))
    found = _maximum(s, m, float(share))
    if found is None:
        return None
    a, b = found
    value = ways + float(np.sum(betaln(s + a, m - s + b) - betaln(a, b)))
    twice = max(2 * (value - independent), 0.0)
    return BetaBinomial(
        a, b, 1 / (a + b + 1), value, independent, twice, math.erfc(math.sqrt(twice / 2)) / 2
    )


_FLAT = 1e6
"""An alpha + beta beyond this is no clustering at all (icc under 1e-6)."""


def _maximum(s: object, m: object, share: float) -> tuple[float, float] | None:
    import numpy as np
    from scipy.special import digamma, polygamma

    good, n = np.asarray(s, float), np.asarray(m, float)
    point = np.log([share, 1 - share])
    for _ in range(200):
        a, b = np.exp(point)
        if a + b > _FLAT or not np.isfinite(a + b):
            return None
        common = digamma(a + b) - digamma(n + a + b)
        slope = np.array([
            np.sum(digamma(good + a) - digamma(a) + common),
            np.sum(digamma(n - good + b) - digamma(b) + common),
        ])  # fmt: skip
        bend = np.sum(polygamma(1, a + b) - polygamma(1, n + a + b))
        curve = np.array([
            [np.sum(polygamma(1, good + a) - polygamma(1, a)) + bend, bend],
            [bend, np.sum(polygamma(1, n - good + b) - polygamma(1, b)) + bend],
        ])  # fmt: skip
        scale = np.array([a, b])
        gradient = slope * scale
        hessian = curve * np.outer(scale, scale) + np.diag(gradient)
        # Away from the top the surface need not be concave: bend it until a step leads uphill.
        largest = float(np.linalg.eigvalsh(hessian).max())
        if largest >= 0:
            hessian = hessian - (largest + 1.0) * np.eye(2)
        move = -np.linalg.solve(hessian, gradient)
        move *= min(1.0, 1.0 / float(np.abs(move).max() or 1.0))
        point = point + move
        if float(np.abs(move).max()) < 1e-13:
            break
    a, b = np.exp(point)
    return (float(a), float(b)) if a + b < _FLAT else None


def per_unit(lengths: Sequence[float], good: Sequence[bool]) -> float:
    """Reliability per unit of length if every unit fails alike: P(good) = r^length.

    Maximum likelihood of runs with different lengths (turns, calls, minutes); lengths of 0 say
    nothing. 1 where all are good, 0 where none is.
    """
    pairs = [(t, g) for t, g in zip(lengths, good, strict=True) if t > 0]
    if all(g for _, g in pairs):
        return 1.0
    if not any(g for _, g in pairs):
        return 0.0

    def slope(log_r: float) -> float:
        return math.fsum(
            t if g else -t * math.exp(t * log_r) / -math.expm1(t * log_r) for t, g in pairs
        )

    low, high = -50.0, -1e-15
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) > 0 else (low, middle)
    return math.exp((low + high) / 2)
