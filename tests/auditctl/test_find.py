"""``auditctl find``: what is stuck, as people know it."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from auditctl.stuck_words import age
from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    audit_document,
)
from tests.auditctl.stuck_world import PROFILE, STUCK, TENANT, finding, profiles, report, serve_audit, video

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_a_table_and_the_next_command(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(*STUCK, finding(3, "source_missing"), finding(4, "source_missing")))

    ran = auditctl("find", PROFILE, "--age-minutes", "30")

    assert (ran.code, ran.err) == (1, "")
    assert ran.out.splitlines() == [
        "Searching for stuck videos (age > 30 minutes) ...",
        "",
        "Found 2 stuck video(s):",
        "",
        f"{'ID':<38}{'Name':<21}{'Status':<13}{'Age':<16}Tenant ID",
        "-" * 126,
        f"{video(1)}  {'talk-1':<21}{'pending':<13}{'45m ago':<16}{TENANT}",
        f"{video(2)}  {'talk-2':<21}{'uploading':<13}{'3h ago':<16}{TENANT}",
        "",
        "2 other video(s) are stuck and need another step than a run:",
        "  source_missing: Mend source_missing.",
        f"    {video(3)}  talk-3",
        f"    {video(4)}  talk-4",
        "",
        "To retry these videos, run:",
        f"  auditctl retry {PROFILE} --age-minutes 30",
    ]
    [started] = [each.body for each in service.asked if each.method == "POST"]
    assert started == {"profile": PROFILE, "options": {"age_minutes": 30}}


def test_the_example_of_the_readme_is_what_is_printed(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(*STUCK, finding(3, "source_missing", next_step="Ask its owner to upload it again.")))

    ran = auditctl("find", PROFILE)

    section = README.partition("## Stuck uploads: find and retry\n")[2].partition("\n## ")[0]
    [shown, *_] = re.findall(r"```text\n(.*?)```", section, re.DOTALL)
    assert ran.out == shown


def test_as_json_it_is_one_document(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(STUCK[0], finding(3, "source_missing"), finding(9, "lost", subject=_of_another_kind())))

    ran = auditctl("find", PROFILE, "--json")

    told: dict[str, Any] = json.loads(ran.out)
    assert (ran.code, ran.err) == (1, "")
    assert (told["audit_id"], told["outcome"], told["complete"]) == (AUDIT_ID, "findings", True)
    assert told["found"][0] == {
        "id": video(1),
        "name": "talk-1",
        "status": "pending",
        "age_minutes": 45,
        "tenant_id": TENANT,
        "verdict": "never_started",
        "reason": "It is.",
        "next_step": "Mend never_started.",
        "needs_a_run": True,
    }
    assert [(one["id"], one["needs_a_run"]) for one in told["found"]] == [(video(1), True), (video(3), False)]


def _of_another_kind() -> dict[str, str]:
    return {"kind": "object", "id": "a folder"}


@pytest.mark.parametrize(
    ("minutes", "words"),
    [
        (0, "0m ago"),
        (59, "59m ago"),
        (60, "1h ago"),
        (1439, "23h ago"),
        (1440, "1d ago"),
        (7300, "5d ago"),
        (None, ""),
    ],
)
def test_ages(minutes: int | None, words: str) -> None:
    assert age(minutes) == words


def test_nothing_is_stuck(service: ScriptedService, auditctl: Auditctl) -> None:
    quiet = report(
        finding(5, "ready_without_layout", status="annotate"),
        finding(6, "unverified", age_minutes=2),
        counted={"processing": [video(7)], "too_young": [video(8)]},
    )
    serve_audit(service, quiet)

    ran = auditctl("find", PROFILE)

    assert (ran.code, "No stuck videos found that need a new run." in ran.out) == (0, True)
    assert "retry" not in ran.out


def test_what_could_not_be_read_is_said_loudly(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(STUCK[0], complete=False))
    ran = auditctl("find", PROFILE)
    assert ran.code == 3
    assert "INCOMPLETE: not everything could be read" in ran.out
    assert "Found 1 stuck video(s)" in ran.out

    serve_audit(service, report(complete=False))
    ran = auditctl("find", PROFILE)
    assert (ran.code, "No stuck videos found in what was read" in ran.out) == (3, True)
    assert json.loads(auditctl("find", PROFILE, "--json").out)["complete"] is False


def test_an_audit_that_failed_is_a_failure(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/profiles", Reply(profiles()))
    service.on("POST", "/audits", Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(audit_document("failed", error="The database is away")))

    ran = auditctl("find", PROFILE)

    assert (ran.code, "The audit failed: The database is away" in ran.err) == (4, True)


def test_another_audit_in_the_way_is_named(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/profiles", Reply(profiles()))
    service.on("POST", "/audits", Reply({"title": "Conflict", "status": 409, "active_id": AUDIT_ID}, 409))

    ran = auditctl("find", PROFILE)

    assert (ran.code, f"auditctl watch {AUDIT_ID}" in ran.err) == (2, True)


@pytest.mark.parametrize("command", ["find", "retry"])
def test_a_profile_without_such_a_repair_is_bad_usage(
    service: ScriptedService, auditctl: Auditctl, command: str
) -> None:
    service.on("GET", "/profiles", Reply(profiles()))
    more = ("--yes",) if command == "retry" else ()

    for name in ("other", "nothing"):
        ran = auditctl(command, name, *more)
        assert ran.code == 2
        assert f": {name}. Those with a repair start_run: {PROFILE}." in ran.err
        assert "auditctl profiles" in ran.err
    assert service.times("POST", "/audits") == 0


def test_a_service_of_an_earlier_release_is_understood_as_far_as_it_goes(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    service.on("GET", "/profiles", Reply(profiles(told=False)))

    assert auditctl("profiles").code == 0
    ran = auditctl("find", PROFILE)

    assert (ran.code, "it is of an earlier release" in ran.err) == (4, True)


def test_a_control_character_in_a_name_controls_nothing(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(finding(1, "never_started", name="\x1b[2J" + "x" * 60)))

    ran = auditctl("find", PROFILE)

    assert "\x1b" not in ran.out
    assert "x…" in ran.out
