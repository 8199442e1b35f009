"""What the repairs leave to people where a policy would approve them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from dev.demo.stuck_uploads.cases import CASES, Case, PlantedRun, hours
from profiles.stuck_uploads.facts import VideoFacts
from profiles.stuck_uploads.video_rules import START_RUN
from tests.profiles.stuck_uploads.world import audit_of, profile_for, run, video

PROFILE = profile_for()
NAMED = {case.number: case for case in CASES}
HOLED, NOT_ANALYZED = NAMED[5], NAMED[17]


def ended(*states: str) -> tuple[PlantedRun, ...]:
    """Runs that have ended so, an hour after each other."""
    return tuple(
        PlantedRun(state, hours(9 - number), started=hours(9 - number), ended=hours(9 - number) - timedelta(minutes=9))
        for number, state in enumerate(states)
    )


def left_to_people(case: Case) -> str | None:
    """Why a policy leaves a case to people."""
    audit = audit_of(PROFILE)
    facts = VideoFacts(
        video(case),
        PROFILE.dialect,
        audit.clock,
        timedelta(minutes=10),
        timedelta(minutes=5),
        tuple(run(case, one, number) for number, one in enumerate(case.runs)),
        (),
        (),
    )
    return PROFILE.repair(START_RUN).for_people(facts)


@pytest.mark.parametrize("case", [HOLED, NOT_ANALYZED], ids=lambda case: case.expected)
@pytest.mark.parametrize("states", [("COMPLETED",) * 3, ("CRASHED",) * 3, ("FAILED", "COMPLETED", "COMPLETED")])
def test_what_is_as_it_was_after_three_runs_gets_no_fourth_by_policy(case: Case, states: tuple[str, ...]) -> None:
    """Neither a run that completes without effect nor one that breaks off behind its outputs ends that by itself."""
    why = left_to_people(replace(case, runs=ended(*states)))
    assert why is not None
    assert why.startswith("3 of its runs have ended")
    assert left_to_people(replace(case, runs=ended(*states[1:]))) is None


def test_a_policy_starts_no_run_of_what_somebody_must_be_asked_about() -> None:
    repair = PROFILE.repair(START_RUN)
    assert repair.asks_first == {"unknown_history"}
    assert PROFILE.mended_by([START_RUN]) - PROFILE.approved_by([START_RUN]) == repair.asks_first
    steps = {rule.verdict: rule.next_step for _, rule in PROFILE.verdicts()}
    assert {one for one in PROFILE.mended_by([START_RUN]) if steps[one].startswith("Ask ")} == repair.asks_first
