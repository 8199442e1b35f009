"""Hypothesis strategies for the domain's values."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import strategies as st

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.candidates import MARKS, Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, Record
from profiles.pre_capture_sessions.facts import SessionFacts
from profiles.pre_capture_sessions.keys import name_digest, session_key
from profiles.pre_capture_sessions.options import MODES, NO_STATUS
from profiles.pre_capture_sessions.options import STATUSES as STATUSES_OF_PRE
from reconciliation.evidence import Unread
from reconciliation.lookups import Blob
from reconciliation.parameters import AuditParameters
from tests.profiles.pre_capture_sessions.world import AS_OF, CLOCK, World, manifest, seen_in, track, uuid_of

_OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


def moments() -> st.SearchStrategy[datetime]:
    """Any moment of four-digit years, to the microsecond, in any zone."""
    return st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC) | _OFFSETS)


def texts() -> st.SearchStrategy[str]:
    """Any text that UTF-8 can carry."""
    return st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


# Moments around an audit: far away, on both sides of each waiting time, exactly on it, and in the future.
_MINUTES = (-500 * 24 * 60, -3 * 24 * 60, -121, -120, -119, -61, -60, -59, -21, -20, -19, 0, 5)
_NEAR = tuple(AS_OF + timedelta(minutes=minutes) for minutes in _MINUTES)
NEAR = st.sampled_from(_NEAR)
_PERHAPS = st.sampled_from((None, None, None, *_NEAR))
SESSIONS = tuple(str(uuid_of(f"session {number}")) for number in range(4))
CONTAINERS = tuple(str(uuid_of(f"container {number}")) for number in range(6))
OTHER_NAMES = (f"{CONTAINERS[0]}-input", "mk-import-reports")
STATUSES = (None, *(status for status in STATUSES_OF_PRE if status != NO_STATUS))
_KEYS = tuple(session_key(session_id) for session_id in SESSIONS)
_BASES = (*_KEYS, "index", "video_2000000", "0" * 32, "0" * 33, *(name[:32] for name in CONTAINERS))


_NAMES = st.sampled_from(
    [
        f"{base}{middle}{end}"
        for base in (*_BASES, *(base.upper() for base in _BASES))
        for middle in ("", "_1280x720_4500k", "-a", ".b", " c", "f")
        for end in (".mp4", ".MP4", ".ism", ".mpd", ".mp4.part", "")
    ]
)


def blobs(times: st.SearchStrategy[datetime] = NEAR) -> st.SearchStrategy[Blob]:
    """A blob as an encoder, a copy by hand or an old product may have left it; storage tells times to the second."""
    changes = times.map(lambda moment: moment.replace(microsecond=0))
    return st.builds(Blob, _NAMES | texts().filter(bool), st.sampled_from([0, 1, 40_000]), changes)


def _listings() -> st.SearchStrategy[list[Blob]]:
    """A container's blobs: anything, or what an encoder leaves of one session or two, whole or not."""
    sizes = st.sampled_from([40_000, 40_000, 0])
    tracks = st.lists(st.builds(track, st.sampled_from(_BASES), sizes, NEAR), min_size=1, max_size=3)
    manifests = st.lists(st.builds(manifest, st.sampled_from(_KEYS), sizes, NEAR), max_size=1)
    return st.lists(blobs(), max_size=5) | st.tuples(tracks, manifests).map(lambda both: both[0] + both[1])


def listings() -> st.SearchStrategy[dict[str, list[Blob]]]:
    """A storage account: blobs by container."""
    return st.dictionaries(st.sampled_from([*CONTAINERS, *OTHER_NAMES]), _listings(), max_size=6)


def evidence() -> st.SearchStrategy[ContainerEvidence]:
    """What a scan may see of a container, whatever is in it."""
    return st.builds(seen_in, st.sampled_from([*CONTAINERS, *OTHER_NAMES]), _listings())


def unread_containers() -> st.SearchStrategy[Unread]:
    """A container that was skipped, or could not be read."""
    reasons = st.sampled_from(["deleted during the scan", "outside the requested prefixes", "403 Forbidden"])
    return st.builds(Unread, st.sampled_from(CONTAINERS), reasons, st.booleans())


def scanned() -> st.SearchStrategy[list[Record]]:
    """What a scan may bring home: containers that were read, that could not be, and that went away."""
    failed = st.sampled_from(CONTAINERS).map(lambda name: Unread(name, "403 Forbidden", failed=True))
    deleted = st.sampled_from(CONTAINERS).map(lambda name: Unread(name, "deleted during the scan", failed=False))
    one = evidence() | evidence() | evidence() | failed | deleted
    return st.lists(one, max_size=6, unique_by=lambda record: record.unit)


def candidates(*, in_question: st.SearchStrategy[bool] | None = None) -> st.SearchStrategy[Candidate]:
    """A session's row, in any condition."""
    return st.builds(
        Candidate,
        session_id=st.sampled_from(SESSIONS),
        status=st.sampled_from(STATUSES),
        origin=st.sampled_from(["PRE", "PRE", "PRE", "VODAFONE"]),
        started_at=_PERHAPS,
        finished_at=_PERHAPS,
        scheduled_for=_PERHAPS,
        deleted_at=_PERHAPS,
        booking_id=st.sampled_from(["booking 0", "booking 1"]).map(lambda name: str(uuid_of(name))),
        case_id=st.just(str(uuid_of("case"))),
        case_state=st.sampled_from(["OPEN", "OPEN", "CLOSED", "PENDING_CLOSURE"]),
        case_closed_at=_PERHAPS,
        case_live=st.booleans(),
        live_recordings=st.sampled_from([0, 0, 0, 1, 2]),
        deleted_recordings=st.sampled_from([0, 0, 0, 1, 2]),
        withdrawn_recordings=st.sampled_from([0, 0, 1]),
        sibling_recordings=st.integers(0, 2),
        has_ingest_address=st.booleans(),
        processing_at=_PERHAPS,
        left_at=_PERHAPS,
        stopped_at=_PERHAPS,
        job_at=_PERHAPS,
        row_token=st.integers(1, 2**32 - 1).map(str),
        in_question=st.just(True) if in_question is None else in_question,
    )


def recordings() -> st.SearchStrategy[RegisteredRecording]:
    """A row of any condition for a container that a scan may see."""
    marks = st.lists(st.sampled_from(MARKS), max_size=3, unique=True)
    digests = st.none() | st.sampled_from([f"{_KEYS[0]}.mp4", "index_1280x720_4500k.mp4"]).map(name_digest)
    return st.builds(RegisteredRecording, st.sampled_from(CONTAINERS), st.sampled_from(SESSIONS), marks, digests)


def registered() -> st.SearchStrategy[list[RegisteredRecording]]:
    """Rows of recordings, each id once."""
    return st.lists(recordings(), max_size=3, unique_by=lambda row: row.recording_id)


@st.composite
def databases(draw: st.DrawFn) -> tuple[list[Candidate], list[Candidate]]:
    """Candidates, and sessions that are none; each id once."""
    everything = draw(
        st.lists(candidates(in_question=st.booleans()), max_size=4, unique_by=lambda candidate: candidate.session_id)
    )
    count = draw(st.integers(0, len(everything)))
    return [candidate for candidate in everything[:count] if candidate.in_question], everything[count:]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Anything that a database and a storage account may hold together."""
    asked, others = draw(databases())
    ingest = draw(st.dictionaries(st.just(str(uuid_of("booking 0"))), st.integers(0, 2)))
    return World(asked, draw(scanned()), draw(registered()), others, ingest)


@st.composite
def session_facts(draw: st.DrawFn) -> SessionFacts:
    """Any combination of what a rule may look at, each container as the fan-in gives it."""
    session = draw(candidates())
    sizes = st.sampled_from([40_000, 40_000, 0])
    own = st.builds(track, st.just(session.key), sizes, NEAR)
    ism = st.lists(st.builds(manifest, st.just(session.key), sizes, NEAR), max_size=1)
    nameless = st.lists(st.builds(track, st.just("index"), sizes, NEAR), max_size=1)
    strangers = st.builds(track, st.just("f" * 32), sizes, NEAR).map(lambda one: [one])

    def holding(*parts: st.SearchStrategy[list[Blob]]) -> st.SearchStrategy[list[Blob]]:
        return st.tuples(*parts).map(lambda listed: [blob for part in listed for blob in part])

    several = st.lists(own, min_size=1, max_size=2)
    evidence_of = draw(st.lists(holding(several, ism, nameless), max_size=3))
    mixed_of = draw(st.lists(holding(several, ism, strangers), max_size=1))
    return SessionFacts(
        session,
        CLOCK,
        coverage_complete=draw(st.booleans()),
        fast=draw(st.booleans()),
        read_twice=draw(st.sampled_from([True, True, True, False])),
        evidence=tuple(seen_in(name, listed) for name, listed in zip(CONTAINERS, evidence_of, strict=False)),
        mixed=tuple(seen_in(CONTAINERS[5], listed) for listed in mixed_of),
        ingest_blobs=draw(st.none() | st.integers(0, 2)),
    )


def parameters() -> st.SearchStrategy[AuditParameters]:
    """What an audit may be asked."""
    return st.builds(
        AuditParameters,
        profile=st.just(PROFILE.name),
        mode=st.sampled_from(MODES),
        grace_minutes=st.integers(0, 10_080),
        since=st.none() | moments(),
        until=st.none() | moments(),
        only=st.lists(st.uuids().map(str), max_size=3).map(tuple),
        options=st.fixed_dictionaries(
            {
                "statuses": st.lists(st.sampled_from(STATUSES_OF_PRE), min_size=1, unique=True).map(tuple),
                "container_prefixes": st.lists(st.text("0123456789abcdef-$", min_size=1, max_size=63), max_size=3).map(
                    tuple
                ),
                "ingest_address_contains": st.none() | texts().filter(lambda text: text != "" and text.isprintable()),
            }
        ),
    )
