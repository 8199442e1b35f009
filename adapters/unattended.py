"""What the app does without anybody asking: which audits timers start, what they clear away, and what a policy repairs.

A setting of a single profile ends with its name in capitals, such as ``AUDIT_SCHEDULE__STUCK_UPLOADS``.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.schedules import MODE, SCHEDULE, scheduled_words, word_of
from adapters.settings_reader import SettingsReader
from reconciliation.policy import Policy
from reconciliation.profile import Profile
from reconciliation.repair import MOST_CHANGES

# When timers fire, in NCRONTAB; read where they are registered, since the host must know before anything runs.
SCHEDULES: dict[str, str] = {"AUDIT_SCHEDULE": "", "AUDIT_WATCHDOG_SCHEDULE": "0 */5 * * * *"}
AUTO_REPAIR, MOST, MOST_PER_HOUR, MOST_BYTES = (
    "AUDIT_AUTO_REPAIR__",
    "AUDIT_AUTO_REPAIR_MOST__",
    "AUDIT_AUTO_REPAIR_MOST_PER_HOUR__",
    "AUDIT_AUTO_REPAIR_MOST_BYTES__",
)
"""What the settings begin with that approve repairs by policy, and how many."""
SHOWN = {
    SCHEDULE: "AUDIT_SCHEDULE__<PROFILE>",
    MODE: "AUDIT_SCHEDULED_MODE__<PROFILE>",
    AUTO_REPAIR: "AUDIT_AUTO_REPAIR__<PROFILE>",
    MOST: "AUDIT_AUTO_REPAIR_MOST__<PROFILE>",
    MOST_PER_HOUR: "AUDIT_AUTO_REPAIR_MOST_PER_HOUR__<PROFILE>",
    MOST_BYTES: "AUDIT_AUTO_REPAIR_MOST_BYTES__<PROFILE>",
}
"""What documents call the settings of a single profile."""
DEFAULT_MOST, DEFAULT_MOST_PER_HOUR, DEFAULT_MOST_BYTES = 10, 20, 1_000_000_000
DEFAULT_RETENTION_DAYS = 90
_MOST_RETENTION_DAYS = 3650
_MOST_BYTES = 10**13
_ALL = "all"
# NCRONTAB with its six fields, or five without seconds; a TimeSpan; the name of another setting.
_SCHEDULE = re.compile(r"[\w*/,?#-]+( +[\w*/,?#-]+){4,5}|[0-9.]+(:[0-9.]+){2}|%[^%]+%", re.ASCII)
_NCRONTAB = "six fields in NCRONTAB, such as 0 0 3 * * *"


def unattended(read: SettingsReader, profiles: Mapping[str, Profile], connected: Sequence[str]) -> dict[str, Any]:
    """The fields of ``Settings`` about it; ``connected`` are the settings of connections that are given."""
    for variable in SCHEDULES:
        read.like(variable, _SCHEDULE.fullmatch, _NCRONTAB)
    _known(read, profiles)
    chosen = read.one_of("AUDIT_SCHEDULED_PROFILE", tuple(profiles)) if profiles else None
    audited = profiles.get(chosen or "") or next(iter(profiles.values()), None)
    mode = read.one_of("AUDIT_SCHEDULED_MODE", audited.modes) if audited else None
    own_schedules = _own_schedules(read, profiles, audited)
    scheduled = set(own_schedules)
    if audited is not None and read.text("AUDIT_SCHEDULE") is not None:
        scheduled.add(audited.name)
    retention = read.days_of("AUDIT_RETENTION_DAYS", tuple(profiles), _MOST_RETENTION_DAYS)
    return {
        "scheduled_profile": chosen,
        "scheduled_mode": mode,
        "schedules_paused": _paused(read, "AUDIT_SCHEDULES_PAUSED", profiles),
        "own_schedules": own_schedules,
        "policies": _policies(read, profiles, scheduled, connected),
        "policies_paused": _paused(read, "AUDIT_AUTO_REPAIRS_PAUSED", profiles),
        "retention_days": retention.pop("", DEFAULT_RETENTION_DAYS),
        "own_retention_days": retention,
    }


def _paused(read: SettingsReader, variable: str, profiles: Mapping[str, Profile]) -> tuple[str, ...]:
    paused = read.some_of(variable, (_ALL, *profiles)) if profiles else ()
    return tuple(profiles) if _ALL in paused else paused


def _known(read: SettingsReader, profiles: Mapping[str, Profile]) -> None:
    """A setting of a single profile whose name is that of none is a problem: what it asks for would never happen."""
    words = [word_of(name) for name in profiles]
    for begins in SHOWN:
        for word in scheduled_words(read.environment, begins):
            if profiles and word not in words:
                allowed = ", ".join(f"{begins}{one}" for one in words)
                read.problems.append(f"{begins}{word[:40]} names no profile that is enabled: give any of {allowed}")


def _own_schedules(
    read: SettingsReader, profiles: Mapping[str, Profile], by_default: Profile | None
) -> dict[str, str | None]:
    """The profiles with a schedule of their own, and the mode of their audits (None: the first). ``by_default`` is the
    profile of ``AUDIT_SCHEDULE``.
    """
    found = dict[str, str | None]()
    for profile in profiles.values():
        word = word_of(profile.name)
        mode = read.one_of(f"{MODE}{word}", profile.modes)
        if read.like(f"{SCHEDULE}{word}", _SCHEDULE.fullmatch, _NCRONTAB) is not None:
            found[profile.name] = mode
    if by_default is not None and by_default.name in found and read.text("AUDIT_SCHEDULE") is not None:
        both = f"AUDIT_SCHEDULE and {SCHEDULE}{word_of(by_default.name)}"
        read.problems.append(
            f"{both} are both a schedule of {by_default.name}: give one of them, or another profile in "
            "AUDIT_SCHEDULED_PROFILE"
        )
    return found


def _policies(
    read: SettingsReader, profiles: Mapping[str, Profile], scheduled: set[str], connected: Sequence[str]
) -> dict[str, Policy]:
    """The policies that are switched on. One that could never do anything is a problem, as is a limit without one."""
    found = dict[str, Policy]()
    for profile in profiles.values():
        word = word_of(profile.name)
        variable = f"{AUTO_REPAIR}{word}"
        most = read.number(f"{MOST}{word}", 1, MOST_CHANGES)
        most_per_hour = read.number(f"{MOST_PER_HOUR}{word}", 1, MOST_CHANGES)
        most_bytes = read.number(f"{MOST_BYTES}{word}", 1, _MOST_BYTES)
        value = read.text(variable)
        if value is None:
            if most or most_per_hour or most_bytes:
                read.problems.append(f"{MOST}{word} and the like limit a policy: name its repairs in {variable}")
            continue
        allowed = [repair for repair in profile.repairs if repair.by_policy]
        if not allowed:
            read.problems.append(f"{variable} is set, and no repair of {profile.name} may be approved by a policy")
            continue
        names = [one.name for one in allowed]
        repairs = tuple(dict.fromkeys(read.some_of(variable, names)))
        if not repairs:
            read.problems.append(f"{variable} names no repair: give any of {', '.join(names)}")
        if profile.name not in scheduled:
            read.problems.append(
                f"{variable} repairs what a scheduled audit finds, and nothing audits {profile.name} by itself: give "
                f"{SCHEDULE}{word}"
            )
        needed = [setting for one in allowed if one.name in repairs for setting in one.settings]
        missing = [setting for setting in needed if setting not in connected]
        read.problems += [f"{variable} needs {one}, which is not set" for one in dict.fromkeys(missing)]
        copies = any(one.by_bytes for one in allowed if one.name in repairs)
        if most_bytes and not copies:
            read.problems.append(
                f"{MOST_BYTES}{word} limits what is copied, and no repair in {variable} copies anything"
            )
        found[profile.name] = Policy(
            profile.name,
            variable,
            value,
            repairs,
            most or DEFAULT_MOST,
            most_per_hour or DEFAULT_MOST_PER_HOUR,
            (most_bytes or DEFAULT_MOST_BYTES) if copies else None,
        )
    return found
