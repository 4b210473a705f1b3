"""What to do next: pure functions of what is known, so that every rule can be tested alone.

A verdict routes, it never kills a run: whatever a machine cannot settle goes to a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from filmgate.schema.take import Repair

Finding = Mapping[str, Any]
StepWord = Literal["circle", "repair", "retake", "escalate", "stop"]

ATTEMPTS = 3
"""Takes that the machine may ask for before a person looks. With verification that sees .8 of the
drifts and a model that honours .9 of the revisions, a third take is still drifting in 1 of 100."""


class Step(NamedTuple):
    """What to do with a shot.

    Attributes:
        word: circle (accept), repair (fix this take), retake, escalate (a person decides), stop.
        because: why, one sentence.
        repair: which repair.
        pickup: of a retake, the frame from which the take is to be made again; None for all of it.
    """

    word: StepWord
    because: str
    repair: Repair | None = None
    pickup: int | None = None


class Money(NamedTuple):
    """What has been spent or promised, and what may be. None means without limit.

    Attributes:
        usd, takes, footage_s: spent and promised, requests in flight included.
        most_usd, most_takes, most_footage_s: limits.
    """

    usd: float = 0.0
    takes: int = 0
    footage_s: float = 0.0
    most_usd: float | None = None
    most_takes: int | None = None
    most_footage_s: float | None = None

    def refuses(self, usd: float, footage_s: float) -> str | None:
        """Why one more take at this price and length is too much, or None when it is not."""
        # Sums of prices carry rounding errors far below a cent.
        cent = 1e-6
        if self.most_usd is not None and self.usd + usd > self.most_usd + cent:
            return (
                f"the budget of ${self.most_usd:.2f} has ${max(self.most_usd - self.usd, 0):.2f} "
                f"left and the take costs ${usd:.2f}"
            )
        if self.most_takes is not None and self.takes + 1 > self.most_takes:
            return f"the budget of {self.most_takes} takes is used up"
        if self.most_footage_s is not None and self.footage_s + footage_s > self.most_footage_s:
            return f"the budget of {self.most_footage_s:g} s of footage is used up"
        return None


def after_verdict(
    word: str,
    findings: Sequence[Finding],
    attempt: int,
    attempts: int = ATTEMPTS,
    repaired: bool = False,
    pickups: bool = False,
) -> Step:
    """What follows a verdict.

    Args:
        word: circle, retake or escalate.
        findings: findings of the take as published; those that drift decide.
        attempt: rounds of generation so far.
        attempts: how many the machine may ask for.
        repaired: whether the take is itself a repair or a pickup; neither is tried twice.
        pickups: whether the take's generator can make a take again from a frame on.
    """
    drifting = [f for f in findings if f["status"] == "drift"]
    if word == "circle":
        return Step("circle", "Nothing drifts.")
    if word != "retake" or not drifting:
        return Step("escalate", _reason(drifting) or "It cannot be judged by machine.")
    repair = None if repaired else repair_for(drifting)
    if repair is not None:
        return Step("repair", _reason(drifting), repair)
    if attempt < attempts:
        start = pickup_from(drifting) if pickups and not repaired else None
        return Step("retake", _reason(drifting), pickup=start)
    tried = "one take" if attempt == 1 else f"{attempt} takes"
    return Step("escalate", f"Still drifting after {tried}: {_reason(drifting)}")


def repair_for(drifting: Sequence[Finding]) -> Repair | None:
    """The repair that is smaller than a retake for what drifts, or None.

    A grade finding that carries a CDL is repaired by it, a mirrored picture is flopped, a level of
    sound is changed; anything else has to be made again.
    """
    attributes = {f["attribute"] for f in drifting}
    if attributes == {"geometry/mirrored"}:
        return "flop"
    if attributes == {"sound/loudness"} and gain_db(drifting) is not None:
        return "gain"
    if {f["check"] for f in drifting} == {"grade"} and any(f.get("cdl") for f in drifting):
        return "cdl"
    return None


def pickup_from(drifting: Iterable[Finding]) -> int | None:
    """The frame from which to make a take again that only drifts away from its own start.

    None where something else drifts too: then the start is no better than the rest. Drift inside a
    shot is measured between its ends and taken to grow evenly, so that it reaches half of the
    tolerance, what a cut hides, at the share ``tolerance / (2 magnitude)`` of the shot.
    """
    starts: list[int] = []
    for finding in drifting:
        size, most, frames = (finding.get(k) for k in ("magnitude", "tolerance", "frames"))
        if finding.get("against") != "itself" or not size or most is None or not frames:
            return None
        first, last = min(frames), max(frames)
        starts.append(first + int((last - first) * min(1.0, most / (2 * size))))
    return min(starts, default=None)


def gain_db(drifting: Iterable[Finding]) -> float | None:
    """By how much the level must change so that loudness meets its reference, dB; None unknown."""
    for finding in drifting:
        if finding["attribute"] != "sound/loudness":
            continue
        values = [_number((finding.get(side) or {}).get("text")) for side in ("reference", "this")]
        if values[0] is not None and values[1] is not None:
            return round(values[0] - values[1], 2)
    return None


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").split()[0])
    except (ValueError, IndexError):
        return None


def after_failure(failures: Sequence[str], attempt: int, attempts: int = ATTEMPTS) -> Step:
    """What follows a round in which no take was made at all."""
    why = failures[0] if failures else "No take was made."
    if attempt < attempts and not any("declined" in f for f in failures):
        return Step("retake", why)
    return Step("escalate", why)


def accepted(
    findings: Iterable[Finding],
    intended: Iterable[tuple[Sequence[str], Sequence[str]]],
    now: Mapping[str, str],
    media: str,
) -> list[Finding]:
    """Findings that nobody has accepted; an acceptance holds only for what it was seen on.

    Args:
        intended: (attribute paths, digests of the media seen) of each ruling "intended".
        now: shot to digest of the take that stands for it.
        media: digest of the take that the findings are about.
    """
    out: list[Finding] = []
    for finding in findings:
        other = finding.get("other")
        seen = {media} | ({now[other]} if other is not None and other in now else set())
        if not any(
            (not paths or finding["attribute"] in paths) and seen <= set(digests)
            for paths, digests in intended
        ):
            out.append(finding)
    return out


def better(one: tuple[str, float], two: tuple[str, float]) -> bool:
    """Whether candidate `one` (verdict, score) is better than `two`."""
    order = {"circle": 0, "retake": 1, "escalate": 2}
    return (order[one[0]], one[1]) < (order[two[0]], two[1])


def _reason(drifting: Sequence[Finding]) -> str:
    """The strongest finding in one sentence."""
    if not drifting:
        return ""
    worst = min(drifting, key=lambda f: (f.get("p_value") is None, f.get("p_value") or 0.0))
    text = str(worst.get("reason") or "")
    if text:
        return text
    size = ""
    if worst.get("magnitude") is not None and worst.get("tolerance") is not None:
        size = f" by {worst['magnitude']:.2g} {worst['unit']} (tolerance {worst['tolerance']:.2g})"
    return f"{worst['attribute']} drifts{size}."
