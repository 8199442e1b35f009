import json
from datetime import timedelta

import pytest
from hypothesis import given

from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.strategies import parameters


@given(parameters())
def test_parameters_survive_the_record(asked: AuditParameters) -> None:
    assert AuditParameters.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert asked.grace == timedelta(minutes=asked.grace_minutes)


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
    assert AuditParameters("p", ("FAILURE",), 60, container_prefixes=prefixes).covers(container) is covered
