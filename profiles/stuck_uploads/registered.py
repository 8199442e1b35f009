"""Which runs of a flow are those of a deployment, whatever its id was when they were made."""

from collections.abc import Generator, Mapping
from urllib.parse import quote

from profiles.stuck_uploads.answers import Json, object_in, text_in
from reconciliation.errors import ListingError
from reconciliation.queries import HttpAnswer, HttpCall

_FOUND, _NOT_FOUND = 200, 404


class Registered:
    """The deployments whose runs are wanted: what their runs are for, by the ids of the deployments and of their flows.

    A deployment that is deleted and registered again has another id then. Its runs that had begun keep the old one,
    which names nothing any more, and work on; Prefect deletes only those that were just scheduled. So a run of the flow
    is wanted unless it is of another deployment that is there: that is another environment's.
    """

    def __init__(self, by_id: Mapping[str, str], by_flow: Mapping[str, str]) -> None:
        self._by_flow = by_flow
        self._by_id: dict[str, str | None] = {**by_id}

    @property
    def flows(self) -> Json:
        """The filter of the flows."""
        return {"id": {"any_": [*self._by_flow]}}

    def of(self, run: Json) -> Generator[HttpCall, HttpAnswer, str | None]:
        """What a run is for; None if it is another deployment's. Raises ``ListingError`` for one of another flow."""
        flow = text_in(run, "flow_id")
        if flow not in self._by_flow:
            raise ListingError("The API gave a run of another flow than those that were asked for.")
        if run.get("deployment_id") is None:
            return self._by_flow[flow]
        deployment = text_in(run, "deployment_id")
        if deployment not in self._by_id:
            answer = yield HttpCall(f"/deployments/{quote(deployment, safe='')}", expects=(_FOUND, _NOT_FOUND))
            is_there = answer.status == _FOUND and text_in(object_in(answer), "id") == deployment
            self._by_id[deployment] = None if is_there else self._by_flow[flow]
        return self._by_id[deployment]
