"""The world changes between the scan and the second look: what is reported is what is so just before reporting."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
from azure.storage.blob import BlobServiceClient

from dev.demo.__main__ import verdicts
from dev.demo.cases import Case, PlantedContainer, encoded
from dev.demo.planting import plant_containers
from dev.devstack.azurite import HOST
from dev.devstack.postgres import PostgresServer
from profiles.pre_capture_sessions.options import DEFAULT_STATUSES
from tests.app.gate import Gate, tcp_gate
from tests.app.proxy import StorageProxy, lists_again, second_look
from tests.app.world import Api, World, eventually, leaks, running

ROLE, ROLE_PASSWORD = "reader_for_a_while", "reads-for-a-while-51c0"


class Account:
    """What happens to the world while an audit runs; all of it is undone after the test."""

    def __init__(self, world: World, undone: ExitStack) -> None:
        self._world = world
        self._undone = undone

    def execute(self, statement: str, *values: object) -> None:
        with psycopg.connect(self._world.database) as connection:
            assert connection.execute(statement.encode(), values).rowcount == 1

    def register(self, container: PlantedContainer, session: UUID) -> None:
        self.execute(
            "insert into recordings (id, capture_session_id, version, filename, created_at, duration)"
            " values (%s, %s, 1, %s, now() - interval '2 days', interval '40 min')",
            container.name, session, f"{session.hex}_1280x720_4500k.mp4",
        )  # fmt: skip
        self._undone.callback(self.execute, "delete from recordings where id = %s", container.name)

    def set_status(self, session: UUID, status: str, before: str) -> None:
        change = "update capture_sessions set status = %s::recording_status where id = %s"
        self.execute(change, status, session)
        self._undone.callback(self.execute, change, before, session)

    def delete_row(self, recording: str) -> None:
        change = "update recordings set deleted_at = {} where id = %s"
        self.execute(change.format("now()"), recording)
        self._undone.callback(self.execute, change.format("null"), recording)

    def delete(self, container: PlantedContainer) -> None:
        with BlobServiceClient.from_connection_string(self._world.source) as service:
            service.delete_container(container.name)
        self._undone.callback(plant_containers, self._world.source, [container])

    def create(self, container: PlantedContainer) -> None:
        plant_containers(self._world.source, [container])

        def delete() -> None:
            with BlobServiceClient.from_connection_string(self._world.source) as service:
                service.delete_container(container.name)

        self._undone.callback(delete)

    def add_blob(self, container: PlantedContainer, name: str) -> None:
        with BlobServiceClient.from_connection_string(self._world.source) as service:
            blob = service.get_blob_client(container.name, name)
            blob.upload_blob(b"<smil/>")
            blob.close()

        def delete() -> None:
            with BlobServiceClient.from_connection_string(self._world.source) as service:
                service.get_blob_client(container.name, name).delete_blob()

        self._undone.callback(delete)


@pytest.fixture
def account(world: World) -> Iterator[Account]:
    with ExitStack() as undone:
        yield Account(world, undone)


@pytest.fixture(scope="module")
def gate(postgres_server: PostgresServer) -> Iterator[Gate]:
    """The only way to Postgres for the app."""
    with tcp_gate(postgres_server.port) as gate:
        yield gate


@pytest.fixture(scope="module")
def role(world: World) -> str:
    """A login of the app's own that may read the audited tables, and nothing else."""
    with psycopg.connect(world.database, autocommit=True) as connection:
        connection.execute(f"create role {ROLE} login password '{ROLE_PASSWORD}'".encode())
        connection.execute(f"grant select on all tables in schema public to {ROLE}".encode())
    return ROLE


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy, gate: Gate, role: str) -> Iterator[Api]:
    way = urlsplit(world.database)._replace(netloc=f"{role}:{ROLE_PASSWORD}@{HOST}:{gate.port}").geturl()
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, PRE_DATABASE=way)) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


def found(report: dict[str, Any], subject: object) -> dict[str, Any]:
    [finding] = [finding for finding in report["findings"] if finding["subject"]["id"] == str(subject)]
    return dict(finding)


def of(case: Case) -> PlantedContainer:
    [container] = case.containers
    return container


def test_a_recording_that_is_registered_in_between_is_registered_and_not_hidden(
    api: Api, world: World, proxy: StorageProxy, account: Account
) -> None:
    swept, closed = world.case("swept"), world.case("closed case")

    def register() -> None:
        account.register(of(swept), swept.session_id)
        account.set_status(swept.session_id, "RECORDING_AVAILABLE", before="NO_RECORDING")
        account.register(of(closed), closed.session_id)

    proxy.before(second_look(), register)
    view, report = api.audited()

    assert (view["state"], report["complete"]) == ("completed", True)
    # Of the second the status was left behind: that, too, is told by the row that was read last.
    now = {str(swept.session_id): "already_registered", str(closed.session_id): "status_behind"}
    assert verdicts(report) == world.expected | now
    assert report["counted"]["capture_session"]["already_registered"] == [str(swept.session_id)]
    assert (
        report["counts"]["container"]["registered"]
        == 2
        + sum(container.name in world.rows for container in world.containers)
        - report["counts"]["container"]["deleted_recording_retained"]
    )


def test_a_container_that_is_deleted_in_between_hides_nothing(
    api: Api, world: World, proxy: StorageProxy, account: Account
) -> None:
    stuck, odd = world.case("stuck"), world.case("index name")
    proxy.before(lists_again(of(stuck).name), lambda: account.delete(of(stuck)))
    proxy.before(lists_again(of(odd).name), lambda: account.delete(of(odd)))

    view, report = api.audited()

    assert (view["state"], report["complete"]) == ("completed", True)
    expected = world.expected | {str(stuck.session_id): "stuck_empty"}
    del expected[of(odd).name]
    assert verdicts(report) == expected
    assert found(report, stuck.session_id)["evidence"] == []
    assert report["coverage"]["units"]["scanned"] == len(world.containers), "the scan had read it"


def test_an_encode_that_goes_on_in_between_is_in_flight_and_not_broken(
    api: Api, world: World, proxy: StorageProxy, account: Account
) -> None:
    case = world.case("no manifest")

    def go_on() -> None:
        # Storage tells times in whole seconds: this one is to be later than the moment that the audit speaks about.
        begun = int(time.time())
        eventually(lambda: int(time.time()) > begun or None, "another second begins", 5)
        account.add_blob(of(case), f"{case.session_id.hex}.ism")

    proxy.before(lists_again(of(case).name), go_on)
    view, report = api.audited()

    assert view["state"] == "completed"
    moving = {str(case.session_id): "in_flight", of(case).name: "still_changing"}
    assert verdicts(report) == world.expected | moving
    [evidence] = found(report, case.session_id)["evidence"]
    assert (evidence["complete"], evidence["manifest_bytes"]) == (False, 7)


def test_a_lost_container_that_is_restored_and_a_broken_recording_that_is_deleted_in_between_are_no_findings(
    api: Api, world: World, proxy: StorageProxy, account: Account
) -> None:
    lost, broken = world.case("container lost"), world.case("manifest lost")
    [lost_id], [broken_id] = lost.also, broken.also
    restored = encoded(lost_id, lost.session_id.hex)
    proxy.before(lists_again(broken_id), lambda: account.delete_row(broken_id))
    # Only the second look asks for it: no listing of the account names it.
    proxy.before(lambda asked: asked.lists_blobs and asked.container == lost_id, lambda: account.create(restored))

    _, report = api.audited()

    assert verdicts(report) == {
        subject: verdict for subject, verdict in world.expected.items() if subject not in (lost_id, broken_id)
    }
    counts = report["counts"]["recording"]
    assert counts["deleted_row"] == 1 + sum(r.deleted for case in world.cases for r in case.recordings)


def test_a_container_that_cannot_be_read_again_leaves_its_session_unverified_and_the_audit_incomplete(
    api: Api, world: World, proxy: StorageProxy
) -> None:
    swept, odd, broken = world.case("swept"), world.case("index name"), world.case("manifest lost")
    for container in (of(swept), of(odd), of(broken)):
        proxy.refuse(lists_again(container.name), 403, "AuthorizationFailure")

    view, report = api.audited()

    assert (view["state"], view["outcome"]) == ("incomplete", {"code": 3, "word": "incomplete"})
    assert report["complete"] is False
    assert ": This audit is incomplete" in report["headline"]
    expected = world.expected | {
        str(swept.session_id): "unverified", of(swept).name: "evidence_error", of(odd).name: "evidence_error",
        of(broken).name: "unverified",
    }  # fmt: skip
    assert verdicts(report) == expected
    assert "403 (AuthorizationFailure)" in found(report, of(swept).name)["reason"]
    assert found(report, swept.session_id)["severity"] == "unknown"
    assert report["counts"]["recording"]["unverified"] == 1
    assert report["counts"]["by_severity"]["unknown"] == 4
    # The scan itself had read everything, so what is absent elsewhere is absent.
    assert report["coverage"]["complete"] is True
    assert report["since_last"]["resolved"] is None
    assert leaks(api, world, ROLE_PASSWORD) == []


Lose = Callable[[Gate, World], Callable[[], None]]
"""Takes the database away from the app; gives what brings it back."""


def cut(gate: Gate, world: World) -> Callable[[], None]:
    gate.shut()
    return gate.open


def dropped(gate: Gate, world: World) -> Callable[[], None]:
    def login(allowed: str) -> None:
        with psycopg.connect(world.database, autocommit=True) as connection:
            connection.execute(f"alter role {ROLE} {allowed}".encode())

    login("nologin")
    return lambda: login("login")


@pytest.mark.parametrize("lost", [(cut, "broke off"), (dropped, "refuses the login")], ids=["cut", "dropped"])
def test_a_database_that_is_lost_before_the_second_look_leaves_all_in_doubt_unverified_and_claims_nothing(
    api: Api, world: World, proxy: StorageProxy, gate: Gate, lost: tuple[Lose, str]
) -> None:
    lose, words = lost
    with ExitStack() as undone:
        proxy.before(second_look(), lambda: undone.callback(lose(gate, world)))
        view = api.ended(api.start())
        assert view["state"] == "incomplete", view["error"]
        report = api.report(view["id"])

    assert view["outcome"] == {"code": 3, "word": "incomplete"}
    assert report["complete"] is False
    assert ": This audit is incomplete" in report["headline"]
    found = verdicts(report)
    # What was in order at the first look stays so; nobody else's verdict is more than that it is not known.
    counted = report["counted"]["capture_session"]
    assert counted == {"expected_empty": counted["expected_empty"]}
    asked = (*DEFAULT_STATUSES, None)
    candidates = {str(case.session_id): case.expected for case in world.cases if case.expected and case.status in asked}
    in_order = {session for session, verdict in candidates.items() if verdict == "expected_empty"}
    assert set(counted["expected_empty"]) == in_order
    assert {found[session] for session in candidates.keys() - in_order} == {"unverified"}
    # A session of another status is looked up because a container names it, and that could not be done.
    for case in (world.case("still live"), world.case("no row")):
        assert str(case.session_id) not in found
        assert found[of(case).name] == "evidence_error"
    assert found[of(world.case("manifest lost")).name] == "unverified"
    assert set(found.values()) == {"unverified", "evidence_error", "expected_empty"}
    assert report["counts"]["hidden"] == 0
    assert report["counts"]["by_severity"]["high"] == report["counts"]["by_severity"]["medium"] == 0
    assert report["since_last"]["resolved"] is None
    log = api.app.log.read_text(encoding="utf-8")
    assert f"The second look at PRE_DATABASE failed, attempt 2: The database of PRE_DATABASE {words}" in log
    assert leaks(api, world, ROLE_PASSWORD) == []


def test_after_all_that_an_undisturbed_audit_says_what_was_planted(api: Api, world: World) -> None:
    view, report = api.audited()
    assert view["state"] == "completed"
    assert verdicts(report) == world.expected
