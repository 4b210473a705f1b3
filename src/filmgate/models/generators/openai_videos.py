"""Any endpoint that speaks the OpenAI Videos protocol; OpenAI's own was shut down on 2026-09-24.

Protocol (openai 3.54): ``POST /videos`` as a form (prompt, model, seconds, size, input_reference)
gives a job, ``GET /videos/ID`` how it stands, ``GET /videos/ID/content`` the take, ``GET /videos``
the jobs there are, by which a request whose answer was lost is found again.

Environment: ``FILMGATE_OPENAI_VIDEOS_BASE_URL`` or ``OPENAI_BASE_URL`` (``https://host/v1``),
``FILMGATE_OPENAI_VIDEOS_API_KEY`` or ``OPENAI_API_KEY``.

Options of ``[generators.openai_videos]``: ``base_url``, ``poll_after_s``, ``prices``, ``lists``
(false where no jobs are listed), and what the endpoint serves, since no catalog can know it; a row
says what differs from these defaults:

    [generators.openai_videos.models."some-model"]
    durations_s = [4, 8, 12]
    sizes = [[1280, 720], [720, 1280]]
    first_frame = true

The SDK's own ``videos`` methods are marked as deprecated with Sora's end; silencing that warning
would change the warning filters of all threads, so the SDK's general ``post`` and ``get`` are used.
"""

from __future__ import annotations

import datetime
import re
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmgate.errors import (
    BadSetting,
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
    Request,
    Result,
    Status,
    Surroundings,
)
from filmgate.models.jobbook import Entry, JobBook

if TYPE_CHECKING:
    from openai import OpenAI

NAME = "openai_videos"
KEYS = ("FILMGATE_OPENAI_VIDEOS_API_KEY", "OPENAI_API_KEY")
BASE_URLS = ("FILMGATE_OPENAI_VIDEOS_BASE_URL", "OPENAI_BASE_URL")
PROVIDER = http.Provider("The video endpoint", " or ".join(KEYS))

POLL_AFTER_S = 10.0
"""Wait where the endpoint names none; the SDK's own helper waits 1 s, and no film is that quick."""
PICTURE_BYTES = 20_000_000
DEFAULTS: Mapping[str, Any] = {
    "kinds": ["video"],
    "starts_from": ["text", "image"],
    "durations_s": [4, 8, 12],
    "sizes": [[1280, 720], [720, 1280]],
    "first_frame": True,
    "audio": "always",
    "source": "options of this project",
}
"""What the protocol's own models could do; a row in the options says what differs."""
CLOCKS_DIFFER_S = 120.0
"""A job counts as made after a request was about to be sent even if the clocks differ by this."""
LIST_PAGES = 20
_JOB = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
_STATES = {
    "queued": JobState.QUEUED,
    "pending": JobState.QUEUED,
    "submitted": JobState.QUEUED,
    "in_progress": JobState.RUNNING,
    "processing": JobState.RUNNING,
    "running": JobState.RUNNING,
    "completed": JobState.DONE,
    "succeeded": JobState.DONE,
    "failed": JobState.FAILED,
    "error": JobState.FAILED,
    "cancelled": JobState.CANCELLED,
    "canceled": JobState.CANCELLED,
}
"""The protocol's four words, and those that gateways are seen to use instead."""
_POLICY = re.compile(r"moderation|policy|safety|sentinel|content_filter|blocked", re.I)


class OpenAIVideos:
    """See the module; thread-safe, no request is ever repeated."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings
        self._book = JobBook(surroundings.folder)
        self._lock = threading.Lock()
        self._made: OpenAI | None = None

    def capabilities(self) -> tuple[Capability, ...]:
        """What the options say the endpoint serves, then what the catalog knows to be on."""
        rows = {row.model: row for row in (*catalog.alive(NAME), *self._own_rows())}
        return tuple(catalog.capability(row, finds=self._lists()) for row in rows.values())

    def check(self, request: Request) -> None:
        """Refuse by the row's limits, and pictures that cannot be sent."""
        catalog.check(self.row(request.model), request)
        for picture in request.pictures:
            http.read_picture(picture, PICTURE_BYTES)

    def price_usd(self, request: Request) -> float:
        """By ``prices`` in the options, or by the row."""
        return catalog.price_usd(self.row(request.model), request, self._around.options)

    def submit(self, request: Request) -> str:
        """One POST, as a form like the SDK's own."""
        self.check(request)
        client = self._client()
        row = self.row(request.model)
        prompt, _ = catalog.words(row, request)
        width, height = request.size
        body = {
            "prompt": prompt, "model": row.model, "seconds": f"{request.duration_s:g}",
            "size": f"{width}x{height}", **request.parameters,
        }  # fmt: skip
        files = []
        if first := catalog.frame(request, "first_frame"):
            data, kind = http.read_picture(first, PICTURE_BYTES)
            files.append(("input_reference", (f"first{delivery.SUFFIXES[kind]}", data, kind)))
        with PROVIDER.asked("submit"):
            answer = client.post(
                "/videos", cast_to=_response(), body=body, files=files,
                options={"headers": {"Content-Type": "multipart/form-data"}},
            )  # fmt: skip
            job = str(http.understood(answer.text, "id")["id"])
        self._book.note(Entry(job, request.model, request.hash(NAME)))
        return job

    def poll(self, job: str) -> Status:
        """``GET /videos/ID``."""
        video, after_s = self._video(job, "poll")
        return self._status(video, after_s)

    def fetch(self, job: str, path: Path) -> Result:
        """``GET /videos/ID/content``, once the job says that there is one."""
        video, _ = self._video(job, "fetch")
        status = self._status(video, None)
        if status.state is JobState.CANCELLED:
            raise TakeLost(f"The job {job} was cancelled.")
        if status.state in (JobState.REFUSED, JobState.FAILED):
            raise Refused(f"{PROVIDER.name} made nothing: {status.reason}")
        if status.state is not JobState.DONE:
            raise Unavailable(f"The job {job} is not done yet.")
        client = self._client()
        mime = http.download(
            f"{str(client.base_url).rstrip('/')}/videos/{job}/content", path, PROVIDER,
            self._around.timeout_s, {"Authorization": f"Bearer {client.api_key}"},
        )  # fmt: skip
        model = str(video.get("model") or self._book.get(job).model)
        return Result(path, model, status.cost_usd, mime)

    def cancel(self, job: str) -> None:
        """``DELETE /videos/ID`` for a job that runs; the take of one that is done would go too."""
        video, _ = self._video(job, "cancel")
        if self._status(video, None).state not in (JobState.QUEUED, JobState.RUNNING):
            return
        client = self._client()
        with PROVIDER.asked("cancel"):
            client.delete(f"/videos/{job}", cast_to=_response())
        # The endpoint forgets what it deleted, and a poll must still say how the job ended.
        self._book.note(Entry(job, cancelled=True))

    def find(self, request: Request, since: str) -> str | None:
        """Look for a job like `request` among those listed that nobody here has a claim on.

        Takes of one shot may be asked with the same words at the same time: a job whose id was
        answered, or found before, belongs to its own request, and is not found again for another.
        """
        mine = request.hash(NAME)
        known = self._book.entries()
        for entry in known.values():
            if entry.request == mine:
                return entry.job
        if not self._lists():
            raise CannotExpress("This endpoint lists no jobs: a person must look, and decide.")
        row = self.row(request.model)
        prompt, _ = catalog.words(row, request)
        width, height = request.size
        wanted = (f"{request.duration_s:g}", f"{width}x{height}")
        found: list[tuple[float, str]] = []
        for video in self._listed(_seconds(since) - CLOCKS_DIFFER_S):
            job, model = str(video["id"]), str(video.get("model") or "")
            told = (str(video.get("seconds") or ""), str(video.get("size") or ""))
            # Endpoints answer with the model's version: "veo-3" comes back as "veo-3-2026-08".
            if job in known or told != wanted or not model.startswith(row.model):
                continue
            if not video.get("prompt"):
                raise CannotExpress(
                    "This endpoint lists jobs without prompts: a person must look, and decide."
                )
            if video["prompt"] == prompt:
                found.append((http.number(video.get("created_at")) or 0.0, job))
        if not found:
            return None
        job = min(found)[1]
        self._book.note(Entry(job, request.model, mine))
        return job

    def _listed(self, since_s: float) -> list[dict[str, Any]]:
        """The endpoint's jobs made after `since_s` (seconds since 1970), newest first."""
        client, after, found = self._client(), "", list[dict[str, Any]]()
        for _ in range(LIST_PAGES):
            query = {"limit": "100", "order": "desc", **({"after": after} if after else {})}
            with PROVIDER.asked("find"):
                answer = client.get("/videos", cast_to=_response(), options={"params": query})
                page = http.understood(answer.text)
                videos = page.get("data")
                if not isinstance(videos, list):
                    raise http.NotUnderstood("no 'data'")
                for video in videos:
                    if not isinstance(video, dict) or not video.get("id"):
                        raise http.NotUnderstood("a job without an id")
            recent = [v for v in videos if (http.number(v.get("created_at")) or 0.0) >= since_s]
            found += recent
            if len(recent) < len(videos) or not videos or not page.get("has_more"):
                return found
            after = str(videos[-1]["id"])
        raise Unavailable(f"{PROVIDER.name} lists too many jobs to look through.")

    def _video(self, job: str, phase: http.Phase) -> tuple[dict[str, Any], float | None]:
        """The job as the endpoint tells it, and how long it asks to wait, seconds."""
        if not _JOB.fullmatch(job):
            raise TakeLost(f"'{job}' is no job of a video endpoint.")
        client = self._client()
        try:
            with PROVIDER.asked(phase):
                answer = client.get(f"/videos/{job}", cast_to=_response())
                video = http.understood(answer.text, "id", "status")
                if video["status"].lower() not in _STATES:
                    raise http.NotUnderstood("an unknown status")
        except TakeLost:
            if self._book.get(job).cancelled:
                return {"id": job, "status": "cancelled"}, None
            raise
        wait = http.number(answer.headers.get("openai-poll-after-ms"))
        return video, None if wait is None else wait / 1000

    def _status(self, video: Mapping[str, Any], after_s: float | None) -> Status:
        state, reason = _STATES[video["status"].lower()], ""
        if state is JobState.FAILED:
            error = video.get("error")
            plain = error if isinstance(error, Mapping) else {"message": error}
            code = str(plain.get("code") or "")
            reason = http.sentence(str(plain.get("message") or "no reason given"))
            reason += f" ({http.sentence(code)})" if code else ""
            state = JobState.REFUSED if _POLICY.search(code) else state
        if after_s is None:
            after_s = http.option(self._around.options, NAME, "poll_after_s", POLL_AFTER_S)
        return Status(state, reason, http.share(video.get("progress"), 100.0), after_s)

    def _lists(self) -> bool:
        return self._around.options.get("lists", True) is not False

    def _own_rows(self) -> tuple[catalog.Row, ...]:
        """What the options say the endpoint serves."""
        models = self._around.options.get("models") or {}
        if not isinstance(models, Mapping) or not all(
            isinstance(row, Mapping) for row in models.values()
        ):
            raise BadSetting(f"'models' in [generators.{NAME}] must be a table of tables.")
        return tuple(
            catalog.parsed({**_lengths(row), **row, "model": str(model), "protocol": NAME})
            for model, row in models.items()
        )

    def row(self, model: str) -> catalog.Row:
        """What limits `model`: the project's own description of it, else the catalog's.

        Raises:
            CannotExpress: neither knows it.
        """
        for row in self._own_rows():
            if row.model == model:
                return row
        try:
            return catalog.find(model, NAME)
        except CannotExpress as error:
            raise CannotExpress(
                f"{error} If your endpoint serves it, describe it in "
                f'[generators.{NAME}.models."{model}"].'
            ) from None

    def _client(self) -> OpenAI:
        """The SDK's client: no retries, and a connection of its own for every request.

        A connection that is kept may be closed by the other side just as a request goes out, and
        then nobody knows whether it was accepted.
        """
        with self._lock:
            if self._made is None:
                try:
                    import openai
                except ModuleNotFoundError:
                    raise MissingExtra(
                        "The generator 'openai_videos' needs the package 'openai': "
                        "install filmgate with the extra 'openai'."
                    ) from None
                import httpx2

                origin = http.base_url(self._around.options, *BASE_URLS)
                if not origin:
                    raise BadSetting(
                        "The generator 'openai_videos' needs the address of an endpoint (OpenAI's "
                        f"own ended on 2026-09-24): set base_url in [generators.{NAME}], or "
                        f"{BASE_URLS[0]}."
                    )
                wait_s = self._around.timeout_s
                waits = httpx2.Timeout(wait_s, connect=min(wait_s, http.CONNECT_S))
                self._made = openai.OpenAI(
                    api_key=http.key(PROVIDER.name, *KEYS),
                    base_url=origin,
                    max_retries=0,
                    timeout=waits,
                    http_client=openai.DefaultHttpxClient(
                        timeout=waits,
                        limits=httpx2.Limits(max_keepalive_connections=0),
                        verify=http.trust(),
                    ),
                )
            return self._made


def _response() -> Any:
    """What the SDK is told to give back: the answer as it came, since a strict look is ours."""
    import httpx2

    return httpx2.Response


def _lengths(row: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults for a row; lengths given as a span leave out those given one by one."""
    spanned = {"shortest_s", "longest_s"} & set(row)
    return {k: v for k, v in DEFAULTS.items() if not (spanned and k == "durations_s")}


def _seconds(since: str) -> float:
    """Seconds since 1970 of an ISO 8601 time; without a zone it is UTC."""
    when = datetime.datetime.fromisoformat(since)
    if when.tzinfo is None:
        when = when.replace(tzinfo=datetime.UTC)
    return when.timestamp()


GENERATOR = OpenAIVideos
