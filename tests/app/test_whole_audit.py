"""One audit of the planted world, from the request to the report, as a caller sees it."""

import base64
import csv
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import pytest

from dev.demo.__main__ import verdicts
from profiles.pre_capture_sessions.showing import SHOWING
from tests.app.world import ABSENT, Api, World, leaks

LINKS = {"self", "report", "page"}


@pytest.fixture(scope="module")
def started(api: Api) -> dict[str, Any]:
    """The answer to the module's first start: its headers and its document."""
    response = api.post("/audits", b"{}")
    assert response.status_code == 202, response.text
    return {"headers": dict(response.headers), "document": response.json()}


@pytest.fixture(scope="module")
def audit(api: Api, started: dict[str, Any]) -> dict[str, Any]:
    return api.ended(started["document"]["id"])


@pytest.fixture(scope="module")
def report(api: Api, audit: dict[str, Any]) -> dict[str, Any]:
    return api.report(audit["id"])


def test_a_start_is_accepted_and_says_where_to_look_and_when(api: Api, started: dict[str, Any]) -> None:
    document, headers = started["document"], started["headers"]
    assert set(document) == {"id", "profile", "state", "links"}
    assert (document["profile"], document["state"]) == ("pre-capture-sessions", "queued")
    assert set(document["links"]) == LINKS
    assert headers["location"] == document["links"]["self"] == f"{api.app.url}/audits/{document['id']}"
    assert int(headers["retry-after"]) >= 1


def test_every_session_gets_the_verdict_it_was_planted_for(world: World, report: dict[str, Any]) -> None:
    assert verdicts(report) == world.expected


def test_every_container_and_every_registered_recording_gets_one_verdict_too(
    world: World, report: dict[str, Any]
) -> None:
    counts = report["counts"]
    assert sum(counts["capture_session"].values()) == world.candidates
    assert sum(counts["container"].values()) == len(world.containers)
    assert sum(counts["recording"].values()) == len(world.rows)
    others = {f["subject"]["id"]: f for f in report["findings"] if f["subject"]["kind"] != "capture_session"}
    assert {subject: f["verdict"] for subject, f in others.items()} == {
        subject: verdict for case in world.cases for subject, verdict in case.also.items()
    }
    assert {f["subject"]["kind"] for f in others.values()} == {"container", "recording"}
    assert counts["container"]["registered"] > 10
    assert counts["recording"]["sound"] > 10
    assert counts["recording"]["legacy_row"] == 1


def test_sessions_that_are_in_order_are_counted_and_can_be_looked_up(world: World, report: dict[str, Any]) -> None:
    counted = report["counted"]["capture_session"]
    empty = [str(case.session_id) for case in world.cases if case.expected == "expected_empty"]
    assert {verdict: sorted(ids) for verdict, ids in counted.items()} == {"expected_empty": sorted(empty)}
    assert report["counts"]["capture_session"]["expected_empty"] == len(empty)
    assert not set(empty) & {finding["subject"]["id"] for finding in report["findings"]}


def test_of_a_recording_finding_the_row_is_shown_by_its_marks_and_not_by_its_file(report: dict[str, Any]) -> None:
    [finding] = [finding for finding in report["findings"] if finding["verdict"] == "no_ism"]
    assert set(finding["recording"]) == {"session_id", "marks"}
    assert finding["recording"]["marks"] == []
    assert finding["session"] is None
    [evidence] = finding["evidence"]
    assert (evidence["container"], evidence["registered"]) == (finding["subject"]["id"], True)


def test_findings_come_most_urgent_first_and_sessions_by_their_hearing(report: dict[str, Any]) -> None:
    order = ["high", "medium", "low", "unknown", "info"]
    kinds = ["capture_session", "recording", "container"]
    places = [(order.index(f["severity"]), kinds.index(f["subject"]["kind"])) for f in report["findings"]]
    assert places == sorted(places)
    assert len({place for place, _ in places}) > 2
    hearings = [
        (f["severity"], f["hearing_at"]) for f in report["findings"] if f["subject"]["kind"] == "capture_session"
    ]
    assert hearings == sorted(hearings, key=lambda hearing: (order.index(hearing[0]), hearing[1]))


def test_every_container_and_every_blob_was_read(world: World, report: dict[str, Any]) -> None:
    count = len(world.containers)
    assert report["complete"] is True
    assert report["coverage"] == {
        "complete": True,
        "units": {"noun": "container", "listed": count, "scanned": count, "skipped": 0, "failed": 0},
        "blobs": sum(len(container.blobs) for container in world.containers),
        "skipped_by_reason": {},
        "gaps": [],
        "failed_units": [],
        "dead_letters": [],
    }


def test_the_audit_document_has_the_agreed_shape(world: World, audit: dict[str, Any]) -> None:
    assert set(audit) == {
        "id", "profile", "state", "phase", "created_at", "updated_at", "parameters", "progress", "outcome", "summary",
        "error", "resumes", "dead_letters", "links",
    }  # fmt: skip
    assert (audit["state"], audit["phase"], audit["error"]) == ("completed", "done", None)
    assert audit["outcome"] == {"code": 1, "word": "findings"}
    count = len(world.containers)
    shards = -(-count // 10)
    assert audit["progress"] == {
        "shards": {"total": shards, "done": shards, "failed": 0},
        "units": {"noun": "container", "listed": count, "scanned": count, "skipped": 0, "failed": 0},
        "blobs": sum(len(container.blobs) for container in world.containers),
        "percent": 100,
        "eta_seconds": None,
    }
    assert audit["summary"]["sessions"] == world.candidates
    assert audit["parameters"]["statuses"] == ["PROCESSING", "NO_RECORDING", "FAILURE", "NULL"]
    assert audit["created_at"].endswith("Z")
    assert audit["created_at"] <= audit["updated_at"]


def test_the_report_speaks_for_its_audit_and_counts_what_it_holds(
    audit: dict[str, Any], report: dict[str, Any]
) -> None:
    assert report["schema_version"] == 3
    assert report["audit"]["id"] == audit["id"]
    assert report["outcome"] == audit["outcome"]
    assert report["headline"] == audit["summary"]["headline"]
    assert report["parameters"] == audit["parameters"]
    given = Counter((finding["subject"]["kind"], finding["verdict"]) for finding in report["findings"])
    given |= {("capture_session", verdict): len(ids) for verdict, ids in report["counted"]["capture_session"].items()}
    counts = report["counts"]
    for row in report["verdicts"]:
        assert row["count"] == counts[row["subject"]][row["verdict"]]
        if row["subject"] == "capture_session" or not row["counted"]:
            assert row["count"] == given[row["subject"], row["verdict"]] == audit["summary"]["counts"][row["verdict"]]
        else:
            assert (row["subject"], row["verdict"]) not in given
    assert all(finding["reason"] and finding["next_step"] for finding in report["findings"])
    severities = Counter(finding["severity"] for finding in report["findings"])
    assert {severity: number for severity, number in counts["by_severity"].items() if number} == severities
    assert counts["findings"] == audit["summary"]["findings"] == len(report["findings"])
    hidden = {
        "unregistered_recording", "hidden_by_deletion", "blocked_case_state", "ambiguous_containers",
        "ended_not_stopped", "available_without_row",
    }  # fmt: skip
    assert counts["hidden"] == sum(counts["capture_session"][verdict] for verdict in hidden)
    assert counts["hidden"] == audit["summary"]["hidden"] > 10


def test_the_table_holds_the_findings_of_the_report(api: Api, report: dict[str, Any]) -> None:
    response = api.get(f"/audits/{report['audit']['id']}/report?format=csv")
    assert response.headers["content-type"].startswith("text/csv")
    assert "findings.csv" in response.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(response.text, newline="")))
    assert list(rows[0]) == [name for name, _ in SHOWING.cells]
    listed = [(f["subject"]["kind"], f["subject"]["id"], f["verdict"], f["severity"]) for f in report["findings"]]
    assert [(row["subject_kind"], row["subject_id"], row["verdict"], row["severity"]) for row in rows] == listed


def test_the_page_shows_everything_that_needs_somebody_and_runs_nothing_but_its_own_script(
    api: Api, report: dict[str, Any]
) -> None:
    response = api.get(f"/audits/{report['audit']['id']}/report?format=html")
    assert response.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in response.headers["content-security-policy"]
    [script] = re.findall(r"<script[^>]*>(.*?)</script>", response.text, re.DOTALL | re.IGNORECASE)
    digest = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in response.headers["content-security-policy"]
    assert "<take>" not in response.text, "a blob's name got into the page as markup"
    urgent = [finding["subject"]["id"] for finding in report["findings"] if finding["severity"] != "info"]
    assert len(urgent) > 10
    assert [subject for subject in urgent if subject not in response.text] == []


def test_json_is_the_form_that_comes_without_asking(api: Api, report: dict[str, Any]) -> None:
    response = api.get(f"/audits/{report['audit']['id']}/report?format=json")
    assert response.headers["content-type"].startswith("application/json")
    assert response.json() == report


def test_a_second_audit_says_the_same_and_is_listed_first(api: Api, report: dict[str, Any]) -> None:
    view, again = api.audited()
    assert verdicts(again) == verdicts(report)
    listed = api.get("/audits?limit=2").json()["audits"]
    assert [audit["id"] for audit in listed] == [view["id"], report["audit"]["id"]]
    assert listed[0] == view
    assert len(api.get("/audits?limit=1").json()["audits"]) == 1
    assert len(api.get("/audits?profile=pre-capture-sessions").json()["audits"]) >= 2


def test_asking_for_one_session_judges_that_one_against_all_containers(api: Api, world: World) -> None:
    swept = world.case("swept")
    view, report = api.audited(only=[str(swept.session_id).upper()])
    sessions = {str(case.session_id) for case in world.cases}
    found = verdicts(report)
    assert {subject: found[subject] for subject in found.keys() & sessions} == {
        str(swept.session_id): "unregistered_recording"
    }
    assert view["progress"]["units"]["scanned"] == len(world.containers)


@pytest.mark.parametrize("narrowed", ["only", "since"])
def test_a_request_that_narrows_the_question_judges_no_recordings_and_leaves_other_sessions_containers_out(
    api: Api, world: World, narrowed: str
) -> None:
    inside = {"swept"} if narrowed == "only" else {case.name for case in world.cases if case.age < timedelta(days=10)}
    asked: dict[str, Any] = {
        "only": [str(world.case("swept").session_id)],
        "since": (datetime.now(UTC) - timedelta(days=10)).isoformat(),
    }
    view, report = api.audited(**{narrowed: asked[narrowed]})
    assert view["state"] == "completed"
    planted = {case.name: case for case in world.cases if case.expected is not None}
    expected = {str(case.session_id): case.expected for name, case in planted.items() if name in inside}
    found = verdicts(report)
    sessions = {str(case.session_id) for case in world.cases}
    assert len(expected) >= 1
    assert {subject: verdict for subject, verdict in found.items() if subject in sessions} == expected
    recordings = report["counts"]["recording"]
    assert {verdict: number for verdict, number in recordings.items() if number} == {
        "outside_question": len(world.rows)
    }
    containers = {c.name for name, case in planted.items() for c in case.containers if c.name in world.doubtful}
    within = {c.name for name in inside & planted.keys() for c in planted[name].containers} & containers
    whole = {subject for subject in containers if subject in world.expected}
    counts = report["counts"]["container"]
    assert (counts["attributed"], counts["outside_question"]) == (len(within - whole), len(containers - whole - within))
    assert counts["outside_question"] > 5
    # Media that names nobody may be anybody's, so it is told to everybody.
    assert whole <= found.keys()


def test_an_audit_of_a_part_of_the_account_is_incomplete_and_concludes_nothing_from_absence(
    api: Api, world: World
) -> None:
    [container] = world.case("swept").containers
    view, report = api.audited(container_prefixes=[container.name[:8]])
    assert (view["state"], view["outcome"]["code"]) == ("incomplete", 3)
    assert report["coverage"]["skipped_by_reason"] == {"outside the requested prefixes": len(world.containers) - 1}
    found = verdicts(report)
    assert found[str(world.case("swept").session_id)] == "unregistered_recording"
    assert found[str(world.case("unused").session_id)] == "unverified"
    assert not ABSENT & set(found.values())
    assert report["since_last"]["resolved"] is None


def test_an_audit_without_any_candidate_is_still_a_whole_audit(api: Api, world: World) -> None:
    view, report = api.audited(until="2001-01-01T00:00:00Z")
    assert view["state"] == "completed"
    assert sum(report["counts"]["capture_session"].values()) == 0
    assert {finding["subject"]["kind"] for finding in report["findings"]} == {"container"}
    assert verdicts(report) == {
        subject: verdict for case in world.cases for subject, verdict in case.also.items() if subject not in world.rows
    }
    assert report["coverage"]["units"]["scanned"] == len(world.containers)


def test_an_ended_audit_cannot_be_cancelled(api: Api, audit: dict[str, Any]) -> None:
    response = api.post(f"/audits/{audit['id']}/cancel")
    assert response.status_code == 409
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json()["state"] == "completed"
    assert api.view(audit["id"])["state"] == "completed"


def test_the_profile_says_what_may_be_asked_and_answered(api: Api, report: dict[str, Any]) -> None:
    [profile] = api.get("/profiles").json()["profiles"]
    assert profile["name"] == report["audit"]["profile"]
    options = {option["name"]: option for option in profile["options"]}
    assert set(options["statuses"]["default"]) < set(options["statuses"]["choices"])
    assert {"profile", "mode", "grace_minutes", "since", "until", "only", *options} == set(report["parameters"])
    assert profile["modes"] == ["full", "fast"]
    told = [(verdict["subject"], verdict["verdict"]) for verdict in profile["verdicts"]]
    assert told == [(row["subject"], row["verdict"]) for row in report["verdicts"]]
    kinds = ("capture_session", "container", "recording")
    assert sorted(told) == sorted((kind, verdict) for kind in kinds for verdict in report["counts"][kind])
    assert all(verdict["meaning"] and verdict["severity"] for verdict in profile["verdicts"])


def test_everything_is_reachable(api: Api) -> None:
    response = api.get("/health")
    assert response.status_code == 200
    document = response.json()
    assert document["status"] == "ok"
    assert set(document["checks"]) == {
        "storage:SOURCE_STORAGE",
        "storage:REPORT_STORAGE",
        "database:PRE_DATABASE",
        "repairs:pre-capture-sessions",
    }
    assert all(check["ok"] for check in document["checks"].values())


@pytest.mark.parametrize("action", ["", "/report", "/cancel"])
def test_an_audit_that_does_not_exist_is_not_found(api: Api, action: str) -> None:
    path = f"/audits/20200101-000000-00000000{action}"
    response = api.post(path) if action == "/cancel" else api.get(path)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert "20200101-000000-00000000" in response.json()["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/audits/not-an-id", "audit_id"),
        ("/audits/..%2factive", "audit_id"),
        ("/audits/20200101-000000-00000000%20", "audit_id"),
        ("/audits/20200101-000000-00000000/report?format=pdf", "format"),
        ("/audits?limit=0", "limit"),
        ("/audits?limit=many", "limit"),
        ("/audits?profile=nobody", "profile"),
    ],
)
def test_what_cannot_be_asked_is_told_by_its_field(api: Api, path: str, field: str) -> None:
    response = api.get(path)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    [error] = response.json()["errors"]
    assert error["field"] == field
    assert error["allowed"]


def test_all_that_is_wrong_with_a_start_is_told_at_once(api: Api) -> None:
    body = {"mode": 7, "since": "yesterday", "grace_minutes": -1, "only": ["x"], "colour": "red"}
    before = api.get("/audits?limit=200").json()["audits"]
    response = api.post("/audits", json.dumps(body).encode())
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert {error["field"] for error in response.json()["errors"]} == {
        "mode", "since", "grace_minutes", "only.0", "colour",
    }  # fmt: skip
    assert api.get("/audits?limit=200").json()["audits"] == before


def test_a_huge_body_is_refused_and_not_read(api: Api) -> None:
    response = api.post("/audits", b'{"only": ["' + b"x" * (1 << 20) + b'"]}')
    assert response.status_code == 400
    assert response.json()["errors"][0]["field"] == "body"


def test_no_secret_is_in_any_answer_log_or_artefact(api: Api, world: World, report: dict[str, Any]) -> None:
    assert len(api.answers) > 3
    assert report["audit"]["id"] in "".join(world.stored())
    assert leaks(api, world) == []


def test_no_answer_shows_the_way_into_the_hosts_own_management(api: Api, audit: dict[str, Any]) -> None:
    assert audit["id"] in "".join(api.answers)
    assert "/runtime/webhooks" not in "".join(api.answers)
