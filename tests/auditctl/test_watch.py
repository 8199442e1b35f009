import json
import re
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from auditctl.client import retry_after_seconds
from auditctl.fields import Fields
from auditctl.responses import read_audit
from auditctl.watch import delay_after_trouble, delay_before_next_look
from auditctl.wording import audited
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
    progress_document,
)

CLEAN = Reply(ended_document(0, "clean"))
RUNNING = Reply(audit_document(), headers=SOON)
TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ ")


def events(out: str) -> list[str]:
    """The kinds of the lines printed, each of which must begin with a time."""
    lines = out.splitlines()
    assert all(TIME.match(line) for line in lines)
    return [line.split(" ")[1].removeprefix("event=") for line in lines]


def test_a_pipe_gets_a_line_when_something_has_changed(service: ScriptedService, auditctl: Auditctl) -> None:
    later_estimate = Reply(audit_document(progress=progress_document(scanned=8_412, eta=150)), headers=SOON)
    further = Reply(audit_document(progress=progress_document(scanned=9_000)), headers=SOON)
    service.on("GET", AUDIT, RUNNING, RUNNING, later_estimate, further, CLEAN)

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 0
    kinds = ["progress", "progress", "progress", "ended", "verdict", "verdict", "coverage", "report"]
    assert events(ran.out) == kinds
    assert "\x1b" not in ran.out
    assert ran.err == ""


def test_the_form_of_the_lines_is_stable(service: ScriptedService, auditctl: Auditctl) -> None:
    unknown = Reply(audit_document(phase="plan", progress=progress_document(scanned=None, eta=None)), headers=SOON)
    service.on("GET", AUDIT, unknown, RUNNING, CLEAN)

    lines = [TIME.sub("", line) for line in auditctl("watch", AUDIT_ID).out.splitlines()]

    start = f"event=progress audit={AUDIT_ID} profile=pre state="
    report = f"auditctl report {AUDIT_ID} --format html --output audit-{AUDIT_ID}.html"
    assert lines == [
        (
            f"{start}running phase=plan percent=- units_listed=- units_scanned=- units_skipped=- "
            "units_failed=- shards_total=- shards_done=- shards_failed=- blobs=- eta_seconds=-"
        ),
        (
            f"{start}running phase=scan percent=42.1 units_listed=20000 units_scanned=8412 "
            "units_skipped=2 units_failed=0 shards_total=40 shards_done=17 shards_failed=0 blobs=61220 "
            "eta_seconds=190"
        ),
        (
            f"{start}completed phase=done percent=100 units_listed=20000 units_scanned=19998 "
            "units_skipped=2 units_failed=0 shards_total=40 shards_done=17 shards_failed=0 blobs=61220 "
            "eta_seconds=-"
        ),
        (
            f"event=ended audit={AUDIT_ID} state=completed outcome=clean code=0 "
            'headline="3 recordings are in storage that no row accounts for" error=-'
        ),
        f"event=verdict audit={AUDIT_ID} verdict=recoverable count=3 severity=-",
        f"event=verdict audit={AUDIT_ID} verdict=absent count=1204 severity=-",
        f"event=coverage audit={AUDIT_ID} listed=20000 scanned=19998 skipped=2 failed=0 blobs=61220",
        f'event=report url={service.url}{AUDIT}/report get="{report}"',
    ]


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (DROPPED, "The connection to the service was lost"),
        (Reply(audit_document(), cut=True), "The connection to the service was lost"),
        (Reply(None, 429, SOON), "The service answered 429 Too Many Requests."),
        (Reply(None, 502, SOON), "The service answered 502 Bad Gateway."),
        (Reply({"title": "Starting"}, 503, SOON), "Starting"),
        (Reply(None, 504, SOON), "The service answered 504 Gateway Timeout."),
    ],
)
def test_passing_trouble_is_noted_and_survived(
    service: ScriptedService, auditctl: Auditctl, trouble: Reply, told: str
) -> None:
    service.on("GET", AUDIT, trouble, CLEAN)

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 0
    assert events(ran.out)[:3] == ["trouble", "recovered", "progress"]
    assert told in ran.out
    assert "gives_up_in_seconds=120" in ran.out


def test_trouble_that_lasts_ends_with_what_to_do_next(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", AUDIT, RUNNING, Reply({"title": "Starting"}, 503, SOON))

    began = time.monotonic()
    ran = auditctl("watch", AUDIT_ID, "--patience", "0.3")

    assert ran.code == 4
    assert 0.3 <= time.monotonic() - began < 5
    assert service.times("GET", AUDIT) > 3
    assert ran.out.count("event=trouble") == 1
    assert "auditctl: Starting Gave up after 0.3 s; the audit itself may well go on." in ran.err
    assert f"where: GET {service.url}{AUDIT} answered 503 Service Unavailable" in ran.err
    assert f"next:  When the service answers again: auditctl watch {AUDIT_ID}" in ran.err


def test_patience_counts_from_the_last_good_look(service: ScriptedService, auditctl: Auditctl) -> None:
    """Three troubles, each shorter than the patience and together longer."""
    busy = Reply(None, 503, {"Retry-After": "0.15"})
    service.on("GET", AUDIT, *[busy, busy, RUNNING] * 3, CLEAN)

    assert auditctl("watch", AUDIT_ID, "--patience", "0.6").code == 0


@pytest.mark.parametrize(("status", "code"), [(401, 4), (404, 2), (500, 4)])
def test_what_no_later_try_would_change_is_not_tried_again(
    service: ScriptedService, auditctl: Auditctl, status: int, code: int
) -> None:
    service.on("GET", AUDIT, RUNNING, Reply({"title": "No"}, status))

    assert auditctl("watch", AUDIT_ID).code == code
    assert service.times("GET", AUDIT) == 2


def test_an_interrupted_audit_may_be_resumed(service: ScriptedService, auditctl: Auditctl) -> None:
    interrupted = Reply(audit_document("interrupted"), headers=SOON)
    service.on("GET", AUDIT, RUNNING, interrupted, interrupted, RUNNING, CLEAN)

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 0
    kinds = ["progress", "trouble", "progress", "recovered", "progress", "progress"]
    assert events(ran.out)[:6] == kinds


@pytest.mark.parametrize("words", [[], ["--json"]])
def test_an_audit_that_stays_interrupted_is_a_failure(
    service: ScriptedService, auditctl: Auditctl, words: list[str]
) -> None:
    service.on("GET", AUDIT, Reply(audit_document("interrupted"), headers=SOON))

    ran = auditctl("watch", AUDIT_ID, "--patience", "0.2", *words)

    assert ran.code == 4
    assert "The audit was interrupted and not resumed within 0.2 s." in ran.err
    assert f"next:  Resume it: auditctl resume {AUDIT_ID} --wait\n" in ran.err
    if words:
        assert json.loads(ran.out)["state"] == "interrupted"


def test_json_is_one_document_and_trouble_goes_to_standard_error(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", AUDIT, RUNNING, DROPPED, CLEAN)

    ran = auditctl("watch", AUDIT_ID, "--json")

    assert (ran.code, json.loads(ran.out)) == (0, ended_document(0, "clean"))
    assert events(ran.err) == ["trouble", "recovered"]


def test_json_cannot_command_a_terminal_either(service: ScriptedService, auditctl: Auditctl) -> None:
    headline = "\x1b[2J\x9b31m\u202e"
    service.on("GET", AUDIT, Reply(ended_document(0, "clean", summary={"headline": headline, "counts": {}})))

    ran = auditctl("watch", AUDIT_ID, "--json")

    assert ran.out.isascii()
    assert "\x1b" not in ran.out
    assert json.loads(ran.out)["summary"]["headline"] == headline


def test_hostile_text_stays_one_quoted_value_in_a_pipe(service: ScriptedService, auditctl: Auditctl) -> None:
    hostile = 'x" code=0\nevent=ended \x1b[31m\x9b\u202e'
    service.on(
        "GET", AUDIT, Reply(ended_document(1, "findings", summary={"headline": hostile, "counts": {hostile: 1}}))
    )

    ran = auditctl("watch", AUDIT_ID)

    assert ran.code == 1
    assert events(ran.out).count("ended") == 1
    shown = r"x\" code=0 event=ended \\u001b[31m\\u009b\\u202e"
    assert f'headline="{shown}"' in ran.out
    assert f'verdict="{shown}" count=1' in ran.out


def test_a_short_audit_is_seen_although_the_service_asks_for_patience(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    slowly = {"Retry-After": "20"}
    service.on("POST", "/audits", Reply(accepted_document(), 202, slowly))
    service.on("GET", AUDIT, *(Reply(audit_document(phase=phase), headers=slowly) for phase in ("list", "scan")), CLEAN)

    began = time.monotonic()
    ran = auditctl("run", "--wait")

    assert ran.code == 0
    assert 0.75 < time.monotonic() - began < 10
    assert re.findall(r"phase=(\S+)", ran.out) == ["-", "list", "scan", "done"]


def test_in_trouble_the_service_says_when_to_ask_again(service: ScriptedService, auditctl: Auditctl) -> None:
    in_a_moment = format_datetime(datetime.now(UTC) + timedelta(seconds=1), usegmt=True)
    busy = [Reply(None, 503, {"Retry-After": when}) for when in ("0.9", in_a_moment)]
    service.on("GET", AUDIT, *busy, CLEAN)

    began = time.monotonic()
    assert auditctl("watch", AUDIT_ID).code == 0

    assert time.monotonic() - began > 0.9
    assert service.times("GET", AUDIT) == 3


@pytest.mark.parametrize(
    ("own", "asked_for", "waits", "in_trouble"),
    [
        (0.25, None, 0.25, 0.25),
        (90.0, None, 5.0, 5.0),
        (0.25, 2.0, 0.25, 2.0),
        (9.0, 2.0, 2.0, 2.0),
        (5.0, 0.0, 0.1, 0.1),
        (300.0, 86_400.0, 300.0, 300.0),
    ],
)
def test_the_delay_grows_to_what_is_asked_for_within_reason(
    own: float, asked_for: float | None, waits: float, in_trouble: float
) -> None:
    assert delay_before_next_look(own, asked_for) == waits
    assert delay_after_trouble(own, asked_for) == in_trouble


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        ("-5", 0.0),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("soon", None),
        ("nan", None),
        ("inf", None),
        ("", None),
    ],
)
def test_an_unreadable_retry_after_is_as_good_as_none(header: str, seconds: float | None) -> None:
    assert retry_after_seconds(httpx.Response(503, headers={"Retry-After": header})) == seconds


def test_whatever_places_an_audit_names_are_told(service: ScriptedService, auditctl: Auditctl) -> None:
    summary: dict[str, object] = {
        "headline": "demo: 1 video is stuck.",
        "notes": [],
        "environment": "demo",
        "database": {"host": "db.example", "name": "uploads"},
        "prefect": "prefect.example/api",
        "bucket": None,
        "event": "none",
        "counts": {},
        "asking": {},
        "units": {"noun": "folder", "listed": 1},
        "unheard_of": 7,
    }
    service.on("GET", AUDIT, Reply(ended_document(0, "clean", summary=summary)))

    ran = auditctl("watch", AUDIT_ID)

    assert (
        f"event=audited audit={AUDIT_ID} environment=demo database_host=db.example database_name=uploads "
        "prefect=prefect.example/api bucket=-\n"
    ) in ran.out
    of = read_audit(Fields(ended_document(0, "clean", summary=summary), "the service")).audited
    assert of is not None
    assert audited(of) == "demo: database uploads at db.example, prefect prefect.example/api, event none"


def test_a_pipe_is_told_the_severity_of_each_verdict_and_what_was_audited(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    summary = {
        "headline": "staging: 2 recordings are hidden in storage.",
        "environment": "staging",
        "storage_account": "finalsa",
        "ingest_account": None,
        "database": {"host": None, "name": "pre"},
        "counts": {"unregistered_recording": 2, "legacy": 7},
        "asking": {"high": {"unregistered_recording": 2}},
    }
    service.on("GET", AUDIT, Reply(ended_document(1, "findings", summary=summary)))

    lines = [TIME.sub("", line) for line in auditctl("watch", AUDIT_ID).out.splitlines()]

    assert lines[2:5] == [
        f"event=verdict audit={AUDIT_ID} verdict=unregistered_recording count=2 severity=high",
        f"event=verdict audit={AUDIT_ID} verdict=legacy count=7 severity=info",
        (
            f"event=audited audit={AUDIT_ID} environment=staging storage_account=finalsa ingest_account=- "
            "database_host=- database_name=pre"
        ),
    ]
