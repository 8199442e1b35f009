"""The profiles that this app audits, by the setting AUDIT_PROFILES.

Nothing else imports a profile by name, so adding one takes a package and a word in a setting.
"""

import re
from collections.abc import Mapping
from importlib import import_module

from reconciliation.errors import SettingsError
from reconciliation.profile import Profile
from reconciliation.soundness import problems

VARIABLE = "AUDIT_PROFILES"
DEFAULT = "pre-capture-sessions"


def enabled_profiles(environment: Mapping[str, str]) -> dict[str, Profile]:
    """The profiles by name, in the order of the setting; the first is the default of requests.

    An entry is the name of a package in ``profiles/`` (with hyphens for underscores), for its ``PROFILE``, or
    ``module:NAME``. Each has the values of its own settings; where one is not usable, which ``load_settings`` reports,
    its default. Raises ``SettingsError`` for one that cannot be loaded, or is named twice.
    """
    entries = [entry.strip() for entry in environment.get(VARIABLE, "").split(",") if entry.strip()] or [DEFAULT]
    profiles: dict[str, Profile] = {}
    for entry in entries:
        profile = _configured(_load(entry), environment)
        if profile.name in profiles:
            raise SettingsError(f"{VARIABLE} names the profile {profile.name} twice: give each once")
        profiles[profile.name] = profile
    return profiles


def _configured(profile: Profile, environment: Mapping[str, str]) -> Profile:
    texts = {one.name: environment.get(one.name, "").strip() for one in profile.settings}
    given = {
        one.name: texts[one.name] if re.fullmatch(one.form, texts[one.name]) else one.default or ""
        for one in profile.settings
    }
    return profile.configured(given) if given else profile


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
