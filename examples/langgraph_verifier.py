"""A verification node in a LangGraph of one's own: navy against black goes to a person.

python examples/langgraph_verifier.py
"""

from typing import Any, TypedDict

from langgraph.graph import END, StateGraph

from filmgate.orchestration import route_on_verdict, verification_node


class State(TypedDict, total=False):
    shot_a: dict[str, Any]
    shot_b: dict[str, Any]
    continuity_ok: bool
    notes: list[str]
    findings: list[dict[str, Any]]


def human_review(state: State) -> dict[str, Any]:
    print("For a person:", *state["notes"], sep="\n  ")
    return {}


def build() -> Any:
    graph = StateGraph(State)
    graph.add_node("verify", verification_node("shot_a", "shot_b"))
    graph.add_node("human_review", human_review)
    graph.set_entry_point("verify")
    graph.add_conditional_edges("verify", route_on_verdict, ["human_review", END])
    return graph.compile()


if __name__ == "__main__":
    done = build().invoke(
        {
            "shot_a": {"wardrobe_color": "navy", "lighting": "warm", "key_side": "left"},
            "shot_b": {"wardrobe_color": "black", "lighting": "warm", "key_side": "left"},
        }
    )
    print(done["notes"][0])
