"""Measurements kept between runs, as files under the project's store.

```
.filmgate/
  digests.json            path -> size, mtime, inode, sha256: spares reading unchanged media
  measurements/ab/<key>   checksum and bytes of one measurement
```
A measurement is found by what was measured (the media's content digest and the frame range) and
by what measured it (versions of the measuring code and of every extractor), so a renamed file is
not measured again and a new version never answers with old numbers. A store that cannot be
written to costs only the saving: the run goes on and `note` says so.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from filmgate.assets.files import write_atomic

_CHECKSUM_BYTES = 32
_RACY_NS = 2_000_000_000
"""A file touched less than this before it was hashed may change again within one clock step of the
file system, unseen by size and time; such a digest is not remembered (git calls this racy)."""


class Stamp(NamedTuple):
    """What tells, without reading it, that a file is the same as before."""

    size: int
    mtime_ns: int
    inode: int

    @classmethod
    def of(cls, path: str | Path) -> Stamp:
        """The stamp of a file that exists."""
        stat = os.stat(path)  # noqa: PTH116
        return cls(stat.st_size, stat.st_mtime_ns, stat.st_ino)


def sha256_of(path: str | Path) -> str:
    """Hexadecimal SHA-256 of the file's content."""
    with open(path, "rb") as stream:  # noqa: PTH123
        return hashlib.file_digest(stream, "sha256").hexdigest()


def key_of(digest: str, in_frame: int, out_frame: int | None, versions: Sequence[str]) -> str:
    """Name of the measurement of frames [in_frame, out_frame) of the media `digest`."""
    what = json.dumps([digest, in_frame, out_frame, list(versions)])
    return hashlib.sha256(what.encode()).hexdigest()


class MeasurementStore:
    """Bytes by key; a damaged or missing entry reads as None."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.note: str | None = None
        """Why nothing more is kept; None while all is well."""

    def _path(self, key: str) -> Path:
        return self.root / "measurements" / key[:2] / key

    def get(self, key: str) -> bytes | None:
        """The bytes kept under `key`, or None."""
        try:
            data = self._path(key).read_bytes()
        except OSError:
            return None
        payload = data[_CHECKSUM_BYTES:]
        whole = hashlib.sha256(payload).digest() == data[:_CHECKSUM_BYTES]
        return payload if whole else None

    def put(self, key: str, payload: bytes) -> None:
        """Keep `payload`. The first failure is noted and ends the keeping, not the run."""
        path = self._path(key)
        self._write(path, hashlib.sha256(payload).digest() + payload)

    def _write(self, path: Path, data: bytes) -> None:
        if self.note is not None:
            return
        try:
            if not path.parent.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                ignore = self.root / ".gitignore"
                if not ignore.exists():
                    write_atomic(ignore, b"*\n")
            write_atomic(path, data)
        except OSError as error:
            self.note = (
                f"Measurements could not be kept in '{self.root}' ({error.strerror}): "
                f"the next run measures again."
            )


class DigestMemo:
    """Which digest a file had when its size, time and inode were last as they are now."""

    def __init__(self, store: MeasurementStore) -> None:
        self._store = store
        self._path = store.root / "digests.json"
        self._known = self._load()
        self._new: dict[str, tuple[Stamp, str]] = {}

    def _load(self) -> dict[str, tuple[Stamp, str]]:
        # A damaged memo is an empty one: the files are hashed again.
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            return {str(k): (Stamp(*map(int, v[:3])), str(v[3])) for k, v in raw.items()}
        return {}

    def get(self, path: str) -> str | None:
        """The digest of `path` if its stamp is unchanged; the file itself is not read."""
        known = self._known.get(os.path.abspath(path))  # noqa: PTH100
        try:
            return known[1] if known and known[0] == Stamp.of(path) else None
        except OSError:
            return None

    def learn(self, path: str, stamp: Stamp, digest: str) -> None:
        """Remember `digest`, read from `path` while its stamp was `stamp`."""
        if time.time_ns() - stamp.mtime_ns < _RACY_NS:
            return
        self._new[os.path.abspath(path)] = (stamp, digest)  # noqa: PTH100

    def save(self) -> None:
        """Write what was learnt, joined with what another run may have written meanwhile.

        Two runs that save at the same moment may lose one another's news; that costs a hashing,
        never a wrong digest, so no lock is held.
        """
        if not self._new:
            return
        self._known = {**self._load(), **self._new}
        self._new = {}
        rows = {path: [*stamp, digest] for path, (stamp, digest) in self._known.items()}
        self._store._write(self._path, json.dumps(rows, separators=(",", ":")).encode())
