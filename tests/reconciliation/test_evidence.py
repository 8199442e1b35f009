import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.evidence import Read, Record, Unread, has_failed, is_gone, record_from_json, record_to_json
from tests.profiles.pre_capture_sessions.strategies import texts

VALUES = st.none() | st.lists(st.integers() | texts(), max_size=3) | st.dictionaries(texts(), texts(), max_size=3)


@given(st.builds(Read, texts(), st.integers(0, 10**9), VALUES) | st.builds(Unread, texts(), texts(), st.booleans()))
def test_a_record_survives_the_run_store(record: Record) -> None:
    def unpacked(unit: str, value: Any) -> Any:
        assert unit == record.unit
        return value["packed"]

    written = json.loads(json.dumps(record_to_json(record, lambda evidence: {"packed": evidence})))
    assert record_from_json(written, unpacked) == record


@pytest.mark.parametrize("value", [[], ["a"], ["a", 1], ["a", 1, None, None, None], 7])
def test_what_is_no_line_of_a_shard_is_refused(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        record_from_json(value, lambda _unit, packed: packed)


def test_a_unit_is_read_or_gone_or_a_gap() -> None:
    read, gone, failed = Read("a", 0, None), Unread("a", "deleted", failed=False), Unread("a", "403", failed=True)
    assert [has_failed(one) for one in (read, gone, failed, None)] == [False, False, True, False]
    assert [is_gone(one) for one in (read, gone, failed, None)] == [False, True, False, False]
