"""A world of production's size: each planted case gets its verdict, and nothing else is said of anything."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from dev.demo.prodlike import Dataset, build
from dev.demo.prodlike.comparison import compare
from dev.demo.prodlike.dataset import Mode
from dev.demo.prodlike.planting import plant_rows, write_account, write_containers
from dev.demo.prodlike.vocabulary import HIDDEN
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import stubbed_storage
from tests.app.world import Api, running
from tests.baseline.recorded import Baseline

SEED = 20_260_320
AZURITE_SCALE = 0.015
AZURITE_CONTAINERS = 600


@dataclass(frozen=True)
class Stage:
    """A planted world, and the app's settings to audit it. ``name``: of the storage that it is planted in."""

    name: str
    dataset: Dataset
    settings: dict[str, str]


@dataclass(frozen=True)
class Audited:
    """A planted world, the app over it, and an audit of it in one mode."""

    stage: Stage
    api: Api
    mode: Mode
    view: dict[str, Any]
    report: dict[str, Any]

    @property
    def dataset(self) -> Dataset:
        return self.stage.dataset


@contextmanager
def planted_rows(server: PostgresServer, template: str, dataset: Dataset) -> Iterator[str]:
    """A database that holds the rows; its URL."""
    name = f"prodlike_{uuid4().hex}"
    url = server.create_database(name, template=template)
    try:
        plant_rows(url, dataset.rows)
        yield url
    finally:
        server.drop_database(name)


@pytest.fixture(scope="module", params=["stub", pytest.param("azurite", marks=pytest.mark.deep)])
def stage(
    request: pytest.FixtureRequest,
    postgres_server: PostgresServer,
    pre_template: str,
    azurite_server: AzuriteServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    """Full size on the stub; scaled down on Azurite, which dates every blob now, so that nothing may have to settle."""
    now = datetime.now(UTC)
    settings = {
        "REPORT_STORAGE": azurite_server.connection_string,
        "AUDIT_REPORT_CONTAINER": f"prodlike-{uuid4().hex[:12]}",
    }
    with ExitStack() as open_until_the_end:
        if request.param == "stub":
            dataset = build(SEED, now)
            account = tmp_path_factory.mktemp("account") / "account.jsonl"
            write_account(account, dataset.containers)
            source = open_until_the_end.enter_context(stubbed_storage(["--account", str(account)])).connection_string
        else:
            dataset = build(SEED, now, AZURITE_SCALE, timedelta())
            assert len(dataset.containers) <= AZURITE_CONTAINERS
            source = open_until_the_end.enter_context(azurite()).connection_string
            write_containers(source, dataset.containers)
            settings |= {"AUDIT_SETTLE_MINUTES": "0", "AUDIT_SHARD_CONTAINERS": "50"}
        database = open_until_the_end.enter_context(planted_rows(postgres_server, pre_template, dataset))
        yield Stage(request.param, dataset, {**settings, "SOURCE_STORAGE": source, "PRE_DATABASE": database})


@pytest.fixture(scope="module")
def api(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with running(stage.settings, tmp_path_factory.mktemp("host")) as api:
        yield api


@pytest.fixture(scope="module", params=["full", "fast"])
def audited(request: pytest.FixtureRequest, stage: Stage, api: Api) -> Audited:
    mode: Mode = request.param
    view, report = api.audited(mode=mode)
    return Audited(stage, api, mode, view, report)


def test_no_miss_and_no_false_alarm(audited: Audited) -> None:
    comparison = compare(audited.dataset, audited.report, audited.mode)
    assert comparison.is_exact, str(comparison)


def test_it_finds_what_the_baseline_says(audited: Audited, baseline: Baseline) -> None:
    # How many tracks a healthy take has depends on its era, and so on the day; the test below counts them.
    name = f"prodlike-{audited.stage.name}-{audited.mode}"
    baseline.check(name, audited.report, without=["coverage.blobs"])


def test_it_ends_with_findings_and_every_container_is_accounted_for(audited: Audited) -> None:
    assert audited.view["state"] == "completed"
    assert (audited.report["complete"], audited.report["outcome"]) == (True, {"code": 1, "word": "findings"})
    counts = audited.report["coverage"]["units"]
    assert counts["failed"] == 0
    assert counts["listed"] == len(audited.dataset.containers) == counts["scanned"] + counts["skipped"]
    judged = [subject.id for subject in audited.dataset.verdicts(audited.mode) if subject.kind == "container"]
    assert counts["scanned"] == len(judged)
    assert audited.report["coverage"]["blobs"] == sum(len(audited.dataset.containers[name]) for name in judged)


def test_the_hidden_recordings_are_counted(audited: Audited) -> None:
    verdicts = audited.dataset.verdicts(audited.mode)
    hidden = sum(verdict in HIDDEN for subject, verdict in verdicts.items() if subject.kind == "capture_session")
    assert audited.report["counts"]["hidden"] == hidden


def test_no_name_of_a_person_reaches_a_report_an_answer_or_the_log(audited: Audited) -> None:
    audit_id = audited.report["audit"]["id"]
    texts = {form: audited.api.get(f"/audits/{audit_id}/report?format={form}").text for form in ("json", "csv", "html")}
    texts["answers"] = "\n".join(audited.api.answers)
    files = [path for path in audited.api.app.log.parent.rglob("*") if path.is_file()]
    texts |= {path.name: path.read_bytes().decode("utf-8", "replace") for path in files}
    assert [(word, place) for place, text in texts.items() for word in audited.dataset.personal if word in text] == []


@pytest.mark.deep
def test_a_second_audit_says_the_same_and_that_nothing_is_new(audited: Audited) -> None:
    _, again = audited.api.audited(mode=audited.mode)
    comparison = compare(audited.dataset, again, audited.mode)
    assert comparison.is_exact, str(comparison)
    assert len(again["findings"]) == len(audited.report["findings"])


@pytest.fixture(scope="module")
def shown_ingest(stage: Stage) -> tuple[Dataset, dict[str, Any]]:
    """The world for an audit that is shown the ingest account, and the report of one."""
    dataset = stage.dataset.knowing_ingest()
    with azurite() as ingest:
        write_containers(ingest.connection_string, dataset.ingest)
        settings = {**stage.settings, "INGEST_STORAGE": ingest.connection_string}
        with running({**settings, "AUDIT_REPORT_CONTAINER": f"ingest-{uuid4().hex[:12]}"}) as api:
            _, report = api.audited(mode="fast")
    return dataset, report


def test_an_audit_that_is_shown_the_ingest_account_tells_the_lost_encodes(
    shown_ingest: tuple[Dataset, dict[str, Any]],
) -> None:
    comparison = compare(*shown_ingest, "fast")
    assert comparison.is_exact, str(comparison)


def test_an_audit_that_is_shown_the_ingest_account_finds_what_the_baseline_says(
    stage: Stage, shown_ingest: tuple[Dataset, dict[str, Any]], baseline: Baseline
) -> None:
    baseline.check(f"prodlike-{stage.name}-ingest", shown_ingest[1])
