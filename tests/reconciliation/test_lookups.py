import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.lookups import BlobCount, BlobPage, BlobsOf, Lookup, lookup_from_json, lookup_to_json
from tests.profiles.pre_capture_sessions.strategies import texts

LOOKUPS = st.builds(BlobsOf, texts(), texts(), texts(), st.lists(texts(), max_size=3).map(tuple)) | st.builds(
    BlobCount, texts(), texts()
)


@given(LOOKUPS)
def test_a_look_up_survives_the_run_store(lookup: Lookup) -> None:
    assert lookup_from_json(json.loads(json.dumps(lookup_to_json(lookup)))) == lookup


def test_a_look_up_that_nobody_knows_is_refused() -> None:
    with pytest.raises(LookupError):
        lookup_from_json(["Rows", {"setting": "A", "container": "b"}])
    with pytest.raises(TypeError):
        lookup_from_json(["BlobCount", {"setting": "A", "table": "b"}])


def test_the_blobs_of_all_pages_are_counted() -> None:
    assert BlobsOf("A", "a").things([BlobPage(2, [], []), BlobPage(3, [], [])]) == 5
    assert BlobsOf("A", "a").things([]) == 0
