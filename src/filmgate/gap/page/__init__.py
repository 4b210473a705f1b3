"""write_page: the gap as one HTML file that opens anywhere and asks nobody for anything.

What comes from outside (names of steps, files, reasons) is only ever text: the templates escape it,
drawings escape it, and the content policy refuses every script.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup

from filmgate.assets.files import write_atomic
from filmgate.errors import StoreError
from filmgate.gap import plan_words
from filmgate.gap.page import view
from filmgate.schema.gap import GapReport
from filmgate.schema.gap_plan import PlanReport

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'none'; base-uri 'none'; "
    "form-action 'none'"
)


def write_page(
    path: Path, measured: GapReport | None, planned: PlanReport | None, why_no_plan: str = ""
) -> None:
    """Write the page; an existing file is replaced only once the new one is complete.

    Args:
        path: the HTML file.
        measured: what traces say, or None when only a plan is shown.
        planned: where to verify, or None.
        why_no_plan: said in place of a plan.

    Raises:
        StoreError: the file cannot be written; nothing is left behind.
    """
    page = view.build(measured, planned, why_no_plan)
    text = (
        _environment()
        .get_template("page.html")
        .render(page=page, policy=POLICY, css=Markup(_own("page.css")))
    )
    try:
        # A name may hold bytes that are no text (lone surrogates): shown as \udc80.
        write_atomic(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        why = error.strerror or str(error)
        raise StoreError(f"The page {path} could not be written: {why}.") from None


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("filmgate.gap.page", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(percent=plan_words.percent, money=plan_words.money)
    return environment


def _own(name: str) -> str:
    loader = _environment().loader
    assert loader is not None
    return loader.get_source(_environment(), name)[0]
