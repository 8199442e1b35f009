"""What the API shows of an audit: the run store's record and counts, beside what the orchestration says."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from adapters.settings import Settings
from adapters.store.overview import Artefacts
from adapters.store.reports import REPORT_FILES
from reconciliation.lifecycle import Phase, State
from reconciliation.plan import Plan
from reconciliation.progress import sum_progress
from reconciliation.run_record import FIRST_ATTEMPT, RunRecord
from reconciliation.times import to_text

API = "/api"
"""The prefix of all routes, as host.json has it."""
_THIS_MACHINE = {"localhost": "localhost", "127.0.0.1": "127.0.0.1", "::1": "[::1]"}
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


class _Seen(NamedTuple):
    state: State
    phase: Phase | None
    updated_at: datetime
    progress: dict[str, Any]
    dead_letters: int


def view_of_record(record: RunRecord, state: State, base: str) -> dict[str, Any]:
    """The document of an audit on which nobody works any more, from its record alone."""
    phase = Phase.DONE if state.has_ended else None
    progress = record.progress or sum_progress(None, None, 0, ()).to_json(None)
    return _view(record, _Seen(state, phase, record.updated_at, progress, record.dead_letters or 0), base)


def audit_view(
    record: RunRecord,
    state: State,
    plan: Plan | None,
    artefacts: Artefacts,
    *,
    pulls: int,
    now: datetime,
    base: str,
) -> dict[str, Any]:
    """The document of an audit that has not ended. ``pulls`` is in how many runs its sources are read; ``base`` is the
    address of the API, without a trailing slash.
    """
    progress, shards = artefacts.progress(plan), None if plan is None else len(plan.shards)
    phase = phase_of(state, artefacts, shards, pulls, record.attempt)
    eta = progress.eta_seconds(started_at=artefacts.scan_started_at, now=now) if phase is Phase.SCAN else None
    updated_at = max(record.updated_at, artefacts.last_modified or record.updated_at)
    return _view(record, _Seen(state, phase, updated_at, progress.to_json(eta), artefacts.dead_letters), base)


def _view(record: RunRecord, seen: _Seen, base: str) -> dict[str, Any]:
    return {
        "id": record.audit_id,
        "profile": record.parameters.profile,
        "state": seen.state.value,
        "phase": None if seen.phase is None else seen.phase.value,
        "created_at": to_text(record.created_at),
        "updated_at": to_text(seen.updated_at),
        "parameters": record.parameters.to_json(),
        "progress": seen.progress,
        "outcome": None if record.outcome is None else record.outcome.to_json(),
        "summary": record.summary,
        "error": record.error,
        "resumes": record.resumes,
        "dead_letters": seen.dead_letters,
        "links": links(record.audit_id, base),
    }


def api_address(settings: Settings, asked: str) -> str:
    """Where the API is, for links, without a trailing slash: behind the front door, else at the app's own address.

    What a request says of its host (``asked`` is its URL) can be anything, so only a host that is this machine is
    believed, as it is in local development. Links are paths of the caller's own server where no address is known.
    """
    return f"{settings.public_url or settings.app_address or _this_machine(asked)}{API}"


def _this_machine(url: str) -> str:
    """The address of the local server in a URL; empty if it names any other, or none that can be read."""
    try:
        parts = urlsplit(url)
        port = "" if parts.port is None else f":{parts.port}"
    except ValueError:
        return ""
    host = _THIS_MACHINE.get(parts.hostname or "")
    return f"{parts.scheme}://{host}{port}" if host and parts.scheme in {"http", "https"} else ""


def links(audit_id: str, base: str) -> dict[str, str]:
    """Where an audit, its report and its page are; ``base`` as of ``api_address``."""
    here = f"{base}/audits/{audit_id}"
    return {"self": here, "report": f"{here}/report", "page": f"{here}/report?format=html"}
