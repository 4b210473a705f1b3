"""The weights catalog, its folder and its downloads (loopback server only)."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from filmgate.errors import BadSetting, StoreError, UsageError
from filmgate.measure import weights

CONTENTS = {"face_rfb320": b"a face network", "objects_fastestdet": b"an object network"}


@pytest.fixture(autouse=True)
def small_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rows of the real catalog, with contents small enough to make up here."""
    monkeypatch.delenv(weights.ENVIRONMENT, raising=False)
    rows = tuple(
        replace(w, sha256=hashlib.sha256(CONTENTS[w.name]).hexdigest(), bytes=len(CONTENTS[w.name]))
        for w in weights.catalog()
        if w.name in CONTENTS
    )
    monkeypatch.setattr(weights, "catalog", lambda: rows)


class _Handler(BaseHTTPRequestHandler):
    served: dict[str, bytes] = {}  # noqa: RUF012

    def do_GET(self) -> None:
        body = self.served.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def server() -> Iterator[str]:
    _Handler.served = {w.url(""): CONTENTS[w.name] for w in weights.catalog()}
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as http:
        thread = threading.Thread(target=http.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def _fill(folder: Path, *names: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.onnx").write_bytes(CONTENTS[name])
    return folder


def test_the_shipped_catalog_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    rows = weights.catalog()
    assert {w.role for w in rows} == {"face", "person", "portrait", "objects"}
    assert len({w.name for w in rows}) == len({w.file for w in rows}) == len(rows)
    for row in rows:
        assert re.fullmatch(r"[0-9a-f]{64}", row.sha256)
        assert row.url().startswith("https://github.com/")
        assert row.licence
        assert row.input
        assert row.output
        assert row.bytes > 0


def test_located_finds_what_is_there(tmp_path: Path) -> None:
    folder = _fill(tmp_path, "face_rfb320")
    assert weights.located(folder) == {"face_rfb320": folder / "face_rfb320.onnx"}
    assert [w.name for w in weights.missing(folder)] == ["objects_fastestdet"]
    assert weights.missing(None) == weights.catalog()


def test_wrong_folders_are_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        weights.located(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="none of the known weights"):
        weights.located(tmp_path)


@pytest.mark.parametrize("content", [b"short", b"A face network", b""])
def test_a_wrong_file_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "face_rfb320.onnx").write_bytes(content)
    with pytest.raises(UsageError, match=r"face_rfb320\.onnx is not the file"):
        weights.located(tmp_path)
    assert [r.status for r in weights.list_rows(tmp_path)] == ["wrong digest", "absent"]


def test_a_file_changed_after_it_was_verified_is_noticed(tmp_path: Path) -> None:
    folder = _fill(tmp_path, "face_rfb320")
    weights.located(folder)
    (folder / "face_rfb320.onnx").write_bytes(CONTENTS["face_rfb320"][::-1])
    with pytest.raises(UsageError):
        weights.located(folder)


def test_use_is_remembered_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / ".filmgate"
    assert weights.weights_folder(store) is None
    own = _fill(tmp_path / 'net "works" ü', "face_rfb320")
    weights.use(own, store)
    assert weights.weights_folder(store) == own.resolve()
    other = _fill(tmp_path / "other", "face_rfb320")
    monkeypatch.setenv(weights.ENVIRONMENT, str(other))
    assert weights.weights_folder(store) == other
    monkeypatch.setenv(weights.ENVIRONMENT, "none")
    assert weights.weights_folder(store) is None


def test_the_store_s_own_folder_is_used_without_being_named(tmp_path: Path) -> None:
    own = _fill(tmp_path / "weights", "face_rfb320")
    assert weights.weights_folder(tmp_path) == own


def test_bad_settings_and_stores_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = tmp_path / weights.SETTINGS_FILE
    for text in ("folder = ", "folder = 3", 'folders = "x"', "\xff"):
        settings.write_bytes(text.encode("latin-1"))
        with pytest.raises(BadSetting):
            weights.weights_folder(tmp_path)
    settings.write_text('folder = "/nowhere/at/all"')
    with pytest.raises(UsageError, match="does not exist"):
        weights.weights_folder(tmp_path)
    folder = _fill(tmp_path / "w", "face_rfb320")
    with pytest.raises(StoreError):
        weights.use(folder, settings / "below_a_file")


def test_get_downloads_verifies_and_leaves_right_files_alone(tmp_path: Path, server: str) -> None:
    folder = tmp_path / "new"
    paths = weights.get("all", folder, server)
    assert [p.read_bytes() for p in paths] == list(CONTENTS.values())
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in paths)
    _Handler.served = {}
    assert weights.get("face_rfb320", folder, server) == paths[:1]


def test_a_failed_download_names_the_url_and_keeps_nothing(tmp_path: Path, server: str) -> None:
    row = weights.catalog()[0]
    for served in ({}, {row.url(""): b"something else"}, {row.url(""): b"x" * 10_000}):
        _Handler.served = served
        with pytest.raises(UsageError, match=re.escape(row.url(server))):
            weights.get(row.name, tmp_path, server)
        assert list(tmp_path.iterdir()) == []


def test_no_network_and_unknown_names(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="by hand"):
        weights.get("face_rfb320", tmp_path, "http://127.0.0.1:9")
    with pytest.raises(UsageError, match="known are face_rfb320"):
        weights.get("yolo", tmp_path)


def test_a_folder_that_is_a_file(tmp_path: Path, server: str) -> None:
    blocked = tmp_path / "file"
    blocked.write_text(json.dumps({}))
    with pytest.raises(UsageError):
        weights.get("face_rfb320", blocked, server)
