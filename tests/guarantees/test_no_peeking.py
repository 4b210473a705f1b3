"""Measured, not read: file names, places and the truth of planted drift change no number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from filmgate.interfaces import cli
from filmgate.models.generators import previz


def checked(folder: Path, store: Path) -> list[dict[str, Any]]:
    """The shots of a run in a store of its own, without the names of anything."""
    arguments = ["check", str(folder), "-q", "--store", str(store), "--json", "out.json"]
    assert cli.main(arguments) == 0
    (sequence,) = json.loads(Path("out.json").read_text())["sequences"]
    names = {shot["shot"]: i for i, shot in enumerate(sequence["shots"])}
    for shot in sequence["shots"]:
        shot["shot"], shot["file"] = names[shot["shot"]], None
        for finding in shot["findings"]:
            finding["other"] = names.get(finding["other"])
            for words in ("reason", "remedy"):  # may name the other shot
                for name, i in names.items():
                    finding[words] = finding[words] and finding[words].replace(name, f"#{i}")
            for side in (finding["this"], finding["reference"]):
                if side is not None:
                    side["text"] = None  # may name the other shot
    return list(sequence["shots"])


def test_results_are_the_same_renamed_and_without_the_truth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FILMGATE_WORKERS", "1")
    specs, truth = previz.sequence(
        6, 1, setups=2, scenes=1, drifts=["lighting_level"], seed=5, frames=8, size=(320, 180)
    )
    previz.write_sequence(specs, Path("shots"))
    for beside in (Path("truth.json"), Path("shots/truth.json")):
        previz.write_truth(truth, beside)
    first = checked(Path("shots"), Path("one"))
    assert any(f["magnitude"] for shot in first for f in shot["findings"])
    for beside in (Path("truth.json"), Path("shots/truth.json")):
        beside.unlink()
    for n, path in enumerate(sorted(Path("shots").glob("*.mp4"))):
        path.rename(path.with_name(f"clean take {n}.mp4"))
    Path("shots").rename("elsewhere")
    assert checked(Path("elsewhere"), Path("two")) == first
