"""Nothing is called missing or in order over something that was not understood: one smallest input for each kind."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from dev.demo.__main__ import verdicts
from dev.demo.cases import Case
from dev.devstack.azurite import AzuriteServer
from tests.app.proxy import Asked, StorageProxy, lists
from tests.app.world import Api, World, leaks, running


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string)) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


@pytest.fixture
def change(world: World) -> Iterator[Callable[[str, Case, object], None]]:
    """Sets a column of a session, until the test is over."""
    with ExitStack() as undone:

        def change(column: str, case: Case, value: object) -> None:
            statement = f"update capture_sessions set {column} = %s where id = %s"
            with psycopg.connect(world.database) as connection:
                select = f"select {column}::text from capture_sessions where id = %s"
                found = connection.execute(select.encode(), [case.session_id]).fetchone()
                assert found is not None
                assert connection.execute(statement.encode(), [value, case.session_id]).rowcount == 1
                undone.callback(_execute, world.database, statement, found[0], case.session_id)

        yield change


def _execute(database: str, statement: str, *values: object) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(statement.encode(), values)


def of(report: dict[str, Any], subject: object) -> dict[str, Any]:
    [finding] = [one for one in report["findings"] if one["subject"]["id"] == str(subject)]
    return dict(finding)


def without_end(body: bytes) -> bytes:
    """The listing as it would be if it had lost its end: its last two containers."""
    containers = re.findall(rb"<Container>.*?</Container>", body, re.DOTALL)
    for lost in containers[-2:]:
        body = body.replace(lost, b"")
    return body


# --- clocks -----------------------------------------------------------------------------------------------------------


def test_an_end_in_2099_hides_nothing(api: Api, world: World, change: Callable[[str, Case, object], None]) -> None:
    case = world.case("stuck")
    change("finished_at", case, datetime(2099, 1, 1, tzinfo=UTC))

    _, report = api.audited()

    assert verdicts(report) == world.expected
    found = of(report, case.session_id)
    assert found["verdict"] == "unregistered_recording"
    assert "its finished_at (2099-01-01 00:00 UTC) lies in the future" in found["reason"]
    assert found["session"]["future"] == {"finished_at": "2099-01-01T00:00:00Z"}


def test_blobs_of_2099_are_named_once_and_hide_nothing(api: Api, world: World, proxy: StorageProxy) -> None:
    [hidden] = world.case("stuck").containers
    pattern = rb"<Last-Modified>[^<]*</Last-Modified>"
    proxy.change(
        lists(hidden.name),
        lambda body: re.sub(pattern, b"<Last-Modified>Thu, 01 Jan 2099 00:00:00 GMT</Last-Modified>", body),
    )

    _, report = api.audited()

    assert verdicts(report) == world.expected
    [note] = report["notes"]
    assert note.startswith("1 container holds blobs whose last change lies in the future, up to 2099-01-01T00:00:00Z")


# --- listings ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_listing_that_lost_its_end_once_makes_the_audit_incomplete(
    api: Api, world: World, proxy: StorageProxy, mode: str
) -> None:
    proxy.change(lambda asked: _account(asked) and not _of_one(asked), without_end, times=1)

    view, report = api.audited(mode=mode)

    assert (view["state"], view["outcome"]["word"]) == ("incomplete", "incomplete")
    [gap] = report["coverage"]["gaps"]
    assert "storage left out or called deleted" in gap["what"]
    assert gap["what"] in report["headline"]
    assert "expected_empty" not in report["counted"]["capture_session"]
    assert leaks(api, world) == []


@pytest.mark.parametrize("mode", ["full", "fast"])
def test_a_listing_that_always_loses_its_end_is_shown_by_a_row_whose_container_opens(
    api: Api, world: World, proxy: StorageProxy, mode: str
) -> None:
    registered = sorted({str(row.recording_id) for case in world.cases for row in case.recordings if not row.deleted})
    stored = {container.name for container in world.containers}
    lost = next(name for name in registered if name in stored)
    element = rf"<Container><Name>{lost}</Name>.*?</Container>".encode()
    proxy.change(_account, lambda body: re.sub(element, b"", body, flags=re.DOTALL))

    view, report = api.audited(mode=mode)

    assert view["outcome"]["word"] == "incomplete"
    [gap] = report["coverage"]["gaps"]
    assert lost in gap["what"]
    assert lost not in verdicts(report), "the container is there"


@pytest.mark.parametrize(
    "shape",
    [
        pytest.param(lambda body: re.sub(rb"<Blobs>.*</Blobs>|<Blobs ?/>", b"", body, flags=re.DOTALL), id="no blobs"),
        pytest.param(lambda body: body.replace(b"Blobs>", b"blobs>"), id="another letter case"),
        pytest.param(lambda body: body.replace(b"Blob", b"Container"), id="containers where blobs were asked"),
        pytest.param(lambda _: b"<EnumerationResults/>", id="a bare root"),
        pytest.param(lambda _: b"<html><body>Sign in</body></html>", id="a page for people"),
        pytest.param(lambda _: b"", id="nothing"),
    ],
)
def test_an_answer_of_another_shape_is_none_and_is_asked_for_again(
    api: Api, world: World, proxy: StorageProxy, shape: Callable[[bytes], bytes]
) -> None:
    [hidden] = world.case("stuck").containers
    proxy.change(lists(hidden.name), shape, times=1)

    view, report = api.audited()

    assert (view["state"], verdicts(report)) == ("completed", world.expected)


def test_a_live_recording_whose_container_is_gone_is_a_finding(api: Api, world: World, proxy: StorageProxy) -> None:
    case = world.case("available 1")
    [recording] = case.recordings
    proxy.refuse(lists(str(recording.recording_id)), 404, "ContainerNotFound")

    _, report = api.audited()

    assert verdicts(report) == world.expected | {str(recording.recording_id): "row_without_container"}


# --- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["infinity", "-infinity", "20238-01-01 00:00Z", "0044-03-15 12:00Z BC"])
def test_a_moment_that_python_cannot_hold_takes_nothing_along(
    api: Api, world: World, change: Callable[[str, Case, object], None], value: str
) -> None:
    hidden, unused = world.case("stuck"), world.case("unused")
    no_candidate = world.case("available 1")
    for case in (hidden, unused, no_candidate):
        change("started_at", case, value)
    change("finished_at", unused, value)

    for mode in ("full", "fast"):
        _, report = api.audited(mode=mode)
        changed = world.expected | {str(unused.session_id): "unreadable_row"}
        assert verdicts(report) == {subject: v for subject, v in changed.items() if mode == "full" or v != "no_ism"}
        found = of(report, unused.session_id)
        assert found["severity"] == "medium"
        assert "its started_at" in found["reason"]
        assert "cannot be understood" in found["reason"]
        assert set(found["session"]["unreadable"]) == {"started_at", "finished_at"}
    _, report = api.audited(only=[str(world.case("swept").session_id)])
    assert verdicts(report)[str(world.case("swept").session_id)] == "unregistered_recording"


# --- the wrong account ------------------------------------------------------------------------------------------------


def test_an_account_that_is_hardly_the_databases_fails_and_says_how_to_go_on(
    world: World, azurite_server: AzuriteServer
) -> None:
    elsewhere = azurite_server.connection_string
    with running(world.settings(SOURCE_STORAGE=elsewhere)) as api:
        view = api.ended(api.start())
        assert view["state"] == "failed"
        assert "rows have no container in storage: it is probably not the account" in view["error"]
        assert "AUDIT_ALLOW_MOSTLY_MISSING" in view["error"]
    with running(world.settings(SOURCE_STORAGE=elsewhere, AUDIT_ALLOW_MOSTLY_MISSING="true")) as api:
        view, report = api.audited()
        assert view["state"] == "completed"
        assert report["counts"]["recording"]["row_without_container"] > 1


def _account(asked: Asked) -> bool:
    return asked.lists_account


def _of_one(asked: Asked) -> bool:
    return "maxresults=1&" in f"{asked.query}&"
