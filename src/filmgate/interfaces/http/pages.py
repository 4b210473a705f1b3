"""The pages themselves: templates without data, and static files."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request, Response

import filmgate
from filmgate.interfaces.http.errors import Problem
from filmgate.interfaces.http.room import InRoom

FIRST = "index"
WEB = Path(filmgate.__file__).parent / "review" / "web"
KINDS = {
    ".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css",
    ".svg": "image/svg+xml", ".png": "image/png", ".woff2": "font/woff2",
    ".json": "application/json", ".webmanifest": "application/manifest+json",
}  # fmt: skip


class Pages:
    """Templates and static files of the package, found by listing, never by joining paths."""

    def __init__(self, web: Path = WEB) -> None:
        from jinja2 import Environment, FileSystemLoader, StrictUndefined

        self._web = web
        self._jinja = Environment(
            loader=FileSystemLoader(web / "templates"), autoescape=True, undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip
        self._files: dict[str, tuple[int, bytes, str]] = {}

    def names(self) -> list[str]:
        """Every page there is."""
        listed = (name.removesuffix(".html") for name in self._jinja.list_templates(["html"]))
        return [name for name in listed if not name.startswith("_") and "/" not in name]

    def page(self, name: str, values: dict[str, Any]) -> str:
        """The page `name`, which is one of `names`."""
        return self._jinja.get_template(f"{name}.html").render(**values, asset=self.asset)

    def asset(self, name: str) -> str:
        """The address of a static file; another one when its content is another."""
        found = self.file(name)
        return f"/static/{name}" + (f"?v={found[1][:12]}" if found is not None else "")

    def file(self, name: str) -> tuple[bytes, str] | None:
        """Content and digest of a static file, or None when there is none."""
        listed = {
            p.relative_to(self._web / "static").as_posix(): p
            for p in (self._web / "static").rglob("*")
            if p.is_file() and p.suffix in KINDS and not p.is_symlink()
        }
        path = listed.get(name)
        if path is None:
            return None
        stamp = path.stat().st_mtime_ns
        known = self._files.get(name)
        if known is None or known[0] != stamp:
            data = path.read_bytes()
            known = stamp, data, hashlib.sha256(data).hexdigest()
            self._files[name] = known
        return known[1], known[2]


def router(pages: Pages) -> APIRouter:
    """A route for every page and every static file, and for nothing else."""
    made = APIRouter(include_in_schema=False)

    @made.get("/static/{name:path}")
    def static(name: str, request: Request) -> Response:
        found = pages.file(name)
        if found is None:
            raise Problem(404, "There is nothing at this address.")
        return _static(name, found, request)

    for name in pages.names():
        shown = _shows(pages, name)
        if name == FIRST:
            made.add_api_route("/", shown)
        else:
            made.add_api_route(f"/{name}", shown)
            made.add_api_route(f"/{name}/{{rest:path}}", shown)
    return made


def _shows(pages: Pages, name: str) -> Callable[..., Response]:
    def show(room: InRoom, rest: str = "") -> Response:
        # Pages are served before signing in: not even the title is told to strangers.
        title = room.view.plan.title if room.door.mode == "local" else ""
        text = pages.page(
            name,
            {
                "version": filmgate.__version__, "title": title, "mode": room.door.mode,
                "rest": rest,
            },
        )  # fmt: skip
        headers = {"cache-control": "no-cache"}
        return Response(text, media_type="text/html; charset=utf-8", headers=headers)

    return show


def _static(name: str, found: tuple[bytes, str], request: Request) -> Response:
    data, digest = found
    tag = f'"{digest}"'
    named = request.query_params.get("v") == digest[:12]
    keep = "public, max-age=31536000, immutable" if named else "no-cache"
    headers = {"etag": tag, "cache-control": keep}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=KINDS[Path(name).suffix], headers=headers)
