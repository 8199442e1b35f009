"""PRE: capture sessions that the database calls stuck or empty, against the final account's containers.

Facts about PRE behind the rules: a container of the final account is named after its recording's id; the session's id
stands in the name of its tracks; ``recordings`` holds a row for every registered one. pre-api registers a recording in
the memory of one HTTP request, so a redeployment during the encode leaves the media in storage and no row behind.
"""

from profiles.pre_capture_sessions.profile import PreCaptureSessions

PROFILE = PreCaptureSessions()
