"""Traces of any supported format: the contract of an importer, and finding the one that fits.

An importer is one file in ``gap/importers`` with an object `IMPORTER`; its file name is the name of
the format.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from filmgate import registry
from filmgate.errors import UsageError
from filmgate.gap import reading
from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.trace import Trace
from filmgate.settings import nearest

FOLDER = "gap.importers"
AUTO = "auto"
LEDGER, LEDGER_FILE = "ledger", "ledger.sqlite"
"""A folder with this file is a project, not a folder of traces."""
SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".parquet")
"""Of the files that are looked at in a folder."""


class Importer(Protocol):
    """One trace format."""

    def recognises(self, head: bytes) -> bool:
        """Whether a file that begins with `head` (up to 64 KiB) is of this format."""

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """The traces in `files`, which belong together (spans and their labels, say).

        What cannot be used is added to `problems`, and the rest is read.
        """


def formats() -> list[str]:
    """Names of the formats there are."""
    return registry.names(FOLDER)


def importer(name: str) -> Importer:
    """The importer of a format.

    Raises:
        UsageError: there is no such format.
    """
    known = formats()
    if name not in known:
        hint = nearest(name, known) or f" Known are {', '.join([AUTO, *known])}."
        raise UsageError(f"There is no trace format '{name}'.{hint}")
    found: Importer = registry.load(FOLDER, name, "IMPORTER")
    return found


def recognise(path: Path) -> str | None:
    """The format of a file by its content; None when no importer knows it."""
    start = reading.head(path / LEDGER_FILE if path.is_dir() else path)
    return next((name for name in formats() if importer(name).recognises(start)), None)


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one format, ready to be read."""

    format: str
    files: tuple[Path, ...]

    def traces(self, mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """The traces in the files, one by one."""
        return importer(self.format).read(self.files, mapping, problems)


def source(paths: Sequence[Path], format: str, problems: Problems) -> Source:
    """The files meant by `paths` (files, or folders of them), which must be of one format.

    Args:
        format: a name of `formats`, or "auto" for what the content says.

    Raises:
        UsageError: a file is not there, nothing is recognised, or formats are mixed.
    """
    if format != AUTO:
        importer(format)
    if format == LEDGER:
        return Source(format, tuple(paths))
    known: dict[str, list[Path]] = {}
    unknown: list[Path] = []
    for path, asked in _files(paths):
        name = recognise(path) if format == AUTO or not asked else format
        if name is None:
            unknown.append(path)
        elif format in (AUTO, name):
            known.setdefault(name, []).append(path)
        else:
            problems.add(path, None, f"is of the format '{name}', not '{format}'; it is left out")
    if not known:
        listed = str(unknown[0]) if unknown else ", ".join(map(str, paths))
        if unknown and unknown[0].stat().st_size == 0:
            raise UsageError(f"{listed}: is empty.")
        raise UsageError(
            f"{listed}: no traces of a known format; known are {', '.join(formats())} "
            f"(--format says which, docs/gap.md shows each)."
        )
    if len(known) > 1:
        told = "; ".join(f"{name}: {files[0]}" for name, files in known.items())
        raise UsageError(
            f"These files are of several formats, which may hold the same runs twice ({told}): "
            f"measure one format at a time, or choose with --format."
        )
    for path in unknown:
        problems.add(path, None, "is of no known format; it is left out")
    name, files = next(iter(known.items()))
    return Source(name, tuple(files))


def _files(paths: Sequence[Path]) -> list[tuple[Path, bool]]:
    """Files, and whether each was asked for by name (not found in a folder)."""
    out: list[tuple[Path, bool]] = []
    for path in paths:
        if path.is_dir() and not (path / LEDGER_FILE).exists():
            inside = sorted(p for p in path.iterdir() if p.suffix in SUFFIXES and p.is_file())
            if not inside:
                raise UsageError(f"{path}: holds no traces ({', '.join(SUFFIXES)}).")
            out += [(p, False) for p in inside]
        elif path.exists():
            out.append((path, True))
        else:
            raise UsageError(f"{path}: there is no such file.")
    return out
