"""The published form of the result: its JSON and the JSON Schema that describes it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from filmgate.schema.report import CheckReport


@cache
def _adapter() -> TypeAdapter[CheckReport]:
    return TypeAdapter(CheckReport)


def report_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of ``filmgate check --json``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_adapter().json_schema(mode="serialization"),
        "title": "filmgate check --json",
    }


def to_json(report: CheckReport) -> bytes:
    """The report as indented JSON, UTF-8, ending in a newline."""
    plain = _adapter().dump_python(report, mode="json")
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A file name may hold bytes that are no text (lone surrogates): written as a JSON escape.
    return text.encode("utf-8", "backslashreplace")


def from_json(data: bytes) -> CheckReport:
    """The report that `to_json` wrote."""
    return _adapter().validate_json(data)
