"""The OpenAI Videos adapter over HTTP, against a fake endpoint of that shape."""

from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from bench.loopback import media, server
from bench.loopback.jobs import paid
from bench.loopback.openai_videos import KEY, MODEL, OpenAIVideos, form
from filmgate.errors import (
    AnswerUnknown,
    BadSetting,
    CannotExpress,
    FilmgateError,
    Refused,
    TakeLost,
    Throttled,
    Unavailable,
    WrongKey,
)
from filmgate.models.generator import JobState, Picture, Request, Surroundings
from filmgate.models.generators import openai_videos as adapter

pytest.importorskip("openai")

Told = Callable[..., AbstractContextManager[None]]
OPTIONS: dict[str, Any] = {"models": {MODEL: {}}, "prices": {MODEL: 0.2}}
WORDS = Request(MODEL, "A long office corridor.", duration_s=8, size=(1280, 720), nonce="12B-1")
TIMEOUT_S = 0.8
"""For what never answers; everything else gets the time that a busy machine needs."""
SILENT = ("hang", "stalled")


@pytest.fixture
def fake(
    monkeypatch: pytest.MonkeyPatch, keeps_secret: Callable[[str], None], tmp_path: Path
) -> Iterator[OpenAIVideos]:
    keeps_secret(KEY)
    with OpenAIVideos(tmp_path / "paid.jsonl") as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        yield served


def around(tmp_path: Path, timeout_s: float = 5.0, **options: Any) -> Surroundings:
    return Surroundings(tmp_path / "own", timeout_s, options={**OPTIONS, **options})


@pytest.fixture
def maker(fake: OpenAIVideos, tmp_path: Path) -> adapter.OpenAIVideos:
    return adapter.OpenAIVideos(around(tmp_path))


@pytest.fixture
def hasty(fake: OpenAIVideos, tmp_path: Path) -> adapter.OpenAIVideos:
    return adapter.OpenAIVideos(around(tmp_path, TIMEOUT_S))


def now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat()


def test_words_become_a_take(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, tmp_path: Path
) -> None:
    fake.jobs.plan(after=2)
    fake.poll_after_ms = 1500
    job = maker.submit(replace(WORDS, negative="hat"))
    (call,) = fake.calls("submit")
    assert form(call) == {
        "prompt": "A long office corridor. Not in the picture: hat.", "model": MODEL,
        "seconds": "8", "size": "1280x720",
    }  # fmt: skip
    seen = [maker.poll(job) for _ in range(3)]
    assert [s.state for s in seen] == [JobState.QUEUED, JobState.RUNNING, JobState.DONE]
    assert [s.poll_after_s for s in seen] == [1.5] * 3
    assert seen[1].progress == pytest.approx(0.66)
    result = maker.fetch(job, tmp_path / "take.mp4")
    assert (result.model, result.mime) == (f"{MODEL}-2026-10", "video/mp4")
    with av.open(str(result.path)) as film:
        assert film.streams.video[0].frames == 24
        assert film.streams.audio
    assert maker.price_usd(WORDS) == pytest.approx(1.6)
    assert len(paid(tmp_path / "paid.jsonl")) == fake.count("submit") == 1


def test_a_first_frame_is_a_file_of_the_form(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, tmp_path: Path
) -> None:
    path = tmp_path / "first.png"
    path.write_bytes(media.still())
    maker.submit(replace(WORDS, pictures=(Picture(path, "sha256:1", "first_frame"),)))
    assert fake.pictures == [media.still()]
    with pytest.raises(CannotExpress, match="at most 0 reference pictures"):
        maker.submit(replace(WORDS, pictures=(Picture(path, "sha256:1"),)))


NOTHING_ACCEPTED = [
    (server.throttle(7), Throttled, r"wait 7 s \(429\)"),
    (server.throttle(), Throttled, r"asks to wait \(429\)"),
    (server.broken(503), Unavailable, "503: overloaded"),
    (server.refused(400, "seconds must be 4. Sorry."), CannotExpress, "seconds must be 4"),
    (server.refused(400, "Your request was blocked by our moderation system."), Refused, "moder"),
    (server.refused(401, f"Incorrect API key provided: {KEY}"), WrongKey, "OPENAI_API_KEY"),
    (server.refused(404, "no such model"), CannotExpress, "404"),
]
ANSWER_LOST = [
    (server.broken(500, accepted=True), "answered 500"),
    (server.broken(502, json_body=False), "answered 502"),
    (server.broken(503, json_body=False), "answered 503"),
    (server.broken(504, accepted=True), "answered 504"),
    (server.malformed(), "cannot be understood"),
    (server.html(), "cannot be understood"),
    (server.truncated(), "connection was lost"),
    (server.stalled(), "did not answer in time"),
    (server.hang(), "did not answer in time"),
    (server.dropped(), "connection was lost"),
]


@pytest.mark.parametrize(("fault", "error", "match"), NOTHING_ACCEPTED)
def test_a_refused_submission(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, told: Told,
    fault: server.Fault, error: type[FilmgateError], match: str,
) -> None:  # fmt: skip
    fake.script("submit", fault)
    with told(error, match, KEY):
        maker.submit(WORDS)
    assert fake.count("submit") == 1
    assert fake.jobs.paid == 0


@pytest.mark.parametrize(("fault", "match"), ANSWER_LOST)
def test_a_lost_answer_is_found_again(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, hasty: adapter.OpenAIVideos, told: Told,
    fault: server.Fault, match: str,
) -> None:  # fmt: skip
    since = now()
    fake.script("submit", fault)
    with told(AnswerUnknown, match, KEY):
        (hasty if fault.trick in SILENT else maker).submit(WORDS)
    assert fake.count("submit") == 1
    found = maker.find(WORDS, since)
    if fake.jobs.paid:
        assert found == fake.jobs.all()[0].id
        assert maker.find(WORDS, since) == found
        assert maker.poll(found).state is JobState.DONE
    else:
        assert found is None
    assert fake.count("submit") == 1, "looking for it pays nothing"


def test_a_job_is_found_for_one_request_only(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, tmp_path: Path
) -> None:
    """Three takes of one shot, the same words at the same time: one answered, one lost after it
    was accepted, one lost before."""
    fake.page = 2
    second, third = replace(WORDS, nonce="12B-2"), replace(WORDS, nonce="12B-3")
    since = now()
    first = maker.submit(WORDS)
    fake.script("submit", server.dropped(accepted=True), server.dropped(accepted=False))
    for request in (second, third):
        with pytest.raises(AnswerUnknown):
            maker.submit(request)
    maker.submit(replace(WORDS, prompt="Something else."))
    found = maker.find(second, since)
    assert found == fake.jobs.all()[1].id
    assert maker.find(third, since) is None
    again = adapter.OpenAIVideos(around(tmp_path))
    assert [again.find(r, since) for r in (WORDS, second, third)] == [first, found, None]
    later = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)).isoformat()
    fake.script("submit", server.dropped())
    with pytest.raises(AnswerUnknown):
        maker.submit(replace(WORDS, nonce="12B-4"))
    assert maker.find(replace(WORDS, nonce="12B-4"), later) is None, "made before it was asked"


def test_an_endpoint_that_cannot_be_asked(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, hasty: adapter.OpenAIVideos,
    tmp_path: Path, told: Told,
) -> None:  # fmt: skip
    since = now()
    fake.script("submit", server.dropped())
    with pytest.raises(AnswerUnknown):
        maker.submit(WORDS)
    fake.tells_prompt = False
    with told(CannotExpress, "without prompts"):
        maker.find(WORDS, since)
    for status in (404, 405):
        fake.script("list", server.refused(status))
        with told(CannotExpress, f"cannot be asked for its jobs .{status}", KEY):
            maker.find(WORDS, since)
    for fault in (server.broken(500), server.malformed(), server.hang(), server.broken(503)):
        fake.script("list", fault)
        with told(Unavailable, "video endpoint", KEY):
            (hasty if fault.trick in SILENT else maker).find(WORDS, since)
    silent = adapter.OpenAIVideos(around(tmp_path, lists=False))
    assert not silent.capabilities()[0].finds
    with told(CannotExpress, "lists no jobs"):
        silent.find(WORDS, since)


LATER = [
    (server.throttle(3), Throttled),
    (server.throttle(), Throttled),
    (server.broken(500), Unavailable),
    (server.broken(503), Unavailable),
    (server.malformed(), Unavailable),
    (server.html(), Unavailable),
    (server.truncated(), Unavailable),
    (server.hang(), Unavailable),
    (server.dropped(), Unavailable),
    (server.refused(401), WrongKey),
    (server.expired(404), TakeLost),
    (server.expired(410), TakeLost),
]


@pytest.mark.parametrize(("fault", "error"), LATER)
def test_a_poll_goes_wrong(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, hasty: adapter.OpenAIVideos, told: Told,
    fault: server.Fault, error: type[FilmgateError],
) -> None:  # fmt: skip
    job = maker.submit(WORDS)
    fake.script("poll", fault)
    with told(error, ".", KEY):
        (hasty if fault.trick in SILENT else maker).poll(job)
    assert fake.count("poll") == 1
    assert maker.poll(job).state is JobState.DONE


DOWNLOADS = [
    (server.truncated(), Unavailable, "connection was lost"),
    (server.stalled(), Unavailable, "did not answer in time"),
    (server.hang(), Unavailable, "did not answer in time"),
    (server.dropped(), Unavailable, "connection was lost"),
    (server.html(), Unavailable, "an HTML page instead of a take"),
    (server.malformed(), Unavailable, "JSON instead of a take"),
    (server.broken(502), Unavailable, "502"),
    (server.throttle(4), Throttled, "wait 4 s"),
    (server.expired(403), TakeLost, "403: the link expired"),
    (server.expired(404), TakeLost, "404: the link expired"),
    (server.expired(410), TakeLost, "410: the link expired"),
]


@pytest.mark.parametrize(("fault", "error", "match"), DOWNLOADS)
def test_a_download_goes_wrong(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, hasty: adapter.OpenAIVideos, told: Told,
    tmp_path: Path, fault: server.Fault, error: type[FilmgateError], match: str,
) -> None:  # fmt: skip
    job = maker.submit(WORDS)
    folder = tmp_path / "takes"
    fake.script("content", fault)
    with told(error, match, KEY):
        (hasty if fault.trick in SILENT else maker).fetch(job, folder / "t.mp4")
    assert list(folder.glob("*")) == []
    assert maker.fetch(job, folder / "t.mp4").mime == "video/mp4"
    assert fake.count("submit") == 1


def test_refusal_failure_and_empty_success(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, tmp_path: Path
) -> None:
    for ends, state, match in (
        ("refused", JobState.REFUSED, "moderation_blocked"),
        ("failed", JobState.FAILED, "internal_error"),
        ("empty", JobState.DONE, "the take is empty"),
    ):
        fake.jobs.plan(ends)  # type: ignore[arg-type]
        job = maker.submit(WORDS)
        assert maker.poll(job).state is state
        with pytest.raises(Refused, match=match):
            maker.fetch(job, tmp_path / "t.mp4")


def test_a_job_is_ended_and_a_take_is_never_deleted(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, tmp_path: Path
) -> None:
    fake.jobs.plan(after=50)
    job = maker.submit(WORDS)
    with pytest.raises(Unavailable, match="not done yet"):
        maker.fetch(job, tmp_path / "t.mp4")
    maker.cancel(job)
    assert maker.poll(job).state is JobState.CANCELLED
    assert adapter.OpenAIVideos(around(tmp_path)).poll(job).state is JobState.CANCELLED
    with pytest.raises(TakeLost, match="cancelled"):
        maker.fetch(job, tmp_path / "t.mp4")
    fake.jobs.plan()
    done = maker.submit(WORDS)
    maker.cancel(done)
    assert maker.fetch(done, tmp_path / "t.mp4").mime == "video/mp4"
    assert fake.count("cancel") == 1
    for job in ("video_none", "../models", ""):
        with pytest.raises(TakeLost):
            maker.poll(job)


CHILD = """
import sys, pathlib
from filmgate.models.generator import Surroundings
from filmgate.models.generators.openai_videos import OpenAIVideos
maker = OpenAIVideos(Surroundings(pathlib.Path(sys.argv[1])))
print(maker.poll(sys.argv[2]).state, maker.fetch(sys.argv[2], pathlib.Path(sys.argv[3])).model)
"""


def test_another_process_takes_over(
    fake: OpenAIVideos, maker: adapter.OpenAIVideos, tmp_path: Path
) -> None:
    job = maker.submit(WORDS)
    out = tmp_path / "take.mp4"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", CHILD, str(tmp_path / "own"), job, str(out)],
        capture_output=True, text=True, check=True, env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout.split() == ["done", f"{MODEL}-2026-10"]
    assert out.stat().st_size > 1000


def test_what_an_endpoint_serves_is_told_by_the_options(tmp_path: Path, told: Told) -> None:
    maker = adapter.OpenAIVideos(around(tmp_path))
    (served,) = maker.capabilities()
    assert (served.model, served.longest_s, served.first_frame, served.finds) == (
        MODEL, 12, True, True,
    )  # fmt: skip
    with told(CannotExpress, "sora-2' was retired on 2026-09-24 .*describe it"):
        maker.check(replace(WORDS, model="sora-2", size=(1280, 720)))
    with told(CannotExpress, "no model 'elsewhere'.*describe it"):
        maker.check(replace(WORDS, model="elsewhere"))
    with told(CannotExpress, "4, 8 or 12 s, not 5 s"):
        maker.check(replace(WORDS, duration_s=5))
    own = {"sora-2": {}, "long": {"shortest_s": 2, "longest_s": 30, "sizes": []}}
    wide = adapter.OpenAIVideos(around(tmp_path, models=own))
    wide.check(replace(WORDS, model="sora-2"))
    wide.check(replace(WORDS, model="long", duration_s=17.5, size=(640, 360)))
    for models in ({"x": {"seconds": 4}}, {"x": 4}, [1]):
        with pytest.raises(BadSetting):
            adapter.OpenAIVideos(around(tmp_path, models=models)).capabilities()


def test_an_address_and_a_key_are_needed_only_when_used(
    tmp_path: Path, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = adapter.OpenAIVideos(around(tmp_path))
    with told(BadSetting, "needs the address of an endpoint"):
        maker.submit(WORDS)
    monkeypatch.setenv("OPENAI_BASE_URL", server.unreachable())
    with told(WrongKey, "FILMGATE_OPENAI_VIDEOS_API_KEY or OPENAI_API_KEY"):
        maker.submit(WORDS)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with told(Unavailable, "cannot be reached", KEY):
        maker.submit(WORDS)
