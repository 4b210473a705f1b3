"""The mission's case in real money: 30 handoffs at 97 %, $3,000 to $10,000 per corrected shot, 3 %
of the shots escalated. What that buys, what it cannot, and what the answer rests on."""

from dataclasses import replace
from pathlib import Path

from filmgate.gap import pipeline_file
from filmgate.gap.estimate import escalation
from filmgate.gap.pipeline import Option, Pipeline
from filmgate.gap.placement import Plan, evaluate, plan
from filmgate.gap.series import series, shared_difficulty

DECLARED = Path(__file__).parent / "pipelines" / "thirty_handoffs.toml"


def product_is_a_baseline() -> None:
    for n in (6, 30):
        good = series([0.97] * n).good
        print(f"{n} handoffs at 97 %: {100 * good:.1f} % if failures are independent", end="; ")
        print(f"{100 * shared_difficulty(0.97, 0.3, n):.1f} % if hard shots fail everywhere.")


def escalation_alone() -> None:
    """Six handoffs leave a gap of 16.7 points. Can people close it by seeing 3 % of the shots?"""
    gap, share = 1 - 0.97**6, 0.03
    print(f"Escalating {share:.0%} with no verification: the gap is {100 * gap:.1f} points;")
    print(f"  a perfect choice of shots catches at most {share / gap:.0%} of it;")
    for auc in (0.9, 0.8):
        found = escalation.budget(gap, auc, share)
        print(
            f"  a score with AUC {auc} catches {found.caught:.0%} and leaves "
            f"{100 * found.residual:.1f} points."
        )
    print("  3 % escalated cannot close a 16.7-point gap. Behind verification it can be enough:")


def behind_verification(pipeline: Pipeline) -> None:
    judge = replace(pipeline.verifier("judge"), sensitivity=0.90, false_alarm=0.05)
    for beta in (0.0, 0.1, 0.3):
        six = replace(pipeline, steps=pipeline.steps[:6], verifiers=(judge,), beta=beta, delta=1.0)
        found = evaluate(six, (Option("judge", 3, "editor"),) * 6)
        print(
            f"  a 90/5 judge at 6 handoffs, 3 attempts, beta {beta}: {100 * found.good:.2f} % "
            f"good, {100 * found.human:.1f} visits to people per 100 shots."
        )


def in_money(pipeline: Pipeline) -> Plan:
    bare = evaluate(pipeline, (None,) * 30)
    print("Thirty handoffs, total per shot with what corrections cost:")
    for price in (3_000, 5_000, 10_000):
        priced = replace(pipeline, escape_cost=float(price))
        best = plan(priced)
        every = evaluate(priced, (Option("judge", 3, "editor"),) * 30)
        print(
            f"  ${price:,} per corrected shot: unverified ${bare.total(priced):,.0f}, judge at "
            f"every handoff ${every.total(priced):,.2f}, plan "
            f"${best.outcome.total(priced):,.2f} ({100 * best.outcome.good:.2f} % good, "
            f"{100 * best.outcome.human:.1f} visits per 100)."
        )
    return plan(pipeline)


def what_it_rests_on(pipeline: Pipeline, best: Plan) -> None:
    print(f"The plan rests on beta = {pipeline.beta} and delta = {pipeline.delta}. In truth:")
    worlds = {
        "beta 0.3": replace(pipeline, beta=0.3),
        "delta 0.5": replace(pipeline, delta=0.5),
        "delta 0": replace(pipeline, delta=0.0),
        "verifiers see 30 % less": pipeline.worse(sensitivity=0.7),
    }
    for name, world in worlds.items():
        found, known = evaluate(world, best.nodes), plan(world)
        print(
            f"  {name}: the plan costs ${found.total(world):,.2f}, knowing it "
            f"${known.outcome.total(world):,.2f}."
        )


def main() -> None:
    pipeline = pipeline_file.read(DECLARED)
    product_is_a_baseline()
    escalation_alone()
    behind_verification(pipeline)
    best = in_money(pipeline)
    nodes = sum(node is not None for node in best.nodes)
    print(f"{nodes} of 30 handoffs get a node; {best.how}: no plan of this menu is cheaper.")
    print(
        f"People see {100 * best.outcome.human:.0f} per 100 shots, not 3: what six handoffs allow, "
        "thirty do not."
    )
    what_it_rests_on(pipeline, best)
    print("The prices and rates are declared, not measured: measure the verifiers first.")


if __name__ == "__main__":
    main()
