"""What an audit must say of a plain world, worked out naively: whole lists, dictionaries, one subject after the other.

It shares nothing with the engine but the rule tables, the facts that they take, and words. Read it as a specification:
what is opened, who is judged, and what each rule gets to see.
"""

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic
from uuid import UUID

from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.evidence import ContainerEvidence, MediaFile, Record
from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from profiles.pre_capture_sessions.keys import name_digest
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from profiles.pre_capture_sessions.options import DEFAULT_STATUSES, FAST, NO_STATUS
from profiles.pre_capture_sessions.selection import NOT_A_RECORDING, OUTSIDE_PREFIXES, REGISTERED
from reconciliation.clock import Clock
from reconciliation.coverage import DELETED_DURING_SCAN
from reconciliation.evidence import Unread
from reconciliation.parameters import AuditParameters
from reconciliation.rules import FactsT, Judgement, Severity, judge
from tests.worlds.plain import PlainContainer, PlainWorld

SETTLE, TOLERANCE = timedelta(minutes=20), timedelta(minutes=5)
Subject = tuple[str, str]
_PAST = (
    "started_at",
    "finished_at",
    "deleted_at",
    "case_closed_at",
    "processing_at",
    "left_at",
    "stopped_at",
    "job_at",
)


@dataclass(frozen=True)
class Expected:
    """One judgement for each subject; how many containers were listed, skipped for which reason, and could not be
    read; and whether the audit may call itself complete.
    """

    verdicts: dict[Subject, Judgement[Any]]
    listed: int
    skipped: Counter[str]
    failed: int
    complete: bool


@dataclass(frozen=True)
class Scan:
    """What was opened: a record of each, and how many containers were not, for which reason. ``gone`` are the names of
    those that were to be opened and were deleted by then.
    """

    records: dict[str, Record]
    skipped: Counter[str]
    gone: set[str]


@dataclass
class Judged(Generic[FactsT]):
    """Judgements by id; whether any of these subjects seemed wrong, so that the database is asked again; and whether
    all of those could be seen, and believed, twice.
    """

    judgements: dict[str, Judgement[FactsT]] = field(default_factory=dict)
    read_twice: bool = True
    in_doubt: bool = False


def expected(world: PlainWorld) -> Expected:
    """What an audit must say of the world."""
    clock = clock_of(world)
    scan = scanned(world, clock)
    in_question = [one for one in world.sessions if is_candidate(one, world.parameters, world.as_of + TOLERANCE)]
    # An account without a container proves nothing, and neither does one of which something was left out.
    failed = sum(isinstance(record, Unread) for record in scan.records.values())
    covered = bool(world.containers) and not failed and not scan.skipped[OUTSIDE_PREFIXES]

    containers = judged_containers(world, clock, scan, in_question)
    disbelieved = {name for name, one in containers.items() if one.record != scan.records[name]}
    sessions = judged_sessions(world, clock, in_question, scan, containers, covered=covered)
    recordings = judged_recordings(world, scan)

    ids = {session.session_id for session in world.sessions}
    # A session that was asked for by its id and has no row among those in question is looked up once more.
    without_row = set(world.parameters.only) - {session.session_id for session in in_question}
    in_doubt = is_any_in_doubt(world, scan) or sessions.in_doubt or recordings.in_doubt or bool(without_row)
    sure = not (world.database_lost and in_doubt) and set(world.parameters.only) <= ids
    read_twice = not disbelieved and sessions.read_twice and recordings.read_twice
    verdicts: dict[Subject, Judgement[Any]] = {}
    verdicts |= {(CONTAINER.name, name): judge(CONTAINER.rules, one) for name, one in containers.items()}
    verdicts |= {(SESSION.name, one): judgement for one, judgement in sessions.judgements.items()}
    verdicts |= {(RECORDING.name, one): judgement for one, judgement in recordings.judgements.items()}
    return Expected(verdicts, len(world.containers), scan.skipped, failed, covered and sure and read_twice)


# --- clocks and names -------------------------------------------------------------------------------------------------


def clock_of(world: PlainWorld) -> Clock:
    """Storage's clock is set right only if it is further off than clocks may differ."""
    ahead = world.storage_ahead if abs(world.storage_ahead) > TOLERANCE else timedelta()
    now = world.as_of + world.later
    return Clock(world.as_of, world.parameters.grace, SETTLE, now, TOLERANCE, ahead)


def is_a_recording(name: str) -> bool:
    """A recording's container is named by its id, as the database writes it, and nothing else."""
    try:
        return str(UUID(name)) == name
    except ValueError:
        return False


def key_in(blob: str) -> str | None:
    """A track names its session by 32 hex digits at its beginning, and no 33rd."""
    key, following = blob[:32].lower(), blob[32:33].lower()
    named = len(key) == 32 and set(key) <= set("0123456789abcdef") and following not in set("0123456789abcdef")
    return key if named else None


# --- storage ----------------------------------------------------------------------------------------------------------


def scanned(world: PlainWorld, clock: Clock) -> Scan:
    """Every container is opened, or in a fast audit every one that can be a recording and has no row; and none outside
    the prefixes that were asked for. What was deleted after the listing is no gap.
    """
    registered = {row.recording_id for row in world.rows}
    parameters, records, skipped, gone = world.parameters, dict[str, Record](), Counter[str](), set[str]()
    for one in world.containers:
        fast = parameters.mode == FAST
        if parameters.options["container_prefixes"] and not one.name.startswith(
            parameters.options["container_prefixes"]
        ):
            skipped[OUTSIDE_PREFIXES] += 1
        elif fast and one.name in registered:
            skipped[REGISTERED] += 1
        elif fast and not is_a_recording(one.name):
            skipped[NOT_A_RECORDING] += 1
        elif one.deleted:
            skipped[DELETED_DURING_SCAN] += 1
            gone.add(one.name)
        else:
            records[one.name] = Unread(one.name, "403", failed=True) if one.refused else seen_in(one, clock)
    return Scan(records, skipped, gone)


def seen_in(container: PlainContainer, clock: Clock) -> ContainerEvidence:
    """What matters of a container's blobs. A moment that has not come yet when verdicts are given says nothing."""
    latest = clock.latest + clock.storage_ahead
    blobs = sorted(container.blobs, key=lambda blob: blob.name)
    tracks = [blob for blob in blobs if blob.name.lower().endswith(".mp4")]
    manifests = [blob.size for blob in blobs if blob.name.lower().endswith(".ism")]
    unkeyed = [blob.name for blob in tracks if key_in(blob.name) is None]
    past = [blob.last_modified for blob in blobs if blob.last_modified <= latest]
    return ContainerEvidence(
        container.name,
        blobs=len(blobs),
        media=tuple(
            MediaFile(one.name, key, one.size, one.last_modified) for one in tracks if (key := key_in(one.name))
        ),
        unkeyed=tuple(name_digest(name) for name in unkeyed),
        # An edit's output is named after its own container.
        edit_output=any(name.startswith(container.name[:32]) for name in unkeyed),
        empty_media=sum(blob.size == 0 for blob in tracks),
        manifest_bytes=max(manifests, default=None),
        oldest=min(past, default=None),
        newest=max(past, default=None),
        future=max((blob.last_modified for blob in blobs if blob.last_modified > latest), default=None),
    )


def is_any_in_doubt(world: PlainWorld, scan: Scan) -> bool:
    """What has no row, could not be read, or is only in the first of the two listings is looked up once more. Whether a
    registered one is gone that was to be opened is for the judgement of its row.
    """
    registered = {row.recording_id for row in world.rows}
    disputed = {one.name for one in world.containers if one.deleted} - (registered & scan.gone)
    return bool(disputed) or any(
        isinstance(record, Unread) or (is_a_recording(name) and name not in registered)
        for name, record in scan.records.items()
    )


def judged_containers(
    world: PlainWorld, clock: Clock, scan: Scan, in_question: list[Candidate]
) -> dict[str, ContainerFacts]:
    """The facts of every container that was opened, by its row and the sessions as they stand when verdicts are given.

    A key counts if it is the id of some session, asked for or not. If the database cannot be reached again, only the
    sessions in question are known to exist, and no container without a row is believed to have none, unless it would
    only be counted. If the database is a replica, a row that it does not have yet would explain what seems wrong.
    What is not believed counts as not read.
    """
    after = world if world.database_lost else world.afterwards()
    rows = {row.recording_id: row for row in after.rows}
    sessions = in_question if world.database_lost else after.sessions
    keys = {key_of(one) for one in sessions}
    asked = {key_of(one) for one in sessions if is_asked(one, world.parameters, clock.latest)}
    asked |= {key_of(one) for one in in_question}
    containers: dict[str, ContainerFacts] = {}
    for name, record in scan.records.items():
        known = frozenset[str]() if isinstance(record, Unread) else record.keys & keys
        facts = ContainerFacts(record, rows.get(name), clock, known, known & asked)
        judgement = judge(CONTAINER.rules, facts)
        lost = world.database_lost and not judgement.rule.counted
        behind = world.is_replica and facts.row is None and judgement.severity is not Severity.INFO
        if (lost or behind) and not isinstance(record, Unread):
            facts = ContainerFacts(Unread(name, "not believed", failed=True), facts.row, clock)
        containers[name] = facts
    return containers


# --- sessions ---------------------------------------------------------------------------------------------------------


def key_of(session: Candidate) -> str:
    """A session's id as blobs name it; none that a blob could name if it cannot be read."""
    return session.session_id.replace("-", "") if is_a_recording(session.session_id) else ""


def heard_at(session: Candidate, latest: datetime) -> datetime | None:
    """When the hearing was: its start, or its end, unless they are still to come; or when it was to be."""
    happened = [at for at in (session.started_at, session.finished_at) if at is not None and at <= latest]
    return happened[0] if happened else session.scheduled_for


def is_meant(session: Candidate, parameters: AuditParameters, latest: datetime) -> bool:
    """The question is about this time, and about this session. One of which no time is known is of any time."""
    at, since, until = heard_at(session, latest), parameters.since, parameters.until
    in_time = at is None or ((since is None or at >= since) and (until is None or at < until))
    return in_time and (not parameters.only or session.session_id in parameters.only)


def is_candidate(session: Candidate, parameters: AuditParameters, latest: datetime) -> bool:
    """The sessions in question: PRE's own, meant, and of a status that was asked for."""
    of_status = (session.status or NO_STATUS) in parameters.options["statuses"]
    return session.origin == "PRE" and of_status and is_meant(session, parameters, latest)


def is_asked(session: Candidate, parameters: AuditParameters, latest: datetime) -> bool:
    """A session that a container names may be of any origin, and of any status unless statuses were chosen."""
    any_status = set(parameters.options["statuses"]) == set(DEFAULT_STATUSES)
    of_status = (session.status or NO_STATUS) in parameters.options["statuses"]
    return (any_status or of_status) and is_meant(session, parameters, latest)


def judged_sessions(
    world: PlainWorld,
    clock: Clock,
    in_question: list[Candidate],
    scan: Scan,
    containers: dict[str, ContainerFacts],
    *,
    covered: bool,
) -> Judged[SessionFacts]:
    """Every session in question, and every other one that is asked for and named by a track in a container that can be
    a recording and had no row at first, edit outputs included.

    One in question that no such container names, and that is in order as its row was at first, is only counted. All
    others are judged by their rows as they stand then; if those cannot be had, they are unverified, and so are those
    that a container names which is not believed. What is wrong with a session without a recording may be explained by
    what a replica does not have yet.
    """
    registered = {row.recording_id for row in world.rows}
    read = [record for record in scan.records.values() if not isinstance(record, Unread)]
    loose = [one for one in read if is_a_recording(one.container) and one.container not in registered]
    named = {key for one in loose for key in one.keys}
    disbelieved = {key for one in loose if containers[one.container].record != one for key in one.keys}

    def facts_of(session: Candidate) -> SessionFacts:
        # Evidence is what can be a recording, has no row and is no edit's output; what names two sessions is nobody's.
        evidence = [one for name, one in containers.items() if is_a_recording(name) and one.row is None]
        evidence = [one for one in evidence if key_of(session) in one.sessions and not one.evidence.edit_output]
        has_id = bool(key_of(session))
        return SessionFacts(
            without_future(session, clock.latest),
            clock,
            covered,
            world.parameters.mode == FAST,
            read_twice=not has_id or (not world.database_lost and key_of(session) not in disbelieved),
            evidence=tuple(one.evidence for one in evidence if len(one.sessions) == 1),
            mixed=tuple(one.evidence for one in evidence if len(one.sessions) > 1),
            ingest_blobs=ingest_blobs(world, session),
        )

    judged = Judged[SessionFacts]()
    then = {session.session_id: session for session in world.afterwards().sessions}
    in_doubt: list[Candidate] = []
    for session in in_question:
        alone = SessionFacts(without_future(session, clock.latest), clock, covered, world.parameters.mode == FAST)
        judgement = judge(SESSION.rules, alone)
        if judgement.rule.counted and key_of(session) not in named:
            judged.judgements[session.session_id] = judgement
        else:
            in_doubt.append(session if world.database_lost else then[session.session_id])
    if not world.database_lost:
        others = then.keys() - {session.session_id for session in in_question}
        beside = [then[one] for one in others if key_of(then[one]) in named]
        in_doubt += [one for one in beside if is_asked(one, world.parameters, clock.latest)]

    judged.in_doubt = any(map(key_of, in_doubt))
    for session in in_doubt:
        facts = facts_of(session)
        judgement = judge(SESSION.rules, facts)
        behind = world.is_replica and not world.database_lost and not session.live_recordings
        if behind and judgement.severity is not Severity.INFO:
            judgement = judge(SESSION.rules, replace(facts, read_twice=False))
            judged.read_twice = False
        judged.judgements[session.session_id] = judgement
    return judged


def without_future(session: Candidate, latest: datetime) -> Candidate:
    """What has happened cannot have happened tomorrow: such moments count as not given."""
    ahead = {name: at for name in _PAST if (at := getattr(session, name)) is not None and at > latest}
    not_given: dict[str, Any] = dict.fromkeys(ahead)
    return replace(session, future=ahead, **not_given)


def ingest_blobs(world: PlainWorld, session: Candidate) -> int | None:
    """How many blobs the ingest account has of its booking; nothing is known if there is no account or it refuses."""
    if world.ingest is None or world.database_lost:
        return None
    container = world.ingest.get(session.booking_id, PlainContainer(session.booking_id))
    return None if container.refused else len(container.blobs)


# --- registered recordings --------------------------------------------------------------------------------------------


def judged_recordings(world: PlainWorld, scan: Scan) -> Judged[RecordingFacts]:
    """Every row that was there at first, beside its container; only if the question is about everything.

    In a second look the container is opened also if the scan did not open it, and what is in it is not judged then.
    What the scan could not open is not tried again: its row is judged by what the row says.
    """
    parameters = world.parameters
    narrowed = (parameters.since, parameters.until, parameters.options["ingest_address_contains"], *parameters.only)
    everything = not any(narrowed) and set(parameters.options["statuses"]) == set(DEFAULT_STATUSES)
    stored = {one.name: one for one in world.containers if not one.deleted}
    judged = Judged[RecordingFacts]()
    for row in world.rows:
        record = scan.records.get(row.recording_id)
        seen = None if isinstance(record, Unread) else record
        facts = RecordingFacts(row, clock_of(world), row.recording_id in stored, seen, judged=everything)
        judgement = judge(RECORDING.rules, facts)
        if not judgement.rule.counted and is_a_recording(row.recording_id):
            judged.in_doubt = True
            refused = record is None and row.recording_id in stored and stored[row.recording_id].refused
            judged.read_twice = judged.read_twice and not refused
            facts = facts._replace(read_twice=not refused and not world.database_lost)
            judgement = judge(RECORDING.rules, facts)
        judged.judgements[row.recording_id] = judgement
    return judged
