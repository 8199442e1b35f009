"""A profile whose one repair needs three settings: it copies files within a bucket, and marks their rows."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from reconciliation.effects import Guard, GuardedCopy, GuardedRemoval, GuardedSql, Values
from reconciliation.looks import Audit, Group
from reconciliation.profile import Connection, Grouped, Join, Keys, bucket, database
from reconciliation.queries import SqlRows
from reconciliation.repair import Repair
from reconciliation.rules import Kind, Rule, Severity
from reconciliation.tables import table

DATABASE, BUCKET = "COPYING_DATABASE", "COPYING_BUCKET"
REPAIR_DATABASE, REPAIR_BUCKET = "COPYING_REPAIR_DATABASE", "COPYING_REPAIR_BUCKET"
SCHEMA = "create table files (name text primary key, state text not null, audited text)"
GUARDS = (
    Guard("in_time", "the deadline is ahead"),
    Guard("is_waiting", "its row waits", moved=True),
)


def guarded(values: Values, deadline: datetime) -> SqlRows:
    statement = """
    select json_build_object('in_time', clock_timestamp() < %(deadline)s, 'is_waiting',
                             exists (select from files where name = %(source)s and state = 'waiting'))::text
    """
    return SqlRows(statement, {"source": values["source"], "deadline": deadline})


COPY = GuardedCopy(
    name="rescue_copy",
    means="its file is copied",
    setting=REPAIR_BUCKET,
    guards=GUARDS,
    guarded=guarded,
    most_seconds=60,
)
REMOVAL = GuardedRemoval(
    name="remove_copy",
    means="the copy of its file is deleted",
    setting=REPAIR_BUCKET,
    guards=GUARDS[:1],
    guarded=guarded,
    most_seconds=60,
)


def _marking(name: str, before: str, after: str) -> GuardedSql:
    return GuardedSql(
        name=name,
        means=f"its row says {after}",
        locks=("select from files where name = %(source)s for update",),
        guards=(Guard("is_so", f"its row says {before}"),),
        guarded=f"select exists (select from files where name = %(source)s and state = '{before}') as is_so",
        writes=(f"update files set state = '{after}', audited = %(trace)s where name = %(source)s",),
        left="select json_build_object('marked', name)::text from files where name = %(source)s",
        trace="select exists (select from files where name = %(source)s and audited = %(trace)s)",
        trace_rows=("trace",),
    )


MARK, MARK_BACK = _marking("mark", "waiting", "copied"), _marking("mark_back", "copied", "waiting")
REPAIR: Repair[Any] = Repair(
    name="rescue",
    means="Its file is copied, and its row says so.",
    kind="file",
    setting=REPAIR_DATABASE,
    statements=(COPY, REMOVAL, MARK, MARK_BACK),
    lookups=lambda _facts, _row: (),
    change=lambda _one: "Nothing is planned by tests.",
    expects=frozenset({"copied"}),
    two_persons=False,
    by_policy=True,
)


class Copying(Grouped):
    """Files that have rows."""

    name = "copying"
    connections: tuple[Connection, ...] = (database(DATABASE), bucket(BUCKET))
    sources = (table("files", DATABASE, "select name, state from files", key="name"),)
    joins = (Join("files", (("files", lambda row: str(row["name"])),)),)
    kinds = (
        Kind(
            "file",
            "file",
            (
                Rule(
                    verdict="waiting",
                    severity=Severity.HIGH,
                    means="It waits.",
                    holds=lambda state: state == "waiting",
                    next_step="Copy it.",
                    repair="rescue",
                ),
                Rule(
                    verdict="copied",
                    severity=Severity.LOW,
                    means="It was copied.",
                    holds=lambda _state: True,
                    next_step="Nothing.",
                ),
            ),
            keeps_ids=True,
        ),
    )
    only = Keys("files", "names of files")
    repairs = (REPAIR,)

    def facts(self, join: str, group: Group, before: Group | None, audit: Audit) -> Iterable[tuple[str, str, Any]]:
        for row in group.rows[0]:
            yield "file", group.key, row["state"]


PROFILE = Copying()
