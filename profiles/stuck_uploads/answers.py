"""Reading Prefect's answers, and pages of them: what is of another shape is an error, never an empty answer."""

from collections.abc import Mapping
from typing import Any

from reconciliation.errors import ListingError
from reconciliation.queries import HttpAnswer, HttpCall

Json = dict[str, Any]


def object_in(answer: HttpAnswer) -> Json:
    """Raises ``ListingError`` for anything but an object."""
    if not isinstance(answer.body, dict):
        raise ListingError("Prefect answered with something else than an object.")
    return answer.body


def list_in(answer: HttpAnswer) -> list[Json]:
    """Raises ``ListingError`` for anything but a list of objects."""
    if not isinstance(answer.body, list) or not all(isinstance(one, dict) for one in answer.body):
        raise ListingError("Prefect answered with something else than a list of objects.")
    return answer.body


def text_in(one: Mapping[str, Any], member: str) -> str:
    """Raises ``ListingError`` for anything but a text that is not empty."""
    value = one.get(member)
    if not isinstance(value, str) or not value:
        raise ListingError(f"Prefect gave something whose {member} is no text.")
    return value


def video_named_in(run: Json) -> Any:
    """What the parameters of a run give as its ``video_id``, whatever that is; None if they give none."""
    parameters = run.get("parameters")
    return parameters.get("video_id") if isinstance(parameters, dict) else None


class PagesOfRuns:
    """The pages of the runs of some flows that a filter holds: ``call`` asks for the next one, ``take`` reads it.

    They ascend by ``expected_start_time``, which never changes once it is set, and each page begins at the last moment
    of the one before: whatever comes and goes meanwhile, a run that is there throughout is in one of them. It may be in
    several.
    """

    def __init__(self, flows: Json, runs_filter: Json) -> None:
        self._flows, self._filter, self._cursor, self._offset = flows, runs_filter, "", 0

    @property
    def call(self) -> HttpCall:
        wanted = {"flows": self._flows, "flow_runs": self._from_cursor()}
        return HttpCall("/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC", "offset": self._offset, **wanted})

    def take(self, answer: HttpAnswer) -> list[Json]:
        """The runs of a page; an empty one is the end. Raises ``ListingError``."""
        page = list_in(answer)
        if page:
            last = text_in(page[-1], "expected_start_time")
            if last != self._cursor:
                self._cursor, self._offset = last, 0
            else:
                self._offset += len(page)
        return page

    def _from_cursor(self) -> Json:
        if not self._cursor:
            return self._filter
        bounds = {**self._filter.get("expected_start_time", {}), "after_": self._cursor}
        return self._filter | {"expected_start_time": bounds}
