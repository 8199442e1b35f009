"""Hypothesis strategies for the domain's values."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.evidence import Blob, ContainerEvidence, Unread
from reconciliation.parameters import NO_STATUS, AuditParameters, Mode
from reconciliation.profiles.pre_capture_sessions import PROFILE, STATUSES
from tests.reconciliation.world import AS_OF, seen_in, uuid_of

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def moments() -> st.SearchStrategy[datetime]:
    """Any moment of four-digit years, to the microsecond, in any zone."""
    return st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC) | _OFFSETS)


def texts() -> st.SearchStrategy[str]:
    """Any text that UTF-8 can carry."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


# Moments around an audit: far away, on both sides of either waiting time, exactly on it, and in the future.
NEAR = st.sampled_from([-3 * 24 * 60, -61, -60, -59, -21, -20, -19, 0, 5]).map(lambda m: AS_OF + timedelta(minutes=m))
SESSIONS = tuple(str(uuid_of(f"session {number}")) for number in range(4))
CONTAINERS = tuple(str(uuid_of(f"container {number}")) for number in range(6))
_BASES = (*(session.replace("-", "") for session in SESSIONS), "index", "video_2000000", "0" * 33)


def blobs(times: st.SearchStrategy[datetime] = NEAR) -> st.SearchStrategy[Blob]:
    """A blob as an encoder, a copy by hand or an old product may have left it."""
    names = st.tuples(
        st.sampled_from([*_BASES, *(base.upper() for base in _BASES)]),
        st.sampled_from(["", "_1280x720_4500k", "-a", ".b", " c", "f"]),
        st.sampled_from([".mp4", ".MP4", ".ism", ".mpd", ".mp4.part", ""]),
    ).map("".join)
    return st.builds(Blob, names | texts().filter(bool), st.sampled_from([0, 1, 40_000]), times)


def evidence(names: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[ContainerEvidence]:
    """What a scan may see of a container, whatever is in it."""
    usual = st.sampled_from([*CONTAINERS, f"{CONTAINERS[0]}-input", "mk-import-reports"])
    return st.builds(seen_in, names or usual, st.lists(blobs(), max_size=5))


def unread_containers() -> st.SearchStrategy[Unread]:
    """A container that was skipped, or could not be read."""
    reasons = st.sampled_from(["deleted during the scan", "outside the requested prefixes", "403 Forbidden"])
    return st.builds(Unread, st.sampled_from(CONTAINERS), reasons, st.booleans())


def candidates(ids: st.SearchStrategy[str] | None = None) -> st.SearchStrategy[Candidate]:
    """A row in question, in any condition."""
    return st.builds(
        Candidate,
        session_id=ids or st.sampled_from(SESSIONS),
        status=st.sampled_from([None, *(status for status in STATUSES if status != NO_STATUS)]),
        started_at=st.none() | NEAR,
        finished_at=st.none() | NEAR,
        scheduled_for=st.none() | NEAR,
        deleted_at=st.none() | NEAR,
        booking_id=st.just(str(uuid_of("booking"))),
        case_id=st.just(str(uuid_of("case"))),
        case_state=st.sampled_from(["OPEN", "CLOSED", "PENDING_CLOSURE"]),
        case_live=st.booleans(),
        live_recordings=st.sampled_from([0, 0, 0, 1, 2]),
        deleted_recordings=st.integers(0, 2),
        row_token=st.integers(1, 2**32 - 1).map(str),
    )


def registered() -> st.SearchStrategy[list[RegisteredRecording]]:
    """Rows of recordings, each id once, some of them for containers that a scan may see."""
    rows = st.builds(RegisteredRecording, st.sampled_from(CONTAINERS), st.sampled_from(SESSIONS), st.booleans())
    return st.lists(rows, max_size=3, unique_by=lambda row: row.recording_id)


def parameters() -> st.SearchStrategy[AuditParameters]:
    """What an audit may be asked."""
    return st.builds(
        AuditParameters,
        profile=st.just(PROFILE.name),
        mode=st.sampled_from(Mode),
        statuses=st.lists(st.sampled_from(STATUSES), min_size=1, unique=True).map(tuple),
        grace_minutes=st.integers(0, 10_080),
        since=st.none() | moments(),
        until=st.none() | moments(),
        container_prefixes=st.lists(st.text("0123456789abcdef-$", min_size=1), max_size=3).map(tuple),
        only=st.lists(st.uuids().map(str), max_size=3).map(tuple),
        ingest_address_contains=st.none() | texts(),
    )
