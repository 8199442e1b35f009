"""A scripted service with stuck videos: its profiles, an audit, its report, and a repair."""

from collections.abc import Mapping
from typing import Any

from tests.auditctl.scripted_service import (
    AUDIT,
    AUDIT_ID,
    SOON,
    Reply,
    ScriptedService,
    accepted_document,
    ended_document,
)

PROFILE = "stuck-uploads"
REPAIR_ID = "20260131-100000-1a2b3c4d"
REPAIR = f"/repairs/{REPAIR_ID}"
DIGEST = "d" * 64
TENANT = "7d1f0c52-3b7e-4a52-9d0e-5c2f1a3b4d5e"
MENDED = {"never_started": "start_run", "run_lost": "start_run", "finished_not_marked": "mark_processed"}
VERDICTS = (*MENDED, "source_missing", "run_zombie", "ready_without_layout", "processing", "recently_run", "too_young")
RUN_ID = "3f6e1a52-0b7e-4c11-8d0e-9c2f1a3b4d5e"


def video(number: int) -> str:
    """The id of a video."""
    return f"a0000000-0000-4000-8000-{number:012}"


def profiles(*, told: bool = True) -> dict[str, Any]:
    """What GET /profiles answers; not ``told``: as a service of an earlier release."""
    verdicts: list[dict[str, Any]] = [
        {"subject": "video", "verdict": each, "severity": "high", "meaning": "It is."}
        | ({"repair": MENDED.get(each), "alarm": True} if told else {})
        for each in VERDICTS
    ]
    other: dict[str, Any] = {"subject": "session", "verdict": "lost", "severity": "high", "meaning": "It is."}
    return {
        "profiles": [
            {"name": PROFILE, "title": "Stuck uploads", "modes": ["fast"], "options": [], "verdicts": verdicts},
            {
                "name": "other",
                "modes": ["full"],
                "options": [],
                "verdicts": [other | ({"repair": None, "alarm": False} if told else {})],
            },
        ]
    }


def finding(number: int, verdict: str, **changes: object) -> dict[str, Any]:
    """A finding about a video that waits since 45 minutes."""
    found: dict[str, Any] = {
        "subject": {"kind": "video", "id": video(number)},
        "verdict": verdict,
        "reason": "It is.",
        "next_step": f"Mend {verdict}.",
        "name": f"talk-{number}",
        "status": "pending",
        "age_minutes": 45,
        "tenant_id": TENANT,
    }
    return found | changes


STUCK = (finding(1, "never_started"), finding(2, "run_lost", age_minutes=180, status="uploading"))


def report(*findings: dict[str, Any], complete: bool = True, counted: Mapping[str, list[str]] | None = None) -> Any:
    """The report of an audit with these findings."""
    word = "incomplete" if not complete else "findings" if findings else "clean"
    return {
        "complete": complete,
        "audit": {"id": AUDIT_ID, "environment": "production"},
        "outcome": {"code": {"clean": 0, "findings": 1, "incomplete": 3}[word], "word": word},
        "headline": "production: 2 videos are stuck; 7 of 7 folders read.",
        "parameters": {"age_minutes": 10},
        "findings": list(findings),
        "counted": {"video": dict(counted or {})},
    }


def serve_audit(service: ScriptedService, document: Any, *, told: bool = True) -> None:
    """Answer an audit whose report is the document."""
    outcome = document["outcome"]
    state = "completed" if document["complete"] else "incomplete"
    service.on("GET", "/profiles", Reply(profiles(told=told)))
    service.on("POST", "/audits", Reply(accepted_document(), 202, SOON))
    service.on("GET", AUDIT, Reply(ended_document(outcome["code"], outcome["word"], state)))
    service.on("GET", f"{AUDIT}/report", Reply(document))


def repair(state: str = "proposed", *, numbers: tuple[int, ...] = (1, 2), **changes: object) -> dict[str, Any]:
    """A repair that starts a run for each of these videos."""
    planned = [
        {
            "number": place,
            "subject": {"kind": "video", "id": video(number)},
            "verdict": "never_started",
            "repair": "start_run",
            "says": f"Create one run for video {video(number)}.",
            "shown": {"workers_online": 1},
        }
        for place, number in enumerate(numbers, 1)
    ]
    document: dict[str, Any] = {
        "id": REPAIR_ID,
        "profile": PROFILE,
        "audit_id": AUDIT_ID,
        "state": state,
        "digest": DIGEST,
        "proposed_by": "Ann",
        "counts": {"planned": len(numbers)},
        "plan": {
            "audited": {"environment": "production"},
            "expires_at": "2026-02-01T10:00:00Z",
            "changes": planned,
            "left_out": [],
            "notes": [],
        },
        "ledger": [],
    }
    return document | changes


def ending(number: int, word: str, why: str = "", **left: str) -> dict[str, Any]:
    """An entry of a repair's ledger."""
    return {"number": number, "ending": word, "why": why, "left": left}


def serve_repair(service: ScriptedService, *documents: Any) -> None:
    """Answer a repair: these documents, one after the other."""
    accepted = {"id": REPAIR_ID, "profile": PROFILE, "state": "proposing", "links": {}}
    service.on("POST", f"{AUDIT}/repairs", Reply(accepted, 202))
    service.on("POST", f"{REPAIR}/approve", Reply(accepted | {"state": "approved"}, 202))
    service.on("POST", f"{REPAIR}/reject", Reply(repair("rejected")))
    service.on("GET", REPAIR, *map(Reply, documents))
