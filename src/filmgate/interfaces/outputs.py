"""Writing what a run has found: the JSON, the report page, the grade corrections."""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from filmgate.errors import StoreError
from filmgate.schema.report import CDL, CheckReport, Finding, SequenceReport, ShotReport

STDOUT = Path("-")


def check_writable(files: Iterable[Path | None], folders: Iterable[Path | None]) -> None:
    """Find out before an hour of measuring that a result could not be written.

    Raises:
        StoreError: a file's folder does not exist or cannot be written to, or the path is taken.
    """
    for file in files:
        if file is None or file == STDOUT:
            continue
        if file.is_dir():
            raise StoreError(f"'{file}' is a folder: name a file to write.")
        if not file.parent.is_dir():
            raise StoreError(f"'{file}' cannot be written: there is no folder '{file.parent}'.")
        _try(file.parent, file)
    for folder in folders:
        if folder is None:
            continue
        if folder.exists() and not folder.is_dir():
            raise StoreError(f"'{folder}' is a file: name a folder to write to.")
        nearest = next(p for p in (folder, *folder.absolute().parents) if p.is_dir())
        _try(nearest, folder)


def _try(folder: Path, path: Path) -> None:
    try:
        with tempfile.NamedTemporaryFile(prefix=".filmgate-", dir=folder):
            pass
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}).") from None


def write_json(report: CheckReport, path: Path) -> None:
    """Write the machine report to `path`, or to stdout for "-".

    Raises:
        StoreError: it cannot be written; nothing is left behind.
    """
    from filmgate.assets.files import write_atomic
    from filmgate.schema.publish import to_json

    data = to_json(report)
    if path == STDOUT:
        sys.stdout.write(data.decode())
        return
    try:
        write_atomic(path, data)
    except OSError as error:
        raise StoreError(f"'{path}' could not be written ({error.strerror}).") from None


def write_cdls(report: CheckReport, folder: Path) -> int:
    """Write one ``.cc`` per shot whose grade drifts; returns how many.

    Raises:
        StoreError: they cannot be written; files already written are whole.
    """
    from filmgate.continuity.cdl import write_cc

    wanted = [
        (folder / f"{name}.cc", cdl)
        for sequence in report.sequences
        for name, cdl in _corrections(sequence, len(report.sequences) > 1)
    ]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, cdl in wanted:
            scratch = path.with_name(f".{path.name}.part")
            try:
                write_cc(cdl, scratch, path.stem)
                scratch.replace(path)
            finally:
                scratch.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"'{folder}' could not be written ({error.strerror}).") from None
    return len(wanted)


def _corrections(sequence: SequenceReport, many: bool) -> Iterable[tuple[str, CDL]]:
    used: set[str] = set()
    for shot in sequence.shots:
        cdl = correction(shot)
        if cdl is None:
            continue
        name = file_name(f"{sequence.id}_{shot.shot}" if many and sequence.id else shot.shot)
        while name.casefold() in used:
            name += "_"
        used.add(name.casefold())
        yield name, cdl


def correction(shot: ShotReport) -> CDL | None:
    """The correction of the shot's largest grade drift, or None when its grade does not drift."""
    drifts = [f for f in shot.findings if f.status == "drift" and f.cdl is not None]
    return max(drifts, key=_size).cdl if drifts else None


def _size(finding: Finding) -> float:
    return finding.magnitude or 0.0


def file_name(text: str) -> str:
    """`text` as a file name on any system: separators and control characters become "_"."""
    safe = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]', "_", text).strip(". ")
    return safe[:120] or "shot"
