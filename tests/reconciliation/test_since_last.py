from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.kinds import CONTAINER, KINDS, RECORDING, SESSION
from profiles.pre_capture_sessions.options import FAST, FULL, MODES
from reconciliation.parameters import AuditParameters
from reconciliation.rules import Kind
from reconciliation.since_last import (
    MOST_RESOLVED_SHOWN,
    NO_PREVIOUS,
    Change,
    Known,
    Previous,
    change_of,
    compare,
)
from tests.profiles.pre_capture_sessions.world import (
    AS_OF,
    IN_FAST_MODE,
    LONG_AGO,
    MINUTE,
    PARAMETERS,
    World,
    audited,
    encoded,
    row,
    session,
    unread,
)

SHOWS = PROFILE.shows
KNOWN = st.builds(
    Known,
    st.sampled_from([kind.name for kind in KINDS]),
    st.sampled_from("abc"),
    st.sampled_from(["unregistered_recording", "no_ism", "no_duration", "row_without_container", "double_v1"]),
)
FINDINGS = st.frozensets(KNOWN, max_size=6)


def earlier(*findings: Known, mode: str = FULL) -> Previous:
    return Previous("20260301-093000-1a2b3c4d", LONG_AGO, mode, frozenset(findings))


def known(verdict: str, kind: Kind[Any] = SESSION, one: str = "a") -> Known:
    return Known(kind.name, one, verdict)


def test_without_an_earlier_audit_nothing_is_called_new() -> None:
    assert compare(None, [known("stuck_empty")], SHOWS, mode=FULL, complete=True) == NO_PREVIOUS
    assert change_of(None, known("stuck_empty"), SHOWS) is None
    assert NO_PREVIOUS.to_json() == {
        "previous": None,
        "why_not": "There is no earlier completed audit of the same question.",
        "new": None,
        "persisting": None,
        "resolved": None,
        "resolved_findings": [],
    }


def test_new_persisting_and_resolved() -> None:
    before = earlier(known("stuck_empty", one="stays"), known("no_ism", RECORDING, "mended"))
    now = [known("stuck_empty", one="stays"), known("mixed_container", CONTAINER, "turns up")]
    assert [change_of(before, one, SHOWS) for one in now] == [Change.PERSISTING, Change.NEW]
    assert compare(before, now, SHOWS, mode=FULL, complete=True).to_json() == {
        "previous": {"id": "20260301-093000-1a2b3c4d", "as_of": "2026-01-31T09:30:00Z"},
        "why_not": None,
        "new": 1,
        "persisting": 1,
        "resolved": 1,
        "resolved_findings": [{"subject": {"kind": "recording", "id": "mended"}, "verdict": "no_ism", "repair": None}],
    }


def test_a_subject_whose_verdict_is_another_one_asks_something_new() -> None:
    before, now = earlier(known("stuck_empty")), known("suspect_lost")
    assert change_of(before, now, SHOWS) is Change.NEW
    since = compare(before, [now], SHOWS, mode=FULL, complete=True)
    assert (since.new, since.persisting, since.resolved) == (1, 0, (known("stuck_empty"),))


@pytest.mark.parametrize(
    ("gone", "resolved"),
    [
        (known("unregistered_recording"), True),
        (known("mixed_container", CONTAINER), True),
        (known("row_without_container", RECORDING), True),
        (known("double_v1", RECORDING), True),
        (known("no_duration", RECORDING), True),
        (known("row_without_media", RECORDING), False),
        (known("no_ism", RECORDING), False),
        (known("filename_missing", RECORDING), False),
        (known("session_mismatch", RECORDING), False),
    ],
)
def test_a_fast_audit_resolves_only_what_shows_without_opening_registered_containers(
    gone: Known, resolved: bool
) -> None:
    assert compare(earlier(gone), [], SHOWS, mode=FAST, complete=True).resolved == ((gone,) if resolved else ())
    assert compare(earlier(gone, mode=FAST), [], SHOWS, mode=FULL, complete=True).resolved == (gone,)


def test_what_a_fast_audit_before_could_not_have_seen_is_not_called_new() -> None:
    unplayable, double = known("no_ism", RECORDING), known("double_v1", RECORDING)
    since = compare(earlier(mode=FAST), [unplayable, double], SHOWS, mode=FULL, complete=True)
    assert (since.new, since.persisting, since.resolved) == (1, 0, ())
    assert change_of(since.previous, unplayable, SHOWS) is None
    assert change_of(since.previous, double, SHOWS) is Change.NEW


@given(FINDINGS, FINDINGS, st.sampled_from(MODES), st.sampled_from(MODES), st.booleans())
def test_the_sums_of_a_comparison(
    before: frozenset[Known], now: frozenset[Known], earlier_mode: str, mode: str, complete: bool
) -> None:
    since = compare(earlier(*before, mode=earlier_mode), now, SHOWS, mode=mode, complete=complete)
    assert since.new is not None
    assert since.persisting is not None
    assert since.new + since.persisting <= len(now)
    assert since.new + since.persisting == len(now) or earlier_mode == FAST
    changes = [change_of(since.previous, one, SHOWS) for one in now]
    assert (changes.count(Change.NEW), changes.count(Change.PERSISTING)) == (since.new, since.persisting)
    assert (since.resolved is None) is not complete
    assert (since.why_not is None) is complete
    if complete:
        assert since.resolved is not None
        assert set(since.resolved) <= before - now
        assert mode == FAST or set(since.resolved) == before - now
        assert list(since.resolved) == sorted(since.resolved)


def test_of_very_many_resolved_the_number_is_told_and_the_first_are_named() -> None:
    before = earlier(*(known("stuck_empty", one=f"{number:05}") for number in range(MOST_RESOLVED_SHOWN + 5)))
    told = compare(before, [], SHOWS, mode=FULL, complete=True).to_json()
    assert told["resolved"] == MOST_RESOLVED_SHOWN + 5
    assert len(told["resolved_findings"]) == MOST_RESOLVED_SHOWN
    assert told["resolved_findings"][0]["subject"]["id"] == "00000"


# --- whole audits, one after the other ----------------------------------------------------------------------------


def remembered(world: World, parameters: AuditParameters = PARAMETERS) -> Previous:
    done = audited(world, parameters)
    return earlier(*(found.known for found in done.findings if found.known), mode=parameters.mode)


HIDDEN = World([session()], [encoded()])
HEALTHY = World([session()], [encoded()], [row(of="another")])


def test_a_hidden_recording_is_new_then_persists_then_is_resolved() -> None:
    first = audited(HIDDEN)
    assert first.changes == (None,)
    assert audited(HIDDEN, previous=remembered(HEALTHY)).changes == (Change.NEW,)
    again = audited(HIDDEN, previous=remembered(HIDDEN))
    assert again.changes == (Change.PERSISTING,)
    assert again.result.since_last.resolved == ()
    mended = audited(HEALTHY, previous=remembered(HIDDEN)).result.since_last
    assert mended.resolved == (Known("capture_session", session().session_id, "unregistered_recording"),)


def test_an_incomplete_audit_resolves_nothing() -> None:
    gap = audited(World([session()], [unread()]), previous=remembered(HIDDEN)).result.since_last
    assert gap.resolved is None
    assert gap.why_not == "This audit is incomplete, so nothing can be called resolved."


def test_an_audit_that_could_not_look_twice_resolves_nothing() -> None:
    world = World([session("other")], [encoded("other", of="other")])
    since = audited(world, then=replace(world, database=False), previous=remembered(HIDDEN)).result.since_last
    assert since.resolved is None


def test_a_fast_audit_after_a_full_one_leaves_what_it_cannot_see() -> None:
    unplayable = World(records=[encoded()._replace(manifest_bytes=None)], rows=[row()])
    before = remembered(unplayable)
    assert [one.verdict for one in before.findings] == ["no_ism"]
    assert audited(unplayable, IN_FAST_MODE, previous=before).result.since_last.resolved == ()
    assert audited(HEALTHY, IN_FAST_MODE, previous=remembered(HIDDEN)).result.since_last.resolved != ()


def test_what_asks_nothing_of_a_person_is_not_remembered() -> None:
    waiting = World([session(job_at=AS_OF - MINUTE)])
    [found] = audited(waiting).findings
    assert (found.judgement.verdict, found.known) == ("job_tracked", None)
    assert audited(waiting, previous=earlier()).changes == (None,)
