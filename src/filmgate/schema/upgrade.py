"""Reading facts that an older version wrote: one step per version, chained."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from filmgate.errors import StoreError
from filmgate.schema.value import SCHEMA_VERSION

Plain = dict[str, Any]
Step = Callable[[str, Plain], Plain]

STEPS: dict[int, Step] = {}
"""Version -> what turns a fact (kind, plain JSON) of that version into one of the next."""


def upgraded(
    kind: str,
    plain: Plain,
    steps: Mapping[int, Step] = STEPS,
    current: int = SCHEMA_VERSION,
) -> Plain:
    """`plain`, a fact of `kind` of any version so far, in the form of the `current` one.

    Raises:
        StoreError: it is of a later version than this program knows.
    """
    version = int(plain.get("schema_version", 1))
    if version > current:
        raise StoreError(
            f"A {kind} was written by a later filmgate (schema {version}, this one knows "
            f"{current}): install the later one to read this project."
        )
    while version < current:
        plain = {**steps[version](kind, plain), "schema_version": version + 1}
        version += 1
    return plain
