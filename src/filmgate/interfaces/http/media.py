"""Media and frames, by digest only: no route takes a path of a file."""

from __future__ import annotations

import mimetypes
import re
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Path, Query, Request, Response
from starlette.responses import FileResponse

from filmgate.assets.vault import PREFIX
from filmgate.errors import UsageError
from filmgate.interfaces.http import shapes
from filmgate.interfaces.http.answers import Json, binary, says
from filmgate.interfaces.http.errors import Problem
from filmgate.interfaces.http.room import InRoom, Room, Viewer
from filmgate.interfaces.http.shapes import Digest
from filmgate.review.desk import scopes, stills
from filmgate.review.desk.index import NotThere
from filmgate.review.desk.pairs import clip_of, clip_plain
from filmgate.review.desk.rulings import boxed
from filmgate.schema.report import Box

router = APIRouter(tags=["media"])
SHOWN = re.compile(r"(video|image|audio)/[a-z0-9.+-]{1,60}")
"""Media types that are served as what they are; anything else is bytes to be saved."""
FOR_EVER = "private, max-age=31536000, immutable"
MOST_TABLE = 2000
Number = Annotated[int, Path(ge=0, le=10**8)]
Region = Annotated[str | None, Query(max_length=100, description="x,y,w,h, each 0 to 1.")]


@router.get("/api/clips/{digest}", response_model=shapes.ClipAnswer,
            responses=says(shapes.ClipAnswer, 404))  # fmt: skip
def clip(room: InRoom, session: Viewer, digest: Digest) -> Response:
    """The frame table of a media file."""
    _kind(room, digest)
    return Json(clip_plain(room.store, digest))


@router.get("/api/clips/{digest}/table", response_model=shapes.TableAnswer,
            responses=says(shapes.TableAnswer, 404))  # fmt: skip
def table(
    room: InRoom, session: Viewer, digest: Digest,
    first: Annotated[int, Query(ge=0, le=10**8)] = 0,
    last: Annotated[int, Query(ge=0, le=10**8)] = 47,
) -> Response:  # fmt: skip
    """Frames `first` to `last` in all their numbers."""
    _kind(room, digest)
    if last - first >= MOST_TABLE:
        raise UsageError(f"At most {MOST_TABLE} rows at once.")
    return Json({"rows": clip_of(room.store, digest).table(first, last)})


_BYTES = binary("video/mp4", "application/octet-stream")
_MEDIA = {**says(None, 404, 416), 200: _BYTES, 206: _BYTES}


@router.api_route("/media/{digest}", methods=["GET"], responses=_MEDIA, response_class=Response)
def media(
    room: InRoom, session: Viewer, digest: Digest, request: Request,
    range: Annotated[str | None, Header(max_length=1000)] = None,
) -> Response:  # fmt: skip
    """The bytes of a media file, whole or one range of them."""
    return _file(room, digest, request, range)


@router.head("/media/{digest}", responses=_MEDIA, response_class=Response, include_in_schema=False)
def media_head(room: InRoom, session: Viewer, digest: Digest, request: Request) -> Response:
    """What a GET would say, without the bytes."""
    return _file(room, digest, request, None)


def _file(room: Room, digest: str, request: Request, wanted: str | None) -> Response:
    kind = _kind(room, digest)
    path = room.store.vault.path(PREFIX + digest)
    size = path.stat().st_size
    headers = {"etag": f'"{digest}"', "cache-control": FOR_EVER}
    if not SHOWN.fullmatch(kind):
        kind = "application/octet-stream"
        headers["content-disposition"] = "attachment"
    kept = request.headers.get("if-none-match")
    if kept == headers["etag"]:
        return Response(status_code=304, headers=headers)
    if wanted is not None and not _one_range(wanted, size):
        # A range that is none, and several ranges, are answered with the whole (RFC 9110, 14.2).
        request.scope["headers"] = [h for h in request.scope["headers"] if h[0] != b"range"]
    return FileResponse(path, headers=headers, media_type=kind)


def _one_range(text: str, size: int) -> bool:
    """Whether a Range header asks for one range of bytes.

    Raises:
        Problem: it does, and the file has nothing there.
    """
    found = re.fullmatch(r"bytes=([0-9]{0,18})-([0-9]{0,18})", text.strip())
    if found is None or found[1] == found[2] == "":
        return False
    if found[1] == "":
        fits = int(found[2]) > 0 and size > 0
    else:
        first = int(found[1])
        if found[2] and int(found[2]) < first:
            return False
        fits = first < size
    if not fits:
        headers = {"content-range": f"bytes */{size}"}
        raise Problem(416, f"The file has {size} bytes.", headers=headers)
    return True


_PICTURE = {**says(None, 404), 200: binary("image/png", "image/jpeg")}


@router.get("/frames/{digest}/{number}.{kind}", responses=_PICTURE, response_class=Response)
def frame(
    room: InRoom, session: Viewer, digest: Digest, number: Number, kind: Literal["png", "jpg"],
    height: Annotated[int | None, Query(ge=16, le=stills.LINES)] = None,
) -> Response:  # fmt: skip
    """One frame, exactly."""
    _kind(room, digest)
    path = room.store.vault.path(PREFIX + digest)
    picture = room.stills.frame(path, number, height)
    return _picture(stills.coded(picture, kind), kind)


@router.get("/api/scopes/{digest}/{number}", response_model=shapes.ScopeAnswer,
            responses=says(shapes.ScopeAnswer, 404))  # fmt: skip
def scope(
    room: InRoom, session: Viewer, digest: Digest, number: Number, box: Region = None
) -> Response:
    """Pixels per level of one frame."""
    region = _region(box)
    found = scopes.histogram(_part(room, digest, number, region))
    return Json({"frame": number, **found, "box": list(region) if region else None})


_SCOPE = {**says(None, 404), 200: binary("image/png")}


@router.get("/scopes/{digest}/{number}/{kind}.png", responses=_SCOPE, response_class=Response)
def scope_picture(
    room: InRoom, session: Viewer, digest: Digest, number: Number,
    kind: Literal["waveform", "parade", "vectorscope", "histogram"], box: Region = None,
) -> Response:  # fmt: skip
    """One scope of one frame, drawn."""
    part = _part(room, digest, number, _region(box))
    return _picture(stills.coded(scopes.draw(kind, part), "png"), "png")


def _part(room: Room, digest: str, number: int, region: Box | None) -> stills.U8:
    _kind(room, digest)
    path = room.store.vault.path(PREFIX + digest)
    return scopes.cut(room.stills.frame(path, number), region)


def _picture(data: bytes, kind: str) -> Response:
    media_type = "image/png" if kind == "png" else "image/jpeg"
    return Response(data, media_type=media_type, headers={"cache-control": FOR_EVER})


def _region(text: str | None) -> Box | None:
    if text is None:
        return None
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != 4 or not all(abs(v) <= 1 for v in values):
        raise UsageError("'box' is four numbers from 0 to 1: x,y,w,h.")
    return boxed(values)


def _kind(room: Room, digest: str) -> str:
    """Media type of what may be served under a digest.

    The vault holds plans and looks, too; only takes and reference pictures are anybody's to see.

    Raises:
        NotThere: it is neither.
    """
    view = room.view
    made, reference = view.of_media(digest), view.of_reference(digest)
    known = made is not None or reference is not None
    if not known or not room.store.vault.has(PREFIX + digest):
        raise NotThere("There is no media of that digest.")
    if made is not None:
        return made.mime
    return mimetypes.guess_type(reference or "")[0] or "application/octet-stream"
