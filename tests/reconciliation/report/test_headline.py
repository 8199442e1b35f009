import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.parameters import Mode
from reconciliation.report.headline import headline, plural
from tests.reconciliation import strategies
from tests.reconciliation.world import (
    Reconciled,
    Record,
    audited,
    container,
    encoded,
    key_of,
    reconciled,
    row,
    seen_in,
    session,
    track,
    unread,
)

SESSIONS = [session("one"), session("two"), session("three")]


def hidden(*names: str) -> list[Record]:
    return [encoded(f"{name}: recording", of=name) for name in names]


def twice(name: str) -> list[Record]:
    return [encoded(f"{name}: first", of=name), encoded(f"{name}: second", of=name)]


def nameless(*names: str) -> list[Record]:
    return [container(name, track("index")) for name in names]


@pytest.mark.parametrize(
    ("done", "words"),
    [
        pytest.param(
            reconciled([]),
            "Nothing is missing: none of 0 sessions has a hidden recording; 0 of 0 containers read.",
            id="nothing to audit",
        ),
        pytest.param(
            reconciled(SESSIONS, hidden("available")),
            "Nothing is missing: none of 3 sessions has a hidden recording; 1 of 1 container read.",
            id="clean",
        ),
        pytest.param(
            reconciled(SESSIONS, hidden("one")),
            "1 recording is hidden in storage; 1 of 1 container read.",
            id="one hidden",
        ),
        pytest.param(
            reconciled(SESSIONS, hidden("one", "two")),
            "2 recordings are hidden in storage; 2 of 2 containers read.",
            id="several hidden",
        ),
        pytest.param(
            reconciled(SESSIONS, twice("one")),
            "1 session needs a person; 2 of 2 containers read.",
            id="one doubtful",
        ),
        pytest.param(
            reconciled(SESSIONS, [*twice("one"), container("broken", track(key_of("two")))]),
            "2 sessions need a person; 3 of 3 containers read.",
            id="several doubtful",
        ),
        pytest.param(
            reconciled(SESSIONS, nameless("a")),
            "1 unregistered container cannot be attributed to a session; 1 of 1 container read.",
            id="one container that names no session",
        ),
        pytest.param(
            reconciled(SESSIONS, nameless("a", "b")),
            "2 unregistered containers cannot be attributed to a session; 2 of 2 containers read.",
            id="several containers that name no session",
        ),
        pytest.param(
            reconciled(SESSIONS, [*hidden("one"), *twice("two"), *nameless("a")]),
            "1 recording is hidden in storage, 1 session needs a person and 1 unregistered container cannot be "
            "attributed to a session; 4 of 4 containers read.",
            id="everything at once",
        ),
        pytest.param(
            reconciled([], [unread()]),
            "This audit is incomplete: 0 of 1 container read. No recording was found hidden in what was read.",
            id="a gap and nobody asked for",
        ),
        pytest.param(
            reconciled(SESSIONS, [unread()]),
            "This audit is incomplete: 0 of 1 container read. 3 sessions could not be verified.",
            id="a gap and nothing seen",
        ),
        pytest.param(
            reconciled(SESSIONS, [*hidden("one", "two"), unread()]),
            "This audit is incomplete: 2 of 3 containers read. 2 recordings are hidden in storage and 1 session could "
            "not be verified.",
            id="a gap and findings",
        ),
        pytest.param(
            audited(SESSIONS, [encoded(of="other"), seen_in("$logs", [])], [row(of="other")], Mode.FAST),
            "Nothing is missing: none of 3 sessions has a hidden recording; 0 of 2 containers read, 2 others skipped "
            "in fast mode.",
            id="fast and clean",
        ),
        pytest.param(
            audited(SESSIONS, [encoded("hidden", of="one"), encoded(of="other")], [row(of="other")], Mode.FAST),
            "1 recording is hidden in storage; 1 of 2 containers read, 1 other skipped in fast mode.",
            id="fast and found",
        ),
        pytest.param(
            audited(SESSIONS, [*hidden("one"), unread(), encoded(of="other")], [row(of="other")], Mode.FAST),
            "This audit is incomplete: 1 of 3 containers read, 1 other skipped in fast mode. 1 recording is hidden in "
            "storage and 2 sessions could not be verified.",
            id="fast and a gap",
        ),
    ],
)
def test_the_answer_in_one_sentence(done: Reconciled, words: str) -> None:
    assert headline(done.result) == words


CANDIDATES = st.lists(strategies.candidates(), max_size=3, unique_by=lambda candidate: candidate.session_id)
RECORDS = st.lists(strategies.evidence() | strategies.unread_containers(), max_size=4, unique_by=lambda r: r.container)


@given(CANDIDATES, RECORDS, strategies.registered(), st.sampled_from(Mode))
def test_a_headline_never_claims_more_than_the_coverage_allows(
    candidates: list[Candidate], records: list[Record], rows: list[RegisteredRecording], mode: Mode
) -> None:
    result = audited(candidates, records, rows, mode).result
    sentence = headline(result)
    assert sentence.endswith(".")
    assert sentence.startswith("This audit is incomplete") is not result.coverage.is_complete
    if "Nothing is missing" in sentence:
        assert result.outcome.name == "CLEAN"
    assert ("in fast mode" in sentence) is (mode is Mode.FAST)


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 containers"), (1, "1 container"), (2, "2 containers"), (12345, "12,345 containers")]
)
def test_counts_are_written_for_people(count: int, words: str) -> None:
    assert plural(count, "container") == words
