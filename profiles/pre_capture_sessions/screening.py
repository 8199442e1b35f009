"""The first look: what is in order is counted and dropped, the rest is read again (see ``conclusion``)."""

from collections.abc import Hashable, Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any

from profiles.pre_capture_sessions import names
from profiles.pre_capture_sessions.candidates import Candidate
from profiles.pre_capture_sessions.facts import ContainerFacts, SessionFacts
from profiles.pre_capture_sessions.keys import is_canonical_id, session_id_of
from profiles.pre_capture_sessions.kinds import CONTAINER, RECORDING, SESSION
from profiles.pre_capture_sessions.names import Name, judged_row, name_of
from profiles.pre_capture_sessions.options import FAST
from profiles.pre_capture_sessions.sessions import STILL_WORKING
from reconciliation.evidence import Unread, has_failed
from reconciliation.looks import MISSING, PLACED, Again, Audit, Group, Screened
from reconciliation.lookups import BlobCount, Lookup
from reconciliation.rules import Judgement, Kind

NAMES, SESSIONS = "names", "sessions"
FUTURE = "future"
"""The name of the sighting of a container with blobs whose last change lies in the future."""
INGEST = "INGEST_STORAGE"
# What a session is judged by that no container names, but for these moments. Its status tells whether others matter.
_words = attrgetter(
    "status",
    "origin",
    "case_state",
    "case_live",
    "live_recordings",
    "deleted_recordings",
    "withdrawn_recordings",
    "sibling_recordings",
    "has_ingest_address",
)
_dates = attrgetter("processing_at", "left_at", "stopped_at", "job_at")
_NO_DATES = (None,) * 4
# The account where hearings are recorded. Only sessions of these statuses may still have blobs there that matter.
_MAY_HAVE_INGEST = frozenset({"PROCESSING", "FAILURE", "NO_RECORDING", "RECORDING", "STANDBY"})


def screen(join: str, group: Group, audit: Audit) -> Screened:
    return _name(group, audit) if join == NAMES else _session(group, audit)


def alike(join: str, group: Group, audit: Audit) -> Hashable | None:
    """For ``Profile.alike``: nearly all names are of registered recordings, and many sessions were never used."""
    if join == NAMES:
        return names.alike(group, audit)
    rows: Sequence[Candidate] = group.rows[0]
    if group.links or not rows or rows[0].unreadable or rows[0].status in STILL_WORKING:
        return None
    undated, words = _dates(rows[0]) == _NO_DATES, _words(rows[0])
    return words if undated else None


def _name(group: Group, audit: Audit) -> Screened:
    name = name_of(group, audit)
    in_order: list[tuple[Kind[Any], str, Judgement[Any]]] = []
    sightings: list[tuple[str, datetime | None]] = []
    is_missing = name.is_missing
    container_in_doubt = name.container_in_doubt
    in_doubt = container_in_doubt or name.is_disputed or is_missing
    record = name.record
    if record is not None and not isinstance(record, Unread):
        if record.future is not None:
            sightings.append((FUTURE, record.future))
        if not container_in_doubt:
            judgement = CONTAINER.judged(ContainerFacts(record, name.row, audit.clock))
            in_order.append((CONTAINER, name.name, judgement))
    if name.row is not None:
        if is_missing or name.is_placed:
            sightings.append((MISSING if is_missing else PLACED, None))
        row = judged_row(name, audit)
        if row.rule.counted:
            in_order.append((RECORDING, name.name, row))
        else:
            in_doubt = True
    return Screened(in_order, in_doubt, () if record is None else _links(name), sightings)


def _links(name: Name) -> Sequence[tuple[str, str]]:
    unregistered = name.unregistered
    if unregistered is None or not unregistered.tracks:
        return ()
    return [(SESSIONS, session_id_of(key)) for key in sorted(unregistered.keys)]


def _session(group: Group, audit: Audit) -> Screened:
    rows: Sequence[Candidate] = group.rows[0]
    if not rows or group.links or not rows[0].has_id:
        return Screened(in_doubt=True)
    row = rows[0].without_future(audit.clock.latest)
    facts = SessionFacts(row, audit.clock, audit.coverage.is_complete, audit.asked.mode == FAST)
    judgement = SESSION.judged(facts)
    if judgement.rule.counted:
        return Screened([(SESSION, group.key, judgement)])
    return Screened(in_doubt=True)


def again(join: str, group: Group, audit: Audit) -> Again:
    """The second look reads a container, unless the scan failed to; of a session, it counts its booking's blobs in the
    ingest account.
    """
    if join == NAMES:
        name = name_of(group, audit)
        return Again(unit=not has_failed(name.record) and (name.is_placed or is_canonical_id(name.name)))
    return Again(late=_ingest(group.rows[0]))


def _ingest(rows: Sequence[Candidate]) -> tuple[Lookup, ...]:
    wanted = [row for row in rows if row.status in _MAY_HAVE_INGEST and not row.live_recordings and row.booking_id]
    return (BlobCount(INGEST, wanted[0].booking_id),) if wanted else ()
