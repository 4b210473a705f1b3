"""Buying one take: nothing paid for is paid twice, whatever happens in between.

What is written when is told in `schema.purchase`. Everything here can be killed at any line and
called again with the same order: it finds in the ledger how far it came.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from filmgate.assets.ledger import New, Row
from filmgate.assets.store import Store
from filmgate.errors import (
    AnswerUnknown,
    CannotExpress,
    FilmgateError,
    Refused,
    TakeLost,
    Throttled,
    Unavailable,
    WrongKey,
)
from filmgate.models.generator import ENDED, Generator, JobState, Picture, Request, Result, Status
from filmgate.orchestration.policy import Money
from filmgate.orchestration.state import Order
from filmgate.schema.purchase import Accepted, Asked, Declined, Sent, Settled
from filmgate.schema.take import Cost, Recipe, Take, shot_of

R = TypeVar("R")
AUTHOR = "filmgate"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


class Paused(FilmgateError):
    """A shot cannot go on now; its thread stays where it is, and `resume` tries again."""


@dataclass
class Supplier:
    """One generator with its manners: how many takes at once, how often to ask, how long to wait.

    Attributes:
        in_flight: takes in the making at once.
        poll_s: between polls, where the provider does not say.
        patience_s: how long to wait for a provider that is down, or for a job, before pausing.
        listing_s: how long a provider may need before it lists what it accepted.
    """

    name: str
    generator: Generator
    in_flight: int = 8
    poll_s: float = 5.0
    patience_s: float = 3600.0
    listing_s: float = 60.0

    def __post_init__(self) -> None:
        self.gate = asyncio.Semaphore(self.in_flight)
        self._free_at = 0.0
        self._wait_s = _FIRST_WAIT_S

    async def turn(self) -> None:
        """Wait until the provider, which may have asked everybody to slow down, takes requests."""
        while (left_s := self._free_at - time.monotonic()) > 0:
            await asyncio.sleep(left_s)

    def slow_down(self, wait_s: float | None) -> None:
        """The provider throttles: nobody asks before `wait_s`; doubling where it does not say."""
        self._free_at = max(
            self._free_at, time.monotonic() + (self._wait_s if wait_s is None else wait_s)
        )
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)

    def go_on(self) -> None:
        """The provider took a request: patience starts anew."""
        self._wait_s = _FIRST_WAIT_S


@dataclass
class Purse:
    """The budget of a project: what is promised counts as spent from the moment it is asked."""

    money: Money
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def promise(self, usd: float, footage_s: float) -> str | None:
        """Reserve one take, or say why it is too much."""
        why = self.money.refuses(usd, footage_s)
        if why is None:
            self.money = self.money._replace(
                usd=self.money.usd + usd, takes=self.money.takes + 1,
                footage_s=self.money.footage_s + footage_s,
            )  # fmt: skip
        return why

    def settle(self, asked: Asked, settled: Settled) -> None:
        """Put the real cost in place of the promise."""
        never = settled.end == "not_accepted"
        self.money = self.money._replace(
            usd=self.money.usd - asked.price_usd + settled.cost_usd,
            takes=self.money.takes - never,
            footage_s=self.money.footage_s - never * asked.footage_s,
        )


@dataclass(frozen=True)
class Bought:
    """How an order ended: the slate of the take, or why there is none."""

    take: str | None
    why: str = ""


class Buyer:
    """Buys takes for one project.

    Args:
        store: ledger and vault.
        suppliers: generators by name.
        purse: the budget.
        threads: where blocking calls run.
    """

    def __init__(
        self, store: Store, suppliers: dict[str, Supplier], purse: Purse,
        threads: ThreadPoolExecutor,
    ) -> None:  # fmt: skip
        self._store, self._suppliers, self._purse = store, suppliers, purse
        self._threads = threads

    async def buy(self, order: Order, draft: Callable[[Order], Asked]) -> Bought:
        """The take of `order`: made now, found made, or the reason why there is none.

        Args:
            draft: the request for an order that has none yet; one that has is never changed.

        Raises:
            Paused: it is not known yet; the order must be tried again later.
            WrongKey: the provider does not take our key.
        """
        take = order["take"]
        supplier = self._suppliers[order["generator"]]
        settled = self._value("settled", take, Settled)
        if settled is not None:
            return _ended(settled)
        asked = self._value("asked", take, Asked)
        if asked is None:
            try:
                asked = await self._run(draft, order)
                await self._run(supplier.generator.check, self._request(asked))
            except CannotExpress as error:
                return Bought(None, str(error))
            async with self._purse.lock:
                why = self._purse.promise(asked.price_usd, asked.footage_s)
                if why is not None:
                    return Bought(None, f"Not asked for: {why}.")
                self._write("asked", take, asked)
        async with supplier.gate:
            return await self._make(asked, supplier)

    async def _make(self, asked: Asked, supplier: Supplier) -> Bought:
        try:
            job = await self._job(asked, supplier)
            status = await self._wait(asked, supplier, job)
            if status.state is not JobState.DONE:
                return self._settle(asked, _end_of(status), status.reason, status.cost_usd)
            return await self._fetched(asked, supplier, job, status)
        except Refused as error:
            return self._settle(asked, "refused", str(error), None)
        except TakeLost as error:
            return self._settle(asked, "lost", str(error), None)
        except CannotExpress as error:
            return self._settle(asked, "not_accepted", str(error), 0.0)

    async def _job(self, asked: Asked, supplier: Supplier) -> str:
        """The id of the job; submits only what certainly was not accepted before."""
        take, request = asked.take, self._request(asked)
        known: Accepted | None = self._value("accepted", take, Accepted)
        if known is not None:
            return known.job
        sent = self._store.ledger.all("sent", "declined", subject=asked.shot)
        mine = [row for row in sent if row.body["take"] == take]
        number = sum(row.kind == "sent" for row in mine)
        if number and mine[-1].kind == "sent" and asked.paid:
            found = await self._asked_after(request, supplier, mine[-1], asked)
            if found is not None:
                self._write("accepted", take, Accepted(take=take, job=found))
                return found
        return await self._submitted(asked, request, supplier, number)

    async def _submitted(
        self, asked: Asked, request: Request, supplier: Supplier, number: int
    ) -> str:
        give_up_at = time.monotonic() + supplier.patience_s
        while True:
            await supplier.turn()
            number += 1
            self._write("sent", f"{asked.take}/{number}", Sent(take=asked.take, number=number))
            try:
                job = await self._run(supplier.generator.submit, request)
            except (Throttled, Unavailable, WrongKey) as error:
                self._declined(asked, number, str(error))
                if isinstance(error, WrongKey):
                    raise
                if time.monotonic() > give_up_at:
                    raise Paused(f"{supplier.name} takes no requests: {error}") from None
                supplier.slow_down(getattr(error, "retry_after_s", None))
                continue
            except AnswerUnknown as error:
                raise Paused(_unknown(asked.take, supplier.name, str(error))) from None
            supplier.go_on()
            self._write("accepted", asked.take, Accepted(take=asked.take, job=job))
            return job

    async def _asked_after(
        self, request: Request, supplier: Supplier, sent: Row, asked: Asked
    ) -> str | None:
        """Ask the provider what became of a request whose answer was lost."""
        age_s = (datetime.now(UTC) - datetime.fromisoformat(sent.at)).total_seconds()
        await asyncio.sleep(max(supplier.listing_s - age_s, 0.0))
        try:
            job = await self._patient(supplier, supplier.generator.find, request, sent.at)
        except CannotExpress as error:
            raise Paused(_unknown(asked.take, supplier.name, str(error))) from None
        if job is None:
            self._declined(asked, int(sent.body["number"]), "The provider does not have it.")
        return job

    def _declined(self, asked: Asked, number: int, why: str) -> None:
        value = Declined(take=asked.take, number=number, why=why)
        self._write("declined", f"{asked.take}/{number}", value)

    async def _wait(self, asked: Asked, supplier: Supplier, job: str) -> Status:
        give_up_at = time.monotonic() + supplier.patience_s
        while True:
            status = await self._patient(supplier, supplier.generator.poll, job)
            if status.state in ENDED:
                return status
            if time.monotonic() > give_up_at:
                raise Paused(
                    f"{asked.take}: {supplier.name} is still at it after {supplier.patience_s:g} s "
                    f"({status.state}); 'filmgate resume' asks again."
                )
            await asyncio.sleep(
                supplier.poll_s if status.poll_after_s is None else status.poll_after_s
            )

    async def _fetched(self, asked: Asked, supplier: Supplier, job: str, status: Status) -> Bought:
        incoming = self._store.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f"{asked.take}.", dir=incoming)
        os.close(handle)
        path = Path(name)
        try:
            before = time.monotonic()
            result: Result = await self._patient(supplier, supplier.generator.fetch, job, path)
            media = await self._run(self._store.vault.put_file, result.path)
        finally:
            path.unlink(missing_ok=True)
        cost_usd = next(
            (c for c in (result.cost_usd, status.cost_usd) if c is not None), asked.price_usd
        )
        machine_s = time.monotonic() - before
        if result.machine_s is not None:
            machine_s = result.machine_s
        take = _take(asked, media, job, result, Cost(provider_usd=cost_usd, machine_s=machine_s))
        settled = Settled(take=asked.take, end="taken", cost_usd=cost_usd)
        self._store.ledger.append(
            New("take", asked.take, take, AUTHOR, asked.shot, names=_names(take)),
            New("settled", asked.take, settled, AUTHOR, asked.shot),
        )
        self._purse.settle(asked, settled)
        return Bought(asked.take)

    async def _patient(self, supplier: Supplier, call: Callable[..., R], *args: Any) -> R:
        """`call`, which costs nothing, repeated while the provider is busy or down."""
        give_up_at = time.monotonic() + supplier.patience_s
        wait_s = _FIRST_WAIT_S
        while True:
            try:
                return await self._run(call, *args)
            except (Throttled, Unavailable) as error:
                if time.monotonic() > give_up_at:
                    raise Paused(f"{supplier.name} does not answer: {error}") from None
                asked_s = getattr(error, "retry_after_s", None)
                await asyncio.sleep(wait_s if asked_s is None else asked_s)
                wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _settle(self, asked: Asked, end: Any, reason: str, cost_usd: float | None) -> Bought:
        settled = Settled(take=asked.take, end=end, reason=reason, cost_usd=cost_usd or 0.0)
        self._write("settled", asked.take, settled)
        self._purse.settle(asked, settled)
        return _ended(settled)

    def _request(self, asked: Asked) -> Request:
        """The request as it was written down, pictures out of the vault."""
        plain = dict(asked.request)
        pictures = tuple(
            Picture(self._store.vault.path(digest), digest, role, tag)
            for digest, role, tag in plain.pop("pictures")
        )
        size = plain.pop("size")
        return Request(pictures=pictures, size=tuple(size), **plain)

    def _value(self, kind: str, key: str, value: type[Any]) -> Any:
        row = self._store.ledger.get(kind, key)
        return None if row is None else row.value(value)

    def _write(self, kind: str, key: str, value: Any) -> None:
        names = tuple(p[0] for p in value.request["pictures"]) if kind == "asked" else ()
        self._store.ledger.append(New(kind, key, value, AUTHOR, shot_of(value.take), names=names))

    async def _run(self, call: Callable[..., R], *args: Any) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *args)


def _take(asked: Asked, media: str, job: str, result: Result, cost: Cost) -> Take:
    request = asked.request
    return Take(
        slate=asked.take, shot=asked.shot, number=asked.number, media=media, mime=result.mime,
        parent=asked.parent, cost=cost,
        recipe=Recipe(
            generator=asked.generator, model=str(request["model"]), returned_model=result.model,
            prompt=str(request["prompt"]), negative=str(request["negative"]),
            seed=request["seed"], references=asked.references, shot=request["shot"],
            parameters=request["parameters"], request=asked.hash, job=job,
            revisions=asked.revisions,
            repair="pickup" if "pickup" in request["parameters"] else None,
        ),
    )  # fmt: skip


def _names(take: Take) -> tuple[str, ...]:
    return (take.media, *(r.digest for r in take.recipe.references if r.digest))


def _ended(settled: Settled) -> Bought:
    if settled.end == "taken":
        return Bought(settled.take)
    word = {
        "refused": "The provider declined", "failed": "The provider failed",
        "lost": "The take is lost", "cancelled": "It was cancelled",
        "not_accepted": "It cannot be made",
    }[settled.end]  # fmt: skip
    return Bought(None, f"{word}: {settled.reason or 'no reason given'}")


def _end_of(status: Status) -> str:
    ends = {JobState.REFUSED: "refused", JobState.CANCELLED: "cancelled"}
    return ends.get(status.state, "failed")


def _unknown(take: str, supplier: str, why: str) -> str:
    return (
        f"{take}: submitted to {supplier}, answer unknown ({why.rstrip('.')}). It is not sent "
        f"again by itself: look at the provider's console, then say 'filmgate settle {take} --job "
        f"ID' or 'filmgate settle {take} --never-accepted'."
    )
