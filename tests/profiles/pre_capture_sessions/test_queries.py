"""What travels to the database: fixed SQL, and everything that a request brings as a bound value."""

import re
from dataclasses import replace

import pytest
from hypothesis import given

from profiles.pre_capture_sessions import PROFILE
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Query
from tests.profiles.pre_capture_sessions.strategies import parameters
from tests.profiles.pre_capture_sessions.world import MOMENTS, PARAMETERS, asking

HOSTILE = "'; drop table recordings; --"
ONE_STATUS = asking(statuses=("FAILURE",))


def queries(asked: AuditParameters, ids: list[str]) -> list[Query]:
    return [
        PROFILE.candidates(asked, MOMENTS),
        PROFILE.sessions_again(asked, MOMENTS, ids),
        PROFILE.registered(MOMENTS),
        PROFILE.recordings_again(MOMENTS, ids),
    ]


@given(parameters())
def test_the_sql_is_the_same_whatever_is_asked_and_every_value_that_it_names_is_bound(asked: AuditParameters) -> None:
    for query, usual in zip(queries(asked, ["a"]), queries(PARAMETERS, []), strict=True):
        assert query.sql == usual.sql
        assert set(re.findall(r"%\((\w+)\)s", query.sql)) == set(query.values)


def test_what_is_asked_travels_as_bound_values_and_never_as_sql() -> None:
    asked = replace(asking(statuses=(HOSTILE,), ingest_address_contains=HOSTILE), only=(HOSTILE,))
    for query in queries(asked, [HOSTILE]):
        assert HOSTILE not in query.sql
    assert PROFILE.candidates(asked, MOMENTS).values["statuses"] == [HOSTILE]
    assert PROFILE.candidates(asked, MOMENTS).values["ingest"] == HOSTILE
    assert PROFILE.sessions_again(asked, MOMENTS, [HOSTILE]).values["ids"] == [HOSTILE]


def test_the_empty_status_is_asked_for_by_its_own_name() -> None:
    with_it = PROFILE.candidates(PARAMETERS, MOMENTS).values
    assert (with_it["statuses"], with_it["no_status"]) == (["PROCESSING", "NO_RECORDING", "FAILURE"], True)
    without = PROFILE.candidates(ONE_STATUS, MOMENTS).values
    assert (without["statuses"], without["no_status"]) == (["FAILURE"], False)


def test_no_ids_means_every_candidate() -> None:
    assert PROFILE.candidates(PARAMETERS, MOMENTS).values["only"] is None
    assert PROFILE.candidates(replace(PARAMETERS, only=("a", "b")), MOMENTS).values["only"] == ["a", "b"]


@pytest.mark.parametrize(("asked", "any_status"), [(PARAMETERS, True), (ONE_STATUS, False)])
def test_the_status_of_a_session_that_a_container_names_matters_only_if_statuses_were_chosen(
    asked: AuditParameters, any_status: bool
) -> None:
    assert PROFILE.sessions_again(asked, MOMENTS, []).values["any_status"] is any_status
