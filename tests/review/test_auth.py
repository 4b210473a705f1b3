"""Who comes in: tokens that are kept nowhere, sessions that end, roles that reach so far."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from filmgate.errors import BadSetting, StoreError, UsageError
from filmgate.review import auth
from filmgate.review.auth import Door, SignIn, TooMany


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashing as in life takes 50 ms a time."""
    monkeypatch.setattr(auth, "SCRYPT", {"n": 2**4, "r": 1, "p": 1})


def test_a_token_is_nowhere_on_the_disk(tmp_path: Path) -> None:
    token = auth.add_reviewer(tmp_path, "Ana", "lead")
    mark, _, secret = token.partition(".")
    kept = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert secret.encode() not in kept
    assert mark.encode() in kept
    assert stat.S_IMODE((tmp_path / auth.FILE).stat().st_mode) == 0o600
    assert len(secret) >= 43, "256 bits"


def test_the_cost_of_hashing_is_what_the_document_says() -> None:
    import importlib

    fresh = importlib.util.find_spec("filmgate.review.auth")  # type: ignore[attr-defined]
    assert fresh is not None
    text = Path(str(fresh.origin)).read_text()
    assert 'SCRYPT = {"n": 2**14, "r": 8, "p": 1}' in text


@pytest.mark.parametrize("name", ["Ana", "Jörg Müller", 'a"b', "a.b]c", "<script>", "名前", "a\\b"])
def test_any_name_that_can_be_printed_is_kept_as_it_is(tmp_path: Path, name: str) -> None:
    auth.add_reviewer(tmp_path, "first", "viewer")
    token = auth.add_reviewer(tmp_path, name, "reviewer")
    assert list(auth.reviewers(tmp_path)) == ["first", name]
    _, session = Door(tmp_path, None).sign_in(token, "x")
    assert (session.name, session.role) == (name, "reviewer")


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\x00b", "\x7f", "x" * 65, "\u202eevil"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        auth.add_reviewer(tmp_path, name, "viewer")


def test_an_unknown_role_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="viewer, reviewer, lead"):
        auth.add_reviewer(tmp_path, "Ana", "admin")  # type: ignore[arg-type]


def test_a_new_token_ends_the_old_one_and_its_sessions(tmp_path: Path) -> None:
    old = auth.add_reviewer(tmp_path, "Ana", "lead")
    door = Door(tmp_path, None)
    cookie, _ = door.sign_in(old, "x")
    assert door.session(cookie) is not None
    new = auth.add_reviewer(tmp_path, "Ana", "viewer")
    assert door.session(cookie) is None
    with pytest.raises(SignIn):
        door.sign_in(old, "x")
    assert door.sign_in(new, "x")[1].role == "viewer"


def test_removing_a_reviewer_ends_their_sessions(tmp_path: Path) -> None:
    token = auth.add_reviewer(tmp_path, "Ana", "lead")
    door = Door(tmp_path, None)
    cookie, _ = door.sign_in(token, "x")
    auth.remove_reviewer(tmp_path, "Ana")
    assert door.session(cookie) is None
    with pytest.raises(UsageError, match="no reviewer 'Ana'"):
        auth.remove_reviewer(tmp_path, "Ana")


def test_a_session_outlives_the_server_and_not_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = auth.add_reviewer(tmp_path, "Ana", "lead")
    cookie, opened = Door(tmp_path, None).sign_in(token, "x")
    again = Door(tmp_path, None)
    session = again.session(cookie)
    assert session == opened
    assert again.csrf(opened) == Door(tmp_path, None).csrf(opened)
    now = auth.time.time()
    monkeypatch.setattr(auth.time, "time", lambda: now + auth.SESSION_S + 5)
    assert again.session(cookie) is None


def test_signing_out_ends_the_cookie_itself(tmp_path: Path) -> None:
    door = Door(tmp_path, "ana")
    cookie, session = door.open_local() or ("", None)
    assert session is not None
    door.end(session)
    assert door.session(cookie) is None


def test_a_cookie_cannot_be_made_up_or_changed(tmp_path: Path) -> None:
    token = auth.add_reviewer(tmp_path, "Ana", "viewer")
    door = Door(tmp_path, None)
    cookie, _ = door.sign_in(token, "x")
    said, _, seal = cookie.partition(".")
    other = seal[:-1] + ("0" if seal[-1] != "0" else "1")
    changed = auth.base64.urlsafe_b64encode(
        auth.base64.urlsafe_b64decode(said).replace(b"Ana", b"Ben")
    ).decode()
    for forged in (
        None, "", ".", "x.y", f"{changed}.{seal}", f"{said}.{other}", f"{said}.",
        said, cookie + "x",
    ):  # fmt: skip
        assert door.session(forged) is None
    (tmp_path / "other").mkdir()
    assert Door(tmp_path / "other", None).session(cookie) is None, "another project, another key"


def test_a_local_session_opens_nothing_where_people_sign_in(tmp_path: Path) -> None:
    cookie, _ = Door(tmp_path, "ana").open_local() or ("", None)
    assert Door(tmp_path, "ana").session(cookie) is not None
    assert Door(tmp_path, "ben").session(cookie) is None
    assert Door(tmp_path, None).session(cookie) is None
    assert Door(tmp_path, None).open_local() is None


def test_guessing_tokens_is_slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token = auth.add_reviewer(tmp_path, "Ana", "lead")
    door = Door(tmp_path, None)
    for guess in ("x", "", ".", token + "x", "0" * 100):
        with pytest.raises(SignIn):
            door.sign_in(guess, "1.2.3.4")
    with pytest.raises(TooMany):
        door.sign_in(token, "1.2.3.4")
    assert door.sign_in(token, "5.6.7.8")[1].name == "Ana", "others are not kept out"
    now = auth.time.monotonic()
    monkeypatch.setattr(auth.time, "monotonic", lambda: now + auth.WRONG_WINDOW_S + 1)
    assert door.sign_in(token, "1.2.3.4")[1].name == "Ana"


def test_the_key_is_the_owners_and_the_same_for_servers_that_start_at_once(tmp_path: Path) -> None:
    doors: list[Door] = []
    threads = [
        threading.Thread(target=lambda: doors.append(Door(tmp_path, "ana"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cookie, _ = doors[0].open_local() or ("", None)
    assert all(door.session(cookie) is not None for door in doors)
    assert stat.S_IMODE((tmp_path / auth.KEY_FILE).stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [auth.KEY_FILE], "nothing is left lying about"
    (tmp_path / auth.KEY_FILE).write_bytes(b"short")
    with pytest.raises(StoreError, match="delete it"):
        Door(tmp_path, "ana")


@pytest.mark.parametrize(
    "text", ['[reviewers.x]\nrole = "god"\n', '[reviewers.x]\nrole = "lead"\n', "reviewers.x = 1\n"]
)
def test_a_damaged_file_is_told_with_what_to_do(tmp_path: Path, text: str) -> None:
    (tmp_path / auth.FILE).write_text(text)
    with pytest.raises(BadSetting, match="add-reviewer"):
        auth.reviewers(tmp_path)


def test_which_roles_reach_how_far(tmp_path: Path) -> None:
    order = [auth.Session("x", role, "n") for role in ("viewer", "reviewer", "lead")]
    reach = [[s.may(role) for role in auth.ROLES] for s in order]
    assert reach == [[True, False, False], [True, True, False], [True, True, True]]


@pytest.mark.parametrize(
    ("host", "own"),
    [
        ("127.0.0.1", True), ("localhost", True), ("::1", True), ("[::1]", True),
        ("127.8.9.1", True), ("0.0.0.0", False), ("192.168.1.2", False), ("::", False),
        ("localhost.example.org", False), ("127.0.0.1.example.org", False),
    ],
)  # fmt: skip
def test_which_addresses_are_this_machines_own(host: str, own: bool) -> None:
    assert auth.is_loopback(host) is own
