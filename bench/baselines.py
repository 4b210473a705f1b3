"""Naive checkers, run on the same shots: what a first weekend's continuity tool would do.

* exact colour names: the garment's (else the background's) colour as one of 11 basic names, or as
  the nearest CSS name, equal or not;
* OpenCV histogram comparison: hue-saturation, 30 x 32 bins, Bhattacharyya distance;
* perceptual hash: 64 bits of the signs of the 8 x 8 lowest DCT coefficients of a 32 x 32 grey
  picture against their median (as the imagehash package does), Hamming distance / 64;
* SSIM (scikit-image, 160 px wide grey), 1 - SSIM;
* mean colour: ΔE00 of the frame's mean colour.

Each is compared with its best arrangement: on projects with the group's medoid (same person and
scene, as declared), in the hand labels with the first shot of the group.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from filmgate.measure.colour import delta_e_2000, linear_to_lab, srgb_to_lab
from filmgate.measure.sample import Sample
from filmgate.schema.colour import NAMES, hex_to_lab
from filmgate.schema.signature import LOG_FLOOR, Signature

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]
I64 = NDArray[np.int64]

VERSION: Final = "baselines 1"
NAMES_OF: Final = {
    "colour names (11)": "names11", "colour names (CSS)": "names_css",
    "histogram (OpenCV)": "histogram", "perceptual hash": "phash", "SSIM": "ssim",
    "mean colour": "mean",
}  # fmt: skip
BASIC: Final = {
    "black": "000000", "white": "ffffff", "grey": "808080", "red": "c81e1e", "green": "2e8b2e",
    "blue": "2850c8", "yellow": "f0dc28", "orange": "f08c1e", "brown": "6e4628",
    "purple": "78288c", "pink": "f0a0b4",
}  # fmt: skip
"""Centres of the 11 basic colour terms in sRGB (our choice, close to the usual focal colours)."""


@dataclass(frozen=True, slots=True)
class Features:
    """What the baselines keep of a shot: of its first, middle and last frame."""

    histogram: NDArray[np.float32]
    phash: U8
    grey: U8
    mean: F64

    def to_bytes(self) -> bytes:
        head = json.dumps({"grey": self.grey.shape, "mean": self.mean.tolist()}).encode()
        body = self.histogram.astype(np.float32).tobytes() + self.phash.tobytes()
        return len(head).to_bytes(4, "little") + head + body + self.grey.tobytes()

    @staticmethod
    def from_bytes(data: bytes) -> Features:
        size = int.from_bytes(data[:4], "little")
        head = json.loads(data[4 : 4 + size])
        body = data[4 + size :]
        histogram = np.frombuffer(body[: 960 * 4], np.float32)
        phash = np.frombuffer(body[3840 : 3840 + 64], np.uint8)
        grey = np.frombuffer(body[3904:], np.uint8).reshape(head["grey"])
        return Features(histogram, phash, grey, np.array(head["mean"]))


def features(sample: Sample) -> Features:
    """Baseline features of a shot: histogram and mean over three frames, the rest of the middle."""
    frames = sample.frames
    chosen = [frames[0].rgb, frames[len(frames) // 2].rgb, frames[-1].rgb]
    middle = chosen[1]
    height = max(2, round(160 * middle.shape[0] / middle.shape[1]))
    grey = np.asarray(cv2.cvtColor(middle, cv2.COLOR_RGB2GRAY), np.uint8)
    small = cv2.resize(grey, (160, height), interpolation=cv2.INTER_AREA)
    histogram = np.mean([_histogram(f) for f in chosen], axis=0)
    mean = np.mean([f.reshape(-1, 3).mean(axis=0) for f in chosen], axis=0)
    return Features(histogram.astype(np.float32), phash(grey), np.asarray(small, np.uint8),
                    np.asarray(srgb_to_lab(mean / 255), dtype=np.float64))  # fmt: skip


def _histogram(rgb: U8) -> F64:
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1], None, [30, 32], [0, 180, 0, 256]).reshape(-1)
    return np.asarray(counts / max(float(counts.sum()), 1.0), dtype=np.float64)


def phash(grey: U8) -> U8:
    """64 bits (0 or 1): DCT of the 32 x 32 picture, its 8 x 8 low part against its median."""
    small = cv2.resize(grey, (32, 32), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:8, :8].reshape(-1)
    return np.asarray(low > np.median(low), dtype=np.uint8)


def distance(name: str, one: Features, two: Features) -> float:
    """How unlike two shots are to baseline `name` (not for colour names)."""
    if name == "histogram":
        return float(cv2.compareHist(one.histogram, two.histogram, cv2.HISTCMP_BHATTACHARYYA))
    if name == "phash":
        return float(np.mean(one.phash != two.phash))
    if name == "ssim":
        return 1.0 - _ssim(one.grey, two.grey)
    if name == "mean":
        return float(delta_e_2000(one.mean, two.mean))
    raise ValueError(name)


def _ssim(one: U8, two: U8) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skimage.metrics import structural_similarity

    if one.shape != two.shape:
        two = np.asarray(cv2.resize(two, one.shape[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    similar: Any = structural_similarity(one, two)  # type: ignore[no-untyped-call]
    return float(similar)


@lru_cache(maxsize=2)
def _table(kind: str) -> tuple[tuple[str, ...], F64]:
    named = BASIC if kind == "names11" else NAMES
    return tuple(named), np.array([hex_to_lab(v) for v in named.values()])


def colour_name(kind: str, lab: F64) -> str:
    """The nearest of the 11 basic or the 148 CSS names, by ΔE00."""
    names, labs = _table(kind)
    return names[int(np.argmin(delta_e_2000(labs, lab)))]


def named_colour(signature: Signature) -> F64:
    """Lab of the largest person's upper garment as it looks; without one, of the background."""
    for person in signature.people:
        if person.upper_median is not None:
            linear = np.exp(person.upper_median.astype(np.float64)) - LOG_FLOOR
            return np.asarray(linear_to_lab(np.clip(linear, 0, 1)), dtype=np.float64)
    region = 1 if signature.region_weight[0, 1] > 0.02 else 0
    middle = signature.tone[0, region, 9].astype(np.float64)
    return np.asarray(srgb_to_lab(middle), dtype=np.float64)


def group_scores(
    name: str, features: Sequence[Features], signatures: Sequence[Signature], groups: I64
) -> F64:
    """(N,) how far each shot is from its group's medoid; names: 1 unless the commonest name."""
    out = np.zeros(len(groups))
    for group in np.unique(groups):
        members = [int(i) for i in np.flatnonzero(groups == group)]
        if name.startswith("names"):
            told = [colour_name(name, named_colour(signatures[i])) for i in members]
            usual = max(sorted(set(told)), key=told.count)
            out[members] = [float(t != usual) for t in told]
            continue
        apart = _pairwise(name, [features[i] for i in members])
        medoid = int(np.argmin(apart.sum(axis=1)))
        out[members] = apart[medoid]
    return out


def _pairwise(name: str, group: Sequence[Features]) -> F64:
    count = len(group)
    out = np.zeros((count, count))
    if name == "histogram":
        roots = np.sqrt(np.stack([g.histogram for g in group]).astype(np.float64))
        return np.sqrt(np.maximum(0.0, 1.0 - roots @ roots.T))
    if name == "ssim" and count > 8:
        # A medoid over all pairs costs too much: the one nearest to the group's mean picture.
        size = (group[0].grey.shape[1], group[0].grey.shape[0])
        mean = np.mean([cv2.resize(g.grey, size) for g in group], axis=0).astype(np.uint8)
        far = np.array([1.0 - _ssim(mean, g.grey) for g in group])
        best = int(np.argmin(far))
        out[:] = 1e3
        out[best] = [distance(name, group[best], g) for g in group]
        return out
    for i in range(count):
        for j in range(i):
            out[i, j] = out[j, i] = distance(name, group[i], group[j])
    return out
