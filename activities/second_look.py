"""Reading again, just before reporting, what the first look doubted: rows in the database, containers in storage.

What was registered in between looks registered then, and what cannot be read again is never reported as a finding.
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence

from activities.scan_shard import BlobLister, read_container, read_containers
from adapters.postgres import Snapshot
from adapters.services import Services
from reconciliation.candidates import Candidate, RegisteredRecording
from reconciliation.errors import AuditError
from reconciliation.evidence import Record, Unread
from reconciliation.profiles.profile import Query
from reconciliation.reconcile import FirstLook, SecondLook

logger = logging.getLogger("capture_audit.second_look")

_IDS_IN_ONE_QUERY = 5000
_PAUSE_SECONDS = 2.0
# Where the hearing itself was recorded; only these have not left it yet, or may have lost it on the way.
_MAY_HAVE_INGEST = frozenset({"PROCESSING", "FAILURE", "NO_RECORDING", "RECORDING", "STANDBY"})


async def look_again(first: FirstLook, services: Services, pause_seconds: float = _PAUSE_SECONDS) -> SecondLook:
    """Read everything that is in doubt once more. Failures are part of the answer; expected ones are not raised."""
    seen = await _containers(first.container_names, services, pause_seconds)
    # The rows last: what is registered while the containers are read is registered.
    rows = await _database(first, services, pause_seconds)
    if rows is None:
        return SecondLook({}, {}, seen, database_read=False)
    sessions, recordings = rows
    return SecondLook(sessions, recordings, seen, await _ingest(first, services))


async def _containers(names: Sequence[str], services: Services, pause_seconds: float) -> dict[str, Record]:
    """The containers in doubt by name; those that cannot be read are tried again, as often as in a scan."""
    seen: dict[str, Record] = {}
    for attempt in range(services.settings.max_passes):
        if attempt:
            await asyncio.sleep(pause_seconds)
        records: list[Record] = []
        await read_containers(services.lister, names, records, services.settings.scan_concurrency, timeout_seconds=None)
        seen |= {record.container: record for record in records}
        names = [record.container for record in records if isinstance(record, Unread) and record.failed]
        if not names:
            break
    return seen


async def _database(
    first: FirstLook, services: Services, pause_seconds: float
) -> tuple[dict[str, Candidate], dict[str, RegisteredRecording]] | None:
    """The rows in doubt by id, in one snapshot; None if the database cannot be read, asked twice."""
    profile, parameters = first.profile, first.parameters
    recent = services.now() - parameters.grace
    for attempt in (1, 2):
        try:
            async with services.database(profile).snapshot() as snapshot:
                sessions: dict[str, Candidate] = {}
                recordings: dict[str, RegisteredRecording] = {}
                for ids in _portions(first.session_ids):
                    async for text in _lines(snapshot, profile.sessions_again(parameters, ids)):
                        session = Candidate.from_json(json.loads(text))
                        sessions[session.session_id] = session
                for ids in _portions(first.recording_ids):
                    async for text in _lines(snapshot, profile.recordings_again(recent, ids)):
                        row = RegisteredRecording(*json.loads(text))
                        recordings[row.recording_id] = row
                return sessions, recordings
        except AuditError as error:
            logger.warning("The second look at the database failed, attempt %d: %s", attempt, error)
            if attempt == 1:
                await asyncio.sleep(pause_seconds)
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
        if session.status in _MAY_HAVE_INGEST and not session.live_recordings
    }
    waiting, found = iter(sorted(bookings)), dict[str, int]()

    async def work(lister: BlobLister) -> None:
        for booking in waiting:
            record = await read_container(lister, booking)
            if not isinstance(record, Unread):
                found[booking] = record.blobs
            elif not record.failed:
                found[booking] = 0
            else:
                logger.warning("The ingest container of booking %s could not be read: %s", booking, record.reason)

    async with asyncio.TaskGroup() as group:
        for _ in range(services.settings.scan_concurrency):
            group.create_task(work(services.ingest))
    return found
