"""Plugins by file name: the file in the plural folder *is* the registration.

`names("continuity.checks")` lists without importing; `load(...)` imports one. Third parties add
entry points in the group `filmgate.<folder>`; a name of ours wins over one of theirs.
"""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from filmgate.errors import MissingExtra, UnknownPlugin

ROOT = Path(__file__).parent


def _shipped(folder: str) -> list[str]:
    path = ROOT.joinpath(*folder.split("."))
    return sorted(m.name for m in pkgutil.iter_modules([str(path)]) if not m.name.startswith("_"))


def names(folder: str) -> list[str]:
    """Names of every plugin in `folder` (for instance ``"continuity.checks"``), imported or not."""
    third = {e.name for e in entry_points(group=f"filmgate.{folder}")}
    return sorted({*_shipped(folder), *third})


def load(folder: str, name: str, attribute: str) -> Any:
    """The object `attribute` of plugin `name`.

    Raises:
        UnknownPlugin: no such plugin.
        MissingExtra: the plugin needs a package that is not installed. A missing module of our own
            is a defect and is raised as it is.
    """
    if name in _shipped(folder):
        try:
            module = importlib.import_module(f"filmgate.{folder}.{name}")
        except ModuleNotFoundError as error:
            if (error.name or "").startswith("filmgate"):
                raise
            raise MissingExtra(
                f"'{name}' needs the package '{error.name}', which is not installed: "
                f"install filmgate with the extra that brings it (see README, extras)."
            ) from error
        return getattr(module, attribute)
    for entry in entry_points(group=f"filmgate.{folder}"):
        if entry.name == name:
            return getattr(entry.load(), attribute)
    known = ", ".join(names(folder)) or "none"
    raise UnknownPlugin(f"There is no '{name}' in {folder}: known are {known}.")
