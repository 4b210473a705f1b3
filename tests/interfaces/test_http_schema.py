"""Whatever OpenAPI says may be sent, and much that it does not, is answered as it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from filmgate.interfaces.http.app import create
from tests.review.room import Page, served, stage

# Schemathesis draws with `random` inside strategies now and then, which Hypothesis warns of.
pytestmark = pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")

EXAMPLES = 15
"""Per route: enough for the kinds of wrong values there are, few enough for the quick suite."""
CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance,
    response_headers_conformance, response_schema_conformance, negative_data_rejection,
    unsupported_method,
]  # fmt: skip
DETERMINED = settings(
    max_examples=EXAMPLES, derandomize=True, deadline=None, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


@pytest.fixture(scope="module")
def signed() -> dict[str, str]:
    """Headers of somebody who is signed in; filled once the server runs."""
    return {}


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory, signed: dict[str, str]) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        staged = stage(tmp_path_factory.mktemp("schema"), patch, 4, {"1B", "1D"})
        with served(create(staged.told)) as address, httpx2.Client(base_url=address) as client:
            page = Page(client)  # type: ignore[arg-type]
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            signed.update(page.headers, Cookie=cookie)
            signed["X-Digest"] = page.get("/api/takes/1B")["media"]["digest"]
            plain = page.get("/api/openapi.json")
            made = schemathesis.openapi.from_dict(plain)
            made.config.update(base_url=address)
            # A stream that does not end cannot be read to its end; signing out ends the test.
            yield made.exclude(path="/api/events").exclude(path="/api/session", method="DELETE")


def test_every_answer_is_one_that_is_published(spec: Any, signed: dict[str, str]) -> None:
    tried: list[str] = []
    statuses: set[int] = set()

    def known(case: Any) -> Any:
        """The same request about something that there is."""
        there = {"slate": "1B", "sequence": "one", "digest": signed["X-Digest"], "number": 3}
        for name in case.path_parameters.keys() & there.keys():
            case.path_parameters[name] = there[name]
        if isinstance(case.body, dict):
            things = {"take": "1B-1", "shot": "1B", "best": "1B-1"}
            case.body = {**case.body, **{k: v for k, v in things.items() if k in case.body}}
        return case

    for result in spec.get_all_operations():
        operation = result.ok()

        right = operation.as_strategy(GenerationMode.POSITIVE)
        wrong = operation.as_strategy(GenerationMode.NEGATIVE)

        @DETERMINED
        @given(case=right | right.map(known) | wrong)
        def answered(case: Any) -> None:
            found = case.call_and_validate(headers=signed, checks=CHECKS, timeout=30)
            statuses.add(found.status_code)

        answered()
        tried.append(operation.label)
    assert len(tried) >= 20, tried
    assert {200, 201, 400, 404, 422} <= statuses


def test_the_document_is_whole(spec: Any) -> None:
    plain = spec.raw_schema
    assert plain["openapi"].startswith("3.")
    for path, methods in plain["paths"].items():
        for method, one in methods.items():
            where = f"{method} {path}"
            assert one.get("summary"), where
            assert one.get("description"), where
            assert {"401", "403", "422", "500"} <= set(one["responses"]), where
            for code, answer in one["responses"].items():
                if code >= "400":
                    shape = answer["content"]["application/json"]["schema"]["$ref"]
                    assert shape.endswith("/Error"), where
