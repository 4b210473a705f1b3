"""Media by digest with ranges, frames, scopes; nothing by path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from starlette.testclient import TestClient

from filmgate.assets.store import Store
from filmgate.interfaces.http.app import create
from tests.review import numbered, room
from tests.review.room import BASE, Page, Staged, opened, stage


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    with pytest.MonkeyPatch.context() as patch:
        yield stage(tmp_path_factory.mktemp("media"), patch, 3, {"1B"})


@pytest.fixture(scope="module")
def page(staged: Staged) -> Iterator[Page]:
    with opened(staged.told) as client:
        yield Page(client)


@pytest.fixture(scope="module")
def digest(page: Page) -> str:
    return str(page.get("/api/takes/1B")["media"]["digest"])


@pytest.fixture(scope="module")
def data(staged: Staged, digest: str) -> bytes:
    with Store(staged.root) as store:
        return store.vault.read(f"sha256:{digest}")


def get(page: Page, digest: str, **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return page.client.get(f"/media/{digest}", headers=named)


def test_the_whole_file(page: Page, digest: str, data: bytes) -> None:
    answer = get(page, digest)
    assert (answer.status_code, answer.content) == (200, data)
    headers = answer.headers
    assert headers["content-type"] == "video/mp4"
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"] == f'"{digest}"'
    assert headers["cache-control"] == "private, max-age=31536000, immutable"
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("wanted", "first", "last"),
    [("0-0", 0, 0), ("0-99", 0, 99), ("10-", 10, -1), ("-10", -10, -1), ("5-999999999", 5, -1),
     ("-99999999", 0, -1)],
)  # fmt: skip
def test_one_range(
    page: Page, digest: str, data: bytes, wanted: str, first: int, last: int
) -> None:
    answer = get(page, digest, Range=f"bytes={wanted}")
    begin, end = first % len(data), last % len(data)
    assert answer.status_code == 206
    assert answer.content == data[begin : end + 1]
    assert answer.headers["content-range"] == f"bytes {begin}-{end}/{len(data)}"
    assert answer.headers["content-length"] == str(end - begin + 1)


@pytest.mark.parametrize("wanted", ["999999999-", "99999999-999999999", "-0"])
def test_a_range_that_the_file_has_not(page: Page, digest: str, data: bytes, wanted: str) -> None:
    answer = get(page, digest, Range=f"bytes={wanted}")
    assert answer.status_code == 416
    assert answer.json()["error"]["code"] == "range"
    assert answer.headers["content-range"] == f"bytes */{len(data)}"


@pytest.mark.parametrize(
    "wanted", ["bytes=0-1,3-4", "bytes=", "bytes=-", "items=0-5", "bytes=5-2", "bytes=a-b", "x"]
)
def test_what_is_no_single_range_is_answered_with_all(
    page: Page, digest: str, data: bytes, wanted: str
) -> None:
    answer = get(page, digest, Range=wanted)
    assert (answer.status_code, answer.content) == (200, data)


def test_if_range(page: Page, digest: str, data: bytes) -> None:
    same = get(page, digest, Range="bytes=0-4", If_Range=f'"{digest}"')
    assert (same.status_code, same.content) == (206, data[:5])
    for other in ('"other"', f'W/"{digest}"', "Wed, 21 Oct 2015 07:28:00 GMT"):
        changed = get(page, digest, Range="bytes=0-4", If_Range=other)
        assert (changed.status_code, changed.content) == (200, data)


def test_what_the_browser_has_is_not_sent_again(page: Page, digest: str) -> None:
    answer = get(page, digest, If_None_Match=f'"{digest}"')
    assert (answer.status_code, answer.content) == (304, b"")


def test_head_says_the_same_without_the_bytes(page: Page, digest: str, data: bytes) -> None:
    answer = page.client.head(f"/media/{digest}")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(data))


@pytest.mark.parametrize(
    "path",
    [
        "../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/ledger.sqlite", "....//x",
        "/etc/passwd", "sha256:{}", "{}/../x", "{}%00", "0" * 63, "0" * 65, "G" * 64,
        "..%5c..%5cx", "%252e%252e%252f", "{}.mp4",
    ],
)  # fmt: skip
@pytest.mark.parametrize("root", ["/media/", "/api/clips/", "/frames/", "/static/"])
def test_no_path_leads_to_a_file(page: Page, digest: str, root: str, path: str) -> None:
    answer = page.client.get(root + path.replace("{}", digest))
    assert answer.status_code in (404, 422), path
    assert answer.json()["error"]["code"] in ("not_found", "invalid")
    assert "root:" not in answer.text


def test_only_takes_and_references_are_served(page: Page, staged: Staged) -> None:
    """The vault holds the plan and the look, too; neither is a reviewer's to fetch."""
    with Store(staged.root) as store:
        (run,) = store.ledger.all("run")
        inner = [run.body["plan"], run.body["look"]]
        unknown = store.vault.put(b"dropped in by somebody")
    for digest in (*inner, unknown, "sha256:" + "0" * 64):
        answer = get(page, digest.removeprefix("sha256:"))
        assert answer.status_code == 404, digest


def test_what_is_no_picture_is_only_saved(
    staged: Staged, digest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider that says "text/html" of its take does not get a page of ours."""
    for kind in ("text/html", "image/svg+xml; x", "application/javascript", "video/mp4\r\nX: y"):
        with opened(staged.told) as client:
            page = Page(client)
            monkeypatch.setattr("filmgate.interfaces.http.media._kind", lambda *_, k=kind: k)
            answer = get(page, digest)
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"] == "attachment"
            assert "X" not in answer.headers


# --- frames --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Page, dict[str, str]]]:
    """A project whose takes are numbered clips of four rates; rate to digest."""
    folder = tmp_path_factory.mktemp("counted")
    with pytest.MonkeyPatch.context() as patch:
        rates = list(numbered.RATES.items())

        def write(path: Path, frames: int, *_: object, **__: object) -> Path:
            _, rate = rates[write.count % 4]  # type: ignore[attr-defined]
            write.count += 1  # type: ignore[attr-defined]
            return numbered.write(path, rate, 120)

        write.count = 0  # type: ignore[attr-defined]
        patch.setattr(room, "write_clip", write)
        staged = stage(folder, patch, 4, set())
        with TestClient(create(staged.told), base_url=BASE) as client:
            page = Page(client)
            clips = [page.get(f"/api/takes/{s}")["clip"] for s in ("1A", "1B", "1C", "1D")]
            names = {str(rate): name for name, rate in rates}
            yield page, {names[clip["rate"]]: clip["digest"] for clip in clips}


@pytest.mark.parametrize("rate", numbered.RATES)
def test_frame_n_is_frame_n_of_the_file(counted: tuple[Page, dict[str, str]], rate: str) -> None:
    """100 frames at random over the four rates, asked for as a page does."""
    page, digests = counted
    rng = np.random.default_rng(7)
    for number in [0, 119, *rng.integers(0, 120, 23).tolist()]:
        kind = "png" if number % 2 else "jpg"
        answer = page.client.get(f"/frames/{digests[rate]}/{number}.{kind}")
        assert answer.status_code == 200
        image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert numbered.read(image[:, :, ::-1]) == number


def test_frames_can_be_small_and_are_kept_for_ever(page: Page, digest: str) -> None:
    answer = page.client.get(f"/frames/{digest}/0.jpg?height=45")
    image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    assert image.shape == (45, 80, 3)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/frames/{}/12.png", 404), ("/frames/{}/-1.png", 422), ("/frames/{}/0.gif", 422),
        ("/frames/{}/0.png?height=5", 422), ("/frames/{}/0.png?height=99999", 422),
        ("/frames/{}/x.png", 422), ("/frames/{}/1.5.png", 422), ("/api/scopes/{}/12", 404),
        ("/api/scopes/{}/0?box=1,2", 422), ("/api/scopes/{}/0?box=0,0,2,2", 422),
        ("/api/scopes/{}/0?box=nan,0,1,1", 422), ("/api/scopes/{}/0?box=inf,0,1,1", 422),
        ("/scopes/{}/0/oscilloscope.png", 422), ("/api/clips/{}/table?last=99999", 422),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(page: Page, digest: str, path: str, status: int) -> None:
    answer = page.client.get(path.replace("{}", digest))
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}
    assert str(page.client.app.state.room.store.root) not in answer.text  # type: ignore[attr-defined]


def test_scopes_of_a_frame_and_of_a_region(page: Page, digest: str) -> None:
    whole = page.get(f"/api/scopes/{digest}/3")
    part = page.get(f"/api/scopes/{digest}/3?box=0.5,0.5,0.5,0.5")
    assert (whole["pixels"], part["pixels"]) == (160 * 90, 80 * 45)
    assert sum(whole["luma"]) == whole["pixels"]
    for kind in ("waveform", "parade", "vectorscope", "histogram"):
        answer = page.client.get(f"/scopes/{digest}/3/{kind}.png?box=0,0,0.5,0.5")
        assert answer.content[:8] == b"\x89PNG\r\n\x1a\n"
        assert answer.headers["content-type"] == "image/png"


def test_a_file_that_cannot_be_decoded_says_so(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = stage(tmp_path_factory.mktemp("broken"), monkeypatch, 2, {"1B"}, clips=False)
    with opened(broken.told) as client:
        page = Page(client)
        take = page.get("/api/takes/1B")
        assert take["clip"]["frames"] == 0
        assert take["clip"]["reason"]
        assert str(broken.root) not in str(take)
        assert take["machine"]["findings"][0]["frames"] == []
        digest = take["media"]["digest"]
        assert client.get(f"/frames/{digest}/0.png").status_code == 404
        assert client.get(f"/media/{digest}").status_code == 200
        assert page.get("/api/cut/1B") == {"handles": 12, "total": 0, "parts": []}
