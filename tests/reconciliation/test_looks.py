import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.looks import Sighting
from reconciliation.times import optional_text
from tests.profiles.pre_capture_sessions.strategies import moments


@given(st.builds(Sighting, st.integers(0, 10**9), st.none() | moments()))
def test_what_was_told_survives_the_run_store(sightings: Sighting) -> None:
    written = json.loads(json.dumps([sightings.times, optional_text(sightings.furthest)]))
    assert Sighting.from_json(written) == sightings


@pytest.mark.parametrize("value", [[], [1], [1, "tomorrow"], ["many", None], 7, [1, None, None]])
def test_what_is_not_understood_is_refused(value: object) -> None:
    with pytest.raises((ValueError, TypeError)):
        Sighting.from_json(value)
