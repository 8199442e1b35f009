import pytest

from adapters.enabled import enabled_profiles
from adapters.settings import load_settings
from profiles.pre_capture_sessions import PROFILE
from reconciliation.errors import SettingsError

HERE = "tests.adapters.test_enabled"
OTHER = "tests.adapters.other_profile:OTHER"
NEEDED = {
    "SOURCE_STORAGE": "UseDevelopmentStorage=true",
    "REPORT_STORAGE": "UseDevelopmentStorage=true",
    "PRE_DATABASE": "postgresql://a@b/c",
    "LEDGER_DATABASE": "postgresql://a@b/c",
}


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " , ",
        "pre-capture-sessions",
        "pre_capture_sessions",
        " pre-capture-sessions ,",
        "profiles.pre_capture_sessions:PROFILE",
    ],
)
def test_pre_is_enabled_unless_others_are_and_may_be_named_in_two_ways(text: str | None) -> None:
    environment = {} if text is None else {"AUDIT_PROFILES": text}
    assert enabled_profiles(environment) == {"pre-capture-sessions": PROFILE}


def test_the_order_is_that_of_the_setting() -> None:
    both = f"{OTHER}, pre-capture-sessions"
    assert list(enabled_profiles({"AUDIT_PROFILES": both})) == ["other", "pre-capture-sessions"]
    assert list(enabled_profiles({"AUDIT_PROFILES": f"pre-capture-sessions,{OTHER}"})) == [
        "pre-capture-sessions",
        "other",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nobody", "has 'nobody', which cannot be loaded .ModuleNotFoundError.: give the names of packages"),
        ("../evil", "which cannot be loaded"),
        ("a..b:C", "which cannot be loaded"),
        (":PROFILE", "which cannot be loaded"),
        (f"{HERE}:NOBODY", "which cannot be loaded .AttributeError."),
        (f"{HERE}:", "which cannot be loaded"),
        (f"{HERE}:NEEDED", "which is no profile: give module:NAME of one"),
        ("json:loads", "which is no profile"),
        ("tests.adapters.other_profile:LATE", "cannot be audited: of its sources none is read before the scan"),
        ("pre-capture-sessions,pre_capture_sessions", "names the profile pre-capture-sessions twice: give each once"),
        ("x" * 500, "AUDIT_PROFILES has '" + "x" * 80 + "',"),
    ],
)
def test_what_cannot_be_enabled_is_told_with_what_would_be_right(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        enabled_profiles({"AUDIT_PROFILES": text})
    with pytest.raises(SettingsError, match=told):
        load_settings({**NEEDED, "AUDIT_PROFILES": text})


def test_what_is_scheduled_is_one_of_the_enabled_and_in_one_of_its_modes() -> None:
    both = {**NEEDED, "AUDIT_PROFILES": f"pre-capture-sessions,{OTHER}"}
    assert list(load_settings(both).profiles) == ["pre-capture-sessions", "other"]
    assert load_settings({**both, "AUDIT_SCHEDULED_PROFILE": "other"}).scheduled_profile == "other"
    deep = load_settings({**both, "AUDIT_SCHEDULED_PROFILE": "other", "AUDIT_SCHEDULED_MODE": "deep"})
    assert deep.scheduled_mode == "deep"
    with pytest.raises(SettingsError, match="AUDIT_SCHEDULED_MODE is 'deep': give one of full, fast"):
        load_settings({**both, "AUDIT_SCHEDULED_MODE": "deep"})
    with pytest.raises(SettingsError, match="AUDIT_SCHEDULED_PROFILE is 'other': give one of pre-capture-sessions"):
        load_settings({**NEEDED, "AUDIT_SCHEDULED_PROFILE": "other"})
