import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.evidence import Record
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from reconciliation.parameters import AuditParameters
from reconciliation.wording import plural
from reporting.headline import headline
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    IN_FAST_MODE,
    PARAMETERS,
    SWEPT,
    Audited,
    World,
    asking,
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
LOST = [session(f"lost {number}", **SWEPT) for number in range(3)]


def hidden(*names: str) -> list[Record]:
    return [encoded(f"{name}: recording", of=name) for name in names]


def nameless(*names: str) -> list[Record]:
    return [container(name, track("index")) for name in names]


HIDDEN = World(SESSIONS, hidden("one"))


@pytest.mark.parametrize(
    ("done", "words"),
    [
        pytest.param(
            reconciled(),
            "Nothing is missing: none of 0 sessions has a hidden recording; 0 of 0 containers read.",
            id="nothing to audit",
        ),
        pytest.param(
            reconciled(SESSIONS, hidden("x"), [row("x: recording", of="x")]),
            "Nothing is missing: none of 3 sessions has a hidden recording; 1 of 1 container read.",
            id="clean",
        ),
        pytest.param(audited(HIDDEN), "1 recording is hidden in storage; 1 of 1 container read.", id="one hidden"),
        pytest.param(
            reconciled(SESSIONS, hidden("one", "two")),
            "2 recordings are hidden in storage; 2 of 2 containers read.",
            id="several hidden",
        ),
        pytest.param(
            reconciled([*SESSIONS, LOST[0]]), "1 session needs a person; 0 of 0 containers read.", id="one doubtful"
        ),
        pytest.param(
            reconciled(LOST, [container("broken", track(key_of("lost 0")))]),
            "3 sessions need a person; 1 of 1 container read.",
            id="several doubtful",
        ),
        pytest.param(
            reconciled(SESSIONS, nameless("a")), "1 container needs a person; 1 of 1 container read.", id="a container"
        ),
        pytest.param(
            reconciled([], [], [row()]), "1 registered recording needs a person; 0 of 0 containers read.", id="a row"
        ),
        pytest.param(
            reconciled([*SESSIONS, *LOST], [*hidden("one"), *nameless("a", "b")], [row("y")]),
            "1 recording is hidden in storage; 3 sessions, 2 containers and 1 registered recording need a person; 3 of "
            "3 containers read.",
            id="everything at once",
        ),
        pytest.param(
            reconciled([LOST[0]], nameless("a")),
            "1 session and 1 container need a person; 1 of 1 container read.",
            id="one of each of two kinds",
        ),
        pytest.param(
            reconciled(SESSIONS, [unread()]),
            "This audit is incomplete: 0 of 1 container read. 4 subjects could not be verified.",
            id="a gap and nothing seen",
        ),
        pytest.param(
            reconciled(SESSIONS, [*hidden("one", "two"), unread()]),
            "This audit is incomplete: 2 of 3 containers read. 2 recordings are hidden in storage; 2 subjects could "
            "not be verified.",
            id="a gap and findings",
        ),
        pytest.param(
            audited(HIDDEN, then=World(SESSIONS, [unread("one: recording")])),
            "This audit is incomplete: 1 of 1 container read. 2 subjects could not be verified.",
            id="what was in doubt could not be read again",
        ),
        pytest.param(
            reconciled(SESSIONS, [encoded(of="x"), seen_in("$logs", [])], [row(of="x")], parameters=IN_FAST_MODE),
            "Nothing is missing: none of 3 sessions has a hidden recording; 0 of 2 containers read, 2 others skipped "
            "in fast mode.",
            id="fast and clean",
        ),
        pytest.param(
            reconciled(SESSIONS, [*hidden("one"), encoded(of="x")], [row(of="x")], parameters=IN_FAST_MODE),
            "1 recording is hidden in storage; 1 of 2 containers read, 1 other skipped in fast mode.",
            id="fast and found",
        ),
        pytest.param(
            reconciled(SESSIONS, [unread(), encoded(of="x")], [row(of="x")], parameters=IN_FAST_MODE),
            "This audit is incomplete: 0 of 2 containers read, 1 other skipped in fast mode. 4 subjects could not be "
            "verified.",
            id="fast and a gap",
        ),
    ],
)
def test_the_answer_in_one_sentence(done: Audited, words: str) -> None:
    assert headline(done.result, PROFILE) == words


def test_a_gap_in_which_nobody_was_asked_for_admits_that_it_proves_nothing() -> None:
    far = World([], [encoded("far", of="x")])
    asked = audited(far, asking(PARAMETERS, container_prefixes=("$",)))
    assert headline(asked.result, PROFILE) == (
        "This audit is incomplete: 0 of 1 container read. No recording was found hidden in what was read."
    )


@settings(max_examples=50)
@given(strategies.worlds(), st.sampled_from([PARAMETERS, IN_FAST_MODE]), st.none() | strategies.worlds())
def test_a_headline_never_claims_more_than_was_read_and_never_forgets_what_was_found(
    world: World, parameters: AuditParameters, then: World | None
) -> None:
    done = audited(world, parameters, then=then)
    sentence = headline(done.result, PROFILE)
    assert sentence.endswith(".")
    assert ".." not in sentence
    assert sentence.startswith("This audit is incomplete") is not done.result.is_complete
    if "Nothing is missing" in sentence:
        assert done.outcome.name == "CLEAN"
    assert ("in fast mode" in sentence) is (parameters is IN_FAST_MODE)
    assert ("hidden in storage" in sentence) is (done.tally.alarms > 0)
    assert ("a person" in sentence) is (done.tally.needing_a_person.total() > 0)
    for kind, noun in ((SESSION, "session"), (CONTAINER, "container"), (RECORDING, "registered")):
        if number := done.tally.needing_a_person[kind.name]:
            assert f"{number} {noun}" in sentence


@pytest.mark.parametrize(
    ("count", "words"), [(0, "0 containers"), (1, "1 container"), (2, "2 containers"), (12345, "12,345 containers")]
)
def test_counts_are_written_for_people(count: int, words: str) -> None:
    assert plural(count, "container") == words
