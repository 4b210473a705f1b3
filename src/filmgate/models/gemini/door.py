"""The two doors to Google's models, and what goes through both: timeouts, errors, pictures.

The Gemini API takes a key; the enterprise platform (Gemini Enterprise Agent Platform, once Vertex
AI) takes application default credentials and a project, or an express key. One client per door and
place is made when first used and shared by threads; the SDK's retries are off, because only the
caller knows whether a request may be sent twice.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from filmgate.errors import BadSetting, MissingExtra, Refused, Unavailable, WrongKey
from filmgate.models import http
from filmgate.models.http import NotUnderstood, Phase, Provider

if TYPE_CHECKING:
    import httpx2
    from google.auth.credentials import Credentials
    from google.genai import Client

GEMINI = Provider("Google", "GEMINI_API_KEY")
ENTERPRISE = Provider("Google", "GOOGLE_APPLICATION_CREDENTIALS")
EXPRESS = Provider("Google", "GOOGLE_API_KEY")

VEO_LOCATION = "us-central1"
LOCATION = "global"
"""Where models other than Veo are asked for, unless a location is set (the SDK's own default)."""
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LARGEST_PICTURE_BYTES = 7_000_000
"""Largest picture sent inside of a request (docs.cloud.google.com, image understanding, 2026)."""
SECRETS = ("api_key", "key", "token", "credentials")
PLATFORMS = ("key", "enterprise")
_ODD = (AttributeError, LookupError, TypeError, ValueError)


def sdk() -> ModuleType:
    """The package ``google.genai``, imported when first needed: it takes seconds.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        from google import genai
    except ImportError as error:
        raise MissingExtra(
            "Google's models need the package 'google-genai', which is not installed: install "
            "filmgate with the extra 'google'."
        ) from error
    return genai


def declined(error: Mapping[str, Any]) -> bool:
    """Whether the error that a job ended with names a policy; the words are those of `http`."""
    body = json.dumps({"error": dict(error)}, default=str)
    return isinstance(GEMINI.answered(400, {}, body, "submit"), Refused)


class Doors:
    """Clients for both doors, as the environment and the options say.

    Args:
        options: ``platform`` ("key" or "enterprise": which door stills and readers take where both
            are open), ``project``, ``location``, ``base_url``, ``enterprise_base_url``,
            ``storage_uri``.
        timeout_s: longest wait for one answer, seconds.

    Raises:
        BadSetting: an option that cannot be used, or a key among them.
    """

    def __init__(self, options: Mapping[str, Any], timeout_s: float) -> None:
        for name in SECRETS:
            if name in options:
                raise BadSetting(
                    f"'{name}' must not be in a file: Google's keys come from the environment only "
                    "(GEMINI_API_KEY, GOOGLE_API_KEY, or application default credentials)."
                )
        self._options = options
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._clients: dict[tuple[tuple[str, Any], ...], Client] = {}
        self._credentials: Credentials | None = None
        if self.text("platform") not in ("", *PLATFORMS):
            raise BadSetting("The option 'platform' of google must be 'key' or 'enterprise'.")

    @property
    def timeout_s(self) -> float:
        """Longest wait for one answer, seconds."""
        return self._timeout_s

    def text(self, name: str, *variables: str) -> str:
        """An option as text, else the first of the environment variables that is set, else "".

        Raises:
            BadSetting: it is something else.
        """
        value = self._options.get(name) or ""
        if not isinstance(value, str):
            raise BadSetting(f"The option '{name}' of google must be text, not '{value}'.")
        found = (os.environ.get(variable, "") for variable in variables)
        return value.strip() or next((text.strip() for text in found if text.strip()), "")

    def with_key(self) -> Client:
        """The client of the Gemini API.

        Raises:
            WrongKey: there is no key.
        """
        key = http.key(GEMINI.name, "GEMINI_API_KEY", "GOOGLE_API_KEY")
        url = http.base_url(self._options, "GOOGLE_GEMINI_BASE_URL")
        return self._client(url, enterprise=False, api_key=key)

    def enterprise(self, location: str) -> Client:
        """The client of the enterprise platform, with credentials that are good for now.

        Args:
            location: where, unless the option or ``GOOGLE_CLOUD_LOCATION`` says otherwise.

        Raises:
            WrongKey: neither project and credentials nor an express key.
            Unavailable: credentials could not be renewed; nothing was asked.
        """
        project = self.text("project", "GOOGLE_CLOUD_PROJECT")
        return self.at(project, self.text("location", "GOOGLE_CLOUD_LOCATION") or location)

    def at(self, project: str, location: str) -> Client:
        """The client of the enterprise platform for one project and place; "" for an express key.

        Raises:
            WrongKey, Unavailable: as `enterprise`.
        """
        own = {"base_url": self.text("enterprise_base_url")}
        url = http.base_url(own, "GOOGLE_VERTEX_BASE_URL")
        if self.has_project():
            return self._client(
                url, self._fresh(), enterprise=True, project=project, location=location
            )
        if not os.environ.get(EXPRESS.variable, "").strip():
            raise WrongKey(
                "Google's enterprise platform needs a project and credentials: set "
                "GOOGLE_CLOUD_PROJECT and log in (GOOGLE_APPLICATION_CREDENTIALS or gcloud "
                "auth application-default login), or set an express key as GOOGLE_API_KEY."
            )
        key = http.key(EXPRESS.name, EXPRESS.variable)
        return self._client(url, enterprise=True, api_key=key)

    def either(self) -> Client:
        """The client for what both doors serve: as ``platform`` says, else as the SDK would choose.

        Raises:
            WrongKey, Unavailable: as for the door taken.
        """
        return self.enterprise(LOCATION) if self.is_enterprise() else self.with_key()

    def is_enterprise(self) -> bool:
        """Whether what both doors serve is asked of the enterprise platform."""
        asked = self.text("platform")
        if asked:
            return asked == "enterprise"
        flag = self.text("", "GOOGLE_GENAI_USE_ENTERPRISE", "GOOGLE_GENAI_USE_VERTEXAI")
        return flag.lower() in ("true", "1")

    def has_project(self) -> bool:
        """Whether the enterprise platform is entered with a project and credentials."""
        return bool(self.text("project", "GOOGLE_CLOUD_PROJECT"))

    def bearer(self) -> dict[str, str]:
        """The header with an access token, for downloads from a bucket.

        Raises:
            WrongKey, Unavailable: there are no credentials, or they could not be renewed.
        """
        return {"Authorization": f"Bearer {self._fresh().token}"}

    @contextmanager
    def asking(self, phase: Phase, enterprise: bool, link: bool = False) -> Iterator[None]:
        """Turn whatever goes wrong inside into an error of ours that names the right variable.

        Only calls of the SDK, and looks at what they return, belong inside: what trips there is an
        answer of another shape than agreed.
        """
        who = GEMINI
        if enterprise:
            who = ENTERPRISE if self.has_project() else EXPRESS
        with who.asked(phase, link):
            try:
                yield
            except Exception as error:
                answered = getattr(error, "status_code", None) == 200
                if answered or isinstance(error, _ODD):
                    raise NotUnderstood("not the shape that the SDK expects") from error
                raise

    def _client(self, url: str, credentials: Credentials | None = None, **arguments: Any) -> Client:
        """The client for these arguments, made when it is first asked for."""
        import httpx2

        genai = sdk()
        name = tuple(sorted(arguments.items()))
        with self._lock:
            if name not in self._clients:
                options = genai.types.HttpOptions(
                    base_url=url or None,
                    timeout=max(1, round(self._timeout_s * 1000)),
                    retry_options=genai.types.HttpRetryOptions(attempts=1),
                    client_args={
                        # A connection kept open may be closed by the other side just as a request
                        # goes out, and then nobody knows whether it was accepted.
                        "limits": httpx2.Limits(max_keepalive_connections=0),
                        "event_hooks": {"request": [_keyless_elsewhere(url)]},
                    },
                )
                self._clients[name] = genai.Client(
                    http_options=options, credentials=credentials, **arguments
                )
            return self._clients[name]

    def _fresh(self) -> Credentials:
        """Application default credentials, renewed before they are needed.

        The SDK would renew them inside of a request, where it cannot be told from the request.
        """
        sdk()
        import google.auth
        from google.auth import exceptions
        from google.auth.transport.requests import Request

        with self._lock:
            try:
                if self._credentials is None:
                    self._credentials, _ = google.auth.default(scopes=[SCOPE])
                if not self._credentials.valid:
                    request = Request()
                    try:
                        self._credentials.refresh(request)  # type: ignore[no-untyped-call]
                    finally:
                        request.session.close()
            except exceptions.TransportError:
                raise Unavailable("Google's login cannot be reached: nothing was sent.") from None
            except exceptions.GoogleAuthError as error:
                if getattr(error, "retryable", False):
                    raise Unavailable("Google's login is down: nothing was sent.") from None
                raise WrongKey(
                    "Google does not take the application default credentials, or there are none: "
                    "see GOOGLE_APPLICATION_CREDENTIALS, or log in with gcloud."
                ) from None
            return self._credentials


def _keyless_elsewhere(url: str) -> Callable[[httpx2.Request], None]:
    """A hook that takes the keys off requests which a redirection leads away from Google.

    Args:
        url: where the client goes instead of to Google; "" for Google itself.
    """
    home = urlsplit(url).netloc

    def strip(request: httpx2.Request) -> None:
        host = request.url.host
        if request.url.netloc.decode() != home and not host.endswith(".googleapis.com"):
            for name in ("x-goog-api-key", "authorization"):
                request.headers.pop(name, None)

    return strip
