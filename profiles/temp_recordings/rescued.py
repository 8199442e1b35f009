"""What lies in rescue/ altogether: how much, and how old; only a person deletes it."""

from datetime import datetime, timedelta

from profiles.temp_recordings import options
from profiles.temp_recordings.facts import FileFacts
from profiles.temp_recordings.names import RESCUE
from reconciliation.looks import Audit
from reconciliation.times import to_text
from reconciliation.totals import Sum, Total
from reconciliation.wording import plural

VERDICT = "in_rescue"


def _measure(facts: FileFacts) -> tuple[int, datetime | None]:
    return (0, None) if facts.file is None else (facts.file.size, facts.file.moment)


def _says(found: Sum, audit: Audit, complete: bool) -> str:
    where = f"In {RESCUE}"
    if options.is_narrow(audit.asked):
        where += ", of the meetings that were looked at,"
    known = "" if complete else ", as far as it could be read"
    if not found.number or found.earliest is None:
        return f"{where} lies nothing{known}."
    hours = audit.clock.age(found.earliest - audit.clock.storage_ahead) // timedelta(hours=1)
    lie = "lies" if found.number == 1 else "lie"
    many = f"{lie} {plural(found.number, 'file')} of {plural(found.amount, 'byte')} together"
    oldest = f"the oldest is of {to_text(found.earliest)}, {plural(hours, 'hour')} ago"
    return f"{where} {many}{known}; {oldest}. Only a person deletes them."


IN_RESCUE: Total[FileFacts] = Total(kind="file", verdict=VERDICT, measure=_measure, says=_says)
