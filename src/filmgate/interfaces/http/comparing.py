"""The measured curves of a sequence, as it stands now, with one take in its place.

The ledger keeps findings, not curves. They come from comparing the sequence again; what was
measured is kept by digest, so this costs the comparison only. The last few are kept.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from filmgate.assets.store import Store
from filmgate.assets.vault import PREFIX
from filmgate.interfaces.http.errors import Problem
from filmgate.loop import project
from filmgate.loop.running import Checker
from filmgate.review.desk.index import Made, View
from filmgate.review.report import words
from filmgate.schema.report import SequenceReport, Series
from filmgate.schema.shot import Sequence, Shot

KEPT = 32
MOST_WAITING = 8
"""Requests that may wait for a comparison: each holds a thread that others need for their takes."""
Lineup = tuple[str, tuple[tuple[str, str], ...]]
"""(sequence, ((shot, digest of its take), …))."""


class Comparisons:
    """Compares line-ups, one at a time: a comparison uses every core itself.

    Args:
        checker: makes what measures and compares; a new one each time, since it keeps notes.
    """

    def __init__(self, store: Store, checker: Callable[[], Checker]) -> None:
        self._store, self._checker = store, checker
        self._kept: OrderedDict[Lineup, SequenceReport] = OrderedDict()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(MOST_WAITING)

    def series(self, view: View, made: Made) -> dict[str, Any]:
        """The curves over the take's sequence, as plain JSON.

        Raises:
            Problem: too many wait already.
        """
        if not self._places.acquire(blocking=False):
            headers = {"retry-after": "3"}
            raise Problem(503, "Too many sequences are being compared.", headers=headers)
        try:
            return self._series(view, made)
        finally:
            self._places.release()

    def _series(self, view: View, made: Made) -> dict[str, Any]:
        sequence = view.entries[made.shot].planned.sequence
        takes = {
            e.shot: made if e.shot == made.shot else e.take
            for e in view.reel(sequence)
        }  # fmt: skip
        lineup = tuple((shot, take.media) for shot, take in takes.items() if take is not None)
        report = self._compared((sequence, lineup))
        shots = [shot for shot, _ in lineup]
        mine = next(s for s in report.shots if s.shot == made.shot)
        return {
            "take": made.slate, "sequence": sequence, "shots": shots,
            "mark": shots.index(made.shot),
            "series": [_curve(one, shots) for one in report.series],
            "not_measured": [
                {"attribute": f.attribute, "reason": f.reason or "No reason was given."}
                for f in mine.findings if f.status == "not_measured"
            ],
            "notes": list(mine.notes),
        }  # fmt: skip

    def _compared(self, lineup: Lineup) -> SequenceReport:
        with self._lock:
            if lineup in self._kept:
                self._kept.move_to_end(lineup)
                return self._kept[lineup]
            name, takes = lineup
            shots = tuple(
                Shot(shot, name, str(self._store.vault.path(PREFIX + digest)))
                for shot, digest in takes
            )
            look = project.latest(self._store).look
            found = self._checker().check([Sequence(name, shots)], look).sequences[0]
            self._kept[lineup] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return found


def _curve(series: Series, shots: list[str]) -> dict[str, Any]:
    """One curve with a value, or None, for every shot of the line-up."""
    step = dict(zip(series.shots, series.step, strict=True))
    accumulated = dict(zip(series.shots, series.accumulated, strict=True))
    return {
        "check": series.check, "attribute": series.attribute,
        "title": words.attribute(series.attribute), "unit": series.unit,
        "unit_text": words.unit_word(series.unit), "tolerance": words.finite(series.tolerance),
        "step": [words.finite(step.get(shot)) for shot in shots],
        "accumulated": [words.finite(accumulated.get(shot)) for shot in shots],
    }  # fmt: skip
