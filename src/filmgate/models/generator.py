"""The contract of a generator: something that turns a request into a take, sooner or later.

A job has one life: ``check`` refuses what the model cannot make before anything is sent, ``submit``
gives the job's id, ``poll`` says how it stands, ``fetch`` writes the take while the provider still
has it, ``cancel`` ends it. A provider may charge on ``submit``, so callers write down that they are
about to submit, write the job id down before they poll, and never submit again after a restart.

Every method blocks, sends at most one request that may cost money, and never retries it: who calls
decides. What went wrong is told by the class of the error (see `filmgate.errors`):
`Throttled` and `Unavailable` mean that nothing was accepted; `AnswerUnknown` means that it may
have been. No error text, log line or result ever holds a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from filmgate.schema.plan import Role
from filmgate.schema.value import canonical


class JobState(StrEnum):
    """How a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.REFUSED, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Status:
    """How a job stands.

    Attributes:
        state: where it is in its life.
        reason: why it was refused or failed, in the provider's words cut to one sentence.
        progress: 0 to 1, None when the provider does not say.
        poll_after_s: how long the provider asks to wait before the next poll, if it says.
        cost_usd: what it cost, None when the provider does not say.
    """

    state: JobState
    reason: str = ""
    progress: float | None = None
    poll_after_s: float | None = None
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Capability:
    """What a generator can do with one model.

    Attributes:
        model: Model id as the provider writes it.
        kinds: What comes out: ``video``, ``image``, ``audio``.
        longest_s: Longest take, seconds.
        sizes: Picture sizes (width, height) px it can make; empty means any even size.
        sound: Whether takes come with sound.
        seeded: Whether the same request gives the same take.
        offline: Whether it works without a network and without cost.
        references: How many reference pictures (assets and styles) a request may carry.
        first_frame, last_frame: Whether a request may say how the take starts, or ends.
        finds: Whether ``find`` can tell if a lost request was accepted.
        pickups: Whether ``parameters = {"pickup": {"from_frame": n}}`` makes the take before again
            from frame n on, and gives the whole.
    """

    model: str
    kinds: tuple[str, ...]
    longest_s: float
    sizes: tuple[tuple[int, int], ...] = ()
    sound: bool = False
    seeded: bool = False
    offline: bool = False
    references: int = 0
    first_frame: bool = False
    last_frame: bool = False
    finds: bool = False
    pickups: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """A reference picture to send.

    Attributes:
        path: file to read it from.
        digest: ``sha256:...`` of its bytes; this, not the path, is part of the request's hash.
        role: what it is for.
        tag: word by which the prompt speaks of it (``@tag``), or "".
    """

    path: Path
    digest: str
    role: Role = "asset"
    tag: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """One take asked for.

    Attributes:
        model: Model id out of the capabilities.
        prompt: The prompt as sent.
        negative: What must not be seen; models that take no such words get them in the prompt.
        seed: Seed as sent; providers need not honour it.
        duration_s: Length, seconds.
        size: Width and height, px.
        rate: Frames per second, "24" or "24000/1001".
        sound: Whether sound is wanted.
        pictures: Reference pictures.
        shot: The structured description (people, wardrobe, light, lens, drift to plant), for
            renderers that read one; providers never see it.
        parameters: Whatever else the provider takes, as JSON values.
        nonce: What makes this request differ from an equal one: slate and number of the take.
    """

    model: str
    prompt: str = ""
    negative: str = ""
    seed: int | None = None
    duration_s: float = 4.0
    size: tuple[int, int] = (640, 360)
    rate: str = "24"
    sound: bool = True
    pictures: tuple[Picture, ...] = ()
    shot: Mapping[str, object] = field(default_factory=dict)
    parameters: Mapping[str, object] = field(default_factory=dict)
    nonce: str = ""

    def plain(self) -> dict[str, object]:
        """The request as plain JSON values, pictures by digest: what the ledger keeps of it."""
        return {
            "model": self.model, "prompt": self.prompt, "negative": self.negative,
            "seed": self.seed, "duration_s": self.duration_s, "size": list(self.size),
            "rate": self.rate, "sound": self.sound,
            "pictures": [[p.digest, p.role, p.tag] for p in self.pictures],
            "shot": dict(self.shot), "parameters": dict(self.parameters), "nonce": self.nonce,
        }  # fmt: skip

    def hash(self, generator: str) -> str:
        """What identifies this request to `generator`: hexadecimal SHA-256 of all that is sent."""
        return hashlib.sha256(canonical({"generator": generator, **self.plain()})).hexdigest()


@dataclass(frozen=True, slots=True)
class Result:
    """A take that was fetched.

    Attributes:
        path: The file it was written to.
        model: Model id and version that the provider says made it; as asked when it does not say.
        cost_usd: What it cost; None when the provider does not say (the catalog's price is taken).
        mime: Media type.
        machine_s: Seconds of this machine that making it took; None where it was made elsewhere.
    """

    path: Path
    model: str
    cost_usd: float | None = None
    mime: str = "video/mp4"
    machine_s: float | None = None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a generator is made with.

    Attributes:
        folder: A folder of its own in the project's store, made on first use: job files, watch
            folders. What is in it survives a crash.
        timeout_s: Longest wait for one answer of the provider, seconds.
        workers: Processes it may render with.
        options: The table ``[generators.<name>]`` of the brief.
    """

    folder: Path
    timeout_s: float = 60.0
    workers: int = 1
    options: Mapping[str, object] = field(default_factory=dict)


@runtime_checkable
class Generator(Protocol):
    """What every file in ``generators/`` offers: ``GENERATOR`` is called with `Surroundings`.

    Making one sends nothing and needs no key; the key is read from the environment when first
    used, and its absence is a `WrongKey` that names the variable.
    """

    def capabilities(self) -> tuple[Capability, ...]:
        """The models on offer."""
        ...

    def check(self, request: Request) -> None:
        """Refuse what the model cannot make; sends nothing.

        Raises:
            CannotExpress: what does not fit, in one sentence with the model's limit.
        """
        ...

    def price_usd(self, request: Request) -> float:
        """What `request` will cost by the catalog's price, US dollars; 0 when it is free.

        Raises:
            BadSetting: no price is known; the text says where to give one.
        """
        ...

    def submit(self, request: Request) -> str:
        """Start a job and return its id.

        Raises:
            CannotExpress: as `check`; nothing was sent.
            WrongKey: no key, or the provider does not take it; nothing was accepted.
            Throttled, Unavailable: nothing was accepted.
            Refused: declined at once.
            AnswerUnknown: it was sent and the answer was lost.
        """
        ...

    def poll(self, job: str) -> Status:
        """How ``job`` stands; works in another process than the one that submitted.

        Raises:
            Throttled, Unavailable: ask again later.
            TakeLost: the provider does not know the job (any more).
        """
        ...

    def fetch(self, job: str, path: Path) -> Result:
        """Write the take of a finished ``job`` to ``path``, whole or not at all.

        Raises:
            Refused: the provider says it succeeded, and there is no take.
            Throttled, Unavailable: ask again later (also for a download that broke off).
            TakeLost: the link expired, or the job is forgotten.
        """
        ...

    def cancel(self, job: str) -> None:
        """End ``job``; one that has ended already stays as it is.

        Raises:
            TakeLost: the provider does not know the job.
        """
        ...

    def find(self, request: Request, since: str) -> str | None:
        """Job id of a request whose answer was lost, or None when the provider does not have it.

        A provider may list what it accepted a while later: shortly after sending, None may be
        premature.

        Args:
            request: the request as sent.
            since: ISO 8601 time (UTC) at which it was about to be sent.

        Raises:
            CannotExpress: the provider cannot be asked this (see `Capability.finds`).
            Throttled, Unavailable: ask again later.
        """
        ...
