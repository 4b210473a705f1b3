from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from filmgate.assets.vault import Vault
from filmgate.errors import StoreError


def test_bytes_come_back_under_their_digest(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    digest = vault.put(b"a take")
    assert digest == "sha256:" + __import__("hashlib").sha256(b"a take").hexdigest()
    assert vault.read(digest) == b"a take"
    assert vault.put(b"a take") == digest
    assert list(vault.digests()) == [digest]


def test_a_file_is_copied_and_the_source_left(tmp_path: Path) -> None:
    source = tmp_path / "take.mp4"
    source.write_bytes(os.urandom(3_000_000))
    vault = Vault(tmp_path / "vault")
    digest = vault.put_file(source)
    source.write_bytes(b"changed")
    assert len(vault.read(digest)) == 3_000_000
    assert vault.verify(digest) is None


def test_kept_bytes_cannot_be_written_to_by_accident(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    mode = vault.path(vault.put(b"a take")).stat().st_mode
    assert mode & 0o222 == 0


def test_damage_is_found(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    digest = vault.put(b"a take")
    path = vault.path(digest)
    path.chmod(0o644)
    path.write_bytes(b"a tape")
    said = vault.verify(digest)
    assert said is not None
    assert "damaged" in said


@pytest.mark.parametrize("name", ["", "abc", "sha256:abc", "sha256:" + "g" * 64, "../etc/passwd"])
def test_only_digests_are_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="not a digest"):
        Vault(tmp_path).path(name)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="holds nothing"):
        Vault(tmp_path).path("sha256:" + "0" * 64)


def test_collecting_keeps_what_is_named(tmp_path: Path) -> None:
    vault = Vault(tmp_path / "vault")
    named, loose = vault.put(b"named"), vault.put(b"loose")
    assert vault.collect([named]) == [loose]
    assert list(vault.digests()) == [named]


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = Vault(tmp_path / "vault")
    kept = vault.put(b"before")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match="No space left"):
        vault.put(b"after")
    monkeypatch.undo()
    assert list(vault.digests()) == [kept]
    assert vault.verify(kept) is None
    assert not list((tmp_path / "vault").glob("*.part"))
