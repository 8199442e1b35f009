"""The one promise, over whole audits: no world in which something hidden exists ends clean, and no healthy world gets a
high finding, whatever storage answers, whatever the clocks say and whatever stands in a row.
"""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import COLUMNS
from reconciliation.lookups import Blob
from reconciliation.outcome import Outcome
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.world import AS_OF, IN_FAST_MODE, MINUTE, PARAMETERS, key_of, session, uuid_of
from tests.worlds.audits import Audited, RawDatabase, audited
from tests.worlds.storage import Container, Mutation, ScriptedAccount

ENOUGH = settings(
    max_examples=max(60, settings.default.max_examples if settings.default else 0),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# --- moments anywhere ------------------------------------------------------------------------------------------------

_OLD = st.datetimes(datetime(1970, 1, 1), (AS_OF - 3 * 60 * MINUTE).replace(tzinfo=None), timezones=st.just(UTC)).map(
    lambda at: at.replace(microsecond=0)
)
_FUTURE = st.datetimes(
    (AS_OF + 2 * 24 * 60 * MINUTE).replace(tzinfo=None), datetime(9999, 12, 30), timezones=st.just(UTC)
).map(lambda at: at.replace(microsecond=0))
BLOB_MOMENTS = _OLD | _OLD | _FUTURE
UNREADABLE = st.sampled_from(
    [
        "infinity",
        "-infinity",
        "0044-03-15T12:00:00+00:00 BC",
        "20238-01-01T00:00:00+00:00",
        "294276-12-31T23:59:59.999999+00:00",
        "2026-02-30T00:00:00+00:00",
        "2026-02-03",
        "",
        "now",
        4711,
        True,
        [],
        {"at": 1},
    ]
)
"""What Postgres may send as a moment and Python has no date for, and what it never sends."""
ROW_MOMENTS = (_OLD | _FUTURE).map(lambda at: at.isoformat()) | st.none() | UNREADABLE
PAST_MOMENTS = _OLD.map(lambda at: at.isoformat())

_CLOCKS = ("started_at", "finished_at", "scheduled_for", "deleted_at", "case_closed_at", "processing_at", "left_at")
_CLOCKS_AND_TRAIL = (*_CLOCKS, "stopped_at", "job_at")
_MONTH = timedelta(days=30)
_OTHERS = (
    "case_id",
    "booking_id",
    "session_id",
    "status",
    "case_state",
    "origin",
    "live_recordings",
    "case_live",
    "row_token",
    "has_ingest_address",
)
_NONSENSE: st.SearchStrategy[Any] = st.sampled_from([None, 0, 7, -1, "", "x", [], {}, 1.5, True, "\x00\u202e"])


def row_of(name: str, **values: Any) -> list[Any]:
    """A session's row as the database sends it; ``in_question="candidate"``: the question takes it in."""
    row = dict(zip(COLUMNS, session(name).to_json(), strict=True)) | {"in_question": "candidate"} | values
    return [row[column] for column in COLUMNS]


# --- what is in storage ----------------------------------------------------------------------------------------------

EXTRA = ("poster.jpg", "session.mpd", "session.mpi", "<log> & more.txt")


@st.composite
def recordings(draw: st.DrawFn, container: str, of: str) -> Container:
    """A complete recording of a session, of any time but now, with whatever else an encoder leaves."""
    key = key_of(of)
    names = [
        f"{key}_1280x720_4500k.mp4",
        f"{key}.ism",
        *draw(st.lists(st.sampled_from(EXTRA), max_size=3, unique=True)),
    ]
    return Container(str(uuid_of(container)), [Blob(name, 700, draw(BLOB_MOMENTS)) for name in names])


_OPENINGS = st.lists(st.booleans(), min_size=3, max_size=4).map(tuple)


@st.composite
def appearances(draw: st.DrawFn) -> dict[str, Any]:
    """How something hidden that is there may come and go, except as a deletion would look."""
    listed = draw(st.sampled_from([(True, True), (False, True), (True, False)]))
    opened = draw(_OPENINGS)
    if listed == (True, False):  # read, and there again when the two listings are found to differ
        opened = (True, True, *opened[2:])
    elif listed == (True, True) and opened[0] and not (opened[1] or opened[2]):
        opened = (*opened[:2], True, *opened[3:])
    return {"listed": listed, "opened": opened}


def _flickers() -> st.SearchStrategy[dict[str, Any]]:
    """A container that is not there once, at any point between listing, scan and second look."""
    return st.sampled_from(
        [
            {},
            {"listed": (False, True)},
            {"listed": (True, False)},
            {"opened": (False, True)},
            {"opened": (True, False, True)},
        ]
    )


# --- what becomes of an answer ---------------------------------------------------------------------------------------


def _cut(at: int) -> Mutation:
    return lambda body: body[: at % max(len(body), 1)]


def _replaced(old: bytes, new: bytes) -> Mutation:
    return lambda body: body.replace(old, new)


def _without(pattern: bytes) -> Mutation:
    return lambda body: re.sub(pattern, b"", body, flags=re.DOTALL)


def _always(answer: bytes) -> Mutation:
    return lambda _body: answer


OTHER = b'<?xml version="1.0"?><EnumerationResults ServiceEndpoint="x">'
EMPTY_LISTING = OTHER + b"<Containers /><NextMarker /></EnumerationResults>"
EMPTY_BLOBS = OTHER + b"<Blobs /><NextMarker /></EnumerationResults>"
SHAPES = st.one_of(
    st.integers(0, 5000).map(_cut),
    st.sampled_from(
        [
            _without(rb"<Blobs>.*</Blobs>|<Containers>.*</Containers>"),
            _replaced(b"Blobs>", b"blobs>"),
            _replaced(b"Containers>", b"CONTAINERS>"),
            _replaced(b"Blobs>", b"Containers>"),
            _replaced(b"Containers>", b"Blobs>"),
            _replaced(b"EnumerationResults", b"Error"),
            _always(b""),
            _always(b"<html><body>Please sign in</body></html>"),
            _always(b'{"value": []}'),
            _always(b"<EnumerationResults></EnumerationResults>"),
            _always(b"<EnumerationResults/>"),
            _always(OTHER + b"</EnumerationResults>"),
        ]
    ),
)
"""Answers of another shape: none of them is one."""
LIES = st.sampled_from(
    [
        lambda body: re.sub(rb"<NextMarker>[^<]*</NextMarker>", b"<NextMarker />", body),
        _without(rb"<Blob>.*</Blob>"),
        _without(rb"<Container>.*</Container>"),
        lambda body: EMPTY_LISTING if b"<Containers>" in body else EMPTY_BLOBS if b"<Blobs>" in body else body,
        lambda body: re.sub(rb"<Blob>.*?</Blob>", b"", body, count=1, flags=re.DOTALL),
        lambda body: re.sub(rb"<Container>.*?</Container>", b"", body, count=1, flags=re.DOTALL),
    ]
)
"""Answers of the right shape that leave something out: nothing in them tells."""


@st.composite
def mutations(draw: st.DrawFn) -> dict[int, Mutation]:
    """Some answers of another shape, and at most one that lies."""
    faults: dict[int, Mutation] = draw(st.dictionaries(st.integers(0, 40), SHAPES, max_size=3))
    if draw(st.booleans()):
        faults[draw(st.integers(0, 40))] = draw(LIES)
    return faults


_ANSWERS = st.none() | st.integers(0, 40)

# --- worlds ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Planted:
    """A world: what is in storage, what stands in the database, and what is asked."""

    account: ScriptedAccount
    database: RawDatabase
    parameters: AuditParameters
    strict: bool = False
    later: timedelta = MINUTE

    def audited(self) -> Audited:
        return asyncio.run(audited(self.account, self.database, self.parameters, strict=self.strict, later=self.later))


@st.composite
def healthy_parts(draw: st.DrawFn) -> tuple[list[Container], list[list[Any]], list[list[Any]]]:
    """Registered recordings with their rows, unused sessions, empty and other containers."""
    containers: list[Container] = [Container("mk-import-reports", [])]
    sessions: list[list[Any]] = []
    rows: list[list[Any]] = []
    for number in range(draw(st.integers(0, 3))):
        name = f"registered {number}"
        containers.append(draw(recordings(name, name)))
        marks = draw(st.sampled_from([[], [], ["future"], ["no_duration"], ["double"], ["child"]]))
        rows.append([str(uuid_of(name)), str(uuid_of(name)), marks, None])
        times = {column: draw(ROW_MOMENTS) for column in draw(st.sets(st.sampled_from(_CLOCKS), max_size=2))}
        sessions.append(row_of(name, status="RECORDING_AVAILABLE", live_recordings=1, in_question=False, **times))
    for number in range(draw(st.integers(0, 2))):
        times = {column: draw(ROW_MOMENTS) for column in draw(st.sets(st.sampled_from(_CLOCKS[:5]), max_size=2))}
        sessions.append(row_of(f"unused {number}", **times))
        if draw(st.booleans()):
            containers.append(Container(str(uuid_of(f"empty {number}")), []))
    return containers, sessions, rows


@st.composite
def healthy_worlds(draw: st.DrawFn) -> Planted:
    """Nothing is wrong but the way to storage: answers are of another shape, one may lie, or a container flickers."""
    containers, sessions, rows = draw(healthy_parts())
    faults = draw(mutations())
    if not faults and draw(st.booleans()):
        at = draw(st.integers(0, len(containers) - 1))
        containers[at] = replace(containers[at], **draw(_flickers()))
    elif not faults:
        return _planted(draw, containers, sessions, rows, faults, swapped=draw(_ANSWERS))
    return _planted(draw, containers, sessions, rows, faults)


@st.composite
def worlds_with_something_hidden(draw: st.DrawFn) -> Planted:
    """As above, and one complete recording without a row, of a session whose own row may hold anything."""
    containers, sessions, rows = draw(healthy_parts())
    status = draw(st.sampled_from(["PROCESSING", "NO_RECORDING", "FAILURE", None, "STANDBY", "RECORDING_AVAILABLE"]))
    times = {column: draw(ROW_MOMENTS) for column in draw(st.sets(st.sampled_from(_CLOCKS_AND_TRAIL), max_size=4))}
    if draw(st.integers(0, 4)) == 0:
        times |= {column: draw(_NONSENSE) for column in draw(st.sets(st.sampled_from(_OTHERS), min_size=1, max_size=2))}
    if status == "RECORDING_AVAILABLE" and times.get("live_recordings") == 7:
        # Such a row can be understood: the session is registered and visible, and the container a second output.
        times["live_recordings"] = 0
    asked = "candidate" if status in {"PROCESSING", "NO_RECORDING", "FAILURE", None} else True
    facts = {"case_state": draw(st.sampled_from(["OPEN", "CLOSED"])), "case_live": draw(st.booleans())}
    facts |= {"sibling_recordings": draw(st.integers(0, 1)), "has_ingest_address": draw(st.booleans())}
    sessions.append(row_of("hidden", **{"status": status, "in_question": asked} | facts | times))
    hidden = draw(recordings("hidden recording", "hidden"))
    faults = draw(mutations())
    swapped = None
    if not faults and draw(st.booleans()):
        hidden = replace(hidden, **draw(appearances()))
    elif not faults:
        swapped = draw(_ANSWERS)
    world = _planted(draw, [*containers, hidden], sessions, rows, faults, swapped=swapped)
    if asked == "candidate" and draw(st.booleans()):  # the question is about this session only
        of_others = [[False if value == "candidate" else value for value in row] for row in sessions[:-1]]
        only = replace(world.parameters, only=(str(uuid_of("hidden")),))
        return replace(world, database=RawDatabase([*of_others, sessions[-1]], rows), parameters=only)
    return world


def _planted(
    draw: st.DrawFn,
    containers: list[Container],
    sessions: list[list[Any]],
    rows: list[list[Any]],
    faults: dict[int, Callable[[bytes], bytes]],
    *,
    swapped: int | None = None,
) -> Planted:
    account = ScriptedAccount(
        {one.name: one for one in containers},
        page_size=draw(st.integers(1, 3)),
        mutations=faults,
        swapped=swapped,
        ahead=timedelta(minutes=draw(st.sampled_from([0, 0, 0, 3, -3, 17, -40]))),
    )
    parameters, later = (
        draw(st.sampled_from([PARAMETERS, IN_FAST_MODE])),
        draw(st.sampled_from([MINUTE, MINUTE, _MONTH])),
    )
    return Planted(account, RawDatabase(sessions, rows), parameters, draw(st.booleans()), later)


@ENOUGH
@given(worlds_with_something_hidden())
def test_no_world_in_which_something_hidden_exists_ends_clean(world: Planted) -> None:
    done = world.audited()
    assert done.outcome is not Outcome.CLEAN, done.report


@ENOUGH
@given(healthy_worlds())
def test_no_healthy_world_gets_a_high_finding(world: Planted) -> None:
    done = world.audited()
    assert not done.high, done.high


def _row_whose_container_is(*opened: bool) -> list[str]:
    """What is said of a row whose container has no manifest, and is listed, and is there or not when it is opened."""
    unplayable = str(uuid_of("unplayable"))
    track = Blob(f"{key_of('unplayable')}_1280x720_4500k.mp4", 700, AS_OF - 24 * 60 * MINUTE)
    account = ScriptedAccount({unplayable: Container(unplayable, [track], opened=opened)})
    sessions = [row_of("unplayable", status="RECORDING_AVAILABLE", live_recordings=1, in_question=False)]
    done = asyncio.run(audited(account, RawDatabase(sessions, [[unplayable, unplayable, [], None]])))
    assert done.report is not None
    assert {one["subject"]["id"] for one in done.report["findings"]} == {unplayable}
    return [one["verdict"] for one in done.report["findings"]]


def test_one_answer_that_a_container_is_gone_does_not_undo_that_it_was_read_and_is_listed() -> None:
    assert _row_whose_container_is(True, False, True) == ["no_ism"]
    assert _row_whose_container_is(True, False) == ["row_without_container"]
    assert _row_whose_container_is(False) == ["row_without_container"]
    assert _row_whose_container_is(False, True) == ["no_ism"]


def test_nor_does_a_listing_that_left_it_out_and_one_answer_in_fast_mode() -> None:
    account = ScriptedAccount(
        {
            one.name: one
            for one in (
                Container(str(uuid_of("whole")), [], opened=(True, False, True), listed=(True, False)),
                Container("mk-import-reports", []),
            )
        }
    )
    rows: list[list[Any]] = [[str(uuid_of("whole")), str(uuid_of("whole")), [], None]]
    done = asyncio.run(audited(account, RawDatabase([], rows), IN_FAST_MODE))
    assert not done.high


@pytest.mark.parametrize(
    ("parameters", "opened", "asked"),
    [(PARAMETERS, (True, False, True), 2), (IN_FAST_MODE, (False, True), 1)],
    ids=["full", "fast"],
)
def test_one_answer_that_a_listed_container_is_gone_is_not_believed_where_there_is_no_second_listing(
    parameters: AuditParameters, opened: tuple[bool, ...], asked: int
) -> None:
    name, blobs = str(uuid_of("recording")), [Blob(f"{key_of('registered')}_1280x720_4500k.mp4", 700, AS_OF - _MONTH)]
    blobs.append(Blob(f"{key_of('registered')}.ism", 700, AS_OF - _MONTH))
    # The listing is one answer, and so is what the scan reads; then the second listing is no listing, five times.
    broken = dict.fromkeys(range(asked, asked + 5), lambda _body: b"{}")
    account = ScriptedAccount({name: Container(name, blobs, opened=opened)}, mutations=broken)
    row = [name, str(uuid_of("registered")), ["no_duration"], None]
    done = asyncio.run(audited(account, RawDatabase([], [row]), parameters))
    assert done.report is not None
    assert [one["verdict"] for one in done.report["findings"]] == ["no_duration"]
    assert done.outcome is Outcome.INCOMPLETE
