"""Everything that goes wrong, in one shape: ``{"error": {"code", "message", "details"?}}``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from filmgate.errors import Conflict, FilmgateError, MeasurementError, StoreError, UsageError
from filmgate.interfaces.http.answers import Json
from filmgate.review.auth import SignIn, TooMany
from filmgate.review.desk.index import NotThere
from filmgate.review.desk.rulings import Forbidden

CODES = {
    400: "bad_request", 401: "sign_in", 403: "forbidden", 404: "not_found", 405: "method",
    409: "conflict", 413: "too_large", 415: "media_type", 416: "range", 422: "invalid",
    429: "too_many", 500: "internal", 503: "busy",
}  # fmt: skip
_STATUS: tuple[tuple[type[FilmgateError], int], ...] = (
    (SignIn, 401), (Forbidden, 403), (NotThere, 404), (MeasurementError, 404), (Conflict, 409),
    (TooMany, 429), (UsageError, 422), (StoreError, 500),
)  # fmt: skip
"""The first that fits decides: subclasses stand before their bases."""
_WORDS = {
    404: "There is nothing at this address.",
    405: "This address does not take that method.",
    500: "Something went wrong in the server; its terminal says what.",
}


class Problem(Exception):
    """Something to answer instead of what was asked for.

    Attributes:
        headers: of the answer, besides the usual ones.
    """

    def __init__(
        self, status: int, message: str, code: str = "", details: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(message)
        self.status, self.code = status, code or CODES[status]
        self.details, self.headers = details, headers

    def answer(self) -> Json:
        """This problem as an answer."""
        return told(self.status, str(self), self.code, self.details, self.headers)


def told(
    status: int, message: str, code: str = "", details: dict[str, Any] | None = None,
    headers: dict[str, str] | None = None,
) -> Json:  # fmt: skip
    """One problem as an answer."""
    error: dict[str, Any] = {"code": code or CODES.get(status, "bad_request"), "message": message}
    if details is not None:
        error["details"] = details
    return Json({"error": error}, status, headers)


def register(app: FastAPI) -> None:
    """Answer every error of ours, of the framework and of its validation in the one shape."""

    @app.exception_handler(Problem)
    async def _problem(request: Request, error: Problem) -> Response:
        return error.answer()

    @app.exception_handler(FilmgateError)
    async def _ours(request: Request, error: FilmgateError) -> Response:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        # A path of this machine tells a stranger something and helps nobody at a browser.
        return told(status, _WORDS[500] if status == 500 else str(error))

    @app.exception_handler(HTTPException)
    async def _frameworks(request: Request, error: HTTPException) -> Response:
        status = error.status_code
        message = _WORDS.get(status, str(error.detail))
        return told(status, message, headers=dict(error.headers or {}))

    @app.exception_handler(RequestValidationError)
    async def _invalid(request: Request, error: RequestValidationError) -> Response:
        return told(422, _sentence(error.errors()[0]))


def _sentence(error: dict[str, Any]) -> str:
    """The first thing that validation found wrong, without repeating what was sent."""
    place = ".".join(str(part) for part in error["loc"][1:]) or str(error["loc"][0])
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"'{place}': {said}."
