"""Verification for other people's graphs: one node, one edge, one wrapper.

`verification_node` compares what two shots say of themselves, `route_on_verdict` sends what drifts
to a person, and `verified` wraps any node of any graph so that what it hands over is looked at,
made again when it is not good, and written to a ledger from which ``filmgate gap`` can measure.
"""

from __future__ import annotations

import inspect
import math
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.errors import BadSetting
from filmgate.measure.colour import delta_e_2000
from filmgate.schema import colour
from filmgate.schema.decision import Handoff

State = Mapping[str, Any]
Update = dict[str, Any]
Node = Callable[[Any], Update | Awaitable[Update]]

SAME_COLOUR_DE00 = 5.0
"""Two declared colours further apart are called different: from about 5 an observer sees two
colours, not two shades of one (Mokrzycki and Tatol 2011, "Colour difference ΔE: a survey")."""
_UNIT_WORDS = re.compile(r"_(colou?r|hex|k|lufs|db|deg|stops|percent)$")


class Word(NamedTuple):
    """What a check says of a handoff: whether it is good, and if not, what is wrong."""

    good: bool
    note: str = ""


def verification_node(
    first: str = "shot_a",
    second: str = "shot_b",
    *,
    tolerances: Mapping[str, float] | None = None,
    ignore: Sequence[str] = (),
) -> Callable[[State], Update]:
    """A node that compares the attributes of two shots in a graph's state.

    Colours (CSS names, "#rrggbb", "lab(L a b)") are compared by CIEDE2000, numbers by difference,
    everything else by equality. An attribute that only one shot has is noted as not compared, and
    does not fail the shot.

    Args:
        first, second: keys of the state that hold the shots' attributes.
        tolerances: largest difference that passes, by attribute: ΔE00 for colours
            (`SAME_COLOUR_DE00` where not given), the number's own unit for numbers (0).
        ignore: attributes that are not compared ("id", "file").

    Returns:
        A node that sets ``continuity_ok`` (bool), ``notes`` (list of sentences, one per drift
        first) and ``findings`` (attribute, status, magnitude, unit, this, other).

    Raises (when it runs):
        BadSetting: the state has no such shot, or it is not a mapping.
    """
    limits = dict(tolerances or {})

    def verify(state: State) -> Update:
        shots = [state.get(key) for key in (first, second)]
        for key, shot in zip((first, second), shots, strict=True):
            if not isinstance(shot, Mapping):
                raise BadSetting(f"The state's '{key}' must be a mapping of attributes: {shot!r}.")
        a, b = shots
        assert isinstance(a, Mapping)
        assert isinstance(b, Mapping)
        names = [n for n in {**a, **b} if n not in ignore]
        findings = [_compared(name, a, b, limits.get(name)) for name in names]
        drifts = [f["note"] for f in findings if f["status"] == "drift"]
        blind = [f["note"] for f in findings if f["status"] == "not_measured"]
        return {"continuity_ok": not drifts, "notes": drifts + blind, "findings": findings}

    return verify


def _compared(
    name: str, a: Mapping[str, Any], b: Mapping[str, Any], limit: float | None
) -> dict[str, Any]:
    words = _UNIT_WORDS.sub("", name).replace("_", " ").strip() or name
    title = words[0].upper() + words[1:]
    base: dict[str, Any] = {"attribute": name, "magnitude": None, "unit": None}
    if name not in a or name not in b:
        return {**base, "status": "not_measured", "note": f"{title} is known of one shot only."}
    one, two = a[name], b[name]
    base |= {"this": one, "other": two}
    magnitude, unit = _apart(one, two)
    if magnitude is None:
        same = one == two
    else:
        usual = SAME_COLOUR_DE00 if unit == "de00" else 0.0
        same = magnitude <= (usual if limit is None else limit)
    note = "" if same else f"{title} drift: {one} vs {two}"
    status = "within" if same else "drift"
    return {**base, "status": status, "magnitude": magnitude, "unit": unit, "note": note}


def _apart(one: Any, two: Any) -> tuple[float | None, str | None]:
    """How far two values are apart and in which unit; None where only equality can be told."""
    numbers = [isinstance(v, int | float) and not isinstance(v, bool) for v in (one, two)]
    if all(numbers):
        difference = abs(float(one) - float(two))
        return (difference, "number") if math.isfinite(difference) else (None, None)
    if isinstance(one, str) and isinstance(two, str):
        parsed = colour.parse(one), colour.parse(two)
        if parsed[0] is not None and parsed[1] is not None:
            return float(delta_e_2000(parsed[0].lab, parsed[1].lab)), "de00"
    return None, None


def route_on_verdict(state: State, *, good: str = "__end__", drifting: str = "human_review") -> str:
    """Where a graph goes after `verification_node`: on when continuity holds, else to a person.

    Raises:
        BadSetting: the state was never verified; passing it on would be a silent pass.
    """
    if "continuity_ok" not in state:
        raise BadSetting("The state has no 'continuity_ok': put a verification_node before.")
    return good if state["continuity_ok"] else drifting


def verified(
    node: Node,
    check: Callable[[dict[str, Any]], Word | bool | Awaitable[Word | bool]],
    *,
    name: str,
    to: str = "next",
    attempts: int = 2,
    store: Path | None = None,
    item: str = "item",
    notes: str = "notes",
    price_usd: float = 0.0,
) -> Callable[[Any], Awaitable[Update]]:
    """`node`, with what it hands over looked at, made again when not good, and written down.

    Args:
        node: any node, plain or async: state in, update out.
        check: looks at the state with the update put in; a bool, or a `Word` with what is wrong.
        name, to: this stage and the one it hands over to, as they will be called in the ledger.
        attempts: how often `node` may run; it is a paid call more often than not.
        store: project folder whose ledger gets one handoff per attempt; None writes none.
        item: key of the state that says which item this is; a fresh id where it has none.
        notes: key under which the next attempt finds what was wrong (a list that grows).
        price_usd: what one run of `node` costs, for the handoff.

    Returns:
        An async node: the update of the last attempt, with ``handoff_ok`` (bool), ``handoff_note``
        (why not) and ``handoff_attempts``. A handoff that is never good is passed on marked, not
        raised: a verdict routes, it never kills a run.
    """
    if attempts < 1:
        raise BadSetting(f"attempts is {attempts}, but must be at least 1.")
    run = uuid.uuid4().hex[:12]

    async def wrapped(state: Any) -> Update:
        said = list(state.get(notes) or [])
        who = str(state.get(item) or uuid.uuid4().hex[:12])
        word, update, attempt = Word(False), {}, 0
        while attempt < attempts and not word.good:
            attempt += 1
            start = datetime.now(UTC)
            update = dict(await _awaited(node({**state, notes: said} if said else state)))
            answer = await _awaited(check({**state, **update}))
            word = answer if isinstance(answer, Word) else Word(bool(answer))
            word = word._replace(note="") if word.good else word
            if store is not None:
                _write(store, who, run, (name, to), attempt, word, start, price_usd)
            if not word.good and word.note:
                said.append(word.note)
        return {
            **update, "handoff_ok": word.good, "handoff_note": word.note,
            "handoff_attempts": attempt,
        }  # fmt: skip

    return wrapped


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def _write(
    root: Path, item: str, run: str, stages: tuple[str, str], attempt: int, word: Word,
    start: datetime, price_usd: float,
) -> None:  # fmt: skip
    now = datetime.now(UTC)
    value = Handoff(
        item=item, run=run, source=stages[0], target=stages[1], attempt=attempt,
        verifier="circle" if word.good else "retake", cost_usd=price_usd,
        time_s=(now - start).total_seconds(), started=start.isoformat(), ended=now.isoformat(),
    )  # fmt: skip
    key = f"{item}/{stages[0]}/{run}/{uuid.uuid4().hex[:8]}/{attempt}"
    with Store(root) as opened:
        opened.ledger.append(New("handoff", key, value, "filmgate", item, word.note))
