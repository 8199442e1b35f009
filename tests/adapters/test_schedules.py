from adapters.schedules import ProfileTimer, profile_of, profile_timers, word_of

QUARTERLY = "0 */15 * * * *"


def test_each_profile_with_a_schedule_has_a_timer_with_a_name_of_its_own() -> None:
    environment = {
        "AUDIT_SCHEDULE": "0 0 3 * * *",
        "AUDIT_SCHEDULE__STUCK_UPLOADS": f" {QUARTERLY} ",
        "AUDIT_SCHEDULE__PRE_CAPTURE_SESSIONS": "",
        "AUDIT_SCHEDULED_MODE__STUCK_UPLOADS": "fast",
    }
    assert list(profile_timers(environment)) == [
        ProfileTimer("STUCK_UPLOADS", QUARTERLY, "scheduled_audit_stuck_uploads")
    ]


def test_a_name_that_no_function_can_have_registers_none() -> None:
    names = ("AUDIT_SCHEDULE__a-b", "AUDIT_SCHEDULE__", "AUDIT_SCHEDULE__A.B")
    assert list(profile_timers(dict.fromkeys(names, QUARTERLY))) == []


def test_a_profile_is_found_by_how_it_is_written() -> None:
    profiles = ("pre-capture-sessions", "stuck-uploads")
    assert [profile_of(word_of(name), profiles) for name in profiles] == list(profiles)
