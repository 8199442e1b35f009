"""The profiles that this app audits, by the setting AUDIT_PROFILES.

Nothing else imports a profile by its name, so that a new one is a package and a word in a setting.
"""

from collections.abc import Mapping
from importlib import import_module

from reconciliation.errors import SettingsError
from reconciliation.profile import Profile
from reconciliation.soundness import problems

VARIABLE = "AUDIT_PROFILES"
DEFAULT = "pre-capture-sessions"


def enabled_profiles(environment: Mapping[str, str]) -> dict[str, Profile]:
    """The profiles by name, in the order of the setting; the first is the one that is audited unless another is named.

    An entry is the name of a package in ``profiles/`` (hyphens stand for its underscores) whose ``PROFILE`` is meant,
    or ``module:NAME``. Raises ``SettingsError`` for one that cannot be found, or is there twice.
    """
    entries = [entry.strip() for entry in environment.get(VARIABLE, "").split(",") if entry.strip()] or [DEFAULT]
    profiles: dict[str, Profile] = {}
    for entry in entries:
        profile = _load(entry)
        if profile.name in profiles:
            raise SettingsError(f"{VARIABLE} names the profile {profile.name} twice: give each once")
        profiles[profile.name] = profile
    return profiles


def _load(entry: str) -> Profile:
    module, _, name = entry.partition(":")
    path = module if name else f"profiles.{module.replace('-', '_')}"
    try:
        profile = getattr(import_module(path), name or "PROFILE")
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingsError(
            f"{VARIABLE} has {entry[:80]!r}, which cannot be loaded ({type(error).__name__}): give the names of "
            "packages in profiles/, or module:NAME, with commas between"
        ) from error
    if not isinstance(profile, Profile):
        raise SettingsError(f"{VARIABLE} has {entry[:80]!r}, which is no profile: give module:NAME of one")
    if wrong := list(problems(profile)):
        raise SettingsError(f"{VARIABLE} has {entry[:80]!r}, which cannot be audited: {'; '.join(wrong)}")
    return profile
