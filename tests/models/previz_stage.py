"""What the tests of previz ask for: a medium shot of Maya in a kitchen, tiny."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import av

from filmgate.models.animatic.service.description import described
from filmgate.models.animatic.spec import ShotSpec
from filmgate.models.generator import JobState, Request, Surroundings
from filmgate.models.generators.previz import Previz

SMALL = (160, 90)
ROOM = {"name": "Kitchen", "kind": "flat", "seed": 3}
MAYA = {"name": "MAYA", "description": "a woman", "wardrobe": {"jacket": "navy"}}


def shot(slate: str = "12B", **more: object) -> dict[str, object]:
    """A medium shot of Maya in a kitchen."""
    return {
        "slate": slate, "sequence": "home", "scene": "12", "setup": "B", "place": ROOM,
        "people": [MAYA], "framing": "medium", "move": "static",
        "light": {"key_side": "left", "cct_k": 5000, "level_stops": 0.0},
        "sound": {"tone": "hush", "level_lufs": -36}, **more,
    }  # fmt: skip


def request(described: Mapping[str, object] | None = None, take: int = 1,
            **parameters: object) -> Request:  # fmt: skip
    """A tiny take of a shot."""
    of = shot() if described is None else dict(described)
    return Request(
        "previz-1", shot=of, duration_s=0.125, size=SMALL, parameters=parameters,
        nonce=f"{of.get('slate', '12B')}-{take}",
    )  # fmt: skip


def clean(**more: object) -> ShotSpec:
    """What a description becomes, tiny."""
    return described(shot(**more), ShotSpec(frames=3, size=SMALL), "12B")


def around(folder: Path, **options: object) -> Surroundings:
    """Without processes of its own, so that what is fetched is rendered here and now."""
    return Surroundings(folder, workers=0, options=options)


def certainly(kind: str, **more: object) -> dict[str, object]:
    """A failing model whose every take has this drift."""
    return {"drift_rate": 1.0, "kinds": [kind], **more}


def packets(path: Path, kind: str) -> list[bytes]:
    """The encoded packets of a file's pictures or sound."""
    with av.open(str(path)) as box:
        stream = next(s for s in box.streams if s.type == kind)
        return [bytes(p) for p in box.demux(stream) if p.size]


def wait_for(one: Previz, job: str, timeout_s: float = 60) -> JobState:
    """Poll as a caller does, until the job has ended."""
    end = time.monotonic() + timeout_s
    while (status := one.poll(job)).state is JobState.RUNNING and time.monotonic() < end:
        time.sleep(min(status.poll_after_s or 0.1, 0.2))
    return status.state
