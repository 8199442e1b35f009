import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.pulled import Pulled
from tests.profiles.pre_capture_sessions.strategies import moments, texts
from tests.profiles.pre_capture_sessions.world import AS_OF

PULLED = st.builds(
    Pulled,
    moments(),
    st.dictionaries(texts(), st.integers(0, 10**9)),
    st.dictionaries(texts(), texts()),
    st.integers(-100_000, 100_000).map(lambda seconds: timedelta(seconds=seconds)),
)


@given(PULLED)
def test_what_was_pulled_survives_the_run_store(pulled: Pulled) -> None:
    written = json.loads(json.dumps(pulled.to_json()))
    assert Pulled.from_json(written) == pulled
    assert written["schema_version"] == 1
    assert written["complete"] is True


@pytest.mark.parametrize(
    "damage",
    [{"schema_version": 2}, {"as_of": "today"}, {"rows": {"a": -1}}, {"unread": {"a": 1}}, {"ahead_seconds": "1"}],
    ids=lambda damage: next(iter(damage)),
)
def test_what_is_not_understood_is_refused(damage: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Pulled.from_json(Pulled(AS_OF, {"a": 1}).to_json() | damage)
