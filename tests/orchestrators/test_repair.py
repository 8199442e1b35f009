"""What the orchestrations of a repair do next, driven by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from orchestrators.repair import proposal, repair
from tests.orchestrators.driver import Driver, FakeContext
from tests.orchestrators.repairs import OF_REPAIRS

REQUEST = {"profile": "p", "repair_id": "r"}
LOOK = ["begin_look", "pull", "pull", "plan", "scan_shard", "scan_shard", "screen", "look_again"]
UNTIL = datetime(2026, 3, 2, 19, 30, tzinfo=UTC)


def done(state: str = "applied") -> dict[str, Any]:
    return {"ok": True, "then": "verify", "until": None, "state": state}


class Answers:
    """Answers every activity; ``apply`` gives one of ``applied`` after another."""

    def __init__(self, *applied: Any, notify: bool = False, **others: Any) -> None:
        self._applied, self._notify, self._others = list(applied) or [done()], notify, others

    def __call__(self, name: str, request: dict[str, Any]) -> Any:
        if name in self._others:
            answer = self._others[name]
            return answer(request) if callable(answer) else answer
        if name == "apply":
            return self._applied.pop(0) if len(self._applied) > 1 else self._applied[0]
        usual = {
            "begin_look": {"ok": True, "audit_id": f"repairs/r/{request.get('look')}", "pulls": 2},
            "plan": {"ok": True, "shards": 2, "max_passes": 1},
            "scan_shard": {"ok": True, "failed": 0},
            "screen": {"ok": True, "shards": 1},
            "end_repair": {"ok": True, "state": request.get("state"), "notify": self._notify},
        }
        return usual.get(name, {"ok": True, "changes": 1, "notify": self._notify})


def context(**more: Any) -> FakeContext:
    given = FakeContext()
    given._input = {**REQUEST, "undoes": None, "looks": 1, "second_look_seconds": 300, "notify": False, **more}
    return given


def of(driver: Driver, name: str) -> list[dict[str, Any]]:
    return [call.request for call in driver.calls if call.name == name]


def test_a_proposal_looks_and_makes_a_plan_and_changes_nothing() -> None:
    driver = Driver(Answers(), context())
    assert driver.run(proposal(driver.context)) == {"repair_id": "r"}
    assert driver.names == [*LOOK, "propose"]
    assert of(driver, "pull")[0] == {"profile": "p", "audit_id": "repairs/r/1", "run": 0}


def test_an_undo_is_proposed_without_a_look() -> None:
    driver = Driver(Answers(), context(undoes="another"))
    driver.run(proposal(driver.context))
    assert driver.names == ["propose"]


def test_a_proposal_that_cannot_be_made_ends_the_repair_with_the_reason() -> None:
    refused = {"ok": False, "error": "No.", "retryable": False}
    driver = Driver(Answers(propose=refused), context())
    driver.run(proposal(driver.context))
    assert of(driver, "end_repair") == [{**REQUEST, "state": "failed", "looks": [], "error": "No."}]


def test_a_repair_looks_applies_and_looks_twice_afterwards() -> None:
    driver = Driver(Answers(), context())
    assert driver.run(repair(driver.context)) == {"repair_id": "r", "state": "applied"}
    assert driver.names == [*LOOK, "apply", *LOOK, "verify", *LOOK, "verify", "end_repair"]
    assert [request["look"] for request in of(driver, "begin_look")] == [2, 3, 4]
    assert of(driver, "apply") == [{**REQUEST, "look": 2}]
    assert of(driver, "end_repair") == [{**REQUEST, "state": "applied", "looks": [3, 4]}]
    [timer] = driver.timers
    assert timer.fire_at == FakeContext().current_utc_datetime + timedelta(seconds=300)


def test_each_share_of_the_work_rests_on_a_look_of_its_own() -> None:
    more = {"ok": True, "then": "look", "until": None, "state": None}
    driver = Driver(Answers(more, more, done()), context())
    driver.run(repair(driver.context))
    assert [request["look"] for request in of(driver, "apply")] == [2, 3, 4]
    assert [request["look"] for request in of(driver, "verify")] == [5, 6]


def test_closed_hours_are_waited_for() -> None:
    later = {"ok": True, "then": "look", "until": "2026-03-02T19:30:00Z", "state": None}
    driver = Driver(Answers(later, done(), defer={"ok": True, "stop": False}), context())
    driver.run(repair(driver.context))
    assert {request["until"] for request in of(driver, "defer")} == {UNTIL.isoformat()}
    waited = [timer.fire_at for timer in driver.timers if timer.fire_at <= UNTIL]
    assert waited[-1] == UNTIL
    assert len(waited) == 10 * 12
    assert [request["look"] for request in of(driver, "apply")] == [2, 3]


def test_one_that_waits_is_stopped_within_minutes() -> None:
    later = {"ok": True, "then": "look", "until": "2026-03-02T19:30:00Z", "state": None}
    driver = Driver(Answers(later, done("stopped"), defer={"ok": True, "stop": True}), context())
    assert driver.run(repair(driver.context))["state"] == "stopped"
    assert [timer.fire_at for timer in driver.timers] == [FakeContext().current_utc_datetime + timedelta(seconds=300)]


@pytest.mark.parametrize("state", ["stopped", "expired", "partly_applied", "failed"])
def test_whatever_it_ends_as_what_was_changed_is_looked_at(state: str) -> None:
    driver = Driver(Answers(done(state)), context())
    assert driver.run(repair(driver.context))["state"] == state
    assert len(of(driver, "verify")) == 2


def test_an_undo_is_applied_without_a_look_and_looked_at_afterwards() -> None:
    driver = Driver(Answers(), context(undoes="another"))
    driver.run(repair(driver.context))
    assert driver.names == ["apply", *LOOK, "verify", *LOOK, "verify", "end_repair"]


def test_one_that_goes_on_after_it_was_lost_does_not_take_an_earlier_look_for_its_own() -> None:
    driver = Driver(Answers(), context(looks=101))
    driver.run(repair(driver.context))
    assert [request["look"] for request in of(driver, "begin_look")] == [102, 103, 104]


@pytest.mark.parametrize("broken", ["begin_look", "pull", "plan", "screen", "apply", "verify"])
def test_a_step_that_cannot_be_done_ends_it_as_failed_with_the_looks_that_were_taken(broken: str) -> None:
    driver = Driver(Answers(notify=False, **{broken: {"ok": False, "error": "No.", "retryable": False}}), context())
    assert driver.run(repair(driver.context))["state"] == "failed"
    [ended] = of(driver, "end_repair")
    assert (ended["state"], ended["error"], ended["looks"]) == ("failed", "No.", [])


def test_what_repairs_call_besides_an_audits_steps_is_known() -> None:
    later = {"ok": True, "then": "look", "until": "2026-03-02T19:30:00Z", "state": None}
    drivers = [
        Driver(Answers(later, done(), notify=True, defer={"ok": True, "stop": True}), context()),
        Driver(Answers(), context()),
    ]
    for driver, work in zip(drivers, (repair, proposal), strict=True):
        driver.run(work(driver.context))
    called = {name for driver in drivers for name in driver.names}
    assert called - {"pull", "plan", "scan_shard", "screen", "look_again"} == OF_REPAIRS


def test_people_are_told_of_a_plan_an_approval_and_an_end() -> None:
    proposing = Driver(Answers(notify=True), context())
    proposing.run(proposal(proposing.context))
    assert proposing.names == [*LOOK, "propose", "tell_of_repair"]
    repairing = Driver(Answers(notify=True), context(notify=True))
    repairing.run(repair(repairing.context))
    assert (repairing.names[0], repairing.names[-2:]) == ("tell_of_repair", ["end_repair", "tell_of_repair"])
    assert of(repairing, "tell_of_repair") == [REQUEST, REQUEST]


def test_that_nobody_could_be_told_changes_nothing() -> None:
    deaf = {"ok": False, "error": "It answered 410.", "retryable": True}
    driver = Driver(Answers(notify=True, tell_of_repair=deaf), context(notify=True))
    assert driver.run(repair(driver.context)) == {"repair_id": "r", "state": "applied"}


def test_a_step_whose_worker_died_says_where_to_look() -> None:
    def died(_request: Any) -> Any:
        raise RuntimeError("exited with code 137")

    driver = Driver(Answers(apply=died), context())
    driver.run(repair(driver.context))
    [ended] = of(driver, "end_repair")
    assert "under r." in ended["error"]
    assert "see the repair's ledger" in ended["error"]
