"""Runway: its own models and those of others that its API fronts.

Protocol (runwayml 5.24, API version 2024-11-06): ``POST /v1/text_to_video``, ``image_to_video``,
``video_to_video`` or ``text_to_image`` gives a task's id, ``GET /v1/tasks/ID`` how it stands,
``DELETE`` ends it. A take is a link for a day or two; asking for the task again gives a fresh one,
so `Runway.fetch` asks first.

Environment: ``RUNWAYML_API_SECRET`` (the key), ``RUNWAYML_BASE_URL``. Options of
``[generators.runway]``: ``base_url``, ``poll_after_s``, ``usd_per_credit``, ``prices``.
``Request.parameters["video"]`` is the footage that a video-to-video model changes: a file, or an
``https:`` or ``runway:`` address.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmgate.errors import (
    CannotExpress,
    MissingExtra,
    Refused,
    TakeLost,
    Unavailable,
)
from filmgate.models import catalog, delivery, http
from filmgate.models.generator import (
    Capability,
    JobState,
    Picture,
    Request,
    Result,
    Status,
    Surroundings,
)
from filmgate.models.jobbook import Entry, JobBook

if TYPE_CHECKING:
    from runwayml import RunwayML

NAME = "runway"
KEY = "RUNWAYML_API_SECRET"
BASE_URL = "https://api.dev.runwayml.com"
PROVIDER = http.Provider("Runway", KEY)

POLL_AFTER_S = 5.0
"""Runway asks not to look at a task more often (docstring of ``tasks.retrieve``, runwayml 5.24)."""
USD_PER_CREDIT = 0.01
INLINE_BYTES = 3_500_000
"""Files up to this go inside the request: as base64 they stay below the 5 MB of a data URI."""
UPLOAD_BYTES = 200_000_000
"""Largest file that can be uploaded (runwayml/skills, api reference, 2026)."""
_JOB = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_STATES = {
    "PENDING": JobState.QUEUED,
    "THROTTLED": JobState.QUEUED,
    "RUNNING": JobState.RUNNING,
    "SUCCEEDED": JobState.DONE,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}


class Runway:
    """See the module; thread-safe, no request is ever repeated."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._book = JobBook(surroundings.folder)
        self._lock = threading.Lock()
        self._made: RunwayML | None = None

    def capabilities(self) -> tuple[Capability, ...]:
        """Runway's models in the catalog."""
        return tuple(catalog.capability(row) for row in catalog.alive(NAME))

    def check(self, request: Request) -> None:
        """Refuse by the catalog's limits, and pictures or footage that cannot be sent."""
        row = catalog.find(request.model, NAME)
        catalog.check(row, request)
        for picture in request.pictures:
            http.read_picture(picture, UPLOAD_BYTES)
        if row.starts_from == ("video",):
            _footage(request)

    def price_usd(self, request: Request) -> float:
        """By the catalog, or by ``prices`` in the options."""
        return catalog.price_usd(catalog.find(request.model, NAME), request, self._around.options)

    def submit(self, request: Request) -> str:
        """One POST; files that are too large for it are uploaded before, which costs nothing."""
        self.check(request)
        client = self._client()
        path, body = self._body(request)
        with PROVIDER.asked("submit"):
            answer = client.post(path, cast_to=_response(), body=body)
            job = str(http.understood(answer.text, "id")["id"])
        self._book.note(Entry(job, request.model, request.hash(NAME)))
        return job

    def poll(self, job: str) -> Status:
        """``GET /v1/tasks/ID``."""
        return self._status(self._task(job, "poll"))

    def fetch(self, job: str, path: Path) -> Result:
        """Ask for the task, which renews the link, and download."""
        task = self._task(job, "fetch")
        status = self._status(task)
        if status.state is JobState.CANCELLED:
            raise TakeLost(f"The task {job} at Runway was cancelled.")
        if status.state in (JobState.REFUSED, JobState.FAILED):
            raise Refused(f"Runway made nothing: {status.reason}")
        if status.state is not JobState.DONE:
            raise Unavailable(f"The task {job} at Runway is not done yet.")
        mime = http.download(task["output"][0], path, PROVIDER, self._around.timeout_s)
        return Result(path, self._book.get(job).model, status.cost_usd, mime)

    def cancel(self, job: str) -> None:
        """End a task that runs; Runway would delete the take of one that is done, so look first."""
        if _STATES[self._task(job, "cancel")["status"]] in (JobState.QUEUED, JobState.RUNNING):
            client = self._client()
            with PROVIDER.asked("cancel"):
                client.delete(f"/v1/tasks/{job}", cast_to=_response())

    def find(self, request: Request, since: str) -> str | None:
        """Only what was noted here: Runway lists no tasks."""
        mine = request.hash(NAME)
        for entry in self._book.entries().values():
            if entry.request == mine:
                return entry.job
        raise CannotExpress(
            "Runway cannot be asked whether it has a request: look at dev.runwayml.com, and decide."
        )

    def _task(self, job: str, phase: http.Phase) -> dict[str, Any]:
        if not _JOB.fullmatch(job):
            raise TakeLost(f"'{job}' is no task of Runway.")
        client = self._client()
        with PROVIDER.asked(phase):
            answer = client.get(f"/v1/tasks/{job}", cast_to=_response())
            task = http.understood(answer.text, "id", "status")
            if task["status"] not in _STATES:
                raise http.NotUnderstood("an unknown status")
            return task

    def _status(self, task: Mapping[str, Any]) -> Status:
        state, reason = _STATES[task["status"]], ""
        if state is JobState.FAILED:
            code = str(task.get("failureCode") or "")
            reason = http.sentence(f"{task.get('failure') or 'no reason given'}")
            reason += f" ({code})" if code else ""
            # What moderation says of the words or of the take will be said again.
            state = JobState.REFUSED if "SAFETY" in code.upper() else state
        outputs = task.get("output")
        if state is JobState.DONE and not (
            isinstance(outputs, list) and outputs and isinstance(outputs[0], str)
        ):
            state, reason = JobState.REFUSED, "Runway says it succeeded, and there is no take"
        return Status(
            state, reason,
            progress=http.share(task.get("progress")),
            poll_after_s=http.option(self._around.options, NAME, "poll_after_s", POLL_AFTER_S),
            cost_usd=self._cost_usd(task.get("cost")),
        )  # fmt: skip

    def _cost_usd(self, cost: Any) -> float | None:
        paid = http.number(cost.get("credits")) if isinstance(cost, Mapping) else None
        if paid is None:
            return None
        return paid * http.option(self._around.options, NAME, "usd_per_credit", USD_PER_CREDIT)

    def _body(self, request: Request) -> tuple[str, dict[str, Any]]:
        """Where a request goes and what it says."""
        row = catalog.find(request.model, NAME)
        prompt, negative = catalog.words(row, request)
        width, height = request.size
        first = catalog.frame(request, "first_frame")
        last = catalog.frame(request, "last_frame")
        extra = {k: v for k, v in request.parameters.items() if k != "video"}
        body: dict[str, Any] = {"model": row.model, **extra}
        if prompt:
            body["promptText"] = prompt
        if negative:
            body["negativePrompt"] = negative
        if row.seed and request.seed is not None:
            body["seed"] = request.seed
        if row.starts_from == ("video",):
            body["videoUri"] = self._video(request)
            frames = (({"seconds": 0.0}, first), ({"at": 1.0}, last))
            if keyframes := [{**at, "uri": self._uri(p)} for at, p in frames if p is not None]:
                body["keyframes"] = keyframes
            return "/v1/video_to_video", body
        body["ratio"] = f"{width}:{height}"
        sent = [self._reference(p) for p in catalog.references(request)]
        if "image" in row.kinds:
            return "/v1/text_to_image", {**body, **({"referenceImages": sent} if sent else {})}
        body["duration"] = int(request.duration_s)
        if row.audio == "switch":
            body["audio"] = request.sound
        if first is None:
            return "/v1/text_to_video", {**body, **({"references": sent} if sent else {})}
        body["promptImage"] = [{"uri": self._uri(first), "position": "first"}]
        if last is not None:
            body["promptImage"].append({"uri": self._uri(last), "position": "last"})
        return "/v1/image_to_video", body

    def _reference(self, picture: Picture) -> dict[str, str]:
        row_tag = {"tag": picture.tag} if picture.tag else {}
        return {"uri": self._uri(picture), **row_tag}

    def _uri(self, picture: Picture) -> str:
        data, kind = http.read_picture(picture, UPLOAD_BYTES)
        return self._inside(data, kind, f"picture{delivery.SUFFIXES[kind]}")

    def _video(self, request: Request) -> str:
        footage = _footage(request)
        if isinstance(footage, str):
            return footage
        kind = delivery.examined(footage)
        return self._inside(footage.read_bytes(), kind, f"footage{delivery.SUFFIXES[kind]}")

    def _inside(self, data: bytes, kind: str, name: str) -> str:
        """`data` as an address that a request can hold."""
        if len(data) <= INLINE_BYTES:
            return http.data_uri(data, kind)
        client = self._client()
        with PROVIDER.asked("prepare"):
            return client.uploads.create_ephemeral(file=(name, data, kind)).uri

    def _client(self) -> RunwayML:
        """The SDK's client: no retries, and a connection of its own for every request.

        A connection that is kept may be closed by the other side just as a request goes out, and
        then nobody knows whether it was accepted.
        """
        with self._lock:
            if self._made is None:
                try:
                    import runwayml
                except ModuleNotFoundError:
                    raise MissingExtra(
                        "The generator 'runway' needs the package 'runwayml': "
                        "install filmgate with the extra 'runway'."
                    ) from None
                import httpx

                origin = http.base_url(self._around.options, "RUNWAYML_BASE_URL", default=BASE_URL)
                wait_s = self._around.timeout_s
                waits = httpx.Timeout(wait_s, connect=min(wait_s, http.CONNECT_S))
                self._made = runwayml.RunwayML(
                    api_key=http.key("Runway", KEY),
                    base_url=origin,
                    max_retries=0,
                    timeout=waits,
                    http_client=runwayml.DefaultHttpxClient(
                        timeout=waits,
                        limits=httpx.Limits(max_keepalive_connections=0),
                        verify=http.trust(),
                    ),
                )
            return self._made


def _response() -> Any:
    """What the SDK is told to give back: the answer as it came, since a strict look is ours."""
    import httpx

    return httpx.Response


def _footage(request: Request) -> str | Path:
    """The footage a request changes: an address, or a file that is whole.

    Raises:
        CannotExpress: there is none, or it cannot be sent.
    """
    value = request.parameters.get("video")
    if not isinstance(value, str) or not value:
        raise CannotExpress(f"{request.model} changes footage: give it as the parameter 'video'.")
    if value.startswith(("https://", "runway://")):
        return value
    path = Path(value)
    try:
        kind = delivery.examined(path)
        size = path.stat().st_size
    except OSError as error:
        raise CannotExpress(f"The footage {path} cannot be read: {error.strerror}.") from None
    except (delivery.NotMedia, delivery.BrokeOff) as error:
        raise CannotExpress(f"The footage {path} cannot be sent: {error}.") from None
    if not kind.startswith("video/") or size > UPLOAD_BYTES:
        raise CannotExpress(f"The footage {path} must be a film of at most 200 MB.")
    return path


GENERATOR = Runway
