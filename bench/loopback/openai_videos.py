"""An endpoint of the OpenAI Videos shape, as gateways still serve it (openai 3.54).

| route | request | what it is |
|---|---|---|
| submit | POST /v1/videos (a form) | a job |
| list | GET /v1/videos | the jobs, newest first, in pages |
| poll | GET /v1/videos/ID | how it stands |
| content | GET /v1/videos/ID/content | the take |
| cancel | DELETE /v1/videos/ID | its end, and the end of its take |
"""

from __future__ import annotations

import email
import email.policy
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.loopback.jobs import Job, Jobs
from bench.loopback.media import movie
from bench.loopback.server import Answer, Call, Loopback

KEY = "sk-loopback-9c1f44e07ab25d"
"""The key that the fake takes; a test looks for it where it must not be."""
MODEL = "house-video-1"
SECONDS = ("4", "8", "12")
SIZES = ("1280x720", "720x1280")


def form(call: Call) -> dict[str, Any]:
    """The fields of a multipart form: text, or bytes where a file was sent."""
    head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
    message = email.message_from_bytes(head + call.body, policy=email.policy.HTTP)
    fields: dict[str, Any] = {}
    for part in message.iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        data = part.get_payload(decode=True)
        assert isinstance(data, bytes)
        fields[name] = data if part.get_filename() else data.decode()
    return fields


class OpenAIVideos(Loopback):
    """The fake; `jobs.plan` says how jobs go.

    Attributes:
        take: what a finished job is.
        tells_prompt: whether listed jobs hold their prompts, which the protocol leaves open.
        poll_after_ms: what it asks clients to wait, None for nothing said.
        page: jobs per page of the list.
    """

    def __init__(
        self, ledger: Path | None = None, take: Callable[[Job], bytes] | None = None
    ) -> None:
        super().__init__()
        self.jobs = Jobs("video_", ledger)
        self.take = take or (lambda job: movie(1.0))
        self.tells_prompt, self.page = True, 100
        self.poll_after_ms: int | None = None
        self.pictures: list[bytes] = []
        self.on("submit", "POST", r"/v1/videos", self._keyed(self._submit))
        self.on("list", "GET", r"/v1/videos", self._keyed(self._list))
        self.on("poll", "GET", r"/v1/videos/(?P<job>[^/]+)", self._keyed(self._poll))
        self.on("content", "GET", r"/v1/videos/(?P<job>[^/]+)/content", self._keyed(self._content))
        self.on("cancel", "DELETE", r"/v1/videos/(?P<job>[^/]+)", self._keyed(self._cancel))

    def environment(self) -> dict[str, str]:
        """What a client needs to come here."""
        return {"OPENAI_API_KEY": KEY, "FILMGATE_OPENAI_VIDEOS_BASE_URL": f"{self.url}/v1"}

    def error_body(self, status: int, text: str) -> bytes:
        """The protocol's own form of an error."""
        return json.dumps(_error(text)).encode()

    def _keyed(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def keyed(call: Call) -> Answer:
            if call.headers.get("authorization") != f"Bearer {KEY}":
                return Answer.of(_error("Incorrect API key provided", "invalid_api_key"), 401)
            return handler(call)

        return keyed

    def _submit(self, call: Call) -> Answer:
        fields = form(call)
        if fields.get("model") != MODEL:
            return Answer.of(_error(f"The model '{fields.get('model')}' does not exist"), 400)
        if fields.get("seconds") not in SECONDS or fields.get("size") not in SIZES:
            return Answer.of(_error("Invalid value for 'seconds' or 'size'."), 400)
        picture = fields.pop("input_reference", None)
        with self.lock:
            if picture is not None:
                self.pictures.append(picture)
        return Answer.of(self._video(self.jobs.accept({**fields, "created_at": int(time.time())})))

    def _video(self, job: Job) -> dict[str, Any]:
        state = {"running": "in_progress" if job.asked > 1 else "queued", "done": "completed",
                 "empty": "completed"}.get(job.state, "failed")  # fmt: skip
        error = None
        if job.state == "refused":
            why = job.why or "Your request was blocked by our moderation system."
            error = {"code": "moderation_blocked", "message": why}
        if job.state == "failed":
            error = {"code": "internal_error", "message": job.why or "Video generation failed."}
        progress = 100 if state == "completed" else min(99, 100 * job.asked // (job.after + 1))
        return {
            "id": job.id, "object": "video", "model": f"{MODEL}-2026-10", "status": state,
            "progress": progress, "created_at": job.made["created_at"], "completed_at": None,
            "expires_at": job.made["created_at"] + 3600, "size": job.made["size"],
            "seconds": job.made["seconds"], "error": error,
        }  # fmt: skip

    def _poll(self, call: Call) -> Answer:
        job = self.jobs.ask(call.groups["job"])
        if job is None:
            return Answer.of(_error("Video not found"), 404)
        wait = {} if self.poll_after_ms is None else {
            "openai-poll-after-ms": str(self.poll_after_ms)
        }  # fmt: skip
        return Answer(200, json.dumps(self._video(job)).encode(), headers=wait)

    def _list(self, call: Call) -> Answer:
        jobs = self.jobs.all()[::-1]
        after = call.query.get("after", [""])[0]
        if after:
            jobs = jobs[[job.id for job in jobs].index(after) + 1 :]
        told = [self._video(job) for job in jobs[: self.page]]
        if self.tells_prompt:
            told = [{**v, "prompt": j.made["prompt"]} for v, j in zip(told, jobs, strict=False)]
        return Answer.of({"object": "list", "data": told, "has_more": len(jobs) > self.page})

    def _content(self, call: Call) -> Answer:
        job = self.jobs.get(call.groups["job"])
        if job is None:
            return Answer.of(_error("Video not found"), 404)
        return Answer(200, b"" if job.state == "empty" else self.take(job), "video/mp4")

    def _cancel(self, call: Call) -> Answer:
        job = self.jobs.get(call.groups["job"])
        if job is None:
            return Answer.of(_error("Video not found"), 404)
        self.jobs.forget(job.id)
        return Answer.of({"id": job.id, "deleted": True, "object": "video.deleted"})


def _error(text: str, code: str = "") -> dict[str, Any]:
    error = {"message": text, "type": "invalid_request_error", "param": None, "code": code or None}
    return {"error": error}
