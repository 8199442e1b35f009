"""The audit under the real SDK: replayed from its history at every wake-up, as a host does it."""

import importlib.util
import json
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrators.audit import audit
from reconciliation.shards import MAX_SHARDS
from tests.orchestrators.answers import ENDED, Answer, World, once, raising, refused, scanned
from tests.orchestrators.repairs import OF_POLICIES, OF_REPAIRS
from tests.orchestrators.sdk_host import ACTIVITY, TIMER, WHEN_ALL, Said, SdkHost, run

# The SDK warns about its own codec, once in each process.
pytestmark = pytest.mark.filterwarnings("ignore:azure.functions df_loads was called:DeprecationWarning")

ROOT = Path(__file__).parents[2]
COMPLETED = {"audit_id": "20260302-093000-1a2b3c4d", "state": "completed", "outcome": "clean"}
MOST_PAYLOAD_BYTES = 16 * 1024
MOST_CUSTOM_STATUS_BYTES = 1024


def asked_for(answer: Said) -> list[tuple[str, dict[str, Any]]]:
    """Every activity of an answer, compounds laid flat."""
    flat = [
        leaf
        for action in answer.actions
        for leaf in (action["compoundActions"] if action["actionType"] == WHEN_ALL else [action])
    ]
    return [(leaf["functionName"], json.loads(leaf["input"])) for leaf in flat if leaf["actionType"] == ACTIVITY]


def assert_replays_alike(host: SdkHost) -> None:
    """What was asked for stays asked for, in the same words, however far the history has come."""
    for earlier, later in pairwise(host.answers):
        assert later.actions[: len(earlier.actions)] == earlier.actions
    for body, answer in zip(host.bodies, host.answers, strict=True):
        assert host.replayed(body) == answer
    for answer in host.answers:
        assert len(json.dumps(answer.custom_status)) < MOST_CUSTOM_STATUS_BYTES
    assert max(len(text.encode()) for text in host.payloads) < MOST_PAYLOAD_BYTES


TROUBLES: dict[str, Callable[[], Answer]] = {
    "none": lambda: lambda _: scanned(),
    "dies": lambda: raising("exited with code 137"),
    "busy": lambda: lambda _: refused("Busy.", retryable=True),
    "refused": lambda: lambda _: refused("Ended.", retryable=False),
    "gap": lambda: lambda _: scanned(failed=2),
    "dies once": lambda: once(raising("exited with code 137"), scanned()),
}


@settings(max_examples=20, deadline=None)
@given(
    st.lists(st.sampled_from(sorted(TROUBLES)), min_size=1, max_size=5),
    st.lists(st.sampled_from(sorted(TROUBLES)), max_size=5),
    st.sampled_from([{}, {"again": True}, {"again": True, "replay": [0]}, {"again": True, "replay": []}]),
    st.integers(1, 4),
    st.integers(),
)
def test_whatever_happens_in_whatever_order_the_same_things_are_asked_for(
    troubles: list[str], doubts: list[str], begun: dict[str, Any], at_once: int, seed: int
) -> None:
    shards, pieces = ([TROUBLES[trouble]() for trouble in of] for of in (troubles, doubts))
    answers: dict[str, Answer] = {
        "scan_shard": lambda request: shards[request["shard"]](request),
        "look_again": lambda request: pieces[request["shard"]](request),
        "report": lambda _: {**ENDED, "notify": True},
    }
    world = World(shards=len(shards), pieces=len(pieces), max_passes=2, answers=answers)
    host = SdkHost(audit, given=begun)
    last = run(host, world, Random(seed), at_once)
    assert (last.done, last.output, last.error) == (True, COMPLETED, None)
    assert_replays_alike(host)


def test_the_steps_are_asked_for_one_by_one_and_the_shards_all_at_once() -> None:
    host = SdkHost(audit)
    run(host, World(shards=3, pieces=2), Random(1))
    kinds = [[leaf["functionName"] for leaf in action["compoundActions"]] for action in host.answers[-1].actions]
    one_by_one = [
        ["pull"],
        ["pull"],
        ["plan"],
        ["scan_shard"] * 3,
        ["screen"],
        ["look_again"] * 2,
        ["judge"],
        ["report"],
    ]
    assert kinds == one_by_one


@pytest.mark.parametrize("at_once", [MAX_SHARDS, pytest.param(64, marks=pytest.mark.deep)])
def test_an_audit_of_as_many_shards_as_there_can_be_replays_and_stays_small(at_once: int) -> None:
    broken = {name: once(raising("exited with code 137"), scanned()) for name in ("scan_shard", "look_again")}
    world = World(shards=MAX_SHARDS, pieces=MAX_SHARDS, answers=broken)
    host = SdkHost(audit)
    last = run(host, world, Random(7), at_once)
    assert (last.done, last.output) == (True, COMPLETED)
    passes = Counter(request["attempt"] for name, request in asked_for(last) if name == "scan_shard")
    assert passes == {1: MAX_SHARDS, 2: MAX_SHARDS}
    assert sum(name == "look_again" for name, _ in asked_for(last)) == 2 * MAX_SHARDS
    for earlier, later in pairwise(host.answers):
        assert later.actions[: len(earlier.actions)] == earlier.actions
    assert max(len(text.encode()) for text in host.payloads) < MOST_PAYLOAD_BYTES


def test_an_activity_that_dies_in_the_middle_of_the_fan_out_costs_one_more_scan_of_its_shard() -> None:
    broken = once(raising("exited with code 137"), scanned())
    world = World(shards=5, answers={"scan_shard": lambda r: broken(r) if r["shard"] == 2 else scanned()})
    host = SdkHost(audit)
    last = run(host, world, Random(3))
    scans = [(r["shard"], r["attempt"]) for name, r in asked_for(last) if name == "scan_shard"]
    assert scans == [(0, 1), (1, 1), (2, 1), (3, 1), (4, 1), (2, 2)]
    assert last.output == COMPLETED
    assert_replays_alike(host)


def scanning(shards: int) -> SdkHost:
    """An audit that has just asked for its shards."""
    host = SdkHost(audit)
    host.start()
    for answer in ({"ok": True}, {"ok": True}, {"ok": True, "shards": shards, "max_passes": 2}):
        [task] = host.open
        host.wake([host.complete(task, answer)])
    assert len(host.open) == shards
    return host


def test_when_the_first_to_end_has_failed_the_others_are_still_waited_for() -> None:
    host = scanning(3)
    first, second, third = host.open
    before = host.answers[-1].actions
    for message in (host.fail(third, "killed"), host.complete(first, scanned())):
        answer = host.wake([message])
        assert answer.actions == before
        assert not answer.done
    answer = host.wake([host.complete(second, scanned())])
    [timer] = answer.actions[len(before) :]
    assert timer["actionType"] == TIMER
    assert list(host.open.values()) == [timer]


def test_a_second_pass_waits_on_a_timer_of_the_orchestrations_own_clock() -> None:
    host = scanning(2)
    first, second = host.open
    host.wake([host.complete(first, scanned()), host.fail(second, "killed")])
    [(task, timer)] = host.open.items()
    waited = [event for event in host.history if event["EventType"] == 12][-1]["Timestamp"]
    assert timer["fireAt"] > waited
    answer = host.wake([host.fire(task)])
    assert asked_for(answer)[-1] == (
        "scan_shard",
        {"profile": "p", "audit_id": host.audit_id, "shard": 1, "attempt": 2},
    )


@pytest.mark.parametrize("broken", ["pull", "plan", "screen", "judge", "report"])
def test_a_step_that_always_fails_ends_the_audit_through_its_way_out(broken: str) -> None:
    host = SdkHost(audit)
    last = run(host, World(answers={broken: raising("é" * 50_000)}), Random(5))
    assert last.output == {**COMPLETED, "state": "failed", "outcome": "failed"}
    name, request = asked_for(last)[-1]
    assert (name, request["step"]) == ("fail", broken)
    assert request["error"].startswith(f"The step {broken} did not come to its end: ")
    assert request["runtime"].startswith(f"Activity function '{broken}' failed: ")
    timers = [action for action in last.actions if action["actionType"] == TIMER]
    assert len(timers) == 2
    assert_replays_alike(host)


def test_a_refusal_that_cannot_be_mended_is_not_tried_again() -> None:
    host = SdkHost(audit)
    last = run(host, World(answers={"pull": lambda _: refused("Wrong password.", retryable=False)}), Random(5))
    assert [name for name, _ in asked_for(last)] == ["pull", "fail"]
    assert asked_for(last)[-1][1]["error"] == "Wrong password."


def test_an_audit_whose_end_cannot_be_written_ends_as_an_error_that_names_why() -> None:
    world = World(answers={"plan": raising("a"), "fail": lambda _: refused("The record is gone.", retryable=False)})
    last = run(SdkHost(audit), world, Random(5))
    assert (last.done, last.error) == (False, "The record is gone.")


def test_an_audit_of_no_shards_goes_straight_on() -> None:
    host = SdkHost(audit)
    last = run(host, World(shards=0, pieces=0), Random(5))
    assert [name for name, _ in asked_for(last)] == ["pull", "pull", "plan", "screen", "judge", "report"]
    assert last.output == COMPLETED


def test_every_activity_that_is_called_is_registered_since_a_real_host_waits_for_ever_on_an_unknown_name() -> None:
    spec = importlib.util.spec_from_file_location("function_app_of_this_test", ROOT / "function_app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    triggers = {f.get_function_name(): f.get_trigger().get_binding_name() for f in module.app.get_functions()}
    registered = {name for name, kind in triggers.items() if kind == "activityTrigger"}

    good, bad = SdkHost(audit, given={"again": True}), SdkHost(audit)
    run(good, World(answers={"report": lambda _: {**ENDED, "notify": True}}), Random(1))
    run(bad, World(answers={"plan": raising("broken")}), Random(1))
    called = {name for host in (good, bad) for name, _ in asked_for(host.answers[-1])}
    assert called | OF_REPAIRS | OF_POLICIES == registered
    assert {name for name, kind in triggers.items() if kind == "orchestrationTrigger"} == {
        "audit",
        "proposal",
        "recovery",
        "repair",
    }
