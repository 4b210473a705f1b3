"""The signature: the measured numbers of one shot, a few ten kilobytes, kept by content digest.

Every block that can be absent is None or carries a weight, so that absence never reads as
agreement. Colours are *log-linear RGB*: natural logarithm of linear BT.709 light plus
`LOG_FLOOR`, because a change of light or exposure is an addition there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from filmgate.schema.report import Box

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
I32 = NDArray[np.int32]

VERSION = "signature 5"
"""Part of every cache key: raise it whenever a measured number may change."""

LOG_FLOOR = 0.004
"""Added to linear light before the logarithm: about one 8-bit code value near black, so that noise
in crushed shadows does not dominate (linear light of sRGB code 13 is 0.004)."""

ZONES = ("whole", "head", "tail")
"""whole: all sampled frames. head and tail: the first and last two, for comparison across cuts."""
REGIONS = ("frame", "background", "person")
QUANTILES: F32 = np.linspace(0.05, 0.95, 19, dtype=np.float32)
BANDS = ("blacks", "shadows", "mids", "lights", "whites")
LAYOUT_SHAPE = (48, 64)
THUMB_SHAPE = (24, 32)
PALETTE_SHAPE = (4, 8, 8)
ROOM_TONE_BANDS = 25
POSTER_HEIGHT_PX = 90


@dataclass(frozen=True, slots=True)
class PersonSignature:
    """One person of the shot, tracked over its sampled frames.

    Attributes:
        key: name if an extractor knew it, else "".
        frames: media frames in which the person was measured.
        face, body: boxes in the first of these frames; None when not found.
        garment_box: region the garment colours were read from.
        confidence: 0 to 1; scale: face height (or body height / 6) relative to the frame's.
        side: horizontal centre, 0 left to 1 right.
        skin, hair: log-linear RGB medians (3,), None when not seen.
        upper, lower: palettes of the garments, (3, 4): log-linear RGB and weight of up to three
            colours, heaviest first; None when not seen.
        upper_median: log-linear RGB (3,) of the upper garment without the wearer's skin.
        upper_zone, skin_zone: (3, 3) the same per zone; NaN rows where a zone did not show them.
        cheek: log-ratio of light on the picture-left to the picture-right half of the face.
        palette: Lab histogram of the person without the face, PALETTE_SHAPE, sums to 1.
        face_patch: uint8 (24, 24) grey face, contrast-normalised; None without a face.
        embedding: unit vector from an extractor that has one.
        series: (F, 6) per sampled frame: upper (3), skin (3); NaN where unseen.
    """

    key: str
    frames: I32
    face: Box | None
    body: Box | None
    garment_box: Box | None
    confidence: float
    scale: float
    side: float
    skin: F32 | None
    hair: F32 | None
    upper: F32 | None
    lower: F32 | None
    upper_median: F32 | None
    upper_zone: F32 | None
    skin_zone: F32 | None
    cheek: float | None
    palette: F32 | None
    face_patch: U8 | None
    embedding: F32 | None
    series: F32


@dataclass(frozen=True, slots=True)
class SoundSignature:
    """Loudness by EBU R128 (BS.1770-4) and the room tone.

    Attributes:
        integrated_lufs: gated programme loudness; None when shorter than 0.4 s or silent.
        momentary_lufs: median of the 400 ms loudness.
        true_peak_dbtp: four times oversampled peak.
        room_tone_db: (25,) third-octave levels (50 Hz to 12.5 kHz) of the quietest 20 % of 100 ms
            windows, relative to their mean; None when there is no quiet window.
        room_level_db: level of those windows, dBFS.
        room_spread_db: rms difference of the same between the shot's first and second half: one to
            two for a room, more where music or speech never pauses; None where a half is too short.
        duration_s: seconds of sound.
    """

    integrated_lufs: float | None
    momentary_lufs: float | None
    true_peak_dbtp: float | None
    room_tone_db: F32 | None
    room_level_db: float | None
    room_spread_db: float | None
    duration_s: float


@dataclass(frozen=True, slots=True)
class Signature:
    """The measured numbers of one shot.

    Attributes:
        frames: (F,) media frames sampled; size_px: (width, height) they were measured at.
        rate: frames per second as "num/den"; in_frame, out_frame: the shot's range.
        tone: (3 zones, 3 regions, 19, 3) quantiles of display-encoded RGB, 0 to 1.
        bands: (3 zones, 3 regions, 5, 3) mean Lab of five equal slices by lightness.
        region_weight: (3 zones, 3 regions) share of the frame, 0 to 1.
        palette: (3 regions, 4, 8, 8) Lab histograms, each sums to 1 (or 0 when empty).
        thumb: (3 zones, 24, 32, 3) log-linear RGB of the whole picture.
        background: the same without the people, background_weight: (3 zones, 24, 32) share of each
            cell that is left, 0 to 1. Both None when nobody was cut out.
        layout: (3 zones, 48, 64) uint8 light-normalised grey.
        texture: (128,) gradient orientations in a 4 x 4 grid of 8 directions, unit length.
        light: (3 zones, 11) of the whole picture: exposure, log R/G, log B/G, contrast (stops
            between the 10th and the 90th percentile), chroma, and the six coefficients of a
            quadratic fitted to log-luminance over the picture (1, x, y, xx, xy, yy; x and y from
            -1 to 1).
        series: (F, 7) per sampled frame, of the background: exposure, log R/G, log B/G, contrast,
            x slope of log-luminance, sharpness, chroma.
        clipped, crushed: share of pixels at the ends of the scale.
        masked: whether people were cut out, so that background means background.
        looked: whether any extractor looked for people.
        people: largest first. sound: None without sound, `sound_note` says why.
        view: unit vector of what kind of place this looks like, from an extractor that has one.
        poster: JPEG bytes (n,) of the middle frame, at most POSTER_HEIGHT_PX high, for reports.
        attributes: (path, value, unit, confidence) answers of extractors.
        notes: rules applied in decoding.
    """

    frames: I32
    size_px: tuple[int, int]
    rate: str
    in_frame: int
    out_frame: int
    tone: F32
    bands: F32
    region_weight: F32
    palette: F32
    thumb: F32
    background: F32 | None
    background_weight: F32 | None
    layout: U8
    texture: F32
    light: F32
    series: F32
    clipped: float
    crushed: float
    masked: bool
    looked: bool
    people: tuple[PersonSignature, ...]
    sound: SoundSignature | None
    sound_note: str | None
    view: F32 | None
    poster: U8
    attributes: tuple[tuple[str, str | float, str | None, float], ...] = ()
    notes: tuple[str, ...] = ()

    def to_bytes(self) -> bytes:
        """Pack into one block: header length, JSON header, then the arrays one after another."""
        arrays: list[NDArray[Any]] = []
        header = json.dumps(_pack(self, arrays)).encode()
        blobs = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
        return len(header).to_bytes(4, "little") + header + blobs

    @staticmethod
    def from_bytes(data: bytes) -> Signature:
        """Unpack `to_bytes`. Raises ValueError when the block is damaged."""
        try:
            size = int.from_bytes(data[:4], "little")
            unpacked = _unpack(json.loads(data[4 : 4 + size]), data, [4 + size])
        except (KeyError, IndexError, TypeError) as error:
            raise ValueError(f"damaged signature: {error}") from error
        if not isinstance(unpacked, Signature):
            raise ValueError("damaged signature: another kind of value")
        return unpacked


def _pack(value: Any, arrays: list[NDArray[Any]]) -> Any:
    """JSON form of `value`; arrays are appended to `arrays` and replaced by their form."""
    if isinstance(value, np.ndarray):
        # Half floats: a 2^-11 relative step is far below anything measured.
        packed = value.astype(np.float16) if value.dtype == np.float32 else value
        arrays.append(packed)
        return {"a": [packed.dtype.str, list(packed.shape)]}
    if isinstance(value, (Signature, PersonSignature, SoundSignature)):
        body = {f.name: _pack(getattr(value, f.name), arrays) for f in fields(value)}
        return {"c": type(value).__name__, "v": body}
    if isinstance(value, tuple):
        return {"t": [_pack(item, arrays) for item in value]}
    return value


def _unpack(value: Any, data: bytes, offset: list[int]) -> Any:
    if isinstance(value, dict) and "a" in value:
        dtype, shape = np.dtype(value["a"][0]), value["a"][1]
        count = int(np.prod(shape))
        array = np.frombuffer(data, dtype, count, offset[0]).reshape(shape)
        offset[0] += count * dtype.itemsize
        return array.astype(np.float32) if dtype == np.float16 else array
    if isinstance(value, dict) and "c" in value:
        kinds: dict[str, Any] = {
            "Signature": Signature, "PersonSignature": PersonSignature,
            "SoundSignature": SoundSignature,
        }  # fmt: skip
        return kinds[value["c"]](**{k: _unpack(v, data, offset) for k, v in value["v"].items()})
    if isinstance(value, dict):
        return tuple(_unpack(item, data, offset) for item in value["t"])
    return value
