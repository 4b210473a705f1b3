"""Runway's adapter over HTTP, against the fake that speaks the recorded wire format."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import av
import pytest

from bench.loopback import media, server
from bench.loopback.runway import KEY, Runway
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
from filmgate.models.generators import runway

pytest.importorskip("runwayml")

Told = Callable[..., AbstractContextManager[None]]
WORDS = Request("gen4.5", "A long office corridor.", duration_s=5, size=(1280, 720), seed=7)
TIMEOUT_S = 0.8
"""For what never answers; everything else gets the time that a busy machine needs."""
SILENT = ("hang", "stalled")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, keeps_secret: Callable[[str], None]) -> Iterator[Runway]:
    keeps_secret(KEY)
    keeps_secret("secret-of-")
    with Runway() as served:
        for name, value in served.environment().items():
            monkeypatch.setenv(name, value)
        yield served


@pytest.fixture
def maker(fake: Runway, tmp_path: Path) -> runway.Runway:
    return runway.Runway(Surroundings(tmp_path / "own", timeout_s=5.0))


@pytest.fixture
def hasty(fake: Runway, tmp_path: Path) -> runway.Runway:
    return runway.Runway(Surroundings(tmp_path / "own", timeout_s=TIMEOUT_S))


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    path = tmp_path / "maya.png"
    path.write_bytes(media.still())
    return Picture(path, "sha256:1", tag="maya")


def sent(fake: Runway) -> dict[str, Any]:
    (call,) = fake.calls("submit")
    return {"endpoint": call.groups["endpoint"], **call.json()}


def test_words_become_a_take(fake: Runway, maker: runway.Runway, tmp_path: Path) -> None:
    fake.jobs.plan(after=2)
    job = maker.submit(WORDS)
    assert sent(fake) == {
        "endpoint": "text_to_video", "model": "gen4.5", "promptText": "A long office corridor.",
        "ratio": "1280:720", "duration": 5, "seed": 7,
    }  # fmt: skip
    seen = [maker.poll(job) for _ in range(3)]
    assert [s.state for s in seen] == [JobState.QUEUED, JobState.RUNNING, JobState.DONE]
    assert seen[1].progress == pytest.approx(2 / 3, abs=0.01)
    assert seen[0].poll_after_s == 5.0
    result = maker.fetch(job, tmp_path / "take.mp4")
    assert result.path == tmp_path / "take.mp4"
    assert (result.model, result.mime) == ("gen4.5", "video/mp4")
    assert result.cost_usd == pytest.approx(0.6)
    with av.open(str(result.path)) as film:
        assert film.streams.video[0].frames == 24
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["take.mp4"]
    assert fake.jobs.paid == fake.count("submit") == 1


def test_a_first_and_a_last_frame(fake: Runway, maker: runway.Runway, picture: Picture) -> None:
    frames = (replace(picture, role="first_frame"), replace(picture, role="last_frame"))
    asked = Request("veo3.1", "She turns.", "hat", 3, 8, (1280, 720), "24", False, frames)
    maker.submit(asked)
    body = sent(fake)
    assert body["endpoint"] == "image_to_video"
    assert [f["position"] for f in body["promptImage"]] == ["first", "last"]
    head, data = body["promptImage"][0]["uri"].split(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == media.still()
    assert (body["audio"], body["negativePrompt"], body["duration"]) == (False, "hat", 8)


def test_tagged_references_make_a_still(
    fake: Runway, maker: runway.Runway, picture: Picture, tmp_path: Path
) -> None:
    job = maker.submit(Request("gen4_image", "@maya at a desk", size=(1920, 1080),
                               pictures=(picture,)))  # fmt: skip
    body = sent(fake)
    assert body["endpoint"] == "text_to_image"
    assert [r["tag"] for r in body["referenceImages"]] == ["maya"]
    assert "duration" not in body
    result = maker.fetch(job, tmp_path / "still.png")
    assert result.mime == "image/png"
    assert result.path.read_bytes().startswith(b"\x89PNG")


def test_what_must_not_be_seen_goes_into_the_prompt(fake: Runway, maker: runway.Runway) -> None:
    maker.submit(replace(WORDS, negative="hat, beard."))
    assert sent(fake)["promptText"] == "A long office corridor. Not in the picture: hat, beard."


def test_footage_is_changed(fake: Runway, maker: runway.Runway, tmp_path: Path) -> None:
    take = tmp_path / "take.mp4"
    take.write_bytes(media.movie())
    change = Request("aleph2", "Make the jacket navy.", duration_s=1, size=(160, 90))
    with pytest.raises(CannotExpress, match="give it as the parameter 'video'"):
        maker.submit(change)
    maker.submit(replace(change, parameters={"video": str(take)}))
    body = sent(fake)
    assert body["endpoint"] == "video_to_video"
    assert body["videoUri"].startswith("data:video/mp4;base64,")
    assert "ratio" not in body


def test_large_files_are_uploaded_before(
    fake: Runway, maker: runway.Runway, picture: Picture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runway, "INLINE_BYTES", 100)
    start = replace(WORDS, pictures=(replace(picture, role="first_frame"),))
    maker.submit(start)
    assert sent(fake)["promptImage"] == [{"uri": "runway://upload-0", "position": "first"}]
    assert media.still() in fake.stored[0]
    for fault in (server.broken(500), server.dropped(), server.refused(400), server.hang()):
        fake.script("upload", fault)
        with pytest.raises((Unavailable, CannotExpress)):
            runway.Runway(Surroundings(picture.path.parent, timeout_s=TIMEOUT_S)).submit(start)
    assert fake.count("submit") == 1, "a file that cannot be uploaded orders nothing"


NOTHING_ACCEPTED = [
    (server.throttle(7), Throttled, r"wait 7 s \(429\)"),
    (server.throttle(), Throttled, r"asks to wait \(429\)"),
    (server.broken(503), Unavailable, "503: overloaded"),
    (server.refused(400, "ratio must be one of these. Sorry."), CannotExpress, "ratio must be one"),
    (server.refused(422, "no"), CannotExpress, "422"),
    (server.refused(404, "no such model"), CannotExpress, "404: no such model"),
    (server.refused(400, "Blocked by content moderation."), Refused, "moderation"),
    (server.refused(401, f"the key {KEY} is wrong"), WrongKey, "RUNWAYML_API_SECRET"),
    (server.refused(403, "forbidden"), WrongKey, "RUNWAYML_API_SECRET"),
    (server.refused(402, "pay first"), WrongKey, "no credit"),
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
    fake: Runway, maker: runway.Runway, told: Told,
    fault: server.Fault, error: type[FilmgateError], match: str,
) -> None:  # fmt: skip
    fake.script("submit", fault)
    with told(error, match, KEY):
        maker.submit(WORDS)
    assert fake.count("submit") == 1
    assert fake.jobs.paid == 0


@pytest.mark.parametrize(("fault", "match"), ANSWER_LOST)
def test_a_lost_answer_to_a_submission(
    fake: Runway, maker: runway.Runway, hasty: runway.Runway, told: Told,
    fault: server.Fault, match: str,
) -> None:  # fmt: skip
    fake.script("submit", fault)
    with told(AnswerUnknown, match, KEY):
        (hasty if fault.trick in SILENT else maker).submit(WORDS)
    assert fake.count("submit") == 1


def test_nobody_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: Told) -> None:
    monkeypatch.setenv("RUNWAYML_API_SECRET", KEY)
    monkeypatch.setenv("RUNWAYML_BASE_URL", server.unreachable())
    with told(Unavailable, "cannot be reached: nothing was sent", KEY):
        runway.Runway(Surroundings(tmp_path)).submit(WORDS)


def test_a_second_try_inside_the_first_refusal_is_not_taken_for_unsent(
    fake: Runway, maker: runway.Runway, tmp_path: Path
) -> None:
    other = runway.Runway(Surroundings(tmp_path, options={"base_url": server.unreachable()}))
    fake.script("submit", server.dropped())
    try:
        other.submit(WORDS)
    except Unavailable:
        with pytest.raises(AnswerUnknown):
            maker.submit(WORDS)


def test_how_long_to_wait_is_read_both_ways(fake: Runway, maker: runway.Runway) -> None:
    soon = formatdate(time.time() + 90, usegmt=True)
    for header, least, most in (("2.5", 2.5, 2.5), (soon, 80, 91), ("tomorrow", None, None)):
        fake.script("submit", server.throttle(header))
        with pytest.raises(Throttled) as caught:
            maker.submit(WORDS)
        wait = caught.value.retry_after_s
        assert wait is None if least is None else least <= (wait or 0) <= (most or 0)


LATER = [
    (server.throttle(3), Throttled),
    (server.throttle(), Throttled),
    (server.broken(500), Unavailable),
    (server.broken(502, json_body=False), Unavailable),
    (server.broken(503), Unavailable),
    (server.malformed(), Unavailable),
    (server.html(), Unavailable),
    (server.truncated(), Unavailable),
    (server.hang(), Unavailable),
    (server.dropped(), Unavailable),
    (server.refused(400), Unavailable),
    (server.refused(401), WrongKey),
    (server.expired(404), TakeLost),
    (server.expired(410), TakeLost),
]


@pytest.mark.parametrize(("fault", "error"), LATER)
@pytest.mark.parametrize("what", ["poll", "fetch", "cancel"])
def test_asking_later_goes_wrong(
    fake: Runway, maker: runway.Runway, hasty: runway.Runway, told: Told, tmp_path: Path,
    what: str, fault: server.Fault, error: type[FilmgateError],
) -> None:  # fmt: skip
    job = maker.submit(WORDS)
    fake.script("poll", fault)
    asking = hasty if fault.trick in SILENT else maker
    with told(error, "Runway|key", KEY):
        asking.fetch(job, tmp_path / "t.mp4") if what == "fetch" else getattr(asking, what)(job)
    assert fake.count("poll") == 1
    assert not (tmp_path / "t.mp4").exists()
    assert maker.poll(job).state is JobState.DONE, "nothing was lost by it"


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
    (server.expired(403), TakeLost, "403: the link expired"),
    (server.expired(404), TakeLost, "404: the link expired"),
    (server.expired(410), TakeLost, "410: the link expired"),
]


@pytest.mark.parametrize(("fault", "error", "match"), DOWNLOADS)
def test_a_download_goes_wrong(
    fake: Runway, maker: runway.Runway, hasty: runway.Runway, told: Told, tmp_path: Path,
    fault: server.Fault, error: type[FilmgateError], match: str,
) -> None:  # fmt: skip
    job = maker.submit(WORDS)
    (tmp_path / "t.mp4").write_bytes(b"an earlier take")
    fake.script("link", fault)
    with told(error, match, KEY, "secret-of-"):
        (hasty if fault.trick in SILENT else maker).fetch(job, tmp_path / "t.mp4")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["t.mp4"]
    assert (tmp_path / "t.mp4").read_bytes() == b"an earlier take"
    assert maker.fetch(job, tmp_path / "t.mp4").mime == "video/mp4"
    assert fake.count("submit") == 1


def test_a_film_that_ends_early_is_no_take(
    fake: Runway, maker: runway.Runway, tmp_path: Path
) -> None:
    fake.take = lambda job: media.movie()[:-200]
    job = maker.submit(WORDS)
    with pytest.raises(Unavailable, match="broke off"):
        maker.fetch(job, tmp_path / "t.mp4")
    fake.take = lambda job: b""
    with pytest.raises(Refused, match="the take is empty"):
        maker.fetch(job, tmp_path / "t.mp4")


def test_refusal_failure_and_empty_success(
    fake: Runway, maker: runway.Runway, tmp_path: Path
) -> None:
    for ends, state, match in (
        ("refused", JobState.REFUSED, "content moderation"),
        ("failed", JobState.FAILED, "INTERNAL.BAD_OUTPUT"),
        ("empty", JobState.REFUSED, "there is no take"),
    ):
        fake.jobs.plan(ends)  # type: ignore[arg-type]
        job = maker.submit(WORDS)
        status = maker.poll(job)
        assert status.state is state
        assert match in status.reason
        with pytest.raises(Refused, match=match):
            maker.fetch(job, tmp_path / "t.mp4")


def test_a_job_is_ended_and_a_take_is_never_deleted(
    fake: Runway, maker: runway.Runway, tmp_path: Path
) -> None:
    fake.jobs.plan(after=50)
    job = maker.submit(WORDS)
    with pytest.raises(Unavailable, match="not done yet"):
        maker.fetch(job, tmp_path / "t.mp4")
    maker.cancel(job)
    assert maker.poll(job).state is JobState.CANCELLED
    with pytest.raises(TakeLost, match="cancelled"):
        maker.fetch(job, tmp_path / "t.mp4")
    fake.jobs.plan()
    done = maker.submit(WORDS)
    maker.cancel(done)
    assert maker.fetch(done, tmp_path / "t.mp4").mime == "video/mp4"
    assert fake.count("cancel") == 1


def test_an_unknown_job_is_lost(fake: Runway, maker: runway.Runway, tmp_path: Path) -> None:
    for job in ("00000000-0000-0000-0000-000000000000", "../organization", ""):
        with pytest.raises(TakeLost):
            maker.poll(job)
        with pytest.raises(TakeLost):
            maker.fetch(job, tmp_path / "t.mp4")
        with pytest.raises(TakeLost):
            maker.cancel(job)
    assert all(c.path.startswith("/v1/tasks/0") for c in fake.calls())


CHILD = """
import sys, pathlib
from filmgate.models.generator import Surroundings
from filmgate.models.generators.runway import Runway
maker = Runway(Surroundings(pathlib.Path(sys.argv[1])))
print(maker.poll(sys.argv[2]).state, maker.fetch(sys.argv[2], pathlib.Path(sys.argv[3])).model)
"""


def test_another_process_takes_over(fake: Runway, maker: runway.Runway, tmp_path: Path) -> None:
    job = maker.submit(WORDS)
    out = tmp_path / "take.mp4"
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "own"), job, str(out)],
        capture_output=True, text=True, check=True, env=dict(os.environ),
    )  # fmt: skip
    assert done.stdout.split() == ["done", "gen4.5"]
    assert out.stat().st_size > 1000
    assert fake.jobs.paid == 1


def test_a_key_is_needed_only_when_used(tmp_path: Path, told: Told) -> None:
    maker = runway.Runway(Surroundings(tmp_path))
    assert "gen4.5" in [c.model for c in maker.capabilities()]
    assert maker.price_usd(WORDS) == pytest.approx(0.6)
    with told(WrongKey, "set the environment variable RUNWAYML_API_SECRET"):
        maker.submit(WORDS)
    assert not (tmp_path / "jobs.jsonl").exists()


def test_a_key_with_a_line_break_is_not_sent(
    fake: Runway, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, told: Told
) -> None:
    monkeypatch.setenv("RUNWAYML_API_SECRET", f"{KEY}\nX-Evil: 1")
    with told(WrongKey, "cannot be a key", KEY):
        runway.Runway(Surroundings(tmp_path)).submit(WORDS)


def test_options(fake: Runway, tmp_path: Path) -> None:
    options = {"poll_after_s": 0.5, "usd_per_credit": 0.02, "prices": {"gen4.5": 1.0}}
    maker = runway.Runway(Surroundings(tmp_path, options=options))
    job = maker.submit(WORDS)
    status = maker.poll(job)
    assert (status.poll_after_s, status.cost_usd) == (0.5, pytest.approx(1.2))
    assert maker.price_usd(WORDS) == 5.0
    with pytest.raises(BadSetting, match="poll_after_s"):
        runway.Runway(Surroundings(tmp_path, options={"poll_after_s": "soon"})).poll(job)
    with pytest.raises(BadSetting, match="base_url"):
        runway.Runway(Surroundings(tmp_path, options={"base_url": "runway"})).poll(job)


def test_runway_knows_no_lost_request_but_what_was_noted_here_is_found(
    fake: Runway, maker: runway.Runway, tmp_path: Path
) -> None:
    since = "2026-11-22T10:00:00+00:00"
    with pytest.raises(CannotExpress, match="cannot be asked"):
        maker.find(WORDS, since)
    job = maker.submit(WORDS)
    assert runway.Runway(Surroundings(tmp_path / "own")).find(WORDS, since) == job
    with pytest.raises(CannotExpress, match="cannot be asked"):
        maker.find(replace(WORDS, nonce="another take"), since)
