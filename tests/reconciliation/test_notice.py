import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciliation.lifecycle import State
from reconciliation.notice import Signposts, notice_of, repair_notice_of
from reconciliation.outcome import Outcome
from reconciliation.repair_lifecycle import RepairState
from reconciliation.repair_record import Chosen, RepairRecord
from reconciliation.run_record import RunRecord
from reconciliation.visible import visible
from tests.profiles.pre_capture_sessions.strategies import texts
from tests.profiles.pre_capture_sessions.world import AS_OF, PARAMETERS

AUDIT = "20260131-093000-1a2b3c4d"
QUEUED = RunRecord(AUDIT, State.QUEUED, PARAMETERS, created_at=AS_OF, updated_at=AS_OF)
HEADLINE = "production: 9 recordings are hidden in storage; 302 of 302 containers read."
FETCH = f"report {AUDIT} --format html --output audit-{AUDIT}.html"
HERE = Signposts("production")
DEPLOYED = replace(HERE, app="https://app.example")


def ended(outcome: Outcome, headline: str = HEADLINE) -> RunRecord:
    state = State.INCOMPLETE if outcome is Outcome.INCOMPLETE else State.COMPLETED
    return QUEUED.ended(state, AS_OF, outcome=outcome, reached=None, summary={"headline": headline})


def failed(error: str = "The database refuses the login.") -> RunRecord:
    return QUEUED.ended(State.FAILED, AS_OF, outcome=Outcome.FAILED, reached=None, error=error)


def paragraphs(record: RunRecord, signposts: Signposts) -> list[str]:
    text: str = notice_of(record, signposts)["text"]
    return text.split("\n\n")


@pytest.mark.parametrize("outcome", [Outcome.CLEAN, Outcome.FINDINGS, Outcome.INCOMPLETE])
def test_a_notice_says_what_was_audited_how_it_ended_and_how_to_get_the_report(outcome: Outcome) -> None:
    first, told, way = paragraphs(ended(outcome), DEPLOYED)
    assert first.endswith(f" production: audit {AUDIT} of {PARAMETERS.profile}: {outcome.name.lower()}")
    assert told == HEADLINE
    assert way.endswith(f"`auditctl --url https://app.example/api {FETCH}`")
    assert "`AUDITCTL_KEY`" in way


def test_a_link_is_given_only_where_a_browser_can_open_it() -> None:
    assert not re.search(r"https://(?!app\.example/api report)", notice_of(ended(Outcome.FINDINGS), DEPLOYED)["text"])
    door = replace(DEPLOYED, front_door="https://door.example")
    _, _, way, link = paragraphs(ended(Outcome.FINDINGS), door)
    assert link == f"In a browser: https://door.example/api/audits/{AUDIT}/report?format=html"
    assert f"--url https://door.example/api {FETCH}" in way


def test_a_runbook_is_named_once() -> None:
    *_, last = paragraphs(ended(Outcome.FINDINGS), replace(DEPLOYED, runbook="https://wiki.example/audit"))
    assert last == "What to do about each verdict: https://wiki.example/audit"


def test_a_failed_audit_gives_its_reason_and_no_way_to_a_report_that_is_not_there() -> None:
    door = replace(DEPLOYED, front_door="https://door.example", runbook="https://wiki.example/audit")
    first, told = paragraphs(failed(), door)
    assert first.endswith(f" production: audit {AUDIT} of {PARAMETERS.profile}: failed")
    assert told == "`The database refuses the login.`"


def test_without_an_address_of_the_app_the_command_is_all_there_is() -> None:
    _, _, way = paragraphs(ended(Outcome.FINDINGS), HERE)
    assert way.endswith(f"`auditctl {FETCH}`")
    assert "http" not in way


def test_teams_and_slack_both_take_an_object_with_a_text_and_nothing_else() -> None:
    for record in (ended(Outcome.CLEAN), failed()):
        assert list(json.loads(json.dumps(notice_of(record, HERE)))) == ["text"]


def test_every_outcome_is_marked_so_that_it_is_seen_at_a_glance() -> None:
    marks = [notice_of(ended(outcome), HERE)["text"].partition(" ")[0] for outcome in Outcome]
    assert len(set(marks)) == len(Outcome)
    assert all(marks)


@pytest.mark.parametrize(
    "hostile",
    [
        "[read this](https://evil.example)",
        "<https://evil.example|read this>",
        "<!channel> <@U024BE7LH> @here <at>Anna</at>",
        "`` ` `` https://evil.example",
        "&lt;!here&gt;",
        "two\n\n# lines\u2028and more",
        "moc.elpmaxe\u202e//:sptth",
    ],
)
def test_a_text_from_outside_makes_no_link_calls_nobody_and_breaks_no_line(hostile: str) -> None:
    for record in (failed(hostile), ended(Outcome.FINDINGS, hostile)):
        first, told, *_ = paragraphs(record, Signposts(hostile))
        for part in (first.partition(" ")[2], told.strip("`")):
            assert not re.search(r"[\[\]<>@&`*|~]|://", part)
            assert visible(part) == part


@given(texts(), st.sampled_from([failed, lambda text: ended(Outcome.INCOMPLETE, text)]))
def test_whatever_the_text_the_notice_has_its_form(text: str, record: object) -> None:
    assert callable(record)
    parts = paragraphs(record(f"x{text}"), Signposts(f"x{text}", "https://app.example"))
    assert len(parts) in {2, 3}
    assert not re.search(r"[\[\]<>@&*|~\n]", "".join(parts))
    assert "://" not in "".join(parts).replace("https://app.example", "")
    assert all(part.count("`") % 2 == 0 for part in parts)


REPAIR = RepairRecord(
    "20260131-100000-1a2b3c4d", PARAMETERS.profile, AUDIT, Chosen(), "a" * 64, RepairState.PROPOSED, AS_OF, AS_OF
)


def test_a_notice_of_a_plan_says_until_when_it_waits_and_how_to_see_it() -> None:
    text = repair_notice_of(replace(REPAIR, until=AS_OF, counts={"planned": 3}), DEPLOYED)["text"]
    first, waits, counts, way = text.split("\n\n")
    assert first.endswith(f"repair {REPAIR.repair_id} of {PARAMETERS.profile}, of audit {AUDIT}: proposed")
    assert waits.startswith("Its plan waits for an approval until 20")
    assert counts == "Changes: 3 planned."
    assert way == f"See it: `auditctl --url https://app.example/api repair show {REPAIR.repair_id}`"


def test_a_notice_of_an_end_says_what_became_of_the_changes_and_what_was_taken_back() -> None:
    ended = replace(
        REPAIR,
        state=RepairState.PARTLY_APPLIED,
        undoes="20260131-095900-1a2b3c4d",
        counts={"planned": 3, "done": 2, "moved": 0, "refused": 1},
        error="It broke off: see <https://x.example>.",
    )
    text = repair_notice_of(ended, HERE)["text"]
    assert "takes back repair 20260131-095900-1a2b3c4d: partly_applied" in text
    assert "Changes: 3 planned, 2 done, 1 refused." in text
    assert "https://" not in text
