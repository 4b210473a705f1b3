"""The catalog of models: what each can make, what it costs, when it dies and what follows it.

`catalog.toml` has one row per model, alive or retired; an adapter asks here before it sends
anything. A request is checked by `check`, one function for every adapter, so that a limit is
written down once and refused in one sentence before it costs a cent.
"""

from __future__ import annotations

import datetime
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, Literal

from filmgate.errors import BadSetting, CannotExpress
from filmgate.models.generator import Capability, Picture, Request
from filmgate.settings import nearest

Audio = Literal["none", "switch", "always"]
Size = tuple[int, int]

HD_PX = 1280 * 720
LARGEST_SEED = 2**32 - 1
"""Seeds are unsigned 32-bit numbers at every provider in the catalog that takes one."""
SAME_SHAPE = 0.02
"""How far a picture's shape may be from a listed one, as a share: 1376x768 passes for 16:9."""
TAG = re.compile(r"[A-Za-z][A-Za-z0-9_]{2,15}")
"""A reference's tag (Runway's rule, runwayml 5.24)."""
ANY = "*"
"""Among the parameters of a row: it takes whatever is asked."""
FRAMES = ("first_frame", "last_frame")


@dataclass(frozen=True, slots=True)
class Price:
    """One line of a price list; what is None applies to any request.

    Attributes:
        usd_per_s: US dollars per second of footage.
        usd_each: US dollars per picture or take.
        sound: for takes with sound, or without.
        up_to_px: for pictures of at most this many pixels.
    """

    usd_per_s: float | None = None
    usd_each: float | None = None
    sound: bool | None = None
    up_to_px: int | None = None

    def of(self, request: Request, audio: Audio) -> float | None:
        """What `request` costs by this line, US dollars; None when the line is not about it."""
        sound = {"none": False, "always": True, "switch": request.sound}[audio]
        if self.sound is not None and self.sound != sound:
            return None
        if self.up_to_px is not None and math.prod(request.size) > self.up_to_px:
            return None
        return (self.usd_per_s or 0.0) * request.duration_s + (self.usd_each or 0.0)


@dataclass(frozen=True, slots=True)
class Row:
    """One model.

    Attributes:
        model: id as the provider writes it.
        protocol: name of the generator that speaks to it.
        kinds: what comes out, ``video`` or ``image``.
        starts_from: ``text``, ``image`` (a first frame), ``video`` (footage to be changed).
        durations_s: lengths it makes, seconds; empty for any from `shortest_s` to `longest_s`.
        whole_s: whether lengths are whole seconds.
        sizes: pictures (width, height) px it makes; empty for any even size of `aspects`.
        text_sizes: those it makes from words alone, where they are fewer.
        aspects: shapes of stills ("16:9"); empty for any.
        tiers: name of a still's size -> side in px of the square with as many pixels.
        rates: frames per second it makes; empty when the provider does not say.
        prompt_chars: longest prompt, UTF-16 code units; 0 for no stated limit.
        seed, seeded: whether it takes a seed; whether the same seed gives the same take.
        negative: whether what must not be seen has a field of its own.
        first_frame, last_frame: whether a request can say how the take starts, or ends.
        references, references_at_least: how many pictures of people, things or looks it takes.
        reference_roles: which roles those may have.
        references_s: the only length with references, seconds.
        references_alone: whether references exclude first and last frame.
        over_720p_s: the only length for pictures larger than 1280x720, seconds.
        tags: whether the prompt speaks of a reference as "@tag".
        audio: ``none``, ``switch`` (a request can say) or ``always``.
        parameters: names that `Request.parameters` may hold, or "*" for any.
        offline: whether it needs no network.
        price: price list, the first line that fits counts; empty when the price is not known.
        price_source: who says so, and when.
        retires_on: day announced for its end (not before), None when none is.
        retired: day since which it is off, None while it is on.
        replaced_by: model to use instead, "" for none.
        replaced_by_us: whether that is the nearest here, not the provider's own word.
        source: who says so, and when.
    """

    model: str
    protocol: str
    kinds: tuple[str, ...]
    starts_from: tuple[str, ...] = ("text",)
    durations_s: tuple[float, ...] = ()
    shortest_s: float = 0.0
    longest_s: float = math.inf
    whole_s: bool = False
    sizes: tuple[Size, ...] = ()
    text_sizes: tuple[Size, ...] = ()
    aspects: tuple[str, ...] = ()
    tiers: Mapping[str, int] = field(default_factory=dict)
    rates: tuple[str, ...] = ()
    prompt_chars: int = 0
    seed: bool = False
    seeded: bool = False
    negative: bool = False
    first_frame: bool = False
    last_frame: bool = False
    references: int = 0
    references_at_least: int = 0
    reference_roles: tuple[str, ...] = ()
    references_s: float | None = None
    references_alone: bool = False
    over_720p_s: float | None = None
    tags: bool = False
    audio: Audio = "none"
    parameters: tuple[str, ...] = ()
    offline: bool = False
    price: tuple[Price, ...] = ()
    price_source: str = ""
    retires_on: datetime.date | None = None
    retired: datetime.date | None = None
    replaced_by: str = ""
    replaced_by_us: bool = False
    source: str = ""

    @property
    def takes_s(self) -> float:
        """Longest take, seconds; 0 for stills."""
        if "video" not in self.kinds:
            return 0.0
        return max(self.durations_s) if self.durations_s else self.longest_s


def parsed(values: Mapping[str, Any]) -> Row:
    """A row from plain TOML values.

    Raises:
        BadSetting: an unknown key, or one that is missing.
    """
    plain = dict(values)
    for key in ("sizes", "text_sizes"):
        if key in plain:
            plain[key] = tuple((int(width), int(height)) for width, height in plain[key])
    try:
        plain["price"] = tuple(Price(**line) for line in plain.get("price", ()))
        frozen: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in plain.items()
        }
        return Row(**frozen)
    except TypeError as error:
        raise BadSetting(f"The model '{plain.get('model', '?')}' is described wrongly: {error}."
                         ) from None  # fmt: skip


@cache
def rows() -> tuple[Row, ...]:
    """Every model, alive or retired, in the order of `catalog.toml`."""
    with Path(__file__).with_name("catalog.toml").open("rb") as file:
        return tuple(parsed(values) for values in tomllib.load(file)["model"])


def alive(protocol: str) -> tuple[Row, ...]:
    """The models of one protocol that are on; the first is the one to use by default."""
    return tuple(r for r in rows() if r.protocol == protocol and r.retired is None)


def row(model: str) -> Row:
    """The row of `model`, retired or not.

    Raises:
        CannotExpress: no such model; suggests the nearest name.
    """
    for one in rows():
        if one.model == model:
            return one
    near = nearest(model, [one.model for one in rows()])
    raise CannotExpress(f"There is no model '{model}' in the catalog.{near}")


def find(model: str, protocol: str) -> Row:
    """The row of a model that the generator `protocol` can use today.

    Raises:
        CannotExpress: it is not in the catalog, is another generator's, or is retired; the last is
            said with its date and the id of its successor.
    """
    found = row(model)
    if found.protocol != protocol:
        raise CannotExpress(
            f"The model '{model}' is made by the generator '{found.protocol}', not '{protocol}'."
        )
    if found.retired is not None:
        raise CannotExpress(retirement(found))
    return found


def successor(one: Row) -> Row | None:
    """The model to use instead of a retired one, followed until one that is on."""
    seen = {one.model}
    while one.replaced_by and one.replaced_by not in seen:
        one = row(one.replaced_by)
        if one.retired is None:
            return one
        seen.add(one.model)
    return None


def retirement(one: Row) -> str:
    """One sentence on the end of a retired model and what follows it."""
    follows = successor(one)
    said = f"The model '{one.model}' was retired on {one.retired}"
    if follows is None:
        return f"{said}, and nothing in the catalog replaces it."
    instead = f"'{follows.model}' (generator '{follows.protocol}')"
    if one.replaced_by_us:
        return f"{said} without a successor of its own: the nearest in the catalog is {instead}."
    return f"{said}: use its successor {instead}."


def dying(today: datetime.date, within_days: int) -> tuple[Row, ...]:
    """Models still on whose announced end is at most `within_days` after `today`; soonest first."""
    last = today + datetime.timedelta(days=within_days)
    doomed = [
        (one.retires_on, one)
        for one in rows()
        if one.retired is None and one.retires_on is not None and one.retires_on <= last
    ]
    return tuple(one for _, one in sorted(doomed, key=lambda pair: (pair[0], pair[1].model)))


def capability(one: Row, finds: bool = False) -> Capability:
    """What `one` offers, as generators tell it; `finds`: whether lost jobs can be asked for."""
    return Capability(
        one.model, one.kinds, one.takes_s, one.sizes, sound=one.audio != "none",
        seeded=one.seeded, offline=one.offline, references=one.references,
        first_frame=one.first_frame, last_frame=one.last_frame, finds=finds,
    )  # fmt: skip


def price_usd(one: Row, request: Request, options: Mapping[str, Any] | None = None) -> float:
    """What `request` costs, US dollars.

    Args:
        options: options of the generator; ``prices`` in them, model -> US dollars per second (per
            picture for stills), counts before the catalog.

    Raises:
        BadSetting: no price is known; says where to give one.
    """
    own = dict(dict(options or {}).get("prices") or {}).get(one.model)
    if own is not None:
        if isinstance(own, bool) or not isinstance(own, int | float) or not 0 <= own < math.inf:
            raise BadSetting(f"The price of '{one.model}' must be US dollars from 0, not '{own}'.")
        return own * request.duration_s if "video" in one.kinds else float(own)
    for line in one.price:
        if (usd := line.of(request, one.audio)) is not None:
            return usd
    raise BadSetting(
        f"The price of '{one.model}' for {_sized(request.size)} is not known: give it as "
        f'prices = {{ "{one.model}" = … }} in [generators.{one.protocol}], '
        "or run without a budget in dollars."
    )


def words(one: Row, request: Request) -> tuple[str, str]:
    """Prompt and negative prompt as they are to be sent.

    A model without a field for what must not be seen gets it at the end of the prompt.
    """
    prompt, negative = request.prompt.strip(), request.negative.strip().rstrip(".")
    if one.negative or not negative:
        return prompt, negative
    return f"{prompt.rstrip('.')}. Not in the picture: {negative}.".lstrip(". "), ""


def frame(request: Request, role: Literal["first_frame", "last_frame"]) -> Picture | None:
    """The picture that a request starts or ends with."""
    return next((p for p in request.pictures if p.role == role), None)


def references(request: Request) -> tuple[Picture, ...]:
    """The pictures of people, things and looks that a request carries."""
    return tuple(p for p in request.pictures if p.role not in FRAMES)


def aspect(one: Row, size: Size) -> str:
    """The listed shape ("16:9") that a picture of `size` has.

    Raises:
        CannotExpress: none of them is within 2 %.
    """
    shape = size[0] / size[1]
    best = min(one.aspects, key=lambda a: abs(math.log(_shape(a) / shape)))
    if abs(math.log(_shape(best) / shape)) > SAME_SHAPE:
        listed = _listed(one.aspects)
        raise CannotExpress(f"{one.model} makes pictures of {listed}, not {_sized(size)}.")
    return best


def tier(one: Row, size: Size) -> str:
    """Name of the smallest size ("2K") with at least about as many pixels as `size`.

    Raises:
        CannotExpress: it is larger than any.
    """
    for name, side in sorted(one.tiers.items(), key=lambda item: item[1]):
        if math.sqrt(math.prod(size)) <= side * 1.1:
            return name
    raise CannotExpress(f"{one.model} makes pictures of at most {max(one.tiers.values())} px "
                        f"squared, not {_sized(size)}.")  # fmt: skip


def check(one: Row, request: Request) -> None:
    """Refuse what the model cannot make; sends nothing and opens no file.

    Sound is no ground to refuse: a silent model makes silent takes, as `Capability.sound` tells.

    Raises:
        CannotExpress: the first thing that does not fit, in one sentence with the limit.
    """
    if one.retired is not None:
        raise CannotExpress(retirement(one))
    for look in (_check_words, _check_picture, _check_length, _check_references, _check_rest):
        wrong = look(one, request)
        if wrong:
            raise CannotExpress(f"{one.model} {wrong}.")


def _check_words(one: Row, request: Request) -> str | None:
    prompt, negative = words(one, request)
    if not prompt and one.starts_from != ("video",):
        return "needs a prompt, and there is none"
    for text, what in ((prompt, "a prompt"), (negative, "a negative prompt")):
        units = len(text.encode("utf-16-le")) // 2
        if one.prompt_chars and units > one.prompt_chars:
            return f"takes {what} of at most {one.prompt_chars} characters, not {units}"
    return None


def _check_length(one: Row, request: Request) -> str | None:
    if "video" not in one.kinds:
        return None
    asked = f"not {_seconds(request.duration_s)}"
    if one.durations_s and request.duration_s not in one.durations_s:
        return f"makes takes of {_listed([f'{d:g}' for d in one.durations_s])} s, {asked}"
    if not math.isfinite(request.duration_s) or not (
        one.shortest_s <= request.duration_s <= one.longest_s
    ):
        return f"makes takes of {one.shortest_s:g} to {one.longest_s:g} s, {asked}"
    if one.whole_s and request.duration_s != int(request.duration_s):
        return f"makes takes of whole seconds, {asked}"
    if one.references_s and references(request) and request.duration_s != one.references_s:
        return f"takes reference pictures only for takes of {one.references_s:g} s, {asked}"
    large = math.prod(request.size) > HD_PX
    if one.over_720p_s and large and request.duration_s != one.over_720p_s:
        return (
            f"makes pictures larger than 1280x720 only in takes of {one.over_720p_s:g} s, {asked}"
        )
    return None


def _check_picture(one: Row, request: Request) -> str | None:
    width, height = request.size
    if width < 2 or height < 2 or width % 2 or height % 2:
        return f"makes pictures of even width and height, not {_sized(request.size)}"
    sizes = one.sizes
    if one.text_sizes and frame(request, "first_frame") is None:
        sizes = one.text_sizes
    if sizes and request.size not in sizes:
        return (
            f"makes pictures of {_listed([_sized(s) for s in sizes])}, not {_sized(request.size)}"
        )
    if one.aspects:
        aspect(one, request.size)
    if one.tiers:
        tier(one, request.size)
    if one.rates and _rate(request.rate) not in [Fraction(rate) for rate in one.rates]:
        return f"makes {_listed(one.rates)} frames per second, not {request.rate}"
    return None


def _check_references(one: Row, request: Request) -> str | None:
    first, last = frame(request, "first_frame"), frame(request, "last_frame")
    sent = references(request)
    for picture, able, what in ((first, one.first_frame, "first"), (last, one.last_frame, "last")):
        if picture is not None and not able:
            return f"takes no {what} frame"
        if sum(p.role == f"{what}_frame" for p in request.pictures) > 1:
            return f"takes one {what} frame, not several"
    if "text" not in one.starts_from and "image" in one.starts_from and first is None:
        return "needs a first frame, and there is none"
    if last is not None and first is None:
        return "takes a last frame only together with a first frame"
    if len(sent) > one.references:
        return f"takes at most {one.references} reference pictures, not {len(sent)}"
    if len(sent) < one.references_at_least:
        return f"needs at least {one.references_at_least} reference picture"
    for picture in sent:
        if picture.role not in one.reference_roles:
            return f"takes reference pictures as {_listed(one.reference_roles)}, not {picture.role}"
    if one.references_alone and sent and (first or last):
        return "takes reference pictures or a first and last frame, not both"
    return _check_tags(sent) if one.tags else None


def _check_tags(sent: Sequence[Picture]) -> str | None:
    tags = [picture.tag for picture in sent if picture.tag]
    for tag in tags:
        if not TAG.fullmatch(tag):
            return (
                "takes tags of 3 to 16 letters, digits and underscores that start with a letter, "
                f"not '{tag}'"
            )
        if tags.count(tag) > 1:
            return f"needs a tag of its own for every reference picture: '{tag}' is there twice"
    return None


def _check_rest(one: Row, request: Request) -> str | None:
    if one.seed and request.seed is not None and not 0 <= request.seed <= LARGEST_SEED:
        return f"takes seeds from 0 to {LARGEST_SEED}, not {request.seed}"
    for name in request.parameters:
        if name not in one.parameters and ANY not in one.parameters:
            known = _listed(one.parameters) if one.parameters else "none"
            return f"takes no parameter '{name}' (known: {known})"
    return None


def _rate(text: str) -> Fraction:
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError):
        raise CannotExpress(f"'{text}' is not a frame rate, such as 24 or 24000/1001.") from None


def _shape(text: str) -> float:
    width, height = text.split(":")
    return int(width) / int(height)


def _sized(size: Size) -> str:
    return f"{size[0]}x{size[1]}"


def _seconds(duration_s: float) -> str:
    return f"{duration_s:g} s"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" or {names[-1]}" if len(names) > 1 else "".join(names)
