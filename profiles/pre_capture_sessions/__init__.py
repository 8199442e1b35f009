"""PRE: capture sessions that the database calls stuck or empty, against the final account's containers.

Facts about PRE behind the rules: a container of the final account is named after its recording's id; the session's id
stands in the name of its tracks; ``recordings`` holds a row for every registered one. pre-api registers a recording in
the memory of one HTTP request, so a redeployment during the encode leaves the media in storage and no row behind.
"""

from profiles.pre_capture_sessions import containers, look_up, queries, recordings, sessions
from reconciliation.profile import Profile

PROFILE = Profile(
    name="pre-capture-sessions",
    title="PRE capture sessions",
    description=(
        "Sessions that the database calls stuck, failed or empty, against the encoded recordings of the final account, "
        "and the registered recordings against their containers."
    ),
    database="PRE_DATABASE",
    storage="SOURCE_STORAGE",
    statuses=queries.STATUSES,
    default_statuses=queries.DEFAULT_STATUSES,
    default_grace_minutes=60,
    candidates=queries.candidates,
    registered=queries.registered,
    sessions_again=queries.sessions_again,
    recordings_again=queries.recordings_again,
    look_up=look_up.look_up,
    session_rules=sessions.RULES,
    container_rules=containers.RULES,
    recording_rules=recordings.RULES,
)
