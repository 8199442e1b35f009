"""Repairs over HTTP: proposed, approved, applied, looked at again, taken back; and all that must not go through."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from profiles.pre_capture_sessions.statements import GRANTS
from tests.app.world import Api, World, eventually, leaks, running
from triggers.principal import APPROVER

ENDED = {"stopped", "applied", "partly_applied", "failed", "rejected", "expired", "undone"}
REASON = "Played back, it is the hearing."


@pytest.fixture(scope="module")
def world(own_world: World) -> World:
    return own_world


@pytest.fixture(scope="module")
def repair_url(world: World) -> str:
    """The database by a role that has the rights of repairs alone."""
    role = f"repairs_{uuid4().hex}"
    with psycopg.connect(world.database) as connection:
        connection.execute(f"create role {role} login password 'a-password-of-tests'".encode())
        connection.execute(GRANTS.format(role=role).encode())
    scheme, _, rest = world.database.partition("://")
    return f"{scheme}://{role}:a-password-of-tests@{rest.partition('@')[2]}"


@pytest.fixture(scope="module")
def api(world: World, repair_url: str) -> Iterator[Api]:
    settings = world.settings(
        PRE_REPAIR_DATABASE=repair_url,
        AUDIT_REPAIR_SECOND_LOOK_SECONDS="1",
        AUDIT_REPAIR_DEADLINE_SECONDS="5",
        AUDIT_REPAIR_CLOSED_HOURS="none",
    )
    with running(settings) as api:
        yield api


class Repairing:
    """What a person does about an audit's findings."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def ask(self, path: str, **body: Any) -> httpx.Response:
        return self.api._http.post(path, json=body)

    def proposed(self, audit_id: str, **body: Any) -> dict[str, Any]:
        """A repair with its plan, or as it has failed."""
        response = self.ask(f"/audits/{audit_id}/repairs", **{"by": "Ann", **body})
        assert response.status_code == 202, response.text
        return self.until(response.json()["id"], {"proposed", "failed"})

    def until(self, repair_id: str, states: set[str]) -> dict[str, Any]:
        def probe() -> dict[str, Any] | None:
            view: dict[str, Any] = self.api.get(f"/repairs/{repair_id}").json()
            return view if view["state"] in states else None

        return eventually(probe, f"repair {repair_id} is {states}", 90)

    def approve(self, repair: dict[str, Any], by: str = "Bob", digest: str | None = None) -> httpx.Response:
        digest = digest or repair["digest"]
        return self.ask(f"/repairs/{repair['id']}/approve", digest=digest, by=by, reason=REASON)


@pytest.fixture(scope="module")
def repairing(api: Api) -> Repairing:
    return Repairing(api)


def rows(world: World, sql: str, **values: Any) -> list[dict[str, Any]]:
    with psycopg.connect(world.database, row_factory=dict_row) as connection:
        return connection.execute(sql.encode(), values).fetchall()


def test_hidden_recordings_are_registered_after_an_approval_and_one_way_back(
    api: Api, world: World, repairing: Repairing
) -> None:
    _, report = api.audited()
    audit_id = report["audit"]["id"]
    hidden = {f["subject"]["id"] for f in report["findings"] if f["verdict"] == "unregistered_recording"}
    repair = repairing.proposed(audit_id, verdicts=["unregistered_recording"])
    assert repair["state"] == "proposed", repair["error"]
    plan = repair["plan"]
    planned = {change["subject"]["id"] for change in plan["changes"]}
    assert planned
    assert any("void by itself then: the evening sweep" in note for note in plan["notes"])
    assert planned | {one["subject"]["id"] for one in plan["left_out"]} == hidden
    assert repairing.approve(repair, by="ann").status_code == 403
    assert repairing.approve(repair, digest="0" * 64).status_code == 409
    before = {str(row["id"]): row for row in rows(world, "select * from capture_sessions")}
    accepted = repairing.approve(repair)
    assert accepted.status_code == 202, accepted.text
    assert repairing.approve(repair, by="Carol").status_code == 409
    ended = repairing.until(repair["id"], ENDED)
    assert ended["state"] == "applied", ended
    assert ended["counts"]["done"] == len(planned) == ended["verified"]["as_expected"]
    for change in plan["changes"]:
        [recording] = rows(world, "select * from recordings where id = %(id)s", id=change["seen"]["container"])
        assert str(recording["capture_session_id"]) == change["subject"]["id"]
    after = {str(row["id"]): row for row in rows(world, "select * from capture_sessions")}
    changed = {one for one in before if after[one] != before[one]}
    assert changed == planned
    assert all(after[one] == before[one] | {"status": "RECORDING_AVAILABLE"} for one in planned)
    _, again = api.audited()
    assert not {f["subject"]["id"] for f in again["findings"] if f["verdict"] == "unregistered_recording"} & planned
    resolved = {one["subject"]["id"]: one["repair"] for one in again["since_last"]["resolved_findings"]}
    assert {one: resolved[one] for one in planned} == dict.fromkeys(planned, repair["id"])

    back = repairing.ask(f"/repairs/{repair['id']}/undo", by="Ann")
    assert back.status_code == 202, back.text
    undo = repairing.until(back.json()["id"], {"proposed", "failed"})
    assert undo["state"] == "proposed", undo["error"]
    assert len(undo["plan"]["changes"]) == len(planned)
    assert undo["plan"]["changes"][0]["shown"] == {
        "case_state": "OPEN",
        "session_status": "RECORDING_AVAILABLE",
        "live_shares": 0,
        "recordings": 1,
        "playbacks": 0,
    }
    assert repairing.approve(undo).status_code == 202
    undone = repairing.until(undo["id"], ENDED)
    assert undone["state"] == "applied", undone
    assert repairing.until(repair["id"], {"undone"})
    restored = {str(row["id"]): row for row in rows(world, "select * from capture_sessions")}
    assert restored == before
    left = rows(
        world,
        "select deleted_at from recordings where id = any(%(ids)s::uuid[])",
        ids=[change["seen"]["container"] for change in plan["changes"]],
    )
    assert len(left) == len(planned)
    assert all(row["deleted_at"] is not None for row in left)
    assert leaks(api, world, "a-password-of-tests") == []


def test_an_auditor_gets_everything_and_a_name_can_be_given_up_without_breaking_the_proof(
    api: Api, repairing: Repairing
) -> None:
    def exported(repair_id: str) -> dict[str, Any]:
        document: dict[str, Any] = api.get(f"/repairs/{repair_id}/export").json()
        return document

    newest = next(one for one in api.get("/repairs").json()["repairs"] if one["state"] == "undone")
    before = exported(newest["id"])
    assert sha256(before["plan"].encode()).hexdigest() == before["digest"] == before["decision"]["digest"]
    changes = json.loads(before["plan"])["changes"]
    assert set(before["ledger"]) == {f"{one['number']:04}-1" for one in changes}
    for entries in before["ledger"].values():
        assert entries["intended"]["digest"] == before["digest"]
        assert [one["ending"] for one in entries["endings"]] == ["done"]
    assert [len(found) for found in before["verified"].values()] == [len(changes)] * 2
    assert {"Ann", "Bob"} <= {person["name"] for person in before["people"]}

    refused = repairing.ask(f"/repairs/{newest['id']}/pseudonym", by="Bob", name="Nobody", pseudonym="P-1")
    assert refused.status_code == 404
    own = repairing.ask(f"/repairs/{newest['id']}/pseudonym", by="ann", name="Ann", pseudonym="P-1")
    assert own.status_code == 403
    done = repairing.ask(f"/repairs/{newest['id']}/pseudonym", by="Carol", name="Ann", pseudonym="P-1")
    assert (done.status_code, done.json()["people"]) == (200, 1)
    after = exported(newest["id"])
    assert "Ann" not in json.dumps(after)
    assert "ann" not in {person["identity"] for person in after["people"]}
    changed = {"exported_at", "people", "notes"}
    assert {name: after[name] for name in after.keys() - changed} == {
        name: before[name] for name in before.keys() - changed
    }
    [noted] = after["notes"].values()
    assert noted["by"] in {person["seal"] for person in after["people"] if person["name"] == "Carol"}
    assert api.get(f"/repairs/{newest['id']}").json()["proposed_by"] == "P-1"


# --- what must not go through -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def audit_id(api: Api) -> str:
    """An audit of the world as it was planted, or as the tests before have left it."""
    _, report = api.audited()
    found: str = report["audit"]["id"]
    return found


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "by"),
        ({"by": ""}, "by"),
        ({"by": "Ann", "findings": []}, "findings"),
        ({"by": "Ann", "findings": ["nobody"]}, "findings.0"),
        ({"by": "Ann", "verdicts": ["perhaps"]}, "verdicts.0"),
        ({"by": "Ann", "max": 0}, "max"),
        ({"by": "Ann", "max": 501}, "max"),
        ({"by": "Ann", "sql": "drop table recordings"}, "sql"),
    ],
)
def test_a_proposal_that_is_not_understood_names_the_field(
    repairing: Repairing, audit_id: str, body: dict[str, Any], field: str
) -> None:
    response = repairing.ask(f"/audits/{audit_id}/repairs", **body)
    assert response.status_code == 400, response.text
    assert response.json()["errors"][0]["field"] == field


def test_what_no_repair_mends_is_refused(repairing: Repairing, audit_id: str) -> None:
    response = repairing.ask(f"/audits/{audit_id}/repairs", by="Ann", verdicts=["ambiguous_containers"])
    assert response.status_code == 409
    assert "ambiguous_containers" in response.json()["detail"]


def test_a_plan_that_was_rejected_is_never_applied(world: World, repairing: Repairing, audit_id: str) -> None:
    repair = repairing.proposed(audit_id, verdicts=["status_behind"])
    before = rows(world, "select xmin::text, * from capture_sessions order by id")
    answer = repairing.ask(f"/repairs/{repair['id']}/reject", digest=repair["digest"], by="Bob", reason="Not that one.")
    assert (answer.status_code, answer.json()["state"]) == (200, "rejected")
    assert repairing.approve(repair).status_code == 409
    assert repairing.ask(f"/repairs/{repair['id']}/stop", by="Bob").status_code == 409
    assert repairing.ask(f"/repairs/{repair['id']}/undo", by="Bob").status_code == 409
    assert rows(world, "select xmin::text, * from capture_sessions order by id") == before


def test_names_are_needed_until_a_repair_ends(repairing: Repairing, audit_id: str) -> None:
    repair = repairing.proposed(audit_id, verdicts=["status_behind"])
    refused = repairing.ask(f"/repairs/{repair['id']}/pseudonym", by="Bob", name="Ann", pseudonym="P-1")
    assert (refused.status_code, refused.json()["state"]) == (409, "proposed")


def test_what_somebody_else_did_in_between_is_left_alone_and_said(
    world: World, repairing: Repairing, audit_id: str
) -> None:
    repair = repairing.proposed(audit_id, verdicts=["status_behind"])
    [change, *_] = repair["plan"]["changes"]
    with psycopg.connect(world.database) as connection:
        connection.execute(b"update capture_sessions set status = 'FAILURE' where id = %s", [change["subject"]["id"]])
    before = rows(world, "select xmin::text, * from capture_sessions order by id")
    assert repairing.approve(repair).status_code == 202
    ended = repairing.until(repair["id"], ENDED)
    [ending] = [one for one in ended["ledger"] if one["number"] == change["number"]]
    assert (ending["ending"], ending["left"]) == ("someone_else_moved", {})
    assert all(one["left"] for one in ended["ledger"] if one["ending"] == "done")
    after = rows(world, "select xmin::text, * from capture_sessions order by id")
    done = {one["subject"]["id"] for one in repair["plan"]["changes"]} - {change["subject"]["id"]}
    assert [row for row in after if str(row["id"]) not in done] == [r for r in before if str(r["id"]) not in done]


def test_of_many_approvals_at_once_one_counts(repairing: Repairing, audit_id: str) -> None:
    repair = repairing.proposed(audit_id, verdicts=["unregistered_recording", "undone_by_us"], max=1)
    assert repair["state"] == "proposed", repair["error"]
    with ThreadPoolExecutor(16) as pool:
        codes = [
            answer.status_code for answer in pool.map(lambda n: repairing.approve(repair, by=f"Person {n}"), range(16))
        ]
    assert sorted(codes) == [202] + [409] * 15
    assert repairing.until(repair["id"], ENDED)["counts"]["done"] == 1


def test_a_repair_that_is_not_there_is_not_found(api: Api, repairing: Repairing) -> None:
    unknown = "20200101-000000-00000000"
    assert api.get(f"/repairs/{unknown}").status_code == 404
    assert api.get("/repairs/nonsense").json()["errors"][0]["field"] == "repair_id"
    for what in ("approve", "reject"):
        body = {"digest": "0" * 64, "by": "Ann", "reason": "Because."}
        assert repairing.ask(f"/repairs/{unknown}/{what}", **body).status_code == 404
    for what in ("stop", "undo"):
        assert repairing.ask(f"/repairs/{unknown}/{what}", by="Ann").status_code == 404


def test_repairs_are_listed_newest_first(api: Api) -> None:
    listed = api.get("/repairs?limit=3").json()["repairs"]
    assert len(listed) == 3
    assert listed == sorted(listed, key=lambda one: one["id"], reverse=True)
    assert all("plan" not in one for one in listed)


# --- where the platform says who asks ---------------------------------------------------------------------------------


def principal(its_id: str, *roles: str) -> dict[str, str]:
    claims = [("tid", "tenant"), ("oid", its_id), ("name", "Somebody"), *(("roles", role) for role in roles)]
    document = json.dumps({"claims": [{"typ": kind, "val": value} for kind, value in claims]}).encode()
    return {"x-ms-client-principal": base64.b64encode(document).decode()}


def test_where_the_platform_says_who_asks_nobody_declares_a_name(world: World, repair_url: str) -> None:
    settings = world.settings(
        PRE_REPAIR_DATABASE=repair_url, AUDIT_REPAIR_CLOSED_HOURS="none", WEBSITE_AUTH_ENABLED="True"
    )
    with running(settings) as api:
        repairing, audit_id = Repairing(api), api.audited()[0]["id"]
        here, given = f"/audits/{audit_id}/repairs", {"verdicts": ["unregistered_recording", "undone_by_us"], "max": 1}
        assert repairing.ask(here, **given).status_code == 403
        assert api._http.post(here, json={**given, "by": "Ann"}, headers=principal("ann")).status_code == 400
        begun = api._http.post(here, json=given, headers=principal("ann"))
        assert begun.status_code == 202, begun.text
        repair = repairing.until(begun.json()["id"], {"proposed", "failed"})
        decision = {"digest": repair["digest"], "reason": REASON}
        answers = [
            api._http.post(f"/repairs/{repair['id']}/approve", json=decision, headers=headers).status_code
            for headers in (principal("bob"), principal("ann", APPROVER), {}, principal("bob", APPROVER))
        ]
        assert answers == [403, 403, 403, 202]
        assert repairing.until(repair["id"], {"stopping", "applying", "applied"})
