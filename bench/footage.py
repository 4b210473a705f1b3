"""The shared real footage: where it is, who is in it, clean frames and garment masks.

The footage is not part of the project. It is looked for at ``FILMGATE_SHARED``, else in ``shared``
beside the repository; without it the benches say what is missing and go on with previz.

Clips of people: intel-iot-devkit/sample-videos@5797889, CC BY 4.0. Five people, one room, one
camera facing them. Who is who was written down by looking at the frames (`CLIPS`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from numpy.typing import NDArray

U8 = NDArray[np.uint8]
F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

REPOSITORY: Final = Path(__file__).resolve().parent.parent
OUT: Final = REPOSITORY / "bench" / "out"
EVERY: Final = 3
"""Every third frame of a 30 fps take is kept: 10 a second, 16 to 36 a take."""
VERSION: Final = "footage 1"


@dataclass(frozen=True, slots=True)
class Clip:
    """One take of one person.

    Attributes:
        person: see `PEOPLE`.
        face: x, y, width, height in pixels of 640x480, by a face detector on the clean take.
        hem: row in pixels where the upper garment ends, read off the frames.
        left: column in pixels where the person's side of the picture begins (a screen lies left).
    """

    person: str
    face: tuple[int, int, int, int]
    hem: int
    left: int = 0


PEOPLE: Final = {
    "grey": "blond man, mottled grey T-shirt, dark trousers",
    "zip": "man in a black turtleneck jumper with white print",
    "skull": "man in a black sweatshirt with a white skull, jeans",
    "mustard": "woman in a mustard hooded jumper, long dark hair",
    "plaid": "man with glasses, dark jumper with thin plaid lines, jeans",
}
DEVELOPMENT: Final = ("grey", "zip")
"""People that calibration and tuning may use."""
HELD_OUT: Final = ("skull", "mustard", "plaid")
"""People of the headline figures, never in calibration."""
HELD_OUT_SEEDS: Final = 1000
"""Seeds from here on are held out."""

CLIPS: Final = {
    "again": Clip("skull", (287, 69, 64, 93), 397),
    "brother": Clip("skull", (260, 68, 66, 94), 397),
    "help": Clip("skull", (306, 74, 62, 88), 397), "no": Clip("skull", (277, 66, 63, 90), 397),
    "student": Clip("skull", (275, 70, 61, 92), 397), "yes": Clip("skull", (274, 69, 63, 89), 397),
    "bird": Clip("grey", (277, 47, 67, 87), 380), "milk": Clip("grey", (279, 47, 65, 86), 380),
    "please": Clip("grey", (283, 49, 64, 84), 380), "sorry": Clip("grey", (269, 49, 65, 83), 380),
    "thanks": Clip("grey", (284, 47, 63, 83), 380),
    "book": Clip("mustard", (273, 97, 55, 74), 479),
    "learn": Clip("mustard", (280, 91, 54, 72), 476),
    "school": Clip("mustard", (277, 95, 53, 73), 479),
    "walk": Clip("mustard", (273, 100, 55, 73), 479),
    "eat": Clip("zip", (274, 97, 62, 84), 479), "night": Clip("zip", (271, 99, 61, 84), 479),
    "sister": Clip("zip", (271, 97, 60, 83), 479),
    "hungry": Clip("plaid", (279, 21, 67, 86), 409, 202),
    "want": Clip("plaid", (247, 55, 58, 72), 402),
}  # fmt: skip
"""Take -> who is in it. "bird" and "please" show a second person at the right edge."""


def shared() -> Path | None:
    """The shared folder, or None when there is none."""
    named = os.environ.get("FILMGATE_SHARED")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder if (folder / "footage").is_dir() else None


def weights() -> Path | None:
    """The folder of small networks, or None."""
    folder = shared()
    return folder / "weights" if folder and (folder / "weights").is_dir() else None


def missing() -> str:
    """One sentence for a run without the shared footage."""
    return (
        "No shared footage: set FILMGATE_SHARED to a folder that holds 'footage' (and 'weights'), "
        "or put it at ../shared. Running on previz only."
    )


def takes(people: tuple[str, ...]) -> dict[str, list[str]]:
    """Takes of each of `people`."""
    return {p: [n for n, c in CLIPS.items() if c.person == p] for p in people}


def decoded(path: Path, start_s: float = 0.0, end_s: float = 1e9, every: int = EVERY) -> U8:
    """(n, h, w, 3) display RGB of every `every`-th frame of a range of a file."""
    kept: list[U8] = []
    with av.open(str(path)) as box:
        stream = box.streams.video[0]
        stream.thread_count = 1
        for index, frame in enumerate(box.decode(stream)):
            time_s = float(frame.time or 0.0)
            if start_s <= time_s < end_s and index % every == 0:
                kept.append(np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8))
    return np.stack(kept)


def kept(name: str, make: Callable[[], Any]) -> Any:
    """An array kept on disk and mapped into memory, so that worker processes share it."""
    path = OUT / "cache" / "clips" / f"{name}.npy"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.npy")
        np.save(part, make())
        part.replace(path)
    return np.load(path, mmap_mode="r")


def intel(name: str) -> Path:
    folder = shared()
    assert folder is not None
    return folder / "footage" / "originals" / "intel" / f"{name}.mkv"


@lru_cache(maxsize=32)
def frames(name: str) -> U8:
    """(n, 480, 640, 3) clean frames of take `name`."""
    return np.asarray(kept(f"{name}-{EVERY}", lambda: decoded(intel(name))))


@lru_cache(maxsize=32)
def masks(name: str) -> U8:
    """(n, 480, 640) mask of the upper garment in the clean frames, 0 to 255, soft edges.

    Made once, from the clean take alone (see `garment`); hands stay as they are. No checker sees
    these masks.
    """
    made = f"{name}-{EVERY}-garment"
    return np.asarray(kept(made, lambda: np.stack([garment(f, CLIPS[name]) for f in frames(name)])))


def garment(rgb: U8, clip: Clip) -> U8:
    """Mask of the upper garment in one clean frame: near the person, neither wall nor skin.

    The wall behind everybody is bright and even: its Lab is fitted by a plane, what differs from
    it and hangs together is the person. White prints have the wall's colour, so holes are filled.
    """
    small = cv2.resize(rgb, (320, 240), interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), np.float32)
    x, y, w, h = (v / 2 for v in clip.face)
    rows, columns = np.mgrid[0:240, 0:320].astype(np.float32)
    across, down = np.abs(columns - (x + w / 2)) / w, (rows - (y + h)) / h
    skin = _skin_like(lab, (int(x), int(y), int(w), int(h)))
    near = (across < 2.7) & (columns >= clip.left / 2) & (down > -1.3)
    off_wall = np.linalg.norm(lab - _wall(lab, near & ~skin, rows, columns), axis=2) > 13
    # Light prints on the shoulder have the wall's colour: what is surely torso is the person.
    torso_core = (down > 0.35) & (across < 1.05)
    person = _filled((off_wall | skin | torso_core) & near)
    head = (down < 0.02) & (across < 0.85)
    neck = (down < 0.35) & (across < 0.4)
    hair = (lab[..., 0] < 32) & (down < 1.2) if clip.person == "mustard" else np.zeros_like(skin)
    on = (person & ~skin & ~head & ~neck & ~hair & (rows < clip.hem / 2)).astype(np.uint8)
    on = cv2.morphologyEx(on, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(on)
    torso = np.bincount(labels[(across < 0.8) & (down > 0.6)], minlength=count)
    big = [i for i in range(1, count) if torso[i] > 60 and stats[i, cv2.CC_STAT_AREA] > 400]
    on = np.isin(labels, big).astype(np.uint8) * 255
    large = cv2.resize(on, (640, 480), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.GaussianBlur(large, (0, 0), 1.5), dtype=np.uint8)


def _wall(lab: F32, usable: Bool, rows: F32, columns: F32) -> F32:
    """(240, 320, 3) Lab of the wall: a plane through the bright, even pixels beside the person."""
    even = usable & (lab[..., 0] > 55) & (np.hypot(lab[..., 1], lab[..., 2]) < 12)
    terms = np.stack([np.ones_like(rows), rows / 240, columns / 320], axis=2)
    for _ in range(3):
        plane, *_ = np.linalg.lstsq(terms[even], lab[even], rcond=None)
        wall = np.asarray(terms @ plane, dtype=np.float32)
        even &= np.linalg.norm(lab - wall, axis=2) < 14
    return wall


def _filled(on: Bool) -> Bool:
    """`on` without the small holes inside it (prints of the wall's colour; no crook of an arm)."""
    closed = cv2.morphologyEx(on.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(1 - closed)
    out = closed.copy()
    for i in range(1, count):
        if stats[i, cv2.CC_STAT_AREA] < 260:
            out[labels == i] = 1
    return np.asarray(out > 0)


def _skin_like(lab: F32, face: tuple[int, int, int, int]) -> Bool:
    """Pixels with the colour of the face: hands, neck."""
    x, y, w, h = face
    inner = lab[y + h // 3 : y + 3 * h // 4, x + w // 4 : x + 3 * w // 4].reshape(-1, 3)
    centre = np.median(inner, axis=0)
    chroma = np.hypot(lab[..., 1] - centre[1], lab[..., 2] - centre[2])
    near = (chroma < 9) & (lab[..., 0] > centre[0] - 32) & (lab[..., 0] < centre[0] + 22)
    near = cv2.morphologyEx(near.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.dilate(near, np.ones((3, 3), np.uint8)) > 0)
