"""What could not be read is kept, and can be looked at, read again, or given up with a reason and a name."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.app.hosting import events, settled
from tests.app.proxy import StorageProxy, lists
from tests.app.world import Api, World, leaks, running

DECISION = b'{"reason": "The container holds a test recording.", "by": "A. Officer"}'


@pytest.fixture(scope="module")
def api(world: World, proxy: StorageProxy) -> Iterator[Api]:
    with running(world.settings(SOURCE_STORAGE=proxy.connection_string, AUDIT_MAX_PASSES="1")) as api:
        yield api


@pytest.fixture(autouse=True)
def _no_rules(proxy: StorageProxy) -> Iterator[None]:
    yield
    proxy.reset()


@pytest.fixture
def locked(world: World, proxy: StorageProxy) -> str:
    """The name of a container that may not be read, until the proxy is reset."""
    [container] = world.case("swept").containers
    proxy.refuse(lists(container.name), 403, "AuthorizationFailure")
    return container.name


def incomplete(api: Api) -> str:
    """An audit that has ended with a gap."""
    view = api.ended(api.start())
    assert view["state"] == "incomplete", view["error"]
    return str(view["id"])


def letters(api: Api, audit_id: str) -> list[dict[str, Any]]:
    response = api.get(f"/audits/{audit_id}/dead-letters")
    assert response.status_code == 200
    found: list[dict[str, Any]] = response.json()["dead_letters"]
    return found


def replayed(api: Api, audit_id: str) -> dict[str, Any]:
    """Replay the dead letters and wait for the end."""
    settled(api, audit_id)
    response = api.post(f"/audits/{audit_id}/dead-letters/replay")
    assert response.status_code == 202, response.text
    assert response.json()["state"] == "queued"
    return api.ended(audit_id)


def read(proxy: StorageProxy) -> list[str]:
    """The containers that were listed, in order."""
    return [asked.container for asked in proxy.asked if asked.lists_blobs]


def test_a_dead_letter_is_looked_at_replayed_in_vain_and_replayed_to_its_end(
    api: Api, world: World, proxy: StorageProxy, locked: str
) -> None:
    audit_id = incomplete(api)
    [letter] = letters(api, audit_id)
    assert (letter["failed"], letter["attempts"], letter["discarded"]) == (1, 1, None)
    [error] = letter["errors"]
    assert error["unit"] == locked
    assert "403" in error["error"]
    assert api.view(audit_id)["dead_letters"] == 1
    [reported] = api.report(audit_id)["coverage"]["dead_letters"]
    assert (reported["shard"], reported["attempts"]) == (letter["shard"], 1)
    assert events(api, "audit.shard_dead_lettered")[-1]["shard"] == letter["shard"]

    proxy.asked.clear()
    assert replayed(api, audit_id)["state"] == "incomplete"
    [again] = letters(api, audit_id)
    assert (again["attempts"], again["first_at"]) == (2, letter["first_at"])
    assert again["last_at"] > letter["last_at"]
    assert [name for name in read(proxy) if name not in world.opened_again] == [], "a container was read a second time"

    proxy.reset()
    view = replayed(api, audit_id)
    assert (view["state"], view["outcome"]["word"], view["dead_letters"]) == ("completed", "findings", 0)
    assert letters(api, audit_id) == []
    report = api.report(audit_id)
    assert report["complete"]
    assert report["coverage"]["dead_letters"] == []
    assert report["coverage"]["units"]["failed"] == 0
    assert {f["subject"]["id"]: f["verdict"] for f in report["findings"]} == {
        subject: verdict for subject, verdict in world.expected.items() if is_listed(report, verdict)
    }
    assert [event["rounds"] for event in events(api, "audit.replayed")][-2:] == [1, 2]
    refused = api.post(f"/audits/{audit_id}/dead-letters/replay")
    assert (refused.status_code, refused.json()["state"]) == (409, "completed")
    assert leaks(api, world) == []


def is_listed(report: dict[str, Any], verdict: str) -> bool:
    """True if findings of that verdict are listed one by one."""
    return not next(row["counted"] for row in report["verdicts"] if row["verdict"] == verdict)


def test_while_a_replay_runs_nothing_else_can_be_done_with_its_dead_letters(
    api: Api, proxy: StorageProxy, locked: str
) -> None:
    audit_id = incomplete(api)
    settled(api, audit_id)
    proxy.reset()
    held = proxy.hold(lists(locked))
    assert api.post(f"/audits/{audit_id}/dead-letters/replay").status_code == 202
    assert held.reached.wait(30)

    for verb, body in (("replay", b""), ("discard", DECISION)):
        refused = api.post(f"/audits/{audit_id}/dead-letters/{verb}", body)
        assert (refused.status_code, refused.json()["state"]) == (409, "running")
        assert refused.headers["content-type"] == "application/problem+json"
    assert api.post(f"/audits/{audit_id}/resume").status_code == 409
    other = api.post("/audits", b"{}")
    assert (other.status_code, other.json()["active_id"]) == (409, audit_id)
    assert [letter["discarded"] for letter in letters(api, audit_id)] == [None], "a refused discard took effect"

    held.release()
    assert api.ended(audit_id)["state"] == "completed"


def test_who_gives_up_says_why_and_the_report_repeats_it(
    api: Api, world: World, proxy: StorageProxy, locked: str
) -> None:
    audit_id = incomplete(api)
    settled(api, audit_id)
    proxy.asked.clear()

    response = api.post(f"/audits/{audit_id}/dead-letters/discard", DECISION)
    assert response.status_code == 200
    [told] = response.json()["dead_letters"]
    assert (told["discarded"]["by"], told["errors"][0]["unit"]) == ("A. Officer", locked)

    view = api.ended(audit_id)
    assert (view["state"], view["outcome"]["word"]) == ("incomplete", "incomplete")
    report = api.report(audit_id)
    assert not report["complete"]
    [reported] = report["coverage"]["dead_letters"]
    assert reported["discarded"]["reason"] == "The container holds a test recording."
    assert reported["discarded"]["by"] == "A. Officer"
    assert [failed["unit"] for failed in report["coverage"]["failed_units"]] == [locked]
    assert [name for name in read(proxy) if name not in world.opened_again] == [], "a discard reads nothing"
    settled(api, audit_id)
    for verb, body in (("replay", b""), ("discard", DECISION)):
        assert api.post(f"/audits/{audit_id}/dead-letters/{verb}", body).status_code == 409


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b"", "reason", id="nothing"),
        pytest.param(b'{"reason": "No need."}', "by", id="nobody"),
        pytest.param(b'{"by": "A. Officer"}', "reason", id="no reason"),
        pytest.param(b'{"reason": "", "by": "A. Officer"}', "reason", id="an empty reason"),
        pytest.param(b'{"reason": "No need.", "by": "A", "all": true}', "all", id="what is not known"),
        pytest.param(b"[]", "body", id="no object"),
    ],
)
def test_nothing_is_given_up_without_a_reason_and_a_name(api: Api, locked: str, body: bytes, field: str) -> None:
    audit_id = "20260131-093000-1a2b3c4d"  # the request is read before the audit is looked for
    response = api.post(f"/audits/{audit_id}/dead-letters/discard", body)
    assert response.status_code == 400
    assert field in response.text


def test_an_audit_that_is_not_there_has_no_dead_letters(api: Api) -> None:
    here = "/audits/20260131-093000-1a2b3c4d/dead-letters"
    assert api.get(here).status_code == 404
    assert api.post(f"{here}/replay").status_code == 404
    assert api.post(f"{here}/discard", DECISION).status_code == 404
