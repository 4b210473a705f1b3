"""Where thresholds come from: what the comparisons of clean footage look like.

For every kind of comparison the calibration keeps the ratios magnitude / scale of clean shots.
Their tail turns a ratio into a p-value, and p-values make checks comparable. A second layer keeps
the strongest evidence per clean *shot*, over all checks: the conformal p-value of a shot (Bates et
al., "Testing for outliers with conformal p-values", arXiv 2104.08279) is
(1 + number of clean shots with evidence at least as strong) / (n + 1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmgate.errors import StoreError
from filmgate.schema.report import Threshold, Unit

F64 = NDArray[np.float64]

MIN_COMPARISONS = 40
"""Fewer clean comparisons than this give no p-value, and the comparison no vote."""
MIN_SHOTS = 400
"""Fewer clean shots than this promise nothing: budget mode."""
FALSE_DISCOVERY_RATE = 0.20
"""Of the shots that are flagged at most this share is expected to be clean
(Benjamini-Hochberg)."""
_KEEP = 400
_TAIL_SHARE = 0.06
_LEAST_SLOPE = 2.5
_STEEPEST = 3.5
_STEEPEST_OF_DISTANCES = 9.0
_STEEPEST_OF = {"in_shot/wardrobe:itself": 4.5}
"""Bounds of the Pareto tail. On the development projects recall in the worst 3 % is .95, .95, .97
and .98 for an upper bound of 9, 6, 4.5 and 3.5. A distance cannot exceed 1, and its tail is as
short as it looks. A garment inside a shot is told by two witnesses who rarely err together, and its
tail is shorter than others (``docs/decisions/0012``)."""
_RAREST = 0.01
"""Smallest share beyond the knee: clean comparisons come in set-ups, so that a tail in which none
of a thousand lies (a mirrored picture) has been looked for in some hundred places."""


@dataclass(frozen=True, slots=True)
class Null:
    """Clean comparisons of one kind.

    Attributes:
        unit: of the magnitude; n: clean comparisons; source: where they came from.
        values: ascending ratios (a quantile sketch of at most 400 where n is larger).
        knee, share, slope: the Pareto tail p = share * (ratio / knee) ** -slope above `knee`.
    """

    unit: Unit
    n: int
    source: str
    values: F64
    knee: float
    share: float
    slope: float

    @staticmethod
    def of(ratios: F64, unit: Unit, source: str, steepest: float = _STEEPEST) -> Null:
        """Fit from clean ratios (n,), n >= MIN_COMPARISONS; `steepest`: bound of the slope."""
        ordered = np.sort(ratios)
        n = len(ordered)
        count = max(5, int(n * _TAIL_SHARE))
        knee = max(float(ordered[n - count - 1]), 0.3)
        beyond = ordered[ordered > knee]
        # Hill's estimator, within bounds: a handful of extremes cannot make it absurd, and footage
        # that is busier than the calibration's has heavier tails than it shows.
        slope = len(beyond) / max(float(np.log(beyond / knee).sum()), 1e-6) if len(beyond) else 6.0
        slope = np.clip(slope, _LEAST_SLOPE, steepest)
        share = max((1 + len(beyond)) / (n + 1), _RAREST)
        if n > _KEEP:
            ordered = np.quantile(ordered, np.linspace(0, 1, _KEEP))
        return Null(unit, n, source, np.round(ordered, 5), round(knee, 5), round(share, 6),
                    round(float(slope), 4))  # fmt: skip

    def p_value(self, ratio: F64) -> F64:
        """Share of clean comparisons at least this large; NaN stays NaN.

        Up to the knee by counting, (1 + k) / (n + 1); above it by the Pareto tail, so that of two
        gross drifts the larger still has the smaller p.
        """
        # Between two clean comparisons the share is interpolated, so that order is kept; of equal
        # ones (a mirror that nobody sees) all count.
        steps, first = np.unique(self.values, return_index=True)
        below = np.interp(ratio, steps, first / len(self.values))
        counted = np.maximum((1 + (1 - below) * self.n) / (self.n + 1), self.share)
        with np.errstate(invalid="ignore", divide="ignore"):
            tail = self.share * (np.maximum(ratio, self.knee) / self.knee) ** -self.slope
        p = np.where(ratio > self.knee, tail, counted)
        return np.where(np.isfinite(ratio), p, np.nan)

    def ratio_at(self, p: float) -> float:
        """The ratio whose p-value is `p`: the tolerance in units of the scale."""
        if p < self.share:
            return float(self.knee * (self.share / p) ** (1 / self.slope))
        return float(np.quantile(self.values, np.clip(1 - p, 0, 1)))


@dataclass(frozen=True)
class Calibration:
    """Nulls per kind of comparison, and the evidence of clean shots.

    Attributes:
        nulls: key of a `Batch` -> its clean comparisons.
        shot_evidence: ascending, -log10 p of the strongest comparison of each clean shot.
        n_shots: clean shots behind it; source: in words, with the augmentations.
        networks: the same for shots that networks looked at.
    """

    nulls: dict[str, Null] = field(default_factory=dict)
    shot_evidence: F64 = field(default_factory=lambda: np.zeros(0))
    n_shots: int = 0
    source: str = "none"
    networks: Calibration | None = None

    def suited(self, seen_by_networks: bool) -> Calibration:
        """The calibration for shots seen by networks or without: masks make every comparison of
        the background and of garments tighter, and the tolerances with it.
        """
        return self.networks if seen_by_networks and self.networks is not None else self

    def evidence(self, key: str, ratio: F64) -> F64:
        """-log10 p of each ratio; NaN where there is no calibration for this kind."""
        null = self.nulls.get(key)
        if null is None:
            return np.full(len(ratio), np.nan)
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log10(null.p_value(ratio)))

    def shot_p(self, evidence: F64) -> F64:
        """Conformal p-value per shot, (n,); 1 where there is no evidence at all."""
        if not self.n_shots:
            return np.ones(len(evidence))
        below = np.searchsorted(self.shot_evidence, evidence, side="left")
        at_least = (len(self.shot_evidence) - below) * self.n_shots / len(self.shot_evidence)
        return np.asarray((1 + at_least) / (self.n_shots + 1))

    def evidence_at(self, p: float) -> float:
        """The shot evidence whose conformal p-value is about `p` (the largest when p is less)."""
        if not len(self.shot_evidence):
            return float("inf")
        return float(np.quantile(self.shot_evidence, np.clip(1 - p, 0, 1)))

    def can_promise(self, shots: int) -> bool:
        """Whether the smallest possible p can be significant among `shots` shots, 3 % drifting."""
        few = max(1, int(np.ceil(0.03 * shots)))
        return self.n_shots >= MIN_SHOTS and 1 / (
            self.n_shots + 1
        ) <= FALSE_DISCOVERY_RATE * few / max(shots, 1)

    def guarantee(self) -> str:
        """What is promised, in one sentence."""
        if self.n_shots < MIN_SHOTS:
            return (
                f"no guarantee: the calibration holds {self.n_shots} clean shots, {MIN_SHOTS} are "
                "needed; the worst 3 % are shown"
            )
        return (
            f"of the shots flagged, at most {FALSE_DISCOVERY_RATE:.0%} are expected to be clean, "
            f"as far as this footage is like the {self.n_shots} clean shots of the calibration"
        )

    def table(self) -> dict[str, Threshold]:
        """Per kind of comparison: ratio at p = .01 (times the group's scale), n and source."""
        return {
            key: Threshold(round(null.ratio_at(0.01), 4), null.unit, null.n, null.source)
            for key, null in sorted(self.nulls.items())
        }

    def to_json(self) -> dict[str, Any]:
        """Plain values; `of_json` reads them back."""
        return {
            "n_shots": self.n_shots,
            "source": self.source,
            "shot_evidence": [round(float(v), 4) for v in self.shot_evidence],
            "nulls": {
                key: {
                    "unit": null.unit, "n": null.n, "source": null.source, "knee": null.knee,
                    "share": null.share, "slope": null.slope,
                    "values": [float(v) for v in null.values],
                }
                for key, null in sorted(self.nulls.items())
            },
            "networks": self.networks.to_json() if self.networks is not None else None,
        }  # fmt: skip

    def save(self, path: Path) -> None:
        """Write as JSON. Raises StoreError when it cannot be written."""
        try:
            path.write_text(json.dumps(self.to_json(), indent=0) + "\n", encoding="utf-8")
        except OSError as error:
            raise StoreError(f"Cannot write '{path}': {error.strerror}.") from error


def of_json(body: dict[str, Any]) -> Calibration:
    """The calibration that `Calibration.save` wrote."""
    nulls = {
        key: Null(n["unit"], n["n"], n["source"], np.array(n["values"]), n["knee"], n["share"],
                  n["slope"])
        for key, n in body["nulls"].items()
    }  # fmt: skip
    within = body.get("networks")
    return Calibration(
        nulls, np.array(body["shot_evidence"]), body["n_shots"], body["source"],
        of_json(within) if within else None,
    )  # fmt: skip


@lru_cache(maxsize=1)
def shipped() -> Calibration:
    """The calibration that comes with filmgate (made by ``make calibrate``)."""
    file = resources.files("filmgate.continuity") / "calibration.json"
    if not file.is_file():
        return Calibration()
    return of_json(json.loads(file.read_text(encoding="utf-8")))


def of_ratios(ratios: Mapping[str, tuple[Unit, Sequence[float]]], source: str) -> dict[str, Null]:
    """Nulls of every kind with enough clean comparisons."""
    return {
        key: Null.of(np.asarray(values, dtype=np.float64), unit, source, _steepest(key, unit))
        for key, (unit, values) in ratios.items()
        if len(values) >= MIN_COMPARISONS
    }


def _steepest(key: str, unit: Unit) -> float:
    """Bound of the slope of one kind's tail; a distance over what is usual is no longer one."""
    if unit == "distance" and not key.endswith(":consensus"):
        return _STEEPEST_OF_DISTANCES
    return _STEEPEST_OF.get(key, _STEEPEST)


def sketch(values: F64, size: int = 4000) -> F64:
    """`values` ascending; the upper tail whole, the rest as quantiles, at most `size`."""
    ordered = np.sort(values)
    if len(ordered) <= size:
        return ordered
    return np.asarray(np.quantile(ordered, np.linspace(0, 1, size)))
