"""The queries to PRE's database. The SQL is fixed; all values of a request are bound.

Tables and columns are those after pre-api's migration V053.
"""

from collections.abc import Sequence
from typing import Any

from profiles.pre_capture_sessions import options
from profiles.pre_capture_sessions.candidates import COLUMNS
from profiles.pre_capture_sessions.options import DEFAULT_STATUSES, NO_STATUS
from reconciliation.parameters import AuditParameters
from reconciliation.queries import Moments, SqlRows

# The trail: the last row that says PROCESSING, the first later one that says another status, the last stop; rows in the
# future are ignored, and so are those of our own repairs: they tell nothing of how the hearing ended. Old sessions may
# have no rows there at all. Each lateral part uses an index, whatever the planner knows of the tables.
_SESSIONS = """
select s.id::text as session_id, s.status::text as status, s.origin::text as origin, s.started_at, s.finished_at,
       b.scheduled_for, s.deleted_at, s.booking_id::text as booking_id, b.case_id::text as case_id,
       c.state::text as case_state, c.closed_at at time zone 'UTC' as case_closed_at,
       b.deleted_at is null and c.deleted_at is null as case_live,
       r.live as live_recordings, r.deleted as deleted_recordings, r.withdrawn as withdrawn_recordings,
       sibling.recordings as sibling_recordings,
       s.ingest_address is not null as has_ingest_address,
       trail.processing_at, trail.left_at, trail.stopped_at, job.made_at as job_at,
       s.xmin::text as row_token, {in_question} as in_question
  from capture_sessions s
  join bookings b on b.id = s.booking_id
  join cases c on c.id = b.case_id
 cross join lateral (select count(*) filter (where deleted_at is null) as live,
                            count(*) filter (where deleted_at is not null) as deleted,
                            count(*) filter (where deleted_at is not null and exists (
                              select from audits ours
                               where ours.table_record_id = recordings.id and ours.activity = 'DELETE'
                                 and ours.functional_area = 'capture-audit'
                                 and ours.created_at >= deleted_at)) as withdrawn
                       from recordings where capture_session_id = s.id) r
 cross join lateral (select count(*) as recordings
                       from capture_sessions other
                       join recordings theirs on theirs.capture_session_id = other.id and theirs.deleted_at is null
                      where other.booking_id = s.booking_id and other.id <> s.id) sibling
 cross join lateral (select p.processing_at,
                            min(a.created_at) filter (where a.created_at > p.processing_at
                              and a.created_at <= %(latest)s
                              and a.audit_details ->> 'captureSessionStatus' <> 'PROCESSING') as left_at,
                            max(a.created_at) filter (where a.activity = 'Stop'
                              and a.created_at <= %(latest)s) as stopped_at
                       from (select max(created_at) filter (
                                      where audit_details ->> 'captureSessionStatus' = 'PROCESSING'
                                        and created_at <= %(latest)s) as processing_at
                               from audits
                              where table_record_id = s.id and functional_area is distinct from 'capture-audit') p
                       left join audits a on a.table_record_id = s.id
                                         and a.functional_area is distinct from 'capture-audit'
                      group by p.processing_at) trail
 cross join lateral (select max(created_at) as made_at from encode_jobs where capture_session_id = s.id) job
"""
# When the hearing was: the first of three moments that is not in the future and a date of our era. A session without
# one is in question whatever time the request is about.
_HEARD = """coalesce(
         case when s.started_at between '0001-01-01Z' and %(latest)s then s.started_at end,
         case when s.finished_at between '0001-01-01Z' and %(latest)s then s.finished_at end,
         case when b.scheduled_for between '0001-01-01Z' and '9999-12-31Z' then b.scheduled_for end)"""
_IN_TIME = f"""
       (%(since)s::timestamptz is null or coalesce({_HEARD} >= %(since)s, true))
   and (%(until)s::timestamptz is null or coalesce({_HEARD} < %(until)s, true))
   and (%(only)s::uuid[] is null or s.id = any(%(only)s))
   and (%(ingest)s::text is null or position(%(ingest)s in s.ingest_address) > 0)
"""
_OF_STATUS = "(s.status::text = any(%(statuses)s::text[]) or (%(no_status)s::boolean and s.status is null))"

# Soft-deleted sessions are read on purpose: closing a case deletes its NO_RECORDING and FAILURE sessions, and with them
# every trace of a recording that was never registered.
_CANDIDATES = f"""
select json_build_array({", ".join(COLUMNS)})::text from (
{_SESSIONS.format(in_question="true")}
 where s.origin = 'PRE' and {_OF_STATUS} and {_IN_TIME}
 order by s.id
) candidate
"""  # noqa: S608 - made of constants of this module only

# A container may name a session of any status; which statuses were asked for matters only if the request chose them.
_SESSIONS_AGAIN = f"""
select json_build_array({", ".join(COLUMNS)})::text from (
{_SESSIONS.format(in_question=f"coalesce(({_IN_TIME}) and (%(any_status)s or {_OF_STATUS}), false)")}
 where s.id = any(%(ids)s::uuid[])
) session
"""  # noqa: S608 - as above

# A database without an encoding (SQL_ASCII) holds bytes, which need not be any text: its digests are of those bytes.
_REGISTERED = """
select json_build_array(
         r.id, r.capture_session_id,
         array_remove(array[
           case when r.deleted_at is not null then 'deleted' end,
           case when r.parent_recording_id is not null or r.version <> 1 then 'child' end,
           case when r.created_at > %(latest)s then 'future' when r.created_at >= %(recent)s then 'recent' end,
           case when s.origin::text like 'VODAFONE%%' then 'legacy' end,
           case when coalesce(r.duration, interval '0') <= interval '0' then 'no_duration' end,
           case when r.deleted_at is null and r.parent_recording_id is null and r.version = 1 and {double}
                then 'double' end], null),
         case when r.filename <> replace(r.capture_session_id::text, '-', '') || '_1280x720_4500k.mp4'
              then left(encode(sha256(convert_to(r.filename,
                     case getdatabaseencoding() when 'SQL_ASCII' then 'SQL_ASCII' else 'UTF8' end)), 'hex'), 16) end
       )::text
  from recordings r
  join capture_sessions s on s.id = r.capture_session_id
"""
# Whether a live first version stands beside another one of its session: for all rows by one pass over the table, for a
# few by its index.
_REGISTERED_OF_ALL = f"""
{_REGISTERED.format(double="twice.capture_session_id is not null")}
  left join (select capture_session_id
               from recordings
              where deleted_at is null and parent_recording_id is null and version = 1
              group by capture_session_id having count(*) > 1) twice on twice.capture_session_id = r.capture_session_id
 order by r.id
"""  # noqa: S608 - as above
_ANOTHER = """exists (
             select from recordings other
              where other.capture_session_id = r.capture_session_id and other.id <> r.id
                and other.deleted_at is null and other.parent_recording_id is null and other.version = 1)"""
_REGISTERED_AGAIN = f"""
{_REGISTERED.format(double=_ANOTHER)}
 where r.id = any(%(ids)s::uuid[])
"""


def candidates(parameters: AuditParameters, moments: Moments) -> SqlRows:
    """The sessions in question, ascending by id. A status of ``NO_STATUS`` selects the rows without one."""
    return SqlRows(_CANDIDATES, _values(parameters, moments))


def sessions_again(parameters: AuditParameters, moments: Moments, ids: Sequence[str]) -> SqlRows:
    """The given sessions, whatever their status and origin; ``in_question`` says which of them the request includes."""
    any_status = set(options.statuses(parameters)) == set(DEFAULT_STATUSES)
    return SqlRows(_SESSIONS_AGAIN, _values(parameters, moments) | {"ids": list(ids), "any_status": any_status})


def registered(moments: Moments) -> SqlRows:
    """Every row in ``recordings``, ascending by id."""
    return SqlRows(_REGISTERED_OF_ALL, moments.values)


def recordings_again(moments: Moments, ids: Sequence[str]) -> SqlRows:
    """The rows of the given recordings."""
    return SqlRows(_REGISTERED_AGAIN, moments.values | {"ids": list(ids)})


def _values(parameters: AuditParameters, moments: Moments) -> dict[str, Any]:
    chosen = options.statuses(parameters)
    return {
        "latest": moments.latest,
        "statuses": [status for status in chosen if status != NO_STATUS],
        "no_status": NO_STATUS in chosen,
        "since": parameters.since,
        "until": parameters.until,
        "only": list(parameters.only) or None,
        "ingest": options.ingest_address(parameters),
    }
