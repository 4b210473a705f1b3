"""The hand labels of ``../shared/footage``: does the product see what a person saw?

The product runs on the cut shots, sequence by sequence. Per attribute a shot's score is its check's
strongest evidence (-log10 p) among the comparisons that can change the verdict, as the shot's own
score is; a shot without one scores 0 and is counted. Beside it stands what the strongest of all
comparisons gives, those that are only shown among them (the neighbour across the cut, trousers).
Left out: minor, unsure, not applicable, reference shots and intended changes. Intervals: bootstrap
over sequences.

Baselines stand beside it on the same shots, each against the first shot of the sequence and against
the first of the label's group, which is what the labels refer to.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench import baselines, footage, metrics, tables
from bench.judge import Judgement, judge
from bench.measuring import Bench, Measured
from bench.nuisance import Framing, Light
from bench.shots import Shot
from filmgate.continuity.calibration import Calibration
from filmgate.schema import shot as schema
from filmgate.schema.look import Look
from filmgate.schema.report import ShotReport

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Bool = NDArray[np.bool_]

ATTRIBUTES: Final = ("wardrobe", "identity", "lighting", "grade", "geometry")
OVERALL, OVERALL_SEEN = "overall", "overall, without props or style alone"
OVERALL_JUDGED: Final = "overall, by the five checks that have labels"
"""The annotator saw one or two stills a shot and heard nothing (README of the footage): what sound
and what moves inside a shot say, the labels can neither confirm nor deny."""
OVERALLS: Final = (OVERALL, OVERALL_SEEN, OVERALL_JUDGED)
RIGHT: Final = {"ok": False, "drift": True}


@dataclass(frozen=True, slots=True)
class Sequence35:
    """One labelled sequence: its label lines in order, what was measured."""

    id: str
    rows: list[dict[str, Any]]
    measured: list[Measured]

    def first_of(self, at: int, group: bool) -> int:
        """The shot that a label refers to: the first of the sequence, or of the shot's group."""
        if not group:
            return 0
        return next(i for i, r in enumerate(self.rows) if r["group"] == self.rows[at]["group"])


def load(bench: Bench) -> list[Sequence35]:
    """The labelled sequences, measured."""
    folder = footage.shared()
    if folder is None:
        return []
    lines = (folder / "footage" / "labels.jsonl").read_text(encoding="utf-8").splitlines()
    by: dict[str, list[dict[str, Any]]] = {}
    for row in map(json.loads, lines):
        by.setdefault(row["seq"], []).append(row)
    shots = {r["cut"]: whole(r["cut"]) for rows in by.values() for r in rows}
    bench.measure(shots.values(), "labelled shots")
    return [
        Sequence35(name, rows, [bench.load(shots[r["cut"]]) for r in rows])
        for name, rows in by.items()
    ]


def whole(cut: str) -> Shot:
    """A labelled shot as the product decodes it."""
    return Shot(f"file:{cut}", (), Framing(), Light(), None, None)


def truth(row: dict[str, Any], attribute: str) -> bool | None:
    """Whether the person saw drift; None where the label does not count."""
    if attribute in OVERALLS:
        if row["overall"] not in ("clean", "drift"):
            return None
        if attribute == OVERALL_SEEN and row["overall"] == "drift" and not _seen_kinds(row):
            return None
        return bool(row["overall"] == "drift")
    if attribute in row["intended"]:
        return None
    value = row[attribute]
    if isinstance(value, str):
        return RIGHT.get(value)
    told = [v for v in value.values() if v not in ("ref", "na")]
    if "drift" in told:
        return True
    # One doubtful character makes the shot doubtful.
    return False if told and all(v == "ok" for v in told) else None


def _seen_kinds(row: dict[str, Any]) -> bool:
    """Whether something other than props and style drifts."""
    return any(
        "drift" in (row[a].values() if isinstance(row[a], dict) else [row[a]])
        for a in ATTRIBUTES
        if a not in row["intended"]
    )


def shown(report: ShotReport, check: str) -> float:
    """-log10 of the smallest p of all findings of the check, whether they may vote or not; 0 when
    nothing was measured."""
    told = [
        -float(np.log10(f.p_value))
        for f in report.findings
        if f.check == check and f.p_value is not None and f.status != "not_measured"
    ]
    return max(told, default=0.0)


@dataclass(frozen=True, slots=True)
class Table:
    """One attribute: rows that count, in all sequences.

    Attributes:
        product: (N,) evidence that can change the verdict; shown: (N,) of every comparison.
    """

    attribute: str
    drift: Bool
    group: I64
    product: F64
    shown: F64
    measured: Bool
    flagged: Bool
    others: dict[str, F64]


def judged(sequences: Sequence[Sequence35], arm: str, calibration: Calibration) -> list[Judgement]:
    """The product's answer for every sequence."""
    out = []
    for sequence in sequences:
        shots = tuple(
            schema.Shot(f"shot_{i + 1:02}", sequence.id, f"shot_{i + 1:02}.mp4")
            for i in range(len(sequence.rows))
        )
        made = schema.Sequence(sequence.id, shots)
        look = Look().bind(made)
        signatures = [m.signatures[arm] for m in sequence.measured]
        out.append(judge(made, signatures, look, calibration))
    return out


def table_of(
    sequences: Sequence[Sequence35], answers: Sequence[Judgement], attribute: str, arm: str
) -> Table:
    """Truth, product and baselines for one attribute."""
    check = None if attribute in OVERALLS else attribute
    drift, group, product, every, measured, flagged = [], [], [], [], [], []
    others: dict[str, list[float]] = {}
    for number, (sequence, answer) in enumerate(zip(sequences, answers, strict=True)):
        for at, row in enumerate(sequence.rows):
            found = truth(row, attribute)
            if found is None:
                continue
            report = answer.report.shots[at]
            drift.append(found)
            group.append(number)
            product.append(_counted(answer, at, attribute))
            every.append(shown(report, check) if check else report.score)
            measured.append(bool(answer.covered((check,))[at]) if check else report.score > 0)
            flagged.append(
                bool(answer.flagged[at]) if check is None
                else any(f.check == check and f.status == "drift" for f in report.findings)
            )  # fmt: skip
            for name, value in _baselines(sequence, at, arm).items():
                others.setdefault(name, []).append(value)
    return Table(
        attribute, np.array(drift, bool), np.array(group), np.array(product), np.array(every),
        np.array(measured, bool), np.array(flagged, bool),
        {k: np.array(v) for k, v in others.items()},
    )  # fmt: skip


def _counted(answer: Judgement, at: int, attribute: str) -> float:
    """The score of one shot: of one check, of those with labels, or the shot's own."""
    if attribute in (OVERALL, OVERALL_SEEN):
        return answer.report.shots[at].score
    asked = ATTRIBUTES if attribute == OVERALL_JUDGED else (attribute,)
    told = [float(answer.evidence[c][at]) for c in asked if c in answer.evidence]
    return max((v for v in told if np.isfinite(v)), default=0.0)


def _baselines(sequence: Sequence35, at: int, arm: str) -> dict[str, float]:
    out = {}
    here = sequence.measured[at]
    for told, name in baselines.NAMES_OF.items():
        for group in (False, True):
            there = sequence.measured[sequence.first_of(at, group)]
            if name.startswith("names"):
                one, two = (
                    baselines.colour_name(name, baselines.named_colour(m.signatures[arm]))
                    for m in (here, there)
                )
                value = float(one != two)
            else:
                value = baselines.distance(name, here.features, there.features)
            out[f"{told}, {'group' if group else 'sequence'}"] = value
    return out


def _auroc(score: F64, drift: Bool) -> Any:
    return lambda rows: metrics.auroc(score[rows], drift[rows])


def line(table: Table) -> list[object]:
    """One row of the product's table."""
    auroc = tables.share(*metrics.cluster_interval(_auroc(table.product, table.drift), table.group))
    drift, flagged = table.drift, table.flagged
    recall = f"{int((drift & flagged).sum())}/{int(drift.sum())}"
    false = f"{int((~drift & flagged).sum())}/{int((~drift).sum())}"
    best = max(table.others, key=lambda n: metrics.auroc(table.others[n], drift))
    rival = best if best.startswith("histogram") else max(
        (n for n in table.others if n.startswith("histogram")),
        key=lambda n: metrics.auroc(table.others[n], drift),
    )  # fmt: skip
    gap = metrics.cluster_interval(
        lambda rows: (
            metrics.auroc(table.product[rows], drift[rows])
            - metrics.auroc(table.others[rival][rows], drift[rows])
        ),
        table.group,
    )
    return [
        table.attribute, f"{len(drift)} / {int(drift.sum())}", auroc, recall, false,
        int((~table.measured).sum()), f"{gap[0]:+.3f} [{gap[1]:+.2f}, {gap[2]:+.2f}]",
        metrics.auroc(table.shown, drift),
    ]  # fmt: skip


def report(bench: Bench, calibration: Calibration, strict: Calibration | None = None) -> str:
    """The hand-label tables of every arm.

    Args:
        strict: a calibration that has not seen the labelled footage; adds a table with it.
    """
    sequences = load(bench)
    if not sequences:
        return f"# Hand labels\n\n{footage.missing()}\n"
    parts = [
        "# Hand labels\n",
        f"{sum(len(s.rows) for s in sequences)} shots, {len(sequences)} sequences; one annotator, "
        "one pass. AUROC with 95 % interval (bootstrap over sequences, 2000 draws); recall and "
        "false alarms at the default thresholds; then AUROC minus that of the better histogram "
        "arrangement, paired bootstrap; last, AUROC when comparisons that cannot change the "
        "verdict count as well.\n",
    ]
    head = ["attribute", "shots / drift", "AUROC", "recall", "false alarms", "not measured",
            "− histogram", "AUROC, all that is shown"]  # fmt: skip
    kinds = (*ATTRIBUTES, *OVERALLS)
    last: list[Table] = []
    for arm in bench.arms:
        for name, used in (("", calibration), (", calibrated without labelled footage", strict)):
            if used is None:
                continue
            answers = judged(sequences, arm.name, used)
            made = [table_of(sequences, answers, a, arm.name) for a in kinds]
            parts += [f"## {arm.name}{name}\n", tables.table(head, [line(t) for t in made])]
            last = made if not name else last
    parts += ["## Baselines, AUROC on the same shots\n", _rivals(last)]
    return "\n".join(parts)


def _rivals(made: Sequence[Table]) -> str:
    names = list(made[0].others)
    rows = [[n, *(metrics.auroc(t.others[n], t.drift) for t in made)] for n in names]
    return tables.table(["against the first shot of", *(t.attribute for t in made)], rows)
