"""The routes of policies: what they show, and who may let one go on."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import azure.functions as func
import pytest
from pydantic import BaseModel

from adapters.services import Services
from reconciliation.errors import BadRequestError
from tests.activities.policy_world import NAME, POLICY, PROFILE, PolicyWorld
from tests.triggers.world import ask
from triggers import documents, policies, service
from triggers.openapi.components import models_of
from triggers.requests import (
    AskRepair,
    DecideRepair,
    ProposeRepair,
    PseudonymOfRepair,
    ResumePolicy,
    read_discard,
    read_repair,
)

GIVEN = {"reason": "The flow is mended.", "by": "Ann"}
WHY = "runs_broke: 5 of the last 10 runs that it has started failed or crashed."
DIGEST = "d" * 64
MODELS = models_of([PROFILE])


def fits(model: type[BaseModel], document: Any) -> None:
    MODELS[model].model_validate_json(json.dumps(document))


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> PolicyWorld:
    made = PolicyWorld()
    monkeypatch.setattr(policies, "services", lambda: made.services)
    return made


def platform(world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> None:
    """The app with other settings of who asks."""

    def changed() -> Services:
        return replace(world.services, settings=replace(world.settings, **changes))

    monkeypatch.setattr(policies, "services", changed)


def asking(profile: str = NAME, body: Any = None, headers: dict[str, str] | None = None) -> func.HttpRequest:
    raw = json.dumps(GIVEN if body is None else body).encode()
    url = f"https://app/api/policies/{profile}/resume"
    return func.HttpRequest("POST", url, headers=headers or {}, route_params={"profile": profile}, body=raw)


async def paused(world: PolicyWorld) -> None:
    await world.store.policies.change(NAME, lambda state: state.paused(WHY, world.now))


async def listed(_world: PolicyWorld) -> dict[str, Any]:
    status, document = await ask(policies.list_policies)
    assert status == 200
    fits(documents.Policies, document)
    [one] = document["policies"]
    assert isinstance(one, dict)
    return one


async def test_an_active_policy_is_shown_with_its_setting_and_its_limits(world: PolicyWorld) -> None:
    shown = await listed(world)
    assert (shown["state"], shown["approves"]) == ("active", POLICY.text)
    assert (shown["setting"], shown["value"], shown["repairs"]) == (POLICY.setting, "start_run", ["start_run"])
    assert (shown["most"], shown["most_per_hour"]) == (3, 5)
    assert [shown[name] for name in ("paused_at", "why", "resumed_at", "resumed_by", "reason")] == [None] * 5


async def test_without_a_policy_none_is_shown(world: PolicyWorld) -> None:
    world.policy = None
    assert await ask(policies.list_policies) == (200, {"policies": []})


@pytest.mark.parametrize("by", ["paused", "schedules_paused"])
async def test_one_that_a_setting_pauses_is_shown_as_off(world: PolicyWorld, by: str) -> None:
    setattr(world, by, True)
    assert (await listed(world))["state"] == "off"


async def test_a_person_lets_a_paused_policy_go_on_once(world: PolicyWorld) -> None:
    await paused(world)
    shown = await listed(world)
    assert (shown["state"], shown["why"], shown["paused_at"]) == ("paused", WHY, "2026-11-27T09:30:00Z")
    world.now += timedelta(hours=1)
    status, document = await ask(policies.resume, asking())
    assert status == 200
    fits(documents.Policy, document)
    assert (document["state"], document["why"], document["paused_at"]) == ("active", None, None)
    assert (document["resumed_by"], document["reason"]) == ("Ann", GIVEN["reason"])
    assert document["resumed_at"] == "2026-11-27T10:30:00Z"
    assert await listed(world) == document
    status, refused = await ask(policies.resume, asking())
    assert status == 409
    fits(documents.PolicyNotPaused, refused)
    assert await listed(world) == document


async def test_a_policy_that_has_not_paused_itself_cannot_be_resumed(world: PolicyWorld) -> None:
    before = dict(world.blobs.blobs)
    assert (await ask(policies.resume, asking()))[0] == 409
    assert world.blobs.blobs == before


@pytest.mark.parametrize("profile", ["other", "", "../stuck-uploads"])
async def test_a_profile_without_a_policy_is_not_found(world: PolicyWorld, profile: str) -> None:
    await paused(world)
    status, document = await ask(policies.resume, asking(profile))
    assert status == 404
    fits(documents.NotFound, document)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"by": "Ann"},
        {"reason": "It is mended."},
        {"reason": "no", "by": "Ann"},
        {**GIVEN, "by": "policy"},
        {**GIVEN, "by": "  POLICY "},
        {**GIVEN, "profile": NAME},
        [],
    ],
)
async def test_a_request_that_says_not_who_or_why_is_refused(world: PolicyWorld, body: Any) -> None:
    await paused(world)
    status, document = await ask(policies.resume, asking(body=body))
    assert status == 400
    fits(documents.BadRequest, document)
    assert (await listed(world))["state"] == "paused"


def principal(*roles: str) -> dict[str, str]:
    claims = [{"typ": "tid", "val": "t"}, {"typ": "oid", "val": "o"}, {"typ": "name", "val": "Ann"}]
    claims += [{"typ": "roles", "val": role} for role in roles]
    return {"x-ms-client-principal": base64.b64encode(json.dumps({"claims": claims}).encode()).decode()}


@pytest.mark.parametrize(("roles", "status"), [(("Repair.Approve",), 200), ((), 403), (("Reader",), 403)])
async def test_where_the_platform_authenticates_resuming_needs_the_role_of_an_approver(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch, roles: tuple[str, ...], status: int
) -> None:
    await paused(world)
    platform(world, monkeypatch, is_on_platform=True, platform_authenticates=True)
    answer = await ask(policies.resume, asking(body={"reason": GIVEN["reason"]}, headers=principal(*roles)))
    assert answer[0] == status
    assert ((await listed(world))["state"] == "active") is (status == 200)


async def test_on_the_platform_a_declared_name_is_not_enough(
    world: PolicyWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await paused(world)
    platform(world, monkeypatch, is_on_platform=True)
    assert (await ask(policies.resume, asking()))[0] == 403
    platform(world, monkeypatch, is_on_platform=True, platform_authenticates=True)
    assert (await ask(policies.resume, asking(body={"reason": GIVEN["reason"]})))[0] == 403
    assert (await listed(world))["state"] == "paused"


async def test_a_state_that_cannot_be_read_is_said_and_nothing_is_resumed(world: PolicyWorld) -> None:
    await world.blobs.write(f"{NAME}/policy.json", b"{")
    for status, document in (await ask(policies.list_policies), await ask(policies.resume, asking())):
        assert status == 500
        assert f"{NAME}/policy.json" in document["detail"]


# --- nobody is called "policy" ----------------------------------------------------------------------------------------


def reads(kind: Any) -> Callable[[bytes], Any]:
    return lambda body: read_repair(kind, body, names_itself=True)


@pytest.mark.parametrize("name", ["policy", "Policy", " POLICY "])
@pytest.mark.parametrize(
    ("read", "body", "field"),
    [
        (reads(ProposeRepair), {}, "by"),
        (reads(DecideRepair), {"digest": DIGEST, "reason": "It is right."}, "by"),
        (reads(AskRepair), {}, "by"),
        (reads(ResumePolicy), {"reason": "It is right."}, "by"),
        (reads(PseudonymOfRepair), {"name": "Ann", "pseudonym": "A-1"}, "by"),
        (reads(PseudonymOfRepair), {"by": "Bea", "pseudonym": "A-1"}, "name"),
        (reads(PseudonymOfRepair), {"by": "Bea", "name": "Ann"}, "pseudonym"),
        (read_discard, {"reason": "It is broken."}, "by"),
    ],
)
def test_no_person_is_called_what_a_policy_is(
    read: Callable[[bytes], Any], body: dict[str, str], field: str, name: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        read(json.dumps({**body, field: name}).encode())
    [problem] = caught.value.problems
    assert problem.field == field
    assert "what a policy is called" in problem.allowed
    read(json.dumps({**body, field: "Policymaker"}).encode())


# --- health -----------------------------------------------------------------------------------------------------------


async def test_health_tells_whether_it_approves_and_no_state_of_it_is_a_fault(world: PolicyWorld) -> None:
    async def said() -> str:
        return await service._approves(world.services, POLICY)

    assert POLICY.text in await said()
    await paused(world)
    assert "auditctl repair resume stuck-uploads" in await said()
    world.schedules_paused = True
    assert (await said()).startswith("Paused by AUDIT_SCHEDULES_PAUSED")
    world.paused = True
    assert (await said()).startswith("Paused by AUDIT_AUTO_REPAIRS_PAUSED")
