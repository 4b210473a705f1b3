"""write_report: a check's result as one HTML file that opens anywhere and asks nobody for anything.

What comes from outside (file names, shot ids, reasons) is only ever text: the templates escape it,
element ids are numbered by us, and the content policy refuses every script but our own.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from filmgate.errors import StoreError
from filmgate.review.report import view, words
from filmgate.review.report.evidence import FrameSource
from filmgate.schema.report import CheckReport


def write_report(report: CheckReport, path: Path, frames: FrameSource) -> None:
    """Write the report page; an existing file is replaced only once the new one is complete.

    Args:
        report: the result to show.
        path: the HTML file.
        frames: decodes the frames shown as evidence.

    Raises:
        StoreError: the file cannot be written; nothing is left behind.
    """
    page = view.build(report, frames)
    template = _environment().get_template("report.html")
    script = _own("report.js")
    chunks = template.generate(
        page=page,
        css=Markup(_own("report.css")),  # our own files: nothing from outside is in them
        script=Markup(script),
        policy=_policy(script),
    )
    _write(path, chunks)


def _policy(script: str) -> str:
    """Nothing may be loaded; images only from the page itself; of scripts only ours."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("filmgate.review.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        attribute=words.attribute,
        number=words.number,
        quantity=words.quantity,
        unit=words.unit_word,
        count=words.count,
    )
    return environment


def _own(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]


def _write(path: Path, chunks: Iterable[str]) -> None:
    """Write beside the target and rename: a reader sees the old page or the new one, whole."""
    scratch: str | None = None
    try:
        handle, scratch = tempfile.mkstemp(
            dir=path.parent, prefix=".filmgate-report-", suffix=".part"
        )
        # File names may hold bytes that are no text (lone surrogates): shown as \udc80.
        with os.fdopen(
            handle, "w", encoding="utf-8", errors="backslashreplace", newline="\n"
        ) as out:
            out.writelines(chunks)
            out.flush()
            os.fsync(out.fileno())
        Path(scratch).chmod(0o644)  # mkstemp made it private; a report is for sharing
        Path(scratch).replace(path)
        scratch = None
    except OSError as error:
        why = error.strerror or str(error)
        raise StoreError(f"The report {path} could not be written: {why}.") from error
    finally:
        if scratch is not None:
            Path(scratch).unlink(missing_ok=True)
