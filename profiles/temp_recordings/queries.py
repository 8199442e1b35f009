"""The queries to the bot's Postgres. Rows come as they are, in the columns of either era; all values are bound."""

from collections.abc import Sequence
from typing import Any

from profiles.temp_recordings.names import DEPTH, is_meeting_id, prefixes_of
from reconciliation.parameters import AuditParameters
from reconciliation.queries import KeysUnder, Prefixes, SqlRows

CHUNKS, RECORDINGS, MEETINGS = "temp_recordings", "recordings", "meetings"
"""The names of the tables, and of the sources."""
FILES = "files"
"""The name of the source that lists the bucket."""
_KEYS = {CHUNKS: "meeting_id", RECORDINGS: "meeting_id", MEETINGS: "id"}
_ROWS = "select json_build_array(t.xmin::text, to_json(t))::text from {table} t"


# An id may be that of a meeting, of a chunk or of a recording: what is meant is its meeting.
_WANTED = """(%(only)s::text[] is null or t.{key}::text = any(%(only)s::text[])
  or t.{key}::text in (select c.meeting_id::text from temp_recordings c where c.id::text = any(%(only)s::text[])
                       union all
                       select r.meeting_id::text from recordings r where r.id::text = any(%(only)s::text[])))"""


def files(asked: AuditParameters) -> Prefixes | KeysUnder:
    """All keys; where only some meetings are asked for, those that are named after them where their files belong."""
    if not asked.only:
        return Prefixes(depth=DEPTH)
    meetings = filter(is_meeting_id, asked.only)
    return KeysUnder(tuple(sorted(prefix for meeting in meetings for prefix in prefixes_of(meeting))))


def rows(table: str, asked: AuditParameters) -> SqlRows:
    """The rows of a table, ascending by the meeting; of some meetings if the request names any."""
    wanted = _WANTED
    sql = f'{_ROWS} where {wanted} order by t.{{key}}::text collate "C"'
    return SqlRows(_of(table, sql), {"only": list(asked.only) or None})


def rows_again(table: str, meetings: Sequence[str]) -> SqlRows:
    """The rows of the given meetings."""
    return SqlRows(_of(table, f"{_ROWS} where t.{{key}}::text = any(%(keys)s::text[])"), _values(meetings))


def _of(table: str, sql: str) -> str:
    return sql.format(table=table, key=_KEYS[table])


def _values(meetings: Sequence[str]) -> dict[str, Any]:
    return {"keys": list(meetings)}
