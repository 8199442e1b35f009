"""The document of an audit in the API: its record, its counts and its current state."""

from datetime import datetime
from typing import Any, NamedTuple

from adapters.store.overview import Artefacts
from reconciliation.lifecycle import Phase, State
from reconciliation.plan import Plan
from reconciliation.progress import sum_progress
from reconciliation.run_record import RunRecord
from reconciliation.times import to_text
from runs.context import Context
from runs.state import phase_of


async def shown(context: Context, record: RunRecord) -> dict[str, Any]:
    """The document of an audit, without its links. Raises ``UnreadableError`` if one of its artefacts is damaged."""
    services, state = context.services, await context.state(record)
    noun = services.noun_of(record)
    if record.state.has_ended or record.is_of_old_layout:
        return view_of_record(record, state, noun)
    plan = await services.store.plans.plan(record.folder)
    artefacts = await services.store.overview.artefacts(record.folder)
    profile = services.settings.profiles.get(record.parameters.profile)
    pulls = len(profile.pulls()) if profile else 1
    return audit_view(record, state, plan, artefacts, pulls=pulls, noun=noun, now=services.now())


class _Current(NamedTuple):
    state: State
    phase: Phase | None
    updated_at: datetime
    progress: dict[str, Any]
    dead_letters: int


def view_of_record(record: RunRecord, state: State, noun: str) -> dict[str, Any]:
    """The document of an audit that is no longer worked on, from its record alone; ``noun`` is the word for a unit if
    the record has none.
    """
    phase = Phase.DONE if state.has_ended else None
    progress = record.progress or sum_progress(None, None, 0, ()).to_json(None, noun)
    return _view(record, _Current(state, phase, record.updated_at, progress, record.dead_letters or 0))


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
    """The document of an audit that has not ended. ``pulls`` is the number of runs of its sources, ``noun`` the word
    for a unit.
    """
    progress, shards = artefacts.progress(plan), None if plan is None else len(plan.shards)
    phase = phase_of(state, artefacts, shards, pulls, record.attempt)
    eta = progress.eta_seconds(started_at=artefacts.scan_started_at, now=now) if phase is Phase.SCAN else None
    updated_at = max(record.updated_at, artefacts.last_modified or record.updated_at)
    return _view(record, _Current(state, phase, updated_at, progress.to_json(eta, noun), artefacts.dead_letters))


def _view(record: RunRecord, current: _Current) -> dict[str, Any]:
    return {
        "id": record.audit_id,
        "profile": record.parameters.profile,
        "state": current.state.value,
        "phase": None if current.phase is None else current.phase.value,
        "created_at": to_text(record.created_at),
        "updated_at": to_text(current.updated_at),
        "parameters": record.parameters.to_json(),
        "progress": current.progress,
        "outcome": None if record.outcome is None else record.outcome.to_json(),
        "summary": record.summary,
        "error": record.error,
        "resumes": record.resumes,
        "dead_letters": current.dead_letters,
    }
