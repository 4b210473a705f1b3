"""The networks a user may bring: what they are, whether they are here, how to get them.

The project ships no weights. `weights.toml` names each file with its source, licence and SHA-256;
a file of another digest is refused by name, never tried, because a verdict must say which network
it rests on. Where the files lie is the environment variable ``FILMGATE_WEIGHTS`` or, failing that,
``weights.toml`` of the project store (`use` writes it).
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import tomllib
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Literal

from filmgate.errors import BadSetting, StoreError, UsageError
from filmgate.settings import NO_WEIGHTS

ENVIRONMENT = "FILMGATE_WEIGHTS"
SETTINGS_FILE = "weights.toml"
OWN_FOLDER = "weights"
HOST = "https://github.com"
TIMEOUT_S = 30.0
EVERY = "all"

Role = Literal["face", "person", "portrait", "objects"]
Status = Literal["here", "absent", "wrong digest"]


@dataclass(frozen=True, slots=True)
class Weight:
    """One row of the catalog.

    Attributes:
        name: what the user calls it ("face_rfb320").
        role: what it sees: face boxes, person mask, head-and-shoulders mask, object boxes.
        file: its file name in the user's folder.
        sha256: hexadecimal digest of the only accepted content.
        bytes: size of that content.
        licence: licence under which the source publishes it.
        source_repository: GitHub "owner/name".
        source_commit: commit (may be abbreviated) that holds it.
        source_path: path in that commit.
        input: layout, size and normalisation it is fed with.
        output: what it answers.
    """

    name: str
    role: Role
    file: str
    sha256: str
    bytes: int
    licence: str
    source_repository: str
    source_commit: str
    source_path: str
    input: str
    output: str

    def url(self, host: str = HOST) -> str:
        """Address to fetch it from by hand."""
        return f"{host}/{self.source_repository}/raw/{self.source_commit}/{self.source_path}"


@dataclass(frozen=True, slots=True)
class WeightRow:
    """One line of ``filmgate weights list``; `path` is where it is or would be."""

    weight: Weight
    status: Status
    path: Path | None


@cache
def catalog() -> tuple[Weight, ...]:
    """Every network filmgate knows, in the order of `weights.toml`."""
    with Path(__file__).with_name("weights.toml").open("rb") as file:
        return tuple(Weight(**row) for row in tomllib.load(file)["weight"])


def _named(name: str) -> tuple[Weight, ...]:
    """The rows that `name` asks for: one, or all of them.

    Raises:
        UsageError: no such row.
    """
    rows = tuple(w for w in catalog() if name in (EVERY, w.name))
    if not rows:
        known = ", ".join(w.name for w in catalog())
        raise UsageError(f"There are no weights called '{name}': known are {known}, or '{EVERY}'.")
    return rows


@lru_cache(maxsize=64)
def _digest_of(path: str, size: int, mtime_ns: int) -> str:
    """SHA-256 of a file; size and time are in the key so that a changed file is read again."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _status(weight: Weight, folder: Path) -> Status:
    """Whether the file is in `folder` with the right content (a wrong size is never hashed)."""
    path = folder / weight.file
    try:
        stat = path.stat()
        if not path.is_file():
            return "absent"
        if stat.st_size != weight.bytes:
            return "wrong digest"
        digest = _digest_of(str(path.absolute()), stat.st_size, stat.st_mtime_ns)
    except FileNotFoundError:
        return "absent"
    except OSError as error:
        raise UsageError(f"The weights file {path} cannot be read: {error.strerror}.") from error
    return "here" if digest == weight.sha256 else "wrong digest"


def _require_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise UsageError(f"The weights folder {folder} does not exist: name a folder that does.")


def located(folder: Path) -> dict[str, Path]:
    """Name -> file of the known networks in `folder`, each verified by its SHA-256.

    Raises:
        UsageError: no such folder, a known file with other content, or nothing known in it.
    """
    _require_folder(folder)
    found: dict[str, Path] = {}
    for weight in catalog():
        status = _status(weight, folder)
        if status == "wrong digest":
            raise UsageError(
                f"{folder / weight.file} is not the file the catalog names (its SHA-256 should "
                f"begin {weight.sha256[:12]}): replace it with {weight.url()}, or remove it."
            )
        if status == "here":
            found[weight.name] = folder / weight.file
    if not found:
        files = ", ".join(w.file for w in catalog())
        raise UsageError(f"The folder {folder} holds none of the known weights ({files}).")
    return found


def missing(folder: Path | None) -> tuple[Weight, ...]:
    """The catalog rows that are not in `folder`; all of them without a folder."""
    return tuple(row.weight for row in list_rows(folder) if row.status != "here")


def list_rows(folder: Path | None) -> list[WeightRow]:
    """The catalog with what is in `folder`; a wrong file is a status here, not an error."""
    if folder is None or not folder.is_dir():
        return [WeightRow(w, "absent", folder / w.file if folder else None) for w in catalog()]
    return [WeightRow(w, _status(w, folder), folder / w.file) for w in catalog()]


def digests(folder: Path) -> dict[str, str]:
    """Name -> SHA-256 of the networks in `folder`, for the identity of what rests on them."""
    here = located(folder)
    return {w.name: w.sha256 for w in catalog() if w.name in here}


def weights_folder(store: Path) -> Path | None:
    """Where the user's weights are, or None.

    The environment first ("none" means to use none), then what `use` recorded in the store, then
    the store's own folder ``weights`` if there is one.

    Raises:
        BadSetting: the store's `weights.toml` cannot be read.
        UsageError: the folder named does not exist.
    """
    named = os.environ.get(ENVIRONMENT) or _recorded(store / SETTINGS_FILE)
    if named == NO_WEIGHTS:
        return None
    if named is None:
        own = store / OWN_FOLDER
        return own if own.is_dir() else None
    folder = Path(named).expanduser()
    _require_folder(folder)
    return folder


def _recorded(path: Path) -> str | None:
    """The folder a store's settings file names, None without the file."""
    try:
        with path.open("rb") as file:
            settings: dict[str, Any] = tomllib.load(file)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(f"The weights settings {path} cannot be read: {error}.") from error
    folder = settings.get("folder")
    if not isinstance(folder, str) or set(settings) != {"folder"}:
        raise BadSetting(f'The weights settings {path} must hold one key, folder = "a path".')
    return folder


def use(folder: Path, store: Path) -> dict[str, Path]:
    """Verify `folder` and record it in the project store; returns what was found in it.

    Raises:
        UsageError: see `located`.
        StoreError: the store cannot be written.
    """
    found = located(folder)
    # A JSON string is a valid TOML basic string, so no TOML writer is needed.
    line = f"folder = {json.dumps(str(folder.resolve()), ensure_ascii=False)}\n"
    try:
        store.mkdir(parents=True, exist_ok=True)
        _replace(store / SETTINGS_FILE, line.encode())
    except OSError as error:
        raise StoreError(f"The store {store} cannot be written: {error.strerror}.") from error
    return found


def get(name: str, folder: Path, host: str = HOST) -> list[Path]:
    """Download one network, or ``"all"``, into `folder`; those already right are left alone.

    Args:
        name: a catalog name, or "all".
        folder: made when it does not exist.
        host: origin to fetch from (tests use a loopback server).

    Returns:
        Paths of the files asked for.

    Raises:
        UsageError: unknown name, no network, other content than catalogued, folder not writable.
    """
    paths = []
    for weight in _named(name):
        path = folder / weight.file
        if _status(weight, folder) != "here":
            content = _download(weight, host)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                _replace(path, content)
            except OSError as error:
                raise UsageError(f"{path} cannot be written: {error.strerror}.") from error
        paths.append(path)
    return paths


def _download(weight: Weight, host: str) -> bytes:
    """Content of one network, verified.

    Raises:
        UsageError: it cannot be fetched, or is something else; the text names the URL.
    """
    # Networking takes longer to import than a run that finds everything measured can spare.
    import http.client
    import urllib.request

    url = weight.url(host)
    by_hand = f"fetch {url} by hand and save it as {weight.file}"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_S) as answer:
            content: bytes = answer.read(weight.bytes + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise UsageError(f"{weight.name} could not be downloaded ({error}): {by_hand}.") from error
    if hashlib.sha256(content).hexdigest() != weight.sha256:
        raise UsageError(
            f"What was downloaded for {weight.name} is not the catalogued file "
            f"(SHA-256 differs), so it was not kept: {by_hand}."
        )
    return content


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a killed download must not leave half a network."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
