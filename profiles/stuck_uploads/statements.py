"""The changes that repairs make: a run is created or cancelled in Prefect, a status is set in Postgres."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from profiles.stuck_uploads import starting
from profiles.stuck_uploads.dialects import Dialect
from profiles.stuck_uploads.keys import SOURCE
from profiles.stuck_uploads.runs import CANCELLED
from profiles.stuck_uploads.scan import BUCKET
from profiles.stuck_uploads.video_rules import MARK_PROCESSED, START_RUN
from reconciliation.effects import Ended, Ending, Guard, GuardedCalls, GuardedSql, Once, Values
from reconciliation.lookups import Lookup, ObjectsUnder, StoredObject
from reconciliation.queries import SqlRows

MARK_BACK = "mark_back"
_EDITED = """exists (
         select from video_database_state s
          where s.video_id = v.id
            and (coalesce(s.server_version, 1) > 0 or coalesce(s.lock_type, 'server') <> 'server'
                 or s.lock_holder_user_id is not null))"""
_SAME_ROW = Guard("same_row", "its row is as it was read", moved=True)
_WAITS = Guard("waits", "it has the status that it had, and was not deleted", moved=True)
_NOT_EDITED = Guard("not_edited", "nobody has edited it, or is about to", moved=True)
_IN_TIME = Guard("in_time", "it is done in time")
_SAME_SOURCE = Guard("same_source", "its file is the one that was read", moved=True)


def version_of(objects: Any, path: str, name: str) -> str:
    """The version of an object in the listing of a folder; "" if it is not there."""
    found = (StoredObject(*one) for one in objects or ())
    return next((one.version for one in found if one.key == f"{path}{name}"), "")


# --- a run ------------------------------------------------------------------------------------------------------------


def start_run(dialect: Dialect) -> GuardedCalls:
    status = dialect.columns["status"]
    # All names in it are constants of a dialect.
    sql = f"""
select json_build_object(
         'same_row', v.xmin::text = %(row_token)s,
         'waits', {status} is not distinct from %(status)s and v.deleted_at is null,
         'not_edited', not {_EDITED},
         'in_time', clock_timestamp() < %(deadline)s)::text
  from videos v
 where v.id = %(video_id)s::uuid
"""  # noqa: S608

    def guarded(values: Values, deadline: datetime) -> SqlRows:
        wanted = ("row_token", "status", "video_id")
        return SqlRows(sql, {**{name: values[name] for name in wanted}, "deadline": deadline})

    return GuardedCalls(
        name=START_RUN,
        means="create one run of it, scheduled ahead",
        guards=(_SAME_ROW, _WAITS, _NOT_EDITED, _IN_TIME, _SAME_SOURCE),
        guarded=guarded,
        lookups=_source_again,
        unchanged=_same_source,
        apply=starting.start,
        happened=starting.started,
        most_seconds=starting.MOST_SECONDS,
    )


def _source_again(values: Values) -> tuple[Lookup, ...]:
    return (ObjectsUnder(BUCKET, f"{values['path']}{SOURCE}"),)


def _same_source(values: Values, results: Sequence[Any]) -> Mapping[str, bool]:
    return {"same_source": version_of(results[0], str(values["path"]), SOURCE) == values["source_version"]}


def _cancelled(values: Values, _once: Once) -> starting.Talk[Ended]:
    if (yield from starting.state_of(str(values["run_id"]))) == CANCELLED:
        return Ended(Ending.ALREADY_DONE, "Its run had been cancelled before.", {"run_id": values["run_id"]})
    if (yield from starting.cancel(str(values["run_id"]))):
        return Ended(Ending.DONE, left={"run_id": values["run_id"]})
    return Ended(Ending.REFUSED, "A worker has taken the run: it is not cancelled any more.")


def _was_cancelled(values: Values, _once: Once) -> starting.Talk[Values | None]:
    state = yield from starting.state_of(str(values["run_id"]))
    return {"run_id": values["run_id"]} if state == CANCELLED else None


CANCEL_RUN = GuardedCalls(
    name="cancel_run",
    means="cancel its run, as long as no worker has taken it; once it runs there is no way back",
    guards=(_IN_TIME,),
    guarded=lambda _values, deadline: SqlRows(
        "select json_build_object('in_time', clock_timestamp() < %(deadline)s)::text", {"deadline": deadline}
    ),
    lookups=lambda _values: (),
    unchanged=lambda _values, _results: {},
    apply=_cancelled,
    happened=_was_cancelled,
    most_seconds=starting.MOST_SECONDS,
)


# --- a status ---------------------------------------------------------------------------------------------------------

# The table has no place for a trace. A row that is as it was read was not changed by anybody; of any other one, or of
# one that is gone, nobody can tell who has changed it.
_TRACE = """
select (select case when v.xmin::text = %(row_token)s then false end
          from videos v where v.id = %(video_id)s::uuid)
"""
_LOCK = "select from videos v where v.id = %(video_id)s::uuid for update"
_LEFT = "select json_build_object('row_token', v.xmin::text)::text from videos v where v.id = %(video_id)s::uuid"


def mark_processed(dialect: Dialect) -> GuardedSql:
    """From a status of a video that waits, or is called failed, to that of one that people can work with."""
    return _set_status(
        dialect,
        MARK_PROCESSED,
        f"set its status to {dialect.annotate}",
        from_status="%(status)s",
        to_status="%(processed)s",
    )


def mark_back(dialect: Dialect) -> GuardedSql:
    return _set_status(
        dialect,
        MARK_BACK,
        "set its status back to what it was, as long as nobody has touched its row",
        from_status="%(processed)s",
        to_status="%(status)s",
    )


def _set_status(dialect: Dialect, name: str, means: str, *, from_status: str, to_status: str) -> GuardedSql:
    column = dialect.status_column
    # All names in it are constants of a dialect.
    guarded = f"""
select v.xmin::text = %(row_token)s as same_row,
       v.{column}::text is not distinct from {from_status} and v.deleted_at is null as waits,
       not {_EDITED} as not_edited,
       clock_timestamp() < %(deadline)s as in_time
  from videos v where v.id = %(video_id)s::uuid
"""  # noqa: S608
    write = f"""
update videos set {column} = {to_status}
 where id = %(video_id)s::uuid and {column}::text is not distinct from {from_status}
   and xmin::text = %(row_token)s and deleted_at is null
"""  # noqa: S608
    return GuardedSql(
        name=name,
        means=means,
        locks=(_LOCK,),
        guards=(_SAME_ROW, _WAITS, _NOT_EDITED, _IN_TIME),
        guarded=guarded,
        writes=(write,),
        left=_LEFT,
        trace=_TRACE,
        trace_rows=(),
    )


def grants(dialect: Dialect) -> str:
    """The rights of the role that sets a status: ``{role}`` is its name."""
    column = dialect.status_column
    return (
        f"grant select on videos, video_database_state to {{role}};\ngrant update ({column}) on videos to {{role}};\n"
    )
