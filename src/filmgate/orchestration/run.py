"""Carrying every shot of a project through its graph, and going on where a crash left off.

One LangGraph thread per shot. What is decided lives in the ledger; LangGraph's checkpoints only
say where each thread is. On start every thread is looked at: a new one starts, one that was cut
off goes on, one that waits for a person is told the decision that the ledger has, if it has one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.types import Command

from filmgate.assets.ledger import Row
from filmgate.orchestration import graph as graphs
from filmgate.orchestration import state as states
from filmgate.orchestration.purchase import Paused
from filmgate.orchestration.roles import Crew

FILE = "threads.sqlite"
LISTEN_S = 1.0
"""How often a run looks for decisions that were made meanwhile."""
_STEPS = 1000


@dataclass
class Outcome:
    """How a run ended.

    Attributes:
        paused: shot to why it could not go on; `resume` tries again.
        waiting: shots that wait for a person.
    """

    paused: dict[str, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)


@contextlib.asynccontextmanager
async def checkpoints(root: Path) -> AsyncIterator[AsyncSqliteSaver]:
    """LangGraph's checkpoints under `root`."""
    # States are plain JSON; nothing else shall ever be read back from the file.
    os.environ.setdefault("LANGGRAPH_STRICT_MSGPACK", "true")
    async with AsyncSqliteSaver.from_conn_string(str(root / FILE)) as saver:
        await saver.conn.execute("PRAGMA busy_timeout=30000")
        yield saver


class Runner:
    """Carries the shots of one crew."""

    def __init__(self, crew: Crew, saver: AsyncSqliteSaver) -> None:
        self._crew = crew
        self._graph = graphs.build(crew, saver)
        self._outcome = Outcome()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._heard = 0

    async def run(self, shots: Iterable[str]) -> Outcome:
        """Carry `shots` as far as they go without a person.

        Raises:
            FilmgateError: nothing can go on (a key that is refused, a store that cannot be
                written); what was done is kept.
        """
        slates = list(shots)
        for slate in slates:
            self._gate(slate).enter(slate)
        self._heard = self._crew.store.ledger.last_id()
        for slate in slates:
            self._tasks[slate] = asyncio.create_task(self._carry(slate))
        try:
            while self._tasks:
                done, _ = await asyncio.wait(
                    self._tasks.values(), timeout=LISTEN_S,
                    return_when=asyncio.FIRST_EXCEPTION,
                )  # fmt: skip
                self._tasks = {s: t for s, t in self._tasks.items() if t not in done}
                for task in done:
                    task.result()
                self._listen()
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        return self._outcome

    def _gate(self, slate: str) -> Any:
        return self._crew.gates[self._crew.shots[slate].sequence]

    def _config(self, slate: str) -> RunnableConfig:
        thread = states.thread_of(self._crew.shots[slate])
        return {"configurable": {"thread_id": thread}, "recursion_limit": _STEPS}

    def _listen(self) -> None:
        """Go on with shots that somebody has decided on meanwhile."""
        for row in self._crew.store.ledger.all("decision", after=self._heard):
            self._heard = row.id
            if row.subject in self._outcome.waiting and row.subject not in self._tasks:
                self._outcome.waiting.discard(row.subject)
                self._gate(row.subject).enter(row.subject)
                self._tasks[row.subject] = asyncio.create_task(self._carry(row.subject))

    async def _carry(self, slate: str) -> None:
        """One shot, from where its thread is to its end, or to where a person is needed."""
        gate = self._gate(slate)
        try:
            given = await self._input(slate)
            if given is not _NOTHING:
                await self._graph.ainvoke(given, self._config(slate), durability="sync")
            snapshot = await self._graph.aget_state(self._config(slate))
            if snapshot.tasks:
                self._outcome.waiting.add(slate)
                if self._unapplied(slate, snapshot.values) is not None:
                    # Decided in the moment between looking and waiting.
                    self._heard = 0
        except Paused as why:
            self._outcome.paused[slate] = str(why)
            self._crew.tell(slate, "paused", str(why))
        finally:
            with contextlib.suppress(RuntimeError):
                gate.leave(slate)

    async def _input(self, slate: str) -> Any:
        """What the thread is to be told: a first state, a decision, nothing but to go on."""
        config = self._config(slate)
        snapshot = await self._graph.aget_state(config)
        if not snapshot.values:
            return states.new(slate)
        take = str(snapshot.values.get("take", ""))
        if take:
            self._gate(slate).stands(slate, take)
        decision = self._unapplied(slate, snapshot.values)
        waits = any(task.interrupts for task in snapshot.tasks)
        # A thread that was cut off between a node's end and the next checkpoint has a task with a
        # result and nothing in `next`: only without tasks it has come to its end.
        ended = not snapshot.tasks
        if decision is None:
            return _NOTHING if waits or ended else None
        ruled = {"take": decision.body["take"], "number": decision.body["number"]}
        if waits:
            return Command(resume=ruled)
        if ended:
            # It had come to its end, and a person thinks otherwise.
            values = {"take": ruled["take"], "decision": ruled["number"]}
            await self._graph.aupdate_state(config, values, as_node="reviewer")
        return None

    def _unapplied(self, slate: str, values: Mapping[str, Any]) -> Row | None:
        """The last decision on the shot, when its thread has not been told of it."""
        ledger = self._crew.store.ledger
        last = ledger.latest("decision", slate)
        if last is None:
            return None
        applied = ledger.get("applied", f"{last.body['take']}/{last.body['number']}")
        return last if applied is None else None


class _Nothing:
    """There is nothing to tell a thread, and it shall not run."""


_NOTHING = _Nothing()
