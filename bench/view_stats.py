"""Make `measure/extractors/view_stats.json`: what views usually are, over unrelated footage.

One frame of each shared shot and of a few previz places; run as `python -m bench.view_stats` when
the tapped network or the tap changes.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

import filmgate
from bench.footage import shared
from filmgate.measure import decode, weights
from filmgate.measure.extractors import _nets
from filmgate.models.generators import previz


def main() -> None:
    """Write the file beside the extractor."""
    root = shared()
    if root is None:
        raise SystemExit("view_stats needs the shared footage and weights.")
    net = _nets.session(weights.located(root / "weights")["objects_fastestdet"])
    files = sorted((root / "footage" / "shots").rglob("*.mp4"))
    files += sorted((root / "footage" / "originals" / "intel").glob("*.mkv"))
    pooled = []
    for file in files:
        sample = decode.sample(file, count=3)
        pooled.append(_nets.bodies(net, sample.frames[len(sample.frames) // 2].rgb)[2])
    for seed in range(12):
        specs, _ = previz.sequence(shots=2, people=seed % 3, seed=seed, frames=2)
        pooled.append(_nets.bodies(net, next(previz.frames(specs[0])))[2])
    table = np.stack(pooled)
    body = {
        "n": len(table),
        "mean": [round(float(v), 5) for v in table.mean(axis=0)],
        "sd": [round(float(v) + 1e-4, 5) for v in table.std(axis=0)],
    }
    path = Path(filmgate.__file__).parent / "measure" / "extractors" / "view_stats.json"
    path.write_text(json.dumps(body) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
