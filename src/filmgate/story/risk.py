"""What will cost takes, known before the first one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Risk:
    """Something that will cost takes, known before the first one.

    Attributes:
        code: which rule found it ("no_reference").
        severity: stop: a run would waste its money; warn: it may.
        where: file and line of what to change, or "".
        sentence: what is wrong.
        fix: what to do, one imperative sentence.
    """

    code: str
    severity: Literal["stop", "warn"]
    where: str
    sentence: str
    fix: str
