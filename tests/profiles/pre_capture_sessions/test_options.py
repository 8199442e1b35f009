from dataclasses import replace

import pytest

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.options import (
    DEFAULT_STATUSES,
    FULL,
    MODES,
    NO_STATUS,
    STATUSES,
    asks_for_all,
    covers,
    ingest_address,
    statuses,
)
from profiles.pre_capture_sessions.sessions import STILL_WORKING
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.world import IN_FAST_MODE, LONG_AGO, PARAMETERS, asking


def test_the_profile_asks_for_the_stuck_and_the_empty_by_default() -> None:
    assert DEFAULT_STATUSES == ("PROCESSING", "NO_RECORDING", "FAILURE", NO_STATUS)
    assert set(STATUSES) >= STILL_WORKING | set(DEFAULT_STATUSES)
    assert PROFILE.modes == MODES
    asked = PROFILE.parameters()
    assert (asked.mode, asked.grace_minutes, statuses(asked), ingest_address(asked)) == (
        FULL,
        60,
        DEFAULT_STATUSES,
        None,
    )


@pytest.mark.parametrize(
    ("prefixes", "container", "covered"),
    [
        ((), "anything", True),
        (("ab",), "abc", True),
        (("ab",), "ab", True),
        (("ab",), "a", False),
        (("ab",), "cab", False),
        (("ab", "c"), "cab", True),
    ],
)
def test_containers_are_covered_by_the_beginning_of_their_name(
    prefixes: tuple[str, ...], container: str, covered: bool
) -> None:
    assert covers(asking(container_prefixes=prefixes), container) is covered


@pytest.mark.parametrize(
    "narrower",
    [
        replace(PARAMETERS, since=LONG_AGO),
        replace(PARAMETERS, until=LONG_AGO),
        asking(ingest_address_contains="in-"),
        replace(PARAMETERS, only=("a",)),
        asking(statuses=("FAILURE",)),
        asking(statuses=STATUSES),
    ],
)
def test_rows_and_all_sessions_are_judged_only_by_a_question_that_leaves_none_out(narrower: AuditParameters) -> None:
    assert asks_for_all(PARAMETERS)
    assert asks_for_all(IN_FAST_MODE)
    assert asks_for_all(asking(statuses=DEFAULT_STATUSES[::-1]))
    assert not asks_for_all(narrower)
