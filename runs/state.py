"""The current state and phase of an audit, by its record, its artefacts and the Durable runtime."""

from datetime import datetime, timedelta
from enum import StrEnum

from adapters.store.overview import Artefacts
from adapters.store.reports import REPORT_FILES
from reconciliation.lifecycle import Phase, State
from reconciliation.run_record import FIRST_ATTEMPT, RunRecord

# An orchestration becomes visible only a moment after it was started.
START_GRACE = timedelta(minutes=1)
# One that is started again shows its old end until the runtime has processed the start.
_RESTART_GRACE = timedelta(seconds=15)


class Orchestration(StrEnum):
    """The state of an audit's orchestration in the Durable runtime, simplified."""

    WAITING = "waiting"
    WORKING = "working"
    ENDED = "ended"
    UNKNOWN = "unknown"

    @property
    def is_open(self) -> bool:
        """True until it has ended."""
        return self in {Orchestration.WAITING, Orchestration.WORKING}


def current_state(record: RunRecord, orchestration: Orchestration, now: datetime) -> State:
    """The state that the API shows: the record's own once the audit has ended, otherwise by its orchestration.

    ``interrupted``: the orchestration has ended or was never started, but the audit has not ended.
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
    """The step that an audit is in, by the artefacts of this attempt; None while it is queued."""
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
    """True if this attempt has scanned. A later attempt may start with all shards, so there the next step counts."""
    if attempt != FIRST_ATTEMPT:
        return any(name.startswith(f"{attempt}/") for name in artefacts.names)
    return shards is not None and sum(progress.done for progress in artefacts.shards.values()) == shards
