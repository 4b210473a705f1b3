"""What a sidecar states, and what is refused."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from filmgate.errors import BadSetting
from filmgate.measure.extractors import _sidecar_form, sidecar
from filmgate.measure.sample import Frame, Sample

ROOT = Path(__file__).resolve().parents[2]
PICTURE = np.zeros((4, 4, 3), np.uint8)
GOOD: dict[str, Any] = {
    "filmgate_sidecar": 1,
    "attributes": [
        {"path": "wardrobe/maya/upper", "value": "#2e5a3c", "frames": [0, 500]},
        {"path": "lighting/colour_temperature", "value": 5200, "unit": "K"},
        {"path": "world/cup", "value": "red", "frames": [500]},
    ],
    "people": [{"frame": 26, "name": "maya", "face": [0.4, 0.1, 0.1, 0.2]}],
    "empty": [0],
}


def _sample() -> Sample:
    frames = tuple(Frame(i, i / 24, PICTURE) for i in (0, 24, 48))
    return Sample(frames, None, "", Fraction(24), 0, 49)


def _write(folder: Path, stated: Any) -> str:
    media = folder / "a.mp4"
    text = stated if isinstance(stated, str) else json.dumps(stated)
    Path(f"{media}.filmgate.json").write_text(text, encoding="utf-8")
    return str(media)


def test_nothing_beside_the_file(tmp_path: Path) -> None:
    extractor = sidecar.EXTRACTOR()
    media = str(tmp_path / "a.mp4")
    assert extractor.extract(_sample(), media).people == {}
    assert extractor.beside(media) == ""


def test_what_is_stated_arrives(tmp_path: Path) -> None:
    media = _write(tmp_path, GOOD)
    seen = sidecar.EXTRACTOR().extract(_sample(), media)
    assert seen.people[0] == ()
    (maya,) = seen.people[24]
    assert (maya.name, maya.face, maya.mask) == ("maya", (0.4, 0.1, 0.1, 0.2), None)
    assert [(a.path, a.value, a.unit, a.frames) for a in seen.attributes] == [
        ("wardrobe/maya/upper", "#2e5a3c", None, (0,)),
        ("lighting/colour_temperature", 5200.0, "K", ()),
    ]


def test_a_box_far_from_any_sampled_frame_is_told(tmp_path: Path) -> None:
    media = _write(tmp_path, {"filmgate_sidecar": 1, "people": [{"frame": 36, "name": "maya"}]})
    seen = sidecar.EXTRACTOR().extract(_sample(), media)
    assert seen.people == {}
    assert "not near" in seen.notes[0]


def test_the_cache_key_follows_the_content(tmp_path: Path) -> None:
    extractor = sidecar.EXTRACTOR()
    first = extractor.beside(_write(tmp_path, GOOD))
    assert first
    assert first != extractor.beside(_write(tmp_path, {"filmgate_sidecar": 1}))


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"filmgate_sidecar": 2}, "filmgate_sidecar"),
        ({"atributes": []}, "atributes"),
        ({"attributes": [{"path": "wardrobe/maya", "value": 1, "confidance": 1}]}, "confidance"),
        ({"attributes": [{"path": "wardrobe", "value": 1}]}, "attributes.0.path"),
        ({"attributes": [{"path": "a/b", "value": True}]}, "attributes.0.value"),
        ({"people": [{"frame": -1}]}, "people.0.frame"),
        ({"people": [{"frame": 0, "face": [0.5, 0.5, 0.6, 0.1]}]}, "people.0.face"),
        ({"people": [{"frame": 0, "face": [0.5, 0.5, 0.6]}]}, "people.0.face"),
        ({"people": [{"frame": 0, "confidence": "high"}]}, "people.0.confidence"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, change: dict[str, Any], key: str) -> None:
    media = _write(tmp_path, {**GOOD, **change})
    with pytest.raises(BadSetting, match=rf"a\.mp4\.filmgate\.json.*{re.escape(key)}") as caught:
        sidecar.EXTRACTOR().extract(_sample(), media)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"a": NaN}', "[" * 100_000])
def test_what_is_not_a_sidecar_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(BadSetting):
        sidecar.read(_write(tmp_path, text))


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sidecar, "MAX_BYTES", 10)
    with pytest.raises(BadSetting, match="larger"):
        sidecar.read(_write(tmp_path, GOOD))


def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4.filmgate.json").mkdir()
    with pytest.raises(BadSetting, match="cannot be read"):
        sidecar.read(str(tmp_path / "a.mp4"))


def test_published_schema_is_the_one_in_force() -> None:
    published = json.loads((ROOT / "schemas" / "sidecar.schema.json").read_text())
    assert {k: v for k, v in published.items() if k != "$schema"} == (
        _sidecar_form.Sidecar.model_json_schema()
    )
    jsonschema.validate(GOOD, published)


def test_the_example_in_the_docs_is_valid(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "sidecar.md").read_text(encoding="utf-8")
    example = text.split("```json")[1].split("```")[0]
    stated = sidecar.read(_write(tmp_path, example))
    assert stated is not None
    assert stated.people[0].name == "maya"
