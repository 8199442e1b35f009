"""Stuck uploads over HTTP, on real servers: every planted case in both shapes of the table and both sorts of bucket."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from jsonschema import Draft202012Validator

from dev.demo.stuck_uploads.__main__ import expected, verdicts
from dev.demo.stuck_uploads.cases import CASES, STRAY_OBJECT, TENANT
from dev.demo.stuck_uploads.stack import PASSWORD, Stack, stack
from dev.devstack.app import running_app
from dev.devstack.prefect_planting import Planting
from dev.report_schema import path_of
from profiles.stuck_uploads.dialects import UNFINISHED
from profiles.stuck_uploads.profile import PROFILE
from reporting.declared import report_of
from tests.app.repairing import Repairing
from tests.profiles.stuck_uploads.world import profile_for

OTHERS, UNRELATED = 7, 3
ROOT = Path(__file__).parents[2]
MISSED, PROCESSED = CASES[0], CASES[3]
FULL = {"mode": "full", "grace_minutes": 0}
SCHEMA = Draft202012Validator(json.loads(path_of(PROFILE.name).read_text(encoding="utf-8")))


class Uploads(Repairing):
    """The API over one of the worlds; its reports are what the profile and its published schema say."""

    def __init__(self, world: Stack) -> None:
        super().__init__(world.app)
        self.world = world
        self.profile = profile_for(world.settings["STUCK_UPLOADS_COLUMNS"])

    def report(self, audit_id: str) -> dict[str, Any]:
        response = self.get(f"/audits/{audit_id}/report")
        assert response.status_code == 200, response.text
        report_of(self.profile).model_validate_json(response.content)
        document: dict[str, Any] = response.json()
        SCHEMA.validate(document)
        return document


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("layout_status", False), id="later columns and S3"),
        pytest.param(("status", True), id="documented columns and Azure", marks=pytest.mark.deep),
    ],
)
def api(request: pytest.FixtureRequest) -> Iterator[Uploads]:
    columns, on_azure = request.param
    with stack(columns, on_azure=on_azure, others=OTHERS, unrelated=UNRELATED) as world:
        api = Uploads(world)
        yield api
        api.close()


@pytest.fixture(scope="module")
def full(api: Uploads) -> dict[str, Any]:
    """The report of a full audit."""
    return api.audited(**FULL)[1]


def test_every_planted_case_is_found_and_nothing_else(api: Uploads, full: dict[str, Any]) -> None:
    found = verdicts(full)
    planted = {subject: verdict for subject, (verdict, _) in expected(api.world.cases).items()}
    others = {subject for subject in found.keys() - planted.keys() if found[subject] == "too_young"}
    assert len(others) == OTHERS
    assert {subject: verdict for subject, verdict in found.items() if subject not in others} == planted
    assert full["complete"]
    assert full["coverage"]["gaps"] == []


def test_what_names_people_is_in_no_answer(api: Uploads, full: dict[str, Any]) -> None:
    name = STRAY_OBJECT.rpartition("/")[2]
    assert full["findings"]
    secrets = [PASSWORD, name, *(value for key, value in api.world.settings.items() if key.endswith("secretAccessKey"))]
    texts = [*api.answers, *(path.read_text(errors="replace") for path in api.app.log.parent.rglob("*.log"))]
    assert [secret for secret in secrets for text in texts if secret in text] == []


def test_a_fast_audit_says_the_same_of_what_is_not_finished(api: Uploads, full: dict[str, Any]) -> None:
    _, fast = api.audited()
    stages, columns = api.profile.dialect.stages, api.world.settings["STUCK_UPLOADS_COLUMNS"]
    with psycopg.connect(api.world.database) as connection:
        column = "layout_status" if columns == "layout_status" else "status"
        rows = connection.execute(f"select id::text, {column} from videos".encode()).fetchall()
    unfinished = {("video", its_id) for its_id, status in rows if stages.get(status) in {*UNFINISHED, None}}
    everything, found = verdicts(full), verdicts(fast)
    assert found == {subject: everything[subject] for subject in unfinished}
    assert fast["coverage"]["units"]["listed"] < full["coverage"]["units"]["listed"]


def test_one_video_can_be_asked_for_and_one_that_is_none_is_a_gap(api: Uploads) -> None:
    view, report = api.audited(only=[MISSED.video_id.upper()])
    assert (view["outcome"]["code"], verdicts(report)) == (1, {("video", MISSED.video_id): "never_started"})
    _, report = api.audited(only=[CASES[27].video_id])
    assert verdicts(report) == {("video", CASES[27].video_id): "healthy"}
    nobody = "b0000000-0000-4000-8000-000000000001"
    view, report = api.audited(only=[nobody])
    assert (view["state"], view["outcome"]["code"]) == ("incomplete", 3)
    assert nobody in json.dumps(report["coverage"]["gaps"])


def test_how_old_and_how_recent_is_for_the_request_to_say(api: Uploads) -> None:
    _, report = api.audited(only=[MISSED.video_id], options={"age_minutes": 24 * 60})
    assert verdicts(report) == {("video", MISSED.video_id): "too_young"}
    _, report = api.audited(only=[CASES[20].video_id], options={"recent_minutes": 0})
    assert verdicts(report) == {("video", CASES[20].video_id): "completed_without_effect"}
    refused = api.ask("/audits", options={"age_minutes": "soon"})
    assert refused.status_code == 400
    assert "a whole number of minutes" in refused.text


def test_the_service_tells_that_all_it_reads_can_be_reached(api: Uploads) -> None:
    checks = api.get("/health").json()["checks"]
    assert {name: check["ok"] for name, check in checks.items() if ":STUCK_UPLOADS" in name} == {
        "bucket:STUCK_UPLOADS_BUCKET": True,
        "database:STUCK_UPLOADS_DATABASE": True,
        "api:STUCK_UPLOADS_PREFECT": True,
        "api:STUCK_UPLOADS_REPAIR_PREFECT": True,
    }
    [profile] = api.get("/profiles").json()["profiles"]
    statuses = next(option for option in profile["options"] if option["name"] == "statuses")
    assert statuses["choices"] == list(api.profile.dialect.statuses)


def test_one_person_starts_a_run_and_can_take_it_back(api: Uploads, full: dict[str, Any]) -> None:
    repair = api.proposed(full["audit"]["id"], MISSED.video_id)
    assert repair["plan"]["changes"][0]["says"].startswith(f"Create one run for video {MISSED.video_id}")
    assert api.decided(repair, "Ann").status_code == 202
    done = api.until(repair["id"], "applied", "partly_applied", "failed")
    assert (done["state"], done["counts"]["done"]) == ("applied", 1)
    with Planting(api.world.prefect) as plant:
        runs = plant.made("flow_runs/filter", {"flow_runs": {"tags": {"all_": [f"video:{MISSED.video_id}"]}}})
        assert [run["state_type"] for run in runs] == ["SCHEDULED"]
        _, report = api.audited(only=[MISSED.video_id])
        assert verdicts(report) == {("video", MISSED.video_id): "processing"}
        undo = api.until(api.ask(f"/repairs/{repair['id']}/undo", by="Ann").json()["id"], "proposed", "failed")
        assert api.decided(undo, "Ann").status_code == 202
        assert api.until(undo["id"], "applied", "partly_applied", "failed")["state"] == "applied"
        assert plant.read(runs[0]["id"])["state_type"] == "CANCELLED"
    _, report = api.audited(only=[MISSED.video_id])
    assert verdicts(report) == {("video", MISSED.video_id): "never_started"}


def test_to_set_a_status_takes_two(api: Uploads, full: dict[str, Any]) -> None:
    repair = api.proposed(full["audit"]["id"], PROCESSED.video_id)
    assert api.decided(repair, "Ann").status_code == 403
    assert api.decided(repair, "Bob").status_code == 202
    assert api.until(repair["id"], "applied", "partly_applied", "failed")["state"] == "applied"
    _, report = api.audited(only=[PROCESSED.video_id], mode="full")
    assert verdicts(report) == {("video", PROCESSED.video_id): "healthy"}


def test_what_people_have_edited_gets_no_run(api: Uploads) -> None:
    lost = CASES[22].video_id
    with psycopg.connect(api.world.database) as connection:
        connection.execute(
            "insert into video_database_state (video_id, database_name, server_version) values (%s, 'layout', 1)",
            [lost],
        )
    view, report = api.audited(only=[lost])
    assert verdicts(report) == {("video", lost): "run_lost"}
    assert "people have edited it" in report["findings"][0]["reason"]
    repair = api.proposed(view["id"], lost)
    assert (repair["state"], "People have edited it" in repair["error"]) == ("failed", True)


def test_a_run_that_names_no_video_is_told_and_keeps_all_from_being_retried(api: Uploads) -> None:
    with Planting(api.world.prefect) as plant:
        deployment = plant.call("deployments/name/process-video/production").json()["id"]
        nameless = plant.run(deployment, {"video": MISSED.video_id}, "RUNNING")
        try:
            view, report = api.audited(only=[MISSED.video_id])
            assert verdicts(report) == {
                ("video", MISSED.video_id): "never_started",
                ("run", nameless): "run_without_video",
            }
            repair = api.proposed(view["id"], MISSED.video_id)
            assert api.decided(repair, "Ann").status_code == 202
            done = api.until(repair["id"], "applied", "partly_applied", "failed")
            assert (done["state"], nameless in json.dumps(done["ledger"])) == ("failed", True)
        finally:
            plant.set_state(nameless, "COMPLETED")


def test_without_its_deployment_nothing_is_called_never_started(api: Uploads) -> None:
    settings = {**api.world.settings, "STUCK_UPLOADS_DEPLOYMENT": "process-video/nowhere", "AUDIT_ENVIRONMENT": "wrong"}
    with running_app(settings) as app:
        other = Uploads(Stack(app, settings, api.world.cases, api.world.database, api.world.prefect))
        try:
            view, report = other.audited()
            assert (view["state"], view["outcome"]["code"]) == ("incomplete", 3)
            assert "There is no deployment process-video/nowhere" in json.dumps(report["coverage"]["gaps"])
            found = set(verdicts(report).values())
            assert "unverified" in found
            assert not found & {"never_started", "run_lost", "processing", "partial_outputs", "finished_not_marked"}
            health = other.get("/health").json()["checks"]["api:STUCK_UPLOADS_PREFECT"]
            assert (health["ok"], "There is no deployment" in health["detail"]) == (False, True)
        finally:
            other.close()


def auditctl(api: Uploads, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AUDITCTL_URL": api.app.url, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "auditctl", *words]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


LATE = CASES[14]


def test_find_shows_what_is_stuck_and_how_to_go_on(api: Uploads) -> None:
    done = auditctl(api, "find", "stuck-uploads")
    assert (done.returncode, done.stderr) == (1, "")
    assert "ID" in done.stdout
    [line] = [line for line in done.stdout.splitlines() if LATE.video_id in line]
    assert line.split()[1:3] == [f"{LATE.number:02}", "never_started"]
    assert TENANT in line
    assert "auditctl retry stuck-uploads" in done.stdout
    assert "source_missing: Ask its owner to upload it again." in done.stdout
    found = json.loads(auditctl(api, "find", "stuck-uploads", "--age-minutes", "30", "--json").stdout)
    assert LATE.video_id not in {one["id"] for one in found["found"]}, "it is 20 minutes old"
    assert found["complete"]


def test_retry_starts_one_run_and_skips_what_has_one_which_is_no_failure(api: Uploads) -> None:
    refused = auditctl(api, "retry", "stuck-uploads")
    assert (refused.returncode, "--yes" in refused.stderr) == (2, True)
    tried = auditctl(api, "retry", "stuck-uploads", "--only", LATE.video_id, "--dry-run")
    assert (tried.returncode, "would start a run" in tried.stdout) == (0, True)
    done = auditctl(api, "retry", "stuck-uploads", "--only", LATE.video_id, "--yes", "--by", "Ann")
    assert done.returncode == 0, done.stderr
    assert "triggered run " in done.stdout
    again = auditctl(api, "retry", "stuck-uploads", "--only", LATE.video_id, "--yes", "--by", "Ann")
    assert again.returncode == 0
    assert "skipped: active_flow_runs" in again.stdout
    with Planting(api.world.prefect) as plant:
        runs = plant.made("flow_runs/filter", {"flow_runs": {"tags": {"all_": [f"video:{LATE.video_id}"]}}})
    assert [run["state_type"] for run in runs] == ["SCHEDULED"]
