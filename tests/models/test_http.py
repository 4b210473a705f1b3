"""What providers answer, told in our errors; downloads that are whole or not there; secrets."""

from __future__ import annotations

import datetime
import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from bench.loopback import media, server
from filmgate.errors import (
    AnswerUnknown,
    BadSetting,
    CannotExpress,
    FilmgateError,
    Refused,
    StoreError,
    TakeLost,
    Throttled,
    Unavailable,
    WrongKey,
)
from filmgate.models import delivery, http
from filmgate.models.generator import Picture
from filmgate.models.sentences import LONGEST_CHARS

PROVIDER = http.Provider("Acme", "ACME_API_KEY")
KEY = "sk-acme-0123456789abcdef"
GOOGLE_429 = json.dumps({"error": {"code": 429, "message": "Quota.", "status": "EXHAUSTED",
    "details": [{"@type": "RetryInfo", "retryDelay": "12.5s"}]}})  # fmt: skip
GOOGLE_KEY = json.dumps({"error": {"code": 400, "message": "API key not valid. Please pass one.",
    "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}})  # fmt: skip
POLICY = json.dumps({"error": {"message": "Blocked.", "code": "content_policy_violation"}})


def answered(status: int, phase: http.Phase, body: str = '{"error": "No."}', **more: bool) -> type:
    return type(PROVIDER.answered(status, {}, body, phase, **more))


@pytest.mark.parametrize(
    ("status", "submitting", "polling"),
    [
        (400, CannotExpress, Unavailable), (401, WrongKey, WrongKey), (402, WrongKey, WrongKey),
        (403, WrongKey, WrongKey), (404, CannotExpress, TakeLost),
        (405, CannotExpress, Unavailable), (408, AnswerUnknown, Unavailable),
        (409, CannotExpress, Unavailable),
        (410, CannotExpress, TakeLost), (413, CannotExpress, Unavailable),
        (422, CannotExpress, Unavailable), (425, Throttled, Throttled), (429, Throttled, Throttled),
        (500, AnswerUnknown, Unavailable), (501, CannotExpress, Unavailable),
        (502, AnswerUnknown, Unavailable), (503, Unavailable, Unavailable),
        (504, AnswerUnknown, Unavailable), (529, AnswerUnknown, Unavailable),
        (302, AnswerUnknown, Unavailable), (204, AnswerUnknown, Unavailable),
    ],
)  # fmt: skip
def test_a_status_means(status: int, submitting: type, polling: type) -> None:
    assert answered(status, "submit") is submitting
    for phase in ("poll", "fetch", "cancel"):
        assert answered(status, phase) is polling  # type: ignore[arg-type]


def test_finer_differences() -> None:
    page = "<html><body>503</body></html>"
    assert answered(503, "submit", page) is AnswerUnknown
    assert answered(503, "poll", page) is Unavailable
    assert answered(500, "prepare") is Unavailable
    assert answered(400, "prepare") is CannotExpress
    assert answered(400, "submit", POLICY) is Refused
    assert answered(400, "submit", GOOGLE_KEY) is WrongKey
    assert answered(403, "fetch", link=True) is TakeLost
    assert answered(404, "find") is CannotExpress
    assert answered(500, "find") is Unavailable
    issues = json.dumps({"error": "Validation of body failed",
                         "issues": [{"path": ["promptText"], "message": "Too long"}]})  # fmt: skip
    assert "promptText Too long" in str(PROVIDER.answered(400, {}, issues, "submit"))
    listed = json.dumps([{"error": {"code": 404, "message": "No model."}}])
    assert "No model." in str(PROVIDER.answered(404, {}, listed, "submit"))


def test_how_long_to_wait() -> None:
    now = datetime.datetime(2026, 11, 22, 10, 0, tzinfo=datetime.UTC)
    for headers, body, wait in (
        ({"Retry-After": "3"}, "", 3.0),
        ({"retry-after": "Sun, 22 Nov 2026 10:00:30 GMT"}, "", 30.0),
        ({"retry-after": "Sun, 22 Nov 2026 09:00:00 GMT"}, "", 0.0),
        ({"retry-after-ms": "250", "retry-after": "9"}, "", 0.25),
        ({}, GOOGLE_429, 12.5),
        ({"retry-after": "-3"}, "", None), ({"retry-after": "nan"}, "", None),
        ({"retry-after": "soon"}, "", None), ({}, "", None),
    ):  # fmt: skip
        assert http.retry_after_s(headers, body, now) == wait
    error = PROVIDER.answered(429, {}, GOOGLE_429, "poll")
    assert isinstance(error, Throttled)
    assert error.retry_after_s == 12.5


def raised(error: Exception, phase: http.Phase) -> FilmgateError:
    with pytest.raises(FilmgateError) as caught, PROVIDER.asked(phase):
        raise error
    return caught.value


def test_what_the_transport_says() -> None:
    for error, submitting in (
        (httpx2.ConnectError("refused"), Unavailable),
        (httpx2.ConnectTimeout("slow"), Unavailable),
        (httpx2.PoolTimeout("busy"), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (httpx2.ReadTimeout("slow"), AnswerUnknown),
        (httpx2.ReadError("gone"), AnswerUnknown),
        (httpx2.WriteError("gone"), AnswerUnknown),
        (httpx2.RemoteProtocolError("half"), AnswerUnknown),
        (TimeoutError(), AnswerUnknown),
        (json.JSONDecodeError("x", "x", 0), AnswerUnknown),
        (http.NotUnderstood("x"), AnswerUnknown),
    ):
        assert type(raised(error, "submit")) is submitting
        assert type(raised(error, "poll")) is Unavailable


def test_an_error_is_known_by_what_it_came_from_and_not_by_what_was_handled_meanwhile() -> None:
    wrapped = RuntimeError("the SDK's word for it")
    wrapped.__cause__ = httpx2.ConnectTimeout("slow")
    wrapped.__cause__.__cause__ = TimeoutError()
    assert type(raised(wrapped, "submit")) is Unavailable
    try:
        raise httpx2.ConnectError("an earlier request")
    except httpx2.ConnectError as earlier:
        this = httpx2.ReadTimeout("this one")
        this.__context__ = earlier
        assert type(raised(this, "submit")) is AnswerUnknown


def test_defects_and_our_own_errors_pass() -> None:
    for error in (TypeError("a defect"), Refused("ours"), KeyError("x")):
        with pytest.raises(type(error)) as caught, PROVIDER.asked("submit"):
            raise error
        assert caught.value is error


def test_secrets_are_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_API_KEY", "plain-looking-word")
    said = (
        f"Bad key {KEY} or plain-looking-word; Authorization: Bearer abc.def-123, "
        "see https://x.example/a.mp4?sig=topsecret&x=1 AIzaSyA1234567890abcd"
    )
    error = PROVIDER.answered(400, {}, json.dumps({"error": said}), "submit")
    for text in (http.redacted(said), http.sentence(said), str(error), repr(error)):
        for secret in (KEY, "plain-looking-word", "abc.def-123", "topsecret", "AIzaSy"):
            assert secret not in text
    assert "https://x.example/a.mp4" in http.redacted(said)
    assert KEY not in str(PROVIDER.answered(401, {}, json.dumps({"error": said}), "submit"))


def test_one_sentence() -> None:
    assert http.sentence("  First\n one.  Second one. ") == "First one."
    assert http.sentence("<p>Version 1.5 is off</p>") == "Version 1.5 is off"
    assert len(http.sentence("x" * 1000)) == LONGEST_CHARS


def test_keys_and_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WrongKey, match="ACME_API_KEY or OTHER_KEY"):
        http.key("Acme", "ACME_API_KEY", "OTHER_KEY")
    monkeypatch.setenv("OTHER_KEY", f" {KEY}\n")
    assert http.key("Acme", "ACME_API_KEY", "OTHER_KEY") == KEY
    for wrong in ("two words", "line\nbreak", "pässword"):
        monkeypatch.setenv("ACME_API_KEY", wrong)
        with pytest.raises(WrongKey, match="ACME_API_KEY") as caught:
            http.key("Acme", "ACME_API_KEY")
        assert wrong not in str(caught.value)
    assert http.base_url({}, default="https://a") == "https://a"
    monkeypatch.setenv("ACME_URL", "https://b.example/v1/")
    assert http.base_url({}, "ACME_URL", default="https://a") == "https://b.example/v1"
    assert http.base_url({"base_url": "http://[::1]:8/v1"}, "ACME_URL") == "http://[::1]:8/v1"
    for wrong in ("b.example", "ftp://b", "https://user:pass@b", "https://b/v1?key=1", "h://"):
        with pytest.raises(BadSetting, match="base_url") as bad:
            http.base_url({"base_url": wrong})
        assert wrong not in str(bad.value)


def test_numbers_out_of_answers_and_options() -> None:
    assert [http.share(v, 100) for v in (50, "25", 170, None, -3, True, "x")] == [
        0.5, 0.25, 1.0, None, None, None, None,
    ]  # fmt: skip
    assert http.option({"a": 2}, "acme", "a", 1.0) == 2.0
    assert http.option({}, "acme", "a", 1.0) == 1.0
    for wrong in ("2", -1, None, True, float("inf")):
        with pytest.raises(BadSetting, match="acme"):
            http.option({"a": wrong}, "acme", "a", 1.0)


@pytest.fixture
def host() -> Iterator[server.Loopback]:
    class Host(server.Loopback):
        def __init__(self) -> None:
            super().__init__()
            self.on("take", "GET", "/take", lambda call: server.Answer(200, media.movie(), "x/y"))
            away = server.Answer(302, b"", headers={"Location": "/take"})
            self.on("moved", "GET", "/moved", lambda call: away)

    with Host() as served:
        yield served


def test_a_download_arrives_whole(host: server.Loopback, tmp_path: Path) -> None:
    path = tmp_path / "new" / "take.mp4"
    secret = {"Authorization": f"Bearer {KEY}"}
    assert http.download(f"{host.url}/moved", path, PROVIDER, 5, secret) == "video/mp4"
    assert path.read_bytes() == media.movie()
    assert [p.name for p in path.parent.iterdir()] == ["take.mp4"]
    with pytest.raises(Unavailable, match="no http address"):
        http.download("file:///etc/passwd", path, PROVIDER, 5)
    with pytest.raises(Unavailable, match="cannot be reached"):
        http.download(server.unreachable() + "/x", path, PROVIDER, 5)


def test_a_key_does_not_follow_to_another_host(host: server.Loopback, tmp_path: Path) -> None:
    class Other(server.Loopback):
        def __init__(self) -> None:
            super().__init__()
            there = server.Answer(302, b"", headers={"Location": f"{host.url}/take"})
            self.on("away", "GET", "/away", lambda call: there)

    with Other() as other:
        http.download(f"{other.url}/away", tmp_path / "t.mp4", PROVIDER, 5,
                      {"Authorization": f"Bearer {KEY}"})  # fmt: skip
        assert "authorization" in other.calls("away")[0].headers
    assert "authorization" not in host.calls("take")[0].headers


def test_media_are_known_by_their_bytes(tmp_path: Path) -> None:
    for data, kind in ((media.movie(), "video/mp4"), (media.still(), "image/png")):
        assert delivery.written([data[:10], data[10:]], tmp_path / "x") == kind
        with pytest.raises(delivery.BrokeOff):
            delivery.written([data[: len(data) // 2]], tmp_path / "y")
    for head, kind in (
        (b"\xff\xd8\xff\xe0", "image/jpeg"), (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\x1a\x45\xdf\xa3", "video/webm"), (b"\0\0\0\x14ftypqt  ", "video/quicktime"),
        (b"RIFF\0\0\0\0NONE", None), (b"<html>", None), (b"", None), (b"MZ\x90", None),
    ):  # fmt: skip
        assert delivery.media_type(head) == kind
    assert not (tmp_path / "y").exists()
    with pytest.raises(delivery.NotMedia, match="more than"):
        delivery.written([media.movie()], tmp_path / "y", largest_bytes=100)
    with pytest.raises(delivery.BrokeOff, match="no index"):
        delivery.written([b"\0\0\0\x10ftypisom\0\0\0\0"], tmp_path / "y")
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_full_disk_is_told_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "take.mp4"
    path.write_bytes(b"an earlier take")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match=r"take\.mp4 cannot be written: No space left"):
        http.kept(iter([media.movie()]), path, PROVIDER)
    assert path.read_bytes() == b"an earlier take"
    assert len(list(tmp_path.iterdir())) == 1


def test_reference_pictures_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "p.png"
    picture = Picture(path, "sha256:1")
    with pytest.raises(CannotExpress, match="cannot be read"):
        http.read_picture(picture, 10**6)
    path.write_bytes(b"GIF89a")
    with pytest.raises(CannotExpress, match="no PNG, JPEG or WebP"):
        http.read_picture(picture, 10**6)
    path.write_bytes(media.still())
    assert http.read_picture(picture, 10**6) == (media.still(), "image/png")
    with pytest.raises(CannotExpress, match=r"MiB; at most 0\.000953674 MiB"):
        http.read_picture(picture, 1000)


def test_importing_an_adapter_imports_no_sdk() -> None:
    code = (
        "import importlib, pkgutil, sys, filmgate.models.generators as g\n"
        "for m in pkgutil.iter_modules(g.__path__):\n"
        "    importlib.import_module('filmgate.models.generators.' + m.name)\n"
        "sdks = {'runwayml', 'openai', 'google.genai', 'httpx', 'httpx2'}\n"
        "print(sorted(sdks & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(("name", "package"), [("runway", "runwayml"), ("openai_videos", "openai")])
def test_a_missing_package_names_its_extra(name: str, package: str, tmp_path: Path) -> None:
    code = (
        f"import sys, pathlib; sys.modules[{package!r}] = None\n"
        f"from filmgate.models.generators.{name} import GENERATOR\n"
        "from filmgate.models.generator import Surroundings\n"
        "from filmgate.errors import MissingExtra\n"
        "try: GENERATOR(Surroundings(pathlib.Path('.'))).poll('job')\n"
        "except MissingExtra as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          cwd=tmp_path)  # fmt: skip
    assert f"install filmgate with the extra '{name.split('_')[0]}'" in done.stdout
