"""Takes as they arrive: recognised by their first bytes, whole or not there at all.

What a provider calls a film may be a sign-in page, an error in JSON or the first half of a file.
Nothing of that sort ever gets the name of a take.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from filmgate.errors import StoreError

LARGEST_BYTES = 16 * 2**30
"""More than any take: ten minutes of 4k ProRes 4444 XQ are about 12 GiB."""
HEAD_BYTES = 64
_TAIL_BYTES = 64


class NotMedia(ValueError):
    """The bytes are no film, picture or sound; the text says what they look like."""


class BrokeOff(ValueError):
    """The bytes end before the file does."""


def media_type(head: bytes) -> str | None:
    """Media type by the first `HEAD_BYTES` of a file; None for anything that is no media."""
    if head[4:8] in (b"ftyp", b"moov", b"wide", b"mdat", b"free", b"skip"):
        if head[4:12] == b"ftypqt  " or head[4:8] != b"ftyp":
            return "video/quicktime"
        return "video/mp4"
    for start, kind in (
        (b"\x1a\x45\xdf\xa3", "video/webm"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x06\x0e\x2b\x34", "application/mxf"),
    ):
        if head.startswith(start):
            return kind
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(
            head[8:12]
        )
    return None


SUFFIXES = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-msvideo": ".avi",
    "application/mxf": ".mxf",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "audio/wav": ".wav",
}
"""Media type -> the suffix that a file of it usually has."""


def described(head: bytes) -> str:
    """What bytes that are no media look like, for a sentence."""
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not head:
        return "an empty file"
    if text.startswith((b"<!doctype html", b"<html")):
        return "an HTML page"
    if text.startswith((b"{", b"[")):
        return "JSON"
    if text.startswith(b"<"):
        return "XML"
    return "something that is no film, picture or sound"


def examined(path: Path) -> str:
    """Media type of a whole file.

    Raises:
        NotMedia: it is something else.
        BrokeOff: its own structure says that bytes are missing.
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        kind = media_type(head)
        if kind is None:
            raise NotMedia(described(head))
        if kind in ("video/mp4", "video/quicktime"):
            _walk_boxes(file, size)
        file.seek(max(0, size - _TAIL_BYTES))
        tail = file.read()
    if kind == "image/png" and b"IEND" not in tail:
        raise BrokeOff("the picture ends early")
    if kind == "image/jpeg" and b"\xff\xd9" not in tail:
        raise BrokeOff("the picture ends early")
    return kind


def _walk_boxes(file: BinaryIO, size: int) -> None:
    """See that the top-level boxes (ISO/IEC 14496-12, 4.2) fill the file and hold `moov`."""
    at, kinds = 0, set()
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8 or at + length > size:
            raise BrokeOff("the film ends early")
        kinds.add(head[4:8])
        at += length
    if b"moov" not in kinds:
        raise BrokeOff("the film has no index yet")


def written(chunks: Iterable[bytes], path: Path, largest_bytes: int = LARGEST_BYTES) -> str:
    """Write a take to `path`, whole or not at all, and return its media type.

    Args:
        chunks: the bytes; whatever goes wrong while they come leaves nothing behind.

    Raises:
        NotMedia: they are something else, or more than `largest_bytes`.
        BrokeOff: bytes are missing.
        StoreError: the disk is full, or `path` cannot be written.
    """
    with _storing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".take.", suffix=".part", dir=path.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            count = 0
            for chunk in chunks:
                count += len(chunk)
                if count > largest_bytes:
                    raise NotMedia(f"more than {largest_bytes / 2**30:g} GiB")
                with _storing(path):
                    file.write(chunk)
            with _storing(path):
                file.flush()
                os.fsync(file.fileno())
        kind = examined(part)
        with _storing(path):
            # mkstemp makes files private; a take is as readable as any other file of the user.
            part.chmod(0o644)
            part.replace(path)
        return kind
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def _storing(path: Path) -> Iterator[None]:
    """Tell what the system says about the disk as one sentence."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}.") from error
