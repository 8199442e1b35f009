"""Reading again, just before reporting, what the first look doubted: rows in the database, containers in storage.

What was registered in between looks registered then, and what cannot be read again is never reported as a finding.
"""

import json
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import NamedTuple

from activities.reading import SECONDS_BETWEEN_PASSES, reader_of
from adapters.postgres import Snapshot
from adapters.services import Services
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.conclusion import SecondLook
from profiles.pre_capture_sessions.evidence import Record
from profiles.pre_capture_sessions.first_look import FirstLook
from reconciliation.database import DatabaseState
from reconciliation.errors import AuditError
from reconciliation.evidence import Unread, has_failed
from reconciliation.profile import Query

logger = logging.getLogger("capture_audit.second_look")

_IDS_IN_ONE_QUERY = 5000
# Where the hearing itself was recorded; only these have not left it yet, or may have lost it on the way.
_MAY_HAVE_INGEST = frozenset({"PROCESSING", "FAILURE", "NO_RECORDING", "RECORDING", "STANDBY"})


async def look_again(first: FirstLook, services: Services) -> SecondLook:
    """Read everything that is in doubt once more. Failures are part of the answer; expected ones are not raised."""
    reader = reader_of(services, first.clock.storage_ahead)
    seen = await reader.read_patiently(first.container_names, services.settings.max_passes, first.believed)
    # The rows last: what is registered while the containers are read is registered.
    rows = await _database(first, services)
    if rows is None:
        return SecondLook({}, {}, seen, database_read=False)
    ingest = await _ingest(first, services)
    return SecondLook(
        rows.sessions, rows.recordings, seen, ingest, database=rows.state, database_ahead=rows.state.clock - rows.at
    )


class Rows(NamedTuple):
    """The rows in doubt by id, what the server says of itself, and when it said so by the app's clock."""

    sessions: dict[str, Candidate]
    recordings: dict[str, RegisteredRecording]
    state: DatabaseState
    at: datetime


async def _database(first: FirstLook, services: Services) -> Rows | None:
    """The rows in doubt in one snapshot; None if the database cannot be read, asked twice."""
    profile, parameters = first.profile, first.parameters
    moments = services.moments(parameters)
    for attempt in (1, 2):
        try:
            async with services.database(profile).snapshot() as snapshot:
                rows = Rows({}, {}, await snapshot.state(), services.now())
                for ids in _portions(first.session_ids):
                    async for text in _lines(snapshot, profile.sessions_again(parameters, moments, ids)):
                        session = Candidate.from_json(json.loads(text))
                        rows.sessions[session.session_id] = session
                for ids in _portions(first.recording_ids):
                    async for text in _lines(snapshot, profile.recordings_again(moments, ids)):
                        row = RegisteredRecording.from_json(json.loads(text))
                        rows.recordings[row.recording_id] = row
                return rows
        except AuditError as error:
            logger.warning("The second look at the database failed, attempt %d: %s", attempt, error)
            if attempt == 1:
                await services.sleep(SECONDS_BETWEEN_PASSES)
    return None


async def _lines(snapshot: Snapshot, query: Query) -> AsyncIterator[str]:
    async for lines in snapshot.lines(query):
        for line in lines:
            yield line


def _portions(ids: Sequence[str]) -> list[Sequence[str]]:
    return [ids[at : at + _IDS_IN_ONE_QUERY] for at in range(0, len(ids), _IDS_IN_ONE_QUERY)]


async def _ingest(first: FirstLook, services: Services) -> dict[str, int]:
    """How many blobs the ingest account holds of the bookings of sessions in doubt, as far as it can be read."""
    if services.ingest is None:
        return {}
    bookings = {
        session.booking_id
        for session in first.sessions.values()
        if session.status in _MAY_HAVE_INGEST and not session.live_recordings and session.booking_id
    }
    reader = reader_of(services, first.clock.storage_ahead, services.ingest)
    seen = await reader.read_patiently(sorted(bookings), passes=1)
    # One answer proves no absence, here as elsewhere.
    seen |= await reader.read_patiently([booking for booking, record in seen.items() if _is_nothing(record)], passes=1)
    found: dict[str, int] = {}
    for booking, record in seen.items():
        if has_failed(record):
            logger.warning("The ingest container of booking %s could not be read: %s", booking, record.reason)
        else:
            found[booking] = 0 if isinstance(record, Unread) else record.blobs
    return found


def _is_nothing(record: Record) -> bool:
    return not record.failed if isinstance(record, Unread) else not record.blobs
