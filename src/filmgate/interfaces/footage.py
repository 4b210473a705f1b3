"""From a path on the command line to sequences of shots.

A folder: each media file is a shot, in natural name order ("shot_2" before "shot_10"); sub-folders
are sequences of their own, named "a/b". One file: its shots are found by cut detection. A timeline:
see `timelines`. Files are not opened here, except to find cuts.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from filmgate.errors import BadFootage, MeasurementError
from filmgate.schema.shot import Sequence, Shot

_VIDEO = """
.mp4 .mov .m4v .mkv .webm .avi .mxf .mpg .mpeg .m2v .m2ts .mts .ts .wmv .flv .ogv .3gp .gif .y4m
.ivf .dv .vob .f4v .asf .qt .apng .mj2 .nut
"""
_STILL = ".png .jpg .jpeg .webp .tif .tiff .bmp .exr .dpx .jxl .avif"
VIDEO = frozenset(_VIDEO.split())
STILL = frozenset(_STILL.split())
TIMELINE = frozenset({".otio"})

Cuts = Callable[[str], list[tuple[int, int]]]


@dataclass(frozen=True)
class Footage:
    """What there is to check. `notes` tell what was passed over."""

    sequences: tuple[Sequence, ...]
    notes: tuple[str, ...] = field(default=())


def discover(path: Path, cuts: Cuts) -> Footage:
    """The sequences at `path`.

    Args:
        path: a folder, a media file or a timeline.
        cuts: finds the [in, out) frame ranges of one file's shots.

    Raises:
        BadFootage: there is nothing that could be checked.
    """
    try:
        if path.is_dir():
            return _folder(path)
        if not path.exists():
            raise BadFootage(f"There is no file or folder '{path}'.")
    except OSError as error:
        raise BadFootage(f"'{path}' cannot be read ({error.strerror}).") from None
    if path.suffix.lower() in TIMELINE:
        from filmgate.interfaces import timelines

        return Footage(*timelines.read(path))
    if path.suffix.lower() in STILL:
        sequence = Sequence(path.stem, (Shot(path.stem, path.stem, str(path)),))
        return Footage((sequence,))
    return _single(path, cuts)


def _single(path: Path, cuts: Cuts) -> Footage:
    try:
        ranges = cuts(str(path))
    except MeasurementError as error:
        raise BadFootage(str(error)) from None
    except OSError as error:
        raise BadFootage(f"'{path}' cannot be read ({error.strerror}).") from None
    digits = max(2, len(str(len(ranges))))
    shots = tuple(
        Shot(f"shot_{number:0{digits}}", path.stem, str(path), first, last)
        for number, (first, last) in enumerate(ranges, 1)
    )
    if not shots:
        raise BadFootage(f"'{path}' holds no picture.")
    return Footage((Sequence(path.stem, shots),))


def natural(name: str) -> tuple[tuple[tuple[str, int], ...], str]:
    """Sort key in which numbers inside names count as numbers."""
    folded = unicodedata.normalize("NFC", name).casefold()
    parts = re.split(r"([0-9]+)", folded)
    return tuple((p, 0) if i % 2 == 0 else ("", int(p)) for i, p in enumerate(parts)), name


def _folder(root: Path) -> Footage:
    found: list[Sequence] = []
    ignored: Counter[str] = Counter()
    _walk(root, "", found, ignored, set())
    if not found:
        if not any(root.iterdir()):
            raise BadFootage(f"The folder '{root}' is empty.")
        raise BadFootage(f"The folder '{root}' holds no footage: .mp4, .mov, .webm and the like.")
    own = root.resolve().name
    names = {sequence.id for sequence in found}
    if found[0].id == "" and own and own not in names:
        shots = tuple(Shot(shot.id, own, shot.file) for shot in found[0].shots)
        found[0] = Sequence(own, shots)
    notes = []
    if count := ignored.total():
        kinds = ", ".join(suffix or "no suffix" for suffix, _ in ignored.most_common(5))
        files = "1 file that is" if count == 1 else f"{count} files that are"
        notes.append(f"Passed over {files} not footage ({kinds}).")
    return Footage(tuple(found), tuple(notes))


def _walk(
    folder: Path, name: str, found: list[Sequence], ignored: Counter[str], seen: set[Path]
) -> None:
    # A link back to a parent folder would otherwise never end.
    real = folder.resolve()
    if real in seen:
        return
    seen.add(real)
    try:
        entries = [e for e in folder.iterdir() if not e.name.startswith(".")]
    except OSError as error:
        raise BadFootage(f"The folder '{folder}' cannot be read ({error.strerror}).") from None
    entries.sort(key=lambda e: natural(e.name))
    folders = [e for e in entries if e.is_dir()]
    files = [e for e in entries if not e.is_dir()]
    # Stills beside video are posters and references; alone they are the shots.
    video = [e for e in files if e.suffix.lower() in VIDEO]
    shots = video or [e for e in files if e.suffix.lower() in STILL]
    ignored.update(e.suffix.lower() for e in files if e not in set(shots))
    if shots:
        found.append(_sequence(name, shots))
    for entry in folders:
        _walk(entry, f"{name}/{entry.name}" if name else entry.name, found, ignored, seen)


def _sequence(name: str, files: list[Path]) -> Sequence:
    stems = Counter(file.stem for file in files)
    return Sequence(
        name,
        tuple(
            Shot(file.stem if stems[file.stem] == 1 else file.name, name, str(file))
            for file in files
        ),
    )
