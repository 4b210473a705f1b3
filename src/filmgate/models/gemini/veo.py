"""Veo on the enterprise platform: a long-running operation, known by its name to any process.

The name of the operation is the job. It holds project, location, model and number, and no secret.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from filmgate.errors import (
    CannotExpress,
    Refused,
    TakeLost,
    Unavailable,
)
from filmgate.models import catalog, http
from filmgate.models.catalog import Row
from filmgate.models.gemini.door import (
    ENTERPRISE,
    LARGEST_PICTURE_BYTES,
    VEO_LOCATION,
    Doors,
    declined,
    sdk,
)
from filmgate.models.generator import ENDED, JobState, Picture, Request, Result, Status
from filmgate.models.jobbook import Entry, JobBook

if TYPE_CHECKING:
    from google.genai.types import GenerateVideosConfig, GenerateVideosOperation, Image, Video

RESOLUTIONS = {720: "720p", 1080: "1080p", 2160: "4k"}
"""Shorter side of the picture, px -> resolution as the service names it (google-genai 3.4)."""
OPERATION = re.compile(
    r"projects/(?P<project>[^/]+)/locations/(?P<location>[^/]+)/publishers/google/models/"
    r"(?P<model>[^/]+)/operations/[^/]+"
)
SUPPORT_CODE = re.compile(r"\b\d{8}\b")
"""How Google names the filter that spoke; each code stands for a category."""
BUCKETS = "https://storage.googleapis.com"


class Veo:
    """Submits operations and asks about them.

    The service has no way to end an operation: `cancel` notes in `book` that nobody waits for it
    any more. It is made, and charged for, all the same.
    """

    def __init__(self, doors: Doors, book: JobBook) -> None:
        self._doors = doors
        self._book = book

    def submit(self, row: Row, request: Request) -> str:
        """Start an operation; its name."""
        types = sdk().types
        prompt, _ = catalog.words(row, request)
        first = catalog.frame(request, "first_frame")
        source = types.GenerateVideosSource(
            prompt=prompt or None, image=None if first is None else _image(first)
        )
        config = _config(row, request, self._bucket())
        client = self._doors.enterprise(VEO_LOCATION)
        with self._doors.asking("submit", enterprise=True):
            operation = client.models.generate_videos(model=row.model, source=source, config=config)
            if not OPERATION.fullmatch(operation.name or ""):
                raise http.NotUnderstood("no operation")
        return str(operation.name)

    def poll(self, job: str) -> Status:
        """How the operation stands."""
        status, _ = self._ask(job)
        if status.state not in ENDED and self._book.get(f"veo:{job}").cancelled:
            return Status(JobState.CANCELLED, "It was let go while it was being made.")
        return status

    def fetch(self, job: str, path: Path) -> Result:
        """Write the take: its bytes come with the operation, or lie in the bucket asked for."""
        status, video = self._ask(job)
        if status.state not in ENDED:
            raise Unavailable("Veo has not finished this take yet: ask again later.")
        if video is None:
            raise Refused(status.reason)
        if video.video_bytes:
            kind = http.kept(iter([video.video_bytes]), path, ENTERPRISE)
        else:
            kind = self._from_bucket(video.uri or "", path)
        return Result(path, _named(job)["model"], mime=kind)

    def cancel(self, job: str) -> None:
        """Note that nobody waits for the operation any more."""
        if self.poll(job).state not in ENDED:
            self._book.note(Entry(f"veo:{job}", cancelled=True))

    def _ask(self, job: str) -> tuple[Status, Video | None]:
        """How the operation stands, and what it made."""
        name = _named(job)
        # The operation is asked about where it was started, whatever the settings say now.
        client = self._doors.at(name["project"], name["location"])
        with self._doors.asking("poll", enterprise=True):
            operation = client.operations.get(sdk().types.GenerateVideosOperation(name=job))
            if operation.name != job:
                raise http.NotUnderstood("another operation")
            return _outcome(operation)

    def _bucket(self) -> str:
        bucket = self._doors.text("storage_uri")
        if bucket and not re.fullmatch(r"gs://[^/\s]+(/\S*)?", bucket):
            raise CannotExpress("The option 'storage_uri' of google must be gs://bucket/folder.")
        if bucket and not self._doors.has_project():
            raise CannotExpress("A take in a bucket ('storage_uri') needs a project, not a key.")
        return bucket

    def _from_bucket(self, uri: str, path: Path) -> str:
        bucket, _, name = uri.removeprefix("gs://").partition("/")
        if not uri.startswith("gs://") or not name:
            raise TakeLost("Veo says that the take lies elsewhere, and not where.")
        origin = http.base_url({"base_url": self._doors.text("storage_base_url")}, default=BUCKETS)
        link = f"{origin}/download/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media"
        return http.download(link, path, ENTERPRISE, self._doors.timeout_s, self._doors.bearer())


def _outcome(operation: GenerateVideosOperation) -> tuple[Status, Video | None]:
    """How an operation stands, and the take of one that made one."""
    if not operation.done:
        return Status(JobState.RUNNING), None
    if operation.error:
        state = JobState.REFUSED if declined(operation.error) else JobState.FAILED
        said = http.sentence(str(operation.error.get("message") or "it gave no reason."))
        return Status(state, f"Veo failed: {said}"), None
    made = operation.response
    for each in (made.generated_videos if made else None) or []:
        if each.video is not None and (each.video.video_bytes or each.video.uri):
            return Status(JobState.DONE), each.video
    reasons = " ".join((made.rai_media_filtered_reasons if made else None) or [])
    if not reasons:
        return Status(JobState.REFUSED, "Veo says that it is done, and made nothing."), None
    codes = ", ".join(SUPPORT_CODE.findall(reasons))
    why = f"Veo filtered the take{f' (support code {codes})' if codes else ''}: "
    return Status(JobState.REFUSED, why + http.sentence(reasons)), None


def _config(row: Row, request: Request, bucket: str) -> GenerateVideosConfig:
    """The request's settings in the SDK's type.

    Raises:
        CannotExpress: a parameter has a value of the wrong type.
    """
    from pydantic import ValidationError

    types = sdk().types
    width, height = request.size
    last = catalog.frame(request, "last_frame")
    sent = [
        types.VideoGenerationReferenceImage(image=_image(p), reference_type=p.role.upper())
        for p in catalog.references(request)
    ]
    parameters: dict[str, Any] = dict(request.parameters)
    labels = parameters.pop("labels", None)
    if not isinstance(labels or {}, dict):
        raise CannotExpress(f"{row.model} takes 'labels' as a table, not '{labels}'.")
    try:
        config: GenerateVideosConfig = types.GenerateVideosConfig(
            number_of_videos=1,
            duration_seconds=int(request.duration_s),
            aspect_ratio="16:9" if width > height else "9:16",
            resolution=RESOLUTIONS[min(width, height)],
            seed=request.seed,
            negative_prompt=catalog.words(row, request)[1] or None,
            generate_audio=request.sound,
            last_frame=None if last is None else _image(last),
            reference_images=sent or None,
            output_gcs_uri=bucket or None,
            # A person who reconciles a lost answer finds the request by this in Google's console.
            labels={**(labels or {}), "filmgate": request.hash("google")[:32]},
            **parameters,
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        raise CannotExpress(
            f"{row.model} does not take '{wrong['loc'][0]}' as it is: {wrong['msg']}."
        ) from None
    return config


def _image(picture: Picture) -> Image:
    data, kind = http.read_picture(picture, LARGEST_PICTURE_BYTES)
    image: Image = sdk().types.Image(image_bytes=data, mime_type=kind)
    return image


def _named(job: str) -> dict[str, str]:
    found = OPERATION.fullmatch(job)
    if found is None:
        raise TakeLost(f"'{job}' is not the name of an operation of Veo.")
    return found.groupdict()
