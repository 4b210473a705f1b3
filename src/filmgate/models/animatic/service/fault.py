"""How previz fails: as a real model does, at a stated rate, and exactly the same every time.

Every question below is answered by a hash of (seed, slate, number of the take, question), so that
nothing depends on the order or the process in which takes are made.

1.  The first take drifts with probability ``drift_rate``. Or, told ``drifting = 12, of = 400``,
    exactly twelve of 400 shots do, chosen by the seed.
2.  What drifts is chosen evenly among the ``kinds`` that the shot can show, its size evenly between
    the two ends of ``sizes``.
3.  A retake of a take that did not drift draws anew at the rate.
4.  A retake that asks for the attribute that drifted (a revision of its path) gets it with
    probability ``obeys``; then anything else may drift at the rate. If not, the same drift stays.
5.  A retake that does not ask for it keeps the same drift with probability ``sticky``, and
    otherwise draws anew.

Where the take before is on record (its truth lies in the folder) that record is what counts;
otherwise the takes before are worked out as if nothing had been revised in them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from filmgate.errors import CannotExpress, UsageError
from filmgate.models.animatic.drift import PERSON_KINDS, UNITS, Drift, apply, prominent
from filmgate.models.animatic.sequence import SIGNED, SIZES, central
from filmgate.models.animatic.service.words import chance, number_of, pick, real, whole
from filmgate.models.animatic.spec import ShotSpec
from filmgate.schema.look import canonical
from filmgate.settings import nearest

_ANSWERS: dict[str, tuple[str, ...]] = {
    "wardrobe": ("wardrobe",), "identity": ("identity",), "in_shot": ("in_shot",),
    "grade": ("grade",),
    "lighting_level": ("lighting/level", "lighting/balance", "lighting/contrast",
                       "grade/exposure"),
    "lighting_cct": ("lighting/colour_temperature", "lighting/colour_temperature_k",
                     "lighting/cct_k", "lighting/balance", "grade/colour_balance"),
    "key_side": ("lighting/key_side", "lighting/balance", "lighting/contrast"),
    "mirror": ("geometry/mirrored",), "horizon": ("geometry/horizon",),
    "camera_height": ("geometry/camera_height",),
    "set_layout": ("geometry/layout", "geometry/set", "world"),
    "loudness": ("sound/loudness", "sound/loudness_lufs"),
    "room_tone": ("sound/room_tone", "sound/tone"),
}  # fmt: skip
"""Kind of drift -> attribute paths whose revision asks for it to go away."""
_NOTE = "note"  # path of a reviewer's note in words, which is about whatever drifted
_LEAST_SHARE = 0.02  # of the frame, for a thing whose move would be seen
_EVEN = 0.2  # sine of the key's angle to the view, below which the light has no side
_MOST_TAKES = 1000
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # as in `schema.plan.letters`


@dataclass(frozen=True, slots=True)
class Faults:
    """The failing model's constants.

    Attributes:
        drift_rate: probability that a take drifts, 0..1.
        seed: another seed, other drifts.
        kinds: kinds to choose from; all that the shot can show by default.
        sizes: kind to size, or to (smallest, largest), in the unit of `drift.UNITS`; `SIZES` where
            it is silent.
        obeys: probability that a retake does what a revision asks for.
        sticky: probability that a drift nobody named stays in a retake.
        drifting, of, index: this shot is number `index` (from 0) of `of`, of which exactly
            `drifting` first takes drift; `drift_rate` is then that of later takes, `drifting`/`of`
            if it is not given. Without `index` the letters of the slate count ("1A" is 0, "1B" is
            1), which is right for the shots of one scene.
        sequence: the shots that `drifting` and `of` speak of are those of this sequence; the others
            drift at `drift_rate`.
    """

    drift_rate: float = 0.0
    seed: int = 0
    kinds: tuple[str, ...] = tuple(UNITS)
    sizes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    obeys: float = 0.9
    sticky: float = 0.5
    drifting: int | None = None
    of: int | None = None
    index: int | None = None
    sequence: str | None = None

    def fingerprint(self) -> str:
        """The same for takes of one model, whichever shot they are of."""
        plain = dataclasses.asdict(dataclasses.replace(self, index=None))
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]

    def plain(self) -> dict[str, Any]:
        """These constants as plain JSON values."""
        return dataclasses.asdict(self)


def read(values: Mapping[str, object], slate: str = "", sequence: str = "") -> Faults:
    """The failing model that ``options`` or ``parameters["previz"]`` describe.

    Args:
        values: the constants that are given.
        slate: the shot's slate, which tells its number where none is given.
        sequence: the sequence it is of.

    Raises:
        CannotExpress: a constant that previz does not have, or one that makes no sense.
    """
    known = [item.name for item in dataclasses.fields(Faults)]
    for name in values:
        if name not in known:
            raise CannotExpress(
                f"Previz has no setting '{name}': it has {', '.join(known)}.{nearest(name, known)}"
            )
    said: dict[str, Any] = {k: v for k, v in values.items() if v is not None}
    for name in ("drift_rate", "obeys", "sticky"):
        if name in said:
            said[name] = real(said[name], name, 0, 1, "")
    for name in ("seed", "drifting", "of", "index"):
        if name in said:
            said[name] = whole(said[name], name)
    if "kinds" in said:
        said["kinds"] = _kinds(said["kinds"])
    if "sizes" in said:
        said["sizes"] = _sizes(said["sizes"])
    if "sequence" in said and said["sequence"] != sequence:
        said = {k: v for k, v in said.items() if k not in ("drifting", "of", "index")}
    return _counted(said, slate)


def _counted(said: dict[str, Any], slate: str) -> Faults:
    """The constants, with the shot's number among those of which an exact count drifts."""
    drifting, of = said.get("drifting"), said.get("of")
    if drifting is None and of is None and "index" not in said:
        return Faults(**said)
    if drifting is None or of is None or not 0 <= drifting <= of or of < 1:
        raise CannotExpress(
            f"'drifting' of 'of' shots drift: both are needed, not {drifting} of {of}."
        )
    index = said.setdefault("index", index_of(slate))
    if index < 0 or ("sequence" not in said and index >= of):
        raise CannotExpress(f"This shot is number {index} (from 0) of {of}: 'of' is too small.")
    said.setdefault("drift_rate", drifting / of)
    return Faults(**said)


def index_of(slate: str) -> int:
    """The number that the letters of a slate count, from 0: "1A" is 0, "12B" is 1, "1AA" is 24."""
    found = re.search(r"([A-HJ-NP-Z]+)$", slate)
    number = 0
    for letter in found.group(1) if found else "":
        number = number * len(_LETTERS) + _LETTERS.index(letter) + 1
    return number - 1 if found else number_of("index", slate) % 10**6


def _kinds(value: object) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not value:
        raise CannotExpress(f"'kinds' must be a list of kinds of drift, not {value!r}.")
    for kind in value:
        if kind not in UNITS:
            raise CannotExpress(f"No drift is called '{kind}': there are {', '.join(UNITS)}.")
    return tuple(kind for kind in UNITS if kind in value)


def _sizes(value: object) -> dict[str, tuple[float, float]]:
    if not isinstance(value, Mapping):
        raise CannotExpress(f"'sizes' must be a table of kind and size, not {value!r}.")
    out: dict[str, tuple[float, float]] = {}
    for kind, size in value.items():
        if kind not in UNITS:
            raise CannotExpress(f"No drift is called '{kind}': there are {', '.join(UNITS)}.")
        ends = size if isinstance(size, list | tuple) else [size, size]
        if len(ends) != 2:
            raise CannotExpress(f"The size of '{kind}' must be a number or two, not {size!r}.")
        low, high = (real(end, f"size of {kind}", -1e4, 1e4, f" {UNITS[kind]}") for end in ends)
        out[str(kind)] = (low, high)
    return out


def drift_of(faults: Faults, spec: ShotSpec, slate: str, take: int,
             revised: Iterable[str] = (),
             record: Callable[[int], Drift | None] | None = None) -> Drift | None:  # fmt: skip
    """What drifts in take `take` of the shot `slate`, whose clean description is `spec`.

    Args:
        faults: the model's constants.
        spec: the shot as asked for.
        slate: the shot's slate.
        take: number of the take, from 1.
        revised: attribute paths that this take asks for differently.
        record: what was planted in an earlier take; raises KeyError where that is not known.
    """
    if take > _MOST_TAKES:
        raise CannotExpress(f"Previz makes at most {_MOST_TAKES} takes of a shot.")
    now: Drift | None = None
    start = 0
    if record is not None:
        for earlier in range(take - 1, 0, -1):
            try:
                now, start = record(earlier), earlier
            except KeyError:
                continue
            break
    for number in range(start + 1, take + 1):
        paths = tuple(revised) if number == take else ()
        now = _next(faults, spec, slate, number, now, paths)
    return now


def _next(faults: Faults, spec: ShotSpec, slate: str, take: int, before: Drift | None,
          revised: Sequence[str]) -> Drift | None:  # fmt: skip
    """What drifts in a take, given what did in the one before."""
    who = (faults.seed, slate, take)
    if take == 1:
        return _first(faults, spec, slate)
    if before is None:
        return _anew(faults, spec, slate, take)
    if asked_for(before, revised):
        if chance(*who, "obeys") < faults.obeys:
            return _anew(faults, spec, slate, take, besides=before.kind)
        return _again(spec, before)
    if chance(*who, "sticky") < faults.sticky:
        return _again(spec, before)
    return _anew(faults, spec, slate, take)


def _first(faults: Faults, spec: ShotSpec, slate: str) -> Drift | None:
    if faults.drifting is None or faults.of is None:
        return _anew(faults, spec, slate, 1)
    order = sorted(range(faults.of), key=lambda i: (chance(faults.seed, "of", faults.of, i), i))
    if faults.index not in order[: faults.drifting]:
        return None
    return _drawn(faults, spec, slate, 1)


def _anew(faults: Faults, spec: ShotSpec, slate: str, take: int,
          besides: str | None = None) -> Drift | None:  # fmt: skip
    if chance(faults.seed, slate, take, "drifts") >= faults.drift_rate:
        return None
    return _drawn(faults, spec, slate, take, besides)


def _again(spec: ShotSpec, drift: Drift) -> Drift | None:
    """The same drift once more, unless the shot as now asked for cannot show it."""
    try:
        apply(spec, drift)
    except UsageError:
        return None
    return drift


def _drawn(faults: Faults, spec: ShotSpec, slate: str, take: int,
           besides: str | None = None) -> Drift | None:  # fmt: skip
    """A drift of a kind and size chosen by chance, or None when the shot can show none."""
    who = (faults.seed, slate, take)
    kinds = [kind for kind in faults.kinds if kind != besides]
    kinds.sort(key=lambda kind: chance(*who, "kind", kind))
    for kind in kinds:
        low, high = faults.sizes.get(kind, SIZES[kind])
        size = round(pick(low, high, *who, "size", kind), 4)
        if kind in SIGNED and kind not in faults.sizes and chance(*who, "sign", kind) < 0.5:
            size = -size
        drift = fitting(spec, kind, size)
        if drift is not None:
            return drift
    return None


def fitting(spec: ShotSpec, kind: str, size: float) -> Drift | None:
    """A drift of `kind` that `spec` can show, or None: nobody there, nothing to move, no side."""
    person, detail = None, ""
    if kind in (*PERSON_KINDS, "in_shot"):
        if not spec.people:
            return None
        person = central(spec).name
    if kind == "set_layout":
        things = [item for item in prominent(spec) if item[1] < 0.35]
        if not things or things[0][1] < _LEAST_SHARE:
            return None
        detail = things[0][0]
    if kind == "key_side":
        turn = math.radians(spec.light.azimuth_deg - spec.camera.pan_deg)
        if abs(math.sin(turn)) < _EVEN:
            return None
    drift = Drift(kind, size, UNITS[kind], 0, person, detail)  # type: ignore[arg-type]
    try:
        apply(spec, drift)
    except UsageError:
        return None
    return drift


def asked_for(drift: Drift, revised: Iterable[str]) -> bool:
    """Whether a revision of one of these attribute paths asks for `drift` to go away.

    A path may be as wide as its check ("lighting") or as narrow as a finding's attribute. People
    may be called by a report's label ("wardrobe/person_1/upper"): then whoever drifted is meant.
    """
    for path in revised:
        said = canonical(path)
        if said in ("", _NOTE):
            return True
        for answer in _ANSWERS[drift.kind]:
            if not (said == answer or said.startswith(f"{answer}/")
                    or answer.startswith(f"{said}/")):  # fmt: skip
                continue
            if drift.kind in PERSON_KINDS and "/" in said and drift.person:
                name = said.split("/")[1]
                if name != drift.person.lower() and not name.startswith("person"):
                    continue
            return True
    return False
