"""From traces to what is said of them: the three numbers, the words, and above all the refusals."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from filmgate import gap
from filmgate.errors import UsageError
from filmgate.gap import Mapping, Trace, Visit
from filmgate.gap.solo import Solo
from filmgate.schema.gap import GapReport
from filmgate.schema.publish import gap_json, gap_report


def chain(
    steps: str,
    outcomes: list[bool | None],
    final: bool | None = None,
    item: str = "",
    run: str = "",
) -> Trace:
    visits = tuple(Visit(s, "work", o) for s, o in zip(steps, outcomes, strict=False))
    return Trace(item or str(id(visits)), run, visits, final)


def numbered(traces: Iterator[Trace] | list[Trace]) -> list[Trace]:
    return [t._replace(item=str(i)) for i, t in enumerate(traces)]


def both(report: GapReport) -> str:
    return "\n".join((*report.told, *report.refused))


SIX = "abcdef"
SOLO = {s: Solo(194, 200) for s in SIX}


def test_a_three_point_gap_on_200_traces_is_noise() -> None:
    runs = numbered([chain(SIX, [None] * 6, i < 160) for i in range(200)])
    found = gap.measure_traces(runs, solo=SOLO)
    gap_ = found.parts.coordination
    assert gap_.value == pytest.approx(0.8329720049 - 0.8)
    assert gap_.p_value == pytest.approx(0.38679, abs=2e-5)
    (line,) = [x for x in found.refused if "noise" in x]
    assert line == (
        "Cannot tell yet: a 3.3-point gap on 200 traces is noise (p = 0.39), about 2,100 are "
        "needed, with as many solo runs of each step."
    )
    assert not any("Coordination" in x for x in found.told)


def test_a_large_gap_is_told() -> None:
    runs = numbered([chain(SIX, [None] * 6, i < 1600) for i in range(2000)])
    found = gap.measure_traces(runs, solo={s: Solo(1940, 2000) for s in SIX})
    assert found.parts.coordination.p_value == pytest.approx(0.0062, abs=1e-4)
    assert any(x.startswith("Coordination loses 3.3 points more (p = 0.0062") for x in found.told)


def test_thirty_steps_that_never_fail_never_print_80_percent() -> None:
    steps = [f"s{i:02d}" for i in range(30)]
    runs = [
        Trace(str(n), "", tuple(Visit(s, "work", True) for s in steps), True) for n in range(100)
    ]
    found = gap.measure_traces(runs, solo={s: Solo(100, 100) for s in steps})
    for rate in (found.numbers.solo_product, found.in_pipeline_product, found.numbers.end_to_end):
        assert rate.value == 1.0
        assert rate.low is not None
        assert rate.low > 0.96
        assert rate.high == 1.0
    assert found.numbers.solo_guarantee == pytest.approx(0.97, abs=1e-3)
    assert any("at least 97.0 %" in x for x in found.told)
    assert not any(".80" in x or "80." in x for x in (*found.told, *found.refused))


def test_steps_between_checkpoints_are_not_identified() -> None:
    runs = (
        [chain(SIX, [None] * 6, True)] * 833
        + [chain(SIX, [None, None, False], False)] * 88
        + [chain(SIX, [None, None, True, None, None, None], False)] * 79
    )
    # The 88 stopped at the checkpoint: declare the chain by letting others go through.
    runs = [t if len(t.visits) == 6 else chain(SIX, [None, None, False, None, None, None], False)
            for t in runs]  # fmt: skip
    found = gap.measure_traces(numbered(runs))
    assert [s.in_pipeline.value for s in found.steps] == [None] * 6
    assert "not identified" in found.steps[0].in_pipeline.reason
    assert [s.steps for s in found.segments] == [("a", "b", "c"), ("d", "e", "f")]
    assert found.segments[0].rate.value == pytest.approx(0.912)
    assert found.in_pipeline_product.value == pytest.approx(0.833)
    assert sum(x.startswith("Not identified") for x in found.refused) == 2


def test_partly_labelled_chains_are_estimated_by_first_failures() -> None:
    runs = (
        [chain("abc", [None, None, True], True)] * 80
        + [chain("abc", [False, None, None], False)] * 4
        + [chain("abc", [True, False, None], False)] * 3
        + [chain("abc", [True, True, False], False)] * 3
        + [chain("abc", [None, None, None], False)] * 10
    )
    found = gap.measure_traces(numbered(runs))
    yields = [s.in_pipeline for s in found.steps]
    assert [y.value for y in yields] == pytest.approx([0.92, 0.9347826087, 0.9302325581])
    assert all(y.effective_n is not None and y.effective_n < y.n for y in yields)
    assert all("EM" in y.method for y in yields)
    assert found.in_pipeline_product.value == pytest.approx(0.8)


def verified(
    flag: bool, good: bool, audited: bool, rng: random.Random | None = None
) -> tuple[Visit, Visit]:
    return Visit("make", "work", good if audited else None), Visit("check", "verify", None, flag)


def many(cells: dict[tuple[bool, bool], tuple[int, int]]) -> list[Trace]:
    """(flagged, good) -> (audited, not audited); nothing happens after a flag."""
    return numbered([
        Trace("", "", (*verified(flag, good, audited), Visit("ship", "work")), None)
        for (flag, good), counts in cells.items()
        for audited, n in zip((True, False), counts, strict=True)
        for _ in range(n)
    ])  # fmt: skip


def test_a_verifier_is_measured_only_with_audits_of_what_it_passed() -> None:
    audited = {(True, False): (45, 0), (True, True): (15, 0), (False, False): (3, 27),
               (False, True): (91, 819)}  # fmt: skip
    (found,) = gap.measure_traces(many(audited)).verifiers
    assert found.sensitivity.value == pytest.approx(0.6)
    assert found.false_alarms.value == pytest.approx(15 / 925)
    assert (found.word, found.audited_passed) == ("helps", 94)
    blind = {k: v if k[0] else (0, sum(v)) for k, v in audited.items()}
    report = gap.measure_traces(many(blind))
    (found,) = report.verifiers
    assert found.word == "not measured"
    assert found.sensitivity.value is None
    assert any("'check' is not measured" in x and "it passed." in x for x in report.refused)
    only_passed = {k: (0, sum(v)) if k[0] else v for k, v in audited.items()}
    report = gap.measure_traces(many(only_passed))
    assert any("'check' is not measured" in x and "it flagged." in x for x in report.refused)


def test_a_verifier_that_flags_good_work_as_often_is_harmful() -> None:
    cells = {(True, False): (3, 0), (True, True): (50, 0), (False, False): (97, 0),
             (False, True): (850, 0)}  # fmt: skip
    report = gap.measure_traces(many(cells))
    (found,) = report.verifiers
    assert found.sensitivity.value == pytest.approx(0.03)
    assert found.word == "harmful"
    assert any("'check': harmful" in x for x in report.told)
    equal = {(True, False): (5, 0), (True, True): (45, 0), (False, False): (95, 0),
             (False, True): (855, 0)}  # fmt: skip
    assert gap.measure_traces(many(equal)).verifiers[0].word == "harmful"


def test_labels_taken_only_where_something_was_flagged_give_no_yield() -> None:
    cells = {(True, False): (40, 0), (True, True): (10, 0), (False, True): (0, 50)}
    report = gap.measure_traces(many(cells))
    make = next(s for s in report.steps if s.step == "make")
    assert make.in_pipeline.value is None
    assert "depend on the verdict" in make.in_pipeline.reason
    skewed = {(True, False): (40, 0), (True, True): (10, 0), (False, True): (15, 135)}
    report = gap.measure_traces(many(skewed))
    make = next(s for s in report.steps if s.step == "make")
    # 50 flagged at 10/50, 150 passed at 15/15: not the 25/65 of the labels as they stand.
    assert make.in_pipeline.value == pytest.approx((50 * 0.2 + 150 * 1.0) / 200)


def test_people_are_a_stratum_of_the_outcome() -> None:
    def run(helped: bool, good: bool | None) -> Trace:
        person = (Visit("review", "human"),) if helped else ()
        return Trace("", "", (Visit("make", "work"), *person), good)

    seen = [run(True, True)] * 20 + [run(False, None)] * 80
    found = gap.measure_traces(numbered(seen))
    assert found.numbers.end_to_end.value is None
    assert "no person handled" in found.numbers.end_to_end.reason
    audited = [run(True, True)] * 20 + [run(False, None)] * 60 + [run(False, False)] * 20
    found = gap.measure_traces(numbered(audited))
    assert found.numbers.end_to_end.value == pytest.approx(0.2)


def test_a_crash_is_no_good_output_whether_labelled_or_not() -> None:
    done = [chain("ab", [None, None], True)] * 45 + [chain("ab", [None, None], False)] * 5
    crash = Trace("", "", (Visit("a", "work", None, None, True),), None, None, True)
    found = gap.measure_traces(numbered(done + [crash] * 50))
    assert found.numbers.end_to_end.value == pytest.approx(0.45)
    some = [chain("ab", [None, None], None)] * 50
    found = gap.measure_traces(numbered(done + some + [crash] * 100))
    assert found.numbers.end_to_end.value == pytest.approx(0.45)
    good = [crash._replace(outcome=True), *done]
    found = gap.measure_traces(numbered(good))
    assert found.numbers.end_to_end.n == 50
    assert any("contradicts" in p.text for p in found.problems)


def test_errors_count_as_failures_of_their_step() -> None:
    ok = Trace("", "", (Visit("a", "work", True), Visit("b", "work", True)), True)
    error = Trace(
        "", "", (Visit("a", "work", None, None, True), Visit("a", "work", True),
                 Visit("b", "work", True)), True,
    )  # fmt: skip
    found = gap.measure_traces(numbered([ok] * 90 + [error] * 10))
    a = found.steps[0]
    assert (a.errors, a.visits) == (10, 110)
    assert a.in_pipeline.value == pytest.approx(100 / 110)


def test_contradicting_labels_are_not_used() -> None:
    wrong = chain("ab", [True, False], True)
    right = chain("ab", [True, True], True)
    found = gap.measure_traces(numbered([wrong] * 3 + [right] * 7))
    assert found.numbers.end_to_end.n == 7
    assert [(p.count, "contradicts" in p.text) for p in found.problems] == [(3, True)]


def test_output_that_is_good_behind_bad_input_was_repaired() -> None:
    repaired = chain("ab", [False, True], True)
    plain = chain("ab", [True, True], True)
    found = gap.measure_traces(numbered([repaired] * 5 + [plain] * 20))
    b = found.steps[1]
    assert (b.repaired.good, b.repaired.n) == (5, 5)
    assert (b.in_pipeline.good, b.in_pipeline.n) == (20, 20)


def test_retries_start_from_the_checkpoint() -> None:
    def run(*visits: tuple[str, bool | None, bool | None]) -> Trace:
        return Trace("", "", tuple(
            Visit(s, "verify" if s == "check" else "work", o, f) for s, o, f in visits
        ))  # fmt: skip

    again = run(("a", True, None), ("b", False, None), ("check", None, True), ("b", False, None),
                ("check", None, True), ("b", True, None), ("check", None, False))  # fmt: skip
    once = run(("a", True, None), ("b", True, None), ("check", None, False))
    found = gap.measure_traces(numbered([again] * 4 + [once] * 36))
    b = next(s for s in found.steps if s.step == "b")
    assert (b.in_pipeline.good, b.in_pipeline.n) == (40, 48)
    assert (b.sticky.good, b.sticky.n) == (4, 8)
    (check,) = found.verifiers
    assert (check.attempts_max, check.fallback) == (3, "unknown")
    assert [(h.source, h.target, h.crossings) for h in found.handoffs] == [("a", "b", 48)]


def test_a_loop_without_a_flag_is_not_a_retry() -> None:
    visits = tuple(Visit(s, "work", o) for s, o in
                   (("plan", True), ("act", False), ("plan", False), ("act", False)))  # fmt: skip
    found = gap.measure_traces(numbered([Trace("", "", visits)] * 3))
    plan = found.steps[0]
    # The second plan took over what act left, which was bad.
    assert (plan.in_pipeline.n, plan.repaired.n) == (3, 3)


@pytest.mark.parametrize(
    ("then", "fallback"), [("human", "human"), ("next", "pass"), ("", "abort")]
)
def test_what_follows_the_last_flag(then: str, fallback: str) -> None:
    more = {"human": (Visit("person", "human"), Visit("ship", "work")),
            "next": (Visit("ship", "work"),), "": ()}[then]  # fmt: skip
    flagged = (Visit("make", "work"), Visit("check", "verify", None, True))
    passed = (Visit("make", "work"), Visit("check", "verify", None, False), Visit("ship", "work"))
    runs = [Trace("", "", (*flagged, *more))] + [Trace("", "", passed)] * 5
    assert gap.measure_traces(numbered(runs)).verifiers[0].fallback == fallback


def test_defects_from_before_the_checkpoint_may_be_seen_less() -> None:
    def run(early: bool, flag: bool, late: bool = True) -> Trace:
        return Trace("", "", (
            Visit("a", "work", early), Visit("check_a", "verify", None, False),
            Visit("b", "work", early and late), Visit("check_b", "verify", None, flag),
        ))  # fmt: skip

    runs = ([run(True, False)] * 50 + [run(False, True)] * 10 + [run(False, False)] * 10
            + [run(True, True, False)] * 16 + [run(True, False, False)] * 4)  # fmt: skip
    found = gap.measure_traces(numbered(runs))
    delta = found.verifiers[1].detectability
    assert delta.value == pytest.approx(0.5 / 0.8)
    assert delta.low is not None
    assert delta.high is not None
    assert delta.low < 0.625 < delta.high
    assert found.verifiers[0].detectability.value is None


def test_ways_through_are_weighted_by_how_often_they_are_gone() -> None:
    def way(steps: str, bad: str = "") -> Trace:
        return chain(steps, [s not in bad for s in steps])

    runs = [way("axc")] * 60 + [way("ayc", "yc")] * 10 + [way("ayc")] * 30
    found = gap.measure_traces(numbered(runs))
    product = found.in_pipeline_product
    assert product.value == pytest.approx(0.6 + 0.4 * 0.75)
    assert product.low is not None
    assert product.high is not None
    assert product.low < 0.9 < product.high
    assert [s.step for s in found.steps] == ["a", "x", "y", "c"]


def test_parallel_steps_need_declared_edges() -> None:
    one = Trace("", "", tuple(Visit(s, "work", o) for s, o in
                              (("a", True), ("b", False), ("c", True), ("d", False))))  # fmt: skip
    other = Trace("", "", tuple(Visit(s, "work", True) for s in "acbd"))
    runs = numbered([one] * 10 + [other] * 10)
    plain = gap.measure_traces(runs)
    assert any("either order" in note for note in plain.notes)
    edges = (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))
    found = gap.measure_traces(runs, Mapping(edges=edges))
    steps = {s.step: s for s in found.steps}
    assert (steps["c"].in_pipeline.n, steps["c"].repaired.n) == (20, 0)
    assert (steps["d"].in_pipeline.n, steps["d"].repaired.n) == (10, 10)
    assert {(h.source, h.target) for h in found.handoffs} == set(edges)
    assert not any("either order" in note for note in found.notes)


def test_one_trace_and_none() -> None:
    found = gap.measure_traces([chain("ab", [True, True], True, "x")])
    end = found.numbers.end_to_end
    assert (end.value, end.n) == (1.0, 1)
    assert end.low is not None
    assert end.low < 0.1
    assert any("1 labelled run leaves the outcome between" in x for x in found.refused)
    with pytest.raises(UsageError, match="holds no traces"):
        gap.measure_traces([])


def test_without_solo_runs_the_gap_is_not_split() -> None:
    found = gap.measure_traces(numbered([chain("ab", [None, None], True)] * 30))
    assert found.numbers.component_mean.value is None
    assert found.numbers.solo_product.value is None
    assert found.parts.coordination.value is None
    assert any("cannot be split" in x and "--solo" in x for x in found.refused)
    part = gap.measure_traces(
        numbered([chain("ab", [None, None], True)] * 30), solo={"a": Solo(9, 10)}
    )
    assert "no solo runs of b" in part.numbers.solo_product.reason


def test_a_models_labels_are_corrected_by_peoples() -> None:
    def run(judge: bool, person: bool | None) -> Trace:
        return Trace("", "", (Visit("make", "work"),), person, judge)

    alone = gap.measure_traces(numbered([run(True, None)] * 90 + [run(False, None)] * 10))
    assert alone.numbers.end_to_end.value is None
    assert alone.judge is not None
    assert alone.judge.corrected.value is None
    assert any("a model's alone" in x for x in alone.refused)
    cells = {(True, None): 720, (False, None): 80, (True, True): 152, (False, True): 8,
             (True, False): 8, (False, False): 32}  # fmt: skip
    runs = [run(*cell) for cell, n in cells.items() for _ in range(n)]
    found = gap.measure_traces(numbered(runs)).judge
    assert found is not None
    assert (found.judged, found.both) == (1000, 200)
    assert (found.says_good_of_good.value, found.says_good_of_bad.value) == (0.95, 0.2)
    assert found.raw.value == pytest.approx(0.88)
    assert found.corrected.value == pytest.approx((0.88 - 0.2) / 0.75)
    # 90 % of those that only the model saw, and no net error on the 200 that people saw too.
    assert found.prediction_powered.value == pytest.approx(0.9)
    for rate in (found.corrected, found.prediction_powered):
        assert rate.low is not None
        assert rate.high is not None
        assert rate.value is not None
        assert rate.low < rate.value < rate.high


def timed(outcomes: list[bool]) -> list[Trace]:
    return [
        Trace(str(i), "", (Visit("a", "work"),), good, start_s=1.7e9 + 60 * i)
        for i, good in enumerate(outcomes)
    ]


def test_drift_is_told_when_it_is_there_and_not_otherwise() -> None:
    rng = random.Random(3)
    steady = [rng.random() < 0.95 for _ in range(600)]
    quiet = gap.measure_traces(timed(steady)).drift
    assert quiet is not None
    assert quiet.evidence is not None
    assert quiet.evidence < 1
    worse = steady + [rng.random() < 0.7 for _ in range(300)]
    report = gap.measure_traces(timed(worse))
    found = report.drift
    assert found is not None
    assert found.evidence is not None
    assert found.evidence > 20
    assert found.before is not None
    assert found.after is not None
    assert (found.before.value or 0) > 0.9 > 0.75 > (found.after.value or 1)
    assert any("It changed, most likely around 2023-11-1" in x for x in report.told)
    lost = gap.measure_traces(timed(worse), was=0.95, loss=0.05).drift
    assert lost is not None
    assert lost.alarm in ("lost", "held")
    assert lost.alarm_after is not None
    few = gap.measure_traces(timed([True] * 10), was=0.97)
    assert few.drift is not None
    assert few.drift.alarm == "undecided"
    assert any("has not decided" in x for x in few.refused)


def test_cost_per_good_output() -> None:
    runs = [t._replace(cost_usd=2.0) for t in
            numbered([chain("a", [None], i < 5) for i in range(10)])]  # fmt: skip
    found = gap.measure_traces(runs)
    assert found.load.cost_per_item_usd == 2.0
    assert found.load.cost_per_good_usd == 4.0


words = st.sampled_from([True, False, None])
visits = st.one_of(
    st.builds(
        Visit, st.sampled_from("abc"), st.just("work"), words, st.none(), st.booleans(),
        st.none() | st.floats(), st.none(),
    ),
    st.builds(
        Visit, st.just("check"), st.just("verify"), st.none(), words, st.just(False),
        st.none(), st.none(),
    ),
    st.builds(
        Visit, st.just("person"), st.just("human"), words, st.none(), st.just(False),
        st.none(), st.floats(),
    ),
)  # fmt: skip
runs = st.builds(
    Trace,
    st.sampled_from(["1", "2", "3"]),
    st.just(""),
    st.lists(visits, max_size=7).map(tuple),
    st.sampled_from([True, False, None]),
    st.sampled_from([True, False, None]),
    st.booleans(),
    st.none() | st.floats(0, 2e9),
)


@settings(deadline=None, max_examples=80)
@given(st.lists(runs, min_size=1, max_size=12), st.booleans())
def test_whatever_the_traces_the_report_can_be_written(traces: list[Trace], solo: bool) -> None:
    alone = {"a": Solo(9, 10), "b": Solo(10, 10), "c": Solo(0, 4)} if solo else None
    report = gap.measure_traces(traces, solo=alone, was=0.9)
    assert gap_report(gap_json(report)) == report
    assert all(line and "None" not in line and "nan" not in line for line in both(report).split())
    for step in report.steps:
        for rate in (step.in_pipeline, step.repaired, step.sticky):
            assert (rate.value is None) == bool(rate.reason) or rate.value is not None
            if rate.value is not None:
                assert rate.low is not None
                assert rate.high is not None
                assert 0 <= rate.low <= rate.value + 1e-9
                assert rate.value - 1e-9 <= rate.high <= 1


def test_a_report_holds_no_number_that_json_cannot_write() -> None:
    reports = [
        gap.measure_traces([chain("ab", [False, False], False, "x")], solo={"a": Solo(0, 3),
                           "b": Solo(3, 3)}),
        gap.measure_traces(numbered([chain("ab", [True, True], True)] * 3), solo={
            "a": Solo(1.0, None), "b": Solo(1.0, None)}),
    ]  # fmt: skip
    for report in reports:
        assert gap_report(gap_json(report)) == report
        assert all(math.isfinite(r.value) for r in (report.numbers.end_to_end,) if r.value)


def test_the_weakest_step_is_named_only_where_it_can_be_told() -> None:
    def run(i: int, second: bool) -> Trace:
        visits = (Visit("write", "work", i % 100 > 0), Visit("draw", "work", second))
        return Trace(str(i), str(i), visits, second)

    found = gap.measure_traces([run(i, i % 5 > 0) for i in range(500)])
    assert any(s.startswith("Weakest step inside the pipeline: 'draw', 8") for s in found.told)
    unclear = gap.measure_traces([run(i, i % 60 > 0) for i in range(100)])
    assert not any("Weakest" in s for s in unclear.told)
    assert any(s.startswith("Cannot tell yet which step loses most") for s in unclear.refused)
