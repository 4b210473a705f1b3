"""The contract of a generator: something that turns a request into a take, sooner or later.

A job has one life: ``submit`` gives its id, ``poll`` says how it stands, ``fetch`` writes the take
while the provider still has it, ``cancel`` ends it. A provider may charge on ``submit``, so callers
write the job id down before they poll, and never submit again after a restart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable


class JobState(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Capability:
    """What a generator can do.

    Attributes:
        model: Model id as the provider writes it.
        kinds: What comes out: ``video``, ``image``, ``audio``.
        longest_s: Longest take, seconds.
        sizes: Picture sizes (width, height) px it can make; empty means any even size.
        sound: Whether takes come with sound.
        seeded: Whether the same request gives the same take.
        offline: Whether it works without a network and without cost.
    """

    model: str
    kinds: tuple[str, ...]
    longest_s: float
    sizes: tuple[tuple[int, int], ...] = ()
    sound: bool = False
    seeded: bool = False
    offline: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One take asked for.

    Attributes:
        model: Model id out of the capabilities.
        prompt: The prompt as sent.
        seed: Seed as sent; providers need not honour it.
        parameters: Whatever else the provider takes, as JSON values.
    """

    model: str
    prompt: str = ""
    seed: int = 0
    parameters: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Result:
    """A take that was fetched.

    Attributes:
        path: The file it was written to.
        model: Model id and version that the provider says made it.
        cost: What it cost, in ``currency``.
        currency: ISO 4217 code, empty when nothing is charged.
    """

    path: Path
    model: str
    cost: float = 0.0
    currency: str = ""


@runtime_checkable
class Generator(Protocol):
    """What every file in ``generators/`` offers."""

    def capabilities(self) -> tuple[Capability, ...]:
        """The models on offer."""
        ...

    def submit(self, request: Request) -> str:
        """Start a job and return its id.

        Raises:
            UsageError: The request cannot be made as it stands; nothing was started.
        """
        ...

    def poll(self, job: str) -> JobState:
        """How ``job`` stands; never starts anything.

        Raises:
            UsageError: There is no such job.
        """
        ...

    def fetch(self, job: str, path: Path) -> Result:
        """Write the take of a finished ``job`` to ``path``.

        Raises:
            UsageError: There is no such job, or it has no take.
        """
        ...

    def cancel(self, job: str) -> None:
        """End ``job``; one that has ended already stays as it is."""
        ...
