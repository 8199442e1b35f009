"""The queries to the bot's Postgres. Rows come as they are, in the columns of either era; all values are bound."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self
from zoneinfo import ZoneInfo

from profiles.temp_recordings.names import DEPTH, is_meeting_id, prefixes_of
from profiles.temp_recordings.options import is_narrow
from reconciliation.parameters import AuditParameters
from reconciliation.queries import KeysUnder, Prefixes, SqlRows

CHUNKS, RECORDINGS, MEETINGS = "temp_recordings", "recordings", "meetings"
"""The names of the tables, and of the sources."""
FILES = "files"
"""The name of the source that lists the bucket."""
_KEYS = {CHUNKS: "meeting_id", RECORDINGS: "meeting_id", MEETINGS: "id"}
_ROWS = "select json_build_array(t.xmin::text, to_json(t))::text from {table} t"
_WIDER = timedelta(hours=4)
"""More than clocks are set forth or back, twice, and an audit that has begun takes."""
_EXPIRING = """t.{key}::text in (
    select c.meeting_id::text from temp_recordings c
    where (%(deletes_all)s or lower(trim(c.transcode_status::text)) in ('done', 'failed'))
    and case when pg_typeof(c.created_at) = 'timestamptz'::regtype then c.created_at::timestamptz <= %(moment)s
        else c.created_at::timestamp <= %(wall)s end
)"""


# An id may be that of a meeting, of a chunk or of a recording: what is meant is its meeting.
_WANTED = """(%(only)s::text[] is null or t.{key}::text = any(%(only)s::text[])
  or t.{key}::text in (select c.meeting_id::text from temp_recordings c where c.id::text = any(%(only)s::text[])
                       union all
                       select r.meeting_id::text from recordings r where r.id::text = any(%(only)s::text[])))"""


class Expiring(NamedTuple):
    """Which chunks the clean-up may be about to delete: those that were made up to ``moment``, or whose column names no
    zone and shows at most ``wall``; of every status (``deletes_all``), or only what is done or failed.
    """

    moment: datetime
    wall: datetime
    deletes_all: bool

    @classmethod
    def up_to(cls, moment: datetime, zone: ZoneInfo, *, deletes_all: bool) -> Self:
        """At least what was made up to ``moment``, by whichever reading of its wall clock: a few hours more."""
        return cls(moment + _WIDER, moment.astimezone(zone).replace(tzinfo=None) + _WIDER, deletes_all)


def files(asked: AuditParameters) -> Prefixes | KeysUnder | None:
    """All keys; where only some meetings are asked for, those that are named after them where their files belong; none
    where only what expires is looked at.
    """
    if asked.only:
        meetings = filter(is_meeting_id, asked.only)
        return KeysUnder(tuple(sorted(prefix for meeting in meetings for prefix in prefixes_of(meeting))))
    return None if is_narrow(asked) else Prefixes(depth=DEPTH)


def rows(table: str, asked: AuditParameters, expiring: Expiring | None = None) -> SqlRows:
    """The rows of a table, ascending by the meeting; of some meetings if the request names any, or of those of which
    any chunk is ``expiring``.
    """
    wanted, values = _WANTED, dict[str, Any](only=list(asked.only) or None)
    if expiring is not None:
        wanted = f"{wanted} and {_EXPIRING}"
        values |= expiring._asdict()
    sql = f'{_ROWS} where {wanted} order by t.{{key}}::text collate "C"'
    return SqlRows(_of(table, sql), values)


def rows_again(table: str, meetings: Sequence[str]) -> SqlRows:
    """The rows of the given meetings."""
    return SqlRows(_of(table, f"{_ROWS} where t.{{key}}::text = any(%(keys)s::text[])"), _values(meetings))


def _of(table: str, sql: str) -> str:
    return sql.format(table=table, key=_KEYS[table])


def _values(meetings: Sequence[str]) -> dict[str, Any]:
    return {"keys": list(meetings)}
