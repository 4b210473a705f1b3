"""``filmgate new``: a project to start from, commented, and runnable as it stands."""

from __future__ import annotations

import os
import re
import shutil
import string
import tempfile
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from filmgate.errors import StoreError, UsageError
from filmgate.settings import nearest
from filmgate.story.establishing import default_setups
from filmgate.story.sequences import MAX_SHOTS

SHOTS = 60
"""Shots of the establishing sequence unless told otherwise."""
MOST_LETTERS = 64
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{d}{n}" for d in ("com", "lpt") for n in range(1, 10))}
"""Names that no file can have on Windows, with or without an ending."""


def kinds() -> list[str]:
    """Templates there are."""
    return sorted(entry.name for entry in _templates().iterdir() if entry.is_dir())


def write(folder: Path, shots: int = SHOTS, kind: str = "liminal") -> list[Path]:
    """Write the template `kind` into `folder`, which is made; all of it or nothing.

    Args:
        shots: of its establishing sequence, from 1 to `sequences.MAX_SHOTS`.

    Returns:
        The files, in alphabetical order.

    Raises:
        UsageError: a name that cannot be a folder's, a folder that is not empty, no such template.
        StoreError: it cannot be written.
    """
    _check(folder, shots, kind)
    values = {"shots": str(shots), "setups": str(default_setups(shots))}
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise StoreError(f"'{folder}' cannot be written ({error.strerror}).") from None
    try:
        _copy(_templates() / kind, made, values)
        made.chmod(0o777 & ~_umask())
        made.rename(folder)  # onto an empty folder too; onto one that got a file meanwhile, not
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise StoreError(f"'{folder}' cannot be written ({error.strerror}).") from None
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _check(folder: Path, shots: int, kind: str) -> None:
    name = folder.name
    if not _NAME.fullmatch(name) or len(name) > MOST_LETTERS or name.endswith("."):
        raise UsageError(
            f"'{name or folder}' cannot be a project's name: write up to {MOST_LETTERS} letters, "
            f"digits, '.', '-' and '_', a letter or digit first."
        )
    if name.lower().split(".")[0] in _RESERVED:
        raise UsageError(f"'{name}' cannot be a project's name: Windows keeps it for a device.")
    if kind not in kinds():
        hint = nearest(kind, kinds()) or f" There are {', '.join(kinds())}."
        raise UsageError(f"There is no template '{kind}'.{hint}")
    if not 1 <= shots <= MAX_SHOTS:
        raise UsageError(f"A project can have 1 to {MAX_SHOTS} shots, not {shots}.")
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UsageError(f"'{folder}' is there already and is not a folder: choose another name.")
    if folder.is_dir() and any(folder.iterdir()):
        raise UsageError(
            f"'{folder}' is there already and is not empty: choose another name, or empty it."
        )


def _templates() -> Traversable:
    return resources.files("filmgate.story") / "templates"


def _copy(source: Traversable, target: Path, values: dict[str, str]) -> None:
    for entry in source.iterdir():
        to = target / entry.name
        if entry.is_dir():
            to.mkdir()
            _copy(entry, to, values)
        elif not entry.name.endswith((".pyc", "~")):
            text = string.Template(entry.read_text(encoding="utf-8")).substitute(values)
            to.write_text(text, encoding="utf-8")


def _umask() -> int:
    """The process's umask: `mkdtemp` makes folders that nobody else can read."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
