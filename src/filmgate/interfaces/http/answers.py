"""JSON out, quickly, and what OpenAPI is told of every route."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import BaseModel
from starlette.responses import Response


class Json(Response):
    """An answer in JSON; never kept by a cache, since it is about now and about one person."""

    media_type = "application/json"

    def __init__(
        self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, {"cache-control": "no-store", **(headers or {})})

    def render(self, content: Any) -> bytes:
        """The bytes."""
        return orjson.dumps(content)


class Wrong(BaseModel):
    """What went wrong."""

    code: str
    message: str
    details: dict[str, Any] | None = None


class Error(BaseModel):
    """The one shape of every error."""

    error: Wrong


_MEANING = {
    400: "The request cannot be read.", 401: "Sign in first.",
    403: "The role does not reach so far, or the request does not come from a page of ours.",
    404: "There is no such thing.", 405: "This address does not take that method.",
    409: "Somebody was first; `details` say what they ruled.", 413: "The body is too large.",
    415: "The body is not JSON.", 416: "The file has no such range.",
    422: "Something in the request cannot be right.", 429: "Too many wrong tokens.",
    500: "A defect of the server.", 503: "The server is busy.",
}  # fmt: skip
_ALWAYS = (400, 401, 403, 405, 422, 500)
_WRITING = (409, 413, 415)


def says(
    model: type[BaseModel] | None = None, *more: int, writes: bool = False, status: int = 200
) -> dict[int | str, dict[str, Any]]:
    """What a route may answer, for OpenAPI.

    Args:
        model: shape of the answer when all is well.
        more: further codes that it may answer.
        writes: whether it takes a body.
        status: code of the answer when all is well.
    """
    codes = {*_ALWAYS, *more, *(_WRITING if writes else ())} - {status}
    out: dict[int | str, dict[str, Any]] = {
        code: {"model": Error, "description": _MEANING[code]} for code in sorted(codes)
    }
    if model is not None:
        out[status] = {"model": model, "description": "As asked."}
    return out


def binary(*media: str) -> dict[str, Any]:
    """What OpenAPI is told of an answer that is a file."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in media}
    return {"description": "The bytes.", "content": content}
