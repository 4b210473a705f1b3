"""What somebody already knows about a file: ``<media>.filmgate.json`` beside it.

A generator, an editor or a stronger network writes it; see docs/sidecar.md and
schemas/sidecar.schema.json. It is data from outside: bounded in size, checked key by key, and a
key we do not know is an error, because a misspelt "confidance" would otherwise count for nothing
without a word.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from filmgate.errors import BadSetting
from filmgate.measure.extractor import Attribute, Extraction, Person
from filmgate.measure.sample import Sample

if TYPE_CHECKING:
    from filmgate.measure.extractors._sidecar_form import Sidecar, SidecarPerson

VERSION = 1
SUFFIX = ".filmgate.json"
MAX_BYTES = 10_000_000
NEAR_S = 0.25
"""A box drawn on one frame holds for the sampled frame nearest to it, if no farther than this."""


def _content(media: str) -> tuple[Path, bytes | None]:
    """Where the sidecar of `media` is, and its bytes; None without one.

    Raises:
        BadSetting: it is too large or cannot be read.
    """
    path = Path(media + SUFFIX)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return path, None
    except (OSError, ValueError) as error:
        raise BadSetting(f"The sidecar {path} cannot be read: {error}.") from error
    if len(content) > MAX_BYTES:
        raise BadSetting(f"The sidecar {path} is larger than {MAX_BYTES // 1_000_000} MB.")
    return path, content


def read(media: str) -> Sidecar | None:
    """The sidecar beside `media`, or None.

    Raises:
        BadSetting: it says something that cannot be right; the text names file and key.
    """
    path, content = _content(media)
    if content is None:
        return None
    from pydantic import ValidationError

    from filmgate.measure.extractors._sidecar_form import Sidecar

    try:
        return Sidecar.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the file"
        raise BadSetting(f"The sidecar {path} is wrong at '{key}': {first['msg']}.") from error


class SidecarExtractor:
    """Attributes and people as the sidecar beside the media states them."""

    @property
    def identity(self) -> str:
        """Name and version; what the file says is added by `beside`."""
        return f"sidecar {VERSION}"

    def beside(self, media: str) -> str:
        """Digest of the sidecar of `media`, "" without one: the rest of the cache's key."""
        _, content = _content(media)
        return "" if content is None else hashlib.sha256(content).hexdigest()

    def extract(self, sample: Sample, media: str) -> Extraction:
        """What is stated about the frames of this shot; nothing without a sidecar.

        Raises:
            BadSetting: the sidecar is wrong.
        """
        sidecar = read(media)
        if sidecar is None:
            return Extraction()
        people, notes = _people(sidecar, sample)
        return Extraction(people=people, attributes=_attributes(sidecar, sample), notes=notes)


def _attributes(sidecar: Sidecar, sample: Sample) -> tuple[Attribute, ...]:
    """Those of this shot: without frames, an attribute holds for the whole file."""
    kept = []
    for stated in sidecar.attributes:
        frames = tuple(f for f in stated.frames if sample.in_frame <= f < sample.out_frame)
        if frames or not stated.frames:
            kept.append(
                Attribute(
                    path=stated.path,
                    value=stated.value,
                    unit=stated.unit,
                    confidence=stated.confidence,
                    frames=frames,
                    box=stated.box,
                )
            )
    return tuple(kept)


def _people(
    sidecar: Sidecar, sample: Sample
) -> tuple[dict[int, tuple[Person, ...]], tuple[str, ...]]:
    """People by sampled frame, and a note when stated frames are too far from any."""
    stated: dict[int, list[SidecarPerson]] = {f: [] for f in sidecar.empty}
    for person in sidecar.people:
        stated.setdefault(person.frame, []).append(person)
    reach = max(0, round(NEAR_S * float(sample.rate)))
    nearest: dict[int, tuple[int, int]] = {}
    far = []
    for frame in sorted(f for f in stated if sample.in_frame <= f < sample.out_frame):
        index = min((f.index for f in sample.frames), key=lambda i: abs(i - frame), default=None)
        if index is None or abs(index - frame) > reach:
            far.append(frame)
        elif index not in nearest or abs(index - frame) < nearest[index][0]:
            nearest[index] = (abs(index - frame), frame)
    people = {
        index: tuple(
            Person(p.face, None, p.body, p.confidence, frontal=p.frontal, name=p.name)
            for p in stated[frame]
        )
        for index, (_, frame) in sorted(nearest.items())
    }
    if not far:
        return people, ()
    return people, (f"Sidecar: {len(far)} stated frames are not near a sampled one (not used).",)


EXTRACTOR = SidecarExtractor
