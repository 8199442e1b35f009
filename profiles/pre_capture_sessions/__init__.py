"""PRE: capture sessions that the database calls stuck or empty, against the final account's containers.

Facts about PRE behind the rules: a container of the final account is named after its recording's id; the session's id
stands in the name of its tracks; ``recordings`` holds a row for every registered one. pre-api registers a recording in
the memory of one HTTP request, so a redeployment during the encode leaves the media in storage and no row behind.
"""

from profiles.pre_capture_sessions import look_up, queries
from profiles.pre_capture_sessions.evidence import ContainerEvidence
from profiles.pre_capture_sessions.kinds import KINDS
from profiles.pre_capture_sessions.options import MODES, OPTIONS
from profiles.pre_capture_sessions.showing import SHOWING
from profiles.pre_capture_sessions.wording import WORDING
from reconciliation.profile import Profile

PROFILE = Profile(
    name="pre-capture-sessions",
    title="PRE capture sessions",
    description=(
        "Sessions that the database calls stuck, failed or empty, against the encoded recordings of the final account, "
        "and the registered recordings against their containers."
    ),
    wording=WORDING,
    showing=SHOWING,
    database="PRE_DATABASE",
    storage="SOURCE_STORAGE",
    modes=MODES,
    options=OPTIONS,
    default_grace_minutes=60,
    candidates=queries.candidates,
    registered=queries.registered,
    sessions_again=queries.sessions_again,
    recordings_again=queries.recordings_again,
    look_up=look_up.look_up,
    unpack=ContainerEvidence.from_json,
    kinds=KINDS,
)
