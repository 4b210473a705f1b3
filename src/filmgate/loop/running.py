"""Running a plan: generators, gates, crew and graph put together."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic import TypeAdapter

import filmgate
from filmgate import registry
from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.errors import BadSetting, CannotExpress
from filmgate.loop import workshop
from filmgate.models.generator import Generator, Request, Surroundings
from filmgate.orchestration import budget
from filmgate.orchestration.gate import Lineup, SequenceGate
from filmgate.orchestration.purchase import AUTHOR, Buyer, Purse, Supplier
from filmgate.orchestration.roles import Crew, Maker, Tell
from filmgate.schema.brief import Brief
from filmgate.schema.look import Look
from filmgate.schema.plan import Plan
from filmgate.schema.purchase import RunFact
from filmgate.schema.report import CheckReport, SequenceReport
from filmgate.schema.shot import Sequence as Reel
from filmgate.schema.shot import Shot
from filmgate.schema.take import Take
from filmgate.settings import Settings

GENERATORS = "models.generators"
_LOOK: TypeAdapter[Look] = TypeAdapter(Look)
THREADS = 32
"""Calls to providers that may block at once; each is short, and far fewer are in flight."""


class Checker(Protocol):
    """What measures and compares: `filmgate.studio.Studio`."""

    settings: Settings

    def check(self, sequences: Iterable[Reel], look: Look | None = None) -> CheckReport:
        """Measure every shot and say which drift."""
        ...


class Ended(NamedTuple):
    """How a run ended.

    Attributes:
        paused: shot to why it could not go on.
        waiting: shots that wait for a person.
        last: the last comparison of each sequence as one report; None when nothing was compared.
    """

    paused: Mapping[str, str]
    waiting: tuple[str, ...]
    last: CheckReport | None


@dataclass
class Production:
    """One plan in one store, ready to run.

    Attributes:
        plan: with references kept in the vault.
        brief: budgets, rates, generators.
        look: as declared; not bound.
        studio: measures and compares.
        in_flight: takes in the making at once, per generator.
    """

    store: Store
    plan: Plan
    brief: Brief
    look: Look
    studio: Checker
    in_flight: int = 8

    def __post_init__(self) -> None:
        self._reports: dict[str, SequenceReport] = {}
        self._last: CheckReport | None = None
        self._looks = {r.id: self.look.bind(r) for r in reels(self.plan)}

    def run(self, tell: Tell, shots: Sequence[str] | None = None) -> Ended:
        """Carry the shots (all, when None) as far as they go without a person.

        Raises:
            FilmgateError: nothing can go on; what was done is kept.
        """
        chosen = list(shots) if shots is not None else [s.slate for s in self.plan.shots()]
        with self._generators() as generators:
            outcome = asyncio.run(self._run(tell, chosen, generators))
        last = self._last and dataclasses.replace(
            self._last, sequences=tuple(self._reports.values())
        )
        return Ended(outcome.paused, tuple(sorted(outcome.waiting)), last)

    @contextlib.contextmanager
    def _generators(self) -> Iterator[dict[str, Generator]]:
        made = generators(self.brief, self.studio, self.store.root)
        try:
            yield made
        finally:
            for one in made.values():
                if hasattr(one, "close"):
                    one.close()

    async def _run(
        self, tell: Tell, shots: list[str], generators: dict[str, Generator]
    ) -> Any:  # fmt: skip
        from filmgate.orchestration.run import Runner, checkpoints

        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="filmgate")
        # One at a time: a comparison uses every core itself.
        comparing = ThreadPoolExecutor(1, thread_name_prefix="filmgate-compare")
        try:
            async with checkpoints(self.store.root) as saver:
                crew = self._crew(tell, generators, threads, comparing)
                return await Runner(crew, saver).run(shots)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)
            comparing.shutdown(wait=False, cancel_futures=True)

    def _crew(
        self, tell: Tell, generators: dict[str, Generator], threads: ThreadPoolExecutor,
        comparing: ThreadPoolExecutor,
    ) -> Crew:  # fmt: skip
        from filmgate.continuity import calibration

        async def compare(call: Any, *args: Any) -> Any:
            return await asyncio.get_running_loop().run_in_executor(comparing, call, *args)

        options = {choice.name: choice.options for choice in self.brief.generators}
        suppliers = {
            name: _supplier(name, one, options.get(name, {}), self.in_flight)
            for name, one in generators.items()
        }
        gates = {
            s.id: SequenceGate(s.id, [shot.slate for shot in s.shots], self._compared, compare)
            for s in self.plan.sequences
        }
        drafts = workshop.Workshop(self.store, self.plan, self._looks, generators, {})
        return Crew(
            store=self.store, shots={s.slate: s for s in self.plan.shots()},
            makers=makers(self.brief, generators), takes=self.brief.takes,
            attempts=self.brief.budget.takes_per_shot, gates=gates,
            buyer=Buyer(self.store, suppliers, Purse(budget.money(self.store.ledger,
                                                                  self.brief.budget)), threads),
            workshop=drafts, run=compare, tell=tell,
            calibration=f"filmgate {filmgate.__version__}; {calibration.shipped().source}",
        )  # fmt: skip

    def _compared(self, sequence: str, lineup: Lineup) -> Mapping[str, Mapping[str, Any]]:
        """Measure and compare a line-up; shot -> its report as plain JSON."""
        reel = self.reel(sequence, lineup)
        self._last = self.studio.check([reel], self.look)
        report = self._last.sequences[0]
        self._reports[sequence] = report
        plain = TypeAdapter(SequenceReport).dump_python(report, mode="json")
        return {shot["shot"]: shot for shot in plain["shots"]}

    def reel(self, sequence: str, lineup: Lineup) -> Reel:
        """The line-up of a sequence as footage."""
        shots = []
        for shot, slate in lineup.items():
            row = self.store.ledger.get("take", slate)
            assert row is not None, f"take {slate} is not in the ledger"
            media = row.value(Take).media
            shots.append(Shot(id=shot, sequence=sequence, file=str(self.store.vault.path(media))))
        return Reel(sequence, tuple(shots))


def reels(plan: Plan) -> list[Reel]:
    """The plan's sequences as footage that is not there yet, for looks to be bound to."""
    return [
        Reel(s.id, tuple(Shot(id=p.slate, sequence=s.id, file="") for p in s.shots))
        for s in plan.sequences
    ]


def generators(brief: Brief, studio: Checker, root: Path) -> dict[str, Generator]:
    """Every generator that the brief names, made.

    Raises:
        UnknownPlugin, MissingExtra: it does not exist, or its package is not installed.
    """
    out: dict[str, Generator] = {}
    for choice in brief.generators:
        make = registry.load(GENERATORS, choice.name, "GENERATOR")
        timeout_s = choice.options.get("timeout_s", 60.0)
        out[choice.name] = make(
            Surroundings(
                folder=root / "generators" / choice.name,
                timeout_s=float(timeout_s) if isinstance(timeout_s, int | float) else 60.0,
                workers=studio.settings.worker_count(), options=choice.options,
            )
        )  # fmt: skip
    return out


def makers(brief: Brief, made: Mapping[str, Generator]) -> list[Maker]:
    """Generator and model of every take that a shot gets in the first round.

    Raises:
        CannotExpress: a generator has no such model.
    """
    out = []
    for choice in brief.generators:
        for model in choice.models or ("",):
            can = workshop.capability(made[choice.name], choice.name, model)
            out.append(Maker(choice.name, can.model))
    return out


def _supplier(
    name: str, generator: Generator, options: Mapping[str, Any], in_flight: int
) -> Supplier:  # fmt: skip
    offline = all(can.offline for can in generator.capabilities())

    def number(key: str, usual: float) -> float:
        value = options.get(key, usual)
        return float(value) if isinstance(value, int | float) else usual

    return Supplier(
        name, generator, in_flight=int(number("in_flight", in_flight)),
        poll_s=number("poll_s", 0.2 if offline else 5.0),
        patience_s=number("patience_s", 3600.0), listing_s=number("listing_s", 60.0),
    )  # fmt: skip


def priced(
    plan: Plan, brief: Brief, made: Mapping[str, Generator], by: Sequence[Maker]
) -> tuple[float | None, str]:
    """What the first round costs by the catalog, US dollars; None and why when that is unknown."""
    total = 0.0
    for maker in by:
        for shot in plan.shots():
            request = Request(
                maker.model, prompt=shot.action, duration_s=shot.duration_s, size=plan.size,
                rate=plan.rate,
            )  # fmt: skip
            try:
                request = workshop.fit(made[maker.generator], maker.generator, request)
                total += made[maker.generator].price_usd(request) * brief.takes
            except (CannotExpress, BadSetting) as error:
                return None, str(error)
    return total, ""


def write_run(store: Store, plan: Plan, brief: Brief, look: Look) -> RunFact:
    """Write down what a run is told; plan and look go to the vault."""
    told = RunFact(
        run=uuid.uuid4().hex[:12], plan=store.vault.put(plan.canonical()),
        look=store.vault.put(_LOOK.dump_json(look)), told=brief.plain(),
    )  # fmt: skip
    names = (told.plan, told.look, *workshop.names_of(plan))
    store.ledger.append(New("run", told.run, told, AUTHOR, reason=plan.title, names=names))
    return told
