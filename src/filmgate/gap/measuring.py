"""`measure`: traces in, the gap report out."""

from __future__ import annotations

import contextlib
import gc
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import filmgate
from filmgate.errors import UsageError
from filmgate.gap import mapping as mappings
from filmgate.gap import numbers, observe, places, sections, words, yields
from filmgate.gap import solo as solos
from filmgate.gap.estimate import power as powers
from filmgate.gap.importer import AUTO, LEDGER, source
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.shape import Shape, shape
from filmgate.gap.solo import Solo
from filmgate.gap.tally import Tally
from filmgate.gap.trace import Trace
from filmgate.schema.gap import SCHEMA_VERSION, GapReport, PowerReport, Rate, StepReport

LOSS = 0.03
"""What counts as having become worse, when a former share is given."""


def measure(
    paths: Sequence[Path | str],
    format: str = AUTO,
    mapping: Path | str | Mapping | None = None,
    solo: Path | str | None = None,
    was: float | None = None,
    loss: float = LOSS,
) -> GapReport:
    """What the traces in `paths` (files, or folders of them) say.

    Args:
        format: a name of `importer.formats`, or "auto" for what the content says.
        mapping: an `edges.toml`, or its content.
        solo: a `solo.csv`: each step alone.
        was: the end-to-end share it used to have; tested against `was` - `loss`.

    Raises:
        UsageError: nothing can be measured; the text names the file, and the line where known.
    """
    _check(was, loss)
    problems = Problems()
    if mapping is None or isinstance(mapping, Mapping):
        known = mapping or Mapping()
    else:
        known = mappings.read(Path(mapping))
    alone = {} if solo is None else solos.read(Path(solo))
    found = source([Path(p) for p in paths], format, problems)
    with _without_collection():
        tally = Tally().extend(found.traces(known, problems))
    report = measured(
        tally, known, alone, problems, (found.format,), tuple(map(str, found.files)), was, loss
    )
    if solo is not None:
        solos.check_steps(alone, [s.step for s in report.steps], Path(solo))
    return report


def measure_traces(
    traces: Iterable[Trace],
    mapping: Mapping | None = None,
    solo: dict[str, Solo] | None = None,
    was: float | None = None,
    loss: float = LOSS,
    origin: str = "traces",
) -> GapReport:
    """The same for traces that are not in files.

    Raises:
        UsageError: there are none.
    """
    _check(was, loss)
    problems = Problems()
    tally = Tally().extend(traces)
    return measured(
        tally, mapping or Mapping(), solo or {}, problems, (origin,), (origin,), was, loss
    )


def _check(was: float | None, loss: float) -> None:
    if was is None:
        return
    if not 0 < was < 1:
        raise UsageError(f"The share it used to have must lie between 0 and 1, not {was}.")
    if not 0 < loss < was:
        raise UsageError(f"The loss must lie between 0 and {was}, not {loss}.")


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Without the cyclic garbage collector: millions of small values that refer to nothing would
    be walked over again and again (half of the time of a large import).
    """
    on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if on:
            gc.enable()


def measured(
    tally: Tally,
    mapping: Mapping,
    solo: dict[str, Solo],
    problems: Problems,
    formats: tuple[str, ...],
    files: tuple[str, ...],
    was: float | None = None,
    loss: float = LOSS,
) -> GapReport:
    """The report on what a tally holds.

    Raises:
        UsageError: it holds no trace.
    """
    if tally.traces == 0:
        told = "".join(f" ({p.text})" for p in problems.found()[:1])
        raise UsageError(f"{', '.join(files)}: holds no traces{told}.")
    known = shape(tally.patterns, tally.counts, mapping, problems)
    seen = observe.observe(tally.patterns, tally.items.values(), known)
    settled = [observe.settled(pattern, known)[0] for pattern in tally.patterns]
    _tell_labels(seen, tally, files, problems)
    end = numbers.end_to_end(seen, tally.traces)
    effect = end.n / end.effective_n if end.effective_n else 1.0
    failures = observe.first_failures(tally.patterns, tally.counts, known)
    inside = yields.in_pipeline(seen, known, failures, max(effect, 1.0))
    steps = yields.chain_steps(known)
    found = numbers.numbers(steps, solo, known, end, inside.product)
    report = GapReport(
        filmgate.__version__,
        SCHEMA_VERSION,
        formats,
        files,
        tally.traces,
        len(tally.items),
        sections.iso(tally.first),
        sections.iso(tally.last),
        words.blind(seen, tally, known, formats == (LEDGER,)),
        found.three,
        inside.product,
        found.parts,
        tuple(_step(step, seen, known, tally, solo, inside.steps) for step in known.steps),
        inside.segments,
        numbers.handoffs(seen, known, solo, inside.steps),
        sections.verifiers(seen, known),
        sections.load(tally, seen, end),
        sections.repeated(tally, settled),
        sections.judged(settled, tally.counts),
        sections.drifting(tally, was, loss),
        sections.strata(tally.strata),
    )
    return words.told(report, problems, inside.repaired_runs)


def _tell_labels(
    seen: observe.Observed, tally: Tally, files: tuple[str, ...], problems: Problems
) -> None:
    if seen.first_contradicting is not None:
        item = tally.first_item[seen.first_contradicting]
        problems.locate(
            [Path(file) for file in files],
            "runs whose outcome contradicts the label of their last step, or that crashed and are "
            "labelled good; neither label is used",
            places.word(item),
            count=seen.contradicting,
            first=item,
        )
    if seen.from_last_step:
        problems.note(
            f"The outcome of {seen.from_last_step:,} runs is the label of their last step."
        )


def _step(
    step: str,
    seen: observe.Observed,
    known: Shape,
    tally: Tally,
    solo: dict[str, Solo],
    inside: dict[str, Rate],
) -> StepReport:
    counted = seen.steps[step]
    verifies = known.kinds[step] == "verify"
    nothing = Rate(None, reason="it verifies" if verifies else "no labels")

    def rate(tries: dict[str, observe.Tries], reason: str) -> Rate:
        return yields.clustered(tries.get(step, Counter()), reason)

    cost, time = tally.costs.get(step), tally.times.get(step)
    return StepReport(
        step,
        known.kinds[step],
        counted.traces,
        counted.visits,
        counted.labelled,
        counted.errors,
        nothing if verifies else inside[step],
        nothing if verifies else yields.solo_rate(step, solo),
        rate(seen.repaired, "no labelled output behind bad input"),
        rate(seen.sticky, "no labelled attempt after a failed one"),
        cost.value if cost else None,
        time.value if time else None,
    )


def power(
    loss: float,
    yields: Sequence[float],
    power: float = powers.POWER,
    significance: float = powers.SIGNIFICANCE,
    design_effect: float = 1.0,
) -> PowerReport:
    """How many traces it takes to see a loss at the handoffs.

    Args:
        loss: how far the end lies below the product of the solo `yields` (.03: three points).
        power, significance: chance to see it; chance to see one that is not there.
        design_effect: of repeats of the same item, as `measure` found it.

    Raises:
        UsageError: a share outside 0..1, or a loss that leaves nothing.
    """
    for name, value in (("power", power), ("significance", significance)):
        if not 0 < value < 1:
            raise UsageError(f"The {name} must lie between 0 and 1, not {value}.")
    if any(not 0 < p <= 1 for p in yields) or not yields:
        raise UsageError("Yields must be above 0 and at most 1.")
    baseline = math.prod(yields)
    if not 0 < loss < baseline:
        raise UsageError(
            f"The loss must lie between 0 and the product of the yields, {baseline:.3f}, not "
            f"{loss}."
        )
    found = powers.traces_needed(loss, yields, power, significance, design_effect)
    return PowerReport(
        filmgate.__version__, SCHEMA_VERSION, loss, baseline, tuple(yields), power, significance,
        found.solo_same, found.solo_known,
    )  # fmt: skip


def read_report(path: Path) -> GapReport:
    """The report that ``filmgate gap measure --json`` wrote.

    Raises:
        UsageError: it is not there, not a report, or of another version.
    """
    from filmgate.schema.publish import gap_report

    try:
        return gap_report(path.read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from None
    except ValueError as error:
        told = (
            str(error).splitlines()[0] if "schema version" in str(error) else "its shape is wrong"
        )
        raise UsageError(
            f"{path}: is not a report of 'filmgate gap measure --json' of this version ({told})."
        ) from None


def yields_of(report: GapReport) -> tuple[float, ...]:
    """The solo yields of a report's chain; where there are none, those inside the pipeline.

    Raises:
        UsageError: it has neither.
    """
    work = [s for s in report.steps if s.kind == "work"]
    solo = [s.solo.value for s in work if s.solo.value is not None]
    inside = [s.in_pipeline.value for s in work if s.in_pipeline.value is not None]
    for found in (solo, inside):
        if work and len(found) == len(work):
            return tuple(found)
    raise UsageError("The report has neither solo nor in-pipeline yields of all its steps.")
