"""The changes that repairs make: files are copied within the bucket, and rows of Postgres are set by what files hold.

None of them deletes a file or changes a SHA-256 that is there, and none sets the status of a meeting.
"""

from collections.abc import Mapping
from datetime import datetime

from profiles.temp_recordings.saving import COPY
from reconciliation.effects import Guard, GuardedCopy, GuardedRemoval, GuardedSql, Values
from reconciliation.queries import SqlRows

REPAIR_DATABASE, REPAIR_BUCKET = "TEMP_RECORDINGS_REPAIR_DATABASE", "TEMP_RECORDINGS_REPAIR_BUCKET"
MARK, MARK_LATER, MARK_BACK, MARK_LATER_BACK = "mark_done", "mark_done_later", "mark_back", "mark_later_back"
CLEANED, CLEANED_BACK = "set_cleaned", "set_cleaned_back"
DURATION, DURATION_BACK = "fix_duration", "fix_duration_back"
FILES, FILES_BACK = "fix_recording_files", "fix_recording_files_back"
INSERT, INSERT_LATER, TAKE_OUT = "insert_recording", "insert_recording_later", "take_recording_out"
REMOVE, REMOVE_ORPHAN = "remove_copy", "remove_copy_of_orphan"
MARK_LEFTOVER, DELETE_ROW, INSERT_AGAIN = "mark_leftover", "delete_row", "insert_row_again"
_SECONDS_TO_COPY = 300

_IN_TIME = Guard("in_time", "it is done in time")
_SAME_ROW = Guard("same_row", "its row is as it was read", moved=True)

# --- copies -----------------------------------------------------------------------------------------------------------


def _clock(_values: Values, deadline: datetime) -> SqlRows:
    sql = "select json_build_object('in_time', clock_timestamp() < %(deadline)s)::text"
    return SqlRows(sql, {"deadline": deadline})


COPY_FILE = GuardedCopy(
    name=COPY,
    means="copy its file to where nothing is, and prove the copy by its SHA-256; no row is touched",
    setting=REPAIR_BUCKET,
    guards=(_IN_TIME,),
    guarded=_clock,
    most_seconds=_SECONDS_TO_COPY,
)


def _removal(name: str, unused: Guard, holds: str) -> GuardedRemoval:
    """Deletes a copy on which nothing rests: a chunk may have been marked as done behind it, and then the clean-up
    deletes the original.
    """
    sql = f"select json_build_object('in_time', clock_timestamp() < %(deadline)s, 'unused', {holds})::text"

    def guarded(values: Values, deadline: datetime) -> SqlRows:
        return SqlRows(sql, {**values, "deadline": deadline})

    return GuardedRemoval(
        name=name,
        means="delete the copy, as long as nothing rests on it, it is as it was left, and its original holds the same",
        setting=REPAIR_BUCKET,
        guards=(unused, _IN_TIME),
        guarded=guarded,
        most_seconds=_SECONDS_TO_COPY,
    )


REMOVE_COPY = _removal(
    REMOVE,
    Guard("unused", "the row of its chunk says what it said when the copy was made"),
    "exists (select from temp_recordings t where t.id = %(id)s and t.transcode_status::text = %(spelled)s)",
)
REMOVE_COPY_OF_ORPHAN = _removal(
    REMOVE_ORPHAN,
    Guard("unused", "there is still no row that names it"),
    "not exists (select from temp_recordings t"
    " where t.meeting_id = %(meeting_id)s and strpos(to_json(t)::text, %(stem)s) > 0)",
)

# --- rows -------------------------------------------------------------------------------------------------------------


def _set(name: str, means: str, table: str, columns: Mapping[str, str], *, also: str = "true") -> GuardedSql:
    """Sets columns of one row that is as it was read. ``also`` must hold besides; all names and texts are constants of
    this module.

    The tables have no place for a trace. A row that is as it was read was not changed by anybody; of any other one, or
    of one that is gone, nobody can tell who has changed it.
    """
    row = f"{table} t where t.id = %(id)s"
    sets = ", ".join(f"{column} = {value}" for column, value in columns.items())
    guarded = f"""
select t.xmin::text = %(row_token)s as same_row, {also} as as_it_was, clock_timestamp() < %(deadline)s as in_time
  from {row}
"""  # noqa: S608 - constants
    return GuardedSql(
        name=name,
        means=means,
        locks=(f"select from {row} for update",),
        guards=(_SAME_ROW, Guard("as_it_was", "it still says what is to be mended", moved=True), _IN_TIME),
        guarded=guarded,
        writes=(f"update {table} t set {sets} where t.id = %(id)s and t.xmin::text = %(row_token)s and {also}",),  # noqa: S608
        left=f"select json_build_object('row_token', t.xmin::text)::text from {row}",  # noqa: S608
        trace=f"select (select case when t.xmin::text = %(row_token)s then false end from {row})",  # noqa: S608
        trace_rows=(),
    )


_CHUNKS = "temp_recordings"
_WAITED = "t.transcode_status::text = %(spelled)s"
_WAITED_FOR_IT = (
    f"{_WAITED} and t.mp3_path is not distinct from %(old_mp3_path)s and t.sha256 is null"
    " and t.duration_ms is not distinct from %(old_duration_ms)s::int and t.completed_at is null"
)
_MARKED = "t.transcode_status::text = %(done)s"
CHUNK_CHANGES = (
    _set(
        MARK,
        "mark it as done, with path, SHA-256 and duration of its MP3 as that was read",
        _CHUNKS,
        {
            "transcode_status": "%(done)s",
            "mp3_path": "%(mp3_path)s",
            "sha256": "%(file_sha256)s",
            "duration_ms": "%(duration_ms)s",
            "completed_at": "%(completed_at)s::timestamp",
        },
        also=_WAITED_FOR_IT,
    ),
    _set(
        MARK_BACK,
        "let it wait again, as long as nobody has touched its row; the copy stays",
        _CHUNKS,
        {
            "transcode_status": "%(spelled)s",
            "mp3_path": "%(old_mp3_path)s",
            "sha256": "null",
            "duration_ms": "%(old_duration_ms)s::int",
            "completed_at": "null",
        },
        also=f"{_MARKED} and t.sha256 = %(file_sha256)s",
    ),
    _set(MARK_LATER, "mark it as done", _CHUNKS, {"transcode_status": "%(done)s"}, also=_WAITED),
    _set(
        MARK_LATER_BACK,
        "let it wait again, as long as nobody has touched its row; the copy stays",
        _CHUNKS,
        {"transcode_status": "%(spelled)s"},
        also=_MARKED,
    ),
    _set(
        CLEANED,
        "set its flag to what is there",
        _CHUNKS,
        {"cleaned": "%(cleaned)s::int"},
        also="t.transcode_status::text = %(spelled)s and t.cleaned = 1 - %(cleaned)s::int",
    ),
    _set(
        CLEANED_BACK,
        "set its flag back, as long as nobody has touched its row",
        _CHUNKS,
        {"cleaned": "1 - %(cleaned)s::int"},
        also="t.cleaned = %(cleaned)s::int",
    ),
)
RECORDING_CHANGES = (
    _set(
        DURATION,
        "set its duration to that of its file, counted from its frames",
        "recordings",
        {"duration_in_ms": "%(duration_ms)s"},
        also="t.duration_in_ms = 0 and lower(t.sha256) = %(file_sha256)s",
    ),
    _set(
        DURATION_BACK,
        "set its duration back to 0, as long as nobody has touched its row",
        "recordings",
        {"duration_in_ms": "0"},
        also="t.duration_in_ms = %(duration_ms)s and lower(t.sha256) = %(file_sha256)s",
    ),
)
MEETING_CHANGES = tuple(
    _set(
        name,
        means,
        "meetings",
        {"recording_files": f"%({after})s"},
        also=f"t.recording_files::jsonb is not distinct from %({before})s::jsonb and t.status::text = %(spelled)s",
    )
    for name, means, before, after in (
        (FILES, "write the recordings that there are into its row", "old", "new"),
        (FILES_BACK, "write back what its row named, as long as nobody has touched it", "new", "old"),
    )
)

# --- rows of which nothing is left to do ------------------------------------------------------------------------------

_IS_HELD = """exists (select from recordings r
                  where r.id = %(recording_id)s and lower(r.sha256) = %(recording_sha256)s
                    and r.meeting_id = t.meeting_id)"""
_ROW = "temp_recordings t where t.id = %(id)s"
_LEFTOVER = f"""
select t.xmin::text = %(row_token)s as same_row, lower(t.transcode_status::text) = 'done' as done,
       {_IS_HELD} as held, clock_timestamp() < %(deadline)s as in_time
  from {_ROW}
"""  # noqa: S608 - constants
_GUARDS = (
    _SAME_ROW,
    Guard("done", "it is done"),
    Guard("held", "the recording that holds it has the row and the SHA-256 that were verified"),
    _IN_TIME,
)
DELETIONS = (
    GuardedSql(
        name=MARK_LEFTOVER,
        means="keep its whole row in the ledger, and change nothing; a later plan may delete it",
        locks=(f"select from {_ROW} for update",),
        guards=_GUARDS,
        guarded=_LEFTOVER,
        writes=(),
        left=f"select json_build_object('row', to_json(t)::text, 'row_token', t.xmin::text)::text from {_ROW}",  # noqa: S608
        trace="select false",
        trace_rows=(),
    ),
    GuardedSql(
        name=DELETE_ROW,
        means="delete its row, which is in the ledger; no file is deleted",
        locks=(f"select from {_ROW} for update",),
        guards=_GUARDS,
        guarded=_LEFTOVER,
        writes=(f"delete from {_ROW} and t.xmin::text = %(row_token)s and {_IS_HELD}",),  # noqa: S608
        left="select json_build_object('row', %(row)s::text)::text",
        trace=f"select (select case when t.xmin::text = %(row_token)s then false end from {_ROW})",  # noqa: S608
        trace_rows=(),
    ),
    GuardedSql(
        name=INSERT_AGAIN,
        means="insert the whole row again, as it is in the ledger",
        locks=(),
        guards=(Guard("no_other", "there is no row of its id", moved=True), _IN_TIME),
        guarded=f"""
select not exists (select from {_ROW}) as no_other, clock_timestamp() < %(deadline)s as in_time
""",  # noqa: S608
        writes=(
            "insert into temp_recordings select * from json_populate_record(null::temp_recordings, %(row)s::json)",
        ),
        left=f"select json_build_object('row_token', t.xmin::text)::text from {_ROW}",  # noqa: S608
        # A row that is there and says something else may have been inserted and written since: nobody can tell.
        trace=f"""
select case when exists (select from {_ROW})
            then (select nullif(to_json(t)::jsonb = %(row)s::jsonb, false) from {_ROW}) else false end
""",  # noqa: S608
        trace_rows=(),
    ),
)

# --- a row of a final file --------------------------------------------------------------------------------------------

# Ids have 16 digits: those of this effect's own UUID, so that nobody else can have made the row.
_ID = "left(replace(%(recording_row)s::text, '-', ''), 16)"
_MADE = f"recordings t where t.id = {_ID}"


def _insert(name: str, columns: Mapping[str, str]) -> GuardedSql:
    names, values = ", ".join(columns), ", ".join(columns.values())
    by_user = " or t.user_id = %(user_id)s" if "user_id" in columns else ""
    guarded = f"""
select m.xmin::text = %(row_token)s as same_row,
       lower(m.status::text) not in ('recording', 'paused') as ended,
       not exists (select from recordings t
                    where t.sha256 = %(file_sha256)s
                       or (t.meeting_id = m.id and (t.filename = %(filename)s{by_user}))) as no_other,
       clock_timestamp() < %(deadline)s as in_time
  from meetings m where m.id = %(meeting_id)s
"""  # noqa: S608 - constants
    return GuardedSql(
        name=name,
        means="insert its row, with SHA-256 and duration of the file as it was read",
        locks=("select from meetings m where m.id = %(meeting_id)s for update",),
        guards=(
            Guard("same_row", "its meeting's row is as it was read", moved=True),
            Guard("ended", "its meeting has ended"),
            Guard("no_other", "there is no row of that file, of that SHA-256 or of that participant", moved=True),
            _IN_TIME,
        ),
        guarded=guarded,
        writes=(f"insert into recordings ({names}) values ({values})",),  # noqa: S608
        left=f"select json_build_object('id', t.id, 'row_token', t.xmin::text)::text from {_MADE}",  # noqa: S608
        trace=f"select exists (select from {_MADE})",  # noqa: S608
        trace_rows=("recording_row",),
    )


_COLUMNS = {
    "id": _ID,
    "created_at": "(clock_timestamp() at time zone %(zone)s)",
    "duration_in_ms": "%(duration_ms)s",
    "meeting_id": "%(meeting_id)s",
    "sha256": "%(file_sha256)s",
    "filename": "%(filename)s",
}
_AS_INSERTED = "t.xmin::text = %(row_token)s and t.sha256 = %(file_sha256)s and t.filename = %(filename)s"
_INSERTED = "recordings t where t.id = %(id)s"
INSERTS = (
    _insert(INSERT, _COLUMNS),
    _insert(INSERT_LATER, _COLUMNS | {"user_id": "%(user_id)s"}),
    GuardedSql(
        name=TAKE_OUT,
        means="delete the row that was inserted, as long as nobody has touched it; its file stays",
        locks=(f"select from {_INSERTED} for update",),
        guards=(_SAME_ROW, _IN_TIME),
        guarded=f"""
select t.xmin::text = %(row_token)s as same_row, clock_timestamp() < %(deadline)s as in_time from {_INSERTED}
""",  # noqa: S608
        writes=(f"delete from {_INSERTED} and {_AS_INSERTED}",),  # noqa: S608
        left="select json_build_object('id', %(id)s::text)::text",
        trace=f"select (select case when t.xmin::text = %(row_token)s then false end from {_INSERTED})",  # noqa: S608
        trace_rows=(),
    ),
)


def grants(*, documented: bool, deletes: bool = False) -> str:
    """The rights of the role that changes rows: ``{role}`` is its name. ``documented``: as ``Chunk.is_documented``;
    ``deletes``: where rows of leftovers may be deleted, and inserted again.
    """
    more = ", mp3_path, sha256, duration_ms, completed_at, cleaned" if documented else ""
    return (
        "grant select on meetings, recordings, temp_recordings to {role};\n"
        f"grant update (transcode_status{more}) on temp_recordings to {{role}};\n"
        "grant update (recording_files) on meetings to {role};\n"
        "grant insert, update (duration_in_ms), delete on recordings to {role};\n"
        + ("grant insert, delete on temp_recordings to {role};\n" if deletes else "")
    )
