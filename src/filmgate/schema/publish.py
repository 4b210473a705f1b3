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


SHARED = ("plan", "take", "verdict", "decision", "note", "preference", "handoff", "standing")
"""Kinds of facts that other systems read or write; the rest is between filmgate and itself."""


def schemas() -> dict[str, dict[str, Any]]:
    """Every schema generated from values, by name: the check report and the shared state."""
    from filmgate.schema.facts import KINDS

    shared = {
        kind: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **KINDS[kind].model_json_schema(mode="serialization"),
            "title": f"filmgate {kind}",
        }
        for kind in SHARED
    }
    return {"check_report": report_schema(), **shared}


def to_json(report: CheckReport) -> bytes:
    """The report as indented JSON, UTF-8, ending in a newline."""
    plain = _adapter().dump_python(report, mode="json")
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A file name may hold bytes that are no text (lone surrogates): written as a JSON escape.
    return text.encode("utf-8", "backslashreplace")


def from_json(data: bytes) -> CheckReport:
    """The report that `to_json` wrote."""
    return _adapter().validate_json(data)
