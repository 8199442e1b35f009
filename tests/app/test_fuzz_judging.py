"""The judge of the fuzzing run says no where it must."""

import json
from typing import Any

import pytest

from adapters.enabled import enabled_profiles
from tests.app.described import Description
from tests.app.fuzzing.judging import Asked, Judge
from triggers.openapi.document import document

DOCUMENT = document([*enabled_profiles({}).values()])
PROBLEM = {"content-type": "application/problem+json", "cache-control": "no-store"}
LIST = Asked("GET", "/audits?limit=x", fields=frozenset({"limit"}))


def refusal(**changes: Any) -> dict[str, Any]:
    errors = [{"field": "limit", "value": "'x'", "allowed": "a whole number"}]
    standard = {"type": "about:blank", "title": "Bad Request", "status": 400, "detail": "No.", "errors": errors}
    return standard | changes


def judged(asked: Asked, status: int, headers: dict[str, str], body: object) -> Judge:
    judge = Judge(Description(DOCUMENT), [b"hidden-key"])
    judge.look(asked, status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())
    return judge


@pytest.mark.parametrize("path", ["/audits?limit=x", "/AUDITS?limit=x", "//audits/?limit=x", "/%61udits?limit=x"])
def test_a_documented_refusal_is_no_problem_however_the_route_is_spelled(path: str) -> None:
    assert judged(Asked("GET", path, fields=LIST.fields), 400, PROBLEM, refusal()).tally.problems == []


@pytest.mark.parametrize(
    ("status", "headers", "body", "told"),
    [
        (400, PROBLEM, refusal(errors=[{"field": "profile", "value": "", "allowed": "x"}]), "400 names ['profile']"),
        (400, PROBLEM, refusal(errors=[]), "should be non-empty"),
        (400, PROBLEM, refusal(extra=1), "'extra' was unexpected"),
        (400, PROBLEM, refusal(status=404), "400 was expected"),
        (400, PROBLEM, b"{", "not JSON"),
        (400, {**PROBLEM, "content-type": "text/plain"}, b"no", "400 with text/plain is not documented"),
        (400, {"content-type": PROBLEM["content-type"]}, refusal(), "header Cache-Control: is missing"),
        (418, PROBLEM, refusal(), "status 418 is not documented"),
        (200, {**PROBLEM, "content-type": "application/json"}, {"audits": [{}]}, "$.audits[0]"),
    ],
)
def test_what_is_not_documented_is_told(status: int, headers: dict[str, str], body: object, told: str) -> None:
    tally = judged(LIST, status, headers, body).tally
    assert told in "\n".join(tally.undocumented)
    assert (tally.server_errors, tally.secrets) == ([], [])


def test_an_answer_where_no_route_is_documented_is_told() -> None:
    assert judged(Asked("GET", "/audits/a/b/c"), 200, {}, b"").tally.undocumented
    assert judged(Asked("GET", "/audits/a/b/c"), 404, {}, b"").tally.problems == []


@pytest.mark.parametrize(("status", "body"), [(500, b""), (503, b"down")])
def test_a_server_error_is_told_wherever_it_comes_from(status: int, body: bytes) -> None:
    assert judged(Asked("GET", "/nowhere"), status, {}, body).tally.server_errors


@pytest.mark.parametrize(("headers", "body"), [({}, b"a hidden-key b"), ({"location": "/x?code=hidden-key"}, b"")])
def test_a_secret_in_a_body_or_a_header_is_told(headers: dict[str, str], body: bytes) -> None:
    tally = judged(Asked("GET", "/nowhere"), 404, headers, body).tally
    assert len(tally.secrets) == 1
    assert json.loads(tally.to_json()) == {"requests": 1, "server_errors": 0, "secrets": 1, "undocumented": 0}


def test_no_answer_at_all_is_a_server_error() -> None:
    judge = Judge(Description(DOCUMENT), [])
    judge.no_answer(LIST, "reset")
    assert (judge.tally.requests, len(judge.tally.server_errors)) == (1, 1)
