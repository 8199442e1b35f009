"""Twenty audits of the chaos world find, to the last subject, what was recorded of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from dev.chaos.faults import Fault
from dev.chaos.lane import Servers, running_proxies
from dev.chaos.storage import StorageProxy
from dev.chaos.world import PAGE_SIZE, chaos_cases, chaos_containers, write_account
from dev.demo.cases import Case, PlantedContainer
from dev.demo.planting import plant_rows
from dev.devstack.azurite import AzuriteServer
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import StubbedStorage, stubbed_storage
from tests.app.world import Api, running
from tests.baseline.recorded import Baseline
from tests.baseline.seeds import SEEDS, draw

TABLES = (
    "courts, users, cases, bookings, capture_sessions, recordings, share_bookings, encode_jobs, edit_requests, audits"
)


@dataclass(frozen=True)
class Stage:
    """One host and one account for all seeds; the database is planted again for each."""

    api: Api
    source: StorageProxy
    database: str
    cases: list[Case]
    containers: list[PlantedContainer]


@pytest.fixture(scope="module")
def stage(
    postgres_server: PostgresServer,
    pre_template: str,
    azurite_server: AzuriteServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    cases = chaos_cases()
    containers = chaos_containers(cases)
    account = tmp_path_factory.mktemp("account") / "account.jsonl"
    write_account(account, containers)
    name = f"baseline_{uuid4().hex}"
    with ExitStack() as stack:
        database = postgres_server.create_database(name, template=pre_template)
        stack.callback(postgres_server.drop_database, name)
        stub = stack.enter_context(stubbed_storage(["--account", str(account)]))
        servers = Servers(postgres_server, azurite_server, stub)
        counts: Counter[Fault] = Counter()
        source = stack.enter_context(running_proxies(servers, 0, counts)).source
        settings = {
            "SOURCE_STORAGE": StubbedStorage(source.port, stub.pid).connection_string,
            "REPORT_STORAGE": azurite_server.connection_string,
            "AUDIT_REPORT_CONTAINER": f"baseline-{uuid4().hex[:12]}",
            "PRE_DATABASE": database,
            "AUDIT_SETTLE_MINUTES": "0",
            "AUDIT_SHARD_CONTAINERS": "10",
            "AUDIT_LIST_PAGE_SIZE": str(PAGE_SIZE),
            "AUDIT_MAX_PASSES": "1",  # there is a pause before a second one, which would find the same
        }
        yield Stage(stack.enter_context(running(settings)), source, database, cases, containers)


@pytest.mark.parametrize("seed", [*SEEDS[:5], *(pytest.param(seed, marks=pytest.mark.deep) for seed in SEEDS[5:])])
def test_an_audit_of_a_seed_finds_what_the_baseline_says(stage: Stage, seed: int, baseline: Baseline) -> None:
    now = datetime.now(UTC)
    drawn = draw(seed, stage.cases, stage.containers, now)
    with psycopg.connect(stage.database) as connection:
        connection.execute(f"truncate {TABLES}")
    plant_rows(stage.database, drawn.cases, now=now)
    stage.source.begin(drawn.conditions)
    view = stage.api.ended(stage.api.start(**drawn.body))
    assert view["state"] in {"completed", "incomplete"}, view["error"]
    baseline.check(f"chaos-{seed:02}", stage.api.report(view["id"]))
