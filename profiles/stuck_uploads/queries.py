"""The queries to the system's Postgres. The SQL is fixed for each dialect; all values of a request are bound."""

from collections.abc import Sequence
from typing import Any

from profiles.stuck_uploads import options
from profiles.stuck_uploads.dialects import UNFINISHED, Dialect
from profiles.stuck_uploads.keys import video_id
from reconciliation.parameters import AuditParameters
from reconciliation.queries import SqlRows

# A fast audit leaves out what was processed or deleted, unless it is asked for by its id; a status that is not known is
# no reason to leave a row out.
_WANTED = """
       (%(all)s::boolean or %(only)s::uuid[] is not null or {status} is null or {status} <> all(%(finished)s::text[]))
   and (%(statuses)s::text[] is null or {status} = any(%(statuses)s::text[]))
   and (%(only)s::uuid[] is null or v.id = any(%(only)s::uuid[]))
"""
_VIDEOS = """
select json_build_array(
         v.id, {name}, {status}, {created_at}, v.tenant_id, v.storage_key, v.size_bytes, v.deleted_at,
         {total_frames}, {boundaries_status}, {has_crops},
         coalesce(twin.apart <= interval '1 hour', false), v.xmin::text)::text
  from videos v
  left join (select v.id,
                    least({created_at} - lag({created_at}) over alike, lead({created_at}) over alike - {created_at})
                      as apart
               from videos v
              where v.deleted_at is null and v.size_bytes is not null
             window alike as (partition by v.tenant_id, {name}, v.size_bytes order by {created_at})
            ) twin on %(all)s::boolean and twin.id = v.id
 where {which}
"""
_STATES = """
select json_build_array(
         s.video_id, s.database_name, s.server_version, s.lock_type,
         s.lock_holder_user_id is not null, s.locked_at, s.xmin::text)::text
  from video_database_state s
  join videos v on v.id = s.video_id
 where {which}
"""
_THESE = "v.id = any(%(keys)s::uuid[])"


def videos(dialect: Dialect, asked: AuditParameters) -> SqlRows:
    """The videos in question, ascending by id."""
    return SqlRows(_of(_VIDEOS, dialect, _WANTED) + " order by v.id", _values(dialect, asked))


def videos_again(dialect: Dialect, asked: AuditParameters, ids: Sequence[str]) -> SqlRows:
    """The given videos, whatever their status."""
    return SqlRows(_of(_VIDEOS, dialect, _THESE), {"all": _values(dialect, asked)["all"], "keys": _ids(ids)})


def states(dialect: Dialect, asked: AuditParameters) -> SqlRows:
    """The databases of the videos in question, ascending by the video's id."""
    return SqlRows(_of(_STATES, dialect, _WANTED) + " order by s.video_id", _values(dialect, asked))


def states_again(dialect: Dialect, ids: Sequence[str]) -> SqlRows:
    """The databases of the given videos."""
    return SqlRows(_of(_STATES, dialect, _THESE), {"keys": _ids(ids)})


def _of(statement: str, dialect: Dialect, which: str) -> str:
    return statement.format(which=which.format(**dialect.columns), **dialect.columns)


def _ids(keys: Sequence[str]) -> list[str]:
    return [key for key in keys if video_id(key)]


def _values(dialect: Dialect, asked: AuditParameters) -> dict[str, Any]:
    finished = [status for status, stage in dialect.stages.items() if stage not in UNFINISHED]
    return {
        "all": asked.mode == options.FULL,
        "finished": finished,
        "statuses": list(asked.options["statuses"]) or None,
        "only": list(asked.only) or None,
    }
