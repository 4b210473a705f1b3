"""Reading the nodes of a plan report back, for the simulator."""

from __future__ import annotations

import json
from pathlib import Path

from filmgate.errors import UsageError
from filmgate.gap.pipeline import Nodes, Pipeline
from filmgate.gap.pipeline_file import option
from filmgate.schema.gap_plan import PLAN_VERSION


def read_nodes(path: Path, pipeline: Pipeline) -> Nodes:
    """The nodes that the plan report in `path` puts behind the steps of `pipeline`.

    Raises:
        UsageError: it cannot be read, is no plan of this version, or is one of other steps.
    """
    try:
        plain = json.loads(path.read_bytes())
        version = plain["schema_version"]
        rows = [(str(row["step"]), str(row["node"])) for row in plain["steps"]]
    except FileNotFoundError:
        raise UsageError(f"{path}: there is no such file.") from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read ({error.strerror}).") from None
    except (ValueError, KeyError, TypeError):
        raise UsageError(f"{path}: is not a report of 'filmgate gap plan --json'.") from None
    if version != PLAN_VERSION:
        raise UsageError(f"{path}: plan reports of schema version {version} are not known.")
    if [step for step, _ in rows] != [step.name for step in pipeline.steps]:
        raise UsageError(f"{path}: is a plan for other steps than those of '{pipeline.name}'.")
    people = [person.name for person in pipeline.people]
    try:
        return tuple(option(node, pipeline.verifiers, people) if node else None for _, node in rows)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
