import json
import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from profiles.pre_capture_sessions import PROFILE
from profiles.pre_capture_sessions.options import FAST, MODES
from reconciliation.errors import BadRequestError
from reconciliation.parameters import AuditParameters
from reconciliation.run_record import new_audit_id
from tests.adapters.other_profile import OTHER
from triggers.requests import (
    MOMENT,
    MOST_BODY_BYTES,
    StartAudit,
    read_audit_id,
    read_choice,
    read_limit,
    read_start,
)

PROFILES = {PROFILE.name: PROFILE}
OPTIONS = [option.name for option in PROFILE.options]
ID = "6490b590-03a8-493d-b6e2-44a63208d243"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
plausible = st.sampled_from(
    [
        PROFILE.name,
        "NO_RECORDING",
        "NULL",
        ID,
        ID.upper(),
        "2024-07-18T00:00:00Z",
        "0001-01-01T00:00:00+14:00",
        60,
        0,
        "full",
        "fast",
        "a0",
    ]
)
fields = st.sampled_from([*StartAudit.model_fields, *OPTIONS, "colour", ""])
values = plausible | st.lists(plausible, max_size=3) | json_values
bodies = st.dictionaries(fields, values | st.dictionaries(fields, values, max_size=3), max_size=5)


def judged(body: bytes) -> AuditParameters | BadRequestError:
    try:
        return read_start(body, PROFILES)
    except BadRequestError as error:
        return error


def refused(body: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """The fields that a body is refused for, each with what was seen and what is allowed."""
    with pytest.raises(BadRequestError) as caught:
        read_start(json.dumps(body).encode(), PROFILES)
    return {problem.field: (problem.value, problem.allowed) for problem in caught.value.problems}


def assert_usable_or_told(body: bytes) -> None:
    result = judged(body)
    if isinstance(result, BadRequestError):
        assert result.problems
        json.dumps([vars(problem) for problem in result.problems], ensure_ascii=False).encode()
        assert all(problem.allowed and len(problem.value) < 100 for problem in result.problems)
    else:
        assert AuditParameters.from_json(json.loads(json.dumps(result.to_json()))) == result


@given(st.binary(max_size=300))
@example(b"")
@example(b" \n")
@example(b"null")
@example(b"\xef\xbb\xbf{}")
@example(b'{"profile": "\\ud800"}')
@example(b'{"grace_minutes": ' + b"1" * 5000 + b"}")
@example(b'{"grace_minutes": ' + b"[" * 5000)
@example(b'{"statuses": ' + b"1" * 5000 + b"}")
@example(b'{"colour": ' + b"1" * 5000 + b"}")
@example(b'{"mode": ' + b"1" * 5000 + b"}")
@example(b'{"options": {"statuses": [' + b"1" * 5000 + b"]}}")
@example(b'{"since": "0001-01-01T00:00:00+14:00"}')
@example(b'{"until": "9999-12-31T23:59:59-14:00"}')
@example(b'{"since": "0001-01-01T00:00:00+14:00", "until": "0001-01-01T00:00:00+15:00"}')
def test_any_bytes_are_a_question_or_a_bad_request(body: bytes) -> None:
    assert_usable_or_told(body)


@given(bodies)
def test_any_json_object_is_a_question_or_a_bad_request(body: dict[str, Any]) -> None:
    assert_usable_or_told(json.dumps(body).encode())


@pytest.mark.parametrize("body", [b"", b"  ", b"{}"])
def test_asking_for_nothing_in_particular_asks_for_the_profiles_defaults(body: bytes) -> None:
    assert read_start(body, PROFILES) == AuditParameters(
        PROFILE.name,
        "full",
        60,
        options={
            "statuses": ("PROCESSING", "NO_RECORDING", "FAILURE", "NULL"),
            "container_prefixes": (),
            "ingest_address_contains": None,
        },
    )


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_can_be_asked_for_by_its_name(mode: str) -> None:
    assert read_start(json.dumps({"mode": mode}).encode(), PROFILES).mode == mode


def test_all_that_can_be_asked_arrives() -> None:
    body = {
        "profile": PROFILE.name,
        "since": "2024-07-18T02:00:00+02:00",
        "until": "2024-08-01T00:00:00.5Z",
        "statuses": ["NULL", "FAILURE", "NULL"],
        "grace_minutes": 0,
        "container_prefixes": ["a0", "$web", "a0"],
        "only": [ID.upper(), ID],
        "ingest_address_contains": "mediakind.com",
        "mode": "fast",
    }
    assert read_start(json.dumps(body).encode(), PROFILES) == AuditParameters(
        profile=PROFILE.name,
        mode=FAST,
        grace_minutes=0,
        since=datetime(2024, 7, 18, tzinfo=UTC),
        until=datetime(2024, 8, 1, 0, 0, 0, 500_000, tzinfo=UTC),
        only=(ID,),
        options={
            "statuses": ("NULL", "FAILURE"),
            "container_prefixes": ("a0", "$web"),
            "ingest_address_contains": "mediakind.com",
        },
    )


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [
        ("2024-07-18T00:00:00.0000000Z", 0),  # as .NET and PowerShell write it
        ("2024-07-18T00:00:00.1234567Z", 123_456),
        ("2024-07-18T00:00:00.123456789Z", 123_456),
        ("2024-07-18T02:00:00.9999999+02:00", 999_999),
        ("2024-07-18T00:00:00.5Z", 500_000),
    ],
)
@pytest.mark.parametrize("field", ["since", "until"])
def test_what_a_moment_has_beyond_microseconds_is_cut(field: str, text: str, microsecond: int) -> None:
    asked = read_start(json.dumps({field: text}).encode(), PROFILES)
    assert getattr(asked, field) == datetime(2024, 7, 18, 0, 0, 0, microsecond, tzinfo=UTC)
    assert re.fullmatch(MOMENT, text)


@given(st.datetimes(timezones=st.just(UTC)), st.text("0123456789", max_size=9))
def test_a_moment_of_any_precision_is_read_as_far_as_microseconds_go(at: datetime, digits: str) -> None:
    text = f"{at:%Y-%m-%dT%H:%M:%S}".rjust(19, "0") + ("." if digits else "") + digits + "Z"
    expected = at.replace(microsecond=int(digits[:6].ljust(6, "0")))
    assert read_start(json.dumps({"since": text}).encode(), PROFILES).since == expected


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("profile", "nobody", "one of pre-capture-sessions"),
        ("profile", 7, "one of pre-capture-sessions"),
        ("since", "2024-07-18", "with its zone"),
        ("since", "2024-07-18T00:00:00", "with its zone"),
        ("since", "18.07.2024", "with its zone"),
        ("since", "1721260800", "with its zone"),
        ("since", "20240718", "with its zone"),
        ("since", 1721260800, "with its zone"),
        ("since", "2024-07-18T00:00:00.Z", "with its zone"),
        ("since", "2024-07-18T00:00:00.0000000000Z", "with its zone"),
        ("until", "2024-02-30T00:00:00Z", "with its zone"),
        ("until", "yesterday", "with its zone"),
        ("until", "", "with its zone"),
        ("statuses", [], "1 to 20 statuses"),
        ("statuses", "no_recording", "NO_RECORDING"),
        ("statuses", 7, "1 to 20 statuses"),
        ("statuses", {"NULL": 1}, "1 to 20 statuses"),
        ("statuses", ["no_recording"], "NO_RECORDING"),
        ("statuses", ["NO_RECORDING"] * 21, "1 to 20 statuses"),
        ("grace_minutes", -1, "from 0 to 10080"),
        ("grace_minutes", 10_081, "from 0 to 10080"),
        ("grace_minutes", "60", "from 0 to 10080"),
        ("grace_minutes", 1.5, "from 0 to 10080"),
        ("grace_minutes", True, "from 0 to 10080"),
        ("container_prefixes", "A", "beginnings of container names"),
        ("container_prefixes", True, "beginnings of container names"),
        ("container_prefixes", ["a"] * 257, "at most 256"),
        ("only", ID, "UUIDs"),
        ("only", [ID] * 1001, "at most 1000"),
        ("ingest_address_contains", "", "1 to 255 characters"),
        ("ingest_address_contains", "x" * 256, "1 to 255 characters"),
        ("ingest_address_contains", "a\u0000b", "1 to 255 characters"),
        ("mode", "quick", "one of full, fast"),
        ("mode", "FAST", "one of full, fast"),
        ("mode", "", "one of full, fast"),
        ("mode", 1, "one of full, fast"),
        ("mode", None, "one of full, fast"),
        ("mode", ["fast"], "one of full, fast"),
        ("colour", "red", "any of the fields profile"),
    ],
)
def test_each_wrong_field_is_named_with_what_is_allowed(field: str, value: object, allowed: str) -> None:
    problems = refused({field: value})
    assert list(problems) == [field]
    assert allowed in problems[field][1]


@pytest.mark.parametrize("value", ["A", "a_b", "a b", "", "a" * 64, "a\n", "ä", "../a"])
def test_a_prefix_that_no_container_can_have_is_named_by_its_place(value: str) -> None:
    assert list(refused({"container_prefixes": ["a", value]})) == ["container_prefixes.1"]


@pytest.mark.parametrize("value", ["x", "", ID[:-1], ID + "0", f"{ID}\n; drop table", 7, None])
def test_an_id_that_is_no_uuid_is_named_by_its_place(value: object) -> None:
    problems = refused({"only": [ID, value]})
    assert list(problems) == ["only.1"]
    assert repr(value)[:20] in problems["only.1"][0]


def test_an_option_means_the_same_in_options_and_beside_them() -> None:
    asked = {"statuses": ["FAILURE"], "container_prefixes": ["a0"], "ingest_address_contains": "x"}
    within, beside = {"options": asked}, asked
    assert read_start(json.dumps(within).encode(), PROFILES) == read_start(json.dumps(beside).encode(), PROFILES)
    assert refused({"options": {"statuses": ["FAILURE"]}, "statuses": ["FAILURE"]}) == {
        "statuses": ("given twice", "once, in options or beside it")
    }
    assert refused({"options": {"colour": 1}}) == {
        "options.colour": ("unknown option", "any of statuses, container_prefixes, ingest_address_contains")
    }
    assert list(refused({"options": ["FAILURE"]})) == list(refused({"options": None})) == ["options"]


def test_a_text_alone_stands_for_a_list_of_one() -> None:
    asked = read_start(json.dumps({"statuses": "FAILURE", "options": {"container_prefixes": "a0"}}).encode(), PROFILES)
    assert (asked.options["statuses"], asked.options["container_prefixes"]) == (("FAILURE",), ("a0",))


def test_without_a_profile_the_first_that_is_enabled_is_asked_by_its_own_modes_and_options() -> None:
    profiles = {"other": OTHER, **PROFILES}
    assert read_start(b"{}", profiles) == AuditParameters("other", "quick", 5)
    assert read_start(json.dumps({"profile": PROFILE.name}).encode(), profiles) == PROFILE.parameters()
    with pytest.raises(BadRequestError) as caught:
        read_start(b'{"mode": "full", "statuses": ["NULL"], "options": {"size": 1}}', profiles)
    assert {problem.field: problem.allowed.split(":")[0] for problem in caught.value.problems} == {
        "mode": "one of quick, deep",
        "statuses": "any of the fields profile, mode, since, until, grace_minutes, only, options",
        "options.size": "none",
    }


def test_ids_are_kept_in_their_usual_form() -> None:
    asked = read_start(json.dumps({"only": [UUID(ID).hex, "{" + ID + "}"]}).encode(), PROFILES)
    assert asked.only == (ID,)


def test_beside_a_profile_that_is_not_enabled_what_no_profile_knows_is_told() -> None:
    body = {"profile": "nobody", "statuses": [], "colour": 1, "since": "x", "options": {"size": 1}}
    assert set(refused(body)) == {"profile", "colour", "since", "options.size"}


def test_since_must_lie_before_until() -> None:
    problems = refused({"since": "2024-07-18T00:00:00Z", "until": "2024-07-18T02:00:00+02:00"})
    assert problems == {"until": ("2024-07-18T00:00:00Z", "a moment after since (2024-07-18T00:00:00Z)")}
    assert list(refused({"since": "2025-01-01T00:00:00Z", "until": "2024-01-01T00:00:00Z"})) == ["until"]


def test_everything_wrong_is_told_at_once() -> None:
    body = {
        "since": "x",
        "until": 3,
        "statuses": [],
        "grace_minutes": -1,
        "only": ["x", ID, "y"],
        "colour": 1,
        "size": 2,
    }
    assert set(refused(body)) == {"since", "until", "statuses", "grace_minutes", "only.0", "only.2", "colour", "size"}
    assert set(refused({"profile": PROFILE.name, "statuses": ["X", "NULL", "Y"], "ingest_address_contains": "\n"})) == {
        "statuses", "ingest_address_contains",
    }  # fmt: skip


@pytest.mark.parametrize(
    "body", [b"{", b"nonsense", b"\xff\xfe", b"[]", b"7", b'"text"', b"null", b"{} {}", b"{'a': 1}"]
)
def test_a_body_that_is_no_json_object_says_what_would_be(body: bytes) -> None:
    error = judged(body)
    assert isinstance(error, BadRequestError)
    [problem] = error.problems
    assert problem.field == "body"
    assert "a JSON object" in problem.allowed


def test_a_body_is_read_up_to_its_limit_and_not_beyond() -> None:
    assert isinstance(judged(b" " * (MOST_BODY_BYTES - 2) + b"{}"), AuditParameters)
    error = judged(b" " * (MOST_BODY_BYTES - 1) + b"{}")
    assert isinstance(error, BadRequestError)
    assert error.problems[0].value == f"'{MOST_BODY_BYTES + 1} bytes'"


def test_a_long_value_is_shown_by_its_beginning() -> None:
    seen, _ = refused({"profile": "x" * 5000})["profile"]
    assert len(seen) < 100


NO_IDS = ["", "x", "active", "../../etc", "..%2f", "20260131-093000-1A2B3C4D", "20260131-093000-1a2b3c4d\n"]


@pytest.mark.parametrize(
    "text", [*NO_IDS, "20260131-093000-1a2b3c4d/run.json", "\u0662\u06600260131-093000-1a2b3c4d", None]
)
def test_nothing_but_an_audit_id_becomes_part_of_a_path(text: str | None) -> None:
    with pytest.raises(BadRequestError, match="an audit id such as"):
        read_audit_id(text)


moments = st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=0))


@given(moments, moments, st.integers(0, 2**32 - 1))
def test_new_ids_are_audit_ids_and_sort_by_time(one: datetime, other: datetime, number: int) -> None:
    ids = {new_audit_id(moment, f"{number:08x}"): moment for moment in (one, other)}
    assert [read_audit_id(audit_id) for audit_id in ids] == list(ids)
    assert [ids[audit_id] for audit_id in sorted(ids)] == sorted({one, other})


@pytest.mark.parametrize(("text", "limit"), [(None, 20), ("1", 1), ("200", 200), ("007", 7)])
def test_a_limit_is_a_whole_number(text: str | None, limit: int) -> None:
    assert read_limit(text) == limit


@pytest.mark.parametrize("text", ["", "0", "201", "-1", "1.5", "ten", "٣", "²", "9" * 5000, " 5"])
def test_any_other_limit_is_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="from 1 to 200"):
        read_limit(text)


@given(st.text(max_size=30))
def test_a_choice_is_one_of_those_offered(text: str) -> None:
    assert read_choice("format", None, ("json", "csv"), "json") == "json"
    assert read_choice("format", "csv", ("json", "csv"), "json") == "csv"
    if text not in {"json", "csv"}:
        with pytest.raises(BadRequestError, match="one of json, csv"):
            read_choice("format", text, ("json", "csv"), "json")
