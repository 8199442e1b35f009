"""What the routes answer is what the models of the API's documents say: every member, and no other."""

import json
from typing import Any, get_args

import pytest
from hypothesis import given
from pydantic import BaseModel

from profiles.pre_capture_sessions import PROFILE
from reconciliation.dead_letters import SCHEMA_VERSION, DeadLetter
from reconciliation.errors import BadRequestError, FieldProblem, RunStoreError, SettingsError
from reconciliation.lifecycle import State
from reporting.model import ASKING, summary_of
from runs.refusals import RefusedError
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import World, audited, report_on
from tests.reconciliation.test_dead_letters import letters
from tests.triggers.world import NEWEST, TOUCHED, Runtime, ask, planted, request
from triggers import audits, documents
from triggers.openapi.components import models_of
from triggers.problems import NotFoundError, responded
from triggers.profiles import list_profiles
from triggers.service import live

MODELS = models_of([PROFILE])


def fits(model: type[BaseModel], document: Any) -> None:
    MODELS[model].model_validate_json(json.dumps(document))


@pytest.mark.parametrize("state", [State.QUEUED, State.COMPLETED, State.INCOMPLETE, State.FAILED])
async def test_an_audit_in_any_state(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    outside = await planted(state)
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    runtime = Runtime({TOUCHED} if state is State.QUEUED else set())
    _, shown = await ask(audits.show, request(TOUCHED), runtime)
    fits(documents.Audit, shown | {"summary": None})
    _, listed = await ask(audits.list_audits, request(), runtime)
    fits(documents.Audits, listed | {"audits": [one | {"summary": None} for one in listed["audits"]]})
    _, unread = await ask(audits.list_dead_letters, request(TOUCHED))
    fits(documents.DeadLetters, unread)
    if state is State.QUEUED:
        fits(documents.Cancelled, (await ask(audits.cancel_one, request(TOUCHED), runtime))[1])
    if state is State.INCOMPLETE:
        decision = b'{"reason": "It is broken.", "by": "the tests"}'
        fits(documents.DeadLetters, (await ask(audits.discard, request(TOUCHED, decision), runtime))[1])


async def test_an_audit_that_is_begun_and_one_that_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    outside, runtime = await planted(State.COMPLETED), Runtime()
    monkeypatch.setattr(audits, "services", lambda: outside.services)
    fits(documents.Accepted, (await ask(audits.start, request(), runtime))[1])
    fits(documents.Busy, (await ask(audits.start, request(), runtime))[1])
    fits(documents.NothingToDo, (await ask(audits.resume, request(NEWEST), runtime))[1])
    fits(documents.NotFound, (await ask(audits.show, request("20200101-000000-00000000"), runtime))[1])
    fits(documents.BadRequest, (await ask(audits.start, request(body=b'{"mode": 7}'), runtime))[1])


@given(strategies.worlds())
def test_the_summary_of_any_report(world: World) -> None:
    fits(documents.Summary, summary_of(report_on(audited(world)), PROFILE))


@given(letters)
def test_any_dead_letter(letter: DeadLetter) -> None:
    told = letter.to_json() | {"failed": letter.failed + 1}
    if told["discarded"]:
        told["discarded"] |= {"reason": "It is broken.", "by": "the tests"}
    fits(documents.DeadLetters, {"id": NEWEST, "dead_letters": [told]})
    assert told["schema_version"] == SCHEMA_VERSION


async def test_what_tells_of_the_service() -> None:
    for model, answered in ((documents.Profiles, list_profiles()), (documents.Live, live())):
        fits(model, json.loads((await responded(answered)).get_body()))


async def test_each_verdict_tells_its_repair_and_whether_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUDIT_PROFILES", "stuck-uploads")
    answered = json.loads((await list_profiles()).get_body())
    told = {one["verdict"]: (one["repair"], one["alarm"]) for one in answered["profiles"][0]["verdicts"]}
    assert told["never_started"] == ("start_run", True)
    assert told["error_contradicted"] == ("mark_processed", False)
    assert told["too_young"] == (None, False)


@pytest.mark.parametrize(
    ("model", "error"),
    [
        (documents.BadRequest, BadRequestError([FieldProblem("mode", "7", "one of full, fast")])),
        (documents.NotFound, NotFoundError("There is no such audit.")),
        (documents.Busy, RefusedError("Another one is active.", active_id=NEWEST)),
        (documents.Busy, RefusedError("Another one is active.", active_id="")),
        (documents.NothingToDo, RefusedError("It has ended.", state="completed")),
        (documents.NoReport, RefusedError("It has no report.")),
        (documents.Unavailable, SettingsError("AUDIT_MAX_PASSES is many.")),
        (documents.Broken, RunStoreError("run.json cannot be read.")),
        (documents.Broken, ZeroDivisionError()),
    ],
    ids=str,
)
async def test_every_refusal(model: type[BaseModel], error: Exception) -> None:
    async def refused() -> Any:
        raise error

    response = await responded(refused())
    fits(model, json.loads(response.get_body()))
    assert json.loads(response.get_body())["status"] == response.status_code


def test_what_asks_is_what_the_summary_tells_of() -> None:
    assert set(ASKING) == set(get_args(documents.Asking))
