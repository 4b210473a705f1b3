"""A reader whose answers are kept: what was answered once is not asked, and paid, again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from filmgate import registry
from filmgate.assets.cache import MeasurementStore
from filmgate.errors import BadSetting, MeasurementError, Throttled, Unavailable
from filmgate.models.reader import Reader, Terms
from filmgate.settings import Settings, nearest

READERS = "models.readers"


def chosen(settings: Settings) -> str:
    """The reader that `settings` ask for, as JSON: plain text crosses to other processes; "" none.

    Raises:
        BadSetting: there is no such reader.
    """
    if settings.reader is None:
        return ""
    name, _, model = settings.reader.partition("/")
    known = registry.names(READERS)
    if name not in known:
        hint = nearest(name, known) or f" There are {', '.join(known)}."
        raise BadSetting(f"There is no reader '{name}'.{hint}")
    options = dict(settings.readers.get(name, {}))
    model = model or str(options.pop("model", ""))
    return json.dumps({"name": name, "model": model, "options": options}, sort_keys=True)


def made(choice: str, store: MeasurementStore) -> Kept:
    """The reader that `chosen` described; nothing is sent yet.

    Raises:
        FilmgateError: its package is not installed, or an option of it cannot be used.
    """
    told = json.loads(choice)
    reader: Reader = registry.load(READERS, told["name"], "READER")(
        Terms(model=told["model"], options=told["options"])
    )
    return Kept(reader, store)


class Kept:
    """Asks `reader` what it was not asked before.

    A provider that was waited for in vain is not waited for again: its patience would be spent on
    each of hundreds of shots.

    Attributes:
        failed: questions that got no usable answer: they are asked again the next time.
    """

    def __init__(self, reader: Reader, store: MeasurementStore) -> None:
        self._reader, self._store = reader, store
        self.failed = 0
        self._gone = ""

    @property
    def identity(self) -> str:
        """The reader's own."""
        return self._reader.identity

    def read(
        self, images: Sequence[bytes], question: str, schema: dict[str, Any], *, material: str = ""
    ) -> dict[str, Any]:
        """As `Reader.read`; an answer is kept before it is used."""
        asked = hashlib.sha256(self.identity.encode())
        for part in (question.encode(), json.dumps(schema, sort_keys=True).encode(),
                     material.encode(), *images):  # fmt: skip
            asked.update(hashlib.sha256(part).digest())
        known = self._store.get(asked.hexdigest())
        if known is not None:
            answer: dict[str, Any] = json.loads(known)
            return answer
        try:
            if self._gone:
                raise MeasurementError(self._gone)
            answer = self._reader.read(images, question, schema, material=material)
        except MeasurementError as error:
            self.failed += 1
            if isinstance(error.__cause__, Throttled | Unavailable):
                self._gone = str(error)
            raise
        self._store.put(asked.hexdigest(), json.dumps(answer).encode())
        return answer
