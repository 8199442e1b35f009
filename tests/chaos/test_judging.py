"""The judge lets a true report pass and catches each kind of lie."""

import copy
from typing import Any

import pytest

from chaos.judging import Truth, Wrong, judge_end

Json = dict[str, Any]
TRUTH = Truth(
    sessions={"hidden": "unregistered_recording", "twice": "ambiguous_containers", "empty": "expected_empty"},
    also={"edit": "orphan_edit_output"},
    containers=frozenset({"c-hidden", "c-one", "c-two", "edit"}),
    holdings={"hidden": frozenset({"c-hidden"}), "twice": frozenset({"c-one", "c-two"})},
    candidates=frozenset({"hidden", "twice", "empty"}),
)
ALL = TRUTH.containers


def report(sessions: dict[str, str], others: dict[str, str], *failed: str) -> Json:
    """A report that is right about its own sums."""
    listed = {name: verdict for name, verdict in sessions.items() if verdict != "expected_empty"}
    findings = [{"subject": {"id": name}, "verdict": verdict} for name, verdict in (listed | others).items()]
    hidden = sum(finding["verdict"] in {"unregistered_recording", "ambiguous_containers"} for finding in findings)
    complete = not failed
    return {
        "complete": complete,
        "outcome": {"word": "findings" if complete else "incomplete"},
        "findings": findings,
        "counted": {
            "capture_session": {"expected_empty": [n for n, verdict in sessions.items() if n not in listed]},
        },
        "counts": {"findings": len(findings), "hidden": hidden, "container": {"registered": len(ALL)}},
        "coverage": {
            "containers": {
                "listed": len(ALL),
                "scanned": len(ALL) - len(failed),
                "skipped": 0,
                "failed": len(failed),
            },
            "failed_containers": [{"container": name, "error": "storage answered 403"} for name in failed],
        },
    }


def complete() -> Json:
    return report(dict(TRUTH.sessions), dict(TRUTH.also))


def kinds(state: str, document: Json | None, error: str | None = None, delivered: frozenset[str] = ALL) -> set[Wrong]:
    return {problem.kind for problem in judge_end(TRUTH, state, document, error, delivered)}


def test_a_true_report_is_let_pass() -> None:
    assert kinds("completed", complete()) == set()


@pytest.mark.parametrize(
    ("sessions", "others"),
    [
        ({**TRUTH.sessions, "hidden": "incomplete_encode"}, TRUTH.also),
        ({name: verdict for name, verdict in TRUTH.sessions.items() if name != "twice"}, TRUTH.also),
        ({**TRUTH.sessions, "stranger": "stuck_empty"}, TRUTH.also),
        (TRUTH.sessions, {}),
        (TRUTH.sessions, {"edit": "unattributed_media"}),
    ],
    ids=[
        "another verdict",
        "a session left out",
        "a session too many",
        "a container left out",
        "a container's verdict",
    ],
)
def test_a_completed_report_that_differs_is_wrong(sessions: dict[str, str], others: dict[str, str]) -> None:
    assert kinds("completed", report(dict(sessions), dict(others))) == {Wrong.REPORT}


@pytest.mark.parametrize(
    "sessions",
    [
        {"hidden": "unverified", "twice": "unverified", "empty": "unverified"},
        {"hidden": "unverified", "twice": "ambiguous_containers", "empty": "unverified"},
    ],
)
def test_an_incomplete_report_that_concludes_nothing_is_let_pass(sessions: dict[str, str]) -> None:
    document = report(sessions, {**TRUTH.also, "c-hidden": "evidence_error"}, "c-hidden")
    assert kinds("incomplete", document, delivered=ALL - {"c-hidden"}) == set()


def test_of_two_containers_one_may_be_seen_alone() -> None:
    sessions = {"hidden": "unregistered_recording", "twice": "unregistered_recording", "empty": "unverified"}
    document = report(sessions, {**TRUTH.also, "c-one": "evidence_error"}, "c-one")
    assert kinds("incomplete", document, delivered=ALL - {"c-one"}) == set()


def test_a_subject_in_doubt_may_be_unverified_in_an_incomplete_report_and_nothing_else() -> None:
    [(subject, _)] = TRUTH.also.items()
    sessions = dict.fromkeys(TRUTH.sessions, "unverified")
    unverified = report(sessions, {subject: "unverified"}, "c-hidden")
    assert kinds("incomplete", unverified, delivered=ALL - {"c-hidden"}) == set()
    sound = report(sessions, {**TRUTH.also, "c-sound": "unverified"}, "c-hidden")
    assert kinds("incomplete", sound, delivered=ALL - {"c-hidden"}) == {Wrong.REPORT}
    assert kinds("completed", report(dict(TRUTH.sessions), {subject: "unverified"})) == {Wrong.REPORT}


@pytest.mark.parametrize(
    "changed",
    [
        {"empty": "expected_empty"},
        {"hidden": "incomplete_encode"},
        {"hidden": "stuck_empty"},
        {"empty": "unregistered_recording"},
    ],
    ids=["absence", "incomplete", "absence of what is there", "presence of what is not"],
)
def test_an_incomplete_report_that_concludes_something_is_wrong(changed: dict[str, str]) -> None:
    sessions = {"hidden": "unverified", "twice": "ambiguous_containers", "empty": "unverified", **changed}
    document = report(sessions, {**TRUTH.also, "c-hidden": "evidence_error"}, "c-hidden")
    assert kinds("incomplete", document, delivered=ALL - {"c-hidden"}) == {Wrong.REPORT}


def test_a_candidate_is_never_left_out_but_a_session_that_only_its_unread_container_names_may_be() -> None:
    document = report(
        {"twice": "ambiguous_containers", "empty": "unverified"},
        {**TRUTH.also, "c-hidden": "evidence_error"},
        "c-hidden",
    )
    delivered = ALL - {"c-hidden"}
    assert kinds("incomplete", document, delivered=delivered) == {Wrong.REPORT}
    others = Truth(TRUTH.sessions, TRUTH.also, TRUTH.containers, TRUTH.holdings, TRUTH.candidates - {"hidden"})
    assert judge_end(others, "incomplete", document, None, delivered) == []


def broken(path: tuple[str, ...], value: Any) -> Json:
    document = copy.deepcopy(complete())
    part = document
    for step in path[:-1]:
        part = part[step]
    part[path[-1]] = value
    return document


@pytest.mark.parametrize(
    "document",
    [
        broken(("coverage", "containers", "listed"), 3),
        broken(("coverage", "containers", "scanned"), 3),
        broken(("coverage", "containers", "failed"), 1),
        broken(("counts", "container"), {"registered": 3}),
        broken(("counts", "findings"), 1),
        broken(("outcome", "word"), "incomplete"),
    ],
    ids=["listed", "scanned", "failed", "containers judged", "findings", "outcome"],
)
def test_sums_that_do_not_add_up_are_a_silent_gap(document: Json) -> None:
    assert Wrong.GAP in kinds("completed", document)


def test_a_container_that_never_reached_the_app_must_be_named() -> None:
    assert kinds("completed", complete(), delivered=ALL - {"c-one"}) == {Wrong.GAP}


def test_incomplete_called_completed_is_a_silent_gap() -> None:
    document = report(dict.fromkeys(TRUTH.sessions, "unverified"), dict(TRUTH.also), "c-hidden")
    assert Wrong.GAP in kinds("completed", document, delivered=ALL - {"c-hidden"})


def test_a_failed_audit_must_say_why_and_mean_it() -> None:
    assert kinds("failed", None, "Cannot list containers in account 'stub': storage answered 403.") == set()
    assert kinds("failed", None, "The step pull did not come to its end: its worker died, it ran ...") == set()
    assert kinds("failed", None, None) == {Wrong.GAP}
    assert kinds("failed", None, "Something went wrong.") == {Wrong.GAP}
    assert kinds("failed", None, "AssertionError: the container is None") == {Wrong.REPORT}
    assert kinds("failed", complete(), "storage answered 403") == {Wrong.REPORT}


def test_an_audit_that_ended_well_has_a_report() -> None:
    assert kinds("completed", None) == {Wrong.REPORT}
