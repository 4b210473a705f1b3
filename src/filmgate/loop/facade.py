"""The loop's part of `Studio`: prepare, run, resume, and everything that is asked of a project."""

from __future__ import annotations

import contextlib
import os
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from filmgate.errors import BadSetting, UsageError
from filmgate.settings import Settings

if TYPE_CHECKING:
    from filmgate.assets.store import Health, Store
    from filmgate.loop.project import ShotStatus, Status, Trace
    from filmgate.loop.running import Ended
    from filmgate.orchestration.roles import Tell
    from filmgate.schema.brief import Brief
    from filmgate.schema.decision import Decision, Note, Ruling
    from filmgate.schema.look import Look
    from filmgate.schema.plan import Plan
    from filmgate.schema.report import CheckReport
    from filmgate.schema.shot import Sequence as Reel
    from filmgate.story.risk import Risk


@dataclass(frozen=True)
class Orders:
    """What a run is told on the command line; None, or nothing, means as the brief says.

    Attributes:
        generators: names.
        models: model ids; of every generator that offers them.
        takes: takes of each shot by each of them in the first round.
        usd: most that providers may be paid, US dollars.
        in_flight: takes in the making at once, per generator.
    """

    generators: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    takes: int | None = None
    usd: float | None = None
    in_flight: int = 8


class Prepared(NamedTuple):
    """What a run would do.

    Attributes:
        look: all that is declared, not bound.
        risks: what will drift, or cannot be made; what stops first.
        makers: "generator model" of every take of the first round.
        price_usd: of the first round by the catalog, US dollars; None where a price is not known.
        unpriced: why not.
        footage_s: seconds of footage of the first round.
    """

    plan: Plan
    brief: Brief
    look: Look
    folder: Path
    risks: tuple[Risk, ...]
    makers: tuple[str, ...]
    price_usd: float | None
    unpriced: str
    footage_s: float


class Looping:
    """What `Studio` can do besides checking."""

    settings: Settings

    @abstractmethod
    def check(self, sequences: Iterable[Reel], look: Look | None = None) -> CheckReport:
        """Measure every shot and say which drift."""

    @contextlib.contextmanager
    def store(self) -> Iterator[Store]:
        """The project's memory, open while the block runs."""
        from filmgate.assets.store import Store

        with Store(self.settings.store) as opened:
            yield opened

    @contextlib.contextmanager
    def _project(self) -> Iterator[Store]:
        """As `store`, but a project that is not there is not made."""
        if not (self.settings.store / "ledger.sqlite").exists():
            raise UsageError(
                f"There is no project in '{self.settings.store}': start one with "
                "'filmgate run brief.toml', or name it with --store."
            )
        with self.store() as opened:
            yield opened

    def prepare(self, brief: Path, orders: Orders | None = None) -> Prepared:
        """Read a brief and say what a run of it would do and cost; nothing is sent or written.

        Raises:
            UsageError: brief, script or look cannot be right, or a generator is not there.
        """
        from filmgate.continuity import look_file
        from filmgate.loop import running
        from filmgate.story import brief as briefs
        from filmgate.story import first_look, lint

        reader = self._reader(brief)
        project = briefs.open_project(brief, reader)
        told = _told(project.brief, orders or Orders())
        first = first_look.first_look(project.plan, project.script, told.where)
        declared = None
        if project.plan.look:
            path = project.folder / project.plan.look
            declared = look_file.read(path, running.reels(project.plan))
        look = first_look.merged(first.look, declared)
        made = running.generators(told, self, self.settings.store)
        try:
            makers = running.makers(told, made)
            models = [c for one in made.values() for c in one.capabilities()
                      if any(c.model == m.model for m in makers)]  # fmt: skip
            found = lint.lint(project.plan, told, look, project.script, project.folder, models)
            price_usd, unpriced = running.priced(project.plan, told, made, makers)
        finally:
            for one in made.values():
                getattr(one, "close", lambda: None)()
        read, notes = _read_whole(project.script, project.plan, reader, look)
        told = told.model_copy(update={"notes": (*told.notes, *notes)})
        rounds = len(makers) * told.takes
        return Prepared(
            project.plan, told, look, project.folder, (*first.risks, *found, *read),
            tuple(f"{m.generator} {m.model}" for m in makers), price_usd, unpriced,
            sum(s.duration_s for s in project.plan.shots()) * rounds,
        )  # fmt: skip

    @staticmethod
    def _reader(brief: Path) -> Any:
        """The reader that a brief names, made but not asked; None when it names none."""
        from filmgate import registry
        from filmgate.models.reader import Terms
        from filmgate.story import brief as briefs

        for choice in briefs.readers(brief):
            make = registry.load("models.readers", choice.name, "READER")
            return make(Terms(model=choice.model, options=choice.options))
        return None

    def run(self, prepared: Prepared, tell: Tell, in_flight: int = 8) -> Ended:
        """Carry every shot as far as it goes without a person.

        Raises:
            UsageError: a risk stops it, the budget cannot be kept, another run holds the project.
        """
        from filmgate.assets import lock
        from filmgate.loop import running, workshop

        stops = [risk for risk in prepared.risks if risk.severity == "stop"]
        if stops:
            raise UsageError(f"{stops[0].where}: {stops[0].sentence} {stops[0].fix}")
        if prepared.brief.budget.usd is not None and prepared.price_usd is None:
            raise UsageError(f"The budget in dollars cannot be kept: {prepared.unpriced}")
        with lock.held(self.settings.store, "run"), self.store() as store:
            plan = workshop.kept(store, prepared.plan, prepared.folder)
            running.write_run(store, plan, prepared.brief, prepared.look)
            return self._carried(store, plan, prepared.brief, prepared.look, tell, in_flight)

    def resume(self, tell: Tell, in_flight: int = 8) -> Ended:
        """Go on with the last run: what was cut off, what paused, what people have decided.

        Raises:
            UsageError: nothing was ever run here, or another run holds the project.
        """
        from filmgate.assets import lock
        from filmgate.loop import project

        with self._project() as store, lock.held(self.settings.store, "resume"):
            told = project.latest(store)
            return self._carried(store, told.plan, told.brief, told.look, tell, in_flight)

    def _carried(
        self, store: Store, plan: Plan, brief: Brief, look: Look, tell: Tell, in_flight: int
    ) -> Ended:  # fmt: skip
        from filmgate.loop.running import Production

        return Production(store, plan, brief, look, self, in_flight).run(tell)

    def status(self) -> Status:
        """Where every shot stands, and what it has cost."""
        from filmgate.loop import project

        with self._project() as store:
            return project.status(store)

    def queue(self) -> tuple[ShotStatus, ...]:
        """Shots that wait for a person, worst first."""
        from filmgate.loop import project

        with self._project() as store:
            return project.queue(store)

    def trace(self, slate: str) -> Trace:
        """Everything about one shot."""
        from filmgate.loop import project

        with self._project() as store:
            return project.trace(store, slate)

    def decide(
        self, slate: str, ruling: Ruling, reviewer: str | None = None, note: str = "",
        reasons: Sequence[str] = (), expects: int | None = None, person_s: float = 0.0,
    ) -> Decision:  # fmt: skip
        """Write a person's ruling down; the run that is on, or the next resume, applies it."""
        from filmgate.loop import project

        with self._project() as store:
            return project.decide(
                store, slate, ruling, reviewer or whoami(), note, reasons, expects, person_s
            )

    def note(self, note: Note) -> int:
        """Write a note on a take down."""
        from filmgate.loop import project

        with self._project() as store:
            return project.note(store, note)

    def settle(self, slate: str, job: str | None) -> str:
        """Say what became of a request whose answer was lost."""
        from filmgate.loop import project

        with self._project() as store:
            return project.settle(store, slate, job, whoami())

    def media(self, slate: str) -> Path:
        """Where the media of a take is; for reading only."""
        from filmgate.loop import project

        with self._project() as store:
            return store.vault.path(project.take(store, slate).media)

    def models_used(self) -> set[str]:
        """Ids of the models that takes of this project were asked from; none without a project."""
        if not (self.settings.store / "ledger.sqlite").exists():
            return set()
        with self.store() as store:
            return {str(r.body["request"]["model"]) for r in store.ledger.all("asked")}

    def verify_store(self) -> Health:
        """Walk every reference in the store."""
        with self._project() as store:
            return store.verify()

    def collect(self) -> list[str]:
        """Remove bytes that no fact names; not while a run is on."""
        from filmgate.assets import lock

        with self._project() as store, lock.held(self.settings.store, "collect"):
            return store.collect()

    def export(self, path: Path) -> int:
        """Write the whole project to one file; returns the number of facts."""
        with self._project() as store:
            return store.export(path)

    def restore(self, path: Path) -> int:
        """Take in a project that `export` wrote, into an empty store."""
        with self.store() as store:
            return store.restore(path)


def _told(brief: Brief, orders: Orders) -> Brief:
    """The brief with the command line's orders put in place."""
    from filmgate.schema.brief import GeneratorChoice

    known = {choice.name: choice for choice in (*brief.generators, *brief.spare)}
    names = orders.generators or tuple(choice.name for choice in brief.generators)
    choices = [known.get(name, GeneratorChoice(name=name)) for name in names]
    if orders.models:
        if len(choices) > 1 and len(choices) != len(orders.models):
            raise BadSetting(
                f"{len(choices)} generators and {len(orders.models)} models: give one --model for "
                "each --generator, in the same order."
            )
        models = [orders.models] if len(choices) == 1 else [(m,) for m in orders.models]
        choices = [
            choice.model_copy(update={"models": tuple(m)})
            for choice, m in zip(choices, models, strict=True)
        ]
    budget = brief.budget if orders.usd is None else brief.budget.model_copy(
        update={"usd": orders.usd}
    )  # fmt: skip
    return brief.model_copy(
        update={
            "generators": tuple(choices), "takes": orders.takes or brief.takes, "budget": budget,
        }
    )  # fmt: skip


def _read_whole(
    script: Any, plan: Plan, reader: Any, look: Look
) -> tuple[tuple[Risk, ...], tuple[str, ...]]:
    """What in the shots contradicts the whole script, as a reader sees it, and notes on its word.

    Opinions never stop a run, and neither does a reader that gives none.
    """
    from filmgate.errors import MeasurementError
    from filmgate.story import reading

    if reader is None or script is None:
        return (), ()
    try:
        said = reading.contradictions(script, plan, reader, look)
    except MeasurementError as error:
        return (), (f"The script was not read as a whole: {error}",)
    note = f"The script was read as a whole by {said.identity}"
    dropped = f"; {said.dropped} findings cited what is not there" if said.dropped else ""
    return said.risks, (f"{note}: {len(said.risks)} contradictions{dropped}.",)


def whoami() -> str:
    """Name of the person at the keyboard, for what they decide."""
    import getpass

    with contextlib.suppress(OSError, KeyError, ImportError):
        return os.environ.get("FILMGATE_REVIEWER") or getpass.getuser()
    return "somebody"
