"""What the orchestration of a scheduled audit with a policy does next: driven by hand, and replayed by the real SDK."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrators.audit import StepFailedError
from orchestrators.recovery import recovery
from tests.orchestrators.answers import ENDED, Answer, once, raising, refused
from tests.orchestrators.driver import Driver, FakeContext
from tests.orchestrators.repairs import OF_POLICIES, OF_REPAIRS
from tests.orchestrators.sdk_host import SdkHost, run
from tests.orchestrators.test_replay import asked_for, assert_replays_alike

pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

AUDIT = {"profile": "p", "audit_id": "a"}
REQUEST = {"profile": "p", "repair_id": "r"}
SCANNED = ["plan", "scan_shard", "scan_shard", "screen", "look_again"]
OF_AUDIT = ["pull", "pull", *SCANNED, "judge", "report"]
LOOK = ["begin_look", "pull", "pull", *SCANNED]
FOUND = {**ENDED, "outcome": "findings", "for_policy": 3}
APPROVED = {"ok": True, "approved": True, "notify": False, "second_look_seconds": 300}
REJECTED = {**APPROVED, "approved": False}
NO = refused("No.", retryable=False)


class Answers:
    """Answers every activity: an audit that finds, and a policy that approves; ``others`` answer instead."""

    def __init__(self, **others: Any) -> None:
        self._others = others

    def __call__(self, name: str, given: dict[str, Any]) -> Any:
        if name in self._others:
            answer = self._others[name]
            return answer(given) if callable(answer) else answer
        usual = {
            "begin_look": {"ok": True, "audit_id": f"repairs/r/{given.get('look')}", "pulls": 2},
            "plan": {"ok": True, "shards": 2, "max_passes": 1},
            "scan_shard": {"ok": True, "failed": 0},
            "screen": {"ok": True, "shards": 1},
            "report": FOUND,
            "fail": {**ENDED, "state": "failed", "outcome": "failed", "for_policy": 0},
            "begin_recovery": {"ok": True, "repair_id": "r"},
            "propose": {"ok": True, "changes": 1, "notify": False},
            "approve_by_policy": APPROVED,
            "apply": {"ok": True, "then": "verify", "until": None, "state": "applied"},
            "end_repair": {"ok": True, "state": given.get("state"), "notify": False},
        }
        return usual.get(name, {"ok": True})


def done(**others: Any) -> tuple[Driver, Any]:
    """The host after all of it, and what came of it."""
    driver = Driver(Answers(**others), FakeContext())
    return driver, driver.run(recovery(driver.context))


def of(driver: Driver, name: str) -> list[dict[str, Any]]:
    return [call.request for call in driver.calls if call.name == name]


def ended(repair_id: str | None = "r", outcome: str = "findings") -> dict[str, Any]:
    return {**AUDIT, "state": "completed", "outcome": outcome, "repair_id": repair_id}


@pytest.mark.parametrize("found", [{**ENDED, "for_policy": 0}, ENDED])
def test_where_nothing_is_found_that_a_policy_repairs_it_is_an_audit_and_no_more(found: Any) -> None:
    driver, result = done(report=found)
    assert (driver.names, result) == (OF_AUDIT, ended(None, "clean"))


def test_an_audit_that_failed_repairs_nothing() -> None:
    driver, result = done(judge=NO)
    assert driver.names == [*OF_AUDIT[:-1], "fail"]
    assert (result["state"], result["repair_id"]) == ("failed", None)


def test_a_policy_that_does_nothing_now_costs_one_step() -> None:
    driver, result = done(begin_recovery={"ok": True, "repair_id": None})
    assert (driver.names, result) == ([*OF_AUDIT, "begin_recovery"], ended(None))


def test_what_is_approved_is_planned_and_applied_on_looks_of_its_own_and_looked_at_twice() -> None:
    driver, result = done()
    planned = [*OF_AUDIT, "begin_recovery", *LOOK, "propose", "approve_by_policy"]
    assert driver.names == [*planned, *LOOK, "apply", *LOOK, "verify", *LOOK, "verify", "end_repair"]
    assert result == ended()
    assert of(driver, "begin_recovery") == [AUDIT]
    assert of(driver, "approve_by_policy") == [REQUEST]
    assert [request["look"] for request in of(driver, "begin_look")] == [1, 2, 3, 4]
    assert of(driver, "end_repair") == [{**REQUEST, "state": "applied", "looks": [3, 4]}]


def test_what_is_rejected_is_not_applied() -> None:
    driver, result = done(approve_by_policy=REJECTED)
    assert driver.names[-1] == "approve_by_policy"
    assert "tell_of_repair" not in driver.names
    assert result == ended()


def test_people_are_told_that_a_policy_has_paused_itself_and_how_a_repair_ended() -> None:
    driver, _ = done(approve_by_policy={**REJECTED, "notify": True})
    assert driver.names[-2:] == ["approve_by_policy", "tell_of_repair"]
    driver, _ = done(end_repair={"ok": True, "state": "applied", "notify": True})
    assert driver.names.count("tell_of_repair") == 1
    assert driver.names[-2:] == ["end_repair", "tell_of_repair"]


def test_that_nobody_could_be_told_changes_nothing() -> None:
    _, result = done(approve_by_policy={**APPROVED, "notify": True}, tell_of_repair=NO)
    assert result == ended()


# --- steps that fail --------------------------------------------------------------------------------------------------


def test_a_repair_that_cannot_be_begun_costs_the_audit_nothing() -> None:
    driver, result = done(begin_recovery=NO)
    assert (driver.names, result) == ([*OF_AUDIT, "begin_recovery"], ended(None))


@pytest.mark.parametrize("broken", ["begin_look", "propose"])
def test_a_plan_that_cannot_be_made_ends_the_repair_as_failed_and_applies_nothing(broken: str) -> None:
    driver, result = done(**{broken: NO}, approve_by_policy=REJECTED)
    assert of(driver, "end_repair") == [{**REQUEST, "state": "failed", "looks": [], "error": "No."}]
    assert "apply" not in driver.names
    assert result == ended()


def test_a_policy_that_cannot_decide_rejects_and_applies_nothing() -> None:
    driver, result = done(approve_by_policy=NO)
    assert of(driver, "end_repair") == [{**REQUEST, "state": "rejected", "looks": [], "error": "No."}]
    assert "apply" not in driver.names
    assert result == ended()


@pytest.mark.parametrize("broken", ["apply", "verify"])
def test_a_change_that_cannot_be_applied_ends_the_repair_as_failed(broken: str) -> None:
    driver, result = done(**{broken: NO})
    [request] = of(driver, "end_repair")
    assert (request["state"], request["error"]) == ("failed", "No.")
    assert result == ended()


def test_a_step_whose_worker_dies_is_tried_again_and_then_given_up() -> None:
    driver, _ = done(approve_by_policy=raising("exited with code 137"))
    assert driver.names.count("approve_by_policy") == 3
    [request] = of(driver, "end_repair")
    assert request["state"] == "rejected"
    assert "under r." in request["error"]


def test_a_repair_whose_end_cannot_be_written_is_left_to_the_watchdog() -> None:
    with pytest.raises(StepFailedError, match="No"):
        done(end_repair=NO)


def test_what_it_calls_besides_an_audits_steps_is_known() -> None:
    driver, _ = done(approve_by_policy={**APPROVED, "notify": True})
    assert set(driver.names) - set(OF_AUDIT) - {"look_again"} == (OF_REPAIRS - {"defer"}) | OF_POLICIES


# --- replayed ---------------------------------------------------------------------------------------------------------

TROUBLES: dict[str, Callable[[Any], Answer | None]] = {
    "none": lambda _: None,
    "dies": lambda _: raising("exited with code 137"),
    "busy": lambda _: lambda _: refused("Busy.", retryable=True),
    "refused": lambda _: lambda _: NO,
    "dies once": lambda usual: once(raising("exited with code 137"), usual),
}
STEPS = ["begin_recovery", "begin_look", "propose", "approve_by_policy", "apply", "verify", "tell_of_repair"]


@settings(max_examples=20, deadline=None)
@given(
    st.dictionaries(st.sampled_from(STEPS), st.sampled_from(sorted(TROUBLES)), max_size=3),
    st.booleans(),
    st.integers(1, 3),
    st.integers(),
)
def test_whatever_fails_the_same_things_are_asked_for_on_every_replay(
    troubles: dict[str, str], approved: bool, at_once: int, seed: int
) -> None:
    usual = Answers(approve_by_policy={**APPROVED, "approved": approved, "notify": True})
    others = {}
    for name, trouble in troubles.items():
        answer = TROUBLES[trouble](usual(name, {"look": 1}))
        if answer is not None:
            others[name] = answer
    world = Answers(**{"approve_by_policy": {**APPROVED, "approved": approved, "notify": True}} | others)
    host = SdkHost(recovery)
    last = run(host, world, Random(seed), at_once)
    assert (last.done, last.error) == (True, None)
    lost = troubles.get("begin_recovery") in {"dies", "busy", "refused"}
    assert last.output == {
        "profile": "p",
        "audit_id": host.audit_id,
        "state": "completed",
        "outcome": "findings",
        "repair_id": None if lost else "r",
    }
    names = [name for name, _ in asked_for(last)]
    decided = troubles.get("approve_by_policy") not in {"dies", "busy", "refused"}
    assert ("apply" in names) <= (approved and decided and not lost)
    assert_replays_alike(host)
