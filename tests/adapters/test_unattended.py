"""What the settings approve without a person, and every way in which they could say it wrongly."""

from copy import copy
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.settings import Settings, load_settings
from adapters.settings_reader import SettingsReader
from adapters.unattended import DEFAULT_MOST, DEFAULT_MOST_BYTES, DEFAULT_MOST_PER_HOUR, unattended
from reconciliation.errors import SettingsError
from reconciliation.policy import NamedPolicy, Policy
from reconciliation.profile import Profile
from reconciliation.repair import MOST_CHANGES
from tests.profiles.stuck_uploads.world import profile_for

SECRET = "c2VjcmV0LXNlY3JldA=="
CONNECTION = f"DefaultEndpointsProtocol=https;AccountName=acct;AccountKey={SECRET};EndpointSuffix=core.windows.net"
WORD, NAME = "STUCK_UPLOADS", "stuck-uploads"
AUTO, MOST, PER_HOUR, BYTES = (
    f"AUDIT_AUTO_REPAIR{more}__{WORD}" for more in ("", "_MOST", "_MOST_PER_HOUR", "_MOST_BYTES")
)
USABLE = {
    "AzureWebJobsStorage": CONNECTION,
    "AUDIT_PROFILES": NAME,
    "STUCK_UPLOADS_DATABASE": "postgresql://reader:pa55word@db.example:5432/uploads",
    "STUCK_UPLOADS_PREFECT": "https://prefect.example/api",
    "STUCK_UPLOADS_REPAIR_PREFECT": "https://prefect.example/api",
    "STUCK_UPLOADS_BUCKET": "s3://bucket",
    "STUCK_UPLOADS_DEPLOYMENT": "process-video/production",
    f"AUDIT_SCHEDULE__{WORD}": "0 */15 * * * *",
}


def load(more: dict[str, str] | None = None, *without: str) -> Settings:
    given = USABLE | (more or {})
    return load_settings({name: value for name, value in given.items() if name not in without})


def problems(more: dict[str, str], *without: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(more, *without)
    return str(caught.value)


def test_nothing_is_approved_without_a_setting() -> None:
    settings = load()
    assert (settings.policies, settings.policies_paused, settings.policy_of(NAME)) == ({}, (), None)
    assert not settings.still_approves(NAME, NamedPolicy(AUTO, "start_run", "any"))


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_is_not_set(blank: str) -> None:
    assert load({AUTO: blank, MOST: blank, PER_HOUR: blank}).policies == {}


def test_a_repair_that_is_named_is_approved_within_limits() -> None:
    policy = load({AUTO: "start_run"}).policy_of(NAME)
    assert policy == Policy(NAME, AUTO, "start_run", ("start_run",), DEFAULT_MOST, DEFAULT_MOST_PER_HOUR)
    limited = load({AUTO: " start_run ", MOST: "1", PER_HOUR: "500"}).policy_of(NAME)
    assert limited == Policy(NAME, AUTO, "start_run", ("start_run",), 1, 500)


def test_a_repair_that_is_named_twice_is_approved_once() -> None:
    policy = load({AUTO: "start_run, start_run"}).policy_of(NAME)
    assert policy is not None
    assert policy.repairs == ("start_run",)


def test_the_schedule_of_the_default_profile_will_do() -> None:
    given = {AUTO: "start_run", "AUDIT_SCHEDULE": "0 0 3 * * *"}
    assert load(given, f"AUDIT_SCHEDULE__{WORD}").policy_of(NAME) is not None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"AUDIT_AUTO_REPAIR__OTHER": "start_run"}, "AUDIT_AUTO_REPAIR__OTHER names no profile that is enabled"),
        ({"AUDIT_AUTO_REPAIR_MOST__OTHER": "1"}, "AUDIT_AUTO_REPAIR_MOST__OTHER names no profile that is enabled"),
        (
            {"AUDIT_AUTO_REPAIR_MOST_PER_HOUR__OTHER": "1"},
            "AUDIT_AUTO_REPAIR_MOST_PER_HOUR__OTHER names no profile that is enabled",
        ),
        ({AUTO: "mark_processed"}, f"{AUTO} has 'mark_processed': give any of start_run"),
        ({AUTO: "start_run,mark_processed"}, f"{AUTO} has 'mark_processed': give any of start_run"),
        ({AUTO: "true"}, f"{AUTO} has 'true': give any of start_run"),
        ({AUTO: ","}, f"{AUTO} names no repair: give any of start_run"),
        ({MOST: "5"}, f"name its repairs in {AUTO}"),
        ({PER_HOUR: "5"}, f"name its repairs in {AUTO}"),
        ({BYTES: "5"}, f"name its repairs in {AUTO}"),
        ({AUTO: "start_run", MOST: "0"}, f"{MOST} is '0': give a whole number from 1 to {MOST_CHANGES}"),
        ({AUTO: "start_run", MOST: f"{MOST_CHANGES + 1}"}, f"{MOST} is '{MOST_CHANGES + 1}'"),
        ({AUTO: "start_run", PER_HOUR: "-1"}, f"{PER_HOUR} is '-1'"),
        ({AUTO: "start_run", PER_HOUR: "many"}, f"{PER_HOUR} is 'many'"),
        (
            {"AUDIT_AUTO_REPAIRS_PAUSED": "other"},
            "AUDIT_AUTO_REPAIRS_PAUSED has 'other': give any of all, stuck-uploads",
        ),
    ],
)
def test_what_could_never_do_what_it_says_is_a_problem(given: dict[str, str], told: str) -> None:
    assert told in problems(given)


def test_a_policy_without_a_schedule_is_a_problem() -> None:
    assert f"give AUDIT_SCHEDULE__{WORD}" in problems({AUTO: "start_run"}, f"AUDIT_SCHEDULE__{WORD}")


def test_a_policy_without_the_connection_of_its_repair_is_a_problem() -> None:
    told = problems({AUTO: "start_run"}, "STUCK_UPLOADS_REPAIR_PREFECT")
    assert f"{AUTO} needs STUCK_UPLOADS_REPAIR_PREFECT, which is not set" in told


def test_a_profile_of_which_no_repair_may_be_approved_by_policy_says_so() -> None:
    pre = {
        "AUDIT_PROFILES": "pre-capture-sessions",
        "SOURCE_STORAGE": CONNECTION,
        "PRE_DATABASE": "postgresql://reader:pa55word@db.example:5432/pre",
        "AUDIT_SCHEDULE": "0 0 3 * * *",
        "AUDIT_AUTO_REPAIR__PRE_CAPTURE_SESSIONS": "register_recording",
    }
    told = problems(pre, f"AUDIT_SCHEDULE__{WORD}")
    assert "no repair of pre-capture-sessions may be approved by a policy" in told


@pytest.mark.parametrize("variable", ["AUDIT_AUTO_REPAIRS_PAUSED", "AUDIT_SCHEDULES_PAUSED"])
@pytest.mark.parametrize("text", ["all", NAME, f" {NAME} , all"])
def test_either_pause_stops_it_and_leaves_it_to_be_seen(variable: str, text: str) -> None:
    settings = load({AUTO: "start_run", variable: text})
    policy = settings.policies[NAME]
    assert settings.policy_of(NAME) is None
    assert not settings.still_approves(NAME, policy.named())
    assert (NAME in settings.schedules_paused) is (variable == "AUDIT_SCHEDULES_PAUSED")


@given(
    st.tuples(st.integers(1, MOST_CHANGES), st.integers(1, MOST_CHANGES)),
    st.tuples(st.integers(1, MOST_CHANGES), st.integers(1, MOST_CHANGES)),
)
def test_a_plan_rests_on_the_policy_to_the_letter(then: tuple[int, int], now: tuple[int, int]) -> None:
    before, after = (
        load({AUTO: "start_run", MOST: str(most), PER_HOUR: str(per_hour)}) for most, per_hour in (then, now)
    )
    assert after.still_approves(NAME, before.policies[NAME].named()) is (then == now)


def copying() -> dict[str, Profile]:
    """A profile whose repairs copy something."""
    profile = copy(profile_for())
    profile.repairs = tuple(replace(one, by_bytes=one.by_policy) for one in profile.repairs)
    return {NAME: profile}


def policy_of(given: dict[str, str], profiles: dict[str, Profile]) -> tuple[Policy, list[str]]:
    read = SettingsReader(USABLE | {AUTO: "start_run"} | given)
    return unattended(read, profiles, list(USABLE))["policies"][NAME], read.problems


@pytest.mark.parametrize(
    ("text", "most_bytes"), [("", DEFAULT_MOST_BYTES), ("1", 1), ("250000000000", 250_000_000_000)]
)
def test_where_something_is_copied_the_bytes_have_a_limit_also_without_a_setting(text: str, most_bytes: int) -> None:
    policy, told = policy_of({BYTES: text}, copying())
    assert (policy.most_bytes, told) == (most_bytes, [])


@pytest.mark.parametrize("text", ["0", "-1", "10 GB", "10000000000001", "1e9"])
def test_a_limit_of_bytes_is_a_whole_number_of_them(text: str) -> None:
    _, [told] = policy_of({BYTES: text}, copying())
    assert told == f"{BYTES} is {text!r}: give a whole number from 1 to 10000000000000"


def test_a_limit_of_bytes_where_nothing_is_copied_is_a_problem() -> None:
    told = problems({AUTO: "start_run", BYTES: "1000"})
    assert f"{BYTES} limits what is copied, and no repair in {AUTO} copies anything" in told
    policy = load({AUTO: "start_run"}).policy_of(NAME)
    assert policy is not None
    assert policy.most_bytes is None


def test_no_secret_is_told_with_a_problem() -> None:
    told = problems({AUTO: f"AccountKey={SECRET}"})
    assert SECRET not in told
