"""The published form of the result: its JSON and the JSON Schema that describes it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from filmgate.schema.report import CheckReport

if TYPE_CHECKING:
    from filmgate.schema.gap import GapReport, PowerReport


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
    return {"check_report": report_schema(), **shared, **gap_schemas()}


def gap_schemas() -> dict[str, dict[str, Any]]:
    """What ``filmgate gap`` writes, and the files that a user writes for it."""
    from filmgate.schema.gap import GapReport, PowerReport
    from filmgate.schema.gap_files import EdgesFile, TableRow

    shapes: dict[str, tuple[dict[str, Any], str]] = {
        "gap_report": (_shape(GapReport), "filmgate gap measure --json"),
        "gap_power": (_shape(PowerReport), "filmgate gap power --json"),
        "gap_edges": (EdgesFile.model_json_schema(), "edges.toml of filmgate gap"),
        "gap_table": (TableRow.model_json_schema(), "a row of a table of traces of filmgate gap"),
    }
    return {
        name: {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            **shape,
            "title": title,
        }
        for name, (shape, title) in shapes.items()
    }


@cache
def _adapter_of(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _shape(kind: type) -> dict[str, Any]:
    return _adapter_of(kind).json_schema(mode="serialization")


def gap_json(report: GapReport | PowerReport) -> bytes:
    """What ``filmgate gap`` found as indented JSON, UTF-8, ending in a newline."""
    kind: Any = type(report)
    return _json(_adapter_of(kind).dump_python(report, mode="json"))


def gap_report(data: bytes) -> GapReport:
    """The report that `gap_json` wrote.

    Raises:
        ValueError: it is not one, or of a version that is not known.
    """
    from filmgate.schema.gap import SCHEMA_VERSION, GapReport

    plain = json.loads(data)
    version = plain.get("schema_version") if isinstance(plain, dict) else None
    if version != SCHEMA_VERSION:
        raise ValueError(f"schema version {version} is not known, only {SCHEMA_VERSION}")
    found: GapReport = _adapter_of(GapReport).validate_python(plain)
    return found


def to_json(report: CheckReport) -> bytes:
    """The report as indented JSON, UTF-8, ending in a newline."""
    return _json(_adapter().dump_python(report, mode="json"))


def _json(plain: Any) -> bytes:
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    # A file name may hold bytes that are no text (lone surrogates): written as a JSON escape.
    return text.encode("utf-8", "backslashreplace")


def from_json(data: bytes) -> CheckReport:
    """The report that `to_json` wrote."""
    return _adapter().validate_json(data)
