"""The four changes that PRE's repairs make, each one transaction (see ``GuardedSql``).

Columns as pre-api writes them when it registers a recording itself (CaptureSessionService.stopCaptureSession,
RecordingService.upsert, AuditListener), after its migration V053. Every change locks the case and the booking first, so
that a closure that is about to commit is waited for; then the session, so that no recording can be inserted for it
meanwhile: the foreign key of a recording locks its session's row.

``FOR SHARE`` and ``FOR UPDATE`` need the right to update one column of the locked table. Only of capture_sessions and
recordings is any column really changed.
"""

from reconciliation.effects import Guard, GuardedSql

FUNCTIONAL_AREA = "capture-audit"
"""What pre-api's audit trail names as the origin of our rows."""

_LOCKS = (
    "select 1 from cases where id = %(case_id)s::uuid for share",
    "select 1 from bookings where id = %(booking_id)s::uuid for share",
    "select 1 from capture_sessions where id = %(session_id)s::uuid for update",
)
_LOCKS_WITH_RECORDING = (*_LOCKS, "select 1 from recordings where id = %(recording_id)s::uuid for update")
# A share that is being written holds its booking's key: FOR SHARE would not wait for it.
_LOCKS_AGAINST_USE = (
    _LOCKS[0],
    "select 1 from bookings where id = %(booking_id)s::uuid for update",
    *_LOCKS[2:],
)

_COMMON = (
    Guard("in_time", "the time for this change has not run out"),
    Guard("session_unchanged", "the session's row is as it was planned for", moved=True),
    Guard("session_live", "the session is not deleted"),
    Guard("session_of_pre", "the session's origin is PRE"),
    Guard("same_place", "the session belongs to the same booking and case"),
    Guard("booking_live", "its booking is not deleted"),
    Guard("case_live", "its case is not deleted"),
    Guard("case_open", "its case is open"),
    Guard("no_job", "the service follows no encode job of it"),
)
_COMMON_SQL = """
       clock_timestamp() < %(deadline)s::timestamptz as in_time,
       s.xmin::text = %(session_token)s::text
         and s.status::text is not distinct from %(session_status)s::text as session_unchanged,
       s.deleted_at is null as session_live,
       s.origin = 'PRE' as session_of_pre,
       s.booking_id = %(booking_id)s::uuid and b.case_id = %(case_id)s::uuid as same_place,
       b.deleted_at is null as booking_live,
       c.deleted_at is null as case_live,
       c.state = 'OPEN' as case_open,
       not exists (select from encode_jobs j where j.capture_session_id = s.id) as no_job"""
_OF_SESSION = """
  from capture_sessions s
  join bookings b on b.id = s.booking_id
  join cases c on c.id = b.case_id
 where s.id = %(session_id)s::uuid
"""
_OF_RECORDING = """
  from capture_sessions s
  join bookings b on b.id = s.booking_id
  join cases c on c.id = b.case_id
  left join recordings r on r.id = %(recording_id)s::uuid and r.capture_session_id = s.id
 where s.id = %(session_id)s::uuid
"""
_ONLY_RECORDING = (
    "not exists (select from recordings o where o.capture_session_id = s.id and o.id <> %(recording_id)s::uuid)"
)

# The details keep to the members that the service's own listener writes, so that whoever reads the trail finds them.
_AUDIT = """
insert into audits (id, table_name, table_record_id, source, category, activity, functional_area, created_at,
                    audit_details)
values (%({row})s::uuid, '{table}', %({record})s::uuid, 'AUTO', '{category}', '{activity}', 'capture-audit',
        clock_timestamp(),
        jsonb_build_object('captureSessionId', %(session_id)s::uuid::text, 'captureSessionStatus', {status},
                           'previousStatus', %(session_status)s::text{more}))
"""


def _audit(row: str, table: str, activity: str, status: str) -> str:
    category, record = ("Recording", "recording_id") if table == "recordings" else ("CaptureSession", "session_id")
    more = ", 'recordingId', %(recording_id)s::uuid::text" if table == "recordings" else ""
    return _AUDIT.format(
        row=row, table=table, record=record, category=category, activity=activity, status=status, more=more
    )


_AVAILABLE = "'RECORDING_AVAILABLE'"
_BACK = "%(status)s::text"
_SET_AVAILABLE = """
update capture_sessions set status = 'RECORDING_AVAILABLE'
 where id = %(session_id)s::uuid and xmin::text = %(session_token)s::text
"""
_SET_BACK = """
update capture_sessions set status = %(status)s::text::recording_status
 where id = %(session_id)s::uuid and xmin::text = %(session_token)s::text
"""
_ROWS = ("audit_recording", "audit_session", "audit_stop")
# What an undo is held to: nobody has written either row since. That they are as this change left them shows by our own
# audit row, which was written by the same transaction; where somebody was faster, there is no way back.
_TOKENS = """
select json_build_object('session_token', s.xmin::text, 'session_status', s.status::text,
                         'recording_id', r.id::text, 'recording_token', r.xmin::text)::text
  from capture_sessions s
  join recordings r on r.id = %(recording_id)s::uuid
  join audits ours on ours.id = %(audit_recording)s::uuid and ours.xmin = s.xmin and ours.xmin = r.xmin
 where s.id = %(session_id)s::uuid
"""
_TOKENS_OF_SESSION = """
select json_build_object('session_token', s.xmin::text, 'session_status', s.status::text)::text
  from capture_sessions s
  join audits ours on ours.id = %(audit_session)s::uuid and ours.xmin = s.xmin
 where s.id = %(session_id)s::uuid
"""


def _trace(row: str) -> str:
    return f"select exists (select from audits where id = %({row})s::uuid)"  # noqa: S608 - made of constants of this module


REGISTER_RECORDING = GuardedSql(
    name="register_recording",
    means="insert the recording, set the session's status to RECORDING_AVAILABLE, write three audit rows",
    locks=_LOCKS,
    guards=(
        *_COMMON,
        Guard("no_recording", "the session has no recording of any kind", moved=True),
        Guard("id_unused", "no recording has the container's id", moved=True),
    ),
    guarded=f"""
select {_COMMON_SQL},
       not exists (select from recordings r where r.capture_session_id = s.id) as no_recording,
       not exists (select from recordings r where r.id = %(recording_id)s::uuid) as id_unused
{_OF_SESSION}""",  # noqa: S608 - made of constants of this module
    writes=(
        """
insert into recordings (id, capture_session_id, parent_recording_id, version, filename, created_at, duration,
                        edit_instruction, deleted_at, is_reencode)
values (%(recording_id)s::uuid, %(session_id)s::uuid, null, 1, %(filename)s::text, clock_timestamp(),
        %(duration)s::text::interval, null, null, false)
""",
        _SET_AVAILABLE,
        _audit("audit_recording", "recordings", "CREATE", _AVAILABLE),
        _audit("audit_session", "capture_sessions", "UPDATE", _AVAILABLE),
        _audit("audit_stop", "capture_sessions", "Stop", _AVAILABLE),
    ),
    left=_TOKENS,
    trace=_trace("audit_recording"),
    trace_rows=_ROWS,
)

SET_STATUS = GuardedSql(
    name="set_status",
    means="set the session's status to RECORDING_AVAILABLE, write one audit row",
    locks=_LOCKS,
    guards=(*_COMMON, Guard("one_recording", "the session has exactly one live original recording", moved=True)),
    guarded=f"""
select {_COMMON_SQL},
       (select count(*) from recordings r
         where r.capture_session_id = s.id and r.deleted_at is null and r.parent_recording_id is null
           and r.version = 1) = 1 as one_recording
{_OF_SESSION}""",  # noqa: S608 - as above
    writes=(_SET_AVAILABLE, _audit("audit_session", "capture_sessions", "UPDATE", _AVAILABLE)),
    left=_TOKENS_OF_SESSION,
    trace=_trace("audit_session"),
    trace_rows=("audit_session",),
)

SET_STATUS_BACK = GuardedSql(
    name="set_status_back",
    means="set the session's status back to what it was, write one audit row",
    locks=_LOCKS_AGAINST_USE,
    guards=(
        *_COMMON,
        Guard("no_shares", "nothing was shared since the status was set", moved=True),
        Guard("not_used", "nobody has played or edited a recording of it since", moved=True),
    ),
    guarded=f"""
select {_COMMON_SQL},
       not exists (select from share_bookings h
                    where h.booking_id = s.booking_id and (h.created_at is null or h.created_at >= ours.at))
         as no_shares,
       not exists (select from recordings r
                     join audits a on a.audit_details ->> 'recordingId' = r.id::text
                                   or a.audit_details ->> 'recordinguid' = r.id::text
                    where r.capture_session_id = s.id and a.created_at >= ours.at
                      and (a.activity = 'Play' or a.audit_details ->> 'description' ilike '%%playback%%'))
         and not exists (select from recordings e
                          where e.capture_session_id = s.id and e.parent_recording_id is not null
                            and e.created_at >= ours.at) as not_used
  from capture_sessions s
  join bookings b on b.id = s.booking_id
  join cases c on c.id = b.case_id
 cross join lateral (select max(created_at) as at from audits
                      where table_record_id = s.id and functional_area = 'capture-audit') ours
 where s.id = %(session_id)s::uuid
""",  # noqa: S608 - as above
    writes=(_SET_BACK, _audit("audit_session", "capture_sessions", "UPDATE", _BACK)),
    left=_TOKENS_OF_SESSION,
    trace=_trace("audit_session"),
    trace_rows=("audit_session",),
)

WITHDRAW_RECORDING = GuardedSql(
    name="withdraw_recording",
    means="mark the recording as deleted, set the session's status back to what it was, write two audit rows",
    locks=(*_LOCKS_AGAINST_USE, _LOCKS_WITH_RECORDING[-1]),
    guards=(
        *_COMMON,
        Guard("recording_unchanged", "the recording's row is as the repair left it", moved=True),
        Guard("recording_live", "the recording is not deleted", moved=True),
        Guard("only_recording", "the session has no other recording", moved=True),
        Guard("no_edits", "nobody has edited it or asked for an edit", moved=True),
        Guard("no_shares", "nothing was shared since it was registered", moved=True),
        Guard("not_played", "nobody has played it", moved=True),
    ),
    guarded=f"""
select {_COMMON_SQL},
       r.xmin::text is not distinct from %(recording_token)s::text as recording_unchanged,
       r.id is not null and r.deleted_at is null as recording_live,
       {_ONLY_RECORDING} as only_recording,
       not exists (select from recordings e where e.parent_recording_id = %(recording_id)s::uuid)
         and not exists (select from edit_requests q where q.source_recording_id = %(recording_id)s::uuid) as no_edits,
       not exists (select from share_bookings h
                    where h.booking_id = s.booking_id and (h.created_at is null or h.created_at >= r.created_at))
         as no_shares,
       not exists (select from audits a
                    where a.created_at >= r.created_at
                      and (a.audit_details ->> 'recordingId' = %(recording_id)s::uuid::text
                           or a.audit_details ->> 'recordinguid' = %(recording_id)s::uuid::text)
                      and (a.activity = 'Play' or a.audit_details ->> 'description' ilike '%%playback%%')) as not_played
{_OF_RECORDING}""",  # noqa: S608 - as above
    writes=(
        """
update recordings set deleted_at = clock_timestamp()
 where id = %(recording_id)s::uuid and xmin::text = %(recording_token)s::text and deleted_at is null
""",
        _SET_BACK,
        _audit("audit_recording", "recordings", "DELETE", _BACK),
        _audit("audit_session", "capture_sessions", "UPDATE", _BACK),
    ),
    left=_TOKENS,
    trace=_trace("audit_recording"),
    trace_rows=("audit_recording", "audit_session"),
)

RESTORE_RECORDING = GuardedSql(
    name="restore_recording",
    means=(
        "take the mark of deletion from the recording that an earlier repair registered and took back, set the "
        "session's status to RECORDING_AVAILABLE, write three audit rows"
    ),
    locks=_LOCKS_WITH_RECORDING,
    guards=(
        *_COMMON,
        Guard("recording_unchanged", "the recording's row is as the repair left it", moved=True),
        Guard("recording_withdrawn", "the recording is marked as deleted", moved=True),
        Guard("only_recording", "the session has no other recording", moved=True),
    ),
    guarded=f"""
select {_COMMON_SQL},
       r.xmin::text is not distinct from %(recording_token)s::text as recording_unchanged,
       r.deleted_at is not null as recording_withdrawn,
       {_ONLY_RECORDING} as only_recording
{_OF_RECORDING}""",  # noqa: S608 - as above
    writes=(
        """
update recordings set deleted_at = null
 where id = %(recording_id)s::uuid and xmin::text = %(recording_token)s::text and deleted_at is not null
""",
        _SET_AVAILABLE,
        _audit("audit_recording", "recordings", "UPDATE", _AVAILABLE),
        _audit("audit_session", "capture_sessions", "UPDATE", _AVAILABLE),
        _audit("audit_stop", "capture_sessions", "Stop", _AVAILABLE),
    ),
    left=_TOKENS,
    trace=_trace("audit_recording"),
    trace_rows=_ROWS,
)

GRANTS = """
grant usage on schema public to {role};
grant select on cases, bookings, capture_sessions, recordings, encode_jobs, edit_requests, share_bookings, audits
   to {role};
grant update (modified_at) on cases, bookings to {role};  -- only to lock rows: no statement changes them
grant update (status) on capture_sessions to {role};
grant insert (id, capture_session_id, parent_recording_id, version, filename, created_at, duration, edit_instruction,
              deleted_at, is_reencode), update (deleted_at) on recordings to {role};
grant insert (id, table_name, table_record_id, source, category, activity, functional_area, created_at, audit_details)
   on audits to {role};
"""
"""The rights of the role that repairs connect with, and no others."""
