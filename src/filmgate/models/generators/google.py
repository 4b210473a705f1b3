"""Google: Veo on the enterprise platform, Gemini Omni with a key, Gemini's stills through either.

A job is ``veo:`` and the name of an operation, ``omni:`` and the id of an interaction, or
``still:`` and the hash of a request; any process with the same environment can ask about it. Each
of the three has a file in `models/gemini/`; ``docs/providers_google.md`` tells keys and limits.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from filmgate.errors import CannotExpress, TakeLost
from filmgate.models import catalog, http
from filmgate.models.catalog import Row
from filmgate.models.gemini.door import LARGEST_PICTURE_BYTES, Doors
from filmgate.models.gemini.omni import Omni
from filmgate.models.gemini.stills import Stills
from filmgate.models.gemini.veo import Veo
from filmgate.models.generator import Capability, Request, Result, Status, Surroundings
from filmgate.models.jobbook import Entry, JobBook

NAME = "google"


class Google:
    """One generator for the three services; which one follows from the model.

    Options: ``project``, ``location``, ``platform`` (where stills are made: "key" or "enterprise"),
    ``storage_uri`` (``gs://`` folder that Veo writes to), ``base_url``, ``enterprise_base_url``,
    ``prices``. Keys are read from the environment only.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        self._options = surroundings.options
        doors = Doors(surroundings.options, surroundings.timeout_s)
        self._book = JobBook(surroundings.folder)
        self._stills = Stills(doors, surroundings.folder / "stills")
        self._makers: dict[str, Veo | Omni | Stills] = {
            "veo": Veo(doors, self._book),
            "omni": Omni(doors),
            "still": self._stills,
        }

    def capabilities(self) -> tuple[Capability, ...]:
        """The rows of the catalog that are on."""
        return tuple(catalog.capability(row) for row in catalog.alive(NAME))

    def check(self, request: Request) -> None:
        """As the catalog says, and that pictures can be sent."""
        self._checked(request)

    def price_usd(self, request: Request) -> float:
        """By the option ``prices``, else by the catalog."""
        return catalog.price_usd(catalog.find(request.model, NAME), request, self._options)

    def submit(self, request: Request) -> str:
        """One request that may be charged; nothing is sent twice."""
        row = self._checked(request)
        kind = _kind(row)
        job = f"{kind}:{self._makers[kind].submit(row, request)}"
        self._book.note(Entry(job, row.model, request.hash(NAME)))
        return job

    def poll(self, job: str) -> Status:
        """Ask the service that the job belongs to."""
        kind, name = self._split(job)
        return self._makers[kind].poll(name)

    def fetch(self, job: str, path: Path) -> Result:
        """Write the take as the provider made it, not a byte changed."""
        kind, name = self._split(job)
        result = self._makers[kind].fetch(name, path)
        return result if result.model else replace(result, model=self._book.get(job).model)

    def cancel(self, job: str) -> None:
        """End the job; of Veo nobody can, so it is let go."""
        kind, name = self._split(job)
        self._makers[kind].cancel(name)

    def find(self, request: Request, since: str) -> str | None:
        """The job of a request whose answer came here before the run ended; Google lists none."""
        row = catalog.find(request.model, NAME)
        asked = request.hash(NAME)
        noted = (e.job for e in self._book.entries().values() if e.request == asked)
        job = next(noted, None)
        if job is None and _kind(row) == "still" and (kept := self._stills.find(request)):
            job = f"still:{kept}"
        if job is None:
            raise CannotExpress(
                f"Google cannot be asked whether it took a request for {request.model}: look for "
                "it in the console, and then say so."
            )
        return job

    def _checked(self, request: Request) -> Row:
        row = catalog.find(request.model, NAME)
        catalog.check(row, request)
        for picture in request.pictures:
            http.read_picture(picture, LARGEST_PICTURE_BYTES)
        return row

    def _split(self, job: str) -> tuple[str, str]:
        kind, _, name = job.partition(":")
        if kind not in self._makers or not name:
            raise TakeLost(f"'{job}' is no job of Google's.")
        return kind, name


def _kind(row: Row) -> str:
    """Which of the three services makes what `row` stands for."""
    if "image" in row.kinds:
        return "still"
    return "veo" if row.model.startswith("veo-") else "omni"


GENERATOR = Google
