"""Gemini Omni through Interactions with a key: a background job, known by its id to any process.

The take is asked for as a link, because answers that hold it are cut off near 4 MB; the link is
followed as soon as the job is done, because it expires. Names of fields are those that google-genai
3.4 sends; first and last frame and references are told apart by words, for want of fields.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from filmgate.errors import Refused, StoreError, TakeLost, Unavailable
from filmgate.models import catalog, http
from filmgate.models.catalog import Row
from filmgate.models.gemini.door import GEMINI, LARGEST_PICTURE_BYTES, Doors, declined
from filmgate.models.generator import ENDED, JobState, Picture, Request, Result, Status

RESOLUTIONS = {360: "360p", 720: "720p", 1080: "1080p", 2160: "4k"}
"""Shorter side of the picture, px -> resolution as the service names it (google-genai 3.4)."""
Interaction = Any
"""The SDK's type of it is in a private module."""
ID = re.compile(r"[A-Za-z0-9._~-]{1,512}")
"""An interaction's id: it becomes part of a path."""
FILE = re.compile(r"https://[^/]+/(?:[^?]*/)?files/([a-z0-9]+)(?::download)?(?:\?.*)?")
"""A link to a file of the Gemini API; the SDK asks its own base URL for it."""
_CHUNK_BYTES = 1 << 20

_STATES = {
    "queued": JobState.QUEUED,
    "in_progress": JobState.RUNNING,
    "cancelled": JobState.CANCELLED,
}
_STOPPED = {
    "incomplete": "Omni stopped before the take was whole.",
    "budget_exceeded": "Omni stopped: the budget set at Google is spent.",
    "requires_action": "Omni asks for something instead of making the take.",
    "requires_continuation": "Omni stopped half way and would have to be paid again to go on.",
}


class Omni:
    """Creates interactions and asks about them; keeps nothing here."""

    def __init__(self, doors: Doors) -> None:
        self._doors = doors

    def submit(self, row: Row, request: Request) -> str:
        """Create an interaction in the background; its id."""
        body = _body(row, request)
        client = self._doors.with_key()
        with self._doors.asking("submit", enterprise=False):
            made = client.interactions.create(**body)
            if not ID.fullmatch(made.id):
                raise http.NotUnderstood("no interaction")
        return str(made.id)

    def poll(self, job: str) -> Status:
        """How the interaction stands."""
        return self._ask(job)[0]

    def fetch(self, job: str, path: Path) -> Result:
        """Follow the link of a finished interaction."""
        status, made = self._ask(job)
        if status.state not in ENDED:
            raise Unavailable("Omni has not finished this take yet: ask again later.")
        video = made.output_video
        if status.state is JobState.CANCELLED:
            raise TakeLost("The take was cancelled before Omni had made it.")
        if status.state is not JobState.DONE or video is None:
            raise Refused(status.reason)
        if video.data:
            kind = http.kept(iter([_decoded(video.data)]), path, GEMINI)
        else:
            kind = self._follow(str(video.uri), path)
        return Result(path, str(made.model or ""), mime=kind)

    def cancel(self, job: str) -> None:
        """End the interaction, unless it has ended."""
        if self.poll(job).state in ENDED:
            return
        with self._doors.asking("cancel", enterprise=False):
            self._doors.with_key().interactions.cancel(job)

    def _ask(self, job: str) -> tuple[Status, Interaction]:
        if not ID.fullmatch(job):
            raise TakeLost(f"'{job}' is not the id of an interaction.")
        client = self._doors.with_key()
        with self._doors.asking("poll", enterprise=False):
            made = client.interactions.get(job)
            return _status(made), made

    def _follow(self, uri: str, path: Path) -> str:
        """The take behind `uri`, kept at `path`: its media type."""
        if not FILE.fullmatch(uri):
            # Somebody else's host gets no key.
            return http.download(uri, path, GEMINI, self._doors.timeout_s)
        client = self._doors.with_key()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            room = tempfile.TemporaryDirectory(prefix=".take.", dir=path.parent)
        except OSError as error:
            raise StoreError(f"{path} cannot be written: {error.strerror}.") from error
        with room as name:
            part = Path(name) / "part"
            with self._doors.asking("fetch", enterprise=False, link=True), _stored(path):
                client.files.download(file=uri, destination=part)
            return http.kept(_chunks(part), path, GEMINI)


def _body(row: Row, request: Request) -> dict[str, Any]:
    """What is sent, as the SDK takes it."""
    width, height = request.size
    config: dict[str, Any] = {}
    if request.seed is not None:
        config["seed"] = request.seed
    task = request.parameters.get("task") or _task(request)
    if task:
        config["video_config"] = {"task": str(task)}
    body: dict[str, Any] = {
        "model": row.model,
        "background": True,
        "store": True,
        "input": [{"type": "user_input", "content": _content(row, request)}],
        "response_format": {
            "type": "video",
            "delivery": "uri",
            "duration": f"{request.duration_s:g}s",
            "aspect_ratio": "16:9" if width > height else "9:16",
            "resolution": RESOLUTIONS[min(width, height)],
        },
    }
    if config:
        body["generation_config"] = config
    before = request.parameters.get("previous_interaction_id")
    if before:
        body["previous_interaction_id"] = str(before).removeprefix("omni:")
    return body


def _task(request: Request) -> str:
    """What kind of work it is; "" where the pictures are of both kinds and the model decides."""
    frames = any(p.role in catalog.FRAMES for p in request.pictures)
    things = bool(catalog.references(request))
    if request.parameters.get("previous_interaction_id"):
        return "edit"
    if frames and things:
        return ""
    if frames:
        return "image_to_video"
    return "reference_to_video" if things else "text_to_video"


def _content(row: Row, request: Request) -> list[dict[str, Any]]:
    """Pictures, each after the words that say what it is, and the prompt last."""
    content: list[dict[str, Any]] = []
    for number, picture in enumerate(request.pictures, 1):
        data, kind = http.read_picture(picture, LARGEST_PICTURE_BYTES)
        content.append({"type": "text", "text": caption(picture, number)})
        content.append(
            {"type": "image", "mime_type": kind, "data": base64.b64encode(data).decode()}
        )
    content.append({"type": "text", "text": catalog.words(row, request)[0]})
    return content


def caption(picture: Picture, number: int) -> str:
    """What a picture is for, in words that stand before it."""
    name = f"@{picture.tag}" if picture.tag else f"Picture {number}"
    said = {
        "asset": "must look like this.",
        "style": "is a reference for the look only, not for what is in it.",
        "first_frame": "is the first frame of the shot.",
        "last_frame": "is the last frame of the shot.",
    }
    return f"{name} {said[picture.role]}"


def _status(made: Interaction) -> Status:
    said = made.status
    if not isinstance(said, str) or not said:
        raise http.NotUnderstood("no status")
    if said in _STATES:
        return Status(_STATES[said])
    if said == "completed":
        video = made.output_video
        if video is not None and (video.data or video.uri):
            return Status(JobState.DONE)
        words = http.sentence(str(made.output_text or ""))
        reason = "Omni says that it is done, and made nothing"
        return Status(JobState.REFUSED, f"{reason}: {words}" if words else f"{reason}.")
    if said in _STOPPED:
        return Status(JobState.FAILED, _STOPPED[said])
    if said == "failed":
        return _failed(made)
    # A status that this SDK does not know yet is no reason to give a paid job up.
    return Status(JobState.RUNNING, f"Omni says '{http.sentence(said, 40)}'.")


def _failed(made: Interaction) -> Status:
    """A failed interaction: refused where an error of it names a policy."""
    errors = [{"code": e.code, "message": e.message} for e in made.errors or []]
    for step in made.steps or []:
        error = getattr(step, "error", None)
        if error is not None:
            errors.append({"code": error.code, "message": error.message})
    words = http.sentence("; ".join(str(e["message"]) for e in errors if e["message"]))
    refused = any(declined(error) for error in errors)
    state = JobState.REFUSED if refused else JobState.FAILED
    return Status(state, f"Omni failed: {words or 'it gave no reason.'}")


def _decoded(data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Unavailable("Omni sent a take that cannot be decoded: ask again later.") from None


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk


@contextlib.contextmanager
def _stored(path: Path) -> Iterator[None]:
    """A disk that cannot be written to, as one sentence; errors of the network pass."""
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno is None:
            raise
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from error
