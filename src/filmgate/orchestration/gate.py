"""Where the shots of a sequence wait for one another: continuity is judged on the whole sequence.

Every shot that has new takes waits here. When no shot of the sequence is still on its way, the
sequence is compared once with each candidate in place, and every waiting shot is told its verdict.
Shots that have come to stand (circled, escalated) take part with the take that stands for them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from filmgate.orchestration.policy import better

Lineup = Mapping[str, str]
"""Shot -> slate of the take that stands for it."""
Compare = Callable[[str, Lineup], Mapping[str, Mapping[str, Any]]]
"""(sequence, lineup) -> shot -> its `ShotReport` as plain JSON; blocks."""


class Told(NamedTuple):
    """What a waiting shot is told.

    Attributes:
        take: the best of its candidates.
        report: its part of the report (`ShotReport` as plain JSON).
        lineup: what it was compared with.
        machine_s: its share of the seconds that measuring and comparing took.
    """

    take: str
    report: Mapping[str, Any]
    lineup: Lineup
    machine_s: float = 0.0


class SequenceGate:
    """The gate of one sequence.

    Args:
        sequence: its id.
        order: its shots in edit order.
        compare: measures and compares a line-up.
        run: runs a blocking call elsewhere.
    """

    def __init__(
        self, sequence: str, order: list[str], compare: Compare,
        run: Callable[..., Any],
    ) -> None:  # fmt: skip
        self._sequence, self._order = sequence, order
        self._compare, self._run = compare, run
        self._standing: dict[str, str] = {}
        self._on_their_way: set[str] = set()
        self._waiting: dict[str, tuple[list[str], asyncio.Future[Told]]] = {}
        self._busy = False

    def stands(self, shot: str, take: str) -> None:
        """`take` stands for `shot` from now on."""
        self._standing[shot] = take

    def enter(self, shot: str) -> None:
        """`shot` sets out; nobody is compared before it arrives or leaves."""
        self._on_their_way.add(shot)

    def leave(self, shot: str) -> None:
        """`shot` has come to stand, is paused or given up; the others need not wait for it."""
        self._on_their_way.discard(shot)
        self._look()

    async def verdict(self, shot: str, candidates: list[str]) -> Told:
        """Wait for the others, and say which of `candidates` is best and what was found on it."""
        future: asyncio.Future[Told] = asyncio.get_running_loop().create_future()
        self._waiting[shot] = (candidates, future)
        self._look()
        try:
            return await future
        finally:
            self._waiting.pop(shot, None)

    def _look(self) -> None:
        ready = self._waiting and self._on_their_way <= set(self._waiting)
        if ready and not self._busy:
            self._busy = True
            task = asyncio.get_running_loop().create_task(self._judge())
            task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._busy = False
        if not task.cancelled():
            self._look()

    async def _judge(self) -> None:
        waiting = dict(self._waiting)
        try:
            for shot, told in (await self._best(waiting)).items():
                self._standing[shot] = told.take
                # It has its answer: until it comes back or leaves, the others wait for it again.
                self._answer(waiting[shot][1], told)
                self._waiting.pop(shot, None)
        except Exception as error:  # every waiting shot must hear of it, or it waits for ever
            for _, future in waiting.values():
                if not future.done():
                    future.set_exception(error)
            self._waiting.clear()

    @staticmethod
    def _answer(future: asyncio.Future[Told], told: Told) -> None:
        if not future.done():
            future.set_result(told)

    async def _best(
        self, waiting: Mapping[str, tuple[list[str], asyncio.Future[Told]]]
    ) -> dict[str, Told]:
        """For each waiting shot the candidate with the best verdict, compared as finally lined up.

        With several candidates the sequence is compared once per candidate, then once more with
        the chosen ones, since neighbours are part of every verdict.
        """
        start = time.monotonic()
        rounds = max(len(candidates) for candidates, _ in waiting.values())
        chosen: dict[str, tuple[str, tuple[str, float]]] = {}
        lineup: dict[str, str] = {}
        reports: Mapping[str, Mapping[str, Any]] = {}
        for number in range(rounds):
            picks = {s: c[min(number, len(c) - 1)] for s, (c, _) in waiting.items()}
            lineup = self._lineup(picks)
            reports = await self._run(self._compare, self._sequence, lineup)
            for shot, take in picks.items():
                mark = (str(reports[shot]["verdict"]), float(reports[shot]["score"]))
                if shot not in chosen or better(mark, chosen[shot][1]):
                    chosen[shot] = (take, mark)
        final = self._lineup({shot: take for shot, (take, _) in chosen.items()})
        if final != lineup:
            reports = await self._run(self._compare, self._sequence, final)
        share_s = (time.monotonic() - start) / len(waiting)
        return {shot: Told(final[shot], reports[shot], final, share_s) for shot in waiting}

    def _lineup(self, picks: Mapping[str, str]) -> dict[str, str]:
        now = {**self._standing, **picks}
        return {shot: now[shot] for shot in self._order if shot in now}
