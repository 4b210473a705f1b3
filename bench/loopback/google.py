"""Google's services as this project uses them: Veo, Gemini Omni, Gemini pictures and answers.

Wire formats as the SDK (google-genai 3.4) sends and takes them:

| route | request | what it is |
|---|---|---|
| veo | POST …/models/M:predictLongRunning | a long-running operation on the enterprise platform |
| veo_poll | POST …/models/M:fetchPredictOperation | how it stands; the bytes come with it |
| omni | POST /v1/interactions | a video job with an API key |
| omni_poll | GET /v1/interactions/ID | how it stands; a link once it is done |
| omni_cancel | POST /v1/interactions/ID/cancel | its end |
| file | GET /v1/files/ID:download | the bytes behind a link |
| bucket | GET /download/storage/v1/b/B/o/O | the bytes of an operation that writes to a bucket |
| content | POST …/models/M:generateContent | a picture, or a structured answer, at once |
| token | POST /token | an access token for a service account |
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import unquote

from bench.loopback.jobs import Job, Jobs, State
from bench.loopback.media import movie, still
from bench.loopback.server import (
    OK,
    Answer,
    Call,
    Fault,
    Loopback,
    dropped,
    expired,
    malformed,
    throttle,
    truncated,
)
from filmgate.errors import (
    AnswerUnknown,
    CannotExpress,
    FilmgateError,
    MeasurementError,
    Refused,
    TakeLost,
    Throttled,
    Unavailable,
)
from filmgate.models import catalog
from filmgate.models.generator import ENDED, JobState, Picture, Request, Surroundings
from filmgate.models.generators.google import Google as GoogleGenerator
from filmgate.models.reader import Terms
from filmgate.models.readers.google import GoogleReader
from filmgate.schema.plan import Role

KEY = "AIzaLoopback7f3d9a04c1e85b2264d0"
"""The API key that the fake takes; a test looks for it where it must not be."""
TOKEN = "ya29.loopback-51c2e07b9d3f"
"""The access token that the fake gives, and takes on the enterprise platform."""
PROJECT, LOCATION = "studio-1", "us-central1"
FILES = "https://generativelanguage.googleapis.com/v1/files"
"""Links name Google's own host; the SDK asks its base URL for them."""

_PLACE = r"(?:/projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+))?"
_MODEL = rf"/v1(?:beta1?)?{_PLACE}(?:/publishers/google)?/models/(?P<model>[^/:]+)"
_TASKS = {"text_to_video", "image_to_video", "reference_to_video", "edit", "extend", "upscale"}


class Google(Loopback):
    """The fake; `jobs.plan` says how video jobs go, the attributes how answers read.

    Attributes:
        says: the structured answer: plain JSON values, or the text itself.
        finish: finish reason of pictures and answers.
        blocked: reason for which a prompt is blocked, or "".
        answered_by: model version named in answers; "" for the model asked.
        pictures: how many pictures an answer holds.
        take: the bytes of a finished film, or of a picture.
    """

    def __init__(
        self, ledger: Path | None = None, take: Callable[[Job], bytes] | None = None
    ) -> None:
        super().__init__()
        self.jobs = Jobs("g", ledger)
        self.take = take or _bytes
        self.says: Any = {"ok": True}
        self.finish = "STOP"
        self.blocked = ""
        self.answered_by = ""
        self.pictures = 1
        self.on("veo", "POST", rf"{_MODEL}:predictLongRunning", self._veo)
        self.on("veo_poll", "POST", rf"{_MODEL}:fetchPredictOperation", self._veo_poll)
        self.on("omni", "POST", r"/v1/interactions", self._omni)
        self.on("omni_poll", "GET", r"/v1/interactions/(?P<job>[^/]+)", self._omni_poll)
        self.on("omni_cancel", "POST", r"/v1/interactions/(?P<job>[^/]+)/cancel", self._omni_cancel)
        self.on("file", "GET", r"/v1/files/(?P<job>[a-z0-9]+):download", self._file)
        self.on("bucket", "GET", r"/download/storage/v1/b/[^/]+/o/(?P<name>.+)", self._bucket)
        self.on("content", "POST", rf"{_MODEL}:generateContent", self._content)
        self.on("token", "POST", r"/token", self._token)

    def environment(self, folder: Path, express: bool = False) -> dict[str, str]:
        """What a client needs to come here instead of to Google.

        Args:
            folder: where a service account's file is written.
            express: the enterprise platform with a key instead of a project and credentials.
        """
        urls = {"GOOGLE_GEMINI_BASE_URL": self.url, "GOOGLE_VERTEX_BASE_URL": self.url}
        if express:
            return {**urls, "GOOGLE_API_KEY": KEY}
        account = {
            "type": "service_account", "project_id": PROJECT, "private_key_id": "1",
            "private_key": _private_key(), "client_email": f"film@{PROJECT}.iam.example",
            "client_id": "1", "token_uri": f"{self.url}/token",
        }  # fmt: skip
        path = folder / "account.json"
        path.write_text(json.dumps(account), encoding="utf-8")
        return {
            **urls, "GEMINI_API_KEY": KEY, "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_CLOUD_LOCATION": LOCATION, "GOOGLE_APPLICATION_CREDENTIALS": str(path),
            "NO_GCE_CHECK": "true",
        }  # fmt: skip

    def error_body(self, status: int, text: str) -> bytes:
        """An error as Google words it."""
        names = {400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED",
                 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}  # fmt: skip
        error = {"code": status, "message": text, "status": names.get(status, "INTERNAL")}
        return json.dumps({"error": error}).encode()

    def _fault(self, status: int, text: str) -> Answer:
        return Answer(status, self.error_body(status, text))

    def _stranger(self, call: Call) -> Answer | None:
        """What a wrong key is told; None for a right one."""
        if call.headers.get("x-goog-api-key"):
            if call.headers["x-goog-api-key"] == KEY:
                return None
            return self._fault(400, "API key not valid. Please pass a valid API key.")
        if call.headers.get("authorization") == f"Bearer {TOKEN}":
            return None
        return self._fault(401, "Request had invalid authentication credentials.")

    def _veo(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        made = call.json()
        if not made["instances"][0].get("prompt"):
            return self._fault(400, "A prompt is needed.")
        job = self.jobs.accept({"model": call.groups["model"], **made})
        project = call.groups["project"] or PROJECT
        place = call.groups["location"] or LOCATION
        model = f"projects/{project}/locations/{place}/publishers/google/models/{job.made['model']}"
        return Answer.of({"name": f"{model}/operations/{job.id}"})

    def _veo_poll(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        name = call.json()["operationName"]
        job = self.jobs.ask(name.rpartition("/")[2])
        if job is None:
            return self._fault(404, "Operation not found.")
        plain: dict[str, Any] = {"name": name}
        if job.state == "failed":
            plain |= {"done": True, "error": {"code": 13, "message": job.why or "internal error"}}
        elif job.state != "running":
            plain |= {"done": True, "response": self._veo_made(job)}
        return Answer.of(plain)

    def _veo_made(self, job: Job) -> dict[str, Any]:
        if job.state == "refused":
            why = job.why or "The prompt violates the usage guidelines. Support codes: 58061214"
            return {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [why]}
        if job.state == "empty":
            return {"raiMediaFilteredCount": 0}
        bucket = job.made["parameters"].get("storageUri")
        if bucket:
            where = {"gcsUri": f"{bucket.rstrip('/')}/{job.id}/sample_0.mp4"}
        else:
            where = {"bytesBase64Encoded": base64.b64encode(self.take(job)).decode()}
        return {"raiMediaFilteredCount": 0, "videos": [{**where, "mimeType": "video/mp4"}]}

    def _omni(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        made = call.json()
        task = made.get("generation_config", {}).get("video_config", {}).get("task")
        if task is not None and task not in _TASKS:
            return self._fault(400, f"Unknown task {task}.")
        job = self.jobs.accept(made)
        return Answer.of({**self._interaction(job), "status": "in_progress"})

    def _omni_poll(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        job = self.jobs.ask(call.groups["job"])
        if job is None:
            return self._fault(404, "Interaction not found.")
        return Answer.of(self._interaction(job))

    def _omni_cancel(self, call: Call) -> Answer:
        if not self.jobs.end(call.groups["job"]):
            return self._fault(404, "Interaction not found.")
        job = self.jobs.get(call.groups["job"])
        assert job is not None
        return Answer.of(self._interaction(job))

    def _interaction(self, job: Job) -> dict[str, Any]:
        plain: dict[str, Any] = {
            "id": job.id, "object": "interaction", "model": self.answered_by or job.made["model"],
            "created": "2026-11-22T12:00:00Z", "updated": "2026-11-22T12:00:30Z",
        }  # fmt: skip
        if job.state == "running":
            return {**plain, "status": "in_progress"}
        if job.state == "cancelled":
            return {**plain, "status": "cancelled"}
        if job.state in ("refused", "failed"):
            refused = job.state == "refused"
            code = "content_policy" if refused else "internal"
            why = job.why or ("blocked by the safety policy" if refused else "internal error")
            return {**plain, "status": "failed", "errors": [{"code": code, "message": why}]}
        content: list[dict[str, Any]] = [{"type": "text", "text": job.why or "Here you are."}]
        if job.state == "done":
            asked = job.made["response_format"]
            video = {"type": "video", "mime_type": "video/mp4"}
            if asked.get("delivery") == "uri":
                video["uri"] = _link(job)
            else:
                video["data"] = base64.b64encode(self.take(job)).decode()
            content.append(video)
        steps = [{"type": "model_output", "content": content}]
        return {**plain, "status": "completed", "steps": steps}

    def _file(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        job = self.jobs.get(call.groups["job"])
        if job is None:
            return self._fault(404, "File not found.")
        return Answer(body=self.take(job), type="video/mp4")

    def _bucket(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        name = unquote(call.groups["name"])
        job = self.jobs.get(name.split("/")[-2])
        if job is None:
            return self._fault(404, "No such object.")
        return Answer(body=self.take(job), type="video/mp4")

    def _content(self, call: Call) -> Answer:
        if (wrong := self._stranger(call)) is not None:
            return wrong
        made = call.json()
        job = self.jobs.accept({"model": call.groups["model"], **made})
        version = self.answered_by or call.groups["model"]
        if self.blocked:
            feedback = {"blockReason": self.blocked, "blockReasonMessage": "planned by the test"}
            return Answer.of({"promptFeedback": feedback, "modelVersion": version})
        parts: list[dict[str, Any]]
        if "IMAGE" in made.get("generationConfig", {}).get("responseModalities", []):
            data = base64.b64encode(self.take(job)).decode()
            picture = {"inlineData": {"mimeType": "image/png", "data": data}}
            parts = [{"text": "One picture."}, *[picture] * self.pictures]
        else:
            parts = [{"text": self.says if isinstance(self.says, str) else json.dumps(self.says)}]
        content = {"role": "model", "parts": parts}
        return Answer.of({
            "candidates": [{"content": content, "finishReason": self.finish, "index": 0}],
            "usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 30},
            "modelVersion": version,
        })  # fmt: skip

    def _token(self, call: Call) -> Answer:
        if b"grant_type" not in call.body:
            return Answer.of({"error": "invalid_request"}, 400)
        return Answer.of({"access_token": TOKEN, "expires_in": 3600, "token_type": "Bearer"})


def _link(job: Job) -> str:
    return f"{FILES}/{job.id}:download?alt=media"


def _bytes(job: Job) -> bytes:
    """A film, or a picture where one was asked for."""
    modalities = job.made.get("generationConfig", {}).get("responseModalities", [])
    return still() if "IMAGE" in modalities else movie()


@cache
def _private_key() -> str:
    """A key that signs for a service account which exists nowhere."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


# ------------------------------------------------------------------ one line per capability


@contextmanager
def _stage(**options: Any) -> Iterator[tuple[Google, GoogleGenerator, Path]]:
    """The fake, a generator that goes there, and a folder."""
    with tempfile.TemporaryDirectory() as name, Google() as fake:
        folder = Path(name)
        with patch.dict(os.environ, fake.environment(folder)):
            yield fake, GoogleGenerator(Surroundings(folder / "own", 20.0, options=options)), folder


def _request(model: str, *roles: Role, folder: Path | None = None, **changes: Any) -> Request:
    """Eight seconds of an office in HD; a still in twice that."""
    pictures = []
    for number, role in enumerate(roles):
        assert folder is not None
        path = folder / f"{role}-{number}.png"
        path.write_bytes(still(seed=number))
        pictures.append(Picture(path, f"sha256:{number}", role, f"tag{number}"))
    size = (1920, 1080) if "image" in model else (1280, 720)
    plain = {"prompt": "A long office corridor.", "duration_s": 8.0, "size": size, "nonce": "1A-1"}
    return Request(model, pictures=tuple(pictures), **{**plain, **changes})


def _made(maker: GoogleGenerator, job: str, folder: Path) -> str:
    """Poll until it is done, and fetch."""
    polls = 1
    while (status := maker.poll(job)).state not in ENDED:
        polls += 1
    assert status.state is JobState.DONE, status
    result = maker.fetch(job, folder / "take")
    return f"{result.mime} of {result.path.stat().st_size} bytes after {polls} polls"


def _take(model: str, *roles: Role, after: int = 2) -> Callable[[], str]:
    """Submit, wait, fetch: paid once."""

    def line() -> str:
        with _stage() as (fake, maker, folder):
            fake.jobs.plan(after=after)
            said = _made(maker, maker.submit(_request(model, *roles, folder=folder)), folder)
            assert fake.jobs.paid == 1, f"{fake.jobs.paid} paid"
            return f"{said}, 1 paid"

    return line


def _error(call: Callable[[], object]) -> FilmgateError | None:
    """What went wrong, None when nothing did."""
    try:
        call()
    except FilmgateError as error:
        return error
    return None


def _told(
    error: type[FilmgateError], model: str, paid: int, route: str = "", fault: Fault = OK,
    ends: State = "done", late: bool = False, blocked: str = "", **changes: Any,
) -> Callable[[], str]:  # fmt: skip
    """What goes wrong, as this error and with so many requests paid; `late`: when it is fetched."""

    def line() -> str:
        with _stage() as (fake, maker, folder):
            fake.jobs.plan(ends)
            fake.blocked = blocked
            asked = _request(model, **changes)
            job = maker.submit(asked) if late else ""
            if route:
                fake.script(route, fault)
            told = _error(
                lambda: maker.fetch(job, folder / "take") if late else maker.submit(asked)
            )
            assert type(told) is error, repr(told)
            assert fake.jobs.paid == paid, f"{fake.jobs.paid} paid"
            return f"{error.__name__}: {told} ({paid} paid)"

    return line


_CHILD = """
import pathlib, sys
from filmgate.models.generator import Surroundings
from filmgate.models.generators.google import Google
maker = Google(Surroundings(pathlib.Path(sys.argv[1]), 20.0))
print(maker.poll(sys.argv[2]).state, maker.fetch(sys.argv[2], pathlib.Path(sys.argv[3])).mime)
"""


def _resumed(model: str) -> Callable[[], str]:
    """Submit here, poll and fetch in another process."""

    def line() -> str:
        with _stage() as (fake, maker, folder):
            job = maker.submit(_request(model))
            command = [sys.executable, "-c", _CHILD, str(folder / "own"), job, str(folder / "take")]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.stdout.startswith("done "), done.stderr
            assert fake.jobs.paid == 1, f"{fake.jobs.paid} paid"
            return f"{job.rpartition('/')[2]}: {done.stdout.strip()}, 1 paid"

    return line


def _same_still() -> str:
    with _stage() as (fake, maker, _):
        asked = _request(IMAGE)
        job = maker.submit(asked)
        assert maker.submit(asked) == maker.find(asked, "2026-11-22T12:00:00Z") == job
        assert fake.jobs.paid == 1, f"{fake.jobs.paid} paid"
        return "the same request again gives the picture that is here, 1 paid"


def _cancelled() -> str:
    with _stage() as (fake, maker, _):
        fake.jobs.plan(after=9)
        for model in (OMNI, VEO):
            job = maker.submit(_request(model))
            maker.cancel(job)
            assert maker.poll(job).state is JobState.CANCELLED
        return f"Omni's job is ended ({fake.count('omni_cancel')} request), Veo's is let go"


def _answers() -> str:
    with _stage() as (fake, _, _folder):
        judge = GoogleReader(Terms("gemini-x", 20.0, options={"versions": ["gemini-x-001"]}))
        fake.says, fake.answered_by = {"scene": "12"}, "gemini-x-001"
        schema = {"type": "object", "properties": {"scene": {"type": "string"}},
                  "required": ["scene"]}  # fmt: skip
        script = "INT. OFFICE - NIGHT\n\nMaya waits.\n\n" * 10_000
        assert judge.read([still()], "Which scene?", schema, material=script) == fake.says
        fake.answered_by = "gemini-y-001"
        told = _error(lambda: judge.read([still()], "Which scene?", schema))
        assert isinstance(told, MeasurementError), repr(told)
        return f"{len(script)} characters and a picture; then: {told}"


def _retired() -> str:
    with _stage() as (fake, maker, _):
        gone = [r for r in catalog.rows() if r.protocol == "google" and r.retired]
        for row in gone:
            told = _error(partial(maker.submit, _request(row.model)))
            assert isinstance(told, CannotExpress), row.model
            assert str(row.retired) in str(told)
        assert not fake.calls()
        return f"{len(gone)} ids answered by their successors' names, nothing sent"


VEO, OMNI, IMAGE = "veo-3.1-generate-001", "gemini-omni-1.2-flash", "gemini-3.1-flash-image"
LINES: list[tuple[str, Callable[[], str]]] = [
    ("google, Veo: text to video", _take(VEO)),
    ("google, Veo: first and last frame", _take(VEO, "first_frame", "last_frame")),
    ("google, Veo: references", _take(VEO, "asset", "asset")),
    ("google, Veo: a limit of the model", _told(CannotExpress, VEO, 0, duration_s=5.0)),
    ("google, Veo: refusal, nothing made", _told(Refused, VEO, 1, ends="refused", late=True)),
    ("google, Veo: throttle", _told(Throttled, VEO, 0, "veo", throttle(7))),
    ("google, Veo: answer lost", _told(AnswerUnknown, VEO, 1, "veo", dropped())),
    ("google, Veo: operation forgotten", _told(TakeLost, VEO, 1, "veo_poll", expired(), late=True)),
    ("google, Veo: resume in a new process", _resumed(VEO)),
    ("google, Omni: text to video", _take(OMNI)),
    ("google, Omni: image to video", _take(OMNI, "first_frame")),
    ("google, Omni: references", _take(OMNI, "asset", "style")),
    ("google, Omni: refusal", _told(Refused, OMNI, 1, ends="refused", late=True)),
    ("google, Omni: done, and nothing made", _told(Refused, OMNI, 1, ends="empty", late=True)),
    ("google, Omni: throttle", _told(Throttled, OMNI, 0, "omni", throttle(7))),
    ("google, Omni: answer lost", _told(AnswerUnknown, OMNI, 1, "omni", malformed())),
    ("google, Omni: expired link", _told(TakeLost, OMNI, 1, "file", expired(403), late=True)),
    ("google, Omni: broken download", _told(Unavailable, OMNI, 1, "file", truncated(), late=True)),
    ("google, Omni: resume in a new process", _resumed(OMNI)),
    ("google, stills: text to image", _take(IMAGE, after=0)),
    ("google, stills: references", _take(IMAGE, "asset", "style", after=0)),
    ("google, stills: refusal", _told(Refused, IMAGE, 1, blocked="PROHIBITED_CONTENT")),
    ("google, stills: never paid twice", _same_still),
    ("google, stills: resume in a new process", _resumed(IMAGE)),
    ("google: cancel", _cancelled),
    ("google: retired models", _retired),
    ("google: reader of scripts and pictures", _answers),
]
"""What `bench.providers` runs: a name, and a function that says how it went or raises."""
