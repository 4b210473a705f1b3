"""Check the gate for generated film: measured continuity, and the smallest fix.

```python
from filmgate import Sequence, Shot, Studio

report = Studio().check([Sequence("kitchen", (Shot("1", "kitchen", "one.mp4"), ...))])
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filmgate.errors import FilmgateError
    from filmgate.schema.look import Look
    from filmgate.schema.report import CheckReport, Finding, SequenceReport, ShotReport
    from filmgate.schema.shot import Sequence, Shot
    from filmgate.settings import Settings
    from filmgate.studio import Studio

__version__ = "0.1.0"

_HOME = {
    "CheckReport": "filmgate.schema.report",
    "FilmgateError": "filmgate.errors",
    "Finding": "filmgate.schema.report",
    "Look": "filmgate.schema.look",
    "Sequence": "filmgate.schema.shot",
    "SequenceReport": "filmgate.schema.report",
    "Settings": "filmgate.settings",
    "Shot": "filmgate.schema.shot",
    "ShotReport": "filmgate.schema.report",
    "Studio": "filmgate.studio",
}

__all__ = [
    "CheckReport",
    "FilmgateError",
    "Finding",
    "Look",
    "Sequence",
    "SequenceReport",
    "Settings",
    "Shot",
    "ShotReport",
    "Studio",
    "__version__",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: ``import filmgate`` itself stays cheap."""
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'filmgate' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
