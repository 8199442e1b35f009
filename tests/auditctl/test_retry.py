"""``auditctl retry``: what is started, what is skipped and why, and what failed."""

import json
from typing import Any

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.processes import terminal
from tests.auditctl.scripted_service import AUDIT, Reply, ScriptedService
from tests.auditctl.stuck_world import (
    DIGEST,
    PROFILE,
    REPAIR,
    REPAIR_ID,
    RUN_ID,
    STUCK,
    ending,
    finding,
    repair,
    report,
    serve_audit,
    serve_repair,
    video,
)

DONE = ending(1, "done", run_id=RUN_ID)
BUSY = ending(2, "someone_else_moved", "active_flow_runs: run 7 of it is active.")


def applied(*ledger: dict[str, Any], state: str = "partly_applied") -> dict[str, Any]:
    return repair(state, ledger=list(ledger))


def test_runs_are_started_and_what_is_skipped_is_not_failed(service: ScriptedService, auditctl: Auditctl) -> None:
    found = report(*STUCK, finding(3, "source_missing"), counted={"processing": [video(4)], "recently_run": [video(5)]})
    serve_audit(service, found)
    serve_repair(service, repair("proposing", plan=None), repair(), repair("applying"), applied(DONE, BUSY))

    ran = auditctl("retry", PROFILE, "--yes", "--by", "Ann", "--only", video(1), "--only", video(2))

    assert ran.code == 0
    assert "Found 5 stuck video(s)\n" in ran.out
    assert ran.out[ran.out.index("Retrying:") :].splitlines() == [
        f"Retrying: talk-1 (ID: {video(1)})",
        f"  triggered run {RUN_ID}",
        "",
        f"Retrying: talk-2 (ID: {video(2)})",
        "  skipped: active_flow_runs",
        "    active_flow_runs: run 7 of it is active.",
        "",
        f"Retrying: talk-3 (ID: {video(3)})",
        "  skipped: source_missing",
        "",
        f"Retrying: (ID: {video(4)})",
        "  skipped: active_flow_runs",
        "",
        f"Retrying: (ID: {video(5)})",
        "  skipped: recent_run",
        "",
        "=" * 60,
        "RETRY SUMMARY",
        "=" * 60,
        "Total found:   5",
        "Triggered:     1",
        "Skipped:       4",
        "  active_flow_runs: 2",
        "  source_missing: 1",
        "  recent_run: 1",
        "Failed:        0",
    ]
    bodies = [each.body for each in service.asked if each.method == "POST"]
    assert bodies == [
        {"profile": PROFILE, "only": [video(1), video(2)]},
        {"findings": [video(1), video(2)], "by": "Ann"},
        {"digest": DIGEST, "reason": "auditctl retry", "by": "Ann"},
    ]


@pytest.mark.parametrize(
    ("last", "told"),
    [
        (ending(2, "refused", "recent_run: run 7 of it has just ended."), "skipped: recent_run"),
        (ending(2, "refused", "Not so any more: its row is as it was read."), "skipped: refused"),
        (ending(2, "someone_else_moved", ""), "skipped: refused"),
        (ending(2, "already_done", run_id=RUN_ID), f"triggered run {RUN_ID}"),
        ({"number": 2, "ending": "done", "why": ""}, "triggered a run"),
    ],
)
def test_each_ending_in_the_words_that_people_know(
    service: ScriptedService, auditctl: Auditctl, last: dict[str, Any], told: str
) -> None:
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair(), applied(DONE, last))

    ran = auditctl("retry", PROFILE, "--yes")

    assert (ran.code, f"Retrying: talk-2 (ID: {video(2)})\n  {told}\n" in ran.out) == (0, True)


@pytest.mark.parametrize(
    ("ledger", "told"),
    [
        ((DONE, ending(2, "failed", "Prefect is away.")), "  failed: Prefect is away."),
        ((DONE, ending(2, "unknown", "")), "failed: unknown: nobody can tell why"),
        ((DONE,), "failed: it was not begun, the repair is stopped"),
    ],
)
def test_what_failed_is_a_failure(
    service: ScriptedService, auditctl: Auditctl, ledger: tuple[dict[str, Any], ...], told: str
) -> None:
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair(), applied(*ledger, state="stopped"))

    ran = auditctl("retry", PROFILE, "--yes")

    assert ran.code == 4
    assert told in ran.out
    assert "Failed:        1" in ran.out


def test_what_the_plan_leaves_out_is_skipped_with_its_reason(service: ScriptedService, auditctl: Auditctl) -> None:
    left_out = [{"subject": {"kind": "video", "id": video(number)}, "why": "It is edited."} for number in (1, 2)]
    plan = repair()["plan"]
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair("failed", plan=plan | {"changes": [], "left_out": left_out}, error="Nothing."))

    ran = auditctl("retry", PROFILE, "--yes")

    assert (ran.code, "Skipped:       2\n  It is edited.: 2\n" in ran.out) == (0, True)
    assert service.times("POST", f"{REPAIR}/approve") == 0


def test_no_plan_is_a_failure(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair("failed", plan=None, error="The database is away."))

    ran = auditctl("retry", PROFILE, "--yes")

    assert (ran.code, "No plan was made (the repair is failed): The database is away." in ran.err) == (4, True)


def test_a_dry_run_proposes_nothing(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(*STUCK, finding(3, "run_zombie")))

    ran = auditctl("retry", PROFILE, "--dry-run", "--age-minutes", "30")

    assert ran.code == 0
    assert f"Retrying: talk-1 (ID: {video(1)})\n  would start a run\n" in ran.out
    assert f"Retrying: talk-3 (ID: {video(3)})\n  skipped: active_flow_runs\n" in ran.out
    assert "RETRY SUMMARY (dry run)" in ran.out
    assert "Would trigger: 2" in ran.out
    assert [each.path for each in service.asked if each.method == "POST"] == ["/audits"]


def test_nothing_to_start_proposes_nothing(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report())

    ran = auditctl("retry", PROFILE, "--yes")

    assert (ran.code, "Total found:   0" in ran.out) == (0, True)
    assert service.times("POST", f"{AUDIT}/repairs") == 0


def test_where_nobody_can_be_asked_yes_is_needed(service: ScriptedService, auditctl: Auditctl) -> None:
    ran = auditctl("retry", PROFILE)

    assert (ran.code, "Give --yes to start them without asking, or --dry-run" in ran.err) == (2, True)
    assert service.asked == []
    assert auditctl("retry", PROFILE, "--yes", "--dry-run").code == 2


def test_on_a_terminal_the_number_of_runs_is_asked_for(service: ScriptedService) -> None:
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair(), applied(DONE, BUSY))

    with terminal("retry", PROFILE, "--by", "Ann", AUDITCTL_URL=service.url) as screen:
        screen.wait_for("Start 2 runs in production? Type the number of runs: ")
        assert f"Create one run for video {video(1)}." in screen.text
        screen.press("2\n")
        assert screen.wait() == 0
    assert f"triggered run {RUN_ID}" in screen.text


def test_whoever_declines_starts_nothing(service: ScriptedService) -> None:
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair())

    with terminal("retry", PROFILE, "--by", "Ann", AUDITCTL_URL=service.url) as screen:
        screen.wait_for("Type the number of runs: ")
        screen.press("no\n")
        assert screen.wait() == 2
    assert "nothing was started" in screen.text
    assert service.times("POST", f"{REPAIR}/approve") == 0
    assert service.times("POST", f"{REPAIR}/reject") == 1


def test_an_incomplete_audit_is_never_a_success(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(*STUCK, complete=False))
    serve_repair(service, repair(), applied(DONE, BUSY))

    ran = auditctl("retry", PROFILE, "--yes")

    assert ran.code == 3
    assert "INCOMPLETE: not everything could be read" in ran.out
    assert "Triggered:     1" in ran.out


def test_an_incomplete_audit_by_which_nothing_can_be_proposed_starts_nothing(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    serve_audit(service, report(*STUCK, complete=False))
    service.on("POST", f"{AUDIT}/repairs", Reply({"title": "Conflict", "detail": "No.", "status": 409}, 409))

    ran = auditctl("retry", PROFILE, "--yes")

    assert (ran.code, "not_proposed: 2" in ran.out, "Nothing was started." in ran.err) == (3, True, True)


def test_as_json_it_is_one_document(service: ScriptedService, auditctl: Auditctl) -> None:
    serve_audit(service, report(*STUCK))
    serve_repair(service, repair(), applied(DONE, BUSY))

    ran = auditctl("retry", PROFILE, "--yes", "--json")

    told = json.loads(ran.out)
    assert (ran.code, told["repair_id"], told["found"], told["triggered"]) == (0, REPAIR_ID, 2, 1)
    assert told["skipped_by_reason"] == {"active_flow_runs": 1}
    assert [(one["id"], one["result"], one["detail"]) for one in told["tried"]] == [
        (video(1), "triggered", RUN_ID),
        (video(2), "skipped", "active_flow_runs"),
    ]
