"""The commands about policies, as a pipe sees them."""

import json
from typing import Any

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import Reply, ScriptedService

RESUME = "/policies/stuck-uploads/resume"
WHY = "runs_broke: 5 of the last 10 runs that it has started failed or crashed."


def policy(state: str = "active", **changes: Any) -> dict[str, Any]:
    """A policy as the service tells of it."""
    document: dict[str, Any] = {
        "profile": "stuck-uploads",
        "state": state,
        "approves": "start_run of what a scheduled audit finds: at most 10 changes by one audit and 20 within an hour.",
        "setting": "AUDIT_AUTO_REPAIR__STUCK_UPLOADS",
        "value": "start_run",
        "repairs": ["start_run"],
        "most": 10,
        "most_per_hour": 20,
        "paused_at": None,
        "why": None,
        "resumed_at": None,
        "resumed_by": None,
        "reason": None,
    }
    return document | changes


PAUSED = policy("paused", paused_at="2026-11-27T09:30:00Z", why=WHY)
RESUMED = policy(resumed_at="2026-11-27T10:30:00Z", resumed_by="Ann", reason="The flow is mended.")


def listing(service: ScriptedService, *policies: dict[str, Any]) -> None:
    service.on("GET", "/policies", Reply({"policies": [*policies]}))


def test_without_a_policy_it_says_that_nothing_is_repaired(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service)
    ran = auditctl("repair", "policies")
    assert (ran.code, ran.out, ran.err) == (0, "Nothing is repaired without a person.\n", "")


def test_an_active_one_is_shown_with_its_words_and_its_setting(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service, policy())
    assert auditctl("repair", "policies").out == (
        "stuck-uploads: active\n"
        "  approves start_run of what a scheduled audit finds: at most 10 changes by one audit and 20 within an hour.\n"
        "  by AUDIT_AUTO_REPAIR__STUCK_UPLOADS = start_run\n"
    )


def test_one_that_has_paused_itself_tells_why_and_how_it_goes_on(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service, PAUSED)
    ran = auditctl("repair", "policies")
    assert ran.code == 0
    assert f"paused itself at 2026-11-27T09:30:00Z: {WHY}" in ran.out
    assert "repair resume stuck-uploads --reason TEXT --by NAME" in ran.out


def test_one_that_a_setting_pauses_says_which_may(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service, policy("off"))
    told = auditctl("repair", "policies").out
    assert "AUDIT_AUTO_REPAIRS_PAUSED" in told
    assert "AUDIT_SCHEDULES_PAUSED" in told


def test_who_let_it_go_on_is_shown(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service, RESUMED, policy(profile="another"))
    told = auditctl("repair", "policies").out
    assert "resumed at 2026-11-27T10:30:00Z by Ann: The flow is mended." in told
    assert "another: active" in told


def test_as_json_it_is_the_answer_itself(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service, PAUSED)
    assert json.loads(auditctl("repair", "policies", "--json").out) == {"policies": [PAUSED]}


def test_a_person_lets_it_go_on(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", RESUME, Reply(RESUMED))
    ran = auditctl("repair", "resume", "stuck-uploads", "--reason", "The flow is mended.", "--by", "Ann")
    assert ran.code == 0
    assert "The policy of stuck-uploads goes on with the next scheduled audit." in ran.out + ran.err
    [asked] = service.asked
    assert asked.body == {"reason": "The flow is mended.", "by": "Ann"}


def test_where_the_platform_says_who_asks_no_name_is_sent(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", RESUME, Reply(RESUMED))
    assert auditctl("repair", "resume", "stuck-uploads", "--reason", "The flow is mended.").code == 0
    [asked] = service.asked
    assert asked.body == {"reason": "The flow is mended."}


@pytest.mark.parametrize(
    ("status", "detail"),
    [
        (409, "The policy of stuck-uploads has not paused itself: there is nothing to resume."),
        (404, "There is no policy of that profile. GET /policies lists those there are."),
        (403, "Approving needs the app role Repair.Approve. Have it assigned to you."),
    ],
)
def test_a_refusal_is_told_and_asked_for_once(
    service: ScriptedService, auditctl: Auditctl, status: int, detail: str
) -> None:
    service.on("POST", RESUME, Reply({"title": "No", "status": status, "detail": detail}, status))
    ran = auditctl("repair", "resume", "stuck-uploads", "--reason", "The flow is mended.", "--by", "Ann")
    assert ran.code != 0
    assert detail in ran.err
    assert service.times("POST", RESUME) == 1


def test_a_profile_cannot_lead_elsewhere(service: ScriptedService, auditctl: Auditctl) -> None:
    auditctl("repair", "resume", "../audits", "--reason", "The flow is mended.", "--by", "Ann")
    assert [asked.path for asked in service.asked] == ["/policies/..%2Faudits/resume"]


def test_what_the_service_tells_cannot_write_to_the_terminal(service: ScriptedService, auditctl: Auditctl) -> None:
    listing(service, policy("paused", paused_at="2026-11-27T09:30:00Z", why="runs_broke: \x1b[2J"))
    assert "\x1b" not in auditctl("repair", "policies").out


def test_a_reason_is_needed(service: ScriptedService, auditctl: Auditctl) -> None:
    assert auditctl("repair", "resume", "stuck-uploads", "--by", "Ann").code != 0
    assert service.asked == []


def test_an_answer_without_policies_is_said(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/policies", Reply({"audits": []}))
    ran = auditctl("repair", "policies")
    assert ran.code != 0
    assert "policies" in ran.err
