"""The judge lets a true report pass and catches each kind of lie."""

import copy
from dataclasses import replace
from typing import Any

import pytest

from dev.chaos.judging import Conduct, Truth, Wrong, judge_end

Json = dict[str, Any]
TRUTH = Truth(
    sessions={"hidden": "unregistered_recording", "twice": "ambiguous_containers", "empty": "expected_empty"},
    also={"edit": "orphan_edit_output"},
    containers=dict.fromkeys(("c-hidden", "c-one", "c-two", "edit"), frozenset({"track.mp4"})) | {"void": frozenset()},
    holdings={"hidden": frozenset({"c-hidden"}), "twice": frozenset({"c-one", "c-two"})},
    candidates=frozenset({"hidden", "twice", "empty"}),
)
ALL = frozenset(TRUTH.containers)


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
            "units": {
                "noun": "container",
                "listed": len(ALL),
                "scanned": len(ALL) - len(failed),
                "skipped": 0,
                "failed": len(failed),
            },
            "failed_units": [{"unit": name, "error": "storage answered 403"} for name in failed],
            "gaps": [],
        },
        "notes": [],
    }


def complete() -> Json:
    return report(dict(TRUTH.sessions), dict(TRUTH.also))


def kinds(
    state: str, document: Json | None, error: str | None = None, delivered: frozenset[str] = ALL, **told: Any
) -> set[Wrong]:
    return {problem.kind for problem in judge_end(TRUTH, state, document, error, Conduct(delivered, **told))}


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
    assert judge_end(others, "incomplete", document, None, Conduct(delivered)) == []


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
        broken(("coverage", "units", "listed"), 4),
        broken(("coverage", "units", "scanned"), 4),
        broken(("coverage", "units", "failed"), 1),
        broken(("counts", "container"), {"registered": 3}),
        broken(("counts", "findings"), 1),
        broken(("outcome", "word"), "incomplete"),
        broken(("coverage", "gaps"), [{"what": "storage left something out", "next_step": "Audit again."}]),
    ],
    ids=["listed", "scanned", "failed", "containers judged", "findings", "outcome", "complete with a gap"],
)
def test_sums_that_do_not_add_up_are_a_silent_gap(document: Json) -> None:
    assert Wrong.GAP in kinds("completed", document)


def test_a_container_that_never_reached_the_app_must_be_named() -> None:
    assert kinds("completed", complete(), delivered=ALL - {"c-one"}) == {Wrong.GAP}


# --- what storage said that was not true --------------------------------------------------------------------------


def with_gap(sessions: dict[str, str], others: dict[str, str], *, left_out: int = 0, skipped: int = 0) -> Json:
    """An incomplete report that names a gap in the listing; so many containers are not in it, or seemed to be gone."""
    document = report(sessions, others)
    listed = len(ALL) - left_out
    document |= {"complete": False, "outcome": {"word": "incomplete"}}
    document["counts"]["container"] = {"registered": listed - skipped}
    document["coverage"] |= {
        "units": {"noun": "container", "listed": listed, "scanned": listed - skipped, "skipped": skipped, "failed": 0},
        "gaps": [{"what": "storage left out or called deleted a container that exists", "next_step": "Audit again."}],
    }
    return document


UNVERIFIED = dict.fromkeys(TRUTH.sessions, "unverified")


def test_a_container_that_was_left_out_once_must_be_named_as_a_gap() -> None:
    lied_about = frozenset({"c-hidden"})
    named = with_gap(UNVERIFIED, dict(TRUTH.also), left_out=1)
    assert kinds("incomplete", named, lied_about=lied_about) == set()
    assert kinds("incomplete", named) == {Wrong.GAP}, "nothing was left out of any answer"
    unnamed = named | {"complete": True, "outcome": {"word": "findings"}}
    unnamed["coverage"] = named["coverage"] | {"gaps": []}
    assert kinds("completed", unnamed, lied_about=lied_about) == {Wrong.GAP, Wrong.REPORT}


def test_a_container_with_nothing_in_it_that_a_listing_left_out_may_be_unknown() -> None:
    document = with_gap(dict(TRUTH.sessions), dict(TRUTH.also), left_out=1)
    document |= {"complete": True, "outcome": {"word": "findings"}}
    document["coverage"]["gaps"] = []
    assert kinds("completed", document, lied_about=frozenset({"void"})) == set()
    assert kinds("completed", document, lied_about=frozenset({"c-one"})) == {Wrong.GAP}


def test_a_container_that_seemed_to_be_gone_may_be_skipped() -> None:
    document = with_gap(UNVERIFIED, dict(TRUTH.also), skipped=1)
    assert kinds("incomplete", document, lied_about=frozenset({"c-one"})) == set()
    assert kinds("incomplete", document) == {Wrong.GAP}


def test_after_a_lie_a_complete_report_is_right_or_wrong_as_any_other() -> None:
    """That a page was missing nobody could see; what it cost, the next answer told."""
    told: Json = {"delivered": ALL - {"c-hidden"}, "lied_about": frozenset({"c-hidden"})}
    assert kinds("completed", complete(), **told) == set()
    missed = report({**TRUTH.sessions, "hidden": "expected_empty"}, dict(TRUTH.also))
    assert kinds("completed", missed, **told) == {Wrong.REPORT}


def test_with_a_gap_in_the_listing_nothing_is_absent() -> None:
    lied_about = frozenset({"c-hidden"})
    absent = with_gap(UNVERIFIED | {"empty": "expected_empty"}, dict(TRUTH.also), left_out=1)
    assert kinds("incomplete", absent, lied_about=lied_about) == {Wrong.REPORT}


def test_a_subject_that_was_lied_about_may_be_unverified_and_no_other() -> None:
    document = with_gap(UNVERIFIED, {**TRUTH.also, "void": "unverified"})
    assert kinds("incomplete", document, lied_about=frozenset({"void"})) == set()
    assert kinds("incomplete", document) == {Wrong.REPORT}


def test_a_row_that_cannot_be_understood_may_be_called_that_whatever_was_not_read() -> None:
    document = with_gap(UNVERIFIED | {"hidden": "unreadable_row"}, dict(TRUTH.also))
    assert kinds("incomplete", document) == {Wrong.REPORT}
    assert judge_end(replace(TRUTH, unreadable=frozenset({"hidden"})), "incomplete", document, None, Conduct(ALL)) == []


@pytest.mark.parametrize(
    ("told", "note"),
    [
        ({"clock_off": True}, "Storage's clock is 17 minutes ahead of the app's."),
        ({"future": frozenset({"c-one"})}, "1 container holds blobs whose last change lies in the future."),
    ],
)
def test_clocks_that_are_off_must_be_named(told: Json, note: str) -> None:
    assert kinds("completed", complete(), **told) == {Wrong.GAP}
    assert kinds("completed", complete() | {"notes": [note]}, **told) == set()


def test_clocks_that_agree_must_not_be_called_different() -> None:
    document = complete() | {"notes": ["Storage's clock is 17 minutes ahead of the app's."]}
    assert kinds("completed", document) == {Wrong.GAP}


# --- how it ends ---------------------------------------------------------------------------------------------------


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
