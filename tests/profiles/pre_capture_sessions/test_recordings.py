"""The verdicts on rows in recordings, row by row of the table and over the whole space of facts."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import RecordingFacts
from profiles.pre_capture_sessions.keys import name_digest
from profiles.pre_capture_sessions.kinds import RECORDING
from profiles.pre_capture_sessions.recordings import RULES
from reconciliation.lookups import Blob
from reconciliation.parameters import AuditParameters
from reconciliation.rules import Severity, judge
from tests.profiles.pre_capture_sessions import strategies
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    CLOCK,
    IN_FAST_MODE,
    LONG_AGO,
    PARAMETERS,
    asking,
    container,
    encode,
    encoded,
    gone,
    key_of,
    manifest,
    reconciled,
    row,
    session,
    track,
    unread,
    uuid_of,
)

KEY = key_of()
HIGH, MEDIUM, LOW, UNKNOWN, INFO = Severity
ONE_SESSION = replace(PARAMETERS, only=(session().session_id,))
INDEX = Blob("index_1280x720_4500k.mp4", 1, LONG_AGO)
INDEX_DIGEST = name_digest(INDEX.name)
OF_ANOTHER = container("recording", *encode("another"))
NAMED_FOR_ANOTHER = row(file_digest=name_digest(track(key_of("another")).name))


def marked(*marks: str) -> RegisteredRecording:
    return row("recording", "session", *marks)


def facts(recording: RegisteredRecording, seen: ContainerEvidence | None = None, **changes: bool) -> RecordingFacts:
    return RecordingFacts(recording, CLOCK, exists=changes.pop("exists", True), evidence=seen, **changes)


WITNESSES = (
    facts(row(), encoded(), judged=False),
    facts(row(), encoded(), vanished=True),
    facts(marked("unreadable"), encoded()),
    facts(marked("deleted"), encoded()),
    facts(marked("legacy", "no_duration")),
    facts(marked("recent")),
    facts(row(), container("recording"), read_twice=False),
    facts(row(), exists=False),
    facts(row(), container("recording")),
    facts(row(), container("recording", track(KEY))),
    facts(row(file_digest=INDEX_DIGEST), encoded()),
    facts(NAMED_FOR_ANOTHER, OF_ANOTHER),
    facts(marked("double"), encoded()),
    facts(marked("no_duration"), encoded()),
    facts(row()),
    facts(row(), encoded()),
)


def test_no_row_of_the_table_is_out_of_reach() -> None:
    for rule, witness in zip(RULES, WITNESSES, strict=True):
        assert judge(RULES, witness).rule is rule, rule.verdict


def test_the_closed_list_of_verdicts_with_their_usual_severity() -> None:
    assert {rule.verdict: rule.severity for rule in RULES if not rule.counted} == {
        "unverified": UNKNOWN,
        "row_without_container": HIGH,
        "row_without_media": HIGH,
        "no_ism": HIGH,
        "filename_missing": MEDIUM,
        "session_mismatch": MEDIUM,
        "unreadable_row": MEDIUM,
        "double_v1": MEDIUM,
        "no_duration": LOW,
    }
    assert {rule.verdict for rule in RULES if rule.counted} == {
        "outside_question",
        "vanished_row",
        "deleted_row",
        "legacy_row",
        "recent_row",
        "not_opened",
        "sound",
    }


@dataclass(frozen=True)
class Case:
    """One row beside what storage holds under its id, its verdict, and why."""

    why: str
    verdict: str
    row: RegisteredRecording
    record: Record | None
    parameters: AuditParameters = PARAMETERS


CASES = (
    Case("the row, its container and its media agree", "sound", row(), encoded()),
    Case("only some sessions were asked for", "outside_question", row(), None, ONE_SESSION),
    Case("deleted on purpose, whatever is left of it", "deleted_row", marked("deleted", "double", "no_duration"), None),
    Case("the row comes first, the import later", "legacy_row", marked("legacy", "no_duration"), None),
    Case("imported and done, then lost", "row_without_container", marked("legacy"), None),
    Case("made a moment ago: its container was listed before", "recent_row", marked("recent", "no_duration"), None),
    Case("no container", "row_without_container", row(), None),
    Case("no container, in fast mode too", "row_without_container", row(), None, IN_FAST_MODE),
    Case("no blob in it", "row_without_media", row(), container("recording")),
    Case("no track in it", "row_without_media", row(), container("recording", manifest(KEY))),
    Case("no manifest", "no_ism", row(), container("recording", track(KEY))),
    Case("an empty manifest", "no_ism", row(), container("recording", track(KEY), manifest(KEY, size=0))),
    Case(
        "another name of the same session",
        "filename_missing",
        row(),
        container("recording", track(f"{KEY}_2"), manifest(KEY)),
    ),
    Case(
        "its file is not the usual one, and is not there", "filename_missing", row(file_digest=INDEX_DIGEST), encoded()
    ),
    Case(
        "its file is not the usual one, and is there",
        "sound",
        row(file_digest=INDEX_DIGEST),
        container("recording", INDEX, manifest("index")),
    ),
    Case(
        "its file names the session in another way",
        "sound",
        row(file_digest=name_digest(f"{KEY}.mp4")),
        container("recording", Blob(f"{KEY}.mp4", 1, LONG_AGO), manifest(KEY)),
    ),
    Case("its tracks name another session", "session_mismatch", NAMED_FOR_ANOTHER, OF_ANOTHER),
    Case(
        "one of its tracks names the session",
        "sound",
        row(),
        container("recording", *encode(), track(key_of("another"))),
    ),
    Case("an import is named by another system", "sound", NAMED_FOR_ANOTHER._replace(marks=["legacy"]), OF_ANOTHER),
    Case("an edit may be cut from whatever", "sound", NAMED_FOR_ANOTHER._replace(marks=["child"]), OF_ANOTHER),
    Case("registered twice", "double_v1", marked("double", "no_duration"), encoded()),
    Case("registered twice, in fast mode too", "double_v1", marked("double"), encoded(), IN_FAST_MODE),
    Case("no duration", "no_duration", marked("no_duration"), encoded()),
    Case("no duration, in fast mode too", "no_duration", marked("no_duration"), encoded(), IN_FAST_MODE),
    Case("a fast audit does not open it", "not_opened", row(), container("recording"), IN_FAST_MODE),
    Case(
        "outside the prefixes",
        "not_opened",
        row(),
        container("recording"),
        asking(PARAMETERS, container_prefixes=("$",)),
    ),
    Case(
        "outside the prefixes its row is seen and nothing else",
        "no_duration",
        marked("no_duration"),
        container("recording"),
        asking(PARAMETERS, container_prefixes=("$",)),
    ),
    Case("its container could not be read", "not_opened", row(), unread("recording")),
    Case("its container was listed and is gone, twice", "row_without_container", row(), gone("recording")),
    Case("gone, and the row was deleted: nobody relies on it", "deleted_row", marked("deleted"), gone("recording")),
    Case("gone, and the row was made a moment ago", "recent_row", marked("recent"), gone("recording")),
    Case("a moment that has not come yet is no reason to wait", "row_without_container", marked("future"), None),
    Case("made in the future, and whole", "sound", marked("future"), encoded()),
    Case("something in it is not understood", "unreadable_row", marked("unreadable"), encoded()),
    Case("not understood, and nothing in storage", "unreadable_row", marked("unreadable"), None),
    Case("still being written, and whole: nothing to say", "sound", row(), encoded(at=AS_OF)),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.why)
def test_a_row_gets_the_verdict_that_is_meant_for_it(case: Case) -> None:
    done = reconciled([], [case.record] if case.record else [], [case.row], parameters=case.parameters)
    assert done.counts(RECORDING) == {case.verdict: 1}
    [rule] = {rule.severity for rule in RULES if rule.verdict == case.verdict}
    assert [found.judgement.severity for found in done.findings if found.kind is RECORDING] in ([], [rule])


@given(
    strategies.recordings(),
    st.none() | strategies.evidence(),
    st.booleans(),
    st.booleans(),
    st.sampled_from([True, True, False]),
)
def test_any_facts_get_exactly_one_verdict_and_a_sentence_that_says_why(
    recording: RegisteredRecording, seen: ContainerEvidence | None, listed: bool, judged: bool, read_twice: bool
) -> None:
    given_facts = RecordingFacts(recording, CLOCK, listed or seen is not None, seen, judged, read_twice)
    judgement = judge(RULES, given_facts)
    assert not any(rule.holds(given_facts) for rule in RULES[: RULES.index(judgement.rule)])
    text = judgement.rule.why(given_facts)
    if judgement.rule.counted:
        assert (text, judgement.severity) == ("", INFO)
        return
    assert judged
    assert (judgement.verdict == "unreadable_row") is not recording.readable
    if not recording.readable:
        assert recording.recording_id in text
        return
    assert (judgement.verdict == "unverified") is not read_twice
    assert not {"deleted", "recent"} & set(recording.marks)
    assert text.startswith(f"It is registered as a recording of session {recording.session_id}")
    assert ("lies in the future" in text) is ("future" in recording.marks)
    assert text.endswith(".")
    assert "None" not in text


@given(strategies.recordings())
def test_without_opening_it_only_the_row_itself_is_judged(recording: RegisteredRecording) -> None:
    rule = judge(RULES, facts(recording)).rule
    assert rule.counted or rule.verdict in {"double_v1", "no_duration", "unreadable_row"}


def test_a_file_name_that_may_hold_personal_data_is_nowhere_in_a_reason() -> None:
    legacy = container("recording", track("R v Doe"), manifest("R v Doe"))
    done = reconciled([], [legacy], [row(file_digest=name_digest("R v Roe.mp4"))])
    [found] = done.findings
    assert found.judgement.verdict == "filename_missing"
    assert found.reason.endswith("but none of 1 track in its container has the name that the row gives.")
    assert not {"Doe", "Roe"} & set(str(found.to_json(None)).split())


def test_a_mismatch_names_the_sessions_of_the_tracks() -> None:
    [found] = reconciled([], [OF_ANOTHER], [NAMED_FOR_ANOTHER]).findings
    assert found.reason.endswith(f"but its tracks name {key_of('another')}.")
    assert found.to_json(None)["recording"] == {"session_id": str(uuid_of("session")), "marks": []}
    assert found.to_json(None)["evidence"][0]["registered"] is True
