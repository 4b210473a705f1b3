"""A request read: which take of which shot, what it must look like, how it is to be written."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from filmgate.errors import CannotExpress, UsageError
from filmgate.models.animatic import drift as drifts
from filmgate.models.animatic.service import fault, stills
from filmgate.models.animatic.service.description import described, rows
from filmgate.models.animatic.service.words import number_of, whole
from filmgate.models.animatic.spec import ShotSpec, from_plain
from filmgate.models.generator import Request

_PARAMETERS = ("spec", "drifts", "crf", "bit_rate", "gop", "previz", "pickup", "still")
# Options that tell the loop, not the renderer, what to do.
_LOOP = ("timeout_s", "poll_s", "in_flight", "patience_s", "listing_s", "prices", "size", "rate")
_TAKE = re.compile(r"(?:^|-)(\d{1,6})$")


@dataclass(frozen=True, slots=True)
class Wish:
    """A request in the renderer's terms.

    Attributes:
        slate: slate of the shot.
        take: number of the take, from 1.
        spec: the shot as asked for, with nothing planted in it.
        faults: how it may fail.
        planted: drifts that the request itself asks for.
        revised: attribute paths that it asks for differently than the take before.
        pickup: frame from which the shot is made again, None for a whole take.
        crf, bit_rate, gop: as in `shot.render`.
        still: kind of picture, "" for a take.
    """

    slate: str
    take: int
    spec: ShotSpec
    faults: fault.Faults
    planted: tuple[drifts.Drift, ...] = ()
    revised: tuple[str, ...] = ()
    pickup: int | None = None
    crf: float | None = None
    bit_rate: int | None = None
    gop: int = 24
    still: str = ""


def read(request: Request, options: Mapping[str, object], still: bool) -> Wish:
    """What `request` asks for.

    Args:
        request: the request.
        options: the generator's own table of settings.
        still: whether the model makes a picture instead of a take.

    Raises:
        CannotExpress: previz cannot make it; one sentence says why.
    """
    try:
        return _read(request, options, still)
    except CannotExpress as problem:
        slate = request.shot.get("slate")
        raise CannotExpress(f"Shot {slate}: {problem}" if slate else str(problem)) from None
    except UsageError as problem:
        raise CannotExpress(str(problem)) from None


def _read(request: Request, options: Mapping[str, object], still: bool) -> Wish:
    unknown = sorted(set(request.parameters) - set(_PARAMETERS))
    if unknown:
        raise CannotExpress(
            f"Previz has no parameter '{unknown[0]}': it has {', '.join(_PARAMETERS)}."
        )
    if request.pictures:
        raise CannotExpress("Previz draws from the description and takes no reference pictures.")
    slate, take = _slate(request)
    pickup = _pickup(request)
    seed = number_of("take", request.seed, slate, take) % 2**31
    frame_count, rate = _length(request)
    spec = request.parameters.get("spec")
    if spec is not None:
        shot = from_plain(ShotSpec, {"seed": request.seed or 0, **_table(spec, "spec")})
    else:
        base = ShotSpec(frames=frame_count, rate=rate, size=request.size, seed=seed)
        shot = described(request.shot, base, slate)
    if pickup is not None and not (take > 1 and 0 <= pickup < shot.frames):
        raise CannotExpress(
            f"A pickup mends an earlier take from one of its {shot.frames} frames on: this is "
            f"take {take}, from frame {pickup}."
        )
    said = request.parameters.get("still", "")
    crf, bit_rate, gop = _encoding(request)
    return Wish(
        slate, take, shot, _faults(request, options, slate), _planted(request, shot),
        tuple(str(row.get("path", "")) for row in rows(request.shot, "revisions")), pickup,
        crf, bit_rate, gop, stills.kind_of(str(said), request.shot) if still else "",
    )  # fmt: skip


def _faults(request: Request, options: Mapping[str, object], slate: str) -> fault.Faults:
    """How the generator may fail: as its options say, and the request where that says more."""
    usual = {key: value for key, value in options.items() if key not in _LOOP}
    said = _table(request.parameters.get("previz") or {}, "previz")
    return fault.read({**usual, **said}, slate, str(request.shot.get("sequence") or ""))


def _table(value: object, name: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise CannotExpress(f"'{name}' must be a table of names and values, not {value!r}.")
    return dict(value)


def _slate(request: Request) -> tuple[str, int]:
    """The shot's slate, and the number of the take: what follows the last dash of the nonce."""
    slate = str(request.shot.get("slate") or "")
    found = _TAKE.search(request.nonce)
    take = int(found.group(1)) if found else 1
    if not slate:
        slate = request.nonce[: found.start()] if found else request.nonce
    if not slate:
        # Nothing names the shot: what it is must do.
        slate = f"shot_{number_of(request.plain()) % 10**8}"
    if take < 1:
        raise CannotExpress(f"Takes are counted from 1, not {take}.")
    return slate, take


def _length(request: Request) -> tuple[int, int]:
    """Frames and whole frames per second."""
    try:
        exact = Fraction(request.rate)
    except (ValueError, ZeroDivisionError):
        raise CannotExpress(f"The rate is '{request.rate}', but must look like 24000/1001.") from (
            None
        )
    if not 1 <= exact <= 120:
        raise CannotExpress(f"Previz makes 1 to 120 frames a second, not {request.rate}.")
    if not 0 < request.duration_s <= 600:
        raise CannotExpress(f"Previz makes takes of up to 600 s, not {request.duration_s:g} s.")
    return max(1, round(request.duration_s * exact)), round(exact)


def _pickup(request: Request) -> int | None:
    asked = request.parameters.get("pickup")
    if asked is None:
        return None
    table = _table(asked, "pickup")
    if set(table) != {"from_frame"}:
        raise CannotExpress("A pickup is told by 'from_frame', the first frame to be made again.")
    return whole(table["from_frame"], "from_frame of a pickup")


def _planted(request: Request, shot: ShotSpec) -> tuple[drifts.Drift, ...]:
    asked = request.parameters.get("drifts", [])
    if isinstance(asked, str) or not isinstance(asked, Sequence):
        raise CannotExpress("'drifts' must be a list.")
    out = tuple(from_plain(drifts.Drift, row) for row in asked)
    for one in out:
        shot = drifts.apply(shot, one)
    return out


def _encoding(request: Request) -> tuple[float | None, int | None, int]:
    """Quality, bit rate and distance of key frames as asked for."""
    crf, bit_rate = _number(request, "crf"), _number(request, "bit_rate")
    gop = _number(request, "gop")
    if crf is not None and bit_rate is not None:
        raise CannotExpress("Give either crf or bit_rate, not both.")
    if gop is not None and gop < 1:
        raise CannotExpress(f"gop is {gop:g}, but must be at least 1 frame.")
    return crf, None if bit_rate is None else int(bit_rate), 24 if gop is None else int(gop)


def _number(request: Request, name: str) -> float | None:
    value = request.parameters.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise CannotExpress(f"{name} is {value!r}, but must be a number.")
    return float(value)


def made(wish: Wish, before: drifts.Drift | None, drift: drifts.Drift | None) -> (
    tuple[ShotSpec, tuple[drifts.Drift, ...]]
):  # fmt: skip
    """The shot to be rendered, and what of it was planted.

    Args:
        wish: what is asked for.
        before: for a pickup, what drifted in the take it mends.
        drift: what drifts in this take; not looked at for a pickup.
    """
    one = before if wish.pickup is not None else drift
    found = [*wish.planted, *([one] if one is not None else [])]
    spec = wish.spec
    for each in found:
        spec = drifts.apply(spec, each)
    if wish.pickup is None or spec.ramp is None:
        return spec, tuple(found)
    # Up to the pickup the take is as it was; from there on the ramp is gone.
    spec = dataclasses.replace(spec, ramp=dataclasses.replace(spec.ramp, until=wish.pickup))
    part = wish.pickup / max(spec.frames - 1, 1)
    kept = [
        dataclasses.replace(d, size=d.size * part, detail=f"up to frame {wish.pickup}")
        if d.kind == "in_shot" else d
        for d in found
        if d.kind != "in_shot" or wish.pickup > 0
    ]  # fmt: skip
    return spec, tuple(kept)
