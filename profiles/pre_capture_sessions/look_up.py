"""What a report does not hold, for whoever may read it in the database: the case's reference and the court's name."""

from collections.abc import Sequence
from uuid import UUID

_LOOK_UP = """\
select cases.id as case_id, cases.reference, courts.name as court
  from cases
  join courts on courts.id = cases.court_id
 where cases.id in (
{ids}
)
 order by courts.name, cases.reference;
"""


def look_up(case_ids: Sequence[str]) -> str:
    """A statement that a person runs as it is, with the ids (at least one) as literals.

    The app does not run it: its role may not read courts. Raises ``ValueError`` for an id that is not a UUID.
    """
    return _LOOK_UP.format(ids=",\n".join(f"  '{UUID(case_id)}'" for case_id in case_ids))  # literals of UUIDs only
