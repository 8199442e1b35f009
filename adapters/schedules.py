"""The schedules of single profiles: a setting each, whose name ends with that of the profile."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

SCHEDULE, MODE = "AUDIT_SCHEDULE__", "AUDIT_SCHEDULED_MODE__"
"""What the settings begin with that say when a profile is audited by itself, and in which mode."""
_OF_FUNCTIONS = re.compile(r"[A-Z0-9_]{1,80}")


class ProfileTimer(NamedTuple):
    """A timer to register: what its setting's name ends with, when it fires, and the name of its function."""

    word: str
    schedule: str
    function: str


def word_of(profile: str) -> str:
    """How the name of a profile is written at the end of a setting's name."""
    return profile.upper().replace("-", "_")


def scheduled_words(environment: Mapping[str, str], begins: str = SCHEDULE) -> dict[str, str]:
    """The settings that begin so and are not blank: what their names end with, and their values."""
    return {
        name.removeprefix(begins): text.strip()
        for name, text in sorted(environment.items())
        if name.startswith(begins) and text.strip()
    }


def profile_timers(environment: Mapping[str, str]) -> Iterator[ProfileTimer]:
    """The timers of profiles with schedules of their own. It loads no profile, since the host asks for the timers
    before anything runs: a name that is none is a problem of the settings, and its timer does not start anything.
    """
    for word, schedule in scheduled_words(environment).items():
        if _OF_FUNCTIONS.fullmatch(word):
            yield ProfileTimer(word, schedule, f"scheduled_audit_{word.lower()}")


def profile_of(word: str, profiles: Sequence[str]) -> str:
    """The profile whose name is written so at the end of a setting's name. Raises ``KeyError`` if there is none."""
    return {word_of(name): name for name in profiles}[word]
