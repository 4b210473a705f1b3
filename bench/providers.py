"""Each provider's adapter against its loopback server: one line per provider and capability.

    python -m bench.providers [--only runway]

Nothing leaves the machine and no key is needed. A line that does not hold says what was seen
instead, and the command ends with 1. What the real services do may differ from the recorded wire
format that the servers speak; a line says that the adapter keeps its promises towards the latter.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import av

from bench import providers_loop
from bench.loopback import media, server
from bench.loopback.jobs import Jobs
from bench.loopback.openai_videos import MODEL, OpenAIVideos
from bench.loopback.runway import Runway
from bench.loopback.server import Fault
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
from filmgate.models.generator import Generator, JobState, Picture, Request, Surroundings

Line = tuple[str, Callable[[], str]]
TIMEOUT_S = 0.5
_SECRETS = ("KEY", "SECRET", "TOKEN", "CREDENTIAL", "BASE_URL", "PROXY", "GOOGLE_")


class Broken(AssertionError):
    """A promise that did not hold; the text says what was seen."""


def hold(condition: bool, seen: object) -> None:
    """Fail the line unless `condition` holds."""
    if not condition:
        raise Broken(f"saw {seen}")


@dataclass(frozen=True, slots=True)
class Stage:
    """One adapter and the server it plays against."""

    name: str
    build: Callable[[], Any]
    request: Request
    link: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @contextmanager
    def play(self) -> Iterator[Scene]:
        """A server, an environment that leads there and nowhere else, an adapter."""
        with (
            tempfile.TemporaryDirectory(prefix="filmgate-providers-") as temporary,
            self.build() as fake,
            environment(fake.environment()),
        ):
            folder = Path(temporary)
            around = Surroundings(folder / "own", 30.0, options=self.options)
            yield Scene(self, fake, folder, self.adapter(around))

    def adapter(self, around: Surroundings) -> Generator:
        """The adapter made anew."""
        module = importlib.import_module(f"filmgate.models.generators.{self.name}")
        made: Generator = module.GENERATOR(around)
        return made


@dataclass(frozen=True, slots=True)
class Scene:
    """What a line has to do with."""

    stage: Stage
    fake: Any
    folder: Path
    maker: Generator

    def hasty(self) -> Generator:
        """The adapter made to wait `TIMEOUT_S` at most, for what never answers."""
        around = Surroundings(self.folder / "own", TIMEOUT_S, options=self.stage.options)
        return self.stage.adapter(around)

    @property
    def jobs(self) -> Jobs:
        """Jobs of the server."""
        jobs: Jobs = self.fake.jobs
        return jobs

    def take(self, request: Request, name: str = "take.mp4") -> str:
        """Ask, wait and fetch; what arrived, in words."""
        job = self.maker.submit(request)
        while (status := self.maker.poll(job)).state not in (JobState.DONE, JobState.REFUSED):
            time.sleep(0.01)
        hold(status.state is JobState.DONE, status)
        result = self.maker.fetch(job, self.folder / name)
        cost = "" if result.cost_usd is None else f", {result.cost_usd:.2f} USD"
        return f"{described(result.path)}{cost}; {self.once()}"

    def once(self) -> str:
        """That one request was paid for."""
        hold(self.fake.count("submit") == self.jobs.paid == 1, self.fake.count("submit"))
        return "1 request, 1 paid"

    def failing(self, error: type[FilmgateError], call: Callable[[], object]) -> str:
        """`call` must fail in exactly this way, in one sentence; the sentence."""
        try:
            seen = call()
        except FilmgateError as caught:
            hold(type(caught) is error and "\n" not in str(caught), repr(caught))
            return f"{error.__name__}: {caught}"
        raise Broken(f"no error, but {seen}")


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """`values` in place of every key and address there is."""
    before = dict(os.environ)
    for name in [n for n in os.environ if any(word in n.upper() for word in _SECRETS)]:
        del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def described(path: Path) -> str:
    """A take in words, decoded."""
    with av.open(str(path)) as opened:
        video = opened.streams.video[0]
        frames = sum(1 for _ in opened.decode(video))
        sound = ", sound" if opened.streams.audio else ""
        return f"{video.width}x{video.height}, {frames} frame{'s' * (frames != 1)}{sound}"


def picture(folder: Path, role: str = "asset", tag: str = "") -> Picture:
    path = folder / f"{role}.png"
    path.write_bytes(media.still())
    return Picture(path, f"sha256:{role}", role, tag)  # type: ignore[arg-type]


def words(stage: Stage) -> str:
    with stage.play() as scene:
        return scene.take(stage.request)


def frames(stage: Stage, model: str, roles: Sequence[str], length_s: float) -> str:
    with stage.play() as scene:
        pictures = tuple(picture(scene.folder, role) for role in roles)
        return scene.take(
            replace(stage.request, model=model, pictures=pictures, duration_s=length_s)
        )


def footage(stage: Stage) -> str:
    with stage.play() as scene:
        path = scene.folder / "source.mp4"
        path.write_bytes(media.movie())
        change = Request("aleph2", "The jacket is navy.", duration_s=1.0, size=(160, 90),
                         parameters={"video": str(path)})  # fmt: skip
        return scene.take(change)


def references(stage: Stage) -> str:
    with stage.play() as scene:
        sent = (picture(scene.folder, "asset", "maya"), picture(scene.folder, "style"))
        said = scene.take(
            Request("gen4_image", "@maya at a desk", size=(1920, 1080), pictures=sent), "still.png"
        )
        body = scene.fake.calls("submit")[0].json()
        hold([r.get("tag") for r in body["referenceImages"]] == ["maya", None], body)
        return f"still {said}"


def slow(stage: Stage) -> str:
    with stage.play() as scene:
        scene.jobs.plan(after=3)
        job = scene.maker.submit(stage.request)
        seen = [scene.maker.poll(job) for _ in range(4)]
        states = [s.state for s in seen]
        hold(states[0] is JobState.QUEUED and states[-1] is JobState.DONE, states)
        shares = " ".join(f"{s.progress:.2f}" for s in seen if s.progress is not None)
        return f"{' '.join(states)}, progress {shares}, asks to wait {seen[0].poll_after_s:g} s"


def refusal(stage: Stage) -> str:
    with stage.play() as scene:
        scene.jobs.plan("refused")
        job = scene.maker.submit(stage.request)
        status = scene.maker.poll(job)
        hold(status.state is JobState.REFUSED and bool(status.reason), status)
        return scene.failing(Refused, lambda: scene.maker.fetch(job, scene.folder / "t.mp4"))


def empty(stage: Stage) -> str:
    with stage.play() as scene:
        scene.jobs.plan("empty")
        job = scene.maker.submit(stage.request)
        scene.maker.poll(job)
        return scene.failing(Refused, lambda: scene.maker.fetch(job, scene.folder / "t.mp4"))


def throttled(stage: Stage) -> str:
    with stage.play() as scene:
        scene.fake.script("submit", server.throttle(3), server.throttle())
        with_time = scene.failing(Throttled, lambda: scene.maker.submit(stage.request))
        scene.failing(Throttled, lambda: scene.maker.submit(stage.request))
        hold(scene.jobs.paid == 0, scene.jobs.paid)
        scene.maker.submit(stage.request)
        return f"{with_time} Also without Retry-After; the third try was accepted, 1 paid"


def down(stage: Stage) -> str:
    with stage.play() as scene:
        scene.fake.script("submit", server.broken(503))
        said = scene.failing(Unavailable, lambda: scene.maker.submit(stage.request))
        hold(scene.jobs.paid == 0, scene.jobs.paid)
        return f"{said}; 0 paid"


def lost_once(stage: Stage, fault: Fault) -> str:
    with stage.play() as scene:
        maker = scene.hasty() if fault.trick == "hang" else scene.maker
        scene.fake.script("submit", fault)
        said = scene.failing(AnswerUnknown, lambda: maker.submit(stage.request))
        hold(scene.fake.count("submit") == 1, scene.fake.count("submit"))
        return said


def lost(stage: Stage) -> str:
    faults = (
        server.broken(500, accepted=True), server.broken(502, json_body=False), server.malformed(),
        server.html(), server.truncated(), server.dropped(),
    )  # fmt: skip
    said = [lost_once(stage, fault) for fault in faults]
    return f"{said[-1]} {len(said)} ways, 1 request each"


def hanging(stage: Stage) -> str:
    return f"{lost_once(stage, server.hang())} 1 request"


def wrong_key(stage: Stage) -> str:
    with stage.play() as scene:
        scene.fake.script("submit", server.refused(401))
        return scene.failing(WrongKey, lambda: scene.maker.submit(stage.request))


def limit(stage: Stage) -> str:
    with stage.play() as scene:
        wrong = replace(stage.request, duration_s=90)
        said = scene.failing(CannotExpress, lambda: scene.maker.submit(wrong))
        hold(not scene.fake.calls(), scene.fake.calls())
        return f"{said} 0 requests"


def download(stage: Stage) -> str:
    with stage.play() as scene:
        job = scene.maker.submit(stage.request)
        path = scene.folder / "takes" / "t.mp4"
        faults = (server.truncated(), server.html(), server.broken(502), server.stalled())
        said = []
        for fault in faults:
            maker = scene.hasty() if fault.trick == "stalled" else scene.maker
            scene.fake.script(stage.link, fault)
            said.append(scene.failing(Unavailable, partial(maker.fetch, job, path)))
            hold(not list(path.parent.glob("*")), list(path.parent.glob("*")))
        scene.fake.script(stage.link)
        scene.maker.fetch(job, path)
        whole = f"then {described(path)}; {scene.once()}"
        return f"{said[0]} {len(said)} ways, nothing left behind; {whole}"


def expired(stage: Stage) -> str:
    with stage.play() as scene:
        job = scene.maker.submit(stage.request)
        said = []
        for status in (403, 404, 410):
            scene.fake.script(stage.link, server.expired(status))
            said.append(
                scene.failing(TakeLost, lambda: scene.maker.fetch(job, scene.folder / "t.mp4"))
            )
        return said[0] + " Likewise 404 and 410"


RESUME = """
import json, sys, pathlib
from filmgate.models.generator import Surroundings
from filmgate.models.generators.{name} import GENERATOR
maker = GENERATOR(Surroundings(pathlib.Path(sys.argv[1]), options=json.loads(sys.argv[4])))
print(maker.poll(sys.argv[2]).state, maker.fetch(sys.argv[2], pathlib.Path(sys.argv[3])).mime)
"""


def resume(stage: Stage) -> str:
    with stage.play() as scene:
        job = scene.maker.submit(stage.request)
        path = scene.folder / "take.mp4"
        done = subprocess.run(
            [sys.executable, "-c", RESUME.format(name=stage.name), str(scene.folder / "own"), job,
             str(path), json.dumps(dict(stage.options))],
            capture_output=True, text=True, check=False, env=dict(os.environ),
        )  # fmt: skip
        hold(done.stdout.split() == ["done", "video/mp4"], done.stdout + done.stderr[-300:])
        return f"another process polled and fetched {described(path)}; {scene.once()}"


def found(stage: Stage) -> str:
    with stage.play() as scene:
        since = datetime.datetime.now(datetime.UTC).isoformat()
        scene.fake.script("submit", server.dropped(accepted=True))
        scene.failing(AnswerUnknown, lambda: scene.maker.submit(stage.request))
        if not scene.maker.capabilities()[0].finds:
            return scene.failing(CannotExpress, lambda: scene.maker.find(stage.request, since))
        job = scene.maker.find(stage.request, since)
        hold(job == scene.jobs.all()[0].id, job)
        return f"found by asking for the list; {scene.once()}"


def ended(stage: Stage) -> str:
    with stage.play() as scene:
        scene.jobs.plan(after=99)
        job = scene.maker.submit(stage.request)
        scene.maker.cancel(job)
        state = scene.maker.poll(job).state
        hold(state is JobState.CANCELLED, state)
        scene.jobs.plan()
        done = scene.maker.submit(stage.request)
        scene.maker.cancel(done)
        scene.maker.fetch(done, scene.folder / "t.mp4")
        return "a running job ends; the take of a finished one is not deleted"


COMMON: tuple[tuple[str, Callable[[Stage], str]], ...] = (
    ("text to video", words),
    ("slow job", slow),
    ("refusal", refusal),
    ("success without a take", empty),
    ("throttled", throttled),
    ("down (503)", down),
    ("submitted, answer lost", lost),
    ("submitted, no answer in time", hanging),
    ("lost answer reconciled", found),
    ("wrong key", wrong_key),
    ("beyond a limit", limit),
    ("download breaks off", download),
    ("expired link", expired),
    ("resume in a new process", resume),
    ("cancel", ended),
)
"""What every provider behind HTTP must do."""


def common(stage: Stage) -> list[Line]:
    return [(f"{stage.name}: {what}", partial(play, stage)) for what, play in COMMON]


RUNWAY = Stage(
    "runway", Runway, Request("gen4.5", "An office corridor.", duration_s=5, size=(1280, 720)),
    "link", {"poll_after_s": 0.0},
)  # fmt: skip
OPENAI = Stage(
    "openai_videos", OpenAIVideos,
    Request(MODEL, "An office corridor.", duration_s=4, size=(1280, 720)),
    "content", {"poll_after_s": 0.0, "models": {MODEL: {}}},
)  # fmt: skip


def dropped_film() -> str:
    """The folder generator: a person drops a take."""
    from filmgate.models.generators.folder import Folder

    with tempfile.TemporaryDirectory(prefix="filmgate-providers-") as temporary:
        root = Path(temporary)
        around = Surroundings(root / "own", options={"settle_s": 0.05})
        request = Request("folder", "An office corridor.", nonce="1A-1",
                          pictures=(picture(root, "asset", "maya"),))  # fmt: skip
        job = Folder(around).submit(request)
        drop = root / "own" / "outbox" / f"{job}.mp4"
        states = []
        for data in (None, media.movie()[:900], media.movie()):
            if data is not None:
                drop.write_bytes(data)
            maker = Folder(around)
            maker.poll(job)
            time.sleep(0.06)
            states.append(maker.poll(job))
        hold([s.state for s in states] == ["queued", "running", "done"], states)
        result = maker.fetch(job, root / "take.mp4")
        return f"task {job}; half a file: '{states[1].reason}'; then {described(result.path)}"


def lines() -> list[Line]:
    """Every line there is; Google's are with its server."""
    made = [
        *common(RUNWAY),
        ("runway: image to video", lambda: frames(RUNWAY, "gen4.5", ["first_frame"], 5)),
        ("runway: first and last frame",
         lambda: frames(RUNWAY, "veo3.1", ["first_frame", "last_frame"], 8)),
        ("runway: video to video", lambda: footage(RUNWAY)),
        ("runway: still with references", lambda: references(RUNWAY)),
        *common(OPENAI),
        ("openai_videos: image to video", lambda: frames(OPENAI, MODEL, ["first_frame"], 4)),
        ("folder: a person drops a take", dropped_film),
    ]  # fmt: skip
    if importlib.util.find_spec("bench.loopback.google"):
        made += getattr(importlib.import_module("bench.loopback.google"), "LINES", [])
    return made + providers_loop.lines(environment)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.providers", description=__doc__)
    parser.add_argument("--only", default="", help="lines that begin with this")
    asked = parser.parse_args(arguments)
    broken, count = 0, 0
    for what, play in lines():
        if not what.startswith(asked.only):
            continue
        count += 1
        begun = time.monotonic()
        try:
            verdict, said = "ok  ", play()
        except Exception as error:  # a line that breaks must not hide the others
            broken += 1
            verdict, said = "FAIL", f"{type(error).__name__}: {error}"
        print(f"{verdict}  {what:<44} {time.monotonic() - begun:5.1f} s  {said}", flush=True)
    print(f"{count - broken} of {count} lines hold")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
