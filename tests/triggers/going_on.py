"""That all other audits go on as ever, whatever stands in the folder of one."""

from datetime import timedelta

from activities.previous import previous_audit
from activities.step import Job
from profiles.pre_capture_sessions import PROFILE
from reconciliation.lifecycle import State
from reconciliation.outcome import Outcome
from reconciliation.run_record import RunRecord
from runs.begin import begin
from runs.context import Context
from runs.purge import clear_away
from runs.watch import watch
from tests.activities.memory import Outside
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS
from tests.triggers.world import GUARD, NAME, NEWEST, NEXT, OLDEST, TOUCHED, Runtime, ask, ask_all, request
from triggers import audits

NEXT_YEAR = AS_OF + timedelta(days=200)
"""When what is old is cleared away, and what the next audit is compared with is not."""


async def others_go_on(outside: Outside, touched: str = TOUCHED) -> None:
    """All others are listed, compared with, cleared away and begun, whatever stands in the touched one."""
    runtime = Runtime()
    status, listed = await ask(audits.list_audits, request(), runtime)
    assert status == 200
    shown = [view["id"] for view in listed["audits"]]
    assert [audit_id for audit_id in shown if audit_id != touched] == [NEWEST, OLDEST]
    assert (touched in shown) != any(path.startswith(f"{NAME}/{touched}/") for path in listed["unreadable"])
    for answer, problem in await ask_all(runtime, touched):
        assert answer < 500 or (answer == 500 and problem["detail"].startswith(f"{NAME}/{touched}/"))
    now = RunRecord(NEXT, State.QUEUED, PARAMETERS, AS_OF + timedelta(hours=1), AS_OF)
    previous = await previous_audit(Job(outside.services, now, PROFILE))
    assert previous is not None
    assert previous.audit_id == NEWEST
    outside.blobs.blobs.pop(GUARD, None)
    begun = await begin(Context(outside.services, runtime), PARAMETERS, NEXT)
    assert (begun.audit_id, runtime.started[-1]) == (NEXT, NEXT)
    await outside.records.end(begun.ended(State.FAILED, AS_OF, outcome=Outcome.FAILED, reached=None))
    await watch(Context(outside.services, runtime))
    outside.now = NEXT_YEAR
    await clear_away(Context(outside.services, runtime))
    left = {path.split("/")[1] for path in outside.blobs.blobs}
    assert NEWEST in left
    assert not {OLDEST, NEXT} & left
