"""What travels to the database: fixed SQL, and everything that a request brings as a bound value."""

import re
from dataclasses import replace

import pytest
from hypothesis import given

from profiles.pre_capture_sessions import PROFILE, queries
from reconciliation.parameters import AuditParameters
from reconciliation.queries import Containers, SqlRows
from tests.profiles.pre_capture_sessions.strategies import parameters
from tests.profiles.pre_capture_sessions.world import MOMENTS, PARAMETERS, asking, uuid_of

HOSTILE = "'; drop table recordings; --"
ONE_STATUS = asking(statuses=("FAILURE",))


def all_of(asked: AuditParameters, ids: list[str]) -> list[SqlRows]:
    return [
        queries.candidates(asked, MOMENTS),
        queries.sessions_again(asked, MOMENTS, ids),
        queries.registered(MOMENTS),
        queries.recordings_again(MOMENTS, ids),
    ]


@given(parameters())
def test_the_sql_is_the_same_whatever_is_asked_and_every_value_that_it_names_is_bound(asked: AuditParameters) -> None:
    for query, usual in zip(all_of(asked, ["a"]), all_of(PARAMETERS, []), strict=True):
        assert query.sql == usual.sql
        assert set(re.findall(r"%\((\w+)\)s", query.sql)) == set(query.values)


def test_what_is_asked_travels_as_bound_values_and_never_as_sql() -> None:
    asked = replace(asking(statuses=(HOSTILE,), ingest_address_contains=HOSTILE), only=(HOSTILE,))
    for query in all_of(asked, [HOSTILE]):
        assert HOSTILE not in query.sql
    assert queries.candidates(asked, MOMENTS).values["statuses"] == [HOSTILE]
    assert queries.candidates(asked, MOMENTS).values["ingest"] == HOSTILE
    assert queries.sessions_again(asked, MOMENTS, [HOSTILE]).values["ids"] == [HOSTILE]


def test_the_name_of_a_container_that_is_no_id_is_not_asked_for() -> None:
    """The database would refuse the whole query."""
    recording = str(uuid_of("recording"))
    again = PROFILE.source("registered").again
    assert again is not None
    asked = again(PARAMETERS, MOMENTS, ["$logs", recording, f"{recording}-input", recording.upper(), HOSTILE])
    assert asked == queries.recordings_again(MOMENTS, [recording])


@given(parameters())
def test_the_sources_read_what_is_said_here(asked: AuditParameters) -> None:
    read = {source.name: source.read(asked, MOMENTS) for source in PROFILE.sources}
    assert read == {
        "containers": Containers(),
        "registered": queries.registered(MOMENTS),
        "candidates": queries.candidates(asked, MOMENTS),
        "containers_again": Containers(),
    }
    ids = [str(uuid_of("a"))]
    again = {source.name: source.again(asked, MOMENTS, ids) for source in PROFILE.sources if source.again}
    assert again == {
        "registered": queries.recordings_again(MOMENTS, ids),
        "candidates": queries.sessions_again(asked, MOMENTS, ids),
    }


def test_the_empty_status_is_asked_for_by_its_own_name() -> None:
    with_it = queries.candidates(PARAMETERS, MOMENTS).values
    assert (with_it["statuses"], with_it["no_status"]) == (["PROCESSING", "NO_RECORDING", "FAILURE"], True)
    without = queries.candidates(ONE_STATUS, MOMENTS).values
    assert (without["statuses"], without["no_status"]) == (["FAILURE"], False)


def test_no_ids_means_every_candidate() -> None:
    assert queries.candidates(PARAMETERS, MOMENTS).values["only"] is None
    assert queries.candidates(replace(PARAMETERS, only=("a", "b")), MOMENTS).values["only"] == ["a", "b"]


@pytest.mark.parametrize(("asked", "any_status"), [(PARAMETERS, True), (ONE_STATUS, False)])
def test_the_status_of_a_session_that_a_container_names_matters_only_if_statuses_were_chosen(
    asked: AuditParameters, any_status: bool
) -> None:
    assert queries.sessions_again(asked, MOMENTS, []).values["any_status"] is any_status
