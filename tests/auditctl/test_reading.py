"""The commands that read, fetch or cancel, as a pipe sees them."""

import json
import os
from pathlib import Path

import pytest

from tests.auditctl.conftest import Auditctl
from tests.auditctl.processes import piped
from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    DROPPED,
    Reply,
    ScriptedService,
    audit_document,
    ended_document,
)

REPORT = f"{AUDIT}/report"
LISTED = {"audits": [ended_document(1, "findings"), audit_document()]}


def test_a_list_is_one_line_per_audit(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/audits", Reply(LISTED))

    ran = auditctl("list", "--profile", "pre", "--limit", "2")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        (
            f"audit={AUDIT_ID} profile=pre state=completed outcome=findings created_at=2026-01-31T08:00:00Z "
            'headline="3 recordings are in storage that no row accounts for"'
        ),
        f"audit={AUDIT_ID} profile=pre state=running outcome=- created_at=2026-01-31T08:00:00Z headline=-",
    ]
    assert service.asked[0].query == {"profile": ["pre"], "limit": ["2"]}


def test_a_list_names_what_kept_audits_from_being_shown(service: ScriptedService, auditctl: Auditctl) -> None:
    paths = ["20260131-080000-00000000/run.json", "20260130-080000-00000000/plan.json\x1b"]
    service.on("GET", "/audits", Reply({"audits": [ended_document(1, "findings")], "unreadable": paths}))

    ran = auditctl("list")

    assert ran.code == 0
    assert ran.out.splitlines()[1:] == [
        "unreadable=20260131-080000-00000000/run.json",
        'unreadable="20260130-080000-00000000/plan.json\\\\u001b"',
    ]


def test_a_list_as_json_is_the_document(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/audits", Reply(LISTED))

    ran = auditctl("list", "--json")

    assert (ran.code, json.loads(ran.out), ran.err) == (0, LISTED, "")


def test_profiles(service: ScriptedService, auditctl: Auditctl) -> None:
    statuses = {"name": "statuses", "meaning": "Only these.", "choices": ["A", "B"], "default": ["B"]}
    colour = {"name": "colour", "choices": ["red"], "default": "red"}
    size: dict[str, object] = {"name": "size", "choices": [], "default": None}
    profile = {"name": "pre", "title": "Pre-recorded", "modes": ["full", "fast"], "options": [statuses, size]}
    other = {"name": "other", "options": [colour]}
    service.on("GET", "/profiles", Reply({"profiles": [profile, other, {"name": "bare"}]}))

    ran = auditctl("profiles")

    assert ran.code == 0
    assert ran.out.splitlines() == [
        "profile=pre title=Pre-recorded mode=full,fast default_mode=full statuses=A,B default_statuses=B description=-",
        "profile=other title=- colour=red default_colour=red description=-",
        "profile=bare title=- description=-",
    ]


@pytest.mark.parametrize(
    ("option", "field"),
    [
        ({"name": "a b=c"}, "name"),
        ({"choices": ["a"]}, "name"),
        ({"name": "a", "default": 7.5}, "default"),
        ({"name": "a", "choices": "b"}, "choices"),
        ("statuses", "options"),
    ],
)
def test_an_option_that_is_none_is_an_unexpected_answer(
    service: ScriptedService, auditctl: Auditctl, option: object, field: str
) -> None:
    service.on("GET", "/profiles", Reply({"profiles": [{"name": "pre", "options": [option]}]}))

    ran = auditctl("profiles")

    assert ran.code == 4
    assert f"The answer's '{field}' is" in ran.err


@pytest.mark.parametrize(("status", "word", "ok", "code"), [(200, "ok", True, 0), (503, "degraded", False, 4)])
def test_health(service: ScriptedService, auditctl: Auditctl, *, status: int, word: str, ok: bool, code: int) -> None:
    checks = {"database:PRE": {"ok": ok, "detail": "PostgreSQL 18"}}
    service.on("GET", "/health", Reply({"status": word, "checks": checks}, status))

    ran = auditctl("health")

    assert ran.code == code
    assert ran.out.splitlines() == [
        f"service={service.url} status={word}",
        f'check=database:PRE ok={str(ok).lower()} detail="PostgreSQL 18"',
    ]


def test_health_tells_the_version_and_the_commit_if_it_is_told_them(
    service: ScriptedService, auditctl: Auditctl
) -> None:
    told = {"status": "ok", "version": "0.1.0", "commit": "a1b2c3d", "checks": {}}
    service.on("GET", "/health", Reply(told), Reply({**told, "commit": None}))

    assert auditctl("health").out == f"service={service.url} status=ok version=0.1.0 commit=a1b2c3d\n"
    assert auditctl("health").out == f"service={service.url} status=ok version=0.1.0\n"


def test_a_host_that_is_not_ready_is_not_a_degraded_service(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", "/health", Reply(b"Function host is not running.", 503))

    ran = auditctl("health")

    assert ran.code == 4
    assert "The service answered 503 Service Unavailable." in ran.err


def test_cancel(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("POST", f"{AUDIT}/cancel", Reply(None, 202))

    ran = auditctl("cancel", AUDIT_ID)

    assert ran.code == 0
    assert ran.out == f"Cancelling audit {AUDIT_ID}. See it end: auditctl watch {AUDIT_ID}\n"


def test_a_report_is_printed_byte_for_byte(service: ScriptedService) -> None:
    payload = b"id,name\r\n1,\xff\x1b[2J\x00" + os.urandom(200_000)
    service.on("GET", REPORT, Reply(payload))

    with piped("report", AUDIT_ID, "--format", "csv") as process:
        out, err = process.communicate(timeout=15)

    assert (process.returncode, out, err) == (0, payload, b"")
    assert service.asked[0].query == {"format": ["csv"]}


def test_a_report_replaces_its_file_whole(service: ScriptedService, auditctl: Auditctl, tmp_path: Path) -> None:
    service.on("GET", REPORT, Reply(b"new"))
    file = tmp_path / "report.html"
    file.write_bytes(b"old and longer")
    link = tmp_path / "latest.html"
    link.symlink_to(file)

    ran = auditctl("report", AUDIT_ID, "--format", "html", "--output", str(link))

    assert (ran.code, ran.out) == (0, f"Report written to {link}\n")
    assert file.read_bytes() == b"new"
    assert link.is_symlink()
    assert sorted(tmp_path.iterdir()) == [link, file]


@pytest.mark.parametrize("words", [["--output", "report.json"], []])
@pytest.mark.parametrize("trouble", [DROPPED, Reply(b"half", cut=True), Reply({"title": "No"}, 500)])
def test_half_a_report_is_no_report(
    service: ScriptedService,
    auditctl: Auditctl,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    words: list[str],
    trouble: Reply,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("report.json").write_bytes(b"old")
    service.on("GET", REPORT, trouble)

    ran = auditctl("report", AUDIT_ID, *words)

    assert (ran.code, ran.out) == (4, "")
    assert Path("report.json").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["report.json"]


def test_a_device_is_written_to_and_never_replaced(
    service: ScriptedService, auditctl: Auditctl, tmp_path: Path
) -> None:
    service.on("GET", REPORT, Reply(b"new"))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        ran = auditctl("report", AUDIT_ID, "--output", str(pipe))
        received = os.read(reader, 100)
    finally:
        os.close(reader)

    assert (ran.code, received) == (0, b"new")
    assert pipe.is_fifo()


@pytest.mark.parametrize("place", ["missing/report.json", "."])
def test_a_file_that_cannot_be_written_is_explained(
    service: ScriptedService, auditctl: Auditctl, tmp_path: Path, place: str
) -> None:
    service.on("GET", REPORT, Reply(b"new"))

    ran = auditctl("report", AUDIT_ID, "--output", str(tmp_path / place))

    assert ran.code == 4
    assert "It cannot be written: " in ran.err
    assert f"where: {tmp_path / place}" in ran.err


def test_a_report_of_an_audit_that_still_runs(service: ScriptedService, auditctl: Auditctl) -> None:
    service.on("GET", REPORT, Reply({"title": "No report yet", "detail": "The audit is running."}, 409))

    ran = auditctl("report", AUDIT_ID)

    assert ran.code == 2
    assert "No report yet: The audit is running." in ran.err
    assert f"next:  Wait for its end: auditctl watch {AUDIT_ID}" in ran.err


# --- the newest report ------------------------------------------------------------------------------------------------

OLDER = "0192f3c4-0000-7c43-9a52-3f1a2b3c4d5e"


def test_the_latest_report_is_that_of_the_newest_audit_that_has_one(
    service: ScriptedService, auditctl: Auditctl, tmp_path: Path
) -> None:
    audits = [
        audit_document(id=OLDER.replace("0000", "0002")),
        audit_document("failed", id=OLDER.replace("0000", "0001")),
        audit_document("incomplete"),
        audit_document("completed", id=OLDER),
    ]
    service.on("GET", "/audits", Reply({"audits": audits, "unreadable": []}))
    service.on("GET", REPORT, Reply(b"newest"))
    file = tmp_path / "report.csv"

    ran = auditctl("report", "--latest", "--profile", "pre", "--format", "csv", "--output", str(file))

    assert (ran.code, file.read_bytes()) == (0, b"newest")
    assert [asked.query for asked in service.asked] == [{"profile": ["pre"], "limit": ["200"]}, {"format": ["csv"]}]


@pytest.mark.parametrize(
    ("words", "told"), [((), "no report yet."), (("--profile", "pre"), "no report yet of the profile pre.")]
)
def test_where_no_audit_has_a_report_that_is_said(
    service: ScriptedService, auditctl: Auditctl, words: tuple[str, ...], told: str
) -> None:
    service.on("GET", "/audits", Reply({"audits": [audit_document()], "unreadable": []}))

    ran = auditctl("report", "--latest", *words)

    assert (ran.code, ran.out) == (4, "")
    assert f"There is {told}" in ran.err
    assert "next:  Audit first: auditctl run --wait" in ran.err
