"""The profile of PRE: its sources, joins, scan and kinds."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from operator import attrgetter
from uuid import UUID

from profiles.pre_capture_sessions import conclusion, gaps, look_up, queries, screening
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence, read_evidence
from profiles.pre_capture_sessions.keys import ANY_UUID, MATTERING_SUFFIXES, is_canonical_id
from profiles.pre_capture_sessions.kinds import CONTAINER, KINDS
from profiles.pre_capture_sessions.names import CONTAINERS, CONTAINERS_AGAIN, REGISTERED
from profiles.pre_capture_sessions.options import FAST, FULL, MODES, OPTIONS, STATUSES
from profiles.pre_capture_sessions.repairs import REPAIRS
from profiles.pre_capture_sessions.screening import FUTURE, INGEST, NAMES, SESSIONS
from profiles.pre_capture_sessions.selection import HARMLESS_SKIPS, select
from profiles.pre_capture_sessions.showing import SHOWING
from profiles.pre_capture_sessions.wording import WORDING
from reconciliation.coverage import Gap
from reconciliation.looks import Again, Audit, Doubt, Group, Screened, Subject
from reconciliation.lookups import BlobsOf
from reconciliation.parameters import AuditParameters
from reconciliation.profile import Join, Keys, Profile, Scan, Source, database, storage
from reconciliation.queries import Containers
from reconciliation.repair_plan import Named
from reconciliation.times import to_text

STORAGE, DATABASE, CANDIDATES = "SOURCE_STORAGE", "PRE_DATABASE", "candidates"


def _session_id(row: Candidate) -> str:
    return row.session_id if row.has_id else ""


def _name(container: str) -> str:
    return container


class PreCaptureSessions(Profile):
    """Capture sessions that the database calls stuck or empty, against the final account's containers."""

    name = "pre-capture-sessions"
    title = "PRE capture sessions"
    description = (
        "Sessions that the database calls stuck, failed or empty, against the encoded recordings of the final account, "
        "and the registered recordings against their containers."
    )
    wording = WORDING
    showing = SHOWING
    modes = MODES
    options = OPTIONS
    connections = (
        storage(STORAGE),
        storage(INGEST, "ingest_account", needed=False),
        database(DATABASE),
    )
    # Containers are listed before the rows are read: what is registered in between looks registered, never lost.
    sources = (
        Source(
            CONTAINERS,
            STORAGE,
            lambda _asked, _moments: Containers(),
            ascends=True,
            unique=True,
            if_empty=gaps.NO_CONTAINER,
        ),
        Source(
            REGISTERED,
            DATABASE,
            lambda _asked, moments: queries.registered(moments),
            lambda _asked, moments, names: queries.recordings_again(moments, [*filter(is_canonical_id, names)]),
            RegisteredRecording.from_json,
            ascends=True,
        ),
        Source(CANDIDATES, DATABASE, queries.candidates, queries.sessions_again, Candidate.from_json, ascends=True),
        Source(CONTAINERS_AGAIN, STORAGE, lambda _asked, _moments: Containers(), ascends=True, after_scan=True),
    )
    joins = (
        Join(NAMES, ((CONTAINERS, _name), (REGISTERED, attrgetter("recording_id")), (CONTAINERS_AGAIN, _name))),
        Join(SESSIONS, ((CANDIDATES, _session_id),)),
    )
    scan = Scan(
        NAMES,
        open=select,
        opens_by=lambda asked: (CONTAINERS,) if asked.mode == FULL else (CONTAINERS, REGISTERED),
        lookups=lambda container, _hint: (BlobsOf(STORAGE, container, keep=MATTERING_SUFFIXES),),
        reduce=lambda container, results, latest: read_evidence(container, results[0], latest),
        pack=ContainerEvidence.to_json,
        unpack=ContainerEvidence.from_json,
        harmless=HARMLESS_SKIPS,
        kind=CONTAINER.name,
    )
    kinds = KINDS
    repairs = REPAIRS
    narrowed_by = ("since", "until")
    only = Keys(SESSIONS, "UUIDs of capture sessions", ANY_UUID, lambda text: str(UUID(text)))

    def look_at(self, subjects: Sequence[Named], found_by: AuditParameters) -> AuditParameters:  # noqa: ARG002 - it asks the same of all
        """Whatever their status is by now; only a container without a row can be a recording of theirs."""
        options = {**self.parameters().options, "statuses": STATUSES}
        return self.parameters(mode=FAST, only=tuple(one.id for one in subjects), options=options)

    def screen(self, join: str, group: Group, audit: Audit) -> Screened:
        return screening.screen(join, group, audit)

    def alike(self, join: str, group: Group, audit: Audit) -> Hashable | None:
        return screening.alike(join, group, audit)

    def again(self, join: str, group: Group, audit: Audit) -> Again:
        return screening.again(join, group, audit)

    def gaps(self, doubts: Iterable[Doubt], audit: Audit) -> Iterable[Gap]:
        return gaps.gaps(doubts, audit)

    def conclude(self, doubts: Iterable[Doubt], audit: Audit) -> Iterator[Subject | Gap]:
        yield from conclusion.conclude(doubts, audit)
        yield from gaps.in_question(doubts, audit)

    def notes(self, audit: Audit) -> Iterator[str]:
        """Warnings about a replica that lags behind, and about blobs with last changes in the future."""
        if (until := conclusion.replayed_until(audit)) is not None:
            yield (
                f"The rows come from a read replica that has replayed what happened until {until}. What a registration "
                "since then would explain is unverified: give the app the primary."
            )
        future = audit.sightings.get(FUTURE)
        if future is not None and future.furthest is not None:
            yield (
                f"{future.times:,} container{' holds' if future.times == 1 else 's hold'} blobs whose last change lies "
                f"in the future, up to {to_text(future.furthest)}. Such moments count as not given: storage's clock "
                "was ahead, or is."
            )

    def look_up(self, ids: Sequence[str]) -> str:
        return look_up.look_up(ids)
