"""Which B-pictures of an H.264 stream nothing wanted refers to.

A picture marked as a reference must be decoded, as anything later may look at it. In a pyramid half
of the B-pictures are marked so, for the sake of the other half. Whether P-pictures look at them too
is written in the headers of their slices (ITU-T H.264, 7.3.3): one that names a single reference
says which. Where every P-picture of a run names one that is no B-picture, as streams of fast
presets do, the B-pictures after the last wanted one can be left out, and what comes out is the same
to the bit. Before a wanted B-picture all is kept: libavcodec puts copies in the place of pictures
it was not given, with another's time, and B-pictures look up and weigh by time.

In every other stream nothing is left out: several references, fields, long-term references, gaps,
parameter sets that change, runs that do not begin with an IDR picture (libavcodec may wait for a
picture of a certain number there), headers that cannot be read.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final

_HEAD: Final = 64
"""Bytes of a slice that hold the fields read here, unless its lists are changed many times."""
_SET: Final = 1024
"""Bytes of a parameter set that hold the fields read here, with every scaling list."""

_SLICE, _IDR, _SPS, _PPS = 1, 5, 7, 8
_KINDS: Final = "PBIPI"
"""Of slices, by their number (table 7-6); SP and SI are read as P and I."""
_UNREAD: Final = frozenset({2, 3, 4, 20, 21})
"""Slices in parts, of other layers and of other views: such a stream is left as it is."""

_CHROMA: Final = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
"""Profiles whose sequence header says more of the samples."""


class _Unclear(Exception):
    """The stream does not say what this module needs to know."""


class _Bits:
    """Bits of a header, most significant first."""

    __slots__ = ("left", "value")

    def __init__(self, raw: bytes) -> None:
        raw = raw.replace(b"\0\0\3", b"\0\0")  # emulation prevention, 7.4.1
        self.value = int.from_bytes(raw, "big")
        self.left = len(raw) * 8

    def take(self, count: int) -> int:
        """Read `count` bits as an unsigned number, u(n)."""
        self.left -= count
        if self.left < 0:
            raise _Unclear
        return (self.value >> self.left) & ((1 << count) - 1)

    def number(self) -> int:
        """Read an Exp-Golomb code, ue(v) (9.1)."""
        rest = self.value & ((1 << self.left) - 1)
        zeros = self.left - rest.bit_length()
        if not rest or zeros > 31:
            raise _Unclear
        self.left -= zeros
        return self.take(zeros + 1) - 1

    def signed(self) -> int:
        """Read a signed Exp-Golomb code, se(v)."""
        code = self.number()
        return (code + 1) // 2 if code % 2 else -(code // 2)


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What a sequence parameter set (7.3.2.1) says of slice headers and of marking."""

    planes: bool
    frame_bits: int
    order_type: int
    order_bits: int
    order_fixed: bool
    references: int
    chroma: bool


@dataclass(frozen=True, slots=True)
class _Picture:
    """What a picture parameter set (7.3.2.2) says of slice headers."""

    sequence: int
    bottom: bool
    active: tuple[int, int]
    weighted: tuple[bool, bool]
    redundant: bool


@dataclass(frozen=True, slots=True)
class _Coded:
    """One picture of a run: its place in coded order, its kind ("I", "P" or "B"), and how many
    reference pictures of the run were coded before it.
    """

    position: int
    kind: str
    rank: int


@dataclass(frozen=True, slots=True)
class _Slice:
    """The fields of a slice header that say what it may look at."""

    kind: str
    frame: int
    active: tuple[int, int]
    moved: tuple[int, ...] | None
    sequence: _Sequence


@dataclass(slots=True)
class _Headers:
    """Parameter sets met so far, by number."""

    sequences: dict[int, _Sequence] = field(default_factory=dict)
    pictures: dict[int, _Picture] = field(default_factory=dict)
    known: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def learn(self, nal: bytes) -> None:
        """Keep a parameter set; one that changes makes the stream unclear."""
        kind, bits = nal[0] & 31, _Bits(nal[1:_SET])
        if kind == _SPS:
            number, found = _sequence(bits)
            self.sequences[number] = found
        else:
            number, picture = _picture(bits)
            self.pictures[number] = picture
        if self.known.setdefault((kind, number), nal) != nal:
            raise _Unclear


class Reader:
    """Reads the runs given to one decoder, in that order, and knows what it has been told.

    Args:
        extradata: the decoder's configuration: avcC, Annex B, or none.
    """

    def __init__(self, extradata: bytes | None) -> None:
        self._headers, self._width, self._clear = _Headers(), 0, True
        try:
            self._width = _configured(extradata or b"", self._headers)
        except (_Unclear, IndexError):
            self._clear = False

    def spare(
        self,
        packets: Sequence[Any],
        order: Sequence[int],
        run: tuple[int, int],
        exact: AbstractSet[int],
        loose: Sequence[int] = (),
    ) -> frozenset[int]:
        """Say which B-pictures marked as references can be left out of a run.

        Args:
            packets: the stream's packets by coded position; None where one could not be read.
            order: the display index of every coded position; -1 where it is never shown.
            run: first and last coded position, the first one a clean start.
            exact: display indices that must come out.
            loose: ascending display indices, for each of which the next picture that comes out is
                taken: they must stay as many pictures as they are.

        Returns:
            Coded positions; empty where the stream does not allow it or cannot be understood, which
            it then cannot be in later runs either.
        """
        if not self._clear:
            return frozenset()
        try:
            pictures = _pictures(self._headers, self._width, packets, order, run, exact)
        except (_Unclear, IndexError, KeyError):
            self._clear = False
            return frozenset()
        between = [p.position for p in pictures if p.kind == "B"]
        held = max((p for p in between if order[p] in exact), default=-1)
        found = frozenset(p for p in between if p > held)
        every = sorted(order[p.position] for p in pictures)
        left = sorted(order[p.position] for p in pictures if p.position not in found)
        fewer = _met(left, exact, loose) < _met(every, exact, loose)
        return frozenset() if fewer else found


def _met(shown: Sequence[int], exact: AbstractSet[int], loose: Sequence[int]) -> int:
    """How many pictures of `shown` are wanted, the next of a `loose` index, or before the last."""
    next_ones = {bisect_left(shown, target) for target in loose} - {len(shown)}
    before = bisect_left(shown, max(exact, default=0)) - 1
    wanted = {at for at, index in enumerate(shown) if index in exact}
    return len(next_ones | wanted | ({before} if before >= 0 else set()))


def clean_start(extradata: bytes | None, packet: Any) -> bool:
    """Whether a packet marked as a keyframe is an IDR picture or begins with I-slices alone.

    A stream that renews its pictures piece by piece (intra refresh) marks where a renewal begins:
    from there a decoder gets whole pictures only after a while, and wrong ones before. Of two
    fields the first decides: the second may look at it.

    Returns:
        False for such a packet; True for all others, and where it cannot be told.
    """
    data = extradata or b""
    width = (data[4] & 3) + 1 if data[:1] == b"\1" and len(data) > 4 else 0
    begun = False
    try:
        for unit in _units(memoryview(packet), width):
            if unit[0] & 31 == _IDR:
                return True
            if unit[0] & 31 == _SLICE:
                bits = _Bits(bytes(unit[1:_HEAD]))
                if bits.number() == 0 and begun:  # the second field
                    return True
                if _KINDS[bits.number() % 5] != "I":
                    return False
                begun = True
    except _Unclear:
        return True
    return True


def _pictures(
    headers: _Headers,
    width: int,
    packets: Sequence[Any],
    order: Sequence[int],
    run: tuple[int, int],
    exact: AbstractSet[int],
) -> list[_Coded]:
    """Read the run's reference pictures and those wanted, each with what it looks at."""
    out: list[_Coded] = []
    frames: dict[int, _Coded] = {}  # by frame_num: reference pictures since the last IDR
    latest: tuple[int, _Coded] | None = None
    rank = 0
    for position in range(run[0], run[1] + 1):
        if packets[position] is None or packets[position].has_sidedata("new_extradata"):
            raise _Unclear
        first, slices = _slices(headers, width, packets[position], order[position] in exact)
        if not slices:
            continue
        reference, fresh = bool(first & 0x60), first & 31 == _IDR
        if fresh:
            frames.clear()
            latest = None
        if order[position] < 0 or not (out or fresh):
            raise _Unclear
        frame, sequence = slices[0].frame, slices[0].sequence
        span = 1 << sequence.frame_bits
        if latest is not None and frame != (latest[0] + 1) % span:
            raise _Unclear  # a gap, or the numbers began anew
        picture = _Coded(position, _kind(slices), rank)
        if picture.kind == "P":
            target = _target(slices, frames, latest, span)
            if target is None or target.kind == "B" or rank - target.rank > sequence.references:
                raise _Unclear
        if reference:
            frames[frame] = picture
            latest = (frame, picture)
            rank += 1
        out.append(picture)
    return out


def _kind(slices: Sequence[_Slice]) -> str:
    """The kind of a picture, of its slices' kinds."""
    kinds = {header.kind for header in slices}
    if "B" in kinds and len(kinds) > 1:
        raise _Unclear
    return "B" if "B" in kinds else "P" if "P" in kinds else "I"


def _target(
    slices: Sequence[_Slice],
    frames: Mapping[int, _Coded],
    latest: tuple[int, _Coded] | None,
    span: int,
) -> _Coded | None:
    """The one picture that all P-slices name (8.2.4.1, 8.2.4.3); None where there are more."""
    found: list[_Coded | None] = []
    for header in slices:
        if header.kind != "P":
            continue
        if header.active[0] != 1 or latest is None:
            return None
        if header.moved:  # the first that is named takes the only place
            found.append(frames.get((header.frame + header.moved[0]) % span))
        else:
            found.append(latest[1])
    return found[0] if all(one is found[0] for one in found) else None


def _slices(headers: _Headers, width: int, packet: Any, wanted: bool) -> tuple[int, list[_Slice]]:
    """The first byte of a picture's slices (of the last one), and their headers.

    None are read of a picture that nothing refers to and that is not wanted.
    """
    out: list[_Slice] = []
    first = 0
    for nal in _units(memoryview(packet), width):
        kind = nal[0] & 31
        if kind in _UNREAD:
            raise _Unclear
        if kind in (_SPS, _PPS):
            headers.learn(bytes(nal))
        elif kind in (_SLICE, _IDR):
            first = nal[0]
            if not first & 0x60 and not wanted:
                break
            out.append(_header(headers, bytes(nal[:_HEAD])))
    return first, out


def _header(headers: _Headers, raw: bytes) -> _Slice:
    """Read a slice header (7.3.3) as far as it says what is looked at and what is kept."""
    bits = _Bits(raw[1:])
    bits.number()
    kind = _KINDS[bits.number() % 5]
    picture = headers.pictures[bits.number()]
    sequence = headers.sequences[picture.sequence]
    if sequence.planes:
        bits.take(2)
    frame = bits.take(sequence.frame_bits)
    if raw[0] & 31 == _IDR:
        bits.number()
    if sequence.order_type == 0:
        bits.take(sequence.order_bits)
    if (sequence.order_type == 0 and picture.bottom) or (
        sequence.order_type == 1 and not sequence.order_fixed
    ):
        bits.signed()
        if sequence.order_type == 1 and picture.bottom:
            bits.signed()
    if picture.redundant and bits.number():
        raise _Unclear
    active, moved = picture.active, None
    if kind == "B":
        bits.take(1)
    if kind != "I":
        if bits.take(1):
            active = (bits.number() + 1, bits.number() + 1 if kind == "B" else active[1])
        moved = _moved(bits, 2 if kind == "B" else 1)
    if kind != "I" and picture.weighted[kind == "B"]:
        _pass_weights(bits, active if kind == "B" else active[:1], sequence.chroma)
    if raw[0] & 0x60:
        _check_marking(bits, fresh=raw[0] & 31 == _IDR)
    return _Slice(kind, frame, active, moved, sequence)


def _pass_weights(bits: _Bits, active: Sequence[int], chroma: bool) -> None:
    """Read over a table of prediction weights (7.3.3.2)."""
    for _ in range(1 + chroma):
        bits.number()
    for _ in range(sum(active)):
        for values in (2, 4)[: 1 + chroma]:
            if bits.take(1):
                for _ in range(values):
                    bits.signed()


def _check_marking(bits: _Bits, *, fresh: bool) -> None:
    """Refuse what is more than dropping short-term pictures (7.3.3.3)."""
    if fresh:
        bits.take(1)
        if bits.take(1):
            raise _Unclear
    elif bits.take(1):
        while how := bits.number():
            if how != 1:
                raise _Unclear
            bits.number()


def _moved(bits: _Bits, lists: int) -> tuple[int, ...] | None:
    """What the changes of the reference lists name, relative to frame_num; None without any."""
    named: list[int] = []
    changed = False
    for _ in range(lists):
        if not bits.take(1):
            continue
        changed, at = True, 0
        while (how := bits.number()) != 3:
            if how > 1:
                raise _Unclear  # long-term references, other views
            step = bits.number() + 1
            at += step if how else -step
            named.append(at)
    return tuple(named) if changed else None


# --- parameter sets ------------------------------------------------------------------------------


def _configured(extradata: bytes, headers: _Headers) -> int:
    """Learn a decoder's configuration; the bytes of a unit's length, 0 for start codes."""
    if extradata[:1] != b"\1":
        for unit in _units(memoryview(extradata), 0):
            if unit[0] & 31 in (_SPS, _PPS):
                headers.learn(bytes(unit))
        return 0
    at = 5
    for mask in (31, 255):
        count, at = extradata[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(extradata[at : at + 2], "big")
            headers.learn(extradata[at + 2 : at + 2 + size])
            at += 2 + size
    return (extradata[4] & 3) + 1


def _units(data: memoryview, width: int) -> Iterator[memoryview]:
    """The units of a packet: after lengths of `width` bytes, or after start codes if it is 0."""
    if width:
        at = 0
        while at + width < len(data):
            size = int.from_bytes(data[at : at + width], "big")
            at += width
            if size:
                yield data[at : at + size]
            at += size
        return
    raw = bytes(data)
    start = raw.find(b"\0\0\1")
    while start >= 0:
        end = raw.find(b"\0\0\1", start + 3)
        unit = data[start + 3 : end if end >= 0 else len(raw)]
        if unit:
            yield unit
        start = end


def _sequence(bits: _Bits) -> tuple[int, _Sequence]:
    """Read a sequence parameter set; streams with fields or with allowed gaps are unclear."""
    profile = bits.take(8)
    bits.take(16)
    number, planes, chroma = bits.number(), False, 1
    if profile in _CHROMA:
        chroma = bits.number()
        planes = chroma == 3 and bool(bits.take(1))
        bits.number()
        bits.number()
        bits.take(1)
        if bits.take(1):
            for index in range(12 if chroma == 3 else 8):
                if bits.take(1):
                    _pass_scaling(bits, 16 if index < 6 else 64)
    frame_bits = bits.number() + 4
    order_type, order_bits, fixed = bits.number(), 0, False
    if order_type == 0:
        order_bits = bits.number() + 4
    elif order_type == 1:
        fixed = bool(bits.take(1))
        bits.signed()
        bits.signed()
        for _ in range(bits.number()):
            bits.signed()
    references = bits.number()
    gaps = bits.take(1)
    bits.number()
    bits.number()
    if gaps or not bits.take(1):
        raise _Unclear
    grey = planes or chroma == 0
    return number, _Sequence(
        planes, frame_bits, order_type, order_bits, fixed, references, not grey
    )


def _pass_scaling(bits: _Bits, size: int) -> None:
    """Read over a scaling list (7.3.2.1.1.1)."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.signed()) % 256
        last = following or last


def _picture(bits: _Bits) -> tuple[int, _Picture]:
    """Read a picture parameter set."""
    number, sequence = bits.number(), bits.number()
    bits.take(1)
    bottom = bool(bits.take(1))
    if bits.number():
        raise _Unclear  # slice groups
    active = (bits.number() + 1, bits.number() + 1)
    weighted = (bool(bits.take(1)), bits.take(2) == 1)
    for _ in range(3):
        bits.signed()
    bits.take(2)
    return number, _Picture(sequence, bottom, active, weighted, bool(bits.take(1)))
