"""Render a short sequence with one planted drift, check it from Python, print the verdicts."""

import tempfile
from pathlib import Path

from filmgate import Sequence, Settings, Shot, Studio
from filmgate.models.generators import previz


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        specs, _ = previz.sequence(
            8, people=1, setups=1, scenes=1, drifts=1, kinds=["grade"], frames=12, size=(320, 180)
        )
        files = previz.write_sequence(specs, Path(place) / "shots")
        shots = tuple(Shot(file.stem, "kitchen", str(file)) for file in files)
        studio = Studio(Settings(store=Path(place) / "store", weights="none"))
        report = studio.check([Sequence("kitchen", shots)])
        for shot in report.sequences[0].shots:
            print(shot.shot, shot.verdict, f"{shot.score:.2f}")


if __name__ == "__main__":
    main()
