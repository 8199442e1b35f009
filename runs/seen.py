"""What is really going on in an audit: what its record and its steps say, beside the Durable runtime."""

from datetime import datetime, timedelta
from enum import StrEnum

from adapters.store.overview import Artefacts
from adapters.store.reports import REPORT_FILES
from reconciliation.lifecycle import Phase, State
from reconciliation.run_record import FIRST_ATTEMPT, RunRecord

# An orchestration becomes visible a moment after it was started; until then it is not missing.
START_GRACE = timedelta(minutes=1)
# One that is started again shows its old end until the runtime has taken the start.
_RESTART_GRACE = timedelta(seconds=15)


class Orchestration(StrEnum):
    """What the Durable runtime says of the orchestration of an audit, reduced to what matters here."""

    WAITING = "waiting"
    WORKING = "working"
    ENDED = "ended"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True while it is still to do something."""
        return self in {Orchestration.WAITING, Orchestration.WORKING}


def state_seen(record: RunRecord, orchestration: Orchestration, now: datetime) -> State:
    """The state as the API tells it: the record's own once the audit has ended, else what is really going on.

    ``interrupted`` means that the orchestration has ended, or never came, and the audit has not: nobody works on it.
    """
    if record.state.has_ended:
        return record.state
    if orchestration is Orchestration.WORKING:
        return State.RUNNING
    if orchestration is Orchestration.WAITING:
        return State.QUEUED
    if orchestration is Orchestration.UNKNOWN and now - record.updated_at < START_GRACE:
        return State.QUEUED
    begun_again = record.resumes > 0 or record.rounds > 0
    if begun_again and now - record.updated_at < _RESTART_GRACE:
        return State.QUEUED
    return State.INTERRUPTED


def phase_of(state: State, artefacts: Artefacts, shards: int | None, pulls: int, attempt: str) -> Phase | None:
    """The step that an audit is in, read off what the steps of this attempt before it have left behind."""
    if state.has_ended:
        return Phase.DONE
    if state is State.QUEUED:
        return None
    names, screened = artefacts.names, artefacts.names.get(f"{attempt}/screened.json")
    again = sum(name.startswith(f"{attempt}/again/") for name in names)
    done = {
        Phase.PULL: f"pulled/{pulls - 1}.json" in names,
        Phase.PLAN: shards is not None,
        Phase.SCAN: screened is not None or _is_scanned(artefacts, shards, attempt),
        Phase.SCREEN: screened is not None,
        Phase.LOOK_AGAIN: screened is not None and again >= int(screened.get("shards", "0")),
        Phase.JUDGE: names.get(REPORT_FILES["json"], {}).get("attempt") == attempt,
    }
    return next((phase for phase, is_done in done.items() if not is_done), Phase.REPORT)


def _is_scanned(artefacts: Artefacts, shards: int | None, attempt: str) -> bool:
    """True if this attempt has scanned. One that began again with all shards there says so by what it does next."""
    if attempt != FIRST_ATTEMPT:
        return any(name.startswith(f"{attempt}/") for name in artefacts.names)
    return shards is not None and sum(progress.done for progress in artefacts.shards.values()) == shards
