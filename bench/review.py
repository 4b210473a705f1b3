"""The review room under load: how quick its answers are, and whether a decision is ever lost.

    python -m bench.review                    5,000 takes; 20 reviewers, 2,000 decisions a minute
    python -m bench.review --takes 500 --seconds 10
    python -m bench.review --keep FOLDER      leaves the project there, to open it by hand

The project is written straight into a ledger and a vault, as a run would have: every take has the
ten facts of one, a small H.264 file of its own bytes, and three of four wait for a person. The
server is a process of its own on loopback. Wall seconds of the client, everything on one machine,
so the clients' own work is in the figures.

A shot of such a project has no LangGraph thread, so a decision on it is told to a graph that has
never run; that it is applied to one that waits is tested in ``tests/interfaces``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from bench import tables
from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.review import auth
from filmgate.schema.brief import Brief
from filmgate.schema.decision import Handoff, VerdictFact
from filmgate.schema.plan import Plan, PlannedSequence, PlannedShot, letters
from filmgate.schema.purchase import Accepted, Asked, RunFact, Sent, Settled, Standing
from filmgate.schema.take import Recipe, Take

REEL: Final = 100
"""Shots of one sequence."""
WAITING: Final = 0.75
BATCH: Final = 200
QUEUE_LIMIT_S, TAKE_LIMIT_S = 0.2, 0.1
PROMPT: Final = "A corridor at night, practical lamps, a woman in a red jacket walks away. " * 8


# --- a project -----------------------------------------------------------------------------------


def clip_bytes(folder: Path) -> bytes:
    """Four seconds of a small moving picture, H.264 in MP4."""
    import av
    import numpy as np

    path = folder / "clip.mp4"
    ramp = np.linspace(30, 220, 640)[None, :, None]
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        for n in range(96):
            image = np.broadcast_to(np.roll(ramp, 6 * n, 1), (360, 640, 3)).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = n, Fraction(1, 24)
            out.mux(stream.encode(frame))
        out.mux(stream.encode())
    return path.read_bytes()


def numbered(clip: bytes, number: int) -> bytes:
    """The same picture with other bytes: a box that players skip is put at the end."""
    return clip + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")


def plan(takes: int) -> Plan:
    """Sequences of `REEL` shots."""
    reels = [range(a, min(a + REEL, takes)) for a in range(0, takes, REEL)]
    return Plan(
        title="Under load",
        sequences=tuple(
            PlannedSequence(
                id=f"sequence {s + 1}",
                shots=tuple(
                    PlannedShot(
                        slate=f"{s + 1}{letters(n % REEL)}", sequence=f"sequence {s + 1}",
                        scene=str(s + 1), setup="A", action=PROMPT,
                    )
                    for n in reel
                ),
            )
            for s, reel in enumerate(reels)
        ),
    )  # fmt: skip


def facts_of(shot: PlannedShot, digest: str, before: tuple[str, str] | None, n: int) -> list[New]:
    """What a run writes about a shot that it made one take of."""
    rng = random.Random(n)
    slate, name = f"{shot.slate}-1", shot.slate
    waits = rng.random() < WAITING
    finding: dict[str, object] = {
        "check": rng.choice(["grade", "wardrobe", "lighting", "geometry"]),
        "attribute": "grade/tonal_bands", "against": "neighbour" if before else "consensus",
        "other": before[0] if before else None, "status": "drift", "unit": "de00",
        "magnitude": rng.uniform(3, 20), "tolerance": 3.0, "p_value": 0.004, "frames": [0, 12],
        "box": [0.1, 0.2, 0.3, 0.4], "other_frames": [95], "reason": "The mids are warmer.",
        "this": {"text": "L* 52", "hex": "#8a7f70"}, "reference": {"text": "L* 48"},
    }  # fmt: skip
    word, state = ("escalate", "escalated") if waits else ("circle", "circled")
    request = {"model": "previz-1", "prompt": PROMPT, "shot": shot.plain(), "pictures": []}
    verdict = VerdictFact(
        take=slate, word="escalate" if waits else "circle", round=1, calibration="bench",
        findings=(finding, {**finding, "attribute": "grade/white"}) if waits else (),
        score=rng.uniform(0.5, 1) if waits else 0.1, p_value=0.004,
        compared={before[0]: before[1]} if before else {},
    )  # fmt: skip
    take = Take(
        slate=slate, shot=name, number=1, media=digest,
        recipe=Recipe(generator="previz", model="previz-1", prompt=PROMPT, shot=shot.plain()),
    )  # fmt: skip
    asked = Asked(
        take=slate, shot=name, number=1, generator="previz", hash="0" * 64, request=request,
        footage_s=4.0, paid=False,
    )  # fmt: skip

    def handoff(source: str, target: str) -> New:
        value = Handoff(item=name, run="bench", source=source, target=target, attempt=1)
        return New("handoff", f"{slate}/{source}", value, "filmgate", name)

    return [
        New("asked", slate, asked, "filmgate", name),
        New("sent", f"{slate}/1", Sent(take=slate, number=1), "filmgate", name),
        New("accepted", slate, Accepted(take=slate, job=slate), "filmgate", name),
        New("take", slate, take, "filmgate", name, names=(digest,)),
        New("settled", slate, Settled(take=slate, end="taken"), "filmgate", name),
        handoff("plan", "generate"), handoff("generate", "verify"),
        New("verdict", f"{slate}/1", verdict, "filmgate", name),
        New("standing", f"{name}/1", Standing(shot=name, state=state, take=slate, reason=word),
            "filmgate", name),
    ]  # fmt: skip


def write_project(root: Path, takes: int) -> None:
    """A project of `takes` shots with one take each."""
    made = plan(takes)
    with Store(root) as store, tempfile.TemporaryDirectory() as folder:
        clip = clip_bytes(Path(folder))
        told = RunFact(run="bench", plan=store.vault.put(made.canonical()),
                       told=Brief(file="brief.toml").plain())  # fmt: skip
        store.ledger.append(New("run", "bench", told, "filmgate", names=(told.plan,)))
        batch: list[New] = []
        before: tuple[str, str] | None = None
        for n, shot in enumerate(made.shots()):
            data = numbered(clip, n)
            name = hashlib.sha256(data).hexdigest()
            place = root / "vault" / name[:2] / name
            # Not through the vault: it waits for the disk at each file, as it must in a run.
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(data)
            same = before if n % REEL else None
            batch += facts_of(shot, f"sha256:{name}", same, n)
            before = (shot.slate, f"sha256:{name}")
            if len(batch) >= BATCH * 9:
                store.ledger.append(*batch)
                batch = []
        if batch:
            store.ledger.append(*batch)


# --- a server and its clients --------------------------------------------------------------------


@contextlib.contextmanager
def server(root: Path, *options: str) -> Iterator[tuple[int, float]]:
    """The room in a process of its own: its port, and seconds until it was open."""
    program = "from filmgate.interfaces.review import review_app; review_app()"
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-c", program, "--port", "0", "--store", str(root), *options],
        stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        port = int(said.split("127.0.0.1:")[1].split("/")[0])
        client = Client(port)
        client.ask("GET", "/api/session", expect=(200, 401))
        yield port, time.perf_counter() - begin
    finally:
        process.terminate()
        process.wait(20)


class Client:
    """One reviewer's browser."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._headers = {"Content-Type": "application/json"}
        self.took: dict[str, list[float]] = {}
        self.session: dict[str, Any] = {}
        if token is not None:
            self.session = self.ask("POST", "/api/session", {"token": token})
            self._headers["X-Filmgate-CSRF"] = self.session["csrf"]

    def local(self) -> Client:
        """As the person at the keyboard."""
        self.session = self.ask("GET", "/api/session")
        self._headers["X-Filmgate-CSRF"] = self.session["csrf"]
        return self

    def ask(
        self, method: str, path: str, body: Any = None, kind: str = "",
        expect: Sequence[int] = (200, 201),
    ) -> Any:  # fmt: skip
        """One request; its seconds are kept under `kind`."""
        begin = time.perf_counter()
        data = None if body is None else json.dumps(body).encode()
        self._line.request(method, path, data, self._headers)
        answer = self._line.getresponse()
        said = answer.read()
        self.took.setdefault(kind or path, []).append(time.perf_counter() - begin)
        cookie = answer.getheader("set-cookie")
        if cookie:
            self._headers["Cookie"] = cookie.split(";")[0]
        if answer.status not in expect:
            raise AssertionError(f"{method} {path}: {answer.status} {said[:300]!r}")
        return json.loads(said) if said[:1] in (b"{", b"[") else said


def milliseconds(values: Sequence[float]) -> list[object]:
    """Count, median, 95th percentile and worst of seconds, in ms."""
    ordered = sorted(values)
    high = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return [
        len(ordered), f"{statistics.median(ordered) * 1e3:.1f}", f"{high * 1e3:.1f}",
        f"{ordered[-1] * 1e3:.1f}",
    ]  # fmt: skip


def alone(port: int) -> tuple[list[list[object]], float, list[float]]:
    """One reviewer's answers: rows of a table, the first queue answer (s), the takes' (s)."""
    client = Client(port).local()
    first = client.ask("GET", "/api/queue?limit=200", kind="first")
    first_s = client.took["first"][0]
    slates = [row["slate"] for row in first["rows"][:60]]
    digests = [row["media"] for row in first["rows"][:20]]
    for slate in slates:
        client.ask("GET", f"/api/takes/{slate}", kind="take, first time")
    for slate in slates:
        client.ask("GET", f"/api/takes/{slate}", kind="take, again")
    for _ in range(10):
        client.ask("GET", "/api/queue?limit=200", kind="queue, 200 rows")
        client.ask("GET", "/api/queue?limit=5000&state=all", kind="queue, all rows")
    for digest in digests:
        client.ask("GET", f"/media/{digest}", kind="media, whole file")
        client.ask("GET", f"/frames/{digest}/48.png", kind="frame 48 as PNG, first time")
        client.ask("GET", f"/frames/{digest}/49.png", kind="the frame after it")
        client.ask("GET", f"/scopes/{digest}/48/waveform.png", kind="waveform")
    kinds = [k for k in client.took if not k.startswith("/")]
    rows = [[kind, *milliseconds(client.took[kind])] for kind in kinds if kind != "first"]
    rows.insert(0, ["queue, the very first answer", *milliseconds([first_s])])
    return rows, first_s, client.took["take, first time"]


@dataclass
class Tally:
    """What reviewers did together."""

    written: dict[str, str] = field(default_factory=dict)
    conflicts: int = 0
    errors: list[str] = field(default_factory=list)
    took: dict[str, list[float]] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def judge(
    client: Client, slates: list[str], pace_s: float, until_s: float, tally: Tally
) -> None:  # fmt: skip
    """One reviewer: look at a take, decide, the next; at most one every `pace_s`."""
    due = time.monotonic() + random.uniform(0, pace_s)
    for slate in slates:
        time.sleep(max(0.0, due - time.monotonic()))
        due += pace_s
        if time.monotonic() > until_s:
            break
        key = uuid.uuid4().hex
        try:
            take = client.ask("GET", f"/api/takes/{slate}", kind="take")
            body = {
                "key": key, "take": take["slate"], "expects": take["rulings"], "person_s": pace_s,
                "ruling": random.choice(["circle", "hold", "ng", "intended"]),
                "reasons": [r["code"] for r in take["machine"]["reasons"][:1]],
                "scores": {"taste": 4, "narrative": 3},
            }  # fmt: skip
            said = client.ask("POST", "/api/decide", body, "decide", (200, 201, 409))
            with tally.lock:
                if "decision" in said:
                    tally.written[key] = f"{take['slate']}/{said['decision']['number']}"
                else:
                    tally.conflicts += 1
        except Exception as error:  # every kind of failure counts, and ends the bench
            tally.errors.append(f"{type(error).__name__}: {error}")
    with tally.lock:
        for kind in ("take", "decide"):
            tally.took.setdefault(kind, []).extend(client.took.get(kind, []))


def together(
    port: int, tokens: list[str], slates: list[str], a_minute: int, seconds: float
) -> tuple[Tally, float]:
    """All reviewers at once; every tenth take is given to two of them."""
    tally, pace_s = Tally(), 60.0 * len(tokens) / a_minute
    shares = [slates[n :: len(tokens)] for n in range(len(tokens))]
    for n, share in enumerate(shares):
        share[9::10] = shares[(n + 1) % len(shares)][8::10][: len(share[9::10])]
    clients = [Client(port, token) for token in tokens]  # signing in is slow on purpose
    begin = time.monotonic()
    threads = [
        threading.Thread(target=judge, args=(client, s, pace_s, begin + seconds, tally))
        for client, s in zip(clients, shares, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally, time.monotonic() - begin


def kept(root: Path, tally: Tally) -> tuple[int, int, int]:
    """Decisions in the ledger, those told as written that are not there, and doubles."""
    with Store(root) as store:
        rows = store.ledger.all("decision")
        found = {row.key for row in rows}
        judged = {row.key: row.body for row in store.ledger.all("judgement")}
    lost = sum(
        where not in found or key not in judged or where != _where(judged[key])
        for key, where in tally.written.items()
    )
    return len(rows), lost, len(rows) - len(set(tally.written.values()))


def _where(judgement: dict[str, Any]) -> str:
    return f"{judgement['take']}/{judgement['decision']}"


def main() -> int:
    """Run it; exit code 1 when a limit is not kept or a decision was lost."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--takes", type=int, default=5000)
    parser.add_argument("--reviewers", type=int, default=20)
    parser.add_argument("--a-minute", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--keep", type=Path)
    told = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bench-review-"))
    root = told.keep or folder / ".filmgate"
    try:
        write_project(root, told.takes)
        with server(root) as (port, open_s):
            rows, first_s, takes_s = alone(port)
        tokens = [
            auth.add_reviewer(root, f"reviewer {n + 1}", "reviewer") for n in range(told.reviewers)
        ]
        with Store(root) as store:
            slates = [r.body["take"] for r in store.ledger.all("standing")
                      if r.body["state"] == "escalated"]  # fmt: skip
        with server(root, "--sign-in") as (port, _):
            tally, ran_s = together(port, tokens, slates, told.a_minute, told.seconds)
        count, lost, doubled = kept(root, tally)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    load = [[kind, *milliseconds(tally.took[kind])] for kind in ("take", "decide")]
    head = ["answer", "n", "median ms", "p95 ms", "worst ms"]
    text = (
        f"# The review room\n\n{tables.machine()}. {told.takes} takes; open after {open_s:.1f} s.\n"
        f"\n## One reviewer\n\n{tables.table(head, rows)}\n"
        f"## {told.reviewers} reviewers for {ran_s:.0f} s\n\n{tables.table(head, load)}\n"
        f"{len(tally.written)} decisions written ({60 * len(tally.written) / ran_s:.0f} a minute), "
        f"{tally.conflicts} told that somebody was first, {len(tally.errors)} errors, "
        f"{lost} lost, {doubled} doubled; {count} in the ledger.\n"
    )
    tables.write("review", text)
    for error in tally.errors[:5]:
        print(error, file=sys.stderr)
    slow = first_s > QUEUE_LIMIT_S or statistics.median(takes_s) > TAKE_LIMIT_S
    return 1 if slow or tally.errors or lost or doubled else 0


if __name__ == "__main__":
    raise SystemExit(main())
