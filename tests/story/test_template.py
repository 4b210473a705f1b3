from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import jsonschema
import pytest

from filmgate.continuity import look_file
from filmgate.errors import StoreError, UsageError
from filmgate.models.generator import Capability
from filmgate.schema.shot import Sequence, Shot
from filmgate.story import brief, first_look, lint, template

ROOT = Path(__file__).parents[2]
PREVIZ = Capability("previz-1", ("video",), 600.0, seeded=True, offline=True)
FILES = ["brief.toml", "look.toml", "references/README.md", "script.fountain"]


@pytest.mark.parametrize("shots", [1, 60, 400])
def test_the_project_runs_as_it_stands(tmp_path: Path, shots: int) -> None:
    """Brief, script and look read, agree with one another, and have no risk for previz."""
    folder = tmp_path / "a" / "liminal"
    written = template.write(folder, shots)
    assert [str(p.relative_to(folder)) for p in written] == FILES
    project = brief.open_project(folder / "brief.toml")
    office, maya = project.plan.sequences
    assert (office.id, len(office.shots)) == ("office", shots)
    assert (maya.id, {p for s in maya.shots for p in s.people}) == ("maya", {"MAYA"})
    assert {s.place for s in project.plan.shots()} == {"office"}
    assert [p.kind for p in project.plan.places] == ["liminal"]
    assert not any(s.people for s in office.shots)
    reels = [Sequence(s.id, tuple(Shot(shot.slate, s.id, "") for shot in s.shots))
             for s in project.plan.sequences]  # fmt: skip
    declared = look_file.read(folder / "look.toml", reels)
    first = first_look.first_look(project.plan, project.script, project.brief.where)
    look = first_look.merged(first.look, declared)
    assert first.risks == ()
    assert lint.lint(project.plan, project.brief, look, project.script, None, [PREVIZ]) == []
    worn = look.bind(reels[1]).expectation_for("wardrobe/maya/upper", maya.shots[1].slate)
    assert worn is not None
    assert worn.value == "navy"
    assert look.bind(reels[1]).people[0].shot == "2E"


def test_four_hundred_shots_have_forty_nine_set_ups(tmp_path: Path) -> None:
    template.write(tmp_path / "p", 400)
    plan, _ = brief.read(tmp_path / "p" / "brief.toml")
    assert len({s.setup for s in plan.sequences[0].shots}) == 49


def test_every_line_of_the_brief_may_be_switched_on(tmp_path: Path) -> None:
    """What is commented out is right, too: keys exist, values are taken."""
    template.write(tmp_path / "p")
    path = tmp_path / "p" / "brief.toml"
    (tmp_path / "p" / "references" / "maya_front.png").write_bytes(b"")
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        bare = line.removeprefix("# ")
        is_key = bare != line and ("=" in bare or bare.startswith("[generators"))
        lines.append(bare if is_key else line)
    assert sum(a != b for a, b in zip(lines, path.read_text().splitlines(), strict=True)) >= 7
    path.write_text("\n".join(lines), encoding="utf-8")
    schema = json.loads((ROOT / "schemas" / "brief.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(tomllib.loads("\n".join(lines)), schema)
    _, told = brief.read(path)
    assert [c.name for c in told.generators] == ["previz", "google"]
    assert told.budget.seconds == 2000


def test_the_look_may_be_switched_on_too(tmp_path: Path) -> None:
    template.write(tmp_path / "p")
    path = tmp_path / "p" / "look.toml"
    text = path.read_text(encoding="utf-8")
    head, change = text.split("# [[change]]\n")
    lines = change.splitlines(keepends=True)
    kept = "".join(line.removeprefix("# ") for line in lines[:4])
    path.write_text(f"{head}[[change]]\n{kept}{''.join(lines[4:])}", encoding="utf-8")
    plan, _ = brief.read(tmp_path / "p" / "brief.toml")
    reels = [Sequence(s.id, tuple(Shot(shot.slate, s.id, "") for shot in s.shots))
             for s in plan.sequences]  # fmt: skip
    assert len(look_file.read(path, reels).changes) == 1


@pytest.mark.parametrize(
    ("name", "part"),
    [("-x", "cannot be a project's name"), (".x", "cannot be"), ("a b", "cannot be"),
     ("x" * 65, "up to 64"), ("con", "Windows"), ("LPT1.d", "Windows"), ("é", "cannot be"),
     ("x.", "cannot be"), ("..", "cannot be")],
)  # fmt: skip
def test_names_that_cannot_be(tmp_path: Path, name: str, part: str) -> None:
    with pytest.raises(UsageError, match=part):
        template.write(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        template.write(folder)
    assert [p.name for p in folder.iterdir()] == ["mine.txt"]
    with pytest.raises(UsageError, match="is not a folder"):
        template.write(folder / "mine.txt")
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    assert len(template.write(tmp_path / "p")) == len(FILES)
    assert [p.name for p in tmp_path.iterdir()] == ["p"]


def test_others_may_read_it_as_the_umask_says(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        template.write(tmp_path / "p")
        (tmp_path / "q").mkdir()
    finally:
        os.umask(before)
    assert (tmp_path / "p").stat().st_mode == (tmp_path / "q").stat().st_mode


@pytest.mark.parametrize(("shots", "kind", "part"), [(0, "liminal", "1 to 20000"),
                         (60, "liminel", "Did you mean 'liminal'?")])  # fmt: skip
def test_what_is_not_offered(tmp_path: Path, shots: int, kind: str, part: str) -> None:
    with pytest.raises(UsageError) as caught:
        template.write(tmp_path / "p", shots, kind)
    assert part in str(caught.value)


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written"):
        template.write(tmp_path / "file" / "p")


def test_half_a_project_is_never_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StoreError, match="No space left"):
        template.write(tmp_path / "p")
    assert list(tmp_path.iterdir()) == []
