"""What stands between a stranger and the room: names, sessions, roles, forged requests, headers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from filmgate.interfaces.http import app as apps
from filmgate.interfaces.http import guard
from filmgate.interfaces.http.app import create
from filmgate.review import auth
from tests.review.room import BASE, Page, Staged, opened, stage

WRITES = ("/api/decide", "/api/undo", "/api/notes", "/api/preferences")


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staged]:
    """A project of which nothing in this module changes what stands in it."""
    with pytest.MonkeyPatch.context() as patch:
        yield stage(tmp_path_factory.mktemp("guard"), patch, 4, {"1B", "1D"})


@pytest.fixture
def client(staged: Staged) -> Iterator[TestClient]:
    with opened(staged.told) as made:
        yield made


@pytest.fixture
def page(client: TestClient) -> Page:
    return Page(client)


@pytest.fixture
def others(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Page]]:
    """One page per role, where everybody signs in."""
    monkeypatch.setattr(auth, "SCRYPT", {"n": 2**4, "r": 1, "p": 1})
    tokens = {role: auth.add_reviewer(staged.root, f"the {role}", role) for role in auth.ROLES}
    app = create(replace(staged.told, local=None))
    with TestClient(app, base_url=BASE) as first:
        clients = {role: TestClient(app, base_url=BASE) for role in auth.ROLES}
        yield {"nobody": first, **{r: Page(clients[r], t) for r, t in tokens.items()}}  # type: ignore[dict-item]


def ruling(key: str, **more: Any) -> dict[str, Any]:
    return {"key": key, "take": "1B-1", "ruling": "hold", "expects": 0, **more}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def paths(app: FastAPI) -> list[tuple[str, str]]:
    """Every route with its method, parameters filled in."""
    spec = app.openapi()
    out = []
    for path, methods in spec["paths"].items():
        filled = path.replace("{slate}", "1B").replace("{digest}", "0" * 64)
        filled = filled.replace("{number}", "0").replace("{kind}", "png")
        filled = filled.replace("{sequence}", "one")
        out += [(method.upper(), filled) for method in methods]
    return out


# --- sessions ------------------------------------------------------------------------------------


def test_nothing_of_the_project_is_told_without_a_session(others: dict[str, Any]) -> None:
    nobody: TestClient = others["nobody"]
    tried = 0
    for method, path in paths(nobody.app):  # type: ignore[arg-type]
        answer = nobody.request(method, path, json={} if method == "POST" else None)
        if path == "/api/session" and method == "POST":
            assert answer.status_code in (401, 422)
            continue
        assert code(answer) in ((401, "sign_in"), (403, "csrf")), (method, path)
        tried += 1
    assert tried > 20
    assert nobody.get("/api/openapi.json").status_code == 401
    assert nobody.get("/api/nothing/here").status_code == 401
    index = nobody.get("/")
    assert "Staged" not in index.text, "not even the title"


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: TestClient) -> None:
    said = client.get("/api/session").headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=strict" in said
    assert "Path=/" in said
    assert "Secure" not in said
    assert said.startswith("filmgate_")


def test_over_tls_the_cookie_is_for_tls_only(staged: Staged) -> None:
    with TestClient(create(replace(staged.told, secure=True)), base_url="https://127.0.0.1") as one:
        answer = one.get("/api/session")
        assert "Secure" in answer.headers["set-cookie"]
        assert "strict-transport-security" in answer.headers


def test_two_projects_on_one_machine_keep_their_sessions_apart(
    staged: Staged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = stage(tmp_path, monkeypatch, 1, set(), clips=False)
    names = []
    for told in (staged.told, other.told):
        with opened(told) as client:
            names.append(client.get("/api/session").headers["set-cookie"].split("=")[0])
    assert names[0] != names[1]


def test_the_person_at_the_keyboard_needs_no_token(page: Page) -> None:
    session = page.session
    assert (session["reviewer"], session["role"], session["mode"]) == ("ana", "lead", "local")
    assert session["project"]["title"] == "Staged"
    assert session["project"]["id"]
    assert session["scale"]["high"] == len(session["scale"]["words"]) == 5


def test_signing_in_and_out(others: dict[str, Any]) -> None:
    page: Page = others["reviewer"]
    assert (page.session["reviewer"], page.session["mode"]) == ("the reviewer", "tokens")
    cookie = dict(page.client.cookies)
    assert page.get("/api/queue")["total"] == 2
    answer = page.client.delete("/api/session", headers=page.headers)
    assert answer.json() == {"signed_out": True}
    for name, value in cookie.items():
        page.client.cookies.set(name, value, domain="127.0.0.1")
    assert code(page.client.get("/api/queue")) == (401, "sign_in"), "a copy opens nothing either"


def test_wrong_tokens_are_told_and_then_kept_out(others: dict[str, Any]) -> None:
    nobody: TestClient = others["nobody"]
    for _ in range(auth.MOST_WRONG):
        assert code(nobody.post("/api/session", json={"token": "x.y"})) == (401, "sign_in")
    assert code(nobody.post("/api/session", json={"token": "x.y"})) == (429, "too_many")


def test_roles_reach_only_so_far(others: dict[str, Any]) -> None:
    bodies = {
        "/api/decide": ruling("role-key-1"), "/api/undo": {"key": "role-key-2", "decision": 1},
        "/api/notes": {"key": "role-key-3", "take": "1B-1", "text": "x"},
        "/api/preferences": {"key": "role-key-4", "shot": "1B", "best": "1B-1", "over": ["1B-2"]},
    }  # fmt: skip
    assert tuple(bodies) == WRITES
    for path, body in bodies.items():
        answer = others["viewer"].client.post(path, json=body, headers=others["viewer"].headers)
        assert code(answer) == (403, "forbidden"), path
    assert others["viewer"].get("/api/queue")["total"] == 2
    made = others["reviewer"].post("/api/decide", bodies["/api/decide"], 201)["decision"]
    assert made["reviewer"] == "the reviewer"
    undo = {"key": "role-key-5", "decision": made["id"]}
    other = auth.add_reviewer(Path(others["nobody"].app.state.room.told.settings.store), "ben",
                              "reviewer")  # fmt: skip
    ben = Page(TestClient(others["nobody"].app, base_url=BASE), other)
    assert ben.post("/api/undo", undo)["error"]["code"] == "forbidden"
    assert others["lead"].post("/api/undo", undo, 201)["decision"]["undoes"] == made["id"]


def test_a_reviewer_who_is_taken_out_is_out_at_once(others: dict[str, Any], staged: Staged) -> None:
    page: Page = others["viewer"]
    assert page.client.get("/api/queue").status_code == 200
    auth.remove_reviewer(staged.root, "the viewer")
    assert code(page.client.get("/api/queue")) == (401, "sign_in")


# --- forged requests -----------------------------------------------------------------------------


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Filmgate-CSRF": ""},
        {"X-Filmgate-CSRF": "0" * 64},
        {"X-Filmgate-CSRF": "é"},
    ],
)
def test_writing_needs_the_sessions_own_token(
    page: Page, path: str, headers: dict[str, str]
) -> None:
    raw = {k: v.encode() for k, v in headers.items()}
    assert code(page.client.post(path, json={}, headers=raw)) == (403, "csrf")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": "http://127.0.0.1:9"},
        {"Origin": "https://127.0.0.1"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)  # fmt: skip
def test_writing_from_another_site_is_refused(page: Page, headers: dict[str, str]) -> None:
    body = ruling("origin-key")
    answer = page.client.post("/api/decide", json=body, headers={**page.headers, **headers})
    assert code(answer) == (403, "csrf")
    answer = page.client.delete("/api/session", headers={**page.headers, **headers})
    assert code(answer) == (403, "csrf")
    answer = page.client.post("/api/session", json={"token": "x"}, headers=headers)
    assert code(answer) == (403, "csrf"), "nobody is signed in as somebody else, either"


def test_a_page_of_ours_may_write(page: Page) -> None:
    headers = {**page.headers, "Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    body = {"key": "own-origin", "take": "1B-1", "text": "A note."}
    assert page.client.post("/api/notes", json=body, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "127.0.0.1.evil.example", "evil.example:80", "", "127.0.0.2",
        "localhost.evil.example", "[::2]", "127.0.0.1@evil.example", "127.0.0.1:x:80",
    ],
)  # fmt: skip
def test_a_name_that_was_made_to_point_here_is_refused(client: TestClient, host: str) -> None:
    for path in ("/", "/api/session", "/static/api.js", "/api/queue"):
        assert code(client.get(path, headers={"Host": host})) == (403, "host")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:80", "localhost", "LOCALHOST", "[::1]"])
def test_names_of_this_machine_are_known(client: TestClient, host: str) -> None:
    assert client.get("/api/session", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "x/json"])
def test_a_body_that_a_form_could_send_is_refused(page: Page, kind: str) -> None:
    headers = {**page.headers, "Content-Type": kind}
    body = json.dumps(ruling("form-key-1"))
    answer = page.client.post("/api/decide", content=body, headers=headers)
    assert code(answer) == (415, "media_type")


def test_a_body_has_a_limit(page: Page) -> None:
    body = json.dumps({"key": "large-key", "take": "1B-1", "text": "x" * guard.MOST_BODY_BYTES})
    headers = {**page.headers, "Content-Type": "application/json"}
    answer = page.client.post("/api/notes", content=body, headers=headers)
    assert code(answer) == (413, "too_large")

    def chunks() -> Iterator[bytes]:
        yield from (b" " * 4096 for _ in range(100))

    answer = page.client.post("/api/notes", content=chunks(), headers=headers)
    assert code(answer) == (413, "too_large"), "and when its length is not told before"


# --- headers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path", ["/", "/api/session", "/api/queue", "/nothing", "/api/takes/9Z", "/static/none.js"]
)
def test_every_answer_carries_the_policy(page: Page, path: str) -> None:
    answer = page.client.get(path)
    for name, value in guard.HEADERS.items():
        assert answer.headers[name] == value, (path, name)
    assert answer.headers["cache-control"] in ("no-store", "no-cache", "private, no-cache")


def test_the_policy_lets_nothing_in() -> None:
    rules = dict(rule.split(" ", 1) for rule in guard.POLICY.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert rules["require-trusted-types-for"] == "'script'"
    for name, value in rules.items():
        allowed = {"'self'", "'none'", "blob:", "'script'"}
        assert set(value.split()) <= allowed, name
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"


def test_a_refusal_by_the_guard_carries_the_policy_too(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": "evil.example"})
    assert answer.headers["content-security-policy"] == guard.POLICY


def test_a_defect_says_nothing_of_itself(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("filmgate.review.desk.queue.listed", broken)
    app = apps.create(staged.told)
    with TestClient(app, base_url=BASE, raise_server_exceptions=False) as client:
        client.get("/api/session")
        answer = client.get("/api/queue")
    assert code(answer) == (500, "internal")
    assert "swordfish" not in answer.text
    assert answer.headers["content-security-policy"] == guard.POLICY


def test_the_document_names_tests_that_there_are() -> None:
    root = Path(__file__).parents[2]
    rows = [
        line for line in (root / "docs" / "security.md").read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| threat")
    ]  # fmt: skip
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", row)
        assert named, f"no test: {row}"
        for file, name in named:
            (found,) = (root / "tests").rglob(file)
            assert f"def {name}(" in found.read_text(), (file, name)
