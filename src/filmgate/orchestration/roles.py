"""What planner, generator, verifier, refiner and reviewer do for a shot."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.errors import CannotExpress, Conflict
from filmgate.models.generator import Request
from filmgate.orchestration import policy
from filmgate.orchestration.gate import SequenceGate, Told
from filmgate.orchestration.purchase import AUTHOR, Buyer
from filmgate.orchestration.state import Order, ShotState, readable, thread_of
from filmgate.refinement import prompts
from filmgate.schema.decision import Decision, Handoff, VerdictFact
from filmgate.schema.plan import PlannedShot, Reference
from filmgate.schema.purchase import Applied, Asked, Standing
from filmgate.schema.take import Revision, Take, shot_of, slate_of

Tell = Callable[[str, str, str], None]
"""(shot, what happened, detail): for progress and events."""


class Maker(NamedTuple):
    """One generator and model that makes every shot."""

    generator: str
    model: str


class Workshop(Protocol):
    """What only the whole project knows; `studio` has the real one."""

    def draft(self, shot: str, order: Order, revisions: Sequence[Revision], parent: str) -> Draft:
        """The request for a take, with its references."""
        ...

    def picks_up(self, take: Take) -> bool:
        """Whether the generator of `take` can make it again from a frame on."""
        ...

    def repair(self, take: Take, step: policy.Step, findings: Sequence[policy.Finding]) -> Take:
        """A repaired copy of `take`, kept in the vault; the fact is not written yet."""
        ...


class Draft(NamedTuple):
    """A request ready to be written down.

    Attributes:
        price_usd: by the catalog. paid: whether the provider may charge.
        references: what its pictures are.
    """

    request: Request
    hash: str
    price_usd: float
    paid: bool
    references: tuple[Reference, ...] = ()


@dataclass
class Crew:
    """The roles of one run.

    Attributes:
        shots: planned shots by slate.
        makers: who makes each shot; with several each makes it and the best take is chosen.
        takes: takes that each of them makes in the first round.
        attempts: rounds that the machine may ask for before a person looks.
        gates: by sequence.
        tell: hears what happens.
    """

    store: Store
    shots: Mapping[str, PlannedShot]
    makers: Sequence[Maker]
    takes: int
    attempts: int
    gates: Mapping[str, SequenceGate]
    buyer: Buyer
    workshop: Workshop
    run: Callable[..., Any]
    calibration: str
    tell: Tell

    async def plan(self, state: ShotState) -> dict[str, Any]:
        """Number the takes of this round."""
        readable(state)
        shot = state["shot"]
        made = self.store.ledger.all("asked", "take", subject=shot)
        number = max((int(row.body["number"]) for row in made), default=0)
        takes = self.takes if state["attempt"] == 0 and not made else 1
        orders: list[Order] = []
        pickup = state.get("pickup")
        makers = self.makers if pickup is None else [self._maker(state["take"])]
        for maker in makers:
            for _ in range(takes):
                number += 1
                orders.append({
                    "take": slate_of(shot, number), "number": number,
                    "generator": maker.generator, "model": maker.model, "pickup": pickup,
                })  # fmt: skip
        return {
            "orders": orders, "attempt": state["attempt"] + 1, "step": "generate",
            "candidates": [], "failures": [], "pickup": None,
        }  # fmt: skip

    async def generate(self, state: ShotState) -> dict[str, Any]:
        """Buy the takes of this round; what fails is told, what is unknown pauses the shot."""
        shot = state["shot"]
        self.tell(shot, "generating", "")
        revisions = tuple(Revision.model_validate(r) for r in state["revisions"])
        parent = state.get("take", "")
        start = datetime.now(UTC)

        def draft(order: Order) -> Asked:
            made = self.workshop.draft(shot, order, revisions, parent)
            return Asked(
                take=order["take"], shot=shot, number=order["number"],
                generator=order["generator"], hash=made.hash, request=made.request.plain(),
                references=made.references, revisions=revisions, parent=parent,
                price_usd=made.price_usd, footage_s=made.request.duration_s, paid=made.paid,
            )  # fmt: skip

        done = await asyncio.gather(
            *(self.buyer.buy(order, draft) for order in state["orders"]), return_exceptions=True
        )
        for result in done:
            if isinstance(result, BaseException):
                raise result
        bought = [result for result in done if not isinstance(result, BaseException)]
        candidates = [b.take for b in bought if b.take is not None]
        failures = [b.why for b in bought if b.take is None]
        for order, one in zip(state["orders"], bought, strict=True):
            self._handoff(
                "plan", "generate", f"{order['take']}/made", shot, state["attempt"],
                "taken" if one.take else "failed", start,
            )  # fmt: skip
        for slate in candidates:
            self.tell(shot, "taken", f"{self._take(slate).cost.provider_usd:.6f}")
        if candidates:
            return {"candidates": candidates, "failures": failures, "step": "verify"}
        step = policy.after_failure(failures, state["attempt"], self.attempts)
        if any(f.startswith("Not asked for") or "cannot be made" in f for f in failures):
            step = policy.Step("escalate", failures[0])
        self.tell(shot, "failed", step.because)
        if step.word == "escalate":
            self._stand(state, "escalated", step.because)
        return {
            "candidates": [], "failures": failures, "step": step.word, "because": step.because,
        }  # fmt: skip

    async def verify(self, state: ShotState) -> dict[str, Any]:
        """Wait for the sequence, write the verdict down, and say what follows."""
        shot = state["shot"]
        self.tell(shot, "waiting", "")
        start = datetime.now(UTC)
        gate = self.gates[self.shots[shot].sequence]
        told = await gate.verdict(shot, state["candidates"])
        take = self._take(told.take)
        findings = self._open_findings(told, take)
        word = str(told.report["verdict"])
        if word != "circle" and not any(
            f["status"] in ("drift", "change_missing") for f in findings
        ):
            # A person has accepted everything that was found.
            word = "circle" if told.report["findings"] and self._measured(told) else word
        verdict = self._verdict(told, take, word, findings)
        step = policy.after_verdict(
            word, findings, state["attempt"], self.attempts, take.recipe.repair is not None,
            self.workshop.picks_up(take),
        )  # fmt: skip
        self._handoff(
            "generate", "verify", f"{take.slate}/{verdict}", shot, state["attempt"], word, start,
            cost_usd=take.cost.provider_usd,
        )  # fmt: skip
        self.tell(shot, word, step.because)
        if step.word == "escalate":
            self._stand({**state, "take": take.slate}, "escalated", step.because)
        return {
            "take": take.slate, "verdict": verdict, "word": word, "step": step.word,
            "because": step.because, "repair": step.repair or "", "pickup": step.pickup,
        }  # fmt: skip

    async def repair(self, state: ShotState) -> dict[str, Any]:
        """Repair the take; where that cannot be done, the retake it would have spared follows."""
        shot = state["shot"]
        taken = self.store.ledger.all("take", "asked", subject=shot)
        earlier = next(
            (r for r in taken if r.kind == "take" and r.body["parent"] == state["take"]
             and r.body["recipe"]["repair"]), None,
        )  # fmt: skip
        if earlier is not None:
            return {"candidates": [earlier.body["slate"]], "step": "verify"}
        take = self._take(state["take"])
        step = policy.Step("repair", state["because"], state["repair"])  # type: ignore[arg-type]
        findings = self._verdict_of(state).findings
        try:
            repaired: Take = await self.run(self.workshop.repair, take, step, findings)
        except CannotExpress as error:
            self.tell(shot, "not repaired", str(error))
            return {"candidates": [], "because": str(error)}
        self.store.ledger.append(
            New("take", repaired.slate, repaired, AUTHOR, shot, state["because"],
                (repaired.media,))
        )  # fmt: skip
        self.tell(shot, "repaired", state["repair"])
        return {"candidates": [repaired.slate], "step": "verify"}

    async def refine(self, state: ShotState) -> dict[str, Any]:
        """What the retake asks for differently: the person's note, else what drifted."""
        known = tuple(Revision.model_validate(r) for r in state["revisions"])
        attempt = state["attempt"]
        if state.get("ruling") == "retake":
            decision = self._decision(state["take"], state["decision"])
            new = prompts.from_note(
                decision.note, decision.reasons, decision.reviewer,
                _worst(self._shown(state["shot"], decision)), self._expected(state["shot"]),
            )  # fmt: skip
            attempt = 0
        elif state.get("pickup") is not None:
            new = ()  # the part must match the rest, so it is asked for as the rest was
        else:
            drifting = [f for f in self._verdict_of(state).findings if f["status"] == "drift"]
            expect = self._expected(state["shot"])
            new = tuple(prompts.revise(finding, expect) for finding in _worst(drifting))
        revisions = [r.plain() for r in prompts.added(known, new)]
        return {"revisions": revisions, "attempt": attempt, "ruling": ""}

    async def rule(self, state: ShotState) -> dict[str, Any]:
        """Apply the decision that the thread was resumed with."""
        shot, number = state["shot"], state["decision"]
        take = state.get("take", "") or shot
        decision = self._decision(take, number)
        applied = Applied(take=take, number=number)
        try:
            self.store.ledger.append(New("applied", f"{take}/{number}", applied, AUTHOR, shot))
        except Conflict:
            pass  # a crash came between writing this and LangGraph's own note of it
        else:
            self._handoff(
                "verify", "review", f"{take}/{number}/ruled", shot, state["attempt"],
                state.get("word", "none"), datetime.now(UTC), person=decision.ruling,
                audit=self._by_chance(decision), time_s=decision.person_s,
            )  # fmt: skip
        self.tell(shot, decision.ruling, f"by {decision.reviewer}")
        return {"ruling": decision.ruling, "step": decision.ruling}

    async def settle(self, state: ShotState) -> dict[str, Any]:
        """Write down where the shot came to stand."""
        ruling = state.get("ruling", "")
        if ruling:
            decision = self._decision(state.get("take", "") or state["shot"], state["decision"])
            word = {"circle": "circled", "intended": "circled"}.get(ruling, ruling)
            self._stand(state, word, decision.note or ruling, decision.reviewer)
        elif state["step"] == "circle":
            self._stand(state, "circled", state["because"])
        else:
            self._stand(state, "stopped", state.get("because", ""))
        return {}

    def _open_findings(self, told: Told, take: Take) -> list[policy.Finding]:
        """Findings that are not within tolerance and that nobody has accepted."""
        rulings = [
            row.value(Decision) for row in self.store.ledger.all("decision", subject=take.shot)
        ]
        intended = [(d.reasons, d.evidence) for d in rulings if d.ruling == "intended"]
        telling = [f for f in told.report["findings"] if f["status"] not in ("within",)]
        if not intended:
            return telling
        now = {shot: self._take(slate).media for shot, slate in told.lineup.items()}
        return policy.accepted(telling, intended, now, take.media)

    @staticmethod
    def _measured(told: Told) -> bool:
        return any(f["status"] != "not_measured" for f in told.report["findings"])

    def _verdict(
        self, told: Told, take: Take, word: str, findings: Sequence[policy.Finding]
    ) -> int:
        """Write the verdict down; returns the fact's id."""
        earlier = [
            row for row in self.store.ledger.all("verdict", subject=take.shot)
            if row.body["take"] == take.slate
        ]  # fmt: skip
        others = {str(f["other"]) for f in findings if f.get("other") in told.lineup}
        value = VerdictFact(
            take=take.slate, word=word,  # type: ignore[arg-type]
            findings=tuple(dict(f) for f in findings if f["status"] != "not_measured"),
            score=float(told.report["score"]), p_value=told.report["p_value"],
            calibration=self.calibration, round=len(earlier) + 1, machine_s=told.machine_s,
            compared={other: self._take(told.lineup[other]).media for other in sorted(others)},
        )  # fmt: skip
        key = f"{take.slate}/{len(earlier) + 1}"
        return self.store.ledger.append(New("verdict", key, value, AUTHOR, take.shot))[0]

    def _shown(self, shot: str, decision: Decision) -> Sequence[Mapping[str, Any]]:
        """Findings of the verdict that a decision was made on."""
        rows = self.store.ledger.all("verdict", subject=shot)
        seen = next((row for row in rows if row.id == decision.saw), None)
        return () if seen is None else seen.value(VerdictFact).findings

    def _verdict_of(self, state: ShotState) -> VerdictFact:
        rows = self.store.ledger.all("verdict", subject=state["shot"])
        return next(r for r in rows if r.id == state["verdict"]).value(VerdictFact)

    def _take(self, slate: str) -> Take:
        row = self.store.ledger.get("take", slate)
        assert row is not None, f"take {slate} is in a thread and not in the ledger"
        return row.value(Take)

    def _maker(self, slate: str) -> Maker:
        recipe = self._take(slate).recipe
        return Maker(recipe.generator, recipe.model)

    def _decision(self, take: str, number: int) -> Decision:
        row = self.store.ledger.get("decision", f"{take}/{number}")
        assert row is not None, f"decision {number} on {take} was applied and is not in the ledger"
        return row.value(Decision)

    def _by_chance(self, decision: Decision) -> bool:
        """Whether the take was shown to the person as part of the audit sample."""
        said = self.store.ledger.all("judgement", subject=shot_of(decision.take))
        about = {"take": decision.take, "decision": decision.number, "audit": True}
        return any(about.items() <= row.body.items() for row in said)

    def _expected(self, shot: str) -> Mapping[str, str | float]:
        rows = self.store.ledger.all("asked", subject=shot)
        return dict(rows[-1].body["request"]["shot"].get("expect", {})) if rows else {}

    def _stand(self, state: ShotState, word: str, reason: str, by: str = "machine") -> None:
        shot, take = state["shot"], state.get("take", "")
        count = len(self.store.ledger.all("standing", subject=shot))
        value = Standing(shot=shot, state=word, take=take, reason=reason, by=by)
        last = self.store.ledger.latest("standing", shot)
        if last is not None and last.value(Standing) == value:
            return
        self.store.ledger.append(
            New("standing", f"{shot}/{count + 1}", value, by if by != "machine" else AUTHOR, shot)
        )

    def _handoff(
        self, source: str, target: str, key: str, shot: str, attempt: int, verifier: str,
        start: datetime, person: str | None = None, audit: bool = False, cost_usd: float = 0.0,
        time_s: float | None = None,
    ) -> None:  # fmt: skip
        now = datetime.now(UTC)
        value = Handoff(
            item=shot, run=thread_of(self.shots[shot]), source=source, target=target,
            attempt=max(attempt, 1), verifier=verifier, person=person, audit=audit,
            cost_usd=cost_usd,
            time_s=(now - start).total_seconds() if time_s is None else time_s,
            started=start.isoformat(), ended=now.isoformat(),
        )  # fmt: skip
        with contextlib.suppress(Conflict):  # written before a crash
            self.store.ledger.append(New("handoff", key, value, AUTHOR, shot))


def _worst(drifting: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """One finding per attribute, the strongest."""
    best: dict[str, Mapping[str, Any]] = {}
    for finding in sorted(drifting, key=lambda f: f.get("p_value") or 1.0):
        best.setdefault(str(finding["attribute"]), finding)
    return list(best.values())
