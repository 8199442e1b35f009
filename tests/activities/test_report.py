"""The end of an audit: what is written of it, and who finds it."""

import pytest

from reconciliation.errors import RunStoreError
from reconciliation.lifecycle import State
from reconciliation.question import question_of
from tests.activities.audits import Audit, audit_of, folder, named
from tests.activities.memory import FORBIDDEN
from tests.profiles.pre_capture_sessions.world import PARAMETERS, encode, session

PROFILE = PARAMETERS.profile


async def remembered(audit: Audit) -> list[str]:
    """The audits that the next one of its question would be compared with."""
    services = audit.services
    question = question_of(PARAMETERS, services.audited(services.settings.profiles[PROFILE]))
    return [audit_id for _, audit_id in (await audit.store.questions.completed(PROFILE, question)).audits]


async def test_a_completed_audit_is_found_by_the_next_one_of_its_question() -> None:
    audit = audit_of(session(), account=named(a=encode()))
    await audit.whole()
    record = await audit.record()
    assert record.state is State.COMPLETED
    assert await remembered(audit) == [record.audit_id]
    await audit.reported()
    assert await remembered(audit) == [record.audit_id], "once, though it was reported twice"


async def test_an_audit_that_was_not_completed_is_not() -> None:
    audit = audit_of(session(), account=named(a=FORBIDDEN))
    await audit.whole()
    assert (await audit.record()).state is State.INCOMPLETE
    assert await remembered(audit) == []


async def test_what_a_step_lost_before_it_could_be_found_is_made_up_for() -> None:
    audit = audit_of(session(), account=named(a=encode()))
    await audit.whole()
    [path] = [path for path in audit.files if "/questions/" in path]
    del audit.files[path]
    await audit.reported()
    assert await remembered(audit) == [(await audit.record()).audit_id]


async def test_the_record_tells_how_far_the_audit_came() -> None:
    audit = audit_of(session(), account=named(a=encode(), b=FORBIDDEN))
    await audit.whole()
    record = await audit.record()
    assert record.dead_letters == 0
    assert record.progress is not None
    assert f"{folder()}/findings.csv" in audit.files
    assert f"{folder()}/report.html" in audit.files


async def test_what_another_release_has_just_written_is_rendered_by_none() -> None:
    audit = audit_of(session(), account=named(a=encode()))
    await audit.planned()
    await audit.scanned()
    await audit.judged()
    path = f"{folder()}/report.json"
    audit.files[path] = audit.files[path].replace(b'"schema_version": 3', b'"schema_version": 2')
    with pytest.raises(RunStoreError, match="written by another release"):
        await audit.reported()
