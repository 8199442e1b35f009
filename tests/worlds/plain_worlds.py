"""Random plain worlds: of few sessions, bookings and containers, so that what matters meets often.

In ``plain_worlds`` storage and the database tell the truth, and nothing moves. In ``faulty_worlds`` containers cannot
be opened or go, the database is a replica or cannot be reached again, or a recording is registered meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.keys import name_digest
from profiles.pre_capture_sessions.options import DEFAULT_STATUSES, MODES, NO_STATUS, STATUSES
from reconciliation.lookups import Blob
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.world import AS_OF, MINUTE, PARAMETERS, uuid_of
from tests.worlds.plain import PlainContainer, PlainWorld

_DAY = 24 * 60 * MINUTE
_BEFORE_STOPS_WERE_WRITTEN = AS_OF - 400 * _DAY
SESSIONS = tuple(str(uuid_of(f"session {number}")) for number in range(5))
_STRANGER = str(uuid_of("nobody's session"))
CONTAINERS = tuple(sorted(str(uuid_of(f"container {number}")) for number in range(6)))
_OTHER_NAMES = (f"{CONTAINERS[0]}-input", f"{CONTAINERS[1]}-2", "mk-import-reports", "$logs")
_BOOKINGS = tuple(str(uuid_of(f"booking {number}")) for number in range(3))
_CASES = tuple(str(uuid_of(f"case {number}")) for number in range(2))
_NOT_AN_ID = "not-an-id"

# On both sides of each waiting time, and exactly on it; as far ahead as clocks may differ, and further.
_MINUTES = (
    -30 * 24 * 60,
    -3 * 24 * 60,
    -121,
    -120,
    -119,
    -61,
    -60,
    -59,
    -21,
    -20,
    -19,
    0,
    3,
    6,
    8 * 24 * 60,
    400 * 24 * 60,
)
NEAR = st.sampled_from([AS_OF + minutes * MINUTE for minutes in _MINUTES])
_LONG_AGO = AS_OF - 30 * _DAY
_MOMENTS = st.sampled_from([_LONG_AGO, _LONG_AGO + _DAY, None]) | NEAR | st.just(_BEFORE_STOPS_WERE_WRITTEN)


def _one_in(number: int) -> st.SearchStrategy[bool]:
    return st.integers(1, number).map(lambda drawn: drawn == number)


# --- sessions ---------------------------------------------------------------------------------------------------------

_SWEPT: dict[str, Any] = {"has_ingest_address": True, "processing_at": _LONG_AGO, "left_at": _LONG_AGO + _DAY}
_STORIES: tuple[dict[str, Any], ...] = (
    {"status": "NO_RECORDING"},
    {"status": "NO_RECORDING", **_SWEPT},
    {"status": "NO_RECORDING", **_SWEPT, "stopped_at": _LONG_AGO + MINUTE},
    {"status": "NO_RECORDING", "has_ingest_address": True, "processing_at": _BEFORE_STOPS_WERE_WRITTEN},
    {"status": "PROCESSING", **_SWEPT},
    {"status": "PROCESSING", "has_ingest_address": True, "processing_at": AS_OF - 30 * MINUTE},
    {"status": "FAILURE", "has_ingest_address": True},
    {"status": "FAILURE"},
    {"status": "PROCESSING", "started_at": AS_OF - 20 * MINUTE, "finished_at": AS_OF + 8 * _DAY},
    {"status": "NO_RECORDING", "processing_at": AS_OF + 400 * _DAY},
    {"status": None},
    {"status": "STANDBY"},
    {"status": "INITIALISING"},
    {"status": "RECORDING", "has_ingest_address": True},
    {"status": "RECORDING_AVAILABLE", **_SWEPT},
    {"status": "RECORDING_AVAILABLE"},
)
_CLOCKS = ("started_at", "finished_at", "scheduled_for", "deleted_at", "case_closed_at", "job_at")
_TRAIL = ("processing_at", "left_at", "stopped_at")
_ODD_TEXTS = st.sampled_from(
    [
        *((clock, text) for clock in (*_CLOCKS, "stopped_at") for text in ("infinity", "20238-01-01T00:00:00+00:00")),
        ("origin", "MARS"),
        ("case_state", "\u00d6PEN"),
        ("booking_id", _NOT_AN_ID),
        ("case_id", _NOT_AN_ID),
    ]
)
_CHANGES: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({}),
    st.dictionaries(st.sampled_from(_CLOCKS), _MOMENTS, min_size=1, max_size=3),
    st.dictionaries(st.sampled_from(_TRAIL), _MOMENTS, min_size=1, max_size=2),
    st.fixed_dictionaries({"case_state": st.sampled_from(["CLOSED", "PENDING_CLOSURE"]), "case_closed_at": _MOMENTS}),
    st.sampled_from([{"case_live": False}, {"origin": "VODAFONE"}, {"origin": "VODAFONE_VISIBLE"}]),
    st.fixed_dictionaries({"deleted_at": NEAR}),
    st.fixed_dictionaries({"job_at": NEAR}),
    st.fixed_dictionaries({"live_recordings": st.integers(0, 2), "deleted_recordings": st.integers(0, 2)}),
)


@st.composite
def _sessions(
    draw: st.DrawFn, session_id: str, rows: Sequence[RegisteredRecording], bookings: dict[str, str]
) -> Candidate:
    """A session of any kind, with the recordings that there are rows of."""
    booking = bookings[session_id]
    live = [row for row in rows if not row.deleted and row.readable]
    values: dict[str, Any] = {
        "session_id": session_id,
        "origin": "PRE",
        "started_at": _LONG_AGO,
        "finished_at": _LONG_AGO + 90 * MINUTE,
        "scheduled_for": _LONG_AGO - 10 * MINUTE,
        "booking_id": booking,
        "case_id": draw(st.sampled_from(_CASES)),
        "case_state": "OPEN",
        "case_live": True,
        "live_recordings": sum(row.session_id == session_id for row in live),
        "deleted_recordings": sum(row.session_id == session_id and row.deleted for row in rows),
        "withdrawn_recordings": 0,
        "sibling_recordings": sum(
            row.session_id != session_id and bookings.get(row.session_id) == booking for row in live
        ),
        "has_ingest_address": False,
        "row_token": "4711",
        "in_question": True,
        **dict.fromkeys(("deleted_at", "case_closed_at", "job_at", *_TRAIL)),
    }
    values |= draw(st.sampled_from(_STORIES)) | draw(_CHANGES)
    if values["live_recordings"] and draw(st.booleans()):
        values["status"] = "RECORDING_AVAILABLE"
    if draw(_one_in(12)):
        column, text = draw(_ODD_TEXTS)
        # As the engine's stand-ins: such a value counts as not given.
        values |= {column: None if column in (*_CLOCKS, *_TRAIL) else "", "unreadable": {column: text}}
    return Candidate(**values)


def _nameless(session: Candidate) -> Candidate:
    return replace(session, session_id=_NOT_AN_ID, unreadable={"session_id": _NOT_AN_ID}, booking_id=_BOOKINGS[0])


# --- containers -------------------------------------------------------------------------------------------------------

_KEYS = tuple(session.replace("-", "") for session in SESSIONS)
_STRANGERS_KEY = _STRANGER.replace("-", "")
_SUFFIX = "_1280x720_4500k.mp4"
_EXTRA = ("poster.jpg", "session.mpd", "<log> & more.txt", "index.MP4.part", "VIDEO.ISM")


@dataclass(frozen=True)
class _Content:
    """The names of a container's tracks, and its manifests; each is given a size and a moment when it is drawn."""

    tracks: tuple[str, ...] = ()
    manifests: tuple[str, ...] = ("session.ism",)


def _contents(container: str, sessions: Sequence[str]) -> st.SearchStrategy[_Content]:
    """What a container of that name may hold, mostly of these sessions."""
    keys = [session.replace("-", "") for session in sessions]
    key = st.sampled_from(keys)
    several = st.lists(st.sampled_from([*keys, *keys, *_KEYS, _STRANGERS_KEY]), min_size=2, max_size=3, unique=True)
    own = f"{container[:32]}{_SUFFIX}"
    return st.one_of(
        key.map(lambda one: _Content((f"{one}{_SUFFIX}",), (f"{one}.ism",))),
        key.map(lambda one: _Content((f"{one}{_SUFFIX}",), (f"{one}.ism",))),
        key.map(lambda one: _Content((f"{one}.mp4", f"{one}_640x360_1000k.mp4"))),
        key.map(lambda one: _Content((f"{one.upper()}.MP4",))),
        key.map(lambda one: _Content((f"{one}{_SUFFIX}",), ())),
        key.map(lambda one: _Content((f"{one}f{_SUFFIX}",))),
        several.map(lambda all_of_them: _Content(tuple(f"{one}{_SUFFIX}" for one in all_of_them))),
        several.map(lambda all_of_them: _Content(tuple(f"{one}-b.mp4" for one in all_of_them), ())),
        key.map(lambda one: _Content((own, f"{one}{_SUFFIX}"))),
        st.sampled_from([_Content(), _Content((), ())]),
        st.sampled_from(
            [
                _Content((own,)),
                _Content((f"{container}.mp4",), ()),
                _Content((f"index{_SUFFIX}",)),
                _Content(("video_2000000_1280x720_4500.mp4",), ()),
                _Content((f"{_STRANGERS_KEY}{_SUFFIX}",)),
                _Content(("R v Doe.mp4", f"{_KEYS[1]}{_SUFFIX}")),
            ]
        ),
    )


_SIZES = st.sampled_from([40_000] * 9 + [0])
_FRESH = st.sampled_from([AS_OF - minutes * MINUTE for minutes in (21, 20, 19)])


@st.composite
def _containers(draw: st.DrawFn, name: str, sessions: Sequence[str], ahead: timedelta) -> PlainContainer:
    """A container; what is fresh in it is so by storage's clock, or would be by the app's."""
    content = draw(_contents(name, sessions))
    old = st.just(_LONG_AGO)
    moments = old | old | old | _FRESH | _FRESH.map(lambda at: at + ahead) | NEAR
    at = draw(moments)
    names = [*content.tracks, *content.manifests, *draw(st.lists(st.sampled_from(_EXTRA), max_size=2, unique=True))]
    spoiled = {one: draw(moments) for one in names[-1:]} if draw(_one_in(4)) else {}
    return PlainContainer(name, tuple(Blob(one, draw(_SIZES), spoiled.get(one, at)) for one in names))


# --- rows of recordings -----------------------------------------------------------------------------------------------

_MARKS = st.sampled_from(["no_duration", "no_duration", "deleted", "child", "recent", "future", "unreadable"])
_OTHER_FILES = (f"index{_SUFFIX}", f"{_KEYS[0]}{_SUFFIX}", "R v Doe.mp4")


@st.composite
def _rows(draw: st.DrawFn, container: PlainContainer) -> RegisteredRecording:
    """A row for this id: of the session that the container names, or of any."""
    named = [one for one in SESSIONS for blob in container.blobs if blob.name.startswith(one.replace("-", ""))]
    anyone = st.sampled_from([*SESSIONS, _STRANGER])
    session = draw(st.sampled_from(named) | st.sampled_from(named) | anyone) if named else draw(anyone)
    marks = sorted(draw(st.just(set()) | st.just(set()) | st.sets(_MARKS, max_size=2)))
    tracks = [blob.name for blob in container.blobs if blob.name.lower().endswith(".mp4")]
    file = draw(st.none() | st.sampled_from([*tracks, *tracks, *tracks, *_OTHER_FILES]))
    return RegisteredRecording(container.name, session, marks, None if file is None else name_digest(file))


def _marked(rows: Sequence[RegisteredRecording], origins: dict[str, str]) -> tuple[RegisteredRecording, ...]:
    """The rows with the marks that follow from others: a second first version, and a session of another system."""
    marked = []
    for row in rows:
        first = [one for one in rows if one.session_id == row.session_id and {"deleted", "child"}.isdisjoint(one.marks)]
        marks = [*row.marks, *(["double"] if len(first) > 1 and row in first else [])]
        marks += ["legacy"] if origins.get(row.session_id, "PRE").startswith("VODAFONE") else []
        marked.append(row._replace(marks=marks))
    return tuple(marked)


# --- questions --------------------------------------------------------------------------------------------------------

_ALL_STATUSES = tuple(STATUSES)
_NARROWED: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries(
        {"only": st.lists(st.sampled_from(SESSIONS), min_size=1, max_size=2, unique=True).map(tuple)}
    ),
    st.just({"only": (SESSIONS[0], _STRANGER)}),
    st.sampled_from(
        [
            {"statuses": ("RECORDING_AVAILABLE",)},
            {"statuses": ("PROCESSING", NO_STATUS)},
            {"statuses": ("FAILURE", "NO_RECORDING")},
            {"statuses": tuple(reversed(DEFAULT_STATUSES))},
            {"statuses": _ALL_STATUSES},
            {"since": _LONG_AGO + MINUTE},
            {"since": _LONG_AGO},
            {"until": _LONG_AGO},
            {"since": AS_OF - 3 * _DAY, "until": AS_OF},
            {"container_prefixes": (CONTAINERS[0][0], CONTAINERS[3][:2])},
            {"container_prefixes": ("mk-", *(name[:1] for name in CONTAINERS))},
        ]
    ),
)


@st.composite
def _questions(draw: st.DrawFn) -> AuditParameters:
    mode = draw(st.sampled_from(MODES))
    narrowed = draw(_NARROWED) if draw(_one_in(3)) else {}
    options = {name: value for name, value in narrowed.items() if name in PARAMETERS.options}
    others = {name: value for name, value in narrowed.items() if name not in options}
    return replace(PARAMETERS, mode=mode, options={**PARAMETERS.options, **options}, **others)


# --- worlds -----------------------------------------------------------------------------------------------------------


@st.composite
def plain_worlds(draw: st.DrawFn) -> PlainWorld:
    """All that a database and a storage account may hold, that answer truthfully."""
    ids = draw(st.lists(st.sampled_from(SESSIONS), min_size=draw(st.sampled_from([1, 3, 4])), unique=True))
    least = draw(st.sampled_from([0, 1, 3, 4, 5]))
    names = draw(st.lists(st.sampled_from(CONTAINERS), min_size=least, max_size=5, unique=True))
    names += draw(st.lists(st.sampled_from(_OTHER_NAMES), max_size=1))
    ahead = draw(st.sampled_from([0, 0, 3, 17, -40])) * MINUTE
    containers = [draw(_containers(name, ids, ahead)) for name in names]
    with_row = [one for one in containers if one.name in CONTAINERS and draw(_one_in(2))]
    missing = [PlainContainer(name) for name in CONTAINERS if name not in names]
    with_row += [one for one in missing[:1] if draw(_one_in(3))]
    rows = [draw(_rows(one)) for one in with_row]

    bookings = {one: draw(st.sampled_from(_BOOKINGS)) for one in ids}
    sessions = [draw(_sessions(one, rows, bookings)) for one in ids]
    if draw(_one_in(20)):
        sessions.append(_nameless(sessions[0]))
    rows = [*_marked(rows, {one.session_id: one.origin for one in sessions})]
    if draw(_one_in(20)):
        rows.append(RegisteredRecording(_NOT_AN_ID, SESSIONS[0], ["unreadable"], None))

    counts = draw(st.none() | st.fixed_dictionaries(dict.fromkeys(_BOOKINGS, st.integers(0, 2))))
    ingest = None if counts is None else {one: _ingested(one, count) for one, count in counts.items()}
    return PlainWorld(
        AS_OF,
        draw(_questions()),
        tuple(sessions),
        tuple(rows),
        tuple(containers),
        ingest,
        later=draw(st.sampled_from([MINUTE, MINUTE, 30 * _DAY])),
        storage_ahead=ahead,
        page_size=draw(st.integers(1, 3)),
        per_shard=draw(st.integers(1, 3)),
    )


def _ingested(booking: str, count: int) -> PlainContainer:
    return PlainContainer(booking, tuple(Blob(f"0/section{number}", 9, _LONG_AGO) for number in range(count)))


@st.composite
def faulty_worlds(draw: st.DrawFn) -> PlainWorld:
    """A plain world in which some things cannot be had, each time, or a recording is registered meanwhile."""
    world = draw(plain_worlds())
    fates = [draw(st.sampled_from(["", "", "", "refused", "deleted"])) for _ in world.containers]
    containers = tuple(
        replace(one, refused=fate == "refused", deleted=fate == "deleted")
        for one, fate in zip(world.containers, fates, strict=True)
    )
    ingest = {name: replace(one, refused=draw(_one_in(3))) for name, one in (world.ingest or {}).items()}
    world = replace(
        world,
        containers=containers,
        ingest=None if world.ingest is None else ingest,
        is_replica=draw(_one_in(4)),
        database_lost=draw(_one_in(5)),
    )
    new = _may_be_registered(world)
    if not new or draw(_one_in(4)):
        return world
    chosen: RegisteredRecording = draw(st.sampled_from(new))
    return replace(world, registered_meanwhile=(chosen,))


def _may_be_registered(world: PlainWorld) -> list[RegisteredRecording]:
    """The rows that would register a container without one, for a session without a recording that it names."""
    registered = {row.recording_id for row in world.rows}
    return [
        RegisteredRecording(one.name, session.session_id, ["recent"], None)
        for one in world.containers
        for session in world.sessions
        if one.name in CONTAINERS and one.name not in registered
        if session.origin == "PRE" and not session.live_recordings and not session.deleted_recordings
        if any(blob.name.startswith(session.session_id.replace("-", "")) for blob in one.blobs)
    ]
