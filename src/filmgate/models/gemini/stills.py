"""Stills by Gemini's image models: the answer holds the picture, so a job is over as it begins.

The picture is kept in the generator's folder before its job is named. The job is the request's own
hash, so that a take whose job was lost in a crash can be found by its request, and the same request
is never paid for twice.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from filmgate.errors import Refused, StoreError, TakeLost
from filmgate.models import catalog, delivery, http
from filmgate.models.catalog import Row
from filmgate.models.gemini.answer import parts_of, refusal, said, unfinished
from filmgate.models.gemini.door import GEMINI, LARGEST_PICTURE_BYTES, Doors, sdk
from filmgate.models.gemini.omni import caption
from filmgate.models.generator import JobState, Request, Result, Status

if TYPE_CHECKING:
    from google.genai.types import GenerateContentResponse, Part

JOB = re.compile(r"[0-9a-f]{32}")


class Stills:
    """Asks for one picture at a time, and keeps it in `folder`."""

    def __init__(self, doors: Doors, folder: Path) -> None:
        self._doors = doors
        self._folder = folder

    def submit(self, row: Row, request: Request) -> str:
        """Make the picture and keep it; the hash of the request."""
        job = request.hash("google")[:32]
        if self._model(job).is_file():
            return job
        types = sdk().types
        parts = _parts(row, request)
        self._ready()
        config = types.GenerateContentConfig(
            response_modalities=["IMAGE"],
            image_config=types.ImageConfig(
                aspect_ratio=catalog.aspect(row, request.size),
                image_size=catalog.tier(row, request.size),
            ),
            seed=request.seed if row.seed else None,
            # Both would pay for further requests.
            automatic_continuation=False,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        client = self._doors.either()
        with self._doors.asking("submit", self._doors.is_enterprise()):
            answer = client.models.generate_content(
                model=row.model, contents=types.Content(role="user", parts=parts), config=config
            )
        self._keep(job, row.model, answer)
        return job

    def poll(self, job: str) -> Status:
        """Done, when it is here."""
        self._known(job)
        return Status(JobState.DONE)

    def fetch(self, job: str, path: Path) -> Result:
        """Copy the picture."""
        model = self._known(job)
        try:
            data = self._picture(job).read_bytes()
        except OSError:
            raise TakeLost(f"The picture of the job '{job}' is not in {self._folder}.") from None
        kind = http.kept(iter([data]), path, GEMINI)
        return Result(path, model, mime=kind)

    def cancel(self, job: str) -> None:
        """Nothing: it has ended."""
        self._known(job)

    def find(self, request: Request) -> str | None:
        """The job of a request whose picture is here."""
        job = request.hash("google")[:32]
        return job if self._model(job).is_file() else None

    def _keep(self, job: str, asked: str, answer: GenerateContentResponse) -> None:
        """Write the picture, then the note that says it is whole."""
        data = _picture_in(answer)
        if data is None:
            why = refusal(answer) or unfinished(answer) or said(answer) or "it gave no reason."
            raise Refused(f"{asked} made no picture: {why}")
        try:
            kind = delivery.written([data], self._picture(job))
            if kind not in http.PICTURES:
                raise delivery.NotMedia(kind)
            note = self._model(job)
            part = note.with_suffix(".part")
            part.write_text(answer.model_version or asked, encoding="utf-8")
            part.replace(note)
        except (delivery.NotMedia, delivery.BrokeOff) as wrong:
            raise Refused(f"{asked} sent something that is no picture ({wrong}).") from None
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be written: {error.strerror}.") from error

    def _ready(self) -> None:
        """Make the folder before anything is paid for."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"{self._folder} cannot be made: {error.strerror}.") from error

    def _known(self, job: str) -> str:
        """The model that made the picture of `job`."""
        if JOB.fullmatch(job):
            try:
                return self._model(job).read_text(encoding="utf-8")
            except OSError:
                pass
        raise TakeLost(f"There is no picture of a job '{job}' in {self._folder}.")

    def _picture(self, job: str) -> Path:
        return self._folder / job

    def _model(self, job: str) -> Path:
        return self._folder / f"{job}.model"


def _parts(row: Row, request: Request) -> list[Part]:
    """Pictures, each after the words that say what it is, and the prompt last."""
    types = sdk().types
    parts: list[Part] = []
    for number, picture in enumerate(request.pictures, 1):
        data, kind = http.read_picture(picture, LARGEST_PICTURE_BYTES)
        parts.append(types.Part.from_text(text=caption(picture, number)))
        parts.append(types.Part.from_bytes(data=data, mime_type=kind))
    parts.append(types.Part.from_text(text=catalog.words(row, request)[0]))
    return parts


def _picture_in(answer: GenerateContentResponse) -> bytes | None:
    """The first picture of an answer; drafts that the model thought over do not count."""
    for part in parts_of(answer):
        if part.inline_data is not None and part.inline_data.data and not part.thought:
            return bytes(part.inline_data.data)
    return None
