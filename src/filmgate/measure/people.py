"""People: follow each one through the sampled frames and read skin, hair and garments.

The wearer's own skin is the grey card (research note 3.4), so garment and skin are read from the
same frames in the same light, and the wearer's own hands are taken off the garment by the skin's
colour (research note 3.6: hands crossing the torso were the one large source of false alarms).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.measure.extractor import Person
from filmgate.measure.sample import Frame
from filmgate.measure.scenery import LUMA, log_linear
from filmgate.measure.tones import lab_of, palette_bins
from filmgate.schema.report import Box
from filmgate.schema.signature import PALETTE_SHAPE, PersonSignature

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]

MAX_PEOPLE = 6
MIN_PIXELS = 40
"""Fewer pixels than this at measuring size give no colour."""
_SELF_SKIN = 0.22
"""Log-chroma distance below which a garment pixel is taken for the wearer's own skin. Measured on
the Intel takes: hands lie within .2 of the face, the nearest garment (mustard) at .35."""
_DARK = -4.6
"""Mean log-linear light of a region that is too dark to have a colour (sRGB code 8)."""


@dataclass(slots=True)
class _Reading:
    """What one frame shows of one person; arrays of log-linear pixels (n, 3)."""

    slot: int
    frame: int
    person: Person
    skin: F32 | None = None
    hair: F32 | None = None
    upper: F32 | None = None
    lower: F32 | None = None
    garment_box: Box | None = None
    cheek: float | None = None
    palette: NDArray[np.float64] | None = None
    patch: U8 | None = None


@dataclass(slots=True)
class _Track:
    readings: list[_Reading] = field(default_factory=list)


def measure(
    frames: Sequence[Frame], seen: Mapping[int, tuple[Person, ...]]
) -> tuple[PersonSignature, ...]:
    """Signatures of the people in a shot, largest first, at most `MAX_PEOPLE`.

    Args:
        frames: the sampled frames; seen: frame index -> the people in it.
    """
    tracks: list[_Track] = []
    for slot, frame in enumerate(frames):
        people = seen.get(frame.index, ())
        for person in sorted(people, key=_size, reverse=True)[:MAX_PEOPLE]:
            reading = _read(slot, frame, person)
            _attach(tracks, reading)
    signatures = [_summarise(track, len(frames)) for track in tracks]
    looked = max(1, sum(1 for f in frames if f.index in seen))
    # One sighting out of four or more looks is usually a false face.
    kept = [s for s in signatures if len(s.frames) * 4 > looked or s.confidence > 0.85]
    return tuple(sorted(kept, key=lambda s: -s.scale * len(s.frames))[:MAX_PEOPLE])


def _size(person: Person) -> float:
    box = person.face or person.body
    return box[3] * (1.0 if person.face else 0.2) if box else 0.0


def _centre(person: Person) -> tuple[float, float]:
    box = person.face or person.body or (0.4, 0.4, 0.2, 0.2)
    if person.face is None:
        return box[0] + box[2] / 2, box[1] + box[3] * 0.12
    return box[0] + box[2] / 2, box[1] + box[3] / 2


def _attach(tracks: list[_Track], reading: _Reading) -> None:
    """Give the reading to the track it continues (same name, or nearest place), or a new one."""
    best, best_cost = None, 0.25
    for track in tracks:
        last = track.readings[-1]
        if last.slot == reading.slot:
            continue
        if reading.person.name and last.person.name:
            if reading.person.name == last.person.name:
                best, best_cost = track, -1.0
            continue
        (x0, y0), (x1, y1) = _centre(last.person), _centre(reading.person)
        size = abs(np.log(max(_size(reading.person), 1e-3) / max(_size(last.person), 1e-3)))
        cost = float(np.hypot(x1 - x0, y1 - y0)) + 0.1 * float(size)
        if cost < best_cost:
            best, best_cost = track, cost
    if best is None:
        tracks.append(_Track([reading]))
    else:
        best.readings.append(reading)


def _pixels(box: tuple[float, float, float, float], width: int, height: int) -> tuple[slice, slice]:
    x, y, w, h = box
    left, right = int(max(0, x) * width), int(min(1.0, x + w) * width + 0.5)
    top, bottom = int(max(0, y) * height), int(min(1.0, y + h) * height + 0.5)
    return slice(top, max(top, bottom)), slice(left, max(left, right))


def _read(slot: int, frame: Frame, person: Person) -> _Reading:
    reading = _Reading(slot, frame.index, person)
    height, width = frame.rgb.shape[:2]
    logs = log_linear(frame.rgb)
    mask = person.mask > 127 if person.mask is not None else None
    if person.face is not None:
        _read_face(reading, frame, logs, mask)
    _read_garments(reading, logs, mask, width, height)
    if mask is not None:
        reading.palette = _palette(frame.rgb, mask, person.face)
    return reading


def _read_face(reading: _Reading, frame: Frame, logs: F32, mask: Bool | None) -> None:
    assert reading.person.face is not None
    x, y, w, h = reading.person.face
    height, width = logs.shape[:2]
    rows, columns = _pixels((x + 0.2 * w, y + 0.3 * h, 0.6 * w, 0.5 * h), width, height)
    inner = logs[rows, columns].reshape(-1, 3)
    if len(inner) >= MIN_PIXELS:
        luminance = inner @ LUMA
        low, high = np.percentile(luminance, (25, 90))
        # Eyes, brows, nostrils and lips are the dark quarter; the shine on the nose the top.
        skin = inner[(luminance >= low) & (luminance <= high)]
        if len(skin) >= MIN_PIXELS // 2 and float(np.median(luminance)) > _DARK:
            reading.skin = skin
        half = inner.reshape(rows.stop - rows.start, -1, 3) @ LUMA
        middle = half.shape[1] // 2
        if reading.person.frontal and middle > 2:
            reading.cheek = float(np.median(half[:, :middle]) - np.median(half[:, -middle:]))
    rows, columns = _pixels((x, y, w, h), width, height)
    face = frame.rgb[rows, columns]
    if min(face.shape[:2]) >= 16:
        grey = cv2.cvtColor(cv2.resize(face, (24, 24), interpolation=cv2.INTER_AREA),
                            cv2.COLOR_RGB2GRAY).astype(np.float32)  # fmt: skip
        spread = float(grey.std()) + 4.0
        reading.patch = np.clip(128 + 42 * (grey - grey.mean()) / spread, 0, 255).astype(np.uint8)
    if mask is not None:
        rows, columns = _pixels((x - 0.1 * w, y - 0.5 * h, 1.2 * w, 0.6 * h), width, height)
        hair = logs[rows, columns][mask[rows, columns]]
        if reading.skin is not None and len(hair):
            hair = hair[~_like(hair, reading.skin)]
        reading.hair = hair if len(hair) >= MIN_PIXELS else None


def _torso(person: Person) -> Box | None:
    """Where the upper garment is: below the chin, about two faces wide and high."""
    if person.face is not None:
        x, y, w, h = person.face
        return (x - 0.55 * w, y + 1.3 * h, 2.1 * w, 1.9 * h)
    if person.body is not None:
        x, y, w, h = person.body
        if h > 0.95 and w > 0.9:
            return None
        return (x + 0.15 * w, y + 0.25 * h, 0.7 * w, 0.3 * h)
    return None


def _clip(box: Box) -> Box:
    x0, y0 = min(max(box[0], 0.0), 1.0), min(max(box[1], 0.0), 1.0)
    x1, y1 = min(max(box[0] + box[2], 0.0), 1.0), min(max(box[1] + box[3], 0.0), 1.0)
    return (x0, y0, x1 - x0, y1 - y0)


def _read_garments(
    reading: _Reading, logs: F32, mask: Bool | None, width: int, height: int
) -> None:
    torso = _torso(reading.person)
    if torso is None:
        return
    box = _clip(torso)
    # A torso that is mostly out of the picture shows a collar, not a garment.
    if box[3] < 0.3 * torso[3] or box[2] < 0.4 * torso[2]:
        return
    reading.upper = _cloth(logs, mask, box, reading.skin, width, height)
    reading.garment_box = box
    x, y, w, h = torso
    legs = _clip((x + 0.1 * w, y + 1.5 * h, 0.8 * w, 0.9 * h))
    if legs[3] > 0.4 * h and mask is not None:
        reading.lower = _cloth(logs, mask, legs, reading.skin, width, height)


def _cloth(
    logs: F32, mask: Bool | None, box: Box, skin: F32 | None, width: int, height: int
) -> F32 | None:
    rows, columns = _pixels(box, width, height)
    if rows.stop - rows.start < 4 or columns.stop - columns.start < 4:
        return None
    region = logs[rows, columns]
    step = max(1, int(np.sqrt(region.shape[0] * region.shape[1] / 1600)))
    if mask is None:
        pixels = region[::step, ::step].reshape(-1, 3)
    else:
        pixels = region[::step, ::step][mask[rows, columns][::step, ::step]]
    if skin is not None and len(pixels):
        cloth = pixels[~_like(pixels, skin)]
        # Cloth of the skin's own colour must not vanish altogether.
        pixels = cloth if len(cloth) > 0.25 * len(pixels) else pixels
    if len(pixels) < MIN_PIXELS:
        return None
    return np.asarray(pixels, dtype=np.float32)


def _like(pixels: F32, skin: F32) -> Bool:
    """Which pixels have the wearer's skin colour, whatever their brightness within reason."""
    centre = np.median(skin, axis=0)
    delta = pixels - centre
    level = delta @ LUMA
    chroma = delta - level[:, None]
    near: Bool = (np.linalg.norm(chroma, axis=1) < _SELF_SKIN) & (np.abs(level) < 1.1)
    return near


def _palette(rgb: U8, mask: Bool, face: Box | None) -> NDArray[np.float64]:
    height, width = rgb.shape[:2]
    body = mask.copy()
    if face is not None:
        rows, columns = _pixels(face, width, height)
        body[rows, columns] = False
    small = rgb[::3, ::3]
    bins = palette_bins(lab_of(small))[body[::3, ::3]]
    return np.bincount(bins, minlength=int(np.prod(PALETTE_SHAPE))).astype(np.float64)


def _median(parts: Sequence[F32 | None]) -> F32 | None:
    """Median over frames of the per-frame medians, so that one bad frame does not decide."""
    seen = [np.median(p, axis=0) for p in parts if p is not None and len(p)]
    return np.median(np.stack(seen), axis=0).astype(np.float32) if seen else None


def colours(pixels: F32) -> F32:
    """(3, 4) up to three colours of `pixels` (n, 3) with their weights, heaviest first."""
    chosen = pixels[:: max(1, len(pixels) // 900)]
    rng_free = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 12, 0.02)
    cv2.setRNGSeed(7)
    count = min(3, len(chosen))
    start = np.zeros((len(chosen), 1), np.int32)
    _, labels, centres = cv2.kmeans(
        np.ascontiguousarray(chosen), count, start, rng_free, 1, cv2.KMEANS_PP_CENTERS
    )
    weight = np.bincount(labels.reshape(-1), minlength=3)[:3] / len(chosen)
    out = np.zeros((3, 4), np.float32)
    for row, index in enumerate(np.argsort(-weight, kind="stable")[: len(centres)]):
        out[row] = [*centres[index], weight[index]]
    return out


def _pool(parts: Sequence[F32 | None]) -> F32 | None:
    seen = [p[:: max(1, len(p) // 500)] for p in parts if p is not None]
    return np.concatenate(seen) if seen else None


def _zones(readings: Sequence[_Reading], part: str, count: int) -> F32 | None:
    """(3, 3) medians over all frames, the first two and the last two; NaN rows where unseen."""
    ranges = (range(count), range(min(2, count)), range(max(0, count - 2), count))
    rows = [_median([getattr(r, part) for r in readings if r.slot in zone]) for zone in ranges]
    if rows[0] is None:
        return None
    blank = np.full(3, np.nan, np.float32)
    return np.stack([row if row is not None else blank for row in rows])


def _only_masked(readings: list[_Reading]) -> None:
    """Where some frames have a mask, drop garments read from a bare box: it holds background."""
    if any(r.person.mask is not None and r.upper is not None for r in readings):
        for r in readings:
            if r.person.mask is None:
                r.upper = r.lower = None


def _summarise(track: _Track, count: int) -> PersonSignature:
    readings = track.readings
    _only_masked(readings)
    first = next((r for r in readings if r.garment_box is not None), readings[0])
    series = np.full((count, 6), np.nan, np.float32)
    for r in readings:
        if r.upper is not None:
            series[r.slot, :3] = np.median(r.upper, axis=0)
        if r.skin is not None:
            series[r.slot, 3:] = np.median(r.skin, axis=0)
    upper, lower = _pool([r.upper for r in readings]), _pool([r.lower for r in readings])
    cheeks = [r.cheek for r in readings if r.cheek is not None]
    palettes = [r.palette for r in readings if r.palette is not None]
    total = np.sum(palettes, axis=0) if palettes else None
    palette = None
    if total is not None and total.sum():
        palette = (total / total.sum()).reshape(PALETTE_SHAPE).astype(np.float32)
    patches = [r.patch for r in readings if r.patch is not None]
    embeddings = [r.person.embedding for r in readings if r.person.embedding is not None]
    scales = [r.person.face[3] for r in readings if r.person.face is not None]
    bodies = [r.person.body[3] / 6 for r in readings if r.person.body is not None]
    return PersonSignature(
        key=next((r.person.name for r in readings if r.person.name), ""),
        frames=np.array([r.frame for r in readings], np.int32),
        face=first.person.face, body=first.person.body, garment_box=first.garment_box,
        confidence=max(r.person.confidence for r in readings),
        scale=float(np.median(scales or bodies or [0.0])),
        side=float(np.median([_centre(r.person)[0] for r in readings])),
        skin=_median([r.skin for r in readings]), hair=_median([r.hair for r in readings]),
        upper=None if upper is None else colours(upper),
        lower=None if lower is None else colours(lower),
        upper_median=_median([r.upper for r in readings]),
        upper_zone=_zones(readings, "upper", count), skin_zone=_zones(readings, "skin", count),
        cheek=float(np.median(cheeks)) if cheeks else None, palette=palette,
        face_patch=np.median(np.stack(patches), axis=0).astype(np.uint8) if patches else None,
        embedding=_mean_direction(embeddings), series=series,
    )  # fmt: skip


def _mean_direction(vectors: Sequence[tuple[float, ...]]) -> F32 | None:
    if not vectors:
        return None
    mean = np.mean(np.array(vectors, dtype=np.float32), axis=0)
    norm = float(np.linalg.norm(mean))
    return (mean / norm).astype(np.float32) if norm else None
