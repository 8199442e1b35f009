"""Other people and the audited service, played: what they start and write while repairs of a video are at work."""

from dataclasses import dataclass
from enum import StrEnum

from dev.chaos.repairs.rivals import Rival


class When(StrEnum):
    """When somebody else acts, in the course of the first repair that comes so far."""

    BEFORE = "before"  # after the plan was made, and before it is applied
    BEFORE_INSERT = "before_insert"  # between its look and the creation of its run
    AFTER_INSERT = "after_insert"  # its run is there, and it has not looked again
    AFTER_LAST_LOOK = "after_last_look"  # it has been answered that nobody else's is there: nobody can exclude that


@dataclass(frozen=True)
class RunRival:
    """A run without an idempotency key, as the product or a person makes one: the state that it gets."""

    name: str
    state: str
    upper_case: bool = False


RUNS = (
    RunRival("a run that is scheduled for now", "SCHEDULED"),
    RunRival("a run that a worker takes", "PENDING"),
    RunRival("a run that works", "RUNNING"),
    RunRival("a run that is paused", "PAUSED"),
    RunRival("a run that names its video in capitals", "SCHEDULED", upper_case=True),
)
"""What stands against a run of ours; two of ours are rivals of each other besides."""

_EDITED = "insert into video_database_state (video_id, database_name, tenant_id, server_version, lock_type)"
ROWS = (
    Rival(
        "a row written from memory", "same_row", "update videos set layout_status = layout_status where id = %(video)s"
    ),
    Rival("a run has ended", "same_row", "update videos set layout_status = 'annotate' where id = %(video)s"),
    Rival("a deletion", "same_row", "update videos set deleted_at = now() where id = %(video)s"),
    Rival("a row that is gone", "same_row", "delete from videos where id = %(video)s"),
    Rival("a first edit", "not_edited", f"{_EDITED} values (%(video)s, 'layout', %(tenant)s, 1, null)"),
    Rival("an editor's lock", "not_edited", f"{_EDITED} values (%(video)s, 'layout', %(tenant)s, 0, 'client')"),
)
"""What is written between the plan and the run, and the guard that it breaks first."""
MARKS = tuple(one for one in ROWS if one.sql.startswith("update"))
"""What is written while a repair waits for the row that it is to change."""
