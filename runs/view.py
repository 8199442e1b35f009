"""An audit as the API shows it: the run store's record and counts, beside what is really going on."""

from datetime import datetime
from typing import Any, NamedTuple

from adapters.store.overview import Artefacts
from reconciliation.lifecycle import Phase, State
from reconciliation.plan import Plan
from reconciliation.progress import sum_progress
from reconciliation.run_record import RunRecord
from reconciliation.times import to_text
from runs.context import Context
from runs.seen import phase_of


async def shown(context: Context, record: RunRecord) -> dict[str, Any]:
    """The document of an audit, but for its links. Raises ``UnreadableError`` if something that it left is damaged."""
    services, state = context.services, await context.state(record)
    noun = services.noun_of(record)
    if record.state.has_ended or record.is_of_old_layout:
        return view_of_record(record, state, noun)
    plan = await services.store.plans.plan(record.folder)
    artefacts = await services.store.overview.artefacts(record.folder)
    profile = services.settings.profiles.get(record.parameters.profile)
    pulls = len(profile.pulls()) if profile else 1
    return audit_view(record, state, plan, artefacts, pulls=pulls, noun=noun, now=services.now())


class _Seen(NamedTuple):
    state: State
    phase: Phase | None
    updated_at: datetime
    progress: dict[str, Any]
    dead_letters: int


def view_of_record(record: RunRecord, state: State, noun: str) -> dict[str, Any]:
    """The document of an audit on which nobody works any more, from its record alone; ``noun`` is what a unit is
    called where that does not tell.
    """
    phase = Phase.DONE if state.has_ended else None
    progress = record.progress or sum_progress(None, None, 0, ()).to_json(None, noun)
    return _view(record, _Seen(state, phase, record.updated_at, progress, record.dead_letters or 0))


def audit_view(
    record: RunRecord,
    state: State,
    plan: Plan | None,
    artefacts: Artefacts,
    *,
    pulls: int,
    noun: str,
    now: datetime,
) -> dict[str, Any]:
    """The document of an audit that has not ended. ``pulls`` is in how many runs its sources are read,
    ``noun`` what a unit is called.
    """
    progress, shards = artefacts.progress(plan), None if plan is None else len(plan.shards)
    phase = phase_of(state, artefacts, shards, pulls, record.attempt)
    eta = progress.eta_seconds(started_at=artefacts.scan_started_at, now=now) if phase is Phase.SCAN else None
    updated_at = max(record.updated_at, artefacts.last_modified or record.updated_at)
    return _view(record, _Seen(state, phase, updated_at, progress.to_json(eta, noun), artefacts.dead_letters))


def _view(record: RunRecord, seen: _Seen) -> dict[str, Any]:
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
    }
