"""Runway's API as this project uses it (runwayml 5.24, API version 2024-11-06).

| route | request | what it is |
|---|---|---|
| submit | POST /v1/text_to_video, image_to_video, video_to_video, text_to_image | a task's id |
| poll | GET /v1/tasks/ID | how it stands, with a link once it is done |
| cancel | DELETE /v1/tasks/ID | its end, and the end of its take |
| link | GET /out/ID.mp4?_jwt=… | the take |
| upload | POST /v1/uploads | where a file may be put |
| store | POST /store | the file |

It refuses what the real one refuses on sight: no key, no version, a body without what its endpoint
needs.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.loopback.jobs import Job, Jobs
from bench.loopback.media import movie, still
from bench.loopback.server import Answer, Call, Loopback

KEY = "key_loopback4f7c21d09ab3e86d5f10"
"""The key that the fake takes; a test looks for it where it must not be."""
VERSION = "2024-11-06"
CREDITS_PER_S = 12

_NEEDED = {
    "text_to_video": ("model", "promptText", "ratio"),
    "image_to_video": ("model", "promptImage", "ratio"),
    "video_to_video": ("model", "videoUri"),
    "text_to_image": ("model", "promptText", "ratio"),
}
_KNOWN = {
    "model", "promptText", "promptImage", "ratio", "duration", "seed", "audio", "negativePrompt",
    "referenceImages", "references", "videoUri", "keyframes", "contentModeration", "outputFormat",
    "proresProfile", "targetAspectRatio", "draft",
}  # fmt: skip


class Runway(Loopback):
    """The fake; `jobs.plan` says how tasks go, `take` what a finished one is."""

    def __init__(
        self, ledger: Path | None = None, take: Callable[[Job], bytes] | None = None
    ) -> None:
        super().__init__()
        self.jobs = Jobs("", ledger)
        self.take = take or _take
        self.stored: list[bytes] = []
        names = "|".join(_NEEDED)
        self.on("submit", "POST", rf"/v1/(?P<endpoint>{names})", self._submit)
        self.on("poll", "GET", r"/v1/tasks/(?P<job>[^/]+)", self._poll)
        self.on("cancel", "DELETE", r"/v1/tasks/(?P<job>[^/]+)", self._cancel)
        self.on("link", "GET", r"/out/(?P<job>[^/.]+)\.(mp4|png)", self._link)
        self.on("upload", "POST", r"/v1/uploads", self._upload)
        self.on("store", "POST", r"/store", self._store)

    def environment(self) -> dict[str, str]:
        """What a client needs to come here instead of to Runway."""
        return {"RUNWAYML_API_SECRET": KEY, "RUNWAYML_BASE_URL": self.url}

    def error_body(self, status: int, text: str) -> bytes:
        """Runway's own form of an error."""
        return json.dumps({"error": text}).encode()

    def _refusal(self, call: Call) -> Answer | None:
        if call.headers.get("authorization") != f"Bearer {KEY}":
            return Answer.of({"error": "The API key provided was invalid."}, 401)
        if call.headers.get("x-runway-version") != VERSION:
            return Answer.of({"error": "X-Runway-Version is missing."}, 400)
        return None

    def _submit(self, call: Call) -> Answer:
        if refusal := self._refusal(call):
            return refusal
        body = call.json()
        wrong = [name for name in _NEEDED[call.groups["endpoint"]] if name not in body]
        wrong += sorted(set(body) - _KNOWN)
        if wrong:
            issue = {"code": "custom", "path": [wrong[0]], "message": "Invalid input"}
            return Answer.of({"error": "Validation of body failed", "issues": [issue]}, 400)
        made = {"endpoint": call.groups["endpoint"], **body}
        return Answer.of({"id": self.jobs.accept(made, str(uuid.uuid4())).id})

    def _poll(self, call: Call) -> Answer:
        if refusal := self._refusal(call):
            return refusal
        job = self.jobs.ask(call.groups["job"])
        return Answer.of(self._task(job)) if job else Answer.of({"error": "Task not found"}, 404)

    def _task(self, job: Job) -> dict[str, Any]:
        task: dict[str, Any] = {"id": job.id, "createdAt": "2026-11-22T10:00:00.000Z"}
        cost = {"credits": CREDITS_PER_S * int(job.made.get("duration", 1))}
        if job.state == "running":
            if job.asked == 1:
                return {**task, "status": "PENDING", "estimatedCost": cost}
            share = round(job.asked / (job.after + 1), 3)
            return {**task, "status": "RUNNING", "progress": share, "estimatedCost": cost}
        if job.state == "cancelled":
            return {**task, "status": "CANCELLED", "cost": {"credits": 0}}
        if job.state == "refused":
            why = job.why or "The output was stopped by content moderation. Try another prompt."
            return {**task, "status": "FAILED", "failure": why, "cost": cost,
                    "failureCode": "SAFETY.OUTPUT.VIDEO"}  # fmt: skip
        if job.state == "failed":
            return {**task, "status": "FAILED", "failure": job.why or "An unexpected error.",
                    "cost": {"credits": 0}, "failureCode": "INTERNAL.BAD_OUTPUT"}  # fmt: skip
        suffix = "png" if job.made["endpoint"] == "text_to_image" else "mp4"
        link = f"{self.url}/out/{job.id}.{suffix}?_jwt=secret-of-{job.id}"
        output = [] if job.state == "empty" else [link]
        return {**task, "status": "SUCCEEDED", "output": output, "cost": cost}

    def _cancel(self, call: Call) -> Answer:
        if refusal := self._refusal(call):
            return refusal
        job = self.jobs.get(call.groups["job"])
        if job is None:
            return Answer.of({"error": "Task not found"}, 404)
        if job.state == "running":
            self.jobs.end(job.id)
        else:
            self.jobs.forget(job.id)
        return Answer(204)

    def _link(self, call: Call) -> Answer:
        job = self.jobs.get(call.groups["job"])
        if job is None or "authorization" in call.headers:
            return Answer.of({"error": "gone"}, 403)
        picture = job.made["endpoint"] == "text_to_image"
        return Answer(200, self.take(job), "image/png" if picture else "video/mp4")

    def _upload(self, call: Call) -> Answer:
        if refusal := self._refusal(call):
            return refusal
        plain = {"uploadUrl": f"{self.url}/store", "fields": {"policy": "p"},
                 "runwayUri": f"runway://upload-{len(self.stored)}"}  # fmt: skip
        return Answer.of(plain)

    def _store(self, call: Call) -> Answer:
        with self.lock:
            self.stored.append(call.body)
        return Answer(204)


def _take(job: Job) -> bytes:
    width, height = (int(n) for n in str(job.made.get("ratio", "160:90")).split(":"))
    size = (160, max(2, round(160 * height / width / 2) * 2))
    if job.made["endpoint"] == "text_to_image":
        return still(size)
    return movie(1.0, size)
