"""One project's memory: its vault and its ledger, checked against one another, and as one file.

The export is a ZIP that other tools can open too: ``facts.jsonl`` (one fact a line, with the
digests it names) and ``vault/<digest>`` for every one of them that is kept.
"""

from __future__ import annotations

import contextlib
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from filmgate.assets.files import flush
from filmgate.assets.ledger import Ledger, Row
from filmgate.assets.vault import PREFIX, Vault
from filmgate.errors import BadFootage, StoreError
from filmgate.schema.value import canonical

FACTS = "facts.jsonl"
_CHUNK_BYTES = 1 << 20


class Health(NamedTuple):
    """What `Store.verify` found.

    Attributes:
        facts: facts in the ledger.
        named: digests that facts name.
        kept: digests in the vault.
        problems: one sentence each; empty when all is well.
    """

    facts: int
    named: int
    kept: int
    problems: tuple[str, ...]


class Store:
    """The vault and the ledger under one folder (``.filmgate``)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ledger = Ledger(root)
        self.vault = Vault(root / "vault")
        ignore = root / ".gitignore"
        if not ignore.exists():
            with contextlib.suppress(OSError):
                ignore.write_text("*\n", encoding="utf-8")

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()

    def close(self) -> None:
        """Let go of the ledger's file."""
        self.ledger.close()

    def verify(self) -> Health:
        """Walk every reference: each digest named is kept and whole, each fact readable."""
        problems = self.ledger.damage()
        named = self.ledger.named()
        kept = set(self.vault.digests())
        problems += [f"{d} is named in the ledger and missing." for d in sorted(named - kept)]
        for digest in sorted(kept):
            wrong = self.vault.verify(digest)
            if wrong is not None:
                problems.append(wrong)
        rows = self.ledger.all()
        problems += [p for row in rows if (p := _unreadable(row)) is not None]
        return Health(len(rows), len(named), len(kept), tuple(problems))

    def collect(self) -> list[str]:
        """Remove from the vault what no fact names; returns the digests removed."""
        return self.vault.collect(self.ledger.named())

    def export(self, path: Path) -> int:
        """Write the whole project to the one file `path`; returns the number of facts.

        Raises:
            StoreError: something named is missing, or the file cannot be written; an older file of
                that name is still what it was.
        """
        part = path.with_name(path.name + ".part")
        try:
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                rows = self.ledger.all()
                with archive.open(FACTS, "w") as stream:
                    for row in rows:
                        plain = {**row._asdict(), "names": self.ledger.names_of(row.id)}
                        stream.write(canonical(plain) + b"\n")
                for digest in sorted(self.ledger.named()):
                    archive.write(self.vault.path(digest), f"vault/{digest.removeprefix(PREFIX)}")
            flush(part)
            os.replace(part, path)  # noqa: PTH105
        except OSError as error:
            raise StoreError(f"'{path}' cannot be written ({error.strerror}).") from None
        finally:
            part.unlink(missing_ok=True)
        return len(rows)

    def restore(self, path: Path) -> int:
        """Take in a project that `export` wrote; this store must be empty.

        Raises:
            BadFootage: `path` is no such file, or bytes in it are not what their name says; then
                no fact was added.
            Conflict: there are facts here already.
        """
        try:
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.startswith("vault/"):
                        self._take_in(archive, name, path)
                with archive.open(FACTS) as stream:
                    return self.ledger.restore(_facts(stream))
        except (OSError, zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
            raise BadFootage(f"'{path}' is not a project that filmgate wrote ({error}).") from None

    def _take_in(self, archive: zipfile.ZipFile, name: str, path: Path) -> None:
        wanted = PREFIX + name.removeprefix("vault/")
        with archive.open(name) as stream:
            found = self.vault.put_stream(iter(lambda: stream.read(_CHUNK_BYTES), b""))
        if found != wanted:
            raise BadFootage(f"'{path}': {name} is damaged; nothing was imported.")


def _facts(stream: Iterator[bytes] | zipfile.ZipExtFile) -> Iterator[tuple[Row, tuple[str, ...]]]:
    for line in stream:
        plain = json.loads(line)
        digests = tuple(plain.pop("names"))
        yield Row(**plain), digests


def _unreadable(row: Row) -> str | None:
    from pydantic import ValidationError

    from filmgate.schema.facts import KINDS

    kind = KINDS.get(row.kind)
    if kind is None:
        return f"Fact {row.id} is of the kind '{row.kind}', which this filmgate does not know."
    try:
        row.value(kind)
    except (ValidationError, StoreError) as error:
        return f"Fact {row.id} ({row.kind} {row.key}) cannot be read: {str(error).splitlines()[0]}"
    return None
