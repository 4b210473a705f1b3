"""The vault: bytes by their SHA-256, written once, never changed.

```
.filmgate/vault/ab/abcdef….   one file per digest
```
A name that is a digest cannot lie for long: `verify` recomputes it. Writing goes to a temporary
file beside, is flushed to the disk and renamed, so a full disk or a crash leaves what was there.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from filmgate.assets.files import flush
from filmgate.errors import StoreError

PREFIX = "sha256:"
_CHUNK_BYTES = 1 << 20
_TRACE = ".part"


class Vault:
    """Bytes by digest under one folder, made when first written to."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, digest: str) -> Path:
        """Where the bytes of `digest` are; the file is for reading only.

        Raises:
            StoreError: `digest` is not one, or nothing of that digest is kept.
        """
        place = self._place(digest)
        if not place.is_file():
            raise StoreError(f"The vault holds nothing named {digest}.")
        return place

    def has(self, digest: str) -> bool:
        """Whether the bytes of `digest` are kept."""
        return self._place(digest).is_file()

    def read(self, digest: str) -> bytes:
        """The bytes of `digest`."""
        return self.path(digest).read_bytes()

    def put(self, data: bytes) -> str:
        """Keep `data` and return its digest.

        Raises:
            StoreError: the vault cannot be written to; what it held is whole.
        """
        digest = PREFIX + hashlib.sha256(data).hexdigest()
        return digest if self.has(digest) else self.put_stream([data])

    def put_file(self, path: Path) -> str:
        """Keep a copy of the file `path` and return its digest.

        Raises:
            StoreError: it cannot be read, or the vault cannot be written to.
        """
        try:
            with path.open("rb") as source:
                return self.put_stream(iter(lambda: source.read(_CHUNK_BYTES), b""))
        except OSError as error:
            raise StoreError(f"'{path}' could not be read ({error.strerror}).") from None

    def put_stream(self, chunks: Iterable[bytes]) -> str:
        """Keep what `chunks` make together and return its digest."""
        hasher = hashlib.sha256()
        with self._writing() as (stream, part):
            for chunk in chunks:
                hasher.update(chunk)
                stream.write(chunk)
            digest = PREFIX + hasher.hexdigest()
            _settle(stream, part, self._place(digest))
        return digest

    def digests(self) -> Iterator[str]:
        """Every digest kept, in order."""
        for place in sorted(self.root.glob("[0-9a-f][0-9a-f]/*")):
            if not place.name.endswith(_TRACE):
                yield PREFIX + place.name

    def verify(self, digest: str) -> str | None:
        """None when the bytes of `digest` are whole, else one sentence on what is wrong."""
        try:
            with self.path(digest).open("rb") as stream:
                found = PREFIX + hashlib.file_digest(stream, "sha256").hexdigest()
        except (OSError, StoreError) as error:
            return f"{digest} cannot be read: {error}"
        return None if found == digest else f"{digest} is damaged: its bytes are {found}."

    def collect(self, named: Iterable[str]) -> list[str]:
        """Remove what nothing names; returns the digests removed.

        Args:
            named: every digest that anything names; the ledger's references.
        """
        keep = set(named)
        gone = [digest for digest in self.digests() if digest not in keep]
        for digest in gone:
            with contextlib.suppress(FileNotFoundError):
                self._place(digest).unlink()
        return gone

    def _place(self, digest: str) -> Path:
        name = digest.removeprefix(PREFIX)
        if not digest.startswith(PREFIX) or len(name) != 64 or set(name) - set("0123456789abcdef"):
            raise StoreError(f"'{digest}' is not a digest: it must be 'sha256:' and 64 hex digits.")
        return self.root / name[:2] / name

    @contextlib.contextmanager
    def _writing(self) -> Iterator[tuple[BinaryIO, Path]]:
        """A temporary file in the vault; gone afterwards unless `_settle` has put it in place."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=_TRACE, dir=self.root)
        except OSError as error:
            raise StoreError(f"'{self.root}' cannot be written ({error.strerror}).") from None
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream, Path(name)
        except OSError as error:
            raise StoreError(
                f"'{self.root}' could not take the file ({error.strerror}): what it held is whole."
            ) from None
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)  # noqa: PTH108


def _settle(stream: BinaryIO, part: Path, place: Path) -> None:
    """Put what was written to `part` at `place`, in one step and for good."""
    stream.flush()
    os.fsync(stream.fileno())
    place.parent.mkdir(exist_ok=True)
    part.chmod(0o444)
    part.replace(place)
    flush(place.parent)
