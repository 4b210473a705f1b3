"""Results of tau-bench and tau2-bench: one trajectory per task and trial, with a reward.

A run is good when its reward is 1 (within 1e-6, as the benchmark counts). The task is the item, so
trials of it are repeats. There is one step, the agent; what a trajectory did is kept as traits.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from filmgate.gap.mapping import Mapping
from filmgate.gap.problems import Problems
from filmgate.gap.reading import records
from filmgate.gap.trace import Trace, Visit

_MARK = re.compile(rb'"task_id"\s*:.*?"(?:traj|reward|trial|simulations)"|"simulations"\s*:', re.S)
_TAU2 = "simulations"
_WRITES = ("book", "cancel", "update", "modify", "exchange", "return", "send", "transfer")
"""First words of tools that change the world; handing over to a person ends the run and counts."""
_FULL = 1 - 1e-6


class Trajectory(NamedTuple):
    """What a trajectory did.

    Attributes:
        messages, assistant_turns, tool_calls: how many.
        tool_errors: answers of tools that begin with "Error".
        transferred: the agent handed the customer to a person.
        gold_actions, gold_writes: actions the task calls for; of those, changes.
        user_cost_usd: of the simulated user, which is no cost of the pipeline.
    """

    messages: int
    assistant_turns: int
    tool_calls: int
    tool_errors: int
    transferred: bool
    gold_actions: int
    gold_writes: int
    user_cost_usd: float


class Taubench:
    """The importer."""

    def recognises(self, head: bytes) -> bool:
        """A task with a reward or a trajectory."""
        return _MARK.search(head) is not None and b'"run_id"' not in head

    def read(self, files: Sequence[Path], mapping: Mapping, problems: Problems) -> Iterator[Trace]:
        """One trace per row."""
        seen: set[tuple[str, str]] = set()
        for file in files:
            for value, line, _ in records(file, problems, (_TAU2,)):
                inner = value.get(_TAU2) if isinstance(value, dict) else None
                for row in [value] if inner is None else inner:
                    try:
                        trace = _trace(row, mapping)
                    except (AttributeError, KeyError, TypeError, ValueError):
                        problems.add(file, line, "is no tau-bench result; it is left out")
                        continue
                    if (trace.item, trace.run) in seen:
                        problems.add(
                            file, line, "a trial that is there twice; the first one is counted"
                        )
                        continue
                    seen.add((trace.item, trace.run))
                    if trace.outcome is None:
                        problems.add(file, line, "a trial without a reward; its outcome is unknown")
                    yield trace


def _trace(row: dict[str, Any], mapping: Mapping) -> Trace:
    reward = row.get("reward", (row.get("reward_info") or {}).get("reward"))
    outcome = None if reward is None else float(reward) >= _FULL
    did = trajectory(row)
    traits = (
        ("tool_error", "some" if did.tool_errors else "none"),
        ("transfer", "yes" if did.transferred else "no"),
        ("gold_actions", str(did.gold_actions)),
        ("gold_writes", str(did.gold_writes)),
    )
    visit = Visit(mapping.named("agent"), mapping.kind(mapping.named("agent")), outcome)
    return Trace(
        str(row["task_id"]),
        str(row.get("trial", 0)),
        (visit,),
        outcome,
        time_s=row.get("duration"),
        cost_usd=row.get("agent_cost"),
        traits=traits,
    )


def trajectory(row: dict[str, Any]) -> Trajectory:
    """What the trajectory of a result row did."""
    messages = row.get("traj") or row.get("messages") or []
    said = [m for m in messages if m.get("role") == "assistant"]
    calls = [call for m in said for call in m.get("tool_calls") or ()]
    answers = [m for m in messages if m.get("role") == "tool"]
    names = [(c.get("function") or c).get("name") or "" for c in calls]
    gold = _gold(row)
    return Trajectory(
        len(messages),
        len(said),
        len(calls),
        sum(str(m.get("content") or "").startswith("Error") for m in answers),
        any(name.startswith("transfer") for name in names),
        len(gold),
        sum(name.startswith(_WRITES) for name in gold),
        float((row.get("info") or {}).get("user_cost") or row.get("user_cost") or 0.0),
    )


def _gold(row: dict[str, Any]) -> list[str]:
    task = (row.get("info") or {}).get("task") or {}
    return [str(action.get("name") or "") for action in task.get("actions") or ()]


IMPORTER = Taubench()
