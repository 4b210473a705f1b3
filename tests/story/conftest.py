from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from filmgate.story import brief
from filmgate.story.brief import Project

Opened = Callable[..., Project]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Writes a brief (and a script) and reads it."""

    def open_(text: str, script: str | None = None, **options: object) -> Project:
        if script is not None:
            (tmp_path / "script.fountain").write_text(script, encoding="utf-8")
            if "script =" not in text:
                text = f'script = "script.fountain"\n{text}'
        if "title" not in text:
            text = f'title = "T"\n{text}'
        (tmp_path / "brief.toml").write_text(text, encoding="utf-8")
        return brief.open_project(tmp_path / "brief.toml", **options)  # type: ignore[arg-type]

    return open_


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """Writes a small PNG."""
    import cv2
    import numpy as np

    def write(name: str = "a.png", width: int = 640, height: int = 360) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((height, width, 3), 90, np.uint8))
        return path

    return write
