import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.parameters import NAMES, AuditParameters
from tests.profiles.pre_capture_sessions.strategies import moments, parameters, texts

# The options of any profile: a text, a list of texts, or nothing.
OPTIONS = st.dictionaries(
    st.text(max_size=9).filter(lambda name: name not in NAMES),
    st.none() | texts() | st.lists(texts(), max_size=3).map(tuple),
    max_size=4,
)
ANYBODYS = st.builds(
    AuditParameters,
    profile=texts(),
    mode=texts(),
    grace_minutes=st.integers(0, 10_080),
    since=st.none() | moments(),
    until=st.none() | moments(),
    only=st.lists(texts(), max_size=3).map(tuple),
    options=OPTIONS,
)


@given(parameters() | ANYBODYS)
def test_parameters_survive_the_record(asked: AuditParameters) -> None:
    assert AuditParameters.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert asked.grace == timedelta(minutes=asked.grace_minutes)


@given(parameters())
def test_options_stand_beside_what_every_audit_is_asked(asked: AuditParameters) -> None:
    assert list(asked.to_json()) == [*NAMES, *asked.options]


@pytest.mark.parametrize("value", [7.5, -1, True, {"a": "b"}, ["a", 7], [["a"]]])
def test_an_option_of_another_form_is_an_error(value: object) -> None:
    asked = AuditParameters("p", "full", 60).to_json()
    with pytest.raises(ValueError, match="colour"):
        AuditParameters.from_json(asked | {"colour": value})
