"""The LangGraph that carries a shot through the loop; for other people's graphs too.

``from filmgate.orchestration import verification_node, route_on_verdict, verified``
"""

from __future__ import annotations

from typing import Any

_PUBLIC = ("verification_node", "route_on_verdict", "verified")

__all__ = ["route_on_verdict", "verification_node", "verified"]


def __getattr__(name: str) -> Any:
    # LangGraph takes a second and a half to import; only who uses it pays.
    if name in _PUBLIC:
        from filmgate.orchestration import node

        return getattr(node, name)
    raise AttributeError(name)
