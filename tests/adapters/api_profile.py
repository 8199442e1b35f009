"""A profile that reads the jobs of an HTTP API."""

from profiles.pre_capture_sessions import PROFILE
from reconciliation.profile import Join, Source, api, storage
from reconciliation.queries import Conversation, HttpCall, HttpRows
from tests.adapters.other_profile import Other


def jobs() -> Conversation:
    answer = yield HttpCall("flow_runs/filter", {"limit": 1})
    yield [*answer.body]


class Talking(Other):
    """Jobs that an API knows."""

    name = "talking"
    wording = PROFILE.wording
    connections = (storage("SOURCE_STORAGE"), api("JOBS_API", "jobs"))
    sources = (Source("jobs", "JOBS_API", lambda _asked, _moments: HttpRows(jobs)),)
    joins = (Join("jobs", (("jobs", str),)),)


class Perhaps(Talking):
    """As the other one, where there is such an API."""

    name = "perhaps"
    connections = (storage("SOURCE_STORAGE"), api("JOBS_API", "jobs", needed=False))


TALKING, PERHAPS = Talking(), Perhaps()
