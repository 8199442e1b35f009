"""What is judged, and what a finding shows of each."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from profiles.pre_capture_sessions import containers, recordings, sessions
from profiles.pre_capture_sessions.candidates import Candidate, RegisteredRecording
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.facts import ContainerFacts, RecordingFacts, SessionFacts
from profiles.pre_capture_sessions.shown import UUID, ContainerShown, RecordingShown, SessionShown
from reconciliation.clock import Clock
from reconciliation.evidence import Unread
from reconciliation.rules import Kind
from reconciliation.times import optional_text


def _session(facts: SessionFacts) -> dict[str, Any]:
    session = facts.session
    return _shown(facts.clock, (*facts.evidence, *facts.mixed), session=session, at=session.hearing_at)


def _recording(facts: RecordingFacts) -> dict[str, Any]:
    return _shown(facts.clock, (facts.evidence,) if facts.evidence else (), row=facts.row)


def _container(facts: ContainerFacts) -> dict[str, Any]:
    return _shown(facts.clock, () if isinstance(facts.record, Unread) else (facts.record,), row=facts.row)


def _shown(
    clock: Clock,
    evidence: Iterable[ContainerEvidence],
    *,
    session: Candidate | None = None,
    row: RegisteredRecording | None = None,
    at: datetime | None = None,
) -> dict[str, Any]:
    """The same members for every kind, so that one table takes them all."""
    return {
        "hearing_at": optional_text(at),
        "session": session.shown() if session else None,
        "recording": {"session_id": row.session_id, "marks": list(row.marks)} if row else None,
        "evidence": [
            container.shown() | {"registered": row is not None, "complete": container.is_complete(clock)}
            for container in evidence
        ],
    }


def _case(facts: SessionFacts) -> str | None:
    return None if "case_id" in facts.session.unreadable else facts.session.case_id


SESSION = Kind(
    "capture_session", "session", sessions.RULES, _session, named=_case, keeps_ids=True, shape=SessionShown, ids=UUID
)
RECORDING = Kind("recording", "recording", recordings.RULES, _recording, shape=RecordingShown, ids=UUID)
CONTAINER = Kind("container", "container", containers.RULES, _container, shape=ContainerShown)
KINDS = (SESSION, RECORDING, CONTAINER)
