"""Every setting and its default: command line over environment over one TOML file.

| setting | environment | default | meaning |
|---|---|---|---|
| store | FILMGATE_STORE | .filmgate | where the project's state is kept, never beside the footage |
| weights | FILMGATE_WEIGHTS | as `filmgate weights use` said | folder of networks, or "none" |
| workers | FILMGATE_WORKERS | the cores there are | processes that measure |
| reader | FILMGATE_READER | none | vision-language model shown three frames a shot: "google" |

The file is ``filmgate.toml`` in the working directory; a key it does not know is an error. A table
``[readers.google]`` in it holds the options of that reader. ``reader = "google/MODEL"`` names a
model other than the reader's own first. Keys come from the environment only.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from filmgate.errors import BadSetting

FILE = "filmgate.toml"
NO_WEIGHTS = "none"
SECRET = re.compile(r"(^|_)(key|token|secret|password|credentials?)($|_)", re.IGNORECASE)
"""Names of options that would hold what belongs into the environment only."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a run may be told.

    Attributes:
        store: folder of the project's state; made when first written to.
        weights: folder of networks, "none" for not using any, None for what the store records.
        workers: processes that measure; None means one per core this process may use.
        reader: name of a reader of pictures, and after a "/" its model; None for none: frames
            leave the machine only where this is set.
        readers: reader to its options.
    """

    store: Path = Path(".filmgate")
    weights: str | None = None
    workers: int | None = None
    reader: str | None = None
    readers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(
        cls, environ: Mapping[str, str] | None = None, directory: Path | None = None
    ) -> Settings:
        """Settings from ``filmgate.toml`` in `directory` (default: the working one) and `environ`.

        Raises:
            BadSetting: an unknown key, or a value that cannot be used.
        """
        environ = os.environ if environ is None else environ
        settings = cls()
        path = (directory or Path()) / FILE
        if path.is_file():
            values, text = read_toml(path)
            check_keys(values, [f.name for f in fields(cls)], path, text)
            if "readers" in values:
                settings = settings.given(readers=_readers(values.pop("readers"), path, text))
            for key, value in values.items():
                settings = settings.given(**{key: _parsed(key, value, str(path))})
        for key in (f.name for f in fields(cls) if f.name != "readers"):
            name = f"FILMGATE_{key.upper()}"
            if environ.get(name):
                settings = settings.given(**{key: _parsed(key, environ[name], name)})
        return settings

    def given(self, **values: Any) -> Settings:
        """These settings with every value that is not None put in place."""
        return replace(self, **{k: v for k, v in values.items() if v is not None})

    def worker_count(self) -> int:
        """Processes that measure."""
        return self.workers or cores()


def cores() -> int:
    """Cores this process may use (a container may grant fewer than the machine has)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _readers(value: Any, path: Path, text: str) -> dict[str, dict[str, Any]]:
    """The tables [readers.NAME]."""
    if not isinstance(value, dict) or not all(isinstance(v, dict) for v in value.values()):
        raise BadSetting(f"{path}{line_of(text, 'readers')}: write a table [readers.NAME].")
    for table in value.values():
        if secret := next((k for k in table if SECRET.search(k)), None):
            raise BadSetting(
                f"{path}{line_of(text, secret)}: '{secret}' does not belong into a file: keys come "
                "from the environment only."
            )
    return value


def _parsed(key: str, value: Any, origin: str) -> Any:
    if key == "workers":
        try:
            count = int(value)
        except (TypeError, ValueError):
            count = 0
        if count < 1 or isinstance(value, bool | float):
            raise BadSetting(f"{origin}: 'workers' must be a whole number from 1, not '{value}'.")
        return count
    if not isinstance(value, str):
        raise BadSetting(f"{origin}: '{key}' must be text, not '{value}'.")
    return Path(value) if key == "store" else value


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """The values of a TOML file, and its text for `line_of`.

    Raises:
        BadSetting: it cannot be read or is not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
        return tomllib.loads(text), text
    except FileNotFoundError:
        raise BadSetting(f"{path}: there is no such file.") from None
    except OSError as error:
        raise BadSetting(f"{path}: cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise BadSetting(f"{path}: is not a text file in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadSetting(f"{path}: is not TOML: {error}.") from None


def line_of(text: str, *needles: str) -> str:
    """Where in `text` the first line with most of `needles` is, as " line N", or "".

    The last needle matters most: it is dropped last.
    """
    lines = text.splitlines()
    for count in range(len(needles), 0, -1):
        for number, line in enumerate(lines, 1):
            if all(needle in line for needle in needles[-count:]):
                return f" line {number}"
    return ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The question whether the known word closest to `word` was meant, or ""."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{close[0]}'?" if close else ""


def check_keys(
    values: Mapping[str, Any], known: Iterable[str], path: Path, text: str, where: str = ""
) -> None:
    """Refuse keys that are not known.

    Raises:
        BadSetting: names the file, the line and the key, and suggests the nearest known one.
    """
    known = list(known)
    for key in values:
        if key not in known:
            inside = f" in '{where}'" if where else ""
            hint = nearest(key, known) or f" Known are {', '.join(known)}."
            raise BadSetting(f"{path}{line_of(text, key)}: unknown key '{key}'{inside}.{hint}")
