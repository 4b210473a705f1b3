"""Markdown tables, printed and written to ``bench/out``."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from bench import footage


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table; the first column is left-aligned, the rest to the right."""
    if not rows:
        return "(nothing)\n"
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    lines += ["| " + " | ".join(_cell(c) for c in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "–" if value != value else f"{value:.3f}"
    return str(value)


def share(value: float, low: float, high: float) -> str:
    """A figure with its interval."""
    return "–" if value != value else f"{value:.3f} [{low:.2f}, {high:.2f}]"


def machine() -> str:
    """The machine in words, without its name."""
    return f"{platform.machine()}, {footage_cores()} cores, Python {platform.python_version()}"


def footage_cores() -> int:
    import os

    return len(os.sched_getaffinity(0))


def write(name: str, text: str) -> Path:
    """Print `text` and write it to ``bench/out/<name>.md``."""
    footage.OUT.mkdir(parents=True, exist_ok=True)
    path = footage.OUT / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    print(text)
    return path
