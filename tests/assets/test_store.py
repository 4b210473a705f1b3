from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from filmgate.assets import lock
from filmgate.assets.ledger import New
from filmgate.assets.store import Store
from filmgate.errors import BadFootage, Conflict, StoreError
from filmgate.schema.take import Recipe, Take


def kept(store: Store, slate: str = "1A-1", data: bytes = b"pictures") -> Take:
    media = store.vault.put(data)
    take = Take(slate=slate, shot="1A", number=1, media=media, recipe=Recipe(generator="previz"))
    store.ledger.append(New("take", slate, take, "filmgate", "1A", names=(media,)))
    return take


def test_a_healthy_store_says_so(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        kept(store)
        health = store.verify()
    assert (health.facts, health.named, health.kept, health.problems) == (1, 1, 1, ())


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        one, two = kept(store), kept(store, "1A-2", b"others")
        store.vault.path(one.media).unlink()
        path = store.vault.path(two.media)
        path.chmod(0o644)
        path.write_bytes(b"nonsense")
        problems = store.verify().problems
    assert any(one.media in p and "missing" in p for p in problems)
    assert any(two.media in p and "damaged" in p for p in problems)


def test_collecting_never_takes_what_a_fact_names(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        take = kept(store)
        loose = store.vault.put(b"loose")
        assert store.collect() == [loose]
        assert store.vault.read(take.media) == b"pictures"


def test_a_project_travels_as_one_file(tmp_path: Path) -> None:
    path = tmp_path / "project.zip"
    with Store(tmp_path / "a") as store:
        kept(store)
        before = store.ledger.all()
        assert store.export(path) == 1
    with Store(tmp_path / "b") as store:
        assert store.restore(path) == 1
        assert store.ledger.all() == before
        assert store.verify().problems == ()
        with pytest.raises(Conflict, match="empty"):
            store.restore(path)


def test_a_damaged_export_brings_no_fact(tmp_path: Path) -> None:
    path = tmp_path / "project.zip"
    with Store(tmp_path / "a") as store:
        kept(store)
        store.export(path)
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(path) as given, zipfile.ZipFile(broken, "w") as made:
        for name in given.namelist():
            data = given.read(name)
            made.writestr(name, b"else" if name.startswith("vault/") else data)
    with Store(tmp_path / "b") as store:
        with pytest.raises(BadFootage, match="damaged"):
            store.restore(broken)
        assert store.ledger.last_id() == 0


@pytest.mark.parametrize("data", [b"", b"hello", b"PK\x05\x06" + b"\0" * 18])
def test_another_file_is_refused_in_one_sentence(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "other.zip"
    path.write_bytes(data)
    with Store(tmp_path / "a") as store, pytest.raises(BadFootage, match="not a project"):
        store.restore(path)


def test_an_export_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "project.zip"
    path.write_bytes(b"old")
    with Store(tmp_path / "a") as store:
        take = kept(store)
        store.vault.path(take.media).unlink()
        with pytest.raises(StoreError):
            store.export(path)
    assert path.read_bytes() == b"old"
    assert not list(tmp_path.glob("*.part"))


def test_one_run_at_a_time(tmp_path: Path) -> None:
    told = pytest.raises(Conflict, match=r"in use by another filmgate \(run, process")
    with lock.held(tmp_path, "run"), told, lock.held(tmp_path, "resume"):
        pass
    with lock.held(tmp_path, "resume"):
        pass
