import json
import logging
from http import HTTPStatus
from typing import Any

import azure.functions as func
import pytest

from reconciliation.errors import (
    BadRequestError,
    DatabaseRefusedError,
    DatabaseUnavailableError,
    FieldProblem,
    RunStoreError,
    SettingsError,
    StorageRefusedError,
    StorageUnavailableError,
)
from runs.refusals import RefusedError
from triggers.problems import NotFoundError, json_response, responded


async def answer_to(error: Exception) -> tuple[int, dict[str, Any]]:
    async def route() -> func.HttpResponse:
        raise error

    response = await responded(route())
    assert response.mimetype == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    document: dict[str, Any] = json.loads(response.get_body())
    assert document["status"] == response.status_code
    assert document["title"] == HTTPStatus(response.status_code).phrase
    assert document["type"] == "about:blank"
    return response.status_code, document


async def test_an_answer_goes_through_as_it_is() -> None:
    async def route() -> func.HttpResponse:
        return json_response({"name": "ü"}, HTTPStatus.ACCEPTED, {"Retry-After": "2"})

    response = await responded(route())
    assert (response.status_code, response.mimetype) == (202, "application/json")
    assert json.loads(response.get_body()) == {"name": "ü"}
    assert response.headers["Retry-After"] == "2"


async def test_a_bad_request_names_every_field_with_what_was_seen_and_what_is_allowed() -> None:
    problems = [FieldProblem("since", "'x'", "a date"), FieldProblem("mode", "'quick'", "full or fast")]
    status, document = await answer_to(BadRequestError(problems))
    assert status == 400
    assert document["errors"] == [
        {"field": "since", "value": "'x'", "allowed": "a date"},
        {"field": "mode", "value": "'quick'", "allowed": "full or fast"},
    ]
    assert "since" in document["detail"]
    assert "mode" in document["detail"]


async def test_what_is_refused_is_a_conflict_with_its_facts_and_what_is_not_there_is_not_found() -> None:
    status, document = await answer_to(RefusedError("Audit x is active.", active_id="x"))
    assert (status, document["detail"], document["active_id"]) == (409, "Audit x is active.", "x")
    status, document = await answer_to(NotFoundError("There is no audit x."))
    assert (status, document["detail"]) == (404, "There is no audit x.")


@pytest.mark.parametrize(
    "kind",
    [SettingsError, StorageRefusedError, StorageUnavailableError, DatabaseRefusedError, DatabaseUnavailableError],
)
async def test_what_the_service_needs_and_cannot_have_makes_it_unavailable(kind: type[Exception]) -> None:
    status, document = await answer_to(kind("Grant the role."))
    assert (status, document["detail"]) == (503, "Grant the role.")


async def test_another_expected_failure_is_told_in_its_own_words() -> None:
    assert (await answer_to(RunStoreError("The plan is cut.")))[1]["detail"] == "The plan is cut."


@pytest.mark.parametrize("error", [ValueError, KeyError, RuntimeError, ExceptionGroup])
async def test_an_unexpected_error_is_logged_and_shows_nothing_of_itself(
    error: type[Exception], caplog: pytest.LogCaptureFixture
) -> None:
    secret = "AccountKey=c2VjcmV0"
    raised = ExceptionGroup(secret, [ValueError(secret)]) if error is ExceptionGroup else error(secret)
    with caplog.at_level(logging.ERROR):
        status, document = await answer_to(raised)
    assert status == 500
    assert set(document) == {"type", "title", "status", "detail"}
    assert "c2VjcmV0" not in json.dumps(document)
    assert error.__name__ in caplog.text
