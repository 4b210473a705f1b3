from __future__ import annotations

import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from filmgate.assets import cache
from filmgate.assets.cache import DigestMemo, MeasurementStore, Stamp, key_of, sha256_of
from filmgate.assets.files import write_atomic

KEY = key_of("0" * 64, 0, None, ["signature 1", "classical 1"])


def old(path: Path) -> Path:
    """As if written long ago: a fresh file's digest is not remembered."""
    then = time.time() - 60
    os.utime(path, (then, then))
    return path


def test_what_was_put_is_got(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path / ".filmgate")
    assert store.get(KEY) is None
    store.put(KEY, b"numbers")
    assert store.get(KEY) == b"numbers"
    assert (tmp_path / ".filmgate" / "measurements" / KEY[:2] / KEY).is_file()
    assert (tmp_path / ".filmgate" / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_damaged_entry_is_none(tmp_path: Path, damage: str) -> None:
    store = MeasurementStore(tmp_path)
    store.put(KEY, b"numbers")
    path = next(p for p in tmp_path.rglob(KEY))
    data = bytearray(path.read_bytes())
    if damage == "flip":
        data[-1] ^= 1
    path.write_bytes({"truncate": data[:-2], "flip": data, "empty": b""}[damage])
    assert store.get(KEY) is None


def test_the_key_changes_with_everything_that_changes_the_numbers() -> None:
    keys = {
        key_of("a", 0, None, ["1"]),
        key_of("b", 0, None, ["1"]),
        key_of("a", 1, None, ["1"]),
        key_of("a", 0, 9, ["1"]),
        key_of("a", 0, None, ["2"]),
        key_of("a", 0, None, ["1", "2"]),
    }
    assert len(keys) == 6


def test_a_store_that_cannot_be_written_says_so_once(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file where the folder should be")
    store = MeasurementStore(tmp_path / "store")
    store.put(KEY, b"numbers")
    first = store.note
    store.put(KEY, b"numbers")
    assert first is not None
    assert "could not be kept" in first
    assert store.note is first
    assert store.get(KEY) is None


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path / "store")
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    old(file)
    memo = DigestMemo(store)
    assert memo.get(str(file)) is None
    memo.learn(str(file), Stamp.of(file), sha256_of(file))
    memo.save()
    assert DigestMemo(store).get(str(file)) == sha256_of(file)
    file.write_bytes(b"two")
    assert DigestMemo(store).get(str(file)) is None


def test_a_file_touched_just_now_is_not_trusted(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path / "store")
    file = tmp_path / "a.mp4"
    file.write_bytes(b"one")
    memo = DigestMemo(store)
    memo.learn(str(file), Stamp.of(file), sha256_of(file))
    memo.save()
    assert DigestMemo(store).get(str(file)) is None


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"/a": [1]}', '{"/a": "x"}', "null"])
def test_a_damaged_memo_is_an_empty_one(tmp_path: Path, content: str) -> None:
    (tmp_path / "digests.json").write_text(content)
    assert DigestMemo(MeasurementStore(tmp_path)).get("/a") is None


def test_two_runs_join_what_they_learnt(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path / "store")
    files = []
    for name in "ab":
        (tmp_path / name).write_text(name)
        files.append(str(old(tmp_path / name)))
    memos = [DigestMemo(store), DigestMemo(store)]
    for memo, file in zip(memos, files, strict=True):
        memo.learn(file, Stamp.of(file), sha256_of(file))
        memo.save()
    assert all(DigestMemo(store).get(file) for file in files)


def test_many_writers_never_show_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    blocks = [bytes([n]) * 100_000 for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda b: [write_atomic(path, b) for _ in range(20)], blocks))
    assert path.read_bytes() in blocks
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write_atomic(path, b"after")
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["x"]


def test_the_memo_is_one_small_file(tmp_path: Path) -> None:
    store = MeasurementStore(tmp_path)
    memo = DigestMemo(store)
    for n in range(400):
        memo.learn(f"/footage/shot_{n:03}.mp4", Stamp(n, n, n), "0" * 64)
    memo.save()
    path = tmp_path / "digests.json"
    assert len(json.loads(path.read_text())) == 400
    assert path.stat().st_size < 60_000
