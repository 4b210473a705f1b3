"""Every generator in the folder keeps what `models/generator.py` promises without a network.

A new file is tested without being named here: what it offers follows from its capabilities and
from the catalog.
"""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from filmgate import registry
from filmgate.errors import BadSetting, CannotExpress, FilmgateError, TakeLost, WrongKey
from filmgate.models import catalog
from filmgate.models.generator import (
    ENDED,
    Capability,
    Generator,
    JobState,
    Picture,
    Request,
    Status,
    Surroundings,
)

FOLDER = "models.generators"
NAMES = registry.names(FOLDER)
SECRET = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL|BASE_URL|^GOOGLE_|_proxy$", re.I)
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(_[A-Z0-9]+)+\b")
MISSING = (WrongKey, BadSetting)
"""What using a generator without a key, or without an address, amounts to."""


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key and no network, not even the machine's own."""
    for name in [n for n in os.environ if SECRET.search(n)]:
        monkeypatch.delenv(name)
    connect = socket.socket.connect

    def banned(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            raise AssertionError(f"reached for {address}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", banned)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def generator(name: str, tmp_path: Path) -> Iterator[Generator]:
    made = make(name, tmp_path)
    yield made
    close(made)


def make(name: str, tmp_path: Path) -> Generator:
    build = registry.load(FOLDER, name, "GENERATOR")
    made = build(Surroundings(tmp_path / "own", timeout_s=1.0))
    assert isinstance(made, Generator)
    return made


def close(made: Generator) -> None:
    if hasattr(made, "close"):
        made.close()


def row_of(offered: Capability) -> catalog.Row:
    return catalog.row(offered.model)


@pytest.fixture
def picture(tmp_path: Path) -> Picture:
    path = tmp_path / "reference.png"
    done, data = cv2.imencode(".png", np.full((9, 16, 3), 120, np.uint8))
    assert done
    path.write_bytes(data.tobytes())
    return Picture(path, "sha256:1")


def asked(offered: Capability, picture: Picture, tmp_path: Path) -> Request:
    """The least that the model can make."""
    row = row_of(offered)
    pictures = (picture,) * row.references_at_least
    if "text" not in row.starts_from and "image" in row.starts_from:
        pictures += (replace(picture, role="first_frame"),)
    parameters = {"video": "https://127.0.0.1/take.mp4"} if "video" in row.parameters else {}
    length = min(row.durations_s) if row.durations_s else max(row.shortest_s, 0.5)
    size = (row.text_sizes or row.sizes or ((320, 180),))[0]
    return Request(
        offered.model, "An office corridor.", duration_s=length, size=size, seed=1,
        pictures=pictures, parameters=parameters, nonce="1A-1",
    )  # fmt: skip


def test_making_one_sends_nothing_and_needs_no_key(
    generator: Generator, tmp_path: Path, picture: Picture
) -> None:
    assert not (tmp_path / "own").exists()
    for offered in generator.capabilities():
        request = asked(offered, picture, tmp_path)
        generator.check(request)
        if row_of(offered).price:
            assert 0 <= generator.price_usd(request) < 1000
        else:
            with pytest.raises(BadSetting, match="prices"):
                generator.price_usd(request)


def test_capabilities_come_from_the_catalog(generator: Generator, name: str) -> None:
    offered = {c.model: c for c in generator.capabilities()}
    assert len(offered) == len(generator.capabilities())
    assert set(offered) == {row.model for row in catalog.alive(name)}
    for model, one in offered.items():
        row = catalog.row(model)
        said = catalog.capability(row)
        for field in ("kinds", "references", "first_frame", "last_frame", "offline", "seeded"):
            assert getattr(one, field) == getattr(said, field), (model, field)
        assert one.longest_s <= said.longest_s


def test_what_cannot_be_made_is_refused_before_anything_is_sent(
    generator: Generator, name: str, picture: Picture, tmp_path: Path
) -> None:
    gone = tmp_path / "gone.png"
    for offered in generator.capabilities():
        fits = asked(offered, picture, tmp_path)
        too_many = (picture,) * (offered.references + 1) + fits.pictures
        wrong = [
            replace(fits, model="no-such-model"),
            replace(fits, size=(3, 3)),
            replace(fits, pictures=too_many),
            replace(fits, pictures=(*fits.pictures, replace(picture, role="last_frame"))),
        ]
        if "video" in offered.kinds:
            wrong.append(replace(fits, duration_s=offered.longest_s + 1000))
        if offered.first_frame:
            wrong.append(replace(fits, pictures=(Picture(gone, "sha256:2", "first_frame"),)))
        for request in wrong:
            for call in (generator.check, generator.submit):
                with pytest.raises(CannotExpress) as caught:
                    call(request)
                assert_one_sentence(caught.value)
    for row in (r for r in catalog.rows() if r.protocol == name and r.retired is not None):
        with pytest.raises(CannotExpress, match=str(row.retired)) as caught:
            generator.check(Request(row.model, "An office corridor.", duration_s=4))
        follows = catalog.successor(row)
        assert follows is not None
        assert follows.model in str(caught.value)
    assert not (tmp_path / "own").exists(), "a refusal leaves no trace"


def test_without_a_key_the_variable_is_named(
    generator: Generator, picture: Picture, tmp_path: Path
) -> None:
    for offered in generator.capabilities():
        if offered.offline:
            continue
        with pytest.raises(MISSING) as caught:
            generator.submit(asked(offered, picture, tmp_path))
        assert_one_sentence(caught.value)
        assert VARIABLE.search(str(caught.value))


@pytest.mark.parametrize("job", ["no-such-job", "../../etc/passwd", "", "ÿ 7"])
def test_an_unknown_job_is_lost(generator: Generator, job: str, tmp_path: Path) -> None:
    offline = all(c.offline for c in generator.capabilities()) and generator.capabilities()
    expected: tuple[type[FilmgateError], ...] = (TakeLost,) if offline else (TakeLost, *MISSING)
    path = tmp_path / "take.mp4"
    for call in (generator.poll, generator.cancel, lambda job: generator.fetch(job, path)):
        with pytest.raises(expected) as caught:
            call(job)
        assert "\n" not in str(caught.value)
    assert not path.exists()


def test_finding_a_lost_request(generator: Generator, picture: Picture, tmp_path: Path) -> None:
    since = "2026-11-22T10:00:00+00:00"
    for offered in generator.capabilities():
        request = asked(offered, picture, tmp_path)
        if not offered.finds:
            with pytest.raises(CannotExpress):
                generator.find(request, since)
        elif offered.offline:
            assert generator.find(request, since) is None
            job = generator.submit(request)
            assert generator.find(request, since) == job
            generator.cancel(job)


def test_jobs_are_known_to_whoever_comes_after(
    generator: Generator, name: str, picture: Picture, tmp_path: Path
) -> None:
    for offered in generator.capabilities():
        if not offered.offline:
            continue
        request = asked(offered, picture, tmp_path)
        job = generator.submit(request)
        assert job != generator.submit(replace(request, nonce="1A-2"))
        after = make(name, tmp_path)
        try:
            status = after.poll(job)
            assert isinstance(status, Status)
            assert status.state in JobState
            after.cancel(job)
            after.cancel(job)
            assert after.poll(job).state in ENDED
        finally:
            close(after)


def assert_one_sentence(error: Exception) -> None:
    text = str(error)
    assert text.endswith((".", "]"))
    assert "\n" not in text
    assert len(text) < 500
