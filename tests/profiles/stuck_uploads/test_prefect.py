"""The conversations with Prefect, driven by hand."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.stuck_uploads.prefect import ACTIVE, deployment_and_workers, runs
from profiles.stuck_uploads.runs import TERMINAL, Run
from reconciliation.errors import ListingError
from reconciliation.evidence import Unread
from reconciliation.queries import HttpAnswer, HttpCall
from tests.profiles.stuck_uploads.prefect_in_memory import AT, DEPLOYMENTS, Prefect, ago, talk

OLDEST = ago(600)


def ids(rows: list[Any]) -> set[str]:
    return {row[0] for row in rows}


def test_all_that_is_active_or_began_since_the_oldest_row_is_given_whatever_page_it_is_on() -> None:
    server = Prefect().with_deployments()
    for number in range(10):
        server.add(f"ended {number}", "COMPLETED", ago(500 - number))
    server.add("since an hour before the row", "FAILED", OLDEST - timedelta(hours=1))
    server.add("before", "FAILED", OLDEST - timedelta(hours=1, seconds=1))
    server.add("ancient and active", "RUNNING", ago(60 * 24 * 300))
    server.add("ahead", "SCHEDULED", AT + timedelta(seconds=90))
    server.add("crop", "COMPLETED", ago(5), of="crop")
    server.add("another's", "RUNNING", ago(5), of="staging")
    rows, unread = talk(runs(DEPLOYMENTS, OLDEST), server)
    assert unread is None
    assert ids(rows) == set(server.runs) - {"before", "another's"}
    assert {row[0]: row[1] for row in rows}["crop"] == "crop"
    assert all(Run.from_json(row).id for row in rows)


@pytest.mark.parametrize("state", ["RUNNING", "FAILED"])
def test_runs_that_were_made_before_the_deployment_was_registered_again_are_its_runs(state: str) -> None:
    """They keep its former id, which names nothing any more; a run of no deployment is of its flow, too."""
    server = Prefect().with_deployments()
    server.add("former", state, ago(30), of="former")
    server.add("of none", state, ago(30), deployment_id=None)
    server.add("another's", state, ago(30), of="staging")
    server.add("of another flow", state, ago(30), of="captions", flow_id="f-captions")
    rows, unread = talk(runs(DEPLOYMENTS, OLDEST), server)
    assert (ids(rows), unread) == ({"former", "of none"}, None)
    assert {row[1] for row in rows} == {"process"}
    asked = [call.path for call in server.calls if call.path.startswith("/deployments/d-")]
    assert sorted(asked) == ["/deployments/d-former", "/deployments/d-staging"], "once each"


def test_of_two_deployments_of_one_flow_what_names_none_may_process_a_video() -> None:
    names = {"process": "process-video/production", "crop": "process-video/crops"}
    server = Prefect().with_deployments(names)
    server.add("former", "RUNNING", ago(30), of="former")
    server.add("crop", "RUNNING", ago(30), of="crop", flow_id="f-process-video")
    rows, _ = talk(runs(names, OLDEST), server)
    assert {row[0]: row[1] for row in rows} == {"former": "process", "crop": "crop"}


def test_without_a_row_only_what_is_active_is_read() -> None:
    server = Prefect().with_deployments()
    server.add("ended", "COMPLETED", ago(5))
    server.add("active", "PAUSED", ago(5))
    assert ids(talk(runs(DEPLOYMENTS, None), server)[0]) == {"active"}


@given(st.lists(st.integers(0, 3), max_size=12), st.integers(1, 4))
def test_runs_of_one_moment_are_all_read_however_small_the_pages(moments: list[int], limit: int) -> None:
    server = Prefect(limit=limit).with_deployments()
    for number, moment in enumerate(moments):
        server.add(str(number), "COMPLETED", ago(moment))
    rows, unread = talk(runs(DEPLOYMENTS, OLDEST), server)
    assert unread is None
    assert ids(rows) == set(server.runs)


@given(st.data())
def test_what_is_there_throughout_is_given_whatever_comes_and_ends_meanwhile(data: st.DataObject) -> None:
    server = Prefect(limit=2).with_deployments()
    for number in range(data.draw(st.integers(0, 8))):
        server.add(f"stays {number}", data.draw(st.sampled_from(ACTIVE)), ago(data.draw(st.integers(-3, 700))))
    throughout = set(server.runs)

    def something_happens(calls: int) -> None:
        if data.draw(st.booleans()):
            server.add(f"comes {calls}", "SCHEDULED", AT + timedelta(seconds=data.draw(st.integers(0, 200))))
        for name, run in server.runs.items():
            if name.startswith("comes") and data.draw(st.booleans()):
                run["state_type"] = "COMPLETED"

    server.between = something_happens
    rows, unread = talk(runs(DEPLOYMENTS, OLDEST), server)
    assert throughout <= ids(rows) or unread is not None


def test_runs_that_keep_changing_while_they_are_read_are_a_gap() -> None:
    server = Prefect(limit=200).with_deployments()

    def one_more(calls: int) -> None:
        server.add(f"new {calls}", "RUNNING", AT + timedelta(seconds=calls))

    server.between = one_more
    rows, unread = talk(runs(DEPLOYMENTS, OLDEST), server)
    assert unread is not None
    assert "changed while they were read" in unread.reason
    assert rows


def test_without_the_deployment_nobody_knows_what_runs() -> None:
    server = Prefect()
    for conversation in (runs(DEPLOYMENTS, OLDEST), deployment_and_workers(DEPLOYMENTS)):
        rows, unread = talk(conversation, server)
        assert (rows, isinstance(unread, Unread)) == ([], True)
        assert "process-video/production" in str(unread)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/flow_runs/count", "many"),
        ("/flow_runs/count", {"count": 1}),
        ("/flow_runs/filter", {"results": []}),
        ("/flow_runs/filter", [1]),
        ("/flow_runs/filter", [{"id": "a"}]),
        (
            "/flow_runs/filter",
            [
                {
                    "id": "a",
                    "flow_id": "f-other",
                    "deployment_id": "d-process",
                    "expected_start_time": "2026-11-27T09:00:00Z",
                }
            ],
        ),
        ("/deployments/name/process-video/production", ["a"]),
    ],
)
def test_an_answer_of_another_shape_is_never_an_empty_one(path: str, body: Any) -> None:
    class Odd(Prefect):
        def answer(self, call: HttpCall) -> HttpAnswer:
            answer = super().answer(call)
            return answer._replace(body=body) if call.path == path else answer

    server = Odd().with_deployments()
    server.add("a", "RUNNING", ago(5))
    with pytest.raises(ListingError):
        talk(runs(DEPLOYMENTS, OLDEST), server)


def test_a_server_that_does_not_tell_its_time_sets_no_bound() -> None:
    class Timeless(Prefect):
        def answer(self, call: HttpCall) -> HttpAnswer:
            return super().answer(call)._replace(at=None)

    with pytest.raises(ListingError, match="Date"):
        talk(runs(DEPLOYMENTS, OLDEST), Timeless().with_deployments())


def test_the_deployment_and_all_workers_of_its_pool_are_read() -> None:
    workers = [{"name": f"w-{number}", "status": "ONLINE" if number else "OFFLINE"} for number in range(7)]
    server = Prefect(workers={"pool": workers}).with_deployments(paused=True)
    rows, unread = talk(deployment_and_workers(DEPLOYMENTS), server)
    assert unread is None
    assert rows[:2] == [
        ["deployment", "process", "d-process", True, "pool"],
        ["deployment", "crop", "d-crop", True, "pool"],
    ]
    assert rows[2:] == [["worker", "pool", one["name"], one["status"]] for one in workers]


def test_every_state_is_active_or_has_ended() -> None:
    assert not TERMINAL & set(ACTIVE)
    run = Run.from_json(["a", "process", None, "PONDERING", *[None] * 8])
    assert run.is_active, "a state that is not known is no end"
