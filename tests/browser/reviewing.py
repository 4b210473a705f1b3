"""The review room in a real browser: a project whose takes carry their frame numbers as pictures.

Everything is real: ledger, vault, graph, server, Chromium. Only generation and measuring are
staged, as in `tests.review.room`.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest
import uvicorn

from filmgate.interfaces.http.app import Server as RoomServer
from filmgate.interfaces.http.app import create
from filmgate.interfaces.http.room import Told
from filmgate.models.generator import Result
from filmgate.schema.plan import Plan
from filmgate.settings import Settings
from tests.orchestration.staged import FakeGenerator, no_tell, production
from tests.review.room import RoomStudio, planned, until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

T = TypeVar("T")
SIZE = (320, 180)
BITS, CELL_PX = 12, 24
SIZES = {"laptop": (1280, 720), "screen": (1920, 1080), "tablet": (820, 1180), "lying": (1180, 820)}
WAIT_MS = 20_000

READ_FRAME = f"""(picture) => {{
  const canvas = document.createElement('canvas');
  canvas.width = {SIZE[0]}; canvas.height = {SIZE[1]};
  const paint = canvas.getContext('2d', {{ willReadFrequently: true }});
  paint.drawImage(picture, 0, 0, canvas.width, canvas.height);
  let n = 0;
  for (let bit = 0; bit < {BITS}; bit++) {{
    if (paint.getImageData(bit * {CELL_PX} + {CELL_PX // 2}, 10, 1, 1).data[0] > 128) n |= 1 << bit;
  }}
  return n; }}"""
"""The frame number that is burnt into what a <video> or <img> shows."""


def write_numbered(
    path: Path, rate: Fraction = Fraction(24), frames: int = 24, hue: int = 60,
    codec: str = "libx264", uneven: bool = False,
) -> Path:  # fmt: skip
    """A clip whose every frame carries its number as bits along the top (lowest bit left).

    Long groups and B-frames: frames that are stored out of order, as generators deliver them.
    `uneven`: it starts late, and every third frame stays on twice as long.
    """
    import av

    width, height = SIZE
    with av.open(str(path), "w", format="mp4") as out:
        video = out.add_stream(codec, rate=rate)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.options = {"bf": "2", "g": "48"} if codec == "libx264" else {}
        for n in range(frames):
            image = np.full((height, width, 3), (hue, 110, 200 - hue), np.uint8)
            image[60:150, 20 + 2 * n % 240 :][:, :40] = (200, 170, 140)
            for bit in range(BITS):
                image[:20, bit * CELL_PX : (bit + 1) * CELL_PX] = 235 if n >> bit & 1 else 16
            picture = av.VideoFrame.from_ndarray(image, format="rgb24")
            picture.pts, picture.time_base = (n + n // 3 + 7) if uneven else n, 1 / rate
            out.mux(video.encode(picture))
        out.mux(video.encode())
    return path


@dataclass
class NumberedGenerator(FakeGenerator):
    """Makes numbered clips. `rates`, `codecs`, `uneven`: by shot; `bad`: digests that drift."""

    frames: int = 24
    rates: Mapping[str, Fraction] = field(default_factory=dict)
    codecs: Mapping[str, str] = field(default_factory=dict)
    uneven: set[str] = field(default_factory=set)
    bad: set[str] = field(default_factory=set)

    def fetch(self, job: str, path: Path) -> Result:
        result = super().fetch(job, path)
        said = json.loads(path.read_text())
        shot = said["take"].rpartition("-")[0]
        hue = int(hashlib.sha256(said["take"].encode()).hexdigest()[:2], 16) % 150
        rate = self.rates.get(shot, Fraction(24))
        codec = self.codecs.get(shot, "libx264")
        write_numbered(path, rate, self.frames, hue, codec, shot in self.uneven)
        if said["drift"]:
            self.bad.add(hashlib.sha256(path.read_bytes()).hexdigest())
        return result


@dataclass
class Production:
    """A project that was run once, ready to be served."""

    root: Path
    made: Any
    told: Told

    def resume(self) -> Any:
        """Go on as `filmgate resume` does."""
        return apart(lambda: self.made.run(no_tell))

    def facts(self, *kinds: str) -> list[Any]:
        """Facts of the ledger."""
        return list(self.made.store.ledger.all(*kinds))


def apart(call: Callable[[], T]) -> T:
    """Call it in another thread: Playwright keeps an event loop in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(call).result()


def stage(
    root: Path, monkeypatch: pytest.MonkeyPatch, shots: int = 4, plan: Plan | None = None,
    generator: NumberedGenerator | None = None, takes: int = 1,
    drifting: set[str] | None = None, **told: Any,
) -> Production:  # fmt: skip
    """Run a project whose `drifting` shots (all, when None) wait for a person."""
    from tests.orchestration.staged import brief

    plan = plan or planned(shots)
    generator = generator or NumberedGenerator()
    everything = {shot.slate for shot in plan.shots()}
    generator.stubborn = everything if drifting is None else drifting
    settings = Settings(store=root, workers=1)
    studio: Any = RoomStudio(settings, generator.bad)
    made = production(root, monkeypatch, plan, generator, brief(takes=takes), studio)
    apart(lambda: made.run(no_tell))
    usual = {"local": "ana", "audit_rate": 0.0, "checker": lambda: studio}
    return Production(root, made, Told(settings, **{**usual, **told}))


class Server:
    """The room behind a real socket, on a port that it keeps when it is stopped and started."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.port = 0
        self._running: tuple[uvicorn.Server, threading.Thread, socket.socket] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, at the same port as before."""
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        config = uvicorn.Config(
            create(self.told), log_level="error", access_log=False, ws="none",
            timeout_graceful_shutdown=1,
        )  # fmt: skip
        server = RoomServer(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        until(lambda: server.started)
        self._running = server, thread, bound

    def stop(self) -> None:
        """Stop listening; connections that are open are cut."""
        if self._running is None:
            return
        server, thread, bound = self._running
        self._running = None
        server.should_exit = True
        thread.join(15)
        bound.close()


@contextlib.contextmanager
def serving(told: Told) -> Iterator[Server]:
    """A running `Server`."""
    server = Server(told)
    server.start()
    try:
        yield server
    finally:
        server.stop()


class Visit:
    """One person's page, and everything that went wrong in it."""

    def __init__(
        self, browser: Browser, server: Server, size: tuple[int, int] = (1280, 720)
    ) -> None:
        self.context: BrowserContext = browser.new_context(
            viewport={"width": size[0], "height": size[1]}
        )
        self.server = server
        self.trouble: list[str] = []
        self.asked: list[str] = []
        self.page = self.new_page()

    def new_page(self) -> Page:
        """Another page of the same browser."""
        page = self.context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda m: self.trouble.append(m.text))
        page.on("pageerror", lambda e: self.trouble.append(str(e)))
        page.on("request", lambda r: self.asked.append(r.url))
        self.page = page
        return page

    def open(self, path: str = "/") -> Page:
        """Go to a page of the room and wait until it is there."""
        self.page.goto(self.server.url + path)
        if path == "/":
            self.page.wait_for_selector("[role=option], #empty:not([hidden])")
        elif path.startswith("/take"):
            self.page.wait_for_selector("#take:not([hidden]) #name-take b")
        return self.page

    @property
    def slate(self) -> str:
        """Slate of the take on the table."""
        return self.page.inner_text("#name-take b")

    def begin(self) -> str:
        """From the queue to the first take, by key."""
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector("#take:not([hidden]) #name-take b")
        return self.slate

    def another(self, slate: str) -> str:
        """Wait for a take other than this one; its slate."""
        name = "document.querySelector('#name-take b')"
        self.page.wait_for_function(f"s => {name} && {name}.textContent !== s", arg=slate)
        return self.slate

    def counts(self, text: str) -> None:
        """Wait until the queue says that."""
        said = "t => document.querySelector('#queue-count').textContent === t"
        self.page.wait_for_function(said, arg=text)

    def pause(self) -> None:
        """Make it stand."""
        self.page.wait_for_selector('#play[aria-label="Pause"]')  # it begins by itself
        self.page.keyboard.press("Space")
        self.page.wait_for_selector('#play[aria-label="Play"]')

    def stored(self) -> None:
        """Wait until nothing is kept in the browser any more."""
        self.page.wait_for_selector('#server[data-state="up"]')

    def people(self, slate: str) -> Any:
        """What people said of a take, as the server tells it."""
        answer = self.context.request.get(f"{self.server.url}/api/takes/{slate}")
        assert answer.ok, answer.text()
        return answer.json()["people"]

    def close(self) -> None:
        """Leave."""
        self.context.close()

    def __enter__(self) -> Visit:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self.close()
        # What the network or the server refuses the browser tells by itself, and the page handles.
        wrong = [text for text in self.trouble if "Failed to load resource" not in text]
        assert kind is not None or not wrong, wrong


def rulings(facts: Sequence[Any]) -> dict[str, list[str]]:
    """Take to what was ruled on it, in order."""
    found: dict[str, list[str]] = {}
    for fact in facts:
        found.setdefault(fact.body["take"], []).append(fact.body["ruling"])
    return found
