"""The graph of one shot: planner, generator, verifier, refiner, reviewer.

```
            ┌────────────── retake ───────────────┐
            ▼                                     │
 planner → generator → verifier ─┬─ repair → repairer → verifier
                                 ├─ retake → refiner
                                 ├─ circle → settler → END
                                 └─ escalate → reviewer (waits) → ruler ─┬─ retake → refiner
                                                                         └─ else → settler → END
```
The nodes hold no logic of their own: what to do is `policy`, how to buy `purchase`, whom to compare
with `gate`. The node that waits for a person holds nothing but `interrupt()`, since LangGraph runs
a node again from its first line on resuming.
"""

from __future__ import annotations

from typing import Any, Protocol

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import interrupt

from filmgate.orchestration.state import ShotState

Compiled = CompiledStateGraph[ShotState, None, ShotState, ShotState]


class Roles(Protocol):
    """What the nodes do; `orchestration.roles` has the real ones."""

    async def plan(self, state: ShotState) -> dict[str, Any]:
        """Which takes to make in this round."""
        ...

    async def generate(self, state: ShotState) -> dict[str, Any]:
        """Make them."""
        ...

    async def verify(self, state: ShotState) -> dict[str, Any]:
        """Compare them, and say what to do next."""
        ...

    async def repair(self, state: ShotState) -> dict[str, Any]:
        """Repair the take that stands."""
        ...

    async def refine(self, state: ShotState) -> dict[str, Any]:
        """Turn findings, or a person's note, into what the retake asks for differently."""
        ...

    async def rule(self, state: ShotState) -> dict[str, Any]:
        """Apply the person's decision."""
        ...

    async def settle(self, state: ShotState) -> dict[str, Any]:
        """Write down where the shot came to stand."""
        ...


def build(roles: Roles, saver: BaseCheckpointSaver[Any] | None) -> Compiled:
    """The compiled graph; one thread per shot, named by its slate."""
    graph = StateGraph(ShotState)
    for name, node in {
        "planner": roles.plan, "generator": roles.generate, "verifier": roles.verify,
        "repairer": roles.repair, "refiner": roles.refine, "reviewer": _wait,
        "ruler": roles.rule, "settler": roles.settle,
    }.items():  # fmt: skip
        graph.add_node(name, node)
    graph.add_edge(START, "planner")
    graph.add_conditional_edges("planner", _after_planner, ["generator", "reviewer", "settler"])
    graph.add_conditional_edges("generator", _after_generator, ["verifier", "planner", "reviewer"])
    graph.add_conditional_edges(
        "verifier", _after_verdict, ["settler", "repairer", "refiner", "reviewer"]
    )
    graph.add_conditional_edges("repairer", _after_repair, ["verifier", "refiner"])
    graph.add_edge("refiner", "planner")
    graph.add_edge("reviewer", "ruler")
    graph.add_conditional_edges("ruler", _after_ruling, ["refiner", "settler", "reviewer"])
    graph.add_edge("settler", END)
    return graph.compile(checkpointer=saver)


async def _wait(state: ShotState) -> dict[str, Any]:
    """Wait for a person: nothing but the interrupt, since all before it would run again."""
    ruled = interrupt({"shot": state["shot"], "take": state.get("take", "")})
    return {"decision": int(ruled["number"]), "take": str(ruled["take"])}


def _after_planner(state: ShotState) -> str:
    if state["step"] == "stop":
        return "settler"
    return "reviewer" if state["step"] == "escalate" else "generator"


def _after_generator(state: ShotState) -> str:
    if state["candidates"]:
        return "verifier"
    return "planner" if state["step"] == "retake" else "reviewer"


def _after_verdict(state: ShotState) -> str:
    return {
        "circle": "settler", "stop": "settler", "repair": "repairer", "retake": "refiner",
        "escalate": "reviewer",
    }[state["step"]]  # fmt: skip


def _after_repair(state: ShotState) -> str:
    return "verifier" if state["candidates"] else "refiner"


def _after_ruling(state: ShotState) -> str:
    return {"retake": "refiner", "wait": "reviewer"}.get(state["step"], "settler")
