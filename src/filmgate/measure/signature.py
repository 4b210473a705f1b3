"""Measure one sampled shot: frames and sound in, `Signature` out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.errors import MeasurementError
from filmgate.measure import people as people_of
from filmgate.measure import scenery, sound, stills, tones
from filmgate.measure.extractor import Extraction, Extractor, Person
from filmgate.measure.sample import Frame, Sample
from filmgate.schema.signature import (
    LAYOUT_SHAPE,
    POSTER_HEIGHT_PX,
    REGIONS,
    THUMB_SHAPE,
    VERSION,
    ZONES,
    Signature,
    SoundSignature,
)

__all__ = ["VERSION", "measure"]

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]


def measure(sample: Sample, media: str, extractors: Sequence[Extractor]) -> Signature:
    """The signature of one sampled shot.

    Args:
        sample: decoded frames and sound; media: path of the file, for extractors' sidecars.
        extractors: in rising order of trust; a later one that saw people in a frame replaces what
            an earlier one saw there.

    Raises:
        MeasurementError: the sample holds no frame.
    """
    if not sample.frames:
        raise MeasurementError(f"'{media}' gave no frame to measure.")
    seen, masked, attributes, view, notes = _look(sample, media, extractors)
    zones = _Zones(sample.frames)
    for slot, frame in enumerate(sample.frames):
        zones.add(slot, frame, seen.get(frame.index), masked)
    measured_sound, sound_note = _sound(sample)
    height, width = sample.frames[0].rgb.shape[:2]
    return Signature(
        frames=np.array([f.index for f in sample.frames], np.int32), size_px=(width, height),
        rate=f"{sample.rate.numerator}/{sample.rate.denominator}",
        in_frame=sample.in_frame, out_frame=sample.out_frame,
        tone=zones.table("quantiles"), bands=zones.table("band_means"),
        region_weight=zones.weights(),
        palette=np.stack([zones.tones[0][r].palette() for r in range(len(REGIONS))]),
        thumb=zones.thumb(), **zones.background(), layout=zones.layout(),
        texture=zones.texture, light=zones.light(), series=zones.series(),
        clipped=zones.clipped / len(sample.frames), crushed=zones.crushed / len(sample.frames),
        masked=masked, looked=bool(extractors),
        people=people_of.measure(sample.frames, seen),
        sound=measured_sound, sound_note=sound_note, view=view,
        poster=stills.poster(sample.frames[len(sample.frames) // 2].rgb, POSTER_HEIGHT_PX),
        attributes=attributes,
        notes=(*sample.notes, *notes),
    )  # fmt: skip


def _sound(sample: Sample) -> tuple[SoundSignature | None, str | None]:
    if sample.sound is None:
        return None, sample.sound_note or "no sound"
    answer = sound.measure(sample.sound)
    return (None, answer) if isinstance(answer, str) else (answer, sample.sound_note)


Seen = dict[int, tuple[Person, ...]]
Attributes = tuple[tuple[str, str | float, str | None, float], ...]


def _look(
    sample: Sample, media: str, extractors: Sequence[Extractor]
) -> tuple[Seen, bool, Attributes, F32 | None, tuple[str, ...]]:
    seen: Seen = {}
    masked, notes = False, []
    view: F32 | None = None
    attributes: list[tuple[str, str | float, str | None, float]] = []
    for extractor in extractors:
        try:
            answer: Extraction = extractor.extract(sample, media)
        except MeasurementError as error:
            notes.append(str(error))
            continue
        for index, found in answer.people.items():
            if found or index not in seen:
                seen[index] = found
        masked = masked or answer.masked
        attributes += [(a.path, a.value, a.unit, a.confidence) for a in answer.attributes]
        if answer.view is not None:
            view = np.array(answer.view, dtype=np.float32)
        notes += answer.notes
    return seen, masked, tuple(attributes), view, tuple(notes)


class _Zones:
    """Adds frames into the three zones (whole, head, tail) of a shot."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.count = len(frames)
        self.tones = [[tones.Tones() for _ in REGIONS] for _ in ZONES]
        self.thumbs: list[F32] = []
        self.behind: list[F32] = []
        self.cut = False
        self.shares: list[F32] = []
        self.layouts: list[U8] = []
        self.lights: list[F32] = []
        self.sharp: list[float] = []
        self.texture: F32 = np.zeros(128, np.float32)
        self.clipped = 0.0
        self.crushed = 0.0

    def members(self, zone: int) -> list[int]:
        """Slots of the frames that belong to `zone`."""
        ends = (
            range(self.count),
            range(min(2, self.count)),
            range(max(0, self.count - 2), self.count),
        )
        return list(ends[zone])

    def add(self, slot: int, frame: Frame, people: tuple[Person, ...] | None, masked: bool) -> None:
        small = tones.small(frame.rgb)
        lab = tones.lab_of(small)
        bins = tones.palette_bins(lab)
        shape = (small.shape[1], small.shape[0])
        inside = _person_mask(people, shape)
        blind = people is None and masked  # not looked at, though masks exist for other frames
        background = None if inside is None else np.where(inside > 32, 0, 255).astype(np.uint8)
        parts: list[tuple[int, U8 | None]] = [(0, None)]
        if not blind:
            parts.append((1, background))
            if inside is not None and any(p.mask is not None for p in people or ()):
                parts.append((2, (inside > 160).astype(np.uint8)))
        whole = tones.Tones()
        whole.add(small, lab, bins, None)
        for region, select in parts:
            added = whole
            if select is not None:
                added = tones.Tones()
                added.add(small, lab, bins, select)
            for zone in range(len(ZONES)):
                if slot in self.members(zone):
                    self.tones[zone][region] += added
        thumb, behind, share = scenery.thumbnail(small, background)
        self.thumbs.append(thumb)
        self.behind.append(behind)
        self.cut = self.cut or background is not None
        self.shares.append(share * (0.2 if blind else 1.0))
        self.layouts.append(scenery.layout(small))
        self.lights.append(scenery.light_of(behind, share))
        self.sharp.append(scenery.sharpness(frame.rgb))
        if slot == self.count // 2:
            self.texture = scenery.texture(small)
        self.clipped += _share_within(small, 253, 255)
        self.crushed += _share_within(small, 0, 2)

    def table(self, what: str) -> F32:
        return np.stack([np.stack([getattr(t, what)() for t in zone]) for zone in self.tones])

    def weights(self) -> F32:
        return np.array([[t.weight for t in zone] for zone in self.tones], np.float32)

    def thumb(self) -> F32:
        """(3, 24, 32, 3): mean over the zone's frames."""
        means = [np.mean([self.thumbs[s] for s in self.members(z)], axis=0) for z in range(3)]
        return np.stack(means).astype(np.float32)

    def background(self) -> dict[str, F32 | None]:
        """The same without the people, each cell weighted by what is left of it, and that share."""
        if not self.cut:
            return {"background": None, "background_weight": None}
        out = np.zeros((len(ZONES), *THUMB_SHAPE, 3), np.float32)
        weight = np.zeros((len(ZONES), *THUMB_SHAPE), np.float32)
        for zone in range(len(ZONES)):
            slots = self.members(zone)
            share = np.stack([self.shares[s] for s in slots])
            light = np.stack([self.behind[s] for s in slots]) * share[..., None]
            out[zone] = light.sum(axis=0) / np.maximum(share.sum(axis=0), 1e-3)[..., None]
            weight[zone] = share.mean(axis=0)
        return {"background": out, "background_weight": weight}

    def layout(self) -> U8:
        out = np.zeros((len(ZONES), *LAYOUT_SHAPE), np.uint8)
        for zone in range(len(ZONES)):
            stack = np.stack([self.layouts[s] for s in self.members(zone)])
            out[zone] = np.median(stack, axis=0).astype(np.uint8)
        return out

    def light(self) -> F32:
        everywhere = np.ones(THUMB_SHAPE, np.float32)
        return np.stack([scenery.light_of(thumb, everywhere) for thumb in self.thumb()])

    def series(self) -> F32:
        """(F, 7): exposure, log R/G, log B/G, contrast, x slope, sharpness, chroma."""
        light = np.stack(self.lights)
        columns = [light[:, 0], light[:, 1], light[:, 2], light[:, 3], light[:, 6],
                   np.array(self.sharp, np.float32), light[:, 4]]  # fmt: skip
        return np.stack(columns, axis=1).astype(np.float32)


def _share_within(rgb: U8, low: int, high: int) -> float:
    """Share of the pixels whose three channels all lie between `low` and `high`."""
    inside = cv2.inRange(rgb, (low, low, low), (high, high, high))
    return cv2.countNonZero(inside) / inside.size


def _person_mask(people: tuple[Person, ...] | None, size: tuple[int, int]) -> U8 | None:
    """People at tone size, 0 to 255: masks where there are, body boxes where not."""
    if not people:
        return None
    width, height = size
    total = np.zeros((height, width), np.uint8)
    for person in people:
        if person.mask is not None:
            mask = cv2.resize(person.mask, size, interpolation=cv2.INTER_AREA)
            total = np.maximum(total, np.asarray(mask, np.uint8))
        elif person.body is not None:
            x, y, w, h = person.body
            rows = slice(int(max(0, y) * height), int(min(1, y + h) * height + 0.5))
            total[rows, int(max(0, x) * width) : int(min(1, x + w) * width + 0.5)] = 255
    return total
