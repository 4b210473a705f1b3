"""What goes wrong between Google's adapter and Google, over HTTP, and what a job ends as."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from bench.loopback import media, server
from bench.loopback.google import KEY, LOCATION, PROJECT, TOKEN
from filmgate.errors import (
    AnswerUnknown,
    CannotExpress,
    FilmgateError,
    Refused,
    StoreError,
    TakeLost,
    Throttled,
    Unavailable,
    WrongKey,
)
from filmgate.models.generator import JobState, Surroundings
from filmgate.models.generators import google

sys.path.insert(0, str(Path(__file__).parent))  # the stage beside this file
from google_stage import FILMS, POLLS, ROUTES, SERVICES, TIMEOUT_S, Counted, Stage, opened, request

pytest.importorskip("google.genai")

Told = Callable[..., AbstractContextManager[None]]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with opened(tmp_path_factory.mktemp("google")) as made:
        yield made


@pytest.fixture
def on(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, keeps_secret: Callable[[str], None]
) -> Iterator[Stage]:
    for secret in (KEY, TOKEN):
        keeps_secret(secret)
    stage.environment(monkeypatch)
    yield stage
    stage.calm()


# ------------------------------------------------------------------ how submitting goes wrong

POLICY = "The prompt violates our usage guidelines. Support codes: 58061214"
NOTHING_ACCEPTED = [
    (server.throttle(7), Throttled, r"wait 7 s \(429\)"),
    (server.throttle(), Throttled, r"asks to wait \(429\)"),
    (server.broken(503), Unavailable, "503: overloaded"),
    (server.refused(400, "durationSeconds must be 8."), CannotExpress, "durationSeconds"),
    (server.refused(404, "Publisher Model was not found"), CannotExpress, "404"),
    (server.refused(400, POLICY), Refused, "usage guidelines"),
    (server.refused(400, f"API key not valid: {KEY}"), WrongKey, "_KEY|_CREDENTIALS"),
    (server.refused(401, f"wrong {TOKEN}"), WrongKey, "_KEY|_CREDENTIALS"),
    (server.refused(403, "Permission denied"), WrongKey, "_KEY|_CREDENTIALS"),
]
ANSWER_LOST = [
    (server.broken(500, accepted=True), "answered 500"),
    (server.broken(502, json_body=False), "answered 502"),
    (server.broken(503, json_body=False), "answered 503"),
    (server.broken(504, accepted=True), "answered 504"),
    (server.malformed(), "cannot be understood"),
    (server.html(), "cannot be understood"),
    (server.truncated(), "connection was lost"),
    (server.dropped(), "connection was lost"),
]
SLOW = [server.hang(), server.stalled()]
STRANGE = [b"[]", b"null", b'"later"', b"{}", b'{"name": "", "id": ""}', b'{"name": 7, "id": 7}']


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("fault", "error", "match"), NOTHING_ACCEPTED)
def test_a_refused_submission(
    on: Stage, told: Told, service: str,
    fault: server.Fault, error: type[FilmgateError], match: str,
) -> None:  # fmt: skip
    counted = Counted(on.fake, ROUTES[service])
    on.fake.script(ROUTES[service], fault)
    with told(error, match, KEY, TOKEN):
        on.maker.submit(request(service))
    assert (counted.asked, counted.paid) == (1, 0)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("fault", "match"), ANSWER_LOST)
def test_a_lost_answer_to_a_submission(
    on: Stage, told: Told, service: str, fault: server.Fault, match: str
) -> None:
    counted = Counted(on.fake, ROUTES[service])
    on.fake.script(ROUTES[service], fault)
    with told(AnswerUnknown, match, KEY, TOKEN):
        on.maker.submit(request(service))
    assert counted.asked == 1


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("fault", SLOW, ids=["hang", "stalled"])
def test_no_answer_to_a_submission_in_time(
    on: Stage, told: Told, service: str, fault: server.Fault
) -> None:
    counted = Counted(on.fake, ROUTES[service])
    on.fake.script(ROUTES[service], fault)
    began = time.monotonic()
    with told(AnswerUnknown, "did not answer in time", KEY, TOKEN):
        on.hasty.submit(request(service))
    assert TIMEOUT_S <= time.monotonic() - began < 10 * TIMEOUT_S
    assert (counted.asked, counted.paid) == (1, 1)


@pytest.mark.parametrize("service", FILMS)
@pytest.mark.parametrize("body", STRANGE)
def test_a_submission_is_answered_strangely(
    on: Stage, told: Told, monkeypatch: pytest.MonkeyPatch, service: str, body: bytes
) -> None:
    counted = Counted(on.fake, ROUTES[service])
    monkeypatch.setattr(on.fake, "_answer", lambda turn: server.Answer(body=body))
    with told(AnswerUnknown, "Google", KEY, TOKEN):
        on.maker.submit(request(service))
    assert counted.asked == 1


def test_google_says_in_the_body_how_long_to_wait(on: Stage) -> None:
    detail = '{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17.5s"}'
    body = f'{{"error": {{"code": 429, "message": "quota", "details": [{detail}]}}}}'
    soon = formatdate(time.time() + 90, usegmt=True)
    for service in SERVICES:
        on.fake.script(
            ROUTES[service],
            server.Fault(status=429, text=body, raw=True),
            server.throttle(soon),
            server.throttle("tomorrow"),
        )
        waits = []
        for _ in range(3):
            with pytest.raises(Throttled) as caught:
                on.maker.submit(request(service))
            waits.append(caught.value.retry_after_s)
        assert waits[0] == 17.5
        assert 80 < (waits[1] or 0) < 91
        assert waits[2] is None


@pytest.mark.parametrize("service", SERVICES)
def test_nobody_listens(
    on: Stage, told: Told, monkeypatch: pytest.MonkeyPatch, service: str
) -> None:
    for name in ("GOOGLE_GEMINI_BASE_URL", "GOOGLE_VERTEX_BASE_URL"):
        monkeypatch.setenv(name, server.unreachable())
    with told(Unavailable, "cannot be reached: nothing was sent", KEY, TOKEN):
        on.fresh().submit(request(service))


# ------------------------------------------------------------------ how asking later goes wrong

LATER = [
    (server.throttle(3), Throttled),
    (server.throttle(), Throttled),
    (server.broken(500), Unavailable),
    (server.broken(502, json_body=False), Unavailable),
    (server.broken(503), Unavailable),
    (server.malformed(), Unavailable),
    (server.html(), Unavailable),
    (server.truncated(), Unavailable),
    (server.dropped(), Unavailable),
    (server.refused(400), Unavailable),
    (server.refused(401), WrongKey),
    (server.expired(404), TakeLost),
    (server.expired(410), TakeLost),
]


@pytest.mark.parametrize("service", FILMS)
@pytest.mark.parametrize(("fault", "error"), LATER)
def test_asking_later_goes_wrong(
    on: Stage, told: Told, tmp_path: Path, service: str,
    fault: server.Fault, error: type[FilmgateError],
) -> None:  # fmt: skip
    job = on.maker.submit(request(service))
    path = tmp_path / "t.mp4"
    for ask in (on.maker.poll, on.maker.cancel, lambda j: on.maker.fetch(j, path)):
        counted = Counted(on.fake, POLLS[service])
        on.fake.script(POLLS[service], fault)
        with told(error, "Google|GOOGLE", KEY, TOKEN):
            ask(job)  # type: ignore[operator]
        assert (counted.asked, counted.paid) == (1, 0)
        assert not path.exists()
    assert on.maker.poll(job).state is JobState.DONE, "nothing was lost by it"


@pytest.mark.parametrize("service", FILMS)
@pytest.mark.parametrize("fault", SLOW, ids=["hang", "stalled"])
def test_no_answer_to_a_poll_in_time(
    on: Stage, told: Told, service: str, fault: server.Fault
) -> None:
    job = on.maker.submit(request(service))
    on.fake.script(POLLS[service], fault)
    with told(Unavailable, "did not answer in time", KEY, TOKEN):
        on.hasty.poll(job)
    assert on.maker.poll(job).state is JobState.DONE


@pytest.mark.parametrize("service", FILMS)
def test_a_poll_is_answered_strangely(
    on: Stage, told: Told, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
) -> None:
    job = on.maker.submit(request(service))
    whole = on.fake._answer
    for body in STRANGE:
        monkeypatch.setattr(on.fake, "_answer", lambda turn, b=body: server.Answer(body=b))
        with told(Unavailable, "cannot be understood", KEY, TOKEN):
            on.maker.poll(job)
    ended: dict[str, Any] = {"name": job[4:], "id": job[5:], "done": True, "status": "completed"}
    for odd in ({}, {"response": {}}, {"response": {"videos": [{}]}}, {"steps": []},
                {"steps": [{"type": "model_output", "content": [{"type": "video"}]}]}):  # fmt: skip
        answer = server.Answer(body=json.dumps({**ended, **odd}).encode())
        monkeypatch.setattr(on.fake, "_answer", lambda turn, a=answer: a)
        assert on.maker.poll(job).state is JobState.REFUSED
        with told(Refused, "made nothing", KEY, TOKEN):
            on.maker.fetch(job, tmp_path / "t.mp4")
    for wrong in ({"response": {"videos": [{"bytesBase64Encoded": "*"}]}},
                  {"response": {"videos": 3}}):  # fmt: skip
        if service == "veo":
            answer = server.Answer(body=json.dumps({**ended, **wrong}).encode())
            monkeypatch.setattr(on.fake, "_answer", lambda turn, a=answer: a)
            with told(Unavailable, "cannot be understood", KEY, TOKEN):
                on.maker.poll(job)
    monkeypatch.setattr(on.fake, "_answer", whole)
    assert on.maker.poll(job).state is JobState.DONE


DOWNLOADS = [
    (server.truncated(), Unavailable, "connection was lost"),
    (server.stalled(), Unavailable, "did not answer in time"),
    (server.hang(), Unavailable, "did not answer in time"),
    (server.dropped(), Unavailable, "connection was lost"),
    (server.html(), Unavailable, "an HTML page instead of a take"),
    (server.malformed(), Unavailable, "JSON instead of a take"),
    (server.broken(500), Unavailable, "500"),
    (server.broken(503), Unavailable, "503"),
    (server.throttle(4), Throttled, "wait 4 s"),
    (server.refused(400, "API key not valid."), WrongKey, "GEMINI_API_KEY"),
    (server.expired(403), TakeLost, "403: the link expired"),
    (server.expired(404), TakeLost, "404: the link expired"),
    (server.expired(410), TakeLost, "410: the link expired"),
]


@pytest.mark.parametrize(("fault", "error", "match"), DOWNLOADS)
def test_a_download_goes_wrong(
    on: Stage, told: Told, tmp_path: Path,
    fault: server.Fault, error: type[FilmgateError], match: str,
) -> None:  # fmt: skip
    job = on.maker.submit(request("omni"))
    counted = Counted(on.fake, "file")
    path = tmp_path / "t.mp4"
    path.write_bytes(b"an earlier take")
    on.fake.script("file", fault)
    maker = on.hasty if fault.trick in ("stalled", "hang") else on.maker
    with told(error, match, KEY, TOKEN):
        maker.fetch(job, path)
    assert [p.name for p in tmp_path.iterdir()] == ["t.mp4"]
    assert path.read_bytes() == b"an earlier take"
    assert (counted.asked, counted.paid) == (1, 0)
    assert on.maker.fetch(job, path).mime == "video/mp4"


@pytest.mark.parametrize("service", FILMS)
def test_a_take_that_is_no_take(
    on: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, service: str
) -> None:
    job = on.maker.submit(request(service))
    for bytes_, error, match in (
        (media.movie()[:-200], Unavailable, "broke off"),
        (b"<html>Sign in</html>", Unavailable, "an HTML page"),
    ):
        monkeypatch.setattr(on.fake, "take", lambda job, b=bytes_: b)
        with pytest.raises(error, match=match):
            on.maker.fetch(job, tmp_path / "t.mp4")
    assert not list(tmp_path.iterdir())


def test_a_link_to_another_host_gets_no_key(
    on: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = on.maker.submit(request("omni"))
    with server.Loopback() as other:
        other.on("link", "GET", "/take.mp4", lambda _: server.Answer(body=media.movie()))
        monkeypatch.setattr("bench.loopback.google._link", lambda job: f"{other.url}/take.mp4?s=1")
        assert on.maker.fetch(job, tmp_path / "t.mp4").mime == "video/mp4"
        (call,) = other.calls("link")
        assert not {"x-goog-api-key", "authorization"} & set(call.headers)


def test_a_redirection_to_another_host_gets_no_key(
    on: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    job = on.maker.submit(request("omni"))
    whole = on.fake._answer
    with server.Loopback() as other:
        other.on("link", "GET", "/signed", lambda _: server.Answer(body=media.movie()))
        away = server.Answer(302, headers={"Location": f"{other.url}/signed?s=1"})
        monkeypatch.setattr(
            on.fake, "_answer", lambda t: away if t.call.route == "file" else whole(t)
        )
        assert on.maker.fetch(job, tmp_path / "t.mp4").mime == "video/mp4"
        (call,) = other.calls("link")
        assert not {"x-goog-api-key", "authorization"} & set(call.headers)


def test_a_disk_that_cannot_be_written_to(on: Stage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    for service in SERVICES:
        job = on.maker.submit(request(service))
        with pytest.raises(StoreError, match="cannot be written"):
            on.maker.fetch(job, tmp_path / "file" / "t.mp4")
    counted = Counted(on.fake, "content")
    blocked = google.Google(Surroundings(tmp_path / "file"))
    with pytest.raises(StoreError, match="cannot be made"):
        blocked.submit(request("still"))
    assert counted.asked == 0, "nothing is paid for that could not be kept"


# ------------------------------------------------------------------ how jobs end


@pytest.mark.parametrize("service", FILMS)
def test_refusal_failure_and_empty_success(on: Stage, tmp_path: Path, service: str) -> None:
    for ends, why, state, match in (
        ("refused", "", JobState.REFUSED, "58061214.*usage guidelines|safety policy"),
        ("failed", "", JobState.FAILED, "internal error"),
        ("failed", POLICY, JobState.REFUSED, "usage guidelines"),
        ("empty", "", JobState.REFUSED, "made nothing"),
    ):
        on.fake.jobs.plan(ends, why=why)  # type: ignore[arg-type]
        counted = Counted(on.fake, ROUTES[service])
        job = on.maker.submit(request(service))
        status = on.maker.poll(job)
        assert status.state is state, (ends, status)
        assert re.search(match, status.reason)
        with pytest.raises(Refused, match=match):
            on.maker.fetch(job, tmp_path / "t.mp4")
        assert counted.paid == 1


@pytest.mark.parametrize(("blocked", "finish", "pictures", "match"), [
    ("PROHIBITED_CONTENT", "STOP", 1, "was blocked .PROHIBITED_CONTENT"),
    ("", "IMAGE_SAFETY", 0, "stopped by a policy .IMAGE_SAFETY"),
    ("", "NO_IMAGE", 0, "it stopped .NO_IMAGE"),
    ("", "MAX_TOKENS", 0, "cut off .MAX_TOKENS"),
    ("", "STOP", 0, "One picture."),
])  # fmt: skip
def test_a_still_is_refused(
    on: Stage, told: Told, blocked: str, finish: str, pictures: int, match: str
) -> None:
    on.fake.blocked, on.fake.finish, on.fake.pictures = blocked, finish, pictures
    counted = Counted(on.fake, "content")
    asked = request("still")
    with told(Refused, match, KEY, TOKEN):
        on.maker.submit(asked)
    assert (counted.asked, counted.paid) == (1, 1)
    with pytest.raises(CannotExpress):
        on.maker.find(asked, "2026-11-22T10:00:00Z")


def test_a_still_that_is_no_picture(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    for data in (b"<html>", media.still()[:-20], media.movie()):
        monkeypatch.setattr(on.fake, "take", lambda job, d=data: d)
        with pytest.raises(Refused, match="no picture"):
            on.maker.submit(request("still"))
    assert not [p for p in (on.folder / "stills").iterdir() if p.suffix == ".part"]


@pytest.mark.parametrize("said", ["incomplete", "budget_exceeded", "requires_action",
                                  "requires_continuation"])  # fmt: skip
def test_omni_stops_for_another_reason(
    on: Stage, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = on.maker.submit(request("omni"))
    whole = on.fake._interaction
    monkeypatch.setattr(on.fake, "_interaction", lambda job: {**whole(job), "status": said})
    status = on.maker.poll(job)
    assert status.state is JobState.FAILED
    assert status.reason.startswith("Omni ")


def test_omni_says_something_new(on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    job = on.maker.submit(request("omni"))
    whole = on.fake._interaction
    for said, state in (("queued", JobState.QUEUED), ("rendering", JobState.RUNNING)):
        monkeypatch.setattr(on.fake, "_interaction", lambda j, s=said: {**whole(j), "status": s})
        assert on.maker.poll(job).state is state


def test_omni_is_cancelled(on: Stage, tmp_path: Path) -> None:
    on.fake.jobs.plan(after=5)
    job = on.maker.submit(request("omni"))
    with pytest.raises(Unavailable, match="not finished"):
        on.maker.fetch(job, tmp_path / "t.mp4")
    on.maker.cancel(job)
    assert on.maker.poll(job).state is JobState.CANCELLED
    with pytest.raises(TakeLost, match="cancelled"):
        on.maker.fetch(job, tmp_path / "t.mp4")
    counted = Counted(on.fake, "omni_cancel")
    on.maker.cancel(job)
    on.fake.jobs.plan()
    done = on.maker.submit(request("omni"))
    on.maker.cancel(done)
    assert on.maker.poll(done).state is JobState.DONE
    assert counted.asked == 0, "what has ended stays as it is"


def test_veo_is_let_go(on: Stage, tmp_path: Path) -> None:
    on.fake.jobs.plan(after=3)
    job = on.maker.submit(request("veo"))
    with pytest.raises(Unavailable, match="not finished"):
        on.maker.fetch(job, tmp_path / "t.mp4")
    on.maker.cancel(job)
    assert on.fresh().poll(job).state is JobState.CANCELLED, "another process knows it too"
    assert on.maker.poll(job).state is JobState.DONE, "it was made all the same"
    assert on.maker.fetch(job, tmp_path / "t.mp4").mime == "video/mp4"


def test_an_unknown_job_is_lost(on: Stage, tmp_path: Path) -> None:
    before = len(on.fake.calls())
    for job in ("", "g0001", "veo:", "veo:../x", "omni:", "omni:../files/a", "still:../../etc",
                f"still:{'0' * 32}", "sora:1"):  # fmt: skip
        for ask in (on.maker.poll, on.maker.cancel, lambda j: on.maker.fetch(j, tmp_path / "t")):
            with pytest.raises(TakeLost):
                ask(job)  # type: ignore[operator]
    assert len(on.fake.calls()) == before
    place = f"projects/{PROJECT}/locations/{LOCATION}/publishers/google/models/m"
    for job in (f"veo:{place}/operations/none", "omni:none"):
        with pytest.raises(TakeLost, match="not known"):
            on.maker.poll(job)
