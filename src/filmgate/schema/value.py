"""What every value of the shared state is: frozen, strict about unknown keys, JSON both ways."""

from __future__ import annotations

import json
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = 1
"""Version of the shared state. A change that old readers cannot read raises it, and `upgraded` in
`schema/upgrade.py` gets a step from the version before."""


class Value(BaseModel):
    """Base of the shared state's values."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def plain(self) -> dict[str, Any]:
        """This value as plain JSON types."""
        return self.model_dump(mode="json")

    def canonical(self) -> bytes:
        """The one spelling of this value as JSON: sorted keys, no blanks, UTF-8.

        The digest of a value is the digest of these bytes.
        """
        return canonical(self.plain())


class Fact(Value):
    """Base of values that the ledger keeps, which must be readable in ten years."""

    schema_version: int = Field(default=SCHEMA_VERSION, ge=1)

    def replaced(self, **values: Any) -> Self:
        """A copy with `values` put in place and checked."""
        return type(self).model_validate({**self.model_dump(), **values})


def canonical(plain: Any) -> bytes:
    """Canonical JSON of plain types: sorted keys, no blanks, UTF-8, no NaN."""
    return json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()
