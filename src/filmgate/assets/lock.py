"""One run at a time in one project: a lock that the system drops when its holder dies."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filmgate.errors import Conflict, StoreError


@contextlib.contextmanager
def held(root: Path, what: str) -> Iterator[None]:
    """Hold the project under `root` while the block runs.

    Args:
        what: who holds it, for the sentence that another one is told ("run", "resume").

    Raises:
        Conflict: another process holds it.
        StoreError: the lock file cannot be written.
    """
    import fcntl

    path = root / "lock"
    try:
        root.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise StoreError(f"'{path}' cannot be written ({error.strerror}).") from None
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip()
            raise Conflict(
                f"This project is in use by another filmgate ({holder or 'unknown'}): "
                "wait for it, or use another --store."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"{what}, process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)
