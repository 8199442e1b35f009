"""What the old method finds, we find, and what it passes over in silence, we find or say that we could not look."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.__main__ import verdicts
from dev.demo.prodlike import Dataset, build
from dev.demo.prodlike.planting import plant_rows, write_account, write_containers
from dev.demo.prodlike.vocabulary import HIDDEN
from dev.devstack.azurite import AzuriteServer, azurite
from dev.devstack.postgres import PostgresServer
from dev.devstack.stub import stubbed_storage
from tests.app.proxy import Asked, StorageProxy, storage_proxy
from tests.app.world import Api, running
from tests.dev.demo.prodlike.spec import UUID_NAME, keys
from tests.old_method.seven import FAILED_CONTAINER, FAILED_PREFIX, Lost, seven
from tests.old_method.steps import ListedStorage, OldMethod, RealStorage
from tests.old_method.tables import table

DOCUMENT = Path(__file__).parents[2] / "docs" / "old-method.md"
REFUSED = (403, "AuthorizationFailure")


def concluded(rows: list[str]) -> Counter[str]:
    """How many rows of conclusions name each session."""
    return Counter(row.split()[0] for row in rows)


def by_scripts(rows: int) -> str:
    """What the old method says of a session."""
    return f"found, {rows} row{'s' * (rows > 1)}" if rows else "nothing"


# --- the seven on which it was tried -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world() -> tuple[Dataset, list[Lost]]:
    return seven(datetime.now(UTC))


@pytest.fixture(scope="module")
def lost(world: tuple[Dataset, list[Lost]]) -> list[Lost]:
    return world[1]


@pytest.fixture(scope="module")
def database(postgres_server: PostgresServer, pre_template: str, world: tuple[Dataset, list[Lost]]) -> str:
    url = postgres_server.create_database(f"seven_{uuid4().hex}", template=pre_template)
    plant_rows(url, world[0].rows)
    return url


@pytest.fixture(scope="module")
def proxy(world: tuple[Dataset, list[Lost]]) -> Iterator[StorageProxy]:
    """The account of the seven, in which one container and one whole prefix cannot be listed."""
    with azurite() as storage:
        write_containers(storage.connection_string, world[0].containers)
        with storage_proxy(storage.port) as proxy:

            def is_out_of_reach(asked: Asked) -> bool:
                if asked.lists_account:
                    return f"prefix={FAILED_PREFIX}" in asked.query
                return asked.lists_blobs and asked.container.startswith((FAILED_PREFIX, str(FAILED_CONTAINER)))

            proxy.refuse(is_out_of_reach, *REFUSED)
            yield proxy


@pytest.fixture(scope="module")
def old(database: str, proxy: StorageProxy, tmp_path_factory: pytest.TempPathFactory) -> list[list[str]]:
    """The conclusions of the old method after a first and after a second run."""
    method = OldMethod(tmp_path_factory.mktemp("old"))
    with BlobServiceClient.from_connection_string(proxy.connection_string, retry_total=0) as service:
        return [method.run(database, RealStorage(service)) for _ in range(2)]


@pytest.fixture(scope="module")
def api(database: str, proxy: StorageProxy, azurite_server: AzuriteServer) -> Iterator[Api]:
    settings = {
        "SOURCE_STORAGE": proxy.connection_string,
        "REPORT_STORAGE": azurite_server.connection_string,
        "AUDIT_REPORT_CONTAINER": f"seven-{uuid4().hex[:12]}",
        "PRE_DATABASE": database,
        "AUDIT_SETTLE_MINUTES": "0",
        "AUDIT_MAX_PASSES": "1",
    }
    with running(settings) as api:
        yield api


@pytest.fixture(scope="module")
def ours(api: Api) -> list[dict[str, Any]]:
    """Our reports of a first and of a second run."""
    return [api.audited()[1] for _ in range(2)]


def test_the_old_method_finds_two_of_the_seven_and_says_nothing_of_the_others(
    lost: list[Lost], old: list[list[str]]
) -> None:
    assert [case.what for case in lost if case.session in concluded(old[0])] == [
        "a usual name",
        "two tracks in one container",
    ]


def test_the_old_method_has_a_row_for_each_track_and_more_with_each_run(lost: list[Lost], old: list[list[str]]) -> None:
    first, second = (concluded(rows) for rows in old)
    assert [first[case.session] for case in lost[:2]] == [1, 2]
    # Three rows, and then the first run's tracks are found again beside the second's.
    assert (first.total(), second.total()) == (3, 9)


def test_none_of_the_seven_is_passed_over(lost: list[Lost], ours: list[dict[str, Any]]) -> None:
    report = ours[0]
    assert {case.session: verdicts(report)[case.session] for case in lost} == {
        case.session: case.verdict for case in lost
    }
    assert (report["complete"], report["outcome"]["word"]) == (False, "incomplete")
    [index] = [case for case in lost if case.what.startswith("named")]
    assert verdicts(report)[index.container] == "unattributed_media"
    unread = {failed["unit"] for failed in report["coverage"]["failed_units"]}
    assert unread == {case.container for case in lost if "listed" in case.what or "prefix" in case.what}
    assert {verdicts(report)[container] for container in unread} == {"evidence_error"}


def test_we_have_one_row_for_each_session_and_the_same_again(lost: list[Lost], ours: list[dict[str, Any]]) -> None:
    rows = [
        sorted(
            (f["subject"]["id"], f["verdict"]) for f in report["findings"] if f["subject"]["kind"] == "capture_session"
        )
        for report in ours
    ]
    assert rows[0] == rows[1] == sorted((case.session, case.verdict) for case in lost)


def test_the_document_tells_the_seven_as_they_are(
    lost: list[Lost], old: list[list[str]], ours: list[dict[str, Any]]
) -> None:
    first, told = concluded(old[0]), verdicts(ours[0])
    beside = {"named `index_...`": ", its container `unattributed_media`"}
    rows = [
        (case.what, by_scripts(first[case.session]), f"`{told[case.session]}`{beside.get(case.what, '')}")
        for case in lost
    ]
    expected = table(("a lost recording, and what is the matter with it", "the scripts", "capture-audit"), rows)
    assert expected in DOCUMENT.read_text(encoding="utf-8"), f"docs/{DOCUMENT.name} should hold:\n{expected}"


# --- a world of production's shape ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prodlike() -> Dataset:
    return build(1, datetime.now(UTC), 0.05)


@pytest.fixture(scope="module")
def prodlike_database(postgres_server: PostgresServer, pre_template: str, prodlike: Dataset) -> str:
    url = postgres_server.create_database(f"prodlike_{uuid4().hex}", template=pre_template)
    plant_rows(url, prodlike.rows)
    return url


@pytest.fixture(scope="module")
def old_conclusions(prodlike: Dataset, prodlike_database: str, tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    storage = ListedStorage(dict(prodlike.containers))
    return set(concluded(OldMethod(tmp_path_factory.mktemp("old")).run(prodlike_database, storage)))


@pytest.fixture(scope="module")
def report(
    prodlike: Dataset, prodlike_database: str, azurite_server: AzuriteServer, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    account = tmp_path_factory.mktemp("account") / "account.jsonl"
    write_account(account, prodlike.containers)
    with stubbed_storage(["--account", str(account)]) as storage:
        settings = {
            "SOURCE_STORAGE": storage.connection_string,
            "REPORT_STORAGE": azurite_server.connection_string,
            "AUDIT_REPORT_CONTAINER": f"old-{uuid4().hex[:12]}",
            "PRE_DATABASE": prodlike_database,
        }
        with running(settings) as api:
            return api.audited()[1]


def hidden_sessions(dataset: Dataset) -> set[str]:
    return {s.id for s, verdict in dataset.full.items() if s.kind == "capture_session" and verdict in HIDDEN}


def test_what_the_old_method_finds_we_find(
    prodlike: Dataset, old_conclusions: set[str], report: dict[str, Any]
) -> None:
    only_theirs = old_conclusions - {finding["subject"]["id"] for finding in report["findings"]}
    # No track of what can be a recording names these: their ids stand in -input containers, or in longer names.
    for session in only_theirs:
        key = session.replace("-", "")
        holders = [name for name, blobs in prodlike.containers.items() if key in keys(blobs)]
        assert not [name for name in holders if UUID_NAME.fullmatch(name)], session
    assert only_theirs
    hidden = {session for session, verdict in verdicts(report).items() if verdict in HIDDEN}
    assert old_conclusions & hidden_sessions(prodlike) < hidden


def test_the_document_tells_how_many_each_finds(
    prodlike: Dataset, old_conclusions: set[str], report: dict[str, Any]
) -> None:
    planted = hidden_sessions(prodlike)
    told = {session for session, verdict in verdicts(report).items() if verdict in HIDDEN}
    rows = [
        (name, str(len(found & planted)), str(len(planted - found)), str(len(found - planted)))
        for name, found in (("the scripts", old_conclusions), ("capture-audit", told))
    ]
    heads = (f"of {len(planted)} sessions with a hidden recording", "found", "missed", "named, but not hidden")
    expected = table(heads, rows)
    assert expected in DOCUMENT.read_text(encoding="utf-8"), f"docs/{DOCUMENT.name} should hold:\n{expected}"
