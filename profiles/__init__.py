"""The audited systems. To add one, write a module beside this file and name its profile here."""

from profiles import pre_capture_sessions
from reconciliation.profile import Profile

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (pre_capture_sessions.PROFILE,)}
DEFAULT_PROFILE = pre_capture_sessions.PROFILE.name
