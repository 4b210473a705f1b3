"""What providers answer and how it fails, told in the words of `filmgate.errors`.

| what happened | while submitting | later (poll, fetch, cancel) |
|---|---|---|
| no connection, unknown host, bad certificate | Unavailable | Unavailable |
| 401, 402, 403 | WrongKey | WrongKey; TakeLost for a link (403) |
| 429 | Throttled | Throttled |
| 404, 410 | CannotExpress | TakeLost |
| 400, 422 and other 4xx | CannotExpress, or Refused where policy is named | Unavailable |
| 503 with an error in JSON | Unavailable | Unavailable |
| 503 of a proxy, 500, 502, 504 | AnswerUnknown | Unavailable |
| no answer in time, connection lost | AnswerUnknown | Unavailable |
| 2xx that cannot be understood | AnswerUnknown | Unavailable |

Only an answer that says so proves that nothing was accepted; everything else may have cost money.
Errors of the SDKs are known by what they carry (status, headers, the transport's error below them),
because their classes differ from one to the next. No text here holds a key.
"""

from __future__ import annotations

import base64
import datetime
import email.utils
import json
import math
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from filmgate.errors import (
    AnswerUnknown,
    BadSetting,
    CannotExpress,
    FilmgateError,
    Refused,
    TakeLost,
    Throttled,
    Unavailable,
    WrongKey,
)
from filmgate.models import delivery
from filmgate.models.generator import Picture
from filmgate.models.sentences import hide_links, redacted, sentence

__all__ = [
    "CONNECT_S", "PICTURES", "NotUnderstood", "Phase", "Provider", "base_url", "data_uri",
    "download", "kept", "key", "number", "option", "read_picture", "redacted", "retry_after_s",
    "sentence", "share", "trust", "understood",
]  # fmt: skip

Phase = Literal["prepare", "submit", "poll", "fetch", "cancel", "find"]
"""What is being asked; ``prepare`` is what comes before the one request that costs money."""

CONNECT_S = 10.0
"""Longest wait for a connection, seconds; the longest wait for an answer is the user's to set."""
PICTURES = ("image/png", "image/jpeg", "image/webp")
"""What every provider in the catalog takes as a reference picture."""

_NOT_SENT = {
    "ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol",
    "LocalProtocolError", "InvalidURL", "ConnectionRefusedError", "gaierror", "SSLError",
    "SSLCertVerificationError",
}  # fmt: skip
_LOST = {
    "ReadTimeout", "WriteTimeout", "ReadError", "WriteError", "CloseError", "RemoteProtocolError",
    "TimeoutError", "TimeoutException", "ConnectionResetError", "ConnectionAbortedError",
    "BrokenPipeError", "IncompleteRead", "RemoteDisconnected", "NetworkError", "ConnectionError",
    "TransportError", "DecodingError", "TooManyRedirects", "APIConnectionError", "APITimeoutError",
}  # fmt: skip
_GARBLED = {
    "JSONDecodeError", "ValidationError", "UnicodeDecodeError", "APIResponseValidationError",
    "UnknownApiResponseError", "NotUnderstood",
}  # fmt: skip
_NO_CREDENTIALS = {"DefaultCredentialsError", "RefreshError"}
_POLICY_CODES = (
    "moderation",
    "content_policy",
    "content_filter",
    "safety",
    "sentinel",
    "prohibited",
)
_POLICY_WORDS = (
    "content policy", "usage polic", "moderation", "safety system", "safety filter",
    "usage guideline", "responsible ai", "prohibited content", "sensitive words",
)  # fmt: skip


class NotUnderstood(ValueError):
    """A 2xx whose body is not what was agreed."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Whom errors speak of.

    Attributes:
        name: as a user calls it ("Runway").
        variable: the environment variable of its key.
    """

    name: str
    variable: str

    @contextmanager
    def asked(self, phase: Phase, link: bool = False) -> Iterator[None]:
        """Turn whatever goes wrong inside into the error that says what may be done next.

        Errors of our own pass as they are, and so do defects (a TypeError is nobody's answer).

        Args:
            phase: what is being asked.
            link: whether it is a link that the provider gave, which may have expired.
        """
        try:
            yield
        except FilmgateError:
            raise
        except Exception as error:
            told = self.told(error, phase, link)
            if told is None:
                raise
            # Not from `error`: it holds the request, and the request the key.
            raise told from None

    def told(self, error: Exception, phase: Phase, link: bool = False) -> FilmgateError | None:
        """The error of ours that `error` amounts to, None for a defect."""
        status = _status_of(error)
        if status is not None:
            headers, body = _answer_of(error)
            return self.answered(status, headers, body, phase, link)
        names = {kind.__name__ for one in _chain(error) for kind in type(one).__mro__}
        if names & _NO_CREDENTIALS:
            return WrongKey(
                f"{self.name} needs credentials in {self.variable}, and there are none that work."
            )
        # In this order: below a connection that timed out there is a plain TimeoutError as well.
        if names & _NOT_SENT:
            return Unavailable(f"{self.name} cannot be reached: nothing was sent.")
        if names & _GARBLED:
            return self.lost(phase, "its answer cannot be understood")
        if names & _LOST:
            timed = any("Timeout" in name for name in names)
            why = "it did not answer in time" if timed else "the connection was lost"
            return self.lost(phase, why)
        return None

    def lost(self, phase: Phase, why: str) -> FilmgateError:
        """The error for an answer that did not come, or says nothing."""
        if phase == "submit":
            return AnswerUnknown(
                f"{self.name} was asked, but {why}: whether it accepted the request is not known."
            )
        if phase == "prepare":
            return Unavailable(f"{self.name} was sent a file, but {why}: nothing was ordered yet.")
        return Unavailable(f"{self.name} was asked about a job, but {why}: ask again later.")

    def answered(
        self, status: int, headers: Mapping[str, str], body: str, phase: Phase, link: bool = False
    ) -> FilmgateError:
        """The error for an answer with an HTTP status other than 2xx."""
        words, code, is_json = _said(body)
        told = f"{self.name} answered {status}" + (f": {words}" if words else ".")
        if status in (401, 402, 403) or _about_the_key(words, code):
            return self._no_access(status, words, phase, link)
        if status in (425, 429):
            wait = retry_after_s(headers, body)
            said = f"wait {wait:g} s" if wait is not None else "wait"
            return Throttled(f"{self.name} asks to {said} ({status}).", wait)
        if status == 503 and is_json:
            return Unavailable(told)
        if status >= 500 and status != 501:
            return self.lost(phase, f"it answered {status}" + (f" ({words})" if words else ""))
        if status < 400:
            return self.lost(phase, f"it answered {status}")
        if phase == "find":
            return CannotExpress(f"{self.name} cannot be asked for its jobs ({status}).")
        ordering = phase in ("prepare", "submit")
        if status in (404, 410) and not ordering:
            what = "link expired" if link else "job is not known (any more)"
            return TakeLost(f"{self.name} answered {status}: the {what}.")
        if not ordering:
            return Unavailable(told)
        if status == 408:
            return self.lost(phase, "it answered 408")
        return Refused(told) if _policy(words, code) else CannotExpress(told)

    def _no_access(self, status: int, words: str, phase: Phase, link: bool) -> FilmgateError:
        if link and status == 403:
            return TakeLost(f"{self.name} answered 403: the link expired.")
        if phase == "submit" and _policy(words, ""):
            return Refused(f"{self.name} answered {status}: {words}")
        if status == 402:
            return WrongKey(f"The account of the key in {self.variable} has no credit left (402).")
        # What the provider says about a key may quote it.
        return WrongKey(f"{self.name} does not take the key in {self.variable} ({status}).")


def key(name: str, *variables: str) -> str:
    """The key of provider `name`: the first of `variables` that is set in the environment.

    Raises:
        WrongKey: none is set, or what is set cannot be a key; names the variable, never the value.
    """
    for variable in variables:
        value = os.environ.get(variable, "").strip()
        if value:
            if not value.isascii() or not value.isprintable() or " " in value:
                raise WrongKey(f"What {variable} holds cannot be a key of {name}.")
            return value
    raise WrongKey(f"{name} needs a key: set the environment variable {' or '.join(variables)}.")


def base_url(options: Mapping[str, Any], *variables: str, default: str = "") -> str:
    """Origin of a service: option ``base_url``, else the first of `variables` set, else `default`.

    Raises:
        BadSetting: it is no http(s) address.
    """
    named = [("base_url", options.get("base_url"))]
    named += [(variable, os.environ.get(variable)) for variable in variables]
    for origin, value in named:
        if value:
            text = str(value).strip().rstrip("/")
            if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", text):
                raise BadSetting(f"{origin} must be an address such as https://host/v1.")
            return text
    return default


def understood(text: str | bytes, *needed: str) -> dict[str, Any]:
    """The JSON object in `text`, with a non-empty value under each name of `needed`.

    Raises:
        NotUnderstood: it is something else; `Provider.asked` tells what follows.
    """
    try:
        plain = json.loads(text)
    except ValueError:
        raise NotUnderstood("not JSON") from None
    if not isinstance(plain, dict):
        raise NotUnderstood("not an object")
    for name in needed:
        if not isinstance(plain.get(name), str) or not plain[name].strip():
            raise NotUnderstood(f"no '{name}'")
    return plain


def retry_after_s(
    headers: Mapping[str, str], body: str = "", now: datetime.datetime | None = None
) -> float | None:
    """How long a provider asks to wait, seconds; None when it does not say.

    Header ``Retry-After`` in seconds or as an HTTP date (RFC 9110, 10.2.3), ``retry-after-ms``, or
    Google's ``retryDelay`` in the body.
    """
    lower = {str(name).lower(): str(value) for name, value in headers.items()}
    wait = number(lower.get("retry-after-ms"))
    if wait is not None:
        return wait / 1000
    said = lower.get("retry-after", "").strip()
    if (wait := number(said)) is not None:
        return wait
    if said:
        try:
            when = email.utils.parsedate_to_datetime(said)
        except ValueError:
            return None
        if when.tzinfo is None:
            when = when.replace(tzinfo=datetime.UTC)
        return max(0.0, (when - (now or datetime.datetime.now(datetime.UTC))).total_seconds())
    delay = re.search(r'"retryDelay"\s*:\s*"([0-9.]+)s"', body)
    return number(delay.group(1)) if delay else None


@cache
def trust() -> ssl.SSLContext:
    """The certificates trusted, read once: that takes longer than a request over loopback."""
    import httpx2

    return httpx2.create_ssl_context()


def download(
    url: str,
    path: Path,
    provider: Provider,
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
) -> str:
    """Fetch a take to `path`, whole or not at all, and return its media type.

    Args:
        url: where it lies; its query is a secret and is never told.
        timeout_s: longest wait for the next bytes, seconds.
        headers: sent to the host of `url` only.

    Raises:
        Refused: an empty file.
        TakeLost: the link expired (403, 404, 410).
        Throttled, Unavailable: ask again later, also for a download that broke off or is no media.
        StoreError: the disk is full, or `path` cannot be written.
    """
    import httpx2

    if not re.match(r"https?://", url):
        raise Unavailable(f"{provider.name} gave a link that is no http address.")
    hide_links()
    with provider.asked("fetch", link=True):
        waits = httpx2.Timeout(timeout_s, connect=min(timeout_s, CONNECT_S))
        with (
            httpx2.Client(timeout=waits, follow_redirects=True, verify=trust()) as client,
            client.stream("GET", url, headers=dict(headers or {})) as answer,
        ):
            if answer.status_code != 200:
                body = answer.read().decode("utf-8", "replace")
                raise provider.answered(
                    answer.status_code, answer.headers, body, "fetch", link=True
                )
            return kept(answer.iter_bytes(), path, provider)


def kept(chunks: Iterator[bytes], path: Path, provider: Provider) -> str:
    """`delivery.written` with its complaints told about `provider`."""
    try:
        return delivery.written(chunks, path)
    except delivery.NotMedia as wrong:
        if str(wrong) == delivery.described(b""):
            raise Refused(f"{provider.name} says it is done, but the take is empty.") from None
        raise Unavailable(f"{provider.name} sent {wrong} instead of a take: ask again later."
                          ) from None  # fmt: skip
    except delivery.BrokeOff as wrong:
        raise Unavailable(f"The download from {provider.name} broke off ({wrong}).") from None


def read_picture(picture: Picture, largest_bytes: int) -> tuple[bytes, str]:
    """Bytes and media type of a reference picture.

    Raises:
        CannotExpress: it cannot be read, is no PNG, JPEG or WebP, or is too large to send.
    """
    try:
        data = picture.path.read_bytes()
    except OSError as error:
        raise CannotExpress(
            f"The reference picture {picture.path} cannot be read: {error.strerror}."
        ) from None
    kind = delivery.media_type(data[: delivery.HEAD_BYTES])
    if kind not in PICTURES:
        raise CannotExpress(f"The reference picture {picture.path} is no PNG, JPEG or WebP.")
    if len(data) > largest_bytes:
        raise CannotExpress(
            f"The reference picture {picture.path} has {len(data) / 2**20:.1f} MiB; "
            f"at most {largest_bytes / 2**20:g} MiB can be sent."
        )
    return data, kind


def data_uri(data: bytes, kind: str) -> str:
    """`data` as a URI that holds it."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and what it was raised from.

    Not its context: a request that is made while an earlier refusal is being handled would be
    taken for one that was never sent, and be paid twice.
    """
    at: BaseException | None = error
    for _ in range(20):
        if at is None:
            return
        yield at
        at = at.__cause__


def _status_of(error: Exception) -> int | None:
    for name in ("status_code", "code"):
        value = getattr(error, name, None)
        if isinstance(value, int) and not isinstance(value, bool) and 100 <= value <= 599:
            return value
    return None


def _answer_of(error: Exception) -> tuple[Mapping[str, str], str]:
    """Headers and body that an SDK's error carries."""
    headers: Mapping[str, str] = {}
    for name in ("response", "raw_response"):
        response = getattr(error, name, None)
        found = getattr(response, "headers", None)
        if isinstance(found, Mapping):
            headers = found
        try:
            text = getattr(response, "text", None)
        except Exception:  # a stream that was not read: the SDKs differ in what they raise
            text = None
        if isinstance(text, str) and text:
            return headers, text
    for name in ("body", "details"):
        value = getattr(error, name, None)
        if isinstance(value, str) and value:
            return headers, value
        if isinstance(value, Mapping | list):
            return headers, json.dumps(value, default=str)
    return headers, str(getattr(error, "message", "") or "")


def _said(body: str) -> tuple[str, str, bool]:
    """What an error body says: one sentence, its code, and whether it is JSON."""
    try:
        plain = json.loads(body)
    except ValueError:
        is_page = body.lstrip()[:1] == "<"
        return ("" if is_page else sentence(body)), "", False
    if isinstance(plain, list):
        plain = plain[0] if plain else {}
    if not isinstance(plain, dict):
        return sentence(str(plain)), "", True
    error = plain.get("error", plain)
    inside = error if isinstance(error, dict) else plain
    codes = [str(inside.get(k) or "") for k in ("code", "type", "status", "failureCode", "reason")]
    reasons = [
        str(d.get("reason") or "") for d in inside.get("details") or () if isinstance(d, dict)
    ]
    message = error if isinstance(error, str) else inside.get("message") or inside.get("detail")
    issues = plain.get("issues")
    if isinstance(issues, list) and issues and isinstance(issues[0], dict):
        at = ".".join(str(p) for p in issues[0].get("path") or ())
        message = f"{message}: {at} {issues[0].get('message', '')}"
    return sentence(str(message or "")), " ".join([*codes, *reasons]).lower(), True


def _about_the_key(words: str, code: str) -> bool:
    """Google says 400 to a wrong key."""
    return "api_key_invalid" in code or "api key not valid" in words.lower()


def _policy(words: str, code: str) -> bool:
    low = words.lower()
    return any(c in code for c in _POLICY_CODES) or any(w in low for w in _POLICY_WORDS)


def number(value: Any) -> float | None:
    """`value` as a number from 0, also where it is written as text; None for anything else."""
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) and found >= 0 and not isinstance(value, bool) else None


def share(value: Any, whole: float = 1.0) -> float | None:
    """A provider's progress as a share from 0 to 1; None when it does not say."""
    part = number(value)
    return None if part is None else min(1.0, part / whole)


def option(options: Mapping[str, Any], generator: str, name: str, default: float) -> float:
    """A number from the options of `generator`.

    Raises:
        BadSetting: it is none, or below 0.
    """
    value = number(options.get(name, default))
    if value is None or isinstance(options.get(name), str):
        raise BadSetting(f"'{name}' in [generators.{generator}] must be a number from 0.")
    return value
