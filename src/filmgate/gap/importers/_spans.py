"""From the spans of one trace to its visits: steps, what holds steps, whose label it is."""

from __future__ import annotations

from collections.abc import Mapping as Table
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from filmgate.gap import places
from filmgate.gap.labels import Settled, Word, settle
from filmgate.gap.mapping import Mapping
from filmgate.gap.places import Place
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace, Visit

PLAIN, STEP, ROOT, INNER = range(4)
"""What a span is: nothing known, a step, the whole run, a call inside a step."""
CLOCKS_NS = 1_000_000
"""Machines of one pipeline may disagree by this much before it is told."""


class Span(NamedTuple):
    """What is kept of a span.

    Attributes:
        id, parent: parent is "" at the top.
        start_ns, end_ns: nanoseconds since 1970.
        level: PLAIN, STEP or ROOT; step: its name.
        words: labels it carries, None where it carries none.
    """

    id: str
    parent: str
    start_ns: int
    end_ns: int
    level: int
    step: str
    words: tuple[Word, ...] | None
    error: bool
    cost_usd: float | None


class _Tree(NamedTuple):
    """Who is whose parent in one trace; parents may be missing or run in a circle."""

    known: dict[str, Span]
    inner: dict[str, str]

    def parent(self, span: str) -> str:
        """The parent's id, "" at the top and where it is not known."""
        found = self.known.get(span)
        return self.inner.get(span, "") if found is None else found.parent

    def step_above(self, span: Span) -> Span | None:
        """The nearest step that a span is inside of."""
        at = span.parent
        for _ in range(len(self.known) + len(self.inner)):
            above = self.known.get(at)
            if above is not None and above.level == STEP:
                return above
            at = self.parent(at)
            if not at:
                break
        return None

    def owner(self, span: str, ids: set[str]) -> str:
        """`span` or what it is inside of, whichever of `ids` comes first; "" where none does."""
        for _ in range(len(self.known) + len(self.inner) + 1):
            if span in ids or not span:
                break
            span = self.parent(span)
        return span if span in ids else ""

    def circles(self, span: str) -> bool:
        """Whether going up from a span never ends."""
        for _ in range(len(self.known) + len(self.inner)):
            if not span:
                return False
            span = self.parent(span)
        return bool(span)


class Source(NamedTuple):
    """Where spans come from, for messages.

    Attributes:
        files: all of them.
        begins: where each trace was first met.
        id, label: the keys that hold a span's id, and that of the span a label is on.
    """

    files: Sequence[Path]
    begins: Table[str, Place]
    id: str
    label: str


class Spans:
    """Puts the spans of one trace after another together.

    Args:
        inclusive: whether a span's cost holds that of the spans inside it.
    """

    def __init__(
        self, mapping: Mapping, problems: Problems, source: Source, inclusive: bool = False
    ) -> None:
        self.mapping, self.problems, self.source = mapping, problems, source
        self.inclusive = inclusive
        self.run = ""

    def trace(
        self,
        item: str,
        run: str,
        spans: list[Span],
        inner: dict[str, str],
        late: dict[str, list[Word]] | None,
    ) -> Trace:
        """One trace from all its spans, in any order.

        Args:
            inner: calls inside steps, of which only the parent is kept.
            late: labels that came apart from their spans, by span.
        """
        self.run = run
        spans.sort(key=_BY_START)
        known = {span.id: span for span in spans}
        if len(known) < len(spans):
            spans = self._once(spans)
            known = {span.id: span for span in spans}
        tree = _Tree(known, inner)
        tops = [s for s in spans if s.parent not in known and s.parent not in inner]
        lost = next((s for s in tops if s.parent), None)
        if lost is not None:
            self.told("traces with spans whose parent is missing; the order of start is used", lost)
        steps = self._steps(spans, tree, tops)
        ids = {s.id for s in steps}
        words: dict[str, list[Word]] = {}
        final: list[Word] = []
        costs: dict[str, float] = {}
        if late:
            self._late(late, tree, ids, tops, words, final)
        for span in spans:
            said = span.words
            if late and span.id in late:
                said = (*(said or ()), *late[span.id])
            if said is not None:
                self._credit(span, said, ids, tree, tops, words, final)
            if span.cost_usd is not None and (span.id in ids or not self.inclusive):
                owner = span.id if span.id in ids else tree.owner(span.parent, ids)
                costs[owner] = costs.get(owner, 0.0) + span.cost_usd
        visits = tuple(self._visits(steps, known, words, costs))
        return self._whole(item, run, spans, tops, visits, final, costs)

    def told(self, text: str, span: Span, nth: int = 1) -> None:
        """A problem of the trace at hand, with the `nth` span of this id."""
        self._told(text, places.holding(self.source.id, span.id), nth)

    def _told(self, text: str, mark: bytes, nth: int = 1) -> None:
        source = self.source
        self.problems.locate(
            source.files, text, mark, nth, first=self.run, otherwise=source.begins.get(self.run)
        )

    def _once(self, spans: list[Span]) -> list[Span]:
        first: dict[str, Span] = {}
        for span in spans:
            known = first.setdefault(span.id, span)
            if known is not span:
                self.told(
                    "spans that were sent twice; each is counted once"
                    if known == span
                    else "different spans with the same id; the earliest is used",
                    span,
                    nth=2,
                )
        return list(first.values())

    def _steps(self, spans: list[Span], tree: _Tree, tops: list[Span]) -> list[Span]:
        """The spans that are visits, in order: steps that hold no other work."""
        found = [s for s in spans if s.level == STEP]
        if not found:
            # Nothing says what a step is: what hangs directly below the run's own span.
            roots = {s.id for s in tops}
            return [s for s in spans if s.parent in roots] or [s for s in tops if s.level == PLAIN]
        if not tops:
            self.told(CIRCLE, spans[0])
            return found
        holders: set[str] = set()
        for span in found:
            if span.parent not in tree.known and span.parent not in tree.inner:
                continue
            above = tree.step_above(span)
            if above is None:
                continue
            if above.step == span.step:
                holders.add(span.id)  # the node's name is passed on to what runs inside it
            # A person or a guardrail inside an agent's span looks at that agent's work.
            elif self.mapping.kind(span.step) == "work":
                holders.add(above.id)
        circle = next((holder for holder in holders if tree.circles(holder)), None)
        if circle is not None:
            self.told(CIRCLE, tree.known[circle])
            return found
        return [s for s in found if s.id not in holders] if holders else found

    def _late(
        self,
        late: dict[str, list[Word]],
        tree: _Tree,
        ids: set[str],
        tops: list[Span],
        words: dict[str, list[Word]],
        final: list[Word],
    ) -> None:
        """Labels of spans that are not kept: calls inside a step, and a root that is missing."""
        missing = {s.parent for s in tops if s.parent}
        for span, said in late.items():
            if span in tree.known:
                continue
            owner = tree.owner(span, ids) if span in tree.inner else ""
            if owner:
                words.setdefault(owner, []).extend(said)
            elif span in missing:
                final += said
            else:
                self._told(
                    "evaluations of spans that are in no file; they are left out",
                    places.holding(self.source.label, span),
                )

    def _credit(
        self,
        span: Span,
        said: tuple[Word, ...],
        ids: set[str],
        tree: _Tree,
        tops: list[Span],
        words: dict[str, list[Word]],
        final: list[Word],
    ) -> None:
        """Whose labels these are: the run's, or a step's."""
        wanted = self.mapping.final
        if wanted:
            ours = [w for w in said if w.name in wanted]
            final += ours
            said = tuple(w for w in said if w.name not in wanted)
            if not said:
                return
        whole = span.level == ROOT or (len(tops) == 1 and span is tops[0])
        if whole and not wanted:
            final += said
        if span.id in ids:
            words.setdefault(span.id, []).extend(said)
        elif not whole:
            owner = tree.owner(span.parent, ids)
            if owner:
                words.setdefault(owner, []).extend(said)
            else:
                self.told(
                    "evaluations of spans that are no step and not the run; they are left out",
                    span,
                )

    def _visits(
        self,
        steps: list[Span],
        known: dict[str, Span],
        words: dict[str, list[Word]],
        costs: dict[str, float],
    ) -> list[Visit]:
        mapping, out = self.mapping, []
        for span in steps:
            name = mapping.rename.get(span.step, span.step)
            if name in mapping.ignore:
                continue
            kind = mapping.kind(name)
            time_s: float | None = (span.end_ns - span.start_ns) * 1e-9
            if span.end_ns < span.start_ns:
                self.told("spans that end before they start; their time is not counted", span)
                time_s = None
            above = known.get(span.parent)
            if above is not None and span.start_ns < above.start_ns - CLOCKS_NS:
                self.told("spans that start before their parent: clocks disagree", span)
            outcome = flagged = None
            if span.id in words:
                said = self.settled(
                    words[span.id], mapping.verdict if kind == "verify" else mapping.step, span.id
                )
                if kind == "verify":
                    word = said.judge if said.people is None else said.people
                    flagged = None if word is None else not word
                else:
                    outcome = said.people
                    if said.judge is not None and said.people is None:
                        self.problems.note(MODEL_STEPS)
            out.append(Visit(name, kind, outcome, flagged, span.error, costs.get(span.id), time_s))
        return out

    def settled(self, words: list[Word], wanted: tuple[str, ...], on: str) -> Settled:
        """One label out of several, or a problem told; `on`: the span they are on."""
        found = settle(words, wanted)
        if found.trouble:
            self._told(found.trouble, places.holding(self.source.label, on))
        return found

    def _whole(
        self,
        item: str,
        run: str,
        spans: list[Span],
        tops: list[Span],
        visits: tuple[Visit, ...],
        final: list[Word],
        costs: dict[str, float],
    ) -> Trace:
        start = spans[0].start_ns
        time_s = (max([s.end_ns for s in spans]) - start) * 1e-9
        last = tops[0] if len(tops) == 1 else spans[-1]
        said = self.settled(final, self.mapping.final, last.id) if final else _NOTHING
        return Trace(
            item,
            run,
            visits,
            said.people,
            said.judge,
            last.error,
            start * 1e-9 if start > 0 else None,
            time_s if time_s >= 0 else None,
            sum(costs.values()) if costs else None,
        )


_BY_START = itemgetter(2, 3)
_NOTHING = Settled(None, None)
CIRCLE = "traces whose parents run in a circle; the order of start is used"
MODEL_STEPS = (
    "Step labels that a model gave set no yield: models name the failing step little better than "
    "chance. List their names under [labels] step of a mapping file only if people checked them."
)
