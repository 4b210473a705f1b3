"""The coordination gap: why a pipeline is less reliable than its parts promise, and what to do.

```python
from filmgate import gap

report = gap.measure(["traces.jsonl"], solo="solo.csv")
print(report.numbers.end_to_end.value, report.told, report.refused)
```

Nothing here needs OpenCV, PyAV or LangGraph; names are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filmgate.gap.importer import formats
    from filmgate.gap.mapping import Mapping
    from filmgate.gap.measured import pipeline_of
    from filmgate.gap.measuring import measure, measure_traces, power
    from filmgate.gap.pipeline import Pipeline
    from filmgate.gap.planning import plan_report
    from filmgate.gap.simulating import simulation_report
    from filmgate.gap.trace import Trace, Visit
    from filmgate.schema.gap import GapReport, PowerReport, Rate

_HOME = {
    "GapReport": "filmgate.schema.gap",
    "Mapping": "filmgate.gap.mapping",
    "Pipeline": "filmgate.gap.pipeline",
    "PowerReport": "filmgate.schema.gap",
    "Rate": "filmgate.schema.gap",
    "Trace": "filmgate.gap.trace",
    "Visit": "filmgate.gap.trace",
    "formats": "filmgate.gap.importer",
    "measure": "filmgate.gap.measuring",
    "measure_traces": "filmgate.gap.measuring",
    "pipeline_of": "filmgate.gap.measured",
    "plan_report": "filmgate.gap.planning",
    "power": "filmgate.gap.measuring",
    "simulation_report": "filmgate.gap.simulating",
}

__all__ = [
    "GapReport",
    "Mapping",
    "Pipeline",
    "PowerReport",
    "Rate",
    "Trace",
    "Visit",
    "formats",
    "measure",
    "measure_traces",
    "pipeline_of",
    "plan_report",
    "power",
    "simulation_report",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    import importlib

    if name not in _HOME:
        raise AttributeError(f"module 'filmgate.gap' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
