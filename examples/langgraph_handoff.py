"""Any node of any graph, verified: looked at, made again when it is not good, written down.

    python examples/langgraph_handoff.py

The writer below forgets the light in its first draft. Wrapped, its handoff to the camera is
checked; the second draft is told what was missing; both attempts are in the ledger, which
'filmgate gap measure --store' reads.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import Any, TypedDict

from langgraph.graph import END, START, StateGraph

from filmgate.assets.store import Store
from filmgate.orchestration import verified
from filmgate.orchestration.node import Word


class State(TypedDict, total=False):
    item: str
    prompt: str
    notes: list[str]
    handoff_ok: bool
    handoff_note: str
    handoff_attempts: int


def writer(state: State) -> dict[str, Any]:
    prompt = "Wide shot of an endless office"
    if any("light" in note for note in state.get("notes", [])):
        prompt += ", fluorescent light"
    return {"prompt": prompt}


def says_the_light(state: dict[str, Any]) -> Word:
    return Word("light" in state["prompt"], "The prompt does not say the light.")


def build(store: Path) -> Any:
    graph = StateGraph(State)
    node = verified(writer, says_the_light, name="writer", to="camera", store=store)
    graph.add_node("writer", node)
    graph.add_edge(START, "writer")
    graph.add_edge("writer", END)
    return graph.compile()


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp()) / ".filmgate"
    done = asyncio.run(build(folder).ainvoke({"item": "shot 12B"}))
    print(f"{done['prompt']} (attempts: {done['handoff_attempts']})")
    with Store(folder) as store:
        for row in store.ledger.all("handoff"):
            print(
                f"{row.subject}: {row.body['source']} -> {row.body['target']}, "
                f"attempt {row.body['attempt']}: {row.body['verifier']} {row.reason}"
            )
