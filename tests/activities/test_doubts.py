"""Groups in doubt survive the run store between two steps."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.doubts import doubt_from_json, doubt_to_json
from adapters.store.rows import Item
from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.screening import NAMES, SESSIONS
from reconciliation.looks import Again, Group
from reconciliation.lookups import BlobCount
from reconciliation.screened import DoubtKept
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.strategies import CONTAINERS

EVIDENCE = st.none() | strategies.evidence() | strategies.unread_containers()
LATE = st.lists(st.builds(BlobCount, st.just("INGEST_STORAGE"), strategies.texts()), max_size=2).map(tuple)
NAMES_HELD = st.lists(st.sampled_from(CONTAINERS), max_size=1)


def items(rows: list[Any]) -> list[Item]:
    return [(row, json.dumps(row.to_json() if isinstance(row, Candidate) else row).encode()) for row in rows]


def kept_and_read(doubt: DoubtKept, rows: list[list[Any]], links: list[tuple[str, Any]]) -> DoubtKept:
    value = doubt_to_json(doubt, [items(of) for of in rows], links, PROFILE)
    return doubt_from_json(json.loads(json.dumps(value)), PROFILE)


@given(NAMES_HELD, strategies.registered(), NAMES_HELD, EVIDENCE, st.booleans())
def test_a_name_in_doubt_is_the_same_when_it_is_read(
    listed: list[str], rows: list[RegisteredRecording], again: list[str], evidence: Any, unit: bool
) -> None:
    name = CONTAINERS[0]
    evidence = evidence._replace(container=name) if isinstance(evidence, ContainerEvidence) else evidence
    doubt = DoubtKept(NAMES, Group(name, (tuple(listed), tuple(rows), tuple(again)), evidence, []), Again(unit))
    assert kept_and_read(doubt, [listed, rows, again], []) == doubt


@given(st.lists(strategies.candidates(), max_size=2), st.lists(strategies.evidence(), max_size=2), LATE)
def test_a_session_in_doubt_is_the_same_when_it_is_read(
    rows: list[Candidate], links: list[ContainerEvidence], late: tuple[BlobCount, ...]
) -> None:
    doubt = DoubtKept(SESSIONS, Group("a", (tuple(rows),), None, links), Again(late=late))
    assert kept_and_read(doubt, [rows], [(one.container, one) for one in links]) == doubt


@pytest.mark.parametrize("value", [[], ["names"], [*["nowhere", "a", []], None, [], False, []], 7])
def test_what_is_no_doubt_is_an_error(value: Any) -> None:
    with pytest.raises((ValueError, TypeError, LookupError)):
        doubt_from_json(value, PROFILE)
