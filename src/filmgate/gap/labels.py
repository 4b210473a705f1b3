"""Words and scores that say right or wrong, and what several of them come to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from filmgate.schema.gap import Kind

HALF = 0.5
"""A score from 0 to 1 is good from here on, where the mapping file sets nothing else."""

_GOOD = frozenset(
    [
        "pass",
        "passed",
        "correct",
        "good",
        "true",
        "yes",
        "ok",
        "okay",
        "success",
        "succeeded",
        "successful",
        "accept",
        "accepted",
        "approve",
        "approved",
        "valid",
        "right",
        "resolved",
        "circle",
        "circled",
        "positive",
        "1",
    ]
)
_BAD = frozenset(
    [
        "fail",
        "failed",
        "failure",
        "incorrect",
        "wrong",
        "bad",
        "false",
        "no",
        "error",
        "reject",
        "rejected",
        "flag",
        "flagged",
        "retry",
        "retake",
        "escalate",
        "escalated",
        "invalid",
        "ng",
        "negative",
        "not_ok",
        "unresolved",
        "0",
    ]
)
_HUMAN = frozenset(["human", "humans", "person", "people", "operator", "annotator"])
_VERIFY = frozenset(
    [
        "verify",
        "verifier",
        "verification",
        "verified",
        "check",
        "checker",
        "checks",
        "validate",
        "validator",
        "validation",
        "guard",
        "guardrail",
        "guardrails",
        "critic",
        "critique",
        "judge",
        "qa",
        "gate",
        "review",
        "reviewer",
        "lint",
        "linter",
        "evaluator",
    ]
)
_TOKENS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")
_TELLING = re.compile(r"correct|success|resolved|outcome|verif|verdict|pass|accura|reward", re.I)
VERDICT_KEYS = ("verdict", "decision", "approved", "passed", "valid", "flagged", "flag")
OUTCOME_KEYS = ("good", "correct", "success", "passed", "resolved", "reward", "outcome", "ok")
"""State and output keys that are taken for a verdict, and for an outcome, in this order."""


def tokens(name: str) -> list[str]:
    """The words of a name in any case: "verify_script", "VerifyScript"."""
    return [word.lower() for word in _TOKENS.findall(name)]


@lru_cache(maxsize=4096)
def kind_of(name: str) -> Kind:
    """What a step does, going by its name alone."""
    words = set(tokens(name))
    if words & _HUMAN:
        return "human"
    return "verify" if words & _VERIFY else "work"


def good(value: Any, threshold: float | None = None) -> bool | None:
    """Whether a word, a truth value or a score from 0 to 1 means right; None where it says neither.

    A number outside 0..1 is on a scale of its own: it counts only against a threshold that was set.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _GOOD else False if word in _BAD else None
    if isinstance(value, int | float):
        if not math.isfinite(value) or (threshold is None and not 0 <= value <= 1):
            return None
        return value >= (HALF if threshold is None else threshold)
    return None


def verdict_in(values: Any, keys: Sequence[str]) -> bool | None:
    """Whether outputs or state carry a verifier's word, as "flagged"; None where they do not."""
    if not isinstance(values, Mapping):
        return None
    for key in keys or VERDICT_KEYS:
        found = good(values.get(key))
        if found is not None:
            return found if key in ("flagged", "flag") else not found
    return None


class Word(NamedTuple):
    """One label: what it is called, what it says, and whether a model said it."""

    name: str
    good: bool | None
    judge: bool = False


class Settled(NamedTuple):
    """What several labels of one thing come to.

    Attributes:
        people, judge: by people (or tests), and by models; None where they say nothing.
        trouble: why labels were not used, or "".
    """

    people: bool | None
    judge: bool | None
    trouble: str = ""


def settle(words: Iterable[Word], wanted: Sequence[str]) -> Settled:
    """One label out of several.

    Args:
        wanted: the names that count; empty: the only one there is, or those whose name speaks of
            being correct.
    """
    chosen = [w for w in words if w.good is not None and (not wanted or w.name in wanted)]
    if len(chosen) == 1:
        word = chosen[0]
        return Settled(None, word.good) if word.judge else Settled(word.good, None)
    people = _agreed([w for w in chosen if not w.judge])
    judge = _agreed([w for w in chosen if w.judge])
    return Settled(people.people, judge.people, people.trouble or judge.trouble)


def _agreed(words: list[Word]) -> Settled:
    if not words:
        return Settled(None, None)
    if len({w.good for w in words}) == 1:
        return Settled(words[0].good, None)
    names = sorted({w.name for w in words})
    if len(names) == 1:
        return Settled(None, None, f"labels '{names[0]}' contradict one another; neither is used")
    telling = [w for w in words if _TELLING.search(w.name)]
    if telling and len(telling) < len(words):
        return _agreed(telling)
    listed = ", ".join(f"'{n}'" for n in names)
    return Settled(
        None, None, f"labels {listed} differ; say which counts under [labels] of a mapping file"
    )
