"""The published schemas say what report.json holds, and are made of the models of its documents."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from pydantic import ValidationError

from dev.report_schema import FOLDER, house, path_of, published
from profiles.pre_capture_sessions import PROFILE
from profiles.stuck_uploads.dialects import DIALECTS
from reporting.declared import report_of
from reporting.model import SCHEMA_VERSION
from tests.reporting import samples
from tests.reporting.samples import HIDDEN, KINDS, LISTED, VERDICTS, Json, finding, report, since_last

ROOT = Path(__file__).parents[2]
SCHEMA: Json = json.loads(path_of(PROFILE.name).read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
MODEL = report_of(PROFILE)


def test_there_is_one_for_each_profile_of_the_house() -> None:
    packages = {file.parent.name.replace("_", "-") for file in ROOT.glob("profiles/*/__init__.py")}
    assert {file.stem for file in FOLDER.iterdir()} == house().keys() == packages


@pytest.mark.parametrize("profile", house())
def test_the_schema_is_one(profile: str) -> None:
    Draft202012Validator.check_schema(json.loads(path_of(profile).read_text(encoding="utf-8")))


@pytest.mark.parametrize("profile", house())
def test_it_is_as_the_models_say(profile: str) -> None:
    text = path_of(profile).read_text(encoding="utf-8")
    assert text == published(house()[profile]), "write it again: python -m dev.report_schema"


@pytest.mark.parametrize("columns", DIALECTS)
def test_it_takes_what_a_profile_is_asked_in_each_of_its_configurations(columns: str) -> None:
    schema = json.loads(path_of("stuck-uploads").read_text(encoding="utf-8"))
    taken = schema["$defs"]["Parameters"]["properties"]["statuses"]["items"]["enum"]
    assert set(taken) > set(DIALECTS[columns].statuses)


@pytest.mark.parametrize(("member", "takes_none"), [("deployment", False), ("crop_deployment", True)])
def test_what_a_setting_may_leave_out_is_empty(member: str, *, takes_none: bool) -> None:
    schema = json.loads(path_of("stuck-uploads").read_text(encoding="utf-8"))
    shown = schema["$defs"]["AuditMade"]["properties"][member]
    assert Draft202012Validator(shown).is_valid("crop-frames/production")
    assert Draft202012Validator(shown).is_valid("") is takes_none


def test_a_report_is_of_the_version_that_is_written() -> None:
    assert SCHEMA["properties"]["schema_version"]["const"] == SCHEMA_VERSION


def is_report(document: Json) -> bool:
    """What the published schema and the model say of a document, which must be the same."""
    try:
        MODEL.model_validate_json(json.dumps(document))
    except ValidationError:
        fits = False
    else:
        fits = True
    assert bool(VALIDATOR.is_valid(document)) is fits
    return fits


@pytest.mark.parametrize("make", [samples.with_findings, samples.clean, samples.incomplete, report])
def test_reports_are_what_the_schema_says(make: Callable[[], Json]) -> None:
    assert is_report(make())


def test_an_incomplete_audit_is_compared_and_says_why_nothing_is_resolved() -> None:
    assert is_report(report() | {"since_last": since_last(resolved=None, why_not="It is incomplete.")})


@pytest.mark.parametrize("kind", KINDS)
def test_the_verdicts_of_a_kind_are_closed(kind: str) -> None:
    counts = SCHEMA["$defs"]["Counts"]["properties"][kind]["$ref"].rpartition("/")[2]
    assert SCHEMA["$defs"][counts]["required"] == [row.verdict for row in VERDICTS if row.subject == kind]


@pytest.mark.parametrize("verdict", [row.verdict for row in LISTED])
def test_a_finding_has_a_verdict_of_its_kind_only(verdict: str) -> None:
    found = finding(verdict)
    assert is_report(report([found]))
    for kind in {"capture_session", "recording", "container"} - {found["subject"]["kind"]}:
        assert not is_report(report([found]) | {"findings": [found | {"subject": {"kind": kind, "id": "a"}}]})


def test_a_container_that_could_not_be_read_may_have_a_row() -> None:
    row = {"session_id": "0aede56f-1c54-57f7-8d3a-1d5c0060b5f4", "marks": []}
    assert is_report(report([finding("evidence_error", evidence=[], recording=row)]))


def test_hidden_recordings_are_those_of_sessions() -> None:
    assert {row.verdict for row in LISTED if row.subject == "capture_session"} > HIDDEN


def without(member: str) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        del document[member]

    return change


def with_value(value: Any, *path: str | int) -> Callable[[Json], None]:
    def change(document: Json) -> None:
        part: Any = document
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param(without(member), id=f"no {member}") for member in SCHEMA["required"]),
        pytest.param(with_value(1, "extra"), id="a member nobody knows"),
        pytest.param(with_value(1, "schema_version"), id="another version"),
        pytest.param(with_value(3, "outcome", "code"), id="a code that is not its word's"),
        pytest.param(with_value(False, "complete"), id="incomplete, and nothing said of it"),
        pytest.param(with_value(-1, "counts", "hidden"), id="less than nothing"),
        pytest.param(with_value(1, "counts", "container", "sound"), id="a verdict of another kind of subject"),
        pytest.param(with_value("already_registered", "findings", 0, "verdict"), id="a finding that is only counted"),
        pytest.param(with_value(None, "findings", 0, "session"), id="a session's finding without its row"),
        pytest.param(with_value("31.01.2026", "findings", 0, "hearing_at"), id="a moment in other words"),
        pytest.param(with_value("guessed", "findings", 0, "session", "trail"), id="a trail nobody knows"),
        pytest.param(with_value(["x"], "counted", "capture_session", "legacy"), id="a counted session without an id"),
        pytest.param(with_value([], "counted", "capture_session", "unverified"), id="counted, though always listed"),
        pytest.param(with_value(since_last(previous=None), "since_last"), id="compared with nothing"),
        pytest.param(with_value(since_last(resolved=None), "since_last"), id="compared, without a count"),
        pytest.param(with_value(since_last(new=None), "since_last"), id="not compared, with a count"),
        pytest.param(with_value(since_last(why_not="Because."), "since_last"), id="all counts, and a reason for none"),
    ],
)
def test_what_is_no_report_is_refused(change: Callable[[Json], None]) -> None:
    document = copy.deepcopy(samples.with_findings())
    change(document)
    assert not is_report(document)


def test_an_incomplete_audit_may_be_compared_and_call_nothing_resolved() -> None:
    document = copy.deepcopy(samples.with_findings())
    document["since_last"] = since_last(resolved=None, why_not="This audit is incomplete.")
    assert is_report(document)
