import json

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    DROPPED,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    audit_document,
    ended_document,
)

ONE, OTHER = "6f1c1f52-6f0a-4f6e-8a53-0d9a5a3f2b11", "0b9e5f7e-2f8f-4a52-9df5-5a2f6f6d1c22"


@pytest.mark.parametrize(
    ("words", "body"),
    [
        ([], {}),
        (["--profile", "pre", "--mode", "fast"], {"profile": "pre", "mode": "fast"}),
        (["--profile", "another", "--mode", "deep"], {"profile": "another", "mode": "deep"}),
        (["--since", "2026-01-01", "--until", "2026-02-01"], {"since": "2026-01-01", "until": "2026-02-01"}),
        (["--status", "FAILURE", "--status", "PROCESSING"], {"statuses": ["FAILURE", "PROCESSING"]}),
        (["--grace-minutes", "0"], {"grace_minutes": 0}),
        (["--prefix", "a", "--prefix", "0f"], {"container_prefixes": ["a", "0f"]}),
        (["--only", ONE, "--only", OTHER.upper()], {"only": [ONE, OTHER.upper()]}),
        (["--ingest-address-contains", "rtmps"], {"ingest_address_contains": "rtmps"}),
        (["--option", "colour=red"], {"options": {"colour": "red"}}),
        (
            ["--option", "colour=red", "--option", "a=b=c,d", "--option", "colour="],
            {"options": {"colour": ["red", ""], "a": "b=c,d"}},
        ),
        (["--status", "FAILURE", "--option", "colour=red"], {"statuses": ["FAILURE"], "options": {"colour": "red"}}),
    ],
)
def test_only_what_was_asked_for_is_sent(
    service: ScriptedService, auditctl: Auditctl, words: list[str], body: dict[str, object]
) -> None:
    service.on("POST", "/audits", Reply(accepted_document(), 202))

    assert auditctl("run", *words).code == 0
    assert [asked.body for asked in service.asked] == [body]


def test_without_wait_it_ends_when_accepted(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", "/audits", Reply(accepted_document(), 202))

    ran = auditctl("run")

    assert ran.code == 0
    line = f'event=accepted audit={AUDIT_ID} profile=pre state=queued watch="auditctl watch {AUDIT_ID}"\n'
    assert ran.out.endswith(line)
    assert ran.out.count("\n") == 1
    assert len(service.asked) == 1


def test_json_prints_the_accepted_document(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", "/audits", Reply(accepted_document(), 202))

    ran = auditctl("run", "--json")

    assert (ran.code, json.loads(ran.out), ran.err) == (0, accepted_document(), "")


def test_json_with_wait_prints_one_document_at_the_end(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", "/audits", Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(audit_document(), headers=SOON), Reply(ended_document(1, "findings")))

    ran = auditctl("run", "--wait", "--json")

    assert (ran.code, json.loads(ran.out), ran.err) == (1, ended_document(1, "findings"), "")


@pytest.mark.parametrize("words", [["run"], ["run", "--wait"], ["run", "--json"], ["run", "--wait", "--json"]])
def test_an_active_audit_is_named_with_the_command_to_watch_it(
    service: ScriptedService, auditctl: Auditctl, words: list[str]
) -> None:
    refusal = {"title": "An audit of 'pre' is active", "status": 409, "active_id": AUDIT_ID}
    service.on("POST", "/audits", Reply(refusal, 409, {"content-type": "application/problem+json"}))

    ran = auditctl("--url", service.url, *words)

    assert ran.code == 2
    assert ran.out == ""
    assert f"\n  active audit: {AUDIT_ID}\n" in ran.err
    assert f"next:  Watch the active one: auditctl --url {service.url} watch {AUDIT_ID}\n" in ran.err


def test_each_refused_field_is_told_with_what_is_allowed(service: ScriptedService, auditctl: Auditctl) -> None:
    errors = [
        {"field": "statuses", "value": ["LOST"], "allowed": ["FAILURE", "PROCESSING"]},
        {"field": "grace_minutes", "value": 99_999, "allowed": "0 to 1440"},
    ]
    service.on("POST", "/audits", Reply({"title": "Bad request", "errors": errors}, 400))

    ran = auditctl("run", "--status", "LOST")

    assert ran.code == 2
    assert "\n  statuses: got LOST; allowed: FAILURE, PROCESSING\n" in ran.err
    assert "\n  grace_minutes: got 99999; allowed: 0 to 1440\n" in ran.err


def test_nothing_in_a_refusal_is_said_twice(service: ScriptedService, auditctl: Auditctl) -> None:
    errors = [{"field": "mode", "value": "slow", "allowed": "full or fast"}]
    detail = "The request is not usable. mode: slow is not allowed: full or fast"
    service.on("POST", "/audits", Reply({"title": "Bad Request", "detail": detail, "errors": errors}, 400))

    ran = auditctl("run")

    assert ran.err.startswith("auditctl: Bad Request\n  mode: got slow; allowed: full or fast\n  where: ")


def test_a_title_that_only_repeats_the_status_is_left_out(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", "/audits", Reply({"title": "Conflict", "detail": "An audit is active.", "active_id": "x"}, 409))

    assert auditctl("run").err.startswith("auditctl: An audit is active.\n  active audit: x\n")


def test_a_connection_lost_at_the_start_is_not_tried_again(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", "/audits", DROPPED)

    ran = auditctl("run", "--wait")

    assert ran.code == 4
    assert "it may have accepted the request" in ran.err
    assert "next:  See whether it did before you try again: auditctl list" in ran.err
    assert service.times("POST", "/audits") == 1, "a second start could be a second audit"
